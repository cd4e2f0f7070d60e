from __future__ import annotations

import struct
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bergmann.errors import MissingExtraError, SourceError
from bergmann.signals.tdms import Scaled, TdmsSource, find, read

nptdms = pytest.importorskip("nptdms")

REAL = ["Digital_Input", "big_endian", "raw1", "raw_timestamps"]
START = datetime(2024, 5, 17, 8, 30, 57, 250000)
BIG, INTERLEAVED, NEW, DATA, META = 64, 32, 4, 8, 2
U32, DOUBLE, STRING = 7, 10, 32


def recording_of(path, **keys):
    return read(TdmsSource(path=path, **keys), {})


def write(path, *segments, mode="w"):
    """A file as npTDMS writes it; a segment holds (group, channel, values, properties)."""
    with nptdms.TdmsWriter(path, mode=mode) as writer:
        for segment in segments:
            writer.write_segment([nptdms.ChannelObject(*one) for one in segment])
    return path


def waveform(rate=1000.0, start=START, **more):
    return {"wf_increment": 1 / rate, "wf_start_offset": 0.0, **({"wf_start_time": start} if start else {}), **more}


def text(value, order="<"):
    return struct.pack(f"{order}I", len(value)) + value.encode()


def segment(objects, data, *, toc=0, data_size=None, order="<"):
    """A segment by hand, after NI's description; an object is (path, its index of raw data, {name: (type, bytes)})."""
    meta = struct.pack(f"{order}I", len(objects))
    for path, index, properties in objects:
        meta += text(path, order) + index + struct.pack(f"{order}I", len(properties))
        for name, (kind, value) in properties.items():
            meta += text(name, order) + struct.pack(f"{order}I", kind) + value
    toc |= META | NEW | (DATA if data else 0)
    size = len(meta) + len(data) if data_size is None else data_size
    return b"TDSm" + struct.pack("<I", toc) + struct.pack(f"{order}IQQ", 4713, size, len(meta)) + meta + data


def index_of(kind, count, order="<"):
    return struct.pack(f"{order}IIIQ", 20, kind, 1, count)


def increment(order="<"):
    return {"wf_increment": (DOUBLE, struct.pack(f"{order}d", 0.001))}


@pytest.mark.parametrize("name", REAL)
def test_real_values_equal_those_that_nptdms_reads(real, name):
    path = real(f"ni_tdms/{name}.tdms")
    recording = recording_of(path)
    with nptdms.TdmsFile.open(path) as file:
        theirs = {one.name: one for group in reversed(file.groups()) for one in group.channels()}
        for channel in recording.channels:
            values = theirs[channel.name][:]
            np.testing.assert_array_equal(channel.values(0, len(values)), values)
            np.testing.assert_array_equal(channel.values(3, 11), values[3:11])


def test_real_headers(real):
    digital, big, raw, single = (recording_of(real(f"ni_tdms/{name}.tdms")) for name in REAL)
    assert (digital.rate, digital.start) == (2000, datetime(2012, 7, 9, 23, 58, 24, 593733, UTC))  # 18:58 in its Title, UTC-5
    assert [(one.name, one.kind) for one in digital.channels] == [("Dev1_port3_line7 - line 0", "digital")]
    assert digital.notes["left out"].count("a copy for viewing") == 2
    assert (big.rate, big.start, big.parts) == (1000, None, ("Amplitude sweep", "Phase sweep"))
    assert (raw.rate, len(raw.channels), raw.channels[6].unit) == (50000, 7, "Volts")
    assert raw.start == datetime(2016, 12, 15, 22, 35, 21, tzinfo=UTC)
    assert (single.rate, single.span) == (1000, (0, 0.127))


def test_daqmx_counts_are_those_in_the_file(real):
    path = real("ni_tdms/raw1.tdms")
    counts = np.frombuffer(path.read_bytes()[4737:32737], "<i2").reshape(2000, 7)
    for channel, expected in zip(recording_of(path).channels, counts.T, strict=True):
        assert channel.samples.dtype == np.int16
        assert channel.samples[0:2000].tolist() == expected.tolist()
        assert channel.conversion == 0.0003051850947599719


def test_a_copy_for_viewing_is_read_when_it_is_asked_for(real):
    path = real("ni_tdms/Digital_Input.tdms")
    recording = recording_of(path, group="07/09/2012 06:58:23 PM - Digital Input - Decimated Data_Level1")
    assert (recording.rate, int(recording.sweep_lengths[0])) == (40, 400)


