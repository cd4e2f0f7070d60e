"""Behaviour: positions, scores and events that no camera and no assay gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bergmann.validate.checking import Problem, check
from bergmann.validate.reading import Reading

SURE = 0.6
"""Confidence above which a tracked point should lie in the frame; below it trackers place points anywhere."""
MOST_SURE = 1.5
"""SLEAP, which refines a peak between pixels, gives a little more than 1 for some points; per cent would be far above."""
MARGIN = 0.1
"""Of the frame's size: trackers place a paw a little outside of the frame that cuts it."""
TOGETHER = 0.3
"""Correlation of movements from which on two body parts say something of each other's axes."""
LEAST_TRACKED = 50
"""Frames in which two body parts must be seen to compare how they move."""
FARTHEST_PX = 1e5
LATE_S = 600.0
# In grams: the least and the greatest filament of the usual kits, and limits of ours beyond which a threshold of a paw is doubted.
FILAMENTS_G = (0.008, 300.0)
MOST_G = {"mus musculus": 7.0, "rattus norvegicus": 100.0}
_NO_GRAMS = re.compile(r"\bmN\b|millinewton|\blog\b", re.IGNORECASE)
_COUNTED = re.compile(r"\bscores?\b|per ?cent|%|\bcounts?\b|number of", re.IGNORECASE)
_GRAMS = re.compile(r"\bg\b|\bgrams?\b", re.IGNORECASE)
"""Units of a von Frey test that are not grams; what is counted and no force, unless grams are named with it."""
_VON_FREY = re.compile(r"von[ _-]?frey|\bvfh?\b|filament|withdrawal threshold", re.IGNORECASE)


@check(
    severity="error",
    why="Whoever leaves out uncertain points by a threshold of 0 to 1 keeps or loses all of them.",
    remedy="write the likelihood as the tracker gives it, from 0 to 1",
)
def behavior_confidence_in_range(reading: Reading) -> Iterator[Problem]:
    """Confidences of tracked points beyond 0 to 1."""
    for series in reading.objects("PoseEstimationSeries"):
        if series.confidence is None:
            continue
        values = reading.values(series.confidence)
        wrong = np.flatnonzero((values < 0) | (values > 1.001))
        if len(wrong):
            row = wrong[int(np.argmax((values[wrong] < 0) | (values[wrong] > MOST_SURE)))]
            is_peak = 0 <= values[row] <= MOST_SURE and "sleap" in str(getattr(series.parent, "source_software", "")).lower()
            found = f"confidence {row} is {values[row]:g} ({len(wrong)} of {len(values)})"
            yield Problem(series, f"{found}; expected 0 to 1", severity="note" if is_peak else None)


@check(
    severity="warning",
    why="Points outside of the frame are of another video, in another unit, or have x and y exchanged.",
    remedy="write x along the width and y down the height, in pixels of the video that was tracked",
)
def behavior_pose_inside_video(reading: Reading) -> Iterator[Problem]:
    """Tracked points outside of the frame of their video."""
    for pose in reading.objects("PoseEstimation"):
        size = _frame(reading, pose)
        if size is None:
            continue
        for series in pose.pose_estimation_series.values():
            positions = np.asarray(reading.values(series.data), dtype=np.float64)[:, :2]
            sure = np.ones(len(positions), dtype=np.bool_)
            if series.confidence is not None and len(series.confidence) == len(positions):
                sure = reading.values(series.confidence) >= SURE
            out = (
                sure
                & ~((positions >= -MARGIN * size) & (positions <= (1 + MARGIN) * size)).all(axis=1)
                & np.isfinite(positions).all(axis=1)
            )
            if out.sum() > max(2, 0.02 * sure.sum()):
                x, y = positions[int(np.argmax(out))]
                found = f"it is at ({x:.6g}, {y:.6g}) in frame {int(np.argmax(out))}, and the video is {size[0]:g} x {size[1]:g}"
                yield Problem(series, f"{found} ({out.sum()} of {len(out)} frames)")


def _frame(reading: Reading, pose: Any) -> Any:
    """Width and height of the video that a pose was tracked in, if it is known."""
    video = getattr(pose, "source_video", None)
    if video is not None and video.dimension is not None and len(video.dimension) == 2:
        return np.asarray(video.dimension, dtype=np.float64)
    stated = getattr(pose, "dimensions", None)
    if stated is not None and np.shape(stated) == (1, 2):
        return np.asarray(stated, dtype=np.float64)[0]
    cameras = [one for one in reading.objects("ImageSeries") if getattr(one, "external_file", None) is not None]
    if len(cameras) == 1 and cameras[0].dimension is not None and len(cameras[0].dimension) == 2:
        return np.asarray(cameras[0].dimension, dtype=np.float64)
    return None


