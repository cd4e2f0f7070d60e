"""The session files of the demo: what a lab would have written about the simulated animals."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from shutil import copyfile

ANIMALS = ("BG042", "BG043")
SESSIONS = ("vonfrey-baseline.yaml", "session.yaml", "vonfrey-pod7.yaml")


def session_paths(folder: Path) -> tuple[Path, ...]:
    """The session files of a demo folder, animal by animal, in the order that they are to be converted."""
    return tuple(folder / animal / name for animal in ANIMALS for name in SESSIONS)


def write_waivers(folder: Path) -> None:
    """Copy what the simulated lab accepts to where it is looked for: beside the folder of its dandiset."""
    with as_file(files("bergmann.rig") / "waivers.yaml") as bundled:
        copyfile(bundled, folder / bundled.name)


def write_sessions(folder: Path) -> tuple[Path, ...]:
    """Copy the bundled session files and their overlays (lab, arms, animals) to where the demo's raw files lie.

    Returns
    -------
    tuple of Path
        The session files: `session_paths`.
    """
    with as_file(files("bergmann.rig") / "session_files") as bundled:
        for source in sorted(bundled.rglob("*.yaml")):
            target = folder / source.relative_to(bundled)
            target.parent.mkdir(parents=True, exist_ok=True)
            copyfile(source, target)
    return session_paths(folder)
