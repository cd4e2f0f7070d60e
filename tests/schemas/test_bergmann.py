"""The extension ndx-bergmann: its specification is what the script writes, and its record comes back as it was made."""

from __future__ import annotations

import subprocess
import sys
from math import nan
from pathlib import Path
from typing import Any

import pytest
from pynwb import NWBHDF5IO, validate

import ndx_bergmann
from ndx_bergmann import Clock, ConversionRecord, SourceFile, Statement, build_spec, make_conversion_record

from .compatibility import incompatibilities, load_types

EARLIER = Path(__file__).parent / "earlier" / "ndx-bergmann"
"""The specification as it was before the clocks said how many pulses were used."""

FILE = SourceFile("movie", "scanimage", "2p/a_00001.tif", 2**40, "ab" * 32)
FITTED = Clock("movie", "daq/FrameClock", "linear fit", 0.25, 1.00001, 1000, 1000, 2e-4)
STATED = Clock("paw", "session", "stated start", -3.5)
SAID = Statement("subject.genotype", "Dbh-Cre/wt", "session.yaml:12", "stated", "general/subject/genotype")


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


def test_origins_without_a_path_are_as_in_earlier_files() -> None:
    record = make_conversion_record(software="bergmann 0.1.0", statements=[SAID._replace(path="")])
    assert record.statements.colnames == ("key", "value", "origin", "kind")


@pytest.mark.parametrize("path", ["/home/someone/a.tif", "C:/a.tif", "2p\\a.tif", "C:a.tif"])
def test_a_path_that_is_not_relative_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="expected a path relative to the session's folder"):
        make_conversion_record(software="bergmann 0.1.0", source_files=[FILE._replace(path=path)])


def test_a_kind_of_statement_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"subject\.genotype: 'guessed' is not one of stated, file"):
        make_conversion_record(software="bergmann 0.1.0", statements=[SAID._replace(kind="guessed")])


def test_clocks_say_what_was_used_and_what_is_extrapolated(nwbfile: Any, tmp_path: Path) -> None:
    timed = FITTED._replace(
        n_used=998, n_missing=2, n_spurious=1, pulses="daq_FrameClock_pulses", tolerance_in_seconds=2e-3, n_extrapolated_after=3,
        fitted_from_in_seconds=0.25, fitted_to_in_seconds=100.25, extrapolated_before_in_seconds=0.0,
        extrapolated_after_in_seconds=0.3, extrapolation_allowed_in_seconds=0.5,
    )  # fmt: skip
    nwbfile.add_lab_meta_data(make_conversion_record(software="bergmann 0.1.0", clocks=[timed, STATED]))
    path = tmp_path / "a.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    assert validate(path=path) == []
    with NWBHDF5IO(path, "r") as io:
        rows = io.read().lab_meta_data["bergmann_conversion"].clocks.to_dataframe()
        assert Clock(**rows.iloc[0]) == timed
        assert rows["pulses"].tolist() == ["daq_FrameClock_pulses", ""]
        assert rows["n_missing"].tolist() == [2, 0]


def test_an_earlier_file_reads_with_the_classes_of_today(tmp_path: Path) -> None:
    path = tmp_path / "earlier.nwb"
    done = subprocess.run([sys.executable, "-c", _EARLIER, str(EARLIER), str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert validate(path=path) == []
    with NWBHDF5IO(path, "r") as io:
        clocks = io.read().lab_meta_data["bergmann_conversion"].clocks
        assert clocks.colnames == ("source", "reference", "method", "offset_in_seconds", "n_pulses")
        assert clocks["n_pulses"].data[:].tolist() == [1000]
        assert clocks.to_dataframe().iloc[0]["reference"] == "daq/FrameClock"


def test_the_specification_of_today_breaks_no_earlier_file() -> None:
    today = Path(ndx_bergmann.__file__).parent / "spec"
    assert list(incompatibilities(load_types(EARLIER), load_types(today))) == []


_EARLIER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from pynwb import NWBHDF5IO, NWBFile, get_class, load_namespaces
load_namespaces(str(Path(sys.argv[1]) / "ndx-bergmann.namespace.yaml"))
clocks = get_class("ClocksTable", "ndx-bergmann")(name="clocks", description="How.")
clocks.add_row(source="movie", reference="daq/FrameClock", method="offset", offset_in_seconds=0.25, n_pulses=1000)
nwbfile = NWBFile("earlier", "earlier", datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC))
nwbfile.add_lab_meta_data(get_class("ConversionRecord", "ndx-bergmann")(software="bergmann 0.1.0", clocks=clocks))
with NWBHDF5IO(sys.argv[2], "w") as io:
    io.write(nwbfile)
"""
