from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pynwb
import pytest
from pynwb import NWBHDF5IO

from bergmann.behavior import channel_events
from bergmann.errors import SourceError
from bergmann.optogenetics import channel as light_channel
from bergmann.plan.frame_clock import fit_line
from bergmann.pulses import recorded_pulses
from bergmann.records import Channel, EventLine, Recording
from bergmann.registry import Entry, Placed, Source
from bergmann.signals.abf import AbfSource
from bergmann.signals.abf import read as read_abf
from bergmann.signals.nwb import ADD, SweepTimes, add_recording
from bergmann.signals.stated import RecordingStated, check_recording
from bergmann.signals.wavesurfer import WaveSurferSource
from bergmann.signals.wavesurfer import read as read_wavesurfer
from bergmann.stated import Device, Ref
from bergmann.timing.times import ExplicitTimes, RegularTimes


def recording(*, starts=(0.5, 3.5)):
    samples = np.array([0, 100, -100, 200, 7, 8], dtype=np.int16)
    line = np.array([0, 1, 0, 1, 1, 0], dtype=np.uint8)
    return Recording(
        files=(Path("somewhere") / "19125000.abf",),
        notes={"software": "Clampex 10.7"},
        rate=10.0,
        sweep_starts=ExplicitTimes(np.array(starts)),
        sweep_lengths=np.array([3, 3]),
        channels=(
            Channel(name="IN 0", kind="analog", unit="pA", samples=samples, conversion=0.5, offset=1.0),
            Channel(name="a/b:c", kind="digital", unit="n.a.", samples=line),
        ),
        tags=("+TGOT", "-TGOT"),
        tag_times=ExplicitTimes(np.array([0.6, 3.6])),
    )


def entry_of(record, **stated):
    return Entry(name="patch", record=record, stated=RecordingStated(**stated), source=Source())


def written(nwbfile, entry, path):
    """The file as a reader opens it again."""
    placed = Placed(
        stream=lambda array: array[slice(None)], collections={"devices": {"amp": Device(description="patch amplifier")}}
    )
    ADD[type(entry.record)](nwbfile, entry, placed)
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    assert pynwb.validate(path=str(path)) == []
    return placed


def test_channels_tags_and_sweeps_come_back(nwbfile, tmp_path):
    stated = {"device": "amp", "channels": {"IN 0": {"records": "membrane current"}}, "description": "cell 1"}
    placed = written(nwbfile, entry_of(recording(), **stated), tmp_path / "a.nwb")
    assert [series.name for series in placed.get("sources", "patch")] == ["patch_IN 0", "patch_a_b_c"]
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        file = io.read()
        current, line = file.acquisition["patch_IN 0"], file.acquisition["patch_a_b_c"]
        assert current.data[:].tolist() == [0, 100, -100, 200, 7, 8]
        assert (current.unit, current.conversion, current.offset) == ("pA", 0.5, 1.0)
        assert current.timestamps[:] == pytest.approx([0.5, 0.6, 0.7, 3.5, 3.6, 3.7])
        assert line.timestamps is current.timestamps
        assert line.data.dtype == np.uint8
        assert current.description == "membrane current; analog channel 'IN 0'"
        assert line.description == "digital line, 0 or 1 'a/b:c'"
        assert current.comments == "cell 1; recorded by amp (patch amplifier); file: 19125000.abf; software: Clampex 10.7"
        tags = file.events["patch_tags"].to_dataframe()
        assert tags["timestamp"].tolist() == [0.6, 3.6]
        assert tags["annotation"].tolist() == ["+TGOT", "-TGOT"]
        sweeps = file.intervals["patch_sweeps"].to_dataframe()
        assert sweeps["start_time"].tolist() == [0.5, 3.5]
        assert sweeps["stop_time"].tolist() == pytest.approx([0.8, 3.8])
        assert sweeps["sweep"].tolist() == [1, 2]


def test_sweeps_without_gaps_have_a_rate(nwbfile, tmp_path):
    written(nwbfile, entry_of(recording(starts=(0.5, 0.8))), tmp_path / "a.nwb")
    series = nwbfile.acquisition["patch_IN 0"]
    assert (series.starting_time, series.rate, series.timestamps) == (0.5, 10.0, None)


def test_names_that_become_one_when_cleaned_stay_apart(nwbfile):
    first, second = recording().channels
    record = replace(recording(), channels=(replace(first, name="a/b"), replace(second, name="a:b")))
    add_recording(nwbfile, entry_of(record), Placed(stream=lambda array: array[slice(None)], collections={}))
    assert set(nwbfile.acquisition) == {"patch_a_b", "patch_a_b (2)"}


def test_sweep_times_are_those_of_the_record_block_by_block():
    record = recording()
    times = SweepTimes(record)
    assert times.shape == (6,)
    joined = np.concatenate([times[start : start + 4] for start in (0, 4)])
    np.testing.assert_array_equal(joined, record.times.seconds)


def test_a_stated_channel_that_was_not_recorded_is_an_error():
    (finding,) = check_recording(entry_of(recording(), channels={"IN 1": {"records": "frame clock"}}), {})
    assert finding.severity == "error"
    assert finding.location == "channels.IN 1"
    assert finding.message == "no channel 'IN 1' in 19125000.abf; it has: IN 0, a/b:c"
    assert list(check_recording(entry_of(recording(), channels={"IN 0": {}}), {})) == []


