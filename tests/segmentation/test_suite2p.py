from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from bergmann.errors import SourceError
from bergmann.records import Movie, MovieChannel
from bergmann.segmentation._unpickle import load_objects
from bergmann.segmentation.suite2p import Suite2pSource, find, read
from bergmann.timing.times import RegularTimes

HEIGHT, WIDTH, N_FRAMES = 5, 8, 12


def write_plane(folder, *, n_rois=2, n_frames=N_FRAMES, left_out=(), **ops):
    """A plane with ROIs that are wider than high; each sample says its ROI and frame."""
    folder.mkdir(parents=True)
    stat = np.empty(n_rois, dtype=object)
    for index in range(n_rois):
        pixels = {"ypix": np.array([1, 1, 2]), "xpix": np.array([5, 6, 7]) - index, "lam": np.array([0.5, 0.25, 0.25], np.float32)}
        stat[index] = {**pixels, "skew": np.float32(index), "overlap": np.array([True, False, index == 0])}
    samples = 100.0 * np.arange(n_rois)[:, None] + np.arange(n_frames)
    settings = {
        "Ly": HEIGHT,
        "Lx": WIDTH,
        "fs": 7.5,
        "neucoeff": 0.7,
        "save_path": "C:\\Users\\Somebody\\data",
        "yoff": np.arange(n_frames, dtype=np.int32),
        "xoff": -2 * np.arange(n_frames, dtype=np.int32),
        "meanImg": np.arange(HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH),
        "Vcorr": np.ones((3, 4)),
        "yrange": [1, 4],
        "xrange": [2, 6],
    }
    files = {
        "F": samples.astype(np.float32),
        "Fneu": (samples / 2).astype(np.float32),
        "spks": (samples / 4).astype(np.float32),
        "iscell": np.array([[1.0, 0.9], [0.0, 0.2]])[:n_rois],
        "stat": stat,
        "ops": np.array(settings | ops, dtype=object),
    }
    for name, values in files.items():
        if name not in left_out:
            np.save(folder / f"{name}.npy", values)
    return folder


def movie(n_frames=N_FRAMES, shape=(HEIGHT, WIDTH)):
    frames = np.zeros((n_frames, *shape), dtype=np.int16)
    return Movie(
        files=(Path("m.tif"),), channels=(MovieChannel(number=1, name="1", frames=frames),), times=RegularTimes(3.0, 30.0, n_frames)
    )


def segmentation(path, inputs=None, **fields):
    return read(Suite2pSource(path=path, **fields), inputs or {})


def test_real_planes_equal_what_numpy_loads(real):
    folder = real("suite2p/gin_two_planes")
    record = segmentation(folder)
    assert [plane.name for plane in record.planes] == ["plane0", "plane1"]
    assert [len(plane.masks) for plane in record.planes] == [15, 25]
    assert (record.times.rate, len(record.times)) == (10.0, 250)
    for plane in record.planes:
        stem = {"raw": "F", "neuropil": "Fneu", "deconvolved": "spks", "raw_chan2": "F_chan2", "neuropil_chan2": "Fneu_chan2"}
        assert set(plane.traces) == set(stem)
        for name, trace in plane.traces.items():
            stored = np.load(folder / plane.name / f"{stem[name]}.npy")
            np.testing.assert_array_equal(trace[slice(None)], stored.T)
            np.testing.assert_array_equal(trace[100:107], stored[:, 100:107].T)
        stat = np.load(folder / plane.name / "stat.npy", allow_pickle=True)
        for mask, roi in zip(plane.masks, stat, strict=True):
            np.testing.assert_array_equal(mask["y"], roi["ypix"])
            np.testing.assert_array_equal(mask["x"], roi["xpix"])
            np.testing.assert_array_equal(mask["weight"], roi["lam"])
        is_cell, is_red = (np.load(folder / plane.name / f"{name}.npy") for name in ("iscell", "redcell"))
        np.testing.assert_array_equal(plane.columns["is_cell"], is_cell[:, 0] == 1)
        np.testing.assert_array_equal(plane.columns["cell_probability"], is_cell[:, 1])
        np.testing.assert_array_equal(plane.columns["red_probability"], is_red[:, 1])
        ops = np.load(folder / plane.name / "ops.npy", allow_pickle=True).item()
        np.testing.assert_array_equal(plane.images["mean"], ops["meanImg"])
        np.testing.assert_array_equal(plane.images["correlation"], ops["Vcorr"])
        np.testing.assert_array_equal(plane.registration, -np.column_stack([ops["yoff"], ops["xoff"]]))


