"""ScanImage: every page of every file, in the right frame, channel, plane and time; and what is refused."""

from __future__ import annotations

import re
import tracemalloc
from datetime import datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import tifffile

from bergmann.errors import SourceError
from bergmann.imaging.scanimage import FORMAT, ScanImage, find, read
from bergmann.records import Movie
from bergmann.timing.times import RegularTimes

VOLUMES = {
    "SI.hStackManager.enable": "true",
    "SI.hStackManager.numSlices": "3",
    "SI.hStackManager.framesPerSlice": "1",
    "SI.hStackManager.numFramesPerVolume": "3",
    "SI.hStackManager.numFramesPerVolumeWithFlyback": "4",
    "SI.hStackManager.zs": "[10 15 20]",
}
CHANNELS = {"SI.hChannels.channelSave": "[1;3]"}


def _movie(path: Path, **stated: object) -> Movie:
    return read(ScanImage(path=path, **stated), {})


def _refused(path: Path, *words: str, **stated: object) -> None:
    with pytest.raises(SourceError) as caught:
        _movie(path, **stated)
    for word in words:
        assert word in str(caught.value)


class TestOnePlane:
    def test_frames_are_the_pages(self, tmp_path, write_scanimage, asymmetric):
        pages = asymmetric(6)
        movie = _movie(write_scanimage(tmp_path / "m_00001.tif", pages))
        (channel,) = movie.channels
        assert (channel.number, channel.name) == (1, "Channel 1")
        assert channel.frames.dtype == np.int16
        np.testing.assert_array_equal(channel.frames[:], pages)
        np.testing.assert_array_equal(channel.frames[2:4], pages[2:4])
        assert channel.frames[6:9].shape == (0, 5, 7)

    def test_times_are_those_of_the_frames(self, tmp_path, write_scanimage, asymmetric):
        seconds = [0.0, 0.0333, 0.0667, 0.1500]
        movie = _movie(write_scanimage(tmp_path / "m.tif", asymmetric(4), seconds=seconds))
        np.testing.assert_array_equal(movie.times.seconds, seconds)
        np.testing.assert_array_equal(movie.ticks.seconds, seconds)
        assert movie.start == datetime(2024, 5, 17, 10, 31, 4, 250000)

    def test_notes_hold_numbers_and_no_path(self, tmp_path, write_scanimage, asymmetric):
        notes = _movie(write_scanimage(tmp_path / "m.tif", asymmetric(2))).notes
        assert notes["software"] == "ScanImage 2021.1.0"
        assert notes["zoom"] == "2"
        assert notes["laser power"] == "12.5 %, 0 %"
        assert notes["PMT gains"] == "0.61, 0.7"
        assert not any("someone" in text or "\\" in text for text in notes.values())

    def test_pixel_size_follows_from_the_objective(self, tmp_path, write_scanimage, asymmetric):
        # 20 x 10 degrees of 15 um on 7 x 5 pixels
        height, width = _movie(write_scanimage(tmp_path / "m.tif", asymmetric(2))).pixel_size
        assert height == pytest.approx(10 * 15e-6 / 5)
        assert width == pytest.approx(20 * 15e-6 / 7)

    def test_pixel_size_from_the_corners_of_the_field(self, tmp_path, write_scanimage, asymmetric):
        settings = {"SI.hRoiManager.imagingFovUm": "[-70 -25;70 -25;70 25;-70 25]"}
        assert _movie(write_scanimage(tmp_path / "m.tif", asymmetric(2), settings)).pixel_size == pytest.approx((10e-6, 20e-6))

    def test_big_endian(self, tmp_path, write_scanimage, asymmetric):
        pages = asymmetric(3)
        frames = _movie(write_scanimage(tmp_path / "m.tif", pages, order=">")).channels[0].frames
        assert frames.dtype == np.dtype("int16")
        np.testing.assert_array_equal(frames[:], pages)

    def test_averaged_frames_keep_the_clock_of_the_scanned_ones(self, tmp_path, write_scanimage, asymmetric):
        settings = {"SI.hScan2D.logAverageFactor": "4"}
        movie = _movie(write_scanimage(tmp_path / "m.tif", asymmetric(3), settings, numbers=[1, 5, 9]))
        assert len(movie.times) == 3
        assert movie.ticks == RegularTimes(0.0, 30.0, 12)

    def test_a_recording_that_was_stopped_early_says_so(self, tmp_path, write_scanimage, asymmetric):
        settings = {"SI.hStackManager.framesPerSlice": "10"}
        stopped = _movie(write_scanimage(tmp_path / "m.tif", asymmetric(4), settings))
        assert stopped.notes["planned"] == "10 frames, of which 4 are in the files"
        assert "planned" not in _movie(write_scanimage(tmp_path / "n.tif", asymmetric(10), settings)).notes

    def test_dropped_frames_are_noted(self, tmp_path, write_scanimage, asymmetric):
        movie = _movie(write_scanimage(tmp_path / "m.tif", asymmetric(4), numbers=[1, 2, 5, 6]))
        assert movie.notes["frames dropped while recording"] == "2"
        np.testing.assert_allclose(movie.times.seconds, [0, 1 / 30, 4 / 30, 5 / 30], atol=1e-8)


