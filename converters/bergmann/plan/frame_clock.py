"""A source on its clock line: what should have ticked, which pulses did, and what a person should look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np

from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.plan.resolve import Plan
from bergmann.plan.session import SourceEntry
from bergmann.pulses import RecordedPulses, clock_pulses
from bergmann.records import EventLine, Movie, Record, Recording
from bergmann.records.base import Sampled
from bergmann.stated import Ref
from bergmann.timing.fit import ClockFit
from bergmann.timing.frame_pulses import NO_CHOICES, UNPROVED, ClockLine, PulseChoices, Ticks, fit_frames
from bergmann.timing.times import Times


def ticks_of(record: Record, name: str, clock: Ref[Recording]) -> Ticks:
    """What the clock line of a source should tick for.

    Raises
    ------
    SourceError
        If it has no frames.
    """
    times = record.clock_times
    if times is None:
        raise SourceError(f"`clock: {clock}`: {name} has no frames that a line could tick for")
    if not isinstance(record, Sampled) or record.ticks is None:
        return Ticks.of_frames(times)
    n_frames = record.used.of if record.used is not None else len(record.times)
    per_frame = _ticks_per_frame(record.times, times, n_frames)
    is_volume = isinstance(record, Movie) and len(record.channels[0].frames.shape) == 4
    what = "planes" if is_volume else "averaged scans" if per_frame > 1 else "frames"
    return Ticks(times=times, n_frames=n_frames, per_frame=per_frame, what=what)


def _ticks_per_frame(frames: Times, ticks: Times, n_frames: int) -> int:
    """How many ticks are from the beginning of one frame to that of the next."""
    if len(frames) < 2:
        return max(1, len(ticks) // n_frames)
    edges = frames.seconds[:2] - 1e-6 * ticks.interval
    first, second = np.searchsorted(ticks.seconds, edges)
    return max(1, int(second - first))


def fit_source(entry: SourceEntry, record: Record, recording: Recording, clock: Ref[Recording], pulses: RecordedPulses) -> ClockFit:
    """How the clock of a source relates to that of a recording, one of whose lines ticked for its frames.

    Parameters
    ----------
    entry : SourceEntry
        Says which frames are used, and what is stated of the pulses.
    record : Record
        On its own clock.
    recording : Recording
    clock : Ref
        The recording's name, and the channel.
    pulses : RecordedPulses
        Of that channel.

    Raises
    ------
    SourceError
        As `fit_frames`, or if the source has no frames, or the line is on when the recording begins.
    """
    until = record.span[1] if entry.is_cut and record.span else None
    ticks = replace(ticks_of(record, entry.name, clock), began=_began(record, recording))
    choices = entry.pulses
    if entry.frame_ids is not None:
        choices = replace(choices, dropped_frames=entry.frame_ids.dropped(ticks.n_frames, entry.name) or None)
    return fit_ticks(ticks, entry.name, recording, clock, pulses, choices=choices, until=until)


def _began(record: Record, recording: Recording) -> float | None:
    """When a source began by the wall clocks of its instrument and of the recording's, on the latter's clock, in seconds."""
    mine, its, span = record.start, recording.start, recording.span
    if mine is None or its is None or span is None or (mine.tzinfo is None) != (its.tzinfo is None):
        return None
    return span[0] + (mine - its).total_seconds()


def fit_ticks(
    ticks: Ticks,
    name: str,
    recording: Recording,
    clock: Ref[Recording],
    pulses: RecordedPulses,
    *,
    choices: PulseChoices = NO_CHOICES,
    until: float | None = None,
) -> ClockFit:
    """The same for ticks.

    Raises
    ------
    SourceError
    """
    if len(pulses) and pulses.on_at_start[0] and choices.needs_first_pulse:
        raise SourceError(
            f"{clock}: on at its first sample, so when the first frame of {name} began is not known; was {clock.name} started "
            f"after {name}, or does the line rest high? If it was started after, state `extra_pulses: 1 before`, for the pulse "
            "that is cut, and `missing_pulses: before`"
        )
    line = ClockLine(
        name=str(clock),
        pulses=pulses.times.seconds,
        resolution=_resolution(recording, clock.part or ""),
        recorded=recording.span or (0.0, 0.0),
    )
    return fit_frames(ticks, line, source=name, choices=choices, until=until)


def _resolution(recording: Recording, name: str) -> float:
    """How exactly times on a line are known, in seconds: to a sample, or as its file states them."""
    part = recording.part(name)
    return part.resolution if isinstance(part, EventLine) else 1 / recording.rate


def fit_line(own: Times, name: str, recording: Recording, clock: Ref[Recording]) -> ClockFit:
    """How the clock of frames relates to that of a recording, one of whose lines ticked once for each of them.

    Parameters
    ----------
    own : Times
        Of the frames, on their source's own clock, in seconds.
    name : str
        Of the source.
    recording : Recording
    clock : Ref
        The recording's name, and the channel.

    Raises
    ------
    SourceError
        If there is not one pulse a frame, or the line is on when the recording begins.
    """
    return fit_ticks(Ticks.of_frames(own), name, recording, clock, clock_pulses(recording, clock.part or ""))


def findings_of_fit(name: str, fit: ClockFit, times: Times | None, place: str) -> Iterator[Finding]:
    """What a person should look at after a fit: frames not used, an unsteady clock, what is stated only, frames far from pulses."""
    if fit.remark:
        if "no steady clock" in fit.remark:
            check = "unsteady clock"
        else:
            check = "pulses as stated" if UNPROVED in fit.remark else "frames not used"
        remedy = "is that so? If the line was recorded too late, all times of this source are wrong"
        if check == "pulses as stated":
            remedy = "is that so? The notes of the day, or the camera's own count, may say it"
        yield Finding(severity="warning", check=check, location=place, message=fit.remark, remedy=remedy)
    if fit.readings:
        remedy = "are these what is meant? Every pulse counts for the clock of this source"
        yield Finding(severity="warning", check="line as read", location=place, message=fit.readings, remedy=remedy)
    if fit.n_pulses and times is not None and fit.residual > 0.5 * times.interval:
        yield Finding(
            severity="warning",
            check="clock residual",
            location=place,
            message=f"after the fit, {name} is up to {fit.residual * 1e3:.1f} ms away from the pulses on "
            f"{fit.reference}, more than half a frame",
            remedy="its times in the file carry this error, which the clock table states",
        )


def check_burst_start(plan: Plan, name: str, fit: ClockFit) -> Iterator[Finding]:
    """The wall clock of a source whose burst is stated, against the begin of that burst; of others `check` compares the session's.

    Parameters
    ----------
    plan : Plan
    name : str
        Of the source.
    fit : ClockFit
        To a line on the session's clock.
    """
    entry, header, head = plan.loaded.sources[name], plan.headers.get(name), plan.loaded.head
    if entry.pulses.burst is None or header is None or header.start is None or head is None:
        return
    if plan.start is None or not plan.time_of_day_known:
        return
    begun = plan.start.replace(tzinfo=None) + timedelta(seconds=fit.offset)
    difference = header.start.replace(tzinfo=None) - begun
    if abs(difference) > timedelta(seconds=head.session.tolerance.to("s")):
        yield Finding(
            severity="warning",
            check="conflict",
            location=plan.loaded.place(f"sources.{name}"),
            message=f"its own clock says {header.start:%Y-%m-%d %H:%M:%S}, {difference.total_seconds():+.0f} s from the begin of "
            f"the burst that is stated, {begun:%H:%M:%S}",
            remedy="is it this burst, and the right file? State `session.tolerance` if the clocks disagree so far",
        )
