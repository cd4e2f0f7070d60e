"""Events of glia from a table of the lab's own detection: one row an event, columns as a person states them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, model_validator

from bergmann.errors import SourceError
from bergmann.records import EventFeature, GlialEvents, Movie, Segmentation
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.segmentation._footprint_table import ListedFootprints, read_footprints
from bergmann.stated import Quantity, Ref
from bergmann.tables import Encoding, Header, Table, number, read_table
from bergmann.timing.times import times_at

SECONDS = {"s": 1.0, "ms": 0.001, "min": 60.0}
OWN = ("onset", "end", "duration", "peak", "amplitude", "area", "distance", "type", "population", "roi", "event")
"""What a column can mean; any other is kept under its key."""
_MEASURED = {"area": "um^2", "distance": "um"}
_RESERVED = frozenset(
    {
        "id",
        "timestamp",
        "annotation",
        "event_type",
        "peak_time",
        "peak_amplitude",
        "area_in_um2",
        "propagation_distance_in_um",
        "pixel_mask",
        "pixel_mask_index",
        "rois",
        "rois_index",
        "description",
        "name",
    }
)


def _has_onset(columns: Mapping[str, str]) -> Mapping[str, str]:
    if "onset" not in columns:
        raise ValueError("`columns` must name the column of the onset, e.g. `columns: {onset: start, duration: length}`")
    if "end" in columns and "duration" in columns:
        raise ValueError("`columns` has `end` and `duration`, which say the same; leave one of them out")
    reserved = sorted(_RESERVED & set(columns))
    if reserved:
        raise ValueError(f"`{reserved[0]}` is a column that NWB gives a meaning of its own; call it otherwise")
    return columns


class GlialEventsSource(Source):
    """A table of events.

    Attributes
    ----------
    path : Path
        ``.csv``, ``.tsv`` or ``.xlsx``, one row an event.
    columns : mapping of str to str
        What the file calls ``onset``, ``end`` (the last frame or moment of the event) or ``duration``, ``peak`` (when it was
        largest), ``amplitude``, ``area``, ``distance`` (of propagation), ``type``, ``population``, ``roi`` (numbers, with ``;``
        between several) and ``event`` (its number or name); any other is kept under its key.
    unit : {"frames", "s", "ms", "min"}
        Of onset, end, duration and peak.
    units : mapping of str to str
        Units of ``amplitude`` (such as ``dF/F``), ``area`` (such as ``um2``) and ``distance`` (such as ``um``).
    of : Ref[Movie], optional
        The movie that the events were found in. Frames need it; without it, times count from the start that is stated.
    rois : Ref[Segmentation], optional
        Whose regions of interest ``roi`` counts.
    first_frame : int
        Number of the first frame as the table counts: 1, as everywhere in a session file, or 0.
    first_roi, first_pixel : int
        Number of the first region of interest, and of the first row and column of a frame, as the tables count: 0 or 1.
    footprints : Path, optional
        A second table: columns ``event``, ``x`` (column of the frame), ``y`` (row) and, if pixels have one, ``weight``; a row a
        pixel. Events are called as in ``columns.event``, or counted from 1.
    sheet, header, encoding : str, optional
        As for other tables.
    """

    format: Literal["glial_events"] = "glial_events"
    path: Path
    columns: Annotated[dict[str, str], AfterValidator(_has_onset)]
    unit: Literal["frames", "s", "ms", "min"]
    units: dict[str, str] = Field(default_factory=dict)
    of: Ref[Movie] | None = None
    rois: Ref[Segmentation] | None = None
    first_frame: int = Field(default=1, ge=0, le=1)
    first_roi: int | None = Field(None, ge=0, le=1)
    footprints: Path | None = None
    first_pixel: int | None = Field(None, ge=0, le=1)
    sheet: str | None = None
    header: Header = "first line"
    encoding: Encoding | None = None

    @model_validator(mode="after")
    def _says_what_it_means(self) -> GlialEventsSource:
        if self.unit == "frames" and self.of is None:
            raise ValueError("`unit: frames` needs the movie whose frames they are: `of: movie`")
        for key in ("amplitude", *_MEASURED):
            if (key in self.columns) != (key in self.units):
                known = f"`units: {{{key}: {_MEASURED.get(key, 'dF/F').replace('^', '')}}}`"
                raise ValueError(f"`columns.{key}` and its unit go together: {known}")
        for key, unit in self.units.items():
            if key not in {"amplitude", *_MEASURED}:
                raise ValueError(f"`units.{key}`: only amplitude, area and distance have a unit of their own")
            if key in _MEASURED:
                Quantity.parse(f"1 {unit}").to(_MEASURED[key])
        if "roi" in self.columns and (self.rois is None or self.first_roi is None):
            raise ValueError("`columns.roi` needs whose ROIs they are and from what they are counted: `rois: rois`, `first_roi: 0`")
        if self.rois is not None and "roi" not in self.columns:
            raise ValueError("`rois` needs the column with their numbers: `columns: {roi: ...}`")
        if self.footprints is not None and (self.of is None or self.first_pixel is None):
            raise ValueError("`footprints` needs the movie and from what its pixels are counted: `of: movie`, `first_pixel: 0`")
        return self


def find(folder: Path) -> Iterator[GlialEventsSource]:  # noqa: ARG001
    """Nothing: what the columns of a lab's own table mean, only a person knows."""
    return iter(())


