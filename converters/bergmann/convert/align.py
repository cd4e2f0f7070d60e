"""Read every source of a plan and put it on the session's clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bergmann.convert.anchors import SessionAnchors
from bergmann.convert.beyond import limited
from bergmann.convert.tie import tie
from bergmann.errors import SessionError, SourceError
from bergmann.findings import Finding
from bergmann.moments import Moment, When, resolve
from bergmann.plan.frame_clock import check_burst_start, findings_of_fit, fit_source
from bergmann.plan.line_reading import line_pulses, readings_of
from bergmann.plan.resolve import Plan, inputs_of, timed_roots
from bergmann.plan.run_times import check_run_order, counterpart, fit_by_headers
from bergmann.plan.session import SourceEntry
from bergmann.pulses import GLITCHES, RecordedPulses
from bergmann.records import Record, Recording
from bergmann.registry import Entry, load_confirmations
from bergmann.stated import Ref
from bergmann.timing.fit import ClockFit


@dataclass(frozen=True)
class Aligned:
    """The records of a session, on one clock.

    Attributes
    ----------
    plan : Plan
    records : dict of str to Record
        In reading order, times in seconds after the session's start.
    fits : dict of str to ClockFit
        How each source with times of its own was put there.
    lines : dict of str to RecordedPulses
        The pulses of each clock line, by what fits call it (``"daq/FrameClock"``), whether or not a source could be fitted to them.
    differences : dict of str to tuple of Finding
        What each further account of a source says otherwise.
    """

    plan: Plan
    records: dict[str, Record] = field(default_factory=dict)
    fits: dict[str, ClockFit] = field(default_factory=dict)
    lines: dict[str, RecordedPulses] = field(default_factory=dict)
    differences: dict[str, tuple[Finding, ...]] = field(default_factory=dict)

    def when(self, moment: Moment) -> tuple[When, ...]:
        """When a stated moment was, on the session's clock."""
        return resolve(moment, SessionAnchors(self.plan, self.records))

    def findings(self) -> tuple[Finding, ...]:
        """What the fits show (frames not used, an unsteady clock, events far from pulses), and where two accounts differ."""
        found = [one for several in self.differences.values() for one in several]
        for name, record in self.records.items():
            if GLITCHES in record.notes:
                place = self.plan.loaded.origin(f"sources.{name}.minimum_width").text
                remedy = "were these no events? Then this is right; else state a shorter `minimum_width`"
                message = record.notes[GLITCHES]
                found.append(Finding(severity="warning", check=GLITCHES, location=place, message=message, remedy=remedy))
        for name, fit in self.fits.items():
            place = self.plan.loaded.origin(f"sources.{name}.clock").text
            record = self.records[name]
            if fit.remark and isinstance(record, Recording):
                remedy = "its samples carry this error, which the clock table states"
                found.append(Finding(severity="warning", check="clock residual", location=place, message=fit.remark, remedy=remedy))
                fit = replace(fit, remark="")
            found += findings_of_fit(name, fit, record.clock_times, place)
            found += check_burst_start(self.plan, name, fit)
        return tuple(found)

    def misplaced(self) -> tuple[Finding, ...]:
        """Runs that would begin before the session, or overlap in time."""
        roots = timed_roots(self.plan)
        spans = {name: span for name, one in self.records.items() if name in roots and (span := one.span) is not None}
        return tuple(check_run_order(self.plan, self.records, spans))


def align(plan: Plan) -> Aligned:
    """Read the sources of a complete plan in order, each put on the session's clock before what is derived from it is read.

    Raises
    ------
    SessionError
        If a source cannot be read, its frames do not match the pulses of its clock line, or two runs overlap in time; the finding
        is at the source.
    """
    aligned = Aligned(plan)
    for name in plan.loaded.order:
        entry = plan.loaded.sources[name]
        try:
            inputs = inputs_of(entry, aligned.records)
            put(aligned, entry, entry.read(inputs), is_derived=bool(inputs))
        except SourceError as error:
            place = plan.loaded.place(f"sources.{name}")
            raise SessionError(
                [Finding(severity="error", check="source", location=place, message=error.found, remedy=error.remedy)]
            ) from error
    if misplaced := aligned.misplaced():
        raise SessionError(misplaced)
    return aligned


def put(aligned: Aligned, entry: SourceEntry, record: Record, *, is_derived: bool) -> None:
    """Put what a source says on the session's clock; another account of a source is compared with that one.

    Parameters
    ----------
    aligned : Aligned
        Takes the record.
    entry : SourceEntry
    record : Record
        On the source's own clock, or on that of what it is derived from.
    is_derived : bool

    Raises
    ------
    SourceError
        As `fit_clock`, if it has times too far outside of the pulses, or if two accounts are not of the same.
    """
    name = entry.name
    is_placed = is_derived or (entry.confirms is not None and entry.clock is None and entry.starts is None)
    if not is_placed and record.span is not None:
        fit = _of_whole_line(fit_clock(aligned, name, entry, record), record, aligned)
        stated = None if entry.line is None else entry.line.extrapolate
        fit = limited(fit, record, source=name, stated=stated, is_said=entry.pulses.missing_pulses is not None)
        aligned.fits[name] = fit
        record = put_on_clock(record, fit)
    if entry.confirms is not None:
        record = _confirm(aligned, entry, entry.confirms, record, is_placed=is_derived or name in aligned.fits)
    aligned.records[name] = record


