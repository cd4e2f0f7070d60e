"""How a format declares itself, how formats are found, and what a writer of NWB objects is handed.

A new format is one module in its room with a `Source` model, ``find``, ``read`` and ``FORMAT``; it is found by walking the folder.
A lab may keep its own elsewhere (`bergmann.foreign`).
A room's ``stated.py`` says what a person must state for each record and collection, its ``nwb.py`` turns records into NWB.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from bergmann.arrays import LazyArray
from bergmann.disk import folded, is_litter, same_letters, stubs, too_long
from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.moments import Moment, When
from bergmann.records import Record
from bergmann.stated import Collections, Device, Ref, Stated
from bergmann.timing.fit import ClockFit

ROOMS = ("signals", "imaging", "segmentation", "ephys", "optogenetics", "behavior", "receptors")

RecordT = TypeVar("RecordT", bound=Record)
StatedT = TypeVar("StatedT", bound=Stated)


class Source(BaseModel):
    """Where the bytes of one stream are, and the choices only a person can make.

    A subclass adds ``format: Literal["its key"] = "its key"``, the paths (type `Path`, patterns allowed, see `expand`), and
    references to other sources (type ``Ref[TheirRecord]``).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


@dataclass(frozen=True)
class ForeignModule:
    """Where a format comes from that is not bergmann's own.

    Attributes
    ----------
    name : str
        The package and its version, or the file: ``"labformats 1.2"``, ``"logger.py"``.
    file : str
        Name of the module's file.
    sha256 : str
        Digest of the file that was run, in hexadecimal.
    code : str
        Digest of all that decides how it reads: of that file, and of every Python file of the package that it is in.
    """

    name: str
    file: str
    sha256: str
    code: str


Inputs = Mapping[str, Record]
"""The records that a source's references name, by field: ``{"of": Movie(...)}``."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A file format: how to find it in a folder and how to read it into a record.

    Attributes
    ----------
    source : type of Source
    record : type of Record
    label : str
        What a person calls it, e.g. ``"ScanImage TIFF"``.
    find : callable (folder) -> iterable of Source
        Sources of this format in a folder, found by content; never raises for a file that is something else.
    read : callable (source, inputs) -> Record
        Reads headers; arrays stay lazy. Raises `SourceError`.
    reads_values : bool
        Whether ``read`` must go through values, not only headers (pulses of a channel); `check` then leaves it out.
    chosen_by : str or None
        The key whose presence chooses this format among those of the same name (``site`` or ``event`` of ``channel``).
    module : ForeignModule or None
        Where a lab's own format comes from; None for those of bergmann. Set by what loads it.
    """

    source: type[Source]
    record: type[Record]
    label: str
    find: Callable[[Path], Iterable[Source]]
    read: Callable[[Any, Inputs], Record]
    reads_values: bool = False
    chosen_by: str | None = None
    module: ForeignModule | None = None

    @property
    def key(self) -> str:
        """Name of the format in a session file."""
        return str(self.source.model_fields["format"].default)

    @property
    def room(self) -> str:
        """The room that writes its record, e.g. ``"imaging"``, wherever the format itself is kept."""
        return load_rooms()[self.record]


@dataclass(frozen=True, kw_only=True)
class Entry(Generic[RecordT, StatedT]):
    """One source of a session, ready to be written.

    Attributes
    ----------
    name : str
        Key in ``sources``; the name of what is written.
    record : Record
        On the session's clock.
    stated : Stated
        What the person says of it.
    source : Source
        Where it came from.
    accounts : tuple of Record
        Headers of the other accounts of the same (`Confirmed`), as far as they are read.
    """

    name: str
    record: RecordT
    stated: StatedT
    source: Source
    accounts: tuple[Record, ...] = ()

    @property
    def of(self) -> Ref[Any] | None:
        """The source that this one is derived from, if any."""
        return getattr(self.source, "of", None)


def _no_clock(moment: Moment) -> tuple[When, ...]:
    raise SourceError(f"`{moment.text}`: there is no session here whose clock could say when that was")


