"""The damages: what the list promises, and that each is seen by whom it ought to be."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import damage_sessions
import h5py
import pytest
import table_a
from damage_files import CHANGES, CONTROLS
from damaged_converters import DAMAGES
from other_sessions import make_sessions
from table_a import noticed, said_of
from table_b import SOURCES, copy_of, found_by_record, found_by_sources
from table_c import refused_by

from bergmann.findings import Finding
from bergmann.validate import validate_paths

ROWS = list(csv.DictReader((Path(__file__).parent / "damages.csv").read_text(encoding="utf-8").splitlines()))

QUICK_A = ("a001", "a043", "a048", "a099", "a100", "a105", "a106", "a107", "a116", "a137")
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
    assert listed["a"] == set(damage_sessions.DAMAGES)
    assert listed["b"] == set(CHANGES) | {"b056", "b057"}
    assert listed["c"] - set(DAMAGES) == {"c061"}  # see test_the_proof_reads_what_was_taken_over


@pytest.fixture(scope="session")
def good_files(converted_demo: Path, session_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """What class `a` damages, by kind."""
    assay = converted_demo / "dandiset" / "sub-BG042" / "sub-BG042_ses-vonfrey-pod7.nwb"
    return {"session": session_file, "assay": assay, **make_sessions(tmp_path_factory.mktemp("others"))}


def test_every_damage_of_a_session_can_be_made(good_files: Mapping[str, Path], tmp_path: Path) -> None:
    for name, damage in damage_sessions.DAMAGES.items():
        copy = copy_of(good_files[damage_sessions.ON.get(name, "session")], tmp_path / name)
        with h5py.File(copy, "r+") as file:
            damage_sessions.as_of_another_program(file)
            damage(file)
        shutil.rmtree(tmp_path / name)


@pytest.mark.parametrize("kind", ["session", "assay", "slice", "rois"])
def test_nothing_above_a_note_is_said_of_a_good_file(good_files: Mapping[str, Path], kind: str) -> None:
    assert [one.text for one in validate_paths([good_files[kind]]) if one.severity != "note"] == []


@pytest.fixture(scope="session")
def said_of_good(good_files: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[Finding]]:
    """What validators say of the good files."""
    folder = tmp_path_factory.mktemp("good")
    return {kind: said_of(table_a.copy_of(file, folder / kind)) for kind, file in good_files.items()}


@pytest.mark.parametrize("name", QUICK_A)
def test_validation_finds_what_was_damaged(
    good_files: Mapping[str, Path], said_of_good: Mapping[str, set[Finding]], tmp_path: Path, name: str
) -> None:
    kind = damage_sessions.ON.get(name, "session")
    assert noticed(name, good_files[kind], said_of_good[kind], tmp_path)["bergmann"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [row["id"] for row in ROWS if row["class"] == "a" and row["check"]])
def test_validation_finds_every_damage_that_can_be_known(
    good_files: Mapping[str, Path], said_of_good: Mapping[str, set[Finding]], tmp_path: Path, name: str
) -> None:
    kind = damage_sessions.ON.get(name, "session")
    assert noticed(name, good_files[kind], said_of_good[kind], tmp_path)["bergmann"]


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
