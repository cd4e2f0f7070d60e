"""A session file, loaded: what the person states, checked, with the origin of every value and all findings at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bergmann.findings import Finding
from bergmann.moments import Moment
from bergmann.plan.head import InvalidInterval, SessionHead
from bergmann.plan.overlay import Origin
from bergmann.records import Record, Recording
from bergmann.registry import Format, Source, load_collections, load_formats, load_stated
from bergmann.stated import Collections, Ref, Stated


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What a session file may speak of: the formats, and the models of what is stated.

    Attributes
    ----------
    formats : tuple of Format
    stated : mapping of record type to stated model
    collections : mapping of collection name to stated model
    """

    formats: tuple[Format, ...]
    stated: Mapping[type[Record], type[Stated]]
    collections: Mapping[str, type[Stated]]

    @classmethod
    def of_rooms(cls) -> Vocabulary:
        """What the rooms declare."""
        return cls(formats=load_formats(), stated=load_stated(), collections=load_collections())


@dataclass(frozen=True, kw_only=True)
class SourceEntry:
    """One entry of ``sources``.

    Attributes
    ----------
    name : str
    format : Format
    source : Source
        Its paths are absolute.
    stated : Stated
        What is said of it, in the room's model for its record.
    clock : Ref or None
        The channel whose pulses tick for its frames.
    starts : Moment or None
        When its zero is.
    frames : tuple of int, optional
        First and last frame of a longer series that are this session's, counted from 1, both included.
    last_frame : int, optional
        Last frame to use, counted from 1.
    """

    name: str
    format: Format
    source: Source
    stated: Stated
    clock: Ref[Recording] | None = None
    starts: Moment | None = None
    frames: tuple[int, int] | None = None
    last_frame: int | None = None


@dataclass(frozen=True, kw_only=True)
class LoadedSession:
    """A session file with its overlays.

    Attributes
    ----------
    path : Path
    head : SessionHead or None
        None where the findings have errors in its keys.
    collections : mapping of str to mapping of str to Stated
        ``{"planes": {"bg_plane": Plane(...)}}``; entries with errors are left out (and in `findings`).
    sources : mapping of str to SourceEntry
        In the order of the file; entries with errors are left out (and in `findings`).
    absent : mapping of str to str
        Sources that are said to be absent, and the reason.
    findings : tuple of Finding
        Every gap and mistake.
    origins : mapping of str to Origin
        Where each value and map was stated, by dotted key (``"devices.scope.model"``).
    """

    path: Path
    head: SessionHead | None
    collections: Collections
    sources: Mapping[str, SourceEntry]
    absent: Mapping[str, str]
    findings: tuple[Finding, ...]
    origins: Mapping[str, Origin]

    @property
    def invalid(self) -> Mapping[str, InvalidInterval]:
        """Stretches of time that should not be analysed."""
        return {} if self.head is None else self.head.invalid

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the sources, each behind those that it needs."""
        raise NotImplementedError

    def origin(self, key: str) -> Origin:
        """Where a dotted key was stated, or the nearest map above it."""
        raise NotImplementedError


def load_session(path: Path, vocabulary: Vocabulary | None = None) -> LoadedSession:
    """Load a session file and what it uses.

    Parameters
    ----------
    path : Path
        The session file.
    vocabulary : Vocabulary, optional
        What it may speak of; what the rooms declare if left out.

    Returns
    -------
    LoadedSession
        Never raises for what is in the files: everything wrong is in its findings.
    """
    raise NotImplementedError(path, vocabulary)
