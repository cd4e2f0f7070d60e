"""Frames that are not used: the others reach the file with the values and times that they have in a conversion of all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bergmann.convert.align import Aligned, align
from bergmann.convert.session import convert_session
from bergmann.plan.resolve import make_plan
from bergmann.rig.aqua import Event, Run, write_result

from ..conftest import Ran
from .conftest import RIG, Folder

MOVIE = "clock: daq/FrameClock}"
ROIS = "path: suite2p, of: movie}"
CAMERA = "clock: daq/CamTTL}"


@pytest.fixture(scope="module")
def whole(rig_folder: Path) -> Aligned:
    return align(make_plan(rig_folder / "session.yaml"))


def pixels(record: Any) -> list[np.ndarray[Any, Any]]:
    return [channel.frames[0 : channel.frames.shape[0]] for channel in record.channels]


def errors(folder: Folder) -> list[str]:
    return [
        f"{one.location.partition(' ')[2]}: {one.message}" for one in make_plan(folder.session).findings if one.severity == "error"
    ]


@pytest.mark.parametrize(
    ("word", "first", "last"),
    [("frames: 11-40", 11, 40), ("frames: 1-64", 1, 64), ("last_frame: 20", 1, 20), ("frames: 64-64", 64, 64)],
)
def test_a_movie_and_its_rois_are_cut_in_frames_and_times_alike(
    folder: Folder, whole: Aligned, word: str, first: int, last: int
) -> None:
    folder.state(MOVIE, f"clock: daq/FrameClock, {word}}}")
    folder.state(ROIS, f"path: suite2p, of: movie, frames: {first}-{last}}}")
    folder.state(
        "  notes:   {format: intervals, path: notes.csv, of: movie,", "  notes:   {format: intervals, path: notes.csv, of: daq,"
    )
    folder.state("9 s after movie", "12 s after session")
    done = align(make_plan(folder.session))
    block = slice(first - 1, last)
    movie, all_frames = (one.records["movie"] for one in (done, whole))
    np.testing.assert_array_equal(movie.times.seconds, all_frames.times.seconds[block])
    for mine, theirs in zip(pixels(movie), pixels(all_frames), strict=True):
        np.testing.assert_array_equal(mine, theirs[block])
    rois, all_rois = (one.records["rois"].planes[0].traces["raw"] for one in (done, whole))
    np.testing.assert_array_equal(rois[0 : rois.shape[0]], all_rois[block])
    np.testing.assert_array_equal(done.records["rois"].times.seconds, movie.times.seconds)
    assert done.fits["movie"] == whole.fits["movie"]
    assert not done.findings()


def test_the_file_says_which_frames_these_are(folder: Folder, whole: Aligned, bergmann: Callable[..., Ran]) -> None:
    from pynwb import NWBHDF5IO

    folder.state(MOVIE, "clock: daq/FrameClock, frames: 11-40}")
    folder.state("  rois:    {format: suite2p, path: suite2p, of: movie}\n", "")
    folder.state("  paw_cam: {format: video, path: cam/paw_*.avi, clock: daq/CamTTL}\n", "")
    ran = bergmann("convert", folder.session, "--out", folder.out)
    assert ran.status == 0, ran.stdout
    (file,) = folder.out.rglob("*.nwb")
    with NWBHDF5IO(file, "r") as io:
        series = io.read().acquisition["movie_ch1"]
        assert "used: frames 11 to 40 of 64" in series.comments
        frames = pixels(whole.records["movie"])[0][10:40]
        np.testing.assert_array_equal(series.data[:], frames.transpose(0, 2, 1))
        assert len(series.timestamps) == 30


@pytest.mark.parametrize(
    ("word", "frames", "said"),
    [
        ("frames: 11-40", "", "Suite2p was run on all 64 frames of bg042_00001_00001.tif, of which the movie uses 11 to 40"),
        ("frames: 11-40", "", "state the same for the ROIs: `frames: 11-40`"),
        ("frames: 11-40", ", frames: 1-30", "of which the movie uses 11 to 40"),
        ("last_frame: 30", "", "of which the movie uses 1 to 30"),
        ("last_frame: 30", ", frames: 2-31", "of which the movie uses 1 to 30"),
        ("", ", frames: 1-30", "the part that `frames` names has 30 frames, and the movie bg042_00001_00001.tif has 64"),
    ],
)
def test_rois_of_other_frames_than_the_movies_are_refused(folder: Folder, word: str, frames: str, said: str) -> None:
    folder.state(MOVIE, "clock: daq/FrameClock" + (f", {word}}}" if word else "}"))
    folder.state(ROIS, f"path: suite2p, of: movie{frames}}}")
    (found,) = errors(folder)
    assert found.startswith("sources.rois: suite2p: ")
    assert said in found


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("frames: 11-65", "`frames: 11-65`, but the files hold 64 complete frames"),
        ("last_frame: 65", "`last_frame: 65`, but the files hold 64 complete frames"),
    ],
)
def test_frames_that_are_not_there_are_refused(folder: Folder, word: str, said: str) -> None:
    folder.state(MOVIE, f"clock: daq/FrameClock, {word}}}")
    assert said in errors(folder)[0]


def test_a_moment_counts_the_frames_that_were_recorded(folder: Folder, whole: Aligned) -> None:
    folder.state(MOVIE, "clock: daq/FrameClock, frames: 11-40}")
    folder.state("  rois:    {format: suite2p, path: suite2p, of: movie}\n", "")
    from bergmann.errors import SourceError
    from bergmann.moments import Moment

    done = align(make_plan(folder.session))
    assert done.when(Moment("frame 12 of movie")) == whole.when(Moment("frame 12 of movie"))
    for number in (10, 41):
        with pytest.raises(SourceError, match=f"movie is used in frames 11 to 40 of 64, not {number}"):
            done.when(Moment(f"frame {number} of movie"))


def test_intervals_in_frames_count_those_that_were_recorded(folder: Folder) -> None:
    text = folder.session.read_text(encoding="utf-8")
    folder.session.write_text(text.replace("stop: to}, unit: s}", "stop: to}, unit: frames}"), encoding="utf-8")
    (folder.path / "notes.csv").write_text("what,from,to\nquiet,12,20\n", encoding="utf-8")
    folder.state("  rois:    {format: suite2p, path: suite2p, of: movie}\n", "")
    of_all = align(make_plan(folder.session)).records["notes"]
    folder.state(MOVIE, "clock: daq/FrameClock, frames: 11-40}")
    cut = align(make_plan(folder.session)).records["notes"]
    assert (cut.starts.seconds.tolist(), cut.stops.tolist()) == (of_all.starts.seconds.tolist(), of_all.stops.tolist())
    (folder.path / "notes.csv").write_text("what,from,to\nquiet,12,41\n", encoding="utf-8")
    assert "no frame 41 in movie; its frames are 11 to 40" in errors(folder)[0]


def test_times_count_from_what_was_recorded_and_not_from_what_is_used(folder: Folder, whole: Aligned) -> None:
    from bergmann.moments import Moment

    folder.state("  rois:    {format: suite2p, path: suite2p, of: movie}\n", "")
    of_all = align(make_plan(folder.session)).records["notes"]
    folder.state(MOVIE, "clock: daq/FrameClock, frames: 11-40}")
    done = align(make_plan(folder.session))
    assert done.records["notes"].starts.seconds.tolist() == of_all.starts.seconds.tolist()  # in seconds of the movie
    for text in ("2 s after movie", "end of movie"):
        assert done.when(Moment(text)) == whole.when(Moment(text))


def test_glial_events_count_the_frames_that_were_recorded(folder: Folder) -> None:
    folder.state("  rois:    {format: suite2p, path: suite2p, of: movie}\n", "")
    (folder.path / "waves.csv").write_text("from,to\n11,12\n30,40\n", encoding="utf-8")
    event = {"pixels": ((2, 9),), "peak": 20, "dff": 1.0, "seconds": 10 / RIG.frame_rate, "grown": (0.0, 0.0, 0.0, 0.0)}
    run = Run(
        events=(Event(first=11, last=20, **event),),  # type: ignore[arg-type]
        shape=RIG.image_shape,
        n_frames=RIG.n_frames,
        gap=2,
        interval=1 / RIG.frame_rate,
        pixel_um=RIG.pixel_size * 1e6,
    )
    write_result(folder.path / "cell.mat", run)
    waves = "waves: {format: glial_events, path: waves.csv, of: movie, unit: frames, columns: {onset: from, end: to}}"
    flares = "flares: {format: aqua2, path: cell.mat, of: movie/1, event: flare}"
    folder.state("sources:\n", f"sources:\n  {waves}\n  {flares}\n")
    of_all = align(make_plan(folder.session)).records
    folder.state(MOVIE, "clock: daq/FrameClock, frames: 11-40}")
    cut = align(make_plan(folder.session)).records
    for name in ("waves", "flares"):
        assert cut[name].onsets.tolist() == of_all[name].onsets.tolist()
        # the end of the last frame that is used is an interval behind it
        assert cut[name].durations.tolist() == pytest.approx(of_all[name].durations.tolist(), abs=1e-4)
    folder.state("frames: 11-40}", "frames: 12-40}")
    found = errors(folder)
    assert "no frame 11 in movie; its frames are 12 to 40" in found[0]
    assert "event 1 (frames 11 to 20) and 0 more are not within the frames 12 to 40 of 64 that are used" in found[1]


# --- a line that has other pulses -------------------------------------------------------------------------------------


def test_a_line_may_have_pulses_for_frames_whose_file_is_lost(folder: Folder, whole: Aligned) -> None:
    """Without `last_frame` it is refused; with it the first pulses are those of the frames, and a person is asked."""
    folder.state("2p/bg042_00001_*.tif", "2p/bg042_00001_00001.tif")
    folder.state("  rois:    {format: suite2p, path: suite2p, of: movie}\n", "")
    files = sorted((folder.path / "2p").glob("*.tif"))
    assert len(files) > 1
    for file in files[1:]:
        file.unlink()
    refused = convert_session(folder.session, folder.out)
    assert (refused.result, folder.out.exists()) == ("unreadable", False)
    assert "expected one pulse a frame" in refused.findings[-1].message
    folder.state(MOVIE, "clock: daq/FrameClock, last_frame: 10}")
    done = align(make_plan(folder.session))
    times = done.records["movie"].times.seconds
    np.testing.assert_allclose(times, whole.records["movie"].times.seconds[:10], atol=1e-6)  # fitted to fewer pulses
    (found,) = done.findings()
    assert (found.severity, found.check) == ("warning", "frames not used")
    assert "64 pulses on daq/FrameClock: the first" in found.message


# --- cameras ----------------------------------------------------------------------------------------------------------


def test_a_video_is_used_up_to_a_frame_and_its_pose_with_it(folder: Folder, bergmann: Callable[..., Ran]) -> None:
    from pynwb import NWBHDF5IO

    text = folder.session.read_text(encoding="utf-8")
    text = text[: text.index("  movie: ")] + text[text.index("  paw_cam:") : text.index("  notes:")]
    text += "  paw:     {format: deeplabcut, path: cam/pawDLC.csv, of: paw_cam}\n"
    folder.session.write_text(text, encoding="utf-8")
    of_all = align(make_plan(folder.session)).records
    first = of_all["paw_cam"].frame_counts[0]
    for last, files in ((first - 2, 1), (first + 3, 2)):
        folder.session.write_text(text.replace(CAMERA, f"clock: daq/CamTTL, last_frame: {last}}}"), encoding="utf-8")
        cut = align(make_plan(folder.session)).records
        for name in ("paw_cam", "paw"):
            np.testing.assert_array_equal(cut[name].times.seconds, of_all[name].times.seconds[:last])
        for mine, theirs in zip(cut["paw"].keypoints, of_all["paw"].keypoints, strict=True):
            np.testing.assert_array_equal(mine.positions, theirs.positions[:last])
        ran = bergmann("convert", folder.session, "--out", folder.out, "--overwrite")
        assert ran.status == 0, ran.stdout
        (file,) = folder.out.rglob("*.nwb")
        with NWBHDF5IO(file, "r") as io:
            nwbfile = io.read()
            video = nwbfile.acquisition["paw_cam"]
            assert f"Only frames 1 to {last} of {len(of_all['paw_cam'].times)} are used" in video.comments
            assert (len(video.external_file), list(video.starting_frame)) == (files, [0, first][:files])
            assert video.num_samples == last
            pose = nwbfile.processing["behavior"]["paw"]
            assert pose.description.endswith(f"Only frames 1 to {last} of {len(of_all['paw'].times)} are used.")


def test_a_video_cannot_begin_later(folder: Folder) -> None:
    folder.state("path: cam/paw_*.avi, clock: daq/CamTTL", "path: cam/paw_*.avi, clock: daq/CamTTL, frames: 3-9")
    (found,) = errors(folder)
    assert "`frames: 3-9`, but a video file stays as it is" in found
