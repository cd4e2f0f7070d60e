from __future__ import annotations

import struct
import tracemalloc
from datetime import UTC, datetime

import numpy as np
import pytest

from bergmann.errors import SourceError
from bergmann.pulses import recorded_pulses
from bergmann.signals.tdt import TdtSource, find, read

TANK = "tdt_photometry/Photo_249_391-200721-120136_stubbed"
START = 1715940000.0
"""2024-05-17 10:00:00 UTC."""

ON, OFF, SCALAR, STREAM, SNIPPET, MARK = 0x101, 0x102, 0x201, 0x8101, 0x8201, 0x8801
RATE = 25e6 / 1024


def recording_of(path, **keys):
    return read(TdtSource(path=path, **keys), {})


def line_of(recording, name):
    return next(one for one in recording.lines if one.name == name)


# --- the real tank ----------------------------------------------------------------------------------------------------


def test_real_streams_of_one_rate(real):
    recording = recording_of(real(TANK), only="Dv1A, Dv2A, Dv3B, Dv4B, PrtR")
    assert recording.start == datetime(2020, 7, 21, 17, 2, 24, 999999, UTC)
    assert (recording.rate, recording.sweep_lengths.tolist()) == (25e6 / 24576, [1280])
    assert recording.parts == ("Dv1A", "Dv2A", "Dv3B", "Dv4B", "PrtR")
    assert recording.sweep_starts.first == pytest.approx(1e-6, abs=5e-7)
    assert [path.suffix for path in recording.files] == [".tsq", ".tev"]
    epocs = recording.lines[0]
    assert (len(epocs.times), epocs.durations, epocs.values[[0, -1]].tolist()) == (49, None, [1.0, 49.0])
    assert epocs.times.seconds[:2] == pytest.approx([72.029964, 134.019647], abs=1e-6)


def test_a_real_tank_whose_samples_were_cut_is_refused(real):
    expected = r"\.tev: 266360 bytes, .* Fi1r 1 are said to be up to byte 403536: 10 of 30 pieces are not there, from 1.67772 s"
    with pytest.raises(SourceError, match=expected):
        recording_of(real(TANK), only="Fi1r")
    kept = recording_of(real(TANK), only="Fi1r", cut="keep")
    assert (kept.parts, kept.sweep_lengths.tolist()) == (("Fi1r 1", "Fi1r 2"), [10240])
    assert kept.notes["not in the .tev file"] == "Fi1r 1: 10 pieces; Fi1r 2: 10 pieces"


@pytest.mark.filterwarnings("ignore")
def test_real_values_equal_those_that_tdt_reads(real):
    tdt = pytest.importorskip("tdt")
    theirs = tdt.read_block(str(real(TANK)), verbose=0)
    for store in ("Dv1A", "Dv2A", "Dv3B", "Dv4B", "Fi1d"):
        recording = recording_of(real(TANK), only=[store])
        found = np.atleast_2d(theirs.streams[store].data)
        for channel, values in zip(recording.channels, found, strict=True):
            assert channel.samples.dtype == values.dtype
            np.testing.assert_array_equal(channel.samples[0 : len(values)], values)
            np.testing.assert_array_equal(channel.samples[100:700], values[100:700])
        assert theirs.streams[store].fs == pytest.approx(recording.rate, rel=1e-7)
        assert theirs.streams[store].start_time == pytest.approx(recording.sweep_starts.first, abs=6e-6)
    recording = recording_of(real(TANK), only=["LNRW", "LNnR", "PrtR", "RNPS"])
    for line in recording.lines:
        np.testing.assert_allclose(line.times.seconds, theirs.epocs[line.name].onset, atol=3e-6)  # theirs are rounded to 5.12 us
        np.testing.assert_array_equal(line.values, theirs.epocs[line.name].data)
    assert theirs.info.start_date.replace(tzinfo=UTC) == recording.start


