"""The pages of a TIFF, many at a time where they follow each other as an instrument writes them.

An instrument writes each page as the one before: the same tags, at equal distances. Such directories are read at those distances
and compared at once, as arrays, with the first of them: the tags that say the form must be equal, and every place in the file must
be further by the distance. The chain stays the judge: a page counts only if the one before points to it. Where pages are not so,
the chain is walked page by page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    Field,
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
            run, at = (first, directory.next) if rest else _follow(plain, layout, directory, first, size - stored, described, many)
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


def _follow(
    file: FileIO, layout: Layout, directory: Directory, first: PageRun, last: int, described: int, many: int
) -> tuple[PageRun, int]:
    """The pages that follow one at equal distances, itself among them, and where the directory behind them is.

    Parameters
    ----------
    file : FileIO
    layout : Layout
    directory : Directory
        Of the first page.
    first : PageRun
        The first page.
    last : int
        Where the pixels of a page may begin at most, for it to be whole.
    described : int
    many : int
        How many pages to look at.
    """
    step = directory.next - directory.at
    looked_at = [tag for tag in (*OF_FORM, *((DESCRIPTION,) if described else ())) if tag in directory]
    fields = {tag: directory.field(tag) for tag in looked_at}
    ends = {tag: field.stop if tag != DESCRIPTION else min(field.stop, field.at + described) for tag, field in fields.items()}
    begin = min(directory.at, *(field.at for field in fields.values()))
    end = max(directory.stop, *ends.values())
    many = min(many, max(_NO_RUN, _AT_ONCE // (end - begin)))
    count = min(many, (last - int(first.offsets[0])) // step + 1) if step > 0 and end - begin <= _FARTHEST else 1
    if count < _NO_RUN:
        return first, directory.next
    rows = np.empty((count, end - begin), np.uint8)
    rows = rows[: read_rows(file, rows, begin, step)]
    further = step * np.arange(len(rows), dtype=np.int64)
    head = rows[:, directory.at - begin : directory.stop - begin]
    alike = _have_same_entries(layout, head, fields, further)
    for tag, field in fields.items():
        content = rows[:, field.at - begin : ends[tag] - begin]
        if tag == STRIPS:
            alike &= _are_further(content, np.dtype(layout.order + field.code), further)
        elif tag != DESCRIPTION:
            alike &= (content == content[:1]).all(axis=1)
    after = _numbers(head[:, -layout.pointer.size :], layout.pointer_type)[:, 0]
    length = min(_leading(alike), _leading(after == directory.next + further) + 1)
    if length < _NO_RUN:
        return first, directory.next
    texts = [b""] * length
    if DESCRIPTION in fields:
        text = rows[:length, fields[DESCRIPTION].at - begin : ends[DESCRIPTION] - begin]
        texts = [row.tobytes() for row in text]
    run = PageRun(first.form, first.offsets[0] + further[:length], directory.at + further[:length], texts)
    return run, int(after[length - 1])


def _have_same_entries(
    layout: Layout, head: NDArray[np.uint8], fields: Mapping[int, Field], further: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which directories have the tags of the first, and the same kinds and lengths of those looked at, further by the distance."""
    alike: NDArray[np.bool_] = (head[:, : layout.length.size] == head[:1, : layout.length.size]).all(axis=1)
    entries = np.ascontiguousarray(head[:, layout.length.size : -layout.pointer.size]).view(layout.entry_type)
    alike &= (entries["tag"] == entries["tag"][:1]).all(axis=1)
    for field in fields.values():
        entry = entries[:, field.entry]
        alike &= (entry["kind"] == entry["kind"][:1]) & (entry["length"] == entry["length"][:1])
        if not field.is_inline:
            places = entry["value"].astype(np.int64)
            alike &= places - places[:1] == further
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
