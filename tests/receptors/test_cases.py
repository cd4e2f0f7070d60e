"""Every case of the data model can be stated in a session file's words, is written, and reads back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan, nan
from pathlib import Path
from typing import Any

import pandas as pd
import pynwb
import pytest
import yaml
from nwbinspector import Importance, inspect_nwbfile, load_config
from pynwb import NWBHDF5IO, NWBFile, TimeSeries
from pynwb.file import Subject

from bergmann.imaging.stated import Indicator
from bergmann.moments import Moment, When
from bergmann.receptors.check import check_collections
from bergmann.receptors.nwb import ADD_COLLECTIONS
from bergmann.receptors.stated import COLLECTIONS
from bergmann.receptors.states import check_times
from bergmann.registry import Placed

ORDER = ("vectors", "populations", "procedures", "receptors", "expression", "indicators", "drugs", "states")

TIMES = {
    "10:41 +- 30 s": (When(603.0, "notebook", 30.0),),
    'tag "+praz" of patch': (When(173.98, "tag"),),
    'tag "-praz" of patch': (When(794.86, "tag"),),
    "30 min before session": (When(-1800.0, "notebook"),),
    "each event of puffs": (When(12.5, "recorded"), When(950.5, "recorded")),
    "start of movie": (When(0.0, "recorded"),),
    "170 s after movie": (When(170.0, "recorded"),),
    "5 min after prazosin": (When(473.98, "tag"),),
    "prazosin ends": (When(794.86, "tag"),),
    "2 min after prazosin ends": (When(914.86, "tag"),),
    "end of movie": (When(1000.0, "recorded"),),
    "unknown": (When(nan, "unknown"),),
}

SITES = "[{side: left, reference: bregma, ap: -6.0 mm, ml: 0.8 mm, dv: -0.3 mm, volume: 0.3 uL}]"
ANIMAL = f"""
populations:
  bg: {{cell_type: Bergmann glial cell, location: "CUL4, 5", identified_by: gfaABC1D promoter}}
  lc: {{cell_type: noradrenergic neuron, location: LC, identified_by: Dbh-Cre}}
  drg: {{cell_type: satellite glial cell, location: DRG}}
  ast: {{cell_type: astrocyte, location: superficial dorsal horn}}
vectors:
  shrna: {{construct: "AAV5-shRNA(Adra1a)", titre: 8e12 vg/mL, manufacturer: Core}}
  empty: {{construct: "AAV5-shRNA(scrambled)", titre: 8e12 vg/mL, manufacturer: Core}}
  dreadd: {{construct: AAV9-DIO-hM4Di-mCherry, titre: 5e12 vg/mL, manufacturer: Core}}
  grab: {{construct: AAV9-hSyn-GRAB-NE2m, titre: unknown}}
  calex: {{construct: AAV5-gfaABC1D-CalEx, titre: 1e13 vg/mL, manufacturer: Core}}
procedures:
  virus: {{kind: injection, date: 2024-04-19, vectors: [shrna, empty, dreadd, grab, calex], location: "CUL4, 5", sites: {SITES}}}
  sni: {{kind: nerve injury, model: spared nerve injury, nerve: sciatic, side: left, date: 2024-05-10}}
  sham: {{kind: sham, of: chronic constriction injury, nerve: sciatic, side: right, date: unknown}}
receptors:
  adra1a: {{receptor: Adra1a, population: bg, status: knocked_down, by: shRNA, vector: shrna}}
  adra1b: {{receptor: Adra1b, population: bg, status: control, by: scrambled shRNA, vector: empty}}
  trpv1: {{receptor: TRPV1, population: drg, status: endogenous}}
  itpr2: {{receptor: IP3R2, population: ast, status: knocked out, by: Itpr2 flox x Aldh1l1-CreERT2, role: other}}
  p2ry1: {{receptor: P2ry1, population: ast, status: overexpressed, by: AAV, construct: AAV5-gfaABC1D-P2ry1}}
  hm4di: {{receptor: hM4Di, population: lc, status: exogenous, by: Cre-dependent AAV, vector: dreadd}}
  grab_ne: {{receptor: GRAB_NE2m, population: lc, status: exogenous, vector: grab}}
  calex: {{receptor: CalEx, population: bg, status: exogenous, vector: calex}}
