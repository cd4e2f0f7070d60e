"""The HDF5 tree of a file as it is, without pynwb: for checks of files that pynwb cannot read, or reads with something left out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import h5py

TABLES = ("colnames", "id")


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


@dataclass(frozen=True)
class Namespace:
    """A cached namespace: what it includes, and the types that it defines."""

    includes: frozenset[str]
    types: frozenset[str]


def namespaces(file: Any) -> dict[str, Namespace]:
    """The cached namespaces, each in its newest version; one that cannot be read has no types.

    A file whose specifications are elsewhere names them by ``.specloc``.
    """
    place = file.attrs.get(".specloc")
    group = file[place] if isinstance(place, h5py.Reference) and place else file.get("specifications")
    return {} if group is None else {name: _namespace(versions) for name, versions in group.items()}


def _namespace(versions: Any) -> Namespace:
    newest = versions[sorted(versions)[-1]]
    includes: set[str] = set()
    types: set[str] = set()
    try:
        for one in json.loads(newest["namespace"][()])["namespaces"]:
            for part in one["schema"]:
                if "namespace" in part:
                    includes.add(part["namespace"])
                elif part.get("source", "").removesuffix(".yaml") in newest:
                    _collect(json.loads(newest[part["source"].removesuffix(".yaml")][()]), types)
    except (KeyError, ValueError, TypeError):
        return Namespace(frozenset(), frozenset())
    return Namespace(frozenset(includes), frozenset(types))


def _collect(spec: Any, into: set[str]) -> None:
    if isinstance(spec, Mapping):
        into.update(str(spec[key]) for key in ("neurodata_type_def", "data_type_def") if key in spec)
        for part in spec.values():
            _collect(part, into)
    elif isinstance(spec, list):
        for part in spec:
            _collect(part, into)


def closure(names: set[str], cached: Mapping[str, Namespace]) -> set[str]:
    """Namespaces with what they include, and what that includes."""
    reached: set[str] = set()
    ahead = set(names)
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead |= cached[name].includes if name in cached else frozenset()
    return reached


def is_text(dataset: Any) -> bool:
    """Whether a dataset holds text."""
    return h5py.check_string_dtype(dataset.dtype) is not None


def is_reference(dataset: Any) -> bool:
    """Whether a dataset holds references to objects."""
    return h5py.check_ref_dtype(dataset.dtype) is h5py.Reference
