"""Blocks of TDT tanks (Synapse, OpenEx): streams, epocs, scalars, and the times of snippets.

Read here and not by the package ``tdt``, which puts zeros where samples are missing and an end where an epoc has none, nor by neo,
which cannot open the blocks of fibre photometry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records import Channel, EventLine, Recording
from bergmann.registry import Format, Inputs, Source, expand, natural_order
from bergmann.signals import _tdt as tank
from bergmann.signals._names import distinct_names
from bergmann.signals._one_file import one_file
from bergmann.signals._tdt import Pieces, Store, TdtBlock, read_block
from bergmann.signals._together import ChannelNames, Grid, chosen_parts
from bergmann.signals._turns import take_turns
from bergmann.timing.times import ExplicitTimes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

RESOLUTION = 2.0**-22
"""To what a double holds seconds since 1970."""


class TdtSource(Source):
    """A block of a TDT tank.

    Attributes
    ----------
    path : Path
        The folder of the block, or its .tsq file.
    only : tuple of str, optional
        The channels and epocs that are meant, where not all streams were sampled together, or not all are wanted. The name of a
        store with several channels means all of them.
    cut : {"refuse", "keep"}
        What to do with a block that was not closed, or whose samples are not all there: ``keep`` uses those that are.
    """

    format: Literal["tdt"] = "tdt"
    path: Path
    only: ChannelNames = ()
    cut: Literal["refuse", "keep"] = "refuse"


def find(folder: Path) -> Iterator[TdtSource]:
    """Find the blocks of tanks in a folder and the folders below, by their indices."""
    for path in sorted(folder.rglob("*.[tT][sS][qQ]"), key=natural_order):
        if path.is_file() and tank.is_index(path):
            yield TdtSource(path=path)


def read(source: TdtSource, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Read the index of a block; samples stay in the .tev file.

    Times count from the start of the block, whose start is in UTC. A store of several channels gives ``Name 1``, ``Name 2``. Where
    samples of a stream are missing, a sweep begins. Epocs with stored ends have durations; of the others, only the beginnings are
    known. Scalars and the sort codes of snippets are values of events.

    Raises
    ------
    SourceError
        If the block is missing, its index is of something else, was cut or not closed; if samples that are meant are not in the
        .tev file; if there is no such channel; if the streams that are meant were not sampled together.
    """
    block = read_block(_index(source.path))
    if not block.is_whole and source.cut == "refuse":
        raise SourceError(
            f"{block.tsq.name}: there is no mark of the end of the block; was the index cut, or did the program end before it? "
            "Copy it again, or state `cut: keep` to use what is there"
        )
    named = _named(block)
    streams = {name: one for name, one in named.items() if one.kind == tank.STREAM and not one.in_own_files}
    lines = _lines(block, named)
    wanted = _wanted(block, source.only, named)
    tev, n_bytes = _samples(block)
    kept = {name: _there(one, n_bytes) for name, one in streams.items()} if source.cut == "keep" else streams
    grids = {name: _grid(block, name, one) for name, one in kept.items() if len(one.seconds)}
    chosen, chosen_lines = chosen_parts(block.tsq, grids, [line.name for line in lines], wanted)
    for name in chosen:
        _refuse_cut(block, name, kept[name], tev, n_bytes)
    grid = grids[chosen[0]] if chosen else _of_events(block)
    return Recording(
        files=(block.tsq, tev) if chosen else (block.tsq,),
        start=EPOCH + timedelta(microseconds=round(block.start * 1e6)),
        notes=_notes(block, named, {name: len(streams[name].seconds) - len(kept[name].seconds) for name in chosen}),
        rate=grid.rate,
        sweep_starts=ExplicitTimes(np.array(grid.starts)),
        sweep_lengths=np.array(grid.lengths, dtype=np.int64),
        channels=tuple(_channel(tev, name, kept[name]) for name in chosen),
        lines=tuple(line for line in lines if line.name in chosen_lines),
    )


# --- files ------------------------------------------------------------------------------------------------------------


def _index(path: Path) -> Path:
    """The index of the block that a path names.

    Raises
    ------
    SourceError
        If there is none, or several.
    """
    found = expand(path)
    if len(found) > 1 or not found[0].is_dir():
        return one_file(path)
    indices = sorted((one for one in found[0].iterdir() if one.suffix.lower() == ".tsq"), key=natural_order)
    if len(indices) != 1:
        there = ", ".join(one.name for one in indices) or "none"
        raise SourceError(f"{path.name}: a folder with {len(indices)} indices (.tsq: {there}); name the .tsq of one block")
    return indices[0]


