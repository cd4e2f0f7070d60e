from __future__ import annotations

from pathlib import Path

import numpy as np
import pynwb
import pytest
from pynwb import NWBHDF5IO
from pynwb.ophys import OpticalChannel, TwoPhotonSeries

from bergmann.arrays import NwbOrder
from bergmann.errors import SourceError
from bergmann.records import RoiPlane, Segmentation
from bergmann.registry import Entry, Placed
from bergmann.segmentation.nwb import add_segmentation
from bergmann.segmentation.stated import SegmentationStated, check_segmentation
from bergmann.segmentation.suite2p import MASK, Suite2pSource, read
from bergmann.timing.times import ExplicitTimes
from ndx_glial_receptors import CellPopulationsTable, GlialReceptorMetadata, ReceptorsTable

N_FRAMES, HEIGHT, WIDTH = 4, 3, 6
FRAMES = np.arange(N_FRAMES * HEIGHT * WIDTH, dtype=np.int16).reshape(N_FRAMES, HEIGHT, WIDTH)


def roi_plane(name="plane0"):
    masks = (np.array([(0, 5, 1.0), (2, 4, 0.5)], dtype=MASK), np.array([(1, 0, 1.0)], dtype=MASK))
    traces = {
        key: np.stack([FRAMES[:, mask["y"], mask["x"]].mean(axis=1) * factor for mask in masks], axis=1)
        for key, factor in (("raw", 1.0), ("neuropil", 0.5), ("deconvolved", 0.1))
    }
    return RoiPlane(
        name=name,
        image_shape=(HEIGHT, WIDTH),
        masks=masks,
        traces=traces,
        columns={"is_cell": np.array([True, False]), "cell_probability": np.array([0.9, 0.2])},
        column_descriptions={"is_cell": "Whether it is a cell."},
        images={"mean": FRAMES.mean(axis=0)},
        registration=np.array([[0.0, 0.0], [1.0, -2.0], [0.0, 3.0], [0.0, 0.0]]),
    )


def record(*names):
    return Segmentation(
        files=(Path("plane0") / "F.npy",),
        notes={"software": "Suite2p"},
        planes=tuple(roi_plane(name) for name in names or ("plane0",)),
        times=ExplicitTimes(np.array([0.0, 1.0, 2.1, 3.3])),
    )


def entry_of(segmentation, *, of=None, **stated):
    source = Suite2pSource(path=Path("suite2p"), of=of)
    return Entry(name="rois", record=segmentation, stated=SegmentationStated(**stated), source=source)


@pytest.fixture
def placed(nwbfile):
    """A plane and a movie, as the imaging room would have added them."""
    device = nwbfile.create_device(name="scope")
    imaging_plane = nwbfile.create_imaging_plane(
        name="bg_plane",
        optical_channel=OpticalChannel(name="green", description="green", emission_lambda=525.0),
        description="plane",
        device=device,
        excitation_lambda=920.0,
        indicator="GCaMP6f",
        location="CUL4, 5",
    )
    frames = NwbOrder(FRAMES)
    series = TwoPhotonSeries(
        name="movie",
        data=frames[slice(None)],
        imaging_plane=imaging_plane,
        unit="n.a.",
        rate=1.0,
        dimension=list(frames.shape[1:]),
    )
    nwbfile.add_acquisition(series)
    placed = Placed(stream=lambda array: array[slice(None)], collections={})
    placed.put("planes", "bg_plane", imaging_plane)
    placed.put("sources", "movie", (series,))
    return placed


def write(nwbfile, path):
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    assert pynwb.validate(path=str(path)) == []


