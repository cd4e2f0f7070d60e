from __future__ import annotations

import struct
import tracemalloc
from datetime import datetime

import numpy as np
import pytest

from bergmann.errors import SourceError
from bergmann.pulses import recorded_pulses
from bergmann.signals.intan import IntanSource, find, read

RHD, RHS = 0xC6912702, 0xD69127AC
AMPLIFIER, AUXILIARY, SUPPLY, ADC, DIGITAL = 0, 1, 2, 3, 4
"""Types of signal of an .rhd file."""

CHANNELS = (
    ("A-000", "", AMPLIFIER, 0),
    ("A-001", "VTA", AMPLIFIER, 1),
    ("A-AUX1", "", AUXILIARY, 0),
    ("A-VDD1", "", SUPPLY, 0),
    ("ANALOG-IN-1", "photodiode", ADC, 0),
    ("DIGITAL-IN-01", "frames", DIGITAL, 0),
    ("DIGITAL-IN-03", "", DIGITAL, 2),
)


def recording_of(path, **keys):
    return read(IntanSource(path=path, **keys), {})


def text(value):
    return struct.pack("<I", 2 * len(value)) + value.encode("utf-16-le") if value else b"\xff\xff\xff\xff"


def channels_of(channels, tail):
    found = b""
    for native, custom, kind, order in channels:
        found += text(native) + text(custom) + struct.pack("<hhhh", order, order, kind, 1) + tail
    off = text("A-077") + text("") + struct.pack("<hhhh", 77, 77, AMPLIFIER, 0) + tail
    head = text("Port A") + text("A") + struct.pack("<hhh", 1, len(channels) + 1, 3)
    return struct.pack("<h", 2) + head + found + off + text("Port B") + text("B") + struct.pack("<hhh", 0, 0, 0)


def header(*, version=(3, 1), rate=20000.0, mode=0, n_temperatures=1, channels=CHANNELS, note=""):
    """The header of an .rhd file, after Intan's description."""
    content = struct.pack("<Ihhf", RHD, *version, rate) + struct.pack("<hffffffhff", 1, *[0.0] * 6, 0, 0.0, 0.0)
    content += text(note) + text("") + text("")
    content += struct.pack("<h", n_temperatures) if version >= (1, 1) else b""
    content += struct.pack("<h", mode) if version >= (1, 3) else b""
    content += text("A-REF") if version >= (2, 0) else b""
    return content + channels_of(channels, struct.pack("<hhhhhhff", *[0] * 6, 0.0, 0.0))


def blocks(n_blocks, *, first=0, per_block=128, time="<i4", slow=True):
    """Blocks of the channels above: each value says its channel and its sample."""
    found = b""
    for number in range(n_blocks):
        samples = np.arange(number * per_block, (number + 1) * per_block)
        found += (samples + first).astype(time).tobytes()
        found += (32768 + samples % 1000).astype("<u2").tobytes() + (32768 - samples % 1000).astype("<u2").tobytes()
        if slow:
            found += (10000 + samples[::4] % 1000).astype("<u2").tobytes() + np.array(
                [44000 + number, 2500 + number], "<u2"
            ).tobytes()
        found += (samples % 500).astype("<u2").tobytes() + words(samples).astype("<u2").tobytes()
    return found


def words(samples):
    """Line 1 is high for 10 of 50 samples; line 3 for samples 100 to 149."""
    return (samples % 50 < 10) * 1 + ((samples >= 100) & (samples < 150)) * 4


def write(path, n_blocks=2, *, first=0, **said):
    version = said.get("version", (3, 1))
    layout = {"per_block": 60 if version < (2, 0) else 128, "time": "<i4" if version >= (1, 2) else "<u4"}
    path.write_bytes(header(**said) + blocks(n_blocks, first=first, **layout))
    return path


