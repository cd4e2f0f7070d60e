"""NI TDMS, as LabVIEW, SignalExpress and NI-DAQmx write it: waveforms and digital lines of one or several groups.

The metadata are read by npTDMS (extra ``tdms``). What a channel's samples mean stands in its properties (NI, *TDMS File Format
Internal Structure* and the waveform and scaling properties of LabVIEW): ``wf_increment`` is the time from one sample to the next,
``wf_start_time`` when the first was taken, in UTC, ``unit_string`` the unit, ``NI_Scale[n]_...`` how stored values become it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError
from bergmann.records import Channel, Recording
from bergmann.registry import Format, Inputs, Source, natural_order
from bergmann.signals._one_file import one_file
from bergmann.signals._tdms import TAG, TdmsChannel, TdmsContents, read_contents
from bergmann.signals._together import ChannelNames, Grid, chosen_channels, nearest_named
from bergmann.stated import Frequency
from bergmann.timing.times import ExplicitTimes

EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
"""What times in a TDMS file count from; a start of 0 says that there is none."""

RAW = 2**32 - 1
"""Input of a scale that takes the values as they are stored."""

SECONDS = ("", "s", "sec", "second", "seconds")


class TdmsSource(Source):
    """A recording in a TDMS file.

    Attributes
    ----------
    path : Path
    group : str, optional
        The group whose channels are meant, where there are several.
    only : tuple of str, optional
        The channels that are meant, where not all were sampled together, or not all are wanted.
    rate : Frequency, optional
        Samples per second, where the file does not say it.
    """

    format: Literal["tdms"] = "tdms"
    path: Path
    group: str | None = None
    only: ChannelNames = ()
    rate: Frequency | None = None


@dataclass(frozen=True, eq=False)
class Line:
    """A digital line: 0 or 1, uint8, shape (n_samples,).

    Attributes
    ----------
    stored : LazyArray
    bit : int or None
        Which bit of the stored value; None if any value but 0 is high.
    """

    stored: LazyArray
    bit: int | None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def __getitem__(self, block: slice, /) -> NDArray[np.uint8]:
        values = self.stored[block]
        line: NDArray[np.uint8] = (values != 0 if self.bit is None else values >> self.bit & 1).astype(np.uint8)
        return line


@dataclass(frozen=True, eq=False)
class Scaled:
    """Values through scales that are not linear, float64, shape (n_samples,), as npTDMS computes them.

    Attributes
    ----------
    stored : mapping of int to LazyArray
        By number of the DAQmx scaler.
    scaling : nptdms.scaling.MultiScaling
    is_daqmx : bool
    """

    stored: Mapping[int, LazyArray]
    scaling: Any
    is_daqmx: bool

    @property
    def shape(self) -> tuple[int, ...]:
        return next(iter(self.stored.values())).shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def __getitem__(self, block: slice, /) -> NDArray[np.float64]:
        from nptdms.base_segment import RawChannelDataChunk

        values = {number: one[block] for number, one in self.stored.items()}
        chunk = RawChannelDataChunk(None, values) if self.is_daqmx else RawChannelDataChunk(values[0], None)
        return np.asarray(self.scaling.scale(chunk), dtype=np.float64)


def find(folder: Path) -> Iterator[TdmsSource]:
    """Find the TDMS files in a folder and the folders below."""
    for path in sorted(folder.rglob("*.[tT][dD][mM][sS]"), key=natural_order):
        if path.is_file():
            with path.open("rb") as file:
                is_tdms = file.read(len(TAG)) == TAG
            if is_tdms:
                yield TdmsSource(path=path)


def read(source: TdmsSource, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Read the metadata of a file; samples stay in it, as stored where their scaling is linear, else as its scales say.

    Where a file was written to again with another start, each stretch is a sweep. The start has the zone UTC. Copies at lower
    rates that SignalExpress puts beside the data for viewing (``DecimationLevel``), text, and curves over something else than time
    are left out, unless they are what is asked for; ``notes["left out"]`` names them.

    Raises
    ------
    SourceError
        If the file is missing, of another format, damaged or cut; if it has no such group or channel; if the channels that are
        meant were not sampled together; if a file does not say a rate and none is stated, or says another.
    MissingExtraError
        If npTDMS is not installed.
    """
    path = one_file(source.path)
    contents = read_contents(path)
    left_out: dict[str, str] = {}
    candidates = _candidates(path, contents, source, left_out)
    grids = {name: _grid(path, name, channel, source) for name, channel in candidates.items()}
    names = chosen_channels(path, grids, source.only)
    grid = grids[names[0]]
    return Recording(
        files=(path,),
        start=_start(grid.origin),
        notes=_notes(contents, left_out),
        rate=grid.rate,
        sweep_starts=ExplicitTimes(np.array(grid.starts)),
        sweep_lengths=np.array(grid.lengths, dtype=np.int64),
        channels=tuple(_channel(path, name, candidates[name], contents) for name in names),
    )


