"""Logged values to time series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pynwb import TimeSeries
from pynwb.behavior import BehavioralTimeSeries

from bergmann.timing.times import ExplicitTimes, time_arguments

if TYPE_CHECKING:
    from pynwb import NWBFile

    from bergmann.behavior.stated import TraceStated
    from bergmann.records import Trace, TraceColumn
    from bergmann.registry import Entry, Placed


def add_trace(nwbfile: NWBFile, entry: Entry[Trace, TraceStated], placed: Placed) -> None:
    """Add the log to the acquisition as `BehavioralTimeSeries`: it is raw, and archives see behaviour by that type.

    Explicit times are stored once, with the first series, and shared by the others.
    """
    made: list[Any] = []
    for column in entry.record.columns:
        shared = made and isinstance(entry.record.times, ExplicitTimes)
        times = {"timestamps": made[0]} if shared else time_arguments(entry.record.times)
        made.append(_series(column, entry, times))
    container = BehavioralTimeSeries(name=entry.name, time_series=made)
    nwbfile.add_acquisition(container)
    placed.put("sources", entry.name, container)


def _series(column: TraceColumn, entry: Entry[Trace, TraceStated], times: dict[str, Any]) -> Any:
    """The values as logged; what one of them is in a physical unit, if a person states it, is the conversion."""
    scale = entry.stated.scale.get(column.name)
    facts = [
        entry.stated.description or f"{column.name} as logged in {entry.record.files[0].name}.",
        f"Column {column.source!r} of the log, in {column.unit}.",
        f"1 {column.unit} is {scale}, as stated." if scale is not None else "",
        f"By {entry.stated.device}." if entry.stated.device else "",
        entry.record.basis,
    ]
    return TimeSeries(
        name=column.name,
        description=" ".join(fact for fact in facts if fact),
        data=column.values,
        unit=column.unit if scale is None else scale.unit,
        conversion=1.0 if scale is None else scale.value,
        **times,
    )
