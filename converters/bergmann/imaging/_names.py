"""Names of files that belong together: the same but for the number at their end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from bergmann.errors import SourceError
from bergmann.registry import natural_order, pattern_for

_NUMBERED = re.compile(r"^(?P<stem>.*?)(?P<number>\d+)(?P<suffix>(?:\.ome)?\.[^.]+)$", re.IGNORECASE)
_SUFFIXES = frozenset({".tif", ".tiff", ".btf", ".tf8"})


def tiffs_in(folder: Path) -> tuple[Path, ...]:
    """The files of a folder that are TIFFs by name, in natural order."""
    return tuple(sorted((file for file in folder.iterdir() if _is_named_tiff(file)), key=natural_order))


def _is_named_tiff(file: Path) -> bool:
    return file.suffix.lower() in _SUFFIXES and file.is_file()


def series_in(folder: Path) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """The TIFF files of a folder and the folders below it, those that differ only in their last number together.

    Yields
    ------
    pattern : Path
        The file, or a pattern for all of them and no other.
    files : tuple of Path
        In natural order.
    """
    groups: dict[tuple[Path, str, str], list[Path]] = {}
    for file in sorted(filter(_is_named_tiff, folder.rglob("*")), key=natural_order):
        match = _NUMBERED.match(file.name)
        groups.setdefault((file.parent, match["stem"], match["suffix"]) if match else (file, "", ""), []).append(file)
    for (_, stem, suffix), files in groups.items():
        pattern = pattern_for(tuple(files), stem, suffix)
        if pattern is not None:
            yield pattern, tuple(files)
        else:
            yield from ((file, (file,)) for file in files)


def next_of_series(file: Path) -> Path | None:
    """The file with the next number, if it is there."""
    match = _NUMBERED.match(file.name)
    if match is None:
        return None
    number = str(int(match["number"]) + 1).zfill(len(match["number"]))
    follower = file.with_name(f"{match['stem']}{number}{match['suffix']}")
    return follower if follower.is_file() else None


def pattern_of(file: Path) -> str:
    """The pattern that names the series of a file, as a person writes it."""
    match = _NUMBERED.match(file.name)
    return f"`{match['stem']}*{match['suffix']}`" if match else f"`{file.stem}*{file.suffix}`"


def check_names(files: tuple[Path, ...]) -> None:
    """Check that names differ only in the number at their end, and that these numbers follow each other.

    Raises
    ------
    SourceError
        If one is missing, or the files are of several series.
    """
    for before, after in pairwise(files):
        first, second = _NUMBERED.match(before.name), _NUMBERED.match(after.name)
        if first is None or second is None or first["stem"] != second["stem"] or before.parent != after.parent:
            raise SourceError(
                f"{before.name} is followed by {after.name}; expected names that differ only in the number at their end. Are these "
                "files of several recordings or channels? Name each recording as a source of its own."
            )
        if int(second["number"]) != int(first["number"]) + 1:
            raise SourceError(
                f"{before.name} is followed by {after.name}; expected files whose numbers follow each other. Is one missing?"
            )