class TestChannels:
    def test_pages_alternate_between_channels(self, tmp_path, write_scanimage, asymmetric):
        pages = asymmetric(6)
        movie = _movie(write_scanimage(tmp_path / "m.tif", pages, CHANNELS, numbers=[1, 1, 2, 2, 3, 3]))
        assert [(one.number, one.name) for one in movie.channels] == [(1, "Channel 1"), (3, "Channel 3")]
        np.testing.assert_array_equal(movie.channels[0].frames[:], pages[0::2])
        np.testing.assert_array_equal(movie.channels[1].frames[:], pages[1::2])
        np.testing.assert_allclose(movie.times.seconds, [0, 1 / 30, 2 / 30], atol=1e-8)
        assert movie.parts == ("1", "3")

    def test_a_removed_channel_is_refused(self, tmp_path, write_scanimage, asymmetric):
        _refused(write_scanimage(tmp_path / "m.tif", asymmetric(4), CHANNELS), "m.tif", "channels 1, 3", "frames [1, 2]")

    def test_half_a_frame_is_refused(self, tmp_path, write_scanimage, asymmetric):
        path = write_scanimage(tmp_path / "m.tif", asymmetric(5), CHANNELS, numbers=[1, 1, 2, 2, 3])
        _refused(path, "5 pages", "2 complete frames", "last_frame: 2")
        assert _movie(path, last_frame=2).channels[1].frames.shape == (2, 5, 7)


