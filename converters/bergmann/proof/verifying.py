"""A file against its own record: whether it holds what it held when it was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import h5py

from bergmann.proof.digests import DAMAGED, UNREADABLE, Digest, digest_file
from bergmann.proof.record import FILE_BESIDE, OF_THE_RECORD, RECORD, TABLE, WHOLE, is_sealed, read_digests, whole_digest

MOST = 200
"""Differences that are told; of a file that is wholly another the rest says nothing new."""


@dataclass(frozen=True)
class Verified:
    """What became of a file's comparison with its own record.

    Attributes
    ----------
    differences : list of (str, str)
        Path and what is different.
    not_there : list of str
        Files beside the NWB file that are not there, so that nothing is said of them.
    objects : int
        How many objects were compared.
    sampled : int
        Of how many of them only a sample is known.
    has_record : bool
        Whether the file has a table of digests at all.
    is_whole : bool
        Whether the bytes of the file are those that were written, also where no object lies.
    """

    differences: list[tuple[str, str]]
    not_there: list[str]
    objects: int
    sampled: int
    has_record: bool
    is_whole: bool = True


def against_record(path: Path) -> Verified:
    """Compare an NWB file with the digests in its conversion record. Never raises for what is in the file."""
    try:
        with h5py.File(path, "r") as file:
            return _compare(path, file)
    except UNREADABLE as error:
        return Verified([("", f"cannot be opened: {error}")], [], 0, 0, has_record=True)


def _compare(path: Path, file: h5py.File) -> Verified:
    try:
        rows = list(read_digests(file))
    except UNREADABLE as error:
        told = f"its table of digests cannot be read: {error}" if TABLE in _names(file) else "it holds no table of digests"
        return Verified([(TABLE, told)], [], 0, 0, has_record=TABLE in _names(file) or RECORD in _names(file))
    differences: list[tuple[str, str]] = []
    if not is_sealed(rows):
        differences.append((TABLE, "rows of this table were changed, added or taken away"))
    expected = {place: digest for place, digest, _ in rows if place != TABLE}
    beside = {place: digest for place, digest in expected.items() if digest.dtype == FILE_BESIDE}
    inside = {place: digest for place, digest in expected.items() if digest.dtype != FILE_BESIDE}
    found = dict(digest_file(file, leave_out=OF_THE_RECORD, sampled={place: one.rows for place, one in inside.items() if one.rows}))
    differences += compare(inside, found)
    not_there = [place for place in beside if not (path.parent / PurePosixPath(place)).is_file()]
    differences += _beside(path.parent, {place: one for place, one in beside.items() if place not in not_there})
    sampled = sum(bool(one.rows) for one in inside.values())
    compared = len(expected) - len(not_there)
    return Verified(differences[:MOST], not_there, compared, sampled, has_record=True, is_whole=_is_whole(path, file))


def _is_whole(path: Path, file: h5py.File) -> bool:
    """Whether the digest of the whole file is what the file says."""
    try:
        stored = file[WHOLE]
        return bool(stored[()] == whole_digest(path, stored.id.get_offset()).encode())
    except (*UNREADABLE, OverflowError):
        return False


def _names(file: h5py.File) -> tuple[str, ...]:
    """Which of the record and its table are there, as far as the file can be read."""
    try:
        return tuple(name for name in (RECORD, TABLE) if name in file)
    except UNREADABLE:
        return (RECORD, TABLE)


def compare(expected: Mapping[str, Digest], found: Mapping[str, Digest]) -> list[tuple[str, str]]:
    """What differs between the digests of a file and those that it should have, as (path, what)."""
    return [*_gone(expected, found), *_more(expected, found), *_others(expected, found)]


def _gone(expected: Mapping[str, Digest], found: Mapping[str, Digest]) -> Iterator[tuple[str, str]]:
    gone = expected.keys() - found.keys()
    for path in sorted(gone):
        if path.rpartition("/")[0] not in gone:
            yield path, f"it is gone; it was {_said(expected[path])}"


def _more(expected: Mapping[str, Digest], found: Mapping[str, Digest]) -> Iterator[tuple[str, str]]:
    more = found.keys() - expected.keys()
    for path in sorted(more):
        if path.rpartition("/")[0] not in more:
            yield path, f"it was not there when the file was written: {_said(found[path])}"


def _others(expected: Mapping[str, Digest], found: Mapping[str, Digest]) -> Iterator[tuple[str, str]]:
    for path in sorted(expected.keys() & found.keys()):
        before, now = expected[path], found[path]
        if now.dtype == DAMAGED:
            yield path, f"it cannot be read: {now.shape}"
        elif (before.dtype, before.shape) != (now.dtype, now.shape):
            yield path, f"it was {_said(before)}, and is {_said(now)}"
        elif before.sha256 != now.sha256:
            what = "it points to something else" if before.dtype.endswith("link") else "its values are others"
            yield path, f"{what} than when it was written ({_said(before)})"
        if now.dtype != DAMAGED and before.attributes != now.attributes:
            yield path, "its attributes are others than when it was written"


def _said(one: Digest) -> str:
    return f"{one.dtype} of {one.shape}" if one.shape else one.dtype


def _beside(folder: Path, files: Mapping[str, Digest]) -> Iterator[tuple[str, str]]:
    for name, digest in files.items():
        path = folder / PurePosixPath(name)
        if str(path.stat().st_size) != digest.shape:
            yield name, f"this file had {digest.shape} bytes, and has {path.stat().st_size}"
        elif sha256_of(path) != digest.sha256:
            yield name, "this file holds other bytes than when it was written"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal, read a block at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
