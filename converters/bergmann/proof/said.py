"""What sources say, as a second reading gives it: plain values, in the source's own order and on its own clock.

These are not the records of the converter: nothing that turns, cuts or places an array for writing is used to prove what was
written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""Pixels of one region: column, row, weight."""


@dataclass(frozen=True, eq=False)
class Values:
    """An array that is read a block at a time.

    Attributes
    ----------
    shape : tuple of int
    dtype : np.dtype
    read : callable (start, stop) -> np.ndarray, shape (stop - start, ...)
        Elements of the first axis.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[int, int], NDArray[Any]]

    @classmethod
    def of(cls, array: NDArray[Any]) -> Values:
        """The values of an array in memory."""
        return cls(array.shape, array.dtype, lambda start, stop: array[start:stop])

    @classmethod
    def joined(cls, lengths: Sequence[int], dtype: np.dtype[Any], read: Callable[[int, int, int], NDArray[Any]]) -> Values:
        """One dimension in pieces behind each other; ``read(piece, start, stop)`` reads of one."""
        ends = np.cumsum([0, *lengths])

        def across(start: int, stop: int) -> NDArray[Any]:
            parts = [np.empty(0, dtype)]
            for piece, (first, last) in enumerate(pairwise(ends.tolist())):
                low, high = max(start, first), min(stop, last)
                if low < high:
                    parts.append(read(piece, low - first, high - first))
            return np.concatenate(parts)

        return cls((int(ends[-1]),), dtype, across)

    def part(self, start: int, stop: int) -> Values:
        """Elements ``start`` to ``stop`` of the first axis."""
        return Values((stop - start, *self.shape[1:]), self.dtype, lambda first, last: self.read(start + first, start + last))


@dataclass(frozen=True, kw_only=True, eq=False)
class Said:
    """What every second reading gives.

    Attributes
    ----------
    files : tuple of Path
        What was read.
    placed : bool
        Whether its times are on the session's clock.
    """

    files: tuple[Path, ...]
    placed: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Frames(Said):
    """A movie.

    Attributes
    ----------
    channels : mapping of int to Values, shape (n_frames, height, width) or (n_frames, n_planes, height, width)
        By number of the channel, all frames of the recording.
    times : np.ndarray, shape (n_frames,), seconds
    ticks : np.ndarray, shape (n_ticks,), seconds
        What a frame clock ticks for.
    """

    channels: Mapping[int, Values]
    times: Floats
    ticks: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A channel of a recording: ``samples * conversion + offset`` is in `unit`."""

    name: str
    samples: Values
    unit: str
    conversion: float = 1.0
    offset: float = 0.0
    is_digital: bool = False

    def in_unit(self, start: int, stop: int) -> Floats:
        """Samples in `unit`."""
        return np.asarray(self.samples.read(start, stop), dtype=np.float64) * self.conversion + self.offset

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """All samples in `unit`, some at a time, with the number of the first."""
        for start in range(0, self.samples.shape[0], 1 << 21):
            yield start, self.in_unit(start, min(start + (1 << 21), self.samples.shape[0]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines(Said):
    """A recording of sweeps.

    Attributes
    ----------
    lines : tuple of Line
    rate : float
        Samples per second.
    starts : np.ndarray, shape (n_sweeps,), seconds
    lengths : np.ndarray, shape (n_sweeps,), samples
    tags : tuple of (str, float)
        Comments and their times.
    events : mapping of str to Kind
        Lines whose events are stored by their times, by the path of their table in the file.
    taken : callable, optional
        When samples, by number, were taken, where their rate changed.
    """

    lines: tuple[Line, ...]
    rate: float
    starts: Floats
    lengths: NDArray[np.int64]
    tags: tuple[tuple[str, float], ...] = ()
    events: Mapping[str, Kind] = field(default_factory=dict)
    taken: Callable[[NDArray[np.int64]], Floats] | None = None

    def at(self, samples: NDArray[np.int64]) -> Floats:
        """When samples, by number, were taken, in seconds."""
        if self.taken is not None:
            return self.taken(samples)
        begins = np.cumsum([0, *self.lengths[:-1]])
        sweep = np.searchsorted(begins, samples, side="right") - 1
        return np.asarray(self.starts[sweep] + (samples - begins[sweep]) / self.rate)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pulses(Said):
    """Pulses of light.

    Attributes
    ----------
    onsets, durations : np.ndarray, shape (n_pulses,), seconds
    command : np.ndarray, shape (n_pulses,), optional
    power : np.ndarray, shape (n_pulses,), watts, optional
    unit : str
        Of the command.
    slack : float
        Seconds by which two readings of the same may differ.
    """

    onsets: Floats
    durations: Floats
    command: Floats | None = None
    power: Floats | None = None
    unit: str = ""
    slack: float = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """One kind of event: its onsets, and their durations where they have one, in seconds."""

    onsets: Floats
    durations: Floats | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Occurrences(Said):
    """Events, by what they are.

    Attributes
    ----------
    kinds : mapping of str to Kind
    fps : float, optional
        Frames per second of the video whose seconds the times are, as the scorer's program knew it.
    slack : float
        Seconds by which two readings of the same may differ.
    """

    kinds: Mapping[str, Kind]
    fps: float | None = None
    slack: float = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneOfRois:
    """The ROIs of a plane.

    Attributes
    ----------
    name : str
    masks : tuple of (x, y, weight)
        Arrays of the pixels of each ROI: column, row, weight.
    traces : mapping of str to Values, shape (n_frames, n_rois)
    columns : mapping of str to np.ndarray, shape (n_rois,)
    images : mapping of str to np.ndarray, shape (height, width)
    shifts : np.ndarray, shape (n_frames, 2), optional
        (x, y) shift of each frame.
    of_cells : bool
    """

    name: str
    masks: tuple[Mask, ...]
    traces: Mapping[str, Values]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    images: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    shifts: Floats | None = None
    of_cells: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Regions(Said):
    """ROIs and traces; `times` only where they are not those of a movie."""

    planes: tuple[PlaneOfRois, ...]
    times: Floats | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Positions(Said):
    """Tracked body parts: (x, y) of shape (n_frames, 2), confidence of shape (n_frames,), and other columns."""

    parts: Mapping[str, tuple[Floats, Floats]]
    times: Floats | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures(Said):
    """A video, which stays a file of its own; `times` where the second reading knows them."""

    times: Floats | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns(Said):
    """A table, or values that are not of a constant rate to the letter.

    Attributes
    ----------
    columns : mapping of str to numbers or texts
        By the path in which they stand in the NWB file.
    times : mapping of str to np.ndarray, seconds
        Of the samples of a time series, by its path, on the source's own clock.
    frames : mapping of str to np.ndarray
        Times that are said as frames of the recording that the source is of, counted from 0: by path.
    spans : mapping of str to (np.ndarray, np.ndarray)
        Durations that are said as first frame and the one behind the last.
    scaled : mapping of str to np.ndarray
        Samples in their unit, by path: what is stored there times its conversion, plus its offset.
    masks : mapping of str to tuple of (x, y, weight)
        Pixels of each row of a table, by its path.
    slack : float
        Seconds by which the times may differ: half of what a table rounds to.
    """

    columns: Mapping[str, Any] = field(default_factory=dict)
    scaled: Mapping[str, Floats] = field(default_factory=dict)
    times: Mapping[str, Floats] = field(default_factory=dict)
    frames: Mapping[str, Floats] = field(default_factory=dict)
    spans: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    masks: Mapping[str, tuple[Mask, ...]] = field(default_factory=dict)
    slack: float = 2e-6
