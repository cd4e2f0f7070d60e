"""Events of glia to a table in /events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hdmf.common import DynamicTableRegion, VectorData, VectorIndex
from pynwb import NWBFile
from pynwb.event import DurationVectorData, TimestampVectorData
from pynwb.ophys import PlaneSegmentation, TwoPhotonSeries

from bergmann.errors import SourceError
from bergmann.records import FOOTPRINT, GlialEvents
from bergmann.registry import Entry, Placed
from bergmann.segmentation._series_nwb import series_of
from bergmann.segmentation.stated import GlialEventsStated
from ndx_glial_receptors import GlialEventsTable

EventsEntry = Entry[GlialEvents, GlialEventsStated]

TOLERANCE = 0.01
"""How much, of its value, the pixel size of the events may differ from that of the imaging plane: people type rounded numbers."""


def add_glial_events(nwbfile: NWBFile, entry: EventsEntry, placed: Placed) -> None:
    """Add one `GlialEventsTable`, its rows in the order of the detection; a column that the detection has not is not there.

    Raises
    ------
    SourceError
        If lengths rest on another pixel size than that of the movie's plane, or a population or ROI is not there.
    """
    series = series_of(entry.of, placed) if entry.of is not None else None
    if series is not None:
        _refuse_other_pixels(entry, series)
    columns = [*_columns(entry, placed)]
    optional = {
        "amplitude_unit": entry.record.amplitude_unit,
        "source_series": series,
        "source_description": entry.record.basis or None,
    }
    table = GlialEventsTable(
        name=entry.name,
        description=_description(entry),
        columns=columns,
        colnames=[column.name for column in columns if not isinstance(column, VectorIndex)],
        **{key: value for key, value in optional.items() if value is not None},
    )
    nwbfile.add_events_table(table)
    placed.put("sources", entry.name, table)


def _refuse_other_pixels(entry: EventsEntry, series: TwoPhotonSeries) -> None:
    told, spacing = entry.record.pixel_size_um, series.imaging_plane.grid_spacing
    if told is None or spacing is None:
        return
    wrong = [metres for metres in spacing[:2] if abs(metres * 1e6 / told - 1) > TOLERANCE]
    if wrong:
        raise SourceError(
            f"{entry.name}: lengths and areas rest on pixels of {told:g} um, and the plane {series.imaging_plane.name} has "
            f"pixels of {wrong[0] * 1e6:.6g} um; one of them is wrong"
        )


def _description(entry: EventsEntry) -> str:
    said = [entry.stated.description or "Events of glia."]
    if entry.stated.population is not None:
        said.append(f"Cells: {entry.stated.population}.")
    return " ".join([*said, "; ".join(f"{key}: {value}" for key, value in entry.record.notes.items())]).strip()


def _columns(entry: EventsEntry, placed: Placed) -> Iterator[Any]:
    record, stated = entry.record, entry.stated
    count = len(record.onsets)
    yield TimestampVectorData(name="timestamp", description="When each event began, in seconds.", data=record.onsets)
    if record.durations is not None:
        yield DurationVectorData(name="duration", description="How long each event lasted, in seconds.", data=record.durations)
    kinds = record.kinds if record.kinds is not None else (stated.event,) * count if stated.event is not None else None
    if kinds is not None:
        yield VectorData(name="event_type", description="Type of the event, as the lab calls it.", data=list(kinds))
    if record.peaks is not None:
        yield TimestampVectorData(name="peak_time", description="When each event was largest, in seconds.", data=record.peaks)
    for name, values, meaning in (
        ("peak_amplitude", record.amplitudes, f"Amplitude at the peak, in {record.amplitude_unit}."),
        ("area_in_um2", record.areas_um2, "Area covered over the whole event, in square micrometres."),
        ("propagation_distance_in_um", record.distances_um, "How far the event propagated, in micrometres."),
    ):
        if values is not None:
            yield VectorData(name=name, description=meaning, data=values)
    for one in record.features:
        data = one.values if one.values.dtype.kind in "biuf" else one.values.tolist()
        yield VectorData(name=one.name, description=one.description, data=data)
    if record.footprints is not None and count:
        yield from _pixel_mask(record)
    if record.rois is not None:
        yield from _rois(entry, record.rois, placed)
    populations = record.populations if record.populations is not None else (stated.population,) * count
    if count and any(populations):
        yield _population(entry, tuple(one or "" for one in populations), placed)


def _pixel_mask(record: GlialEvents) -> tuple[VectorIndex, VectorData]:
    masks = list(record.footprints or ())
    pixels = VectorData(
        name="pixel_mask",
        description="Pixels of each event: column, row and weight, (x, y) as in the movie.",
        data=np.concatenate([np.empty(0, dtype=FOOTPRINT), *masks]),
    )
    return _index(pixels, [len(mask) for mask in masks]), pixels


def _index(column: VectorData, counts: list[int]) -> VectorIndex:
    return VectorIndex(name=f"{column.name}_index", data=np.cumsum(counts, dtype=np.uint64), target=column)


def _rois(entry: EventsEntry, rois: tuple[tuple[int, ...], ...], placed: Placed) -> tuple[VectorIndex, VectorData]:
    named = getattr(entry.source, "rois", None)
    made = placed.get("sources", named.name) if named is not None else ()
    tables = [one for one in made if isinstance(one, PlaneSegmentation)]
    if named is None or not tables:
        raise SourceError(f"{entry.name}: events in ROIs of no source; name the source of the ROIs as `rois`")
    table = next((one for one in tables if one.name == named.name), tables[0])
    region = DynamicTableRegion(
        name="rois",
        description=f"Regions of interest of {table.name} that took part in each event.",
        data=[index for row in rois for index in row],
        table=table,
    )
    return _index(region, [len(row) for row in rois]), region


def _population(entry: EventsEntry, names: tuple[str, ...], placed: Placed) -> DynamicTableRegion:
    table = placed.get("glial", "metadata").cell_populations
    labels = list(table["label"].data)
    missing = next((name for name in names if name not in labels), None)
    if missing is not None:
        raise SourceError(f"{entry.name}: there is no {missing!r} in `populations`; there are: {', '.join(labels)}")
    rows = [labels.index(name) for name in names]
    return DynamicTableRegion(name="population", description="Cells of each event, as the lab states.", data=rows, table=table)
