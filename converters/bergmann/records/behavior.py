"""Video, pose, events, intervals, traces and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records.base import Record, Sampled, agree, frames_to_use
from bergmann.timing.times import ExplicitTimes


@dataclass(frozen=True, kw_only=True, eq=False)
class Video(Sampled):
    """A video that stays a file of its own, in one or more parts.

    Attributes
    ----------
    frame_counts : tuple of int
        Decodable frames of each file.
    times : Times
        When each frame was taken, all files behind each other, in seconds; of those that are used.
    size : tuple of int
        (width, height) in pixels.
    """

    frame_counts: tuple[int, ...]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        agree("frame counts", len(self.frame_counts), len(self.files), "video files")
        n_frames = sum(self.frame_counts)
        agree("frame times", len(self.times) if self.used is None else self.used.of, n_frames, "frames of video")

    def cut(self, first: int, last: int) -> Self:
        """The same video up to the frame `last`.

        Raises
        ------
        SourceError
            If it is not to begin with its first frame: the video stays a file of its own, and NWB counts from its first frame.
        """
        if first != 1:
            raise SourceError(
                f"{self.files[0].name}: `frames: {first}-{last}`, but a video file stays as it is, and NWB counts its frames "
                "from the first on; state `last_frame`, or cut the file"
            )
        used = frames_to_use(self, first, last)
        return replace(self, times=self.times.part(0, last), ticks=self.clock_times, used=used)

    @property
    def whole(self) -> Self:
        """The video with all its frames, for what was tracked or scored in its files."""
        return self if self.used is None or self.ticks is None else replace(self, times=self.ticks, ticks=None, used=None)


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
class Pose(Sampled):
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
    scorer: str | None
    software: str
    video: str | None = None
    edges: tuple[tuple[str, str], ...] | None = None
    basis: str = ""

    def __post_init__(self) -> None:
        for keypoint in self.keypoints:
            agree("frame times", len(self.times), len(keypoint.positions), f"positions of {keypoint.name}")
            agree("confidences", len(keypoint.confidence), len(keypoint.positions), f"positions of {keypoint.name}")
            for name, values in keypoint.columns.items():
                agree(f"values of {name}", len(values), len(keypoint.positions), f"positions of {keypoint.name}")

    def cut(self, first: int, last: int) -> Self:
        """The same pose in the frames `first` to `last` alone, counted from 1.

        Raises
        ------
        SourceError
            If there are not so many.
        """
        used, block = frames_to_use(self, first, last), slice(first - 1, last)
        keypoints = tuple(
            replace(
                one,
                positions=one.positions[block],
                confidence=one.confidence[block],
                columns={name: values[block] for name, values in one.columns.items()},
            )
            for one in self.keypoints
        )
        return replace(self, keypoints=keypoints, times=self.times.part(first - 1, last), ticks=self.clock_times, used=used)


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
            agree("durations", len(self.durations), len(self.times), f"events of {self.name}")
        for name, column in self.columns.items():
            agree(f"values of {name}", len(column), len(self.times), f"events of {self.name}")


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
        agree("stops", len(self.stops), len(self.starts), "starts of intervals")
        for name, column in self.columns.items():
            agree(f"values of {name}", len(column), len(self.starts), "intervals")
        if (self.stops < self.starts.seconds).any():
            index = int(np.flatnonzero(self.stops < self.starts.seconds)[0])
            start, stop = self.starts.seconds[index], self.stops[index]
            raise SourceError(f"interval {index + 1} stops ({stop:g} s) before it starts ({start:g} s)")

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
class Trace(Sampled):
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
    basis: str = ""

    def __post_init__(self) -> None:
        for column in self.columns:
            agree(f"values of {column.name}", len(column.values), len(self.times), f"times in {self.files[0].name}")

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


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
