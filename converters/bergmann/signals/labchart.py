"""Text that LabChart (or Chart) of ADInstruments exports: blocks of a header each, a row a sample, comments behind the rows.

The layout is that of ADInstruments' own page on the headers of its text files ("How can channel titles, ranges, intervals, etc. for
a text file be imported into LabChart?") and of published exports of version 8 (the example of phys2bids). Cells are separated by
tabs; ``Interval=``, ``ExcelDateTime=``, ``TimeFormat=``, ``DateFormat=``, ``ChannelTitle=``, ``Range=``, ``UnitName=``,
``TopValue=`` and ``BottomValue=`` come before the rows of each block. The first column is the time. A comment stands behind its row
as ``#* text``, or ``#2 text`` if it is of the second channel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records import Channel, Recording
from bergmann.registry import Format, Inputs, Source, natural_order
from bergmann.signals._given import the_file
from bergmann.signals._names import distinct_names, repeats_note
from bergmann.signals._rows import Rows, Spelling, Stretch, TextColumn, encoding_of, lines_of, parse, resolution_of, walk
from bergmann.signals._steps import Stamps, Sweeps, Walk
from bergmann.stated import Quantity
from bergmann.tables import Encoding
from bergmann.timing.times import ExplicitTimes

KEYS = (
    "Interval",
    "ExcelDateTime",
    "DateTime",
    "TimeFormat",
    "DateFormat",
    "ChannelTitle",
    "Range",
    "UnitName",
    "TopValue",
    "BottomValue",
)
_HEADER = re.compile(rf"^({'|'.join(KEYS)})=(.*)$", re.MULTILINE)
_COMMENT = re.compile(r"\t#(\*|\d+) ?([^\t\r\n]*)")
_SIGNATURE = re.compile(rb"^(?:\xef\xbb\xbf)?Interval=\t")

DAY_0 = datetime(1899, 12, 30)
"""What a spreadsheet counts days from."""


class LabChartSource(Source):
    """A text export of LabChart.

    Attributes
    ----------
    path : Path
    encoding : str, optional
        Of a file that is not UTF-8, e.g. ``cp1252``.
    """

    format: Literal["labchart"] = "labchart"
    path: Path
    encoding: Encoding | None = None


@dataclass(frozen=True)
class Header:
    """The header of a block.

    Attributes
    ----------
    line : int
        Of the file, counted from 1, where it begins.
    cells : mapping of str to tuple of str
        What stands behind each key.
    """

    line: int
    cells: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def first(self, key: str) -> str:
        """The first cell behind a key, empty if there is none."""
        return next(iter(self.cells.get(key, ())), "")

    @property
    def decimal(self) -> str:
        """How the numbers are written, as the header shows it."""
        return "," if "," in self.first("Interval") or "," in self.first("ExcelDateTime") else "."

    @property
    def titles(self) -> tuple[str, ...]:
        titles = [title.strip().strip('"') for title in self.cells.get("ChannelTitle", ())]
        while titles and not titles[-1]:
            titles.pop()
        return tuple(titles)

    def units(self) -> tuple[str, ...]:
        """Of each channel: the unit that it was converted to, else that of its range."""
        stated, ranges = self.cells.get("UnitName", ()), self.cells.get("Range", ())
        found = []
        for number in range(len(self.titles)):
            unit = stated[number].strip() if number < len(stated) else ""
            range_unit = ranges[number].strip().partition(" ")[2].strip() if number < len(ranges) else ""
            found.append(unit if unit not in {"", "*"} else range_unit or "unknown")
        return tuple(found)


@dataclass(frozen=True, eq=False)
class Block:
    """The rows under one header.

    Attributes
    ----------
    header : Header
    stretches : list of Stretch
    counts : list of int
        Rows of each.
    walk : Walk
        The times of the rows.
    comments : list of tuple of (float, str)
        When, as the first column says it, and what.
    """

    header: Header
    walk: Walk
    stretches: list[Stretch] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    comments: list[tuple[float, str]] = field(default_factory=list)


def find(folder: Path) -> Iterator[LabChartSource]:
    """Find the text exports of LabChart in a folder and the folders below."""
    for path in sorted(folder.rglob("*.[tT][xX][tT]"), key=natural_order):
        if path.is_file():
            with path.open("rb") as file:
                start = file.read(8192)
            if _SIGNATURE.match(start) and b"\nChannelTitle=\t" in start:
                yield LabChartSource(path=path)


def read(source: LabChartSource, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Go through the export once, a megabyte at a time; its numbers stay in the file and are parsed again when they are written.

    Each block is a sweep of its own, placed by the date and time of its header; the recording starts where that of the first block
    says. Comments are tags.

    Raises
    ------
    SourceError
        If the file is missing, empty or no such export, its blocks differ in their channels or intervals, a cell is no number, or
        when a block began cannot be told.
    """
    path = the_file(source.path)
    encoding, mark = encoding_of(path, source.encoding)
    blocks, spelling = _blocks(Spelling(path, encoding, "\t", remark="\t#", comma="and its header has points"), mark)
    first = blocks[0].header
    sweeps = [block.walk.sweeps() for block in blocks]
    bases, start, notes = _placed(path, blocks, sweeps)
    starts = np.concatenate([base + one.starts.seconds for base, one in zip(bases, sweeps, strict=True)])
    lengths = np.concatenate([one.lengths for one in sweeps])
    _refuse_overlap(path, starts, lengths, sweeps[0].rate)
    tags = [(base + seconds, text) for base, block in zip(bases, blocks, strict=True) for seconds, text in block.comments]
    names = [title or f"Channel {number}" for number, title in enumerate(first.titles, start=1)]
    distinct = distinct_names(names)
    rows = Rows(
        spelling,
        ("time", *distinct),
        tuple(stretch for block in blocks for stretch in block.stretches),
        np.cumsum([count for block in blocks for count in block.counts], dtype=np.int64),
    )
    return Recording(
        files=(path,),
        start=start,
        notes={"software": "LabChart, exported as text", **notes, **repeats_note(names, distinct)},
        rate=sweeps[0].rate,
        sweep_starts=ExplicitTimes(starts),
        sweep_lengths=lengths,
        channels=tuple(
            Channel(name=name, kind="analog", unit=unit, samples=TextColumn(rows, number))
            for number, (name, unit) in enumerate(zip(distinct, first.units(), strict=True), start=1)
        ),
        tags=tuple(text for _, text in tags),
        tag_times=ExplicitTimes(np.array([seconds for seconds, _ in tags], dtype=np.float64)),
    )


