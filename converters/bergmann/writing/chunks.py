"""Into which chunks an array is cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from bergmann.writing.presets import Chunking

_WHOLE = 1 << 62
_ROWS_BYTES = 16_000_000
"""Most bytes of whole rows (frames, samples of all channels) that are held to make chunks of them."""


@dataclass(frozen=True)
class _Cut:
    """Limits of chunks.

    Attributes
    ----------
    side : int
        Pixels along x and y.
    frames : int
        Frames.
    frames_bytes : int
        Bytes of these frames, as a whole.
    columns : int
        Channels, or regions of interest.
    signal_bytes : int
        Bytes of a chunk of signals.
    bytes : int
        Bytes of any chunk.
    """

    side: int
    frames: int
    frames_bytes: int
    columns: int
    signal_bytes: int
    bytes: int


_CUTS: Mapping[Chunking, _Cut] = {
    "balanced": _Cut(256, _WHOLE, 5_000_000, 64, 1_000_000, 5_000_000),
    "frames": _Cut(_WHOLE, _WHOLE, 1_000_000, _WHOLE, 1_000_000, _ROWS_BYTES),
    "traces": _Cut(128, 32, _ROWS_BYTES, 8, 1_000_000, 5_000_000),
    "streaming": _Cut(256, _WHOLE, _ROWS_BYTES, 64, 4_000_000, 5_000_000),
}
"""Measured with 512 x 512 pixels of 16 bits: chunks of 10 MB of whole frames make each reader two to twenty times slower."""


def chunk_shape(shape: tuple[int, ...], itemsize: int, chunking: Chunking = "balanced") -> tuple[int, ...]:
    """The shape of the chunks in which an array is stored.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array, first axis time; no axis is empty.
    itemsize : int
        Bytes of an element.
    chunking : {"balanced", "frames", "traces", "streaming"}

    Returns
    -------
    tuple of int
        As many as `shape`, each at least 1.
    """
    cut = _CUTS[chunking]
    length, *frame = shape
    row = prod(frame) * itemsize
    if len(frame) < 2:
        columns = tuple(min(side, cut.columns) for side in frame)
        rows = min(cut.signal_bytes // (prod(columns) * itemsize), _ROWS_BYTES // row)
        return _no_larger((max(1, min(length, rows)), *columns), cut.bytes // itemsize)
    sides = [min(side, cut.side) for side in frame[:2]]
    for side in frame[2:]:
        sides.append(max(1, min(side, cut.bytes // (prod(sides) * itemsize))))
    frames = min(length, cut.frames, cut.frames_bytes // row)
    return _no_larger((max(1, frames), *sides), cut.bytes // itemsize)


def _no_larger(chunks: tuple[int, ...], elements: int) -> tuple[int, ...]:
    """The same chunks, their longest side halved until they have no more than so many elements."""
    sides = list(chunks)
    while prod(sides) > elements:
        longest = sides.index(max(sides))
        sides[longest] = (sides[longest] + 1) // 2
    return tuple(sides)
