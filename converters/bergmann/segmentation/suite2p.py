"""Suite2p folders: ROIs and traces of every plane and channel.

The layout is Suite2p's documentation of its outputs: a folder ``plane0``, ``plane1``, ... for each plane, with ``F``, ``Fneu``,
``spks`` (ROI, frame), ``iscell`` (ROI; is a cell, probability), ``stat`` (a mapping for each ROI) and ``ops`` (settings, images).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray, Part
from bergmann.errors import SourceError
from bergmann.records import Movie, RoiPlane, Segmentation
from bergmann.registry import Format, Inputs, Source, expand, natural_order
from bergmann.segmentation._frames import FrameRange, part_of_run, times_of_movie
from bergmann.segmentation._unpickle import load_objects
from bergmann.stated import Ref
from bergmann.timing.times import RegularTimes, Times

TRACES = {
    "raw": "F",
    "neuropil": "Fneu",
    "deconvolved": "spks",
    "raw_chan2": "F_chan2",
    "neuropil_chan2": "Fneu_chan2",
}
"""Our name of each trace, and Suite2p's file."""

IMAGES = {
    "mean": "meanImg",
    "mean_enhanced": "meanImgE",
    "mean_chan2": "meanImg_chan2",
    "mean_chan2_corrected": "meanImg_chan2_corrected",
    "maximum": "max_proj",
    "correlation": "Vcorr",
    "reference": "refImg",
}
"""Our name of each summary image, and its key in ``ops``."""

FEATURES = {
    "skew": "Skewness of the neuropil-corrected trace.",
    "std": "Standard deviation of the neuropil-corrected trace.",
    "compact": "How compact the ROI is: 1 for a disk, more otherwise.",
    "footprint": "Spatial extent of the ROI's functional signal.",
    "aspect_ratio": "Ratio of the axes of a fitted Gaussian.",
    "radius": "Radius of a fitted Gaussian, in pixels.",
    "npix_norm": "Number of pixels, divided by the mean of all ROIs.",
}
"""Numbers that Suite2p's ``stat`` has of each ROI."""

SETTINGS = {
    "suite2p_version": "Suite2p version",
    "neucoeff": "neuropil coefficient",
    "tau": "decay time of the indicator (s)",
    "baseline": "baseline method",
    "nonrigid": "non-rigid registration",
    "align_by_chan": "channel used for registration",
    "functional_chan": "functional channel",
}
"""The settings that are noted. Never all: ``ops`` holds paths, user names and e-mail addresses."""

OPS_FILES = ("db", "settings", "reg_outputs", "detect_outputs", "ops")
"""Where the settings and images are: ``ops`` until version 0.14, the others since 1.0; later ones have the last word."""

MASK = np.dtype([("y", np.uint32), ("x", np.uint32), ("weight", np.float32)])


class Suite2pSource(Source):
    """What Suite2p found.

    Attributes
    ----------
    path : Path
        The folder ``suite2p``, or one plane's.
    of : Ref[Movie], optional
        The movie that it was run on, whose frame times the traces take.
    frames : tuple of int, optional
        This recording's frames of a run over several, first and last, counted from 1: ``6001-44400``.
    """

    format: Literal["suite2p"] = "suite2p"
    path: Path
    of: Ref[Movie] | None = None
    frames: FrameRange | None = None


