"""CaImAn's results in HDF5: components, their traces under their own names, and the background.

CaImAn's `Estimates` documents the layout: footprints ``A`` (and the background ``b``) hold an image in each column, its pixels
counted down the columns of the image first (``order="F"``); traces (``C``, ``S``, ``YrA``, ``F_dff``, ``f``) have a component in
each row. Nothing is computed here: the trace with noise, ``C + YrA``, is not stored by CaImAn, and is left to whoever needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray, Part
from bergmann.errors import SourceError
from bergmann.records import Movie, RoiPlane, Segmentation
from bergmann.registry import Format, Inputs, Source, expand, natural_order
from bergmann.segmentation._caiman import Results, TransposedDataset, dims_of, footprints
from bergmann.segmentation._frames import FrameRange, part_of_run, times_of_movie
from bergmann.stated import Ref
from bergmann.timing.times import RegularTimes, Times

TRACES = {"denoised": "C", "dff": "F_dff", "deconvolved": "S", "residual": "YrA"}
"""Our name of each trace, and CaImAn's; they are not each other's stand-ins (roiextractors issues 249 and 287)."""

COLUMNS = {
    "snr": ("SNR_comp", "Signal-to-noise ratio of the trace."),
    "r_value": ("r_values", "Correlation of the footprint with the movie while the component is active."),
    "cnn_prediction": ("cnn_preds", "How much the footprint looks like a cell to CaImAn's network, 0 to 1."),
    "eccentricity": ("ecc", "Eccentricity of the footprint."),
    "baseline": ("bl", "Constant baseline of the trace."),
    "initial_value": ("c1", "Value of the trace at its beginning, of calcium that was there before."),
    "noise": ("neurons_sn", "Standard deviation of the noise of the trace."),
}
"""Our name of each number that CaImAn has of a component, CaImAn's, and what it is."""

IMAGES = {"correlation": "Cn", "noise": "sn", "baseline": "b0"}
"""Our name of each summary image, and CaImAn's; ``Cn`` is there if the lab put it there, as CaImAn's notebooks do."""

SETTINGS = {
    "data/caiman_version": "CaImAn version",
    "data/decay_time": "decay time of the indicator (s)",
    "preprocess/p": "order of the autoregressive model",
    "init/method_init": "initialization",
    "init/K": "components sought (in each patch)",
    "init/nb": "background components",
    "merging/merge_thr": "merging threshold",
    "quality/min_SNR": "signal-to-noise ratio to accept",
    "quality/rval_thr": "r value to accept",
    "quality/min_cnn_thr": "network prediction to accept",
}
"""The parameters that are noted. Never all: they hold paths and user names."""

_NOT_WHOLE = (OSError, KeyError, RuntimeError, ValueError, TypeError)  # what h5py raises for what is damaged or of another kind


class CaimanSource(Source):
    """What CaImAn found.

    Attributes
    ----------
    path : Path
        The HDF5 file that ``cnm.save`` wrote.
    of : Ref[Movie], optional
        The movie that it was run on, whose frame times the traces take.
    frames : tuple of int, optional
        This recording's frames of a run over several, first and last, counted from 1: ``6001-44400``.
    """

    format: Literal["caiman"] = "caiman"
    path: Path
    of: Ref[Movie] | None = None
    frames: FrameRange | None = None


def find(folder: Path) -> Iterator[CaimanSource]:
    """The results of CaImAn in a folder."""
    for path in sorted(folder.rglob("*"), key=natural_order):
        if path.suffix.lower() in {".hdf5", ".h5"} and _is_caiman(path):
            yield CaimanSource(path=path)


def _is_caiman(path: Path) -> bool:
    import h5py

    try:
        if not path.is_file() or not h5py.is_hdf5(path):
            return False
        with h5py.File(path, "r") as file:
            return "estimates/A/indptr" in file and "estimates/C" in file
    except _NOT_WHOLE:
        return False


