"""The damages of class c: each patches the converter, which then converts as it always does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bergmann import arrays
from bergmann.plan.sources import SourceEntry
from bergmann.records import Recording
from bergmann.timing import clock_map
from bergmann.timing import pulses as timing_pulses
from bergmann.timing.times import ExplicitTimes, RegularTimes
from bergmann.writing import codecs, streams

Patch = Callable[[Any], None]


@dataclass(frozen=True)
class Damage:
    """A patch, and the sources of the session that it is tried on.

    Attributes
    ----------
    sources : tuple of str
    patch : callable (monkeypatch)
    more : mapping of str to str
        Keys that the session states besides, by source.
    """

    sources: tuple[str, ...]
    patch: Patch
    more: Mapping[str, str] | None = None


@dataclass(frozen=True, eq=False)
class Changed:
    """An array whose blocks are read wrongly."""

    whole: Any
    read: Callable[[Any, int, int], Any]
    dtype: Any
    shape: tuple[int, ...]

    def __getitem__(self, block: slice, /) -> Any:
        start, stop, _ = block.indices(self.shape[0])
        return self.read(self.whole, start, stop)


def changed(array: Any, read: Callable[[Any, int, int], Any], dtype: Any = None) -> Changed:
    return Changed(array, read, array.dtype if dtype is None else np.dtype(dtype), tuple(array.shape))


def reader(key: str, change: Callable[[Any], Any]) -> Patch:
    """The reader of a format says something else."""

    def patch(monkeypatch: Any) -> None:
        read = SourceEntry.read

        def damaged(self: SourceEntry, inputs: Any) -> Any:
            record = read(self, inputs)
            return change(record) if self.format.key == key else record

        monkeypatch.setattr(SourceEntry, "read", damaged)

    return patch


def frames(read: Callable[[Any, int, int], Any], dtype: Any = None) -> Callable[[Any], Any]:
    """A movie whose frames are read wrongly."""
    return lambda movie: replace(
        movie, channels=tuple(replace(one, frames=changed(one.frames, read, dtype)) for one in movie.channels)
    )


def again(whole: Any, start: int, stop: int) -> Any:
    """From frame 128 on the frames start again: what 16 bits do at 65,536."""
    return np.concatenate([whole[n % 128 : n % 128 + 1] for n in range(start, stop)])


def off_by_one(whole: Any, start: int, stop: int) -> Any:
    last = whole.shape[0] - 1
    return np.concatenate([whole[min(n + 1, last) : min(n + 1, last) + 1] for n in range(start, stop)])


def one_before(whole: Any, start: int, stop: int) -> Any:
    return np.concatenate([whole[(n - 1 if n == 5 else n) : (n if n == 5 else n + 1)] for n in range(start, stop)])


def swapped(whole: Any, start: int, stop: int) -> Any:
    order = {3: 4, 4: 3}
    return np.concatenate([whole[order.get(n, n) : order.get(n, n) + 1] for n in range(start, stop)])


def order_of_text(whole: Any, start: int, stop: int) -> Any:
    order = sorted(range(whole.shape[0]), key=str)
    return np.concatenate([whole[order[n] : order[n] + 1] for n in range(start, stop)])


def exchanged_channels(movie: Any) -> Any:
    first, second = movie.channels
    return replace(movie, channels=(replace(first, frames=second.frames), replace(second, frames=first.frames)))


def second_half_lost(movie: Any) -> Any:
    n = len(movie.times) // 2
    return replace(
        movie,
        channels=tuple(replace(one, frames=arrays.Part(one.frames, 0, n)) for one in movie.channels),
        times=movie.times.part(0, n),
        ticks=movie.clock_times,
    )


def second_half_first(whole: Any, start: int, stop: int) -> Any:
    n = whole.shape[0]
    return np.concatenate([whole[(i + n // 2) % n : (i + n // 2) % n + 1] for i in range(start, stop)])


def late_frames(movie: Any) -> Any:
    seconds = movie.times.seconds
    return replace(movie, times=ExplicitTimes(np.append(seconds[1:], 2 * seconds[-1] - seconds[-2])))


def channel_samples(change: Callable[[Any, int, int], Any], which: int = 0) -> Callable[[Any], Any]:
    def damage(recording: Recording) -> Recording:
        channels = tuple(
            replace(one, samples=changed(one.samples, change)) if number == which else one
            for number, one in enumerate(recording.channels)
        )
        return replace(recording, channels=channels)

    return damage


def exchanged_samples(recording: Any) -> Any:
    first, second, *rest = recording.channels
    return replace(recording, channels=(replace(first, samples=second.samples), replace(second, samples=first.samples), *rest))


def other_scale(recording: Any) -> Any:
    first, *rest = recording.channels
    return replace(recording, channels=(replace(first, conversion=first.conversion * 1.01, offset=first.offset + 0.001), *rest))


def other_unit(recording: Any) -> Any:
    first, *rest = recording.channels
    return replace(recording, channels=(replace(first, unit="pA"), *rest))


def exchanged_lines(recording: Any) -> Any:
    *rest, one, two = recording.channels
    return replace(recording, channels=(*rest, replace(one, samples=two.samples), replace(two, samples=one.samples)))


def backwards(whole: Any, start: int, stop: int) -> Any:
    n = whole.shape[0]
    return np.concatenate([whole[0:n]])[::-1][start:stop].copy()


def every_second(whole: Any, start: int, stop: int) -> Any:
    n = whole.shape[0]
    return whole[0:n].repeat(2)[start:stop].copy()


def late_sample(whole: Any, start: int, stop: int) -> Any:
    everything = whole[0 : whole.shape[0]]
    return np.append(everything[1:], everything[-1:])[start:stop].copy()


def first_block_again(whole: Any, start: int, stop: int) -> Any:
    everything = np.array(whole[0 : whole.shape[0]])
    everything[-50:] = everything[-100:-50]
    return everything[start:stop]


def planes(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda record: replace(record, planes=tuple(change(one) for one in record.planes))


def exchanged_traces(plane: Any) -> Any:
    names = list(plane.traces)
    first, second = names[0], names[1]
    return replace(plane, traces={**plane.traces, first: plane.traces[second], second: plane.traces[first]})


def other_trace(plane: Any) -> Any:
    return replace(plane, traces={**plane.traces, "dff": plane.traces["denoised"]})


def rois_turned(plane: Any) -> Any:
    traces = {
        name: changed(trace, lambda whole, start, stop: whole[start:stop][:, ::-1].copy()) for name, trace in plane.traces.items()
    }
    return replace(plane, traces=traces)


def transposed_masks(plane: Any) -> Any:
    def turned(mask: Any) -> Any:
        other = mask.copy()
        other["x"], other["y"] = mask["y"], mask["x"]
        return other

    side = max(plane.image_shape)
    return replace(plane, image_shape=(side, side), masks=tuple(map(turned, plane.masks)))


def is_cell_shifted(plane: Any) -> Any:
    return replace(plane, columns={**plane.columns, "is_cell": ~np.asarray(plane.columns["is_cell"], bool)})


def c_order(plane: Any) -> Any:
    height, width = plane.image_shape

    def unravelled(mask: Any) -> Any:
        flat = mask["x"].astype(np.int64) * height + mask["y"]
        other = mask.copy()
        other["y"], other["x"] = np.unravel_index(flat, (height, width))
        return other

    return replace(plane, masks=tuple(map(unravelled, plane.masks)))


def pose(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda record: replace(record, keypoints=tuple(map(change, record.keypoints)))


def parts_turned(record: Any) -> Any:
    turned = record.keypoints[1:] + record.keypoints[:1]
    return replace(
        record,
        keypoints=tuple(
            replace(mine, positions=other.positions, confidence=other.confidence)
            for mine, other in zip(record.keypoints, turned, strict=True)
        ),
    )


def rows_lost(record: Any) -> Any:
    return replace(
        record,
        keypoints=tuple(
            replace(one, positions=np.concatenate([one.positions[1:], one.positions[-1:]])) for one in record.keypoints
        ),
    )


def closed_up(one: Any) -> Any:
    moved = np.concatenate([one.positions[1:], np.full((1, 2), np.nan)])
    return replace(one, positions=moved)


def events(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda record: replace(record, series=tuple(map(change, record.series)))


def later(series: Any) -> Any:
    return replace(series, times=series.times.shifted(0.75))


def stop_for_start(series: Any) -> Any:
    if series.durations is None:
        return series
    return replace(series, times=ExplicitTimes(series.times.seconds + series.durations))


def pulses_found(change: Callable[[Any], Any]) -> Patch:
    def patch(monkeypatch: Any) -> None:
        import bergmann.pulses

        find = timing_pulses.find_pulses
        monkeypatch.setattr(bergmann.pulses, "find_pulses", lambda *args, **kwargs: change(find(*args, **kwargs)))

    return patch


def taken(found: Any, which: Any) -> Any:
    """Some of the pulses."""
    return replace(found, **{name: getattr(found, name)[which] for name in ("onsets", "offsets", "levels", "rises", "falls")})


def one_lost(found: Any) -> Any:
    if len(found) % 2 or len(found) < 5 or len(found) > 100:  # the frame clock and the cameras are counted against frames
        return found
    return taken(found, np.arange(len(found) - 1))


def one_invented(found: Any) -> Any:
    if not 5 < len(found) < 100:
        return found
    return replace(
        found,
        onsets=np.append(1, found.onsets),
        offsets=np.append(4, found.offsets),
        levels=np.append(found.levels[0], found.levels),
        rises=np.append(0.5, found.rises),
        falls=np.append(3.5, found.falls),
    )


def joined(found: Any) -> Any:
    if not 5 < len(found) < 100:
        return found
    keep = np.ones(len(found), bool)
    keep[1] = False
    offsets, falls = found.offsets.copy(), found.falls.copy()
    offsets[0], falls[0] = found.offsets[1], found.falls[1]
    return taken(replace(found, offsets=offsets, falls=falls), keep)


def one_late(found: Any) -> Any:
    return replace(found, onsets=found.onsets + 1, offsets=found.offsets + 1, rises=found.rises + 1, falls=found.falls + 1)


def attribute(target: Any, name: str, value: Any) -> Patch:
    return lambda monkeypatch: monkeypatch.setattr(target, name, value)


def not_turned(self: Any, block: slice) -> Any:
    block_ = np.asarray(self.frames[block])
    return block_.reshape(len(block_), *self.shape[1:])


def mirrored(self: Any, block: slice) -> Any:
    block_ = np.asarray(self.frames[block])
    return block_.transpose(0, *range(block_.ndim - 1, 0, -1))[:, ::-1].copy()


def part_late(self: Any, block: slice) -> Any:
    first, last, _ = block.indices(self.stop - self.start)
    end = self.whole.shape[0] - 1
    places = [min(self.start + n + 1, end) for n in range(first, max(first, last))]
    return np.concatenate([np.asarray(self.whole[place : place + 1]) for place in places])


def column(name: str, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A record one field of which is changed."""
    return lambda record: replace(record, **{name: change(getattr(record, name))})


