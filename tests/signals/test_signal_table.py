"""Recorded channels as text tables."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bergmann.errors import SourceError
from bergmann.pulses import recorded_pulses
from bergmann.records import Recording
from bergmann.signals import _rows
from bergmann.signals.signal_table import SignalTableSource, read

LASER = {"columns": {"time": "t", "laser": "AI0"}, "units": {"time": "s", "laser": "V"}}


def table(path: Path, content: str, encoding: str = "utf-8", **keys: Any) -> Recording:
    path.write_bytes(content.encode(encoding))
    return read(SignalTableSource.model_validate({"path": path, **LASER, **keys}), {})


def test_times_give_the_rate_and_each_channel_its_unit(tmp_path: Path) -> None:
    recording = table(
        tmp_path / "a.csv",
        "t,AI0,lick,unused\n12.000,0.5,0,9\n12.001,-1.25,1,9\n12.002,3e-2,1,9\n",
        columns={"time": "t", "laser": "AI0", "lick": "lick"},
        units={"time": "s", "laser": "mW", "lick": "digital"},
        conversions={"laser": 0.5},
        offsets={"laser": 1.0},
    )
    assert (recording.rate, recording.sweep_starts.seconds.tolist(), recording.sweep_lengths.tolist()) == (1000, [12.0], [3])
    laser, lick = recording.channels
    assert laser.samples[0:3].tolist() == [0.5, -1.25, 0.03]
    assert laser.values(0, 3).tolist() == [1.25, 0.375, 1.015]
    assert (laser.unit, laser.kind, lick.unit, lick.kind) == ("mW", "analog", "n.a.", "digital")
    assert (lick.samples[1:3].tolist(), lick.samples.dtype) == ([1, 1], np.uint8)
    assert recording.notes == {"columns left out": "unused"}
    assert recording.start is None


@pytest.mark.parametrize(("unit", "per_second"), [("ms", 1e3), ("us", 1e6), ("\N{MICRO SIGN}s", 1e6), ("min", 1 / 60)])
def test_times_are_in_the_unit_that_is_stated(tmp_path: Path, unit: str, per_second: float) -> None:
    rows = "".join(f"{number * 0.25 * per_second!r}\t{number}\n" for number in range(8))
    recording = table(tmp_path / "a.tsv", f"t\tAI0\n{rows}", units={"time": unit, "laser": "V"})
    assert recording.rate == 4
    assert recording.times.seconds == pytest.approx(np.arange(8) / 4)


def test_a_table_without_times_takes_the_stated_rate(tmp_path: Path) -> None:
    recording = table(
        tmp_path / "a.txt",
        "# rig 2\n1.5 0\n2.5 1\n",
        skip_lines=1,
        header="none",
        columns={"v": "1"},
        units={"v": "V"},
        rate="2 kHz",
    )
    assert (recording.rate, recording.channel("v").samples[0:2].tolist()) == (2000, [1.5, 2.5])


def test_numbers_of_samples_show_what_was_dropped(tmp_path: Path) -> None:
    recording = table(
        tmp_path / "a.csv",
        "t,AI0\n100,1\n101,2\n102,3\n110,4\n111,5\n",
        units={"time": "samples", "laser": "V"},
        rate="10 Hz",
    )
    assert recording.sweep_starts.seconds.tolist() == [10.0, 11.0]
    assert recording.sweep_lengths.tolist() == [3, 2]
    assert not recording.is_continuous


def test_dropped_samples_are_a_gap_and_pulses_keep_their_times(tmp_path: Path) -> None:
    kept = [number for number in range(40) if not 10 <= number < 13]
    rows = "".join(f"{number / 100:.2f},{5 * (number in (5, 6, 20, 21, 22))}\n" for number in kept)
    recording = table(tmp_path / "a.csv", f"t,AI0\n{rows}")
    assert (recording.rate, recording.sweep_lengths.tolist()) == (100, [10, 27])
    assert recording.sweep_starts.seconds.tolist() == [0.0, 0.13]
    assert recorded_pulses(recording, "laser").times.seconds == pytest.approx([0.05, 0.20])


@pytest.mark.parametrize("decimals", [2, 3, 6])
def test_times_that_are_rounded_are_at_the_rate_that_fits_all_of_them(tmp_path: Path, decimals: int) -> None:
    rows = "".join(f"{number / 30:.{decimals}f},1\n" for number in range(3000))
    recording = table(tmp_path / "a.csv", f"t,AI0\n{rows}")
    assert recording.sweep_lengths.tolist() == [3000]
    assert recording.rate == pytest.approx(30, rel=10.0**-decimals / 50)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0, 0.1, 0.2, 0.33, 0.43], r"a.csv: column 't': samples up to number 4 are at no constant rate: 0.1 to 0.13 s apart"),
        ([0, 0.1, 0.2, 0.2, 0.3], r"column 't': sample 4 is at the time of the one before it, again"),
        ([0, 0.1, 0.2, 0.05, 0.3], r"column 't': sample 4 is at 0.15 s before the one before it"),
        ([0, 0.1, "nan", 0.3], r"column 't': sample 3 is at nan; expected finite times"),
        ([0, 1, 3, 7, 15, 31], r"column 't': "),
        ([0], r"no two samples without a gap between them"),
    ],
)
def test_times_at_no_constant_rate_are_refused_with_what_was_found(tmp_path: Path, times: list[Any], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        table(tmp_path / "a.csv", "t,AI0\n" + "".join(f"{time},1\n" for time in times))


def test_a_slow_drift_of_the_times_is_refused(tmp_path: Path) -> None:
    seconds = np.arange(2000) / 100 * (1 + np.arange(2000) * 1e-6)
    with pytest.raises(SourceError, match="at no constant rate"):
        table(tmp_path / "a.csv", "t,AI0\n" + "".join(f"{time:.7f},1\n" for time in seconds))


def test_a_step_that_may_be_rounded_or_a_missing_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"times written to 0.01 s, and sample 6 is 0.02 s after .*, most others 0.01 s"):
        table(tmp_path / "a.csv", "t,AI0\n" + "".join(f"{number / 90:.2f},1\n" for number in range(80)))
    one_missing = "t,AI0\n" + "".join(f"{number / 100:.2f},1\n" for number in range(80) if number != 40)
    with pytest.raises(SourceError, match=r"sample 41 is 0\.02 s after"):
        table(tmp_path / "a.csv", one_missing)
    assert table(tmp_path / "a.csv", one_missing, rate="100 Hz").sweep_starts.seconds.tolist() == [0, 0.41]
    with pytest.raises(SourceError, match="rate of 90 Hz puts it at"):
        table(tmp_path / "a.csv", one_missing, rate="90 Hz")


def test_a_stated_rate_is_compared_with_the_times(tmp_path: Path) -> None:
    rows = "t,AI0\n" + "".join(f"{number / 100:.2f},1\n" for number in range(5000))
    assert table(tmp_path / "a.csv", rows, rate="100 Hz").rate == 100
    for rate, message in (("101 Hz", "a rate of 101 Hz puts it at"), ("50 Hz", "is the rate another"), ("200 Hz", "stretches")):
        with pytest.raises(SourceError, match=message):
            table(tmp_path / "a.csv", rows, rate=rate)


def test_a_long_table_is_read_a_block_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rows, "BYTES", 4096)
    path = tmp_path / "long.csv"
    rows = "".join(f"{number / 1000:.3f},{number * 7 % 1001}\r\n" + "\r\n" * (number % 500 == 0) for number in range(20000))
    path.write_text("t,AI0\r\n" + rows, encoding="utf-8", newline="")
    tracemalloc.start()
    recording = read(SignalTableSource.model_validate({"path": path, **LASER}), {})
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert used < path.stat().st_size / 2
    samples = recording.channel("laser").samples
    expected = np.arange(20000) * 7 % 1001
    assert recording.sweep_lengths.tolist() == [20000]
    for start, stop in ((0, 1), (0, 20000), (19999, 20000), (5000, 5400), (700, 700), (300, 299)):
        assert samples[start:stop].tolist() == expected[start:stop].tolist()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp949"])
def test_other_encodings_are_read_when_stated(tmp_path: Path, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rows, "BYTES", 256)
    name = "Laser µW" if encoding != "cp949" else "레이저"
    path = tmp_path / "a.csv"
    path.write_bytes((f"t;{name}\n" + "".join(f"{number / 10};{number}\n" for number in range(200))).encode(encoding))
    keys = {**LASER, "path": path, "columns": {"time": "t", "laser": name}}
    recording = read(SignalTableSource.model_validate(keys | ({} if encoding == "utf-8-sig" else {"encoding": encoding})), {})
    assert recording.channel("laser").samples[0:200].tolist() == list(range(200))
    assert recording.rate == 10


def test_another_encoding_than_stated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a.csv: not utf-8 text .*`encoding:` .*cp1252"):
        table(tmp_path / "a.csv", "t,µ\n0,1\n", "cp1252")


def test_decimal_commas_are_read_when_stated_and_refused_when_not(tmp_path: Path) -> None:
    rows = "t;AI0\n0,000;0,5\n0,001;1,5\n0,002;2,5\n"
    recording = table(tmp_path / "a.csv", rows, decimal="comma")
    assert (recording.rate, recording.channel("laser").samples[0:3].tolist()) == (1000, [0.5, 1.5, 2.5])
    with pytest.raises(SourceError, match=r"column 't', line 2: '0,000' has a comma in it; state `decimal: comma`"):
        table(tmp_path / "a.csv", rows)
    with pytest.raises(SourceError, match=r"line 2 has 4 cells under 2 columns; are there commas in its numbers"):
        table(tmp_path / "a.csv", "t,AI0\n0,000,0,5\n0,001,1,5\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "a.csv: the file is empty"),
        ("\ufeff", "a.csv: 0 lines with content; expected a line of column names and a row of numbers for each sample"),
        ("t,AI0\n", "a.csv: 1 lines with content"),
        ("t,AI1\n0,1\n", r"a.csv: no column 'AI0'; it has: t, AI1. Is 'AI1' meant\?"),
        ("t,AI0,AI0\n0,1,2\n", "a.csv: more than one column 'AI0'"),
        ("t,AI0\n0.0,1\n0.1,\n0.2,3\n", "column 'AI0', line 3: an empty cell; expected a number"),
        ("t,AI0\n0.0,1\n0.1,on\n", "column 'AI0', line 3: 'on' is not a number"),
        ("t,AI0\n0.0,1\n0.1,2\n0.2", "line 4 has 1 cells, and column 'AI0' is number 2; is the file truncated"),
        ("t,AI0\n0.0,1\n0.1,9007199254740993\n", "line 3: 9007199254740993 has more digits than a number of 64 bits holds"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        table(tmp_path / "a.csv", content)


def test_a_line_that_is_not_0_and_1_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"channel laser, sample 2 is 0.5; a digital line is 0 or 1"):
        table(tmp_path / "a.csv", "t,AI0\n0.0,1\n0.1,0.5\n", units={"time": "s", "laser": "digital"})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"columns": {"time": "t"}, "units": {"time": "s"}}, "must name at least one channel"),
        ({"units": {"time": "s"}}, "`units.laser` is missing: what is 'AI0' in?"),
        ({"units": {"time": "sec", "laser": "V"}}, "`units.time` is 'sec'; it is one of s, ms"),
        ({"units": {"time": "samples", "laser": "V"}}, "`units.time: samples` needs the rate"),
        ({"columns": {"laser": "AI0"}, "units": {"laser": "V"}}, "when was each sample taken"),
        ({"conversions": {"lasr": 2}}, "`conversions.lasr` is of nothing in `columns`"),
        ({"conversions": {"laser": 0}}, "`conversions.laser: 0.0` makes nothing"),
        ({"offsets": {"time": 1}}, "`offsets.time`: only an analog channel has one"),
        ({"rate": "0 Hz"}, "expected a rate above 0"),
    ],
)
def test_what_is_not_stated_is_asked_for(tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SignalTableSource.model_validate({"path": tmp_path / "a.csv", **LASER, **keys})
