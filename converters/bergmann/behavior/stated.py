"""What a person must say of video, pose, events, trials, intervals, logs and assays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator

from bergmann.findings import Finding
from bergmann.moments import Moment
from bergmann.records import Events, Intervals, Pose, Record, Scores, StateMachine, Trace, Video
from bergmann.registry import Entry, NamesOf
from bergmann.stated import Collections, Duration, Names, Quantity, Stated

_TAKEN = frozenset({"timestamp", "duration", "stated_duration", "amplitude", "location", "level", "id"})
"""Columns of a table of events that have a meaning of their own."""


class VideoStated(Stated):
    """What is said of a video."""

    description: str | None = None
    device: Annotated[str, Names("devices")] | None = None


class PoseStated(Stated):
    """What is said of tracked body parts.

    Attributes
    ----------
    skeleton : tuple of (str, str), optional
        Pairs of body parts that are joined, e.g. ``[[snout, leftear], [snout, rightear]]``; those of the file, where it has any.
    software_version : str, optional
        Version of the tracker, where its file does not say it.
    """

    description: str | None = None
    skeleton: tuple[tuple[str, str], ...] | None = None
    software_version: str | None = None


class EventsStated(Stated):
    """What is said of events; true of every event of the source.

    Attributes
    ----------
    amplitude : Quantity, optional
        Of the stimulus, e.g. ``1 mA``.
    location : str, optional
        Where on the body, e.g. ``left hind paw``.
    duration : Duration, optional
        Of the stimulus as it was set; the measured width of the pulses is written beside it.
    parameters : mapping of str to Quantity
        What else was set, by name, e.g. ``{frequency: 8 kHz, pressure: 20 psi}``.
    """

    description: str | None = None
    amplitude: Quantity | None = None
    location: str | None = None
    duration: Duration | None = None
    parameters: dict[str, Quantity] = Field(default_factory=dict)

    @field_validator("parameters")
    @classmethod
    def _of_their_own(cls, parameters: dict[str, Quantity]) -> dict[str, Quantity]:
        for name in parameters:
            if name in _TAKEN:
                raise ValueError(f"`{name}` cannot be a parameter: a column of that name means something else here")
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                raise ValueError(f"`{name}` cannot be a parameter: use letters, digits and `_`")
        return parameters

    @property
    def columns(self) -> dict[str, tuple[str, Quantity]]:
        """What is written of every event, by column: what it is, and how much."""
        said = {
            "amplitude": ("Amplitude of the stimulus", self.amplitude),
            "stated_duration": ("Duration of the stimulus", self.duration),
            **{name: (f"{name.replace('_', ' ').capitalize()} of the stimulus", value) for name, value in self.parameters.items()},
        }
        return {name: (what, value) for name, (what, value) in said.items() if value is not None}


class StateMachineStated(Stated):
    """What is said of the trials of a behaviour box.

    Attributes
    ----------
    description : str, optional
        What the animal had to do.
    """

    description: str | None = None


class IntervalsStated(Stated):
    """What is said of labelled intervals."""

    description: str | None = None


class TraceStated(Stated):
    """What is said of a log of a treadmill or an encoder.

    Attributes
    ----------
    scale : mapping of str to Quantity
        What one logged unit of a column is, e.g. ``{position: 0.3515625 degree}`` for an encoder of 1024 ticks a turn.
    """

    description: str | None = None
    device: Annotated[str, Names("devices")] | None = None
    scale: dict[str, Quantity] = Field(default_factory=dict)


class ScoresStated(Stated):
    """What is said of an assay.

    Attributes
    ----------
    assay : str
        ``von_frey``, ``hargreaves``, ``hot_plate``, ``licking_time``, or any other name.
    side : str, optional
        ``left``, ``right``, or as the lab says it.
    scorer : str, optional
        Who scored, or ``blinded``.
    timepoint : Moment, optional
        When, after what: ``7 d after sni``.
    """

    assay: str
    side: str | None = None
    scorer: str | None = None
    timepoint: Moment | None = None
    description: str | None = None


def check_pose(entry: Entry[Pose, PoseStated], collections: Collections) -> Iterator[Finding]:  # noqa: ARG001
    """A tracked file named after another video or of another version, and a skeleton of body parts that are not there."""
    mismatch = entry.record.notes.get("video_mismatch")
    if mismatch:
        yield Finding(
            severity="warning",
            check="conflict",
            location="of",
            message=f"{entry.record.files[0].name}: {mismatch}",
            remedy="see whether `of` names the video that was tracked",
        )
    version = entry.record.notes.get("software_version")
    if version and entry.stated.software_version not in {None, version}:
        yield Finding(
            severity="warning",
            check="conflict",
            location="software_version",
            message=f"{entry.stated.software_version} is stated, and {entry.record.files[0].name} says {version}",
            remedy="leave it out, if the file is right",
        )
    known = {keypoint.name for keypoint in entry.record.keypoints}
    for part in dict.fromkeys(part for edge in entry.stated.skeleton or () for part in edge):
        if part not in known:
            yield Finding(
                severity="error",
                check="dangling reference",
                location="skeleton",
                message=f"no body part {part!r} in {entry.record.files[0].name}; it has: {', '.join(sorted(known))}",
                remedy="write the body parts as the tracker names them",
            )


SECONDS_OR_FORCE: frozenset[str] = frozenset({"von_frey", "hargreaves", "hot_plate", "licking_time"})
"""Assays whose value is a force, a latency or a duration, which is never below zero."""


def check_scores(entry: Entry[Scores, ScoresStated], collections: Collections) -> Iterator[Finding]:  # noqa: ARG001
    """A force, latency or duration below zero."""
    values = np.asarray(entry.record.columns["value"], dtype=np.float64)
    if entry.stated.assay in SECONDS_OR_FORCE and (values < 0).any():
        yield Finding(
            severity="warning",
            check="value",
            location="columns.value",
            message=f"{entry.record.files[0].name}: {values.min():g} is below zero, which no {entry.stated.assay} value is",
            remedy="see whether `columns.value` names the right column",
        )


def check_trace(entry: Entry[Trace, TraceStated], collections: Collections) -> Iterator[Finding]:  # noqa: ARG001
    """A scale of a column that is not logged."""
    for name in entry.stated.scale:
        if name not in entry.record.parts:
            yield Finding(
                severity="error",
                check="dangling reference",
                location=f"scale.{name}",
                message=f"there is no {name!r} in `columns`; there are: {', '.join(entry.record.parts)}",
                remedy="write the column as in `columns`",
            )


def check_state_machine(entry: Entry[StateMachine, StateMachineStated], collections: Collections) -> Iterator[Finding]:  # noqa: ARG001
    """Trials whose length by the machine's clock is not that of its cycles: it missed some."""
    if late := entry.record.notes.get("late"):
        yield Finding(
            severity="warning",
            check="unsteady clock",
            location="path",
            message=f"{entry.record.files[0].name}: its clock and the cycles it counted differ: {late}",
            remedy="times within these trials are those of its cycles; is a line of it recorded by another instrument?",
        )


