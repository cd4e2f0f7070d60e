"""Where in an NWB file what a source says should stand, and whether it does: one function for each kind of what is said.

Nothing of the rooms that write is used: names, axes and units are said here a second time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from bergmann.privacy import without_private
from bergmann.proof.claims import Claim, Difference, Seen, exact, near, text_of
from bergmann.proof.readers import NotReadError
from bergmann.proof.readers.pulses import line_of, onsets_of, power_by_points
from bergmann.proof.said import (
    Columns,
    Floats,
    Frames,
    Line,
    Lines,
    Mask,
    Occurrences,
    Pictures,
    Positions,
    Pulses,
    Regions,
    Said,
    Values,
)
from bergmann.stated import Quantity

Found = Iterator[Claim | Seen | Difference]

EXACT = 1e-9
"""Seconds by which two ways to the same time may differ by the rounding of floats."""

LINEAR = 2e-6
"""Seconds by which a time through the line that the clock table states may differ: the table holds rounded numbers."""


@dataclass(frozen=True)
class Clock:
    """What the file's table of clocks says of a source."""

    offset: float
    rate_ratio: float
    residual: float
    is_own: bool
    is_line: bool

    def on_session(self, times: Floats) -> Floats:
        """Times of the source on the session's clock."""
        return self.offset + times * (1.0 if math.isnan(self.rate_ratio) else self.rate_ratio)


