"""Bytes at a place of a file, into memory that is there already; never by mmap, whose resident size grows with the file."""

from __future__ import annotations

import os
from io import FileIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NEAR, _PAGE = 4, 8192
"""Rows that lie no further apart than so many times their own length, or so many bytes, are read with what is between them."""

_SHORT = 32_768
"""Bytes of a row beyond which reading it by itself costs next to nothing."""

_AT_ONCE = 131_072


def read_into(file: FileIO, memory: memoryview, at: int) -> int:
    """Fill memory with the bytes at a place; gives how many there were.

    By `os.preadv` in one call where the system has it (Windows has not), else by seeking.
    """
    done = _read_once(file, memory, at)
    while 0 < done < len(memory):
        more = _read_once(file, memory[done:], at + done)
        if not more:
            break
        done += more
    return done


def _read_once(file: FileIO, memory: memoryview, at: int) -> int:
    """Read what one call of the system gives, which may be less than there is."""
    place = getattr(os, "preadv", None)
    if place is not None:
        return int(place(file.fileno(), (memory,), at))
    file.seek(at)
    return file.readinto(memory) or 0


def read_rows(file: FileIO, rows: NDArray[Any], at: int, step: int) -> int:
    """Fill rows with bytes that lie at equal distances; gives how many rows are whole.

    Parameters
    ----------
    file : FileIO
    rows : np.ndarray, shape (n_rows, ...)
        Contiguous, of any type.
    at : int
        Where the first row begins.
    step : int
        From the beginning of one row to that of the next, in bytes; negative where rows follow each other backwards.
    """
    length = rows.nbytes // len(rows)
    if step == length:
        return read_into(file, _bytes_of(rows), at) // length
    if length < _SHORT and length < step <= max(_NEAR * length, _PAGE):
        return _read_with_gaps(file, rows, at, step)
    memory = _bytes_of(rows)
    for index in range(len(rows)):
        if read_into(file, memory[index * length : (index + 1) * length], at + index * step) < length:
            return index
    return len(rows)


def _read_with_gaps(file: FileIO, rows: NDArray[Any], at: int, step: int) -> int:
    """Read rows with what is between them, some MB at a time, so that no row costs a call."""
    length = rows.nbytes // len(rows)
    many = max(1, _AT_ONCE // step)
    memory = np.empty(many * step, np.uint8)
    wanted = rows.reshape(len(rows), -1).view(np.uint8)
    for first in range(0, len(rows), many):
        count = min(many, len(rows) - first)
        span = (count - 1) * step + length
        there = read_into(file, _bytes_of(memory[:span]), at + first * step)
        whole = count if there == span else max(0, (there - length) // step + 1)
        wanted[first : first + whole] = memory[: many * step].reshape(many, step)[:whole, :length]
        if whole < count:
            return first + whole
    return len(rows)


def _bytes_of(rows: NDArray[Any]) -> memoryview:
    return rows.reshape(-1).view(np.uint8).data