# --- made blocks ------------------------------------------------------------------------------------------------------


class Made:
    """A block made by hand, after the layout that TDT's reader states."""

    def __init__(self):
        self.records, self.samples = [], b""

    def record(self, kind, name, seconds, *, channel=0, sort=0, value=0.0, size=0, place=None, form=4, rate=0.0):
        where = struct.pack("<d", value) if place is None else struct.pack("<q", place)
        head = struct.pack("<iI4sHHd", 10 + size, kind, name.encode(), channel, sort, START + seconds)
        self.records.append(head + where + struct.pack("<if", form, rate))

    def piece(self, name, seconds, values, *, channel=1, form=0, rate=RATE, kind=STREAM, sort=0):
        content = np.asarray(values, {0: "<f4", 2: "<i2"}[form]).tobytes()
        self.record(
            kind, name, seconds, channel=channel, sort=sort, size=len(content) // 4, place=len(self.samples), form=form, rate=rate
        )
        self.samples += content

    def ends(self, name, seconds, of):
        channel, sort = struct.unpack("<HH", of.encode())
        self.record(OFF, name, seconds, channel=channel, sort=sort, value=1.0)

    def write(self, folder, *, last=10.0, is_closed=True):
        folder.mkdir(exist_ok=True)
        first = bytes(40) + struct.pack("<iI4sHHdqif", 10, MARK, b"\1\0\0\0", 0, 0, START, 0, 0, 0)
        end = struct.pack("<iI4sHHdqif", 10, MARK, b"\2\0\0\0", 0, 0, START + last, 0, 0, 0) if is_closed else b""
        (folder / "a.tsq").write_bytes(first + b"".join(self.records) + end)
        (folder / "a.tev").write_bytes(self.samples)
        return folder / "a.tsq"


def photometry():
    made = Made()
    made.piece("LFP1", 0.0, [1, 2, 3, 4])
    made.piece("LFP1", 0.0, [10, 20, 30, 40], channel=2)
    made.record(ON, "PC0/", 1.5, value=7.0)
    made.piece("LFP1", 4 / RATE, [5, 6, 7, 8])
    made.piece("LFP1", 4 / RATE, [50, 60, 70, 80], channel=2)
    made.piece("Raw1", 0.0, [-3, 4], form=2, rate=RATE / 2)
    return made


def test_pieces_are_joined_and_channels_told_apart(tmp_path):
    recording = recording_of(photometry().write(tmp_path / "block"), only=["LFP1", "PC0/"])
    assert (recording.start, recording.rate) == (datetime(2024, 5, 17, 10, tzinfo=UTC), 24414.0625)
    assert (recording.parts, recording.sweep_lengths.tolist()) == (("LFP1 1", "LFP1 2", "PC0/"), [8])
    assert recording.channel("LFP1 1").values(0, 8).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert recording.channel("LFP1 2").samples[3:6].tolist() == [40, 50, 60]
    assert recording.channel("LFP1 2").samples[5:5].tolist() == []
    (raw,) = recording_of(tmp_path / "block", only=["Raw1"]).channels
    assert (raw.samples.dtype, raw.samples[0:2].tolist(), raw.unit) == (np.int16, [-3, 4], "unknown")


def test_what_was_not_sampled_together_is_chosen(tmp_path):
    path = photometry().write(tmp_path / "block")
    with pytest.raises(SourceError, match=r"not sampled together: LFP1 1, LFP1 2 \(24414.1 Hz, .*; Raw1 \(12207 Hz, 2 samples"):
        recording_of(path)
    with pytest.raises(SourceError, match="no channel 'LPF1 2'; did you mean 'LFP1 2'"):
        recording_of(path, only=["LPF1 2"])


