"""A picture of the clocks of a session, one band a source: how far its pulses are from the fit, and how its clock runs off."""

from __future__ import annotations

import textwrap
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import MissingExtraError, WriteError
from bergmann.findings import Finding
from bergmann.plan.resolve import Plan
from bergmann.report.clocks import SeenClock, SeenClocks, look_at_clocks
from bergmann.report.whole import whole
from bergmann.timing.fit import MOST_SCATTER, ClockFit
from bergmann.timing.ties import Ties

SUFFIXES = (".png", ".svg", ".pdf")
"""Kinds of pictures that can be written."""

MOST_POINTS = 3000
"""Pulses that are drawn one by one; of more, the range and the median of stretches are drawn."""

_WIDTH, _BAND, _BARE, _HEAD, _DPI = 12.0, 2.75, 0.7, 1.0, 110  # inches, and points an inch
_BLUE, _RED, _ORANGE, _GREY, _PALE = (
    "#0072B2",
    "#C2340C",
    "#E69F00",
    "#555555",
    "#A9CCE3",
)  # told apart by those who see red as green
_LETTERS = 118

_HOW_TO_READ = (
    "Left: how far each pulse is from the time that its frame has in the file. Good: all within the grey band, one sample of the "
    "recording.\n"
    "Right: how far the source's own clock has fallen behind since its first pulse. Times follow the fitted line, so the drift is "
    "not in the file."
)
_NOTHING = "No source of this session is timed by a recorded line (`clock:`), so there is nothing to draw."

Floats = NDArray[np.float64]


def write_clock_picture(plan: Plan, target: Path) -> tuple[Finding, ...]:
    """Write the picture of a session's clocks, whole or not at all.

    Parameters
    ----------
    plan : Plan
        With or without errors.
    target : Path
        A ``.png``, ``.svg`` or ``.pdf`` file; one that is there is replaced.

    Returns
    -------
    tuple of Finding
        What the clock lines show and the conversion would be refused for.

    Raises
    ------
    WriteError
        If the name is not one of a picture, or it cannot be written.
    MissingExtraError
        If matplotlib is not installed.
    """
    if target.suffix.lower() not in SUFFIXES:
        raise WriteError(
            f"{target.name}: a picture is a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file; write `--plot "
            f"{target.stem or 'clocks'}.png`"
        )
    _figure_class()
    with whole(target) as temporary:  # before the lines are read, which takes long
        seen = look_at_clocks(plan)
        try:
            draw(seen, temporary)
        except OSError as error:
            raise WriteError(f"{target}: cannot be written ({error.strerror}); is the disk full?") from error
    return seen.findings


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(extra="plot", needed_for="a picture of the clocks") from error
    return Figure


def draw(seen: SeenClocks, target: Path) -> None:
    """Draw the clocks of a session into a file."""
    import matplotlib
    from matplotlib.font_manager import get_font_names

    there = set(get_font_names())
    fonts = ["DejaVu Sans", *(name for name in _FONTS if name in there)]
    style = {**_STYLE, "font.family": fonts, "text.parse_math": False, "svg.hashsalt": "bergmann"}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # then a box stands for the letter
        others = [line for said in seen.others for line in _folded(said)]
        foot = 0.3 + 0.19 * len(others) if others else 0.0
        heights = [
            _HEAD,
            *(_BAND if len(one.pulses) or one.has_trace else _BARE for one in seen.lines),
            *([foot] if others else []),
        ]
        figure = _figure_class()(figsize=(_WIDTH, sum(heights)), dpi=_DPI, layout="constrained", facecolor="white")
        bands = np.ravel(figure.subfigures(len(heights), 1, height_ratios=heights))
        _draw_head(bands[0], seen)
        for band, clock in zip(bands[1:], seen.lines, strict=False):
            _draw_clock(band, clock)
        if others:
            bands[-1].text(0.012, 0.97, "\n".join(others), va="top", fontsize=9, color=_GREY)
        dated = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[target.suffix[1:].lower()]
        figure.savefig(target, format=target.suffix[1:].lower(), metadata=dated)


_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "PingFang SC",
)
"""For names in letters that the font of matplotlib has not, where the system has one of these."""

_STYLE = {
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _GREY,
    "axes.labelcolor": "#222222",
    "axes.titlesize": 9.0,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}


def _folded(text: str, letters: int = _LETTERS) -> list[str]:
    return textwrap.wrap(text, letters, subsequent_indent="    ") or [""]


def _draw_head(band: Any, seen: SeenClocks) -> None:
    band.text(0.012, 0.92, f"Clocks of {seen.title}", va="top", fontsize=14, fontweight="bold")
    band.text(0.012, 0.58, _HOW_TO_READ if seen.lines else _NOTHING, va="top", fontsize=9, color=_GREY)


