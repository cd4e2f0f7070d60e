"""Two accounts of the same pulses (planned and recorded, say), matched pulse by pulse: what is in both, in one, in the other.

This is for accounts of one train whose clocks differ little: the shift between them is constant but for a slow drift. Nothing is
guessed where several shifts fit.

The border to `bergmann.timing.match`: there, two recorders are put on one clock, some pulses of which may be anybody's, so that
only evidence counts and a regular train is refused. Here a person has said that both accounts are of the same light, one is a plan
whose pulses should all be there, and what matters is each pulse that is in one of the two only; that a train is regular is usual,
and is no doubt if all of it is there. Neither decides well what the other is for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError

_WINDOW = 0.4  # share of the shortest planned interval within which a pulse is the same: below a half, or two would claim one
_WIDEST = 0.05  # s
_FOLLOW = 0.25  # share of a pulse's deviation by which the shift follows it, so that a drift is followed and a jitter is not
_CANDIDATES = 64  # shifts whose matches are counted
_VOTES = 4_000_000  # differences of which shifts are chosen


@dataclass(frozen=True, eq=False)
class Matching:
    """Which pulses of two accounts are the same.

    Attributes
    ----------
    planned, recorded : np.ndarray, shape (n_pairs,), int64
        Indices of the pulses that are in both, ascending.
    missing : np.ndarray, shape (n_missing,), int64
        Indices of the planned pulses that were not recorded.
    extra : np.ndarray, shape (n_extra,), int64
        Indices of the recorded pulses that were not planned.
    deviations : np.ndarray, shape (n_pairs,), float64
        Recorded onset less planned onset of each pair after the shift, in seconds.
    shift : float
        What was added to the planned onsets, in seconds.
    """

    planned: NDArray[np.int64]
    recorded: NDArray[np.int64]
    missing: NDArray[np.int64]
    extra: NDArray[np.int64]
    deviations: NDArray[np.float64]
    shift: float

    def __len__(self) -> int:
        return len(self.planned)

    @property
    def n_unlike(self) -> int:
        """How many pulses are in one account only."""
        return len(self.missing) + len(self.extra)


def match_in_order(planned: NDArray[np.float64], recorded: NDArray[np.float64], *, shift: float = 0.0) -> Matching:
    """Match two accounts that are on one clock but for a known shift and a slow drift.

    A recorded pulse is a planned one if it is within 0.4 of the shortest planned interval (at most 50 ms) of where it is expected,
    and no other is nearer. Where a pulse is expected follows the pulses before it.

    Parameters
    ----------
    planned, recorded : np.ndarray, shapes (n_planned,) and (n_recorded,), float64
        Onsets in seconds, ascending.
    shift : float
        Added to the planned onsets, in seconds.
    """
    pairs = _walk(planned.tolist(), recorded.tolist(), shift, window_of(planned))
    indices = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    first, second = indices[:, 0], indices[:, 1]
    return Matching(
        planned=first,
        recorded=second,
        missing=np.setdiff1d(np.arange(len(planned)), first),
        extra=np.setdiff1d(np.arange(len(recorded)), second),
        deviations=recorded[second] - planned[first] - shift,
        shift=shift,
    )


def _walk(planned: list[float], recorded: list[float], shift: float, window: float) -> list[tuple[int, int]]:
    """The pairs, in order; neither list is gone back in."""
    pairs: list[tuple[int, int]] = []
    one = other = 0
    while one < len(planned) and other < len(recorded):
        deviation = recorded[other] - planned[one] - shift
        if abs(deviation) > window:
            one, other = (one, other + 1) if deviation < 0 else (one + 1, other)
        elif other + 1 < len(recorded) and abs(recorded[other + 1] - planned[one] - shift) < abs(deviation):
            other += 1
        else:
            pairs.append((one, other))
            shift += _FOLLOW * deviation
            one, other = one + 1, other + 1
    return pairs


def match_by_shift(planned: NDArray[np.float64], recorded: NDArray[np.float64]) -> Matching:
    """Match two accounts whose clocks started at times that nobody knows, by the one shift at which most pulses are in both.

    Parameters
    ----------
    planned, recorded : np.ndarray, shapes (n_planned,) and (n_recorded,), float64
        Onsets in seconds, ascending; neither is empty.

    Raises
    ------
    SourceError
        If fewer than half of the planned pulses are in both, or another shift fits as well (a regular train that lost its first or
        its last pulse).
    """
    fits = sorted((match_in_order(planned, recorded, shift=shift) for shift in _shifts(planned, recorded)), key=_by_pairs)
    best = fits[0]
    if 2 * len(best) < len(planned):
        raise SourceError(
            f"at the best shift only {len(best)} of {len(planned)} planned pulses are among the {len(recorded)} recorded ones"
        )
    window = window_of(planned)
    for other in fits[1:]:
        apart = abs(other.shift - best.shift)
        if apart > window and other.n_unlike < best.n_unlike + 2:
            raise SourceError(
                f"{len(planned)} planned pulses fit the {len(recorded)} recorded ones at several shifts, {best.shift:.4f} s and "
                f"{other.shift:.4f} s among them ({len(best)} and {len(other)} pulses in both)"
            )
    middle = float(np.median(recorded[best.recorded] - planned[best.planned]))
    centred = match_in_order(planned, recorded, shift=middle)
    return centred if centred.n_unlike <= best.n_unlike else best


def _by_pairs(matching: Matching) -> tuple[int, float]:
    return matching.n_unlike, float(np.abs(matching.deviations).sum())


def window_of(planned: NDArray[np.float64]) -> float:
    """Within how many seconds of where it is expected a pulse is a planned one."""
    return min(_WIDEST, _WINDOW * float(np.diff(planned).min())) if len(planned) > 1 else _WIDEST


def _shifts(planned: NDArray[np.float64], recorded: NDArray[np.float64]) -> list[float]:
    """The shifts that most differences of a planned and a recorded pulse agree on; of a large train, differences of some pulses."""
    window = window_of(planned)
    n_planned = max(min(200, _VOTES // len(recorded)), 8)
    some = planned[np.unique(np.linspace(0, len(planned) - 1, min(n_planned, len(planned))).astype(np.int64))]
    differences = np.sort((recorded[np.newaxis, :] - some[:, np.newaxis]).ravel())
    votes = np.searchsorted(differences, differences + window, side="right") - np.arange(len(differences))
    chosen: list[float] = []
    for index in np.argsort(-votes, kind="stable"):
        shift = float(np.median(differences[index : index + votes[index]]))
        if all(abs(shift - other) > window / 2 for other in chosen):
            chosen.append(shift)
        if len(chosen) == _CANDIDATES:
            break
    by_count = sorted(chosen, key=lambda shift: -_count(planned + shift, recorded, window))
    return by_count[:8]


def _count(planned: NDArray[np.float64], recorded: NDArray[np.float64], window: float) -> int:
    """How many planned pulses have a recorded one within the window."""
    after = np.clip(np.searchsorted(recorded, planned), 1, max(len(recorded) - 1, 1))
    nearest = np.minimum(np.abs(recorded[np.minimum(after, len(recorded) - 1)] - planned), np.abs(recorded[after - 1] - planned))
    return int((nearest <= window).sum())
