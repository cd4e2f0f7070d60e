"""Where a file may be in a dandiset: letters, names, and what the videos that a file names are called.

The rules of letters are the archive's (dandi-archive, ``dandiapi/api/models/asset.py``: ``ASSET_CHARS_REGEX``,
``ASSET_PATH_REGEX`` and a field of 512 characters).
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from bergmann.disk import folded
from bergmann.findings import Finding

CHECK = "archive path"
LONGEST = 512
"""Characters of a path in the archive."""

_LETTER = re.compile(r"[A-Za-z0-9(),& #+~_=-]")
"""Less than the archive takes: of what its ``A-z`` and ``\\s`` let through, not ``[\\]^`` and the backtick, tabs and line ends."""

_SESSION = re.compile(r"_ses-[^_.]+")
_WINDOWS = re.compile(r"[A-Za-z]:")


def check_paths(paths: Iterable[str]) -> Iterator[Finding]:
    """Check where files would be in a dandiset, each for itself and all against each other.

    Parameters
    ----------
    paths : iterable of str
        Relative to the dandiset, parts joined by ``/``.

    Yields
    ------
    Finding
        An error for each path that the archive refuses, with one that it takes; for an NWB file whose name does not tell its
        session; and for paths that are one where capital and small letters are not told apart, or a file and a folder at once.
    """
    listed = sorted(paths)
    for path in listed:
        yield from _check_letters(path)
        yield from _check_session(path)
    yield from _check_clashes(listed)


def taken_path(path: str) -> str:
    """The path as the archive takes it: letters without their accents, ``-`` for what it refuses."""
    return "/".join(_taken_name(part) for part in path.split("/") if part.strip(". "))


def _taken_name(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name)
    letters = (one for one in plain if not unicodedata.combining(one))
    written = "".join(one if one == "." or _LETTER.match(one) else "-" for one in letters)
    return re.sub(r"\.{2,}", ".", written).strip(" ").rstrip(".")


def _error(path: str, message: str, remedy: str) -> Finding:
    return Finding(severity="error", check=CHECK, location=path, message=message, remedy=remedy)


def _check_letters(path: str) -> Iterator[Finding]:
    if refused := sorted({letter for letter in path if letter not in "./" and not _LETTER.match(letter)}):
        shown = " ".join(unicodedata.normalize("NFC", letter) for letter in refused)
        message = f"the archive takes no path with {shown}: only letters without accents, digits, spaces and (),&#+~_=-./"
        yield _error(path, message, f"rename it to {taken_path(path)}")
    elif path != taken_path(path):
        message = "the archive takes no path that begins or ends with a space, ends with a dot, or has two dots or slashes in a row"
        yield _error(path, message, f"rename it to {taken_path(path)}")
    if len(path) > LONGEST:
        yield _error(path, f"it has {len(path)} characters, and the archive takes up to {LONGEST}", "give it a shorter name")


def _check_session(path: str) -> Iterator[Finding]:
    name = PurePosixPath(path).name
    if name.lower().endswith(".nwb") and not _SESSION.search(name):
        subject, _, rest = name.partition("_")
        stem = subject.removesuffix(".nwb").removesuffix(".NWB")
        better = PurePosixPath(path).with_name(f"{stem}_ses-<session>{'_' + rest if rest else '.nwb'}")
        message = "its name does not tell the session, so a second session of this subject would have the same"
        yield _error(path, message, f"rename it to {better}")


def _check_clashes(paths: Iterable[str]) -> Iterator[Finding]:
    """Check that no two paths are one, and none is the folder of another, where disks do not tell letters apart."""
    files: dict[str, list[str]] = defaultdict(list)
    folders: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        files[folded(path)].append(path)
        for parent in PurePosixPath(path).parents:
            if parent.name:
                folders[folded(str(parent))].add(str(parent))
    for same in (*files.values(), *(sorted(one) for one in folders.values())):
        if len(same) > 1:
            message = f"{' and '.join(same)} differ only in capital and small letters, so on Windows and macOS they are one"
            yield _error(same[-1], message, "write the name of subject and session alike in all files")
    for key in files.keys() & folders.keys():
        yield _error(files[key][0], "it would be a file and a folder of the dandiset at once", "rename one of them")


# --- files that an NWB file names -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class External:
    """A file that an NWB file names instead of holding it.

    Attributes
    ----------
    holder : str
        The object that names it, by its path in the NWB file.
    written : str
        The path as written there.
    """

    holder: str
    written: str


def read_externals(path: Path) -> tuple[External, ...]:
    """The files that an NWB file names: videos of image series, and external images.

    Parameters
    ----------
    path : Path
        A readable NWB file.
    """
    import h5py

    found: list[External] = []

    def note(name: str, item: object) -> None:
        if not isinstance(item, h5py.Group):
            if isinstance(item, h5py.Dataset) and item.attrs.get("neurodata_type") == "ExternalImage":
                found.append(External(name, _text(item[()])))
            return
        files = item.get("external_file")
        if isinstance(files, h5py.Dataset):
            found.extend(External(name, _text(one)) for one in files[()].ravel())

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return tuple(found)


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def check_externals(path: Path, folder: Path, externals: Iterable[External]) -> tuple[dict[str, Path], tuple[Finding, ...]]:
    """Find the files that an NWB file names.

    Parameters
    ----------
    path : Path
        The NWB file, below `folder`.
    folder : Path
        The dandiset.
    externals : iterable of External

    Returns
    -------
    dict of str to Path
        The files that are where the NWB file says, by their path in the dandiset.
    tuple of Finding
        An error for each name that is not a relative path with ``/``, leads out of the dandiset, leads nowhere, or is written in
        other letters than the file, which only some disks forgive.
    """
    from dandi.consts import IMAGE_FILE_EXTENSIONS, VIDEO_FILE_EXTENSIONS

    known = (*VIDEO_FILE_EXTENSIONS, *IMAGE_FILE_EXTENSIONS)
    found: dict[str, Path] = {}
    findings: list[Finding] = []
    for one in externals:
        place = f"{path.relative_to(folder).as_posix()}:/{one.holder}"
        wrong = _why_not_relative(one.written)
        inside = None if wrong else _joined(path.parent.relative_to(folder), one.written)
        if wrong or inside is None:
            message = wrong or f"`{one.written}` leads out of the dandiset, so it cannot travel with the file"
            findings.append(_external(place, message, "convert the session again, which puts the video beside the file"))
        elif (trouble := _why_not_there(folder, inside, one.written)) is not None:
            findings.append(_external(place, *trouble))
        elif PurePosixPath(inside).suffix.lower() not in known:
            message = f"`{one.written}` is of a kind that DANDI does not know; it takes {', '.join(known)}"
            findings.append(_external(place, message, "convert the video (losslessly)"))
        else:
            found[inside] = folder / inside
    return found, tuple(findings)


def _external(place: str, message: str, remedy: str) -> Finding:
    return Finding(severity="error", check="external file", location=place, message=message, remedy=remedy)


def _why_not_relative(written: str) -> str:
    if _WINDOWS.match(written) or written.startswith(("/", "\\")):
        return f"`{written}` is a path of one computer, and nobody else has it"
    if urlsplit(written).scheme:
        return f"`{written}` is an address, and what is there does not travel with the file"
    if "\\" in written:
        return f"`{written}` has `\\` between folders, which only Windows understands"
    return "" if written.strip() else "the name is empty"


def _joined(parent: Path, written: str) -> str | None:
    """The path in the dandiset; None where it leads out of it."""
    parts = list(parent.parts)
    for part in written.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _why_not_there(folder: Path, inside: str, written: str) -> tuple[str, str] | None:
    """What is wrong with a path below a folder, and what to do; None for a file that is there and not empty."""
    here = folder
    for part in inside.split("/"):
        names = _names(here)
        if part not in names:
            same = next((one for one in names if folded(one) == folded(part)), None)
            if same is None:
                return f"`{written}` is not there", "put the video where the NWB file says, or convert the session again"
            return f"`{written}` is written `{same}` on the disk, so not every computer finds it", f"rename `{same}` to `{part}`"
        here = here / part
    if not here.is_file():
        return f"`{written}` is a folder, not a file", "convert the session again"
    if not here.stat().st_size:
        return f"`{written}` is empty, and DANDI takes no file without bytes", "convert the session again"
    return None


def _names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(one.name for one in folder.iterdir())
    except OSError:  # a file where a folder is named
        return frozenset()


def merged(found: Iterable[Mapping[str, Path]]) -> dict[str, Path]:
    """Files by their path in the dandiset, of several NWB files: two may name the same video."""
    return {name: path for one in found for name, path in one.items()}