@dataclass(frozen=True, eq=False)
class Transposed:
    """An array of a NumPy file, (n_rois, n_frames), seen as (n_frames, n_rois); the file is open only while reading.

    Attributes
    ----------
    path : Path
    shape : tuple of int
        (n_frames, n_rois).
    dtype : np.dtype
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def open(cls, path: Path) -> Transposed:
        """Read the header of the file."""
        stored = _load(path)
        if stored.ndim != 2:
            raise SourceError(f"{path.parent.name}/{path.name}: shape {stored.shape}; expected (ROIs, frames)")
        return cls(path, stored.shape[::-1], stored.dtype)

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        stored = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return np.array(stored[:, block].T)


def _load(path: Path) -> NDArray[Any]:
    """An array of a NumPy file, mapped and not read."""
    try:
        stored: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:  # their own words tell to trust the file
        raise SourceError(f"{path.parent.name}/{path.name}: not a whole NumPy file of numbers; copy the folder again") from error
    return stored


def find(folder: Path) -> Iterator[Suite2pSource]:
    """Find the Suite2p folders in a folder and the folders below, one for each run."""
    planes = [stat.parent for stat in folder.rglob("stat.npy") if (stat.parent / "F.npy").is_file()]
    runs = {plane.parent if re.fullmatch(r"plane\d+", plane.name) else plane for plane in planes if plane.name != "combined"}
    for run in sorted(runs, key=natural_order):
        yield Suite2pSource(path=run)


def read(source: Suite2pSource, inputs: Inputs) -> Segmentation:
    """Read masks, columns and images of all planes; traces stay in their files.

    Without a movie the times are regular from 0 at Suite2p's own rate, which is that of each plane. ``combined`` only repeats the
    planes and is left alone.

    Raises
    ------
    SourceError
        If a file is missing or damaged, or its counts differ from those of the ROIs, the other planes, or the movie.
    """
    folders = _plane_folders(source.path)
    settings = [_settings(folder) for folder in folders]
    n_frames = _n_frames(folders)
    start, stop = part_of_run(source.path.name, source.frames, n_frames)
    planes = tuple(_plane(folder, ops, n_frames, start, stop) for folder, ops in zip(folders, settings, strict=True))
    files = tuple(path for folder in folders for path in sorted(folder.glob("*.npy")))
    return Segmentation(
        files=files,
        notes=_notes(settings[0]) | _left_out(planes, settings),
        planes=planes,
        times=_times(source, inputs, planes, settings[0], n_frames),
    )


def _plane_folders(path: Path) -> tuple[Path, ...]:
    paths = expand(path)
    if len(paths) > 1:
        raise SourceError(f"{path.name}: {len(paths)} folders match; name the `suite2p` folder of one run")
    (folder,) = paths
    if folder.name == "combined":
        raise SourceError("combined: this folder repeats the planes, as they were; name the `suite2p` folder above it")
    if (folder / "stat.npy").is_file():
        return (folder,)
    below = folder / "suite2p" if (folder / "suite2p").is_dir() else folder
    planes = sorted((one for one in below.glob("plane*") if (one / "stat.npy").is_file()), key=natural_order)
    if not planes:
        there = ", ".join(sorted(one.name for one in folder.iterdir())[:8]) if folder.is_dir() else "no folder"
        raise SourceError(f"{folder.name}: no plane with a stat.npy; it has: {there or 'nothing'}. Did Suite2p finish?")
    return tuple(planes)


def _settings(folder: Path) -> dict[str, Any]:
    """Settings and images of a plane, from the files of any version."""
    found: dict[str, Any] = {}
    for name in OPS_FILES:
        path = folder / f"{name}.npy"
        if path.is_file():
            values = load_objects(path)
            values = values.item() if isinstance(values, np.ndarray) and values.ndim == 0 else values
            if not isinstance(values, Mapping):
                raise SourceError(f"{folder.name}/{path.name}: holds a {type(values).__name__}; expected named values")
            found |= values
    missing = [key for key in ("Ly", "Lx", "fs") if key not in found]
    if missing:
        raise SourceError(f"{folder.name}: {', '.join(missing)} is in none of {', '.join(f'{one}.npy' for one in OPS_FILES)}")
    return found


def _n_frames(folders: tuple[Path, ...]) -> int:
    """Frames of the traces, the same in all planes."""
    for folder in folders:
        if not (folder / "F.npy").is_file():
            raise SourceError(f"{folder.name}: there is no F.npy; did Suite2p finish?")
    counts = [Transposed.open(folder / "F.npy").shape[0] for folder in folders]
    if len(set(counts)) > 1:
        said = ", ".join(f"{folder.name} has {count}" for folder, count in zip(folders, counts, strict=True))
        raise SourceError(f"planes of different length: {said} frames; give each plane's folder as a source of its own")
    return counts[0]


def _plane(folder: Path, ops: Mapping[str, Any], n_frames: int, start: int, stop: int) -> RoiPlane:
    stat = load_objects(folder / "stat.npy")
    shape = (int(ops["Ly"]), int(ops["Lx"]))
    columns, descriptions = _columns(folder, stat)
    shifts = _registration(folder, ops, n_frames)
    try:
        return RoiPlane(
            name=folder.name,
            image_shape=shape,
            masks=tuple(_mask(roi) for roi in stat),
            traces={name: _cut(trace, start, stop) for name, trace in _traces(folder, n_frames).items()},
            columns=columns,
            column_descriptions=descriptions,
            images=dict(_images(ops, shape)),
            registration=None if shifts is None else shifts[start:stop],
        )
    except KeyError as error:
        raise SourceError(f"{folder.name}/stat.npy: an ROI has no {error}; is it Suite2p's?") from error


def _cut(trace: LazyArray, start: int, stop: int) -> LazyArray:
    return trace if (start, stop) == (0, trace.shape[0]) else Part(trace, start, stop)


def _mask(roi: Mapping[str, Any]) -> NDArray[np.void]:
    mask = np.empty(len(roi["ypix"]), dtype=MASK)
    mask["y"], mask["x"], mask["weight"] = roi["ypix"], roi["xpix"], roi["lam"]
    return mask


def _traces(folder: Path, n_frames: int) -> dict[str, LazyArray]:
    traces: dict[str, LazyArray] = {}
    for name, stem in TRACES.items():
        path = folder / f"{stem}.npy"
        if path.is_file():
            trace = Transposed.open(path)
            if trace.shape[0] != n_frames:
                raise SourceError(f"{folder.name}/{path.name}: {trace.shape[0]} frames, and F.npy has {n_frames}")
            traces[name] = trace
    return traces


def _columns(folder: Path, stat: NDArray[Any]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """What Suite2p says of each ROI, and what each column means."""
    columns: dict[str, NDArray[Any]] = {}
    said: dict[str, str] = {}
    for stem, flag, probability, what in (
        ("iscell", "is_cell", "cell_probability", "a cell, as the classifier or the person who curated says"),
        ("redcell", "is_red", "red_probability", "labelled in the second channel"),
    ):
        path = folder / f"{stem}.npy"
        if path.is_file():
            values = np.array(_load(path))
            columns[flag] = (values if values.ndim == 1 else values[:, 0]).astype(bool)
            said[flag] = f"Whether the ROI is {what} ({stem}.npy)."
            if values.ndim == 2 and values.shape[1] > 1:
                columns[probability] = values[:, 1]
                said[probability] = f"Suite2p's probability that the ROI is {what.split(',')[0]} ({stem}.npy)."
    for name, meaning in FEATURES.items():
        if len(stat) and all(name in roi for roi in stat):
            columns[name] = np.array([float(roi[name]) for roi in stat])
            said[name] = f"{meaning} (Suite2p)"
    if len(stat) and all("overlap" in roi for roi in stat):
        columns["overlapping_pixels"] = np.array([int(np.sum(roi["overlap"])) for roi in stat])
        said["overlapping_pixels"] = "Pixels of the mask that lie in other masks too. (Suite2p)"
    return columns, said


def _images(ops: Mapping[str, Any], shape: tuple[int, int]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Summary images in the frame's coordinates.

    Suite2p computes the correlation and maximum images inside ``yrange`` and ``xrange`` only (what registration moved across the
    edge is left out); they are placed there, with NaN around.
    """
    for name, key in IMAGES.items():
        image = ops.get(key)
        if not isinstance(image, np.ndarray) or image.ndim != 2:
            continue
        if image.shape == shape:
            yield name, image
            continue
        (top, bottom), (left, right) = ops.get("yrange", (0, 0)), ops.get("xrange", (0, 0))
        if image.shape == (bottom - top, right - left):
            placed = np.full(shape, np.nan, dtype=np.result_type(image.dtype, np.float32))
            placed[top:bottom, left:right] = image
            yield name, placed


