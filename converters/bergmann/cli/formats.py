"""`bergmann formats`: what can be read."""

from __future__ import annotations

import click

from bergmann.cli.output import json_option, print_json, print_table
from bergmann.registry import Format, load_formats


def _extra_keys(one: Format) -> list[str]:
    return [name for name in one.source.model_fields if name != "format"]


@click.command(name="formats")
@json_option
def command(as_json: bool) -> None:
    """List the file formats that can be read."""
    formats = load_formats()
    if as_json:
        print_json(
            [
                {"format": one.key, "label": one.label, "room": one.room, "record": one.record.__name__, "keys": _extra_keys(one)}
                for one in formats
            ]
        )
        return
    print_table(
        ["format", "kind", "reads", "keys"], [(one.key, one.room, one.label, ", ".join(_extra_keys(one))) for one in formats]
    )
