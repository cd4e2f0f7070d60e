"""A clock is fitted to its pulses, and what is left is stated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.timing.fit import fit_pulses
from bergmann.timing.times import ExplicitTimes, RegularTimes


@given(st.floats(-1e4, 1e4), st.floats(0.5, 500), st.integers(1, 2000))
def test_a_shifted_clock_is_found_whole(offset: float, rate: float, count: int) -> None:
    own = RegularTimes(0.25, rate, count)
    fit = fit_pulses(own, own.seconds + offset, resolution=1e-3, source="movie", line="daq/FrameClock")
    assert fit.offset == pytest.approx(offset, abs=1e-9)
    assert fit.residual == pytest.approx(0, abs=1e-9)
    assert (fit.n_pulses, fit.n_events) == (count, count)


@given(st.floats(-200, 200))
def test_a_drift_is_removed_and_told(ppm: float) -> None:
    pulses = 3 + np.arange(1000) / 10
    own = ExplicitTimes((pulses - 3) * (1 + ppm * 1e-6))
    fit = fit_pulses(own, pulses, resolution=1e-4, source="movie", line="daq/FrameClock")
    assert fit.clock is not None
    np.testing.assert_allclose(own.mapped(fit.clock).seconds, pulses, atol=1e-4)
    assert fit.drift == pytest.approx(99.9 * ppm * 1e-6, abs=1e-9)
    assert fit.residual <= 1e-4
    if abs(ppm) > 5:
        assert (
            fit.method
            == f"offset and rate, fitted to 1000 pulses: its clock runs {abs(ppm):.1f} ppm {'fast' if ppm > 0 else 'slow'}"
        )


def test_a_camera_that_paused_has_each_frame_at_its_pulse() -> None:
    """A pause is no drift: a line through it would put every frame wrong."""
    pulses = np.arange(2000) / 20 + np.where(np.arange(2000) >= 700, 0.4, 0.0)
    fit = fit_pulses(RegularTimes(0, 20, 2000), pulses, resolution=1e-3, source="face", line="daq/Cam")
    assert fit.clock is not None
    np.testing.assert_array_equal(RegularTimes(0, 20, 2000).mapped(fit.clock).seconds, pulses)
    assert fit.method == "each frame is at its own pulse"
    assert "face is no steady clock" in fit.remark


def test_missing_pulses_are_refused_with_both_counts() -> None:
    with pytest.raises(SourceError, match=r"movie: 10 frames, but 9 pulses on daq/FrameClock"):
        fit_pulses(RegularTimes(0, 10, 10), np.arange(9) / 10, resolution=1e-3, source="movie", line="daq/FrameClock")


def test_a_silent_line_is_refused() -> None:
    with pytest.raises(SourceError, match=r"daq/FrameClock: no pulse on this line; expected 10"):
        fit_pulses(RegularTimes(0, 10, 10), np.empty(0), resolution=1e-3, source="movie", line="daq/FrameClock")


def test_a_rate_that_is_wrong_is_no_drift() -> None:
    pulses = np.arange(3000) / 30
    with pytest.raises(SourceError, match=r"face: 3000 frames in 119\.960 s by its own clock, but in 99\.967 s by the pulses"):
        fit_pulses(RegularTimes(0, 25, 3000), pulses, resolution=1e-3, source="face", line="daq/Cam")
