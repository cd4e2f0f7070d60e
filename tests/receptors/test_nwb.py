"""What is stated of the animal is written as rows that can be joined, and reads back as stated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pynwb
import pytest
import yaml
from dandi.metadata.nwb import get_metadata
from nwbinspector import Importance, inspect_nwbfile, load_config
from pynwb import NWBHDF5IO, NWBFile, TimeSeries
from pynwb.file import Subject

from bergmann.errors import SourceError
from bergmann.imaging.stated import Indicator
from bergmann.moments import Moment, When
from bergmann.receptors.nwb import ADD_COLLECTIONS, in_order, metadata_of, set_arm
from bergmann.receptors.stated import COLLECTIONS
from bergmann.registry import Placed

ORDER = ("vectors", "populations", "procedures", "receptors", "indicators", "drugs")

ANIMAL = """
populations:
  bg: {cell_type: Bergmann glial cell, location: "CUL4, 5", identified_by: gfaABC1D promoter and morphology}
  lc: {cell_type: noradrenergic neuron, location: LC, identified_by: Dbh-Cre}
vectors:
  gcamp: {construct: AAV5-gfaABC1D-GCaMP6f, titre: 1.2e13 vg/mL, manufacturer: unknown}
  opsin: {construct: AAV9-EF1a-DIO-ChR2, titre: unknown}
  shrna: {construct: "AAV5-gfaABC1D-mCherry-shRNA(Adra1a)", titre: 8e12 vg/mL, manufacturer: Core}
procedures:
  virus:  {kind: injection, date: 2024-04-19, vectors: [gcamp, opsin, shrna], location: "CUL4, 5",
           sites: [{side: left, reference: bregma, ap: -6.0 mm, ml: 0.8 mm, dv: -300 um, volume: 0.3 uL}]}
  window: {kind: cranial window, date: 2024-04-19, location: "CUL4, 5"}
  sni:    {kind: nerve injury, model: spared nerve injury, nerve: sciatic, side: left, date: 2024-05-10}
  old:    {kind: implant, date: unknown}
receptors:
  adra1a_bg: {receptor: Adra1a, population: bg, status: knocked_down, by: shRNA, vector: shrna}
  trpv1_lc:  {receptor: TRPV1, population: lc, status: endogenous}
indicators:
  gcamp: {name: GCaMP6f, vector: gcamp}
drugs:
  capsaicin: {action: stimulus, dose: 10 ug, volume: 10 uL, vehicle: 0.9 % saline, route: intraplantar, site: left hind paw, at: "10:41 +- 30 s"}
  prazosin: {action: antagonist, dose: 1 uM, route: bath, from: tag "+praz" of patch, to: tag "-praz" of patch, reaches_bath_after: 90 s, receptors: [adra1a_bg]}
  CNO: {action: agonist, dose: unknown, route: intraperitoneal, at: 30 min before session}
  phenylephrine: {action: agonist, dose: 10 uM, route: puff, at: each event of puffs, receptors: [adra1a_bg, trpv1_lc]}
