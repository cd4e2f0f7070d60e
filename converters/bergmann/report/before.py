"""What was done to the animal in the days before the session, on an axis of days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from bergmann.plan.resolve import Plan
from bergmann.report.html import Html, el, figure, join, table

WIDTH, SIDE = 960.0, 24.0
_LETTER = 6.6  # pixels that a letter takes, about


def before(plan: Plan) -> Html | None:
    """Birth, procedures and the session on one axis, and the procedures in words; None where nothing is stated."""
    days = sorted(_days(plan), key=lambda one: one[0])
    words = list(_words(plan))
    if not words and len(days) < 2:
        return None
    drawing = None
    if plan.start is not None and len(days) > 1:
        box = el("div", _drawing(days), class_="wide", tabindex="0", role="region", aria_label="Days before the session")
        drawing = figure(box, "Days before (and after) the session.")
    header = ("procedure", "kind", "date", "days before the session", "what")
    return join(el("h3", "Before the session"), drawing, table("Procedures", header, words, hide_caption=True) if words else None)


def _days(plan: Plan) -> Iterator[tuple[int, str]]:
    """(days after the session, what)."""
    if plan.start is None:
        return
    today = plan.start.date()
    born = plan.loaded.head.subject.born if plan.loaded.head is not None else None
    if isinstance(born, date):
        yield (born - today).days, "born"
    for name, procedure in plan.loaded.collections.get("procedures", {}).items():
        day = getattr(procedure, "date", None)
        if isinstance(day, date):
            yield (day - today).days, name
    yield 0, "this session"


def _words(plan: Plan) -> Iterator[tuple[object, ...]]:
    today = plan.start.date() if plan.start is not None else None
    for name, procedure in plan.loaded.collections.get("procedures", {}).items():
        day = getattr(procedure, "date", None)
        since = str((today - day).days) if today is not None and isinstance(day, date) else "not known"
        facts = [
            str(value) for key in ("model", "of", "nerve", "target", "location", "side") if (value := getattr(procedure, key, None))
        ]
        vectors = getattr(procedure, "vectors", ())
        injected = [f"vectors: {', '.join(vectors)}"] if vectors else []
        yield name, getattr(procedure, "kind", ""), str(day), since, "; ".join([*facts, *injected])


def _drawing(days: list[tuple[int, str]]) -> Html:
    first, last = days[0][0], max(days[-1][0], 0)
    scale = (WIDTH - 2 * SIDE) / max(last - first, 1)
    grouped: dict[int, list[str]] = {}
    for day, what in days:
        grouped.setdefault(day, []).append(what)
    taken: list[list[tuple[float, float]]] = []  # by line of labels, the nearest to the axis first: what is written there
    placed: list[tuple[float, int, str, str]] = []
    for day, names in reversed(grouped.items()):  # the latest first: stems of later days end below the labels of earlier ones
        x, label = SIDE + (day - first) * scale, f"{', '.join(names)} ({_ago(day)})" if day else ", ".join(names)
        label = label if len(label) <= 90 else label[:89] + "…"
        wide = len(label) * _LETTER + 8
        anchor, begins, ends = ("end", x - wide, x) if x + wide > WIDTH else ("start", x, x + wide)
        level = next(
            (index for index, line in enumerate(taken) if all(ends < a - 8 or begins > b + 8 for a, b in line)), len(taken)
        )
        taken[level:] = [*taken[level:], []] if level == len(taken) else taken[level:]
        taken[level].append((begins, ends))
        placed.append((x, level, anchor, label))
    base = 22.0 * len(taken) + 16
    return el(
        "svg",
        el("title", "Days before the session: " + "; ".join(label for *_, label in reversed(placed))),
        el("path", d=f"M{SIDE:g} {base:g}H{WIDTH - SIDE:g}", class_="days"),
        el("path", d="".join(f"M{x:.1f} {base:g}V{base - 22.0 * (level + 1) - 2:g}" for x, level, *_ in placed), class_="stem"),
        *(_day(x, base, base - 22.0 * (level + 1), anchor, label) for x, level, anchor, label in reversed(placed)),
        viewBox=f"0 0 {WIDTH:g} {base + 14:g}",
        role="img",
        class_="axis",
    )


def _day(x: float, base: float, top: float, anchor: str, label: str) -> Html:
    shift = 4 if anchor == "start" else -4
    return join(
        el("circle", cx=x, cy=base, r=4.5, class_="dot"),
        el("text", label, x=x + shift, y=top + 8, text_anchor=anchor, class_="said"),
    )


def _ago(day: int) -> str:
    return f"{-day} d before" if day < 0 else f"{day} d after"
