"""Arrays of the file that is to be replaced, so that what has not changed is taken over chunk by chunk."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from bergmann.writing.chunks import LEVEL, is_whole

RECORD = "general/bergmann_conversion/arrays"


class DamagedError(Exception):
    """A stored chunk is not what was once written; never leaves the writer."""


@contextmanager
def open_stored(files: Iterable[Path]) -> Iterator[Mapping[str, Any]]:
    """Open the files of a session that a new one will replace, for what can be taken over from them.

    Parameters
    ----------
    files : iterable of Path
        NWB files of the same session; one that cannot be read, or that bergmann did not write, has nothing to take over.

    Yields
    ------
    mapping of str to h5py.Dataset
        The arrays that the files' conversion records tell of, by recipe.
    """
    import h5py

    with ExitStack() as opened:
        found: dict[str, Any] = {}
        for path in files:
            try:
                file = opened.enter_context(h5py.File(path, "r"))
                found |= _arrays(file)
            except (OSError, KeyError, RuntimeError):  # damaged, or not ours: all of the new file is written from the sources
                continue
        yield found


def _arrays(file: Any) -> dict[str, Any]:
    """The arrays that the file's record tells of, by recipe."""
    if RECORD not in file:
        return {}
    rows = zip(*(file[RECORD][name].asstr()[:] for name in ("holder", "field", "recipe")), strict=True)
    wanted = {(object_id, field): recipe for object_id, field, recipe in rows}
    ids = {object_id for object_id, _ in wanted}
    groups: dict[str, Any] = {}

    def note(_: str, item: Any) -> None:
        if (object_id := item.attrs.get("object_id")) in ids:
            groups[str(object_id)] = item

    file.visititems(note)
    return {recipe: groups[object_id][field] for (object_id, field), recipe in wanted.items() if field in groups.get(object_id, ())}


def is_stored_alike(there: Any, here: Any) -> bool:
    """Whether the chunks of one dataset can be those of another as they are: same shape, type, chunks and filters."""
    return bool(
        there.shape == here.shape
        and there.dtype == here.dtype
        and there.chunks == here.chunks
        and (there.compression, there.compression_opts) == ("gzip", LEVEL)
        and (there.shuffle, there.fletcher32, there.scaleoffset) == (True, False, None)
    )


def take_over(dataset: Any, older: Any, pool: ThreadPoolExecutor, depth: int) -> Iterator[int]:
    """Copy the chunks of a dataset as they are stored, each after a look whether it is whole.

    Parameters
    ----------
    dataset, older : h5py.Dataset
        To be filled, and to be copied; stored alike.
    pool : ThreadPoolExecutor
        Where chunks are checked.
    depth : int
        How many chunks are in memory at most.

    Yields
    ------
    int
        Bytes that a chunk holds, when it is stored.

    Raises
    ------
    DamagedError
        If a chunk was lost or is not whole; some may have been stored before.
    """
    size = int(prod(older.chunks) * older.dtype.itemsize)
    under_way: deque[tuple[tuple[int, ...], bytes, Future[bool]]] = deque()

    def store_first() -> int:
        start, data, looked_at = under_way.popleft()
        if not looked_at.result():
            raise DamagedError
        dataset.id.write_direct_chunk(start, data, filter_mask=0)
        return size

    for start in product(*(range(0, side, step) for side, step in zip(older.shape, older.chunks, strict=True))):
        try:
            mask, data = older.id.read_direct_chunk(start)
        except (OSError, RuntimeError, ValueError) as error:
            raise DamagedError from error
        if mask:  # a filter was left out of this chunk
            raise DamagedError
        under_way.append((start, data, pool.submit(is_whole, data, size)))
        if len(under_way) >= depth:
            yield store_first()
    while under_way:
        yield store_first()
