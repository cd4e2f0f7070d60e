"""What a change leaves in the conversion record: the statements as they are now, a row for each change, and new digests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import h5py
import numpy as np

from bergmann.errors import SourceError
from bergmann.patch.said import STATEMENTS, Statement
from bergmann.patch.tree import put_column
from bergmann.proof.record import RECORD

PATCHES = f"{RECORD}/patches"

COLUMNS = {
    "when": "Date and time of the change, UTC.",
    "key": "Dotted path of the value in the session.",
    "old": "What was stated; empty where nothing was.",
    "new": "What is stated now; empty where nothing is.",
    "because": "Why, in the words of the person who changed it.",
    "software": "Name and version of the software that changed it.",
}

NAMESPACE = "ndx-bergmann"


@dataclass(frozen=True)
class Change:
    """One stated value that is another now.

    Attributes
    ----------
    key : str
    old, new : str
        Empty where nothing is stated.
    """

    key: str
    old: str
    new: str


def changes_between(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Change, ...]:
    """What differs between two sets of stated texts."""
    keys = dict.fromkeys((*new, *old))
    return tuple(Change(key, old.get(key, ""), new.get(key, "")) for key in keys if old.get(key) != new.get(key))


def put_statements(
    file: Any, statements: Sequence[Statement], texts: Mapping[str, str], changed: Iterable[str], edited: Collection[str] = ()
) -> None:
    """Write the statements as they are now; those that were changed say that a patch did it.

    Parameters
    ----------
    file : h5py.File
        In which all else is changed already.
    statements : sequence of Statement
        Those before.
    texts : mapping of str to str
        What is stated now, by key.
    changed : iterable of str
        Keys of what the patch is about.
    edited : collection of str
        Paths of the objects that hold other values than before: what is said to be derived there is what stands there now.
    """
    before: dict[str, list[Statement]] = {}
    derived: dict[str, list[Statement]] = {}
    for one in statements:
        (before if one.is_of_person else derived).setdefault(one.key, []).append(one)
    is_changed, rows = set(changed), []
    for key, text in texts.items():
        if key in is_changed:
            kind = "unknown" if text == "unknown" else "stated"
            paths = [one.path for one in before.get(key, derived.get(key, ()))] or [""]
            rows += [Statement(key, text, "bergmann patch", kind, path) for path in paths]
        else:
            rows += before[key]
    others = [one for one in statements if not one.is_of_person and one.key not in is_changed]
    rows += [_as_it_is_now(file, one) if _object_of(one.path) in edited else one for one in others]
    for name in ("key", "value", "origin", "kind", "path"):
        if f"{STATEMENTS}/{name}" in file:
            put_column(file, f"{STATEMENTS}/{name}", [getattr(one, name) for one in rows])
    put_column(file, f"{STATEMENTS}/id", list(range(len(rows))))


def _object_of(path: str) -> str:
    """The path of the object in ``general/subject/age``, ``acquisition/x@comments`` or ``events/drugs/dose[0]``."""
    return path.partition("@")[0].partition("[")[0]


def _as_it_is_now(file: Any, row: Statement) -> Statement:
    """A row with the value that stands at its place now."""
    one = file.get(_object_of(row.path))
    if one is None:
        return row
    if "@" in row.path:
        value = one.attrs.get(row.path.partition("@")[2].partition("[")[0])
    else:
        stored: Any = one.asstr()[()] if h5py.check_string_dtype(one.dtype) is not None else one[()]
        index = row.path.partition("[")[2].removesuffix("]")
        value = stored[int(index)] if index.isdigit() and np.ndim(stored) else stored
    if isinstance(value, np.ndarray) or value is None:
        return row
    return replace(row, value=(value.decode() if isinstance(value, bytes) else str(value))[:LONGEST])


LONGEST = 80
"""Of a value that nobody stated, as the conversion writes it."""


def add_patches(file: Any, changes: Sequence[Change], *, when: str, because: str, software: str) -> None:
    """Add a row for each change; the table is made where it is the first."""
    if PATCHES not in file:
        _make_table(file)
    table = file[PATCHES]
    rows = [
        {"when": when, "key": one.key, "old": one.old, "new": one.new, "because": because, "software": software} for one in changes
    ]
    for name in COLUMNS:
        put_column(file, f"{PATCHES}/{name}", [*table[name].asstr()[:].tolist(), *(row[name] for row in rows)])
    put_column(file, f"{PATCHES}/id", list(range(len(table["when"]))))


def _make_table(file: Any) -> None:
    table = file.create_group(PATCHES)
    _describe(table, NAMESPACE, "PatchesTable", "What was changed in this file after it was converted.")
    table.attrs.create("colnames", list(COLUMNS), dtype=h5py.string_dtype())
    for name, description in COLUMNS.items():
        column = table.create_dataset(name, shape=(0,), maxshape=(None,), dtype=h5py.string_dtype())
        _describe(column, "hdmf-common", "VectorData", description)
    _describe(table.create_dataset("id", shape=(0,), maxshape=(None,), dtype=np.int64), "hdmf-common", "ElementIdentifiers", "")


def _describe(item: Any, namespace: str, kind: str, description: str) -> None:
    item.attrs["namespace"] = namespace
    item.attrs["neurodata_type"] = kind
    item.attrs["object_id"] = str(uuid4())
    if description:
        item.attrs["description"] = description


def put_specification(file: Any, new: Any) -> None:
    """Give a file the specification of the record that it now holds; types were only added to it since.

    Raises
    ------
    SourceError
        If the file was written with another version of it.
    """
    (version,) = new[f"specifications/{NAMESPACE}"]
    place = f"specifications/{NAMESPACE}/{version}"
    if place not in file:
        there = ", ".join(file.get(f"specifications/{NAMESPACE}", ())) or "none"
        raise SourceError(
            f"/{place}: the file was written with another version of {NAMESPACE} ({there}); convert again: "
            "bergmann convert --overwrite"
        )
    for name in new[place]:
        if file[place][name][()] != new[place][name][()]:
            del file[place][name]
            new.copy(f"{place}/{name}", file[place], name=name)


def append_date(file: Any, when: str) -> None:
    """Add a date to those of the file's changes, as NWB asks for."""
    dates = [one.decode() if isinstance(one, bytes) else str(one) for one in np.atleast_1d(file["file_create_date"][()])]
    put_column(file, "file_create_date", [*dates, when])
