"""What is stated of the animal, and what it was given, to NWB objects; each kind of table has a module of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from ndx_ophys_devices import Indicator
from pynwb import NWBFile

from bergmann.receptors._expression_nwb import add_expression
from bergmann.receptors._fill_nwb import fill
from bergmann.receptors._metadata_nwb import metadata_of
from bergmann.receptors._rows import Row, drug_rows
from bergmann.receptors._states_nwb import add_states
from bergmann.receptors._text import acts_on, pharmacology_text
from bergmann.receptors.stated import Drug
from bergmann.registry import Placed
from bergmann.stated import Stated
from ndx_glial_receptors import DrugAdministrationsTable
from ndx_glial_receptors.meanings import add_meanings
from ndx_glial_receptors.references import add_references

__all__ = [
    "ADD",
    "ADD_COLLECTIONS",
    "add_drugs",
    "add_explanations",
    "add_indicators",
    "drug_rows",
    "in_order",
    "metadata_of",
    "set_arm",
]

ADD: dict[Any, Any] = {}
"""This room reads no records."""

DELAY = (
    "Time from the timestamp, when the tap was turned, to the arrival of the compound at the preparation, in seconds; it is not "
    "part of the timestamp. NaN if not stated."
)


def add_animal(nwbfile: NWBFile, entries: Mapping[str, Stated], placed: Placed) -> None:  # noqa: ARG001
    """Add the container with populations, vectors, injections, procedures and receptors, once for all of these collections."""
    metadata_of(nwbfile, placed)


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
    fill(table, rows, None, placed, own={"reaches_bath_after": DELAY})
    nwbfile.add_events_table(table)
    if nwbfile.pharmacology is None:
        species = nwbfile.subject.species if nwbfile.subject is not None else None
        targets_in_words = {name: acts_on(name, placed.collections, species) for name in drugs}
        nwbfile.pharmacology = pharmacology_text(rows, targets_in_words)
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
    "expression": add_expression,
    "drugs": add_drugs,
    "states": add_states,
}
