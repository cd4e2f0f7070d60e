from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime

import numpy as np
import pytest

from bergmann.errors import SourceError
from bergmann.pulses import recorded_pulses
from bergmann.signals.openephys import OpenEphysSource, find, read

BOARD = "Acquisition_Board-100.Rhythm_Data"


def recording_of(path, **keys):
    return read(OpenEphysSource(path=path, **keys), {})


def line_of(recording, name):
    return next(one for one in recording.lines if one.name == name)


def channel(name, volts=0.195, units="uV"):
    return {"channel_name": name, "bit_volts": volts} | ({} if units is None else {"units": units})


def new_stream(root, folder, values, *, first=1000, numbers=None, rate=1000, channels=None, states=(), **more):
    """A stream as versions from 0.6 on write it; its part of the structure."""
    values = np.asarray(values, "<i2")
    numbers = np.arange(first, first + len(values)) if numbers is None else np.array(numbers)
    there = root / "continuous" / folder
    there.mkdir(parents=True)
    values.tofile(there / "continuous.dat")
    np.save(there / "sample_numbers.npy", numbers.astype(np.int64))
    np.save(there / "timestamps.npy", numbers / rate)
    events = []
    if states:
        there = root / "events" / folder / "TTL"
        there.mkdir(parents=True)
        np.save(there / "sample_numbers.npy", np.array([sample for sample, _ in states], np.int64))
        np.save(there / "states.npy", np.array([state for _, state in states], np.int16))
        np.save(there / "timestamps.npy", np.array([sample for sample, _ in states]) / rate)
        events.append({"folder_name": f"{folder}/TTL/", "channel_name": "TTL", "stream_name": folder, "initial_state": 0})
    names = channels or [channel(f"CH{number + 1}") for number in range(values.shape[1])]
    processor, _, stream = folder.partition(".")
    said = {"folder_name": f"{folder}/", "sample_rate": rate, "stream_name": stream, "channels": names, "num_channels": len(names)}
    return said | {"source_processor_id": int(processor.rpartition("-")[2])} | more, events


def write_structure(root, *streams, events=(), messages="", version="0.6.7"):
    said = {"GUI version": version, "continuous": [one for one, _ in streams], "spikes": []}
    said["events"] = [one for _, some in streams for one in some] + list(events)
    (root / "structure.oebin").write_text(json.dumps(said), encoding="utf-8")
    if messages:
        (root / "sync_messages.txt").write_text(messages, encoding="utf-8")
    return root / "structure.oebin"


def small(root, **more):
    """Five samples of two channels from number 1000 on, at 1 kHz."""
    root.mkdir(parents=True)
    values = [[number, -number] for number in range(5)]
    channels = [channel("CH1"), channel("ADC1", 0.00015258789, "V")]
    return new_stream(root, BOARD, values, channels=channels, **more)


SYNC = """Software Time (milliseconds since midnight Jan 1st 1970 UTC): 1715940000250
Start Time for Acquisition Board (100) - Rhythm_Data @ 1000 Hz: 998
"""


def test_a_recording_of_a_new_version(tmp_path):
    stream = small(tmp_path / "r", states=[(1001, 1), (1002, 3), (1003, -1), (1004, -3)])
    path = write_structure(tmp_path / "r", stream, messages=SYNC)
    recording = recording_of(path)
    assert recording.start == datetime(2024, 5, 17, 10, 0, 0, 250000, UTC)
    assert (recording.rate, recording.parts) == (1000, ("CH1", "ADC1", "TTL 1", "TTL 3"))
    assert (recording.sweep_starts.seconds.tolist(), recording.sweep_lengths.tolist()) == ([0.002], [5])
    neural, analog = recording.channels
    assert (neural.unit, neural.samples.dtype, neural.samples[1:4].tolist()) == ("uV", np.int16, [1, 2, 3])
    assert neural.samples[2:2].tolist() == []
    assert neural.values(0, 3) == pytest.approx([0, 0.195, 0.39])
    assert (analog.unit, analog.values(4, 5)[0]) == ("V", pytest.approx(-4 * 0.00015258789))
    line = line_of(recording, "TTL 3")
    assert (line.times.seconds, line.durations) == (pytest.approx([0.004]), pytest.approx([0.002]))
    assert recorded_pulses(recording, "TTL 1").times.seconds == pytest.approx([0.003])
    assert recording.notes == {"software": "Open Ephys GUI 0.6.7", "stream": "Rhythm_Data"}
    names = {file.relative_to(tmp_path / "r").as_posix() for file in recording.files}
    assert {f"continuous/{BOARD}/continuous.dat", "structure.oebin", f"events/{BOARD}/TTL/states.npy"} <= names
    assert recording_of(tmp_path / "r").parts == recording.parts
    assert recording_of(path, only="TTL 1, CH1").parts == ("CH1", "TTL 1")
    with pytest.raises(SourceError, match=r"no channel 'ACD1'; did you mean 'ADC1'\? It has: CH1, ADC1, TTL 1, TTL 3"):
        recording_of(path, only=["ACD1"])


