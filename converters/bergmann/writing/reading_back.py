"""Stored arrays in blocks, several times as fast as HDF5 reads them: chunks are inflated in threads."""

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
    """How its chunks are inflated here, or None if HDF5 has to."""
    if getattr(dataset, "chunks", None) is None or not hasattr(dataset, "id"):
        return None
    return inflate_of(filters_of(dataset), dataset.dtype)


class _Block:
    """One block, whose chunks are being inflated."""

    def __init__(self, dataset: Any, start: int, stop: int, inflate: Inflate, pool: ThreadPoolExecutor) -> None:
        self._dataset, self._start, self._stop = dataset, start, stop
        self._values = np.empty((stop - start, *dataset.shape[1:]), dataset.dtype)
        self._parts: list[Future[None]] = []
        axes = (
            range(first, last, step)
            for first, last, step in zip(
                (start, *[0] * (dataset.ndim - 1)), (stop, *dataset.shape[1:]), dataset.chunks, strict=True
            )
        )
        self._is_whole = True
        for place in product(*axes):
            try:
                mask, stored = dataset.id.read_direct_chunk(place)
            except (OSError, RuntimeError, ValueError):  # absent, or cannot be read: HDF5 fills it, or says why
                self._is_whole = False
                return
            if mask:
                self._is_whole = False
                return
            self._parts.append(pool.submit(self._put, place, stored, inflate))

    def _put(self, place: tuple[int, ...], stored: bytes, inflate: Inflate) -> None:
        chunk = inflate(stored, prod(self._dataset.chunks)).reshape(self._dataset.chunks)
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
