"""How far the times of a source go beyond the pulses that its clock was fitted to, and whether that is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from math import isnan

import numpy as np

from bergmann.errors import SourceError
from bergmann.records import Events, Record, Recording
from bergmann.stated import Quantity
from bergmann.timing.fit import ClockFit
from bergmann.timing.ties import Outside, Ties, outside
from bergmann.timing.times import ExplicitTimes, RegularTimes, Times

UNSTATED = 1.5
"""How far outside of the pulses a sample may be if nothing is stated, in usual intervals between pulses: one pulse may have been
lost or not have come yet, but not two."""


def own_times(record: Record) -> Iterator[Times]:
    """The times of all samples, frames or events that a source has in the file; of a recording, those of each sweep."""
    if isinstance(record, Recording):
        sweeps = zip(record.sweep_starts.seconds.tolist(), record.sweep_lengths.tolist(), strict=True)
        yield from (RegularTimes(start, record.rate, length) for start, length in sweeps)
    elif isinstance(record, Events):
        yield from (one.times for one in record.series)
    else:
        found = [
            value for part in fields(record) if part.name != "ticks" and isinstance(value := getattr(record, part.name), Times)
        ]
        if not found and record.span is not None:
            found = [ExplicitTimes(np.array(record.span))]
        yield from found


def limited(fit: ClockFit, record: Record, *, source: str, stated: Quantity | None, is_said: bool = False) -> ClockFit:
    """The fit with what of a source lies outside of its pulses; a time far outside is refused, and none is moved to the edge.

    Without a statement, a sample may be outside by `UNSTATED` times as much as one pulse usually is from the next; that of a
    recorder which is tied to another one, by as much as the pulses last that both had.

    Parameters
    ----------
    fit : ClockFit
    record : Record
        On the source's own clock, with what is to be written.
    source : str
        Its name, for the message.
    stated : Quantity, optional
        How far outside a sample may be.
    is_said : bool
        Whether it is stated of frames that they have no pulse, so that they may be as far outside as they are.

    Raises
    ------
    SourceError
        If a sample is further outside.
    """
    if fit.clock is None or fit.ties is None:
        return fit
    found = outside(own_times(record), fit.clock, fit.ties)
    allowed = _allowed(fit.ties, record) if stated is None else stated.to("s")
    if is_said:
        allowed = max(allowed, found.furthest)
    if found.furthest > allowed:
        raise SourceError(_refusal(fit, found, source, allowed, is_stated=stated is not None))
    return replace(fit, outside=found, allowed=allowed)


def _allowed(ties: Ties, record: Record) -> float:
    """How far outside of the pulses a sample may be if nothing is stated, in seconds.

    A recorder goes on when its pulses have ended, and its clock as well: it may go on for as long as it was compared.
    """
    if isinstance(record, Recording) and len(ties) > 2:
        return float(np.ptp(ties.pulses[ties.used]))
    return UNSTATED * ties.interval


def _refusal(fit: ClockFit, found: Outside, source: str, allowed: float, *, is_stated: bool) -> str:
    ways = [
        f"{count:,} of its samples {'is' if count == 1 else 'are'} up to {seconds:.3f} s {where} pulse"
        for count, seconds, where in (
            (found.n_before, found.before, "before the first"),
            (found.n_after, found.after, "behind the last"),
        )
        if count
    ]
    is_usual = fit.ties is not None and allowed == UNSTATED * fit.ties.interval
    unstated = f"{UNSTATED:g} times the time from one pulse to the next" if is_usual else "as long as its pulses last"
    basis = "as stated" if is_stated else unstated
    return (
        f"{source}: {' and '.join(ways)} on {fit.reference}, where nothing says how its clock runs; expected at most "
        f"{allowed:.4g} s ({basis}). Use the frames that have pulses (`frames: <first>-<last>`), or state that its clock can be "
        f"trusted so far: `clock: {{line: {fit.reference}, extrapolate: {_rounded_up(found.furthest)} s}}`"
    )


def _rounded_up(seconds: float) -> str:
    """Two digits, not below the number."""
    if isnan(seconds) or seconds <= 0:
        return "0"
    step = 10.0 ** (np.floor(np.log10(seconds)) - 1)
    return f"{np.ceil(seconds / step - 1e-9) * step:.3g}"
