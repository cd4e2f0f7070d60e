"""Trials of a behaviour box that runs a state machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records.base import agree
from bergmann.records.behavior import EventSeries
from bergmann.records.signals import Recording
from bergmann.timing.clock_map import ClockMap
from bergmann.timing.times import ExplicitTimes, Times


@dataclass(frozen=True, kw_only=True, eq=False)
class StateMachine(Recording):
    """Trials of a box that ran a state machine: what it logged, and the same as digital lines, one sweep a trial.

    As a recording it can be named wherever a recorded line is: in ``clock:``, as light, as events.

    Attributes
    ----------
    starts : ExplicitTimes
        When each trial began, in seconds.
    stops : np.ndarray, shape (n_trials,)
        When it ended, in seconds on the same clock.
    columns : mapping of str to np.ndarray, shape (n_trials,)
        What else is known of each trial.
    column_descriptions : mapping of str to str
    series : tuple of EventSeries
        The visits of each state, with durations, and the events of each kind.
    basis : str
        How they are known, and in what steps of time.
    pulses : ExplicitTimes, optional
        When a line rose that another instrument recorded: what a ``clock:`` ticks for.
    """

    starts: ExplicitTimes
    stops: NDArray[np.float64]
    columns: Mapping[str, Any] = field(default_factory=dict)
    column_descriptions: Mapping[str, str] = field(default_factory=dict)
    series: tuple[EventSeries, ...]
    basis: str
    pulses: ExplicitTimes | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        agree("sweeps", len(self.sweep_starts), len(self.starts), "trials")
        agree("stops", len(self.stops), len(self.starts), "starts of trials")
        for name, column in self.columns.items():
            agree(f"values of {name}", len(column), len(self.starts), "trials")
        if (self.stops < self.starts.seconds).any():
            index = int(np.flatnonzero(self.stops < self.starts.seconds)[0])
            raise SourceError(
                f"trial {index + 1} stops ({self.stops[index]:g} s) before it starts ({self.starts.seconds[index]:g} s)"
            )

    @property
    def clock_times(self) -> Times | None:
        return self.pulses

    @property
    def span(self) -> tuple[float, float] | None:
        return self.starts.first, float(self.stops.max())

    def aligned(self, offset: float) -> Self:
        series = tuple(replace(one, times=one.times.shifted(offset)) for one in self.series)
        return replace(self._moved(lambda seconds: seconds + offset), series=series)

    def mapped(self, clock: ClockMap) -> Self:
        """The same trials on another clock; each sweep keeps its start, and all take the rate that the clock has on the whole."""
        if clock.model == "offset":
            return self.aligned(clock.offset)
        return replace(self._moved(clock.apply), rate=self.rate / clock.rate_ratio)

    def _moved(self, move: Move) -> Self:
        """The same with every time as `move` gives it; tags and commands it has none."""
        return replace(
            self,
            sweep_starts=ExplicitTimes(move(self.sweep_starts.seconds)),
            starts=ExplicitTimes(move(self.starts.seconds)),
            stops=move(self.stops),
            series=tuple(_moved(one, move) for one in self.series),
            pulses=None if self.pulses is None else ExplicitTimes(move(self.pulses.seconds)),
        )


Move = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _moved(series: EventSeries, move: Move) -> EventSeries:
    starts = move(series.times.seconds)
    if series.durations is None:
        return replace(series, times=ExplicitTimes(starts))
    lengths = move(series.times.seconds + series.durations) - starts
    return replace(series, times=ExplicitTimes(starts), durations=lengths)
