"""Records of which only some frames are used: what is left has the values and the times that it had before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bergmann.errors import SourceError
from bergmann.plan.sources import SourceEntry
from bergmann.records import Cuttable, FramesUsed, Keypoint, Movie, MovieChannel, Pose, Video
from bergmann.registry import load_formats
from bergmann.stated import Stated
from bergmann.timing.fit import fit_used
from bergmann.timing.times import ExplicitTimes, RegularTimes

FILE = (Path("m.tif"),)
UNEVEN = ExplicitTimes(np.array([0.0, 0.1, 0.25, 0.3, 0.5, 0.55, 0.7, 0.8]))
VALUES = np.arange(8 * 6, dtype=np.uint16).reshape(8, 2, 3)


class Counted:
    """An array that notes what is read of it."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.values, self.read, self.shape, self.dtype = values, [], values.shape, values.dtype  # type: ignore[var-annotated]

    def __getitem__(self, block: slice) -> np.ndarray[Any, Any]:
        self.read.append((block.start, block.stop))
        return self.values[block]  # type: ignore[no-any-return]


def movie(times: Any = UNEVEN, ticks: Any = None) -> tuple[Movie, Counted]:
    frames = Counted(VALUES)
    return Movie(files=FILE, channels=(MovieChannel(number=1, name="a", frames=frames),), times=times, ticks=ticks), frames


@pytest.mark.parametrize("times", [UNEVEN, RegularTimes(2.0, 8.0, 8)])
def test_a_movie_keeps_values_and_times_and_nothing_is_read_before_it_is_asked_for(times: Any) -> None:
    whole, frames = movie(times)
    cut = whole.cut(3, 6)
    assert not frames.read
    np.testing.assert_array_equal(cut.times.seconds, times.seconds[2:6])
    np.testing.assert_array_equal(cut.channels[0].frames[1:3], VALUES[3:5])
    assert frames.read == [(3, 5)]
    assert cut.channels[0].frames.shape == (4, 2, 3)
    assert (cut.used, cut.before, str(cut.used)) == (FramesUsed(3, 6, 8), 2, "frames 3 to 6 of 8")


def test_a_clock_line_ticks_for_the_frames_that_are_not_used_too() -> None:
    whole, _ = movie()
    assert whole.cut(3, 6).clock_times is whole.times
    planes = RegularTimes(0.0, 20.0, 16)
    assert movie(ticks=planes)[0].cut(3, 6).clock_times is planes
    moved = whole.cut(3, 6).aligned(10.0)
    assert moved.clock_times is not None
    assert (moved.clock_times.first, moved.times.first) == (10.0, 10.25)


def test_frames_that_are_not_there_are_refused() -> None:
    with pytest.raises(SourceError, match=r"m.tif: frames 3 to 9 are to be used, and there are 8"):
        movie()[0].cut(3, 9)


def test_a_pose_is_cut_in_all_its_columns() -> None:
    numbers = np.arange(8.0)
    nose = Keypoint(
        name="nose", positions=np.column_stack([numbers, -numbers]), confidence=numbers / 8, columns={"var": numbers * 2}
    )
    cut = Pose(files=FILE, keypoints=(nose,), times=UNEVEN, scorer=None, software="x").cut(2, 4)
    assert cut.keypoints[0].positions.tolist() == [[1, -1], [2, -2], [3, -3]]
    assert cut.keypoints[0].confidence.tolist() == [0.125, 0.25, 0.375]
    assert cut.keypoints[0].columns["var"].tolist() == [2, 4, 6]
    assert cut.times.seconds.tolist() == [0.1, 0.25, 0.3]


def test_a_video_is_cut_at_its_end_and_can_be_had_whole() -> None:
    video = Video(files=(Path("a.avi"), Path("b.avi")), frame_counts=(5, 3), times=UNEVEN, size=(4, 4))
    cut = video.cut(1, 6).aligned(1.0)
    assert cut.times.seconds.tolist() == (UNEVEN.seconds[:6] + 1).tolist()
    assert cut.whole.times.seconds.tolist() == (UNEVEN.seconds + 1).tolist()
    assert (cut.whole.used, cut.whole.cut(1, 6).used) == (None, FramesUsed(1, 6, 8))
    with pytest.raises(SourceError, match=r"a.avi: `frames: 2-6`, but a video file stays as it is"):
        video.cut(2, 6)


def test_movies_poses_and_videos_of_every_format_can_be_cut() -> None:
    cuttable = {one.record for one in load_formats() if issubclass(one.record, Cuttable)}
    assert cuttable == {Movie, Pose, Video}


@pytest.mark.parametrize("key", ["scanimage", "bruker", "tiff"])
@pytest.mark.parametrize(("word", "first", "last"), [("frames", 3, 6), ("frames", 1, 8), ("last_frame", 1, 5)])
def test_a_movie_of_every_format_is_used_in_part(small_lab: Any, key: str, word: str, first: int, last: int) -> None:
    kind = next(one for one in load_formats() if one.key == key)
    stated = {"last_frame": last} if word == "last_frame" else {}
    entry = SourceEntry(
        name="movie",
        format=kind,
        source=kind.source(**small_lab.keys[key], **stated),
        stated=Stated(),
        frames=None if stated else (first, last),
    )
    whole, cut = kind.read(kind.source(**small_lab.keys[key]), {}), entry.read({})
    assert isinstance(whole, Movie)
    assert isinstance(cut, Movie)
    n_frames = len(whole.times)
    np.testing.assert_allclose(cut.times.seconds, whole.times.seconds[first - 1 : last], rtol=0, atol=1e-12)
    for mine, theirs in zip(cut.channels, whole.channels, strict=True):
        np.testing.assert_array_equal(mine.frames[0 : last - first + 1], theirs.frames[first - 1 : last])
    assert cut.clock_times is not None
    np.testing.assert_array_equal(cut.clock_times.seconds, whole.clock_times.seconds)  # type: ignore[union-attr]
    assert cut.used == (None if (first, last) == (1, n_frames) and stated else FramesUsed(first, last, n_frames))
    assert entry.is_cut


# --- the clock --------------------------------------------------------------------------------------------------------

OWN = RegularTimes(0.0, 10.0, 100)


def test_pulses_of_frames_that_are_not_used_need_not_be_as_many() -> None:
    line = 5.0 + np.arange(130) / 10
    for pulses, said in ((line, "100 frames in the files and 130"), (line[:60], "100 frames in the files and 60")):
        fit = fit_used(OWN, pulses, until=4.9, resolution=1e-3, source="movie", line="daq/FrameClock")
        assert (fit.offset, fit.n_pulses, fit.n_events) == (pytest.approx(5.0), min(len(pulses), 100), min(len(pulses), 100))
        assert fit.residual == pytest.approx(0.0, abs=1e-9)
        assert fit.remark.startswith(f"{said} pulses on daq/FrameClock: the first")
        assert fit.remark in fit.method


def test_every_frame_that_is_used_needs_its_pulse() -> None:
    with pytest.raises(SourceError, match=r"movie: 50 frames are to be used, but only 49 pulses are on .*`last_frame: 49`"):
        fit_used(OWN, np.arange(49) / 10, until=4.9, resolution=1e-3, source="movie", line="daq/FrameClock")


def test_a_line_of_another_rate_is_refused_as_ever() -> None:
    with pytest.raises(SourceError, match="no clock is so far off"):
        fit_used(OWN, np.arange(60) / 5, until=4.9, resolution=1e-3, source="movie", line="daq/FrameClock")
