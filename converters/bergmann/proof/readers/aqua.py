"""Events of AQuA and AQuA2: h5py or SciPy on a result, csv on a table of features.

The layout is that of the programs' source (see `bergmann.segmentation._aqua_result` and `_aqua_table`); it is said here a second
time: ``res.fts`` has the features, ``res.evt`` the pixels of each event, frames and pixels count from 1.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from bergmann.proof.readers import NotReadError
from bergmann.proof.said import Columns, Floats, Mask, Said
from bergmann.registry import expand

_IN_RESULT = {
    "peak_amplitude": "curve.dffMax",
    "area_in_um2": "basic.area",
    "perimeter_in_um": "basic.peri",
    "circularity": "basic.circMetric",
    "p_value_of_max_dff": "curve.dffMaxPval",
    "max_df": "curve.dfMax",
    "width_50_to_50_in_s": "curve.width55",
    "width_10_to_10_in_s": "curve.width11",
    "rise_10_to_90_in_s": "curve.rise19",
    "decay_90_to_10_in_s": "curve.fall91",
    "dat_auc": "curve.datAUC",
    "df_auc": "curve.dfAUC",
    "dff_auc": "curve.dffAUC",
    "decay_tau_in_s": "curve.decayTau",
    "n_events_at_same_time": "network.nOccurSameTime",
}
"""Columns of the file and fields of ``res.fts`` with one number of each event."""
_IN_TABLE = {
    "event_number": "Index",
    "peak_amplitude": "Curve - Max Dff",
    "area_in_um2": "Basic - Area",
    "circularity": "Basic - Circularity",
    "width_50_to_50_in_s": "Curve - Duration 50% to 50% based on averge dF/F",
    "width_10_to_10_in_s": "Curve - Duration 10% to 10% based on averge dF/F",
    "rise_10_to_90_in_s": "Curve - Rising duration 10% to 90% based on averge dF/F",
    "decay_90_to_10_in_s": "Curve - Decaying duration 90% to 10% based on averge dF/F",
    "decay_tau_in_s": "Curve - Decay tau",
    "propagation_distance_in_um": "Propagation - onset - overall",
}
"""Columns of the file and rows of a table of features."""
_DIRECTIONS = ("anterior", "posterior", "left", "right")


def read_aqua(entry: Any, known: Mapping[str, Said]) -> Columns:  # noqa: ARG001
    """The events of a result of AQuA, or of its table of features."""
    path = _path(entry)
    if path.suffix.lower() != ".mat":
        return _read_table(entry, path)
    return _read_result(entry, path, ("evt", "fts", "evtSelectedList", "evtFavList"), "x2D")


def read_aqua2(entry: Any, known: Mapping[str, Said]) -> Columns:  # noqa: ARG001
    """The events of one channel of a result of AQuA2, or of its table of features."""
    path = _path(entry)
    if path.suffix.lower() != ".mat":
        return _read_table(entry, path)
    events, features = ("evt", "fts") if entry.source.kind == "local" else ("gloEvt", "ftsGlo")
    there = [number for number in (1, 2) if len(_fields(path, [f"{events}{number}"]).get(f"{events}{number}", ()))]
    if entry.source.channel is None and len(there) != 1:
        raise NotReadError("events in no channel, or in both")
    number = entry.source.channel or there[0]
    names = [f"{events}{number}", f"{features}{number}"]
    names += [f"evtSelectedList{number}", f"evtFavList{number}"] if entry.source.kind == "local" else ["", ""]
    return _read_result(entry, path, names, "xSpa")


def _path(entry: Any) -> Path:
    source = entry.source
    if source.of is None or source.scale != "as exported":
        raise NotReadError("events without their movie, or whose numbers are multiplied to it")
    (path,) = expand(source.path)
    return path


# --- a result ---


def _fields(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Some fields of ``res``: structures as dicts, cells as lists, numbers in MATLAB's shape."""
    if h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            return {name: _of_hdf5(file["res"][name]) for name in names if name in file["res"]}
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise NotReadError("SciPy is not installed") from error
    (res,) = loadmat(str(path), variable_names=["res"], struct_as_record=False)["res"].ravel()
    return {name: _of_scipy(getattr(res, name)) for name in names if name in res._fieldnames}


def _of_hdf5(item: Any) -> Any:
    if isinstance(item, h5py.Group):
        return {name: _of_hdf5(one) for name, one in item.items()}
    if item.attrs.get("MATLAB_empty", 0):
        return []
    if h5py.check_ref_dtype(item.dtype) is not None:
        return [_of_hdf5(item.file[reference]) for reference in item[()].ravel()]
    return item[()].T


def _of_scipy(value: Any) -> Any:
    if not isinstance(value, np.ndarray) or value.dtype != object:
        return value
    if value.size == 1 and hasattr(value.ravel()[0], "_fieldnames"):
        inner = value.ravel()[0]
        return {name: _of_scipy(getattr(inner, name)) for name in inner._fieldnames}
    return [_of_scipy(one) for one in value.ravel(order="F")]


