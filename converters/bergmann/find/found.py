"""The sources in a folder: what each format finds, each file in one source only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bergmann.errors import SourceError
from bergmann.find.listing import Listing
from bergmann.registry import Format, Source, expand, natural_order

GENERIC = ("tiff", "video")
"""Formats that take files of many instruments; where another format claims a file too, it is that one's."""


_OF_A_BLOCK = frozenset({".tev", ".tbk", ".tdx", ".tin", ".tnt"})
"""Files that stand beside the index of a block of a TDT tank."""


@dataclass(frozen=True)
class Found:
    """A source that a format found in a folder.

    Attributes
    ----------
    format : Format
    source : Source
    files : tuple of Path
        Every file that is of it, also those that stand beside what its path names.
    also : tuple of str
        Other formats that take its files for theirs.
    """

    format: Format
    source: Source
    files: tuple[Path, ...]
    also: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """As the format gave it; perhaps a pattern."""
        path: Path = self.source.path  # type: ignore[attr-defined]
        return path

    @property
    def named(self) -> tuple[Path, ...]:
        """The files or the folder that its path names."""
        return expand(self.path)

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(path.stat().st_size for path in self.files if path.is_file())


def find_sources(listing: Listing, formats: Iterable[Format]) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """What the formats find in a folder.

    Parameters
    ----------
    listing : Listing
    formats : iterable of Format

    Returns
    -------
    found : tuple of Found
        By format and in natural order; those of a format that takes anything come after what others left.
    faults : tuple of str
        Why a format of the lab could not look.
    """
    owner: dict[Path, int] = {}
    kept: list[Found] = []
    faults: list[str] = []
    for one in sorted(formats, key=lambda one: one.key in GENERIC):
        try:
            sources = sorted(one.find(listing.as_folder), key=_place)
        except SourceError as error:
            faults.append(str(error))
            continue
        for source in sources:
            found = _claimed(one, source, listing)
            if found is None:
                continue
            rival = next((owner[path] for path in found.files if path in owner and kept[owner[path]].format.key != one.key), None)
            if rival is None:
                owner |= {path: len(kept) for path in found.files if path not in owner}
                kept.append(found)
            elif one.key not in GENERIC and set(found.named) & set(kept[rival].named):
                kept[rival] = replace(kept[rival], also=(*kept[rival].also, one.key))
    return tuple(kept), tuple(faults)


def _place(source: Source) -> list[tuple[int, int | str]]:
    path: Path = source.path  # type: ignore[attr-defined]
    return natural_order(path)


def _claimed(one: Format, source: Source, listing: Listing) -> Found | None:
    try:
        named = expand(source.path)  # type: ignore[attr-defined]
    except SourceError:
        return None
    own = {path for path in named if path.is_file()}
    folders = [path for path in named if path.is_dir()]
    beside = {path for path in listing.files if _is_beside(one.key, path, named, folders)}
    return Found(one, source, tuple(sorted(own | beside, key=natural_order)))


def _is_beside(key: str, path: Path, named: tuple[Path, ...], folders: list[Path]) -> bool:
    """Whether a file belongs to a source that does not name it."""
    if key == "suite2p":
        parts = next((path.relative_to(run).parts for run in folders if path.is_relative_to(run)), ())
        in_plane = len(parts) > 1 and bool(re.fullmatch(r"plane\d+|combined", parts[-2]))
        return bool(parts) and (in_plane or (len(parts) == 1 and path.suffix == ".npy"))
    if folders and any(path.is_relative_to(folder) for folder in folders):
        return True
    if key == "bruker":
        return any(path.parent == xml.parent and path.name.startswith(f"{xml.stem}_Cycle") for xml in named) or any(
            path == xml.with_suffix(".env") for xml in named
        )
    if key == "tdt":
        return any(path.parent == one.parent and path.stem == one.stem and path.suffix.lower() in _OF_A_BLOCK for one in named)
    if key == "openephys":
        return any(path.is_relative_to(one.parent) for one in named)
    if key == "intan":
        return path.suffix == ".dat" and any(path.parent == one.parent and one.stem == "info" for one in named)
    if key == "deeplabcut":
        return any(path.parent == one.parent and path.name.startswith(one.stem) and path != one for one in named) and (
            path.suffix.lower() in {".csv", ".h5", ".pickle", ".json"}
        )
    return False
