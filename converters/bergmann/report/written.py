"""What will be written of each source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bergmann.plan.resolve import Plan
from bergmann.plan.session import SourceEntry
from bergmann.records import (
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
from bergmann.report.dry_run import DryRun, Made
from bergmann.report.html import Html, el, join, table, text
from bergmann.report.placing import BLANK, Placement

MOST_OBJECTS = 40
"""Objects of one source that are listed."""

BECOMES: Mapping[type[Record], str] = {
    StateMachine: "a table of trials, and a table of events for each state and each kind of event",
    Recording: "a TimeSeries for each channel, in acquisition",
    Movie: "a TwoPhotonSeries for each channel, in acquisition",
    Segmentation: "PlaneSegmentation, RoiResponseSeries for each trace and summary images, in processing/ophys",
    LightPulses: "OptogeneticSeries in stimulus, a table of pulses, and epochs where the pulses are regular",
    Video: "ImageSeries in acquisition; the video files are kept beside the NWB file",
    Pose: "PoseEstimation in processing/behavior",
    Events: "a table of events",
    GlialEvents: "a GlialEventsTable in events, with the pixels of each event where the export has them",
    SpikeTimes: "a table of units",
    Intervals: "TimeIntervals",
    Trace: "a time series for each quantity, in acquisition",
    Scores: "a table of scores",
}
"""What each kind of record becomes in the file, in words."""


def written(plan: Plan, placement: Placement, run: DryRun | None) -> Html:
    """A table: each source, its files, what was found in them, and what it becomes in the file.

    Where the whole session is known already, these are the objects themselves; else it is said in words.
    """
    run = run if run is not None and not run.findings else None
    rows: list[tuple[object, ...]] = []
    for name, entry in plan.loaded.sources.items():
        header = plan.headers.get(name) or placement.aligned.records.get(name)
        kind = next((words for record, words in BECOMES.items() if issubclass(entry.format.record, record)), entry.format.label)
        becomes: object = kind if run is None else _objects(run.of_source[name])
        if entry.confirms is not None:
            becomes = f"nothing of its own: it is another account of {entry.confirms}, and compared with it"
        found = join(
            el("span", entry.format.label, class_="format"),
            el("span", _found(header, _unread(plan, entry))),
            el("span", _files(header), class_="aside"),
        )
        rows.append((name, found, becomes))
    rows += [(name, "not known yet: it has gaps, see the findings", "") for name in plan.loaded.incomplete]
    rows += [(name, f"absent: {reason}", "said in the session's notes") for name, reason in plan.loaded.absent.items()]
    if not rows:
        return el("p", "No source is stated.")
    if run is not None:
        said = "what is stated, and of several sources"
        rows.append((said, "", _objects(run.stated)))
    how = (
        "The objects were made as the conversion makes them, without their arrays."
        if run is not None
        else "The objects' own names are shown when nothing is missing and all times are known."
    )
    header_row = ("source", "found", "becomes")
    made = table("From source to NWB", header_row, rows, hide_caption=True)
    return join(el("p", how, class_="aside"), el("div", made, class_="written"))


def _objects(made: tuple[Made, ...]) -> Html:
    """Objects with their place in the file, one a line."""
    shown = [el("li", el("code", one.path), " ", one.kind) for one in made[:MOST_OBJECTS]]
    more = [el("li", f"and {len(made) - MOST_OBJECTS} more")] if len(made) > MOST_OBJECTS else []
    return el("ul", *shown, *more, class_="objects") if made else text("nothing")


def _files(header: Record | None) -> str:
    if header is None:
        return ""
    names = [path.name for path in header.files]
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]} ({len(names)} files)"


def _unread(plan: Plan, entry: SourceEntry) -> str:
    """Why there is no header of a source."""
    if entry.format.reads_values:
        return "read at the conversion"
    return BLANK if plan.loaded.has_blanks(entry.name) else "could not be read"


def _found(header: Record | None, unread: str) -> str:
    """What the header of a source says, in words; `unread` where there is none."""
    if header is None:
        return unread
    match header:
        case Movie():
            shape = header.channels[0].frames.shape
            planes = f", {shape[1]} planes" if len(shape) == 4 else ""
            count = f"{shape[0]:,} {'volumes' if planes else 'frames'} of {shape[-1]} x {shape[-2]}{planes}"
            return f"{count}, {_several(len(header.channels), 'channel')}, {_rate(header.times.interval)}"
        case StateMachine():
            return (
                f"{_several(len(header.starts), 'trial')}; {'; '.join(f'{one.name}: {len(one.times):,}' for one in header.series)}"
            )
        case Recording():
            total = int(header.sweep_lengths.sum())
            sampled = f"{_several(len(header.channels), 'channel')}, {total:,} samples at {header.rate:g} Hz"
            lines = [f"{one.name}: {_several(len(one.times), 'event')}" for one in header.lines]
            return "; ".join([*([sampled] if header.channels else []), *lines])
        case Segmentation():
            n_rois = sum(len(plane.masks) for plane in header.planes)
            return f"{n_rois:,} ROIs in {_several(len(header.planes), 'plane')}, {len(header.times):,} frames"
        case Video():
            return f"{len(header.times):,} frames of {header.size[0]} x {header.size[1]}, {_rate(header.times.interval)}"
        case Pose():
            return f"{_several(len(header.keypoints), 'body part')}, {len(header.times):,} frames"
        case Events():
            return "; ".join(f"{one.name}: {len(one.times):,}" for one in header.series)
        case GlialEvents():
            return _several(len(header.onsets), "event")
        case SpikeTimes():
            return f"{_several(len(header.units), 'unit')}, {_several(sum(map(len, header.spikes)), 'spike')}"
        case Intervals():
            return _several(len(header.starts), "interval")
        case LightPulses():
            return _several(len(header.times), "pulse")
        case Trace():
            return f"{', '.join(header.parts)}: {len(header.times):,} samples"
        case Scores():
            return _several(max((len(column) for column in header.columns.values()), default=0), "row")
    return _several(len(header.files), Path(header.files[0]).suffix + " file")


def _several(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _rate(interval: float) -> str:
    return f"{1 / interval:.6g} a second" if interval > 0 else "at one time"
