"""SLEAP: where body parts of one animal were in each frame of a video, from a labels file or an analysis file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.behavior._sleap import base_name, is_sleap, load_labels, made_of, models
from bergmann.behavior._tracked import other_video, rate_times, video_name
from bergmann.errors import SourceError
from bergmann.records import Keypoint, Pose, Video
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.stated import Frequency, Ref

if TYPE_CHECKING:
    from sleap_io import Instance, LabeledFrame, Labels


class SleapSource(Source):
    """Body parts tracked, or labelled by a person, in SLEAP.

    Attributes
    ----------
    path : Path
        Labels (``.slp``) or an analysis file (``.h5``).
    of : Ref[Video], optional
        The video that was tracked; its frames give the times.
    rate : Frequency, optional
        Frames per second, where no video is converted; the frames then end with the last one that has an animal.
    individual : str, optional
        Which track, where the file has several.
    video : str, optional
        Base name of the video in the file, where it has several that are not all files of one video.
    """

    format: Literal["sleap"] = "sleap"
    path: Path
    of: Ref[Video] | None = None
    rate: Frequency | None = None
    individual: str | None = None
    video: str | None = None


def find(folder: Path) -> Iterator[SleapSource]:
    """Files of SLEAP in the folder and below; of labels and an analysis file made of them, the labels, which say more."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_sleap(path)]
    labels = {path.name for path in found if path.suffix.lower() == ".slp"}
    for path in found:
        if path.suffix.lower() == ".slp" or made_of(path) not in labels:
            yield SleapSource(path=path)


def read(source: SleapSource, inputs: Inputs) -> Pose:
    """Read the positions of one animal, and take the times from the video or the stated rate.

    Where a frame holds both a prediction and a label of a person, the label counts, as in SLEAP itself; it has no confidence (NaN).
    A frame without the animal is NaN.

    Raises
    ------
    SourceError
        If the file is not of SLEAP, has several tracks or videos and none is chosen, holds two animals in a frame that no track
        tells apart, has a frame that the video does not have, or neither a video nor a rate is stated.
    MissingExtraError
        If SLEAP's reader is not installed.
    """
    (path,) = expand(source.path)
    labels = load_labels(path)
    of = inputs.get("of")
    video = of if isinstance(of, Video) else None
    named, frames = _frames_of(path, labels, source.video, video)
    individual = _individual(path, list(frames.values()), source.individual)
    animal = {index: found for index, frame in frames.items() if (found := _animal(path, frame, individual)) is not None}
    times = rate_times(path, max(animal) + 1, source.rate) if video is None else video.times
    mismatch = other_video([Path(name).stem for name in named], video) if video is not None else None
    version = str(labels.provenance.get("sleap_version") or "")
    notes = {"video_mismatch": mismatch, "software_version": version}
    return Pose(
        files=(path,),
        keypoints=_keypoints(path, animal, len(times)),
        times=times,
        scorer=models(labels.provenance),
        software="SLEAP",
        video=", ".join(named) or None if video is None else video_name(video),
        edges=_edges(next(iter(animal.values())).skeleton),
        basis=_basis(list(frames.values()), animal, len(times)),
        notes={key: value for key, value in notes.items() if value},
    )


def _frames_of(path: Path, labels: Labels, chosen: str | None, video: Video | None) -> tuple[list[str], dict[int, LabeledFrame]]:
    """Base names of the videos in the file that are meant, and the frames that hold an animal, by their number in `video`."""
    by_name: dict[str, list[LabeledFrame]] = {}
    for frame in labels.labeled_frames:
        if frame.instances:
            by_name.setdefault(_video_of(frame), []).append(frame)
    if not by_name:
        raise SourceError(f"{path.name}: no animal in any frame")
    if chosen is not None and chosen not in by_name:
        raise SourceError(f"{path.name}: no animal in a video {chosen!r}; the file has: {', '.join(by_name)}")
    names = list(by_name) if chosen is None else [chosen]
    frames: dict[int, LabeledFrame] = {}
    for name, (first, count) in _places(path, names, video).items():
        for frame in by_name[name]:
            if frame.frame_idx >= count:
                raise SourceError(
                    f"{path.name}: frame {frame.frame_idx} of {name or 'its video'} (counted from 0), which has {count} frames; "
                    "was another video tracked?"
                )
            if first + frame.frame_idx in frames:
                raise SourceError(
                    f"{path.name}: frame {frame.frame_idx} of {name} is there twice; are there two videos of that name in it?"
                )
            frames[first + frame.frame_idx] = frame
    return [name for name in names if name], frames