def test_linear_scales_stay_stored_and_others_are_computed(tmp_path):
    counts = np.array([-2, 0, 3], dtype=np.int16)
    linear = {"NI_Scale[0]_Scale_Type": "Linear", "NI_Scale[0]_Linear_Slope": 0.5, "NI_Scale[0]_Linear_Y_Intercept": 1.0}
    second = {
        "NI_Scale[1]_Scale_Type": "Polynomial",
        "NI_Scale[1]_Polynomial_Coefficients_Size": 3,
        "NI_Scale[1]_Polynomial_Coefficients[0]": 2.0,
        "NI_Scale[1]_Polynomial_Coefficients[1]": 4.0,
        "NI_Scale[1]_Polynomial_Coefficients[2]": 0.0,
        "NI_Scale[1]_Polynomial_Input_Source": 0,
    }
    bent = second | {"NI_Scale[1]_Polynomial_Coefficients[2]": 10.0}
    table = {"NI_Scale[0]_Scale_Type": "Reciprocal", "NI_Number_Of_Scales": 1}
    properties = {
        "plain": {"unit_string": "mV"},
        "line": {"NI_Number_Of_Scales": 1, **linear},
        "two": {"NI_Number_Of_Scales": 2, **linear, **second},
        "bent": {"NI_Number_Of_Scales": 2, **linear, **bent},
        "done": {"NI_Number_Of_Scales": 1, **linear, "NI_Scaling_Status": "scaled"},
    }
    path = write(tmp_path / "a.tdms", [("g", name, counts, waveform() | more) for name, more in properties.items()])
    plain, line, two, curved, done = recording_of(path).channels
    assert (plain.unit, line.unit, plain.conversion) == ("mV", "unknown", 1)
    assert line.values(0, 3).tolist() == [0, 1, 2.5]
    assert (two.samples.dtype, two.conversion, two.offset) == (np.int16, 2.0, 6.0)
    assert two.values(0, 3).tolist() == [2 + 4 * y for y in (0, 1, 2.5)]
    assert isinstance(curved.samples, Scaled)
    assert curved.values(0, 3).tolist() == [2 + 4 * y + 10 * y**2 for y in (0, 1, 2.5)]
    assert done.values(0, 3).tolist() == [-2, 0, 3]
    with pytest.raises(SourceError, match=r"b.tdms: x has a scale that cannot be computed \(Reciprocal\)"):
        recording_of(write(tmp_path / "b.tdms", [("g", "x", counts, waveform() | table)]))


def test_groups_of_one_rate_are_one_recording(tmp_path):
    path = write(
        tmp_path / "a.tdms", [("AI", "0", np.arange(3.0), waveform()), ("DI", "0", np.array([True, False, True]), waveform())]
    )
    recording = recording_of(path)
    assert recording.parts == ("AI/0", "DI/0")
    assert recording.start == START.replace(tzinfo=UTC)
    line = recording.channel("DI/0")
    assert (line.kind, line.unit, line.samples[0:3].tolist()) == ("digital", "n.a.", [1, 0, 1])
    assert recording_of(path, group="DI").parts == ("0",)


def test_what_was_not_sampled_together_is_chosen(tmp_path):
    slow = [("slow", name, np.arange(4.0), waveform(10)) for name in ("Temp", "Resp")]
    path = write(tmp_path / "a.tdms", [*slow, ("fast", "Clock", np.arange(9.0), waveform(1000))])
    expected = (
        r"not sampled together: slow/Temp, slow/Resp \(10 Hz, 4 samples from 0 s\); fast/Clock \(1000 Hz, 9 samples from 0 s\)\. "
        r".* state `only: \[slow/Temp, slow/Resp\]`"
    )
    with pytest.raises(SourceError, match=expected):
        recording_of(path)
    assert recording_of(path, group="slow").rate == 10
    assert recording_of(path, only="fast/Clock").rate == 1000
    assert recording_of(path, only=["slow/Resp"]).parts == ("slow/Resp",)
    with pytest.raises(SourceError, match=r"no channel 'fast/Clok'; did you mean 'fast/Clock'\? It has: slow/Temp"):
        recording_of(path, only=["fast/Clok"])
    with pytest.raises(SourceError, match=r"no group 'Slow'; did you mean 'slow'\?"):
        recording_of(path, group="Slow")


