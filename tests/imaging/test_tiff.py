"""TIFF of other programs: axes, channels and order right, rate found or stated, and what is refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pydantic import ValidationError

from bergmann.errors import SourceError
from bergmann.imaging.tiff import Tiff, find, read
from bergmann.records import Movie
from bergmann.timing.times import RegularTimes


@pytest.fixture
def hyperstack() -> np.ndarray:
    """T, Z, C, Y, X: no two pixels are equal."""
    return np.arange(4 * 3 * 2 * 5 * 7, dtype=np.uint16).reshape(4, 3, 2, 5, 7)


@pytest.fixture
def stack() -> np.ndarray:
    return np.arange(12 * 5 * 7, dtype=np.uint16).reshape(12, 5, 7)


def write_pages(path: Path, pages: np.ndarray, **options: object) -> Path:
    """Write one directory a page and nothing about their meaning."""
    with tifffile.TiffWriter(path, **options) as file:
        for page in pages:
            file.write(page, metadata=None, contiguous=False)
    return path


def _movie(path: Path, **stated: object) -> Movie:
    return read(Tiff.model_validate({"path": path, "rate": "30 Hz"} | stated), {})


def _refused(path: Path, *words: str, **stated: object) -> None:
    with pytest.raises(SourceError) as caught:
        _movie(path, **stated)
    for word in words:
        assert word in str(caught.value)


class TestImageJ:
    def test_hyperstack(self, tmp_path, hyperstack):
        path = tmp_path / "h.tif"
        scales = {"axes": "TZCYX", "finterval": 0.5, "spacing": 3.0, "unit": "um"}
        tifffile.imwrite(path, hyperstack, imagej=True, metadata=scales, resolution=(1 / 0.8, 1 / 0.4))
        movie = _movie(path, rate=None)
        assert [channel.number for channel in movie.channels] == [1, 2]
        for index, channel in enumerate(movie.channels):
            assert channel.frames.dtype == np.uint16
            np.testing.assert_array_equal(channel.frames[:], hyperstack[:, :, index])
            np.testing.assert_array_equal(channel.frames[1:3], hyperstack[1:3, :, index])
        assert movie.times == RegularTimes(0.0, 2.0, 4)
        assert movie.pixel_size == pytest.approx((0.4e-6, 0.8e-6))
        assert movie.plane_spacing == pytest.approx(3e-6)

    def test_a_stated_rate_that_contradicts_is_refused(self, tmp_path, stack):
        path = tmp_path / "h.tif"
        tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "TYX", "finterval": 0.5})
        _refused(path, "h.tif", "`rate: 30 Hz`", "2 Hz")
        assert _movie(path, rate="2.01 Hz").times.rate == 2.01

    def test_the_rate_of_the_display_is_no_rate(self, tmp_path, stack):
        path = tmp_path / "h.tif"
        tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "TYX", "fps": 10.0})
        _refused(path, "does not say at which rate", rate=None)

    def test_slices_only_are_not_taken_for_time(self, tmp_path, stack):
        path = tmp_path / "h.tif"
        tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZYX"})
        _refused(path, "ZYX (12 pages)", "axes: TYX")
        np.testing.assert_array_equal(_movie(path, axes="TYX").channels[0].frames[:], stack)
        assert _movie(path, axes="ZYX").channels[0].frames.shape == (1, 12, 5, 7)
        two = _movie(path, axes="TCYX", channels="2")
        np.testing.assert_array_equal(two.channels[1].frames[:], stack[1::2])

    def test_axes_that_contradict_are_refused(self, tmp_path, hyperstack):
        path = tmp_path / "h.tif"
        tifffile.imwrite(path, hyperstack, imagej=True, metadata={"axes": "TZCYX"})
        _refused(path, "`axes: TCZYX`", "TZCYX (4 x 3 x 2 pages)", axes="TCZYX")
        assert _movie(path, axes="TZCYX").channels[0].frames.shape == (4, 3, 5, 7)

    def test_one_directory_for_all_pages(self, tmp_path, stack):
        """ImageJ does so beyond 4 GB."""
        path = tmp_path / "h.tif"
        with tifffile.TiffWriter(path) as file:
            file.write(stack[0], description=f"ImageJ=1.53t\nimages={len(stack)}\nframes={len(stack)}\n", metadata=None)
        with path.open("ab") as file:
            file.write(stack[1:].tobytes())
        np.testing.assert_array_equal(_movie(path).channels[0].frames[:], stack)
        path.write_bytes(path.read_bytes()[:-1])
        _refused(path, "11 frames are complete", "says 12")

    def test_cut_short(self, tmp_path, stack):
        path = tmp_path / "h.tif"
        tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "TYX"})
        with tifffile.TiffFile(path) as file:
            begin = file.series[0].dataoffset
        path.write_bytes(path.read_bytes()[: begin + 5 * 70 + 3])
        _refused(path, "h.tif: cut short: 5 frames are complete", "last_frame: 5")
        np.testing.assert_array_equal(_movie(path, last_frame="5").channels[0].frames[:], stack[:5])

    def test_real_stack(self, real):
        path = real("imagej_tiff/sima_example.tif")
        movie = _movie(path)
        np.testing.assert_array_equal(movie.channels[0].frames[:], tifffile.imread(path))
        assert movie.times == RegularTimes(0.0, 30.0, 20)
        assert movie.pixel_size is None
        _refused(path, "does not say at which rate", rate=None)


class TestOme:
    def test_axes_scales_and_order(self, tmp_path, hyperstack):
        path = tmp_path / "o.ome.tif"
        scales = {
            "TimeIncrement": 500.0,
            "TimeIncrementUnit": "ms",
            "PhysicalSizeX": 0.8,
            "PhysicalSizeY": 0.4,
            "PhysicalSizeZ": 2.0,
        }
        tifffile.imwrite(path, hyperstack.transpose(2, 0, 1, 3, 4), metadata={"axes": "CTZYX", **scales})
        movie = _movie(path, rate=None)
        for index, channel in enumerate(movie.channels):
            np.testing.assert_array_equal(channel.frames[:], hyperstack[:, :, index])
        assert movie.times == RegularTimes(0.0, 2.0, 4)
        assert movie.pixel_size == pytest.approx((0.4e-6, 0.8e-6))
        assert movie.plane_spacing == pytest.approx(2e-6)

    def test_times_of_the_frames(self, tmp_path, stack):
        path = tmp_path / "o.ome.tif"
        planes = {"DeltaT": [0.0, 0.1, 0.25], "TheT": [0, 1, 2]}
        tifffile.imwrite(path, stack[:3], metadata={"axes": "TYX", "Plane": planes, "AcquisitionDate": "2024-05-17T10:31:00"})
        movie = _movie(path, rate=None)
        np.testing.assert_array_equal(movie.times.seconds, [0.0, 0.1, 0.25])
        assert movie.start == datetime(2024, 5, 17, 10, 31)

    def test_pages_in_other_files_are_refused(self, real):
        folder = real("bruker_prairieview/NCCR32_2022_11_03_IntoTheVoid_t_series-005")
        _refused(folder / "*.ome.tif", "Cycle00001_Ch2_000002.ome.tif is followed by", "differ only in the number")
        _refused(next(folder.glob("*Cycle00002*_000001.ome.tif")), "in other files")


class TestPlainStack:
    def test_pages_are_frames(self, tmp_path, stack):
        path = write_pages(tmp_path / "p.tif", stack)
        movie = _movie(path)
        np.testing.assert_array_equal(movie.channels[0].frames[:], stack)
        assert movie.times == RegularTimes(0.0, 30.0, 12)

    @pytest.mark.parametrize("options", [{"bigtiff": True}, {"byteorder": ">"}, {"bigtiff": True, "byteorder": ">"}])
    def test_layouts(self, tmp_path, stack, options):
        path = write_pages(tmp_path / "p.tif", stack, **options)
        np.testing.assert_array_equal(_movie(path).channels[0].frames[:], stack)

    @pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float32", "float64"])
    def test_types_are_kept(self, tmp_path, stack, dtype):
        frames = _movie(write_pages(tmp_path / "p.tif", stack.astype(dtype))).channels[0].frames
        assert frames.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(frames[:], stack.astype(dtype))

    def test_stated_axes(self, tmp_path, stack):
        path = write_pages(tmp_path / "p.tif", stack)
        movie = _movie(path, axes="TCZYX", channels="2", planes="3")
        for index, channel in enumerate(movie.channels):
            np.testing.assert_array_equal(channel.frames[:], stack.reshape(2, 2, 3, 5, 7)[:, index])

    def test_axes_that_do_not_fit(self, tmp_path, stack):
        path = write_pages(tmp_path / "p.tif", stack)
        _refused(path, "12 pages, not a whole number", axes="TCYX", channels="5")
        _refused(path, "state `channels: <number>` too", axes="TCYX")
        _refused(path, "without `axes`", channels="2")
        _refused(path, "names an axis twice", axes="TTYX")
        with pytest.raises(ValidationError):
            _movie(path, axes="XYT")

    def test_axes_without_names(self, tmp_path, hyperstack):
        path = tmp_path / "s.tif"
        tifffile.imwrite(path, hyperstack[:, :, 0], photometric="minisblack")  # tifffile's own header: shape without meaning
        _refused(path, "QQYX (4 x 3 pages)", "state what these axes are")
        np.testing.assert_array_equal(_movie(path, axes="TZYX").channels[0].frames[:], hyperstack[:, :, 0])

    def test_a_cut_file_of_tifffile(self, tmp_path, stack):
        path = tmp_path / "s.tif"
        tifffile.imwrite(path, stack, photometric="minisblack")
        path.write_bytes(path.read_bytes()[:700])
        with pytest.raises(SourceError, match="cut short"):
            _movie(path)

    def test_no_rate(self, tmp_path, stack):
        _refused(write_pages(tmp_path / "p.tif", stack), "p.tif", "rate: 30 Hz", rate=None)

    def test_compressed(self, tmp_path, stack):
        path = tmp_path / "z.tif"
        with tifffile.TiffWriter(path) as file:
            for page in stack:
                file.write(page, metadata=None, contiguous=False, compression="zlib")
        frames = _movie(path).channels[0].frames
        np.testing.assert_array_equal(frames[:], stack)
        np.testing.assert_array_equal(frames[5:7], stack[5:7])
        assert frames[3:3].shape == (0, 5, 7)

    def test_tiled(self, tmp_path):
        stack = np.arange(3 * 40 * 50, dtype=np.uint16).reshape(3, 40, 50)
        path = tmp_path / "t.tif"
        with tifffile.TiffWriter(path) as file:
            for page in stack:
                file.write(page, metadata=None, contiguous=False, tile=(16, 16))
        np.testing.assert_array_equal(_movie(path).channels[0].frames[:], stack)

    def test_a_compression_that_cannot_be_decoded(self, tmp_path, stack):
        path = write_pages(tmp_path / "p.tif", stack[:1])
        raw = path.read_bytes()
        compression = (259).to_bytes(2, "little") + (3).to_bytes(2, "little") + (1).to_bytes(4, "little")
        at = raw.index(compression) + 8
        path.write_bytes(raw[:at] + (34712).to_bytes(2, "little") + raw[at + 2 :])  # JPEG 2000
        _refused(path, "p.tif", "cannot be decoded")

    def test_colours_are_refused(self, tmp_path):
        tifffile.imwrite(tmp_path / "c.tif", np.zeros((5, 7, 3), np.uint8), photometric="rgb", metadata=None)
        _refused(tmp_path / "c.tif", "3 samples a pixel", "colour")

    def test_cut_short(self, tmp_path, stack):
        path = write_pages(tmp_path / "p.tif", stack)
        path.write_bytes(path.read_bytes()[:-3])
        _refused(path, "cut short", "11 frames are complete")
        np.testing.assert_array_equal(_movie(path, last_frame="11").channels[0].frames[:], stack[:11])


class TestOneFileAFrame:
    @pytest.fixture
    def folder(self, tmp_path, stack):
        for index, page in enumerate(stack, start=1):
            tifffile.imwrite(tmp_path / f"Img_{index}.tif", page, metadata=None)
        return tmp_path

    def test_natural_order(self, folder, stack):
        np.testing.assert_array_equal(_movie(folder / "Img_*.tif").channels[0].frames[:], stack)
        np.testing.assert_array_equal(_movie(folder).channels[0].frames[8:11], stack[8:11])

    def test_stated_axes(self, folder, stack):
        np.testing.assert_array_equal(_movie(folder, axes="TCYX", channels="2").channels[1].frames[:], stack[1::2])

    def test_a_missing_file(self, folder):
        (folder / "Img_7.tif").unlink()
        _refused(folder, "Img_6.tif is followed by Img_8.tif")

    def test_files_of_several_channels(self, folder, stack):
        tifffile.imwrite(folder / "Red_13.tif", stack[0], metadata=None)
        _refused(folder, "Img_12.tif is followed by Red_13.tif")

    def test_another_byte_order(self, folder, stack):
        tifffile.imwrite(folder / "Img_13.tif", stack[0], metadata=None, byteorder=">")
        _refused(folder, "Img_13.tif", "expected pages of one form")

    def test_parts_of_a_stack(self, tmp_path, stack):
        for index in range(3):
            write_pages(tmp_path / f"part_{index + 1}.tif", stack[4 * index :][:4])
        np.testing.assert_array_equal(_movie(tmp_path / "part_*.tif").channels[0].frames[:], stack)

    def test_found(self, folder, stack, write_scanimage, asymmetric):
        write_pages(folder / "stack.tif", stack)
        tifffile.imwrite(folder / "picture.tif", stack[0])
        write_scanimage(folder / "si_00001.tif", asymmetric(3))
        (folder / "broken.tif").write_bytes(b"II*\0")
        assert sorted(source.path.name for source in find(folder)) == ["Img_*.tif", "stack.tif"]

    def test_several_series_are_counted_by_their_form(self, tmp_path, stack):
        path = tmp_path / "many.tif"
        with tifffile.TiffWriter(path) as file:
            for page in stack[:5]:
                file.write(page, contiguous=False)
        height, width = stack[0].shape
        _refused(path, f"holds 5 image series: 5 of ({height}, {width}) (YX); expected one.")

    def test_an_empty_folder(self, tmp_path):
        _refused(tmp_path, "a folder without TIFF files")

    def test_real_files(self, real):
        folder = real("large_movies/fmi_2p_amygdala_tiff_sequence")
        movie = _movie(folder / "Img_*.tif")
        n_files = len(list(folder.glob("Img_*.tif")))
        expected = np.stack([tifffile.imread(folder / f"Img_{index}.tif") for index in range(1, n_files + 1)])
        np.testing.assert_array_equal(movie.channels[0].frames[:], expected)


def test_pages_that_are_stored_turned_are_refused(tmp_path, stack):
    path = tmp_path / "turned.tif"
    with tifffile.TiffWriter(path) as file:
        for page in stack:
            file.write(page, metadata=None, contiguous=False, extratags=[(274, 3, 1, 4, True)])
    _refused(path, "turned.tif", "TIFF orientation 4", "rows from the top")
