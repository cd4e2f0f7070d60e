"""Signals and events of a session while receptors were in one state, cut from an NWB file that is open, as far as they are needed.

An interval is half open: what happens at its start is in it, what happens at its end is not, so that no sample is in two states
that follow each other. Each interval gives a piece of its own; pieces are never joined, so that no gap between them is lost. Only
intervals of one state that overlap are one piece, so that no sample counts twice.

::

    with NWBHDF5IO("session.nwb", "r") as io:
        for piece in signals_in_state(io.read(), state="blocked", receptor="Adra1a", population="bg"):
            print(piece.name, piece.start, piece.samples.mean(axis=0))
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ndx_glial_receptors._states import Interval, annotations_of, everything, intervals_of, population_row, ragged

__all__ = ["EventsPiece", "Interval", "SignalPiece", "events_in_state", "signals_in_state"]


@dataclass(frozen=True, kw_only=True)
class SignalPiece:
    """The samples of a series in one interval; nothing is read before it is asked for, and the file must still be open then.

    Attributes
    ----------
    series : TimeSeries
    interval : Interval
    first, last : int
        The samples are those from `first` up to, and without, `last`; none if the series has none in the interval.
    columns : tuple of int or None
        Which columns of the data; None: all.
    rois : tuple of int or None
        The row of each column in the table of ROIs; None for a series that is not of ROIs.
    """

    series: Any
    interval: Interval
    first: int
    last: int
    columns: tuple[int, ...] | None = None
    rois: tuple[int, ...] | None = None

    @property
    def name(self) -> str:
        """The name of the series."""
        return str(self.series.name)

    @property
    def start(self) -> float:
        """The start of the interval, in seconds."""
        return self.interval.start

    @property
    def stop(self) -> float:
        """The end of the interval, in seconds."""
        return self.interval.stop

    @property
    def times(self) -> NDArray[np.float64]:
        """When the samples were taken, shape (n_samples,), in seconds from the session's start."""
        times = _times(self.series)
        if isinstance(times, _RegularTimes):
            return np.array([times[index] for index in range(self.first, self.last)], dtype=np.float64)
        return np.asarray(times[self.first : self.last], dtype=np.float64)

    @property
    def samples(self) -> NDArray[Any]:
        """The samples in the unit of the series, shape (n_samples, ...); of a series of ROIs (n_samples, n_rois).

        As they are stored where the series has neither conversion nor offset.
        """
        data, shape = self.series.data, np.shape(self.series.data)
        columns = None if self.columns is None or len(shape) < 2 else list(self.columns)
        rows = slice(self.first, self.last)
        stored = np.asarray(data[rows] if columns is None or columns == list(range(shape[1])) else _columns(data, rows, columns))
        if self.rois is not None and stored.ndim == 1:
            stored = stored[:, np.newaxis][:, : len(self.rois)]
        factor = np.asarray(self.series.conversion)
        channels = self.series.fields.get("channel_conversion")
        if channels is not None:
            factor = factor * (np.asarray(channels[:]) if columns is None else np.asarray(channels[:])[columns])
        if np.all(factor == 1) and self.series.offset == 0:
            return stored
        return np.asarray(stored * factor + self.series.offset)


def _columns(data: Any, rows: slice, columns: list[int]) -> Any:
    """Some columns; HDF5 gives them in ascending order only, and none at all not as a selection."""
    if not columns:
        return np.asarray(data[rows][:, :0])
    ascending = sorted(set(columns))
    found = np.asarray(data[rows, ascending])
    return found[:, [ascending.index(column) for column in columns]]


@dataclass(frozen=True, kw_only=True)
class EventsPiece:
    """The events of a table in one interval.

    Attributes
    ----------
    events : EventsTable
    interval : Interval
    rows : tuple of int
        Rows of the table, in its order.
    times : ndarray, shape (n_rows,), float64
        In seconds from the session's start.
    """

    events: Any
    interval: Interval
    rows: tuple[int, ...]
    times: NDArray[np.float64]

    @property
    def name(self) -> str:
        """The name of the table."""
        return str(self.events.name)

    @property
    def frame(self) -> Any:
        """The rows as a `pandas.DataFrame`; the file must still be open."""
        return self.events[list(self.rows)]


