"""What would explain that a clock line has not one pulse a frame: each explanation with its evidence and the key that states it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bergmann.errors import SourceError
from bergmann.timing.bursts import Burst, find_slips, listing, slots, usual_interval
from bergmann.timing.clock_map import Floats
from bergmann.timing.times import ExplicitTimes, Times

SAME_RATE = 0.02
"""By which share the rates of frames and pulses may differ and be the same: video containers round theirs."""

UNSTATED_SLIP = 0.75
"""Frames by which as many pulses as frames may leap against the frames' own times where nothing is stated."""

_PAUSE = 1.5
"""Intervals that a pause between extra pulses and those of frames must last to be seen as one."""


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """Frames and pulses that are not as many as they should be.

    Attributes
    ----------
    source, line : str
        Names for the message.
    own : Times
        Of what should have pulses, on the source's own clock, in seconds.
    pulses : np.ndarray, shape (n_pulses,), float64
        In seconds, without those that are stated to be of something else.
    recorded : tuple of float
        First and last time at which the line was recorded, in seconds.
    per_frame : int
        Pulses that each of `own` should have.
    n_frames, ticks_per_frame : int
        Frames (or volumes) of the source, and how many of `own` each has.
    ticks : str
        What those are: ``"planes"``, ``"averaged scans"``.
    bursts : tuple of Burst
        Of the line, where nothing is stated of them.
    stated : frozenset of str
        Keys that are stated.
    expected : int, optional
        Pulses that there should be by all that is stated.
    began : float, optional
        When the source began by the wall clocks of both instruments, in seconds on the line's clock.
    """

    source: str
    line: str
    own: Times
    pulses: Floats
    recorded: tuple[float, float]
    per_frame: int
    n_frames: int
    ticks_per_frame: int
    ticks: str
    bursts: tuple[Burst, ...]
    stated: frozenset[str] = frozenset()
    expected: int | None = None
    began: float | None = None

    @property
    def needed(self) -> int:
        """Pulses that there should be."""
        return self.per_frame * len(self.own) if self.expected is None else self.expected

    @property
    def beyond(self) -> int:
        """Pulses that are too many; negative where some are missing."""
        return len(self.pulses) - self.needed


@dataclass(frozen=True)
class Offer:
    """A statement that would explain the counts.

    Attributes
    ----------
    keys : str
        Ready to paste.
    because : str
        What speaks for it, or when it would be so.
    """

    keys: str
    because: str

    def __str__(self) -> str:
        return f"{self.keys} ({self.because})"


def refusal(found: Mismatch) -> SourceError:
    """The counts and what the line shows; its remedy is what a person may state, of which none is chosen."""
    head = f"{_counted(found)}, but {_pulses(len(found.pulses))} on {found.line}; expected {_expected(found)}"
    said = ". ".join((head, *_seen(found)))
    offers = list(_offers(found))
    if not offers:
        own, each = usual_interval(found.own.seconds), usual_interval(found.pulses)
        if np.isfinite(own) and np.isfinite(each) and not _is_same_rate(found):
            said += f", one every {1e3 * each:.4g} ms, and the frames come every {1e3 * own:.4g} ms"
        return SourceError(f"{said}. Was one of the two stopped early, or does the line tick for something else?")
    return SourceError(said, remedy=f"state for {found.source} what is so:\n" + "; or\n".join(map(str, offers)))


def with_other_bursts(refused: SourceError, found: Mismatch, *, stated: tuple[int, int]) -> SourceError:
    """What was refused of the burst that is stated, with the bursts of the line that have as many pulses as are needed."""
    own = f"`burst: {stated[0]}`" if stated[0] == stated[1] else f"`burst: {stated[0]}-{stated[1]}`"
    offers = [one for one in _bursts_that_fit(found) if one.keys != own] if len(found.bursts) > 1 else []
    if not offers:
        return refused
    others = "; or\n".join(map(str, offers))
    rest = f"; or\n{refused.remedy.partition(chr(10))[2]}" if refused.remedy else ""
    return SourceError(refused.found, remedy=f"is it another burst? State for {found.source} what is so:\n{others}{rest}")


