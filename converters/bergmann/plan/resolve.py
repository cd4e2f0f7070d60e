"""Session + headers -> Plan: what will be written, in which order, and everything that is missing or contradicts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bergmann.disk import refuse_unreachable
from bergmann.errors import SessionError, SourceError
from bergmann.findings import Finding, has_errors
from bergmann.plan.arms import ArmKey
from bergmann.plan.head import SessionHead, StartFrom
from bergmann.plan.mistakes import nearest
from bergmann.plan.partial import without_what_is_open
from bergmann.plan.run_times import check_run_files, check_run_order, check_run_starts, counterpart, spans_by_headers
from bergmann.plan.session import LoadedSession, SourceEntry, Vocabulary, load_session
from bergmann.plan.stated_times import check_stated_times
from bergmann.plan.veil import Veil
from bergmann.receptors.check import check_collections
from bergmann.records import Movie, Record, Recording
from bergmann.registry import Entry, Inputs, load_checks, load_confirmations, load_names, named_files
from bergmann.signals.stated import pulses_name
from bergmann.stand_ins import MIDNIGHT
from bergmann.stated import Ref
from bergmann.texts import named
from bergmann.writing.naming import check_ids


@dataclass(frozen=True)
class Plan:
    """A session that has been looked at, and not yet read.

    Attributes
    ----------
    loaded : LoadedSession
        What the person states.
    headers : mapping of str to Record
        What the header of each source says, its arrays lazy, its times on its own clock. Sources that must be read through
        (pulses of a channel) are left out.
    reference : str or None
        The source whose clock is the session's.
    start : datetime or None
        When the session started, with its zone; local midnight where only the date is known.
    time_of_day_known : bool
        False for a session of which only the date is stated.
    findings : tuple of Finding
        Everything a person should know or mend, at once.
    """

    loaded: LoadedSession
    headers: Mapping[str, Record] = field(default_factory=dict)
    reference: str | None = None
    start: datetime | None = None
    time_of_day_known: bool = True
    findings: tuple[Finding, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing stands against the conversion."""
        return not has_errors(self.findings) and self.loaded.head is not None and self.start is not None

    @property
    def head(self) -> SessionHead:
        """The keys of the session file beside its sources and collections.

        Raises
        ------
        SessionError
            If they have errors.
        """
        if self.loaded.head is None:
            raise SessionError(self.findings)
        return self.loaded.head


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


def make_plan(path: Path, vocabulary: Vocabulary | None = None, key: ArmKey | None = None) -> Plan:
    """Load a session file, read the headers of its sources, and say everything that is missing or contradicts.

    Parameters
    ----------
    path : Path
        The session file.
    vocabulary : Vocabulary, optional
        What it may speak of; what the rooms and installed packages declare if left out.
    key : ArmKey, optional
        Which animal is in which arm; without it a blinded session stays so, in every word of the findings.

    Returns
    -------
    Plan
        With findings; nothing is written and no array is read.

    A session file that is not there or is no text is a finding, too, with the check ``"unreadable"``.
    """
    loaded = load_session(path, vocabulary, key=key)
    headers, unreadable = read_headers(loaded)
    plan = Plan(loaded, headers)
    plan = replace(plan, reference=find_reference(plan))
    start, time_of_day_known = find_start(plan)
    plan = replace(plan, start=start, time_of_day_known=time_of_day_known)
    checked = _check_plan(plan)
    found = (*loaded.findings, *unreadable, *(without_what_is_open(checked, loaded.blanks) if loaded.is_partial else checked))
    return replace(plan, findings=Veil.of(loaded).findings(found))


