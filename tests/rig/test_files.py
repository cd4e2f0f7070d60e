"""What the rig writes is what happened, as independent readers see it."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import av
import h5py
import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.typing import NDArray

from bergmann.rig import Rig, Truth, simulate
from bergmann.rig.movie import movie_blocks
from bergmann.rig.physiology import draw
from bergmann.rig.scanimage import write_scanimage

Animal = tuple[Path, Truth]


def pages(folder: Path) -> NDArray[np.int16]:
    """All frames as tifffile reads them page by page, shape (n_frames, 2, height, width)."""
    files = sorted(folder.glob("2p/*.tif"))
    stacks = []
    for file in files:
        with tifffile.TiffFile(file) as tiff:
            stacks.append(np.stack([page.asarray() for page in tiff.pages]))
    joined = np.concatenate(stacks)
    return joined.reshape(-1, 2, *joined.shape[1:])


@pytest.fixture(scope="module")
def frames(knockdown: Animal) -> NDArray[np.int16]:
    return pages(knockdown[0])


def lines(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Each recorded line by name: volts of an analog line, 0 and 1 of a digital one."""
    with h5py.File(next(folder.glob("daq/*.h5"))) as file:
        coefficients = file["header/AIScalingCoefficients"][()]
        counts = file["sweep_0001/analogScans"][()].astype(float)
        word = file["sweep_0001/digitalScans"][0]
        analog = [name.decode() for name in file["header/AIChannelNames"]]
        digital = [name.decode() for name in file["header/DIChannelNames"]]
    volts = {name: np.polynomial.Polynomial(c)(n) for name, c, n in zip(analog, coefficients, counts, strict=True)}
    return volts | {name: (word >> bit & 1).astype(float) for bit, name in enumerate(digital)}


