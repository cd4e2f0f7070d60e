"""`bergmann demo`: the main job on the bundled experiment."""

from __future__ import annotations

import sys
from pathlib import Path

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


@click.command(name="demo")
@click.argument("folder", default=Path("bergmann-demo"), type=click.Path(path_type=Path, file_okay=False))
@json_option
def command(folder: Path, as_json: bool) -> None:
    """Make a simulated experiment in FOLDER, convert it, and check the result.

    Two mice with the raw files of every instrument: in one the alpha-1A adrenoceptor is knocked down in Bergmann glia, the other
    is its scrambled control.
    """
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder} is there already and not empty; name another folder: bergmann demo FOLDER"
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


def _make(folder: Path, as_json: bool) -> None:
    from bergmann.cli.convert import exit_status, print_conversions

    say(f"Simulating the rig in {folder / 'rig'} (two animals; about ten seconds)")
    from bergmann.rig.sessions import session_paths
    from bergmann.rig.simulate import simulate_demo

    simulate_demo(folder / "rig")
    sessions = session_paths(folder / "rig")
    say(f"Converting {len(sessions)} sessions to {folder / 'dandiset'}, and validating each (about five seconds a file)")
    from bergmann.convert import convert_session

    done = [convert_session(path, folder / "dandiset", on_progress=Progress(path.parent.name)) for path in sessions]
    from bergmann.validate import validate_together

    findings = tuple(one for conversion in done for one in conversion.findings)
    if any(conversion.target is not None for conversion in done):
        findings += validate_together(folder / "dandiset")
    status = max(exit_status(done), GOOD if all(one.severity != "error" for one in findings) else FINDINGS)
    if as_json:
        document = {"folder": folder.as_posix(), "conversions": [one.as_dict() for one in done]}
        print_json(document | {"findings": [finding.as_dict() for finding in findings]})
        sys.exit(status)
    print_conversions(done)
    print_findings(finding for finding in findings if finding.severity == "error")
    show(f"\nAll of it, validated with pynwb, NWB Inspector and dandi: {count_findings(findings)}")
    show(_next_steps(folder))
    sys.exit(status)


def _next_steps(folder: Path) -> str:
    """What was made, where, and what to try next."""
    session = folder / "rig" / "BG042" / "session.yaml"
    return f"""
Made in {folder}:
  rig/        what a rig leaves behind: movies, DAQ files, videos, tables, and the session files that describe them
  dandiset/   one NWB file a session, and its videos

Try next:
  look at the session file         {session}
  break it, and see what is said   bergmann check {session}
  convert it once more             bergmann convert {session} --out {folder / "dandiset"} --overwrite
  read a file without bergmann     python -c "import pynwb; print(pynwb.read_nwb(r'FILE.nwb'))"
  draw the result                  see examples/bergmann_flares in the source of bergmann"""