def signals_in_state(
    nwbfile: Any, *, state: str, receptor: str | None = None, population: str | None = None, series: Any = None
) -> tuple[SignalPiece, ...]:
    """Signals while receptors were in a state.

    Parameters
    ----------
    nwbfile : NWBFile
        Read from an open file, or not yet written.
    state : {"baseline", "activated", "blocked", "washout", "other"}
    receptor : str or None
        Label, receptor name, gene symbol or identifier of rows of the receptors: only intervals that cite one of them. It does not
        choose the ROIs: a receptor of one population may be blocked while another is looked at.
    population : str or None
        Label of a population: only ROIs that are annotated as of it.
    series : TimeSeries, str or None
        One series, itself or the name of a series of ROIs; all series of ROIs in the processing modules if None.

    Returns
    -------
    tuple of SignalPiece
        By series, then by time. An interval without a sample gives a piece without samples.

    Raises
    ------
    ValueError
        If there is no such state, receptor, population or series; an interval has no start or end; or no ROI is annotated as of the
        population.
    """
    intervals = intervals_of(nwbfile, state, receptor)
    pieces: list[SignalPiece] = []
    chosen = _series(nwbfile, series)
    annotated = 0
    for one in chosen:
        rois = _rois(one)
        columns = None if population is None else _columns_of(nwbfile, one, rois, population)
        if columns is None and population is not None:
            continue
        annotated += 1
        shown = None if rois is None else tuple(rois) if columns is None else tuple(rois[column] for column in columns)
        for interval in intervals:
            first, last = _span(one, interval)
            pieces.append(SignalPiece(series=one, interval=interval, first=first, last=last, columns=columns, rois=shown))
    if population is not None and not annotated:
        names = ", ".join(str(one.name) for one in chosen) or "there is no series of ROIs"
        raise ValueError(f"no ROI is annotated as of the population {population!r}, so whose signal it is is not known: {names}")
    return tuple(pieces)


def events_in_state(
    nwbfile: Any, *, state: str, receptor: str | None = None, population: str | None = None, events: Any = None
) -> tuple[EventsPiece, ...]:
    """Events while receptors were in a state.

    Parameters
    ----------
    nwbfile, state, receptor
        As of `signals_in_state`.
    population : str or None
        Label of a population: only events of it, by their own column or by the annotations of their ROIs.
    events : EventsTable, str or None
        One table, itself or its name; all events of the file but the administrations of drugs if None, and of these only tables
        that say whose events they are if a population is asked for.

    Returns
    -------
    tuple of EventsPiece
        By table, then by time; an event is in the interval that its timestamp (the onset) is in, one without a time is in none.

    Raises
    ------
    ValueError
        As of `signals_in_state`; or if a table that is asked for by name does not say whose events they are.
    """
    intervals = intervals_of(nwbfile, state, receptor)
    pieces: list[EventsPiece] = []
    for table in _events(nwbfile, events):
        chosen = np.ones(len(table), dtype=bool) if population is None else _events_of(nwbfile, table, population)
        if chosen is None:
            if events is not None:
                raise ValueError(f"{table.name} says of no event which population it is of; leave `population` out")
            continue
        times = np.asarray(table["timestamp"].data[:], dtype=np.float64)
        for interval in intervals:
            rows = np.flatnonzero(chosen & (times >= interval.start) & (times < interval.stop))
            pieces.append(EventsPiece(events=table, interval=interval, rows=tuple(rows.tolist()), times=times[rows]))
    return tuple(pieces)


# --- series and their samples -----------------------------------------------------------------------------------------------