def scores_shifted(record: Any) -> Any:
    return replace(record, columns={**record.columns, "value": np.asarray(record.columns["value"]) * 1.5})


def one_step_lost(record: Any) -> Any:
    first, *rest = record.columns
    return replace(record, columns=(replace(first, values=np.append(first.values[1:], first.values[-1:])), *rest))


def spikes_exchanged(record: Any) -> Any:
    spikes = list(record.spikes)
    full = [number for number, one in enumerate(spikes) if len(one)]
    spikes[full[0]], spikes[full[1]] = spikes[full[1]], spikes[full[0]]
    return replace(record, spikes=tuple(spikes))


def rounded_rate(record: Any) -> Any:
    return replace(record, spikes=tuple(one * 1.0007 for one in record.spikes))


def one_event_lost(record: Any) -> Any:
    fields = {
        name: getattr(record, name)[:-1]
        for name in ("onsets", "durations", "peaks", "amplitudes", "areas_um2", "distances_um", "kinds", "populations", "rois")
        if getattr(record, name) is not None
    }
    features = tuple(replace(one, values=one.values[:-1]) for one in record.features)
    return replace(record, **fields, features=features, footprints=None)


def power_in_milliwatts(monkeypatch: Any) -> None:
    import bergmann.optogenetics.nwb as nwb

    resolve = nwb.resolve_power
    monkeypatch.setattr(nwb, "resolve_power", lambda *args: (resolve(*args)[0] * 1000, resolve(*args)[1]))