def read_headers(loaded: LoadedSession) -> tuple[dict[str, Record], tuple[Finding, ...]]:
    """Read the header of each source that need not be read through.

    Returns
    -------
    headers : dict of str to Record
    findings : tuple of Finding
        One error for each source that cannot be read, but for one that lacks only what is left blank.
    """
    headers: dict[str, Record] = {}
    findings: list[Finding] = []
    for name in loaded.order:
        entry = loaded.sources[name]
        inputs = [ref.name for key, ref in references(entry).items() if key != "clock"]  # a header needs no clock line
        if entry.format.reads_values or any(one not in headers for one in inputs):
            continue
        try:
            refuse_unreachable(named_files(entry.source))
            _refuse_empty(entry)
            headers[name] = _by_the_session(entry.read(inputs_of(entry, headers)), loaded)
        except SourceError as error:
            if not _asks_for_a_blank(loaded, name, str(error)):
                findings.append(_error(loaded, f"sources.{name}", "source", str(error)))
    return headers, tuple(findings)


def _refuse_empty(entry: SourceEntry) -> None:
    """Refuse files of no byte, before a reader says so in its own words."""
    for file in named_files(entry.source):
        if file.is_file() and not file.stat().st_size:
            raise SourceError(f"{file.name}: the file is empty (0 bytes); was the recording or a copy of it broken off?")


def _by_the_session(header: Record, loaded: LoadedSession) -> Record:
    """The header with its start in the session's zone, where its files state it in another (UTC)."""
    if loaded.head is None or header.start is None or header.start.tzinfo is None:
        return header
    return replace(header, start=header.start.astimezone(ZoneInfo(loaded.head.time_zone)).replace(tzinfo=None))


def _asks_for_a_blank(loaded: LoadedSession, name: str, refused: str) -> bool:
    """Whether a reader asks for a key of its source that stands there as a blank, which is said as such."""
    words = re.findall(r"`(\w+)", refused)
    return any(f"sources.{name}.{word}" in loaded.blanks for word in words)


def _error(loaded: LoadedSession, key: str, check: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity="error", check=check, location=loaded.place(key), message=message, remedy=remedy)


def timed_roots(plan: Plan) -> dict[str, SourceEntry]:
    """The sources with times of their own: not derived from another one or an account of it, and not without a clock."""
    return {name: plan.loaded.sources[name] for name in plan.loaded.order if _is_timed_root(plan, name)}


def _is_timed_root(plan: Plan, name: str) -> bool:
    entry = plan.loaded.sources[name]
    is_derived = entry.confirms is not None or any(key != "clock" for key in references(entry))
    return not is_derived and (name not in plan.headers or plan.headers[name].span is not None)


def find_reference(plan: Plan) -> str | None:
    """The source whose clock is the session's.

    It is the one that ``session.start: from NAME`` names; else, of the sources with times of their own that state neither clock nor
    start, the only one that clocks refer to, the only one at all, or one that is called ``daq``. Of several runs it is of the
    first.
    """
    head, sources = plan.loaded.head, plan.loaded.sources
    if head is not None and isinstance(head.session.start, StartFrom):
        return plan.loaded.start_source if plan.loaded.start_source in sources else None
    first = next(iter(plan.loaded.runs.sources), None)
    roots = {name: entry for name, entry in timed_roots(plan).items() if entry.run in (None, first)}
    free = [name for name, entry in roots.items() if entry.clock is None and entry.starts is None]
    free = [name for name in free if name in plan.headers] or free  # one that cannot be read is said, and confuses no other
    clocks = {entry.clock.name for entry in sources.values() if entry.clock is not None and entry.clock.name in free}
    if len(clocks) == 1:
        return clocks.pop()
    if len(free) == 1:
        return free[0]
    return next((name for name in ("daq", f"{first}_daq") if name in free), None)


def find_start(plan: Plan) -> tuple[datetime | None, bool]:
    """When the session started, with its zone: as stated, else as the reference's header says.

    Returns
    -------
    start : datetime or None
    time_of_day_known : bool
        False where only a date is stated; the start is then that day's local midnight, which NWB cannot do without.
    """
    head = plan.loaded.head
    if head is None:
        return None, True
    zone, stated = ZoneInfo(head.time_zone), head.session.start
    if isinstance(stated, datetime):
        return (stated.replace(tzinfo=zone) if stated.tzinfo is None else stated.astimezone(zone)), True
    if isinstance(stated, date):
        return datetime.combine(stated, MIDNIGHT, tzinfo=zone), False
    header = plan.headers.get(plan.reference) if plan.reference else None
    return (header.start.replace(tzinfo=zone), True) if header is not None and header.start is not None else (None, True)


