"""The light of a file as arrays, one for each of its accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.validate.checking import Problem
from bergmann.validate.reading import Reading

PULSES, EPOCHS = "OptogeneticPulsesTable", "OptogeneticEpochsTable"
_NEAR = 1e-4
"""Two accounts tell the same time if they differ by no more, in seconds, or by no more than two samples of a series with a rate."""
_EFFECTOR = re.compile(r"effector: ([^;]+)")

Floats = NDArray[np.float64]


def shown(number: int, what: str) -> str:
    """``"1 row"``, ``"12 rows"``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


@dataclass(frozen=True, eq=False)
class Pulses:
    """A table of pulses, in the order of their start: seconds, watts, nm, and the name of each pulse's site ("" if none)."""

    table: Any
    start: Floats
    stop: Floats
    power: Floats
    wavelength: Floats
    sites: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Trains:
    """A table of epochs, one train (or several equal ones) a row: times in seconds, power in watts."""

    table: Any
    start: Floats
    stop: Floats
    is_on: NDArray[np.bool_]
    pulse: Floats
    period: Floats
    n_pulses: Floats
    n_trains: Floats
    interval: Floats
    power: Floats
    sites: tuple[str, ...]

    def holds(self, row: int, pulses: Pulses) -> NDArray[np.bool_]:
        """Which pulses start in the time of an epoch, at its site."""
        inside = (pulses.start >= self.start[row] - _NEAR) & (pulses.start <= self.stop[row] + _NEAR)
        if self.sites[row] and any(pulses.sites):
            inside &= np.array([name == self.sites[row] for name in pulses.sites])
        return np.asarray(inside, dtype=np.bool_)

    @property
    def lasting(self) -> Floats:
        """From the first onset of each row to the end of its last pulse, by what it says of its trains."""
        one = np.where(self.n_pulses > 1, (self.n_pulses - 1) * self.period, 0.0) + self.pulse
        return np.asarray(one + np.where(self.n_trains > 1, (self.n_trains - 1) * self.interval, 0.0), dtype=np.float64)


def pulses_of(reading: Reading) -> list[Pulses]:
    """The tables of pulses that have times."""
    found = []
    for table in reading.objects(PULSES):
        start, stop = reading.column(table, "start_time"), reading.column(table, "stop_time")
        if start is None or stop is None or not len(start) or len(start) != len(stop):
            continue
        order = np.argsort(start, kind="stable")
        power, wavelength = (_floats(reading.column(table, key), len(start)) for key in ("power_in_mW", "wavelength_in_nm"))
        sites = _sites(reading, table, len(start))
        found.append(
            Pulses(table, start[order], stop[order], power[order] * 1e-3, wavelength[order], tuple(sites[row] for row in order))
        )
    return found


def trains_of(reading: Reading) -> list[Trains]:
    """The tables of epochs that have times; rows without light are not on."""
    found = []
    for table in reading.objects(EPOCHS):
        start, stop = reading.column(table, "start_time"), reading.column(table, "stop_time")
        if start is None or stop is None or not len(start):
            continue
        keys = (
            "pulse_length_in_ms",
            "period_in_ms",
            "number_pulses_per_pulse_train",
            "number_trains",
            "intertrain_interval_in_ms",
            "power_in_mW",
        )
        pulse, period, n_pulses, n_trains, interval, power = (_floats(reading.column(table, key), len(start)) for key in keys)
        on = reading.column(table, "stimulation_on")
        is_on = np.ones(len(start), dtype=np.bool_) if on is None else on.astype(np.bool_)
        sites = _sites(reading, table, len(start))
        found.append(
            Trains(
                table,
                start,
                stop,
                is_on,
                pulse * 1e-3,
                period * 1e-3,
                n_pulses,
                n_trains,
                interval * 1e-3,
                power * 1e-3,
                tuple(sites),
            )
        )
    return found


def _floats(column: NDArray[Any] | None, n: int) -> Floats:
    return np.full(n, np.nan) if column is None or len(column) != n else np.asarray(column, dtype=np.float64)


def _sites(reading: Reading, table: Any, n: int) -> list[str]:
    """The name of the site of each row, where each row names exactly one that the sites table names in turn."""
    rows, ends = reading.column(table, "optogenetic_sites"), reading.column(table, "optogenetic_sites_index")
    tables = list(reading.objects("OptogeneticSitesTable"))
    names = reading.column(tables[0], "site") if len(tables) == 1 else None
    if rows is None or names is None or len(rows) != n or (ends is not None and not np.array_equal(ends, np.arange(1, n + 1))):
        return [""] * n
    texts = [name.decode() if isinstance(name, bytes) else str(name) for name in names]
    return [texts[int(row)] if 0 <= row < len(texts) else "" for row in rows]


def opsins_of(reading: Reading) -> Iterator[tuple[Any, float, tuple[str, ...]]]:
    """Sites, the wavelength of their light in nm, and what is said of their opsins."""
    sites = list(reading.objects("OptogeneticStimulusSite"))
    effectors = [str(one.label or one.name) for one in reading.objects("Effector")]
    for site in sites:
        named = _EFFECTOR.findall(str(site.description or ""))
        opsins = dict.fromkeys([*named, *(effectors if len(sites) == 1 else ())])
        if np.isfinite(float(site.excitation_lambda)):
            yield site, float(site.excitation_lambda), tuple(opsins)