def _confirm(aligned: Aligned, entry: SourceEntry, other: Ref[Record], record: Record, *, is_placed: bool) -> Record:
    """Compare an account with the source that it confirms, which takes what only the account knows; gives the account."""
    confirmed = aligned.plan.loaded.sources[other.name]
    entries = (
        Entry[Any, Any](name=one.name, record=said, stated=one.stated, source=one.source)
        for one, said in ((confirmed, aligned.records[other.name]), (entry, record))
    )
    found = load_confirmations()[entry.format.record].confirm(*entries, is_placed=is_placed)
    place = aligned.plan.loaded.place
    aligned.records[other.name] = found.record
    if found.fit is not None:
        aligned.fits[entry.name] = found.fit
    aligned.differences[entry.name] = tuple(
        replace(one, location=place(f"sources.{entry.name}.{one.location}".rstrip("."))) for one in found.findings
    )
    account: Record = found.account
    return account


def fit_clock(aligned: Aligned, name: str, entry: SourceEntry, record: Record) -> ClockFit:
    """How the source's clock relates to the session's.

    Raises
    ------
    SourceError
        If its clock line does not have one pulse a frame or is on when the recording begins, a stated start is not one time, or
        nothing says it.
    """
    if name == aligned.plan.reference:
        return ClockFit(method="this clock is the session's", offset=0.0, reference=name)
    if entry.clock is not None:
        return _fit_line(aligned, entry, entry.clock, record)
    reference = counterpart(aligned.plan, name)
    if entry.starts is None and reference is not None:
        return fit_by_headers(aligned.plan, name, reference, record)
    if entry.starts is None:
        raise SourceError(f"nothing says how the clock of {name} relates to the session's")
    whens = aligned.when(entry.starts)
    if len(whens) != 1 or not np.isfinite(whens[0].seconds):
        raise SourceError(f"`starts: {entry.starts.text}` is {len(whens)} times or an unknown one; expected one")
    return ClockFit(method=f"stated: starts {entry.starts.text}", offset=whens[0].seconds, reference=entry.starts.text)


def _fit_line(aligned: Aligned, entry: SourceEntry, clock: Ref[Recording], record: Record) -> ClockFit:
    recording = aligned.records[clock.name]
    if not isinstance(recording, Recording) or clock.part is None:
        raise SourceError(f"`clock: {clock}` is not a channel of a recording")
    line = entry.line
    if line is not None and line.own is not None and isinstance(record, Recording):
        return tie(record, recording, line, source=entry.name, begins=_begin(aligned, line.begins))
    if record.clock_times is None:
        hint = f"; state `pulses:`, what of {entry.name} the line showed" if "pulses" in type(entry.source).model_fields else ""
        if isinstance(record, Recording) and not hint:
            hint = f". State `own: <channel>`, a channel of {entry.name} that had the same pulses"
        raise SourceError(f"`clock: {clock}`: {entry.name} has no frames that a line could tick for{hint}")
    if str(clock) not in aligned.lines or (line is not None and line.is_read_as_stated):  # one line may tick for two cameras
        aligned.lines[str(clock)] = line_pulses(recording, line, clock.part)
    pulses = aligned.lines[str(clock)]
    fit = fit_source(entry, record, recording, clock, pulses)
    return replace(fit, readings=readings_of(pulses, str(clock), line))


def _begin(aligned: Aligned, stated: Moment | None) -> When | None:
    """When a recorder began, as a person says; None where nobody does."""
    if stated is None:
        return None
    whens = aligned.when(stated)
    if len(whens) != 1 or not np.isfinite(whens[0].seconds):
        raise SourceError(f"`begins: {stated.text}` is {len(whens)} times or an unknown one; expected one")
    return whens[0]


def _of_whole_line(fit: ClockFit, record: Record, aligned: Aligned) -> ClockFit:
    """The fit, with the frames and pulses that it does not use among its ties."""
    line, own = aligned.lines.get(fit.reference), record.clock_times
    if fit.ties is None or line is None or own is None:
        return fit
    return replace(fit, ties=fit.ties.among(own.seconds, line.times.seconds))


def put_on_clock(record: Record, fit: ClockFit) -> Record:
    """The record with its times on the session's clock, as fitted."""
    return record.aligned(fit.offset) if fit.clock is None else record.mapped(fit.clock)
