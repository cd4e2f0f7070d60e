"""The HDF5 file that CaImAn writes: its numbers, its sparse footprints and its traces, read without CaImAn and SciPy.

What was not computed is stored as the text ``NoneType``, and some lists of numbers as lists of texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError

MASK = np.dtype([("y", np.uint32), ("x", np.uint32), ("weight", np.float32)])
"""Weights are single in NWB (schema of `PlaneSegmentation.pixel_mask`), double in CaImAn."""


@dataclass(frozen=True, eq=False)
class Results:
    """The open file of CaImAn."""

    path: Path
    file: Any

    def array(self, name: str, n_axes: int) -> Any | None:
        """A dataset of numbers of so many axes; None if it is absent, empty, or was not computed."""
        found = self.file.get(name)
        if found is None or not hasattr(found, "dtype") or found.ndim != n_axes or 0 in found.shape:
            return None
        return found

    def values(self, name: str) -> NDArray[np.float64] | None:
        """Numbers along one axis, which CaImAn may have stored as text; None as for `array`, or if they are no numbers."""
        found = self.array(name, 1)
        if found is None:
            return None
        try:
            return np.array([float(value) for value in found[:]])
        except ValueError:
            return None

    def indices(self, name: str) -> NDArray[np.int64] | None:
        """Numbers of components, possibly none; None if they are not a list."""
        found = self.file.get(name)
        if found is None or getattr(found, "ndim", None) != 1:
            return None
        chosen: NDArray[np.int64] = found[:].astype(np.int64)
        return chosen

    def text(self, name: str) -> str | None:
        """A parameter as text; None if it is absent, not set, or not a single one."""
        found = self.file.get(name)
        if found is None or getattr(found, "shape", None) != ():
            return None
        value = found[()]
        said = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
        return None if said == "NoneType" else said

    def number(self, name: str) -> float | None:
        """A parameter as a number; None if it is absent or no number."""
        try:
            return float(self.text(name) or "nothing")
        except ValueError:
            return None


@dataclass(frozen=True, eq=False)
class TransposedDataset:
    """A dataset (n_components, n_frames) of an HDF5 file, seen as (n_frames, n_components); the file is open only while reading.

    Attributes
    ----------
    path : Path
    name : str
        Of the dataset.
    shape : tuple of int
        (n_frames, n_components).
    dtype : np.dtype
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        import h5py

        with h5py.File(self.path, "r") as file:
            stored: NDArray[Any] = file[self.name][:, block]
        return stored.T


def dims_of(results: Results) -> tuple[int, int]:
    """(height, width) of the images.

    Raises
    ------
    SourceError
        If they are not said, contradict each other, or are of volumes.
    """
    found = {
        key: tuple(int(n) for n in values)
        for key in ("estimates/dims", "dims", "params/data/dims")
        if (values := results.values(key)) is not None
    }
    if not found:
        raise SourceError(f"{results.path.name}: does not say how large its images are (estimates/dims)")
    if len(set(found.values())) > 1:
        said = ", ".join(f"{key} says {' x '.join(map(str, dims))}" for key, dims in found.items())
        raise SourceError(f"{results.path.name}: the size of its images contradicts itself: {said}")
    dims = next(iter(found.values()))
    if len(dims) != 2:
        raise SourceError(
            f"{results.path.name}: components of volumes ({' x '.join(map(str, dims))}); only those of planes are read yet"
        )
    return dims[0], dims[1]


def footprints(results: Results, key: str, dims: tuple[int, int]) -> tuple[NDArray[np.void], ...]:
    """The columns of a matrix (pixels, components) as masks: sparse (compressed columns), or dense, of which zeros are left out.

    Raises
    ------
    SourceError
        If it does not fit the images.
    """
    n_pixels = dims[0] * dims[1]
    stored = results.file[key]
    if hasattr(stored, "dtype"):
        if stored.shape[0] != n_pixels:
            raise _does_not_fit(results, key, stored.shape, dims)
        dense = stored[:]
        columns = [(np.flatnonzero(column), column[column != 0]) for column in dense.T]
    else:
        weights, pixels, ends = (stored[part][:] for part in ("data", "indices", "indptr"))
        shape = tuple(int(n) for n in stored["shape"][:])
        if len(shape) != 2 or shape[0] != n_pixels:
            raise _does_not_fit(results, key, shape, dims)
        if len(ends) != shape[1] + 1 or ends[0] != 0 or (np.diff(ends) < 0).any() or not ends[-1] == len(pixels) == len(weights):
            raise SourceError(
                f"{results.path.name}: {key} is not a matrix of compressed columns as CaImAn stores it; is it damaged?"
            )
        if len(pixels) and not 0 <= pixels.min() <= pixels.max() < n_pixels:
            raise SourceError(f"{results.path.name}: {key} has pixels beyond its images; is it damaged?")
        columns = [(pixels[begin:end], weights[begin:end]) for begin, end in pairwise(ends.tolist())]
    return tuple(_mask(found, weight, dims[0]) for found, weight in columns)


def _does_not_fit(results: Results, key: str, shape: tuple[int, ...], dims: tuple[int, int]) -> SourceError:
    found, height, width = " x ".join(map(str, shape)), *dims
    return SourceError(f"{results.path.name}: {key} is {found}; expected a row for each of {height} x {width} pixels")


def _mask(pixels: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]], height: int) -> NDArray[np.void]:
    """A mask from pixels that are counted down each column of the image, column after column."""
    mask = np.empty(len(pixels), dtype=MASK)
    mask["y"], mask["x"], mask["weight"] = pixels % height, pixels // height, weights
    return mask
