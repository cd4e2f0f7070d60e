"""Sources on the session's clock as far as that is known before the conversion, from headers and a bounded reading."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from bergmann.convert.align import Aligned, put
from bergmann.errors import BergmannError, SessionError
from bergmann.findings import Finding
from bergmann.plan.resolve import Plan, inputs_of, references
from bergmann.plan.session import SourceEntry
from bergmann.records import Movie, Record, Recording
from bergmann.stated import Quantity
from bergmann.texts import named

MOST_SAMPLES = 20_000_000
"""Samples of a recorded channel up to which it is read through: half an hour at 10 kHz."""

MOST_BYTES = 20_000_000
"""Bytes of a file up to which it is read for a page, where its header does not say its times."""


BLANK = "to be read when its blanks are filled"


@dataclass(frozen=True)
class Placement:
    """What is on the session's clock, and what is not yet.

    Attributes
    ----------
    aligned : Aligned
        Its records are on the session's clock.
    reasons : mapping of str to str
        Why each other source is not.
    refusals : mapping of str to str
        Those among them for which the conversion will be refused, too.
    """

    aligned: Aligned
    reasons: Mapping[str, str]
    refusals: Mapping[str, str]

    def findings(self) -> tuple[Finding, ...]:
        """What the conversion will be refused for, at the line to edit."""
        loaded = self.aligned.plan.loaded
        said = set(self.aligned.plan.findings)
        return tuple(one for one in self.aligned.misplaced() if one not in said) + tuple(
            Finding(
                severity="error",
                check="source",
                location=loaded.place(f"sources.{name}.clock" if loaded.sources[name].clock is not None else f"sources.{name}"),
                message=reason.removeprefix(f"{name}: "),
            )
            for name, reason in self.refusals.items()
        )


def with_more_headers(plan: Plan) -> Plan:
    """The plan with the headers, too, of sources whose clock line could not be read: they can still be looked at."""
    headers = dict(plan.headers)
    for name in plan.loaded.order:
        entry = plan.loaded.sources[name]
        named = [ref.name for key, ref in references(entry).items() if key != "clock"]
        if name in headers or entry.format.reads_values or any(one not in headers for one in named):
            continue
        try:
            headers[name] = entry.read(inputs_of(entry, headers))
        except (BergmannError, OSError):
            continue  # that is among the findings, or follows from one
    return replace(plan, headers=headers)


def with_movies_to_look_at(plan: Plan) -> Plan:
    """The plan with the frames, too, of movies of which nothing but the rate is not stated yet; their times mean nothing."""
    headers = dict(plan.headers)
    for name, entry in plan.loaded.sources.items():
        if name in headers or f"sources.{name}.rate" not in plan.loaded.blanks or not issubclass(entry.format.record, Movie):
            continue
        try:
            headers[name] = entry.format.read(entry.source.model_copy(update={"rate": Quantity(1, "Hz")}), {})
        except (BergmannError, OSError):
            continue  # that is among the findings
    return replace(plan, headers=headers)


def why(error: Exception) -> str:
    """What stands against a placement, in words; a session's own findings are said elsewhere."""
    return "known when the errors of the session are mended" if isinstance(error, SessionError) else str(error)


def place(plan: Plan, *, only: Collection[str] | None = None, most_samples: int | None = None) -> Placement:
    """Put each source on the session's clock that can be put there; never raises for what is in the files.

    Parameters
    ----------
    plan : Plan
    only : collection of str, optional
        The sources to try, where not all; what they refer to is among them.
    most_samples : int, optional
        `MOST_SAMPLES` if left out: samples of a recorded channel up to which it is read through.
    """
    aligned, reasons, refusals = Aligned(plan), dict[str, str](), dict[str, str]()
    for name in plan.loaded.sources:
        if name not in plan.loaded.order:
            reasons[name] = "what it refers to is not there"
    for name in plan.loaded.order:
        entry = plan.loaded.sources[name]
        if only is not None and name not in only:
            continue
        reason = _why_not(plan, aligned, entry, MOST_SAMPLES if most_samples is None else most_samples)
        if reason is None:
            try:
                _place(plan, aligned, entry)
            except (BergmannError, OSError) as error:
                reason = why(error)
                refusals |= {} if isinstance(error, SessionError) else {name: reason}
        if reason is not None:
            reasons[name] = reason
    return Placement(aligned, reasons, refusals)


def _why_not(plan: Plan, aligned: Aligned, entry: SourceEntry, most_samples: int) -> str | None:
    """Why a source is not to be tried."""
    if not entry.format.reads_values and entry.name not in plan.headers:
        return BLANK if plan.loaded.has_blanks(entry.name) else "its files could not be read"
    if plan.reference is None and plan.start is None:
        return "the clock of the session is not known"
    if entry.confirms is not None and entry.confirms.name not in aligned.records:
        return f"{entry.confirms.name}, which it is another account of, is not placed either"
    for key, ref in references(entry).items():
        if ref.name not in aligned.records:
            return f"{ref.name}, which says its times, is not placed either"
        record = aligned.records[ref.name]
        goes_through = key == "clock" or entry.format.reads_values
        if goes_through and isinstance(record, Recording) and _samples_to_read(record, ref.part) > most_samples:
            return f"the conversion will find its times on {ref}, which is too long to be read through here"
    path = getattr(entry.source, "path", None)
    if entry.format.reads_values and path is not None and path.is_file() and path.stat().st_size > MOST_BYTES:
        return "the conversion will read its times; its file is too long for a page"
    return None


def _samples_to_read(recording: Recording, part: str | None) -> int:
    """Samples that finding the pulses of a channel goes through; none where the times of its events are stored."""
    is_stored = part is not None and named(part, [one.name for one in recording.lines]) is not None
    return 0 if is_stored else int(recording.sweep_lengths.sum())


def _place(plan: Plan, aligned: Aligned, entry: SourceEntry) -> None:
    inputs = inputs_of(entry, aligned.records)
    record: Record = plan.headers[entry.name] if not inputs and entry.name in plan.headers else entry.read(inputs)
    put(aligned, entry, record, is_derived=bool(inputs))
