"""Light to NWB: core types, which archives index, and the ndx-optogenetics tables, of the same pulses."""

from __future__ import annotations

from typing import Any

import numpy as np
from hdmf.common import DynamicTableRegion, VectorData, VectorIndex
from ndx_optogenetics import OptogeneticEpochsTable, OptogeneticPulsesTable, OptogeneticSitesTable
from numpy.typing import NDArray
from pynwb import NWBFile
from pynwb.ogen import OptogeneticSeries, OptogeneticStimulusSite

from bergmann.errors import SourceError
from bergmann.optogenetics._sites_nwb import add_light_sites
from bergmann.optogenetics.stated import LightStated, agreed_wavelength, resolve_power, wavelength_of
from bergmann.records import LightPulses
from bergmann.registry import Entry, Placed
from bergmann.timing.trains import Train, find_trains

EPOCHS = "optogenetic_epochs"
"""Name of the one table of epochs of a file: spyglass reads it by this name only."""

_EXACT = 1e-6  # s: times of a source without a sampling clock are equal if they differ by no more than this

_EPOCHS_DESCRIPTION = (
    "Regular trains of light pulses, one row for each train or each set of equal trains at equal distances. Pulses that are not "
    "regular, have power 0 or an unknown power are in the tables of pulses only. intertrain_interval_in_ms is from the start of a "
    "train to the start of the next, and NaN where there is one train and so no such interval."
)


def add_light(nwbfile: NWBFile, entry: Entry[LightPulses, LightStated], placed: Placed) -> None:
    """Write light pulses three times from one array: as a series of power, as a table of pulses, as epochs where they are regular.

    Raises
    ------
    SourceError
        If the power is not known or contradicts itself, if a pulse has another wavelength than its site, or there is no pulse.
    """
    record, stated = entry.record, entry.stated
    if not len(record.times):
        raise SourceError(f"sources.{entry.name}: no light pulse; state `absent: <reason>` if no light was given")
    site, sites_table, row = placed.get("light_sites", stated.site)
    laser = placed.stated("devices", placed.stated("light_sites", stated.site).laser)
    try:
        power, how = resolve_power(record, stated, placed.collections)
        wavelength = agreed_wavelength(record, wavelength_of(placed.stated("light_sites", stated.site), laser))
    except SourceError as error:
        raise SourceError(f"sources.{entry.name}: {error}") from error
    description = _describe_light(record, stated, how)
    series = _series(entry.name, record, power, site, description)
    nwbfile.add_stimulus(series)
    pulses = _pulses_table(f"{entry.name}_pulses", record, power, wavelength, sites_table, row, description, is_sham=stated.sham)
    nwbfile.add_time_intervals(pulses)
    _add_epochs(nwbfile, record, power, wavelength, sites_table, row)
    placed.put("sources", entry.name, (series, pulses))


def _describe_light(record: LightPulses, stated: LightStated, how: str) -> str:
    sham = "Sham: the light was kept from the tissue" if stated.sham else None
    parts = [sham, stated.description, f"{len(record.times)} light pulses, {record.basis}", f"Power: {how}"]
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def _series(
    name: str, record: LightPulses, power: NDArray[np.float64], site: OptogeneticStimulusSite, description: str
) -> OptogeneticSeries:
    """Each pulse as (on, 0), (on, P), (off, P), (off, 0): four samples, two times."""
    onsets = record.times.seconds
    # adjoining pulses may overlap by the rounding of a float (a nanosecond, see LightPulses); times may not run backwards
    offsets = np.minimum(onsets + record.durations, np.append(onsets[1:], np.inf))
    unknown = " NaN: light of unknown power." if np.isnan(power).any() else ""
    return OptogeneticSeries(
        name=name,
        site=site,
        data=np.column_stack([np.zeros(len(power)), power, power, np.zeros(len(power))]).ravel(),
        timestamps=np.column_stack([onsets, onsets, offsets, offsets]).ravel(),
        description=f"{description} Step-wise: each pulse is (on, 0), (on, P), (off, P), (off, 0), with equal times at an "
        f"edge. The power is zero at all times that are not listed.{unknown}",
    )


