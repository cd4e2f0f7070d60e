"""Tables that people keep: CSV, TSV and XLSX files, every cell as the text it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bergmann.errors import MissingExtraError, SourceError
from bergmann.tables.text import read_text
from bergmann.texts import folded, named

DELIMITERS = ("\t", ",", ";")

Header = Literal["first line", "none"]
"""Whether the first line of a table names its columns; without names, columns are numbered from 1."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table with one header line, or none.

    Attributes
    ----------
    path : Path
    columns : tuple of str
        Names in the header, without the blanks around them; ``"1"``, ``"2"``, ... where there is no header.
    rows : tuple of tuple of str
        Cells as written, blanks around them included, each row as long as `columns`.
    lines : tuple of int
        Where each row stands in the file, counted from 1 as spreadsheets do.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def index(self, column: str) -> int:
        """Position of a column.

        Raises
        ------
        SourceError
            If there is none of that name, or more than one.
        """
        meant = named(column.strip(), self.columns)
        if meant is not None:
            return self.columns.index(meant)
        known = ", ".join(name for name in self.columns if name)
        what = "more than one column" if folded(column) in map(folded, self.columns) else "no column"
        raise SourceError(f"{self.path.name}: {what} {column!r}; the columns are: {known}")

    def cells(self, column: str) -> list[str]:
        """The cells of one column, as written."""
        index = self.index(column)
        return [row[index] for row in self.rows]

    def where(self, column: str) -> str:
        """A phrase for messages: the column and the file."""
        return f"{self.path.name}: column {column!r}"

    def chosen(self, selection: Mapping[str, str]) -> Table:
        """The rows whose cells are as selected, exactly but for what `folded` makes one.

        Raises
        ------
        SourceError
            If no row is; the message lists the values there are.
        """
        wanted = {self.index(column): folded(value) for column, value in selection.items()}
        keep = [n for n, row in enumerate(self.rows) if all(folded(row[i]) == value for i, value in wanted.items())]
        if not keep:
            raise SourceError(f"{self.path.name}: no row with {_text(selection)}; {self._values_there_are(wanted)}")
        return Table(self.path, self.columns, tuple(self.rows[n] for n in keep), tuple(self.lines[n] for n in keep))

    def _values_there_are(self, wanted: Mapping[int, str]) -> str:
        """What each selected column holds, in the rows that match the selection of the other columns (of all rows if none does)."""
        parts = []
        for index in wanted:
            others = [row for row in self.rows if all(folded(row[i]) == value for i, value in wanted.items() if i != index)]
            values = sorted({row[index].strip() for row in others or self.rows})
            shown = ", ".join(repr(value) for value in values[:30]) + (f" and {len(values) - 30} more" if len(values) > 30 else "")
            parts.append(f"{self.columns[index]} is one of {shown}")
        return "; ".join(parts)


def _text(selection: Mapping[str, str]) -> str:
    return ", ".join(f"{column} = {value!r}" for column, value in selection.items())


def read_table(
    path: Path, *, sheet: str | None = None, encoding: str | None = None, header: Header = "first line", blanks: bool = False
) -> Table:
    """Read a table.

    Parameters
    ----------
    path : Path
        ``.xlsx`` or ``.xlsm``, or a text file.
    sheet : str, optional
        Of a workbook.
    encoding : str, optional
        Of a text file; UTF-8 where none is stated.
    header : {"first line", "none"}
        Whether the first line that is not empty names the columns.
    blanks : bool
        Whether blanks may separate cells, in a text that has neither tabs, commas nor semicolons.

    Raises
    ------
    SourceError
        If the file is no such table, its text is in another encoding, a row is longer than the first, or a workbook has several
        sheets and none is chosen.
    """
    cells = read_cells(path, sheet=sheet, encoding=encoding, blanks=blanks)
    numbered = [(number, row) for number, row in enumerate(cells, start=1) if any(cell.strip() for cell in row)]
    if header == "none":
        if not numbered:
            raise SourceError(f"{path.name}: no line with content; expected a table")
        return _rows(path, tuple(str(number) for number, _ in enumerate(numbered[0][1], start=1)), numbered)
    if len(numbered) < 2:
        raise SourceError(f"{path.name}: {len(numbered)} lines with content; expected a line of column names and rows below it")
    return _rows(path, tuple(name.strip() for name in numbered[0][1]), numbered[1:])


def _rows(path: Path, columns: tuple[str, ...], numbered: list[tuple[int, list[str]]]) -> Table:
    for number, row in numbered:
        if any(cell.strip() for cell in row[len(columns) :]):
            raise SourceError(f"{path.name}: line {number} has {len(row)} cells under {len(columns)} columns")
    padded = tuple(tuple((list(row) + [""] * len(columns))[: len(columns)]) for _, row in numbered)
    return Table(path, columns, padded, tuple(number for number, _ in numbered))


