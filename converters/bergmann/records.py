"""What the bytes say: one frozen dataclass a kind of data, SI units, lazy arrays, shapes checked at construction.

A record holds times on the clock of its own instrument (zero is where the instrument started) until `aligned` gives the same
record with times on the session's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError
from bergmann.timing.times import ExplicitTimes, RegularTimes, Times


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """What every record has.

    Attributes
    ----------
    files : tuple of Path
        Every file that its bytes come from, in reading order.
    start : datetime or None
        When the instrument says it started: local wall-clock time without a zone; None if the source does not say.
    notes : mapping
        What else the source states and NWB has a place for, by name (``{"software": "ScanImage 2021.0"}``).
    """

    files: tuple[Path, ...]
    start: datetime | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def aligned(self, offset: float) -> Self:
        """The same record with every time `offset` seconds later; every field that is `Times` is shifted."""
        shifted: dict[str, Any] = {
            part.name: value.shifted(offset)
            for part in fields(self)
            if isinstance(value := getattr(self, part.name), RegularTimes | ExplicitTimes)
        }
        return replace(self, **shifted)

    @property
    def parts(self) -> tuple[str, ...]:
        """What a reference may name behind the slash, e.g. the channels of a recording."""
        return ()

    @property
    def clock_times(self) -> Times | None:
        """Times of what a clock line ticks for (frames, say) on this instrument's clock; None if nothing ticks."""
        return None

    @property
    def span(self) -> tuple[float, float] | None:
        """First and last time in seconds, or None for a record without times."""
        return None


def _agree(what: str, found: int, expected: int, of: str) -> None:
    if found != expected:
        raise SourceError(f"{found} {what} for {expected} {of}")


# --- imaging ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class MovieChannel:
    """One detector's frames.

    Attributes
    ----------
    number : int
        Number of the channel as the microscope counts (from 1).
    name : str
        Name that the source gives it, e.g. ``"Channel 1"``.
    frames : LazyArray, shape (n_frames, height, width) or (n_frames, n_planes, height, width)
        Pixels as stored, rows from the top.
    """

    number: int
    name: str
    frames: LazyArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Movie(Record):
    """Frames (or volumes) of one or more channels of a microscope.

    Attributes
    ----------
    channels : tuple of MovieChannel
        At least one; all of one shape.
    times : Times
        When each frame (or volume) began, in seconds.
    ticks : Times
        What a frame clock line ticks for: the same as `times` for single-plane movies; every frame of every volume, flyback
        included, for volumes.
    pixel_size : tuple of float, optional
        (height, width) of a pixel, in metres, where the source says it.
    plane_spacing : float, optional
        Distance between planes of a volume, in metres.
    """

    channels: tuple[MovieChannel, ...]
    times: Times
    ticks: Times | None = None
    pixel_size: tuple[float, float] | None = None
    plane_spacing: float | None = None

    def __post_init__(self) -> None:
        if not self.channels:
            raise SourceError(f"{self.files[0].name}: no channel in the movie")
        for channel in self.channels:
            if len(channel.frames.shape) not in (3, 4):
                raise SourceError(f"{self.files[0].name}: frames of shape {channel.frames.shape}; expected 3 or 4 axes")
            if channel.frames.shape != self.channels[0].frames.shape:
                raise SourceError(f"{self.files[0].name}: channels differ in shape")
            _agree("frame times", len(self.times), channel.frames.shape[0], f"frames in {self.files[0].name}")

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(str(channel.number) for channel in self.channels)

    @property
    def clock_times(self) -> Times | None:
        return self.ticks if self.ticks is not None else self.times

    @property
    def span(self) -> tuple[float, float] | None:
        return self.times.first, self.times.last