def read(source: GlialEventsSource, inputs: Inputs) -> GlialEvents:
    """Read the events; an empty cell is not known, but each has an onset.

    Raises
    ------
    SourceError
        If a file is no table, a column is missing, a cell is no number, or a frame, ROI or pixel is not there.
    """
    (path,) = expand(source.path)
    table = read_table(path, sheet=source.sheet, header=source.header, encoding=source.encoding)
    of, rois = inputs.get("of"), inputs.get("rois")
    reading = _Reading(source, table, of if isinstance(of, Movie) else None)
    onsets = reading.times("onset")
    _refuse_unknown(table, source.columns["onset"], onsets)
    pixels = reading.footprints()
    return GlialEvents(
        files=(path,) if pixels is None else (path, pixels.path),
        notes={"columns": ", ".join(f"{key}: {name}" for key, name in source.columns.items())},
        onsets=onsets,
        durations=reading.durations(onsets),
        peaks=reading.times("peak") if "peak" in source.columns else None,
        amplitudes=reading.numbers("amplitude"),
        amplitude_unit=source.units.get("amplitude"),
        areas_um2=reading.measured("area"),
        distances_um=reading.measured("distance"),
        kinds=reading.texts("type"),
        populations=reading.texts("population"),
        rois=reading.rois(rois) if isinstance(rois, Segmentation) else None,
        features=tuple(reading.features()),
        footprints=pixels,
        basis=f"found by the lab, listed in {path.name}",
    )


def _refuse_unknown(table: Table, column: str, onsets: NDArray[np.float64]) -> None:
    """Refuse an event without an onset."""
    unknown = np.flatnonzero(~np.isfinite(onsets))
    if len(unknown):
        raise SourceError(f"{table.where(column)}, line {table.lines[int(unknown[0])]}: no onset; each event needs one")


