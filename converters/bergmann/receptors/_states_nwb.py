"""States of receptors to NWB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pynwb import NWBFile

from bergmann.receptors._fill_nwb import fill
from bergmann.receptors._metadata_nwb import metadata_of
from bergmann.receptors._rows import state_row
from bergmann.receptors.stated import State
from bergmann.receptors.states import Stretch, find_stretch
from bergmann.registry import Placed
from bergmann.stated import Stated
from ndx_glial_receptors import ReceptorStateIntervals

OWN = {
    "label": "Name of the state in the session file.",
    "stated_as": "Beginning and end as a person stated them.",
    "start_basis": "How the beginning is known: recorded, tag, notebook, protocol or unknown.",
    "stop_basis": "How the end is known: recorded, tag, notebook, protocol or unknown.",
    "start_uncertainty": "Half width of the interval that holds the true beginning, in seconds; NaN if not stated.",
    "stop_uncertainty": "Half width of the interval that holds the true end, in seconds; NaN if not stated.",
}


def add_states(nwbfile: NWBFile, states: Mapping[str, Stated], placed: Placed) -> None:
    """Add one row a state, in the order of their beginnings, each at the rows of its receptors and of what brought it about.

    Raises
    ------
    SourceError
        If a state does not begin at one known time and end at one later; `check_times` says so before anything is made.
    """
    stretches = [find_stretch(name, cast(State, one), placed.when) for name, one in states.items()]
    rows = [
        {
            **state_row(one),
            "receptors": [placed.get("receptors", name) for name in one.stated.receptors],
            "drug_administrations": _causes(one, nwbfile, placed),
        }
        for one in sorted(stretches, key=lambda one: (one.start.seconds, one.stop.seconds))
    ]
    targets: dict[str, Any] = {"receptors": metadata_of(nwbfile, placed).receptors}
    if any(row["drug_administrations"] for row in rows):
        targets["drug_administrations"] = nwbfile.events["drug_administrations"]
    table = ReceptorStateIntervals(
        name="receptor_states",
        description="When receptors are taken to be in which state; times in seconds from the start of the session.",
        target_tables=targets,
    )
    fill(table, rows, "states", placed, own=OWN)
    nwbfile.add_time_intervals(table)


def _causes(stretch: Stretch, nwbfile: NWBFile, placed: Placed) -> list[int]:
    """Rows of the administrations that brought a state about: not those after its end."""
    numbers = [number for name in stretch.stated.by for number in placed.get("drugs", name)]
    times = nwbfile.events["drug_administrations"]["timestamp"] if numbers else ()
    return [number for number in numbers if not times[number] > stretch.stop.seconds]
