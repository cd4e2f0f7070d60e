"""Files that no source is of, as comments with their size."""

from __future__ import annotations

import csv
from codecs import getincrementaldecoder
from collections.abc import Iterator
from pathlib import Path

from bergmann.disk import only_in_cloud
from bergmann.find.headers import size_text
from bergmann.find.text import comment, n_of
from bergmann.find.unlike import unlike_its_name

MOST_LISTED = 12
"""Files of one suffix in one folder that are listed singly."""

_TABLES = frozenset({".csv", ".tsv", ".txt"})
_HEAD = 8192
_MOST_OPENED = 50


def unclaimed_lines(folder: Path, files: list[Path]) -> Iterator[str]:
    """One comment a file; one for many of a kind.

    Parameters
    ----------
    folder : Path
    files : list of Path
    """
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in files:
        groups.setdefault((path.parent, path.suffix.lower()), []).append(path)
    opened = 0
    for (parent, suffix), alike in groups.items():
        if len(alike) > MOST_LISTED:
            total = size_text(sum(_size(path) for path in alike))
            where = (parent.relative_to(folder) / f"*{suffix}").as_posix()
            yield comment(f"  {where}  {n_of(len(alike), 'file')}, {total}")
            continue
        for path in alike:
            opened += 1
            said = _said(path) if opened <= _MOST_OPENED else ""
            yield comment(f"  {path.relative_to(folder).as_posix()}  {size_text(_size(path))}{said}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _said(path: Path) -> str:
    """What its first bytes say of a file; one that is only in the cloud is not opened."""
    if only_in_cloud([path]):
        return "  only in the cloud, not on this disk"
    wrong = unlike_its_name(path)
    return f"  {wrong}" if wrong else _columns(path)


def _columns(path: Path) -> str:
    """The columns of a table, which may be of intervals, an assay, or light."""
    if path.suffix.lower() not in _TABLES:
        return ""
    try:
        with path.open("rb") as file:
            lines = getincrementaldecoder("utf-8-sig")().decode(file.read(_HEAD)).splitlines()  # the last letter may be cut
    except (OSError, UnicodeDecodeError):
        return ""
    if not lines or not lines[0]:
        return ""
    cells, *below = csv.reader(lines[:2], delimiter="\t" if "\t" in lines[0] else ",")
    if not 1 < len(cells) <= 30 or not all(any(sign.isalpha() for sign in cell) for cell in cells):
        return ""
    if len(lines) > 2 and below and len(below[0]) != len(cells):  # a text with commas in it
        return ""
    return f"  a table with the columns {', '.join(cell.strip() for cell in cells)}: `format: intervals`, `assay` or `pulse_table`?"
