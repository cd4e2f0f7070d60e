"""Which event of one clock is which of another, where some are missing, some are spurious, and nothing says when either began.

A match is accepted only where it is unique: how well it explains both trains is compared with the best other one. A regular
train can be laid on another in many ways, and is refused with the evidence unless an anchor says which.

Two accounts of one light, planned and recorded, are compared by `bergmann.timing.accounts`, which says where the border is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, log

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.clock_map import Floats, fit_map

Indices = NDArray[np.int64]

MOST_DRIFT = 5e-4
"""How far the rates of two clocks may be apart: quartzes of computers and instruments are within 200 ppm."""

EVIDENCE = 14.0
"""How much likelier (in natural logarithms: a million to one) a match must be than the best other one."""

_MISSING, _SPURIOUS = 0.2, 0.05
_FOUND_GAIN, _MISSING_COST, _SPURIOUS_COST = 2.5, -log(_MISSING), -log(_SPURIOUS)
_END, _SOLID = 10, 6
"""At an end of a match, at least this many (the second) of so many events must agree."""

_NEIGHBOURS = 7
_WINDOW = 48
_WINDOWS = 10
_MOST_CANDIDATES = 40
_WORTH_FOLLOWING = 0.6
"""Share of the best candidate's events that another must lay within reach to be followed."""
_BUDGET = 40_000_000
"""Comparisons that following candidates may cost."""

_NEXT = (-2, -1, 1, 2)
"""By how many events a match is moved to see whether that explains the trains as well."""

_SEEN_BY_BOTH = (1 - _MISSING) ** 2
"""Share of neighbouring events that both trains have at the worst."""

_MORE_THAN_CHANCE = 3.0
"""How much likelier (in natural logarithms) than by the luckiest chance intervals must agree elsewhere to be a repeat."""

_SHORTER = 20
"""The interval of which so many percent are shorter: a spurious event in twenty parts a tenth of the intervals in two."""


@dataclass(frozen=True)
class Anchor:
    """What is known of the offset between two clocks beside the events.

    Attributes
    ----------
    offset : float
        How much later the other clock is than the source's, in seconds.
    within : float
        How far this may be wrong, in seconds.
    at : float
        When that is so, on the source's clock, in seconds: the offset changes as the clocks drift.
    """

    offset: float
    within: float
    at: float = 0.0


@dataclass(frozen=True, eq=False)
class Match:
    """Events of two clocks that are the same.

    Attributes
    ----------
    own, other : np.ndarray, shape (n_matched,), int64
        Numbers of the events in either train, ascending.
    n_missing : int
        Events of the source that the other train lacks, between the first and the last that both have.
    n_spurious : int
        Events of the other train that the source lacks, between the same.
    evidence : float
        How much likelier the match is than the best other one, in natural logarithms; infinite if there is no other.
    """

    own: Indices
    other: Indices
    n_missing: int
    n_spurious: int
    evidence: float

    def __len__(self) -> int:
        return len(self.own)


