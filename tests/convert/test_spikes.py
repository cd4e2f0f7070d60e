"""Purkinje units in a session: from a table into the file, as pynwb alone reads it, with the cells that they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pynwb import NWBHDF5IO

from ..conftest import Ran
from .conftest import Folder

SPIKES = """\
  pc:      {format: spikes, path: pc.csv, columns: {unit: cluster, time: sample}, unit: samples, first_sample: 1, of: daq,
            labels: labels.csv, population: pc, compartment: soma, device: scope, location: "CUL4, 5"}
  others:  {format: spikes, path: others.csv, unit: s, of: daq}
"""


@pytest.fixture
def with_units(folder: Folder) -> Folder:
    (folder.path / "pc.csv").write_text("cluster,sample\nb,1002\na,2001\nb,3001\n", encoding="utf-8")
    (folder.path / "labels.csv").write_text("unit,quality\na,good\nb,mua\nsilent,good\n", encoding="utf-8")
    (folder.path / "others.csv").write_text("x,y\n0.5,1\n,1.25\n", encoding="utf-8")
    folder.state("sources:\n", f"sources:\n{SPIKES}")
    folder.state("populations:\n", 'populations:\n  pc: {cell_type: Purkinje cell, location: "CUL4, 5"}\n')
    return folder


def test_units_are_read_back_with_their_cells(with_units: Folder, bergmann: Callable[..., Ran], read_clean: Any) -> None:
    done = bergmann("convert", with_units.session, "--out", with_units.out)
    assert done.status == 0, done.stdout + done.stderr
    (path,) = with_units.out.rglob("*.nwb")
    errors, objects = read_clean(path)
    assert errors == []
    assert list(objects.values()).count("Units") == 2
    with NWBHDF5IO(path, "r") as io:
        nwbfile = io.read()
        units, others = nwbfile.units, nwbfile.processing["ecephys"]["others"]
        assert units["unit_name"][:].tolist() == ["b", "a", "silent"]
        assert units["quality"][:].tolist() == ["mua", "good", "good"]
        for row, times in enumerate([[1.001, 3.0], [2.0], []]):
            np.testing.assert_allclose(units["spike_times"][row], times, atol=1e-12)
        assert not {"waveform_mean", "electrodes"} & set(units.colnames)
        assert units["electrode_group"][0].location == "CUL4, 5"
        assert units.resolution == 1e-3
        np.testing.assert_allclose(others["spike_times"][1], [1.0, 1.25])
        assert "electrode_group" not in others.colnames
        annotations = nwbfile.lab_meta_data["glial_receptor_metadata"].cell_annotations_tables["cell_annotations_pc"]
        assert annotations["source"].table is units
        assert annotations["source"].data[:].tolist() == [0, 1, 2]
        assert annotations["population"][0]["cell_type"].tolist() == ["Purkinje cell"]
        assert annotations["compartment"][:].tolist() == ["soma"] * 3


def test_half_a_statement_is_a_gap(with_units: Folder, bergmann: Callable[..., Ran]) -> None:
    with_units.state(", compartment: soma, device: scope", "")
    done = bergmann("check", with_units.session)
    assert done.status == 1
    said = done.stdout + done.stderr
    assert "`population: pc` is stated, and no `compartment`" in said
    assert "`location: CUL4, 5` is stated, and no `device`" in said
