"""The proof of a conversion: what was written, read by other means than those that wrote it, is what the sources say.

Two processes of their own: one takes the digest of every object of the file through plain h5py, the other reads every source a
second time. Large arrays meet by their digests; what is small is compared element by element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bergmann.errors import WriteError
from bergmann.findings import Finding
from bergmann.foreign import FormatFile
from bergmann.proof.digests import DAMAGED, Digest
from bergmann.proof.own_process import CrashedError, Worker
from bergmann.proof.record import FILE_BESIDE, seal, write_digests

Mode = Literal["full", "sample"]

CHECK = "proof"


class ProofError(WriteError):
    """What was written is not what the sources say; nothing of it stays.

    Attributes
    ----------
    findings : tuple of Finding
        Every difference.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(finding.text for finding in findings))
        self.findings = tuple(findings)


@dataclass(frozen=True)
class Comparison:
    """A file compared with the sources of its session.

    Attributes
    ----------
    digests : mapping of str to Digest
        Of every object of the file.
    readings : tuple of mapping
        ``source``, ``format``, ``by``, ``why_own`` and ``paths`` of each second reading.
    differences : tuple of (str, str)
        Path, and what is different.
    sources : mapping of Path to str
        SHA-256 of each file that was read.
    beside : mapping of str to (int, str)
        Size and SHA-256 of each file beside the NWB file.
    sampled : mapping of str to rows
        Arrays of which not all elements were compared.
    """

    digests: Mapping[str, Digest]
    readings: tuple[Mapping[str, Any], ...]
    differences: tuple[tuple[str, str], ...]
    sources: Mapping[Path, str]
    beside: Mapping[str, tuple[int, str]]
    sampled: Mapping[str, Any]

    @property
    def source_of(self) -> dict[str, str]:
        """The source of each path that was compared."""
        return {path: str(one["source"]) for one in self.readings for path in one["paths"]}


class Prover:
    """Compares files with the sources of a session; a context whose processes are ended with it.

    Parameters
    ----------
    session : Path
        The session file.
    mode : {"full", "sample"}
        Whether all of each large array is compared, or a sample of it.
    formats : iterable of FormatFile
        Those of the lab's own formats that a person has said may run.
    worker : callable (task) -> Worker
        What runs a task: a process of its own.
    """

    def __init__(
        self,
        session: Path,
        mode: Mode = "full",
        formats: Iterable[FormatFile] = (),
        worker: Callable[[str], Any] = Worker,
    ) -> None:
        self._session = session.absolute()
        self._mode = mode
        self._formats = [(str(one.path.absolute()), one.content.decode("utf-8")) for one in formats]
        self._worker = worker
        self._workers = [worker("digests"), worker("second")]

    def __enter__(self) -> Prover:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    def compare(self, file: Path, videos: Path | None = None, sources: Iterable[Path] = ()) -> Comparison:
        """Compare a file with the sources.

        Parameters
        ----------
        file : Path
        videos : Path, optional
            The folder where its videos are, if not where it says.
        sources : iterable of Path
            Files that are read, by whose size the time that this may take is measured.

        Raises
        ------
        WriteError
            If one of the processes crashed, or did not come to an end.
        """
        digesting, reading = self._workers
        is_sample = self._mode == "sample"
        order = {"session": str(self._session), "file": str(file.absolute()), "formats": self._formats, "sample": is_sample}
        order |= {} if videos is None else {"videos": str(videos.absolute())}
        try:
            digesting.order({"file": str(file.absolute()), "sample": is_sample}, [file])
            reading.order(order, [file, *sources])
            second = reading.answer()
            digests = {path: _digest(one) for path, one in digesting.answer()}
            differences = [*map(tuple, second["differences"]), *_unreadable(digests)]
            wrong = [
                path for path, (sha256, _) in second["expected"].items() if path not in digests or digests[path].sha256 != sha256
            ]
            differences += self._locate(order, wrong, second["expected"]) if wrong else []
        except CrashedError as error:
            raise WriteError(
                f"what was written could not be proved, and was not kept: the process that reads it again failed ({error}); run it "
                "again, and see whether the memory suffices"
            ) from error
        return Comparison(
            digests=digests,
            readings=tuple(second["readings"]),
            differences=tuple((path, message) for path, message in differences),
            sources={Path(path): sha256 for path, sha256 in second["sources"].items()},
            beside={name: (int(size), str(sha256)) for name, (size, sha256) in second["beside"].items()},
            sampled=second["sampled"],
        )

    def _locate(self, order: Mapping[str, Any], wrong: list[str], expected: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The first element of each array that is not what it should be."""
        worker = self._worker("second")
        try:
            worker.order({**order, "locate": wrong}, [Path(order["file"])], limit=None)
            found = dict(worker.answer()["differences"])
        finally:
            worker.stop()
        return [(path, found.get(path, f"{expected[path][1]}: the values differ in their bits")) for path in wrong]


def _digest(one: Mapping[str, Any]) -> Digest:
    rows = tuple((int(start), int(stop)) for start, stop in one["rows"])
    return Digest(one["dtype"], one["shape"], one["sha256"], one["attributes"], rows)


def _unreadable(digests: Mapping[str, Digest]) -> list[tuple[str, str]]:
    return [(path, f"it was written, and cannot be read: {one.shape}") for path, one in digests.items() if one.dtype == DAMAGED]


def check(comparison: Comparison, known: Mapping[Path, str]) -> tuple[Finding, ...]:
    """What of a comparison is wrong.

    Parameters
    ----------
    comparison : Comparison
    known : mapping of Path to str
        SHA-256 of source files as they were when they were converted.
    """
    findings = [_difference(path, message) for path, message in comparison.differences]
    for path, sha256 in comparison.sources.items():
        if path in known and known[path] != sha256:
            findings.append(_difference(path.name, "this file has changed while it was converted"))
    return tuple(dict.fromkeys(findings))


def _difference(path: str, message: str) -> Finding:
    return Finding(
        severity="error",
        check=CHECK,
        location=path,
        message=message,
        remedy="the file was not kept: what was written is not what the source says; please report it",
    )


def keep_digests(file: Path, comparison: Comparison) -> None:
    """Write the digests of a file into its conversion record.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    from bergmann.writing.watched import open_watched

    beside = {name: Digest(FILE_BESIDE, str(size), sha256, "") for name, (size, sha256) in comparison.beside.items()}
    with open_watched(file, "r+") as (opened, _):
        write_digests(opened, {**comparison.digests, **beside}, comparison.source_of)
    seal(file)


def say(comparison: Comparison, location: str) -> Finding:
    """What was proved, by what, and what was not read by another reader."""
    others = [f"{one['source']} by {one['by']}" for one in comparison.readings if not _is_own(one)]
    own = [str(one["source"]) for one in comparison.readings if _is_own(one)]
    compared = len({path for one in comparison.readings for path in one["paths"]})
    parts = [f"{compared} arrays and columns are what the sources say, read a second time: {'; '.join(others) or 'none'}"]
    if own:
        parts.append(f"no other reader for {', '.join(own)}, so that its own has read it again in another process")
    if comparison.sampled:
        parts.append(f"of {', '.join(comparison.sampled)} only a sample was compared (16 stretches, 64 MB in all of each)")
    return Finding(severity="note", check=CHECK, location=location, message=". ".join(parts))


def _is_own(reading: Mapping[str, Any]) -> bool:
    return "its own reader" in str(reading["by"])
