"""Regular trains among pulses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bergmann.timing.trains import Train, find_trains


def pulses_at(*onsets: float, width: float = 0.005) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array(onsets), np.full(len(onsets), width)


def shapes(trains: tuple[Train, ...]) -> list[tuple[int, int, int]]:
    return [(train.first, train.pulses, train.trains) for train in trains]


def test_29_pulses_at_100_hz_are_one_train_of_29() -> None:
    (train,) = find_trains(*pulses_at(*(np.arange(29) / 100), width=0.002), tolerance=1e-6)
    assert (train.first, train.pulses, train.trains) == (0, 29, 1)
    assert train.period == pytest.approx(0.01)
    assert train.width == pytest.approx(0.002)
    assert np.isnan(train.interval)


def test_trains_at_equal_distances_are_one_row() -> None:
    onsets = (np.arange(4)[:, None] * 20 + np.arange(50) / 10).ravel()
    (train,) = find_trains(*pulses_at(*onsets), tolerance=1e-6)
    assert (train.pulses, train.trains, train.interval) == (50, 4, pytest.approx(20))


def test_pairs_need_to_repeat_twice() -> None:
    paired = (np.arange(3)[:, None] * 10 + np.array([0, 0.05])).ravel()
    (train,) = find_trains(*pulses_at(*paired), tolerance=1e-6)
    assert (train.pulses, train.trains, train.interval) == (2, 3, pytest.approx(10))
    assert find_trains(*pulses_at(*paired[:4]), tolerance=1e-6) == ()


def test_a_lone_pulse_before_a_train_stays_alone() -> None:
    assert shapes(find_trains(*pulses_at(0, 1, 1.1, 1.2), tolerance=1e-6)) == [(1, 3, 1)]


@pytest.mark.parametrize("onsets", [(), (0.0,), (0.0, 1.0), (0, 1.0, 2.3, 3.1, 7.0, 7.4)])
def test_what_does_not_repeat_is_no_train(onsets: tuple[float, ...]) -> None:
    assert find_trains(*pulses_at(*onsets), tolerance=1e-4) == ()


def test_a_ramp_of_power_or_of_width_is_no_train() -> None:
    onsets = np.arange(20) / 10
    assert find_trains(onsets, np.full(20, 0.01), tolerance=1e-6, levels=np.linspace(1, 10, 20)) == ()
    assert find_trains(onsets, np.linspace(0.01, 0.05, 20), tolerance=1e-4) == ()


def test_equal_distances_by_chance_are_no_train() -> None:
    """Three of these five are 1 s apart, and belong to nothing regular."""
    assert find_trains(*pulses_at(0, 0.7, 1.7, 2.7, 4.1), tolerance=1e-6) == ()
    onsets = np.cumsum(np.random.default_rng(1).uniform(0.02, 0.1, 3000))
    assert len(find_trains(*pulses_at(*onsets), tolerance=1e-4)) <= 3


def test_unknown_levels_are_equal_to_nothing() -> None:
    assert find_trains(*pulses_at(0, 1, 2, 3), tolerance=1e-6, levels=np.full(4, np.nan)) == ()


def test_a_change_of_level_divides_a_train() -> None:
    onsets = np.arange(8) / 10
    assert shapes(find_trains(*pulses_at(*onsets), tolerance=1e-6, levels=np.repeat([1.0, 2.0], 4))) == [(0, 4, 1), (4, 4, 1)]


def test_a_coarse_clock_does_not_make_everything_equal() -> None:
    """A tolerance longer than the pulses is cut to a tenth of them."""
    assert find_trains(np.array([0, 0.01, 0.02]), np.array([0.002, 0.004, 0.003]), tolerance=0.01) == ()


@given(
    st.integers(3, 60),
    st.integers(1, 6),
    st.floats(0.005, 0.2),
    st.floats(0.1, 0.9),
    st.floats(0.3, 5),
    st.integers(0, 2**32 - 1),
)
def test_a_sampled_protocol_is_found_again(n: int, trains: int, period: float, duty: float, gap: float, seed: int) -> None:
    """Edges rounded to samples of 10 kHz: the same counts, and means within a sample."""
    resolution = 1e-4
    width = duty * period
    interval = n * period + gap
    onsets = (np.arange(trains)[:, None] * interval + np.arange(n) * period).ravel() + seed * resolution / 2**32
    on, off = (np.floor(edges / resolution) * resolution for edges in (onsets, onsets + width))
    found = find_trains(on, off - on, tolerance=2.01 * resolution)
    if min(width, period) < 30 * resolution:  # too coarse to tell: nothing may be lost or doubled, more is not asked
        return
    (train,) = found
    assert (train.first, train.pulses, train.trains) == (0, n, trains)
    assert train.period == pytest.approx(period, abs=resolution)
    assert train.width == pytest.approx(width, abs=resolution)
    assert trains == 1 or train.interval == pytest.approx(interval, abs=resolution)


@given(
    st.lists(st.tuples(st.sampled_from([0.01, 0.1, 0.37, 1.0, 2.5]), st.sampled_from([0.001, 0.004]), st.sampled_from([1.0, 2.0]))),
)
def test_every_pulse_is_in_one_train_or_in_none(steps: list[tuple[float, float, float]]) -> None:
    onsets = np.cumsum([step for step, _, _ in steps])
    durations = np.array([width for _, width, _ in steps])
    levels = np.array([level for _, _, level in steps])
    found = find_trains(onsets, durations, tolerance=1e-6, levels=levels)
    claimed = [index for train in found for index in range(train.first, train.stop)]
    assert len(claimed) == len(set(claimed)) == sum(train.pulses * train.trains for train in found)
    assert claimed == sorted(claimed)
    assert not claimed or claimed[-1] < len(onsets)
    for train in found:
        members = slice(train.first, train.stop)
        grid = onsets[members].reshape(train.trains, train.pulses)
        assert np.allclose(np.diff(grid, axis=1), train.period)
        assert np.allclose(durations[members], train.width)
        assert np.ptp(levels[members]) == 0
        assert train.trains == 1 or np.allclose(np.diff(grid[:, 0]), train.interval)
        assert train.pulses * train.trains >= 3
