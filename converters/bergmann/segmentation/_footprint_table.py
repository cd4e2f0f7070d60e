"""Pixels of events from a table: a row a pixel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records import FOOTPRINT
from bergmann.tables import Table, number


@dataclass(frozen=True, eq=False)
class ListedFootprints:
    """Pixels of each event.

    Attributes
    ----------
    path : Path
    masks : tuple of np.ndarray, each of shape (n_pixels,), dtype `FOOTPRINT`
    """

    path: Path
    masks: tuple[NDArray[np.void], ...]

    def __len__(self) -> int:
        return len(self.masks)

    def __iter__(self) -> Iterator[NDArray[np.void]]:
        yield from self.masks


def read_footprints(table: Table, rows: Mapping[str, int], shape: tuple[int, int], first: int) -> ListedFootprints:
    """The pixels of each event, in the order of the table.

    Parameters
    ----------
    table : Table
        Columns ``event``, ``x``, ``y`` and perhaps ``weight``, which is 1 without.
    rows : mapping of str to int
        Row of each event by its name.
    shape : tuple of int
        (height, width) of the movie's frames.
    first : int
        Number of the first row and column.

    Raises
    ------
    SourceError
        If an event or pixel is not there.
    """
    pixels = np.empty(len(table.rows), dtype=FOOTPRINT)
    for key, size in (("x", shape[1]), ("y", shape[0])):
        pixels[key] = _coordinates(table, key, size, first)
    pixels["weight"] = _numbers(table, "weight") if "weight" in table.columns else 1
    of = np.array(
        [_row(table, rows, cell, line) for cell, line in zip(table.cells("event"), table.lines, strict=True)], dtype=np.int64
    )
    order = np.argsort(of, kind="stable")
    cuts = np.searchsorted(of[order], np.arange(1, len(rows)))
    return ListedFootprints(table.path, tuple(np.split(pixels[order], cuts)))


def _row(table: Table, rows: Mapping[str, int], cell: str, line: int) -> int:
    if cell.strip() not in rows:
        raise SourceError(f"{table.where('event')}, line {line}: there is no event {cell.strip()!r}")
    return rows[cell.strip()]


def _numbers(table: Table, key: str) -> NDArray[np.float64]:
    where = table.where(key)
    return np.array([number(cell, where=where, line=line) for cell, line in zip(table.cells(key), table.lines, strict=True)])


def _coordinates(table: Table, key: str, size: int, first: int) -> NDArray[np.float64]:
    """Rows or columns, from 0."""
    values = _numbers(table, key) - first
    wrong = np.flatnonzero((values != np.round(values)) | (values < 0) | (values >= size))
    if len(wrong):
        row, what = int(wrong[0]), "column" if key == "x" else "row"
        raise SourceError(
            f"{table.where(key)}, line {table.lines[row]}: no {what} {values[row] + first:g} in the movie; {what}s are "
            f"{first} to {first + size - 1} (`first_pixel: {first}`); are x and y exchanged?"
        )
    return values
