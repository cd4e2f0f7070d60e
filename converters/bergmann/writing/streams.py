"""Large arrays on their way into the file: an empty dataset first, then its blocks, a few at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray
from bergmann.errors import BergmannError, SourceError
from bergmann.writing.chunks import LEVEL, chunk_shape, encode_block

OnProgress = Callable[[int, int], None]
"""(bytes done, bytes in all), called after each block."""

SMALL = 1_000_000
"""Arrays of fewer bytes are read at once and stored as they are."""

_STREAMED_KINDS = "biuf"
_MOST_THREADS = 8

Encoded = list[tuple[tuple[int, ...], bytes]]


class Streams:
    """Hands large arrays to pynwb as empty datasets and fills these when the file is there.

    At most ``threads + 1`` blocks (each about 5 MB, or one frame) are in memory, however long the recording is. Blocks are read one
    after the other in the calling thread, shuffled and deflated in threads, and stored in order.
    """

    def __init__(self) -> None:
        self._pending: list[tuple[Any, LazyArray]] = []

    def __call__(self, array: LazyArray) -> Any:
        """Give what pynwb takes as ``data`` for an array.

        Parameters
        ----------
        array : LazyArray, shape (n, ...)

        Returns
        -------
        np.ndarray or H5DataIO
            The values themselves if they are few, text or objects; else an empty dataset that `fill` fills.
        """
        from pynwb import H5DataIO

        dtype = np.dtype(array.dtype)
        shape = tuple(int(side) for side in array.shape)
        if dtype.kind not in _STREAMED_KINDS:
            return np.asarray(array[0 : shape[0]])
        if prod(shape) * dtype.itemsize < SMALL:
            return _read_block(array, 0, shape[0], dtype.newbyteorder("="))
        dataio = H5DataIO(
            shape=shape,
            dtype=dtype.newbyteorder("="),
            maxshape=shape,
            chunks=chunk_shape(shape, dtype.itemsize),
            compression="gzip",
            compression_opts=LEVEL,
            shuffle=True,
        )
        self._pending.append((dataio, array))
        return dataio

    @property
    def total(self) -> int:
        """Bytes that `fill` will read."""
        return sum(prod(array.shape) * np.dtype(array.dtype).itemsize for _, array in self._pending)

    def fill(self, on_progress: OnProgress | None = None) -> None:
        """Fill every dataset that was handed out; the file they are in must be open.

        Raises
        ------
        SourceError
            If an array cannot be read, or a block has another shape or type than was said.
        OSError or RuntimeError
            If the file cannot be written (HDF5 raises either).
        """
        total, done = self.total, 0
        threads = min(os.cpu_count() or 1, _MOST_THREADS)
        with ThreadPoolExecutor(threads) as pool:
            try:
                for dataio, array in self._pending:
                    for size in _fill(dataio.dataset, array, pool, threads + 1):
                        done += size
                        if on_progress is not None:
                            on_progress(done, total)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def _fill(dataset: Any, array: LazyArray, pool: ThreadPoolExecutor, depth: int) -> Iterator[int]:
    """Store one array; gives the size of each block, in bytes, when it is stored."""
    chunks = dataset.chunks
    under_way: deque[tuple[int, int, Future[Encoded]]] = deque()

    def store_first() -> int:
        start, size, encoded = under_way.popleft()
        for (_, *rest), data in encoded.result():
            dataset.id.write_direct_chunk((start, *rest), data, filter_mask=0)
        return size

    for start in range(0, dataset.shape[0], chunks[0]):
        block = _read_block(array, start, min(start + chunks[0], dataset.shape[0]), dataset.dtype)
        under_way.append((start, block.nbytes, pool.submit(_encode, block, chunks)))
        if len(under_way) >= depth:
            yield store_first()
    while under_way:
        yield store_first()


def _encode(block: NDArray[Any], chunks: tuple[int, ...]) -> Encoded:
    return list(encode_block(block, chunks))


def _read_block(array: LazyArray, start: int, stop: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read elements ``start`` to ``stop`` in the machine's byte order."""
    try:
        block = np.asarray(array[start:stop])
    except BergmannError:
        raise
    except (OSError, ValueError, EOFError, IndexError, RuntimeError) as error:
        raise SourceError(
            f"elements {start} to {stop} of an array of {array.shape[0]} cannot be read: {error}; is the file whole?"
        ) from error
    expected = (stop - start, *array.shape[1:])
    if block.shape != expected:
        raise SourceError(
            f"elements {start} to {stop} of an array came as shape {block.shape}, expected {expected}; "
            "did the file change while it was read?"
        )
    if block.dtype.newbyteorder("=") != dtype:
        raise SourceError(f"elements {start} to {stop} of an array came as {block.dtype}, expected {dtype}")
    return block.astype(dtype, copy=False)
