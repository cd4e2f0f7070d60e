"""What a video container says of its frames, found by walking its packets without decoding a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.times import ExplicitTimes, RegularTimes, Times

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTAINERS = frozenset({"avi", "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpeg", "mpegts", "asf", "flv", "ogg", "mxf", "nut"})
"""Names that FFmpeg gives to containers that carry frame times (``ffmpeg -formats``)."""

BARE_STREAMS = frozenset({"h264", "hevc", "m4v", "mjpeg", "mpegvideo", "obu", "ivf"})
"""Streams without a container: FFmpeg invents 25 frames a second for them."""

SUFFIXES = frozenset({".avi", ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".wmv", ".asf", ".flv", ".mxf"})


@dataclass(frozen=True, eq=False)
class Media:
    """One video file.

    Attributes
    ----------
    size : tuple of int
        (width, height) in pixels.
    rate : float
        Average frames per second, as the container states it.
    seconds : np.ndarray, shape (n_frames,), float64
        When each frame is shown, in order; the first is at zero.
    tick : float
        Resolution of these times, in seconds.
    """

    size: tuple[int, int]
    rate: float
    seconds: NDArray[np.float64]
    tick: float

    @property
    def times(self) -> Times:
        """The frame times: regular if none is further than a tick from the container's average rate."""
        grid = np.arange(len(self.seconds)) / self.rate
        if np.all(np.abs(self.seconds - grid) <= self.tick * 1.001):
            return RegularTimes(0.0, self.rate, len(self.seconds))
        return ExplicitTimes(self.seconds)

    @property
    def length(self) -> float:
        """Time from the start of the first frame to the end of the last, in seconds."""
        return float(self.seconds[-1]) + 1 / self.rate


def is_video(path: Path) -> bool:
    """Whether the file is a container with a video stream; never raises."""
    import av

    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return False
    try:
        with av.open(str(path)) as container:
            return container.format.name in CONTAINERS and bool(container.streams.video)
    except (av.FFmpegError, OSError, ValueError):
        return False


def read_media(path: Path) -> Media:
    """Read size, rate and the time of every frame of a video file; a file that did not change is walked once.

    Raises
    ------
    SourceError
        If the file is no video, has no frame, is cut off (fewer frames than its header counts, or a damaged packet), or is a bare
        stream, which has no frame times.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise SourceError(f"{path.name}: cannot be opened ({error.strerror})") from error
    return _walk(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=16)
def _walk(path: Path, size: int, changed: int) -> Media:  # noqa: ARG001  size and time of change are the key of the cache
    import av

    try:
        with av.open(str(path)) as container:
            stream = _video_stream(path, container)
            times, without_time = _frame_times(path, container, stream)
            return _media(path, stream, times, without_time)
    except (av.FFmpegError, OSError) as error:
        raise SourceError(
            f"{path.name}: not a video that can be read, or cut off before its index was written "
            f"({error.strerror or type(error).__name__}); expected a whole AVI, MP4, MOV or MKV file"
        ) from error


def _video_stream(path: Path, container: Any) -> Any:
    if container.format.name in BARE_STREAMS:
        raise SourceError(
            f"{path.name}: a bare {container.format.name} stream, which says no frame times and no rate; put it into a container "
            f"with the camera's true rate, e.g. ffmpeg -framerate RATE -i {path.name} -c copy {path.stem}.mp4"
        )
    if container.format.name not in CONTAINERS or not container.streams.video:
        raise SourceError(f"{path.name}: not a video ({container.format.long_name}); expected AVI, MP4, MOV or MKV with pictures")
    return container.streams.video[0]


def _frame_times(path: Path, container: Any, stream: Any) -> tuple[list[int], int]:
    """Presentation times in ticks of the frames that have one, and how many have none."""
    times: list[int] = []
    without_time = 0
    for packet in container.demux(stream):
        if packet.size == 0 or packet.is_discard:  # the flush at the end; an AVI's empty chunk; what an edit list cuts away
            continue
        if packet.is_corrupt:
            raise SourceError(f"{path.name}: frame {len(times) + without_time} is damaged; is the file cut off or badly copied?")
        if packet.pts is None:
            without_time += 1
        else:
            times.append(packet.pts)
    return times, without_time


def _media(path: Path, stream: Any, times: list[int], without_time: int) -> Media:
    count = len(times) + without_time
    if not count:
        raise SourceError(f"{path.name}: no frame in this video; was the recording stopped before it began?")
    if stream.frames > count and not _skips(stream, times):
        raise SourceError(
            f"{path.name}: {count} frames found and {stream.frames} counted in its header; it is cut off. Copy it again, or repair "
            "it with: ffmpeg -i IN -c copy OUT"
        )
    if not stream.average_rate:
        raise SourceError(
            f"{path.name}: the container states no frame rate; put it into another one with: ffmpeg -i IN -c copy OUT.mp4"
        )
    rate, tick = float(stream.average_rate), float(stream.time_base)
    if without_time:  # AVI with reordered frames keeps no time a frame, only its constant rate
        seconds = np.arange(count) / rate
    else:
        ticks = np.sort(np.asarray(times, dtype=np.int64))
        seconds = (ticks - ticks[0]) * tick
    return Media((int(stream.width), int(stream.height)), rate, seconds, tick)


def _skips(stream: Any, times: list[int]) -> bool:
    """Whether frames are missing in the middle only: an AVI counts frames that the camera skipped, as chunks without a picture."""
    is_avi = stream.container.format.name == "avi"
    return bool(is_avi and times and max(times) - min(times) + 1 >= stream.frames)


def join(parts: Sequence[Media]) -> Times:
    """Frame times of several files behind each other, each beginning where the one before ends.

    Parameters
    ----------
    parts : sequence of Media
        In order; at least one.
    """
    own = [part.times for part in parts]
    first = own[0]
    if isinstance(first, RegularTimes) and all(isinstance(one, RegularTimes) and one.rate == first.rate for one in own):
        return RegularTimes(0.0, first.rate, sum(len(one) for one in own))
    starts = np.concatenate([[0.0], np.cumsum([part.length for part in parts])[:-1]])
    return ExplicitTimes(np.concatenate([start + part.seconds for start, part in zip(starts, parts, strict=True)]))
