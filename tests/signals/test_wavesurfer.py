from __future__ import annotations

from datetime import datetime

import h5py
import numpy as np
import pytest

from bergmann.errors import SourceError
from bergmann.pulses import recorded_pulses
from bergmann.signals.wavesurfer import Polynomial, WaveSurferSource, find, read

REAL = [
    "wavesurfer/30_kHz_sampling_rate_0p913_0001.h5",
    "wavesurfer/ws_0p933_data_0001.h5",
    "wavesurfer/multiple_sweeps_multiple_channels_0001-0009.h5",
]


def write(path, *, sweeps, rate=1000.0, version=b"1.0.5", names=(b"Clock", b"Off", b"Laser"), active=(1, 0, 1), **more):
    """A file as WaveSurfer 1.x writes it; `sweeps` holds (timestamp, analog counts, packed digital scans or None)."""
    header = {
        "AcquisitionSampleRate": np.array([[rate]]),
        "AIChannelNames": np.array(names),
        "AIChannelUnits": np.array([b"V", b"V", b"mW"][: len(names)]),
        "AIChannelScales": np.array([[1.0], [1.0], [0.5]][: len(names)]),
        "IsAIChannelActive": np.array(active, dtype=float)[:, None],
        "AIScalingCoefficients": np.array([[0.5, 2.0, 0.0, 0.0], [0.25, 1.0, 0.001, 0.0]][: sum(active)]),
        "ClockAtRunStart": np.array([[2024.0], [5], [17], [10], [30], [57.25]]),
        "VersionString": np.array([version]),
    }
    with h5py.File(path, "w") as file:
        for key, value in (header | more).items():
            if value is not None:
                file[f"header/{key}"] = value
        for number, (timestamp, analog, digital) in enumerate(sweeps, start=1):
            group = file.create_group(f"sweep_{number:04d}")
            if timestamp is not None:
                group["timestamp"] = np.array([[timestamp]])
            if analog is not None:
                group["analogScans"] = np.asarray(analog)
            if digital is not None:
                group["digitalScans"] = np.asarray(digital)[None, :]
    return path


def recording_of(path):
    return read(WaveSurferSource(path=path), {})


@pytest.mark.parametrize("name", REAL)
def test_real_recordings_equal_what_h5py_reads(real, name):
    path = real(name)
    recording = recording_of(path)
    with h5py.File(path) as file:
        header, groups = file["header"], sorted(key for key in file if key.startswith("sweep"))
        old = "Acquisition" in header
        stated = (
            header["Acquisition/AnalogScalingCoefficients" if old else "AIScalingCoefficients"][()] if "0p913" not in name else None
        )
        assert recording.sweep_starts.seconds.tolist() == [float(file[group]["timestamp"][0, 0]) for group in groups]
        assert recording.sweep_lengths.tolist() == [file[group]["analogScans"].shape[1] for group in groups]
        for row, channel in enumerate(recording.channels):
            counts = np.concatenate([file[group]["analogScans"][row] for group in groups]).astype(float)
            volts = counts * 3.0517578125e-4 if stated is None else sum(c * counts**power for power, c in enumerate(stated[row]))
            np.testing.assert_allclose(channel.values(0, len(counts)), volts, rtol=0, atol=1e-12)
            assert channel.unit == "V"


def test_real_headers(real):
    first, second, third = (recording_of(real(name)) for name in REAL)
    assert (first.parts, second.parts, third.parts) == (("AI0",), ("AI0",), ("AI0", "AI1"))
    assert first.rate == pytest.approx(30003.0003, abs=1e-3)
    assert (second.rate, third.rate) == (20000, 1000)
    assert first.start == datetime(2016, 3, 4, 12, 8, 31, 263000)
    assert third.start == datetime(2018, 9, 13, 16, 25, 8, 524000)
    assert third.notes == {"software": "WaveSurfer 0.97"}
    assert not third.is_continuous
    assert first.channels[0].samples.dtype == np.int16


def test_only_active_channels_are_read_and_linear_ones_stay_as_stored(tmp_path):
    counts = np.array([[0, 1, 2, 3], [10, 20, -30, 40]], dtype=np.int16)
    recording = recording_of(write(tmp_path / "a.h5", sweeps=[(0.1, counts, None)]))
    clock, laser = recording.channels
    assert recording.parts == ("Clock", "Laser")
    assert clock.samples.dtype == np.int16
    assert clock.samples[1:3].tolist() == [1, 2]
    assert clock.values(0, 4).tolist() == [0.5, 2.5, 4.5, 6.5]
    assert isinstance(laser.samples, Polynomial)
    assert laser.unit == "mW"
    assert laser.values(0, 4) == pytest.approx([(0.25 + x + 0.001 * x**2) / 0.5 for x in (10, 20, -30, 40)])
    assert recording.start == datetime(2024, 5, 17, 10, 30, 57, 250000)