def test_one_file(tmp_path):
    recording = recording_of(write(tmp_path / "m7_240517_103057.rhd", note="mouse 7"))
    assert (recording.start, recording.rate) == (datetime(2024, 5, 17, 10, 30, 57), 20000)
    assert recording.parts == ("frames", "DIGITAL-IN-03", "photodiode", "A-000", "VTA")
    assert (recording.sweep_starts.seconds.tolist(), recording.sweep_lengths.tolist()) == ([0], [256])
    frames, gate, diode, first, second = recording.channels
    samples = np.arange(256)
    assert (frames.kind, frames.samples.dtype, frames.samples.shape) == ("digital", np.uint8, (256,))
    assert frames.samples[0:256].tolist() == (samples % 50 < 10).astype(int).tolist()
    assert gate.samples[95:155].tolist() == [0] * 5 + [1] * 50 + [0] * 5
    assert recorded_pulses(recording, "DIGITAL-IN-03").times.seconds.tolist() == [100 / 20000]
    assert (diode.unit, diode.values(0, 256).tolist()) == ("V", pytest.approx((samples * 50.354e-6).tolist()))
    assert (first.unit, first.samples.dtype) == ("uV", np.uint16)
    assert first.values(100, 200) == pytest.approx(0.195 * samples[100:200])
    assert second.values(0, 256) == pytest.approx(-0.195 * samples)
    assert first.samples[7:7].tolist() == []
    assert recording.notes == {
        "software": "Intan RHD, file format 3.1",
        "file notes": "mouse 7 / reference A-REF",
        "inputs": "frames is DIGITAL-IN-01; photodiode is ANALOG-IN-1; VTA is A-001",
        "left out": "A-AUX1: at another rate; A-VDD1: at another rate; temperature 1: at another rate",
    }


def test_channels_of_lower_rates_are_read_when_asked_for(tmp_path):
    path = write(tmp_path / "a.rhd")
    (aux,) = recording_of(path, only="A-AUX1").channels
    assert recording_of(path, only="A-AUX1").rate == 5000
    assert aux.values(0, 64) == pytest.approx((10000 + np.arange(0, 256, 4)) * 37.4e-6)
    slow = recording_of(path, only=["A-VDD1", "temperature 1"])
    assert slow.rate == 20000 / 128
    assert slow.channel("A-VDD1").values(0, 2) == pytest.approx([44000 * 74.8e-6, 44001 * 74.8e-6])
    assert slow.channel("temperature 1").values(0, 2) == pytest.approx([25.0, 25.01])
    with pytest.raises(SourceError, match=r"not sampled together: VTA \(20000 Hz, .*; A-AUX1 \(5000 Hz, 64 samples"):
        recording_of(path, only=["VTA", "A-AUX1"])
    with pytest.raises(SourceError, match=r"no channel 'frame'; did you mean 'frames'\?"):
        recording_of(path, only=["frame"])


@pytest.mark.parametrize(
    ("mode", "volts"), [(0, 0.0050354), (1, (100 - 32768) * 152.59e-6), (13, (100 - 32768) * 312.5e-6)], ids=["0", "1", "13"]
)
def test_analog_inputs_are_scaled_by_the_mode_of_the_board(tmp_path, mode, volts):
    recording = recording_of(write(tmp_path / "a.rhd", mode=mode))
    assert recording.channel("photodiode").values(100, 101)[0] == pytest.approx(volts)


def test_a_mode_that_is_not_known_is_refused(tmp_path):
    path = write(tmp_path / "a.rhd", mode=5)
    with pytest.raises(SourceError, match=r"a.rhd: the board is of mode 5, and how that scales analog inputs is not known"):
        recording_of(path)
    assert recording_of(path, only="frames").parts == ("frames",)


