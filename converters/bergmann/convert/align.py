"""Read every source of a plan and put it on the session's clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bergmann.convert.anchors import SessionAnchors
from bergmann.convert.tie import line_pulses, readings_of, tie
from bergmann.errors import SessionError, SourceError
from bergmann.findings import Finding
from bergmann.moments import Moment, When, resolve
from bergmann.plan.resolve import Plan, inputs_of, timed_roots
from bergmann.plan.run_times import check_run_order, counterpart, fit_by_headers
from bergmann.plan.session import SourceEntry
from bergmann.plan.sources import ClockLine
from bergmann.pulses import GLITCHES
from bergmann.records import Record, Recording
from bergmann.registry import Entry, load_confirmations
from bergmann.stated import Ref
from bergmann.timing.fit import ClockFit, fit_pulses, fit_used
from bergmann.timing.times import Times


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
    differences : dict of str to tuple of Finding
        What each further account of a source says otherwise.
    """

    plan: Plan
    records: dict[str, Record] = field(default_factory=dict)
    fits: dict[str, ClockFit] = field(default_factory=dict)
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
            if fit.remark:
                check = "unsteady clock" if "no steady clock" in fit.remark else "frames not used"
                check = "clock residual" if isinstance(self.records[name], Recording) else check
                remedy = "is that so? If the line was recorded too late, all times of this source are wrong"
                found.append(Finding(severity="warning", check=check, location=place, message=fit.remark, remedy=remedy))
            if fit.readings:
                remedy = "are these what is meant? Every pulse counts for the clock of this source"
                found.append(Finding(severity="warning", check="line as read", location=place, message=fit.readings, remedy=remedy))
            times = self.records[name].clock_times
            if fit.n_pulses and times is not None and fit.residual > 0.5 * times.interval:
                found.append(
                    Finding(
                        severity="warning",
                        check="clock residual",
                        location=place,
                        message=f"after the fit, {name} is up to {fit.residual * 1e3:.1f} ms away from the pulses on "
                        f"{fit.reference}, more than half a frame",
                        remedy="its times in the file carry this error, which the clock table states",
                    )
                )
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
            raise SessionError([Finding(severity="error", check="source", location=place, message=str(error))]) from error
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
        As `fit_clock`, or if two accounts are not of the same.
    """
    name = entry.name
    is_placed = is_derived or (entry.confirms is not None and entry.clock is None and entry.starts is None)
    if not is_placed and record.span is not None:
        fit = fit_clock(aligned, name, entry, record)
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
    name = entry.name
    recording = aligned.records[clock.name]
    if not isinstance(recording, Recording) or clock.part is None:
        raise SourceError(f"`clock: {clock}` is not a channel of a recording")
    line = entry.line
    if line is not None and line.own is not None and isinstance(record, Recording):
        return tie(record, recording, line, source=name, begins=_begin(aligned, line.begins))
    if record.clock_times is None:
        remedy = f". State `own: <channel>`, a channel of {name} that had the same pulses" if isinstance(record, Recording) else ""
        raise SourceError(f"`clock: {clock}`: {name} has no frames that a line could tick for{remedy}")
    until = record.span[1] if entry.is_cut and record.span else None
    return fit_line(record.clock_times, name, recording, clock, until=until, stated=line)


def _begin(aligned: Aligned, stated: Moment | None) -> When | None:
    """When a recorder began, as a person says; None where nobody does."""
    if stated is None:
        return None
    whens = aligned.when(stated)
    if len(whens) != 1 or not np.isfinite(whens[0].seconds):
        raise SourceError(f"`begins: {stated.text}` is {len(whens)} times or an unknown one; expected one")
    return whens[0]


def fit_line(
    own: Times,
    name: str,
    recording: Recording,
    clock: Ref[Recording],
    *,
    until: float | None = None,
    stated: ClockLine | None = None,
) -> ClockFit:
    """How the clock of frames relates to that of a recording, one of whose lines ticked for them.

    Parameters
    ----------
    own : Times
        Of the frames, on their source's own clock, in seconds.
    name : str
        Of the source.
    recording : Recording
    clock : Ref
        The recording's name, and the channel.
    until : float, optional
        Time of the last frame that is used, where a person has said that not all are: only those up to it need a pulse.
    stated : ClockLine, optional
        How the line is read.

    Raises
    ------
    SourceError
        If there is not one pulse a frame, or the line is on when the recording begins.
    """
    pulses = line_pulses(recording, stated, clock.part or "")
    if len(pulses) and pulses.on_at_start[0]:
        raise SourceError(
            f"{clock}: on at its first sample, so when the first frame of {name} began is not known; was {clock.name} started "
            f"after {name}, or does the line rest high?"
        )
    seconds, resolution = pulses.times.seconds, 1 / recording.rate
    if until is None or len(own) == len(seconds):
        fit = fit_pulses(own, seconds, resolution=resolution, source=name, line=str(clock))
    else:
        fit = fit_used(own, seconds, until=until, resolution=resolution, source=name, line=str(clock))
    return replace(fit, readings=readings_of(pulses, str(clock), stated))


def put_on_clock(record: Record, fit: ClockFit) -> Record:
    """The record with its times on the session's clock, as fitted."""
    return record.aligned(fit.offset) if fit.clock is None else record.mapped(fit.clock)
