"""Movies, masks and traces of a file, as they belong together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.validate.reading import Reading

MOST_FRAMES = 400
"""Frames of a movie that traces are compared with: enough for a correlation, and read in a second."""

Floats = NDArray[np.float64]


def movies(reading: Reading) -> Iterator[Any]:
    """Series of images that are stored in the file, with at least one frame of at least one pixel."""
    for series in reading.objects("ImageSeries"):
        shape = getattr(series.data, "shape", ())
        if getattr(series, "external_file", None) is None and len(shape) in (3, 4) and all(shape):
            yield series


def planar(reading: Reading, plane: Any) -> list[Any]:
    """Movies of one imaging plane whose frames have two axes (width, height)."""
    return [one for one in movies(reading) if getattr(one, "imaging_plane", None) is plane and len(one.data.shape) == 3]


def masks_of(reading: Reading, table: Any) -> list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] | None:
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


def traces_from(movie: Any, masks: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]], n: int) -> Floats:
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
