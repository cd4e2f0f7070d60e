"""How tables of ndx-glial-receptors are made: with the tables they point to, and with values that are checked."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pynwb import NWBHDF5IO
from pynwb.core import VectorData

import ndx_glial_receptors as glial
from ndx_glial_receptors.testing import mock

SPEC = Path(glial.__file__).parent / "spec"
RECEPTOR = {"label": "a", "receptor_name": "hM4Di", "role": "designer", "genetic_status": "exogenous", "population": 0}


def specified() -> dict[str, dict[str, Any]]:
    """The types as the specification has them, by name."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in SPEC.glob("*.e*.yaml")]
    return {group["neurodata_type_def"]: group for file in files for group in file["groups"]}


def receptors(**arguments: Any) -> Any:
    return glial.ReceptorsTable(cell_populations=mock.mock_CellPopulationsTable(), **arguments)


@pytest.mark.parametrize("name", sorted(set(glial.__all__) - {"GlialReceptorMetadata"}))
def test_the_docstring_says_every_column_as_the_specification_has_it(name: str) -> None:
    documented = inspect.getdoc(getattr(glial, name)) or ""
    said = dict(re.findall(r"^(\w+) : (.+)$", documented.partition("Columns\n-------\n")[2], re.MULTILINE))
    for column in specified()[name]["datasets"]:
        if column["neurodata_type_inc"] == "VectorIndex":
            continue
        words = said[column["name"]]
        assert ("required" in words) == ("quantity" not in column), column["name"]
        is_list = any(other["name"] == f"{column['name']}_index" for other in specified()[name]["datasets"])
        assert words.startswith("list of") == is_list, column["name"]
        if isinstance(column.get("dtype"), str):
            assert words.split(",")[0] == column["dtype"], column["name"]
        if column["neurodata_type_inc"] == "DynamicTableRegion":
            assert getattr(glial, name).targets[column["name"]][1] in words
    for column, values in getattr(glial, name).known_values.items():
        about = " ".join(documented.partition(f"\n{column} : ")[2].split("\n\n")[0].split())
        assert ", ".join(values) in about, column
        (described,) = (one["doc"] for one in specified()[name]["datasets"] if one["name"] == column)
        assert ", ".join(values) in described, column


def test_tables_are_given_by_name() -> None:
    cells, procedures = mock.mock_CellPopulationsTable(), mock.mock_ProceduresTable()
    table = glial.ReceptorsTable(cell_populations=cells, procedures=procedures)
    assert (table.name, table["population"].table, table["procedures"].target.table) == ("receptors", cells, procedures)
    states = glial.ReceptorStateIntervals(name="blocked", receptors=table)
    assert (states.name, states["receptors"].target.table) == ("blocked", table)
    assert "drug_administrations" not in states.colnames
    rois = mock.mock_PlaneSegmentation()
    annotations = glial.CellAnnotationsTable(source=rois, population=cells)
    assert (annotations["source"].table, annotations["population"].table) == (rois, cells)


def test_target_tables_as_pynwb_has_them_are_taken_too() -> None:
    cells = mock.mock_CellPopulationsTable()
    assert glial.ReceptorsTable(target_tables={"population": cells})["population"].table is cells


def test_a_table_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="ReceptorsTable: cell_populations is a ProceduresTable; expected a CellPopulationsTable"):
        glial.ReceptorsTable(cell_populations=mock.mock_ProceduresTable())


def test_rows_that_the_target_does_not_have_are_refused() -> None:
    table = receptors()
    for row in (2, -1):
        with pytest.raises(
            ValueError, match=rf"population is {row}; cell_populations has 2 rows, counted from 0; add the row there"
        ):
            table.add_row(**{**RECEPTOR, "population": row})
    with pytest.raises(ValueError, match=r"receptors is \[0, 7\]; receptors has 2 rows"):
        mock.mock_DrugAdministrationsTable().add_row(
            timestamp=0.0, compound="a", action="agonist", route="bath", timestamp_basis="tag", receptors=[0, 7]
        )
    assert len(table) == 0


def test_a_column_that_points_nowhere_is_refused_when_it_is_used() -> None:
    table = glial.ReceptorsTable()
    with pytest.raises(ValueError, match=r"population points to rows of a CellPopulationsTable, .* with cell_populations=\.\.\."):
        table.add_row(**RECEPTOR)
    with pytest.raises(ValueError, match=r"procedures points to rows .* or leave procedures out"):
        receptors().add_row(**RECEPTOR, procedures=[])