def test_masks_pick_the_pixels_of_the_movie(nwbfile, placed, tmp_path):
    add_segmentation(nwbfile, entry_of(record(), of="movie"), placed)
    write(nwbfile, tmp_path / "a.nwb")
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        file = io.read()
        module, movie = file.processing["ophys"], file.acquisition["movie"].data[:]
        table = module["ImageSegmentation"]["rois"]
        raw = module["Fluorescence"]["rois_raw"]
        for roi in range(len(table)):
            mask = table["pixel_mask"][roi]
            pixels = movie[:, mask["x"], mask["y"]]
            np.testing.assert_allclose(pixels.mean(axis=1), raw.data[:, roi])
        assert table["pixel_mask"][0]["x"].tolist() == [5, 4]
        assert table["pixel_mask"][0]["y"].tolist() == [0, 2]
        assert table["pixel_mask"][0]["weight"].tolist() == [1.0, 0.5]
        assert table["is_cell"][:].tolist() == [True, False]
        assert table["cell_probability"][:].tolist() == [0.9, 0.2]
        assert table.imaging_plane.name == "bg_plane"
        assert table.reference_images[0].name == "movie"
        image = module["rois_images"]["mean"].data[:]
        np.testing.assert_array_equal(image, movie.mean(axis=0))


def test_traces_and_shifts_come_back_with_one_set_of_times(nwbfile, placed, tmp_path):
    add_segmentation(nwbfile, entry_of(record(), of="movie"), placed)
    write(nwbfile, tmp_path / "a.nwb")
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        module = io.read().processing["ophys"]
        traces = module["Fluorescence"].roi_response_series
        assert set(traces) == {"rois_raw", "rois_neuropil", "rois_deconvolved"}
        for name, trace in roi_plane().traces.items():
            np.testing.assert_array_equal(traces[f"rois_{name}"].data[:], trace)
            assert traces[f"rois_{name}"].rois.table.name == "rois"
            assert traces[f"rois_{name}"].timestamps is traces["rois_raw"].timestamps
        assert "not spikes" in traces["rois_deconvolved"].description
        shifts = module["rois_registration"]
        assert shifts.data[:].tolist() == [[0, 0], [-2, 1], [3, 0], [0, 0]]
        assert shifts.timestamps[:].tolist() == [0.0, 1.0, 2.1, 3.3]
        assert shifts.unit == "pixels"


def test_what_is_said_of_the_rois_can_name_their_traces(nwbfile, placed):
    add_segmentation(nwbfile, entry_of(record(), of="movie"), placed)
    made = [one.name for one in placed.get("sources", "rois")]
    assert made == ["rois", "rois_raw", "rois_neuropil", "rois_deconvolved"]


def test_the_channel_that_is_named_is_the_reference(nwbfile, placed):
    (first,) = placed.get("sources", "movie")
    others = [
        TwoPhotonSeries(name=f"movie_ch{n}", data=first.data, imaging_plane=first.imaging_plane, unit="n.a.", rate=1.0)
        for n in (1, 2)
    ]
    for one in others:
        nwbfile.add_acquisition(one)
    placed.put("sources", "movie", tuple(others))
    add_segmentation(nwbfile, entry_of(record(), of="movie/2"), placed)
    assert [one.name for one in placed.get("sources", "rois")[0].reference_images] == ["movie_ch2"]


def test_each_plane_has_a_table(nwbfile, placed, tmp_path):
    add_segmentation(nwbfile, entry_of(record("plane0", "plane1"), plane="bg_plane"), placed)
    write(nwbfile, tmp_path / "a.nwb")
    assert [table.name for table in placed.get("sources", "rois")[:2]] == ["rois_plane0", "rois_plane1"]
    assert set(nwbfile.processing["ophys"]["ImageSegmentation"].plane_segmentations) == {"rois_plane0", "rois_plane1"}


def test_masks_in_a_volume_know_their_plane(nwbfile, placed, tmp_path):
    (flat,) = placed.get("sources", "movie")
    volumes = NwbOrder(np.stack([FRAMES, FRAMES + 1000], axis=1))
    series = TwoPhotonSeries(
        name="volumes",
        data=volumes[slice(None)],
        imaging_plane=flat.imaging_plane,
        unit="n.a.",
        rate=1.0,
        dimension=list(volumes.shape[1:]),
    )
    nwbfile.add_acquisition(series)
    placed.put("sources", "volumes", (series,))
    add_segmentation(nwbfile, entry_of(record("plane0", "plane1"), of="volumes"), placed)
    write(nwbfile, tmp_path / "a.nwb")
    mask = placed.get("sources", "rois")[1]["voxel_mask"][0]
    for x, y, z, _ in mask:
        assert volumes[slice(None)][0, x, y, z] == FRAMES[0, y, x] + 1000


