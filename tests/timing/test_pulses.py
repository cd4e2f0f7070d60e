from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bergmann.arrays import DigitalLine
from bergmann.errors import SourceError
from bergmann.pulses import clock_pulses, recorded_pulses
from bergmann.records import Channel, Recording
from bergmann.timing.pulses import Pulses, find_levels, find_pulses, rests_on, without_glitches
from bergmann.timing.times import ExplicitTimes


def reader(samples):
    samples = np.asarray(samples)
    return (lambda start, stop: samples[start:stop]), len(samples)


def plain_schmitt(samples, upper, lower):
    """The definition, one sample after the other."""
    on, pulses, since = False, [], 0
    for index, value in enumerate(samples):
        if not on and value >= upper:
            on, since = True, index
        elif on and value < lower:
            on = False
            pulses.append((since, index))
    return [*pulses, (since, len(samples))] if on else pulses


levels = st.lists(st.integers(-4, 4), max_size=60)


@given(samples=levels, hysteresis=st.sampled_from([0, 1, 2, 3]), block=st.integers(1, 70))
def test_pulses_are_those_of_the_definition_whatever_the_block(samples, hysteresis, block):
    read, n = reader(samples)
    found = find_pulses(read, n, threshold=0.5, hysteresis=hysteresis, block=block)
    expected = plain_schmitt(samples, 0.5 + hysteresis / 2, 0.5 - hysteresis / 2)
    assert list(zip(found.onsets.tolist(), found.offsets.tolist(), strict=True)) == expected
    assert found.levels.tolist() == [float(np.median(samples[on:off])) for on, off in expected]
    assert found.starts_on == (bool(expected) and expected[0][0] == 0)
    assert found.ends_on == (bool(expected) and expected[-1][1] == len(samples))


@given(samples=levels, hysteresis=st.sampled_from([0, 1, 2]), block=st.integers(1, 70))
def test_low_pulses_of_a_line_are_the_high_pulses_of_its_mirror_image(samples, hysteresis, block):
    low = find_pulses(*reader(samples), threshold=0.5, hysteresis=hysteresis, polarity="low", block=block)
    high = find_pulses(*reader([-value for value in samples]), threshold=-0.5, hysteresis=hysteresis)
    assert low.onsets.tolist() == high.onsets.tolist()
    assert low.offsets.tolist() == high.offsets.tolist()
    assert low.levels.tolist() == [-level for level in high.levels]


@given(widths=st.lists(st.integers(1, 9), min_size=1, max_size=40), block=st.integers(1, 50))
def test_no_pulse_of_a_digital_line_is_lost_or_invented(widths, block):
    line = np.concatenate([np.full(width, index % 2, dtype=np.uint8) for index, width in enumerate(widths)])
    found = find_pulses(*reader(line), threshold=0.5, block=block)
    edges = np.cumsum([0, *widths])
    assert found.onsets.tolist() == edges[1:-1:2].tolist()
    assert found.offsets.tolist() == [int(stop) for index, (_, stop) in enumerate(pairwise(edges)) if index % 2]
    assert found.levels.tolist() == [1.0] * len(found)


@given(
    n_low=st.integers(20, 400), n_high=st.integers(1, 400), low=st.floats(-5, 5), step=st.floats(0.01, 10), seed=st.integers(0, 9)
)
def test_levels_of_a_line_with_little_noise_are_found(n_low, n_high, low, step, seed):
    line = np.repeat([low, low + step], [n_low, n_high])
    line = line + np.random.default_rng(seed).uniform(-0.02, 0.02, len(line)) * step
    found = find_levels(*reader(line), block=37)
    assert found.low == pytest.approx(low, abs=0.03 * step)
    assert found.high == pytest.approx(low + step, abs=0.03 * step)


@pytest.mark.parametrize(
    "line",
    [
        np.zeros(100),
        np.random.default_rng(1).normal(size=5000),
        np.sin(np.linspace(0, 60, 5000)),
        np.linspace(0, 1, 1000),
        np.repeat([0, 2, 5], [1000, 200, 200]),
    ],
    ids=["flat", "noise", "sine", "ramp", "three levels"],
)
def test_a_line_without_two_levels_is_refused(line):
    with pytest.raises(SourceError, match=r"no two levels: the samples lie between .* and .*; state `threshold`"):
        find_levels(*reader(line))


