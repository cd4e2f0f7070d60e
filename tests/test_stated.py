"""Quantities, dates and references as people write them."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bergmann.records import Recording
from bergmann.stated import Date, DateOrUnknown, Device, Length, Mass, Quantity, Ref, Stated, Temperature, Titre


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("300 um", "m", 300e-6),
        ("300 \N{MICRO SIGN}m", "m", 300e-6),
        ("300 \N{GREEK SMALL LETTER MU}m", "m", 300e-6),
        ("473nm", "m", 473e-9),
        (" .5\N{NO-BREAK SPACE}mm ", "m", 0.5e-3),
        ("\N{MINUS SIGN}65 mV", "V", -0.065),
        ("0.9 %", "percent", 0.9),
        ("32 degC", "K", 305.15),
        ("37 °C", "degC", 37),
        ("10 mg/kg", "ug/g", 10),
        ("1.2e13 vg/mL", "vg/mL", 1.2e13),
        ("6x10^12 GC/ml", "vg/mL", 6e12),
        ("6 × 10^12 vg/mL", "vg/mL", 6e12),
        ("5 mW/mm2", "W/m^2", 5000),
        ("5 mW/mm²", "W/m2", 5000),
        ("10 uM", "mol/m^3", 0.01),
        ("2 weeks", "d", 14),
    ],
)
def test_a_quantity_is_read_in_any_unit_of_its_dimension(text: str, unit: str, number: float) -> None:
    assert Quantity.parse(text).to(unit) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("5", "has no unit"),
        ("", "is not a number with a unit"),
        ("um", "is not a number with a unit"),
        ("1,5 mm", "has a decimal comma; write a decimal point, `1.5 mm`"),
        ("1,000 um", "or leave it out of thousands, `1000 um`"),
        ("10 u", "a lone `u` may be micro, unit or dalton"),
        ("10 U/mL", "a lone `U` may be micro, unit or dalton"),
        ("10 M", "is M molar, mega or minutes?"),
        ("6 10^12 vg/mL", "is not a unit that is known here"),
        ("5e um", "an exponent without its number"),
        ("1e999 m", "is too large a number"),
        ("5-10 um", "is not a unit that is known here"),
        ("20x", "`x` is not a unit that is known here"),
        ("1 __import__('os')", "is not a unit that is known here"),
    ],
)
def test_a_quantity_that_can_be_misread_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="`") as refused:
        Quantity.parse(text)
    assert reason in str(refused.value)


@settings(deadline=None)  # the first quantity loads the unit registry
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["um", "mW", "vg/mL", "%", "degC", "mg/kg"]))
def test_a_quantity_survives_being_written_and_read(value: float, unit: str) -> None:
    quantity = Quantity(value, unit)
    assert Quantity.parse(str(quantity)) == quantity


@settings(deadline=None)  # the first quantity loads the unit registry
@given(st.text(max_size=20))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isfinite(Quantity.parse(text).value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Length, "5 mW"), (Temperature, "32 C"), (Temperature, "5 degC/min"), (Titre, "5 mg"), (Mass, "21.4 mL")],
)
def test_a_quantity_of_another_dimension_is_refused(kind: object, text: str) -> None:
    with pytest.raises(ValidationError, match="is not a "):
        TypeAdapter(kind).validate_python(text)


def test_a_quantity_of_another_dimension_is_not_converted() -> None:
    with pytest.raises(ValueError, match="`5 mW` is not a quantity in m"):
        Quantity.parse("5 mW").to("m")


@pytest.mark.parametrize("text", ["17.05.2024", "5/6/2024", "05-06-24"])
def test_a_date_whose_day_and_month_are_ambiguous_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="day and month cannot be told apart; write it as 2024-05-17"):
        TypeAdapter(Date).validate_python(text)


def test_a_date_may_be_unknown_only_where_that_is_allowed() -> None:
    assert TypeAdapter(DateOrUnknown).validate_python("unknown") == "unknown"
    assert TypeAdapter(DateOrUnknown).validate_python("2024-05-17") == date(2024, 5, 17)
    with pytest.raises(ValidationError):
        TypeAdapter(Date).validate_python("unknown")


def test_a_reference_names_a_source_or_a_part_of_it() -> None:
    adapter: TypeAdapter[Ref[Recording]] = TypeAdapter(Ref[Recording])
    assert adapter.validate_python("movie") == Ref("movie")
    assert adapter.validate_python("patch/IN 2") == Ref("patch", "IN 2")
    assert str(Ref("daq", "FrameClock")) == "daq/FrameClock"


@pytest.mark.parametrize("text", ["", "daq/", "/FrameClock", "/"])
def test_a_reference_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="name of a source"):
        TypeAdapter(Ref[Recording]).validate_python(text)


def test_an_unknown_key_and_a_number_that_is_none_are_refused() -> None:
    class Thing(Stated):
        amount: float

    with pytest.raises(ValidationError, match="finite"):
        Thing.model_validate({"amount": "nan"})
    with pytest.raises(ValidationError, match="Extra inputs"):
        Device.model_validate({"modle": "Example 2P"})
