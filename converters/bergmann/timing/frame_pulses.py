"""Which pulse of a clock line is of which frame, where the line has not simply one pulse a frame.

Nothing is decided here: a person states what happened (`PulseChoices`), and what the pulses and the frames' own times contradict is
refused. Where nothing is stated and the counts differ, `bergmann.timing.pulse_evidence` says what would explain it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.bursts import find_bursts, find_slips, listing, slots, usual_interval
from bergmann.timing.clock_map import ClockMap, Floats
from bergmann.timing.fit import ClockFit, fit_pulses, fit_used
from bergmann.timing.pulse_evidence import UNSTATED_SLIP, Mismatch, refusal, with_other_bursts
from bergmann.timing.ties import Ties
from bergmann.timing.times import ExplicitTimes, RegularTimes, Times

Indices = NDArray[np.int64]

ByGaps = Literal["by gaps"]
BY_GAPS: ByGaps = "by gaps"

UNPROVED = "nothing on the line shows it"
"""What a remark says of a choice that the pulses neither prove nor contradict."""

_SLIP = 0.5
"""Frames by which pulses and frames' own times may leap against each other under a choice that a person has stated."""


@dataclass(frozen=True, kw_only=True)
class Ends:
    """How many are before the first frame, and behind the last.

    Attributes
    ----------
    before, after : int
    rest : {"before", "after"} or None
        The end at which all others are, however many.
    """

    before: int = 0
    after: int = 0
    rest: Literal["before", "after"] | None = None


@dataclass(frozen=True, kw_only=True)
class PulseChoices:
    """What a person states of the pulses of a clock line; None where nothing is said.

    Attributes
    ----------
    burst : tuple of int, optional
        First and last burst of the line, counted from 1, that are of this source.
    pulses_per_frame : int, optional
        Pulses of each frame (or volume), the first of which is its beginning.
    frames_per_pulse : int, optional
        Frames for each pulse, which is at the first of them.
    extra_pulses : Ends, optional
        Pulses that are of no frame.
    dropped_frames : "by gaps" or tuple of int, optional
        Frames that had a pulse and were not saved, counted from 1 among all that were taken.
    missing_pulses : "by gaps", Ends or tuple of int, optional
        Frames that are saved and have no pulse, counted from 1 among those that are saved.
    """

    burst: tuple[int, int] | None = None
    pulses_per_frame: int | None = None
    frames_per_pulse: int | None = None
    extra_pulses: Ends | None = None
    dropped_frames: ByGaps | tuple[int, ...] | None = None
    missing_pulses: ByGaps | Ends | tuple[int, ...] | None = None

    @property
    def pairs(self) -> bool:
        """Whether anything is said beside the burst."""
        return self != replace(NO_CHOICES, burst=self.burst)

    @property
    def needs_first_pulse(self) -> bool:
        """Whether the very first pulse of the line is of a frame."""
        burst, extra = self.burst or (1, 1), self.extra_pulses or Ends()
        return burst[0] == 1 and extra.before == 0 and extra.rest != "before"


NO_CHOICES = PulseChoices()


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """What a clock line is expected to tick for.

    Attributes
    ----------
    times : Times
        Of all ticks, in seconds on the source's own clock.
    n_frames : int
        Frames (or volumes) that these are.
    per_frame : int
        Ticks of each: planes of a volume, scans that were averaged into a frame.
    what : str
        What a tick is: ``"frames"``, ``"planes"``, ``"averaged scans"``.
    began : float, optional
        When the source began by the wall clocks of both instruments, in seconds on the line's clock; only about.
    """

    times: Times
    n_frames: int
    per_frame: int = 1
    what: str = "frames"
    began: float | None = None

    @classmethod
    def of_frames(cls, times: Times) -> Ticks:
        """One tick a frame."""
        return cls(times=times, n_frames=len(times))

    @property
    def frames(self) -> Times:
        """When each frame (or volume) began."""
        if isinstance(self.times, RegularTimes):
            return RegularTimes(self.times.start, self.times.rate / self.per_frame, self.n_frames)
        return ExplicitTimes(self.times.seconds[:: self.per_frame][: self.n_frames])


