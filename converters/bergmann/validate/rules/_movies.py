"""Movies, masks and traces of a file, as they belong together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.validate.reading import Reading

MOST_FRAMES = 400
"""Frames of a movie that traces are compared with: enough for a correlation, and read in a second."""

STRETCHES, FRAMES_EACH, MOST_ROIS = 4, 50, 100
"""What masks that may lie beside their pixels are compared with: stretches of frames over the whole movie, and ROIs."""

MOVES = tuple((x, y) for x in (0, -1, 1) for y in (0, -1, 1))
"""(x, y) by which masks are moved to see whether they fit there, the first of them not at all."""

Floats = NDArray[np.float64]
Masks = list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]]


def movies(reading: Reading) -> Iterator[Any]:
    """Series of images that are stored in the file, with at least one frame of at least one pixel."""
    for series in reading.objects("ImageSeries"):
        shape = getattr(series.data, "shape", ())
        if getattr(series, "external_file", None) is None and len(shape) in (3, 4) and all(shape):
            yield series


def planar(reading: Reading, plane: Any) -> list[Any]:
    """Movies of one imaging plane whose frames have two axes (width, height)."""
    return [one for one in movies(reading) if getattr(one, "imaging_plane", None) is plane and len(one.data.shape) == 3]


def masks_of(reading: Reading, table: Any) -> Masks | None:
    """The masks of a PlaneSegmentation: (x, y, weight) of each ROI, x along the width; None if it has voxel masks, or none."""
    pixels, ends = reading.column(table, "pixel_mask"), reading.column(table, "pixel_mask_index")
    if pixels is not None and ends is not None and pixels.dtype.names:
        starts = np.concatenate([[0], ends[:-1]]).astype(np.int64) if len(ends) else np.zeros(0, dtype=np.int64)
        parts = [pixels[start:end] for start, end in zip(starts, ends.astype(np.int64), strict=True)]
        return [(one["x"].astype(np.int64), one["y"].astype(np.int64), one["weight"].astype(np.float64)) for one in parts]
    images = next((one.data for one in table.columns if one.name == "image_mask"), None)
    if images is None or len(images.shape) != 3:
        return None
    found = []
    for image in images:
        x, y = np.nonzero(image)
        found.append((x, y, np.asarray(image[x, y], dtype=np.float64)))
    return found


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's correlation; 0 where one of the two does not change."""
    if len(one) < 2 or not np.ptp(one) > 0 or not np.ptp(other) > 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def traces_from(movie: Any, masks: Masks, n: int) -> Floats:
    """The weighted mean of each mask in the first frames of a movie, shape (n_frames, n_rois)."""
    n = min(n, MOST_FRAMES, int(movie.data.shape[0]))
    made = np.zeros((n, len(masks)))
    step = max(1, (movie.data.chunks or (n,))[0])
    for start in range(0, n, step):
        block = np.asarray(movie.data[start : min(start + step, n)], dtype=np.float64)
        for index, (x, y, weight) in enumerate(masks):
            total = weight.sum()
            if len(x) and total > 0:
                made[start : start + len(block), index] = block[:, x, y] @ weight / total
    return made


def still_stretches(reading: Reading, movie: Any) -> list[NDArray[np.int64]]:
    """Frames in stretches over the whole movie, without those that registration is said to have moved."""
    n = int(movie.data.shape[0])
    is_still = np.ones(n, dtype=np.bool_)
    for series in reading.objects("TimeSeries"):
        if _SHIFTS.search(series.name) and tuple(getattr(series.data, "shape", ())) == (n, 2):
            is_still &= (np.asarray(reading.values(series.data)) == 0).all(axis=1)
    starts = np.linspace(0, max(0, n - FRAMES_EACH), STRETCHES).astype(np.int64)
    frames = [np.arange(start, min(start + FRAMES_EACH, n)) for start in starts]
    return [one[is_still[one]] for one in frames]


_SHIFTS = re.compile(r"registration|translation|shifts?$", re.IGNORECASE)


def fit_when_moved(movie: Any, masks: Masks, traces: Any, columns: list[int], frames: NDArray[np.int64]) -> Floats:
    """Correlation of stored traces (the column of each mask) with its pixels when it is moved, shape (len(MOVES), n_masks).

    NaN where a mask leaves the frame, or nothing changes.
    """
    width, height = movie.data.shape[1:]
    first, stop = int(frames[0]), int(frames[-1]) + 1
    block = np.asarray(movie.data[first:stop])[frames - first]
    stored = np.asarray(traces[first:stop], dtype=np.float64)[frames - first][:, columns]
    found = np.full((len(MOVES), len(masks)), np.nan)
    for roi, (x, y, weight) in enumerate(masks):
        for move, (right, down) in enumerate(MOVES):
            there, below = x + right, y + down
            if min(there.min(), below.min()) >= 0 and there.max() < width and below.max() < height:
                made = block[:, there, below].astype(np.float64) @ weight
                found[move, roi] = correlation(stored[:, roi], made) or np.nan
    return found