indicators:
  na: {{name: GRAB_NE2m, vector: grab}}
expression:
  rt_qpcr: {{receptor: adra1a, assay: RT-qPCR, value: 0.31, unit: fraction of control, sample: same cohort}}
  rnascope: {{receptor: adra1a, assay: RNAscope, value: 2.5, unit: puncta/cell, sample: same subject}}
  paper: {{receptor: trpv1, assay: RNA sequencing, description: expressed, sample: published, reference: "doi:10.1000/example"}}
drugs:
  phenylephrine: {{action: agonist, dose: 10 uM, route: puff, at: each event of puffs, receptors: [adra1a, adra1b]}}
  prazosin: {{action: antagonist, dose: 1 uM, route: bath, from: 'tag "+praz" of patch', to: 'tag "-praz" of patch',
              reaches_bath_after: 90 s, receptors: [adra1a]}}
  saline: {{action: vehicle, route: intraplantar, at: 30 min before session, receptors: [trpv1]}}
  CNO: {{action: agonist, dose: 5 mg/kg, route: intraperitoneal, at: 30 min before session, receptors: [hm4di]}}
  dcz: {{compound: DCZ, action: agonist, dose: unknown, route: intraperitoneal, at: unknown, receptors: [hm4di]}}
  capsaicin: {{action: stimulus, dose: 10 ug, volume: 10 uL, vehicle: 0.9 % saline, route: intraplantar, site: left hind paw,
               at: "10:41 +- 30 s"}}
states:
  baseline: {{state: baseline, receptors: [adra1a], from: start of movie, to: 170 s after movie, basis: before prazosin}}
  blocked: {{state: blocked, by: prazosin, receptors: [adra1a], from: 5 min after prazosin, to: prazosin ends, basis: pilot}}
  washout: {{state: washout, by: prazosin, receptors: [adra1a], from: 2 min after prazosin ends, to: end of movie, basis: protocol}}