@dataclass(frozen=True, kw_only=True)
class ClockLine:
    """A line that ticked for frames.

    Attributes
    ----------
    name : str
        E.g. ``"daq/FrameClock"``.
    pulses : np.ndarray, shape (n_pulses,), float64
        Onsets, in seconds.
    resolution : float
        Time between samples, in seconds.
    recorded : tuple of float
        First and last time at which the line was recorded, in seconds.
    """

    name: str
    pulses: Floats
    resolution: float
    recorded: tuple[float, float]


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Which pulse is of which frame.

    Attributes
    ----------
    frames, pulses : np.ndarray, shape (n_pairs,), int64
        Ascending, from 0.
    places : np.ndarray, shape (n_frames,), int64
        Place of each frame among all that were taken, dropped ones counted.
    said : tuple of str
        What was done, in words that stand in the file.
    doubts : tuple of str
        What of it nothing shows but the person's word.
    """

    frames: Indices
    pulses: Indices
    places: Indices
    said: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def fit_frames(
    ticks: Ticks, line: ClockLine, *, source: str, choices: PulseChoices = NO_CHOICES, until: float | None = None
) -> ClockFit:
    """The map that puts frames on the pulses of a line, as a person states which pulse is of which frame.

    Parameters
    ----------
    ticks : Ticks
    line : ClockLine
    source : str
        Name for the messages.
    choices : PulseChoices
    until : float, optional
        Time of the last frame that is used, where a person has said that not all are: without choices, only those need a pulse.

    Returns
    -------
    ClockFit
        Its method says what was stated, its remark what of that nothing but the statement shows.

    Raises
    ------
    SourceError
        If the counts differ and nothing that is stated explains it (with what would), if what is stated is contradicted by the
        pulses or by the frames' own times, or as `fit_pulses`.
    """
    chosen, said = _of_burst(line, choices, source)
    try:
        fit = _fit_chosen(ticks, chosen, source, choices, until)
    except SourceError as error:
        if choices.burst is None:
            raise
        whole = _mismatch(ticks, line, source, replace(choices, burst=None))
        raise with_other_bursts(error, whole, stated=choices.burst) from error
    return replace(fit, method="; ".join((fit.method, *said)))


def _fit_chosen(ticks: Ticks, line: ClockLine, source: str, choices: PulseChoices, until: float | None) -> ClockFit:
    """The fit to the pulses of the chosen bursts."""
    if not len(line.pulses):
        raise SourceError(f"{line.name}: no pulse on this line; expected {len(ticks.times)}, one for each frame of {source}")
    if choices.pairs:
        return _fit_stated(ticks, line, source, choices)
    if len(ticks.times) == len(line.pulses):
        _refuse_leap(ticks, line, source)
        return fit_pulses(ticks.times, line.pulses, resolution=line.resolution, source=source, line=line.name)
    has_bursts = choices.burst is None and len(find_bursts(line.pulses)) > 1
    if until is None or has_bursts or _first_leaps(ticks.times, line.pulses):
        raise refusal(_mismatch(ticks, line, source, choices))
    return fit_used(ticks.times, line.pulses, until=until, resolution=line.resolution, source=source, line=line.name)


def _of_burst(line: ClockLine, choices: PulseChoices, source: str) -> tuple[ClockLine, tuple[str, ...]]:
    """The line with the pulses of the stated bursts alone, and what to say of it.

    Raises
    ------
    SourceError
        If there are not so many bursts.
    """
    if choices.burst is None or not len(line.pulses):
        return line, ()
    first, last = choices.burst
    bursts = find_bursts(line.pulses)
    stated = f"burst: {first}" + (f"-{last}" if last > first else "")
    if last > len(bursts):
        there = f"{len(bursts)} bursts of pulses" if len(bursts) > 1 else "no long pause between its pulses, which are one burst"
        raise SourceError(f"{source}: `{stated}`, but {line.name} has {there}: {listing(bursts)}")
    part = bursts[first - 1 : last]
    pulses = line.pulses[part[0].first : part[-1].stop]
    begin = line.recorded[0] if first == 1 else bursts[first - 2].end
    end = line.recorded[1] if last == len(bursts) else bursts[last].begin
    which = f"burst {first}" if first == last else f"bursts {first} to {last}"
    said = f"the pulses are those of {which} of {len(bursts)} on the line, as stated"
    return replace(line, pulses=pulses, recorded=(begin, end)), (said,)


def _mismatch(ticks: Ticks, line: ClockLine, source: str, choices: PulseChoices) -> Mismatch:
    """Counts that differ, with what there is to explain them."""
    by_frame = choices.pulses_per_frame is not None or choices.frames_per_pulse is not None
    return Mismatch(
        source=source,
        line=line.name,
        own=ticks.frames if by_frame else ticks.times,
        pulses=line.pulses,
        recorded=line.recorded,
        per_frame=choices.pulses_per_frame or 1,
        n_frames=ticks.n_frames,
        ticks_per_frame=1 if by_frame else ticks.per_frame,
        ticks=ticks.what,
        bursts=() if choices.burst is not None else find_bursts(line.pulses),
        began=ticks.began,
        stated=frozenset(name for name in vars(choices) if getattr(choices, name) is not None),
    )


def _first_leaps(own: Times, pulses: Floats) -> list[tuple[int, float]]:
    """Where the first pulses leap against the first frames' own times, as far as there are both; none if these are not measured."""
    if not isinstance(own, ExplicitTimes):
        return []
    common = min(len(own), len(pulses))
    return find_slips(own.seconds[:common], pulses[:common], period=usual_interval(own.seconds), least=UNSTATED_SLIP)


