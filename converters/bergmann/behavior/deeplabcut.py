"""DeepLabCut: where body parts were in each frame of a video, from the CSV or HDF5 file of `analyze_videos`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from bergmann.behavior._dlc import Tracked, is_tracked, read_tracked, says_deeplabcut
from bergmann.behavior._tracked import read_pose
from bergmann.errors import SourceError
from bergmann.records import Pose, Video
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.stated import Frequency, Ref
from bergmann.tables import Encoding


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
    encoding : str, optional
        Of a CSV that was saved again as other than UTF-8, e.g. ``cp949``.
    """

    format: Literal["deeplabcut"] = "deeplabcut"
    path: Path
    of: Ref[Video] | None = None
    rate: Frequency | None = None
    individual: str | None = None
    software: str | None = None
    encoding: Encoding | None = None


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
    parts = [read_tracked(path, source.encoding) for path in expand(source.path)]
    video = inputs.get("of")
    return read_pose(
        parts,
        individual=source.individual,
        video=video if isinstance(video, Video) else None,
        rate=source.rate,
        software=_software(source, parts[0]),
        named_after=[tracked_video(part.path, part.scorer) for part in parts],
    )


def _software(source: DeepLabCutSource, tracked: Tracked) -> str:
    if source.software is not None:
        return source.software
    if says_deeplabcut(tracked.scorer):
        return "DeepLabCut"
    raise SourceError(
        f"{tracked.path.name}: the scorer {tracked.scorer!r} is not one that DeepLabCut names (DLC_...); state `software:`, e.g. "
        "`software: SLEAP`, or `format: lightningpose` for a file of Lightning Pose"
    )


def tracked_video(path: Path, scorer: str) -> str | None:
    """Base name, without suffix, of the video that the file is named after: ``<video><scorer>.csv``; None if it is not."""
    for mark in (scorer, "DLC", "DeepCut"):
        head, found, _ = path.name.partition(mark)
        if found and head:
            return head
    return None


FORMAT = Format(source=DeepLabCutSource, record=Pose, label="DeepLabCut (CSV, HDF5)", find=find, read=read)
