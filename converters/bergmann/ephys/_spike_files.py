"""The two kinds of file with spike times, and the two ways that each may keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.tables import Table, number, read_table

Times = NDArray[np.float64]

RESERVED = frozenset(
    {
        "id",
        "unit_name",
        "spike_times",
        "obs_intervals",
        "electrodes",
        "electrode_group",
        "waveform_mean",
        "waveforms",
        "name",
        "description",
    }
)
"""Columns that a table of units gives a meaning of its own."""


@dataclass(frozen=True, eq=False)
class Spikes:
    """Times of each unit, in the unit of the file.

    Attributes
    ----------
    times : dict of str to np.ndarray, each of shape (n_spikes,)
        By unit, in the order in which the file first names them.
    columns : dict of str to np.ndarray (float64) or tuple of str, each of n_units
        What else is known of each unit.
    """

    times: dict[str, Times]
    columns: dict[str, Any] = field(default_factory=dict)


def read_spikes(path: Path, columns: Mapping[str, str] | None, *, sheet: str | None, encoding: str | None) -> Spikes:
    """Spikes of a table: a row a spike where columns are named, else a column a unit with blanks below its last.

    Raises
    ------
    SourceError
        If the file is no table, a column is missing or there twice, or a cell is no number.
    """
    table = read_table(path, sheet=sheet, encoding=encoding)
    if columns is None:
        return Spikes({name: _below(table, name) for name in _unit_columns(table)})
    where, named = table.where(columns["time"]), [cell.strip() for cell in table.cells(columns["unit"])]
    if "" in named:
        line = table.lines[named.index("")]
        raise SourceError(f"{table.where(columns['unit'])}, line {line}: an empty cell; expected the name of a unit")
    times = np.array(
        [number(cell, where=where, line=line) for cell, line in zip(table.cells(columns["time"]), table.lines, strict=True)]
    )
    of_unit = np.array(named)
    kept = {key: tuple(cell.strip() for cell in table.cells(name)) for key, name in columns.items() if key not in {"unit", "time"}}
    units = tuple(dict.fromkeys(named))
    return Spikes(
        {unit: times[of_unit == unit] for unit in units},
        {key: as_numbers(_one_a_unit(table.where(columns[key]), units, named, cells)) for key, cells in kept.items()},
    )


def _unit_columns(table: Table) -> tuple[str, ...]:
    if "" in table.columns:
        raise SourceError(
            f"{table.path.name}: column {table.columns.index('') + 1} has no name; each column is a unit and needs one"
        )
    for name in table.columns:
        table.index(name)  # refuses a name that is there twice
    return table.columns


def _below(table: Table, name: str) -> Times:
    """The numbers of a column down to its last; a blank among them is an error."""
    cells = table.cells(name)
    count = max((n for n, cell in enumerate(cells, start=1) if cell.strip()), default=0)
    where = table.where(name)
    return np.array([number(cell, where=where, line=line) for cell, line in zip(cells[:count], table.lines[:count], strict=True)])


def _one_a_unit(where: str, units: tuple[str, ...], named: list[str], cells: tuple[str, ...]) -> tuple[str, ...]:
    """What a column says of each unit, which must be the same at all of its spikes."""
    said: dict[str, str] = {}
    for unit, cell in zip(named, cells, strict=True):
        if said.setdefault(unit, cell) != cell:
            raise SourceError(f"{where}: unit {unit} has {said[unit]!r} and {cell!r}; expected one for all its spikes")
    return tuple(said[unit] for unit in units)


def as_numbers(cells: tuple[str, ...]) -> Any:
    """Numbers, NaN for an empty cell, where every cell is one; else the texts."""
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells], dtype=np.float64)
    except ValueError:
        return cells


def read_npz(path: Path, columns: Mapping[str, str] | None) -> Spikes:
    """Spikes of arrays: of the two that are named, with a value a spike; else each array is a unit.

    Raises
    ------
    SourceError
        If the file is no such archive, or an array is missing, of another shape, or of no numbers.
    """
    arrays = _arrays(path)
    if columns is None:
        return Spikes({name: _flat(path, name, values) for name, values in arrays.items()})
    missing = next((name for name in columns.values() if name not in arrays), None)
    if missing is not None:
        raise SourceError(f"{path.name}: no array {missing!r}; it has: {', '.join(arrays) or 'nothing'}")
    times = _flat(path, columns["time"], arrays[columns["time"]])
    per_spike = {key: np.ravel(arrays[name]) for key, name in columns.items() if key != "time"}
    for key, values in per_spike.items():
        if len(values) != len(times):
            raise SourceError(f"{path.name}: {len(values)} values of {columns[key]!r} for {len(times)} of {columns['time']!r}")
    named = [str(one) for one in per_spike.pop("unit").tolist()]
    of_unit, units = np.array(named), tuple(dict.fromkeys(named))
    kept = {key: tuple(str(one) for one in values.tolist()) for key, values in per_spike.items()}
    return Spikes(
        {unit: times[of_unit == unit] for unit in units},
        {key: as_numbers(_one_a_unit(f"{path.name}: {columns[key]!r}", units, named, cells)) for key, cells in kept.items()},
    )


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    import zipfile
    import zlib

    try:
        with path.open("rb") as file:  # NumPy leaves a file open that is no archive
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise SourceError(f"{path.name}: one array; expected an archive (.npz) with an array for each unit")
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, AttributeError) as error:
        raise SourceError(
            f"{path.name}: not a whole archive of NumPy with arrays of numbers (.npz); save it again with numpy.savez"
        ) from error


def _flat(path: Path, name: str, values: NDArray[Any]) -> Times:
    if values.dtype.kind not in "iuf" or values.size != max(values.shape, default=0):
        raise SourceError(f"{path.name}: {name!r} has shape {values.shape} and type {values.dtype}; expected a list of times")
    return np.asarray(values.ravel(), dtype=np.float64)
