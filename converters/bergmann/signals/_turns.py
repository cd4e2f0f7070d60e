"""Stretches at which a line was on, from the times at which it went on and off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Turns:
    """Stretches at which a line was on.

    Attributes
    ----------
    ups, downs : np.ndarray, shape (n,), float64
        When each began and ended, in seconds.
    on_at_start, on_at_end : bool
        Whether the first began before the recording did, the last ended after it.
    """

    ups: NDArray[np.float64]
    downs: NDArray[np.float64]
    on_at_start: bool
    on_at_end: bool


def take_turns(ups: NDArray[np.float64], downs: NDArray[np.float64], *, first: float, last: float) -> Turns | None:
    """The stretches of a line that goes on and off in turns; None if it does not, as an edge was lost.

    Parameters
    ----------
    ups, downs : np.ndarray, shape (n,), float64
        When it went on and off, ascending, in seconds.
    first, last : float
        When the recording began and ended, in seconds: a stretch that was cut there is that long.
    """
    on_at_start = bool(len(downs) and (not len(ups) or downs[0] < ups[0]))
    begins = np.r_[min(first, downs[0]), ups] if on_at_start else ups
    on_at_end = len(begins) == len(downs) + 1
    ends = np.r_[downs, max(last, begins[-1])] if on_at_end else downs
    if len(begins) != len(ends) or (begins > ends).any() or (ends[:-1] > begins[1:]).any():
        return None
    return Turns(begins, ends, on_at_start, on_at_end)
