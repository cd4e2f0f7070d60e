"""No check cries without cause: good files of others, of the demo and of the example have no finding above a note but true ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bergmann.findings import Finding
from bergmann.validate import validate_paths

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FILES = sorted(path.relative_to(DATA / "nwb").as_posix() for path in (DATA / "nwb").rglob("*.nwb"))

_NO_VIDEO = {"structure_external_files": "it names videos (external_file) that nobody has put beside it"}
TRUE: dict[str, dict[str, str]] = {
    f"pynwb_back_compat/{name}.nwb": _NO_VIDEO
    for name in (
        "1.5.1_imageseries_no_data",
        "2.1.0_imageseries_no_data",
        "2.1.0_imageseries_non_external_format",
        "2.1.0_imageseries_nonmatch_starting_frame",
    )
}
"""By file: check and why what it says is true of that file."""


def above_a_note(findings: tuple[Finding, ...], origins: tuple[str, ...] = ("bergmann",)) -> dict[str, str]:
    return {one.check: one.text for one in findings if one.severity != "note" and one.origin in origins}


def test_there_are_files_of_others_where_the_real_files_are() -> None:
    if not DATA.is_dir():
        pytest.skip("needs the real files of ../shared/data, which are absent here")
    assert len(FILES) >= 25


@pytest.mark.parametrize("name", FILES)
def test_files_of_others_have_what_they_truly_have(name: str) -> None:
    found = above_a_note(validate_paths([DATA / "nwb" / name]))
    assert set(found) == set(TRUE.get(name, ())), found


def test_the_demo_has_nothing_above_a_note(converted_demo: Path) -> None:
    said = json.loads(converted_demo.with_name("converted-demo.json").read_text(encoding="utf-8"))
    answer: Any = json.loads(said[1])
    findings = [*answer["findings"], *(one for conversion in answer["conversions"] for one in conversion["findings"])]
    assert [one for one in findings if one["severity"] != "note"] == []