@dataclass(frozen=True, eq=False)
class Light:
    """The pulses that a series of power tells.

    Attributes
    ----------
    onsets, ends, power : np.ndarray, shape (n_pulses,)
        Seconds, seconds, watts.
    near : float
        How exactly its times are known, in seconds.
    has_edges : bool
        Whether it has samples at changes only, at times of their own; else it was sampled at a rate.
    first : tuple of float
        Time and power of its first sample, and the time of its second.
    is_open : bool
        Whether a pulse follows another without a zero between them.
    """

    onsets: Floats
    ends: Floats
    power: Floats
    near: float
    has_edges: bool
    first: tuple[float, float, float]
    is_open: bool

    @classmethod
    def of(cls, reading: Reading, series: Any) -> Light:
        """Find the pulses of a series: runs of samples that are not zero."""
        watts = np.asarray(reading.values(series.data), dtype=np.float64)
        watts = watts.reshape(len(watts), -1).max(axis=1)
        times = reading.times(series)[: len(watts)]
        lit = np.concatenate([[False], (watts != 0), [False]])
        rises, falls = np.flatnonzero(lit[1:] & ~lit[:-1]), np.flatnonzero(~lit[1:] & lit[:-1])
        has_edges = series.timestamps is not None
        near = _NEAR if has_edges else max(_NEAR, 2 / float(series.rate))
        ends = times[np.minimum(falls, len(times) - 1)] if len(times) else np.zeros(0)
        power = np.array([watts[rise:fall].mean() for rise, fall in zip(rises, falls, strict=True)])
        first = (times[0], watts[0], times[1]) if len(times) > 1 else (np.nan, np.nan, np.nan)
        return cls(
            times[rises] if len(times) else np.zeros(0), ends, power, near, has_edges, first, _is_open(times, watts, has_edges)
        )

    def strange(self, series: Any) -> Iterator[Problem]:
        """What is strange in the series alone."""
        time, power, second = self.first
        if (
            self.has_edges
            and time == 0
            and power == 0
            and second > self.near
            and len(self.onsets)
            and second >= self.onsets[0] - self.near
        ):
            yield Problem(
                series,
                f"it begins with a sample of 0 W at 0 s, {second:g} s before its next: nobody recorded that",
                severity="warning",
            )
        if self.is_open:
            found = "it has no zero at the edges of its pulses: who interpolates reads a ramp where there was a step"
            yield Problem(series, found)

    def differences(self, series: Any, table: Pulses) -> Iterator[Problem]:
        """How it differs from the table of the same pulses."""
        listed = table.power != 0
        start, stop, power = table.start[listed], table.stop[listed], table.power[listed]
        joined = np.concatenate([[True], start[1:] > stop[:-1] + self.near]) if len(start) else np.zeros(0, dtype=np.bool_)
        onsets = start[joined]
        if self.is_open:
            return
        if len(onsets) != len(self.onsets):
            lone = _lone(onsets, self.onsets, self.near) or _lone(self.onsets, onsets, self.near)
            at = f", first at {lone:.6g} s" if lone is not None else ""
            yield Problem(series, f"it has {len(self.onsets)} pulses, and {table.table.name} has {len(onsets)}: they differ{at}")
            return
        apart = np.abs(onsets - self.onsets)
        if len(apart) and apart.max() > self.near:
            row = int(np.argmax(apart))
            yield Problem(
                series, f"pulse {row} begins at {self.onsets[row]:.6g} s, and in {table.table.name} at {onsets[row]:.6g} s"
            )
        known = np.isfinite(power[joined]) & np.isfinite(self.power) if joined.all() else np.zeros(0, dtype=np.bool_)
        if not self.has_edges or len(known) != len(self.power):
            return
        off = np.flatnonzero(known & (np.abs(self.power - power) > 0.05 * power + 1e-6))
        if off.size:
            row = int(off[0])
            yield Problem(
                series, f"pulse {row} has {self.power[row] * 1e3:g} mW, and in {table.table.name} {power[row] * 1e3:g} mW"
            )


def _is_open(times: Floats, watts: Floats, has_edges: bool) -> bool:
    """Whether samples at edges only leave out the zeros: on and off alternate, with pauses between them, and no zero is there."""
    if not has_edges or len(watts) < 4 or (watts <= 0).any():
        return _lacks_zero_before_onset(times, watts) if has_edges and len(watts) >= 4 else False
    steps = np.diff(times)
    return bool(np.median(steps[1::2]) > 2 * np.median(steps[::2]))


def _lacks_zero_before_onset(times: Floats, watts: Floats) -> bool:
    """Whether most pulses begin long after the zero before them: between the two, who interpolates reads a ramp."""
    rises = np.flatnonzero((watts[1:] != 0) & (watts[:-1] == 0)) + 1
    falls = np.flatnonzero((watts[1:] == 0) & (watts[:-1] != 0))
    if not len(rises) or len(times) == 0:
        return False
    regular = np.diff(times)
    if np.ptp(regular) < 0.01 * np.median(regular):  # sampled at a rate, whatever it is written as
        return False
    width = float(np.median(times[falls[-len(rises) :]] - times[rises[: len(falls)]])) if len(falls) == len(rises) else 0.0
    return bool(np.median(times[rises] - times[rises - 1]) > max(2 * abs(width), _NEAR))


def _lone(some: Floats, others: Floats, near: float) -> float | None:
    """The first of some times that is not among others."""
    if not len(others):
        return float(some[0]) if len(some) else None
    gone = [time for time in some if np.abs(others - time).min() > near]
    return float(gone[0]) if gone else None
