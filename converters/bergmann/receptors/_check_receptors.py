"""Receptors that cannot be as stated, and evidence that contradicts them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from bergmann.findings import Finding
from bergmann.receptors._findings import ESCAPE, finding
from bergmann.receptors.injections import procedures
from bergmann.receptors.stated import Expression, GeneticStatus, Receptor
from bergmann.receptors.vocabulary import UnknownTermError, find_receptor
from bergmann.receptors.vocabulary.terms import Receptor as Term
from bergmann.receptors.vocabulary.terms import organism_of
from bergmann.stated import Collections

CHANGED: tuple[GeneticStatus, ...] = ("knocked_out", "knocked_down", "overexpressed", "exogenous")
SYNTHETIC: tuple[GeneticStatus, ...] = ("exogenous", "control", "unknown")
"""What the status of a protein can be that no animal has by nature."""

KINDS = {"designer": "designer receptor", "sensor": "sensor protein", "other": "engineered protein"}


def check_receptors(collections: Collections, species: str | None) -> Iterator[Finding]:
    """Check each receptor by itself, and that none is stated twice."""
    stated = {name: cast(Receptor, one) for name, one in collections.get("receptors", {}).items()}
    terms: dict[str, Term] = {}
    for name, one in stated.items():
        try:
            terms[name] = find_receptor(one.receptor, species)
        except UnknownTermError as error:
            yield finding("error", "unknown name", f"receptors.{name}.receptor", str(error), ESCAPE)
            continue
        yield from _check_term(f"receptors.{name}", one, terms[name], species)
        yield from _check_status(f"receptors.{name}", one)
        yield from _check_vector(f"receptors.{name}", one, collections)
        if terms[name].role == "sensor":
            yield from _check_sensor(f"receptors.{name}", terms[name], collections)
    yield from _check_twice(stated, terms)


def _check_term(key: str, stated: Receptor, term: Term, species: str | None) -> Iterator[Finding]:
    """Whose gene it is, and whether an animal can have it by nature."""
    role, organism = stated.role or term.role, organism_of(species)
    if role == term.role == "native" and None not in (organism, term.organism) and organism != term.organism:
        message = f"{stated.receptor} is a gene of the {term.organism}, the subject is a {organism}"
        yield finding("warning", "conflict", f"{key}.receptor", message, "give the gene of the subject, or its symbol alone")
    if term.role != "native" and stated.role == "native":
        message = f"{term.name} is a {KINDS[term.role]}, and no animal has it by nature"
        yield finding("error", "conflict", f"{key}.role", message, "leave `role` out")
    synthetic = term.role if term.role != "native" else role if role in ("designer", "sensor") else None
    if synthetic is not None and stated.status not in SYNTHETIC:
        message = f"{term.name} is a {KINDS[synthetic]}; its status cannot be {stated.status}"
        yield finding("error", "conflict", f"{key}.status", message, "write `exogenous`")


def _check_status(key: str, stated: Receptor) -> Iterator[Finding]:
    """A status and what is said of how it came about."""
    said = {"by": stated.by, "vector": stated.vector, "construct": stated.construct_name, "procedures": stated.procedures}
    how = [name for name, value in said.items() if value]
    if stated.status == "endogenous" and how:
        named = "`, `".join(how)
        message = f"endogenous says that nothing was done to the receptor, and `{named}` that something was"
        remedy = "write `knocked_down`, `knocked_out` or `overexpressed`; `control` for a vector that leaves it as it is"
        yield finding("error", "conflict", f"{key}.status", message, remedy)
    if stated.status == "control" and not how:
        message = "a control of what? Neither a vector, a construct nor a method is stated"
        remedy = f"state `{key}.vector` or `{key}.by`, such as scrambled shRNA; an animal to which nothing was done is `endogenous`"
        yield finding("error", "gap", key, message, remedy)
    if stated.status in CHANGED and not how:
        message = f"{stated.status}, and nothing says how"
        yield finding("note", "gap", key, message, f"state `{key}.by` or `{key}.vector`, if it is known")


def _check_vector(key: str, stated: Receptor, collections: Collections) -> Iterator[Finding]:
    """A vector that changed the receptor was injected at some time."""
    if stated.vector is not None and not any(stated.vector in one.vectors for one in procedures(collections).values()):
        message = f"no procedure says that {stated.vector} was injected, so the file cannot say where and when"
        yield finding(
            "note", "gap", f"{key}.vector", message, f"state a procedure with `vectors: [{stated.vector}]`, or its date as unknown"
        )


def _check_sensor(key: str, term: Term, collections: Collections) -> Iterator[Finding]:
    """A sensor is imaged: as an indicator, too."""
    for one in collections.get("indicators", {}).values():
        try:
            named = find_receptor(str(getattr(one, "name", "")))
        except UnknownTermError:
            continue
        if named.role == "sensor" and named.ligand == term.ligand:
            return
    message = f"{term.name} is a sensor, and none of `indicators` is one of its kind: the file will not say that it was imaged"
    yield finding(
        "note", "gap", key, message, f"state it as `indicators: {{...: {{name: {term.name}}}}}`, and in the plane's channel"
    )


def _check_twice(stated: Mapping[str, Receptor], terms: Mapping[str, Term]) -> Iterator[Finding]:
    """One receptor in one population is one row."""
    seen: dict[tuple[str, str, str], str] = {}
    for name, term in terms.items():
        same = (term.name, term.gene_id, stated[name].population)
        if same in seen:
            message = f"{term.name} in {stated[name].population} is `receptors.{seen[same]}` already"
            yield finding(
                "error", "conflict", f"receptors.{name}", message, "state it once; what changes in the session is a state"
            )
        seen.setdefault(same, name)


def check_expression(collections: Collections) -> Iterator[Finding]:
    """Check the evidence by itself, and against the status of its receptor."""
    for name, one in collections.get("expression", {}).items():
        stated, key = cast(Expression, one), f"expression.{name}"
        is_number = isinstance(stated.value, float)
        if is_number and stated.unit is None:
            yield finding("error", "gap", f"{key}.unit", f"{stated.value:g} of what?", "state `unit`, such as fraction of control")
        if stated.unit is not None and stated.value is None:
            yield finding(
                "error", "gap", f"{key}.value", "a unit without a value", "state `value`, or `unknown`; or leave the unit out"
            )
        if stated.value is None and stated.description is None:
            message = "neither a value nor a result in words is stated"
            yield finding("error", "gap", f"{key}.value", message, "state `value` with its `unit`, or `description`")
        if stated.sample == "published" and stated.reference is None:
            yield finding("error", "gap", f"{key}.reference", "published where?", "state its DOI, accession or address")
        receptor = collections.get("receptors", {}).get(stated.receptor)
        if is_number and receptor is not None:
            yield from _check_level(key, stated, cast(Receptor, receptor))


def _check_level(key: str, stated: Expression, receptor: Receptor) -> Iterator[Finding]:
    value = cast(float, stated.value)
    if value < 0:
        yield finding("error", "value", f"{key}.value", f"{value:g} is below zero; a level of expression is not", "correct it")
    is_relative = stated.unit is not None and stated.unit.lower().startswith("fraction of")
    less, more = receptor.status in ("knocked_down", "knocked_out"), receptor.status in ("overexpressed", "exogenous")
    if stated.sample != "published" and is_relative and ((less and value >= 1) or (more and 0 <= value <= 1)):
        message = f"{value:g} {stated.unit}, but {stated.receptor} is stated as {receptor.status}"
        yield finding("warning", "conflict", f"{key}.value", message, "was it a percentage? Or did the manipulation not work?")
