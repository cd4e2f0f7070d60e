"""Pain assays: von Frey, Hargreaves, hot plate, licking time, or any score, from a table of one animal or of a whole cohort."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from bergmann.records import Scores
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.tables import Encoding, Header, Table, number, read_table

_LEADING_NUMBER = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\D*?)\s*$")


def _has_value(columns: Mapping[str, str]) -> Mapping[str, str]:
    if "value" not in columns:
        raise ValueError("`columns` must say which column holds the value, e.g. `columns: {stimulus: Stimulus, value: Pain Score}`")
    return columns


class AssaySource(Source):
    """Rows of an assay table.

    Attributes
    ----------
    path : Path
        ``.csv``, ``.tsv`` or ``.xlsx``.
    columns : mapping of str to str
        What each column means to what the file calls it; ``value`` is needed, ``stimulus`` and any other are kept beside it. In a
        file without a header, the number of the column, from 1.
    unit : str
        Unit of the value, e.g. ``g`` or ``s``; ``score`` for a scale without a unit.
    units : mapping of str to str
        Unit of each other column that holds numbers.
    rows : mapping of str to str
        Which rows: column to value, compared exactly but for blanks around them. Without it, every row.
    sheet : str, optional
        Which sheet of a workbook, where there are several.
    header : {"first line", "none"}
        Whether the first line names the columns.
    encoding : str, optional
        Of a text file that is not UTF-8, e.g. ``cp949`` or ``utf-16``.
    """

    format: Literal["assay"] = "assay"
    path: Path
    columns: Annotated[dict[str, str], AfterValidator(_has_value)]
    unit: str
    units: dict[str, str] = Field(default_factory=dict)
    rows: dict[str, str] = Field(default_factory=dict)
    sheet: str | None = None
    header: Header = "first line"
    encoding: Encoding | None = None


def find(folder: Path) -> Iterator[AssaySource]:  # noqa: ARG001
    """Nothing: which column of a lab's own table holds the score, only a person knows."""
    return iter(())


def read(source: AssaySource, inputs: Inputs) -> Scores:  # noqa: ARG001
    """Read the selected rows: numbers beside the text of their cells.

    Raises
    ------
    SourceError
        If the file is no table, a column is missing, no row is selected (the message lists the values there are), or a value is no
        number.
    """
    (path,) = expand(source.path)
    table = read_table(path, sheet=source.sheet, header=source.header, encoding=source.encoding).chosen(source.rows)
    columns: dict[str, Any] = {}
    units: dict[str, str] = {}
    for meaning, name in source.columns.items():
        unit = source.unit if meaning == "value" else source.units.get(meaning)
        text = [cell.strip() for cell in table.cells(name)]
        if unit is None:
            columns[meaning] = text
            columns.update(_leading_numbers(meaning, text))
        else:
            columns[meaning] = _numbers(table, name)
            columns[f"{meaning}_text"] = text
            units[meaning] = unit
    return Scores(files=(path,), columns=columns, units=units, source_columns=dict(source.columns), selection=dict(source.rows))


def _numbers(table: Table, name: str) -> NDArray[np.float64]:
    cells = zip(table.cells(name), table.lines, strict=True)
    return np.array([number(cell, where=table.where(name), line=line) for cell, line in cells])


def _leading_numbers(meaning: str, text: list[str]) -> dict[str, NDArray[np.float64]]:
    """The numbers of cells such as ``0.07 VFH``, where every cell has one and what follows it is the same everywhere."""
    matches = [_LEADING_NUMBER.match(cell) for cell in text]
    found = [match for match in matches if match is not None]
    if not found or len(found) != len(matches) or len({match[2] for match in found}) > 1:
        return {}
    return {f"{meaning}_number": np.array([float(match[1]) for match in found])}


FORMAT = Format(source=AssaySource, record=Scores, label="assay table (CSV, TSV, XLSX)", find=find, read=read)