def old(root):
    """As version 0.5 writes it: numbers of samples are its timestamps, and a message."""
    folder = root / "continuous" / "Rhythm_FPGA-100.0"
    folder.mkdir(parents=True)
    np.array([[1, 2], [3, 4], [5, 6]], "<i2").tofile(folder / "continuous.dat")
    np.save(folder / "timestamps.npy", np.array([500, 501, 502], np.int64))
    ttl = root / "events" / "Rhythm_FPGA-100.0" / "TTL_1"
    ttl.mkdir(parents=True)
    np.save(ttl / "timestamps.npy", np.array([501], np.int64))
    np.save(ttl / "channel_states.npy", np.array([-2], np.int16))
    np.save(ttl / "channels.npy", np.array([2], np.uint16))
    text = root / "events" / "Message_Center-904.0" / "TEXT_group_1"
    text.mkdir(parents=True)
    np.save(text / "timestamps.npy", np.array([502], np.int64))
    np.save(text / "text.npy", np.array([b"capsaicin"]))
    said = {"folder_name": "Rhythm_FPGA-100.0/", "sample_rate": 1000, "source_processor_id": 100, "source_processor_sub_idx": 0}
    said["channels"] = [channel("AUX1", units=""), channel("CH2", units="")]
    events = [
        {"folder_name": one, "channel_name": one, "sample_rate": 1000}
        for one in ("Rhythm_FPGA-100.0/TTL_1/", "Message_Center-904.0/TEXT_group_1/")
    ]
    messages = "Software time: 98765@1000Hz\nProcessor: Rhythm FPGA Id: 100 subProcessor: 0 start time: 500@1000Hz\n"
    return write_structure(root, (said, []), events=events, messages=messages, version="0.5.5")


def test_a_recording_of_an_old_version(tmp_path):
    path = old(tmp_path / "Record Node 101" / "experiment1" / "recording1")
    (tmp_path / "Record Node 101" / "settings.xml").write_text("<INFO><DATE>17 May 2024 10:30:57</DATE></INFO>", encoding="utf-8")
    recording = recording_of(path)
    assert recording.start == datetime(2024, 5, 17, 10, 30, 57)
    assert recording.channel("CH2").samples[0:3].tolist() == [2, 4, 6]
    assert [one.unit for one in recording.channels] == ["unknown", "uV"]
    assert (recording.tags, recording.tag_times.seconds.tolist()) == (("capsaicin",), [0.002])
    line = line_of(recording, "TTL 2")
    assert (line.times.seconds.tolist(), line.durations.tolist(), line.on_at_start) == ([0], [0.001], True)


def test_the_date_of_the_settings_is_that_of_the_first_recording_alone(tmp_path):
    node = tmp_path / "Record Node 101"
    path = old(node / "experiment2" / "recording2")
    (node / "settings_2.xml").write_text("<DATE>17 May 2024 10:30:57</DATE>", encoding="utf-8")
    assert recording_of(path).start is None
    path.parent.rename(node / "experiment2" / "recording1")
    assert recording_of(node / "experiment2" / "recording1").start == datetime(2024, 5, 17, 10, 30, 57)


def test_missing_samples_are_gaps(tmp_path):
    path = write_structure(tmp_path / "r", small(tmp_path / "r", numbers=[1000, 1001, 1005, 1006, 1010]))
    recording = recording_of(path)
    assert recording.sweep_starts.seconds.tolist() == [0, 0.005, 0.01]
    assert recording.sweep_lengths.tolist() == [2, 2, 1]
    np.save(tmp_path / "r" / "continuous" / BOARD / "sample_numbers.npy", np.array([1000, 1001, 1001, 1002, 1003]))
    with pytest.raises(SourceError, match="Rhythm_Data: sample 3 has the number 1001, the one before it 1001"):
        recording_of(path)


def test_gaps_are_found_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("bergmann.signals._numbers.BLOCK", 2)
    path = write_structure(tmp_path / "r", small(tmp_path / "r", numbers=[0, 1, 5, 6, 9]))
    assert recording_of(path).sweep_lengths.tolist() == [2, 2, 1]
    assert recording_of(path).sweep_starts.seconds.tolist() == [0, 0.005, 0.009]


