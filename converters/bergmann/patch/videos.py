"""The videos of a file whose name changes: their new names, and where they lie now."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from bergmann.errors import WriteError
from bergmann.writing.naming import organized_videos


def planned_videos(path: Path, target: PurePosixPath) -> dict[str, dict[str, Path]]:
    """Where each video of a file goes, as `bergmann.writing.videos.plan_videos` says it for a new one.

    Parameters
    ----------
    path : Path
        The file as it lies.
    target : PurePosixPath
        Where it will.

    Returns
    -------
    dict
        For each image series' object_id, its new names relative to the NWB file's folder, and the videos.

    Raises
    ------
    WriteError
        If a video is not beside the file.
    """
    import h5py

    found: dict[str, tuple[Path, ...]] = {}

    def note(_: str, item: object) -> None:
        if isinstance(item, h5py.Group) and "external_file" in item:
            names = item["external_file"].asstr()[:].tolist()
            found[str(item.attrs["object_id"])] = tuple(path.parent / PurePosixPath(name) for name in names)

    with h5py.File(path, "r") as file:
        file.visititems(note)
    for file_ in (one for files in found.values() for one in files):
        if not file_.is_file():
            raise WriteError(
                f"{file_.name}: this video of {path.name} is not there, and its name would change with that of the file"
            )
    return {
        object_id: dict(zip(organized_videos(target, object_id, files), files, strict=True)) for object_id, files in found.items()
    }