def _check_plan(plan: Plan) -> Iterator[Finding]:
    yield from _check_excluded(plan)
    yield from _check_names(plan)
    yield from _check_vocabulary(plan)
    yield from _check_start(plan)
    yield from _check_age(plan)
    yield from _check_clocks(plan)
    yield from check_run_starts(plan)
    yield from check_run_files(plan)
    yield from check_run_order(plan, plan.headers, spans_by_headers(plan))
    yield from _check_parts(plan)
    yield from _check_own_channels(plan)
    yield from _check_instrument_clocks(plan)
    yield from _check_bursts(plan)
    yield from _check_entries(plan)
    day = plan.start.date() if plan.start is not None else None
    yield from check_stated_times(plan.loaded, plan.headers, day)
    yield from _check_accounts(plan)
    yield from _check_object_names(plan)


def _check_excluded(plan: Plan) -> Iterator[Finding]:
    """Say of a session that is not to be used that it is not."""
    reason = plan.loaded.excluded
    if reason is not None:
        yield Finding(
            severity="note",
            check="excluded",
            location=plan.loaded.place("session.exclude"),
            message=f"this session is not to be analysed or published: {reason}",
            remedy="`bergmann convert` leaves it out; `--include-excluded` writes it, and the file says so",
        )


def _check_names(plan: Plan) -> Iterator[Finding]:
    """Subject and session must be names that a file of the archive can have."""
    if plan.loaded.head is not None:
        for finding in check_ids(plan.loaded.head.subject.id, plan.loaded.head.session.id):
            yield replace(finding, location=plan.loaded.place(finding.location))


def _check_vocabulary(plan: Plan) -> Iterator[Finding]:
    """Populations, receptors, vectors, procedures, drugs and states, against the vocabulary and the session's date."""
    head = plan.loaded.head
    species = head.subject.species if head is not None else None
    day = plan.start.date() if plan.start is not None else None
    born = head.subject.born if head is not None and isinstance(head.subject.born, date) else None
    for finding in check_collections(plan.loaded.collections, species=species, session_date=day, born=born):
        yield replace(finding, location=plan.loaded.place(finding.location))


def _check_start(plan: Plan) -> Iterator[Finding]:
    head = plan.loaded.head
    if head is None:
        return
    loaded, key = plan.loaded, "session.start"
    if key in loaded.blanks:
        return
    if plan.start is None:
        if plan.reference is None and not (isinstance(head.session.start, StartFrom)):
            yield _error(
                loaded,
                key,
                "gap",
                "no source is known whose clock is the session's",
                "write `start: from <source>`, or the local date and time, such as 2024-05-17 10:30:57",
            )
        elif plan.reference in plan.headers:
            message = f"{plan.reference} does not say when it started"
            yield _error(loaded, key, "gap", message, "write the local date and time of its start, such as 2024-05-17 10:30:57")
    elif not plan.time_of_day_known and (timed := [name for name in timed_roots(plan) if name in plan.headers]):
        message = f"only a date, but {', '.join(timed)} {'has' if len(timed) == 1 else 'have'} times of day"
        yield _error(loaded, key, "gap", message, "write `start: from <source>`, or date and time")
    says_its_offset = isinstance(head.session.start, datetime) and head.session.start.tzinfo is not None
    if plan.start is not None and not says_its_offset and plan.start.utcoffset() != plan.start.replace(fold=1).utcoffset():
        yield _error(
            loaded,
            key,
            "conflict",
            f"{plan.start:%Y-%m-%d %H:%M:%S} is twice or never in {head.time_zone}: the clocks were changed then",
            "write the start with its offset from UTC, such as 2024-10-27 02:30:00+02:00",
        )