def series_lacks_a_pulse(monkeypatch: Any) -> None:
    import bergmann.optogenetics.nwb as nwb

    make = nwb._series
    monkeypatch.setattr(
        nwb,
        "_series",
        lambda name, record, power, site, text: make(
            name,
            replace(
                record, times=ExplicitTimes(record.times.seconds[:-1]), durations=record.durations[:-1], command=None, power=None
            ),
            power[:-1],
            site,
            text,
        ),
    )


def wrong_sign(monkeypatch: Any) -> None:
    apply = clock_map.ClockMap.apply
    monkeypatch.setattr(clock_map.ClockMap, "apply", lambda self, times: 2 * np.asarray(times) - apply(self, times))


def clamped(monkeypatch: Any) -> None:
    apply = clock_map.ClockMap.apply
    monkeypatch.setattr(
        clock_map.ClockMap, "apply", lambda self, times: np.maximum(apply(self, times), float(apply(self, self.own[:1])[0]) + 3)
    )


def block_elsewhere(monkeypatch: Any) -> None:
    read = streams._read_block

    def wrong(array: Any, start: int, stop: int, dtype: Any) -> Any:
        block = read(array, start, stop, dtype)
        return np.roll(block, 1, axis=0) if start == 0 and len(block) > 2 else block

    monkeypatch.setattr(streams, "_read_block", wrong)