def test_missing_pieces_are_gaps(tmp_path):
    made = Made()
    for index in (0, 1, 3):
        made.piece("LFP1", index * 4 / RATE, [index] * 4)
    recording = recording_of(made.write(tmp_path / "block"))
    assert recording.sweep_starts.seconds == pytest.approx([0, 12 / RATE], abs=1e-6)
    assert recording.sweep_lengths.tolist() == [8, 4]
    made.piece("LFP1", 13 / RATE, [9] * 4)
    with pytest.raises(
        SourceError, match=r"a.tsq: piece 4 of LFP1 begins at 0.000532 s, 3 samples before the end of the one before it"
    ):
        recording_of(made.write(tmp_path / "block"))


def test_a_rate_that_the_times_deny_is_refused(tmp_path):
    made = Made()
    for index in range(40):
        made.piece("LFP1", index * 4.1 / RATE, [index] * 4)
    with pytest.raises(SourceError, match=r"the pieces of LFP1 are up to 3.9 samples from where 24414.0625 Hz puts them"):
        recording_of(made.write(tmp_path / "block"))


def test_epocs_with_their_ends(tmp_path):
    made = Made()
    for seconds, value in ((1.0, 5.0), (2.0, 6.0), (9.0, 7.0)):
        made.record(ON, "Puf/", seconds, value=value)
    for seconds in (0.5, 1.25, 2.5):
        made.ends("Puf\\", seconds, of="Puf/")
    made.record(ON, "Odd/", 3.0, value=1.0)
    for seconds in (4.0, 5.0, 6.0):
        made.ends("Odd\\", seconds, of="Odd/")
    recording = recording_of(made.write(tmp_path / "block"))
    assert recording.channels == ()
    puffs = line_of(recording, "Puf/")
    assert puffs.times.seconds == pytest.approx([0, 1, 2, 9], abs=1e-6)
    assert puffs.durations == pytest.approx([0.5, 0.25, 0.5, 1.0], abs=1e-6)
    assert (puffs.on_at_start, puffs.on_at_end, puffs.values[1:].tolist()) == (True, True, [5, 6, 7])
    assert np.isnan(puffs.values[0])
    assert [(len(line_of(recording, name).times), line_of(recording, name).durations) for name in ("Odd/", "Odd\\")] == [
        (1, None),
        (3, None),
    ]
    assert recorded_pulses(recording, "Puf/").on_at_end.tolist() == [False, False, False, True]


def test_beginnings_and_ends_of_one_name_are_paired(tmp_path):
    made = Made()
    made.record(ON, "Cue/", 1.0, value=5.0)
    made.ends("Cue/", 1.5, of="Cue/")
    recording = recording_of(made.write(tmp_path / "block"))
    assert recording.parts == ("Cue/",)
    assert recording.lines[0].durations == pytest.approx([0.5], abs=1e-6)


def test_scalars_and_snippets_are_events(tmp_path):
    made = Made()
    made.record(SCALAR, "Temp", 1.0, channel=1, value=36.5)
    made.record(SCALAR, "Temp", 2.0, channel=1, value=36.75)
    made.piece("eNe1", 1.5, [1] * 8, kind=SNIPPET, channel=3, sort=2)
    made.piece("eNe1", 1.25, [1] * 8, kind=SNIPPET, channel=3, sort=1)
    recording = recording_of(made.write(tmp_path / "block"))
    assert line_of(recording, "Temp").values.tolist() == [36.5, 36.75]
    assert line_of(recording, "eNe1").times.seconds == pytest.approx([1.25, 1.5], abs=1e-6)
    assert line_of(recording, "eNe1").values.tolist() == [1, 2]
    assert [one.name for one in recording.lines if one.has_kinds] == ["eNe1"]
    assert recording.notes["left out"] == "eNe1: waveforms"


def test_streams_in_files_of_their_own_are_named(tmp_path):
    made = photometry()
    made.piece("Wav1", 0.0, [1, 2], kind=STREAM | 0x10)
    path = made.write(tmp_path / "block")
    assert recording_of(path, only="Raw1").notes["left out"] == "Wav1: samples in .sev files"
    with pytest.raises(SourceError, match=r"the samples of Wav1 are in files of their own \(.sev\), which are not read"):
        recording_of(path, only="Wav1")


