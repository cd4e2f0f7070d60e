"""`bergmann validate`: pynwb, NWB Inspector and dandi in one list."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bergmann.cli.output import FINDINGS, GOOD, UNUSABLE, count_findings, json_option, print_findings, print_json, show
from bergmann.cli.profile import profile_option
from bergmann.errors import BergmannError
from bergmann.findings import has_errors

if TYPE_CHECKING:
    from bergmann.validate.needs import Profile


@click.command(name="validate")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--waivers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What you accept, and why; else the waivers.yaml beside the study.",
)
@profile_option
@json_option
def command(paths: tuple[Path, ...], waivers: Path | None, profile: Profile, as_json: bool) -> None:
    """Check NWB files, or all below a folder, with pynwb, NWB Inspector (DANDI profile), dandi and checks of physics.

    With `--profile archive` also what DANDI and a reader cannot do without.

    Over a folder also a subject that differs between its sessions. Reads any NWB file, whoever wrote it.
    """
    from bergmann.validate import validate_paths

    try:
        findings = validate_paths(paths, waivers, profile, apart=True)
    except BergmannError as error:
        if as_json:
            print_json({"error": str(error), "findings": []})
        else:
            show(str(error))
        sys.exit(UNUSABLE)
    if as_json:
        print_json({"findings": [finding.as_dict() for finding in findings]})
    else:
        print_findings(findings)
        show(count_findings(findings))
    sys.exit(FINDINGS if has_errors(findings) else GOOD)