def _pulses(number: int) -> str:
    return f"{number} {'pulse' if number == 1 else 'pulses'}"


def _counted(found: Mismatch) -> str:
    if found.ticks_per_frame == 1:
        return f"{found.source}: {len(found.own)} frames"
    things = "volumes" if found.ticks == "planes" else "frames"
    return f"{found.source}: {found.n_frames} {things} of {found.ticks_per_frame} {found.ticks} ({len(found.own)} in all)"


def _expected(found: Mismatch) -> str:
    if found.expected is not None and found.expected != found.per_frame * len(found.own):
        return f"{found.expected} by what is stated"
    if found.ticks_per_frame > 1:
        return f"one pulse for each of the {found.ticks}"
    return "one pulse a frame" if found.per_frame == 1 else f"{found.per_frame} pulses a frame, as stated"


def _seen(found: Mismatch) -> Iterator[str]:
    """What the line shows."""
    if len(found.bursts) > 1:
        began = f"; by its own clock, {found.source} began at {found.began:.0f} s" if found.began is not None else ""
        yield f"The line has {len(found.bursts)} bursts of pulses with pauses between them ({listing(found.bursts)}){began}"
    elif len(found.pulses) > 1:
        begin, end = found.recorded
        yield (
            f"The pulses are from {found.pulses[0]:.3f} s to {found.pulses[-1]:.3f} s of a line that was recorded from {begin:.3f} "
            f"s to {end:.3f} s"
        )


def _offers(found: Mismatch) -> Iterator[Offer]:
    if len(found.bursts) > 1 and "burst" not in found.stated:
        of_bursts = list(_bursts_that_fit(found))
        if of_bursts:
            yield from of_bursts
            return
    of_ratio = list(_ratios(found)) if not {"pulses_per_frame", "frames_per_pulse"} & found.stated else []
    yield from of_ratio
    if not of_ratio and _is_same_rate(found):
        yield from _more_pulses(found) if found.beyond > 0 else _fewer_pulses(found)
    if len(found.bursts) > 1 and "burst" not in found.stated:
        yield Offer(f"`burst: 1` (to {len(found.bursts)}, or `burst: 1-2`)", "where the line ticked for other recordings, too")


def _bursts_that_fit(found: Mismatch) -> Iterator[Offer]:
    """Bursts, or bursts that follow each other, with as many pulses as are needed, or a whole number of times as many."""
    sizes = [len(burst) for burst in found.bursts]
    single = [number for number, size in enumerate(sizes, start=1) if size == found.needed and _agrees(found, number, number)]
    for number in single:
        yield Offer(f"`burst: {number}`", f"its {_pulses(found.needed)} are as many as needed")
    if single:
        return
    ends = np.cumsum([0, *sizes])
    several = [
        (first + 1, int(last))
        for first in range(len(sizes))
        if (last := np.searchsorted(ends, ends[first] + found.needed)) < len(ends) and ends[last] == ends[first] + found.needed
        if 1 < last - first < len(sizes) and _agrees(found, first + 1, int(last))
    ]
    for first, last in several[:3]:
        yield Offer(f"`burst: {first}-{last}`", f"their {_pulses(found.needed)} are as many as needed")
    if several or {"pulses_per_frame", "frames_per_pulse"} & found.stated:
        return
    for number, burst in enumerate(found.bursts, start=1):
        times, rest = divmod(len(burst), found.n_frames)
        part = found.pulses[burst.first : burst.stop]
        if times and not rest and times != found.ticks_per_frame and _has_ratio(found, part, times):
            why = f"its {_pulses(len(burst))} are {times} times the {found.n_frames} frames, and come as often"
            yield Offer(f"`burst: {number}` with `pulses_per_frame: {times}`", why)


