"""Stated times that cannot be, as far as headers and dates show it: before anything is put on the session's clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel

from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.moments import Moment, Reference, day_difference
from bergmann.moments.grammar import Frame, Tag
from bergmann.plan.references import MomentUse, uses
from bergmann.plan.session import LoadedSession
from bergmann.records import LightPulses, Record, Recording
from bergmann.texts import folded
from bergmann.timing.times import Times


@dataclass(frozen=True)
class _Days:
    """The day of the session and those of its procedures."""

    loaded: LoadedSession
    session_date: date

    def date_of_procedure(self, name: str) -> date | Literal["unknown"] | None:
        procedure: Any = self.loaded.collections.get("procedures", {}).get(name)
        return None if procedure is None else procedure.date


def check_stated_times(loaded: LoadedSession, headers: Mapping[str, Record], session_date: date | None) -> Iterator[Finding]:
    """Check time points against the dates, and frames and tags that times name against the headers.

    Parameters
    ----------
    loaded : LoadedSession
    headers : mapping of str to Record
        Of a source that is not among them nothing is said.
    session_date : date or None
        Local date of the session, if it is known.
    """
    for use in _moments(loaded):
        if session_date is not None and use.key.endswith(".timepoint"):
            yield from _check_day(loaded, use, _Days(loaded, session_date))
        try:
            _refuse_missing(use.moment, loaded, headers)
        except SourceError as error:
            yield _error(loaded, use.key, str(error), "correct the time")


def _moments(loaded: LoadedSession) -> Iterator[MomentUse]:
    """Every time that is stated of sources, drugs, states and invalid stretches."""
    models: list[tuple[str, BaseModel]] = [
        (f"{kind}.{name}", one) for kind, entries in loaded.collections.items() for name, one in entries.items()
    ]
    models += [(f"sources.{name}", entry.stated) for name, entry in loaded.sources.items()]
    models += [(f"invalid.{name}", one) for name, one in loaded.invalid.items()]
    for key, model in models:
        yield from (use for use in uses(model, key) if isinstance(use, MomentUse))
    for name, entry in loaded.sources.items():
        if entry.starts is not None:
            yield MomentUse(f"sources.{name}.starts", entry.starts)


def _check_day(loaded: LoadedSession, use: MomentUse, days: _Days) -> Iterator[Finding]:
    """A time point says the day of its session."""
    off = day_difference(use.moment, days)
    if off:
        apart = f"{abs(off)} {'day' if abs(off) == 1 else 'days'} {'after' if off > 0 else 'before'}"
        message = f"the session ({days.session_date}) is {apart} `{use.moment.text}` by the dates that are stated"
        yield _error(loaded, use.key, message, "correct the time point, the date of the procedure, or the start of the session")


def _refuse_missing(moment: Moment, loaded: LoadedSession, headers: Mapping[str, Record]) -> None:
    """Refuse a frame or a tag that is not in what it is said of.

    Raises
    ------
    SourceError
    """
    form = moment.form
    if not isinstance(form, Frame | Tag):
        return
    found = [headers[name] for name in loaded.runs.entries(form.of) if name in headers]
    if isinstance(form, Frame) and len(found) == 1:
        frames_with(found[0], form.of, form.number)
    recordings = [one for one in found if isinstance(one, Recording)]
    if isinstance(form, Tag) and recordings and len(recordings) == len(loaded.runs.entries(form.of)):
        tags = [text for one in recordings for text in one.tags]
        if folded(form.text) not in {folded(text) for text in tags}:
            listing = ", ".join(f'"{text}"' for text in tags) or "no tags"
            raise SourceError(f"`{moment.text}`: no tag of that text; {form.of} has: {listing}")


def frames_with(record: Record, reference: Reference, number: int) -> tuple[Times, int]:
    """The times of the frames of a record, and how many frames lie before the first that is used.

    Parameters
    ----------
    record : Record
    reference : Reference
        What it is called.
    number : int
        A frame of it, counted from 1.

    Raises
    ------
    SourceError
        If it has no frames, or not this one.
    """
    times: Times | None = getattr(record, "times", None)
    if times is None or isinstance(record, Recording | LightPulses):  # of samples, of pulses
        raise SourceError(f"{reference} has no frames")
    before: int = getattr(record, "before", 0)
    if not before < number <= before + len(times):
        used = getattr(record, "used", None)
        there = f"has {len(times)} frames; there is no frame {number}" if used is None else f"is used in {used}, not {number}"
        raise SourceError(f"{reference} {there}")
    return times, before


def _error(loaded: LoadedSession, key: str, message: str, remedy: str) -> Finding:
    return Finding(severity="error", check="conflict", location=loaded.place(key), message=message, remedy=remedy)
