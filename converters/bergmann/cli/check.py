"""`bergmann check`: everything that is missing or contradicts, before anything is written."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bergmann.cli.key import arms_option, read_key
from bergmann.cli.output import (
    FINDINGS,
    GOOD,
    UNUSABLE,
    argument,
    count_findings,
    count_of,
    json_option,
    print_findings,
    print_json,
    say,
    show,
)
from bergmann.cli.own_formats import own_formats_options, vocabulary_with
from bergmann.cli.profile import profile_option, waivers_beside
from bergmann.errors import BergmannError, MissingExtraError, WriteError
from bergmann.findings import UNREADABLE, has_errors

if TYPE_CHECKING:
    from bergmann.plan.clock_lines import Counted
    from bergmann.plan.resolve import Plan
    from bergmann.validate.needs import Profile


@click.command(name="check")
@click.argument("sessions", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one offline HTML page of the session: pictures, times, and each finding beside its line.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the clock of each source (.png, .svg, .pdf): how far its pulses are from the fit, its drift, what is missing.",
)
@click.option("--all-pulses", is_flag=True, help="Count the pulses of clock lines however long they are.")
@own_formats_options
@arms_option
@profile_option
@json_option
def command(
    sessions: tuple[Path, ...],
    page: Path | None,
    plot: Path | None,
    all_pulses: bool,
    formats_folder: Path | None,
    yes: bool,
    arms: Path | None,
    profile: Profile,
    as_json: bool,
) -> None:
    """Say everything that is missing or contradicts in session files, at once.

    Reads headers and the clock lines, whose pulses are compared with the frames, and writes nothing; for a page, also some frames
    and the recorded channels; for a picture of the clocks, each line that times a source, from end to end. Lines of more than
    20 million samples are left to the conversion, or to --all-pulses.
    """
    from bergmann.plan.resolve import make_plan

    for option, target in (("--page", page), ("--plot", plot)):
        if target is not None and len(sessions) > 1:
            raise click.UsageError(f"{option} is of one session, and {len(sessions)} are named; call `bergmann check` for each")
    key = read_key(arms, as_json=as_json)
    vocabulary = vocabulary_with(formats_folder, yes)
    status, documents = GOOD, []
    for path in sessions:
        document: dict[str, Any] = {"session": str(path)}
        documents.append(document)
        try:
            plan = make_plan(path, vocabulary, key)
            if profile == "archive":
                plan = _with_needs(plan)
        except BergmannError as error:
            status = UNUSABLE
            document |= {"error": str(error), "findings": []}
            if not as_json:
                show(f"{path}: {error}")
            continue
        counted = _count(plan, all_pulses)
        plan = replace(plan, findings=(*plan.findings, *counted.findings))
        for what, target, add in (("page", page, _with_page), ("plot", plot, _with_plot)):
            if target is None:
                continue
            try:
                plan = add(plan, target)
                document[what] = target.as_posix()
            except (WriteError, MissingExtraError) as error:
                status, document[f"{what}_error"] = UNUSABLE, str(error)
                say(str(error))
        sources = [(name, plan.loaded.sources[name]) for name in plan.loaded.order]
        runs = plan.loaded.runs.sources
        unknown = [one for one, text in plan.loaded.texts.items() if text == "unknown"]
        document |= {
            "subject": plan.loaded.head.subject.id if plan.loaded.head else None,
            "session_id": plan.loaded.head.session.id if plan.loaded.head else None,
            "start": plan.start,
            "clock": plan.reference,
            "excluded": plan.loaded.excluded,
            "profile": profile,
            "unknown": unknown,
            "runs": {run: list(entries.values()) for run, entries in runs.items()},
            "sources": [
                {"name": name, "format": one.format.key, "run": one.run, "read": name in plan.headers} for name, one in sources
            ],
            "clock_lines": {
                "counted": [{"line": one.name, "pulses": one.n_pulses, "frames": dict(one.frames)} for one in counted.lines],
                "not_counted": dict(counted.left),
            },
            "findings": [finding.as_dict() for finding in plan.findings],
        }
        if has_errors(plan.findings):
            is_unreadable = any(finding.check in UNREADABLE for finding in plan.findings)
            status = max(status, UNUSABLE if is_unreadable else FINDINGS)
        if not as_json:
            in_runs = f" in {count_of(len(runs), 'run')} ({', '.join(runs)})" if runs else ""
            show(f"{path}: {count_of(len(plan.loaded.order), 'source')}{in_runs}, {count_findings(plan.findings)}")
            print_findings(plan.findings)
            _show_counted(counted, argument(path))
            if unknown:
                show(f"stated as unknown: {', '.join(unknown)}")
            for what, target in (("page", page), ("plot", plot)):
                if what in document:
                    show(f"{what}: {target}")
            if plan.is_complete and plan.loaded.excluded is None:
                show(f"ready: bergmann convert {argument(path)}")
    if as_json:
        print_json(documents)
    sys.exit(status)


def _count(plan: Plan, all_pulses: bool) -> Counted:
    """What is on the clock lines; nothing is read for a session without one."""
    from bergmann.plan.clock_lines import MOST_SAMPLES, count_lines
    from bergmann.plan.veil import Veil

    counted = count_lines(plan, most_samples=None if all_pulses else MOST_SAMPLES)
    return replace(counted, findings=Veil.of(plan.loaded).findings(counted.findings))


def _show_counted(counted: Counted, path: str) -> None:
    """Say which clock lines were read, and which were not."""
    for line in counted.lines:
        show(f"counted: {line}")
    for name, length in counted.left.items():
        read_by = f"`bergmann check {path} --all-pulses`, or the conversion, reads it"
        show(f"not counted: {name} has {count_of(length, 'sample')}; {read_by}")


def _with_needs(plan: Plan) -> Plan:
    """The plan with what an archive needs and it leaves open among its findings."""
    from bergmann.plan.veil import Veil
    from bergmann.validate.needs import check_plan

    found = check_plan(plan, waivers_beside(plan.loaded.path))
    return replace(plan, findings=(*plan.findings, *Veil.of(plan.loaded).findings(tuple(found))))


def _with_page(plan: Plan, page: Path) -> Plan:
    """Write the page; gives the plan with what only a look at the values shows among its findings."""
    from bergmann.report.page import write_page

    found = write_page(plan, page)
    return replace(plan, findings=tuple(dict.fromkeys((*plan.findings, *found))))


def _with_plot(plan: Plan, picture: Path) -> Plan:
    """Draw the clocks; gives the plan with what only the clock lines show among its findings."""
    from bergmann.report.clock_picture import write_clock_picture

    found = write_clock_picture(plan, picture)
    return replace(plan, findings=tuple(dict.fromkeys((*plan.findings, *found))))
