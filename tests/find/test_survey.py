"""What is found in folders of which nothing is stated: the right formats, grouped, related, and nothing claimed falsely."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from bergmann.errors import SourceError
from bergmann.find.fields import Choices
from bergmann.find.listing import MOST_ALIKE, list_folder
from bergmann.find.survey import Survey, survey
from bergmann.imaging._count import count_even_pages
from bergmann.plan.yaml import Branch, Place
from bergmann.rig.scanimage import write_scanimage
from bergmann.rig.video import write_video
from bergmann.rig.wavesurfer import Line, write_wavesurfer

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

KNOWN = {
    "axon_abf": {"abf": 3},
    "boris": {"boris": 2},
    "bruker_prairieview": {"bruker": 1},
    "caiman": {"caiman": 1},
    "deeplabcut": {"deeplabcut": 2, "video": 1},
    "fiji_roi": {"tiff": 1},
    "imagej_tiff": {"tiff": 1},
    "large_movies": {"tiff": 1},
    "lightningpose": {"lightningpose": 1, "video": 1},
    "micromanager": {"tiff": 2},
    "miniscope_avi": {"video": 2},
    "ni_tdms": {"tdms": 4},
    "pybpod_ibl": {"bpod": 1},
    "pyphotometry_ppd": {"pyphotometry": 1},
    "scanimage_tiff": {"scanimage": 3},
    "sleap": {"sleap": 1},
    "spike2_smr": {"spike2": 2},
    "suite2p": {"suite2p": 1},
    "tdt_photometry": {"tdt": 1},
    "wavesurfer": {"wavesurfer": 3},
}
"""Sources of each folder of real files, counted by hand; a folder that is not here has none that can be read."""

QUESTIONS = {"boris": 2, "ni_tdms": 1, "pyphotometry_ppd": 2, "spike2_smr": 4, "thorimage": 1, "wavesurfer": 3}
"""Two projects of many observations, three pictures that may be a movie, and lines that have pulses (the others)."""


def look(folder: Path) -> Survey:
    """What is found in a folder of which nothing is stated."""
    return survey(list_folder(folder), Choices(Branch({}, Place(folder, 1))), {})


def values_of(found: Survey) -> Mapping[str, Mapping[str, str | None]]:
    """The entries by name, each with its keys and values."""
    return {item.entry.name: {value.key: value.text for value in item.entry.values} for item in found.items}


def formats_in(folder: Path) -> Counter[str]:
    return Counter(str(values["format"]) for values in values_of(look(folder)).values() if values)


def test_the_files_beside_an_index_are_of_its_source(small_lab: Any) -> None:
    found = look(small_lab.folder)
    there = {item.entry.name: item for item in found.items}
    assert there["block"].entry.values[0].text == "tdt"
    assert not {path.name for path in found.unclaimed} & {"block.tev", "continuous.dat", "sample_numbers.npy", "states.npy"}


def folders_of_real_files() -> list[str]:
    return sorted(path.name for path in DATA.iterdir() if path.is_dir()) if DATA.is_dir() else []


def test_the_simulated_rig_is_found_grouped_and_related(rig: Any) -> None:
    found = look(rig.folder)
    assert values_of(found) == {
        "daq": {"format": "wavesurfer", "path": "daq/bg042_0001.h5"},
        "movie": {"format": "scanimage", "path": "2p/bg042_00001_*.tif", "plane": None, "clock": "daq/FrameClock"},
        "rois": {"format": "suite2p", "path": "suite2p", "of": "movie"},
        "face_cam": {"format": "video", "path": "cam/face.mp4", "clock": "daq/CamTTL"},
        "paw_cam": {"format": "video", "path": "cam/paw_*.avi", "clock": "daq/CamTTL"},
        "paw": {"format": "deeplabcut", "path": "cam/pawDLC.csv", "of": "paw_cam"},
        "LaserCmd": {},
        "ShockTTL": {},
    }
    assert (found.start.text, found.start.comment) == ("from daq", "the only recording; its clock says 2024-05-17 10:30:57")
    assert {path.name for path in found.unclaimed} == {"notes.csv", "BG042.yaml", "nerve-injury.yaml"}
    assert found.refused == {}


def test_a_clock_is_proposed_with_its_evidence(rig: Any) -> None:
    comments = {item.entry.name: {v.key: v.comment for v in item.entry.values} for item in look(rig.folder).items}
    assert comments["movie"]["clock"] == "1,024 pulses at 4 Hz = frames of movie"
    assert comments["paw_cam"]["clock"] == "1,291 pulses at 5 Hz = frames of paw_cam"


def test_a_count_that_is_nearly_right_is_said_and_not_proposed(rig: Any) -> None:
    (rig.folder / "cam" / "paw_2.avi").unlink()
    write_video(rig.folder / "cam" / "face.mp4", lambda _: np.zeros((48, 64), np.uint8), range(1292), rate=5.0, codec="mpeg4")
    by_name = {item.entry.name: item.entry for item in look(rig.folder).items}
    (clock,) = (value for value in by_name["face_cam"].values if value.key == "clock")
    assert clock.text is None
    assert clock.comment.endswith("No line has 1,292 pulses for its 1,292 frames; near: daq/CamTTL has 1,291 pulses (-1)")
    (half,) = (value for value in by_name["paw_1_cam"].values if value.key == "clock")
    assert half.text is None
    assert "near" not in half.comment


@pytest.mark.parametrize(
    ("pulses", "said"),
    [
        (
            np.concatenate([5 + np.arange(60) / 4, 40 + np.arange(64) / 4]),
            "burst 2 of 2 on daq/Clock has: then `clock: daq/Clock` and",
        ),
        (5 + np.arange(128) / 8, "daq/Clock has 2 times as many: if all are of it, `clock: daq/Clock` and `pulses_per_frame: 2`"),
    ],
)
def test_a_burst_or_every_second_pulse_that_fits_is_said_and_not_proposed(tmp_path: Path, pulses: Any, said: str) -> None:
    start = datetime(2024, 5, 17, 10, 31)
    frames = np.zeros((64, 1, 4, 8), np.int16)
    times = np.arange(64) / 4
    write_scanimage(tmp_path / "2p", "m", [frames], times=times, n_files=1, frame_rate=4.0, pixel_size=4e-6, start=start)
    line = Line("Clock", pulses, np.full(len(pulses), 0.02), np.full(len(pulses), 5.0))
    write_wavesurfer(tmp_path / "daq" / "d_0001.h5", [line], rate=1000.0, n_samples=60_000, start=start, seed=1)
    (clock,) = (value for item in look(tmp_path).items for value in item.entry.values if value.key == "clock")
    assert clock.text is None
    assert said in clock.comment


@pytest.mark.parametrize("name", folders_of_real_files() or [pytest.param("", marks=pytest.mark.skip(reason="no real files here"))])
def test_each_folder_of_real_files_is_named_right(name: str) -> None:
    found = look(DATA / name)
    assert formats_in(DATA / name) == KNOWN.get(name, {})
    assert sum(not item.entry.values for item in found.items) == QUESTIONS.get(name, 0)
    assert found.refused == {}


@pytest.mark.skipif(not DATA.is_dir(), reason="no real files here")
def test_everything_thrown_together_is_named_as_in_its_own_folder(rig: Any, tmp_path: Path) -> None:
    together = tmp_path / "together"
    together.mkdir()
    for path in sorted(DATA.iterdir()):
        if path.is_dir():
            shutil.copytree(path, together / path.name, copy_function=os.symlink)
    shutil.copytree(rig.folder, together / "BG042", copy_function=os.symlink)
    expected = sum((Counter(one) for one in KNOWN.values()), Counter())
    expected += Counter(wavesurfer=1, scanimage=1, suite2p=1, video=2, deeplabcut=1)
    assert formats_in(together) == expected


def test_acquisitions_of_one_file_each_are_several_recordings(rig: Any, tmp_path: Path) -> None:
    frames = np.zeros((1, 8, 2, 4, 6), np.int16)
    for number, minute in ((1, 31), (2, 47)):
        (path,) = write_scanimage(
            tmp_path / f"made{number}",
            "scan",
            iter(frames),
            times=np.arange(8) / 4,
            n_files=1,
            frame_rate=4.0,
            pixel_size=1e-6,
            start=datetime(2024, 5, 17, 10, minute),
        )
        (tmp_path / "2p").mkdir(exist_ok=True)
        path.rename(tmp_path / "2p" / f"scan_{number:05d}.tif")
    paths = [values["path"] for values in values_of(look(tmp_path / "2p")).values()]
    assert paths == ["scan_00001.tif", "scan_00002.tif"]


def test_a_pattern_names_its_files_and_no_other(tmp_path: Path) -> None:
    for number in range(1, 4):
        tifffile.imwrite(tmp_path / f"a[1]_{number}.tif", np.zeros((30, 4, 5), np.uint8), imagej=True)
    tifffile.imwrite(tmp_path / "a[1]_2_mean.tif", np.zeros((30, 4, 5), np.uint8), imagej=True)
    paths = {values["path"] for values in values_of(look(tmp_path)).values()}
    assert paths == {"a[[]1]_[0-9].tif", "a[1]_2_mean.tif"}


def test_a_few_numbered_pictures_are_asked_about(tmp_path: Path) -> None:
    for number in range(1, 4):
        tifffile.imwrite(tmp_path / f"mean_{number}.tif", np.zeros((4, 5), np.uint8))
    found = look(tmp_path)
    assert values_of(found) == {"mean_1": {}}
    assert found.items[0].entry.above[0] == "mean_*.tif: 3 pictures, numbered. A movie? Write in place of ???"


def test_many_files_are_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3000):
        (folder / f"trial_{number}.csv").touch()
        (folder / f"frame_{number}.tif").touch()
    listing = list_folder(tmp_path)
    assert len(listing.files) == 6000
    assert Counter(path.suffix for path in listing.opened) == {".csv": MOST_ALIKE, ".tif": 3000}
    assert listing.skipped == {"frames/*.csv": 3000 - MOST_ALIKE}
    assert look(tmp_path).notes == (f"frames/*.csv: {3000 - MOST_ALIKE:,} files not looked at, there are too many of a kind",)


def test_a_folder_of_another_session_is_left_alone(rig: Any) -> None:
    shutil.copytree(rig.folder / "cam", rig.folder / "other" / "cam")
    (rig.folder / "other" / "session.yaml").write_text("format_version: 1\n", encoding="utf-8")
    found = look(rig.folder)
    assert len(found.items) == 8
    assert found.notes == ("other: left alone, it has a session of its own",)


def test_folders_that_link_in_a_circle_are_walked_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").touch()
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert [path.name for path in list_folder(tmp_path).files] == ["x.txt"]


def test_a_large_movie_and_video_are_counted_without_reading_them_through(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bergmann.find import headers

    monkeypatch.setattr(headers, "MOST_BYTES", 1000)
    found = look(rig.folder)
    values = values_of(found)
    assert (values["movie"]["clock"], values["face_cam"]["clock"]) == ("daq/FrameClock", "daq/CamTTL")
    above = {item.entry.name: item.entry.above[0] for item in found.items}
    assert re.fullmatch(
        r"2p/bg042_00001_\*\.tif: .* not read through here, .* 1,024 frames at 4 Hz by the .* pages", above["movie"]
    )
    assert above["face_cam"].endswith("1,291 frames at 5 Hz by its header")


@pytest.mark.parametrize("n_pages", [1, 5, 12, 13, 400])
def test_pages_are_counted_by_their_spacing(tmp_path: Path, n_pages: int) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for number in range(n_pages):
            writer.write(np.zeros((8, 16), np.int16), description=f"frame {number:06d}", contiguous=False)
    assert count_even_pages(path) == n_pages


def test_pages_at_uneven_distances_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for number in range(60):
            writer.write(np.zeros((8 + (number > 30), 16), np.int16), description=f"frame {number}", contiguous=False)
    assert count_even_pages(path) is None
    path.write_bytes(path.read_bytes()[:-40])
    assert count_even_pages(path) is None


def test_an_observation_is_of_the_video_that_it_was_scored_on(rig: Any) -> None:
    project = json.loads((rig.folder.parent / "cohort" / "licking.boris").read_text(encoding="utf-8"))
    own = project["observations"]["BG042 POD7"]
    others = json.loads(json.dumps(own).replace("face.mp4", "elsewhere.mp4"))
    project["observations"] = {"mine": own, "another's": others}
    (rig.folder / "cam" / "licking.boris").write_text(json.dumps(project), encoding="utf-8")
    assert values_of(look(rig.folder))["mine"] == {
        "format": "boris",
        "path": "cam/licking.boris",
        "observation": "mine",
        "of": "face_cam",
    }
    assert "another_s" not in values_of(look(rig.folder))


def test_observations_of_videos_of_one_name_are_asked_about(rig: Any) -> None:
    shutil.copy(rig.folder.parent / "cohort" / "licking.boris", rig.folder / "cam")
    (item,) = (one for one in look(rig.folder).items if one.entry.name == "licking")
    assert item.entry.values == ()
    assert "8 observations in BORIS, each of a video called face.mp4. Which is of this session?" in item.entry.above[0]
    assert "observation: <name>, of: <name of the video>" in item.entry.above[1]
    assert "BG042 POD7" in item.entry.above[2]


def test_a_pose_is_of_the_video_of_its_name_or_of_the_only_one_with_as_many_frames(rig: Any) -> None:
    named = rig.folder / "cam" / "pawDLC.csv"
    table = named.read_text(encoding="utf-8").splitlines(keepends=True)
    (rig.folder / "cam" / "otherDLC.csv").write_text("".join(table), encoding="utf-8")
    found = values_of(look(rig.folder))
    assert (found["paw"]["of"], found["other"]["of"]) == ("paw_cam", None)
    for path in (named, *(rig.folder / "cam").glob("paw_*.avi")):
        path.unlink()
    assert values_of(look(rig.folder))["other"]["of"] == "face_cam"
    (rig.folder / "cam" / "otherDLC.csv").write_text("".join(table[:-5]), encoding="utf-8")
    assert values_of(look(rig.folder))["other"]["of"] is None


def test_a_segmentation_of_more_frames_asks_for_this_recordings_part(rig: Any) -> None:
    (rig.folder / "2p" / "bg042_00001_00002.tif").unlink()
    (item,) = (one for one in look(rig.folder).items if one.entry.name == "rois")
    values = {value.key: value for value in item.entry.values}
    assert (values["of"].text, values["frames"].text) == ("movie", None)
    assert values["frames"].comment == "it was run over 1,024 frames, movie has 512: first and last of these, as 6001-44400"


def test_a_folder_of_more_files_than_any_session_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bergmann.find.listing.MOST_FILES", 9)
    for number in range(10):
        (tmp_path / f"{number}.txt").touch()
    with pytest.raises(SourceError, match="more than 9 files below it; name the folder of one session"):
        list_folder(tmp_path)


def test_a_source_that_cannot_be_read_is_no_source(rig: Any) -> None:
    dlc = rig.folder / "cam" / "pawDLC.csv"
    dlc.write_text(dlc.read_text(encoding="utf-8").rstrip("\n").rsplit(",", 2)[0] + "\n", encoding="utf-8")
    found = look(rig.folder)
    assert set(found.refused) == {"cam/pawDLC.csv"}
    assert "paw" not in values_of(found)
