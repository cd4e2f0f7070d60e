"""The option that gives the key of a blinded study."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bergmann.cli.output import UNUSABLE, print_findings, print_json
from bergmann.errors import SessionError

if TYPE_CHECKING:
    from bergmann.plan.arms import ArmKey

arms_option = click.option(
    "--arms",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Key of a blinded study: a CSV with the columns subject and arm (and session, document, or dotted keys). "
    "Sessions that say `arm: blinded` get their arm from it; without it they stay blinded.",
)


def read_key(arms: Path | None, *, as_json: bool) -> ArmKey | None:
    """The key, if one is given; one that cannot be used ends the command before any session is looked at."""
    from bergmann.plan.arms import load_key

    if arms is None:
        return None
    try:
        return load_key(arms)
    except SessionError as error:
        if as_json:
            print_json({"arms": str(arms), "findings": [finding.as_dict() for finding in error.findings]})
        else:
            print_findings(error.findings)
        sys.exit(UNUSABLE)
