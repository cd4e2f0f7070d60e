"""Stored arrays in blocks: chunks are inflated in threads, where HDF5 would inflate one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.writing.codecs import Inflate, inflate_of
from bergmann.writing.stored import filters_of

_THREADS = 2
"""Beside them the blocks are looked at."""

_SMALLEST, _LARGEST = 65_536, 8_000_000
"""Bytes of a chunk. Smaller ones take longer to hand to a thread than to inflate, larger ones too much memory at a time."""


def read_blocks(dataset: Any, length: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """An array in blocks along its first axis, the values as h5py gives them.

    Parameters
    ----------
    dataset : h5py.Dataset or array of any kind
        What is not stored as numbers in chunks of gzip, with shuffle or without, is read by its own slices; so is every block of
        which a chunk is absent, was stored without its filters, or is damaged.
    length : int
        Elements of a block; whole chunks, if it is to be fast.

    Yields
    ------
    int
        Index of the block's first element.
    np.ndarray
        The block. Two more may be in memory meanwhile.
    """
    starts = range(0, int(dataset.shape[0]), length)
    inflate = _inflate_for(dataset)
    if inflate is None or length % dataset.chunks[0]:
        for start in starts:
            yield start, np.asarray(dataset[start : start + length])
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        under_way: deque[tuple[int, _Block]] = deque()
        for start in starts:
            under_way.append((start, _Block(dataset, start, min(start + length, dataset.shape[0]), inflate, pool)))
            if len(under_way) > 1:
                first, block = under_way.popleft()
                yield first, block.values()
        for first, block in under_way:
            yield first, block.values()


def _inflate_for(dataset: Any) -> Inflate | None:
    """How its chunks are inflated here, or None if HDF5 has to, for one because the stored bits are not those of NumPy's type."""
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.chunks is None:
        return None
    if not _SMALLEST <= prod(dataset.chunks) * dataset.dtype.itemsize <= _LARGEST:
        return None
    if dataset.id.get_type() != h5py.h5t.py_create(dataset.dtype, logical=True):
        return None
    return inflate_of(filters_of(dataset), dataset.dtype)


class _Block:
    """One block, whose chunks are being inflated; in threads nothing of h5py is asked, which has one lock for all of them."""

    def __init__(self, dataset: Any, start: int, stop: int, inflate: Inflate, pool: ThreadPoolExecutor) -> None:
        self._dataset, self._start, self._stop = dataset, start, stop
        self._chunks, self._inflate = tuple(dataset.chunks), inflate
        self._values = np.empty((stop - start, *dataset.shape[1:]), dataset.dtype)
        self._parts: list[Future[None]] = []
        ranges = ((start, stop), *((0, side) for side in dataset.shape[1:]))
        places = product(*(range(*both, step) for both, step in zip(ranges, self._chunks, strict=True)))
        self._is_whole = all(self._begin(place, pool) for place in places)

    def _begin(self, place: tuple[int, ...], pool: ThreadPoolExecutor) -> bool:
        """Read a stored chunk and have it inflated; False if HDF5 has to."""
        try:
            mask, stored = self._dataset.id.read_direct_chunk(place)
        except (OSError, RuntimeError, ValueError):  # absent, or cannot be read: HDF5 fills it, or says why
            return False
        if not mask:
            self._parts.append(pool.submit(self._put, place, stored))
        return not mask

    def _put(self, place: tuple[int, ...], stored: bytes) -> None:
        chunk = self._inflate(stored, prod(self._chunks)).reshape(self._chunks)
        here = (place[0] - self._start, *place[1:])
        target = self._values[tuple(slice(first, first + side) for first, side in zip(here, chunk.shape, strict=True))]
        target[...] = chunk[tuple(slice(side) for side in target.shape)]

    def values(self) -> NDArray[Any]:
        """The block, when all of it is there."""
        try:
            for part in self._parts:
                part.result()
        except ValueError:  # damaged; HDF5 says how
            self._is_whole = False
        return self._values if self._is_whole else np.asarray(self._dataset[self._start : self._stop])
