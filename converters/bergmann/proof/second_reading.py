"""The sources of a session read a second time, and compared with an NWB file through plain h5py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import h5py

from bergmann.errors import BergmannError, SourceError
from bergmann.plan.session import LoadedSession, load_session
from bergmann.plan.sources import Vocabulary
from bergmann.proof.adapting import adapt
from bergmann.proof.claims import LARGE, Claim, Difference, Seen, digest_of, look, search
from bergmann.proof.comparing import Context, compare
from bergmann.proof.digests import Rows, sample_of
from bergmann.proof.packets import is_without_telling
from bergmann.proof.readers import NotReadError, SecondReader, second_reader
from bergmann.proof.said import Pictures, Said
from bergmann.proof.verifying import sha256_of

OWN_READER = "its own reader, in another process"

_FAILED = (
    NotReadError,
    SourceError,
    ImportError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
)
"""What a second reader may raise for a file that it does not know: its own reader then reads again, and the proof says so."""


@dataclass(frozen=True)
class Reading:
    """What became of one source.

    Attributes
    ----------
    source, format : str
    by : str
        What has read it a second time.
    why_own : str
        Why that was its own reader, where another one is declared and did not do.
    paths : list of str
        Datasets of the file that were compared.
    """

    source: str
    format: str
    by: str
    why_own: str
    paths: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Order:
    """What is to be read, and how."""

    session: Path
    file: Path
    videos: Path | None
    formats: tuple[tuple[str, str], ...]
    sample: bool
    locate: tuple[str, ...]


def read_and_compare(order: Mapping[str, Any]) -> dict[str, Any]:
    """Read every source of a session again, and compare it with a file.

    Parameters
    ----------
    order : mapping
        ``session``, ``file``; ``videos``, the folder where the videos of the file are, if not beside it; ``formats``, (path,
        content) of the lab's own formats that a person has said may run; ``sample``, whether of large arrays only a part is
        compared; ``locate``, paths whose first different element is looked for.

    Returns
    -------
    dict
        ``readings``; ``expected``, the digest that each large array should have, with its source, for whoever takes that of the
        file; ``sampled``, elements that were compared of each array of which not all were; ``differences`` as (path, message);
        ``sources``, SHA-256 by file, and ``beside``, size and SHA-256 of each video by its name in the file.
    """
    meant = _Order(
        session=Path(order["session"]),
        file=Path(order["file"]),
        videos=Path(order["videos"]) if order.get("videos") else None,
        formats=tuple((name, content) for name, content in order.get("formats", ())),
        sample=bool(order.get("sample")),
        locate=tuple(order.get("locate", ())),
    )
    return _Comparison(meant).run()


@dataclass
class _Found:
    """What came of comparing one source."""

    paths: list[str] = field(default_factory=list)
    expected: dict[str, tuple[str, str]] = field(default_factory=dict)
    sampled: dict[str, Rows] = field(default_factory=dict)
    differences: list[tuple[str, str]] = field(default_factory=list)


class _Comparison:
    """One comparison; one use."""

    def __init__(self, order: _Order) -> None:
        self.order = order
        self.vocabulary = _vocabulary(order.formats)
        self.loaded: LoadedSession = load_session(order.session, self.vocabulary)
        self.known: dict[str, Said] = {}
        self.readings: list[Reading] = []
        self.expected: dict[str, tuple[str, str]] = {}
        self.sampled: dict[str, Rows] = {}
        self.differences: list[tuple[str, str]] = []
        self.beside: dict[str, tuple[int, str]] = {}
        self._aligned: Any = None

    def run(self) -> dict[str, Any]:
        accounts = {entry.confirms.name for entry in self.loaded.sources.values() if entry.confirms is not None}
        with ThreadPoolExecutor(1) as hashing, h5py.File(self.order.file, "r") as file:
            sums: dict[Path, Any] = {}
            for name in self.loaded.order:
                entry = self.loaded.sources[name]
                if entry.confirms is not None:
                    continue
                said, reading, found = self._read_and_compare(file, entry, has_accounts=name in accounts)
                self.known[name] = said
                for path in said.files:
                    if path.is_file() and not self.order.locate:
                        sums.setdefault(path, hashing.submit(sha256_of, path))
                self._take(found)
                self.readings.append(reading)
            digests = {path: one.result() for path, one in sums.items()}
            self._compare_videos(file, digests)
        return {
            "readings": [asdict(one) for one in self.readings],
            "expected": self.expected,
            "sampled": self.sampled,
            "differences": self.differences,
            "sources": {str(path): digest for path, digest in digests.items()},
            "beside": self.beside,
        }

    def _read_and_compare(self, file: Any, entry: Any, *, has_accounts: bool) -> tuple[Said, Reading, _Found]:
        """What a source says by another reader, or where that does not know its files by its own, and what came of comparing it."""
        reader: SecondReader | None = None if has_accounts else second_reader(entry)
        why = "another account of it has a part in what is written" if has_accounts else ""
        if reader is not None:
            by = reader.by
            try:
                said = reader.read(entry, self.known)
                if _is_placed_by_statement(entry):
                    said = _with_times_of(said, adapt(entry.name, self._record(entry.name)))
                    by = f"{by}, but for its times, which the pulses that are stated give"
                found = self._compare(file, entry, said)
            except _FAILED as error:
                why = f"{reader.by}: {error}"
            else:
                return said, Reading(entry.name, entry.format.key, by, "", found.paths), found
        said = adapt(entry.name, self._record(entry.name))
        found = self._compare(file, entry, said)
        return said, Reading(entry.name, entry.format.key, OWN_READER, why, found.paths), found

    def _take(self, found: _Found) -> None:
        self.expected |= found.expected
        self.sampled |= found.sampled
        self.differences += found.differences

    def _record(self, name: str) -> Any:
        """What the converter's own reader says, on the session's clock."""
        if self._aligned is None:
            from bergmann.convert.align import align
            from bergmann.plan.resolve import make_plan

            self._aligned = align(make_plan(self.order.session, self.vocabulary))
        return self._aligned.records[name]

    def _compare(self, file: Any, entry: Any, said: Said) -> _Found:
        found = _Found()
        context = Context(
            file=file, entry=entry, known=self.known, collections=self.loaded.collections, entries=self.loaded.sources
        )
        for one in compare(said, context):
            if isinstance(one, Difference):
                found.differences.append((one.path, f"{entry.name}: {one.message}"))
            elif isinstance(one, Seen):
                found.paths.append(one.path)
            elif not self.order.locate or one.path in self.order.locate:
                self._claim(file, entry.name, one, found)
                found.paths.append(one.path)
        return found

    def _claim(self, file: Any, name: str, claim: Claim, found: _Found) -> None:
        difference = look(file, claim)
        if difference is None:
            rows = sample_of(claim.values.shape, claim.values.dtype.itemsize) if self.order.sample else ()
            if rows:
                found.sampled[claim.path] = rows
            if claim.size >= LARGE and not rows and not self.order.locate:
                found.expected[claim.path] = (digest_of(claim), name)
                return
            difference = search(file, claim, rows)
        if difference is not None:
            found.differences.append((difference.path, f"{name}: {difference.message}"))

    def _compare_videos(self, file: Any, digests: Mapping[Path, str]) -> None:
        """Each video beside the file must be the same bytes as its source, or the same packets without what told of a person."""
        for name, said in self.known.items():
            path = f"acquisition/{name}/external_file"
            if not isinstance(said, Pictures) or path not in file or self.order.locate:
                continue
            placed = file[path].asstr()[:].tolist()
            for number, source in enumerate(said.files[: len(placed)]):
                beside = self._place(placed[number])
                if not beside.is_file():
                    self.differences.append((path, f"{name}: the video {placed[number]} is not there"))
                    continue
                found = digests[source] if beside.samefile(source) and source in digests else sha256_of(beside)
                self.beside[placed[number]] = (beside.stat().st_size, found)
                if found != digests.get(source) and not is_without_telling(source, beside):
                    self.differences.append((path, f"{name}: {placed[number]} holds other bytes than {source.name}"))

    def _place(self, name: str) -> Path:
        inside = PurePosixPath(name)
        return self.order.file.parent / inside if self.order.videos is None else self.order.videos / inside.name


def _vocabulary(formats: tuple[tuple[str, str], ...]) -> Vocabulary:
    """What the session file may speak of, with the lab's own formats that ran in the conversion."""
    if not formats:
        return Vocabulary.here()
    from bergmann.foreign import FormatFile, offers_of_files

    return Vocabulary.here(offers_of_files(FormatFile(path=Path(path), content=content.encode()) for path, content in formats))


def is_of_session(path: Path, subject_id: str, session_id: str) -> bool:
    """Whether a document is the session file of a session; never raises for what is in it."""
    if not re.search(rb"(?m)^\s*(sources|session|runs)\s*:", path.read_bytes()[: 1 << 20]):
        return False
    try:
        loaded = load_session(path)
    except BergmannError:
        return False
    return (loaded.texts.get("subject.id"), loaded.texts.get("session.id")) == (subject_id, session_id)


def _is_placed_by_statement(entry: Any) -> bool:
    """Whether more than a source's own times and one pulse a frame decide its times.

    That are pulses that a person has told apart, or that two recorders share.
    """
    return entry.pulses.pairs or entry.frame_ids is not None or (entry.line is not None and entry.line.own is not None)


def _with_times_of(said: Said, own: Said) -> Said:
    """Values as another reader reads them, at the times that the conversion gives them."""
    names = ("times", "ticks", "rate", "starts", "taken")
    times = {name: getattr(own, name) for name in names if hasattr(said, name) and hasattr(own, name)}
    return replace(said, placed=True, **times)
