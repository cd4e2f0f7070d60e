"""Video of a camera: stays a file of its own; one file, or several that follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from bergmann.behavior._media import Media, is_video, join, read_media
from bergmann.errors import SourceError
from bergmann.records import Video
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.timing.times import RegularTimes


class VideoSource(Source):
    """A video file, or a pattern of files that one camera wrote one after the other."""

    format: Literal["video"] = "video"
    path: Path


def find(folder: Path) -> Iterator[VideoSource]:
    """Every file in the folder and below that is a container with a video stream."""
    for path in sorted(folder.rglob("*")):
        if is_video(path):
            yield VideoSource(path=path)


def _same_size(files: tuple[Path, ...], parts: list[Media]) -> tuple[int, int]:
    for path, part in zip(files, parts, strict=True):
        if part.size != parts[0].size:
            raise SourceError(
                f"{path.name}: frames of {part.size[0]} x {part.size[1]} pixels, and {parts[0].size[0]} x {parts[0].size[1]} in "
                f"{files[0].name}; files of one source come from one camera with one setting"
            )
    return parts[0].size


def read(source: VideoSource, inputs: Inputs) -> Video:  # noqa: ARG001
    """Read frame counts, frame times and size from the containers; no picture is decoded.

    The clock's zero is the first frame. Several files are taken to follow each other without a gap, until a clock says better.

    Raises
    ------
    SourceError
        If a file is missing, no video, or cut off, or if the files differ in size.
    """
    files = expand(source.path)
    parts = [read_media(path) for path in files]
    size = _same_size(files, parts)
    times = join(parts)
    kind = f"constant, {parts[0].rate:g} frames per second" if isinstance(times, RegularTimes) else "irregular, one time a frame"
    joined = f"; {len(files)} files taken to follow each other without a gap" if len(files) > 1 else ""
    return Video(
        files=files,
        frame_counts=tuple(len(part.seconds) for part in parts),
        times=times,
        size=size,
        notes={"container_times": f"{kind}{joined}"},
    )


FORMAT = Format(source=VideoSource, record=Video, label="video (AVI, MP4, MOV, MKV)", find=find, read=read)
