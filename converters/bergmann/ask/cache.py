"""What files said when they were last read, kept in the user's cache folder, so that nothing is written where the data is.

An entry counts only while the size, the times and the number of its file in the file system are what they were.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import TypeAdapter, ValidationError

from bergmann import __version__
from bergmann.ask.facts import Administration, Facts, Plane, Population, ProcedureRow, ReceptorRow, StateInterval

READ_AS = 1
"""Raised whenever `reading` reads in another way: what was kept is then read anew, as it is when the fields of `facts` change."""

SETTLED = 2.0
"""A file that was changed in the last so many seconds is not kept: a second change may fall on the same tick of its clock
(FAT has ticks of 2 s)."""


@dataclass(frozen=True)
class Stamp:
    """What changes when a file does.

    Attributes
    ----------
    size : int
        In bytes.
    modified, changed : int
        When its content and its entry in the file system were last changed, in ns (on Windows the second is when it was made).
    number : int
        Its number in the file system: another for a file that was put in its place.
    """

    size: int
    modified: int
    changed: int
    number: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """The stamp of a file as it is now."""
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


@dataclass(frozen=True)
class Entry:
    """What a file said, and its stamp then."""

    stamp: Stamp
    facts: Facts


@dataclass(frozen=True)
class _Kept:
    """A file of the cache; the entries by path below the folder."""

    version: str
    folder: str
    entries: dict[str, Entry]


_KEPT = TypeAdapter(_Kept)


def _version() -> str:
    """What a cache must have been written by to be read: this version, reading in this way, into facts of this shape."""
    kinds = (Facts, Plane, Population, ReceptorRow, ProcedureRow, Administration, StateInterval)
    shape = [(kind.__name__, field.name, field.type) for kind in kinds for field in fields(kind)]
    return f"{__version__} {READ_AS} {hashlib.sha256(repr(shape).encode()).hexdigest()[:16]}"


def cache_folder() -> Path:
    """Where this user's caches are, by the custom of the system; ``XDG_CACHE_HOME`` is heeded on each."""
    stated = os.environ.get("XDG_CACHE_HOME")
    if stated:
        return Path(stated) / "bergmann"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "bergmann" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "bergmann"
    return Path.home() / ".cache" / "bergmann"


class Cache:
    """What the files below one folder said.

    Parameters
    ----------
    folder : Path
        The folder that was asked.
    place : Path
        Where caches are kept.
    settled : float
        Seconds that must have passed since the last change of a file that is kept.
    """

    def __init__(self, folder: Path, place: Path, *, settled: float = SETTLED) -> None:
        self._folder = folder
        self._resolved = str(folder.resolve())
        name = hashlib.sha256(os.fsencode(self._resolved)).hexdigest()[:32]
        self.path = place / "find" / f"{name}.json"
        self._settled = settled
        self._entries = self._load()
        self._new: dict[str, Entry] = {}

    def _load(self) -> dict[str, Entry]:
        """The entries; none if there is no cache, or it is damaged, of another version or of another folder."""
        try:
            kept = _KEPT.validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            return {}
        if (kept.version, kept.folder) != (_version(), self._resolved):
            return {}
        return kept.entries

    def get(self, path: Path, stamp: Stamp) -> Facts | None:
        """What a file said, if it has not changed since."""
        entry = self._entries.get(self._key(path))
        return entry.facts if entry is not None and entry.stamp == stamp else None

    def put(self, path: Path, stamp: Stamp, facts: Facts) -> None:
        """Keep what a file said.

        Parameters
        ----------
        path : Path
        stamp : Stamp
            From before the file was read; nothing is kept if the file has changed meanwhile, or a moment before.
        facts : Facts
        """
        age = time.time_ns() - max(stamp.modified, stamp.changed)
        if age >= self._settled * 1e9 and Stamp.of(path) == stamp:
            self._new[self._key(path)] = Entry(stamp, facts)

    def save(self) -> None:
        """Write what is new, with what is known of other files that are still there; a place that cannot be written is no error.

        The file appears whole; of two that write at once the last one stays, and what the other had is read again.
        """
        if not self._new:
            return
        others = {key: entry for key, entry in self._entries.items() if key not in self._new and (self._folder / key).exists()}
        kept = _Kept(_version(), self._resolved, {**others, **self._new})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.path, _KEPT.dump_json(kept))
        except OSError:
            return

    def _key(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as file:
        try:
            file.write(content)
            file.close()
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
