"""Putting the times of one clock on another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.timing.times import Times

MOST_DRIFT = 0.01
"""Share of a recording by which two clocks may differ: computers' quartzes differ by some 1e-4, a wrong frame rate by more."""


@dataclass(frozen=True, kw_only=True)
class ClockFit:
    """How the times of a source were put on the session's clock.

    Attributes
    ----------
    method : str
        What was done, in words that stand in the file.
    offset : float
        Seconds added to the source's own times.
    reference : str
        What it was fitted to: ``"daq/FrameClock"``, or the source's own name if it is the session's clock.
    n_pulses, n_events : int
        Pulses on the line and events of the source; 0 where there is no line.
    residual : float
        Largest absolute difference between a pulse and its event after the fit, in seconds; NaN where there is no line.
    drift : float
        Difference of the last pulse to its event after the fit, in seconds (positive: the source's clock runs fast);
        NaN where there is no line.
    remark : str
        What a person should look at; empty where there is nothing.
    """

    method: str
    offset: float
    reference: str
    n_pulses: int = 0
    n_events: int = 0
    residual: float = float("nan")
    drift: float = float("nan")
    remark: str = ""


def fit_first_pulse(own: Times, pulses: NDArray[np.float64], *, source: str, line: str) -> ClockFit:
    """The offset that puts the first event on the first pulse.

    Parameters
    ----------
    own : Times
        Times of the events (frames) on the source's clock, in seconds.
    pulses : np.ndarray, shape (n_pulses,), float64
        Onsets of the pulses on the session's clock, in seconds.
    source, line : str
        Names for the message and the method, e.g. ``"movie"`` and ``"daq/FrameClock"``.

    Returns
    -------
    ClockFit
        With the residual of all pulses, so that a drift is seen and not assumed away.

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
    offset = float(pulses[0] - own.first)
    difference = own.seconds + offset - pulses
    residual, span = float(np.abs(difference).max()), float(pulses[-1] - pulses[0])
    if residual > MOST_DRIFT * span:
        raise SourceError(
            f"{source}: {len(own)} frames in {own.last - own.first:.3f} s by its own clock, but in {span:.3f} s by the "
            f"pulses on {line}; no clock is so far off. Is its rate right, and is this its line?"
        )
    return ClockFit(
        method="offset: the first frame is at the first pulse",
        offset=offset,
        reference=line,
        n_pulses=len(pulses),
        n_events=len(own),
        residual=residual,
        drift=float(difference[-1]),
    )


def fit_used(own: Times, pulses: NDArray[np.float64], *, until: float, source: str, line: str) -> ClockFit:
    """The offset that puts the first event on the first pulse, where only the first events are used and the counts differ.

    A person has said after which event nothing is used: the line or the source may have been stopped early, behind it.

    Parameters
    ----------
    own : Times
        Times of all events (frames) on the source's clock, in seconds.
    pulses : np.ndarray, shape (n_pulses,), float64
        Onsets of the pulses on the session's clock, in seconds.
    until : float
        Time of the last event that is used.
    source, line : str
        As for `fit_first_pulse`.

    Returns
    -------
    ClockFit
        Over as many of the first events as both have, with a remark that says which these are.

    Raises
    ------
    SourceError
        As `fit_first_pulse`, or if an event that is used has no pulse.
    """
    needed, common = int(np.searchsorted(own.seconds, until, side="right")), min(len(own), len(pulses))
    if common < needed:
        raise SourceError(
            f"{source}: {needed} frames are to be used, but only {len(pulses)} pulses are on {line}; expected one pulse a frame. "
            f"State the last frame that has one: `last_frame: {len(pulses)}`, if the line was stopped early"
        )
    fit = fit_first_pulse(own.part(0, common), pulses[:common], source=source, line=line)
    counts = f"{len(own)} frames in the files and {len(pulses)} pulses on {line}"
    remark = f"{counts}: the first {common} of both are taken to belong together"
    return replace(fit, method=f"{fit.method}; {remark}", remark=remark)
