"""What a state machine logged in its trials, as digital lines and as series of events.

A line has one sample a cycle of the machine, in which it reads its inputs and decides its state. The sweep of a trial begins one
cycle before it, when no state was on, and ends with the cycle in which the machine left its last state. A line of an input has
only edges in the log: before the first of a trial its level is the other one; in a trial without any it is the last that was seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import DigitalLine
from bergmann.errors import SourceError
from bergmann.records import Channel, EventSeries
from bergmann.timing.times import ExplicitTimes

_ENDS = {"High": "Low", "In": "Out", "_Start": "_End"}
"""What the name of an event ends with, where a line rises, and where the same line falls."""

_RISES = re.compile(rf"(.+)({'|'.join(_ENDS)})")


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes
    ----------
    start, stop : float
        On the machine's clock, in seconds.
    states : mapping of str to sequence of (float, float)
        From when to when it was in each state, in seconds after `start`; nothing for one that it was not in.
    events : mapping of str to sequence of float
        When each kind of event was, in seconds after `start`.
    values : mapping of str to float or bool
        What else the file says of it.
    """

    start: float
    stop: float
    states: Mapping[str, Sequence[tuple[float, float]]]
    events: Mapping[str, Sequence[float]]
    values: Mapping[str, float | bool]

    @property
    def length(self) -> float:
        """From its start to the last that was logged in it, in seconds."""
        ends = [stop for visits in self.states.values() for _, stop in visits]
        return max([*ends, *(time for times in self.events.values() for time in times)], default=0.0)


@dataclass(frozen=True, eq=False)
class _Sweeps:
    """Where the trials lie among the samples."""

    firsts: NDArray[np.int64]
    count: int
    rate: float

    @classmethod
    def of(cls, trials: Sequence[Trial], rate: float) -> _Sweeps:
        lengths = sweep_lengths(trials, rate)
        return cls(np.cumsum(lengths) - lengths, int(lengths.sum()), rate)

    def samples(self, number: int, times: Sequence[float]) -> NDArray[np.int64]:
        """The samples of times in a trial."""
        at: NDArray[np.int64] = self.firsts[number] + 1 + np.round(np.asarray(times, dtype=np.float64) * self.rate).astype(np.int64)
        return at


def sweep_lengths(trials: Sequence[Trial], rate: float) -> NDArray[np.int64]:
    """Samples of each trial's sweep, shape (n_trials,)."""
    return np.array([round(trial.length * rate) + 2 for trial in trials], dtype=np.int64)


def channels(trials: Sequence[Trial], rate: float) -> tuple[Channel, ...]:
    """The states, the inputs, and what has no length (messages, timers, soft codes), each as a digital line.

    Parameters
    ----------
    trials : sequence of Trial
    rate : float
        Cycles per second.

    Raises
    ------
    SourceError
        If a state and an input have the same name.
    """
    sweeps = _Sweeps.of(trials, rate)
    kinds = names_of_events(trials)
    lines = _lines(kinds)
    paired = {kind for pair in lines.values() for kind in pair}
    made = [_channel(name, _line_of_state(trials, sweeps, name), is_command=True) for name in names_of_states(trials)]
    made += [_channel(name, _line_of_input(trials, sweeps, *ends)) for name, ends in lines.items()]
    made += [_channel(kind, _line_of_events(trials, sweeps, kind), is_momentary=True) for kind in kinds if kind not in paired]
    _refuse_doubled([one.name for one in made])
    return tuple(made)


def _line_of_state(trials: Sequence[Trial], sweeps: _Sweeps, name: str) -> DigitalLine:
    spans = [sweeps.samples(number, span).tolist() for number, trial in enumerate(trials) for span in trial.states.get(name, ())]
    return DigitalLine(_edges(spans), sweeps.count)


def _line_of_input(trials: Sequence[Trial], sweeps: _Sweeps, rise: str, fall: str) -> DigitalLine:
    changes = [
        (sweeps.samples(number, trial.events.get(rise, ())), sweeps.samples(number, trial.events.get(fall, ())))
        for number, trial in enumerate(trials)
    ]
    return DigitalLine(_levels(changes, sweeps.firsts), sweeps.count)


def _line_of_events(trials: Sequence[Trial], sweeps: _Sweeps, kind: str) -> DigitalLine:
    found = [sweeps.samples(number, trial.events.get(kind, ())) for number, trial in enumerate(trials)]
    return DigitalLine(_edges([[at, at + 1] for at in np.unique(np.concatenate(found)).tolist()]), sweeps.count)


def _channel(name: str, line: DigitalLine, *, is_command: bool = False, is_momentary: bool = False) -> Channel:
    return Channel(name=name, kind="digital", unit="n.a.", samples=line, is_command=is_command, is_momentary=is_momentary)


