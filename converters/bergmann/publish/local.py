"""``bergmann publish --local``: a dandiset on disk, laid out as the archive would have it.

It holds ``dandiset.yaml`` with the dandiset's metadata, the assets at their paths, ``assets.jsonld`` with the metadata and digests
of each, ``sha256sums.txt`` (for ``sha256sum --check``) and ``sessions.tsv``. What was placed is written down, file by file, in the
hidden folder ``.bergmann``, so that a run that was killed is taken up where it ended, and a later one touches only what changed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path
from typing import Any, Literal

from bergmann.disk import is_running
from bergmann.errors import SourceError, WriteError
from bergmann.findings import Finding
from bergmann.publish.assets import Asset, Prepared
from bergmann.publish.dandiset_metadata import FILE, stated_in_folder
from bergmann.publish.placed import NOWHERE, Entry, Journal, read_placed
from bergmann.publish.places import write_whole
from bergmann.publish.placing import Digests, How, OnBytes, digest, place, stamp_of
from bergmann.publish.sessions_table import NAME, write_sessions_table
from bergmann.publish.three_ways import compare, load_pushed, save_pushed
from bergmann.publish.validated import note_digest

INSTANCE = "local"
STATE = ".bergmann"
JOURNAL = f"{STATE}/published.jsonl"
ASSETS = "assets.jsonld"
SUMS = "sha256sums.txt"

Fate = Literal["placed", "replaced", "same", "left", "removed"]
OnProgress = Callable[[int, int], None]

_DRAFT = {"identifier": "REQUIRED", "name": "REQUIRED", "description": "REQUIRED"}
"""What dandi wants in the file; the archive gives the identifier, and name and description are a person's to state."""


@dataclass(frozen=True)
class Published:
    """What became of a dandiset on disk.

    Attributes
    ----------
    folder : Path
    fates : mapping of str to {"placed", "replaced", "same", "left", "removed"}
        By asset path. Left: it is there from an earlier run, and no longer in what is published.
    n_bytes : int
        Bytes that were copied; those of links and clones are not among them.
    findings : tuple of Finding
    """

    folder: Path
    fates: Mapping[str, Fate]
    n_bytes: int
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "folder": self.folder.as_posix(),
            "assets": dict(self.fates),
            "bytes_copied": self.n_bytes,
            "findings": [one.as_dict() for one in self.findings],
        }


def check_local(prepared: Prepared, target: Path) -> tuple[Finding, ...]:
    """Check whether a folder can take a dandiset. Nothing is written.

    Parameters
    ----------
    prepared : Prepared
    target : Path

    Returns
    -------
    tuple of Finding
        An error for a folder that is another's, is the published one or inside of it, would lose files, or has no room.
    """
    return tuple(_check(prepared, target))


def _check(prepared: Prepared, target: Path) -> Iterator[Finding]:
    here, source = target.resolve(), prepared.folder.resolve()
    if here == source or source in here.parents or here in source.parents:
        message = f"one of {target} and {prepared.folder.name} lies in the other, so it would publish itself"
        yield _error("local", str(target), message, "name another folder")
        return
    if target.exists() and not target.is_dir():
        yield _error("local", str(target), "it is a file; a folder is expected", "name another folder")
        return
    known = read_placed(target / JOURNAL)
    if not known and not (target / FILE).exists() and _has_files(target):
        message = f"it is not empty, and has no {FILE}, so it is no dandiset"
        yield _error("local", str(target), message, "name a new folder")
        return
    for asset in prepared.assets:
        there = target / asset.asset_path
        if there.is_dir():
            yield _error("local", asset.asset_path, "there is a folder of that name", "move it away")
        elif there.exists() and asset.asset_path not in known and not cmp(there, asset.path, shallow=False):
            message = f"{target.name} has another file of that name, which bergmann did not put there"
            yield _error("conflict", asset.asset_path, message, "move it away, or publish into another folder")
    yield from _check_room(prepared, target)


def _check_room(prepared: Prepared, target: Path) -> Iterator[Finding]:
    """Check that there is room for what has to be copied: everything, on another disk than that of the files."""
    nearest = next(folder for folder in (target.absolute(), *target.absolute().parents) if folder.exists())
    if nearest.stat().st_dev == prepared.folder.stat().st_dev:
        return
    needed = sum(asset.size for asset in prepared.assets if not _is_size(target / asset.asset_path, asset.size))
    free = shutil.disk_usage(nearest).free
    if needed > free:
        message = f"{needed:,} bytes are to be copied, and {free:,} are free there"
        yield _error("free space", str(target), message, "make room there, or name a folder on another disk")


