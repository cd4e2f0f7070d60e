"""A slice with its bath drugs: what it is, and when its receptors were in which state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pynwb import NWBHDF5IO

from bergmann.convert import Conversion, convert_session

SESSION = """\
session: {id: s2c1, start: "2019-01-25 10:46:00", description: Phenylephrine before and during prazosin.}
subject: {id: "#518", species: Mus musculus, sex: unknown, born: 2019-01-01}
preparation: {kind: acute slice, region: cerebellar vermis, orientation: sagittal, thickness: 300 um, cut: "09:05", bath: ACSF,
              temperature: unknown, slice: 2, cell: 1}
time_zone: America/New_York
devices: {scope: {model: Example 2P}}
populations: {bg: {cell_type: Bergmann glial cell, location: "CUL4, 5"}}
receptors: {adra1a_bg: {receptor: Adra1a, population: bg, status: endogenous}}
planes: {bg: {device: scope, location: "CUL4, 5", excitation: 920 nm, channels: {1: {label: GCaMP6f, emission: 525 nm}}}}
sources:
  movie: {format: tiff, path: movie.tif, rate: 1 Hz, plane: bg}
drugs:
  prazosin: {action: antagonist, dose: 1 uM, route: bath, from: 100 s after movie, to: 300 s after movie, reaches_bath_after: 90 s,
             receptors: [adra1a_bg]}
states:
  baseline: {state: baseline, receptors: [adra1a_bg], from: start of movie, to: prazosin starts, basis: before drug}
  blocked: {state: blocked, by: prazosin, receptors: [adra1a_bg], from: 2 min after prazosin, to: prazosin ends, basis: pilot}
  washout: {state: washout, by: prazosin, receptors: [adra1a_bg], from: 1 min after prazosin ends, to: end of movie, basis: plan}
"""


@pytest.fixture
def convert(tmp_path: Path) -> Callable[..., Conversion]:
    tifffile.imwrite(tmp_path / "movie.tif", np.zeros((400, 4, 6), np.uint16), photometric="minisblack")

    def converted(old: str = "", new: str = "") -> Conversion:
        (tmp_path / "session.yaml").write_text(SESSION.replace(old, new) if old else SESSION, encoding="utf-8")
        return convert_session(tmp_path / "session.yaml", tmp_path / "out")

    return converted


def test_a_slice_is_said_in_the_core_s_field_and_its_values_are_in_the_file(convert: Callable[..., Conversion]) -> None:
    done = convert()
    assert done.is_good, "\n".join(one.text for one in done.findings)
    assert done.target is not None
    with NWBHDF5IO(done.target, "r") as io:
        nwbfile = io.read()
        assert nwbfile.slices == (
            "acute slice of cerebellar vermis, sagittal, thickness: 300 um, cut: 09:05, bath: ACSF, temperature: unknown, "
            "slice: 2, cell: 1"
        )
        statements = nwbfile.lab_meta_data["bergmann_conversion"].statements.to_dataframe().set_index("key")
        assert statements.loc["preparation.slice", "value"] == "2"
        assert statements.loc["preparation.temperature", "kind"] == "unknown"


def test_a_state_counts_from_the_tap_and_not_from_the_bath(convert: Callable[..., Conversion]) -> None:
    target = convert().target
    assert target is not None
    with NWBHDF5IO(target, "r") as io:
        states = io.read().intervals["receptor_states"].to_dataframe().set_index("label")
        assert states["start_time"].tolist() == [0.0, 220.0, 360.0]  # 100 s and 2 min: not 90 s later
        assert states["stop_time"].tolist() == [100.0, 300.0, 399.0]


def test_a_state_before_the_drug_is_there_is_refused_and_nothing_is_written(
    convert: Callable[..., Conversion], tmp_path: Path
) -> None:
    done = convert("from: 2 min after prazosin,", "from: 80 s after prazosin,")
    assert done.result == "refused"
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").rglob("*.nwb"))
    (error,) = [one for one in done.findings if one.severity == "error"]
    assert error.location == "session.yaml:17 states.blocked.from"
    assert error.message == "blocked by prazosin from 180 s on, but prazosin was given at 100 s and reaches the bath 90 s later"
    assert error.remedy == "let it begin when prazosin is there: 190 s or later"


@pytest.mark.parametrize(
    ("old", "new", "location", "message"),
    [
        ("thickness: 300 um", "thickness: '300'", "preparation.thickness", "has no unit"),
        ("kind: acute slice, ", "", "preparation.kind", "`kind` is missing: what it is, such as acute slice"),
        ('cut: "09:05"', "cut: nine", "preparation.cut", "is not a time"),
        ("slice: 2", "slize: 2", "preparation.slize", "there is no key `slize` (did you mean `slice`?"),
        ("adra1a_bg], from: start", "adra1b], from: start", "states.baseline.receptors.0", "no `adra1b` in receptors"),
        ("blocked, by: prazosin", "blocked, by: prazocin", "states.blocked.by.0", "did you mean `prazosin`?"),
    ],
)  # fmt: skip
def test_a_slip_is_said_where_it_stands(
    convert: Callable[..., Conversion], old: str, new: str, location: str, message: str
) -> None:
    done = convert(old, new)
    assert done.result == "refused"
    errors = [one for one in done.findings if one.severity == "error"]
    assert any(location in one.location and message in one.text for one in errors), [one.text for one in errors]
