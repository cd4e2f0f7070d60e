"""The table of the same clocks by NeuroConv and by bergmann is what the script prints."""

from __future__ import annotations

from pathlib import Path

from .beside_neuroconv import HEAD, rows

HERE = Path(__file__).parent


def test_the_table_is_what_both_do() -> None:
    written = (HERE / "beside_neuroconv.md").read_text(encoding="utf-8")
    printed = HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows())
    assert printed in written, "run: python tests/timing/beside_neuroconv.py"
