"""The page: what it says first, its sections, and how it gets onto the disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from bergmann import __version__
from bergmann.errors import WriteError
from bergmann.findings import SEVERITIES, Finding
from bergmann.plan.arms import BLINDED
from bergmann.plan.blinding import load_with_arm
from bergmann.plan.overlay import walk
from bergmann.plan.resolve import Plan
from bergmann.plan.veil import Veil
from bergmann.plan.yaml import Leaf
from bergmann.report.animal import animal_section
from bergmann.report.before import before
from bergmann.report.channels import channel_figures
from bergmann.report.documents import documents_of, finding_list, listings, place_findings
from bergmann.report.dry_run import DryRun, dry_run
from bergmann.report.html import Html, el, join
from bergmann.report.movies import movie_figures
from bergmann.report.placing import BLANK, Placement, place, with_more_headers, with_movies_to_look_at
from bergmann.report.timeline import timeline
from bergmann.report.videos import video_grid
from bergmann.report.whole import whole
from bergmann.report.written import written

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What the page may load: pictures and style that it holds itself, and nothing else."""


def write_page(plan: Plan, target: Path) -> tuple[Finding, ...]:
    """Write the page of a session, whole or not at all.

    Parameters
    ----------
    plan : Plan
        With or without errors.
    target : Path
        An ``.html`` file; one that is there is replaced.

    Returns
    -------
    tuple of Finding
        What the headers do not show and the conversion would be refused for.

    Raises
    ------
    WriteError
        If the name is not one of a page, or it cannot be written.
    """
    if target.suffix.lower() not in {".html", ".htm"}:
        raise WriteError(f"{target.name}: a page is an .html file; write `--page {target.stem or 'page'}.html`")
    page = Page.of(plan)
    with whole(target) as temporary:
        try:
            temporary.write_text(page.html, encoding="utf-8", newline="\n")
        except OSError as error:
            raise WriteError(f"{target}: cannot be written ({error.strerror}); is the disk full?") from error
    return page.findings


def make_page(plan: Plan) -> Html:
    """The page of a session.

    Reading is bounded: `pictures.MOST_FRAMES` frames of a movie, one frame of a video, `placing.MOST_SAMPLES` samples of a
    channel. What cannot be read is said in the place where it would stand.
    """
    return Page.of(plan).html


@dataclass(frozen=True)
class Page:
    """A page, and what was found while it was made.

    Attributes
    ----------
    html : Html
    findings : tuple of Finding
        What the headers do not show and the conversion would be refused for; on the page they are among the others.
    """

    html: Html
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, plan: Plan) -> Page:
        """Look at a session, and make its page."""
        plan = with_more_headers(plan)
        placement = place(plan)
        run = dry_run(placement)
        found = (*placement.findings(), *(run.findings if run is not None else ())) if plan.is_complete else ()
        found = tuple(one for one in Veil.of(plan.loaded).findings(found) if one not in plan.findings)
        return cls(_html(replace(plan, findings=(*plan.findings, *found)), placement, run), found)


def _html(plan: Plan, placement: Placement, run: DryRun | None) -> Html:
    veil = Veil.of(plan.loaded)
    sections = list(_sections(plan, veil, placement, run))
    links = [el("li", el("a", title, href=f"#{name}")) for name, title, _ in sections]
    stated = _stated(plan)
    title = stated["title"]
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", f"{title} · bergmann check"),
        el("style", Html(files("bergmann.report").joinpath("page.css").read_text(encoding="utf-8"))),
    )
    body = el(
        "body",
        el("a", "Skip to the findings", href="#findings", class_="skip"),
        el("header", _head(plan, stated)),
        el("nav", el("ul", *links), aria_label="Sections"),
        el("main", *(el("section", el("h2", name), content, id=key, aria_label=name) for key, name, content in sections)),
        el(
            "footer",
            el("p", f"Made by bergmann {__version__} from headers and a bounded reading; nothing was written but this page."),
        ),
    )
    return Html("<!DOCTYPE html>\n" + el("html", head, body, lang="en") + "\n")


