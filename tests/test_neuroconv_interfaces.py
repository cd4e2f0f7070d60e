"""Every format is a NeuroConv interface: it passes NeuroConv's own tests, alone and beside interfaces of NeuroConv."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import numpy as np
import pytest
import tifffile
from hdmf.data_utils import GenericDataChunkIterator
from neuroconv import NWBConverter
from neuroconv.datainterfaces import CsvTimeIntervalsInterface
from neuroconv.tools.testing.data_interface_mixins import DataInterfaceTestMixin
from pynwb import NWBHDF5IO, NWBFile, read_nwb, validate

from bergmann import neuroconv_interfaces as interfaces
from bergmann.errors import SourceError
from bergmann.neuroconv_interfaces import FormatInterface
from bergmann.records import (
    Events,
    GlialEvents,
    Intervals,
    LightPulses,
    Movie,
    Pose,
    Recording,
    Scores,
    Segmentation,
    SpikeTimes,
    StateMachine,
    Trace,
    Video,
)
from bergmann.registry import Format, load_formats
from bergmann.writing.namespaces import use_one_namespace

STATED = {
    "devices": {"scope": {"description": "microscope"}, "laser": {"wavelength": "473 nm"}},
    "planes": {
        "bg_plane": {
            "device": "scope",
            "location": "CUL4, 5",
            "excitation": "920 nm",
            "channels": {
                "1": {"label": "GCaMP6f", "emission": "525 nm"},
                "2": {"label": "mCherry", "emission": "610 nm"},
            },
        }
    },
    "light_sites": {"lc_terminals": {"location": "CUL4, 5", "effector": "ChR2", "laser": "laser"}},
}
OF_SOURCE: dict[type, dict[str, Any]] = {
    Movie: {"plane": "bg_plane"},
    Segmentation: {"plane": "bg_plane"},
    LightPulses: {"site": "lc_terminals", "power": "5 mW"},
    Scores: {"assay": "von_frey"},
    GlialEvents: {"event": "flare"},
}


def name_of(one: Format) -> str:
    return one.key if one.chosen_by is None else f"{one.key}-{one.chosen_by}"


INTERFACES = {name_of(made.format): made for made in FormatInterface.__subclasses__()}


def needs_its_reader(made: type[FormatInterface]) -> None:
    """Skip where the reader of a format is an extra that is not installed."""
    reader = {"sleap": "sleap_io", "tdms": "nptdms"}.get(name_of(made.format))
    if reader is not None:
        pytest.importorskip(reader)


def stating(metadata: dict[str, Any], *interfaces: FormatInterface) -> dict[str, Any]:
    """The metadata with what a person states of these sources."""
    record_of = {one.metadata_key: type(one.record) for one in interfaces}
    metadata["NWBFile"]["session_start_time"] = datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC)
    metadata["Bergmann"] = {**deepcopy(STATED), "sources": {key: dict(OF_SOURCE.get(kind, {})) for key, kind in record_of.items()}}
    return metadata


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found[:]), np.asarray(expected), rtol=0, atol=1e-12)


def times_of(series: Any) -> Any:
    if series.timestamps is not None:
        return series.timestamps[:]
    return series.starting_time + np.arange(series.num_samples) / series.rate


# --- what is read back equals the record ------------------------------------------------------------------------------


def check_recording(nwbfile: NWBFile, name: str, record: Recording) -> None:
    for channel in record.channels:
        series = nwbfile.acquisition[f"{name}_{channel.name}"]
        np.testing.assert_array_equal(series.data[:], channel.samples[0 : len(record.times)])
        assert (series.conversion, series.offset, series.unit) == (channel.conversion, channel.offset, channel.unit)
        close(times_of(series), record.times.seconds)


def check_movie(nwbfile: NWBFile, name: str, record: Movie) -> None:
    for channel in record.channels:
        series = nwbfile.acquisition[name if len(record.channels) == 1 else f"{name}_ch{channel.number}"]
        np.testing.assert_array_equal(series.data[:], channel.frames[0 : len(record.times)].transpose(0, 2, 1))
        close(times_of(series), record.times.seconds)
        assert series.imaging_plane.name == "bg_plane"


def check_segmentation(nwbfile: NWBFile, name: str, record: Segmentation) -> None:
    (plane,) = record.planes
    module = nwbfile.processing["ophys"]
    table = module["ImageSegmentation"][name]
    for index, mask in enumerate(plane.masks):
        found = table["pixel_mask"][index]
        assert [(x, y) for x, y, _ in found] == list(zip(mask["x"], mask["y"], strict=True))
    for trace, samples in plane.traces.items():
        series = module["DfOverF" if trace == "dff" else "Fluorescence"][f"{name}_{trace}"]
        np.testing.assert_array_equal(series.data[:], samples[0 : len(record.times)])
        close(times_of(series), record.times.seconds)
        assert series.rois.data[:].tolist() == list(range(len(plane.masks)))
        assert series.rois.table is table
    assert table.imaging_plane is nwbfile.imaging_planes["bg_plane"]


def check_light(nwbfile: NWBFile, name: str, record: LightPulses) -> None:
    pulses = nwbfile.intervals[f"{name}_pulses"]
    close(pulses["start_time"], record.times.seconds)
    close(pulses["stop_time"], record.times.seconds + record.durations)
    series = nwbfile.stimulus[name]
    assert series.data[:].tolist() == [0, 5e-3, 5e-3, 0] * len(record.times)
    assert series.site.device.name == "laser"


def check_light_references(nwbfile: NWBFile, name: str) -> None:
    for row in (0, -1):
        (site,) = nwbfile.intervals[f"{name}_pulses"]["optogenetic_sites"][row].itertuples()
        assert site.effector.label == "ChR2"


def check_events(nwbfile: NWBFile, name: str, record: Events) -> None:
    for one in record.series:
        table = nwbfile.events[name if len(record.series) == 1 else f"{name}_{one.name}"]
        close(table["timestamp"], one.times.seconds)
        if one.durations is not None:
            close(table["duration"], one.durations)


def check_trials(nwbfile: NWBFile, name: str, record: StateMachine) -> None:
    table = nwbfile.intervals[f"{name}_trials"]
    close(table["start_time"], record.starts.seconds)
    close(table["stop_time"], record.stops)
    for column, values in record.columns.items():
        np.testing.assert_array_equal(table[column][:], values)
    check_events(nwbfile, name, Events(files=record.files, series=record.series, basis=record.basis))


def check_glial_events(nwbfile: NWBFile, name: str, record: GlialEvents) -> None:
    table = nwbfile.events[name]
    for column, values in {
        "timestamp": record.onsets,
        "duration": record.durations,
        "peak_time": record.peaks,
        "peak_amplitude": record.amplitudes,
        "area_in_um2": record.areas_um2,
        **{one.name: one.values for one in record.features},
    }.items():
        assert (values is not None) == (column in table.colnames)
        if values is not None:
            np.testing.assert_array_equal(table[column][:], values)
    assert ("pixel_mask" in table.colnames) == (record.footprints is not None)
    for row, mask in enumerate(record.footprints or ()):
        np.testing.assert_array_equal(table["pixel_mask"][row], mask)
    assert table["event_type"][0] == "flare"


def check_spike_times(nwbfile: NWBFile, name: str, record: SpikeTimes) -> None:
    units = nwbfile.units
    assert units["unit_name"][:].tolist() == list(record.units)
    assert units["quality"][:].tolist() == list(record.columns["quality"])
    for row, times in enumerate(record.spikes):
        close(units["spike_times"][row], times)
        close(units["obs_intervals"][row], record.observed)


def check_intervals(nwbfile: NWBFile, name: str, record: Intervals) -> None:
    table = nwbfile.intervals[name]
    close(table["start_time"], record.starts.seconds)
    close(table["stop_time"], record.stops)
    for column, cells in record.columns.items():
        assert list(table[column][:]) == cells


def check_scores(nwbfile: NWBFile, name: str, record: Scores) -> None:
    table = nwbfile.processing["behavior"][name]
    assert len(table) == len(record.columns["value"])
    for column, cells in record.columns.items():
        assert list(table[column][:]) == list(cells)


def check_trace(nwbfile: NWBFile, name: str, record: Trace) -> None:
    for column in record.columns:
        series = nwbfile.acquisition[name][column.name]
        np.testing.assert_array_equal(series.data[:], column.values)
        assert (series.unit, series.data.dtype) == (column.unit, column.values.dtype)
        close(times_of(series), record.times.seconds)


def check_pose(nwbfile: NWBFile, name: str, record: Pose) -> None:
    estimation = nwbfile.processing["behavior"][name]
    for keypoint in record.keypoints:
        series = estimation[keypoint.name]
        np.testing.assert_array_equal(series.data[:], keypoint.positions)
        np.testing.assert_array_equal(series.confidence[:], keypoint.confidence)
        close(times_of(series), record.times.seconds)
        for column, values in keypoint.columns.items():
            statistic = nwbfile.processing["behavior"][f"{name}_statistics"][f"{keypoint.name}_{column}"]
            np.testing.assert_array_equal(statistic.data[:], values)


def check_video(nwbfile: NWBFile, name: str, record: Video) -> None:
    series = nwbfile.acquisition[name]
    assert list(series.external_file[:]) == [path.name for path in record.files]
    assert list(series.dimension[:]) == list(record.size)


CHECKS: dict[type, Callable[[NWBFile, str, Any], None]] = {
    Recording: check_recording,
    Movie: check_movie,
    Segmentation: check_segmentation,
    LightPulses: check_light,
    Events: check_events,
    StateMachine: check_trials,
    GlialEvents: check_glial_events,
    SpikeTimes: check_spike_times,
    Intervals: check_intervals,
    Scores: check_scores,
    Trace: check_trace,
    Pose: check_pose,
    Video: check_video,
}


# --- NeuroConv's own tests --------------------------------------------------------------------------------------------


class InterfaceContract(DataInterfaceTestMixin):
    """NeuroConv's tests of an interface, on our smallest real files."""

    @pytest.fixture(autouse=True)
    def interface_of_small_files(self, small_lab: Any) -> None:
        needs_its_reader(self.data_interface_cls)
        self.interface_kwargs = dict(small_lab.keys[name_of(self.data_interface_cls.format)])

    def edit_metadata(self, metadata: dict[str, Any]) -> dict[str, Any]:
        return stating(metadata, self.interface)

    def check_read_nwb(self, nwbfile_path: str) -> None:
        nwbfile = read_nwb(nwbfile_path)
        try:
            CHECKS[type(self.interface.record)](nwbfile, self.interface.metadata_key, self.interface.record)
        finally:
            nwbfile.read_io.close()

    def run_custom_checks(self) -> None:
        use_one_namespace(Path(self.nwbfile_path))
        assert validate(path=self.nwbfile_path) == []
        self.check_read_nwb(self.nwbfile_path)
        if isinstance(self.interface.record, LightPulses):
            nwbfile = read_nwb(self.nwbfile_path)
            check_light_references(nwbfile, self.interface.metadata_key)
            nwbfile.read_io.close()


