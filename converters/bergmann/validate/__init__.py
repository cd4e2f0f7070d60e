"""Whether a file is one that DANDI takes: pynwb, the NWB Inspector and dandi with one voice, and subjects across sessions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bergmann.errors import SourceError
from bergmann.findings import SEVERITIES, Finding
from bergmann.validate.files import check_readable, find_nwb_files

__all__ = ["validate_paths"]


def validate_paths(paths: Iterable[Path]) -> tuple[Finding, ...]:
    """Validate NWB files, or every NWB file below folders, whoever wrote them.

    Parameters
    ----------
    paths : iterable of Path
        Files and folders.

    Returns
    -------
    tuple of Finding
        What pynwb, the NWB Inspector (DANDI profile) and dandi found, by file and severity, each thing once; then subjects that
        differ between their sessions. A file that cannot be opened is an error with the check ``"unreadable"``.

    Raises
    ------
    SourceError
        If a path does not exist, there is no NWB file below any, or none of them can be opened.
    """
    from bergmann.validate.quiet import quietly

    named = tuple(paths)
    files = find_nwb_files(named)
    unreadable = {file: found for file in files if (found := tuple(check_readable(file)))}
    if len(unreadable) == len(files):
        raise SourceError("\n".join(f"{finding.location}: {finding.message}" for found in unreadable.values() for finding in found))
    findings: list[Finding] = []
    with quietly():
        from bergmann.validate.subjects import check_subjects
        from bergmann.validate.tools import check_neighbours, check_with_tools

        for file in files:
            findings += unreadable.get(file) or _by_severity(check_with_tools(file))
        for folder in named:
            if folder.is_dir():
                findings += check_neighbours(folder)
        findings += check_subjects(file for file in files if file not in unreadable)
    return tuple(dict.fromkeys(findings))


def _by_severity(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
