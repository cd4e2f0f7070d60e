"""The ledger: every metadata value that is about to be written, and where it comes from.

The values are found by building the file in memory, as pynwb will write it; how each comes about is declared in
`bergmann.convert.origins`, and nothing is found out by comparing texts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pynwb import NWBFile

from bergmann.convert.align import Aligned
from bergmann.convert.naming import relative_name
from bergmann.registry import Placed
from bergmann.stated import Stated

RESERVED = frozenset({"object_id", "namespace", "neurodata_type", ".specloc"})
"""Attributes that say what an object is, and nothing of the session."""
ARRAYS = frozenset({"data", "timestamps", "confidence", "control", "pixel_mask", "voxel_mask", "image_mask", "id"})
"""Datasets that hold what was recorded or computed; their values are proved, not listed."""
MOST_VALUES = 8
"""A dataset of numbers with more values is an array; one with fewer, such as a field of view, is metadata."""

NUMBERS = {
    "DrugAdministrationsTable": (
        "timestamp",
        "duration",
        "dose",
        "volume_in_uL",
        "timestamp_uncertainty",
        "reaches_bath_after",
    ),
    "ProceduresTable": ("days_before_session",),
    "ReceptorExpressionTable": ("value",),
    "OptogeneticPulsesTable": ("power_in_mW", "wavelength_in_nm"),
}
"""Columns of numbers that are stated, by type of table; every other is an array."""

Owner = tuple[str, str]
"""What an object was made of: collection and name, ``("planes", "bg_plane")``."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """One metadata value of a file.

    Attributes
    ----------
    path : str
        ``"general/subject/age"``; an attribute behind ``@``.
    field : str
        The same from the object on: ``"age"``, ``"data@unit"``; of a table ``"location"`` and ``"location@description"``.
    value : object
    holder : AbstractContainer
        The object; of a column its table.
    """

    path: str
    field: str
    value: Any
    holder: Any

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the holder's types, the most special first."""
        return tuple(one.__name__ for one in type(self.holder).__mro__)


def leaves_of(nwbfile: NWBFile) -> Iterator[Leaf]:
    """Every metadata value of a file that is about to be written, object by object; arrays and references are left out."""
    from hdmf.common import DynamicTable, DynamicTableRegion, ElementIdentifiers, VectorIndex
    from pynwb import get_manager

    manager = get_manager()
    manager.build(nwbfile, source="ledger", root=True)
    for one in _below(nwbfile):
        builder = manager.get_builder(one)
        table = one.parent if isinstance(getattr(one, "parent", None), DynamicTable) and not hasattr(one, "columns") else None
        path = builder.path.removeprefix("root").strip("/")
        holder, field = (one, "") if table is None else (table, str(one.name))
        is_listed = not isinstance(one, ElementIdentifiers | VectorIndex | DynamicTableRegion) and (
            table is None or _is_listed_column(type(table).__name__, field, builder.data)
        )
        yield from (leaf for leaf in _leaves(builder, path, field, holder) if is_listed or leaf.path != path)


def _below(container: Any) -> Iterator[Any]:
    yield container
    for child in container.children:
        yield from _below(child)


def _leaves(builder: Any, path: str, field: str, holder: Any) -> Iterator[Leaf]:
    """The values of a builder and of those below it that are no objects of their own."""
    for name, value in builder.attributes.items():
        if name not in RESERVED and is_value(name, value):
            yield Leaf(f"{path}@{name}", f"{field}@{name}", value, holder)
    if hasattr(builder, "data"):
        if is_value(path.rpartition("/")[2], builder.data) or field in NUMBERS.get(type(holder).__name__, ()):
            yield Leaf(path, field, builder.data, holder)
        return
    for part in (*builder.datasets.values(), *builder.groups.values()):
        if "neurodata_type" not in part.attributes:
            yield from _leaves(part, f"{path}/{part.name}".strip("/"), f"{field}/{part.name}".strip("/"), holder)


def is_value(name: str, stored: Any) -> bool:
    """Whether a dataset or an attribute holds metadata: a text, texts, one number or a few; not an array and no references."""
    if isinstance(stored, str | bytes | bool | int | float | np.generic):
        return True
    if isinstance(stored, list | tuple | np.ndarray) and len(stored):
        one = stored[0] if isinstance(stored, list | tuple) else stored.flat[0]
        if isinstance(one, str | bytes) or (isinstance(one, list | tuple | np.ndarray) and len(one) and isinstance(one[0], str)):
            return True
        return name not in ARRAYS and isinstance(one, bool | int | float | np.number) and len(stored) <= MOST_VALUES
    return False


def _is_listed_column(table: str, column: str, stored: Any) -> bool:
    """Whether a column of a table is metadata: texts always, numbers only of what a person states."""
    if column in NUMBERS.get(table, ()):
        return isinstance(stored, list | tuple | np.ndarray)
    return isinstance(stored, list | tuple | np.ndarray) and len(stored) > 0 and isinstance(stored[0], str | bytes)


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of a session when its file is about to be written.

    Attributes
    ----------
    aligned : Aligned
    placed : Placed
        What was made of what.
    """

    aligned: Aligned
    placed: Placed

    def name(self, file: Path) -> str:
        """How the record names a file."""
        return relative_name(file, self.aligned.plan.loaded.path.absolute().parent)

    @cached_property
    def _owners(self) -> dict[int, Owner]:
        found: dict[int, Owner] = {}
        for owner, made in self.placed.objects.items():
            parts = made if isinstance(made, list | tuple) else (made,)
            if owner[0] == "glial":
                continue
            if owner[0] == "light_sites":
                parts = parts[:1]
            for one in parts:
                if hasattr(one, "object_id"):
                    found.setdefault(id(one), owner)
        return found

    @cached_property
    def rows(self) -> dict[str, dict[int, str]]:
        """Which row of the table of a collection is of which entry."""
        found: dict[str, dict[int, str]] = defaultdict(dict)
        for (collection, name), made in self.placed.objects.items():
            numbers = (made[2],) if collection == "light_sites" else made if isinstance(made, tuple) else (made,)
            for number in numbers:
                if isinstance(number, int):
                    found[collection][number] = name
        return dict(found)

    def owner(self, holder: Any) -> Owner:
        """What an object was made of, or what it lies in; ``("", "")`` for what was made of nothing that is stated."""
        chain = []
        while holder is not None and not isinstance(holder, NWBFile):
            chain.append(holder)
            holder = holder.parent
        made = (self._owners.get(id(one)) for one in chain)
        noted = (self.placed.makers.get(one.object_id) for one in chain)
        return next((one for one in (*made, *noted) if one is not None), ("", ""))

    def stated(self, owner: Owner) -> Any:
        """What is stated of an entry; None where it is of no collection."""
        collection, name = owner
        if collection == "sources":
            return self.aligned.plan.loaded.sources[name].stated
        return self.placed.collections.get(collection, {}).get(name)

    def maker(self, owner: Owner) -> str:
        """The kind of record that an object was made of, or its collection, as the rules name it."""
        collection, name = owner
        return type(self.aligned.records[name]).__name__ if collection == "sources" else collection

    def entries(self, collection: str) -> dict[str, Stated]:
        """What is stated in a collection."""
        return dict(self.placed.collections.get(collection, {}))
