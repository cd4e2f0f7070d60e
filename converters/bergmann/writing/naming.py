"""Names as the pinned dandi's ``organize`` gives them, and what is already there under such a name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from bergmann.disk import folded
from bergmann.findings import Finding

REQUIRED_FIELDS = ("session_id", "tissue_sample_id", "slice_id", "cell_id")
"""What every name tells where the file knows it, so that a name never depends on the other files of a dandiset.

``dandi organize`` by itself leaves out what does not differ between the files it is given; with ``--required-field session_id`` it
gives the same names.
"""

_PARTING = frozenset("_*\\/<>:|\"'?%@;,.")
"""What ``organize`` replaces in an id; said here too, because importing dandi costs a second and ids are checked at once."""

_ARCHIVE_LETTERS = re.compile(r"[A-z0-9(),&\s#+~_=-]")
"""What the archive takes in a path (dandi-archive, ``dandiapi/api/models/asset.py``, ``ASSET_CHARS_REGEX``)."""


class Names(Protocol):
    """Who asks dandi for names; this module does."""

    def organized_path(self, path: Path, subject_id: str, session_id: str, /) -> PurePosixPath:
        """As this module's function of the name."""
        ...

    def organized_videos(self, target: PurePosixPath, object_id: str, files: tuple[Path, ...], /) -> tuple[str, ...]:
        """As this module's function of the name."""
        ...


@contextmanager
def dandi_without_traces() -> Iterator[None]:
    """Let dandi be imported without a look into the network and without a cache in the user's home."""
    wanted = {"DANDI_NO_ET": "1", "NO_ET": "1", "DANDI_CACHE": "ignore"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def organized_id(text: str) -> str:
    """A subject or session id as it stands in a file name: ``organize`` writes ``-`` for what would part names."""
    return "".join("-" if letter in _PARTING or letter.isspace() else letter for letter in text)


def organized_path(path: Path, subject_id: str, session_id: str) -> PurePosixPath:
    """Where ``organize`` would put a written file, relative to the dandiset.

    Parameters
    ----------
    path : Path
        The file, whatever its name.
    subject_id, session_id : str
        As stated.

    Returns
    -------
    PurePosixPath
        ``sub-<id>/sub-<id>_ses-<id>_<modalities>.nwb``
    """
    import h5py

    with dandi_without_traces():
        from dandi.organize import create_unique_filenames_from_metadata
        from dandi.pynwb_utils import _scan_neurodata_types

    with h5py.File(path, "r") as file:
        types = sorted({str(kind) for kind, _ in _scan_neurodata_types(file)} - {"NWBFile"})
    record = {"path": "session.nwb", "subject_id": subject_id, "session_id": session_id, "nd_types": types}
    (named,) = create_unique_filenames_from_metadata([record], required_fields=REQUIRED_FIELDS)
    return PurePosixPath(named["dandi_path"])


def organized_videos(target: PurePosixPath, object_id: str, files: tuple[Path, ...]) -> tuple[str, ...]:
    """Where ``organize`` would put the videos of one image series, relative to the NWB file's folder."""
    with dandi_without_traces():
        from dandi.organize import _create_external_file_names

    series = {"id": object_id, "external_files": [PurePosixPath(file.name) for file in files]}
    (named,) = _create_external_file_names([{"dandi_path": str(target), "external_file_objects": [series]}])
    return tuple(named["external_file_objects"][0]["external_files_renamed"])


def existing_targets(dandiset: Path, subject_id: str, session_id: str) -> tuple[Path, ...]:
    """The NWB files of a session that are already in a dandiset, whatever modalities their names tell.

    Costs nothing: meant to be asked before a long conversion.
    """
    subject = f"sub-{organized_id(subject_id)}"
    stem = f"{subject}_ses-{organized_id(session_id)}"
    folder = dandiset / subject
    if not folder.is_dir():
        return ()
    return tuple(
        sorted(
            file for file in folder.iterdir() if file.suffix == ".nwb" and (file.stem == stem or file.name.startswith(f"{stem}_"))
        )
    )


def case_twins(dandiset: Path, subject_id: str, session_id: str) -> Iterator[str]:
    """Names in a dandiset that differ from those of a session only in capital and small letters."""
    subject = f"sub-{organized_id(subject_id)}"
    stem = f"{subject}_ses-{organized_id(session_id)}"
    yield from (name for name in _names_in(dandiset) if folded(name) == folded(subject) and name != subject)
    for name in _names_in(dandiset / subject):
        session = "_".join(name.removesuffix(".nwb").split("_")[:2])
        if name.endswith(".nwb") and folded(session) == folded(stem) and session != stem:
            yield name


def _names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def longest_target(dandiset: Path, subject_id: str, session_id: str) -> int:
    """Characters of the longest path that a session may have there: that of a video beside its file."""
    subject = f"sub-{organized_id(subject_id)}"
    video = f"{subject}/{subject}_ses-{organized_id(session_id)}_behavior+image+ogen+ophys/{'0' * 36}_external_file_00.mp4"
    return len(str(dandiset.absolute())) + 1 + len(video)


def check_ids(subject_id: str, session_id: str) -> Iterator[Finding]:
    """Check what subject and session are called, as file names are made of it.

    Yields
    ------
    Finding
        An error for an id that cannot be in a file name of the archive, a note for one that is written differently there.
    """
    for location, text in (("subject.id", subject_id), ("session.id", session_id)):
        yield from _check_id(location, text)


def _check_id(location: str, text: str) -> Iterator[Finding]:
    def finding(severity: Any, message: str, remedy: str = "") -> Finding:
        return Finding(severity=severity, check="file name", location=location, message=message, remedy=remedy)

    if not text.strip():
        yield finding("error", "it is empty; the file's name is made of it", "state an id")
        return
    if "/" in text or "\\" in text:
        better = text.replace("/", "-").replace("\\", "-")
        yield finding("error", f"`{text}` has a slash, which DANDI refuses in an id", f"write `{better}`")
        return
    name = organized_id(text)
    if refused := sorted({letter for letter in name if not _ARCHIVE_LETTERS.match(letter)}):
        letters = " ".join(refused)
        yield finding("error", f"`{text}`: the archive takes no path with {letters}", "use letters without accents, digits and `-`")
    elif name != text:
        yield finding("note", f"`{text}` is `{name}` in the file's name (DANDI's rule); inside the file it stays as stated")
