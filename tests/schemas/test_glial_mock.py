"""The mocks: each is whole by itself, and a file of all of them is valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pynwb
import pytest
from pynwb import NWBHDF5IO

import ndx_glial_receptors as glial
from ndx_glial_receptors.testing import mock


@pytest.mark.parametrize("name", sorted(glial.__all__))
def test_every_type_has_a_mock(name: str) -> None:
    made = getattr(mock, f"mock_{name}")()
    assert type(made) is getattr(glial, name)
    assert f"mock_{name}" in mock.__all__


@pytest.mark.parametrize(
    "name",
    ["GlialReceptorMetadata", "DrugAdministrationsTable", "ReceptorStateIntervals", "CellAnnotationsTable", "GlialEventsTable"],
)
def test_one_mock_in_a_file_brings_what_it_points_to(name: str, nwbfile: Any, tmp_path: Path) -> None:
    made = getattr(mock, f"mock_{name}")(nwbfile=nwbfile)
    path = tmp_path / "one.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    assert pynwb.validate(path=path) == []
    with NWBHDF5IO(path, "r") as io:
        assert type(io.read().objects[made.object_id]) is getattr(glial, name)


def test_mocks_in_one_file_share_their_tables(nwbfile: Any) -> None:
    drugs = mock.mock_DrugAdministrationsTable(nwbfile=nwbfile)
    states = mock.mock_ReceptorStateIntervals(nwbfile=nwbfile)
    events = mock.mock_GlialEventsTable(nwbfile=nwbfile)
    annotations = mock.mock_CellAnnotationsTable(nwbfile=nwbfile)
    metadata = nwbfile.lab_meta_data["glial_receptor_metadata"]
    assert drugs["receptors"].target.table is states["receptors"].target.table is metadata.receptors
    assert states["drug_administrations"].target.table is drugs
    assert events["population"].table is annotations["population"].table is metadata.cell_populations
    evidence = mock.mock_ReceptorExpressionTable(receptors=metadata.receptors)
    assert evidence["receptor"].table is metadata.receptors
