"""What is in a file, on one page: of a file with everything, of one with nothing, and of one that is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from bergmann.cli import group

from ..validate.nwb_files import add_light_of_all_kinds, add_movie, cells_movie, make_nwbfile, write


def full_file(folder: Path) -> Path:
    from ndx_bergmann import SourceFile, Statement, make_conversion_record
    from ndx_glial_receptors.testing.mock import mock_DrugAdministrationsTable, mock_GlialReceptorMetadata

    nwbfile = make_nwbfile(genotype="Dbh-Cre/wt")
    add_movie(nwbfile, cells_movie()[0], series={"timestamps": np.arange(60) * 10.0 + 2})
    add_light_of_all_kinds(nwbfile)
    metadata = mock_GlialReceptorMetadata(nwbfile=nwbfile)
    mock_DrugAdministrationsTable(nwbfile=nwbfile, receptors=metadata.receptors)
    statements = [
        Statement("subject.sex", "F", "animal.yaml:7", "stated"),
        Statement("subject.strain", "unknown", "animal.yaml:8", "unknown"),
    ]
    files = [SourceFile("movie", "scanimage", "2p/a.tif", 12, "ab" * 32)]
    nwbfile.add_lab_meta_data(make_conversion_record(software="bergmann 9", source_files=files, statements=statements))
    return write(nwbfile, folder)


def test_everything_is_shown_on_one_page(tmp_path: Path) -> None:
    done = CliRunner(env={"COLUMNS": "100"}).invoke(group, ["show", str(full_file(tmp_path))])
    lines = done.output.splitlines()
    assert "subject  m1, Mus musculus, F, P11W, Dbh-Cre/wt" in lines
    assert "alpha1A-adrenoceptor (Adra1a): knocked down by shRNA in Bergmann glial cell (CUL4, 5)" in done.output
    assert "7 d before: nerve injury" in done.output
    assert "light_pulses: 10 pulses, 10 to 10 mW, 473 nm" in done.output
    (movie,) = [line.split() for line in lines if line.startswith("movie  ") and "TwoPhotonSeries" in line]
    assert " ".join(movie) == "movie TwoPhotonSeries 60 frames of 24 x 16, int16 0.1 Hz 2.00 to 592.00 s"
    assert "^ 120 s: prazosin 1 uM, bath, antagonist" in done.output
    assert "capsaicin 10 ug, intraplantar, stimulus (600 s)" in done.output
    assert "1 stated, 1 unknown; 1 source file" in done.output
    assert "unknown   subject.strain" in done.output
    assert max(len(line) for line in lines) < 140


def test_origins_are_listed_with_the_files(tmp_path: Path) -> None:
    done = CliRunner().invoke(group, ["show", str(full_file(tmp_path)), "--origins"])
    assert done.exit_code == 0
    assert "subject.sex     F        animal.yaml:7  stated" in done.output
    assert f"movie   2p/a.tif  {'ab' * 32}" in done.output


def test_origins_are_listed_with_their_place_in_the_file(tmp_path: Path) -> None:
    from ndx_bergmann import Statement, make_conversion_record

    nwbfile = make_nwbfile()
    said = [
        Statement("subject.sex", "F", "animal.yaml:7", "stated", "general/subject/sex"),
        Statement("sources.movie.clock", "daq/FrameClock" * 4, "session.yaml:9", "stated"),
    ]
    nwbfile.add_lab_meta_data(make_conversion_record(software="bergmann 9", statements=said))
    done = CliRunner().invoke(group, ["show", str(write(nwbfile, tmp_path)), "--origins"])
    rest = ("stated,", "and", "in", "the", "file", "only", "within", "other", "values,", "in", "names,", "or", "in", "how")
    rest = (*rest, "sources", "were", "read:")
    assert [line.split() for line in done.output.splitlines()] == [
        ["in", "the", "file", "is", "kind", "from"],
        ["general/subject/sex", "F", "stated", "animal.yaml:7"],
        [],
        list(rest),
        ["value", "of", "is", "from", "kind"],
        ["sources.movie.clock", "daq/FrameClockdaq/FrameClockdaq/FrameCloc...", "session.yaml:9", "stated"],
    ]


def test_json_holds_the_same(tmp_path: Path) -> None:
    done = CliRunner().invoke(group, ["show", str(full_file(tmp_path)), "--json", "--no-checks"])
    shown = json.loads(done.output)
    assert shown["facts"]["subject"].startswith("m1, Mus musculus")
    assert [one["name"] for one in shown["streams"]] == ["movie", "light", "optogenetic_epochs", "light_pulses"]
    assert shown["origins"][0] == {"key": "subject.sex", "value": "F", "origin": "animal.yaml:7", "kind": "stated", "path": ""}


def test_a_file_with_nothing_recorded_is_shown(tmp_path: Path) -> None:
    done = CliRunner().invoke(group, ["show", str(write(make_nwbfile(), tmp_path))])
    assert done.exit_code == 0
    assert "Nothing was recorded." in done.output
    assert "the file does not say where its values come from" in done.output
    assert not any(word in done.output.rpartition("findings")[2] for word in ("error", "warning"))


def test_a_file_with_an_error_says_it_and_exits_with_1(tmp_path: Path) -> None:
    nwbfile = make_nwbfile(age="P79Y")
    done = CliRunner().invoke(group, ["show", str(write(nwbfile, tmp_path))])
    assert done.exit_code == 1
    assert "error: /general/subject: its age is P79Y" in done.output


def test_what_is_no_nwb_file_is_said(tmp_path: Path) -> None:
    wrong = tmp_path / "a.nwb"
    wrong.write_bytes(b"no HDF5")
    for path, message in ((wrong, "a.nwb: it is not an HDF5 file"), (tmp_path / "b.nwb", "b.nwb: there is no such file")):
        done = CliRunner().invoke(group, ["show", str(path)])
        assert (done.exit_code, message in done.output) == (2, True)
