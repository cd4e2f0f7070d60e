"""What is stated of the animal, and what it was given, to NWB objects.

Everything about the animal goes into one `GlialReceptorMetadata` container, which is built whole by whichever of its collections is
written first: its tables point to each other's rows. All objects in the container share one HDF5 group, where a vector and an
indicator of one name would be written into each other: what they are stands before their names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np
from ndx_ophys_devices import Indicator, ViralVector, ViralVectorInjection
from pynwb import NWBFile

from bergmann.receptors._rows import Row, drug_rows, population_row, procedure_row, receptor_row, vector_text
from bergmann.receptors.injections import Injection, injections, lateral, procedures, vector_gaps, vectors
from bergmann.receptors.stated import Drug, Population, Receptor, Vector
from bergmann.registry import Placed
from bergmann.stated import Quantity, Stated
from ndx_glial_receptors import (
    CellPopulationsTable,
    DrugAdministrationsTable,
    GlialReceptorMetadata,
    ProceduresTable,
    ReceptorsTable,
)
from ndx_glial_receptors.meanings import add_meanings
from ndx_glial_receptors.references import add_references

ADD: dict[Any, Any] = {}
"""This room reads no records."""


def add_animal(nwbfile: NWBFile, entries: Mapping[str, Stated], placed: Placed) -> None:  # noqa: ARG001
    """Add the container with populations, vectors, injections, procedures and receptors, once for all of these collections."""
    metadata_of(nwbfile, placed)


def metadata_of(nwbfile: NWBFile, placed: Placed) -> Any:
    """The session's `GlialReceptorMetadata`; made from what is stated if it is not there yet."""
    made = placed.objects.get(("glial", "metadata"))
    return _add_metadata(nwbfile, placed) if made is None else made


def set_arm(metadata: Any, *, arm: str | None, is_control: bool | None = None, factors: Mapping[str, str] | None = None) -> None:
    """Say which arm of the study the session belongs to.

    Parameters
    ----------
    metadata : GlialReceptorMetadata
    arm : str or None
        The arm's name, or ``blinded``.
    is_control : bool or None
    factors : mapping of str to str or None
        Level of each factor.
    """
    if arm is not None:
        metadata.arm = arm
    if is_control is not None:
        metadata.arm_is_control = is_control
    if factors:
        metadata.factors = [f"{name}={level}" for name, level in factors.items()]


def add_explanations(nwbfile: NWBFile) -> None:
    """Say in the file what the identifiers and the categories of its glial tables mean; to be called when all tables are in it."""
    add_meanings(nwbfile)
    add_references(nwbfile)


def _species(nwbfile: NWBFile) -> str | None:
    return nwbfile.subject.species if nwbfile.subject is not None else None


def _add_metadata(nwbfile: NWBFile, placed: Placed) -> Any:
    stated, species = placed.collections, _species(nwbfile)
    if vectors(stated) and nwbfile.virus is None:
        # The core's own field for it, and the only place of a vector without a full record that no procedure and no receptor names.
        nwbfile.virus = "; ".join(vector_text(name, one) for name, one in vectors(stated).items())
    viral_vectors = {name: _viral_vector(name, one) for name, one in vectors(stated).items()}
    for name, vector in viral_vectors.items():
        placed.put("vectors", name, vector)
        placed.put("injections", name, ())
    made = {one: _injection(one, viral_vectors, placed) for one in injections(stated)}
    for name in viral_vectors:
        placed.put("injections", name, tuple(obj for one, obj in made.items() if one.vector == name and obj is not None))
    populations = CellPopulationsTable(description="Cell populations that were studied.")
    rows = [population_row(name, cast(Population, one), species) for name, one in stated.get("populations", {}).items()]
    _fill(populations, rows, "populations", placed)
    done = _procedures(nwbfile, made, placed)
    receptors = _receptors(populations, done, species, placed)
    metadata = GlialReceptorMetadata(
        cell_populations=populations if len(populations) else None,
        receptors=receptors if len(receptors) else None,
        procedures=done,
    )
    metadata.add_viral_vectors([one for one in viral_vectors.values() if one is not None])
    metadata.add_viral_vector_injections([one for one in made.values() if one is not None])
    nwbfile.add_lab_meta_data(metadata)
    placed.put("glial", "metadata", metadata)
    return metadata


