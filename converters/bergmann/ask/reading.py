"""From an open NWB file to what it says, reading its small tables with h5py and none of its data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import h5py

from bergmann.ask.columns import Table, address_of, child_of, children, decoded, kind_of, records, text_of, texts_of
from bergmann.ask.facts import Administration, Facts, Plane, Population, ProcedureRow, ReceptorRow, StateInterval
from bergmann.errors import SourceError

_POPULATION = re.compile(r"\bPopulation: (?P<label>[^\s.]+)\.")
"""How bergmann's writer says in an imaging plane's description whose cells it shows (`imaging/nwb.py`)."""

_COUNTED = {"PlaneSegmentation": "rois", "Units": "units", "FiberPhotometryTable": "fibers"}

Assigned = dict[int, dict[int, set[int]]]
"""Rows of an annotated table by the population that they are of, by the address of that table."""

Groups = list[tuple[str, Any]]
"""Groups of a file with their NWB types."""


def read_facts(file: h5py.File) -> Facts:
    """What an NWB file says of itself.

    Parameters
    ----------
    file : h5py.File
        An NWB file of any version, by whoever; one without the extension ndx-glial-receptors says only what core NWB says.

    Raises
    ------
    SourceError
        If it is not an NWB file, or a table of it contradicts itself.
    """
    if "nwb_version" not in file.attrs and "nwb_version" not in file:
        raise SourceError("it is an HDF5 file, but not an NWB file: it has no nwb_version")
    general = child_of(file, "general")
    subject, glial = child_of(general, "subject"), child_of(general, "glial_receptor_metadata")
    own, tables = _typed(glial), [*_typed(child_of(file, "events")), *_typed(child_of(file, "intervals")), *_processed(file)]
    populations = _first(own, "CellPopulationsTable")
    n_populations = 0 if populations is None else populations.length
    receptors = _receptors(own, n_populations)
    assigned, counts = _annotated(file, own, n_populations)
    planes = [*_imaging_planes(general, populations, tables, assigned, counts), *_photometry(general, assigned)]
    return Facts(
        identifier=text_of(file, "identifier"),
        session=text_of(general, "session_id"),
        subject=text_of(subject, "subject_id"),
        species=text_of(subject, "species"),
        start=text_of(file, "session_start_time"),
        arm=text_of(glial, "arm"),
        arm_is_control=None if glial is None or "arm_is_control" not in glial.attrs else bool(glial.attrs["arm_is_control"]),
        keywords=texts_of(general, "keywords"),
        planes=tuple(planes),
        populations=_populations(populations, counts),
        receptors=receptors,
        procedures=_procedures(own),
        drugs=tuple(_drugs(tables, len(receptors))),
        states=tuple(_states(tables, len(receptors))),
    )


def _typed(group: Any) -> Groups:
    return [(kind_of(child), child) for _, child in children(group) if isinstance(child, h5py.Group)]


def _processed(file: h5py.File) -> Groups:
    """What lies in the processing modules, and the segmentations in their containers."""
    found: Groups = []
    for _, module in children(child_of(file, "processing")):
        for kind, group in _typed(module):
            found += _typed(group) if kind == "ImageSegmentation" else [(kind, group)]
    return found


def _first(groups: Groups, kind: str) -> Table | None:
    return next((Table(group) for one, group in groups if one == kind), None)


# --- receptors, procedures, drugs, states -------------------------------------------------------------------------------


def _receptors(own: Groups, n_populations: int) -> tuple[ReceptorRow, ...]:
    table = _first(own, "ReceptorsTable")
    if table is None:
        return ()
    texts = {
        "label": "label",
        "name": "receptor_name",
        "gene_symbol": "gene_symbol",
        "gene_id": "gene_id",
        "receptor_id": "receptor_id",
        "role": "role",
        "status": "genetic_status",
        "method": "genetic_method",
        "construct": "construct",
    }
    rows = records(table, texts)
    if not all(row["construct"] for row in rows):
        for row, names in zip(rows, _injected(table), strict=True):
            row["construct"] = row["construct"] or "; ".join(names)
    populations = table.rows("population", n_populations)
    return tuple(ReceptorRow(**row, population=number) for row, number in zip(rows, populations, strict=True))


def _injected(table: Table) -> list[tuple[str, ...]]:
    """The constructs that the injections of each receptor brought in, for a file that names them nowhere else."""
    references = child_of(table.group, "viral_vector_injections")
    if references is None:
        return [()] * table.length
    file = table.group.file
    return table.ragged(
        "viral_vector_injections", [text_of(child_of(file[one], "viral_vector"), "construct_name") for one in references[()]]
    )


def _procedures(own: Groups) -> tuple[ProcedureRow, ...]:
    table = _first(own, "ProceduresTable")
    if table is None:
        return ()
    rows = records(table, {name: name for name in ("label", "kind", "model", "target", "side", "date")})
    days = table.numbers("days_before_session")
    return tuple(ProcedureRow(**row, days=number) for row, number in zip(rows, days, strict=True))


def _drugs(tables: Groups, n_receptors: int) -> Iterator[Administration]:
    texts = {name: name for name in ("compound", "compound_id", "action", "dose_unit", "route", "site")}
    numbers = {"time": "timestamp", "duration": "duration", "dose": "dose"}
    for kind, group in tables:
        if kind == "DrugAdministrationsTable":
            yield from (Administration(**row) for row in _with_receptors(Table(group), texts, numbers, n_receptors))


def _states(tables: Groups, n_receptors: int) -> Iterator[StateInterval]:
    numbers = {"start": "start_time", "stop": "stop_time"}
    for kind, group in tables:
        if kind == "ReceptorStateIntervals":
            rows = _with_receptors(Table(group), {"state": "state", "basis": "basis"}, numbers, n_receptors)
            yield from (StateInterval(**row) for row in rows)


def _with_receptors(
    table: Table, texts: Mapping[str, str], numbers: Mapping[str, str], n_receptors: int
) -> Iterator[dict[str, Any]]:
    columns = {key: table.numbers(name) for key, name in numbers.items()}
    pointers = table.row_lists("receptors", n_receptors)
    for number, row in enumerate(records(table, texts)):
        yield {**row, **{key: column[number] for key, column in columns.items()}, "receptors": pointers[number]}


# --- populations, and where they were looked at ---------------------------------------------------------------------------


class _Counts(dict[tuple[str, int], int]):
    """How many rows of tables of one kind (``rois``, ``units``, ``fibers``) are of a population."""

    def add(self, what: str, population: int, number: int) -> None:
        self[what, population] = self.get((what, population), 0) + number


def _annotated(file: h5py.File, own: Groups, n_populations: int) -> tuple[Assigned, _Counts]:
    """Which rows of which tables are of which population, as the annotations say."""
    assigned: Assigned = {}
    counts = _Counts()
    for kind, group in own:
        table = Table(group) if kind == "CellAnnotationsTable" else None
        if table is None or not table.length:
            continue
        target = file[group["source"].attrs["table"]]
        rows = assigned.setdefault(address_of(target), {})
        sources, populations = table.rows("source", Table(target).length), table.rows("population", n_populations)
        what = _COUNTED.get(kind_of(target))
        for source, population in zip(sources, populations, strict=True):
            known = rows.setdefault(population, set())
            if what is not None and source not in known:
                counts.add(what, population, 1)
            known.add(source)
    return assigned, counts


def _populations(table: Table | None, counts: _Counts) -> tuple[Population, ...]:
    if table is None:
        return ()
    rows = records(table, {name: name for name in ("label", "cell_type", "cell_type_id", "location", "location_id")})
    return tuple(
        Population(
            **row,
            rois=counts.get(("rois", number)),
            units=counts.get(("units", number)),
            fibers=counts.get(("fibers", number)),
        )
        for number, row in enumerate(rows)
    )


def _imaging_planes(
    general: Any, populations: Table | None, tables: Groups, assigned: Assigned, counts: _Counts
) -> Iterator[Plane]:
    """The imaging planes; a segmentation without annotations in a plane of one stated population is counted for it."""
    optophysiology = child_of(general, "optophysiology")
    if optophysiology is None:
        return
    segmented: dict[int, list[Any]] = {}
    for kind, group in tables:
        plane = child_of(group, "imaging_plane") if kind == "PlaneSegmentation" else None
        if plane is not None:
            segmented.setdefault(address_of(plane), []).append(group)
    labels = [] if populations is None else populations.texts("label")
    for name, group in children(optophysiology):
        segmentations = segmented.get(address_of(group), [])
        shown = {population for one in segmentations for population in assigned.get(address_of(one), ())}
        stated = _POPULATION.search(text_of(group, "description"))
        if stated is not None and stated["label"] in labels:
            population = labels.index(stated["label"])
            shown.add(population)
            for one in segmentations:
                if address_of(one) not in assigned:
                    counts.add("rois", population, Table(one).length)
        yield Plane(
            name=name,
            indicator=text_of(group, "indicator"),
            location=text_of(group, "location"),
            populations=tuple(sorted(shown)),
        )


def _photometry(general: Any, assigned: Assigned) -> Iterator[Plane]:
    """Rows of the photometry tables of ndx-fiber-photometry: what each fiber saw."""
    for kind, group in _typed(child_of(general, "fiber_photometry")):
        indicators = child_of(group, "indicator") if kind == "FiberPhotometryTable" else None
        if indicators is None:
            continue
        names = [_indicator(group.file[one]) for one in indicators[()]]
        rows = assigned.get(address_of(group), {})
        for number, (name, location) in enumerate(zip(names, Table(group).texts("location"), strict=True)):
            populations = tuple(sorted(one for one, sources in rows.items() if number in sources))
            yield Plane(name=f"fiber {number}", indicator=name, location=location, populations=populations)


def _indicator(group: Any) -> str:
    return text_of(group, "label") or decoded(group.name).rsplit("/", 1)[-1]
