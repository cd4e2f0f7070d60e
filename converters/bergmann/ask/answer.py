"""Answers: one receptor in one population of one session, with what was seen of it and done to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bergmann.ask.facts import Administration, Plane, Population, ProcedureRow, ReceptorRow, StateInterval


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A row of a file that is what was asked for.

    Attributes
    ----------
    file : str
        Path or address, as it was named.
    session, subject, arm : str
    receptor : ReceptorRow or None
        None if the question is of cells or of the session, and the file states no receptor.
    population : Population or None
        None if the file states none.
    planes : tuple of Plane
        Where an indicator was looked at in this population.
    states : tuple of StateInterval
        Those of this receptor.
    drugs : tuple of Administration
        Everything that was given.
    procedures : tuple of ProcedureRow
    notes : tuple of str
        What the file does not say, and the answer therefore rests on.
    """

    file: str
    session: str
    subject: str
    arm: str = ""
    receptor: ReceptorRow | None = None
    population: Population | None = None
    planes: tuple[Plane, ...] = ()
    states: tuple[StateInterval, ...] = ()
    drugs: tuple[Administration, ...] = ()
    procedures: tuple[ProcedureRow, ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The answer as a JSON object; what is not known is null."""
        return asdict(self)
