"""A folder's files into a dandiset, each once: many at a time, and one that fails does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any, Literal

from bergmann.errors import ArchiveError, BergmannError
from bergmann.publish.client import Client, RemoteAsset
from bergmann.publish.comparing import Compared, digest_for, same_metadata
from bergmann.publish.digests import Digest, FileChangedError
from bergmann.publish.instances import Instance
from bergmann.publish.journal import Journal, open_journal, remove_old
from bergmann.publish.places import state_folder
from bergmann.publish.progress import Counter, unwatched
from bergmann.publish.transfer import Shipment
from bergmann.publish.wire import RefusedError, StoppedByUser, UnreachableError

Result = Literal["uploaded", "replaced", "metadata", "unchanged", "removed", "conflict", "changed", "failed", "stopped"]
GOOD: frozenset[Result] = frozenset({"uploaded", "replaced", "metadata", "unchanged", "removed"})
"""Results after which the archive has what is here."""

DIGESTING = 2
"""Files that are digested at once, while others are sent."""

_MOST_PLACED = 4


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes
    ----------
    asset_path : str
    result : str
        ``"uploaded"`` (new), ``"replaced"``, ``"metadata"`` (only what is said of it), ``"unchanged"``, ``"removed"``;
        ``"conflict"`` (somebody else put another file there), ``"changed"`` (while it was sent), ``"failed"``, ``"stopped"``.
    size : int
        In bytes.
    sent, resumed : int
        Bytes that this run sent for it, and that an earlier run had sent.
    etag, sha256 : str
        Digests of the file here; empty where they were not made.
    asset_id : str
        The archive's name of it; empty where it has none.
    message : str
        What went wrong, and what to do.
    seconds : float
        From its digest to its asset.
    """

    asset_path: str
    result: Result
    size: int
    sent: int = 0
    resumed: int = 0
    etag: str = ""
    sha256: str = ""
    asset_id: str = ""
    message: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether the archive has what is here."""
        return self.result in GOOD


class ConflictError(ArchiveError):
    """At a path the archive has something that somebody else put there."""


@dataclass
class Upload:
    """One run.

    Parameters
    ----------
    client : Client
    dandiset_id : str
    place : Path
        The state folder, for journals.
    jobs : int
        Files, and parts, that are sent at once.
    counter : Counter
    say : callable
        Told in words what a person should know meanwhile.

    Attributes
    ----------
    abandoned : set of str
        Uploads of ours that will never be finished.
    doubtful : set of str
        Digests of files, all sent, for which the archive may have opened an upload whose answer never came.
    """

    client: Client
    dandiset_id: str
    place: Path = field(default_factory=state_folder)
    jobs: int = 4
    counter: Counter = field(default_factory=lambda: Counter(0))
    say: Callable[[str], None] = unwatched
    abandoned: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    _blobs: dict[str, Future[str]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _complained: bool = False
    _given_up: list[Journal] = field(default_factory=list)
    _digesting: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(DIGESTING))
    _parts: ThreadPoolExecutor = field(init=False)

    def run(self, rows: Sequence[Compared]) -> tuple[Outcome, ...]:
        """Publish rows, and give an outcome of each, in their order; what is only there is left alone.

        Ctrl-C ends it: parts on their way are dropped, what was sent is noted, and the outcomes say ``"stopped"``.
        """
        remove_old(self.place)
        mine = [row for row in rows if row.asset is not None]
        with ThreadPoolExecutor(self.jobs, "part") as parts, ThreadPoolExecutor(self.jobs, "file") as files:
            self._parts = parts
            jobs = [files.submit(self._publish, row) for row in mine]
            try:
                while wait(jobs, timeout=0.2).not_done:  # short, so that Ctrl-C is heard on Windows, too
                    continue
            except KeyboardInterrupt:
                self.client.wire.stopping.set()
                self.say("stopping; an answer that is waited for may take a moment")
        return tuple(job.result() for job in jobs)

    # --- one file -----------------------------------------------------------------------------------------------------

    def _publish(self, row: Compared) -> Outcome:
        """One file, and what became of it; nothing that is wrong with one file escapes."""
        began = time.monotonic()
        outcome = Outcome(row.asset_path, "failed", row.size)
        try:
            done = self._published(row, outcome)
        except StoppedByUser:
            done = replace(
                outcome, result="stopped", message="stopped; what was sent is noted, and the next run goes on from there"
            )
        except FileChangedError as error:
            done = replace(outcome, result="changed", message=str(error))
        except ConflictError as error:
            done = replace(outcome, result="conflict", message=str(error))
        except BergmannError as error:
            done = replace(outcome, message=self.client.wire.hidden(str(error)))
        except (KeyError, TypeError, ValueError) as error:
            said = f"{type(error).__name__} {self.client.wire.hidden(str(error))}"
            message = (
                f"{row.asset_path}: the archive gave an answer of another shape than expected ({said}); is it a newer version?"
            )
            done = replace(outcome, message=message)
        return replace(done, seconds=round(time.monotonic() - began, 3))

    def _published(self, row: Compared, outcome: Outcome) -> Outcome:
        if self.client.wire.stopping.is_set():
            raise StoppedByUser
        if row.standing == "same" and row.remote is not None and row.digest is not None:
            self.counter.have(row.size)
            return replace(
                outcome, result="unchanged", etag=row.digest.etag, sha256=row.digest.sha256, asset_id=row.remote.asset_id
            )
        with self._digesting:
            digest = digest_for(row)
        blob, shipment = self._blob(row, digest)
        asset = self._placed(row, blob, digest)
        result: Result = "metadata" if row.standing == "metadata" else "uploaded" if row.remote is None else "replaced"
        return replace(
            outcome,
            result=result,
            etag=digest.etag,
            sha256=digest.sha256,
            asset_id=asset.asset_id,
            sent=shipment.sent if shipment else 0,
            resumed=shipment.resumed if shipment else 0,
        )

    def _blob(self, row: Compared, digest: Digest) -> tuple[str, Shipment | None]:
        """The id of the blob with a file's bytes; of two identical files one is sent, and the other waits for it."""
        if row.standing == "metadata" and row.remote is not None and row.remote.blob:
            self.counter.have(row.size)
            return row.remote.blob, None
        with self._lock:
            under_way = self._blobs.get(digest.etag)
            mine: Future[str] = Future()
            if under_way is None:
                self._blobs[digest.etag] = mine
        if under_way is not None:
            try:
                blob = under_way.result()
            except BergmannError as error:
                raise ArchiveError(f"{row.asset_path}: an identical file could not be sent") from error
            self.counter.have(row.size)
            return blob, None
        shipment: Shipment | None = None
        try:
            shipment = self._deliver(row, digest, mine)
        except BaseException as error:
            mine.set_exception(error)
            raise
        return mine.result(), shipment

    def _deliver(self, row: Compared, digest: Digest, blob: Future[str]) -> Shipment:
        if row.asset is None:
            raise ArchiveError(f"{row.asset_path}: there is no such file here")
        key = {"instance": self.client.instance.api, "dandiset": self.dandiset_id, "etag": digest.etag}
        with open_journal(self.place, key, self._complain) as journal:
            shipment = Shipment(
                row.asset.path, row.asset_path, digest, self.dandiset_id, self.client, journal, self.counter, self._parts, self.say
            )
            try:
                blob.set_result(shipment.deliver())
                if journal.is_doubtful:
                    with self._lock:
                        self.doubtful.add(digest.etag)
            finally:
                with self._lock:
                    self.abandoned.update(journal.abandoned)
                    self._given_up += [journal] if journal.abandoned and journal.begun is None else []
        return shipment

    def _placed(self, row: Compared, blob: str, digest: Digest) -> RemoteAsset:
        """The asset of a blob at its path, made or replaced in place, also where the archive did it and its answer was lost."""
        metadata = _with_digest(row, digest)
        remote = row.remote
        for _ in range(_MOST_PLACED):
            try:
                answer = self.client.put_asset(self.dandiset_id, remote.asset_id if remote else None, blob, metadata)
            except UnreachableError:  # all its answers may have been lost, and none of what it did
                made = self.client.asset_at(self.dandiset_id, row.asset_path)
                if made is None or made.etag != digest.etag or not same_metadata(metadata, made.metadata):
                    raise
                return made
            if answer.good:
                return RemoteAsset(str(answer.json()["asset_id"]), row.asset_path, digest.size, blob)
            why = self.client.why(answer, f"take {row.asset_path}", self.dandiset_id)
            if answer.status not in {404, 409}:
                raise RefusedError(why, answer.status)
            found = self.client.asset_at(self.dandiset_id, row.asset_path)
            if found is None:
                if answer.status == 404 and remote is not None:  # it was removed meanwhile
                    remote = None
                    continue
                raise ConflictError(why)
            if found.etag != digest.etag:
                raise ConflictError(
                    f"{row.asset_path}: somebody put another file there meanwhile (digest {found.etag}, here {digest.etag}); "
                    "look at it with `bergmann status`, and publish again if yours is right"
                )
            if same_metadata(metadata, found.metadata):
                return found
            remote = found
        raise ArchiveError(f"{row.asset_path}: it changes in the archive all the time; is it published from elsewhere, too?")

    def _complain(self, message: str) -> None:
        """Say once that the journal cannot be written."""
        with self._lock:
            if self._complained:
                return
            self._complained = True
        self.say(message)

    # --- afterwards ---------------------------------------------------------------------------------------------------

    def remove_others(self, rows: Sequence[Compared]) -> tuple[Outcome, ...]:
        """Take out of the draft what is only there, because a person asked for it."""
        outcomes = []
        for row in rows:
            if row.standing == "only there" and row.remote is not None:
                try:
                    self.client.remove_asset(self.dandiset_id, row.remote.asset_id)
                    outcomes.append(Outcome(row.asset_path, "removed", row.size))
                except ArchiveError as error:
                    outcomes.append(Outcome(row.asset_path, "failed", row.size, message=str(error)))
        return tuple(outcomes)

    def remove_abandoned(self) -> None:
        """Remove uploads of ours that were begun and will never be finished, if no others are under way.

        The archive can only remove all uploads of a dandiset, so that one of somebody else's keeps ours, too. Ours are those that
        the journals name, and those for bytes that we have just sent and for which an answer of ours was lost.
        """
        if not (self.abandoned or self.doubtful) or self.client.wire.stopping.is_set():
            return
        try:
            found = self.client.open_uploads(self.dandiset_id)
            there = {upload_id for upload_id, _ in found}
            mine = {upload_id for upload_id, etag in found if upload_id in self.abandoned or etag in self.doubtful}
            if mine and there != mine:
                self.say(
                    f"{len(mine)} unfinished upload(s) of yours stay in the archive: it can only remove all of a dandiset, and "
                    f"{len(there - mine)} of others or of other runs are under way"
                )
                return
            if mine:
                self.client.remove_open_uploads(self.dandiset_id)
            for journal in self._given_up:
                journal.forget()
        except ArchiveError as error:
            self.say(f"unfinished uploads of yours could not be removed: {error}")


