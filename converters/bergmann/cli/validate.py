"""`bergmann validate`: pynwb, NWB Inspector and dandi in one list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bergmann.cli.output import end_unreadable, end_with, json_option
from bergmann.cli.profile import profile_option
from bergmann.errors import BergmannError

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
        end_unreadable(error, as_json=as_json)
    end_with(findings, as_json=as_json)