@dataclass(frozen=True)
class Context:
    """What a comparison knows beside the source itself.

    Attributes
    ----------
    file : h5py.File
    entry : SourceEntry
    known : mapping of str to Said
        What was read of other sources.
    collections : mapping
        What the person states, by collection and name.
    entries : mapping of str to SourceEntry
    """

    file: Any
    entry: Any
    known: Mapping[str, Said]
    collections: Mapping[str, Any]
    entries: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the source."""
        return str(self.entry.name)

    def clock(self, name: str) -> Clock | None:
        """What the file says of the clock of a source; None where it says nothing."""
        table = self.file.get("general/bergmann_conversion/clocks")
        if table is None:
            return None
        names = table["source"].asstr()[:].tolist()
        if name not in names:
            return None
        row = names.index(name)

        def number(column: str) -> float:
            return float(table[column][row]) if column in table else math.nan

        method = table["method"].asstr()[row]
        return Clock(
            offset=number("offset_in_seconds"),
            rate_ratio=number("rate_ratio"),
            residual=number("residual_in_seconds"),
            is_own=table["reference"].asstr()[row] == name,
            is_line=not re.search(r"rate that changes|piecewise|each .*own pulse|own pulses", method),
        )


def compare(said: Said, context: Context) -> Found:
    """Everything that a source says, as claims about the file, and what is seen at once to be different."""
    for kind, function in _COMPARE.items():
        if isinstance(said, kind):
            yield from function(said, context)
            return
    raise NotReadError(f"nothing is known of {type(said).__name__}")


# --- times ---


def stored_times(file: Any, series: str, count: int) -> Floats | None:
    """When the samples of a time series were taken, as a reader of the file sees it; None where there is no such series."""
    group = file.get(series)
    if group is None:
        return None
    if "timestamps" in group:
        return np.asarray(group["timestamps"][()], dtype=np.float64)
    if "starting_time" in group:
        start = group["starting_time"]
        return float(start[()]) + np.arange(count) / float(start.attrs["rate"])
    return None


def _check_times(context: Context, series: str, own: Floats, ticks: Floats | None, *, placed: bool) -> Found:
    """The times of a series: by the source's own, the stated clock, and the pulses of its clock line.

    Parameters
    ----------
    own : np.ndarray, shape (n,), seconds
        Of the samples that are used.
    ticks : np.ndarray, shape (n_ticks,), seconds, optional
        What the clock line ticks for.
    """
    found = stored_times(context.file, series, len(own))
    where = f"{series}/timestamps"
    if found is None:
        yield Difference(where, "times: not in the file")
        return
    if len(found) != len(own):
        yield Difference(where, f"times: {len(own)} in the source, {len(found)} in the file")
        return
    if placed:
        yield from near(where, own, found, EXACT, "times")
        return
    clock = context.clock(context.name)
    if clock is None:
        yield Difference(where, "times: the file does not say how they were put on the session's clock")
        return
    if clock.is_own and (clock.offset != 0 or not math.isnan(clock.rate_ratio)):
        yield Difference(where, f"times: the session's own clock is said to be {clock.offset:g} s off")
    if clock.is_line:
        yield from near(where, clock.on_session(own), found, LINEAR, "times through the stated clock")
    if context.entry.clock is not None and ticks is not None:
        yield from _check_pulses(context, where, own, ticks, found, clock)


def _check_pulses(context: Context, where: str, own: Floats, ticks: Floats, found: Floats, clock: Clock) -> Found:
    """Each frame must lie at the pulse that ticked for it."""
    try:
        pulses, sample = onsets_of(context.entry.clock, context.known)
    except NotReadError:
        return
    line = context.clock(context.entry.clock.name)
    pulses = pulses if line is None else line.on_session(pulses)
    if len(pulses) != len(ticks):
        return
    index = np.searchsorted(ticks, own - 1e-7)
    interval = float(np.median(np.diff(pulses))) if len(pulses) > 1 else math.inf
    slack = min((0.0 if math.isnan(clock.residual) else clock.residual) + 1.5 * sample, max(0.6 * interval, sample))
    yield from near(where, pulses[index], found, slack, f"times by the pulses on {context.entry.clock}")


# --- movies ---


def _frames(said: Frames, context: Context) -> Found:
    """Frames as (time, x, y[, plane]): x is the column, y the row."""
    n = next(iter(said.channels.values())).shape[0]
    first, last = _used(context, n)
    several = len(said.channels) > 1
    for number, frames in said.channels.items():
        series = f"acquisition/{context.name}_ch{number}" if several else f"acquisition/{context.name}"
        turned = _turned(frames.part(first, last))
        yield Claim(f"{series}/data", turned, f"frames of channel {number}")
        if f"{series}/dimension" in context.file:
            yield exact(f"{series}/dimension", np.array(turned.shape[1:], dtype=np.int64), "size of the frames")
        yield from _unit(context.file, f"{series}/data", "n.a.")
        yield from _check_times(context, series, said.times[first:last], said.ticks, placed=said.placed)


def _used(context: Context, n: int) -> tuple[int, int]:
    """First frame that is used, from 0, and the one behind the last."""
    if context.entry.frames is not None:
        first, last = context.entry.frames
        return first - 1, last
    last_frame = getattr(context.entry.source, "last_frame", None)
    return 0, n if last_frame is None else int(last_frame)


def _turned(frames: Values) -> Values:
    """Frames whose rows and columns are exchanged: (n, [plane,] row, column) to (n, column, row[, plane])."""
    axes = (0, 2, 1) if len(frames.shape) == 3 else (0, 3, 2, 1)
    shape = tuple(frames.shape[axis] for axis in axes)

    def read(start: int, stop: int) -> NDArray[Any]:
        return np.ascontiguousarray(np.transpose(frames.read(start, stop), axes))

    return Values(shape, frames.dtype, read)


def _unit(file: Any, path: str, unit: str) -> Found:
    dataset = file.get(path)
    if dataset is not None and (found := text_of(file, path, "unit")) != unit:
        yield Difference(path, f"unit: {unit!r} in the source, {found!r} in the file")


# --- recordings ---


def _lines(said: Lines, context: Context) -> Found:
    gaps = said.starts[1:] - (said.starts[:-1] + said.lengths[:-1] / said.rate)
    clock = context.clock(context.name)
    for line in said.lines:
        series = f"acquisition/{_named(context, line.name)}"
        yield Claim(f"{series}/data", line.samples, f"samples of {line.name}")
        if f"{series}/data" in context.file:
            yield from _scale(context.file[f"{series}/data"], f"{series}/data", line)
        if clock is None and not said.placed:
            yield Difference(series, "times: the file does not say how they were put on the session's clock")
        elif said.taken is not None or (np.abs(gaps) >= 0.01 / said.rate).any():
            yield from _check_sampled(context, series, said, clock)
        else:
            yield from _check_rate(context, series, said, clock)
    if len(said.starts) > 1:
        yield from _check_sweeps(said, context, clock)
    for table, one in said.events.items():
        yield from near(f"{table}/timestamp", one.onsets, _stored(context.file, f"{table}/timestamp"), EXACT, "events")
        if one.durations is not None:
            yield from near(f"{table}/duration", one.durations, _stored(context.file, f"{table}/duration"), EXACT, "durations")
        for name, values in one.columns.items():
            yield from _column(context.file, f"{table}/{name}", values)


def _stored(file: Any, path: str) -> Floats:
    """The numbers of a dataset; none where there is none."""
    dataset = file.get(path)
    return np.asarray(dataset[()], dtype=np.float64) if isinstance(dataset, h5py.Dataset) else np.empty(0)


def _named(context: Context, channel: str) -> str:
    """Name of the series of a channel; some readers leave the blanks out of names."""
    name = _plain(f"{context.name}_{channel}")
    there = [one for one in context.file.get("acquisition", ()) if one.replace(" ", "") == name.replace(" ", "")]
    return name if name in there or len(there) != 1 else there[0]


def _plain(name: str) -> str:
    return name.replace("/", "_").replace(":", "_")


def _scale(dataset: Any, path: str, line: Line) -> Found:
    for name, said in (("conversion", line.conversion), ("offset", line.offset)):
        found = float(dataset.attrs.get(name, 1.0 if name == "conversion" else 0.0))
        if abs(found - said) > 1e-6 * max(abs(said), abs(line.conversion)):
            yield Difference(path, f"{name} of {line.name}: {said:.9g} in the source, {found:.9g} in the file")
    found_unit = str(dataset.attrs.get("unit", ""))
    if _spelled(found_unit) != _spelled(line.unit):
        yield Difference(path, f"unit of {line.name}: {line.unit!r} in the source, {found_unit!r} in the file")


def _spelled(unit: str) -> str:
    """A unit without the differences that readers make: blanks, and the two letters for micro."""
    return unit.replace(" ", "").replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u")


def _check_sampled(context: Context, series: str, said: Lines, clock: Clock | None) -> Found:
    """The time of each sample of a recording with gaps, a block at a time."""
    where = f"{series}/timestamps"
    stored = context.file.get(where)
    total = int(said.lengths.sum())
    if not isinstance(stored, h5py.Dataset) or stored.shape != (total,):
        yield Difference(where, f"times: {total} in the source, {getattr(stored, 'shape', 'none')} in the file")
        return
    for start in range(0, total, 1 << 20):
        times = said.at(np.arange(start, min(start + (1 << 20), total)))
        times = times if said.placed or clock is None else clock.on_session(times)
        found = list(near(where, times, stored[start : start + len(times)], LINEAR, f"times from sample {start} on"))
        if differences := [one for one in found if isinstance(one, Difference)]:
            yield differences[0]
            return
    yield Seen(where)


def _check_rate(context: Context, series: str, said: Lines, clock: Clock | None) -> Found:
    """First time and rate of samples without gaps; they say all times."""
    start = context.file.get(f"{series}/starting_time")
    where = f"{series}/starting_time"
    if start is None:
        yield Difference(where, "start and rate: not in the file")
        return
    is_placed = said.placed or clock is None or clock.is_own
    ratio = 1.0 if is_placed or clock is None or math.isnan(clock.rate_ratio) else clock.rate_ratio
    first = float(said.starts[0]) if is_placed or clock is None else float(clock.on_session(said.starts[:1])[0])
    yield from near(where, first, float(start[()]), LINEAR, "time of the first sample")
    rate = float(start.attrs["rate"])
    if abs(rate - said.rate / ratio) > 1e-9 * said.rate:
        yield Difference(where, f"rate: {said.rate / ratio:.9g} in the source, {rate:.9g} in the file")


def _check_sweeps(said: Lines, context: Context, clock: Clock | None) -> Found:
    table = f"intervals/{_plain(f'{context.name}_sweeps')}"
    if table not in context.file:
        yield Difference(table, "sweeps: not in the file")
        return
    starts = said.starts if said.placed or clock is None else clock.on_session(said.starts)
    yield from near(f"{table}/start_time", starts, context.file[f"{table}/start_time"][()], LINEAR, "starts of the sweeps")
    stops = starts + said.lengths / said.rate
    yield from near(
        f"{table}/stop_time", stops, context.file[f"{table}/stop_time"][()], 1e-3 / said.rate + LINEAR, "ends of the sweeps"
    )


# --- light ---


def _pulses(said: Pulses, context: Context) -> Found:
    table, series = f"intervals/{context.name}_pulses", f"stimulus/presentation/{context.name}"
    if table not in context.file or series not in context.file:
        yield Difference(table, "pulses of light: not in the file")
        return
    onsets = said.onsets if said.placed else _by_recording(context, said.onsets)
    columns = {name: context.file[f"{table}/{name}"][()] for name in ("start_time", "stop_time", "power_in_mW")}
    yield from near(f"{table}/start_time", onsets, columns["start_time"], said.slack, "onsets")
    stops = onsets + said.durations
    yield from near(f"{table}/stop_time", stops, columns["stop_time"], 2 * said.slack, "ends of the pulses")
    if len(onsets) != len(columns["start_time"]):
        return
    if said.command is not None and f"{table}/command" in context.file:
        scale = EXACT if said.slack <= EXACT else 0.05 * float(np.nanmax(np.abs(said.command)))
        yield from near(f"{table}/command", said.command, context.file[f"{table}/command"][()], scale, "command")
    power = said.power if said.power is not None else _stated_power(said, context)
    if power is not None:
        found = np.asarray(columns["power_in_mW"]) / 1000
        yield from near(
            f"{table}/power_in_mW", power, found, 1e-6 * float(np.nanmax(np.abs(power), initial=0)) + 1e-15, "power in W"
        )
    yield from _series_of_pulses(context.file, series, columns)


def _series_of_pulses(file: Any, series: str, columns: Mapping[str, Floats]) -> Found:
    """The series says the same pulses as the table: on at 0 and P, off at P and 0."""
    power = np.asarray(columns["power_in_mW"]) / 1000
    on, off = np.asarray(columns["start_time"]), np.asarray(columns["stop_time"])
    levels = np.stack([np.zeros(len(on)), power, power, np.zeros(len(on))], axis=1).ravel()
    edges = np.stack([on, on, off, off], axis=1).ravel()
    slack = 1e-9 * float(np.nanmax(np.abs(power), initial=0)) + 1e-15
    yield from near(f"{series}/data", levels, file[f"{series}/data"][()], slack, "power of the pulses in W")
    yield from near(f"{series}/timestamps", edges, file[f"{series}/timestamps"][()], 2 * EXACT, "edges of the pulses")


def _by_recording(context: Context, times: Floats) -> Floats:
    """Times of a recording, or of the source itself where it is of none, on the session's clock."""
    of = getattr(context.entry.source, "of", None)
    clock = context.clock(context.name if of is None else of.name)
    return times if clock is None or clock.is_own else clock.on_session(times)


