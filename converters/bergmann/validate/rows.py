"""Tables as rows of plain values: texts as text, regions and ragged columns as lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from bergmann.validate.reading import Reading

Row = dict[str, Any]


def rows_of(reading: Reading, table: Any) -> list[Row]:
    """One dict a row; of a ragged column the list of values of that row. A column of another length than the table is left out."""
    n_rows = len(table.id)
    columns: dict[str, list[Any]] = {}
    for name in table.colnames:
        values, ends = reading.column(table, name), reading.column(table, f"{name}_index")
        if values is None:
            continue
        plain = [_plain(value) for value in values]
        if ends is not None and len(ends) == n_rows:
            starts = [0, *(int(end) for end in ends[:-1])]
            columns[name] = [plain[start : int(end)] for start, end in zip(starts, ends, strict=True)]
        elif len(plain) == n_rows:
            columns[name] = plain
    return [{name: values[row] for name, values in columns.items()} for row in range(n_rows)]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.item() if isinstance(value, np.generic) else value


def label(row: Row) -> str:
    """How a message names a row: its label, and else what it is about."""
    return str(row.get("label") or row.get("receptor_name") or row.get("compound") or row.get("state") or "a row")