class TestVolumes:
    def test_flyback_is_left_out_of_volumes_and_kept_in_the_ticks(self, tmp_path, write_scanimage, asymmetric):
        pages = asymmetric(8)
        movie = _movie(write_scanimage(tmp_path / "m.tif", pages, VOLUMES))
        np.testing.assert_array_equal(movie.channels[0].frames[:], pages.reshape(2, 4, 5, 7)[:, :3])
        np.testing.assert_array_equal(movie.channels[0].frames[1:2], pages[np.newaxis, 4:7])
        np.testing.assert_allclose(movie.times.seconds, [0, 4 / 30], atol=1e-8)
        assert len(movie.ticks) == 8
        assert movie.plane_spacing == pytest.approx(5e-6)

    def test_channels_alternate_within_volumes(self, tmp_path, write_scanimage, asymmetric):
        pages = asymmetric(16)
        numbers = np.repeat(np.arange(1, 9), 2).tolist()
        movie = _movie(write_scanimage(tmp_path / "m.tif", pages, VOLUMES | CHANNELS, numbers=numbers))
        np.testing.assert_array_equal(movie.channels[1].frames[:], pages.reshape(2, 4, 2, 5, 7)[:, :3, 1])
        assert len(movie.ticks) == 8

    def test_volumes_may_lie_across_files(self, tmp_path, write_scanimage, asymmetric):
        pages = asymmetric(8)
        write_scanimage(tmp_path / "m_00001.tif", pages[:6], VOLUMES)
        write_scanimage(tmp_path / "m_00002.tif", pages[6:], VOLUMES, numbers=[7, 8])
        movie = _movie(tmp_path / "m_*.tif")
        np.testing.assert_array_equal(movie.channels[0].frames[:], pages.reshape(2, 4, 5, 7)[:, :3])

    def test_an_incomplete_volume_is_refused(self, tmp_path, write_scanimage, asymmetric):
        path = write_scanimage(tmp_path / "m.tif", asymmetric(10), VOLUMES)
        _refused(path, "10 frames", "2 complete volumes", "last_frame: 2")
        assert _movie(path, last_frame=2).channels[0].frames.shape == (2, 3, 5, 7)
        assert len(_movie(path, last_frame=2).ticks) == 10

    def test_a_volume_without_its_flight_back_is_complete(self, tmp_path, write_scanimage, asymmetric):
        pages = asymmetric(7)
        movie = _movie(write_scanimage(tmp_path / "m.tif", pages, VOLUMES))
        np.testing.assert_array_equal(movie.channels[0].frames[1:2], pages[np.newaxis, 4:7])

    def test_a_dropped_frame_in_a_volume_is_refused(self, tmp_path, write_scanimage, asymmetric):
        path = write_scanimage(tmp_path / "m.tif", asymmetric(7), VOLUMES, numbers=[1, 2, 4, 5, 6, 7, 8])
        _refused(path, "frame 2, followed by frame 4", "dropped")

    def test_flyback_as_scanimage_2016_says_it(self, tmp_path, write_scanimage, asymmetric):
        settings = VOLUMES | {"SI.hFastZ.enable": "true", "SI.hFastZ.numDiscardFlybackFrames": "2"}
        settings["SI.hStackManager.numFramesPerVolumeWithFlyback"] = "[]"
        pages = asymmetric(10)
        movie = _movie(write_scanimage(tmp_path / "m.tif", pages, settings))
        np.testing.assert_array_equal(movie.channels[0].frames[:], pages.reshape(2, 5, 5, 7)[:, :3])

    def test_several_frames_at_a_depth_are_refused(self, tmp_path, write_scanimage, asymmetric):
        settings = VOLUMES | {"SI.hStackManager.framesPerSlice": "2", "SI.hStackManager.numFramesPerVolumeWithFlyback": "8"}
        _refused(write_scanimage(tmp_path / "m.tif", asymmetric(8), settings), "2 frames at each of 3 depths")

    def test_a_stack_that_is_switched_off_is_a_single_plane(self, tmp_path, write_scanimage, asymmetric):
        settings = VOLUMES | {"SI.hStackManager.enable": "false"}
        assert _movie(write_scanimage(tmp_path / "m.tif", asymmetric(5), settings)).channels[0].frames.shape == (5, 5, 7)


class TestSeries:
    @pytest.fixture
    def series(self, tmp_path, write_scanimage, asymmetric):
        """Twelve files of two frames: with a plain sort, _10 would come before _2."""
        pages = asymmetric(24)
        for index in range(12):
            write_scanimage(
                tmp_path / f"m_1_{index + 1}.tif", pages[2 * index : 2 * index + 2], numbers=[2 * index + 1, 2 * index + 2]
            )
        return tmp_path, pages

    def test_files_are_read_in_natural_order(self, series):
        folder, pages = series
        movie = _movie(folder / "m_1_*.tif")
        np.testing.assert_array_equal(movie.channels[0].frames[:], pages)
        np.testing.assert_array_equal(movie.channels[0].frames[3:21], pages[3:21])
        assert [file.name for file in movie.files[:3]] == ["m_1_1.tif", "m_1_2.tif", "m_1_3.tif"]

    def test_the_first_file_alone_is_refused(self, series):
        _refused(series[0] / "m_1_1.tif", "m_1_1.tif", "m_1_2.tif goes on with frame 3", "`m_1_*.tif`")

    def test_the_first_file_alone_is_read_if_the_end_is_stated(self, series):
        folder, pages = series
        np.testing.assert_array_equal(_movie(folder / "m_1_1.tif", last_frame=2).channels[0].frames[:], pages[:2])

    def test_a_later_file_alone_is_refused(self, series):
        _refused(series[0] / "m_1_4.tif", "begins with frame 7", "frames 1 to 6")

    def test_a_missing_file_is_named(self, series):
        folder, _ = series
        (folder / "m_1_5.tif").unlink()
        _refused(folder / "m_1_*.tif", "m_1_4.tif ends with frame 8", "frame 11 in m_1_6.tif", "frames 9 to 10 is missing")

    def test_two_recordings_in_one_pattern_are_refused(self, series, write_scanimage, asymmetric):
        folder, _ = series
        write_scanimage(folder / "m_1_13.tif", asymmetric(2), epoch="2024  5 17 11  0  0.000")
        _refused(folder / "m_1_*.tif", "m_1_13.tif", "start", "of one recording")
        assert _movie(folder / "m_1_13.tif").channels[0].frames.shape == (2, 5, 7)

    def test_an_acquisition_of_a_loop_is_whole(self, tmp_path, write_scanimage, asymmetric):
        path = write_scanimage(tmp_path / "m.tif", asymmetric(2), numbers=[31, 32], in_acquisition=[1, 2])
        np.testing.assert_allclose(_movie(path).times.seconds, [1.0, 31 / 30], atol=1e-8)

    def test_found_as_one_source(self, series, write_scanimage, asymmetric):
        folder, _ = series
        tifffile.imwrite(folder / "other_1.tif", np.zeros((3, 4, 4), np.uint8))
        (folder / "broken_1.tif").write_bytes(b"II+\0")
        (folder / "notes.tif").write_text("not a picture", encoding="utf-8")
        write_scanimage(folder / "single.tif", asymmetric(2))
        assert sorted(source.path.name for source in find(folder)) == ["m_1_*.tif", "single.tif"]
        assert all(FORMAT.read(source, {}).channels for source in find(folder))


