"""Times: what no clock shows, and streams of one session that do not fit together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.validate.checking import Problem, check
from bergmann.validate.reading import Reading

EARLY_S = 10.0
"""Recordings may begin a little before the session's start: a trigger's past, the rounding of a start to the second."""
LONGEST_S = 30 * 86400.0
RATES_HZ = (1e-4, 1e7)
PLATEAU = 3
"""Equal times in a row at an end of a stream; a step of a series of light is written with two."""
APART_S = 1800.0
FIRST_YEAR = 1980
"""Before the first rigs that kept files with a date."""
_DRUGS = "DrugAdministrationsTable"


def _stamped(reading: Reading) -> Iterator[tuple[Any, NDArray[np.float64]]]:
    """Time series with times of their own, each once, and these."""
    seen: set[int] = set()
    for series in reading.objects("TimeSeries"):
        if series.timestamps is not None and len(series.timestamps):
            times = reading.times(series)
            if id(times) not in seen:
                seen.add(id(times))
                yield series, times


def _span(reading: Reading, series: Any) -> tuple[float, float] | None:
    """First and last time of a series, in seconds; None if it has none, or not two that are numbers."""
    if series.timestamps is not None:
        times = reading.times(series)
        known = times[np.isfinite(times)]
        return (float(known[0]), float(known[-1])) if len(known) else None
    n = int(getattr(series, "num_samples", None) or 0) or reading.n_samples(series)
    rate = float(series.rate) if series.rate is not None else np.nan
    if not n or not np.isfinite(rate) or rate <= 0:
        return None
    start = float(series.starting_time or 0.0)
    return start, start + (n - 1) / rate


@check(
    severity="error",
    why="A recording outside of its session is on another clock, and nothing can be aligned to it.",
    remedy="write seconds since session_start_time",
)
def time_data_inside_session(reading: Reading) -> Iterator[Problem]:
    """Recordings long before the session's start, or long after it."""
    for series in reading.objects("TimeSeries"):
        span = _span(reading, series)
        if span is None:
            continue
        if span[0] < -EARLY_S:
            yield Problem(series, f"it begins {-span[0]:g} s before the session")
        elif max(span) > LONGEST_S:
            hint = ": are these seconds since 1970?" if span[0] > 1e8 else ""
            yield Problem(series, f"it ends {max(span):.6g} s after the session's start{hint}")
    for table in reading.objects("TimeIntervals", "EventsTable"):
        if _DRUGS in (kind.__name__ for kind in type(table).__mro__):
            continue  # a drug may be given the day before
        for name in ("start_time", "timestamp"):
            times = reading.column(table, name)
            if times is not None and len(times) and times.dtype.kind == "f" and np.nanmax(np.append(times, 0)) > LONGEST_S:
                yield Problem(table, f"{name} reaches {np.nanmax(times):.6g} s after the session's start")


@check(
    severity="error",
    why="Readers search times by halving; one that runs backwards or is no number makes them find other samples.",
    remedy="write the times in the order of the samples, each a number",
)
def time_monotonic(reading: Reading) -> Iterator[Problem]:
    """Times that run backwards, or are no numbers."""
    for series, times in _stamped(reading):
        wrong = np.flatnonzero(~np.isfinite(times))
        if len(wrong):
            yield Problem(series, f"timestamp {wrong[0]} is {times[wrong[0]]:g} ({len(wrong)} of {len(times)} are no numbers)")
            continue
        back = np.flatnonzero(np.diff(times) < 0)
        if len(back):
            one = int(back[0])
            found = f"timestamp {one + 1} is {times[one + 1]:.9g} s, after {times[one]:.9g} s"
            yield Problem(series, f"{found} ({len(back)} steps of {len(times) - 1} run backwards)")


@check(
    severity="error",
    why="Times that stand still at an end were clamped to the last pulse: these samples have no measured time.",
    remedy="give samples outside of the pulses the time that the fitted clock gives them, or leave them out and say so",
)
def time_no_plateaus(reading: Reading) -> Iterator[Problem]:
    """Several samples at one time, at the beginning or the end of a stream."""
    for series, times in _stamped(reading):
        if len(times) < 2 * PLATEAU:
            continue
        first, last = int(np.argmax(times != times[0])), int(np.argmax(times[::-1] != times[-1]))
        for count, where, time in ((first, "first", times[0]), (last, "last", times[-1])):
            if count >= PLATEAU:
                yield Problem(series, f"its {where} {count} samples are all at {time:.9g} s")