def test_the_last_bit_of_an_idle_digitiser_is_not_a_pulse():
    with pytest.raises(SourceError, match=r"between 0 and 0\.0003"):
        find_levels(*reader(np.tile([0, 0, 0.0003], 100)), resolution=0.0003)


def test_a_long_pulse_keeps_a_bounded_part_for_its_level(monkeypatch):
    monkeypatch.setattr("bergmann.timing.pulses.LEVEL_SAMPLES", 4)
    line = [0, 5, 5, 5, 5, 9, 9, 9, 9, 9, 9, 0]
    for block in (1, 3, 5, 20):
        assert find_pulses(*reader(line), threshold=2.5, block=block).levels.tolist() == [5.0]


def test_a_nan_and_a_short_block_are_refused():
    with pytest.raises(SourceError, match="sample 3 is not a number"):
        find_pulses(*reader([0, 1, 0, np.nan]), threshold=0.5, block=2)
    with pytest.raises(SourceError, match=r"samples 0 to 9 have the shape \(3,\)"):
        find_pulses(lambda start, stop: np.zeros(3), 9, threshold=0.5)
    with pytest.raises(SourceError, match="hysteresis of -1"):
        find_pulses(*reader([0]), threshold=0.5, hysteresis=-1)


def test_a_line_without_samples_has_no_pulses():
    found = find_pulses(*reader([]), threshold=0.5)
    assert isinstance(found, Pulses)
    assert (len(found), found.starts_on, found.ends_on) == (0, False, False)


# --- of a recording ---------------------------------------------------------------------------------------------------


def recording(samples, *, starts=(0.0,), lengths=None, kind="analog", unit="V", conversion=1.0, offset=0.0):
    samples = np.asarray(samples)
    channel = Channel(name="Clock", kind=kind, unit=unit, samples=samples, conversion=conversion, offset=offset)
    return Recording(
        files=(Path("run_0001.h5"),),
        rate=10.0,
        sweep_starts=ExplicitTimes(np.array(starts)),
        sweep_lengths=np.array(lengths or [len(samples)]),
        channels=(channel,),
    )


def test_pulses_are_in_seconds_and_units():
    found = recorded_pulses(recording(np.array([0, 0, 500, 500, 0, 500], dtype=np.int16), starts=(3.0,), conversion=0.01), "Clock")
    assert found.times.seconds == pytest.approx([3.2, 3.5])
    assert found.durations == pytest.approx([0.2, 0.1])
    assert found.levels == pytest.approx([5, 5])
    assert found.on_at_end.tolist() == [False, True]
    assert found.threshold == pytest.approx(2.5, abs=0.01)
    assert recorded_pulses(recording([0, 5, 0]), "Clock", threshold=2.5).basis == "threshold 2.5 V, hysteresis 0.5 V"


def test_a_pulse_is_cut_at_a_gap_and_joined_where_there_is_none():
    line, lengths = [0, 0, 1, 1, 1, 0, 0, 0], [4, 4]
    joined = recorded_pulses(recording(line, starts=(0, 0.4), lengths=lengths, kind="digital", unit="n.a."), "Clock")
    assert joined.times.seconds == pytest.approx([0.2])
    assert joined.durations == pytest.approx([0.3])
    assert joined.basis == "digital line"
    apart = recorded_pulses(recording(line, starts=(0, 60), lengths=lengths, kind="digital", unit="n.a."), "Clock")
    assert apart.times.seconds == pytest.approx([0.2, 60])
    assert apart.durations == pytest.approx([0.2, 0.1])
    assert apart.on_at_end.tolist() == [True, False]
    assert apart.on_at_start.tolist() == [False, True]
    assert apart.basis == "digital line; 2 cut at the edge of a sweep"


def test_an_idle_digital_line_has_no_pulses_and_takes_no_threshold():
    idle = recording([0, 0, 0], kind="digital", unit="n.a.")
    assert len(recorded_pulses(idle, "Clock")) == 0
    with pytest.raises(SourceError, match=r"run_0001.h5: channel Clock: a digital line is 0 or 1"):
        recorded_pulses(idle, "Clock", threshold=2.0)


