"""Light of optogenetics: what no laser and no protocol can be, and accounts of one light that differ.

A file may tell of its light three times: as a series of power (core NWB), as a table of pulses and as a table of epochs
(ndx-optogenetics).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bergmann.validate.checking import Problem, check
from bergmann.validate.reading import Reading
from bergmann.validate.rules._light import EPOCHS, PULSES, Light, Pulses, Trains, opsins_of, pulses_of, shown, trains_of
from bergmann.validate.rules._opsins import excited_by

MOST_POWER_W = 1.0
"""More than any laser or LED delivers at the tissue: optogenetic experiments use 1e-4 to 1e-1 W at the fibre's tip."""
LEAST_POWER_W = 2e-5
"""Less than the strongest pulse of a protocol: opsins need about 1 mW/mm2, and the tip of a fibre of 0.2 mm has 0.03 mm2."""
WAVELENGTHS_NM = (300.0, 2000.0)
MOST_PULSE_J = 5.0
"""A pulse of more energy than 10 mW in 500 s."""
MOST_TRAIN_J = 60.0
"""A train of more energy than 100 mW in ten minutes."""
_WATTS = "write watts (1 mW is 0.001); where the power was not measured, write the command in volts and no power"


@check(
    severity="error",
    why="A power that no source has is nearly always one in another unit, and every dose computed from it is wrong.",
    remedy=_WATTS,
)
def light_power_plausible(reading: Reading) -> Iterator[Problem]:
    """Power that is negative, partly not a number, or more or less than any source has."""
    for series in reading.objects("OptogeneticSeries"):
        if series.data is not None:
            yield from _implausible(series, reading.values(series.data).ravel(), "W", 1.0, "sample")
    for table in reading.objects(PULSES, EPOCHS):
        power = reading.column(table, "power_in_mW")
        if power is None:
            continue
        yield from _implausible(table, power.ravel(), "mW", 1e-3, "row")
        if len(power) and not np.any(power) and table in reading.objects(PULSES) and reading.column(table, "is_sham") is None:
            yield Problem(
                table, f"the power of all {len(power)} pulses is 0 mW: a pulse without power is no light", _WATTS, "warning"
            )


def _implausible(where: Any, power: Any, unit: str, watts: float, what: str) -> Iterator[Problem]:
    if not len(power):
        return
    unknown = np.isnan(power)
    is_known = np.any(~unknown & (power != 0))  # else all of the light is of unknown power, which a file may say by NaN
    wrong = (unknown & is_known) | (power < 0) | (power * watts > MOST_POWER_W)
    if wrong.any():
        row = int(np.argmax(wrong))
        times = f", and {shown(int(wrong.sum()) - 1, f'more {what}')}" if wrong.sum() > 1 else ""
        found = f"its power is {power[row]:g} {unit} at {what} {row}{times}; expected 0 to {MOST_POWER_W / watts:g} {unit}"
        yield Problem(where, found)
    elif is_known and 0 < np.nanmax(power) * watts < LEAST_POWER_W:
        found = f"its greatest power is {np.nanmax(power):g} {unit}; expected at least {LEAST_POWER_W / watts:g} {unit}"
        yield Problem(where, found, _WATTS, "warning")


@check(
    severity="error",
    why="NWB keeps wavelengths in nanometres; one in another unit makes the light look like what excites no opsin.",
    remedy="write the wavelength in nm, e.g. 473",
)
def light_wavelength_in_nm(reading: Reading) -> Iterator[Problem]:
    """A wavelength that is none in nanometres."""
    low, high = WAVELENGTHS_NM
    for site in reading.objects("OptogeneticStimulusSite"):
        value = float(site.excitation_lambda)
        if not np.isnan(value) and not low <= value <= high:
            yield Problem(site, f"its excitation_lambda is {value:g}; expected {low:g} to {high:g} nm")
    for table in reading.objects(PULSES, EPOCHS):
        column = reading.column(table, "wavelength_in_nm")
        if column is None:
            continue
        wrong = np.flatnonzero(~np.isnan(column) & ~((column >= low) & (column <= high)))
        if wrong.size:
            found = f"wavelength_in_nm is {column[wrong[0]]:g} in row {wrong[0]} ({shown(len(wrong), 'row')})"
            yield Problem(table, f"{found}; expected {low:g} to {high:g}")


@check(
    severity="warning",
    why="Light of a colour that does not open an opsin stimulates nothing, so that one of the two is not what was used.",
    remedy="mend the wavelength of the light or the name of the opsin",
)
def light_opsin_wavelength(reading: Reading) -> Iterator[Problem]:
    """An opsin that the light of its site does not excite."""
    for where, wavelength, opsins in opsins_of(reading):
        for opsin in opsins:
            ranges = excited_by(opsin)
            if ranges and not any(low <= wavelength <= high for low, high in ranges):
                told = " or ".join(f"{low:g} to {high:g}" for low, high in ranges)
                yield Problem(where, f"{opsin} is lit with {wavelength:g} nm; expected {told} nm")


