"""Digital words: several lines in one number a sample, as many recorders keep them, and numbers sent on several lines at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.pulses import BLOCK, ReadBlock


def bit_of(read_block: ReadBlock, bit: int) -> ReadBlock:
    """One line of a word, 0 or 1 a sample, to be read where `bergmann.timing.pulses` reads a line.

    Parameters
    ----------
    read_block : callable (start, stop) -> np.ndarray, shape (stop - start,), an integer type
    bit : int
        From 0, the lowest.

    Raises
    ------
    SourceError
        If the words have no such bit; when the line is read also if they are no integers.
    """
    if bit < 0:
        raise SourceError(f"bit {bit} of a word; expected 0 for the lowest, or above")

    def read(start: int, stop: int) -> NDArray[np.uint8]:
        words = np.asarray(read_block(start, stop))
        _check_words(words)
        if bit >= 8 * words.dtype.itemsize:
            raise SourceError(
                f"bit {bit} of words of {8 * words.dtype.itemsize} bits; expected 0 to {8 * words.dtype.itemsize - 1}"
            )
        line: NDArray[np.uint8] = ((words.astype(np.uint64) >> np.uint64(bit)) & np.uint64(1)).astype(np.uint8)
        return line

    return read


def _check_words(words: NDArray[np.generic]) -> None:
    if not np.issubdtype(words.dtype, np.integer):
        raise SourceError(f"words of type {words.dtype}; expected whole numbers")


@dataclass(frozen=True, eq=False)
class Words:
    """The values that a word takes, one after the other.

    Attributes
    ----------
    onsets : np.ndarray, shape (n_words,), int64
        First sample of each.
    values : np.ndarray, shape (n_words,), int64
    passing_onsets, passing_values : np.ndarray, shape (n_passing,), int64
        What was held for too short to be meant: lines of one word do not change at one moment.
    """

    onsets: NDArray[np.int64]
    values: NDArray[np.int64]
    passing_onsets: NDArray[np.int64]
    passing_values: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.onsets)


def find_words(read_block: ReadBlock, n_samples: int, *, settle: int = 1, block: int = BLOCK) -> Words:
    """Find when a word changes, and to what, in memory that grows with the changes and not with the samples.

    Parameters
    ----------
    read_block : callable (start, stop) -> np.ndarray, shape (stop - start,), an integer type
    n_samples : int
    settle : int
        A value that is held for fewer samples is passed through on the way to the next: that one begins with it. The last one may
        have been held on.
    block : int
        Samples read at a time; the result does not depend on it.

    Raises
    ------
    SourceError
        If the samples are no integers.
    """
    onsets: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    values: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    last = np.empty(0, dtype=np.int64)
    for start in range(0, n_samples, block):
        words = np.asarray(read_block(start, min(start + block, n_samples)))
        _check_words(words)
        words = words.astype(np.int64)
        is_new = np.concatenate([words[:1] != last if len(last) else [True], words[1:] != words[:-1]])
        onsets.append(np.flatnonzero(is_new) + start)
        values.append(words[is_new])
        last = words[-1:]
    return _settled(np.concatenate(onsets), np.concatenate(values), n_samples, settle)


def _settled(onsets: NDArray[np.int64], values: NDArray[np.int64], n_samples: int, settle: int) -> Words:
    held = np.diff(np.append(onsets, n_samples))
    passing = held < settle
    passing[-1:] = False
    begins = np.concatenate([[True], ~passing[:-1]])[: len(onsets)]  # behind a value that was held, a change begins
    firsts, kept = onsets[begins], values[~passing]
    is_new = np.concatenate([[True], kept[1:] != kept[:-1]])[: len(kept)]
    return Words(firsts[is_new], kept[is_new], onsets[passing], values[passing])
