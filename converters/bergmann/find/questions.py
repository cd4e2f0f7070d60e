"""What a folder cannot tell by itself, asked as an entry that is blank as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bergmann.find.clocks import Line
from bergmann.find.fields import Choices
from bergmann.find.found import Found
from bergmann.find.relations import media_of
from bergmann.find.text import n_of, scalar
from bergmann.records import Movie
from bergmann.registry import expand

FEW_PAGES = 20
"""TIFF files of one page, numbered: fewer than this may as well be pictures as frames of a movie."""

MOST_NAMED = 20


def about_line(line: Line, choices: Choices) -> Iterator[str]:
    """Ask what the pulses of a line are."""
    what = f"{n_of(line.count, 'event')}, whose ends are not stored"
    pulses = what if line.length is None else f"{n_of(line.count, 'pulse')}, {duration_text(line.length)} each{_levels(line)}"
    yield f"{line.ref}: {pulses}. What is it? Write in place of ???"
    sites = choices.names("light_sites")
    site = sites[0] if len(sites) == 1 else f"<one of {', '.join(sites)}>" if sites else "<name of a light site>"
    threshold = f", threshold: <as {line.threshold:.2g} {line.unit}>" if line.threshold is not None else ""
    powers = choices.names("calibrations")
    power = f", calibration: {powers[0]}" if len(powers) == 1 else ""
    yield f"  light:     {{format: channel, of: {line.ref}, site: {site}{power}{threshold}}}"
    yield f"  an event:  {{format: channel, of: {line.ref}, event: <what, as noxious shock>{threshold}}}"
    yield "  neither:   take the line out; it is not asked again"


def _levels(line: Line) -> str:
    if not line.unit:
        return ""
    low, high = line.levels
    if line.threshold is not None:
        return f", {low:.3g} to {high:.3g} {line.unit}, so the threshold between on and off is to be stated"
    same = high - low < 0.02 * abs(high)
    faint = f"; {n_of(line.n_faint, 'weaker one')} perhaps, so state `threshold:`" if line.n_faint else ""
    return f", {low:.3g}{'' if same else f' to {high:.3g}'} {line.unit}{faint}"


def duration_text(seconds: float) -> str:
    """``10 ms``."""
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def about_observations(path: str, names: Sequence[str], media: Sequence[str]) -> Iterator[str]:
    """Ask which of several observations is of this session.

    Parameters
    ----------
    path : str
    names : sequence of str
        Of the observations.
    media : sequence of str
        Base names of videos of this folder that they were scored on, if any.
    """
    of = f"each of a video called {', '.join(media)}" if media else "none of a video here"
    video = ", of: <name of the video>" if media else ""
    yield f"{path}: {len(names)} observations in BORIS, {of}. Which is of this session? Write in place of ???"
    yield f"  {{format: boris, path: {scalar(path)}, observation: <name>{video}}}, or take the line out; it is not asked again"
    shown = ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
    yield f"  names: {shown}"


def about_pictures(path: str, n_files: int) -> Iterator[str]:
    """Ask whether a few numbered pictures are a movie."""
    yield f"{path}: {n_of(n_files, 'picture')}, numbered. A movie? Write in place of ???"
    yield f"  {{format: tiff, path: {scalar(path)}, plane: <name>, rate: <as 30 Hz>}}, or take the line out; it is not asked again"


def may_be_pictures(found: Found) -> bool:
    """Whether a TIFF series is a few files of which nothing says that they are a movie."""
    if found.format.key != "tiff" or not issubclass(found.format.record, Movie):
        return False
    from itertools import islice

    from bergmann.errors import SourceError
    from bergmann.imaging._runs import walk_pages

    files = expand(found.path)
    if not 1 < len(files) < FEW_PAGES:
        return False
    try:
        return all(sum(1 for _ in islice(walk_pages(file), 2)) == 1 for file in files)
    except (SourceError, OSError):
        return False


def sort_observations(found: Sequence[Found], videos: set[str]) -> tuple[list[Found], list[list[Found]]]:
    """Observations that are surely of videos here, and those of which only a person knows.

    A base name proves something only once: where a cohort's cameras all write ``face.mp4``, a project has one for each animal.

    Parameters
    ----------
    found : sequence of Found
        All observations of all BORIS files.
    videos : set of str
        Base names of the videos in the folder.

    Returns
    -------
    sure : list of Found
    open : list of list of Found
        Each of one file.
    """
    by_file: dict[Path, list[Found]] = {}
    for one in found:
        by_file.setdefault(one.path, []).append(one)
    sure: list[Found] = []
    unknown: list[list[Found]] = []
    for alike in by_file.values():
        here = {id(one): videos & set(media_of(one)) for one in alike}
        counts = Counter(name for names in here.values() for name in names)
        proven = [one for one in alike if here[id(one)] and all(counts[name] == 1 for name in here[id(one)])]
        twice = [one for one in alike if here[id(one)] and one not in proven]
        sure += proven or (alike if len(alike) == 1 else [])
        if twice or not (proven or len(alike) == 1):
            unknown.append(twice or alike)
    return sure, unknown