# --- which channels ---------------------------------------------------------------------------------------------------


def _candidates(path: Path, contents: TdmsContents, source: TdmsSource, left_out: dict[str, str]) -> dict[str, TdmsChannel]:
    """The channels that may be meant, by name; with their group's before it where there are several groups."""
    group = source.group
    if group is not None:
        group = nearest_named(path, group, tuple(contents.groups), "group")
    there = [one for one in contents.channels if group in (None, one.group)]
    kept = []
    for one in there:
        reason = _why_not(one, contents, is_asked_for=group is not None)
        if reason:
            left_out[f"{one.group}/{one.name}"] = reason
        else:
            kept.append(one)
    if not kept:
        said = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise SourceError(f"{path.name}: no channel with samples over time{f' ({said})' if said else ''}; is this the right file?")
    several = len({one.group for one in kept}) > 1
    return {f"{one.group}/{one.name}" if several else one.name: one for one in kept}


def _why_not(channel: TdmsChannel, contents: TdmsContents, *, is_asked_for: bool) -> str:
    """Why a channel is left out; empty if it is not."""
    if not channel.n_values:
        return "no values"
    if not channel.n_samples:
        return "values that are no numbers"
    level = channel.properties.get("DecimationLevel", contents.groups[channel.group].get("DecimationLevel", 0))
    if level and not is_asked_for:
        return "a copy for viewing"
    unit = str(channel.properties.get("wf_xunit_string", ""))
    return "" if unit.strip().lower() in SECONDS else f"over {unit} and not over time"


# --- times ------------------------------------------------------------------------------------------------------------


def _grid(path: Path, name: str, channel: TdmsChannel, source: TdmsSource) -> Grid:
    increments = {said["wf_increment"] for _, said in channel.changes if "wf_increment" in said}
    if len(increments) > 1:
        raise SourceError(f"{path.name}: the rate of {name} changes within the file ({', '.join(map(str, increments))} s a sample)")
    rate = _rate(path, name, increments.pop() if increments else 0.0, source)
    offset = next((said["wf_start_offset"] for _, said in channel.changes if "wf_start_offset" in said), 0.0)
    moments = _moments(channel)
    origin = moments.get(0)
    begins = [*moments] or [0]
    starts, lengths = [float(offset)], []
    for before, begin in pairwise(begins):
        start = float(offset) + (moments[begin] - moments[0]) / 1e9
        gap = start - (starts[-1] + (begin - before) / rate)
        if gap < -0.5 / rate:
            raise SourceError(
                f"{path.name}: {name} was written to again from sample {begin} on, with a start {-gap:.6g} s before the end of "
                "what was there; how its times go on is unknown"
            )
        starts.append(start)
        lengths.append(begin - before)
    lengths.append(channel.n_samples - begins[-1])
    return _joined(Grid(rate, tuple(starts), tuple(lengths), origin))


def _joined(grid: Grid) -> Grid:
    """The grid without the sweeps that begin where the one before ended, to half a sample."""
    starts, lengths = [grid.starts[0]], [grid.lengths[0]]
    for start, length in zip(grid.starts[1:], grid.lengths[1:], strict=True):
        if abs(start - starts[-1] - lengths[-1] / grid.rate) < 0.5 / grid.rate:
            lengths[-1] += length
        else:
            starts.append(start)
            lengths.append(length)
    return Grid(grid.rate, tuple(starts), tuple(lengths), grid.origin)


def _rate(path: Path, name: str, increment: float, source: TdmsSource) -> float:
    stated = None if source.rate is None else source.rate.to("Hz")
    if not increment > 0:
        if stated is None:
            raise SourceError(f"{path.name}: it does not say the rate of {name}; state `rate: 1 kHz`, as it was set")
        return stated
    if stated is not None and abs(stated * increment - 1) > 1e-6:
        raise SourceError(f"{path.name}: `rate` is {stated:g} Hz, and {name} says {1 / increment:g} Hz; take it out")
    return round(1 / increment) if abs(increment * round(1 / increment) - 1) < 1e-12 else 1 / increment


