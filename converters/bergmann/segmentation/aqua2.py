"""Events of AQuA2: its result (``<name>_AQuA2.mat``) or its tables of features (``<name>_Ch1.csv``, ``.xlsx``).

The layout is that of the program's source: see `bergmann.segmentation._aqua_result` and `_aqua_table` for files,
`_aqua_features` for the features. It was tested on files that were made to it; a real export was not to be had. Functional units
(CFU) and results of volumes are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from bergmann.errors import SourceError
from bergmann.matlab import Struct
from bergmann.records import GlialEvents
from bergmann.registry import Format, Inputs
from bergmann.segmentation._aqua import AquaSource, Program
from bergmann.segmentation._aqua_files import find_files, read_file
from bergmann.segmentation._aqua_result import Fields

PROGRAM = Program(name="AQuA2", axes=4, pixels="xSpa", perimeter="Basic - Perimeter (only for 2D video)")


class Aqua2Source(AquaSource):
    """Events that AQuA2 found; for the other keys see `AquaSource`.

    Attributes
    ----------
    channel : int, optional
        Which of AQuA2's channels, 1 or 2; needed if there are events in both.
    kind : {"local", "global"}
        Whether the usual events, or those that AQuA2 calls global.
    """

    format: Literal["aqua2"] = "aqua2"
    channel: int | None = Field(None, ge=1, le=2)
    kind: Literal["local", "global"] = "local"


def find(folder: Path) -> Iterator[Aqua2Source]:
    """The results of AQuA2 in a folder, and its tables where there is no result beside them."""
    for path in find_files(folder, PROGRAM, lambda names: {"evt1", "fts1", "opts"} <= names):
        yield Aqua2Source(path=path)


def read(source: Aqua2Source, inputs: Inputs) -> GlialEvents:
    """Read times and features of the events of one channel; pixels stay in the file.

    Raises
    ------
    SourceError
        If the file is not AQuA2's, damaged, of volumes, or does not belong to the movie, or if there are events in both channels
        and none is chosen.
    """
    return read_file(source, inputs, PROGRAM, lambda res: _fields(source, res))


def _fields(source: Aqua2Source, res: Struct) -> Fields:
    """Where the events of the channel are."""
    events, features = ("evt", "fts") if source.kind == "local" else ("gloEvt", "ftsGlo")
    there = [number for number in (1, 2) if res.cell(f"{events}{number}") is not None]
    if source.channel is None and len(there) > 1:
        raise SourceError(f"{source.path.name}: events in two channels; state `channel: 1` or `channel: 2`, a source for each")
    number = source.channel or (there[0] if there else 1)
    if there and number not in there:
        raise SourceError(f"{source.path.name}: no events in channel {number}; there are in channel {there[0]}")
    marked = (f"evtSelectedList{number}", f"evtFavList{number}") if source.kind == "local" else (None, None)
    return Fields(f"{events}{number}", f"{features}{number}", *marked)


FORMAT = Format(source=Aqua2Source, record=GlialEvents, label="AQuA2", find=find, read=read)
