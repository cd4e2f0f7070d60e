"""Recorded channels as NWB time series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hdmf.common import VectorData
from numpy.typing import NDArray
from pynwb import NWBFile, TimeSeries
from pynwb.epoch import TimeIntervals
from pynwb.event import DurationVectorData, EventsTable, TimestampVectorData

from bergmann.records import Channel, EventLine, Recording
from bergmann.registry import Entry, Placed
from bergmann.signals.stated import ChannelStated, RecordingStated, event_names, nwb_name, series_names
from bergmann.texts import folded
from bergmann.timing.times import RegularTimes, time_arguments


@dataclass(frozen=True, eq=False)
class SweepTimes:
    """When each sample of a recording with gaps was taken, shape (n_samples,), float64, in seconds; made a block at a time."""

    recording: Recording

    @property
    def shape(self) -> tuple[int, ...]:
        return (int(self.recording.sweep_lengths.sum()),)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def __getitem__(self, block: slice, /) -> NDArray[np.float64]:
        start, stop, _ = block.indices(self.shape[0])
        return self.recording.sample_times(np.arange(start, stop))


def add_recording(nwbfile: NWBFile, entry: Entry[Recording, RecordingStated], placed: Placed) -> None:
    """Add a `TimeSeries` a channel, a table of sweeps where there are several, one of the events of each line, and one of tags.

    Channels of a recording with gaps share the timestamps of the first. What the protocol commanded is written by the room whose
    stimulus it is.
    """
    recording = entry.record
    made: list[TimeSeries] = []
    for name, channel in zip(series_names(entry.name, recording), recording.channels, strict=True):
        series = TimeSeries(
            name=name,
            data=placed.stream(channel.samples),
            unit=channel.unit,
            conversion=float(channel.conversion),
            offset=float(channel.offset),
            description=_description(channel, entry.stated),
            comments=_comments(recording, entry.stated, placed),
            **_times(recording, made, placed),
        )
        nwbfile.add_acquisition(series)
        made.append(series)
    if len(recording.sweep_starts) > 1:
        nwbfile.add_time_intervals(_sweeps(f"{entry.name}_sweeps", recording))
    tables = [
        *([_tags(recording)] if recording.tags else []),
        *(_events(line, entry.stated, recording) for line in recording.lines),
    ]
    for name, columns in zip(event_names(entry.name, recording), tables, strict=True):
        nwbfile.add_events_table(EventsTable(name=name, **columns))
    placed.put("sources", entry.name, tuple(made))


def _times(recording: Recording, made: list[TimeSeries], placed: Placed) -> dict[str, Any]:
    """The time arguments of a series: a rate, or the timestamps of the first series."""
    if recording.is_continuous:
        n_samples = int(recording.sweep_lengths.sum())
        return time_arguments(RegularTimes(recording.sweep_starts.first, recording.rate, n_samples))
    return {"timestamps": made[0] if made else placed.stream(SweepTimes(recording))}


def _description(channel: Channel | EventLine, stated: RecordingStated) -> str:
    said = next((one for name, one in stated.channels.items() if folded(name) == folded(channel.name)), ChannelStated())
    if isinstance(channel, EventLine):
        kind = f"{channel.description} on"
    else:
        kind = "digital line, 0 or 1" if channel.kind == "digital" else "analog channel"
    return "; ".join(text for text in (said.records, said.description, f"{kind} {channel.name!r}") if text)


def _comments(recording: Recording, stated: RecordingStated, placed: Placed) -> str:
    """What the time series cannot say: device, file, and the source's notes."""
    device = [f"recorded by {stated.device}"] if stated.device else []
    if stated.device and (about := placed.stated("devices", stated.device).description):
        device = [f"recorded by {stated.device} ({about})"]
    said = [stated.description] if stated.description else []
    notes = [f"{name}: {text}" for name, text in recording.notes.items()]
    return "; ".join([*said, *device, f"file: {recording.files[0].name}", *notes])


def _sweeps(name: str, recording: Recording) -> TimeIntervals:
    """One row a sweep, from its first sample to one sample after its last."""
    table = TimeIntervals(name=nwb_name(name), description="Sweeps of the recording, numbered from 1 as in the file.")
    table.add_column(name="sweep", description="Number of the sweep.")
    sweeps = zip(recording.sweep_starts.seconds, recording.sweep_lengths, strict=True)
    for number, (start, length) in enumerate(sweeps, start=1):
        table.add_interval(start_time=float(start), stop_time=float(start + length / recording.rate), sweep=number)
    return table


def _events(line: EventLine, stated: RecordingStated, recording: Recording) -> dict[str, Any]:
    """One row an event, with how long it was where that is stored; no column of NaN, which costs archives the session's end."""
    columns: list[VectorData] = [_timestamps(line.times.seconds, "When each event began, in seconds.", line.resolution)]
    if line.durations is not None:
        how_long = "How long each event lasted, in seconds."
        columns.append(
            DurationVectorData(name="duration", description=how_long, data=line.durations, resolution=float(line.resolution))
        )
    if line.values is not None and len(line.times):
        values = line.values if isinstance(line.values, np.ndarray) else list(line.values)
        columns.append(VectorData(name="value", description="What is stored with each event.", data=values))
    cut = [f"the {end} event was on when the recording {did}" for end, did in _cuts(line)]
    return _table("; ".join([_description(line, stated), *cut, f"file: {recording.files[0].name}"]), columns)


def _cuts(line: EventLine) -> list[tuple[str, str]]:
    return [("first", "began")] * line.on_at_start + [("last", "ended")] * line.on_at_end


def _tags(recording: Recording) -> dict[str, Any]:
    """One row a tag."""
    times = _timestamps(recording.tag_times.seconds, "When each was typed, in seconds.")
    return _table(
        "Comments typed while recording.",
        [times, VectorData(name="annotation", description="The text.", data=list(recording.tags))],
    )


def _timestamps(seconds: NDArray[np.float64], description: str, resolution: float | None = None) -> TimestampVectorData:
    resolution = None if resolution is None else float(resolution)
    return TimestampVectorData(name="timestamp", description=description, data=seconds, resolution=resolution)


def _table(description: str, columns: list[VectorData]) -> dict[str, Any]:
    return {"description": description, "columns": columns, "colnames": [column.name for column in columns]}


ADD = {Recording: add_recording}
