"""All sources on one time axis, with light, events, drugs and what should not be analysed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import BergmannError
from bergmann.moments import Moment, When
from bergmann.plan.resolve import Plan
from bergmann.records import Events, GlialEvents, Intervals, LightPulses, Movie, Record, Recording, StateMachine, Trace
from bergmann.report.html import Html, el, figure, join, table
from bergmann.report.placing import Placement, why

WIDTH, LEFT, ROW = 960.0, 190.0, 28.0
"""Of the drawing: its width, where the axis begins, and the height of a row."""

MOST_LABELS = 40
"""Labelled stretches of a source that are drawn one by one."""

_LETTER = 6.6  # width of a letter, about

EARLIEST = -4 * 3600.0
"""Seconds before the session from which on a drug is drawn on its axis; an earlier one is among the days before."""

_Scale = Callable[[float], float]

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the axis.

    Attributes
    ----------
    name, kind : str
        What it is, and what of.
    spans : tuple of (float, float)
        Stretches, in seconds on the session's clock.
    labels : tuple of str
        What each stretch is, where they are labelled.
    marks : np.ndarray, shape (n_marks, 2)
        Starts and stops of pulses and events.
    note : str
        What there is to say, such as how its time is known.
    style : {"bar", "stated", "invalid"}
    margin : float
        Uncertainty of a stated time, in seconds.
    """

    name: str
    kind: str
    spans: tuple[tuple[float, float], ...] = ()
    labels: tuple[str, ...] = ()
    marks: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    note: str = ""
    style: str = "bar"
    margin: float = 0.0

    @property
    def ends(self) -> list[float]:
        """Every time that must be on the axis."""
        return [*(one for span in self.spans for one in span), *self.marks.ravel().tolist()]


def timeline(plan: Plan, placement: Placement) -> Html:
    """The axis, the same as a table, and what is not placed yet."""
    rows = [*_run_rows(plan, placement), *_source_rows(plan, placement), *_stated_rows(plan, placement)]
    drawn = [row for row in rows if row.ends]
    waiting = {**placement.reasons, **{row.name: row.note for row in rows if not row.ends}}
    parts: list[Html] = []
    if drawn:
        parts.append(
            figure(el("div", _drawing(drawn), class_="wide", tabindex="0", role="region", aria_label="Time axis"), _caption(plan))
        )
        parts.append(el("details", el("summary", "The same as a table"), _table(drawn)))
    if waiting:
        parts.append(el("h3", "Not on the axis"))
        parts.append(el("ul", *(el("li", el("strong", name), f": {said}{_length(plan, name)}") for name, said in waiting.items())))
    return join(*parts) if parts else el("p", "No source has times that are known yet.")


def _length(plan: Plan, name: str) -> str:
    """How long a source is, which is known without its place."""
    span = plan.headers[name].span if name in plan.headers else None
    return "" if span is None else f" (from its first time to its last: {clock(span[1] - span[0])})"


def _caption(plan: Plan) -> str:
    start = f", {plan.start:%Y-%m-%d %H:%M:%S}" if plan.start is not None and plan.time_of_day_known else ""
    clock_of = f"; clock of {plan.reference}" if plan.reference is not None else ""
    runs = " Runs are put after each other by the start times that their files state." if plan.loaded.runs.sources else ""
    return f"Time since the session's start (0{start}{clock_of}). Each clock is fitted to the pulses of its line.{runs}"


# --- rows -------------------------------------------------------------------------------------------------------------


def _run_rows(plan: Plan, placement: Placement) -> Iterator[Row]:
    """One row with all runs that have anything on the axis, so that the gaps between them are seen."""
    records = placement.aligned.records
    spans: dict[str, tuple[float, float]] = {}
    for run, entries in plan.loaded.runs.sources.items():
        found = [span for entry in entries.values() if entry in records and (span := records[entry].span) is not None]
        if found:
            spans[run] = min(start for start, _ in found), max(end for _, end in found)
    if spans:
        note = "from the first to the last time of what was recorded in each; between them nothing was recorded"
        kind = f"{len(spans)} run{'' if len(spans) == 1 else 's'}: {', '.join(spans)}"
        yield Row(name="runs", kind=kind, spans=tuple(spans.values()), labels=tuple(spans), note=note)


