"""Whether a subject is the same animal in all its sessions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bergmann.findings import Finding

CONSTANT = ("species", "sex", "genotype", "strain", "date_of_birth")
"""What of a subject cannot change between its sessions; one that does not state it says nothing against the others."""

_AGE = re.compile(r"P(?:(?P<years>[\d.]+)Y)?(?:(?P<months>[\d.]+)M)?(?:(?P<weeks>[\d.]+)W)?(?:(?P<days>[\d.]+)D)?(?:T.*)?")
_DAYS = {"years": 365.25, "months": 30.44, "weeks": 7.0, "days": 1.0}


@dataclass(frozen=True)
class _Session:
    """The subject as one file states it, and when the session began."""

    path: Path
    start: datetime | None
    stated: dict[str, str]


def check_subjects(paths: Iterable[Path]) -> Iterator[Finding]:
    """Check over NWB files that a subject with one id is one animal, and that its ages fit the dates.

    Yields
    ------
    Finding
        An error for each statement that differs, naming the files.
    """
    by_subject: dict[str, list[_Session]] = defaultdict(list)
    for path in paths:
        session = _read(path)
        if subject_id := session.stated.get("subject_id"):
            by_subject[subject_id].append(session)
    for subject_id, sessions in by_subject.items():
        for name in CONSTANT:
            yield from _check_constant(subject_id, name, sessions)
        yield from _check_ages(subject_id, sessions)


def _read(path: Path) -> _Session:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            subject = file.get("general/subject")
            stated = {name: _text(item[()]) for name, item in subject.items() if item.shape == ()} if subject is not None else {}
            start = file.get("session_start_time")
            return _Session(path, _moment(_text(start[()])) if start is not None else None, stated)
    except (OSError, RuntimeError, KeyError, AttributeError, ValueError):  # what is damaged is found where the file is looked at
        return _Session(path, None, {})


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.astimezone()


def _finding(subject_id: str, name: str, message: str) -> Finding:
    remedy = "mend what is stated, or give the animals different ids"
    location = f"subject {subject_id}: {name}"
    return Finding(severity="error", check="subject differs", location=location, message=message, remedy=remedy)


def _check_constant(subject_id: str, name: str, sessions: list[_Session]) -> Iterator[Finding]:
    files: dict[str, list[str]] = defaultdict(list)
    for session in sessions:
        if name in session.stated:
            files[session.stated[name]].append(session.path.name)
    if len(files) > 1:
        yield _finding(subject_id, name, "; ".join(f"{value} in {', '.join(names)}" for value, names in files.items()))


def _check_ages(subject_id: str, sessions: list[_Session]) -> Iterator[Finding]:
    """Compare the days of birth that age and date of each session allow; a rule compares them with its date of birth."""
    allowed = [(session, window) for session in sessions if (window := _window(session)) is not None]
    for index, (session, (first, last)) in enumerate(allowed):
        for other, (other_first, other_last) in allowed[:index]:
            if first > other_last or other_first > last:
                said = f"{_said(other)}, and {_said(session)}: no day of birth fits both"
                yield _finding(subject_id, "age", said)
                return


def _said(session: _Session) -> str:
    date = session.start.date() if session.start is not None else "an unknown day"
    return f"{session.stated['age']} on {date} ({session.path.name})"


def _window(session: _Session) -> tuple[float, float] | None:
    stated = session.stated
    return birth_window(stated.get("age", ""), stated.get("age__reference", "birth"), session.start)


def birth_window(age: str, reference: str, start: datetime | None) -> tuple[float, float] | None:
    """First and last day of birth (days since 1970) that an age allows: ``P11W`` is 11 weeks, up to but not 12."""
    match = _AGE.fullmatch(age)
    if match is None or start is None or reference != "birth":
        return None
    parts = {name: float(number) for name, number in match.groupdict().items() if number}
    if not parts:
        return None
    days = sum(number * _DAYS[name] for name, number in parts.items())
    finest = min(_DAYS[name] for name in parts)
    day = start.timestamp() / 86400
    return day - days - finest - 1, day - days + 1
