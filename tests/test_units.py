"""Usual units are read without pint's list, and mean what they mean there."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bergmann.stated import Quantity
from bergmann.units import _OWN, USUAL, units_for

SOME = "furlong"
"""A unit that only pint's list has."""

VALUES = (1.0, 0.1, 0.3, 300.0, 37.3, 1.2e13)


@pytest.mark.parametrize("unit", sorted(USUAL))
def test_a_usual_unit_is_the_one_of_pints_list(unit: str) -> None:
    usual, all_units = units_for(unit), units_for(SOME)
    assert usual is not all_units
    assert str(usual.parse_units(unit)) == str(all_units.parse_units(unit))
    assert dict(usual.parse_units(unit).dimensionality) == dict(all_units.parse_units(unit).dimensionality)


def test_usual_units_convert_into_each_other_to_the_last_bit() -> None:
    usual, all_units = units_for("m"), units_for(SOME)
    dimension = {unit: dict(usual.parse_units(unit).dimensionality) for unit in USUAL}
    pairs = [(one, other) for one, other in permutations(sorted(USUAL), 2) if dimension[one] == dimension[other]]
    assert len(pairs) > 300
    for one, other in pairs:
        for value in VALUES:
            expected = all_units.Quantity(value, one).to(other).magnitude
            assert usual.Quantity(value, one).to(other).magnitude == expected, (value, one, other)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(USUAL - {"degC"})), st.sampled_from(["", "^2", "^3"])), min_size=1, max_size=3),
    st.lists(st.sampled_from(["/", "*"]), min_size=2, max_size=2),
    st.floats(1e-12, 1e12),
)
def test_products_and_quotients_are_the_same_in_base_units(parts, signs, value) -> None:
    text = "".join(sign + unit + power for sign, (unit, power) in zip(["", *signs], parts, strict=False))
    usual, all_units = units_for(text), units_for(SOME)
    ours, theirs = (units.Quantity(value, text) for units in (usual, all_units))
    assert dict(ours.dimensionality) == dict(theirs.dimensionality)
    assert ours.to_root_units().magnitude == theirs.to_root_units().magnitude


@pytest.mark.parametrize("text", ["cd", "ft", "Pa", "mmHg", "u", "1 m x", "µm", "ML", "", "Gy"])
def test_any_other_spelling_is_pints_to_read(text: str) -> None:
    assert units_for(text) is units_for(SOME)


def test_own_units_are_in_both() -> None:
    assert len(_OWN) == 3
    for text in ("vg/mL", "TU/mL", "pfu"):
        assert dict(units_for(text).parse_units(text).dimensionality) == dict(units_for(SOME).parse_units(text).dimensionality)


def test_quantities_of_both_lists_convert_into_each_other() -> None:
    assert Quantity.parse("1 inch").to("mm") == pytest.approx(25.4)
    assert Quantity.parse("12 mmHg").to("Pa") == pytest.approx(1599.9, abs=0.1)
    with pytest.raises(ValueError, match="`1 inch` is not a quantity in s"):
        Quantity.parse("1 inch").to("s")


def test_usual_units_do_not_read_pints_list() -> None:
    code = (
        "from bergmann.stated import Quantity; from bergmann import units\n"
        "assert Quantity.parse('300 um').to('m') == 300e-6 and Quantity.parse('1.2e13 vg/mL') and Quantity.parse('5 mg/kg')\n"
        "assert units._all.cache_info().currsize == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
