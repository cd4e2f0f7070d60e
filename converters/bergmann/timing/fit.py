"""Putting the times of one clock on another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.clock_map import MOST_CHANGE, ClockMap, Residuals, fit_map
from bergmann.timing.match import Anchor, match_events
from bergmann.timing.ties import Outside, Ties
from bergmann.timing.times import Times

MOST_DRIFT = 0.01
"""Share of a recording by which two clocks may differ: computers' quartzes differ by some 1e-4, a wrong frame rate by more."""

INSIDE = Outside()
"""Nothing lies outside of the pulses."""

MOST_SCATTER = 2.0
"""How many samples of the line 95 % of the events may be away from a fitted clock; events further off are not timed by one."""


@dataclass(frozen=True, kw_only=True)
class ClockFit:
    """How the times of a source were put on the session's clock.

    Attributes
    ----------
    method : str
        What was done, in words that stand in the file.
    offset : float
        Time on the session's clock at which the source's own shows zero, in seconds.
    reference : str
        What it was fitted to: ``"daq/FrameClock"``, or the source's own name if it is the session's clock.
    n_pulses, n_events : int
        Pulses on the line and events of the source; 0 where there is no line.
    residual : float
        Largest absolute difference between a pulse and its event after the fit, in seconds; NaN where there is no line.
    residual_median, residual_most : float
        Median and 95th percentile of these differences.
    left_out : float
        Root mean square difference of a pulse to a fit without it, in seconds.
    drift : float
        By how much the fit has moved the last event against the first, in seconds (positive: the source's clock runs fast);
        NaN where there is no line.
    tolerance : float
        How far 95 % of the pulses may be from one smooth clock for the times to follow it, in seconds; NaN where there is no line.
    clock : ClockMap, optional
        The map of the source's clock to the session's, where a line says more than an offset does.
    remark : str
        What a person should look at; empty where there is nothing.
    ties : Ties, optional
        The pulses of the line, and which tied which event.
    outside : Outside
        What of the source lies outside of those pulses.
    allowed : float
        How far outside a sample may be, in seconds; NaN where there is no line.
    readings : str
        How a line was read where that is to be looked at: glitches that were left out, a line that rests high; empty where there is
        nothing.
    """

    method: str
    offset: float
    reference: str
    n_pulses: int = 0
    n_events: int = 0
    residual: float = float("nan")
    residual_median: float = float("nan")
    residual_most: float = float("nan")
    left_out: float = float("nan")
    drift: float = float("nan")
    tolerance: float = float("nan")
    clock: ClockMap | None = field(default=None, compare=False)
    remark: str = ""
    ties: Ties | None = field(default=None, compare=False, repr=False)
    outside: Outside = INSIDE
    allowed: float = float("nan")
    readings: str = ""


