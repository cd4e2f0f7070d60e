"""Planned and recorded pulses, matched."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.accounts import match_by_shift, match_in_order

TRAIN = np.arange(29) / 100
IRREGULAR = st.lists(st.integers(50, 4000), min_size=6, max_size=60).map(lambda gaps: np.cumsum(gaps) / 1000)


def test_29_planned_and_28_recorded_say_which_is_missing() -> None:
    recorded = np.delete(12.1 + TRAIN, 19)
    for found in (match_in_order(TRAIN, recorded, shift=12.1), match_by_shift(TRAIN, recorded)):
        assert found.missing.tolist() == [19]
        assert found.extra.tolist() == []
        assert found.planned.tolist() == [*range(19), *range(20, 29)]
        assert found.recorded.tolist() == list(range(28))
        assert found.shift == pytest.approx(12.1)
        assert np.abs(found.deviations).max() < 1e-9


def test_a_regular_train_that_lost_an_end_is_not_placed_by_itself() -> None:
    for recorded in (12.1 + TRAIN[1:], 12.1 + TRAIN[:-1]):
        with pytest.raises(SourceError, match="29 planned pulses fit the 28 recorded ones at several shifts"):
            match_by_shift(TRAIN, recorded)
        assert len(match_in_order(TRAIN, recorded, shift=12.1).missing) == 1


def test_other_light_is_not_taken_for_the_planned() -> None:
    other = np.cumsum([0.013, 0.31, 0.57, 0.77, 1.31])
    with pytest.raises(SourceError, match=r"only . of 6 planned pulses are among the 5 recorded ones|at several shifts"):
        match_by_shift(np.cumsum([1.0, 2.1, 4.3, 8.9, 17.1, 33.7]), other)


def test_a_glitch_beside_a_pulse_is_extra_and_the_nearer_one_is_the_pulse() -> None:
    found = match_in_order(np.array([1.0, 2.0]), np.array([0.98, 1.001, 1.999, 2.03]))
    assert found.recorded.tolist() == [1, 2]
    assert found.extra.tolist() == [0, 3]


def test_a_drift_is_followed() -> None:
    planned = np.arange(0, 1200, 0.1)
    recorded = 3.0 + planned * (1 + 1e-4)  # 120 ms at the end, and the window is 40 ms
    found = match_in_order(planned, recorded, shift=3.0)
    assert len(found) == len(planned)
    assert found.deviations[-1] == pytest.approx(0.12, abs=1e-3)


@given(planned=IRREGULAR, shift=st.floats(-50, 50), seed=st.integers(0, 2**32 - 1))
def test_what_was_lost_and_added_is_found(planned: NDArray[np.float64], shift: float, seed: int) -> None:
    """Lost, added (far from planned pulses) and jittered pulses on a known shift: exactly these are missing and extra."""
    random = np.random.default_rng(seed)
    lost = random.random(len(planned)) < 0.2
    middles = (planned[:-1] + planned[1:]) / 2  # at least 25 ms from a pulse, and the window is at most 20 ms for such gaps
    added = middles[random.random(len(middles)) < 0.05]
    kept = planned[~lost] + random.uniform(-1e-3, 1e-3, (~lost).sum())
    recorded = np.sort(np.concatenate([kept, added])) + shift
    found = match_in_order(planned, recorded, shift=shift)
    window = min(0.05, 0.4 * float(np.diff(planned).min()))
    near = np.array([np.abs(planned - one).min() <= window + 2e-3 for one in added], dtype=bool)
    if not near.any():
        assert np.array_equal(found.missing, np.flatnonzero(lost))
        assert recorded[found.extra] - shift == pytest.approx(added)
    assert len(found) + len(found.missing) == len(planned)
    assert len(found) + len(found.extra) == len(recorded)
    assert (np.diff(found.planned) > 0).all()
    assert (np.diff(found.recorded) > 0).all()


@given(planned=IRREGULAR, shift=st.floats(-50, 50), n_lost=st.integers(0, 2), seed=st.integers(0, 2**32 - 1))
def test_an_unknown_shift_is_found_or_refused_and_never_wrong(
    planned: NDArray[np.float64], shift: float, n_lost: int, seed: int
) -> None:
    lost = np.sort(np.random.default_rng(seed).choice(len(planned), n_lost, replace=False))
    try:
        found = match_by_shift(planned, np.delete(planned, lost) + shift)
    except SourceError:
        return
    assert found.shift == pytest.approx(shift, abs=1e-6)
    assert found.missing.tolist() == lost.tolist()


def test_a_hundred_thousand_pulses_take_seconds() -> None:
    random = np.random.default_rng(5)
    planned = np.cumsum(random.uniform(0.01, 0.05, 100_000))
    keep = random.random(len(planned)) > 0.01
    begun = time.perf_counter()
    found = match_by_shift(planned, planned[keep] + 4.25)
    assert time.perf_counter() - begun < 30
    assert np.array_equal(found.missing, np.flatnonzero(~keep))
