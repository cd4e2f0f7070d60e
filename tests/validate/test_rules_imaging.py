"""Movies, planes, masks and traces that cannot be are found; a movie of four cells with its masks and traces is not."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from .nwb_files import add_movie, add_rois, cells_movie, check_file, check_written, make_nwbfile, write

FRAMES, MASKS = cells_movie()
TRACES = np.stack([FRAMES[:, x, y].mean(axis=1) for x, y in MASKS], axis=1)


def found_in(tmp_path: Path, frames: Any = FRAMES, masks: Any = MASKS, rois: Any = None, **changed: Any) -> dict[str, str]:
    nwbfile = make_nwbfile()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pynwb doubts some of these, too
        movie = add_movie(nwbfile, frames, **changed)
        if masks is not None:
            add_rois(nwbfile, movie, masks, **({"traces": TRACES} | (rois or {})))
        return {one.check: f"{one.location.removeprefix('file.nwb:/')}: {one.message}" for one in check_file(nwbfile, tmp_path)}


def changed_frames(change: Any) -> Any:
    frames = FRAMES.copy()
    change(frames)
    return frames


def test_a_movie_with_its_masks_and_traces_is_not_found(tmp_path: Path) -> None:
    assert found_in(tmp_path) == {}


@pytest.mark.parametrize(
    ("changed", "check", "message"),
    [
        ({"plane": {"excitation_lambda": 9.2e-7}}, "imaging_excitation_indicator", "its excitation_lambda is 9.2e-07"),
        ({"plane": {"excitation_lambda": 1300.0}}, "imaging_excitation_indicator", "GCaMP6f with two photons of 1300 nm"),
        ({"emission": 920.0}, "imaging_emission_indicator", "its emission_lambda is 920; expected 380 to 800 nm"),
        ({"plane": {"imaging_rate": 30.0}}, "imaging_rate_against_times", "its plane says 30 Hz, and its frames are at 10 Hz"),
        (
            {"series": {"timestamps": np.arange(60.0)}},
            "imaging_rate_against_times",
            "its plane says 10 Hz, and its frames are at 1 Hz",
        ),
        ({"series": {"timestamps": np.arange(60.0) * 1e5}}, "imaging_rate_against_times", "its plane says 10 Hz"),
        ({"plane": {"grid_spacing": [4.0, 4.0]}}, "imaging_pixel_size_plausible", "grid_spacing is 4 meters along axis 0"),
        ({"plane": {"grid_spacing": [0.0, 1e-6]}}, "imaging_pixel_size_plausible", "grid_spacing is 0 meters along axis 0"),
        (
            {"series": {"rate": 10.0, "dimension": [16, 24]}},
            "imaging_dimension_matches",
            "dimension is (16, 24), and its frames are (24, 16)",
        ),
    ],
)
def test_a_strange_plane_is_found(tmp_path: Path, changed: dict[str, Any], check: str, message: str) -> None:
    assert message in found_in(tmp_path, **changed)[check]


@pytest.mark.parametrize(
    ("frames", "check", "message"),
    [
        (
            changed_frames(lambda one: one[10:30].fill(32767)),
            "imaging_saturated_frames",
            "20 frames from 10 on are 32767 throughout",
        ),
        (changed_frames(lambda one: one[10:30].fill(0)), "imaging_empty_frames", "20 frames from 10 on are 0 throughout"),
        (changed_frames(lambda one: one[-1].fill(40)), "imaging_empty_frames", "frame 59 is 40 throughout"),
        (changed_frames(lambda one: one.__setitem__(20, one[19])), "imaging_repeated_frames", "frame 20 is the same as frame 19"),
        (
            changed_frames(lambda one: one.__setitem__(slice(45, 60), one[:15])),
            "imaging_repeated_frames",
            "frame 45 is the same as frame 0, and 14 more are another one",
        ),
    ],
)
def test_a_strange_frame_is_found(tmp_path: Path, frames: Any, check: str, message: str) -> None:
    assert message in found_in(tmp_path, frames=frames, masks=None)[check]


def test_a_channel_written_twice_is_found(tmp_path: Path) -> None:
    from pynwb.ophys import TwoPhotonSeries

    nwbfile = make_nwbfile()
    movie = add_movie(nwbfile, FRAMES)
    nwbfile.add_acquisition(TwoPhotonSeries(name="red", data=FRAMES, imaging_plane=movie.imaging_plane, unit="a.u.", rate=10.0))
    (found,) = check_file(nwbfile, tmp_path)
    assert found.check == "imaging_planes"
    assert found.message in {"its frames are those of movie, bit by bit", "its frames are those of red, bit by bit"}


def test_a_time_without_a_frame_is_found(tmp_path: Path) -> None:
    nwbfile = make_nwbfile()
    add_movie(nwbfile, FRAMES, series={"timestamps": np.arange(60.0) / 10})
    path = write(nwbfile, tmp_path)
    with h5py.File(path, "r+") as file:
        attributes = dict(file["acquisition/movie/timestamps"].attrs)
        del file["acquisition/movie/timestamps"]
        file["acquisition/movie/timestamps"] = np.arange(61.0) / 10
        file["acquisition/movie/timestamps"].attrs.update(attributes)
    (found,) = check_written(path)
    assert (found.check, found.message) == ("imaging_traces_as_long_as_times", "it has 60 values in time and 61 timestamps")


def test_masks_outside_of_the_frame_are_found(tmp_path: Path) -> None:
    found = found_in(tmp_path, masks=[(x + 5, y) for x, y in MASKS])
    assert "the mask of ROI 3 reaches x = 26, y = 5 (1 of 4 ROIs); the frames are 24 x 16" in found["imaging_rois_inside_frame"]


@pytest.mark.parametrize(
    ("masks", "orientation"),
    [
        ([(y, x) for x, y in MASKS[:3]], "x and y exchanged"),
        ([(23 - x, y) for x, y in MASKS], "mirrored in x"),
        ([(x, 15 - y) for x, y in MASKS], "mirrored in y"),
    ],
)
def test_masks_in_another_orientation_are_found(tmp_path: Path, masks: Any, orientation: str) -> None:
    frames = FRAMES
    if orientation == "x and y exchanged":  # a frame that all masks fit into either way
        frames = FRAMES[:, :, :].copy()
        frames[:, 18:, :] = 40
        masks = [(y, x) for x, y in MASKS[:2]]
    found = found_in(tmp_path, frames=frames, masks=masks, rois={"traces": TRACES[:, : len(masks)]})
    assert f"fit the mean image better {orientation}" in found["imaging_rois_not_transposed"]


@pytest.mark.parametrize(("x", "y"), [(1, 0), (-1, 0), (0, 1), (1, -1)])
def test_masks_a_pixel_beside_their_cells_are_found(tmp_path: Path, x: int, y: int) -> None:
    found = found_in(tmp_path, masks=[(one + x, other + y) for one, other in MASKS])
    message = (
        rf"rois: its traces are those of the pixels at \{-x:+d} in x and \{-y:+d} in y: these leave (\S+) % .* own pixels (\S+) %"
    )
    told = re.search(message, found["imaging_rois_not_moved"])
    assert told is not None, found
    assert abs(float(told[1])) < 1e-6
    assert float(told[2]) > 0.01


def test_masks_of_one_pixel_too_few_are_not_called_moved(tmp_path: Path) -> None:
    """What a program cut off at one side of one ROI says nothing of the others."""
    first, *others = MASKS
    assert "imaging_rois_not_moved" not in found_in(tmp_path, masks=[(first[0] + 1, first[1]), *others])


def drifting(n_frames: int = 240) -> tuple[Any, Any, Any]:
    """A movie that moves by a pixel half way through, its masks, and the traces of the registered frames."""
    still, masks = cells_movie(n_frames)
    traces = np.stack([still[:, x, y].mean(axis=1) for x, y in masks], axis=1)
    drifted = still.copy()
    drifted[n_frames // 2 :] = np.roll(still[n_frames // 2 :], 1, axis=1)
    return drifted, masks, traces


def test_a_movie_that_drifts_has_no_moved_masks(tmp_path: Path) -> None:
    frames, masks, traces = drifting()
    for x in (0, 1):
        found = found_in(tmp_path, frames=frames, masks=[(one + x, other) for one, other in masks], rois={"traces": traces})
        assert "imaging_rois_not_moved" not in found, x


def test_frames_that_registration_moved_are_left_out(tmp_path: Path) -> None:
    from pynwb import TimeSeries

    frames, masks, traces = drifting()
    nwbfile = make_nwbfile()
    movie = add_movie(nwbfile, frames)
    add_rois(nwbfile, movie, [(x, y + 1) for x, y in masks], traces=traces)
    shifts = np.zeros((len(frames), 2))
    shifts[len(frames) // 2 :, 0] = -1
    nwbfile.add_acquisition(TimeSeries(name="xy_translation", data=shifts, unit="pixels", rate=10.0))
    found = {one.check: one.message for one in check_file(nwbfile, tmp_path)}
    assert "at +0 in x and -1 in y" in found["imaging_rois_not_moved"]


def test_images_in_another_orientation_are_found(tmp_path: Path) -> None:
    from pynwb.base import Images
    from pynwb.image import GrayscaleImage

    for name, frames in (("oblong", FRAMES), ("square", FRAMES[:, :16, :])):
        nwbfile = make_nwbfile()
        add_movie(nwbfile, frames)
        mean = frames.mean(axis=0)
        images = [GrayscaleImage(name="good", data=mean), GrayscaleImage(name="turned", data=mean.T)]
        nwbfile.add_acquisition(Images(name="images", images=images))
        (found,) = check_file(nwbfile, tmp_path)
        assert (name, found.check, found.location.split("/")[-1]) == (name, "imaging_images_match_movie", "turned")


@pytest.mark.parametrize(
    ("rois", "check", "message"),
    [
        ({"traces": TRACES.T}, "imaging_roi_counts", "it has 60 columns, and its region names 4 ROIs"),
        (
            {"traces": np.column_stack([TRACES, TRACES[:, 0]])},
            "imaging_roi_counts",
            "it has 5 columns, and its region names 4 ROIs",
        ),
        ({"is_cell": [0.9, 1.0, 0.0, 1.0]}, "imaging_roi_counts", "is_cell holds 0.9; expected true or false"),
        ({"weight": 0.0}, "imaging_masks_weighted", "the weights of ROI 0 are 0 throughout (4 of 4 ROIs)"),
        (
            {"traces": TRACES[:, [1, 0, 2, 3]]},
            "imaging_traces_match_masks",
            "the trace of ROI 0 is that of the pixels of ROI 1 (2 of 4",
        ),
    ],
)
def test_strange_rois_are_found(tmp_path: Path, rois: dict[str, Any], check: str, message: str) -> None:
    assert message in found_in(tmp_path, rois=rois)[check]


def test_raw_and_deconvolved_traces_exchanged_are_found(tmp_path: Path) -> None:
    nwbfile = make_nwbfile()
    movie = add_movie(nwbfile, FRAMES)
    spikes = np.maximum(np.diff(TRACES, axis=0, prepend=0), 0)
    rois = add_rois(nwbfile, movie, MASKS, traces=spikes)
    region = rois.create_roi_table_region(region=[0, 1, 2, 3], description="all")
    nwbfile.processing["ophys"]["Fluorescence"].create_roi_response_series(
        name="deconvolved", data=TRACES, rois=region, unit="a.u.", rate=10.0
    )
    found = {one.check: one.message for one in check_file(nwbfile, tmp_path)}
    assert "by its pixels it is the raw trace, and raw is not" in found["imaging_traces_match_masks"]
