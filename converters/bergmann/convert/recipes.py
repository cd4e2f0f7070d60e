"""What decides the values of each large array, as a digest, so that another conversion knows which of them it has already."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import bergmann
from bergmann.arrays import NwbOrder, Part
from bergmann.convert.align import Aligned
from bergmann.plan.references import with_paths
from bergmann.plan.resolve import references
from bergmann.plan.session import SourceEntry
from bergmann.writing.streams import Streams
from ndx_bergmann import StoredArray

OF_THE_TIMES = ("name", "format", "source", "stated", "clock", "line", "starts", "run")
"""What an entry of `sources` says that decides no value of its arrays, or is in the recipe by itself."""


@dataclass(frozen=True)
class Recipes:
    """Recipes of the arrays of a session.

    Attributes
    ----------
    aligned : Aligned
    digests : mapping of Path to str
        SHA-256 of each source file.
    """

    aligned: Aligned
    digests: Mapping[Path, str]

    def of_array(self, array: Any) -> tuple[str, str] | None:
        """The source that an array is from, and its recipe; None for one that was computed while the file was made."""
        for name, record in self.aligned.records.items():
            own = {id(value): where for where, value in _arrays_in(record)}
            where = _described(array, own)
            if where is not None:
                return name, _digest({"source": self._of_source(name), "array": where})
        return None

    def _of_source(self, name: str) -> str:
        """Digest of what decides all that is read of a source."""
        entry, record = self.aligned.plan.loaded.sources[name], self.aligned.records[name]
        inputs = [ref.name for key, ref in references(entry).items() if key != "clock"]
        return _digest(
            {
                "reader": [_reader(), entry.format.module.code if entry.format.module is not None else ""],
                "files": [self.digests[file] for file in record.files],
                "choices": _choices(entry),
                "inputs": [self._of_source(one) for one in inputs],
            }
        )


def name_arrays(nwbfile: Any, streams: Streams, recipes: Recipes) -> Iterator[StoredArray]:
    """Give each array that was handed out its recipe; one computed while the file was made has none.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        Holds all of the arrays.
    streams : Streams
        Its pending arrays are given their recipes.
    recipes : Recipes

    Yields
    ------
    StoredArray
        One for each that has a recipe.
    """
    holders = {id(value): (one, field) for one in nwbfile.all_children() for field, value in getattr(one, "fields", {}).items()}
    for pending in streams.pending:
        known, holder = recipes.of_array(pending.array), holders.get(id(pending.dataio))
        if known is not None and holder is not None:
            source, pending.recipe = known
            yield StoredArray(source, str(holder[0].object_id), holder[1], pending.recipe)


def taken_over(streams: Streams, arrays: list[StoredArray]) -> dict[str, int]:
    """How many arrays of each source were taken over from the file that was replaced."""
    sources = {one.recipe: one.source for one in arrays}
    found: dict[str, int] = {}
    for pending in streams.pending:
        if pending.was_taken_over and pending.recipe is not None:
            name = sources[pending.recipe]
            found[name] = found.get(name, 0) + 1
    return found


def _digest(of: Any) -> str:
    return hashlib.sha256(json.dumps(of, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _choices(entry: SourceEntry) -> dict[str, Any]:
    """What is stated for reading a source; where its files are decides nothing, what is in them does."""
    placed = with_paths(entry.source, "", lambda *_: Path())
    others = {one.name: str(getattr(entry, one.name)) for one in fields(entry) if one.name not in OF_THE_TIMES}
    return {"format": entry.format.key, "source": placed.model_dump(mode="json"), **others}


def _arrays_in(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """The arrays that a record holds, with where in it they are."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        yield where, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _arrays_in(one, f"{where}.{key}")
    elif isinstance(value, tuple | list):
        for number, one in enumerate(value):
            yield from _arrays_in(one, f"{where}.{number}")
    elif is_dataclass(value):
        for part in fields(value):
            yield from _arrays_in(getattr(value, part.name), f"{where}.{part.name}")


def _described(array: Any, own: Mapping[int, str]) -> str | None:
    """How an array comes out of a record's own; None if it is something else."""
    if isinstance(array, Part):
        inner = own.get(id(array)) or _described(array.whole, own)
        return None if inner is None else f"{inner}[{array.start}:{array.stop}]"
    if id(array) in own:
        return own[id(array)]
    if isinstance(array, NwbOrder):
        inner = _described(array.frames, own)
        return None if inner is None else f"{inner} as (x, y)"
    return None


@cache
def _reader() -> str:
    """Digest of the code and the versions of the libraries that read: another version may read otherwise."""
    code = hashlib.sha256()
    for file in sorted(Path(bergmann.__file__).parent.rglob("*.py")):
        code.update(file.read_bytes())
    names = {match[0] for one in requires("bergmann") or () if (match := re.match(r"[\w.-]+", one))}
    return _digest([code.hexdigest(), {name: _version(name) for name in names}])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # an extra that is not installed
        return ""
