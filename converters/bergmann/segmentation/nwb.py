"""ROIs, traces and summary images to NWB objects, in the processing module ``ophys``; events of glia to tables in /events."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pynwb import NWBFile, ProcessingModule, TimeSeries
from pynwb.base import Images
from pynwb.image import GrayscaleImage
from pynwb.ophys import (
    DfOverF,
    Fluorescence,
    ImageSegmentation,
    ImagingPlane,
    PlaneSegmentation,
    RoiResponseSeries,
    TwoPhotonSeries,
)

from bergmann.cells import Assignment, read_cells
from bergmann.errors import SourceError
from bergmann.records import GlialEvents, RoiPlane, Segmentation
from bergmann.registry import Entry, Placed
from bergmann.segmentation._events_nwb import add_glial_events
from bergmann.segmentation._series_nwb import series_of
from bergmann.segmentation.stated import SegmentationStated, counts_of, table_name
from bergmann.stand_ins import ARBITRARY_UNIT, NO_UNIT
from bergmann.timing.times import RegularTimes, time_arguments
from ndx_glial_receptors import CellAnnotationsTable

SegmentationEntry = Entry[Segmentation, SegmentationStated]

MEANINGS = {
    "raw": "Fluorescence of each ROI as extracted, before the neuropil is taken off",
    "neuropil": "Fluorescence of the neuropil around each ROI",
    "deconvolved": "Deconvolved activity of each ROI, in arbitrary units: not spikes and not a firing rate",
    "raw_chan2": "Fluorescence of each ROI in the second channel, as extracted",
    "neuropil_chan2": "Fluorescence of the neuropil around each ROI in the second channel",
    "denoised": "Fluorescence of each component as the model of CaImAn fits it, without noise and background (C)",
    "residual": "What CaImAn's model leaves of the fluorescence of each component: denoised + residual is the trace with noise",
    "dff": "Fluorescence of each component over its baseline, as CaImAn computed it: a ratio (F_dff)",
    "time_course": "Time course of each background component of CaImAn's model (f)",
}


def add_segmentation(nwbfile: NWBFile, entry: SegmentationEntry, placed: Placed) -> None:
    """Add for each plane its ROIs, traces, summary images and registration shifts, and say whose cells the ROIs are.

    With one plane of cells its table of ROIs has the name of the source, every other ``<source>_<plane>``; what belongs to it has
    its name and more behind it.

    Raises
    ------
    SourceError
        If no imaging plane is known, or the stated one is not that of the movie.
    """
    module = _module(nwbfile)
    movie = series_of(entry.of, placed) if entry.of is not None else None
    imaging_plane = _imaging_plane(entry, movie, placed)
    tables = []
    first: TimeSeries | None = None
    cells = _cells(entry, placed)
    for plane in entry.record.planes:
        name = table_name(entry.name, entry.record, plane)
        table = _roi_table(name, plane, entry, imaging_plane, movie)
        _container(module, ImageSegmentation, "ImageSegmentation").add_plane_segmentation(table)
        first = _add_traces(module, table, plane, entry, placed, first)
        _add_images(module, name, plane)
        first = _add_registration(module, name, plane, entry, first)
        if cells.get(plane.name):
            _annotate(table, cells[plane.name], placed)
        tables.append(table)
    containers = [module[name] for name in ("Fluorescence", "DfOverF") if name in module.data_interfaces]
    traces = [series for container in containers for series in container.roi_response_series.values()]
    placed.put("sources", entry.name, (*tables, *(series for series in traces if series.rois.table in tables)))


def _module(nwbfile: NWBFile) -> ProcessingModule:
    if "ophys" in nwbfile.processing:
        return nwbfile.processing["ophys"]
    return nwbfile.create_processing_module(name="ophys", description="Regions of interest and what they did.")


def _container(module: ProcessingModule, kind: type[Any], name: str) -> Any:
    """The container of that name, made if there is none yet."""
    if name not in module.data_interfaces:
        module.add(kind(name=name))
    return module.data_interfaces[name]


def _imaging_plane(entry: SegmentationEntry, movie: TwoPhotonSeries | None, placed: Placed) -> ImagingPlane:
    stated = placed.get("planes", entry.stated.plane) if entry.stated.plane is not None else None
    if movie is None and stated is None:
        raise SourceError(f"{entry.name}: the imaging plane is not known; name the movie as `of`, or one of `planes` as `plane`")
    if movie is not None and stated is not None and movie.imaging_plane is not stated:
        raise SourceError(
            f"{entry.name}: `plane` is {entry.stated.plane}, and the movie {movie.name} is of {movie.imaging_plane.name}; "
            "leave `plane` out"
        )
    return stated if movie is None else movie.imaging_plane


def _roi_table(
    name: str, plane: RoiPlane, entry: SegmentationEntry, imaging_plane: ImagingPlane, movie: TwoPhotonSeries | None
) -> PlaneSegmentation:
    """The ROIs of a plane; x is the column and y the row, as in the movie's (time, x, y)."""
    table = PlaneSegmentation(
        name=name,
        description=_description(plane, entry),
        imaging_plane=imaging_plane,
        reference_images=[movie] if movie is not None else None,
    )
    depth = _depth(plane, movie)
    for mask in plane.masks:
        x, y, weight = mask["x"].tolist(), mask["y"].tolist(), mask["weight"].tolist()
        if depth is None:
            table.add_roi(pixel_mask=list(zip(x, y, weight, strict=True)))
        else:
            table.add_roi(voxel_mask=list(zip(x, y, [depth] * len(x), weight, strict=True)))
    for column, values in plane.columns.items():
        table.add_column(name=column, description=plane.column_descriptions.get(column, column), data=list(values))
    return table