@dataclass(frozen=True)
class Placed:
    """The NWB objects made so far, and how large arrays and videos reach the file.

    Attributes
    ----------
    stream : callable (LazyArray) -> object
        Gives what pynwb takes as ``data`` for an array that is written a block at a time.
    collections : mapping
        What the person states, by collection and name.
    when : callable (Moment) -> tuple of When
        When a moment that a person states was, on the session's clock; several for ``each event of puffs``.
    objects : dict
        What was made, by (collection, name).
    externals : list of (pynwb ImageSeries, tuple of Path)
        Videos that go beside the NWB file, in the order of the series' ``external_file``; the writer places them and sets the
        relative paths.
    makers: dict
        Of which (collection, name) each object was made that is not in `objects`, by its object_id; see `note_made`.
    """

    stream: Callable[[LazyArray], Any]
    collections: Collections
    when: Callable[[Moment], tuple[When, ...]] = _no_clock
    objects: dict[tuple[str, str], Any] = field(default_factory=dict)
    externals: list[tuple[Any, tuple[Path, ...]]] = field(default_factory=list)
    makers: dict[str, tuple[str, str]] = field(default_factory=dict)

    def note_made(self, nwbfile: Any, collection: str, name: str = "") -> None:
        """Remember of all objects that are new in a file that they were made of ``collection.name``."""
        waiting = [nwbfile]
        while waiting:
            one = waiting.pop()
            self.makers.setdefault(one.object_id, (collection, name))
            waiting += one.children

    def put(self, collection: str, name: str, made: object) -> None:
        """Remember what was made for ``collection.name``."""
        self.objects[collection, name] = made

    def get(self, collection: str, name: str) -> Any:
        """What was made for ``collection.name``.

        Raises
        ------
        KeyError
            If nothing was; the plan has refused dangling names before, so this is an error in the order of writing.
        """
        return self.objects[collection, name]

    def stated(self, collection: str, name: str) -> Any:
        """What the person states as ``collection.name``."""
        return self.collections[collection][name]


AddEntry = Callable[[Any, Any, Placed], None]
"""(nwbfile, entry, placed): writes one source."""

AddCollection = Callable[[Any, Any, Placed], None]
"""(nwbfile, {name: stated}, placed): writes one stated collection."""

CheckEntry = Callable[[Any, Collections], Iterator[Finding]]
"""(entry, collections): what contradicts between a source's header and what is stated; location is the key inside the entry.

The record of a format that `reads_values` is None at `check` time, since only headers are read then.
"""

NamesOf = Callable[[Any], Iterator[tuple[str, str]]]
"""(entry): where in the file, and under which names, a source is written: ``("acquisition", "movie_ch1")``.

The record of a format that `reads_values` is None at `check` time.
"""


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """What two accounts of the same say together.

    Attributes
    ----------
    record : Record
        What is written: the record that was confirmed, with what the account adds.
    account : Record
        The account, on the session's clock.
    fit : ClockFit or None
        How it was put there by what it confirms; None if it was there.
    findings : tuple of Finding
        Where the two differ; location is the key inside the account's entry.
    """

    record: Record
    account: Record
    fit: ClockFit | None = None
    findings: tuple[Finding, ...] = ()


ConfirmEntry = Callable[..., Confirmed]
"""(entry, account, is_placed=...): compares a source with another account of the same, and takes from that what only it knows.

``account`` is an `Entry`, too; ``is_placed`` is whether its times are on the session's clock. Raises `SourceError` if the two are
not of the same.
"""


@dataclass(frozen=True)
class Confirmation:
    """How a kind of record is compared with another account of the same.

    Attributes
    ----------
    stated : type of Stated
        What a person says of such an account, in place of what is said of a source that is written.
    confirm : callable
    """

    stated: type[Stated]
    confirm: ConfirmEntry


def _modules(room: str) -> Iterator[Any]:
    package = import_module(f"bergmann.{room}")
    for module in sorted(iter_modules(package.__path__), key=lambda one: one.name):
        if module.name not in {"stated", "nwb"} and not module.name.startswith("_"):
            yield import_module(f"bergmann.{room}.{module.name}")


