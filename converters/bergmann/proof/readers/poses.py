"""Tracked body parts, by csv and by pandas."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bergmann.proof.readers import NotReadError
from bergmann.proof.said import Floats, Positions, Said
from bergmann.registry import expand

_Part = dict[str, dict[str, Floats]]


def read_deeplabcut(entry: Any, known: Mapping[str, Said]) -> Positions:  # noqa: ARG001
    """The CSV or HDF5 files of DeepLabCut."""
    files = expand(entry.source.path)
    parts = [_by_csv(file, entry) if file.suffix.lower() == ".csv" else _by_pandas(file, entry) for file in files]
    return Positions(files=files, parts=_joined(parts))


def read_lightning_pose(entry: Any, known: Mapping[str, Said]) -> Positions:  # noqa: ARG001
    """The CSV files of Lightning Pose."""
    files = expand(entry.source.path)
    return Positions(files=files, parts=_joined([_by_csv(file, entry) for file in files]))


def read_sleap(entry: Any, known: Mapping[str, Said]) -> Positions:  # noqa: ARG001
    """An analysis file of SLEAP: (track, x and y, node, frame), NaN where an animal is not."""
    import h5py

    (path,) = expand(entry.source.path)
    if path.suffix.lower() not in {".h5", ".hdf5"} or entry.source.of is None:
        raise NotReadError("a project, or a file without its video")
    with h5py.File(path, "r") as file:
        tracks, scores = file["tracks"][()], file["point_scores"][()]
        nodes = [one.decode() for one in file["node_names"][()].ravel()]
        names = [one.decode() for one in file["track_names"][()].ravel()]
    if len(names) > 1 and entry.source.individual not in names:
        raise NotReadError("several animals")
    track = names.index(entry.source.individual) if entry.source.individual in names else 0
    return Positions(
        files=(path,),
        parts={
            name: (np.ascontiguousarray(tracks[track, :, node].T), np.asarray(scores[track, node], dtype=np.float64))
            for node, name in enumerate(nodes)
        },
    )


def _joined(parts: list[_Part]) -> dict[str, tuple[Floats, Floats]]:
    """Position and confidence of each body part, all files behind each other."""
    return {
        name: (
            np.concatenate([np.stack([part[name]["x"], part[name]["y"]], axis=1) for part in parts]),
            np.concatenate([part[name]["likelihood"] for part in parts]),
        )
        for name in parts[0]
    }


def _by_csv(path: Path, entry: Any) -> _Part:
    """Columns by their header lines: body part and coordinate stand above each."""
    with path.open(encoding=entry.source.encoding or "utf-8-sig", newline="") as lines:
        rows = list(csv.reader(lines))
    head = {
        row[0].strip(): row[1:] for row in rows[:4] if row and row[0].strip() in {"scorer", "individuals", "bodyparts", "coords"}
    }
    body = rows[len(head) :]
    individual = getattr(entry.source, "individual", None)
    if individual is None and len(set(head.get("individuals", [""]))) > 1:
        raise NotReadError("several animals")
    found: _Part = {}
    for column, (part, coord) in enumerate(zip(head["bodyparts"], head["coords"], strict=True), start=1):
        if "individuals" in head and individual is not None and head["individuals"][column - 1] != individual:
            continue
        values = np.array([float(row[column]) if row[column].strip() else np.nan for row in body])
        found.setdefault(part, {})[coord] = values
    return found


def _by_pandas(path: Path, entry: Any) -> _Part:
    try:
        import pandas as pd
        import tables  # noqa: F401
    except ImportError as error:
        raise NotReadError("PyTables is not installed") from error
    frame: Any = pd.read_hdf(path)
    if "individuals" in frame.columns.names:
        if entry.source.individual is None and len(set(frame.columns.get_level_values("individuals"))) > 1:
            raise NotReadError("several animals")
        chosen = entry.source.individual or frame.columns.get_level_values("individuals")[0]
        frame = frame.xs(chosen, axis=1, level="individuals")
    frame = frame.droplevel("scorer", axis=1)
    return {
        part: {coord: frame[part][coord].to_numpy(dtype=np.float64) for coord in frame[part].columns}
        for part in dict.fromkeys(frame.columns.get_level_values("bodyparts"))
    }
