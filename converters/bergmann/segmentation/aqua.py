"""Events of AQuA: its result (``.mat``) or its tables of features (``.csv``, ``.xlsx``).

The layout is that of the program's source: see `bergmann.segmentation._aqua_result` and `_aqua_table` for files,
`_aqua_features` for the features. It was tested on files that were made to it; a real export was not to be had.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from bergmann.records import GlialEvents
from bergmann.registry import Format, Inputs
from bergmann.segmentation._aqua import AquaSource, Program
from bergmann.segmentation._aqua_files import find_files, read_file
from bergmann.segmentation._aqua_result import Fields

PROGRAM = Program(name="AQuA", axes=3, pixels="x2D", perimeter="Basic - Perimeter")
FIELDS = Fields("evt", "fts", "evtSelectedList", "evtFavList")


class AquaSource1(AquaSource):
    """Events that AQuA found; for the keys see `AquaSource`."""

    format: Literal["aqua"] = "aqua"


def find(folder: Path) -> Iterator[AquaSource1]:
    """The results of AQuA in a folder, and its tables where there is no result beside them."""
    for path in find_files(folder, PROGRAM, lambda names: {"evt", "fts", "opts"} <= names and "fts1" not in names):
        yield AquaSource1(path=path)


def read(source: AquaSource1, inputs: Inputs) -> GlialEvents:
    """Read times and features of the events; pixels stay in the file.

    Raises
    ------
    SourceError
        If the file is not AQuA's, damaged, or does not belong to the movie.
    """
    return read_file(source, inputs, PROGRAM, FIELDS)


FORMAT = Format(source=AquaSource1, record=GlialEvents, label="AQuA", find=find, read=read)
