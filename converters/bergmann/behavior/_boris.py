"""What BORIS keeps: projects (JSON) and the two tables that it exports, tabular and aggregated events."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

from bergmann.errors import SourceError
from bergmann.tables import number, read_cells

EXPORT_SUFFIXES = frozenset({".csv", ".tsv", ".xlsx"})

MOST_BYTES = 256 * 2**20
"""Larger files are not opened to see whether they are of BORIS: what a person scored is a thousandth of that."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of an observation.

    Attributes
    ----------
    time : float
        In seconds as BORIS keeps it: its time offset is already in it.
    status : {"START", "STOP", "POINT", ""}
        Empty in a project, where the ethogram says which codes are states and the order which of two is the start.
    stop : float or None
        End of a state, where one line holds both (aggregated events).
    """

    time: float
    behavior: str
    subject: str = ""
    modifiers: str = ""
    comment: str = ""
    status: str = ""
    stop: float | None = None
    comment_stop: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Observation:
    """One observation of a project or an export.

    Attributes
    ----------
    kind : {"MEDIA", "LIVE", "IMAGES"}
    date : str
        As BORIS keeps it, ``2016-11-27T01:57:26``; for scored media the day of scoring, not of the recording.
    offset : float or None
        What BORIS added to every time, in seconds; None where an export does not say it.
    players : tuple of tuple of str
        Base names of the media of each player, in the order they are played; the first player's time counts.
    lengths : mapping of str to float
        Length of each medium in seconds, by base name.
    total : float or None
        Length of all media of the first player together, in seconds.
    delays : mapping of int to float
        Offset of each player against the first, in seconds.
    states, points : frozenset of str
        Codes of the ethogram; both empty in an export.
    descriptions : mapping of str to str
        What each code means.
    variables : mapping of str to str
        Independent variables that are filled in.
    wall_clock : str
        Name of the setting that made BORIS count from something else than the observation's start; empty if none did.
    """

    name: str
    kind: str
    rows: tuple[Row, ...]
    date: str = ""
    offset: float | None = None
    players: tuple[tuple[str, ...], ...] = ()
    lengths: Mapping[str, float] = field(default_factory=dict)
    total: float | None = None
    delays: Mapping[int, float] = field(default_factory=dict)
    states: frozenset[str] = frozenset()
    points: frozenset[str] = frozenset()
    descriptions: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    wall_clock: str = ""


def base_name(path: str) -> str:
    """Last part of a path of any system; BORIS keeps absolute ones."""
    return PureWindowsPath(path.strip()).name


def is_boris(path: Path) -> bool:
    """Whether the file is a project with observations, or an export; never raises."""
    try:
        return path.is_file() and _may_be(path) and bool(read_observations(path))
    except (OSError, ValueError, SourceError):
        return False


def _may_be(path: Path) -> bool:
    """By name and size, and for text by its beginning, so that large tables of others are not read whole."""
    if path.stat().st_size > MOST_BYTES:
        return False
    if path.suffix.lower() in {".csv", ".tsv"}:
        with path.open("rb") as content:
            return b"Behavior" in content.read(8192)
    return path.name.lower().endswith((".boris", ".boris.gz", ".xlsx"))


def read_observations(path: Path, encoding: str | None = None) -> dict[str, Observation]:
    """All observations of a project or an export, by name.

    Raises
    ------
    SourceError
        If the file is neither, or an encoding is stated of a project, which is always UTF-8.
    """
    if path.suffix.lower() in EXPORT_SUFFIXES:
        return _read_export(path, encoding)
    if encoding is not None:
        raise SourceError(f"{path.name}: a project of BORIS is always UTF-8; leave out `encoding`")
    return _read_project(path)


# --- project ----------------------------------------------------------------------------------------------------------


def _read_project(path: Path) -> dict[str, Observation]:
    try:
        content = path.read_bytes()
        project = json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    except (ValueError, OSError, EOFError) as error:
        raise SourceError(f"{path.name}: not a BORIS project, or cut off ({error}); expected JSON as BORIS saves it") from error
    if not isinstance(project, dict) or not {"observations", "behaviors_conf"} <= set(project):
        raise SourceError(f"{path.name}: not a BORIS project; expected `observations` and `behaviors_conf` in it")
    behaviors = list(project["behaviors_conf"].values())
    return {name: _observation(path, name, one, behaviors) for name, one in project["observations"].items()}


def _observation(path: Path, name: str, one: Mapping[str, Any], behaviors: list[Mapping[str, Any]]) -> Observation:
    media = one.get("media_info") or {}
    files = one.get("file") if isinstance(one.get("file"), dict) else {}
    players = {int(number): tuple(base_name(file) for file in listed) for number, listed in (files or {}).items() if listed}
    try:
        return Observation(
            name=name,
            kind=str(one.get("type", "")),
            rows=tuple(_project_row(event) for event in one.get("events", [])),
            date=str(one.get("date", "")),
            offset=float(one.get("time offset") or 0.0),
            players=tuple(players[number] for number in sorted(players)),
            lengths={base_name(file): float(length) for file, length in (media.get("length") or {}).items()},
            delays={int(number): float(delay) for number, delay in (media.get("offset") or {}).items()},
            states=frozenset(one["code"] for one in behaviors if str(one.get("type", "")).lower().startswith("state")),
            points=frozenset(one["code"] for one in behaviors if str(one.get("type", "")).lower().startswith("point")),
            descriptions={one["code"]: str(one.get("description") or "") for one in behaviors},
            variables={key: str(value) for key, value in (one.get("independent_variables") or {}).items() if str(value).strip()},
            wall_clock=next((key for key in _WALL_CLOCK if one.get(key)), ""),
        )
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise SourceError(f"{path.name}: observation {name!r} is not as BORIS writes it ({error!r})") from error


_WALL_CLOCK = ("start_from_current_time", "start_from_current_epoch_time", "media_creation_date_as_offset")
"""Settings of BORIS 7.13 and later that make it count from midnight, from 1970, or from the creation of the medium."""


def _project_row(event: list[Any]) -> Row:
    """(time, subject, code, modifiers, comment[, frame index]) of a scored medium or a live observation."""
    time, subject, behavior, modifiers, comment, *_ = [*event, "", ""] if len(event) < 5 else event
    return Row(time=float(time), subject=str(subject), behavior=str(behavior), modifiers=str(modifiers), comment=str(comment))


# --- exports ----------------------------------------------------------------------------------------------------------


def _read_export(path: Path, encoding: str | None) -> dict[str, Observation]:
    cells = read_cells(path, encoding=encoding)
    top = next((n for n, row in enumerate(cells) if _is_header({cell.strip() for cell in row})), None)
    if top is None:
        raise SourceError(
            f"{path.name}: not an export of BORIS; expected a line with the columns `Behavior` and `Time` (tabular events) or "
            "`Start (s)` and `Stop (s)` (aggregated events)"
        )
    head = [cell.strip() for cell in cells[top]]
    records = [
        (line, dict(zip(head, row, strict=False)))
        for line, row in enumerate(cells[top + 1 :], start=top + 2)
        if any(cell.strip() for cell in row)
    ]
    above = {row[0].strip(): row[1].strip() for row in cells[:top] if len(row) > 1}
    by_name: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, record in records:
        by_name.setdefault(record.get("Observation id", above.get("Observation id", "")).strip(), []).append((line, record))
    return {name: _exported(path, name, rows, above) for name, rows in by_name.items()}


def _is_header(names: set[str]) -> bool:
    return "Behavior" in names and ("Time" in names or {"Start (s)", "Stop (s)"} <= names)


def _exported(path: Path, name: str, records: list[tuple[int, dict[str, str]]], above: Mapping[str, str]) -> Observation:
    first = {**above, **records[0][1]}
    offset = first.get("Time offset (s)", "")
    players = _exported_players(first, [record for _, record in records])
    total = first.get("Total length") or first.get("Media duration (s)") or ""
    return Observation(
        name=name,
        kind="MEDIA" if players else "LIVE",
        rows=tuple(_export_row(path, line, record) for line, record in records),
        date=first.get("Observation date", ""),
        offset=number(offset, where=f"{path.name}: Time offset (s)", line=records[0][0]) if offset else None,
        players=players,
        total=float(total) if re.fullmatch(r"\d+\.?\d*", total) and len(players) < 2 else None,
    )


def _exported_players(first: Mapping[str, str], records: list[dict[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Media of each player: from the list that newer versions and the old heading give, else from the events' own media."""
    listed = re.findall(r"player #(\d+):\s*([^|]*)", first.get("Source", ""), flags=re.IGNORECASE)
    headed = [(key.split("#")[1], value) for key, value in first.items() if re.fullmatch(r"Player #\d+", key)]
    if listed or headed:
        ordered = sorted((int(player), files) for player, files in listed or headed)
        return tuple(tuple(base_name(file) for file in files.split(";") if file.strip()) for _, files in ordered)
    keys = ("Media file name", "Media file path", "Media file")
    timed = sorted(records, key=lambda record: float(record.get("Time") or record.get("Start (s)") or 0))
    own = [base_name(next((record[key] for key in keys if record.get(key)), "")) for record in timed]
    media = tuple(dict.fromkeys(file for file in own if file not in {"", "NA", "LIVE", "Not found"}))
    return (media,) if media else ()


def _export_row(path: Path, line: int, record: Mapping[str, str]) -> Row:
    modifiers = [record[key].strip() for key in record if re.fullmatch(r"Modifiers?( #\d+)?", key)]
    kind = (record.get("Behavior type") or record.get("Status") or "").strip().upper()
    aggregated = "Start (s)" in record
    time = record["Start (s)" if aggregated else "Time"]
    stop = record.get("Stop (s)", "") if kind == "STATE" else ""
    return Row(
        time=number(time, where=f"{path.name}: time of the event", line=line),
        behavior=record["Behavior"].strip(),
        subject=record.get("Subject", "").strip(),
        modifiers="|".join(modifier for modifier in modifiers if modifier),
        comment=(record.get("Comment") or record.get("Comment start") or "").strip(),
        comment_stop=(record.get("Comment stop") or "").strip() if kind == "STATE" else "",
        status={"STATE": "START"}.get(kind, kind),
        stop=number(stop, where=f"{path.name}: Stop (s)", line=line) if kind == "STATE" else None,
    )
