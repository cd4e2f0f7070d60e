"""Session + headers -> Plan: what will be written, in which order, and everything that is missing or contradicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bergmann.errors import SourceError
from bergmann.findings import Finding, has_errors
from bergmann.plan.session import LoadedSession, SourceEntry, load_session
from bergmann.records import Record, Recording
from bergmann.registry import Entry, Inputs, load_checks
from bergmann.stated import Ref


@dataclass(frozen=True)
class Plan:
    """A session that has been looked at, and not yet read.

    Attributes
    ----------
    loaded : LoadedSession
        What the person states.
    order : tuple of str
        Names of the sources that are there, each after those that it refers to.
    headers : mapping of str to Record
        What the header of each source says, its arrays lazy, its times on its own clock. Sources that must be read through
        (pulses of a channel) are left out.
    reference : str or None
        The source whose clock is the session's.
    start : datetime or None
        When the session started, with its zone.
    findings : tuple of Finding
        Everything a person should know or mend, at once.
    """

    loaded: LoadedSession
    order: tuple[str, ...]
    headers: Mapping[str, Record] = field(default_factory=dict)
    reference: str | None = None
    start: datetime | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing stands against the conversion."""
        return not has_errors(self.findings)


def references(entry: SourceEntry) -> dict[str, Ref[object]]:
    """The sources that an entry names, by field; its clock is among them as ``clock``."""
    fields = {name: getattr(entry.source, name) for name in type(entry.source).model_fields}
    found = {name: value for name, value in fields.items() if isinstance(value, Ref)}
    if entry.clock is not None:
        found["clock"] = entry.clock
    return found


def inputs_of(entry: SourceEntry, records: Mapping[str, Record]) -> Inputs:
    """The records that the source's own references name, by field."""
    return {name: records[ref.name] for name, ref in references(entry).items() if name != "clock"}


def reading_order(sources: Mapping[str, SourceEntry]) -> tuple[str, ...]:
    """Names of the sources that were recorded, each after those that it refers to.

    The loader has refused circles and dangling names, so every source has its turn; one whose references are absent has none.
    """
    waiting = {name: entry for name, entry in sources.items() if entry.absent is None}
    order: list[str] = []
    while ready := [name for name, entry in waiting.items() if all(ref.name in order for ref in references(entry).values())]:
        order.extend(ready)
        waiting = {name: entry for name, entry in waiting.items() if name not in ready}
    return tuple(order)


def make_plan(path: Path) -> Plan:
    """Load a session file, read the headers of its sources, and say everything that is missing or contradicts.

    Parameters
    ----------
    path : Path
        The session file.

    Returns
    -------
    Plan
        With findings; nothing is written and no array is read.
    """
    loaded = load_session(path)
    order = reading_order(loaded.sources)
    headers, unreadable = read_headers(loaded, order)
    plan = Plan(loaded, order, headers)
    reference = find_reference(plan)
    plan = replace(plan, reference=reference, start=find_start(plan, reference))
    findings = (*loaded.findings, *unreadable, *_check_plan(plan))
    return replace(plan, findings=findings)


def read_headers(loaded: LoadedSession, order: tuple[str, ...]) -> tuple[dict[str, Record], tuple[Finding, ...]]:
    """Read the header of each source that need not be read through.

    Returns
    -------
    headers : dict of str to Record
    findings : tuple of Finding
        One error for each source that cannot be read.
    """
    headers: dict[str, Record] = {}
    findings: list[Finding] = []
    for name in order:
        entry = loaded.sources[name]
        if entry.format.reads_values or any(ref.name not in headers for ref in references(entry).values()):
            continue
        try:
            headers[name] = entry.format.read(entry.source, inputs_of(entry, headers))
        except SourceError as error:
            findings.append(_error(loaded, f"sources.{name}", "source", str(error)))
    return headers, tuple(findings)


def _error(loaded: LoadedSession, key: str, check: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity="error", check=check, location=loaded.place(key), message=message, remedy=remedy)


def _roots(plan: Plan) -> dict[str, SourceEntry]:
    """The timed sources that are not derived from another one."""
    return {
        name: entry
        for name in plan.order
        if not any(field != "clock" for field in references(entry := plan.loaded.sources[name]))
        and (name not in plan.headers or plan.headers[name].span is not None)
    }


def find_reference(plan: Plan) -> str | None:
    """The source whose clock is the session's.

    It is the one that ``session.start: from NAME`` names; else the only one that clocks refer to; else the only source with times of
    its own that states neither clock nor start.
    """
    head = plan.loaded.head
    if head is not None and head.session.start_from is not None:
        return head.session.start_from if head.session.start_from in plan.loaded.sources else None
    clocks = {entry.clock.name for entry in plan.loaded.sources.values() if entry.clock is not None}
    if len(clocks) == 1:
        return clocks.pop()
    roots = _roots(plan)
    free = [name for name, entry in roots.items() if entry.clock is None and entry.starts is None]
    return free[0] if len(free) == 1 else None