@check(
    severity="warning",
    why="A body part with x and y exchanged lies elsewhere in the frame, where it often still fits in.",
    remedy="write x along the width and y down the height, for every body part alike",
)
def behavior_pose_axes_agree(reading: Reading) -> Iterator[Problem]:
    """A body part that goes with the others of its pose, in movement and distance, only with x and y exchanged."""
    for pose in reading.objects("PoseEstimation"):
        parts = list(pose.pose_estimation_series.values())
        tracks = [_sure_positions(reading, one) for one in parts]
        if len(parts) < 3 or len({len(one) for one in tracks}) > 1:
            continue
        for number, part in enumerate(parts):
            found = [_turned(tracks[number], track) for other, track in enumerate(tracks) if other != number]
            told = [one for one in found if max(one[:2]) > TOGETHER]
            if len(told) < 2 or not all(there > TOGETHER and there - here > 0.25 for here, there, _ in told):
                continue
            kept = float(np.exp(np.mean([np.log(ratio) for _, _, ratio in told])))
            if kept < 0.9:
                here, there = (float(np.mean([one[axis] for one in told])) for axis in (0, 1))
                found_of = f"its movements go with those of {len(told)} other parts of {pose.name} with x and y exchanged"
                yield Problem(part, f"{found_of} (correlation {there:.2f}, as they are {here:.2f})")


def _sure_positions(reading: Reading, series: Any) -> Any:
    """Positions, shape (n_frames, 2); NaN where the tracker was not sure."""
    positions = np.array(reading.values(series.data), dtype=np.float64)[:, :2]
    if series.confidence is not None and len(series.confidence) == len(positions):
        positions[~(reading.values(series.confidence) >= SURE)] = np.nan
    return positions


def _turned(track: Any, other: Any) -> tuple[float, float, float]:
    """How a track goes with another one.

    Returns
    -------
    here, there : float
        Correlation of the movements from frame to frame, as they are and with x and y of the first exchanged.
    ratio : float
        How much the distance between the two, which bones keep, changes if exchanged, over how much it does as they are.
    """
    known = np.isfinite(track).all(axis=1) & np.isfinite(other).all(axis=1)
    if known.sum() < LEAST_TRACKED:
        return 0.0, 0.0, 1.0
    both = known[1:] & known[:-1]
    own, turned, theirs = (np.diff(one, axis=0)[both].ravel() for one in (track, track[:, ::-1], other))
    spread, spread_turned = (np.std(np.linalg.norm(one[known] - other[known], axis=1)) for one in (track, track[:, ::-1]))
    ratio = float(spread_turned / spread) if spread > 0 and spread_turned > 0 else 1.0
    return _alike(own, theirs), _alike(turned, theirs), ratio


def _alike(one: Any, other: Any) -> float:
    """Correlation of movements; 0 where one of the two stands still."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size > 0 else 0.0


@check(
    severity="error",
    why="One such number decides every mean, speed and range that is computed with it.",
    remedy="write NaN where a point was not tracked",
)
def behavior_pose_jumps(reading: Reading) -> Iterator[Problem]:
    """Positions that no video is large enough for, or far away from all others."""
    for series in reading.objects("PoseEstimationSeries", "SpatialSeries"):
        positions = np.asarray(reading.values(series.data), dtype=np.float64)
        known = np.isfinite(positions)
        if positions.ndim > 2 or known.sum() < 20:
            continue
        typical = np.percentile(np.abs(positions[known]), 99)
        wrong = known & (np.abs(positions) > max(100 * typical, 1e-12)) | (np.isinf(positions))
        if str(series.unit).startswith("pixel"):
            wrong |= known & (np.abs(positions) > FARTHEST_PX)
        if wrong.any():
            row = int(np.argmax(wrong.reshape(len(positions), -1).any(axis=1)))
            value = positions[row][wrong[row]] if positions.ndim > 1 else positions[row : row + 1]
            yield Problem(series, f"a coordinate is {float(value[0]):g} in frame {row}, and nearly all are below {typical:.4g}")


@check(
    severity="warning",
    why="An event that nothing was recorded at is on another clock, or of another session.",
    remedy="check the clock of the events: seconds since the session's start, and not of another video",
)
def behavior_events_inside_observation(reading: Reading) -> Iterator[Problem]:
    """Events long after everything that was recorded."""
    ends = [end for _, series in reading.acquired() if (end := _end(reading, series)) is not None]
    if not ends:
        return
    for table in reading.objects("EventsTable"):
        times = reading.column(table, "timestamp")
        if times is None or times.dtype.kind != "f" or type(table).__name__ == "DrugAdministrationsTable":
            continue
        late = np.flatnonzero(times > max(ends) + LATE_S)
        if len(late):
            found = f"row {late[0]} is at {times[late[0]]:.6g} s ({len(late)} of {len(times)} rows)"
            yield Problem(table, f"{found}; the last recording ended at {max(ends):.6g} s")


def _end(reading: Reading, series: Any) -> float | None:
    n = int(getattr(series, "num_samples", None) or 0) or reading.n_samples(series)
    if series.timestamps is not None and len(series.timestamps):
        return float(np.nanmax(reading.times(series)))
    if series.rate is None or not series.rate > 0 or not n:
        return None
    return float(series.starting_time or 0.0) + n / float(series.rate)


@check(
    severity="warning",
    why="A force that no filament has is in another unit, and animals would look less sensitive than they are.",
    remedy="write forces in grams (1 g is 9.81 mN)",
)
def behavior_von_frey_on_scale(reading: Reading) -> Iterator[Problem]:
    """Thresholds of von Frey's test beyond the filaments, or beyond what a paw of the species is tested with."""
    species = str(getattr(reading.nwbfile.subject, "species", "") or "").lower()
    most = MOST_G.get(species, FILAMENTS_G[1])
    for table in reading.objects("DynamicTable"):
        if not _VON_FREY.search(f"{table.name} {table.description}"):
            continue
        for column in table.columns:
            said = str(column.description)
            is_force = column.name in ("value", "threshold", "force") or re.search(r"threshold|force", column.name, re.IGNORECASE)
            values = reading.column(table, column.name) if is_force else None
            if values is None or values.dtype.kind not in "fiu" or _NO_GRAMS.search(said):
                continue
            if _COUNTED.search(said) and not _GRAMS.search(said):
                continue
            wrong = np.flatnonzero(np.isfinite(values) & ~((values >= FILAMENTS_G[0]) & (values <= most)))
            if len(wrong):
                found = f"{column.name} is {values[wrong[0]]:g} in row {wrong[0]} ({len(wrong)} of {len(values)} rows)"
                yield Problem(table, f"{found}; expected {FILAMENTS_G[0]:g} to {most:g} g")