def _with_digest(row: Compared, digest: Digest) -> dict[str, Any]:
    stated = row.asset.metadata if row.asset else {}
    digests = {"dandi:dandi-etag": digest.etag, "dandi:sha2-256": digest.sha256}
    return {**stated, "schemaKey": "Asset", "path": row.asset_path, "contentSize": digest.size, "digest": digests}


@dataclass(frozen=True)
class Report:
    """What a run did, for people and programs; it holds no token and no signed address.

    Attributes
    ----------
    instance : Instance
    dandiset_id : str
    outcomes : tuple of Outcome
    seconds : float
    on_the_way : int
        Bytes given to the network, also those that had to be sent again.
    notes : tuple of str
        What was said meanwhile.
    """

    instance: Instance
    dandiset_id: str
    outcomes: tuple[Outcome, ...]
    seconds: float
    on_the_way: int
    notes: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the archive has everything that is here."""
        return all(outcome.good for outcome in self.outcomes)

    def as_dict(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return {
            "instance": self.instance.name,
            "api": self.instance.api,
            "dandiset": self.dandiset_id,
            "bytes": sum(outcome.size for outcome in self.outcomes),
            "bytes_sent": self.on_the_way,
            "bytes_resumed": sum(outcome.resumed for outcome in self.outcomes),
            "seconds": round(self.seconds, 3),
            "assets": [vars(outcome) for outcome in self.outcomes],
            "notes": list(self.notes),
        }


def upload(
    rows: Sequence[Compared],
    client: Client,
    dandiset_id: str,
    *,
    place: Path | None = None,
    jobs: int = 4,
    watch: Callable[[Any], None] = unwatched,
    say: Callable[[str], None] = unwatched,
    remove_others: bool = False,
) -> Report:
    """Publish what was compared.

    Parameters
    ----------
    rows : sequence of Compared
    client : Client
    dandiset_id : str
    place : Path
        The state folder; by default the user's.
    jobs : int
        Files, and parts, that are sent at once.
    watch : callable
        Told of the `progress.Standing`.
    say : callable
        Told in words what a person should know meanwhile.
    remove_others : bool
        Whether a person asked that what is only there be removed; not done if any file failed.

    Returns
    -------
    Report
        One outcome for each file, also of those that failed.
    """
    began, notes = time.monotonic(), []

    def note(message: str) -> None:
        notes.append(message)
        say(message)

    counter = Counter(sum(row.size for row in rows if row.asset), watch)
    run = Upload(client, dandiset_id, place or state_folder(), jobs, counter, note)
    outcomes = run.run(rows)
    if remove_others and all(outcome.good for outcome in outcomes):
        outcomes = (*outcomes, *run.remove_others(rows))
    run.remove_abandoned()
    return Report(client.instance, dandiset_id, outcomes, time.monotonic() - began, counter.on_the_way, tuple(notes))
