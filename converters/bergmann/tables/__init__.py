"""Tables that people keep, read as text; for every room."""

from bergmann.tables.table import (
    DELIMITERS,
    Header,
    Table,
    first_cell,
    likely_delimiter,
    number,
    read_cells,
    read_table,
    sheet_cells,
)
from bergmann.tables.text import Encoding, decoded, read_text

__all__ = [
    "DELIMITERS",
    "Encoding",
    "Header",
    "Table",
    "decoded",
    "first_cell",
    "likely_delimiter",
    "number",
    "read_cells",
    "read_table",
    "read_text",
    "sheet_cells",
]
