"""What differs between two files of the same objects, and how it is carried into a third one.

All through plain h5py: whatever is not named in an edit stays as it is, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import h5py
import numpy as np

from bergmann.errors import SourceError

HERD = "general/external_resources"

_LEFT_OUT = (
    "specifications",
    "file_create_date",
    "identifier",
    "general/was_generated_by",
    "general/bergmann_conversion",
    "timestamps_reference_time",
    "session_start_time",
)
"""What the edited file has of its own."""

_FREE_LENGTH = ("general/keywords", "general/experimenter", "general/related_publications")
"""Lists that may become longer or shorter; of a table a row would be one more drug or procedure."""

_OWN_ATTRIBUTES = frozenset({"object_id", "namespace", "neurodata_type", ".specloc"})

Kind = Literal["change", "add", "remove"]


@dataclass(frozen=True)
class Edit:
    """One thing to do in a file.

    Attributes
    ----------
    path : str
        Of the object, without the first ``/``.
    attribute : str or None
        The attribute that is meant; None for the object itself.
    kind : {"change", "add", "remove"}
    old, new : object
        Values: texts, numbers, lists; None where there is none.
    """

    path: str
    attribute: str | None
    kind: Kind
    old: Any
    new: Any

    @property
    def place(self) -> str:
        """Path and attribute, for a message."""
        return self.path if self.attribute is None else f"{self.path}.{self.attribute}"


def compare(old: Any, new: Any) -> tuple[Edit, ...]:
    """What must be done to make of one file the other, but for identifiers of objects and external references.

    Parameters
    ----------
    old, new : h5py.File

    Raises
    ------
    SourceError
        If objects, rows or references would have to be added or taken away.
    """
    before, after = _paths(old), _paths(new)
    edits: list[Edit] = []
    for path in dict.fromkeys((*before, *after)):
        if path not in after or path not in before:
            holder = old if path in before else new
            if not isinstance(holder[path], h5py.Dataset) or _has_references(holder[path]):
                raise _structure(path)
            values = _plain(holder[path])
            edits.append(Edit(path, None, "remove", values, None) if path in before else Edit(path, None, "add", None, values))
            continue
        edits += _compare_objects(path, old, new)
    return tuple(edits)


def _structure(path: str) -> SourceError:
    return SourceError(
        f"{path}: this change adds or takes away objects or rows of the file, or what points to them, and not only what they say; "
        "mend the session file and convert again: bergmann convert --overwrite"
    )


def _compare_objects(path: str, old: Any, new: Any) -> Iterator[Edit]:
    one, other = old[path], new[path]
    if isinstance(one, h5py.Dataset):
        if _has_references(one) or _has_references(other):
            if _targets(one, old) != _targets(other, new):
                raise _structure(path)
        elif not _same(_plain(one), _plain(other)):
            if one.shape != other.shape and path not in _FREE_LENGTH:
                raise _structure(path)
            yield Edit(path, None, "change", _plain(one), _plain(other))
    for name in dict.fromkeys((*one.attrs, *other.attrs)):
        if name in _OWN_ATTRIBUTES or isinstance(one.attrs.get(name, other.attrs.get(name)), h5py.Reference):
            continue
        before, after = (_text(item.attrs[name]) if name in item.attrs else None for item in (one, other))
        if not _same(before, after):
            kind: Kind = "add" if before is None else "remove" if after is None else "change"
            yield Edit(path, name, kind, before, after)


def _paths(file: Any) -> dict[str, None]:
    """Paths of all objects that are compared."""
    found: dict[str, None] = {}

    def note(path: str) -> None:
        if not any(path == one or path.startswith(f"{one}/") for one in (*_LEFT_OUT, HERD)):
            found[path] = None

    file.visit(note)
    return found


def _has_references(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and h5py.check_ref_dtype(item.dtype) is not None


def _targets(item: Any, file: Any) -> list[str]:
    return [file[one].name for one in np.atleast_1d(item[()]).ravel()] if _has_references(item) else []


def _plain(dataset: Any) -> Any:
    """Values of a dataset as texts, numbers and lists."""
    return _text(dataset[()])


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.void):
        return tuple(_text(one) for one in value.tolist())
    if isinstance(value, np.ndarray):
        return [_text(one) for one in value] if value.ndim else _text(value.item())
    return value.item() if isinstance(value, np.generic) else value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    both_are_nan = isinstance(one, float) and isinstance(other, float) and one != one and other != other
    return bool(both_are_nan or (type(one) is type(other) and one == other))


# --- external references ----------------------------------------------------------------------------------------------


def references(file: Any) -> dict[str, Any] | None:
    """The external references of a file, with paths in place of the identifiers of objects; None where there are none."""
    if HERD not in file:
        return None
    paths = {str(identifier): path for path, identifier in _identifiers(file).items()}
    return {name: _renamed(_plain(table), paths) for name, table in file[HERD].items()}


def _identifiers(file: Any) -> dict[str, str]:
    """The object_id of every object, by path; empty for the file itself."""
    found = {"": _text(file.attrs["object_id"])}

    def note(path: str, item: Any) -> None:
        if "object_id" in item.attrs:
            found[path] = _text(item.attrs["object_id"])

    file.visititems(note)
    return found


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_renamed(one, names) for one in value)
    return f"/{names[value]}" if isinstance(value, str) and value in names else value


def put_references(file: Any, new: Any) -> None:
    """Give a file the external references of another, of its own objects.

    Parameters
    ----------
    file : h5py.File
        Open for writing.
    new : h5py.File
        With the same objects at the same paths.

    Raises
    ------
    KeyError
        If an object is not in the file.
    """
    if HERD in file and HERD not in new:
        del file[HERD]
        return
    if HERD not in file:
        new.copy(HERD, file["general"], name="external_resources")
    here, paths = _identifiers(file), {identifier: path for path, identifier in _identifiers(new).items()}
    for name, table in new[HERD].items():
        rows = table[()]
        for field in ("object_id", "file_object_id"):
            if field in (rows.dtype.names or ()):
                rows[field] = [here[paths[_text(one)]] for one in rows[field]]
        _put(file, f"{HERD}/{name}", rows)


# --- editing ----------------------------------------------------------------------------------------------------------


def check_applies(file: Any, edits: Iterable[Edit]) -> None:
    """Refuse edits of values that are not what the statements made of them.

    Raises
    ------
    SourceError
        If a value of the file is not the old one of an edit.
    """
    for edit in edits:
        found = _found(file, edit)
        if not _same(found, edit.old):
            said = "nothing" if found is None else repr(found)
            raise SourceError(
                f"/{edit.place}: the file says {said}, and by its own statements it would be {edit.old!r}; it was edited by other "
                "means, or made by another version. Mend the session file and convert again: bergmann convert --overwrite"
            )


def _found(file: Any, edit: Edit) -> Any:
    if edit.path not in file:
        return None
    item = file[edit.path]
    if edit.attribute is not None:
        return _text(item.attrs[edit.attribute]) if edit.attribute in item.attrs else None
    return _plain(item)


def apply(file: Any, edits: Iterable[Edit], new: Any) -> None:
    """Carry edits out.

    Parameters
    ----------
    file : h5py.File
        Open for writing.
    edits : iterable of Edit
    new : h5py.File
        Where the new values are.
    """
    for edit in edits:
        if edit.attribute is not None:
            _put_attribute(file[edit.path].attrs, edit, new[edit.path].attrs)
        elif edit.kind == "remove":
            del file[edit.path]
        elif edit.kind == "add":
            above, _, name = edit.path.rpartition("/")
            new.copy(edit.path, file[above or "/"], name=name)
        else:
            _put(file, edit.path, new[edit.path][()])


def _put_attribute(attributes: Any, edit: Edit, new: Any) -> None:
    name = str(edit.attribute)
    if edit.kind == "remove":
        del attributes[name]
        return
    dtype = new.get_id(name).dtype
    attributes.create(name, new[name], dtype=h5py.string_dtype() if dtype.kind == "O" else dtype)


def _put(file: Any, path: str, values: Any) -> None:
    """Write values into a dataset, made anew where it cannot grow or shrink."""
    stored = file[path]
    shape = np.shape(values)
    if stored.shape != shape and stored.maxshape == (None,) * len(shape):
        stored.resize(shape)
    if stored.shape == shape:
        stored[...] = values
        return
    kept = {name: stored.attrs[name] for name in stored.attrs}
    dtype = stored.dtype
    del file[path]
    made = file.create_dataset(path, data=values, dtype=dtype)
    for name, value in kept.items():
        made.attrs[name] = value


def put_column(file: Any, path: str, values: list[Any]) -> None:
    """Write a column of a table, as long as it then is."""
    _put(file, path, np.array(values, dtype=object if values and isinstance(values[0], str) else np.int64))