def _moments(channel: TdmsChannel) -> dict[int, int]:
    """When the values began, by the number of the first that it holds for, in nanoseconds since 1904.

    Starts that are finer than that are computed, and differ in their last bits from channel to channel.
    """
    moments: dict[int, int] = {}
    for first, said in channel.changes:
        at = said.get("wf_start_time")
        moment = 0 if at is None else int(at.seconds) * 10**9 + round(at.second_fractions * 10**9 / 2**64)
        holds = first < channel.n_samples or not moments  # NI-DAQmx may state it behind the last value
        if moment and holds and moment not in list(moments.values())[-1:]:
            moments[first if moments else 0] = moment
    return moments


def _start(nanoseconds: Any) -> datetime | None:
    return None if nanoseconds is None else EPOCH + timedelta(microseconds=round(nanoseconds / 1000))


# --- values -----------------------------------------------------------------------------------------------------------


def _channel(path: Path, name: str, channel: TdmsChannel, contents: TdmsContents) -> Channel:
    stored = channel.stored(path)
    only = next(iter(stored.values()))
    if _is_line(channel):
        return Channel(name=name, kind="digital", unit="n.a.", samples=Line(only, channel.bit))
    unit = str(channel.properties.get("unit_string") or channel.properties.get("NI_UnitDescription") or "unknown")
    scaling = _scaling(path, name, channel, contents)
    if scaling is None:
        if len(stored) > 1:
            raise SourceError(f"{path.name}: {name} has values of {len(stored)} scalers, and no scale that says how they belong")
        return Channel(name=name, kind="analog", unit=unit, samples=only)
    linear = _linear(scaling, is_daqmx=channel.kind == "DaqMxRawData")
    if linear is None:
        return Channel(name=name, kind="analog", unit=unit, samples=Scaled(stored, scaling, channel.kind == "DaqMxRawData"))
    number, conversion, offset = linear
    samples = stored.get(number, only)
    return Channel(name=name, kind="analog", unit=unit, samples=samples, conversion=conversion, offset=offset)


def _is_line(channel: TdmsChannel) -> bool:
    """Whether a channel is a digital line: by its type, or as SignalExpress says it."""
    of_one = channel.properties.get("SignalWidth") == 1 and "LineNumber" in channel.properties
    return channel.kind == "Boolean" or channel.bit is not None or (of_one and channel.kind == "Uint8")


def _scaling(path: Path, name: str, channel: TdmsChannel, contents: TdmsContents) -> Any:
    """The scales of a channel, as npTDMS reads them; None if its values need none."""
    from nptdms.scaling import get_scaling

    try:
        scaling = get_scaling(channel.properties, contents.groups[channel.group], contents.properties)
    except KeyError as error:
        raise SourceError(f"{path.name}: {name} lacks the property {error} of its scales") from error
    stated = int(channel.properties.get("NI_Number_Of_Scales", 0))
    if scaling is None and stated and channel.properties.get("NI_Scaling_Status", "unscaled") != "scaled":
        kinds = [str(channel.properties.get(f"NI_Scale[{number}]_Scale_Type", "raw")) for number in range(stated)]
        raise SourceError(f"{path.name}: {name} has a scale that cannot be computed ({', '.join(kinds)})")
    return scaling


def _linear(scaling: Any, *, is_daqmx: bool) -> tuple[int, float, float] | None:
    """Scaler, conversion and offset, if every scale is linear; None if one is not."""
    conversion, offset, number = 1.0, 0.0, len(scaling.scalings) - 1
    while number != RAW:
        scale = scaling.scalings[number]
        kind = type(scale).__name__
        if kind == "DaqMxScalerScaling":
            return int(scale.scale_id), conversion, offset
        if kind == "LinearScaling":
            slope, intercept = float(scale.slope), float(scale.intercept)
        elif kind == "PolynomialScaling" and scale.coefficients and not any(scale.coefficients[2:]):
            intercept, slope = (*map(float, scale.coefficients[:2]), 0.0)[:2]
        elif kind == "NoOpScaling":
            intercept, slope = 0.0, 1.0
        else:
            return None
        offset += conversion * intercept
        conversion *= slope
        number = int(scale.input_source)
    return None if is_daqmx else (0, conversion, offset)


def _notes(contents: TdmsContents, left_out: dict[str, str]) -> dict[str, str]:
    notes = {"software": str(contents.properties.get("WriterName", ""))}
    if contents.is_unfinished:
        notes["unfinished"] = "the program that wrote the file ended before it closed it; what was written is read"
    if left_out:
        notes["left out"] = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
    return {name: text for name, text in notes.items() if text}


FORMAT = Format(source=TdmsSource, record=Recording, label="NI TDMS", find=find, read=read)