def match_events(
    own: Floats, other: Floats, *, tolerance: float | None = None, most_drift: float = MOST_DRIFT, anchor: Anchor | None = None
) -> Match:
    """Find which events of two trains are the same.

    Parameters
    ----------
    own, other : np.ndarray, shape (n,) and (m,), float64
        Times of the events on either clock, in seconds, ascending.
    tolerance : float, optional
        How far the same event may be apart on both clocks once these are fitted, in seconds: jitter and sampling. A fifth of the
        shorter intervals if left out.
    most_drift : float
        How far the clocks' rates may be apart.
    anchor : Anchor, optional
        What is known of the offset; only matches with it are looked for.

    Returns
    -------
    Match

    Raises
    ------
    SourceError
        If the times are not ascending, too few events agree, or several matches explain the trains about as well; the message has
        the numbers of both.
    """
    for name, times in (("first", own), ("second", other)):
        if len(times) < 3:
            raise SourceError(f"the {name} train has {len(times)} events; expected at least 3 to match two trains")
        if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise SourceError(f"the times of the {name} train do not ascend; expected each later than the one before")
    reach = tolerance if tolerance is not None else _shorter_interval(own, other) / 5
    found = _with_neighbours(list(_hypotheses(own, other, reach, most_drift, anchor)), own, other, reach, most_drift, anchor)
    if not found:
        raise SourceError(
            f"no part of the {len(own)} events of the one train has the intervals of the {len(other)} of the other; are they "
            "the same events?"
        )
    best, rivals = found[0], [one for one in found[1:] if not _is_same(one, found[0])]
    evidence = best.score - rivals[0].score if rivals else inf
    if len(best.own) < 4 or best.share < 0.5:
        raise SourceError(
            f"the best match has {len(best.own)} of {len(own)} and {len(other)} events in common "
            f"({best.share:.0%} of those in its time); are they the same events?"
        )
    if evidence < EVIDENCE:
        raise SourceError(
            f"the trains can be laid on each other in several ways: with the second {best.shift:+.4f} s later {len(best.own)} "
            f"events agree, with {rivals[0].shift:+.4f} s {len(rivals[0].own)}; they are too regular to tell which. State when the "
            "one began on the other's clock"
        )
    if (repeat := next((one for one in rivals if _is_repeat(one, best, own, other, reach)), None)) is not None:
        raise SourceError(
            f"a part of the one train is in the other more than once: with the second {best.shift:+.4f} s later {len(best.own)} "
            f"events agree, and with {repeat.shift:+.4f} s {len(repeat.own)} others; was the same run given again? State when the "
            "one began on the other's clock"
        )
    return _refined(Match(best.own, best.other, best.n_missing, best.n_spurious, evidence), own, other, reach)


@dataclass(frozen=True, eq=False)
class _Hypothesis:
    """One way to lay the trains on each other."""

    own: Indices
    other: Indices
    n_missing: int
    n_spurious: int
    shift: float

    @property
    def score(self) -> float:
        return _FOUND_GAIN * len(self.own) - _MISSING_COST * self.n_missing - _SPURIOUS_COST * self.n_spurious

    @property
    def share(self) -> float:
        """Share of the events within its time that agree, of the train that has fewer there."""
        return len(self.own) / (len(self.own) + min(self.n_missing, self.n_spurious))


def _shorter_interval(own: Floats, other: Floats) -> float:
    return float(min(np.percentile(np.diff(times), _SHORTER) for times in (own, other)))


def _is_same(one: _Hypothesis, best: _Hypothesis) -> bool:
    """Whether two are one match: most of the pairs of the smaller are pairs of the other."""
    _, mine, theirs = np.intersect1d(one.own, best.own, assume_unique=True, return_indices=True)
    return int((one.other[mine] == best.other[theirs]).sum()) * 2 > min(len(one.own), len(best.own))


def _is_repeat(one: _Hypothesis, best: _Hypothesis, own: Floats, other: Floats, reach: float) -> bool:
    """Whether another match of other events is more than chance: the same train was given twice, and the best match may be wrong.

    Intervals that both trains have beside each other are compared with how often such an interval is found in the other train.
    """
    n_new = max(
        len(np.setdiff1d(mine, theirs, assume_unique=True)) for mine, theirs in ((one.own, best.own), (one.other, best.other))
    )
    if 2 * n_new < len(one.own) or len(one.own) < 3:
        return False
    if 2 * one.score > best.score:
        return True
    width = _width_of(best, own, other, reach)
    intervals, known = np.diff(own[one.own[0] : one.own[-1] + 1]), np.sort(np.diff(other))
    pairs = np.flatnonzero((np.diff(one.own) == 1) & (np.diff(one.other) == 1))
    agree = np.zeros(len(intervals), dtype=np.bool_)
    agree[one.own[pairs] - one.own[0]] = np.abs(np.diff(other[one.other])[pairs] - np.diff(own[one.own])[pairs]) <= width
    counts = np.searchsorted(known, intervals + width, side="right") - np.searchsorted(known, intervals - width)
    chance = np.clip(counts / len(known), 1 / len(known), 1 - 1 / len(known))
    apart = np.minimum(np.log((1 - _SEEN_BY_BOTH) / (1 - chance)), 0)  # of a regular stretch it says nothing that one is missing
    likelier = np.where(agree, np.log(_SEEN_BY_BOTH / chance), apart)
    return bool(likelier.sum() > log(len(own)) + log(len(other)) + _MORE_THAN_CHANCE)


