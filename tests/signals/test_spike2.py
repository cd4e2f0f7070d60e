from __future__ import annotations

import struct
import tracemalloc
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from bergmann.errors import SourceError
from bergmann.pulses import recorded_pulses
from bergmann.signals.spike2 import Spike2Source, find, read

ADC, FALLING, RISING, LEVEL, MARKER, ADC_MARK, REAL_MARK, TEXT_MARK, REAL_WAVE = range(1, 10)


@dataclass
class Made:
    """One channel: its blocks, each the tick of its first value and its values as bytes, with how many they are."""

    title: str
    kind: int
    blocks: list[tuple[int, bytes, int]] = field(default_factory=list)
    interval: int = 0
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    n_extra: int = 0
    starts_low: bool = True


def sampled(title, kind, *stretches, interval=100, **said):
    """A channel of samples; a stretch is the tick of its first sample and the samples."""
    dtype = "<i2" if kind == ADC else "<f4"
    blocks = [(start, np.asarray(values, dtype).tobytes(), len(values)) for start, values in stretches]
    return Made(title, kind, blocks, interval=interval, **said)


def events(title, kind, *ticks, **said):
    return Made(title, kind, [(ticks[0], np.array(ticks, "<i4").tobytes(), len(ticks))], **said)


def marks(title, kind, *found, n_extra=0):
    """Markers: the tick, the first code, and what stands behind them."""
    content = b"".join(struct.pack("<i4B", tick, code, 0, 0, 0) + extra.ljust(n_extra, b"\0") for tick, code, extra in found)
    return Made(title, kind, [(found[0][0], content, len(found))], n_extra=n_extra)


def pascal(text, size):
    return (bytes([len(text)]) + text.encode("latin-1")).ljust(size, b"\0")


