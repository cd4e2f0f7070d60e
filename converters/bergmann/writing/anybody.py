"""Any NWB file object to any path: the fast writer for the pipelines of others."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from bergmann.disk import replace_when_free
from bergmann.errors import WriteError
from bergmann.writing.backend import refuse_zarr
from bergmann.writing.codecs import slow_codec
from bergmann.writing.objects import check_objects
from bergmann.writing.presets import Chunking, Compression, Storing
from bergmann.writing.streams import OnProgress, Streams
from bergmann.writing.temporary import clear_leftovers, release, temporary_path
from bergmann.writing.whole import sync, write_contents, writing_into


def write(
    nwbfile: Any,
    path: Path | str,
    *,
    chunking: Chunking = "balanced",
    compression: Compression = "gzip",
    threads: int | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Path:
    """Write an NWB file object that anybody made, also NeuroConv, whole or not at all.

    The values are those that `NWBHDF5IO.write` would write, in the same types. Large arrays (a megabyte or more) of numbers are
    compressed in threads, a few blocks at a time: those in memory or memory-mapped, lists of masks, and those behind iterators of
    NeuroConv (`SliceableDataChunkIterator`, those of imaging and recording extractors) and of hdmf (`GenericDataChunkIterator`, and
    `DataChunkIterator` over an array). The chunks that an iterator recommends are replaced by those of the preset; chunks and
    ``maxshape`` that `H5DataIO` states are taken, and so are those of NeuroConv's ``configure_backend``. Everything else is written
    by pynwb as ever: text, references, compound types, links to other files, iterators over a generator.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        In memory; not changed, and it may be written again. An iterator is read from its beginning and not moved on.
    path : Path or str
        Of the file, ``*.nwb``; its folder is made if absent.
    chunking : {"balanced", "frames", "traces", "streaming"}
        See `bergmann.writing.presets.CHUNKINGS`.
    compression : {"gzip", "zstd", "none"}
        See `bergmann.writing.presets.COMPRESSIONS`.
    threads : int, optional
        How many compress; as many as there are processors, up to 8, if left out.
    overwrite : bool
        Whether a file of this name is replaced, in one step.
    on_progress : callable (bytes done, bytes in all), optional

    Returns
    -------
    Path
        The file.

    Raises
    ------
    WriteError
        If the file is there already, cannot be written, `nwbfile` was read from a file (use `NWBHDF5IO.export`), or an object would
        be lost.
    SourceError
        If an array cannot be read, or has another shape or type than it says.
    MissingExtraError
        If the compression needs an extra that is not installed.

    Warns
    -----
    UserWarning
        If the fast compressor is not installed.
    """
    path = Path(path)
    _check(nwbfile, path, overwrite=overwrite)
    streams = Streams(Storing(chunking, compression), threads)
    if compression == "gzip" and (slow := slow_codec()):
        warnings.warn(slow, UserWarning, stacklevel=2)
    folder = path.absolute().parent
    with writing_into(folder):
        clear_leftovers(folder, path.stem)
        temporary = temporary_path(folder, path.stem)
        try:
            write_contents(nwbfile, temporary, streams, on_progress=on_progress)
            check_objects(nwbfile, temporary)
            sync(temporary)
            replace_when_free(temporary, path)
        finally:
            release(temporary)
    return path


def _check(nwbfile: Any, path: Path, *, overwrite: bool) -> None:
    """Refuse what cannot be written there, before anything is."""
    refuse_zarr(path)
    if path.suffix != ".nwb":
        raise WriteError(f"{path.name}: an NWB file's name ends in .nwb; name it {path.name}.nwb")
    if nwbfile.read_io is not None:
        raise WriteError(f"{path.name}: this NWBFile was read from a file, to which its arrays still belong; use NWBHDF5IO.export")
    if path.exists() and not overwrite:
        raise WriteError(f"{path.name}: it is there already; say overwrite=True to replace it, or name another file")