@dataclass(frozen=True, eq=False)
class _Reading:
    """Columns of the table, by what they mean."""

    source: GlialEventsSource
    table: Table
    movie: Movie | None

    def numbers(self, key: str) -> NDArray[np.float64] | None:
        """Numbers of a column; NaN for an empty cell; None if there is no such column."""
        name = self.source.columns.get(key)
        if name is None:
            return None
        where, cells = self.table.where(name), zip(self.table.cells(name), self.table.lines, strict=True)
        return np.array(
            [number(cell, where=where, line=line) if cell.strip() else np.nan for cell, line in cells], dtype=np.float64
        )

    def texts(self, key: str) -> tuple[str, ...] | None:
        """Texts of a column, which every event must have."""
        name = self.source.columns.get(key)
        if name is None:
            return None
        cells = tuple(cell.strip() for cell in self.table.cells(name))
        if "" in cells:
            raise SourceError(f"{self.table.where(name)}, line {self.table.lines[cells.index('')]}: an empty cell; expected a name")
        return cells

    def measured(self, key: str) -> NDArray[np.float64] | None:
        """Areas in square micrometres, lengths in micrometres."""
        values = self.numbers(key)
        return None if values is None else values * Quantity.parse(f"1 {self.source.units[key]}").to(_MEASURED[key])

    def times(self, key: str, *, beyond: int = 0) -> NDArray[np.float64]:
        """Seconds of a column of times.

        Parameters
        ----------
        key : str
        beyond : int
            1 for the end of the frame that is named, 0 for its beginning.
        """
        values = self.numbers(key)
        if values is None:
            return np.zeros(0)
        if self.source.unit != "frames":
            recorded = self.movie.recorded if self.movie is not None else None
            zero = recorded[0] if recorded is not None else 0.0
            return zero + values * SECONDS[self.source.unit]
        movie = self._movie()
        first, known = self.source.first_frame + movie.before, np.isfinite(values)  # a table counts the frames that were recorded
        frames = values - first
        wrong = np.flatnonzero(known & ((frames != np.round(frames)) | (frames < 0) | (frames >= len(movie.times))))
        if len(wrong):
            row = int(wrong[0])
            raise SourceError(
                f"{self.table.where(self.source.columns[key])}, line {self.table.lines[row]}: no frame {values[row]:g} in "
                f"{self.source.of}; its frames are {first} to {first + len(movie.times) - 1} "
                f"(`first_frame: {self.source.first_frame}`)"
            )
        seconds = np.full(len(values), np.nan)
        seconds[known] = times_at(movie.times, frames[known] + beyond)
        return seconds

    def _movie(self) -> Movie:
        if self.movie is None:
            raise SourceError(f"{self.table.path.name}: frames of which movie? Name it: `of: movie`")
        return self.movie

    def durations(self, onsets: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """In seconds; an event of one frame lasts until the next frame begins."""
        name = self.source.columns.get("end") or self.source.columns.get("duration")
        if name is None:
            return None
        durations = self.times("end", beyond=1) - onsets if "end" in self.source.columns else self._stated_durations(onsets)
        wrong = np.flatnonzero(durations < 0)
        if len(wrong):
            raise SourceError(f"{self.table.where(name)}, line {self.table.lines[int(wrong[0])]}: the event ends before it begins")
        return durations

    def _stated_durations(self, onsets: NDArray[np.float64]) -> NDArray[np.float64]:
        durations = self._needed("duration")
        if self.source.unit != "frames":
            return np.asarray(durations * SECONDS[self.source.unit], dtype=np.float64)
        ends = self._needed("onset") - self.source.first_frame - self._movie().before + durations
        known = np.isfinite(ends)
        seconds = np.full(len(onsets), np.nan)
        seconds[known] = times_at(self._movie().times, ends[known]) - onsets[known]
        return seconds

    def _needed(self, key: str) -> NDArray[np.float64]:
        values = self.numbers(key)
        return np.zeros(0) if values is None else values

    def footprints(self) -> ListedFootprints | None:
        """The pixels of each event, if there is a table of them."""
        if self.source.footprints is None:
            return None
        (path,) = expand(self.source.footprints)
        table = read_table(path, encoding=self.source.encoding)
        height, width = self._movie().channels[0].frames.shape[-2:]
        return read_footprints(table, self._names(), (height, width), self.source.first_pixel or 0)

    def _names(self) -> dict[str, int]:
        """Row of each event by its name, or by its number from 1."""
        if "event" not in self.source.columns:
            return {str(row + 1): row for row in range(len(self.table.rows))}
        names = [cell.strip() for cell in self.table.cells(self.source.columns["event"])]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise SourceError(f"{self.table.path.name}: two events are called {twice!r}; their pixels cannot be told apart")
        return {name: row for row, name in enumerate(names)}

    def rois(self, segmentation: Segmentation) -> tuple[tuple[int, ...], ...]:
        """Regions of interest of each event, from 0."""
        name, first = self.source.columns["roi"], self.source.first_roi or 0
        cells = [plane for plane in segmentation.planes if plane.of_cells]
        if len(cells) != 1:
            raise SourceError(
                f"{self.table.where(name)}: {self.source.rois} has ROIs in {len(cells)} planes; which are meant is not said"
            )
        count = len(cells[0].masks)
        return tuple(
            tuple(self._roi(part, first, count, line) for part in cell.split(";") if part.strip())
            for cell, line in zip(self.table.cells(name), self.table.lines, strict=True)
        )

    def _roi(self, text: str, first: int, count: int, line: int) -> int:
        where = self.table.where(self.source.columns["roi"])
        found = number(text, where=where, line=line)
        if found != round(found) or not first <= found < first + count:
            raise SourceError(
                f"{where}, line {line}: no ROI {text.strip()} in {self.source.rois}; its ROIs are {first} to {first + count - 1} "
                f"(`first_roi: {first}`)"
            )
        return int(found) - first

    def features(self) -> Iterator[EventFeature]:
        """Other columns: numbers where every cell is one or empty, else text."""
        for key, name in self.source.columns.items():
            if key in OWN and key != "event":
                continue
            said = f"As the lab's table has it (column {name!r})."
            yield EventFeature(
                name="event_name" if key == "event" else key, values=_values(self.table.cells(name)), description=said
            )


def _values(cells: list[str]) -> NDArray[Any]:
    stripped = [cell.strip() for cell in cells]
    try:
        return np.array([float(cell) if cell else np.nan for cell in stripped], dtype=np.float64)
    except ValueError:
        return np.array(stripped, dtype=object)


FORMAT = Format(source=GlialEventsSource, record=GlialEvents, label="glial events (CSV, TSV, XLSX)", find=find, read=read)
