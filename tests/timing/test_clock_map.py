"""The map of one clock to another: the simplest that the events allow, true at the object's own times, and never clamped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.timing.clock_map import fit_map
from bergmann.timing.times import ExplicitTimes, RegularTimes

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


def true_map(own: Floats, offset: float, ppm: float, step_ppm: float = 0.0, at: float = 0.0) -> Floats:
    """Where events of a clock lie on the other, whose rate differs and may change once."""
    return own + offset + own * ppm * 1e-6 + np.maximum(own - at, 0.0) * step_ppm * 1e-6


@settings(deadline=None, max_examples=200)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(30, 3000),
    rate=st.floats(5, 1000),
    ppm=st.floats(-200, 200),
    step_ppm=st.sampled_from([0.0, 0.0, 80.0, -150.0, 200.0]),
    jitter=st.floats(0, 0.02),
)
def test_the_map_is_true_to_some_standard_errors(
    seed: int, n: int, rate: float, ppm: float, step_ppm: float, jitter: float
) -> None:
    random = np.random.default_rng(seed)
    own = np.cumsum(random.uniform(0.5, 1.5, n)) / rate
    at, noise = float(random.uniform(0.25, 0.75) * own[-1]), jitter / rate
    assume(step_ppm == 0 or abs(step_ppm) * 1e-6 * (own[-1] - at) > 30 * noise)  # a smaller change cannot be told from noise
    true = true_map(own, float(random.uniform(-100, 100)), ppm, step_ppm, at)
    fitted, left = fit_map(own, true + random.normal(0, 1, n) * noise)
    between = abs(step_ppm) * 1e-6 * np.diff(own).max()  # a change is put at an event
    standard_error = noise * np.sqrt(2 * len(fitted.own) / n)
    assert np.abs(fitted.apply(own) - true).max() <= 10 * standard_error + between + 1e-9
    assert left.median <= left.most <= left.largest


@pytest.mark.parametrize(("frame_rate", "ppm"), [(30.0, 35.0), (25.0, -60.0), (4.0, 200.0), (31.25, 10.0), (1.0, 0.0)])
def test_sampling_makes_no_drift_that_changes(frame_rate: float, ppm: float) -> None:
    """Frames on a line sampled at 1 kHz: the edges lie on samples, a saw-tooth of up to a sample."""
    own = np.arange(6000) / frame_rate
    true = true_map(own, 2.3717, ppm)
    fitted, left = fit_map(own, np.ceil(true * 1000) / 1000, resolution=1e-3)
    assert fitted.model in ("offset", "offset and rate")
    assert np.abs(fitted.apply(own) - true).max() <= 1e-3
    assert left.largest <= 1.1e-3


def test_two_clocks_that_differ_by_an_offset_need_no_rate() -> None:
    own = np.arange(100) / 10
    fitted, left = fit_map(own, own + 3.25)
    assert (fitted.model, fitted.offset, fitted.rate_ratio) == ("offset", pytest.approx(3.25), 1.0)
    assert left.largest < 1e-12


def test_a_rate_is_told_with_the_time_of_its_zero() -> None:
    own = 5 + np.arange(1000) / 10
    fitted, _ = fit_map(own, 2 + own * 1.0001)
    assert fitted.model == "offset and rate"
    assert fitted.rate_ratio == pytest.approx(1.0001, abs=1e-9)
    assert fitted.offset == pytest.approx(2, abs=1e-6)


def test_a_change_of_rate_is_found_where_it_was() -> None:
    own = np.arange(4000) / 20
    random = np.random.default_rng(3)
    fitted, _ = fit_map(own, true_map(own, 1, 20, 150, at=120.0) + random.normal(0, 1e-4, len(own)))
    assert fitted.model == "piecewise linear"
    assert len(fitted.own) == 3
    assert fitted.own[1] == pytest.approx(120, abs=3)


def test_times_outside_are_neither_clamped_nor_unmarked() -> None:
    own = np.arange(10, 20, 0.1)
    fitted, _ = fit_map(own, 2 + own * 1.001)
    times = np.array([0.0, 10.0, 19.9, 30.0])
    np.testing.assert_allclose(fitted.apply(times), 2 + times * 1.001, atol=1e-9)
    np.testing.assert_allclose(fitted.outside(times), [10.0, 0.0, 0.0, 10.1], atol=1e-9)


def test_the_error_of_a_time_between_events_is_estimated_without_them() -> None:
    random = np.random.default_rng(1)
    own = np.arange(2000) / 10
    _, left = fit_map(own, own * 1.00005 + random.normal(0, 2e-3, len(own)))
    assert left.left_out == pytest.approx(2e-3, rel=0.1)
    assert left.most == pytest.approx(1.96 * 2e-3, rel=0.1)
    assert np.isnan(fit_map(own[:1], own[:1])[1].left_out)


def test_a_million_events_are_fitted_in_linear_memory() -> None:
    own = np.arange(1_000_000) / 1000
    fitted, _ = fit_map(own, true_map(own, 1, 30, 100, at=400.0), resolution=1e-4)
    assert np.abs(fitted.apply(own) - true_map(own, 1, 30, 100, at=400.0)).max() < 1e-4


def test_events_of_which_nothing_is_known_are_refused() -> None:
    with pytest.raises(SourceError, match="0 and 0 times of the same events"):
        fit_map(np.empty(0), np.empty(0))
    with pytest.raises(SourceError, match="3 and 2 times of the same events"):
        fit_map(np.arange(3.0), np.arange(2.0))


def test_regular_times_stay_regular_where_the_rates_keep_their_ratio() -> None:
    own = np.arange(1000) / 10
    steady, _ = fit_map(own, 2 + own * 1.0001)
    times = RegularTimes(0.5, 30.0, 200)
    mapped = times.mapped(steady)
    assert isinstance(mapped, RegularTimes)
    np.testing.assert_allclose(mapped.seconds, 2 + times.seconds * 1.0001, atol=1e-6)
    changing, _ = fit_map(own, true_map(own, 2, 0, 500, at=50.0))
    mapped = RegularTimes(0, 10, 1000).mapped(changing)
    assert isinstance(mapped, ExplicitTimes)
    np.testing.assert_allclose(mapped.seconds, true_map(own, 2, 0, 500, at=50.0), atol=1e-6)
    explicit = ExplicitTimes(np.array([1.0, 2.0])).mapped(steady)
    np.testing.assert_allclose(explicit.seconds, [3.0001, 4.0002], atol=1e-6)


@pytest.mark.parametrize("off", [5e-3, 6e-3, 8e-3])
def test_one_stray_event_makes_no_bend(off: float) -> None:
    """The last event is spurious, and was taken for the true one beside it."""
    bent = 0
    for seed in range(50):
        random = np.random.default_rng(seed)
        own = np.sort(random.uniform(0, 100, 200))
        strayed = random.normal(0, 1e-3, len(own))
        strayed[-1] += off
        bent += fit_map(own, 3 + own * 1.00005 + strayed)[0].model == "piecewise linear"
    assert bent == 0


def test_the_noise_of_the_last_events_makes_no_bend() -> None:
    own = np.arange(400) / 4
    shift = np.random.default_rng(125).normal(0, 1e-3, len(own))  # among a thousand others, the one whose last events bend most
    assert fit_map(own, own * 1.00005 + shift)[0].model == "offset and rate"
