"""The command line, one module a command; each command's module is imported when it is called."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from bergmann import __version__

COMMANDS = {
    "demo": "Make a simulated experiment, convert it, and check the result.",
    "init": "Write a draft of the session file of rig folders, or bring it up to date.",
    "formats": "List the file formats that can be read.",
    "check": "Say everything that is missing or contradicts in session files; writes nothing.",
    "convert": "Convert sessions to NWB files in a local dandiset.",
    "show": "Show what is in an NWB file, on one page.",
    "validate": "Check NWB files with pynwb, NWB Inspector and dandi in one list.",
    "verify": "Say whether a file still holds what it was written with, and what its sources say.",
    "publish": "Publish a local dandiset to an archive or a folder, after everything that speaks against it was said.",
    "status": "Compare a local dandiset with the archive: same, changed, only here, only there, invalid.",
    "patch": "Mend what is stated in a written file, with all that follows of it, without converting again.",
    "find": "Find the sessions with a receptor, a cell type, a drug or a state among NWB files.",
}

LEFT = {
    "init": "Nothing is half-written: each session file is as it was, or whole. Run the same again; what you wrote stays.",
    "publish": "What was sent is in the archive or noted on this computer; run the same again, and it goes on from there.",
    "status": "Nothing was changed on either side.",
    "patch": "The file is as it was, or changed whole. Run the same again: it says so if all of it is changed already.",
    "check": "Nothing was written; a page that was there is as it was.",
}
"""What Ctrl-C leaves of a command that does not say it itself."""


COLLECTED_AT = 50_000
"""Objects that are made before the first look for unused ones. Importing pynwb and building a file make many that all stay; looking
at each of them again every 700, as Python does, takes a tenth of a short command."""


class _Commands(click.Group):
    """The commands by name; listing them imports none of them."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            from bergmann.cli.output import stop

            stop(LEFT.get(ctx.invoked_subcommand or "", "Nothing was written."))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"bergmann.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(error.message + hint, ctx) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bergmann")
def group() -> None:
    """From the folders a rig leaves behind to trusted NWB files.

    Start with `bergmann demo`. Exit status: 0 good, 1 findings, 2 wrong usage or unreadable input,
    130 stopped by Ctrl-C.
    """


def main(arguments: Sequence[str] | None = None, **extra: Any) -> None:
    """Run the command line; the entry point of the `bergmann` script."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # consoles of Windows may not hold a micro sign
            reconfigure(errors="backslashreplace")
    before = gc.get_threshold()
    gc.set_threshold(COLLECTED_AT)
    try:
        group.main(args=None if arguments is None else list(arguments), prog_name="bergmann", **extra)
    finally:
        gc.set_threshold(*before)