def _refuse_doubled(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise SourceError(f"a state and an input are both called {name!r}; rename the state in a copy of the file")


def _edges(spans: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Where a line turns that is on in each span, which are ascending; spans that touch are one."""
    edges: list[int] = []
    for first, last in spans:
        if edges and edges[-1] >= first:
            edges[-1] = max(edges[-1], last)
        elif last > first:
            edges += [first, last]
    return np.array(edges, dtype=np.int64)


def _levels(changes: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], firsts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where a line turns, from the samples at which it rose and fell in each trial."""
    edges: list[int] = []
    level = 0
    for first, (rises, falls) in zip(firsts.tolist(), changes, strict=True):
        turns = sorted([(one, 1) for one in rises.tolist()] + [(one, 0) for one in falls.tolist()])
        if turns and level == turns[0][1]:
            turns = [(first, 1 - level), *turns]  # it changed between the trials, where nothing was logged
        for at, to in turns:
            if to != level:
                edges.append(at)
                level = to
    return np.array(edges, dtype=np.int64)


def _lines(kinds: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The lines whose rises and falls were both logged, by name: ``BNC1`` of ``BNC1High`` and ``BNC1Low``."""
    risen = [match for kind in kinds if (match := _RISES.fullmatch(kind))]
    return {match[1]: (match[0], fall) for match in risen if (fall := match[1] + _ENDS[match[2]]) in kinds}


def names_of_states(trials: Sequence[Trial]) -> list[str]:
    """States that the machine was in, in the order in which it first was."""
    first: dict[str, float] = {}
    for trial in trials:
        for name, visits in trial.states.items():
            if len(visits):
                first.setdefault(name, trial.start + visits[0][0])
    return sorted(first, key=lambda name: first[name])


def names_of_events(trials: Sequence[Trial]) -> list[str]:
    """Kinds of events that were logged, sorted."""
    return sorted({name for trial in trials for name, times in trial.events.items() if len(times)})


def series(trials: Sequence[Trial]) -> tuple[EventSeries, ...]:
    """The visits of each state, and the events of each kind, with the number of their trial."""
    made = []
    for name in names_of_states(trials):
        rows = [(n, trial.start + a, b - a) for n, trial in enumerate(trials, 1) for a, b in trial.states.get(name, ())]
        numbers, starts, lengths = (np.array(column) for column in zip(*rows, strict=True))
        made.append(_series(name, f"the machine was in the state {name}", numbers, starts, lengths))
    for name in names_of_events(trials):
        points = [(n, trial.start + time) for n, trial in enumerate(trials, 1) for time in sorted(trial.events.get(name, ()))]
        numbers, starts = (np.array(column) for column in zip(*points, strict=True))
        made.append(_series(name, f"the event {name}, as the machine calls it", numbers, starts, None))
    return tuple(made)


def _series(
    name: str, what: str, trials: NDArray[np.int64], starts: NDArray[np.float64], lengths: NDArray[np.float64] | None
) -> EventSeries:
    return EventSeries(
        name=name,
        times=ExplicitTimes(starts),
        durations=lengths,
        columns={"trial": trials},
        column_descriptions={"trial": "Number of the trial, from 1."},
        description=what,
    )


def rises(trials: Sequence[Trial], of: Sequence[str]) -> ExplicitTimes:
    """When a line rose that was high in any of these: states, inputs, events without a length, or ``trials`` for their starts.

    States that follow each other without a gap are one pulse.

    Raises
    ------
    SourceError
        If the machine was in no such state and logged no such event.
    """
    known = ["trials", *names_of_states(trials), *_lines(names_of_events(trials)), *names_of_events(trials)]
    for name in of:
        if name not in known:
            raise SourceError(f"no state, input or event {name!r}; there are: {', '.join(dict.fromkeys(known))}")
    seconds: list[float] = []
    for trial in trials:
        spans = sorted(span for name in of for span in _spans(trial, name))
        end = -np.inf
        for start, stop in spans:
            if start > end:
                seconds.append(trial.start + start)
            end = max(end, stop)
    return ExplicitTimes(np.array(seconds))


def _spans(trial: Trial, name: str) -> list[tuple[float, float]]:
    if name == "trials":
        return [(0.0, 0.0)]
    if name in trial.states:
        return list(trial.states[name])
    if name in trial.events:
        return [(time, time) for time in trial.events[name]]
    rise = next((f"{name}{end}" for end in _ENDS if f"{name}{end}" in trial.events), None)
    return [(time, time) for time in trial.events[rise]] if rise is not None else []
