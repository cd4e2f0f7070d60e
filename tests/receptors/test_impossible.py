"""What cannot be is refused with the reason, and what a reviewer would ask is asked."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from bergmann.findings import Finding
from bergmann.imaging.stated import Indicator
from bergmann.moments import Moment, When
from bergmann.receptors.check import check_collections
from bergmann.receptors.stated import COLLECTIONS, Drug, Expression, Receptor, State
from bergmann.receptors.states import check_times

GROUND = """
populations: {bg: {cell_type: Bergmann glial cell, location: "CUL4, 5"}, lc: {cell_type: noradrenergic neuron, location: LC}}
receptors:
  a1a: {receptor: Adra1a, population: bg, status: endogenous}
  a1b: {receptor: Adra1b, population: bg, status: endogenous}
drugs:
  prazosin: {action: antagonist, dose: 1 uM, route: bath, from: t200, to: t500, reaches_bath_after: 90 s, receptors: [a1a]}
""".replace("t200", "200 s after movie").replace("t500", "500 s after movie")


def stated(*texts: str) -> dict[str, dict[str, Any]]:
    """The documents laid over each other, by entry."""
    merged: dict[str, dict[str, Any]] = {}
    for text in texts:
        for name, entries in (yaml.load(text, yaml.BaseLoader) or {}).items():
            merged.setdefault(name, {}).update(entries)
    models: dict[str, Any] = {**COLLECTIONS, "indicators": Indicator}
    return {name: {key: models[name].model_validate(one) for key, one in entries.items()} for name, entries in merged.items()}


def when(moment: Moment) -> tuple[When, ...]:
    """A clock whose movie starts at 0 and whose prazosin is as stated."""
    if moment.text == "unknown":
        return (When(nan, "unknown"),)
    if moment.text == "each event of puffs":
        return (When(1.0, "recorded"), When(2.0, "recorded"))
    number, unit, _, *rest = moment.text.split(" +-")[0].split()
    assert unit == "s"
    zero = {"movie": 0.0, "prazosin": 200.0, "prazosin ends": 500.0}[" ".join(rest)]
    return (When(zero + float(number), "recorded", moment.uncertainty),)


def found(*texts: str, **more: Any) -> list[Finding]:
    return list(check_collections(stated(GROUND, *texts), species="Mus musculus", **more))


def only(findings: list[Finding], severity: str, location: str) -> Finding:
    (one,) = [one for one in findings if one.severity in ("error", "warning")] if severity != "note" else findings
    assert (one.severity, one.location) == (severity, location), one.text
    return one


def test_the_ground_of_these_tests_is_firm() -> None:
    assert found() == []


# --- receptors --------------------------------------------------------------------------------------------------------


def test_a_designer_receptor_needs_a_population() -> None:
    with pytest.raises(ValidationError, match="population\n  Field required"):
        Receptor.model_validate({"receptor": "hM4Di", "status": "exogenous"})


@pytest.mark.parametrize(
    "how", ["by: shRNA", "construct: AAV-shRNA", "vector: v", "procedures: [virus]"],
)  # fmt: skip
def test_a_knockdown_is_not_endogenous(how: str) -> None:
    text = (
        f"receptors: {{x: {{receptor: Adrb1, population: bg, status: endogenous, {how}}}}}\n"
        "vectors: {v: {construct: AAV, titre: 1e12 vg/mL, manufacturer: unknown}}\n"
        "procedures: {virus: {kind: injection, date: unknown, vectors: [v]}}\n"
    )
    one = only(found(text), "error", "receptors.x.status")
    assert "nothing was done to the receptor, and" in one.message
    assert "`control` for a vector that leaves it as it is" in one.remedy


def test_a_control_says_what_of() -> None:
    one = only(found("receptors: {x: {receptor: Adrb1, population: bg, status: control}}"), "error", "receptors.x")
    assert "a control of what?" in one.message
    assert "`endogenous`" in one.remedy
    assert found("receptors: {x: {receptor: Adrb1, population: bg, status: control, by: scrambled shRNA}}") == []


@pytest.mark.parametrize("receptor", ["hM3Dq", "GRAB_NE2m", "CalEx"])
@pytest.mark.parametrize("status", ["endogenous", "knocked_down", "knocked_out", "overexpressed"])
def test_what_no_animal_has_by_nature_is_exogenous(receptor: str, status: str) -> None:
    how = "" if status == "endogenous" else ", by: AAV"
    errors = [
        one
        for one in found(f"receptors: {{x: {{receptor: {receptor}, population: bg, status: {status}{how}}}}}")
        if one.severity == "error"
    ]
    assert [(one.location, one.remedy) for one in errors] == [("receptors.x.status", "write `exogenous`")]


def test_a_designer_receptor_is_not_native() -> None:
    one = only(
        found("receptors: {x: {receptor: hM4Di, population: bg, status: exogenous, by: AAV, role: native}}"),
        "error",
        "receptors.x.role",
    )
    assert one.message == "hM4Di is a designer receptor, and no animal has it by nature"


def test_one_receptor_in_one_population_is_stated_once() -> None:
    one = only(
        found("receptors: {x: {receptor: alpha1A-adrenoceptor, population: bg, status: knocked_down, by: shRNA}}"),
        "error",
        "receptors.x",
    )
    assert one.message == "α1A-adrenoceptor in bg is `receptors.a1a` already"
    assert found("receptors: {x: {receptor: Adra1a, population: lc, status: endogenous}}") == []


def test_a_sensor_that_nobody_imaged_is_noted() -> None:
    text = "receptors: {x: {receptor: GRAB_NE2m, population: bg, status: exogenous, by: AAV}}"
    assert only(found(text), "note", "receptors.x").check == "gap"
    assert found(text, "indicators: {na: {name: GRAB_NE1m}}") == []


def test_a_vector_that_was_never_injected_is_noted() -> None:
    text = (
        "receptors: {x: {receptor: Adrb1, population: bg, status: knocked_down, vector: v}}\n"
        "vectors: {v: {construct: AAV, titre: 1e12 vg/mL, manufacturer: unknown}}"
    )
    assert "no procedure says that v was injected" in only(found(text), "note", "receptors.x.vector").message


# --- expression -------------------------------------------------------------------------------------------------------


def test_evidence_is_of_a_receptor() -> None:
    with pytest.raises(ValidationError, match="receptor\n  Field required"):
        Expression.model_validate({"assay": "RT-qPCR", "value": "0.3", "unit": "x", "sample": "same cohort"})


@pytest.mark.parametrize(
    ("keys", "key", "message"),
    [
        ("value: 0.3, sample: same cohort", "unit", "0.3 of what?"),
        ("unit: puncta/cell, description: few, sample: same cohort", "value", "a unit without a value"),
        ("sample: same cohort", "value", "neither a value nor a result in words"),
        ("value: 0.3, unit: x, sample: published", "reference", "published where?"),
        ("value: -0.3, unit: x, sample: same subject", "value", "-0.3 is below zero"),
    ],
)
def test_half_a_measurement_is_refused(keys: str, key: str, message: str) -> None:
    one = only(found(f"expression: {{e: {{receptor: a1a, assay: RT-qPCR, {keys}}}}}"), "error", f"expression.e.{key}")
    assert message in one.message


def test_a_level_that_contradicts_the_status_is_a_warning() -> None:
    text = (
        "receptors: {x: {receptor: Adrb1, population: bg, status: knocked_down, by: shRNA}}\n"
        "expression: {e: {receptor: x, assay: RT-qPCR, value: 31, unit: fraction of control, sample: same cohort}}"
    )
    one = only(found(text), "warning", "expression.e.value")
    assert one.message == "31 fraction of control, but x is stated as knocked_down"
    assert "percentage" in one.remedy
    assert found(text.replace("31", "0.31")) == []


# --- drugs ------------------------------------------------------------------------------------------------------------


def test_a_dose_has_a_unit() -> None:
    with pytest.raises(ValidationError, match="`10` has no unit; write it behind the number, such as `10 ug`"):
        Drug.model_validate({"action": "agonist", "dose": "10", "route": "bath", "at": "unknown"})


@pytest.mark.parametrize("amount", ["dose: 0 ug", "dose: 1 ug, volume: -1 uL"])
def test_an_amount_is_more_than_nothing(amount: str) -> None:
    text = f"drugs: {{capsaicin: {{action: stimulus, {amount}, route: intraplantar, at: 10 s after movie}}}}"
    key = "volume" if "volume" in amount else "dose"
    assert "is nothing that can be given" in only(found(text), "error", f"drugs.capsaicin.{key}").message


def test_an_agonist_of_nothing_is_noted() -> None:
    text = "drugs: {phenylephrine: {action: agonist, dose: 1 uM, route: bath, at: 10 s after movie}}"
    assert (
        only(found(text), "note", "drugs.phenylephrine.receptors").message == "on which receptors it acts as agonist is not stated"
    )


DREADD = "receptors: {hm4di: {receptor: hM4Di, population: lc, status: exogenous, by: AAV}}\n"


def test_cno_acts_on_designer_receptors() -> None:
    cno = "drugs: {DCZ: {action: agonist, dose: 1 mg/kg, route: intraperitoneal, at: 10 s after movie%s}}"
    assert found(DREADD, cno % ", receptors: [hm4di]") == []
    assert "a1a is none" in only(found(DREADD, cno % ", receptors: [a1a]"), "warning", "drugs.DCZ.receptors").message
    assert "the animal has hm4di" in only(found(DREADD, cno % ""), "warning", "drugs.DCZ.receptors").message
    assert only(found(cno % ""), "note", "drugs.DCZ.receptors").check == "control"


@pytest.mark.parametrize("receptor", ["KORD", "PSAM4-GlyR"])
def test_cno_acts_on_no_designer_receptor_with_a_compound_of_its_own(receptor: str) -> None:
    text = (
        f"receptors: {{x: {{receptor: {receptor}, population: lc, status: exogenous, by: AAV}}}}\n"
        "drugs: {DCZ: {action: agonist, dose: 1 mg/kg, route: intraperitoneal, at: 10 s after movie, receptors: [x]}}"
    )
    assert only(found(text), "warning", "drugs.DCZ.receptors").message == (
        "DCZ is given to act on muscarinic designer receptors; x is none"
    )


def test_what_is_knocked_out_is_not_blocked() -> None:
    text = "receptors: {a1a: {receptor: Adra1a, population: bg, status: knocked out, by: Cre}}"
    keys = "state: blocked, by: prazosin, from: 300 s after movie, to: 400 s after movie"
    assert (
        only(found(text, state(keys)), "warning", "states.s.receptors").message
        == "a1a is stated as knocked_out, and as blocked here"
    )


def test_an_identifier_that_is_not_verified_is_noted() -> None:
    text = "drugs: {CNO: {action: agonist, dose: 1 mg/kg, route: intraperitoneal, at: 10 s after movie, receptors: [hm4di]}}"
    one = only(found(DREADD, text), "note", "drugs.CNO")
    assert one.message == (
        "pubchem.compound:135445691 is listed for clozapine N-oxide and not verified; "
        "inchikey:OGUCZBIQSYYWEF-UHFFFAOYSA-N is written instead"
    )


def test_a_perfusion_delay_is_of_a_perfusion() -> None:
    text = "drugs: {capsaicin: {action: stimulus, dose: 1 ug, route: intraplantar, at: 9 s after movie, reaches_bath_after: 9 s}}"
    only(found(text), "warning", "drugs.capsaicin.reaches_bath_after")


# --- procedures -------------------------------------------------------------------------------------------------------


def test_no_procedure_is_before_the_birth() -> None:
    from datetime import date

    text = "procedures: {window: {kind: cranial window, date: 2024-01-01}}"
    one = only(found(text, born=date(2024, 2, 28)), "error", "procedures.window.date")
    assert one.message == "2024-01-01 is before the animal was born (2024-02-28)"


@pytest.mark.parametrize(("kind", "message"), [("sham", "of what it is the sham"), ("nerve injury", "which model it is")])
def test_an_injury_says_its_model(kind: str, message: str) -> None:
    assert message in only(found(f"procedures: {{x: {{kind: {kind}, date: 2024-05-01}}}}"), "note", "procedures.x").message


# --- states -----------------------------------------------------------------------------------------------------------


def state(keys: str, name: str = "s") -> str:
    return f"states: {{{name}: {{receptors: [a1a], basis: pilot, {keys}}}}}"


def test_a_state_says_why_it_begins_and_ends_there() -> None:
    with pytest.raises(ValidationError, match="basis\n  Field required"):
        State.model_validate({"state": "blocked", "receptors": "a1a", "from": "1 s after movie", "to": "2 s after movie"})


def test_a_state_is_of_a_receptor() -> None:
    with pytest.raises(ValidationError, match="receptors"):
        State.model_validate(
            {"state": "blocked", "receptors": "", "from": "1 s after movie", "to": "2 s after movie", "basis": "pilot"}
        )


@pytest.mark.parametrize(
    ("keys", "severity", "key", "message"),
    [
        ("state: blocked, from: 300 s after movie, to: 400 s after movie", "error", ".by", "blocked by what?"),
        ("state: washout, from: 600 s after movie, to: 700 s after movie", "error", ".by", "a washout of what?"),
        ("state: baseline, by: prazosin, from: 1 s after movie, to: 2 s after movie", "error", ".by", "before anything was given"),
        ("state: blocked, by: prazosin, from: 400 s after movie, to: 300 s after movie", "error", "", "before it begins"),
        ("state: blocked, by: prazosin, from: prazosin ends, to: prazosin starts", "error", "", "before it begins"),
        (
            "state: activated, by: prazosin, from: 300 s after movie, to: 400 s after movie",
            "warning",
            ".state",
            "as activated by it",
        ),
    ],
)
def test_a_state_that_cannot_be_is_said_without_a_clock(keys: str, severity: str, key: str, message: str) -> None:
    assert message in only(found(state(keys)), severity, f"states.s{key}").message


def test_a_state_of_a_receptor_that_the_drug_does_not_act_on_is_a_warning() -> None:
    text = state("state: blocked, by: prazosin, from: 300 s after movie, to: 400 s after movie").replace("[a1a]", "[a1a, a1b]")
    one = only(found(text), "warning", "states.s.by")
    assert one.message == "prazosin is stated to act on a1a, not on a1b"


def test_a_vehicle_blocks_nothing() -> None:
    text = "drugs: {saline: {action: vehicle, route: bath, at: 9 s after movie, receptors: [a1a]}}"
    one = only(
        found(text, state("state: blocked, by: saline, from: 300 s after movie, to: 400 s after movie")), "error", "states.s.by"
    )
    assert "leaves receptors as they are" in one.message


def timed(*texts: str) -> list[Finding]:
    return list(check_times(stated(GROUND, *texts), when))


def test_a_state_may_begin_when_its_drug_is_there() -> None:
    assert timed(state("state: blocked, by: prazosin, from: 90 s after prazosin, to: 400 s after movie")) == []


@pytest.mark.parametrize(
    ("keys", "location", "message"),
    [
        ("state: blocked, by: prazosin, from: 150 s after movie, to: 400 s after movie", "states.s.from", "was given at 200 s"),
        (
            "state: blocked, by: prazosin, from: 60 s after prazosin, to: 400 s after movie",
            "states.s.from",
            "reaches the bath 90 s later",
        ),
        ("state: washout, by: prazosin, from: 450 s after movie, to: 600 s after movie", "states.s.from", "was given until 500 s"),
        ("state: other, from: 300 s after prazosin, to: 400 s after movie", "states.s", "before it begins"),
        ("state: other, from: unknown, to: 400 s after movie", "states.s.from", "a time that nobody knows"),
        ("state: other, from: 1 s after movie, to: each event of puffs", "states.s.to", "is 2 times"),
    ],
)
def test_a_state_that_cannot_be_on_the_clock_is_refused(keys: str, location: str, message: str) -> None:
    (one,) = timed(state(keys))
    assert (one.severity, one.location) == ("error", location)
    assert message in one.message


def test_a_time_from_a_notebook_may_be_wrong_by_its_uncertainty() -> None:
    assert timed(state("state: blocked, by: prazosin, from: 280 s after movie +- 15 s, to: 400 s after movie")) == []


def test_a_baseline_ends_before_the_drug() -> None:
    (one,) = timed(state("state: baseline, from: 1 s after movie, to: 250 s after movie"))
    assert (one.severity, one.location) == ("warning", "states.s.to")
    assert "prazosin, which acts on a1a, was given at 200 s" in one.message


def test_a_receptor_is_in_one_state_at_once() -> None:
    first = state("state: baseline, from: 1 s after movie, to: 190 s after movie", "first")
    second = state("state: activated, from: 100 s after movie, to: 150 s after movie", "second")
    (one,) = timed(first, second)
    assert (one.severity, one.location) == ("error", "states.second")
    assert "a1a would be activated and, by `states.first`, baseline at once, from 100 s to 150 s" in one.message
    assert timed(first, second.replace("[a1a]", "[a1b]")) == []


def test_a_drug_ends_after_it_begins() -> None:
    drug = "drugs: {x: {action: agonist, dose: 1 uM, route: bath, from: 9 s after movie, to: 8 s after movie, receptors: [a1a]}}"
    (one,) = timed(drug)
    assert (one.severity, one.location) == ("error", "drugs.x")
    assert one.message == "`to` (8 s after movie, 8 s) is before `from` (9 s after movie, 9 s)"
