"""CaImAn's HDF5: a real file, and small ones whose images are wider than high."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pynwb
import pytest
from pynwb import NWBHDF5IO
from pynwb.ophys import OpticalChannel

from bergmann.errors import SourceError
from bergmann.records import Movie, MovieChannel
from bergmann.registry import Entry, Placed
from bergmann.segmentation.caiman import CaimanSource, find, read
from bergmann.segmentation.nwb import add_segmentation
from bergmann.segmentation.stated import SegmentationStated
from bergmann.timing.times import ExplicitTimes, RegularTimes

REAL = "caiman/caiman_analysis.hdf5"
HEIGHT, WIDTH, N_FRAMES = 3, 5, 6
IMAGES = np.zeros((3, HEIGHT, WIDTH))
IMAGES[0, 0, 3:], IMAGES[1, :, 1], IMAGES[2, 2, 4] = (0.5, 0.25), (0.1, 0.2, 0.4), 1.0
"""Three footprints as they look: two pixels of the top row, a column, a corner."""


def compressed(images):
    """Compressed columns of images, counted down each column of the image, by going through every pixel."""
    data, indices, indptr = [], [], [0]
    height, width = images.shape[1:]
    for image in images:
        for column in range(width):
            for row in range(height):
                if image[row, column]:
                    data.append(image[row, column])
                    indices.append(column * height + row)
        indptr.append(len(data))
    return {
        "data": np.array(data),
        "indices": np.array(indices, np.int32),
        "indptr": np.array(indptr, np.int32),
        "shape": np.array([height * width, len(images)], np.int32),
    }


def traces(factor, n_rois=3):
    return factor * (100.0 * np.arange(n_rois)[:, None] + np.arange(N_FRAMES))


def write(path, images=IMAGES, left_out=(), **changed):
    """A file as CaImAn writes it; `changed` by key of ``estimates``, or of the file with a leading slash written ``__``."""
    n_rois = len(images)
    estimates = {
        **{f"A/{key}": values for key, values in compressed(images).items()},
        "C": traces(1.0, n_rois),
        "F_dff": traces(0.01, n_rois),
        "S": traces(0.5, n_rois),
        "YrA": traces(-2.0, n_rois),
        "R": traces(-3.0, n_rois),
        "b": "NoneType",
        "f": "NoneType",
        "dims": np.array([HEIGHT, WIDTH], np.int32),
        "idx_components": np.array([0, 2]),
        "idx_components_bad": np.array([1]),
        "SNR_comp": np.array([3.0, 0.5, 9.0]),
        "r_values": np.array([0.9, 0.1, 0.8]),
        "cnn_preds": np.empty(0),
        "bl": np.array([b"1.25", b"-2.5", b"0"]),
        "g": np.array([[0.9, -0.1], [0.8, 0.0], [0.7, 0.1]]),
        "sn": np.arange(HEIGHT * WIDTH, dtype=float),
        "Cn": np.arange(HEIGHT * WIDTH, dtype=float).reshape(HEIGHT, WIDTH),
    }
    everything = {f"estimates/{key}": values for key, values in estimates.items()} | {
        "params/data/fr": 7.5,
        "params/data/dims": np.array([HEIGHT, WIDTH], np.int32),
        "params/data/fnames": np.array([b"C:\\Users\\Somebody\\movie.tif"]),
        "params/data/caiman_version": "1.9.15",
        "params/preprocess/p": 2,
        "params/quality/min_SNR": 2.0,
        "mmap_file": "C:\\Users\\Somebody\\movie.mmap",
        "dims": "NoneType",
    }
    everything |= {key[2:] if key.startswith("__") else f"estimates/{key}": values for key, values in changed.items()}
    with h5py.File(path, "w") as file:
        for key, values in everything.items():
            if key.removeprefix("estimates/") not in left_out:
                file[key] = values
    return path


def segmentation(path, inputs=None, **keys):
    return read(CaimanSource(path=path, **keys), inputs or {})


def movie(n_frames=N_FRAMES, shape=(HEIGHT, WIDTH)):
    channel = MovieChannel(number=1, name="1", frames=np.zeros((n_frames, *shape), np.int16))
    return Movie(files=(Path("m.tif"),), channels=(channel,), times=ExplicitTimes(3 + np.arange(n_frames) ** 1.1))


def drawn(plane, index):
    image = np.zeros(plane.image_shape)
    mask = plane.masks[index]
    image[mask["y"], mask["x"]] = mask["weight"]
    return image


# --- the real file ----------------------------------------------------------------------------------------------------


def test_real_footprints_are_those_of_caimans_own_reconstruction(real):
    """CaImAn's documentation: ``np.reshape(A[:, i].toarray(), dims, order="F")``."""
    components, background = segmentation(real(REAL)).planes
    with h5py.File(real(REAL), "r") as file:
        stored = file["estimates"]
        dims, ends, flat = stored["dims"][:], stored["A/indptr"][:], stored["b"][:]
        matrix = np.zeros(stored["A/shape"][:])
        for index, (begin, end) in enumerate(pairwise(ends)):
            matrix[stored["A/indices"][begin:end], index] = stored["A/data"][begin:end]
    assert len(components.masks) == 72
    for plane, columns in ((components, matrix), (background, flat)):
        for index, column in enumerate(columns.T):
            np.testing.assert_array_equal(drawn(plane, index), np.reshape(column, dims, order="F").astype(np.float32))


