"""How many pages a large TIFF has, from the spacing of a few of them."""

from __future__ import annotations

from itertools import islice, pairwise
from pathlib import Path

from bergmann.errors import SourceError
from bergmann.imaging._pages import Directory, read_layout
from bergmann.imaging._runs import walk_pages

_FIRST = 12
"""Pages whose spacing is looked at; the first one may be followed by what the others do not have."""

_PROBES = (0.25, 0.5, 0.75)


def count_even_pages(path: Path) -> int | None:
    """The pages of a TIFF whose pages follow each other at equal distances, as an instrument writes them.

    Parameters
    ----------
    path : Path

    Returns
    -------
    int or None
        None if the first pages are not evenly spaced, or no directory that ends the chain stands where the last one must. No more
        than twenty places of the file are read.
    """
    try:
        first = [page.directory for page in islice(walk_pages(path), _FIRST)]
        if len(first) < _FIRST:
            return len(first)
        step = first[2] - first[1]
        if step <= 0 or any(second - one != step for one, second in pairwise(first[1:])):
            return None
        last = (path.stat().st_size - 1 - first[1]) // step
        places = {round(share * last): False for share in _PROBES} | {last: True}
        with path.open("rb", buffering=8192) as file:
            layout, _ = read_layout(file, path.name)
            for number, is_last in places.items():
                at = first[1] + number * step
                if Directory(file, layout, at).next != (0 if is_last else at + step):
                    return None
    except (SourceError, OSError):
        return None
    return int(last) + 2
