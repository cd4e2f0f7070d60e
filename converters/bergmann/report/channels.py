"""A thumbnail of each recorded channel, with what it looks like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.plan.resolve import Plan
from bergmann.pulses import recorded_pulses
from bergmann.records import Channel, EventLine, Recording, Trace
from bergmann.report.guarded import guarded
from bergmann.report.html import Html, el, join
from bergmann.report.placing import MOST_SAMPLES
from bergmann.stated import Ref
from bergmann.texts import folded

COLUMNS = 480
"""Columns of a thumbnail; each shows the least and the greatest value of its stretch."""

HEIGHT = 44

MOST_COUNTED = 5_000_000
"""Samples of an analog channel up to which two levels are looked for on it, which takes a second for so many."""


@dataclass(frozen=True, eq=False)
class Envelope:
    """The least and greatest values of stretches of a channel.

    Attributes
    ----------
    low, high : np.ndarray, shape (n_columns,), float64
        NaN where no sample was a number.
    read : int
        Samples that were read, of `total`.
    total : int
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    read: int
    total: int

    @property
    def least(self) -> float:
        """The least value that was read; NaN if none was a number."""
        return float(np.nanmin(self.low)) if np.isfinite(self.low).any() else float("nan")

    @property
    def greatest(self) -> float:
        """The greatest value that was read."""
        return float(np.nanmax(self.high)) if np.isfinite(self.high).any() else float("nan")


