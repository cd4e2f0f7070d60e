"""Labelled intervals that a person noted: "z drift, frames 200 to 340"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from bergmann.errors import SourceError
from bergmann.records import Intervals, Movie, Record, Recording, Video
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.stated import Ref
from bergmann.tables import Encoding, Header, Table, number, read_table
from bergmann.timing.times import ExplicitTimes, times_at

SECONDS = {"s": 1.0, "ms": 0.001, "min": 60.0}
RESERVED = frozenset({"id", "start_time", "stop_time", "tags", "timeseries", "timeseries_index", "tags_index"})
"""Columns that a `TimeIntervals` table has by itself."""


def _has_all(columns: Mapping[str, str]) -> Mapping[str, str]:
    missing = [name for name in ("label", "start", "stop") if name not in columns]
    if missing:
        raise ValueError(f"`columns` must also name {', '.join(missing)}, e.g. `columns: {{label: what, start: from, stop: to}}`")
    reserved = sorted(RESERVED & set(columns))
    if reserved:
        raise ValueError(f"`{reserved[0]}` is a column that NWB gives a meaning of its own; call it otherwise")
    return columns


class IntervalsSource(Source):
    """A table of labelled intervals.

    Attributes
    ----------
    path : Path
        ``.csv``, ``.tsv`` or ``.xlsx``.
    columns : mapping of str to str
        What the file calls ``label``, ``start`` and ``stop``; any other is kept as text under its key. In a file without a header,
        the number of the column, from 1.
    unit : {"s", "ms", "min", "frames"}
        Of start and stop.
    of : Ref[Movie | Video | Recording], optional
        What the frames, or the times, count from; frames need a movie or a video. Without it, times count from the start that is
        stated.
    first_frame : int
        Number of the first frame as the table counts: 1, as image viewers and the session file count, or 0.
    sheet : str, optional
        Which sheet of a workbook, where there are several.
    header : {"first line", "none"}
        Whether the first line names the columns.
    encoding : str, optional
        Of a text file that is not UTF-8, e.g. ``cp949`` or ``utf-16``.
    """

    format: Literal["intervals"] = "intervals"
    path: Path
    columns: Annotated[dict[str, str], AfterValidator(_has_all)]
    unit: Literal["s", "ms", "min", "frames"]
    of: Ref[Movie | Video | Recording] | None = None
    first_frame: int = Field(default=1, ge=0, le=1)
    sheet: str | None = None
    header: Header = "first line"
    encoding: Encoding | None = None


def find(folder: Path) -> Iterator[IntervalsSource]:  # noqa: ARG001
    """Nothing: what the columns of a lab's own table mean, only a person knows."""
    return iter(())


def read(source: IntervalsSource, inputs: Inputs) -> Intervals:
    """Read the intervals. The frame in ``stop`` belongs to the interval, which ends when the next frame begins.

    Raises
    ------
    SourceError
        If the file is no table, a column is missing, a cell is no number, a frame is not in the movie, rows are not in the order of
        their starts, or one stops before it starts.
    """
    (path,) = expand(source.path)
    table = read_table(path, sheet=source.sheet, header=source.header, encoding=source.encoding)
    starts, stops = (_numbers(table, source.columns[key]) for key in ("start", "stop"))
    _ascending(table, source.columns["start"], starts)
    _forward(table, source.columns["stop"], starts, stops)
    of = inputs.get("of")
    if source.unit == "frames":
        starts, stops = _frame_times(source, table, of if isinstance(of, Movie | Video) else None, starts, stops)
    else:
        zero = _zero(source, table, of)
        starts, stops = (zero + values * SECONDS[source.unit] for values in (starts, stops))
    kept = {
        key: [cell.strip() for cell in table.cells(name)] for key, name in source.columns.items() if key not in {"start", "stop"}
    }
    try:
        return Intervals(files=(path,), starts=ExplicitTimes(starts), stops=stops, columns=kept)
    except SourceError as error:
        raise SourceError(f"{path.name}: {error}") from error


def _numbers(table: Table, name: str) -> NDArray[np.float64]:
    cells = zip(table.cells(name), table.lines, strict=True)
    return np.array([number(cell, where=table.where(name), line=line) for cell, line in cells])


def _zero(source: IntervalsSource, table: Table, of: Record | None) -> float:
    """Where the times of the table count from, in seconds."""
    if of is None:
        return 0.0
    if of.recorded is None:
        raise SourceError(
            f"{table.path.name}: times that count from {source.of}, which has no times; name a movie, video or recording"
        )
    return of.recorded[0]


def _ascending(table: Table, name: str, starts: NDArray[np.float64]) -> None:
    back = np.flatnonzero(np.diff(starts) < 0)
    if len(back):
        line = table.lines[int(back[0]) + 1]
        raise SourceError(f"{table.where(name)}, line {line}: begins before the line above; sort the rows by their start")


def _forward(table: Table, name: str, starts: NDArray[np.float64], stops: NDArray[np.float64]) -> None:
    wrong = np.flatnonzero(stops < starts)
    if len(wrong):
        row = int(wrong[0])
        raise SourceError(
            f"{table.where(name)}, line {table.lines[row]}: {stops[row]:g} is before the start of the line, {starts[row]:g}; "
            "are the two exchanged?"
        )


def _frame_times(
    source: IntervalsSource, table: Table, of: Movie | Video | None, starts: NDArray[np.float64], stops: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if of is None:
        named = f"{source.of} has no frames" if source.of is not None else "frames of which movie?"
        raise SourceError(f"{table.path.name}: {named}; name a movie or a video: `of: movie`")
    first, times = source.first_frame + of.before, of.times  # a table counts the frames that were recorded
    for key, frames in (("start", starts), ("stop", stops)):
        wrong = np.flatnonzero((frames != np.round(frames)) | (frames < first) | (frames >= first + len(times)))
        if len(wrong):
            row = int(wrong[0])
            raise SourceError(
                f"{table.where(source.columns[key])}, line {table.lines[row]}: no frame {frames[row]:g} in {source.of}; its frames "
                f"are {first} to {first + len(times) - 1} (`first_frame: {source.first_frame}`)"
            )
    return times_at(times, starts - first), times_at(times, stops - first + 1)


FORMAT = Format(source=IntervalsSource, record=Intervals, label="labelled intervals (CSV, TSV, XLSX)", find=find, read=read)
