"""Recorded channels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError
from bergmann.records.base import Record, agree
from bergmann.texts import named
from bergmann.timing.times import ExplicitTimes, RegularTimes, Times


@dataclass(frozen=True, kw_only=True, eq=False)
class Channel:
    """One recorded line: ``samples * conversion + offset`` is in `unit`.

    Attributes
    ----------
    name : str
    kind : {"analog", "digital"}
    unit : str
        Unit of the converted value, e.g. ``"V"``; ``"n.a."`` for a digital line.
    samples : LazyArray, shape (n_samples,)
        As stored, all sweeps behind each other; 0 or 1 for a digital line.
    conversion, offset : float
        Stored value to unit.
    is_momentary : bool
        Whether a digital line only says when: each 1 is one event, and how long that lasted is not known.
    is_command : bool
        Whether it is what a machine did by its program (a state it was in), not what came in.
    """

    name: str
    kind: Literal["analog", "digital"]
    unit: str
    samples: LazyArray
    conversion: float = 1.0
    offset: float = 0.0
    is_momentary: bool = False
    is_command: bool = False

    def values(self, start: int, stop: int) -> NDArray[np.float64]:
        """Samples ``start`` to ``stop`` in `unit`, shape (stop - start,)."""
        return np.asarray(self.samples[start:stop], dtype=np.float64) * self.conversion + self.offset


@dataclass(frozen=True, kw_only=True, eq=False)
class EventLine:
    """One recorded line of which not samples are stored, but the times at which something happened on it.

    Attributes
    ----------
    name : str
    description : str
        What its events are, as the file says it: ``"rising edges"``.
    times : ExplicitTimes
        When each began, in seconds.
    durations : np.ndarray, shape (n_events,), seconds, or None
        None if the file says no ends. Of an event that is cut, the part that was recorded.
    values : np.ndarray or tuple of str, shape (n_events,), or None
        What is stored with each: a number, a code, a text.
    has_kinds : bool
        Whether the values say of what kind each event is (keys, sorted spikes), so that they are not pulses of one thing.
    resolution : float
        To what the times are counted, in seconds.
    on_at_start, on_at_end : bool
        Whether the first (last) event is cut: it was on when the recording began (ended).
    """

    name: str
    description: str
    times: ExplicitTimes
    durations: NDArray[np.float64] | None = None
    values: NDArray[Any] | tuple[str, ...] | None = None
    has_kinds: bool = False
    resolution: float
    on_at_start: bool = False
    on_at_end: bool = False

    def __post_init__(self) -> None:
        for what, values in (("durations", self.durations), ("values", self.values)):
            if values is not None:
                agree(f"{what} of {self.name}", len(values), len(self.times), "events")


@dataclass(frozen=True, kw_only=True, eq=False)
class CommandPulses:
    """Pulses that a protocol commanded on an output, from its epoch table.

    Attributes
    ----------
    output : str
        Name of the output, e.g. ``"Cmd 0"`` or ``"digital 4"``.
    unit : str
        Unit of the levels.
    times : ExplicitTimes
        Onset of each pulse, in seconds.
    durations : np.ndarray, shape (n_pulses,), seconds
    levels : np.ndarray, shape (n_pulses,), in `unit`
    epoch : str
        Name of the epoch, e.g. ``"B"``.
    """

    output: str
    unit: str
    times: ExplicitTimes
    durations: NDArray[np.float64]
    levels: NDArray[np.float64]
    epoch: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording(Record):
    """Channels recorded together, in one or more sweeps.

    Attributes
    ----------
    rate : float
        Samples per second.
    sweep_starts : ExplicitTimes
        When each sweep began, in seconds.
    sweep_lengths : np.ndarray, shape (n_sweeps,), int64
        Samples of each sweep.
    channels : tuple of Channel
    lines : tuple of EventLine
        Lines of which only the times of events are stored.
    tags : tuple of str
        Comments typed during the recording.
    tag_times : ExplicitTimes
        When each was typed, in seconds.
    commands : tuple of CommandPulses
        Pulses that the protocol commanded.
    """

    rate: float
    sweep_starts: ExplicitTimes
    sweep_lengths: NDArray[np.int64]
    channels: tuple[Channel, ...]
    lines: tuple[EventLine, ...] = ()
    tags: tuple[str, ...] = ()
    tag_times: ExplicitTimes = field(default_factory=lambda: ExplicitTimes(np.empty(0)))
    commands: tuple[CommandPulses, ...] = ()

    def __post_init__(self) -> None:
        agree("sweep lengths", len(self.sweep_lengths), len(self.sweep_starts), "sweeps")
        agree("tags", len(self.tags), len(self.tag_times), "tag times")
        for channel in self.channels:
            agree(f"samples of {channel.name}", channel.samples.shape[0], int(self.sweep_lengths.sum()), "samples in sweeps")

    @property
    def recorded_lines(self) -> tuple[Channel | EventLine, ...]:
        """The channels, and behind them the lines of events."""
        return self.channels + self.lines

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.recorded_lines)

    @property
    def span(self) -> tuple[float, float] | None:
        last = self.sweep_starts.last + (int(self.sweep_lengths[-1]) - 1) / self.rate
        return self.sweep_starts.first, last

    def aligned(self, offset: float) -> Self:
        shifted = super().aligned(offset)
        return replace(
            shifted,
            lines=tuple(replace(one, times=one.times.shifted(offset)) for one in self.lines),
            commands=tuple(replace(c, times=c.times.shifted(offset)) for c in self.commands),
        )

    def channel(self, name: str) -> Channel:
        """The channel of that name, compared by `bergmann.texts.named`.

        Raises
        ------
        SourceError
            If there is none, or it has events and no samples; the message lists those there are.
        """
        part = self.part(name)
        if isinstance(part, Channel):
            return part
        raise SourceError(f"{self.files[0].name}: {part.name} has the times of events, and no samples")

    def part(self, name: str) -> Channel | EventLine:
        """The channel or the line of that name, compared by `bergmann.texts.named`.

        Raises
        ------
        SourceError
            If there is none; the message lists those there are.
        """
        meant = named(name, self.parts)
        if meant is not None:
            return self.recorded_lines[self.parts.index(meant)]
        known = ", ".join(self.parts) or "none"
        raise SourceError(f"{self.files[0].name}: no channel {name!r}; it has: {known}")

    @property
    def is_continuous(self) -> bool:
        """Whether each sweep begins one sample after the last of the one before (to a hundredth of a sample)."""
        return bool(np.all(np.abs(self.sweep_gaps()) < 0.01 / self.rate))

    def sweep_gaps(self) -> NDArray[np.float64]:
        """Time from the end of each sweep to the start of the next, shape (n_sweeps - 1,), in seconds."""
        ends = self.sweep_starts.seconds + self.sweep_lengths / self.rate
        gaps: NDArray[np.float64] = self.sweep_starts.seconds[1:] - ends[:-1]
        return gaps

    @property
    def times(self) -> Times:
        """When each sample was taken, in seconds: regular if the sweeps join without a gap."""
        if self.is_continuous:
            return RegularTimes(self.sweep_starts.first, self.rate, int(self.sweep_lengths.sum()))
        sweeps = zip(self.sweep_starts.seconds, self.sweep_lengths, strict=True)
        return ExplicitTimes(np.concatenate([start + np.arange(length) / self.rate for start, length in sweeps]))
