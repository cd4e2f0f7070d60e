"""Rows of numbers in a long text: found once, read again where they are wanted, a block at a time."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.tables import decoded, number

BYTES = 2**20
"""Of a text that is in memory at once, about."""

LOOKED_AT = 64
"""Cells of a block of which it is seen to how many decimals times are written."""

EXACT = 2.0**53
"""From here on a float64 may not be the whole number that is written."""


@dataclass(frozen=True)
class Spelling:
    """How the rows of a text are written.

    Attributes
    ----------
    path : Path
    encoding : str
        Of the text; of two bytes a letter, in which order.
    delimiter : str or None
        Between cells; None for blanks.
    decimal : {".", ","}
    remark : str
        What remarks at the end of a row begin with; empty if there are none.
    comma : str
        What to do where a number has a comma and should have a point.
    """

    path: Path
    encoding: str
    delimiter: str | None
    decimal: str = "."
    remark: str = ""
    comma: str = "write a decimal point"

    @property
    def newline(self) -> bytes:
        """The last byte or bytes of a line."""
        return "\n".encode(self.encoding)


@dataclass(frozen=True)
class Stretch:
    """Whole lines of a text.

    Attributes
    ----------
    first_byte, n_bytes : int
    first_line : int
        Counted from 1.
    """

    first_byte: int
    n_bytes: int
    first_line: int


def encoding_of(path: Path, encoding: str | None) -> tuple[str, int]:
    """How the text of a file is encoded, with the order of its bytes, and how many bytes its mark has.

    Raises
    ------
    SourceError
        If its first lines are no text in that encoding.
    """
    with path.open("rb") as file:
        start = file.read(BYTES)
    name, mark = codecs.lookup(encoding or "utf-8").name, 0
    if name == "utf-16" and start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        name, mark = ("utf-16-le" if start.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"), 2
    elif name in {"utf-8", "utf-8-sig"}:
        name, mark = "utf-8", 3 if start.startswith(codecs.BOM_UTF8) else 0
    decoded(start[: _whole_lines(start, "\n".encode(name))] or start, path, encoding)
    return name, mark


def _whole_lines(content: bytes, newline: bytes) -> int:
    """How many of the bytes are whole lines."""
    end = content.rfind(newline)
    while end >= 0 and end % len(newline):  # the second byte of one letter and the first of the next
        end = content.rfind(newline, 0, end)
    return end + len(newline) if end >= 0 else 0


def walk(spelling: Spelling, first_byte: int = 0, first_line: int = 1) -> Iterator[tuple[Stretch, str]]:
    """The lines of a text from a byte on, about a megabyte at a time.

    Raises
    ------
    SourceError
        If bytes are no text in the encoding.
    """
    begins, line, rest = first_byte, first_line, b""
    with spelling.path.open("rb") as file:
        file.seek(first_byte)
        while True:
            read = file.read(BYTES)
            content = rest + read
            n_bytes = _whole_lines(content, spelling.newline) if read else len(content)
            rest = content[n_bytes:]
            if n_bytes:
                text = decoded(content[:n_bytes], spelling.path, spelling.encoding)
                yield Stretch(begins, n_bytes, line), text
                begins, line = begins + n_bytes, line + text.count("\n")
            if not read:
                return


def lines_of(text: str) -> list[str]:
    """The lines of a text without their ends."""
    return text.removesuffix("\n").replace("\r\n", "\n").split("\n")


def parse(spelling: Spelling, text: str, first_line: int, columns: Sequence[int], names: Sequence[str]) -> NDArray[np.float64]:
    """The numbers of some columns; lines without content are passed over.

    Parameters
    ----------
    spelling : Spelling
    text : str
        Whole lines.
    first_line : int
        Where they stand in the file, for messages.
    columns : sequence of int
        Which of the columns, counted from 0.
    names : sequence of str
        Of all columns.

    Returns
    -------
    np.ndarray, shape (n_rows, n_columns), float64

    Raises
    ------
    SourceError
        If a cell is no number, or not one that float64 holds, or a line has more cells than there are columns.
    """
    lines = lines_of(text)
    if spelling.remark:
        lines = [line.partition(spelling.remark)[0] for line in lines]
    blank = "".join((spelling.delimiter or " ", ' \t"'))
    numbered = [(number, line) for number, line in enumerate(lines, start=first_line) if line.strip(blank)]
    if not numbered:
        return np.empty((0, len(columns)))
    where, wanted = [number for number, _ in numbered], [line for _, line in numbered]
    _refuse_more_cells(spelling, wanted, where, len(names))
    if spelling.decimal == ",":
        wanted = [line.replace(",", ".") for line in wanted]
    try:
        values = np.loadtxt(wanted, delimiter=spelling.delimiter, usecols=columns, quotechar='"', comments=None, ndmin=2)
    except ValueError:
        values = _cell_by_cell(spelling, wanted, where, columns, names)
    for row, column in np.argwhere(np.abs(values) >= EXACT):
        cell = cells_of(spelling, wanted[row])[columns[column]]
        if not _is_exact(cell, float(values[row, column])):
            raise SourceError(
                f"{spelling.path.name}: column {names[columns[column]]!r}, line {where[row]}: {cell.strip()} has more digits than "
                "a number of 64 bits holds; is it a time or an identifier, and no channel?"
            )
    return np.asarray(values, dtype=np.float64)


def _refuse_more_cells(spelling: Spelling, lines: list[str], where: list[int], n_columns: int) -> None:
    """Refuse what a decimal comma makes of a line: more cells than there are columns."""
    if spelling.delimiter is not None and max(line.count(spelling.delimiter) for line in lines) < n_columns:
        return
    for line, at in zip(lines, where, strict=True):
        cells = cells_of(spelling, line)
        if any(cell.strip() for cell in cells[n_columns:]):
            hint = "; are there commas in its numbers?" if spelling.delimiter == "," else ""
            raise SourceError(f"{spelling.path.name}: line {at} has {len(cells)} cells under {n_columns} columns{hint}")


def cells_of(spelling: Spelling, line: str) -> list[str]:
    """The cells of one line.

    Raises
    ------
    SourceError
        If it is none of a table.
    """
    import csv

    if spelling.delimiter is None:
        return line.split()
    try:
        return next(csv.reader([line], delimiter=spelling.delimiter), [])
    except csv.Error as error:
        raise SourceError(f"{spelling.path.name}: not a table of cells ({error}); expected text with a row a sample") from error


def _cell_by_cell(
    spelling: Spelling, lines: list[str], where: list[int], columns: Sequence[int], names: Sequence[str]
) -> NDArray[np.float64]:
    """The same, slowly, so that the cell that is no number can be named."""
    rows = []
    for line, at in zip(lines, where, strict=True):
        cells = cells_of(spelling, line)
        for column in columns:
            if column >= len(cells):
                raise SourceError(
                    f"{spelling.path.name}: line {at} has {len(cells)} cells, and column {names[column]!r} is number {column + 1}; "
                    "is the file truncated?"
                )
        places = [f"{spelling.path.name}: column {names[column]!r}" for column in columns]
        for column, place in zip(columns, places, strict=True):
            if "," in cells[column] and spelling.delimiter != ",":
                raise SourceError(f"{place}, line {at}: {cells[column].strip()!r} has a comma in it; {spelling.comma}")
        rows.append([number(cells[column], where=place, line=at) for column, place in zip(columns, places, strict=True)])
    return np.array(rows, dtype=np.float64)


def _is_exact(cell: str, value: float) -> bool:
    try:
        return not np.isfinite(value) or Decimal(cell.strip()) == Decimal(value)
    except InvalidOperation:
        return True


def resolution_of(spelling: Spelling, text: str, column: int) -> float:
    """To what the numbers of a column are rounded, in its unit: the smallest decimal that is written in its first cells."""
    exponents = []
    for line in lines_of(text)[:LOOKED_AT]:
        cells = cells_of(spelling, line)
        if column < len(cells):
            cell = cells[column].strip().replace(",", ".") if spelling.decimal == "," else cells[column].strip()
            try:
                exponents.append(Decimal(cell).as_tuple().exponent)
            except InvalidOperation:
                continue
    whole = [exponent for exponent in exponents if isinstance(exponent, int)]
    return 10.0 ** min(whole) if whole else 0.0


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a text, and where each stretch of them is.

    Attributes
    ----------
    spelling : Spelling
    names : tuple of str
        Of all columns.
    stretches : tuple of Stretch
    ends : np.ndarray, shape (n_stretches,), int64
        How many rows there are up to the end of each.
    """

    spelling: Spelling
    names: tuple[str, ...]
    stretches: tuple[Stretch, ...]
    ends: NDArray[np.int64]

    @property
    def n_rows(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def read(self, column: int, start: int, stop: int) -> NDArray[np.float64]:
        """Rows ``start`` to ``stop`` of one column."""
        if start >= stop:
            return np.empty(0)
        first, last = np.searchsorted(self.ends, (start, stop - 1), side="right")
        before = int(self.ends[first - 1]) if first else 0
        parts = []
        with self.spelling.path.open("rb") as file:
            for stretch in self.stretches[first : last + 1]:
                file.seek(stretch.first_byte)
                text = decoded(file.read(stretch.n_bytes), self.spelling.path, self.spelling.encoding)
                parts.append(parse(self.spelling, text, stretch.first_line, [column], self.names)[:, 0])
        rows = np.concatenate(parts)[start - before : stop - before]
        if len(rows) != stop - start:
            raise SourceError(f"{self.spelling.path.name}: it changed while it was read; wait until the recording has ended")
        return rows


@dataclass(frozen=True, eq=False)
class TextColumn:
    """One column of a text, shape (n_rows,), float64; parsed when it is asked for.

    Attributes
    ----------
    cost : int
        How many times as long a sample takes as one of a binary file: 0.7 us against 0.02 us for each reading of 1 000 000.
    """

    cost: ClassVar[int] = 40

    rows: Rows
    column: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows.n_rows,)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def __getitem__(self, block: slice, /) -> NDArray[np.float64]:
        start, stop, _ = block.indices(self.rows.n_rows)
        return self.rows.read(self.column, start, stop)
