"""What disks and operating systems do to files, said so that a person can mend it.

What differs between Windows, macOS and Linux is asked here: files that only the cloud has, files that another program holds, paths
that are too long, what systems and editors leave in folders, and names that are one to some disks and two to others.
"""

from __future__ import annotations

import os
import stat
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bergmann.errors import SourceError, WriteError

WINDOWS = os.name == "nt"

_OF_SYSTEMS = frozenset({"desktop.ini", "thumbs.db", ".ds_store", "icon\r"})

_ONLY_IN_CLOUD = 0x1000 | 0x40000 | 0x400000
"""Windows' FILE_ATTRIBUTE_OFFLINE, RECALL_ON_OPEN and RECALL_ON_DATA_ACCESS (Microsoft, *File Attribute Constants*)."""

_DATALESS = 0x40000000
"""macOS's SF_DATALESS (``sys/stat.h``): the name is here, the bytes are not."""

_CLOUDS = ("onedrive", "dropbox", "google drive", "googledrive", "icloud", "cloudstorage", "mobile documents", "nextcloud")

LONGEST = 259
"""Characters of a path that Windows opens where long paths are not switched on (Microsoft, *Maximum Path Length Limitation*)."""

_FETCH = "let the cloud program fetch it (`Always keep on this device`, `Download now`), then run this again"

_PAUSES = (0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts to replace a file; a virus scanner or a search index lets go within them."""


# --- what is no file of the rig ---------------------------------------------------------------------------------------


def is_litter(name: str) -> bool:
    """Whether a file is one that systems and programs leave beside others: ``Thumbs.db``, ``._movie.tif``, ``~$table.xlsx``."""
    return name.lower() in _OF_SYSTEMS or name.startswith(("._", "~$", ".~lock."))


def stubs(folder: Path) -> Iterator[Path]:
    """The files of a folder that are only in iCloud, by the names that they will have: ``.a.tif.icloud`` stands for ``a.tif``."""
    for path in sorted(folder.glob(".*.icloud")) if folder.is_dir() else ():
        yield path.with_name(path.name[1:].removesuffix(".icloud"))


def is_only_in_cloud(status: os.stat_result) -> bool:
    """Whether a system marks a file as one whose bytes are not on this disk."""
    attributes, flags = getattr(status, "st_file_attributes", 0), getattr(status, "st_flags", 0)
    return bool(attributes & _ONLY_IN_CLOUD or flags & _DATALESS)


def only_in_cloud(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those of the files whose bytes are not on this disk, or are none in a folder of a cloud.

    A file is asked only where a system marks such files, or in a cloud's folder.
    """
    asked = ((path, _status(path)) for path in paths if _MARKED or _cloud_of(path))
    return tuple(path for path, status in asked if status is not None and why_away(path, status))


def _status(path: Path) -> os.stat_result | None:
    """What the system says of a file; nothing of a link that leads nowhere."""
    try:
        return path.stat()
    except OSError:
        return None


_MARKED = bool({"st_file_attributes", "st_flags"} & set(dir(os.stat_result)))


def _cloud_of(path: Path) -> str:
    """The folder of a cloud that a file lies in, by its usual name; empty if it lies in none."""
    return next((part for part in path.absolute().parts[:-1] if part.lower().startswith(_CLOUDS)), "")


def why_away(path: Path, status: os.stat_result) -> str:
    """What to do about a file whose bytes are not on this disk; empty if they are."""
    if is_only_in_cloud(status):
        return f"this file is in the cloud and not on this disk; {_FETCH}"
    cloud = _cloud_of(path)
    if status.st_size or not cloud:
        return ""
    return f"this file has no bytes, and lies in {cloud}: it may not be on this disk; {_FETCH}. Is it empty there, too?"


# --- reading ----------------------------------------------------------------------------------------------------------


def refuse_unreachable(paths: Iterable[Path]) -> None:
    """Refuse files that cannot be read now, before a reader says it in its own words.

    Parameters
    ----------
    paths : iterable of Path
        Files, and folders whose files are meant.

    Raises
    ------
    SourceError
        If one is only in the cloud; or if the first or the last is held by another program, or may not be read.
    """
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path]) if file.is_file()]
    for file in only_in_cloud(files):
        raise SourceError(f"{file.name}: {why_away(file, file.stat())}")
    for file in dict.fromkeys((*files[:1], *files[-1:])):
        try:
            with file.open("rb"):
                pass
        except OSError as error:
            raise SourceError(f"{file.name}: {why_closed(error)}") from error


