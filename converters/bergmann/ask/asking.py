"""A question to files, folders and addresses."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py

from bergmann.ask.answer import Answer
from bergmann.ask.cache import Cache, Stamp, cache_folder
from bergmann.ask.facts import Facts
from bergmann.ask.matching import answers_of
from bergmann.ask.question import Question, hints, make_question
from bergmann.ask.reading import read_facts
from bergmann.ask.remote import RemoteFile, is_url, shown_url
from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.validate.files import find_nwb_files

_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, AttributeError)
"""What h5py raises for a file whose bytes are not what they should be."""

Watch = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What came of a question.

    Attributes
    ----------
    answers : tuple of Answer
        By file, in the order of its tables.
    unreadable : tuple of Finding
        One for each file that could not be read, and of which nothing is therefore known.
    hints : tuple of str
        Names in the question that the vocabulary does not know.
    n_files : int
        How many files were asked, with those that could not be read.
    """

    answers: tuple[Answer, ...]
    unreadable: tuple[Finding, ...]
    hints: tuple[str, ...]
    n_files: int

    @property
    def n_sessions(self) -> int:
        """How many files have an answer."""
        return len({answer.file for answer in self.answers})


def ask(
    sources: Iterable[str | Path],
    question: Question | None = None,
    *,
    cache: Path | bool = True,
    watch: Watch | None = None,
    **criteria: str | Iterable[str],
) -> Answers:
    """Ask files, folders and addresses.

    Parameters
    ----------
    sources : iterable of str or Path
        NWB files, folders (with all below them), and addresses that begin with ``http://`` or ``https://``.
    question : Question or None
        The question; made from `criteria` if None.
    cache : Path or bool
        Where to keep what local files said, so that only changed ones are read again: a folder, the user's cache folder (True), or
        nowhere (False). Nothing is written where the data is.
    watch : callable or None
        Called with the numbers of files done and of all.
    **criteria
        Those of `Question`, each one value or several: ``gene="Adra1a"``.

    Returns
    -------
    Answers

    Raises
    ------
    QuestionError
        If the question cannot be asked.
    SourceError
        If a path does not exist, or there is no NWB file below any.
    """
    asked = make_question(criteria) if question is None else question
    place = cache_folder() if cache is True else cache
    answers: list[Answer] = []
    unreadable: list[Finding] = []
    files = tuple(_files(sources, place if isinstance(place, Path) else None))
    for number, file in enumerate(files, start=1):
        try:
            facts = file.facts()
        except SourceError as error:
            unreadable.append(Finding(severity="error", check="unreadable", location=file.name, message=str(error)))
        else:
            answers += answers_of(facts, asked, file.name)
        if watch is not None:
            watch(number, len(files))
    for kept in {id(file.cache): file.cache for file in files if file.cache is not None}.values():
        kept.save()
    return Answers(answers=tuple(answers), unreadable=tuple(unreadable), hints=tuple(hints(asked)), n_files=len(files))


def read_file(source: str | Path) -> Facts:
    """What one file says of itself.

    Parameters
    ----------
    source : str or Path
        An NWB file, or its address.

    Raises
    ------
    SourceError
        If it cannot be read, is not an NWB file, or contradicts itself.
    """
    try:
        if is_url(str(source)):
            with RemoteFile(str(source)) as remote, h5py.File(remote, "r") as file:
                return read_facts(file)
        with h5py.File(source, "r") as file:
            return read_facts(file)
    except BlockingIOError as error:
        raise SourceError("another process is writing to it; wait until that is done") from error
    except _DAMAGE as error:
        raise SourceError(f"it is damaged or no HDF5 file ({error}); convert or download it again, it may be cut off") from error


@dataclass(frozen=True)
class _File:
    """A file or an address that is asked, and where what it said is kept."""

    source: str | Path
    name: str
    cache: Cache | None = None

    def facts(self) -> Facts:
        if self.cache is None or not isinstance(self.source, Path):
            return read_file(self.source)
        try:
            stamp = Stamp.of(self.source)
        except OSError as error:
            raise SourceError(f"it cannot be opened: {error.strerror}") from error
        known = self.cache.get(self.source, stamp)
        if known is not None:
            return known
        facts = read_file(self.source)
        self.cache.put(self.source, stamp, facts)
        return facts


def _files(sources: Iterable[str | Path], place: Path | None) -> Iterator[_File]:
    """Every file once, with one cache for each folder that is asked, or that holds a file that is."""
    caches: dict[Path, Cache] = {}
    seen: set[str] = set()
    for source in sources:
        if is_url(str(source)):
            found = [_File(str(source), shown_url(str(source)))]
        elif "://" in str(source):
            raise SourceError(
                f"{shown_url(str(source))}: only addresses that begin with http:// or https:// can be asked, such as the download "
                "address of a DANDI asset"
            )
        else:
            named = Path(source)
            folder = named if named.is_dir() else named.parent
            if place is not None and folder not in caches:
                caches[folder] = Cache(folder, place)
            found = [_File(path, str(path), caches.get(folder)) for path in find_nwb_files([named])]
        for file in found:
            key = os.path.abspath(file.source) if isinstance(file.source, Path) else file.source  # noqa: PTH100 (links stay)
            if key not in seen:
                seen.add(key)
                yield file
