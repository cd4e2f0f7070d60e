"""Every metadata value of a written file has a row that says where it comes from, and the row says it rightly."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from bergmann.convert import convert_session
from bergmann.convert.places import place_in
from bergmann.registry import load_formats

from ..runs.conftest import write_slice
from .conftest import Folder
from .ledger_walk import metadata, without_origin
from .test_real_files import Written, every_case, written  # noqa: F401


@pytest.fixture(scope="module")
def converted(rig_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Folder(Path(shutil.copytree(rig_folder, tmp_path_factory.mktemp("ledger") / "BG042")))
    folder.state("excitation: 920 nm", "excitation: unknown")
    folder.state("sex: F,", "sex: U,")
    folder.state("label: mCherry", "label: unknown")
    done = convert_session(folder.session, folder.out)
    assert done.target is not None, [one.text for one in done.findings]
    return done.target


def rows_of(path: Path) -> dict[str, tuple[str, ...]]:
    """(key, value, origin, kind) by path in the file; the last one of several."""
    with h5py.File(path, "r") as file:
        table = file["general/bergmann_conversion/statements"]
        columns = [table[name].asstr()[:] for name in ("path", "key", "value", "origin", "kind")]
    return {row[0]: tuple(row[1:]) for row in zip(*columns, strict=True) if row[0]}


def test_every_value_has_an_origin(converted: Path) -> None:
    with h5py.File(converted, "r") as file:
        assert len(list(metadata(file))) > 250
    assert without_origin(converted) == []


def test_every_value_of_a_slice_session_has_an_origin(tmp_path: Path) -> None:
    done = convert_session(write_slice(tmp_path), tmp_path / "out")
    assert done.target is not None, [one.text for one in done.findings]
    assert without_origin(done.target) == []
    rows = rows_of(done.target)
    assert rows["acquisition/praz_patch_IN 0/data@unit"][2:] == ("19125001.abf units of the ADC section", "file")
    assert rows["events/drug_administrations/dose[0]"][:2] == ("drugs.phenylephrine.dose", "10 uM")
    assert rows["acquisition/base_patch_IN 0@description"][3] == "derived"


TABLE = """\
format_version: 1
time_zone: Asia/Seoul
session: {id: s1, start: 2024-05-17 10:00, description: A log.}
subject: {id: m1, species: Mus musculus, sex: F, born: 2024-02-28}
sources:
  log: {format: signal_table, path: log.csv, columns: {force: f}, units: {force: N}, rate: 10 Hz}