class _RegularTimes(Sequence[float]):
    """The times of a series with a rate, computed as pynwb does (`TimeSeries.get_timestamps`)."""

    def __init__(self, start: float, rate: float, length: int) -> None:
        self._start, self._rate, self._length = start, rate, length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> float: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...

    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(self._length))]
        return index / self._rate + self._start


def _times(series: Any) -> Any:
    """The times of a series, of which only those are read that are asked for."""
    length = np.shape(series.data)[0] if len(np.shape(series.data)) else 0
    timestamps = series.timestamps
    if timestamps is None:
        return _RegularTimes(float(series.starting_time), float(series.rate), length)
    if len(timestamps) != length:
        raise ValueError(f"{series.name} has {len(timestamps)} timestamps for {length} samples")
    return timestamps


def _span(series: Any, interval: Interval) -> tuple[int, int]:
    """The first sample in an interval, and the first after it; times ascend, as NWB wants it."""
    times = _times(series)
    return bisect_left(times, interval.start), bisect_left(times, interval.stop)


def _series(nwbfile: Any, series: Any) -> list[Any]:
    if series is not None and not isinstance(series, str):
        return [series]
    found = [one for module in everything(nwbfile.processing) for one in _series_below(module)]
    if series is None:
        return found
    named = [one for one in found if one.name == series]
    if not named:
        raise ValueError(f"there is no series of ROIs {series!r}; there are: {', '.join(one.name for one in found) or 'none'}")
    return named


def _series_below(container: Any) -> Iterator[Any]:
    """The series of ROIs in a module: in `Fluorescence`, in `DfOverF`, or by themselves."""
    for one in container.data_interfaces.values():
        inner = getattr(one, "roi_response_series", None)
        if one.neurodata_type == "RoiResponseSeries":
            yield one
        elif inner is not None:
            yield from inner.values()


def _rois(series: Any) -> list[int] | None:
    """The row of each column in the table of ROIs; None for a series that is not of ROIs."""
    rois = getattr(series, "rois", None)
    if rois is None:
        return None
    rows, shape = [int(row) for row in rois.data[:]], np.shape(series.data)
    if len(rows) != (shape[1] if len(shape) > 1 else 1):
        raise ValueError(f"{series.name} has data of shape {shape} for {len(rows)} ROIs")
    return rows


def _columns_of(nwbfile: Any, series: Any, rois: list[int] | None, population: str) -> tuple[int, ...] | None:
    """The columns of a series that are of a population; None if no ROI of it is annotated."""
    number = population_row(nwbfile, population)
    annotations = {} if rois is None else annotations_of(nwbfile, series.rois.table)
    if rois is None or not any(row in annotations for row in rois):
        return None
    return tuple(column for column, row in enumerate(rois) if number in annotations.get(row, ()))


# --- events -----------------------------------------------------------------------------------------------------------------


def _events(nwbfile: Any, events: Any) -> list[Any]:
    if events is not None and not isinstance(events, str):
        return [events]
    tables = list(everything(nwbfile.events))
    if events is None:
        return [table for table in tables if table.neurodata_type != "DrugAdministrationsTable"]
    named = [table for table in tables if table.name == events]
    if not named:
        raise ValueError(f"there is no table of events {events!r}; there are: {', '.join(one.name for one in tables) or 'none'}")
    return named


def _events_of(nwbfile: Any, table: Any, population: str) -> NDArray[np.bool_] | None:
    """Which events are of a population, shape (n_events,); None if the table does not say."""
    number = population_row(nwbfile, population)
    if "population" in table.colnames:
        return np.array([int(row) == number for row in table["population"].data[:]], dtype=bool)
    if "rois" in table.colnames:
        column = table["rois"]
        annotations = annotations_of(nwbfile, column.target.table)
        rows = ragged(column)
        if any(roi in annotations for rois in rows for roi in rois):
            return np.array([any(number in annotations.get(roi, ()) for roi in rois) for rois in rows], dtype=bool)
    return None
