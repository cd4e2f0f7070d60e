"""`bergmann formats`: what can be read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bergmann.cli.output import FINDINGS, GOOD, json_option, print_json, print_table, say
from bergmann.cli.own_formats import own_formats_options, vocabulary_with
from bergmann.registry import Format


def _extra_keys(one: Format) -> list[str]:
    return [name for name in one.source.model_fields if name != "format"]


def _origin(one: Format) -> str:
    return "bergmann" if one.module is None else one.module.name


@click.command(name="formats")
@own_formats_options
@json_option
def command(formats_folder: Path | None, yes: bool, as_json: bool) -> None:
    """List the file formats that can be read: those of bergmann, of installed packages, and of your lab.

    One that cannot be used is said with the reason, and makes the exit status 1.
    """
    formats, faults = vocabulary_with(formats_folder, yes).load_all()
    status = FINDINGS if faults else GOOD
    if as_json:
        print_json([*map(_as_dict, formats), *({"error": fault} for fault in faults)])
        sys.exit(status)
    origins = {_origin(one) for one in formats}
    header, rows = (
        ["format", "kind", "reads", "keys"],
        [[one.key, one.room, one.label, ", ".join(_extra_keys(one))] for one in formats],
    )
    if origins != {"bergmann"}:
        header.insert(1, "from")
        for one, row in zip(formats, rows, strict=True):
            row.insert(1, _origin(one))
    print_table(header, rows)
    for fault in faults:
        say(fault)
    sys.exit(status)


def _as_dict(one: Format) -> dict[str, Any]:
    about = {"format": one.key, "label": one.label, "room": one.room, "record": one.record.__name__, "keys": _extra_keys(one)}
    sha256 = {} if one.module is None else {"sha256": one.module.sha256}
    return {**about, "from": _origin(one), **sha256}
