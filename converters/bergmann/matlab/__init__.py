"""Files of MATLAB, in either form; for every room."""

from bergmann.matlab.structures import Cell, Struct, fields_of, open_struct
from bergmann.matlab.values import Value, read_variables

__all__ = ["Cell", "Struct", "Value", "fields_of", "open_struct", "read_variables"]