def test_the_cells_of_the_rois_are_annotated(nwbfile, placed, tmp_path):
    populations = CellPopulationsTable(description="cells")
    for label in ("lc", "bg"):
        populations.add_row(label=label, cell_type="Bergmann glial cell", location="CUL4, 5")
    receptors = ReceptorsTable(description="none", target_tables={"population": populations})
    metadata = GlialReceptorMetadata(cell_populations=populations, receptors=receptors)
    nwbfile.add_lab_meta_data(metadata)
    placed.put("glial", "metadata", metadata)
    add_segmentation(nwbfile, entry_of(record(), of="movie", population="bg", compartment="process"), placed)
    write(nwbfile, tmp_path / "a.nwb")
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        table = io.read().lab_meta_data["glial_receptor_metadata"].cell_annotations_tables["cell_annotations_rois"]
        assert table["source"].data[:].tolist() == [0, 1]
        assert table["source"].table.name == "rois"
        assert table["population"].data[:].tolist() == [1, 1]
        assert table["compartment"][:].tolist() == ["process", "process"]


def test_rois_without_a_plane_or_of_another_are_refused(nwbfile, placed):
    with pytest.raises(SourceError, match="rois: the imaging plane is not known"):
        add_segmentation(nwbfile, entry_of(record()), placed)
    other = nwbfile.create_imaging_plane(
        name="deep",
        optical_channel=OpticalChannel(name="green", description="green", emission_lambda=525.0),
        description="plane",
        device=nwbfile.devices["scope"],
        excitation_lambda=920.0,
        indicator="GCaMP6f",
        location="CUL4, 5",
    )
    placed.put("planes", "deep", other)
    with pytest.raises(SourceError, match="`plane` is deep, and the movie movie is of bg_plane"):
        add_segmentation(nwbfile, entry_of(record(), of="movie", plane="deep"), placed)


def test_what_is_not_stated_is_a_gap():
    def messages(**fields):
        return [(finding.location, finding.severity) for finding in check_segmentation(entry_of(record(), **fields), {})]

    assert messages() == [("plane", "error")]
    assert messages(of="movie") == []
    assert messages(plane="bg_plane", population="bg") == [("compartment", "error")]
    assert messages(plane="bg_plane", compartment="soma") == [("population", "error")]


def test_the_real_folder_comes_back_as_it_was(real, nwbfile, placed, tmp_path):
    folder = real("suite2p/gin_two_planes")
    add_segmentation(nwbfile, entry_of(read(Suite2pSource(path=folder), {}), plane="bg_plane"), placed)
    write(nwbfile, tmp_path / "a.nwb")
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        module = io.read().processing["ophys"]
        for plane, n_rois in (("plane0", 15), ("plane1", 25)):
            stored = {
                name: np.load(folder / plane / f"{name}.npy") for name in ("F", "Fneu", "spks", "F_chan2", "Fneu_chan2", "iscell")
            }
            series = module["Fluorescence"].roi_response_series
            for trace, name in (("raw", "F"), ("neuropil", "Fneu"), ("deconvolved", "spks"), ("raw_chan2", "F_chan2")):
                np.testing.assert_array_equal(series[f"rois_{plane}_{trace}"].data[:], stored[name].T)
            table = module["ImageSegmentation"][f"rois_{plane}"]
            assert len(table) == n_rois
            np.testing.assert_array_equal(table["cell_probability"][:], stored["iscell"][:, 1])
            stat = np.load(folder / plane / "stat.npy", allow_pickle=True)
            assert table["pixel_mask"][3]["x"].tolist() == stat[3]["xpix"].tolist()
            assert table["pixel_mask"][3]["y"].tolist() == stat[3]["ypix"].tolist()
            assert "Users" not in table.description
