"""`bergmann verify`: a file against its own record, and against its sources."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from bergmann.cli.output import end_unreadable, end_with, json_option
from bergmann.errors import BergmannError


@click.command(name="verify")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--sources",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True),
    help="Folder with the session file and the sources (or the session file): all values are compared with them once more.",
)
@click.option("--proof", type=click.Choice(["full", "sample"]), default="full", show_default=True, help="How much, with --sources.")
@json_option
def command(files: tuple[Path, ...], sources: Path | None, proof: Literal["full", "sample"], as_json: bool) -> None:
    """Say whether NWB files still hold what they were written with.

    Every value, text and attribute is compared with the digests in the file itself, on any machine; with --sources also with what
    the sources say.
    """
    from bergmann.proof.verify import verify_file, verify_with_sources

    try:
        found = [
            one
            for path in files
            for one in (verify_file(path) if sources is None else verify_with_sources(path, sources, mode=proof))
        ]
    except BergmannError as error:
        end_unreadable(error, as_json=as_json)
    end_with(found, as_json=as_json)