def _stated_power(said: Pulses, context: Context) -> Floats | None:
    """Watts by what a person states: none, one, or a table of measured points."""
    stated = context.entry.stated
    if getattr(stated, "sham", False):
        return np.zeros(len(said.onsets))
    if isinstance(stated.power, Quantity):
        return np.full(len(said.onsets), stated.power.to("W"))
    calibration = context.collections.get("calibrations", {}).get(stated.calibration) if stated.calibration else None
    path = getattr(calibration, "file_path", None)
    if not isinstance(path, Path) or said.command is None or calibration is None:
        return None
    command = said.command * Quantity.parse(f"1 {said.unit}").to(calibration.input)
    return power_by_points(path, command) * Quantity.parse(f"1 {calibration.output}").to("W")


# --- events ---


def _occurrences(said: Occurrences, context: Context) -> Found:
    for kind, one in said.kinds.items():
        table = f"events/{context.name}" if len(said.kinds) == 1 else f"events/{context.name}_{_plain(kind).strip()}"
        if table not in context.file:
            yield Difference(table, f"{kind}: not in the file")
            continue
        onsets, stops = _on_session(said, context, one.onsets), None
        slack = said.slack
        if said.fps is not None:  # which the scorer's program has rounded
            slack = 0.02 / said.fps + 2e-4 * float(np.max(one.onsets, initial=0))
        if one.durations is not None:
            stops = _on_session(said, context, one.onsets + one.durations)
        found = np.asarray(context.file[f"{table}/timestamp"][()])
        if (
            said.fps is not None
            and not said.placed
            and "starting_time" not in context.file[f"acquisition/{context.entry.source.of.name}"]
        ):
            slack = math.inf  # frames at no constant rate: only their number can be told by the scorer's seconds
        yield from near(f"{table}/timestamp", onsets, found, slack, f"onsets of {kind}")
        if stops is not None and f"{table}/duration" in context.file:
            lasted = context.file[f"{table}/duration"][()]
            yield from near(f"{table}/duration", stops - onsets, lasted, 2 * slack, f"durations of {kind}")
        elif (stops is None) is not (f"{table}/duration" not in context.file):
            yield Difference(f"{table}/duration", f"durations of {kind}: in one of source and file only")
        for name, values in one.columns.items():
            yield from _column(context.file, f"{table}/{name}", values)