def _refuse_leap(ticks: Ticks, line: ClockLine, source: str) -> None:
    """Refuse as many pulses as frames whose own measured times leap against each other: both lack some, at different places.

    Raises
    ------
    SourceError
    """
    leaps, period = _first_leaps(ticks.times, line.pulses), usual_interval(ticks.times.seconds)
    if leaps:
        offers = (
            "`dropped_frames: by gaps` with `missing_pulses: by gaps` (where the line has gaps)",
            "`dropped_frames: by gaps` with `missing_pulses: after` or `extra_pulses: after`, or `before` (where it has none)",
            "`pulses_per_frame: 1` (if each pulse is one frame all the same)",
        )
        raise SourceError(
            f"{source}: {len(ticks.times)} frames and as many pulses on {line.name}, but {_leap(leaps, period)}; so frames were "
            "dropped, or pulses are missing, at different places",
            remedy=f"state for {source} what is so:\n" + "; or\n".join(offers),
        )


def _leap(leaps: list[tuple[int, float]], period: float) -> str:
    at, by = leaps[0]
    more = f", and at {len(leaps) - 1} more places" if len(leaps) > 1 else ""
    way = "later" if by > 0 else "earlier"
    return (
        f"from frame {at + 2} on the pulses come {abs(by):.3f} s ({abs(by) / period:.1f} frames) {way} than the frames' own times "
        f"say{more}"
    )


# --- as stated --------------------------------------------------------------------------------------------------------


