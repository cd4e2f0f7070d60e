"""Labelled intervals to time intervals, assays to a table in the behaviour module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hdmf.common import DynamicTable, VectorData
from pynwb.epoch import TimeIntervals

from bergmann.behavior._module import behavior_module

if TYPE_CHECKING:
    from pynwb import NWBFile

    from bergmann.behavior.stated import IntervalsStated, ScoresStated
    from bergmann.records import Intervals, Scores
    from bergmann.registry import Entry, Placed


def add_intervals(nwbfile: NWBFile, entry: Entry[Intervals, IntervalsStated], placed: Placed) -> None:
    """Add the intervals as a `TimeIntervals` table."""
    intervals = entry.record
    columns = [
        VectorData(name="start_time", description="When the interval begins, in seconds.", data=intervals.starts.seconds),
        VectorData(name="stop_time", description="When the interval ends, in seconds.", data=intervals.stops),
        *(
            VectorData(name=name, description=f"{name} of the interval, as noted.", data=text)
            for name, text in intervals.columns.items()
        ),
    ]
    table = TimeIntervals(
        name=entry.name,
        description=entry.stated.description or f"Intervals noted in {intervals.files[0].name}.",
        columns=columns,
        colnames=[column.name for column in columns],
    )
    nwbfile.add_time_intervals(table)
    placed.put("sources", entry.name, table)


def add_scores(nwbfile: NWBFile, entry: Entry[Scores, ScoresStated], placed: Placed) -> None:
    """Add the assay as a `DynamicTable` in the behaviour module, where analysts look for it."""
    table = DynamicTable(
        name=entry.name,
        description=_describe(entry),
        columns=[_column(name, values, entry.record) for name, values in entry.record.columns.items()],
        colnames=list(entry.record.columns),
    )
    behavior_module(nwbfile).add(table)
    placed.put("sources", entry.name, table)


def _column(name: str, values: Any, scores: Scores) -> Any:
    """A column, saying its unit and what the file calls it."""
    source = scores.source_columns.get(name.removesuffix("_text").removesuffix("_number"), name)
    if name in scores.units:
        text = f"In {scores.units[name]}; column {source!r} of the source."
    elif name.endswith("_text") and name.removesuffix("_text") in scores.units:
        text = f"As written in column {source!r} of the source."
    elif name.endswith("_number") and name not in scores.source_columns:
        text = f"The number that the text of column {source!r} begins with; what follows it is in the text."
    else:
        text = f"Column {source!r} of the source."
    return VectorData(name=name, description=text, data=values if isinstance(values, np.ndarray) else list(values))


def _describe(entry: Entry[Scores, ScoresStated]) -> str:
    """What is stated of the assay, as ``key: value`` parts that a program can take apart again."""
    stated = entry.stated
    facts = {
        "assay": stated.assay,
        "side": stated.side,
        "scorer": stated.scorer,
        "time point": stated.timepoint.text if stated.timepoint is not None else None,
        "source": entry.record.files[0].name,
        "rows": ", ".join(f"{column} = {value}" for column, value in entry.record.selection.items()) or None,
        "description": stated.description,
    }
    return "; ".join(f"{key}: {value}" for key, value in facts.items() if value is not None)
