"""`bergmann demo`: the main job on the bundled experiment."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bergmann.cli.output import (
    FINDINGS,
    GOOD,
    UNUSABLE,
    Progress,
    count_findings,
    json_option,
    print_findings,
    print_json,
    say,
    show,
    stop,
)
from bergmann.cli.publish import print_published

if TYPE_CHECKING:
    from bergmann.findings import Finding
    from bergmann.publish.assets import Prepared
    from bergmann.publish.local import Published


@click.command(name="demo")
@click.argument("folder", default=Path("bergmann-demo"), type=click.Path(path_type=Path, file_okay=False))
@json_option
def command(folder: Path, as_json: bool) -> None:
    """Make a simulated experiment in FOLDER, convert it, check the result, and publish it into a folder on disk.

    Two mice with the raw files of every instrument: in one the alpha-1A adrenoceptor is knocked down in Bergmann glia, the other
    is its scrambled control.
    """
    if wrong := _why_not(folder):
        message = f"{folder} {wrong}; name another folder: bergmann demo FOLDER"
        if as_json:
            print_json({"error": message})
        else:
            say(message)
        sys.exit(UNUSABLE)
    try:
        _make(folder, as_json)
    except KeyboardInterrupt:
        stop(
            f"{folder} keeps what was made until now: raw files, perhaps not all, and whole NWB files. Remove it, or name another "
            "folder for the next run"
        )


def _why_not(folder: Path) -> str:
    """Why the folder cannot be used; empty where it can, and then it is there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return "is there already and not empty" if any(folder.iterdir()) else ""
    except OSError as error:
        return f"cannot be made here: {error.strerror}"


def _make(folder: Path, as_json: bool) -> None:
    from bergmann.cli.convert import exit_status, print_conversions

    say(f"Simulating the rig in {folder / 'rig'} (two animals; about ten seconds)")
    from bergmann.rig.sessions import session_paths, write_waivers
    from bergmann.rig.simulate import simulate_demo

    simulate_demo(folder / "rig")
    write_waivers(folder)
    sessions = session_paths(folder / "rig")
    say(f"Converting {len(sessions)} sessions to {folder / 'dandiset'}, and validating each (about five seconds a file)")
    from bergmann.convert import convert_session
    from bergmann.validate.own_process import shared_validator

    validator = shared_validator()
    done = [
        convert_session(path, folder / "dandiset", on_progress=Progress(path.parent.name), validator=validator) for path in sessions
    ]
    from bergmann.validate import validate_together

    findings = tuple(one for conversion in done for one in conversion.findings)
    if any(conversion.target is not None for conversion in done):
        findings += validate_together(folder / "dandiset")
    prepared, published = _publish(folder, sessions, findings)
    findings += tuple(one for one in prepared.findings if one not in set(findings))
    status = max(exit_status(done), GOOD if all(one.severity != "error" for one in findings) else FINDINGS)
    if as_json:
        document = {"folder": folder.as_posix(), "conversions": [one.as_dict() for one in done]}
        what = None if published is None else published.as_dict()
        print_json(document | {"published": what, "findings": [finding.as_dict() for finding in findings]})
        sys.exit(status)
    print_conversions(done)
    print_findings(finding for finding in findings if finding.severity == "error")
    show(f"\nAll of it, validated with pynwb, NWB Inspector and dandi: {count_findings(findings)}")
    if published is not None:
        print_published(published)
    show(_next_steps(folder))
    sys.exit(status)


def _publish(folder: Path, sessions: Sequence[Path], findings: Iterable[Finding]) -> tuple[Prepared, Published | None]:
    """Publish what was converted, and has just been validated, into a folder on disk."""
    from bergmann.publish.local import publish_local
    from bergmann.publish.preflight import prepare

    say(f"Publishing into {folder / 'published'}, a dandiset on disk as the archive would have it")
    prepared = prepare(folder / "dandiset", sessions=sessions, validated=findings)
    return prepared, None if prepared.is_refused else publish_local(prepared, folder / "published")


def _next_steps(folder: Path) -> str:
    """What was made, where, and what to try next."""
    session = folder / "rig" / "BG042" / "session.yaml"
    return f"""
Made in {folder}:
  rig/        what a rig leaves behind: movies, DAQ files, videos, tables, and the session files that describe them
  dandiset/   one NWB file a session, and its videos
  published/  the same as an archive would have it: with the dandiset's metadata, digests, and a table of sessions
  waivers.yaml  what was looked at and is accepted, though an archive wants to know it: tests whose hour nobody noted

Try next:
  look at the session file         {session}
  break it, and see what is said   bergmann check {session}
  convert it once more             bergmann convert {session} --out {folder / "dandiset"} --overwrite
  read a file without bergmann     python -c "import pynwb; print(pynwb.read_nwb(r'FILE.nwb'))"
  see what DANDI would show        bergmann publish {folder / "dandiset"} --sessions {session} --dry-run
  draw the result                  see examples/bergmann_flares in the source of bergmann"""
