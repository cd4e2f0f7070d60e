"""Movies and planes in an NWB file, written, validated and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pynwb
import pytest
from nwbinspector import Importance, inspect_nwbfile_object

from bergmann.errors import SourceError
from bergmann.imaging.nwb import add_movie, add_planes
from bergmann.imaging.scanimage import ScanImage, read
from bergmann.imaging.stated import Indicator, MovieStated, Plane
from bergmann.records import Movie, MovieChannel
from bergmann.registry import Entry, Placed
from bergmann.timing.times import RegularTimes

STATED = {
    "device": "scope",
    "population": "bg",
    "location": "CUL4, 5",
    "excitation": "920 nm",
    "channels": {"1": {"indicator": "gcamp", "emission": "525 nm"}, "3": {"label": "mCherry", "emission": "610 nm"}},
}


def place(nwbfile: pynwb.NWBFile, **planes: dict[str, object]) -> Placed:
    """A session with a microscope, an indicator, and `planes`, each laid over `STATED`."""
    stated = {name: Plane.model_validate(STATED | plane) for name, plane in planes.items()}
    collections = {"planes": stated, "indicators": {"gcamp": Indicator(name="GCaMP6f")}}
    placed = Placed(stream=lambda array: array[slice(None)], collections=collections)
    placed.put("devices", "scope", nwbfile.create_device(name="scope", description="Example 2P microscope"))
    add_planes(nwbfile, stated, placed)
    return placed


def entry_of(record: Movie, name: str = "movie", plane: str = "bg_plane") -> Entry[Movie, MovieStated]:
    return Entry(name=name, record=record, stated=MovieStated(plane=plane), source=ScanImage(path=record.files[0]))


def small(n_frames: int = 2, **known: object) -> Movie:
    frames = np.arange(n_frames * 3 * 4, dtype=np.int16).reshape(n_frames, 3, 4)
    channel = MovieChannel(number=1, name="Channel 1", frames=frames)
    return Movie(files=(Path("/rig/someone/m.tif"),), channels=(channel,), times=RegularTimes(1.5, 30.0, n_frames), **known)


def written(nwbfile: pynwb.NWBFile, path: Path) -> Path:
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    assert pynwb.validate(path=path) == []
    return path


def test_a_frame_read_back_is_the_source_frame_transposed(nwbfile, tmp_path, write_scanimage, asymmetric):
    pages = asymmetric(8)
    source = write_scanimage(
        tmp_path / "m.tif", pages, {"SI.hChannels.channelSave": "[1;3]"}, numbers=np.repeat([1, 2, 3, 4], 2).tolist()
    )
    placed = place(nwbfile, bg_plane={})
    add_movie(nwbfile, entry_of(read(ScanImage(path=source), {})), placed)
    with pynwb.NWBHDF5IO(written(nwbfile, tmp_path / "m.nwb"), "r") as io:
        acquisition = io.read().acquisition
        assert sorted(acquisition) == ["movie_ch1", "movie_ch3"]
        for index, name in enumerate(sorted(acquisition)):
            series = acquisition[name]
            assert isinstance(series, pynwb.ophys.TwoPhotonSeries)
            assert series.data.dtype == np.int16
            assert series.data.shape == (4, 7, 5)
            assert series.dimension[:].tolist() == [7, 5]
            for frame in range(4):
                np.testing.assert_array_equal(series.data[frame].T, pages[2 * frame + index])
            np.testing.assert_allclose(series.timestamps[:], np.arange(4) / 30, atol=1e-8)
            assert series.imaging_plane.name == "bg_plane"
        assert "Channel 3 (Channel 3): mCherry" in acquisition["movie_ch3"].description
        assert "software: ScanImage 2021.1.0" in acquisition["movie_ch1"].comments
        assert "someone" not in acquisition["movie_ch1"].comments
    assert [series.name for series in placed.get("sources", "movie")] == ["movie_ch1", "movie_ch3"]


def test_a_volume_is_time_x_y_z(nwbfile, tmp_path, real):
    folder = real("scanimage_tiff/vol_one_ch_multi_files")
    movie = read(ScanImage(path=folder / "*.tif"), {})
    placed = place(nwbfile, bg_plane={})
    add_movie(nwbfile, entry_of(movie), placed)
    with pynwb.NWBHDF5IO(written(nwbfile, tmp_path / "m.nwb"), "r") as io:
        series = io.read().acquisition["movie"]
        assert series.data.shape == (40, 20, 20, 9)
        assert series.dimension[:].tolist() == [20, 20, 9]
        np.testing.assert_array_equal(np.transpose(series.data[17], (2, 1, 0)), movie.channels[0].frames[17:18][0])
        np.testing.assert_allclose(series.imaging_plane.grid_spacing[:], [0.84375e-6, 0.84375e-6, 2e-6])


def test_the_plane_as_stated(nwbfile, tmp_path):
    place(nwbfile, bg_plane={"pixel_size": ["0.4 um", "0.8 um"], "reference_frame": "bregma"})
    with pynwb.NWBHDF5IO(written(nwbfile, tmp_path / "m.nwb"), "r") as io:
        plane = io.read().imaging_planes["bg_plane"]
        assert plane.indicator == "GCaMP6f, mCherry"
        assert plane.excitation_lambda == 920.0
        assert plane.location == "CUL4, 5"
        assert plane.device.name == "scope"
        assert plane.reference_frame == "bregma"
        assert plane.imaging_rate is None
        assert "bg" in plane.description
        np.testing.assert_allclose(plane.grid_spacing[:], [0.8e-6, 0.4e-6])  # x, then y
        channels = {channel.name: channel for channel in plane.optical_channel}
        assert {name: one.emission_lambda for name, one in channels.items()} == {"channel_1": 525.0, "channel_3": 610.0}
        assert "mCherry" in channels["channel_3"].description


def test_what_is_unknown_is_nan_and_said(nwbfile, tmp_path):
    place(nwbfile, bg_plane={"excitation": "unknown", "channels": {"1": {"label": "unknown", "emission": "unknown"}}})
    with pynwb.NWBHDF5IO(written(nwbfile, tmp_path / "m.nwb"), "r") as io:
        plane = io.read().imaging_planes["bg_plane"]
        assert np.isnan(plane.excitation_lambda)
        assert "excitation wavelength is unknown" in plane.description
        assert np.isnan(plane.optical_channel[0].emission_lambda)
        assert "emission wavelength is unknown" in plane.optical_channel[0].description
        assert plane.indicator == "unknown"


def test_one_channel_has_the_name_of_the_source(nwbfile, tmp_path):
    placed = place(nwbfile, bg_plane={})
    add_movie(nwbfile, entry_of(small()), placed)
    with pynwb.NWBHDF5IO(written(nwbfile, tmp_path / "m.nwb"), "r") as io:
        series = io.read().acquisition["movie"]
        assert (series.starting_time, series.rate, series.unit) == (1.5, 30.0, "n.a.")
        assert series.comments == "files: m.tif"
        assert series.imaging_plane.grid_spacing is None


def test_a_found_pixel_size_is_that_of_the_plane(nwbfile):
    placed = place(nwbfile, bg_plane={}, stated={"pixel_size": "2 um"})
    add_movie(nwbfile, entry_of(small(pixel_size=(1e-6, 2e-6))), placed)
    assert placed.get("planes", "bg_plane").grid_spacing == [2e-6, 1e-6]
    add_movie(nwbfile, entry_of(small(pixel_size=(1e-6, 2e-6)), "again"), placed)
    with pytest.raises(SourceError, match=r"m\.tif: pixels of 4 x 1 um, but the plane bg_plane has pixels of 2 x 1 um"):
        add_movie(nwbfile, entry_of(small(pixel_size=(1e-6, 4e-6)), "other"), placed)
    with pytest.raises(SourceError, match="pixels of 2 x 1 um, but the plane stated has pixels of 2 x 2 um"):
        add_movie(nwbfile, entry_of(small(pixel_size=(1e-6, 2e-6)), "other", "stated"), placed)


def test_a_found_plane_spacing_joins_a_stated_pixel_size(nwbfile):
    placed = place(nwbfile, bg_plane={"pixel_size": "2 um"})
    add_movie(nwbfile, entry_of(small(pixel_size=(2e-6, 2e-6), plane_spacing=5e-6)), placed)
    assert placed.get("planes", "bg_plane").grid_spacing == pytest.approx([2e-6, 2e-6, 5e-6])


def test_the_inspector_has_nothing_critical(nwbfile):
    placed = place(nwbfile, bg_plane={"excitation": "unknown"})
    movie = small(n_frames=6, notes={"software": "ScanImage 2021.1.0"})  # fewer frames than columns look transposed to it
    add_movie(nwbfile, entry_of(movie), placed)
    found = inspect_nwbfile_object(nwbfile, importance_threshold=Importance.BEST_PRACTICE_VIOLATION)
    about_imaging = [one for one in found if one.object_type in {"TwoPhotonSeries", "ImagingPlane", "OpticalChannel"}]
    assert [one.check_function_name for one in about_imaging if one.importance.name != "BEST_PRACTICE_VIOLATION"] == []
