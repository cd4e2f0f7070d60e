from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bergmann.behavior import nwb
from bergmann.behavior._log_times import Column, counted
from bergmann.behavior.encoder import EncoderSource, read
from bergmann.behavior.stated import TraceStated, check_trace
from bergmann.errors import SourceError
from bergmann.records import Trace
from bergmann.stated import Device, Quantity
from bergmann.timing.times import ExplicitTimes

LABVIEW = "treadmill/Speed data 001.txt"
WHEEL = "pybpod_ibl/raw_behavior_data/_iblrig_encoderPositions.raw.ssv"
SPEED = {
    "columns": {"date": "1", "time": "2", "trial_time": "3", "speed": "4"},
    "units": {"date": "DD/MM/YYYY", "time": "HH:MM:SS", "trial_time": "us", "speed": "rpm"},
    "header": "none",
}
TICKS = {"columns": {"time": "1", "position": "2"}, "units": {"time": "us", "position": "ticks"}, "header": "none"}


def log(tmp_path, *rows, name="log.csv"):
    path = tmp_path / name
    path.write_text("\n".join(["t,v", *rows]) + "\n", encoding="utf-8")
    return path


def source(path, unit="s", **keys):
    return EncoderSource(path=path, columns={"time": "t", "speed": "v"}, units={"time": unit, "speed": "cm/s"}, **keys)


def test_a_real_treadmill_log_agrees_with_pandas(real, tmp_path, nwbfile, entry, placed, written):
    pd = pytest.importorskip("pandas")
    trace = read(EncoderSource(path=real(LABVIEW), **SPEED), {})
    frame = pd.read_csv(real(LABVIEW), sep="\t", header=None)
    clock = pd.to_datetime(frame[0] + " " + frame[1], format="%d/%m/%Y %H:%M:%S.%f")
    np.testing.assert_allclose(trace.times.seconds, (clock - clock[0]).dt.total_seconds(), rtol=0, atol=1e-12)
    assert trace.start == datetime(2016, 11, 8, 11, 12, 56, 634109)
    assert trace.basis == "Times of column '2' (HH:MM:SS), since the first row. Of the file's columns, 5 are left out."
    stated = TraceStated(device="wheel", scale={"speed": "0.8333333333 cm/s"})
    nwb.ADD[Trace](nwbfile, entry("treadmill", trace, stated), there := placed(devices={"wheel": Device()}))
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        container = reader.read().acquisition["treadmill"]
        speed, trial_time = container["speed"], container["trial_time"]
        np.testing.assert_array_equal(speed.data[:], frame[3])
        np.testing.assert_array_equal(trial_time.data[:], frame[2])
        assert (trial_time.data.dtype, trial_time.unit, trial_time.conversion) == (np.int64, "us", 1.0)
        assert (speed.unit, speed.conversion) == ("cm/s", 0.8333333333)
        assert "1 rpm is 0.8333333333 cm/s, as stated. By wheel." in speed.description
        for series in (speed, trial_time):
            np.testing.assert_array_equal(series.timestamps[:], trace.times.seconds)
    import h5py

    with h5py.File(tmp_path / "out.nwb") as file:
        links = [file[f"acquisition/treadmill/{name}"].get("timestamps", getlink=True) for name in ("speed", "trial_time")]
        assert sum(isinstance(link, h5py.SoftLink) for link in links) == 1
    assert there.get("sources", "treadmill").name == "treadmill"


def test_a_real_counter_that_begins_again_is_refused_by_its_row(real):
    keys = {"columns": {"time": "3", "speed": "4"}, "units": {"time": "us", "speed": "rpm"}, "header": "none"}
    with pytest.raises(SourceError, match=r"column '3', line 14: 1135 comes after 14097292: .* the counter began again"):
        read(EncoderSource(path=real(LABVIEW), **keys), {})


def test_a_real_wheel_log_keeps_its_ticks(real):
    trace = read(EncoderSource(path=real(WHEEL), **TICKS), {})
    expected = np.loadtxt(real(WHEEL), dtype=np.int64)
    np.testing.assert_array_equal(trace.columns[0].values, expected[:, 1])
    assert trace.columns[0].values.dtype == np.int64
    np.testing.assert_array_equal(trace.times.seconds, expected[:, 0] / 1e6)
    assert trace.times.first == 3.993633
    assert trace.basis == "Times of column '1' (us), since the counter's zero."
    assert trace.aligned(2.0).times.first == 5.993633


@pytest.mark.parametrize(
    ("rows", "keys", "message"),
    [
        (["1,5", "0.5,6"], {}, r"log\.csv: column 't', line 3: 0\.5 comes after 1: the times run backwards"),
        (["1,5", "2,x"], {}, r"column 'v', line 3: 'x' is not a number"),
        (["1,5", "2,"], {}, r"column 'v', line 3: an empty cell; expected a number"),
        (["1,5", "nan,5"], {}, r"column 't', line 3: 'nan' is no time"),
        (["1,5", "9,6", "12,7"], {"wraps_at": 10}, r"line 4: 12 of a counter that is said to begin again at 10"),
        (["1,5", "9,6", "8,7"], {"wraps_at": 10}, r"line 4: 8 comes after 9: the times run backwards"),
        (["10:00:00,1", "09:59:59.5,2"], {"unit": "HH:MM:SS"}, r"line 3: 09:59:59\.5 comes after 10:00:00; if that is midnight"),
        (["10:00,1"], {"unit": "HH:MM:SS"}, r"line 2: '10:00' is no time of day; expected HH:MM:SS"),
        (["24:00:00,1"], {"unit": "HH:MM:SS"}, r"'24:00:00' is no time of day"),
        (["10:00:00.1234567,1"], {"unit": "HH:MM:SS"}, r"with up to six decimals"),
        ([], {}, r"log\.csv: 1 lines with content"),
    ],
)
def test_rows_that_go_wrong_are_named(tmp_path, rows, keys, message):
    with pytest.raises(SourceError, match=message):
        read(source(log(tmp_path, *rows), **keys), {})


