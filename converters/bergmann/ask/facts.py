"""What one NWB file says of itself, as far as it can be asked for: a handful of small tables, and no data.

What a file does not say is an empty text, None, or an empty tuple. Row numbers are those of the file's tables.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Where an indicator was looked at: an imaging plane, or a row of a photometry table.

    Attributes
    ----------
    name, indicator, location : str
    populations : tuple of int
        Rows of the populations that it shows; empty if the file does not say.
    """

    name: str
    indicator: str
    location: str
    populations: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Population:
    """A row of `CellPopulationsTable`.

    Attributes
    ----------
    label, cell_type, cell_type_id, location, location_id : str
    rois, units, fibers : int or None
        How many regions of interest, units and rows of photometry are of it; None if the file assigns none.
    """

    label: str
    cell_type: str
    cell_type_id: str = ""
    location: str = ""
    location_id: str = ""
    rois: int | None = None
    units: int | None = None
    fibers: int | None = None


@dataclass(frozen=True, kw_only=True)
class ReceptorRow:
    """A row of `ReceptorsTable`; `population` is a row of the populations."""

    label: str
    name: str
    gene_symbol: str
    gene_id: str
    receptor_id: str
    role: str
    status: str
    method: str
    construct: str
    population: int


@dataclass(frozen=True, kw_only=True)
class ProcedureRow:
    """A row of `ProceduresTable`; `days` from the procedure to the session, None if not known."""

    label: str
    kind: str
    model: str
    target: str
    side: str
    date: str
    days: float | None


@dataclass(frozen=True, kw_only=True)
class Administration:
    """A row of `DrugAdministrationsTable`; times in seconds, None if not known; `receptors` are rows, none if it cites none."""

    time: float | None
    duration: float | None
    compound: str
    compound_id: str
    action: str
    dose: float | None
    dose_unit: str
    route: str
    site: str
    receptors: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StateInterval:
    """A row of a `ReceptorStateIntervals` table, from `start` to `stop` in seconds (None if not known)."""

    state: str
    start: float | None
    stop: float | None
    basis: str
    receptors: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that can be asked of one file.

    Attributes
    ----------
    identifier, session, subject, species, start : str
        The start of the session as the file writes it.
    arm : str
    arm_is_control : bool or None
    keywords : tuple of str
    """

    identifier: str
    session: str
    subject: str
    species: str
    start: str
    arm: str = ""
    arm_is_control: bool | None = None
    keywords: tuple[str, ...] = ()
    planes: tuple[Plane, ...] = ()
    populations: tuple[Population, ...] = ()
    receptors: tuple[ReceptorRow, ...] = ()
    procedures: tuple[ProcedureRow, ...] = ()
    drugs: tuple[Administration, ...] = ()
    states: tuple[StateInterval, ...] = ()