@check(
    severity="error",
    why="A part of the skeleton without positions makes whoever draws the animal fail, or draw another part.",
    remedy="write a series for each node, or name the nodes that were tracked",
)
def behavior_skeleton_nodes(reading: Reading) -> Iterator[Problem]:
    """Nodes of a skeleton that have no series, and series that are no node."""
    for pose in reading.objects("PoseEstimation"):
        skeleton = getattr(pose, "skeleton", None)
        if skeleton is None:
            continue
        nodes = {
            str(name.decode() if isinstance(name, bytes) else name).replace("/", "_").replace(":", "_")
            for name in skeleton.nodes[:]
        }
        tracked = set(pose.pose_estimation_series)
        lost = sorted(name for name in nodes if not any(_same(name, one) for one in tracked))
        if lost:
            yield Problem(pose, f"{', '.join(lost)} of its skeleton {'has' if len(lost) == 1 else 'have'} no series")
        edges = getattr(skeleton, "edges", None)
        if edges is not None and len(edges) and int(np.max(edges[:])) >= len(nodes):
            yield Problem(skeleton, f"an edge names node {int(np.max(edges[:]))}, and there are {len(nodes)}")


def _same(node: str, series: str) -> bool:
    """Whether a series is that of a node: by its name, or with what programs put before or behind it."""
    one, other = (re.sub(r"[\W_]+", "", text).lower() for text in (node, series))
    return one == other or other.endswith(one) or other.startswith(one) or other.removeprefix("poseestimationseries") == one


@check(
    severity="error",
    why="With another number of frames than the video has, positions and frames are of different moments.",
    remedy="count the frames of the video, and write one time and one position a frame",
)
def behavior_video_frames(reading: Reading) -> Iterator[Problem]:
    """A video whose number of frames contradicts its times, or the positions that were tracked in it."""
    for series in reading.objects("ImageSeries"):
        n = getattr(series, "num_samples", None)
        if getattr(series, "external_file", None) is None or n is None or int(n) == 0:
            continue
        if series.timestamps is not None and len(series.timestamps) != int(n):
            yield Problem(series, f"num_samples is {int(n)}, and it has {len(series.timestamps)} timestamps")
        counted = _frames_in_headers(reading, series)
        if counted is not None and counted != int(n):
            found = f"num_samples is {int(n)}, and by its own header the video has {counted} frames"
            is_part = counted > int(n)  # a person may have said that the first frames only are used
            yield Problem(series, found, severity="note" if is_part else None)
    for pose in reading.objects("PoseEstimation"):
        video = getattr(pose, "source_video", None)
        if video is None:
            continue
        n = int(getattr(video, "num_samples", None) or 0)
        for series in pose.pose_estimation_series.values() if n else ():
            if len(series.data) > n:
                yield Problem(series, f"it has {len(series.data)} positions, and the video {video.name} {n} frames")
            elif len(series.data) != n and _same_times(series, video):
                found = f"it has {len(series.data)} positions, and the video {video.name} {n} frames"
                yield Problem(series, found, severity="warning")


def _frames_in_headers(reading: Reading, series: Any) -> int | None:
    """How many frames the files of a video say that they have; None where one is not there or does not say it."""
    import av

    folder = Path(str(reading.file.filename)).parent if reading.file is not None else None
    total = 0
    for name in np.ravel(series.external_file[:]) if folder is not None else ():
        path = folder / (name.decode() if isinstance(name, bytes) else str(name)) if folder is not None else None
        if path is None or not path.is_file():
            return None
        try:
            with av.open(path) as container:
                count = container.streams.video[0].frames if container.streams.video else 0
        except (av.FFmpegError, OSError):
            return None
        if not count:
            return None
        total += count
    return total or None


def _same_times(series: Any, video: Any) -> bool:
    """Whether a series claims to have begun with the video, at its rate."""
    return series.rate is not None and series.rate == video.rate and series.starting_time == video.starting_time