def rises(line: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Times of the rising edges, at 1 kHz."""
    return (np.flatnonzero((line[1:] >= threshold) & (line[:-1] < threshold)) + 1) / 1000


def test_tifffile_sees_a_scanimage_bigtiff_of_two_channels(knockdown: Animal) -> None:
    folder, truth = knockdown
    with tifffile.TiffFile(folder / "2p" / "bg042_00001_00002.tif") as tiff:
        header = tiff.scanimage_metadata
        assert tiff.is_bigtiff
        assert tiff.is_scanimage
        assert header is not None
        assert header["FrameData"]["SI.hChannels.channelSave"] == [1, 2]
        assert header["FrameData"]["SI.hRoiManager.scanFrameRate"] == truth.rig.frame_rate
        assert header["FrameData"]["SI.VERSION_MAJOR"] == 2021
        scanfield = header["RoiGroups"]["imagingRoiGroup"]["rois"]["scanfields"]
        assert scanfield["pixelResolutionXY"] == [truth.rig.image_shape[1], truth.rig.image_shape[0]]
        assert len(tiff.pages) == 2 * truth.rig.n_frames // truth.rig.n_files
        description = dict(line.split(" = ") for line in tiff.pages[3].description.strip().splitlines())
    assert description["frameNumbers"] == "514"
    assert float(description["frameTimestamps_sec"]) == pytest.approx(513 / truth.rig.frame_rate, abs=1e-4)
    assert description["epoch"] == "[2024  5 17 10 31  4.124]"


def test_the_pages_are_the_simulated_frames(knockdown: Animal, frames: NDArray[np.int16]) -> None:
    expected = np.concatenate(list(movie_blocks(knockdown[1])))
    np.testing.assert_array_equal(frames, expected)
    assert frames.min() > -2048
    assert frames.max() < 32767


def test_suite2p_traces_are_the_mean_pixels_of_the_registered_movie(knockdown: Animal, frames: NDArray[np.int16]) -> None:
    plane = knockdown[0] / "suite2p" / "plane0"
    ops = np.load(plane / "ops.npy", allow_pickle=True).item()
    stat = np.load(plane / "stat.npy", allow_pickle=True)
    shifts = np.stack([ops["yoff"], ops["xoff"]], axis=1)
    assert (shifts != 0).any()
    registered = np.stack([np.roll(frame, -shift, axis=(0, 1)) for frame, shift in zip(frames[:, 0], shifts, strict=True)])
    for trace, roi in zip(np.load(plane / "F.npy"), stat, strict=True):
        expected = (registered[:, roi["ypix"], roi["xpix"]] * roi["lam"]).sum(axis=1)
        np.testing.assert_allclose(trace, expected, rtol=1e-5)
    np.testing.assert_allclose(ops["meanImg"], registered.mean(axis=0))
    assert np.load(plane / "iscell.npy")[:, 0].tolist() == [1.0] * knockdown[1].rig.n_rois + [0.0]
    assert np.load(plane / "Fneu.npy").shape == np.load(plane / "spks.npy").shape == np.load(plane / "F.npy").shape


def test_the_traces_are_the_true_calcium_within_their_noise(knockdown: Animal) -> None:
    folder, truth = knockdown
    raw = np.load(folder / "suite2p" / "plane0" / "F.npy")[: truth.rig.n_rois].T
    found = raw / truth.resting[:-1] - 1
    n_pixels = np.array([len(mask) for mask in truth.masks[:-1]])
    noise = np.sqrt(12.0 / (truth.resting[:-1] * n_pixels))
    error = (found - truth.dff)[truth.dff.max(axis=1) < 0.05]
    assert np.abs(error.mean(axis=0)).max() < 0.01
    np.testing.assert_allclose(error.std(axis=0), noise, rtol=0.2)


def test_wavesurfer_lines_hold_every_pulse_on_time(knockdown: Animal) -> None:
    folder, truth = knockdown
    recorded = lines(folder)
    clocks = {"FrameClock": (2.5, truth.frame_times), "CamTTL": (0.5, truth.camera_times), "ShockTTL": (0.5, truth.shock_times)}
    for name, (threshold, times) in (clocks | {"LaserCmd": (0.5, truth.pulse_times)}).items():
        found = rises(recorded[name], threshold)
        assert len(found) == len(times), name
        assert ((found - times > -1e-9) & (found - times < 1e-3)).all(), name
    powers = truth.rig.calibration.power_of(recorded["LaserCmd"][np.round(truth.pulse_times * 1000).astype(int) + 5])
    np.testing.assert_allclose(powers, truth.pulse_powers, rtol=0.01)


def test_wavesurfer_says_when_it_started_in_local_time(knockdown: Animal) -> None:
    with h5py.File(knockdown[0] / "daq" / "bg042_0001.h5") as file:
        clock = file["header/ClockAtRunStart"][:, 0]
        assert file["header/AcquisitionSampleRate"][()].tolist() == [[1000.0]]
    assert datetime(*(int(value) for value in clock)) == datetime(2024, 5, 17, 10, 30, 57)


@pytest.mark.parametrize("animal", ["BG042", "BG043"])
def test_a_shift_by_the_first_pulse_is_right_within_the_stated_error(animal: str, demo: tuple[Path, Mapping[str, Truth]]) -> None:
    folder, truths = demo
    truth, recorded = truths[animal], lines(folder / animal)
    shown = truth.rig.microscope.shows(truth.frame_times)
    error = np.abs(shown + rises(recorded["FrameClock"], 2.5)[0] - truth.frame_times).max()
    assert truth.movie_error / 2 < error <= truth.movie_error
    shown = np.arange(truth.rig.n_camera_frames) / truth.rig.camera_rate
    error = np.abs(shown + rises(recorded["CamTTL"], 0.5)[0] - truth.camera_times).max()
    assert truth.camera_error / 2 < error <= truth.camera_error


def test_pandas_reads_the_true_pose(knockdown: Animal) -> None:
    folder, truth = knockdown
    table = pd.read_csv(folder / "cam" / "pawDLC.csv", header=[0, 1, 2], index_col=0)
    assert table.shape == (truth.rig.n_camera_frames, 9)
    for index, part in enumerate(("toe", "heel", "ankle")):
        xy = table.xs(part, axis=1, level=1).iloc[:, :2].to_numpy()
        np.testing.assert_allclose(xy, truth.paw[:, index], atol=1e-4)
    likelihood = table.xs("likelihood", axis=1, level=2)
    assert likelihood.to_numpy().min() > 0
    assert likelihood.to_numpy().max() <= 1


def test_the_paw_video_shows_the_toe_where_it_is(knockdown: Animal) -> None:
    folder, truth = knockdown
    pictures = []
    for file in ("paw_1.avi", "paw_2.avi"):
        with av.open(str(folder / "cam" / file)) as container:
            assert container.streams.video[0].average_rate == 5
            pictures += [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(pictures) == truth.rig.n_camera_frames
    for frame in (0, 700, 1200):
        x, y = np.rint(truth.paw[frame, 0]).astype(int)
        assert pictures[frame][y, x] > 150
        assert pictures[frame][2, 2] < 80


def test_the_face_video_shows_the_licks(knockdown: Animal) -> None:
    folder, truth = knockdown
    with av.open(str(folder / "cam" / "face.mp4")) as container:
        mouth = np.array([frame.to_ndarray(format="gray")[42, 32] for frame in container.decode(video=0)])
    times = truth.camera_times
    licks = ((times[:, None] >= truth.lick_times) & (times[:, None] < truth.lick_times + truth.lick_durations)).any(axis=1)
    np.testing.assert_array_equal(mouth > 170, licks)


def test_boris_holds_the_licks_in_video_time(demo: tuple[Path, Mapping[str, Truth]]) -> None:
    folder, truths = demo
    project = json.loads((folder / "cohort" / "licking.boris").read_text(encoding="utf-8"))
    assert len(project["observations"]) == 8
    for animal, truth in truths.items():
        observation = project["observations"][f"{animal} POD7"]
        media = observation["file"]["1"][0]
        assert media.endswith(f"{animal}/face.mp4")
        assert observation["media_info"]["fps"][media] == truth.rig.camera_rate
        scored = [event[0] for event in observation["events"] if event[2] == "licking"]
        frames = np.array(scored) * truth.rig.camera_rate
        onsets = np.interp(frames[::2], np.arange(len(truth.camera_times)), truth.camera_times)
        np.testing.assert_allclose(onsets, truth.lick_times, atol=1e-3)
        assert len(scored) == 2 * len(truth.lick_times)


def test_the_von_frey_table_holds_the_true_thresholds(demo: tuple[Path, Mapping[str, Truth]]) -> None:
    folder, truths = demo
    table = pd.read_csv(folder / "cohort" / "von_frey.csv")
    assert len(table) == 2 * 2 * 2 * 5
    for animal, truth in truths.items():
        for (day, side), threshold in truth.von_frey.items():
            rows = table[(table.Animal == animal) & (table.Day == day) & (table.Paw == side)]
            assert np.exp(np.log(rows["Threshold (g)"]).mean()) == pytest.approx(threshold, rel=0.01)


def test_the_notes_count_frames_from_1_and_cover_the_movie(knockdown: Animal) -> None:
    folder, truth = knockdown
    notes = pd.read_csv(folder / "notes.csv")
    assert notes["from"][0] == 1
    assert notes["to"].iloc[-1] == truth.rig.n_frames
    assert (notes["from"].to_numpy()[1:] == notes["to"].to_numpy()[:-1] + 1).all()
    first_light = notes["from"][1]
    assert truth.frame_times[first_light - 2] < truth.pulse_times[0] <= truth.frame_times[first_light - 1]


def test_frames_of_other_recordings_stand_before_and_behind(tmp_path: Path) -> None:
    rig = Rig(n_frames=960, frames_before=100, frames_after=50)
    simulate(tmp_path / "joined", rig)
    simulate(tmp_path / "alone", Rig(n_frames=960))
    joined, alone = (np.load(tmp_path / name / "suite2p" / "plane0" / "F.npy") for name in ("joined", "alone"))
    assert joined.shape[1] == 1110
    np.testing.assert_array_equal(joined[:, 100:1060], alone)


def test_where_the_focus_is_lost_the_movie_is_dim() -> None:
    truth = draw(Rig(n_frames=960, focus_lost=(100.0, 120.0)))
    brightness = np.concatenate([block[:, 1].mean(axis=(1, 2)) for block in movie_blocks(truth)])
    lost = (truth.frame_times >= 100) & (truth.frame_times < 120)
    assert brightness[lost].max() < 0.5 * brightness[~lost].min()


def test_memory_does_not_grow_with_the_movie(tmp_path: Path) -> None:
    peaks = []
    for n_frames in (300, 1200):
        truth = draw(Rig(n_frames=n_frames, image_shape=(128, 128), capsaicin=50.0, repeats=1, n_shocks=0, spacing=5.0))
        tracemalloc.start()
        write_scanimage(
            tmp_path,
            f"movie{n_frames}",
            movie_blocks(truth),
            times=np.arange(n_frames) / 4,
            n_files=1,
            frame_rate=4.0,
            pixel_size=4e-6,
            start=truth.rig.start,
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
