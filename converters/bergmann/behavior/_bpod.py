"""Trials of Bpod, from the session files of its software for MATLAB and for Python.

MATLAB saves one structure, ``SessionData``, whose ``RawEvents.Trial`` has the visits of each state and the times of each event in a
trial, counted from its start, and ``TrialStartTimestamp`` the starts on the machine's clock (`AddTrialEvents.m` and
`RunStateMachine.m` of Sanworks' Bpod_Gen2). ``Info.SessionStartTime_UTC`` is the computer's local time in spite of its name: it is
MATLAB's ``now``, taken when the machine's clock is set to 0. pybpod writes a message a line (`session.py` of pybpod-api), or, as
the International Brain Laboratory keeps it, the same of each trial as a line of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bergmann.behavior._state_lines import Trial
from bergmann.errors import SourceError
from bergmann.matlab import fields_of, read_variables
from bergmann.tables import read_text

CYCLE = 1e-4
"""Seconds of one cycle of the machine, in which it reads its inputs (`SetupHardware.m`)."""

_LATE = 600.0
"""Seconds after which a first trial means that the clock was not set to 0 when the session began."""

_HEADER = ["TYPE", "PC-TIME", "BPOD-INITIAL-TIME", "BPOD-FINAL-TIME", "MSG", "+INFO"]
_OF_TRIAL = {"Trial start timestamp", "Trial end timestamp", "States timestamps", "Events timestamps"}


@dataclass(frozen=True)
class Session:
    """What a session file says.

    Attributes
    ----------
    trials : tuple of Trial
    start : datetime or None
        The computer's local time when the machine's clock was at 0.
    software : str
    machine : str
        Empty where the file does not say it.
    remarks : tuple of str
        What of the file is not in here.
    """

    trials: tuple[Trial, ...]
    start: datetime | None = None
    software: str = "Bpod"
    machine: str = ""
    remarks: tuple[str, ...] = field(default=())


def is_bpod(path: Path) -> bool:
    """Whether a file is one of these, by its beginning; never raises."""
    if path.suffix.lower() == ".mat":
        return {"RawEvents", "TrialStartTimestamp"} <= fields_of(path, "SessionData")
    if path.suffix.lower() not in {".csv", ".jsonable"} or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            if path.suffix.lower() == ".csv":
                return any(_is_header(file.readline(1 << 12).decode("utf-8", errors="replace")) for _ in range(40))
            line = file.readline(1 << 22).decode("utf-8", errors="replace")
    except OSError:
        return False
    return line.startswith("{") and '"behavior_data"' in line


def read_session(path: Path) -> Session:
    """Read a session file.

    Raises
    ------
    SourceError
        If it is none of Bpod's, has no trial, or a number of it is missing.
    MissingExtraError
        For a MATLAB file of version 5 to 7, if SciPy is not installed.
    """
    kinds = {".mat": _of_matlab, ".csv": _of_messages, ".jsonable": _of_json}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise SourceError(f"{path.name}: no session of Bpod; expected a file .mat (MATLAB), .csv (pybpod) or .jsonable (IBL)")
    try:
        session = kind(path)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise SourceError(f"{path.name}: no whole session of Bpod ({error}); was the file cut or edited?") from error
    if not session.trials:
        raise SourceError(f"{path.name}: no trial in it; state `absent: <reason>` if none was run")
    return session


# --- MATLAB -----------------------------------------------------------------------------------------------------------


def _of_matlab(path: Path) -> Session:
    found = read_variables(path, ["SessionData"]).get("SessionData")
    if not isinstance(found, dict) or not isinstance(found.get("RawEvents"), dict):
        raise SourceError(f"{path.name}: no structure `SessionData` with `RawEvents`; expected a session file of Bpod")
    raw = _each(found["RawEvents"].get("Trial"))
    starts = _numbers(found.get("TrialStartTimestamp"))
    ends = _numbers(found.get("TrialEndTimestamp")) if found.get("TrialEndTimestamp") is not None else None
    for name, times in (("TrialStartTimestamp", starts), ("TrialEndTimestamp", ends)):
        if times is not None and len(times) != len(raw):
            raise SourceError(
                f"{path.name}: {len(times)} times in {name} for {len(raw)} trials; was the file cut while it was saved?"
            )
    values, left = _values_of_matlab(found, len(raw))
    trials = []
    for number, one in enumerate(raw):
        if not isinstance(one, dict) or not isinstance(one.get("States"), dict):
            raise SourceError(f"{path.name}, trial {number + 1}: it has no `States`; expected those that the machine was in")
        states = {name: _visits(path, number, name, spans) for name, spans in one["States"].items()}
        events = {name: _numbers(times) for name, times in (one.get("Events") or {}).items()}
        of_it = {name: column[number] for name, column in values.items()}
        trials.append(_trial(starts[number], None if ends is None else ends[number], states, events, of_it))
    said = found.get("Info")
    info: dict[str, Any] = said if isinstance(said, dict) else {}
    return Session(
        trials=tuple(trials),
        start=_start_of_matlab(info, trials),
        software=f"Bpod {info.get('BpodSoftwareVersion') or ''}".strip(),
        machine=str(info.get("StateMachineVersion") or ""),
        remarks=_not_kept(left),
    )


def _each(trials: Any) -> list[Any]:
    if trials is None:
        return []
    return list(trials.ravel(order="F")) if isinstance(trials, np.ndarray) else [trials]


def _numbers(found: Any) -> list[float]:
    return [] if found is None else [float(one) for one in np.asarray(found, dtype=np.float64).ravel(order="F")]


def _visits(path: Path, number: int, name: str, found: Any) -> list[tuple[float, float]]:
    """From when to when the machine was in a state: a row each; NaN where it never was."""
    spans = np.asarray(found, dtype=np.float64) if found is not None else np.empty((0, 2))
    if spans.ndim != 2 or spans.shape[1] != 2:
        raise SourceError(
            f"{path.name}, trial {number + 1}: the state {name} has times of shape {spans.shape}; expected (visits, 2)"
        )
    return [(start, stop) for start, stop in spans.tolist() if not np.isnan(start)]


def _values_of_matlab(found: Mapping[str, Any], n_trials: int) -> tuple[dict[str, list[float | bool]], list[str]]:
    """What the protocol kept of each trial, as far as it is a number each; and the names of what else it kept."""
    read = {"RawEvents", "RawData", "Info", "nTrials", "TrialStartTimestamp", "TrialEndTimestamp"}
    values: dict[str, list[float | bool]] = {}
    left: list[str] = []
    for name, value in found.items():
        if name in read:
            continue
        is_each = isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.size == n_trials and 1 in value.shape
        if is_each:
            values[name] = value.ravel().tolist()
        else:
            left.append(name)
    return values, left


def _start_of_matlab(info: Mapping[str, Any], trials: Sequence[Trial]) -> datetime | None:
    if trials and trials[0].start > _LATE:
        return None
    exact = _numbers(info.get("SessionStartTime_MATLAB"))
    if exact:  # days since the year 0
        return datetime.fromordinal(int(exact[0])) - timedelta(days=366) + timedelta(seconds=round(exact[0] % 1 * 86400, 3))
    day, clock = info.get("SessionDate"), info.get("SessionStartTime_UTC")
    for layout in ("%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M"):
        try:
            return datetime.strptime(f"{day} {clock}", layout)
        except ValueError:
            continue
    return None


# --- pybpod -----------------------------------------------------------------------------------------------------------


def _of_messages(path: Path) -> Session:
    lines = read_text(path).splitlines()
    first = next((index for index, line in enumerate(lines) if _is_header(line)), None)
    if first is None:
        raise SourceError(f"{path.name}: no line of pybpod's columns ({';'.join(_HEADER)}); expected a session of pybpod")
    rows = [_cells(line) for line in lines[first + 1 :]]
    groups = list(_by_trial(rows))
    trials = [one for number, group in enumerate(groups) if (one := _trial_of_messages(path, number, group)) is not None]
    cut = len(groups) - len(trials)
    if cut and any(_span(group) is None for group in groups[:-1]):
        raise SourceError(
            f"{path.name}: a trial before the last has no TRIAL-BPOD-TIME, so when it began on Bpod's clock is not known; was the "
            "file written by pybpod 1.6 or newer?"
        )
    info = {row[4]: row[5] for row in rows if row[0] == "INFO"}
    remark = f"the last trial was stopped and has no times: {len(groups[-1])} messages of it are not in here" if cut else ""
    return Session(
        trials=tuple(trials),
        start=_start_of_messages(groups, trials),
        software=f"pybpod {info.get('BPOD-API-VERSION', '')}".strip(),
        remarks=(remark,) if remark else (),
    )


def _cells(line: str) -> list[str]:
    """The cells of a message; what a program printed may have any sign in it, and stands in the last."""
    cells = [cell.strip('"|') for cell in line.split(";", 5)]
    return cells + [""] * (6 - len(cells))


def _is_header(line: str) -> bool:
    return _cells(line)[:3] == _HEADER[:3]


def _by_trial(rows: Sequence[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    """The messages of each trial, from the one that says that it begins."""
    group: list[Sequence[str]] | None = None
    for row in rows:
        if row[0] == "TRIAL":
            if group is not None:
                yield group
            group = []
        if group is not None:
            group.append(row)
    if group is not None:
        yield group


def _span(group: Sequence[Sequence[str]]) -> tuple[float, float] | None:
    """Start and end of a trial on the machine's clock."""
    row = next((row for row in group if row[0] == "INFO" and row[4] == "TRIAL-BPOD-TIME"), None)
    return None if row is None else (float(row[2]), float(row[3]))


