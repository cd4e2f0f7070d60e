"""Lightning Pose: where body parts were in each frame of a video, from the CSV file of its predictions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from bergmann.behavior._dlc import Tracked, is_table, read_csv
from bergmann.behavior._tracked import read_pose
from bergmann.errors import SourceError
from bergmann.records import Pose, Video
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.stated import Frequency, Ref
from bergmann.tables import Encoding

NOT_PREDICTIONS = ("_temporal_norm", "_pca_singleview_error", "_pca_multiview_error", "_pixel_error")
"""What the names of the tables of losses end with that Lightning Pose writes beside its predictions; they hold no positions."""


class LightningPoseSource(Source):
    """Body parts tracked by Lightning Pose, or smoothed by its ensemble Kalman smoother (EKS).

    Attributes
    ----------
    path : Path
        ``.csv`` of predictions; a pattern of several files, one for each file of the video, in the same order.
    of : Ref[Video], optional
        The video that was tracked; its frames give the times.
    rate : Frequency, optional
        Frames per second, where no video is converted.
    encoding : str, optional
        Of a CSV that was saved again as other than UTF-8, e.g. ``cp949``.
    """

    format: Literal["lightningpose"] = "lightningpose"
    path: Path
    of: Ref[Video] | None = None
    rate: Frequency | None = None
    encoding: Encoding | None = None


def says_lightning_pose(scorer: str) -> bool:
    """Whether a scorer is one of Lightning Pose: ``heatmap_tracker``, ``heatmap_mhcrnn_tracker``, ``ensemble-kalman_tracker``."""
    return scorer.endswith("_tracker")


def find(folder: Path) -> Iterator[LightningPoseSource]:
    """Predictions in the folder and below."""
    for path in sorted(folder.rglob("*.csv")):
        if path.is_file() and is_table(path, says_lightning_pose):
            yield LightningPoseSource(path=path)


def read(source: LightningPoseSource, inputs: Inputs) -> Pose:
    """Read the positions, and take the times from the video or the stated rate.

    Raises
    ------
    SourceError
        If a file is not one of Lightning Pose's predictions, the number of frames is not that of the video, or neither a video nor
        a rate is stated.
    """
    parts = [_read(path, source.encoding) for path in expand(source.path)]
    video = inputs.get("of")
    return read_pose(
        parts,
        individual=None,
        video=video if isinstance(video, Video) else None,
        rate=source.rate,
        software="Lightning Pose",
        named_after=[part.path.stem for part in parts],
    )


def _read(path: Path, encoding: str | None) -> Tracked:
    if path.stem.endswith(NOT_PREDICTIONS):
        raise SourceError(f"{path.name}: a table of losses, which has no positions; name the predictions beside it")
    tracked = read_csv(path, written_by="Lightning Pose", encoding=encoding)
    if not says_lightning_pose(tracked.scorer):
        raise SourceError(
            f"{path.name}: the scorer {tracked.scorer!r} is not one that Lightning Pose names (heatmap_tracker, ...); is it a file "
            "of DeepLabCut (`format: deeplabcut`)?"
        )
    return tracked


FORMAT = Format(source=LightningPoseSource, record=Pose, label="Lightning Pose (CSV)", find=find, read=read)
