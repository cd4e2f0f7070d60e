"""Starts and stops of states, paired as BORIS pairs them: by behaviour, subject and modifiers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bergmann.behavior._boris import Observation, Row
from bergmann.errors import SourceError


@dataclass(frozen=True, kw_only=True)
class Bout:
    """A point event, or a state from its start to its stop; times in seconds as BORIS keeps them."""

    behavior: str
    start: float
    stop: float | None = None
    subject: str = ""
    modifiers: str = ""
    comment: str = ""
    comment_stop: str = ""


def pair(path: Path, observation: Observation) -> list[Bout]:
    """The events of an observation, by the time they began.

    Raises
    ------
    SourceError
        If a state has no stop or no start, or a code is not in the ethogram (and so neither state nor point); all are named.
    """
    open_rows: dict[tuple[str, str, str], Row] = {}
    bouts: list[Bout] = []
    wrong: list[str] = []
    for row in observation.rows:
        key = (row.behavior, row.subject, row.modifiers)
        status = row.status or _status(observation, row, is_open=key in open_rows)
        if row.stop is not None and row.stop < row.time:
            wrong.append(_complaint(row, "backwards"))
        elif row.stop is not None:
            bouts.append(_bout(row, row.stop, row.comment_stop))
        elif status == "POINT":
            bouts.append(_bout(row, None))
        elif status == "START" and key not in open_rows:
            open_rows[key] = row
        elif status == "STOP" and key in open_rows:
            bouts.append(_bout(open_rows.pop(key), row.time, row.comment))
        else:
            wrong.append(_complaint(row, status))
    wrong.extend(_complaint(row, "never stops") for row in open_rows.values())
    if wrong:
        raise SourceError(
            f"{path.name}: observation {observation.name!r}: {'; '.join(wrong)}. Mend it in BORIS "
            "(Observations, Fix unpaired events) and save the project"
        )
    _one_kind_each(path, observation, bouts)
    return sorted(bouts, key=lambda bout: bout.start)


def _status(observation: Observation, row: Row, *, is_open: bool) -> str:
    """What a line of a project is: the ethogram tells states from points, and starts and stops take turns."""
    if row.behavior in observation.points:
        return "POINT"
    if row.behavior in observation.states:
        return "STOP" if is_open else "START"
    return "UNKNOWN"


def _bout(row: Row, stop: float | None, comment_stop: str = "") -> Bout:
    return Bout(
        behavior=row.behavior,
        start=row.time,
        stop=stop,
        subject=row.subject,
        modifiers=row.modifiers,
        comment=row.comment,
        comment_stop=comment_stop,
    )


def _complaint(row: Row, status: str) -> str:
    whose = f" of {row.subject}" if row.subject else ""
    what = {
        "backwards": "begins at {time} s and stops before that",
        "never stops": "begins at {time} s and never stops",
        "START": "begins at {time} s although it had begun before",
        "STOP": "stops at {time} s and never began",
        "UNKNOWN": "at {time} s is not in the ethogram, which would say whether it is a state",
    }.get(status, "at {time} s is neither START, STOP nor POINT")
    return f"{row.behavior!r}{whose} {what.format(time=f'{row.time:g}')}"


def _one_kind_each(path: Path, observation: Observation, bouts: list[Bout]) -> None:
    for code in _both(bouts):
        raise SourceError(f"{path.name}: observation {observation.name!r}: {code!r} is scored as a state and as a point event")


def _both(bouts: list[Bout]) -> Iterator[str]:
    states = {bout.behavior for bout in bouts if bout.stop is not None}
    points = {bout.behavior for bout in bouts if bout.stop is None}
    yield from sorted(states & points)
