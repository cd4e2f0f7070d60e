"""Gaps in a recording whose device numbers its samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError

BLOCK = 1 << 18
"""Numbers that are read at once."""


def find_runs(numbers: LazyArray, *, where: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stretches of samples without a gap.

    Parameters
    ----------
    numbers : LazyArray, shape (n_samples,)
        The number that the device gave to each sample; at least one.
    where : str
        A phrase for messages.

    Returns
    -------
    firsts, lengths : np.ndarray, shape (n_runs,), int64
        Number of the first sample of each, and how many samples it has.

    Raises
    ------
    SourceError
        If numbers repeat or run backwards.
    """
    n_samples = numbers.shape[0]
    firsts, places = [int(numbers[0:1][0])], [0]
    for start in range(1, n_samples, BLOCK):
        some = np.asarray(numbers[start - 1 : start + BLOCK], dtype=np.int64)
        steps = np.diff(some)
        back = np.flatnonzero(steps < 1)
        if len(back):
            index = int(back[0])
            raise SourceError(
                f"{where}: sample {start + index + 1} has the number {some[index + 1]}, the one before it {some[index]}; expected "
                "numbers that go forward. Is a file damaged, or were several recordings joined?"
            )
        for gap in np.flatnonzero(steps > 1).tolist():
            firsts.append(int(some[gap + 1]))
            places.append(start + gap)
    ends = np.array([*places[1:], n_samples], dtype=np.int64)
    return np.array(firsts, dtype=np.int64), ends - np.array(places, dtype=np.int64)
