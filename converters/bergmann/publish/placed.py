"""What was placed in a folder on disk, written down file by file, so that a run that was killed is taken up where it ended."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A line of the journal: a file as it was placed; a removed one has no digests."""

    path: str
    source: tuple[int, int, int]
    target: tuple[int, int, int]
    sha256: str
    etag: str


NOWHERE = (0, 0, 0)
"""The stamp of a file that is not in its place yet, or not any more."""


class Journal:
    """Appends a line for each file that is in its place; a line is on the disk before the next file is begun."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Journal:
        self._path.parent.mkdir(exist_ok=True)
        self._file = self._path.open("ab")
        if self._file.tell() and not self._path.read_bytes().endswith(b"\n"):  # a run was killed in the middle of a line
            self._file.write(b"\n")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, entry: Entry) -> None:
        self._file.write(json.dumps(asdict(entry)).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_placed(path: Path) -> dict[str, Entry]:
    """What earlier runs placed, by path; lines that are damaged or of another version are passed over."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    entries: dict[str, Entry] = {}
    for line in lines:
        try:
            read = json.loads(line)
            entry = Entry(read["path"], tuple(read["source"]), tuple(read["target"]), read["sha256"], read["etag"])
        except (ValueError, KeyError, TypeError):
            continue
        if entry.sha256:
            entries[entry.path] = entry
        else:
            entries.pop(entry.path, None)
    return entries