def _blocks(spelling: Spelling, first_byte: int) -> tuple[list[Block], Spelling]:
    """The blocks of an export, and how its numbers are written."""
    path = spelling.path
    blocks: list[Block] = []
    header: Header | None = None
    for stretch, text in walk(spelling, first_byte):
        position, at_byte, at_line = 0, stretch.first_byte, stretch.first_line
        for match in [*_HEADER.finditer(text), None]:
            rows = text[position : match.start() if match else len(text)]
            if rows.strip():
                if header is not None:
                    blocks.append(_opened(path, header, blocks))
                    spelling, header = replace(spelling, decimal=blocks[0].header.decimal), None
                if not blocks:
                    raise SourceError(
                        f"{path.name}: line {at_line} comes before any `Interval=`; expected a text export of LabChart"
                    )
                _add_rows(spelling, blocks[-1], Stretch(at_byte, len(rows.encode(spelling.encoding)), at_line), rows)
            at_byte, at_line = at_byte + len(rows.encode(spelling.encoding)), at_line + rows.count("\n")
            if match:
                if header is None or match[1] == "Interval":
                    header = Header(at_line)
                header.cells[match[1]] = tuple(cell.rstrip("\r") for cell in match[2].split("\t")[1:])
                line = text[match.start() : match.end() + 1]
                position, at_byte, at_line = match.end() + 1, at_byte + len(line.encode(spelling.encoding)), at_line + 1
    if not blocks:
        what = "a header and no rows below it" if header else "nothing that begins with `Interval=`"
        raise SourceError(f"{path.name}: {what}; expected a text export of LabChart")
    return blocks, spelling


def _opened(path: Path, header: Header, before: list[Block]) -> Block:
    """A block whose rows come next.

    Raises
    ------
    SourceError
        If its header is not whole, or it differs from the first block in what a recording has one of.
    """
    where = f"{path.name}: the block at line {header.line}"
    missing = [key for key in ("Interval", "ChannelTitle") if not header.first(key)]
    if missing or not header.titles:
        raise SourceError(f"{where} has no `{(missing or ['ChannelTitle'])[0]}=`; export again, with the header of each block")
    for one in before[:1]:
        for key in ("Interval", "ChannelTitle", "TimeFormat"):
            if header.cells.get(key) != one.header.cells.get(key):
                was, found = (", ".join(of.cells.get(key, ("nothing",))) for of in (one.header, header))
                raise SourceError(f"{where} has {key} {found}, the first {was}; export those that differ as files of their own")
        if header.units() != one.header.units():
            raise SourceError(f"{where} has the units {', '.join(header.units())}, the first {', '.join(one.header.units())}")
    text = header.first("Interval").strip()
    try:
        interval = Quantity.parse(text.replace(",", "."), usual="s").to("s")
    except ValueError as error:
        raise SourceError(f"{where}: `Interval=` {text}: {error}") from error
    if not interval > 0:
        raise SourceError(f"{where}: `Interval=` {text}; expected a time above 0")
    return Block(header, Walk(f"{where}, its column of times", float(f"{1 / interval:.12g}")))


