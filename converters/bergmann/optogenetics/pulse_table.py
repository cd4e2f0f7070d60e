"""Light pulses from a table: one row a pulse, columns and units as a person states them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bergmann.errors import SourceError
from bergmann.optogenetics._table import Table, read_table
from bergmann.records import LightPulses, Movie
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.stated import Duration, Quantity, Ref, Stated
from bergmann.tables import Encoding, Header
from bergmann.timing.times import ExplicitTimes, Times

_SI = {"onset": "s", "duration": "s", "offset": "s", "power": "W", "wavelength": "m"}


class PulseColumns(Stated):
    """Names that the columns have in the file, by what they mean."""

    onset: str
    duration: str | None = None
    offset: str | None = None
    power: str | None = None
    command: str | None = None
    wavelength: str | None = None


class PulseUnits(Stated):
    """Unit of each column that is used; times may be in ``frames`` of a movie."""

    onset: str
    duration: str | None = None
    offset: str | None = None
    power: str | None = None
    command: str | None = None
    wavelength: str | None = None

    @model_validator(mode="after")
    def _units(self) -> PulseUnits:
        for meaning, unit in self.model_dump(exclude_none=True).items():
            if unit == "frames" and _SI.get(meaning) == "s":
                continue
            quantity = Quantity.parse(f"1 {unit}")
            if meaning in _SI:
                quantity.to(_SI[meaning])
        return self


class PulseTable(Source):
    """A table of light pulses.

    Attributes
    ----------
    path : Path
        CSV, TSV or XLSX, one row a pulse.
    columns, units : mapping
        Column of the file and its unit, by meaning: ``{onset: "on (ms)", duration: width}``, ``{onset: ms, duration: ms}``. In a
        file without a header, the number of the column, from 1.
    rows : mapping
        Which rows are meant, as text by column: ``{Animal: BG042, Site: left}``. Default: all.
    sheet : str, optional
        Of a workbook of several sheets.
    header : {"first line", "none"}
        Whether the first line names the columns.
    encoding : str, optional
        Of a text file that is not UTF-8, e.g. ``cp949`` or ``utf-16``.
    width : Duration, optional
        Duration of every pulse, for a table that has neither durations nor offsets.
    of : Ref[Movie], optional
        The movie whose frames the times count, if their unit is ``frames``.
    first_frame : int
        Number of the movie's first frame as the table counts: 1, as everywhere in a session file, or 0.
    """

    format: Literal["pulse_table"] = "pulse_table"
    path: Path
    columns: PulseColumns
    units: PulseUnits
    rows: Mapping[str, str] = Field(default_factory=dict)
    sheet: str | None = None
    header: Header = "first line"
    encoding: Encoding | None = None
    width: Duration | None = None
    of: Ref[Movie] | None = None
    first_frame: int = Field(default=1, ge=0, le=1)

    @model_validator(mode="after")
    def _complete(self) -> PulseTable:
        columns, units = self.columns.model_dump(exclude_none=True), self.units.model_dump(exclude_none=True)
        for meaning in columns:
            if meaning not in units:
                raise ValueError(f"`columns.{meaning}` has no unit; state `units.{meaning}`")
        for meaning in units:
            if meaning not in columns:
                raise ValueError(f"`units.{meaning}` is of no column; state `columns.{meaning}`")
        ends = [name for name in ("duration", "offset") if name in columns] + (["width"] if self.width else [])
        if len(ends) != 1:
            found = " and ".join(ends) or "none"
            raise ValueError(f"how long the pulses are is one of `columns.duration`, `columns.offset` and `width`; found {found}")
        counts_frames = "frames" in units.values()
        if counts_frames and self.of is None:
            raise ValueError("times in `frames` need `of:`, the movie whose frames they count")
        if self.of is not None and not counts_frames:
            raise ValueError(f"`of: {self.of}` is for times in `frames`; for other times state `starts: start of {self.of.name}`")
        return self


def find(folder: Path) -> Iterable[PulseTable]:  # noqa: ARG001
    """Nothing: what the columns of a table mean, only a person can say."""
    return ()


def read(source: PulseTable, inputs: Inputs) -> LightPulses:
    """Read the pulses of a table: on the table's own clock, or on the movie's if they count its frames.

    Raises
    ------
    SourceError
        If the file, a column or a matching row is missing; if a cell is empty or no number; if onsets run backwards; if a pulse
        has no duration above 0, a power below 0, or lies on another pulse or outside the movie.
    """
    paths = expand(source.path)
    if len(paths) != 1:
        raise SourceError(f"{source.path.name}: {len(paths)} files; a pulse table is one file")
    used = source.columns.model_dump(exclude_none=True)
    table = read_table(
        paths[0],
        sheet=source.sheet,
        expected=(*used.values(), *source.rows),
        encoding=source.encoding,
        header=source.header,
    )
    used = {meaning: table.need(column) for meaning, column in used.items()}
    if source.rows:
        table = table.choose(source.rows)
    if not table.rows:
        raise SourceError(f"{table.name}: the table has a header and no rows; state `absent: <reason>` if no light was given")
    raw = {meaning: _numbers(table, column) for meaning, column in used.items()}
    onsets, durations = _edges(source, table, raw, _frame_times(source, inputs))
    other = {meaning: raw[meaning] * _scale(source, meaning) for meaning in ("power", "wavelength") if meaning in raw}
    _refuse(table, other.get("power", onsets) < 0 if "power" in other else np.zeros(len(onsets), bool), "has a power below 0")
    _refuse(table, other["wavelength"] <= 0 if "wavelength" in other else np.zeros(len(onsets), bool), "has no wavelength above 0")
    return LightPulses(
        files=paths,
        times=ExplicitTimes(onsets),
        durations=durations,
        power=other.get("power"),
        command=raw.get("command"),
        command_unit=source.units.command or "",
        wavelength=other.get("wavelength"),
        basis=f"table {table.name}, {len(onsets)} rows",
    )


def _edges(
    source: PulseTable, table: Table, raw: Mapping[str, NDArray[np.float64]], frames: Times | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Onset and duration of each pulse in seconds, each of shape (n_pulses,)."""
    onsets = _seconds(source, table, "onset", raw["onset"], frames)
    _refuse(table, np.diff(onsets, prepend=onsets[0]) < 0, "begins before the row above it; sort the table by onset")
    if source.width is not None:
        offsets = onsets + source.width.to("s")
    elif "offset" in raw:
        offsets = _seconds(source, table, "offset", raw["offset"], frames)
    elif source.units.duration == "frames":
        if source.units.onset != "frames":
            raise SourceError(f"{table.name}: durations in frames need onsets in frames; state the duration's unit in seconds")
        offsets = _seconds(source, table, "onset", raw["onset"] + raw["duration"], frames)
    else:
        durations = raw["duration"] * _scale(source, "duration")
        _refuse(table, ~(durations > 0), "has no duration above 0")
        _refuse_overlap(table, onsets, onsets + durations)
        return onsets, durations
    _refuse(table, ~(offsets > onsets), "ends before it begins")
    _refuse_overlap(table, onsets, offsets)
    return onsets, offsets - onsets