def _viral_vector(name: str, vector: Vector) -> Any:
    """The vector as an object; None if a value that it requires is not known (`check_injections` then says which)."""
    if vector_gaps(name, vector):
        return None
    described = {} if vector.description is None else {"description": vector.description}
    return ViralVector(
        name=f"vector_{name}",
        construct_name=vector.construct_name,
        manufacturer=vector.manufacturer,
        titer_in_vg_per_ml=cast(Quantity, vector.titre).to("vg/mL"),
        **described,
    )


def _injection(one: Injection, viral_vectors: Mapping[str, Any], placed: Placed) -> Any:
    """The injection as an object; None if a value that it requires is not known."""
    if one.gaps or viral_vectors.get(one.vector) is None:
        return None
    site, procedure = one.site, placed.stated("procedures", one.procedure)
    together = [name for name in procedure.vectors if name != one.vector]
    mixed = f" The volume is of a mixture with {', '.join(together)}." if together else ""
    dated = {} if procedure.date == "unknown" else {"injection_date": procedure.date.isoformat()}
    number = f"_{one.number + 1}" if len(procedure.sites) > 1 else ""
    return ViralVectorInjection(
        name=f"injection_{one.procedure}_{one.vector}{number}",
        description=f"Stated as {site.side}, ML {site.ml}; the side gives the sign of ml_in_mm.{mixed}",
        location=one.location,
        hemisphere=site.side,
        reference=site.reference,
        ap_in_mm=cast(Quantity, site.ap).to("mm"),
        ml_in_mm=lateral(site),
        dv_in_mm=cast(Quantity, site.dv).to("mm"),
        volume_in_uL=cast(Quantity, site.volume).to("uL"),
        viral_vector=viral_vectors[one.vector],
        **dated,
    )


def _procedures(nwbfile: NWBFile, made: Mapping[Injection, Any], placed: Placed) -> Any:
    stated = procedures(placed.collections)
    if not stated:
        return None
    day, known = nwbfile.session_start_time.date(), vectors(placed.collections)
    table = ProceduresTable(description="What was done to the subject before the session.")
    rows = []
    for name, one in stated.items():
        objects = [obj for injection, obj in made.items() if injection.procedure == name and obj is not None]
        rows.append({**procedure_row(name, one, day, known), "viral_vector_injections": objects})
    _fill(table, rows, "procedures", placed)
    return table


def _receptors(populations: Any, done: Any, species: str | None, placed: Placed) -> Any:
    """One row a receptor; it points to the procedures that are stated for it, else to those that injected its vector."""
    rows = []
    for name, stated in placed.collections.get("receptors", {}).items():
        one = cast(Receptor, stated)
        injected = [key for key, procedure in procedures(placed.collections).items() if one.vector in procedure.vectors]
        rows.append(
            {
                **receptor_row(name, one, vectors(placed.collections), species),
                "population": placed.get("populations", one.population),
                "viral_vector_injections": list(placed.get("injections", one.vector)) if one.vector else [],
                "procedures": [placed.get("procedures", key) for key in (one.procedures or injected)],
            }
        )
    table = ReceptorsTable(cell_populations=populations, procedures=done if any(row["procedures"] for row in rows) else None)
    _fill(table, rows, "receptors", placed)
    return table


def _is_empty(value: object) -> bool:
    return value in ("", None) or value == [] or (isinstance(value, float) and np.isnan(value))


