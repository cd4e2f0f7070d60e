"""When a stated time was, on the session's clock, and how that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from math import isnan, nan
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.moments.grammar import Day, Edge, Form, Frame, Moment, NotKnown, Occurrence, Reference, Shift, Tag, WallClock
from bergmann.texts import folded

Basis = Literal["recorded", "tag", "notebook", "protocol", "unknown"]


HALF_A_DAY = 43200.0
"""How far, in seconds, any second of a day is from its noon at most."""


@dataclass(frozen=True)
class When:
    """A time on the session's clock, and how it is known.

    Attributes
    ----------
    seconds : float
        Seconds after the session's start (negative: before); NaN if unknown.
    basis : {"recorded", "tag", "notebook", "protocol", "unknown"}
        How the time is known.
    uncertainty : float
        Half width in seconds; NaN if not stated.
    """

    seconds: float
    basis: Basis
    uncertainty: float = nan


class Dates(Protocol):
    """What a session knows of its days."""

    @property
    def session_date(self) -> date:
        """Local date on which the session started."""
        ...

    def date_of_procedure(self, name: str) -> date | Literal["unknown"] | None:
        """Date of a procedure; None if no procedure has that name."""
        ...


class Anchors(Dates, Protocol):
    """What a session knows of its times; all seconds are on the session's clock."""

    def span(self, reference: Reference) -> tuple[When, When]:
        """Start and end of a source, a run or a drug (end NaN where it has none); raises `SourceError` for another name.

        A source's are ``When(seconds, "recorded")``; a drug's are its own resolved times.
        """
        ...

    def frame_time(self, reference: Reference, number: int) -> float:
        """Start of a frame of a source, counted from 1; raises `SourceError` where there is none of that number."""
        ...

    def pulses(self, reference: Reference) -> NDArray[np.float64]:
        """Onsets of the pulses on a channel (or of a source of them), shape (n_pulses,), ascending; of all runs if several."""
        ...

    def events(self, reference: Reference) -> NDArray[np.float64]:
        """Onsets of the events of a source, shape (n_events,), ascending, those of all runs if several."""
        ...

    def tags(self, reference: Reference) -> Sequence[tuple[str, float]]:
        """All tags of a source, as (text, seconds), those of all runs if several."""
        ...

    def wall_clock(self, at: time | datetime) -> float:
        """Seconds of a naive local time; a time of day without a date lies on the session's date."""
        ...


def resolve(moment: Moment, anchors: Anchors) -> tuple[When, ...]:
    """When a stated time was.

    Parameters
    ----------
    moment : Moment
    anchors : Anchors
        The session's sources, drugs, procedures and clock.

    Returns
    -------
    tuple of When
        One, or one for each event of ``each event of``. A time that is only known to the day is the noon of that day, with half
        a day of uncertainty. A half width that the person states replaces any other.

    Raises
    ------
    SourceError
        If a tag, pulse, event or frame is not there, or a tag is there more than once; the message lists what there is.
    """
    found = _resolve(moment, anchors)
    if not isnan(moment.uncertainty):
        return tuple(replace(when, uncertainty=moment.uncertainty) for when in found)
    return found


def _resolve(moment: Moment, anchors: Anchors) -> tuple[When, ...]:
    match moment.form:
        case NotKnown():
            return (When(nan, "unknown"),)
        case WallClock(at):
            return (When(anchors.wall_clock(at), "notebook"),)
        case Day(day):
            return (_noon(day, "notebook", anchors),)
        case Frame(number, of):
            return (When(anchors.frame_time(of, number), "recorded"),)
        case Occurrence() as form:
            return _occurrences(moment, form, anchors)
        case Tag() as form:
            return (When(_tag_time(moment, form, anchors), "tag"),)
        case Edge() as edge:
            return (_edge_time(edge, anchors),)
        case Shift() as form:
            return (_shifted(form, anchors),)


def _noon(day: date, basis: Basis, anchors: Anchors) -> When:
    return When(anchors.wall_clock(datetime.combine(day, time(12))), basis, HALF_A_DAY)


def _edge_time(edge: Edge, anchors: Anchors) -> When:
    name = edge.of.name
    if name == "session" and edge.edge == "start":
        return When(0.0, "protocol")
    procedure = anchors.date_of_procedure(name)
    if procedure is None:
        return anchors.span(edge.of)[edge.edge == "end"]
    return When(nan, "unknown") if isinstance(procedure, str) else _noon(procedure, "protocol", anchors)


def _shifted(form: Shift, anchors: Anchors) -> When:
    day = _day_of(form, anchors)
    if day is not None and form.edge.of.name != "session":
        return _noon(day, "protocol", anchors)
    start = _edge_time(form.edge, anchors)
    uncertainty = HALF_A_DAY if form.delay.in_days else start.uncertainty
    return When(start.seconds + form.sign * form.delay.seconds, start.basis, uncertainty)


def _occurrences(moment: Moment, form: Occurrence, anchors: Anchors) -> tuple[When, ...]:
    times = anchors.pulses(form.of) if form.what == "pulse" else anchors.events(form.of)
    if not len(times):
        raise SourceError(f"`{moment.text}`: there is no {form.what} in {form.of}")
    chosen = {"first": times[:1], "last": times[-1:], "each": times}[form.which]
    return tuple(When(float(seconds), "recorded") for seconds in chosen)


def _tag_time(moment: Moment, form: Tag, anchors: Anchors) -> float:
    tags = anchors.tags(form.of)
    times = [seconds for text, seconds in tags if folded(text) == folded(form.text)]
    if len(times) == 1:
        return times[0]
    listing = ", ".join(f'"{text}" at {seconds:.2f} s' for text, seconds in tags) or "no tags"
    count = "no tag of that text" if not times else f"{len(times)} tags of that text"
    remedy = "" if not times else "; state the time of the one that is meant, or its run where there are runs"
    raise SourceError(f"`{moment.text}`: {count}; {form.of} has: {listing}{remedy}")


# --- days -------------------------------------------------------------------------------------------------------------


def _day_of(form: Form, anchors: Dates) -> date | None:
    """The day that a time says, where it says a day."""
    if isinstance(form, Day):
        return form.date
    if isinstance(form, Shift) and form.delay.in_days:
        name = form.edge.of.name
        start = anchors.session_date if name == "session" else anchors.date_of_procedure(name)
        return start + form.sign * timedelta(days=form.delay.days) if isinstance(start, date) else None
    return None


def day_difference(moment: Moment, anchors: Dates) -> int | None:
    """How many days the session was after the day that a time point says.

    Returns
    -------
    int or None
        0 if ``7 d after sni`` and the dates of the session and of ``sni`` agree, 1 if the session was a day later; None if the
        time point is not a day, or the procedure's date is unknown.
    """
    day = _day_of(moment.form, anchors)
    return None if day is None else (anchors.session_date - day).days
