"""`bergmann show`: what is in an NWB file, on one page of a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bergmann.cli.output import (
    FINDINGS,
    GOOD,
    UNUSABLE,
    count_findings,
    count_of,
    json_option,
    print_json,
    print_table,
    show,
)
from bergmann.errors import BergmannError
from bergmann.findings import has_errors

if TYPE_CHECKING:
    from bergmann.report.contents import Contents

_LEAST_WIDTH, _MOST_WIDTH = 60, 120
_NAMES = 24
"""Columns for the names of streams beside the line of time."""
_MOST_MARKS = 12
_LONGEST_VALUE = 44


@click.command(name="show")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--origins", is_flag=True, help="Show where each value comes from: which file, which line of what you stated.")
@click.option("--no-checks", is_flag=True, help="Do not look for what is strange, which reads all data.")
@json_option
def command(path: Path, origins: bool, no_checks: bool, as_json: bool) -> None:
    """Show what is in an NWB file: animal, receptors, streams, drugs on a line of time, where the values come from, findings.

    Of any NWB file, whoever wrote it.
    """
    from bergmann.report.contents import read_contents

    try:
        contents = read_contents(path, with_checks=not no_checks and not origins)
    except BergmannError as error:
        if as_json:
            print_json({"error": str(error)})
        else:
            show(str(error))
        sys.exit(UNUSABLE)
    if as_json:
        print_json(contents.as_dict())
    elif origins:
        _print_origins(contents)
    else:
        _print(contents, no_checks=no_checks)
    sys.exit(FINDINGS if has_errors(contents.findings) else GOOD)


def _title(text: str) -> None:
    click.echo(click.style(text, bold=True))


def _print(contents: Contents, *, no_checks: bool) -> None:
    _title(contents.file)
    show(f"{_size(contents.size)}{f', made by {contents.software}' if contents.software else ''}")
    show("")
    width = max((len(key) for key in contents.facts), default=0)
    columns = min(max(shutil.get_terminal_size((100, 24)).columns, _LEAST_WIDTH), _MOST_WIDTH)
    for key, text in contents.facts.items():
        for index, line in enumerate(_wrapped(text, columns - width - 2)):
            show(f"{key if index == 0 else '':<{width}}  {line}")
    for name, lines in (("receptors", contents.receptors), ("before", contents.procedures), ("light", contents.light)):
        for index, line in enumerate(lines):
            show(f"{name if index == 0 else '':<{max(width, 9)}}  {line}")
    _print_streams(contents)
    _print_times(contents, columns)
    _print_end(contents, no_checks=no_checks)


def _size(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line


def _print_streams(contents: Contents) -> None:
    if not contents.streams:
        show("\nNothing was recorded.")
        return
    show("")
    rows = [
        (
            one.name,
            one.kind,
            one.what,
            f"{one.rate:.6g} Hz" if one.rate is not None else "",
            f"{one.start:.2f} to {one.stop:.2f} s" if one.start is not None and one.stop is not None else "no times",
        )
        for one in contents.streams
    ]
    print_table(("stream", "type", "size", "rate", "when"), rows)


def _print_times(contents: Contents, columns: int) -> None:
    """Every stream as a bar on one line of time, and what was given below it."""
    span = contents.span
    if span is None or span[1] <= span[0]:
        return
    bars = columns - _NAMES - 1
    scale = bars / (span[1] - span[0])
    show("")
    for one in contents.streams:
        if one.start is not None and one.stop is not None:
            first = int((one.start - span[0]) * scale)
            length = max(1, int((one.stop - one.start) * scale))
            show(f"{one.name[: _NAMES - 1]:<{_NAMES}}{' ' * min(first, bars - 1)}{'=' * min(length, bars - min(first, bars - 1))}")
    left, right = f"{span[0]:.0f} s", f"{span[1]:.0f} s"
    show(f"{'':<{_NAMES}}{left}{right:>{max(1, bars - len(left))}}")
    for mark in contents.drugs[:_MOST_MARKS]:
        if isfinite(mark.at) and span[0] <= mark.at <= span[1]:
            show(f"{'drug':<{_NAMES}}{' ' * min(int((mark.at - span[0]) * scale), bars - 1)}^ {mark.at:.0f} s: {mark.text}")
        else:
            when = f"{mark.at:.0f} s" if isfinite(mark.at) else "at an unknown time"
            show(f"{'drug':<{_NAMES}}{mark.text} ({when})")
    if len(contents.drugs) > _MOST_MARKS:
        show(f"{'':<{_NAMES}}and {count_of(len(contents.drugs) - _MOST_MARKS, 'more drug')}")


def _print_end(contents: Contents, *, no_checks: bool) -> None:
    from bergmann.report.contents import count_kinds

    show("")
    if contents.origins:
        counts = ", ".join(f"{number} {kind}" for kind, number in sorted(count_kinds(contents.origins).items()))
        show(f"origins   {counts}; {count_of(len(contents.source_files), 'source file')} (--origins lists them)")
        unknown = dict.fromkeys(one.key for one in contents.origins if one.kind == "unknown")
        if unknown:
            show(f"unknown   {', '.join(unknown)}")
    else:
        show("origins   the file does not say where its values come from")
    if no_checks:
        show("findings  not looked for")
        return
    show(f"findings  {count_findings(contents.findings)}")
    for finding in contents.findings:
        if finding.severity != "note":
            show(f"          {finding.severity}: {finding.location.partition(':')[2] or '/'}: {finding.message}")


def _short(text: str) -> str:
    """A value cut to what a column holds; the file and ``--json`` have it whole."""
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _print_origins(contents: Contents) -> None:
    if not contents.origins:
        show(f"{contents.file}: the file does not say where its values come from; bergmann writes that into the files it makes")
        return
    placed = [one for one in contents.origins if one.path]
    if placed:
        print_table(("in the file", "is", "kind", "from"), [(one.path, _short(one.value), one.kind, one.origin) for one in placed])
    rest = [one for one in contents.origins if not one.path]
    if placed and rest:
        show("\nstated, and in the file only within other values, in names, or in how sources were read:")
    if rest:
        print_table(("value of", "is", "from", "kind"), [(one.key, _short(one.value), one.origin, one.kind) for one in rest])
    if contents.source_files:
        show("")
        print_table(("source", "file", "SHA-256"), contents.source_files)
