"""The NWB extension ndx-glial-receptors: receptors, cell populations, procedures, drugs, states and events of glia.

Importing this package loads the specification; nothing else of bergmann is needed to read or write its types. A table is made with
the tables that its columns point to, then ``add_row`` is called with its columns. `ndx_glial_receptors.meanings` and
`ndx_glial_receptors.references` put into the file what its values and CURIEs mean; `ndx_glial_receptors.testing.mock` makes tables
for tests.
"""

from __future__ import annotations

from ndx_glial_receptors.build_spec import VERSION
from ndx_glial_receptors.tables import (
    CellAnnotationsTable,
    CellPopulationsTable,
    DrugAdministrationsTable,
    GlialEventsTable,
    GlialReceptorMetadata,
    ProceduresTable,
    ReceptorExpressionTable,
    ReceptorsTable,
    ReceptorStateIntervals,
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
