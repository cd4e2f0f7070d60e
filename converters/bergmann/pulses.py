"""Pulses of a recorded channel, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import DigitalLine
from bergmann.errors import SourceError
from bergmann.records import Channel, EventLine, Recording
from bergmann.timing.pulses import Levels, Polarity, Pulses, find_levels, find_pulses, rests_on, without_glitches
from bergmann.timing.times import ExplicitTimes


@dataclass(frozen=True, eq=False)
class RemovedGlitches:
    """Stretches of a channel that were taken for no pulses and no gaps, because they are too short.

    Attributes
    ----------
    seconds, widths : np.ndarray, shape (n_glitches,), float64
        When each began, and for how long, in seconds.
    are_gaps : np.ndarray, shape (n_glitches,), bool
        Whether the line was off within a pulse, or on outside of pulses.
    shortest : float
        What is shorter is a glitch, in seconds.
    """

    seconds: NDArray[np.float64]
    widths: NDArray[np.float64]
    are_gaps: NDArray[np.bool_]
    shortest: float

    def __len__(self) -> int:
        return len(self.seconds)

    def __str__(self) -> str:
        """``2 pulses and 1 gap shorter than 2 ms: 0.1 ms at 3.201400 s, ...``."""
        n_gaps = int(self.are_gaps.sum())
        counts = ((len(self) - n_gaps, "pulse"), (n_gaps, "gap"))
        what = " and ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n)
        first = zip(self.seconds[:5], self.widths[:5], strict=True)
        some = ", ".join(f"{width * 1e3:.4g} ms at {second:.6f} s" for second, width in first)
        return f"{what} shorter than {self.shortest * 1e3:g} ms: {some}{', ...' if len(self) > 5 else ''}"


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedPulses:
    """Pulses of one channel of a recording.

    Attributes
    ----------
    channel : str
    times : ExplicitTimes, n_pulses
        Onset of each pulse, in seconds on the recording's clock.
    durations : np.ndarray, shape (n_pulses,), seconds
    levels : np.ndarray, shape (n_pulses,), in `unit`
        Median of the samples of each pulse.
    unit : str
        Unit of the channel; ``"n.a."`` for a digital line.
    threshold, hysteresis : float
        As used, in `unit`.
    on_at_start, on_at_end : np.ndarray, shape (n_pulses,), bool
        Whether the pulse is cut: it was on at the first (last) sample of a stretch recorded without a gap.
    n_faint : int
        Stretches that leave the resting level by a tenth of the step and do not reach the threshold, where that was found and not
        stated: weaker pulses, perhaps.
    has_ends : bool
        Whether it is known how long each was; if not, `durations` say nothing.
    has_samples : bool
        Whether they were found on samples; if not, the file states their times.
    rises, falls : np.ndarray, shape (n_pulses,), seconds
        When each pulse began and ended, by the line through the samples beside each edge: finer than samples on an
        analog channel, and right on average on a digital one, of which `times` are the first samples that are on.
    polarity : {"high", "low"}
        Whether the line is on when high, or when low.
    glitches : RemovedGlitches or None
        What was too short; None if no shortest width was stated.
    """

    channel: str
    times: ExplicitTimes
    durations: NDArray[np.float64]
    levels: NDArray[np.float64]
    unit: str
    threshold: float
    hysteresis: float
    on_at_start: NDArray[np.bool_]
    on_at_end: NDArray[np.bool_]
    n_faint: int = 0
    has_ends: bool = True
    has_samples: bool = True
    rises: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    falls: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    polarity: Polarity = "high"
    glitches: RemovedGlitches | None = None

    def __len__(self) -> int:
        return len(self.times)

    @property
    def basis(self) -> str:
        """How the pulses are known, e.g. ``"threshold 2.5 V, hysteresis 0.5 V"`` or ``"digital line"``."""
        if not self.has_samples:
            text = "times of its events" if self.has_ends else "times of its events, whose ends are not stored"
        elif self.unit == "n.a.":
            text = "digital line" if self.has_ends else "events of a line that only says when"
        else:
            text = f"threshold {self.threshold:g} {self.unit}, hysteresis {self.hysteresis:g} {self.unit}"
        n_cut = int((self.on_at_start | self.on_at_end).sum())
        return f"{text}; {n_cut} cut at the edge of a sweep" if n_cut else text


def recorded_pulses(
    recording: Recording,
    channel_name: str,
    *,
    threshold: float | None = None,
    hysteresis: float | None = None,
    polarity: Polarity = "high",
    minimum_width: float | None = None,
) -> RecordedPulses:
    """Find the pulses on a channel of a recording, a block at a time.

    No pulse spans a gap between sweeps: one that is on there is cut, and said to be. A digital line is on where it is 1. For an
    analog channel, `threshold` is by default half way between the two levels of the channel and `hysteresis` a tenth of the step
    between them; with a stated `threshold`, `hysteresis` is by default a fifth of it. Of a line whose events are stored by their
    times, these are the pulses.

    Parameters
    ----------
    recording : Recording
    channel_name : str
    threshold, hysteresis : float, optional
        In the unit of the channel; not for a digital line.
    polarity : {"high", "low"}
        Whether the line is on when high or when low.
    minimum_width : float, optional
        In seconds; shorter pulses, and shorter gaps in one, are glitches, which the result lists.

    Returns
    -------
    RecordedPulses

    Raises
    ------
    SourceError
        If there is no such channel, or no two levels on it and `threshold` is not given.
    """
    part = recording.part(channel_name)
    if isinstance(part, EventLine):
        if threshold is not None or hysteresis is not None or polarity == "low" or minimum_width is not None:
            raise SourceError(
                f"{recording.files[0].name}: channel {channel_name}: it has the times of events, and no samples; leave out "
                "`threshold`, `hysteresis`, `polarity` and `minimum_width`"
            )
        return _pulses_of_line(part)
    channel, runs = part, _runs(recording)
    try:
        levels = _levels(channel) if channel.kind == "analog" and threshold is None else None
        threshold, hysteresis = _thresholds(channel, levels, threshold, hysteresis)
        found = [_pulses_of_run(channel, start, stop, threshold, hysteresis, polarity) for start, stop in runs]
        n_faint = 0 if levels is None else _count_faint(channel, levels, runs, found, polarity)
    except SourceError as error:
        raise SourceError(f"{recording.files[0].name}: channel {channel_name}: {error}") from error
    glitches = None
    if minimum_width is not None:
        found, glitches = _cleaned(recording, runs, found, minimum_width)
    onsets, rises, falls = (
        np.concatenate([start + values for (start, _), values in zip(runs, column, strict=True)])
        for column in zip(*((one.onsets, one.rises, one.falls) for one in found), strict=True)
    )
    n_samples = np.concatenate([pulses.offsets - pulses.onsets for pulses in found])
    return RecordedPulses(
        channel=channel_name,
        times=ExplicitTimes(recording.sample_times(onsets)),
        durations=n_samples / recording.rate,
        levels=np.concatenate([pulses.levels for pulses in found]),
        unit=channel.unit,
        threshold=threshold,
        hysteresis=hysteresis,
        on_at_start=np.concatenate([_mark(len(one), 0, one.starts_on) for one in found]),
        on_at_end=np.concatenate([_mark(len(one), -1, one.ends_on) for one in found]),
        n_faint=n_faint,
        has_ends=not channel.is_momentary,
        rises=_edge_times(recording, onsets, rises),
        falls=_edge_times(recording, onsets + n_samples - 1, falls),
        polarity=polarity,
        glitches=glitches,
    )


def _pulses_of_line(line: EventLine) -> RecordedPulses:
    n_events = len(line.times)
    durations = np.zeros(n_events) if line.durations is None else line.durations
    return RecordedPulses(
        channel=line.name,
        times=line.times,
        durations=durations,
        levels=np.ones(n_events),
        unit="n.a.",
        threshold=0.5,
        hysteresis=0.0,
        on_at_start=_mark(n_events, 0, line.on_at_start),
        on_at_end=_mark(n_events, -1, line.on_at_end),
        has_ends=line.durations is not None,
        has_samples=False,
        rises=line.times.seconds,
        falls=line.times.seconds + durations,
    )


def clock_pulses(
    recording: Recording,
    channel_name: str,
    *,
    threshold: float | None = None,
    hysteresis: float | None = None,
    polarity: Polarity | None = None,
    minimum_width: float | None = None,
) -> RecordedPulses:
    """The pulses of a line that ticks for something; of one that rests high, where nothing is stated, the low ones.

    Parameters
    ----------
    recording, channel_name, threshold, hysteresis, minimum_width
        As for `recorded_pulses`.
    polarity : {"high", "low"}, optional
        As there; found by what the line does before the first pulse and behind the last one, if left out.

    Raises
    ------
    SourceError
        As `recorded_pulses`.
    """
    found = recorded_pulses(
        recording,
        channel_name,
        threshold=threshold,
        hysteresis=hysteresis,
        polarity=polarity or "high",
        minimum_width=minimum_width,
    )
    if polarity is not None or not found.has_samples or not _rests_high(found):
        return found
    return recorded_pulses(
        recording, channel_name, threshold=threshold, hysteresis=hysteresis, polarity="low", minimum_width=minimum_width
    )


def _rests_high(found: RecordedPulses) -> bool:
    widths = np.round(found.durations * 1e9).astype(np.int64)
    starts = np.cumsum(widths) - widths
    starts_on, ends_on = (bool(len(found) and marks[index]) for marks, index in ((found.on_at_start, 0), (found.on_at_end, -1)))
    return rests_on(Pulses(starts, starts + widths, found.levels, starts_on, ends_on, found.rises, found.falls))


def _cleaned(
    recording: Recording, runs: list[tuple[int, int]], found: list[Pulses], minimum_width: float
) -> tuple[list[Pulses], RemovedGlitches]:
    """The pulses of each stretch without glitches, and these."""
    shortest = int(np.ceil(minimum_width * recording.rate - 1e-6))
    cleaned = [without_glitches(one, shortest=shortest) for one in found]
    glitches = [one for _, one in cleaned]
    onsets = np.concatenate([start + one.onsets for (start, _), one in zip(runs, glitches, strict=True)])
    return [pulses for pulses, _ in cleaned], RemovedGlitches(
        recording.sample_times(onsets),
        np.concatenate([one.widths for one in glitches]) / recording.rate,
        np.concatenate([one.are_gaps for one in glitches]),
        minimum_width,
    )


def _edge_times(recording: Recording, samples: NDArray[np.int64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """When edges beside the given samples were, shape (n,), in seconds; an edge is of the sweep of its sample."""
    times: NDArray[np.float64] = recording.sample_times(samples) + (edges - samples) / recording.rate
    return times


def refuse_faint(pulses: RecordedPulses, file: str, remedy: str) -> None:
    """Refuse pulses beside which a found threshold would lose weaker ones.

    Raises
    ------
    SourceError
        If there is a stretch that may be one; `remedy` says what to do.
    """
    if pulses.n_faint:
        raise SourceError(
            f"{file}: channel {pulses.channel}: {pulses.n_faint} stretches beside {len(pulses)} pulses leave the resting level and "
            f"do not reach {pulses.threshold:g} {pulses.unit}, half way between its two levels; are they weaker pulses? {remedy}"
        )


def _thresholds(channel: Channel, levels: Levels | None, threshold: float | None, hysteresis: float | None) -> tuple[float, float]:
    if channel.kind == "digital":
        if threshold is not None or hysteresis is not None:
            raise SourceError("a digital line is 0 or 1; leave out `threshold` and `hysteresis`")
        return 0.5, 0.0
    if levels is None:
        stated = 0.0 if threshold is None else threshold
        return stated, abs(stated) / 5 if hysteresis is None else hysteresis
    return levels.threshold, levels.hysteresis if hysteresis is None else hysteresis


def _levels(channel: Channel) -> Levels:
    is_raw = np.issubdtype(channel.samples.dtype, np.integer)
    return find_levels(channel.values, channel.samples.shape[0], resolution=abs(channel.conversion) if is_raw else 0.0)


def _runs(recording: Recording) -> list[tuple[int, int]]:
    """First sample, and the one after the last, of each stretch that was recorded without a gap."""
    bounds = np.concatenate([[0], np.cumsum(recording.sweep_lengths)])
    broken = np.flatnonzero(np.abs(recording.sweep_gaps()) >= 0.01 / recording.rate) + 1
    edges = [0, *(int(bounds[sweep]) for sweep in broken), int(bounds[-1])]
    return list(pairwise(edges))


def _pulses_of_run(channel: Channel, start: int, stop: int, threshold: float, hysteresis: float, polarity: Polarity) -> Pulses:
    if isinstance(channel.samples, DigitalLine) and polarity == "high":
        return _pulses_of_edges(channel.samples, start, stop)
    return find_pulses(
        lambda first, last: channel.values(start + first, start + last),
        stop - start,
        threshold=threshold,
        hysteresis=hysteresis,
        polarity=polarity,
    )


def _pulses_of_edges(line: DigitalLine, start: int, stop: int) -> Pulses:
    """The same of a line whose edges are known, without making its samples."""
    edges = line.edges[(line.edges > start) & (line.edges < stop)] - start
    starts_on = bool(np.searchsorted(line.edges, start, side="right") % 2)
    turns = np.concatenate([[0], edges]) if starts_on else edges
    ends_on = bool(len(turns) % 2)
    turns = np.concatenate([turns, [stop - start]]) if ends_on else turns
    onsets, offsets = turns[0::2].astype(np.int64), turns[1::2].astype(np.int64)
    rises: NDArray[np.float64] = onsets - np.float64(0.5)  # half way between two samples, but at the ends
    falls: NDArray[np.float64] = offsets - np.float64(0.5)
    if starts_on:
        rises[0] = 0.0
    if ends_on:
        falls[-1] = stop - start
    levels = np.ones(len(onsets))
    return Pulses(onsets=onsets, offsets=offsets, levels=levels, starts_on=starts_on, ends_on=ends_on, rises=rises, falls=falls)


def _count_faint(channel: Channel, levels: Levels, runs: list[tuple[int, int]], found: list[Pulses], polarity: Polarity) -> int:
    """Stretches that are further than a tenth of the step from the resting level and hold no pulse."""
    step = levels.high - levels.low
    near_rest = levels.low + 0.075 * step if polarity == "high" else levels.high - 0.075 * step
    count = 0
    for (start, stop), pulses in zip(runs, found, strict=True):
        stretches = _pulses_of_run(channel, start, stop, near_rest, 0.05 * step, polarity)
        before, behind = (np.searchsorted(pulses.onsets, edges) for edges in (stretches.onsets, stretches.offsets))
        count += int((before == behind).sum())
    return count


def _mark(n_pulses: int, index: int, is_cut: bool) -> NDArray[np.bool_]:
    marks = np.zeros(n_pulses, dtype=np.bool_)
    if is_cut:
        marks[index] = True
    return marks


def choose_whole(
    pulses: RecordedPulses, cut: Literal["refuse", "leave out", "keep"], file: str
) -> tuple[NDArray[np.bool_], list[str]]:
    """Which pulses stay, given what is stated of those that the edge of a sweep cuts.

    Parameters
    ----------
    pulses : RecordedPulses
    cut : {"refuse", "leave out", "keep"}
    file : str
        Name of the recording's file, for the message.

    Returns
    -------
    kept : np.ndarray, shape (n_pulses,), bool
    remarks : list of str
        What to say in the file of those that were cut.

    Raises
    ------
    SourceError
        If a pulse is cut and `cut` is ``"refuse"``.
    """
    is_cut = pulses.on_at_start | pulses.on_at_end
    n_cut = int(is_cut.sum())
    if n_cut and cut == "refuse":
        index = int(np.flatnonzero(is_cut)[0])
        raise SourceError(
            f"{file}: pulse {index + 1} of channel {pulses.channel} (at {pulses.times.seconds[index]:.6f} s) was on when a "
            f"sweep began or ended, so how long it was is not known ({n_cut} of {len(pulses)} pulses). State `cut: leave out` or "
            "`cut: keep`"
        )
    kept = ~is_cut if cut == "leave out" else np.ones(len(pulses), dtype=np.bool_)
    what = "left out" if cut == "leave out" else "kept with the part of them that was recorded"
    return kept, [f"the {n_cut} cut pulses are {what}, as stated"] if n_cut else []


def choose_long(
    pulses: RecordedPulses, kept: NDArray[np.bool_], minimum_width: float | None
) -> tuple[NDArray[np.bool_], RemovedGlitches | None]:
    """Which pulses stay of those that stay so far, where shorter ones are glitches; gaps between pulses are no matter here.

    Parameters
    ----------
    pulses : RecordedPulses
    kept : np.ndarray, shape (n_pulses,), bool
    minimum_width : float or None
        In seconds; None if none is stated.

    Returns
    -------
    kept : np.ndarray, shape (n_pulses,), bool
    glitches : RemovedGlitches or None
        What was left out; None if nothing was.
    """
    if minimum_width is None:
        return kept, None
    short = kept & (pulses.durations < minimum_width - 1e-9)
    if not short.any():
        return kept, None
    none = np.zeros(int(short.sum()), dtype=np.bool_)
    return kept & ~short, RemovedGlitches(pulses.times.seconds[short], pulses.durations[short], none, minimum_width)


GLITCHES = "glitches"
"""The note of a record in which pulses of a channel were left out because they are too short."""


def glitch_notes(glitches: RemovedGlitches | None, channel: object) -> dict[str, str]:
    """The note of a record that is made of a channel, nothing where nothing was left out."""
    return {} if glitches is None else {GLITCHES: f"{channel}: left out as glitches: {glitches}"}
