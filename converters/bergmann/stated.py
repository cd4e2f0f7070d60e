"""What a person states: the base of every such model, quantities with units, and the two kinds of reference.

All scalars of a session file load as strings (plain YAML turns ``0042`` into 34), and are parsed here, by field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from bergmann.units import units_for

R = TypeVar("R")


class Stated(BaseModel):
    """Base of everything a person states: frozen, and an unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False, defer_build=True)


Unknown = Literal["unknown"]
"""What a lab writes where it does not know; it is kept, and every report says so."""

Compartment = Literal["soma", "process", "endfoot", "axon", "dendrite", "whole_cell", "field", "unknown"]
"""Which part of a cell a signal is of."""


@dataclass(frozen=True)
class Names:
    """Marks a field that holds the name of an entry of a collection of the session file, e.g. ``Names("planes")``."""

    collection: str


class Ref(Generic[R]):
    """The name of another source, or of a part of it: ``movie``, ``daq/FrameClock``.

    As a field, ``Ref[Recording]`` says which record it must name. No dataclass: pydantic would read ``Ref[Recording]`` as a mapping
    of its fields, and not by `parse`.

    Attributes
    ----------
    name : str
        Key of the source in ``sources``.
    part : str or None
        What of it, e.g. a channel.
    """

    __slots__ = ("name", "part")
    name: str
    part: str | None

    def __init__(self, name: str, part: str | None = None) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "part", part)

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"a reference is not changed: {key}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and (self.name, self.part) == (other.name, other.part)

    def __hash__(self) -> int:
        return hash((self.name, self.part))

    def __repr__(self) -> str:
        return f"Ref({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Ref, (self.name, self.part)

    def __str__(self) -> str:
        return self.name if self.part is None else f"{self.name}/{self.part}"

    @classmethod
    def parse(cls, text: object) -> Ref[R]:
        """Read ``name`` or ``name/part``."""
        if isinstance(text, Ref):
            return text
        if not isinstance(text, str) or not text.strip():
            raise ValueError("expected the name of a source, such as `movie` or `daq/FrameClock`")
        name, slash, part = (piece.strip() for piece in text.partition("/"))
        if not name or (slash and not part):
            raise ValueError(
                f"`{text}` is not the name of a source, such as `movie`, or of a part of one, such as `daq/FrameClock`"
            )
        return cls(name, part or None)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        record = get_args(source)[0] if get_args(source) else object
        return core_schema.no_info_plain_validator_function(
            cls.parse, metadata={"record": record}, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": "Name of a source, or name/part of it."}


# --- quantities -------------------------------------------------------------------------------------------------------

Dimension = Literal[
    "length", "time", "frequency", "power", "mass", "volume", "voltage", "current", "temperature", "titre", "angle", "any"
]

_UNIT_OF: dict[str, str] = {
    "length": "m",
    "time": "s",
    "frequency": "Hz",
    "power": "W",
    "mass": "kg",
    "volume": "m^3",
    "voltage": "V",
    "current": "A",
    "temperature": "degC",
    "titre": "vg/mL",
    "angle": "degree",
}
_USUAL: dict[str, str] = {**_UNIT_OF, "length": "um", "power": "mW", "mass": "g", "volume": "uL", "current": "mA"}
"""What a person would write."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_POWER_OF_TEN = r"\s*[x×·*]\s*10\s*\^\s*(?P<power>[+-]?\d+)"
_QUANTITY = re.compile(rf"(?P<number>{_NUMBER})(?:{_POWER_OF_TEN})?\s*(?P<unit>\S.*?)?")
_LETTERS = str.maketrans({"\N{MICRO SIGN}": "u", "\N{GREEK SMALL LETTER MU}": "u", "−": "-"})


def _spelled(unit: str) -> str:
    """A unit as pint reads it: ``mm2`` is ``mm^2``, ``%`` is a word."""
    plain = unit.translate(_LETTERS).replace("%", "percent")
    return re.sub(r"(?<=[A-Za-z])([23])(?![A-Za-z0-9])", r"^\1", plain)


def _refuse_unit(text: str, unit: str) -> None:
    """Raise for a unit that does not exist or has two meanings."""
    for lone in re.findall(r"(?<![A-Za-z])[uU](?![A-Za-z])", unit):
        raise ValueError(f"`{text}`: a lone `{lone}` may be micro, unit or dalton; write the whole unit, such as `uL`")
    if re.match(r"[eE](?![A-Za-z])", unit):
        raise ValueError(f"`{text}`: an exponent without its number; write such as `1.2e13 vg/mL`")
    if unit == "M":
        raise ValueError(f"`{text}`: is M molar, mega or minutes? Write `mM`, `uM`, `mol/L` or the unit you mean")
    try:
        units_for(_spelled(unit)).parse_units(_spelled(unit))
    except Exception as error:
        raise ValueError(f"`{text}`: `{unit}` is not a unit that is known here ({error})") from error


@dataclass(frozen=True)
class Quantity:
    """A number with its unit, as written and readable in any unit of the same dimension.

    Attributes
    ----------
    value : float
        The number as written.
    unit : str
        The unit as written, with the micro sign and the Greek mu made one (``u``).
    """

    value: float
    unit: str

    def __str__(self) -> str:
        short = f"{self.value:g}"
        return f"{short if float(short) == self.value else repr(self.value)} {self.unit}"

    @classmethod
    def parse(cls, text: object, *, usual: str = "um") -> Quantity:
        """Read ``300 um``, ``1.2e13 vg/mL``, ``0.9 %``.

        Parameters
        ----------
        text : object
        usual : str
            The unit that a message gives as an example.

        Raises
        ------
        ValueError
            For a bare number, a decimal comma, a lone ``u``, a bare ``M``, or a unit that does not exist.
        """
        if isinstance(text, Quantity):
            return text
        if not isinstance(text, str):
            raise ValueError(f"expected a number with its unit, such as `300 um`; found {text!r}")
        plain = text.translate(_LETTERS).strip()
        if re.match(r"[+-]?\d+,\d", plain):
            thousands = (
                f", or leave it out of thousands, `{plain.replace(',', '')}`" if re.match(r"[+-]?\d{1,3}(,\d{3})+\b", plain) else ""
            )
            raise ValueError(f"`{text}` has a decimal comma; write a decimal point, `{plain.replace(',', '.', 1)}`{thousands}")
        match = _QUANTITY.fullmatch(plain)
        if not match:
            raise ValueError(f"`{text}` is not a number with a unit, such as `300 um`")
        unit = match["unit"]
        if not unit:
            raise ValueError(f"`{text}` has no unit; write it behind the number, such as `{plain} {usual}`")
        _refuse_unit(text, unit)
        value = float(f"{match['number']}e{match['power']}" if match["power"] else match["number"])
        if not isfinite(value):
            raise ValueError(f"`{text}` is too large a number")
        return cls(value, unit)

    def to(self, unit: str) -> float:
        """The number in another unit of the same dimension.

        Raises
        ------
        ValueError
            If the dimensions differ.
        """
        import pint

        try:
            units = units_for(_spelled(self.unit), _spelled(unit))
            return float(units.Quantity(self.value, _spelled(self.unit)).to(_spelled(unit)).magnitude)
        except pint.PintError as error:
            raise ValueError(f"`{self}` is not a quantity in {unit}") from error

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.parse, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": "A number with its unit, such as `300 um`."}


def _of(dimension: str) -> BeforeValidator:
    def check(text: object) -> Quantity:
        quantity = Quantity.parse(text, usual=_USUAL[dimension])
        try:
            quantity.to(_UNIT_OF[dimension])
        except ValueError:
            raise ValueError(f"`{quantity}` is not a {dimension}; expected a unit such as {_USUAL[dimension]}") from None
        return quantity

    return BeforeValidator(check)


Length = Annotated[Quantity, _of("length")]
Duration = Annotated[Quantity, _of("time")]
Frequency = Annotated[Quantity, _of("frequency")]
Power = Annotated[Quantity, _of("power")]
Mass = Annotated[Quantity, _of("mass")]
Volume = Annotated[Quantity, _of("volume")]
Voltage = Annotated[Quantity, _of("voltage")]
Current = Annotated[Quantity, _of("current")]
Temperature = Annotated[Quantity, _of("temperature")]
Titre = Annotated[Quantity, _of("titre")]


def _parse_dose(text: object) -> Quantity:
    """Read an amount or a concentration; refuse what no drug is measured in."""
    quantity = Quantity.parse(text, usual="ug")
    plain = quantity.unit.replace("%", "percent")
    dimensions = dict(units_for(plain).parse_units(plain).dimensionality)
    if "[current]" in dimensions or dimensions in ({"[length]": 1}, {"[time]": 1}, {"[time]": -1}):
        raise ValueError(f"`{quantity}` is no dose; write an amount or a concentration, such as `10 ug`, `5 mg/kg` or `1 uM`")
    return quantity


Dose = Annotated[Quantity, BeforeValidator(_parse_dose)]
"""An amount or a concentration of a drug."""


def _parse_date(text: object) -> date | str:
    """Read an ISO date; refuse one whose day and month cannot be told apart."""
    if isinstance(text, date) or text == "unknown":
        return text
    if isinstance(text, str):
        try:
            return date.fromisoformat(text.strip())
        except ValueError:
            if re.match(r"^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}$", text.strip()):
                raise ValueError(f"`{text}`: day and month cannot be told apart; write it as 2024-05-17") from None
    raise ValueError(f"`{text}` is not a date; write it as 2024-05-17")


Date = Annotated[date, BeforeValidator(_parse_date)]
DateOrUnknown = Annotated[date | Unknown, BeforeValidator(_parse_date)]


class Device(Stated):
    """An instrument: a microscope, a laser, an optical fibre, a DAQ, a camera.

    Attributes
    ----------
    description : str, optional
        What it is, in a sentence.
    manufacturer, model, serial_number : str, optional
        As on its plate.
    objective : str, optional
        Magnification and numerical aperture, such as 20x/1.0.
    wavelength : Length or unknown, optional
        Of a laser or a lamp, such as 473 nm.
    core : Length or unknown, optional
        Diameter of an optical fibre's core, such as 200 um.
    NA : float or unknown, optional
        Numerical aperture of an optical fibre.
    """

    description: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None
    objective: str | None = None
    wavelength: Length | Unknown | None = None
    core: Length | Unknown | None = None
    NA: float | Unknown | None = None


Collections = Mapping[str, Mapping[str, Stated]]
"""The named maps of a session file: ``{"planes": {"bg_plane": Plane(...)}, "vectors": {...}}``."""