class TestLongRecording:
    def test_pages_beyond_65536_are_the_right_ones(self, tmp_path, write_scanimage):
        values = np.arange(66_000, dtype=np.int32)
        pages = np.broadcast_to(values[:, np.newaxis, np.newaxis], (66_000, 2, 3))
        path = write_scanimage(tmp_path / "m.tif", pages)
        began = perf_counter()
        movie = _movie(path)
        assert perf_counter() - began < 30  # a second or two; tests share their machine
        frames = movie.channels[0].frames
        assert frames.shape == (66_000, 2, 3)
        np.testing.assert_array_equal(frames[65_530:65_545], pages[65_530:65_545])
        np.testing.assert_array_equal(frames[:], pages)
        assert movie.times.last == pytest.approx(65_999 / 30)

    def test_memory_does_not_hold_an_object_a_page(self, tmp_path, write_scanimage, asymmetric):
        path = write_scanimage(tmp_path / "m.tif", asymmetric(3_000))
        _movie(path)
        tracemalloc.start()
        movie = _movie(path)
        kept, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(movie.times) == 3_000
        assert kept < 3_000 * 100, "place, file and time of a page are 40 bytes"
        assert peak < 3_000 * 200


class TestWrongFiles:
    def test_cut_in_the_last_page(self, tmp_path, write_scanimage, asymmetric):
        pages = asymmetric(5)
        path = write_scanimage(tmp_path / "m.tif", pages)
        path.write_bytes(path.read_bytes()[:-3])
        _refused(path, "m.tif", "cut short", "4 complete frames", "last_frame: 4")
        np.testing.assert_array_equal(_movie(path, last_frame=4).channels[0].frames[:], pages[:4])
        _refused(path, "4 complete frames", last_frame=5)

    @pytest.mark.parametrize("lost", [80, 300, 470, 540, 900])
    def test_cut_anywhere(self, tmp_path, write_scanimage, asymmetric, lost):
        path = write_scanimage(tmp_path / "m.tif", asymmetric(5))
        path.write_bytes(path.read_bytes()[:-lost])
        with pytest.raises(SourceError, match=r"cut short.*hold [34] complete frames"):
            _movie(path)

    def test_cut_in_the_middle_of_a_series(self, tmp_path, write_scanimage, asymmetric):
        path = write_scanimage(tmp_path / "m_1.tif", asymmetric(2))
        path.write_bytes(path.read_bytes()[:-3])
        write_scanimage(tmp_path / "m_2.tif", asymmetric(2), numbers=[3, 4])
        _refused(tmp_path / "m_*.tif", "m_1.tif", "cut short after 1 complete pages")

    def test_cut_in_the_first_page(self, tmp_path, write_scanimage, asymmetric):
        path = write_scanimage(tmp_path / "m.tif", asymmetric(1))
        path.write_bytes(path.read_bytes()[:-3])
        _refused(path, "no complete page")

    def test_not_of_scanimage(self, tmp_path):
        tifffile.imwrite(tmp_path / "m.tif", np.zeros((3, 4, 4), np.uint16), imagej=True)
        _refused(tmp_path / "m.tif", "m.tif", "not a ScanImage TIFF", "ImageJ", "format: tiff")

    def test_of_no_program(self, tmp_path):
        tifffile.imwrite(tmp_path / "m.tif", np.zeros((4, 4), np.uint16), metadata=None, software=False)
        _refused(tmp_path / "m.tif", "no header that names a program")

    def test_not_a_tiff(self, tmp_path):
        (tmp_path / "m.tif").write_text("frame,time\n1,0.0\n", encoding="utf-8")
        _refused(tmp_path / "m.tif", "m.tif: not a TIFF")

    def test_empty(self, tmp_path):
        (tmp_path / "m.tif").write_bytes(b"")
        _refused(tmp_path / "m.tif", "m.tif: not a TIFF")

    def test_missing(self, tmp_path):
        (tmp_path / "there.tif").write_bytes(b"")
        _refused(tmp_path / "m_*.tif", "no file matches", "there.tif")

    def test_a_folder(self, tmp_path):
        _refused(tmp_path, "a folder", "*.tif")

    def test_pages_of_another_shape(self, tmp_path, write_scanimage, asymmetric):
        write_scanimage(tmp_path / "m_1.tif", asymmetric(2))
        write_scanimage(tmp_path / "m_2.tif", asymmetric(2, height=6), numbers=[3, 4])
        _refused(tmp_path / "m_*.tif", "m_2.tif: page 1 is 6 x 7 pixels of 16 bits", "5 x 7 pixels")

    def test_several_regions(self, tmp_path, write_scanimage, asymmetric):
        regions = {"RoiGroups": {"imagingRoiGroup": {"rois": [{"scanfields": {}}, {"scanfields": {}}]}}}
        path = write_scanimage(tmp_path / "m.tif", asymmetric(2), {"SI.hRoiManager.mroiEnable": "true"}, rois=regions)
        _refused(path, "2 regions")

    def test_no_rate_in_the_header(self, tmp_path, write_scanimage, asymmetric):
        path = write_scanimage(tmp_path / "m.tif", asymmetric(2), {"SI.hRoiManager.scanFrameRate": "0"})
        _refused(path, "scanFrameRate = 0")

    def test_chained_in_a_circle(self, tmp_path, write_scanimage, asymmetric):
        path = write_scanimage(tmp_path / "m.tif", asymmetric(1))
        raw = path.read_bytes()
        first = raw[8:16]
        next_at = int.from_bytes(first, "little") + 8 + 20 * 15
        path.write_bytes(raw[:next_at] + first + raw[next_at + 8 :])
        _refused(path, "chained in a circle")

    def test_shortened_while_being_read(self, tmp_path, write_scanimage, asymmetric):
        path = write_scanimage(tmp_path / "m.tif", asymmetric(3))
        frames = _movie(path).channels[0].frames
        path.write_bytes(path.read_bytes()[:-3])
        with pytest.raises(SourceError, match="changed while being read"):
            frames[:]


