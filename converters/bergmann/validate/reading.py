"""An NWB file that is open for checks: its objects by type, and its large arrays read once however many checks ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.writing.reading_back import read_blocks

BLOCK_BYTES = 32_000_000
"""About how much of an array is in memory at a time."""


@dataclass(frozen=True, eq=False)
class MovieScan:
    """What one pass over a movie tells.

    Attributes
    ----------
    lowest, highest : np.ndarray, shape (n_frames,)
        Smallest and largest value of each frame, of the movie's dtype.
    means : np.ndarray, shape (n_frames,), float64
        Mean of each frame.
    at_top : np.ndarray, shape (n_frames,), int64
        Pixels of each frame that are at the largest value of the whole movie.
    mean_image : np.ndarray, float64
        Mean over time, axes as stored after the first (NWB: width, height[, depth]).
    digests : np.ndarray, shape (n_frames,), uint64
        A digest of the bytes of each frame: frames with one digest are the same.
    """

    lowest: NDArray[Any]
    highest: NDArray[Any]
    means: NDArray[np.float64]
    at_top: NDArray[np.int64]
    mean_image: NDArray[np.float64]
    digests: NDArray[np.uint64]

    @property
    def is_constant(self) -> NDArray[np.bool_]:
        """Which frames have one value throughout."""
        return np.asarray(self.lowest == self.highest, dtype=np.bool_)


class Reading:
    """One NWB file as checks see it.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile or None
        As read; objects of extensions that are not installed have the classes that pynwb makes from the file's own namespaces. None
        if pynwb cannot read the file.
    name : str
        Name of the file, for messages.
    file : h5py.File, optional
        The open file, where there is no `nwbfile` that knows it.
    """

    def __init__(self, nwbfile: Any, name: str, file: Any = None) -> None:
        self.nwbfile = nwbfile
        self.name = name
        self._file = file
        self._values: dict[int, NDArray[Any]] = {}
        self._scans: dict[int, MovieScan] = {}
        self.read_whole: set[str] = set()
        """Paths of datasets that a check has read to their end already."""

    @cached_property
    def _by_type(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for one in self.nwbfile.objects.values():
            for kind in type(one).__mro__:
                found.setdefault(kind.__name__, []).append(one)
        return found

    @property
    def file(self) -> Any:
        """The open h5py.File, or None of an object that is not read from HDF5."""
        if self._file is not None or self.nwbfile is None:
            return self._file
        io = self.nwbfile.get_read_io()
        return getattr(io, "_file", None)

    def objects(self, *kinds: str) -> Iterator[Any]:
        """Objects of neurodata types (``"TwoPhotonSeries"``) and of those derived from them, each once."""
        seen = {id(one): one for kind in kinds for one in self._by_type.get(kind, ())}
        yield from seen.values()

    def acquired(self) -> Iterator[tuple[str, Any]]:
        """Every series of the acquisition, also those in a container, with the name of the object that stands there."""
        for name, one in self.nwbfile.acquisition.items():
            for series in getattr(one, "time_series", {name: one}).values():
                if hasattr(series, "timestamps"):
                    yield str(name), series

    def path(self, where: Any) -> str:
        """The path of an object in the file, without the leading slash; as given where it is one already."""
        if isinstance(where, str):
            return where.strip("/")
        io = self.nwbfile.get_read_io()
        builder = io.manager.get_builder(where) if io is not None else None
        if builder is not None:
            return PurePosixPath(builder.path).as_posix().removeprefix("root").strip("/")
        names = [str(where.name), *(str(one.name) for one in where.get_ancestors())]
        return "/".join(name for name in reversed(names) if name != "root")

    def place(self, where: Any) -> str:
        """The file and the object in it, as findings name it: ``"sub-1_ses-2.nwb:/acquisition/movie"``."""
        inside = self.path(where)
        return f"{self.name}:/{inside}" if inside else self.name

    def values(self, dataset: Any) -> NDArray[Any]:
        """All values of a dataset, read once.

        Large recordings should be gone through by `blocks` instead.
        """
        key = _key(dataset)
        if key not in self._values:
            self._values[key] = np.asarray(dataset[:] if getattr(dataset, "shape", ()) else dataset)
            self._note(dataset)
        return self._values[key]

    def _note(self, dataset: Any) -> None:
        if hasattr(dataset, "name") and hasattr(dataset, "id"):
            self.read_whole.add(str(dataset.name))

    def column(self, table: Any, name: str) -> NDArray[Any] | None:
        """The values of a column of a DynamicTable, of a ragged one all in one; None if the table has no such column."""
        found = [one for one in table.columns if one.name == name]
        return self.values(found[0].data) if found else None

    def blocks(self, dataset: Any) -> Iterator[tuple[int, NDArray[Any]]]:
        """A dataset in blocks along its first axis: (index of the first element, values), in whole chunks."""
        size = max(1, int(np.prod(dataset.shape[1:], dtype=np.int64)) * np.dtype(dataset.dtype).itemsize)
        chunk = (getattr(dataset, "chunks", None) or (1,))[0]
        step = max(chunk, BLOCK_BYTES // size // chunk * chunk)
        yield from read_blocks(dataset, step)
        self._note(dataset)

    def times(self, series: Any) -> NDArray[np.float64]:
        """The time of every sample of a TimeSeries, in seconds of the session."""
        if series.timestamps is not None:
            return np.asarray(self.values(series.timestamps), dtype=np.float64)
        start = 0.0 if series.starting_time is None else float(series.starting_time)
        return start + np.arange(self.n_samples(series)) / float(series.rate)

    def n_samples(self, series: Any) -> int:
        """How many samples (frames) a TimeSeries has by its data; of an external movie, by its times."""
        shape = np.shape(series.data) if not hasattr(series.data, "shape") else series.data.shape
        if getattr(series, "external_file", None) is not None:
            return 0 if series.timestamps is None else len(series.timestamps)
        return int(shape[0]) if shape else 0

    def scan(self, series: Any) -> MovieScan:
        """One pass over an ImageSeries that is stored in the file; made once."""
        key = id(series)
        if key not in self._scans:
            self._scans[key] = _scan(self, series.data)
        return self._scans[key]


def _key(dataset: Any) -> int:
    """One number for one dataset: h5py makes a new object each time that one is asked for."""
    return hash((dataset.file.filename, dataset.name)) if hasattr(dataset, "id") and hasattr(dataset, "name") else id(dataset)


def _scan(reading: Reading, stored: Any) -> MovieScan:
    n_frames = int(stored.shape[0])
    total = np.zeros(stored.shape[1:], dtype=np.float64)
    lowest, highest = (np.zeros(n_frames, dtype=stored.dtype) for _ in range(2))
    means, at_own_top = np.zeros(n_frames), np.zeros(n_frames, dtype=np.int64)
    digests = np.zeros(n_frames, dtype=np.uint64)
    for start, block in reading.blocks(stored):
        flat = block.reshape(len(block), -1)
        frames = slice(start, start + len(block))
        lowest[frames], highest[frames], means[frames] = flat.min(axis=1), flat.max(axis=1), flat.mean(axis=1, dtype=np.float64)
        at_own_top[frames] = np.count_nonzero(flat == highest[frames, None], axis=1)
        total += block.sum(axis=0, dtype=np.float64)
        for index, frame in enumerate(np.ascontiguousarray(flat)):
            digests[start + index] = int.from_bytes(blake2b(frame.data, digest_size=8).digest(), "little")
    top = highest.max() if n_frames else 0
    at_top = np.where(highest == top, at_own_top, 0)
    return MovieScan(lowest, highest, means, at_top, total / max(n_frames, 1), digests)