for interface in INTERFACES.values():
    name = f"Test{interface.__name__}"
    globals()[name] = type(name, (InterfaceContract,), {"data_interface_cls": interface, "__module__": __name__})


def test_every_format_has_an_interface() -> None:
    assert sorted(INTERFACES) == sorted(map(name_of, load_formats()))
    assert all(getattr(interfaces, made.__name__) is made for made in INTERFACES.values())
    assert set(interfaces.__all__) == {"FormatInterface", *(made.__name__ for made in INTERFACES.values())}


def test_an_interface_is_of_depth_two_and_says_what_it_is() -> None:
    for made in INTERFACES.values():
        assert made.__bases__ == (FormatInterface,)
        assert made.__doc__
        assert made.display_name == made.format.label


def test_neuroconvs_zarr_cannot_give_back_columns_of_references(small_lab: Any, tmp_path: Path) -> None:
    """Why references are checked in HDF5 only: hdmf-zarr 0.13 pickles them, and numcodecs refuses to read pickles."""
    interface = INTERFACES["pulse_table"](**small_lab.keys["pulse_table"])
    path = tmp_path / "light.nwb.zarr"
    interface.run_conversion(nwbfile_path=str(path), metadata=stating(interface.get_metadata(), interface), backend="zarr")
    nwbfile = read_nwb(path)
    with pytest.raises(Exception, match="Pickle"):
        check_light_references(nwbfile, "pulse_table")
    nwbfile.read_io.close()


