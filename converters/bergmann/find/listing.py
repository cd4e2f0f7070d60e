"""The files of a folder, walked once and bounded, as all formats see them."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from bergmann.disk import is_litter, only_in_cloud, stubs, why_closed
from bergmann.errors import SourceError

if sys.platform == "win32":
    from pathlib import WindowsPath as _ConcretePath
else:
    from pathlib import PosixPath as _ConcretePath

MOST_FILES = 250_000
"""Files that are walked at all: more than any session has, and few enough to be walked in seconds."""

MOST_ALIKE = 500
"""Files of one suffix in one folder that formats may open; a numbered series of TIFFs counts as one."""

_NUMBER = re.compile(r"\d+(?=(?:\.ome)?\.[^.]+$)")
_TIFFS = frozenset({".tif", ".tiff", ".btf", ".tf8"})


class ListedFolder(_ConcretePath):
    """A folder that gives the files of one walk to everyone who asks what is below it."""

    listed: tuple[Path, ...] = ()

    def rglob(self, pattern: Any, **_: Any) -> Iterator[Path]:  # type: ignore[override]
        """The listed files whose name matches."""
        return (path for path in self.listed if pattern == "*" or fnmatch(path.name, str(pattern)))


@dataclass(frozen=True)
class Listing:
    """What is below a folder.

    Attributes
    ----------
    folder : Path
    files : tuple of Path
        All of them, but what systems and editors leave behind.
    skipped : mapping of str to int
        How many files of a folder were not looked at, because there are too many of their kind: ``{"trials/*.csv": 99500}``.
    own_sessions : tuple of Path
        Folders below that have a session file of their own; nothing in them is listed.
    opened : tuple of Path
        The files that formats may look at.
    away : tuple of Path
        Those that are in the cloud and not on this disk; looking at them would fetch them.
    closed : tuple of Path
        Folders that cannot be looked into.
    held : mapping of Path to str
        Files that cannot be opened, and why.
    """

    folder: Path
    files: tuple[Path, ...]
    skipped: dict[str, int]
    own_sessions: tuple[Path, ...]
    opened: tuple[Path, ...]
    away: tuple[Path, ...] = ()
    closed: tuple[Path, ...] = ()
    held: Mapping[Path, str] = field(default_factory=dict)

    @property
    def as_folder(self) -> ListedFolder:
        """The folder as formats look through it."""
        view = ListedFolder(self.folder)
        view.listed = self.opened
        return view


def list_folder(folder: Path) -> Listing:
    """Walk a folder.

    Raises
    ------
    SourceError
        If there is no such folder, or it has more files than any session.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is not there"
        raise SourceError(f"{folder.name or folder}: {what}; name the folder that the rig left behind")
    files: list[Path] = []
    sessions: list[Path] = []
    closed: list[Path] = []
    for path in _walk(folder, sessions, closed):
        files.append(path)
        if len(files) > MOST_FILES:
            raise SourceError(f"{folder.name}: more than {MOST_FILES:,} files below it; name the folder of one session")
    away = only_in_cloud(files)
    bounded, skipped = _bounded(folder, [path for path in files if path not in set(away)] if away else files)
    unfetched = (stub for here in dict.fromkeys((folder, *(path.parent for path in files))) for stub in stubs(here))
    held = {path: why for path in _one_of_each(bounded) if (why := _why_held(path))}
    opened = tuple(path for path in bounded if path not in held)
    return Listing(folder, tuple(files), skipped, tuple(sessions), opened, (*away, *unfetched), tuple(closed), held)


def _one_of_each(files: Iterable[Path]) -> Iterator[Path]:
    """The files, but of a numbered series of TIFFs the first one only."""
    seen: set[tuple[Path, str]] = set()
    for path in files:
        key = (path.parent, _NUMBER.sub("", path.name) if path.suffix.lower() in _TIFFS else path.name)
        if key not in seen:
            seen.add(key)
            yield path


def _why_held(path: Path) -> str:
    """Why a file cannot be opened; empty if it can."""
    try:
        with path.open("rb"):
            return ""
    except OSError as error:
        return why_closed(error)


def _walk(folder: Path, sessions: list[Path], closed: list[Path]) -> Iterator[Path]:
    top = Path(os.path.realpath(folder))
    seen = {str(top)}
    for where, folders, names in os.walk(folder, followlinks=True, onerror=lambda error: closed.append(Path(error.filename))):
        here = Path(where)
        if here != folder and ("session.yaml" in names or "dandiset.yaml" in names):
            sessions.append(here)
            folders.clear()
            continue
        kept = []
        for name in sorted(folders):
            real = os.path.realpath(here / name)
            is_above = top.is_relative_to(real)  # a link, or a junction, to a folder that this one is in
            if not name.startswith(".") and real not in seen and not is_above:
                seen.add(real)
                kept.append(name)
        folders[:] = kept
        yield from (here / name for name in sorted(names) if not is_litter(name) and not name.startswith("."))


def _bounded(folder: Path, files: list[Path]) -> tuple[tuple[Path, ...], dict[str, int]]:
    """Leave out files of which there are very many, so that no folder makes thousands of files be opened."""
    keys: dict[tuple[Path, str], set[str]] = {}
    kept: list[Path] = []
    skipped: Counter[str] = Counter()
    for path in files:
        suffix = path.suffix.lower()
        key = _NUMBER.sub("", path.name) if suffix in _TIFFS else path.name
        alike = keys.setdefault((path.parent, suffix), set())
        if key in alike or len(alike) < MOST_ALIKE:
            alike.add(key)
            kept.append(path)
        else:
            skipped[f"{(path.parent.relative_to(folder) / f'*{suffix}').as_posix()}"] += 1
    return tuple(kept), dict(skipped)
