"""The features of AQuA and AQuA2: where a result keeps each, what a table calls it, and what it is.

The names are those of ``cfg/userFeatures.csv`` and ``cfg/userFeatures2.csv`` (the rows of a table) and of
``+fea/getFeaturesTop.m``, ``getBasicFeatures.m``, ``getCurveStat.m``, ``getPropagationCentroidQuad.m``,
``getDistRegionBorderMIMO.m`` and ``getEvtNetworkFeatures.m`` (the fields of a result): AQuA as of 2024-05-10 (yu-lab-vt/AQuA,
commit 3c1e398), AQuA2 as of its commit 7294980 (yu-lab-vt/AQuA2). Both have a name unless it says otherwise. What is in neither
list of features is not converted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.matlab import Struct

Unit = Literal["", "um", "um2", "s"]
Numbers = NDArray[np.float64]

AMPLITUDE, AREA, DISTANCE = "peak_amplitude", "area_in_um2", "propagation_distance_in_um"
"""Features that have a column in `GlialEventsTable`."""

START, DURATION = "Starting Frame", "Curve - Duration of visualized event overlay"
DIRECTIONS = ("Anterior", "Posterior", "Left", "Right")
"""In the order of ``fts.notes.propDirectionOrder`` of planes; those of volumes are called ``+X``, ``-X`` and so on."""


@dataclass(frozen=True)
class Feature:
    """One feature of each event.

    Attributes
    ----------
    column : str
        Our name of it.
    row : str
        What a feature table calls it; empty if no table has it.
    path : str
        Where a result has it, under ``fts``; empty if no result has it.
    meaning : str
    unit : str
        As the program states it.
    pick : callable (array of the result) -> np.ndarray, shape (n_events,)
        The numbers of the feature among those of the field.
    """

    column: str
    row: str
    path: str
    meaning: str
    unit: Unit = ""
    pick: Callable[[Numbers], Numbers] = np.ravel

    def said(self, program: str) -> str:
        """What it is, for a column's description."""
        named = " or ".join(f"`{name}`" for name in (self.row, self.path and f"fts.{self.path}") if name)
        return f"{self.meaning}{f', in {self.unit}' if self.unit else ''}. ({program}'s {named})"


def _sum(field: Numbers) -> Numbers:
    """All directions together: the script ``sum(x0,2)`` of the list of features, of sizes."""
    total: Numbers = np.abs(field).sum(axis=1)
    return total


def _column(index: int) -> Callable[[Numbers], Numbers]:
    return lambda field: np.abs(field[:, index])


def _signed_column(index: int) -> Callable[[Numbers], Numbers]:
    return lambda field: field[:, index]


def _nearest(field: Numbers) -> Numbers:
    """The smallest of each row that is a number: ``nanmin(x0,[],2)``."""
    smallest: Numbers = np.fmin.reduce(field, axis=1)
    return smallest


_FIXED = (
    Feature(AREA, "Basic - Area", "basic.area", "Area that the event covered", "um2"),
    Feature("circularity", "Basic - Circularity", "basic.circMetric", "Circularity"),
    Feature("p_value_of_max_dff", "", "curve.dffMaxPval", "p value of the largest dF/F"),
    Feature(
        "minus_log10_p_of_max_dff",
        "Curve - P Value on max Dff (-log10)",
        "",
        "Minus the decadic logarithm of the p value of the largest dF/F",
    ),
    Feature("max_df", "Curve - Max Df", "curve.dfMax", "Largest fluorescence over baseline, in detector counts (AQuA2 only)"),
    Feature(AMPLITUDE, "Curve - Max Dff", "curve.dffMax", "Largest dF/F"),
    Feature(
        "width_50_to_50_in_s",
        "Curve - Duration 50% to 50% based on averge dF/F",
        "curve.width55",
        "From half of the peak to half of the peak",
        "s",
    ),
    Feature(
        "width_10_to_10_in_s",
        "Curve - Duration 10% to 10% based on averge dF/F",
        "curve.width11",
        "From a tenth of the peak to a tenth of the peak",
        "s",
    ),
    Feature(
        "rise_10_to_90_in_s",
        "Curve - Rising duration 10% to 90% based on averge dF/F",
        "curve.rise19",
        "Rise from a tenth to nine tenths of the peak",
        "s",
    ),
    Feature(
        "decay_90_to_10_in_s",
        "Curve - Decaying duration 90% to 10% based on averge dF/F",
        "curve.fall91",
        "Decay from nine tenths to a tenth of the peak",
        "s",
    ),
    Feature("dat_auc", "Curve - dat AUC", "curve.datAUC", "Sum of the fluorescence over the frames of the event"),
    Feature("df_auc", "Curve - df AUC", "curve.dfAUC", "Sum of the fluorescence over baseline, of its frames (AQuA2 only)"),
    Feature("dff_auc", "Curve - dff AUC", "curve.dffAUC", "Sum of dF/F over the frames of the event"),
    Feature("decay_tau_in_s", "Curve - Decay tau", "curve.decayTau", "Time constant of an exponential decay", "s"),
    Feature(
        DISTANCE,
        "Propagation - onset - overall",
        "propagation.propGrowOverall",
        "How far the centroid of the event moved while it grew, all four directions together",
        "um",
        _sum,
    ),
    Feature(
        "offset_distance_in_um",
        "Propagation - offset - overall",
        "propagation.propShrinkOverall",
        "How far the centroid of the event moved while it shrank, all four directions together",
        "um",
        _sum,
    ),
    Feature(
        "distance_to_region_border_in_um",
        "Region - event centroid distance to border",
        "region.cell.dist2border",
        "Distance of the centroid from the border of the nearest region that was drawn",
        "um",
        _nearest,
    ),
    Feature(
        "relative_distance_to_region_border",
        "Region - event centroid distance to border - normalized by region radius",
        "region.cell.dist2borderNorm",
        "Distance of the centroid from the border of the nearest region, over the region's radius",
        "",
        _nearest,
    ),
    Feature(
        "n_events_at_same_place",
        "Network - number of events in the same location",
        "network.nOccurSameLoc",
        "Events at the same place, itself included",
        "",
        _column(0),
    ),
    Feature(
        "n_events_at_same_place_of_similar_size",
        "Network - number of events in the same location with similar size only",
        "network.nOccurSameLoc",
        "Events of similar size at the same place, itself included",
        "",
        _column(1),
    ),
    Feature(
        "n_events_at_same_time",
        "Network - maximum number of events appearing at the same time",
        "network.nOccurSameTime",
        "Events at the same time, itself included",
    ),
)