# --- together ---------------------------------------------------------------------------------------------------------


class Together(NWBConverter):
    data_interface_classes: ClassVar = {
        "Movie": interfaces.ScanImageInterface,
        "Rois": interfaces.Suite2pInterface,
        "Light": interfaces.ChannelLightInterface,
        "Notes": CsvTimeIntervalsInterface,
    }


@pytest.fixture
def together(small_lab: Any, tmp_path: Path) -> Together:
    table = tmp_path / "trials.csv"
    table.write_text("start_time,stop_time\n1.5,2.5\n3.0,4.0\n", encoding="utf-8")
    keys = small_lab.keys
    return Together(
        {
            "Movie": {**keys["scanimage"], "metadata_key": "movie"},
            "Rois": {**keys["suite2p"], "metadata_key": "rois"},
            "Light": {**keys["channel-site"], "metadata_key": "light"},
            "Notes": {"file_path": str(table)},
        }
    )


def test_ours_and_theirs_are_written_into_one_file(together: Together, tmp_path: Path) -> None:
    ours = [one for one in together.data_interface_objects.values() if isinstance(one, FormatInterface)]
    metadata = stating(together.get_metadata(), *ours)
    del metadata["Bergmann"]["sources"]["rois"]["plane"]  # ROIs of a movie in the same file lie in its plane
    path = tmp_path / "together.nwb"
    together.run_conversion(nwbfile_path=str(path), metadata=metadata)
    use_one_namespace(path)
    assert validate(path=str(path)) == []
    with NWBHDF5IO(path, "r") as io:
        nwbfile = io.read()
        for one in ours:
            CHECKS[type(one.record)](nwbfile, one.metadata_key, one.record)
        (reference,) = nwbfile.processing["ophys"]["ImageSegmentation"]["rois"].reference_images
        assert reference is nwbfile.acquisition["movie_ch1"]
        close(nwbfile.intervals["trials"]["start_time"], [1.5, 3.0])
        assert set(nwbfile.devices) == {"scope", "laser"}


