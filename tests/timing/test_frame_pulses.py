"""Which pulse is of which frame: what is stated is done, what is contradicted is refused, and refusals say what helps."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.timing.bursts import find_bursts, find_slips, slots, usual_interval
from bergmann.timing.fit import ClockFit
from bergmann.timing.frame_pulses import ClockLine, Ends, PulseChoices, Ticks, fit_frames
from bergmann.timing.times import ExplicitTimes, RegularTimes, Times

RATE, LATE = 20.0, 3.7
RESOLUTION = 1e-4


def taken(count: int) -> np.ndarray[Any, Any]:
    """When each of so many frames was taken, on the microscope's clock."""
    return np.arange(count) / RATE


def pulses_at(times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same on the line's clock, which runs 40 ppm slower, sampled."""
    return np.ceil((LATE + times * (1 - 40e-6)) / RESOLUTION) * RESOLUTION


def line(pulses: np.ndarray[Any, Any], recorded: tuple[float, float] | None = None) -> ClockLine:
    span = (float(pulses[0]) - 3, float(pulses[-1]) + 3) if recorded is None else recorded
    return ClockLine(name="daq/FrameClock", pulses=pulses, resolution=RESOLUTION, recorded=span)


def fitted(own: Times | Ticks, pulses: np.ndarray[Any, Any], **choices: Any) -> ClockFit:
    ticks = own if isinstance(own, Ticks) else Ticks.of_frames(own)
    return fit_frames(ticks, line(pulses), source="movie", choices=PulseChoices(**choices))


def mapped(own: Times, fit: ClockFit) -> np.ndarray[Any, Any]:
    assert fit.clock is not None
    return own.mapped(fit.clock).seconds


def refused(own: Times | Ticks, pulses: np.ndarray[Any, Any], recorded: tuple[float, float] | None = None, **choices: Any) -> str:
    ticks = own if isinstance(own, Ticks) else Ticks.of_frames(own)
    with pytest.raises(SourceError) as error:
        fit_frames(ticks, line(pulses, recorded), source="movie", choices=PulseChoices(**choices))
    return str(error.value)


# --- pauses -----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(8, 60), min_size=1, max_size=5), st.floats(1.0, 60.0), st.integers(1, 4))
def test_bursts_are_parted_by_long_pauses_alone(sizes: list[int], pause: float, per_frame: int) -> None:
    """Also where each frame has several pulses that are close to each other."""
    times, at = [], 0.0
    for size in sizes:
        frames = at + np.arange(size) / RATE
        times.append((frames[:, np.newaxis] + np.arange(per_frame) * 1e-3).ravel())
        at = float(frames[-1]) + pause
    found = find_bursts(np.concatenate(times))
    assert [len(burst) for burst in found] == [size * per_frame for size in sizes]


def test_a_stray_pulse_is_a_burst_and_no_pulse_is_none() -> None:
    assert [len(one) for one in find_bursts(np.concatenate([[0.0], 5 + taken(30)]))] == [1, 30]
    assert find_bursts(np.empty(0)) == ()
    assert [len(one) for one in find_bursts(np.array([1.0, 9.0]))] == [2]


@settings(deadline=None)
@given(st.integers(5, 300), st.data())
def test_missing_events_are_told_from_gaps(count: int, data: st.DataObject) -> None:
    kept = sorted(data.draw(st.sets(st.integers(1, count), min_size=count // 2)) | {0, 1, 2})
    times = taken(count + 1)[kept]
    if np.median(np.diff(times)) > 1.5 / RATE:
        return  # most events are missing: the gaps are the rule
    assert slots(times, "frame").tolist() == kept


def test_a_gap_of_half_an_interval_says_nothing() -> None:
    times = np.concatenate([taken(20), taken(20) + 20 / RATE + 1.5 / RATE])
    with pytest.raises(SourceError, match=r"gap behind frame 20 \(at 0\.950 s\) is 2\.50 intervals"):
        slots(times, "frame")


def test_the_interval_of_sampled_pulses_is_no_whole_number_of_samples() -> None:
    pulses = np.ceil(np.arange(3000) / 30 * 1000) / 1000
    assert usual_interval(pulses) == pytest.approx(1 / 30, rel=1e-4)


def test_a_frame_that_comes_late_is_no_slip() -> None:
    own, other = taken(100), taken(100).copy()
    other[40] += 0.04
    assert find_slips(own, other, period=1 / RATE, least=0.5) == []
    other[60:] += 0.05
    assert [(at, round(by, 6)) for at, by in find_slips(own, other, period=1 / RATE, least=0.5)] == [(59, 0.05)]


# --- what is stated is done -------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(30, 200), st.data())
def test_dropped_frames_are_found_by_the_gaps_in_the_frames_own_times(count: int, data: st.DataObject) -> None:
    dropped = sorted(data.draw(st.sets(st.integers(3, count - 2), min_size=1, max_size=count // 6)))
    kept = np.setdiff1d(np.arange(count), np.array(dropped) - 1)
    own = ExplicitTimes(taken(count)[kept])
    truth = pulses_at(taken(count))
    message = refused(own, truth)
    assert "`dropped_frames: by gaps`" in message
    for stated in ("by gaps", tuple(dropped)):
        fit = fitted(own, truth, dropped_frames=stated)
        np.testing.assert_allclose(mapped(own, fit), truth[kept], atol=2 * RESOLUTION)
        assert f"{len(dropped)} frame{'s' if len(dropped) > 1 else ''} dropped (" in fit.method
        assert (fit.n_pulses, fit.n_events, fit.remark) == (count, len(kept), "")


@settings(deadline=None)
@given(st.integers(30, 200), st.data())
def test_numbers_of_dropped_frames_place_a_camera_that_only_has_a_rate(count: int, data: st.DataObject) -> None:
    dropped = tuple(sorted(data.draw(st.sets(st.integers(1, count), min_size=1, max_size=10))))
    kept = np.setdiff1d(np.arange(count), np.array(dropped) - 1)
    own, truth = RegularTimes(0.0, RATE, len(kept)), pulses_at(taken(count))
    assert "`dropped_frames: [N" in refused(own, truth)
    fit = fitted(own, truth, dropped_frames=dropped)
    np.testing.assert_allclose(mapped(own, fit), truth[kept], atol=2 * RESOLUTION)
    assert "has no times of their own" not in fit.method
    assert "only a rate" in refused(own, truth, dropped_frames="by gaps")


@settings(deadline=None)
@given(st.integers(40, 200), st.booleans(), st.data())
def test_missing_pulses_are_found_by_the_gaps_on_the_line(count: int, measured: bool, data: st.DataObject) -> None:
    missing = sorted(data.draw(st.sets(st.integers(3, count - 2), min_size=1, max_size=count // 8)))
    truth = pulses_at(taken(count))
    own = ExplicitTimes(taken(count)) if measured else RegularTimes(0.0, RATE, count)
    there = np.delete(truth, np.array(missing) - 1)
    if len(find_bursts(there)) == 1:
        assert "`missing_pulses: by gaps`" in refused(own, there)
    for stated in ("by gaps", tuple(missing)):
        fit = fitted(own, there, missing_pulses=stated)
        np.testing.assert_allclose(mapped(own, fit), truth, atol=2 * RESOLUTION)
        assert f"{len(missing)} frame{'s' if len(missing) > 1 else ''} without a pulse (" in fit.method


@settings(deadline=None)
@given(st.integers(30, 120), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_extra_pulses_are_left_out_at_the_end_that_is_stated(count: int, before: int, after: int, measured: bool) -> None:
    if before + after == 0:
        return
    truth = pulses_at(taken(count))
    all_pulses = np.concatenate([truth[0] - np.arange(before, 0, -1) / RATE, truth, truth[-1] + np.arange(1, after + 1) / RATE])
    own = ExplicitTimes(taken(count)) if measured else RegularTimes(0.0, RATE, count)
    fit = fitted(own, all_pulses, extra_pulses=Ends(before=before, after=after))
    np.testing.assert_allclose(mapped(own, fit), truth, atol=2 * RESOLUTION)
    assert "nothing on the line shows it" in fit.remark
    if not (before and after):
        rest: Any = "before" if before else "after"
        again = fitted(own, all_pulses, extra_pulses=Ends(rest=rest))
        np.testing.assert_array_equal(mapped(own, again), mapped(own, fit))
    assert "expected" in refused(own, all_pulses, extra_pulses=Ends(before=before + 1, after=after))


@settings(deadline=None)
@given(st.integers(20, 120), st.integers(2, 6), st.integers(0, 3))
def test_several_pulses_a_frame(count: int, per_frame: int, extra: int) -> None:
    truth = pulses_at(taken(count))
    every = np.ceil((truth[:, np.newaxis] + np.arange(per_frame) / RATE / per_frame).ravel() / RESOLUTION) * RESOLUTION
    own = ExplicitTimes(taken(count))
    more = np.concatenate([every, every[-1] + np.arange(1, extra + 1) / RATE / per_frame])
    said = refused(own, more)
    assert f"`pulses_per_frame: {per_frame}`" in said
    assert ("`extra_pulses: after`" in said) == (extra > 0)
    choices = {"extra_pulses": Ends(rest="after")} if extra else {}
    fit = fitted(own, more, pulses_per_frame=per_frame, **choices)
    np.testing.assert_allclose(mapped(own, fit), truth, atol=2 * RESOLUTION)
    assert f"{per_frame} pulses a frame, as stated" in fit.method


def test_a_frame_clock_that_ticks_twice_close_to_each_other() -> None:
    truth = pulses_at(taken(60))
    pairs = np.sort(np.concatenate([truth, truth + 2e-3]))
    own = RegularTimes(0.0, RATE, 60)
    assert "`pulses_per_frame: 2`" in refused(own, pairs)
    np.testing.assert_allclose(mapped(own, fitted(own, pairs, pulses_per_frame=2)), truth, atol=2 * RESOLUTION)


@settings(deadline=None)
@given(st.integers(30, 120), st.integers(2, 6))
def test_a_pulse_for_several_frames(count: int, every: int) -> None:
    truth, own = pulses_at(taken(count)), RegularTimes(0.0, RATE, count)
    assert f"`frames_per_pulse: {every}`" in refused(own, truth[::every])
    fit = fitted(own, truth[::every], frames_per_pulse=every)
    np.testing.assert_allclose(mapped(own, fit), truth, atol=3 * RESOLUTION)


def test_volumes_whose_flight_back_has_pulses_and_no_pages() -> None:
    """Four planes in the files, five pulses a volume; the last volume was broken off in its third plane."""
    scanned = taken(5 * 40 + 3)
    pulses = pulses_at(scanned)
    stored = np.concatenate([scanned[: 5 * 40].reshape(40, 5)[:, :4].ravel(), scanned[5 * 40 :]])
    volumes = Ticks(times=ExplicitTimes(stored), n_frames=40, per_frame=4, what="planes")
    said = refused(volumes, pulses)
    assert said.startswith(
        "movie: 40 volumes of 4 planes (163 in all), but 203 pulses on daq/FrameClock; expected one pulse for each"
    )
    assert "`pulses_per_frame: 5` with `extra_pulses: after` or `before`" in said
    assert "1 for each flight back of the focus, which has no pages in the files" in said
    assert "3 pulses, or of a volume that was broken off, are left over" in said
    fit = fitted(volumes, pulses, pulses_per_frame=5, extra_pulses=Ends(rest="after"))
    np.testing.assert_allclose(mapped(volumes.frames, fit), pulses[:200:5], atol=2 * RESOLUTION)
    assert (fit.n_events, fit.n_pulses) == (40, 203)


def test_a_line_that_ticks_for_averaged_frames_only() -> None:
    """The header says that four scans are one frame; the line ticks once for each that was saved."""
    own = Ticks(times=RegularTimes(0.0, 4 * RATE, 240), n_frames=60, per_frame=4, what="averaged scans")
    truth = pulses_at(taken(60))
    said = refused(own, truth)
    assert "60 frames of 4 averaged scans (240 in all), but 60 pulses" in said
    assert "`pulses_per_frame: 1` (the pulses come as often as the frames, not as the averaged scans, and are as many)" in said
    np.testing.assert_allclose(mapped(own.frames, fitted(own, truth, pulses_per_frame=1)), truth, atol=2 * RESOLUTION)


@settings(deadline=None)
@given(st.lists(st.integers(20, 80), min_size=2, max_size=5, unique=True), st.floats(2.0, 100.0))
def test_each_of_several_recordings_has_its_burst(sizes: list[int], pause: float) -> None:
    at, bursts = 0.0, []
    for size in sizes:
        bursts.append(pulses_at(at + taken(size)))
        at += size / RATE + pause
    every = np.concatenate(bursts)
    for number, (size, truth) in enumerate(zip(sizes, bursts, strict=True), start=1):
        own = ExplicitTimes(taken(size))
        said = refused(own, every)
        assert f"The line has {len(sizes)} bursts of pulses" in said
        assert re.findall(r"`burst: (\d+)`", said) == [str(number)]
        fit = fitted(own, every, burst=(number, number))
        np.testing.assert_allclose(mapped(own, fit), truth, atol=2 * RESOLUTION)
        assert f"the pulses are those of burst {number} of {len(sizes)} on the line, as stated" in fit.method
        other = number % len(sizes) + 1
        assert "expected one pulse a frame" in refused(own, every, burst=(other, other))
    whole = ExplicitTimes(np.concatenate([taken(sizes[0]), taken(sizes[1]) + sizes[0] / RATE + pause]))
    if len(sizes) > 2:
        assert "`burst: 1-2`" in refused(whole, every)
    np.testing.assert_allclose(mapped(whole, fitted(whole, every, burst=(1, 2))), np.concatenate(bursts[:2]), atol=2 * RESOLUTION)


# --- what is contradicted is refused ----------------------------------------------------------------------------------


def test_dropped_frames_at_another_place_than_the_frames_own_times_say() -> None:
    kept = np.delete(np.arange(100), [40, 41])
    own = ExplicitTimes(taken(100)[kept])
    said = refused(own, pulses_at(taken(100)), dropped_frames=(61, 62))
    assert "the frames' own times have gaps for, but at other places: they differ first behind frame 40 (at 1.950 s)" in said
    own = ExplicitTimes(taken(100)[np.delete(np.arange(100), [40])])
    said = refused(own, pulses_at(taken(101)), dropped_frames=(61, 62))
    assert "by what is stated (`dropped_frames`), from frame 41 on the pulses come 0.050 s (1.0 frames) earlier" in said


def test_missing_pulses_at_another_place_than_the_gap() -> None:
    there = np.delete(pulses_at(taken(100)), [40])
    for own in (ExplicitTimes(taken(100)), RegularTimes(0.0, RATE, 100)):
        assert "contradict it" in refused(own, there, missing_pulses=(61,))


def test_extra_pulses_at_the_end_that_a_pause_excludes() -> None:
    truth = pulses_at(taken(100))
    with_preview = np.concatenate([truth[0] - 0.15 - np.arange(3, 0, -1) / RATE, truth])
    for own in (ExplicitTimes(taken(100)), RegularTimes(0.0, RATE, 100)):
        said = refused(own, with_preview)
        assert "`extra_pulses: before` (a pause on the line parts them from the others)" in said
        assert "`extra_pulses: after`" not in said
        assert "contradict it" in refused(own, with_preview, extra_pulses=Ends(rest="after"))
        fit = fitted(own, with_preview, extra_pulses=Ends(rest="before"))
        np.testing.assert_allclose(mapped(own, fit), truth, atol=2 * RESOLUTION)
        assert fit.remark == ""  # the pause shows it


def test_as_many_pulses_as_frames_may_still_be_wrong() -> None:
    """Two frames dropped, and the line stopped two frames early: the counts agree, and every frame behind would be two late."""
    kept = np.delete(np.arange(1000), [40, 41])
    own = ExplicitTimes(taken(1000)[kept])
    pulses = pulses_at(taken(1000))[:998]
    said = refused(own, pulses)
    assert (
        "998 frames and as many pulses on daq/FrameClock, but from frame 41 on the pulses come 0.100 s (2.0 frames) earlier" in said
    )
    fit = fitted(own, pulses, pulses_per_frame=1)  # a person may insist; it is a warning in the file
    assert "movie is no steady clock" in fit.remark


def test_gaps_that_show_something_else_than_what_is_stated() -> None:
    own, truth = ExplicitTimes(taken(100)), pulses_at(taken(100))
    assert "`dropped_frames: by gaps`, but the frames' own times have no gap" in refused(own, truth, dropped_frames="by gaps")
    assert "`missing_pulses: by gaps`, but daq/FrameClock has no gap" in refused(own, truth, missing_pulses="by gaps")
    kept = np.delete(np.arange(100), [40])
    both = np.delete(truth, [70])
    said = refused(ExplicitTimes(taken(100)[kept]), both, dropped_frames="by gaps")
    assert "by the gaps, 1 frame without a pulse (70), too; if so, state `missing_pulses: by gaps`, too" in said
    fit = fitted(ExplicitTimes(taken(100)[kept]), both, dropped_frames="by gaps", missing_pulses="by gaps")
    np.testing.assert_allclose(mapped(ExplicitTimes(taken(100)[kept]), fit), truth[kept], atol=2 * RESOLUTION)
    longer = np.concatenate([truth, truth[-1] + np.arange(1, 4) / RATE])
    own = ExplicitTimes(taken(100)[kept])
    assert "3 pulses of daq/FrameClock are behind the last frame" in refused(own, longer, dropped_frames="by gaps")
    assert "`dropped_frames: by gaps` with `extra_pulses: after` or `before`" in refused(own, longer)
    for rest, shift in (("after", 0), ("before", 3)):
        end: Any = rest
        fit = fitted(own, longer, dropped_frames="by gaps", extra_pulses=Ends(rest=end))
        np.testing.assert_allclose(mapped(own, fit), longer[shift:][kept], atol=2 * RESOLUTION)


# --- refusals say what there is ---------------------------------------------------------------------------------------


def test_a_line_that_was_recorded_too_short_is_seen_by_the_end_of_its_recording() -> None:
    own, truth = RegularTimes(0.0, RATE, 100), pulses_at(taken(100))
    early = refused(own, truth[:90], recorded=(0.0, float(truth[89]) + 0.02))
    assert "`missing_pulses: after` (the line was recorded to its last pulse; the last 10 frames have none)" in early
    assert "`missing_pulses: before`" not in early
    assert "`last_frame: 90`" in early
    late = refused(own, truth[10:], recorded=(float(truth[10]) - 0.01, 60.0))
    assert "`missing_pulses: before`" in late
    assert "`missing_pulses: after`" not in late
    for pulses, rest in ((truth[:90], "after"), (truth[10:], "before")):
        end: Any = rest
        fit = fitted(own, pulses, missing_pulses=Ends(rest=end))
        np.testing.assert_allclose(mapped(own, fit), truth, atol=1e-3)  # ten frames beyond the last pulse
        assert "no pulse for the" in fit.remark


def test_a_line_of_another_rate_offers_nothing() -> None:
    said = refused(RegularTimes(0.0, RATE, 100), np.arange(130) / 27.0)
    assert "one every 37.04 ms, and the frames come every 50 ms" in said
    assert said.endswith("Was one of the two stopped early, or does the line tick for something else?")
    assert "`" not in said


def test_a_number_that_is_not_there() -> None:
    own, truth = RegularTimes(0.0, RATE, 100), pulses_at(taken(102))
    assert "`dropped_frames` names frame 103, but there are no more: 100 frames and 2 dropped ones" in refused(
        own, truth, dropped_frames=(50, 103)
    )
    assert "`missing_pulses` names frame 101" in refused(own, truth[:99], missing_pulses=(101,))
    assert "`burst: 2`, but daq/FrameClock has no long pause" in refused(own, truth, burst=(2, 2))
    assert "100 before and 2 after, and daq/FrameClock has only 102" in refused(own, truth, extra_pulses=Ends(before=100, after=2))


def test_used_frames_of_a_line_with_several_bursts_need_the_burst() -> None:
    pulses = np.concatenate([pulses_at(taken(80)), pulses_at(30 + taken(100))])
    ticks = Ticks.of_frames(RegularTimes(0.0, RATE, 90))
    with pytest.raises(SourceError, match="bursts of pulses") as error:
        fit_frames(ticks, line(pulses), source="movie", until=2.0)
    assert "`burst: 1`" in str(error.value)
    fit = fit_frames(ticks, line(pulses), source="movie", until=2.0, choices=PulseChoices(burst=(2, 2)))
    np.testing.assert_allclose(mapped(ticks.times, fit)[:40], pulses[80:120], atol=2 * RESOLUTION)


def test_nothing_that_is_stated_is_left_unsaid() -> None:
    choices = PulseChoices(burst=(1, 1), pulses_per_frame=2)
    assert choices.pairs
    assert not replace(choices, pulses_per_frame=None).pairs


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 10**8), max_size=60, unique=True).map(sorted),
    st.lists(st.floats(0, 1e4, allow_subnormal=False), min_size=1, max_size=60).map(sorted),
    st.booleans(),
    st.sampled_from(
        [
            {},
            {"burst": (1, 1)},
            {"burst": (1, 2)},
            {"pulses_per_frame": 2},
            {"frames_per_pulse": 3},
            {"extra_pulses": Ends(rest="before")},
            {"extra_pulses": Ends(after=2), "missing_pulses": Ends(rest="before")},
            {"dropped_frames": "by gaps"},
            {"missing_pulses": "by gaps", "extra_pulses": Ends(rest="after")},
            {"dropped_frames": (1, 5), "missing_pulses": (2,)},
            {"pulses_per_frame": 2, "missing_pulses": "by gaps", "dropped_frames": "by gaps"},
        ]
    ),
)
def test_whatever_is_on_a_line_is_fitted_or_refused_in_words(
    pulses: list[int], own: list[float], measured: bool, choices: dict[str, Any]
) -> None:
    times = ExplicitTimes(np.array(own)) if measured else RegularTimes(0.0, RATE, len(own))
    there = ClockLine(name="daq/X", pulses=np.array(pulses, dtype=float) * RESOLUTION, resolution=RESOLUTION, recorded=(0.0, 1e4))
    try:
        fit = fit_frames(Ticks.of_frames(times), there, source="movie", choices=PulseChoices(**choices))
    except SourceError:
        fit = None
    if fit is not None:
        assert np.isfinite(times.mapped(fit.clock).seconds).all() if fit.clock is not None else np.isfinite(fit.offset)
