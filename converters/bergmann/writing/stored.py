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

from bergmann.writing.codecs import Codec

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
    """Whether the chunks of one dataset can be those of another as they are: same shape, type, chunks and filters.

    Without a filter, nothing would tell that a stored chunk is not whole: such arrays are written from their source.
    """
    filters = _filters(here)
    alike = (there.shape, there.dtype, there.chunks) == (here.shape, here.dtype, here.chunks)
    return alike and bool(filters) and _filters(there) == filters


def _filters(dataset: Any) -> list[tuple[int, tuple[int, ...]]]:
    """Number and settings of each filter of a dataset, in order."""
    made = dataset.id.get_create_plist()
    return [(code, tuple(values)) for code, _, values, _ in (made.get_filter(number) for number in range(made.get_nfilters()))]


def filters_of(dataset: Any) -> tuple[int, ...]:
    """Numbers of the filters of a dataset, in the order in which they were applied."""
    return tuple(code for code, _ in _filters(dataset))


def take_over(dataset: Any, older: Any, codec: Codec, pool: ThreadPoolExecutor, depth: int) -> Iterator[int]:
    """Copy the chunks of a dataset as they are stored, each after a look whether it is whole.

    Parameters
    ----------
    dataset, older : h5py.Dataset
        To be filled, and to be copied; stored alike.
    codec : Codec
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
    under_way: deque[tuple[tuple[int, ...], bytes, Future[int | None]]] = deque()

    def store_first() -> int:
        start, data, looked_at = under_way.popleft()
        if looked_at.result() != size:
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
        under_way.append((start, data, pool.submit(codec.size_of, data)))
        if len(under_way) >= depth:
            yield store_first()
    while under_way:
        yield store_first()