_LANDMARK = {
    "average_distance": ("event average distance", "region.landmarkDist.distAvg", "Mean distance from landmark {}"),
    "smallest_distance": ("event minimum distance", "region.landmarkDist.distMin", "Smallest distance from landmark {}"),
    "toward": ("event toward landmark", "region.landmarkDir.chgToward", "Movement toward landmark {}"),
    "away": ("event away from landmark", "region.landmarkDir.chgAway", "Movement away from landmark {}"),
    "toward_before_reaching": (
        "event toward landmark before reaching",
        "region.landmarkDir.chgTowardBefReach",
        "Movement toward landmark {} before reaching it",
    ),
    "away_after_reaching": (
        "event away from landmark after reaching",
        "region.landmarkDir.chgAwayAftReach",
        "Movement away from landmark {} after reaching it",
    ),
}


def features(perimeter: str, n_landmarks: int) -> tuple[Feature, ...]:
    """All features.

    Parameters
    ----------
    perimeter : str
        What the program's tables call the perimeter.
    n_landmarks : int
        How many landmarks were drawn.
    """
    perimeters = Feature("perimeter_in_um", perimeter, "basic.peri", "Perimeter of the area that the event covered", "um")
    return (perimeters, *_FIXED, *_of_directions(), *_of_landmarks(n_landmarks))


def _of_directions() -> Iterator[Feature]:
    for index, name in enumerate(DIRECTIONS):
        for word, field, what in (("onset", "propGrowOverall", "grew"), ("offset", "propShrinkOverall", "shrank")):
            row, meaning = f"Propagation - {word} - one direction", f"toward {name.lower()} while it {what}"
            yield Feature(
                f"{word}_distance_{name.lower()}_in_um",
                f"{row} - {name}",
                f"propagation.{field}",
                f"How far the centroid of the event moved {meaning}",
                "um",
                _column(index),
            )
            yield Feature(
                f"{word}_fraction_{name.lower()}", f"{row} - ratio - {name}", "", f"Share of the movement that was {meaning}"
            )


def _of_landmarks(count: int) -> Iterator[Feature]:
    for index in range(count):
        for word, (row, path, meaning) in _LANDMARK.items():
            yield Feature(
                f"landmark_{index + 1}_{word}_in_um",
                f"Landmark - {row} - landmark {index + 1}",
                path,
                meaning.format(index + 1),
                "um",
                _signed_column(index),
            )


def landmarks_in_rows(rows: Iterator[str]) -> int:
    """How many landmarks the rows of a table are about."""
    return max((int(match[1]) for row in rows if (match := re.search(r" - landmark (\d+)$", row))), default=0)


def landmarks_in_result(fts: Struct) -> int:
    """How many landmarks a result is about."""
    distances = field_at(fts, "region.landmarkDist.distAvg")
    return 0 if distances is None else distances.shape[1]


def field_at(fts: Struct, path: str) -> Numbers | None:
    """The numbers of a field, in MATLAB's shape; None if there is none."""
    *groups, name = path.split(".")
    found: Struct | None = fts
    for group in groups:
        found = found.struct(group) if found is not None else None
    numbers = found.array(name) if found is not None else None
    return None if numbers is None else np.asarray(numbers, dtype=np.float64)
