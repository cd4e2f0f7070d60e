"""Which page is which frame, plane and channel, for every order of axes."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bergmann.imaging._axes import StatedAxes, page_positions, settle_axes

ORDERS = ["".join(order) for length in (1, 2, 3) for order in permutations("TZC", length)]
lengths = st.fixed_dictionaries({letter: st.integers(1, 4) for letter in "TZC"})


@given(st.sampled_from(ORDERS), lengths)
def test_each_page_is_in_its_place(axes, length):
    shape = tuple(length[letter] for letter in axes)
    positions = page_positions(axes, shape, None)
    assert positions.shape == tuple(length[letter] if letter in axes else 1 for letter in "TZC")
    for place, page in np.ndenumerate(positions):
        index = dict(zip("TZC", place, strict=True))
        expected = 0
        for letter in axes:  # the page's number, digit by digit
            expected = expected * length[letter] + index[letter]
        assert page == expected


@given(st.sampled_from(ORDERS), lengths)
def test_a_row_of_pages_is_divided_as_stated(axes, length):
    shape = tuple(length[letter] for letter in axes)
    stated = StatedAxes(axes=axes, channels=length["C"] if "C" in axes else None, planes=length["Z"] if "Z" in axes else None)
    assert settle_axes("m.tif", ("I", (int(np.prod(shape)),)), stated) == (axes, shape)


def test_the_order_of_pages_that_a_file_says_is_kept():
    assert page_positions("T", (3,), (2, 0, 1))[:, 0, 0].tolist() == [2, 0, 1]
