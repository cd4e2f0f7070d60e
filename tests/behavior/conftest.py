"""Small real files that the tests of this room make, and how a record reaches a file and comes back."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from bergmann.registry import Entry, Placed
from bergmann.stated import Ref


def _write_video(
    path: Path, *, frames: int = 20, rate: Fraction | int = 25, size=(64, 48), ticks=None, codec="mpeg4", container=None, base=1000
) -> Path:
    """Write a video of `frames` frames; `ticks` are presentation times in 1/`base` s where they are not regular."""
    with av.open(str(path), "w", format=container) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if ticks is not None:
            stream.codec_context.time_base = Fraction(1, base)
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), (number * 11) % 256, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if ticks is not None:
                frame.pts, frame.time_base = int(ticks[number]), Fraction(1, base)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def _entry(name: str, record: Any, stated: Any, of: str | None = None) -> Entry:
    """An entry whose source has only the reference that a writer looks at."""

    class Derived:
        pass

    source: Any = Derived()
    source.of = None if of is None else Ref(of)
    return Entry(name=name, record=record, stated=stated, source=source)


def _placed(**collections: Any) -> Placed:
    return Placed(stream=lambda array: array[slice(None)], collections=collections)


def _written(nwbfile: Any, path: Path) -> Any:
    """Write the file, validate it, and give it back as read from disk (open; the caller closes its reader).

    As the writer does, it gets one top namespace: pynwb validates against each by itself, and other tests import other extensions.
    """
    import pynwb

    from bergmann.writing.namespaces import use_one_namespace

    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    use_one_namespace(path)
    assert pynwb.validate(path=str(path)) == []
    return pynwb.NWBHDF5IO(path, "r")


@pytest.fixture
def write_video() -> Any:
    return _write_video


@pytest.fixture
def entry() -> Any:
    return _entry


@pytest.fixture
def placed() -> Any:
    return _placed


@pytest.fixture
def written() -> Any:
    return _written
