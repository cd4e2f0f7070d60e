"""The pulses that a Clampex protocol commands, from its table of epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase

import numpy as np
from numpy.typing import NDArray

from bergmann.records import CommandPulses
from bergmann.timing.times import ExplicitTimes

STEP, PULSE = 1, 3
KINDS = {2: "ramp", 4: "triangle train", 5: "cosine train", 7: "biphasic train"}
"""Shapes of an epoch other than steps and pulses, by their number in the file."""


@dataclass(frozen=True)
class Epoch:
    """One column of a protocol's table, for one analog output.

    Attributes
    ----------
    number : int
        0 for epoch A.
    kind : int
        0 off, 1 step, 2 ramp, 3 pulse train, 4 triangle train, 5 cosine train, 7 biphasic train.
    level, level_step : float
        Level in the first sweep, and what each sweep adds.
    duration, duration_step : int
        Samples in the first sweep, and what each sweep adds.
    period, width : int
        Of the pulses of a train, in samples; they hold for pulse epochs and for digital trains.
    """

    number: int
    kind: int
    level: float
    level_step: float
    duration: int
    duration_step: int
    period: int
    width: int

    @property
    def letter(self) -> str:
        """``"A"`` for the first epoch, ``"AA"`` after ``"Z"``."""
        repeats, letter = divmod(self.number, len(ascii_uppercase))
        return ascii_uppercase[letter] * (repeats + 1)


@dataclass(frozen=True)
class DigitalPattern:
    """What an epoch does to the digital outputs, a bit each.

    Attributes
    ----------
    high : int
        Outputs that are high throughout.
    train : int
        Outputs that carry the epoch's train.
    """

    high: int = 0
    train: int = 0


@dataclass(frozen=True)
class Segment:
    """Samples ``start`` to ``stop`` of a sweep at one level."""

    start: int
    stop: int
    level: float
    epoch: str


@dataclass(frozen=True)
class Protocol:
    """How the sweeps of a protocol run.

    Attributes
    ----------
    n_samples : int
        Of a sweep.
    rate : float
        Samples per second.
    sweep_starts : np.ndarray, shape (n_sweeps,), seconds
    """

    n_samples: int
    rate: float
    sweep_starts: NDArray[np.float64]

    def spans(self, epochs: Sequence[Epoch], sweep: int) -> Iterator[tuple[Epoch, int, int]]:
        """Each epoch with its first sample, and the one after its last.

        The first 64th of a sweep comes before epoch A (Clampex holds there).
        """
        position = self.n_samples // 64
        for epoch in epochs:
            duration = max(epoch.duration + sweep * epoch.duration_step, 0)
            if epoch.kind:
                yield epoch, position, position + duration
                position += duration

    def analog(self, output: str, unit: str, epochs: Sequence[Epoch], holding: float) -> list[CommandPulses]:
        """The steps and pulses of an analog output that leave its holding level."""

        def segments(sweep: int) -> Iterator[Segment]:
            for epoch, start, stop in self.spans(epochs, sweep):
                level = epoch.level + sweep * epoch.level_step
                if epoch.kind == STEP:
                    yield Segment(start, stop, level, epoch.letter)
                elif epoch.kind == PULSE:
                    yield from _train(epoch, start, stop, level)

        return self._pulses(output, unit, segments, holding)

    def digital(self, bit: int, epochs: Sequence[Epoch], pattern_of: Callable[[Epoch, int], DigitalPattern]) -> list[CommandPulses]:
        """The pulses of a digital output; `pattern_of` gives the pattern of an epoch in a sweep."""

        def segments(sweep: int) -> Iterator[Segment]:
            for epoch, start, stop in self.spans(epochs, sweep):
                pattern = pattern_of(epoch, sweep)
                if pattern.high >> bit & 1:
                    yield Segment(start, stop, 1.0, epoch.letter)
                elif pattern.train >> bit & 1:
                    yield from _train(epoch, start, stop, 1.0)

        return self._pulses(f"digital {bit}", "n.a.", segments, 0.0)

    def _pulses(self, output: str, unit: str, segments: Callable[[int], Iterator[Segment]], resting: float) -> list[CommandPulses]:
        rows = [
            (start, one)
            for sweep, start in enumerate(self.sweep_starts)
            for one in _joined(segments(sweep))
            if one.level != resting and one.start < one.stop
        ]
        return [
            CommandPulses(
                output=output,
                unit=unit,
                times=ExplicitTimes(np.array([start + one.start / self.rate for start, one in rows if one.epoch == epoch])),
                durations=np.array([(one.stop - one.start) / self.rate for _, one in rows if one.epoch == epoch]),
                levels=np.array([one.level for _, one in rows if one.epoch == epoch]),
                epoch=epoch,
            )
            for epoch in dict.fromkeys(one.epoch for _, one in rows)
        ]


def _train(epoch: Epoch, start: int, stop: int, level: float) -> Iterator[Segment]:
    """The pulses of the whole periods in an epoch."""
    if epoch.period > 0:
        for onset in range(start, stop - epoch.period + 1, epoch.period):
            yield Segment(onset, onset + epoch.width, level, epoch.letter)


def _joined(segments: Iterator[Segment]) -> list[Segment]:
    """The segments, those joined that touch at one level: the output does not move between them."""
    joined: list[Segment] = []
    for one in segments:
        last = joined[-1] if joined else None
        if last and last.stop == one.start and last.level == one.level:
            names = last.epoch.split("+")
            epoch = last.epoch if one.epoch in names else f"{last.epoch}+{one.epoch}"
            joined[-1] = replace(last, stop=one.stop, epoch=epoch)
        else:
            joined.append(one)
    return joined


def remarks(output: str, epochs: Sequence[Epoch], *, uses_train: Callable[[Epoch], bool]) -> Iterator[str]:
    """What of a table is not among the pulses, and why."""
    before: Epoch | None = None
    for epoch in epochs:
        if epoch.kind in KINDS:
            yield f"{output}, epoch {epoch.letter}: a {KINDS[epoch.kind]} is not pulses"
        elif epoch.kind == PULSE and before is not None and (before.level or before.level_step):
            yield f"{output}, epoch {epoch.letter}: pulses begin from the level of epoch {before.letter}"
        if (epoch.kind == PULSE or uses_train(epoch)) and epoch.kind:
            if epoch.period <= 0:
                yield f"{output}, epoch {epoch.letter}: a train without a period"
            elif epoch.duration % epoch.period:
                yield f"{output}, epoch {epoch.letter}: its last period is not whole, and no pulse is listed there"
        before = epoch if epoch.kind else before
