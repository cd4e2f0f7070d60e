"""Chunk shapes, and the bytes of a chunk as HDF5's shuffle and gzip filters would store them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from isal import isal_zlib as _codec
except ImportError:  # an optional codec: the same bytes after decoding, several times faster
    import zlib as _codec  # type: ignore[no-redef]

_CodecError: Any = _codec.error

LEVEL = 1
"""Level of gzip that is recorded and used: on photon noise, matching strings longer saves next to nothing."""

_FRAMES_BYTES = 5_000_000
_SIGNAL_BYTES = 1_000_000
_BLOCK_BYTES = 16_000_000
_SIDE = 256
_COLUMNS = 64


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The shape of the chunks in which an array is stored.

    Movies: sides of at most 256 pixels and as many frames as fit into 5 MB, so that a frame and a pixel's trace are both read fast.
    Signals: about 1 MB.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array, first axis time; no axis is empty.
    itemsize : int
        Bytes of an element.

    Returns
    -------
    tuple of int
        As many as `shape`, each at least 1.
    """
    length, *frame = shape
    row = prod(frame) * itemsize
    if len(frame) < 2:
        columns = tuple(min(side, _COLUMNS) for side in frame)
        rows = min(_SIGNAL_BYTES // (prod(columns) * itemsize), _BLOCK_BYTES // row)
        return (max(1, min(length, rows)), *columns)
    sides = [min(side, _SIDE) for side in frame[:2]]
    for side in frame[2:]:
        sides.append(max(1, min(side, _FRAMES_BYTES // (prod(sides) * itemsize))))
    return (max(1, min(length, _FRAMES_BYTES // row)), *sides)


def deflate(data: Any) -> bytes:
    """The bytes as a zlib stream, which any HDF5 library reads."""
    return bytes(_codec.compress(data, LEVEL))


def is_whole(data: bytes, size: int) -> bool:
    """Whether a stored chunk holds what was put into it: it inflates to `size` bytes, and its checksum (Adler-32) is right."""
    try:
        return len(_codec.decompress(data)) == size
    except _CodecError:
        return False


def shuffle(chunk: NDArray[Any]) -> NDArray[np.uint8]:
    """The bytes of a contiguous chunk, first bytes of all elements first (HDF5's shuffle filter)."""
    plain = chunk.reshape(-1).view(np.uint8).reshape(-1, chunk.dtype.itemsize)
    return np.ascontiguousarray(plain.T).reshape(-1)


def encode_block(block: NDArray[Any], chunks: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], bytes]]:
    """Cut a block of one chunk's length (or less, at the end) into stored chunks.

    Parameters
    ----------
    block : np.ndarray, shape (n <= chunks[0], ...)
    chunks : tuple of int
        Shape of a chunk.

    Yields
    ------
    tuple of int
        Where the chunk starts, the first axis counted from the block's start.
    bytes
        The chunk, shuffled and deflated; at an edge it is filled up to its full size with zeros, which no reader sees.
    """
    starts = product(*(range(0, side, step) for side, step in zip(block.shape[1:], chunks[1:], strict=True)))
    for start in starts:
        cut = tuple(slice(first, first + step) for first, step in zip(start, chunks[1:], strict=True))
        part = block[(slice(None), *cut)]
        if part.shape != chunks:
            full = np.zeros(chunks, block.dtype)
            full[tuple(slice(side) for side in part.shape)] = part
            part = full
        yield (0, *start), deflate(shuffle(np.ascontiguousarray(part)))
