"""Answers in words and columns, for a table on a screen and in a spreadsheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from bergmann.ask.answer import Answer
from bergmann.ask.facts import Administration, ProcedureRow, StateInterval

TABLE = ("session", "subject", "receptor", "status", "population", "ROIs", "states", "drugs", "file")
SHEET = (
    "session",
    "subject",
    "arm",
    "file",
    "receptor",
    "gene",
    "role",
    "status",
    "construct",
    "population",
    "cell_type",
    "location",
    "rois",
    "units",
    "fibers",
    "indicators",
    "states",
    "drugs",
    "procedures",
    "notes",
)

_FEW = 2
"""Up to so many times are written out; of more there are the number, the first and the last."""


def table_row(answer: Answer) -> Sequence[object]:
    """An answer as a row of `TABLE`; what is not known is empty."""
    receptor, population = answer.receptor, answer.population
    counted = "" if population is None or population.rois is None else population.rois
    return (
        answer.session or "(no session id)",
        answer.subject,
        "" if receptor is None else receptor.name,
        "" if receptor is None else receptor.status,
        "" if population is None else f"{population.cell_type}, {population.location}",
        counted,
        "; ".join(states_in_words(answer.states)),
        "; ".join(drugs_in_words(answer.drugs)),
        answer.file,
    )


def sheet_row(answer: Answer) -> Sequence[object]:
    """An answer as a row of `SHEET`; what is not known is empty."""
    receptor, population = answer.receptor, answer.population
    of_receptor = ("", "", "", "", "")
    if receptor is not None:
        of_receptor = (receptor.name, receptor.gene_symbol, receptor.role, receptor.status, receptor.construct)
    of_population: tuple[object, ...] = ("", "", "", None, None, None)
    if population is not None:
        counts = (population.rois, population.units, population.fibers)
        of_population = (population.label, population.cell_type, population.location, *counts)
    return (
        answer.session,
        answer.subject,
        answer.arm,
        answer.file,
        *of_receptor,
        *of_population,
        "; ".join(dict.fromkeys(plane.indicator for plane in answer.planes if plane.indicator)),
        "; ".join(states_in_words(answer.states)),
        "; ".join(drugs_in_words(answer.drugs)),
        "; ".join(procedures_in_words(answer.procedures)),
        "; ".join(answer.notes),
    )


def states_in_words(states: Sequence[StateInterval]) -> Iterator[str]:
    """``blocked 600-1800 s``, by state."""
    for state in dict.fromkeys(interval.state for interval in states):
        yield f"{state} {_listed([_span(one.start, one.stop) for one in states if one.state == state])} s"


def drugs_in_words(drugs: Sequence[Administration]) -> Iterator[str]:
    """``capsaicin 10 ug at 213 s``, by compound and dose."""
    said = [(_dose(one), one) for one in drugs]
    for what in Counter(text for text, _ in said):
        yield f"{what} at {_listed([_begin(one) for text, one in said if text == what])} s"


def procedures_in_words(procedures: Sequence[ProcedureRow]) -> Iterator[str]:
    """``spared nerve injury, 7 d before``."""
    for one in procedures:
        name = f"sham of {one.model}" if one.kind == "sham" and one.model else one.model or one.kind.replace("_", " ")
        yield name if one.days is None else f"{name}, {one.days:g} d before"


def _dose(one: Administration) -> str:
    return one.compound if one.dose is None else f"{one.compound} {one.dose:g} {one.dose_unit}".rstrip()


def _begin(one: Administration) -> str:
    if one.time is None or one.duration is None:
        return _number(one.time)
    return _span(one.time, one.time + one.duration)


def _span(start: float | None, stop: float | None) -> str:
    joint = " to " if (start or 0) < 0 or (stop or 0) < 0 else "-"
    return f"{_number(start)}{joint}{_number(stop)}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{round(value, 3):.10g}"


def _listed(spans: list[str]) -> str:
    return ", ".join(spans) if len(spans) <= _FEW else f"{len(spans)} times ({spans[0]} ... {spans[-1]})"
