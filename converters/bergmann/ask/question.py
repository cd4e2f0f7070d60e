"""What is asked: criteria by name, each any of several values, and all of them at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args

from bergmann.errors import BergmannError
from bergmann.receptors.stated import DrugAction, GeneticStatus, ReceptorRole
from bergmann.receptors.vocabulary import UnknownTermError, find_cell, find_compound, find_receptor, find_structure
from bergmann.receptors.vocabulary.relations import family_members, named_cell
from bergmann.receptors.vocabulary.spelling import plain

STATES = ("baseline", "activated", "blocked", "washout", "other")
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "status": get_args(GeneticStatus),
    "role": get_args(ReceptorRole),
    "action": get_args(DrugAction),
    "state": STATES,
}
_DAYS = re.compile(r"^(?P<first>\d+(\.\d+)?)(?P<open>\s*-\s*(?P<last>\d+(\.\d+)?)?)?$")


class QuestionError(BergmannError):
    """A question that cannot be asked."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a row must be to be an answer.

    Each criterion holds if any of its values does; all criteria must hold. Those of a receptor (`receptor`, `gene`, `status`,
    `role`, `construct`, `state`) must hold for one row of the receptors, those of cells (`cell_type`, `location`, `population`)
    for the population of that very row, `indicator` for a plane that shows that population; `drug`, `action` and `route` for one
    administration; `procedure` and `days` for one procedure.

    Attributes
    ----------
    receptor, gene : tuple of str
        Any name, synonym or identifier of the vocabulary; for `receptor` also a family (``alpha-1``).
    status, role : tuple of str
    construct : tuple of str
        A part of its name is enough.
    cell_type : tuple of str
        Subtypes are found, too.
    location : tuple of str
        What is within it is found, too.
    population : tuple of str
        The label that the laboratory gave.
    indicator : tuple of str
        A part of its name is enough: ``GCaMP``.
    drug, action, route : tuple of str
        `action` holds only for a drug that acts on the receptor that is asked for, where the file says on which it acts.
    state : tuple of str
        A state interval of the receptor.
    procedure : tuple of str
        Kind, model or label; a model also by its initials (``SNI``). A sham is found as ``sham`` or ``sham <model>`` only.
    days : tuple of str
        Days from the procedure to the session: ``7``, ``5-10`` (both included), or ``5-`` (5 or more).
    arm, keyword : tuple of str
    """

    receptor: tuple[str, ...] = ()
    gene: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    role: tuple[str, ...] = ()
    construct: tuple[str, ...] = ()
    cell_type: tuple[str, ...] = ()
    location: tuple[str, ...] = ()
    population: tuple[str, ...] = ()
    indicator: tuple[str, ...] = ()
    drug: tuple[str, ...] = ()
    action: tuple[str, ...] = ()
    route: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    procedure: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    arm: tuple[str, ...] = ()
    keyword: tuple[str, ...] = ()

    @property
    def is_of_receptors(self) -> bool:
        """Whether only a row of the receptors can be the answer."""
        return bool(self.receptor or self.gene or self.status or self.role or self.construct or self.state)

    @property
    def is_of_cells(self) -> bool:
        """Whether only a population of cells can be the answer."""
        return bool(self.cell_type or self.population)


CRITERIA = tuple(field.name for field in fields(Question))


def make_question(criteria: Mapping[str, str | Iterable[str]]) -> Question:
    """A question from criteria by name, each one value or several.

    Raises
    ------
    QuestionError
        If there is no such criterion, a value is empty, or one that must be of a list is not; the message says what there is.
    """
    made: dict[str, Any] = {}
    for name, given in criteria.items():
        if name not in CRITERIA:
            raise QuestionError(f"one cannot ask for {name!r}; there are: {', '.join(CRITERIA)}")
        values = tuple(dict.fromkeys((given,) if isinstance(given, str) else given))
        made[name] = tuple(_checked(name, value) for value in values)
    return Question(**made)


def _checked(name: str, value: str) -> str:
    label = f"--{name.replace('_', '-')}"
    if not value.strip():
        raise QuestionError(f"{label} is empty; leave it out, or say what is asked for")
    if name == "days":
        _range(value)
    known = _KNOWN.get(name)
    if known is None:
        return value
    chosen = next((one for one in known if plain(one) == plain(value)), None)
    if chosen is None:
        raise QuestionError(f"{label} is {value!r}; expected one of: {', '.join(known)}")
    return chosen


def _range(text: str) -> tuple[float, float]:
    match = _DAYS.match(text.strip())
    if match is None:
        raise QuestionError(f"--days is {text!r}; expected a number (7), a range (5-10), or a beginning (5-)")
    first = float(match["first"])
    last = float(match["last"]) if match["last"] else (float("inf") if match["open"] else first)
    if last < first:
        raise QuestionError(f"--days is {text!r}, which ends before it begins; did you mean {last:g}-{first:g}?")
    return first, last


def is_within(days: float | None, ranges: tuple[str, ...]) -> bool:
    """Whether a number of days lies in one of the ranges, ends included; one that is not known lies in none."""
    return days is not None and any(first <= days <= last for first, last in map(_range, ranges))


def hints(question: Question) -> Iterator[str]:
    """What the vocabulary does not know of a question: those names are looked for as they are spelled.

    Yields
    ------
    str
        A sentence, with the nearest names that it knows.
    """
    finds: dict[str, Any] = {"receptor": find_receptor, "gene": find_receptor, "cell_type": find_cell, "location": find_structure}
    for name, find in {**finds, "drug": find_compound}.items():
        for text in getattr(question, name):
            if (name == "receptor" and family_members(text)) or (name == "cell_type" and named_cell(text)):
                continue
            try:
                find(text)
            except UnknownTermError as error:
                yield f"{error}; it is looked for as it is spelled"
