"""Rows of a table file (CSV, TSV, XLSX) as mappings of column name to text or number."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from bergmann.errors import SourceError
from bergmann.tables import Header, read_text, sheet_cells
from bergmann.texts import folded, named

_DELIMITERS = (",", "\t", ";", "|")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table as read.

    Attributes
    ----------
    name : str
        Base name of the file.
    columns : tuple of str
    rows : tuple of (int, Mapping)
        Number of the row as a person counts in the file (the header is row 1), and its cells by column.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, Row], ...]

    def need(self, column: str) -> str:
        """The column that is meant, as the file has it.

        Raises
        ------
        SourceError
            If there is none; with the columns that are there, and the nearest name.
        """
        meant = named(column, self.columns)
        if meant is not None:
            return meant
        nearest = get_close_matches(column, self.columns, n=1, cutoff=0.5)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise SourceError(f"{self.name}: no column {column!r}{hint} It has: {', '.join(self.columns)}")

    def choose(self, rows: Mapping[str, str]) -> Table:
        """The rows whose cells are the given texts.

        Raises
        ------
        SourceError
            If a column is not there, or no row matches.
        """
        wanted_cells = {self.need(column): folded(text) for column, text in rows.items()}
        kept = tuple(
            (n, row) for n, row in self.rows if all(folded(_text(row[name])) == text for name, text in wanted_cells.items())
        )
        if not kept:
            wanted = ", ".join(f"{name} = {text!r}" for name, text in rows.items())
            there = "; ".join(f"{name}: {', '.join(self._values(name))}" for name in wanted_cells)
            raise SourceError(f"{self.name}: none of {len(self.rows)} rows has {wanted}. There is {there}")
        return Table(self.name, self.columns, kept)

    def _values(self, column: str) -> list[str]:
        return list(dict.fromkeys(_text(row[column]) for _, row in self.rows))[:8]


def _text(cell: object) -> str:
    """A cell as a person reads it; a spreadsheet holds 1 as 1.0."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def read_table(
    path: Path,
    *,
    sheet: str | None,
    expected: Sequence[str],
    encoding: str | None = None,
    header: Header = "first line",
) -> Table:
    """Read a table; blank lines are no rows.

    Parameters
    ----------
    path : Path
        ``.xlsx`` is read as a workbook, everything else as text with a delimiter.
    sheet : str or None
        Of a workbook; needed if it has several.
    expected : sequence of str
        Columns that the header should have, by which the delimiter is recognised.
    encoding : str, optional
        Of a text file; UTF-8 where none is stated.
    header : {"first line", "none"}
        Whether the first line that is not empty names the columns.

    Raises
    ------
    SourceError
        If the file is missing, its text is in another encoding, it has a row of another length than the first, or two columns of
        one name.
    MissingExtraError
        For a workbook, if its reader is not installed.
    """
    if not path.is_file():
        raise SourceError(f"{path.name}: there is no such file")
    is_workbook = path.suffix.lower() in {".xlsx", ".xlsm"}
    if sheet is not None and not is_workbook:
        raise SourceError(f"{path.name}: `sheet: {sheet}` is stated, and this is no workbook; leave it out")
    if encoding is not None and is_workbook:
        raise SourceError(f"{path.name}: a workbook says its encoding itself; leave out `encoding`")
    lines = list(enumerate(sheet_cells(path, sheet), start=1)) if is_workbook else _delimited(path, expected, encoding)
    lines = [(number, cells) for number, cells in lines if any(_text(cell) for cell in cells)]
    if not lines:
        raise SourceError(f"{path.name}: the table is empty")
    if header == "none":
        columns, rows = tuple(str(number) for number, _ in enumerate(lines[0][1], start=1)), lines
    else:
        columns, rows = _named_columns(path, lines[0][1]), lines[1:]
    return Table(path.name, columns, tuple((number, _row(path, number, columns, cells)) for number, cells in rows))


def _named_columns(path: Path, cells: Sequence[Any]) -> tuple[str, ...]:
    """The names in a header line, without the empty cells behind the last."""
    columns = tuple(_text(cell) for cell in cells)
    while columns and not columns[-1]:
        columns = columns[:-1]
    _refuse_doubled(path, columns)
    return columns


def _refuse_doubled(path: Path, header: Sequence[str]) -> None:
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise SourceError(f"{path.name}: more than one column is named {doubled[0]!r}; give each a name of its own")


def _row(path: Path, number: int, header: Sequence[str], cells: Sequence[Any]) -> Row:
    extra = [cell for cell in cells[len(header) :] if _text(cell)]
    if extra:
        raise SourceError(
            f"{path.name}, row {number}: {len(cells)} cells for {len(header)} columns; is there a decimal comma, or a "
            "delimiter in a text?"
        )
    return dict(zip(header, [*cells, *[None] * (len(header) - len(cells))], strict=False))


def _delimited(path: Path, expected: Sequence[str], encoding: str | None) -> list[tuple[int, list[Any]]]:
    text = read_text(path, encoding)
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=lambda sign: _fit(header, sign, expected))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [(reader.line_num, cells) for cells in reader]


def _fit(header: str, delimiter: str, expected: Sequence[str]) -> tuple[int, int]:
    """How well a delimiter divides a header: expected columns found, then columns at all."""
    columns = [folded(name) for name in next(csv.reader([header], delimiter=delimiter), [])]
    return sum(folded(name) in columns for name in expected), len(columns)