def _on_session(said: Occurrences, context: Context, times: Floats) -> Floats:
    """Times of events on the session's clock: through the recording, or the frames of the video that they were seen in."""
    if said.placed:
        return times
    of = getattr(context.entry.source, "of", None)
    if of is None:
        clock = context.clock(context.name)
        return times if clock is None else clock.on_session(times)
    if said.fps is None:
        return _by_recording(context, times)
    series = f"acquisition/{of.name}"
    start = context.file.get(f"{series}/starting_time")
    if start is not None:
        return float(start[()]) + times * said.fps / float(start.attrs["rate"])
    stored = np.asarray(context.file[f"{series}/timestamps"][()])
    frames = times * said.fps
    step = float(np.median(np.diff(stored)))
    return np.asarray(np.interp(frames, np.arange(len(stored)), stored) + np.maximum(frames - (len(stored) - 1), 0) * step)


# --- ROIs ---


def _regions(said: Regions, context: Context) -> Found:
    of_cells = sum(plane.of_cells for plane in said.planes)
    for plane in said.planes:
        table = context.name if plane.of_cells and of_cells == 1 else f"{context.name}_{plane.name}"
        yield from _masks(plane.masks, plane.name, f"processing/ophys/ImageSegmentation/{table}", context.file)
        for name, values in plane.columns.items():
            yield from _column(context.file, f"processing/ophys/ImageSegmentation/{table}/{name}", values)
        for name, trace in plane.traces.items():
            series = f"processing/ophys/{'DfOverF' if name == 'dff' else 'Fluorescence'}/{table}_{name}"
            yield Claim(f"{series}/data", trace, f"{name} traces of {plane.name}")
            yield from _times_of_movie(said, context, series, trace.shape[0])
        for name, image in plane.images.items():
            path = f"processing/ophys/{table}_images/{name}"
            yield exact(path, np.ascontiguousarray(np.transpose(image)), f"{name} image of {plane.name}")
        if plane.shifts is not None:
            yield exact(f"processing/ophys/{table}_registration/data", plane.shifts, f"shifts of the frames of {plane.name}")


