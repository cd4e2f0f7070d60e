"""Where this user's publishing is remembered between runs, and how small files are written: whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def state_folder() -> Path:
    """Where this user's state is, by the custom of the system; ``XDG_STATE_HOME`` is heeded on each."""
    stated = os.environ.get("XDG_STATE_HOME")
    if stated:
        return Path(stated) / "bergmann"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "bergmann" / "State"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "bergmann" / "state"
    return Path.home() / ".local" / "state" / "bergmann"


def write_whole(path: Path, text: str) -> None:
    """Write a text file, UTF-8 with lines as on Linux; whatever ends the process, the file is as it was, or whole.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
