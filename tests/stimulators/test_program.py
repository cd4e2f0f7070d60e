"""What Pulse Pal gives for its settings: the pulses of a train, counted in cycles of 50 us."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.stimulators.program import CYCLE, Custom, Output, heeded, train_of

PLAIN = Output(
    is_biphasic=False,
    phase1_voltage=5.0,
    phase2_voltage=-5.0,
    resting_voltage=0.0,
    phase1_duration=0.01,
    inter_phase_interval=0.001,
    phase2_duration=0.002,
    inter_pulse_interval=0.04,
    burst_duration=0.0,
    inter_burst_interval=0.0,
    train_duration=0.2,
    train_delay=0.0,
    links=(True, False),
    custom_train=0,
    custom_target=0,
    custom_loop=False,
)


def given_by(custom: Custom | None = None, **settings: Any) -> list[tuple[float, float, float]]:
    """Onset and end in milliseconds, and volts, of each segment."""
    train = train_of(replace(PLAIN, **settings), custom)
    return [(round(one.first * CYCLE * 1000, 6), round(one.stop * CYCLE * 1000, 6), one.volts) for one in train.segments]


def test_pulses_follow_each_other_by_length_and_interval() -> None:
    assert given_by() == [(0, 10, 5), (50, 60, 5), (100, 110, 5), (150, 160, 5)]
    assert train_of(PLAIN, None).stop == 4000


def test_a_train_begins_after_its_delay() -> None:
    assert given_by(train_delay=0.1, train_duration=0.1) == [(100, 110, 5), (150, 160, 5)]
    assert train_of(replace(PLAIN, train_delay=0.1), None).stop == 6000


def test_a_pulse_within_which_the_train_ends_is_cut() -> None:
    assert given_by(train_duration=0.055) == [(0, 10, 5), (50, 55, 5)]
    assert [one.is_cut for one in train_of(replace(PLAIN, train_duration=0.055), None).segments] == [False, True]
    assert given_by(train_duration=0.05) == [(0, 10, 5)]  # a pulse does not begin with the end
    assert given_by(train_duration=0.06) == [(0, 10, 5), (50, 60, 5)]
    assert not any(one.is_cut for one in train_of(replace(PLAIN, train_duration=0.06), None).segments)


def test_continuous_light_is_one_pulse() -> None:
    assert given_by(phase1_duration=2.0, inter_pulse_interval=0.0, train_duration=2.0) == [(0, 2000, 5)]


def test_no_interval_between_pulses_is_refused() -> None:
    with pytest.raises(SourceError, match="inter pulse interval is 0, for which versions of Pulse Pal give one pulse or a line"):
        given_by(inter_pulse_interval=0.0)


def test_bursts_hold_the_pulses_that_end_before_they_do() -> None:
    found = given_by(burst_duration=0.06, inter_burst_interval=0.09, train_duration=0.3)
    assert found == [(0, 10, 5), (150, 160, 5)]  # the second pulse would end with the burst
    found = given_by(burst_duration=0.065, inter_burst_interval=0.085, train_duration=0.3)
    assert found == [(0, 10, 5), (50, 60, 5), (150, 160, 5), (200, 210, 5)]


def test_the_first_pulse_of_a_burst_ends_with_it() -> None:
    assert given_by(phase1_duration=0.02, burst_duration=0.02, inter_burst_interval=0.08) == [(0, 20, 5), (100, 120, 5)]
    assert given_by(phase1_duration=0.03, burst_duration=0.02, inter_burst_interval=0.08) == [(0, 20, 5), (100, 120, 5)]


def test_a_burst_without_an_interval_is_none() -> None:
    assert given_by(burst_duration=0.02) == given_by()


def test_both_phases_of_biphasic_pulses() -> None:
    assert given_by(is_biphasic=True, train_duration=0.06) == [(0, 10, 5), (11, 13, -5), (53, 60, 5)]
    assert given_by(is_biphasic=True, phase2_voltage=0.0, train_duration=0.05) == [(0, 10, 5)]
    assert given_by(is_biphasic=True, burst_duration=0.012, inter_burst_interval=0.088) == [
        (0, 10, 5), (11, 12, -5), (100, 110, 5), (111, 112, -5)
    ]  # fmt: skip


def test_the_resting_voltage_is_no_pulse() -> None:
    assert given_by(resting_voltage=5.0) == []


CUSTOM = Custom([0.0, 0.03, 0.1], [1.0, 2.0, 3.0])


def test_a_custom_train_has_its_own_onsets_and_voltages() -> None:
    assert given_by(CUSTOM, custom_train=1) == [(0, 10, 1), (30, 40, 2), (100, 110, 3)]
    assert given_by(CUSTOM, custom_train=2, train_duration=0.05, train_delay=0.1)[-1] == (200, 210, 3)  # the train lasts as it says
    assert train_of(replace(PLAIN, custom_train=1), CUSTOM).stop == 2200


def test_custom_pulses_that_follow_at_once_take_over() -> None:
    ramp = Custom([0.0, 0.01, 0.02], [1.0, 2.0, 3.0])
    assert given_by(ramp, custom_train=1) == [(0, 10, 1), (10, 20, 2), (20, 30, 3)]
    assert given_by(ramp, custom_train=1, phase1_duration=0.02) == [(0, 10, 1), (10, 20, 2), (20, 40, 3)]


def test_custom_biphasic_pulses_turn_about_zero() -> None:
    assert given_by(CUSTOM, custom_train=1, is_biphasic=True)[:2] == [(0, 10, 1), (11, 13, -1)]
    with pytest.raises(SourceError, match="biphasic pulses of its custom train follow each other without a rest"):
        given_by(Custom([0.0, 0.01], [1.0, 2.0]), custom_train=1, is_biphasic=True)


def test_a_custom_train_that_loops_begins_again_behind_its_last_pulse() -> None:
    found = given_by(Custom([0.01, 0.05], [1.0, 2.0]), custom_train=1, custom_loop=True, train_duration=0.15)
    assert found == [(10, 20, 1), (50, 60, 2), (60, 70, 1), (110, 120, 2), (120, 130, 1)]


def test_a_custom_train_of_bursts() -> None:
    found = given_by(
        Custom([0.0, 0.5], [1.0, 2.0]), custom_train=1, custom_target=1, burst_duration=0.065, inter_burst_interval=0.1
    )
    assert found == [(0, 10, 1), (50, 60, 1), (500, 510, 2), (550, 560, 2)]


@pytest.mark.parametrize(
    ("custom", "settings", "message"),
    [
        (None, {"custom_train": 1}, "it plays custom train 1, which is no setting; state `custom_train:`, a table"),
        (Custom([0.0, 0.0], [1.0, 1.0]), {"custom_train": 1}, "the onsets of the custom train do not ascend"),
        (Custom([], []), {"custom_train": 1}, "0 voltages for 0 onsets"),
        (CUSTOM, {"custom_train": 1, "custom_target": 1}, "burst duration is 0, and the custom train is one of bursts"),
        (CUSTOM, {"custom_train": 1, "custom_target": 1, "burst_duration": 0.05}, "burst 2 of the custom train begins before"),
        (None, {"phase1_duration": 0.01002}, "phase1 duration is 0.01002 s; Pulse Pal takes multiples of 50 us"),
        (None, {"train_duration": -1.0}, "train duration is -1 s"),
        (None, {"phase1_duration": 0.0}, "phase1 duration is 0, so no pulse is given"),
    ],
)
def test_settings_that_give_nothing_known_are_refused(custom: Custom | None, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        given_by(custom, **settings)


def stepped(width: int, gap: int, burst: int, between: int, end: int) -> list[bool]:
    """Whether the output is on in each cycle, gone through cycle by cycle."""
    has_bursts = burst > 0 and between > 0
    on, since, in_burst = False, 0, 0
    levels = []
    next_pulse = 0
    for cycle in range(end):
        within = cycle % (burst + between) if has_bursts else cycle
        if has_bursts and within == 0:
            in_burst, next_pulse = cycle, cycle
        if has_bursts and within >= burst:
            on = False
        else:
            if on and cycle - since == width:
                on, next_pulse = False, cycle + gap
            fits = not has_bursts or cycle == in_burst or within + width < burst
            if not on and cycle == next_pulse and fits:
                on, since = True, cycle
        levels.append(on)
    return levels


@given(
    width=st.integers(1, 30), gap=st.integers(1, 30), burst=st.integers(0, 80), between=st.integers(0, 40), end=st.integers(0, 400)
)
def test_pulses_are_those_of_the_cycles(width: int, gap: int, burst: int, between: int, end: int) -> None:
    output = replace(
        PLAIN,
        phase1_duration=width * CYCLE,
        inter_pulse_interval=gap * CYCLE,
        burst_duration=burst * CYCLE,
        inter_burst_interval=between * CYCLE,
        train_duration=end * CYCLE,
    )
    levels = np.zeros(end, dtype=bool)
    for one in train_of(output, None).segments:
        assert not levels[one.first : one.stop].any()
        levels[one.first : one.stop] = True
    assert levels.tolist() == stepped(width, gap, burst, between, end)


# --- triggers ---------------------------------------------------------------------------------------------------------

RISES, FALLS = np.array([1.0, 1.5, 4.0]), np.array([1.2, 1.6, 4.1])


@pytest.mark.parametrize(
    ("mode", "starts", "stops"),
    [
        ("normal", [1.0, 4.0], [2.0, 5.0]),
        ("toggle", [1.0, 4.0], [1.5, 5.0]),
        ("gated", [1.0, 1.5, 4.0], [1.2, 1.6, 4.1]),
    ],
)
def test_what_a_trigger_within_a_train_does(mode: Any, starts: list[float], stops: list[float]) -> None:
    found = heeded(RISES, FALLS, 1.0, mode)
    assert found[0].tolist() == starts
    assert found[1].tolist() == pytest.approx(stops)
