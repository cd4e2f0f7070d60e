"""A rig whose frames and pulses are not as many: each fault is told by `check`, stated by a person, and the truth comes out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bergmann.convert.align import align
from bergmann.convert.session import convert_session
from bergmann.plan.clock_lines import count_lines
from bergmann.plan.resolve import make_plan
from bergmann.rig.movie import movie_blocks
from bergmann.rig.physiology import draw
from bergmann.rig.scanimage import write_scanimage
from bergmann.rig.truth import Truth
from bergmann.rig.wavesurfer import Line, write_wavesurfer

from ..conftest import Ran
from .conftest import RIG, Folder

FRAME = 1 / RIG.frame_rate
ONE_SAMPLE = 1 / RIG.daq_rate
MOVIE = "clock: daq/FrameClock}"
Bergmann = Callable[..., Ran]


@cache
def truth() -> Truth:
    return draw(RIG)


def record(folder: Folder, *, frames: Any = None, camera: Any = None, seconds: float = 0.0) -> None:
    """Record the lines of the rig again, with other pulses and for so much longer."""
    true = truth()
    frames = true.frame_times if frames is None else frames
    camera = true.camera_times if camera is None else camera
    light = np.array([RIG.calibration.volts_for(power) for power in true.pulse_powers])
    lines = (
        Line("FrameClock", frames, np.full(len(frames), 0.1 * FRAME), np.full(len(frames), 5.0)),
        Line("LaserCmd", true.pulse_times, np.full(len(light), RIG.pulse_length), light),
        Line("CamTTL", camera, np.full(len(camera), 0.3 / RIG.camera_rate), np.full(len(camera), 5.0), digital=True),
    )
    n_samples = RIG.n_samples + int(seconds * RIG.daq_rate)
    write_wavesurfer(folder.path / "daq" / "bg042_0001.h5", lines, rate=RIG.daq_rate, n_samples=n_samples, start=RIG.start, seed=1)


def film(folder: Path, kept: Any, *, after: float = 0.0) -> None:
    """Save these of the frames that the microscope took, `after` so many seconds."""
    blocks = [np.concatenate(list(movie_blocks(truth())))[kept]]
    write_scanimage(
        folder,
        "bg042",
        blocks,
        times=RIG.microscope.shows(truth().frame_times[kept]),
        n_files=1,
        frame_rate=RIG.frame_rate,
        pixel_size=RIG.pixel_size,
        start=RIG.start + timedelta(seconds=RIG.microscope.start + RIG.wall_error + after),
        numbers=np.asarray(kept) + 1,
    )


def without_rois(folder: Folder) -> None:
    folder.state("  rois:    {format: suite2p, path: suite2p, of: movie}\n", "")


def offered(ran: Ran) -> list[str]:
    """The keys that stand in the remedies, ready to paste."""
    lines = [line.strip() for line in ran.stdout.splitlines()]
    return [line.split("`")[1] for line in lines if line.startswith("`")]


def movie_times(folder: Folder, source: str = "movie") -> Any:
    return align(make_plan(folder.session)).records[source].times.seconds


BEFORE = truth().frame_times[0] - 0.6 - FRAME * np.arange(3, -1, -1)
BEHIND = truth().frame_times[-1] + FRAME * np.arange(1, 4)

FAULTS: dict[str, tuple[Any, float, str]] = {
    "a preview before the movie": (np.concatenate([BEFORE, truth().frame_times]), 0, "extra_pulses: before"),
    "the scanner went on": (np.concatenate([truth().frame_times, BEHIND]), 2, "extra_pulses: after"),
    "both": (np.concatenate([BEFORE, truth().frame_times, BEHIND + 0.5]), 2, "extra_pulses: 4 before, 3 after"),
    "two pulses a frame": (
        np.sort(np.concatenate([truth().frame_times, truth().frame_times + FRAME / 2])),
        0,
        "pulses_per_frame: 2",
    ),
    "a pulse every other frame": (truth().frame_times[::2], 0, "frames_per_pulse: 2"),
    "lost pulses": (np.delete(truth().frame_times, [20, 21, 40]), 0, "missing_pulses: by gaps"),
    "another recording before": (np.concatenate([truth().frame_times, truth().frame_times + 40])[10:], 60, "burst: 2"),
    "another recording behind": (np.concatenate([truth().frame_times, truth().frame_times[:30] + 40]), 60, "burst: 1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_what_to_paste_and_then_the_truth_comes_out(folder: Folder, bergmann: Bergmann, fault: str) -> None:
    pulses, seconds, stated = FAULTS[fault]
    record(folder, frames=pulses, seconds=seconds)
    ran = bergmann("check", folder.session)
    assert ran.status == 2
    assert "error  session.yaml:19 sources.movie.clock" in ran.stdout
    assert f"    64 frames, but {len(pulses)} pulses on daq/FrameClock; expected one pulse a frame." in ran.stdout
    assert f"counted: {len(pulses)} pulses on daq/FrameClock for 64 frames of movie" in ran.stdout
    assert stated in offered(ran)
    refused = convert_session(folder.session, folder.out)
    assert (refused.result, folder.out.exists()) == ("unreadable", False)
    assert stated in refused.findings[-1].remedy
    folder.state(MOVIE, f"clock: daq/FrameClock, {stated}}}")
    assert "ready: " in bergmann("check", folder.session).stdout
    true = truth().frame_times + (40 if stated == "burst: 2" else 0)
    np.testing.assert_allclose(movie_times(folder), true, rtol=0, atol=ONE_SAMPLE)


def test_what_was_stated_stands_in_the_file(folder: Folder, bergmann: Bergmann) -> None:
    from pynwb import NWBHDF5IO

    record(folder, frames=FAULTS["both"][0], seconds=2)
    folder.state(MOVIE, "clock: daq/FrameClock, extra_pulses: 4 before, 3 after}")
    ran = bergmann("convert", folder.session, "--out", folder.out)
    assert ran.status == 0, ran.stdout
    (file,) = folder.out.rglob("*.nwb")
    with NWBHDF5IO(file, "r") as io:
        clocks = io.read().lab_meta_data["bergmann_conversion"].clocks.to_dataframe().set_index("source")
    method = clocks.loc["movie", "method"]
    assert "4 pulses before the first frame are of no frame, as stated" in method
    assert "3 pulses behind the last frame are of no frame, as stated" in method
    assert (clocks.loc["movie", "n_pulses"], clocks.loc["movie", "n_events"]) == (71, 64)


def test_dropped_frames_are_placed_by_the_microscopes_own_times(folder: Folder, bergmann: Bergmann) -> None:
    without_rois(folder)
    kept = np.delete(np.arange(RIG.n_frames), [20, 21, 45])
    for file in (folder.path / "2p").glob("*.tif"):
        file.unlink()
    film(folder.path / "2p", kept)
    ran = bergmann("check", folder.session)
    assert offered(ran) == ["dropped_frames: by gaps"]
    assert "the frames' own times leap over 3, which is just as many" in ran.stdout
    for stated in ("by gaps", "[21, 22, 46]", "[46, 21-22]"):
        folder.state(MOVIE, f"clock: daq/FrameClock, dropped_frames: {stated}}}")
        np.testing.assert_allclose(movie_times(folder), truth().frame_times[kept], rtol=0, atol=ONE_SAMPLE)
        folder.state(f"clock: daq/FrameClock, dropped_frames: {stated}}}", MOVIE)
    folder.state(MOVIE, "clock: daq/FrameClock, dropped_frames: [21, 22, 47]}")
    said = "but at other places: they differ first behind frame 43 (at 11.000 s); so these contradict it"
    assert said in bergmann("check", folder.session).stdout
    folder.state("dropped_frames: [21, 22, 47]}", "last_frame: 50}")
    assert offered(bergmann("check", folder.session)) == ["dropped_frames: by gaps"]


def test_a_camera_that_dropped_frames_needs_their_numbers(folder: Folder, bergmann: Bergmann) -> None:
    taken = np.sort(np.concatenate([truth().camera_times, truth().camera_times[[30, 60]] + 0.5 / RIG.camera_rate]))
    taken = truth().camera_times[0] + np.arange(len(taken)) / RIG.camera_rate
    record(folder, camera=taken, seconds=2)
    ran = bergmann("check", folder.session)
    assert "dropped_frames: [N, N]" in offered(ran)
    folder.state("clock: daq/CamTTL}", "clock: daq/CamTTL, dropped_frames: [N, N]}")
    assert "does not say which frames were dropped" in bergmann("check", folder.session).stdout
    folder.state("[N, N]", "[31, 62]")
    kept = np.delete(taken, [30, 61])
    np.testing.assert_allclose(movie_times(folder, "paw_cam"), kept, rtol=0, atol=ONE_SAMPLE)


def test_a_line_that_was_recorded_too_late_times_the_frames_before_by_the_others(folder: Folder, bergmann: Bergmann) -> None:
    """The DAQ was started in the pulse of the tenth frame: that pulse is cut, and nine frames have none."""
    begun = truth().frame_times[9] + 0.05 * FRAME
    record(folder, frames=np.concatenate([[0.0], truth().frame_times[10:] - begun]))
    said = "State `extra_pulses: 1 before`, for the pulse that is cut, and `missing_pulses: before`"
    assert said.replace("State", "state") in bergmann("check", folder.session).stdout
    folder.state(MOVIE, "clock: daq/FrameClock, extra_pulses: 1 before, missing_pulses: before}")
    ran = bergmann("check", folder.session)
    assert (
        "no pulse for the first 10 frames and 1 pulse before the first frame is of no frame, as stated; nothing on the"
        in ran.stdout
    )
    np.testing.assert_allclose(movie_times(folder), truth().frame_times - begun, rtol=0, atol=ONE_SAMPLE)


def test_dropped_frames_are_told_by_the_cameras_own_numbers(folder: Folder, bergmann: Bergmann) -> None:
    from pynwb import NWBHDF5IO

    taken = truth().camera_times[0] + np.arange(93) / RIG.camera_rate
    record(folder, camera=taken, seconds=2)
    kept = np.delete(np.arange(93), [30, 61])
    ids = folder.path / "cam" / "ids.csv"
    ids.write_text("frame_id,lux\n" + "".join(f"{number + 7001},3\n" for number in kept), encoding="utf-8")
    ran = bergmann("check", folder.session)
    assert "frame_ids: {path: <table>, column: <name>}" in offered(ran)
    folder.state("clock: daq/CamTTL}", "clock: daq/CamTTL, frame_ids: {path: cam/ids.csv, column: frame_id}}")
    np.testing.assert_allclose(movie_times(folder, "paw_cam"), taken[kept], rtol=0, atol=ONE_SAMPLE)
    ran = bergmann("convert", folder.session, "--out", folder.out)
    assert ran.status == 0, ran.stdout
    (file,) = folder.out.rglob("*.nwb")
    with NWBHDF5IO(file, "r") as io:
        made = io.read().lab_meta_data["bergmann_conversion"]
        assert "2 frames dropped (31, 62), as stated" in made.clocks.to_dataframe().set_index("source").loc["paw_cam", "method"]
        assert "cam/ids.csv" in set(made.source_files.to_dataframe()["path"])
    for text, said in (
        (
            "frame_id\n1\n2\n",
            "ids.csv: column 'frame_id': 2 rows for 91 frames of paw_cam; expected the number of each saved frame",
        ),
        ("frame_id\n" + "5\n" * 91, "line 3: 5 behind 5; expected numbers that rise. Was the counter started again?"),
        ("frame_id\n" + "x\n" * 91, "line 2: 'x' is no whole number; expected the camera's number of the frame"),
        ("frame_id\n1\n" + "".join(f"{one}\n" for one in range(9_000_000, 9_000_090)), "are these numbers of frames, or times?"),
        ("id\n" + "1\n" * 91, "ids.csv: no column 'frame_id'; the columns are: id"),
    ):
        ids.write_text(text, encoding="utf-8")
        assert said in bergmann("check", folder.session).stdout
    ids.unlink()
    assert "there is no 'ids.csv'" in bergmann("check", folder.session).stdout
    folder.state("column: frame_id}}", "column: frame_id}, dropped_frames: [3]}")
    assert "`frame_ids` and `dropped_frames` both say which frames were dropped" in bergmann("check", folder.session).stdout


# --- two movies on one line -------------------------------------------------------------------------------------------


def two_movies(folder: Folder, *, runs: bool, stated: tuple[str, str]) -> None:
    """A second movie of 40 frames, which began 30 s after the first, on the same line."""
    film(folder.path / "late", np.arange(40), after=30)
    record(folder, frames=np.concatenate([truth().frame_times, truth().frame_times[:40] + 30]), seconds=45)
    text = folder.session.read_text(encoding="utf-8")
    head = text[: text.index("runs:" if "runs:" in text else "sources:")]
    path, late = ('"2p/bg042_00001_*.tif"', '"late/*.tif"')
    if runs:
        head += f"runs:\n  base: {{movie: {{path: {path}{stated[0]}}}}}\n  wash: {{movie: {{path: {late}{stated[1]}}}}}\n"
        movies = "  movie: {format: scanimage, plane: bg_plane, clock: daq/FrameClock}\n"
    else:
        movies = "".join(
            f"  {name}: {{format: scanimage, path: {one}, plane: bg_plane, clock: daq/FrameClock{key}}}\n"
            for name, one, key in (("first", path, stated[0]), ("late", late, stated[1]))
        )
    daq = "sources:\n  daq: {format: wavesurfer, path: daq/bg042_0001.h5}\n"
    folder.session.write_text(head + daq + movies, encoding="utf-8")


@pytest.mark.parametrize("runs", [False, True])
def test_each_of_two_movies_on_one_line_gets_its_own_burst(folder: Folder, bergmann: Bergmann, runs: bool) -> None:
    two_movies(folder, runs=runs, stated=("", ""))
    ran = bergmann("check", folder.session)
    assert offered(ran) == ["burst: 1", "burst: 2"]
    names = ("base_movie", "wash_movie") if runs else ("first", "late")
    assert f"counted: 104 pulses on daq/FrameClock for 64 frames of {names[0]}, 40 frames of {names[1]}" in ran.stdout
    assert "by its own clock, " + names[1] + " began at " in ran.stdout
    two_movies(folder, runs=runs, stated=(", burst: 1", ", burst: 2"))
    done = align(make_plan(folder.session))
    np.testing.assert_allclose(done.records[names[0]].times.seconds, truth().frame_times, rtol=0, atol=ONE_SAMPLE)
    np.testing.assert_allclose(done.records[names[1]].times.seconds, truth().frame_times[:40] + 30, rtol=0, atol=ONE_SAMPLE)
    assert not done.findings()
    assert "burst 2 of 2 on the line, as stated" in done.fits[names[1]].method


def test_bursts_that_are_exchanged_are_refused_with_the_ones_that_fit(folder: Folder, bergmann: Bergmann) -> None:
    two_movies(folder, runs=False, stated=(", burst: 2", ", burst: 1"))
    ran = bergmann("check", folder.session)
    assert ran.status == 2
    assert "is it another burst? State for first what is so:\n       `burst: 1` (its 64 pulses are as many" in ran.stdout
    assert "but late is timed by an earlier burst of daq/FrameClock\n    -> are the two bursts exchanged?" in ran.stdout


def test_bursts_as_long_as_each_other_are_compared_with_the_own_clocks(folder: Folder, bergmann: Bergmann) -> None:
    """Nothing on the line tells them apart: only the files' start times show that they are exchanged, or one is taken twice."""
    for stated, said in (
        ((", burst: 2", ", burst: 1"), "that of late 10:31:34, but late is timed by an earlier burst of daq/FrameClock"),
        ((", burst: 1", ", burst: 1"), "that of late 10:31:34, but both are timed by the same burst of daq/FrameClock"),
    ):
        two_movies(folder, runs=False, stated=stated)
        film(folder.path / "late", np.arange(64), after=30)
        record(folder, frames=np.concatenate([truth().frame_times, truth().frame_times + 30]), seconds=45)
        ran = bergmann("check", folder.session)
        assert "1 warning" in ran.stdout
        assert said in ran.stdout
    two_movies(folder, runs=False, stated=(", burst: 1", ", burst: 2"))
    film(folder.path / "late", np.arange(64), after=3600)
    record(folder, frames=np.concatenate([truth().frame_times, truth().frame_times + 30]), seconds=45)
    ran = bergmann("check", folder.session)
    assert "+3575 s from the begin of the burst that is stated" in ran.stdout


