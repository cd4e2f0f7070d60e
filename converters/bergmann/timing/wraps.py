"""Counters that start again: times of a clock of limited width, made to ascend."""

from __future__ import annotations

import numpy as np

from bergmann.errors import SourceError
from bergmann.timing.clock_map import Floats


def unwrap(times: Floats, *, period: float) -> Floats:
    """Times without the falls of a counter that starts again.

    Parameters
    ----------
    times : np.ndarray, shape (n,), float64
        In seconds; between two of them the counter started again at most once.
    period : float
        After how long it starts again, in seconds: 2**32 us for ``micros()`` of an Arduino, 2**32 ms for ``millis()``.

    Returns
    -------
    np.ndarray, shape (n,), float64
        The first is as it was.

    Raises
    ------
    SourceError
        If a time lies outside the counter's range, or falls by less than half the range: that is no counter starting again.
    """
    if period <= 0 or ((times < 0) | (times >= period)).any():
        raise SourceError(f"times outside a counter that starts again after {period:g} s; expected 0 s up to that")
    steps = np.diff(times)
    falls = steps < 0
    if (small := np.flatnonzero(falls & (steps > -period / 2))).size:
        index = int(small[0])
        raise SourceError(
            f"times run backwards: number {index} is {times[index]:.6f} s and number {index + 1} is {times[index + 1]:.6f} s; a "
            f"counter that starts again after {period:g} s falls by more than half of that"
        )
    unwrapped: Floats = times + period * np.concatenate([[0], np.cumsum(falls)])
    return unwrapped