@pytest.mark.parametrize("version", [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (3, 4)])
def test_versions(tmp_path, version):
    n_temperatures = 1  # the blocks that are made have one
    if version < (1, 1):
        content = header(version=version) + blocks(2, per_block=60, time="<u4")
        (tmp_path / "a.rhd").write_bytes(content)
        with pytest.raises(SourceError, match="the last is not whole, the file was cut"):  # it has no temperatures
            recording_of(tmp_path / "a.rhd")
        return
    recording = recording_of(write(tmp_path / "a.rhd", 4, version=version, n_temperatures=n_temperatures))
    count = 240 if version < (2, 0) else 512
    assert recording.sweep_lengths.tolist() == [count]
    assert recording.channel("VTA").values(0, count) == pytest.approx(-0.195 * (np.arange(count) % 1000))


def test_files_that_go_on_are_one_recording(tmp_path):
    write(tmp_path / "m7_240517_103057.rhd", 2)
    write(tmp_path / "m7_240517_103157.rhd", 3, first=256)
    write(tmp_path / "m7_240517_110000.rhd", 1)
    (tmp_path / "damaged.rhd").write_bytes(header()[:60])
    found = list(find(tmp_path))
    assert [source.path.name for source in found] == [
        "damaged.rhd",
        "m7_240517_103057.rhd",
        "m7_240517_103157.rhd",
        "m7_240517_110000.rhd",
    ]
    (tmp_path / "m7_240517_110000.rhd").unlink()
    source = list(find(tmp_path))[1]
    assert source.path.name == "m7_*.rhd"
    recording = read(source, {})
    assert (recording.sweep_lengths.tolist(), recording.start, len(recording.files)) == (
        [640],
        datetime(2024, 5, 17, 10, 30, 57),
        2,
    )
    expected = [*range(200, 256), *range(0, 200)]
    assert recording.channel("photodiode").samples[200:456].tolist() == expected
    write(tmp_path / "m7_240517_103157.rhd", 3, first=256, mode=1)
    with pytest.raises(SourceError, match=r"other channels, rates or settings than m7_240517_103057.rhd"):
        read(source, {})


def test_missing_samples_are_gaps(tmp_path):
    path = tmp_path / "a.rhd"
    path.write_bytes(header() + blocks(1, first=-30) + blocks(1, first=1000))
    recording = recording_of(path)
    assert recording.sweep_starts.seconds.tolist() == [0, 1030 / 20000]
    assert recording.sweep_lengths.tolist() == [128, 128]
    assert recording_of(path, only="A-AUX1").sweep_lengths.tolist() == [32, 32]
    path.write_bytes(header() + blocks(1, first=1000) + blocks(1))
    with pytest.raises(SourceError, match=r"a.rhd: sample 129 has the number 0, the one before it 1127"):
        recording_of(path)


def beside(folder, *, a_file_each, channels=CHANNELS):
    """The same samples in files beside the header."""
    folder.mkdir()
    samples = np.arange(256)
    (folder / "info.rhd").write_bytes(header(n_temperatures=0, channels=channels))
    samples.astype("<i4").tofile(folder / "time.dat")
    amplifiers = np.column_stack([samples, -samples]).astype("<i2")
    if a_file_each:
        for name, values in (("amp-A-000", amplifiers[:, 0]), ("amp-A-001", amplifiers[:, 1])):
            values.tofile(folder / f"{name}.dat")
        for name, bit in (("01", 0), ("03", 2)):
            (words(samples) >> bit & 1).astype("<u2").tofile(folder / f"board-DIGITAL-IN-{name}.dat")
        (samples % 500).astype("<u2").tofile(folder / "board-ANALOG-IN-1.dat")
        (10000 + samples[::4]).astype("<u2").tofile(folder / "aux-A-AUX1.dat")
    else:
        amplifiers.tofile(folder / "amplifier.dat")
        words(samples).astype("<u2").tofile(folder / "digitalin.dat")
        (samples % 500).astype("<u2").tofile(folder / "analogin.dat")
        (10000 + samples).astype("<u2").tofile(folder / "auxiliary.dat")
    return folder / "info.rhd"


