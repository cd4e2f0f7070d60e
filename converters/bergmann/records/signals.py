"""Recorded channels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError
from bergmann.records.base import Record, agree
from bergmann.texts import named
from bergmann.timing.clock_map import ClockMap
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


@dataclass(frozen=True, eq=False)
class OwnClock:
    """The clock of a recorder whose times were put on another one.

    Attributes
    ----------
    rate : float
        Samples per second of this clock.
    sweep_starts : np.ndarray, shape (n_sweeps,), float64
        When each sweep began, in seconds on this clock.
    clock : ClockMap
        From this clock to the other.
    """

    rate: float
    sweep_starts: NDArray[np.float64]
    clock: ClockMap


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
    own : OwnClock, optional
        The recorder's clock, where the times are on another. If that one's rate changed against it, the samples are at no constant
        rate; `rate` is then that of the whole.
    """

    rate: float
    sweep_starts: ExplicitTimes
    sweep_lengths: NDArray[np.int64]
    channels: tuple[Channel, ...]
    lines: tuple[EventLine, ...] = ()
    tags: tuple[str, ...] = ()
    tag_times: ExplicitTimes = field(default_factory=lambda: ExplicitTimes(np.empty(0)))
    commands: tuple[CommandPulses, ...] = ()
    own: OwnClock | None = None

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
        last = self.sample_times(np.array([int(self.sweep_lengths.sum()) - 1]))
        return self.sweep_starts.first, float(last[0])

    def aligned(self, offset: float) -> Self:
        shifted = super().aligned(offset)
        return replace(
            shifted,
            lines=tuple(replace(one, times=one.times.shifted(offset)) for one in self.lines),
            commands=tuple(replace(c, times=c.times.shifted(offset)) for c in self.commands),
        )

    def mapped(self, clock: ClockMap) -> Self:
        moved = super().mapped(clock)
        commands = tuple(replace(one, times=one.times.mapped(clock)) for one in self.commands)
        lines = tuple(replace(one, times=one.times.mapped(clock)) for one in self.lines)
        own = OwnClock(self.rate, self.sweep_starts.seconds, clock)
        return replace(moved, rate=self.rate / clock.rate_ratio, lines=lines, commands=commands, own=own)

    @property
    def _bent(self) -> OwnClock | None:
        """The recorder's clock, if its rate changed."""
        return self.own if self.own is not None and not self.own.clock.is_steady else None

    @property
    def _base(self) -> tuple[NDArray[np.float64], float]:
        """Starts of the sweeps and a rate at which the samples are regular: on the recorder's clock if they are so on that only."""
        bent = self._bent
        return (self.sweep_starts.seconds, self.rate) if bent is None else (bent.sweep_starts, bent.rate)

    def sample_times(self, samples: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
        """When samples were taken, shape (n,), in seconds; the samples of all sweeps are numbered through.

        Parameters
        ----------
        samples : np.ndarray, shape (n,)
            Whole numbers, or fractions for what was between two samples.
        """
        first = np.cumsum(self.sweep_lengths) - self.sweep_lengths
        sweep = np.maximum(np.searchsorted(first, samples, side="right") - 1, 0)
        starts, rate = self._base
        times: NDArray[np.float64] = starts[sweep] + (samples - first[sweep]) / rate
        return times if self._bent is None else self._bent.clock.apply(times)

    def samples_at(self, seconds: NDArray[np.float64]) -> NDArray[np.int64]:
        """The samples that were taken at the given times, shape (n,)."""
        starts, rate = self._base
        seconds = seconds if self._bent is None else self._bent.clock.inverse.apply(seconds)
        sweep = np.maximum(np.searchsorted(starts, seconds + 0.5 / rate, side="right") - 1, 0)
        first = np.cumsum(self.sweep_lengths) - self.sweep_lengths
        samples: NDArray[np.int64] = first[sweep] + np.round((seconds - starts[sweep]) * rate).astype(np.int64)
        return samples

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
        near = get_close_matches(name, self.parts, n=1)
        perhaps = f"; did you mean {near[0]!r}?" if near else ""
        raise SourceError(f"{self.files[0].name}: no channel {name!r}; it has: {known}{perhaps}")

    @property
    def is_continuous(self) -> bool:
        """Whether all sweeps are one, at a constant rate: each begins where the one before ends (to a hundredth)."""
        return self._bent is None and bool(np.all(np.abs(self.sweep_gaps()) < 0.01 / self.rate))

    def sweep_gaps(self) -> NDArray[np.float64]:
        """Time from the end of each sweep to the start of the next, shape (n_sweeps - 1,), in seconds of the recorder's clock."""
        starts, rate = self._base
        ends = starts + self.sweep_lengths / rate
        gaps: NDArray[np.float64] = starts[1:] - ends[:-1]
        return gaps

    @property
    def times(self) -> Times:
        """When each sample was taken, in seconds: regular if the sweeps join without a gap."""
        if self.is_continuous:
            return RegularTimes(self.sweep_starts.first, self.rate, int(self.sweep_lengths.sum()))
        return ExplicitTimes(self.sample_times(np.arange(int(self.sweep_lengths.sum()))))
