"""What a second table says of each unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bergmann.ephys._spike_files import RESERVED, Spikes, as_numbers
from bergmann.errors import SourceError
from bergmann.tables import read_table

UNIT = "unit"


def add_labels(spikes: Spikes, path: Path, encoding: str | None) -> Spikes:
    """The units with the columns of the table; one that the table alone has never fired.

    Raises
    ------
    SourceError
        If the table has a unit twice, not all of them, or a column that is known already.
    """
    table = read_table(path, encoding=encoding)
    named = [cell.strip() for cell in table.cells(UNIT)]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise SourceError(f"{table.where(UNIT)}: unit {twice!r} has two rows; expected one a unit")
    missing = next((name for name in spikes.times if name not in named), None)
    if missing is not None:
        raise SourceError(f"{table.where(UNIT)}: no row for unit {missing!r}, which has spikes; there are: {', '.join(named[:8])}")
    if spikes.columns and len(named) > len(spikes.times):
        more = next(name for name in named if name not in spikes.times)
        raise SourceError(
            f"{table.where(UNIT)}: unit {more!r} has no spikes, so that {', '.join(spikes.columns)} is not known of it"
        )
    times = {
        name: spikes.times.get(name, np.zeros(0)) for name in (*spikes.times, *(one for one in named if one not in spikes.times))
    }
    columns = dict(spikes.columns)
    for name in table.columns:
        if name in columns:
            raise SourceError(f"{table.where(name)}: the file of the spikes has a column of that name, too; rename one")
        if name in RESERVED:
            raise SourceError(f"{table.where(name)}: NWB gives a column of that name a meaning of its own; call it otherwise")
        if name and name != UNIT:
            cells = table.cells(name)
            columns[name] = as_numbers(tuple(cells[named.index(unit)].strip() for unit in times))
    return Spikes(times, columns)
