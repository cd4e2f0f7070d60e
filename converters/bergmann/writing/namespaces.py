"""One top namespace a file: exactly the extensions that a file uses, and none that was merely imported.

pynwb caches every imported namespace in the file and validates against each top-level one separately; an object of one extension
in a field of another's (or of core's) type is then an error (pynwb issue 1777). One generated namespace without types that includes
the used ones makes the file valid, and needs nothing installed to be read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bergmann.errors import WriteError
from bergmann.writing.backend import refuse_zarr
from bergmann.writing.watched import open_watched

TOP = "bergmann-session"
"""Name of the generated namespace."""

_VERSION = "0.1.0"
_CORE = "core"


@dataclass(frozen=True)
class Cached:
    """A namespace as cached in a file: the names it includes, and the types it defines."""

    includes: frozenset[str]
    types: frozenset[str]


def use_one_namespace(path: Path) -> None:
    """Keep in a written NWB file the specifications that it uses, under one top namespace; a second time changes nothing.

    A file that uses nothing but core keeps core as its top.

    Parameters
    ----------
    path : Path
        An NWB file that no process has open.

    Raises
    ------
    WriteError
        If an object's type is in no cached namespace: readers would drop the object without a word. If it is a Zarr store.
    """
    refuse_zarr(path)
    with open_watched(path, "r+") as (file, _):
        if "specifications" not in file:
            raise WriteError(f"{path.name}: it holds no specifications, which readers need for its extensions; write it with them")
        specifications = file["specifications"]
        cached = _read_cached(specifications)
        used = _check_used(_read_used(file), cached)
        tops = used - closure(cached[_CORE].includes, cached)
        kept = closure(used, cached) | (set() if tops == {_CORE} else {TOP})
        for name in set(specifications) - kept:
            del specifications[name]
        if TOP in kept:
            beyond = sorted(kept - closure({_CORE}, cached) - {TOP})
            _write_top(specifications, {name: sorted(cached[name].types) for name in beyond if cached[name].types})


def _read_used(file: Any) -> dict[tuple[str, str], str]:
    """Every (namespace, type) in the file, with the path of one object of it."""
    used: dict[tuple[str, str], str] = {}

    def note(name: str, item: Any) -> None:
        kind, namespace = item.attrs.get("neurodata_type"), item.attrs.get("namespace")
        if kind is not None and namespace is not None:
            used.setdefault((_text(namespace), _text(kind)), name)

    note("/", file)
    file.visititems(note)
    return used


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _read_cached(specifications: Any) -> dict[str, Cached]:
    """The newest cached version of every namespace, but for the generated one."""
    return {name: read_namespace(versions) for name, versions in specifications.items() if name != TOP}


def read_namespace(versions: Any) -> Cached:
    """A cached namespace in its newest version: the group of its versions.

    Raises
    ------
    KeyError, ValueError or TypeError
        If it is none.
    """
    newest = versions[max(versions, key=_version_order)]
    includes: set[str] = set()
    types: set[str] = set()
    for namespace in json.loads(newest["namespace"][()])["namespaces"]:
        for part in namespace["schema"]:
            if "namespace" in part:
                includes.add(part["namespace"])
            elif part["source"].removesuffix(".yaml") in newest:
                _collect_types(json.loads(newest[part["source"].removesuffix(".yaml")][()]), types)
    return Cached(frozenset(includes), frozenset(types))


def _version_order(version: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in version.replace("-", ".").split(".")]


def _collect_types(spec: Any, into: set[str]) -> None:
    """Add every type that a specification defines, also nested ones."""
    if isinstance(spec, Mapping):
        into.update(str(spec[key]) for key in ("neurodata_type_def", "data_type_def") if key in spec)
        for part in spec.values():
            _collect_types(part, into)
    elif isinstance(spec, list):
        for part in spec:
            _collect_types(part, into)


def _check_used(used: Mapping[tuple[str, str], str], cached: Mapping[str, Cached]) -> set[str]:
    """The used namespaces, after making sure that each used type is defined in its namespace."""
    for (namespace, kind), where in used.items():
        if namespace not in cached or kind not in cached[namespace].types:
            raise WriteError(
                f"{where}: no specification in the file defines its type {kind} of {namespace}, so that readers would leave the "
                f"object out; import the extension {namespace} before writing"
            )
    return {namespace for namespace, _ in used}


def closure(names: set[str] | frozenset[str], cached: Mapping[str, Cached]) -> set[str]:
    """The namespaces and whatever they include, and what that includes."""
    reached: set[str] = set()
    ahead = set(names)
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead |= cached[name].includes if name in cached else frozenset()
    return reached


def _write_top(specifications: Any, types: Mapping[str, list[str]]) -> None:
    """Write the namespace that includes core, and the types that each of the other namespaces defines.

    Core is there whole, also what the file does not use, so that whoever adds to the file finds it. Most extensions include it
    whole, too: without the list of their own types, whoever opens the file builds all types of core once more for each extension.
    """
    import h5py

    namespace = {
        "name": TOP,
        "version": _VERSION,
        "doc": "The namespaces that this file uses; it defines no type of its own.",
        "author": ["bergmann"],
        "contact": ["through the issue tracker of bergmann"],
        "schema": [{"namespace": _CORE}, *({"namespace": name, "neurodata_types": own} for name, own in types.items())],
    }
    text = json.dumps({"namespaces": [namespace]})
    written = specifications.get(f"{TOP}/{_VERSION}/namespace")
    if written is not None and _text(written[()]) == text:
        return
    if TOP in specifications:
        del specifications[TOP]
    specifications.create_group(f"{TOP}/{_VERSION}").create_dataset("namespace", data=text, dtype=h5py.string_dtype())