# --- what check reads -------------------------------------------------------------------------------------------------


def test_check_says_what_it_counted_and_what_it_left(folder: Folder, bergmann: Bergmann, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    plan = make_plan(folder.session)
    counted = count_lines(plan, most_samples=2 * RIG.n_samples)
    assert [(one.name, one.n_pulses, dict(one.frames)) for one in counted.lines] == [
        ("daq/FrameClock", 64, {"movie": 64}),
        ("daq/CamTTL", 91, {"paw_cam": 91}),
    ]
    assert (counted.left, counted.findings) == ({}, ())
    counted = count_lines(plan, most_samples=2 * RIG.n_samples - 1)
    assert ([one.name for one in counted.lines], counted.left) == (["daq/FrameClock"], {"daq/CamTTL": RIG.n_samples})
    assert [one.name for one in count_lines(plan, most_samples=None).lines] == ["daq/FrameClock", "daq/CamTTL"]
    monkeypatch.setattr("bergmann.plan.clock_lines.MOST_SAMPLES", 100)
    ran = bergmann("check", folder.session)
    assert (
        f"not counted: daq/FrameClock has {RIG.n_samples:,} samples; `bergmann check {folder.session} --all-pulses`" in ran.stdout
    )
    ran = bergmann("check", folder.session, "--all-pulses")
    assert "counted: 64 pulses on daq/FrameClock for 64 frames of movie" in ran.stdout
    (document,) = json.loads(bergmann("check", folder.session, "--all-pulses", "--json").stdout)
    assert document["clock_lines"] == {
        "counted": [
            {"line": "daq/FrameClock", "pulses": 64, "frames": {"movie": 64}},
            {"line": "daq/CamTTL", "pulses": 91, "frames": {"paw_cam": 91}},
        ],
        "not_counted": {},
    }


def test_a_line_without_two_levels_is_said_by_check(folder: Folder, bergmann: Bergmann) -> None:
    record(folder, frames=np.empty(0))
    ran = bergmann("check", folder.session)
    assert (ran.status, "error  session.yaml:19 sources.movie.clock" in ran.stdout) == (2, True)


def test_a_page_says_a_mismatch_once(folder: Folder, bergmann: Bergmann, tmp_path: Path) -> None:
    record(folder, frames=FAULTS["lost pulses"][0])
    ran = bergmann("check", folder.session, "--page", tmp_path / "page.html")
    assert ran.stdout.count("64 frames, but 61 pulses") == 1
    assert "missing_pulses: by gaps" in (tmp_path / "page.html").read_text(encoding="utf-8")


# --- wrong input ------------------------------------------------------------------------------------------------------

WRONG = {
    "burst: two": "`two` is no burst of a line; write its number, counted from 1, such as `2`, or `2-3` for several",
    "burst: 3-2": "`3-2` is no burst of a line",
    "burst: 0": "`0` is no burst of a line",
    "burst: 2": "`burst: 2`, but daq/FrameClock has no long pause between its pulses, which are one burst: 1: 64 pulses from",
    "pulses_per_frame: 0": "`0` is not a number of at least 1",
    "pulses_per_frame: 1.5": "`1.5` is not a whole number",
    "pulses_per_frame: 2": "64 frames, but 64 pulses on daq/FrameClock; expected 2 pulses a frame, as stated",
    "frames_per_pulse: 1": "`1` is not a number of at least 2",
    "frames_per_pulse: 2, missing_pulses: after": "`missing_pulses` and `frames_per_pulse` cannot be stated together",
    "frames_per_pulse: 2, frame_ids: {path: notes.csv, column: from}": "`frame_ids` and `frames_per_pulse` cannot be",
    "extra_pulses: 3": "`3` does not say which pulses are of no frame; write `before` or `after` (the movie), or how many",
    "extra_pulses: 0 before": "`0 before` does not say which pulses are of no frame",
    "extra_pulses: 2 before": "64 frames, but 62 pulses on daq/FrameClock; expected one pulse a frame",
    "extra_pulses: after": "64 frames, but 64 pulses on daq/FrameClock",
    "extra_pulses: 70 before": "`extra_pulses` says 70 before and 0 after, and daq/FrameClock has only 64 pulses",
    "extra_pulses: after, missing_pulses: before": "`missing_pulses` and `extra_pulses` cannot be stated together",
    "dropped_frames: [0]": "`0` does not say which frames were dropped",
    "dropped_frames: [3, 3]": "`3, 3` does not say which frames were dropped",
    "dropped_frames: many": "`many` does not say which frames were dropped",
    "dropped_frames: [3]": "64 frames, but 64 pulses on daq/FrameClock; expected 65 by what is stated",
    "dropped_frames: by gaps": "`dropped_frames: by gaps`, but the frames' own times have no gap where the line has pulses",
    "missing_pulses: some": "`some` does not say which frames have no pulse",
    "missing_pulses: by gaps": "`missing_pulses: by gaps`, but daq/FrameClock has no gap where the frames have none",
    "missing_pulses: [3]": "64 frames, but 64 pulses on daq/FrameClock; expected 63 by what is stated",
    "missing_pulses: [65]": "`missing_pulses` names frame 65, but there are no more: movie has 64",
    "missing_pulses: by gaps, dropped_frames: [3]": "`by gaps` and numbers are stated together",
}


@pytest.mark.parametrize("stated", WRONG)
def test_what_cannot_be_is_refused_in_words(folder: Folder, bergmann: Bergmann, stated: str) -> None:
    folder.state(MOVIE, f"clock: daq/FrameClock, {stated}}}")
    ran = bergmann("check", folder.session)
    assert ran.status in (1, 2)
    assert WRONG[stated] in ran.stdout


def test_keys_of_a_line_need_the_line(folder: Folder, bergmann: Bergmann) -> None:
    folder.state(MOVIE, "starts: 2 s after daq, extra_pulses: after}")
    said = "`extra_pulses` says something of the pulses of a clock line, and no `clock` is stated"
    assert said in bergmann("check", folder.session).stdout