@check(
    severity="error",
    why="Pulses that are longer than their period would run into each other: one of the two numbers is in another unit.",
    remedy="write both in milliseconds, and pulses in the order in which they were given",
)
def light_pulse_within_period(reading: Reading) -> Iterator[Problem]:
    """Pulses that are as long as their period, overlap, or have another length than their epoch says."""
    for trains in trains_of(reading):
        for row in np.flatnonzero((trains.n_pulses > 1) & (trains.pulse > trains.period * 1.0001)):
            found = f"its pulses of {trains.pulse[row] * 1e3:g} ms are longer than their period of {trains.period[row] * 1e3:g} ms"
            yield Problem(trains.table, f"in row {row} {found}")
        yield from _other_lengths(reading, trains)
    for pulses in pulses_of(reading):
        over = np.flatnonzero(pulses.stop[:-1] > pulses.start[1:] + 1e-6)
        if len(over):
            one, stop, start = over[0], pulses.stop[over[0]], pulses.start[over[0] + 1]
            found = f"pulse {one} stops at {stop:g} s and pulse {one + 1} starts at {start:g} s: they overlap"
            yield Problem(pulses.table, f"{found} ({shown(len(over), 'pair')})")
        short = np.flatnonzero(~(pulses.stop > pulses.start))
        if len(short):
            yield Problem(pulses.table, f"pulse {short[0]} stops before it starts, or when it does ({shown(len(short), 'pulse')})")


def _other_lengths(reading: Reading, trains: Trains) -> Iterator[Problem]:
    for row in range(len(trains.start)):
        lengths = [one.stop[inside] - one.start[inside] for one in pulses_of(reading) if (inside := trains.holds(row, one)).any()]
        for length in (float(np.median(one)) for one in lengths):
            if abs(length - trains.pulse[row]) > max(0.1 * length, 2e-4):
                found = f"pulse_length_in_ms is {trains.pulse[row] * 1e3:g} in row {row}"
                yield Problem(trains.table, f"{found}, and the pulses of that time last {length * 1e3:g} ms")
                return
        if not lengths and 0 < trains.pulse[row] < 2e-5:
            yield Problem(trains.table, f"pulse_length_in_ms is {trains.pulse[row] * 1e3:g} in row {row}: is it in seconds?")
            return


@check(
    severity="error",
    why="An epoch that is shorter than the pulses it counts has lost some of them, or states another protocol than was given.",
    remedy="let the epoch stop with its last pulse, or mend number, period or length of its pulses",
)
def light_train_within_epoch(reading: Reading) -> Iterator[Problem]:
    """A train of light that outlasts its epoch."""
    for trains in trains_of(reading):
        lasts = trains.lasting
        for row in np.flatnonzero(lasts > (trains.stop - trains.start) * 1.001 + 1e-3):
            found = f"its train lasts {lasts[row]:.6g} s, and the epoch {trains.stop[row] - trains.start[row]:.6g} s"
            yield Problem(trains.table, f"in row {row} (at {trains.start[row]:g} s) {found}")


@check(
    severity="error",
    why="A pulse that is lost or invented changes the dose of light, and with it every result that rests on it.",
    remedy="compare with the recorded command of the light, and write the pulses again",
)
def light_pulse_count(reading: Reading) -> Iterator[Problem]:
    """An epoch that has another number of pulses than the table of pulses lists in its time."""
    every = pulses_of(reading)
    for trains in trains_of(reading):
        for row in np.flatnonzero(trains.is_on & (trains.n_pulses > 0)):
            stated, inside = int(trains.n_pulses[row] * trains.n_trains[row]), [trains.holds(int(row), one) for one in every]
            listed = sum(int(one.sum()) for one in inside)
            if every and listed != stated:
                missing = _first_missing(trains, int(row), every, inside)
                found = f"it counts {stated} pulses, and {listed} are listed in its time{missing}"
                yield Problem(trains.table, f"in row {row} (at {trains.start[row]:g} s) {found}")


def _first_missing(trains: Trains, row: int, every: list[Pulses], inside: list[Any]) -> str:
    """The time of the first planned pulse of one train that is not listed."""
    if trains.n_trains[row] != 1 or not np.isfinite(trains.period[row]):
        return ""
    planned = trains.start[row] + np.arange(int(trains.n_pulses[row])) * trains.period[row]
    listed = np.concatenate([one.start[mask] for one, mask in zip(every, inside, strict=True)])
    gone = [time for time in planned if not len(listed) or np.abs(listed - time).min() > trains.period[row] / 4]
    return f", none at {gone[0]:.6g} s" if gone else ""


