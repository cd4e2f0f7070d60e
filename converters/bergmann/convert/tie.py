"""The clock of a recorder, tied to another one by pulses that both recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bergmann.errors import SourceError
from bergmann.moments import When
from bergmann.plan.sources import ClockLine
from bergmann.pulses import RecordedPulses, clock_pulses
from bergmann.records import Recording
from bergmann.stated import Quantity
from bergmann.timing.barcodes import LAYOUTS, match_barcodes, read_barcodes
from bergmann.timing.fit import ClockFit, Shared, fit_shared
from bergmann.timing.match import Anchor

BEGIN_WITHIN = 1.0
"""How far a stated begin may be wrong where it has no `+-`, in seconds: what is read off a wall clock."""


def line_pulses(recording: Recording, stated: ClockLine | None, name: str) -> RecordedPulses:
    """The pulses of the line that a clock is told by, read as stated.

    Parameters
    ----------
    recording : Recording
    stated : ClockLine or None
    name : str
        The channel.

    Raises
    ------
    SourceError
        As `bergmann.pulses.recorded_pulses`, or if a level is in another kind of unit.
    """
    if stated is None:
        return clock_pulses(recording, name)
    unit = recording.channel(name).unit
    return clock_pulses(
        recording,
        name,
        threshold=_level(stated.threshold, unit, "threshold"),
        hysteresis=_level(stated.hysteresis, unit, "hysteresis"),
        polarity=stated.polarity,
        minimum_width=_seconds(stated.minimum_width),
    )


def _seconds(stated: Quantity | None) -> float | None:
    return None if stated is None else stated.to("s")


def _level(stated: Quantity | None, unit: str, key: str) -> float | None:
    if stated is None:
        return None
    if unit == "n.a.":
        raise SourceError(f"`{key}: {stated}`: a digital line is 0 or 1; leave it out")
    try:
        return stated.to(unit)
    except ValueError as error:
        raise SourceError(f"`{key}: {stated}`: the channel is in {unit}; state it in {unit}") from error


def readings_of(pulses: RecordedPulses, line: str, stated: ClockLine | None) -> str:
    """What a person should look at in how a line was read; empty where there is nothing."""
    said = []
    if pulses.polarity == "low" and (stated is None or stated.polarity is None):
        said.append(f"{line} rests high, so its {len(pulses)} low stretches are the pulses; state `polarity` if that is wrong")
    if pulses.glitches:
        said.append(f"{line}: left out as glitches: {pulses.glitches}")
    return "; ".join(said)


def tie(record: Recording, recording: Recording, stated: ClockLine, *, source: str, begins: When | None = None) -> ClockFit:
    """How a recorder's clock relates to the session's, by a channel of its own that had the pulses of a line.

    Parameters
    ----------
    record : Recording
        On its own clock.
    recording : Recording
        Which has the line, on the session's clock.
    stated : ClockLine
        With `own`.
    source : str
        Name of the recorder's source.
    begins : When, optional
        When it began, as a person says.

    Raises
    ------
    SourceError
        If a channel has no pulses, or nothing tells which pulse is which; the message has the counts of both lines.
    """
    channel, own_channel = stated.line.part or "", stated.own or ""
    line, own_line = str(stated.line), f"{source}/{own_channel}"
    other = line_pulses(recording, stated, channel)
    mine = clock_pulses(record, own_channel, minimum_width=_seconds(stated.minimum_width))
    for pulses, name in ((mine, own_line), (other, line)):
        if not len(pulses):
            raise SourceError(f"{name}: no pulse on this line ({pulses.basis}); is it the one that was connected?")
    try:
        shared = _matched(mine, other, stated, _anchor(record, begins))
    except SourceError as error:
        raise SourceError(f"{len(mine)} pulses on {own_line} and {len(other)} on {line}: {error}") from error
    resolution = 1 / min(record.rate, recording.rate)
    fit = fit_shared(shared, resolution=resolution, source=source, own_line=own_line, line=line)
    readings = [text for text in (readings_of(other, line, stated), readings_of(mine, own_line, None)) if text]
    return replace(fit, readings="; ".join(readings))


def _anchor(record: Recording, begins: When | None) -> Anchor | None:
    if begins is None:
        return None
    at = record.sweep_starts.first
    within = begins.uncertainty if np.isfinite(begins.uncertainty) else BEGIN_WITHIN
    return Anchor(begins.seconds - at, within, at=at)


def _matched(mine: RecordedPulses, other: RecordedPulses, stated: ClockLine, anchor: Anchor | None) -> Shared:
    """Which pulses are the same. Their edges are taken as they cross the threshold, between samples: so they are on both lines."""
    if stated.barcode is None:
        return Shared.by_intervals(mine.rises, other.rises, anchor)
    layout = LAYOUTS[stated.barcode]
    words = [read_barcodes(one.rises, one.falls, layout) for one in (mine, other)]
    used = match_barcodes(words[0], mine.rises, words[1], other.rises, within=layout.margin)
    return Shared(mine.rises, other.rises, *used, f"{len(words[0])} and {len(words[1])} barcodes of {layout.bits} bits")