def last_block_empty(monkeypatch: Any) -> None:
    read = streams._read_block

    def wrong(array: Any, start: int, stop: int, dtype: Any) -> Any:
        block = read(array, start, stop, dtype)
        return np.zeros_like(block) if stop == array.shape[0] and stop > 1 else block

    monkeypatch.setattr(streams, "_read_block", wrong)


def not_shuffled(monkeypatch: Any) -> None:
    def wrong(chunk: Any, planes: Any) -> None:
        planes.reshape(-1)[...] = chunk.reshape(-1).view(np.uint8)

    monkeypatch.setattr(codecs, "shuffle", wrong)
    monkeypatch.setattr(streams, "SMALL", 1000)


def small_streams(patch: Patch) -> Patch:
    """Have the small arrays of these sessions go the way of the large ones."""

    def both(monkeypatch: Any) -> None:
        monkeypatch.setattr(streams, "SMALL", 1000)
        patch(monkeypatch)

    return both


def videos_exchanged(monkeypatch: Any) -> None:
    import bergmann.writing.session as session

    plan = session.plan_videos

    def wrong(target: Any, videos: Any, names: Any) -> Any:
        planned = plan(target, videos, names)
        for files in planned.values():
            placed = list(files)
            if len(placed) > 1:
                files[placed[0]], files[placed[1]] = files[placed[1]], files[placed[0]]
        return planned

    monkeypatch.setattr(session, "plan_videos", wrong)


def single_precision(monkeypatch: Any) -> None:
    from bergmann.behavior import _pose_nwb

    make = _pose_nwb.PoseEstimationSeries
    monkeypatch.setattr(
        _pose_nwb,
        "PoseEstimationSeries",
        lambda **kwargs: make(**{**kwargs, "data": np.asarray(kwargs["data"], np.float32)}),
    )


def regular_times(record: Any) -> Any:
    return replace(record, times=RegularTimes(record.times.first + 1.0, 10.0, len(record.times)))


