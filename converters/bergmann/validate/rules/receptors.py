"""Receptors, drugs, vectors and cells: statements that no animal and no bottle can be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from math import isnan
from typing import Any

from bergmann.receptors.vocabulary.relations import places_within
from bergmann.receptors.vocabulary.terms import UnknownTermError, find_cell, find_compound, find_receptor, find_structure
from bergmann.validate.checking import Problem, check
from bergmann.validate.reading import Reading
from bergmann.validate.rows import Row, label, rows_of

CHANGED = ("knocked_out", "knocked_down", "overexpressed", "exogenous")
ACTUATORS = ("clozapine N-oxide", "deschloroclozapine", "compound 21", "perlapine")
"""Given to act on muscarinic designer receptors and on nothing else."""
AT_RECEPTORS = ("agonist", "antagonist", "inverse_agonist", "positive_modulator", "negative_modulator")
TITRE = (1e6, 1e15)
"""vg/mL: below, nothing would be infected; above, capsids would touch each other."""
VOLUME_UL = (1e-4, 1000.0)
CELLS_IN: dict[str, tuple[str, ...]] = {
    # cells that are named after the one place that they are in
    "CL:0000644": (
        "cerebell",
        "lobule",
        "CUL",
        "CB",
        "vermis",
        "simplex",
        "simple lobule",
        "crus",
        "floccul",
        "lingula",
        "declive",
        "uvula",
    ),
    "CL:0000121": (
        "cerebell",
        "lobule",
        "CUL",
        "CB",
        "vermis",
        "simplex",
        "simple lobule",
        "crus",
        "floccul",
        "lingula",
        "declive",
        "uvula",
    ),
    "CL:0000636": ("retina", "eye"),
    "CL:0000516": ("ganglion", "DRG", "TG", "nodose"),
}
_OPPOSED = {frozenset(("blocked", "activated")), frozenset(("baseline", "activated")), frozenset(("baseline", "blocked"))}
_GRAMS = {"kg": 1e3, "g": 1.0, "mg": 1e-3, "ug": 1e-6, "ng": 1e-9, "pg": 1e-12}
_MOLAR = {"M": 1.0, "mM": 1e-3, "uM": 1e-6, "nM": 1e-9, "pM": 1e-12}
MOST_GRAMS = 0.2
MOST_GRAMS_PER_KG = 5.0
MOST_MOLAR = 1.0


def _species(reading: Reading) -> str | None:
    subject = reading.nwbfile.subject
    return None if subject is None or not subject.species else str(subject.species)


def _receptors(reading: Reading) -> Iterator[tuple[Any, list[Row]]]:
    for table in reading.objects("ReceptorsTable"):
        yield table, rows_of(reading, table)


def _populations(reading: Reading) -> list[Row]:
    return [row for table in reading.objects("CellPopulationsTable") for row in rows_of(reading, table)]


def _drugs(reading: Reading) -> Iterator[tuple[Any, list[Row]]]:
    for table in reading.objects("DrugAdministrationsTable"):
        yield table, rows_of(reading, table)


@check(
    severity="warning",
    why="A knockdown that nothing speaks for cannot be told from a wish.",
    remedy="name the construct, the injection, the method or the measurement of expression",
)
def receptors_knockdown_has_evidence(reading: Reading) -> Iterator[Problem]:
    """A changed receptor without construct, injection, procedure or expression."""
    measured = {
        int(row["receptor"])
        for table in reading.objects("ReceptorExpressionTable")
        for row in rows_of(reading, table)
        if isinstance(row.get("receptor"), int)
    }
    for table, rows in _receptors(reading):
        for number, row in enumerate(rows):
            how = [row.get(key) for key in ("construct", "genetic_method", "viral_vector_injections", "procedures")]
            if row.get("genetic_status") in CHANGED and not any(how) and number not in measured:
                yield Problem(table, f"{label(row)} is {row['genetic_status']}, and nothing in the file says how or shows it")


@check(
    severity="warning",
    why="A receptor that is changed in one population, by a vector that went to another, names the wrong cells.",
    remedy="correct the population or the injection; of a retrograde vector, say so in its name or description",
)
def receptors_point_where_vector_went(reading: Reading) -> Iterator[Problem]:
    """A changed receptor of a population that is elsewhere than its vector was injected."""
    populations = _populations(reading)
    for table, rows in _receptors(reading):
        for row in rows:
            index = row.get("population")
            if not isinstance(index, int) or not 0 <= index < len(populations):
                continue
            home = str(populations[index].get("location", ""))
            injections = list(row.get("viral_vector_injections") or ())
            went = [str(getattr(one, "location", "")) for one in injections if not _is_retrograde(one)]
            if went and len(went) == len(injections) and all(_are_apart(home, place) for place in went):
                yield Problem(
                    table,
                    f"{label(row)} is changed in {populations[index].get('label')} ({home}), and its vector went to {went[0]}",
                )


def _is_retrograde(injection: Any) -> bool:
    vector = getattr(injection, "viral_vector", None)
    said = f"{getattr(vector, 'construct_name', '')} {getattr(vector, 'description', '')} {getattr(injection, 'description', '')}"
    return re.search(r"retro|CAV-?2|rabies|\bsystemic\b|PHP\.?e?B|intravenous|retro-orbital", said, re.IGNORECASE) is not None


def _are_apart(one: str, other: str) -> bool:
    """Whether two places are known, and neither is part of the other."""
    try:
        first, second = find_structure(one).name, find_structure(other).name
    except UnknownTermError:
        return False
    return first not in places_within(second) and second not in places_within(first)


@check(
    severity="error",
    why="Programs find a receptor by its identifier, people by its name: if they differ, each finds another one.",
    remedy="look the identifiers up again (NCBI Gene, Guide to PHARMACOLOGY)",
)
def receptors_identifiers_agree(reading: Reading) -> Iterator[Problem]:
    """Gene or receptor identifiers of another receptor than is named."""
    for table, rows in _receptors(reading):
        for row in rows:
            named = _found(row.get("gene_symbol"), reading) or _found(row.get("receptor_name"), reading)
            for key in ("gene_id", "receptor_id"):
                identified = _found(row.get(key), reading)
                if (
                    named is not None
                    and identified is not None
                    and identified.name != row.get(key)
                    and identified.name != named.name
                ):
                    yield Problem(
                        table, f"{key} of {label(row)} is {row[key]}, which is {identified.name}; it is named {named.name}"
                    )
            by_name = _found(row.get("receptor_name"), reading)
            if named is not None and by_name is not None and by_name.name != named.name and by_name.role == named.role == "native":
                yield Problem(
                    table, f"{label(row)} has the gene {row.get('gene_symbol')} of {named.name}, and the name of {by_name.name}"
                )


def _found(text: Any, reading: Reading) -> Any:
    try:
        return find_receptor(str(text), _species(reading)) if text else None
    except UnknownTermError:
        return None


@check(
    severity="error",
    why="The status says what was done to the receptor: it decides which animals are controls.",
    remedy="write endogenous only for a receptor that nothing was done to, exogenous for a designer receptor",
)
def receptors_status_possible(reading: Reading) -> Iterator[Problem]:
    """A status that contradicts what is said of how it came about."""
    for table, rows in _receptors(reading):
        for row in rows:
            how = row.get("genetic_method") or row.get("construct") or row.get("viral_vector_injections")
            status, role = row.get("genetic_status"), row.get("role")
            if status == "endogenous" and how:
                said = row.get("genetic_method") or row.get("construct") or "an injection of a vector"
                yield Problem(table, f"{label(row)} is endogenous, and {said} is named for it")
            elif role in ("designer", "sensor") and status in ("endogenous", "knocked_out", "knocked_down"):
                yield Problem(table, f"{label(row)} is a {role} protein, and its status is {status}: no animal has it by nature")


@check(
    severity="error",
    why="A designer receptor acts on the cells that carry it; without them its ligand has no effect that could be understood.",
    remedy="name the population that the receptor was expressed in",
)
def receptors_designer_has_population(reading: Reading) -> Iterator[Problem]:
    """A receptor whose population is not in the file, or is nothing."""
    populations = _populations(reading)
    for table, rows in _receptors(reading):
        for row in rows:
            index = row.get("population")
            if index is None or (isinstance(index, int) and not 0 <= index < len(populations)):
                yield Problem(table, f"{label(row)} ({row.get('role')}) names population {index}, and there are {len(populations)}")
            elif isinstance(index, int) and row.get("role") == "designer":
                kind = str(populations[index].get("cell_type", "")).strip().lower()
                if kind in ("", "unknown", "none", "n/a"):
                    yield Problem(table, f"the cells of {label(row)} are {kind or 'not named'}", severity="warning")


@check(
    severity="warning",
    why="A ligand of designer receptors does nothing in an animal without one: either the animal or the drug is another.",
    remedy="list the designer receptor; in a control animal, say so by arm_is_control",
)
def drugs_ligand_has_designer_receptor(reading: Reading) -> Iterator[Problem]:
    """A ligand of designer receptors in a file without one."""
    roles = {row.get("role") for _, rows in _receptors(reading) for row in rows}
    is_control = any(getattr(one, "arm_is_control", None) for one in reading.objects("GlialReceptorMetadata"))
    for table, rows in _drugs(reading):
        for row in rows:
            if _compound(row) in ACTUATORS and row.get("action") != "vehicle" and "designer" not in roles and not is_control:
                yield Problem(table, f"{row['compound']} was given, and no designer receptor is listed")


def _compound(row: Row) -> str:
    try:
        return find_compound(str(row.get("compound_id") or row.get("compound", ""))).name
    except UnknownTermError:
        return str(row.get("compound", ""))


@check(
    severity="note",
    why="An agonist or antagonist tells something of receptors: without them nobody finds the session who looks for one.",
    remedy="list the receptor, and name it in the row of the drug",
)
def drugs_name_receptor(reading: Reading) -> Iterator[Problem]:
    """A drug that acts at receptors, of which none is named."""
    for table, rows in _drugs(reading):
        for row in rows:
            if row.get("action") in AT_RECEPTORS and not row.get("receptors") and _compound(row) not in ACTUATORS:
                yield Problem(
                    table, f"{row.get('compound')} is given as {str(row['action']).replace('_', ' ')}, and no receptor is named"
                )


@check(
    severity="error",
    why="A dose that nobody gives is one in another unit, and every animal that is compared by dose is put into a wrong group.",
    remedy="write the dose with its unit as it was drawn up: 10 ug, 1 mg/kg, 10 uM",
)
def drugs_dose_plausible(reading: Reading) -> Iterator[Problem]:
    """Doses that are negative, or more than anybody gives."""
    for table, rows in _drugs(reading):
        for row in rows:
            dose, unit = row.get("dose"), _unit(str(row.get("dose_unit") or ""))
            if not isinstance(dose, float | int) or isnan(dose):
                continue
            said = f"{row.get('compound')}: {dose:g} {row.get('dose_unit') or ''}".strip()
            if dose < 0 or (dose == 0 and row.get("action") != "vehicle"):
                yield Problem(table, f"{said}: a dose is more than nothing")
            elif _is_too_much(dose, unit, _species(reading)):
                yield Problem(table, f"{said}: nobody gives so much")
            elif unit in _MOLAR and _is_in_a_place(row):
                found = (
                    f"{said}, {row['volume_in_uL']:g} uL {row.get('route')}: this is a concentration, not the amount that was given"
                )
                yield Problem(table, found, severity="note")


def _unit(text: str) -> str:
    return text.strip().replace("µ", "u").replace("μ", "u").replace("micro", "u").replace("mol/L", "M")


def _is_too_much(dose: float, unit: str, species: str | None) -> bool:
    amount, _, per = unit.partition("/")
    if amount in _GRAMS and not per:
        small = (species or "").lower() in ("mus musculus", "rattus norvegicus", "danio rerio")
        return small and dose * _GRAMS[amount] > MOST_GRAMS
    if amount in _GRAMS and per == "kg":
        return dose * _GRAMS[amount] > MOST_GRAMS_PER_KG
    return unit in _MOLAR and dose * _MOLAR[unit] > MOST_MOLAR


def _is_in_a_place(row: Row) -> bool:
    volume = row.get("volume_in_uL")
    is_given = isinstance(volume, float | int) and not isnan(volume)
    return is_given and not re.search(r"bath|perfus|puff|wash|superfus|slice", str(row.get("route", "")), re.IGNORECASE)


@check(
    severity="error",
    why="A receptor is in one state at a time, and a drug acts after it was given.",
    remedy="correct the times of the state or of the drug",
)
def receptors_states_consistent(reading: Reading) -> Iterator[Problem]:
    """States of one receptor that contradict each other, or come before what brought them about."""
    given = [row for _, rows in _drugs(reading) for row in rows]
    for table in reading.objects("ReceptorStateIntervals"):
        rows = rows_of(reading, table)
        for number, row in enumerate(rows):
            for other in rows[:number]:
                shared = set(row.get("receptors") or ()) & set(other.get("receptors") or ())
                begin, end = max(row["start_time"], other["start_time"]), min(row["stop_time"], other["stop_time"])
                if shared and end > begin and frozenset((row.get("state"), other.get("state"))) in _OPPOSED:
                    yield Problem(table, f"from {begin:g} to {end:g} s a receptor is {other['state']} and {row['state']}")
            yield from _before_drug(table, row, given)


def _before_drug(table: Any, row: Row, given: list[Row]) -> Iterator[Problem]:
    for index in row.get("drug_administrations") or ():
        drug = given[index] if isinstance(index, int) and 0 <= index < len(given) else None
        if drug is None or not isinstance(drug.get("timestamp"), float) or isnan(drug["timestamp"]):
            continue
        uncertain = drug.get("timestamp_uncertainty")
        slack = uncertain if isinstance(uncertain, float) and not isnan(uncertain) else 0.0
        if drug["timestamp"] - slack > row["start_time"] + 1e-6:
            given_at = f"by {drug.get('compound')}, which was given at {drug['timestamp']:g} s"
            found = f"{row.get('state')} begins at {row['start_time']:g} s {given_at}"
            yield Problem(table, found)


@check(
    severity="warning",
    why="A cell type in a place where it is not found is another cell type, or in another place.",
    remedy="correct the cell type, the place, or the identifier of the place",
)
def cells_location_compatible(reading: Reading) -> Iterator[Problem]:
    """Cells in a place that has none of them, and identifiers of another place than is named."""
    for table in reading.objects("CellPopulationsTable"):
        for row in rows_of(reading, table):
            place, curie = str(row.get("location", "")), str(row.get("location_id") or "")
            where = _place_name(curie) or _place_name(place) or place
            homes = CELLS_IN.get(_cell_curie(row), ())
            if (
                homes
                and where
                and not any(_says(home, place) or _says(home, where) for home in homes)
                and place.lower() != "unknown"
            ):
                yield Problem(table, f"{row.get('cell_type')} ({row.get('label')}) in {place}")
            named, identified = _place_name(place), _place_name(curie)
            if named and identified and named != identified:
                yield Problem(
                    table, f"location of {row.get('label')} is {place} ({named}), and location_id {curie} is {identified}"
                )


def _says(home: str, text: str) -> bool:
    """Whether a place is said in a text: an acronym as it is, a word in any spelling."""
    return home in text if home.isupper() else home.lower() in text.lower()


def _cell_curie(row: Row) -> str:
    try:
        return str(row.get("cell_type_id") or find_cell(str(row.get("cell_type", ""))).curie)
    except UnknownTermError:
        return ""


def _place_name(text: str) -> str:
    try:
        found = find_structure(text) if text else None
    except UnknownTermError:
        return ""
    return "" if found is None or found.name == text == found.curie else found.name


@check(
    severity="error",
    why="How many cells a vector reaches is judged by its titre and volume.",
    remedy="write titres in vg/mL (such as 1.2e13), volumes in uL (300 nL is 0.3)",
)
def injections_plausible(reading: Reading) -> Iterator[Problem]:
    """Titres and volumes of vectors that nobody injects."""
    for vector in reading.objects("ViralVector"):
        titre = getattr(vector, "titer_in_vg_per_ml", None)
        if titre is not None and not isnan(titre) and not TITRE[0] <= titre <= TITRE[1]:
            yield Problem(vector, f"its titre is {titre:g} vg/mL; expected {TITRE[0]:g} to {TITRE[1]:g}")
    for injection in reading.objects("ViralVectorInjection"):
        volume = getattr(injection, "volume_in_uL", None)
        if volume is not None and not isnan(volume) and not VOLUME_UL[0] <= volume <= VOLUME_UL[1]:
            yield Problem(injection, f"its volume is {volume:g} uL; expected {VOLUME_UL[0]:g} to {VOLUME_UL[1]:g}")


@check(
    severity="error",
    why="Days since a surgery are what sessions are compared by.",
    remedy="correct the date of the procedure or the start of the session",
)
def procedures_dates_agree(reading: Reading) -> Iterator[Problem]:
    """Days before the session that are not those between the two dates."""
    started = reading.nwbfile.session_start_time.date()
    for table in reading.objects("ProceduresTable"):
        for row in rows_of(reading, table):
            days, on = row.get("days_before_session"), _date(str(row.get("date", "")))
            if on is None or not isinstance(days, float | int) or isnan(days):
                continue
            if abs((started - on).days - days) > 1:
                found = (
                    f"{label(row)} was on {on}, {(started - on).days} days before {started}, and days_before_session is {days:g}"
                )
                yield Problem(table, found)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
