"""The times of samples, frames or events, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.clock_map import ClockMap


@dataclass(frozen=True)
class RegularTimes:
    """Times at a constant rate.

    Attributes
    ----------
    start : float
        Time of the first sample, in seconds.
    rate : float
        Samples per second.
    count : int
        How many samples.
    """

    start: float
    rate: float
    count: int

    def __post_init__(self) -> None:
        if not (np.isfinite(self.rate) and self.rate > 0):
            raise SourceError(f"a rate of {self.rate!r} samples per second; expected a number above 0")

    def __len__(self) -> int:
        return self.count

    @property
    def first(self) -> float:
        """Time of the first sample, in seconds."""
        return self.start

    @property
    def last(self) -> float:
        """Time of the last sample, in seconds."""
        return self.start + (self.count - 1) / self.rate

    @property
    def interval(self) -> float:
        """Time between samples, in seconds."""
        return 1 / self.rate

    @property
    def seconds(self) -> NDArray[np.float64]:
        """All times, shape (count,), in seconds."""
        return self.start + np.arange(self.count) / self.rate

    def shifted(self, offset: float) -> RegularTimes:
        """The same times, `offset` seconds later."""
        return replace(self, start=self.start + offset)

    def mapped(self, clock: ClockMap) -> RegularTimes | ExplicitTimes:
        """The same times on another clock; at a constant rate, too, where the clocks' rates keep their ratio."""
        if clock.is_steady:
            return RegularTimes(float(clock.apply(np.array([self.start]))[0]), self.rate / clock.rate_ratio, self.count)
        return ExplicitTimes(clock.apply(self.seconds))

    def part(self, start: int, stop: int) -> RegularTimes:
        """The times of samples ``start`` to ``stop`` (exclusive)."""
        return RegularTimes(self.start + start / self.rate, self.rate, stop - start)


@dataclass(frozen=True, eq=False)
class ExplicitTimes:
    """One time a sample, kept as measured.

    Attributes
    ----------
    seconds : np.ndarray, shape (count,), float64
        Times in seconds, never decreasing.
    """

    seconds: NDArray[np.float64]

    def __post_init__(self) -> None:
        seconds = self.seconds
        if seconds.ndim != 1:
            raise SourceError(f"times of shape {seconds.shape}; expected one dimension")
        if not np.isfinite(seconds).all():
            index = int(np.flatnonzero(~np.isfinite(seconds))[0])
            raise SourceError(f"time {index} of {len(seconds)} is {seconds[index]!r}; expected finite seconds")
        steps = np.diff(seconds)
        if (steps < 0).any():
            index = int(np.flatnonzero(steps < 0)[0])
            raise SourceError(
                f"times run backwards: number {index} is {seconds[index]:.6f} s and number {index + 1} is "
                f"{seconds[index + 1]:.6f} s"
            )

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def first(self) -> float:
        """Time of the first sample, in seconds."""
        return float(self.seconds[0])

    @property
    def last(self) -> float:
        """Time of the last sample, in seconds."""
        return float(self.seconds[-1])

    @property
    def interval(self) -> float:
        """Median time between samples, in seconds (NaN for fewer than two)."""
        return float(np.median(np.diff(self.seconds))) if len(self.seconds) > 1 else float("nan")

    def shifted(self, offset: float) -> ExplicitTimes:
        """The same times, `offset` seconds later."""
        return ExplicitTimes(self.seconds + offset)

    def mapped(self, clock: ClockMap) -> ExplicitTimes:
        """The same times on another clock."""
        return ExplicitTimes(clock.apply(self.seconds))

    def part(self, start: int, stop: int) -> ExplicitTimes:
        """The times of samples ``start`` to ``stop`` (exclusive)."""
        return ExplicitTimes(self.seconds[start:stop])


Times = RegularTimes | ExplicitTimes


def time_arguments(times: Times) -> dict[str, Any]:
    """The keyword arguments with which an NWB time series takes these times.

    Returns
    -------
    dict
        ``starting_time`` and ``rate`` for regular times, else ``timestamps``.
    """
    if isinstance(times, RegularTimes):
        return {"starting_time": float(times.start), "rate": float(times.rate)}
    return {"timestamps": times.seconds}


def times_at(times: Times, frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times of fractional frame numbers.

    Parameters
    ----------
    times : Times
        When each frame began, in seconds.
    frames : np.ndarray, shape (n,)
        Frame numbers from 0; 2.5 is halfway between frames 2 and 3. After the last frame, frames go on at the usual interval.

    Returns
    -------
    np.ndarray, shape (n,), seconds
    """
    if isinstance(times, RegularTimes):
        return times.start + frames / times.rate
    last = len(times) - 1
    after = np.maximum(frames - last, 0.0) * (times.interval if last else 0.0)
    return np.asarray(np.interp(frames, np.arange(last + 1), times.seconds) + after, dtype=np.float64)