def test_real_traces_have_their_own_names(real):
    record = segmentation(real(REAL))
    components, background = record.planes
    assert list(components.traces) == ["denoised", "dff", "deconvolved", "residual"]
    with h5py.File(real(REAL), "r") as file:
        for trace, key in zip(components.traces.values(), ("C", "F_dff", "S", "YrA"), strict=True):
            stored = file["estimates"][key][:]
            assert trace.shape == (1000, 72)
            np.testing.assert_array_equal(trace[0:1000], stored.T)
            np.testing.assert_array_equal(trace[10:13], stored[:, 10:13].T)
        np.testing.assert_array_equal(background.traces["time_course"][0:1000], file["estimates/f"][:].T)
        np.testing.assert_array_equal(components.columns["baseline"], [float(text) for text in file["estimates/bl"][:]])
        np.testing.assert_array_equal(components.images["noise"].ravel(order="F"), file["estimates/sn"][:])
    assert "accepted" not in components.columns  # nobody evaluated them
    assert record.times == RegularTimes(0.0, 30.0, 1000)
    assert not background.of_cells
    assert "Saksham" not in str(record.notes)
    assert [source.path.name for source in find(real("caiman"))] == ["caiman_analysis.hdf5"]


# --- small files ------------------------------------------------------------------------------------------------------


def test_rows_and_columns_of_images_that_are_wider_than_high(tmp_path):
    (plane,) = segmentation(write(tmp_path / "c.hdf5")).planes
    assert plane.image_shape == (HEIGHT, WIDTH)
    for index, image in enumerate(IMAGES):
        np.testing.assert_array_equal(drawn(plane, index), image.astype(np.float32))
    np.testing.assert_array_equal(plane.images["noise"], np.arange(HEIGHT * WIDTH).reshape(WIDTH, HEIGHT).T)
    np.testing.assert_array_equal(plane.images["correlation"], np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH))


def test_what_caiman_says_of_each_component(tmp_path):
    record = segmentation(write(tmp_path / "c.hdf5", r_values=np.array([0.5, 0.5])))
    (plane,) = record.planes
    found = {name: values.tolist() for name, values in plane.columns.items()}
    assert found == {
        "accepted": [True, False, True],
        "snr": [3.0, 0.5, 9.0],
        "baseline": [1.25, -2.5, 0.0],
        "g_1": [0.9, 0.8, 0.7],
        "g_2": [-0.1, 0.0, 0.1],
    }
    assert plane.columns["accepted"].dtype == bool
    assert plane.columns.keys() == plane.column_descriptions.keys()
    assert record.notes["r_values left out"] == "2 values for 3 components"
    assert record.notes["CaImAn version"] == "1.9.15"
    assert "Somebody" not in str(record.notes)


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        ([0], [1], {"accepted": [True, False, False], "rejected": [False, True, False]}),
        ([], [0, 1, 2], {"accepted": [False] * 3}),
        ([0, 1, 2], [], {"accepted": [True] * 3}),
        ([], [], {}),
        ([1], "NoneType", {"accepted": [False, True, False]}),
        ("NoneType", "NoneType", {}),
    ],
)
def test_which_components_were_accepted(tmp_path, good, bad, expected):
    lists = {"idx_components": good, "idx_components_bad": bad}
    stored = {key: values if isinstance(values, str) else np.array(values, dtype=float) for key, values in lists.items()}
    (plane,) = segmentation(write(tmp_path / "c.hdf5", **stored)).planes
    found = {name: plane.columns[name].tolist() for name in ("accepted", "rejected") if name in plane.columns}
    assert found == expected


