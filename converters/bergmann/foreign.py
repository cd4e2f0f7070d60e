"""A lab's own formats: those of installed packages, and those of files in a folder that a person has said may run.

A package declares each with an entry point of the group ``bergmann.formats``, called as session files call the format::

    [project.entry-points."bergmann.formats"]
    logger = "labformats.logger"        # a module with FORMAT, or "labformats.logger:FORMAT"

A folder has one file a format, called as session files call it: ``logger.py``, with FORMAT in it. Which room writes a format is
decided by its record. What is wrong with one is said when it is used, and stops nothing else.
"""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial, wraps
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from bergmann.disk import why_closed
from bergmann.errors import SourceError
from bergmann.records import Record
from bergmann.registry import ForeignModule, Format, Inputs, Source, load_formats, load_rooms

GROUP = "bergmann.formats"
"""Group of the entry points."""


_ran: dict[str, str] = {}
"""Where each file comes from that was run, by its path."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A format that a lab brings; its module is run when it is used.

    Attributes
    ----------
    key : str
        What session files call it.
    origin : str
        Where it comes from, in words: ``"the package labformats 1.2"``, ``"the file logger.py"``.
    load : callable () -> Format
        Raises `SourceError` with the reason if it cannot be used.
    file : FormatFile or None
        What is run, where it is a file that a person has said may run.
    """

    key: str
    origin: str
    load: Callable[[], Format]
    file: FormatFile | None = None


@dataclass(frozen=True, kw_only=True)
class FormatFile:
    """A file of a folder of formats, as it was read; what is run is this and not what stands there later.

    Attributes
    ----------
    path : Path
    content : bytes
    """

    path: Path
    content: bytes

    @property
    def sha256(self) -> str:
        """Digest of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def list_format_files(folder: Path) -> tuple[FormatFile, ...]:
    """The files of a folder of formats, read and not run.

    Parameters
    ----------
    folder : Path
        Files that begin with ``_`` or ``.`` are none of formats.

    Raises
    ------
    SourceError
        If there is no such folder, or no such file in it, or one cannot be read.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is not there"
        raise SourceError(f"{folder.name or folder}: {what}; name the folder that has your formats, one file a format")
    paths = sorted(path for path in folder.glob("*.py") if not path.name.startswith(("_", ".")) and path.is_file())
    if not paths:
        raise SourceError(f"{folder.name or folder}: has no file of a format; expected files such as logger.py")
    try:
        return tuple(FormatFile(path=path, content=path.read_bytes()) for path in paths)
    except OSError as error:
        raise SourceError(f"{Path(error.filename or folder).name}: {why_closed(error)}") from error


def offers_of_files(files: Iterable[FormatFile]) -> tuple[Offer, ...]:
    """The formats of files that a person has said may run."""
    return tuple(
        Offer(key=one.path.stem, origin=f"the file {one.path.name}", load=partial(_load_file, one), file=one) for one in files
    )


def installed_offers() -> tuple[Offer, ...]:
    """The formats of installed packages; none of them is imported."""
    return tuple(
        Offer(key=one.name, origin=f"the package {_package(one)}", load=partial(_load_entry_point, one))
        for one in sorted(entry_points(group=GROUP), key=lambda one: (one.name, _package(one)))
    )


