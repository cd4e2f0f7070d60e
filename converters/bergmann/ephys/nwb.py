"""Spikes of single units to a table of units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hdmf.common import VectorData, VectorIndex
from pynwb import NWBFile
from pynwb.misc import Units

from bergmann.ephys.stated import SpikeTimesStated
from bergmann.records import SpikeTimes
from bergmann.registry import Entry, Placed
from ndx_glial_receptors import CellAnnotationsTable

UnitsEntry = Entry[SpikeTimes, SpikeTimesStated]


def add_spike_times(nwbfile: NWBFile, entry: UnitsEntry, placed: Placed) -> None:
    """Add the units of a source, in its order, and say whose they are.

    NWB has one table of this kind at its top, ``units``, which the first source takes; that of any other has its name and is in the
    processing module ``ecephys``. No waveform and no electrode is made up: a group of electrodes is there if a device is stated.
    """
    is_first = nwbfile.units is None
    columns = [*_columns(nwbfile, entry, placed)]
    units = Units(
        name="units" if is_first else entry.name,
        description=_description(entry),
        columns=columns,
        colnames=[column.name for column in columns if not isinstance(column, VectorIndex)],
        resolution=entry.record.resolution,
    )
    if is_first:
        nwbfile.units = units
    else:
        _module(nwbfile).add(units)
    if entry.stated.population is not None and entry.stated.compartment is not None:
        _annotate(units, entry, placed)
    placed.put("sources", entry.name, (units,))


def _module(nwbfile: NWBFile) -> Any:
    if "ecephys" in nwbfile.processing:
        return nwbfile.processing["ecephys"]
    return nwbfile.create_processing_module(name="ecephys", description="Spikes of single units.")


def _description(entry: UnitsEntry) -> str:
    said = [entry.stated.description or f"Units of {entry.name}.", entry.record.basis]
    if entry.stated.population is not None:
        said.append(f"Cells: {entry.stated.population}, {entry.stated.compartment}.")
    return " ".join(
        [*(text for text in said if text), "; ".join(f"{key}: {value}" for key, value in entry.record.notes.items())]
    ).strip()


def _columns(nwbfile: NWBFile, entry: UnitsEntry, placed: Placed) -> Iterator[Any]:
    record, count = entry.record, len(entry.record.units)
    yield VectorData(name="unit_name", description="What the source calls the unit.", data=list(record.units))
    times = VectorData(
        name="spike_times", description="When the unit fired, in seconds.", data=np.concatenate([np.zeros(0), *record.spikes])
    )
    yield _index(times, [len(one) for one in record.spikes])
    yield times
    if record.observed is not None:
        observed = VectorData(
            name="obs_intervals",
            description="Start and end of what was recorded, in seconds.",
            data=np.concatenate([np.zeros((0, 2)), *[record.observed] * count]),
        )
        yield _index(observed, [len(record.observed)] * count)
        yield observed
    for name, values in record.columns.items():
        data = values if isinstance(values, np.ndarray) else list(values)
        yield VectorData(name=name, description="As the lab's table has it.", data=data)
    if entry.stated.device is not None and entry.stated.location is not None:
        group = nwbfile.create_electrode_group(
            name=f"{entry.name}_electrodes",
            description=f"What the units of {entry.name} were recorded with.",
            location=entry.stated.location,
            device=placed.get("devices", entry.stated.device),
        )
        yield VectorData(name="electrode_group", description="What the unit was recorded with.", data=[group] * count)


def _index(column: VectorData, counts: list[int]) -> VectorIndex:
    return VectorIndex(name=f"{column.name}_index", data=np.cumsum(counts, dtype=np.uint64), target=column)


def _annotate(units: Units, entry: UnitsEntry, placed: Placed) -> None:
    """Say of each unit which cells it is of."""
    metadata = placed.get("glial", "metadata")
    populations = metadata.cell_populations
    row = list(populations["label"].data).index(entry.stated.population)
    annotations = CellAnnotationsTable(
        name=f"cell_annotations_{entry.name}",
        description=f"Which cells the units of {entry.name} are of, as the lab states.",
        source=units,
        population=populations,
    )
    for index in range(len(units)):
        annotations.add_row(source=index, population=row, compartment=entry.stated.compartment)
    metadata.add_cell_annotations_tables(annotations)


ADD = {SpikeTimes: add_spike_times}
