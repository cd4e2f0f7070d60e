"""What validating a file found, remembered while the file, and what it is judged by, are what they were.

A publish that is resumed, or that follows another, need not validate for minutes what has not changed. What is remembered stands
beside the digests in the user's cache folder, one file a file, readable by the user only: findings before waivers, so that those of
`waivers.yaml` count as they are now. An entry counts only for the same file (size, times and number in the file system, or else its
SHA-256), the same videos beside it, the same place in its dandiset, and the same versions of everything that judges it.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bergmann import __version__
from bergmann.ask.cache import SETTLED, Stamp, cache_folder
from bergmann.errors import SourceError
from bergmann.findings import UNREADABLE, Finding
from bergmann.publish.dandiset_metadata import FILE
from bergmann.publish.digests import digest_of
from bergmann.publish.paths import read_externals
from bergmann.publish.places import write_whole
from bergmann.publish.placing import stamp_of
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
    externals : dict of str to (int, int, int) or None
        The files that it names, by the path as written: size, time and number; None for one that is not there.
    """

    by: str
    path: str
    inside: str
    stamp: Stamp
    externals: dict[str, tuple[int, int, int] | None]


@dataclass(frozen=True)
class _Kept:
    """An entry: what was found, and when (seconds since 1970); the file's SHA-256 once somebody has made it."""

    judged: Judged
    when: float
    findings: tuple[Finding, ...]
    sha256: str = ""


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
        kept = _load(_entry(file, self.place))
        if before is not None and kept is not None and _counts(kept, before, file, self.place):
            self.earlier[file] = kept.when
            if kept.judged != before and _has_settled(before, began):
                _keep(file, replace(kept, judged=before), self.place)
            return list(kept.findings)
        findings = look()
        if before is not None and _has_settled(before, began) and judged(file, self._by) == before:
            _keep(file, _Kept(before, time.time(), tuple(findings)), self.place)
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


def note_digest(file: Path, stamp: tuple[int, int, int], sha256: str, place: Path | None = None) -> None:
    """Add a digest to what is remembered of a file; it counts where the file's times are others, as a link to it makes them.

    Parameters
    ----------
    file : Path
    stamp : (int, int, int)
        Size, time and number of the file as the digest was made (`placing.stamp_of`).
    sha256 : str
    place : Path
        Where it is remembered; by default in the user's cache folder.
    """
    kept = _load(_entry(file, place or cache_folder()))
    if kept is not None and not kept.sha256 and _plain(kept.judged.stamp) == stamp:
        _keep(file, replace(kept, sha256=sha256), place or cache_folder())


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
        named = {one.written: _stamp_there(file.parent / one.written) for one in read_externals(file)}
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):  # damaged: what is wrong is found by looking
        return None
    return Judged(by, str(file), file.relative_to(dandiset).as_posix() if dandiset else "", stamp, named)


def _plain(stamp: Stamp) -> tuple[int, int, int]:
    return stamp.size, stamp.modified, stamp.number


def _stamp_there(path: Path) -> tuple[int, int, int] | None:
    try:
        return stamp_of(path) if path.is_file() else None
    except (OSError, ValueError):
        return None


def _counts(kept: _Kept, now: Judged, file: Path, place: Path) -> bool:
    """Whether what was found is still to be found: all is as it was, or all but the file's times, and its SHA-256 is the same."""
    if not 0 <= time.time() - kept.when < KEPT:
        return False
    if kept.judged == now:
        return True
    if not kept.sha256 or kept.judged.stamp.size != now.stamp.size or replace(kept.judged, stamp=now.stamp) != now:
        return False
    try:
        return digest_of(file, place=place).sha256 == kept.sha256
    except SourceError:  # it changes in this moment, or cannot be read: looking finds it
        return False


def _has_settled(one: Judged, now: int) -> bool:
    """Whether nothing was changed a moment before `now` (ns since 1970), so that a second change cannot fall on the same tick."""
    times = [one.stamp.modified, one.stamp.changed, *(stamp[1] for stamp in one.externals.values() if stamp is not None)]
    return now - max(times) >= SETTLED * 1e9


def _entry(file: Path, place: Path) -> Path:
    return place / "validated" / f"{hashlib.sha256(os.fsencode(str(file.resolve()))).hexdigest()[:32]}.json"


def _keep(file: Path, kept: _Kept, place: Path) -> None:
    """Write an entry; a file that could not be looked at to its end is looked at again, and a full disk is no error."""
    if any(one.check in UNREADABLE for one in kept.findings):
        return
    entry = _entry(file, place)
    try:
        entry.parent.parent.mkdir(parents=True, exist_ok=True)
        entry.parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(entry, _KEPT.dump_json(kept).decode())
    except OSError:
        return


def _load(entry: Path) -> _Kept | None:
    try:
        return _KEPT.validate_json(entry.read_bytes())
    except (OSError, ValidationError):
        return None
