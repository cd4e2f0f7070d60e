"""Frames that lie as they are in pages of one or more files, read when asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.imaging._placed import read_rows

_ELSEWHERE = np.iinfo(np.int64).min
"""The distance to a page of another file."""


@dataclass(frozen=True, eq=False)
class PagedFrames:
    """Frames (or volumes), each in a page of one or more files; a subclass reads them.

    Attributes
    ----------
    files : tuple of Path
    file_of : np.ndarray, shape (n_frames,) or (n_frames, n_planes), int32
        Which file holds each page.
    places : np.ndarray, of the same shape, int64
        Where in that file it is, in bytes.
    size : tuple of int
        (height, width).
    stored : np.dtype
        Type of the pixels, in the files' byte order.
    lengths : tuple of int
        Size of each file when its pages were counted, in bytes.
    """

    files: tuple[Path, ...]
    file_of: NDArray[np.int32]
    places: NDArray[np.int64]
    size: tuple[int, int]
    stored: np.dtype[Any]
    lengths: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_frames, height, width) or (n_frames, n_planes, height, width)."""
        return (*self.places.shape, *self.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in this machine's byte order."""
        return self.stored.newbyteorder("=")

    def check_length(self, number: int, length: int) -> None:
        """Check that a file is as long as it was.

        Raises
        ------
        SourceError
            If it is not: the places of its pages may be others now.
        """
        if length != self.lengths[number]:
            raise SourceError(
                f"{self.files[number].name}: has {length} bytes, and had {self.lengths[number]} when its pages were counted; was "
                "it changed while being read, or is it still being recorded or copied? Wait until that is done, and run this again"
            )


class PageFrames(PagedFrames):
    """Frames whose pixels lie in the file as they are; `places` is where they begin."""

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        """The frames of the block, rows from the top.

        Raises
        ------
        SourceError
            If the size of a file has changed since its pages were counted.
        """
        file_of, offsets = self.file_of[block].ravel(), self.places[block].ravel()
        frames = np.empty((len(offsets), *self.size), self.stored)
        with ExitStack() as opened:
            files: dict[int, FileIO] = {}
            for number, begin, end, step in _even_parts(file_of, offsets):
                if number not in files:
                    files[number] = opened.enter_context(FileIO(self.files[number]))
                    self.check_length(number, os.fstat(files[number].fileno()).st_size)
                if read_rows(files[number], frames[begin:end], int(offsets[begin]), step) < end - begin:
                    raise SourceError(f"{self.files[number].name}: ends inside a page; was it changed while being read?")
        if not self.stored.isnative:
            frames = frames.byteswap(inplace=True).view(self.dtype)
        return frames.reshape(-1, *self.shape[1:])


def _even_parts(file_of: NDArray[np.int32], offsets: NDArray[np.int64]) -> Iterator[tuple[int, int, int, int]]:
    """Pages of one file at equal distances: the file, the first of them and the one behind the last, and the distance."""
    steps = np.where(np.diff(file_of) == 0, np.diff(offsets), _ELSEWHERE)
    last_alike = np.append(np.flatnonzero(steps[1:] != steps[:-1]), len(steps) - 1)
    begin = 0
    while begin < len(offsets):
        end, step = begin + 1, 0
        if begin < len(steps) and steps[begin] != _ELSEWHERE:
            end, step = int(last_alike[np.searchsorted(last_alike, begin)]) + 2, int(steps[begin])
        yield int(file_of[begin]), begin, end, step
        begin = end