def test_a_missing_channel_and_a_flat_one_are_named():
    with pytest.raises(SourceError, match="no channel 'Laser'; it has: Clock"):
        recorded_pulses(recording([0, 5]), "Laser")
    with pytest.raises(SourceError, match=r"run_0001.h5: channel Clock: no two levels: .* between 1 and 1"):
        recorded_pulses(recording([1.0, 1.0]), "Clock")


@given(edges=st.lists(st.integers(0, 200), unique=True, max_size=30).map(sorted), cut=st.integers(1, 199))
def test_a_line_of_edges_has_the_pulses_of_its_samples(edges: list[int], cut: int) -> None:
    """Whether the samples are gone through, or the edges are taken as they are, in two sweeps with a gap between them."""
    line = DigitalLine(np.array(edges, dtype=np.int64), 200)
    by_edges, by_samples = (
        recorded_pulses(
            Recording(
                files=(Path("a"),),
                rate=1.0,
                sweep_starts=ExplicitTimes(np.array([0.0, cut + 5.0])),
                sweep_lengths=np.array([cut, 200 - cut]),
                channels=(Channel(name="a", kind="digital", unit="n.a.", samples=samples),),
            ),
            "a",
        )
        for samples in (line, line[0:200])
    )
    for name in ("durations", "levels", "on_at_start", "on_at_end"):
        assert getattr(by_edges, name).tolist() == getattr(by_samples, name).tolist()
    assert by_edges.times.seconds.tolist() == by_samples.times.seconds.tolist()


# --- between samples, glitches, lines turned round --------------------------------------------------------------------


@given(samples=levels, hysteresis=st.sampled_from([0, 1, 2]), block=st.integers(1, 70))
def test_edges_between_samples_do_not_depend_on_the_block(samples, hysteresis, block):
    whole = find_pulses(*reader(samples), threshold=0.5, hysteresis=hysteresis)
    parts = find_pulses(*reader(samples), threshold=0.5, hysteresis=hysteresis, block=block)
    assert parts.rises.tolist() == pytest.approx(whole.rises.tolist(), rel=1e-12)
    assert parts.falls.tolist() == pytest.approx(whole.falls.tolist(), rel=1e-12)
    assert ((parts.rises <= parts.onsets) & (parts.rises >= np.maximum(parts.onsets - 1, 0))).all()
    assert ((parts.falls <= parts.offsets) & (parts.falls >= parts.offsets - 1)).all()


@given(phase=st.floats(0, 1), slope=st.floats(0.1, 0.9), limit=st.floats(3.5, 5))
def test_a_slow_edge_is_found_between_samples_also_where_it_is_clipped(phase, slope, limit):
    edge = 20 + phase + 2.5 / slope
    assume(abs(edge - round(edge)) > 1e-6)  # at a sample, rounding decides on which side of it the edge is
    times = np.arange(60.0)
    line = np.minimum(np.clip(slope * (times - 20 - phase), 0, 5), limit)
    found = find_pulses(*reader(np.append(line, 0.0)), threshold=2.5)
    assert found.rises.tolist() == pytest.approx([20 + phase + 2.5 / slope], abs=1e-9)
    assert found.onsets.tolist() == [int(np.ceil(20 + phase + 2.5 / slope - 1e-9))]


def test_an_edge_of_a_digital_line_is_half_way_between_two_samples():
    found = find_pulses(*reader(np.array([0, 1, 1, 0, 1], dtype=np.uint8)), threshold=0.5)
    assert found.rises.tolist() == [0.5, 3.5]
    assert found.falls.tolist() == [2.5, 5.0]


def plain_debounce(pulses, shortest, n_samples):
    """The definition: close short gaps, then leave short pulses out, but not those that an end of the line cuts."""
    joined = []
    for on, off in pulses:
        if joined and on - joined[-1][1] < shortest:
            joined[-1] = (joined[-1][0], off)
        else:
            joined.append((on, off))
    return [(on, off) for on, off in joined if off - on >= shortest or on == 0 or off == n_samples]