def test_a_stated_wrap_is_counted_and_said(tmp_path):
    trace = read(source(log(tmp_path, "8,1", "9,2", "1,3", "9,4", "0,5"), "ms", wraps_at=10), {})
    np.testing.assert_allclose(trace.times.seconds, [0.008, 0.009, 0.011, 0.019, 0.020], rtol=0, atol=1e-15)
    assert trace.basis == "Times of column 't' (ms, 2 times begun again at 10 as stated), since the counter's zero."


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=50), st.integers(0, 2**32 - 1))
def test_a_counter_of_32_bits_runs_on(steps, first):
    whole = first + np.cumsum(steps)
    cells = [str(count % 2**32) for count in whole]
    column = Column("a: b", cells, range(len(cells)), "us")
    seconds, wraps = counted(column, 2**32)
    turns = whole[0] // 2**32  # how often it began again before the first row, nothing says
    np.testing.assert_allclose(seconds, (whole - turns * 2**32) / 1e6, rtol=0, atol=1e-9)
    assert wraps == whole[-1] // 2**32 - turns


def test_midnight_passes_where_the_date_is_there(tmp_path):
    path = tmp_path / "log.tsv"
    path.write_text("d\tt\tv\n31.12.2024\t23:59:59.5\t1.0\n01.01.2025\t00:00:00.25\t2.5\n", encoding="utf-8")
    columns, units = {"date": "d", "time": "t", "v": "v"}, {"date": "DD.MM.YYYY", "time": "HH:MM:SS", "v": "rpm"}
    trace = read(EncoderSource(path=path, columns=columns, units=units), {})
    np.testing.assert_array_equal(trace.times.seconds, [0, 0.75])
    assert trace.start == datetime(2024, 12, 31, 23, 59, 59, 500000)
    assert trace.columns[0].values.dtype == np.float64
    with pytest.raises(SourceError, match=r"column 'd', line 2: '31\.12\.2024' is no date as `MM\.DD\.YYYY`"):
        read(EncoderSource(path=path, columns=columns, units={**units, "date": "MM.DD.YYYY"}), {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": {"time": "t"}}, "must name time and at least one value"),
        ({"columns": {"speed": "v"}}, "must name time and at least one value"),
        ({"units": {"time": "s"}}, r"`units\.speed` is missing: what is the column 'v' in\?"),
        ({"units": {"time": "s", "speed": "rpm", "size": "m"}}, r"`units\.size` is the unit of no column"),
        ({"units": {"time": "h", "speed": "rpm"}}, r"`units\.time` is 'h'; it is one of s, ms, us, or HH:MM:SS"),
        ({"columns": {"time": "t", "a/b": "v"}, "units": {"time": "s", "a/b": "rpm"}}, "neither `/` nor `:`"),
        ({"units": {"time": "HH:MM:SS", "speed": "rpm"}, "wraps_at": "10"}, "`wraps_at` is of a counter"),
        (
            {"columns": {"time": "t", "speed": "v", "date": "d"}, "units": {"time": "s", "speed": "x", "date": "DD/MM/YYYY"}},
            "goes with a time of day",
        ),
        (
            {"columns": {"time": "t", "speed": "v", "date": "d"}, "units": {"time": "HH:MM:SS", "speed": "x", "date": "D/M/Y"}},
            "write how a date is written, such as DD/MM/YYYY",
        ),
    ],
)
def test_what_is_not_said_or_said_wrongly_is_refused(change, message):
    keys = {"columns": {"time": "t", "speed": "v"}, "units": {"time": "s", "speed": "cm/s"}, **change}
    with pytest.raises(ValidationError, match=message):
        EncoderSource(path="a.csv", **keys)


def test_both_letters_of_micro_are_micro():
    for micro in ("µs", "μs", "us"):
        assert source("a.csv", micro).units["time"] == "us"


def test_a_scale_of_nothing_is_a_finding(tmp_path, entry):
    trace = read(source(log(tmp_path, "1,2")), {})
    stated = TraceStated(scale={"position": "1 mm", "speed": "2 cm/s"})
    (finding,) = check_trace(entry("wheel", trace, stated), {})
    assert (finding.severity, finding.location) == ("error", "scale.position")
    assert stated.scale["speed"] == Quantity(2, "cm/s")


def test_lengths_must_agree(tmp_path):
    trace = read(source(log(tmp_path, "1,2")), {})
    with pytest.raises(SourceError, match=r"1 values of speed for 2 times in log\.csv"):
        Trace(files=trace.files, columns=trace.columns, times=ExplicitTimes(np.array([1.0, 2.0])))