def _samples(block: TdtBlock) -> tuple[Path, int]:
    """The .tev file beside an index, and its size; 0 where it is not there."""
    for suffix in (".tev", ".Tev", ".TEV"):
        path = block.tsq.with_suffix(suffix)
        if path.is_file():
            return path, path.stat().st_size
    return block.tsq.with_suffix(".tev"), 0


def _is_there(store: Store, n_bytes: int) -> NDArray[np.bool_]:
    there: NDArray[np.bool_] = (store.places >= 0) & (store.places + store.sizes <= n_bytes)
    return there


def _refuse_cut(block: TdtBlock, name: str, store: Store, tev: Path, n_bytes: int) -> None:
    """Refuse a stream some of whose samples are not in the .tev file.

    Raises
    ------
    SourceError
    """
    is_there = _is_there(store, n_bytes)
    if is_there.all():
        return
    if not tev.is_file():
        raise SourceError(f"{block.tsq.name}: {tev.name}, which has the samples of its streams, is not beside it")
    first = int(np.flatnonzero(~is_there)[0])
    raise SourceError(
        f"{tev.name}: {n_bytes} bytes, and samples of {name} are said to be up to byte {(store.places + store.sizes).max()}: "
        f"{(~is_there).sum()} of {len(is_there)} pieces are not there, from {store.seconds[first] - block.start:.6g} s on. The "
        "file was cut, copy it again; or name by `only:` the channels that are whole, or state `cut: keep` to use what is there"
    )


def _there(store: Store, n_bytes: int) -> Store:
    """The pieces of a stream that are in the .tev file."""
    is_there = _is_there(store, n_bytes)
    if is_there.all():
        return store
    return replace(
        store,
        seconds=store.seconds[is_there],
        places=store.places[is_there],
        sizes=store.sizes[is_there],
        sorts=store.sorts[is_there],
    )


# --- streams ----------------------------------------------------------------------------------------------------------


def _named(block: TdtBlock) -> dict[str, Store]:
    """The stores by name; with the channel behind it where there are several."""
    several = {one.name for one in block.stores if len({other.channel for other in block.stores if other.name == one.name}) > 1}
    ordered = sorted(block.stores, key=lambda one: (one.kind != tank.STREAM, one.name, one.channel))
    names = [f"{one.name} {one.channel}" if one.name in several else one.name for one in ordered]
    return dict(zip(distinct_names(names), ordered, strict=True))  # beginnings and ends of an epoc may share a name


def _wanted(block: TdtBlock, only: tuple[str, ...], named: Mapping[str, Store]) -> tuple[str, ...]:
    """What is asked for, with the channels of a store in place of its name.

    Raises
    ------
    SourceError
        If the samples of one are in files of their own.
    """
    found: list[str] = []
    for one in only:
        of_store = [name for name, store in named.items() if store.name == one and name != one]
        found += of_store or [one]
    for name in found:
        if name in named and named[name].in_own_files:
            raise SourceError(f"{block.tsq.name}: the samples of {name} are in files of their own (.sev), which are not read")
    return tuple(dict.fromkeys(found))


def _grid(block: TdtBlock, name: str, store: Store) -> Grid:
    """When the samples of a stream were taken: a sweep begins with each piece that is not where the one before ended."""
    rate, counts = store.exact_rate, store.sizes // store.dtype.itemsize
    seconds = store.seconds - block.start
    off = (seconds[1:] - seconds[:-1] - counts[:-1] / rate) * rate
    if len(off) and off.min() < -0.5:
        index = int(np.argmin(off))
        raise SourceError(
            f"{block.tsq.name}: piece {index + 2} of {name} begins at {seconds[index + 1]:.6f} s, {-off[index]:.3g} samples before "
            "the end of the one before it; is the index damaged?"
        )
    firsts = np.r_[0, np.flatnonzero(off > 0.5) + 1]
    elapsed = np.cumsum(counts) - counts
    sweep = np.searchsorted(firsts, np.arange(len(counts)), side="right") - 1
    drift = (seconds - seconds[firsts][sweep]) * rate - (elapsed - elapsed[firsts][sweep])
    worst = np.abs(drift).max()
    if worst > 0.5:
        raise SourceError(
            f"{block.tsq.name}: the pieces of {name} are up to {worst:.3g} samples from where {rate:.9g} Hz puts them; its samples "
            "are at no constant rate"
        )
    return Grid(rate, tuple(seconds[firsts].tolist()), tuple(np.add.reduceat(counts, firsts).tolist()))


