"""A session file, loaded: what the person states, checked, with the origin of every value and all findings at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PureWindowsPath

from bergmann.findings import Finding
from bergmann.moments import Moment, Reference, names
from bergmann.plan.arms import ArmKey
from bergmann.plan.blinding import load_with_arm
from bergmann.plan.dandiset import Dandiset
from bergmann.plan.expand import expand_runs
from bergmann.plan.head import InvalidInterval, SessionHead, StartFrom
from bergmann.plan.meanings import asked_of
from bergmann.plan.mistakes import error, keys_of, nearest, validate
from bergmann.plan.overlay import Merged, Origin, joined, origins, walk
from bergmann.plan.partial import is_foreign, is_partial, of_partial
from bergmann.plan.references import MomentUse, RefUse, Use, uses, with_paths
from bergmann.plan.runs import NO_RUNS, Runs
from bergmann.plan.sources import PlanKeys, SourceEntry, Vocabulary, choose_format, make_entry
from bergmann.plan.yaml import BLANKS, Branch, Leaf, Node
from bergmann.records import Recording
from bergmann.registry import Format
from bergmann.stated import Collections, Stated

__all__ = ["LoadedSession", "Origin", "SessionHead", "SourceEntry", "StartFrom", "Vocabulary", "dependencies", "load_session"]

NAMES_OF_OBJECTS = ("sources", "runs", "devices", "planes", "light_sites", "indicators", "vectors", "procedures")
"""Maps whose names become names of objects in the NWB file, which are parts of HDF5 paths."""

RESERVED = ("arms", "sessions")
"""Keys that later versions will read."""

OF_THE_DANDISET = "dandiset"
"""Key of what is said of all sessions that are published together; nothing of it goes into a file."""


@dataclass(frozen=True, kw_only=True)
class LoadedSession:
    """A session file with its overlays.

    Attributes
    ----------
    path : Path
    head : SessionHead or None
        None where the findings have errors in its keys.
    collections : mapping of str to mapping of str to Stated
        ``{"planes": {"bg_plane": Plane(...)}}``; every collection is there; entries with errors are left out (and in `findings`).
    sources : mapping of str to SourceEntry
        In the order of the file, then run by run; entries with errors are left out (and in `findings`); of one with blanks the
        files are named.
    incomplete : tuple of str
        Sources that are stated with errors.
    absent : mapping of str to str
        Sources that are said to be absent, and the reason.
    runs : Runs
        Which of the sources are of which run.
    start_source : str or None
        The source that the session starts with, of ``start: from daq``.
    findings : tuple of Finding
        Every gap and mistake.
    origins : mapping of str to Origin
        Where each value and map was stated, by dotted key (``"devices.scope.model"``).
    texts : mapping of str to str
        Each stated value as text, by dotted key (list items by number).
    documents : tuple of Path
        The documents that were laid over each other, in order.
    is_partial : bool
        Whether it is a part that session files are laid over, and no session by itself.
    is_blinded : bool
        Whether the arm is not to be known.
    hidden : tuple of str
        Names of files that tell the arm of a blinded session: nothing of them is here, and no report shows them.
    """

    path: Path
    head: SessionHead | None = None
    collections: Collections = field(default_factory=dict)
    sources: Mapping[str, SourceEntry] = field(default_factory=dict)
    incomplete: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    runs: Runs = field(default_factory=Runs)
    start_source: str | None = None
    findings: tuple[Finding, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    documents: tuple[Path, ...] = ()
    is_partial: bool = False
    is_blinded: bool = False
    hidden: tuple[str, ...] = field(default=(), repr=False)

    @property
    def excluded(self) -> str | None:
        """Why the session is not to be used; None for one that is. Also of a session that has gaps."""
        reason = self.texts.get("session.exclude", "")
        return None if reason in BLANKS else reason

    @property
    def blanks(self) -> frozenset[str]:
        """Dotted keys of what is still to be stated, each a gap in `findings`; also those of the sources of runs that it is for."""
        own = {key for key, text in self.texts.items() if text in BLANKS}
        return frozenset(own | {key for key, stated in self.runs.keys.items() if stated in own})

    def has_blanks(self, source: str) -> bool:
        """Whether anything is still to be stated of a source."""
        return any(key.startswith(f"sources.{source}.") for key in self.blanks)

    @property
    def invalid(self) -> Mapping[str, InvalidInterval]:
        """Stretches of time that should not be analysed."""
        return {} if self.head is None else self.head.invalid

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the sources, each behind those that it refers to.

        Those on a circle or that refer to what is not there are left out (and in `findings`).
        """
        waiting = {name: [*self._sources_behind(dependencies(entry, self.runs))] for name, entry in self.sources.items()}
        done: list[str] = []
        while ready := [name for name, needed in waiting.items() if all(one in done for one in needed)]:
            done.extend(ready)
            waiting = {name: needed for name, needed in waiting.items() if name not in ready}
        return tuple(done)

    def _sources_behind(self, names_: Iterable[str], seen: frozenset[str] = frozenset()) -> Iterator[str]:
        """The sources among the names, and those that the times of drugs among them count from; a procedure has its own date."""
        for name in names_:
            if name in self.sources or not self._is_stated(name):
                yield name
            elif name not in seen:
                yield from self._sources_behind(_named_by(self.collections.get("drugs", {}).get(name), self.runs), seen | {name})

    def _is_stated(self, name: str) -> bool:
        return any(name in self.collections.get(kind, {}) for kind in ("drugs", "procedures"))

    def accounts_of(self, name: str) -> tuple[str, ...]:
        """The sources that are other accounts of one."""
        return tuple(one for one, entry in self.sources.items() if entry.confirms is not None and entry.confirms.name == name)

    def sources_named(self, text: str) -> tuple[str, ...]:
        """The sources that a text names, such as ``movie``, of all runs that have it, or ``movie in base``."""
        return self.runs.entries(self.runs.reference(text))

    def origin(self, key: str) -> Origin:
        """Where a dotted key was stated; for one that was not, the line of the nearest map above it.

        Of a source of a run it is where the run states the key, or the source of that name, and so is the key.
        """
        return _origin_of(self.runs.stated_key(key), self.origins, self.path)

    def place(self, key: str) -> str:
        """``lab.yaml:12 devices.scope.model``, for a finding's location."""
        return self.origin(key).text


