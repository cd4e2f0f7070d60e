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

_CLIPPED = 0.02
"""A signal is at its very highest in a sample or two; one that is clipped, for a share of its time."""


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
    rises, falls : np.ndarray, shape (n_pulses,), float64
        When each pulse began and ended, in samples and parts of one: where the line through the two samples beside the edge
        crosses the threshold. Of a digital line that is half way between them.
    """

    onsets: NDArray[np.int64]
    offsets: NDArray[np.int64]
    levels: NDArray[np.float64]
    starts_on: bool
    ends_on: bool
    rises: NDArray[np.float64]
    falls: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.onsets)


@dataclass(frozen=True, eq=False)
class Glitches:
    """Stretches of a line that are too short to be meant.

    Attributes
    ----------
    onsets : np.ndarray, shape (n_glitches,), int64
        First sample of each, ascending.
    widths : np.ndarray, shape (n_glitches,), int64
        How many samples.
    are_gaps : np.ndarray, shape (n_glitches,), bool
        Whether the line was off for so long within a pulse, or on outside of pulses.
    """

    onsets: NDArray[np.int64]
    widths: NDArray[np.int64]
    are_gaps: NDArray[np.bool_]

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
        self.rises: list[NDArray[np.float64]] = []
        self.falls: list[NDArray[np.float64]] = []
        self.last = np.empty(0)

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
        self.rises.append(_crossings(self.last, values, onsets - start, upper) + start)
        self.falls.append(_crossings(self.last, values, offsets - start, lower) + start)
        self.last = values[-1:].copy()
        self.on = bool(on[-1])
        self.open_at = int(begun[-1]) if self.on else 0
        self.plateau = samples[~done]

    def finish(self, n_samples: int, sign: float) -> Pulses:
        """All pulses, one that is still on being cut behind the last sample."""
        none = np.empty(0, dtype=np.int64)
        onsets = np.concatenate([none, *self.onsets])
        offsets = np.concatenate([none, *self.offsets])
        levels = np.concatenate([np.empty(0), *self.levels])
        rises, falls = (np.concatenate([np.empty(0), *parts]) for parts in (self.rises, self.falls))
        if self.on:
            offsets, falls = np.append(offsets, n_samples), np.append(falls, n_samples)
            levels = np.append(levels, np.median(self.plateau))
        return Pulses(onsets, offsets, sign * levels, bool(len(onsets) and onsets[0] == 0), self.on, rises, falls)


def _crossings(last: NDArray[np.float64], values: NDArray[np.float64], at: NDArray[np.int64], level: float) -> NDArray[np.float64]:
    """Where the line between a sample and the one before crosses a level, in samples; `last` is that before the first, if any."""
    before = np.concatenate([last, values])[at + len(last) - 1] if len(last) else values[np.maximum(at - 1, 0)]
    step = values[at] - before
    share = np.where(step != 0, (values[at] - level) / np.where(step != 0, step, 1.0), 0.0)
    crossings: NDArray[np.float64] = at - np.clip(share, 0.0, 1.0)
    return crossings


def without_glitches(pulses: Pulses, *, shortest: int) -> tuple[Pulses, Glitches]:
    """The pulses without stretches of a line that are shorter than so many samples, and these.

    Gaps are closed first, so that a switch that bounces is one pulse from its first touch; what is then still too short is left
    out. What the first or the last sample cuts may have been longer and stays.

    Parameters
    ----------
    pulses : Pulses
    shortest : int
        In samples; the level of a joined pulse is that of its longest part.
    """
    if not len(pulses):
        return pulses, Glitches(pulses.onsets, pulses.onsets, np.empty(0, dtype=np.bool_))
    gaps = pulses.onsets[1:] - pulses.offsets[:-1]
    joined = np.concatenate([[False], gaps < shortest])
    group = np.cumsum(~joined) - 1
    first = np.flatnonzero(~joined)
    last = np.append(first[1:], len(pulses)) - 1
    longest = np.lexsort((pulses.onsets - pulses.offsets, group))[first]
    whole = Pulses(
        pulses.onsets[first],
        pulses.offsets[last],
        pulses.levels[longest],
        pulses.starts_on,
        pulses.ends_on,
        pulses.rises[first],
        pulses.falls[last],
    )
    short = whole.offsets - whole.onsets < shortest
    short[:1] &= not pulses.starts_on
    short[-1:] &= not pulses.ends_on
    within = joined & ~short[group]  # a gap within what is left out is no glitch of its own
    onsets = np.concatenate([pulses.offsets[:-1][within[1:]], whole.onsets[short]])
    widths = np.concatenate([gaps[within[1:]], (whole.offsets - whole.onsets)[short]])
    are_gaps = np.arange(len(onsets)) < int(within.sum())
    order = np.argsort(onsets, kind="stable")
    kept = Pulses(
        whole.onsets[~short],
        whole.offsets[~short],
        whole.levels[~short],
        pulses.starts_on,
        pulses.ends_on,
        whole.rises[~short],
        whole.falls[~short],
    )
    return kept, Glitches(onsets[order], widths[order], are_gaps[order])


def rests_on(pulses: Pulses) -> bool:
    """Whether the line seems to rest where it is on, so that its pulses are the stretches between: it is turned round.

    It is on at the first and the last sample, each time for longer than twice the usual stretch between: a recorder that is started
    before and stopped behind what it records sees its line at rest. False where there are fewer than 3 stretches.
    """
    if len(pulses) < 3 or not (pulses.starts_on and pulses.ends_on):
        return False
    lengths = pulses.offsets - pulses.onsets
    return bool(min(lengths[0], lengths[-1]) > 2 * np.median(lengths[1:-1]))


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
    n_lowest = n_highest = 0
    edges = np.linspace(lowest, highest, 4097)
    counts = np.zeros(4096)
    for _, values in _blocks(read_block, n_samples, block):
        counts += np.histogram(values, edges)[0]
        n_lowest, n_highest = n_lowest + int((values == lowest).sum()), n_highest + int((values == highest).sum())
    centres = (edges[:-1] + edges[1:]) / 2
    levels = _split(centres, counts)
    step = levels.high - levels.low
    between = counts[(centres > levels.low + step / 10) & (centres < levels.high - step / 10)].sum()
    rarer = min(counts[np.abs(centres - level) <= step / 10].sum() for level in (levels.low, levels.high))
    if between >= rarer or not step > 16 * resolution:
        raise SourceError(_no_levels(lowest, highest) + _clipped(n_lowest, n_highest, n_samples))
    return levels


def _range(read_block: ReadBlock, n_samples: int, block: int) -> tuple[float, float]:
    extremes = [(values.min(), values.max()) for _, values in _blocks(read_block, n_samples, block)]
    if not extremes:
        raise SourceError("the line has no samples")
    return float(min(low for low, _ in extremes)), float(max(high for _, high in extremes))


def _no_levels(lowest: float, highest: float) -> str:
    flat = " (flat: is anything connected to this line?)" if lowest == highest else ""
    return f"no two levels: the samples lie between {lowest:g} and {highest:g}{flat}; state `threshold`"


def _clipped(n_lowest: int, n_highest: int, n_samples: int) -> str:
    """What to say of a line of which many samples are exactly the highest or the lowest one."""
    most, which = max((n_highest, "highest"), (n_lowest, "lowest"))
    if most < _CLIPPED * n_samples:
        return ""
    return f". {most / n_samples:.0%} of the samples are exactly the {which} one: was it clipped, beyond the range of the recorder?"


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