def _of_events(block: TdtBlock) -> Grid:
    """The stretch of a recording that has events alone, counted as doubles hold their times."""
    return Grid(1 / RESOLUTION, (0.0,), (int((block.last - block.start) / RESOLUTION) + 1,))


def _channel(tev: Path, name: str, store: Store) -> Channel:
    counts = store.sizes // store.dtype.itemsize
    return Channel(name=name, kind="analog", unit="unknown", samples=Pieces(tev, store.places, counts, store.dtype))


# --- events -----------------------------------------------------------------------------------------------------------


def _lines(block: TdtBlock, named: Mapping[str, Store]) -> tuple[EventLine, ...]:
    ends = {one.buddy: (name, one) for name, one in named.items() if one.kind == tank.EPOC_OFF}
    lines: dict[str, EventLine] = {}
    for name, one in named.items():
        if one.kind in {tank.EPOC_ON, tank.MARK}:
            paired = _paired(block, name, one, ends[one.name][1]) if one.name in ends else None
            lines[name] = paired or _events(block, name, one, "epocs (their ends are not stored)")
            if paired:
                ends.pop(one.name)
        elif one.kind == tank.SCALAR:
            lines[name] = _events(block, name, one, "scalars")
        elif one.kind == tank.SNIPPET:
            found = _events(block, name, one, "snippets with their sort codes")
            lines[name] = replace(found, values=_sorts(one), has_kinds=True)
    for name, one in ends.values():
        lines[name] = _events(block, name, one, f"ends of epocs of {one.buddy}")
    return tuple(lines.values())


def _events(block: TdtBlock, name: str, store: Store, what: str) -> EventLine:
    order = np.argsort(store.seconds, kind="stable")
    times = ExplicitTimes((store.seconds - block.start)[order])
    return EventLine(name=name, description=what, times=times, values=store.values[order], resolution=RESOLUTION)


def _sorts(store: Store) -> NDArray[np.int64]:
    return store.sorts[np.argsort(store.seconds, kind="stable")]


def _paired(block: TdtBlock, name: str, begins: Store, ends: Store) -> EventLine | None:
    """Epocs with their ends; None if beginnings and ends do not take turns."""
    turns = take_turns(begins.seconds - block.start, ends.seconds - block.start, first=0.0, last=block.last - block.start)
    if turns is None:
        return None
    return EventLine(
        name=name,
        description="epocs",
        times=ExplicitTimes(turns.ups),
        durations=turns.downs - turns.ups,
        values=np.r_[np.nan, begins.values] if turns.on_at_start else begins.values,
        resolution=RESOLUTION,
        on_at_start=turns.on_at_start,
        on_at_end=turns.on_at_end,
    )


def _notes(block: TdtBlock, named: Mapping[str, Store], n_missing: Mapping[str, int]) -> dict[str, str]:
    notes = {"software": "TDT"}
    known = {tank.EPOC_ON, tank.EPOC_OFF, tank.MARK, tank.SCALAR, tank.STREAM, tank.SNIPPET}
    without = [f"{name}: samples in .sev files" for name, one in named.items() if one.kind == tank.STREAM and one.in_own_files]
    without += [f"{name}: waveforms" for name, one in named.items() if one.kind == tank.SNIPPET]
    without += [f"{name}: {len(one.seconds)} records of type {one.kind:#x}" for name, one in named.items() if one.kind not in known]
    if without:
        notes["left out"] = "; ".join(without)
    if cut := [f"{name}: {count} pieces" for name, count in n_missing.items() if count]:
        notes["not in the .tev file"] = "; ".join(cut)
    if not block.is_whole:
        notes["unfinished"] = "the block has no mark of its end; what was written is read, as stated"
    return notes


FORMAT = Format(source=TdtSource, record=Recording, label="TDT tank", find=find, read=read)
