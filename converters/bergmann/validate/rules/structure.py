"""How the file is built: what readers would leave out, and what points nowhere. Looks at the HDF5 tree alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import h5py
import numpy as np

from bergmann.privacy import find_private, hidden
from bergmann.validate.checking import Problem, check
from bergmann.validate.reading import Reading
from bergmann.validate.rules import _tree

_LOST = "what is left out is lost to every reader, and no validator says so"
_HDMF = ("hdmf-common", "hdmf-experimental")
"""Namespaces that come with every file, used or not."""
_PLACEHOLDER = re.compile(r"placeholder|\btodo\b|\bfixme\b|lorem ipsum|\bchange ?me\b", re.IGNORECASE)
_UNSAID = {"unknown", "no description", "none", "n/a", "description", "my device", "test"}
_TIMES = {"timestamps", "starting_time", "start_time", "stop_time", "timestamp"}
_NUMBERS = ("ImageSeries", "PhotonSeries", "ResponseSeries", "ElectricalSeries", "OptogeneticSeries", "SpatialSeries")
"""Ends of the names of types whose data are numbers."""
BLOCK_BYTES = 16_000_000


@check(
    severity="error",
    why=f"An object whose type no namespace of the file defines cannot be read: {_LOST}.",
    remedy="correct the type, or write the file again with its extension imported, so that its namespace is cached",
    is_of_tree=True,
)
def structure_objects_reachable(reading: Reading) -> Iterator[Problem]:
    """Typed objects that readers leave out."""
    cached = _tree.namespaces(reading.file)
    read = None if reading.nwbfile is None else {str(one.object_id) for one in reading.nwbfile.all_children()}
    for path, one, namespace, kind in _tree.typed(reading.file):
        if cached and namespace in cached and kind not in cached[namespace].types:
            yield Problem(path, f"its type {kind} is not one of the namespace {namespace}")
        elif read is not None and text_of(one, "object_id") not in read | {""} and namespace in cached:
            yield Problem(path, f"this {kind} is in the file, and pynwb does not read it")


def text_of(one: Any, attribute: str) -> str:
    """An attribute as text; empty if it is not there."""
    value = one.attrs.get(attribute)
    return "" if value is None else _tree.text(value)


@check(
    severity="error",
    why="Readers need the definition of every type that the file uses, and nobody should need one that it does not use.",
    remedy="write the file again with its extensions imported; bergmann puts exactly those in that are used",
    is_of_tree=True,
)
def structure_namespaces(reading: Reading) -> Iterator[Problem]:
    """Namespaces that are used and not cached, included and not cached, or cached and not used."""
    cached = _tree.namespaces(reading.file)
    used = {namespace: path for path, _, namespace, _ in reversed(list(_tree.typed(reading.file)))}
    if not cached:
        if set(used) - {"core", *_HDMF}:
            yield Problem("specifications", f"no namespace is cached, and {', '.join(sorted(set(used) - {'core'}))} are used")
        return
    for namespace in sorted(set(used) - set(cached)):
        yield Problem(used[namespace], f"its namespace {namespace} is not cached in the file")
    for name, one in cached.items():
        for part in sorted(one.includes - set(cached)):
            yield Problem(f"specifications/{name}", f"it includes {part}, which is not cached in the file")
    tops = set(cached) - {part for one in cached.values() for part in one.includes}
    wanted = _tree.closure({name for name in tops if not cached[name].types} or set(used), cached) | {"core", *_HDMF}
    for name in sorted(set(cached) - wanted):
        found = "nothing in the file uses this namespace"
        yield Problem(f"specifications/{name}", found, severity="warning" if any(not cached[top].types for top in tops) else "note")


@check(
    severity="error",
    why="A video that is not where the file says is lost when the file is moved or published.",
    remedy="put the video beside the NWB file, and write its path relative to it, with '/' between folders",
    is_of_tree=True,
)
def structure_external_files(reading: Reading) -> Iterator[Problem]:
    """External files that are absolute, missing or empty."""
    folder = Path(str(reading.file.filename)).parent
    for path, one in _tree.items(reading.file):
        if not path.endswith("/external_file") or not isinstance(one, h5py.Dataset) or not _tree.is_text(one):
            continue
        for name in (_tree.text(value) for value in np.atleast_1d(one[()])):
            series = path.removesuffix("/external_file")
            if re.match(r"[a-z]+://", name):
                continue
            if PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute():
                yield Problem(series, f"its external_file {PureWindowsPath(name).name} is named by an absolute path")
            elif "\\" in name:
                yield Problem(series, f"its external_file {name} has backslashes, which are part of a name but on Windows")
            elif folder.is_dir() and not (folder / name).is_file():
                yield Problem(series, f"its external_file {name} is not there")
            elif folder.is_dir() and (folder / name).stat().st_size == 0:
                yield Problem(series, f"its external_file {name} is empty")


@check(
    severity="error",
    why=f"A reference that leads nowhere breaks what rests on it, or makes readers leave it out: {_LOST}.",
    remedy="write the reference again, to an object that is in the file",
    is_of_tree=True,
)
def structure_references_resolve(reading: Reading) -> Iterator[Problem]:
    """Rows, references and links that lead nowhere."""
    file = reading.file
    for path, one in _tree.items(file):
        yield from (Problem(path, f"its attribute {key} is a reference that leads nowhere") for key in _broken(file, one))
        if isinstance(one, h5py.Dataset) and _tree.is_reference(one):
            broken = [row for row, value in enumerate(np.ravel(one[()])) if not _resolves(file, value)]
            if broken:
                yield Problem(path, f"reference {broken[0]} leads nowhere ({len(broken)} of {one.size})")
        elif isinstance(one, h5py.Dataset) and isinstance(one.attrs.get("table"), h5py.Reference):
            yield from _rows(file, path, one)
        elif isinstance(one, h5py.Group):
            yield from _links(path, one)


def _broken(file: Any, one: Any) -> Iterator[str]:
    for key, value in one.attrs.items():
        if isinstance(value, h5py.Reference) and not isinstance(value, h5py.RegionReference) and not _resolves(file, value):
            yield key


def _resolves(file: Any, reference: Any) -> bool:
    if not reference:
        return False
    try:
        return file[reference] is not None
    except (KeyError, ValueError, RuntimeError):
        return False


def _rows(file: Any, path: str, region: Any) -> Iterator[Problem]:
    """Rows of a DynamicTableRegion that its table does not have."""
    reference = region.attrs["table"]
    if not _resolves(file, reference) or region.dtype.kind not in "iu" or not region.size:
        return
    table = file[reference]
    if isinstance(table, h5py.Group) and "id" in table:
        n_rows, rows = len(table["id"]), region[()]
        if rows.max() >= n_rows or rows.min() < 0:
            yield Problem(path, f"it names row {int(rows.max())} of {table.name}, which has {n_rows}")


def _links(path: str, group: Any) -> Iterator[Problem]:
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.SoftLink) and group.get(name) is None:
            yield Problem(f"{path}/{name}", f"this link leads to {link.path}, which is not there")
        elif isinstance(link, h5py.ExternalLink) and group.get(name) is None:
            yield Problem(
                f"{path}/{name}", f"this link leads into the file {PureWindowsPath(link.filename).name}, which is not there"
            )


def _tables(file: Any) -> Iterator[tuple[str, Any]]:
    """Groups that are dynamic tables, whatever their type is called."""
    for path, one in _tree.items(file):
        if isinstance(one, h5py.Group) and "colnames" in one.attrs and isinstance(one.get("id"), h5py.Dataset):
            yield path, one


@check(
    severity="error",
    why="The parts of a ragged column are cut by its index: a wrong one gives each row the values of another.",
    remedy="write the index as the running total of the numbers of values of each row",
    is_of_tree=True,
)
def structure_ragged_index(reading: Reading) -> Iterator[Problem]:
    """Indices of ragged columns that decrease, or do not end with their column."""
    for path, one, _, kind in _tree.typed(reading.file):
        target = one.attrs.get("target")
        if kind != "VectorIndex" or not isinstance(one, h5py.Dataset) or one.dtype.kind not in "iu" or not one.size:
            continue
        ends = one[()].astype(np.int64)
        if np.any(np.diff(ends) < 0):
            yield Problem(path, f"its entry {int(np.argmax(np.diff(ends) < 0)) + 1} is smaller than the one before")
        elif isinstance(target, h5py.Reference) and _resolves(reading.file, target):
            column = reading.file[target]
            if isinstance(column, h5py.Dataset) and column.shape and len(column) != ends[-1]:
                yield Problem(path, f"it ends at {ends[-1]}, and {column.name} has {len(column)} values")


@check(
    severity="error",
    why="Rows of columns of different lengths cannot be told to belong together.",
    remedy="write one value a row in every column, and name exactly the columns that are there",
    is_of_tree=True,
)
def structure_column_lengths(reading: Reading) -> Iterator[Problem]:
    """Tables with columns of different lengths, or with names of columns that are not there."""
    for path, table in _tables(reading.file):
        n_rows = len(table["id"])
        for name in (_tree.text(value) for value in np.atleast_1d(table.attrs["colnames"])):
            if name not in table:
                yield Problem(path, f"colnames names {name}, which is not there")
                continue
            column = _outermost(table, name)
            if isinstance(column, h5py.Dataset) and column.shape and len(column) != n_rows:
                yield Problem(path, f"its column {name} has {len(column)} rows, and id {n_rows}")


def _outermost(table: Any, name: str) -> Any:
    """The column that has one entry a row: of a ragged one its index, of a doubly ragged one the index of that."""
    while isinstance(table.get(f"{name}_index"), h5py.Dataset):
        name = f"{name}_index"
    return table[name]


@check(
    severity="error",
    why="References between files and tools find an object by its id.",
    remedy="give each object an id of its own (uuid4)",
    is_of_tree=True,
)
def structure_ids_unique(reading: Reading) -> Iterator[Problem]:
    """Two objects with one object_id."""
    seen: dict[str, str] = {}
    for path, one, _, _ in _tree.typed(reading.file):
        object_id = text_of(one, "object_id")
        if object_id and seen.setdefault(object_id, path) != path:
            yield Problem(path, f"it has the object_id of {seen[object_id]}")


@check(
    severity="error",
    why="Times in single precision are off by milliseconds after an hour, and text is no data.",
    remedy="write times as float64, and data as numbers",
    is_of_tree=True,
)
def structure_type_as_specified(reading: Reading) -> Iterator[Problem]:
    """Times of single precision, and data of recordings that are no numbers."""
    for path, one in _tree.items(reading.file):
        name = path.rsplit("/", 1)[-1]
        if not isinstance(one, h5py.Dataset):
            continue
        told = "text" if _tree.is_text(one) else str(one.dtype)
        if name in _TIMES and one.dtype.kind == "f" and one.dtype.itemsize < 8:
            yield Problem(path, f"it is {told}: its times are exact to {_step(one):.2g} s only")
        elif name in _TIMES and one.dtype.kind not in "fiu":
            yield Problem(path, f"it holds {told}, not times")
        elif name == "data" and text_of(one.parent, "neurodata_type").endswith(_NUMBERS) and one.dtype.kind not in "biufcV":
            yield Problem(path, f"it holds {told}, not numbers")


def _step(dataset: Any) -> float:
    """The distance of the largest stored number to the next one of its type."""
    values = np.asarray(dataset[()])
    return float(np.spacing(np.nanmax(np.abs(values)))) if values.size else 0.0


@check(
    severity="warning",
    why="A published file tells the names of users and machines to everybody, for ever.",
    remedy="write names of files without their folders, and contacts in the metadata of the dandiset",
    is_of_tree=True,
)
def structure_no_private_text(reading: Reading) -> Iterator[Problem]:
    """Paths of users, addresses of mail and of network cards in texts and attributes."""
    for path, one in _tree.items(reading.file):
        for where, value in _texts(path, one):
            private = next(find_private(value), None)
            if private is not None:
                yield Problem(path, f"{where}holds {private.kind}: {hidden(value, private)}")
                break


def _texts(path: str, one: Any) -> Iterator[tuple[str, str]]:
    for key, value in one.attrs.items():
        for part in np.ravel(value) if isinstance(value, np.ndarray) else (value,):
            if isinstance(part, str | bytes):
                yield f"its attribute {key} ", _tree.text(part)
    if isinstance(one, h5py.Dataset) and _tree.is_text(one) and not path.endswith("/external_file"):
        for value in np.ravel(one[()]):
            yield "", _tree.text(value)


@check(
    severity="error",
    why="A chunk that cannot be inflated, or was never written, is a part of the recording that is gone.",
    remedy="convert or download the file again",
    is_of_tree=True,
)
def structure_stored_whole(reading: Reading) -> Iterator[Problem]:
    """Datasets that cannot be read to their end, or have chunks that were never written."""
    for path, one in _tree.items(reading.file):
        if not isinstance(one, h5py.Dataset) or not one.shape or not one.size:
            continue
        if one.chunks is not None and one.id.get_num_chunks() < _n_chunks(one):
            gone = _n_chunks(one) - one.id.get_num_chunks()
            yield Problem(path, f"{gone} of its {_n_chunks(one)} chunks were never written", severity="warning")
        if one.name in reading.read_whole:
            continue  # another check has gone through all of it
        try:
            for _ in _blocks(one):
                pass
        except (OSError, RuntimeError) as error:
            yield Problem(path, f"it cannot be read: {str(error).splitlines()[-1]}")


def _n_chunks(dataset: Any) -> int:
    return int(np.prod([-(-side // chunk) for side, chunk in zip(dataset.shape, dataset.chunks, strict=True)]))


def _blocks(dataset: Any) -> Iterator[Any]:
    size = max(1, dataset.dtype.itemsize * int(np.prod(dataset.shape[1:], dtype=np.int64)))
    chunk = dataset.chunks[0] if dataset.chunks else 1
    step = max(chunk, BLOCK_BYTES // size // chunk * chunk)
    for start in range(0, dataset.shape[0], step):
        yield dataset[start : start + step]


@check(
    severity="note",
    why="Without it, the archive names the file by the animal alone, and two sessions of an animal cannot be told apart.",
    remedy="write session_id",
    is_of_tree=True,
)
def structure_session_id(reading: Reading) -> Iterator[Problem]:
    """A session without an id."""
    stored = reading.file.get("general/session_id")
    if stored is None or not _tree.text(stored[()]).strip():
        yield Problem("general", "there is no session_id")


@check(
    severity="warning",
    why="What a program filled in looks like what somebody measured.",
    remedy="write what is known, or leave the field out; where NWB requires it, say in the description that it is unknown",
    is_of_tree=True,
)
def structure_placeholders(reading: Reading) -> Iterator[Problem]:
    """Names and descriptions that a program filled in."""
    for path, _, _, kind in _tree.typed(reading.file):
        name = path.rsplit("/", 1)[-1]
        if _PLACEHOLDER.search(name):
            yield Problem(path, f"this {kind} is called {name}")
    for path, one in _tree.items(reading.file):
        for where, value in _texts(path, one):
            said = value.strip().lower()
            if _PLACEHOLDER.search(value) and len(value) < 200:
                yield Problem(path, f"{where}says {value.strip()!r}")
                break
            if said in _UNSAID and path.startswith("general/devices/") and where == "its attribute description ":
                yield Problem(path, f"its description says {value.strip()!r}")
                break
