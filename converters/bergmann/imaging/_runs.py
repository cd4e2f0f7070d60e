"""The pages of a TIFF, many at a time where they follow each other as an instrument writes them.

An instrument writes each page as the one before: the same tags, at equal distances. Such directories are read at those distances
and compared at once, as arrays, with the first of them: the tags that say the form must be equal, and every place in the file must
be further by the distance. The chain stays the judge: a page counts only if the one before points to it. Where pages are not so,
the chain is walked page by page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.imaging._pages import (
    DESCRIPTION,
    NEAR,
    OF_FORM,
    STRIPS,
    CutShortError,
    Directory,
    Layout,
    PageForm,
    bytes_of,
    form_and_offset,
    read_layout,
)
from bergmann.imaging._placed import read_rows

_FEW, _MANY, _GROWTH = 8, 4096, 8
"""Pages that are read at once: few first, as many callers look at the beginning only."""

_AT_ONCE = 131_072
"""Bytes of directories that are read at once."""

_NO_RUN = 2
"""So many pages are no run yet: any two pages are at an equal distance."""

_LONGEST_REST = 1024
"""Pages that are walked at most before equal distances are looked for again."""

_FARTHEST = 65_536
"""Bytes between the parts of a directory (its tags, its strips, its description) that are still read together."""


class PageRun(NamedTuple):
    """Pages of one form that follow each other in the chain.

    Attributes
    ----------
    form : PageForm
    offsets : np.ndarray, shape (n_pages,), int64
        Where the pixels of each page begin.
    directories : np.ndarray, shape (n_pages,), int64
        Where the directory of each page begins.
    descriptions : list of bytes
        The beginning of each page's description; empty ones if they were not asked for.
    """

    form: PageForm
    offsets: NDArray[np.int64]
    directories: NDArray[np.int64]
    descriptions: list[bytes]


class Page(NamedTuple):
    """One page: its form, where its pixels and its directory begin, and the beginning of its description."""

    form: PageForm
    offset: int
    directory: int
    description: bytes


def walk_pages(path: Path, *, described: int = 0) -> Iterator[Page]:
    """Yield the pages of a TIFF one by one, as `page_runs` finds them."""
    for run in page_runs(path, described=described):
        for offset, at, text in zip(run.offsets.tolist(), run.directories.tolist(), run.descriptions, strict=True):
            yield Page(run.form, offset, at, text)


def page_runs(path: Path, *, described: int = 0) -> Iterator[PageRun]:
    """Yield the pages of a TIFF in the order of the file, in runs of one form.

    Parameters
    ----------
    path : Path
    described : int
        How many bytes of each page's description to read.

    Raises
    ------
    CutShortError
        After the last complete page, if the file goes on beyond its end.
    SourceError
        If the file is not a TIFF, or damaged.
    """
    size = path.stat().st_size
    with path.open("rb", buffering=NEAR) as file, FileIO(path) as plain:
        layout, at = read_layout(file, path.name)
        count, many, rest, tired = 0, _FEW, 0, 1
        while at:
            if at >= size:
                raise CutShortError
            if count > size // layout.entry.size:
                raise SourceError(f"{path.name}: its pages are chained in a circle; is it damaged?")
            directory = Directory(file, layout, at)
            first, stored = _first_of_run(directory, size, described)
            _check_stored(f"{path.name}: page {count + 1}", first.form, stored)
            pattern = None if rest else _pattern(layout, directory, described)
            run, at = _follow(plain, pattern, first, size - stored, many) if pattern else (first, directory.next)
            yield run
            count += len(run.offsets)
            if rest:
                rest -= 1
            elif len(run.offsets) > _NO_RUN:
                many, tired = min(many * _GROWTH, _MANY), 1
            else:
                rest, tired = tired - 1, min(2 * tired, _LONGEST_REST)


def _first_of_run(directory: Directory, size: int, described: int) -> tuple[PageRun, int]:
    """One page, and how many bytes its pixels take."""
    form, offset, stored = form_and_offset(directory)
    if offset + stored > size:
        raise CutShortError
    text = directory.raw(DESCRIPTION, described) if described else b""
    return PageRun(form, np.array([offset], np.int64), np.array([directory.at], np.int64), [text]), stored


def _check_stored(where: str, form: PageForm, stored: int) -> None:
    if form.compression == 1 and form.in_one_piece and stored < bytes_of(form):
        raise SourceError(
            f"{where} stores {stored} bytes; {form.height} x {form.width} pixels of {form.bits} bits need {bytes_of(form)}. "
            "Is it damaged?"
        )


@dataclass(frozen=True)
class _Pattern:
    """How the first page of a run lies in the file: what the pages behind it are compared with.

    Attributes
    ----------
    layout : Layout
    directory : Directory
    parts : mapping of int to slice
        Where the value of each tag is that is looked at, counted from `begin`.
    begin, end : int
        The bytes of the file that hold the directory and these values.
    """

    layout: Layout
    directory: Directory
    parts: Mapping[int, slice]
    begin: int
    end: int

    @property
    def step(self) -> int:
        """From this directory to the next, in bytes."""
        return int(self.directory.next - self.directory.at)

    @property
    def head(self) -> slice:
        """Where the directory is, counted from `begin`."""
        return slice(self.directory.at - self.begin, self.directory.stop - self.begin)


def _pattern(layout: Layout, directory: Directory, described: int) -> _Pattern:
    tags = [tag for tag in (*OF_FORM, *((DESCRIPTION,) if described else ())) if tag in directory]
    fields = {tag: directory.field(tag) for tag in tags}
    stops = {tag: min(one.stop, one.at + described) if tag == DESCRIPTION else one.stop for tag, one in fields.items()}
    begin = min(directory.at, *(one.at for one in fields.values()))
    parts = {tag: slice(one.at - begin, stops[tag] - begin) for tag, one in fields.items()}
    return _Pattern(layout, directory, parts, begin, max(directory.stop, *stops.values()))


def _follow(file: FileIO, pattern: _Pattern, first: PageRun, last: int, many: int) -> tuple[PageRun, int]:
    """The pages that follow one at equal distances, itself among them, and where the directory behind them is.

    Parameters
    ----------
    file : FileIO
    pattern : _Pattern
    first : PageRun
        The first page.
    last : int
        Where the pixels of a page may begin at most, for it to be whole.
    many : int
        How many pages to look at, if they are not too long.
    """
    directory, step, width = pattern.directory, pattern.step, pattern.end - pattern.begin
    if step <= 0 or width > _FARTHEST:
        return first, directory.next
    rows = np.empty((min(many, _AT_ONCE // width, (last - int(first.offsets[0])) // step + 1), width), np.uint8)
    rows = rows[: read_rows(file, rows, pattern.begin, step)]
    further = step * np.arange(len(rows), dtype=np.int64)
    after = _numbers(rows[:, pattern.head][:, -pattern.layout.pointer.size :], pattern.layout.pointer_type)[:, 0]
    length = min(_leading(_are_alike(pattern, rows, further)), _leading(after == directory.next + further) + 1)
    if length < _NO_RUN:
        return first, directory.next
    texts = [row.tobytes() for row in rows[:length, pattern.parts.get(DESCRIPTION, slice(0))]]
    run = PageRun(first.form, first.offsets[0] + further[:length], directory.at + further[:length], texts)
    return run, int(after[length - 1])


def _are_alike(pattern: _Pattern, rows: NDArray[np.uint8], further: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which pages say the same as the first: the same tags, and of those looked at the same values, further by the distance."""
    layout, head = pattern.layout, rows[:, pattern.head]
    alike: NDArray[np.bool_] = (head[:, : layout.length.size] == head[:1, : layout.length.size]).all(axis=1)
    entries = np.ascontiguousarray(head[:, layout.length.size : -layout.pointer.size]).view(layout.entry_type)
    alike &= (entries["tag"] == entries["tag"][:1]).all(axis=1)
    for tag, part in pattern.parts.items():
        field = pattern.directory.field(tag)
        entry = entries[:, field.entry]
        alike &= (entry["kind"] == entry["kind"][:1]) & (entry["length"] == entry["length"][:1])
        if not field.is_inline:
            places = entry["value"].astype(np.int64)
            alike &= places - places[:1] == further
        if tag == STRIPS:
            alike &= _are_further(rows[:, part], np.dtype(layout.order + field.code), further)
        elif tag != DESCRIPTION:
            alike &= (rows[:, part] == rows[:1, part]).all(axis=1)
    return alike


def _are_further(content: NDArray[np.uint8], number: np.dtype[Any], further: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether all places that the rows hold are those of the first, further by the distance."""
    places = _numbers(content, number)
    return np.asarray((places - places[:1] == further[:, np.newaxis]).all(axis=1))


def _numbers(content: NDArray[np.uint8], number: np.dtype[Any]) -> NDArray[np.int64]:
    """The numbers in each row of bytes."""
    return np.ascontiguousarray(content).view(number).astype(np.int64)


def _leading(true: NDArray[np.bool_]) -> int:
    """How many are true from the first on."""
    return len(true) if true.all() else int(np.argmin(true))
