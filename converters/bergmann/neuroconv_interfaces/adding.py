"""Add a source and what is stated to an NWB file object, which other interfaces add to as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pynwb import NWBFile

from bergmann.arrays import LazyArray
from bergmann.convert.nwbfile import add_devices
from bergmann.convert.session import COLLECTIONS_AFTER, COLLECTIONS_BEFORE
from bergmann.errors import SourceError
from bergmann.neuroconv_interfaces.reading import validated
from bergmann.plan.references import NameUse, uses
from bergmann.registry import Entry, Placed, Source, collection_writer, load_checks, load_collections
from bergmann.stated import Collections, Ref, Stated
from bergmann.writing import ArrayIterator
from bergmann.writing.streams import is_large

BLOCK = "Bergmann"
"""Key of the metadata under which a person states what no file says."""


def _stream(array: LazyArray) -> Any:
    return ArrayIterator(array) if is_large(tuple(array.shape), np.dtype(array.dtype)) else np.asarray(array[slice(None)])


@dataclass
class Added:
    """What our interfaces have added to an NWB file object so far.

    Attributes
    ----------
    placed : Placed or None
        None until the collections are written, with the first interface.
    sources : dict of str to Source
        By metadata key.
    """

    placed: Placed | None = None
    sources: dict[str, Source] = field(default_factory=dict)

    @classmethod
    def to(cls, nwbfile: NWBFile) -> Added:
        """What has been added to this NWB file.

        It is kept on the object itself: it points to objects of the file, so in any other place it would keep the file alive.
        """
        added: Added = vars(nwbfile).setdefault("_bergmann_added", cls())
        return added

    def link(self, parent: Source, ref: Ref[Any]) -> Ref[Any] | None:
        """The reference by the name under which the parent was added; None if it was not."""
        return next((Ref(name, ref.part) for name, source in self.sources.items() if source == parent), None)

    def add_collections(self, nwbfile: NWBFile, collections: Collections) -> Placed:
        """Write the collections, or see that they are those that were written.

        Raises
        ------
        SourceError
            If something is stated that was not, or not so, with the first interface.
        """
        if self.placed is None:
            placed = Placed(stream=_stream, collections=collections)
            _write_collections(nwbfile, placed)
            self.placed = placed
        for collection, name in _entries(collections):
            if self.placed.collections[collection].get(name) != collections[collection][name]:
                raise SourceError(
                    f"{BLOCK}.{collection}.{name}: was not stated so when the first interface was added to this NWB file; give all "
                    "interfaces the same collections"
                )
        return self.placed


def _entries(collections: Collections) -> Iterator[tuple[str, str]]:
    return ((collection, name) for collection, entries in collections.items() for name in entries)


def _write_collections(nwbfile: NWBFile, placed: Placed) -> None:
    for name in (*COLLECTIONS_BEFORE, *COLLECTIONS_AFTER):
        if placed.collections[name]:
            add = add_devices if name == "devices" else collection_writer(name)
            add(nwbfile, placed.collections[name], placed)


def stated_collections(block: Mapping[str, Any]) -> Collections:
    """The collections of the metadata, paths in them made absolute.

    Raises
    ------
    SourceError
        If one is unknown or wrong, or names what is not stated.
    """
    models = load_collections()
    unknown = sorted(set(block) - set(models) - {"sources"})
    if unknown:
        raise SourceError(f"{BLOCK}.{unknown[0]}: there is no such collection; known: sources, {', '.join(models)}")
    stated: dict[str, dict[str, Stated]] = {collection: {} for collection in models}
    for collection, model in models.items():
        for name, keys in block.get(collection, {}).items():
            stated[collection][str(name)] = validated(model, keys, f"{BLOCK}.{collection}.{name}")
    for collection, name in _entries(stated):
        refuse_dangling(stated[collection][name], f"{BLOCK}.{collection}.{name}", stated)
    return stated


def refuse_dangling(stated: Stated, key: str, collections: Collections) -> None:
    """Raise for a name that is not in its collection."""
    for use in uses(stated, key):
        if isinstance(use, NameUse) and use.name not in collections[use.collection]:
            known = ", ".join(collections[use.collection]) or "none"
            raise SourceError(f"{use.key}: there is no {use.name!r} in {BLOCK}.{use.collection}; there are: {known}")


def refuse_contradictions(entry: Entry[Any, Any], collections: Collections) -> None:
    """Raise for what the room's check calls an error; the same check speaks in `bergmann check`."""
    check = load_checks().get(type(entry.record))
    wrong = [one for one in check(entry, collections) if one.severity == "error"] if check is not None else []
    if wrong:
        raise SourceError("; ".join(f"{entry.name}: {one.message} ({one.remedy})" for one in wrong))
