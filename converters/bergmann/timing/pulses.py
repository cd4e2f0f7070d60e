"""Pulses on a sampled line: two thresholds, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError

ReadBlock = Callable[[int, int], NDArray[Any]]
"""(start, stop): samples ``start`` to ``stop`` of a line, shape (stop - start,)."""

Polarity = Literal["high", "low"]

BLOCK = 1 << 20
LEVEL_SAMPLES = 1 << 20


@dataclass(frozen=True, eq=False)
class Pulses:
    """Stretches of a line that are on, in samples.

    Attributes
    ----------
    onsets : np.ndarray, shape (n_pulses,), int64
        First sample of each pulse.
    offsets : np.ndarray, shape (n_pulses,), int64
        First sample behind each pulse.
    levels : np.ndarray, shape (n_pulses,), float64
        Median of the samples of each pulse (of its first 2**20 samples, if it is longer).
    starts_on : bool
        Whether the line was on at the first sample: the first pulse may have begun before.
    ends_on : bool
        Whether the line was on at the last sample: the last pulse may have gone on.
    """

    onsets: NDArray[np.int64]
    offsets: NDArray[np.int64]
    levels: NDArray[np.float64]
    starts_on: bool
    ends_on: bool

    def __len__(self) -> int:
        return len(self.onsets)


@dataclass(frozen=True)
class Levels:
    """The two levels that a line rests at.

    Attributes
    ----------
    low, high : float
        Mean of the samples of each level.
    """

    low: float
    high: float

    @property
    def threshold(self) -> float:
        """Half way between the two levels."""
        return (self.low + self.high) / 2

    @property
    def hysteresis(self) -> float:
        """A tenth of the step between the two levels."""
        return (self.high - self.low) / 10


def _blocks(read_block: ReadBlock, n_samples: int, block: int) -> Iterator[tuple[int, NDArray[np.float64]]]:
    for start in range(0, n_samples, block):
        stop = min(start + block, n_samples)
        values = np.asarray(read_block(start, stop), dtype=np.float64)
        if values.shape != (stop - start,):
            raise SourceError(f"samples {start} to {stop} have the shape {values.shape}; the file may be truncated")
        if not np.isfinite(values).all():
            index = start + int(np.flatnonzero(~np.isfinite(values))[0])
            raise SourceError(f"sample {index} is not a number; pulses cannot be told there")
        yield start, values


def find_pulses(
    read_block: ReadBlock,
    n_samples: int,
    *,
    threshold: float,
    hysteresis: float = 0.0,
    polarity: Polarity = "high",
    block: int = BLOCK,
) -> Pulses:
    """Find where a line is on, in memory that does not grow with it.

    The line turns on at the first sample at or above ``threshold + hysteresis / 2`` and off at the first sample below
    ``threshold - hysteresis / 2``; between the two it stays as it was (at the very first sample: off). The result does not
    depend on the length of the blocks.

    Parameters
    ----------
    read_block : callable (start, stop) -> np.ndarray, shape (stop - start,)
    n_samples : int
        How many samples the line has.
    threshold, hysteresis : float
        In the units of the samples; `hysteresis` is not negative.
    polarity : {"high", "low"}
        Whether the line is on when high, or when low (both comparisons are then turned round).
    block : int
        Samples read at a time.

    Returns
    -------
    Pulses

    Raises
    ------
    SourceError
        If a sample is NaN or infinite, or a block is shorter than asked for.
    """
    if hysteresis < 0:
        raise SourceError(f"a hysteresis of {hysteresis:g}; expected 0 or more")
    sign = 1.0 if polarity == "high" else -1.0
    state = _State()
    for start, values in _blocks(read_block, n_samples, block):
        state.take(start, sign * values, sign * threshold + hysteresis / 2, sign * threshold - hysteresis / 2)
    return state.finish(n_samples, sign)


class _State:
    """What a block must know of those before it: whether the line is on, since when, and the samples since then."""

    def __init__(self) -> None:
        self.on = False
        self.open_at = 0
        self.plateau: NDArray[np.float64] = np.empty(0)
        self.onsets: list[NDArray[np.int64]] = []
        self.offsets: list[NDArray[np.int64]] = []
        self.levels: list[NDArray[np.float64]] = []

    def take(self, start: int, values: NDArray[np.float64], upper: float, lower: float) -> None:
        """Go on through the samples of one block."""
        on = _follow(values, upper, lower, self.on)
        before = np.concatenate([[self.on], on[:-1]])
        onsets = np.flatnonzero(on & ~before) + start
        offsets = np.flatnonzero(~on & before) + start
        begun = np.concatenate([[self.open_at], onsets]) if self.on else onsets
        pulse = np.cumsum(on & ~before)[on] - (0 if self.on else 1)
        since = np.flatnonzero(on) + start - begun[pulse] if len(begun) else np.empty(0, dtype=np.int64)
        kept = since < LEVEL_SAMPLES
        samples = np.concatenate([self.plateau, values[on][kept]])
        pulse = np.concatenate([np.zeros(len(self.plateau), dtype=np.int64), pulse[kept]])
        done = pulse < len(offsets)
        self.onsets.append(onsets)
        self.offsets.append(offsets)
        self.levels.append(_medians(samples[done], pulse[done], len(offsets)))
        self.on = bool(on[-1])
        self.open_at = int(begun[-1]) if self.on else 0
        self.plateau = samples[~done]

    def finish(self, n_samples: int, sign: float) -> Pulses:
        """All pulses, one that is still on being cut behind the last sample."""
        none = np.empty(0, dtype=np.int64)
        onsets = np.concatenate([none, *self.onsets])
        offsets = np.concatenate([none, *self.offsets])
        levels = np.concatenate([np.empty(0), *self.levels])
        if self.on:
            offsets = np.append(offsets, n_samples)
            levels = np.append(levels, np.median(self.plateau))
        return Pulses(onsets, offsets, sign * levels, bool(len(onsets) and onsets[0] == 0), self.on)


def _follow(values: NDArray[np.float64], upper: float, lower: float, on: bool) -> NDArray[np.bool_]:
    """Whether the line is on at each sample, given that it was `on` before the first."""
    decided = (values >= upper) | (values < lower)
    decided[0] = True
    states: NDArray[np.bool_] = values >= upper
    if lower <= values[0] < upper:
        states[0] = on
    latest = np.maximum.accumulate(np.where(decided, np.arange(len(values)), 0))
    return states[latest]


def _medians(samples: NDArray[np.float64], pulse: NDArray[np.int64], n_pulses: int) -> NDArray[np.float64]:
    """Median of the samples of each pulse, shape (n_pulses,); `pulse` says whose each sample is, ascending."""
    ordered = samples[np.lexsort((samples, pulse))]
    counts = np.bincount(pulse, minlength=n_pulses)
    first = np.cumsum(counts) - counts
    medians: NDArray[np.float64] = (ordered[first + (counts - 1) // 2] + ordered[first + counts // 2]) / 2
    return medians


def find_levels(read_block: ReadBlock, n_samples: int, *, resolution: float = 0.0, block: int = BLOCK) -> Levels:
    """Find the two levels of a line, in memory that does not grow with it.

    The range is split where both sides' means are equally far away (Ridler and Calvard 1978, IEEE Trans. SMC 8:630), on a
    histogram of 4096 bins. The means are levels only if more samples lie within a tenth of the step around the rarer one than
    lie between the two; noise, sines, ramps and a third level are refused.

    Parameters
    ----------
    read_block : callable (start, stop) -> np.ndarray, shape (stop - start,)
    n_samples : int
    resolution : float
        Smallest step that the digitiser resolves, 0 if unknown: levels closer than 16 steps are noise.
    block : int
        Samples read at a time.

    Raises
    ------
    SourceError
        If the line has no two levels; the message says its minimum and maximum.
    """
    lowest, highest = _range(read_block, n_samples, block)
    if not highest - lowest > 16 * resolution:
        raise SourceError(_no_levels(lowest, highest))
    edges = np.linspace(lowest, highest, 4097)
    counts = np.zeros(4096)
    for _, values in _blocks(read_block, n_samples, block):
        counts += np.histogram(values, edges)[0]
    centres = (edges[:-1] + edges[1:]) / 2
    levels = _split(centres, counts)
    step = levels.high - levels.low
    between = counts[(centres > levels.low + step / 10) & (centres < levels.high - step / 10)].sum()
    rarer = min(counts[np.abs(centres - level) <= step / 10].sum() for level in (levels.low, levels.high))
    if between >= rarer or not step > 16 * resolution:
        raise SourceError(_no_levels(lowest, highest))
    return levels


def _range(read_block: ReadBlock, n_samples: int, block: int) -> tuple[float, float]:
    extremes = [(values.min(), values.max()) for _, values in _blocks(read_block, n_samples, block)]
    if not extremes:
        raise SourceError("the line has no samples")
    return float(min(low for low, _ in extremes)), float(max(high for _, high in extremes))


def _no_levels(lowest: float, highest: float) -> str:
    return f"no two levels: the samples lie between {lowest:g} and {highest:g}; state `threshold`"


def _split(centres: NDArray[np.float64], counts: NDArray[np.float64]) -> Levels:
    """The means of both sides of the self-consistent split of a histogram."""
    threshold = (centres[0] + centres[-1]) / 2
    while True:
        above = centres >= threshold
        low = float(np.average(centres[~above], weights=counts[~above]))
        high = float(np.average(centres[above], weights=counts[above]))
        moved = (low + high) / 2
        if np.array_equal(centres >= moved, above):
            return Levels(low, high)
        threshold = moved
