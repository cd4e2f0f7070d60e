"""How the line that a clock is told by is read: as stated, or as its levels show."""

from __future__ import annotations

from bergmann.errors import SourceError
from bergmann.plan.sources import ClockLine
from bergmann.pulses import RecordedPulses, clock_pulses
from bergmann.records import Channel, Recording
from bergmann.stated import Quantity


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
    part = recording.part(name)
    unit = part.unit if isinstance(part, Channel) else "n.a."
    return clock_pulses(
        recording,
        name,
        threshold=_level(stated.threshold, unit, "threshold"),
        hysteresis=_level(stated.hysteresis, unit, "hysteresis"),
        polarity=stated.polarity,
        minimum_width=seconds_of(stated.minimum_width),
    )


def seconds_of(stated: Quantity | None) -> float | None:
    """A stated time in seconds; None where none is stated."""
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