def _draw_clock(band: Any, clock: SeenClock) -> None:
    is_bad = clock.fit is None
    title = _folded(clock.title)[:3]
    band.suptitle("\n".join(title), x=0.012, ha="left", fontsize=10.5, fontweight="bold", color=_RED if is_bad else "#111111")
    if clock.fit is not None and clock.fit.clock is not None and clock.fit.ties is not None:
        left, right = band.subplots(1, 2, width_ratios=(3, 2), sharex=True)
        _draw_fit(left, right, clock, clock.fit, clock.fit.ties)
    elif len(clock.pulses):
        left, right = band.subplots(1, 2, width_ratios=(3, 2))
        _draw_intervals(left, clock)
        _draw_lengths(right, clock)
    else:
        _draw_line(band.subplots(1, 1), clock)


# --- what was fitted --------------------------------------------------------------------------------------------------


def _draw_fit(left: Any, right: Any, clock: SeenClock, fit: ClockFit, ties: Ties) -> None:
    if fit.clock is None:
        return
    unit, scale = _unit(max(abs(one) for one in (*clock.span, *ties.pulses[[0, -1]].tolist())))
    times = ties.pulses[ties.used] * scale
    residuals = ties.deviations(fit.clock) * 1e3
    _draw_points(left, times, residuals, "pulse, from its frame")
    sample = 0.0 if np.isnan(fit.tolerance) else fit.tolerance / MOST_SCATTER * 1e3
    if sample:
        left.axhspan(-sample, sample, color=_GREY, alpha=0.12, linewidth=0, label=f"one sample ({sample:g} ms)")
    left.axhline(0, color=_GREY, linewidth=0.8)
    reach = max(float(np.abs(residuals).max(initial=0.0)), sample, 1e-3) * 1.35
    left.set_ylim(-reach, reach)
    _draw_lost(left, fit, ties, scale)
    _draw_outside((left, right), clock, fit, scale)
    left.set_ylabel("pulse late by (ms)")
    _draw_points(right, times, ties.drift() * 1e3, "measured")
    grid = np.linspace(fit.clock.own[0] - fit.outside.before, fit.clock.own[-1] + fit.outside.after, 400)
    moved = (fit.clock.apply(grid) - grid - (ties.pulses[ties.used[0]] - ties.own[ties.events[0]])) * 1e3
    right.plot(fit.clock.apply(grid) * scale, moved, "--", color=_RED, linewidth=1.3, label="fitted")
    furthest = float(np.abs(ties.drift()).max(initial=0.0)) * 1e3
    if furthest < max(sample, 1e-3) * 1.2:
        right.set_ylim(-1.35 * max(sample, 1e-3), 1.35 * max(sample, 1e-3))
    right.set_ylabel("its clock behind by (ms)")
    for axes in (left, right):
        axes.set_xlabel(f"time in the session ({unit})")
        _explain(axes)
        axes.ticklabel_format(useOffset=False)


def _explain(axes: Any) -> None:
    """The legend, above the drawing."""
    axes.legend(loc="lower left", ncols=5, bbox_to_anchor=(0.0, 1.0), borderaxespad=0.1, handlelength=1.2, columnspacing=1.4)


def _unit(longest: float) -> tuple[str, float]:
    return ("min", 1 / 60) if longest > 600 else ("s", 1.0)


def _draw_points(axes: Any, times: Floats, values: Floats, label: str) -> None:
    """Each value, or the range and the median of stretches of them, with the one that is furthest out."""
    if len(times) <= MOST_POINTS:
        axes.plot(times, values, ".", color=_BLUE, markersize=3, label=label)
        return
    edges = np.unique(np.linspace(0, len(times), 601).astype(np.int64))
    parts = [slice(start, stop) for start, stop in pairwise(edges.tolist())]
    middle = [float(times[one].mean()) for one in parts]
    low, high = [float(values[one].min()) for one in parts], [float(values[one].max()) for one in parts]
    axes.fill_between(middle, low, high, color=_PALE, linewidth=0.6, edgecolor=_BLUE, label=f"{label}: range")
    axes.plot(middle, [float(np.median(values[one])) for one in parts], color=_BLUE, linewidth=1.0, label="median")


def _draw_lost(axes: Any, fit: ClockFit, ties: Ties, scale: float) -> None:
    """Frames without a pulse, and pulses without a frame."""
    if fit.clock is None:
        return
    bottom, top = axes.get_ylim()
    if len(ties.missing):
        expected = fit.clock.apply(ties.own[ties.missing]) * scale
        axes.plot(
            expected,
            np.full(len(expected), bottom * 0.9),
            "x",
            color=_RED,
            markersize=6,
            label=f"missing pulse ({len(expected):,})",
        )
    if len(ties.spurious):
        found = ties.pulses[ties.spurious] * scale
        axes.plot(found, np.full(len(found), top * 0.9), "v", color=_ORANGE, markersize=6, label=f"spurious pulse ({len(found):,})")


