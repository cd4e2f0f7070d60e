"""Recordings of Intan's systems (.rhd, .rhs): digital and analog inputs, amplifiers, stimulation.

Read here and not by neo, which takes the temperature for a tenth of what it is, and holds several files of a recording for several
recordings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError
from bergmann.records import Channel, Recording
from bergmann.registry import Format, Inputs, Source, expand, natural_order, pattern_for
from bergmann.signals import _intan as intan
from bergmann.signals._intan import Bit, Header, IntanChannel, Row, Steps, column_of, read_header, rows_of
from bergmann.signals._names import distinct_names, repeats_note
from bergmann.signals._numbers import find_runs
from bergmann.signals._together import ChannelNames, Grid, chosen_channels
from bergmann.timing.times import ExplicitTimes

_MOMENT = re.compile(r"_(\d{6}_\d{6})$")

MICROVOLTS, AUXILIARY_VOLTS, SUPPLY_VOLTS, DEGREES = 0.195, 37.4e-6, 74.8e-6, 0.01
"""Of a count, as Intan's readers scale it."""

ANALOG_SCALES = {0: (50.354e-6, 0), 1: (152.59e-6, 32768), 13: (312.5e-6, 32768)}
"""Volts per count of an analog input, and the count of 0 V, by the mode of the board."""

ORDER = (
    intan.DIGITAL_IN,
    intan.DIGITAL_OUT,
    intan.ANALOG_IN,
    intan.ANALOG_OUT,
    intan.AMPLIFIER,
    intan.STIMULATION,
    intan.AUXILIARY,
    intan.SUPPLY,
    intan.TEMPERATURE,
)


class IntanSource(Source):
    """A recording of an Intan system.

    Attributes
    ----------
    path : Path
        The .rhd or .rhs file; a pattern for a recording that was saved as several; info.rhd (info.rhs) where samples are in files
        beside it.
    only : tuple of str, optional
        The channels that are meant. Without it, all that were sampled at the rate of the amplifiers.
    """

    format: Literal["intan"] = "intan"
    path: Path
    only: ChannelNames = ()


@dataclass(frozen=True, eq=False)
class Signal:
    """One channel with its samples, and how many of the amplifiers' samples one of its is."""

    channel: IntanChannel
    samples: LazyArray
    every: int = 1
    is_centred: bool = False


def find(folder: Path) -> Iterator[IntanSource]:
    """Find the recordings of Intan systems in a folder and the folders below; files that were begun one after the other are one."""
    paths = [path for path in folder.rglob("*.[rR][hH][dDsS]") if path.is_file() and intan.magic_of(path) is not None]
    for files in _series(sorted(paths, key=natural_order)):
        pattern = files[0] if len(files) == 1 else pattern_for(files, _stem(files[0]), files[0].suffix)
        yield from (IntanSource(path=path) for path in ([pattern] if pattern is not None else files))


