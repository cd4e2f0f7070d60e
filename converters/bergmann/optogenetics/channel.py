"""Light pulses from a recorded channel: a copy of the laser's command, a shutter line, a photodiode."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.optogenetics._plateaus import find_varying
from bergmann.pulses import (
    RecordedPulses,
    RemovedGlitches,
    choose_long,
    choose_whole,
    glitch_notes,
    recorded_pulses,
    refuse_faint,
)
from bergmann.records import Channel, EventLine, LightPulses, Recording
from bergmann.registry import Format, Inputs, Source
from bergmann.stated import Duration, Quantity, Ref
from bergmann.timing.times import ExplicitTimes


class LightChannel(Source):
    """Pulses of light on a channel of a recording.

    Attributes
    ----------
    of : Ref[Recording]
        With the channel, e.g. ``daq/LaserCmd``.
    threshold, hysteresis : Quantity, optional
        In a unit of the channel's kind; not for a digital line. Default: from the two levels of the channel.
    width : Duration, optional
        Of every pulse, for a line that only says when (a message, a soft code), not how long; for no other.
    minimum_width : Duration, optional
        Shorter pulses are glitches and are left out; how many is said in the file, and when they were is a finding.
    cut : {"refuse", "leave out", "keep"}
        What to do with a pulse that was on when a sweep began or ended, so that its length is not known.
    ramps : {"refuse", "keep"}
        What to do with a pulse whose level changes while it is on. Kept are its onset and its width; its power is then unknown, and
        its command what the recording holds.
    """

    format: Literal["channel"] = "channel"
    of: Ref[Recording]
    threshold: Quantity | None = None
    hysteresis: Quantity | None = None
    width: Duration | None = None
    minimum_width: Duration | None = None
    cut: Literal["refuse", "leave out", "keep"] = "refuse"
    ramps: Literal["refuse", "keep"] = "refuse"


def find(folder: Path) -> Iterable[LightChannel]:  # noqa: ARG001
    """Nothing: which channel holds light, only a person can say."""
    return ()


def read(source: LightChannel, inputs: Inputs) -> LightPulses:
    """Read the pulses of light, on the recording's clock.

    Raises
    ------
    SourceError
        If no channel is named or there is no such channel; if a threshold is in another kind of unit; if none is stated and there
        are weaker pulses, perhaps; if there is no pulse; if one is cut by the edge of a sweep, or its level changes, and nothing is
        stated about it; if the line only says when, and no `width` is stated.
    """
    recording = inputs["of"]
    if not isinstance(recording, Recording):
        raise SourceError(f"`of: {source.of}` is no recording; name a channel of one, such as `daq/LaserCmd`")
    if source.of.part is None:
        raise SourceError(
            f"`of: {source.of}` names no channel; write `{source.of.name}/CHANNEL` with one of: {', '.join(recording.parts)}"
        )
    part = recording.part(source.of.part)
    unit = part.unit if isinstance(part, Channel) else "n.a."
    pulses = recorded_pulses(
        recording, source.of.part, threshold=_in_unit(source.threshold, unit), hysteresis=_in_unit(source.hysteresis, unit)
    )
    refuse_faint(pulses, recording.files[0].name, "State `threshold:` to say from where on the light was on")
    kept, remarks, glitches = _choose(source, pulses, recording.files[0].name)
    if not kept.any():
        raise SourceError(
            f"{recording.files[0].name}: no pulse on channel {source.of.part} ({'; '.join([pulses.basis, *remarks])}); state "
            "another `threshold:`, or `absent: <reason>` if no light was given"
        )
    is_digital = pulses.unit == "n.a."
    varying = np.zeros(len(pulses), dtype=np.bool_) if is_digital else find_varying(recording, pulses) & kept
    if varying.any():
        remarks.append(_say_varying(source, pulses, varying, recording.files[0].name))
    return LightPulses(
        files=recording.files,
        start=recording.start,
        notes=glitch_notes(glitches, source.of),
        times=ExplicitTimes(pulses.times.seconds[kept]),
        durations=_widths(source, pulses, recording.files[0].name)[kept],
        command=None if is_digital or varying.any() else pulses.levels[kept],
        command_unit="" if is_digital or varying.any() else pulses.unit,
        basis="; ".join([f"{_how(part)} {source.of}, {pulses.basis}", *_said_width(source), *remarks]),
        resolution=1 / recording.rate if isinstance(part, Channel) else part.resolution,
        is_recorded=not (isinstance(part, Channel) and part.is_command),
        is_varying=bool(varying.any()),
    )


def _how(part: Channel | EventLine) -> str:
    is_command = isinstance(part, Channel) and part.is_command
    return "commanded, not recorded: the time in the state" if is_command else "recorded on"


def _said_width(source: LightChannel) -> list[str]:
    return [] if source.width is None else [f"each {source.width} long, as stated"]


def _widths(source: LightChannel, pulses: RecordedPulses, file: str) -> NDArray[np.float64]:
    """How long each pulse was, shape (n_pulses,), in seconds: as recorded, or as stated for a line that only says when."""
    if not pulses.has_ends and source.width is None:
        raise SourceError(
            f"{file}: {pulses.channel} says when, and not how long; state `width:`, the length of every pulse, if it is known"
        )
    if pulses.has_ends and source.width is not None:
        raise SourceError(f"{file}: {pulses.channel} says how long each pulse was; leave out `width: {source.width}`")
    return pulses.durations if source.width is None else np.full(len(pulses), source.width.to("s"))


def _say_varying(source: LightChannel, pulses: RecordedPulses, varying: NDArray[np.bool_], file: str) -> str:
    """What to say of pulses whose level changes.

    Raises
    ------
    SourceError
        If nothing is stated about them.
    """
    if source.ramps == "keep":
        return f"the level changes within {int(varying.sum())} of {len(pulses)} pulses: it is what was recorded on {source.of}"
    index = int(np.flatnonzero(varying)[0])
    raise SourceError(
        f"{file}: channel {pulses.channel}: the level of pulse {index + 1} (at {pulses.times.seconds[index]:.6f} s) changes while "
        f"it is on ({int(varying.sum())} of {len(pulses)} pulses): a ramp, a sine, several steps? One level would not be true of "
        "it. State `ramps: keep` and `power: unknown` to write onset and width, beside the recorded command"
    )


def _in_unit(stated: Quantity | None, unit: str) -> float | None:
    if stated is None:
        return None
    if unit == "n.a.":
        raise SourceError(f"`{stated}`: a digital line is 0 or 1; leave out `threshold` and `hysteresis`")
    try:
        return stated.to(unit)
    except ValueError as error:
        raise SourceError(f"`{stated}`: the channel is in {unit}; state it in {unit}") from error


def _choose(source: LightChannel, pulses: RecordedPulses, file: str) -> tuple[NDArray[np.bool_], list[str], RemovedGlitches | None]:
    """Which pulses stay, shape (n_pulses,), what to say of the others, and which were too short."""
    kept, remarks = choose_whole(pulses, source.cut, file)
    kept, glitches = choose_long(pulses, kept, source.minimum_width.to("s") if source.minimum_width is not None else None)
    if glitches is not None:
        remarks.append(f"{len(glitches)} pulses shorter than {source.minimum_width} left out, as stated")
    return kept, remarks, glitches


FORMAT = Format(
    source=LightChannel,
    record=LightPulses,
    label="light on a recorded channel",
    find=find,
    read=read,
    reads_values=True,
    chosen_by="site",
)