def _source_rows(plan: Plan, placement: Placement) -> Iterator[Row]:
    for name in plan.loaded.order:
        record = placement.aligned.records.get(name)
        if record is not None:
            yield _source_row(plan, placement, name, record)
        if isinstance(record, Recording) and record.tags:
            marks = np.column_stack([record.tag_times.seconds, record.tag_times.seconds])
            tags = ", ".join(f"“{one}”" for one in record.tags)
            yield Row(name=f"{name} tags", kind=f"{len(marks):,} tags: {tags}", marks=marks, note="typed while recording")


def _source_row(plan: Plan, placement: Placement, name: str, record: Record) -> Row:
    kind, span = plan.loaded.sources[name].format.label, record.span
    fit = placement.aligned.fits.get(name)
    other = plan.loaded.sources[name].confirms
    note = fit.method if fit is not None else "as what it is derived from"
    note = note if other is None else f"another account of {other}; {note}"
    marks = _marks(record)
    if span is None:
        return Row(name=name, kind=kind, note="it has no times")
    if isinstance(record, Intervals) and marks is not None and len(marks) <= MOST_LABELS:
        labels = next((tuple(column) for column in record.columns.values()), ())
        spans = tuple((start, stop) for start, stop in marks.tolist())
        return Row(name=name, kind=f"{len(marks):,} intervals", spans=spans, labels=labels, note=note)
    if marks is not None:
        what = next((words for kind, words in _MARKED.items() if isinstance(record, kind)), "events")
        return Row(name=name, kind=f"{len(marks):,} {what}", marks=marks, note=note)
    return Row(name=name, kind=_count(record) or kind, spans=(span,), note=note)


_MARKED: Mapping[type[Record], str] = {LightPulses: "pulses", Intervals: "intervals", StateMachine: "trials"}
"""What the marks of a source are."""


def _count(record: Record) -> str:
    """How much a source holds, in words."""
    if isinstance(record, Recording):
        n_channels, n_lines = len(record.channels), len(record.lines)
        sampled = f"{int(record.sweep_lengths.sum()):,} samples, {n_channels} channel{'' if n_channels == 1 else 's'}"
        lines = f"{n_lines} line{'' if n_lines == 1 else 's'} of events"
        return ", ".join([*([sampled] if n_channels or not n_lines else []), *([lines] if n_lines else [])])
    is_volume = isinstance(record, Movie) and len(record.channels[0].frames.shape) == 4
    what = "samples" if isinstance(record, Trace) else "volumes" if is_volume else "frames"
    times = getattr(record, "times", None)
    return f"{len(times):,} {what}" if times is not None else ""


def _marks(record: Record) -> NDArray[np.float64] | None:
    """Starts and stops, shape (n, 2), of what happened at times of its own."""
    if isinstance(record, StateMachine):
        return np.column_stack([record.starts.seconds, record.stops])
    if isinstance(record, LightPulses):
        return np.column_stack([record.times.seconds, record.times.seconds + record.durations])
    if isinstance(record, Intervals):
        return np.column_stack([record.starts.seconds, record.stops])
    if isinstance(record, GlialEvents):
        return np.column_stack(
            [record.onsets, record.onsets + (0 if record.durations is None else np.nan_to_num(record.durations))]
        )
    if isinstance(record, Events):
        pairs = [
            np.column_stack([one.times.seconds, one.times.seconds + (0 if one.durations is None else one.durations)])
            for one in record.series
        ]
        return np.concatenate([*pairs, np.empty((0, 2))])
    return None


def _stated_rows(plan: Plan, placement: Placement) -> Iterator[Row]:
    for name, drug in plan.loaded.collections.get("drugs", {}).items():
        start: Moment | None = getattr(drug, "at", None) or getattr(drug, "from_", None)
        kind = str(getattr(drug, "action", "")).replace("_", " ")
        yield _stated_row(placement, name, kind, start, getattr(drug, "to", None), "stated")
    for name, one in plan.loaded.collections.get("states", {}).items():
        of = ", ".join(getattr(one, "receptors", ()))
        yield _stated_row(placement, name, f"{getattr(one, 'state', '')}: {of}", one.from_, one.to, "stated")  # type: ignore[attr-defined]
    for name, stretch in plan.loaded.invalid.items():
        yield _stated_row(placement, name, f"invalid: {stretch.why}", stretch.from_, stretch.to, "invalid")


