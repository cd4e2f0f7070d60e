"""Video files that one camera wrote one after the other, as one source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from itertools import chain, pairwise
from pathlib import Path

from bergmann.find.found import Found
from bergmann.find.headers import Header
from bergmann.find.text import n_of
from bergmann.records import Video
from bergmann.registry import natural_order, pattern_for


def join_videos(videos: list[Header], counts: Set[int]) -> Iterator[tuple[Header, str]]:
    """Join the parts of a video.

    Files that differ only in the number at their end are parts of one video if all their frames together are exactly as many as the
    pulses of a recorded line, and those of no part are; or if all but the last are equally long and the last is shorter.

    Parameters
    ----------
    videos : list of Header
        Each of one file.
    counts : set of int
        How many pulses the recorded lines have.

    Yields
    ------
    header : Header
    remark : str
        Why the files were joined, or that they were not; empty for a file alone.
    """
    by_path = {header.found.named[0]: header for header in videos}
    for group in numbered_together(list(by_path)):
        parts = [by_path[path] for path in group]
        why = _one_video(parts, counts)
        joined = _joined(parts) if why else None
        if joined is not None:
            yield joined, why
            continue
        remark = "numbered like parts of one video; if they follow each other without a gap, make them one source with a pattern"
        yield from ((part, remark if len(parts) > 1 else "") for part in parts)


def _one_video(parts: list[Header], counts: Set[int]) -> str:
    """Why these are parts of one video; empty if nothing says so."""
    ticks = [part.ticks for part in parts if part.ticks is not None]
    if len(parts) < 2 or len(ticks) < len(parts) or len({_size(part) for part in parts}) > 1:
        return ""
    if sum(ticks) in counts and not counts & set(ticks):
        return f"{len(parts)} files, together as many frames as a recorded line has pulses ({sum(ticks):,})"
    if len(ticks) > 2 and len(set(ticks[:-1])) == 1 and ticks[-1] < ticks[0]:
        return f"{len(parts)} files of {n_of(ticks[0], 'frame')} each and a shorter last one, taken to follow each other"
    return ""


def _size(part: Header) -> tuple[int, int] | None:
    return part.record.size if isinstance(part.record, Video) else None


def _joined(parts: list[Header]) -> Header | None:
    first = parts[0].found
    files = tuple(part.found.named[0] for part in parts)
    stem = re.sub(r"\d+$", "", files[0].stem)
    pattern = pattern_for(files, stem, files[0].suffix)
    if pattern is None:
        return None
    found = Found(first.format, first.source.model_copy(update={"path": pattern}), files)
    records = [part.record for part in parts]
    record = found.format.read(found.source, {}) if all(records) else None
    return Header(found, record, ticks=sum(part.ticks or 0 for part in parts), rate=parts[0].rate)


def numbered_together(paths: list[Path]) -> Iterator[list[Path]]:
    """Files of one folder that differ only in the number at their end and follow each other, together; others alone."""
    groups: dict[tuple[Path, str, str], list[tuple[int, Path]]] = {}
    for path in sorted(paths, key=natural_order):
        match = re.fullmatch(r"(.*?)(\d+)", path.stem)
        key = (path.parent, match[1], path.suffix) if match else (path, "", "")
        groups.setdefault(key, []).append((int(match[2]) if match else 0, path))
    for numbered in groups.values():
        follows = all(second == first + 1 for (first, _), (second, _) in pairwise(numbered))
        files = [path for _, path in numbered]
        yield from [files] if follows else ([path] for path in chain(files))
