"""Videos beside the NWB file, named as ``dandi organize`` names them: hard links on one volume, else copies."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from bergmann.disk import may_be_linked, replace_when_free
from bergmann.errors import SourceError, WriteError
from bergmann.writing.naming import Names
from bergmann.writing.watched import open_watched

_PLACED = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_external_file_\d+\.\w+")

Externals = Iterable[tuple[Any, tuple[Path, ...]]]
"""(image series, its files), in the order of the series' ``external_file``."""


PlaceVideo = Callable[[Path, Path], None]
"""(source, target): puts a video under its last name."""


def plan_videos(target: PurePosixPath, externals: Externals, names: Names) -> dict[str, dict[str, Path]]:
    """Where each video goes, as dandi names it.

    Returns
    -------
    dict
        For each image series' object_id, the path relative to the NWB file's folder and the source of each of its files.

    Raises
    ------
    WriteError
        If DANDI does not take the kind of video.
    """
    planned: dict[str, dict[str, Path]] = {}
    for series, files in externals:
        for file in files:
            check_video(file)
        placed = names.organized_videos(target, str(series.object_id), files)
        planned[str(series.object_id)] = dict(zip(placed, files, strict=True))
    return planned


def check_video(file: Path) -> None:
    """Refuse a video that is absent, or of a kind that DANDI does not take.

    Raises
    ------
    SourceError
        If there is no such file.
    WriteError
        If its suffix is none that DANDI knows.
    """
    from dandi.consts import VIDEO_FILE_EXTENSIONS

    if not file.is_file():
        raise SourceError(f"{file.name}: the video is not there any more")
    if file.suffix.lower() not in VIDEO_FILE_EXTENSIONS:
        known = ", ".join(VIDEO_FILE_EXTENSIONS)
        raise WriteError(f"{file.name}: DANDI takes videos as {known}; convert the video (losslessly) first")


def link_or_copy(source: Path, target: Path) -> None:
    """Make `target` the same file as `source` where the file system can, else a copy of it."""
    if may_be_linked(source.stat()):
        try:
            os.link(source.resolve(), target)
        except OSError:  # another volume, or a file system without links
            shutil.copyfile(source, target)
    else:
        shutil.copyfile(source, target)


def stage_videos(planned: Mapping[str, Mapping[str, Path]], folder: Path, place: PlaceVideo = link_or_copy) -> None:
    """Place all videos in a waiting folder, under their last names: linked or copied, if `place` does nothing else."""
    for files in planned.values():
        for name, source in files.items():
            folder.mkdir(exist_ok=True)
            place(source, folder / PurePosixPath(name).name)


def set_external_files(path: Path, planned: Mapping[str, Mapping[str, Path]]) -> None:
    """Write the relative paths into a written file.

    Raises
    ------
    WriteError
        If an image series is not in the file, or has another number of files.
    """
    if not planned:
        return
    with open_watched(path, "r+") as (file, _):
        series = _find_series(file, set(planned))
        for object_id, files in planned.items():
            if object_id not in series:
                raise WriteError(f"the image series of {', '.join(source.name for source in files.values())} is not in the file")
            dataset = series[object_id]["external_file"]
            if dataset.shape != (len(files),):
                raise WriteError(f"{dataset.name}: {dataset.shape} names for {len(files)} videos")
            dataset[...] = list(files)


def _find_series(file: Any, wanted: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def note(_: str, item: Any) -> None:
        if (object_id := item.attrs.get("object_id")) in wanted and "external_file" in item:
            found[str(object_id)] = item

    file.visititems(note)
    return found


def move_videos(staged: Path, folder: Path, moved: list[Path]) -> None:
    """Put the waiting videos in their place.

    Parameters
    ----------
    staged, folder : Path
        Where they wait, and where they belong.
    moved : list of Path
        Takes those that were not there before, each before it is: so that an interruption leaves none that nobody knows of.
    """
    if not staged.is_dir():
        return
    folder.mkdir(exist_ok=True)
    for file in sorted(staged.iterdir()):
        target = folder / file.name
        if not target.exists():
            moved.append(target)
        replace_when_free(file, target)
        file.unlink(missing_ok=True)  # POSIX leaves it, where both names are links to one file
    staged.rmdir()


def remove_videos(folder: Path, keep: Iterable[str] = ()) -> None:
    """Remove the videos of an older file from its folder, and the folder if nothing else is in it."""
    if not folder.is_dir():
        return
    kept = set(keep)
    for file in folder.iterdir():
        if _PLACED.fullmatch(file.name) and file.name not in kept:
            file.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
