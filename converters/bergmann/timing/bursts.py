"""Pauses in a train of events: its bursts, the gaps in which events are missing, and where two trains slip against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.clock_map import Floats

PAUSE = 5.0
"""How many intervals of the events before and behind it a pause must last to part two bursts."""

_NEIGHBOURS = 12
"""Intervals on either side that a pause is compared with."""

_WHOLE = 0.3
"""How far a gap may be from a whole number of intervals to say how many events are missing in it."""

_MOST_MISSING = 1e7
"""Intervals beyond which the length of a gap counts nothing: no interval is known to a ten-millionth."""

_SETTLED = 25
"""Events on either side by which a slip is told from one that comes late."""


@dataclass(frozen=True)
class Burst:
    """Events that follow each other without a long pause.

    Attributes
    ----------
    first, stop : int
        Number of its first event, and of the one behind its last, from 0.
    begin, end : float
        Times of its first and last event, in seconds.
    """

    first: int
    stop: int
    begin: float
    end: float

    def __len__(self) -> int:
        return self.stop - self.first

    def __str__(self) -> str:
        return f"{len(self)} pulse{'s' if len(self) > 1 else ''} from {self.begin:.3f} s to {self.end:.3f} s"


def find_bursts(times: Floats) -> tuple[Burst, ...]:
    """The bursts of a train, parted where an interval is more than `PAUSE` times the median of those before and of those behind it.

    Parameters
    ----------
    times : np.ndarray, shape (n_events,), float64
        Ascending, in seconds.

    Returns
    -------
    tuple of Burst
        None for no event, one for a train without a long pause.
    """
    steps = np.diff(times)
    if not len(times):
        return ()
    beside = np.minimum(np.append(steps[1:], np.inf), np.append(np.inf, steps[:-1]))
    edges = [0]
    for place in np.flatnonzero(steps > PAUSE * beside).tolist():
        if _is_pause(steps, place, edges[-1]):
            edges.append(place + 1)
    edges.append(len(times))
    return tuple(Burst(first, stop, float(times[first]), float(times[stop - 1])) for first, stop in pairwise(edges))


def _is_pause(steps: Floats, place: int, begun: int) -> bool:
    before = steps[max(begun, place - _NEIGHBOURS) : place]
    behind = steps[place + 1 : place + 1 + _NEIGHBOURS]
    usual = [_long_but_usual(one) for one in (before, behind) if len(one)]
    return bool(usual) and bool(steps[place] > PAUSE * max(usual))


def _long_but_usual(steps: Floats) -> float:
    """The third longest of some intervals: two may be pauses themselves, and of several pulses a frame one interval is long."""
    ordered = np.sort(steps)
    return float(ordered[-3] if len(ordered) >= 6 else ordered[len(ordered) // 2])


def listing(bursts: Sequence[Burst]) -> str:
    """The bursts with their numbers, those in the middle of many left out."""
    told = [f"{number}: {burst}" for number, burst in enumerate(bursts, start=1)]
    return "; ".join(told if len(told) <= 6 else [*told[:4], "...", told[-1]])


def usual_interval(times: Floats) -> float:
    """Mean of the intervals that are not gaps, in seconds; NaN for fewer than two events, or events that are mostly at one time.

    The median of sampled pulses is a whole number of samples, so that it may be off by a hundredth.
    """
    steps = np.diff(times)
    if not len(steps):
        return float("nan")
    median = float(np.sort(steps)[(len(steps) - 1) // 2])  # one of the intervals, so that there is one that is no gap
    return float(np.mean(steps[np.abs(steps - median) <= 0.5 * median])) if median > 0 else float("nan")


def slots(times: Floats, what: str) -> NDArray[np.int64]:
    """Which interval after the first event each event is in, shape (n_events,): 0, 1, 2, 4 where the fourth of five is missing.

    Parameters
    ----------
    times : np.ndarray, shape (n_events,), float64
        Ascending, in seconds.
    what : str
        What an event is, for the message: ``"frame"``.

    Raises
    ------
    SourceError
        If a gap is no whole number of intervals: it does not say how many events are missing in it.
    """
    usual = usual_interval(times)
    if len(times) > 1 and not usual > 0:
        raise SourceError(f"the times do not say how often a {what} comes")
    steps = np.diff(times) / usual if len(times) > 1 else np.empty(0)
    whole = np.maximum(np.round(steps), 1)
    odd = np.flatnonzero((steps > 1.5) & ((np.abs(steps - whole) > _WHOLE) | (steps > _MOST_MISSING)))
    if len(odd):
        at = int(odd[0])
        raise SourceError(
            f"the gap behind {what} {at + 1} (at {times[at]:.3f} s) is {steps[at]:.2f} intervals long, no whole number of them"
        )
    return np.concatenate([[0], np.cumsum(whole)]).astype(np.int64)


def find_slips(own: Floats, other: Floats, *, period: float, least: float) -> list[tuple[int, float]]:
    """Where the one of two trains leaps against the other and stays there.

    Parameters
    ----------
    own, other : np.ndarray, shape (n_events,), float64
        Times of what are taken to be the same events, in seconds.
    period : float
        Usual interval, in seconds.
    least : float
        The smallest leap that counts, in periods.

    Returns
    -------
    list of (int, float)
        The event before each leap, from 0, and by how much `other` is later from the next one on, in seconds.
    """
    shift = other - own
    places = np.flatnonzero(np.abs(np.diff(shift)) > least * period)
    if not len(places):
        return []
    padded = np.pad(shift, _SETTLED, constant_values=np.nan)
    windows = sliding_window_view(padded, _SETTLED)
    before = np.nanmedian(windows[places + 1], axis=1)
    behind = np.nanmedian(windows[places + 1 + _SETTLED], axis=1)
    leaps = behind - before
    return [(int(at), float(leap)) for at, leap in zip(places, leaps, strict=True) if abs(leap) > least * period]
