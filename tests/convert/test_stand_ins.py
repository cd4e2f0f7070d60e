"""What stands where there is no true value is chosen in one place, and the writers take it from there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bergmann
from bergmann.convert.origins import constants
from bergmann.stand_ins import STAND_INS, stand_ins_table
from bergmann.validate.needs import needs_table

HOUSE = Path(bergmann.__file__).parent
ROOMS = ("signals", "imaging", "segmentation", "optogenetics", "behavior", "receptors", "ephys")
WRITERS = sorted(
    [file for room in ROOMS for file in (HOUSE / room).glob("*nwb.py")]
    + [HOUSE / "receptors" / "_rows.py", HOUSE / "convert" / "nwbfile.py"]
)
TEXTS = {"n.a.", "a.u.", "unknown", "not stated", "no comments", "U"}
PAGE = Path(__file__).parents[2] / "schemas" / "ndx_bergmann" / "README.md"


def own_stand_ins(tree: ast.AST) -> Iterator[str]:
    """Stand-ins that a module writes out itself; what it compares with is none."""
    compared = {id(one) for node in ast.walk(tree) if isinstance(node, ast.Compare) for one in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in TEXTS and id(node) not in compared:
            yield f"{node.lineno}: {node.value!r}"
        if isinstance(node, ast.Name) and node.id == "nan":
            yield f"{node.lineno}: nan"
        if isinstance(node, ast.Call) and ast.unparse(node).strip() == "float('nan')":
            yield f"{node.lineno}: float('nan')"


def test_writers_are_found() -> None:
    assert len(WRITERS) > 15


@pytest.mark.parametrize("file", WRITERS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_writer_takes_its_stand_ins_from_the_list(file: Path) -> None:
    found = list(own_stand_ins(ast.parse(file.read_text(encoding="utf-8"))))
    assert found == [], "take it from bergmann.stand_ins, and list its field there"


def test_a_stand_in_that_is_written_out_is_found() -> None:
    assert list(own_stand_ins(ast.parse("unit = 'n.a.'\nx = float('nan')\nif x == 'unknown': pass"))) == [
        "1: 'n.a.'",
        "2: float('nan')",
    ]


def test_the_page_shows_the_lists_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert stand_ins_table() in page
    assert needs_table() in page
    reasons = dict.fromkeys(constants().values())
    assert all(reason in page for reason in reasons)
    assert len({one.field for one in STAND_INS}) == len(STAND_INS)
