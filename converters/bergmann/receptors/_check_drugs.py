"""Drugs that cannot have been given, or not act, as stated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from bergmann.findings import Finding
from bergmann.receptors._findings import finding, unlisted
from bergmann.receptors.stated import Drug, Receptor
from bergmann.receptors.vocabulary import UnknownTermError, find_compound, find_receptor
from bergmann.stated import Collections, Quantity

ACTUATORS = ("clozapine N-oxide", "deschloroclozapine", "compound 21", "perlapine")
"""Given to act on muscarinic designer receptors and on nothing else (KORD is acted on by salvinorin B, PSAMs by their PSEMs)."""

AT_RECEPTORS = ("agonist", "antagonist", "inverse_agonist", "positive_modulator", "negative_modulator", "uptake_inhibitor")
PERFUSED = ("bath", "perfus", "puff", "wash", "slice", "superfus")


def check_drugs(collections: Collections, species: str | None) -> Iterator[Finding]:
    """Check each drug by itself and against the receptors that it was given to act on."""
    for name, one in collections.get("drugs", {}).items():
        drug = cast(Drug, one)
        yield from _check_compound(name, drug)
        yield from _check_amounts(name, drug)
        yield from _check_targets(name, drug, collections, species)
        if drug.reaches_bath_after is not None and not any(word in drug.route.lower() for word in PERFUSED):
            message = f"a drug that is given {drug.route} does not come through a perfusion"
            yield finding("warning", "conflict", f"drugs.{name}.reaches_bath_after", message, "leave it out, or correct the route")
        if drug.at is not None and drug.at.text.strip() == "unknown":
            message = (
                "nobody knows when it was given: its row has no time (NaN), and DANDI may then not show when the session ended"
            )
            yield finding("warning", "unknown", f"drugs.{name}.at", message)


def _check_compound(name: str, drug: Drug) -> Iterator[Finding]:
    key = f"drugs.{name}.compound" if drug.compound else f"drugs.{name}"
    try:
        compound = find_compound(drug.compound or name)
    except UnknownTermError as error:
        yield unlisted(key, error)
        return
    if compound.unverified:
        used = compound.curie or "no identifier"
        message = f"{compound.unverified} is listed for {compound.name} and not verified; {used} is written instead"
        yield finding("note", "unverified", key, message)


def _check_amounts(name: str, drug: Drug) -> Iterator[Finding]:
    if drug.dose is None and drug.action != "vehicle":
        yield finding("warning", "gap", f"drugs.{name}.dose", "the dose is not stated", "state it, or `unknown`")
    for key, amount in (("dose", drug.dose), ("volume", drug.volume)):
        if isinstance(amount, Quantity) and amount.value <= 0:
            message = f"{amount} is nothing that can be given"
            remedy = "write the vehicle as `action: vehicle` without a dose" if key == "dose" else "correct it, or write `unknown`"
            yield finding("error", "value", f"drugs.{name}.{key}", message, remedy)


def _check_targets(name: str, drug: Drug, collections: Collections, species: str | None) -> Iterator[Finding]:
    stated = {key: cast(Receptor, one) for key, one in collections.get("receptors", {}).items()}
    roles = {key: _role(one, species) for key, one in stated.items()}
    muscarinic = [key for key, one in stated.items() if roles[key] == "designer" and not _has_its_own(one, species)]
    if _is_actuator(name, drug):
        key = f"drugs.{name}.receptors"
        others = [one for one in drug.receptors if roles.get(one) is not None and one not in muscarinic]
        if others:
            message = f"{drug.compound or name} is given to act on muscarinic designer receptors; {', '.join(others)} is none"
            yield finding("warning", "conflict", key, message, "name the designer receptor, or none in an animal without one")
        elif not drug.receptors and muscarinic:
            known = ", ".join(muscarinic)
            message = f"no receptor that it acts on is stated, and the animal has {known}"
            yield finding("warning", "gap", key, message, f"state `receptors: [{known}]`")
        elif not drug.receptors:
            message = "the animal has no designer receptor that it could act on: written as the control that it is"
            yield finding("note", "control", key, message)
    elif drug.action in AT_RECEPTORS and not drug.receptors:
        message = f"on which receptors it acts as {drug.action.replace('_', ' ')} is not stated"
        remedy = "state `receptors`, if they are among those of the session file"
        yield finding("note", "gap", f"drugs.{name}.receptors", message, remedy)


def _role(stated: Receptor, species: str | None) -> str | None:
    try:
        return stated.role or find_receptor(stated.receptor, species).role
    except UnknownTermError:
        return None


def _has_its_own(stated: Receptor, species: str | None) -> bool:
    """Whether a designer receptor is acted on by another compound than the muscarinic ones."""
    return find_receptor(stated.receptor, species).name.startswith(("KORD", "PSAM"))


def _is_actuator(name: str, drug: Drug) -> bool:
    try:
        return find_compound(drug.compound or name).name in ACTUATORS and drug.action != "vehicle"
    except UnknownTermError:
        return False
