"""Arrays that are read a block at a time, so that memory does not grow with the recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class LazyArray(Protocol):
    """What a record holds in place of a large array; `np.ndarray` and `h5py.Dataset` are such arrays too.

    ``array[start:stop]`` (a slice of the first axis, step 1) reads that block and returns a `np.ndarray`.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis; the first is time."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements as stored in the source."""
        ...

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        """The elements ``start`` to ``stop`` of the first axis."""
        ...


@dataclass(frozen=True, eq=False)
class NwbOrder:
    """Frames in the source's order (time, [plane,] row, column) seen in NWB's order (time, column, row[, plane]).

    NWB stores image series as (time, x, y[, z]) with x = column (width) and y = row (height): a transpose, not a mirror
    (NWB schema, `TwoPhotonSeries.data`).

    Attributes
    ----------
    frames : LazyArray, shape (n_frames, height, width) or (n_frames, n_planes, height, width)
    """

    frames: LazyArray

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_frames, width, height) or (n_frames, width, height, n_planes)."""
        first, *rest = self.frames.shape
        return (first, *rest[::-1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements, as stored in the source."""
        return self.frames.dtype

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        """The frames of the block in NWB's order."""
        frames = np.asarray(self.frames[block])
        return frames.transpose(0, *range(frames.ndim - 1, 0, -1))


@dataclass(frozen=True, eq=False)
class Part:
    """Elements ``start`` to ``stop`` of the first axis of another array.

    Attributes
    ----------
    whole : LazyArray
    start, stop : int
        First element, and the one after the last.
    """

    whole: LazyArray
    start: int
    stop: int

    @property
    def shape(self) -> tuple[int, ...]:
        """As the whole, with the first axis shortened."""
        return (self.stop - self.start, *self.whole.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.whole.dtype

    def __getitem__(self, block: slice, /) -> NDArray[Any]:
        """The elements of the block, counted from ``start``."""
        first, last, _ = block.indices(self.stop - self.start)
        return np.asarray(self.whole[self.start + first : self.start + max(first, last)])


@dataclass(frozen=True, eq=False)
class DigitalLine:
    """A digital line by its edges; samples are made where they are asked for.

    Attributes
    ----------
    edges : np.ndarray, shape (n_edges,), int64
        Samples from which on the level is the other one, ascending; it is 0 before the first.
    count : int
        How many samples.
    """

    edges: NDArray[np.int64]
    count: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.count,)

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        return np.dtype(np.uint8)

    def __getitem__(self, block: slice, /) -> NDArray[np.uint8]:
        start, stop, step = block.indices(self.count)
        first, last = np.searchsorted(self.edges, [start, stop], side="left")
        turns = np.zeros(max(stop - start, 0), dtype=np.uint8)
        turns[self.edges[first:last] - start] = 1
        levels: NDArray[np.uint8] = ((np.cumsum(turns, dtype=np.int64) + first) % 2).astype(np.uint8)
        return levels[::step]
