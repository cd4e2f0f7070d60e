"""What is stated as rows of the extension's tables; text that nobody stated is empty, a number that nobody knows is NaN."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from bergmann.moments import Moment, When
from bergmann.receptors.administrations import find_administrations
from bergmann.receptors.stated import Drug, Expression, Population, Procedure, Receptor, Site, Vector
from bergmann.receptors.states import Stretch
from bergmann.receptors.terms import compound_of, place_of
from bergmann.receptors.vocabulary import find_cell, find_receptor
from bergmann.stand_ins import NO_TEXT, NOT_KNOWN, NOT_STATED
from bergmann.stated import Quantity, Unknown

Row = dict[str, Any]


def population_row(name: str, stated: Population, species: str | None) -> Row:
    """A row of `CellPopulationsTable`."""
    cell, place = find_cell(stated.cell_type), place_of(stated.location, species)
    return {
        "label": name,
        "cell_type": cell.name,
        "cell_type_id": cell.curie,
        "location": place.name,
        "location_id": place.curie,
        "identification": "; ".join(text for text in (stated.identified_by, stated.description) if text),
    }


def receptor_row(name: str, stated: Receptor, vectors: Mapping[str, Vector], species: str | None) -> Row:
    """A row of `ReceptorsTable`, without what points to other rows."""
    receptor = find_receptor(stated.receptor, species)
    vector = vectors[stated.vector].construct_name if stated.vector else NO_TEXT
    return {
        "label": name,
        "receptor_name": receptor.name,
        "gene_symbol": receptor.gene_symbol,
        "gene_id": receptor.gene_id,
        "receptor_id": receptor.receptor_id,
        "role": stated.role or receptor.role,
        "transduction": receptor.transduction,
        "endogenous_ligand": receptor.ligand,
        "genetic_status": stated.status,
        "genetic_method": stated.by or NO_TEXT,
        "construct": stated.construct_name or vector,
    }


def procedure_row(name: str, stated: Procedure, session_date: date, vectors: Mapping[str, Vector]) -> Row:
    """A row of `ProceduresTable`, without its injections."""
    is_dated = isinstance(stated.date, date)
    nerve = stated.nerve and (stated.nerve if "nerve" in stated.nerve else f"{stated.nerve} nerve")
    return {
        "label": name,
        "kind": stated.term,
        "model": stated.model or stated.of or NO_TEXT,
        "target": ", ".join(text for text in (stated.target, nerve, stated.location) if text),
        "side": stated.side or NO_TEXT,
        "date": stated.date.isoformat() if isinstance(stated.date, date) else stated.date,
        "days_before_session": float((session_date - stated.date).days) if is_dated else NOT_KNOWN,  # type: ignore[operator]
        "details": "; ".join(_details(stated, vectors)),
    }


def _details(stated: Procedure, vectors: Mapping[str, Vector]) -> Iterator[str]:
    if stated.kind.replace(" ", "_") != stated.term:
        yield stated.kind
    if stated.description:
        yield stated.description
    for name in stated.vectors:
        yield vector_text(name, vectors[name])
    for site in stated.sites:
        yield site_text(site)


def vector_text(name: str, vector: Vector) -> str:
    """A vector in words, with everything that is stated of it."""
    said = [vector.construct_name, f"titre {_shown(vector.titre)}"]
    said += [f"manufacturer {vector.manufacturer}"] if vector.manufacturer else []
    return f"{name}: {', '.join([*said, *([vector.description] if vector.description else [])])}"


def _shown(value: Quantity | Unknown | None) -> str:
    return NOT_STATED if value is None else str(value)


def site_text(site: Site) -> str:
    """A site in words, with everything that is stated of it and nothing else."""
    named = {"AP": site.ap, "ML": site.ml, "DV": site.dv, "volume": site.volume}
    said = [text for text in (site.location, site.side and f"side {site.side}") if text]
    said += [f"{name} {value}" for name, value in named.items() if value is not None]
    return ", ".join([*said, *([f"from {site.reference}"] if site.reference else [])])


def drug_rows(name: str, stated: Drug, when: Callable[[Moment], tuple[When, ...]]) -> Iterator[Row]:
    """Rows of `DrugAdministrationsTable`, one for each time that the drug was given, without its receptors.

    Raises
    ------
    SourceError
        If ``from`` or ``to`` is several times, or it ends before it begins.
    """
    compound = compound_of(stated.compound or name)
    dose = stated.dose if isinstance(stated.dose, Quantity) else None
    volume = stated.volume if isinstance(stated.volume, Quantity) else None
    for one in find_administrations(name, stated, when):
        yield {
            "label": name,
            "timestamp": one.begin.seconds,
            "duration": one.duration,
            "compound": compound.name,
            "compound_id": compound.curie,
            "action": stated.action,
            "dose": dose.value if dose else NOT_KNOWN,
            "dose_unit": dose.unit if dose else NO_TEXT,
            "dose_is_unknown": stated.dose == "unknown",
            "route": stated.route,
            "site": stated.site or NO_TEXT,
            "vehicle": stated.vehicle or NO_TEXT,
            "volume_in_uL": volume.to("uL") if volume else NOT_KNOWN,
            "timestamp_basis": one.begin.basis,
            "timestamp_uncertainty": one.begin.uncertainty,
            "reaches_bath_after": stated.reaches_bath_after.to("s") if stated.reaches_bath_after is not None else NOT_KNOWN,
            "annotation": "; ".join(_notes(stated)),
        }


def _notes(stated: Drug) -> Iterator[str]:
    """What has no column of its own, and what the laboratory says that it does not know."""
    if stated.description:
        yield stated.description
    if stated.reaches_bath_after is not None:
        yield f"reaches the bath after {stated.reaches_bath_after}"
    for key in ("dose", "volume"):
        if getattr(stated, key) == "unknown":
            yield f"{key} unknown"
    stated_at = stated.at or stated.from_
    if stated_at is not None:
        yield f"time stated as: {stated_at.text}" + (f" to {stated.to.text}" if stated.to is not None else NO_TEXT)


def expression_row(name: str, stated: Expression) -> Row:
    """A row of `ReceptorExpressionTable`, without the receptor."""
    return {
        "label": name,
        "assay": stated.assay,
        "value": stated.value if isinstance(stated.value, float) else NOT_KNOWN,
        "unit": stated.unit or NO_TEXT,
        "sample": stated.sample,
        "reference": stated.reference or NO_TEXT,
        "details": "; ".join(
            [*([stated.description] if stated.description else []), *(["value unknown"] * (stated.value == "unknown"))]
        ),
    }


def state_row(stretch: Stretch) -> Row:
    """A row of `ReceptorStateIntervals`, without what points to other rows."""
    return {
        "start_time": stretch.start.seconds,
        "stop_time": stretch.stop.seconds,
        "state": stretch.stated.state,
        "basis": stretch.stated.basis,
        "label": stretch.name,
        "stated_as": f"{stretch.stated.from_.text} to {stretch.stated.to.text}",
        "start_basis": stretch.start.basis,
        "stop_basis": stretch.stop.basis,
        "start_uncertainty": stretch.start.uncertainty,
        "stop_uncertainty": stretch.stop.uncertainty,
    }
