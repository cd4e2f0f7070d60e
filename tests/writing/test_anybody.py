"""Any NWB file object is written with the values that pynwb would write, and is left as it was."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hdmf.data_utils import DataChunkIterator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynwb import NWBHDF5IO, H5DataIO, NWBFile, TimeSeries, validate

from bergmann.errors import SourceError, WriteError
from bergmann.writing import ArrayIterator, write
from bergmann.writing.streams import SMALL

from .conftest import Made, add_light, add_record


def integers(*shape: int, below: int = 999) -> Any:
    return np.random.default_rng(3).integers(0, below, shape)


def floats(*shape: int) -> Any:
    return np.random.default_rng(3).normal(size=shape)


def nwbfile_with(**series: Any) -> NWBFile:
    """An NWB file object with a time series of each array."""
    nwbfile = NWBFile(session_description="test", identifier="test", session_start_time=datetime(2024, 5, 17, 10, 30, tzinfo=UTC))
    for name, values in series.items():
        nwbfile.add_acquisition(TimeSeries(name=name, data=values, rate=30.0, unit="n.a."))
    return nwbfile


def stock(nwbfile: NWBFile, path: Path) -> Path:
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    return path


def datasets(path: Path) -> dict[str, Any]:
    """Type, growth and values of every dataset (what a reference points to), but for specifications and when the file was made."""
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("specifications") and name != "file_create_date":
            values = item[()]
            if isinstance(values, h5py.Reference):
                values = item.file[values].name
            found[name] = (item.dtype, item.maxshape, values)

    with h5py.File(path) as file:
        file.visititems(note)
    return found


def assert_same(ours: Path, theirs: Path, *, but: frozenset[str] = frozenset()) -> None:
    mine, other = datasets(ours), datasets(theirs)
    assert mine.keys() == other.keys()
    for name in mine.keys() - but:
        assert mine[name][:2] == other[name][:2], name
        np.testing.assert_array_equal(mine[name][2], other[name][2], err_msg=name)


ARRAYS: dict[str, Callable[[], Any]] = {
    "an array": lambda: integers(41, 130, 200).astype("int16"),
    "one in Fortran's order": lambda: np.asfortranarray(integers(41, 130, 200).astype("uint16")),
    "one of the other byte order": lambda: integers(41, 130, 200).astype(">i2"),
    "floats": lambda: floats(3000, 70).astype("float32"),
    "doubles of one channel": lambda: floats(400_001),
    "volumes": lambda: integers(7, 130, 90, 15, below=255).astype("uint8"),
    "truths": lambda: integers(1_100_000, below=2).astype(bool),
    "a reversed view": lambda: floats(3000, 70)[::-1, ::2],
    "an array in H5DataIO": lambda: H5DataIO(floats(3000, 70), compression="gzip", compression_opts=9),
    "hdmf's iterator over an array": lambda: DataChunkIterator(floats(3000, 70), buffer_size=100),
    "hdmf's iterator over a generator": lambda: DataChunkIterator(
        (row for row in np.arange(300_000.0).reshape(3000, 100)), maxshape=(None, 100), buffer_size=100
    ),
    "our iterator": lambda: ArrayIterator(integers(41, 130, 200).astype("int16")),
    "few values": lambda: np.arange(7),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_values_and_types_are_those_that_pynwb_writes(name: str, tmp_path: Path) -> None:
    ours = write(nwbfile_with(a=ARRAYS[name]()), tmp_path / "ours.nwb")
    theirs = stock(nwbfile_with(a=ARRAYS[name]()), tmp_path / "theirs.nwb")
    assert_same(ours, theirs)
    assert validate(path=ours) == []


def test_neuroconvs_iterators_are_read_from_their_beginning_and_not_moved_on(tmp_path: Path) -> None:
    from neuroconv.tools.hdmf import SliceableDataChunkIterator
    from neuroconv.tools.roiextractors.imagingextractordatachunkiterator import ImagingExtractorDataChunkIterator
    from neuroconv.tools.spikeinterface.spikeinterfacerecordingdatachunkiterator import SpikeInterfaceRecordingDataChunkIterator
    from roiextractors.testing import generate_dummy_imaging_extractor
    from spikeinterface.core import generate_recording

    recording = generate_recording(num_channels=12, durations=[2.0], seed=1)
    imaging = generate_dummy_imaging_extractor(num_samples=45, num_rows=90, num_columns=130, dtype="uint16")

    def iterators() -> dict[str, Any]:
        return {
            "sliceable": SliceableDataChunkIterator(np.arange(600_000, dtype="int32").reshape(3000, 200), chunk_shape=(100, 200)),
            "imaging": ImagingExtractorDataChunkIterator(imaging, buffer_shape=(9, 130, 90), chunk_shape=(9, 130, 90)),
            "recording": SpikeInterfaceRecordingDataChunkIterator(recording),
        }

    theirs = stock(nwbfile_with(**iterators()), tmp_path / "theirs.nwb")
    mine = iterators()
    next(mine["imaging"])
    ours = write(nwbfile_with(**mine), tmp_path / "ours.nwb")
    assert_same(ours, theirs)
    with h5py.File(ours) as file, h5py.File(theirs) as other:
        assert file["acquisition/imaging/data"].shape == (45, 130, 90)
        assert file["acquisition/imaging/data"].chunks == (45, 130, 90)  # ours, not the iterator's
        assert other["acquisition/imaging/data"].chunks == (9, 130, 90)
    assert next(mine["imaging"]).selection[0] == slice(9, 18)


def test_what_h5dataio_states_is_taken(tmp_path: Path) -> None:
    values = integers(100, 60, 100).astype("int16")
    stated = H5DataIO(values, chunks=(10, 30, 50), maxshape=(None, 60, 100), compression="gzip", compression_opts=4)
    with pytest.warns(UserWarning, match="lzf compression may not be available"):
        special = H5DataIO(values, chunks=(10, 30, 50), compression="lzf", fletcher32=True)
    path = write(nwbfile_with(stated=stated, special=special), tmp_path / "a.nwb")
    with h5py.File(path) as file:
        one, other = file["acquisition/stated/data"], file["acquisition/special/data"]
        assert (one.chunks, one.maxshape, one.compression, one.shuffle) == ((10, 30, 50), (None, 60, 100), "gzip", True)
        assert (other.chunks, other.fletcher32, other.compression) == ((10, 30, 50), True, "lzf")
        for dataset in (one, other):
            np.testing.assert_array_equal(dataset[()], values)


def test_stated_chunks_that_would_fill_the_memory_are_left_to_pynwb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bergmann.writing import builders

    monkeypatch.setattr(builders, "_MOST_ROWS_BYTES", 1_000_000)
    values = integers(3000, 100).astype("int32")
    path = write(nwbfile_with(a=H5DataIO(values, chunks=(3000, 1), compression="gzip")), tmp_path / "a.nwb")
    with h5py.File(path) as file:
        stored = file["acquisition/a/data"]
        assert (stored.chunks, stored.shuffle) == ((3000, 1), False)
        np.testing.assert_array_equal(stored[()], values)


def test_chunks_of_neuroconvs_backend_configuration_are_taken(tmp_path: Path) -> None:
    from neuroconv.tools.nwb_helpers import configure_backend, get_default_backend_configuration

    nwbfile = nwbfile_with(a=integers(100, 60, 100).astype("int16"))
    configuration = get_default_backend_configuration(nwbfile, backend="hdf5")
    configuration.dataset_configurations["acquisition/a/data"].chunk_shape = (20, 60, 100)
    configure_backend(nwbfile, configuration)
    with h5py.File(write(nwbfile, tmp_path / "a.nwb")) as file:
        assert file["acquisition/a/data"].chunks == (20, 60, 100)


def test_columns_can_grow_and_masks_are_written_a_block_at_a_time(session: Callable[..., Made], tmp_path: Path) -> None:
    from pynwb.ophys import PlaneSegmentation

    def made() -> NWBFile:
        nwbfile = session(frames=np.zeros((3, 4, 5), "uint16")).nwbfile
        rois = PlaneSegmentation(name="rois", description="rois", imaging_plane=nwbfile.imaging_planes["plane"])
        for number in range(30):
            rois.add_roi(image_mask=np.random.default_rng(number).normal(size=(100, 120)))
        nwbfile.create_processing_module("ophys", "ophys").add(rois)
        return nwbfile

    ours, theirs = write(made(), tmp_path / "ours.nwb"), stock(made(), tmp_path / "theirs.nwb")
    mask = "processing/ophys/rois/image_mask"
    assert_same(ours, theirs, but=frozenset({"identifier"}))
    with h5py.File(ours) as file:
        assert (file[mask].compression, file[mask].maxshape) == ("gzip", (None, None, None))
    with NWBHDF5IO(ours, "r+") as io:
        nwbfile = io.read()
        nwbfile.processing["ophys"]["rois"].add_roi(image_mask=np.ones((100, 120)))
        io.write(nwbfile)
    with h5py.File(ours) as file:
        assert file[mask].shape == (31, 100, 120)


def test_a_file_of_many_types_is_the_one_that_pynwb_writes(session: Callable[..., Made], tmp_path: Path) -> None:
    made = session(frames=None)
    add_light(made)
    add_record(made)
    made.nwbfile.add_trial_column("count", "count")
    for number in range(4):
        made.nwbfile.add_trial(start_time=float(number), stop_time=number + 0.5, count=number)
    made.nwbfile.add_acquisition(TimeSeries(name="a", data=np.arange(300_000.0), timestamps=np.arange(300_000.0), unit="V"))
    made.nwbfile.add_acquisition(TimeSeries(name="b", data=made.nwbfile.acquisition["a"], rate=1.0, unit="V"))
    ours = write(made.nwbfile, tmp_path / "ours.nwb")
    assert_same(ours, stock(made.nwbfile, tmp_path / "theirs.nwb"))
    assert validate(path=ours) == []
    with h5py.File(ours) as file:
        assert file["acquisition/b"].get("data", getlink=True).path == "/acquisition/a/data"


def test_the_nwbfile_is_not_changed_and_can_be_written_again(tmp_path: Path) -> None:
    stated = H5DataIO(np.arange(1000.0), compression="gzip")
    nwbfile = nwbfile_with(a=floats(3000, 70), few=stated)
    before = dict(stated.io_settings)
    values = nwbfile.acquisition["a"].data
    first = write(nwbfile, tmp_path / "first.nwb")
    assert (nwbfile.container_source, nwbfile.modified, stated.dataset) == (None, True, None)
    assert stated.io_settings == before
    assert nwbfile.acquisition["a"].data is values
    assert_same(write(nwbfile, tmp_path / "second.nwb"), first)
    assert_same(stock(nwbfile, tmp_path / "third.nwb"), first)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sides=st.lists(st.integers(1, 7), min_size=0, max_size=3),
    dtype=st.sampled_from(["int8", "uint8", "int16", "uint16", "int32", "uint64", "float32", "float64", "bool"]),
    chunking=st.sampled_from(["balanced", "frames", "traces", "streaming"]),
    compression=st.sampled_from(["gzip", "zstd", "none"]),
    threads=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_any_array_in_any_preset_comes_back(
    tmp_path: Path, sides: list[int], dtype: str, chunking: Any, compression: Any, threads: int, seed: int
) -> None:
    pytest.importorskip("hdf5plugin", reason="zstd needs the extra `zstd`")
    frame = int(np.prod(sides, dtype=int)) * np.dtype(dtype).itemsize
    shape = (SMALL // frame + seed % 7 + 1, *sides)
    values = np.random.default_rng(seed).integers(0, 100, shape).astype(dtype)
    path = write(
        nwbfile_with(a=values), tmp_path / "a.nwb", chunking=chunking, compression=compression, threads=threads, overwrite=True
    )
    with h5py.File(path) as file:
        stored = file["acquisition/a/data"]
        assert stored.dtype == values.dtype
        np.testing.assert_array_equal(stored[()], values)


@pytest.mark.parametrize(("compression", "filters"), [("gzip", [2, 1]), ("zstd", [2, 32015]), ("none", [])])
def test_filters_are_recorded_as_registered(tmp_path: Path, compression: Any, filters: list[int]) -> None:
    pytest.importorskip("hdf5plugin", reason="zstd needs the extra `zstd`")
    path = write(nwbfile_with(a=floats(3000, 70)), tmp_path / "a.nwb", compression=compression)
    with h5py.File(path) as file:
        made = file["acquisition/a/data"].id.get_create_plist()
        assert [made.get_filter(number)[0] for number in range(made.get_nfilters())] == filters


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"chunking": "tall"}, "chunking 'tall' is none of balanced, frames"),
        ({"compression": "lzf"}, "compression 'lzf' is none of gzip, zstd, none"),
    ],
)
def test_an_unknown_preset_is_refused(tmp_path: Path, option: Any, message: str) -> None:
    with pytest.raises(WriteError, match=message):
        write(nwbfile_with(), tmp_path / "a.nwb", **option)


def test_a_file_that_is_there_is_replaced_only_if_asked(tmp_path: Path) -> None:
    path = write(nwbfile_with(a=np.arange(3)), tmp_path / "deep" / "a.nwb")
    before = path.read_bytes()
    with pytest.raises(WriteError, match=r"a\.nwb: it is there already; say overwrite=True"):
        write(nwbfile_with(a=np.arange(4)), path)
    assert path.read_bytes() == before
    write(nwbfile_with(a=np.arange(4)), path, overwrite=True)
    with h5py.File(path) as file:
        assert len(file["acquisition/a/data"]) == 4


def test_a_path_may_be_text_and_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write(nwbfile_with(a=np.arange(3)), "sub-1_ses-2.3.nwb") == Path("sub-1_ses-2.3.nwb")
    assert [one.name for one in tmp_path.iterdir()] == ["sub-1_ses-2.3.nwb"]


def test_what_cannot_be_written_faithfully_is_refused(tmp_path: Path) -> None:
    empty = nwbfile_with(a=H5DataIO(shape=(10, 10), dtype=np.dtype("int16")))
    with pytest.raises(WriteError, match="acquisition/a/data: it is an empty dataset"):
        write(empty, tmp_path / "a.nwb")
    with pytest.raises(WriteError, match=r"name ends in \.nwb"):
        write(nwbfile_with(), tmp_path / "a.h5")
    with pytest.raises(WriteError, match="only HDF5 files are written"):
        write(nwbfile_with(), tmp_path / "a.zarr")
    path = write(nwbfile_with(a=np.arange(3)), tmp_path / "b.nwb")
    with NWBHDF5IO(path, "r") as io, pytest.raises(WriteError, match=r"read from a file.*use NWBHDF5IO\.export"):
        write(io.read(), tmp_path / "c.nwb")
    with NWBHDF5IO(path, "r") as io:
        linking = nwbfile_with(a=np.arange(3))
        linking.add_acquisition(io.read().acquisition["a"].__class__(name="x", data=io.read().acquisition["a"], rate=1.0, unit="V"))
        with pytest.raises(WriteError, match="which is not in this NWBFile"):
            write(linking, tmp_path / "c.nwb")
    assert [one.name for one in tmp_path.iterdir()] == ["b.nwb"]


class Failing:
    """An array whose reader fails in the middle, in a way that nobody foresaw."""

    shape = (1000, 64, 64)
    dtype = np.dtype("uint16")

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getitem__(self, block: slice) -> Any:
        if block.start > 200:
            raise self.error
        return np.zeros((block.stop - block.start, 64, 64), "uint16")


@pytest.mark.parametrize(
    ("error", "expected"), [(OSError("gone"), SourceError), (KeyError("odd"), KeyError), (MemoryError("much"), MemoryError)]
)
def test_an_error_of_a_reader_leaves_the_older_file(tmp_path: Path, error: Exception, expected: type[Exception]) -> None:
    path = write(nwbfile_with(a=np.arange(3)), tmp_path / "a.nwb")
    before = path.read_bytes()
    with pytest.raises(expected):
        write(nwbfile_with(a=ArrayIterator(Failing(error))), path, overwrite=True)
    assert [one.name for one in tmp_path.iterdir()] == ["a.nwb"]
    assert path.read_bytes() == before


def test_an_error_in_a_thread_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressor that has no memory left is the only thing that can fail in a thread; it cannot be had on demand."""
    import zlib

    from bergmann.writing import codecs

    class OutOfMemory:
        error = zlib.error

        @staticmethod
        def compressobj(*_: int) -> Any:
            raise MemoryError("in a thread")

    monkeypatch.setattr(codecs, "_fast", OutOfMemory)
    with pytest.raises(MemoryError, match="in a thread"):
        write(nwbfile_with(a=floats(3000, 70)), tmp_path / "a.nwb")
    assert list(tmp_path.iterdir()) == []


_WITHOUT_ISAL = """
import sys
sys.modules["isal"] = None
import warnings
from pathlib import Path
import numpy as np
sys.path.insert(0, {here!r})
from conftest import make_session
from bergmann.writing import write
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    made = make_session()
    from pynwb import TimeSeries
    made.nwbfile.add_acquisition(TimeSeries(name="a", data=np.arange(600_000).reshape(-1, 60), rate=1.0, unit="V"))
    write(made.nwbfile, Path({path!r}))
print([str(one.message) for one in said if one.filename == "<string>"])
"""


def test_without_the_fast_codec_it_is_said_and_the_values_are_the_same(tmp_path: Path) -> None:
    code = _WITHOUT_ISAL.format(here=str(Path(__file__).parent), path=str(tmp_path / "a.nwb"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "the fast compressor is not installed" in done.stdout
    assert "pip install isal" in done.stdout
    with h5py.File(tmp_path / "a.nwb") as file:
        assert file["acquisition/a/data"].compression == "gzip"
        np.testing.assert_array_equal(file["acquisition/a/data"][()], np.arange(600_000).reshape(-1, 60))
