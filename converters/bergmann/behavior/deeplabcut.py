"""DeepLabCut: where body parts were in each frame of a video, from the CSV or HDF5 file of `analyze_videos`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from bergmann.behavior._dlc import Tracked, is_tracked, read_tracked, says_deeplabcut
from bergmann.errors import SourceError
from bergmann.records import Keypoint, Pose, Video
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.stated import Frequency, Ref
from bergmann.timing.times import RegularTimes, Times


class DeepLabCutSource(Source):
    """Body parts tracked by DeepLabCut (or by software that writes its files).

    Attributes
    ----------
    path : Path
        ``.csv`` or ``.h5``; a pattern of several files, one for each file of the video, in the same order.
    of : Ref[Video], optional
        The video that was tracked; its frames give the times.
    rate : Frequency, optional
        Frames per second, where no video is converted.
    individual : str, optional
        Which animal, where the file has several.
    software : str, optional
        Who wrote the file, where its scorer is not one of DeepLabCut.
    """

    format: Literal["deeplabcut"] = "deeplabcut"
    path: Path
    of: Ref[Video] | None = None
    rate: Frequency | None = None
    individual: str | None = None
    software: str | None = None


def find(folder: Path) -> Iterator[DeepLabCutSource]:
    """Tracked files in the folder and below; of a CSV and an HDF5 file of one name, the HDF5 file, which is not rounded."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_tracked(path)]
    for path in found:
        if path.suffix.lower() != ".csv" or path.with_suffix(".h5") not in found:
            yield DeepLabCutSource(path=path)


def read(source: DeepLabCutSource, inputs: Inputs) -> Pose:
    """Read the positions, and take the times from the video or the stated rate.

    Raises
    ------
    SourceError
        If a file is not of DeepLabCut, the number of frames is not that of the video, several animals are tracked and none is
        chosen, or neither a video nor a rate is stated.
    """
    parts = [read_tracked(path) for path in expand(source.path)]
    _same_columns(parts)
    first = parts[0]
    individual = _individual(first, source.individual)
    n_frames = sum(len(part.frames) for part in parts)
    video = inputs.get("of")
    notes = {}
    if isinstance(video, Video) and (mismatch := _other_video(parts, video)):
        notes["video_mismatch"] = mismatch
    return Pose(
        files=tuple(part.path for part in parts),
        keypoints=tuple(_keypoint(parts, individual, name) for name in first.bodyparts(individual)),
        times=_times(source, first.path, n_frames, video if isinstance(video, Video) else None),
        scorer=first.scorer,
        software=_software(source, first),
        video=", ".join(file.name for file in video.files) if isinstance(video, Video) else tracked_video(first.path, first.scorer),
        notes=notes,
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
    if chosen is not None and chosen not in there:
        known = ", ".join(one for one in there if one) or "one animal, without a name"
        raise SourceError(f"{tracked.path.name}: no individual {chosen!r}; the file has: {known}")
    return there[0] if chosen is None else chosen


def _keypoint(parts: list[Tracked], individual: str, name: str) -> Keypoint:
    x, y, confidence = (
        np.concatenate([part.column(individual, name, coord) for part in parts]) for coord in ("x", "y", "likelihood")
    )
    return Keypoint(name=name, positions=np.column_stack([x, y]), confidence=confidence)


def _times(source: DeepLabCutSource, path: Path, n_frames: int, video: Video | None) -> Times:
    if video is not None:
        if len(video.times) != n_frames:
            raise SourceError(
                f"{path.name}: positions for {n_frames} frames, and {len(video.times)} frames in {video.files[0].name}"
                f"{' and the files behind it' if len(video.files) > 1 else ''}; was another video tracked, or only a part of it?"
            )
        return video.times
    if source.rate is None:
        raise SourceError(
            f"{path.name}: the file has no times; state the video it was tracked in (`of: face_cam`) or `rate: 30 Hz`"
        )
    return RegularTimes(0.0, source.rate.to("Hz"), n_frames)


def _software(source: DeepLabCutSource, tracked: Tracked) -> str:
    if source.software is not None:
        return source.software
    if says_deeplabcut(tracked.scorer):
        return "DeepLabCut"
    raise SourceError(
        f"{tracked.path.name}: the scorer {tracked.scorer!r} is not one that DeepLabCut names (DLC_...); state `software:`, e.g. "
        "`software: Lightning Pose`"
    )


def tracked_video(path: Path, scorer: str) -> str | None:
    """Base name, without suffix, of the video that the file is named after: ``<video><scorer>.csv``; None if it is not."""
    for mark in (scorer, "DLC", "DeepCut"):
        head, found, _ = path.name.partition(mark)
        if found and head:
            return head
    return None


def _other_video(parts: list[Tracked], video: Video) -> str | None:
    """What is odd where a file is named after none of the video's files; the name alone proves nothing."""
    stems = {file.stem for file in video.files}
    named = [tracked_video(part.path, part.scorer) for part in parts]
    odd = [name for name in named if name is not None and not any(name == stem or stem.startswith(f"{name}_") for stem in stems)]
    return f"named after the video {odd[0]!r}, and `of` names {', '.join(sorted(stems))}" if odd else None


FORMAT = Format(source=DeepLabCutSource, record=Pose, label="DeepLabCut (CSV, HDF5)", find=find, read=read)
