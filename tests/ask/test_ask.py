"""A question is answered by rows: what is joined in it holds for one receptor, in one population, of one file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bergmann.ask import Answer, Answers, QuestionError, ask, make_question, read_file
from bergmann.cli import main
from bergmann.errors import SourceError

from .conftest import BG, PC, V1, Write, adra1a

CAPSAICIN = {
    "timestamp": 213.0,
    "compound": "capsaicin",
    "compound_id": "CHEBI:3374",
    "action": "stimulus",
    "dose": 10.0,
    "dose_unit": "ug",
    "route": "intraplantar",
    "timestamp_basis": "notebook",
}
SNI = {"label": "nerve", "kind": "nerve_injury", "model": "spared nerve injury", "date": "2024-05-10", "days_before_session": 7.0}


def given(compound: str, action: str, receptors: list[int], **more: Any) -> dict[str, Any]:
    row = {**CAPSAICIN, "compound": compound, "compound_id": "", "action": action, "route": "bath", "receptors": receptors}
    return {**row, **more}


def state(name: str, start: float, stop: float, receptors: list[int]) -> dict[str, Any]:
    return {"start_time": start, "stop_time": stop, "state": name, "basis": "stated", "receptors": receptors}


def found(path: Path, **criteria: Any) -> list[tuple[str, str]]:
    """Labels of the receptor and the population of each answer."""
    answers = ask([path], cache=False, **criteria).answers
    return [(one.receptor.label if one.receptor else "", one.population.label if one.population else "") for one in answers]


# --- joined by row ------------------------------------------------------------------------------------------------------


def test_a_status_of_one_row_is_not_the_status_of_another(write: Write) -> None:
    """Adra1a is endogenous in Bergmann glia and knocked down in Purkinje cells: nothing is knocked down in Bergmann glia."""
    path = write(populations=[BG, PC], receptors=[adra1a(0, "endogenous"), adra1a(1, "knocked_down")])
    assert found(path, gene="Adra1a", status="knocked_down", cell_type="Bergmann glial cell") == []
    assert found(path, gene="Adra1a", status="knocked_down", cell_type="Purkinje cell") == [("adra1a_1_knocked_down", "pc")]
    assert found(path, gene="Adra1a", status="endogenous", cell_type="Bergmann glial cell") == [("adra1a_0_endogenous", "bg")]
    assert found(path, gene="Adra1a") == [("adra1a_0_endogenous", "bg"), ("adra1a_1_knocked_down", "pc")]


def test_an_indicator_must_be_seen_in_the_cells_that_are_asked_for(write: Write) -> None:
    path = write(
        populations=[BG, PC],
        receptors=[adra1a(0, "knocked_down"), adra1a(1, "endogenous")],
        planes={"one": ("GCaMP6f", "CUL4, 5", "plane"), "two": ("jRGECO1a", "CUL4, 5", "Imaging plane. Population: pc.")},
        rois={"rois": ("one", 3, [0, 0, 0]), "more": ("two", 4, None)},
    )
    assert found(path, cell_type="Bergmann glia", indicator="GCaMP") == [("adra1a_0_knocked_down", "bg")]
    assert found(path, cell_type="Purkinje cell", indicator="GCaMP") == []
    assert found(path, indicator="rgeco") == [("adra1a_1_endogenous", "pc")]
    assert found(path, indicator=["GCaMP6s", "OGB-1"]) == []


def test_a_plane_whose_cells_nobody_said_is_an_answer_with_a_note_unless_it_is_elsewhere(write: Write) -> None:
    path = write(
        populations=[BG, V1],
        receptors=[adra1a(0, "knocked_down"), adra1a(1, "endogenous")],
        planes={"unsaid": ("GCaMP6f", "VISp, layer 2/3", "plane")},
    )
    (answer,) = ask([path], cache=False, gene="Adra1a", indicator="GCaMP6").answers
    assert answer.population is not None
    assert answer.population.label == "v1"
    assert answer.notes == ("the file does not say whose cells unsaid shows",)


def test_drug_action_and_route_hold_for_one_administration(write: Write) -> None:
    path = write(
        receptors=[adra1a(0, "endogenous")],
        drugs=[CAPSAICIN, {**CAPSAICIN, "compound": "saline", "compound_id": "", "route": "bath"}],
    )
    assert found(path, drug="capsaicin", route="intraplantar") == [("adra1a_0_endogenous", "bg")]
    assert found(path, drug="capsaicin", route="bath") == []
    assert found(path, drug="CHEBI:3374") == [("adra1a_0_endogenous", "bg")]


def test_an_action_is_one_at_the_receptor_that_is_asked_for(write: Write) -> None:
    """Prazosin is given against the receptor of row 0; row 1 is found by the drug alone, which was given to the animal."""
    path = write(
        populations=[BG, PC],
        receptors=[adra1a(0, "endogenous"), adra1a(1, "endogenous")],
        drugs=[given("prazosin", "antagonist", [0])],
    )
    assert found(path, gene="Adra1a", action="antagonist") == [("adra1a_0_endogenous", "bg")]
    assert found(path, cell_type="Purkinje cell", gene="Adra1a", action="antagonist") == []
    assert found(path, cell_type="Purkinje cell", gene="Adra1a", drug="prazosin") == [("adra1a_1_endogenous", "pc")]


def test_a_drug_of_which_nobody_said_where_it_acts_may_act_on_any_receptor(write: Write) -> None:
    path = write(receptors=[adra1a(0, "endogenous")], drugs=[given("CNO", "agonist", [])])
    assert found(path, gene="Adra1a", drug="clozapine N-oxide", action="agonist") == [("adra1a_0_endogenous", "bg")]


def test_days_are_those_since_the_very_procedure(write: Write) -> None:
    window = {"label": "w", "kind": "window", "model": "", "date": "2024-04-19", "days_before_session": 28.0}
    path = write(procedures=[window, SNI])
    for procedure in ("spared nerve injury", "SNI", "nerve injury", "nerve"):
        assert found(path, procedure=procedure, days="5-10") == [("", "bg")]
        assert found(path, procedure=procedure, days="20-") == []
    assert found(path, procedure="window", days="28") == [("", "bg")]
    assert found(path, procedure=["window", "CCI"], days=["1", "28"]) == [("", "bg")]
    assert found(path, days="8-27") == []
    assert found(path, procedure="SNI", days=["6.5-7"]) == [("", "bg")]


def test_a_sham_is_not_the_injury_that_it_is_the_sham_of(write: Write) -> None:
    path = write(procedures=[{**SNI, "kind": "sham", "label": "sni"}])
    assert found(path, procedure="spared nerve injury") == found(path, procedure="SNI") == []
    assert found(path, procedure="sham") == found(path, procedure="sham SNI") == [("", "bg")]
    assert found(path, procedure="sham of spared nerve injury") == [("", "bg")]


def test_days_that_nobody_knows_are_in_no_range(write: Write) -> None:
    path = write(procedures=[{**SNI, "date": "unknown", "days_before_session": float("nan")}])
    assert found(path, procedure="SNI") == [("", "bg")]
    assert found(path, procedure="SNI", days="0-") == []


def test_a_state_is_one_of_that_receptor(write: Write) -> None:
    path = write(
        populations=[BG, PC],
        receptors=[adra1a(0, "endogenous"), adra1a(1, "endogenous")],
        states=[state("blocked", 600.0, 1800.0, [0]), state("baseline", 0.0, 600.0, [0, 1])],
    )
    (answer,) = ask([path], cache=False, state="blocked").answers
    assert answer.receptor is not None
    assert answer.receptor.label == "adra1a_0_endogenous"
    assert [(one.state, one.start, one.stop) for one in answer.states] == [("blocked", 600.0, 1800.0), ("baseline", 0.0, 600.0)]
    assert found(path, state="baseline", cell_type="Purkinje cell") == [("adra1a_1_endogenous", "pc")]


# --- what a name means ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Adra1a", "ADRA1A", "α1A-adrenoceptor", "alpha-1A adrenergic receptor", "IUPHAR:22", "MGI:104773"]
)
def test_a_receptor_is_found_by_every_name(write: Write, name: str) -> None:
    path = write(
        receptors=[
            adra1a(0, "endogenous"),
            adra1a(
                0,
                "endogenous",
                label="b",
                receptor_name="α1B-adrenoceptor",
                receptor_id="IUPHAR:23",
                gene_symbol="Adra1b",
                gene_id="NCBIGene:11548",
            ),
        ]
    )
    assert found(path, receptor=name) == [("adra1a_0_endogenous", "bg")]
    assert found(path, gene=name) == [("adra1a_0_endogenous", "bg")]


@pytest.mark.parametrize("family", ["alpha-1", "α1-adrenoceptor", "alpha-1 adrenergic receptor", "adrenoceptor"])
def test_a_family_finds_its_members_and_itself(write: Write, family: str) -> None:
    stated = adra1a(0, "knocked_down", label="family", receptor_name="α1-adrenoceptor", receptor_id="", gene_symbol="", gene_id="")
    other = adra1a(0, "endogenous", label="p2y1", receptor_name="P2Y1 receptor", receptor_id="", gene_symbol="P2ry1", gene_id="")
    path = write(receptors=[adra1a(0, "endogenous"), stated, other])
    assert [label for label, _ in found(path, receptor=family)] == ["adra1a_0_endogenous", "family"]


def test_a_member_does_not_find_its_family(write: Write) -> None:
    stated = adra1a(0, "knocked_down", label="family", receptor_name="α1-adrenoceptor", receptor_id="", gene_symbol="", gene_id="")
    assert found(write(receptors=[stated]), receptor="Adra1a") == []


def test_a_receptor_that_is_named_by_its_gene_alone_is_found(write: Write) -> None:
    row = adra1a(0, "endogenous", receptor_name="the receptor of our lab", receptor_id="", gene_id="")
    assert len(found(write(receptors=[row]), receptor="IUPHAR:22")) == 1


def test_a_designer_receptor_is_not_its_parent(write: Write) -> None:
    row = adra1a(
        0,
        "exogenous",
        receptor_name="hM3Dq",
        receptor_id="",
        gene_symbol="CHRM3",
        gene_id="",
        role="designer",
        construct="AAV5-GFAP-hM3D(Gq)-mCherry",
    )
    path = write(receptors=[row])
    assert found(path, receptor="M3 receptor") == []
    assert len(found(path, receptor="hM3D(Gq)")) == len(found(path, receptor="DREADD")) == 1
    assert len(found(path, gene="Chrm3", role="designer")) == 1
    assert found(path, gene="Chrm3", role="native") == []
    assert len(found(path, construct="hm3d(gq)")) == 1


@pytest.mark.parametrize("name", ["astrocyte", "astrocytes", "glial cell", "CL:0000126", "Bergmann glia", "BG"])
def test_a_cell_type_finds_its_subtypes(write: Write, name: str) -> None:
    assert found(write(populations=[BG, PC]), cell_type=name) == [("", "bg")]


def test_a_subtype_does_not_find_what_it_is_a_subtype_of(write: Write) -> None:
    assert found(write(populations=[V1]), cell_type="Bergmann glial cell") == []


def test_cells_of_a_file_without_identifiers_are_found_by_name(write: Write) -> None:
    path = write(populations=[{"label": "a", "cell_type": "bergmann glia", "location": "cerebellum"}])
    assert found(path, cell_type="astrocyte") == [("", "a")]
    assert found(path, cell_type="neuron") == []


@pytest.mark.parametrize("name", ["cerebellum", "CBX", "CUL4, 5", "lobule IV/V", "MBA:1091", "culmen"])
def test_a_place_finds_what_is_within_it(write: Write, name: str) -> None:
    assert found(write(populations=[BG, V1]), location=name) == [("", "bg")]


def test_several_values_of_one_criterion_are_any_of_them(write: Write) -> None:
    path = write(populations=[BG, PC, V1])
    assert found(path, cell_type=["Bergmann glia", "Purkinje cell"]) == [("", "bg"), ("", "pc")]
    assert found(path, population=["V1"], cell_type="astrocyte") == [("", "v1")]


def test_arm_and_keyword(write: Write) -> None:
    path = write(arm="shrna", keywords=["noradrenaline"])
    assert found(path, arm="shRNA") == found(path, keyword="Noradrenaline") == [("", "bg")]
    assert found(path, arm="scrambled") == found(path, keyword="dopamine") == []


def test_a_name_that_the_vocabulary_does_not_know_is_said_and_looked_for_as_it_is_spelled(write: Write) -> None:
    row = adra1a(0, "endogenous", receptor_name="Foo channel", receptor_id="", gene_symbol="Foo1", gene_id="")
    answers = ask([write(receptors=[row])], cache=False, gene="foo1")
    assert len(answers.answers) == 1
    assert len(answers.hints) == 1
    assert "'foo1' is not a receptor of the vocabulary" in answers.hints[0]
    assert ask([write()], cache=False, cell_type="neurons", receptor="alpha-1", location="V1", drug="CNO").hints == ()


# --- what comes back ------------------------------------------------------------------------------------------------------


def test_rois_are_counted_once_by_population_and_nothing_is_counted_where_nothing_is_assigned(write: Write) -> None:
    path = write(
        populations=[BG, PC, V1],
        planes={"one": ("GCaMP6f", "CUL4, 5", "plane"), "two": ("GCaMP6f", "CUL4, 5", "Imaging plane. Population: pc.")},
        rois={"rois": ("one", 5, [0, 0, 1, 0, 1]), "more": ("two", 4, None), "others": ("one", 9, None)},
    )
    rois = [one.population.rois for one in ask([path], cache=False).answers if one.population]
    assert rois == [3, 2 + 4, None]


def test_a_file_without_the_extension_answers_what_core_says(write: Write) -> None:
    planes = {"a": ("GCaMP6f", "cerebellum", "plane"), "b": ("jRGECO1a", "V1, layer 2/3", "plane")}
    path = write(populations=[], planes=planes, keywords=["astrocyte"])

    def names(**criteria: Any) -> list[str]:
        return [plane.name for one in ask([path], cache=False, **criteria).answers for plane in one.planes]

    assert names(indicator="GCaMP") == ["a"]
    assert names(location="primary visual cortex") == ["b"]
    assert names(location="VISp", indicator="GCaMP") == []
    assert names() == names(keyword="astrocyte") == ["a", "b"]
    assert names(gene="Adra1a") == names(cell_type="astrocyte") == names(procedure="SNI") == names(drug="ATP") == []


def put_table(parent: h5py.Group, name: str, kind: str, **columns: Any) -> h5py.Group:
    """A table as it stands in HDF5."""
    table = parent.create_group(name)
    table.attrs["neurodata_type"] = kind
    length = len(next(iter(columns.values())))
    for column, values in {"id": np.arange(length), **columns}.items():
        table.create_dataset(column, data=values, dtype=h5py.ref_dtype if isinstance(values[0], h5py.Reference) else None)
    return table


def annotate(file: h5py.File, target: h5py.Group, populations: list[int]) -> None:
    rows = {"source": np.arange(len(populations)), "population": np.array(populations)}
    glial = file["general/glial_receptor_metadata"]
    table = put_table(glial, f"of_{target.name.rsplit('/', 1)[-1]}", "CellAnnotationsTable", **rows)
    table["source"].attrs["table"] = target.ref


def test_photometry_and_units_are_of_populations_too(write: Write) -> None:
    """Two fibers, of which one looks at Bergmann glia in the cerebellum, and three units of Purkinje cells."""
    path = write(populations=[BG, PC])
    with h5py.File(path, "r+") as file:
        photometry = file["general"].create_group("fiber_photometry")
        indicators = [photometry.create_group(name) for name in ("one", "GRAB_NE2m")]
        indicators[0].attrs["label"] = "GCaMP8m"
        columns = {"location": [b"CUL4, 5", b"LC"], "indicator": [indicators[number].ref for number in (0, 1)]}
        fibers = put_table(photometry, "table", "FiberPhotometryTable", **columns)
        annotate(file, fibers, [0, 0])
        annotate(file, put_table(file, "units", "Units", depth=[1.0, 2.0, 3.0]), [1, 1, 1])
    bg, pc = ask([path], cache=False).answers
    assert bg.population is not None
    assert pc.population is not None
    assert (bg.population.fibers, bg.population.units, bg.population.rois) == (2, None, None)
    assert (pc.population.fibers, pc.population.units, pc.population.rois) == (None, 3, None)
    assert found(path, indicator="GCaMP8") == found(path, indicator="ne2m") == [("", "bg")]


def test_a_column_of_numbers_that_stand_for_texts_is_read_as_these(write: Write) -> None:
    path = write(receptors=[adra1a(0, "endogenous"), adra1a(0, "endogenous")])
    with h5py.File(path, "r+") as file:
        table = file["general/glial_receptor_metadata/receptors"]
        del table["genetic_status"]
        elements = table.create_dataset("genetic_status_elements", data=[b"control", b"knocked_down"])
        table.create_dataset("genetic_status", data=np.array([1, 0], dtype=np.uint8)).attrs["elements"] = elements.ref
    assert [one.status for one in read_file(path).receptors] == ["knocked_down", "control"]


@pytest.mark.parametrize("name", ["1.1.2_nwbfile.nwb", "2.2.0_subject_no_age__reference.nwb"])
def test_old_files_of_others_are_read(real: Callable[[str], Path], name: str) -> None:
    facts = read_file(real(f"nwb/pynwb_back_compat/{name}"))
    assert facts.identifier == "ADDME"
    assert facts.subject == ("RAT123" if name.startswith("2.2.0") else "")


def test_a_construct_is_taken_from_the_injection_where_it_stands_nowhere_else(tmp_path: Path) -> None:
    from ndx_ophys_devices import ViralVector, ViralVectorInjection
    from pynwb import NWBHDF5IO

    from ndx_glial_receptors import CellPopulationsTable, GlialReceptorMetadata, ReceptorsTable

    from .conftest import Said, build

    vector = ViralVector(name="v", construct_name="AAV5-shRNA(Adra1a)", manufacturer="own", titer_in_vg_per_ml=1e12)
    injection = ViralVectorInjection(
        name="i",
        location="CUL4, 5",
        hemisphere="left",
        reference="bregma",
        ap_in_mm=-6.0,
        ml_in_mm=-0.8,
        dv_in_mm=-0.3,
        volume_in_uL=0.3,
        viral_vector=vector,
        description="d",
    )
    nwbfile = build("s", Said(populations=()))
    populations = CellPopulationsTable(description="cells")
    populations.add_row(**BG)
    receptors = ReceptorsTable(description="receptors", target_tables={"population": populations})
    row = {key: value for key, value in adra1a(0, "knocked_down").items() if key != "construct"}
    receptors.add_row(**row, viral_vector_injections=[])
    receptors.add_row(**row, viral_vector_injections=[injection])
    metadata = GlialReceptorMetadata(cell_populations=populations, receptors=receptors)
    metadata.add_viral_vectors(vector)
    metadata.add_viral_vector_injections(injection)
    nwbfile.add_lab_meta_data(metadata)
    with NWBHDF5IO(tmp_path / "s.nwb", "w") as io:
        io.write(nwbfile)
    assert [one.construct for one in read_file(tmp_path / "s.nwb").receptors] == ["", "AAV5-shRNA(Adra1a)"]
    (answer,) = ask([tmp_path / "s.nwb"], cache=False, construct="shRNA").answers
    assert answer.receptor is not None
    assert answer.receptor.construct == "AAV5-shRNA(Adra1a)"


# --- files ------------------------------------------------------------------------------------------------------------------


def test_folders_are_asked_with_all_below_them_and_each_file_once(write: Write, tmp_path: Path) -> None:
    one, two = write("sub-1/one.nwb"), write("sub-2/deep/two.nwb")
    (tmp_path / "data" / ".hidden.nwb").write_bytes(b"temporary")
    answers = ask([tmp_path / "data", one], cache=False)
    assert [answer.session for answer in answers.answers] == ["one", "two"]
    assert [Path(answer.file) for answer in answers.answers] == [one, two]
    assert answers.n_files == answers.n_sessions == 2


def test_a_file_that_is_named_in_two_ways_is_asked_once(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("one.nwb")
    monkeypatch.chdir(path.parent)
    assert ask([path, "one.nwb", ".", Path("..") / path.parent.name]).n_files == 1


def damage_column(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        table = file["general/glial_receptor_metadata/receptors"]
        del table["gene_symbol"]
        table.create_dataset("gene_symbol", data=np.array([b"a", b"b", b"c"]))


def damage_pointer(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["general/glial_receptor_metadata/receptors/population"][0] = 7


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])


def no_nwb(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = 1


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damage_column, "the column `gene_symbol` has shape (3,), the table has 1 rows"),
        (damage_pointer, "the column `population` points to row 7 of a table with 1 rows"),
        (cut, "it is damaged or no HDF5 file"),
        (no_nwb, "it is an HDF5 file, but not an NWB file"),
        (lambda path: path.write_bytes(b"no"), "it is damaged or no HDF5 file"),
    ],
)
def test_a_damaged_file_is_said_and_left_out(write: Write, damage: Callable[[Path], None], said: str) -> None:
    good, bad = write("good.nwb", receptors=[adra1a(0, "endogenous")]), write("bad.nwb", receptors=[adra1a(0, "endogenous")])
    damage(bad)
    answers: Answers = ask([good.parent], gene="Adra1a")
    assert [answer.session for answer in answers.answers] == ["good"]
    (finding,) = answers.unreadable
    assert finding.location == str(bad)
    assert said in finding.message


def test_bytes_turned_at_any_place_never_end_the_asking(write: Write) -> None:
    """Whatever is wrong with a file, it is an answer, no answer, or a finding."""
    path = write(receptors=[adra1a(0, "endogenous")], procedures=[SNI], drugs=[CAPSAICIN])
    content = path.read_bytes()
    random = np.random.default_rng(1)
    for place in random.integers(0, len(content), 150):
        turned = bytearray(content)
        turned[place] ^= 0xFF
        path.write_bytes(turned)
        answers = ask([path], cache=False, gene="Adra1a")
        assert len(answers.unreadable) + len(answers.answers) <= 1


def test_links_that_lead_nowhere_or_out_of_the_file_are_passed_over(write: Write, tmp_path: Path) -> None:
    path, other = write(receptors=[adra1a(0, "endogenous")]), tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file.create_group("g").attrs["neurodata_type"] = "DrugAdministrationsTable"
    with h5py.File(path, "r+") as file:
        events = file.require_group("events")
        events["nowhere"] = h5py.SoftLink("/no/such/thing")
        events["outside"] = h5py.ExternalLink(str(other), "/g")
    assert found(path) == [("adra1a_0_endogenous", "bg")]


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere: there is no such file or folder"):
        ask([tmp_path / "nowhere"])


def test_an_address_of_another_kind_is_refused_with_what_can_be_asked() -> None:
    with pytest.raises(SourceError, match="s3://dandiarchive/a: only addresses that begin with http:// or https:// can be asked"):
        ask(["s3://dandiarchive/a"])


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ({"status": "knockdown-ish"}, "--status is 'knockdown-ish'; expected one of: endogenous, knocked_out"),
        ({"days": "a week"}, "--days is 'a week'; expected a number (7), a range (5-10), or a beginning (5-)"),
        ({"days": "10-5"}, "--days is '10-5', which ends before it begins; did you mean 5-10?"),
        ({"gene": " "}, "--gene is empty"),
        ({"colour": "green"}, "one cannot ask for 'colour'; there are: receptor, gene, status"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(criteria: dict[str, str], said: str) -> None:
    with pytest.raises(QuestionError) as error:
        make_question(criteria)
    assert said in str(error.value)


def test_a_categorical_value_may_be_spelled_with_a_space() -> None:
    assert make_question({"status": ["knocked down", "Knocked-Down"]}).status == ("knocked_down", "knocked_down")


def test_every_state_of_the_extension_can_be_asked_for() -> None:
    from bergmann.ask.question import STATES
    from ndx_glial_receptors.build_spec import STATES as SPECIFIED

    assert tuple(SPECIFIED) == STATES


# --- the command --------------------------------------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["find", *arguments])
    said = capsys.readouterr()
    return int(stop.value.code or 0), said.out, said.err


@pytest.fixture
def treated(write: Write) -> Path:
    return write(
        "treated.nwb",
        receptors=[adra1a(0, "knocked_down", label="=1+1", construct="=cmd|'/c calc'!A0")],
        drugs=[CAPSAICIN],
        states=[state("blocked", 600.0, 1800.5, [0])],
        planes={"one": ("GCaMP6f", "CUL4, 5", "plane")},
        rois={"rois": ("one", 3, [0, 0, 0])},
        procedures=[SNI],
    )


def test_the_table(treated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, str(treated), "--gene", "Adra1a", "--status", "knocked_down", "--indicator", "GCaMP")
    header, row, count = out.splitlines()
    assert header.split() == ["session", "subject", "receptor", "status", "population", "ROIs", "states", "drugs", "file"]
    said = (
        "treated BG042 α1A-adrenoceptor knocked_down Bergmann glial cell, CUL4, 5 3 blocked 600-1800.5 s capsaicin 10 ug at 213 s"
    )
    assert row.split() == [*said.split(), str(treated)]
    assert (count, err, code) == ("1 session of 1 file", "", 0)


def test_nothing_found_is_good_and_said(treated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, str(treated), "--gene", "Adra1b") == (0, "0 sessions of 1 file\n", "")


def test_csv_stays_text_in_a_spreadsheet(treated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import csv

    code, out, err = run(capsys, str(treated), "--csv")
    (row,) = csv.DictReader(out.splitlines())
    assert row["construct"] == "'=cmd|'/c calc'!A0"
    assert (row["rois"], row["units"], row["states"]) == ("3", "", "blocked 600-1800.5 s")
    assert row["procedures"] == "spared nerve injury, 7 d before"
    assert (code, err) == (0, "1 session of 1 file\n")


def test_json_says_everything(treated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, str(treated), "--json")
    document = json.loads(out)
    (answer,) = document["answers"]
    assert answer["receptor"]["gene_id"] == "NCBIGene:11549"
    assert answer["drugs"][0] == {
        "time": 213.0,
        "duration": None,
        "compound": "capsaicin",
        "compound_id": "CHEBI:3374",
        "action": "stimulus",
        "dose": 10.0,
        "dose_unit": "ug",
        "route": "intraplantar",
        "site": "",
        "receptors": [],
    }
    assert (code, document["unreadable"], document["n_files"]) == (0, [], 1)


def test_what_a_terminal_would_obey_is_shown_as_a_sign(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(receptors=[adra1a(0, "endogenous", receptor_name="α1A\x1b[31m-adrenoceptor\nnext")])
    for form in ([], ["--csv"]):
        _, out, _ = run(capsys, str(path), *form)
        assert "\x1b" not in out
        assert len(out.splitlines()) == (3 if not form else 2)
        assert "␛[31m" in out


def test_a_file_that_could_not_be_read_changes_the_exit_status(treated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = treated.with_name("bad.nwb")
    bad.write_bytes(b"no")
    code, out, err = run(capsys, str(treated.parent))
    assert code == 1
    assert out.endswith("1 session of 2 files\n")
    assert err.startswith(f"left out: {bad}: it is damaged or no HDF5 file")
    assert run(capsys, str(bad))[0] == 2
    assert run(capsys, str(treated), "--status", "gone")[0] == 2
    assert run(capsys, str(treated), "--json", "--csv")[0] == 2


def test_asking_imports_no_pynwb(treated: Path) -> None:
    code = (
        "import sys\n"
        "from bergmann.cli import main\n"
        f"try: main(['find', {str(treated)!r}, '--gene', 'Adra1a', '--drug', 'capsaicin'])\n"
        "except SystemExit as stop: assert not stop.code\n"
        "sys.exit(' '.join({'pynwb', 'hdmf', 'neuroconv', 'dandi', 'pandas', 'ndx_glial_receptors'} & set(sys.modules)) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 session of 1 file" in done.stdout


def test_an_answer_is_data(treated: Path) -> None:
    (answer,) = ask([treated], cache=False).answers
    assert isinstance(answer, Answer)
    assert answer.as_dict()["population"]["rois"] == 3
