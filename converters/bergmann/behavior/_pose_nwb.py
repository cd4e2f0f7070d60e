"""Tracked body parts to ndx-pose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ndx_pose import PoseEstimation, PoseEstimationSeries, Skeleton, Skeletons
from pynwb import TimeSeries
from pynwb.behavior import BehavioralTimeSeries, Position

from bergmann.behavior._module import behavior_module
from bergmann.errors import SourceError
from bergmann.stand_ins import NO_UNIT, UNKNOWN
from bergmann.timing.times import ExplicitTimes, time_arguments

if TYPE_CHECKING:
    from pynwb import NWBFile

    from bergmann.behavior.stated import PoseStated
    from bergmann.records import Pose
    from bergmann.registry import Entry, Placed

REFERENCE_FRAME = "(0, 0) is the top left corner of the video frame; x runs to the right, y down."


def add_pose(nwbfile: NWBFile, entry: Entry[Pose, PoseStated], placed: Placed) -> None:
    """Add a `PoseEstimation` to the behaviour module, linked to its skeleton and to the video it was tracked in.

    A core `Position` beside it links to the same series: archives that know no extension see behaviour by it.
    """
    pose, stated = entry.record, entry.stated
    module = behavior_module(nwbfile)
    skeleton = _skeleton(entry)
    _skeletons(module).add_skeletons(skeleton)
    made = _series(pose)
    video = placed.get("sources", entry.of.name) if entry.of is not None else None
    estimation = PoseEstimation(
        name=entry.name,
        description=" ".join(part for part in (stated.description or _description(pose), pose.basis, _used(pose)) if part),
        pose_estimation_series=made,
        scorer=pose.scorer,
        source_software=pose.software,
        source_software_version=stated.software_version or pose.notes.get("software_version"),
        skeleton=skeleton,
        source_video=video,
        device=None if video is None else video.device,
    )
    module.add(estimation)
    module.add(Position(name=f"{entry.name}_position", spatial_series=made))  # they have a parent already: it holds links to them
    if any(keypoint.columns for keypoint in pose.keypoints):
        module.add(BehavioralTimeSeries(name=f"{entry.name}_statistics", time_series=_statistics(pose, made)))
    placed.put("sources", entry.name, estimation)


def _description(pose: Pose) -> str:
    tracked = f" in {pose.video}" if pose.video else ""
    scorer = f", scorer {pose.scorer}" if pose.scorer else ""
    return f"Positions of body parts tracked{tracked} by {pose.software}{scorer}."


def _used(pose: Pose) -> str:
    return "" if pose.used is None else f"Only {pose.used} are used."


def _skeletons(module: Any) -> Any:
    """The one container of skeletons, made when the first pose comes."""
    if "Skeletons" not in module.data_interfaces:
        module.add(Skeletons(name="Skeletons"))
    return module["Skeletons"]


def _skeleton(entry: Entry[Pose, PoseStated]) -> Any:
    """The body parts, and edges only if a person states them or the file has them: an edge is a claim about the animal."""
    names = [keypoint.name for keypoint in entry.record.keypoints]
    stated = entry.stated.skeleton if entry.stated.skeleton is not None else entry.record.edges
    edges = {}
    if stated is not None:
        missing = [part for edge in stated for part in edge if part not in names]
        if missing:
            raise SourceError(
                f"{entry.name}: the skeleton joins {missing[0]!r}, which is not tracked; there are: {', '.join(names)}"
            )
        pairs = [[names.index(part) for part in edge] for edge in stated]
        edges["edges"] = np.array(pairs, dtype=np.uint8 if len(names) < 256 else np.uint16).reshape(-1, 2)
    return Skeleton(name=f"{entry.name}_skeleton", nodes=names, **edges)


def _series(pose: Pose) -> list[Any]:
    """One series a body part; explicit times are stored once, with the first, and shared by the others."""
    made: list[Any] = []
    for keypoint in pose.keypoints:
        shared = made and isinstance(pose.times, ExplicitTimes)
        made.append(
            PoseEstimationSeries(
                name=_plain(keypoint.name),
                description=f"Position of {keypoint.name}.",
                data=keypoint.positions,
                unit="pixels",
                reference_frame=REFERENCE_FRAME,
                confidence=keypoint.confidence,
                confidence_definition=f"Confidence as {pose.software} states it for each frame.",
                **({"timestamps": made[0]} if shared else time_arguments(pose.times)),
            )
        )
    return made


def _plain(name: str) -> str:
    """A name without the signs that separate HDF5 paths."""
    return name.replace("/", "_").replace(":", "_")


_UNITS = {"_median": "pixels", "_mean": "pixels", "_var": "pixels^2", "zscore": NO_UNIT}
"""Units of a smoother's columns, by how their names end: they are statistics of positions in pixels."""


def _statistics(pose: Pose, positions: list[Any]) -> list[Any]:
    """One series for each other column of each body part, with the times of its position."""
    return [
        TimeSeries(
            name=_plain(f"{keypoint.name}_{column}"),
            description=f"{column} of {keypoint.name}, as {pose.software} states it for each frame.",
            data=values,
            unit=next((unit for ending, unit in _UNITS.items() if column.endswith(ending)), UNKNOWN),
            **(time_arguments(pose.times) if not isinstance(pose.times, ExplicitTimes) else {"timestamps": positions[0]}),
        )
        for keypoint in pose.keypoints
        for column, values in keypoint.columns.items()
    ]
