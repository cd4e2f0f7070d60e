"""Large arrays reach the file as they were, a block at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.writing.chunks import chunk_shape
from bergmann.writing.codecs import codec_for, encode_block
from bergmann.writing.streams import SMALL, Streams


@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    chunks=st.lists(st.integers(1, 5), min_size=4, max_size=4),
    dtype=st.sampled_from(["int8", "uint16", "int16", "float32", "float64", "bool"]),
    seed=st.integers(0, 99),
)
def test_stored_chunks_are_what_stock_hdf5_reads(shape: list[int], chunks: list[int], dtype: str, seed: int) -> None:
    array = np.random.default_rng(seed).integers(0, 255, shape).astype(dtype)
    cut = tuple(min(step, side) for step, side in zip(chunks, shape, strict=False))
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        stored = file.create_dataset("a", shape, dtype, chunks=cut, maxshape=tuple(shape), compression="gzip", shuffle=True)
        for start in range(0, shape[0], cut[0]):
            for (_, *rest), data in encode_block(array[start : start + cut[0]], cut, codec_for("gzip")):
                stored.id.write_direct_chunk((start, *rest), data)
        np.testing.assert_array_equal(stored[()], array)


@given(shape=st.lists(st.integers(1, 5000), min_size=1, max_size=5), itemsize=st.sampled_from([1, 2, 4, 8]))
def test_chunks_are_neither_empty_nor_larger_than_the_array(shape: list[int], itemsize: int) -> None:
    chunks = chunk_shape(tuple(shape), itemsize)
    assert len(chunks) == len(shape)
    assert all(1 <= step <= side for step, side in zip(chunks, shape, strict=True))
    assert np.prod(chunks, dtype=float) * itemsize <= 5_000_000


@pytest.mark.parametrize(
    ("shape", "itemsize", "expected"),
    [
        ((38400, 512, 512), 2, (9, 256, 256)),
        ((100, 3000, 2000), 2, (1, 256, 256)),
        ((1000, 512, 512, 30), 2, (1, 256, 256, 30)),
        ((10**7,), 2, (500_000,)),
        ((10**6, 8), 4, (31250, 8)),
        ((50_000, 400), 4, (3906, 64)),
    ],
)
def test_chunk_shapes(shape: tuple[int, ...], itemsize: int, expected: tuple[int, ...]) -> None:
    assert chunk_shape(shape, itemsize) == expected


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
