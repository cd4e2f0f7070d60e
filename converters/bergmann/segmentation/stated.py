"""What a person states of regions of interest, and of events of glia."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from bergmann.cells import CellTable, check_cells
from bergmann.findings import Finding
from bergmann.records import GlialEvents, RoiPlane, Segmentation
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


class GlialEventsStated(Stated):
    """What a person says of events of glia.

    Attributes
    ----------
    population : str
        Whose events they are, a key of ``populations``.
    event : str
        What the lab calls such an event: ``flare``, ``wave``.
    description : str
    """

    population: Annotated[str, Names("populations")] | None = None
    event: str | None = None
    description: str | None = None


def check_glial_events(entry: Any, collections: Collections) -> Iterator[Finding]:
    """Find what the detection was told otherwise than the movie says, and what is stated twice, or named and not there."""
    record: GlialEvents = entry.record
    stated: GlialEventsStated = entry.stated
    for message, remedy in record.conflicts:
        yield Finding(severity="error", check="conflict", location="", message=message, remedy=remedy)
    for key, value, column in (("population", stated.population, record.populations), ("event", stated.event, record.kinds)):
        if value is not None and column is not None:
            message = f"`{key}: {value}` is stated, and the table has a column that says it of each event"
            yield Finding(
                severity="error", check="conflict", location=key, message=message, remedy=f"leave `{key}` or the column out"
            )
    known = collections.get("populations", {})
    for name in dict.fromkeys(record.populations or ()):
        if name not in known:
            yield Finding(
                severity="error",
                check="dangling reference",
                location="columns.population",
                message=f"an event of {name!r}, which is not one of `populations`; there are: {', '.join(known) or 'none'}",
                remedy="write the populations as in `populations`",
            )


def table_name(name: str, segmentation: Segmentation, plane: RoiPlane) -> str:
    """Name of the table of ROIs of a plane: that of the source for the only plane of cells."""
    n_of_cells = sum(one.of_cells for one in segmentation.planes)
    return name if plane.of_cells and n_of_cells == 1 else f"{name}_{plane.name}"


def segmentation_names(entry: Any) -> Iterator[tuple[str, str]]:
    """Of each plane the table of ROIs, its traces, and what else is computed of it."""
    for plane in entry.record.planes:
        name = table_name(entry.name, entry.record, plane)
        yield "processing/ophys/ImageSegmentation", name
        for trace in plane.traces:
            yield f"processing/ophys/{'DfOverF' if trace == 'dff' else 'Fluorescence'}", f"{name}_{trace}"
        if plane.images:
            yield "processing/ophys", f"{name}_images"
        if plane.registration is not None:
            yield "processing/ophys", f"{name}_registration"


def glial_events_names(entry: Any) -> Iterator[tuple[str, str]]:
    """The table of events."""
    yield "events", entry.name


STATED = {Segmentation: SegmentationStated, GlialEvents: GlialEventsStated}
NAMES = {Segmentation: segmentation_names, GlialEvents: glial_events_names}
CHECKS = {Segmentation: check_segmentation, GlialEvents: check_glial_events}