def _has_files(folder: Path) -> bool:
    """Whether anything is in a folder but hidden files, as a run leaves that is killed at its beginning."""
    return folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir())


def _is_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _error(check: str, location: str, message: str, remedy: str) -> Finding:
    return Finding(severity="error", check=check, location=location, message=message, remedy=remedy)


def publish_local(
    prepared: Prepared,
    target: Path,
    *,
    delete: bool = False,
    overwrite_metadata: bool = False,
    on_progress: OnProgress | None = None,
) -> Published:
    """Bring a folder on disk to what is published.

    Each file appears under its name whole or not at all. What has not changed since the last run is not touched.

    Parameters
    ----------
    prepared : Prepared
        Without errors.
    target : Path
        Folder of the dandiset; made if it is not there.
    delete : bool
        Whether files that an earlier run placed, and that are no longer published, are removed.
    overwrite_metadata : bool
        Whether what a person edited in the ``dandiset.yaml`` there is replaced by what is stated.
    on_progress : callable (bytes done, bytes in all), optional

    Returns
    -------
    Published

    Raises
    ------
    WriteError
        If there are errors among the findings, the folder cannot take the dandiset, or a copy is not what its source is.
    SourceError
        If a file changed since it was looked at.
    """
    wrong = [one for one in (*prepared.findings, *check_local(prepared, target)) if one.severity == "error"]
    if wrong:
        raise WriteError("\n".join(one.text for one in wrong))
    target.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(target)
    known = read_placed(target / JOURNAL)
    described = _describe(prepared, target, overwrite=overwrite_metadata)
    fates: dict[str, Fate] = {}
    copied = 0
    counter = _Counter(2 * prepared.size, on_progress)
    with Journal(target / JOURNAL) as journal:
        for asset in prepared.assets:
            with _said_in_words(asset.asset_path):
                fate, entry, n_bytes = _bring(asset, target, known.get(asset.asset_path), journal, counter.add)
            known[asset.asset_path] = entry
            note_digest(asset.path, entry.source, entry.sha256)
            fates[asset.asset_path], copied = fate, copied + n_bytes
    fates |= _remove_older(target, known, {asset.asset_path for asset in prepared.assets}, delete=delete)
    _write_lists(prepared, target, known)
    counter.finish()
    return Published(target, fates, copied, described)


