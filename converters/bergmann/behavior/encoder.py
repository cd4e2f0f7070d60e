"""Logs of a treadmill, a wheel or a rotary encoder: speed, position or counts over time, as a person says what the columns mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from bergmann.behavior._log_times import COUNTERS, TIME_OF_DAY, Column, counted, is_date_format, times_of_day
from bergmann.records import Trace, TraceColumn
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.tables import Encoding, Header, Table, number, read_table
from bergmann.timing.times import ExplicitTimes

OF_TIME = ("date", "time")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


class EncoderSource(Source):
    """A log with one row a sample: when, and one or more values.

    Attributes
    ----------
    path : Path
        A text whose cells are separated by tabs, commas, semicolons or blanks (``.csv``, ``.tsv``, ``.txt``, ``.ssv``), or
        ``.xlsx``.
    columns : mapping of str to str
        What the file calls ``time``, and each value that is kept, e.g. ``{time: 2, speed: 4}``; the number of the column, from 1,
        where there is no header. ``date`` beside a time of day.
    units : mapping of str to str
        Of each column. Of ``time``: ``s``, ``ms``, ``us``, or ``HH:MM:SS`` for a time of day. Of ``date``: ``DD/MM/YYYY``,
        ``MM/DD/YYYY``, ``YYYY-MM-DD`` and the like. Of a value: as the lab knows it, e.g. ``cm/s``, ``rpm``, ``ticks``.
    wraps_at : int, optional
        Count at which the counter of ``time`` begins again at 0, where it does, e.g. 4294967296 for one of 32 bits.
    header : {"first line", "none"}
        Whether the first line names the columns.
    sheet : str, optional
        Which sheet of a workbook, where there are several.
    encoding : str, optional
        Of a text file that is not UTF-8, e.g. ``cp949`` or ``utf-16``.
    """

    format: Literal["encoder"] = "encoder"
    path: Path
    columns: dict[str, str]
    units: dict[str, str]
    wraps_at: int | None = Field(default=None, gt=0)
    header: Header = "first line"
    sheet: str | None = None
    encoding: Encoding | None = None

    @field_validator("units")
    @classmethod
    def _spelled(cls, units: dict[str, str]) -> dict[str, str]:
        """Micro, whichever of its two letters is typed."""
        return {
            name: unit.replace("\N{MICRO SIGN}s", "us").replace("\N{GREEK SMALL LETTER MU}s", "us") for name, unit in units.items()
        }

    @model_validator(mode="after")
    def _complete(self) -> EncoderSource:
        if "time" not in self.columns or not set(self.columns) - set(OF_TIME):
            raise ValueError("`columns` must name time and at least one value, e.g. `columns: {time: t (ms), speed: v}`")
        for name in self.columns:
            if name not in self.units:
                raise ValueError(f"`units.{name}` is missing: what is the column {self.columns[name]!r} in?")
            if "/" in name or ":" in name:
                raise ValueError(f"`{name}`: a name may have neither `/` nor `:` in it")
        unused = sorted(set(self.units) - set(self.columns))
        if unused:
            raise ValueError(f"`units.{unused[0]}` is the unit of no column in `columns`")
        self._check_times()
        return self

    def _check_times(self) -> None:
        unit = self.units["time"]
        if unit != TIME_OF_DAY and unit not in COUNTERS:
            raise ValueError(f"`units.time` is {unit!r}; it is one of {', '.join(COUNTERS)}, or {TIME_OF_DAY} for a time of day")
        if "date" in self.columns and not is_date_format(self.units["date"]):
            raise ValueError(f"`units.date` is {self.units['date']!r}; write how a date is written, such as DD/MM/YYYY")
        if "date" in self.columns and unit != TIME_OF_DAY:
            raise ValueError(f"`columns.date` goes with a time of day (`units.time: {TIME_OF_DAY}`), not with {unit}")
        if self.wraps_at is not None and unit == TIME_OF_DAY:
            raise ValueError("`wraps_at` is of a counter, and `time` is a time of day")


def find(folder: Path) -> Iterator[EncoderSource]:  # noqa: ARG001
    """Nothing: what the columns of a log are, and their units, only a person knows."""
    return iter(())


def read(source: EncoderSource, inputs: Inputs) -> Trace:  # noqa: ARG001
    """Read the log. A counter's times are kept as counted; a time of day counts from the first row.

    Raises
    ------
    SourceError
        If the file is no table, a column is missing, a cell is no number, or the times go backwards; a counter that begins again is
        refused, too, unless it is stated where it does.
    """
    (path,) = expand(source.path)
    table = read_table(path, sheet=source.sheet, header=source.header, encoding=source.encoding, blanks=True)
    seconds, start, wraps = _times(source, table)
    values = [name for name in source.columns if name not in OF_TIME]
    return Trace(
        files=(path,),
        start=start,
        columns=tuple(
            TraceColumn(
                name=name, unit=source.units[name], values=_values(table, source.columns[name]), source=source.columns[name]
            )
            for name in values
        ),
        times=ExplicitTimes(seconds),
        basis=_basis(source, table, wraps),
    )


def _times(source: EncoderSource, table: Table) -> tuple[NDArray[np.float64], datetime | None, int]:
    times = _column(source, table, "time")
    if times.unit == TIME_OF_DAY:
        seconds, start = times_of_day(times, _column(source, table, "date") if "date" in source.columns else None)
        return seconds, start, 0
    seconds, wraps = counted(times, source.wraps_at)
    return seconds, None, wraps


def _column(source: EncoderSource, table: Table, name: str) -> Column:
    column = source.columns[name]
    return Column(table.where(column), table.cells(column), table.lines, source.units[name])


def _values(table: Table, name: str) -> NDArray[Any]:
    """Whole numbers where every cell is one, so that counts stay counts; else float64."""
    cells = [cell.strip() for cell in table.cells(name)]
    if all(_WHOLE.fullmatch(cell) for cell in cells):
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    return np.array([number(cell, where=table.where(name), line=line) for cell, line in zip(cells, table.lines, strict=True)])


def _basis(source: EncoderSource, table: Table, wraps: int) -> str:
    """How the times are known, and what of the file is not kept."""
    unit = source.units["time"]
    since = "since the first row" if unit == TIME_OF_DAY else "since the counter's zero"
    turns = f", {wraps} times begun again at {source.wraps_at} as stated" if wraps else ""
    used = {name.strip() for name in source.columns.values()}
    left = [name for name in table.columns if name and name not in used and any(cell.strip() for cell in table.cells(name))]
    rest = f" Of the file's columns, {', '.join(left)} are left out." if left else ""
    return f"Times of column {source.columns['time']!r} ({unit}{turns}), {since}.{rest}"


FORMAT = Format(source=EncoderSource, record=Trace, label="treadmill or rotary-encoder log (text, XLSX)", find=find, read=read)
