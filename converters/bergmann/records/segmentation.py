"""ROIs and their traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError
from bergmann.records.base import Sampled, agree


@dataclass(frozen=True, kw_only=True, eq=False)
class RoiPlane:
    """The ROIs of one imaging plane.

    Attributes
    ----------
    name : str
        Name of the plane in the source, e.g. ``"plane0"``.
    image_shape : tuple of int
        (height, width) of the image that the masks lie in.
    masks : tuple of np.ndarray, each of shape (n_pixels,), dtype [("y", u4), ("x", u4), ("weight", f4)]
        Pixels of each ROI, row and column from 0.
    traces : mapping of str to LazyArray, shape (n_frames, n_rois)
        Responses by name: ``"raw"``, ``"neuropil"``, ``"deconvolved"``, ``"raw_chan2"``, ...
    columns : mapping of str to np.ndarray, shape (n_rois,)
        What else is known of each ROI, e.g. ``"is_cell"``.
    column_descriptions : mapping of str to str
        What each column means.
    images : mapping of str to np.ndarray, shape (height, width)
        Summary images, e.g. ``"mean"``, ``"correlation"``.
    registration : np.ndarray, shape (n_frames, 2), optional
        (row, column) shift that registration applied to each frame, in pixels.
    of_cells : bool
        Whether the ROIs may be cells; not those of a background.
    """

    name: str
    image_shape: tuple[int, int]
    masks: tuple[NDArray[np.void], ...]
    traces: Mapping[str, LazyArray]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    column_descriptions: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    registration: NDArray[Any] | None = None
    of_cells: bool = True

    def __post_init__(self) -> None:
        height, width = self.image_shape
        for index, mask in enumerate(self.masks):
            if len(mask) and (mask["y"].max() >= height or mask["x"].max() >= width):
                raise SourceError(
                    f"{self.name}: ROI {index} reaches row {mask['y'].max()}, column {mask['x'].max()} of a "
                    f"{height} x {width} image; are rows and columns exchanged?"
                )
        for name, trace in self.traces.items():
            if len(trace.shape) != 2 or trace.shape[1] != len(self.masks):
                raise SourceError(f"{self.name}: trace {name} of shape {trace.shape} for {len(self.masks)} ROIs")
        for name, column in self.columns.items():
            agree(f"values of {name}", len(column), len(self.masks), f"ROIs of {self.name}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Segmentation(Sampled):
    """ROIs of one or more planes, and their traces.

    Attributes
    ----------
    planes : tuple of RoiPlane
    times : Times
        When each frame of the traces began, in seconds.
    """

    planes: tuple[RoiPlane, ...]

    def __post_init__(self) -> None:
        for plane in self.planes:
            for name, trace in plane.traces.items():
                agree("times", len(self.times), trace.shape[0], f"samples of trace {name} of {plane.name}")

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(plane.name for plane in self.planes)
