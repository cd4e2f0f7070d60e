"""The options for a lab's own formats in a folder, which run only after a person has said that they may."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bergmann.cli.output import say

if TYPE_CHECKING:
    from bergmann.foreign import FormatFile
    from bergmann.plan.sources import Vocabulary

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_formats = click.option(
    "--formats",
    "formats_folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder with formats of your lab, one Python file each. They are programs: you are asked before they run.",
)
_yes = click.option("--yes", is_flag=True, help="The files of --formats may run, this time; for scripts.")


def own_formats_options(command: CommandT) -> CommandT:
    """Give a command the options ``--formats`` and ``--yes``."""
    return _formats(_yes(command))


def vocabulary_with(folder: Path | None, yes: bool) -> Vocabulary:
    """What session files may speak of, with the formats of a folder.

    Raises
    ------
    click.UsageError
        If the folder has no formats, or nobody has said that they may run.
    """
    from bergmann.errors import SourceError
    from bergmann.foreign import list_format_files, offers_of_files
    from bergmann.plan.sources import Vocabulary

    if folder is None:
        return Vocabulary.here()
    try:
        files = list_format_files(folder)
    except SourceError as error:
        raise click.UsageError(f"--formats: {error}") from error
    if not yes:
        _ask(folder, files)
    return Vocabulary.here(offers_of_files(files))


def _ask(folder: Path, files: tuple[FormatFile, ...]) -> None:
    """Have a person say that the files may run that were not seen before, or were changed since.

    Raises
    ------
    click.UsageError
        If they do not, or nobody is there to be asked.
    """
    from bergmann.cli.consent import allowed_digests, remember

    allowed = allowed_digests()
    new = [one for one in files if one.sha256 not in allowed]
    if not new:
        return
    say(f"{folder} has {'a format' if len(new) == 1 else f'{len(new)} formats'} that never ran on this computer in this form:")
    for one in new:
        say(f"  {one.path.name}  {len(one.content):,} bytes  SHA-256 {one.sha256}")
    say("They are programs, and can do whatever you can: let them run only if you know who wrote them, and who can write there.")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("--formats: nobody is here to be asked; run it once in a terminal, or say --yes if they may run")
    if not click.confirm("May they run, now and later, until they change?", default=False, err=True):
        raise click.UsageError("--formats: not run, as you said; leave the option out, or read the files first")
    if not remember(one.sha256 for one in new):
        say("note: this could not be remembered (the settings folder cannot be written); you will be asked again")