@cache
def load_formats() -> tuple[Format, ...]:
    """The formats of bergmann, by room and then by key; imports neither pynwb nor a vendor's reader."""
    return tuple(module.FORMAT for room in ROOMS for module in _modules(room) if hasattr(module, "FORMAT"))


@cache
def load_rooms() -> Mapping[type[Record], str]:
    """The room that writes each kind of record, from each room's ``stated.STATED``."""
    return {record: room for room in ROOMS for record in import_module(f"bergmann.{room}.stated").STATED}


@cache
def load_stated() -> Mapping[type[Record], type[Stated]]:
    """What a person states for each kind of record, from each room's ``stated.STATED``."""
    return {record: stated for room in ROOMS for record, stated in import_module(f"bergmann.{room}.stated").STATED.items()}


@cache
def load_collections() -> Mapping[str, type[Stated]]:
    """The named maps of a session file that the rooms own, from each room's ``stated.COLLECTIONS``, and ``devices``."""
    rooms = (import_module(f"bergmann.{room}.stated") for room in ROOMS)
    owned = {name: model for room in rooms for name, model in getattr(room, "COLLECTIONS", {}).items()}
    return {"devices": Device, **owned}


@cache
def load_checks() -> Mapping[type[Record], CheckEntry]:
    """Header checks of each kind of record, from each room's ``stated.CHECKS``."""
    return {
        record: check for room in ROOMS for record, check in getattr(import_module(f"bergmann.{room}.stated"), "CHECKS", {}).items()
    }


@cache
def load_confirmations() -> Mapping[type[Record], Confirmation]:
    """How two accounts of the same are compared, for each kind of record that can have several, from ``stated.CONFIRMS``."""
    return {
        record: confirm
        for room in ROOMS
        for record, confirm in getattr(import_module(f"bergmann.{room}.stated"), "CONFIRMS", {}).items()
    }


@cache
def load_names() -> Mapping[type[Record], NamesOf]:
    """Names of the objects that each kind of record is written as, from each room's ``stated.NAMES``."""
    return {
        record: names for room in ROOMS for record, names in getattr(import_module(f"bergmann.{room}.stated"), "NAMES", {}).items()
    }


def entry_writer(record: type[Record]) -> AddEntry:
    """The writer of a kind of record, from its room's ``nwb.ADD``; imports pynwb, and the extensions of that room only."""
    add: AddEntry = import_module(f"bergmann.{load_rooms()[record]}.nwb").ADD[record]
    return add


@cache
def collection_writer(name: str) -> AddCollection:
    """The writer of a stated collection, from ``nwb.ADD_COLLECTIONS`` of the room that owns it, else of another.

    Imports pynwb, and the extensions of the rooms that were asked only: each costs a tenth of a second or more.

    Raises
    ------
    KeyError
        If no room writes it.
    """
    owners = [room for room in ROOMS if name in getattr(import_module(f"bergmann.{room}.stated"), "COLLECTIONS", {})]
    for room in (*owners, "receptors", *ROOMS):
        add: AddCollection | None = getattr(import_module(f"bergmann.{room}.nwb"), "ADD_COLLECTIONS", {}).get(name)
        if add is not None:
            return add
    raise KeyError(name)


_MAGIC = ("*", "?", "[")


def natural_order(path: Path) -> list[tuple[int, int | str]]:
    """Sort key that puts ``a_2`` before ``a_10``."""
    import re

    return [(0, int(part)) if part.isdigit() else (1, part.lower()) for part in re.split(r"(\d+)", path.as_posix())]


