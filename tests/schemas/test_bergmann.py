"""The extension ndx-bergmann: its specification is what the script writes, and its record comes back as it was made."""

from __future__ import annotations

from math import nan
from pathlib import Path
from typing import Any

import pytest
from pynwb import NWBHDF5IO, validate

import ndx_bergmann
from ndx_bergmann import Clock, ConversionRecord, SourceFile, Statement, build_spec, make_conversion_record

FILE = SourceFile("movie", "scanimage", "2p/a_00001.tif", 2**40, "ab" * 32)
FITTED = Clock("movie", "daq/FrameClock", "linear fit", 0.25, 1.00001, 1000, 1000, 2e-4)
STATED = Clock("paw", "session", "stated start", -3.5)
SAID = Statement("subject.genotype", "Dbh-Cre/wt", "session.yaml:12", "stated")


def test_the_specification_is_what_the_script_writes(tmp_path: Path) -> None:
    build_spec.build_spec(tmp_path)
    released = Path(ndx_bergmann.__file__).parent / "spec"
    assert {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()} == {
        file.name: file.read_text(encoding="utf-8") for file in released.iterdir()
    }


def test_nothing_is_required_that_is_not_always_known() -> None:
    record = make_conversion_record(software="bergmann 0.1.0")
    assert (record.name, record.software) == ("bergmann_conversion", "bergmann 0.1.0")
    assert record.source_files is None
    assert record.clocks is None
    assert record.statements is None
    assert record.plan_digest is None


def test_record_comes_back_as_it_was_made(nwbfile: Any, tmp_path: Path) -> None:
    record = make_conversion_record(
        software="bergmann 0.1.0",
        libraries=["pynwb 4.2.0", "hdmf 6.2.0"],
        plan_digest="cd" * 32,
        source_files=[FILE],
        clocks=[FITTED, STATED],
        statements=[SAID],
    )
    nwbfile.add_lab_meta_data(record)
    path = tmp_path / "a.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    assert validate(path=path) == []
    with NWBHDF5IO(path, "r") as io:
        read = io.read().lab_meta_data["bergmann_conversion"]
        assert isinstance(read, ConversionRecord)
        assert list(read.libraries) == ["pynwb 4.2.0", "hdmf 6.2.0"]
        assert read.plan_digest == "cd" * 32
        assert read.source_files.to_dataframe().iloc[0].tolist() == list(FILE)
        clocks = read.clocks.to_dataframe()
        assert clocks["offset_in_seconds"].tolist() == [0.25, -3.5]
        assert clocks["rate_ratio"].tolist() == pytest.approx([1.00001, nan], nan_ok=True)
        assert clocks["n_pulses"].tolist() == [1000, 0]
        assert read.clocks["n_events"].data.dtype == "int64"
        assert read.source_files["bytes"].data.dtype == "int64"
        assert read.statements.to_dataframe().iloc[0].tolist() == list(SAID)


def test_columns_that_say_nothing_are_left_out() -> None:
    record = make_conversion_record(software="bergmann 0.1.0", clocks=[STATED])
    assert record.clocks.colnames == ("source", "reference", "method", "offset_in_seconds")


@pytest.mark.parametrize("path", ["/home/someone/a.tif", "C:/a.tif", "2p\\a.tif", "C:a.tif"])
def test_a_path_that_is_not_relative_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="expected a path relative to the session's folder"):
        make_conversion_record(software="bergmann 0.1.0", source_files=[FILE._replace(path=path)])


def test_a_kind_of_statement_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"subject\.genotype: 'guessed' is not one of stated, file"):
        make_conversion_record(software="bergmann 0.1.0", statements=[SAID._replace(kind="guessed")])
