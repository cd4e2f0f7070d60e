"""What there is to see of the clock of each source: its pulses, how far they are from the fit, and why there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isnan

import numpy as np
from numpy.typing import NDArray

from bergmann.convert.align import Aligned
from bergmann.findings import Finding
from bergmann.plan.resolve import Plan
from bergmann.plan.session import dependencies
from bergmann.plan.veil import Veil
from bergmann.records import Movie, Record, Recording, Trace
from bergmann.report.channels import Envelope, envelope
from bergmann.report.placing import Placement, place, with_more_headers
from bergmann.report.shown import one_line
from bergmann.texts import named
from bergmann.timing.fit import ClockFit

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class SeenClock:
    """What is seen of the clock of one source that a line times.

    Attributes
    ----------
    name, line : str
        Of the source and of its line (``"daq/FrameClock"``).
    what : str
        What the line ticks for: frames, volumes, samples.
    fit : ClockFit or None
        None if it could not be fitted.
    reason : str
        Why not.
    own : np.ndarray, shape (n_events,), float64
        Times of the events on the source's own clock, in seconds; empty if they could not be read.
    pulses : np.ndarray, shape (n_pulses,), float64
        Onsets of all pulses of the line on the session's clock, in seconds; empty if there is none.
    trace : Envelope or None
        What the line looks like, where it has no pulses.
    span : tuple of float
        First and last time of the source on the session's clock, as written.
    """

    name: str
    line: str
    what: str = "frames"
    fit: ClockFit | None = None
    reason: str = ""
    own: Floats = field(default_factory=lambda: np.empty(0))
    pulses: Floats = field(default_factory=lambda: np.empty(0))
    trace: Envelope | None = None
    trace_span: tuple[float, float] = (0.0, 0.0)
    span: tuple[float, float] = (0.0, 0.0)

    @property
    def has_trace(self) -> bool:
        """Whether there is anything to see of the line, where it has no pulses."""
        return self.trace is not None and bool(np.isfinite(self.trace.low).any())

    @property
    def title(self) -> str:
        """What is seen, in a sentence: ``"face: 1,800 frames on 1,800 pulses of daq/Cam, drift 12 ppm, off by at most 0.4 ms"``."""
        if self.fit is None:
            return f"{self.name}: NOT on the session's clock. {self.reason.removeprefix(f'{self.name}: ')}"
        return f"{self.name}: {self._counted(self.fit)}{self._fitted(self.fit)}{self._beyond(self.fit)}"

    def _counted(self, fit: ClockFit) -> str:
        ties = fit.ties
        if ties is None:
            return f"{fit.n_events:,} {self.what} on {fit.n_pulses:,} pulses of {self.line}"
        counts = ((len(ties.missing), "missing"), (len(ties.spurious), "spurious"))
        differ = ", ".join(f"{count:,} {what}" for count, what in counts if count)
        return f"{len(ties.own):,} {self.what} on {len(ties.pulses):,} pulses of {self.line}" + (f" ({differ})" if differ else "")

    def _fitted(self, fit: ClockFit) -> str:
        if fit.clock is None or isnan(fit.residual):
            return ""
        if fit.clock.model == "pulse by pulse":
            return f", no steady clock: each of its {self.what} is at its own pulse"
        changing = " on the whole" if fit.clock.model == "piecewise linear" else ""
        drift = (1 / fit.clock.rate_ratio - 1) * 1e6
        drifting = f"drift {_digits(abs(drift))} ppm{changing}" if fit.clock.model != "offset" else "no drift"
        return f", {drifting}, off by at most {_digits(fit.residual * 1e3)} ms"

    def _beyond(self, fit: ClockFit) -> str:
        ways = ((fit.outside.n_before, "before the first"), (fit.outside.n_after, "behind the last"))
        said = [f"{count:,} sample{'s' * (count != 1)} {where} pulse" for count, where in ways if count]
        return f"; extrapolated: {', '.join(said)}" if said else ""


def _digits(number: float) -> str:
    """Two digits, and no exponent."""
    if number < 0.0005:
        return "0"
    return f"{number:.1f}" if 1 <= number < 10 else f"{number:.0f}" if number >= 10 else f"{number:.2g}"


@dataclass(frozen=True, eq=False)
class SeenClocks:
    """The clocks of a session.

    Attributes
    ----------
    title : str
    lines : tuple of SeenClock
        Of each source that a line times.
    others : tuple of str
        How each other source is on the session's clock, in words.
    findings : tuple of Finding
        What the conversion would be refused for.
    """

    title: str
    lines: tuple[SeenClock, ...]
    others: tuple[str, ...]
    findings: tuple[Finding, ...]


def look_at_clocks(plan: Plan) -> SeenClocks:
    """Read each clock line of a session through, and say what is seen; never raises for what is in the files."""
    plan = with_more_headers(plan)
    placement = place(plan, only=_needed(plan), most_samples=sys.maxsize)
    veil = Veil.of(plan.loaded)
    head = plan.loaded.head
    return SeenClocks(
        title=one_line(f"{head.subject.id}, {head.session.id}" if head is not None else plan.loaded.path.name),
        lines=tuple(_seen(plan, placement, name, veil) for name, entry in plan.loaded.sources.items() if entry.clock is not None),
        others=tuple(veil.text(one_line(said)) for said in _others(plan, placement)),
        findings=veil.findings(placement.findings()) if plan.is_complete else (),
    )


def _needed(plan: Plan) -> set[str]:
    """The sources that say their place in time by themselves, and what these refer to."""
    sources = plan.loaded.sources
    waiting = [name for name, one in sources.items() if one.clock is not None or one.starts is not None or name == plan.reference]
    needed: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in sources and name not in needed:
            needed.add(name)
            waiting.extend(dependencies(sources[name], plan.loaded.runs))
    return needed


def _seen(plan: Plan, placement: Placement, name: str, veil: Veil) -> SeenClock:
    line, aligned = str(plan.loaded.sources[name].clock), placement.aligned
    header = plan.headers.get(name)
    ticks = header.clock_times if header is not None else None
    found = aligned.lines.get(line)
    fit = aligned.fits.get(name) if name in aligned.records else None
    record = aligned.records.get(name)
    trace, trace_span = _trace(plan, aligned, name) if found is None or not len(found) else (None, (0.0, 0.0))
    return SeenClock(
        name=one_line(name),
        line=one_line(line),
        what=_what(header),
        fit=fit,
        reason=veil.text(one_line(placement.reasons.get(name, "it could not be read"))) if fit is None else "",
        own=ticks.seconds if ticks is not None else np.empty(0),
        pulses=found.times.seconds if found is not None else np.empty(0),
        trace=trace,
        trace_span=trace_span,
        span=(record.span if record is not None else None) or (0.0, 0.0),
    )


def _what(header: Record | None) -> str:
    if isinstance(header, Movie) and len(header.channels[0].frames.shape) == 4 and header.ticks is None:
        return "volumes"
    return "samples" if isinstance(header, Trace) and header.ticks is None else "frames"


def _trace(plan: Plan, aligned: Aligned, name: str) -> tuple[Envelope | None, tuple[float, float]]:
    """What a line without pulses looks like, if it is there."""
    clock = plan.loaded.sources[name].clock
    recording = aligned.records.get(clock.name) if clock is not None else None
    if clock is None or not isinstance(recording, Recording) or clock.part is None or named(clock.part, recording.parts) is None:
        return None, (0.0, 0.0)
    return envelope(recording.channel(clock.part)), recording.span or (0.0, 0.0)


def _others(plan: Plan, placement: Placement) -> Iterator[str]:
    """How the sources without a line are on the session's clock."""
    for name, fit in placement.aligned.fits.items():
        if plan.loaded.sources[name].clock is None:
            yield f"{name}: {fit.method}"
    for name, reason in placement.reasons.items():
        entry = plan.loaded.sources.get(name)
        if entry is not None and entry.clock is None:
            yield f"{name}: NOT on the session's clock. {reason}"