def find_start(plan: Plan, reference: str | None) -> datetime | None:
    """When the session started, with its zone: as stated, else as the reference's header says."""
    head = plan.loaded.head
    if head is None or head.time_zone is None:
        return None
    zone = ZoneInfo(head.time_zone)
    stated = head.session.start_at
    if stated is not None:
        return stated.replace(tzinfo=zone) if stated.tzinfo is None else stated
    header = plan.headers.get(reference) if reference else None
    return header.start.replace(tzinfo=zone) if header is not None and header.start is not None else None


def _check_plan(plan: Plan) -> Iterator[Finding]:
    yield from _check_start(plan)
    yield from _check_clocks(plan)
    yield from _check_parts(plan)
    yield from _check_instrument_clocks(plan)
    yield from _check_entries(plan)


def _check_start(plan: Plan) -> Iterator[Finding]:
    head = plan.loaded.head
    if head is None or head.time_zone is None or plan.start is not None:
        return
    named = head.session.start_from
    if named is not None and named not in plan.loaded.sources:
        known = ", ".join(plan.loaded.sources) or "none"
        yield _error(
            plan.loaded, "session.start", "dangling reference", f"`from {named}`: there is no source {named}", f"sources: {known}"
        )
    elif plan.reference is None:
        yield _error(
            plan.loaded,
            "session.start",
            "gap",
            "no source is known whose clock is the session's",
            "write `start: from <source>`, or the local date and time, such as 2024-05-17 10:30:57",
        )
    elif plan.reference in plan.headers:
        yield _error(
            plan.loaded,
            "session.start",
            "gap",
            f"{plan.reference} does not say when it started",
            "write the local date and time of its start, such as 2024-05-17 10:30:57",
        )


def _check_clocks(plan: Plan) -> Iterator[Finding]:
    """Each source with times of its own must be on the session's clock by a line or by a statement."""
    for name, entry in _roots(plan).items():
        if name == plan.reference or entry.clock is not None or entry.starts is not None or name not in plan.headers:
            continue
        yield _error(
            plan.loaded,
            f"sources.{name}",
            "gap",
            f"nothing says how the clock of {name} relates to the session's ({plan.reference or 'not known either'})",
            "state `clock: <recording>/<channel>` whose pulses tick for its frames, or `starts: 2.5 s after <source>`",
        )


def _check_parts(plan: Plan) -> Iterator[Finding]:
    """A channel that is named must be there."""
    for name in plan.order:
        for key, ref in references(plan.loaded.sources[name]).items():
            header = plan.headers.get(ref.name)
            if header is None or not isinstance(header, Recording):
                continue
            if key == "clock" and ref.part is None:
                message, remedy = f"`{ref}` names no channel", f"write {ref.name}/<channel>"
            elif ref.part is not None and ref.part not in header.parts:
                message, remedy = f"{ref.name} has no channel {ref.part!r}", f"channels: {', '.join(header.parts)}"
            else:
                continue
            yield _error(plan.loaded, f"sources.{name}.{key}", "dangling reference", message, remedy)


def _check_instrument_clocks(plan: Plan) -> Iterator[Finding]:
    """The instruments' own wall clocks, against the start of the session."""
    head = plan.loaded.head
    if head is None or plan.start is None:
        return
    tolerance = timedelta(seconds=head.session.tolerance.to("s"))
    for name, header in plan.headers.items():
        entry = plan.loaded.sources[name]
        if header.start is None or entry.starts is not None or (name == plan.reference and head.session.start_at is None):
            continue
        difference = header.start - plan.start.replace(tzinfo=None)
        if not difference:
            continue
        beyond = abs(difference) > tolerance
        seconds = difference.total_seconds()
        yield Finding(
            severity="warning" if beyond else "note",
            check="conflict" if beyond else "instrument clock",
            location=plan.loaded.place(f"sources.{name}"),
            message=f"its own clock says {header.start:%Y-%m-%d %H:%M:%S}, {seconds:+.0f} s from the session's start",
            remedy="is this the right file? State `session.tolerance` if the clocks disagree so far" if beyond else "",
        )


def _check_entries(plan: Plan) -> Iterator[Finding]:
    """What each room finds between a header and what is stated."""
    checks = load_checks()
    for name, header in plan.headers.items():
        source = plan.loaded.sources[name]
        check = checks.get(source.format.record)
        if check is None:
            continue
        entry = Entry(name=name, record=header, stated=source.stated, source=source.source)
        for finding in check(entry, plan.loaded.collections):
            key = f"sources.{name}.{finding.location}".rstrip(".")
            yield replace(finding, location=plan.loaded.place(key))
