"""The one file that a recording is."""

from __future__ import annotations

from pathlib import Path

from bergmann.errors import SourceError
from bergmann.registry import expand


def one_file(path: Path) -> Path:
    """The file that a path or a pattern names.

    Raises
    ------
    SourceError
        If there is none, if there are several, or if it is a folder.
    """
    paths = expand(path)
    if len(paths) > 1:
        raise SourceError(f"{path.name}: {len(paths)} files; a recording is one file, name each as a source of its own")
    if paths[0].is_dir():
        raise SourceError(f"{path.name}: this is a folder; name the file of the recording in it")
    return paths[0]
