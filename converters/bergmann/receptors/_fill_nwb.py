"""Rows into tables: required columns, what is said in optional ones, and columns that the table's type does not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bergmann.receptors._rows import Row
from bergmann.registry import Placed


def fill(table: Any, rows: Iterable[Row], collection: str | None, placed: Placed, *, own: Mapping[str, str] | None = None) -> None:
    """Add the rows, without the optional columns in which no row has anything to say.

    Parameters
    ----------
    table : DynamicTable
    rows : iterable of Row
        ``label`` is the name of the entry, and is written if the table's type, or `own`, has such a column.
    collection : str or None
        Where the number of each row is remembered.
    placed : Placed
    own : mapping of str to str, optional
        Description of each column that the table's type does not have.
    """
    rows, own = list(rows), own or {}
    known = {column["name"]: bool(column.get("required")) for column in table.__columns__} | {"annotation": False}
    used = [
        name
        for name in (rows[0] if rows else {})
        if known.get(name) or ((name in known or name in own) and not all(_is_empty(row[name]) for row in rows))
    ]
    for name in used:
        if name in own:
            table.add_column(name=name, description=own[name])
    for number, row in enumerate(rows):
        table.add_row(**{name: row[name] for name in used})
        if collection is not None:
            placed.put(collection, row["label"], number)


def _is_empty(value: object) -> bool:
    return value in ("", None) or value == [] or (isinstance(value, float) and np.isnan(value))