def envelope(channel: Channel, columns: int = COLUMNS, most: int = MOST_SAMPLES) -> Envelope:
    """Read a channel, a stretch at a time; of one of more than `most` samples, the first part of each stretch."""
    total = channel.samples.shape[0]
    edges = np.unique(np.linspace(0, total, min(columns, total) + 1).astype(np.int64))
    share = max(1, most // max(1, len(edges) - 1))
    low, high, read = [], [], 0
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        values = channel.values(start, min(stop, start + share))
        read += len(values)
        values = values[np.isfinite(values)]
        low.append(float(values.min()) if len(values) else np.nan)
        high.append(float(values.max()) if len(values) else np.nan)
    return Envelope(np.array(low), np.array(high), read, total)


def channel_figures(plan: Plan) -> Iterator[Html]:
    """The channels of each recording, one row each."""
    for name, header in plan.headers.items():
        if isinstance(header, Recording):
            yield _recording(plan, name, header)
        elif isinstance(header, Trace):
            yield _trace(name, header)


def _recording(plan: Plan, name: str, recording: Recording) -> Html:
    n_sweeps = len(recording.sweep_lengths)
    total = int(recording.sweep_lengths.sum())
    sweeps = f", {n_sweeps} sweeps behind each other" if n_sweeps > 1 else ""
    said = f"{total:,} samples a channel at {recording.rate:g} Hz{sweeps}. Each column shows the least and the greatest value."
    said = said if recording.channels or not recording.lines else "Only the times of events are stored."
    rows = [guarded(f"channel {one.name} of {name}", _channel, plan, name, recording, one) for one in recording.channels]
    rows += [_line(plan, name, recording, line) for line in recording.lines]
    return join(el("h3", name), el("p", said, class_="aside"), el("ul", *(el("li", row) for row in rows), class_="channels"))


def _line(plan: Plan, name: str, recording: Recording, line: EventLine) -> Html:
    """What there is to say of a line of events, which is not drawn."""
    looks = f"{line.description}: {_count(recording, line)}"
    words = el("p", el("strong", line.name), el("span", looks), el("span", _use(plan, name, line.name), class_="aside"))
    return el("div", words, class_="channel")


def _trace(name: str, trace: Trace) -> Html:
    """The quantities that a device logged."""
    rows = []
    for column in trace.columns:
        found = envelope(Channel(name=column.name, kind="analog", unit=column.unit, samples=column.values))
        rows.append(el("li", _row(name, column.name, f"{found.least:.3g} to {found.greatest:.3g} {column.unit}", "", found)))
    said = f"{len(trace.times):,} samples, drawn behind each other; a gap in time is not seen."
    return join(el("h3", name), el("p", said, class_="aside"), el("ul", *rows, class_="channels"))


def _channel(plan: Plan, name: str, recording: Recording, channel: Channel) -> Html:
    found = envelope(channel)
    return _row(name, channel.name, describe(recording, channel, found), _use(plan, name, channel.name), found)


def _use(plan: Plan, name: str, channel: str) -> str:
    used = _uses(plan, name, channel)
    return f"used by {', '.join(used)}" if used else "kept as recorded; nothing refers to it"


def _row(name: str, part: str, looks: str, use: str, found: Envelope) -> Html:
    """A thumbnail behind what is to be said of it."""
    svg = el(
        "svg",
        el("title", f"{name}/{part}: {looks}"),
        el("path", d=path_of(found), class_="trace"),
        viewBox=f"0 0 {COLUMNS} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
    )
    words = el(
        "p",
        el("strong", part),
        el("span", looks),
        el("span", use, class_="aside") if use else None,
    )
    return el("div", words, svg, class_="channel")


def describe(recording: Recording, channel: Channel, found: Envelope) -> str:
    """What a channel looks like, in words: ``digital line: 1,291 pulses``, ``analog, -0.1 to 5.0 V``, ``flat``."""
    part = "" if found.read == found.total else f" (from {100 * found.read / found.total:.2g} % of its samples)"
    if not np.isfinite(found.least):
        return f"{channel.kind}, no value that is a number{part}"
    if found.least == found.greatest:
        level = f"{found.least:g}" if channel.kind == "digital" else f"{found.least:.4g} {channel.unit}"
        return f"{channel.kind}, flat at {level}{part}"
    if channel.kind == "digital":
        return "digital line" + (f": {_count(recording, channel)}" if not part else f", changes{part}")
    text = f"analog, {found.least:.3g} to {found.greatest:.3g} {channel.unit}{part}"
    if found.read > MOST_COUNTED or part:
        return text
    try:
        return f"{text}, {_count(recording, channel)} between two levels"
    except SourceError:  # no two levels: it is no line of pulses, which is no fault
        return text


def _count(recording: Recording, channel: Channel | EventLine) -> str:
    pulses = recorded_pulses(recording, channel.name)
    rate = 1 / pulses.times.interval if len(pulses) > 2 else float("nan")
    often = "" if not np.isfinite(rate) else f", usually {rate:.4g} a second" if rate >= 1 else f", usually every {1 / rate:.4g} s"
    return f"{len(pulses):,} pulse{'' if len(pulses) == 1 else 's'}{often}"


def _uses(plan: Plan, name: str, channel: str) -> list[str]:
    """The sources that name a channel, and as what."""
    found = []
    for one, entry in plan.loaded.sources.items():
        if _is_named(entry.clock, name, channel):
            found.append(f"{one} (clock)")
        elif _is_named(getattr(entry.source, "of", None), name, channel):
            found.append(one)
    return found


def _is_named(ref: Ref[Any] | None, name: str, channel: str) -> bool:
    return ref is not None and ref.name == name and ref.part is not None and folded(ref.part) == folded(channel)


def path_of(found: Envelope) -> str:
    """The envelope as the path of a drawing of `COLUMNS` by `HEIGHT`: up one side, back along the other."""
    span = found.greatest - found.least
    if not np.isfinite(span):
        return ""
    x = (np.arange(len(found.low)) + 0.5) * COLUMNS / len(found.low)
    scale = (HEIGHT - 4) / span if span > 0 else 0.0
    base = HEIGHT - 2 if span > 0 else HEIGHT / 2
    steps, is_on = [], False
    for left, low, high in zip(x, found.low, found.high, strict=True):
        if not np.isfinite(low):
            is_on = False
            continue
        bottom, top = base - (low - found.least) * scale, base - (high - found.least) * scale
        steps.append(f"{'L' if is_on else 'M'}{left:.1f} {bottom:.1f}" + (f"V{top:.1f}" if abs(top - bottom) >= 0.1 else ""))
        is_on = True
    return "".join(steps) + ("h0.1" if len(steps) == 1 else "")