def _width_of(best: _Hypothesis, own: Floats, other: Floats, reach: float) -> float:
    """How far an interval between neighbours differs on both clocks, as the best match shows it."""
    beside = (np.diff(best.own) == 1) & (np.diff(best.other) == 1)
    apart = (np.diff(other[best.other]) - np.diff(own[best.own]))[beside]
    return min(reach, max(6 * float(np.median(np.abs(apart))), reach / 50)) if len(apart) else reach


# --- where a part of the one lies in the other ------------------------------------------------------------------------


def _with_neighbours(
    found: list[_Hypothesis], own: Floats, other: Floats, reach: float, most_drift: float, anchor: Anchor | None
) -> list[_Hypothesis]:
    """The ways to lay the trains on each other, the best first, with those that are a few events from the best.

    Of a long regular train not all ways are followed, and those next to the best are its rivals.
    """
    found = sorted(found, key=lambda one: -one.score)
    tried: set[tuple[int, int]] = set()
    for _ in range(20):
        if not found or (key := (int(found[0].own[0]), int(found[0].other[0]))) in tried:
            break
        tried.add(key)
        near = [
            one
            for one in _neighbours_of(found[0], own, other, reach, most_drift)
            if _is_allowed(one, own, other, anchor, most_drift)
        ]
        found = sorted([*found, *near], key=lambda one: -one.score)
    return found


def _neighbours_of(best: _Hypothesis, own: Floats, other: Floats, reach: float, most_drift: float) -> Iterator[_Hypothesis]:
    """The best way with an event of the source laid on an event of the other train just before or behind its own."""
    for place in np.unique(np.linspace(0, len(best.own) - 1, 5).astype(np.int64)[1:-1]).tolist():
        event, its = int(best.own[place]), int(best.other[place])
        for step in _NEXT:
            if 0 <= its + step < len(other):
                followed = _follow(own, other, event, float(other[its + step] - own[event]), reach, most_drift)
                if followed is not None:
                    yield followed


def _is_allowed(one: _Hypothesis, own: Floats, other: Floats, anchor: Anchor | None, most_drift: float) -> bool:
    """Whether the pairs next to where the offset is known have this offset, by the median: one of them may be a chance pair."""
    if anchor is None:
        return True
    nearest = np.argsort(np.abs(own[one.own] - anchor.at), kind="stable")[:_NEIGHBOURS]
    at = own[one.own[nearest]]
    apart = np.abs(other[one.other[nearest]] - at - anchor.offset) - most_drift * np.abs(at - anchor.at)
    return bool(np.median(apart) <= anchor.within)


