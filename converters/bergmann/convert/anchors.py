"""What a session knows of its times, for the grammar of times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from math import nan
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SessionError, SourceError
from bergmann.moments import Moment, Reference, When, resolve
from bergmann.plan.resolve import Plan
from bergmann.pulses import recorded_pulses, refuse_faint
from bergmann.records import Events, GlialEvents, LightPulses, Record, Recording


@dataclass(frozen=True)
class SessionAnchors:
    """The sources that are on the session's clock so far, its drugs, its procedures and its wall clock.

    Attributes
    ----------
    plan : Plan
    records : mapping of str to Record
        On the session's clock.
    """

    plan: Plan
    records: Mapping[str, Record]

    @property
    def start(self) -> datetime:
        """When the session started, with its zone."""
        if self.plan.start is None:
            raise SessionError(self.plan.findings)
        return self.plan.start

    @property
    def session_date(self) -> date:
        """Local date on which the session started."""
        return self.start.date()

    def span(self, name: str) -> tuple[When, When]:
        """Start and end of a source (all that was recorded of it), of a drug, or of the whole session."""
        if name == "session":
            ends = [record.span[1] for record in self.records.values() if record.span is not None]
            return When(0.0, "recorded"), When(max(ends, default=nan), "recorded")
        if name in self.records:
            span = self.records[name].recorded
            if span is None:
                raise SourceError(f"{name} has no times that something could be before or after")
            return When(span[0], "recorded"), When(span[1], "recorded")
        drug = self.plan.loaded.collections.get("drugs", {}).get(name)
        if drug is None:
            raise SourceError(f"there is no source and no drug {name!r} to count a time from")
        return self._drug_span(drug)

    def _drug_span(self, drug: Any) -> tuple[When, When]:
        """First start and last end of a drug; the end is NaN where none is stated."""
        start: Moment | None = drug.at or drug.from_
        starts = resolve(start, self) if start is not None else (When(nan, "unknown"),)
        ends = resolve(drug.to, self) if drug.to is not None else (When(nan, "unknown"),)
        return starts[0], ends[-1]

    def date_of_procedure(self, name: str) -> date | Literal["unknown"] | None:
        """Date of a procedure; None if no procedure has that name."""
        procedure: Any = self.plan.loaded.collections.get("procedures", {}).get(name)
        return None if procedure is None else procedure.date

    def frame_time(self, name: str, number: int) -> float:
        """Start of a frame of a source, counted from 1."""
        record = self._record(name)
        times = getattr(record, "times", None)
        if times is None:
            raise SourceError(f"{name} has no frames")
        before = getattr(record, "before", 0)
        if not before < number <= before + len(times):
            used = getattr(record, "used", None)
            there = f"has {len(times)} frames; there is no frame {number}" if used is None else f"is used in {used}, not {number}"
            raise SourceError(f"{name} {there}")
        return float(times.part(number - before - 1, number - before).first)

    def pulses(self, reference: Reference) -> NDArray[np.float64]:
        """Onsets of the pulses on a channel, or of a source of light pulses or events, in seconds."""
        record = self._record(reference.name)
        if isinstance(record, Recording):
            if reference.part is None:
                raise SourceError(f"{reference} names no channel; it has: {', '.join(record.parts)}")
            pulses = recorded_pulses(record, reference.part)
            refuse_faint(pulses, str(reference), "Make it a source with `threshold:`, and write `event of` that source")
            if pulses.on_at_start.any():
                raise SourceError(f"{reference}: on when the recording (or a sweep) began; when that pulse began is not known")
            return pulses.times.seconds
        return self.events(reference.name)

    def events(self, name: str) -> NDArray[np.float64]:
        """Onsets of all events of a source, ascending, in seconds."""
        record = self._record(name)
        if isinstance(record, LightPulses):
            return record.times.seconds
        if isinstance(record, Events):
            onsets: NDArray[np.float64] = np.sort(np.concatenate([one.times.seconds for one in record.series]))
            return onsets
        if isinstance(record, GlialEvents):
            return np.sort(record.onsets)
        raise SourceError(f"{name} is a {type(record).__name__.lower()} and has no events")

    def tags(self, name: str) -> Sequence[tuple[str, float]]:
        """All tags of a recording, as (text, seconds)."""
        record = self._record(name)
        if not isinstance(record, Recording):
            raise SourceError(f"{name} is a {type(record).__name__.lower()} and has no tags")
        return [(text, float(second)) for text, second in zip(record.tags, record.tag_times.seconds, strict=True)]

    def wall_clock(self, at: time | datetime) -> float:
        """Seconds of a naive local time after the session's start."""
        if not self.plan.time_of_day_known:
            raise SourceError("a time of day says nothing in a session whose own time of day is not known")
        local = (at if isinstance(at, datetime) else datetime.combine(self.session_date, at)).replace(tzinfo=self.start.tzinfo)
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            raise SourceError(f"{local:%Y-%m-%d %H:%M:%S} is twice or never: the clocks were changed then; say it otherwise")
        # in UTC: Python takes two times of one zone from each other as if the clocks were never changed
        return (local.astimezone(UTC) - self.start.astimezone(UTC)).total_seconds()

    def _record(self, name: str) -> Record:
        if name not in self.records:
            raise SourceError(f"{name} is not on the session's clock yet; known: {', '.join(self.records) or 'nothing'}")
        return self.records[name]