def read(source: CaimanSource, inputs: Inputs) -> Segmentation:
    """Read footprints, columns and images; traces stay in the file.

    Without a movie the times are regular from 0 at the rate that CaImAn was given, which is 30 Hz where nobody gave it one.

    Raises
    ------
    SourceError
        If the file is not CaImAn's, damaged, or of volumes, or if its counts differ from each other's or the movie's.
    """
    import h5py

    path = _path(source.path)
    try:
        with h5py.File(path, "r") as file:
            return _segmentation(Results(path, file), source, inputs)
    except _NOT_WHOLE as error:
        raise SourceError(
            f"{path.name}: cannot be read as results of CaImAn; expected the HDF5 file that `cnm.save` writes. Is it whole?"
        ) from error


def _path(path: Path) -> Path:
    paths = expand(path)
    if len(paths) > 1:
        raise SourceError(f"{path.name}: {len(paths)} files match; name the file of one run")
    if paths[0].is_dir():
        raise SourceError(f"{path.name}: a folder; name the HDF5 file of CaImAn in it")
    return paths[0]


def _segmentation(results: Results, source: CaimanSource, inputs: Inputs) -> Segmentation:
    name = results.path.name
    if results.file.get("estimates") is None:
        there = ", ".join(list(results.file)[:6]) or "nothing"
        raise SourceError(f"{name}: no `estimates`; it has: {there}. Expected the file that CaImAn's `cnm.save` writes")
    dims = dims_of(results)
    traces = results.array("estimates/C", 2)
    if traces is None:
        raise SourceError(f"{name}: no traces (estimates/C); did CaImAn finish?")
    n_frames = traces.shape[1]
    start, stop = part_of_run(name, source.frames, n_frames)
    notes: dict[str, str] = {}
    planes = [_components(results, dims, (start, stop), notes)]
    background = _background(results, dims, n_frames, (start, stop))
    if background is not None:
        planes.append(background)
    return Segmentation(
        files=(results.path,),
        notes={**_notes(results), **notes},
        planes=tuple(planes),
        times=_times(results, source, inputs, planes, n_frames),
    )


def _components(results: Results, dims: tuple[int, int], part: tuple[int, int], notes: dict[str, str]) -> RoiPlane:
    """The components, with what CaImAn says of each; what does not fit their number is added to `notes`."""
    masks = footprints(results, "estimates/A", dims)
    n_frames = results.file["estimates/C"].shape[1]
    sources = dict(TRACES)
    if results.array("estimates/YrA", 2) is None:
        sources["residual"] = "R"  # the same by CaImAn's documentation
    columns, said = _accepted(results, len(masks))
    for column, (key, meaning) in COLUMNS.items():
        values = results.values(f"estimates/{key}")
        if values is not None and len(values) == len(masks):
            columns[column], said[column] = values, f"{meaning} (CaImAn's {key})"
        elif values is not None:
            notes[f"{key} left out"] = f"{len(values)} values for {len(masks)} components"
    for column, values, meaning in _autoregression(results, len(masks)):
        columns[column], said[column] = values, meaning
    return RoiPlane(
        name="components",
        image_shape=dims,
        masks=masks,
        traces={
            trace: _trace(results, f"estimates/{key}", (len(masks), n_frames), part)
            for trace, key in sources.items()
            if results.array(f"estimates/{key}", 2) is not None
        },
        columns=columns,
        column_descriptions=said,
        images=dict(_images(results, dims)),
    )


def _trace(results: Results, name: str, shape: tuple[int, int], part: tuple[int, int]) -> LazyArray:
    """A trace of the frames of this recording.

    Raises
    ------
    SourceError
        If it is not of these components and frames.
    """
    stored = results.file[name]
    if stored.shape != shape:
        found, expected = (f"{n_rows} components and {n_frames} frames" for n_rows, n_frames in (stored.shape, shape))
        raise SourceError(f"{results.path.name}: {name} has {found}; expected {expected}")
    whole = TransposedDataset(results.path, name, stored.shape[::-1], stored.dtype)
    return whole if part == (0, shape[1]) else Part(whole, *part)


