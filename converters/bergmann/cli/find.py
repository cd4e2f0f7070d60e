"""`bergmann find`: the sessions that a question is about."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bergmann.cli.output import (
    FINDINGS,
    GOOD,
    UNUSABLE,
    Progress,
    json_option,
    print_csv,
    print_json,
    print_table,
    say,
    show,
)
from bergmann.errors import BergmannError

if TYPE_CHECKING:
    from bergmann.ask import Answers

_OPTIONS = {
    "receptor": "Receptor, by any name, identifier or family: Adra1a, IUPHAR:22, alpha-1.",
    "gene": "Gene of the receptor, in any species.",
    "status": "Genetic status of the receptor: knocked_down, control, endogenous, ...",
    "role": "native, designer, sensor or other.",
    "construct": "Part of the name of what was delivered.",
    "cell-type": "Cell type, with its subtypes.",
    "location": "Where the cells are, with what lies within.",
    "population": "The lab's own label of the cells.",
    "indicator": "Part of the name of what was imaged there: GCaMP.",
    "drug": "A compound that was given.",
    "action": "What a drug does at the receptor: antagonist, stimulus, ...",
    "route": "How a drug was given.",
    "state": "A state interval of the receptor: baseline, activated, blocked, washout, other.",
    "procedure": "What was done before: a kind, or a model such as SNI.",
    "days": "Days since that procedure: 7, 5-10, or 5- for 5 and more.",
    "arm": "Arm of the study.",
    "keyword": "A keyword of the file.",
}


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for name, text in reversed(_OPTIONS.items()):
        command = click.option(f"--{name}", multiple=True, metavar="TEXT", help=text)(command)
    return command


@click.command(name="find")
@click.argument("sources", nargs=-1, required=True)
@_with_options
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with more columns.")
@click.option("--no-cache", is_flag=True, help="Read every file anew, and keep nothing.")
def command(sources: tuple[str, ...], as_json: bool, as_csv: bool, no_cache: bool, **criteria: tuple[str, ...]) -> None:
    """Find sessions in NWB files, in folders, or at addresses (https://...).

    An option that is repeated means any of its values; different options must all hold, and those of a receptor, its cells and what
    was imaged in them for one and the same row of a file. Exit status: 0 if every file was read, 1 if some could not be.
    """
    from bergmann.ask import ask, make_question

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    try:
        found = ask(sources, make_question(criteria), cache=not no_cache, watch=Progress("reading"))
    except BergmannError as error:
        if as_json:
            print_json({"error": str(error), "answers": []})
        else:
            (say if as_csv else show)(str(error))
        sys.exit(UNUSABLE)
    _print(found, as_json=as_json, as_csv=as_csv)
    if found.unreadable:
        sys.exit(UNUSABLE if len(found.unreadable) == found.n_files else FINDINGS)
    sys.exit(GOOD)


def _print(found: Answers, *, as_json: bool, as_csv: bool) -> None:
    from bergmann.ask.words import SHEET, TABLE, sheet_row, table_row

    if as_json:
        print_json(_document(found))
        return
    if as_csv:
        print_csv(SHEET, map(sheet_row, found.answers))
    elif found.answers:
        print_table(TABLE, map(table_row, found.answers))
    for note in dict.fromkeys(f"{answer.file}: {note}" for answer in found.answers for note in answer.notes):
        say(f"note: {note}")
    for hint in found.hints:
        say(f"note: {hint}")
    for finding in found.unreadable:
        say(f"left out: {finding.location}: {finding.message}")
    (say if as_csv else show)(f"{_counted(found.n_sessions, 'session')} of {_counted(found.n_files, 'file')}")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _document(found: Answers) -> dict[str, Any]:
    return {
        "answers": [answer.as_dict() for answer in found.answers],
        "n_files": found.n_files,
        "hints": list(found.hints),
        "unreadable": [finding.as_dict() for finding in found.unreadable],
    }