def _region(name: str, table: OptogeneticSitesTable, row: int, n: int) -> tuple[DynamicTableRegion, VectorIndex]:
    """A ragged column of `n` rows that each name the one row of the sites table."""
    region = DynamicTableRegion(
        name=name, description="The site that was stimulated.", data=np.full(n, row, dtype=np.int64), table=table
    )
    return region, VectorIndex(name=f"{name}_index", data=np.arange(1, n + 1, dtype=np.uint64), target=region)


def _pulses_table(
    name: str,
    record: LightPulses,
    power: NDArray[np.float64],
    wavelength: float,
    sites: OptogeneticSitesTable,
    row: int,
    description: str,
    *,
    is_sham: bool,
) -> OptogeneticPulsesTable:
    onsets, n = record.times.seconds, len(record.times)
    columns: dict[str, tuple[str, NDArray[Any]]] = {
        "start_time": ("Start of the pulse, in seconds.", onsets),
        "stop_time": ("End of the pulse, in seconds.", onsets + record.durations),
        "power_in_mW": ("Power throughout the pulse, in mW; NaN: unknown.", power * 1000),
        "wavelength_in_nm": ("Wavelength of the light, in nm; NaN: unknown.", np.full(n, wavelength)),
    }
    if record.command is not None:
        text = f"Level of the command to the source of light, in {record.command_unit or 'a unit that the source does not state'}."
        columns["command"] = (text, record.command)
    if is_sham:
        columns["is_sham"] = ("Whether the light was kept from the tissue, so that none arrived.", np.ones(n, dtype=np.bool_))
    for account, marks in record.confirmed_by.items():
        columns[f"in_{account}"] = (f"Whether the pulse is also in {account}, another account of the same light.", marks)
    region, index = _region("optogenetic_sites", sites, row, n)
    made = [VectorData(name=key, description=text, data=values) for key, (text, values) in columns.items()]
    return OptogeneticPulsesTable(
        name=name,
        description=f"One row a pulse. {description}",
        columns=[*made, region, index],
        colnames=[*columns, "optogenetic_sites"],
    )


def _add_epochs(
    nwbfile: NWBFile,
    record: LightPulses,
    power: NDArray[np.float64],
    wavelength: float,
    sites: OptogeneticSitesTable,
    row: int,
) -> None:
    """Add a row for each regular train; none where a field of it would not be known."""
    tolerance = max(_EXACT, 2.01 * record.resolution)  # each edge of a period may be a sample off
    trains = find_trains(record.times.seconds, record.durations, tolerance=tolerance, levels=power)
    lit = [train for train in trains if power[train.first : train.stop].min() > 0]
    if not lit or np.isnan(wavelength):
        return
    if nwbfile.intervals is None or EPOCHS not in nwbfile.intervals:
        nwbfile.add_time_intervals(
            OptogeneticEpochsTable(name=EPOCHS, description=_EPOCHS_DESCRIPTION, target_tables={"optogenetic_sites": sites})
        )
    for train in lit:
        nwbfile.intervals[EPOCHS].add_row(**_epoch(train, record, power, wavelength), optogenetic_sites=[row])
    _sort_by_start(nwbfile.intervals[EPOCHS])


def _sort_by_start(epochs: OptogeneticEpochsTable) -> None:
    """Put the rows of all sources in the order of their time; each row names one site, so that its index stays as it is."""
    order = np.argsort(epochs["start_time"].data, kind="stable")
    for column in epochs.columns:
        if not isinstance(column, VectorIndex):
            column.data[:] = [column.data[row] for row in order]


def _epoch(train: Train, record: LightPulses, power: NDArray[np.float64], wavelength: float) -> dict[str, Any]:
    last = train.stop - 1
    return {
        "start_time": float(record.times.seconds[train.first]),
        "stop_time": float(record.times.seconds[last] + record.durations[last]),
        "stimulation_on": True,
        "pulse_length_in_ms": train.width * 1000,
        "period_in_ms": train.period * 1000,
        "number_pulses_per_pulse_train": train.pulses,
        "number_trains": train.trains,
        "intertrain_interval_in_ms": train.interval * 1000,
        "power_in_mW": float(power[train.first : train.stop].mean() * 1000),
        "wavelength_in_nm": wavelength,
    }


ADD = {LightPulses: add_light}
ADD_COLLECTIONS = {"light_sites": add_light_sites}
