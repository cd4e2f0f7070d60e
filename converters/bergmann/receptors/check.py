"""What contradicts, or is not known to the vocabulary, in what is stated of the animal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import cast

from bergmann.findings import Finding
from bergmann.receptors._check_drugs import check_drugs
from bergmann.receptors._check_receptors import check_expression, check_receptors
from bergmann.receptors._check_states import check_states
from bergmann.receptors._findings import ESCAPE, finding, unlisted
from bergmann.receptors.injections import check_injections, procedures
from bergmann.receptors.stated import Population, Procedure, Receptor
from bergmann.receptors.vocabulary import UnknownTermError, find_cell, find_structure
from bergmann.stated import Collections, Quantity


def check_collections(
    collections: Collections, *, species: str | None, session_date: date | None = None, born: date | None = None
) -> Iterator[Finding]:
    """Check populations, receptors, vectors, procedures, expression, drugs and states; imports no pynwb.

    Parameters
    ----------
    collections : mapping
    species : str or None
        Of the subject.
    session_date : date or None
        The day of the session, if known.
    born : date or None
        When the subject was born, if known.

    Yields
    ------
    Finding
        Its location is the dotted key, such as ``receptors.adra1a_bg.receptor``.
    """
    for name, population in collections.get("populations", {}).items():
        yield from _check_population(f"populations.{name}", cast(Population, population), species)
    yield from check_receptors(collections, species)
    yield from _check_later(collections, session_date)
    for name, procedure in procedures(collections).items():
        yield from _check_procedure(f"procedures.{name}", procedure, born)
    yield from check_injections(collections)
    yield from check_expression(collections)
    yield from check_drugs(collections, species)
    yield from check_states(collections)


def _check_population(key: str, population: Population, species: str | None) -> Iterator[Finding]:
    try:
        cell = find_cell(population.cell_type)
    except UnknownTermError as error:
        yield finding("error", "unknown name", f"{key}.cell_type", str(error), ESCAPE)
    else:
        if cell.obsolete:
            yield finding("warning", "obsolete term", f"{key}.cell_type", f"{cell.curie} is obsolete", f"use {cell.obsolete}")
    try:
        find_structure(population.location, species)
    except UnknownTermError as error:
        yield unlisted(f"{key}.location", error)


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
            yield finding("error", "conflict", key, f"{message}, but {', '.join(resting)} rests on it", remedy)
        else:
            yield finding("warning", "later procedure", key, f"{message}, so it is left out of this session's file")


def _check_procedure(key: str, procedure: Procedure, born: date | None) -> Iterator[Finding]:
    if born is not None and isinstance(procedure.date, date) and procedure.date < born:
        message = f"{procedure.date} is before the animal was born ({born})"
        yield finding("error", "conflict", f"{key}.date", message, "which of the two dates is wrong?")
    if procedure.term in ("nerve_injury", "inflammation", "sham") and not (procedure.model or procedure.of):
        what = "of what it is the sham" if procedure.term == "sham" else "which model it is"
        example = "`of: spared nerve injury`" if procedure.term == "sham" else "`model: spared nerve injury`"
        yield finding("note", "gap", key, f"{what} is not stated", f"state it, such as {example}")
    for number, site in enumerate(procedure.sites):
        if site.side == "right" and isinstance(site.ml, Quantity) and site.ml.value < 0:
            message = f"{site.ml} is left of the midline, the side is right"
            yield finding("error", "conflict", f"{key}.sites.{number}.ml", message, "write the distance from the midline")
        if isinstance(site.dv, Quantity) and site.dv.value > 0:
            message = f"{site.dv} is above {site.reference or 'the reference'}"
            yield finding("warning", "coordinates", f"{key}.sites.{number}.dv", message, "write a depth as a negative number")
