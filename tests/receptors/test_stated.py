"""What a person says of the animal is parsed, and what contradicts is found before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from bergmann.findings import Finding
from bergmann.plan.mistakes import meaning
from bergmann.receptors.check import check_collections
from bergmann.receptors.stated import COLLECTIONS, Drug, Procedure, State
from bergmann.receptors.terms import keywords

MOUSE = "Mus musculus"
BG = {"cell_type": "Bergmann glial cell", "location": "CUL4, 5"}


def stated(**collections: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {key: COLLECTIONS[name].model_validate(one) for key, one in entries.items()} for name, entries in collections.items()
    }


def found(**collections: Mapping[str, Any]) -> list[Finding]:
    return list(check_collections(stated(**collections), species=MOUSE, session_date=date(2024, 5, 17)))


@pytest.mark.parametrize(
    ("kind", "term"),
    [("injection", "injection"), ("cranial window", "window"), ("nerve injury", "nerve_injury"), ("nerve_injury", "nerve_injury")],
)
def test_a_kind_of_procedure_has_a_term(kind: str, term: str) -> None:
    assert Procedure.model_validate({"kind": kind, "date": "2024-05-10"}).term == term


def test_an_unknown_kind_of_procedure_lists_the_known_ones() -> None:
    with pytest.raises(ValidationError, match=r"`surgery` is not a kind .* injection, .*cranial window, .*nerve injury"):
        Procedure.model_validate({"kind": "surgery", "date": "2024-05-10"})


def test_names_may_be_one_string() -> None:
    assert Procedure.model_validate({"kind": "injection", "date": "unknown", "vectors": "gcamp, shrna"}).vectors == (
        "gcamp",
        "shrna",
    )


@pytest.mark.parametrize(
    "times", [{}, {"at": "10:41", "from": "10:41"}, {"at": "10:41", "to": "10:45"}, {"to": "10:45"}]
)  # fmt: skip
def test_a_drug_says_when_once(times: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"say when it was given|`to` needs a `from`"):
        Drug.model_validate({"action": "agonist", "route": "bath", **times})


def test_an_action_may_be_written_with_spaces() -> None:
    assert Drug.model_validate({"action": "inverse agonist", "route": "bath", "at": "unknown"}).action == "inverse_agonist"


def test_an_unknown_dose_is_kept() -> None:
    assert Drug.model_validate({"action": "agonist", "route": "bath", "at": "unknown", "dose": "unknown"}).dose == "unknown"


def test_an_unknown_receptor_is_an_error_with_the_nearest_name() -> None:
    (finding,) = found(populations={"bg": BG}, receptors={"a": {"receptor": "Adr1a", "population": "bg", "status": "endogenous"}})
    assert finding == Finding(
        severity="error",
        check="unknown name",
        location="receptors.a.receptor",
        message="'Adr1a' is not a receptor of the vocabulary; did you mean `Adra1a` or `Adrb1` or `Adra2c`?",
        remedy="write it as `name [CURIE]`, or as `name [unlisted]` if it is meant as it stands",
    )


def test_an_unknown_cell_type_is_an_error() -> None:
    (finding,) = found(populations={"bg": {**BG, "cell_type": "Bergman glial cell"}})
    assert (finding.severity, finding.location) == ("error", "populations.bg.cell_type")
    assert "`Bergmann glial cell`" in finding.message


def test_a_place_or_compound_that_is_not_listed_is_said_and_kept() -> None:
    (finding,) = found(populations={"bg": {**BG, "location": "Qqqq"}})
    assert (finding.severity, finding.location) == ("note", "populations.bg.location")
    (finding,) = found(drugs={"capsacin": {"action": "stimulus", "dose": "1 ug", "route": "intraplantar", "at": "10:41"}})
    assert (finding.severity, finding.location) == ("warning", "drugs.capsacin")
    assert "`capsaicin`" in finding.message


def test_an_obsolete_term_is_a_warning() -> None:
    (finding,) = found(populations={"m": {"cell_type": "CL:0011107", "location": "CUL4, 5"}})
    assert (finding.severity, finding.remedy) == ("warning", "use CL:0000636 (Mueller cell)")


def test_a_gene_of_another_species_is_a_warning() -> None:
    (finding,) = found(
        populations={"bg": BG}, receptors={"a": {"receptor": "HGNC:277", "population": "bg", "status": "endogenous"}}
    )
    assert finding.message == "HGNC:277 is a gene of the human, the subject is a mouse"


def test_a_designer_receptor_is_not_endogenous() -> None:
    (finding,) = found(populations={"bg": BG}, receptors={"a": {"receptor": "hM4Di", "population": "bg", "status": "endogenous"}})
    assert (finding.severity, finding.location) == ("error", "receptors.a.status")


def test_a_procedure_after_the_session_is_left_out_with_a_warning() -> None:
    (finding,) = found(procedures={"sni": {"kind": "nerve injury", "model": "SNI", "date": "2024-05-18"}})
    assert (finding.severity, finding.location) == ("warning", "procedures.sni.date")
    assert finding.message == "2024-05-18 is after the session (2024-05-17), so it is left out of this session's file"


def test_a_receptor_state_that_rests_on_a_later_injection_is_an_error() -> None:
    (finding,) = [
        one
        for one in found(
            populations={"bg": {"cell_type": "Bergmann glial cell", "location": "CUL4, 5"}},
            vectors={"shrna": {"construct": "AAV-shRNA(Adra1a)", "titre": "1e12 vg/mL", "manufacturer": "unknown"}},
            receptors={
                "a1a": {"receptor": "Adra1a", "population": "bg", "status": "knocked_down", "by": "shRNA", "vector": "shrna"}
            },
            procedures={"virus": {"kind": "injection", "date": "2024-05-18", "vectors": ["shrna"]}},
        )
        if one.severity == "error"
    ]
    assert (finding.check, finding.location) == ("conflict", "procedures.virus.date")
    assert "a1a rests on it" in finding.message


def test_a_side_that_contradicts_the_coordinate_is_an_error() -> None:
    site = {"side": "right", "ml": "-0.8 mm"}
    findings = found(procedures={"virus": {"kind": "injection", "date": "2024-05-01", "sites": [site]}})
    assert [one.location for one in findings] == ["procedures.virus.sites.0.ml"]


def test_the_one_value_that_would_complete_an_injection_is_named() -> None:
    site = {
        "side": "left",
        "reference": "bregma",
        "ap": "-6 mm",
        "ml": "0.8 mm",
        "dv": "-0.3 mm",
        "volume": "0.3 uL",
        "location": "CUL4, 5",
    }
    findings = found(
        vectors={"shrna": {"construct": "AAV5-shRNA", "titre": "unknown", "manufacturer": "unknown"}},
        procedures={"virus": {"kind": "injection", "date": "2024-04-19", "vectors": ["shrna"], "sites": [site]}},
    )
    assert findings == [
        Finding(
            severity="note",
            check="incomplete injection",
            location="vectors.shrna",
            message="the vector, and each injection of it, is written as text, not as an object: titre not known",
            remedy="state `vectors.shrna.titre` to have it written in full",
        )
    ]


def test_a_time_that_nobody_knows_is_said() -> None:
    findings = found(drugs={"prazosin": {"action": "antagonist", "dose": "1 uM", "route": "bath", "at": "unknown"}})
    assert [(one.severity, one.location) for one in findings] == [
        ("note", "drugs.prazosin.receptors"), ("warning", "drugs.prazosin.at"),
    ]  # fmt: skip


def test_keywords_are_genes_receptors_cells_and_drugs() -> None:
    collections = stated(
        populations={"bg": BG, "lc": {"cell_type": "noradrenergic neuron", "location": "LC"}},
        receptors={
            "a": {"receptor": "Adra1a", "population": "bg", "status": "endogenous"},
            "b": {"receptor": "no such thing", "population": "bg", "status": "unknown"},
            "c": {"receptor": "hM4Di", "population": "lc", "status": "exogenous"},
        },
        drugs={
            "cno_1": {"compound": "CNO", "action": "agonist", "route": "intraperitoneal", "at": "unknown"},
            "novel 7": {"action": "agonist", "route": "bath", "at": "unknown"},
        },
    )
    assert keywords(collections, MOUSE) == (
        "Adra1a", "α1A-adrenoceptor", "hM4Di", "Bergmann glial cell", "noradrenergic neuron", "clozapine N-oxide", "novel 7",
    )  # fmt: skip


@pytest.mark.parametrize("dose", ["10 uV", "5 mm", "30 s", "20 Hz", "1 nA"])
def test_a_dose_is_an_amount_or_a_concentration(dose: str) -> None:
    with pytest.raises(ValueError, match="is no dose; write an amount or a concentration"):
        Drug.model_validate({"action": "agonist", "dose": dose, "route": "bath", "at": "unknown"})


@pytest.mark.parametrize("dose", ["10 ug", "5 mg/kg", "1 uM", "0.9 %", "2 mL", "3 mg/mL", "1 ug/min", "unknown"])
def test_doses_that_labs_write_are_read(dose: str) -> None:
    assert str(Drug.model_validate({"action": "agonist", "dose": dose, "route": "bath", "at": "unknown"}).dose) == dose


def test_from_what_a_state_counts_is_said_where_its_key_is_explained() -> None:
    said = meaning(State, "from_")
    assert "for a bath is when its tap was turned" in said
    assert "`reaches_bath_after`` of the drug is not added" in said