def test_schemas_of_several_interfaces_merge_into_one_that_is_still_theirs(together: Together) -> None:
    merged = together.get_metadata_schema()["properties"]["Bergmann"]["properties"]
    for one in together.data_interface_objects.values():
        if isinstance(one, FormatInterface):
            alone = one.get_metadata_schema()["properties"]["Bergmann"]["properties"]
            assert merged["planes"] == alone["planes"]
            assert merged["sources"]["properties"][one.metadata_key] == alone["sources"]["properties"][one.metadata_key]


def test_a_pose_is_linked_to_its_video_only_if_that_is_in_the_file(small_lab: Any, nwbfile: NWBFile) -> None:
    keys = small_lab.keys["deeplabcut"]
    alone = interfaces.DeepLabCutInterface(**keys, metadata_key="alone")
    alone.add_to_nwbfile(nwbfile)
    other = interfaces.VideoInterface(**small_lab.keys["video"], metadata_key="face_cam")
    other.add_to_nwbfile(nwbfile)
    interfaces.VideoInterface(path=keys["of"]["path"], metadata_key="paw_cam").add_to_nwbfile(nwbfile)
    interfaces.DeepLabCutInterface(**keys, metadata_key="linked").add_to_nwbfile(nwbfile)
    module = nwbfile.processing["behavior"]
    assert module["alone"].source_video is None
    assert module["linked"].source_video is nwbfile.acquisition["paw_cam"]


def test_a_large_movie_is_read_while_it_is_written(tmp_path: Path) -> None:
    frames = np.random.default_rng(2).integers(0, 4096, (300, 40, 64), dtype=np.uint16)  # 1.5 MB
    tifffile.imwrite(tmp_path / "large.tif", frames, imagej=True, metadata={"axes": "TYX", "finterval": 0.1})
    interface = interfaces.TiffInterface(path=tmp_path / "large.tif")
    metadata = stating(interface.get_metadata(), interface)
    series = interface.create_nwbfile(metadata).acquisition["tiff"]
    assert isinstance(series.data, GenericDataChunkIterator)
    assert series.data.dtype == np.uint16
    interface.run_conversion(nwbfile_path=str(tmp_path / "large.nwb"), metadata=metadata)
    with NWBHDF5IO(tmp_path / "large.nwb", "r") as io:
        np.testing.assert_array_equal(io.read().acquisition["tiff"].data[:], frames.transpose(0, 2, 1))


def test_drugs_timed_by_a_session_are_refused(small_lab: Any, nwbfile: NWBFile) -> None:
    drugs = {"praz": {"action": "antagonist", "dose": "1 uM", "route": "bath", "at": "10 min after movie"}}
    with pytest.raises(SourceError, match="`10 min after movie`: there is no session here"):
        interfaces.VideoInterface(**small_lab.keys["video"]).add_to_nwbfile(nwbfile, {"Bergmann": {"drugs": drugs}})


def test_a_source_is_shifted_to_the_start_of_its_session(small_lab: Any, nwbfile: NWBFile) -> None:
    interface = interfaces.VideoInterface(**small_lab.keys["video"])
    before = interface.record.times.seconds
    interface.set_aligned_starting_time(2.5)
    interface.add_to_nwbfile(nwbfile)
    close(times_of(nwbfile.acquisition["video"]), before + 2.5)