class TestVersion3:
    def test_frames_times_and_start(self, tmp_path, write_scanimage_3, asymmetric):
        pages = asymmetric(4, dtype="uint16")
        movie = _movie(write_scanimage_3(tmp_path / "m.tif", pages))
        np.testing.assert_array_equal(movie.channels[0].frames[:], pages)
        assert movie.times == RegularTimes(0.0, 4.0, 4)
        assert movie.start == datetime(2017, 10, 9, 16, 57, 7, 967000)  # ScanImage writes the month first
        assert movie.notes["software"] == "ScanImage 3.8"

    def test_two_channels(self, tmp_path, write_scanimage_3, asymmetric):
        pages = asymmetric(4, dtype="uint16")
        movie = _movie(write_scanimage_3(tmp_path / "m.tif", pages, {"state.acq.savingChannel2": "1"}))
        np.testing.assert_array_equal(movie.channels[1].frames[:], pages[1::2])
        assert movie.times == RegularTimes(0.0, 4.0, 2)

    def test_averaged_frames(self, tmp_path, write_scanimage_3, asymmetric):
        settings = {"state.acq.averaging": "1", "state.acq.numAvgFramesSave": "4", "state.acq.numberOfFrames": "8"}
        movie = _movie(write_scanimage_3(tmp_path / "m.tif", asymmetric(2, dtype="uint16"), settings))
        assert movie.times == RegularTimes(0.0, 1.0, 2)
        assert movie.ticks == RegularTimes(0.0, 4.0, 8)

    def test_a_series(self, tmp_path, write_scanimage_3, asymmetric):
        pages = asymmetric(4, dtype="uint16")
        for index in range(2):
            write_scanimage_3(tmp_path / f"m_00{index + 1}.tif", pages[2 * index :][:2], {"state.acq.numberOfFrames": "4"})
        np.testing.assert_array_equal(_movie(tmp_path / "m_*.tif").channels[0].frames[:], pages)
        _refused(tmp_path / "m_001.tif", "m_002.tif goes on")

    def test_a_missing_file(self, tmp_path, write_scanimage_3, asymmetric):
        for index in (1, 3):
            write_scanimage_3(tmp_path / f"m_00{index}.tif", asymmetric(2, dtype="uint16"))
        _refused(tmp_path / "m_*.tif", "m_001.tif is followed by m_003.tif")

    def test_a_stack_is_refused(self, tmp_path, write_scanimage_3, asymmetric):
        path = write_scanimage_3(
            tmp_path / "m.tif", asymmetric(4, dtype="uint16"), {"state.acq.numberOfZSlices": "4", "state.acq.numberOfFrames": "1"}
        )
        _refused(path, "a stack of 4 depths")