def _draw_outside(panels: tuple[Any, ...], clock: SeenClock, fit: ClockFit, scale: float) -> None:
    """Shade what is extrapolated, never so narrow that it is not seen."""
    if fit.clock is None or not fit.outside:
        return
    first, last = float(fit.clock.other[0]), float(fit.clock.other[-1])
    least = 0.008 * (max(last, clock.span[1]) - min(first, clock.span[0]))
    stretches = [(min(clock.span[0], first - least), first)] if fit.outside.n_before else []
    stretches += [(last, max(clock.span[1], last + least))] if fit.outside.n_after else []
    for panel in panels:
        for number, (start, stop) in enumerate(stretches):
            label = f"extrapolated (to {fit.outside.furthest:.3g} s)" if number == 0 and panel is panels[0] else None
            panel.axvspan(start * scale, stop * scale, color=_ORANGE, alpha=0.3, linewidth=0, label=label)


# --- what was seen where nothing fits ---------------------------------------------------------------------------------


def _draw_intervals(axes: Any, clock: SeenClock) -> None:
    """The time from one pulse to the next, and from one frame to the next by the source's own clock."""
    unit, scale = _unit(float(np.abs(clock.pulses).max()))
    if len(clock.own) > 1:
        own = clock.own - clock.own[0] + clock.pulses[0]
        axes.plot(
            own[1:] * scale, np.diff(own) * 1e3, color=_ORANGE, linewidth=1.4, label=f"between {clock.what}, by its own clock"
        )
    if len(clock.pulses) > 1:
        _draw_points(axes, clock.pulses[1:] * scale, np.diff(clock.pulses) * 1e3, "from pulse to pulse")
        _draw_unusual(axes, clock.pulses, scale)
    intervals = np.concatenate([np.diff(clock.pulses), np.diff(clock.own)])
    if len(intervals) and intervals.min() > 0 and intervals.max() > 30 * intervals.min():
        from matplotlib.ticker import FuncFormatter, NullFormatter

        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(0, 1.2e3 * float(intervals.max(initial=1e-6)))
    axes.set_ylabel("interval (ms)")
    axes.set_xlabel(f"time in the session ({unit}), {clock.what} put at the first pulse; a long interval: a lost pulse")
    _explain(axes)


def _draw_unusual(axes: Any, pulses: Floats, scale: float) -> None:
    """Circles round intervals that are half as long or as short again as they usually are."""
    steps = np.diff(pulses)
    usual = float(np.median(steps))
    odd = np.flatnonzero((steps > 1.5 * usual) | (steps < 0.5 * usual))
    if len(odd):
        at = pulses[odd + 1] * scale
        axes.plot(at, steps[odd] * 1e3, "o", markerfacecolor="none", color=_RED, markersize=7, label=f"unusual ({len(odd):,})")


def _draw_lengths(axes: Any, clock: SeenClock) -> None:
    """How many there are of each, and from when to when."""
    unit, scale = _unit(float(np.abs(clock.pulses).max()))
    rows = [(f"{len(clock.pulses):,} pulse{'s' * (len(clock.pulses) != 1)}", clock.pulses, _BLUE)]
    if len(clock.own):
        rows.append((f"{len(clock.own):,} {clock.what}", clock.own - clock.own[0] + clock.pulses[0], _ORANGE))
    for row, (said, times, color) in enumerate(rows):
        length = float(times[-1] - times[0])
        axes.barh(row, length * scale, left=float(times[0]) * scale, height=0.45, color=color, edgecolor=color, linewidth=1.5)
        axes.text(float(times[0]) * scale, row - 0.32, f"{said} in {length:.3f} s", va="bottom", ha="left", fontsize=9.5)
    axes.margins(x=0.04)
    axes.use_sticky_edges = False
    axes.set_ylim(len(rows) - 0.5, -0.75)
    axes.set_yticks([])
    axes.set_xlabel(f"time in the session ({unit})")
    axes.set_title("From the first to the last:", loc="left", color=_GREY)


def _draw_line(axes: Any, clock: SeenClock) -> None:
    """What a line without pulses looks like, or that there is nothing to see."""
    if clock.trace is None or not clock.has_trace:
        axes.axis("off")
        return
    start, stop = clock.trace_span
    unit, scale = _unit(max(abs(start), abs(stop)))
    times = (start + (np.arange(len(clock.trace.low)) + 0.5) * (stop - start) / len(clock.trace.low)) * scale
    axes.fill_between(times, clock.trace.low, clock.trace.high, color=_PALE, edgecolor=_BLUE, linewidth=0.8)
    if clock.trace.least == clock.trace.greatest:
        axes.set_ylim(clock.trace.least - 1, clock.trace.greatest + 1)
    expected = f"; expected a pulse for each of {len(clock.own):,} {clock.what}" if len(clock.own) else ""
    axes.set_title(f"What was recorded on {clock.line}: no pulses{expected}", loc="left", color=_GREY)
    axes.set_ylabel("as recorded")
    axes.set_xlabel(f"time in the session ({unit})")