# --- what is refused --------------------------------------------------------------------------------------------------


def schemas_in(node: Any) -> Any:
    if isinstance(node, dict):
        yield from node
        for value in node.values():
            yield from schemas_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from schemas_in(value)


@pytest.mark.parametrize("made", INTERFACES.values(), ids=INTERFACES)
def test_schemas_stand_alone_wherever_neuroconv_puts_them(made: type[FormatInterface], small_lab: Any) -> None:
    needs_its_reader(made)
    assert not {"$ref", "$defs"} & set(schemas_in(made.get_source_schema()))
    interface = made(**small_lab.keys[name_of(made.format)])
    assert not {"$ref", "$defs"} & set(schemas_in(interface.get_metadata_schema()["properties"]["Bergmann"]))
    given = json.loads(json.dumps(interface.source_data, default=str))
    jsonschema.validate(given, made.get_source_schema())
    with pytest.raises(jsonschema.ValidationError, match="Additional properties"):
        jsonschema.validate({**given, "colour": "red"}, made.get_source_schema())


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "channel.of: Field required"),
        ({"of": "daq/LaserCmd"}, "channel.of: 'daq/LaserCmd' is no source; give its keys"),
        ({"of": {"format": "wavesurfr", "path": "a.h5"}}, "'wavesurfr' is no format .* formats: abf, "),
        ({"of": {"format": "wavesurfer", "path": "nowhere.h5"}}, "nowhere.h5: there is no"),
        ({"of": {"format": "wavesurfer", "path": "a.h5", "rate": "1 Hz"}}, "wavesurfer.rate: Extra inputs"),
    ],
)
def test_wrong_keys_are_source_errors(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        interfaces.ChannelLightInterface(**keys)


def test_a_source_of_another_kind_is_refused(small_lab: Any) -> None:
    video = {"format": "video", **small_lab.keys["video"]}
    with pytest.raises(SourceError, match=r"channel.of: video is no recording"):
        interfaces.ChannelLightInterface(of=video)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": {}}, "Bergmann.sources.scanimage.plane: Field required"),
        ({"sources": {"scanimage": {"plane": "other"}}}, "Bergmann.sources.scanimage.plane: there is no 'other' in .*: bg_plane"),
        ({"planes": {"bg_plane": {**STATED["planes"]["bg_plane"], "device": "?"}}}, "bg_plane.device: there is no '[?]'.*: scope"),
        ({"plains": {}}, "Bergmann.plains: there is no such collection; known: sources, devices"),
        ({"planes": {"bg_plane": {**STATED["planes"]["bg_plane"], "pixel_size": "2 um"}}}, "scanimage: .*2 um"),
    ],
)
def test_what_is_stated_wrongly_is_refused_before_anything_is_added(
    change: dict[str, Any], message: str, small_lab: Any, nwbfile: NWBFile
) -> None:
    interface = interfaces.ScanImageInterface(**small_lab.keys["scanimage"])
    metadata = stating(interface.get_metadata(), interface)
    metadata["Bergmann"].update(change)
    with pytest.raises(SourceError, match=message):
        interface.add_to_nwbfile(nwbfile, metadata)
    assert not nwbfile.devices
    assert not nwbfile.acquisition


def test_a_second_interface_may_not_contradict_the_first(small_lab: Any, nwbfile: NWBFile) -> None:
    first = interfaces.ScanImageInterface(**small_lab.keys["scanimage"])
    metadata = stating(first.get_metadata(), first)
    first.add_to_nwbfile(nwbfile, metadata)
    metadata["Bergmann"]["devices"]["scope"]["description"] = "another"
    with pytest.raises(SourceError, match=r"Bergmann.devices.scope: was not stated so when the first"):
        interfaces.VideoInterface(**small_lab.keys["video"]).add_to_nwbfile(nwbfile, metadata)
    interfaces.VideoInterface(**small_lab.keys["video"]).add_to_nwbfile(nwbfile)  # nothing is stated anew


def test_rois_without_a_movie_in_the_file_need_a_plane(small_lab: Any, nwbfile: NWBFile) -> None:
    interface = interfaces.Suite2pInterface(**small_lab.keys["suite2p"])
    metadata = stating(interface.get_metadata(), interface)
    del metadata["Bergmann"]["sources"]["suite2p"]["plane"]
    with pytest.raises(SourceError, match="plane"):
        interface.add_to_nwbfile(nwbfile, metadata)
