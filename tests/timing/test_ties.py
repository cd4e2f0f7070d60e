"""Which pulses tied which events, and what lies outside of them: counted, never moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.timing.clock_map import fit_map
from bergmann.timing.fit import MOST_SCATTER, fit_pulses, fit_used
from bergmann.timing.ties import Outside, Ties, outside
from bergmann.timing.times import ExplicitTimes, RegularTimes

OWN = np.arange(10, 20, 0.5)
CLOCK, _ = fit_map(OWN, 2 + OWN * 1.001)


def test_each_event_and_pulse_is_used_missing_or_spurious_once() -> None:
    ties = Ties(np.arange(5.0), np.array([1.0, 1.5, 2.0, 4.0, 5.0]), events=np.array([0, 1, 3, 4]), used=np.array([0, 2, 3, 4]))
    assert (len(ties), ties.missing.tolist(), ties.spurious.tolist(), ties.interval) == (4, [2], [1], 1.0)
    assert ties.drift().tolist() == [0, 0, 0, 0]
    clock, _ = fit_map(ties.own[ties.events], ties.pulses[ties.used] + [0, 0, 0, 0.0])
    assert ties.deviations(clock).tolist() == [0, 0, 0, 0]


@given(st.floats(-100, 100), st.floats(0.5, 2000), st.integers(1, 500))
def test_regular_times_are_counted_as_if_listed(start: float, rate: float, count: int) -> None:
    regular = RegularTimes(start, rate, count)
    listed = ExplicitTimes(regular.seconds)
    assert outside([regular], CLOCK) == outside([listed], CLOCK)
    first, last = CLOCK.own[0], CLOCK.own[-1]
    found = outside([regular], CLOCK)
    assert found.n_before == (regular.seconds < first - 1e-9).sum()
    assert found.n_after == (regular.seconds > last + 1e-9).sum()


def test_how_far_outside_is_told_in_seconds_of_the_sessions_clock() -> None:
    found = outside([RegularTimes(9.0, 10, 100), ExplicitTimes(np.array([20.0]))], CLOCK)
    assert (found.n_before, found.n_after) == (10, 1)
    assert (found.before, found.after) == (pytest.approx(1.001), pytest.approx(0.5 * 1.001))
    assert found.furthest == pytest.approx(1.001)
    assert outside([ExplicitTimes(OWN)], CLOCK) == Outside()
    assert not outside([], CLOCK)


def test_a_fit_keeps_every_pulse_and_the_tolerance_within_which_a_clock_is_steady() -> None:
    own, pulses = RegularTimes(0, 10, 100), 5 + np.arange(100) / 10
    fit = fit_pulses(own, pulses, resolution=1e-3, source="movie", line="daq/FrameClock")
    assert fit.ties is not None
    assert (len(fit.ties), len(fit.ties.missing), len(fit.ties.spurious)) == (100, 0, 0)
    assert fit.tolerance == MOST_SCATTER * 1e-3


@pytest.mark.parametrize(("n_pulses", "missing", "spurious"), [(96, 4, 0), (103, 0, 3)])
def test_what_a_cut_leaves_without_its_counterpart_is_counted(n_pulses: int, missing: int, spurious: int) -> None:
    own, pulses = RegularTimes(0, 10, 100), 5 + np.arange(n_pulses) / 10
    fit = fit_used(own, pulses, until=4.9, resolution=1e-3, source="movie", line="daq/FrameClock")
    assert fit.ties is not None
    ties = fit.ties.among(own.seconds, pulses)
    assert (len(ties), len(ties.missing), len(ties.spurious)) == (min(n_pulses, 100), missing, spurious)


def test_ties_are_found_again_among_more_times_or_stay() -> None:
    ties = Ties.in_order(np.array([1.0, 2.0]), np.array([11.0, 12.0]))
    found = ties.among(np.array([0.0, 1.0, 2.0, 3.0]), np.array([10.5, 11.0, 12.0]))
    assert (found.events.tolist(), found.used.tolist()) == ([1, 2], [1, 2])
    assert (found.missing.tolist(), found.spurious.tolist()) == ([0, 3], [0])
    assert ties.among(np.array([0.0, 1.0, 2.1]), np.array([11.0, 12.0])) is ties
    assert ties.among(np.array([1.0]), np.array([11.0, 12.0])) is ties
    twice = Ties.in_order(np.array([1.0, 1.0]), np.array([11.0, 12.0]))
    assert twice.among(np.array([0.0, 1.0, 1.0]), np.array([11.0, 12.0])) is twice


def test_as_many_events_as_pulses_are_tied() -> None:
    with pytest.raises(ValueError, match="1 events are tied to 2 pulses"):
        Ties(np.arange(2.0), np.arange(2.0), np.array([0]), np.array([0, 1]))


def test_regular_samples_stay_regular_within_the_tolerance_and_not_beyond() -> None:
    own = RegularTimes(0, 20, 2000)
    random = np.random.default_rng(5)
    for scatter, kind in ((1e-3, RegularTimes), (4e-3, ExplicitTimes)):
        pulses = 1 + own.seconds * 1.00003 + random.uniform(-scatter, scatter, 2000)
        fit = fit_pulses(own, pulses, resolution=1e-3, source="movie", line="daq/FrameClock")
        assert fit.clock is not None
        assert isinstance(own.mapped(fit.clock), kind)
        assert (fit.residual_most <= fit.tolerance) or kind is ExplicitTimes