def _check_age(plan: Plan) -> Iterator[Finding]:
    """An animal is born before its session."""
    born = plan.head.subject.born if plan.loaded.head is not None else None
    if plan.start is not None and isinstance(born, date) and born > plan.start.date():
        message = f"{born} is after the session ({plan.start.date()})"
        yield _error(plan.loaded, "subject.born", "conflict", message, "which of the two dates is wrong?")


def _check_clocks(plan: Plan) -> Iterator[Finding]:
    """Each source with times of its own must be on the session's clock by a line or by a statement, and no other may state one."""
    for name, entry in plan.loaded.sources.items():
        said = "clock" if entry.clock is not None else "starts" if entry.starts is not None else None
        key = f"sources.{name}.{said}"
        if said is None or name not in plan.headers:
            continue
        if name == plan.reference:
            message = f"`{said}` says when {name} began, and the session itself starts from it"
            yield _error(plan.loaded, key, "conflict", message, f"leave `{said}` out, or let the session start from another source")
        elif plan.headers[name].span is None:
            yield _error(plan.loaded, key, "conflict", f"{name} has no times that `{said}` could be of", f"leave `{said}` out")
    for name, entry in timed_roots(plan).items():
        if name == plan.reference or entry.clock is not None or entry.starts is not None or name not in plan.headers:
            continue
        if counterpart(plan, name) is not None:  # by the headers: `check_run_starts`
            continue
        if _is_clock_blank(plan, name):
            continue
        remedy = "state `clock: <recording>/<channel>` whose pulses tick for its frames, or `starts: 2.5 s after <source>`"
        if plan.reference is None:
            remedy += f"; or let the session start from it, `start: from {name}`"
        message = f"nothing says how the clock of {name} relates to the session's ({_clock_of_session(plan)})"
        yield _error(plan.loaded, f"sources.{name}", "gap", message, remedy)


def _clock_of_session(plan: Plan) -> str:
    if plan.reference is not None:
        return f"that of {plan.reference}"
    return "not known either" if plan.start is None else "that of its stated start"


def _is_clock_blank(plan: Plan, name: str) -> bool:
    """Whether a blank asks for the clock of a source: its own, or that of a start which the session may take from it."""
    asked = {f"sources.{name}.clock", f"sources.{name}.starts"}
    return bool(asked & plan.loaded.blanks) or (plan.reference is None and "session.start" in plan.loaded.blanks)


def _check_own_channels(plan: Plan) -> Iterator[Finding]:
    """What `clock` says of a channel of the source itself must be of a recording that has this channel."""
    for name, entry in plan.loaded.sources.items():
        header, line = plan.headers.get(name), entry.line
        if header is None or line is None:
            continue
        if line.own is None:
            for word in ("barcode", "begins"):
                if getattr(line, word) is not None:
                    message = f"`{word}` is of pulses that two recordings have; which channel of {name} has them is not said"
                    yield _error(plan.loaded, f"sources.{name}.clock.{word}", "gap", message, "state `own: <channel>`")
        elif not isinstance(header, Recording):
            message = f"`own: {line.own}`: {name} is no recording with channels; the pulses of `line` are counted for its frames"
            yield _error(plan.loaded, f"sources.{name}.clock.own", "conflict", message, "leave `own` out")
        elif named(line.own, header.parts) is None:
            message = f"{name} has no channel {line.own!r}"
            yield _error(plan.loaded, f"sources.{name}.clock.own", "dangling reference", message, nearest(line.own, header.parts))