DAMAGES: Mapping[str, Damage] = {
    "c001": Damage(("movie",), reader("scanimage", frames(again))),
    "c002": Damage(("movie",), reader("scanimage", frames(off_by_one))),
    "c003": Damage(("movie",), reader("scanimage", exchanged_channels)),
    "c004": Damage(("movie",), reader("scanimage", second_half_lost)),
    "c005": Damage(("movie",), reader("scanimage", frames(second_half_first))),
    "c006": Damage(("movie",), reader("scanimage", frames(one_before))),
    "c007": Damage(("movie",), reader("scanimage", frames(lambda whole, start, stop: whole[start:stop].byteswap()))),
    "c008": Damage(
        ("movie",), reader("scanimage", frames(lambda whole, start, stop: (whole[start:stop] >> 4).astype(np.uint8), np.uint8))
    ),
    "c009": Damage(("movie",), reader("scanimage", late_frames)),
    "c010": Damage(("prairie",), reader("bruker", frames(off_by_one))),
    "c011": Damage(("prairie",), reader("bruker", frames(second_half_first))),
    "c012": Damage(("prairie",), reader("bruker", exchanged_channels)),
    "c013": Damage(("stack",), reader("tiff", frames(swapped))),
    "c014": Damage(("stack",), reader("tiff", frames(lambda whole, start, stop: whole[start:stop][:, ::-1].copy()))),
    "c015": Damage(("movie",), attribute(arrays.NwbOrder, "__getitem__", not_turned)),
    "c016": Damage(("movie",), attribute(arrays.NwbOrder, "__getitem__", mirrored)),
    "c017": Damage(("movie",), attribute(arrays.Part, "__getitem__", part_late), more={"movie": "frames: 11-100"}),
    "c018": Damage(("daq",), reader("wavesurfer", exchanged_samples)),
    "c019": Damage(("daq",), reader("wavesurfer", other_scale)),
    "c020": Damage(("daq",), reader("wavesurfer", exchanged_lines)),
    "c021": Damage(("daq",), reader("wavesurfer", channel_samples(first_block_again))),
    "c022": Damage(("patch",), reader("abf", channel_samples(backwards))),
    "c023": Damage(("patch",), reader("abf", channel_samples(every_second))),
    "c024": Damage(("patch",), reader("abf", other_unit)),
    "c025": Damage(("fiber",), reader("pyphotometry", exchanged_samples)),
    "c026": Damage(("board",), reader("tdms", channel_samples(late_sample))),
    "c027": Damage(("lines",), reader("signal_table", channel_samples(backwards))),
    "c028": Damage(("arrays",), reader("signal_numpy", channel_samples(every_second))),
    "c029": Damage(("chart",), reader("labchart", channel_samples(first_block_again))),
    "c030": Damage(("rois",), reader("suite2p", planes(exchanged_traces))),
    "c031": Damage(("rois",), reader("suite2p", planes(rois_turned))),
    "c032": Damage(("rois",), reader("suite2p", planes(transposed_masks))),
    "c033": Damage(("rois",), reader("suite2p", planes(is_cell_shifted))),
    "c034": Damage(("cnmf",), reader("caiman", planes(other_trace))),
    "c035": Damage(("cnmf",), reader("caiman", planes(c_order))),
    "c036": Damage(("flares",), reader("aqua", column("onsets", lambda onsets: onsets + 0.25))),
    "c037": Damage(("waves",), reader("glial_events", one_event_lost)),
    "c038": Damage(("light",), pulses_found(one_lost)),
    "c039": Damage(("light",), pulses_found(one_invented)),
    "c040": Damage(("light",), pulses_found(joined)),
    "c041": Damage(("light",), pulses_found(one_late)),
    "c042": Damage(("table",), reader("pulse_table", column("durations", lambda seconds: seconds * 2))),
    "c043": Damage(("light",), power_in_milliwatts),
    "c044": Damage(("light",), series_lacks_a_pulse),
    "c045": Damage(
        ("paw",), reader("deeplabcut", pose(lambda one: replace(one, positions=np.ascontiguousarray(one.positions[:, ::-1]))))
    ),
    "c046": Damage(("paw",), reader("deeplabcut", rows_lost)),
    "c047": Damage(("paw",), reader("deeplabcut", parts_turned)),
    "c048": Damage(
        ("face",),
        reader("lightningpose", pose(lambda one: replace(one, positions=np.column_stack([one.positions[:, 0], one.confidence])))),
    ),
    "c049": Damage(("sleap",), reader("sleap", pose(closed_up))),
    "c050": Damage(("licking",), reader("boris", events(later))),
    "c051": Damage(("licking",), reader("boris", events(stop_for_start))),
    "c052": Damage(("von_frey",), reader("assay", scores_shifted)),
    "c053": Damage(("wheel",), reader("encoder", one_step_lost)),
    "c054": Damage(("units",), reader("spikes", spikes_exchanged)),
    "c055": Damage(("units",), reader("spikes", rounded_rate)),
    "c056": Damage(("movie",), wrong_sign),
    "c057": Damage(("movie",), clamped),
    "c058": Damage(("movie",), small_streams(block_elsewhere)),
    "c059": Damage(("movie",), small_streams(last_block_empty)),
    "c060": Damage(("movie",), not_shuffled),
    "c062": Damage(("paw_cam",), videos_exchanged),
    "c063": Damage(("paw",), single_precision),
}