def trials_name(name: str) -> str:
    """Name of the table of trials: NWB's own for a source that is called so."""
    return name if name == "trials" else f"{name}_trials"


def events_names(name: str, kinds: Sequence[str]) -> list[str]:
    """Names of the tables of events: that of the source for the only kind; no sign in them parts HDF5 paths."""
    plain = [kind.replace("/", "_").replace(":", "_").strip() for kind in kinds]
    return [name] if len(kinds) == 1 else [f"{name}_{kind}" for kind in plain]


def _of_events(entry: Any) -> Iterator[tuple[str, str]]:
    """The pulses of a channel, which are not read yet, are one kind of event."""
    kinds = [entry.name] if entry.record is None else [series.name for series in entry.record.series]
    yield from (("events", name) for name in events_names(entry.name, kinds))


def _of_state_machine(entry: Any) -> Iterator[tuple[str, str]]:
    yield "intervals", trials_name(entry.name)
    yield from _of_events(entry)


def _of_pose(entry: Any) -> Iterator[tuple[str, str]]:
    yield "processing/behavior", entry.name
    yield "processing/behavior", f"{entry.name}_position"
    if any(keypoint.columns for keypoint in entry.record.keypoints):
        yield "processing/behavior", f"{entry.name}_statistics"


def _in(place: str) -> NamesOf:
    def names(entry: Any) -> Iterator[tuple[str, str]]:
        yield place, entry.name

    return names


STATED = {
    Video: VideoStated,
    Pose: PoseStated,
    Events: EventsStated,
    StateMachine: StateMachineStated,
    Intervals: IntervalsStated,
    Trace: TraceStated,
    Scores: ScoresStated,
}
NAMES: dict[type[Record], NamesOf] = {
    Video: _in("acquisition"),
    Trace: _in("acquisition"),
    Intervals: _in("intervals"),
    Scores: _in("processing/behavior"),
    Pose: _of_pose,
    Events: _of_events,
    StateMachine: _of_state_machine,
}
CHECKS = {Pose: check_pose, StateMachine: check_state_machine, Trace: check_trace, Scores: check_scores}