def _fit_stated(ticks: Ticks, line: ClockLine, source: str, choices: PulseChoices) -> ClockFit:
    """The fit of the frames that have a pulse, each to the first of its pulses."""
    by_frame = choices.pulses_per_frame is not None or choices.frames_per_pulse is not None
    own = ticks.frames if by_frame else ticks.times
    step = choices.frames_per_pulse or 1
    every = ExplicitTimes(own.seconds[::step]) if step > 1 else own
    trimmed, n_before = _trimmed(line, source, choices)
    if choices.dropped_frames == BY_GAPS or choices.missing_pulses == BY_GAPS:
        pairs = _pairs_by_gaps(every, trimmed, source, choices)
    else:
        pairs = _pairs_by_count(every, trimmed, source, choices, _mismatch(ticks, trimmed, source, choices))
    if not len(pairs.frames):
        raise SourceError(f"{source}: what is stated leaves no frame that has a pulse on {line.name}")
    pairs = _with_ends(pairs, line, n_before, choices)
    _refuse_contradicted(every, trimmed.pulses, pairs, source, line, choices)
    used = trimmed.pulses[pairs.pulses]
    if _is_seamless(pairs, every):
        first = int(pairs.frames[0])
        fit = fit_pulses(every.part(first, first + len(used)), used, resolution=line.resolution, source=source, line=line.name)
    else:
        fit = _fit_places(every, used, pairs, source, line)
    doubts = (
        f"{source}: {' and '.join(pairs.doubts)}, as stated; {UNPROVED}, and if it is wrong, all its times are"
        if pairs.doubts
        else ""
    )
    said = (*_said_of_ratio(choices), *pairs.said)
    return replace(
        fit,
        method="; ".join((fit.method, *said)),
        n_pulses=len(line.pulses),
        n_events=len(own),
        ties=Ties(own.seconds, line.pulses, pairs.frames * step, pairs.pulses + n_before),
        remark="; ".join(text for text in (doubts, fit.remark) if text),
    )


def _said_of_ratio(choices: PulseChoices) -> tuple[str, ...]:
    if choices.pulses_per_frame is not None:
        return (f"{choices.pulses_per_frame} pulse{'s' if choices.pulses_per_frame > 1 else ''} a frame, as stated",)
    if choices.frames_per_pulse is not None:
        return (f"a pulse for every {choices.frames_per_pulse} frames, as stated",)
    return ()


def _trimmed(line: ClockLine, source: str, choices: PulseChoices) -> tuple[ClockLine, int]:
    """The line without the extra pulses whose number is stated, and how many of these were before the others.

    Raises
    ------
    SourceError
        If no pulse is left.
    """
    extra = choices.extra_pulses or Ends()
    if extra.before + extra.after >= len(line.pulses):
        raise SourceError(
            f"{source}: `extra_pulses` says {extra.before} before and {extra.after} after, and {line.name} has only "
            f"{len(line.pulses)} pulses"
        )
    stop = len(line.pulses) - extra.after
    begin = float(line.pulses[extra.before - 1]) if extra.before else line.recorded[0]
    end = float(line.pulses[stop]) if extra.after else line.recorded[1]
    return replace(line, pulses=line.pulses[extra.before : stop], recorded=(begin, end)), extra.before


def _pairs_by_count(own: Times, line: ClockLine, source: str, choices: PulseChoices, mismatch: Mismatch) -> _Pairs:
    """Which pulse is of which frame, by numbers alone.

    Raises
    ------
    SourceError
        If the pulses are not as many as what is stated needs.
    """
    n_frames, per_frame, n_pulses = len(own), choices.pulses_per_frame or 1, len(line.pulses)
    dropped = choices.dropped_frames if isinstance(choices.dropped_frames, tuple) else ()
    missing = choices.missing_pulses if isinstance(choices.missing_pulses, tuple) else ()
    n_taken = n_frames + len(dropped)
    _refuse_beyond(
        dropped, n_taken, f"{source}: `dropped_frames` names frame", f"{n_frames} frames and {len(dropped)} dropped ones"
    )
    _refuse_beyond(missing, n_frames, f"{source}: `missing_pulses` names frame", f"{source} has {n_frames}")
    places = np.setdiff1d(np.arange(n_taken), np.array(dropped, dtype=np.int64) - 1)
    ends = choices.missing_pulses if isinstance(choices.missing_pulses, Ends) else Ends()
    expected = per_frame * (n_taken - len(missing) - ends.before - ends.after)
    extra = choices.extra_pulses or Ends()
    beyond = n_pulses - expected
    if (
        (extra.rest and beyond <= 0)
        or (ends.rest and (beyond >= 0 or beyond % per_frame))
        or not (extra.rest or ends.rest or beyond == 0)
    ):
        raise refusal(replace(mismatch, expected=expected))
    lacking = -beyond // per_frame if ends.rest else 0
    n_first = ends.before + (lacking if ends.rest == "before" else 0)
    n_last = ends.after + (lacking if ends.rest == "after" else 0)
    skipped = beyond if extra.rest == "before" else 0
    has_pulse = np.ones(n_taken, dtype=np.bool_)
    has_pulse[places[np.array(missing, dtype=np.int64) - 1]] = False
    has_pulse[:n_first] = False
    has_pulse[n_taken - n_last :] = False
    number = np.cumsum(has_pulse) - 1
    frames = np.flatnonzero(has_pulse[places])
    said = [f"{_frames(len(dropped))} dropped ({_numbers(dropped)}), as stated"] if dropped else []
    said += [f"{_frames(len(missing))} without a pulse ({_numbers(missing)}), as stated, timed by the others"] if missing else []
    doubts = []
    for count, where in ((n_first, "first"), (n_last, "last")):
        if count:
            said.append(f"the {where} {_frames(count)} without a pulse, as stated, timed by the others")
            doubts.append(f"no pulse for the {where} {_frames(count)}")
    return _Pairs(frames, skipped + per_frame * number[places[frames]], places, tuple(said), tuple(doubts))


