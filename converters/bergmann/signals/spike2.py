"""CED Spike2 recordings of 32 bits (.smr): sampled channels, events, levels, markers, and text marks as tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records import Channel, EventLine, Recording
from bergmann.registry import Format, Inputs, Source, natural_order
from bergmann.signals import _spike2 as son
from bergmann.signals._names import distinct_names, repeats_note
from bergmann.signals._one_file import one_file
from bergmann.signals._spike2 import Blocks, Spike2Channel, Spike2Contents, read_all, read_contents
from bergmann.signals._together import ChannelNames, Grid, chosen_parts
from bergmann.timing.times import ExplicitTimes


class Spike2Source(Source):
    """A recording of Spike2, one .smr file.

    Attributes
    ----------
    path : Path
    only : tuple of str, optional
        The channels that are meant, where not all were sampled together, or not all are wanted.
    """

    format: Literal["spike2"] = "spike2"
    path: Path
    only: ChannelNames = ()


def find(folder: Path) -> Iterator[Spike2Source]:
    """Find the files of Spike2 in a folder and the folders below, by their beginning."""
    for path in sorted(folder.rglob("*.[sS][mM][rR]*"), key=natural_order):
        if path.suffix.lower() in {".smr", ".smrx"} and path.is_file() and son.is_spike2(path):
            yield Spike2Source(path=path)


def read(source: Spike2Source, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Read the headers of a file and its events; samples stay in it, as stored.

    Where a channel was paused, a sweep begins. Channels of events and markers are lines of events; a channel of levels is one, too,
    whose events are the times at which it was high. Of marked waveforms the times and codes are read. Text marks are tags.

    Raises
    ------
    SourceError
        If the file is missing, of another format (.smrx), damaged or cut; if it has no such channel; if the channels that are meant
        were not sampled together.
    """
    path = one_file(source.path)
    contents = read_contents(path)
    named = _named(contents)
    sampled = {name: one for name, one in named.items() if one.kind in son.SAMPLED and len(one.counts)}
    events = {name: one for name, one in named.items() if one.kind not in {*son.SAMPLED, son.TEXT_MARK}}
    grids = {name: _grid(contents, name, one) for name, one in sampled.items()}
    channels, lines = chosen_parts(path, grids, tuple(events), source.only)
    grid = grids[channels[0]] if channels else Grid(_per_second(contents.tick), (0.0,), (contents.last_tick + 1,))
    tags = _tags(contents, named)
    return Recording(
        files=(path,),
        start=contents.start,
        notes=_notes(contents, named, sampled),
        rate=grid.rate,
        sweep_starts=ExplicitTimes(np.array(grid.starts)),
        sweep_lengths=np.array(grid.lengths, dtype=np.int64),
        channels=tuple(_channel(path, name, sampled[name]) for name in channels),
        lines=tuple(_line(contents, name, events[name]) for name in lines),
        tags=tuple(text for _, text in tags),
        tag_times=ExplicitTimes(np.array([tick * contents.tick for tick, _ in tags], dtype=np.float64)),
    )


def _named(contents: Spike2Contents) -> dict[str, Spike2Channel]:
    """The channels by their titles, of which several may be the same."""
    return dict(zip(distinct_names(_titles(contents)), contents.channels, strict=True))


def _titles(contents: Spike2Contents) -> list[str]:
    return [one.title or f"channel {one.number}" for one in contents.channels]