@pytest.mark.parametrize("name", ["axon_abf/opto_aps_good_units.abf", "wavesurfer/multiple_sweeps_multiple_channels_0001-0009.h5"])
def test_real_recordings_come_back_as_they_were(real, nwbfile, tmp_path, name):
    path = real(name)
    read, source = (read_abf, AbfSource) if path.suffix == ".abf" else (read_wavesurfer, WaveSurferSource)
    record = read(source(path=path), {})
    written(nwbfile, entry_of(record), tmp_path / "a.nwb")
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        file = io.read()
        for channel in record.channels:
            series = file.acquisition[f"patch_{channel.name}"]
            np.testing.assert_array_equal(series.data[:], channel.samples[slice(None)])
            assert (series.unit, series.conversion) == (channel.unit, channel.conversion)
            if not record.is_continuous:
                np.testing.assert_array_equal(series.timestamps[:], record.times.seconds)


def line_of(name="TTL", **said):
    said = {"durations": np.array([0.25, 0.5]), "values": np.array([7.0, 9.0]), "on_at_end": True} | said
    return EventLine(name=name, description="edges", times=ExplicitTimes(np.array([0.75, 3.5])), resolution=1e-5, **said)


def test_events_of_lines_come_back(nwbfile, tmp_path):
    empty = EventLine(name="none", description="edges", times=ExplicitTimes(np.empty(0)), resolution=1e-5, values=())
    words = line_of("tags", durations=None, values=("a", "b"), on_at_end=False)
    record = replace(recording(), lines=(line_of(), words, empty))
    assert record.parts == ("IN 0", "a/b:c", "TTL", "tags", "none")
    written(nwbfile, entry_of(record.aligned(10.0), channels={"TTL": {"records": "frame clock"}}), tmp_path / "a.nwb")
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        file = io.read()
        assert set(file.events) == {"patch_TTL", "patch_tags", "patch_none", "patch_tags (2)"}  # the first are the comments
        table = file.events["patch_TTL"].to_dataframe()
        assert table.to_dict("list") == {"timestamp": [10.75, 13.5], "duration": [0.25, 0.5], "value": [7.0, 9.0]}
        assert file.events["patch_TTL"]["timestamp"].resolution == 1e-5
        said = "frame clock; edges on 'TTL'; the last event was on when the recording ended; file: 19125000.abf"
        assert file.events["patch_TTL"].description == said
        assert file.events["patch_tags (2)"].to_dataframe().to_dict("list") == {"timestamp": [10.75, 13.5], "value": ["a", "b"]}
        assert len(file.events["patch_none"]) == 0
        assert file.events["patch_tags"].to_dataframe()["annotation"].tolist() == ["+TGOT", "-TGOT"]


def test_a_line_of_events_has_pulses_and_no_samples():
    record = replace(recording(), lines=(line_of(), line_of("onsets", durations=None, on_at_end=False)))
    pulses = recorded_pulses(record, "TTL")
    assert (pulses.times.seconds.tolist(), pulses.durations.tolist()) == ([0.75, 3.5], [0.25, 0.5])
    assert (pulses.on_at_start.tolist(), pulses.on_at_end.tolist()) == ([False, False], [False, True])
    assert pulses.basis == "times of its events; 1 cut at the edge of a sweep"
    with pytest.raises(SourceError, match="TTL has the times of events, and no samples"):
        record.channel("TTL")
    with pytest.raises(SourceError, match="channel TTL: it has the times of events, and no samples; leave out `threshold`"):
        recorded_pulses(record, "TTL", threshold=0.5)
    events = channel_events.read(channel_events.ChannelEventsSource(of="daq/onsets", event="puff"), {"of": record})
    assert (events.series[0].times.seconds.tolist(), events.series[0].durations) == ([0.75, 3.5], None)
    light = light_channel.read(light_channel.LightChannel(of="daq/TTL", cut="keep"), {"of": record})
    assert (light.times.seconds.tolist(), light.durations.tolist(), light.resolution) == ([0.75, 3.5], [0.25, 0.5], 1e-5)
    with pytest.raises(SourceError, match="onsets says when, and not how long; state `width:`"):
        light_channel.read(light_channel.LightChannel(of="daq/onsets"), {"of": record})


def test_a_line_of_events_is_a_clock():
    seconds = 1.5 + np.arange(40) / 10
    line = EventLine(name="TTL", description="edges", times=ExplicitTimes(seconds), resolution=1e-5)
    record = replace(recording(), lines=(line,))  # of samples a tenth of a second apart, which decide nothing here
    fit = fit_line(RegularTimes(0.0, 10.0, 40), "movie", record, Ref("daq", "TTL"))
    assert (fit.offset, fit.reference) == (pytest.approx(1.5, abs=1e-5), "daq/TTL")
    cut = replace(record, lines=(replace(line, durations=np.full(40, 0.01), on_at_start=True),))
    with pytest.raises(SourceError, match="daq/TTL: on at its first sample"):
        fit_line(RegularTimes(0.0, 10.0, 40), "movie", cut, Ref("daq", "TTL"))


def test_a_line_has_a_duration_and_a_value_an_event():
    with pytest.raises(SourceError, match="1 durations of TTL for 2 events"):
        line_of(durations=np.array([0.5]))
