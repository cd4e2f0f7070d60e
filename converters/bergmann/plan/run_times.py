"""Where the runs of a session lie in time, and what cannot be so.

Times within a run are those of its own recordings. The runs are put after each other by the start times that one instrument has
written into the headers of its recordings: what lies between two runs was not recorded, and stays a gap in time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.records import Record
from bergmann.timing.fit import ClockFit

if TYPE_CHECKING:
    from bergmann.plan.resolve import Plan
    from bergmann.plan.sources import SourceEntry

LONGEST = 12 * 3600.0
"""Seconds after the session's start from which on a run is probably of another day's file."""


def counterpart(plan: Plan, name: str) -> str | None:
    """The session's reference, where a source is the same one in another run; None for every other source."""
    runs = plan.loaded.runs
    here, there = runs.place_of(name), runs.place_of(plan.reference) if plan.reference is not None else None
    return plan.reference if here is not None and there is not None and here != there and here[1] == there[1] else None


def fit_by_headers(plan: Plan, name: str, reference: str, header: Record) -> ClockFit:
    """The offset of a run by the start times of two recordings of one instrument.

    Parameters
    ----------
    plan : Plan
    name, reference : str
        The source of the run, and the session's reference, of which it is the `counterpart`.
    header : Record
        Of the source, on its own clock.

    Raises
    ------
    SourceError
        If one of the two recordings does not say when it started, or the clocks were changed then.
    """
    starts = []
    for one in (plan.headers[reference], header):
        if one.start is None:
            raise SourceError(f"{one.files[0].name} does not say when it started")
        starts.append(_in_utc(one.start, ZoneInfo(plan.head.time_zone), one.files[0].name))
    return ClockFit(
        method=f"offset: the difference of the start times that the files of {name} and of {reference} state, taken as of one "
        f"clock and written to {_precision(*starts)}; no common signal says how exact they are",
        offset=(starts[1] - starts[0]).total_seconds(),
        reference=reference,
    )


def _in_utc(start: datetime, zone: ZoneInfo, file: str) -> datetime:
    local = start.replace(tzinfo=zone)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise SourceError(f"{file}: {start:%Y-%m-%d %H:%M:%S} is twice or never in {zone}: the clocks were changed then")
    return local.astimezone(UTC)


def _precision(*starts: datetime) -> str:
    """The last digit that is written, in words: that of the finest one, since a zero may be a digit, too."""
    if all(one.microsecond == 0 for one in starts):
        return "1 s"
    return "1 ms" if all(one.microsecond % 1000 == 0 for one in starts) else "1 us"


def spans_by_headers(plan: Plan) -> dict[str, tuple[float, float]]:
    """First and last time of the reference in each run whose header says it, in seconds on the session's clock."""
    spans: dict[str, tuple[float, float]] = {}
    for name, header in plan.headers.items() if plan.loaded.head is not None else ():  # without it, no time zone
        reference = counterpart(plan, name)
        if header.span is None or plan.loaded.sources[name].starts is not None or plan.loaded.sources[name].clock is not None:
            continue
        if name == plan.reference:
            spans[name] = header.span
        elif reference in plan.headers and reference is not None:
            try:
                offset = fit_by_headers(plan, name, reference, header).offset
            except SourceError:  # `check_run_starts` says it
                continue
            spans[name] = header.span[0] + offset, header.span[1] + offset
    return spans


def check_run_starts(plan: Plan) -> Iterator[Finding]:
    """Where a run lies must be known, from the headers of two recordings or stated; a day apart they are hardly of one session."""
    for name, header in plan.headers.items() if plan.loaded.head is not None else ():
        entry, reference = plan.loaded.sources[name], counterpart(plan, name)
        if reference is None or reference not in plan.headers or entry.clock is not None or entry.starts is not None:
            continue
        run, source = plan.loaded.runs.place_of(name) or ("", name)
        try:
            apart = fit_by_headers(plan, name, reference, header).offset
            if apart > LONGEST:
                files = f"{header.files[0].name} started {apart / 3600:.1f} h after {plan.headers[reference].files[0].name}"
                found = _error(plan, name, "conflict", f"{files}, with which the session starts", "is this the right file?")
                yield replace(found, severity="warning")
        except SourceError as error:
            first, _ = plan.loaded.runs.place_of(reference) or ("", source)
            stated = f"`{run}: {{{source}: {{path: ..., starts: 20 min after {source} in {first}}}}}`"
            yield _error(plan, name, "gap", f"{error}, and nothing else says where the run {run} lies", f"state it, as {stated}")