def _grid(contents: Spike2Contents, name: str, channel: Spike2Channel) -> Grid:
    """When the samples of a channel were taken; a sweep begins with each block that does not go on where the one before ended."""
    if channel.interval < 1:
        raise SourceError(f"{contents.path.name}: {name} has {channel.interval} ticks from sample to sample; is the file damaged?")
    ends = channel.starts + channel.counts * channel.interval
    back = np.flatnonzero(channel.starts[1:] < ends[:-1] - channel.interval // 2)
    if len(back):
        raise SourceError(
            f"{contents.path.name}: block {back[0] + 2} of {name} begins before the one before it ends; is the file damaged?"
        )
    firsts = np.r_[0, np.flatnonzero(channel.starts[1:] != ends[:-1]) + 1]
    return Grid(
        rate=_per_second(channel.interval * contents.tick),
        starts=tuple((channel.starts[firsts] * contents.tick).tolist()),
        lengths=tuple(np.add.reduceat(channel.counts, firsts).tolist()),
    )


def _per_second(interval: float) -> float:
    """The rate of an interval; a whole number where binary fractions alone keep it from one."""
    rate = 1 / interval
    return float(round(rate)) if abs(rate - round(rate)) < 1e-12 * rate else rate


def _channel(path: Path, name: str, channel: Spike2Channel) -> Channel:
    is_counts = channel.kind == son.ADC
    return Channel(
        name=name,
        kind="analog",
        unit=channel.unit or "unknown",
        samples=Blocks(path, channel),
        conversion=channel.scale / son.COUNTS_PER_UNIT if is_counts else 1.0,
        offset=channel.offset if is_counts else 0.0,
    )


# --- events -----------------------------------------------------------------------------------------------------------


def _line(contents: Spike2Contents, name: str, channel: Spike2Channel) -> EventLine:
    stored = read_all(contents.path, channel)
    ticks = stored["tick"].astype(np.int64)
    said: dict[str, Any] = {}
    if channel.kind == son.LEVEL:
        ticks, said = _levels(contents, channel, ticks)
    elif channel.kind not in {son.FALLING, son.RISING}:
        said = {"values": tuple(_code(codes) for codes in stored["codes"]), "has_kinds": True}
    try:
        times = ExplicitTimes(ticks.astype(np.float64) * contents.tick)
    except SourceError as error:
        raise SourceError(f"{contents.path.name}: {name}: {error}; is the file damaged?") from error
    return EventLine(name=name, description=_what(channel), times=times, resolution=contents.tick, **said)


def _what(channel: Spike2Channel) -> str:
    if channel.kind in {son.ADC_MARK, son.REAL_MARK}:
        return f"marked waveforms with their codes ({channel.before} samples before the trigger)"
    what = {son.FALLING: "falling edges", son.RISING: "rising edges", son.LEVEL: "stretches at the high level"}
    return what.get(channel.kind, "markers with their codes")


def _levels(contents: Spike2Contents, channel: Spike2Channel, edges: NDArray[np.int64]) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """When a level was high, from the ticks at which it changed, and for how long."""
    bounds = edges if channel.starts_low else np.r_[0, edges]
    is_open = len(bounds) % 2 == 1
    if is_open:
        bounds = np.r_[bounds, max(contents.last_tick, bounds[-1])]
    ups, downs = bounds[0::2], bounds[1::2]
    said = {"durations": (downs - ups) * contents.tick, "on_at_start": not channel.starts_low, "on_at_end": is_open}
    return ups, said


def _code(codes: NDArray[np.uint8]) -> str:
    """The codes of a marker as Spike2 shows them: a character where it can be printed, else two hexadecimal digits."""
    used = codes[: max(1, int(np.flatnonzero(codes)[-1]) + 1 if codes.any() else 1)]
    return " ".join(chr(code) if 0x20 < code < 0x7F else f"{code:02X}" for code in used)


def _tags(contents: Spike2Contents, named: Mapping[str, Spike2Channel]) -> list[tuple[int, str]]:
    found = []
    for channel in named.values():
        if channel.kind == son.TEXT_MARK:
            for one in read_all(contents.path, channel):
                text = bytes(one["extra"]).partition(b"\0")[0].decode("latin-1").strip()
                found.append((int(one["tick"]), text or f"mark {_code(one['codes'])}"))
    return sorted(found, key=lambda one: one[0])


def _notes(contents: Spike2Contents, named: Mapping[str, Spike2Channel], sampled: Mapping[str, Spike2Channel]) -> dict[str, str]:
    notes = {"software": f"Spike2 (file format {contents.version})", **repeats_note(_titles(contents), tuple(named))}
    if contents.comments:
        notes["file comment"] = " / ".join(contents.comments)
    without = [f"{name}: waveforms" for name, one in named.items() if one.kind in {son.ADC_MARK, son.REAL_MARK}]
    without += [f"{name}: no values" for name, one in named.items() if one.kind in son.SAMPLED and name not in sampled]
    if without:
        notes["left out"] = "; ".join(without)
    return notes


FORMAT = Format(source=Spike2Source, record=Recording, label="Spike2 .smr", find=find, read=read)
