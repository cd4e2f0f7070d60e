"""Arithmetic of frames and times, over many of them."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.behavior._boris import Observation, Row
from bergmann.behavior._bouts import pair
from bergmann.behavior._media import Media, join
from bergmann.timing.times import ExplicitTimes, RegularTimes, times_at

RATES = st.sampled_from([Fraction(25), Fraction(30000, 1001), Fraction(250), Fraction(15, 2), Fraction(1000000, 33333)])
STEPS = st.lists(st.floats(0.001, 2.0), min_size=1, max_size=50)


def media(seconds, rate=25.0, tick=1e-6):
    return Media((64, 48), rate, np.asarray(seconds, dtype=float), tick)


@given(STEPS, st.floats(-100, 100))
def test_whole_frames_have_exactly_their_own_times(steps, start):
    seconds = start + np.concatenate([[0.0], np.cumsum(steps)])
    np.testing.assert_array_equal(times_at(ExplicitTimes(seconds), np.arange(len(seconds), dtype=float)), seconds)


@given(STEPS, st.lists(st.floats(0, 60), min_size=2, max_size=20).map(sorted))
def test_time_never_runs_backwards_with_the_frames(steps, frames):
    times = ExplicitTimes(np.concatenate([[0.0], np.cumsum(steps)]))
    assert (np.diff(times_at(times, np.array(frames))) >= 0).all()


@given(RATES, st.integers(1, 400), st.floats(0, 400), st.floats(-10, 10))
def test_regular_and_explicit_times_of_one_grid_agree(rate, count, frame, start):
    regular = RegularTimes(start, float(rate), count)
    explicit = ExplicitTimes(regular.seconds)
    frame = min(frame, count - 1.0) if count == 1 else min(frame, count + 1.0)
    np.testing.assert_allclose(times_at(regular, np.array([frame])), times_at(explicit, np.array([frame])), atol=1e-7)


@given(RATES, st.integers(1, 500))
def test_times_rounded_to_milliseconds_are_still_the_grid(rate, count):
    exact = np.arange(count) / float(rate)
    one = media(np.round(exact, 3), float(rate), tick=0.001)
    assert one.times == RegularTimes(0.0, float(rate), count)


@given(st.integers(2, 200), st.data())
def test_a_frame_more_than_a_tick_off_is_kept_as_it_is(count, data):
    seconds = np.arange(count) / 25
    seconds[data.draw(st.integers(1, count - 1))] += 0.003
    one = media(seconds, tick=0.001)
    assert isinstance(one.times, ExplicitTimes)
    np.testing.assert_array_equal(one.times.seconds, seconds)


@given(RATES, st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_files_of_one_rate_join_to_one_grid(rate, counts):
    parts = [media(np.arange(count) / float(rate), float(rate)) for count in counts]
    assert join(parts) == RegularTimes(0.0, float(rate), sum(counts))
    uneven = [*parts, media(np.arange(3) / 7.0, 7.0)]
    np.testing.assert_allclose(join(uneven).seconds[: sum(counts)], np.arange(sum(counts)) / float(rate), atol=1e-9)


BOUTS = st.lists(
    st.tuples(st.sampled_from(["lick", "groom"]), st.sampled_from(["", "m1"]), st.sampled_from(["", "left"])),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("stated", [True, False])
@given(BOUTS, st.randoms(use_true_random=False))
def test_interleaved_states_come_back_as_they_were(stated, kinds, random):
    """Bouts of one kind follow each other, bouts of different kinds overlap at will."""
    lines, expected, clocks = [], [], {}
    for kind in kinds:
        start = clocks.get(kind, 0.0) + random.uniform(0.1, 1)
        stop = start + random.uniform(0.1, 3)
        clocks[kind] = stop
        lines += [(start, kind, "START"), (stop, kind, "STOP")]
        expected.append((start, stop, *kind))
    rows = tuple(
        Row(time=time, behavior=kind[0], subject=kind[1], modifiers=kind[2], status=status if stated else "")
        for time, kind, status in sorted(lines)
    )
    observation = Observation(name="a", kind="MEDIA", rows=rows, states=frozenset({"lick", "groom"}))
    found = [(one.start, one.stop, one.behavior, one.subject, one.modifiers) for one in pair("p", observation)]
    assert sorted(found) == sorted(expected)
    assert [one[0] for one in found] == sorted(one[0] for one in found)
