"""How results are shown: text or one JSON document on stdout, everything else on stderr."""

from __future__ import annotations

import codecs
import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

import click

from bergmann.findings import SEVERITIES, Finding, has_errors
from bergmann.report.shown import HIDDEN, one_line, visible

GOOD, FINDINGS, UNUSABLE = 0, 1, 2
"""Exit status: good; findings; wrong usage or unreadable input."""

STOPPED = 130
"""Exit status after Ctrl-C, as shells give it: 128 and the number of the signal."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def show(message: object) -> None:
    """A message on stdout; what a terminal would obey in a name or a value is shown as a sign.

    Every command prints text by `show`, `say`, `print_table` or `print_findings`, never by itself.
    """
    click.echo(visible(message))


def print_json(document: object) -> None:
    """Print one JSON document on stdout."""
    is_utf8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"  # elsewhere ASCII, which is UTF-8, too
    text = json.dumps(document, indent=2, ensure_ascii=not is_utf8, default=str)
    click.echo(HIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print columns of text, as wide as they need to be."""
    cells = [[one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for index, row in enumerate(cells):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo(click.style(line, bold=True) if index == 0 else line)


def print_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as CSV; what a spreadsheet would compute stands behind an apostrophe, so that it stays text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (header, *rows):
        writer.writerow([_csv_cell(cell) for cell in row])
    click.echo(text.getvalue(), nl=False)


def _csv_cell(cell: object) -> str:
    if cell is None:
        return ""
    shown = one_line(cell)
    return f"'{shown}" if isinstance(cell, str) and shown.startswith(("=", "+", "-", "@")) else shown


def print_findings(findings: Iterable[Finding]) -> None:
    """Print findings, the gravest first, each with what to do."""
    for finding in sorted(findings, key=lambda one: SEVERITIES.index(one.severity)):
        origin = "" if finding.origin == "bergmann" else f" [{finding.origin}]"
        click.echo(
            f"{click.style(finding.severity, fg=_COLOURS[finding.severity], bold=True)}  {one_line(finding.location)}{origin}"
        )
        click.echo(f"    {visible(finding.message)}")
        if finding.why:
            click.echo(f"    {visible(finding.why)}")
        if finding.remedy:
            remedy = visible(finding.remedy).replace("\n", "\n       ")
            click.echo(f"    -> {remedy}")


MOST_PLACES = 3
"""Places that a note names which is said of several."""


def print_notes(findings: Iterable[Finding]) -> None:
    """Print notes, each once: what is the same of many objects and files is one line."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for one in findings:
        if one.severity == "note":
            groups.setdefault((one.origin, one.message, one.remedy), []).append(one.location)
    if not groups:
        return
    click.echo(f"{click.style('notes', fg=_COLOURS['note'], bold=True)}  each once; --json lists each with its place")
    for (origin, message, remedy), places in groups.items():
        said = f"[{origin}] " if origin != "bergmann" else ""
        times = f"{len(places)} x " if len(places) > 1 else ""
        named = list(dict.fromkeys(place.partition(".nwb:")[2].strip() or place for place in places))
        more = f", and {len(named) - MOST_PLACES} more" if len(named) > MOST_PLACES else ""
        click.echo(f"    {times}{said}{one_line(message)} ({one_line(', '.join(named[:MOST_PLACES]))}{more})")
        if remedy:
            click.echo(f"      -> {one_line(remedy)}")


def argument(path: Path) -> str:
    """A path as it is typed in a command: in quotes where it has a space."""
    return f'"{path}"' if " " in str(path) else str(path)


def count_of(number: int, what: str) -> str:
    """A number with its word: ``"1 source"``, ``"1,220 files"``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def count_findings(findings: Iterable[Finding]) -> str:
    """The findings as a phrase: ``"2 errors, 1 note"``, or ``"nothing found"``."""
    counts = Counter(finding.severity for finding in findings)
    parts = [f"{counts[name]} {name}{'s' if counts[name] > 1 else ''}" for name in SEVERITIES if counts[name]]
    return ", ".join(parts) or "nothing found"


def end_unreadable(error: Exception, *, as_json: bool) -> NoReturn:
    """End a command that looks at files with what keeps it from looking."""
    if as_json:
        print_json({"error": str(error), "findings": []})
    else:
        show(str(error))
    sys.exit(UNUSABLE)


def end_with(findings: Sequence[Finding], *, as_json: bool) -> NoReturn:
    """End a command that looks at files with what it found."""
    if as_json:
        print_json({"findings": [finding.as_dict() for finding in findings]})
    else:
        print_findings(findings)
        show(count_findings(findings))
    sys.exit(FINDINGS if has_errors(findings) else GOOD)


def say(message: str) -> None:
    """A message for a person, on stderr."""
    click.echo(visible(message), err=True)


def stop(left: str) -> NoReturn:
    """End after Ctrl-C, with what is left and what the next run does."""
    say(f"\nStopped by Ctrl-C. {left}")  # the line end closes what the terminal or a progress bar has begun
    sys.exit(STOPPED)


class Progress:
    """A progress bar on stderr, drawn only where a person watches.

    Call it with (done, total) in any unit.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = -1
        self._watched = sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        percent = 100 * done // total if total else 100
        if not self._watched or percent == self._shown:
            return
        self._shown = percent
        bar = "#" * (percent // 4)
        click.echo(f"\r  {one_line(self._what)[:40]:<40} [{bar:<25}] {percent:3d} %", err=True, nl=percent == 100)