def test_the_residual_is_that_of_yra_and_nothing_stands_in_for_another_trace(tmp_path):
    (plane,) = segmentation(write(tmp_path / "a.hdf5")).planes
    np.testing.assert_array_equal(plane.traces["residual"][0:N_FRAMES], traces(-2.0).T)
    record = segmentation(write(tmp_path / "b.hdf5", YrA="NoneType", F_dff="NoneType", S="NoneType"))
    assert set(record.planes[0].traces) == {"denoised", "residual"}
    np.testing.assert_array_equal(record.planes[0].traces["residual"][0:N_FRAMES], traces(-3.0).T)
    assert record.notes["residual"] == "from R; there is no YrA"
    (plane,) = segmentation(write(tmp_path / "c.hdf5", left_out=("YrA", "R"))).planes
    assert set(plane.traces) == {"denoised", "dff", "deconvolved"}


@pytest.mark.parametrize("is_sparse", [True, False])
def test_a_background_is_kept_apart_from_the_components(tmp_path, is_sparse):
    images = np.arange(2.0 * HEIGHT * WIDTH).reshape(2, HEIGHT, WIDTH)
    stored = {f"b/{key}": values for key, values in compressed(images).items()}
    stored = stored if is_sparse else {"b": images.transpose(0, 2, 1).reshape(2, -1).T}
    path = write(tmp_path / "c.hdf5", left_out=("b",), f=traces(7.0, 2))
    with h5py.File(path, "a") as file:
        for key, values in stored.items():
            file[f"estimates/{key}"] = values
    components, background = segmentation(path).planes
    assert (components.of_cells, background.of_cells) == (True, False)
    for index in range(2):
        np.testing.assert_array_equal(drawn(background, index), images[index])
    np.testing.assert_array_equal(background.traces["time_course"][2:4], traces(7.0, 2).T[2:4])


def test_times_are_those_of_the_movie(tmp_path):
    path = write(tmp_path / "c.hdf5")
    assert segmentation(path).times == RegularTimes(0.0, 7.5, N_FRAMES)
    of = movie()
    assert segmentation(path, {"of": of}, of="movie").times is of.times
    with pytest.raises(SourceError, match=r"c.hdf5: CaImAn has 6 frames, and the movie m.tif has 5; if CaImAn ran on several"):
        segmentation(path, {"of": movie(5)}, of="movie")
    with pytest.raises(SourceError, match=r"c.hdf5: components is 3 x 5 pixels, and the movie's frames are 5 x 3"):
        segmentation(path, {"of": movie(shape=(WIDTH, HEIGHT))}, of="movie")


def test_a_part_of_a_run_over_several_recordings(tmp_path):
    record = segmentation(write(tmp_path / "c.hdf5"), {"of": movie(3)}, of="movie", frames="2-4")
    assert record.planes[0].traces["denoised"][slice(None)].tolist() == [[f, 100 + f, 200 + f] for f in (1, 2, 3)]
    with pytest.raises(SourceError, match=r"c.hdf5: frames 2 to 7 of a run over 6 frames"):
        segmentation(write(tmp_path / "c.hdf5"), frames="2-7")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"C": "NoneType"}, r"c.hdf5: no traces \(estimates/C\); did CaImAn finish"),
        ({"S": traces(1.0)[:, 1:]}, r"estimates/S has 3 components and 5 frames; expected 3 components and 6 frames"),
        ({"F_dff": traces(1.0, 2)}, r"estimates/F_dff has 2 components and 6 frames"),
        ({"dims": np.array([WIDTH, HEIGHT])}, r"contradicts itself: estimates/dims says 5 x 3, params/data/dims says 3 x 5"),
        ({"dims": "NoneType", "__params/data/dims": "NoneType"}, r"does not say how large its images are"),
        ({"dims": np.array([3, 5, 2]), "__params/data/dims": "NoneType"}, r"components of volumes \(3 x 5 x 2\)"),
        ({"dims": np.array([4, 5]), "__params/data/dims": "NoneType"}, r"estimates/A is 15 x 3; expected a row for each of 4 x 5"),
        ({"A/indices": np.full(6, 15)}, r"estimates/A has pixels beyond its images"),
        ({"A/indptr": np.array([0, 2, 5])}, r"estimates/A is not a matrix of compressed columns"),
        ({"A/indptr": np.array([0, 5, 2, 6])}, r"estimates/A is not a matrix of compressed columns"),
        ({"idx_components": np.array([0, 3])}, r"idx_components names component 3, counted from 0, of 3"),
        ({"idx_components": np.array([0, 1])}, r"component 1, counted from 0, is in idx_components and in idx_components_bad"),
        ({"__params/data/fr": "NoneType"}, r"does not say its rate \(params/data/fr\); name the movie it was run on as `of`"),
        ({"__params/data/fr": 0}, r"does not say its rate"),
    ],
)
def test_files_that_contradict_themselves_are_refused(tmp_path, changed, message):
    with pytest.raises(SourceError, match=message):
        segmentation(write(tmp_path / "c.hdf5", **changed))


