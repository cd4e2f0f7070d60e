"""`bergmann check`: everything that is missing or contradicts, before anything is written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bergmann.cli.output import FINDINGS, GOOD, UNUSABLE, count_findings, json_option, print_findings, print_json
from bergmann.errors import BergmannError
from bergmann.findings import has_errors


@click.command(name="check")
@click.argument("sessions", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def command(sessions: tuple[Path, ...], as_json: bool) -> None:
    """Say everything that is missing or contradicts in session files, at once.

    Reads headers only and writes nothing.
    """
    from bergmann.plan.resolve import make_plan

    status, documents = GOOD, []
    for path in sessions:
        document: dict[str, Any] = {"session": str(path)}
        documents.append(document)
        try:
            plan = make_plan(path)
        except BergmannError as error:
            status = UNUSABLE
            document |= {"error": str(error), "findings": []}
            if not as_json:
                click.echo(f"{path}: {error}")
            continue
        sources = [(name, plan.loaded.sources[name]) for name in plan.loaded.order]
        document |= {
            "subject": plan.loaded.head.subject.id if plan.loaded.head else None,
            "session_id": plan.loaded.head.session.id if plan.loaded.head else None,
            "start": plan.start,
            "clock": plan.reference,
            "sources": [{"name": name, "format": one.format.key, "read": name in plan.headers} for name, one in sources],
            "findings": [finding.as_dict() for finding in plan.findings],
        }
        if has_errors(plan.findings):
            is_unreadable = any(finding.check == "unreadable" for finding in plan.findings)
            status = max(status, UNUSABLE if is_unreadable else FINDINGS)
        if not as_json:
            click.echo(f"{path}: {len(plan.loaded.order)} sources, {count_findings(plan.findings)}")
            print_findings(plan.findings)
            if plan.is_complete:
                click.echo(f"ready: bergmann convert {path}")
    if as_json:
        print_json(documents)
    sys.exit(status)
