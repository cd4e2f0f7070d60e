"""Pictures and thumbnails show what is in the arrays."""

from __future__ import annotations

import io
import re
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bergmann.records import Channel, Recording
from bergmann.report.channels import COLUMNS, describe, envelope
from bergmann.report.html import el, text
from bergmann.report.pictures import mean_of, outline, shrink, stretch
from bergmann.report.png import encode_png
from bergmann.report.shown import one_line, visible
from bergmann.timing.times import ExplicitTimes


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (300, 7), (5, 9, 3)])
def test_a_png_decodes_to_its_pixels(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    with av.open(io.BytesIO(encode_png(pixels))) as container:
        frame = next(container.decode(video=0))
    found = frame.to_ndarray(format="rgb24" if len(shape) == 3 else "gray")
    np.testing.assert_array_equal(found, pixels)


@settings(deadline=None)
@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1))
def test_an_outline_runs_along_every_side_that_has_no_neighbour(pixels: set[tuple[int, int]]) -> None:
    mask = np.array([(y, x, 1) for y, x in pixels], dtype=[("y", "u4"), ("x", "u4"), ("weight", "f4")])
    sides = set()
    for x, y, way, length in re.findall(r"M(\d+) (\d+)([hv])(\d+)", outline(mask)):
        for step in range(int(length)):
            at = (int(x) + step, int(y)) if way == "h" else (int(x), int(y) + step)
            assert (*at, way) not in sides
            sides.add((*at, way))
    expected = set()
    for y, x in pixels:
        expected |= {(x, y, "h")} if (y - 1, x) not in pixels else set()
        expected |= {(x, y + 1, "h")} if (y + 1, x) not in pixels else set()
        expected |= {(x, y, "v")} if (y, x - 1) not in pixels else set()
        expected |= {(x + 1, y, "v")} if (y, x + 1) not in pixels else set()
    assert sides == expected


class Counting:
    """Frames that say which of them were read."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames = frames
        self.read: list[int] = []
        self.shape, self.dtype = frames.shape, frames.dtype

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, block: slice) -> np.ndarray:
        self.read += range(*block.indices(len(self.frames)))
        return self.frames[block]


@pytest.mark.parametrize(("n_frames", "n_read"), [(1, 1), (5, 5), (64, 64), (1000, 64)])
def test_a_mean_reads_few_frames_over_the_whole_movie_and_says_which(n_frames: int, n_read: int) -> None:
    frames = Counting(np.random.default_rng(2).integers(0, 60000, (n_frames, 2, 3, 4), dtype=np.uint16))
    mean = mean_of(frames)
    assert len(frames.read) == n_read
    assert mean.indices == tuple(frames.read)
    assert frames.read[-1] >= n_frames - n_frames // n_read - n_read
    np.testing.assert_allclose(mean.planes, frames.frames[frames.read].astype(float).mean(axis=0))
    assert {1: "frame 1 alone", 5: "frames 1 to 5", 64: "frames 1 to 64", 1000: "every 15th, from frame 1 to frame 946"}[
        n_frames
    ] in mean.basis("frame")


def test_the_contrast_is_stretched_between_what_it_says() -> None:
    image = np.linspace(100, 300, 10000).reshape(100, 100)
    found = stretch(image)
    assert (found.low, found.high) == (pytest.approx(101), pytest.approx(299))
    assert (found.pixels[0, 0], found.pixels[-1, -1]) == (0, 255)
    assert abs(int(found.pixels[50, 0]) - 128) <= 1


@pytest.mark.parametrize("value", [0.0, 7.5, np.nan])
def test_a_flat_picture_is_black(value: float) -> None:
    assert not stretch(np.full((3, 4), value)).pixels.any()


def test_a_large_picture_is_shrunk_by_means() -> None:
    image = np.arange(1000 * 1300, dtype=float).reshape(1000, 1300)
    small = shrink(image, 512)
    assert small.shape == (333, 433)
    assert small[0, 0] == image[:3, :3].mean()
    assert small[-1, -1] == image[996:999, 1296:1299].mean()


def channel(samples: np.ndarray, kind: str = "analog", unit: str = "V", **scale: float) -> tuple[Recording, Channel]:
    one = Channel(name="line", kind=kind, unit=unit, samples=samples, **scale)  # type: ignore[arg-type]
    starts = ExplicitTimes(np.zeros(1))
    return Recording(
        files=(Path("x.h5"),), rate=1000.0, sweep_starts=starts, sweep_lengths=np.array([len(samples)]), channels=(one,)
    ), one


@pytest.mark.parametrize("n_samples", [1, 10, COLUMNS, 100_003])
def test_an_envelope_has_every_extreme(n_samples: int) -> None:
    samples = np.random.default_rng(3).normal(size=n_samples)
    _, one = channel(samples)
    found = envelope(one)
    assert (found.read, found.total) == (n_samples, n_samples)
    assert (found.least, found.greatest) == (samples.min(), samples.max())
    assert len(found.low) == min(COLUMNS, n_samples)


def test_a_long_channel_is_read_in_part_and_says_so() -> None:
    samples = Counting(np.tile(np.array([0, 1], dtype=np.int16), 100_000))
    recording, one = channel(samples, conversion=0.5)  # type: ignore[arg-type]
    found = envelope(one, columns=100, most=10_000)
    assert len(samples.read) == found.read == 10_000
    assert describe(recording, one, found) == "analog, 0 to 0.5 V (from 5 % of its samples)"


def test_channels_are_described() -> None:
    def said(samples: np.ndarray, kind: str = "analog") -> str:
        recording, one = channel(samples, kind, "n.a." if kind == "digital" else "V")
        return describe(recording, one, envelope(one))

    line = np.tile(np.repeat([0, 1], 50), 1291)
    assert said(line, "digital") == "digital line: 1,291 pulses, usually 10 a second"
    assert said(line * 5.0) == "analog, 0 to 5 V, 1,291 pulses, usually 10 a second between two levels"
    assert said(np.zeros(50), "digital") == "digital, flat at 0"
    assert said(np.full(50, 1.25)) == "analog, flat at 1.25 V"
    assert said(np.full(50, np.nan)) == "analog, no value that is a number"


def test_text_is_escaped_and_markup_is_not() -> None:
    made = el("p", "<b>", el("b", "&"), title='"><img onerror=1>', hidden=True, aria_label=None)
    assert made == '<p title="&quot;&gt;&lt;img onerror=1&gt;" hidden>&lt;b&gt;<b>&amp;</b></p>'
    assert text(text("<")) == "&lt;"


def test_a_screen_obeys_nothing_in_a_text() -> None:
    assert visible("a\x1b[31mb\x00\x7f\x9b\u202e") == "a␛[31mb␀␡<U+009B><U+202E>"
    assert visible("µm 한국어 ± é") == "µm 한국어 ± é"
    assert one_line("a\r\nb\tc") == "a␍ b c"
