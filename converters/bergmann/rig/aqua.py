"""Results and feature tables of AQuA and AQuA2 with known events, in the layout that the programs' source writes.

See `bergmann.segmentation._aqua_result` and `_aqua_table` for where the layout is from. Of what a result holds, this writes the
settings, the events and their features; the features that need the movie are given, not computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Program = Literal["AQuA", "AQuA2"]

_USERBLOCK = 512
_HEADER = b"MATLAB 7.3 MAT-file, Platform: PCWIN64, Created on: Mon Jun 03 10:00:00 2024 HDF5 schema 1.00 ."


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event.

    Attributes
    ----------
    pixels : tuple of (int, int)
        (row, column) in the whole frame, from 0; none for an event that the program emptied.
    first, last, peak : int
        Frames, from 1.
    dff : float
        Largest dF/F.
    seconds : float
        Width at half of the peak.
    grown : tuple of float, optional
        How far it moved while it grew, in um: anterior, posterior, left, right.
    """

    pixels: tuple[tuple[int, int], ...] = ()
    first: int = 0
    last: int = 0
    peak: int = 0
    dff: float = 0.0
    seconds: float = 0.0
    grown: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of the program.

    Attributes
    ----------
    events : tuple of Event
        Those of the first channel.
    shape : tuple of int
        (height, width) of the movie's frames.
    n_frames : int
    program : {"AQuA", "AQuA2"}
    gap : int
        Pixels that it cuts off at each border.
    interval, pixel_um : float
        What it was told.
    more : mapping
        Other fields of ``res``.
    settings : mapping
        Other fields of ``res.opts``.
    """

    events: tuple[Event, ...]
    shape: tuple[int, int]
    n_frames: int
    program: Program = "AQuA2"
    gap: int = 5
    interval: float = 0.5
    pixel_um: float = 0.5
    more: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the images that it was run on."""
        return self.shape[0] - 2 * self.gap, self.shape[1] - 2 * self.gap


def _row(values: Sequence[float]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64).reshape(1, -1)


def _index(run: Run, event: Event) -> NDArray[np.float64]:
    """Pixels as MATLAB counts them: from 1, down the columns."""
    height, _ = run.size
    return np.array([row - run.gap + (column - run.gap) * height + 1 for row, column in event.pixels], dtype=np.float64).reshape(
        -1, 1
    )


def _voxels(run: Run, event: Event) -> NDArray[np.float64]:
    """Pixels and frames, as MATLAB counts them; each pixel in all frames of the event."""
    pixels, per_frame = _index(run, event), run.size[0] * run.size[1]
    return np.concatenate([pixels + (frame - 1) * per_frame for frame in range(event.first, event.last + 1)] or [pixels])


def structure(run: Run) -> dict[str, Any]:
    """The fields of ``res``: arrays in MATLAB's shape, lists for cell arrays, mappings for structures."""
    is_second = run.program == "AQuA2"
    height, width = run.size
    frames = [len(one.pixels) and one.last - one.first + 1 for one in run.events]
    curve = {
        "tBegin": _row([one.first for one in run.events]),
        "tEnd": _row([one.last for one in run.events]),
        "dffMax": _row([one.dff for one in run.events]),
        "dffMaxFrame": _row([one.peak for one in run.events]),
        "duration": _row([count * run.interval for count in frames]),
        "width55": _row([one.seconds for one in run.events]),
        "rgt1": np.array([[one.first, one.last] for one in run.events], dtype=np.float64).reshape(-1, 2),
        "decayTau": _row([np.nan] * len(run.events)),
    }
    fts: dict[str, Any] = {
        "basic": {"area": _row([len(one.pixels) * run.pixel_um**2 for one in run.events])},
        "curve": curve,
        "loc": {"xSpa" if is_second else "x2D": [_index(run, one) for one in run.events]},
        "propagation": {},
    }
    if any(one.grown for one in run.events):
        fts["propagation"]["propGrowOverall"] = np.array([one.grown or (0.0,) * 4 for one in run.events], dtype=np.float64)
    opts = {
        "frameRate": _row([run.interval]),
        "spatialRes": _row([run.pixel_um]),
        "regMaskGap": _row([run.gap]),
        "sz": _row([height, width, *([1] if is_second else []), run.n_frames]),
        **({"registrateCorrect": _row([1]), "fileName1": "movie"} if is_second else {"fileName": "movie"}),
        **run.settings,
    }
    voxels = [_voxels(run, one) for one in run.events]
    if is_second:
        return {"opts": opts, "evt1": voxels, "fts1": fts, "evt2": [], "fts2": np.zeros((0, 0)), **run.more}
    return {"opts": opts, "evt": voxels, "fts": fts, **run.more}


