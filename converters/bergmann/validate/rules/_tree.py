"""The HDF5 tree of a file as it is, without pynwb: for checks of files that pynwb cannot read, or reads with something left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py

from bergmann.writing.namespaces import Cached, closure, read_namespace

__all__ = ["closure", "is_reference", "is_text", "items", "namespaces", "text", "typed"]


def text(value: Any) -> str:
    """A stored text."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def items(file: Any) -> Iterator[tuple[str, Any]]:
    """Every group and dataset but the specifications, each once by its first path."""
    yield "", file
    found: list[tuple[str, Any]] = []
    for name in file:
        if name != "specifications" and isinstance(file.get(name, getlink=True), h5py.HardLink):
            found.append((name, file[name]))
            if isinstance(file[name], h5py.Group):
                file[name].visititems(lambda inside, one, name=name: found.append((f"{name}/{inside}", one)))
    yield from found


def typed(file: Any) -> Iterator[tuple[str, Any, str, str]]:
    """Every object with a neurodata type: path, object, namespace, type."""
    for path, one in items(file):
        kind = one.attrs.get("neurodata_type")
        if kind is not None:
            yield path, one, text(one.attrs.get("namespace", "core")), text(kind)


def namespaces(file: Any) -> dict[str, Cached]:
    """The cached namespaces, each in its newest version; one that cannot be read has no types.

    A file whose specifications are elsewhere names them by ``.specloc``.
    """
    place = file.attrs.get(".specloc")
    group = file[place] if isinstance(place, h5py.Reference) and place else file.get("specifications")
    return {} if group is None else {name: _namespace(versions) for name, versions in group.items()}


def _namespace(versions: Any) -> Cached:
    try:
        return read_namespace(versions)
    except (KeyError, ValueError, TypeError):
        return Cached(frozenset(), frozenset())


def is_text(dataset: Any) -> bool:
    """Whether a dataset holds text."""
    return h5py.check_string_dtype(dataset.dtype) is not None


def is_reference(dataset: Any) -> bool:
    """Whether a dataset holds references to objects."""
    return h5py.check_ref_dtype(dataset.dtype) is h5py.Reference
