"""Whether a file is one that DANDI takes: pynwb, the NWB Inspector and dandi with one voice, and subjects across sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bergmann.errors import SourceError
from bergmann.findings import SEVERITIES, Finding
from bergmann.validate.files import check_readable, check_survived, find_nwb_files

if TYPE_CHECKING:
    from bergmann.validate.needs import Profile

__all__ = ["validate_paths", "validate_together"]


Looking = Callable[[], list[Finding]]
Remembering = Callable[[Path, Looking], list[Finding]]
"""Gives what is found in a file: by looking, or what an earlier look found."""


def _look_anew(file: Path, look: Looking) -> list[Finding]:  # noqa: ARG001 - whose file it is matters to who remembers
    return look()


def validate_paths(
    paths: Iterable[Path],
    waivers: Path | None = None,
    profile: Profile = "draft",
    *,
    apart: bool = False,
    remembering: Remembering = _look_anew,
) -> tuple[Finding, ...]:
    """Validate NWB files, or every NWB file below folders, whoever wrote them.

    Parameters
    ----------
    paths : iterable of Path
        Files and folders.
    waivers : Path, optional
        What a person accepts (see `bergmann.validate.waivers`); else the ``waivers.yaml`` beside the study, if there is one.
    profile : {"draft", "archive"}
        Whether what an archive needs must be known, too (see `bergmann.validate.needs`).
    apart : bool
        Whether each file is first gone through in a process of its own: a damaged file can make HDF5 crash or hang.
    remembering : callable
        Asked for what is found in each readable file by itself, before waivers; by default by looking.

    Returns
    -------
    tuple of Finding
        What pynwb, the NWB Inspector (DANDI profile) and dandi found, by file and severity, each thing once; then subjects that
        differ between their sessions. A file that cannot be opened is an error with the check ``"unreadable"``. What is waived is a
        note.

    Raises
    ------
    SourceError
        If a path does not exist, there is no NWB file below any, or none of them can be opened.
    SessionError
        If the waivers cannot be read.
    """
    from bergmann.validate.needs import CHECK
    from bergmann.validate.quiet import quietly
    from bergmann.validate.waivers import apply_waivers, find_waivers, load_waivers
    from bergmann.writing.specifications import parsed_once

    named = tuple(paths)
    files = find_nwb_files(named)
    accepted = load_waivers(place) if (place := waivers or find_waivers(named)) else ()
    unreadable = {file: found for file in files if (found := tuple(check_readable(file)))}
    if len(unreadable) == len(files):
        raise SourceError("\n".join(f"{finding.location}: {finding.message}" for found in unreadable.values() for finding in found))
    if apart:
        unreadable |= {file: found for file in files if file not in unreadable and (found := tuple(check_survived(file)))}
    findings: list[Finding] = []
    with quietly(), parsed_once():
        for file in files:
            findings += unreadable.get(file) or remembering(file, partial(_look_at, file, profile))
        findings += _check_together(named, [file for file in files if file not in unreadable])
    unasked = () if profile == "archive" else (CHECK,)
    return tuple(apply_waivers(dict.fromkeys(findings), accepted, files, unasked=unasked))


def validate_together(folder: Path) -> tuple[Finding, ...]:
    """Check what is only seen over all files of a folder, each of which has been validated by itself.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    tuple of Finding
        Subjects that differ between their sessions, and what dandi says of the videos.
    """
    from bergmann.validate.quiet import quietly

    with quietly():
        return tuple(dict.fromkeys(_check_together([folder], find_nwb_files([folder]))))


def _check_together(named: Iterable[Path], files: Iterable[Path]) -> Iterator[Finding]:
    from bergmann.validate.subjects import check_subjects
    from bergmann.validate.tools import check_neighbours

    for folder in named:
        if folder.is_dir():
            yield from check_neighbours(folder)
    yield from check_subjects(files)


def _look_at(file: Path, profile: Profile) -> list[Finding]:
    """What is found in one readable file, the gravest first."""
    from bergmann.validate.needs import check_file
    from bergmann.validate.tools import check_with_tools

    looks = [check_with_tools, check_file] if profile == "archive" else [check_with_tools]
    return _by_severity(one for look in looks for one in _until_damage(file, look))


def _until_damage(file: Path, look: Callable[[Path], Iterable[Finding]]) -> Iterator[Finding]:
    """What is found in a file; where looking at it fails, that, and what was found before."""
    try:
        yield from look(file)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, UnicodeError) as error:
        said = str(error).strip().splitlines() or ["no message"]
        message = f"it could not be looked at to its end ({type(error).__name__}: {said[-1]})"
        remedy = (
            "it is damaged, most likely: convert or download it again. If `bergmann verify` finds it whole, please report this line"
        )
        yield Finding(severity="error", check="unreadable", location=file.name, message=message, remedy=remedy)


def _by_severity(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
