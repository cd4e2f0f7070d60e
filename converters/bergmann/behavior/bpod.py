"""Bpod: the trials, states and events of a session, and its inputs and states as lines that clocks and light can refer to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from bergmann.behavior._bpod import CYCLE, Session, is_bpod, read_session
from bergmann.behavior._state_lines import Trial, channels, names_of_states, rises, series, sweep_lengths
from bergmann.errors import SourceError
from bergmann.records import StateMachine
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.timing.times import ExplicitTimes

STEPS = (CYCLE, 1e-6)
"""Seconds of a step in which Bpod counts: the cycle of all but its first versions, which gave microseconds."""

_OFF_GRID = 0.01
"""Share of a step by which a time may be off its multiple: floats."""


class BpodSource(Source):
    """A session of Bpod.

    Attributes
    ----------
    path : Path
        Of the software for MATLAB (``.mat``), of pybpod (``.csv``), or as the IBL keeps it (``.jsonable``).
    pulses : tuple of str
        What a line showed that another instrument recorded, so that `clock:` can name it: ``trials`` for the start of each trial,
        the name of a state or an input, or several, if the line was high in each. States without a gap between them are one pulse.
    """

    format: Literal["bpod"] = "bpod"
    path: Path
    pulses: tuple[str, ...] = ()

    @field_validator("pulses", mode="before")
    @classmethod
    def _one_or_several(cls, pulses: object) -> object:
        return (pulses,) if isinstance(pulses, str) else pulses


def find(folder: Path) -> Iterator[BpodSource]:
    """Every session file in the folder and below."""
    for path in sorted(folder.rglob("*")):
        if is_bpod(path):
            yield BpodSource(path=path)


def read(source: BpodSource, inputs: Inputs) -> StateMachine:  # noqa: ARG001
    """Read the trials, on Bpod's own clock.

    Raises
    ------
    SourceError
        If the file is none of Bpod's, has no trial, or one whose times are no steps of Bpod or run backwards; if there is no
        state, input or event that is named in `pulses`.
    MissingExtraError
        For a MATLAB file of version 5 to 7, if SciPy is not installed.
    """
    (path,) = expand(source.path)
    session = read_session(path)
    trials = session.trials
    step = _step(path, trials)
    _check_order(path, trials, step)
    rate = float(round(1 / step))
    starts = np.array([trial.start for trial in trials])
    names = dict.fromkeys(name for trial in trials for name in trial.values)
    try:
        return StateMachine(
            files=(path,),
            start=session.start,
            notes=_notes(session),
            rate=rate,
            sweep_starts=ExplicitTimes(starts - step),
            sweep_lengths=sweep_lengths(trials, rate),
            channels=channels(trials, rate),
            starts=ExplicitTimes(starts),
            stops=np.array([trial.stop for trial in trials]),
            columns={name: _column(trials, name) for name in names},
            column_descriptions={name: f"{name} of the trial, as the protocol kept it." for name in names},
            series=series(trials),
            basis=_basis(session, step),
            pulses=rises(trials, source.pulses) if source.pulses else None,
        )
    except SourceError as error:
        raise SourceError(f"{path.name}: {error}") from error


def _step(path: Path, trials: Sequence[Trial]) -> float:
    """The step of time that the machine counted in, in seconds: the longest of `STEPS` that all times are multiples of.

    Raises
    ------
    SourceError
        If they are multiples of none, or a state ends before it begins.
    """
    of_trials = [[time for visits in one.states.values() for span in visits for time in span] for one in trials]
    times = [np.array([*of_states, *chain(*one.events.values())]) for of_states, one in zip(of_trials, trials, strict=True)]
    for number, (seconds, trial) in enumerate(zip(times, trials, strict=True), start=1):
        wrong = seconds[~np.isfinite(seconds) | _off(seconds, STEPS[-1]) | (seconds < 0)]
        if len(wrong):
            raise SourceError(
                f"{path.name}, trial {number}: a time of {float(wrong[0])!r} s is no multiple of 1 us; Bpod counts in steps of "
                "0.1 ms, its first versions in steps of 1 us. Was it run in the emulator, or are its times in another unit?"
            )
        backwards = [name for name, visits in trial.states.items() for start, stop in visits if stop < start]
        if backwards:
            raise SourceError(f"{path.name}, trial {number}: the state {backwards[0]} ends before it begins")
    return next(step for step in STEPS if not any(_off(seconds, step).any() for seconds in times))


def _off(seconds: NDArray[np.float64], step: float) -> NDArray[np.bool_]:
    counts = seconds / step
    off: NDArray[np.bool_] = np.abs(counts - np.round(counts)) > _OFF_GRID
    return off


def _check_order(path: Path, trials: Sequence[Trial], step: float) -> None:
    for number, (one, after) in enumerate(pairwise(trials), start=1):
        if after.start < one.start + one.length - step:
            raise SourceError(
                f"{path.name}: trial {number + 1} begins at {after.start:.4f} s, before the last of trial {number} at "
                f"{one.start + one.length:.4f} s; was the machine started anew, so that its clock began again? Split the file there"
            )


def _column(trials: Sequence[Trial], name: str) -> NDArray[Any]:
    """A value of each trial, shape (n_trials,); NaN where the protocol kept none."""
    return np.array([trial.values.get(name, float("nan")) for trial in trials])


def _notes(session: Session) -> dict[str, str]:
    said = {"software": session.software, "machine": session.machine, "late": _said_late(session.trials)}
    return {name: text for name, text in said.items() if text}


def _said_late(trials: Sequence[Trial]) -> str:
    """Trials that took longer by Bpod's clock than it counted cycles: its own check allows 1 ms."""
    late = [(number, trial.stop - trial.start - trial.length) for number, trial in enumerate(trials, start=1)]
    late = [(number, seconds) for number, seconds in late if abs(seconds) > 1e-3]
    shown = ", ".join(f"trial {number} by {seconds * 1000:.1f} ms" for number, seconds in late[:5])
    return f"{shown}{f' and {len(late) - 5} more' if len(late) > 5 else ''}" if late else ""


def _basis(session: Session, step: float) -> str:
    never = sorted({name for trial in session.trials for name in trial.states} - set(names_of_states(session.trials)))
    machine = f" on {session.machine}" if session.machine else ""
    facts = [
        f"logged by {session.software}{machine} in steps of {'0.1 ms' if step == CYCLE else '1 us'}",
        f"states that it never was in: {', '.join(never)}" if never else "",
        *session.remarks,
    ]
    return "; ".join(fact for fact in facts if fact)


FORMAT = Format(source=BpodSource, record=StateMachine, label="Bpod session (MATLAB, pybpod)", find=find, read=read)
