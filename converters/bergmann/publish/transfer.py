"""One file on its way: from its digest to a blob of the archive, whatever is lost between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import ParseError, fromstring

from bergmann.disk import why_closed
from bergmann.errors import ArchiveError, SourceError
from bergmann.publish.client import Begun, Client, Part, lifetime_ends
from bergmann.publish.digests import Digest, FileChangedError, part_digest, stamp_of
from bergmann.publish.journal import Journal
from bergmann.publish.progress import Counter
from bergmann.publish.wire import Answer, RefusedError, StoppedByUser, UnreachableError

MOST_BEGINNINGS = 3
"""How often an upload is begun anew in one run before it is given up."""

_MOST_DAMAGED = 4
"""How often a part is sent of which the store kept other bytes."""

_MOST_EXPIRED = 3
"""How often the address that joins the parts is asked for, where it expired on a slow way."""


class _GoneError(Exception):
    """An upload can never be finished, and must begin anew."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass
class Shipment:
    """One file that is sent.

    Parameters
    ----------
    path : Path
    name : str
        Its path in the dandiset, for messages.
    digest : Digest
    dandiset_id : str
    client : Client
    journal : Journal
    counter : Counter
    pool : Executor
        Sends the parts, those of all files.
    say : callable
        Told what a person should know, in words.

    Attributes
    ----------
    sent, resumed : int
        Bytes that this run sent for it, and bytes that an earlier run had sent.
    """

    path: Path
    name: str
    digest: Digest
    dandiset_id: str
    client: Client
    journal: Journal = field(repr=False)
    counter: Counter = field(repr=False)
    pool: Executor = field(repr=False)
    say: Callable[[str], None] = field(repr=False)
    sent: int = 0
    resumed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _noting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def deliver(self) -> str:
        """Have the archive hold the file, and give the id of the blob.

        Raises
        ------
        ArchiveError
            If the archive or its store refuses, cannot be reached, or has forgotten the upload several times.
        FileChangedError
            If the file changed; nothing is published of it.
        """
        for _ in range(MOST_BEGINNINGS):
            begun = self._resumed() or self._begun()
            if isinstance(begun, str):
                self.counter.have(self.digest.size)
                self.journal.forget()
                return begun
            if begun is not self.journal.begun:
                self.journal.begin(begun)
            try:
                self._send_missing(begun)
                self._refuse_changed()
                self._join(begun)
                blob = self._validated(begun)
            except _GoneError as gone:
                self._give_up(begun)
                self.say(f"{self.name}: {gone.why}; the upload begins anew and sends everything")
                continue
            except FileChangedError:
                self._give_up(begun)
                raise
            self.journal.forget()
            return blob
        raise ArchiveError(
            f"{self.name}: the archive forgot the upload {MOST_BEGINNINGS} times; wait a while and run the same again"
        )

    def _begun(self) -> Begun | str:
        self.journal.ask()
        return self.client.begin(self.dandiset_id, self.digest)

    def _give_up(self, begun: Begun) -> None:
        """Count nothing of an upload that will not be finished."""
        self.counter.have(-sum(begun.parts[number - 1].size for number in self.journal.sent))
        self.resumed = 0
        self.journal.abandon()

    # --- parts --------------------------------------------------------------------------------------------------------

    def _resumed(self) -> Begun | None:
        """The upload of an earlier run, if it can be gone on with."""
        begun = self.journal.begun
        if begun is None:
            return None
        if tuple(part.size for part in begun.parts) != self.digest.part_sizes:
            self.journal.abandon()
            return None
        missing = [part for part in begun.parts if part.number not in self.journal.sent]
        if any(self._is_over(part) for part in missing):
            self.journal.abandon()
            self.say(f"{self.name}: the addresses of an earlier upload have expired; everything is sent anew")
            return None
        self.journal.keep_only(self.digest.parts)
        had = sum(begun.parts[number - 1].size for number in self.journal.sent)
        self.resumed = had
        self.counter.have(had)
        return begun

    def _is_over(self, part: Part) -> bool:
        ends = lifetime_ends(part.url)
        return ends is not None and ends < self.client.wire.now().timestamp()

    def _send_missing(self, begun: Begun) -> None:
        first, ending = 0, threading.Event()
        jobs = []
        for part in begun.parts:
            if part.number not in self.journal.sent:
                jobs.append(self.pool.submit(self._send_part, part, first, ending))
            first += part.size
        done, waiting = wait(jobs, return_when=FIRST_EXCEPTION)
        if any(job.exception() for job in done):
            ending.set()
            for job in waiting:
                job.cancel()
            wait(jobs)
        failures = [error for job in jobs if not job.cancelled() and (error := job.exception()) is not None]
        for error in sorted(failures, key=lambda one: isinstance(one, StoppedByUser)):  # the cause, not what it stopped
            raise error

    def _send_part(self, part: Part, first: int, ending: threading.Event) -> None:
        """Send one part until the store says that it holds these very bytes."""
        expected = self.digest.parts[part.number - 1]
        for _ in range(_MOST_DAMAGED):
            if self._is_over(part):
                raise _GoneError("the archive's addresses have expired")
            try:
                answer = self._put(part, first, ending)
            except UnreachableError:
                if self._is_over(part):  # the store may refuse an old address and close before it has read all
                    raise _GoneError("the archive's addresses have expired") from None
                raise
            if not answer.good:
                raise self._refusal(part, answer)
            kept = answer.headers.get("ETag", "").strip('"')
            if kept == expected:
                with self._noting:
                    self.journal.note_part(part.number, kept)
                return
            self.counter.lost(part.size)
            if part_digest(self.path, first, part.size) != expected:
                raise FileChangedError(_changed(self.name))
        raise ArchiveError(
            f"{self.name}: of part {part.number} the store keeps other bytes than were sent ({_MOST_DAMAGED} times); what is on "
            "the way (a proxy, a virus scanner) changes them"
        )

    def _put(self, part: Part, first: int, ending: threading.Event) -> Answer:
        slices: list[_Slice] = []

        def body() -> _Slice:
            for slice_ in slices[-1:]:  # of the attempt before, which failed
                self.counter.lost(slice_.given)
                slice_.close()
            slices.append(_Slice(self, part.size, first, ending))
            return slices[-1]

        is_kept = False
        try:
            answer = self.client.wire.store("PUT", part.url, body)
            is_kept = answer.good
        finally:
            for slice_ in slices[-1:]:
                self.counter.lost(0 if is_kept else slice_.given)
                slice_.close()
        return answer

    def _refusal(self, part: Part, answer: Answer) -> Exception:
        """What an answer of the store means that is not "done" and not worth trying again."""
        code, said = _store_error(answer)
        if answer.status == 404 or code == "NoSuchUpload":
            return _GoneError("the archive's store does not know the upload any more")
        if answer.status == 403 and (self._is_over(part) or _is_expired(answer)):
            return _GoneError("the archive's addresses have expired")
        return RefusedError(
            f"{self.name}: the store refuses part {part.number} of {part.size} bytes: "
            f"{answer.status} {code} {self.client.wire.hidden(said)}; "
            "sending it again would not help. Is the clock of this computer right, and does a proxy change what is sent?",
            answer.status,
        )

    def _refuse_changed(self) -> None:
        if stamp_of(self.path) != self.digest.stamp:
            raise FileChangedError(_changed(self.name))

    def count(self, size: int) -> None:
        """Note bytes that are given to the network."""
        with self._lock:
            self.sent += size
        self.counter.sent(size)

    @property
    def is_stopping(self) -> bool:
        """Whether the whole run ends."""
        return self.client.wire.stopping.is_set()

    # --- the whole ----------------------------------------------------------------------------------------------------

    def _join(self, begun: Begun) -> None:
        """Have the store join the parts. One that was joined already, the answer being lost, is unknown there: validation tells."""
        sent: list[dict[str, Any]] = [
            {"part_number": part.number, "size": part.size, "etag": self.journal.sent[part.number]} for part in begun.parts
        ]
        for _ in range(_MOST_EXPIRED):
            asked = self.client.completion(begun.upload_id, sent)
            if asked.status == 404:
                return
            if not asked.good:
                raise RefusedError(self.client.why(asked, f"complete {self.name}", self.dandiset_id), asked.status)
            url, body = str(asked.json()["complete_url"]), str(asked.json()["body"]).encode()
            answer = self.client.wire.store("POST", url, partial(bytes, body), usable=_is_joined)
            code, said = _store_error(answer)
            if not _is_expired(answer):
                break
        if code in {"InvalidPart", "InvalidPartOrder"}:
            raise _GoneError("the archive's store has lost a part")
        if answer.status != 404 and code != "NoSuchUpload" and (code or not answer.good):
            raise RefusedError(
                f"{self.name}: the store would not join the parts: {answer.status} {code} {self.client.wire.hidden(said)}",
                answer.status,
            )

    def _validated(self, begun: Begun) -> str:
        try:
            answer = self.client.validate_upload(begun.upload_id)
        except UnreachableError:
            blob = self.client.blob_of(self.digest.etag)  # all its answers may have been lost, and none of what it did
            if blob is None:
                raise
            return blob
        if answer.good:
            found = answer.json()
            if found.get("etag", self.digest.etag) != self.digest.etag:
                raise ArchiveError(
                    f"{self.name}: the archive has another digest ({found['etag']}) than the file ({self.digest.etag})"
                )
            return str(found["blob_id"])
        if answer.status in {404, 409}:  # it was validated before, or by somebody else with the same bytes
            blob = self.client.blob_of(self.digest.etag)
            if blob is not None:
                return blob
            raise _GoneError("the archive does not know the upload any more")
        if answer.status == 400:
            raise _GoneError(f"the archive has not the file that was sent ({self.client.wire.hidden(answer.words)})")
        raise RefusedError(self.client.why(answer, f"take {self.name}", self.dandiset_id), answer.status)


