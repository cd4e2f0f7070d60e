"""The animal: ages, weights and names that no animal of its species has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bergmann.validate.checking import Problem, check
from bergmann.validate.reading import Reading
from bergmann.validate.subjects import birth_window

_AGE = re.compile(r"P(?=\d|T\d)(?:([\d.]+)Y)?(?:([\d.]+)M)?(?:([\d.]+)W)?(?:([\d.]+)D)?(?:T(?:[\d.]+H)?(?:[\d.]+M)?(?:[\d.]+S)?)?")
_DAYS = (365.25, 30.44, 7.0, 1.0)
_WEIGHT = re.compile(r"\s*([\d.]+(?:e[+-]?\d+)?)\s*(kg|g|mg|kilograms?|grams?)?\s*", re.IGNORECASE)
_KILOGRAMS = {"kg": 1.0, "kilogram": 1.0, "kilograms": 1.0, "g": 1e-3, "gram": 1e-3, "grams": 1e-3, "mg": 1e-6}
# Limits of ours, not measurements: an age in years that none of the species reaches, the least and the greatest weight in kg.
_SPECIES: dict[str, tuple[float, float, float]] = {
    "mus musculus": (5, 5e-4, 0.12),
    "rattus norvegicus": (6, 3e-3, 1.3),
    "danio rerio": (7, 1e-7, 0.005),
    "drosophila melanogaster": (0.6, 1e-7, 5e-6),
    "macaca mulatta": (45, 0.2, 25),
    "callithrix jacchus": (25, 0.01, 1.0),
    "homo sapiens": (125, 0.2, 650),
}
_TAXA = {"10090": "mus musculus", "10116": "rattus norvegicus", "7955": "danio rerio", "7227": "drosophila melanogaster"}
_BINOMIAL = re.compile(r"[A-Z][a-z]+ [a-z][a-z-]+(?: .*)?")
_TAXON = re.compile(r"https?://purl\.obolibrary\.org/obo/NCBITaxon_(\d+)/?|NCBITaxon:(\d+)")


def _limits(subject: Any) -> tuple[float, float, float] | None:
    text = str(subject.species or "")
    taxon = _TAXON.fullmatch(text)
    name = _TAXA.get(str(taxon[1] or taxon[2]), "") if taxon else " ".join(text.lower().split()[:2])
    return _SPECIES.get(name)


def _subjects(reading: Reading) -> Iterator[Any]:
    if reading.nwbfile.subject is not None:
        yield reading.nwbfile.subject


@check(
    severity="error",
    why="The age is what sessions are grouped by; one without a unit, or of a century, is read as something else.",
    remedy="write an ISO 8601 duration: P79D for 79 days, P11W for 11 weeks",
)
def subject_age_plausible(reading: Reading) -> Iterator[Problem]:
    """An age that is none, or that no animal of its species reaches."""
    for subject in _subjects(reading):
        for part in str(subject.age).split("/") if subject.age else ():
            match = _AGE.fullmatch(part)
            limits = _limits(subject)
            days = sum(float(number) * day for number, day in zip(match.groups(), _DAYS, strict=True) if number) if match else 0.0
            if match is None and part:
                yield Problem(subject, f"its age is {subject.age!r}; expected an ISO 8601 duration")
            elif limits is not None and days > limits[0] * 365.25:
                yield Problem(subject, f"its age is {subject.age}, and no {subject.species} is older than {limits[0]:g} years")


@check(
    severity="error",
    why="Two statements of one age that differ leave open which one the analysis should use.",
    remedy="mend the date of birth, the age, or the start of the session",
)
def subject_birth_and_age_agree(reading: Reading) -> Iterator[Problem]:
    """A date of birth that does not fit age and session, or lies after it."""
    for subject in _subjects(reading):
        birth, start = subject.date_of_birth, reading.nwbfile.session_start_time
        if not isinstance(birth, datetime):
            continue
        if birth.date() > start.date():
            yield Problem(subject, f"it was born on {birth.date()}, after the session of {start.date()}")
            continue
        window = birth_window(str(subject.age or ""), str(getattr(subject, "age__reference", None) or "birth"), start)
        day = (birth if birth.tzinfo else birth.astimezone()).timestamp() / 86400
        if window is not None and not window[0] <= day <= window[1]:
            yield Problem(subject, f"it was born on {birth.date()} and {subject.age} old on {start.date()}")


@check(
    severity="error",
    why="Doses are given by weight.",
    remedy="write the weight with its unit: 0.0214 kg for 21.4 g",
)
def subject_weight_plausible(reading: Reading) -> Iterator[Problem]:
    """A weight that no animal of its species has."""
    for subject in _subjects(reading):
        match = _WEIGHT.fullmatch(str(subject.weight or ""))
        limits = _limits(subject)
        if match is None or limits is None:
            continue
        kilograms = float(match[1]) * _KILOGRAMS[(match[2] or "kg").lower()]
        if not limits[1] <= kilograms <= limits[2]:
            yield Problem(
                subject, f"its weight is {subject.weight}; expected {limits[1]:g} to {limits[2]:g} kg for {subject.species}"
            )


@check(
    severity="error",
    why="The archive finds a species by its Latin name or its taxon only.",
    remedy="write Mus musculus for a mouse, Rattus norvegicus for a rat",
)
def subject_species(reading: Reading) -> Iterator[Problem]:
    """A species that is neither a binomial nor a taxon."""
    for subject in _subjects(reading):
        text = str(subject.species or "")
        if text and not _BINOMIAL.fullmatch(text) and not _TAXON.fullmatch(text):
            yield Problem(subject, f"its species is {text!r}; expected a Latin name of two words")