def _add_rows(spelling: Spelling, block: Block, stretch: Stretch, text: str) -> None:
    names = ("time", *block.header.titles)
    lines = lines_of(text)
    first = next(line for line in lines if line.strip())
    cells = first.partition(spelling.remark)[0].split("\t")
    if ":" in cells[0]:
        raise SourceError(
            f"{spelling.path.name}: line {stretch.first_line}: the time is {cells[0]!r}; export again with times in seconds from "
            "the start of the block"
        )
    if len(cells) == len(names) - 1 and not block.counts:
        raise SourceError(
            f"{spelling.path.name}: line {stretch.first_line} has {len(cells)} numbers for {len(cells)} channels and a time; "
            "export again with the times (`Time` in the dialog)"
        )
    values = parse(spelling, text, stretch.first_line, range(len(names)), names)
    block.walk.add(Stamps(values[:, 0], resolution_of(spelling, text, 0)))
    block.stretches.append(stretch)
    block.counts.append(len(values))
    if spelling.remark in text:
        block.comments.extend(_comments(spelling, block.header, lines, stretch.first_line))


def _comments(spelling: Spelling, header: Header, lines: list[str], first_line: int) -> Iterator[tuple[float, str]]:
    for line_number, line in enumerate(lines, start=first_line):
        for match in _COMMENT.finditer(line):
            ((seconds,),) = parse(spelling, line, line_number, [0], ("time", *header.titles))
            text = match[2].strip() or "comment without text"
            number = 0 if match[1] == "*" else int(match[1])
            named = number and number <= len(header.titles)
            yield float(seconds), f"{text} ({header.titles[number - 1]})" if named else text


def _placed(path: Path, blocks: list[Block], sweeps: list[Sweeps]) -> tuple[list[float], datetime | None, dict[str, str]]:
    """What to add to the times of each block, when the recording started, and what there is to note."""
    moments = [_moment(path, block.header) for block in blocks]
    form = blocks[0].header.first("TimeFormat").strip() or "StartOfBlock"
    if form == "StartOfBlock":
        if len(blocks) > 1 and None in moments:
            line = blocks[moments.index(None)].header.line
            raise SourceError(f"{path.name}: the block at line {line} has no `ExcelDateTime=`, so when it began is unknown")
        known = [moment for moment in moments if moment is not None]
        return [(moment - known[0]).total_seconds() for moment in known] or [0.0], moments[0], {}
    if form != "StartOfFile":
        raise SourceError(f"{path.name}: `TimeFormat=` {form}; export again with times from the start of the block")
    begins = sweeps[0].starts.first
    if begins <= 1 / sweeps[0].rate:
        return [0.0] * len(blocks), moments[0], {}
    note = f"the first exported sample is {begins:g} s after the start of a file whose start is not said"
    return [0.0] * len(blocks), None, {"start": note}


def _moment(path: Path, header: Header) -> datetime | None:
    text = header.first("ExcelDateTime").strip()
    if not text:
        return None
    try:
        days = float(text.replace(",", "."))
        return DAY_0 + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise SourceError(f"{path.name}: line {header.line + 1}: `ExcelDateTime=` {text} is no number of days") from error


def _refuse_overlap(path: Path, starts: NDArray[np.float64], lengths: NDArray[np.int64], rate: float) -> None:
    early = np.flatnonzero(starts[1:] < (starts + (lengths - 0.5) / rate)[:-1])
    if len(early):
        index = int(early[0])
        raise SourceError(
            f"{path.name}: block {index + 2} begins at {starts[index + 1]:.6f} s, before block {index + 1} has ended; was the "
            "computer's clock set in between? Export them as files of their own"
        )


FORMAT = Format(source=LabChartSource, record=Recording, label="LabChart text export", find=find, read=read)
