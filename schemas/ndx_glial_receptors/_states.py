"""Tables of an NWB file that say in which state receptors were, and whose cells its rows are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

from ndx_glial_receptors.build_spec import STATES

Annotations = Mapping[int, frozenset[int]]
"""Rows of the populations by row of the annotated table."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """When receptors were in a state.

    Attributes
    ----------
    state : str
    start, stop : float
        In seconds from the session's start; `stop` is no longer in it.
    rows : tuple of (str, int)
        The rows that say so: name of the `ReceptorStateIntervals` table and row; several where they overlap.
    """

    state: str
    start: float
    stop: float
    rows: tuple[tuple[str, int], ...]


def intervals_of(nwbfile: Any, state: str, receptor: str | None) -> list[Interval]:
    """The intervals of a state by time, those that overlap as one.

    Raises
    ------
    ValueError
        If there is no such state or receptor, or an interval has no start or end.
    """
    tables = [table for table in everything(nwbfile.intervals) if table.neurodata_type == "ReceptorStateIntervals"]
    states = {table.name: [str(one) for one in table["state"].data[:]] for table in tables}
    known = dict.fromkeys([*STATES, *(one for column in states.values() for one in column)])
    if state not in known:
        raise ValueError(f"there is no state {state!r}; there are: {', '.join(known)}")
    wanted = None if receptor is None else _receptor_rows(nwbfile, receptor)
    found: list[Interval] = []
    for table in tables:
        starts, stops, cited = table["start_time"].data[:], table["stop_time"].data[:], ragged(table["receptors"])
        for row, one in enumerate(states[table.name]):
            if one == state and (wanted is None or wanted & set(cited[row])):
                found.append(_interval(table.name, row, state, float(starts[row]), float(stops[row])))
    return _united(found)


def _interval(table: str, row: int, state: str, start: float, stop: float) -> Interval:
    if isnan(start) or isnan(stop):
        raise ValueError(f"row {row} of {table} has no {'start' if isnan(start) else 'end'}, so what is in it is not known")
    if stop < start:
        raise ValueError(f"row {row} of {table} ends ({stop:g} s) before it begins ({start:g} s)")
    return Interval(state=state, start=start, stop=stop, rows=((table, row),))


def _united(intervals: Iterable[Interval]) -> list[Interval]:
    united: list[Interval] = []
    for one in sorted(intervals, key=lambda interval: (interval.start, interval.stop)):
        last = united[-1] if united else None
        if last is not None and one.start < last.stop:
            rows = (*last.rows, *one.rows)
            united[-1] = Interval(state=one.state, start=last.start, stop=max(last.stop, one.stop), rows=rows)
        else:
            united.append(one)
    return united


def _receptor_rows(nwbfile: Any, receptor: str) -> set[int]:
    table = getattr(_metadata(nwbfile), "receptors", None)
    if table is None:
        raise ValueError("the file states no receptors")
    columns = [name for name in ("label", "receptor_name", "gene_symbol", "receptor_id", "gene_id") if name in table.colnames]
    texts = {name: [str(one) for one in table[name].data[:]] for name in columns}
    found = {row for row in range(len(table)) if any(column[row].casefold() == receptor.casefold() for column in texts.values())}
    if not found or not receptor:
        raise ValueError(f"no receptor of the file is {receptor!r}; its labels are: {', '.join(texts['label'])}")
    return found


def everything(container: Any) -> Iterator[Any]:
    """What is in a container by name, which is None where the file has none."""
    yield from () if container is None else container.values()


def _metadata(nwbfile: Any) -> Any:
    return next((one for one in everything(nwbfile.lab_meta_data) if one.neurodata_type == "GlialReceptorMetadata"), None)


def population_row(nwbfile: Any, population: str) -> int:
    """The row of the population of that label.

    Raises
    ------
    ValueError
        If there is none; the message lists the labels.
    """
    table = getattr(_metadata(nwbfile), "cell_populations", None)
    labels = [] if table is None else [str(one) for one in table["label"].data[:]]
    if population not in labels:
        raise ValueError(f"there is no population {population!r}; there are: {', '.join(labels) or 'none'}")
    return labels.index(population)


def annotations_of(nwbfile: Any, table: Any) -> Annotations:
    """Which populations each annotated row of a table is of."""
    found: dict[int, set[int]] = {}
    for one in everything(getattr(_metadata(nwbfile), "cell_annotations_tables", None)):
        if one["source"].table is table:
            for source, population in zip(one["source"].data[:], one["population"].data[:], strict=True):
                found.setdefault(int(source), set()).add(int(population))
    return {row: frozenset(populations) for row, populations in found.items()}


def ragged(index: Any) -> list[list[int]]:
    """The values of each row of a column with any number of values a row."""
    ends = [int(end) for end in index.data[:]]
    values = [int(value) for value in index.target.data[:]]
    return [values[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