def write(path: Path, *channels: Made, micros=10, last_tick=2000, version=6, date=(25, 57, 30, 10, 17, 5, 2024), comment=""):
    """A file of the given channels, switched off ones between them as None."""
    n_bytes, unit = 512 + 140 * len(channels), 512 if version >= 9 else 1
    placed, at = [], -(-n_bytes // unit) * unit
    for number, one in enumerate(channels, start=1):
        places = []
        for _, content, _ in one.blocks if one else ():
            places.append(at)
            at += -(-(20 + len(content)) // unit) * unit
        placed.append((number, one, places))
    header = (
        struct.pack("<h", version)
        + b"(C) CED 87"
        + b"BERGMANN"
        + struct.pack("<hhhihhhhhi", micros, 4, 0, n_bytes, len(channels), 0, 0, 0, 0, last_tick)
    )
    header += struct.pack("<d", 1e-6) + struct.pack("<6BH", *date) + bytes(52) + pascal(comment, 80) + bytes(320)
    content = header
    for _, one, places in placed:
        content += _channel_header(one, [place // unit for place in places])
    for number, one, places in placed:
        for index, (start, values, count) in enumerate(one.blocks if one else ()):
            before = places[index - 1] // unit if index else -1
            after = places[index + 1] // unit if index + 1 < len(places) else -1
            content = (
                content.ljust(places[index], b"\0") + struct.pack("<iiiiHH", before, after, start, start, number, count) + values
            )
    path.write_bytes(content)
    return path


def _channel_header(one, places):
    if one is None:
        return bytes(140)
    first, last = (places[0], places[-1]) if places else (-1, -1)
    header = struct.pack("<hiiiHhhhhh", 0, -1, first, last, len(places), one.n_extra, 5, 0, 0, 0) + pascal("", 72)
    header += struct.pack("<iih", 0, one.interval, 0) + pascal(one.title, 10) + struct.pack("<fBb", 0, one.kind, 0)
    if one.kind == LEVEL:
        return header + bytes([one.starts_low, 0]) + bytes(14)
    return header + struct.pack("<ff", one.scale, one.offset) + pascal(one.unit, 6) + struct.pack("<h", 1)


def recording_of(path, **keys):
    return read(Spike2Source(path=path, **keys), {})


def line_of(recording, name):
    return next(one for one in recording.lines if one.name == name)


# --- real files -------------------------------------------------------------------------------------------------------


def test_a_real_recording(real):
    recording = recording_of(real("spike2_smr/File_spike2_1.smr"))
    assert (recording.start, recording.parts[:2]) == (None, ("Respi", "Stim"))
    assert recording.rate == pytest.approx(1e6 / 4980, rel=1e-12)
    assert (recording.sweep_starts.seconds.tolist(), recording.sweep_lengths.tolist()) == ([pytest.approx(220.00149)], [45688])
    stimulus = line_of(recording, "Stim")
    assert stimulus.times.seconds == pytest.approx([271.715865, 333.348075, 391.66506], abs=1e-9)
    assert stimulus.durations == pytest.approx([9.960291, 9.961479, 9.96567], abs=1e-9)
    assert line_of(recording, "Keyboard").values == tuple("cymmakani")
    assert [len(one.times) for one in recording.lines] == [3, 5444, 247, 246, 3, 9]
    assert recording.notes["left out"] == "untitled: waveforms"


def test_a_real_recording_of_spikes_alone(real):
    recording = recording_of(real("spike2_smr/File_spike2_2.smr"))
    assert recording.start == datetime(2003, 10, 7, 10, 15, 33, 590000)
    assert (recording.channels, recording.tags, recording.tag_times.seconds.tolist()) == ((), ("Drug added",), [0.0])
    (spikes,) = recording.lines
    assert (spikes.name, len(spikes.times), spikes.times.last) == ("Spikes", 646, pytest.approx(119.94688))
    assert "Sample rate of 12.5kHz" in recording.notes["file comment"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ["File_spike2_1", "File_spike2_2"])
def test_real_values_equal_those_that_neo_reads(real, name):
    rawio = pytest.importorskip("neo.rawio.spike2rawio")
    path = real(f"spike2_smr/{name}.smr")
    theirs = rawio.Spike2RawIO(filename=str(path), ced_units=False)
    theirs.parse_header()
    recording = recording_of(path)
    for index, (said, channel) in enumerate(zip(theirs.header["signal_channels"], recording.channels, strict=True)):
        counts = theirs.get_analogsignal_chunk(0, 0, stream_index=index)[:, 0]
        np.testing.assert_array_equal(channel.samples[0 : len(counts)], counts)
        np.testing.assert_array_equal(channel.samples[300:1300], counts[300:1300])
        assert (channel.conversion, channel.unit) == (pytest.approx(said["gain"]), said["units"])
        assert theirs.get_signal_t_start(0, 0, index) == pytest.approx(recording.sweep_starts.first)
    lines = {one.name.partition(" (")[0] for one in recording.lines}
    assert lines | ({"Drug mark"} if recording.tags else set()) == {
        *theirs.header["event_channels"]["name"],
        *theirs.header["spike_channels"]["name"],
    }
    found = sorted(len(one.times) * (1 if one.durations is None else 2) for one in recording.lines)
    counted = [theirs.event_count(0, 0, n) for n in range(len(theirs.header["event_channels"]))]
    counted += [theirs.spike_count(0, 0, n) for n in range(len(theirs.header["spike_channels"]))]
    assert sorted([*found, *([len(recording.tags)] if recording.tags else [])]) == sorted(counted)
    spikes = theirs.get_spike_timestamps(0, 0, 0) * theirs._time_factor
    own = next(one for one in recording.lines if one.description.startswith("marked"))
    np.testing.assert_allclose(own.times.seconds, spikes, atol=1e-9)


# --- made files -------------------------------------------------------------------------------------------------------


def test_samples_scales_and_pauses(tmp_path):
    first = [(100, [1, -2, 3]), (400, [4, 5]), (1000, [6])]
    path = write(
        tmp_path / "a.smr",
        sampled("Laser", ADC, *first, scale=2.0, offset=0.5, unit="mW"),
        None,
        sampled("Resp", REAL_WAVE, (100, [0.5, 1.5, 2.5]), (400, [3.5, 4.5]), (1000, [5.5]), unit="V"),
        comment="mouse 7",
    )
    recording = recording_of(path)
    assert (recording.rate, recording.start) == (1000, datetime(2024, 5, 17, 10, 30, 57, 250000))
    assert recording.sweep_starts.seconds.tolist() == pytest.approx([0.001, 0.01], abs=1e-12)
    assert recording.sweep_lengths.tolist() == [5, 1]
    laser, breath = recording.channels
    assert (laser.name, laser.unit, laser.samples.dtype, laser.samples.shape) == ("Laser", "mW", np.int16, (6,))
    assert laser.samples[0:6].tolist() == [1, -2, 3, 4, 5, 6]
    assert laser.samples[2:4].tolist() == [3, 4]
    assert laser.values(1, 2).tolist() == [-2 * 2 / 6553.6 + 0.5]
    assert breath.values(0, 6).tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert recording.notes["file comment"] == "mouse 7"


def test_old_versions_count_in_microseconds(tmp_path):
    path = write(tmp_path / "a.smr", sampled("Laser", ADC, (0, [1, 2]), interval=999), version=4)
    assert recording_of(path).rate == 1e6 / (10 * 4 * 1)  # 10 us a tick, 4 ticks a conversion, every conversion


def test_large_files_count_places_in_blocks(tmp_path):
    path = write(tmp_path / "a.smr", sampled("Laser", ADC, (0, [1, 2]), (200, [3])), events("Frame", RISING, 5, 15), version=9)
    recording = recording_of(path)
    assert recording.channels[0].samples[0:3].tolist() == [1, 2, 3]
    assert recording.lines[0].times.seconds == pytest.approx([0.00005, 0.00015])
    assert recording.sweep_lengths.tolist() == [3]


def test_channels_of_several_rates_are_chosen(tmp_path):
    path = write(
        tmp_path / "a.smr",
        sampled("Laser", ADC, (0, [1, 2, 3])),
        sampled("Temp", ADC, (0, [7]), interval=300),
        events("Frame", RISING, 5, 15),
        events("Lick", FALLING, 7),
    )
    with pytest.raises(SourceError, match=r"not sampled together: Laser \(1000 Hz, 3 .*; Temp \(333.333 Hz, 1 .*`only: \[Laser\]`"):
        recording_of(path)
    assert recording_of(path, only="Temp").parts == ("Temp",)
    assert recording_of(path, only=["Frame", "Laser"]).parts == ("Laser", "Frame")
    alone = recording_of(path, only=["Frame"])
    assert (alone.channels, alone.parts, alone.rate, alone.span) == ((), ("Frame",), 100000, (0, pytest.approx(0.02)))
    with pytest.raises(SourceError, match=r"a.smr: no channel 'Lasr'; did you mean 'Laser'\? It has: Laser, Temp, Frame, Lick"):
        recording_of(path, only=["Lasr"])


def test_events_levels_and_markers(tmp_path):
    path = write(
        tmp_path / "a.smr",
        events("Frame", RISING, 100, 200, 300),
        events("Gate", LEVEL, 50, 150, 1900),
        events("Shut", LEVEL, 500, 600, starts_low=False),
        marks("Keys", MARKER, (10, ord("a"), b""), (20, 7, b"")),
        marks("Units", ADC_MARK, (30, 2, b""), (40, 0, b""), n_extra=8),
        marks("Notes", TEXT_MARK, (90, 1, b"capsaicin"), (80, 5, b""), n_extra=12),
        last_tick=2000,
    )
    recording = recording_of(path)
    frame, gate, shut = recording.lines[:3]
    assert (frame.times.seconds.tolist(), frame.durations, frame.resolution) == (pytest.approx([0.001, 0.002, 0.003]), None, 1e-5)
    assert (gate.times.seconds, gate.durations) == (pytest.approx([0.0005, 0.019]), pytest.approx([0.001, 0.001]))
    assert (gate.on_at_start, gate.on_at_end) == (False, True)
    assert (shut.times.seconds, shut.durations) == (pytest.approx([0, 0.006]), pytest.approx([0.005, 0.014]))
    assert (shut.on_at_start, shut.on_at_end) == (True, True)
    assert [line_of(recording, name).values for name in ("Keys", "Units")] == [("a", "07"), ("02", "00")]
    assert [one.name for one in recording.lines if one.has_kinds] == ["Keys", "Units"]
    assert (recording.tags, recording.tag_times.seconds.tolist()) == (("mark 05", "capsaicin"), pytest.approx([0.0008, 0.0009]))
    assert recorded_pulses(recording, "Frame").times.seconds.tolist() == frame.times.seconds.tolist()


def test_events_outside_of_what_was_sampled_are_read(tmp_path):
    path = write(tmp_path / "a.smr", sampled("Laser", ADC, (500, [1, 2])), events("Frame", RISING, 100, 550, 1500))
    assert line_of(recording_of(path), "Frame").times.seconds == pytest.approx([0.001, 0.0055, 0.015])


def test_channels_that_pause_differently_are_read_apart(tmp_path):
    path = write(
        tmp_path / "a.smr", sampled("A", ADC, (0, [1, 2]), (500, [3])), sampled("B", ADC, (0, [4]), (300, [5]), (900, [6]))
    )
    assert recording_of(path, only="A").sweep_starts.seconds == pytest.approx([0, 0.005])
    assert recording_of(path, only="B").sweep_starts.seconds == pytest.approx([0, 0.003, 0.009])


def test_more_blocks_than_a_signed_number_counts(tmp_path):
    blocks = [(100 * number, [number % 1000]) for number in range(40000)]
    channel = recording_of(write(tmp_path / "a.smr", sampled("Laser", ADC, *blocks))).channels[0]
    assert channel.samples.shape == (40000,)
    assert channel.samples[39998:40000].tolist() == [998, 999]


def test_a_cut_file_is_refused_wherever_it_was_cut(tmp_path):
    whole = write(tmp_path / "whole.smr", sampled("Laser", ADC, (0, [1, 2, 3]), (300, [4])), events("Frame", RISING, 100, 200))
    content = whole.read_bytes()
    for length in range(0, len(content), 3):
        (tmp_path / "cut.smr").write_bytes(content[:length])
        with pytest.raises(SourceError, match=r"cut.smr: .*(the file was cut, copy it again|not a 32-bit file)"):
            recording_of(tmp_path / "cut.smr")


def test_damaged_files_are_refused_in_words(tmp_path):
    path = write(tmp_path / "a.smr", sampled("Laser", ADC, (0, [1, 2, 3]), (300, [4])), events("Frame", RISING, 200, 100))
    content = path.read_bytes()
    with pytest.raises(SourceError, match=r"a.smr: Frame: times run backwards.* is the file damaged"):
        recording_of(path)
    first_block = 512 + 2 * 140
    for at, value, message in (
        (first_block + 16, struct.pack("<H", 9), "byte 792 should begin block 1 of channel 1, and does not"),
        (first_block + 4, struct.pack("<i", -1), "channel 1 has 1 blocks, and its header counts 2"),
        (first_block + 4, struct.pack("<i", first_block), "byte 792 should begin block .* of channel 1, and does not"),
        (first_block + 26 + 8, struct.pack("<i", 100), "block 2 of Laser begins before the one before it ends"),
        (512 + 122, b"\x2a", "channel 1 is of kind 42"),
        (512 + 102, struct.pack("<i", 0), "Laser has 0 ticks from sample to sample"),
        (20, struct.pack("<h", 0), "its header says 0 x 1e-06 s a tick"),
    ):
        path.write_bytes(content[:at] + value + content[at + len(value) :])
        with pytest.raises(SourceError, match=message):
            recording_of(path)


def test_files_of_64_bits_and_others_are_refused(tmp_path):
    (tmp_path / "new.smrx").write_bytes(b"S64\0" + bytes(600))
    with pytest.raises(SourceError, match=r"new.smrx: not a 32-bit file of Spike2.* save a recording of 64 bits \(.smrx\) as .smr"):
        recording_of(tmp_path / "new.smrx")


def test_files_are_found_by_their_beginning(tmp_path):
    (tmp_path / "b.smr").write_bytes(b"not one of Spike2")
    (tmp_path / "s2rx").mkdir()
    write(tmp_path / "s2rx" / "a.SMR", sampled("Laser", ADC, (0, [1])))
    assert [source.path.name for source in find(tmp_path)] == ["a.SMR"]


def test_memory_does_not_grow_with_the_recording(tmp_path):
    blocks = [(100 * 10000 * number, np.full(10000, number, "<i2")) for number in range(400)]
    channel = recording_of(write(tmp_path / "a.smr", sampled("Laser", ADC, *blocks))).channels[0]
    tracemalloc.start()
    try:
        total = sum(int(channel.samples[start : start + 50000].sum(dtype=np.int64)) for start in range(0, 4_000_000, 50000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == sum(range(400)) * 10000
    assert peak < 1_000_000
