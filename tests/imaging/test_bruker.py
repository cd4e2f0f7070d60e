"""Bruker PrairieView: real volumes, and T-series of every layout."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from bergmann.errors import SourceError
from bergmann.imaging import tiff
from bergmann.imaging._prairie_start import is_ambiguous, parse_start
from bergmann.imaging.bruker import Bruker, find, read
from bergmann.imaging.stated import MovieStated, Plane, PlaneChannel, check_movie
from bergmann.records import Movie
from bergmann.registry import Entry

REAL = "bruker_prairieview/NCCR32_2022_11_03_IntoTheVoid_t_series-005"
SETTINGS = """<PVStateShard><PVStateValue key="framePeriod" value="123.4" /><PVStateValue key="micronsPerPixel">
<IndexedValue index="XAxis" value="1.5" /><IndexedValue index="YAxis" value="0.75" /><IndexedValue index="ZAxis" value="20" />
</PVStateValue><PVStateValue key="objectiveLens" value="16X" /><PVStateValue key="pmtGain">
<IndexedValue index="0" value="650" description="PMT 1 (Red)" /></PVStateValue></PVStateShard>"""


@dataclass
class Series:
    """A T-series to be written; ``frames[cycle][frame]`` holds the pages of its channels."""

    folder: Path
    frames: list[list[np.ndarray]]
    seconds: Sequence[float]
    kind: str = "TSeries Timed Element"
    cycle_times: Sequence[str] = ("14:05:06.1234567",)
    date: str = "5/17/2024 2:05:06 PM"
    version: str = "5.6.64.400"
    settings: str = SETTINGS
    pages: str = "single"
    sequence: str = ""
    names: list[str] = field(default_factory=list)

    @property
    def xml(self) -> Path:
        return self.folder / f"{self.folder.name}.xml"

    def text(self) -> str:
        said, seconds = [], iter(self.seconds)
        for cycle, frames in enumerate(self.frames, 1):
            inside = []
            for index, channels in enumerate(frames, 1):
                files = "".join(self._file(cycle, channel, index) for channel in range(1, len(channels) + 1))
                inside.append(f'<Frame relativeTime="0" absoluteTime="{float(next(seconds))!r}" index="{index}">{files}</Frame>')
            at = self.cycle_times[min(cycle, len(self.cycle_times)) - 1]
            begin = f'<Sequence type="{self.kind}" cycle="{cycle}" time="{at}" {self.sequence}>'
            said.append(begin + "\n".join(inside) + "</Sequence>")
        return (
            f'<?xml version="1.0" encoding="utf-8"?>\r\n<PVScan version="{self.version}" date="{self.date}" notes="by Somebody">'
            f"{self.settings}{''.join(said)}</PVScan>"
        )

    def _name(self, cycle: int, channel: int, index: int) -> str:
        number = index if self.pages == "single" else 1
        return f"{self.folder.name}_Cycle{cycle:05}_Ch{channel}_{number:06}.ome.tif"

    def _file(self, cycle: int, channel: int, index: int) -> str:
        page = 1 if self.pages == "single" else index
        return (
            f'<File channel="{channel}" channelName="Ch{channel}" page="{page}" filename="{self._name(cycle, channel, index)}" />'
        )

    def write(self) -> Series:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.xml.write_text(self.text(), encoding="utf-8-sig")
        for cycle, frames in enumerate(self.frames, 1):
            for channel in range(1, len(frames[0]) + 1):
                pages = [channels[channel - 1] for channels in frames]
                if self.pages == "single":
                    for index, page in enumerate(pages, 1):
                        self._save(self._name(cycle, channel, index), [page])
                else:
                    self._save(self._name(cycle, channel, 1), pages)
        return self

    def _save(self, name: str, pages: list[np.ndarray]) -> None:
        whole = '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2012-06">' + "<TiffData FirstT='0'/>" * 3 + "</OME>"
        with tifffile.TiffWriter(self.folder / name, ome=False) as file:
            for page in pages:
                file.write(page, metadata=None, contiguous=False, rowsperstrip=2, description=whole)


def frames_of(n_cycles: int, n_frames: int, n_channels: int = 1, height: int = 5, width: int = 7) -> list[list[np.ndarray]]:
    """Pages in which no two pixels are equal."""
    shape = (n_cycles, n_frames, n_channels, height, width)
    pixels = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    return [list(cycle) for cycle in pixels]


def movie(path: Path, **keys: Any) -> Movie:
    return read(Bruker(path=path, **keys), {})


# --- real volumes -----------------------------------------------------------------------------------------------------


def test_real_volumes_equal_what_tifffile_reads_page_by_page(real):
    folder = real(REAL)
    record = movie(folder)
    (channel,) = record.channels
    assert (channel.number, channel.name, channel.frames.shape) == (2, "Ch2", (5, 2, 512, 512))
    volumes = channel.frames[0:5]
    np.testing.assert_array_equal(channel.frames[2:4], volumes[2:4])
    for cycle in range(5):
        for plane in range(2):
            name = f"{folder.name}_Cycle{cycle + 1:05}_Ch2_{plane + 1:06}.ome.tif"
            with tifffile.TiffFile(folder / name, is_ome=False) as file:
                np.testing.assert_array_equal(volumes[cycle, plane], file.pages[0].asarray())


def test_real_times_are_those_of_the_frames_in_the_xml(real):
    folder = real(REAL)
    record = movie(folder / f"{folder.name}.xml")
    text = (folder / f"{folder.name}.xml").read_text(encoding="utf-8-sig")
    seconds = np.array([float(one) for one in re.findall(r'relativeTime="([\d.]+)"', text)])
    np.testing.assert_allclose(record.times.seconds, seconds[::2], rtol=0, atol=1e-9)
    np.testing.assert_allclose(record.clock_times.seconds, seconds, rtol=0, atol=1e-9)
    assert record.pixel_size == pytest.approx((1.1078125e-6, 1.1078125e-6))
    assert record.plane_spacing == pytest.approx(260e-6)
    assert record.notes["objective"] == "16X, NA 0.8"
    assert record.notes["PMT gain"] == "PMT 1 HV (Red): 0, PMT 2 HV (Green): 700"
    assert record.notes["laser power as set"].startswith("920 Axon: 599.609375 / 650.390625, ")
    assert "NORTHWESTERN" not in " ".join(record.notes.values())


def test_a_recording_that_waited_for_a_trigger_claims_no_start(real):
    record = movie(real(REAL))
    assert record.start is None
    assert record.notes["start not clear"].startswith(
        "first cycle at 11:20:34.9066674, second at 11:25:42.1444112, which is 0.0969485 s later by the frames"
    )


def test_the_real_folder_is_found_once_and_not_as_plain_tiffs(real):
    folder = real(REAL)
    assert [source.path.name for source in find(folder)] == [f"{folder.name}.xml"]
    assert list(tiff.find(folder)) == []


# --- layouts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pages", ["single", "multi"])
def test_planes_of_several_channels_and_cycles(tmp_path, pages):
    frames = frames_of(2, 4, 2)
    seconds = [5.5, 5.6, 5.71, 5.8, 9.0, 9.1, 9.2, 9.31]
    series = Series(tmp_path / "TSeries-1", frames, seconds, pages=pages, cycle_times=("14:05:06.1234567", "14:05:09.6"))
    record = movie(series.write().folder)
    assert record.start == datetime(2024, 5, 17, 14, 5, 6, 123456)
    np.testing.assert_allclose(record.times.seconds, np.array(seconds) - 5.5, rtol=0, atol=1e-12)
    expected = np.array([page for cycle in frames for page in cycle])
    for index, channel in enumerate(record.channels):
        assert (channel.number, channel.name) == (index + 1, f"Ch{index + 1}")
        np.testing.assert_array_equal(channel.frames[0:8], expected[:, index])
        np.testing.assert_array_equal(channel.frames[3:6], expected[3:6, index])
        assert channel.frames[2:2].shape == (0, 5, 7)
    assert record.pixel_size == pytest.approx((0.75e-6, 1.5e-6))
    assert record.plane_spacing is None
    assert len(record.files) == (17 if pages == "single" else 5)


@pytest.mark.parametrize("pages", ["single", "multi"])
def test_volumes_have_the_time_of_their_first_plane(tmp_path, pages):
    frames = frames_of(3, 4)
    seconds = [1 + 0.1 * index + 0.01 * (index // 4) for index in range(12)]
    series = Series(tmp_path / "v", frames, seconds, kind="TSeries ZSeries Element", pages=pages, cycle_times=("14:05:06",) * 3)
    record = movie(series.write().xml)
    np.testing.assert_allclose(record.times.seconds, [0, 0.41, 0.82], rtol=0, atol=1e-12)
    np.testing.assert_allclose(record.clock_times.seconds, np.array(seconds) - 1, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(record.channels[0].frames[0:3], np.array(frames)[:, :, 0])
    assert record.plane_spacing == pytest.approx(20e-6)


def test_version_4_has_a_cycle_and_the_settings_in_each_frame(tmp_path):
    keys = """<PVStateShard><Key key="micronsPerPixel_XAxis" permissions="Read, Write, Save" value="1.5" />
    <Key key="micronsPerPixel_YAxis" value="0.75" /><Key key="pmtGain_0" value="650" /></PVStateShard></Frame>"""
    series = Series(
        tmp_path / "t4", frames_of(3, 1), [0.0, 1.48, 2.97], version="4.0.0.43", settings="", date="9/28/2018 5:40:34 PM"
    ).write()
    text = series.text().replace("</Frame>", keys).replace('time="14:05:06.1234567"', "").replace(' page="1"', "")
    series.xml.write_text(text, encoding="utf-8")
    record = movie(series.folder)
    assert record.start == datetime(2018, 9, 28, 17, 40, 34)
    assert record.times.seconds.tolist() == [0.0, 1.48, 2.97]
    assert record.pixel_size == pytest.approx((0.75e-6, 1.5e-6))
    assert record.notes["PMT gain"] == "0: 650"
    assert record.notes["software"] == "Prairie View 4.0.0.43"


def test_compressed_pages_are_decoded(tmp_path):
    frames = frames_of(1, 3)
    series = Series(tmp_path / "z", frames, [0.0, 1.0, 2.0]).write()
    for index, (page,) in enumerate(frames[0], 1):
        tifffile.imwrite(series.folder / f"z_Cycle00001_Ch1_{index:06}.ome.tif", page, metadata=None, compression="zlib")
    np.testing.assert_array_equal(movie(series.folder).channels[0].frames[0:3], np.array(frames)[0, :, 0])


def test_a_pixel_size_that_changes_is_not_claimed(tmp_path):
    series = Series(tmp_path / "zoom", frames_of(1, 2), [0.0, 1.0]).write()
    series.xml.write_text(series.text().replace("</Sequence>", SETTINGS.replace("0.75", "0.5") + "</Sequence>"), encoding="utf-8")
    record = movie(series.folder)
    assert record.pixel_size is None
    assert record.notes["pixel size"] == "changes in the recording"


def test_thousands_of_files_are_listed_and_not_opened(tmp_path):
    n_frames, page = 4_000, np.zeros((4, 6), np.uint16)
    series = Series(tmp_path / "many", [[page[np.newaxis]] * n_frames], np.arange(n_frames) / 30)
    series.folder.mkdir()
    series.xml.write_text(series.text(), encoding="utf-8")
    tifffile.imwrite(series.folder / "one.tif", page, metadata=None)
    content = (series.folder / "one.tif").read_bytes()
    for name in re.findall(r'filename="([^"]+)"', series.text()):
        (series.folder / name).write_bytes(content)
    begin = time.perf_counter()
    record = movie(series.folder)
    took = time.perf_counter() - begin
    assert record.channels[0].frames.shape == (n_frames, 4, 6)
    assert took < 1
    inside = series.folder / "many_Cycle00001_Ch1_002000.ome.tif"
    inside.write_bytes(b"no TIFF, but as long as one".ljust(len(content)))
    assert len(movie(series.folder).times) == n_frames
    with pytest.raises(SourceError, match=r"many_Cycle00001_Ch1_002000.ome.tif: not a TIFF"):
        record.channels[0].frames[1990:2010]


# --- when it started --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "cycle", "expected"),
    [
        ("11/3/2022 11:20:34 AM", "11:20:34.9066674", datetime(2022, 11, 3, 11, 20, 34, 906667)),
        ("11/3/2022 12:00:04 AM", "", datetime(2022, 11, 3, 0, 0, 4)),
        ("11/3/2022 12:00:04 PM", "", datetime(2022, 11, 3, 12, 0, 4)),
        ("23/3/2022 14:20:34", "", datetime(2022, 3, 23, 14, 20, 34)),
        ("03.11.2022 14:20:34", "", datetime(2022, 11, 3, 14, 20, 34)),
        ("03-11-2022 14:20:34", "", datetime(2022, 11, 3, 14, 20, 34)),
        ("2022-11-03 14:20:34", "14:20:34,5", datetime(2022, 11, 3, 14, 20, 34, 500000)),
        ("2022-11-03 오후 2:20:34", "", datetime(2022, 11, 3, 14, 20, 34)),
        ("2022/11/3 14:20:34", "", datetime(2022, 11, 3, 14, 20, 34)),
        ("12/31/2022 11:59:58 PM", "00:00:01.25", datetime(2023, 1, 1, 0, 0, 1, 250000)),
        ("yesterday", "11:20:34", None),
        ("13/13/2022 11:20:34 AM", "", None),
        ("11/3/2022", "", None),
        ("", "", None),
    ],
)
def test_dates_of_several_countries(date, cycle, expected):
    found = parse_start(date, cycle)
    assert found == expected.replace(microsecond=found.microsecond) if expected else found is None
    if expected:
        assert abs(found.microsecond - expected.microsecond) <= 1


def test_a_date_that_could_mean_another_day_is_noted_as_written(tmp_path):
    assert is_ambiguous("03/11/2022 14:20:34")
    assert not is_ambiguous("03/11/2022 2:20:34 PM")
    assert not is_ambiguous("23/11/2022 14:20:34")
    series = Series(tmp_path / "d", frames_of(1, 2), [0.0, 1.0], date="03/11/2022 14:20:34", cycle_times=("14:20:34",)).write()
    record = movie(series.folder)
    assert record.start == datetime(2022, 3, 11, 14, 20, 34)
    assert record.notes["date as written, taken with the month first"] == "03/11/2022 14:20:34"
    assert "Somebody" not in str(record.notes)


# --- what is not whole ------------------------------------------------------------------------------------------------


def test_missing_files_name_the_complete_part(tmp_path):
    series = Series(tmp_path / "s", frames_of(1, 5), [0.0, 1.0, 2.0, 3.0, 4.0]).write()
    (series.folder / "s_Cycle00001_Ch1_000004.ome.tif").unlink()
    message = (
        r"s.xml: names 5 frames, but s_Cycle00001_Ch1_000004.ome.tif is missing; there are 3 complete frames .*`last_frame: 3`"
    )
    with pytest.raises(SourceError, match=message):
        movie(series.folder)
    record = movie(series.folder, last_frame=3)
    assert record.times.seconds.tolist() == [0.0, 1.0, 2.0]
    assert record.channels[0].frames.shape == (3, 5, 7)
    with pytest.raises(SourceError, match=r"`last_frame: 4`, but there are 3 complete frames"):
        movie(series.folder, last_frame=4)


def test_a_volume_that_was_not_finished_names_the_complete_ones(tmp_path):
    frames = frames_of(3, 4)
    frames[2] = frames[2][:1]
    series = Series(tmp_path / "v", frames, np.arange(9) / 10, kind="TSeries ZSeries Element", cycle_times=("14:05:06",)).write()
    with pytest.raises(SourceError, match=r"volume 3 has 1 of 4 planes; there are 2 complete volumes"):
        movie(series.folder)
    record = movie(series.folder, last_frame=2)
    assert record.channels[0].frames.shape == (2, 4, 5, 7)
    assert len(record.clock_times) == 9


def test_what_a_person_should_know_is_a_finding(tmp_path):
    series = Series(
        tmp_path / "s", frames_of(2, 2), [0.0, 1.0, 2.0, 3.0], cycle_times=("14:20:34", "14:25:36"), date="23/11/2022 14:20:34"
    ).write()
    series.xml.write_text(series.text().replace("</Frame>", '<ExtraParameters lastGoodFrame="1" /></Frame>', 1), encoding="utf-8")
    (series.folder / "s_Cycle00003_Ch1_000001.ome.tif").touch()
    light = PlaneChannel(label="GCaMP6f", emission="unknown")
    plane = Plane(device="scope", location="CUL4", excitation="unknown", channels={1: light})
    source = Bruker(path=series.folder)
    entry = Entry(name="movie", record=read(source, {}), stated=MovieStated(plane="plane"), source=source)
    found = [(one.severity, one.message) for one in check_movie(entry, {"planes": {"plane": plane}})]
    assert found == [
        ("warning", "frames that PrairieView marks as not good: 1"),
        ("warning", "TIFF files with the name of this recording that its XML does not name, and that are left out: 1"),
        (
            "note",
            "when it started is not clear: first cycle at 14:20:34, second at 14:25:36, which is 2 s later by the frames; the "
            "first may be when it began to wait for a trigger",
        ),
    ]


@pytest.mark.parametrize("pages", ["single", "multi"])
def test_a_file_that_is_cut_short_names_the_complete_part(tmp_path, pages):
    series = Series(tmp_path / "s", frames_of(1, 5), np.arange(5) / 10, pages=pages).write()
    last = sorted(series.folder.glob("*.tif"))[-1]
    last.write_bytes(last.read_bytes()[:-60])
    with pytest.raises(SourceError, match=rf"{last.name} is cut short, or no TIFF; there are 4 complete frames"):
        movie(series.folder)


def test_an_xml_that_ends_early_names_the_complete_part(tmp_path):
    series = Series(tmp_path / "s", frames_of(1, 5), np.arange(5) / 10).write()
    text = series.text()
    series.xml.write_text(text[: text.index('index="4"')], encoding="utf-8")
    with pytest.raises(SourceError, match=r"s.xml: damaged, or cut short, after 3 complete frames; .*`last_frame: 3`"):
        movie(series.folder)
    record = movie(series.folder, last_frame=3)
    assert record.notes["files that the XML does not name"] == "2"


def test_pages_that_the_xml_does_not_name_are_not_passed_over(tmp_path):
    series = Series(tmp_path / "s", frames_of(1, 5), np.arange(5) / 10, pages="multi").write()
    series.frames = [series.frames[0][:3]]
    series.xml.write_text(series.text(), encoding="utf-8")
    with pytest.raises(SourceError, match=r"000001.ome.tif: 5 pages, of which s.xml names 3; .*`last_frame: 3`"):
        movie(series.folder)
    assert movie(series.folder, last_frame=3).channels[0].frames[2:3].max() == 3 * 35 - 1


def test_a_frame_without_one_of_the_channels_is_not_complete(tmp_path):
    frames = frames_of(1, 3, 2)
    frames[0][2] = frames[0][2][:1]
    series = Series(tmp_path / "s", frames, [0.0, 1.0, 2.0])
    series.folder.mkdir()
    series.xml.write_text(series.text(), encoding="utf-8")
    for name in re.findall(r'filename="([^"]+)"', series.text()):
        tifffile.imwrite(series.folder / name, frames[0][0][0], metadata=None)
    with pytest.raises(SourceError, match=r"frame 3 has channels \[1\] of \[1, 2\]; there are 2 complete frames"):
        movie(series.folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("TSeries Timed Element", "ZSeries"), r"s.xml: a scan of ZSeries; expected a T-series"),
        (("TSeries Timed Element", "VoltageRecording"), r"a scan of VoltageRecording"),
        (("TSeries Timed Element", "TSeries ZSeries Element"), r"volumes scanned up and down in turn"),
        ((' absoluteTime="0.1"', ""), r"s.xml: frame 2 has no `absoluteTime`"),
        ((' absoluteTime="0.1"', ' absoluteTime="oft"'), r"s.xml: frame 2 has no `absoluteTime`"),
        ((' absoluteTime="0.1"', ' absoluteTime="7"'), r"s.xml: frame 3 is at 0.200000 s and the one before at 7.000000 s"),
        (("_000002.ome", "_000001.ome"), r"s.xml: names page 1 of s_Cycle00001_Ch1_000001.ome.tif for two frames"),
        (
            ("s_Cycle00001_Ch1_000002", "../elsewhere"),
            r"names '../elsewhere.ome.tif', page 1; expected the name of a file beside it",
        ),
        (("s_Cycle00001_Ch1_000002", r"C:\\Users\\elsewhere"), r"expected the name of a file beside it"),
        (("s_Cycle00001_Ch1_000001", "other"), r"its first file, other.ome.tif, is not in the folder 's'; copy the whole folder"),
        (("<PVScan", "<PVScam"), r"s.xml: an XML of <PVScam>"),
        (("<File", "<Pile"), r"it names no file for its first frame"),
    ],
)
def test_what_is_no_whole_t_series_is_refused(tmp_path, change, message):
    series = Series(tmp_path / "s", frames_of(1, 3), [0.0, 0.1, 0.2], sequence='bidirectionalZ="True"').write()
    series.xml.write_text(series.text().replace(*change).replace("</PVScam", "</PVScan"), encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        movie(series.xml)


def test_a_folder_must_hold_one_t_series(tmp_path):
    with pytest.raises(SourceError, match=r"no XML of a PrairieView T-series in this folder; expected .*.xml"):
        movie(tmp_path)
    (tmp_path / "recording.xml").write_text("<VRecSessionEntry/>", encoding="utf-8")
    for name in ("a", "b"):
        Series(tmp_path, frames_of(1, 2), [0.0, 1.0]).write().xml.rename(tmp_path / f"{name}.xml")
    with pytest.raises(SourceError, match=r"2 T-series, a.xml, b.xml; name the XML of one"):
        movie(tmp_path)
    with pytest.raises(SourceError, match="2 files match"):
        movie(tmp_path / "[ab].xml")
    assert [source.path.name for source in find(tmp_path)] == ["a.xml", "b.xml"]


def test_a_page_of_another_size_is_an_error_when_it_is_read(tmp_path):
    series = Series(tmp_path / "s", frames_of(1, 3), [0.0, 1.0, 2.0]).write()
    tifffile.imwrite(series.folder / "s_Cycle00001_Ch1_000002.ome.tif", np.zeros((7, 8), np.uint16), metadata=None)
    record = movie(series.folder)
    with pytest.raises(SourceError, match=r"_000002.ome.tif: a page of 7 x 8 pixels of 16 bits; expected 5 x 7 of 16"):
        record.channels[0].frames[0:3]