def test_a_file_that_was_written_to_again_keeps_its_gap(tmp_path):
    path = write(tmp_path / "a.tdms", [("g", "x", np.arange(3.0), waveform())], [("g", "x", np.arange(3.0, 5.0), {})])
    write(path, [("g", "x", np.arange(5.0, 9.0), waveform(start=START + timedelta(seconds=2)))], mode="a")
    recording = recording_of(path)
    assert recording.sweep_lengths.tolist() == [5, 4]
    assert recording.sweep_starts.seconds.tolist() == [0, 2]
    assert recording.channels[0].values(2, 8).tolist() == [2, 3, 4, 5, 6, 7]
    assert recording.start == START.replace(tzinfo=UTC)  # npTDMS alone gives that of the last stretch


def test_a_file_that_goes_on_without_a_gap_is_one_sweep(tmp_path):
    path = write(
        tmp_path / "a.tdms",
        [("g", "x", np.arange(500.0), waveform())],
        [("g", "x", np.arange(500.0), waveform(start=START + timedelta(seconds=0.5)))],
    )
    recording = recording_of(path)
    assert (recording.sweep_lengths.tolist(), recording.is_continuous) == ([1000], True)


def test_stretches_that_overlap_are_refused(tmp_path):
    path = write(
        tmp_path / "a.tdms",
        [("g", "x", np.arange(500.0), waveform())],
        [("g", "x", np.arange(500.0), waveform(start=START + timedelta(seconds=0.4)))],
    )
    with pytest.raises(SourceError, match=r"x was written to again from sample 500 on, with a start 0.1 s before the end"):
        recording_of(path)


def test_a_rate_that_the_file_does_not_say_is_stated(tmp_path):
    path = write(tmp_path / "a.tdms", [("g", "x", np.arange(5.0), {})])
    with pytest.raises(SourceError, match=r"a.tdms: it does not say the rate of x; state `rate: 1 kHz`"):
        recording_of(path)
    assert recording_of(path, rate="2 kHz").rate == 2000
    with pytest.raises(SourceError, match=r"`rate` is 2000 Hz, and x says 1000 Hz"):
        recording_of(write(tmp_path / "b.tdms", [("g", "x", np.arange(5.0), waveform())]), rate="2 kHz")


def test_what_is_no_signal_is_left_out_and_named(tmp_path):
    spectrum = waveform(wf_xunit_string="Hz")
    path = write(
        tmp_path / "a.tdms",
        [("g", "x", np.arange(5.0), waveform()), ("g", "notes", ["start", "stop"], {}), ("g", "psd", np.arange(5.0), spectrum)],
    )
    recording = recording_of(path)
    assert recording.parts == ("x",)
    assert recording.notes["left out"] == "g/notes: values that are no numbers; g/psd: over Hz and not over time"


@pytest.mark.parametrize("order", ["<", ">"])
def test_interleaved_values_of_either_order_of_bytes(tmp_path, order):
    values = (np.arange(70000, 70012).reshape(6, 2)).astype(f"{order}u4")
    objects = [(f"/'g'/'{name}'", index_of(U32, 3, order), increment(order)) for name in "ab"]
    toc = INTERLEAVED | (BIG if order == ">" else 0)
    path = tmp_path / "a.tdms"
    path.write_bytes(segment(objects, values.tobytes(), toc=toc, order=order))
    for channel, expected in zip(recording_of(path).channels, values.T, strict=True):
        assert channel.samples.dtype == np.dtype("u4")
        assert channel.samples[1:5].tolist() == expected[1:5].tolist()


def test_chunks_of_channels_behind_each_other(tmp_path):
    objects = [(f"/'g'/'{name}'", index_of(U32, count), increment()) for name, count in (("a", 3), ("b", 3))]
    chunks = np.arange(24, dtype="<u4").reshape(4, 2, 3)
    path = tmp_path / "a.tdms"
    path.write_bytes(segment(objects, chunks.tobytes()) * 2)
    a, b = recording_of(path).channels
    assert b.samples[0:24].tolist() == chunks[:, 1].ravel().tolist() * 2
    for start in range(24):
        for stop in range(start, 25):
            assert a.samples[start:stop].tolist() == (chunks[:, 0].ravel().tolist() * 2)[start:stop]


