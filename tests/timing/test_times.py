"""Times are finite, never run backwards, and shift without loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.timing.times import ExplicitTimes, RegularTimes, time_arguments


@given(st.floats(-1e3, 1e3), st.floats(0.1, 1e4), st.integers(2, 500), st.floats(-1e3, 1e3))
def test_both_kinds_of_times_agree(start: float, rate: float, count: int, offset: float) -> None:
    regular = RegularTimes(start, rate, count)
    explicit = ExplicitTimes(regular.seconds)
    np.testing.assert_allclose(regular.shifted(offset).seconds, explicit.shifted(offset).seconds, atol=1e-9)
    np.testing.assert_allclose(regular.part(1, count).seconds, explicit.part(1, count).seconds, atol=1e-9)
    assert regular.last == pytest.approx(explicit.last)
    assert regular.interval == pytest.approx(explicit.interval, rel=1e-3, abs=1e-9)
    assert len(regular) == len(explicit) == count


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        ([0.0, 2.0, 1.0], r"times run backwards: number 1 is 2\.000000 s and number 2 is 1\.000000 s"),
        ([0.0, np.nan], r"time 1 of 2 is .*nan"),
        ([[0.0]], r"times of shape \(1, 1\)"),
    ],
)
def test_impossible_times_are_refused(seconds: list[float], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        ExplicitTimes(np.array(seconds))


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(SourceError, match="samples per second"):
        RegularTimes(0, rate, 3)


def test_nwb_takes_a_rate_or_timestamps() -> None:
    assert time_arguments(RegularTimes(1.5, 30, 4)) == {"starting_time": 1.5, "rate": 30.0}
    assert list(time_arguments(ExplicitTimes(np.array([1.0, 2.5])))) == ["timestamps"]