def _places(path: Path, names: list[str], video: Video | None) -> dict[str, tuple[int, float]]:
    """First frame and number of frames of each tracked video in the video that gives the times, which may have several files."""
    if video is None or len(video.files) == 1:
        if len(names) > 1:
            raise SourceError(f"{path.name}: {len(names)} videos; state `video:` as one of: {', '.join(names)}")
        return {names[0]: (0, np.inf if video is None else len(video.times))}
    starts = np.cumsum([0, *video.frame_counts[:-1]])
    there = {file.stem: (int(start), count) for file, start, count in zip(video.files, starts, video.frame_counts, strict=True)}
    for name in names:
        if Path(name).stem not in there:
            raise SourceError(
                f"{path.name}: tracked in {name or 'a video without a name'}, and the files of the video are {video_name(video)}; "
                "which of them it is cannot be told"
            )
    return {name: there[Path(name).stem] for name in names}


def _video_of(frame: LabeledFrame) -> str:
    file = frame.video.filename
    return base_name(str(file[0] if isinstance(file, list) and file else file or ""))


def _track(instance: Instance) -> str:
    """Name of the track; what a person labelled anew belongs to the track of the prediction it was made from."""
    track = instance.track or getattr(getattr(instance, "from_predicted", None), "track", None)
    return str(track.name) if track is not None else ""


def _individual(path: Path, frames: list[LabeledFrame], chosen: str | None) -> str:
    there = sorted({_track(instance) for frame in frames for instance in frame.instances} - {""})
    if chosen is None and len(there) > 1:
        raise SourceError(f"{path.name}: {len(there)} animals are tracked; state `individual:` as one of: {', '.join(there)}")
    if chosen is not None and chosen not in there:
        raise SourceError(f"{path.name}: no track {chosen!r}; the file has: {', '.join(there) or 'one animal, without a name'}")
    return chosen or (there[0] if there else "")


def _is_label(instance: Instance) -> bool:
    """Whether a person placed it."""
    return "score" not in (instance.points.dtype.names or ())


def _animal(path: Path, frame: LabeledFrame, individual: str) -> Instance | None:
    """The animal in one frame: the label of a person, else the prediction; None if it is not there."""
    there = [instance for instance in frame.instances if _track(instance) == individual]
    best = [instance for instance in there if _is_label(instance)] or there
    if len(best) > 1:
        what = f"the track {individual!r} is there {len(best)} times" if individual else f"{len(best)} animals and no tracks"
        raise SourceError(
            f"{path.name}: frame {frame.frame_idx}: {what}; proofread the tracks in SLEAP, so that one animal can be told from the "
            "others"
        )
    return best[0] if best else None


def _keypoints(path: Path, animal: dict[int, Instance], n_frames: int) -> tuple[Keypoint, ...]:
    """Positions and scores of each body part; NaN in a frame without the animal, and where a person or the model gave none."""
    nodes = next(iter(animal.values())).skeleton.node_names
    if any(instance.skeleton.node_names != nodes for instance in animal.values()):
        raise SourceError(f"{path.name}: the animal has more than one skeleton; expected one")
    positions: NDArray[np.float64] = np.full((n_frames, len(nodes), 2), np.nan)
    confidence: NDArray[np.float64] = np.full((n_frames, len(nodes)), np.nan)
    for index, instance in animal.items():
        positions[index] = instance.numpy()
        if not _is_label(instance):
            confidence[index] = instance.points["score"]
    return tuple(
        Keypoint(name=name, positions=positions[:, number].copy(), confidence=confidence[:, number].copy())
        for number, name in enumerate(nodes)
    )


def _edges(skeleton: Any) -> tuple[tuple[str, str], ...] | None:
    return tuple((edge.source.name, edge.destination.name) for edge in skeleton.edges) or None


def _basis(frames: list[LabeledFrame], animal: dict[int, Instance], n_frames: int) -> str:
    """What a reader of the file must know of these positions."""
    labelled = sum(_is_label(instance) for instance in animal.values())
    nameless = sum(not _track(instance) for frame in frames for instance in frame.instances)
    named = any(_track(instance) for instance in animal.values())
    parts = [
        f"In {labelled} of {n_frames} frames the positions are those that a person labelled, which count more than a prediction "
        "and have no confidence (NaN)."
        if labelled
        else "",
        f"{nameless} instances without a track are left out." if named and nameless else "",
        f"{n_frames - len(animal)} of {n_frames} frames hold no such animal (NaN)." if len(animal) < n_frames else "",
    ]
    return " ".join(part for part in parts if part)


FORMAT = Format(source=SleapSource, record=Pose, label="SLEAP (SLP, analysis HDF5)", find=find, read=read)