def _fill(table: Any, rows: Iterable[Row], collection: str | None, placed: Placed) -> None:
    """Add the rows, without the optional columns in which no row has anything to say."""
    rows = list(rows)
    required = {column["name"] for column in table.__columns__ if column.get("required")}
    used = [name for name in (rows[0] if rows else {}) if name in required or not all(_is_empty(row[name]) for row in rows)]
    for number, row in enumerate(rows):
        table.add_row(**{name: row[name] for name in used})
        if collection is not None:
            placed.put(collection, row["label"], number)


def add_indicators(nwbfile: NWBFile, indicators: Mapping[str, Stated], placed: Placed) -> None:
    """Add an `Indicator` for each stated one that has more to say than the name, which its imaging plane says too.

    The schema has one link to an injection: with several injections it would be a choice among them, and is left out.
    """
    is_needed = ("glial", "metadata") in placed.objects
    for name, one in indicators.items():
        vector, label, said = (getattr(one, key, None) for key in ("vector", "label", "description"))
        if not (is_needed or vector or label or said):
            placed.put("indicators", name, None)
            continue
        metadata = metadata_of(nwbfile, placed)
        injected: tuple[Any, ...] = placed.get("injections", vector) if vector else ()
        construct = [placed.stated("vectors", vector).construct_name] if vector else []
        indicator = Indicator(
            name=f"indicator_{name}",
            label=getattr(one, "name", name),
            description="; ".join([*construct, *(text for text in (label, said) if text)]) or None,
            viral_vector_injection=injected[0] if len(injected) == 1 else None,
        )
        metadata.add_indicators(indicator)
        placed.put("indicators", name, indicator)


def add_drugs(nwbfile: NWBFile, drugs: Mapping[str, Stated], placed: Placed) -> None:
    """Add one row for each time that a drug was given.

    ``duration`` is written only if a drug was given over an interval. A time that nobody knows is NaN, with the basis ``unknown``.
    """
    rows = []
    for name, stated in drugs.items():
        drug = cast(Drug, stated)
        for row in drug_rows(name, drug, placed.when):
            rows.append({**row, "receptors": [placed.get("receptors", key) for key in drug.receptors]})
    rows = in_order(rows)
    table = DrugAdministrationsTable(
        description="What was given to the subject or the preparation; times in seconds from the start of the session, as stated.",
        receptors=metadata_of(nwbfile, placed).receptors if any(row["receptors"] for row in rows) else None,
    )
    _fill(table, [{key: value for key, value in row.items() if key != "label"} for row in rows], None, placed)
    nwbfile.add_events_table(table)
    for name in drugs:
        placed.put("drugs", name, tuple(number for number, row in enumerate(rows) if row["label"] == name))


def in_order(rows: list[Row]) -> list[Row]:
    """The rows by time, but for the first and the last, if need be.

    The archive takes the session's end from the first timestamp and the last timestamp with its duration (dandi 0.81,
    ``pynwb_utils._get_session_duration``): it loses it if one of them is NaN, and moves it if the first lies before the session.
    So a row of the session comes first and a row whose end is known comes last, where there are such.
    """
    ordered = sorted(rows, key=lambda row: (bool(np.isnan(row["timestamp"])), row["timestamp"]))
    has_duration = any(not np.isnan(row["duration"]) for row in ordered)
    first = next((row for row in ordered if row["timestamp"] >= 0), None)
    if first is not None:
        ordered = [first, *(row for row in ordered if row is not first)]
    last = next((row for row in reversed(ordered[1:]) if np.isfinite(row["duration"] if has_duration else row["timestamp"])), None)
    if last is not None:
        ordered = [*(row for row in ordered if row is not last), last]
    return ordered


ADD_COLLECTIONS = {
    "vectors": add_animal,
    "populations": add_animal,
    "procedures": add_animal,
    "receptors": add_animal,
    "indicators": add_indicators,
    "drugs": add_drugs,
}
