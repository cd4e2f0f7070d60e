"""The clock of a recorder, tied to another one by pulses that both recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bergmann.errors import SourceError
from bergmann.moments import When
from bergmann.plan.line_reading import line_pulses, readings_of, seconds_of
from bergmann.plan.sources import ClockLine
from bergmann.pulses import RecordedPulses, clock_pulses
from bergmann.records import Recording
from bergmann.timing.barcodes import LAYOUTS, match_barcodes, read_barcodes
from bergmann.timing.fit import ClockFit, Shared, fit_shared
from bergmann.timing.match import Anchor

BEGIN_WITHIN = 1.0
"""How far a stated begin may be wrong where it has no `+-`, in seconds: what is read off a wall clock."""


def tie(record: Recording, recording: Recording, stated: ClockLine, *, source: str, begins: When | None = None) -> ClockFit:
    """How a recorder's clock relates to the session's, by a channel of its own that had the pulses of a line.

    Parameters
    ----------
    record : Recording
        On its own clock.
    recording : Recording
        Which has the line, on the session's clock.
    stated : ClockLine
        With `own`.
    source : str
        Name of the recorder's source.
    begins : When, optional
        When it began, as a person says.

    Raises
    ------
    SourceError
        If a channel has no pulses, or nothing tells which pulse is which; the message has the counts of both lines.
    """
    channel, own_channel = stated.line.part or "", stated.own or ""
    line, own_line = str(stated.line), f"{source}/{own_channel}"
    other = line_pulses(recording, stated, channel)
    mine = clock_pulses(record, own_channel, minimum_width=seconds_of(stated.minimum_width))
    for pulses, name in ((mine, own_line), (other, line)):
        if not len(pulses):
            raise SourceError(f"{name}: no pulse on this line ({pulses.basis}); is it the one that was connected?")
    try:
        shared = _matched(mine, other, stated, _anchor(record, begins))
    except SourceError as error:
        raise SourceError(f"{len(mine)} pulses on {own_line} and {len(other)} on {line}: {error}") from error
    resolution = 1 / min(record.rate, recording.rate)
    fit = fit_shared(shared, resolution=resolution, source=source, own_line=own_line, line=line)
    readings = [text for text in (readings_of(other, line, stated), readings_of(mine, own_line, None)) if text]
    return replace(fit, readings="; ".join(readings))


def _anchor(record: Recording, begins: When | None) -> Anchor | None:
    if begins is None:
        return None
    at = record.sweep_starts.first
    within = begins.uncertainty if np.isfinite(begins.uncertainty) else BEGIN_WITHIN
    return Anchor(begins.seconds - at, within, at=at)


def _matched(mine: RecordedPulses, other: RecordedPulses, stated: ClockLine, anchor: Anchor | None) -> Shared:
    """Which pulses are the same. Their edges are taken as they cross the threshold, between samples: so they are on both lines."""
    if stated.barcode is None:
        return Shared.by_intervals(mine.rises, other.rises, anchor)
    layout = LAYOUTS[stated.barcode]
    words = [read_barcodes(one.rises, one.falls, layout) for one in (mine, other)]
    used = match_barcodes(words[0], mine.rises, words[1], other.rises, within=layout.margin)
    return Shared(mine.rises, other.rises, *used, f"{len(words[0])} and {len(words[1])} barcodes of {layout.bits} bits")
