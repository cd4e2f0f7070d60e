"""Which cell each region of interest, or unit, is of: stated for all of them, by class, or one by one in a table of the lab."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field

from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.stated import Compartment, Names, Stated

COMPARTMENTS: tuple[str, ...] = get_args(Compartment)
KEYS = ("row", "plane", "population", "compartment", "class", "cell")
"""What a table of cells may say of each row."""


def _known(columns: dict[str, str]) -> dict[str, str]:
    strange = [name for name in columns if name not in KEYS]
    if strange:
        raise ValueError(f"`{strange[0]}` is not one of {', '.join(KEYS)}")
    if "row" not in columns:
        raise ValueError("`columns` must name `row`, the column with the numbers of the regions or units: `columns: {row: ROI}`")
    return columns


class CellClass(Stated):
    """What all cells of one class are.

    Attributes
    ----------
    population : str
        Name of an entry of ``populations``.
    compartment : str, optional
        Which part of the cells: ``soma``, ``process``, ``endfoot``, ``axon``, ``dendrite``, ``whole_cell``, ``field``, ``unknown``.
    """

    population: Annotated[str, Names("populations")]
    compartment: Compartment | None = None


class CellTable(Stated):
    """A table of the lab that says of each region of interest, or unit, which cell it is of.

    Attributes
    ----------
    path : Path
        ``.csv`` or ``.tsv``, UTF-8, with a line of column names.
    columns : mapping of str to str
        What the file calls ``row`` (the number of the region or unit), ``plane``, ``population``, ``compartment``, ``class`` and
        ``cell`` (a number or name that the parts of one cell share); all but ``row`` may be missing.
    first : {"0", "1"}
        Number of the first region as the table counts: Suite2p and CaImAn count from 0, ImageJ from 1.
    classes : mapping of str to CellClass
        What each word in the column ``class`` stands for.
    """

    path: Path
    columns: Annotated[dict[str, str], AfterValidator(_known)]
    first: Literal["0", "1"]
    classes: dict[str, CellClass] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One region of interest, or unit, and the cell that it is of.

    Attributes
    ----------
    row : int
        From 0, in the order of the regions of its plane.
    population, compartment : str
    cell : int
        Number shared by the parts of one cell; -1 where nobody says.
    """

    row: int
    population: str
    compartment: str
    cell: int = -1


@dataclass(frozen=True)
class _Line:
    """A line of the table: its number in the file, and what it says."""

    number: int
    said: Mapping[str, str]


def read_cells(
    table: CellTable,
    counts: Mapping[str, int],
    populations: Iterable[str],
    *,
    population: str | None = None,
    compartment: str | None = None,
) -> dict[str, tuple[Assignment, ...]]:
    """Which cell each row is of.

    Parameters
    ----------
    table : CellTable
    counts : mapping of str to int
        How many regions or units there are, by plane; one plane where there is only one table.
    populations : iterable of str
        Names of the populations that are stated.
    population, compartment : str, optional
        What is stated for the rows that do not say it; rows that the table leaves out are of these, if both are stated.

    Returns
    -------
    dict of str to tuple of Assignment
        By plane, ascending by row.

    Raises
    ------
    SourceError
        If the file is no table, or a line is about no row, about one that another line is about, or does not say whose cell and
        which part of it; with all such lines.
    """
    path = table.path
    lines = _lines(table)
    if len(counts) > 1 and "plane" not in table.columns:
        raise SourceError(f"{path.name}: there are {len(counts)} planes ({', '.join(counts)}); name the column `plane`, too")
    given = {"population": population or "", "compartment": compartment or ""}
    made: dict[str, dict[int, Assignment]] = {plane: {} for plane in counts}
    problems: list[str] = []
    numbers = _cell_numbers(line.said.get("cell", "") for line in lines)
    for line in lines:
        try:
            plane, row = _which(line, table, counts)
            if row in made[plane]:
                raise ValueError("an earlier line is about the same row; each is of one cell")
            cell = numbers.get(line.said.get("cell", ""), -1)
            whose, part = _filled(line.said, table, given, tuple(populations))
            made[plane][row] = Assignment(row=row, population=whose, compartment=part, cell=cell)
        except ValueError as error:
            problems.append(f"{path.name}, line {line.number}: {error}")
    if problems:
        more = f"; and {len(problems) - 10} more such lines" if len(problems) > 10 else ""
        raise SourceError("; ".join(problems[:10]) + more)
    if population and compartment:
        for plane, count in counts.items():
            rest = (Assignment(row=row, population=population, compartment=compartment) for row in range(count))
            made[plane] = {one.row: made[plane].get(one.row, one) for one in rest}
    return {plane: tuple(one for _, one in sorted(rows.items())) for plane, rows in made.items()}


