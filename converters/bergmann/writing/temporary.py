"""Temporary files beside the target: named so that nothing picks them up, and cleared away when their run is dead."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from bergmann.disk import is_running

_SUFFIX = ".nwb.part"
_FOREIGN_AGE = 24 * 3600
"""Seconds without a change after which a temporary of another machine counts as dead."""

_mine: set[Path] = set()
"""The temporaries of this process that are in use."""


def _machine() -> str:
    """A short mark of this machine that does not tell its name."""
    return blake2b(str(uuid.getnode()).encode(), digest_size=4).hexdigest()


def temporary_path(dandiset: Path, stem: str) -> Path:
    """A new name for the temporary file of a session, ``.<stem>.<machine>-<process>-<number>.nwb.part``; release it when done."""
    path = dandiset / f".{stem}.{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:6]}{_SUFFIX}"
    _mine.add(path)
    return path


def release(path: Path) -> None:
    """Remove a temporary and its folder of videos, if they are still there."""
    _remove(path)
    _mine.discard(path)


def videos_folder(temporary: Path) -> Path:
    """The folder where the videos of a temporary wait."""
    return temporary.with_name(f"{temporary.name}.videos")


@contextmanager
def as_nwb_file(temporary: Path) -> Iterator[Path]:
    """Let a temporary be looked at by tools that go by the end of a name: it is called ``.<...>.nwb.part.nwb`` meanwhile."""
    named = _as_nwb(temporary)
    temporary.replace(named)
    try:
        yield named
    finally:
        named.replace(temporary)


def _as_nwb(temporary: Path) -> Path:
    return temporary.with_name(f"{temporary.name}.nwb")


def clear_leftovers(dandiset: Path, stem: str) -> None:
    """Remove the temporaries that dead runs of the same session left."""
    for path in dandiset.glob(f".*{_SUFFIX}*"):
        temporary = path.with_name(path.name.removesuffix(".videos").removesuffix(".nwb"))
        name, _, mark = temporary.name.removesuffix(_SUFFIX).rpartition(".")
        if name == f".{stem}" and temporary not in _mine and _is_dead(path, mark):
            _remove(temporary)


def _remove(temporary: Path) -> None:
    folder = videos_folder(temporary)
    try:
        temporary.unlink(missing_ok=True)
        _as_nwb(temporary).unlink(missing_ok=True)
        if folder.is_dir():
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
    except OSError:  # still open somewhere (Windows), or a read-only folder: the next run of this session tries again
        return


def _is_dead(path: Path, mark: str) -> bool:
    machine, _, rest = mark.partition("-")
    process = rest.partition("-")[0]
    if machine == _machine() and process.isdigit():
        return int(process) == os.getpid() or not is_running(int(process))
    try:
        return time.time() - path.stat().st_mtime > _FOREIGN_AGE
    except OSError:
        return False
