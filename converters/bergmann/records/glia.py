"""Events of glia: flares, waves, and what else a detection finds in a movie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records.base import Record, agree

FOOTPRINT = np.dtype([("x", np.uint32), ("y", np.uint32), ("weight", np.float32)])
"""A pixel of a footprint: column and row of the movie's frame, both from 0, and its weight."""


class Footprints(Protocol):
    """The pixels of each event, read one event at a time."""

    def __len__(self) -> int:
        """How many events."""
        ...

    def __iter__(self) -> Iterator[NDArray[np.void]]:
        """Pixels of each event in turn, each of shape (n_pixels,), dtype `FOOTPRINT`."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class EventFeature:
    """One number of each event, as the detection states it.

    Attributes
    ----------
    name : str
        Name of the column, e.g. ``"rise_10_to_90_in_s"``.
    values : np.ndarray, shape (n_events,)
        NaN where the detection has none.
    description : str
        What it is, its unit, and what the detection calls it.
    """

    name: str
    values: NDArray[Any]
    description: str


@dataclass(frozen=True, kw_only=True, eq=False)
class GlialEvents(Record):
    """Events that a detection found in a movie, in its order.

    What the detection does not say is None, never a column of zeros.

    Attributes
    ----------
    onsets : np.ndarray, shape (n_events,)
        When each began, in seconds; in the order of the detection, which need not be that of time.
    durations : np.ndarray, shape (n_events,), optional
        In seconds.
    peaks : np.ndarray, shape (n_events,), optional
        When each was largest, in seconds; NaN where that is not known.
    amplitudes : np.ndarray, shape (n_events,), optional
        At the peak, in `amplitude_unit`.
    amplitude_unit : str, optional
        E.g. ``"dF/F"``.
    areas_um2 : np.ndarray, shape (n_events,), optional
        Covered over the whole event, in square micrometres.
    distances_um : np.ndarray, shape (n_events,), optional
        How far each propagated, in micrometres.
    kinds : tuple of str, optional
        Type of each event, in the lab's words.
    populations : tuple of str, optional
        Keys of ``populations``, where they differ from event to event.
    rois : tuple of tuple of int, optional
        Regions of interest that took part in each, counted from 0.
    features : tuple of EventFeature
        What else is known of each.
    footprints : Footprints, optional
        Pixels of each, in the frame of the whole movie.
    pixel_size_um : float, optional
        What the detection took for the side of a pixel, in micrometres; lengths and areas rest on it.
    run : tuple of (int, (int, int)), optional
        Frames, and (height, width) of them, that the detection was run on, where it says that.
    conflicts : tuple of (str, str)
        What the detection was told otherwise than the movie says, and what to do.
    basis : str
        How the events were found.
    """

    onsets: NDArray[np.float64]
    durations: NDArray[np.float64] | None = None
    peaks: NDArray[np.float64] | None = None
    amplitudes: NDArray[np.float64] | None = None
    amplitude_unit: str | None = None
    areas_um2: NDArray[np.float64] | None = None
    distances_um: NDArray[np.float64] | None = None
    kinds: tuple[str, ...] | None = None
    populations: tuple[str, ...] | None = None
    rois: tuple[tuple[int, ...], ...] | None = None
    features: tuple[EventFeature, ...] = ()
    footprints: Footprints | None = None
    pixel_size_um: float | None = None
    run: tuple[int, tuple[int, int]] | None = None
    conflicts: tuple[tuple[str, str], ...] = ()
    basis: str = ""

    def __post_init__(self) -> None:
        if not np.isfinite(self.onsets).all():
            index = int(np.flatnonzero(~np.isfinite(self.onsets))[0])
            raise SourceError(f"{self.files[0].name}: event {index + 1} has no onset; each event needs one")
        columns = {
            "durations": self.durations,
            "peak times": self.peaks,
            "amplitudes": self.amplitudes,
            "areas": self.areas_um2,
            "distances": self.distances_um,
            "types": self.kinds,
            "populations": self.populations,
            "lists of ROIs": self.rois,
            "footprints": self.footprints,
            **{f"values of {one.name}": one.values for one in self.features},
        }
        for what, values in columns.items():
            if values is not None:
                agree(what, len(values), len(self.onsets), f"events in {self.files[0].name}")
        if self.durations is not None and (self.durations < 0).any():
            index = int(np.flatnonzero(self.durations < 0)[0])
            raise SourceError(f"{self.files[0].name}: event {index + 1} lasts {self.durations[index]:g} s; expected 0 s or more")

    def aligned(self, offset: float) -> Self:
        peaks = None if self.peaks is None else self.peaks + offset
        return replace(self, onsets=self.onsets + offset, peaks=peaks)

    @property
    def span(self) -> tuple[float, float] | None:
        if not len(self.onsets):
            return None
        ends = self.onsets if self.durations is None else self.onsets + np.nan_to_num(self.durations)
        return float(self.onsets.min()), float(ends.max())
