"""What is stated as rows of the extension's tables; text that nobody stated is empty, a number that nobody knows is NaN."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from math import nan
from typing import Any

from bergmann.errors import SourceError
from bergmann.moments import Moment, When
from bergmann.receptors.stated import Drug, Population, Procedure, Receptor, Site, Vector
from bergmann.receptors.terms import compound_of, place_of
from bergmann.receptors.vocabulary import find_cell, find_receptor
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
    vector = vectors[stated.vector].construct_name if stated.vector else ""
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
        "genetic_method": stated.by or "",
        "construct": stated.construct_name or vector,
    }


def procedure_row(name: str, stated: Procedure, session_date: date, vectors: Mapping[str, Vector]) -> Row:
    """A row of `ProceduresTable`, without its injections."""
    is_dated = isinstance(stated.date, date)
    nerve = stated.nerve and (stated.nerve if "nerve" in stated.nerve else f"{stated.nerve} nerve")
    return {
        "label": name,
        "kind": stated.term,
        "model": stated.model or stated.of or "",
        "target": ", ".join(text for text in (stated.target, nerve, stated.location) if text),
        "side": stated.side or "",
        "date": stated.date.isoformat() if isinstance(stated.date, date) else stated.date,
        "days_before_session": float((session_date - stated.date).days) if is_dated else nan,  # type: ignore[operator]
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
        yield _site(site)


def vector_text(name: str, vector: Vector) -> str:
    """A vector in words, with everything that is stated of it."""
    said = [vector.construct_name, f"titre {_shown(vector.titre)}"]
    said += [f"manufacturer {vector.manufacturer}"] if vector.manufacturer else []
    return f"{name}: {', '.join([*said, *([vector.description] if vector.description else [])])}"


def _shown(value: Quantity | Unknown | None) -> str:
    return "not stated" if value is None else str(value)


def _site(site: Site) -> str:
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
    for begin, duration in _times(name, stated, when):
        yield {
            "label": name,
            "timestamp": begin.seconds,
            "duration": duration,
            "compound": compound.name,
            "compound_id": compound.curie,
            "action": stated.action,
            "dose": dose.value if dose else nan,
            "dose_unit": dose.unit if dose else "",
            "route": stated.route,
            "site": stated.site or "",
            "vehicle": stated.vehicle or "",
            "volume_in_uL": volume.to("uL") if volume else nan,
            "timestamp_basis": begin.basis,
            "timestamp_uncertainty": begin.uncertainty,
            "annotation": "; ".join(_notes(stated)),
        }


def _times(name: str, stated: Drug, when: Callable[[Moment], tuple[When, ...]]) -> Iterator[tuple[When, float]]:
    """When it was given and for how long (NaN where that is not stated)."""
    if stated.from_ is None:
        for one in when(stated.at) if stated.at is not None else ():
            yield one, nan
        return
    begin = _single(f"drugs.{name}.from", stated.from_, when)
    if stated.to is None:
        yield begin, nan
        return
    end = _single(f"drugs.{name}.to", stated.to, when)
    if end.seconds < begin.seconds:
        raise SourceError(
            f"drugs.{name}: `to` ({stated.to.text}, {end.seconds:g} s) is before `from` ({stated.from_.text}, {begin.seconds:g} s)"
        )
    yield begin, end.seconds - begin.seconds


def _single(key: str, moment: Moment, when: Callable[[Moment], tuple[When, ...]]) -> When:
    times = when(moment)
    if len(times) != 1:
        raise SourceError(f"{key}: `{moment.text}` is {len(times)} times; expected one, such as `first event of puffs`")
    return times[0]


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
        yield f"time stated as: {stated_at.text}" + (f" to {stated.to.text}" if stated.to is not None else "")