def test_no_path_or_name_of_a_person_passes(real):
    record = segmentation(real("suite2p/gin_two_planes"))
    said = " ".join(record.notes.values())
    assert "Users" not in said
    assert "@" not in said
    assert record.notes["neuropil coefficient"] == "0.7"


def test_find_gives_each_run_once(tmp_path):
    for name in ("plane0", "plane1", "combined"):
        write_plane(tmp_path / "run" / "suite2p" / name)
    write_plane(tmp_path / "copied_plane")
    assert [source.path.name for source in find(tmp_path)] == ["copied_plane", "suite2p"]
    assert len(segmentation(tmp_path / "run" / "suite2p").planes) == 2
    assert len(segmentation(tmp_path / "run").planes) == 2
    with pytest.raises(SourceError, match=r"combined: this folder repeats the planes"):
        segmentation(tmp_path / "run" / "suite2p" / "combined")


def test_planes_are_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 2, 0):
        write_plane(tmp_path / f"plane{number}")
    assert segmentation(tmp_path).parts == ("plane0", "plane2", "plane10")


def test_times_are_those_of_the_movie(tmp_path):
    write_plane(tmp_path / "plane0")
    record = segmentation(tmp_path, {"of": movie()}, of="movie")
    assert (record.times.first, record.times.rate) == (3.0, 30.0)
    assert segmentation(tmp_path).times == RegularTimes(0.0, 7.5, N_FRAMES)


def test_a_part_of_a_run_over_several_recordings(tmp_path):
    write_plane(tmp_path / "plane0")
    record = segmentation(tmp_path, {"of": movie(5)}, of="movie", frames="4-8")
    (plane,) = record.planes
    assert plane.traces["raw"][slice(None)].tolist() == [[frame, 100 + frame] for frame in range(3, 8)]
    assert plane.traces["raw"][1:3].tolist() == [[4, 104], [5, 105]]
    assert plane.registration.tolist() == [[-frame, 2 * frame] for frame in range(3, 8)]
    with pytest.raises(SourceError, match=r"the part that `frames` names has 6 frames, and the movie m.tif has 5"):
        segmentation(tmp_path, {"of": movie(5)}, of="movie", frames="4-9")
    with pytest.raises(SourceError, match=r"frames 4 to 13 of a run over 12 frames"):
        segmentation(tmp_path, frames="4-13")
    with pytest.raises(ValidationError, match="not a range of frames"):
        Suite2pSource(path=tmp_path, frames="8-4")


def test_a_movie_of_another_length_or_size_is_refused(tmp_path):
    write_plane(tmp_path / "plane0")
    with pytest.raises(SourceError, match=r"Suite2p has 12 frames, and the movie m.tif has 11; if Suite2p ran on several"):
        segmentation(tmp_path, {"of": movie(11)}, of="movie")
    with pytest.raises(SourceError, match="plane0 is 5 x 8 pixels, and the movie's frames are 8 x 5"):
        segmentation(tmp_path, {"of": movie(shape=(8, 5))}, of="movie")


def test_cropped_images_lie_where_they_were_computed(tmp_path):
    write_plane(tmp_path / "plane0", max_proj=np.ones((2, 2)))
    record = segmentation(tmp_path)
    image = record.planes[0].images["correlation"]
    assert image.shape == (HEIGHT, WIDTH)
    assert np.isfinite(image[1:4, 2:6]).all()
    assert np.isfinite(image).sum() == 12
    assert record.notes["images left out"] == "plane0: max_proj of (2, 2)"


