"""Bytes at a place of a file, into memory that is there already; never by mmap, whose resident size grows with the file."""

from __future__ import annotations

import os
from io import FileIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NEAR = 4
"""Rows that lie no further apart than so many times their own length are read with what is between them."""

_SHORT = 32_768
"""Bytes of a row beyond which reading it by itself costs next to nothing."""

_AT_ONCE = 131_072


def read_into(file: FileIO, memory: memoryview, at: int) -> int:
    """Fill memory with the bytes at a place; gives how many there were.

    By `os.preadv` in one call where the system has it (Windows has not), else by seeking.
    """
    place = getattr(os, "preadv", None)
    done = 0
    while done < len(memory):
        if place is not None:
            count = place(file.fileno(), [memory[done:]], at + done)
        else:
            file.seek(at + done)
            count = file.readinto(memory[done:])
        if not count:
            break
        done += count
    return done


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
    if length < _SHORT and length < step <= _NEAR * length:
        return _read_with_gaps(file, rows, at, step)
    for index in range(len(rows)):
        if read_into(file, _bytes_of(rows[index : index + 1]), at + index * step) < length:
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