def test_a_stream_is_chosen_of_several(tmp_path):
    first = small(tmp_path / "r", states=[(1001, 1), (1002, -1)])
    second = new_stream(tmp_path / "r", "NI-DAQmx-102.PXI", [[7], [8]], first=90, rate=500)
    messages = "Start Time for NI-DAQmx (102) - PXI @ 500 Hz: 89\n" + SYNC
    path = write_structure(tmp_path / "r", first, second, messages=messages)
    with pytest.raises(
        SourceError, match=r"2 streams \(Rhythm_Data, PXI\), each with a clock of its own; state `stream: Rhythm_Data`"
    ):
        recording_of(path)
    recording = recording_of(path, stream="PXI")
    assert (recording.parts, recording.rate, recording.sweep_starts.seconds.tolist()) == (("CH1",), 500, [0.002])
    with pytest.raises(SourceError, match="no stream 'PIX'; did you mean 'PXI'"):
        recording_of(path, stream="PIX")


def test_lines_with_lost_edges_keep_those_that_are_there(tmp_path):
    path = write_structure(tmp_path / "r", small(tmp_path / "r", states=[(1001, 1), (1002, 1), (1003, -1)]))
    recording = recording_of(path)
    assert [(one.name, one.times.seconds.tolist(), one.durations) for one in recording.lines] == [
        ("TTL 1 rising", [0.001, 0.002], None),
        ("TTL 1 falling", [0.003], None),
    ]


def test_cut_files_are_refused_wherever_they_were_cut(tmp_path):
    path = write_structure(tmp_path / "r", small(tmp_path / "r", states=[(1001, 1), (1002, -1)]), messages=SYNC)
    recording_of(path)
    for file in sorted((tmp_path / "r").rglob("*")):
        if not file.is_file() or file.name in {"sync_messages.txt"} or (file.name == "timestamps.npy"):
            continue
        content = file.read_bytes()
        for length in range(0, len(content), 5):
            file.write_bytes(content[:length])
            with pytest.raises(SourceError, match=r"cut|not as the GUI writes it"):
                recording_of(path)
        file.write_bytes(content)
        file.unlink()
        with pytest.raises(SourceError, match=r"copied whole|is a file missing beside it|structure.oebin"):
            recording_of(path)
        file.write_bytes(content)


def test_wrong_structures_are_refused_and_not_found(tmp_path):
    for number, text in enumerate(('{"continuous": [{}]}', "[]", "{}", '{"continuous": 7}', "no json", '{"continuous": []}')):
        path = tmp_path / str(number) / "structure.oebin"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SourceError, match=r"structure.oebin: it "):
            recording_of(path)
    assert list(find(tmp_path)) == []
    write_structure(tmp_path / "r", small(tmp_path / "r"))
    assert [source.path for source in find(tmp_path)] == [tmp_path / "r" / "structure.oebin"]
    with pytest.raises(SourceError, match="a folder with 7 recordings"):
        recording_of(tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("version", ["0.5", "0.6"])
def test_values_equal_those_that_neo_reads(tmp_path, version):
    rawio = pytest.importorskip("neo.rawio.openephysbinaryrawio")
    root = tmp_path / "Record Node 101" / "experiment1" / "recording1"
    if version == "0.5":
        path = old(root)
    else:
        path = write_structure(root, small(root, states=[(1001, 1), (1002, 3), (1003, -1), (1004, -3)]))
    theirs = rawio.OpenEphysBinaryRawIO(str(tmp_path))
    theirs.parse_header()
    recording = recording_of(path)
    values = theirs.get_analogsignal_chunk(0, 0, stream_index=0)
    for column, one in zip(values.T, recording.channels, strict=False):
        np.testing.assert_array_equal(one.samples[0 : len(column)], column)
    for said, one in zip(theirs.header["signal_channels"], recording.channels, strict=True):
        assert (said["name"], said["gain"]) == (one.name, pytest.approx(one.conversion))


def test_memory_does_not_grow_with_the_recording(tmp_path):
    (tmp_path / "r").mkdir()
    values = np.arange(600_000, dtype="<i4").astype("<i2").reshape(-1, 1).repeat(8, axis=1)
    path = write_structure(tmp_path / "r", new_stream(tmp_path / "r", BOARD, values))
    tracemalloc.start()
    try:
        one = recording_of(path).channels[7]
        total = sum(int(one.samples[start : start + 20000].sum(dtype=np.int64)) for start in range(0, 600_000, 20000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == int(values[:, 7].sum(dtype=np.int64))
    assert peak < 20_000_000