def _check_parts(plan: Plan) -> Iterator[Finding]:
    """A channel that is named must be there."""
    for name in plan.loaded.order:
        for key, ref in references(plan.loaded.sources[name]).items():
            header = plan.headers.get(ref.name)
            if header is None:
                continue
            if key == "clock" and ref.part is None:
                message, remedy = f"`{ref}` names no channel", f"write {ref.name}/<channel>"
            elif ref.part is not None and not header.parts:
                message, remedy = f"{ref.name} has no parts that could be named", f"write {ref.name}"
            elif ref.part is not None and named(ref.part, header.parts) is None:
                what = "channel" if isinstance(header, Recording | Movie) else "part"
                near = get_close_matches(ref.part, header.parts, n=1)
                perhaps = f"did you mean `{ref.name}/{near[0]}`? " if near else ""
                message, remedy = f"{ref.name} has no {what} {ref.part!r}", f"{perhaps}{what}s: {', '.join(header.parts)}"
            else:
                continue
            yield _error(plan.loaded, f"sources.{name}.{key}", "dangling reference", message, remedy)


OF_ANOTHER_DAY = timedelta(days=1)
"""How far an instrument's clock may be from the session's where a person states when it began: it may be off by hours, and still a
file of another day is another file."""


def _check_instrument_clocks(plan: Plan) -> Iterator[Finding]:
    """The instruments' own wall clocks, against the start of the session, or of the run as its reference's header says it."""
    head = plan.loaded.head
    if head is None or plan.start is None or not plan.time_of_day_known:
        return
    stated_tolerance = timedelta(seconds=head.session.tolerance.to("s"))
    for name, header in plan.headers.items():
        says_the_start = name == plan.reference and not isinstance(head.session.start, datetime)
        start, of = _start_of_run(plan, name)
        entry = plan.loaded.sources[name]
        if header.start is None or start is None or says_the_start or entry.pulses.burst is not None:
            continue
        difference = header.start - start
        tolerance = stated_tolerance if entry.starts is None else max(stated_tolerance, OF_ANOTHER_DAY)
        beyond = abs(difference) > tolerance
        if not beyond and (not difference or entry.starts is not None):
            continue
        by = f"{difference.days:+d} d" if abs(difference) > timedelta(days=2) else f"{difference.total_seconds():+.0f} s"
        yield Finding(
            severity="warning" if beyond else "note",
            check="conflict" if beyond else "instrument clock",
            location=plan.loaded.place(f"sources.{name}"),
            message=f"its own clock says {header.start:%Y-%m-%d %H:%M:%S}, {by} from the start of {of}"
            + (f", and it is stated that it starts {entry.starts.text}" if entry.starts is not None else ""),
            remedy="is this the right file? State `session.tolerance` if the clocks disagree so far" if beyond else "",
        )


def _start_of_run(plan: Plan, name: str) -> tuple[datetime | None, str]:
    """When the run of a source started by the clock of the session's reference, if that is known, and whose start it is."""
    run, own = plan.loaded.sources[name].run, plan.loaded.sources[plan.reference].run if plan.reference is not None else None
    if run in (None, own):
        return plan.start.replace(tzinfo=None) if plan.start is not None else None, "the session"
    references = (one for one in plan.headers if plan.loaded.sources[one].run == run and counterpart(plan, one) is not None)
    return next((plan.headers[one].start for one in references), None), f"the run {run}"


def _check_bursts(plan: Plan) -> Iterator[Finding]:
    """Sources that are each timed by a burst of one line began in the order of their bursts, by their own clocks."""
    timed = [
        (entry.clock, entry.pulses.burst, header.start, name)
        for name, entry in plan.loaded.sources.items()
        if (header := plan.headers.get(name)) is not None and header.start is not None and entry.clock is not None
        if entry.pulses.burst is not None
    ]
    for clock, burst, start, name in timed:
        for other_clock, other_burst, other_start, other in timed:
            if clock != other_clock or (start.tzinfo is None) != (other_start.tzinfo is None):
                continue
            apart = (other_start - start).total_seconds()
            own = f"its own clock says {start:%H:%M:%S}, that of {other} {other_start:%H:%M:%S}"
            if burst[0] > other_burst[1] and apart > 1:
                said = f"{own}, but {other} is timed by an earlier burst of {clock}", "are the two bursts exchanged?"
            elif burst == other_burst and apart > 1:
                said = f"{own}, but both are timed by the same burst of {clock}", "which burst is whose?"
            else:
                continue
            yield Finding(
                severity="warning",
                check="conflict",
                location=plan.loaded.place(f"sources.{name}.burst"),
                message=said[0],
                remedy=f"{said[1]} Then all times of one or both are wrong",
            )


