"""Files that no format takes, though their names say that one should: empty, cut short, or something else."""

from __future__ import annotations

from pathlib import Path

_HDF5 = b"\x89HDF\r\n\x1a\n"  # HDF5 File Format Specification, III.A
_BEGINS = {
    **dict.fromkeys((".h5", ".hdf5", ".slp", ".nwb"), ("an HDF5 file", (_HDF5,))),
    **dict.fromkeys((".tif", ".tiff"), ("a TIFF file", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))),  # TIFF 6.0; BigTIFF
    ".abf": ("an Axon binary file", (b"ABF ", b"ABF2")),
    ".xlsx": ("an Excel workbook", (b"PK",)),
    ".avi": ("an AVI video", (b"RIFF",)),
    ".boris": ("a BORIS project", (b"{",)),
}
_VIDEOS = frozenset({".mp4", ".avi", ".mov", ".mkv", ".m4v"})


def unlike_its_name(path: Path) -> str:
    """What is wrong with a file by its name and its first bytes, in words; empty where nothing is known to be.

    Never raises: a file that cannot be opened is said elsewhere.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return ""
    if not head:
        return "empty: was the recording or a copy of it broken off, or is it only in a cloud?"
    suffix = path.suffix.lower()
    what, signs = _BEGINS.get(suffix, ("", ()))
    if what and not head.startswith(signs):
        return f"not {what}, whatever its name says: was another file renamed?"
    if suffix in _BEGINS and _BEGINS[suffix][1] == (_HDF5,):
        return _cut_hdf5(path)
    return _unreadable_video(path) if suffix in _VIDEOS else ""


def _cut_hdf5(path: Path) -> str:
    import h5py

    try:
        with h5py.File(path, "r"):
            return ""
    except OSError as error:
        cut = "cut short" if "truncated" in str(error) else "damaged"
        return f"an HDF5 file that is {cut}: copy it again if the original is whole"


def _unreadable_video(path: Path) -> str:
    import av

    try:
        with av.open(str(path)) as container:
            return "" if container.streams.video else "a video file without pictures"
    except (av.FFmpegError, OSError, ValueError):
        return "a video that cannot be opened: was the recording or a copy of it broken off?"
