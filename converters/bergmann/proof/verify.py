"""`bergmann verify`: a file against its own record, and against its sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bergmann.errors import SourceError, WriteError
from bergmann.findings import Finding
from bergmann.proof.own_process import CrashedError, Worker
from bergmann.proof.proving import Comparison, Mode, Prover

CHECK = "verify"


def verify_file(path: Path, *, limit: float | None = None) -> tuple[Finding, ...]:
    """Compare an NWB file with the digests in its own conversion record, anywhere and without anything else.

    Parameters
    ----------
    path : Path
    limit : float, optional
        Seconds that this may take; measured by the file's size if left out.

    Returns
    -------
    tuple of Finding
        An error for each object that is not what it was when the file was written; a warning for each file beside it that is not
        there; a note of what was compared. Whatever is in the file: it is opened in a process of its own.

    Raises
    ------
    SourceError
        If there is no such file.
    """
    if path.is_dir():
        raise SourceError(f"{path}: this is a folder; name the NWB files in it")
    if not path.is_file():
        raise SourceError(f"{path}: there is no such file")
    worker = Worker("verify")
    try:
        worker.order({"file": str(path.absolute())}, [path], limit)
        found = worker.answer()
    except CrashedError as error:
        return (_error(path.name, f"it cannot be read: the process that opened it {_how(error)}"),)
    finally:
        worker.stop()
    return tuple(_findings(path, found))


def _how(error: CrashedError) -> str:
    return str(error).replace("it did", "did", 1) if str(error).startswith("it did") else f"ended: {error}"


def _findings(path: Path, found: dict[str, object]) -> Iterator[Finding]:
    differences, not_there = found["differences"], found["not_there"]
    if isinstance(differences, list) and isinstance(not_there, list):
        for place, message in differences:
            yield _error(f"{path.name}/{place}" if place else path.name, str(message))
        for name in not_there:
            yield Finding(
                severity="warning",
                check=CHECK,
                location=f"{path.name}/{name}",
                message="this file beside it is not there, so that nothing is said of it",
                remedy="put it where the NWB file says, if it is to be verified",
            )
        if not differences and not found["is_whole"]:
            yield Finding(
                severity="warning",
                check=CHECK,
                location=path.name,
                message="its bytes are not those that were written, although all values, texts and attributes are the same",
                remedy="was it repacked? If not, bytes between its objects are damaged: take it from where it was published",
            )
        sampled = f"; of {found['sampled']} of them only a sample is recorded" if found["sampled"] else ""
        if not differences:
            message = f"{found['objects']} objects are what they were when the file was written{sampled}"
            yield Finding(severity="note", check=CHECK, location=path.name, message=message)


def _error(location: str, message: str) -> Finding:
    return Finding(
        severity="error", check=CHECK, location=location, message=message, remedy="take the file from where it was published"
    )


def verify_with_sources(path: Path, folder: Path, *, mode: Mode = "full") -> tuple[Finding, ...]:
    """Repeat the whole comparison of a file with its sources.

    Parameters
    ----------
    path : Path
        The NWB file.
    folder : Path
        Where the session file and the sources are, as they lay when they were converted; the session file itself, or a folder
        above it.
    mode : {"full", "sample"}

    Returns
    -------
    tuple of Finding
        As `verify_file`, and an error for each value that is not what its source says, or source that is not what it was.

    Raises
    ------
    SourceError
        If there is no such file, or no session file of it in the folder.
    """
    findings = list(verify_file(path))
    if any("cannot be opened" in one.message or "cannot be read: the process" in one.message for one in findings):
        return tuple(findings)
    session = _session_of(path, folder)
    with Prover(session, mode) as prover:
        try:
            comparison = prover.compare(path)
        except WriteError as error:
            return (*findings, _error(path.name, str(error)))
    findings += [_error(f"{path.name}/{place}", message) for place, message in comparison.differences]
    findings += _sources(path, session, comparison)
    if not any(one.severity == "error" for one in findings):
        readers = "; ".join(f"{one['source']} by {one['by']}" for one in comparison.readings)
        message = f"all values are what the sources say, read a second time: {readers}"
        findings.append(Finding(severity="note", check=CHECK, location=path.name, message=message))
    return tuple(dict.fromkeys(findings))


def _session_of(path: Path, folder: Path) -> Path:
    """The session file that an NWB file is of.

    Raises
    ------
    SourceError
        If there is none, or several.
    """
    import h5py

    from bergmann.proof.second_reading import is_of_session

    if folder.is_file():
        return folder
    with h5py.File(path, "r") as file:
        try:
            subject, session = (file[key].asstr()[()] for key in ("general/subject/subject_id", "general/session_id"))
        except KeyError as error:
            raise SourceError(f"{path.name}: it does not say its subject and session ({error}); name the session file") from error
    documents = sorted(one for ending in ("*.yaml", "*.yml") for one in folder.rglob(ending))
    found = [one for one in documents if is_of_session(one, subject, session)]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} session files" if found else "no session file"
    raise SourceError(
        f"{folder.name}: {what} of the session {session!r} of {subject!r} in it; name the session file itself: --sources FILE.yaml"
    )


def _sources(path: Path, session: Path, comparison: Comparison) -> Iterator[Finding]:
    """Source files that are not what they were when they were converted."""
    import h5py

    with h5py.File(path, "r") as file:
        table = file.get("general/bergmann_conversion/source_files")
        if table is None:
            return
        rows = list(zip(table["path"].asstr()[:].tolist(), table["sha256"].asstr()[:].tolist(), strict=True))
    known = {file.resolve(): sha256 for file, sha256 in comparison.sources.items()}
    for name, sha256 in dict.fromkeys(rows):
        there = (session.parent / name).resolve()
        if there in known and known[there] != sha256:
            yield _error(name, "this source is not the file that was converted: its SHA-256 is another")
        elif not there.is_file():
            yield _error(name, "this source is not there")
