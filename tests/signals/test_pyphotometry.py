from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pytest

from bergmann.errors import SourceError
from bergmann.pulses import recorded_pulses
from bergmann.signals.pyphotometry import PyPhotometrySource, find, read

REAL = "pyphotometry_ppd/m17-R-2018-12-12-090409.ppd"
OLD = {"date_time": "2018-12-12T09:04:09", "mode": "2 colour time div.", "sampling_rate": 130, "version": 0.2}
NEW = {
    "date_time": "2025-02-03T11:22:33.250",
    "mode": "3EX_2EM_pulsed",
    "sampling_rate": 100,
    "version": "1.1.0",
    "n_analog_signals": 3,
    "n_digital_signals": 1,
    "ADC_max_value": 32768,
}


def write(path, values, **header):
    """A file as pyPhotometry writes it; `values` are what is stored, with the digital input in bit 0."""
    text = json.dumps({"volts_per_division": [0.5, 0.25], "LED_current": [10, 20], **header}).encode()
    path.write_bytes(len(text).to_bytes(2, "little") + text + np.asarray(values, dtype="<u2").tobytes())
    return path


def recording_of(path, **keys):
    return read(PyPhotometrySource(path=path, **keys), {})


def test_a_real_recording_equals_its_bytes(real):
    path = real(REAL)
    recording = recording_of(path)
    content = path.read_bytes()
    words = [int.from_bytes(content[at : at + 2], "little") for at in range(2 + 201, len(content), 2)]
    assert recording.parts == ("analog_1", "analog_2", "digital_1", "digital_2")
    assert recording.sweep_lengths.tolist() == [474192]
    for name, first in (("1", 0), ("2", 1)):
        analog, digital = recording.channel(f"analog_{name}"), recording.channel(f"digital_{name}")
        assert analog.samples[0:474192].tolist() == [word // 2 for word in words[first::2]]
        assert digital.samples[0:474192].tolist() == [word % 2 for word in words[first::2]]
        assert (analog.conversion, analog.offset, analog.unit) == (0.00010122, 0.0, "V")
    assert (recording.rate, recording.start) == (130, datetime(2018, 12, 12, 9, 4, 9))
    assert len(recorded_pulses(recording, "digital_1")) == sum(
        a % 2 < b % 2 for a, b in zip(words[:-2:2], words[2::2], strict=True)
    )
    assert recording.notes["LED current in mA"] == "10, 100"


def test_signals_taken_in_turns_have_their_own_times_when_chosen(tmp_path):
    path = write(tmp_path / "a.ppd", [2, 4, 7, 9], **OLD)
    both, second = recording_of(path), recording_of(path, signal=2)
    assert both.notes["times"].startswith("those of signal 1; each next signal, with its digital input, was taken 3.846 ms later")
    assert both.times.first == 0
    assert second.parts == ("analog_2", "digital_2")
    assert second.times.first == pytest.approx(1 / 260)
    assert second.channel("analog_2").values(0, 2).tolist() == [2 * 0.25, 4 * 0.25]
    assert second.channel("digital_2").samples[0:2].tolist() == [0, 1]
    assert "times" not in second.notes


def test_signals_taken_together_lag_by_nothing(tmp_path):
    path = write(tmp_path / "a.ppd", [2, 4, 7, 9], **{**OLD, "mode": "2 colour continuous"})
    assert recording_of(path, signal=2).times.first == 0
    assert "times" not in recording_of(path).notes


def test_one_photoreceiver_has_one_scale(tmp_path):
    path = write(tmp_path / "a.ppd", [2, 4], **{**OLD, "mode": "1 colour time div."})
    assert [recording_of(path).channel(f"analog_{n}").conversion for n in (1, 2)] == [0.5, 0.5]


def test_version_1_1_stores_the_signal_with_its_led_on_and_off(tmp_path):
    samples = [[20, 2, 40, 4, 60, 6], [21, 2, 40, 4, 60, 6]]
    recording = recording_of(write(tmp_path / "a.ppd", samples, **NEW))
    kinds = [f"analog_{n}_raw_{kind}" for n in (1, 2, 3) for kind in ("LED_on", "baseline")]
    assert recording.parts == (*kinds, "digital_1")
    assert [channel.samples[0:1].tolist() for channel in recording.channels] == [[10], [1], [20], [2], [30], [3], [0]]
    assert [channel.conversion for channel in recording.channels[:6]] == [0.5, 0.5, 0.25, 0.25, 0.5, 0.5]
    assert recording.channel("digital_1").samples[0:2].tolist() == [0, 1]
    assert recording.start == datetime(2025, 2, 3, 11, 22, 33, 250000)
    assert recording_of(tmp_path / "a.ppd", signal=3).times.first == pytest.approx(2 / 300)


def test_a_block_reads_its_own_bytes_only(tmp_path, monkeypatch):
    path = write(tmp_path / "a.ppd", np.arange(20000), **OLD)
    channel = recording_of(path).channel("analog_2")
    asked, fromfile = [], np.fromfile
    monkeypatch.setattr(np, "fromfile", lambda *args, **more: asked.append(more["count"]) or fromfile(*args, **more))
    assert channel.samples[5000:5003].tolist() == [5000, 5001, 5002]
    assert asked == [6]
    assert channel.samples[7:7].tolist() == []


def test_find_goes_by_the_header(tmp_path):
    path = write(tmp_path / "m.PPD", [2, 4], **OLD)
    (tmp_path / "paint.ppd").write_bytes(b'*PPD-Adobe: "4.3"\n')  # a printer's description has this suffix, too
    (tmp_path / "empty.ppd").touch()
    (tmp_path / "other.ppd").write_bytes(b"\x02\x00{}")
    assert [source.path for source in find(tmp_path)] == [path]


def test_wrong_files_are_refused_with_what_to_do(tmp_path):
    whole = write(tmp_path / "a.ppd", [2, 4, 7, 9], **OLD).read_bytes()
    for name, content, message in (
        ("cut.ppd", whole[:-2], r"cut.ppd: 6 bytes of samples, and a sample of 2 signals has 4; .* copy it again"),
        ("none.ppd", whole[:-8], r"none.ppd: no samples behind its header; was the recording aborted\?"),
        ("header.ppd", whole[:40], r"header.ppd: 38 bytes where a header of \d+ should be; .* Is it empty or cut\?"),
        ("empty.ppd", b"", r"empty.ppd: 0 bytes where a header of 0 should be"),
        ("text.ppd", b"\x05\x00hello", r"text.ppd: it does not begin as it should; .* another file, renamed\?"),
        ("json.ppd", b"\x02\x00{}", r"json.ppd: its header is not as pyPhotometry writes it \(mode, sampling_rate, v"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceError, match=message):
            recording_of(tmp_path / name)
    with pytest.raises(SourceError, match=r"a.ppd: there is no signal 3; it has signals 1 to 2"):
        recording_of(tmp_path / "a.ppd", signal=3)
    with pytest.raises(SourceError, match=r"this is a folder"):
        recording_of(tmp_path)
    with pytest.raises(SourceError, match=r"it began at 'today'; expected a time as 2024-05-17T10:30:57"):
        recording_of(write(tmp_path / "b.ppd", [2, 4], **{**OLD, "date_time": "today"}))
    with pytest.raises(SourceError, match=r"no channel 'digital_3'; it has: analog_1"):
        recording_of(tmp_path / "a.ppd").channel("digital_3")