def _origin_of(key: str, origins: Mapping[str, Origin], path: Path) -> Origin:
    above = key
    while above not in origins and above:
        above = above.rpartition(".")[0]
    return replace(origins.get(above, Origin(path, 1, "")), key=key)


def _named_by(drug: Stated | None, runs: Runs) -> tuple[str, ...]:
    """Names of what the times of a drug count from."""
    moments = [use.moment for use in uses(drug, "") if isinstance(use, MomentUse)] if drug is not None else []
    return tuple(name for moment in moments for name in _counted_from(moment, runs))


def _counted_from(moment: Moment, runs: Runs) -> Iterator[str]:
    """Names of what a time counts from."""
    yield from (name for one in names(moment) for name in runs.entries(one) if name != "session")


def dependencies(entry: SourceEntry, runs: Runs = NO_RUNS) -> tuple[str, ...]:
    """Names of what a source refers to: in its own keys, its clock, what it confirms, and its start, which may be a drug's."""
    own = [use.ref.name for use in uses(entry.source, "") if isinstance(use, RefUse)]
    clock = [ref.name for ref in (entry.clock, entry.confirms) if ref is not None]
    starts = _counted_from(entry.starts, runs) if entry.starts is not None else ()
    return tuple(dict.fromkeys((*own, *clock, *starts)))


def load_session(path: Path, vocabulary: Vocabulary | None = None, key: ArmKey | None = None) -> LoadedSession:
    """Load a session file and what it uses.

    Parameters
    ----------
    path : Path
        The session file.
    vocabulary : Vocabulary, optional
        What it may speak of; what the rooms and installed packages declare if left out.
    key : ArmKey, optional
        Which animal is in which arm; without it a blinded session stays so.

    Returns
    -------
    LoadedSession
        Never raises for what is in the files: everything wrong is in its findings. While one of the documents cannot be read,
        nothing else is judged.
    """
    merged = load_with_arm(path, key)
    loaded = _judged(path, merged, vocabulary or Vocabulary.here())
    return replace(loaded, is_blinded=merged.is_blinded, hidden=merged.hidden)


