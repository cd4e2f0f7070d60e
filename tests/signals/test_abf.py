from __future__ import annotations

import struct

import numpy as np
import pyabf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyabf.abfWriter import writeABF1

from bergmann.errors import SourceError
from bergmann.signals._epochs import PULSE, STEP, DigitalPattern, Epoch, Protocol, remarks
from bergmann.signals.abf import AbfSource, find, read

REAL = ["axon_abf/17o05028_ic_steps.abf", "axon_abf/model_vc_step.abf", "axon_abf/opto_aps_good_units.abf"]


def recording_of(path):
    return read(AbfSource(path=path), {})


def abf1(path, sweeps=((1.0, 2.0, 3.0, 4.0), (5.0, 6.0, 7.0, 8.0))):
    writeABF1(np.array(sweeps), str(path), 20000, units="mV")
    path.write_bytes(path.read_bytes().ljust(8192, b"\0"))  # pyabf reads 6 kB of header from any file
    return path


def patched(path, **values):
    """The file with values packed over its bytes: ``{"h_8": 1}`` is a short integer at byte 8."""
    content = bytearray(path.read_bytes())
    for key, value in values.items():
        kind, at = key.split("_")
        struct.pack_into(f"<{kind}", content, int(at), value)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", REAL)
def test_real_sweeps_equal_those_of_pyabf(real, name):
    path = real(name)
    recording, abf = recording_of(path), pyabf.ABF(path)
    assert recording.rate == abf.sampleRate
    assert recording.start == abf.abfDateTime
    assert [channel.name for channel in recording.channels] == abf.adcNames
    assert [channel.unit for channel in recording.channels] == abf.adcUnits
    assert recording.sweep_starts.seconds == pytest.approx(abf.sweepTimesSec)
    for sweep in abf.sweepList:
        abf.setSweep(sweep)
        first = int(recording.sweep_lengths[:sweep].sum())
        values = recording.channels[0].values(first, first + len(abf.sweepY))
        np.testing.assert_allclose(values, abf.sweepY, rtol=1e-6, atol=1e-6)
    assert recording.channels[0].samples.dtype == np.int16


def test_light_of_the_protocol_is_a_train_on_a_digital_output(real):
    recording = recording_of(real("axon_abf/opto_aps_good_units.abf"))
    (light,) = recording.commands
    assert (light.output, light.epoch, light.unit) == ("digital 4", "B", "n.a.")
    onset = 400000 // 64 + 100000  # epoch B, in samples
    expected = [20 * sweep + (onset + 2000 * pulse) / 20000 for sweep in range(3) for pulse in range(50)]
    np.testing.assert_allclose(light.times.seconds, expected, rtol=0, atol=1e-9)
    assert light.durations == pytest.approx(np.full(150, 0.002))
    assert light.levels.tolist() == [1.0] * 150
    assert recording.notes["protocol"] == "0504 opto [0] 10 Hz 2 ms (5s in 20s sweep)"
    assert "commands left out" not in recording.notes


@pytest.mark.parametrize("name", REAL[:2])
def test_commanded_steps_equal_the_waveform_that_pyabf_makes(real, name):
    path = real(name)
    recording, abf = recording_of(path), pyabf.ABF(path)
    for sweep in abf.sweepList:
        abf.setSweep(sweep)
        waveform = np.full(abf.sweepPointCount, float(abf.holdingCommand[0]))
        for command in recording.commands:
            onsets = np.rint((command.times.seconds - sweep * abf.sweepIntervalSec) * recording.rate).astype(int)
            lengths = np.rint(command.durations * recording.rate).astype(int)
            for onset, length, level in zip(onsets, lengths, command.levels, strict=True):
                if 0 <= onset < len(waveform):
                    waveform[onset : onset + length] = level
        np.testing.assert_array_equal(waveform, abf.sweepC)


def test_abf_1_is_read(tmp_path):
    recording = recording_of(abf1(tmp_path / "one.abf"))
    assert recording.channels[0].values(0, 8) == pytest.approx([1, 2, 3, 4, 5, 6, 7, 8], abs=0.001)
    assert recording.sweep_lengths.tolist() == [4, 4]
    assert recording.sweep_starts.seconds == pytest.approx([0, 4 / 20000])
    assert recording.channels[0].unit == "mV"
    assert recording.channels[0].name == "ADC 0"
    assert recording.start is None  # the file has no date; that of the copy on this disk is not the recording's
    assert "before ABF 1.6" in recording.notes["commands left out"]


def test_abf_1_rates_are_not_cut_to_whole_numbers(tmp_path):
    path = patched(abf1(tmp_path / "one.abf"), f_122=33.3)
    assert recording_of(path).rate == pytest.approx(1e6 / 33.3, rel=1e-12)


def test_abf_1_sweeps_begin_where_the_table_says(tmp_path):
    path = abf1(tmp_path / "one.abf")
    table = len(path.read_bytes()) // 512
    path.write_bytes(path.read_bytes() + struct.pack("<4i", 0, 4, 400, 4).ljust(512, b"\0"))
    patched(path, i_92=table, i_96=2)
    assert recording_of(path).sweep_starts.seconds == pytest.approx([0, 0.02])