def check_run_files(plan: Plan) -> Iterator[Finding]:
    """A file is of one run, unless the runs take different frames of it."""
    for (first, one), (second, other) in _pairs(plan, plan.headers):
        same = {path.resolve() for path in one.files} & {path.resolve() for path in other.files}
        of_other_frames = _are_apart(*(_frames_of(plan.loaded.sources[name]) for name in (first, second)))
        takes_path = "path" in type(plan.loaded.sources[first].source).model_fields
        if same and takes_path and not of_other_frames:
            (run, source), (later, _) = (plan.loaded.runs.place_of(name) or ("", name) for name in (first, second))
            message = f"{min(same).name} is {source} of the run {run} already, and cannot be that of {later}, too"
            remedy = "which of the two runs is it of? If it holds both, state the `frames` of each, such as `frames: 1-6000`"
            yield _error(plan, second, "conflict", message, remedy)


def _frames_of(entry: SourceEntry) -> tuple[int, int] | None:
    """First and last frame that are stated to be used; formats may have a key of their own for them."""
    own = getattr(entry.source, "frames", None)
    return own if isinstance(own, tuple) else entry.frames


def _are_apart(one: tuple[int, int] | None, other: tuple[int, int] | None) -> bool:
    return one is not None and other is not None and (one[1] < other[0] or other[1] < one[0])


def check_run_order(plan: Plan, records: Mapping[str, Record], spans: Mapping[str, tuple[float, float]]) -> Iterator[Finding]:
    """No run begins before the session, and no two recordings of one source overlap.

    Parameters
    ----------
    plan : Plan
    records : mapping of str to Record
        What each source was read as; its files are named.
    spans : mapping of str to (float, float)
        First and last time of each source, in seconds on the session's clock.
    """
    own = plan.loaded.sources[plan.reference].run if plan.reference is not None else None
    remedy = "are these the right files? If a clock has written their times wrongly, or too coarsely, state `starts:` in the run"

    def where(name: str) -> str:
        start, end = spans[name]
        return f"{records[name].files[0].name} is from {_clock(plan, start)} to {_clock(plan, end)}"

    for name, (start, _) in spans.items():
        run = plan.loaded.sources[name].run
        if run is not None and run != own and start < 0 and plan.reference in records and plan.reference is not None:
            session = f"with {records[plan.reference].files[0].name} at {_clock(plan, 0.0)}"
            message = f"the run {run} would begin before the session, which starts {session}: {where(name)}"
            yield _error(plan, name, "conflict", message, f"{remedy}; or let the session start from the run {run}")
    for (first, one), (second, other) in _pairs(plan, records):
        if first not in spans or second not in spans or set(one.files) & set(other.files):
            continue
        if spans[first][0] < spans[second][1] and spans[second][0] < spans[first][1]:
            runs = " and ".join(str(plan.loaded.sources[name].run) for name in (first, second))
            yield _error(plan, second, "conflict", f"the runs {runs} overlap in time: {where(first)}, {where(second)}", remedy)


def _pairs(plan: Plan, records: Mapping[str, Record]) -> Iterator[tuple[tuple[str, Record], tuple[str, Record]]]:
    """Each two entries of one source, and what they were read as."""
    runs = plan.loaded.runs
    for source in dict.fromkeys(name for of_run in runs.sources.values() for name in of_run):
        entries = [of_run[source] for of_run in runs.sources.values() if source in of_run]
        yield from combinations([(entry, records[entry]) for entry in entries if entry in records], 2)


def _clock(plan: Plan, seconds: float) -> str:
    """A time of day with the seconds on the session's clock, or these alone where the time of day is not known."""
    if plan.start is None or not plan.time_of_day_known:
        return f"{seconds:g} s"
    local = (plan.start.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(plan.start.tzinfo)
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d} ({seconds:+.3f} s)"


def _error(plan: Plan, name: str, check: str, message: str, remedy: str) -> Finding:
    return Finding(severity="error", check=check, location=plan.loaded.place(f"sources.{name}"), message=message, remedy=remedy)
