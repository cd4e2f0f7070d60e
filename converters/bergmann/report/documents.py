"""The documents of a session with their line numbers, and each finding at the line to edit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bergmann.findings import SEVERITIES, Finding
from bergmann.plan.resolve import Plan
from bergmann.plan.veil import Veil
from bergmann.report.html import Html, el, join

SIGNS = {"error": "✕", "warning": "▲", "note": "•"}
MOST_LINES = 3000
MOST_LETTERS = 500

_LOCATION = re.compile(r"(?P<document>.+?):(?P<line>\d+)(?: (?P<key>.*))?", re.DOTALL)
_LINE = re.compile(r"(?P<indent>\s*(?:- )?)(?P<key>[^\s#:{}\[\],\"']+:)?(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class Placed:
    """A finding, with the line that it is about.

    Attributes
    ----------
    number : int
        Counted from 1, in the order of the list.
    finding : Finding
    document : int or None
        Index of the document; None where it is about none that is shown.
    line : int
        Counted from 1.
    """

    number: int
    finding: Finding
    document: int | None
    line: int

    @property
    def name(self) -> str:
        """Its name in the page, for links."""
        return f"finding-{self.number}"


def documents_of(plan: Plan) -> tuple[Path, ...]:
    """The session file first, then what it lays itself over, the nearest first."""
    documents = list(dict.fromkeys((plan.loaded.path.absolute(), *reversed(plan.loaded.documents))))
    return tuple(document for document in documents if document.is_file())


def place_findings(plan: Plan, documents: Sequence[Path]) -> tuple[Placed, ...]:
    """The findings, the gravest first, each with its line."""
    ordered = sorted(plan.findings, key=lambda one: SEVERITIES.index(one.severity))
    return tuple(Placed(number, finding, *_line_of(plan, finding, documents)) for number, finding in enumerate(ordered, start=1))


def _line_of(plan: Plan, finding: Finding, documents: Sequence[Path]) -> tuple[int | None, int]:
    match = _LOCATION.fullmatch(finding.location)
    if match is None:
        return None, 0
    named = [index for index, document in enumerate(documents) if document.name == match["document"]]
    if len(named) > 1 and match["key"]:
        said = plan.loaded.origin(match["key"]).document
        named = [index for index in named if documents[index] == said] or named
    return (named[0], int(match["line"])) if named else (None, 0)


# --- the list ---------------------------------------------------------------------------------------------------------


def finding_list(placed: Sequence[Placed]) -> Html:
    """All findings, each with a link to its line."""
    if not placed:
        return el("p", "Nothing is missing and nothing contradicts.")
    return el("ol", *(_entry(one) for one in placed), class_="findings")


def _entry(one: Placed) -> Html:
    where = one.finding.location
    place = el("span", where) if one.document is None else el("a", where, href=f"#{one.name}")
    return el("li", _badge(one.finding), " ", place, ": ", *_said(one.finding), class_=one.finding.severity)


def _badge(finding: Finding) -> Html:
    return el("strong", el("span", SIGNS[finding.severity], aria_hidden="true"), f" {finding.severity}", class_="badge")


def _said(finding: Finding) -> tuple[Html, ...]:
    remedy = (el("span", "→ ", *_quoted(finding.remedy), class_="remedy"),) if finding.remedy else ()
    return el("span", *_quoted(finding.message), class_="message"), *remedy


def _quoted(said: str) -> Iterator[object]:
    """A message with what stands between backticks set as code."""
    parts = said.split("`")
    if len(parts) % 2 == 0:  # one backtick too many: it is a letter like any other
        yield said
        return
    yield from (el("code", part) if index % 2 else part for index, part in enumerate(parts))


# --- the listings -----------------------------------------------------------------------------------------------------


def listings(placed: Sequence[Placed], veil: Veil, documents: Sequence[Path]) -> Iterator[Html]:
    """Each document; those without a finding are folded, but for the session file itself."""
    if veil.is_blinded:
        yield el("p", "This session is blinded: no document that tells the arm is shown.", class_="aside")
    for index, document in enumerate(documents):
        own = [one for one in placed if one.document == index]
        counts = f"{len(own)} finding{'' if len(own) == 1 else 's'}" if own else "no findings"
        title = el("summary", el("h3", document.name), " ", el("span", counts, class_="aside"))
        yield el("details", title, _listing(index, document, own, veil), open=index == 0 or bool(own), class_="document")


def _listing(index: int, document: Path, own: Sequence[Placed], veil: Veil) -> Html:
    lines = list(veil.lines(document))
    by_line: dict[int, list[Placed]] = {}
    for one in own:
        by_line.setdefault(min(max(one.line, 1), max(len(lines), 1)), []).append(one)
    shown = _shown(len(lines), by_line)
    parts: list[Html] = []
    for number, line in enumerate(lines or [""], start=1):
        if number in shown:
            marked = "line marked" if number in by_line else "line"
            count = el("span", number, class_="number", aria_hidden="true")
            parts.append(el("div", count, el("code", *_coloured(line)), class_=marked, id=f"line-{index}-{number}"))
        elif number - 1 in shown:
            parts.append(el("div", "…", class_="line"))
        parts += [_box(one) for one in by_line.get(number, ())]
    return el("div", *parts, class_="listing", tabindex="0", role="region", aria_label=f"Lines of {document.name}")


def _shown(n_lines: int, marked: dict[int, list[Placed]]) -> set[int]:
    """All lines, or, of a document that is too long for a page, those around the findings."""
    if n_lines <= MOST_LINES:
        return set(range(1, max(n_lines, 1) + 1))
    return {number for line in (1, *marked) for number in range(line - 10, line + 11) if 1 <= number <= n_lines}


def _coloured(line: str) -> Iterator[Html]:
    """A line with its key and its comment set apart; only how it looks depends on this, not what it says."""
    cut = line if len(line) <= MOST_LETTERS else line[:MOST_LETTERS] + " …"
    comment = re.search(r"(?:^|\s)#.*$", cut)
    body, rest = (cut[: comment.start()], cut[comment.start() :]) if comment else (cut, "")
    match = _LINE.fullmatch(body)
    if match is None or match["key"] is None:
        yield join(body)
    else:
        yield join(match["indent"], el("b", match["key"]), match["rest"])
    if rest:
        yield el("i", rest)


def _box(one: Placed) -> Html:
    key = one.finding.location.partition(" ")[2]
    named = join(" ", el("code", key)) if key else None
    return el(
        "div",
        _badge(one.finding),
        named,
        " ",
        *_said(one.finding),
        class_=f"box {one.finding.severity}",
        id=one.name,
        role="note",
        aria_label=f"{one.finding.severity} at line {one.line}",
    )
