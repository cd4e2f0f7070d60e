"""The feature tables of AQuA and AQuA2: a row for each feature with its name first, a column for each event, no header.

``+ui/+proj/saveExp.m`` and ``aqua_cmd_batch.m`` of both write them with ``writetable``: AQuA (commit 3c1e398) as ``.csv`` or
``.xlsx``, where a feature that was not extracted is a row of NaN; AQuA2 (commit 7294980) as ``<name>_Ch1.csv``, where it is left
out. Which program wrote a table is told by what it calls the perimeter. A table says neither how many frames the run had, nor
what the program was told of frames and pixels, nor which pixels the events have.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bergmann.errors import BergmannError, SourceError
from bergmann.segmentation._aqua import AquaSource, Export, Program
from bergmann.segmentation._aqua_features import DURATION, START, Numbers, features, landmarks_in_rows
from bergmann.tables import first_cell, number, read_cells

SUFFIXES = frozenset({".csv", ".xlsx"})
INDEX, CHANNEL = "Index", "Channel"
"""How the first row of a table is called: in AQuA, in AQuA2."""
SURFACE = "Basic - Surface Size (only for 3D video)"


def is_table(path: Path, program: Program) -> bool:
    """Whether a file is a table of that program and of all its events, not of some; never raises."""
    is_of_some = "_region_" in path.name or path.stem.endswith("_favorite")
    try:
        if path.suffix.lower() not in SUFFIXES or is_of_some or not path.is_file() or first_cell(path) not in {INDEX, CHANNEL}:
            return False
        names = {row[0] for row in read_cells(path) if row}
    except (BergmannError, OSError):
        return False
    return {START, program.perimeter} <= names


def read_features(path: Path, program: Program, source: AquaSource) -> Export:
    """What a table says of its events.

    Raises
    ------
    SourceError
        If it is no feature table of that program, is of volumes, or if what the program was told, or the movie, is not stated.
    """
    rows = _read_rows(path, program)
    missing = [key for key in ("of", "frame_interval", "pixel_size") if getattr(source, key) is None]
    if source.of is None or source.frame_interval is None or source.pixel_size is None:
        raise SourceError(
            f"{path.name}: a table of features says neither when its frames were nor what {program.name} was told; state "
            f"{', '.join(f'`{key}`' for key in missing)} (`frame_interval` and `pixel_size` as they were given to {program.name}), "
            "or name the result (.mat) instead"
        )
    first = rows.numbers(START)
    counted = _whole_frames(path.name, rows.numbers(DURATION), source.frame_interval.to("s"))
    known = features(program.perimeter, landmarks_in_rows(iter(rows.cells)))
    values = [(one, rows.numbers(one.row)) for one in known if one.row in rows.cells]
    named = {INDEX, CHANNEL, START, DURATION, *(one.row for one, _ in values)}
    notes = {
        "without a value in any event": ", ".join(one.row for one, found in values if not np.isfinite(found).any()),
        "not converted": ", ".join(name for name in rows.cells if name not in named),
    }
    return Export(
        path=path,
        program=program,
        numbers=(rows.numbers(INDEX) if INDEX in rows.cells else np.arange(1.0, len(first) + 1)).astype(np.int64),
        first=first,
        last=first + counted - 1,
        interval=source.frame_interval.to("s"),
        pixel_um=source.pixel_size.to("um"),
        values=[(one, found) for one, found in values if np.isfinite(found).any()],
        notes={key: text for key, text in notes.items() if text},
    )


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of a table.

    Attributes
    ----------
    path : Path
    cells : dict of str to (int, list of str)
        Line and cells of each row, by its name.
    count : int
        How many events the table has.
    """

    path: Path
    cells: dict[str, tuple[int, list[str]]]
    count: int

    def numbers(self, name: str) -> Numbers:
        """One number of each event; an empty cell is NaN, as a workbook keeps it."""
        line, cells = self.cells[name]
        where = f"{self.path.name}: row {name!r}"
        if len(cells) > self.count and any(cell.strip() for cell in cells[self.count :]):
            raise SourceError(f"{where}, line {line}: {len(cells)} cells for {self.count} events; is the file damaged?")
        cells = (cells + [""] * self.count)[: self.count]
        return np.array([number(cell, where=where, line=line) if cell.strip() else np.nan for cell in cells], dtype=np.float64)


def _read_rows(path: Path, program: Program) -> _Rows:
    if path.is_dir():
        raise SourceError(f"{path.name}: a folder; name the table in it")
    cells: dict[str, tuple[int, list[str]]] = {}
    for line, row in enumerate(read_cells(path), start=1):
        if any(cell.strip() for cell in row):
            name = row[0].strip()
            if name in cells:
                raise SourceError(f"{path.name}: line {line}: a second row {name!r}; is it a table of {program.name}?")
            cells[name] = (line, row[1:])
    missing = [name for name in (START, DURATION, program.perimeter) if name not in cells]
    if missing:
        there = ", ".join(repr(name[:60]) for name in list(cells)[:4]) or "nothing"
        raise SourceError(
            f"{path.name}: no row {missing[0]!r}, which each table of {program.name} has; its first rows are: {there}. "
            "Is it of the other version (`aqua`, `aqua2`)?"
        )
    begins = cells[START][1]
    rows = _Rows(path, cells, max((n for n, cell in enumerate(begins, start=1) if cell.strip()), default=0))
    if SURFACE in cells and np.isfinite(rows.numbers(SURFACE)).any():
        raise SourceError(f"{path.name}: events in volumes; only those of single planes are read yet")
    return rows


def _whole_frames(name: str, durations: Numbers, interval: float) -> Numbers:
    """How many frames each event has; the program gives their number times what it was told.

    Raises
    ------
    SourceError
        If that is no whole number of frames.
    """
    frames = durations / interval
    counted: Numbers = np.round(frames)
    wrong = np.flatnonzero(~(np.abs(frames - counted) <= 1e-3 * np.maximum(counted, 1)) | ~(counted >= 1))
    if len(wrong):
        index = int(wrong[0])
        raise SourceError(
            f"{name}: event {index + 1} lasts {durations[index]:g} s, which is no whole number of frames of {interval:g} s; state "
            "as `frame_interval` what the program was told, which need not be the movie's"
        )
    return counted
