"""Spike times of units, from the tables and archives that labs keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bergmann.ephys.spikes import SpikesSource, find, read
from bergmann.errors import SourceError
from bergmann.records import Channel, Recording, SpikeTimes
from bergmann.timing.times import ExplicitTimes

RATE = 1000.0


def recording(*starts: float, length: int = 5000) -> Recording:
    """Sweeps of 5 s of one channel."""
    sweeps = np.array(starts or (2.0,))
    volts = np.zeros(length * len(sweeps))
    return Recording(
        files=(Path("daq.h5"),),
        rate=RATE,
        sweep_starts=ExplicitTimes(sweeps),
        sweep_lengths=np.full(len(sweeps), length),
        channels=(Channel(name="V", kind="analog", unit="V", samples=volts),),
    )


def table(folder: Path, text: str, of: Recording | None = None, **keys: Any) -> SpikeTimes:
    path = folder / "spikes.csv"
    path.write_text(text, encoding="utf-8")
    return spikes_of(path, of, **keys)


def spikes_of(path: Path, of: Recording | None = None, **keys: Any) -> SpikeTimes:
    named = {} if of is None else {"of": "daq"}
    source = SpikesSource.model_validate({"path": path, "unit": "s", **named, **keys})
    return read(source, {} if of is None else {"of": of})


ROWS: dict[str, Any] = {"columns": {"unit": "cluster", "time": "t"}}


def test_a_row_a_spike(tmp_path: Path) -> None:
    """Units in the order in which they first fire in the file, each with its own spikes."""
    record = table(tmp_path, "cluster,t\nPC2,0.5\nPC1,0.25\nPC2,0.75\nPC1,4\n", recording(), **ROWS)
    assert record.units == ("PC2", "PC1")
    assert [times.tolist() for times in record.spikes] == [[2.5, 2.75], [2.25, 6.0]]
    assert record.observed.tolist() == [[2.0, 7.0]]  # type: ignore[union-attr]
    assert record.resolution is None


def test_a_column_a_unit(tmp_path: Path) -> None:
    record = table(tmp_path, "PC1,silent,PC2\n10,,20\n30,,\n", unit="ms")
    assert record.units == ("PC1", "silent", "PC2")
    assert [times.tolist() for times in record.spikes] == [[0.01, 0.03], [], [0.02]]
    assert record.aligned(1.0).span == (1.01, 1.03)


@pytest.mark.parametrize(("first", "expected"), [("0", [2.01, 6.999]), ("1", [2.009, 6.998])])
def test_samples_are_times_of_the_recording(first: str, expected: list[float], tmp_path: Path) -> None:
    record = table(tmp_path, "cluster,t\n1,10\n1,4999\n", recording(), unit="samples", first_sample=first, **ROWS)
    np.testing.assert_allclose(record.spikes[0], expected)
    assert record.resolution == 1e-3


def test_samples_know_the_gaps_between_sweeps_and_seconds_do_not(tmp_path: Path) -> None:
    gaps = recording(2.0, 10.0)
    keys: dict[str, Any] = {"unit": "samples", "first_sample": "0", **ROWS}
    record = table(tmp_path, "cluster,t\n1,4999\n1,5000\n", gaps, **keys)
    np.testing.assert_allclose(record.spikes[0], [6.999, 10.0])
    assert record.observed.tolist() == [[2.0, 7.0], [10.0, 15.0]]  # type: ignore[union-attr]
    with pytest.raises(SourceError, match="with gaps between its sweeps could be any; give the times in samples"):
        table(tmp_path, "cluster,t\n1,1\n", gaps, **ROWS)
    with pytest.raises(SourceError, match=r"sample 10000, and daq.h5 has 10000 samples"):
        table(tmp_path, "cluster,t\n1,10000\n", gaps, **keys)


def test_archives_say_the_same_as_tables(tmp_path: Path) -> None:
    np.savez(tmp_path / "each.npz", PC1=np.array([0.25, 4.0]), silent=np.zeros(0), PC2=np.array([[0.5], [0.75]]))
    np.savez(
        tmp_path / "flat.npz",
        spike_clusters=np.array([2, 1, 2], dtype=np.int32),
        spike_times=np.array([[5], [6], [7]], dtype=np.uint64),  # Kilosort's shape
    )
    record = spikes_of(tmp_path / "each.npz")
    assert {unit: times.tolist() for unit, times in zip(record.units, record.spikes, strict=True)} == {
        "PC1": [0.25, 4.0],
        "silent": [],
        "PC2": [0.5, 0.75],
    }
    named = {"unit": "spike_clusters", "time": "spike_times"}
    record = spikes_of(tmp_path / "flat.npz", recording(), unit="samples", first_sample="0", columns=named)
    assert {unit: times.tolist() for unit, times in zip(record.units, record.spikes, strict=True)} == {
        "2": [2.005, 2.007],
        "1": [2.006],
    }


def test_labels_of_units_are_kept(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text("unit,quality,depth\nPC1,good,120\nPC9,mua,\nPC2,good,80.5\n", encoding="utf-8")
    text = "cluster,t,kind\nPC2,0.5,simple\nPC1,0.25,simple\nPC2,0.75,simple\n"
    record = table(tmp_path, text, labels=tmp_path / "units.csv", **ROWS)
    assert record.units == ("PC2", "PC1", "PC9")
    assert [len(times) for times in record.spikes] == [2, 1, 0]
    assert record.columns["quality"] == ("good", "good", "mua")
    np.testing.assert_array_equal(record.columns["depth"], [80.5, 120, np.nan])
    assert [path.name for path in record.files] == ["spikes.csv", "units.csv"]
    kinds = {"columns": {"unit": "cluster", "time": "t", "kind": "kind"}}
    assert table(tmp_path, text, **kinds).columns == {"kind": ("simple", "simple")}
    with pytest.raises(SourceError, match="unit PC2 has 'simple' and 'complex'; expected one for all its spikes"):
        table(tmp_path, text.replace("0.75,simple", "0.75,complex"), **kinds)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("unit,quality\nPC1,a\nPC1,b\nPC2,c\n", "unit 'PC1' has two rows"),
        ("unit,quality\nPC1,a\n", "no row for unit 'PC2', which has spikes"),
        ("unit,spike_times\nPC1,1\nPC2,2\n", "NWB gives a column of that name a meaning"),
        ("name,quality\nPC1,1\nPC2,2\n", "no column 'unit'"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text(labels, encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        table(tmp_path, "PC1,PC2\n1,2\n", labels=tmp_path / "units.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cluster,t\na,1\nb,0.5\na,0.75\n", r"unit a: spike 2 is at 0.75 s, which is before the spike above it; sort"),
        ("cluster,t\na,-0.001\n", r"unit a: spike 1 is at -0.001 s, which is before the recording began"),
        ("cluster,t\na,nan\n", "unit a: spike 1 is at nan s, which is no time"),
        ("cluster,t\na,\n", "an empty cell; expected a number"),
        ("cluster,t\n,1\n", "line 2: an empty cell; expected the name of a unit"),
        ("cluster,t\na,5.001\n", r"a spike at 5.001 s, and daq.h5 is 5 s long"),
        ("cluster,s\na,1\n", "no column 't'"),
    ],
)
def test_a_wrong_time_is_refused_and_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        table(tmp_path, text, recording(), **ROWS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PC1,PC1\n1,2\n", "more than one column 'PC1'"),
        ("PC1,\n1,2\n", "column 2 has no name"),
        ("PC1,PC2\n1,\n,2\n3,4\n", "empty cell"),
    ],
)
def test_columns_that_are_no_units_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        table(tmp_path, text)


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, waveforms=np.zeros((3, 40)))
    with pytest.raises(SourceError, match=r"a.npz: 'waveforms' has shape \(3, 40\)"):
        spikes_of(path)
    np.savez(path, unit=np.array([1, 2]), time=np.array([0.5]))
    with pytest.raises(SourceError, match="2 values of 'unit' for 1 of 'time'"):
        spikes_of(path, columns={"unit": "unit", "time": "time"})
    with pytest.raises(SourceError, match="no array 'times'; it has: unit, time"):
        spikes_of(path, columns={"unit": "unit", "time": "times"})
    np.savez(path, PC1=np.array([[1, 2], "no"], dtype=object), allow_pickle=True)
    with pytest.raises(SourceError, match=r"a.npz: not a whole archive"):
        spikes_of(path)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"columns": {"unit": "u"}}, "must also name time"),
        ({"columns": {"unit": "u", "time": "t", "spike_times": "x"}}, "NWB gives a meaning of its own"),
        ({"unit": "samples"}, "`first_sample: 0`"),
        ({"unit": "samples", "of": "daq"}, "`first_sample: 0`"),
    ],
)
def test_half_a_statement_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SpikesSource.model_validate({"path": "spikes.csv", "unit": "s", **keys})


def test_nothing_is_found(tmp_path: Path) -> None:
    np.savez(tmp_path / "spikes.npz", a=np.array([1.0]))
    assert list(find(tmp_path)) == []
