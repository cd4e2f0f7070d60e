"""The bytes of a chunk as HDF5's filters would store them, and the filters as they are recorded in the file."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import MissingExtraError
from bergmann.writing.presets import Compression

_fast: Any
try:
    from isal import isal_zlib as _fast
except ImportError:  # an optional codec: the same bytes after decoding, several times faster
    _fast = None

LEVEL = 1
"""Level of gzip that is recorded and used: on photon noise, matching strings longer saves next to nothing."""

ZSTD_FILTER = 32015
"""Number of Zstandard among the filters that are registered with The HDF Group."""

_ZSTD_LEVEL = 3
_WBITS, _MEMORY = 15, 9
_TILE = 64
"""Pixels along x and y that are turned at once, so that both orders of them lie in the processor's first cache."""


@dataclass(frozen=True)
class Codec:
    """How chunks are compressed.

    Attributes
    ----------
    settings : mapping of str to object
        Filters of the dataset, as `H5DataIO` takes them.
    is_shuffled : bool
        Whether the first bytes of all elements are stored first (HDF5's shuffle filter).
    compress : callable (np.ndarray, shape (n_planes, n_bytes), uint8) -> bytes
    size_of : callable (bytes) -> int or None
        Bytes that a stored chunk holds, after a look whether its checksum is right; None if it is not whole.
    """

    settings: Mapping[str, Any]
    is_shuffled: bool
    compress: Callable[[NDArray[np.uint8]], bytes]
    size_of: Callable[[bytes], int | None]


def slow_codec() -> str:
    """What to say where the fast compressor is missing; empty where it is there."""
    if _fast is not None:
        return ""
    return (
        "the fast compressor is not installed, so Python's own is used: the same values in a file that reads the same, but writing "
        "takes several times longer; install it with: pip install isal"
    )


def codec_for(compression: Compression) -> Codec:
    """The codec of a name.

    Raises
    ------
    MissingExtraError
        If it needs an extra that is not installed.
    """
    return _CODECS[compression]()


def _gzip() -> Codec:
    settings = {"compression": "gzip", "compression_opts": LEVEL, "shuffle": True}
    return Codec(settings, is_shuffled=True, compress=_deflate, size_of=_inflated)


def _deflate(planes: NDArray[np.uint8]) -> bytes:
    """The bytes as a zlib stream, which any HDF5 library reads.

    A new block begins with each plane of the shuffled bytes (a flush, RFC 1951, 3.2.3): the first bytes of pixels are noise and the
    second almost empty, so that codes made for both at once are good for neither. It saves 1.5 per cent of a movie at no cost.
    """
    made: Any = (_fast or zlib).compressobj(LEVEL, zlib.DEFLATED, _WBITS, _MEMORY)
    parts = []
    for number, plane in enumerate(planes):
        if number:
            parts.append(made.flush(zlib.Z_SYNC_FLUSH))
        parts.append(made.compress(plane))
    return b"".join((*parts, made.flush()))


def _inflated(stored: bytes) -> int | None:
    codec: Any = _fast or zlib
    try:
        return len(codec.decompress(stored))
    except codec.error:
        return None


def _zstd() -> Codec:
    try:
        import hdf5plugin  # noqa: F401  registers the filter, without which h5py makes no such dataset
        import zstandard
    except ImportError as error:
        raise MissingExtraError(extra="zstd", needed_for="compression `zstd`") from error

    def compress(planes: NDArray[np.uint8]) -> bytes:
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compress(planes.tobytes())

    def size_of(stored: bytes) -> int | None:
        try:
            return len(zstandard.ZstdDecompressor().decompress(stored))
        except zstandard.ZstdError:
            return None

    settings = {"compression": ZSTD_FILTER, "compression_opts": (_ZSTD_LEVEL,), "shuffle": True, "allow_plugin_filters": True}
    return Codec(settings, is_shuffled=True, compress=compress, size_of=size_of)


def _unknown(_: bytes) -> None:
    return None


def _none() -> Codec:
    """Stored as they are; nothing tells whether such a chunk is what was once written."""
    return Codec({}, is_shuffled=False, compress=lambda planes: planes.tobytes(), size_of=_unknown)


_CODECS: Mapping[Compression, Callable[[], Codec]] = {"gzip": _gzip, "zstd": _zstd, "none": _none}


Inflate = Callable[[bytes, int], NDArray[Any]]
"""(stored chunk, elements it holds) -> its elements; raises ValueError for a damaged one."""