def _check_entries(plan: Plan) -> Iterator[Finding]:
    """What each room finds between a header and what is stated; a source whose values are not read yet has no record here."""
    for name, source in plan.loaded.sources.items():
        if name in plan.headers or source.format.reads_values:
            yield from _check_entry(plan, name, plan.headers)


def check_values(plan: Plan, records: Mapping[str, Record]) -> Iterator[Finding]:
    """What each room finds in the sources that headers say nothing of: light on a channel, say, once its pulses are read.

    Parameters
    ----------
    plan : Plan
        What its findings say already is not said again.
    records : mapping of str to Record
        The sources as read.
    """
    for name, source in plan.loaded.sources.items():
        if name in records and source.format.reads_values:
            yield from (one for one in _check_entry(plan, name, records) if one not in plan.findings)


def _check_entry(plan: Plan, name: str, records: Mapping[str, Record]) -> Iterator[Finding]:
    source = plan.loaded.sources[name]
    check = load_checks().get(source.format.record)
    if source.confirms is not None or check is None or not source.is_finished:
        return
    accounts = tuple(records[one] for one in plan.loaded.accounts_of(name) if one in records)
    entry = Entry[Any, Any](name=name, record=records.get(name), stated=source.stated, source=source.source, accounts=accounts)
    for finding in check(entry, plan.loaded.collections):
        key = f"sources.{name}.{finding.location}".rstrip(".")
        if finding.check != "gap" or key not in plan.loaded.blanks:
            yield replace(finding, location=plan.loaded.place(key))


def _check_accounts(plan: Plan) -> Iterator[Finding]:
    """Another account of a source is compared with one that is written, of a kind that can have several."""
    for name, source in plan.loaded.sources.items():
        if source.confirms is None:
            continue
        key, other = f"sources.{name}.confirms", plan.loaded.sources.get(source.confirms.name)
        if source.format.record not in load_confirmations():
            message = f"{source.format.label} is not compared with other accounts of the same"
            yield _error(plan.loaded, key, "reserved", message, "leave `confirms` out; light can have several accounts")
        elif source.confirms.part is not None:
            yield _error(
                plan.loaded, key, "value", f"`{source.confirms}` names a part", f"write `confirms: {source.confirms.name}`"
            )
        elif other is not None and other.confirms is not None:
            message = f"{other.name} is itself an account of {other.confirms}, and not written"
            yield _error(plan.loaded, key, "conflict", message, f"write `confirms: {other.confirms}`")


def _tables_of_lines(plan: Plan) -> Iterator[tuple[tuple[str, str], str]]:
    """Where the pulses of each clock line are written, and of which recording they are."""
    for source in plan.loaded.sources.values():
        clock = source.clock
        header = plan.headers.get(clock.name) if clock is not None else None
        if clock is None or clock.part is None or not isinstance(header, Recording) or named(clock.part, header.parts) is None:
            continue
        yield ("events", pulses_name(clock.name, header, clock.part)), clock.name


def _check_object_names(plan: Plan) -> Iterator[Finding]:
    """Two sources may not be written under one name: ``movie`` with two channels, and ``movie_ch1``."""
    writers = dict(_tables_of_lines(plan))
    for name, source in plan.loaded.sources.items():
        header = plan.headers.get(name)
        names_of = load_names().get(source.format.record)
        if source.confirms is not None or names_of is None or (header is None and not source.format.reads_values):
            continue
        entry = Entry[Any, Any](name=name, record=header, stated=source.stated, source=source.source)
        for place, written in names_of(entry):
            other = writers.setdefault((place, written), name)
            if other != name:
                message = f"{name} writes an object {written!r}, and so does {other}"
                yield _error(plan.loaded, f"sources.{name}", "conflict", message, "give one of the two another name")
                break
