"""ROIs and traces: Suite2p's NumPy files, CaImAn's HDF5."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.proof.readers import NotReadError
from bergmann.proof.said import PlaneOfRois, Regions, Said, Values
from bergmann.registry import expand
from bergmann.segmentation._unpickle import load_objects

_TRACES = {"raw": "F", "neuropil": "Fneu", "deconvolved": "spks", "raw_chan2": "F_chan2", "neuropil_chan2": "Fneu_chan2"}
_IMAGES = {"mean": "meanImg", "mean_enhanced": "meanImgE", "mean_chan2": "meanImg_chan2", "reference": "refImg"}


def read_suite2p(entry: Any, known: Mapping[str, Said]) -> Regions:  # noqa: ARG001
    """What Suite2p wrote. Its pickled files are opened by the guarded reader of the converter, which alone may open pickles."""
    (folder,) = expand(entry.source.path)
    if (folder / "stat.npy").is_file():
        folders = [folder]
    else:
        below = folder / "suite2p" if (folder / "suite2p").is_dir() else folder
        folders = sorted((one for one in below.glob("plane*") if (one / "stat.npy").is_file()), key=lambda one: int(one.name[5:]))
    files = tuple(path for one in folders for path in sorted(one.glob("*.npy")))
    frames = entry.source.frames
    return Regions(files=files, planes=tuple(_plane(one, frames) for one in folders))


def _plane(folder: Path, frames: tuple[int, int] | None) -> PlaneOfRois:
    stat = load_objects(folder / "stat.npy")
    masks = tuple(
        (np.asarray(roi["xpix"], np.uint32), np.asarray(roi["ypix"], np.uint32), np.asarray(roi["lam"], np.float32)) for roi in stat
    )
    part = slice(None) if frames is None else slice(frames[0] - 1, frames[1])
    traces = {
        name: _turned(np.load(folder / f"{stem}.npy", mmap_mode="r")[:, part])
        for name, stem in _TRACES.items()
        if (folder / f"{stem}.npy").is_file()
    }
    columns: dict[str, NDArray[Any]] = {}
    if (folder / "iscell.npy").is_file():
        iscell = np.load(folder / "iscell.npy")
        columns["is_cell"] = iscell[:, 0] == 1
        columns["cell_probability"] = iscell[:, 1]
    settings = _settings(folder)
    shape = (int(settings["Ly"]), int(settings["Lx"]))
    images = {
        name: settings[key]
        for name, key in _IMAGES.items()
        if isinstance(settings.get(key), np.ndarray) and settings[key].shape == shape
    }
    shifts = None
    if settings.get("xoff") is not None and settings.get("yoff") is not None:
        shifts = np.stack([0.0 - np.asarray(settings["xoff"], float), 0.0 - np.asarray(settings["yoff"], float)], axis=1)[part]
    return PlaneOfRois(name=folder.name, masks=masks, traces=traces, columns=columns, images=images, shifts=shifts)


def _turned(traces: NDArray[Any]) -> Values:
    """Traces (ROI, frame) as (frame, ROI)."""
    shape = (traces.shape[1], traces.shape[0])
    return Values(shape, traces.dtype, lambda start, stop: np.ascontiguousarray(np.swapaxes(traces[:, start:stop], 0, 1)))


def _settings(folder: Path) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name in ("db", "settings", "reg_outputs", "detect_outputs", "ops"):
        if (folder / f"{name}.npy").is_file():
            settings |= load_objects(folder / f"{name}.npy").item()
    return settings


def read_caiman(entry: Any, known: Mapping[str, Said]) -> Regions:  # noqa: ARG001
    """What CaImAn saved: footprints by SciPy's sparse matrix, unravelled down the columns."""
    import h5py

    try:
        from scipy.sparse import csc_matrix
    except ImportError as error:
        raise NotReadError("SciPy is not installed") from error
    (path,) = expand(entry.source.path)
    with h5py.File(path, "r") as file:
        estimates = file["estimates"]
        dims = [tuple(int(one) for one in file[key][()]) for key in ("dims", "estimates/dims") if key in file]
        if not dims or len(dims[0]) != 2:
            raise NotReadError("frames whose size is said elsewhere")
        height, width = dims[0]
        stored = estimates["A"]
        shape = tuple(int(one) for one in stored["shape"][()])
        matrix = csc_matrix((stored["data"][()], stored["indices"][()], stored["indptr"][()]), shape=shape)
        part = slice(None) if entry.source.frames is None else slice(entry.source.frames[0] - 1, entry.source.frames[1])
        names = {"denoised": "C", "residual": "YrA", "dff": "F_dff", "deconvolved": "S"}
        traces = {
            name: Values.of(np.ascontiguousarray(estimates[key][()][:, part].T))
            for name, key in names.items()
            if key in estimates and getattr(estimates[key], "ndim", 0) == 2 and estimates[key].shape[0] == shape[1]
        }
    masks = []
    for component in range(shape[1]):
        one = np.zeros(height * width)
        one[matrix.indices[matrix.indptr[component] : matrix.indptr[component + 1]]] = matrix.data[
            matrix.indptr[component] : matrix.indptr[component + 1]
        ]
        x, y = np.nonzero(one.reshape(width, height))
        masks.append((x.astype(np.uint32), y.astype(np.uint32), one.reshape(width, height)[x, y].astype(np.float32)))
    return Regions(files=(path,), planes=(PlaneOfRois(name="components", masks=tuple(masks), traces=traces),))
