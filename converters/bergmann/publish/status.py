"""A local dandiset beside the archive's: same, changed, only here, only there, and what is invalid."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.publish.afterwards import asset_findings, draft_findings, draft_status
from bergmann.publish.assets import Asset
from bergmann.publish.client import Client
from bergmann.publish.comparing import Compared
from bergmann.publish.paths import check_externals, merged, read_externals
from bergmann.validate.files import check_readable, find_nwb_files


def local_files(folder: Path) -> tuple[Asset, ...]:
    """The files of a local dandiset with their paths, without metadata: NWB files and the videos that they name.

    Raises
    ------
    SourceError
        If there is no such folder, or no NWB file in it.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: there is no such folder; name the folder of a local dandiset")
    folder = folder.resolve()
    files = {path.relative_to(folder).as_posix(): path for path in find_nwb_files([folder])}
    readable = [path for path in files.values() if not tuple(check_readable(path))]
    media = merged(check_externals(path, folder, read_externals(path))[0] for path in readable)
    named = files | media
    return tuple(Asset(named[path], path, {}, named[path].stat().st_size) for path in sorted(named))


@dataclass(frozen=True)
class Line:
    """One path.

    Attributes
    ----------
    asset_path : str
    standing : str
        ``"same"``, ``"changed"``, ``"only here"``, ``"only there"``.
    size : int
        In bytes; here, or there if it is only there.
    validity : str
        What the archive says of what it has: ``"valid"``, ``"invalid"``, ``"pending"``; empty where it has nothing.
    findings : tuple of Finding
        Why it is invalid.
    """

    asset_path: str
    standing: str
    size: int
    validity: str = ""
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The line as a JSON object."""
        return {**vars(self), "findings": [one.as_dict() for one in self.findings]}


@dataclass(frozen=True)
class Status:
    """All paths of either side, and the draft.

    Attributes
    ----------
    draft : str
        The archive's word for the draft; ``"Invalid assets"`` or ``"Pending assets"`` where it says "Valid" and an asset is not.
    lines : tuple of Line
    findings : tuple of Finding
        What the archive says of the dandiset itself.
    """

    draft: str
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        """Whether both sides are the same, and the archive finds nothing wrong."""
        return all(line.standing == "same" and line.validity == "valid" for line in self.lines)


_WORDS = {"new": "only here", "metadata": "same"}


def status_of(rows: Sequence[Compared], client: Client, dandiset_id: str, *, jobs: int = 4) -> Status:
    """What the archive says of each path that was compared, and of the draft.

    Parameters
    ----------
    rows : sequence of Compared
    client : Client
    dandiset_id : str
    jobs : int
        Assets that are asked for at once.
    """

    def line(row: Compared) -> Line:
        standing = _WORDS.get(row.standing, row.standing)
        if row.remote is None:
            return Line(row.asset_path, standing, row.size)
        said, errors = client.asset_validation(dandiset_id, row.remote.asset_id)
        if said == "Invalid" or errors:
            return Line(row.asset_path, standing, row.size, "invalid", tuple(asset_findings(row.asset_path, errors)))
        return Line(row.asset_path, standing, row.size, "valid" if said == "Valid" else "pending")

    with ThreadPoolExecutor(jobs) as pool:
        lines = tuple(pool.map(line, rows))
    draft = client.draft(dandiset_id)
    is_wrong = any(one.validity == "invalid" for one in lines)
    findings = tuple(draft_findings(draft, passed_over={one.asset_path for one in lines}))
    return Status(draft_status(draft, has_errors=is_wrong), lines, findings)