def _lines(table: CellTable) -> list[_Line]:
    path = table.path
    try:
        text = path.read_text(encoding="utf-8-sig")
        head = text.partition("\n")[0]
        sign = next((one for one in ("\t", ";") if one in head), ",")
        cells = list(csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True))
    except FileNotFoundError:
        raise SourceError(f"{path.name}: there is no such file in the folder {path.parent.name!r}") from None
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise SourceError(f"{path.name}: not a table of text ({error}); expected CSV or TSV in UTF-8") from error
    filled = [(number, [cell.strip() for cell in row]) for number, row in enumerate(cells, start=1) if any(map(str.strip, row))]
    if len(filled) < 2:
        raise SourceError(f"{path.name}: {len(filled)} lines with content; expected a line of column names and one for each region")
    names = filled[0][1]
    at = {key: _column(path, names, wanted) for key, wanted in table.columns.items()}
    for number, row in filled[1:]:
        if len(row) != len(names):
            raise SourceError(f"{path.name}: line {number} has {len(row)} cells under {len(names)} columns")
    return [_Line(number, {key: row[index] for key, index in at.items()}) for number, row in filled[1:]]


def _column(path: Path, names: Sequence[str], wanted: str) -> int:
    if list(names).count(wanted) != 1:
        what = "no column" if wanted not in names else "more than one column"
        raise SourceError(f"{path.name}: {what} {wanted!r}; the columns are: {', '.join(names)}")
    return list(names).index(wanted)


def _which(line: _Line, table: CellTable, counts: Mapping[str, int]) -> tuple[str, int]:
    """Plane and row, from 0, that a line is about."""
    plane = line.said["plane"] if "plane" in line.said else next(iter(counts))
    if plane not in counts:
        raise ValueError(f"there is no plane {plane!r}; there are: {', '.join(counts)}")
    word = line.said["row"]
    if not word.isdigit():
        raise ValueError(f"{word!r} is not the number of a region or unit")
    first = int(table.first)
    row = int(word) - first
    if not 0 <= row < counts[plane]:
        raise ValueError(f"there is no number {word}; they are {first} to {counts[plane] - 1 + first} (`first: {first}`)")
    return plane, row


def _cell_numbers(words: Iterable[str]) -> dict[str, int]:
    """A number for each cell: its own where the table numbers them, else in the order of the file."""
    known = [word for word in dict.fromkeys(words) if word]
    return {word: int(word) if all(one.isdigit() for one in known) else index for index, word in enumerate(known)}


def _filled(said: Mapping[str, str], table: CellTable, given: Mapping[str, str], populations: tuple[str, ...]) -> tuple[str, str]:
    """Population and compartment of a line: its own, else its class's, else what is stated for all."""
    kind = said.get("class", "")
    if kind and kind not in table.classes:
        example = f"classes: {{{kind}: {{population: ..., compartment: ...}}}}"
        raise ValueError(f"the class {kind!r} is not stated (stated: {', '.join(table.classes) or 'none'}); write `{example}`")
    of_class: Any = table.classes.get(kind)
    population = said.get("population") or (of_class.population if of_class else "") or given["population"]
    part = said.get("compartment") or ((of_class.compartment or "") if of_class else "") or given["compartment"]
    compartment = "_".join(part.lower().split())
    if population not in populations:
        known = ", ".join(populations) or "none"
        found = f"there is no population {population!r}" if population else "it does not say whose cell it is"
        raise ValueError(f"{found}; write one of `populations` (stated: {known}), or state `population` for such rows")
    if compartment not in COMPARTMENTS:
        found = f"{part!r} is no part of a cell" if part else "it does not say which part of the cell it is"
        raise ValueError(f"{found}; write one of: {', '.join(COMPARTMENTS)}")
    return population, compartment


def check_cells(
    table: CellTable, counts: Mapping[str, int], populations: Iterable[str], *, population: str | None, compartment: str | None
) -> Iterator[Finding]:
    """Find what `read_cells` would refuse; the location is ``cells``."""
    try:
        read_cells(table, counts, populations, population=population, compartment=compartment)
    except SourceError as error:
        yield Finding(severity="error", check="source", location="cells", message=str(error))