def _stated_row(placement: Placement, name: str, kind: str, start: Moment | None, stop: Moment | None, style: str) -> Row:
    try:
        starts = _when(placement, start)
        stops = _when(placement, stop)
    except (BergmannError, OSError) as error:
        return Row(name=name, kind=kind, note=why(error), style=style)
    begun = [one for one in starts if isfinite(one.seconds)]
    if not begun:
        return Row(name=name, kind=kind, note="nobody knows when", style=style)
    if begun[0].seconds < EARLIEST:
        return Row(name=name, kind=kind, note=f"`{start}`: before the day's recordings", style=style)
    first = begun[0]
    known = f"`{start}`" + (f" to `{stop}`" if stop is not None else "") + f", known from: {first.basis}"
    margin = first.uncertainty if isfinite(first.uncertainty) else 0.0
    if stop is not None and stops and isfinite(stops[-1].seconds):
        return Row(name=name, kind=kind, spans=((first.seconds, stops[-1].seconds),), note=known, style=style, margin=margin)
    marks = np.array([(one.seconds, one.seconds) for one in begun])
    return Row(name=name, kind=kind, marks=marks, note=known, style=style, margin=margin)


def _when(placement: Placement, moment: Moment | None) -> tuple[When, ...]:
    return () if moment is None else placement.aligned.when(moment)


# --- drawing ----------------------------------------------------------------------------------------------------------


def clock(seconds: float) -> str:
    """``4:05``, ``-1:30``, ``1:02:03``; tenths where they are not zero."""
    tenths = round(abs(seconds) * 10)
    minutes, rest = divmod(tenths, 600)
    second = f"{rest // 10:02d}" + (f".{rest % 10}" if rest % 10 else "")
    shown = f"{minutes // 60}:{minutes % 60:02d}:{second}" if minutes >= 60 else f"{minutes}:{second}"
    return f"\N{MINUS SIGN}{shown}" if seconds < 0 and tenths else shown


def _drawing(rows: list[Row]) -> Html:
    first = min(0.0, *(end - row.margin for row in rows for end in row.ends))
    last = max(end + row.margin for row in rows for end in row.ends)
    scale = (WIDTH - LEFT - 20) / max(last - first, 1e-9)
    height = 30 + ROW * len(rows)

    def x(seconds: float) -> float:
        return LEFT + (seconds - first) * scale

    step = next((one for one in STEPS if (last - first) / one <= 9), STEPS[-1])
    ticks = [n * step for n in range(int(np.ceil(first / step)), int(np.floor(last / step)) + 1)]
    grid = "".join(f"M{x(tick):.1f} 22V{height:.0f}" for tick in ticks)
    said = f"{len(rows)} rows from {clock(first)} to {clock(last)}; the table below says the same."
    return el(
        "svg",
        el("title", "Sources, light, events and drugs on one time axis"),
        el("desc", said),
        el("path", d=grid, class_="grid"),
        *(el("text", clock(tick), x=x(tick), y=14, text_anchor="middle", class_="tick") for tick in ticks),
        *(_row(row, 28 + ROW * index, x) for index, row in enumerate(rows)),
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        class_="axis",
    )


def _row(row: Row, top: float, x: _Scale) -> Html:
    middle = top + ROW / 2
    bars = [
        el(
            "rect",
            x=x(start),
            y=top + 6,
            width=max(x(stop) - x(start), 1.5),
            height=ROW - 12,
            rx=2,
            class_="part" if row.labels else row.style,
        )
        for start, stop in row.spans
    ]
    parts = [el("text", _cut(row.name, 24), x=LEFT - 12, y=middle + 4, text_anchor="end", class_="name"), *bars]
    parts += _labels(row, middle, x)
    if row.spans and row.style == "bar" and not row.labels:
        parts.append(_on_bar(row, middle, x))
    if row.style != "bar":
        parts.append(_stated(row, middle, x))
    elif len(row.marks):
        parts.append(el("path", d=_ticks(row.marks, top + 5, ROW - 10, x), class_="mark"))
    return el("g", el("title", f"{row.name}: {row.kind}; {row.note}"), *parts)


