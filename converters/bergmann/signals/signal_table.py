"""Recorded channels as a text table (CSV, TSV, TXT) with a row a sample, as a person says what its columns are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError
from bergmann.records import Recording
from bergmann.registry import Format, Inputs, Source
from bergmann.signals._given import SAMPLES, TIME, GivenChannels, Line, pick, the_file
from bergmann.signals._rows import Rows, Spelling, Stretch, TextColumn, cells_of, encoding_of, parse, resolution_of, walk
from bergmann.signals._steps import Stamps, Sweeps, find_sweeps, one_sweep
from bergmann.tables import DELIMITERS, Encoding, Header, likely_delimiter


class SignalTableSource(GivenChannels):
    """A text table of recorded channels, with a row a sample.

    Attributes
    ----------
    columns : mapping of str to str
        What the header calls each channel that is kept, and ``time``; the number of the column, from 1, where there is no header.
    header : {"first line", "none"}
        Whether the first line names the columns.
    skip_lines : int
        Lines before the header, or before the numbers where there is no header.
    decimal : {"point", "comma"}
        How the numbers are written.
    encoding : str, optional
        Of a file that is not UTF-8, e.g. ``cp949`` or ``utf-16``.
    """

    format: Literal["signal_table"] = "signal_table"
    header: Header = "first line"
    skip_lines: int = Field(default=0, ge=0)
    decimal: Literal["point", "comma"] = "point"
    encoding: Encoding | None = None


def find(folder: Path) -> Iterator[Source]:  # noqa: ARG001
    """Nothing: what the columns of a table are, and their units, only a person knows."""
    return iter(())


def read(source: SignalTableSource, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Go through the table once, a megabyte at a time; its numbers stay in the file and are parsed again when they are written.

    Times are kept as written; where one or more samples are missing, a new sweep begins.

    Raises
    ------
    SourceError
        If the file is missing, empty or no text in its encoding, a column is not there, a cell is no number, or the times are at no
        constant rate.
    """
    path = the_file(source.path)
    start = _start(source, path)
    wanted = {name: pick(column, start.names, where=path.name) for name, column in source.columns.items()}
    rows, sweeps = _index(source, start, wanted)
    used = set(wanted.values())
    left = [name for number, name in enumerate(start.names) if number not in used and name]
    return Recording(
        files=(path,),
        notes={"columns left out": ", ".join(left)} if left else {},
        rate=sweeps.rate,
        sweep_starts=sweeps.starts,
        sweep_lengths=sweeps.lengths,
        channels=tuple(source.channel(name, _samples(source, rows, name, wanted[name])) for name in source.channels),
    )


@dataclass(frozen=True)
class _Start:
    """How a table begins.

    Attributes
    ----------
    spelling : Spelling
    names : tuple of str
        Of its columns.
    first_byte, first_line : int
        Where its rows begin.
    """

    spelling: Spelling
    names: tuple[str, ...]
    first_byte: int
    first_line: int


def _start(source: SignalTableSource, path: Path) -> _Start:
    encoding, mark = encoding_of(path, source.encoding)
    decimal = "," if source.decimal == "comma" else "."
    _, text = next(walk(Spelling(path, encoding, None), mark), (None, ""))
    lines = text.split("\n")
    first = source.skip_lines
    while first < len(lines) - 1 and not lines[first].strip():
        first += 1
    table = [line for line in lines[first : first + 50] if line.strip()]
    n_header = int(source.header == "first line")
    if len(table) <= n_header:
        raise SourceError(
            f"{path.name}: {len(table)} lines with content{f' below line {first}' if first else ''}; expected "
            f"{'a line of column names and ' if n_header else ''}a row of numbers for each sample"
        )
    sample = "\n".join(table).replace(",", ".") if decimal == "," else "\n".join(table)
    delimiter = likely_delimiter(sample) if any(sign in sample for sign in DELIMITERS) else None
    spelling = Spelling(path, encoding, delimiter, decimal, comma="state `decimal: comma` if it is that")
    cells = cells_of(spelling, table[0].rstrip("\r"))
    names = tuple(cell.strip() for cell in cells) if n_header else tuple(str(number + 1) for number in range(len(cells)))
    before = "".join(f"{line}\n" for line in lines[: first + n_header])
    return _Start(spelling, names, mark + len(before.encode(encoding)), first + n_header + 1)


def _samples(source: SignalTableSource, rows: Rows, name: str, column: int) -> LazyArray:
    samples = TextColumn(rows, column)
    return Line(samples, f"{rows.spelling.path.name}: channel {name}") if source.is_digital(name) else samples


def _index(source: SignalTableSource, start: _Start, wanted: Mapping[str, int]) -> tuple[Rows, Sweeps]:
    """Where the rows are, and when each was; every cell that is used has been seen to be a number."""
    spelling, where = start.spelling, start.spelling.path.name
    stretches: list[Stretch] = []
    ends: list[int] = []

    def times() -> Iterator[Stamps]:
        for stretch, text in walk(spelling, start.first_byte, start.first_line):
            values = dict(zip(wanted, parse(spelling, text, stretch.first_line, list(wanted.values()), start.names).T, strict=True))
            _refuse_no_line(source, values, where, ends[-1] if ends else 0)
            stretches.append(stretch)
            ends.append((ends[-1] if ends else 0) + len(values[source.channels[0]]))
            if TIME in wanted:
                resolution = 0.0 if source.time_unit == SAMPLES else resolution_of(spelling, text, wanted[TIME])
                yield Stamps(values[TIME] / source.ticks, resolution / source.ticks)

    if TIME in wanted:
        sweeps = find_sweeps(times(), rate=source.hertz, where=f"{where}: column {source.columns[TIME]!r}")
    else:
        list(times())
        sweeps = one_sweep(source.hertz or 0.0, ends[-1] if ends else 0)
    return Rows(spelling, start.names, tuple(stretches), np.array(ends, dtype=np.int64)), sweeps


def _refuse_no_line(source: SignalTableSource, values: Mapping[str, NDArray[np.float64]], where: str, before: int) -> None:
    for name in filter(source.is_digital, source.channels):
        odd = np.flatnonzero((values[name] != 0) & (values[name] != 1))
        if len(odd):
            raise SourceError(
                f"{where}: channel {name}, sample {before + int(odd[0]) + 1} is {values[name][odd[0]]:g}; a digital line is 0 or "
                "1. Is it analog? State its unit instead"
            )


FORMAT = Format(source=SignalTableSource, record=Recording, label="recorded channels (CSV, TSV, TXT)", find=find, read=read)
