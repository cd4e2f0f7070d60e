"""Blocks of stored arrays are what h5py reads, however they are stored, and whatever has happened to a chunk."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bergmann.writing import reading_back
from bergmann.writing.reading_back import read_blocks

FILTERS: list[dict[str, Any]] = [
    {},
    {"compression": "gzip", "compression_opts": 1},
    {"compression": "gzip", "shuffle": True},
    {"compression": "gzip", "shuffle": True, "fletcher32": True},
    {"compression": "lzf"},
]


@pytest.fixture(autouse=True)
def of_any_size() -> Iterator[None]:
    """Chunks are small here, and go through threads all the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_back, "_SMALLEST", 1)
        yield


def assert_is_whole(dataset: Any, length: int) -> None:
    starts = []
    for start, block in read_blocks(dataset, length):
        starts.append(start)
        expected = dataset[start : start + length]
        assert block.dtype == expected.dtype
        np.testing.assert_array_equal(block, expected)
    assert starts == list(range(0, dataset.shape[0], length))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    chunks=st.lists(st.integers(1, 4), min_size=4, max_size=4),
    dtype=st.sampled_from(["u1", "i2", ">i2", "u4", "f4", ">f8", "f2", "?", "u8"]),
    filters=st.sampled_from(FILTERS),
    n_chunks=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_any_array(
    shape: list[int], chunks: list[int], dtype: str, filters: dict[str, Any], n_chunks: int, seed: int, tmp_path: Path
) -> None:
    random = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    values = np.frombuffer(random.bytes(prod(shape) * kind.itemsize), kind).reshape(shape)  # any bits: signs, NaN, infinities
    if kind.kind == "b":
        values = random.integers(0, 2, shape).astype(kind)
    sides = tuple(min(side, chunk) for side, chunk in zip(shape, chunks, strict=False))
    with h5py.File(tmp_path / "any.h5", "w") as file:
        dataset = file.create_dataset("data", data=values, chunks=sides, **filters)
        assert_is_whole(dataset, n_chunks * sides[0])
        assert_is_whole(dataset, n_chunks * sides[0] + 1)


def test_gzip_does_not_go_through_hdf5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "movie.h5", "w") as file:
        values = np.arange(40 * 6 * 7, dtype=np.int16).reshape(40, 6, 7)
        dataset = file.create_dataset("data", data=values, chunks=(4, 4, 4), compression="gzip", shuffle=True)
        whole = dataset[:]

        def refuse(*_: object) -> None:
            raise AssertionError("read by HDF5")

        monkeypatch.setattr(h5py.Dataset, "__getitem__", refuse)
        np.testing.assert_array_equal(np.concatenate([block for _, block in read_blocks(dataset, 8)]), whole)


def test_a_chunk_that_was_never_written_has_the_fill_value(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "movie.h5", "w") as file:
        dataset = file.create_dataset("data", (20, 6), "i4", chunks=(4, 6), compression="gzip", fillvalue=-7)
        dataset[8:12] = 3
        assert_is_whole(dataset, 4)


def test_a_chunk_without_its_filters_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "movie.h5", "w") as file:
        dataset = file.create_dataset("data", (8, 6), "i4", chunks=(4, 6), compression="gzip", shuffle=True)
        dataset.id.write_direct_chunk((0, 0), np.arange(24, dtype="i4").tobytes(), filter_mask=3)
        dataset.id.write_direct_chunk((4, 0), np.arange(24, dtype="i4").tobytes(), filter_mask=3)
        assert_is_whole(dataset, 4)
        assert dataset[4, 1] == 1


def test_a_damaged_chunk_is_told_by_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "movie.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("data", data=np.arange(4000).reshape(40, 100), chunks=(4, 100), compression="gzip")
        chunk = dataset.id.get_chunk_info(3)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    path.write_bytes(content)
    with h5py.File(path) as file, pytest.raises(OSError, match="filter"):
        list(read_blocks(file["data"], 4))


def test_arrays_in_memory_are_cut_alike() -> None:
    values = np.arange(10)
    assert [(start, list(block)) for start, block in read_blocks(values, 4)] == [(0, [0, 1, 2, 3]), (4, [4, 5, 6, 7]), (8, [8, 9])]
    assert reading_back._inflate_for(values) is None


def test_integers_of_fewer_bits_than_their_bytes_are_read_by_hdf5(tmp_path: Path) -> None:
    """A 12-bit camera's numbers, shifted up by four bits, as a foreign program may store them."""
    kind = h5py.h5t.NATIVE_UINT16.copy()
    kind.set_precision(12)
    kind.set_offset(4)
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((8,))
    settings.set_shuffle()
    settings.set_deflate(4)
    with h5py.File(tmp_path / "bits.h5", "w") as file:
        made = h5py.h5d.create(file.id, b"data", kind, h5py.h5s.create_simple((16,)), settings)
        h5py.Dataset(made)[:] = np.arange(16)
        assert_is_whole(file["data"], 8)
        assert list(file["data"][:3]) == [0, 1, 2]


def test_a_chunk_beyond_the_end_of_the_array(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "grown.h5", "w") as file:
        values = np.arange(15).reshape(5, 3)
        dataset = file.create_dataset("data", data=values, maxshape=(None, None), chunks=(8, 8), compression="gzip", shuffle=True)
        assert_is_whole(dataset, 8)


def test_tiny_and_huge_chunks_are_left_to_hdf5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_back, "_SMALLEST", 65_536)
    with h5py.File(tmp_path / "sizes.h5", "w") as file:
        for side, is_ours in ((1000, False), (100_000, True), (2_000_000, False)):
            dataset = file.create_dataset(f"of {side}", (2_000_000,), "f8", chunks=(side,), compression="gzip")
            assert (reading_back._inflate_for(dataset) is not None) is is_ours
