"""What a person scored or noted: BORIS projects, assay tables, intervals."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bergmann.proof.readers import NotReadError
from bergmann.proof.said import Columns, Kind, Occurrences, Said
from bergmann.registry import expand


def read_boris(entry: Any, known: Mapping[str, Said]) -> Occurrences:  # noqa: ARG001
    """The observation of a project; its times are seconds of the scored media, so that it is put on the video's times later."""
    (path,) = expand(entry.source.path)
    if path.suffix.lower() != ".boris":
        raise NotReadError("an export, not a project")
    project = json.loads(path.read_text(encoding="utf-8"))
    observations = project["observations"]
    name = entry.source.observation or next(iter(observations))
    if name not in observations:
        raise NotReadError(f"no observation {name}")
    observation = observations[name]
    players = [files for files in (observation.get("file") or {}).values() if files]
    if len(players) != 1 or len(players[0]) != 1:
        raise NotReadError("scored on several media")
    offset = float(observation.get("time offset") or 0)
    types = {one["code"]: one["type"].lower() for one in project["behaviors_conf"].values()}
    running: dict[tuple[str, str, str], float] = {}
    bouts: dict[str, list[tuple[float, float]]] = {}
    for time, subject, code, modifiers, *_ in observation["events"]:
        key = (code, str(subject), str(modifiers))
        if types[code].startswith("point"):
            bouts.setdefault(code, []).append((float(time) - offset, np.nan))
        elif key in running:
            bouts.setdefault(code, []).append((running.pop(key), float(time) - offset))
        else:
            running[key] = float(time) - offset
    kinds = {code: np.array(sorted(pairs)) for code, pairs in bouts.items()}
    rates = (observation.get("media_info") or {}).get("fps") or {}
    return Occurrences(
        files=(path,),
        fps=next((float(rate) for rate in rates.values()), None),
        kinds={
            code: Kind(
                onsets=pairs[:, 0],
                durations=None if types[code].startswith("point") else pairs[:, 1] - pairs[:, 0],
            )
            for code, pairs in kinds.items()
        },
    )


def _rows(entry: Any) -> Iterator[dict[str, str]]:
    """The rows of a text table, by the names in its first line."""
    (path,) = expand(entry.source.path)
    if path.suffix.lower() not in {".csv", ".tsv", ".txt"} or entry.source.header != "first line":
        raise NotReadError("a workbook, or a table without names")
    text = path.read_text(encoding=entry.source.encoding or "utf-8-sig")
    first = text.split("\n", 1)[0]
    delimiter = next((sign for sign in "\t;," if sign in first), ",")
    for row in csv.DictReader(text.splitlines(), delimiter=delimiter):
        yield {(name or "").strip(): (cell or "").strip() for name, cell in row.items() if isinstance(cell, str | type(None))}


def _column(rows: list[dict[str, str]], name: str) -> list[str]:
    if not all(name in row for row in rows):
        raise NotReadError(f"no column that is called {name!r} to the letter")
    return [row[name] for row in rows]


def read_assay(entry: Any, known: Mapping[str, Said]) -> Columns:  # noqa: ARG001
    """The chosen rows of an assay: the value, and every column whose unit is stated."""
    source = entry.source
    rows = [row for row in _rows(entry) if all(row.get(name) == value for name, value in source.rows.items())]
    if not rows:
        raise NotReadError("no row by the letter of what is stated")
    numbers = {meaning: name for meaning, name in source.columns.items() if meaning == "value" or meaning in source.units}
    values = {meaning: np.array([float(cell) for cell in _column(rows, name)]) for meaning, name in numbers.items()}
    texts = {meaning: _column(rows, name) for meaning, name in source.columns.items() if meaning not in numbers}
    place = f"processing/behavior/{entry.name}"
    found = {f"{place}/{meaning}": values_ for meaning, values_ in {**values, **texts}.items()}
    return Columns(files=(_path(entry),), columns=found)


def _path(entry: Any) -> Path:
    (path,) = expand(entry.source.path)
    return path


def read_intervals(entry: Any, known: Mapping[str, Said]) -> Columns:  # noqa: ARG001
    """What is noted of each interval, as text, and its start and stop as the table counts."""
    source = entry.source
    rows = list(_rows(entry))
    place = f"intervals/{entry.name}"
    found: dict[str, Any] = {f"{place}/{key}": _column(rows, name) for key, name in source.columns.items()}
    for key in ("start", "stop"):
        found[f"{place}/{key}_time"] = np.array([float(cell) for cell in found.pop(f"{place}/{key}")])
    return Columns(files=(_path(entry),), columns=found)