def test_digital_lines_of_daqmx_are_bits(tmp_path):
    def line(bit):
        scaler = struct.pack("<IIIBI", 0, 0, bit, 0, 0)
        return struct.pack("<IIIQI", 0x126A, 0xFFFFFFFF, 1, 4, 1) + scaler + struct.pack("<II", 1, 2)

    objects = [(f"/'g'/'line{bit}'", line(bit), increment()) for bit in (1, 11)]
    words = np.array([0, 2, 2, 0, 8, 10, 8, 0], dtype="u1").reshape(4, 2)  # bit 1 in the first byte of a sample, 11 in the second
    path = tmp_path / "a.tdms"
    path.write_bytes(segment(objects, words.tobytes(), toc=128))
    one, eleven = recording_of(path).channels
    assert (one.kind, eleven.kind) == ("digital", "digital")
    assert one.samples[0:4].tolist() == [int(word & 2 > 0) for word in words[:, 0]]
    assert eleven.samples[0:4].tolist() == [int(word & 8 > 0) for word in words[:, 1]]
    with nptdms.TdmsFile.open(path) as file:
        for channel in recording_of(path).channels:
            assert file["g"][channel.name].read_data(scaled=False)[0].tolist() == channel.samples[0:4].tolist()


def test_a_part_of_a_file_that_was_written_at_once_needs_no_more_memory_than_itself(tmp_path):
    path = write(tmp_path / "a.tdms", [("g", "x", np.arange(2e6), waveform()), ("g", "y", np.arange(2e6), waveform())])
    channel = recording_of(path).channels[1]
    tracemalloc.start()
    values = channel.samples[1_000_000:1_001_000]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert values.tolist() == list(range(1_000_000, 1_001_000))
    assert peak < 200_000


def test_a_recording_whose_program_ended_early_is_read_and_says_so(tmp_path):
    objects = [("/'g'/'x'", index_of(U32, 4), increment())]
    path = tmp_path / "a.tdms"
    path.write_bytes(segment(objects, np.arange(6, dtype="<u4").tobytes(), data_size=2**64 - 1))
    recording = recording_of(path)
    assert recording.channels[0].samples[0:6].tolist() == [0, 1, 2, 3, 4, 5]
    assert recording.notes["unfinished"].startswith("the program that wrote the file ended before it closed it")


def test_an_index_beside_the_file_is_not_followed(tmp_path):
    path = write(tmp_path / "a.tdms", [("g", "x", np.arange(5.0), waveform())])
    (tmp_path / "a.tdms_index").write_bytes(b"of another file")
    assert int(recording_of(path).sweep_lengths[0]) == 5


def test_find_goes_by_content(tmp_path):
    path = write(tmp_path / "a.TDMS", [("g", "x", np.arange(5.0), waveform())])
    (tmp_path / "b.tdms").write_text("time,volts\n", encoding="utf-8")
    (tmp_path / "c.tdms").touch()
    assert [source.path for source in find(tmp_path)] == [path]


def test_wrong_files_are_refused_with_what_to_do(tmp_path):
    whole = write(tmp_path / "a.tdms", [("g", "x", np.arange(500.0), waveform())]).read_bytes()
    for name, content, message in (
        ("cut.tdms", whole[:-8], r"cut.tdms: \d+ bytes, and its last segment ends at \d+; the file was cut, copy it again"),
        ("more.tdms", whole + b"12345", r"more.tdms: 5 bytes at its end are no segment; the file was cut"),
        ("head.tdms", whole[:60], r"head.tdms: 60 bytes, and its first segment is not whole; was the file cut\?"),
        ("tag.tdms", whole[:4], r"tag.tdms: 4 bytes, and its first segment is not whole"),
        ("empty.tdms", b"", r"empty.tdms: not a TDMS file, it is empty; expected b'TDSm'"),
        ("index.tdms", b"TDSh" + whole[4:], r"index.tdms: not a TDMS file, .*; the file of the recording ends in .tdms"),
        ("text.tdms", b"time,volts", r"text.tdms: not a TDMS file, it begins with b'time'; .* another file, renamed\?"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceError, match=message):
            recording_of(tmp_path / name)
    with pytest.raises(SourceError, match=r"none.tdms: no channel with samples over time \(g/x: no values\)"):
        recording_of(write(tmp_path / "none.tdms", [("g", "x", [], waveform())]))
    with pytest.raises(SourceError, match=r"there is no 'other.tdms'"):
        recording_of(tmp_path / "other.tdms")


def test_a_missing_reader_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "a.tdms", [("g", "x", np.arange(5.0), waveform())])
    monkeypatch.setitem(sys.modules, "nptdms.reader", None)
    with pytest.raises(MissingExtraError, match=r"a.tdms: a TDMS file needs an extra reader; .* 'bergmann\[tdms\]'"):
        recording_of(path)