def why_closed(error: OSError) -> str:
    """Why a file could not be opened, and what to do.

    Parameters
    ----------
    error : OSError
        On Windows the C library gives number 13 both for a file that another program holds and for one that may not be read.
    """
    if getattr(error, "winerror", None) in {32, 33} or (WINDOWS and isinstance(error, PermissionError)):
        return (
            "another program has it open, or you may not read it; close it there (a table in Excel, a recording in the program "
            "that makes it) and run this again"
        )
    if isinstance(error, PermissionError):
        return "you may not read it; ask whoever manages this computer, or copy it to a folder of yours"
    return f"it cannot be opened ({error.strerror or type(error).__name__})"


# --- writing ----------------------------------------------------------------------------------------------------------


def replace_when_free(temporary: Path, target: Path, pause: Callable[[float], None] = time.sleep) -> None:
    """Give a finished file its name, on Windows as soon as nobody has the older one open.

    Raises
    ------
    WriteError
        If somebody still has it open after a second and a half, or it is marked read-only; the older file is as it was.
    """
    for seconds in (*_PAUSES, None):
        try:
            temporary.replace(target)
        except PermissionError as error:
            if not (WINDOWS and target.exists()):
                raise
            if seconds is None:
                raise WriteError(
                    f"{target.name}: cannot be replaced: another program has it open (a viewer, MATLAB, a notebook, a cloud "
                    "program), or it is marked read-only; close it there and convert again. The older file is as it was"
                ) from error
            pause(seconds)
        else:
            return


def remove_older(path: Path) -> None:
    """Remove a file whose successor is in place.

    Raises
    ------
    WriteError
        If another program has it open.
    """
    try:
        path.unlink(missing_ok=True)
    except PermissionError as error:
        raise WriteError(
            f"{path.name}: the new file of this session is in place, and this older one cannot be removed: another program has it "
            "open, or it is marked read-only; close it there and delete it by hand"
        ) from error


def may_be_linked(status: os.stat_result) -> bool:
    """Whether a hard link to a file can be removed again: Windows removes none that is marked read-only, and a link shares it."""
    return not WINDOWS or bool(status.st_mode & stat.S_IWRITE)


# --- names ------------------------------------------------------------------------------------------------------------


def folded(name: str) -> str:
    """A name as disks compare it to which capital and small letters are one, and so are both ways to write a Hangul syllable."""
    return unicodedata.normalize("NFC", name).casefold()


def same_letters(path: Path) -> Path | None:
    """A file whose name is written with the same letters in another form: Hangul in pieces, as macOS had it, or in syllables.

    Returns
    -------
    Path or None
        None if there is none, or the folder itself is not there.
    """
    if path.exists():
        return path
    parent = path.parent if path.parent.is_dir() else same_letters(path.parent) if path.parent != path else None
    if parent is None:
        return None
    wanted = unicodedata.normalize("NFC", path.name)
    try:
        return next((one for one in parent.iterdir() if unicodedata.normalize("NFC", one.name) == wanted), None)
    except OSError:  # a folder that may not be looked into: the name as it stands is what can be tried
        return None


def longest_path() -> int | None:
    """Characters that a path may have here; None where there is no limit that rigs reach."""
    if sys.platform == "win32":
        import ctypes

        ask = getattr(ctypes.WinDLL("ntdll"), "RtlAreLongPathsEnabled", None)
        return None if ask is not None and ask() & 0xFF else LONGEST
    return None


def too_long(n_characters: int) -> str:
    """What to do about a path of so many characters; empty if it can be opened."""
    limit = longest_path()
    if limit is None or n_characters <= limit:
        return ""
    return (
        f"the path has {n_characters} characters, and this Windows opens up to {limit}; move the folder nearer to the drive's "
        "root, or have long paths switched on (the setting LongPathsEnabled)"
    )


def is_running(process: int) -> bool:
    """Whether a process of that number runs on this machine; on Windows never.

    There, signal 0 would end the process; that a file which is open cannot be removed is test enough.
    """
    if os.name == "nt":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
