"""The types of the NWB extension ndx-glial-receptors, as pynwb classes.

Importing this package loads the specification; nothing else of bergmann is needed to read or write its types. Each class but the
container is a table: make it with ``name`` (all have a default but `ReceptorStateIntervals`), ``description`` and
``target_tables`` (the tables that its region columns point to), then call ``add_row`` with its columns.
"""

from __future__ import annotations

from pathlib import Path
from types import new_class
from typing import Any, ClassVar

# The types that the specification builds on; they must be known before it is loaded.
import ndx_ophys_devices  # noqa: F401
from pynwb import get_class, load_namespaces, register_class

from ndx_glial_receptors.build_spec import (
    ACTIONS,
    COMPARTMENTS,
    GENETIC_STATUSES,
    NAME,
    PROCEDURE_KINDS,
    ROLES,
    SAMPLES,
    STATES,
    TIMESTAMP_BASES,
    VERSION,
)

__all__ = [
    "CellAnnotationsTable",
    "CellPopulationsTable",
    "DrugAdministrationsTable",
    "GlialEventsTable",
    "GlialReceptorMetadata",
    "ProceduresTable",
    "ReceptorExpressionTable",
    "ReceptorStateIntervals",
    "ReceptorsTable",
]

__version__ = VERSION

load_namespaces(str(Path(__file__).parent / "spec" / f"{NAME}.namespace.yaml"))


class _KnownValues:
    """A table that refuses a value outside the list of a categorical column when a row is added; reading never refuses."""

    known_values: ClassVar[dict[str, tuple[str, ...]]] = {}

    def add_row(self, *args: Any, **columns: Any) -> None:
        """Add one row.

        Raises
        ------
        ValueError
            If a categorical column is given a value that it does not allow; the message lists the allowed ones.
        """
        for name, allowed in self.known_values.items():
            value = columns.get(name)
            if value is not None and value not in allowed:
                raise ValueError(f"{type(self).__name__}: {name} is {value!r}; allowed are: {', '.join(allowed)}")
        super().add_row(*args, **columns)  # type: ignore[misc]


def _table(name: str, doc: str, **known_values: tuple[str, ...]) -> Any:
    """The class generated from the specification, with a docstring and the lists of its categorical columns."""
    generated = get_class(name, NAME)
    body = {"__doc__": doc, "__module__": __name__, "known_values": known_values}
    table = new_class(name, (_KnownValues, generated), exec_body=lambda space: space.update(body))
    register_class(name, NAME, table)
    return table


CellPopulationsTable = _table("CellPopulationsTable", "Which cells: one row is one cell type at one place.")
ReceptorsTable = _table(
    "ReceptorsTable",
    "One row is one receptor in one cell population, in the genetic state that it had during the whole session.",
    role=ROLES,
    genetic_status=GENETIC_STATUSES,
)
ProceduresTable = _table("ProceduresTable", "What was done to the subject before the session, and when.", kind=PROCEDURE_KINDS)
ReceptorExpressionTable = _table(
    "ReceptorExpressionTable", "Evidence that a receptor is, or is no longer, expressed; one row a measurement.", sample=SAMPLES
)
DrugAdministrationsTable = _table(
    "DrugAdministrationsTable",
    "What was given, when, how much, and to act on which receptors; times in seconds from the session's start.",
    action=ACTIONS,
    timestamp_basis=TIMESTAMP_BASES,
)
ReceptorStateIntervals = _table("ReceptorStateIntervals", "When receptors are taken to be in one functional state.", state=STATES)
CellAnnotationsTable = _table(
    "CellAnnotationsTable",
    "Which population and part of a cell each row of another table is; one such table an annotated table.",
    compartment=COMPARTMENTS,
)
GlialEventsTable = _table("GlialEventsTable", "Events of glia, such as flares of calcium; the timestamp is the onset, in seconds.")
GlialReceptorMetadata = get_class("GlialReceptorMetadata", NAME)