def read_cells(path: Path, *, sheet: str | None = None, encoding: str | None = None, blanks: bool = False) -> list[list[str]]:
    """All cells of a CSV, TSV or XLSX file as text; for the parameters see `read_table`.

    Raises
    ------
    SourceError
        If the file is neither a text in its encoding nor a workbook.
    MissingExtraError
        If a workbook is given and its reader is not installed.
    """
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        if encoding is not None:
            raise SourceError(f"{path.name}: a workbook says its encoding itself; leave out `encoding`")
        return [[_cell_text(cell) for cell in row] for row in sheet_cells(path, sheet)]
    if sheet is not None:
        raise SourceError(f"{path.name}: a text file has no sheets; leave out `sheet`")
    return _text_cells(read_text(path, encoding), path, blanks=blanks)


def first_cell(path: Path) -> str:
    """The first cell of a table, without reading the rest; empty if it cannot be read. Never raises for what is no table.

    Parameters
    ----------
    path : Path
        A text with commas, semicolons or tabs, or a workbook.
    """
    if path.suffix.lower() not in {".xlsx", ".xlsm"}:
        with path.open("rb") as file:
            line = file.read(4096).removeprefix(b"\xef\xbb\xbf").split(b"\n")[0].decode("utf-8", errors="replace")
        try:
            return _text_cells(line, path, blanks=False)[0][0].strip() if line.strip() else ""
        except SourceError:
            return ""
    import zipfile

    try:
        import openpyxl

        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (ImportError, zipfile.BadZipFile, KeyError, ValueError, OSError):
        return ""
    try:
        rows = book[book.sheetnames[0]].iter_rows(max_row=1, max_col=1, values_only=True)
        return _cell_text(next(iter(rows), (None,))[0]).strip()
    finally:
        book.close()


def _text_cells(text: str, path: Path, *, blanks: bool) -> list[list[str]]:
    import csv
    import io

    try:
        lines = io.StringIO(text, newline="")
        if blanks and not any(sign in text for sign in DELIMITERS):
            return [line.split() for line in lines]
        return list(csv.reader(lines, delimiter=likely_delimiter(text), strict=True))
    except csv.Error as error:
        raise SourceError(f"{path.name}: not a table of cells ({error}); expected CSV, TSV or XLSX") from error


def likely_delimiter(text: str) -> str:
    """The sign that separates cells.

    The one that cuts the first lines into the same number of cells, more than one; else the one found most often in the first line.
    """
    import csv

    lines = [line for line in text.splitlines() if line.strip()][:50]
    widths = {sign: [len(row) for row in csv.reader(lines, delimiter=sign)] for sign in DELIMITERS}
    even = [sign for sign in DELIMITERS if len(set(widths[sign])) == 1 and widths[sign][0] > 1]
    if even:
        return max(even, key=lambda sign: widths[sign][0])
    return max(DELIMITERS, key=lambda sign: max(widths[sign][:1], default=0))


def sheet_cells(path: Path, sheet: str | None) -> list[list[Any]]:
    """All cells of a sheet of a workbook, numbers as numbers; the only one if none is named.

    Raises
    ------
    SourceError
        If the file is no workbook, it has several sheets and none is named, or none of that name.
    MissingExtraError
        If its reader is not installed.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError(extra="xlsx", needed_for=f"{path.name}: an Excel workbook") from error
    from zipfile import BadZipFile

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, KeyError, ValueError, OSError) as error:
        raise SourceError(f"{path.name}: not an Excel workbook, or damaged ({error})") from error
    try:
        names = book.sheetnames
        if sheet is None and len(names) > 1:
            raise SourceError(f"{path.name}: {len(names)} sheets; state `sheet:` as one of: {', '.join(names)}")
        if sheet is not None and sheet not in names:
            raise SourceError(f"{path.name}: no sheet {sheet!r}; there are: {', '.join(names)}")
        return [list(row) for row in book[sheet or names[0]].iter_rows(values_only=True)]
    finally:
        book.close()


def _cell_text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a spreadsheet keeps every number as a float and shows 3
    return str(cell)


def number(cell: str, *, where: str, line: int) -> float:
    """A cell as a number.

    Raises
    ------
    SourceError
        If it is none; the message names the column and the line.
    """
    try:
        return float(cell)
    except ValueError:
        hint = "; write a decimal point" if "," in cell else ""
        found = f"{cell!r} is not a number" if cell.strip() else "an empty cell; expected a number"
        raise SourceError(f"{where}, line {line}: {found}{hint}") from None
