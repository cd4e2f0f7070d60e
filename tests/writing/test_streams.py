"""Large arrays reach the file as they were, a block at a time."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.writing.chunks import chunk_shape
from bergmann.writing.codecs import codec_for, encode_block
from bergmann.writing.streams import SMALL, Streams


@settings(deadline=None)
@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    chunks=st.lists(st.integers(1, 5), min_size=5, max_size=5),
    order=st.permutations(range(5)),
    dtype=st.sampled_from(["int8", "uint8", "uint16", "int16", "int32", "uint64", "float16", "float32", "float64", "bool"]),
    compression=st.sampled_from(["gzip", "zstd", "none"]),
    seed=st.integers(0, 99),
)
def test_stored_chunks_are_what_stock_hdf5_reads(
    shape: list[int], chunks: list[int], order: list[int], dtype: str, compression: Any, seed: int
) -> None:
    pytest.importorskip("hdf5plugin", reason="zstd needs the extra `zstd`")
    axes = [axis for axis in order if axis < len(shape)]  # in any order in memory
    array = np.random.default_rng(seed).integers(0, 255, shape).astype(dtype).transpose(axes)
    cut = tuple(min(step, side) for step, side in zip(chunks, array.shape, strict=False))
    codec = codec_for(compression)
    settings = {key: value for key, value in codec.settings.items() if key != "allow_plugin_filters"}
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        stored = file.create_dataset("a", array.shape, dtype, chunks=cut, maxshape=array.shape, **settings)
        for start in range(0, array.shape[0], cut[0]):
            for (_, *rest), data in encode_block(array[start : start + cut[0]], cut, codec):
                stored.id.write_direct_chunk((start, *rest), data)
        np.testing.assert_array_equal(stored[()], array)


def test_tiles_of_a_turned_frame_are_put_where_they_belong() -> None:
    frames = np.arange(3 * 70 * 100, dtype="uint16").reshape(3, 70, 100)
    ((start, stored),) = encode_block(frames.transpose(0, 2, 1), (3, 100, 70), codec_for("none"))
    assert start == (0, 0, 0)
    np.testing.assert_array_equal(np.frombuffer(stored, "uint16").reshape(3, 100, 70), frames.transpose(0, 2, 1))


LARGEST = {"balanced": 5_000_000, "frames": 16_000_000, "traces": 5_000_000, "streaming": 5_000_000}


@given(
    shape=st.lists(st.integers(1, 20_000), min_size=1, max_size=5),
    itemsize=st.sampled_from([1, 2, 4, 8]),
    chunking=st.sampled_from(sorted(LARGEST)),
)
def test_chunks_are_neither_empty_nor_larger_than_the_array(shape: list[int], itemsize: int, chunking: Any) -> None:
    chunks = chunk_shape(tuple(shape), itemsize, chunking)
    assert len(chunks) == len(shape)
    assert all(1 <= step <= side for step, side in zip(chunks, shape, strict=True))
    assert np.prod(chunks, dtype=float) * itemsize <= LARGEST[chunking]


@pytest.mark.parametrize(
    ("chunking", "shape", "itemsize", "expected"),
    [
        ("balanced", (38400, 512, 512), 2, (9, 256, 256)),
        ("balanced", (100, 3000, 2000), 2, (1, 256, 256)),
        ("balanced", (1000, 512, 512, 30), 2, (1, 256, 256, 30)),
        ("balanced", (10**7,), 2, (500_000,)),
        ("balanced", (10**6, 8), 4, (31250, 8)),
        ("balanced", (50_000, 400), 4, (3906, 64)),
        ("frames", (38400, 512, 512), 2, (1, 512, 512)),
        ("frames", (38400, 128, 128), 2, (30, 128, 128)),
        ("frames", (100, 4000, 3000), 2, (1, 2000, 3000)),
        ("frames", (50_000, 400), 4, (625, 400)),
        ("traces", (38400, 512, 512), 2, (30, 128, 128)),
        ("traces", (38400, 256, 256), 2, (32, 128, 128)),
        ("traces", (50_000, 400), 4, (10_000, 8)),
        ("streaming", (38400, 512, 512), 2, (30, 256, 256)),
        ("streaming", (10**7,), 2, (2_000_000,)),
    ],
)
def test_chunk_shapes(chunking: Any, shape: tuple[int, ...], itemsize: int, expected: tuple[int, ...]) -> None:
    assert chunk_shape(shape, itemsize, chunking) == expected


def test_few_values_and_text_are_handed_on_as_they_are() -> None:
    streams = Streams()
    assert streams(np.arange(5)).tolist() == [0, 1, 2, 3, 4]
    assert streams(np.array(["a", "b"], dtype=object)).tolist() == ["a", "b"]
    assert streams.total == 0


@pytest.mark.parametrize("dtype", [">i2", "<u2", "f8"])
def test_a_large_array_comes_back_as_it_was(session: Callable[..., Any], tmp_path: Path, dtype: str) -> None:
    from bergmann.writing import write_session

    frames = np.random.default_rng(1).integers(0, 5000, (41, 300, 70)).astype(dtype)
    assert frames.nbytes > SMALL
    made = session(frames=frames)
    done: list[tuple[int, int]] = []
    path = write_session(made.nwbfile, tmp_path / "out", made.streams, on_progress=lambda *now: done.append(now))
    assert done[-1] == (frames.nbytes, frames.nbytes)
    with h5py.File(path) as file:
        stored = file["acquisition/movie/data"]
        assert (stored.compression, stored.shuffle) == ("gzip", True)
        assert stored.dtype == frames.dtype.newbyteorder("=")
        np.testing.assert_array_equal(stored[()], frames)


class Shrinking:
    """An array whose file was cut while it was read."""

    shape = (1000, 64, 64)
    dtype = np.dtype("uint16")

    def __getitem__(self, block: slice) -> Any:
        return np.zeros((min(block.stop, 700) - block.start, 64, 64), "uint16")


class Unreadable(Shrinking):
    def __getitem__(self, block: slice) -> Any:
        raise OSError("unexpected end of file")


@pytest.mark.parametrize(
    ("array", "message"),
    [(Shrinking(), "expected .*; did the file change"), (Unreadable(), "unexpected end of file; is the file whole")],
)
def test_a_block_that_cannot_be_read_leaves_nothing(session: Callable[..., Any], tmp_path: Path, array: Any, message: str) -> None:
    from bergmann.writing import write_session

    made = session(frames=array)
    with pytest.raises(SourceError, match=message):
        write_session(made.nwbfile, tmp_path / "out", made.streams)
    assert list(tmp_path.iterdir()) == []


class Counting:
    """An array that knows how many of its blocks are in memory."""

    shape = (60 * 300, 64, 64)
    dtype = np.dtype("uint16")

    def __init__(self) -> None:
        self.alive = self.most = 0

    def __getitem__(self, block: slice) -> Any:
        self.alive += 1
        self.most = max(self.most, self.alive)
        frames = np.zeros((block.stop - block.start, 64, 64), "uint16")
        weakref.finalize(frames, self._gone)
        return frames

    def _gone(self) -> None:
        self.alive -= 1


@pytest.mark.parametrize("threads", [1, 3])
def test_few_blocks_are_in_memory(session: Callable[..., Any], tmp_path: Path, threads: int) -> None:
    from pynwb import TimeSeries

    from bergmann.writing import ArrayIterator, write

    counting = Counting()
    made = session()
    made.nwbfile.add_acquisition(TimeSeries(name="a", data=ArrayIterator(counting), rate=1.0, unit="V"))
    write(made.nwbfile, tmp_path / "a.nwb", threads=threads)
    assert 1 <= counting.most <= threads + 2  # a thread that is done may not have let go of its block yet
    assert counting.alive == 0