def _sections(plan: Plan, veil: Veil, placement: Placement, run: DryRun | None) -> Iterator[tuple[str, str, Html]]:
    """(name for links, title, content) of each section that has something to show."""
    documents = documents_of(plan)
    placed = place_findings(plan, documents)
    yield "findings", "Findings", finding_list(placed)
    yield "time", "Time", join(timeline(plan, placement), before(plan))
    for name, title, figures in (
        ("imaging", "Imaging", movie_figures(with_movies_to_look_at(plan))),
        ("videos", "Videos and pose", video_grid(plan)),
    ):
        if content := list(figures):
            yield name, title, join(*content)
    if content := list(channel_figures(plan)):
        yield "channels", "Recorded channels", join(*content)
    yield "animal", "Populations and receptors", animal_section(plan)
    yield "written", "What will be written", written(plan, placement, run)
    yield "documents", "The session's documents", join(*listings(placed, veil, documents))


# --- the head ---------------------------------------------------------------------------------------------------------


def _stated(plan: Plan) -> dict[str, str]:
    """Title and description as stated, also where other keys of the session have errors."""
    said = {"title": plan.loaded.path.name, "description": ""}
    if plan.loaded.head is not None:
        session = plan.loaded.head.session
        return {"title": f"{plan.loaded.head.subject.id}, {session.id}", "description": session.description}
    texts = {
        key: node.text for key, node in walk(load_with_arm(plan.loaded.path).root) if isinstance(node, Leaf) and not node.is_blank
    }
    if named := [texts[key] for key in ("subject.id", "session.id") if key in texts]:
        said["title"] = ", ".join(named)
    return said | {"description": texts.get("session.description", "")}


def _head(plan: Plan, stated: dict[str, str]) -> Html:
    facts = el("dl", *(el("div", el("dt", name), el("dd", said)) for name, said in _facts(plan)))
    return join(
        el("p", "Session before conversion", class_="kicker"),
        el("h1", stated["title"]),
        el("p", stated["description"], class_="description") if stated["description"] else None,
        _verdict(plan),
        facts,
    )


def _verdict(plan: Plan) -> Html:
    counts = Counter(one.severity for one in plan.findings)
    said = (
        ", ".join(f"{counts[one]} {one}{'' if counts[one] == 1 else 's'}" for one in SEVERITIES if counts[one]) or "nothing found"
    )
    if not plan.is_complete:
        return el("p", el("strong", "✕ Not ready to convert"), f" ({said})", class_="verdict bad")
    return el("p", el("strong", "✓ Ready to convert"), f" ({said})", class_="verdict good")


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    head, loaded = plan.loaded.head, plan.loaded
    if head is not None:
        subject = head.subject
        said = (
            subject.species,
            f"sex {subject.sex}",
            subject.genotype,
            f"born {subject.born}" if subject.born else f"age {subject.age}",
        )
        yield "Subject", ", ".join(str(one) for one in (subject.id, *said) if one)
    yield "Start", _start(plan)
    yield "Clock", f"{plan.reference}: its clock is the session's" if plan.reference else _no_reference(plan)
    if loaded.is_blinded:
        yield "Arm", BLINDED
    elif head is not None and head.arm is not None:
        control = {True: ", a control", False: ", not the control", None: ""}[head.arm_is_control]
        yield "Arm", head.arm + control
    absent = f", {len(loaded.absent)} said to be absent" if loaded.absent else ""
    unread = [name for name, one in loaded.sources.items() if name not in plan.headers and not one.format.reads_values]
    if loaded.runs.sources:
        yield "Runs", ", ".join(loaded.runs.sources)
    waiting = [name for name in unread if loaded.has_blanks(name)]
    counts = ((len(unread) - len(waiting), "could not be read"), (len(waiting), BLANK.replace("its blanks", "blanks")))
    yield "Sources", f"{len(loaded.sources)}{absent}" + "".join(f", {number} {what}" for number, what in counts if number)
    yield "Session file", loaded.path.name


def _no_reference(plan: Plan) -> str:
    return "that of the stated start" if plan.start is not None else "not known"


def _start(plan: Plan) -> str:
    if plan.start is None:
        header = plan.headers.get(plan.reference or "")
        began = f"{header.start:%Y-%m-%d %H:%M:%S %Z}".rstrip() if header is not None and header.start else ""
        own = f": {began} by {plan.reference}'s own clock" if began else ""
        return f"not known yet{own}"
    if not plan.time_of_day_known:
        return f"{plan.start:%Y-%m-%d}, time of day not known"
    zone = plan.loaded.head.time_zone if plan.loaded.head is not None else ""
    return f"{plan.start:%Y-%m-%d %H:%M:%S} ({zone}, UTC{plan.start:%z})"
