"""What every tracker's file needs to become a `Pose`: columns to keypoints, frames to times, and whether it is of that video."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bergmann.behavior._dlc import COORDS, Tracked
from bergmann.errors import SourceError
from bergmann.records import Keypoint, Pose, Video
from bergmann.stated import Quantity
from bergmann.texts import named
from bergmann.timing.times import RegularTimes, Times


def read_pose(
    parts: list[Tracked],
    *,
    individual: str | None,
    video: Video | None,
    rate: Quantity | None,
    software: str,
    named_after: list[str | None],
) -> Pose:
    """Make the pose of one animal of the tables of one tracker, one for each file of the video.

    Parameters
    ----------
    parts : list of Tracked
    individual : str, optional
        Which animal, where there are several.
    video : Video, optional
        Whose frames give the times.
    rate : Quantity, optional
        Frames per second, where there is no video.
    software : str
    named_after : list of str or None
        Base name of the video, without suffix, that each table is named after.

    Raises
    ------
    SourceError
        If the tables differ in their columns, the animal is not there or not chosen, the number of frames is not that of the
        video, or neither a video nor a rate is given.
    """
    _same_columns(parts)
    first = parts[0]
    animal = _individual(first, individual)
    mismatch = other_video(named_after, video) if video is not None else None
    return Pose(
        files=tuple(part.path for part in parts),
        keypoints=tuple(_keypoint(parts, animal, name) for name in first.bodyparts(animal)),
        times=_times(first.path, sum(len(part.frames) for part in parts), video, rate),
        scorer=first.scorer,
        software=software,
        video=named_after[0] if video is None else video_name(video),
        notes={} if mismatch is None else {"video_mismatch": mismatch},
    )


def _same_columns(parts: list[Tracked]) -> None:
    for part in parts[1:]:
        if part.columns != parts[0].columns or part.scorer != parts[0].scorer:
            raise SourceError(
                f"{part.path.name}: other body parts or another scorer than {parts[0].path.name}; track both with one model"
            )


def _individual(tracked: Tracked, chosen: str | None) -> str:
    there = tracked.individuals
    if chosen is None and len(there) > 1:
        raise SourceError(
            f"{tracked.path.name}: {len(there)} animals are tracked; state `individual:` as one of: {', '.join(there)}"
        )
    meant = named(chosen, there) if chosen is not None else there[0]
    if meant is None:
        known = ", ".join(one for one in there if one) or "one animal, without a name"
        raise SourceError(f"{tracked.path.name}: no individual {chosen!r}; the file has: {known}")
    return meant


def _keypoint(parts: list[Tracked], individual: str, name: str) -> Keypoint:
    """Position and likelihood, and whatever else the tracker says of each frame."""
    others = [coord for coord in parts[0].coords(individual, name) if coord not in COORDS]
    x, y, confidence, *rest = (
        np.concatenate([part.column(individual, name, coord) for part in parts]) for coord in (*COORDS, *others)
    )
    return Keypoint(
        name=name, positions=np.column_stack([x, y]), confidence=confidence, columns=dict(zip(others, rest, strict=True))
    )


def _times(path: Path, n_frames: int, video: Video | None, rate: Quantity | None) -> Times:
    if video is None:
        return rate_times(path, n_frames, rate)
    if len(video.times) != n_frames:
        raise SourceError(
            f"{path.name}: positions for {n_frames} frames, and {len(video.times)} frames in {video.files[0].name}"
            f"{' and the files behind it' if len(video.files) > 1 else ''}; was another video tracked, or only a part of it?"
        )
    return video.times


def rate_times(path: Path, n_frames: int, rate: Quantity | None) -> RegularTimes:
    """Times of the frames at the rate that is stated.

    Raises
    ------
    SourceError
        If none is.
    """
    if rate is None:
        raise SourceError(
            f"{path.name}: the file has no times; state the video it was tracked in (`of: face_cam`) or `rate: 30 Hz`"
        )
    return RegularTimes(0.0, rate.to("Hz"), n_frames)


def video_name(video: Video) -> str:
    """Base names of the video's files."""
    return ", ".join(file.name for file in video.files)


def other_video(named_after: list[str | None], video: Video) -> str | None:
    """What is odd where a file is named after none of the video's files; the name alone proves nothing."""
    stems = {file.stem for file in video.files}
    odd = [
        name for name in named_after if name is not None and not any(name == stem or stem.startswith(f"{name}_") for stem in stems)
    ]
    return f"named after the video {odd[0]!r}, and `of` names {', '.join(sorted(stems))}" if odd else None