def _trial_of_messages(path: Path, number: int, group: Sequence[Sequence[str]]) -> Trial | None:
    span = _span(group)
    if span is None:
        return None
    states: dict[str, list[tuple[float, float]]] = {}
    events: dict[str, list[float]] = {}
    again = any(row[0] == "EVENT-RESUME" for row in group)  # a machine that sends the times behind the trial
    try:
        for row in group:
            if row[0] == "STATE":
                visits = states.setdefault(row[4], [])
                visits += [] if np.isnan(float(row[2])) else [(float(row[2]), float(row[3]))]
            if row[0] == ("EVENT-RESUME" if again else "EVENT"):
                events.setdefault(row[5], []).append(float(row[2]))
    except ValueError as error:
        raise SourceError(f"{path.name}, trial {number + 1}: a message has no time ({error}); expected seconds") from error
    return _trial(*span, states, events, {})


def _start_of_messages(groups: Sequence[Sequence[Sequence[str]]], trials: Sequence[Trial]) -> datetime | None:
    """The computer's time when the first trial began, less what the machine's clock showed then."""
    if not trials:
        return None
    try:
        return datetime.fromisoformat(groups[0][0][1]) - timedelta(seconds=round(trials[0].start, 6))
    except ValueError:
        return None


def _of_json(path: Path) -> Session:
    trials: list[Trial] = []
    starts: list[Any] = []
    left: dict[str, None] = {}
    for number, line in enumerate(read_text(path).splitlines()):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
        except json.JSONDecodeError as error:
            raise SourceError(f"{path.name}, line {number + 1}: no whole JSON ({error}); was the file cut?") from error
        found = said.get("behavior_data") if isinstance(said, dict) else None
        if not isinstance(found, dict) or not set(found) >= _OF_TRIAL:
            raise SourceError(f"{path.name}, line {number + 1}: no `behavior_data` of pybpod in it; expected a trial a line")
        states = {
            name: [(a, b) for a, b in spans if a is not None and not np.isnan(a)]
            for name, spans in found["States timestamps"].items()
        }
        values = {name: value for name, value in said.items() if isinstance(value, bool | int | float)}
        left |= dict.fromkeys(name for name in said if name not in values and name not in {"behavior_data", "init_datetime"})
        span = (found["Trial start timestamp"], found["Trial end timestamp"])
        trials.append(_trial(*span, states, found["Events timestamps"], values))
        starts.append(said.get("init_datetime"))
    return Session(trials=tuple(trials), start=_start_of_json(starts), software="pybpod (IBL)", remarks=_not_kept(list(left)))


def _start_of_json(starts: Sequence[Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(starts[0]) if starts and isinstance(starts[0], str) else None
    except ValueError:
        return None


# --- all --------------------------------------------------------------------------------------------------------------


def _trial(
    start: float,
    stop: float | None,
    states: Mapping[str, Sequence[tuple[float, float]]],
    events: Mapping[str, Sequence[float]],
    values: Mapping[str, float | bool],
) -> Trial:
    """A trial; where the file does not say when it ended, it is with the last that was logged."""
    one = Trial(start=float(start), stop=float("nan"), states=states, events=events, values=values)
    return Trial(
        start=one.start, stop=one.start + one.length if stop is None else float(stop), states=states, events=events, values=values
    )


def _not_kept(names: Sequence[str]) -> tuple[str, ...]:
    """What is in the file and in no table: names alone, since texts and settings may hold paths and people."""
    return (f"in the file and not in here: {', '.join(sorted(names))}",) if names else ()