def _labels(row: Row, middle: float, x: _Scale) -> Iterator[Html]:
    """What each stretch is, on it, or beside it where it is too short for that and there is room."""
    labelled = list(zip(row.spans, row.labels, strict=False))
    for number, ((start, stop), label) in enumerate(labelled):
        before = x(labelled[number - 1][0][1]) if number else LEFT
        behind = x(labelled[number + 1][0][0]) if number + 1 < len(labelled) else WIDTH
        cut, wide = _cut(label, int((x(stop) - x(start) - 8) / _LETTER)), len(label) * _LETTER + 16
        if len(cut) >= min(len(label), 6):
            yield el("text", cut, x=x(start) + 5, y=middle + 4, class_="on")
        elif x(stop) + wide <= behind:
            yield el("text", label, x=x(stop) + 8, y=middle + 4, class_="beside")
        elif x(start) - wide >= before:
            yield el("text", label, x=x(start) - 8, y=middle + 4, text_anchor="end", class_="beside")


def _on_bar(row: Row, middle: float, x: _Scale) -> Html:
    """What a bar is, on it, or beside it where it is too short for that."""
    start, stop = row.spans[0]
    wide = len(row.kind) * _LETTER + 16
    if x(stop) - x(start) >= wide:
        return el("text", row.kind, x=x(start) + 8, y=middle + 4, class_="on")
    if x(stop) + wide <= WIDTH:
        return el("text", row.kind, x=x(stop) + 8, y=middle + 4, class_="beside")
    return el("text", row.kind, x=x(start) - 8, y=middle + 4, text_anchor="end", class_="beside")


def _stated(row: Row, middle: float, x: _Scale) -> Html:
    """A stated time: a diamond, with a line as long as it is uncertain, and what it is."""
    begun = [*(span[0] for span in row.spans), *row.marks[:, 0].tolist()]
    edge = x(max(row.ends) + row.margin)
    label = f"{row.kind}, {clock(begun[0])}" + (f" ± {row.margin:g} s" if row.margin else "")
    before = x(min(row.ends) - row.margin) - 12
    ends = edge > WIDTH - 260 and before - len(label) * _LETTER >= LEFT
    at = before if ends else edge + 12 if edge <= WIDTH - 260 else x(begun[0]) + 12  # over what there is, rather than over names
    whisker = "".join(f"M{x(one - row.margin):.1f} {middle}H{x(one + row.margin):.1f}" for one in begun) if row.margin else ""
    diamonds = "".join(f"M{x(one):.1f} {middle - 6}l6 6l-6 6l-6 -6z" for one in begun[:400])
    return join(
        el("path", d=whisker, class_="whisker") if whisker else None,
        el("path", d=diamonds, class_="diamond") if row.style == "stated" else None,
        el("text", _cut(label, 60), x=at, y=middle + 4, text_anchor="end" if ends else "start", class_="beside"),
    )


def _ticks(marks: NDArray[np.float64], top: float, height: float, x: _Scale) -> str:
    """Marks as one path; those that would lie on each other to half a pixel are drawn once."""
    boxes = {(round(x(start) * 2) / 2, round(max(x(stop) - x(start), 1.0) * 2) / 2) for start, stop in marks.tolist()}
    return "".join(f"M{left:g} {top:g}h{width:g}v{height:g}h-{width:g}z" for left, width in sorted(boxes))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"


def _table(rows: list[Row]) -> Html:
    body: list[tuple[object, ...]] = [
        (
            row.name,
            row.kind,
            f"{clock(min(row.ends))} ({min(row.ends):.3f} s)",
            f"{clock(max(row.ends))} ({max(row.ends):.3f} s)",
            row.note,
        )
        for row in rows
    ]
    return table("Everything on the time axis", ("name", "what", "from", "to", "how its time is known"), body, hide_caption=True)
