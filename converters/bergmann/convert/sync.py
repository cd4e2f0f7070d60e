"""The pulses that put each source on the session's clock, as events, and what lies outside of them, as intervals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hdmf.common import VectorData
from pynwb import NWBFile, TimeSeries
from pynwb.base import TimeSeriesReference
from pynwb.epoch import TimeIntervals
from pynwb.event import DurationVectorData, EventsTable, TimestampVectorData

from bergmann.convert.align import Aligned
from bergmann.errors import SourceError
from bergmann.pulses import RecordedPulses
from bergmann.records import Recording
from bergmann.registry import Placed
from bergmann.signals.stated import nwb_name, pulses_name
from bergmann.timing.fit import ClockFit
from bergmann.timing.ties import Ties

EXTRAPOLATED = "extrapolated_times"
"""Name of the intervals in which times are extrapolated."""

_Fits = dict[str, tuple[ClockFit, Ties]]


def tables_of_lines(aligned: Aligned) -> dict[str, str]:
    """The table of pulses that each source with a clock line refers to: ``{"movie": "daq_FrameClock_pulses"}``."""
    return {
        name: _table_name(aligned, name, fit)
        for name, fit in aligned.fits.items()
        if fit.ties is not None and len(fit.ties.pulses) and fit.clock is not None
    }


def _table_name(aligned: Aligned, source: str, fit: ClockFit) -> str:
    """After the series of the line, whatever the case in which it was stated."""
    clock = aligned.plan.loaded.sources[source].clock
    recording = aligned.records.get(clock.name) if clock is not None else None
    if clock is None or clock.part is None or not isinstance(recording, Recording) or str(clock) != fit.reference:
        return nwb_name(f"{fit.reference}_pulses")
    return pulses_name(clock.name, recording, clock.part)


def add_pulses(nwbfile: NWBFile, aligned: Aligned, placed: Placed) -> None:
    """Add an `EventsTable` for each line that times a source: its pulses as recorded, each with the frame that it timed.

    Where frames have no pulse, a second table says when these were expected, so that no pulse stands among the recorded ones that
    was not recorded.

    Raises
    ------
    SourceError
        If a source has written a table of that name.
    """
    lines: dict[str, _Fits] = {}
    for source, name in tables_of_lines(aligned).items():
        fit = aligned.fits[source]
        if fit.ties is not None:
            lines.setdefault(name, {})[source] = fit, fit.ties
    for name, fits in lines.items():
        tables = [_recorded(name, fits, _line_of(aligned, fits), placed), *_missing(f"{name}_missing", fits)]
        for table in tables:
            if table.name in (nwbfile.events or {}):
                line = next(fit.reference for fit, _ in fits.values())
                raise SourceError(
                    f"the pulses of {line} are written as {table.name!r}, and another source has written events of that name; give "
                    "that source another name"
                )
            nwbfile.add_events_table(table)


def _line_of(aligned: Aligned, fits: _Fits) -> RecordedPulses | None:
    """The pulses of the line with how long they were, if that is known."""
    fit, ties = next(iter(fits.values()))
    line = aligned.lines.get(fit.reference)
    return line if line is not None and np.array_equal(line.times.seconds, ties.pulses) else None


def _recorded(name: str, fits: _Fits, line: RecordedPulses | None, placed: Placed) -> EventsTable:
    first, ties = next(iter(fits.values()))
    count = len(ties.pulses)
    timed = "; ".join(_timed(source, fit, own) for source, (fit, own) in fits.items())
    used = np.zeros(count, dtype=np.bool_)
    for _, own in fits.values():
        used[own.used] = True
    columns: list[Any] = [
        TimestampVectorData(
            name="timestamp", description="When each pulse began, in seconds, as recorded.", data=placed.stream(ties.pulses)
        )
    ]
    if line is not None:
        said = (
            "How long each pulse was, in seconds; of one that was on when the recording began or ended, the part that was recorded."
        )
        columns.append(DurationVectorData(name="duration", description=said, data=placed.stream(line.durations)))
    columns.append(VectorData(name="used", description="Whether the pulse timed a frame (or other event).", data=used))
    for source, (fit, own) in fits.items():
        columns.extend(_columns_of(source, fit, own, placed))
    return EventsTable(
        name=name,
        description=f"The {count} pulses recorded on {first.reference}, from which the times of these were made: {timed}. How each "
        "clock was fitted to them is in the table of clocks of the conversion record.",
        source_description=f"recorded on {first.reference}" + (f", {line.basis}" if line is not None else ""),
        columns=columns,
        colnames=[column.name for column in columns],
    )


def _timed(source: str, fit: ClockFit, ties: Ties) -> str:
    without = [f"frames without a pulse: {len(ties.missing)}"] if len(ties.missing) else []
    without += [f"pulses that timed none: {len(ties.spurious)}"] if len(ties.spurious) else []
    said = f"{source}, {len(ties)} of its {len(ties.own)} frames"
    return f"{said} ({'; '.join([*without, fit.method])})"


def _columns_of(source: str, fit: ClockFit, ties: Ties, placed: Placed) -> Iterator[VectorData]:
    """Which frame of a source each pulse timed, and how far it is from the fitted clock."""
    frames = np.zeros(len(ties.pulses), dtype=np.int64)
    frames[ties.used] = ties.events + 1
    yield VectorData(
        name=f"frame_of_{nwb_name(source)}",
        description=f"Which frame (or other event) of {source} each pulse timed, counted from 1 as its instrument recorded them; "
        "0 for a pulse that timed none.",
        data=placed.stream(frames),
    )
    deviations = np.full(len(ties.pulses), np.nan)
    if fit.clock is not None:
        deviations[ties.used] = ties.deviations(fit.clock)
    yield VectorData(
        name=f"deviation_of_{nwb_name(source)}",
        description=f"How much later each pulse is than the time that its frame of {source} has in this file, by the fitted clock, "
        "in seconds; NaN for a pulse that timed none.",
        data=placed.stream(deviations),
    )


def _missing(name: str, fits: _Fits) -> Iterator[EventsTable]:
    """Where pulses were expected and none was recorded; none of them further outside than its source's times may be."""
    times, sources, frames = [np.empty(0)], list[str](), [np.empty(0, dtype=np.int64)]
    for source, (fit, ties) in fits.items():
        if fit.clock is None:
            continue
        lost = ties.missing
        lost = lost[fit.clock.outside(ties.own[lost]) <= (0.0 if np.isnan(fit.allowed) else fit.allowed)]
        times.append(fit.clock.apply(ties.own[lost]))
        frames.append(lost + 1)
        sources += [source] * len(lost)
    expected, of_frame = np.concatenate(times), np.concatenate(frames)
    if not len(expected):
        return
    order = np.argsort(expected, kind="stable")
    columns = [
        TimestampVectorData(
            name="timestamp",
            description="When a pulse was expected, in seconds, by the clock that was fitted to the others.",
            data=expected[order],
        ),
        VectorData(name="source", description="Whose frame has no pulse.", data=[sources[index] for index in order]),
        VectorData(name="frame", description="Which frame of that source, counted from 1.", data=of_frame[order]),
    ]
    reference = next(fit.reference for fit, _ in fits.values())
    yield EventsTable(
        name=name,
        description=f"Pulses that were not recorded on {reference}: one was expected for each of these frames. These are no "
        "recorded events.",
        source_description="expected, not recorded",
        columns=columns,
        colnames=[column.name for column in columns],
    )


