"""Pulses of a recorded channel, in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.arrays import DigitalLine
from bergmann.errors import SourceError
from bergmann.records import Channel, EventLine, Recording
from bergmann.timing.pulses import Levels, Polarity, Pulses, find_levels, find_pulses
from bergmann.timing.times import ExplicitTimes


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
        if threshold is not None or hysteresis is not None or polarity == "low":
            raise SourceError(
                f"{recording.files[0].name}: channel {channel_name}: it has the times of events, and no samples; leave out "
                "`threshold` and `hysteresis`"
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
    onsets = np.concatenate([start + pulses.onsets for (start, _), pulses in zip(runs, found, strict=True)])
    n_samples = np.concatenate([pulses.offsets - pulses.onsets for pulses in found])
    return RecordedPulses(
        channel=channel_name,
        times=ExplicitTimes(_sample_times(recording, onsets)),
        durations=n_samples / recording.rate,
        levels=np.concatenate([pulses.levels for pulses in found]),
        unit=channel.unit,
        threshold=threshold,
        hysteresis=hysteresis,
        on_at_start=np.concatenate([_mark(len(one), 0, one.starts_on) for one in found]),
        on_at_end=np.concatenate([_mark(len(one), -1, one.ends_on) for one in found]),
        n_faint=n_faint,
        has_ends=not channel.is_momentary,
    )


def _pulses_of_line(line: EventLine) -> RecordedPulses:
    n_events = len(line.times)
    return RecordedPulses(
        channel=line.name,
        times=line.times,
        durations=np.zeros(n_events) if line.durations is None else line.durations,
        levels=np.ones(n_events),
        unit="n.a.",
        threshold=0.5,
        hysteresis=0.0,
        on_at_start=_mark(n_events, 0, line.on_at_start),
        on_at_end=_mark(n_events, -1, line.on_at_end),
        has_ends=line.durations is not None,
        has_samples=False,
    )


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
    return Pulses(onsets=onsets, offsets=offsets, levels=np.ones(len(onsets)), starts_on=starts_on, ends_on=ends_on)


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


def _sample_times(recording: Recording, samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """When the given samples were taken, shape (n,), in seconds."""
    first = np.cumsum(recording.sweep_lengths) - recording.sweep_lengths
    sweep = np.searchsorted(first, samples, side="right") - 1
    times: NDArray[np.float64] = recording.sweep_starts.seconds[sweep] + (samples - first[sweep]) / recording.rate
    return times


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