def test_digital_lines_are_the_bits_of_the_active_ones(tmp_path):
    lines = {"FrameClock": [0, 1, 0, 1, 1, 0], "CamTTL": [1, 1, 0, 0, 0, 0], "ShockTTL": [0, 0, 0, 0, 0, 1]}
    packed = sum(np.array(line, dtype=np.uint16) << bit for bit, line in enumerate(lines.values())).astype(np.uint16)
    path = write(
        tmp_path / "a.h5",
        sweeps=[(0.0, np.zeros((2, 3), np.int16), packed[:3]), (1.0, np.ones((2, 3), np.int16), packed[3:])],
        DIChannelNames=np.array([b"FrameClock", b"Unused", b"CamTTL", b"ShockTTL"]),
        IsDIChannelActive=np.array([[1.0], [0], [1], [1]]),
    )
    recording = recording_of(path)
    assert recording.parts == ("Clock", "Laser", *lines)
    for name, line in lines.items():
        channel = recording.channel(name)
        assert channel.kind == "digital"
        assert channel.samples.dtype == np.uint8
        assert channel.samples[0:6].tolist() == line
        assert channel.samples[2:4].tolist() == line[2:4]
    pulses = recorded_pulses(recording, "FrameClock")
    assert pulses.times.seconds == pytest.approx([0.001, 1.0])
    assert pulses.on_at_start.tolist() == [False, True]


def test_repeated_names_are_told_apart_and_said(tmp_path):
    path = write(tmp_path / "a.h5", sweeps=[(0.0, np.zeros((2, 3), np.int16), None)], names=(b"AI0", b"AI0"), active=(1, 1))
    recording = recording_of(path)
    assert recording.parts == ("AI0", "AI0 (2)")
    assert recording.notes["renamed channels"] == "'AI0 (2)' is another channel named 'AI0'"


@pytest.mark.parametrize(
    ("version", "rate"), [(b"0.912", 100e6 / 3333), (b"0.74", 100e6 / 3333), (b"0.913", 30000.0), (b"0.97", 30000.0)]
)
def test_the_rate_that_an_old_version_asked_for_becomes_the_one_that_the_board_allows(tmp_path, version, rate):
    path = write(tmp_path / "a.h5", sweeps=[(0.0, np.zeros((2, 3), np.int16), None)], rate=30000.0, version=version)
    assert recording_of(path).rate == rate


def test_the_oldest_layout_has_trials_and_no_start_time(tmp_path):
    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as file:
        file["header/Acquisition/SampleRate"] = np.array([[20000.0]])
        file["header/Acquisition/ChannelNames"] = np.array([b"V1"])
        file["header/Acquisition/ChannelUnits"] = np.array([b"mV"])
        file["header/Acquisition/ChannelScales"] = np.array([[0.1]])
        file["trial_0001/analogScans"] = np.array([[0, 2**14]], dtype=np.int16)
    recording = recording_of(path)
    assert recording.start is None
    assert recording.channels[0].values(0, 2) == pytest.approx([0, 50.0])
    assert recording.sweep_starts.seconds.tolist() == [0.0]


def test_find_takes_wavesurfer_files_only(tmp_path):
    path = write(tmp_path / "daq_0001.h5", sweeps=[(0.0, np.zeros((2, 3), np.int16), None)])
    with h5py.File(tmp_path / "movie.h5", "w") as file:
        file["mov"] = np.zeros(3)
    (tmp_path / "text.h5").write_text("not HDF5", encoding="utf-8")
    assert [source.path for source in find(tmp_path)] == [path]


def test_the_file_can_be_deleted_after_reading(tmp_path):
    path = write(tmp_path / "a.h5", sweeps=[(0.0, np.zeros((2, 3), np.int16), None)])
    recording = recording_of(path)
    assert recording.channels[0].samples[0:3].tolist() == [0, 0, 0]
    with h5py.File(path, "a") as file:  # fails while anybody holds the file open
        file["more"] = 1


def test_wrong_files_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(SourceError, match=r"there is no 'missing.h5'"):
        recording_of(tmp_path / "missing.h5")
    (tmp_path / "text.h5").write_text("hello", encoding="utf-8")
    with pytest.raises(SourceError, match=r"text.h5: not a readable HDF5 file .* truncated"):
        recording_of(tmp_path / "text.h5")
    whole = write(tmp_path / "whole.h5", sweeps=[(0.0, np.zeros((2, 5000), np.int16), None)]).read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"cut.h5: not a readable HDF5 file"):
        recording_of(tmp_path / "cut.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["mov"] = np.zeros(3)
    with pytest.raises(SourceError, match=r"other.h5: an HDF5 file without WaveSurfer's header"):
        recording_of(tmp_path / "other.h5")


def test_headers_that_contradict_the_samples_are_refused(tmp_path):
    rows = write(tmp_path / "rows.h5", sweeps=[(0.0, np.zeros((3, 4), np.int16), None)])
    with pytest.raises(SourceError, match="3 rows of analog samples for 2 active channels"):
        recording_of(rows)
    untimed = write(tmp_path / "untimed.h5", sweeps=[(None, np.zeros((2, 4), np.int16), None)] * 2)
    with pytest.raises(SourceError, match="sweep_0001 has no timestamp"):
        recording_of(untimed)
    empty = write(tmp_path / "empty.h5", sweeps=[(0.0, None, None)])
    with pytest.raises(SourceError, match="sweep_0001 holds timestamp; expected analogScans or digitalScans"):
        recording_of(empty)