def _frame_header(path: Path, key: str) -> list[float]:
    with tifffile.TiffFile(path) as file:
        return [float(re.search(rf"{key} = (\S+)", page.description)[1]) for page in file.pages]


class TestRealFiles:
    """Against tifffile, which reads pages by its own code."""

    def test_version_3_8(self, real):
        path = real("scanimage_tiff/v3.8/sample_scanimage_version_3_8.tiff")
        movie = _movie(path)
        np.testing.assert_array_equal(movie.channels[0].frames[:], tifffile.imread(path))
        assert movie.times == RegularTimes(0.0, 3.90625, 10)
        assert movie.start == datetime(2017, 10, 9, 16, 57, 7, 967000)
        assert movie.notes["planned"] == "1220 frames, of which 10 are in the files"
        assert not any("Kishore" in text for text in movie.notes.values())

    def test_volumes_without_flyback(self, real):
        path = real("scanimage_tiff/vol_no_flyback/vol_no_flyback_00001_00001.tif")
        movie = _movie(path)
        np.testing.assert_array_equal(movie.channels[0].frames[:], tifffile.imread(path).reshape(10, 9, 20, 20))
        np.testing.assert_array_equal(movie.times.seconds, _frame_header(path, "frameTimestamps_sec")[::9])
        assert len(movie.ticks) == 90
        assert movie.pixel_size == pytest.approx((0.84375e-6, 0.84375e-6))
        assert movie.plane_spacing == pytest.approx(2e-6)

    def test_volumes_with_flyback_over_four_files(self, real):
        folder = real("scanimage_tiff/vol_one_ch_multi_files")
        files = sorted(folder.glob("*.tif"))
        movie = _movie(folder / "vol_one_ch_multi_files_00001_*.tif")
        pages = np.concatenate([tifffile.imread(file) for file in files])
        np.testing.assert_array_equal(movie.channels[0].frames[:], pages.reshape(40, 16, 20, 20)[:, :9])
        np.testing.assert_array_equal(movie.channels[0].frames[7:33], pages.reshape(40, 16, 20, 20)[7:33, :9])
        seconds = np.concatenate([_frame_header(file, "frameTimestamps_sec") for file in files])
        np.testing.assert_array_equal(movie.times.seconds, seconds[::16])
        np.testing.assert_array_equal(movie.ticks.seconds, seconds)
        assert movie.start == datetime(2025, 4, 24, 16, 43, 57, 206000)
        assert not any("Jen" in text or "\\" in text for text in movie.notes.values())

    def test_one_of_four_files(self, real):
        _refused(real("scanimage_tiff/vol_one_ch_multi_files/vol_one_ch_multi_files_00001_00001.tif"), "goes on with frame 161")

    def test_a_movie_saved_by_imagej(self, real):
        _refused(real("imagej_tiff/sima_example.tif"), "ImageJ")
