"""What has been sent of a file, kept so that a run that was killed goes on where it was.

A journal holds addresses that let their bearer write into the archive: it lies in the user's own state folder, may be read by the
user only, is never shown, and is removed as soon as the file is there. One line of JSON is added for each part, begun by
its line end, so that whatever kills the process leaves at most one line torn, which is passed over.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bergmann.publish.client import Begun, Part
from bergmann.publish.places import state_folder

VERSION = 1

KEPT = 30 * 86_400
"""Seconds after which a journal is removed that nobody went on with: its addresses have long expired (they live 7 days)."""


@dataclass
class Journal:
    """The journal of one file on its way to one dandiset.

    Parameters
    ----------
    path : Path
    key : dict
        Instance, dandiset and digest that it is of.
    complain : callable
        Told once, in words, if the journal cannot be written; the upload goes on without.

    Attributes
    ----------
    begun : Begun or None
        The upload that is under way.
    sent : dict of int to str
        ETag of each part that the object store has.
    abandoned : tuple of str
        Uploads of ours that will never be finished.
    is_doubtful : bool
        Whether the archive may have opened an upload for these bytes of which we never heard.
    """

    path: Path | None
    key: dict[str, str]
    complain: Callable[[str], None] = field(repr=False)
    begun: Begun | None = None
    sent: dict[int, str] = field(default_factory=dict)
    abandoned: tuple[str, ...] = ()
    is_doubtful: bool = False

    def ask(self) -> None:
        """Note that an upload is about to be asked for: if the answer is lost, the archive has one that nobody knows of."""
        self._rewrite(is_asking=True)

    def begin(self, begun: Begun) -> None:
        """Note a new upload; the one before it is abandoned."""
        self.is_doubtful = self.is_doubtful or begun.attempts > 1
        if self.begun is not None:
            self.abandoned = (*self.abandoned, self.begun.upload_id)
        self.begun, self.sent = begun, {}
        self._rewrite()

    def note_part(self, number: int, etag: str) -> None:
        """Note a part that the object store has."""
        self.sent[number] = etag
        self._append({"part": number, "etag": etag})

    def keep_only(self, etags: Sequence[str]) -> None:
        """Forget parts whose ETag is another than the file's, which a damaged line may say."""
        self.sent = {number: etag for number, etag in self.sent.items() if 0 < number <= len(etags) and etags[number - 1] == etag}

    def abandon(self) -> None:
        """Note that the upload will not be finished."""
        if self.begun is not None:
            self.abandoned = (*self.abandoned, self.begun.upload_id)
        self.begun, self.sent = None, {}
        self._rewrite()

    def forget(self) -> None:
        """Remove the journal."""
        self.begun, self.sent = None, {}
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)

    def _rewrite(self, *, is_asking: bool = False) -> None:
        if self.path is None:
            return
        head = {
            "version": VERSION,
            **self.key,
            "abandoned": list(self.abandoned),
            "is_doubtful": self.is_doubtful or is_asking,
            "upload_id": self.begun.upload_id if self.begun else None,
            "parts": [[part.number, part.size, part.url] for part in self.begun.parts] if self.begun else [],
        }
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}.partial")
        try:
            _private_folder(self.path.parent)
            with suppress(FileNotFoundError):
                partial.unlink()
            _write(partial, os.O_CREAT | os.O_EXCL, json.dumps(head))
            partial.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            self._give_up(error)

    def _append(self, row: dict[str, Any]) -> None:
        if self.path is None:
            return
        try:
            _write(self.path, os.O_APPEND, f"\n{json.dumps(row)}")
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Go on without a journal; what stands in it stays, and is of use if the upload is the same."""
        self.path = None
        self.complain(
            f"what was sent cannot be noted ({error.strerror or type(error).__name__}), so that a run that is cut off will send "
            f"everything again; is the disk of {state_folder().anchor or 'the home folder'} full?"
        )


def _write(path: Path, flags: int, text: str) -> None:
    """Write a text and have the disk keep it; the file may be read by its owner only."""
    number = os.open(path, os.O_WRONLY | getattr(os, "O_BINARY", 0) | flags, 0o600)
    try:
        left = text.encode()
        while left:
            left = left[os.write(number, left) :]
        os.fsync(number)
    finally:
        os.close(number)


def _private_folder(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def open_journal(place: Path, key: dict[str, str], complain: Callable[[str], None]) -> Iterator[Journal]:
    """The journal of a file, with what an earlier run left in it; ours alone while it is open.

    Parameters
    ----------
    place : Path
        The folder of all journals.
    key : dict
        What it is of: ``instance``, ``dandiset``, ``etag``.
    complain : callable
    """
    from bergmann.publish.locking import held

    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    path = place / "uploads" / f"{name}.jsonl"
    with held(place / "locks" / f"{name}.lock") as is_ours:
        if is_ours:
            yield _load(path, key, complain)
        else:  # another run sends the same bytes to the same dandiset, and the journal is its
            yield Journal(None, key, complain)


def remove_old(place: Path) -> None:
    """Remove the journals of uploads that were given up long ago."""
    for path in (place / "uploads").glob("*.jsonl*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > KEPT:
                path.unlink()


def _load(path: Path, key: dict[str, str], complain: Callable[[str], None]) -> Journal:
    journal = Journal(path, key, complain)
    try:
        lines = path.read_bytes().split(b"\n")
        head = json.loads(lines[0])
    except (OSError, ValueError):
        return journal
    if not isinstance(head, dict) or head.get("version") != VERSION or any(head.get(name) != value for name, value in key.items()):
        return journal
    try:
        journal.abandoned = tuple(str(one) for one in head["abandoned"])
        journal.is_doubtful = bool(head["is_doubtful"])
        if head["upload_id"]:
            parts = tuple(Part(int(number), int(size), str(url)) for number, size, url in head["parts"])
            journal.begun = Begun(str(head["upload_id"]), parts)
    except (KeyError, ValueError, TypeError):
        return Journal(path, key, complain)
    for line in lines[1:]:
        try:
            row = json.loads(line)
            journal.sent[int(row["part"])] = str(row["etag"])
        except (ValueError, KeyError, TypeError):  # the line that was torn when the process was killed
            continue
    return journal
