"""The constant rate of samples of which each has its time, and the gaps between them; a block at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.times import ExplicitTimes

TOLERANCE = 0.01
"""How far a sample may be from where the rate puts it, in intervals, beyond what the times are rounded to (as in `Recording`)."""

GAP = 1.5
"""Intervals between two samples from which on one is missing between them."""

HINT = (
    "If the device samples at a constant rate, leave the times out and state `rate:`; what is logged at uneven times is "
    "`format: encoder`"
)


@dataclass(frozen=True)
class Stamps:
    """The times of consecutive samples.

    Attributes
    ----------
    seconds : np.ndarray, shape (n,), float64
    resolution : float
        What they are rounded to, in seconds.
    """

    seconds: NDArray[np.float64]
    resolution: float


@dataclass(frozen=True, eq=False)
class Sweeps:
    """Stretches of samples without a gap.

    Attributes
    ----------
    rate : float
        Samples per second.
    starts : ExplicitTimes, n_sweeps
        In seconds.
    lengths : np.ndarray, shape (n_sweeps,), int64
    """

    rate: float
    starts: ExplicitTimes
    lengths: NDArray[np.int64]


def one_sweep(rate: float, n_samples: int) -> Sweeps:
    """Samples at a rate that is stated, from 0 s on."""
    return Sweeps(rate, ExplicitTimes(np.zeros(1)), np.array([n_samples], dtype=np.int64))


def find_sweeps(blocks: Iterable[Stamps], *, rate: float | None, where: str) -> Sweeps:
    """The one rate at which all samples were taken, and where samples are missing between them.

    A sample is where the rate puts it if it is within a hundredth of an interval, and what the times are rounded to, of it. A sweep
    begins at the time of its first sample.

    Parameters
    ----------
    blocks : iterable of Stamps
        In order; read once.
    rate : float, optional
        Samples per second that a person states; the times must be as it says.
    where : str
        A phrase for messages: the file and what holds the times.

    Raises
    ------
    SourceError
        If times are not finite, repeat or run backwards, are at no constant rate, or are so rounded that a missing sample cannot be
        told.
    """
    walk = Walk(where, rate)
    for block in blocks:
        if len(block.seconds):
            walk.add(block)
    return walk.sweeps()


class Walk:
    """What is known after the samples so far, for `find_sweeps`; the intervals that they allow become fewer with each."""

    def __init__(self, where: str, rate: float | None) -> None:
        self.where = where
        self.stated = rate
        self.interval = 0.0 if rate is None else 1 / rate
        self.low, self.high = (0.0, np.inf) if rate is None else (1 / rate, 1 / rate)
        self.starts: list[float] = []
        self.lasts: list[float] = []
        self.lengths: list[int] = []
        self.shortest, self.longest = np.inf, 0.0

    def add(self, block: Stamps) -> None:
        """Take the times of the samples that follow."""
        seconds, before = block.seconds, sum(self.lengths)
        if not np.isfinite(seconds).all():
            index = int(np.flatnonzero(~np.isfinite(seconds))[0])
            raise SourceError(f"{self.where}: sample {before + index + 1} is at {seconds[index]}; expected finite times")
        steps = np.diff(np.r_[self.lasts[-1:], seconds])
        self._refuse_backwards(steps, before + len(seconds) - len(steps))
        if not self.interval and len(steps):
            self.interval = _typical(steps, block.resolution)
        if self.stated is None and self._is_coarse(block):
            self._refuse_ambiguous(steps, block, before + len(seconds) - len(steps))
        near = steps[steps <= GAP * self.interval]
        if len(near):
            self.shortest, self.longest = min(self.shortest, near.min()), max(self.longest, near.max())
        cuts = np.flatnonzero(steps > GAP * self.interval) + len(seconds) - len(steps)
        for number, part in enumerate(np.split(seconds, cuts)):
            self._extend(part, 0.0 if self._is_coarse(block) else block.resolution, new=number > 0 or not self.starts)

    def _is_coarse(self, block: Stamps) -> bool:
        """Whether times are rounded to so much that only those of a rate that is a round number too can be told."""
        return self.interval > 0 and block.resolution >= self.interval / 2

    def _refuse_ambiguous(self, steps: NDArray[np.float64], block: Stamps, before: int) -> None:
        double = np.flatnonzero((steps > GAP * self.interval) & (steps < (GAP + 1) * self.interval))
        if len(double):
            index = int(double[0])
            raise SourceError(
                f"{self.where}: times written to {block.resolution:g} s, and sample {before + index + 1} is {steps[index]:g} s "
                f"after the one before it, most others {self.interval:g} s: a missing sample, or rounded? State `rate:` too, if "
                "it is known"
            )

    def _refuse_backwards(self, steps: NDArray[np.float64], before: int) -> None:
        back = np.flatnonzero(steps <= 0)
        if len(back):
            index = int(back[0])
            what = "the time of the one before it, again" if steps[index] == 0 else f"{-steps[index]:g} s before the one before it"
            raise SourceError(f"{self.where}: sample {before + index + 1} is at {what}; expected times that go forward. {HINT}")

    def _extend(self, part: NDArray[np.float64], resolution: float, *, new: bool) -> None:
        """Take more samples of a sweep, or the first of a new one."""
        if new:
            self.starts.append(float(part[0]))
            self.lasts.append(float(part[0]))
            self.lengths.append(0)
        if not len(part):
            return
        numbers = np.arange(self.lengths[-1], self.lengths[-1] + len(part))
        skipped = int(numbers[0] == 0)
        elapsed, numbers = (part - self.starts[-1])[skipped:], numbers[skipped:]
        if len(numbers):
            slack = TOLERANCE * self.interval + resolution + 4 * np.spacing(np.abs(part).max())
            low = np.maximum.accumulate(np.r_[self.low, (elapsed - slack) / numbers])
            high = np.minimum.accumulate(np.r_[self.high, (elapsed + slack) / numbers])
            stated = self.stated is not None
            odd = np.flatnonzero((high < self.low) | (low > self.high) if stated else low > high)
            if len(odd):
                raise self._uneven(
                    sum(self.lengths) + skipped + int(odd[0]) - 1, float(elapsed[odd[0] - 1]), int(numbers[odd[0] - 1])
                )
            if not stated:
                self.low, self.high = float(low[-1]), float(high[-1])
        self.lasts[-1] = float(part[-1])
        self.lengths[-1] += len(part)

    def _uneven(self, index: int, elapsed: float, number: int) -> SourceError:
        if self.stated is not None:
            found = (
                f"sample {index + 1} is {elapsed:.9g} s after the first of its stretch, and a rate of {self.stated:g} Hz puts it "
                f"at {number / self.stated:.9g} s; is the rate another?"
            )
        else:
            found = (
                f"samples up to number {index + 1} are at no constant rate: {self.shortest:g} to {self.longest:g} s apart. {HINT}"
            )
        return SourceError(f"{self.where}: {found}")

    def sweeps(self) -> Sweeps:
        """What all samples so far are."""
        n_samples = sum(self.lengths)
        if not n_samples:
            raise SourceError(f"{self.where}: no samples; was the recording stopped at once?")
        if len(self.starts) > 1 and 2 * len(self.starts) > n_samples:
            raise SourceError(
                f"{self.where}: {n_samples} samples in {len(self.starts)} stretches with gaps of more than {GAP:g} x "
                f"{self.interval:g} s between them. Is the rate another? {HINT}"
            )
        if self.stated is not None:
            rate = self.stated
        elif n_samples == len(self.starts):
            raise SourceError(f"{self.where}: no two samples without a gap between them, so that there is no rate; state `rate:`")
        else:
            elapsed = float(np.sum(np.array(self.lasts) - np.array(self.starts)))
            interval = min(max(elapsed / (n_samples - len(self.starts)), self.low), self.high)
            rate = float(f"{1 / interval:.12g}")  # what follows is the error of adding binary fractions
        return Sweeps(rate, ExplicitTimes(np.array(self.starts)), np.array(self.lengths, dtype=np.int64))


def _typical(steps: NDArray[np.float64], resolution: float) -> float:
    """The usual step: the mean of those that are no gap, as rounded steps may be of two sizes."""
    median = float(np.median(steps))
    mean = float(np.mean(steps[steps <= GAP * median + resolution]))
    return median if resolution >= mean / 2 else mean
