"""The clock lines of a session, counted before anything is written: as many pulses as frames, or what a person may state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.plan.frame_clock import check_burst_start, findings_of_fit, fit_source, ticks_of
from bergmann.plan.line_reading import line_pulses, readings_of
from bergmann.plan.resolve import Plan
from bergmann.plan.sources import ClockLine
from bergmann.pulses import RecordedPulses
from bergmann.records import EventLine, Recording
from bergmann.stated import Ref
from bergmann.texts import named

MOST_SAMPLES = 20_000_000
"""Samples of the clock lines of a session up to which `bergmann check` reads them through unasked: half an hour at 10 kHz.

One second, as measured (an analog line of WaveSurfer, 16 bits); samples that are parsed from text count more.
"""


@dataclass(frozen=True)
class CountedLine:
    """A clock line whose pulses were counted.

    Attributes
    ----------
    name : str
        E.g. ``"daq/FrameClock"``.
    n_pulses, n_samples : int
    frames : mapping of str to int
        Of each source that it is the clock of, how many it should have ticked for.
    """

    name: str
    n_pulses: int
    n_samples: int
    frames: Mapping[str, int]

    def __str__(self) -> str:
        ticks = ", ".join(f"{count:,} frames of {name}" for name, count in self.frames.items())
        return f"{self.n_pulses:,} pulse{'' if self.n_pulses == 1 else 's'} on {self.name}{f' for {ticks}' if ticks else ''}"


@dataclass(frozen=True)
class Counted:
    """What was counted on the clock lines of a session.

    Attributes
    ----------
    lines : tuple of CountedLine
    left : mapping of str to int
        Lines that were not read, and how many samples each has.
    findings : tuple of Finding
        What the conversion will be refused for, and what a person should look at.
    """

    lines: tuple[CountedLine, ...] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def count_lines(plan: Plan, *, most_samples: int | None = MOST_SAMPLES) -> Counted:
    """Count the pulses of the clock lines, each read once and a block at a time, and fit the frames to them.

    Parameters
    ----------
    plan : Plan
        Of a session with or without findings; sources whose files could not be read are left out.
    most_samples : int, optional
        How many samples of a binary file may be read, or as many of a text as take as long; the shortest lines are read first.
        None reads all.

    Returns
    -------
    Counted
        Nothing is raised for what is on the lines.
    """
    lines = sorted(_lines(plan), key=lambda one: one.cost)
    counted: list[CountedLine] = []
    findings: dict[str, list[Finding]] = {}
    left: dict[str, int] = {}
    n_read = 0
    for line in lines:
        if most_samples is not None and n_read + line.cost > most_samples:
            left[str(line.clock)] = line.n_samples
            continue
        n_read += line.cost
        try:
            pulses = line_pulses(line.recording, line.stated, line.clock.part or "")
        except (SourceError, OSError) as error:
            refused = error if isinstance(error, SourceError) else SourceError(f"{line.clock}: it cannot be read ({error})")
            findings |= {name: [_refusal(plan, name, refused)] for name in line.sources}
            continue
        findings |= {name: list(_check(plan, name, line, pulses)) for name in line.sources}
        counted.append(CountedLine(str(line.clock), len(pulses), line.n_samples, dict(_ticks(plan, line))))
    said = tuple(one for name in plan.loaded.order for one in findings.get(name, ()))
    return Counted(tuple(counted), left, said)


@dataclass(frozen=True)
class _Line:
    """A clock line that is there, and the names of the sources that it ticks for."""

    clock: Ref[Recording]
    recording: Recording
    sources: tuple[str, ...]
    stated: ClockLine | None = None

    @property
    def n_samples(self) -> int:
        return int(self.recording.sweep_lengths.sum())

    @property
    def cost(self) -> int:
        """How long reading it takes, in samples of a binary file."""
        part = self.recording.part(self.clock.part or "")
        return 0 if isinstance(part, EventLine) else self.n_samples * int(getattr(part.samples, "cost", 1))


def _lines(plan: Plan) -> Iterator[_Line]:
    """The clock lines whose recordings could be opened, each once."""
    found: dict[Ref[Recording], tuple[Recording, list[str], ClockLine | None]] = {}
    for name in plan.loaded.order:
        clock = plan.loaded.sources[name].clock
        recording = plan.headers.get(clock.name) if clock is not None else None
        if clock is None or name not in plan.headers or not isinstance(recording, Recording) or name == plan.reference:
            continue
        stated = plan.loaded.sources[name].line
        if stated is not None and stated.own is not None:
            continue  # two recorders that had the same pulses: which is which, the conversion finds
        part = named(clock.part, recording.parts) if clock.part is not None else None
        if part is not None:  # else it is among the findings of the plan
            found.setdefault(Ref(clock.name, part), (recording, [], stated))[1].append(name)
    yield from (_Line(clock, recording, tuple(names), stated) for clock, (recording, names, stated) in found.items())


def _ticks(plan: Plan, line: _Line) -> Iterator[tuple[str, int]]:
    for name in line.sources:
        try:
            yield name, len(ticks_of(plan.headers[name], name, line.clock).times)
        except SourceError:
            continue  # that is among the findings


def _check(plan: Plan, name: str, line: _Line, pulses: RecordedPulses) -> Iterator[Finding]:
    entry, record = plan.loaded.sources[name], plan.headers[name]
    try:
        fit = fit_source(entry, record, line.recording, entry.clock or line.clock, pulses)
        fit = replace(fit, readings=readings_of(pulses, str(line.clock), line.stated))
    except SourceError as error:
        yield _refusal(plan, name, error)
        return
    yield from findings_of_fit(name, fit, record.clock_times, plan.loaded.place(f"sources.{name}.clock"))
    if line.clock.name == plan.reference:
        yield from check_burst_start(plan, name, fit)


def _refusal(plan: Plan, name: str, error: SourceError) -> Finding:
    """What the conversion will be refused for, at the line to edit."""
    place, run = plan.loaded.place(f"sources.{name}.clock"), plan.loaded.sources[name].run
    message = error.found.removeprefix(f"{name}: ") if run is None else error.found
    return Finding(severity="error", check="source", location=place, message=message, remedy=error.remedy)
