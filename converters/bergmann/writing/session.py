"""One session's file: written under a temporary name, completed, checked, and only then named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from bergmann.disk import remove_older, replace_when_free, too_long
from bergmann.errors import WriteError
from bergmann.writing import naming
from bergmann.writing.backend import refuse_zarr
from bergmann.writing.naming import Names, case_twins, existing_targets, longest_target, organized_id
from bergmann.writing.objects import check_objects
from bergmann.writing.stored import open_stored
from bergmann.writing.streams import OnProgress, Streams
from bergmann.writing.temporary import clear_leftovers, release, temporary_path, videos_folder
from bergmann.writing.videos import (
    Externals,
    PlaceVideo,
    check_video,
    link_or_copy,
    move_videos,
    plan_videos,
    remove_videos,
    set_external_files,
    stage_videos,
)
from bergmann.writing.whole import sync, write_contents, writing_into

Prove = Callable[[Path, Path], None]
"""(temporary, folder where its videos wait): refuses a file by raising."""

_DANDISET = """\
# A draft. The archive gives the identifier; name and description are yours to state.
identifier: REQUIRED
name: REQUIRED
description: REQUIRED
"""


def write_session(
    nwbfile: Any,
    dandiset: Path,
    streams: Streams,
    externals: Externals = (),
    *,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    place_video: PlaceVideo = link_or_copy,
    prove: Prove | None = None,
    names: Names | None = None,
) -> Path:
    """Write one session into a local dandiset, whole or not at all.

    The target appears under its name in one step, when everything is in it: its arrays, one top namespace, the relative paths of
    its videos. The videos are in their place before it. Whatever ends the process earlier leaves nothing under that name; a
    temporary that a killed run left is removed by the next run of the same session.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        With a subject_id and a session_id; not changed.
    dandiset : Path
        Folder of the dandiset; made if absent, and so is its ``dandiset.yaml``.
    streams : Streams
        What handed out the large arrays of `nwbfile`.
    externals : iterable of (pynwb.image.ImageSeries, tuple of Path)
        Videos to place beside the file.
    overwrite : bool
        Whether a file of the same session is replaced, also one whose name tells other modalities. Arrays that it holds already,
        as their recipes say, are taken over as they are stored.
    on_progress : callable (bytes done, bytes in all), optional
    place_video : callable (source, target)
        Puts each video beside the file.
    prove : callable (temporary, folder of its videos), optional
        Looks at what was written before it gets its name, and may add to it; raises what it is refused for.
    names : Names, optional
        Who asks dandi for the names; this process if left out.

    Returns
    -------
    Path
        The NWB file, named as ``dandi organize`` names it.

    Raises
    ------
    WriteError
        If the session is there already, the folder cannot be written or is full, or an object would be lost.
    SourceError
        If an array or a video cannot be read.
    """
    subject_id, session_id = _ids(nwbfile)
    videos = [(series, tuple(files)) for series, files in externals]
    for _, files in videos:
        for file in files:
            check_video(file)
    check_target(dandiset, subject_id, session_id, overwrite=overwrite)
    stem = f"sub-{organized_id(subject_id)}_ses-{organized_id(session_id)}"
    with writing_into(dandiset):
        clear_leftovers(dandiset, stem)
        temporary = temporary_path(dandiset, stem)
        try:
            with open_stored(existing_targets(dandiset, subject_id, session_id)) as stored:
                write_contents(nwbfile, temporary, streams, stored, on_progress)
            target = (names or naming).organized_path(temporary, subject_id, session_id)
            planned = plan_videos(target, videos, names or naming)
            set_external_files(temporary, planned)
            check_objects(nwbfile, temporary)
            stage_videos(planned, videos_folder(temporary), place_video)
            if prove is not None:
                prove(temporary, videos_folder(temporary))
            sync(temporary)
            _write_dandiset_yaml(dandiset)
            older = existing_targets(dandiset, subject_id, session_id)
            if older and not overwrite:
                raise WriteError(f"{older[0].name}: another run has written this session meanwhile; its file is as it was")
            return _name(temporary, dandiset, target, older)
        finally:
            release(temporary)


def check_target(dandiset: Path, subject_id: str, session_id: str, *, overwrite: bool = False) -> None:
    """Refuse, before any long work, a session that cannot be written.

    Raises
    ------
    WriteError
        If it is there already and `overwrite` is not said, if what is there is another session's or has a name that many disks take
        for this one's, if the path is too long, or if `dandiset` is a file or a Zarr store.
    """
    refuse_zarr(dandiset)
    if dandiset.exists() and not dandiset.is_dir():
        raise WriteError(f"{dandiset.name}: it is a file; name a folder for the dandiset")
    for twin in case_twins(dandiset, subject_id, session_id):
        raise WriteError(
            f"{twin}: is there already, and differs from the name of this session only in capital and small letters, so that on "
            "Windows and macOS it is the same; give one of the two another id, or convert into another folder"
        )
    if hint := too_long(longest_target(dandiset, subject_id, session_id)):
        raise WriteError(f"{dandiset.name}: the files of this session could not be written there: {hint}")
    for there in existing_targets(dandiset, subject_id, session_id):
        if not overwrite:
            raise WriteError(
                f"{there.name}: this session is there already; say --overwrite to replace it, or convert into another folder"
            )
        _check_same_session(there, subject_id, session_id)


def _check_same_session(path: Path, subject_id: str, session_id: str) -> None:
    """Refuse to replace the file of another session whose id is written the same in a name (``a_b`` and ``a-b``)."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = tuple(file[key].asstr()[()] for key in ("general/subject/subject_id", "general/session_id"))
    except (OSError, KeyError):  # damaged, or not ours: the person said to replace it
        return
    if found != (subject_id, session_id):
        raise WriteError(
            f"{path.name}: it holds session {found[1]!r} of subject {found[0]!r}, and {session_id!r} of {subject_id!r} would have "
            "the same name; give one of them another id"
        )