@pytest.mark.parametrize("a_file_each", [False, True])
def test_files_beside_the_header(tmp_path, a_file_each):
    path = beside(tmp_path / "m7_240517_103057", a_file_each=a_file_each)
    recording = recording_of(path)
    whole = recording_of(write(tmp_path / "whole.rhd"))
    assert recording.start == datetime(2024, 5, 17, 10, 30, 57)
    assert recording.parts[:5] == whole.parts
    for name in whole.parts:
        assert recording.channel(name).values(0, 256).tolist() == pytest.approx(whole.channel(name).values(0, 256).tolist())
        assert recording.channel(name).values(10, 20).tolist() == pytest.approx(whole.channel(name).values(10, 20).tolist())
    assert recording_of(path, only="A-AUX1").rate == (5000 if a_file_each else 20000)
    assert "A-VDD1: not saved" in recording.notes["left out"]
    assert {"info.rhd", "time.dat"} < {file.name for file in recording.files}
    name = "board-DIGITAL-IN-03.dat" if a_file_each else "digitalin.dat"
    content = (path.parent / name).read_bytes()
    for kept in (511, 300):
        (path.parent / name).write_bytes(content[:kept])
        with pytest.raises(SourceError, match=rf"{name}: .* a? ?file was cut|{name}: .*the file was cut"):
            recording_of(path)
    (path.parent / "time.dat").unlink()
    with pytest.raises(SourceError, match=r"time.dat: this file of the recording is not there; was the folder copied whole"):
        recording_of(path)


def stimulator(*, has_dc=False):
    channels = (("A-000", "", 0, 0), ("ANALOG-IN-1", "", 3, 0), ("ANALOG-OUT-1", "", 4, 0), ("DIGITAL-IN-01", "", 5, 0))
    content = struct.pack("<Ihhf", RHS, 3, 0, 30000.0) + struct.pack("<hffffffffhffhh", 1, *[0.0] * 8, 0, 0.0, 0.0, 0, 0)
    content += struct.pack("<fff", 1e-6, 0.0, 0.0) + text("") * 3 + struct.pack("<hh", has_dc, 14) + text("")
    return content + channels_of(channels, struct.pack("<hhhhhhhff", *[0] * 7, 0.0, 0.0))


def test_a_stimulating_system(tmp_path):
    samples = np.arange(128)
    stim = np.where(samples < 64, 10, 0x100 | 10) | (samples == 5) * 0x8000
    for has_dc in (False, True):
        path = tmp_path / f"dc{has_dc}.rhs"
        fields = [samples.astype("<i4"), (32768 + samples).astype("<u2"), stim.astype("<u2")]
        fields += [np.full(128, 512, "<u2")] * has_dc
        if has_dc:
            fields[2], fields[3] = fields[3], fields[2]
        fields += [(32768 + samples).astype("<u2"), np.full(128, 32768 + 3200, "<u2"), (samples % 2).astype("<u2")]
        path.write_bytes(stimulator(has_dc=has_dc) + b"".join(one.tobytes() for one in fields))
        recording = recording_of(path)
        assert recording.parts == ("DIGITAL-IN-01", "ANALOG-IN-1", "ANALOG-OUT-1", "A-000", "A-000 stim")
        assert recording.channel("A-000 stim").values(62, 66) == pytest.approx([1e-5, 1e-5, -1e-5, -1e-5])
        assert recording.channel("A-000 stim").values(5, 6) == pytest.approx([1e-5])
        assert recording.channel("ANALOG-IN-1").values(0, 3) == pytest.approx([0, 312.5e-6, 625e-6])
        assert recording.channel("ANALOG-OUT-1").values(0, 1) == pytest.approx([1.0])
        assert recording.channel("DIGITAL-IN-01").samples[0:4].tolist() == [0, 1, 0, 1]
        assert ("DC amplifiers" in recording.notes.get("left out", "")) is has_dc


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["one file", "a file a type", "a file a channel"])
def test_values_equal_those_that_neo_reads(tmp_path, kind):
    rawio = pytest.importorskip("neo.rawio.intanrawio")
    folder = tmp_path / "x"
    fast = tuple(one for one in CHANNELS if one[2] not in {AUXILIARY, SUPPLY})  # with a temperature, neo reads nothing
    if kind == "one file":
        path = tmp_path / "a.rhd"
        path.write_bytes(header(n_temperatures=0, channels=fast) + blocks(2, slow=False))
    else:
        path = beside(folder, a_file_each=kind.endswith("channel"), channels=fast)
        for file in folder.glob("aux*"):
            file.unlink()
    theirs = rawio.IntanRawIO(filename=str(path))
    theirs.parse_header()
    recording = recording_of(path)
    own = {one.native: name for name, one in _channels(path).items()}
    checked = 0
    for index, stream in enumerate(theirs.header["signal_streams"]):
        said = theirs.header["signal_channels"][theirs.header["signal_channels"]["stream_id"] == stream["id"]]
        if not {own.get(one["id"]) for one in said} <= set(recording.parts):
            continue
        values = theirs.get_analogsignal_chunk(0, 0, stream_index=index)
        for column, one in zip(values.T, said, strict=True):
            channel = recording.channel(own[one["id"]])
            np.testing.assert_allclose(channel.values(0, 256), column * one["gain"] + one["offset"], rtol=1e-4)
            checked += 1
    assert checked == 5