@given(samples=st.lists(st.integers(0, 1), max_size=60), shortest=st.integers(0, 6), block=st.integers(1, 70))
def test_glitches_are_those_of_the_definition_and_each_is_listed(samples, shortest, block):
    pulses = find_pulses(*reader(samples), threshold=0.5, block=block)
    kept, glitches = without_glitches(pulses, shortest=shortest)
    pairs = list(zip(pulses.onsets.tolist(), pulses.offsets.tolist(), strict=True))
    assert list(zip(kept.onsets.tolist(), kept.offsets.tolist(), strict=True)) == plain_debounce(pairs, shortest, len(samples))
    line = np.zeros(len(samples), dtype=np.int64)
    for on, off in zip(kept.onsets, kept.offsets, strict=True):
        line[on:off] = 1
    for at, width, is_gap in zip(glitches.onsets, glitches.widths, glitches.are_gaps, strict=True):
        assert width < shortest
        assert (line[at : at + width] == int(is_gap)).all()
    changed = np.zeros(len(samples), dtype=np.bool_)
    for at, width in zip(glitches.onsets, glitches.widths, strict=True):
        changed[at : at + width] = True
    assert (changed | (line == np.array(samples, dtype=np.int64))).all()


def test_a_pulse_that_bounces_is_one_from_its_first_touch():
    found = find_pulses(*reader([0, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0]), threshold=0.5)
    kept, glitches = without_glitches(found, shortest=3)
    assert (kept.onsets.tolist(), kept.offsets.tolist()) == ([2], [8])
    assert (glitches.onsets.tolist(), glitches.widths.tolist(), glitches.are_gaps.tolist()) == ([3, 12], [1, 1], [True, False])


@pytest.mark.parametrize(
    ("line", "rests"),
    [
        ([1] * 9 + [0, 1, 1] * 5 + [1] * 9, True),
        ([0] * 9 + [1, 0, 0] * 5 + [0] * 9, False),
        ([0, 1, 1, 1] * 6, False),
        ([1, 1] + [0, 1, 1] * 6, False),
        ([1, 1, 1], False),
    ],
    ids=["turned round", "usual", "on for most of the time", "begun within", "always on"],
)
def test_a_line_that_rests_on_is_told_by_its_ends(line, rests):
    assert rests_on(find_pulses(*reader(line), threshold=0.5)) is rests


def test_a_line_that_is_clipped_is_said_to_be():
    swing = np.clip(np.sin(np.linspace(0, 300, 20_000)) * 2, None, 1.2)
    with pytest.raises(SourceError, match=r"3\d% of the samples are exactly the highest one: was it clipped"):
        find_levels(*reader(swing))


def test_glitches_of_a_recording_are_in_seconds():
    line = [0, 0, 5, 5, 5, 0, 0, 0, 5, 0, 0, 0]
    found = recorded_pulses(recording(line, starts=(3.0,)), "Clock", threshold=2.5, minimum_width=0.2)
    assert found.times.seconds == pytest.approx([3.2])
    assert str(found.glitches) == "1 pulse shorter than 200 ms: 100 ms at 3.800000 s"
    assert recorded_pulses(recording(line), "Clock", threshold=2.5).glitches is None


def test_a_clock_line_that_rests_high_has_low_pulses():
    line = np.array([5.0] * 9 + [0, 5, 5] * 5 + [5] * 9)
    found = clock_pulses(recording(line), "Clock")
    assert (found.polarity, len(found)) == ("low", 5)
    assert found.times.seconds == pytest.approx(0.9 + 0.3 * np.arange(5))
    assert len(clock_pulses(recording(line), "Clock", polarity="high")) == 6


def test_edges_of_a_recording_are_between_samples():
    found = recorded_pulses(recording([0, 1, 4, 5, 5, 1, 0], starts=(3.0,)), "Clock", threshold=2.5, hysteresis=0)
    assert found.rises == pytest.approx([3.15])
    assert found.falls == pytest.approx([3.4 + 0.1 * 2.5 / 4])
    assert found.times.seconds == pytest.approx([3.2])