def _ids(nwbfile: Any) -> tuple[str, str]:
    subject_id = nwbfile.subject.subject_id if nwbfile.subject is not None else None
    if not subject_id or not nwbfile.session_id:
        raise WriteError("a file's name is made of the subject's and the session's id; state both")
    return str(subject_id), str(nwbfile.session_id)


def _write_dandiset_yaml(dandiset: Path) -> None:
    path = dandiset / "dandiset.yaml"
    if not path.exists():
        temporary = temporary_path(dandiset, "dandiset")
        try:
            temporary.write_text(_DANDISET, encoding="utf-8", newline="\n")
            temporary.replace(path)
        finally:
            release(temporary)


def _name(temporary: Path, dandiset: Path, target: PurePosixPath, older: tuple[Path, ...]) -> Path:
    """Place the videos, then the file; afterwards remove what it replaces."""
    path = dandiset / target
    folder = path.with_suffix("")
    new_subject = not path.parent.exists()
    path.parent.mkdir(exist_ok=True)
    placed: list[Path] = []
    try:
        if path not in older:
            remove_videos(folder)  # of a run that was killed between the videos and the file
        names = [file.name for file in videos_folder(temporary).iterdir()] if videos_folder(temporary).is_dir() else []
        move_videos(videos_folder(temporary), folder, placed)
        replace_when_free(temporary, path)
    except BaseException:
        if temporary.exists():
            _take_back(placed, (folder, path.parent) if new_subject else (folder,))
        raise
    remove_videos(folder, keep=names)
    for file in older:
        if file != path:
            remove_older(file)
            remove_videos(file.with_suffix(""))
    return path


def _take_back(placed: list[Path], folders: tuple[Path, ...]) -> None:
    """Remove videos whose file did not follow, and folders that are empty without them."""
    for video in placed:
        video.unlink(missing_ok=True)
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
