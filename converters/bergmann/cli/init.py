"""`bergmann init`: a draft of the session file of a rig folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bergmann.cli.output import GOOD, UNUSABLE, argument, json_option, print_json
from bergmann.cli.own_formats import own_formats_options, vocabulary_with
from bergmann.errors import BergmannError

if TYPE_CHECKING:
    from bergmann.find.draft import Drafted


@click.command(name="init")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--use", multiple=True, type=click.Path(path_type=Path), help="Session file to lay below, such as lab.yaml; repeatable."
)
@own_formats_options
@json_option
def command(folders: tuple[Path, ...], use: tuple[Path, ...], formats_folder: Path | None, yes: bool, as_json: bool) -> None:
    """Write a draft of session.yaml in rig FOLDERS, or bring it up to date.

    Looks at the headers of the files, says what each value comes from, and marks what only a person knows with ???. Run again, it
    adds what is new; what you wrote stays.
    """
    from bergmann.find.draft import draft_session

    vocabulary = vocabulary_with(formats_folder, yes)
    status, documents = GOOD, []
    for folder in folders:
        try:
            drafted = draft_session(folder, use, vocabulary)
        except BergmannError as error:
            status = UNUSABLE
            documents.append({"folder": str(folder), "error": str(error)})
            if not as_json:
                click.echo(f"{folder}: no draft was written\n  {error}")
            continue
        documents.append(_document(folder, drafted))
        if not as_json:
            click.echo("\n".join(_lines(drafted)))
    if as_json:
        print_json(documents)
    sys.exit(status)


def _document(folder: Path, drafted: Drafted) -> dict[str, Any]:
    return {"folder": str(folder), **drafted.as_dict()}


def _lines(drafted: Drafted) -> list[str]:
    """What a person reads of one folder."""
    did = "written" if drafted.is_new else f"{len(drafted.added)} added" if drafted.added else "nothing new"
    lines = [f"{drafted.path}: {did}"]
    if drafted.added and not drafted.is_new:
        lines.append(f"  added: {', '.join(drafted.added)}")
    lines.append(
        f"  {_count(drafted.n_sources, 'source')}, {_count(drafted.n_blanks, 'blank')} (???) to fill, "
        f"{_count(len(drafted.unclaimed), 'file')} of no source"
    )
    lines += [f"  note: {note}" for note in drafted.notes]
    if drafted.to_paste:
        lines += ["  `sources` has no place for new lines (is it written in braces?); these belong in it:", drafted.to_paste]
    blanks = "fill the blanks in an editor, then  " if drafted.n_blanks else ""
    return [*lines, f"  next: {blanks}bergmann check {argument(drafted.path)}"]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