@contextmanager
def _said_in_words(asset_path: str) -> Iterator[None]:
    """Say in words why a file cannot be written; what is in its place stays, and the next run goes on there."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WriteError(
            f"{asset_path}: cannot be written: {reason}; what is placed stays, and the next run goes on from it"
        ) from error


def _bring(asset: Asset, target: Path, known: Entry | None, journal: Journal, on_bytes: OnBytes) -> tuple[Fate, Entry, int]:
    """Have one asset in its place, and say what was done, how it is now, and how many bytes were copied."""
    there = target / asset.asset_path
    if asset.has_changed:
        raise SourceError(f"{asset.asset_path}: it changed since it was looked at; run this again when whatever writes it is done")
    source = stamp_of(asset.path)
    if known is not None and there.is_file() and (known.source, known.target) == (source, stamp_of(there)):
        on_bytes(2 * asset.size)
        return "same", known, 0
    digests = digest(asset.path, on_bytes)
    if stamp_of(asset.path) != source:
        raise SourceError(f"{asset.asset_path}: it changed while it was read; run this again when whatever writes it is done")
    fate: Fate = "placed" if not there.exists() else "replaced"
    how: How = "link"
    if there.is_file() and _holds(there, asset, digests):
        fate = "same" if known is None or known.sha256 == digests.sha256 else "replaced"
    else:
        journal.add(Entry(asset.asset_path, source, NOWHERE, digests.sha256, digests.etag))  # that it is ours, should this end here
        there.parent.mkdir(parents=True, exist_ok=True)
        how = place(asset.path, there, digests, on_bytes)
    if how != "copy":
        on_bytes(asset.size)
    entry = Entry(asset.asset_path, source, stamp_of(there), digests.sha256, digests.etag)
    journal.add(entry)
    return fate, entry, asset.size if how == "copy" else 0


def _holds(there: Path, asset: Asset, digests: Digests) -> bool:
    return there.stat().st_size == asset.size and (there.samefile(asset.path) or digest(there) == digests)


class _Counter:
    """Bytes done of all: each file is read once, and once more where it is copied."""

    def __init__(self, total: int, on_progress: OnProgress | None) -> None:
        self._total, self._tell, self._done = total, on_progress, 0

    def add(self, n_bytes: int) -> None:
        self._done = min(self._done + n_bytes, self._total)
        if self._tell is not None:
            self._tell(self._done, self._total)

    def finish(self) -> None:
        self.add(self._total)


# --- files of earlier runs --------------------------------------------------------------------------------------------


def _clear_leftovers(target: Path) -> None:
    """Remove what a run that was killed left: files that never got their name."""
    for path in target.rglob(".*.part"):
        process = path.name.removesuffix(".part").rpartition(".")[2]
        if process.isdigit() and (int(process) == os.getpid() or not is_running(int(process))):
            path.unlink(missing_ok=True)


def _remove_older(target: Path, known: dict[str, Entry], published: set[str], *, delete: bool) -> dict[str, Fate]:
    """What earlier runs placed and is no longer published: removed if that was asked for and it is as it was placed."""
    fates: dict[str, Fate] = {}
    for path in sorted(known.keys() - published):
        there = target / path
        if not there.is_file():
            _forget(target, known, path)
        elif delete and stamp_of(there) == known[path].target:
            there.unlink()
            _remove_empty(there.parent, target)
            _forget(target, known, path)
            fates[path] = "removed"
        else:
            fates[path] = "left"
    return fates


def _forget(target: Path, known: dict[str, Entry], path: str) -> None:
    del known[path]
    with Journal(target / JOURNAL) as journal:
        journal.add(Entry(path, NOWHERE, NOWHERE, "", ""))


def _remove_empty(folder: Path, target: Path) -> None:
    while folder != target and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


# --- what is beside the assets ----------------------------------------------------------------------------------------


def _describe(prepared: Prepared, target: Path, *, overwrite: bool) -> tuple[Finding, ...]:
    """Write ``dandiset.yaml``: what is stated, over what is there; what a person edited there stays, and is named."""
    import yaml

    path = target / FILE
    try:
        there = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (ValueError, yaml.YAMLError) as failure:
        raise WriteError(
            f"{FILE} in {target.name} cannot be read ({str(failure).splitlines()[0]}); mend it, or remove it"
        ) from failure
    before = there if isinstance(there, dict) else {}
    own = stated_in_folder(target).document or {}
    rest = {key: value for key, value in before.items() if key not in own and value != "REQUIRED"}
    comparison = compare(prepared.dandiset or {}, {**rest, **own}, load_pushed(target / STATE, INSTANCE, ""))
    document = {**_DRAFT, **_identifier(prepared.folder), **comparison.laid_over(overwrite=overwrite)}
    text = "# Written by bergmann publish, from what is stated in `dandiset:`.\n" + yaml.safe_dump(
        document, sort_keys=False, allow_unicode=True, width=100
    )
    if document != before:
        write_whole(path, text)
    if prepared.dandiset is not None:
        save_pushed(target / STATE, INSTANCE, "", comparison.remembered(overwrite=overwrite))
    return tuple(comparison.findings(overwrite=overwrite))


def _identifier(folder: Path) -> dict[str, str]:
    """The identifier that the archive gave, if the published folder states one."""
    import yaml

    try:
        read = yaml.safe_load((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):  # an unreadable one is among the findings
        return {}
    stated = read.get("identifier") if isinstance(read, dict) else None
    return {"identifier": str(stated)} if stated else {}


def _write_lists(prepared: Prepared, target: Path, known: Mapping[str, Entry]) -> None:
    """Write the lists of what is there: metadata with digests, sums, and the table of sessions."""
    listed = [{**asset.metadata, "digest": _digest(known[asset.asset_path])} for asset in prepared.assets]
    if _digests_listed(target / ASSETS) != {one["path"]: one["digest"] for one in listed}:
        write_whole(target / ASSETS, json.dumps(listed, indent=1, ensure_ascii=False) + "\n")
    _write_if_new(target / SUMS, "".join(f"{known[path].sha256}  {path}\n" for path in sorted(known)))
    write_sessions_table(((asset.asset_path, asset.path) for asset in prepared.nwb_assets()), target / NAME)


def _digests_listed(path: Path) -> dict[str, Any] | None:
    """The digests in a list of assets, by path; None if there is none, or it is damaged."""
    try:
        return {one["path"]: one["digest"] for one in json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(entry: Entry) -> dict[str, str]:
    return {"dandi:dandi-etag": entry.etag, "dandi:sha2-256": entry.sha256}


def _write_if_new(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text)