@check(
    severity="warning",
    why="Streams of one session that share no time are on different clocks, or one of them belongs to another session.",
    remedy="check start and clock of the stream",
)
def time_streams_overlap(reading: Reading) -> Iterator[Problem]:
    """A recording far away from everything else that was recorded; cameras are not company for each other."""
    spans = [(series, span) for _, series in reading.acquired() if (span := _span(reading, series)) is not None]
    for series, (start, stop) in spans:
        is_camera = _is_camera(series)
        others = [span for one, span in spans if one is not series and not (is_camera and _is_camera(one))]
        apart = min((max(first - stop, start - last) for first, last in others), default=0.0)
        if apart > APART_S:
            yield Problem(series, f"it is recorded from {start:.6g} to {stop:.6g} s, {apart:.6g} s from everything else")


def _is_camera(series: Any) -> bool:
    return getattr(series, "external_file", None) is not None


@check(
    severity="warning",
    why="Readers of events expect them in the order of time.",
    remedy="sort the rows by their time",
)
def time_events_sorted(reading: Reading) -> Iterator[Problem]:
    """Events that are not in order; drugs stand as they were stated, some of them at times that nobody knows."""
    for table in reading.objects("EventsTable"):
        times = reading.column(table, "timestamp")
        if times is not None and times.dtype.kind == "f" and type(table).__name__ != _DRUGS:
            back = np.flatnonzero(np.diff(times[np.isfinite(times)]) < 0)
            if len(back):
                yield Problem(table, f"row {back[0] + 1} is before row {back[0]} ({len(back)} steps run backwards)")


@check(
    severity="warning",
    why="The archive takes the session's end from the last event, and finds none where its duration is not a number.",
    remedy="write the duration of the last event, or a duration of 0 for events that have none",
)
def time_last_event_duration(reading: Reading) -> Iterator[Problem]:
    """A last event of unknown duration."""
    for table in reading.objects("EventsTable"):
        durations = reading.column(table, "duration")
        if durations is not None and len(durations) and np.isnan(durations[-1]):
            yield Problem(table, f"the duration of its last event (row {len(durations) - 1}) is NaN")


@check(
    severity="error",
    why="An interval that ends before it begins holds nothing, or its end is a duration.",
    remedy="write start and stop as times in the session",
)
def time_intervals_ordered(reading: Reading) -> Iterator[Problem]:
    """Intervals that stop before they start."""
    for table in reading.objects("TimeIntervals"):
        start, stop = reading.column(table, "start_time"), reading.column(table, "stop_time")
        if start is None or stop is None or len(start) != len(stop):
            continue
        wrong = np.flatnonzero(stop < start)
        if len(wrong):
            row = int(wrong[0])
            hint = ": are these durations?" if len(wrong) > 1 and len(wrong) > len(start) / 2 else ""
            found = f"row {row} stops at {stop[row]:.6g} s and starts at {start[row]:.6g} s"
            yield Problem(table, f"{found} ({len(wrong)} of {len(start)} rows){hint}")
    for table in reading.objects("EventsTable"):
        durations = reading.column(table, "duration")
        if durations is not None and np.any(durations < 0):
            row = int(np.argmax(durations < 0))
            yield Problem(table, f"the duration of row {row} is {durations[row]:g} s")


@check(
    severity="warning",
    why="A stream whose clock is known worse than its samples are apart cannot be aligned to a sample.",
    remedy="look at the clock's residuals: pulses may be missing, or belong to another stream",
)
def time_residuals_small(reading: Reading) -> Iterator[Problem]:
    """A clock with residuals as large as the interval between the samples of its stream."""
    for table in reading.objects("ClocksTable"):
        names, residuals = reading.column(table, "source"), reading.column(table, "residual_in_seconds")
        if names is None or residuals is None:
            continue
        for name, residual in zip((_text(one) for one in names), residuals, strict=True):
            interval = _interval_of(reading, name)
            if np.isfinite(residual) and interval is not None and residual > interval:
                yield Problem(table, f"{name} is off by {residual:.3g} s, and its samples are {interval:.3g} s apart")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _interval_of(reading: Reading, source: str) -> float | None:
    """The interval between samples of the first series that a source was written as."""
    for name, series in reading.acquired():
        if name == source or name.startswith(f"{source}_"):
            span, n = _span(reading, series), reading.n_samples(series)
            if getattr(series, "rate", None):
                return 1 / float(series.rate)
            if span is not None and n > 1:
                return (span[1] - span[0]) / (n - 1)
    return None


