"""Pulses on a recorded channel, by one pass over the whole channel in memory."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.proof.readers import NotReadError
from bergmann.proof.said import Floats, Kind, Line, Lines, Occurrences, Pulses, Said
from bergmann.texts import named


def line_of(ref: Any, known: Mapping[str, Said]) -> tuple[Lines, Line]:
    """The recording and the channel that a reference names.

    Raises
    ------
    NotReadError
        If the recording was not read a second time, or by another kind of reader.
    """
    recording = known.get(ref.name)
    if not isinstance(recording, Lines):
        raise NotReadError(f"{ref.name} was not read a second time")
    name = named(ref.part or "", [line.name for line in recording.lines])
    line = next((line for line in recording.lines if line.name == name), None)
    if line is None:
        raise NotReadError(f"no channel {ref.part}")
    return recording, line


def stretches(line: Line, upper: float, lower: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First sample of each stretch that is on, and the one behind its last; between the two levels the line stays as it was."""
    rises, falls, on = [np.empty(0, np.int64)], [np.empty(0, np.int64)], False
    for start, values in line.blocks():
        mark = np.zeros(len(values) + 1, np.int8)
        mark[0] = 1 if on else -1
        mark[1:][values >= upper] = 1
        mark[1:][values < lower] = -1
        latest = np.maximum.accumulate(np.where(mark != 0, np.arange(len(mark)), 0))
        state = (mark[latest] == 1).astype(np.int8)
        steps = np.diff(state)
        rises.append(np.flatnonzero(steps == 1) + start)
        falls.append(np.flatnonzero(steps == -1) + start)
        on = bool(state[-1])
    if on:
        falls.append(np.array([line.samples.shape[0]]))
    return np.concatenate(rises), np.concatenate(falls)


def levels_of(line: Line) -> tuple[float, float]:
    """Upper and lower threshold of a channel that has two levels: half way between them, a tenth of the step apart."""
    if line.is_digital:
        return 0.5, 0.5
    least = min(float(values.min()) for _, values in line.blocks())
    most = max(float(values.max()) for _, values in line.blocks())
    if not least < most:
        raise NotReadError("a channel of one level")
    edges = np.linspace(least, most, 1 << 14)
    counts, sums = np.zeros(len(edges)), np.zeros(len(edges))
    for _, values in line.blocks():
        bins = np.searchsorted(edges, values)
        counts += np.bincount(bins, minlength=len(edges))
        sums += np.bincount(bins, weights=values, minlength=len(edges))
    middle = (least + most) / 2
    for _ in range(100):
        is_high = edges >= middle
        if not counts[is_high].sum() or not counts[~is_high].sum():
            raise NotReadError("a channel without two levels")
        low, high = sums[~is_high].sum() / counts[~is_high].sum(), sums[is_high].sum() / counts[is_high].sum()
        middle = (low + high) / 2
    step = high - low
    return middle + step / 20, middle - step / 20


def onsets_of(ref: Any, known: Mapping[str, Said]) -> tuple[Floats, float]:
    """When the pulses of a channel began on its recording's clock, and the time between its samples, in seconds."""
    recording, line = line_of(ref, known)
    first, _ = stretches(line, *levels_of(line))
    return recording.at(first), 1 / recording.rate


def _found(entry: Any, known: Mapping[str, Said]) -> tuple[Floats, Floats, Floats, Line]:
    """Onset, duration and level of each pulse, and the channel."""
    source = entry.source
    recording, line = line_of(source.of, known)
    if len(recording.starts) > 1 or source.cut != "refuse" or getattr(source, "minimum_width", None) is not None:
        raise NotReadError("pulses of several sweeps, or some of which are left out")
    if getattr(source, "ramps", "refuse") != "refuse":
        raise NotReadError("pulses whose level changes")
    if source.threshold is None:
        upper, lower = levels_of(line)
    else:
        threshold = source.threshold.to(line.unit)
        width = abs(threshold) / 5 if source.hysteresis is None else source.hysteresis.to(line.unit)
        upper, lower = threshold + width / 2, threshold - width / 2
    first, behind = stretches(line, upper, lower)
    levels = np.array([np.median(line.in_unit(start, stop)) for start, stop in zip(first, behind, strict=True)])
    return recording.at(first), (behind - first) / recording.rate, levels, line


def read_light(entry: Any, known: Mapping[str, Said]) -> Pulses:
    """Light pulses of a channel; their power where a table of measured points says it."""
    onsets, durations, levels, line = _found(entry, known)
    command = None if line.is_digital else levels
    files = known[entry.source.of.name].files
    slack = _slack(entry, known, line)
    return Pulses(files=files, onsets=onsets, durations=durations, command=command, unit=line.unit, slack=slack)


def _slack(entry: Any, known: Mapping[str, Said], line: Line) -> float:
    """Nothing where the threshold is known; a sample where each reading finds its own between the two levels."""
    recording, _ = line_of(entry.source.of, known)
    return 1e-9 if line.is_digital or entry.source.threshold is not None else 1.01 / recording.rate


def power_by_points(path: Path, command: Floats) -> Floats:
    """Power at each command between measured points, in the unit of the table's second column."""
    rows = []
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.reader(lines):
            try:
                rows.append((float(row[0]), float(row[1])))
            except (ValueError, IndexError):
                continue
    rows.sort()
    at, power = np.array(rows).T
    return np.asarray(np.interp(command, at, power))


def read_events(entry: Any, known: Mapping[str, Said]) -> Occurrences:
    """Events that are the pulses of a channel."""
    onsets, durations, _, line = _found(entry, known)
    kinds = {entry.source.event: Kind(onsets=onsets, durations=durations)}
    return Occurrences(files=known[entry.source.of.name].files, kinds=kinds, slack=_slack(entry, known, line))
