"""`bergmann init`: a draft of the session file of a rig folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bergmann.cli.output import GOOD, UNUSABLE, argument, count_of, json_option, print_json, say, show
from bergmann.cli.own_formats import own_formats_options, vocabulary_with
from bergmann.errors import BergmannError, WriteError

if TYPE_CHECKING:
    from bergmann.find.draft import Drafted
    from bergmann.plan.sources import Vocabulary


@click.command(name="init")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--use", multiple=True, type=click.Path(path_type=Path), help="Session file to lay below, such as lab.yaml; repeatable."
)
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one offline HTML page of the draft, as `check --page` does: pictures, times, and each blank beside its line. "
    "For one folder only.",
)
@own_formats_options
@json_option
def command(
    folders: tuple[Path, ...], use: tuple[Path, ...], page: Path | None, formats_folder: Path | None, yes: bool, as_json: bool
) -> None:
    """Write a draft of session.yaml in rig FOLDERS, or bring it up to date.

    Looks at the headers of the files, says what each value comes from, and marks what only a person knows with ???. Run again, it
    adds what is new; what you wrote stays. For a page it also looks at some frames and the recorded channels.
    """
    from bergmann.find.draft import draft_session

    if page is not None and len(folders) > 1:
        raise click.UsageError(f"--page is of one folder, and {len(folders)} are named; call `bergmann init` for each")
    vocabulary = vocabulary_with(formats_folder, yes)
    status, documents = GOOD, []
    for folder in folders:
        try:
            drafted = draft_session(folder, use, vocabulary)
        except BergmannError as error:
            status = UNUSABLE
            documents.append({"folder": str(folder), "error": str(error)})
            if not as_json:
                show(f"{folder}: no draft was written\n  {error}")
            continue
        document = _document(folder, drafted)
        documents.append(document)
        if page is not None:
            try:
                _write_page(drafted, page, vocabulary)
                document["page"] = page.as_posix()
            except WriteError as error:
                status, document["page_error"] = UNUSABLE, str(error)
                say(str(error))
        if not as_json:
            show("\n".join(_lines(drafted, page if "page" in document else None)))
    if as_json:
        print_json(documents)
    sys.exit(status)


def _write_page(drafted: Drafted, page: Path, vocabulary: Vocabulary) -> None:
    from bergmann.plan.resolve import make_plan
    from bergmann.report.page import write_page

    write_page(make_plan(drafted.path, vocabulary), page)


def _document(folder: Path, drafted: Drafted) -> dict[str, Any]:
    return {"folder": str(folder), **drafted.as_dict()}


def _lines(drafted: Drafted, page: Path | None) -> list[str]:
    """What a person reads of one folder."""
    did = "written" if drafted.is_new else f"{len(drafted.added)} added" if drafted.added else "nothing new"
    lines = [f"{drafted.path}: {did}"]
    if drafted.added and not drafted.is_new:
        lines.append(f"  added: {', '.join(drafted.added)}")
    lines.append(
        f"  {count_of(drafted.n_sources, 'source')}, {count_of(drafted.n_blanks, 'blank')} (???) to fill, "
        f"{count_of(len(drafted.unclaimed), 'file')} of no source"
    )
    lines += [f"  note: {note}" for note in drafted.notes]
    if drafted.to_paste:
        lines += ["  `sources` has no place for new lines (is it written in braces?); these belong in it:", drafted.to_paste]
    lines += [f"  page: {page}"] if page is not None else []
    blanks = "fill the blanks in an editor, then  " if drafted.n_blanks else ""
    return [*lines, f"  next: {blanks}bergmann check {argument(drafted.path)}"]
