"""What the converter's own reader says, read again in another process, for formats that nothing else reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bergmann.arrays import LazyArray
from bergmann.behavior.stated import events_names, trials_name
from bergmann.proof.readers import NotReadError
from bergmann.proof.said import (
    Columns,
    Frames,
    Kind,
    Line,
    Lines,
    Occurrences,
    Pictures,
    PlaneOfRois,
    Positions,
    Pulses,
    Regions,
    Said,
    Values,
)
from bergmann.records import (
    EventLine,
    Events,
    GlialEvents,
    Intervals,
    LightPulses,
    Movie,
    Pose,
    Record,
    Recording,
    Scores,
    Segmentation,
    SpikeTimes,
    StateMachine,
    Trace,
    Video,
)
from bergmann.signals.stated import event_names


def adapt(name: str, record: Record) -> Said:
    """A record on the session's clock, of the frames that are used, as what is compared.

    Raises
    ------
    NotReadError
        If its kind is not known.
    """
    for kind, function in _ADAPT.items():
        if isinstance(record, kind):
            said: Said = function(name, record)
            return said
    raise NotReadError(f"nothing is known of {type(record).__name__}")


def _values(array: LazyArray) -> Values:
    shape = tuple(int(side) for side in array.shape)
    return Values(shape, np.dtype(array.dtype).newbyteorder("="), lambda start, stop: np.asarray(array[start:stop]))


def _movie(name: str, record: Movie) -> Frames:  # noqa: ARG001
    channels = {one.number: _values(one.frames) for one in record.channels}
    return Frames(files=record.files, placed=True, channels=channels, times=record.times.seconds, ticks=record.times.seconds)


def _state_machine(name: str, record: StateMachine) -> Columns:
    """Trials, and the tables of states and events."""
    trials = f"intervals/{trials_name(name)}"
    columns: dict[str, Any] = {f"{trials}/start_time": record.starts.seconds, f"{trials}/stop_time": record.stops}
    for key, values in record.columns.items():
        columns[f"{trials}/{key}"] = values
    for table, one in zip(events_names(name, [one.name for one in record.series]), record.series, strict=True):
        columns[f"events/{table}/timestamp"] = one.times.seconds
        if one.durations is not None:
            columns[f"events/{table}/duration"] = one.durations
    return _table(record.files, columns)


def _kind(line: EventLine) -> Kind:
    has_values = line.values is not None and len(line.times) > 0
    return Kind(onsets=line.times.seconds, durations=line.durations, columns={"value": line.values} if has_values else {})


def _recording(name: str, record: Recording) -> Lines:
    tables = event_names(name, record)[1 if record.tags else 0 :]
    lines = tuple(
        Line(
            name=one.name,
            samples=_values(one.samples),
            unit=one.unit,
            conversion=one.conversion,
            offset=one.offset,
            is_digital=one.kind == "digital",
        )
        for one in record.channels
    )
    return Lines(
        files=record.files,
        placed=True,
        lines=lines,
        rate=record.rate,
        starts=record.sweep_starts.seconds,
        lengths=record.sweep_lengths,
        events={f"events/{table}": _kind(line) for table, line in zip(tables, record.lines, strict=True)},
        taken=None if record.own is None or record.own.clock.is_steady else record.sample_times,
    )


def _light(name: str, record: LightPulses) -> Pulses:  # noqa: ARG001
    return Pulses(
        files=record.files,
        placed=True,
        onsets=record.times.seconds,
        durations=record.durations,
        command=record.command,
        power=record.power if record.power is not None and not np.isnan(record.power).any() else None,
        unit=record.command_unit,
    )


def _events(name: str, record: Events) -> Occurrences:  # noqa: ARG001
    kinds = {
        one.name: Kind(
            onsets=one.times.seconds,
            durations=one.durations,
            columns={
                f"source_{key}" if key in {"timestamp", "duration", "id"} else key: values for key, values in one.columns.items()
            },
        )
        for one in record.series
    }
    return Occurrences(files=record.files, placed=True, kinds=kinds)


def _segmentation(name: str, record: Segmentation) -> Regions:  # noqa: ARG001
    planes = tuple(
        PlaneOfRois(
            name=one.name,
            masks=tuple((mask["x"], mask["y"], mask["weight"]) for mask in one.masks),
            traces={key: _values(trace) for key, trace in one.traces.items()},
            columns=one.columns,
            images=one.images,
            shifts=None if one.registration is None else np.ascontiguousarray(one.registration[:, ::-1], dtype=np.float64),
            of_cells=one.of_cells,
        )
        for one in record.planes
    )
    return Regions(files=record.files, placed=True, planes=planes, times=record.times.seconds)


def _pose(name: str, record: Pose) -> Positions:  # noqa: ARG001
    parts = {one.name: (one.positions, one.confidence) for one in record.keypoints}
    return Positions(files=record.files, placed=True, parts=parts, times=record.times.seconds)


def _video(name: str, record: Video) -> Pictures:  # noqa: ARG001
    return Pictures(files=record.files, placed=True, times=record.times.seconds)


def _table(files: Any, columns: Mapping[str, Any]) -> Columns:
    return Columns(files=files, placed=True, columns=columns)


def _intervals(name: str, record: Intervals) -> Columns:
    place = f"intervals/{name}"
    times = {f"{place}/start_time": record.starts.seconds, f"{place}/stop_time": record.stops}
    return _table(record.files, times | {f"{place}/{key}": values for key, values in record.columns.items()})


def _trace(name: str, record: Trace) -> Columns:
    return _table(record.files, {f"acquisition/{name}/{one.name}/data": one.values for one in record.columns})


def _scores(name: str, record: Scores) -> Columns:
    return _table(record.files, {f"processing/behavior/{name}/{key}": values for key, values in record.columns.items()})


def _glial(name: str, record: GlialEvents) -> Columns:
    columns = {
        "timestamp": record.onsets,
        "duration": record.durations,
        "peak_time": record.peaks,
        "peak_amplitude": record.amplitudes,
        "area_in_um2": record.areas_um2,
        "propagation_distance_in_um": record.distances_um,
        "event_type": record.kinds,
        **{one.name: one.values for one in record.features},
    }
    masks = tuple((mask["x"], mask["y"], mask["weight"]) for mask in record.footprints or ())
    return Columns(
        files=record.files,
        placed=True,
        columns={f"events/{name}/{key}": values for key, values in columns.items() if values is not None},
        masks={f"events/{name}": masks} if masks else {},
    )


def _spikes(name: str, record: SpikeTimes) -> Columns:
    """The table ``units`` is of the first source of this kind, one in the module ``ecephys`` of any other; who compares looks."""
    columns = {
        "unit_name": list(record.units),
        "spike_times": np.concatenate([np.zeros(0), *record.spikes]),
        "spike_times_index": np.cumsum([len(one) for one in record.spikes]),
        **record.columns,
    }
    return _table(record.files, {f"units:{name}/{key}": values for key, values in columns.items()})


_ADAPT: Mapping[type[Record], Any] = {
    Movie: _movie,
    StateMachine: _state_machine,  # which is a recording, too
    Recording: _recording,
    LightPulses: _light,
    Events: _events,
    Segmentation: _segmentation,
    Pose: _pose,
    Video: _video,
    Intervals: _intervals,
    Trace: _trace,
    Scores: _scores,
    GlialEvents: _glial,
    SpikeTimes: _spikes,
}
