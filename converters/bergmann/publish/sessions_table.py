"""``sessions.tsv``: one line a session, for the analyst who opens a dandiset.

Made of the NWB files alone, so that it says of any file what that file says, whoever wrote it. What a file does not say is ``n/a``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bergmann.ask.asking import read_file
from bergmann.ask.columns import Table, child_of, children, kind_of
from bergmann.ask.facts import Facts
from bergmann.ask.words import drugs_in_words
from bergmann.errors import SourceError
from bergmann.publish.places import write_whole

NAME = "sessions.tsv"
NOTHING = "n/a"

FIRST = ("session", "subject", "arm", "control", "start", "species")
LAST = ("drugs", "streams", "exclusions", "file")
DAYS = "days_since_"
"""Begins the column of a procedure; one for each that any of the sessions had."""


@dataclass(frozen=True)
class SessionLine:
    """What one file says of its session.

    Attributes
    ----------
    path : str
        In the dandiset.
    facts : Facts
    streams : tuple of str
        Everything that was recorded or derived, with its NWB type: ``"movie (TwoPhotonSeries)"``.
    exclusions : tuple of str
        Stretches that should not be analysed, with their reasons.
    """

    path: str
    facts: Facts
    streams: tuple[str, ...]
    exclusions: tuple[str, ...]

    def days(self) -> dict[str, str]:
        """Days since each procedure, by its label; of one done several times, in their order."""
        days: dict[str, list[str]] = {}
        for row in self.facts.procedures:
            days.setdefault(row.label or row.kind, []).append(NOTHING if row.days is None else f"{row.days:g}")
        return {label: ", ".join(listed) for label, listed in days.items()}

    def cells(self, procedures: Sequence[str]) -> tuple[str, ...]:
        """The line, with the days since each of the procedures."""
        facts, days = self.facts, self.days()
        control = {True: "yes", False: "no", None: ""}[facts.arm_is_control]
        return (
            *(facts.session, facts.subject, facts.arm, control, facts.start, facts.species),
            *(days.get(label, "") for label in procedures),
            "; ".join(drugs_in_words(facts.drugs)),
            "; ".join(self.streams),
            "; ".join(self.exclusions),
            self.path,
        )


def read_line(path: Path, inside: str) -> SessionLine:
    """What a file says of its session.

    Parameters
    ----------
    path : Path
    inside : str
        Its path in the dandiset.

    Raises
    ------
    SourceError
        If it cannot be read, or contradicts itself.
    """
    import h5py

    facts = read_file(path)
    with h5py.File(path, "r") as file:
        return SessionLine(inside, facts, tuple(_streams(file)), tuple(_exclusions(file)))


def sessions_table(lines: Iterable[SessionLine]) -> str:
    """The table as text: by subject, then start; the same for the same files.

    Parameters
    ----------
    lines : iterable of SessionLine
    """
    ordered = sorted(lines, key=lambda one: (one.facts.subject, one.facts.start, one.facts.session, one.path))
    procedures = sorted({label for one in ordered for label in one.days()})
    header = (*FIRST, *(f"{DAYS}{label}" for label in procedures), *LAST)
    rows = [header, *(one.cells(procedures) for one in ordered)]
    return "".join("\t".join(map(_cell, row)) + "\n" for row in rows)


def write_sessions_table(files: Iterable[tuple[str, Path]], target: Path) -> None:
    """Write the table of NWB files; it appears whole, or stays as it was.

    Parameters
    ----------
    files : iterable of (str, Path)
        NWB files, by their path in the dandiset.
    target : Path

    Raises
    ------
    SourceError
        If a file cannot be read.
    OSError
        If the table cannot be written.
    """
    lines = []
    for inside, path in files:
        try:
            lines.append(read_line(path, inside))
        except SourceError as error:
            raise SourceError(f"{inside}: {error}") from error
    text = sessions_table(lines)
    if not target.is_file() or target.read_bytes() != text.encode():
        write_whole(target, text)


def _cell(text: str) -> str:
    """A text on one line without tabs; what a spreadsheet would compute stands behind an apostrophe, so that it stays text."""
    plain = " ".join(text.split())
    return f"'{plain}" if plain.startswith(("=", "+", "-", "@")) else plain or NOTHING


def _streams(file: Any) -> Iterator[str]:
    """What lies in acquisition, stimulus, events and intervals, and in the processing modules."""
    places = [child_of(file, name) for name in ("acquisition", "stimulus/presentation", "events", "intervals")]
    places += [module for _, module in children(child_of(file, "processing"))]
    found = [f"{name} ({kind_of(one)})" for place in places for name, one in children(place) if kind_of(one)]
    yield from (one for one in dict.fromkeys(found) if not one.startswith("invalid_times ("))


def _exclusions(file: Any) -> Iterator[str]:
    """The invalid times: ``0-12.5 s: focus lost``."""
    group = child_of(file, "intervals/invalid_times")
    if group is None:
        return
    table = Table(group)
    reasons: list[tuple[str, ...]] = [()] * table.length
    if child_of(group, "tags") is not None:
        tags = child_of(group, "tags")
        reasons = table.ragged("tags", [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in tags[()]])
    for start, stop, why in zip(table.numbers("start_time"), table.numbers("stop_time"), reasons, strict=True):
        span = "-".join("?" if one is None else f"{one:.10g}" for one in (start, stop))
        yield f"{span} s: {', '.join(why)}" if why else f"{span} s"