def _left_out(planes: tuple[RoiPlane, ...], settings: list[dict[str, Any]]) -> dict[str, str]:
    """The images that do not lie in the frame."""
    found = [
        f"{plane.name}: {key} of {ops[key].shape}"
        for plane, ops in zip(planes, settings, strict=True)
        for name, key in IMAGES.items()
        if name not in plane.images and isinstance(ops.get(key), np.ndarray)
    ]
    return {"images left out": "; ".join(found)} if found else {}


def _registration(folder: Path, ops: Mapping[str, Any], n_frames: int) -> NDArray[np.float64] | None:
    """The (row, column) shift applied to each frame: Suite2p rolls a frame by minus its ``yoff`` and ``xoff``."""
    if ops.get("yoff") is None or ops.get("xoff") is None:
        return None
    shifts = -np.column_stack([ops["yoff"], ops["xoff"]]).astype(np.float64) + 0.0
    if len(shifts) != n_frames:
        raise SourceError(f"{folder.name}: {len(shifts)} registration shifts for {n_frames} frames")
    return shifts


def _times(source: Suite2pSource, inputs: Inputs, planes: tuple[RoiPlane, ...], ops: Mapping[str, Any], n_run: int) -> Times:
    movie = inputs.get("of")
    if not isinstance(movie, Movie):
        start, stop = part_of_run(source.path.name, source.frames, n_run)
        return RegularTimes(0.0, float(ops["fs"]), stop - start)
    return times_of_movie(source.path.name, "Suite2p", movie, planes, n_run, frames=source.frames)


def _notes(ops: Mapping[str, Any]) -> dict[str, str]:
    """Software and the settings that bear on the numbers."""
    notes = {"software": "Suite2p"}
    for key, name in SETTINGS.items():
        if isinstance(ops.get(key), str | int | float | bool | np.number):
            notes[name] = str(ops[key])
    if np.any(ops.get("badframes", False)):
        notes["frames left out of detection"] = str(int(np.sum(ops["badframes"])))
    if ops.get("yoff1") is not None:
        notes["non-rigid shifts"] = "estimated in blocks, on top of those of whole frames; not written"
    return notes


FORMAT = Format(source=Suite2pSource, record=Segmentation, label="Suite2p", find=find, read=read)
