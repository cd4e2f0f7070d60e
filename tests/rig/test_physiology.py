"""The simulated animal is what it is said to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.rig import Calibration, Clock, DoseResponse, Flare, Rig, demo_rigs, target_rig
from bergmann.rig.physiology import CEILING, calcium, draw, integrated

TIMES = np.arange(0, 60, 0.01)


def lone(peak: float, onset: float = 5.0) -> Flare:
    return Flare(cause="light", onset=onset, power=5e-3, peak=peak)


@given(
    start=st.floats(-100, 100),
    drift=st.floats(-500, 500),
    times=st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=5),
)
def test_a_clock_shows_what_it_reaches(start: float, drift: float, times: list[float]) -> None:
    clock = Clock(start, drift)
    np.testing.assert_allclose(clock.reaches(clock.shows(np.array(times))), times, rtol=0, atol=1e-9)


def test_a_clock_that_is_100_ppm_fast_is_a_tenth_of_a_second_ahead_after_1000_seconds() -> None:
    clock = Clock(start=2.0, drift_ppm=100.0)
    np.testing.assert_allclose(clock.shows(np.array([2.0, 1002.0])), [0.0, 1000.1], atol=1e-9)
    assert clock.greatest_error(1000.0, daq_rate=1000.0) == pytest.approx(0.101)


@given(peak=st.floats(0.01, 5.0), length=st.floats(0.1, 20.0))
def test_a_flare_on_its_own_reaches_its_stated_peak(peak: float, length: float) -> None:
    rig = Rig(train_length=length)
    assert calcium(rig, (lone(peak),), TIMES).max() == pytest.approx(peak, rel=1e-3)


def test_nothing_happens_before_the_input_and_half_is_gone_some_seconds_after_the_peak() -> None:
    trace = integrated(TIMES - 5.0, 1.0)
    assert (trace[TIMES <= 5.0] == 0).all()
    peak = TIMES[trace.argmax()]
    assert 1.0 < peak - 5.0 < 4.0
    assert 3.0 < TIMES[(peak < TIMES) & (trace < 0.5)][0] - peak < 8.0


def test_two_flares_add_up_to_more_than_one_and_to_less_than_two() -> None:
    rig = Rig()
    both = calcium(rig, (lone(1.5), lone(1.5, onset=6.0)), TIMES).max()
    assert 1.5 < both < 3.0
    assert calcium(rig, tuple(lone(5.0, onset=1.0 * n) for n in range(20)), TIMES).max() < CEILING


def test_half_the_greatest_response_comes_at_the_half_power() -> None:
    curve = DoseResponse(greatest=2.0, half_power=4e-3, slope=1.7)
    np.testing.assert_allclose(curve.peak(np.array([0.0, 4e-3])), [0.0, 1.0])


@given(power=st.floats(0.1e-3, 11e-3))
def test_the_calibration_is_its_own_inverse(power: float) -> None:
    calibration = Calibration()
    assert calibration.power_of(np.array(calibration.volts_for(power))) == pytest.approx(power)


def test_every_power_comes_as_often_as_said_and_in_another_order_for_another_seed() -> None:
    rig = Rig()
    orders = []
    for seed in (1, 2):
        truth = draw(replace(rig, seed=seed))
        light = [flare.power for flare in truth.flares if flare.cause == "light"]
        assert sorted(light) == sorted(rig.powers * rig.repeats)
        assert len(truth.pulse_times) == len(light) * 20
        orders.append(light)
    assert orders[0] != orders[1]


def test_the_knockdown_leaves_the_stated_share_of_each_flare_and_fewer_licks() -> None:
    rig = Rig(seed=3)
    knockdown, control = draw(replace(rig, arm="shrna")), draw(replace(rig, arm="scrambled"))
    for less, whole in zip(knockdown.flares, control.flares, strict=True):
        assert less.peak == pytest.approx(rig.knockdown_gain * whole.peak)
    assert knockdown.lick_durations.sum() < control.lick_durations.sum()
    assert control.von_frey["POD7", "left"] < knockdown.von_frey["POD7", "left"] < control.von_frey["baseline", "left"]


@pytest.mark.parametrize("rig", [*demo_rigs(), target_rig()], ids=["knockdown", "control", "target"])
def test_everything_happens_while_the_instruments_record(rig: Rig) -> None:
    truth = draw(rig)
    end = rig.n_samples / rig.daq_rate
    for times in (truth.frame_times, truth.camera_times, truth.pulse_times, truth.lick_times + truth.lick_durations):
        assert times[0] > 0
        assert times[-1] < end - 0.5
        assert (np.diff(times) > 0).all()
    assert truth.lick_times[0] > rig.capsaicin
    assert truth.camera_times[0] < truth.frame_times[0] < truth.pulse_times[0]


def test_the_target_session_is_as_its_session_file_says() -> None:
    rig = target_rig()
    truth = draw(rig)
    assert (rig.n_frames, rig.n_files) == (38_400, 4)
    assert rig.frames_before == 6_000
    assert truth.frame_times[-1] > 22.5 * 60 + rig.microscope.start
    at = rig.start.replace(hour=10, minute=41, second=0)
    assert abs((at - rig.start).total_seconds() - rig.capsaicin) < 30
    assert abs(rig.capsaicin - (rig.microscope.start + 600)) < 30
