"""Shocks, puffs, licks: events that are the pulses of a recorded channel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.pulses import RecordedPulses, choose_long, choose_whole, glitch_notes, recorded_pulses, refuse_faint
from bergmann.records import Channel, Events, EventSeries, Recording
from bergmann.registry import Format, Inputs, Source
from bergmann.stated import Duration, Quantity, Ref
from bergmann.timing.times import ExplicitTimes


class ChannelEventsSource(Source):
    """Pulses on a recorded channel, each an event.

    Attributes
    ----------
    of : Ref[Recording]
        The channel, e.g. ``daq/ShockTTL``.
    event : str
        What each pulse is, e.g. ``noxious shock``.
    threshold, hysteresis : Quantity, optional
        In a unit of the channel's dimension, e.g. ``2.5 V``; by default half way between the two levels of the channel, and a tenth
        of the step between them.
    cut : {"refuse", "leave out", "keep"}
        What to do with a pulse that was on when a sweep began or ended, so that its onset or its length is not known.
    minimum_width : Duration, optional
        Shorter pulses are glitches and are left out; how many is said in the file, and when they were is a finding.
    """

    format: Literal["channel"] = "channel"
    of: Ref[Recording]
    event: str
    threshold: Quantity | None = None
    hysteresis: Quantity | None = None
    cut: Literal["refuse", "leave out", "keep"] = "refuse"
    minimum_width: Duration | None = None


def find(folder: Path) -> Iterator[ChannelEventsSource]:  # noqa: ARG001
    """Nothing: which channel holds which event, only a person knows."""
    return iter(())


def read(source: ChannelEventsSource, inputs: Inputs) -> Events:
    """Find the pulses of the channel; one event each, at the pulse's rising edge.

    Raises
    ------
    SourceError
        If no channel is named or the recording does not have it, a threshold is in another dimension than the channel, none is
        stated and there are weaker pulses, perhaps, there is no pulse, or one is cut by the edge of a sweep and nothing is stated
        about it.
    """
    recording = inputs["of"]
    if not isinstance(recording, Recording):
        raise SourceError(f"{source.of}: not a recording; name a channel of one, such as `of: daq/ShockTTL`")
    if source.of.part is None:
        known = ", ".join(recording.parts)
        raise SourceError(f"{source.of}: which channel holds {source.event!r}? Write one of: {known}, as `of: {source.of}/NAME`")
    pulses = recorded_pulses(
        recording,
        source.of.part,
        threshold=_level(source, "threshold", recording),
        hysteresis=_level(source, "hysteresis", recording),
    )
    refuse_faint(pulses, recording.files[0].name, f"State `threshold:` to say from where on it is {source.event!r}")
    if not len(pulses):
        raise SourceError(
            f"{recording.files[0].name}: no pulse on {source.of.part} ({pulses.basis}); state another `threshold`, or `absent` "
            "with the reason if there was no event"
        )
    kept, remarks = choose_whole(pulses, source.cut, recording.files[0].name)
    kept, glitches = choose_long(pulses, kept, source.minimum_width.to("s") if source.minimum_width is not None else None)
    if glitches is not None:
        remarks.append(f"{len(glitches)} pulses shorter than {source.minimum_width} left out, as stated")
    if glitches is not None and not kept.any():
        raise SourceError(
            f"{recording.files[0].name}: none of {len(pulses)} pulses on {source.of.part} is left ({'; '.join(remarks)}); state "
            "otherwise, or `absent` with the reason if there was no event"
        )
    part = recording.part(source.of.part)
    how = "visits of the state" if isinstance(part, Channel) and part.is_command else "pulses recorded on"
    basis = "; ".join([f"{how} {source.of}, {pulses.basis}", *remarks])
    return Events(
        files=recording.files, notes=glitch_notes(glitches, source.of), series=(_series(source, pulses, kept),), basis=basis
    )


def _level(source: ChannelEventsSource, key: Literal["threshold", "hysteresis"], recording: Recording) -> float | None:
    """A stated level in the unit of the channel."""
    stated: Quantity | None = getattr(source, key)
    if stated is None or source.of.part is None:
        return None
    part = recording.part(source.of.part)
    unit = part.unit if isinstance(part, Channel) else "n.a."
    try:
        return stated.to(unit)
    except Exception as error:  # pint raises unrelated types for a unit that only the recorder knows
        raise SourceError(f"{source.of}: `{key}: {stated}` is not a level in {unit}, the unit of this channel") from error


def _series(source: ChannelEventsSource, pulses: RecordedPulses, kept: NDArray[np.bool_]) -> EventSeries:
    digital = pulses.unit == "n.a."  # the level of a digital line is 1 and says nothing
    return EventSeries(
        name=source.event,
        times=ExplicitTimes(pulses.times.seconds[kept]),
        durations=pulses.durations[kept] if pulses.has_ends else None,
        columns={} if digital else {"level": pulses.levels[kept]},
        column_descriptions={} if digital else {"level": f"Median level of the pulse on {source.of}, in {pulses.unit}."},
        description=source.event,
    )


FORMAT = Format(
    source=ChannelEventsSource,
    record=Events,
    label="events of a recorded channel",
    find=find,
    read=read,
    reads_values=True,
    chosen_by="event",
)