def test_what_a_version_does_not_write_is_not_there(tmp_path):
    folder = write_plane(tmp_path / "plane0", left_out=("spks", "Fneu", "iscell", "ops"))
    np.save(folder / "settings.npy", np.array({"fs": 7.5, "Ly": HEIGHT, "Lx": WIDTH}, dtype=object))
    np.save(folder / "db.npy", np.array({"data_path": [Path("a") / "b"]}, dtype=object))
    (plane,) = segmentation(tmp_path).planes
    assert set(plane.traces) == {"raw"}
    assert set(plane.columns) == {"skew", "overlapping_pixels"}
    assert plane.columns["overlapping_pixels"].tolist() == [2, 1]
    assert plane.registration is None


def test_counts_that_differ_are_refused(tmp_path):
    folder = write_plane(tmp_path / "a" / "plane0")
    np.save(folder / "spks.npy", np.zeros((2, 11), np.float32))
    with pytest.raises(SourceError, match=r"plane0/spks.npy: 11 frames, and F.npy has 12"):
        segmentation(tmp_path / "a")
    folder = write_plane(tmp_path / "b" / "plane0")
    np.save(folder / "iscell.npy", np.zeros((3, 2)))
    with pytest.raises(SourceError, match="3 values of is_cell for 2 ROIs of plane0"):
        segmentation(tmp_path / "b")
    write_plane(tmp_path / "c" / "plane0")
    write_plane(tmp_path / "c" / "plane1", n_frames=11)
    with pytest.raises(SourceError, match="planes of different length: plane0 has 12, plane1 has 11 frames"):
        segmentation(tmp_path / "c")
    write_plane(tmp_path / "d" / "plane0", yoff=np.zeros(3), xoff=np.zeros(3))
    with pytest.raises(SourceError, match="3 registration shifts for 12 frames"):
        segmentation(tmp_path / "d")


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(SourceError, match="there is no 'suite2p'"):
        segmentation(tmp_path / "suite2p")
    with pytest.raises(SourceError, match=r"no plane with a stat.npy; it has: nothing"):
        segmentation(tmp_path)
    folder = write_plane(tmp_path / "plane0")
    (folder / "F.npy").write_bytes((folder / "F.npy").read_bytes()[:150])
    with pytest.raises(SourceError, match=r"plane0/F.npy: not a whole NumPy file of numbers; copy the folder again"):
        segmentation(tmp_path)
    write_plane(tmp_path / "cut" / "plane0")
    stat = tmp_path / "cut" / "plane0" / "stat.npy"
    stat.write_bytes(stat.read_bytes()[:200])
    with pytest.raises(SourceError, match=r"plane0/stat.npy: cannot be read"):
        segmentation(tmp_path / "cut")


class _Runs:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path):
    np.save(tmp_path / "stat.npy", np.array([_Runs(tmp_path / "made")], dtype=object))
    with pytest.raises(SourceError, match=r"it names (posix|nt).mkdir, which is no array, number or text"):
        load_objects(tmp_path / "stat.npy")
    assert not (tmp_path / "made").exists()


def test_real_planes_equal_what_another_reader_gives(real):
    pytest.importorskip("natsort")
    extractors = pytest.importorskip("roiextractors")
    folder = real("suite2p/gin_two_planes")
    for plane in segmentation(folder).planes:
        other = extractors.Suite2pSegmentationExtractor(folder_path=folder, plane_name=plane.name, channel_name="chan1")
        np.testing.assert_array_equal(plane.traces["raw"][slice(None)], other.get_traces(name="raw"))
        np.testing.assert_array_equal(plane.traces["neuropil"][slice(None)], other.get_traces(name="neuropil"))
        np.testing.assert_array_equal(plane.traces["deconvolved"][slice(None)], other.get_traces(name="deconvolved"))
        assert other.get_sampling_frequency() == 10.0
        for mask, pixels in zip(plane.masks, other.get_roi_pixel_masks(), strict=True):
            np.testing.assert_allclose(np.array(mask.tolist()), pixels, rtol=1e-6)
