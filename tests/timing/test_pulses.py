from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.arrays import DigitalLine
from bergmann.errors import SourceError
from bergmann.pulses import recorded_pulses
from bergmann.records import Channel, Recording
from bergmann.timing.pulses import Pulses, find_levels, find_pulses
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
