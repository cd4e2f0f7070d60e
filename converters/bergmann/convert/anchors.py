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
from bergmann.plan.stated_times import frames_with
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

    def span(self, reference: Reference) -> tuple[When, When]:
        """Start and end of a source or a run (all that was recorded of it), of a drug, or of the whole session."""
        runs = self.plan.loaded.runs
        meant = runs.bound(reference)
        if (meant.name, meant.run) == ("session", None):
            ends = [record.span[1] for record in self.records.values() if record.span is not None]
            return When(0.0, "recorded"), When(max(ends, default=nan), "recorded")
        drug = self.plan.loaded.collections.get("drugs", {}).get(meant.name) if meant.run is None else None
        if drug is not None and meant.name not in self.records:
            return self._drug_span(drug)
        if meant.run is None and meant.name in runs.sources and not runs.having(meant.name):
            start, end = self.run_span(meant.name)
            return When(start, "recorded"), When(end, "recorded")
        span = self._record(self._one(meant)).recorded
        if span is None:
            raise SourceError(f"{reference} has no times that something could be before or after")
        return When(span[0], "recorded"), When(span[1], "recorded")

    def run_span(self, run: str) -> tuple[float, float]:
        """First and last time of all that was recorded in a run, in seconds; of a file of which it takes `frames`, of these.

        Raises
        ------
        SourceError
            If one of its sources is not on the session's clock yet, or none has times.
        """
        entries = self.plan.loaded.runs.sources[run].values()
        taken = {
            entry: self.plan.loaded.sources[entry].frames is not None for entry in entries if entry in self.plan.loaded.sources
        }
        found = [self._record(entry).span if taken.get(entry) else self._record(entry).recorded for entry in entries]
        spans = [span for span in found if span is not None]
        if not spans:
            raise SourceError(f"nothing in the run {run} has times")
        return min(start for start, _ in spans), max(end for _, end in spans)

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

    def frame_time(self, reference: Reference, number: int) -> float:
        """Start of a frame of a source, counted from 1."""
        record = self._record(self._one(reference))
        times, before = frames_with(record, reference, number)
        return float(times.part(number - before - 1, number - before).first)

    def pulses(self, reference: Reference) -> NDArray[np.float64]:
        """Onsets of the pulses on a channel, or of a source of light or events, in seconds; of all runs where none is said."""
        meant = self.plan.loaded.runs.bound(reference)
        found = [self._pulses(entry, meant.part) for entry in self.plan.loaded.runs.entries(meant)]
        return np.sort(np.concatenate(found))

    def _pulses(self, name: str, part: str | None) -> NDArray[np.float64]:
        record = self._record(name)
        if not isinstance(record, Recording):
            return self._events(name)
        if part is None:
            raise SourceError(f"{name} names no channel; it has: {', '.join(record.parts)}")
        channel = f"{name}/{part}"
        pulses = recorded_pulses(record, part)
        refuse_faint(pulses, channel, "Make it a source with `threshold:`, and write `event of` that source")
        if pulses.on_at_start.any():
            raise SourceError(f"{channel}: on when the recording (or a sweep) began; when that pulse began is not known")
        return pulses.times.seconds

    def events(self, reference: Reference) -> NDArray[np.float64]:
        """Onsets of all events of a source, ascending, in seconds; of all runs where none is said."""
        return np.sort(np.concatenate([self._events(entry) for entry in self.plan.loaded.runs.entries(reference)]))

    def _events(self, name: str) -> NDArray[np.float64]:
        record = self._record(name)
        if isinstance(record, LightPulses):
            return record.times.seconds
        if isinstance(record, Events):
            onsets: NDArray[np.float64] = np.concatenate([one.times.seconds for one in record.series])
            return onsets
        if isinstance(record, GlialEvents):
            return np.sort(record.onsets)
        raise SourceError(f"{name} ({self._label(name)}) has no events")

    def tags(self, reference: Reference) -> Sequence[tuple[str, float]]:
        """All tags of a recording, as (text, seconds); of all runs where none is said."""
        return [tag for entry in self.plan.loaded.runs.entries(reference) for tag in self._tags(entry)]

    def _tags(self, name: str) -> Sequence[tuple[str, float]]:
        record = self._record(name)
        if not isinstance(record, Recording):
            raise SourceError(f"{name} ({self._label(name)}) has no tags")
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

    def _one(self, reference: Reference) -> str:
        """The only source that a reference names; `check` has said where it may be one of several."""
        entries = self.plan.loaded.runs.entries(reference)
        if len(entries) != 1:
            raise SourceError(f"{reference} is {', '.join(entries) or 'in no run'}; say which is meant, as `{reference} in <run>`")
        return entries[0]

    def _label(self, name: str) -> str:
        """What a person calls the format of a source."""
        return self.plan.loaded.sources[name].format.label

    def _record(self, name: str) -> Record:
        if name not in self.records:
            raise SourceError(f"{name} is not on the session's clock yet; known: {', '.join(self.records) or 'nothing'}")
        return self.records[name]
