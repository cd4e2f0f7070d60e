"""Which rows of a file are what is asked for; criteria are joined by row, never by file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bergmann.ask.answer import Answer
from bergmann.ask.facts import Administration, Facts, Plane, Population, ReceptorRow, StateInterval
from bergmann.ask.question import Question, is_within
from bergmann.ask.terms import (
    are_apart,
    holds_any,
    is_any,
    is_cell_type,
    is_drug,
    is_gene,
    is_located,
    is_procedure,
    is_receptor,
)

_AT_RECEPTORS = ("agonist", "antagonist", "inverse_agonist", "positive_modulator", "negative_modulator")


@dataclass(frozen=True, kw_only=True)
class _Row:
    """What can be an answer of one file: a receptor in its population, a population, a plane, or the file as a whole.

    Attributes
    ----------
    facts : Facts
    receptor, population : int or None
        Row numbers.
    plane : Plane or None
    """

    facts: Facts
    receptor: int | None = None
    population: int | None = None
    plane: Plane | None = None

    @property
    def receptor_row(self) -> ReceptorRow | None:
        return None if self.receptor is None else self.facts.receptors[self.receptor]

    @property
    def population_row(self) -> Population | None:
        return None if self.population is None else self.facts.populations[self.population]

    @property
    def states(self) -> tuple[StateInterval, ...]:
        return tuple(interval for interval in self.facts.states if self.receptor in interval.receptors)


def answers_of(facts: Facts, question: Question, file: str) -> Iterator[Answer]:
    """The rows of a file that are what is asked for.

    Parameters
    ----------
    facts : Facts
    question : Question
    file : str
        How the file is named in the answers.

    Yields
    ------
    Answer
    """
    if not _is_session(facts, question):
        return
    for row in _rows(facts, question):
        if not all(holds(row, question) for holds in (_is_receptor, _is_population, _is_located, _was_given, _was_in_state)):
            continue
        planes, notes = _planes(row)
        if question.indicator:
            planes = tuple(plane for plane in planes if holds_any(plane.indicator, question.indicator))
        if planes or not question.indicator:
            yield Answer(
                file=file,
                session=facts.session,
                subject=facts.subject,
                arm=facts.arm,
                receptor=row.receptor_row,
                population=row.population_row,
                planes=planes,
                states=row.states,
                drugs=facts.drugs,
                procedures=facts.procedures,
                notes=tuple(notes[plane.name] for plane in planes if plane.name in notes),
            )


def _rows(facts: Facts, question: Question) -> Iterator[_Row]:
    """Every receptor, then every population without one; of a file that states neither, its planes or the file as a whole."""
    for number, receptor in enumerate(facts.receptors):
        yield _Row(facts=facts, receptor=number, population=receptor.population)
    with_receptor = {receptor.population for receptor in facts.receptors}
    for number in range(len(facts.populations)):
        if number not in with_receptor:
            yield _Row(facts=facts, population=number)
    if not facts.populations:
        if facts.planes and (question.location or question.indicator):
            yield from (_Row(facts=facts, plane=plane) for plane in facts.planes)
        else:
            yield _Row(facts=facts)


# --- what holds for a session -----------------------------------------------------------------------------------------------


def _is_session(facts: Facts, question: Question) -> bool:
    if question.arm and not is_any(facts.arm, question.arm):
        return False
    if question.keyword and not any(is_any(word, question.keyword) for word in facts.keywords):
        return False
    return _has_procedure(facts, question)


def _has_procedure(facts: Facts, question: Question) -> bool:
    """Whether one procedure is what is asked for, so many days before."""
    if not (question.procedure or question.days):
        return True
    return any(
        (not question.procedure or is_procedure(row, question.procedure))
        and (not question.days or is_within(row.days, question.days))
        for row in facts.procedures
    )


# --- what holds for a row ---------------------------------------------------------------------------------------------------


def _is_receptor(row: _Row, question: Question) -> bool:
    receptor = row.receptor_row
    if receptor is None:
        return not question.is_of_receptors
    return (
        (not question.receptor or is_receptor(receptor, question.receptor))
        and (not question.gene or is_gene(receptor, question.gene))
        and (not question.status or is_any(receptor.status, question.status))
        and (not question.role or is_any(receptor.role, question.role))
        and (not question.construct or holds_any(receptor.construct, question.construct))
    )


def _is_population(row: _Row, question: Question) -> bool:
    population = row.population_row
    if population is None:
        return not question.is_of_cells
    return (not question.cell_type or is_cell_type(population, question.cell_type)) and (
        not question.population or is_any(population.label, question.population)
    )


def _is_located(row: _Row, question: Question) -> bool:
    if not question.location:
        return True
    if row.population_row is not None:
        return is_located(row.population_row.location, row.population_row.location_id, question.location)
    return row.plane is not None and is_located(row.plane.location, "", question.location)


def _was_given(row: _Row, question: Question) -> bool:
    """Whether one administration is what is asked for."""
    if not (question.drug or question.action or question.route):
        return True
    return any(
        (not question.drug or is_drug(given, question.drug))
        and (not question.route or is_any(given.route, question.route))
        and (not question.action or (is_any(given.action, question.action) and _acts_on(given, row, question)))
        for given in row.facts.drugs
    )


def _acts_on(given: Administration, row: _Row, question: Question) -> bool:
    """Whether a drug acts on the receptor that is asked for; one of which the file does not say where it acts may."""
    joined = question.is_of_receptors and given.receptors and given.action in _AT_RECEPTORS
    return not joined or row.receptor in given.receptors


def _was_in_state(row: _Row, question: Question) -> bool:
    return not question.state or any(is_any(interval.state, question.state) for interval in row.states)


# --- where an indicator was looked at ---------------------------------------------------------------------------------------


def _planes(row: _Row) -> tuple[tuple[Plane, ...], dict[str, str]]:
    """The planes that show a row's population, and those of which the file does not say whose cells they show, with a note each.

    One of the latter is left out if its place is known to be another.
    """
    population = row.population_row
    if row.plane is not None:
        return (row.plane,), {}
    if population is None:
        return row.facts.planes, {}
    sure = [plane for plane in row.facts.planes if row.population in plane.populations]
    unsaid = [plane for plane in row.facts.planes if not plane.populations and not are_apart(plane.location, population.location)]
    return (*sure, *unsaid), {plane.name: f"the file does not say whose cells {plane.name} shows" for plane in unsaid}
