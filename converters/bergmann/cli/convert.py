"""`bergmann convert`: session files to NWB files in a local dandiset."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from bergmann.cli.key import arms_option, read_key
from bergmann.cli.output import (
    FINDINGS,
    GOOD,
    UNUSABLE,
    Progress,
    argument,
    count_findings,
    json_option,
    print_findings,
    print_json,
    print_notes,
    print_table,
    say,
    stop,
)
from bergmann.cli.own_formats import own_formats_options, vocabulary_with
from bergmann.cli.profile import profile_option
from bergmann.errors import StoppedError
from bergmann.findings import Finding
from bergmann.writing.presets import CHUNKINGS, COMPRESSIONS, DEFAULT, Chunking, Compression, Storing

if TYPE_CHECKING:
    from bergmann.convert import Conversion
    from bergmann.validate.needs import Profile


class _ExplainsPresets(click.Command):
    """A command whose help says what each preset costs."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, explained in (("Chunking", CHUNKINGS), ("Compression", COMPRESSIONS)):
            with formatter.section(title):
                formatter.write_dl(list(explained.items()))


@click.command(name="convert", cls=_ExplainsPresets)
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
@click.option(
    "--keep-private", is_flag=True, help="Keep paths and e-mail addresses that the sources carry; else they are taken out."
)
@click.option(
    "--chunking",
    type=click.Choice(list(CHUNKINGS)),
    default=DEFAULT.chunking,
    show_default=True,
    help="How arrays are cut, for what is to be fast; see below.",
)
@click.option(
    "--compression",
    type=click.Choice(list(COMPRESSIONS)),
    default=DEFAULT.compression,
    show_default=True,
    help="How arrays are compressed; see below who can read it.",
)
@click.option(
    "--proof",
    type=click.Choice(["full", "sample"]),
    default="full",
    show_default=True,
    help="How much of what was written is compared with a second reading of the sources; a sample is for terabytes.",
)
@profile_option
@json_option
def command(
    sessions: tuple[Path, ...],
    out: Path,
    overwrite: bool,
    formats_folder: Path | None,
    yes: bool,
    arms: Path | None,
    include_excluded: bool,
    keep_private: bool,
    chunking: Chunking,
    compression: Compression,
    proof: Literal["full", "sample"],
    profile: Profile,
    as_json: bool,
) -> None:
    """Convert sessions to NWB files in a local dandiset, prove that each holds what its sources say, and validate them.

    The sources are read a second time, by other means, before a file gets its name. A session that fails leaves nothing behind and
    does not stop the next one. With `--profile archive` one that leaves open what DANDI and a reader need is not written.
    """
    done: list[Conversion] = []
    try:
        from bergmann.convert import convert_session
        from bergmann.validate.own_process import shared_validator

        convert = partial(
            convert_session,
            out=out,
            overwrite=overwrite,
            vocabulary=vocabulary_with(formats_folder, yes),
            key=read_key(arms, as_json=as_json),
            include_excluded=include_excluded,
            keep_private=keep_private,
            storing=Storing(chunking, compression),
            proof=proof,
            profile=profile,
            validator=shared_validator(),
        )
        _convert_all(sessions, convert, as_json, done)
    except KeyboardInterrupt as stopped:
        _print(done, as_json)
        stop(_left(sessions, out, done, stopped))
    _print(done, as_json)
    sys.exit(exit_status(done))


def _convert_all(sessions: Sequence[Path], convert: Callable[..., Conversion], as_json: bool, done: list[Conversion]) -> None:
    """Convert one session after the other, and put what became of each behind what is done."""
    for path in sessions:
        say(f"{path}")
        made = {one.target for one in done if one.target is not None}
        conversion = convert(path, keep=made, on_progress=Progress(f"writing {path.name}"))
        done.append(conversion)
        if not as_json:
            print_findings(one for one in conversion.findings if not _is_for_later(one))


def _is_for_later(finding: Finding) -> bool:
    """Whether a finding is said once behind all sessions, and not with its own."""
    return finding.severity == "note" and finding.check != "excluded"


def _print(done: Sequence[Conversion], as_json: bool) -> None:
    if as_json:
        print_json([one.as_dict() for one in done])
    elif done:
        print_conversions(done)
        print_notes(finding for one in done for finding in one.findings if _is_for_later(finding))


def _left(sessions: Sequence[Path], out: Path, done: Sequence[Conversion], stopped: KeyboardInterrupt) -> str:
    """What is there after Ctrl-C, and what the next run does."""
    path = sessions[min(len(done), len(sessions) - 1)]
    written = sum(one.target is not None for one in done)
    if isinstance(stopped, StoppedError):
        lines = [f"{stopped.written} is written whole, and was not validated: bergmann validate {argument(out)}"]
        written += 1
    else:
        lines = [f"Nothing half-written is left of {path}; a file of it that was there before is as it was."]
    if written:
        files = "1 session is" if written == 1 else f"{written} sessions are"
        lines.append(f"{files} written already: name only the others in the next run, or say --overwrite to make all anew.")
    else:
        lines.append("Run the same again: it begins anew.")
    return "\n".join(lines)


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