def test_a_cut_index_is_refused_wherever_it_was_cut(tmp_path):
    path = photometry().write(tmp_path / "block")
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(SourceError, match=r"a.tsq: (it does not begin|.* the index was cut|there is no mark of the end)"):
            recording_of(path, only="LFP1")
    path.write_bytes(content[:-40])
    recording = recording_of(path, only="LFP1", cut="keep")
    assert recording.channel("LFP1 1").samples[0:8].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert recording.notes["unfinished"].startswith("the block has no mark of its end")


def test_a_damaged_index_is_refused_in_words(tmp_path):
    path = photometry().write(tmp_path / "block")
    content = path.read_bytes()
    second = 2 * 40
    for at, value, message in (
        (16, struct.pack("<d", np.nan), "a.tsq: record 3 is at nan s since 1970; is the index damaged"),
        (32, struct.pack("<i", 77), r"a.tsq: LFP1: samples of the formats \[0, 77\]"),
        (36, struct.pack("<f", 5.0), r"a.tsq: LFP1: samples at \[5.0, 24414.0625\] Hz"),
        (0, struct.pack("<i", 3), "a.tsq: LFP1: a piece of -28 bytes"),
    ):
        path.write_bytes(content[: second + at] + value + content[second + at + len(value) :])
        with pytest.raises(SourceError, match=message):
            recording_of(path, only="LFP1")


def test_cut_samples_are_refused_wherever_they_were_cut(tmp_path):
    made = photometry()
    path = made.write(tmp_path / "block")
    for length in range(16 * 4):
        path.with_suffix(".tev").write_bytes(made.samples[:length])
        with pytest.raises(SourceError, match=rf"a.tev: {length} bytes, and samples of LFP1 [12] are said to be up to byte"):
            recording_of(path, only="LFP1")
    assert recording_of(path, only="LFP1 1", cut="keep").sweep_lengths.tolist() == [8]
    path.with_suffix(".tev").unlink()
    with pytest.raises(SourceError, match=r"a.tsq: a.tev, which has the samples of its streams, is not beside it"):
        recording_of(path, only="LFP1")


def test_a_block_cut_between_reading_and_writing_is_refused(tmp_path):
    path = photometry().write(tmp_path / "block")
    channel = recording_of(path, only="LFP1").channels[0]
    path.with_suffix(".tev").write_bytes(b"\0" * 20)
    with pytest.raises(SourceError, match=r"a.tev: it ends before its samples do"):
        channel.samples[0:8]


def test_folders_and_wrong_files(tmp_path):
    path = photometry().write(tmp_path / "block")
    (tmp_path / "other.tsq").write_bytes(b"no index")
    assert [source.path for source in find(tmp_path)] == [path]
    with pytest.raises(SourceError, match=r"other.tsq: it does not begin as the index of a TDT block does"):
        recording_of(tmp_path / "other.tsq")
    photometry().write(tmp_path / "block").rename(tmp_path / "block" / "b.tsq")
    photometry().write(tmp_path / "block")
    with pytest.raises(SourceError, match=r"block: a folder with 2 indices \(.tsq: a.tsq, b.tsq\)"):
        recording_of(tmp_path / "block")


def test_memory_does_not_grow_with_the_recording(tmp_path):
    made = Made()
    for index in range(2000):
        made.piece("LFP1", index * 1000 / RATE, np.full(1000, index))
    channel = recording_of(made.write(tmp_path / "block", last=100.0)).channels[0]
    tracemalloc.start()
    try:
        total = sum(float(channel.samples[start : start + 50000].sum(dtype=np.float64)) for start in range(0, 2_000_000, 50000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == sum(range(2000)) * 1000
    assert peak < 1_500_000