def _depth(plane: RoiPlane, movie: TwoPhotonSeries | None) -> int | None:
    """Index of the plane in the volumes of the movie; None for a movie of one plane, or without one."""
    number = re.fullmatch(r"plane(\d+)", plane.name)
    if movie is None or movie.dimension is None or len(movie.dimension) != 3 or number is None:
        return None
    return int(number[1])


def _description(plane: RoiPlane, entry: SegmentationEntry) -> str:
    stated, notes = entry.stated, entry.record.notes
    said = [stated.description] if stated.description else []
    said.append(f"Regions of interest of {plane.name}, {plane.image_shape[1]} x {plane.image_shape[0]} pixels (x, y).")
    if plane.registration is not None:
        said.append("Masks lie in the registered movie; the shift of each frame is kept beside them.")
    if plane.of_cells and stated.population is not None and stated.cells is None:
        said.append(f"Cells: {stated.population}, {stated.compartment or 'compartment not stated'}.")
    if stated.indicator is not None:
        said.append(f"Indicator: {stated.indicator}.")
    return " ".join([*said, "; ".join(f"{key}: {value}" for key, value in notes.items())]).strip()


def _times(entry: SegmentationEntry, first: TimeSeries | None) -> dict[str, Any]:
    """Time arguments; explicit times are stored once and linked by the other series."""
    times = entry.record.times
    if first is None or isinstance(times, RegularTimes):
        return time_arguments(times)
    return {"timestamps": first}


def _add_traces(
    module: ProcessingModule,
    table: PlaneSegmentation,
    plane: RoiPlane,
    entry: SegmentationEntry,
    placed: Placed,
    first: TimeSeries | None,
) -> TimeSeries | None:
    """Add the traces of a plane; gives back the series that holds the timestamps.

    Those over a baseline have a container of their own in NWB.
    """
    for trace, samples in plane.traces.items():
        series = RoiResponseSeries(
            name=f"{table.name}_{trace}",
            data=placed.stream(samples),
            rois=_region(table, len(plane.masks)),
            unit=ARBITRARY_UNIT if trace != "dff" else NO_UNIT,
            description=MEANINGS.get(trace, trace) + ".",
            **_times(entry, first),
        )
        kind = DfOverF if trace == "dff" else Fluorescence
        _container(module, kind, kind.__name__).add_roi_response_series(series)
        first = first or series
    return first


def _region(table: PlaneSegmentation, n_rois: int) -> Any:
    return table.create_roi_table_region(region=list(range(n_rois)), description=f"All ROIs of {table.name}.")


def _add_images(module: ProcessingModule, name: str, plane: RoiPlane) -> None:
    if plane.images:
        images = [
            GrayscaleImage(
                name=key, data=np.ascontiguousarray(image.T), description=f"{key} image of {plane.name}, (x, y) as the movie."
            )
            for key, image in plane.images.items()
        ]
        module.add(
            Images(name=f"{name}_images", images=images, description=f"Summary images of {plane.name}; NaN where not computed.")
        )


def _add_registration(
    module: ProcessingModule, name: str, plane: RoiPlane, entry: SegmentationEntry, first: TimeSeries | None
) -> TimeSeries | None:
    """Add the shifts as a plain time series: core's corrected image stack would need the corrected movie, which is not kept."""
    if plane.registration is None:
        return first
    shifts: NDArray[np.float64] = plane.registration[:, ::-1]
    series = TimeSeries(
        name=f"{name}_registration",
        data=np.ascontiguousarray(shifts),
        unit="pixels",
        description="Shift (x, y) that registration applied to each frame of the movie to bring it to the masks' coordinates; "
        "positive x is to higher columns, positive y to higher rows.",
        **_times(entry, first),
    )
    module.add(series)
    return first or series


def _cells(entry: SegmentationEntry, placed: Placed) -> dict[str, tuple[Assignment, ...]]:
    """Which cells the ROIs of each plane are of: as the lab's table says, else all of the stated ones, else nobody knows."""
    stated, counts = entry.stated, counts_of(entry.record)
    given = {"population": stated.population, "compartment": stated.compartment}
    if stated.cells is not None:
        return read_cells(stated.cells, counts, placed.collections.get("populations", {}), **given)
    if stated.population is None or stated.compartment is None:
        return {}
    return {
        plane: tuple(Assignment(row=row, population=stated.population, compartment=stated.compartment) for row in range(count))
        for plane, count in counts.items()
    }


def _annotate(table: PlaneSegmentation, cells: tuple[Assignment, ...], placed: Placed) -> None:
    """Say of ROIs which cells they are of; ``cell_id`` is left out where nobody says which ROIs are of one cell."""
    metadata = placed.get("glial", "metadata")
    populations = metadata.cell_populations
    labels = list(populations["label"].data)
    annotations = CellAnnotationsTable(
        name=f"cell_annotations_{table.name}",
        description=f"Which cells the ROIs of {table.name} are of, as the lab states.",
        source=table,
        population=populations,
    )
    has_cells = any(one.cell >= 0 for one in cells)
    for one in cells:
        known: dict[str, Any] = {"cell_id": one.cell} if has_cells else {}
        annotations.add_row(source=one.row, population=labels.index(one.population), compartment=one.compartment, **known)
    metadata.add_cell_annotations_tables(annotations)


ADD = {Segmentation: add_segmentation, GlialEvents: add_glial_events}
