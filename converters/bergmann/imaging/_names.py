"""Names of files that belong together: the same but for the number at their end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bergmann.registry import natural_order

_NUMBERED = re.compile(r"^(?P<stem>.*?)(?P<number>\d+)$")
_SUFFIXES = frozenset({".tif", ".tiff", ".btf", ".tf8"})


def series_in(folder: Path) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """The TIFF files of a folder and the folders below it, those that differ only in their last number together.

    Yields
    ------
    pattern : Path
        The file, or a pattern for all of them.
    files : tuple of Path
        In natural order.
    """
    groups: dict[tuple[Path, str, str], list[Path]] = {}
    for file in sorted(folder.rglob("*"), key=natural_order):
        if file.suffix.lower() in _SUFFIXES and file.is_file():
            match = _NUMBERED.match(file.stem)
            key = (file.parent, match["stem"] if match else file.stem, file.suffix if match else file.name)
            groups.setdefault(key, []).append(file)
    for (parent, stem, suffix), files in groups.items():
        yield (files[0] if len(files) == 1 else parent / f"{stem}*{suffix}"), tuple(files)


def number_of(file: Path) -> int | None:
    """The number at the end of a file's name; None if there is none."""
    match = _NUMBERED.match(file.stem)
    return int(match["number"]) if match else None


def next_of_series(file: Path) -> Path | None:
    """The file with the next number, if it is there."""
    match = _NUMBERED.match(file.stem)
    if match is None:
        return None
    number = str(int(match["number"]) + 1).zfill(len(match["number"]))
    follower = file.with_name(f"{match['stem']}{number}{file.suffix}")
    return follower if follower.is_file() else None
