"""What validating a file found, remembered while the file, and what it is judged by, are what they were.

A publish that is resumed, or that follows another, need not validate for minutes what has not changed. What is remembered stands
beside the digests in the user's cache folder, one file a file, readable by the user only: findings before waivers, so that those of
`waivers.yaml` count as they are now. An entry counts only for the same file (size, times and number in the file system), the same
videos beside it, the same place in its dandiset, and the same versions of everything that judges it.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bergmann import __version__
from bergmann.ask.cache import SETTLED, Stamp, cache_folder
from bergmann.findings import UNREADABLE, Finding
from bergmann.publish.dandiset_metadata import FILE
from bergmann.publish.paths import read_externals
from bergmann.publish.places import write_whole
from bergmann.validate import Looking
from bergmann.validate.needs import Profile

KEPT = 30 * 86_400
"""Seconds after which a file is validated again: some of what is found depends on the day, such as a session in the future."""

VALIDATED_AS = 1
"""Raised whenever validating finds other things in another way than by a check that has a version of its own."""

_JUDGES = frozenset({"pynwb", "hdmf", "nwbinspector", "dandi", "dandischema", "h5py", "numpy", "av", "jsonschema", "pydantic"})
"""What, beside extensions (``ndx-*``), has a say in what is found."""


@dataclass(frozen=True)
class Judged:
    """What a finding depends on.

    Attributes
    ----------
    by : str
        Versions of bergmann, of the tools and of the checks, and the profile.
    path : str
    inside : str
        The path below the folder of its dandiset, which has a say in how a file must be named; empty outside of one.
    stamp : Stamp
    externals : dict of str to Stamp or None
        The files that it names, by the path as written; None for one that is not there.
    """

    by: str
    path: str
    inside: str
    stamp: Stamp
    externals: dict[str, Stamp | None]


@dataclass(frozen=True)
class _Kept:
    """An entry: what was found, and when (seconds since 1970)."""

    judged: Judged
    when: float
    findings: tuple[Finding, ...]


_KEPT = TypeAdapter(_Kept)


@dataclass
class Remembered:
    """What was found in files, now or earlier; called by `validate_paths` (its `remembering`).

    Parameters
    ----------
    profile : {"draft", "archive"}
    place : Path
        Where it is remembered; by default in the user's cache folder.

    Attributes
    ----------
    earlier : dict of Path to float
        The files that were not validated again, and when they were (seconds since 1970).
    """

    profile: Profile
    place: Path = field(default_factory=cache_folder)
    earlier: dict[Path, float] = field(default_factory=dict)
    _by: str = ""

    def __call__(self, file: Path, look: Looking) -> list[Finding]:
        """What is found in a file."""
        self._by = self._by or judges(self.profile)
        began = time.time_ns()
        before = judged(file, self._by)
        kept = _load(self._entry(file))
        if before is not None and kept is not None and kept.judged == before and 0 <= time.time() - kept.when < KEPT:
            self.earlier[file] = kept.when
            return list(kept.findings)
        findings = look()
        if before is not None and _has_settled(before, began) and judged(file, self._by) == before:
            self._keep(file, _Kept(before, time.time(), tuple(findings)))
        return findings

    def notes(self, folder: Path) -> Iterator[Finding]:
        """A note for each file that was not validated again."""
        for file, when in self.earlier.items():
            moment = datetime.fromtimestamp(when, UTC).astimezone()
            yield Finding(
                severity="note",
                check="validated before",
                location=file.relative_to(folder).as_posix(),
                message=f"it has not changed since it was validated on {moment:%Y-%m-%d}, and was not validated again",
                remedy="`bergmann validate --profile archive` looks anew",
            )

    def _entry(self, file: Path) -> Path:
        return self.place / "validated" / f"{hashlib.sha256(os.fsencode(str(file.resolve()))).hexdigest()[:32]}.json"

    def _keep(self, file: Path, kept: _Kept) -> None:
        """Write an entry; a file that could not be looked at to its end is looked at again, and a full disk is no error."""
        if any(one.check in UNREADABLE for one in kept.findings):
            return
        entry = self._entry(file)
        try:
            entry.parent.parent.mkdir(parents=True, exist_ok=True)
            entry.parent.mkdir(mode=0o700, exist_ok=True)
            write_whole(entry, _KEPT.dump_json(kept).decode())
        except OSError:
            return


def judges(profile: Profile) -> str:
    """Everything that judges a file: its versions and the profile, as one line."""
    from bergmann.validate.checking import load_checks

    found = {(one.name or "").lower().replace("_", "-"): one.version for one in distributions()}
    tools = sorted(f"{name} {found[name]}" for name in found if name in _JUDGES or name.startswith("ndx-"))
    checks = hashlib.sha256(repr([(one.name, one.version, one.severity) for one in load_checks()]).encode()).hexdigest()[:16]
    return f"bergmann {__version__} {VALIDATED_AS}, {', '.join(tools)}, checks {checks}, profile {profile}"


def judged(file: Path, by: str) -> Judged | None:
    """What the findings of a file depend on; None for one that leans on files which are not looked at here."""
    import h5py

    file = file.resolve()
    dandiset = next((folder for folder in file.parents if (folder / FILE).exists()), None)
    try:
        stamp = Stamp.of(file)
        with h5py.File(file, "r") as opened:
            if opened.visititems_links(lambda _, link: True if isinstance(link, h5py.ExternalLink) else None):
                return None
        named = {one.written: _stamp(file.parent / one.written) for one in read_externals(file)}
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):  # damaged: what is wrong is found by looking
        return None
    return Judged(by, str(file), file.relative_to(dandiset).as_posix() if dandiset else "", stamp, named)


def _stamp(path: Path) -> Stamp | None:
    try:
        return Stamp.of(path) if path.is_file() else None
    except (OSError, ValueError):
        return None


def _has_settled(one: Judged, now: int) -> bool:
    """Whether nothing was changed a moment before `now` (ns since 1970), so that a second change cannot fall on the same tick."""
    stamps = [stamp for stamp in (one.stamp, *one.externals.values()) if stamp is not None]
    return all(now - max(stamp.modified, stamp.changed) >= SETTLED * 1e9 for stamp in stamps)


def _load(entry: Path) -> _Kept | None:
    try:
        return _KEPT.validate_json(entry.read_bytes())
    except (OSError, ValidationError):
        return None
