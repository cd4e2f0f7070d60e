"""Times of a log: a counter, seconds, or the time of day, as a person says what its columns mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.tables import number

COUNTERS = {"s": 1.0, "ms": 1e3, "us": 1e6}
"""Units of a column of times: how many a second."""

TIME_OF_DAY = "HH:MM:SS"
_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?")
_LETTERS = {"YYYY": "%Y", "MM": "%m", "DD": "%d"}


def is_date_format(text: str) -> bool:
    """Whether the text says how a date is written: ``DD/MM/YYYY``, ``MM/DD/YYYY``, ``YYYY-MM-DD``, ``DD.MM.YYYY`` ..."""
    parts = re.split(r"[/.-]", text)
    return sorted(parts) == sorted(_LETTERS) and len(text) == 10


@dataclass(frozen=True)
class Column:
    """The cells of one column.

    Attributes
    ----------
    where : str
        The file and the column, for messages.
    cells : sequence of str
    lines : sequence of int
        Where each cell stands in the file.
    unit : str
        As a person states it.
    """

    where: str
    cells: Sequence[str]
    lines: Sequence[int]
    unit: str

    def wrong(self, row: int, what: str) -> SourceError:
        """An error that names the line."""
        return SourceError(f"{self.where}, line {self.lines[row]}: {what}")


def counted(column: Column, wraps_at: int | None) -> tuple[NDArray[np.float64], int]:
    """Seconds of a column of numbers, and how often its counter began again.

    Parameters
    ----------
    column : Column
    wraps_at : int, optional
        Count at which the counter begins again at 0, if a person states that it does.

    Raises
    ------
    SourceError
        If a cell is no number, or the times go backwards other than by a stated wrap.
    """
    counts = np.array([number(cell, where=column.where, line=line) for cell, line in zip(column.cells, column.lines, strict=True)])
    if not np.isfinite(counts).all():
        row = int(np.flatnonzero(~np.isfinite(counts))[0])
        raise column.wrong(row, f"{column.cells[row].strip()!r} is no time")
    back = np.flatnonzero(np.diff(counts) < 0) + 1
    if wraps_at is None:
        if len(back):
            raise column.wrong(int(back[0]), _backwards(counts, int(back[0])))
        return counts / COUNTERS[column.unit], 0
    beyond = np.flatnonzero((counts < 0) | (counts >= wraps_at))
    if len(beyond):
        row = int(beyond[0])
        raise column.wrong(row, f"{counts[row]:.15g} of a counter that is said to begin again at {wraps_at} (`wraps_at`)")
    small = back[counts[back - 1] - counts[back] <= wraps_at / 2]
    if len(small):
        raise column.wrong(int(small[0]), _backwards(counts, int(small[0])))
    turns = np.zeros(len(counts))
    turns[back] = wraps_at
    return (counts + np.cumsum(turns)) / COUNTERS[column.unit], len(back)


def _backwards(counts: NDArray[np.float64], row: int) -> str:
    return (
        f"{counts[row]:.15g} comes after {counts[row - 1]:.15g}: the times run backwards, or the counter began again. Name a "
        "column of times that runs on, such as the time of day, or split the file there; if the counter is known to begin again "
        "at a certain count, state it, e.g. `wraps_at: 4294967296`"
    )


def times_of_day(times: Column, dates: Column | None) -> tuple[NDArray[np.float64], datetime | None]:
    """Seconds since the first row, and when that was; None without a column of dates.

    Raises
    ------
    SourceError
        If a cell is no time of day or no date, or the times go backwards.
    """
    moments = [_time_of_day(times, row) for row in range(len(times.cells))]
    if dates is not None:
        first = _date(dates, 0)
        moments = [moment + (_date(dates, row) - first) for row, moment in enumerate(moments)]
    for row in range(1, len(moments)):
        if moments[row] < moments[row - 1]:
            hint = "" if dates is not None else "; if that is midnight, name the column of the date too (`columns.date`)"
            raise times.wrong(row, f"{times.cells[row].strip()} comes after {times.cells[row - 1].strip()}{hint}")
    seconds = np.array([(moment - moments[0]) / timedelta(seconds=1) for moment in moments])
    return seconds, None if dates is None else datetime.combine(_date(dates, 0), datetime.min.time()) + moments[0]


def _time_of_day(times: Column, row: int) -> timedelta:
    match = _TIME_OF_DAY.fullmatch(times.cells[row].strip())
    if match is None or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3]) > 59:
        raise times.wrong(row, f"{times.cells[row]!r} is no time of day; expected {TIME_OF_DAY}, with up to six decimals")
    micro = int((match[4] or "").ljust(6, "0"))
    return timedelta(hours=int(match[1]), minutes=int(match[2]), seconds=int(match[3]), microseconds=micro)


def _date(dates: Column, row: int) -> date:
    layout = dates.unit
    for letters, code in _LETTERS.items():
        layout = layout.replace(letters, code)
    try:
        return datetime.strptime(dates.cells[row].strip(), layout).date()
    except ValueError:
        raise dates.wrong(row, f"{dates.cells[row]!r} is no date as `{dates.unit}`") from None