"""  # noqa: E501

TIMES = {
    "10:41 +- 30 s": (When(603.0, "notebook", 30.0),),
    'tag "+praz" of patch': (When(173.98, "tag"),),
    'tag "-praz" of patch': (When(294.86, "tag"),),
    "30 min before session": (When(-1800.0, "notebook"),),
    "each event of puffs": (When(12.5, "recorded"), When(22.5, "recorded")),
    "unknown": (When(nan, "unknown"),),
}


def when(moment: Moment) -> tuple[When, ...]:
    return TIMES[moment.text]


def stated(text: str) -> dict[str, dict[str, Any]]:
    models: Mapping[str, Any] = {**COLLECTIONS, "indicators": Indicator}
    loaded = yaml.load(text, yaml.BaseLoader) or {}
    return {name: {key: models[name].model_validate(one) for key, one in entries.items()} for name, entries in loaded.items()}


def add(nwbfile: NWBFile, text: str) -> Placed:
    placed = Placed(stream=lambda array: array[slice(None)], collections=stated(text), when=when)
    nwbfile.subject = Subject(subject_id="BG042", species="Mus musculus", sex="F", age="P79D", description="test")
    nwbfile.add_acquisition(TimeSeries(name="Trace", description="test", data=np.arange(10000.0), unit="V", rate=10.0))
    for name in ORDER:
        if placed.collections.get(name):
            ADD_COLLECTIONS[name](nwbfile, placed.collections[name], placed)
    return placed


@pytest.fixture
def written(nwbfile: NWBFile, tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        placed = add(nwbfile, text)
        set_arm(metadata_of(nwbfile, placed), arm="shrna", is_control=False, factors={"knockdown": "Adra1a", "injury": "SNI"})
        path = tmp_path / "animal.nwb"
        with NWBHDF5IO(path, "w") as io:
            io.write(nwbfile)
        return path

    return write


def drugs_of(path: Path) -> Any:
    with NWBHDF5IO(path, "r") as io:
        return io.read().events["drug_administrations"].to_dataframe(index=True)


def test_the_archive_can_be_asked_for_a_knockdown_in_bergmann_glia(written: Callable[[str], Path]) -> None:
    """By rows, not by spelling: receptors with a population whose term is the Bergmann glial cell."""
    with NWBHDF5IO(written(ANIMAL), "r") as io:
        metadata = io.read().lab_meta_data["glial_receptor_metadata"]
        receptors, cells = metadata.receptors.to_dataframe(index=True), metadata.cell_populations.to_dataframe()
        joined = receptors.join(cells.add_prefix("population_"), on="population")
        hit = joined[
            (joined.gene_symbol == "Adra1a")
            & (joined.genetic_status == "knocked_down")
            & (joined.population_cell_type_id == "CL:0000644")
        ]
        assert hit["label"].tolist() == ["adra1a_bg"]
        (row,) = hit.to_dict("records")
        assert (row["gene_id"], row["receptor_id"], row["role"], row["genetic_method"]) == (
            "NCBIGene:11549",
            "IUPHAR:22",
            "native",
            "shRNA",
        )
        assert row["construct"] == "AAV5-gfaABC1D-mCherry-shRNA(Adra1a)"
        assert (row["population_location"], row["population_location_id"]) == ("CUL4, 5", "MBA:1091")
        (injection,) = metadata.receptors["viral_vector_injections"][0]
        assert injection.viral_vector.construct_name == row["construct"]
        procedures = metadata.procedures.to_dataframe(index=True)
        assert [procedures["label"].iloc[index] for index in row["procedures"]] == ["virus"]


def test_the_file_is_valid_and_the_archive_takes_it(written: Callable[[str], Path]) -> None:
    path = written(ANIMAL)
    assert pynwb.validate(path=str(path)) == []
    messages = list(inspect_nwbfile(nwbfile_path=str(path), config=load_config("dandi")))
    bad = {Importance.ERROR, Importance.CRITICAL, Importance.PYNWB_VALIDATION, Importance.BEST_PRACTICE_VIOLATION}
    ours = [one for one in messages if one.importance in bad and one.object_name not in {"root"}]
    assert [(one.check_function_name, one.object_name, one.message) for one in ours] == []


def test_a_fully_known_injection_is_an_object(written: Callable[[str], Path]) -> None:
    with NWBHDF5IO(written(ANIMAL), "r") as io:
        metadata = io.read().lab_meta_data["glial_receptor_metadata"]
        assert sorted(metadata.viral_vectors) == ["vector_gcamp", "vector_shrna"]
        assert metadata.viral_vectors["vector_gcamp"].titer_in_vg_per_ml == 1.2e13
        one = metadata.viral_vector_injections["injection_virus_gcamp"]
        assert (one.location, one.hemisphere, one.reference, one.injection_date) == ("CUL4, 5", "left", "bregma", "2024-04-19")
        coordinates = (one.ap_in_mm, one.ml_in_mm, one.dv_in_mm, one.volume_in_uL)
        assert coordinates == pytest.approx((-6.0, -0.8, -0.3, 0.3), rel=1e-6)
        assert "mixture with opsin, shrna" in one.description
        assert metadata.indicators["indicator_gcamp"].viral_vector_injection is one
        assert metadata.indicators["indicator_gcamp"].label == "GCaMP6f"


def test_an_unknown_titre_does_not_delete_a_known_vector(written: Callable[[str], Path]) -> None:
    with NWBHDF5IO(written(ANIMAL), "r") as io:
        metadata = io.read().lab_meta_data["glial_receptor_metadata"]
        assert "vector_opsin" not in metadata.viral_vectors
        details = metadata.procedures["details"][0]
        assert "opsin: AAV9-EF1a-DIO-ChR2, titre unknown" in details
        assert "side left, AP -6 mm, ML 0.8 mm, DV -300 um, volume 0.3 uL, from bregma" in details


def test_every_vector_is_in_the_core_s_own_field(nwbfile: NWBFile) -> None:
    add(nwbfile, "vectors: {opsin: {construct: AAV9-ChR2, titre: unknown}, gcamp: {construct: AAV5-GCaMP6f, manufacturer: Core}}")
    assert nwbfile.virus == "opsin: AAV9-ChR2, titre unknown; gcamp: AAV5-GCaMP6f, titre not stated, manufacturer Core"


def test_day_seven_after_nerve_injury_is_a_number(written: Callable[[str], Path]) -> None:
    with NWBHDF5IO(written(ANIMAL), "r") as io:
        table = io.read().lab_meta_data["glial_receptor_metadata"].procedures.to_dataframe(index=True).set_index("label")
        assert table["days_before_session"].tolist()[:3] == [28.0, 28.0, 7.0]
        assert isnan(table.loc["old", "days_before_session"])
        assert table["date"].tolist() == ["2024-04-19", "2024-04-19", "2024-05-10", "unknown"]
        assert table["kind"].tolist() == ["injection", "window", "nerve_injury", "implant"]
        assert (table.loc["sni", "model"], table.loc["sni", "target"], table.loc["sni", "side"]) == (
            "spared nerve injury", "sciatic nerve", "left",
        )  # fmt: skip


def test_the_arm_is_structure(written: Callable[[str], Path]) -> None:
    with NWBHDF5IO(written(ANIMAL), "r") as io:
        metadata = io.read().lab_meta_data["glial_receptor_metadata"]
        assert (metadata.arm, bool(metadata.arm_is_control)) == ("shrna", False)
        assert list(metadata.factors) == ["knockdown=Adra1a", "injury=SNI"]


def test_each_time_that_a_drug_was_given_is_a_row(written: Callable[[str], Path]) -> None:
    drugs = drugs_of(written(ANIMAL)).set_index("compound")
    assert drugs.loc["phenylephrine", "timestamp"].tolist() == [12.5, 22.5]
    assert [list(row) for row in drugs.loc["phenylephrine", "receptors"]] == [[0, 1], [0, 1]]
    capsaicin = drugs.loc["capsaicin"]
    assert (capsaicin["timestamp"], capsaicin["timestamp_basis"], capsaicin["timestamp_uncertainty"]) == (603.0, "notebook", 30.0)
    assert (capsaicin["dose"], capsaicin["dose_unit"], capsaicin["volume_in_uL"]) == (10.0, "ug", 10.0)
    assert (capsaicin["compound_id"], capsaicin["vehicle"], capsaicin["site"]) == ("CHEBI:3374", "0.9 % saline", "left hind paw")
    assert isnan(capsaicin["duration"])
    assert list(capsaicin["receptors"]) == []
    prazosin = drugs.loc["prazosin"]
    assert (prazosin["timestamp"], prazosin["timestamp_basis"]) == (173.98, "tag")
    assert prazosin["duration"] == pytest.approx(294.86 - 173.98)
    assert "reaches the bath after 90 s" in prazosin["annotation"]
    cno = drugs.loc["clozapine N-oxide"]
    assert cno["timestamp"] == -1800.0
    assert isnan(cno["dose"])
    assert "dose unknown" in cno["annotation"]


def test_the_archive_keeps_the_end_of_the_session(written: Callable[[str], Path]) -> None:
    """1000 s of signal: a bolus, a drug before the session and a time that nobody knows must not move or remove its end."""
    text = ANIMAL + "  prazosin_2: {compound: prazosin, action: antagonist, dose: 1 uM, route: bath, at: unknown}\n"
    metadata = get_metadata(written(text))
    assert (metadata["session_end_time"] - metadata["session_start_time"]).total_seconds() == 1000.0


def test_without_an_interval_there_is_no_duration(written: Callable[[str], Path]) -> None:
    drugs = drugs_of(written("drugs: {capsaicin: {action: stimulus, dose: 1 ug, route: intraplantar, at: '10:41 +- 30 s'}}"))
    assert "duration" not in drugs
    assert "receptors" not in drugs


def test_a_time_that_nobody_knows_is_a_row_without_time(written: Callable[[str], Path]) -> None:
    path = written("drugs: {prazosin: {action: antagonist, dose: 1 uM, route: bath, at: unknown}}")
    (row,) = drugs_of(path).to_dict("records")
    assert isnan(row["timestamp"])
    assert row["timestamp_basis"] == "unknown"
    assert pynwb.validate(path=str(path)) == []


def test_an_end_before_its_beginning_is_refused(nwbfile: NWBFile) -> None:
    text = """drugs: {p: {action: agonist, route: bath, from: 'tag "-praz" of patch', to: 'tag "+praz" of patch'}}"""
    with pytest.raises(SourceError, match=r"drugs\.p: `to` .*173\.98 s\) is before `from` .*294\.86 s"):
        add(nwbfile, text)


def test_an_interval_has_one_beginning(nwbfile: NWBFile) -> None:
    with pytest.raises(SourceError, match=r"drugs\.p\.from: `each event of puffs` is 2 times; expected one"):
        add(nwbfile, "drugs: {p: {action: agonist, route: bath, from: each event of puffs, to: unknown}}")


def test_rows_are_in_order_of_time_but_for_the_ends() -> None:
    def row(timestamp: float, duration: float = nan) -> dict[str, Any]:
        return {"timestamp": timestamp, "duration": duration}

    def times(*rows: dict[str, Any]) -> list[float]:
        return [one["timestamp"] for one in in_order(list(rows))]

    assert times(row(9.0), row(3.0), row(5.0)) == [3.0, 5.0, 9.0]
    assert times(row(-60.0), row(3.0), row(5.0)) == [3.0, -60.0, 5.0]
    assert times(row(1.0), row(3.0, 2.0), row(5.0)) == [1.0, 5.0, 3.0]
    assert str(times(row(nan), row(3.0), row(5.0))) == "[3.0, nan, 5.0]"
    assert times(row(-60.0)) == [-60.0]


def test_an_indicator_alone_needs_no_container(nwbfile: NWBFile) -> None:
    placed = add(nwbfile, "indicators: {gcamp: {name: GCaMP6f}}")
    assert placed.get("indicators", "gcamp") is None
    assert dict(nwbfile.lab_meta_data) == {}


def test_vectors_and_procedures_alone_are_kept(written: Callable[[str], Path]) -> None:
    text = "procedures: {sni: {kind: sham, of: spared nerve injury, date: 2024-05-10}}"
    path = written(text)
    assert pynwb.validate(path=str(path)) == []
    with NWBHDF5IO(path, "r") as io:
        metadata = io.read().lab_meta_data["glial_receptor_metadata"]
        assert (metadata.procedures["kind"][0], metadata.procedures["model"][0]) == ("sham", "spared nerve injury")
        assert (metadata.receptors, metadata.cell_populations) == (None, None)  # an empty table would only be flagged
