"""The videos of the paw and of the face, drawn from the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.rig.truth import Truth

Codec = Literal["mjpeg", "mpeg4"]

Draw = Callable[[int], NDArray[np.uint8]]
"""(frame): the picture, shape (height, width), uint8."""


def paw_picture(truth: Truth) -> Draw:
    """How to draw the paw: a bright spot at each tracked body part."""
    height, width = truth.rig.video_shape
    rows, columns = np.mgrid[:height, :width]

    def draw(frame: int) -> NDArray[np.uint8]:
        x, y = truth.paw[frame].T[:, :, None, None]
        spots = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 18).max(axis=0)
        return np.asarray(40 + 180 * spots, dtype=np.uint8)

    return draw


def face_picture(truth: Truth) -> Draw:
    """How to draw the face: an oval, and a tongue while the animal licks."""
    height, width = truth.rig.video_shape
    rows, columns = np.mgrid[:height, :width]
    face = ((rows / height - 0.45) / 0.4) ** 2 + ((columns / width - 0.5) / 0.35) ** 2 < 1
    tongue = (np.abs(columns / width - 0.5) < 0.06) & (rows / height > 0.7)
    resting = np.where(face, 130, 30).astype(np.uint8)
    licking = np.where(tongue, 230, resting).astype(np.uint8)
    stops = truth.lick_times + truth.lick_durations

    def draw(frame: int) -> NDArray[np.uint8]:
        time = truth.camera_times[frame]
        return licking if bool(((truth.lick_times <= time) & (time < stops)).any()) else resting

    return draw


def write_video(path: Path, draw: Draw, frames: range, *, rate: float, codec: Codec) -> Path:
    """Write frames as a video; the decoded frames are the same each time, the bytes may carry the encoder's version.

    Parameters
    ----------
    path : Path
        ``.avi`` or ``.mp4``.
    draw : callable (frame) -> np.ndarray, shape (height, width), uint8
    frames : range
        Which frames are in this file.
    rate : float
        Frames per second, as the camera's clock counts them.
    codec : {"mjpeg", "mpeg4"}
    """
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(rate).limit_denominator(1001))
        height, width = draw(frames.start).shape
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 100_000
        stream.thread_count = 1
        for picture in _pictures(draw, frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray").reformat(format=stream.pix_fmt)))
        container.mux(stream.encode())
    return path


def _pictures(draw: Draw, frames: range) -> Iterator[NDArray[np.uint8]]:
    for frame in frames:
        yield draw(frame)


def parts(n_frames: int, n_files: int) -> tuple[range, ...]:
    """Frames of each file, in order, where a video is split into `n_files`."""
    edges = [round(index * n_frames / n_files) for index in range(n_files + 1)]
    return tuple(range(start, stop) for start, stop in pairwise(edges))