def _agrees(found: Mismatch, first: int, last: int) -> bool:
    """Whether the pulses of bursts do not leap against the frames' own times, where these are measured."""
    pulses = found.pulses[found.bursts[first - 1].first : found.bursts[last - 1].stop]
    if not isinstance(found.own, ExplicitTimes) or len(pulses) != len(found.own):
        return True
    return not find_slips(found.own.seconds, pulses, period=usual_interval(found.own.seconds), least=UNSTATED_SLIP)


# --- several pulses a frame -------------------------------------------------------------------------------------------


def times_of_frames(found: Mismatch) -> Floats:
    """When each frame (or volume) began, by its own clock."""
    begun: Floats = found.own.seconds[:: found.ticks_per_frame][: found.n_frames]
    return begun


def _has_ratio(found: Mismatch, pulses: Floats, times: int) -> bool:
    """Whether every `times`-th pulse comes as often as the frames do."""
    frames, each = usual_interval(times_of_frames(found)), usual_interval(pulses[::times])
    return bool(abs(each - frames) <= SAME_RATE * frames) or not (np.isfinite(each) and np.isfinite(frames))


def _ratios(found: Mismatch) -> Iterator[Offer]:
    """Another whole number of pulses a frame, or of frames a pulse, that both counts and rates show."""
    n_pulses, n_frames = len(found.pulses), found.n_frames
    each, frames = usual_interval(found.pulses), usual_interval(times_of_frames(found))
    if not (each > 0 and frames > 0):
        return
    times = round(frames / each)
    exact = n_pulses // n_frames if n_pulses % n_frames == 0 else 0
    for number in dict.fromkeys(one for one in (exact, times) if one >= 1):
        if number != found.ticks_per_frame * found.per_frame and _has_ratio(found, found.pulses, number):
            yield _several_a_frame(found, number)
            return
    every = round(each / frames)
    is_rate = abs(each - every * frames) <= SAME_RATE * every * frames
    if found.ticks_per_frame == 1 and every >= 2 and -(-n_frames // every) == n_pulses and is_rate:
        yield Offer(f"`frames_per_pulse: {every}`", f"the pulses come once for {every} frames, and are as many as that needs")


def _several_a_frame(found: Mismatch, number: int) -> Offer:
    """So many pulses a frame, and what then is left."""
    thing = "volume" if found.ticks == "planes" and found.ticks_per_frame > 1 else "frame"
    left = len(found.pulses) - number * found.n_frames
    keys = f"`pulses_per_frame: {number}`"
    why = f"the pulses come {number} times as often as the {thing}s" if number > 1 else f"the pulses come as often as the {thing}s"
    if thing == "volume" and number > found.ticks_per_frame:
        why += f": {number - found.ticks_per_frame} for each flight back of the focus, which has no pages in the files"
    elif found.ticks_per_frame > 1 and number == 1:
        why += f", not as the {found.ticks}"
    if not left:
        return Offer(keys, f"{why}, and are {number} times as many" if number > 1 else f"{why}, and are as many")
    if left > 0:
        begun = f", or of a {thing} that was broken off," if left < number else ""
        return Offer(f"{keys} with `extra_pulses: after` or `before`", f"{why}; then {_pulses(left)}{begun} are left over")
    return Offer(keys, f"{why}; then {_pulses(-left)} are missing")


# --- as often, and not as many ----------------------------------------------------------------------------------------


def _is_same_rate(found: Mismatch) -> bool:
    own, each = usual_interval(found.own.seconds), usual_interval(found.pulses[:: found.per_frame])
    return bool(abs(own - each) <= SAME_RATE * own)  # not for fewer than two, of which nothing is known


def _leaps(found: Mismatch) -> int | None:
    """How many frames the frames' own times leap over; None if they are not measured, or leap by no whole number."""
    if not isinstance(found.own, ExplicitTimes) or len(found.own) < 2:
        return None
    try:
        places = slots(found.own.seconds, "frame")
    except SourceError:
        return None
    return int(places[-1]) + 1 - len(places)


def _more_pulses(found: Mismatch) -> Iterator[Offer]:
    beyond, leaps = found.beyond, _leaps(found)
    extra = list(_extra(found)) if "extra_pulses" not in found.stated else []
    if "dropped_frames" not in found.stated:
        if leaps and found.per_frame * leaps == beyond:
            yield Offer("`dropped_frames: by gaps`", f"the frames' own times leap over {leaps}, which is just as many")
            return
        if leaps and found.per_frame * leaps < beyond:
            rest = _pulses(beyond - found.per_frame * leaps)
            yield Offer(
                "`dropped_frames: by gaps` with `extra_pulses: after` or `before`",
                f"the frames' own times leap over {leaps}; {rest} are left over",
            )
            return
    yield from extra
    if "dropped_frames" not in found.stated and not leaps and beyond % found.per_frame == 0:
        numbers = beyond // found.per_frame
        if leaps is None:
            why = f"the numbers of {numbers} frames that were taken and not saved, as the camera's own count has them"
            yield Offer(f"`dropped_frames: {_as_many(numbers)}`", why)
            yield Offer(
                "`frame_ids: {path: <table>, column: <name>}`", "if that count was written to a table, a row for each frame"
            )


def _as_many(numbers: int) -> str:
    """A list that waits for so many numbers, and is refused until they stand there."""
    return f"[{', '.join('N' * min(numbers, 3))}{', ...' if numbers > 3 else ''}]"


def _extra(found: Mismatch) -> Iterator[Offer]:
    """Pulses of no frame: where pauses part them from the others, there; else at either end."""
    beyond, n_needed = found.beyond, found.needed
    is_pause = np.diff(found.pulses) > _PAUSE * usual_interval(found.pulses)
    proved = []
    for before in range(beyond + 1):
        seams = ([is_pause[before - 1]] if before else []) + ([is_pause[before + n_needed - 1]] if before < beyond else [])
        if all(seams):
            proved.append(before)
    for before in proved[:3]:
        yield Offer(f"`extra_pulses: {ends_as_stated(before, beyond)}`", "a pause on the line parts them from the others")
    if not proved:
        why = "no pause on the line parts them from the others, so only you can know at which end they are"
        yield Offer("`extra_pulses: after`", f"the last {_pulses(beyond)} are of no frame; {why}")
        yield Offer("`extra_pulses: before`", f"the first {_pulses(beyond)} are of no frame")


def ends_as_stated(before: int, beyond: int) -> str:
    """How extra pulses are stated: all at one end in a word, else with their numbers."""
    if before in (0, beyond):
        return "before" if before else "after"
    return f"{before} before, {beyond - before} after"


def _fewer_pulses(found: Mismatch) -> Iterator[Offer]:
    lacking = -(found.beyond // found.per_frame)
    usual = usual_interval(found.pulses)
    if "missing_pulses" not in found.stated:
        try:
            places = slots(found.pulses, "pulse")
            gaps = int(places[-1]) + 1 - len(places)
        except SourceError:
            gaps = 0
        gaps -= found.per_frame * (_leaps(found) or 0)
        if gaps == -found.beyond:
            yield Offer("`missing_pulses: by gaps`", "the line has gaps of just as many pulses")
            return
        starts = found.pulses[0] - found.recorded[0] < _PAUSE * usual
        ends = found.recorded[1] - found.pulses[-1] < _PAUSE * usual
        if starts:
            yield Offer(
                "`missing_pulses: before`", f"the line was recorded from its first pulse on; the first {lacking} frames have none"
            )
        if ends:
            yield Offer("`missing_pulses: after`", f"the line was recorded to its last pulse; the last {lacking} frames have none")
        if not starts and not ends:
            why = f"the last, or the first, {lacking} frames have none, although the line was recorded then"
            yield Offer("`missing_pulses: after`, or `before`", why)
        why = f"the numbers of {lacking} frames that have no pulse; they are timed by the others"
        yield Offer(f"`missing_pulses: {_as_many(lacking)}`", why)
    if len(found.pulses) // found.per_frame and found.ticks_per_frame == 1:
        last = len(found.pulses) // found.per_frame
        yield Offer(f"`last_frame: {last}`", "to use the frames that have a pulse, if the line was stopped early")