# --- segmentation -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class RoiPlane:
    """The ROIs of one imaging plane.

    Attributes
    ----------
    name : str
        Name of the plane in the source, e.g. ``"plane0"``.
    image_shape : tuple of int
        (height, width) of the image that the masks lie in.
    masks : tuple of np.ndarray, each of shape (n_pixels,), dtype [("y", u4), ("x", u4), ("weight", f4)]
        Pixels of each ROI, row and column from 0.
    traces : mapping of str to LazyArray, shape (n_frames, n_rois)
        Responses by name: ``"raw"``, ``"neuropil"``, ``"deconvolved"``, ``"raw_chan2"``, ...
    columns : mapping of str to np.ndarray, shape (n_rois,)
        What else is known of each ROI, e.g. ``"is_cell"``.
    column_descriptions : mapping of str to str
        What each column means.
    images : mapping of str to np.ndarray, shape (height, width)
        Summary images, e.g. ``"mean"``, ``"correlation"``.
    registration : np.ndarray, shape (n_frames, 2), optional
        (row, column) shift that registration applied to each frame, in pixels.
    of_cells : bool
        Whether the ROIs may be cells; not those of a background.
    """

    name: str
    image_shape: tuple[int, int]
    masks: tuple[NDArray[np.void], ...]
    traces: Mapping[str, LazyArray]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    column_descriptions: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    registration: NDArray[Any] | None = None
    of_cells: bool = True

    def __post_init__(self) -> None:
        height, width = self.image_shape
        for index, mask in enumerate(self.masks):
            if len(mask) and (mask["y"].max() >= height or mask["x"].max() >= width):
                raise SourceError(
                    f"{self.name}: ROI {index} reaches row {mask['y'].max()}, column {mask['x'].max()} of a "
                    f"{height} x {width} image; are rows and columns exchanged?"
                )
        for name, trace in self.traces.items():
            if len(trace.shape) != 2 or trace.shape[1] != len(self.masks):
                raise SourceError(f"{self.name}: trace {name} of shape {trace.shape} for {len(self.masks)} ROIs")
        for name, column in self.columns.items():
            _agree(f"values of {name}", len(column), len(self.masks), f"ROIs of {self.name}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Segmentation(Record):
    """ROIs of one or more planes, and their traces.

    Attributes
    ----------
    planes : tuple of RoiPlane
    times : Times
        When each frame of the traces began, in seconds.
    """

    planes: tuple[RoiPlane, ...]
    times: Times

    def __post_init__(self) -> None:
        for plane in self.planes:
            for name, trace in plane.traces.items():
                _agree("times", len(self.times), trace.shape[0], f"samples of trace {name} of {plane.name}")

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(plane.name for plane in self.planes)

    @property
    def clock_times(self) -> Times | None:
        return self.times

    @property
    def span(self) -> tuple[float, float] | None:
        return self.times.first, self.times.last


# --- signals ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Channel:
    """One recorded line: ``samples * conversion + offset`` is in `unit`.

    Attributes
    ----------
    name : str
    kind : {"analog", "digital"}
    unit : str
        Unit of the converted value, e.g. ``"V"``; ``"n.a."`` for a digital line.
    samples : LazyArray, shape (n_samples,)
        As stored, all sweeps behind each other; 0 or 1 for a digital line.
    conversion, offset : float
        Stored value to unit.
    """

    name: str
    kind: Literal["analog", "digital"]
    unit: str
    samples: LazyArray
    conversion: float = 1.0
    offset: float = 0.0

    def values(self, start: int, stop: int) -> NDArray[np.float64]:
        """Samples ``start`` to ``stop`` in `unit`, shape (stop - start,)."""
        return np.asarray(self.samples[start:stop], dtype=np.float64) * self.conversion + self.offset


@dataclass(frozen=True, kw_only=True, eq=False)
class CommandPulses:
    """Pulses that a protocol commanded on an output, from its epoch table.

    Attributes
    ----------
    output : str
        Name of the output, e.g. ``"Cmd 0"`` or ``"digital 4"``.
    unit : str
        Unit of the levels.
    times : ExplicitTimes
        Onset of each pulse, in seconds.
    durations : np.ndarray, shape (n_pulses,), seconds
    levels : np.ndarray, shape (n_pulses,), in `unit`
    epoch : str
        Name of the epoch, e.g. ``"B"``.
    """

    output: str
    unit: str
    times: ExplicitTimes
    durations: NDArray[np.float64]
    levels: NDArray[np.float64]
    epoch: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording(Record):
    """Channels recorded together, in one or more sweeps.

    Attributes
    ----------
    rate : float
        Samples per second.
    sweep_starts : ExplicitTimes
        When each sweep began, in seconds.
    sweep_lengths : np.ndarray, shape (n_sweeps,), int64
        Samples of each sweep.
    channels : tuple of Channel
    tags : tuple of str
        Comments typed during the recording.
    tag_times : ExplicitTimes
        When each was typed, in seconds.
    commands : tuple of CommandPulses
        Pulses that the protocol commanded.
    """

    rate: float
    sweep_starts: ExplicitTimes
    sweep_lengths: NDArray[np.int64]
    channels: tuple[Channel, ...]
    tags: tuple[str, ...] = ()
    tag_times: ExplicitTimes = field(default_factory=lambda: ExplicitTimes(np.empty(0)))
    commands: tuple[CommandPulses, ...] = ()

    def __post_init__(self) -> None:
        _agree("sweep lengths", len(self.sweep_lengths), len(self.sweep_starts), "sweeps")
        _agree("tags", len(self.tags), len(self.tag_times), "tag times")
        for channel in self.channels:
            _agree(f"samples of {channel.name}", channel.samples.shape[0], int(self.sweep_lengths.sum()), "samples in sweeps")

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(channel.name for channel in self.channels)

    @property
    def span(self) -> tuple[float, float] | None:
        last = self.sweep_starts.last + (int(self.sweep_lengths[-1]) - 1) / self.rate
        return self.sweep_starts.first, last

    def aligned(self, offset: float) -> Self:
        shifted = super().aligned(offset)
        return replace(shifted, commands=tuple(replace(c, times=c.times.shifted(offset)) for c in self.commands))

    def channel(self, name: str) -> Channel:
        """The channel of that name.

        Raises
        ------
        SourceError
            If there is none; the message lists those there are.
        """
        for channel in self.channels:
            if channel.name == name:
                return channel
        known = ", ".join(self.parts) or "none"
        raise SourceError(f"{self.files[0].name}: no channel {name!r}; it has: {known}")

    @property
    def is_continuous(self) -> bool:
        """Whether each sweep begins one sample after the last of the one before (to a hundredth of a sample)."""
        return bool(np.all(np.abs(self.sweep_gaps()) < 0.01 / self.rate))

    def sweep_gaps(self) -> NDArray[np.float64]:
        """Time from the end of each sweep to the start of the next, shape (n_sweeps - 1,), in seconds."""
        ends = self.sweep_starts.seconds + self.sweep_lengths / self.rate
        gaps: NDArray[np.float64] = self.sweep_starts.seconds[1:] - ends[:-1]
        return gaps

    @property
    def times(self) -> Times:
        """When each sample was taken, in seconds: regular if the sweeps join without a gap."""
        if self.is_continuous:
            return RegularTimes(self.sweep_starts.first, self.rate, int(self.sweep_lengths.sum()))
        sweeps = zip(self.sweep_starts.seconds, self.sweep_lengths, strict=True)
        return ExplicitTimes(np.concatenate([start + np.arange(length) / self.rate for start, length in sweeps]))


# --- light ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class LightPulses(Record):
    """Pulses of light, one row each; nothing here is rounded to a train.

    Attributes
    ----------
    times : ExplicitTimes, n_pulses
        Onset of each pulse, in seconds.
    durations : np.ndarray, shape (n_pulses,), float64
        In seconds.
    power : np.ndarray, shape (n_pulses,), float64, optional
        In watts, where the source itself states power; None if only a command or nothing is known.
    command : np.ndarray, shape (n_pulses,), float64, optional
        Level commanded or recorded, in `command_unit`.
    command_unit : str
        Unit of `command`, e.g. ``"V"``.
    wavelength : np.ndarray, shape (n_pulses,), float64, optional
        In metres, where the source states it.
    basis : str
        How the pulses are known, e.g. ``"recorded on daq/LaserCmd, threshold 2.5 V, hysteresis 0.5 V"``.
    resolution : float
        Spacing of the times that an edge can have (one sample, one frame), in seconds; 0 if the source states them exactly.
    """

    times: ExplicitTimes
    durations: NDArray[np.float64]
    power: NDArray[np.float64] | None = None
    command: NDArray[np.float64] | None = None
    command_unit: str = ""
    wavelength: NDArray[np.float64] | None = None
    basis: str
    resolution: float = 0.0

    def __post_init__(self) -> None:
        n = len(self.times)
        for name in ("durations", "power", "command", "wavelength"):
            values = getattr(self, name)
            if values is not None:
                _agree(f"values of {name}", len(values), n, "light pulses")
        if n and not (np.isfinite(self.durations).all() and (self.durations > 0).all()):
            raise SourceError("a light pulse has no duration above 0")
        overlaps = np.flatnonzero(self.times.seconds[:-1] + self.durations[:-1] > self.times.seconds[1:] + 1e-9)
        if len(overlaps):
            index = int(overlaps[0])
            raise SourceError(
                f"light pulse {index} ends at {self.times.seconds[index] + self.durations[index]:.6f} s, after pulse "
                f"{index + 1} begins at {self.times.seconds[index + 1]:.6f} s"
            )

    @property
    def span(self) -> tuple[float, float] | None:
        return (self.times.first, self.times.last + float(self.durations[-1])) if len(self.times) else None


# --- behaviour --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Video(Record):
    """A video that stays a file of its own, in one or more parts.

    Attributes
    ----------
    frame_counts : tuple of int
        Decodable frames of each file.
    times : Times
        When each frame was taken, all files behind each other, in seconds.
    size : tuple of int
        (width, height) in pixels.
    """

    frame_counts: tuple[int, ...]
    times: Times
    size: tuple[int, int]

    def __post_init__(self) -> None:
        _agree("frame counts", len(self.frame_counts), len(self.files), "video files")
        _agree("frame times", len(self.times), sum(self.frame_counts), "frames of video")

    @property
    def clock_times(self) -> Times | None:
        return self.times

    @property
    def span(self) -> tuple[float, float] | None:
        return self.times.first, self.times.last


@dataclass(frozen=True, kw_only=True, eq=False)
class Keypoint:
    """Where one body part was.

    Attributes
    ----------
    name : str
    positions : np.ndarray, shape (n_frames, 2)
        (x, y) in pixels from the top left; NaN where the tracker gave none.
    confidence : np.ndarray, shape (n_frames,)
        As the tracker states it; NaN where it states none.
    columns : mapping of str to np.ndarray, each of shape (n_frames,)
        What else the tracker states of each frame, e.g. ``"x_ens_var"``.
    """

    name: str
    positions: NDArray[np.float64]
    confidence: NDArray[np.float64]
    columns: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pose(Record):
    """Tracked body parts of one animal.

    Attributes
    ----------
    keypoints : tuple of Keypoint
    times : Times
        When each frame was taken, in seconds.
    scorer : str or None
        What the tracker calls the model; None where the source does not say it.
    software : str
        E.g. ``"DeepLabCut"``.
    video : str or None
        Base name of the tracked video, where the source or the session says it.
    edges : tuple of (str, str), optional
        Pairs of body parts that the source joins to a skeleton; None where it has none.
    basis : str
        How the positions are known, where there is more to say than that they were tracked.
    """

    keypoints: tuple[Keypoint, ...]
    times: Times
    scorer: str | None
    software: str
    video: str | None = None
    edges: tuple[tuple[str, str], ...] | None = None
    basis: str = ""

    def __post_init__(self) -> None:
        for keypoint in self.keypoints:
            _agree("frame times", len(self.times), len(keypoint.positions), f"positions of {keypoint.name}")
            _agree("confidences", len(keypoint.confidence), len(keypoint.positions), f"positions of {keypoint.name}")
            for name, values in keypoint.columns.items():
                _agree(f"values of {name}", len(values), len(keypoint.positions), f"positions of {keypoint.name}")

    @property
    def clock_times(self) -> Times | None:
        return self.times

    @property
    def span(self) -> tuple[float, float] | None:
        return self.times.first, self.times.last


@dataclass(frozen=True, kw_only=True, eq=False)
class EventSeries:
    """One kind of event.

    Attributes
    ----------
    name : str
        E.g. ``"licking"``, ``"noxious shock"``.
    times : ExplicitTimes
        Onsets, in seconds.
    durations : np.ndarray, shape (n_events,), optional
        In seconds; None for point events.
    columns : mapping of str to np.ndarray or list of str, shape (n_events,)
        What else is known of each event.
    column_descriptions : mapping of str to str
        What each column means, with its unit.
    description : str
        What the source says the event is.
    """

    name: str
    times: ExplicitTimes
    durations: NDArray[np.float64] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    column_descriptions: Mapping[str, str] = field(default_factory=dict)
    description: str = ""

    def __post_init__(self) -> None:
        if self.durations is not None:
            _agree("durations", len(self.durations), len(self.times), f"events of {self.name}")
        for name, column in self.columns.items():
            _agree(f"values of {name}", len(column), len(self.times), f"events of {self.name}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Events(Record):
    """Events of one or more kinds, scored by a person or found on a recorded line.

    Attributes
    ----------
    series : tuple of EventSeries
    basis : str
        How the events are known, e.g. ``"scored in BORIS, observation 'BG042 POD7'"``.
    """

    series: tuple[EventSeries, ...]
    basis: str

    def aligned(self, offset: float) -> Self:
        return replace(self, series=tuple(replace(one, times=one.times.shifted(offset)) for one in self.series))

    @property
    def span(self) -> tuple[float, float] | None:
        times = [one.times for one in self.series if len(one.times)]
        return (min(one.first for one in times), max(one.last for one in times)) if times else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Intervals(Record):
    """Labelled stretches of time.

    Attributes
    ----------
    starts : ExplicitTimes
        In seconds, ascending.
    stops : np.ndarray, shape (n_intervals,)
        In seconds on the same clock as `starts`.
    columns : mapping of str to list of str
        What is said of each interval, e.g. ``{"label": [...]}``.
    """

    starts: ExplicitTimes
    stops: NDArray[np.float64]
    columns: Mapping[str, list[str]]

    def __post_init__(self) -> None:
        _agree("stops", len(self.stops), len(self.starts), "starts of intervals")
        for name, column in self.columns.items():
            _agree(f"values of {name}", len(column), len(self.starts), "intervals")
        if (self.stops < self.starts.seconds).any():
            index = int(np.flatnonzero(self.stops < self.starts.seconds)[0])
            raise SourceError(f"interval {index} stops before it starts")

    def aligned(self, offset: float) -> Self:
        return replace(self, starts=self.starts.shifted(offset), stops=self.stops + offset)

    @property
    def span(self) -> tuple[float, float] | None:
        return (self.starts.first, float(self.stops.max())) if len(self.starts) else None


@dataclass(frozen=True, kw_only=True, eq=False)
class TraceColumn:
    """One logged quantity.

    Attributes
    ----------
    name : str
        E.g. ``"speed"``.
    unit : str
        As a person states it.
    values : np.ndarray, shape (n_samples,)
        As logged.
    source : str
        What the file calls the column.
    """

    name: str
    unit: str
    values: NDArray[Any]
    source: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace(Record):
    """Quantities that a device logged together, each sample with its time: the speed of a treadmill, the position of a wheel.

    Attributes
    ----------
    columns : tuple of TraceColumn
    times : Times
        When each sample was taken, in seconds.
    basis : str
        How the times are known, and what of the file is not in here.
    """

    columns: tuple[TraceColumn, ...]
    times: Times
    basis: str = ""

    def __post_init__(self) -> None:
        for column in self.columns:
            _agree(f"values of {column.name}", len(column.values), len(self.times), f"times in {self.files[0].name}")

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def clock_times(self) -> Times | None:
        return self.times

    @property
    def span(self) -> tuple[float, float] | None:
        return self.times.first, self.times.last


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores(Record):
    """Rows of an assay (von Frey, Hargreaves, hot plate, licking time): numbers without a clock.

    Attributes
    ----------
    columns : mapping of str to np.ndarray (float64) or list of str, each of n_rows
        By meaning: ``"stimulus"``, ``"value"``, ...
    units : mapping of str to str
        Unit of each numeric column.
    source_columns : mapping of str to str
        What the file calls each column.
    selection : mapping of str to str
        Which rows of the file these are.
    """

    columns: Mapping[str, Any]
    units: Mapping[str, str]
    source_columns: Mapping[str, str]
    selection: Mapping[str, str]

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise SourceError(f"columns of different length: {lengths}")
