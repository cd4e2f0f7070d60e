"""Regular trains among pulses: which pulses repeat, how often, and how far apart.

Regularity is seen only where something repeats: three pulses at equal distances, or three equal pairs. What does not repeat stays
single pulses; nothing is rounded to fit a train.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_SHARE = 0.1  # two times that differ by more than this share of one of them are different, however coarse the clock


@dataclass(frozen=True, kw_only=True)
class Train:
    """Pulses ``first`` to ``first + pulses * trains`` (exclusive): `trains` equal trains of `pulses` equal pulses.

    Attributes
    ----------
    first : int
        Index of the first pulse.
    pulses : int
        Pulses in one train, at least 2.
    trains : int
        How many trains, one behind the other.
    width : float
        Mean duration of a pulse, in seconds.
    period : float
        Mean time from the start of a pulse to the start of the next in its train, in seconds.
    interval : float
        Mean time from the start of a train to the start of the next, in seconds; NaN for a single train.
    """

    first: int
    pulses: int
    trains: int
    width: float
    period: float
    interval: float

    @property
    def stop(self) -> int:
        """Index of the pulse after the last."""
        return self.first + self.pulses * self.trains


@dataclass(frozen=True)
class _Run:
    """Pulses ``first`` to ``stop`` (exclusive), each `period` seconds after the one before."""

    first: int
    stop: int
    period: float

    def __len__(self) -> int:
        return self.stop - self.first


def find_trains(
    onsets: NDArray[np.float64],
    durations: NDArray[np.float64],
    *,
    tolerance: float,
    levels: NDArray[np.float64] | None = None,
    level_tolerance: float = 0.01,
) -> tuple[Train, ...]:
    """Group pulses into regular trains.

    Parameters
    ----------
    onsets, durations : np.ndarray, shape (n_pulses,), float64
        In seconds, onsets never decreasing.
    tolerance : float
        Two durations, or two periods, are equal if they differ by at most this, in seconds (and by at most a tenth of
        themselves).
    levels : np.ndarray, shape (n_pulses,), float64, optional
        How strong each pulse was; pulses of unequal level are in no common train. NaN equals nothing.
    level_tolerance : float
        Two levels are equal if they differ by at most this share of themselves.

    Returns
    -------
    tuple of Train
        In order of time; each pulse is in at most one. A train alone has at least 3 pulses; pairs of pulses are trains only if
        at least 3 equal pairs follow each other at equal distances. No pulse that is in no train is closer to a train than two of
        its periods.
    """
    kinds = _kinds(durations, levels, tolerance, level_tolerance)
    runs = _equidistant(onsets, kinds, tolerance)
    trains = [train for group in _neighbours(runs) for train in _repeats(group, onsets, durations, kinds, tolerance)]
    in_train = np.zeros(len(onsets), dtype=np.bool_)
    for train in trains:
        in_train[train.first : train.stop] = True
    return tuple(train for train in trains if _stands_apart(train, onsets, in_train))


def _equal(value: float, reference: float, tolerance: float) -> bool:
    return abs(value - reference) <= min(tolerance, _SHARE * abs(reference))


def _kinds(
    durations: NDArray[np.float64], levels: NDArray[np.float64] | None, tolerance: float, level_tolerance: float
) -> NDArray[np.int64]:
    """A number for each pulse, one higher where a pulse differs from the first pulse of that number."""
    kinds = np.zeros(len(durations), dtype=np.int64)
    first = 0
    for index in range(1, len(durations)):
        same = _equal(durations[index], durations[first], tolerance) and (
            levels is None or abs(levels[index] - levels[first]) <= level_tolerance * abs(levels[first])
        )
        if not same:
            first = index
        kinds[index] = kinds[index - 1] + (not same)
    return kinds


def _equidistant(onsets: NDArray[np.float64], kinds: NDArray[np.int64], tolerance: float) -> list[_Run]:
    """Runs of at least two equal pulses at equal distances, no pulse in two: longer runs first, then the quicker ones."""
    taken = np.zeros(len(onsets), dtype=np.bool_)
    kept: list[_Run] = []
    for run in sorted(_stretches(onsets, kinds, tolerance), key=lambda one: (-len(one), one.period, one.first)):
        free = np.flatnonzero(~taken[run.first : run.stop])
        if len(free) < 2:
            continue
        rest = _Run(run.first + int(free[0]), run.first + int(free[-1]) + 1, run.period)
        taken[rest.first : rest.stop] = True
        kept.append(rest)
    return sorted(kept, key=lambda one: one.first)


def _stretches(onsets: NDArray[np.float64], kinds: NDArray[np.int64], tolerance: float) -> list[_Run]:
    """The longest stretches of equal distances; the last pulse of one may be the first of the next."""
    periods = np.diff(onsets)
    alike = kinds[:-1] == kinds[1:]
    found: list[_Run] = []
    start = 0
    while start < len(periods):
        stop = start
        while stop < len(periods) and alike[stop] and _equal(periods[stop], periods[start], tolerance):
            stop += 1
        if stop > start:
            found.append(_Run(start, stop + 1, float(periods[start])))
        start = max(stop, start + 1)
    return found


def _neighbours(runs: list[_Run]) -> list[list[_Run]]:
    """Runs of equally many pulses that follow each other without a pulse between them."""
    groups: list[list[_Run]] = []
    for run in runs:
        last = groups[-1][-1] if groups else None
        if last is not None and last.stop == run.first and len(last) == len(run):
            groups[-1].append(run)
        else:
            groups.append([run])
    return groups


def _repeats(
    group: list[_Run],
    onsets: NDArray[np.float64],
    durations: NDArray[np.float64],
    kinds: NDArray[np.int64],
    tolerance: float,
) -> list[Train]:
    """The runs of a group as trains: equal ones at equal distances together, the others alone."""
    starts = np.array([onsets[run.first] for run in group])
    sameness = np.zeros(len(group), dtype=np.int64)
    for index, (before, run) in enumerate(pairwise(group), start=1):
        same = kinds[before.first] == kinds[run.first] and _equal(run.period, before.period, tolerance)
        sameness[index] = sameness[index - 1] + (not same)
    together = _equidistant(starts, sameness, tolerance)
    covered = {index for repeated in together for index in range(repeated.first, repeated.stop)}
    spans = [(one.first, one.stop) for one in together] + [(i, i + 1) for i in range(len(group)) if i not in covered]
    return [_train(group[first:stop], onsets, durations) for first, stop in sorted(spans) if len(group[0]) > 2 or stop - first > 2]


def _stands_apart(train: Train, onsets: NDArray[np.float64], in_train: NDArray[np.bool_]) -> bool:
    """Whether no pulse outside of trains is within two periods: among irregular pulses a few are at equal distances by chance."""
    before, after = train.first - 1, train.stop
    return not (
        (before >= 0 and not in_train[before] and onsets[train.first] - onsets[before] < 2 * train.period)
        or (after < len(onsets) and not in_train[after] and onsets[after] - onsets[after - 1] < 2 * train.period)
    )


def _train(runs: list[_Run], onsets: NDArray[np.float64], durations: NDArray[np.float64]) -> Train:
    first, stop, pulses = runs[0].first, runs[-1].stop, len(runs[0])
    periods = np.diff(onsets[first:stop].reshape(len(runs), pulses), axis=1)
    starts = onsets[first:stop:pulses]
    return Train(
        first=first,
        pulses=pulses,
        trains=len(runs),
        width=float(durations[first:stop].mean()),
        period=float(periods.mean()),
        interval=float(np.diff(starts).mean()) if len(runs) > 1 else float("nan"),
    )