def test_references_that_a_row_leaves_out_are_none() -> None:
    table = receptors(procedures=mock.mock_ProceduresTable())
    table.add_row(**RECEPTOR, procedures=[1, 0])
    table.add_row(**RECEPTOR)
    assert [list(row) for row in table.to_dataframe(index=True)["procedures"]] == [[1, 0], []]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"genetic_status": "knocked down"},
            "genetic_status is 'knocked down'; allowed are: endogenous, .* is knocked_down meant?",
        ),
        ({"role": "xyz"}, "role is 'xyz'; allowed are: native, designer, sensor, other$"),
        ({"gene_id": "11549"}, "gene_id is '11549'; expected a prefix, a colon and an identifier, such as NCBIGene:11549"),
        ({"receptor_id": "IUPHAR: 22"}, "receptor_id is 'IUPHAR: 22'; expected a prefix.* such as IUPHAR:22; empty if none"),
        ({"gene_id": 11549}, "gene_id is 11549; expected a prefix"),
    ],
)
def test_a_value_that_a_column_does_not_take_is_refused_however_it_is_given(values: dict[str, Any], message: str) -> None:
    table = receptors()
    with pytest.raises(ValueError, match=message):
        table.add_row(**{**RECEPTOR, **values})
    with pytest.raises(ValueError, match=message):
        table.add_row({**RECEPTOR, **values})
    assert len(table) == 0
    ((name, value),) = values.items()
    for column in ([value], np.array([value])):
        if name not in table.colnames:
            with pytest.raises(ValueError, match=message):
                table.add_column(name=name, description="given whole", data=column)
        with pytest.raises(ValueError, match=message):
            glial.ReceptorsTable(columns=[VectorData(name=name, description="given whole", data=column)])


def test_events_and_intervals_are_checked_by_their_own_names_for_a_row_too() -> None:
    drugs = mock.mock_DrugAdministrationsTable()
    with pytest.raises(ValueError, match="action is 'block'; allowed are"):
        drugs.add_event(timestamp=0.0, compound="a", action="block", route="bath", timestamp_basis="tag")
    with pytest.raises(ValueError, match="state is 'on'; allowed are"):
        mock.mock_ReceptorStateIntervals().add_interval(start_time=0.0, stop_time=1.0, state="on", basis="", receptors=[])


@pytest.mark.parametrize("value", ["10.05.2024", "2024-5-1", "20240510", "", "2024-02-30"])
def test_a_date_is_iso_or_unknown(value: str) -> None:
    table = glial.ProceduresTable()
    with pytest.raises(ValueError, match=r"date is .*; expected a date as YYYY-MM-DD, such as 2024-05-10, or unknown"):
        table.add_row(label="a", kind="sham", date=value)
    table.add_row(label="a", kind="sham", date="unknown")
    table.add_row(label="b", kind="sham", date="2024-05-10")


def test_an_identifier_may_be_empty() -> None:
    table = glial.CellPopulationsTable()
    table.add_row(label="a", cell_type="glia", cell_type_id="", location="DRG", location_id="UBERON:0000044")
    assert table["cell_type_id"].data == [""]


def test_reading_refuses_nothing(nwbfile: Any, tmp_path: Path) -> None:
    """What another writer, or a later version, has written is read as it stands."""
    metadata = mock.mock_GlialReceptorMetadata(nwbfile=nwbfile)
    metadata.receptors["role"].data[0] = "decoy"
    metadata.receptors["gene_id"].data[0] = "11549"
    metadata.procedures["date"].data[0] = "May"
    path = tmp_path / "odd.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    with NWBHDF5IO(path, "r") as io:
        read = io.read().lab_meta_data["glial_receptor_metadata"]
        assert (read.receptors["role"][0], read.receptors["gene_id"][0], read.procedures["date"][0]) == ("decoy", "11549", "May")


def test_rows_can_be_added_to_a_table_that_was_read(nwbfile: Any, tmp_path: Path) -> None:
    mock.mock_GlialReceptorMetadata(nwbfile=nwbfile)
    path = tmp_path / "a.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    with NWBHDF5IO(path, "a") as io:
        read = io.read()
        table = read.lab_meta_data["glial_receptor_metadata"].cell_populations
        with pytest.raises(ValueError, match="cell_type_id is '644'"):
            table.add_row(label="c", cell_type="a", cell_type_id="644", location="b", location_id="", identification="")
        table.add_row(label="c", cell_type="a", cell_type_id="CL:0000644", location="b", location_id="", identification="")
        io.write(read)
    with NWBHDF5IO(path, "r") as io:
        assert list(io.read().lab_meta_data["glial_receptor_metadata"].cell_populations["label"][:]) == ["bg", "lc", "c"]