"""


def test_what_is_stated_of_plain_numbers_is_not_said_to_be_of_their_file(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("f\n0.5\n1.5\n", encoding="utf-8")
    (tmp_path / "session.yaml").write_text(TABLE, encoding="utf-8")
    done = convert_session(tmp_path / "session.yaml", tmp_path / "out")
    assert done.target is not None, [one.text for one in done.findings]
    assert without_origin(done.target) == []
    rows = rows_of(done.target)
    assert rows["acquisition/log_force/data@unit"] == ("sources.log.units.force", "N", "session.yaml:6", "stated")
    assert rows["acquisition/log_force/starting_time@rate"] == ("sources.log.rate", "10 Hz", "session.yaml:6", "stated")


def test_midnight_in_place_of_an_unknown_time_is_said_to_be_derived(tmp_path: Path) -> None:
    assay = "  von_frey: {format: assay, path: log.csv, assay: von_frey, unit: g, columns: {value: f}}\n"
    text = TABLE.replace("2024-05-17 10:00", "2024-05-17").partition("  log:")[0] + assay
    (tmp_path / "log.csv").write_text("f\n0.5\n1.5\n", encoding="utf-8")
    (tmp_path / "session.yaml").write_text(text, encoding="utf-8")
    done = convert_session(tmp_path / "session.yaml", tmp_path / "out")
    assert done.target is not None, [one.text for one in done.findings]
    assert without_origin(done.target) == []
    assert rows_of(done.target)["session_start_time"] == (
        "session_start_time",
        "2024-05-17T00:00:00+09:00",
        "local midnight, since the time of day is unknown, from session.start (session.yaml:3)",
        "derived",
    )


def test_each_format_says_where_it_reads() -> None:
    keys = {one.key for one in load_formats()} - {"stated_train"}  # which has no file
    assert [key for key in sorted(keys) if not place_in(key, "rate")] == []


@every_case
def test_every_value_of_real_files_has_an_origin(name: str, written: Callable[[str], Written]) -> None:  # noqa: F811
    assert without_origin(written(name).path) == []


@pytest.mark.parametrize(
    ("where", "name"),
    [("acquisition/movie_ch1", "new_field"), ("general/subject", "name"), ("acquisition/daq_LaserCmd", "description_2")],
)
def test_a_field_that_no_rule_knows_is_found(converted: Path, tmp_path: Path, where: str, name: str) -> None:
    path = Path(shutil.copy(converted, tmp_path / "more.nwb"))
    with h5py.File(path, "r+") as file:
        file[where].attrs[name] = "from nowhere"
    assert without_origin(path) == [f"{where}@{name}"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("general/subject/species", ("subject.species", "Mus musculus", "session.yaml:4", "stated")),
        ("general/subject/sex", ("subject.sex", "U", "session.yaml:4", "unknown")),
        (
            "general/subject/age",
            ("subject.age", "P79D", "days from birth to the start of the session, from subject.born (session.yaml:4)", "derived"),
        ),
        (
            "general/optophysiology/bg_plane/excitation_lambda",
            ("planes.bg_plane.excitation", "unknown", "session.yaml:13", "unknown"),
        ),
        (
            "general/optophysiology/bg_plane/channel_2/emission_lambda",
            ("planes.bg_plane.channels.2.emission", "610 nm", None, "stated"),
        ),
        (
            "general/optophysiology/bg_plane/grid_spacing",
            (
                "sources.movie.pixel_size",
                "4e-06",
                "2p/bg042_00001_00001.tif SI.hRoiManager.imagingFovUm or SI.objectiveResolution",
                "file",
            ),
        ),
        (
            "session_start_time",
            ("session_start_time", "2024-05-17T10:30:57+09:00", "daq/bg042_0001.h5 header/ClockAtRunStart", "file"),
        ),
        ("general/optogenetics/lc_terminals/excitation_lambda", ("devices.laser.wavelength", "473 nm", "session.yaml:7", "stated")),
        (
            "general/glial_receptor_metadata/receptors/gene_id[0]",
            (
                "receptors.adra1a.gene_id",
                "NCBIGene:11549",
                "vocabulary/receptors.csv, for 'Adra1a' (session.yaml:11)",
                "vocabulary",
            ),
        ),
        ("events/drug_administrations/route[0]", ("drugs.capsaicin.route", "intraplantar", None, "stated")),
        ("intervals/notes/label", ("sources.notes.columns", "quiet, grooming", "notes.csv columns of the table", "file")),
    ],
)
def test_the_origin_is_the_right_one(converted: Path, path: str, expected: tuple[Any, ...]) -> None:
    found = rows_of(converted)[path]
    assert found == tuple(there if wanted is None else wanted for there, wanted in zip(found, expected, strict=True))


def test_an_indicator_that_is_not_known_of_one_channel_is_listed_as_unknown(converted: Path) -> None:
    with h5py.File(converted, "r") as file:
        assert file["general/optophysiology/bg_plane/indicator"].asstr()[()] == "GCaMP6f, unknown"
        table = file["general/bergmann_conversion/statements"]
        rows = zip(*(table[name].asstr()[:] for name in ("path", "key", "kind")), strict=True)
        found = {(key, kind) for path, key, kind in rows if path == "general/optophysiology/bg_plane/indicator"}
    assert found == {("planes.bg_plane.indicator", "derived"), ("planes.bg_plane.channels.2.label", "unknown")}


def test_what_is_stated_and_not_in_the_file_has_a_row_without_a_path(converted: Path) -> None:
    with h5py.File(converted, "r") as file:
        table = file["general/bergmann_conversion/statements"]
        paths = dict(zip(table["key"].asstr()[:], table["path"].asstr()[:], strict=True))
    assert paths["sources.movie.clock"] == ""
    assert paths["time_zone"] == ""
