"""Events to tables in /events, one kind of event a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hdmf.common import VectorData
from pynwb.event import DurationVectorData, EventsTable, TimestampVectorData

from bergmann.behavior.stated import events_names
from bergmann.errors import SourceError

if TYPE_CHECKING:
    from pynwb import NWBFile

    from bergmann.behavior.stated import EventsStated
    from bergmann.records import Events, EventSeries
    from bergmann.registry import Entry, Placed

RESERVED = frozenset({"timestamp", "duration", "id"})
"""Column names that an `EventsTable` gives a meaning of its own."""


def add_events(nwbfile: NWBFile, entry: Entry[Events, EventsStated], placed: Placed) -> None:
    """Add one `EventsTable` for each kind of event."""
    series = entry.record.series
    names = events_names(entry.name, [one.name for one in series])
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SourceError(f"{entry.name}: two kinds of event would both be named {twice!r} in the NWB file; rename one of them")
    tables = tuple(_table(name, one, entry) for name, one in zip(names, series, strict=True))
    for table in tables:
        nwbfile.add_events_table(table)
    placed.put("sources", entry.name, tables[0] if len(tables) == 1 else tables)


def _table(name: str, series: EventSeries, entry: Entry[Events, EventsStated]) -> Any:
    columns = [
        TimestampVectorData(name="timestamp", description="When each event began, in seconds.", data=series.times.seconds),
        *_duration(series),
        *_own_columns(series),
        *_stated_columns(len(series.times), entry.stated, taken=frozenset(series.columns)),
    ]
    return EventsTable(
        name=name,
        description=_description(series, entry),
        source_description=entry.record.basis,
        columns=columns,
        colnames=[column.name for column in columns],
    )


def _description(series: EventSeries, entry: Entry[Events, EventsStated]) -> str:
    stated = entry.stated
    what = f"{series.name}: {series.description}" if series.description not in {"", series.name} else series.name
    facts = [
        stated.description,
        f"amplitude {stated.amplitude}" if stated.amplitude is not None else None,
        f"location: {stated.location}" if stated.location is not None else None,
        f"duration {stated.duration} as set{_measured(series)}" if stated.duration is not None else None,
        *(f"{name.replace('_', ' ')} {value}" for name, value in stated.parameters.items()),
    ]
    return "; ".join([what, *(fact for fact in facts if fact)])


def _measured(series: EventSeries) -> str:
    """The measured durations, where there are any."""
    if series.durations is None or not len(series.durations):
        return ""
    shortest, longest = float(series.durations.min()) * 1000, float(series.durations.max()) * 1000
    return f", {shortest:.4g} to {longest:.4g} ms as measured"


def _duration(series: EventSeries) -> list[Any]:
    """The durations; no column for point events, as a NaN there costs archives the end of the session."""
    if series.durations is None:
        return []
    return [DurationVectorData(name="duration", description="How long each event lasted, in seconds.", data=series.durations)]


def _own_columns(series: EventSeries) -> list[Any]:
    return [
        VectorData(
            name=f"source_{name}" if name in RESERVED else name,
            description=series.column_descriptions.get(name, f"{name} of each event, as the source says it."),
            data=values if isinstance(values, np.ndarray) else list(values),
        )
        for name, values in series.columns.items()
    ]


def _stated_columns(count: int, stated: EventsStated, *, taken: frozenset[str]) -> list[Any]:
    """What a person states of every event, also as columns, so that a query over files finds it."""
    columns = [
        VectorData(name=name, description=f"{what}, in {value.unit}; stated, not measured.", data=np.full(count, value.value))
        for name, (what, value) in stated.columns.items()
        if name not in taken
    ]
    if stated.location is not None and "location" not in taken:
        columns.append(VectorData(name="location", description="Where on the body; stated.", data=[stated.location] * count))
    return columns