def test_other_hdf5_files_are_refused_and_not_found(tmp_path):
    with h5py.File(tmp_path / "o.h5", "w") as file:
        file["sweep_0001/analogScans"] = np.zeros(3)
    with pytest.raises(SourceError, match=r"o.h5: no `estimates`; it has: sweep_0001. Expected the file that CaImAn"):
        segmentation(tmp_path / "o.h5")
    with pytest.raises(SourceError, match="a folder; name the HDF5 file"):
        segmentation(tmp_path)
    write(tmp_path / "a.hdf5", left_out=("A/indptr",))
    with pytest.raises(SourceError, match=r"a.hdf5: cannot be read as results of CaImAn"):
        segmentation(tmp_path / "a.hdf5")
    with pytest.raises(SourceError, match="2 files match"):
        segmentation(tmp_path / "*.h*5")
    assert list(find(tmp_path)) == []


# --- NWB --------------------------------------------------------------------------------------------------------------


def test_components_and_background_come_back_from_nwb(nwbfile, tmp_path):
    images = np.arange(2.0 * HEIGHT * WIDTH).reshape(2, HEIGHT, WIDTH)
    path = write(tmp_path / "c.hdf5", b=images.transpose(0, 2, 1).reshape(2, -1).T, f=traces(7.0, 2))
    plane = nwbfile.create_imaging_plane(
        name="bg_plane",
        optical_channel=OpticalChannel(name="green", description="green", emission_lambda=525.0),
        description="plane",
        device=nwbfile.create_device(name="scope"),
        excitation_lambda=920.0,
        indicator="GCaMP6f",
        location="CUL4, 5",
    )
    placed = Placed(stream=lambda array: array[slice(None)], collections={})
    placed.put("planes", "bg_plane", plane)
    source = CaimanSource(path=path)
    add_segmentation(
        nwbfile, Entry(name="rois", record=read(source, {}), stated=SegmentationStated(plane="bg_plane"), source=source), placed
    )
    with NWBHDF5IO(tmp_path / "c.nwb", "w") as io:
        io.write(nwbfile)
    assert pynwb.validate(path=str(tmp_path / "c.nwb")) == []
    with NWBHDF5IO(tmp_path / "c.nwb", "r") as io:
        module = io.read().processing["ophys"]
        table, background = (module["ImageSegmentation"][name] for name in ("rois", "rois_background"))
        for index, image in enumerate(IMAGES):
            mask = table["pixel_mask"][index]
            found = np.zeros((WIDTH, HEIGHT))
            found[mask["x"], mask["y"]] = mask["weight"]
            np.testing.assert_array_equal(found.T, image.astype(np.float32))
        assert table["accepted"][:].tolist() == [True, False, True]
        for name, factor in (("denoised", 1.0), ("deconvolved", 0.5), ("residual", -2.0)):
            series = module["Fluorescence"][f"rois_{name}"]
            np.testing.assert_array_equal(series.data[:], traces(factor).T)
            assert series.rois.table is table
        dff = module["DfOverF"]["rois_dff"]
        np.testing.assert_array_equal(dff.data[:], traces(0.01).T)
        assert (dff.unit, dff.rate) == ("n.a.", 7.5)
        series = module["Fluorescence"]["rois_background_time_course"]
        np.testing.assert_array_equal(series.data[:], traces(7.0, 2).T)
        assert series.rois.table is background
        assert len(placed.get("sources", "rois")) == 7