def _hypotheses(own: Floats, other: Floats, reach: float, most_drift: float, anchor: Anchor | None) -> Iterator[_Hypothesis]:
    """Each way to lay the trains on each other that a part of the one suggests, followed to both ends."""
    most = int(np.clip(_BUDGET / (20 * len(own)), 8, _MOST_CANDIDATES))
    windows = _windows(own, reach, most_drift)
    middles = np.array([(start + stop) // 2 for start, stop in windows], dtype=np.int64)
    seen: list[Floats] = []
    for number, (start, stop) in enumerate(windows):
        known = np.array([one[number] for one in seen])
        for shift in _shifts(own[start:stop], other, reach, most, anchor, most_drift):
            if (np.abs(known - shift) <= reach).any():
                continue
            followed = _follow(own, other, int(middles[number]), shift, reach, most_drift)
            if followed is not None and _is_allowed(followed, own, other, anchor, most_drift):
                seen.append(_shifts_at(followed, own, other, middles))
                yield followed


def _shifts_at(followed: _Hypothesis, own: Floats, other: Floats, places: Indices) -> Floats:
    """The shift of the pairs next to some events, so that what suggests the same is not followed again; NaN behind the ends."""
    near = np.clip(np.searchsorted(followed.own, places), 0, len(followed.own) - 1)
    shifts: Floats = other[followed.other[near]] - own[followed.own[near]]
    return np.where((places >= followed.own[0]) & (places <= followed.own[-1]), shifts, np.nan)


def _windows(own: Floats, reach: float, most_drift: float) -> list[tuple[int, int]]:
    """Parts of a train that are short enough to be laid on the other without heed of drift: the least regular of each tenth."""
    span = reach / (2 * most_drift)
    chosen: list[tuple[int, int]] = []
    for tenth in np.array_split(np.arange(max(1, len(own) - _WINDOW // 2)), _WINDOWS):
        parts: list[tuple[int, int, int]] = []
        for start in np.unique(tenth[:: max(1, len(tenth) // 12)]).tolist():
            stop = int(min(len(own), start + _WINDOW, np.searchsorted(own, own[start] + span, side="right")))
            if stop - start >= 3:
                irregular = np.unique(np.round(np.diff(own[start:stop]) / (2 * reach))).size
                parts.append((irregular, start, stop))
        if parts:
            _, start, stop = max(parts)
            chosen.append((start, stop))
    return chosen


def _shifts(part: Floats, other: Floats, reach: float, most: int, anchor: Anchor | None, most_drift: float) -> Floats:
    """Shifts that lay most of a part's events within reach of events of the other train, the best first."""
    low, high = float(other[0] - part[-1]), float(other[-1] - part[0])
    if anchor is not None:
        slack = anchor.within + most_drift * float(np.abs(part - anchor.at).max()) + reach
        low, high = max(low, anchor.offset - slack), min(high, anchor.offset + slack)
    shifts = _counted(part, other, low, high, reach)
    if not len(shifts):
        return np.empty(0)
    steps = np.round((shifts - low) / reach).astype(np.int64)
    bins, counts = np.unique(steps, return_counts=True)
    beside = np.zeros(len(bins), dtype=np.int64)
    beside[:-1] += np.where(np.diff(bins) == 1, counts[1:], 0)
    beside[1:] += np.where(np.diff(bins) == 1, counts[:-1], 0)
    total = counts + beside // 2
    order = np.argsort(-total, kind="stable")[: 3 * most]
    order = order[total[order] >= _WORTH_FOLLOWING * total[order[0]]]
    kept: list[int] = []
    taken: set[int] = set()
    for index in order:
        number = int(bins[index])
        if total[index] < 3 or {number - 1, number, number + 1} & taken:
            continue
        taken.add(number)
        kept.append(index)
        if len(kept) == most:
            break
    ordered, steps = np.sort(shifts), np.sort(steps)
    edges = (np.searchsorted(steps, bins[kept] - 1, side="left"), np.searchsorted(steps, bins[kept] + 1, side="right"))
    return np.array([float(np.median(ordered[first:behind])) for first, behind in zip(*edges, strict=True)])


def _counted(part: Floats, other: Floats, low: float, high: float, reach: float) -> Floats:
    """All differences between events of the two trains in a range; of a long train only those that recur, to bound the memory."""
    if len(part) * len(other) <= 4_000_000:
        differences = (other[None, :] - part[:, None]).ravel()
        kept: Floats = differences[(differences >= low) & (differences <= high)]
        return kept
    n_bins = int((high - low) / reach) + 2
    if n_bins > 1 << 27:
        raise SourceError(
            "the trains are too long for how finely their events lie; state about when the one began on the other's clock"
        )
    counts = np.zeros(n_bins, dtype=np.uint16)
    for event in part:
        bins = np.round((_within(other - event, low, high) - low) / reach).astype(np.int64)
        counts[bins] += 1  # once a bin, also where it is there twice
    both = counts[:-1] + counts[1:]
    least = np.partition(both, -min(len(both), 4000))[-min(len(both), 4000)]
    good = np.flatnonzero(both >= max(3, least))
    wanted = np.zeros(n_bins, dtype=np.bool_)
    wanted[good] = wanted[good + 1] = True
    parts = []
    for event in part:
        differences = _within(other - event, low, high)
        parts.append(differences[wanted[np.round((differences - low) / reach).astype(np.int64)]])
    return np.concatenate(parts)


def _within(values: Floats, low: float, high: float) -> Floats:
    kept: Floats = values[(values >= low) & (values <= high)]
    return kept


# --- from there to both ends ------------------------------------------------------------------------------------------


def _follow(own: Floats, other: Floats, middle: int, shift: float, reach: float, most_drift: float) -> _Hypothesis | None:
    """Go on from the middle of a part to both ends, a stretch at a time, each laid by what the ones before it have shown."""
    pairs = [
        _walk(own[middle:], other, shift, reach, most_drift, middle),
        _walk_back(own[:middle], other, shift, reach, most_drift),
    ]
    mine, theirs = (np.concatenate([one[which] for one in pairs]) for which in (0, 1))
    if len(mine) < 3:
        return None
    order = np.argsort(mine)
    mine, theirs = _trimmed(*_ascending(mine[order], theirs[order]))
    if len(mine) < 3:
        return None
    missing = int(mine[-1] - mine[0] + 1 - len(mine))
    spurious = int(theirs[-1] - theirs[0] + 1 - len(theirs))
    return _Hypothesis(mine, theirs, missing, spurious, shift)


def _walk_back(own: Floats, other: Floats, shift: float, reach: float, most_drift: float) -> tuple[Indices, Indices]:
    """The same, towards the beginning: both trains are turned round."""
    mine, theirs = _walk(-own[::-1], -other[::-1], -shift, reach, most_drift, 0)
    return len(own) - 1 - mine, len(other) - 1 - theirs


def _walk(own: Floats, other: Floats, shift: float, reach: float, most_drift: float, first: int) -> tuple[Indices, Indices]:
    span = reach / (2 * most_drift)
    mine: list[Indices] = []
    theirs: list[Indices] = []
    known_at, known, rate = (float(own[0]) if len(own) else 0.0), shift, 0.0
    history: list[tuple[float, float]] = []
    start, last = 0, float(other[-1])
    while start < len(own):
        begin = float(own[start])
        stop = int(own.searchsorted(begin + span, side="right"))
        stop = min(max(stop, start + 1), start + 4096)
        stretch = own[start:stop]
        guess = stretch + known + rate * (stretch - known_at)
        if guess[0] > last + reach:
            break
        nearest = _nearest(guess, other)
        apart = other[nearest] - guess
        width = reach * (1 + min(1.5, abs(begin - known_at) / span * (0.1 if len(history) > 3 else 1.0)))
        near = (np.abs(apart) <= width).nonzero()[0]
        if len(near):
            near = _closest_only(nearest, apart, near)
            mine.append(near + start + first)
            theirs.append(nearest[near])
            centre = float(stretch[near].sum()) / len(near)
            moved = _middle(apart[near])
            known, known_at = known + rate * (centre - known_at) + moved, centre
            history = [*history[-7:], (centre, known)]
            rate = _rate(history, most_drift)
        start = stop
    empty = np.empty(0, dtype=np.int64)
    return np.concatenate([empty, *mine]), np.concatenate([empty, *theirs])


def _rate(history: list[tuple[float, float]], most_drift: float) -> float:
    """How fast the shift changes, from the stretches just passed."""
    if len(history) < 3:
        return 0.0
    middle = sum(at for at, _ in history) / len(history)
    spread = sum((at - middle) ** 2 for at, _ in history)
    slope = sum((at - middle) * shift for at, shift in history) / spread if spread else 0.0
    return min(max(slope, -most_drift), most_drift)


def _middle(values: Floats) -> float:
    """The median, without the checks that cost more than it does; this is asked for a million times."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _nearest(times: Floats, other: Floats) -> Indices:
    """The number of the event of the other train that is nearest to each time."""
    behind = other.searchsorted(times)
    np.maximum(np.minimum(behind, len(other) - 1), 1, out=behind)
    nearest: Indices = behind - (times - other[behind - 1] <= other[behind] - times)
    return nearest


def _closest_only(nearest: Indices, apart: Floats, near: Indices) -> Indices:
    """Of several events that are near to one and the same, the nearest."""
    theirs = nearest[near]
    if (theirs[1:] > theirs[:-1]).all():
        return near
    order = near[np.argsort(np.abs(apart[near]), kind="stable")]
    _, first = np.unique(nearest[order], return_index=True)
    return np.sort(order[first])


def _ascending(mine: Indices, theirs: Indices) -> tuple[Indices, Indices]:
    """Pairs in which both numbers ascend: where two stretches claimed one event, the later claim is dropped."""
    before = np.maximum.accumulate(np.concatenate([[-1], theirs[:-1]]))
    kept = theirs > before
    return mine[kept], theirs[kept]


def _trimmed(mine: Indices, theirs: Indices) -> tuple[Indices, Indices]:
    """The pairs without the ends at which few events agree: one train had stopped, and chance pairs spurious events."""
    first, last = 0, len(mine) - 1
    while last - first >= _END and mine[last] - mine[last - _SOLID + 1] >= _END:
        last -= 1
    while last - first >= _END and mine[first + _SOLID - 1] - mine[first] >= _END:
        first += 1
    return mine[first : last + 1], theirs[first : last + 1]


def _without_strays(shifts: Floats, reach: float) -> NDArray[np.bool_]:
    """Which pairs have the shift of their neighbours: a spurious event beside a missing one has not, and would bend the map."""
    if len(shifts) < _NEIGHBOURS:
        return np.ones(len(shifts), dtype=np.bool_)
    half = _NEIGHBOURS // 2
    padded = np.pad(shifts, half, mode="reflect")
    apart = np.abs(shifts - np.median(sliding_window_view(padded, _NEIGHBOURS), axis=1))
    kept: NDArray[np.bool_] = apart <= max(10 * float(np.median(apart)), reach / 50)
    return kept


def _refined(match: Match, own: Floats, other: Floats, reach: float) -> Match:
    """Match again by the map that the pairs give, twice, so that no pair rests on the few before it.

    Each time the events must be nearer to the map: spurious ones that lay within reach are let go.
    """
    kept = _without_strays(other[match.other] - own[match.own], reach)
    match = Match(match.own[kept], match.other[kept], match.n_missing, match.n_spurious, match.evidence)
    for _ in range(2):
        fitted, left = fit_map(own[match.own], other[match.other])
        width = min(reach, max(6.5 * left.median, reach / 50))
        inside = np.flatnonzero(fitted.outside(own) == 0)
        guess = fitted.apply(own[inside])
        nearest = _nearest(guess, other)
        near = _closest_only(nearest, other[nearest] - guess, np.flatnonzero(np.abs(other[nearest] - guess) <= width))
        mine, theirs = _trimmed(*_ascending(inside[near], nearest[near]))
        kept = _without_strays(other[theirs] - own[mine], reach)
        mine, theirs = mine[kept], theirs[kept]
        if len(mine) < 3:
            return match
        missing = int(mine[-1] - mine[0] + 1 - len(mine))
        spurious = int(theirs[-1] - theirs[0] + 1 - len(theirs))
        match = Match(mine, theirs, missing, spurious, match.evidence)
    return match
