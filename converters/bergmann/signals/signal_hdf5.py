"""Recorded channels as datasets of an HDF5 file, MATLAB's of version 7.3 too, as a person says what each is.

MATLAB 7.3 files are HDF5 files whose arrays have their axes in the other order, vectors being of 1 x n (MathWorks, *MAT-File
Versions*).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records import Recording
from bergmann.registry import Format, Inputs, Source
from bergmann.signals._arrays import GivenArrays, Stored, read_arrays
from bergmann.signals._given import the_file


class SignalHdf5Source(GivenArrays):
    """Datasets of recorded channels.

    Attributes
    ----------
    path : Path
        HDF5, or ``.mat`` saved with ``-v7.3``.
    columns : mapping of str to str
        Path in the file of the dataset of each channel, and of ``time``, e.g. ``acq/analog``; ``acq/analog:3`` for the third
        channel of one that has several.
    time_axis : {"first", "last"}, optional
        Of a dataset of several channels: along which of its two axes time runs, as HDF5 has them (MATLAB shows them exchanged).
    """

    format: Literal["signal_hdf5"] = "signal_hdf5"


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset of a file, which is open only while it is read."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def read(self, selection: tuple[slice | int, ...]) -> NDArray[Any]:
        import h5py

        try:
            with h5py.File(self.path, "r") as file:
                return np.asarray(file[self.name][selection])
        except OSError as error:
            raise SourceError(f"{self.path.name}: {self.name!r} cannot be read ({error}); is the file damaged?") from error


def find(folder: Path) -> Iterator[Source]:  # noqa: ARG001
    """Nothing: what the datasets of a file are, and their units, only a person knows."""
    return iter(())


def read(source: SignalHdf5Source, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Read the shapes of the datasets, and the times; samples stay in the file.

    Raises
    ------
    SourceError
        If the file is missing, empty, truncated or no HDF5 file, or a dataset is not as is stated.
    """
    import h5py

    path = the_file(source.path)
    with path.open("rb") as file:
        if file.read(10) == b"MATLAB 5.0":
            raise SourceError(f"{path.name}: MATLAB's older format; save it as HDF5 in MATLAB: save('{path.name}', '-v7.3')")
    try:
        with h5py.File(path, "r") as file:
            arrays = _datasets(path, file)
    except OSError as error:
        raise SourceError(f"{path.name}: not a readable HDF5 file ({error}); is it truncated or of another format?") from error
    stated = {name: reference.lstrip("/") for name, reference in source.columns.items()}
    return read_arrays(source.model_copy(update={"columns": stated}), path, arrays)


def _datasets(path: Path, file: Any) -> dict[str, Stored]:
    """The datasets that hold something, in the order of their names."""
    import h5py

    found: dict[str, Stored] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            found[name] = Dataset(path, name, tuple(item.shape), item.dtype)

    file.visititems(visit)
    if not found:
        raise SourceError(f"{path.name}: an HDF5 file without datasets; expected those of the recorded channels")
    return found


FORMAT = Format(source=SignalHdf5Source, record=Recording, label="recorded channels (HDF5, MAT v7.3)", find=find, read=read)
