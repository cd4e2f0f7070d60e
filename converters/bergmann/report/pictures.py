"""Frames to pictures: means, contrast, size, and the outlines of regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray

MOST_FRAMES = 64
"""Frames that a mean is taken of."""

MOST_BYTES = 256_000_000
"""Bytes that are read for a mean."""

MOST_PIXELS = 512
"""Longest side of a picture of a movie in a page."""


@dataclass(frozen=True, eq=False)
class Mean:
    """The mean of some frames.

    Attributes
    ----------
    planes : np.ndarray, shape (n_planes, height, width), float64
    indices : tuple of int
        Which frames, counted from 0.
    """

    planes: NDArray[np.float64]
    indices: tuple[int, ...]

    def basis(self, what: str) -> str:
        """Which frames (or volumes: `what`), in words; they count from 1 for a person."""
        first, last = self.indices[0] + 1, self.indices[-1] + 1
        if first == last:
            return f"{what} {first} alone"
        steps = set(np.diff(self.indices).tolist())
        if steps == {1}:
            return f"mean of {what}s {first:,} to {last:,}"
        every = f"every {ordinal(steps.pop())}" if len(steps) == 1 else "evenly spread"
        return f"mean of {len(self.indices)} {what}s, {every}, from {what} {first:,} to {what} {last:,}"


def ordinal(number: int) -> str:
    """``2nd``, ``13th``, ``21st``."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def mean_of(frames: LazyArray) -> Mean:
    """The mean of at most `MOST_FRAMES` frames (or volumes), evenly spread over the movie, read one at a time.

    Parameters
    ----------
    frames : LazyArray, shape (n_frames, height, width) or (n_frames, n_planes, height, width)
    """
    n_frames, *shape = frames.shape
    affordable = max(1, MOST_BYTES // (int(np.prod(shape)) * np.dtype(frames.dtype).itemsize))
    count = min(n_frames, MOST_FRAMES, affordable)
    indices = tuple(int(index) for index in np.arange(count) * (n_frames // count))
    total = np.zeros(shape, dtype=np.float64)
    for index in indices:
        total += np.asarray(frames[index : index + 1], dtype=np.float64)[0]
    return Mean((total / count).reshape(-1, *shape[-2:]), indices)


@dataclass(frozen=True, eq=False)
class Stretched:
    """A picture with its contrast stretched.

    Attributes
    ----------
    pixels : np.ndarray, shape (height, width), uint8
    low, high : float
        Values that are black and white.
    """

    pixels: NDArray[np.uint8]
    low: float
    high: float

    @property
    def basis(self) -> str:
        """What was done to the contrast, in words."""
        return f"contrast stretched: black is {self.low:.6g}, white is {self.high:.6g}"


def stretch(image: NDArray[np.float64]) -> Stretched:
    """Stretch the contrast so that the darkest and the brightest half percent of the pixels are black and white."""
    finite = image[np.isfinite(image)]
    low, high = (float(one) for one in np.percentile(finite, (0.5, 99.5))) if len(finite) else (0.0, 0.0)
    scaled = (np.nan_to_num(image, nan=low) - low) / (high - low) if high > low else np.zeros_like(image)
    return Stretched(np.round(np.clip(scaled, 0, 1) * 255).astype(np.uint8), low, high)


def shrink(image: NDArray[np.float64], longest: int = MOST_PIXELS) -> NDArray[np.float64]:
    """Means of squares of pixels, so that neither side is longer than `longest`; the last part of a square is left out.

    Parameters
    ----------
    image : np.ndarray, shape (height, width) or (height, width, 3)
    """
    factor = -(-max(image.shape[:2]) // longest)
    if factor == 1:
        return image
    height, width = (side // factor for side in image.shape[:2])
    squares = image[: height * factor, : width * factor].reshape(height, factor, width, factor, *image.shape[2:])
    means: NDArray[np.float64] = squares.mean(axis=(1, 3))
    return means


def outline(mask: NDArray[np.void]) -> str:
    """The border of a region along its pixels' edges, as the path of a drawing: x is the column, y the row, from the top left.

    Parameters
    ----------
    mask : np.ndarray, shape (n_pixels,), dtype with "y" and "x"
    """
    if not len(mask):
        return ""
    top, left = int(mask["y"].min()), int(mask["x"].min())
    inside = np.zeros((int(mask["y"].max()) - top + 3, int(mask["x"].max()) - left + 3), dtype=bool)
    inside[mask["y"].astype(int) - top + 1, mask["x"].astype(int) - left + 1] = True
    across = inside[1:, :] != inside[:-1, :]
    down = inside[:, 1:] != inside[:, :-1]
    level = [f"M{left - 1 + start} {top + row}h{stop - start}" for row, start, stop in _runs(across)]
    upright = [f"M{left + column} {top - 1 + start}v{stop - start}" for column, start, stop in _runs(down.T)]
    return "".join([*level, *upright])


def _runs(edges: NDArray[np.bool_]) -> Sequence[tuple[int, int, int]]:
    """(row, start, stop) of each stretch of True in the rows."""
    padded = np.pad(edges, ((0, 0), (1, 1))).astype(np.int8)
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, stops = np.nonzero(steps == -1)
    return list(zip(rows.tolist(), starts.tolist(), stops.tolist(), strict=True))