def _refuse_overlap(table: Table, onsets: NDArray[np.float64], offsets: NDArray[np.float64]) -> None:
    wrong = np.zeros(len(onsets), dtype=np.bool_)
    wrong[1:] = offsets[:-1] > onsets[1:] + 1e-9
    _refuse(table, wrong, "begins before the pulse above it has ended; is the unit of the durations right?")


def _refuse(table: Table, wrong: NDArray[np.bool_], message: str) -> None:
    if wrong.any():
        number, row = table.rows[int(np.flatnonzero(wrong)[0])]
        cells = ", ".join(f"{name}: {cell}" for name, cell in row.items() if name)
        raise SourceError(f"{table.name}, row {number}: {message} ({cells})")


def _scale(source: PulseTable, meaning: str) -> float:
    return Quantity.parse(f"1 {getattr(source.units, meaning)}").to(_SI[meaning])


def _frame_times(source: PulseTable, inputs: Inputs) -> Times | None:
    if source.of is None:
        return None
    movie = inputs["of"]
    if not isinstance(movie, Movie):
        raise SourceError(f"`of: {source.of}` is no movie; name the movie whose frames the table counts")
    return movie.times


def _seconds(
    source: PulseTable, table: Table, meaning: str, numbers: NDArray[np.float64], frames: Times | None
) -> NDArray[np.float64]:
    """The times of a column in seconds; a frame's time is when it began, and one frame past the last is when the movie ended."""
    if getattr(source.units, meaning) != "frames" or frames is None:
        return numbers * _scale(source, meaning)
    index = numbers - source.first_frame
    _refuse(table, index != np.floor(index), "is between two frames; frames are whole numbers")
    counts = f"the movie has frames {source.first_frame} to {len(frames) - 1 + source.first_frame}"
    _refuse(table, (index < 0) | (index > len(frames)), f"is outside the movie: {counts}")
    ends = np.append(frames.seconds, frames.last + frames.interval)
    seconds: NDArray[np.float64] = ends[index.astype(np.int64)]
    return seconds


def _numbers(table: Table, column: str) -> NDArray[np.float64]:
    """The numbers of a column, shape (n_rows,)."""
    return np.array([_number(table, number, column, row[column]) for number, row in table.rows], dtype=np.float64)


def _number(table: Table, row: int, column: str, cell: Any) -> float:
    where = f"{table.name}, row {row}, column {column!r}"
    if isinstance(cell, bool | date | time | timedelta):
        raise SourceError(f"{where}: {cell} is a {type(cell).__name__} cell; format it as a number in the stated unit")
    if isinstance(cell, int | float):
        value = float(cell)
    else:
        text = "" if cell is None else str(cell).strip()
        if not text:
            raise SourceError(f"{where}: the cell is empty; every pulse needs a number there")
        try:
            value = float(text)
        except ValueError:
            hint = (
                f"a decimal comma? Write {text.replace(',', '.')}" if text.count(",") == 1 else "expected a number without its unit"
            )
            raise SourceError(f"{where}: {text!r} is not a number; {hint}") from None
    if not np.isfinite(value):
        raise SourceError(f"{where}: {value} is not a finite number")
    return value


FORMAT = Format(source=PulseTable, record=LightPulses, label="pulse table (CSV, TSV, XLSX)", find=find, read=read)