@check(
    severity="error",
    why="Accounts of one light that differ cannot both be what was given, and nobody can tell which one a result used.",
    remedy="write all of them from one recorded account of the light",
)
def light_accounts_agree(reading: Reading) -> Iterator[Problem]:
    """A series of power that tells other pulses, times or power than the table of its pulses, or another colour than its site."""
    tables = pulses_of(reading)
    for pulses in tables:
        yield from _other_colour(reading, pulses)
    every = list(reading.objects("OptogeneticSeries"))
    for series in every:
        light = Light.of(reading, series)
        yield from light.strange(series)
        table = next((one for one in tables if one.table.name in (f"{series.name}_pulses", series.name)), None)
        table = table or (tables[0] if len(tables) == len(every) == 1 else None)
        if table is not None:
            yield from light.differences(series, table)


def _other_colour(reading: Reading, pulses: Pulses) -> Iterator[Problem]:
    sites = {site.name: float(site.excitation_lambda) for site in reading.objects("OptogeneticStimulusSite")}
    for row, name in enumerate(pulses.sites):
        wanted, found = sites.get(name, np.nan), pulses.wavelength[row] if len(pulses.wavelength) else np.nan
        if np.isfinite(wanted) and np.isfinite(found) and abs(wanted - found) > 1:
            yield Problem(pulses.table, f"pulse {row} has {found:g} nm, and its site {name} {wanted:g} nm")
            return


@check(
    severity="warning",
    why="A site that nothing lights looks like a stimulated place to whoever counts sites, as the archive does.",
    remedy="remove the site, or let the light that was given there name it",
)
def light_site_used(reading: Reading) -> Iterator[Problem]:
    """A site that no light names, or light that names no site."""
    named = {id(series.site) for series in reading.objects("OptogeneticSeries")}
    for site in reading.objects("OptogeneticStimulusSite"):
        if named and id(site) not in named:
            yield Problem(site, "no optogenetic series was given at this site")
    for sites in reading.objects("OptogeneticSitesTable"):
        n_sites, used = len(sites.id), set()
        for table in reading.objects(PULSES, EPOCHS):
            rows = reading.column(table, "optogenetic_sites")
            used |= set() if rows is None else {int(row) for row in np.unique(rows)}
            for row in sorted(one for one in used if not 0 <= one < n_sites):
                yield Problem(table, f"its optogenetic_sites name row {row}, and there are {n_sites}", severity="error")
        for row in sorted(set(range(n_sites)) - used) if used else ():
            yield Problem(sites, f"row {row} is named by no pulse and no epoch")


@check(
    severity="warning",
    why="Such an energy heats and harms tissue, so that a length, a period or a power is most likely in another unit.",
    remedy="write lengths and periods in milliseconds and power in milliwatts",
)
def light_energy_plausible(reading: Reading) -> Iterator[Problem]:
    """A pulse or a train of more energy than tissue bears, or trains that no pulse of the table is like."""
    for trains in trains_of(reading):
        energy = trains.power * trains.pulse * trains.n_pulses * trains.n_trains
        for row in np.flatnonzero(energy > MOST_TRAIN_J)[:1]:
            yield Problem(trains.table, f"the light of row {row} has {energy[row]:g} J; expected less than {MOST_TRAIN_J:g}")
    for pulses in pulses_of(reading):
        energy = pulses.power * (pulses.stop - pulses.start)
        for row in np.flatnonzero(energy > MOST_PULSE_J)[:1]:
            yield Problem(pulses.table, f"pulse {row} has {energy[row]:g} J; expected less than {MOST_PULSE_J:g}")


@check(
    severity="warning",
    why="Light is only comparable between experiments if it is said where it was given.",
    remedy="state the structure, and the side if there is one",
)
def light_site_described(reading: Reading) -> Iterator[Problem]:
    """A site without a place."""
    for site in reading.objects("OptogeneticStimulusSite"):
        if str(site.location or "").strip().lower() in {"", "unknown", "none", "n/a", "na", "not specified", "unspecified"}:
            yield Problem(site, f"its location is {site.location!r}")


@check(
    severity="warning",
    why="The DANDI archive knows core types only: without them, nobody who searches for optogenetics finds the file.",
    remedy="write an OptogeneticStimulusSite and an OptogeneticSeries beside the tables of ndx-optogenetics",
)
def light_core_and_extension(reading: Reading) -> Iterator[Problem]:
    """Light in tables of an extension only."""
    if not any(reading.objects("OptogeneticSeries")):
        for table in reading.objects(PULSES, EPOCHS):
            if len(table.id):
                yield Problem(table, "the light is in this table, and there is no core OptogeneticSeries")
                return
