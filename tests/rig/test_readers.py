"""Bergmann's own readers find the truth in what the rig writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bergmann.behavior import boris, deeplabcut, video
from bergmann.imaging import scanimage
from bergmann.optogenetics import channel
from bergmann.optogenetics.power import read_curve
from bergmann.pulses import recorded_pulses
from bergmann.records import Events, LightPulses, Movie, Pose, Recording, Segmentation, Video
from bergmann.registry import Format, Inputs, Record
from bergmann.rig import Truth
from bergmann.rig.movie import movie_blocks
from bergmann.segmentation import suite2p
from bergmann.signals import wavesurfer

Animal = tuple[Path, Truth]


def read(how: Format, inputs: Inputs | None = None, /, **fields: object) -> Record:
    return how.read(how.source(**fields), inputs or {})


@pytest.fixture(scope="module")
def daq(knockdown: Animal) -> Recording:
    record = read(wavesurfer.FORMAT, path=knockdown[0] / "daq" / "bg042_0001.h5")
    assert isinstance(record, Recording)
    return record


@pytest.fixture(scope="module")
def movie(knockdown: Animal) -> Movie:
    record = read(scanimage.FORMAT, path=knockdown[0] / "2p" / "bg042_00001_*.tif")
    assert isinstance(record, Movie)
    return record


def test_each_format_is_found_in_the_folder(knockdown: Animal) -> None:
    folder, _ = knockdown
    for of in (scanimage.FORMAT, wavesurfer.FORMAT, suite2p.FORMAT):
        assert len(list(of.find(folder))) == 1, of.label
    assert len(list(boris.FORMAT.find(folder.parent))) == 8  # one for each observation


def test_the_movie_is_the_simulated_one(knockdown: Animal, movie: Movie) -> None:
    _, truth = knockdown
    frames = np.concatenate(list(movie_blocks(truth)))
    assert [channel.number for channel in movie.channels] == [1, 2]
    for index, one in enumerate(movie.channels):
        np.testing.assert_array_equal(one.frames[0 : truth.rig.n_frames], frames[:, index])
    assert movie.pixel_size == pytest.approx((truth.rig.pixel_size, truth.rig.pixel_size))
    shown = truth.rig.microscope.shows(truth.frame_times)
    np.testing.assert_allclose(movie.times.seconds, shown, atol=1e-9)
    assert movie.start is not None
    assert (movie.start - truth.rig.start).total_seconds() == pytest.approx(7.1237, abs=1e-3)


def test_the_recording_holds_every_tick(knockdown: Animal, daq: Recording) -> None:
    _, truth = knockdown
    assert daq.parts == ("FrameClock", "LaserCmd", "CamTTL", "ShockTTL")
    assert daq.start == truth.rig.start
    for name, times in (("FrameClock", truth.frame_times), ("CamTTL", truth.camera_times), ("ShockTTL", truth.shock_times)):
        found = recorded_pulses(daq, name).times.seconds
        assert len(found) == len(times)
        assert np.abs(found - times).max() < 1 / daq.rate


def test_the_light_is_every_pulse_with_its_power(knockdown: Animal, daq: Recording) -> None:
    folder, truth = knockdown
    light = read(channel.FORMAT, {"of": daq}, of="daq/LaserCmd", threshold="0.5 V")
    assert isinstance(light, LightPulses)
    np.testing.assert_allclose(light.times.seconds, truth.pulse_times, atol=1e-9)
    np.testing.assert_allclose(light.durations, truth.rig.pulse_length, atol=1e-9)
    curve = read_curve(folder.parent / "calibration" / "laser473_2024-05-02.csv", command_unit="V", power_unit="mW")
    assert light.command is not None
    np.testing.assert_allclose(curve.power_of(light.command, "V"), truth.pulse_powers, rtol=5e-3)


def test_the_rois_are_the_true_masks(knockdown: Animal, movie: Movie) -> None:
    folder, truth = knockdown
    rois = read(suite2p.FORMAT, {"of": movie}, path=folder / "suite2p", of="movie")
    assert isinstance(rois, Segmentation)
    (plane,) = rois.planes
    for mask, true in zip(plane.masks, truth.masks, strict=True):
        np.testing.assert_array_equal(np.stack([mask["y"], mask["x"]], axis=1), true)
    assert plane.columns["is_cell"].tolist() == [True] * truth.rig.n_rois + [False]
    assert plane.registration is not None
    np.testing.assert_array_equal(plane.registration, -truth.motion)


def test_the_videos_and_the_pose_have_a_time_for_every_tick(knockdown: Animal) -> None:
    folder, truth = knockdown
    shown = truth.rig.camera.shows(truth.camera_times)
    paw_cam = read(video.FORMAT, path=folder / "cam" / "paw_*.avi")
    face_cam = read(video.FORMAT, path=folder / "cam" / "face.mp4")
    for one in (paw_cam, face_cam):
        assert isinstance(one, Video)
        np.testing.assert_allclose(one.times.seconds, shown, atol=1e-3)
    pose = read(deeplabcut.FORMAT, {"of": paw_cam}, path=folder / "cam" / "pawDLC.csv", of="paw_cam")
    assert isinstance(pose, Pose)
    assert [keypoint.name for keypoint in pose.keypoints] == ["toe", "heel", "ankle"]
    for index, keypoint in enumerate(pose.keypoints):
        np.testing.assert_allclose(keypoint.positions, truth.paw[:, index], atol=1e-4)


def test_the_licks_are_the_true_ones(knockdown: Animal) -> None:
    folder, truth = knockdown
    face_cam = read(video.FORMAT, path=folder / "cam" / "face.mp4")
    assert isinstance(face_cam, Video)
    aligned = face_cam.aligned(truth.camera_times[0])
    scored = read(
        boris.FORMAT, {"of": aligned}, path=folder.parent / "cohort" / "licking.boris", observation="BG042 POD7", of="face_cam"
    )
    assert isinstance(scored, Events)
    series = {one.name: one for one in scored.series}
    bound = truth.camera_error + 1e-3
    np.testing.assert_allclose(series["licking"].times.seconds, truth.lick_times, atol=bound)
    np.testing.assert_allclose(series["licking"].durations, truth.lick_durations, atol=2e-3)
    np.testing.assert_allclose(series["flinch"].times.seconds, truth.flinch_times, atol=bound)
