"""The specifications that files carry, parsed once a process and not once a reading.

Whoever opens an NWB file parses the namespaces in it, from half a second to a second and a half. A written file is opened four
times (by us, pynwb's validator, the Inspector, and dandi), and hdmf builds the same objects each time: nearly all the time of a
small session. Here they are kept, by all that decides them: the text of every specification in the file, the namespaces that the
reading catalog holds already, and its classes. Namespaces are not changed once they are loaded: pynwb's own `get_type_map` shares
them between all its copies.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from hashlib import sha256
from typing import Any

_KEPT = 16
"""Catalogs that are kept; sessions of one lab use one or two sets of extensions, and each set is read into two catalogs."""

_parsed: OrderedDict[tuple[Any, ...], tuple[Any, Any]] = OrderedDict()


@contextmanager
def parsed_once() -> Iterator[None]:
    """Have hdmf take over the specifications of a file that it has parsed before, in whichever tool reads the file.

    Only what is cached in files is kept; a namespace that is loaded from its own documents is loaded as ever.
    """
    from hdmf.spec import NamespaceCatalog

    stock = NamespaceCatalog.load_namespaces
    NamespaceCatalog.load_namespaces = _remembering(stock)
    try:
        yield
    finally:
        NamespaceCatalog.load_namespaces = stock


def _remembering(load: Callable[..., Any]) -> Callable[..., Any]:
    """Hdmf's `NamespaceCatalog.load_namespaces`, which looks first whether it did the same before."""

    def load_namespaces(self: Any, namespace_path: str, resolve: bool = True, reader: Any = None) -> Any:
        if not isinstance(reader, Mapping) or not reader:
            return load(self, namespace_path=namespace_path, resolve=resolve, reader=reader)
        digest = _digest(namespace_path, reader)
        if digest is None:
            return load(self, namespace_path=namespace_path, resolve=resolve, reader=reader)
        key = (*_state(self), namespace_path, resolve, digest)
        if key not in _parsed:
            included = load(self, namespace_path=namespace_path, resolve=resolve, reader=reader)
            _parsed[key] = copy(self), included
            while len(_parsed) > _KEPT:
                _parsed.popitem(last=False)
            return included
        _parsed.move_to_end(key)
        catalog, included = _parsed[key]
        vars(self).update(vars(copy(catalog)))
        return copy(included)

    return load_namespaces


def _state(catalog: Any) -> tuple[Any, ...]:
    """What a catalog is before it loads: the namespaces in it, which a kept copy of it keeps alive, and its classes."""
    held = tuple((name, id(catalog.get_namespace(name))) for name in catalog.namespaces)
    return held, tuple(catalog.core_namespaces), catalog.group_spec_cls, catalog.dataset_spec_cls, catalog.spec_namespace_cls


def _digest(namespace_path: str, readers: Mapping[str, Any]) -> str | None:
    """SHA-256 of all that the readers give, in their order; None if they cannot give all, which hdmf may never ask for."""
    digest = sha256()
    try:
        for name, reader in readers.items():
            namespaces = reader.read_namespace(namespace_path)
            sources = [part["source"] for namespace in namespaces for part in namespace["schema"] if "source" in part]
            digest.update(json.dumps([name, namespaces, [reader.read_spec(source) for source in sources]]).encode())
    except (KeyError, ValueError, TypeError, OSError):
        return None
    return digest.hexdigest()
