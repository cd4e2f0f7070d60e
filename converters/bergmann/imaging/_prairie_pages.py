"""The pages of a PrairieView recording: one or several files of one page a frame, or of many pages, opened when they are needed.

Each OME-TIFF describes the whole recording, with the files of all the others; that is not followed. Which page of which file is
which frame is what the XML says.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.imaging._frames import PageFrames
from bergmann.imaging._packed import PackedFrames
from bergmann.imaging._pages import CutShortError, PageForm, dtype_of, is_packed
from bergmann.imaging._runs import Page, walk_pages


def sizes_in(folder: Path) -> dict[str, int]:
    """Size of each file of a folder by name, in bytes, from one listing of it."""
    with os.scandir(folder) as entries:
        return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}


def whole_pages(path: Path) -> list[Page]:
    """The pages of a file as far as they are complete.

    Raises
    ------
    SourceError
        If it is not a TIFF.
    """
    pages: list[Page] = []
    walk = walk_pages(path)
    while True:
        try:
            pages.append(next(walk))
        except (CutShortError, StopIteration):
            return pages


def count_pages(folder: Path, sizes: Mapping[str, int], named: dict[str, int], form: PageForm) -> dict[str, int]:
    """How many of the pages that are named in each file are there.

    There may be a hundred thousand files. One of uncompressed pages that is as long as most with as many pages is taken for whole
    without opening it; the last is always opened.

    Parameters
    ----------
    folder : Path
    sizes : mapping of str to int
        Size of each file, in bytes.
    named : dict of str to int
        How many pages of each file are named, in the order of the recording.
    form : PageForm
        Of the pages.
    """
    usual = {} if is_packed(form) else _usual_sizes(sizes, named)
    last = next(reversed(named))
    there: dict[str, int] = {}
    for name, count in named.items():
        if name not in sizes:
            there[name] = 0
        elif name != last and count in usual and sizes[name] >= usual[count]:
            there[name] = count
        else:
            there[name] = min(count, _count(folder / name))
    return there


def _usual_sizes(sizes: Mapping[str, int], named: Mapping[str, int]) -> dict[int, int]:
    """The most common size of the files with as many pages, by the number of pages."""
    found: dict[int, Counter[int]] = {}
    for name, count in named.items():
        if name in sizes:
            found.setdefault(count, Counter())[sizes[name]] += 1
    return {count: max(seen, key=lambda size: (seen[size], size)) for count, seen in found.items()}


def _count(path: Path) -> int:
    try:
        return len(whole_pages(path))
    except SourceError:  # no TIFF at all
        return 0


@dataclass(frozen=True, eq=False)
class NamedPages:
    """Frames (or volumes) in pages that are named, whose places in the files are looked up when they are read.

    Attributes
    ----------
    files : tuple of Path
    file_of : np.ndarray, shape (n_frames,) or (n_frames, n_planes), int32
        Which file holds each page.
    page_of : np.ndarray, of the same shape, int32
        Which page of that file it is, from 0.
    form : PageForm
        Of all pages.
    lengths : tuple of int
        Size of each file when the folder was listed, in bytes.
    """

    files: tuple[Path, ...]
    file_of: NDArray[np.int32]
    page_of: NDArray[np.int32]
    form: PageForm
    lengths: tuple[int, ...]
    _known: dict[int, list[Page]] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_frames, height, width) or (n_frames, n_planes, height, width)."""
        return (*self.file_of.shape, self.form.height, self.form.width)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in this machine's byte order."""
        return dtype_of(self.form, self.files[0]).newbyteorder("=")

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        """The frames of the block, rows from the top.

        Raises
        ------
        SourceError
            If a page is missing or of another form.
        """
        file_of, page_of = self.file_of[block].ravel(), self.page_of[block].ravel()
        frames = np.empty((len(file_of), self.form.height, self.form.width), self.dtype)
        by_file = np.argsort(file_of, kind="stable")
        for where in np.split(by_file, np.flatnonzero(np.diff(file_of[by_file])) + 1):
            if len(where):
                frames[where] = self._read(int(file_of[where[0]]), page_of[where])
        return frames.reshape(-1, *self.shape[1:])

    def _read(self, number: int, wanted: NDArray[np.int32]) -> NDArray[Any]:
        path = self.files[number]
        pages = self._known.get(number) or whole_pages(path)
        if len(pages) > 1:  # long chains are walked once
            self._known[number] = pages
        if int(wanted.max()) >= len(pages):
            raise SourceError(f"{path.name}: {len(pages)} pages, and page {int(wanted.max()) + 1} is needed; was it changed?")
        chosen = [pages[index] for index in wanted.tolist()]
        for page in chosen:
            if page.form != self.form:
                raise SourceError(
                    f"{path.name}: a page of {page.form.height} x {page.form.width} pixels of {page.form.bits} bits; expected "
                    f"{self.form.height} x {self.form.width} of {self.form.bits}, as the first page of the recording has"
                )
        length = (self.lengths[number],)
        one, size, stored = np.zeros(len(chosen), np.int32), (self.form.height, self.form.width), dtype_of(self.form, path)
        if is_packed(self.form):
            return PackedFrames((path,), one, np.array([page.directory for page in chosen]), size, stored, length)[:]
        return PageFrames((path,), one, np.array([page.offset for page in chosen]), size, stored, length)[:]
