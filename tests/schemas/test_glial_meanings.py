"""What values and CURIEs mean is in the file, and reads back with pynwb alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pynwb
import pytest
from pynwb import NWBHDF5IO

import ndx_glial_receptors as glial
from ndx_glial_receptors.build_spec import GENETIC_STATUSES
from ndx_glial_receptors.meanings import add_meanings
from ndx_glial_receptors.references import add_references, uri_of
from ndx_glial_receptors.tables import tables_in
from ndx_glial_receptors.testing import mock

_READ = """
import json, sys, warnings

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("ndx_"):
            raise ModuleNotFoundError(name)
        return None

sys.meta_path.insert(0, Refuse())
warnings.simplefilter("error")
from pynwb import NWBHDF5IO
with NWBHDF5IO(sys.argv[1], "r") as io:
    nwbfile = io.read()
    warnings.simplefilter("ignore")  # hdmf 6.2 makes a table in a way that pandas 4 will not have
    meanings = {
        f"{one.parent.name}/{one.target.name}": dict(zip(one["value"][:], one["meaning"][:]))
        for one in nwbfile.objects.values() if type(one).__name__ == "MeaningsTable"
    }
    rows = nwbfile.external_resources.to_dataframe()
    columns = {key: nwbfile.objects[key] for key in rows["object_id"]}
    references = sorted(
        (columns[row.object_id].parent.name, columns[row.object_id].name, row.key, row.entity_id, row.entity_uri)
        for row in rows.itertuples()
    )
print(json.dumps([meanings, references]))
"""


def read_alone(path: Path) -> tuple[dict[str, dict[str, str]], list[list[str]]]:
    done = subprocess.run([sys.executable, "-c", _READ, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    meanings, references = json.loads(done.stdout.splitlines()[-1])
    return meanings, references


@pytest.fixture
def explained(nwbfile: Any, tmp_path: Path) -> Path:
    """A file of every type, explained twice."""
    mock.mock_ReceptorStateIntervals(nwbfile=nwbfile)
    mock.mock_CellAnnotationsTable(nwbfile=nwbfile, name="cell_annotations")
    mock.mock_GlialEventsTable(nwbfile=nwbfile)
    metadata = nwbfile.lab_meta_data["glial_receptor_metadata"]
    metadata.receptor_expression = mock.mock_ReceptorExpressionTable(receptors=metadata.receptors)
    for _ in range(2):
        add_meanings(nwbfile)
        add_references(nwbfile)
    path = tmp_path / "explained.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    return path


def test_every_category_and_every_curie_reads_back_with_pynwb_alone(explained: Path) -> None:
    assert pynwb.validate(path=explained) == []
    meanings, references = read_alone(explained)
    tables = [getattr(glial, name) for name in glial.__all__ if name != "GlialReceptorMetadata"]
    assert sorted(key.split("/")[1] for key in meanings) == sorted(name for table in tables for name in table.known_values)
    assert meanings["receptors/genetic_status"] == GENETIC_STATUSES
    assert references == [
        ["cell_populations", "cell_type", "Bergmann glial cell", "CL:0000644", "http://purl.obolibrary.org/obo/CL_0000644"],
        ["cell_populations", "cell_type", "noradrenergic neuron", "CL:0008025", "http://purl.obolibrary.org/obo/CL_0008025"],
        ["cell_populations", "location", "CUL4, 5", "MBA:1091", "https://identifiers.org/MBA:1091"],
        ["cell_populations", "location", "LC", "MBA:147", "https://identifiers.org/MBA:147"],
        ["drug_administrations", "compound", "capsaicin", "CHEBI:3374", "http://purl.obolibrary.org/obo/CHEBI_3374"],
        ["drug_administrations", "compound", "prazosin", "CHEBI:8364", "http://purl.obolibrary.org/obo/CHEBI_8364"],
        ["receptors", "gene_symbol", "Adra1a", "NCBIGene:11549", "https://www.ncbi.nlm.nih.gov/gene/11549"],
        ["receptors", "receptor_name", "alpha1A-adrenoceptor", "IUPHAR:22", uri_of("IUPHAR:22")],
    ]


def test_a_file_that_was_read_is_not_explained_again(explained: Path) -> None:
    before = read_alone(explained)
    with NWBHDF5IO(explained, "a") as io:
        nwbfile = io.read()
        add_meanings(nwbfile)
        add_references(nwbfile)
        io.write(nwbfile)
    assert read_alone(explained) == before


def test_a_text_with_two_identifiers_is_referenced_by_them(nwbfile: Any, tmp_path: Path) -> None:
    cells = glial.CellPopulationsTable()
    for label, place in (("a", "MBA:1091"), ("b", "UBERON:0004002"), ("c", "UBERON:0004002")):
        cells.add_row(label=label, cell_type="glia", cell_type_id="", location="lobule", location_id=place)
    nwbfile.add_lab_meta_data(glial.GlialReceptorMetadata(cell_populations=cells))
    add_references(nwbfile)
    path = tmp_path / "two.nwb"
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    assert [row[1:4] for row in read_alone(path)[1]] == [
        ["location_id", "MBA:1091", "MBA:1091"],
        ["location_id", "UBERON:0004002", "UBERON:0004002"],
    ]


def test_a_file_without_curies_gets_no_references(nwbfile: Any) -> None:
    nwbfile.add_lab_meta_data(glial.GlialReceptorMetadata(procedures=mock.mock_ProceduresTable()))
    add_references(nwbfile)
    assert nwbfile.external_resources is None
    assert [table.name for table in tables_in(nwbfile)] == ["procedures"]
