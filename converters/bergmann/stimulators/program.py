"""What a channel of Pulse Pal gives for its settings, pulse by pulse.

As its firmware does it (`PulsePal_2_0_1.ino` of Sanworks' PulsePal), in cycles of 50 us: a train begins `train_delay` after its
trigger. Pulses follow each other by their length and `inter_pulse_interval`. If both are above 0, `burst_duration` and
`inter_burst_interval` cut them into bursts, in which no pulse begins whose first phase would not end before the burst; the first
always begins. At the end of the train the output rests, also within a pulse. A custom train has the onsets and voltages of its own
pulses, or bursts; a pulse that follows within `phase1_duration` takes over without a rest, which is how ramps are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError

CYCLE = 50e-6
"""Seconds of one cycle, in which Pulse Pal reads its triggers and sets its outputs."""

_OFF_GRID = 1e-3
"""Share of a cycle by which a time may be off its multiple: floats."""


class Segment(NamedTuple):
    """A stretch of one voltage.

    Attributes
    ----------
    first, stop : int
        First cycle, and the one after the last.
    volts : float
    phase : int
        Of a pulse, 1 or 2.
    is_cut : bool
        Whether the end of the train cut it short.
    """

    first: int
    stop: int
    volts: float
    phase: int
    is_cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Output:
    """Settings of one output channel; times in seconds, levels in volts.

    Attributes
    ----------
    is_biphasic : bool
    phase1_voltage, phase2_voltage, resting_voltage : float
    phase1_duration, inter_phase_interval, phase2_duration, inter_pulse_interval : float
    burst_duration, inter_burst_interval, train_duration, train_delay : float
    links : tuple of bool
        Whether trigger channel 1, and 2, starts it.
    custom_train : int
        0 for none, else 1 or 2.
    custom_target : int
        Whether the onsets of the custom train are those of pulses (0) or of bursts (1).
    custom_loop : bool
        Whether the custom train begins again until the train ends.
    """

    is_biphasic: bool
    phase1_voltage: float
    phase2_voltage: float
    resting_voltage: float
    phase1_duration: float
    inter_phase_interval: float
    phase2_duration: float
    inter_pulse_interval: float
    burst_duration: float
    inter_burst_interval: float
    train_duration: float
    train_delay: float
    links: tuple[bool, bool]
    custom_train: int
    custom_target: int
    custom_loop: bool

    def cycles(self, name: str) -> int:
        """A time in cycles.

        Raises
        ------
        SourceError
            If it is below 0, or none of the multiples of 50 us that Pulse Pal takes.
        """
        return in_cycles(getattr(self, name), name)


@dataclass(frozen=True)
class Custom:
    """A custom train: onsets in seconds after the train begins, and volts, of each pulse or burst."""

    onsets: Sequence[float]
    volts: Sequence[float]


@dataclass(frozen=True, eq=False)
class Train:
    """What one trigger starts.

    Attributes
    ----------
    segments : tuple of Segment
        What leaves the resting voltage, in cycles after the trigger, ascending.
    stop : int
        Cycles after the trigger from which on a new one is heeded.
    """

    segments: tuple[Segment, ...]
    stop: int


def in_cycles(seconds: float, name: str) -> int:
    """A time in whole cycles; see `Output.cycles`."""
    cycles = seconds / CYCLE
    if not np.isfinite(cycles) or cycles < 0 or abs(cycles - round(cycles)) > _OFF_GRID:
        raise SourceError(f"{name.replace('_', ' ')} is {seconds:g} s; Pulse Pal takes multiples of 50 us. Is it in seconds?")
    return round(cycles)


def train_of(output: Output, custom: Custom | None) -> Train:
    """What one trigger starts.

    Parameters
    ----------
    output : Output
    custom : Custom or None
        Needed if the output uses a custom train.

    Raises
    ------
    SourceError
        If a time is none that Pulse Pal takes; if pulses have no interval between them, or the custom train is missing, runs
        backwards, or joins biphasic pulses: what is given then is not known.
    """
    delay, end = output.cycles("train_delay"), output.cycles("train_duration")
    if output.custom_train == 0:
        found = _clipped(_parametric(output, end), end)
    else:
        if custom is None:
            raise SourceError(f"it plays custom train {output.custom_train}, which is no setting; state `custom_train:`, a table")
        onsets = _onsets(custom)
        played = _custom_bursts if output.custom_target == 1 else _custom_pulses
        found = list(played(output, onsets, custom.volts, end))
        found = _clipped(found, end) if output.custom_loop else found
        end = end if output.custom_loop else max(one.stop for one in found)
    lit = [one for one in found if one.volts != output.resting_voltage and one.stop > one.first]
    return Train(tuple(one._replace(first=delay + one.first, stop=delay + one.stop) for one in lit), delay + end)


def _phases(output: Output, first: float, second: float) -> list[Segment]:
    """The phases of a pulse, in cycles after it begins."""
    one = output.cycles("phase1_duration")
    if one == 0:
        raise SourceError("phase1 duration is 0, so no pulse is given")
    if not output.is_biphasic:
        return [Segment(0, one, first, 1)]
    gap, two = output.cycles("inter_phase_interval"), output.cycles("phase2_duration")
    return [Segment(0, one, first, 1), Segment(one + gap, one + gap + two, second, 2)]


def _parametric(output: Output, end: int) -> Iterator[Segment]:
    phases = _phases(output, output.phase1_voltage, output.phase2_voltage)
    burst, between = output.cycles("burst_duration"), output.cycles("inter_burst_interval")
    if not burst or not between:
        yield from _burst(output, phases, 0, None, end)
        return
    for start in range(0, end, burst + between):
        yield from _burst(output, phases, start, burst, end)


def _burst(output: Output, phases: Sequence[Segment], start: int, length: int | None, end: int) -> Iterator[Segment]:
    """The pulses from a cycle on: of a burst of that length, or until the train ends."""
    period = phases[-1].stop + output.cycles("inter_pulse_interval")
    until = end - start if length is None else length
    if period == phases[0].stop and until > period:
        raise SourceError(
            "inter pulse interval is 0, for which versions of Pulse Pal give one pulse or a line that stays high; which was it? "
            "Use the recorded copy of the line, or state the light as `format: stated_train`"
        )
    for at in range(0, until, period):
        if length is not None and at > 0 and at + phases[0].stop >= length:
            return
        for one in phases:
            stop = at + one.stop if length is None else min(at + one.stop, length)
            yield one._replace(first=start + at + one.first, stop=start + stop)


def _clipped(segments: Iterable[Segment], end: int) -> list[Segment]:
    """What of the segments lies before the end of the train."""
    before = (one for one in segments if one.first < end)
    return [one._replace(stop=min(one.stop, end), is_cut=one.stop > end) for one in before]


def _onsets(custom: Custom) -> list[int]:
    onsets = [in_cycles(one, f"onset {number} of the custom train") for number, one in enumerate(custom.onsets, start=1)]
    if not onsets or len(onsets) != len(custom.volts):
        raise SourceError(f"{len(custom.volts)} voltages for {len(onsets)} onsets of the custom train")
    if any(b <= a for a, b in pairwise(onsets)):
        raise SourceError("the onsets of the custom train do not ascend")
    return onsets


def _custom_bursts(output: Output, onsets: Sequence[int], volts: Sequence[float], end: int) -> Iterator[Segment]:  # noqa: ARG001
    length = output.cycles("burst_duration")
    if length == 0:
        raise SourceError("burst duration is 0, and the custom train is one of bursts; Pulse Pal refuses that")
    for number, (start, level) in enumerate(zip(onsets, volts, strict=True)):
        if number and start < onsets[number - 1] + length:
            raise SourceError(f"burst {number + 1} of the custom train begins before the one before it ends")
        yield from _burst(output, _phases(output, level, -level), start, length, start + length)


def _custom_pulses(output: Output, onsets: Sequence[int], volts: Sequence[float], end: int) -> Iterator[Segment]:
    """The pulses of a custom train; if it loops, the first of the next round follows the last of the one before."""
    width = output.cycles("phase1_duration")
    joined = [b - a <= width for a, b in pairwise(onsets)]
    if output.is_biphasic and any(joined):
        raise SourceError("biphasic pulses of its custom train follow each other without a rest; what is given then is not known")
    start, starts = 0, list(onsets)
    while True:
        for number, level in enumerate(volts):
            begin = start + starts[number]
            if number < len(joined) and joined[number]:
                yield Segment(begin, start + starts[number + 1], level, 1)
                continue
            yield from (one._replace(first=begin + one.first, stop=begin + one.stop) for one in _phases(output, level, -level))
        start += starts[-1] + width
        if not output.custom_loop or output.is_biphasic or start >= end:
            return
        starts[0] = 0  # the first of the next round begins at once
        if joined and joined[0]:
            starts[1] = width


Mode = Literal["normal", "toggle", "gated"]


def heeded(
    rises: NDArray[np.float64], falls: NDArray[np.float64], length: float, mode: Mode
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Which triggers start a train, and when each train is stopped at the latest.

    Parameters
    ----------
    rises, falls : np.ndarray, shape (n_triggers,), float64
        When the trigger rose and fell, in seconds.
    length : float
        From the trigger to the end of the train, in seconds.
    mode : {"normal", "toggle", "gated"}
        What a trigger within a train does: nothing; its rise stops the train; its fall stops the train.

    Returns
    -------
    starts, stops : np.ndarray, shape (n_trains,), float64
    """
    starts: list[float] = []
    stops: list[float] = []
    for rise, fall in zip(rises.tolist(), falls.tolist(), strict=True):
        if starts and rise < stops[-1]:
            if mode == "toggle":
                stops[-1] = rise
            continue
        starts.append(rise)
        stops.append(min(rise + length, fall) if mode == "gated" else rise + length)
    return np.array(starts), np.array(stops)
