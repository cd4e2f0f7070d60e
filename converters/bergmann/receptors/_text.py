"""What is stated of vectors, procedures and drugs in words, for the core's own text fields: nothing but what the tables say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isnan
from typing import cast

from bergmann.receptors._rows import Row, site_text, vector_text
from bergmann.receptors.stated import Drug, Population, Procedure, Receptor, Vector
from bergmann.receptors.vocabulary import UnknownTermError, find_cell, find_receptor
from bergmann.stated import Collections


def virus_text(vectors: Mapping[str, Vector], procedures: Mapping[str, Procedure]) -> str:
    """Each vector, and where and when it was injected."""
    return "; ".join(", ".join([vector_text(name, one), *_injected(name, procedures)]) for name, one in vectors.items())


def _injected(vector: str, procedures: Mapping[str, Procedure]) -> Iterator[str]:
    for name, procedure in procedures.items():
        if vector in procedure.vectors:
            date = "at an unknown date" if procedure.date == "unknown" else f"on {procedure.date}"
            places = [site_text(site) for site in procedure.sites]
            into = [*([procedure.location] if procedure.location else []), *(place for place in places if place)]
            yield f"injected {date} ({name}{': ' if into else ''}{' / '.join(into)})"


def surgery_text(rows: Iterable[Row]) -> str:
    """Each procedure of `ProceduresTable`: what, where, when and how long before the session."""
    return "; ".join(_procedure(row) for row in rows)


def _procedure(row: Row) -> str:
    kind = row["kind"].replace("_", " ")
    model = f" ({'of ' if kind == 'sham' else ''}{row['model']})" if row["model"] else ""
    days = row["days_before_session"]
    before = "" if isnan(days) else f", {days:g} d before the session"
    side = {"": "", "unknown": "side unknown", "both": "both sides"}.get(row["side"], f"{row['side']} side")
    date = "date unknown" if row["date"] == "unknown" else row["date"]
    return ", ".join(text for text in (f"{row['label']}: {kind}{model}", row["target"], side, f"{date}{before}") if text)


def acts_on(drug: str, collections: Collections, species: str | None) -> str:
    """What a drug was given to act on, such as ``α1A-adrenoceptor in Bergmann glial cell``; empty if that is not stated."""
    named = cast(Drug, collections["drugs"][drug]).receptors
    return ", ".join(_receptor(name, collections, species) for name in named)


def _receptor(name: str, collections: Collections, species: str | None) -> str:
    stated = cast(Receptor, collections["receptors"][name])
    population = cast(Population, collections["populations"][stated.population])
    try:
        return f"{find_receptor(stated.receptor, species).name} in {find_cell(population.cell_type).name}"
    except UnknownTermError:  # `check_collections` refuses it; whoever writes without checking gets what is stated
        return f"{stated.receptor} in {population.cell_type}"


def pharmacology_text(rows: Sequence[Row], targets: Mapping[str, str]) -> str:
    """Each drug of `DrugAdministrationsTable`: what it was given for, how much, how, and when.

    Parameters
    ----------
    rows : sequence of Row
        Of `drug_rows`.
    targets : mapping of str to str
        What each entry was given to act on, in words.
    """
    names = dict.fromkeys(row["label"] for row in rows)
    return "; ".join(_drug([row for row in rows if row["label"] == name], targets.get(name, "")) for name in names)


def _drug(rows: list[Row], target: str) -> str:
    row = min(rows, key=lambda one: (isnan(one["timestamp"]), one["timestamp"]))
    action = row["action"].replace("_", " ")
    dose = (
        f"{row['dose']:g} {row['dose_unit']}"
        if row["dose_unit"]
        else "dose unknown"
        if row["dose_is_unknown"]
        else "dose not stated"
    )
    volume = "" if isnan(row["volume_in_uL"]) else f"{row['volume_in_uL']:g} uL"
    route = "route unknown" if row["route"] == "unknown" else row["route"]
    said = (
        f"{action} at {target}" if target else action,
        dose,
        volume,
        row["vehicle"] and f"in {row['vehicle']}",
        route,
        row["site"],
    )
    return f"{row['compound']} ({', '.join(text for text in said if text)}), {_when(rows, row)}"


def _when(rows: list[Row], first: Row) -> str:
    if isnan(first["timestamp"]):
        return "time unknown"
    begun = first["timestamp"]
    margin = "" if isnan(first["timestamp_uncertainty"]) else f" +- {first['timestamp_uncertainty']:g} s"
    at = f"{begun:g} s after the start of the session" if begun >= 0 else f"{-begun:g} s before the start of the session"
    times = f"{len(rows)} times, first " if len(rows) > 1 else ""
    lasting = "" if isnan(first["duration"]) else f" for {first['duration']:g} s"
    return f"{times}{at}{margin}{lasting} (known from: {first['timestamp_basis']})"