def _times_of_movie(said: Regions, context: Context, series: str, count: int) -> Found:
    if said.times is not None:
        yield from _check_times(context, series, said.times, None, placed=said.placed)
        return
    of = getattr(context.entry.source, "of", None)
    if of is None:
        return
    movie = next((one for one in context.file["acquisition"] if one == of.name or one.startswith(f"{of.name}_ch")), of.name)
    expected = stored_times(context.file, f"acquisition/{movie}", count)
    found = stored_times(context.file, series, count)
    if expected is None or found is None:
        yield Difference(series, f"times: those of {of.name} should be here")
    else:
        yield from near(f"{series}/timestamps", expected, found, EXACT, f"times, those of {of.name}")


def _masks(masks: tuple[Mask, ...], name: str, table: str, file: Any) -> Found:
    """Every pixel of every ROI or event, as (x, y, weight): x is the column."""
    kind = "voxel_mask" if f"{table}/voxel_mask" in file else "pixel_mask"
    if f"{table}/{kind}" not in file:
        if masks:
            yield Difference(f"{table}/{kind}", f"masks of {name}: not in the file")
        return
    stored = file[f"{table}/{kind}"][()]
    ends = np.asarray(file[f"{table}/{kind}_index"][()], dtype=np.int64)
    yield from near(f"{table}/{kind}_index", np.cumsum([len(x) for x, _, _ in masks]), ends, 0, f"numbers of pixels of {name}")
    for number, part in enumerate(("x", "y", "weight")):
        values = np.concatenate([mask[number] for mask in masks]) if masks else np.empty(0)
        yield from near(f"{table}/{kind}", values, stored[part], 0, f"{part} of the pixels of {name}")


