"""The damages: what the list promises, and that each is seen by whom it ought to be."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import damage_sessions
import h5py
import pytest
from damage_files import CHANGES, CONTROLS
from damaged_converters import DAMAGES
from table_b import SOURCES, copy_of, found_by_record, found_by_sources
from table_c import refused_by

ROWS = list(csv.DictReader((Path(__file__).parent / "damages.csv").read_text(encoding="utf-8").splitlines()))

QUICK_B = ("b001", "b009", "b017", "b025", "b036", "b041", "b044", "b045", "b046", "b048", "b050", "b051")
QUICK_C = ("c001", "c015", "c018", "c025", "c032", "c036", "c038", "c044", "c051", "c059")


def test_the_list_has_each_damage_once_and_says_who_ought_to_see_it() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    counts = Counter(row["class"] for row in ROWS)
    assert sum(counts.values()) >= 120
    assert set(counts) == {"a", "b", "c"}
    for row in ROWS:
        assert row["id"].startswith(row["class"])
        assert row["drawn_from"]
        assert bool(row["check"]) != bool(row["unknowable"]), row["id"]


def test_every_damage_of_files_and_converters_has_its_generator() -> None:
    listed = {kind: {row["id"] for row in ROWS if row["class"] == kind} for kind in "abc"}
    assert listed["a"] == set(damage_sessions.DAMAGES) | set(damage_sessions.NOT_YET)
    assert listed["b"] == set(CHANGES) | {"b056", "b057"}
    assert listed["c"] - set(DAMAGES) == {"c061"}  # see test_the_proof_reads_what_was_taken_over


def test_every_damage_of_a_session_can_be_made(converted_demo: Path, session_file: Path, tmp_path: Path) -> None:
    assay = converted_demo / "dandiset" / "sub-BG042" / "sub-BG042_ses-vonfrey-pod7.nwb"
    for name, damage in damage_sessions.DAMAGES.items():
        source = assay if name in damage_sessions.OF_THE_ASSAY else session_file
        copy = copy_of(source, tmp_path / name)
        with h5py.File(copy, "r+") as file:
            damage_sessions.as_of_another_program(file)
            damage(file)
        shutil.rmtree(tmp_path / name)


@pytest.mark.parametrize("name", QUICK_B)
def test_verification_finds_what_was_damaged(session_file: Path, tmp_path: Path, name: str) -> None:
    assert bool(found_by_record(session_file, name, tmp_path)) == (name not in CONTROLS)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CHANGES if name not in SOURCES])
def test_verification_finds_every_damage(session_file: Path, tmp_path: Path, name: str) -> None:
    assert bool(found_by_record(session_file, name, tmp_path)) == (name not in CONTROLS)


@pytest.mark.parametrize("name", ["b052", "b057"])
def test_the_sources_show_what_a_forged_record_hides(converted_demo: Path, session_file: Path, tmp_path: Path, name: str) -> None:
    assert found_by_sources(session_file, converted_demo / "rig", name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_the_sources_show_every_forged_record(converted_demo: Path, session_file: Path, tmp_path: Path, name: str) -> None:
    assert found_by_sources(session_file, converted_demo / "rig", name, tmp_path)


@pytest.mark.parametrize("name", QUICK_C)
def test_the_proof_refuses_a_damaged_converter(lab: Any, tmp_path: Path, name: str) -> None:
    assert refused_by(lab, tmp_path, name)[0] == "proof"


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGES)
def test_the_proof_refuses_every_damaged_converter(lab: Any, tmp_path: Path, name: str) -> None:
    assert refused_by(lab, tmp_path, name)[0] == "proof"