def test_abf_1_8_commands_steps_and_digital_trains(tmp_path):
    """Clampex 9: epoch A 10 ms at 40 mV; epoch B 30 ms at rest, with a train of 5 ms every 10 ms on digital output 3."""
    content = abf1(tmp_path / "one.abf", np.ones((2, 6400))).read_bytes()
    path = tmp_path / "nine.abf"
    path.write_bytes(content[:2048].ljust(8192, b"\0") + content[2048:])
    patched(path, f_4=1.8, i_40=16, h_2296=1, h_2300=1, f_1394=-70.0, h_1436=1, h_1440=0, h_2688=1)
    patched(path, h_2308=1, f_2348=40.0, i_2508=200, h_2310=1, f_2352=-70.0, i_2512=600, i_2140=200, i_2220=100, H_2670=8)
    recording = recording_of(path)
    step, train = recording.commands
    first = 6400 // 64 / 20000
    assert (step.epoch, train.output, train.epoch) == ("A", "digital 3", "B")
    assert step.times.seconds == pytest.approx([first, 0.32 + first])
    assert step.durations == pytest.approx([0.01, 0.01])
    assert step.levels.tolist() == [40.0, 40.0]
    assert train.times.seconds == pytest.approx([sweep + first + 0.01 + n * 0.01 for sweep in (0, 0.32) for n in range(3)])
    assert train.durations == pytest.approx(np.full(6, 0.005))
    assert recording.channels[0].values(0, 2) == pytest.approx([1, 1], abs=0.001)


def test_tags_keep_their_text_and_time(tmp_path):
    path = patched(abf1(tmp_path / "one.abf"), f_130=100.0)
    block = len(path.read_bytes()) // 512
    tags = [(2_948_600, b"-TGOT", 1), (1_739_801, b"+TGOT", 1), (3_000_000, b"", 2)]
    entries = b"".join(struct.pack("<i56sh2x", ticks, text.ljust(56), kind) for ticks, text, kind in tags)
    path.write_bytes(path.read_bytes() + entries.ljust(512, b"\0"))
    recording = recording_of(patched(path, i_44=block, i_48=3))
    assert recording.tags == ("+TGOT", "-TGOT", "external tag")
    assert recording.tag_times.seconds == pytest.approx([173.9801, 294.86, 300.0], abs=1e-9)


def test_find_takes_axon_files_only(tmp_path):
    path = abf1(tmp_path / "19125000.abf")
    (tmp_path / "text.abf").write_text("ATF\t1.0\n", encoding="utf-8")
    (tmp_path / "empty.abf").touch()
    assert [source.path for source in find(tmp_path)] == [path]


def test_wrong_files_are_refused_with_what_to_do(tmp_path, real):
    (tmp_path / "text.abf").write_text("ATF\t1.0\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"text.abf: an ATF text file, it begins with b'ATF\\t'"):
        recording_of(tmp_path / "text.abf")
    (tmp_path / "csv.abf").write_text("time,value\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"csv.abf: not an Axon binary file"):
        recording_of(tmp_path / "csv.abf")
    whole = abf1(tmp_path / "one.abf", np.ones((2, 4000))).read_bytes()
    (tmp_path / "cut.abf").write_bytes(whole[:8000])
    with pytest.raises(SourceError, match=r"cut.abf: 8000 bytes, and its header promises 18048; the file is truncated"):
        recording_of(tmp_path / "cut.abf")
    (tmp_path / "header.abf").write_bytes(whole[:300])
    with pytest.raises(SourceError, match=r"header.abf: its header cannot be read"):
        recording_of(tmp_path / "header.abf")
    content = real(REAL[1]).read_bytes()
    (tmp_path / "two.abf").write_bytes(content[: len(content) // 2])
    with pytest.raises(SourceError, match="truncated"):
        recording_of(tmp_path / "two.abf")


# --- epochs -----------------------------------------------------------------------------------------------------------


def epoch(number, kind=STEP, *, level=0.0, level_step=0.0, duration=640, duration_step=0, period=0, width=0):
    return Epoch(number, kind, level, level_step, duration, duration_step, period, width)


@given(
    n_sweeps=st.integers(1, 4),
    n_pulses=st.integers(0, 30),
    period=st.integers(2, 50),
    rest=st.integers(0, 49),
    step=st.integers(0, 3),
    data=st.data(),
)
def test_every_pulse_of_a_train_is_there_once(n_sweeps, n_pulses, period, rest, step, data):
    width = data.draw(st.integers(1, period - 1))
    epochs = (
        epoch(0),
        epoch(
            1, PULSE, level=5.0, duration=n_pulses * period + rest % period, duration_step=step * period, period=period, width=width
        ),
    )
    protocol = Protocol(n_samples=6400, rate=1000.0, sweep_starts=np.arange(n_sweeps) * 10.0)
    expected = [
        10.0 * sweep + (100 + 640 + pulse * period) / 1000 for sweep in range(n_sweeps) for pulse in range(n_pulses + sweep * step)
    ]
    commands = protocol.analog("Cmd 0", "V", epochs, 0.0)
    found = [time for command in commands for time in command.times.seconds]
    assert found == pytest.approx(expected)
    for command in commands:
        assert command.durations == pytest.approx(np.full(len(command.times), width / 1000))


def test_touching_epochs_of_one_level_are_one_pulse():
    protocol = Protocol(6400, 1000.0, np.zeros(1))
    (command,) = protocol.digital(2, (epoch(0), epoch(1), epoch(2)), lambda one, _: DigitalPattern(high=4 if one.number < 2 else 0))
    assert (command.output, command.epoch) == ("digital 2", "A+B")
    assert command.times.seconds.tolist() == [0.1]
    assert command.durations.tolist() == [1.28]


def test_what_is_not_pulses_is_said():
    epochs = (epoch(0, level=2.0), epoch(1, 2), epoch(2, PULSE, period=300), epoch(26, 5))
    assert list(remarks("Cmd 0", epochs, uses_train=lambda _: False)) == [
        "Cmd 0, epoch B: a ramp is not pulses",
        "Cmd 0, epoch C: its last period is not whole, and no pulse is listed there",
        "Cmd 0, epoch AA: a cosine train is not pulses",
    ]