def fit_pulses(own: Times, pulses: NDArray[np.float64], *, resolution: float, source: str, line: str) -> ClockFit:
    """The map that puts the events of a source on the pulses of a line, one pulse an event.

    It is the simplest that the pulses allow: an offset, an offset and a rate, a rate that changes as clocks do. Where the events
    are not near to any of these (a camera that pauses or drops frames), each is put at its own pulse.

    Parameters
    ----------
    own : Times
        Times of the events (frames) on the source's clock, in seconds.
    pulses : np.ndarray, shape (n_pulses,), float64
        Onsets of the pulses on the session's clock, in seconds.
    resolution : float
        Time between samples of the line, in seconds.
    source, line : str
        Names for the message and the method, e.g. ``"movie"`` and ``"daq/FrameClock"``.

    Returns
    -------
    ClockFit
        With what is left between pulses and events.

    Raises
    ------
    SourceError
        If there is no pulse, or not one pulse an event, or the two rates differ by more than clocks do.
    """
    if len(pulses) == 0:
        raise SourceError(f"{line}: no pulse on this line; expected {len(own)}, one for each frame of {source}")
    if len(pulses) != len(own):
        raise SourceError(
            f"{source}: {len(own)} frames, but {len(pulses)} {'pulse' if len(pulses) == 1 else 'pulses'} on {line}; expected one "
            "pulse a frame. "
            "Was one of the two stopped early, or does the line tick for something else?"
        )
    seconds, span = own.seconds, float(pulses[-1] - pulses[0])
    apart = seconds + float(pulses[0] - seconds[0]) - pulses
    if float(np.abs(apart).max()) > MOST_DRIFT * span:
        raise SourceError(
            f"{source}: {len(own)} frames in {own.last - own.first:.3f} s by its own clock, but in {span:.3f} s by the "
            f"pulses on {line}; no clock is so far off. Is its rate right, and is this its line?"
        )
    clock, left = fit_map(seconds, pulses, resolution=resolution)
    remark = ""
    if (left.most > MOST_SCATTER * resolution or not _is_clock(clock)) and (np.diff(seconds) > 0).all():
        remark = (
            f"{source} is no steady clock: by the best fit its frames are up to {left.largest * 1e3:.1f} ms from the pulses on "
            f"{line}, so each frame is put at its own pulse"
        )
        clock = ClockMap("pulse by pulse", seconds, pulses, resolution)
        left = Residuals(median=0.0, most=0.0, largest=0.0, left_out=float("nan"))
    return ClockFit(
        method=_said(clock, len(pulses)),
        offset=clock.offset,
        reference=line,
        n_pulses=len(pulses),
        n_events=len(own),
        residual=left.largest,
        residual_median=left.median,
        residual_most=left.most,
        left_out=left.left_out,
        drift=float(apart[-1]),
        tolerance=MOST_SCATTER * resolution,
        clock=clock,
        remark=remark,
        ties=Ties.in_order(seconds, pulses),
    )


def _is_clock(clock: ClockMap) -> bool:
    """Whether the rate changes no more than that of a clock does."""
    if clock.is_steady:
        return True
    rates = np.diff(clock.other) / np.diff(clock.own)
    return bool(np.ptp(rates) <= MOST_CHANGE)


def _said(clock: ClockMap, n_pulses: int) -> str:
    if clock.model == "offset":
        return f"offset, fitted to {n_pulses} pulses"
    if clock.model == "pulse by pulse":
        return "each frame is at its own pulse"
    ppm = (1 / clock.rate_ratio - 1) * 1e6
    rate = f"offset and rate, fitted to {n_pulses} pulses: its clock runs {abs(ppm):.1f} ppm {'fast' if ppm > 0 else 'slow'}"
    changes = len(clock.own) - 2
    return rate if not changes else f"{rate} on the whole, and its rate changes {changes} time{'s' if changes > 1 else ''}"


def fit_used(own: Times, pulses: NDArray[np.float64], *, until: float, resolution: float, source: str, line: str) -> ClockFit:
    """The map that puts the first events on the first pulses, where only the first events are used and the counts differ.

    A person has said after which event nothing is used: the line or the source may have been stopped early, behind it.

    Parameters
    ----------
    own : Times
        Times of all events (frames) on the source's clock, in seconds.
    pulses : np.ndarray, shape (n_pulses,), float64
        Onsets of the pulses on the session's clock, in seconds.
    until : float
        Time of the last event that is used.
    resolution, source, line
        As for `fit_pulses`.

    Returns
    -------
    ClockFit
        Over as many of the first events as both have, with a remark that says which these are.

    Raises
    ------
    SourceError
        As `fit_pulses`, or if an event that is used has no pulse.
    """
    needed, common = int(np.searchsorted(own.seconds, until, side="right")), min(len(own), len(pulses))
    if common < needed:
        raise SourceError(
            f"{source}: {needed} frames are to be used, but only {len(pulses)} pulses are on {line}; expected one pulse a frame. "
            f"State the last frame that has one: `last_frame: {len(pulses)}`, if the line was stopped early"
        )
    fit = fit_pulses(own.part(0, common), pulses[:common], resolution=resolution, source=source, line=line)
    counts = f"{len(own)} frames in the files and {len(pulses)} pulses on {line}"
    remark = f"{counts}: the first {common} of both are taken to belong together"
    return replace(fit, method=f"{fit.method}; {remark}", remark="; ".join(text for text in (remark, fit.remark) if text))


