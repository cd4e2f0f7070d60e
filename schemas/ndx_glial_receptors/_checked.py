"""What the tables of this extension have in common: target tables by name, and values that are checked when they are given.

Reading never checks: hdmf calls the same constructors with what is in a file, and a file of another writer must open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any, ClassVar, NamedTuple

import numpy as np

CURIE = re.compile(r"[A-Za-z][A-Za-z0-9_.]*:[^\s:\[\]][^\s\[\]]*")
"""A prefix, a colon, and an identifier without spaces (W3C CURIE Syntax 1.0, without its brackets)."""


class Identifier(NamedTuple):
    """A column of CURIEs.

    Attributes
    ----------
    of : str
        The column whose text it identifies.
    example : str
        A CURIE as it is expected.
    """

    of: str
    example: str


def reads_as(generated: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let hdmf call a constructor with the arguments that it builds from a file.

    hdmf finds them in what `docval` left on the constructor of the generated class. The table arguments of our constructors are not
    among them: they have names of columns, and hdmf would fill them with columns.
    """

    def mark(constructor: Callable[..., None]) -> Callable[..., None]:
        constructor.__dict__.update(generated.__init__.__dict__)
        return constructor

    return mark


class CheckedTable:
    """A table whose values are checked as they are given, never as they are read."""

    known_values: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """For each categorical column, its allowed values and what they mean."""
    identifiers: ClassVar[Mapping[str, Identifier]] = {}
    """The columns of CURIEs; an empty text is allowed."""
    dates: ClassVar[tuple[str, ...]] = ()
    """The columns of dates: ``YYYY-MM-DD`` or ``unknown``."""
    targets: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """For each column that points to rows of a table: the argument of the constructor, and the type of the table."""

    def __init__(self, *, tables: Mapping[str, Any] | None = None, **arguments: Any) -> None:
        """Make the table; `tables` are the target tables by column, None where there is none."""
        if not self._in_construct_mode:  # type: ignore[attr-defined]  # hdmf sets it while it reads
            given = {name: table for name, table in (tables or {}).items() if table is not None}
            for name, table in given.items():
                self._check_target(name, table)
            if targets := {**(arguments.pop("target_tables", None) or {}), **given}:
                arguments["target_tables"] = targets
            for column in arguments.get("columns") or ():
                if not isinstance(column, Mapping):
                    self._check_values(column.name, column.data)
        super().__init__(**arguments)

    def add_row(self, data: Mapping[str, Any] | None = None, **columns: Any) -> None:
        """Add one row; what it leaves out of a column of references that other rows use is no reference.

        Raises
        ------
        ValueError
            If a value is not one that its column takes; the message says which it takes.
        """
        options = {name: columns.pop(name) for name in ("id", "enforce_unique_id", "check_ragged") if name in columns}
        super().add_row(data=self._checked({**(data or {}), **columns}), **options)  # type: ignore[misc]

    def add_column(self, name: str, description: str, **options: Any) -> None:
        """Add one column, with the values of the rows that are there.

        Raises
        ------
        ValueError
            If a value is not one that the column takes; the message says which it takes.
        """
        self._check_values(name, options.get("data"))
        super().add_column(name=name, description=description, **options)  # type: ignore[misc]

    def _checked(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row, after it was checked, with an empty list for each reference that it leaves out."""
        for name, value in row.items():
            self._check_value(name, value)
            if name in self.targets and value is not None:
                self._check_rows(name, value)
        return {**{name: [] for name in self._reference_lists()}, **row}

    def _reference_lists(self) -> Iterable[str]:
        """The optional columns in use that hold any number of references a row."""
        for column in self.__columns__:  # type: ignore[attr-defined]
            is_list = column.get("index", False) and (column.get("table", False) or column["name"] == "viral_vector_injections")
            if is_list and not column.get("required", False) and column["name"] in self.colnames:  # type: ignore[attr-defined]
                yield column["name"]

    def _check_values(self, name: str, values: Any) -> None:
        """Check a whole column, unless it is read piece by piece."""
        if isinstance(values, list | tuple | np.ndarray):
            for value in values.tolist() if isinstance(values, np.ndarray) else values:
                self._check_value(name, value)

    def _check_value(self, name: str, value: Any) -> None:
        if value is None:
            return
        if name in self.known_values and value not in (allowed := self.known_values[name]):
            close = get_close_matches(str(value), allowed, n=1)
            meant = f"; is {close[0]} meant?" if close else ""
            raise self._wrong(name, value, f"allowed are: {', '.join(allowed)}{meant}")
        if name in self.identifiers and not (isinstance(value, str) and (not value or CURIE.fullmatch(value))):
            example = self.identifiers[name].example
            raise self._wrong(name, value, f"expected a prefix, a colon and an identifier, such as {example}; empty if none")
        if name in self.dates and not _is_date(value):
            raise self._wrong(name, value, "expected a date as YYYY-MM-DD, such as 2024-05-10, or unknown")

    def _wrong(self, name: str, value: Any, expected: str) -> ValueError:
        return ValueError(f"{type(self).__name__}: {name} is {value!r}; {expected}")

    def _check_target(self, name: str, table: Any) -> None:
        argument, kind = self.targets[name]
        if not any(base.__name__ == kind for base in type(table).__mro__):
            raise TypeError(f"{type(self).__name__}: {argument} is a {type(table).__name__}; expected a {kind}")

    def _check_rows(self, name: str, value: Any) -> None:
        """Refuse rows that the target table does not have."""
        argument, kind = self.targets[name]
        table = self._target(name)
        if table is None:
            raise ValueError(
                f"{type(self).__name__}: {name} points to rows of a {kind}, and it is not said of which one; make the table with "
                f"{argument}=..., or leave {name} out"
            )
        for row in np.atleast_1d(value) if isinstance(value, int | np.integer | list | tuple | np.ndarray) else ():
            if not 0 <= row < len(table):
                there = f"{table.name} has {len(table)} rows, counted from 0"
                raise self._wrong(name, value, f"{there}; add the row there first, or give another number")

    def _target(self, name: str) -> Any:
        """The table that a column points to, None if the column is not there or points nowhere yet."""
        if name not in self.colnames:  # type: ignore[attr-defined]
            return None
        column = self[name]  # type: ignore[index]
        return getattr(column, "target", column).table


class CheckedEvents(CheckedTable):
    """A checked table of the core's events."""

    def add_event(self, **columns: Any) -> None:
        """Add one row; see `add_row`."""
        super().add_event(**self._checked(columns))  # type: ignore[misc]


class CheckedIntervals(CheckedTable):
    """A checked table of the core's intervals."""

    def add_interval(self, **columns: Any) -> None:
        """Add one row; see `add_row`."""
        super().add_interval(**self._checked(columns))  # type: ignore[misc]


def _is_date(value: Any) -> bool:
    if value == "unknown":
        return True
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
