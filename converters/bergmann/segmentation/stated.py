"""What a person states of regions of interest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from bergmann.cells import CellTable, check_cells
from bergmann.findings import Finding
from bergmann.records import Segmentation
from bergmann.stated import Collections, Compartment, Names, Stated


class SegmentationStated(Stated):
    """What a person says of ROIs.

    Attributes
    ----------
    population : str
        Whose cells they are, a key of ``populations``.
    compartment : str
        Which part of the cells; needs `population`.
    cells : CellTable, optional
        A table that says of each region whose cell it is; `population` and `compartment` are then of the regions that it does not
        say it of.
    indicator : str
        What fluoresces.
    description : str
    plane : str
        The imaging plane, a key of ``planes``; needed where no movie is named as ``of``.
    """

    population: Annotated[str, Names("populations")] | None = None
    compartment: Compartment | None = None
    cells: CellTable | None = None
    indicator: str | None = None
    description: str | None = None
    plane: Annotated[str, Names("planes")] | None = None


def counts_of(record: Segmentation) -> dict[str, int]:
    """How many regions each plane has, but for those of a background."""
    return {plane.name: len(plane.masks) for plane in record.planes if plane.of_cells}


def check_segmentation(entry: Any, collections: Collections) -> Iterator[Finding]:
    """Find ROIs without an imaging plane, and half a statement of whose they are."""
    stated: SegmentationStated = entry.stated
    if entry.of is None and stated.plane is None:
        yield Finding(
            severity="error",
            check="gap",
            location="plane",
            message="the imaging plane of the ROIs is not known",
            remedy="name the movie as `of`, or one of `planes` as `plane`",
        )
    if stated.cells is not None:
        yield from check_cells(
            stated.cells,
            counts_of(entry.record),
            collections.get("populations", {}),
            population=stated.population,
            compartment=stated.compartment,
        )
        return
    if stated.population is not None and stated.compartment is None:
        yield Finding(
            severity="error",
            check="gap",
            location="compartment",
            message=f"which part of the cells of {stated.population} the ROIs are is not stated",
            remedy="state soma, process, endfoot, axon, dendrite, whole_cell, field or unknown",
        )
    if stated.compartment is not None and stated.population is None:
        yield Finding(
            severity="error",
            check="gap",
            location="population",
            message=f"a compartment ({stated.compartment}) of no stated cells",
            remedy="name one of `populations`",
        )


STATED = {Segmentation: SegmentationStated}
CHECKS = {Segmentation: check_segmentation}
