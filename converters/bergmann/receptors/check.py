"""What contradicts, or is not known to the vocabulary, in what is stated of the animal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import cast

from bergmann.findings import Finding, Severity
from bergmann.receptors.injections import check_injections, procedures
from bergmann.receptors.stated import Drug, Population, Procedure, Receptor
from bergmann.receptors.vocabulary import UnknownTermError, find_cell, find_compound, find_receptor, find_structure
from bergmann.receptors.vocabulary.terms import organism_of
from bergmann.stated import Collections, Quantity

_ESCAPE = "write it as `name [CURIE]`, or as `name [unlisted]` if it is meant as it stands"


def check_collections(collections: Collections, *, species: str | None, session_date: date | None = None) -> Iterator[Finding]:
    """Check populations, receptors, vectors, procedures and drugs; imports no pynwb.

    Parameters
    ----------
    collections : mapping
    species : str or None
        Of the subject.
    session_date : date or None
        The day of the session, if known.

    Yields
    ------
    Finding
        Its location is the dotted key, such as ``receptors.adra1a_bg.receptor``.
    """
    for name, population in collections.get("populations", {}).items():
        yield from _check_population(f"populations.{name}", cast(Population, population), species)
    for name, receptor in collections.get("receptors", {}).items():
        yield from _check_receptor(f"receptors.{name}", cast(Receptor, receptor), species)
    yield from _check_later(collections, session_date)
    for name, procedure in procedures(collections).items():
        yield from _check_procedure(f"procedures.{name}", procedure)
    for name, drug in collections.get("drugs", {}).items():
        yield from _check_drug(name, cast(Drug, drug))
    yield from check_injections(collections)


def _finding(severity: Severity, check: str, location: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity=severity, check=check, location=location, message=message, remedy=remedy)


def _check_population(key: str, population: Population, species: str | None) -> Iterator[Finding]:
    try:
        cell = find_cell(population.cell_type)
    except UnknownTermError as error:
        yield _finding("error", "unknown name", f"{key}.cell_type", str(error), _ESCAPE)
    else:
        if cell.obsolete:
            yield _finding("warning", "obsolete term", f"{key}.cell_type", f"{cell.curie} is obsolete", f"use {cell.obsolete}")
    try:
        find_structure(population.location, species)
    except UnknownTermError as error:
        yield _unlisted(f"{key}.location", error)


def _unlisted(key: str, error: UnknownTermError) -> Finding:
    """A place or a compound may be one of thousands: it is written as stated; only a likely slip of the pen is a warning."""
    severity: Severity = "warning" if error.suggestions else "note"
    return _finding(severity, "unlisted name", key, f"{error}; it is written as stated, without an identifier", _ESCAPE)


def _check_receptor(key: str, stated: Receptor, species: str | None) -> Iterator[Finding]:
    try:
        receptor = find_receptor(stated.receptor, species)
    except UnknownTermError as error:
        yield _finding("error", "unknown name", f"{key}.receptor", str(error), _ESCAPE)
        return
    role, organism = stated.role or receptor.role, organism_of(species)
    if role == "native" and None not in (organism, receptor.organism) and organism != receptor.organism:
        yield _finding(
            "warning",
            "conflict",
            f"{key}.receptor",
            f"{stated.receptor} is a gene of the {receptor.organism}, the subject is a {organism}",
            "give the gene of the subject, or its symbol alone",
        )
    if role in ("designer", "sensor") and stated.status in ("endogenous", "knocked_down", "knocked_out"):
        message = (
            f"{receptor.name} is a {role} {'receptor' if role == 'designer' else 'protein'}; its status cannot be {stated.status}"
        )
        yield _finding("error", "conflict", f"{key}.status", message, "write `exogenous`")
    if stated.status in ("knocked_out", "knocked_down", "overexpressed", "exogenous") and not (stated.by or stated.vector):
        message = f"{stated.status}, and nothing says how"
        yield _finding("note", "gap", key, message, f"state `{key}.by` or `{key}.vector`, if it is known")


def is_later(procedure: Procedure, session_date: date) -> bool:
    """Whether a procedure was done after the day of the session, as an animal's overlay says of its baseline sessions."""
    return isinstance(procedure.date, date) and procedure.date > session_date


def _check_later(collections: Collections, session_date: date | None) -> Iterator[Finding]:
    """Procedures after the session: left out of the file, and a contradiction if a receptor's state rests on one."""
    later = {name: one for name, one in procedures(collections).items() if session_date is not None and is_later(one, session_date)}
    for name, procedure in later.items():
        key, message = f"procedures.{name}.date", f"{procedure.date} is after the session ({session_date})"
        resting = [
            receptor_name
            for receptor_name, one in collections.get("receptors", {}).items()
            if name in ((receptor := cast(Receptor, one)).procedures or ()) or receptor.vector in procedure.vectors
        ]
        if resting:
            remedy = "a state that comes of it was not there yet: correct the date, or leave out what this session cannot have"
            yield _finding("error", "conflict", key, f"{message}, but {', '.join(resting)} rests on it", remedy)
        else:
            yield _finding("warning", "later procedure", key, f"{message}, so it is left out of this session's file")


def _check_procedure(key: str, procedure: Procedure) -> Iterator[Finding]:
    for number, site in enumerate(procedure.sites):
        if site.side == "right" and isinstance(site.ml, Quantity) and site.ml.value < 0:
            message = f"{site.ml} is left of the midline, the side is right"
            yield _finding("error", "conflict", f"{key}.sites.{number}.ml", message, "write the distance from the midline")
        if isinstance(site.dv, Quantity) and site.dv.value > 0:
            message = f"{site.dv} is above {site.reference or 'the reference'}"
            yield _finding("warning", "coordinates", f"{key}.sites.{number}.dv", message, "write a depth as a negative number")


def _check_drug(name: str, drug: Drug) -> Iterator[Finding]:
    key = f"drugs.{name}.compound" if drug.compound else f"drugs.{name}"
    try:
        find_compound(drug.compound or name)
    except UnknownTermError as error:
        yield _unlisted(key, error)
    if drug.dose is None and drug.action != "vehicle":
        yield _finding("warning", "gap", f"drugs.{name}.dose", "the dose is not stated", "state it, or `unknown`")
    if drug.at is not None and drug.at.text.strip() == "unknown":
        message = "nobody knows when it was given: its row has no time (NaN), and DANDI may then not show when the session ended"
        yield _finding("warning", "unknown", f"drugs.{name}.at", message)
