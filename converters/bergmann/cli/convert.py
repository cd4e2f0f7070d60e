"""`bergmann convert`: session files to NWB files in a local dandiset."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bergmann.cli.key import arms_option, read_key
from bergmann.cli.output import (
    FINDINGS,
    GOOD,
    UNUSABLE,
    Progress,
    count_findings,
    json_option,
    print_findings,
    print_json,
    print_table,
    say,
)
from bergmann.cli.own_formats import own_formats_options, vocabulary_with

if TYPE_CHECKING:
    from bergmann.convert import Conversion


@click.command(name="convert")
@click.argument("sessions", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dandiset"),
    show_default=True,
    help="Folder of the local dandiset; made if it is not there.",
)
@click.option("--overwrite", is_flag=True, help="Replace the files of sessions that are already there.")
@own_formats_options
@arms_option
@click.option("--include-excluded", is_flag=True, help="Write sessions, too, that say `exclude`; the files say so.")
@json_option
def command(
    sessions: tuple[Path, ...],
    out: Path,
    overwrite: bool,
    formats_folder: Path | None,
    yes: bool,
    arms: Path | None,
    include_excluded: bool,
    as_json: bool,
) -> None:
    """Convert sessions to NWB files in a local dandiset, and validate them.

    A session that fails leaves nothing behind and does not stop the next one.
    """
    from bergmann.convert import convert_session

    key = read_key(arms, as_json=as_json)
    vocabulary = vocabulary_with(formats_folder, yes)
    done: list[Conversion] = []
    for path in sessions:
        say(f"{path}")
        made = {one.target for one in done if one.target is not None}
        progress = Progress(f"writing {path.name}")
        conversion = convert_session(
            path,
            out,
            overwrite=overwrite,
            keep=made,
            on_progress=progress,
            vocabulary=vocabulary,
            key=key,
            include_excluded=include_excluded,
        )
        done.append(conversion)
        if not as_json:
            print_findings(one for one in conversion.findings if one.severity != "note" or one.check == "excluded")
    if as_json:
        print_json([one.as_dict() for one in done])
    else:
        print_conversions(done)
    sys.exit(exit_status(done))


def print_conversions(done: Sequence[Conversion]) -> None:
    """Print one table of what became of each session."""
    print_table(
        ["session", "result", "file", "findings", "seconds"],
        [
            (one.session, one.result, one.target.name if one.target else "-", count_findings(one.findings), f"{one.seconds:.1f}")
            for one in done
        ],
    )


def exit_status(done: Sequence[Conversion]) -> int:
    """0 if all were converted without an error, or left out as they say, 2 if an input could not be read, else 1."""
    if any(one.result == "unreadable" for one in done):
        return UNUSABLE
    return GOOD if all(one.is_good for one in done) else FINDINGS
