"""Which pulses of a line tie which events of a source, and what of the source lies outside of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bergmann.timing.clock_map import ClockMap
from bergmann.timing.times import RegularTimes, Times

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ties:
    """Pulses of a line, events of a source, and which is which.

    Attributes
    ----------
    own : np.ndarray, shape (n_events,), float64
        Times of all events (frames) on the source's own clock, in seconds, ascending.
    pulses : np.ndarray, shape (n_pulses,), float64
        Onsets of all pulses of the line on the session's clock, in seconds, ascending.
    events, used : np.ndarray, shape (n_ties,), int64
        Numbers of the event and of the pulse of each tie, from 0, both ascending.
    """

    own: Floats
    pulses: Floats
    events: Indices
    used: Indices

    def __post_init__(self) -> None:
        if len(self.events) != len(self.used):
            raise ValueError(f"{len(self.events)} events are tied to {len(self.used)} pulses; expected as many")

    @classmethod
    def in_order(cls, own: Floats, pulses: Floats) -> Ties:
        """The first event at the first pulse, and so on, as far as both go."""
        both = np.arange(min(len(own), len(pulses)), dtype=np.int64)
        return cls(own, pulses, both, both)

    def among(self, own: Floats, pulses: Floats) -> Ties:
        """The same ties among all events of the source and all pulses of the line, of which some were fitted.

        Parameters
        ----------
        own : np.ndarray, shape (n_events,), float64
        pulses : np.ndarray, shape (n_pulses,), float64
            As the attributes; ascending. They hold the times that were fitted, to the last digit, or the ties stay as they are.
        """
        events, used = np.searchsorted(own, self.own[self.events]), np.searchsorted(pulses, self.pulses[self.used])
        is_whole = _are_at(own, events, self.own[self.events]) and _are_at(pulses, used, self.pulses[self.used])
        if not is_whole or (np.diff(events) < 1).any():  # frames of one time cannot be told apart by it
            return self
        return Ties(own, pulses, events, used)

    def __len__(self) -> int:
        return len(self.used)

    @property
    def missing(self) -> Indices:
        """Numbers of the events for which there is no pulse."""
        return np.setdiff1d(np.arange(len(self.own), dtype=np.int64), self.events)

    @property
    def spurious(self) -> Indices:
        """Numbers of the pulses that time no event."""
        return np.setdiff1d(np.arange(len(self.pulses), dtype=np.int64), self.used)

    @property
    def interval(self) -> float:
        """Median time between the pulses that were used, in seconds; 0 for fewer than two."""
        return float(np.median(np.diff(self.pulses[self.used]))) if len(self) > 1 else 0.0

    def deviations(self, clock: ClockMap) -> Floats:
        """How far each used pulse is from where the clock puts its event, shape (n_ties,), in seconds; late is positive."""
        apart: Floats = self.pulses[self.used] - clock.apply(self.own[self.events])
        return apart

    def drift(self) -> Floats:
        """How far each used pulse is from its event if the source's clock is only shifted to the first one, shape (n_ties,)."""
        shift = self.pulses[self.used] - self.own[self.events]
        moved: Floats = shift - shift[:1].sum()
        return moved


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What of a source lies before the first and behind the last pulse that its clock was fitted to.

    Attributes
    ----------
    n_before, n_after : int
        How many samples (frames, events).
    before, after : float
        How far the furthest of them is from the pulses, in seconds of the session's clock; 0 where there is none.
    """

    n_before: int = 0
    n_after: int = 0
    before: float = 0.0
    after: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.n_before or self.n_after)

    @property
    def furthest(self) -> float:
        """The longer of the two ways, in seconds."""
        return max(self.before, self.after)


def _are_at(times: Floats, numbers: Indices, wanted: Floats) -> bool:
    return bool((numbers < len(times)).all()) and np.array_equal(times[numbers], wanted)


_SAME = 1e-9  # s; a sample at the time of a pulse, but for the last digits of a float64


def outside(times: Iterable[Times], clock: ClockMap, ties: Ties | None = None) -> Outside:
    """What lies outside of the events that a clock was fitted to.

    Parameters
    ----------
    times : iterable of Times
        On the source's own clock, in seconds; regular times are counted, not listed.
    clock : ClockMap
    ties : Ties, optional
        The events that have pulses, where the clock is a map over others, too.
    """
    first, last = float(clock.own[0]), float(clock.own[-1])
    if ties is not None and len(ties):
        first, last = float(ties.own[ties.events[0]]), float(ties.own[ties.events[-1]])
    parts = [one for one in times if len(one)]
    n_before = sum(_count_before(one, first) for one in parts)
    n_after = sum(len(one) - _count_before(one, last, or_at=True) for one in parts)
    ends = [min((one.first for one in parts), default=first), first, last, max((one.last for one in parts), default=last)]
    earliest, start, stop, latest = clock.apply(np.array(ends)).tolist()
    return Outside(
        n_before=n_before,
        n_after=n_after,
        before=start - earliest if n_before else 0.0,
        after=latest - stop if n_after else 0.0,
    )


def _count_before(times: Times, edge: float, *, or_at: bool = False) -> int:
    """How many of the times are before an edge; those at it (to a nanosecond) are, too, if asked for."""
    edge = edge + _SAME if or_at else edge - _SAME
    if not isinstance(times, RegularTimes):
        return int(np.searchsorted(times.seconds, edge, side="right" if or_at else "left"))
    number = np.floor((edge - times.start) * times.rate) + 1 if or_at else np.ceil((edge - times.start) * times.rate)
    return int(np.clip(number, 0, times.count))
