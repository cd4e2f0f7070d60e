"""Statements of receptors, drugs, vectors and cells that cannot be are found; an experiment as it is written is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from .nwb_files import check_written, make_nwbfile, write

GLIA = "general/glial_receptor_metadata"
DRUGS = "events/drug_administrations"
STATES = "intervals/receptor_states"


def good_file(tmp_path: Path) -> Path:
    from ndx_glial_receptors.testing.mock import (
        mock_DrugAdministrationsTable,
        mock_GlialReceptorMetadata,
        mock_ReceptorStateIntervals,
    )

    nwbfile = make_nwbfile()
    metadata = mock_GlialReceptorMetadata(nwbfile=nwbfile)
    drugs = mock_DrugAdministrationsTable(nwbfile=nwbfile, receptors=metadata.receptors)
    states = mock_ReceptorStateIntervals(
        nwbfile=nwbfile, receptors=metadata.receptors, drug_administrations=drugs, name="receptor_states"
    )
    assert states.parent is not None
    path = write(nwbfile, tmp_path)
    with h5py.File(path, "r+") as file:  # the mock's session is another day
        file[f"{GLIA}/procedures/date"][...] = ["2024-04-19", "2024-05-10"]
        file[f"{DRUGS}/duration"][1] = 0.0
        of(first_injection, "location", "CUL4, 5")(file)
    return path


def found_in(tmp_path: Path, *damages: Callable[[h5py.File], Any]) -> dict[str, str]:
    path = good_file(tmp_path)
    with h5py.File(path, "r+") as file:
        for damage in damages:
            damage(file)
    return {one.check: f"{one.location.removeprefix('file.nwb:/')}: {one.message}" for one in check_written(path)}


def edit(name: str, row: int, value: Any) -> Callable[[h5py.File], None]:
    return lambda file: file[name].__setitem__(row, value)


def first_vector(file: h5py.File) -> Any:
    return next(one for one in file[GLIA].values() if one.attrs["neurodata_type"] == "ViralVector")


def first_injection(file: h5py.File) -> Any:
    return next(one for one in file[GLIA].values() if one.attrs["neurodata_type"] == "ViralVectorInjection")


def of(find: Callable[[h5py.File], Any], key: str, value: Any) -> Callable[[h5py.File], None]:
    """Set a field of an object, whether it is an attribute or a dataset there."""

    def damage(file: h5py.File) -> None:
        one = find(file)
        if key in one:
            del one[key]
            one[key] = value
        else:
            one.attrs[key] = value

    return damage


def unname_receptors_of_drugs(file: h5py.File) -> None:
    file[f"{DRUGS}/receptors_index"][...] = np.zeros(2, dtype=np.uint8)
    kept = dict(file[f"{DRUGS}/receptors"].attrs)
    del file[f"{DRUGS}/receptors"]
    file[f"{DRUGS}/receptors"] = np.zeros(0, dtype=np.int64)
    file[f"{DRUGS}/receptors"].attrs.update(kept)


RECEPTORS = f"{GLIA}/receptors"
CELLS = f"{GLIA}/cell_populations"


def test_an_experiment_as_it_is_written_is_not_found(tmp_path: Path) -> None:
    assert found_in(tmp_path) == {}


@pytest.mark.parametrize(
    ("damages", "check", "message"),
    [
        (
            [edit(f"{RECEPTORS}/gene_id", 0, "NCBIGene:11548")],
            "receptors_identifiers_agree",
            "gene_id of adra1a_bg is NCBIGene:11548, which is",
        ),
        ([edit(f"{RECEPTORS}/receptor_id", 0, "IUPHAR:23")], "receptors_identifiers_agree", "which is α1B-adrenoceptor"),
        (
            [edit(f"{RECEPTORS}/genetic_status", 0, "endogenous")],
            "receptors_status_possible",
            "adra1a_bg is endogenous, and shRNA is named",
        ),
        ([edit(f"{RECEPTORS}/genetic_status", 1, "knocked_out")], "receptors_status_possible", "hm4di_lc is a designer protein"),
        ([edit(f"{RECEPTORS}/population", 1, 7)], "receptors_designer_has_population", "hm4di_lc (designer) names population 7"),
        ([edit(f"{CELLS}/cell_type", 1, "unknown")], "receptors_designer_has_population", "the cells of hm4di_lc are unknown"),
        (
            [
                edit(f"{DRUGS}/compound", 1, "clozapine N-oxide"),
                edit(f"{DRUGS}/compound_id", 1, ""),
                edit(f"{DRUGS}/action", 1, "agonist"),
                edit(f"{RECEPTORS}/role", 1, "native"),
            ],
            "drugs_ligand_has_designer_receptor",
            "clozapine N-oxide was given, and no designer receptor is listed",
        ),
        ([unname_receptors_of_drugs], "drugs_name_receptor", "prazosin is given as antagonist, and no receptor is named"),
        ([edit(f"{DRUGS}/dose_unit", 1, "g")], "drugs_dose_plausible", "capsaicin: 10 g: nobody gives so much"),
        ([edit(f"{DRUGS}/dose", 1, -1.0)], "drugs_dose_plausible", "capsaicin: -1 ug: a dose is more than nothing"),
        (
            [edit(f"{DRUGS}/dose_unit", 0, "M"), edit(f"{DRUGS}/dose", 0, 10.0)],
            "drugs_dose_plausible",
            "prazosin: 10 M: nobody gives so much",
        ),
        (
            [edit(f"{STATES}/stop_time", 0, 200.0)],
            "receptors_states_consistent",
            "from 120 to 200 s a receptor is baseline and blocked",
        ),
        (
            [edit(f"{DRUGS}/timestamp", 0, 150.0)],
            "receptors_states_consistent",
            "blocked begins at 120 s by prazosin, which was given at 150 s",
        ),
        (
            [edit(f"{CELLS}/location", 0, "dorsal horn"), edit(f"{CELLS}/location_id", 0, "")],
            "cells_location_compatible",
            "Bergmann glial cell (bg) in dorsal horn",
        ),
        (
            [edit(f"{CELLS}/location_id", 1, "MBA:1091")],
            "cells_location_compatible",
            "location of lc is LC (locus ceruleus), and location_id",
        ),
        ([of(first_vector, "titer_in_vg_per_ml", 1.2)], "injections_plausible", "its titre is 1.2 vg/mL"),
        ([of(first_injection, "volume_in_uL", 5e5)], "injections_plausible", "its volume is 500000 uL"),
        (
            [edit(f"{GLIA}/procedures/days_before_session", 0, 7.0)],
            "procedures_dates_agree",
            "28 days before 2024-05-17, and days_before",
        ),
    ],
)
def test_a_strange_statement_is_found(tmp_path: Path, damages: list[Callable[[h5py.File], None]], check: str, message: str) -> None:
    assert message in found_in(tmp_path, *damages)[check]


def receptors_of(tmp_path: Path, **changed: Any) -> dict[str, str]:
    """A file with one receptor of one population, changed by a vector that was injected there."""
    from ndx_ophys_devices.testing import mock_ViralVector, mock_ViralVectorInjection

    from ndx_glial_receptors import CellPopulationsTable, GlialReceptorMetadata, ReceptorsTable

    vector = mock_ViralVector(name="shrna", construct_name=changed.get("construct_name", "AAV5-shRNA"))
    injection = mock_ViralVectorInjection(name="injection", viral_vector=vector, location=changed.get("injected", "CUL4, 5"))
    cells = CellPopulationsTable()
    cells.add_row(label="bg", cell_type="Bergmann glial cell", location="cerebellum")
    receptors = ReceptorsTable(cell_populations=cells)
    how = {"viral_vector_injections": [injection]} if changed.get("has_evidence", True) else {}
    receptors.add_row(
        label="adra1a", receptor_name="alpha1A-adrenoceptor", role="native", genetic_status="knocked_down", population=0, **how
    )
    nwbfile = make_nwbfile()
    parts = {"viral_vectors": [vector], "viral_vector_injections": [injection]} if how else {}
    nwbfile.add_lab_meta_data(GlialReceptorMetadata(cell_populations=cells, receptors=receptors, **parts))
    return {one.check: one.message for one in check_written(write(nwbfile, tmp_path))}


def test_a_vector_that_went_to_the_population_is_not_found(tmp_path: Path) -> None:
    assert receptors_of(tmp_path) == {}


def test_a_knockdown_without_evidence_is_found(tmp_path: Path) -> None:
    found = receptors_of(tmp_path, has_evidence=False)
    assert found == {"receptors_knockdown_has_evidence": "adra1a is knocked_down, and nothing in the file says how or shows it"}


def test_a_vector_that_went_elsewhere_is_found_unless_it_travels(tmp_path: Path) -> None:
    found = receptors_of(tmp_path, injected="LC")
    assert found == {"receptors_point_where_vector_went": "adra1a is changed in bg (cerebellum), and its vector went to LC"}
    assert receptors_of(tmp_path, injected="LC", construct_name="AAVretro-shRNA") == {}