class _Slice:
    """A piece of a file that is read while it is sent; it never holds more than one block."""

    def __init__(self, shipment: Shipment, size: int, first: int, ending: threading.Event) -> None:
        self._shipment, self._size, self._left, self._ending = shipment, size, size, ending
        self.given = 0
        try:
            self._file: IO[bytes] = shipment.path.open("rb")
        except OSError as error:
            raise SourceError(f"{shipment.path.name}: {why_closed(error)}") from error
        self._file.seek(first)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(64 * 1024):
            yield piece

    def read(self, size: int = -1, /) -> bytes:
        if self._ending.is_set() or self._shipment.is_stopping:
            raise StoppedByUser
        if not self._left:
            return b""
        try:
            piece = self._file.read(self._left if size < 0 else min(size, self._left))
        except OSError as error:
            raise SourceError(f"{self._shipment.path.name}: {why_closed(error)}") from error
        if not piece:  # the store would wait for ever for what the file does not have any more
            raise FileChangedError(_changed(self._shipment.name))
        self._left -= len(piece)
        self.given += len(piece)
        self._shipment.count(len(piece))
        return piece

    def close(self) -> None:
        self._file.close()


def _changed(name: str) -> str:
    return (
        f"{name}: the file changed while it was sent, and is not published; let the program that writes it end, and run this again"
    )


def _store_error(answer: Answer) -> tuple[str, str]:
    """Code and message of an error of S3, which may stand in an answer that says 200; empty if it is none."""
    try:
        root = fromstring(answer.body.strip()) if answer.body.strip() else None
    except ParseError:
        return "", "" if answer.good else answer.words
    if root is None or not root.tag.endswith("Error"):
        return "", "" if answer.good else answer.words
    return root.findtext("Code") or "", root.findtext("Message") or ""


def _is_expired(answer: Answer) -> bool:
    """Whether the store refuses an address for its age, and not for what was sent."""
    code, said = _store_error(answer)
    return answer.status == 403 and (code == "ExpiredToken" or "expired" in said.lower())


def _is_joined(answer: Answer) -> bool:
    """False of a "good" that holds an inner error or breaks off (AWS, CompleteMultipartUpload: look into a 200)."""
    if not answer.good:
        return True
    code, _ = _store_error(answer)
    return code not in {"InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"} and b"</" in answer.body
