"""Counters that start again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.timing.wraps import unwrap


@given(steps=st.lists(st.floats(0, 4.9), max_size=40), begin=st.floats(0, 9.9))
def test_a_counter_that_starts_again_goes_on(steps, begin):
    true = begin + np.cumsum([0.0, *steps])
    assert unwrap(true % 10.0, period=10.0) == pytest.approx(true - begin + begin % 10.0, abs=1e-9)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([1.0, 12.0], "times outside a counter that starts again after 10 s"),
        (
            [1.0, 5.0, 4.0],
            r"number 1 is 5.000000 s and number 2 is 4.000000 s; a counter that starts again after 10 s falls by more",
        ),
    ],
)
def test_what_is_no_such_counter_is_refused(times, said):
    with pytest.raises(SourceError, match=said):
        unwrap(np.array(times), period=10.0)