def _accepted(results: Results, n_components: int) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Which components were accepted, if they were evaluated; those rejected too, unless they are all the others.

    Raises
    ------
    SourceError
        If a component is both accepted and rejected, or is not there.
    """
    name = results.path.name
    lists = {"accepted": "idx_components", "rejected": "idx_components_bad"}
    columns: dict[str, NDArray[Any]] = {}
    for column, key in lists.items():
        chosen = results.indices(f"estimates/{key}")
        if chosen is None:
            continue
        beyond = chosen[(chosen < 0) | (chosen >= n_components)]
        if len(beyond):
            raise SourceError(
                f"{name}: {key} names component {beyond[0]}, counted from 0, of {n_components}; is it of another run?"
            )
        columns[column] = np.isin(np.arange(n_components), chosen)
    if not any(column.any() for column in columns.values()):
        return {}, {}  # neither list names one: they were not evaluated
    if len(columns) == 2:
        both = np.flatnonzero(columns["accepted"] & columns["rejected"])
        if len(both):
            raise SourceError(f"{name}: component {both[0]}, counted from 0, is in idx_components and in idx_components_bad")
        if (columns["accepted"] | columns["rejected"]).all():
            del columns["rejected"]
    said = {
        column: f"Whether the component was {column} by its quality, or by who curated ({lists[column]})." for column in columns
    }
    return columns, said


def _autoregression(results: Results, n_components: int) -> Iterator[tuple[str, NDArray[Any], str]]:
    """The coefficients of the autoregressive model of each trace: name of the column, values, what they are."""
    stored = results.array("estimates/g", 2)
    if stored is not None and stored.shape[0] == n_components:
        for order, values in enumerate(stored[:].T, 1):
            yield f"g_{order}", values, f"Coefficient {order} of the autoregressive model of the trace. (CaImAn's g)"


def _images(results: Results, dims: tuple[int, int]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Summary images; those that CaImAn keeps flat are counted down the columns, as footprints are."""
    for name, key in IMAGES.items():
        for place in (f"estimates/{key}", key):
            flat, image = results.array(place, 1), results.array(place, 2)
            if flat is not None and flat.shape == (dims[0] * dims[1],):
                yield name, flat[:].reshape(dims, order="F")
                break
            if image is not None and image.shape == dims:
                yield name, image[:]
                break


def _background(results: Results, dims: tuple[int, int], n_frames: int, part: tuple[int, int]) -> RoiPlane | None:
    """The background components as masks and traces of their own, which are no cells; None if there are none."""
    stored = results.file.get("estimates/b")
    is_there = results.array("estimates/b", 2) is not None or (stored is not None and not hasattr(stored, "dtype"))
    if not is_there or results.array("estimates/f", 2) is None:
        return None
    masks = footprints(results, "estimates/b", dims)
    trace = _trace(results, "estimates/f", (len(masks), n_frames), part)
    return RoiPlane(name="background", image_shape=dims, masks=masks, traces={"time_course": trace}, of_cells=False)


def _times(results: Results, source: CaimanSource, inputs: Inputs, planes: list[RoiPlane], n_run: int) -> Times:
    movie = inputs.get("of")
    if isinstance(movie, Movie):
        return times_of_movie(results.path.name, "CaImAn", movie, planes, n_run, frames=source.frames)
    rate = results.number("params/data/fr")
    if rate is None or not rate > 0:
        raise SourceError(f"{results.path.name}: does not say its rate (params/data/fr); name the movie it was run on as `of`")
    start, stop = part_of_run(results.path.name, source.frames, n_run)
    return RegularTimes(0.0, rate, stop - start)


def _notes(results: Results) -> dict[str, str]:
    """Software and the settings that bear on the numbers."""
    notes = {"software": "CaImAn"}
    for key, name in SETTINGS.items():
        said = results.text(f"params/{key}")
        if said is not None:
            notes[name] = said
    rate = results.text("params/data/fr")
    if rate is not None:
        notes["frame rate that CaImAn was given (Hz)"] = rate
    if results.array("estimates/YrA", 2) is None and results.array("estimates/R", 2) is not None:
        notes["residual"] = "from R; there is no YrA"
    return notes


FORMAT: Format = Format(source=CaimanSource, record=Segmentation, label="CaImAn HDF5", find=find, read=read)
