"""Columns of the tables of an NWB file, read with h5py alone: importing pynwb takes longer than asking a thousand files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError

T = TypeVar("T")

MOST_ROWS = 1_000_000
"""A table of what was done to an animal with more rows than this is damaged; it is refused before memory is taken for it."""


def kind_of(obj: Any) -> str:
    """The NWB type of a group or dataset; empty if it has none."""
    try:
        return decoded(obj.attrs["neurodata_type"])
    except KeyError:
        return ""


def address_of(obj: Any) -> int:
    """Where in the file an object is: the same for every path that leads to it (asking for a path is slow)."""
    address: int = h5py.h5o.get_info(obj.id).addr
    return address


def children(group: Any) -> Iterator[tuple[str, Any]]:
    """The objects in a group by name, without those in other files and links that lead nowhere."""
    if not isinstance(group, h5py.Group):
        return
    for name in group:
        if group.id.links.get_info(name.encode("utf-8")).type == h5py.h5l.TYPE_EXTERNAL:
            continue
        child = child_of(group, name)
        if child is not None:
            yield name, child


def child_of(group: Any, name: str) -> Any:
    """The object of that name in a group; None if it is not there, or a link that leads nowhere."""
    if not isinstance(group, h5py.Group):
        return None
    try:
        return group[name]
    except KeyError:
        return None


def of_kind(group: Any, kind: str) -> Iterator[Any]:
    """The groups of an NWB type that lie directly in a group."""
    for _, child in children(group):
        if isinstance(child, h5py.Group) and kind_of(child) == kind:
            yield child


def text_of(group: Any, name: str) -> str:
    """A single text of a group, whether dataset or attribute; empty if it is not there."""
    dataset = child_of(group, name)
    if isinstance(dataset, h5py.Dataset):
        value = dataset[()] if dataset.size == 1 else ""
    else:
        value = "" if group is None else group.attrs.get(name, "")
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    return decoded(value)


def texts_of(group: Any, name: str) -> tuple[str, ...]:
    """The texts of a list; empty if it is not there."""
    dataset = child_of(group, name)
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        return ()
    return tuple(decoded(one) for one in np.atleast_1d(values_of(dataset)))


def decoded(value: Any) -> str:
    """A text as stored in HDF5; one that is not UTF-8 is shown with a sign in place of what cannot be read."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def values_of(dataset: Any) -> NDArray[Any]:
    """All values of a column.

    Raises
    ------
    SourceError
        If it has more than `MOST_ROWS`.
    """
    if dataset.shape is None:
        return np.empty(0)
    if dataset.size > MOST_ROWS:
        raise SourceError(f"{dataset.name} has {dataset.size} values; expected a table of at most {MOST_ROWS} rows")
    values: NDArray[Any] = dataset[()]
    return values


class Table:
    """The columns of one table by name.

    Parameters
    ----------
    group : h5py.Group
        A DynamicTable.

    Raises
    ------
    SourceError
        While reading a column, if it is missing, or not as long as the table.
    """

    def __init__(self, group: Any) -> None:
        self.group = group
        ids = child_of(group, "id")
        if not isinstance(ids, h5py.Dataset):
            raise SourceError(f"{group.name} is a table without row numbers (`id`)")
        self.length = int(ids.shape[0])

    def texts(self, name: str) -> list[str]:
        """A column of texts; empty texts if the table does not have it."""
        dataset = child_of(self.group, name)
        if dataset is None:
            return [""] * self.length
        values = self._whole(name, dataset)
        if "elements" in dataset.attrs:  # a column of numbers that stand for texts of a list
            elements = [decoded(one) for one in values_of(self.group.file[dataset.attrs["elements"]])]
            return [elements[int(number)] for number in values]
        return [decoded(value) for value in values]

    def numbers(self, name: str) -> list[float | None]:
        """A column of numbers; None where it says NaN, or the table does not have it."""
        dataset = child_of(self.group, name)
        if dataset is None:
            return [None] * self.length
        return [None if math.isnan(value) else value for value in map(float, self._whole(name, dataset))]

    def rows(self, name: str, limit: int) -> list[int]:
        """A column that points to rows of another table.

        Raises
        ------
        SourceError
            If the column is missing, or points behind the last of `limit` rows.
        """
        dataset = child_of(self.group, name)
        if dataset is None:
            raise SourceError(f"{self.group.name} has no column `{name}`")
        return self._pointers(name, self._whole(name, dataset), limit)

    def row_lists(self, name: str, limit: int) -> list[tuple[int, ...]]:
        """A column that points to any number of rows of another table; empty if the table does not have it.

        Raises
        ------
        SourceError
            As of `rows`.
        """
        dataset = child_of(self.group, name)
        return [()] * self.length if dataset is None else self.ragged(name, self._pointers(name, values_of(dataset), limit))

    def ragged(self, name: str, values: Sequence[T]) -> list[tuple[T, ...]]:
        """The values of a column with any number of values a row, by row.

        Raises
        ------
        SourceError
            If the index is missing, or runs backwards or past the column's end.
        """
        index = child_of(self.group, f"{name}_index")
        if index is None:
            raise SourceError(f"{self.group.name}: the column `{name}` has no index")
        ends = [int(end) for end in self._whole(f"{name}_index", index)]
        if ends != sorted(ends) or (ends[-1] if ends else 0) != len(values):
            raise SourceError(f"{self.group.name}: the index of the column `{name}` does not fit it")
        return [tuple(values[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]

    def _pointers(self, name: str, values: NDArray[Any], limit: int) -> list[int]:
        pointers = [int(value) for value in values]
        wrong = next((one for one in pointers if not 0 <= one < limit), None)
        if wrong is not None:
            raise SourceError(f"{self.group.name}: the column `{name}` points to row {wrong} of a table with {limit} rows")
        return pointers

    def _whole(self, name: str, dataset: Any) -> NDArray[Any]:
        values = values_of(dataset)
        if values.shape != (self.length,):
            raise SourceError(f"{self.group.name}: the column `{name}` has shape {values.shape}, the table has {self.length} rows")
        return values


def records(table: Table, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of a table as mappings.

    Parameters
    ----------
    table : Table
    texts : mapping of str to str
        Key in the mapping to the name of the column.
    """
    columns = {key: table.texts(name) for key, name in texts.items()}
    return [{key: column[row] for key, column in columns.items()} for row in range(table.length)]
