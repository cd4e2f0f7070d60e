"""Recorded channels as arrays of NumPy and datasets of HDF5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bergmann.errors import SourceError
from bergmann.records import Recording
from bergmann.signals import signal_hdf5, signal_numpy

COUNTS = np.arange(12, dtype=np.int16).reshape(2, 6) - 4


def of_numpy(path: Path, columns: dict[str, str], *, unit: str = "V", **keys: Any) -> Recording:
    units = {name: "s" if name == "time" else unit for name in columns}
    source = signal_numpy.SignalNumpySource.model_validate({"path": path, "columns": columns, "units": units, **keys})
    return signal_numpy.read(source, {})


def of_hdf5(path: Path, columns: dict[str, str], *, unit: str = "V", **keys: Any) -> Recording:
    units = {name: "s" if name == "time" else unit for name in columns}
    source = signal_hdf5.SignalHdf5Source.model_validate({"path": path, "columns": columns, "units": units, **keys})
    return signal_hdf5.read(source, {})


def npz(path: Path, *, compressed: bool = False, **arrays: Any) -> Path:
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


def npy(path: Path, array: Any) -> Path:
    np.save(path, array)
    return path


def hdf5(path: Path, **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name.replace("__", "/")] = values
    return path


@pytest.mark.parametrize("compressed", [True, False])
def test_arrays_of_npz_stay_as_stored(tmp_path: Path, compressed: bool) -> None:
    path = npz(
        tmp_path / "a.npz", compressed=compressed, t=np.arange(6) / 128 + 3, v=COUNTS, w=COUNTS.T.astype(">f4"), other="text"
    )
    recording = of_numpy(path, {"time": "t", "laser": "v:2"}, time_axis="last", conversions={"laser": 0.5}, offsets={"laser": 1})
    (laser,) = recording.channels
    assert (recording.rate, recording.sweep_starts.seconds.tolist()) == (128, [3.0])
    assert (laser.samples.dtype, laser.samples[0:6].tolist()) == (np.int16, COUNTS[1].tolist())
    assert laser.samples[2:4].tolist() == COUNTS[1, 2:4].tolist()
    assert laser.values(0, 2).tolist() == [2.0, 2.5]
    big = of_numpy(path, {"w": "w:1"}, time_axis="first", rate="1 kHz").channel("w").samples
    assert (big.dtype, big[0:6].tolist()) == (np.dtype("f4"), COUNTS[0].tolist())


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("time_axis", ["first", "last"])
def test_an_npy_is_read_along_the_axis_that_is_stated(tmp_path: Path, order: Any, time_axis: str) -> None:
    path = npy(tmp_path / "a.npy", np.asarray(COUNTS if time_axis == "last" else COUNTS.T, order=order))
    recording = of_numpy(path, {"first": "1", "second": "2"}, rate="1 kHz", time_axis=time_axis)
    assert [one.samples[1:5].tolist() for one in recording.channels] == COUNTS[:, 1:5].tolist()
    with pytest.raises(SourceError, match=r"a.npy: shape . x .; state `time_axis: first` if these are . samples of . channels"):
        of_numpy(path, {"first": "1"}, rate="1 kHz")
    with pytest.raises(SourceError, match=r"a.npy: no channel '3'; there are 2, counted from 1"):
        of_numpy(path, {"third": "3"}, rate="1 kHz", time_axis=time_axis)


def test_tables_of_named_fields_and_single_channels_need_no_axis(tmp_path: Path) -> None:
    table = np.array([(0.0, 5, True), (0.25, 6, False)], dtype=[("t", "f8"), ("v", "i4"), ("ttl", "?")])
    recording = of_numpy(npy(tmp_path / "a.npy", table), {"time": "t", "v": "v"})
    assert (recording.rate, recording.channel("v").samples[0:2].tolist()) == (4, [5, 6])
    line = of_numpy(tmp_path / "a.npy", {"ttl": "ttl"}, unit="digital", rate="4 Hz").channel("ttl")
    assert (line.kind, line.samples[0:2].tolist(), line.samples.dtype) == ("digital", [1, 0], np.uint8)
    for shape in ((6,), (1, 6), (6, 1)):
        path = npy(tmp_path / "b.npy", COUNTS[0].reshape(shape))
        assert of_numpy(path, {"v": "1"}, rate="1 Hz").channel("v").samples[0:6].tolist() == COUNTS[0].tolist()
    with pytest.raises(SourceError, match=r"a.npy: no field 'vv'; it has: t, v, ttl. Is 'v' meant"):
        of_numpy(tmp_path / "a.npy", {"v": "vv"}, rate="4 Hz")


def test_a_line_that_is_not_0_and_1_is_refused_when_read(tmp_path: Path) -> None:
    line = of_numpy(npy(tmp_path / "a.npy", COUNTS[0]), {"ttl": "1"}, unit="digital", rate="4 Hz").channel("ttl")
    assert line.samples[4:6].tolist() == [0, 1]
    with pytest.raises(SourceError, match=r"a.npy: channel ttl: sample 4 is -1; a digital line is 0 or 1"):
        line.samples[3:6]


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_gaps_and_uneven_times_are_told(tmp_path: Path, dtype: str) -> None:
    kept = np.r_[np.arange(50), np.arange(60, 100)]
    path = npz(tmp_path / "a.npz", t=(kept / 128).astype(dtype), v=kept)
    recording = of_numpy(path, {"time": "t", "v": "v"})
    assert recording.rate == pytest.approx(128, rel=1e-6)
    assert recording.sweep_lengths.tolist() == [50, 40]
    assert recording.sweep_starts.seconds.tolist() == pytest.approx([0, 60 / 128])
    uneven = npz(tmp_path / "b.npz", t=np.array([0.0, 1, 2.3, 3.3, 4.3]), v=np.arange(5))
    with pytest.raises(SourceError, match=r"b.npz: 't': samples up to number 3 are at no constant rate: 1 to 1.3 s apart"):
        of_numpy(uneven, {"time": "t", "v": "v"})


def test_times_rounded_to_milliseconds_and_whole_microseconds_fit_their_rate(tmp_path: Path) -> None:
    path = npz(
        tmp_path / "a.npz", t=np.round(np.arange(900) / 30, 3), us=(np.arange(900) * 1e6 / 30).astype(np.int64), v=np.ones(900)
    )
    assert of_numpy(path, {"time": "t", "v": "v"}).rate == pytest.approx(30, rel=1e-4)
    source = {"path": path, "columns": {"time": "us", "v": "v"}, "units": {"time": "us", "v": "V"}}
    recording = signal_numpy.read(signal_numpy.SignalNumpySource.model_validate(source), {})
    assert recording.rate == pytest.approx(30, rel=1e-6)


def test_datasets_stay_in_the_file_and_matlabs_vectors_are_vectors(tmp_path: Path) -> None:
    path = hdf5(
        tmp_path / "a.mat", daq__v=COUNTS[:1], daq__ttl=(COUNTS[:1] > 0).astype("u1"), analog=COUNTS, t=np.arange(6)[None] / 8
    )
    recording = of_hdf5(path, {"time": "/t", "laser": "/daq/v"}, conversions={"laser": 0.1})
    assert (recording.rate, recording.channel("laser").samples.dtype) == (8, np.int16)
    assert recording.channel("laser").samples[1:3].tolist() == COUNTS[0, 1:3].tolist()
    assert of_hdf5(path, {"b": "analog:2"}, rate="8 Hz", time_axis="last").channel("b").samples[0:6].tolist() == COUNTS[1].tolist()
    assert of_hdf5(path, {"c": "daq/ttl"}, unit="digital", rate="8 Hz").channel("c").samples[3:6].tolist() == [0, 0, 1]
    path.unlink()  # fails on Windows while anybody holds the file open


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"v": "daq/w"}, r"a.h5: no array 'daq/w'; it has: daq/v, names, short, two. Is 'daq/v' meant\?"),
        ({"v": "names"}, r"a.h5: 'names': it holds object, not numbers; name an array of whole or decimal numbers"),
        ({"v": "daq/v", "w": "short"}, r"'daq/v' \(v\) has 6 samples, and 'short' \(w\) 3; expected as many"),
        ({"v": "two"}, r"'two': shape 2 x 6; state `time_axis: first` if these are 2 samples of 6 channels"),
    ],
)
def test_what_is_not_as_stated_is_refused(tmp_path: Path, columns: dict[str, str], message: str) -> None:
    path = hdf5(tmp_path / "a.h5", daq__v=COUNTS[0], names=["a", "b"], short=np.ones(3), two=COUNTS)
    with pytest.raises(SourceError, match=message):
        of_hdf5(path, columns, rate="1 Hz")


def test_channels_of_an_array_must_be_named_one_by_one(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", v=COUNTS, w=np.ones((2, 2, 2)), z=np.ones(2, complex), o=np.empty(0), d=np.ones(3, "M8[us]"))
    for name, message in {
        "v": r"'v': 2 channels; name one by its number, from 1: `NAME:1`",
        "w": r"'w': shape 2 x 2 x 2; expected numbers of one channel",
        "z": r"'z': it holds complex128, not numbers",
        "o": r"'o' has no samples",
        "d": r"'d': it holds datetime64\[us\], not numbers; leave these times out",
    }.items():
        with pytest.raises(SourceError, match=message):
            of_numpy(path, {"a": name}, rate="1 Hz", time_axis="last")


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    whole = npy(tmp_path / "a.npy", COUNTS).read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-3])
    with pytest.raises(SourceError, match=r"cut.npy: \d+ bytes, and its header promises \d+; the file is truncated"):
        of_numpy(tmp_path / "cut.npy", {"v": "1"}, rate="1 Hz", time_axis="last")
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(SourceError, match=r"objects.npy: it holds Python objects, which are not read"):
        of_numpy(tmp_path / "objects.npy", {"v": "1"}, rate="1 Hz")
    archive = npz(tmp_path / "a.npz", v=COUNTS).read_bytes()
    (tmp_path / "cut.npz").write_bytes(archive[: len(archive) // 2])
    with pytest.raises(SourceError, match=r"cut.npz: not a readable .npz"):
        of_numpy(tmp_path / "cut.npz", {"v": "v:1"}, rate="1 Hz")
    (tmp_path / "old.mat").write_bytes(b"MATLAB 5.0 MAT-file, Platform: PCWIN64")
    with pytest.raises(SourceError, match=r"old.mat: MATLAB's older format; .*-v7.3"):
        of_hdf5(tmp_path / "old.mat", {"v": "v"}, rate="1 Hz")
    with pytest.raises(SourceError, match=r"empty.h5: an HDF5 file without datasets"):
        of_hdf5(hdf5(tmp_path / "empty.h5"), {"v": "v"}, rate="1 Hz")