def settle(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """The offers, those that have a name in common with another or with a format of bergmann as ones that cannot be used."""
    every = tuple(offers)
    own, counts = {one.key for one in load_formats()}, Counter(one.key for one in every)
    return tuple(_refused(one, every, own) if one.key in own or counts[one.key] > 1 else one for one in every)


def _refused(offer: Offer, every: tuple[Offer, ...], own: set[str]) -> Offer:
    if offer.key in own:
        why = f"bergmann has a format of that name, which is used; {_told(offer.origin)} to call theirs otherwise"
    else:
        others = " and ".join(one.origin for one in every if one.key == offer.key and one is not offer)
        why = f"{others} offers one of that name, too; take one of them away"
    return replace(offer, load=partial(_say_refused, offer, why))


def _told(origin: str) -> str:
    return f"ask who wrote {origin}"


def _say_refused(offer: Offer, why: str) -> Format:
    raise SourceError(f"format `{offer.key}` of {offer.origin}: {why}")


def origin_of_fault(error: BaseException) -> str:
    """Where the lab's own format comes from whose code an error went through; empty if it went through none."""
    trace, found = error.__traceback__, ""
    while trace is not None:
        found = _ran.get(trace.tb_frame.f_code.co_filename, found)
        trace = trace.tb_next
    return found


# --- running a module -------------------------------------------------------------------------------------------------


def _package(entry_point: EntryPoint) -> str:
    return f"{entry_point.dist.name} {entry_point.dist.version}" if entry_point.dist is not None else entry_point.value


def _load_entry_point(entry_point: EntryPoint) -> Format:
    origin = f"the package {_package(entry_point)}"
    made = _run(entry_point.load, entry_point.name, origin)
    module = made if isinstance(made, ModuleType) else sys.modules.get(entry_point.module)
    file = Path(getattr(module, "__file__", None) or "")
    _ran[str(file)] = origin
    digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
    return _adopted(
        made, entry_point.name, origin, ForeignModule(_package(entry_point), file.name, digest, _code_digest(entry_point, digest))
    )


def _code_digest(entry_point: EntryPoint, own: str) -> str:
    """Digest of a module, by its own, and of every Python file of the package that it is in."""
    code = hashlib.sha256(own.encode())
    package = sys.modules.get(entry_point.module.partition(".")[0])
    for folder in getattr(package, "__path__", ()):
        for file in sorted(Path(folder).rglob("*.py")):
            code.update(file.read_bytes())
    return code.hexdigest()


def _load_file(file: FormatFile) -> Format:
    origin = f"the file {file.path.name}"
    module = _run(partial(_module_of, file), file.path.stem, origin)
    return _adopted(module, file.path.stem, origin, ForeignModule(file.path.name, file.path.name, file.sha256, file.sha256))


def _module_of(file: FormatFile) -> ModuleType:
    """The module of a file's content, run once in a process."""
    name = f"bergmann_format_{file.path.stem}_{file.sha256[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(file.path)
    _ran[str(file.path)] = f"the file {file.path.name}"
    code = compile(file.content, str(file.path), "exec", dont_inherit=True)
    sys.modules[name] = module  # models look there for the names in their annotations
    try:
        exec(code, module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _run(load: Callable[[], Any], key: str, origin: str) -> Any:
    """Run what is not ours; whatever it does is a reason that names it.

    Raises
    ------
    SourceError
        If it raises anything.
    """
    try:
        return load()
    except (Exception, SystemExit) as error:
        raise SourceError(f"format `{key}` of {origin} cannot be used: {_said(error)}; tell who wrote it") from error


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _adopted(made: Any, key: str, origin: str, module: ForeignModule) -> Format:
    """The format of a module, with what it does guarded.

    Raises
    ------
    SourceError
        If it is none, is called otherwise, or has a record that no room writes.
    """
    one = made if isinstance(made, Format) else getattr(made, "FORMAT", None)
    if not isinstance(one, Format):
        raise SourceError(f"format `{key}` of {origin} cannot be used: there is no FORMAT in it; see CONTRIBUTING.md of bergmann")
    if not isinstance(one.record, type) or one.record not in load_rooms():
        known = ", ".join(sorted(record.__name__ for record in load_rooms()))
        found = getattr(one.record, "__name__", one.record)
        raise SourceError(f"format `{key}` of {origin} cannot be used: it gives a {found}; expected one of {known}")
    _run(lambda: one.source.model_json_schema(), key, origin)
    called = _run(lambda: one.key, key, origin)
    if called != key:
        raise SourceError(f"format `{key}` of {origin} cannot be used: inside it is called `{called}`; call both the same")
    return replace(one, module=module, find=_guarded_find(one, origin), read=_guarded_read(one, origin))


def _guarded_find(one: Format, origin: str) -> Callable[[Path], Iterable[Source]]:
    @wraps(one.find)
    def find(folder: Path) -> Iterator[Source]:
        found = _run(lambda: list(one.find(folder)), one.key, origin)
        wrong = [
            source for source in found if not isinstance(source, one.source) or not isinstance(getattr(source, "path", 0), Path)
        ]
        if wrong:
            raise SourceError(
                f"format `{one.key}` of {origin}: finds what is no source of its own with a `path`; tell who wrote it"
            )
        yield from found

    return find


def _guarded_read(one: Format, origin: str) -> Callable[[Any, Inputs], Record]:
    @wraps(one.read)
    def read(source: Any, inputs: Inputs) -> Record:
        try:
            record = one.read(source, inputs)
        except SourceError:
            raise
        except Exception as error:
            named = getattr(source, "path", None)
            file = f"{named.name}: " if isinstance(named, Path) else ""
            what = f"{file}format `{one.key}` of {origin} failed ({_said(error)})"
            raise SourceError(f"{what}; is this the right file? If so, tell who wrote the format") from error
        if type(record) is not one.record:
            found = type(record).__name__
            raise SourceError(f"format `{one.key}` of {origin}: gives a {found}, and says {one.record.__name__}; tell who wrote it")
        return record

    return read
