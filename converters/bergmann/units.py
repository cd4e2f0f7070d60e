"""Units of what a person states, as pint reads them.

pint's own list has a thousand units, and reading it takes as long as nearly all else that `bergmann check` does. What labs write
is some metric units nearly always: these are defined here, in pint's own way of defining, and pint's list is read only where
another unit occurs. Both give the same numbers, to the last bit.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_OWN = (
    "vector_genome = [vector_genome] = vg = gc = GC",
    "transducing_unit = [transducing_unit] = TU",
    "plaque_forming_unit = [plaque_forming_unit] = pfu = PFU",
)
"""Units of viral titres and of colony counts, which pint has not."""

_USUAL = (
    "pico- = 1e-12 = p-",
    "nano- = 1e-9 = n-",
    "micro- = 1e-6 = u-",
    "milli- = 1e-3 = m-",
    "centi- = 1e-2 = c-",
    "deci- = 1e-1 = d-",
    "kilo- = 1e3 = k-",
    "mega- = 1e6 = M-",
    "meter = [length] = m",
    "second = [time] = s",
    "ampere = [current] = A",
    "gram = [mass] = g",
    "mole = [substance] = mol",
    "kelvin = [temperature]; offset: 0 = K",
    "radian = []",
    "pi = 3.1415926535897932384626433832795028841971693993751 = π",
    "degree = π / 180 * radian = deg",
    "percent = 0.01 = %",
    "minute = 60 * second = min",
    "hour = 60 * minute = h",
    "day = 24 * hour = d",
    "degree_Celsius = kelvin; offset: 273.15 = degC",
    "liter = decimeter ** 3 = l = L",
    "hertz = 1 / second = Hz",
    "newton = kilogram * meter / second ** 2 = N",
    "joule = newton * meter = J",
    "watt = joule / second = W",
    "coulomb = ampere * second = C",
    "volt = joule / coulomb = V",
    "molar = mole / liter = M",
)

_PREFIXED = {"m": "cmunk", "s": "mun", "g": "mnpuk", "L": "mnpud", "l": "mnud", "A": "mnpu", "V": "mnu", "W": "mnuk", "Hz": "mkM"}
_PREFIXED |= {"M": "mnpu", "mol": "mnpu"}

USUAL = frozenset({"min", "h", "d", "K", "degC", "deg", "degree", "percent", "vg", "gc", "GC", "TU", "pfu", "PFU"}) | {
    prefix + unit for unit, prefixes in _PREFIXED.items() for prefix in ("", *prefixes)
}
"""Units that are read without pint's list, as they are written; no other spelling, which might mean another unit there."""


def units_for(*spelled: str) -> Any:
    """A registry of pint that knows units.

    Parameters
    ----------
    *spelled : str
        Units as pint reads them, such as ``mg/kg`` or ``mm^2``; those that belong to one quantity are asked for together.

    Returns
    -------
    pint.UnitRegistry
        Made once.
    """
    return _usual() if all(map(_is_usual, spelled)) else _all()


def _is_usual(spelled: str) -> bool:
    """Whether a unit is made of usual ones, by products, quotients and powers."""
    return re.fullmatch(r"[A-Za-z0-9 .^*/()-]+", spelled) is not None and USUAL.issuperset(re.findall(r"[A-Za-z]+", spelled))


@cache
def _all() -> Any:
    import pint

    units: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    units.load_definitions(_OWN)
    return units


@cache
def _usual() -> Any:
    import pint

    units: Any = pint.UnitRegistry(None, autoconvert_offset_to_baseunit=True)
    units.load_definitions((*_USUAL, *_OWN))
    return units
