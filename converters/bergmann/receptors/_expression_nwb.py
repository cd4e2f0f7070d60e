"""Evidence of expression to NWB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pynwb import NWBFile

from bergmann.receptors._fill_nwb import fill
from bergmann.receptors._metadata_nwb import metadata_of
from bergmann.receptors._rows import expression_row
from bergmann.receptors.stated import Expression
from bergmann.registry import Placed
from bergmann.stated import Stated
from ndx_glial_receptors import ReceptorExpressionTable

OWN = {"label": "Name of the measurement in the session file.", "details": "The result in words, and what is not known of it."}


def add_expression(nwbfile: NWBFile, expression: Mapping[str, Stated], placed: Placed) -> None:
    """Add one row a measurement, each at the row of its receptor."""
    metadata: Any = metadata_of(nwbfile, placed)
    rows = []
    for name, one in expression.items():
        stated = cast(Expression, one)
        rows.append({"receptor": placed.get("receptors", stated.receptor), **expression_row(name, stated)})
    table = ReceptorExpressionTable(
        description="Evidence that receptors are expressed, or no longer.", target_tables={"receptor": metadata.receptors}
    )
    fill(table, rows, "expression", placed, own=OWN)
    metadata.receptor_expression = table