def _channels(path):
    from bergmann.signals._intan import read_header

    return {one.custom or one.native: one for one in read_header(path).channels}


def test_a_cut_file_is_refused_wherever_it_was_cut(tmp_path):
    content = write(tmp_path / "whole.rhd", 1).read_bytes()
    n_header = len(header())
    for length in [*range(n_header), *range(n_header + 1, len(content), 37)]:
        (tmp_path / "cut.rhd").write_bytes(content[:length])
        with pytest.raises(SourceError, match=r"cut.rhd: (.*the file was cut|it does not begin as a file of Intan)"):
            recording_of(tmp_path / "cut.rhd")
    (tmp_path / "cut.rhd").write_bytes(content[:n_header])
    with pytest.raises(SourceError, match=r"time.dat: this file of the recording is not there"):
        recording_of(tmp_path / "cut.rhd")


def test_a_file_cut_between_reading_and_writing_is_refused(tmp_path):
    path = write(tmp_path / "a.rhd")
    channel = recording_of(path).channels[0]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SourceError, match=r"a.rhd: it ends before its samples do"):
        channel.samples[0:10]


def test_damaged_headers_are_refused(tmp_path):
    path = write(tmp_path / "a.rhd")
    content = path.read_bytes()
    for at, value, message in (
        (8, struct.pack("<f", -1.0), "its header says -1 samples per second"),
        (48, struct.pack("<I", 1 << 30), "a text of 1073741824 bytes|it ends within its header"),
        (content.index("A-001".encode("utf-16-le")) + 10 + 10 + 4, struct.pack("<h", 9), "channel A-001 is of kind 9"),
    ):
        path.write_bytes(content[:at] + value + content[at + len(value) :])
        with pytest.raises(SourceError, match=message):
            recording_of(path)


def test_memory_does_not_grow_with_the_recording(tmp_path):
    path = tmp_path / "a.rhd"
    one = blocks(1)
    with path.open("wb") as file:
        file.write(header())
        for number in range(8000):
            samples = np.arange(number * 128, (number + 1) * 128, dtype="<i4").tobytes()
            file.write(samples + one[512:])
    tracemalloc.start()
    try:
        channel = recording_of(path).channel("frames")
        total = sum(int(channel.samples[start : start + 20000].sum(dtype=np.int64)) for start in range(0, 1_024_000, 20000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 8000 * sum(1 for sample in range(128) if sample % 50 < 10)
    assert peak < 9_000_000
    assert path.stat().st_size > 12_000_000