def write_result(path: Path, run: Run, *, version: Literal["7.3", "5"] = "7.3") -> None:
    """Write a result as MATLAB would.

    Parameters
    ----------
    path : Path
    run : Run
    version : {"7.3", "5"}
        Of the file; both programs save 7.3, and ``aqua_cmd_batch2.m`` of AQuA the older one, which needs SciPy here.
    """
    if version == "5":
        from scipy.io import savemat

        savemat(str(path), {"res": _old(structure(run))}, do_compression=True)
        return
    import h5py

    with h5py.File(path, "w", userblock_size=_USERBLOCK) as file:
        _put(file, file.create_group("#refs#"), "res", structure(run))
    with path.open("r+b") as raw:
        raw.write(_HEADER.ljust(124) + b"\x00\x02IM")


def _put(group: Any, cells: Any, name: str, value: Any) -> None:
    """Store one field as MATLAB does in HDF5: axes reversed, the class as an attribute, what is empty as its shape."""
    if isinstance(value, Mapping):
        made = group.create_group(name)
        for key, one in value.items():
            _put(made, cells, key, one)
        made.attrs["MATLAB_class"] = np.bytes_("struct")
        return
    kind = "cell" if isinstance(value, list) else "char" if isinstance(value, str) else "double"
    if isinstance(value, list) and value:
        import h5py

        references = np.empty((len(value), 1), dtype=h5py.ref_dtype)
        for index, one in enumerate(value):
            inner = str(len(cells))
            _put(cells, cells, inner, one)
            references[index, 0] = cells[inner].ref
        made = group.create_dataset(name, data=references, dtype=h5py.ref_dtype)
    elif isinstance(value, str):
        made = group.create_dataset(name, data=np.array([[ord(sign)] for sign in value], dtype=np.uint16))
        made.attrs["MATLAB_int_decode"] = np.int32(2)
    elif isinstance(value, list) or not value.size:
        shape = (0, 0) if isinstance(value, list) else value.shape
        made = group.create_dataset(name, data=np.array(shape, dtype=np.uint64))
        made.attrs["MATLAB_empty"] = np.uint8(1)
    else:
        made = group.create_dataset(name, data=value.T)
    made.attrs["MATLAB_class"] = np.bytes_(kind)


def _old(value: Any) -> Any:
    """The same for SciPy: cell arrays are arrays of objects."""
    if isinstance(value, Mapping):
        return {key: _old(one) for key, one in value.items()}
    if isinstance(value, list):
        cells = np.empty((1, len(value)), dtype=object)
        for index, one in enumerate(value):
            cells[0, index] = one
        return cells
    return value


def write_features(path: Path, run: Run) -> None:
    """Write the features as a table without header: a row a feature, a column an event; ``.csv``, or ``.xlsx`` with openpyxl."""
    events = [one for one in run.events if one.pixels]
    is_second = run.program == "AQuA2"
    rows: list[tuple[str, list[float]]] = [
        *([("Channel", [1.0] * len(events))] if is_second else []),
        ("Index", [float(n) for n, one in enumerate(run.events, start=1) if one.pixels]),
        ("Starting Frame", [one.first for one in events]),
        ("Basic - Area", [len(one.pixels) * run.pixel_um**2 for one in events]),
        ("Basic - Perimeter (only for 2D video)" if is_second else "Basic - Perimeter", [4.5 for _ in events]),
        ("Curve - Max Dff", [one.dff for one in events]),
        ("Curve - Duration of visualized event overlay", [(one.last - one.first + 1) * run.interval for one in events]),
        ("Curve - Duration 50% to 50% based on averge dF/F", [one.seconds for one in events]),
        ("Curve - Decay tau", [np.nan for _ in events]),
    ]
    if any(one.grown for one in events):
        rows.append(("Propagation - onset - overall", [sum(one.grown or ()) for one in events]))
    if path.suffix == ".xlsx":
        import openpyxl

        book = openpyxl.Workbook()
        for name, values in rows:
            book.active.append([name, *(None if np.isnan(value) else value for value in values)])
        book.save(path)
        return
    text = "".join(
        f"{name},{','.join('NaN' if np.isnan(value) else f'{value:.15g}' for value in values)}\n" for name, values in rows
    )
    path.write_text(text, encoding="utf-8")
