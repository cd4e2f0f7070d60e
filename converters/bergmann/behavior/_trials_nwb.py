"""Trials of a state machine to a table of trials, its states and events to tables of events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from hdmf.common import VectorData
from pynwb.epoch import TimeIntervals

from bergmann.behavior._events_nwb import add_events
from bergmann.behavior.stated import EventsStated, trials_name
from bergmann.records import Events

if TYPE_CHECKING:
    from pynwb import NWBFile

    from bergmann.behavior.stated import StateMachineStated
    from bergmann.records import StateMachine
    from bergmann.registry import Entry, Placed

_OWN = frozenset({"id", "start_time", "stop_time", "trial", "tags", "timeseries"})


def add_state_machine(nwbfile: NWBFile, entry: Entry[StateMachine, StateMachineStated], placed: Placed) -> None:
    """Add the trials as `TimeIntervals`, and one `EventsTable` for each state and each kind of event."""
    record = entry.record
    table = _trials(entry)
    nwbfile.add_time_intervals(table)
    events = Events(files=record.files, series=record.series, basis=record.basis)
    stated = EventsStated(description=entry.stated.description)
    add_events(nwbfile, replace(entry, record=events, stated=stated), placed)  # type: ignore[arg-type]
    placed.put("sources", entry.name, table)


def _trials(entry: Entry[StateMachine, StateMachineStated]) -> TimeIntervals:
    record = entry.record
    columns: dict[str, tuple[str, Any]] = {
        "start_time": ("When the trial began, in seconds.", record.starts.seconds),
        "stop_time": ("When it ended, in seconds.", record.stops),
        "trial": (
            "Number of the trial, from 1; the tables of states and events have it, too.",
            np.arange(1, len(record.starts) + 1),
        ),
    }
    for name, values in record.columns.items():
        columns[f"source_{name}" if name in _OWN else name] = (record.column_descriptions[name], values)
    return TimeIntervals(
        name=trials_name(entry.name),
        description=". ".join(text.rstrip(".") for text in (entry.stated.description, f"Trials, {record.basis}") if text) + ".",
        columns=[VectorData(name=name, description=text, data=values) for name, (text, values) in columns.items()],
        colnames=list(columns),
    )
