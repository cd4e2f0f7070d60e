"""Frames in compressed or tiled pages, decoded by tifffile when asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.imaging._frames import PagedFrames


class PackedFrames(PagedFrames):
    """Frames whose pixels must be decoded; `places` is where the directory of each page begins."""

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        """The frames of the block, rows from the top.

        Raises
        ------
        SourceError
            If a page cannot be decoded, or the size of a file has changed since its pages were counted.
        """
        file_of, directories = self.file_of[block].ravel(), self.places[block].ravel()
        frames = np.empty((len(directories), *self.size), self.dtype)
        for number in np.unique(file_of).tolist():
            self.check_length(number, self.files[number].stat().st_size)
            wanted = np.flatnonzero(file_of == number)
            for index, page in zip(wanted, _decode(self.files[number], directories[wanted].tolist()), strict=True):
                frames[index] = page
        return frames.reshape(-1, *self.shape[1:])


def check_readable(path: Path, directory: int) -> None:
    """Check that a page can be decoded here.

    Raises
    ------
    SourceError
        If it cannot: most compressions need a package of their own.
    """
    _decode(path, [directory])


def _decode(path: Path, directories: list[int]) -> list[NDArray[Any]]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        pages = []
        for directory in directories:
            file.filehandle.seek(directory)
            page = tifffile.TiffPage(file, index=0)
            try:
                pages.append(page.asarray())
            except (ValueError, KeyError, ImportError, RuntimeError, OSError) as error:  # what codecs raise when absent or misled
                name = getattr(page.compression, "name", page.compression)
                raise SourceError(
                    f"{path.name}: a page with {name} compression cannot be decoded ({error}); save it without compression, or "
                    "install the decoder: pip install imagecodecs"
                ) from error
    return pages
