"""The bundled vocabulary: from what a person writes to names and identifiers, offline. Sources and licences are in its README."""

from bergmann.receptors.vocabulary.terms import (
    Cell,
    Compound,
    Receptor,
    Structure,
    UnknownTermError,
    find_cell,
    find_compound,
    find_receptor,
    find_structure,
)

__all__ = [
    "Cell",
    "Compound",
    "Receptor",
    "Structure",
    "UnknownTermError",
    "find_cell",
    "find_compound",
    "find_receptor",
    "find_structure",
]