@check(
    severity="error",
    why="Without a zone nobody knows the hour at which the session was, and days since a procedure come out wrong.",
    remedy="write session_start_time with its offset, e.g. 2024-05-17T10:30:57+09:00",
    is_of_tree=True,
)
def time_start_has_zone(reading: Reading) -> Iterator[Problem]:
    """A start of the session without a zone."""
    text = _start_text(reading)
    start = _moment(text)
    if start is None:
        yield Problem("session_start_time", f"it is {text!r}; expected a date and a time in ISO 8601")
    elif start.tzinfo is None:
        yield Problem("session_start_time", f"it is {text}, without a zone")


@check(
    severity="error",
    why="A wrong date makes every age and every day after a procedure wrong.",
    remedy="write when the session began",
    is_of_tree=True,
)
def time_start_plausible(reading: Reading) -> Iterator[Problem]:
    """A start before there were rigs, or after the file was written."""
    start = _moment(_start_text(reading))
    created = reading.file.get("file_create_date") if reading.file is not None else None
    if start is None:
        return
    if start.year < FIRST_YEAR:
        yield Problem("session_start_time", f"it is {start.isoformat()}, which a program writes that does not know")
    written = _moment(_text(created[0])) if created is not None and created.shape not in ((), (0,)) else None
    if written is not None and start.replace(tzinfo=None) > written.replace(tzinfo=None) + timedelta(days=1):
        yield Problem("session_start_time", f"it is {start.isoformat()}, and the file was made on {written.date()}")


def _start_text(reading: Reading) -> str:
    stored = reading.file.get("session_start_time") if reading.file is not None else None
    if stored is not None:
        return _text(stored[()])
    return "" if reading.nwbfile is None else reading.nwbfile.session_start_time.isoformat()


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@check(
    severity="error",
    why="All times of the stream are computed from its rate.",
    remedy="write samples a second (the inverse of the interval)",
)
def time_rate_plausible(reading: Reading) -> Iterator[Problem]:
    """A rate that no instrument has, or that makes a recording of months."""
    low, high = RATES_HZ
    for series in reading.objects("TimeSeries"):
        if series.rate is None:
            continue
        rate, n = float(series.rate), reading.n_samples(series)
        if n > 1 and not low <= rate <= high:
            yield Problem(series, f"its rate is {rate:g} Hz")
        elif n > 1 and n / rate > LONGEST_S:
            yield Problem(series, f"with {rate:g} Hz, its {n} samples last {n / rate / 86400:.0f} days; is this the interval?")
        elif not np.isfinite(rate):
            yield Problem(series, f"its rate is {rate:g}")


@check(
    severity="warning",
    why="A frame that is missing shifts every later one for whoever counts frames.",
    remedy="use the timestamps and not the number of the frame, and say in the notes why frames are missing",
)
def time_frames_dropped(reading: Reading) -> Iterator[Problem]:
    """Intervals of two or more frames among frames at a steady rate."""
    for series, times in _stamped(reading):
        steps = np.diff(times)
        if len(steps) < 20 or not hasattr(series, "dimension") or not np.isfinite(steps).all() or np.median(steps) <= 0:
            continue
        typical = float(np.median(steps))
        ratios = steps / typical
        long = np.flatnonzero((ratios > 1.7) & (ratios < 20))
        is_steady = np.percentile(np.abs(ratios - 1), 90) < 0.1
        if is_steady and 0 < len(long) <= 0.05 * len(steps):
            at = f"at {times[long[0]]:.6g} s, {steps[long[0]]:.4g} s in place of {typical:.4g} s"
            yield Problem(series, f"{len(long)} interval{'s' if len(long) > 1 else ''} of two or more frames, the first {at}")