def read(source: IntanSource, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Read the headers of a recording; samples stay in the files, as stored.

    The recording starts where its first sample was taken. Channels have the names that were given to them. Where numbers of samples
    are missing, a sweep begins.

    Raises
    ------
    SourceError
        If a file is missing, of another format, damaged or cut; if files of several recordings are named; if there is no such
        channel; if the channels that are meant were not sampled together.
    """
    headers = _headers(expand(source.path))
    signals, numbers, without = _signals(headers)
    firsts, lengths = find_runs(numbers, where=headers[0].path.name)
    header = headers[0]
    given = [one.channel.custom or one.channel.native for one in signals]
    names = distinct_names(given)
    named = dict(zip(names, signals, strict=True))
    grids = {name: grid for name, one in named.items() if (grid := _grid(header, one, firsts, lengths)) is not None}
    usual = tuple(name for name, one in named.items() if one.every == 1)
    chosen = chosen_channels(header.path, grids, source.only or usual)
    without += [f"{name}: at another rate" for name in names if not source.only and name not in usual]
    grid = grids[chosen[0]]
    return Recording(
        files=tuple(dict.fromkeys([*(one.path for one in headers), *_files_of(named[name] for name in chosen)])),
        start=_start(header.path),
        notes=_notes(header, without, named) | repeats_note(given, names),
        rate=grid.rate,
        sweep_starts=ExplicitTimes(np.array(grid.starts)),
        sweep_lengths=np.array(grid.lengths, dtype=np.int64),
        channels=tuple(_channel(header, name, named[name]) for name in chosen),
    )


# --- files ------------------------------------------------------------------------------------------------------------


def _series(paths: list[Path]) -> Iterator[tuple[Path, ...]]:
    """The files, those of one recording together: of one base name, alike in their headers, and with numbers that go on."""
    series: list[Path] = []
    after: tuple[object, int] | None = None
    for path in paths:
        bounds = _bounds(path)
        goes_on = bounds is not None and after is not None and bounds[0] == after[0] and bounds[1] == after[1] + 1
        if series and not (goes_on and series[0].parent == path.parent and _stem(series[0]) == _stem(path)):
            yield tuple(series)
            series = []
        series.append(path)
        after = None if bounds is None else (bounds[0], bounds[2])
    if series:
        yield tuple(series)


def _bounds(path: Path) -> tuple[object, int, int] | None:
    """The layout of a file with its samples in it, and the numbers of its first and last; None for another, or a damaged one."""
    try:
        header = read_header(path)
        numbers = Row(rows_of([header]), header.block, "time", 0)
    except (SourceError, OSError):
        return None
    return header.layout, int(numbers[0:1][0]), int(numbers[numbers.shape[0] - 1 : numbers.shape[0]][0])


def _stem(path: Path) -> str:
    """The name of a recording without the time at which the file was begun."""
    return _MOMENT.sub("_", path.stem)


def _headers(paths: tuple[Path, ...]) -> list[Header]:
    """The headers of the files of one recording.

    Raises
    ------
    SourceError
        If one is a folder, or they are of several recordings.
    """
    for path in paths:
        if path.is_dir():
            raise SourceError(f"{path.name}: this is a folder; name the .rhd or .rhs file of the recording in it")
    headers = [read_header(path) for path in paths]
    for one in headers[1:]:
        if one.layout != headers[0].layout:
            raise SourceError(
                f"{one.path.name}: other channels, rates or settings than {headers[0].path.name}; name each recording as a source "
                "of its own"
            )
    return headers


def _signals(headers: list[Header]) -> tuple[list[Signal], LazyArray, list[str]]:
    """The channels with their samples, the number of each sample, and what is left out."""
    header = headers[0]
    if len(headers) > 1 or header.path.stat().st_size > header.n_bytes:
        rows = rows_of(headers)
        return _behind_header(header, rows), Row(rows, header.block, "time", 0), _without(header)
    numbers = column_of(header.path.with_name("time.dat"), "<i4", 1, 0)
    if not numbers.n_samples:
        raise SourceError(f"{header.path.name}: time.dat beside it is empty; was the recording stopped at once?")
    there, absent = _beside_header(header, numbers.n_samples)
    return there, numbers, _without(header) + absent


def _without(header: Header) -> list[str]:
    return ["DC amplifiers, of whose scale published readers differ"] if header.has_dc else []


def _behind_header(header: Header, rows: tuple[tuple[Path, int, int], ...]) -> list[Signal]:
    found = []
    for kind in ORDER:
        for row, channel in enumerate(_channels_of(header, kind)):
            is_word = kind in intan.WORDS
            stored: LazyArray = Row(rows, header.block, kind, 0 if is_word else row)
            samples = Bit(stored, channel.order) if is_word else Steps(stored) if kind == intan.STIMULATION else stored
            found.append(Signal(channel, samples, header.per_block // int(header.block[kind].shape[1])))
    return found


def _channels_of(header: Header, kind: str) -> list[IntanChannel]:
    """The channels of a kind; stimulation is on the amplifiers of a stimulating system, and temperatures have no names."""
    if kind == intan.STIMULATION and header.magic == intan.RHS:
        return [_stimulating(one) for one in header.of(intan.AMPLIFIER)]
    if kind == intan.TEMPERATURE:
        names = [f"temperature {number}" for number in range(1, header.n_temperatures + 1)]
        return [IntanChannel(kind, name, "", number) for number, name in enumerate(names)]
    return header.of(kind)


def _stimulating(amplifier: IntanChannel) -> IntanChannel:
    custom = f"{amplifier.custom} stim" if amplifier.custom else ""
    return IntanChannel(intan.STIMULATION, f"{amplifier.native} stim", custom, amplifier.order)


def _beside_header(header: Header, n_samples: int) -> tuple[list[Signal], list[str]]:
    """The channels whose samples are in files beside the header, and those whose samples were not saved."""
    found, absent = [], []
    for kind in ORDER[:-1]:
        channels = _channels_of(header, kind)
        together = header.path.with_name(f"{kind}.dat")
        for number, channel in enumerate(channels):
            dtype = "<i2" if kind == intan.AMPLIFIER else "<u2"
            alone = header.path.with_name(f"{intan.PREFIXES[kind]}{channel.native.removesuffix(' stim')}.dat")
            if together.is_file():
                is_word = kind in intan.WORDS
                column = column_of(together, dtype, 1 if is_word else len(channels), 0 if is_word else number)
                bit = channel.order
            elif alone.is_file():
                column, bit = column_of(alone, dtype, 1, 0), 0
            else:
                absent.append(f"{channel.custom or channel.native}: not saved")
                continue
            every = n_samples // column.n_samples if column.n_samples else 0
            if not every or every * column.n_samples != n_samples or (every > 1 and kind not in {intan.AUXILIARY, intan.SUPPLY}):
                raise SourceError(
                    f"{column.path.name}: {column.n_samples} samples, and time.dat beside it has {n_samples}; a file was cut, copy "
                    "the folder again"
                )
            is_bit, is_steps = kind in intan.WORDS, kind == intan.STIMULATION
            samples = Bit(column, bit) if is_bit else Steps(column) if is_steps else column
            found.append(Signal(channel, samples, every, is_centred=kind == intan.AMPLIFIER))
    return found, absent


def _files_of(signals: Iterator[Signal]) -> Iterator[Path]:
    """The files beside the header that samples are in."""
    for one in signals:
        stored = one.samples
        while isinstance(stored, Bit | Steps):
            stored = stored.words
        if isinstance(stored, intan.Column):
            yield stored.path.with_name("time.dat")
            yield stored.path


# --- what they mean ---------------------------------------------------------------------------------------------------


def _grid(header: Header, signal: Signal, firsts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Grid | None:
    """When the samples of a channel were taken; None for one at a lower rate that a gap cuts between two of its samples."""
    if (lengths % signal.every).any():
        return None
    starts = (firsts - firsts[0]) / header.rate
    return Grid(header.rate / signal.every, tuple(starts.tolist()), tuple((lengths // signal.every).tolist()))


def _channel(header: Header, name: str, signal: Signal) -> Channel:
    kind = signal.channel.kind
    if kind in intan.WORDS:
        return Channel(name=name, kind="digital", unit="n.a.", samples=signal.samples)
    unit, scale, centre = _scale(header, signal)
    return Channel(name=name, kind="analog", unit=unit, samples=signal.samples, conversion=scale, offset=-scale * centre)


def _scale(header: Header, signal: Signal) -> tuple[str, float, int]:
    """The unit of a channel, how much a count is, and the count of zero.

    Raises
    ------
    SourceError
        If the board is of a mode whose scale is not known.
    """
    kind = signal.channel.kind
    if kind == intan.AMPLIFIER:
        return "uV", MICROVOLTS, 0 if signal.is_centred else 32768
    if kind in {intan.ANALOG_IN, intan.ANALOG_OUT}:
        mode = 13 if header.magic == intan.RHS else header.board_mode
        if mode not in ANALOG_SCALES:
            raise SourceError(
                f"{header.path.name}: the board is of mode {mode}, and how that scales analog inputs is not known (0, 1 and 13 "
                "are); name by `only:` the other channels"
            )
        return ("V", *ANALOG_SCALES[mode])
    others = {
        intan.AUXILIARY: ("V", AUXILIARY_VOLTS),
        intan.SUPPLY: ("V", SUPPLY_VOLTS),
        intan.TEMPERATURE: ("degC", DEGREES),
        intan.STIMULATION: ("A", header.stim_step),
    }
    return (*others[kind], 0)


def _start(path: Path) -> datetime | None:
    """When a recording was begun, as its program writes it into the name of the file, or of the folder where there are several."""
    match = _MOMENT.search(path.parent.absolute().name if path.stem.lower() == "info" else path.stem)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], "%y%m%d_%H%M%S")
    except ValueError:
        return None


def _notes(header: Header, without: list[str], named: dict[str, Signal]) -> dict[str, str]:
    system = "RHS" if header.magic == intan.RHS else "RHD"
    notes = {"software": f"Intan {system}, file format {header.version[0]}.{header.version[1]}"}
    if header.notes:
        notes["file notes"] = " / ".join(header.notes)
    inputs = [
        f"{name} is {one.channel.native}" for name, one in named.items() if one.channel.custom not in {"", one.channel.native}
    ]
    if inputs:
        notes["inputs"] = "; ".join(inputs)
    if without:
        notes["left out"] = "; ".join(without)
    return notes


FORMAT = Format(source=IntanSource, record=Recording, label="Intan .rhd and .rhs", find=find, read=read)
