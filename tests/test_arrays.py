"""Lazy arrays: NWB's order is a transpose, not a mirror; a part is the part that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.arrays import DigitalLine, LazyArray, NwbOrder, Part

FRAMES = np.arange(5 * 2 * 3).reshape(5, 2, 3)
VOLUMES = np.arange(4 * 2 * 3 * 5).reshape(4, 2, 3, 5)


def test_a_frame_is_transposed() -> None:
    seen = NwbOrder(FRAMES)
    assert isinstance(seen, LazyArray)
    assert seen.shape == (5, 3, 2)
    block = seen[1:3]
    for time, frame in enumerate(FRAMES[1:3]):
        for row in range(2):
            for column in range(3):
                assert block[time, column, row] == frame[row, column]


def test_a_volume_ends_with_its_planes() -> None:
    seen = NwbOrder(VOLUMES)
    assert seen.shape == (4, 5, 3, 2)
    assert seen[0:4][3, 4, 2, 1] == VOLUMES[3, 1, 2, 4]


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 6), st.integers(0, 6))
def test_a_part_is_as_a_slice_of_numpy(start: int, length: int, first: int, last: int) -> None:
    stop = min(start + length, 5)
    start = min(start, stop)
    part = Part(FRAMES, start, stop)
    assert part.shape == FRAMES[start:stop].shape
    np.testing.assert_array_equal(part[first:last], FRAMES[start:stop][first:last])
    np.testing.assert_array_equal(part[slice(None)], FRAMES[start:stop])


@pytest.mark.parametrize("array", [FRAMES, Part(FRAMES, 1, 3), NwbOrder(FRAMES)])
def test_all_of_them_are_lazy_arrays(array: LazyArray) -> None:
    assert isinstance(array, LazyArray)
    assert array[0:2].shape == (2, *array.shape[1:])


@given(
    edges=st.lists(st.integers(0, 300), unique=True, max_size=40).map(sorted), start=st.integers(0, 300), length=st.integers(0, 300)
)
def test_a_line_of_edges_is_the_same_in_blocks_and_whole(edges: list[int], start: int, length: int) -> None:
    line = DigitalLine(np.array(edges, dtype=np.int64), 301)
    whole = np.zeros(301, dtype=np.uint8)
    for edge in edges:
        whole[edge:] ^= 1
    assert (line.shape, line.dtype) == ((301,), np.uint8)
    assert line[0:301].tolist() == whole.tolist()
    assert line[start : start + length].tolist() == whole[start : start + length].tolist()