def _judged(path: Path, merged: Merged, vocabulary: Vocabulary) -> LoadedSession:
    """What a merged tree says, as what it is: a session, a part of sessions, or another kind of file."""
    if not merged.is_whole:
        return LoadedSession(path=path, findings=merged.findings, documents=merged.documents)
    known = _known_keys(vocabulary)
    if is_foreign(merged.root, known):
        message = "this is another kind of file: a session file has keys such as `session`, `subject`, `time_zone` and `sources`"
        found = error(merged.root, "", "unreadable", message, "name the session file")
        return LoadedSession(path=path, findings=(*merged.findings, found), documents=merged.documents)
    loaded = _Loader(path, merged, vocabulary).load()
    if is_partial(path, merged.root, known):
        return replace(loaded, is_partial=True, findings=tuple(of_partial(path, loaded.findings, loaded.blanks)))
    return loaded


def _known_keys(vocabulary: Vocabulary) -> tuple[str, ...]:
    return (*keys_of(SessionHead), "use", "sources", "runs", OF_THE_DANDISET, *vocabulary.collections, *RESERVED)


class _Loader:
    """Judges a merged tree; one use each."""

    def __init__(self, path: Path, merged: Merged, vocabulary: Vocabulary) -> None:
        self.path = path
        self.merged = merged
        self.root = merged.root
        self.vocabulary = vocabulary
        self.expanded = expand_runs(merged.root, vocabulary)
        self.runs = self.expanded.runs
        self.findings = [*merged.findings, *self.expanded.findings]
        self.origins = origins(merged.root)
        self.kinds: dict[str, Format] = {}

    def load(self) -> LoadedSession:
        self._say_blanks()
        self._say_unknown_keys()
        self._say_unusable_names()
        head = self._head()
        self._judge_dandiset()
        collections = {name: self._collection(name, model) for name, model in self.vocabulary.collections.items()}
        absent, sources = self._sources()
        self._check_uses(head, collections, sources, absent)
        self._check_circles(sources, collections)
        return LoadedSession(
            path=self.path,
            head=head,
            collections=collections,
            sources=sources,
            incomplete=tuple(name for name in self._entries() if name not in sources and name not in absent),
            absent=absent,
            runs=self.runs,
            start_source=self._start_source(head),
            findings=tuple(dict.fromkeys(map(self.runs.located, self.findings))),
            origins=self.origins,
            texts={key: node.text for key, node in walk(self.merged.root) if isinstance(node, Leaf)},
            documents=self.merged.documents,
        )

    # --- what stands there ---

    def _branch(self, name: str) -> Branch:
        """The map of a top-level key; empty where it is missing, blank or no map, which is said elsewhere."""
        node = self.root.entries.get(name)
        return node if isinstance(node, Branch) else Branch({}, self.root.place)

    def _say(self, node: Node, key: str, check: str, message: str, remedy: str = "") -> None:
        self.findings.append(error(node, key, check, message, remedy))

    def _say_blanks(self) -> None:
        said = {finding.location for finding in self.findings}
        for key, node in walk(self.root):
            if (
                isinstance(node, Leaf)
                and node.is_blank
                and self.origins[key].text not in said
                and key.split(".")[0] not in RESERVED
            ):
                found = f"`{node.text}`" if node.text else "nothing"
                asked = asked_of(key.split("."), self.root, self.vocabulary)
                message = f"{found} stands here; it is still to be stated{f': {asked.meaning}' if asked.meaning else ''}"
                self._say(node, key, "gap", message, asked.remedy)

    def _say_unknown_keys(self) -> None:
        known = [key for key in _known_keys(self.vocabulary) if key not in RESERVED]
        for name, node in self.root.entries.items():
            if name in known:
                continue
            if name in RESERVED:
                self._say(node, name, "reserved", f"`{name}:` is reserved and not read by this version yet", "leave it out for now")
            else:
                self._say(node, name, "unknown key", f"there is no key `{name}`", nearest(name, known))

    def _say_unusable_names(self) -> None:
        for kind in NAMES_OF_OBJECTS:
            for name, node in self._branch(kind).entries.items():
                if not name.strip(" .") or {"/", ":"} & set(name):
                    message = f"`{name}` cannot be the name of an object in the NWB file, where `/` and `:` part names"
                    self._say(node, f"{kind}.{name}", "value", message, "use letters, digits, `_` and `-`")

    def _head(self) -> SessionHead | None:
        entries = {name: node for name, node in self.root.entries.items() if name in keys_of(SessionHead)}
        for whole in ("session", "subject"):
            entries.setdefault(whole, Branch({}, self.root.place))
        subject = entries["subject"]
        if isinstance(subject, Branch) and not {"born", "age"} & set(subject.entries):
            message = "neither `born` nor `age` is stated: date of birth, or age in this session"
            self._say(subject, "subject.born", "gap", message, "state one, such as `born: 2024-02-28`; or `unknown`")
        if isinstance(subject, Branch):
            self._warn_of_unknown_age(subject)
        return validate(SessionHead, Branch(entries, self.root.place), "", self.findings)

    def _warn_of_unknown_age(self, subject: Branch) -> None:
        stated = [(key, subject.entries[key]) for key in ("born", "age") if key in subject.entries]
        if stated and all(isinstance(node, Leaf) and node.text == "unknown" for _, node in stated):
            key, node = stated[0]
            message = "neither date of birth nor age is known, and DANDI refuses such a file"
            remedy = "state `born` or `age`, such as `age: 11 weeks`, if anyone knows it"
            said = error(node, f"subject.{key}", "unknown age", message, remedy)
            self.findings.append(replace(said, severity="warning"))

    def _judge_dandiset(self) -> None:
        node = self.root.entries.get(OF_THE_DANDISET)
        branch = self._map(node, OF_THE_DANDISET) if node is not None else None
        if branch is not None:
            validate(Dandiset, branch, OF_THE_DANDISET, self.findings)

    def _collection(self, name: str, model: type[Stated]) -> dict[str, Stated]:
        node = self.root.entries.get(name)
        if node is not None and not isinstance(node, Branch) and not (isinstance(node, Leaf) and node.is_blank):
            self._say(node, name, "value", "this is not a map by name", f"write `{name}: {{<name>: {{...}}}}`")
        found: dict[str, Stated] = {}
        for entry, below in self._branch(name).entries.items():
            key = f"{name}.{entry}"
            branch = self._map(below, key)
            stated = validate(model, branch, key, self.findings) if branch is not None else None
            if stated is not None:
                found[entry] = with_paths(stated, key, self._placed)
        return found

    def _map(self, node: Node, key: str) -> Branch | None:
        if isinstance(node, Branch):
            return node
        if not (isinstance(node, Leaf) and node.is_blank):
            self._say(node, key, "value", "this is not a map of keys", "write `{key: value, ...}`")
        return None

    def _sources(self) -> tuple[dict[str, str], dict[str, SourceEntry]]:
        node = self.root.entries.get("sources")
        if node is None:
            self._say(self.root, "sources", "gap", "`sources` is missing: where the files are", "state at least one source")
        elif not isinstance(node, Branch):
            self._map(node, "sources")
        absent: dict[str, str] = {}
        found: dict[str, SourceEntry] = {}
        for name, below in self._entries().items():
            key = f"sources.{name}"
            branch = self._map(below, key)
            if branch is None:
                continue
            if "absent" in branch.entries:
                own = validate(PlanKeys, Branch({"absent": branch.entries["absent"]}, branch.place), key, self.findings)
                absent[name] = "" if own is None or own.absent is None else own.absent
                continue
            kind = choose_format(branch, key, self.vocabulary, self.findings)
            if kind is None:
                continue
            self.kinds[name] = kind
            entry = make_entry(name, branch, kind, self.vocabulary, self.findings)
            if entry is not None:
                run, _ = self.runs.place_of(name) or (None, name)
                placed = with_paths(entry.source, key, self._placed)
                found[name] = replace(entry, source=placed, stated=with_paths(entry.stated, key, self._placed), run=run)
        return absent, found

    def _entries(self) -> Mapping[str, Node]:
        """The sources, those of runs one for each run."""
        node = self.expanded.root.entries.get("sources")
        return node.entries if isinstance(node, Branch) else {}

    # --- paths ---

    def _origin(self, key: str) -> Origin:
        return _origin_of(self.runs.stated_key(key), self.origins, self.path)

    def _placed(self, key: str, path: Path) -> Path:
        """A path as stated, filled in and made absolute: it is relative to the document that states it."""
        text = re.sub(r"<([^<>]*)>", lambda match: self._filled(match[1], key), str(path))
        if PureWindowsPath(text).drive and os.name != "nt":
            self._error_at(key, "value", f"`{text}` is on a drive of another computer", "write the path relative to this file")
        return joined(self._origin(key).document.absolute().parent, text)

    def _filled(self, name: str, key: str) -> str:
        holder, _, word = name.partition("_")
        if name not in {"subject_id", "session_id"}:
            self._error_at(key, "value", f"`<{name}>` stands for nothing", "placeholders are <subject_id> and <session_id>")
            return f"<{name}>"
        node = self._branch(holder).entries.get(word)
        return node.text if isinstance(node, Leaf) and not node.is_blank else f"<{name}>"

    # --- references ---

    def _check_uses(
        self,
        head: SessionHead | None,
        collections: Collections,
        sources: Mapping[str, SourceEntry],
        absent: Mapping[str, str],
    ) -> None:
        found: list[Use] = list(uses(head, "")) if head is not None else []
        for collection, entries in collections.items():
            found += [use for name, stated in entries.items() for use in uses(stated, f"{collection}.{name}")]
        for name, entry in sources.items():
            key = f"sources.{name}"
            found += [*uses(entry.source, key), *uses(entry.stated, key)]
            found += [RefUse(f"{key}.clock", entry.clock, Recording)] if entry.clock is not None else []
            found += [RefUse(f"{key}.confirms", entry.confirms, entry.format.record)] if entry.confirms is not None else []
            found += [MomentUse(f"{key}.starts", entry.starts)] if entry.starts is not None else []
        for use in found:
            if isinstance(use, RefUse):
                self._check_ref(use, absent)
            elif isinstance(use, MomentUse):
                for reference in names(use.moment):
                    self._check_moment(use, self.runs.bound(reference), absent)
            elif use.collection != "sources":
                self._check_name(use.key, use.name, (use.collection,), use.name, absent)
            elif self._is_of_run(use.key, use.name, reference := self.runs.reference(use.name), absent, of_each=True):
                self._check_name(use.key, reference.name, ("sources",), use.name, absent)
        if head is not None and head.session.start_from is not None:
            self._check_start(head.session.start_from, self._start_source(head), absent)

    def _start_source(self, head: SessionHead | None) -> str | None:
        """The source that the session starts with, if there is one of that name."""
        stated = head.session.start_from if head is not None else None
        source = self.runs.start_of(stated, {name: kind.key for name, kind in self.kinds.items()}) if stated is not None else None
        return source if source in self._entries() else None

    def _check_start(self, stated: str, source: str | None, absent: Mapping[str, str]) -> None:
        if source is not None and source not in absent:
            return
        meant = self.runs.reference(stated)
        if having := self.runs.having(meant.name) if meant.run is None else ():
            message = f"`from {stated}`: the first run, {next(iter(self.runs.sources))}, has no {meant.name}"
            self._dangling("session.start", message, f"runs that have it: {', '.join(having)}")
        elif self._is_of_run("session.start", f"from {stated}", meant, absent, of_each=True):
            self._check_name("session.start", source or meant.name, ("sources",), f"from {stated}", absent)

    def _known(self, kinds: tuple[str, ...]) -> list[str]:
        return [name for kind in kinds for name in self._branch(kind).entries]

    def _check_name(self, key: str, name: str, kinds: tuple[str, ...], shown: str, absent: Mapping[str, str]) -> bool:
        if "sources" in kinds and name in absent:
            self._dangling(key, f"`{shown}`: {name} is absent ({absent[name]})", "leave this out, or say that it is absent, too")
            return False
        if name in self._known(kinds) or ("sources" in kinds and name in self._entries()):
            return True
        where = " or ".join(kind for kind in kinds if kind != "runs" or self.runs.sources)
        self._dangling(key, f"`{shown}`: there is no `{name}` in {where}", nearest(name, self._known(kinds)))
        return False

    def _is_of_run(self, key: str, shown: str, meant: Reference, absent: Mapping[str, str], *, of_each: bool) -> bool:
        """Whether the runs leave no doubt about a name."""
        wrong = self.runs.problem_of(meant, absent, of_each=of_each)
        if wrong is not None:
            self._dangling(key, f"`{shown}`: {wrong[0]}", wrong[1])
        return wrong is None

    def _check_ref(self, use: RefUse, absent: Mapping[str, str]) -> None:
        meant = self.runs.meant_by(use.ref.name) if use.ref.name not in self._entries() else None
        if meant is not None and not self._is_of_run(use.key, str(use.ref), meant, absent, of_each=True):
            return
        if use.key.endswith(".clock") and use.ref.part is None and use.ref.name not in self._known(("sources",)):
            message = f"`{use.ref}`: a clock is a channel of a recording, and there is no `{use.ref}` in sources"
            self._dangling(use.key, message, f"write `<recording>/{use.ref}` if it is a channel, such as `daq/FrameClock`")
            return
        if not self._check_name(use.key, use.ref.name, ("sources",), str(use.ref), absent):
            return
        kind = self.kinds.get(use.ref.name)
        if kind is not None and not issubclass(kind.record, use.record):
            fitting = [name for name, one in self.kinds.items() if issubclass(one.record, use.record)]
            wanted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", use.record.__name__).lower()
            message = f"`{use.ref}`: a {wanted} must be named here, and {use.ref.name} is none (it is read as {kind.label})"
            self._dangling(use.key, message, f"fitting sources: {', '.join(fitting) or 'none'}")

    def _check_moment(self, use: MomentUse, reference: Reference, absent: Mapping[str, str]) -> None:
        if "session" in reference.kinds and (reference.name, reference.run) == ("session", None):
            return
        if not self._is_of_run(use.key, use.moment.text, reference, absent, of_each=use.moment.is_of_each):
            return
        kinds = tuple(kind for kind in reference.kinds if kind != "session")
        if not self._check_name(use.key, reference.name, kinds, use.moment.text, absent):
            return
        meant = [kind for kind in kinds if reference.name in self._branch(kind).entries]
        if len(meant) > 1:
            message = f"`{use.moment.text}`: `{reference.name}` is in {' and in '.join(meant)}; which is meant?"
            self._error_at(use.key, "conflict", message, "give one of them another name")

    def _dangling(self, key: str, message: str, remedy: str) -> None:
        self._error_at(key, "dangling reference", message, remedy)

    def _error_at(self, key: str, check: str, message: str, remedy: str) -> None:
        found = error(self.root, key, check, message, remedy)
        self.findings.append(replace(found, location=self._origin(key).text))

    def _check_circles(self, sources: Mapping[str, SourceEntry], collections: Collections) -> None:
        """Refuse sources and drugs whose times or contents need themselves."""

        def keys(named: Iterable[str]) -> set[str]:
            return {f"sources.{name}" if name in sources else f"drugs.{name}" for name in named}

        needed = {f"sources.{name}": keys(dependencies(entry, self.runs)) for name, entry in sources.items()}
        needed |= {f"drugs.{name}": keys(_named_by(drug, self.runs)) for name, drug in collections.get("drugs", {}).items()}
        try:
            TopologicalSorter(needed).prepare()
        except CycleError as refused:
            circle = [str(name) for name in refused.args[1]][::-1]
            message = f"a circle: {' needs '.join(circle)}"
            self._dangling(circle[0], message, "take the reference out that is wrong")
