"""Pulse Pal: what one of its outputs was told to give, as pulses; for light and for other stimuli."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bergmann.errors import SourceError
from bergmann.pulses import RecordedPulses, recorded_pulses, refuse_faint
from bergmann.records import Recording
from bergmann.registry import Inputs, Source, expand
from bergmann.stated import Duration, Quantity, Ref
from bergmann.stimulators.program import CYCLE, Mode, Output, Segment, Train, heeded, train_of
from bergmann.stimulators.pulsepal_files import Program, read_custom, read_program

_SAME = 1e-9  # s


class PulsePalSource(Source):
    """Pulses that an output of Pulse Pal was told to give; nothing here recorded that they were given.

    Attributes
    ----------
    path : Path
        The settings: ``.mat``, a table (CSV, TSV, XLSX), ``.json``, or ``.pps`` of its own card.
    channel : int
        Which output, 1 to 4.
    of : Ref[Recording], optional
        The recorded line of its trigger, such as ``daq/Trigger``: each rise starts a train.
    triggers : tuple of Duration, optional
        When it was triggered, as stated, after the zero of this source. Without `of` and `triggers` it was triggered once, at zero.
    trigger_channel : {"1", "2", "software"}, optional
        Which of its inputs that was, or a message of the computer; by default the only one that starts this output.
    threshold : Quantity, optional
        Of the recorded line, if it is analog; by default half way between its two levels.
    custom_train : Path, optional
        Table of the custom train that the output plays: ``time`` in seconds, ``voltage`` in volts.
    phases : {"first", "both"}, optional
        Which phases of a biphasic pulse are a stimulus; to be stated if the pulses are biphasic.
    cut : {"refuse", "leave out", "keep"}
        What to do with a pulse within which the train ends: Pulse Pal itself cuts it, its program for MATLAB leaves it out.
    ramps : {"refuse", "keep"}
        What to do with voltages that follow each other without a rest (a ramp, a sine). Kept are onset and width.
    """

    path: Path
    channel: int = Field(ge=1, le=4)
    of: Ref[Recording] | None = None
    triggers: tuple[Duration, ...] = ()
    trigger_channel: Literal["1", "2", "software"] | None = None
    threshold: Quantity | None = None
    custom_train: Path | None = None
    phases: Literal["first", "both"] | None = None
    cut: Literal["refuse", "leave out", "keep"] = "refuse"
    ramps: Literal["refuse", "keep"] = "refuse"

    @model_validator(mode="after")
    def _one_trigger(self) -> PulsePalSource:
        if self.of is not None and self.triggers:
            raise ValueError(f"`of: {self.of}` and `triggers` both say when it was triggered; leave one of them out")
        if self.threshold is not None and self.of is None:
            raise ValueError("`threshold` is of a recorded line, and `of` names none")
        times = [one.to("s") for one in self.triggers]
        if any(time < 0 for time in times) or any(b <= a for a, b in pairwise(times)):
            raise ValueError("`triggers` are times from 0 s on, ascending, such as [0 s, 30 s]")
        return self


@dataclass(frozen=True, eq=False)
class Commanded:
    """What an output was told to give.

    Attributes
    ----------
    files : tuple of Path
    onsets, durations : np.ndarray, shape (n_pulses,), float64
        In seconds: on the clock of the recording whose line triggered it, else after the zero of the source.
    levels : np.ndarray, shape (n_pulses,), float64
        In volts; NaN where the level changes within the pulse.
    basis : str
        What was told, as text that stands in the file.
    resolution : float
        Spacing of the times that a trigger can have, in seconds; 0 if it is stated.
    """

    files: tuple[Path, ...]
    onsets: NDArray[np.float64]
    durations: NDArray[np.float64]
    levels: NDArray[np.float64]
    basis: str
    resolution: float


def commanded(source: PulsePalSource, inputs: Inputs) -> Commanded:
    """The pulses that an output was told to give.

    Raises
    ------
    SourceError
        If the settings or the custom train cannot be read, or are none that Pulse Pal takes; if nothing says which input triggered
        it, or the line of its trigger has no pulse; if pulses are biphasic, cut or ramps, and nothing is stated about it; if no
        pulse leaves the resting voltage.
    """
    (path,) = expand(source.path)
    customs = expand(source.custom_train) if source.custom_train is not None else ()
    program = read_program(path)
    output = program.outputs[source.channel - 1]
    where = f"{path.name}, output {source.channel}:"
    try:
        train = train_of(output, read_custom(customs[0]) if customs else None)
        if customs and not output.custom_train:
            raise SourceError(f"it plays no custom train, so `custom_train: {customs[0].name}` says nothing; leave it out")
        pulses = list(_joined(_as_stated(source, output, train.segments)))
        _refuse_ramps(source, pulses)
    except SourceError as error:
        raise SourceError(f"{where} {error}") from error
    if not pulses:
        raise SourceError(f"{where} no pulse of it leaves the resting voltage; state `absent: <reason>` if so")
    mode, which = _mode(where, source, program, output)
    rises, falls, resolution = _triggers(source, inputs, where, mode)
    starts, stops = heeded(rises, falls, train.stop * CYCLE, mode)
    onsets, durations, levels = _all(pulses, train, starts, stops)
    if not len(onsets):
        raise SourceError(f"{where} each train was stopped before its first pulse ({mode} trigger)")
    return Commanded(
        files=(path, *customs),
        onsets=onsets,
        durations=durations,
        levels=levels,
        basis="; ".join(
            _said(source, path.name, output, len(starts), len(rises) - len(starts), f"{which}, {mode}", program.remark)
        ),
        resolution=resolution,
    )


def _as_stated(source: PulsePalSource, output: Output, segments: Sequence[Segment]) -> list[Segment]:
    """The segments that are a stimulus, as a person says."""
    if output.is_biphasic and source.phases is None:
        raise SourceError(
            f"its pulses are biphasic ({output.phase1_voltage:g} V, then {output.phase2_voltage:g} V); is the second phase a "
            "stimulus, too? State `phases: first` or `phases: both`"
        )
    meant = [one for one in segments if one.phase == 1 or source.phases == "both"]
    cut = [one for one in meant if one.is_cut]
    if cut and source.cut == "refuse":
        raise SourceError(
            f"its train ends within a pulse, {(cut[0].stop - cut[0].first) * CYCLE * 1000:g} ms after it begins: Pulse Pal cuts "
            "it, its program for MATLAB leaves it out. State `cut: keep` or `cut: leave out`"
        )
    return [one for one in meant if not one.is_cut] if source.cut == "leave out" else meant


@dataclass(frozen=True)
class _Pulse:
    """A stretch without a rest, in cycles after the trigger; its level is NaN where it changes."""

    first: int
    stop: int
    level: float


def _joined(segments: Sequence[Segment]) -> Iterator[_Pulse]:
    """Segments without a rest between them as one pulse."""
    pulse: _Pulse | None = None
    for one in segments:
        if pulse is not None and one.first <= pulse.stop:
            pulse = _Pulse(pulse.first, max(one.stop, pulse.stop), pulse.level if one.volts == pulse.level else float("nan"))
            continue
        if pulse is not None:
            yield pulse
        pulse = _Pulse(one.first, one.stop, one.volts)
    if pulse is not None:
        yield pulse


def _refuse_ramps(source: PulsePalSource, pulses: Sequence[_Pulse]) -> None:
    ramps = [one for one in pulses if np.isnan(one.level)]
    if ramps and source.ramps == "refuse":
        raise SourceError(
            f"the voltage of {len(ramps)} of {len(pulses)} pulses changes without a rest (a ramp, a sine, two phases): one level "
            "would not be true of them. State `ramps: keep` to keep their onsets and widths"
        )


def _mode(where: str, source: PulsePalSource, program: Program, output: Output) -> tuple[Mode, str]:
    """What the trigger does within a train, and which it is, in words."""
    linked = [str(number) for number, is_linked in enumerate(output.links, start=1) if is_linked]
    meant = source.trigger_channel or (linked[0] if len(linked) == 1 else None)
    if meant is None and not linked:
        meant = "software"
    if meant is None:
        raise SourceError(f"{where} both trigger channels start it; state `trigger_channel: 1`, `2` or `software`")
    if meant == "software":
        return "normal", "triggered by a message"
    if meant not in linked:
        raise SourceError(
            f"{where} trigger channel {meant} does not start it ({'channel ' + linked[0] if linked else 'no channel'} does); was "
            "it triggered by a message? Then state `trigger_channel: software`"
        )
    return program.modes[int(meant) - 1], f"triggered by channel {meant}"


def _triggers(
    source: PulsePalSource, inputs: Inputs, where: str, mode: Mode
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """When the trigger rose and fell, and the spacing of these times, in seconds."""
    if source.of is None:
        if mode == "gated":
            raise SourceError(
                f"{where} its trigger is gated: a train lasts no longer than the trigger. Name its recorded line, `of: daq/LINE`"
            )
        stated = np.array([one.to("s") for one in source.triggers] or [0.0])
        return stated, stated, 0.0
    recording = inputs["of"]
    if not isinstance(recording, Recording) or source.of.part is None:
        raise SourceError(
            f"{where} `of: {source.of}` is no channel of a recording; name the line of its trigger, such as daq/Trigger"
        )
    pulses = recorded_pulses(recording, source.of.part, threshold=_threshold(source, recording))
    _refuse_unclear(pulses, recording, mode)
    return pulses.times.seconds, pulses.times.seconds + pulses.durations, 1 / recording.rate


def _threshold(source: PulsePalSource, recording: Recording) -> float | None:
    if source.threshold is None or source.of is None:
        return None
    unit = recording.channel(source.of.part or "").unit
    try:
        return source.threshold.to(unit)
    except ValueError as error:
        raise SourceError(f"`threshold: {source.threshold}`: {source.of} is in {unit}; state it in {unit}") from error


def _refuse_unclear(pulses: RecordedPulses, recording: Recording, mode: Mode) -> None:
    file = recording.files[0].name
    refuse_faint(pulses, file, "State `threshold:` to say from where on it is a trigger")
    if not len(pulses):
        raise SourceError(f"{file}: no pulse on {pulses.channel} ({pulses.basis}), so nothing triggered Pulse Pal")
    wrong = pulses.on_at_start | (pulses.on_at_end if mode == "gated" else False)
    if wrong.any():
        at = pulses.times.seconds[int(np.flatnonzero(wrong)[0])]
        raise SourceError(
            f"{file}: {pulses.channel} was on at {at:.6f} s, when a sweep began or ended; when it triggered is not known"
        )
    if not pulses.has_ends and mode == "gated":
        raise SourceError(f"{file}: {pulses.channel} only says when, and the trigger is gated: how long it was on must be known")


def _all(
    pulses: Sequence[_Pulse], train: Train, starts: NDArray[np.float64], stops: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Onset, duration and level of each pulse of all trains, without what a trigger stopped."""
    first, stop = (np.array([getattr(one, end) for one in pulses]) * CYCLE for end in ("first", "stop"))
    onsets = (starts[:, np.newaxis] + first).ravel()
    ends = np.minimum((starts[:, np.newaxis] + stop).ravel(), np.repeat(stops, len(pulses)))
    levels = np.tile([one.level for one in pulses], len(starts))
    is_stopped = np.repeat(stops < starts + train.stop * CYCLE - _SAME, len(pulses))
    durations = np.where(is_stopped, ends - onsets, np.tile(stop - first, len(starts)))
    kept = durations > _SAME
    return onsets[kept], durations[kept], levels[kept]


def _said(
    source: PulsePalSource, file: str, output: Output, n_trains: int, n_ignored: int, trigger: str, remark: str
) -> Iterator[str]:
    """What was commanded, in parts."""
    when = f"at the rises of {source.of}" if source.of is not None else "at the stated times" if source.triggers else "at zero"
    trains = f"{n_trains} train{'' if n_trains == 1 else 's'}"
    yield f"commanded on output {source.channel} of Pulse Pal ({file}), not recorded: {trains} {when}, {trigger}"
    if output.train_delay:
        yield f"{output.train_delay * 1000:g} ms after the trigger"
    if output.custom_train:
        yield f"custom train {output.custom_train}"
    if n_ignored:
        yield f"{n_ignored} trigger{'' if n_ignored == 1 else 's'} within a train started none"
    if source.cut == "leave out":
        yield "a pulse within which the train ends is left out, as stated"
    if output.is_biphasic:
        yield "the first phase of each biphasic pulse" if source.phases == "first" else "both phases of each biphasic pulse"
    if remark:
        yield remark
