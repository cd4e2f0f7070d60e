"""The files of AQuA and AQuA2 in a folder, and which of the two readers each needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bergmann.errors import SourceError
from bergmann.matlab import Struct, fields_of, open_struct
from bergmann.records import GlialEvents
from bergmann.registry import Inputs, expand, natural_order
from bergmann.segmentation._aqua import AquaSource, Program, events_of
from bergmann.segmentation._aqua_result import Fields, read_result
from bergmann.segmentation._aqua_table import SUFFIXES, is_table, read_features


def find_files(folder: Path, program: Program, is_result: Callable[[frozenset[str]], bool]) -> Iterator[Path]:
    """Results, and tables of all events where there is no result in or above their folder: both would be the same events twice.

    Parameters
    ----------
    folder : Path
    program : Program
    is_result : callable (names of the fields of ``res``) -> bool
    """
    with_result: set[Path] = set()
    paths = sorted(folder.rglob("*"), key=natural_order)
    for path in paths:
        if path.suffix.lower() == ".mat" and is_result(fields_of(path, "res")):
            with_result.add(path.parent)
            yield path
    for path in paths:
        if path.suffix.lower() in SUFFIXES and with_result.isdisjoint(path.parents) and is_table(path, program):
            yield path


def read_file(source: AquaSource, inputs: Inputs, program: Program, fields: Fields | Callable[[Struct], Fields]) -> GlialEvents:
    """The events of a result or of a table.

    Raises
    ------
    SourceError
        If the file is neither, is damaged, or does not belong to the movie.
    """
    paths = expand(source.path)
    if len(paths) > 1:
        raise SourceError(f"{source.path.name}: {len(paths)} files match; name the file of one run")
    (path,) = paths
    if path.suffix.lower() in SUFFIXES:
        return events_of(read_features(path, program, source), source, inputs)
    with open_struct(path, "res") as res:
        export = read_result(path, res, program, fields(res) if callable(fields) else fields, source)
    return events_of(export, source, inputs)
