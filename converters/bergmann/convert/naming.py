"""How the record of a conversion names a file."""

from __future__ import annotations

import os
from pathlib import Path


def relative_name(path: Path, base: Path) -> str:
    """How the file is named in the record: relative to the session file, never absolute.

    A file on another drive, or outside of the folder that holds the session's own, is named by itself: a longer way would show the
    folders of this machine, and people's names among them. What was stated is named, not where a link leads.
    """
    try:
        way = Path(os.path.relpath(path.absolute(), base))
    except ValueError:  # another drive of Windows
        return path.name
    ups = 1 if base.parent != Path(base.anchor) else 0
    return path.name if way.parts[ups : ups + 1] == ("..",) else way.as_posix()