def add_extrapolated(nwbfile: NWBFile, aligned: Aligned, placed: Placed) -> None:
    """Add the intervals in which a source has times outside of the pulses that its clock was fitted to, if there are any."""
    rows = [row for source, fit in aligned.fits.items() for row in _rows(source, fit, aligned, placed)]
    if not rows:
        return
    table = TimeIntervals(
        name=EXTRAPOLATED,
        description="Stretches in which times of a source are extrapolated: they lie before the first or behind the last pulse "
        "that its clock was fitted to, where nothing shows how that clock ran. What is derived from the source has its times.",
    )
    table.add_column(name="source", description="Whose times these are.")
    table.add_column(name="n_samples", description="How many samples (frames, events) of the source lie in the stretch.")
    table.add_column(name="reference", description="The line whose pulses its clock was fitted to.")
    has_series = any(row["timeseries"] for row in rows)
    for row in rows:
        table.add_row(**(row if has_series else {key: value for key, value in row.items() if key != "timeseries"}))
    nwbfile.add_time_intervals(table)


def _rows(source: str, fit: ClockFit, aligned: Aligned, placed: Placed) -> Iterator[dict[str, Any]]:
    span = aligned.records[source].span
    if fit.clock is None or not fit.outside or span is None:
        return
    edges = float(fit.clock.other[0]), float(fit.clock.other[-1])
    stretches = ((fit.outside.n_before, span[0], edges[0], False), (fit.outside.n_after, edges[1], span[1], True))
    for count, start, stop, is_end in stretches:
        if count:
            yield {
                "start_time": start,
                "stop_time": stop,
                "source": source,
                "n_samples": count,
                "reference": fit.reference,
                "tags": [f"extrapolated times of {source}"],
                "timeseries": [
                    TimeSeriesReference(length - count if is_end else 0, count, one)
                    for one, length in _series_of(placed, source)
                    if length >= count
                ],
            }


def _series_of(placed: Placed, source: str) -> Iterator[tuple[TimeSeries, int]]:
    """The time series that a source was written as, and those inside of it, with how many samples each has.

    Of a video beside the file, the series does not know that.
    """
    made = placed.objects.get(("sources", source), ())
    for one in made if isinstance(made, tuple | list) else (made,):
        for part in (one, *one.children):
            shape: Any = getattr(part.data, "shape", None) if isinstance(part, TimeSeries) else None
            if shape and shape[0]:
                yield part, int(shape[0])