"""


def when(moment: Moment) -> tuple[When, ...]:
    return TIMES[moment.text]


def stated(text: str) -> dict[str, dict[str, Any]]:
    models: Mapping[str, Any] = {**COLLECTIONS, "indicators": Indicator}
    loaded = yaml.load(text, yaml.BaseLoader) or {}
    return {name: {key: models[name].model_validate(one) for key, one in entries.items()} for name, entries in loaded.items()}


def add(nwbfile: NWBFile, text: str) -> Placed:
    placed = Placed(stream=lambda array: array[slice(None)], collections=stated(text), when=when)
    nwbfile.subject = Subject(subject_id="BG042", species="Mus musculus", sex="F", age="P79D", description="test")
    nwbfile.add_acquisition(
        TimeSeries(name="Trace", description="test", data=[float(n % 7) for n in range(10000)], unit="V", rate=10.0)
    )
    for name in ORDER:
        if placed.collections.get(name):
            ADD_COLLECTIONS[name](nwbfile, placed.collections[name], placed)
    return placed


@pytest.fixture
def read(nwbfile: NWBFile, tmp_path: Path) -> Any:
    """Write what a text states and give the file as read; closed afterwards."""
    opened: list[NWBHDF5IO] = []

    def written(text: str) -> NWBFile:
        add(nwbfile, text)
        path = tmp_path / "animal.nwb"
        with NWBHDF5IO(path, "w") as io:
            io.write(nwbfile)
        assert pynwb.validate(path=str(path)) == []
        opened.append(NWBHDF5IO(path, "r"))
        return opened[-1].read()

    yield written
    for io in opened:
        io.close()


@pytest.fixture
def animal(read: Callable[[str], NWBFile]) -> NWBFile:
    return read(ANIMAL)


def receptors(nwbfile: NWBFile) -> pd.DataFrame:
    metadata = nwbfile.lab_meta_data["glial_receptor_metadata"]
    return metadata.receptors.to_dataframe(index=True).set_index("label")


def drugs(nwbfile: NWBFile) -> pd.DataFrame:
    return nwbfile.events["drug_administrations"].to_dataframe(index=True)


def labels(nwbfile: NWBFile, numbers: Any) -> list[str]:
    table = nwbfile.lab_meta_data["glial_receptor_metadata"].receptors
    return [table["label"][number] for number in numbers]


def test_nothing_stands_against_this_animal() -> None:
    collections = stated(ANIMAL)
    found = [*check_collections(collections, species="Mus musculus"), *check_times(collections, when)]
    assert [one.text for one in found if one.severity == "error"] == []


@pytest.mark.parametrize(
    ("label", "role", "status", "method", "construct"),
    [
        ("trpv1", "native", "endogenous", "", ""),
        ("adra1a", "native", "knocked_down", "shRNA", "AAV5-shRNA(Adra1a)"),
        ("itpr2", "other", "knocked_out", "Itpr2 flox x Aldh1l1-CreERT2", ""),
        ("p2ry1", "native", "overexpressed", "AAV", "AAV5-gfaABC1D-P2ry1"),
        ("adra1b", "native", "control", "scrambled shRNA", "AAV5-shRNA(scrambled)"),
        ("hm4di", "designer", "exogenous", "Cre-dependent AAV", "AAV9-DIO-hM4Di-mCherry"),
        ("grab_ne", "sensor", "exogenous", "", "AAV9-hSyn-GRAB-NE2m"),
        ("calex", "other", "exogenous", "", "AAV5-gfaABC1D-CalEx"),
    ],
)
def test_a_receptor_in_its_genetic_state_is_a_row(
    animal: NWBFile, label: str, role: str, status: str, method: str, construct: str
) -> None:
    row = receptors(animal).loc[label]
    assert (row["role"], row["genetic_status"], row["genetic_method"], row["construct"]) == (role, status, method, construct)


def test_known_injections_are_linked_and_an_unknown_titre_keeps_its_vector(animal: NWBFile) -> None:
    metadata = animal.lab_meta_data["glial_receptor_metadata"]
    linked = {
        label: [one.viral_vector.construct_name for one in row]
        for label, row in zip(metadata.receptors["label"][:], metadata.receptors["viral_vector_injections"][:], strict=True)
    }
    assert linked["adra1a"] == ["AAV5-shRNA(Adra1a)"]
    assert linked["adra1b"] == ["AAV5-shRNA(scrambled)"]  # the control has the same column
    assert linked["grab_ne"] == []
    assert receptors(animal).loc["grab_ne", "construct"] == "AAV9-hSyn-GRAB-NE2m"
    assert "grab: AAV9-hSyn-GRAB-NE2m, titre unknown" in metadata.procedures["details"][0]


def test_a_sensor_names_its_ligand_and_no_target(animal: NWBFile) -> None:
    row = receptors(animal).loc["grab_ne"]
    assert (row["endogenous_ligand"], row["receptor_id"]) == ("noradrenaline", "")
    indicator = animal.lab_meta_data["glial_receptor_metadata"].indicators["indicator_na"]
    assert (indicator.label, indicator.description) == ("GRAB_NE2m", "AAV9-hSyn-GRAB-NE2m")


def test_a_designer_receptor_is_an_effector_with_its_injection(animal: NWBFile) -> None:
    metadata = animal.lab_meta_data["glial_receptor_metadata"]
    assert list(metadata.effectors) == ["effector_hm4di"]
    effector = metadata.effectors["effector_hm4di"]
    assert (effector.label, effector.description) == ("hM4Di", "AAV9-DIO-hM4Di-mCherry")
    assert effector.viral_vector_injection is metadata.viral_vector_injections["injection_virus_dreadd"]


def test_a_control_animal_has_no_effector(read: Callable[[str], NWBFile]) -> None:
    nwbfile = read(
        "populations: {lc: {cell_type: noradrenergic neuron, location: LC}}\n"
        "receptors: {hm4di: {receptor: hM4Di, population: lc, status: control, construct: AAV9-DIO-mCherry}}\n"
        "drugs: {CNO: {action: agonist, dose: 5 mg/kg, route: intraperitoneal, at: 30 min before session}}\n"
    )
    assert dict(nwbfile.lab_meta_data["glial_receptor_metadata"].effectors) == {}
    (row,) = drugs(nwbfile).to_dict("records")
    assert (row["compound"], row["compound_id"]) == ("clozapine N-oxide", "inchikey:OGUCZBIQSYYWEF-UHFFFAOYSA-N")
    assert "receptors" not in row  # a drug of no receptor has none


def test_agonist_antagonist_vehicle_and_infusion_are_rows_at_their_receptors(animal: NWBFile) -> None:
    table = drugs(animal)
    puffs = table[table["compound"] == "phenylephrine"]
    assert puffs["timestamp"].tolist() == [12.5, 950.5]
    assert [labels(animal, one) for one in puffs["receptors"]] == [["adra1a", "adra1b"]] * 2
    rows = table[table["compound"] != "phenylephrine"].set_index("compound")
    prazosin = rows.loc["prazosin"]
    assert (prazosin["action"], prazosin["timestamp"], prazosin["timestamp_basis"]) == ("antagonist", 173.98, "tag")
    assert prazosin["duration"] == pytest.approx(794.86 - 173.98)
    assert prazosin["reaches_bath_after"] == 90.0  # beside the time of the tap, not in it
    assert labels(animal, prazosin["receptors"]) == ["adra1a"]
    assert (rows.loc["saline", "action"], labels(animal, rows.loc["saline", "receptors"])) == ("vehicle", ["trpv1"])
    assert (rows.loc["clozapine N-oxide", "timestamp"], rows.loc["clozapine N-oxide", "dose_unit"]) == (-1800.0, "mg/kg")
    assert labels(animal, rows.loc["clozapine N-oxide", "receptors"]) == ["hm4di"]
    dcz = rows.loc["deschloroclozapine"]
    assert isnan(dcz["timestamp"])
    assert isnan(dcz["dose"])
    assert dcz["timestamp_basis"] == "unknown"
    capsaicin = rows.loc["capsaicin"]
    assert (capsaicin["timestamp_basis"], capsaicin["timestamp_uncertainty"], capsaicin["site"]) == (
        "notebook",
        30.0,
        "left hind paw",
    )
    assert isnan(capsaicin["duration"])


def test_nerve_injury_and_sham_have_dates_and_days(animal: NWBFile) -> None:
    table = animal.lab_meta_data["glial_receptor_metadata"].procedures.to_dataframe(index=True).set_index("label")
    assert (table.loc["sni", "kind"], table.loc["sni", "days_before_session"]) == ("nerve_injury", 7.0)
    assert (table.loc["sham", "kind"], table.loc["sham", "model"], table.loc["sham", "date"]) == (
        "sham", "chronic constriction injury", "unknown",
    )  # fmt: skip
    assert isnan(table.loc["sham", "days_before_session"])


def test_states_are_intervals_that_cite_their_receptors_and_what_brought_them_about(animal: NWBFile) -> None:
    table = animal.intervals["receptor_states"].to_dataframe(index=True).set_index("label")
    assert table.index.tolist() == ["baseline", "blocked", "washout"]
    assert table["state"].tolist() == ["baseline", "blocked", "washout"]
    assert [labels(animal, one) for one in table["receptors"]] == [["adra1a"]] * 3
    assert table["start_time"].tolist() == [0.0, 473.98, 914.86]
    assert table["stop_time"].tolist() == [170.0, 794.86, 1000.0]
    assert table["basis"].tolist() == ["before prazosin", "pilot", "protocol"]
    assert table["start_basis"].tolist() == ["recorded", "tag", "tag"]
    assert table.loc["blocked", "stated_as"] == "5 min after prazosin to prazosin ends"
    cited = [[drugs(animal)["compound"].iloc[number] for number in row] for row in table["drug_administrations"]]
    assert cited == [[], ["prazosin"], ["prazosin"]]


def test_a_state_cites_no_administration_after_its_end(read: Callable[[str], NWBFile]) -> None:
    nwbfile = read(
        "populations: {bg: {cell_type: BG, location: CUL}}\n"
        "receptors: {a: {receptor: Adra1a, population: bg, status: endogenous}}\n"
        "drugs: {phenylephrine: {action: agonist, dose: 1 uM, route: puff, at: each event of puffs, receptors: [a]}}\n"
        "states: {on: {state: activated, by: phenylephrine, receptors: a, from: 170 s after movie, to: prazosin ends, basis: x}}\n"
    )
    (numbers,) = nwbfile.intervals["receptor_states"].to_dataframe(index=True)["drug_administrations"]
    assert drugs(nwbfile)["timestamp"].iloc[list(numbers)].tolist() == [12.5]  # not the puff at 950.5 s


def test_evidence_of_expression_points_to_its_receptor(animal: NWBFile) -> None:
    table = animal.lab_meta_data["glial_receptor_metadata"].receptor_expression.to_dataframe(index=True).set_index("label")
    assert labels(animal, table["receptor"]) == ["adra1a", "adra1a", "trpv1"]
    assert table["sample"].tolist() == ["same_cohort", "same_subject", "published"]
    assert table["value"].tolist()[:2] == [0.31, 2.5]
    assert isnan(table["value"].iloc[2])
    assert table["unit"].tolist() == ["fraction of control", "puncta/cell", ""]
    assert (table.loc["paper", "details"], table.loc["paper", "reference"]) == ("expressed", "doi:10.1000/example")


def test_tools_that_know_core_only_are_told_the_same(animal: NWBFile) -> None:
    assert "prazosin (antagonist at α1A-adrenoceptor in Bergmann glial cell, 1 uM, bath), 173.98 s after the start of the " in (
        animal.pharmacology
    )
    assert "deschloroclozapine (agonist at hM4Di in noradrenergic neuron, dose unknown, intraperitoneal), time unknown" in (
        animal.pharmacology
    )
    assert "capsaicin (stimulus, 10 ug, 10 uL, in 0.9 % saline, intraplantar, left hind paw), 603 s after the start of the " in (
        animal.pharmacology
    )
    assert "+- 30 s (known from: notebook)" in animal.pharmacology
    assert (
        "phenylephrine (agonist at α1A-adrenoceptor in Bergmann glial cell, α1B-adrenoceptor in Bergmann glial cell, 10 uM, puff), "
        in (animal.pharmacology)
    )
    assert "2 times, first 12.5 s after" in animal.pharmacology
    assert "sni: nerve injury (spared nerve injury), sciatic nerve, left side, 2024-05-10, 7 d before the session" in animal.surgery
    assert "sham: sham (of chronic constriction injury), sciatic nerve, right side, date unknown" in animal.surgery
    assert "grab: AAV9-hSyn-GRAB-NE2m, titre unknown, injected on 2024-04-19 (virus: CUL4, 5 / side left, AP -6 mm" in animal.virus


def test_the_archive_takes_the_file(animal: NWBFile, tmp_path: Path) -> None:
    messages = list(inspect_nwbfile(nwbfile_path=str(tmp_path / "animal.nwb"), config=load_config("dandi")))
    bad = {Importance.ERROR, Importance.CRITICAL, Importance.PYNWB_VALIDATION, Importance.BEST_PRACTICE_VIOLATION}
    ours = [one for one in messages if one.importance in bad and one.object_name not in {"root"}]
    assert [(one.check_function_name, one.object_name, one.message) for one in ours] == []