def _refuse_beyond(numbers: tuple[int, ...], most: int, what: str, there: str) -> None:
    if numbers and max(numbers) > most:
        raise SourceError(f"{what} {max(numbers)}, but there are no more: {there}. Frames are counted from 1")


def _frames(number: int) -> str:
    return f"{number} frame{'' if number == 1 else 's'}"


def _numbers(numbers: Iterable[int]) -> str:
    told = [str(number) for number in numbers]
    return ", ".join(told if len(told) <= 6 else [*told[:5], "...", told[-1]])


def _pairs_by_gaps(own: Times, line: ClockLine, source: str, choices: PulseChoices) -> _Pairs:
    """Which pulse is of which frame, by the gaps in both trains.

    Raises
    ------
    SourceError
        If a gap is of no whole number of intervals, if the gaps show something that is not stated, or do not show what is.
    """
    per_frame, extra = choices.pulses_per_frame or 1, choices.extra_pulses or Ends()
    for key in ("dropped_frames", "missing_pulses"):
        if getattr(choices, key) not in (None, BY_GAPS):
            raise SourceError(f"{source}: `by gaps` and numbers are stated together; state both by gaps, or both as numbers")
    if choices.dropped_frames == BY_GAPS and isinstance(own, RegularTimes):
        raise SourceError(
            f"{source}: `dropped_frames: by gaps`, but its frames have no times of their own, only a rate, so that no gap can show "
            "a dropped one; state the numbers from the camera's own count, such as `dropped_frames: [1204, 1205]`"
        )
    try:
        of_frames = slots(own.seconds, "frame") if isinstance(own, ExplicitTimes) else np.arange(len(own))
        of_pulses = slots(line.pulses, "pulse")
    except SourceError as error:
        raise SourceError(f"{source}: `by gaps`, but {error}; state the numbers") from error
    if extra.rest == "before":
        of_pulses = of_pulses - int(of_pulses[-1]) + per_frame * int(of_frames[-1]) + per_frame - 1
    n_taken = int(of_frames[-1]) + 1
    inside = (of_pulses >= 0) & (of_pulses < per_frame * n_taken)
    dropped = np.setdiff1d(np.unique(of_pulses[inside] // per_frame), of_frames)
    begun = np.isin(per_frame * of_frames, of_pulses)
    _refuse_unstated_gaps(source, line, dropped, np.flatnonzero(~begun), int((~inside).sum()), choices)
    frames = np.flatnonzero(begun)
    pulses = np.searchsorted(of_pulses, per_frame * of_frames[frames])
    said = []
    if len(dropped):
        said.append(f"{_frames(len(dropped))} dropped ({_numbers(dropped + 1)}), by the gaps in the frames' own times, as stated")
    if len(frames) < len(own):
        lacking = np.flatnonzero(~begun) + 1
        said.append(f"{_frames(len(lacking))} without a pulse ({_numbers(lacking)}), by the gaps on the line, timed by the others")
    return _Pairs(frames, pulses, of_frames, tuple(said))


def _refuse_unstated_gaps(
    source: str, line: ClockLine, dropped: Indices, lacking: Indices, n_outside: int, choices: PulseChoices
) -> None:
    """Refuse gaps that show something else than what is stated."""
    found = (
        (
            "dropped_frames",
            dropped,
            "that had a pulse and were not saved",
            "the frames' own times have no gap where the line has pulses",
        ),
        ("missing_pulses", lacking, "without a pulse", f"{line.name} has no gap where the frames have none"),
    )
    for key, numbers, what, nothing in found:
        is_stated = getattr(choices, key) is not None
        if len(numbers) and not is_stated:
            raise SourceError(
                f"{source}: by the gaps, {_frames(len(numbers))} {what} ({_numbers(numbers + 1)}), too; if so, state "
                f"`{key}: by gaps`, too"
            )
        if is_stated and not len(numbers):
            raise SourceError(f"{source}: `{key}: by gaps`, but {nothing}. Leave it out, or state the numbers")
    rest = (choices.extra_pulses or Ends()).rest
    if n_outside and rest is None:
        raise SourceError(
            f"{source}: beside the gaps, {n_outside} pulses of {line.name} are behind the last frame; if they are of no frame, "
            "state `extra_pulses: after`, or `extra_pulses: before` if it is the first ones"
        )
    if rest is not None and not n_outside:
        raise SourceError(f"{source}: `extra_pulses: {rest}`, but the gaps explain all pulses of {line.name}; leave it out")


def _with_ends(pairs: _Pairs, line: ClockLine, n_before: int, choices: PulseChoices) -> _Pairs:
    """The pairs, with what is to be said of pulses that are of no frame, and whether a pause parts them from the others."""
    if choices.extra_pulses is None:
        return pairs
    per_frame = choices.pulses_per_frame or 1
    first, stop = n_before + int(pairs.pulses[0]), n_before + int(pairs.pulses[-1]) + per_frame
    usual = usual_interval(line.pulses)
    said, doubts = list(pairs.said), list(pairs.doubts)
    for count, seam, where in (
        (first, first - 1, "before the first frame"),
        (len(line.pulses) - stop, stop - 1, "behind the last frame"),
    ):
        if count > 0:
            what = f"{count} pulse{'s' if count > 1 else ''} {where} {'are' if count > 1 else 'is'} of no frame"
            said.append(f"{what}, as stated")
            if line.pulses[seam + 1] - line.pulses[seam] < 1.5 * usual:
                doubts.append(what)
    return replace(pairs, said=tuple(said), doubts=tuple(doubts))


def _is_seamless(pairs: _Pairs, own: Times) -> bool:
    """Whether the frames with a pulse follow each other, and none between them was dropped unless their own times show it."""
    follow = bool((np.diff(pairs.frames) == 1).all())
    return follow and (isinstance(own, ExplicitTimes) or bool((np.diff(pairs.places) == 1).all()))


def _timeline(own: Times, pairs: _Pairs) -> Floats:
    """When each frame was by its own clock: measured, or by the rate and its place among all that were taken."""
    return own.seconds if isinstance(own, ExplicitTimes) else own.start + pairs.places / own.rate


def _fit_places(own: Times, used: Floats, pairs: _Pairs, source: str, line: ClockLine) -> ClockFit:
    """The fit where frames without a pulse, or dropped ones, lie between the others: the map is over all frames."""
    timeline = _timeline(own, pairs)
    fit = fit_pulses(ExplicitTimes(timeline[pairs.frames]), used, resolution=line.resolution, source=source, line=line.name)
    if fit.clock is None or isinstance(own, ExplicitTimes) or len(own) < 2:
        return fit
    clock = ClockMap(fit.clock.model, own.seconds, fit.clock.apply(timeline), fit.clock.standard_error)
    if clock.is_steady and not (np.diff(pairs.places) == 1).all():
        clock = replace(clock, model="piecewise linear")
    return replace(fit, clock=clock, offset=clock.offset)


def _refuse_contradicted(own: Times, pulses: Floats, pairs: _Pairs, source: str, line: ClockLine, choices: PulseChoices) -> None:
    """Refuse what is stated where the pulses leap against the frames' own times, or fit at another end and not at the stated one.

    Raises
    ------
    SourceError
    """
    _refuse_other_places(own, pulses, pairs, source, line, choices)
    timeline = _timeline(own, pairs)[pairs.frames]
    period = usual_interval(timeline)
    stated = ", ".join(f"`{key}`" for key, value in vars(choices).items() if value is not None and key != "burst")
    leaps = find_slips(timeline, pulses[pairs.pulses], period=period, least=_SLIP)
    if isinstance(own, RegularTimes):
        seams = {int(at) for at in np.flatnonzero((np.diff(pairs.frames) > 1) | (np.diff(pairs.places[pairs.frames]) > 1))}
        leaps_at_seams = [one for one in leaps if one[0] in seams]
        if leaps and not leaps_at_seams:
            _refuse_other_end(timeline, pulses, pairs, source, choices, period)
        leaps = leaps_at_seams
    only_a_count = choices == PulseChoices(burst=choices.burst, pulses_per_frame=1)
    if leaps and not only_a_count:
        frame = int(pairs.frames[leaps[0][0]])
        raise SourceError(
            f"{source}: by what is stated ({stated}), {_leap([(frame, leaps[0][1]), *leaps[1:]], period)}; so the pulses of "
            f"{line.name} contradict it"
        )


def _refuse_other_places(own: Times, pulses: Floats, pairs: _Pairs, source: str, line: ClockLine, choices: PulseChoices) -> None:
    """Refuse numbers of frames where there are gaps of just as many at other places.

    Raises
    ------
    SourceError
    """
    trains = []
    if isinstance(choices.dropped_frames, tuple) and isinstance(own, ExplicitTimes):
        trains.append(("dropped_frames", "the frames' own times have gaps", "frame", own.seconds, pairs.places))
    if isinstance(choices.missing_pulses, tuple) and choices.pulses_per_frame in (None, 1):
        trains.append(("missing_pulses", f"{line.name} has gaps", "pulse", pulses[pairs.pulses], pairs.places[pairs.frames]))
    for key, what, event, times, places in trains:
        try:
            found = slots(times, event)
        except SourceError:
            continue  # gaps that are no whole number of intervals show nothing; a leap is looked for all the same
        stated = places - places[0]
        if found[-1] == stated[-1] and (found != stated).any():
            at = int(np.flatnonzero(found != stated)[0])
            raise SourceError(
                f"{source}: `{key}` names as many frames as {what} for, but at other places: they differ first behind {event} {at} "
                f"(at {times[at - 1]:.3f} s); so these contradict it. State `{key}: by gaps`, or mend the numbers"
            )


def _refuse_other_end(timeline: Floats, pulses: Floats, pairs: _Pairs, source: str, choices: PulseChoices, period: float) -> None:
    """Refuse extra pulses at the one end where the pauses of the line show that they are at the other."""
    rest = choices.extra_pulses.rest if choices.extra_pulses is not None else None
    if rest is None:
        return
    first, last = int(pairs.pulses[0]), int(pairs.pulses[-1])
    moved = pairs.pulses - first if rest == "before" else pairs.pulses + (len(pulses) - 1 - last)
    if not find_slips(timeline, pulses[moved], period=period, least=_SLIP):
        other = "after" if rest == "before" else "before"
        raise SourceError(
            f"{source}: `extra_pulses: {rest}` puts a pause of the line between its frames, and `extra_pulses: {other}` does not; "
            f"so the pulses contradict it"
        )