# --- behaviour ---


def _positions(said: Positions, context: Context) -> Found:
    of = getattr(context.entry.source, "of", None)
    first, last = 0, None
    if of is not None and of.name in context.entries:
        used = context.entries[of.name].frames
        first, last = (0, None) if used is None else (used[0] - 1, used[1])
    if context.entry.frames is not None:
        first, last = context.entry.frames[0] - 1, context.entry.frames[1]
    for part, (positions, confidence) in said.parts.items():
        series = f"processing/behavior/{context.name}/{_plain(part)}"
        where, sure = positions[first:last], confidence[first:last]
        yield exact(f"{series}/data", where, f"positions of {part}")
        yield exact(f"{series}/confidence", sure, f"confidence of {part}")
        yield from _unit(context.file, f"{series}/data", "pixels")
        if said.times is not None:
            yield from _check_times(context, series, said.times, None, placed=said.placed)
        elif of is not None:
            expected = stored_times(context.file, f"acquisition/{of.name}", len(where))
            found = stored_times(context.file, series, len(where))
            if expected is None or found is None:
                yield Difference(series, f"times: those of {of.name} should be here")
            else:
                yield from near(f"{series}/timestamps", expected, found, EXACT, f"times, those of {of.name}")


def _pictures(said: Pictures, context: Context) -> Found:
    """How many files, in their order; that they are the same bytes is compared by their digests."""
    series = f"acquisition/{context.name}"
    if f"{series}/external_file" not in context.file:
        yield Difference(f"{series}/external_file", "video: not in the file")
        return
    if said.times is not None:
        yield from _check_times(context, series, said.times, None, placed=said.placed)
    elif context.entry.clock is not None:
        yield from _check_video(context, series)


def _check_video(context: Context, series: str) -> Found:
    """Frames of a video at the pulses of its line, as far as these are one a frame."""
    try:
        pulses, sample = onsets_of(context.entry.clock, context.known)
        line_of(context.entry.clock, context.known)
    except NotReadError:
        return
    line, clock = context.clock(context.entry.clock.name), context.clock(context.name)
    pulses = pulses if line is None else line.on_session(pulses)
    found = stored_times(context.file, series, len(pulses))
    if found is None or len(found) != len(pulses) or clock is None:
        return
    interval = float(np.median(np.diff(pulses))) if len(pulses) > 1 else math.inf
    slack = min((0.0 if math.isnan(clock.residual) else clock.residual) + 1.5 * sample, max(0.6 * interval, sample))
    yield from near(f"{series}/timestamps", pulses, found, slack, f"times by the pulses on {context.entry.clock}")


# --- tables ---


def _columns(said: Columns, context: Context) -> Found:
    of_intervals = context.entry.format.key == "intervals" and not said.placed
    for place, values in said.columns.items():
        path = _unit_table(context, place)
        if of_intervals and path.endswith(("/start_time", "/stop_time")):
            yield from _interval_times(context, path, np.asarray(values, dtype=np.float64))
        else:
            yield from _column(context.file, path, values)
    clock = context.clock(context.name)
    for place, own in said.times.items():
        series = _unit_table(context, place)
        stored = context.file.get(series)
        found = stored[()] if isinstance(stored, h5py.Dataset) else stored_times(context.file, series, len(own))
        if place.startswith("units:"):
            expected = _by_recording(context, own)
        else:
            expected = own if said.placed or clock is None else clock.on_session(own)
        yield from near(f"{series}/timestamps", expected, np.empty(0) if found is None else found, said.slack, "times")
    for path, values in said.scaled.items():
        yield from _scaled(context.file, path, values)
    for table, masks in said.masks.items():
        yield from _masks(masks, context.name, table, context.file)
    for path, frames in said.frames.items():
        yield from _times_of_frames(context, path, frames)
    for path, (first, behind) in said.spans.items():
        begun, ended = _seconds_of(context, first), _seconds_of(context, behind)
        found = context.file.get(path)
        if begun is None or ended is None or found is None:
            yield Difference(path, "durations: not in the file")
        else:
            yield from near(path, ended - begun, found[()], 2 * EXACT, "durations")