@dataclass(frozen=True, eq=False)
class Shared:
    """Events that two clocks have seen, and which is which.

    Attributes
    ----------
    own : np.ndarray, shape (n_own,), float64
        Times of all events on the source's clock, in seconds, ascending.
    other : np.ndarray, shape (n_other,), float64
        Times of all events on the session's clock, in seconds, ascending.
    own_used, other_used : np.ndarray, shape (n_used,), int64
        Numbers of those that are the same, ascending.
    by : str
        How that is known, e.g. ``"their intervals"``.
    """

    own: NDArray[np.float64]
    other: NDArray[np.float64]
    own_used: NDArray[np.int64]
    other_used: NDArray[np.int64]
    by: str

    @classmethod
    def by_intervals(cls, own: NDArray[np.float64], other: NDArray[np.float64], anchor: Anchor | None = None) -> Shared:
        """The events that have the same intervals on both clocks; see `bergmann.timing.match.match_events`."""
        match = match_events(own, other, anchor=anchor)
        return cls(
            own, other, match.own, match.other, "their intervals" + (", from the stated begin" if anchor is not None else "")
        )

    @property
    def n_missing(self) -> int:
        """Events of the source that the other line lacks, between the first and the last that both have."""
        return int(self.own_used[-1] - self.own_used[0]) + 1 - len(self.own_used)

    @property
    def n_spurious(self) -> int:
        """Events of the other line that the source lacks, between the same."""
        return int(self.other_used[-1] - self.other_used[0]) + 1 - len(self.other_used)


def fit_shared(shared: Shared, *, resolution: float, source: str, own_line: str, line: str) -> ClockFit:
    """The map that puts a recorder's clock on the session's, by pulses that both recorded.

    Parameters
    ----------
    shared : Shared
    resolution : float
        Time between samples of the coarser recording, in seconds.
    source, own_line, line : str
        Names for the method and the message, e.g. ``"probe"``, ``"probe/Sync"`` and ``"daq/Sync"``.

    Returns
    -------
    ClockFit
        With a remark if the pulses are further from it than sampling explains.

    Raises
    ------
    SourceError
        If the rates differ by more than those of clocks do.
    """
    own, other = shared.own[shared.own_used], shared.other[shared.other_used]
    clock, left = fit_map(own, other, resolution=resolution)
    if abs(clock.rate_ratio - 1) > MOST_DRIFT:
        raise SourceError(
            f"{source}: by the pulses on {own_line} and {line} its clock runs {(1 / clock.rate_ratio - 1) * 100:+.1f} % fast; "
            "no clock is so far off. Is the rate of its samples right?"
        )
    n_used = len(own)
    counts = (
        f"{n_used} of {len(shared.own)} pulses on {own_line} and of {len(shared.other)} on {line} are the same, by {shared.by}; "
        f"between the first and the last of these, {shared.n_missing} are missing and {shared.n_spurious} are spurious"
    )
    remark = ""
    if left.most > MOST_SCATTER * resolution:
        remark = (
            f"after the fit, pulses on {own_line} are up to {left.largest * 1e3:.2f} ms away from the same on {line} (95 % are "
            f"within {left.most * 1e3:.2f} ms); a sample is {resolution * 1e3:.2f} ms"
        )
    return ClockFit(
        method=f"{_said(clock, n_used)}; {counts}",
        offset=clock.offset,
        reference=line,
        n_pulses=len(shared.other),
        n_events=len(shared.own),
        residual=left.largest,
        residual_median=left.median,
        residual_most=left.most,
        left_out=left.left_out,
        drift=float((own[-1] - own[0]) - (other[-1] - other[0])),
        tolerance=MOST_SCATTER * resolution,
        clock=clock,
        remark=remark,
        ties=Ties(shared.own, shared.other, shared.own_used, shared.other_used),
    )
