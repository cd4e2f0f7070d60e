"""Frames that lie as they are in pages of one or more files, read when asked for."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError


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
    """

    files: tuple[Path, ...]
    file_of: NDArray[np.int32]
    places: NDArray[np.int64]
    size: tuple[int, int]
    stored: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_frames, height, width) or (n_frames, n_planes, height, width)."""
        return (*self.places.shape, *self.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in this machine's byte order."""
        return self.stored.newbyteorder("=")


class PageFrames(PagedFrames):
    """Frames whose pixels lie in the file as they are; `places` is where they begin."""

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        """The frames of the block, rows from the top.

        Raises
        ------
        SourceError
            If a file has become shorter since its pages were counted.
        """
        file_of, offsets = self.file_of[block].ravel(), self.places[block].ravel()
        frames = np.empty((len(offsets), *self.size), self.stored)
        with ExitStack() as opened:
            files: dict[int, BinaryIO] = {}
            for frame, number, offset in zip(frames, file_of.tolist(), offsets.tolist(), strict=True):
                if number not in files:
                    files[number] = opened.enter_context(self.files[number].open("rb", buffering=0))
                files[number].seek(offset)
                if files[number].readinto(frame.data.cast("B")) != frame.nbytes:  # type: ignore[attr-defined]
                    raise SourceError(f"{self.files[number].name}: ends inside a page; was it changed while being read?")
        return frames.reshape(-1, *self.shape[1:]).astype(self.dtype, copy=False)