def _scaled(file: Any, path: str, values: Floats) -> Found:
    """Samples in their unit, up to the rounding of what is multiplied."""
    dataset = file.get(path)
    if not isinstance(dataset, h5py.Dataset):
        yield Difference(path, "samples: not in the file")
        return
    found = np.asarray(dataset[()], np.float64) * float(dataset.attrs["conversion"]) + float(dataset.attrs["offset"])
    yield from near(path, values, found, 1e-9 * float(np.max(np.abs(values), initial=0)) + 1e-15, "samples in their unit")


def _times_of_frames(context: Context, path: str, frames: Floats) -> Found:
    expected, found = _seconds_of(context, frames), context.file.get(path)
    if expected is None or found is None:
        yield Difference(path, "times: they, or those of the frames, are not in the file")
    else:
        yield from near(path, expected, found[()], EXACT, "times of the frames")


def _seconds_of(context: Context, frames: Floats) -> Floats | None:
    """When frames of the recording that a source is of were, as the file says; None where it does not."""
    of = context.entry.source.of
    names = [one for one in context.file["acquisition"] if one == of.name or one.startswith(f"{of.name}_ch")]
    group = context.file.get(f"acquisition/{names[0] if names else of.name}")
    if group is None:
        return None
    count = group["data"].shape[0] or int(np.asarray(group["num_samples"][()]))
    times = stored_times(context.file, group.name, count)
    if times is None:
        return None
    used = context.entries[of.name].frames if of.name in context.entries else None
    index = frames - (0 if used is None else used[0] - 1)
    last = len(times) - 1
    step = float(np.median(np.diff(times)))
    return np.asarray(np.interp(index, np.arange(last + 1), times) + np.maximum(index - last, 0) * step)


def _unit_table(context: Context, path: str) -> str:
    """The path of a column; a table of units is at the top of the file, or in the module of its kind under its name."""
    if not path.startswith("units:"):
        return path
    name, column = path.removeprefix("units:").split("/", 1)
    beside = f"processing/ecephys/{name}"
    return f"{beside if beside in context.file else 'units'}/{column}"


def _interval_times(context: Context, path: str, values: Floats) -> Found:
    """Start and stop as the table counts them, on the session's clock."""
    source = context.entry.source
    found = np.asarray(context.file[path][()]) if path in context.file else np.empty(0)
    if source.unit != "frames":
        seconds = values * {"s": 1.0, "ms": 1e-3, "min": 60.0}[source.unit]
        if source.of is None:
            clock = context.clock(context.name)
            yield from near(path, seconds if clock is None else clock.on_session(seconds), found, LINEAR, "times")
        return
    behind = 1 if path.endswith("/stop_time") else 0
    yield from _times_of_frames(context, path, values - source.first_frame + behind)


def _is_kept(said: str, found: str) -> bool:
    """Whether a text is in the file as it is in the source, or without what tells of a person or a machine."""
    return said == found or found == without_private(said)


def _column(file: Any, path: str, values: Any) -> Found:
    """A column of numbers, or of texts."""
    dataset = file.get(path)
    if not isinstance(dataset, h5py.Dataset):
        yield Difference(path, "column: not in the file")
        return
    array = np.asarray(values)
    if array.dtype.kind in "OUS":
        yield Seen(path)
        found = [one.decode() if isinstance(one, bytes) else str(one) for one in dataset[()]]
        said = [str(one) for one in array.tolist()]
        if not (len(said) == len(found) and all(map(_is_kept, said, found))):
            pairs = enumerate(zip(said, found, strict=False))
            row = next((n for n, (one, two) in pairs if not _is_kept(one, two)), min(len(said), len(found)))
            yield Difference(
                path, f"text: row {row} differs, or the number of rows ({len(said)} in the source, {len(found)} in the file)"
            )
        return
    yield from near(path, array.astype(np.float64), np.asarray(dataset[()], dtype=np.float64), 0, "values")


_COMPARE: Mapping[type[Said], Any] = {
    Frames: _frames,
    Lines: _lines,
    Pulses: _pulses,
    Occurrences: _occurrences,
    Regions: _regions,
    Positions: _positions,
    Pictures: _pictures,
    Columns: _columns,
}
