"""Large arrays on their way into the file: an empty dataset first, then its blocks, a few at a time."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray
from bergmann.errors import BergmannError, SourceError
from bergmann.writing.chunks import chunk_shape
from bergmann.writing.codecs import Codec, codec_for, encode_block
from bergmann.writing.presets import DEFAULT, Storing
from bergmann.writing.stored import DamagedError, is_stored_alike, take_over

OnProgress = Callable[[int, int], None]
"""(bytes done, bytes in all), called after each block."""

SMALL = 1_000_000
"""Arrays of fewer bytes are read at once and stored as they are."""

_STREAMED_KINDS = "biuf"
_MOST_THREADS = 8
_MOST_BYTES = 40_000_000
"""Bytes of the blocks that are under way at once, so that many threads need no more memory than few."""

Encoded = list[tuple[tuple[int, ...], bytes]]


@dataclass(eq=False)
class Pending:
    """An array that was handed out as an empty dataset.

    Attributes
    ----------
    dataio : H5DataIO
        What pynwb was given.
    array : LazyArray
    recipe : str or None
        Digest of all that decides the values; None if that is not known.
    was_taken_over : bool
        Whether its chunks came from the file that is replaced.
    """

    dataio: Any
    array: LazyArray
    recipe: str | None = None
    was_taken_over: bool = False


class Streams:
    """Hands large arrays to pynwb as empty datasets and fills these when the file is there.

    At most ``threads + 1`` blocks (each about 5 MB by default, or one frame) are in memory, however long the recording is. Blocks
    are read one after the other in the calling thread, shuffled and compressed in threads, and stored in order.

    Parameters
    ----------
    storing : Storing
        Chunks and compression.
    threads : int, optional
        How many compress; as many as there are processors, up to 8, if left out.

    Raises
    ------
    MissingExtraError
        If the compression needs an extra that is not installed.
    """

    def __init__(self, storing: Storing = DEFAULT, threads: int | None = None) -> None:
        self.storing = storing
        self.codec = codec_for(storing.compression)
        self.threads = max(1, threads if threads is not None else min(os.cpu_count() or 1, _MOST_THREADS))
        self.pending: list[Pending] = []

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
        dtype, shape = np.dtype(array.dtype), tuple(int(side) for side in array.shape)
        if dtype.kind not in _STREAMED_KINDS:
            return np.asarray(array[0 : shape[0]])
        if not is_large(shape, dtype):
            return _read_block(array, 0, shape[0], dtype.newbyteorder("="))
        return self.empty(array)

    def empty(
        self,
        array: LazyArray,
        *,
        dtype: np.dtype[Any] | None = None,
        chunks: tuple[int, ...] | None = None,
        maxshape: tuple[int | None, ...] | None = None,
    ) -> Any:
        """Give an empty dataset for an array, whose values `fill` puts in.

        Parameters
        ----------
        array : LazyArray, shape (n, ...)
            Of numbers, none of its axes empty.
        dtype : np.dtype, optional
            Of the dataset, if it is to be another that holds all values of the array's own.
        chunks : tuple of int, optional
            In place of those of the preset.
        maxshape : tuple, optional
            To what the dataset may grow; the array's shape if left out.

        Returns
        -------
        H5DataIO
        """
        from pynwb import H5DataIO

        own, shape = np.dtype(array.dtype).newbyteorder("="), tuple(int(side) for side in array.shape)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".* compression may not be available on all installations")  # it was chosen
            dataio = H5DataIO(
                shape=shape,
                dtype=dtype or own,
                maxshape=maxshape or shape,
                chunks=chunks or chunk_shape(shape, own.itemsize, self.storing.chunking),
                **self.codec.settings,
            )
        self.pending.append(Pending(dataio, array))
        return dataio

    @property
    def total(self) -> int:
        """Bytes that `fill` will read."""
        return sum(prod(one.array.shape) * np.dtype(one.array.dtype).itemsize for one in self.pending)

    def fill(self, on_progress: OnProgress | None = None, stored: Mapping[str, Any] | None = None) -> None:
        """Fill every dataset that was handed out; the file they are in must be open.

        Parameters
        ----------
        on_progress : callable (bytes done, bytes in all), optional
        stored : mapping of str to h5py.Dataset, optional
            Arrays of an older file by recipe. The chunks of one with the same recipe are taken over as they are, if its first and
            last values are those of the source and every chunk is whole; else the array is written from the source.

        Raises
        ------
        SourceError
            If an array cannot be read, or a block has another shape or type than was said.
        OSError or RuntimeError
            If the file cannot be written (HDF5 raises either).
        """
        total, done = self.total, 0
        with ThreadPoolExecutor(self.threads) as pool:
            try:
                for one in self.pending:
                    older = (stored or {}).get(one.recipe or "")
                    for size in _fill_or_take_over(one, older, self.codec, pool, self.threads + 1):
                        done += size
                        if on_progress is not None:
                            on_progress(min(done, total), total)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def is_large(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Whether an array is one of numbers that is written a block at a time."""
    return bool(shape) and dtype.kind in _STREAMED_KINDS and prod(shape) * dtype.itemsize >= SMALL


def _fill_or_take_over(one: Pending, older: Any, codec: Codec, pool: ThreadPoolExecutor, depth: int) -> Iterator[int]:
    """Store one array; gives the size of each block, in bytes, when it is stored."""
    if older is not None and is_stored_alike(older, one.dataio.dataset) and _has_same_ends(older, one.array):
        try:
            yield from take_over(one.dataio.dataset, older, codec, pool, depth)
        except DamagedError:  # the older file has lost something; the source has it
            pass
        else:
            one.was_taken_over = True
            return
    yield from _fill(one.dataio.dataset, one.array, codec, pool, depth)


def _has_same_ends(older: Any, array: LazyArray) -> bool:
    """Whether the first and the last element of a stored array are what the source has there now."""
    last = older.shape[0] - 1
    ends = ((0, 1), (last, last + 1))
    try:
        return all(_read_block(array, start, stop, older.dtype).tobytes() == older[start:stop].tobytes() for start, stop in ends)
    except (OSError, RuntimeError):  # the older file cannot be read there
        return False


def _fill(dataset: Any, array: LazyArray, codec: Codec, pool: ThreadPoolExecutor, depth: int) -> Iterator[int]:
    """Store one array; gives the size of each block, in bytes, when it is stored."""
    chunks = dataset.chunks
    size = chunks[0] * prod(dataset.shape[1:]) * dataset.dtype.itemsize
    depth = min(depth, max(2, _MOST_BYTES // size))
    own = np.dtype(array.dtype).newbyteorder("=")
    under_way: deque[tuple[int, int, Future[Encoded]]] = deque()

    def store_first() -> int:
        start, size, encoded = under_way.popleft()
        for (_, *rest), data in encoded.result():
            dataset.id.write_direct_chunk((start, *rest), data, filter_mask=0)
        return size

    for start in range(0, dataset.shape[0], chunks[0]):
        block = _read_block(array, start, min(start + chunks[0], dataset.shape[0]), own)
        under_way.append((start, block.nbytes, pool.submit(_encode, block.astype(dataset.dtype, copy=False), chunks, codec)))
        if len(under_way) >= depth:
            yield store_first()
    while under_way:
        yield store_first()


def _encode(block: NDArray[Any], chunks: tuple[int, ...], codec: Codec) -> Encoded:
    return list(encode_block(block, chunks, codec))


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