def expand(path: Path) -> tuple[Path, ...]:
    """The files that a path or a pattern names, in natural order (``_2`` before ``_10``).

    Parameters
    ----------
    path : Path
        A file or folder, or a pattern with ``*``, ``?`` or ``[...]``. A name that exists is itself, even with brackets in it.

    Raises
    ------
    SourceError
        If there is nothing; the message lists what is there instead.
    """
    if path.exists():
        return (path,)
    if (other := same_letters(path)) is not None:
        return (other,)
    root = Path(path.anchor)
    pattern: list[str] = []
    for part in path.relative_to(path.anchor).parts if path.anchor else path.parts:
        there = None if pattern else same_letters(root / part)
        if not pattern and (there is not None or not any(sign in part for sign in _MAGIC)):
            root = there or root / part
        else:
            pattern.append(part)
    found = _matching(root, pattern) if pattern and root.is_dir() else []
    if found:
        return tuple(found)
    raise SourceError(_nothing_there(path, is_pattern=bool(pattern)))


def _matching(root: Path, pattern: list[str]) -> list[Path]:
    """The files that match, without what systems leave beside them.

    Raises
    ------
    SourceError
        If one more is in iCloud only, or two have names that many disks take for one.
    """
    hidden = pattern[-1].startswith(".")
    matching = list(root.glob("/".join(pattern)))
    if not matching and len(pattern) == 1 and not pattern[0].isascii():
        matching = [path for path in root.iterdir() if fnmatch(folded(path.name), folded(pattern[0]))]
    there = (path for path in matching if hidden or not path.name.startswith("."))
    found = sorted((path for path in there if not is_litter(path.name)), key=natural_order)
    for folder in {path.parent for path in found} or ({root} if len(pattern) == 1 else ()):
        for stub in stubs(folder):
            if fnmatch(stub.name, pattern[-1]) and stub not in found:
                raise SourceError(f"{stub.name}: this file is in iCloud and not on this disk; download it, then run this again")
    twins: dict[str, Path] = {}
    for path in found:
        twin = twins.setdefault(folded(str(path)), path)
        if twin != path:
            raise SourceError(
                f"{path.name}: there is {twin.name}, too; on Windows and macOS these are one name, so that one of them would be "
                "lost there; rename one"
            )
    return found


def named_files(source: Source) -> tuple[Path, ...]:
    """The files and folders that the paths of a source name.

    Raises
    ------
    SourceError
        As `expand`.
    """
    values = (getattr(source, name) for name in type(source).model_fields)
    return tuple(file for value in values if isinstance(value, Path) for file in expand(value))


def pattern_for(files: tuple[Path, ...], stem: str, suffix: str) -> Path | None:
    """A path or pattern that names these files and no other; None if there is none.

    Parameters
    ----------
    files : tuple of Path
        Of one folder.
    stem, suffix : str
        What their names begin and end with.
    """
    if len(files) == 1:
        return files[0]
    from glob import escape

    folder, wanted = files[0].parent, {path.name for path in files}
    with os.scandir(folder) as entries:
        there = {entry.name for entry in entries if entry.name.startswith(stem)}
    digits = {len(name) - len(stem) - len(suffix) for name in wanted}
    exact = "[0-9]" * digits.pop() if len(digits) == 1 else "[0-9]*"
    for between in ("*", exact):
        pattern = f"{escape(stem)}{between}{suffix}"
        if {name for name in there if fnmatch(name, pattern)} == wanted:
            return folder / pattern
    return None


def _nothing_there(path: Path, *, is_pattern: bool) -> str:
    """What is missing, the file or a folder on the way to it, and what is there instead."""
    missing, folder = path, path.parent
    while not folder.is_dir() and folder != folder.parent:
        missing, folder = folder, folder.parent
    if missing == path and path in stubs(folder):
        return f"{path.name}: this file is in iCloud and not on this disk; download it, then run this again"
    if hint := too_long(len(str(path.absolute()))):
        return f"{path.name}: it is not there, or cannot be seen: {hint}"
    there = [child.name for child in sorted(folder.iterdir(), key=natural_order)] if folder.is_dir() else []
    listing = ", ".join([*there[:8], *(["..."] if len(there) > 8 else [])]) or "nothing"
    if missing != path:
        what = f"there is no folder {missing.name!r}"
    else:
        what = f"no file matches {path.name!r}" if is_pattern else f"there is no {path.name!r}"
    return f"{path.name}: {what}; the folder {folder.name!r} has: {listing}"
