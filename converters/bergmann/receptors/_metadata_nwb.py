"""The one container of a session for everything about the animal: populations, vectors, injections, procedures, receptors.

It is built whole by whichever of its collections is written first: its tables point to each other's rows. All objects in it share
one HDF5 group, where a vector and an indicator of one name would be written into each other: what they are stands before their
names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from ndx_ophys_devices import Effector, ViralVector, ViralVectorInjection
from pynwb import NWBFile

from bergmann.receptors._fill_nwb import fill
from bergmann.receptors._rows import population_row, procedure_row, receptor_row
from bergmann.receptors._text import surgery_text, virus_text
from bergmann.receptors.injections import Injection, injections, lateral, procedures, vector_gaps, vectors
from bergmann.receptors.stated import Population, Receptor, Vector
from bergmann.registry import Placed
from bergmann.stated import Quantity
from ndx_glial_receptors import CellPopulationsTable, GlialReceptorMetadata, ProceduresTable, ReceptorsTable


def metadata_of(nwbfile: NWBFile, placed: Placed) -> Any:
    """The session's `GlialReceptorMetadata`; made from what is stated if it is not there yet."""
    made = placed.objects.get(("glial", "metadata"))
    return _add_metadata(nwbfile, placed) if made is None else made


def _species(nwbfile: NWBFile) -> str | None:
    return nwbfile.subject.species if nwbfile.subject is not None else None


def _add_metadata(nwbfile: NWBFile, placed: Placed) -> Any:
    stated, species = placed.collections, _species(nwbfile)
    _say_in_core(nwbfile, placed)
    viral_vectors = {name: _viral_vector(name, one) for name, one in vectors(stated).items()}
    for name, vector in viral_vectors.items():
        placed.put("vectors", name, vector)
        placed.put("injections", name, ())
    made = {one: _injection(one, viral_vectors, placed) for one in injections(stated)}
    for name in viral_vectors:
        placed.put("injections", name, tuple(obj for one, obj in made.items() if one.vector == name and obj is not None))
    populations = CellPopulationsTable(description="Cell populations that were studied.")
    rows = [population_row(name, cast(Population, one), species) for name, one in stated.get("populations", {}).items()]
    fill(populations, rows, "populations", placed)
    done = _procedures(nwbfile, made, placed)
    receptors = _receptors(populations, done, species, placed)
    metadata = GlialReceptorMetadata(
        cell_populations=populations if len(populations) else None,
        receptors=receptors if len(receptors) else None,
        procedures=done,
    )
    metadata.add_viral_vectors([one for one in viral_vectors.values() if one is not None])
    metadata.add_viral_vector_injections([one for one in made.values() if one is not None])
    metadata.add_effectors(list(_effectors(species, placed)))
    nwbfile.add_lab_meta_data(metadata)
    placed.put("glial", "metadata", metadata)
    return metadata


def _say_in_core(nwbfile: NWBFile, placed: Placed) -> None:
    """Fill the core's own text fields, for tools that know no extension; `virus` is also the only place of a vector without a full
    record that no procedure and no receptor names.
    """
    known, done = vectors(placed.collections), procedures(placed.collections)
    if known and nwbfile.virus is None:
        nwbfile.virus = virus_text(known, done)
    if done and nwbfile.surgery is None:
        day = nwbfile.session_start_time.date()
        nwbfile.surgery = surgery_text([procedure_row(name, one, day, known) for name, one in done.items()])


def _effectors(species: str | None, placed: Placed) -> Iterator[Any]:
    """An `Effector` for each designer receptor that the animal has; a control animal has the vector and not the receptor."""
    for name, stated in placed.collections.get("receptors", {}).items():
        one = cast(Receptor, stated)
        row = receptor_row(name, one, vectors(placed.collections), species)
        if row["role"] != "designer" or one.status == "control":
            continue
        injected: tuple[Any, ...] = placed.get("injections", one.vector) if one.vector else ()
        yield Effector(
            name=f"effector_{name}",
            label=row["receptor_name"],
            description=row["construct"] or None,
            viral_vector_injection=injected[0] if len(injected) == 1 else None,
        )


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
    fill(table, rows, "procedures", placed)
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
    targets = {"population": populations}
    if any(row["procedures"] for row in rows):
        targets["procedures"] = done
    table = ReceptorsTable(
        description="Receptors, each in one cell population and in its state of the whole session.", target_tables=targets
    )
    fill(table, rows, "receptors", placed)
    return table