@dataclass(frozen=True, eq=False)
class _Features:
    """The structure ``fts``, of the events that have pixels."""

    fts: Mapping[str, Any]
    is_event: NDArray[np.bool_]

    @classmethod
    def of(cls, fts: Any, events: Any) -> _Features:
        """Which events have pixels is said by their cells; without these, by the frames that they begin at."""
        if not isinstance(fts, dict):
            raise NotReadError("no features")
        begins = np.ravel((fts.get("curve") or {}).get("tBegin", ()))
        return cls(fts, np.array([np.size(one) > 0 for one in events]) if isinstance(events, list) and events else begins > 0)

    def numbers(self, name: str, width: int = 1) -> Floats | None:
        """Numbers of each event, shape (n_events, width); None where the field has none."""
        found: Any = self.fts
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if found is None or not np.size(found):
            return None
        values = np.asarray(found, dtype=np.float64).reshape(-1, width)
        return np.asarray(values[self.is_event[: len(values)]])  # MATLAB ends an array at the last event that was set

    def needed(self, name: str) -> Floats:
        """One number of each event."""
        found = self.numbers(name)
        if found is None:
            raise NotReadError(f"no fts.{name}")
        return found[:, 0]

    def columns(self) -> dict[str, Floats]:
        """What the file should have of each event, by column."""
        found = {column: values[:, 0] for column, name in _IN_RESULT.items() if (values := self.numbers(name)) is not None}
        grown = self.numbers("propagation.propGrowOverall", len(_DIRECTIONS))
        if grown is not None:
            found["propagation_distance_in_um"] = np.abs(grown).sum(axis=1)
            found |= {f"onset_distance_{name}_in_um": np.abs(grown[:, index]) for index, name in enumerate(_DIRECTIONS)}
        return {column: values for column, values in found.items() if np.isfinite(values).any()}


def _read_result(entry: Any, path: Path, names: Sequence[str], pixels: str) -> Columns:
    events, features, selected, favourites = names
    res = _fields(path, ["opts", *names])
    fts = _Features.of(res.get(features), res.get(events))
    place, shift = f"events/{entry.name}", (entry.source.begins_at_frame or 1) - 1
    first, last = fts.needed("curve.tBegin") - 1 + shift, fts.needed("curve.tEnd") - 1 + shift
    frames, peak = {f"{place}/timestamp": first}, fts.numbers("curve.dffMaxFrame")
    if peak is not None:
        frames[f"{place}/peak_time"] = peak[:, 0] - 1 + shift
    numbers = np.flatnonzero(fts.is_event) + 1
    columns: dict[str, Any] = {"event_number": numbers, **fts.columns()}
    if selected in res:
        columns["is_selected"] = np.isin(numbers, np.ravel(res[selected]))
    if np.size(res.get(favourites, ())):
        columns["is_favourite"] = np.isin(numbers, np.ravel(res[favourites]))
    masks = _masks(res["opts"], fts, pixels) if entry.source.footprints == "as exported" else ()
    return Columns(
        files=(path,),
        columns={f"{place}/{column}": values for column, values in columns.items()},
        frames=frames,
        spans={f"{place}/duration": (first, last + 1)},
        masks={place: masks} if masks else {},
    )


def _masks(opts: Mapping[str, Any], fts: _Features, name: str) -> tuple[Mask, ...]:
    """Column, row and weight of the pixels of each event, in the whole frame: ``regMaskGap`` was cut off at its borders."""
    height, width = (int(side) for side in np.ravel(opts["sz"])[:2])
    gap = int(np.ravel(opts["regMaskGap"])[0])
    found = []
    for pixels, is_event in zip(fts.fts.get("loc", {}).get(name, ()), fts.is_event, strict=False):
        if is_event:
            rows, columns = np.unravel_index(np.ravel(pixels).astype(np.int64) - 1, (height, width), order="F")
            found.append((columns + gap, rows + gap, np.ones(len(rows))))
    return tuple(found)


# --- a table of features ---


def _read_table(entry: Any, path: Path) -> Columns:
    source = entry.source
    if path.suffix.lower() != ".csv" or source.frame_interval is None:
        raise NotReadError("a workbook")
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = {row[0].strip(): row[1:] for row in csv.reader(file) if row}
    rows = {name: np.array([float(cell) if cell.strip() else np.nan for cell in row]) for name, row in cells.items()}
    place = f"events/{entry.name}"
    first = rows["Starting Frame"] - 1 + (source.begins_at_frame or 1) - 1
    counted = np.round(rows["Curve - Duration of visualized event overlay"] / source.frame_interval.to("s"))
    there = {column: rows[name] for column, name in _IN_TABLE.items() if name in rows}
    found = {f"{place}/{column}": values for column, values in there.items() if np.isfinite(values).any()}
    return Columns(
        files=(path,),
        columns=found,
        frames={f"{place}/timestamp": first},
        spans={f"{place}/duration": (first, first + counted)},
    )