_SHUFFLE, _DEFLATE = 2, 1
"""Numbers of HDF5's own filters."""


def inflate_of(filters: Sequence[int], dtype: np.dtype[Any]) -> Inflate | None:
    """How chunks are inflated that HDF5 stored with some filters; None if not by gzip, alone or after shuffle, or not of numbers.

    Parameters
    ----------
    filters : sequence of int
        Their numbers, in the order in which they were applied.
    dtype : np.dtype
    """
    if dtype.kind not in "biuf" or tuple(filters) not in ((_DEFLATE,), (_SHUFFLE, _DEFLATE)):
        return None

    def inflate(stored: bytes, size: int) -> NDArray[Any]:
        codec: Any = _fast or zlib
        try:
            content: NDArray[np.uint8] = np.frombuffer(codec.decompress(stored), np.uint8)
        except codec.error as error:
            raise ValueError(str(error)) from error
        if len(content) != size * dtype.itemsize:
            raise ValueError(f"{len(content)} bytes in a chunk of {size * dtype.itemsize}")
        return unshuffle(content.reshape(dtype.itemsize, size), dtype) if len(filters) == 2 else content.view(dtype)

    return inflate


def unshuffle(planes: NDArray[np.uint8], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Elements of which the bytes are as HDF5's shuffle filter puts them: first bytes of all elements first.

    Parameters
    ----------
    planes : np.ndarray, shape (itemsize, n_elements), uint8
    dtype : np.dtype

    Returns
    -------
    np.ndarray, shape (n_elements,)
    """
    if len(planes) == 2 and np.little_endian:  # shifts are vectorised, strided copies of bytes are not
        words = planes[1].astype(np.uint16)
        words <<= 8
        words |= planes[0]
        elements: NDArray[Any] = words.view(dtype)
        return elements
    return np.ascontiguousarray(planes.T).reshape(-1).view(dtype)


def encode_block(block: NDArray[Any], chunks: tuple[int, ...], codec: Codec) -> Iterator[tuple[tuple[int, ...], bytes]]:
    """Cut a block of one chunk's length (or less, at the end) into stored chunks.

    Parameters
    ----------
    block : np.ndarray, shape (n <= chunks[0], ...)
        In any order in memory.
    chunks : tuple of int
        Shape of a chunk.
    codec : Codec

    Yields
    ------
    tuple of int
        Where the chunk starts, the first axis counted from the block's start.
    bytes
        The chunk as stored; at an edge it is filled up to its full size with zeros, which no reader sees.
    """
    chunk = np.zeros(chunks, block.dtype)  # both are used for every chunk: fresh memory costs as much as what is done in it
    planes = np.empty((block.dtype.itemsize, chunk.size), np.uint8)
    starts = product(*(range(0, side, step) for side, step in zip(block.shape[1:], chunks[1:], strict=True)))
    for start in starts:
        part = block[(slice(None), *(slice(first, first + step) for first, step in zip(start, chunks[1:], strict=True)))]
        if part.shape != chunks:
            chunk.fill(0)
        _copy(part, chunk[tuple(slice(side) for side in part.shape)])
        if codec.is_shuffled:
            shuffle(chunk, planes)
            yield (0, *start), codec.compress(planes)
        else:
            yield (0, *start), codec.compress(chunk.reshape(1, -1).view(np.uint8))


def _copy(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Copy frames whose x and y lie the other way round in memory, a tile at a time: three times as fast as at once."""
    if source.ndim < 3 or source.strides[1] >= source.strides[2]:
        target[...] = source
        return
    for x in range(0, source.shape[1], _TILE):
        for y in range(0, source.shape[2], _TILE):
            target[:, x : x + _TILE, y : y + _TILE] = source[:, x : x + _TILE, y : y + _TILE]


def shuffle(chunk: NDArray[Any], planes: NDArray[np.uint8]) -> None:
    """Put the bytes of a chunk where HDF5's shuffle filter puts them: first bytes of all elements first.

    Parameters
    ----------
    chunk : np.ndarray, any shape
        Contiguous.
    planes : np.ndarray, shape (itemsize, n_elements), uint8
        Filled.
    """
    elements, size = chunk.reshape(-1), len(planes)
    if size in (2, 4, 8) and np.little_endian:  # shifts are vectorised, strided copies of bytes are not
        words = elements.view(f"u{size}")
        for number, plane in enumerate(planes):
            np.right_shift(words, 8 * number, out=plane, casting="unsafe")
    else:
        planes[...] = elements.view(np.uint8).reshape(-1, size).T
