"""Which NWB files there are below paths, and whether they can be opened at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bergmann.errors import SourceError
from bergmann.findings import Finding

_CUT = re.compile(r"truncated file: eof = (\d+), .*stored_eof = (\d+)")
"""How HDF5 says that a file ends before it should."""


def find_nwb_files(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files that are named, and every NWB file below the folders that are; hidden ones (temporaries) are left out.

    Raises
    ------
    SourceError
        If a path does not exist, or there is no NWB file below any.
    """
    named = tuple(paths)
    found: dict[Path, None] = {}
    for path in named:
        if not path.exists():
            raise SourceError(f"{path.name}: there is no such file or folder")
        if path.is_dir() and path.suffix.lower() == ".zarr":
            raise SourceError(f"{path.name}: it is a Zarr store, and only HDF5 files are validated; name a file that ends in .nwb")
        found.update(dict.fromkeys(_below(path) if path.is_dir() else (path,)))
    if not found:
        raise SourceError(f"{', '.join(path.name for path in named)}: no NWB file (*.nwb) is in there")
    return tuple(found)


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.nwb")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def check_survived(path: Path, limit: float | None = None) -> Iterator[Finding]:
    """Go through a file in a process of its own, with a time limit, and say if that process does not survive it.

    Parameters
    ----------
    path : Path
    limit : float, optional
        Seconds that it may take; by the file's size if left out.

    Yields
    ------
    Finding
        One error with the check ``"unreadable"`` if HDF5 crashes or hangs.
    """
    from bergmann.proof.own_process import CrashedError, Worker
    from bergmann.validate.tools import prepare

    worker = Worker("look")
    try:
        worker.order({"file": str(path.absolute())}, [path], limit)
        prepare()  # meanwhile
        worker.answer()
    except CrashedError as error:
        yield Finding(
            severity="error",
            check="unreadable",
            location=path.name,
            message=f"it is damaged: the process that went through it did not survive ({error})",
            remedy="convert or download it again",
        )
    finally:
        worker.stop()


def check_readable(path: Path) -> Iterator[Finding]:
    """Check that a file is HDF5 and NWB.

    Yields
    ------
    Finding
        One error with the check ``"unreadable"``, and then nothing else can be said of the file.
    """

    def unreadable(message: str, remedy: str) -> Finding:
        return Finding(severity="error", check="unreadable", location=path.name, message=message, remedy=remedy)

    import h5py

    try:
        if not h5py.is_hdf5(path):
            yield unreadable("it is not an HDF5 file, which every NWB file here is", "name a file that ends in .nwb")
            return
        with h5py.File(path, "r") as file:
            if "nwb_version" not in file.attrs and "nwb_version" not in file:
                yield unreadable("it is an HDF5 file, but not an NWB file: it has no nwb_version", "name an NWB file")
    except BlockingIOError:
        yield unreadable("another process is writing to it", "wait until that is done")
    except OSError as error:
        cut = _CUT.search(str(error))
        said = f"it is cut short, {int(cut[1]):,} of {int(cut[2]):,} bytes are there" if cut else str(error)
        yield unreadable(f"it cannot be opened: {said}", "convert or download it again")
