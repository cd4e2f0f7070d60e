"""The digests of a file in the file itself: the table ``digests`` of its conversion record, through plain h5py."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import h5py
import numpy as np

from bergmann.proof.digests import Digest, Rows

RECORD = "general/bergmann_conversion"
TABLE = f"{RECORD}/digests"
WHOLE = f"{RECORD}/file_sha256"
OF_THE_RECORD = (TABLE, WHOLE)
"""What holds the digests, and so has none itself."""

FILE_BESIDE = "file"
"""What a row says as type of a file beside the NWB file: a video."""

_COLUMNS = {
    "path": "Path of the object; empty for the file itself.",
    "dtype": "Type of the elements, little-endian.",
    "shape": "Shape; of a file beside this one its size in bytes.",
    "sha256": "SHA-256 of the values; of this table that of its other rows.",
    "attributes": "SHA-256 of the attributes.",
    "source": "Source that the values are from.",
}


def write_digests(file: Any, digests: Mapping[str, Digest], sources: Mapping[str, str]) -> None:
    """Add the table of digests to the conversion record of an open file.

    Parameters
    ----------
    file : h5py.File
        Open for writing; with a conversion record and without digests.
    digests : mapping of str to Digest
        By path.
    sources : mapping of str to str
        The source of each path that has one.
    """
    rows = [(path, one, sources.get(path, "")) for path, one in digests.items()]
    rows.append((TABLE, Digest("group", "", _of_rows(rows), ""), ""))
    columns: dict[str, list[str]] = {
        "path": [path for path, _, _ in rows],
        **{name: [getattr(one, name) for _, one, _ in rows] for name in ("dtype", "shape", "sha256", "attributes")},
        "source": [source for _, _, source in rows],
    }
    said = dict(_COLUMNS)
    if any(one.rows for _, one, _ in rows):
        columns["rows"] = [_as_text(one.rows) for _, one, _ in rows]
        said["rows"] = "Elements of the first axis that the digest is of; empty for all."
    namespace = file[RECORD].attrs["namespace"]
    table = file.create_group(TABLE)
    _describe(table, namespace, "DigestsTable", "What every object of this file held when it was written.")
    table.attrs.create("colnames", list(columns), dtype=h5py.string_dtype())
    for name, texts in columns.items():
        column = table.create_dataset(name, data=texts, dtype=h5py.string_dtype())
        _describe(column, "hdmf-common", "VectorData", said[name])
    file.create_dataset(WHOLE, data=b"0" * 64, dtype=h5py.string_dtype("utf-8", 64))
    ids = table.create_dataset("id", data=np.arange(len(rows)))
    _describe(ids, "hdmf-common", "ElementIdentifiers", "")


def _describe(item: Any, namespace: str, kind: str, description: str) -> None:
    item.attrs["namespace"] = namespace
    item.attrs["neurodata_type"] = kind
    item.attrs["object_id"] = str(uuid4())
    if description:
        item.attrs["description"] = description


def seal(path: Path) -> None:
    """Put the digest of the whole file into a file that has its table of digests, and that nobody has open."""
    with h5py.File(path, "r") as file:
        place = file[WHOLE].id.get_offset()
    digest = whole_digest(path, place)
    with path.open("r+b") as stored:
        stored.seek(place)
        stored.write(digest.encode())


def whole_digest(path: Path, place: int) -> str:
    """SHA-256 of the bytes of a file, with zeros (as text) in the place of the digest itself."""
    digest = hashlib.sha256()
    with path.open("rb") as stored:
        left = place
        while left and (block := stored.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
        digest.update(b"0" * len(stored.read(64)))
        while block := stored.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_digests(file: Any) -> Iterator[tuple[str, Digest, str]]:
    """What the record of an open file says, as (path, digest, source).

    Raises
    ------
    KeyError
        If there is no table of digests, or a column of it is missing.
    """
    table = file[TABLE]
    names = ("path", "dtype", "shape", "sha256", "attributes", "source")
    columns = [table[name].asstr()[:].tolist() for name in names]
    rows = table["rows"].asstr()[:].tolist() if "rows" in table else [""] * len(columns[0])
    for path, dtype, shape, sha256, attributes, source, some in zip(*columns, rows, strict=True):
        yield path, Digest(dtype, shape, sha256, attributes, _as_rows(some)), source


def is_sealed(rows: Iterable[tuple[str, Digest, str]]) -> bool:
    """Whether the digest of the table's rows is that of its other rows."""
    others: list[tuple[str, Digest, str]] = []
    seals: list[tuple[str, Digest, str]] = []
    for row in rows:
        (seals if row[0] == TABLE else others).append(row)
    return len(seals) == 1 and seals[0][1].sha256 == _of_rows(others)


def _of_rows(rows: Iterable[tuple[str, Digest, str]]) -> str:
    digest = hashlib.sha256()
    for path, one, source in rows:
        for part in (path, one.dtype, one.shape, one.sha256, one.attributes, source, _as_text(one.rows)):
            digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def _as_text(rows: Rows) -> str:
    return " ".join(f"{start}:{stop}" for start, stop in rows)


def _as_rows(text: str) -> Rows:
    parts = (part.partition(":") for part in text.split())
    return tuple((int(start), int(stop)) for start, _, stop in parts)
