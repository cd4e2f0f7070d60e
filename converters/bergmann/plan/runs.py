"""The runs of a session: sources that are stated once and recorded several times become one source a run.

This is done on the tree, before anything is judged: ``movie`` of the run ``base`` is from then on a source ``base_movie`` like any
other, whose keys have the places where they were written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from bergmann.findings import Finding
from bergmann.moments import Moment, Reference, in_run, names
from bergmann.plan.mistakes import error, nearest
from bergmann.plan.overlay import merge, walk
from bergmann.plan.references import ref_fields
from bergmann.plan.sources import Vocabulary, choose_format
from bergmann.plan.yaml import Branch, Items, Leaf, Node
from bergmann.registry import Format


@dataclass(frozen=True)
class Runs:
    """The runs of a session; empty where it names none.

    Attributes
    ----------
    sources : mapping of str to mapping of str to str
        By run and by source as it is stated: the name of its entry, ``{"base": {"movie": "base_movie"}}``.
    keys : mapping of str to str
        Where what stands in an entry was stated: ``{"sources.base_movie.path": "runs.base.movie"}``.
    """

    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    def bound(self, reference: Reference) -> Reference:
        """A reference as it is meant: with its run, or, where no run has that name, as one name with `` in `` in it."""
        return reference if reference.run is None or reference.run in self.sources else reference.undivided

    def entries(self, reference: Reference) -> tuple[str, ...]:
        """Names of the sources that are meant, in the order of the runs: of all runs where none is said, of a run all."""
        meant = self.bound(reference)
        if meant.run is not None:
            return tuple(entry for name, entry in self.sources[meant.run].items() if name == meant.name)
        if several := tuple(entry for of_run in self.sources.values() for name, entry in of_run.items() if name == meant.name):
            return several
        return tuple(self.sources[meant.name].values()) if meant.name in self.sources else (meant.name,)

    def reference(self, text: str) -> Reference:
        """The source that a text names, such as ``movie`` or ``movie in base``."""
        name, found, run = text.rpartition(" in ")
        if not found:
            return Reference(text, None, ("sources",))
        return self.bound(Reference(name.strip(), None, ("sources",), run.strip()))

    def start_of(self, text: str, formats: Mapping[str, str]) -> str | None:
        """The source that a session starts with.

        Parameters
        ----------
        text : str
            ``patch in base``, ``base_patch``, ``patch`` (of the first run), or ``base_abf`` where one source of that run is ABF.
        formats : mapping of str to str
            Format of each source.

        Returns
        -------
        str or None
            The text itself where it names no source of a run; None if the run has none of that name.
        """
        meant = self.reference(text)
        if meant.run is not None:
            return self.sources[meant.run].get(meant.name)
        if self.having(meant.name):
            return next(iter(self.sources.values())).get(meant.name)
        for run, of_run in self.sources.items():
            alike = [entry for entry in of_run.values() if f"{run}_{formats.get(entry)}" == text and text not in formats]
            if len(alike) == 1:
                return alike[0]
        return text

    def meant_by(self, entry: str) -> Reference | None:
        """The source that a name of an entry would be of; None where it begins with no run's name."""
        sources = {name for of_run in self.sources.values() for name in of_run}
        places = ((run, entry.removeprefix(f"{run}_")) for run in self.sources if entry.startswith(f"{run}_"))
        return next((Reference(name, None, ("sources",), run) for run, name in places if name in sources), None)

    def problem_of(self, meant: Reference, absent: Mapping[str, str], *, of_each: bool) -> tuple[str, str] | None:
        """What is not clear about a reference because of the runs, and what to do; None if nothing is.

        Parameters
        ----------
        meant : Reference
            As `bound` gives it.
        absent : mapping of str to str
            The sources that are absent, and why.
        of_each : bool
            Whether it may be of several runs.
        """
        having = self.having(meant.name)
        if meant.run is None:
            if len(having) > 1 and not of_each:
                return f"{meant.name} is in the runs {', '.join(having)}; which is meant?", f"write `{meant} in {having[0]}`, say"
            reasons = [absent[one] for one in (f"{run}_{meant.name}" for run in self.sources) if one in absent]
            if reasons and not having:
                return f"{meant.name} is absent in every run ({reasons[0]})", "leave this out, or say that it is absent, too"
            return self._unknown_run(meant)
        if meant.run in having:
            return None
        if reason := absent.get(f"{meant.run}_{meant.name}"):
            return f"{meant.name} is absent in the run {meant.run} ({reason})", "leave this out, or say that it is absent, too"
        if having:
            return f"the run {meant.run} has no {meant.name}", f"runs that have it: {', '.join(having)}"
        there = ", ".join(self.sources[meant.run]) or "nothing"
        return (
            f"`{meant.name}` is not among the sources of the run {meant.run}",
            f"it has: {there}; leave `in {meant.run}` out for others",
        )

    def _unknown_run(self, meant: Reference) -> tuple[str, str] | None:
        """A reference to a run that is not there is bound as a name with `` in `` in it."""
        name, found, run = str(meant).rpartition(" in ")
        if not found or not self.having(name.partition("/")[0]):
            return None
        return f"there is no run `{run}`", f"runs: {', '.join(self.sources)}"

    def having(self, source: str) -> tuple[str, ...]:
        """The runs that have a source."""
        return tuple(run for run, of_run in self.sources.items() if source in of_run)

    def place_of(self, entry: str) -> tuple[str, str] | None:
        """Run and source of an entry; None for one of the whole session."""
        places = ((run, name) for run, of_run in self.sources.items() for name, made in of_run.items() if made == entry)
        return next(places, None)

    def stated_key(self, key: str) -> str:
        """Where a dotted key was, or would be, stated."""
        above = key
        while above and above not in self.keys:
            above = above.rpartition(".")[0]
        if not above or above == key:
            return self.keys.get(key, key)
        place = self.place_of(above.removeprefix("sources."))
        return (f"sources.{place[1]}" if place is not None else self.keys[above]) + key[len(above) :]

    def located(self, finding: Finding) -> Finding:
        """A finding with the key that a person wrote in place of that of an entry."""
        match = re.fullmatch(r"(.+?:\d+) (sources\..*)", finding.location, re.DOTALL)
        return finding if match is None else replace(finding, location=f"{match[1]} {self.stated_key(match[2])}")


NO_RUNS = Runs()
"""Of a session that is one recording."""


@dataclass(frozen=True)
class Expanded:
    """A session file's tree with one source for each run in place of one for all.

    Attributes
    ----------
    root : Branch
    runs : Runs
    findings : tuple of Finding
        What is wrong with ``runs``.
    """

    root: Branch
    runs: Runs = field(default_factory=Runs)
    findings: tuple[Finding, ...] = ()


def expand_runs(root: Branch, vocabulary: Vocabulary) -> Expanded:
    """Make one source a run of each source that runs name, and of each that derives from such a one.

    Parameters
    ----------
    root : Branch
        All documents, merged.
    vocabulary : Vocabulary
        Whose formats say which keys name other sources.
    """
    runs = root.entries.get("runs")
    if runs is None or (isinstance(runs, Leaf) and runs.is_blank):
        return Expanded(root)
    if not isinstance(runs, Branch):
        message = "this is not a map by name"
        return Expanded(root, findings=(error(runs, "runs", "value", message, "write `runs: {<run>: {<source>: <path>}}`"),))
    return _Expansion(root, runs, vocabulary).expand()


class _Expansion:
    """Makes the sources of all runs; one use each."""

    def __init__(self, root: Branch, runs: Branch, vocabulary: Vocabulary) -> None:
        self.root = root
        self.vocabulary = vocabulary
        self.findings: list[Finding] = []
        stated = root.entries.get("sources")
        self.nodes: Mapping[str, Node] = stated.entries if isinstance(stated, Branch) else {}
        self.stated = {name: node for name, node in self.nodes.items() if isinstance(node, Branch)}
        self.place = stated.place if stated is not None else root.place
        self.alone: set[str] = set()
        self.listed = {run: dict(self._listed(run, node)) for run, node in runs.entries.items()}
        self.of_runs = self._of_runs()

    def expand(self) -> Expanded:
        self._check_own_paths()
        entries = {name: node for name, node in self.nodes.items() if name not in self.of_runs}
        sources: dict[str, dict[str, str]] = {run: {} for run in self.listed}
        keys: dict[str, str] = {}
        for run in self.listed:
            for name in self._in_run(run):
                entry = f"{run}_{name}"
                if entry in self.nodes or entry in entries:
                    self._refuse_clash(run, name, entry)
                    continue
                branch, below = self._entry(run, name)
                entries[entry] = branch
                keys |= {f"sources.{entry}{key}": stated for key, stated in below.items()}
                if not _is_absent(branch):
                    sources[run][name] = entry
        for name in sorted(self.of_runs - {name for run in self.listed for name in self._in_run(run)}):
            needed = ", ".join(sorted(self.of_runs & set(self._needed(name))))
            message = f"no run has all that {name} needs: {needed}"
            self._say(self.stated[name], f"sources.{name}", "gap", message, "if it was not recorded, write `absent: <reason>`")
        root = Branch({**self.root.entries, "sources": Branch(entries, self.place)}, self.root.place)
        return Expanded(root, Runs(sources, keys), tuple(self.findings))

    def _say(self, node: Node, key: str, check: str, message: str, remedy: str) -> None:
        self.findings.append(error(node, key, check, message, remedy))

    # --- what stands in `runs` ---

    def _listed(self, run: str, node: Node) -> Iterator[tuple[str, Branch]]:
        """What a run lists: of each source the keys that are laid over it."""
        key = f"runs.{run}"
        if isinstance(node, Leaf) and node.is_blank:
            return
        if not isinstance(node, Branch):
            self._say(node, key, "value", "this is not a map of sources", f"write `{run}: {{<source>: <path>}}`")
            return
        if not node.entries:
            self._say(node, key, "gap", f"the run {run} lists no source", "state the paths of what was recorded in it")
        for name, value in node.entries.items():
            source = self.stated.get(name)
            if name not in self.nodes:
                message = f"there is no `{name}` in sources"
                self._say(value, f"{key}.{name}", "dangling reference", message, nearest(name, self.nodes))
            elif source is not None and _is_absent(source):
                message = f"`sources` says that {name} is absent, and the run {run} has it"
                remedy = f"say it of the runs without it, as `{name}: {{absent: <reason>}}`"
                self._say(value, f"{key}.{name}", "conflict", message, remedy)
            elif source is not None and (over := self._over(value, f"{key}.{name}", source)) is not None:
                yield name, over

    def _over(self, value: Node, key: str, source: Branch) -> Branch | None:
        """The keys that a run states of a source; a text alone is its path."""
        if isinstance(value, Branch):
            return value
        if isinstance(value, Items):
            self._say(value, key, "value", "this is a list", "write one path, with `*` for many files, or a map of keys")
            return None
        kind = self._kind(source)
        if kind is not None and "path" not in kind.source.model_fields:
            message = f"`{value.text}`: {kind.label} has no path of its own"
            self._say(value, key, "value", message, "leave it out, or write a map of the keys that differ in this run")
            return None
        self.alone.add(key)
        return Branch({"path": value}, value.place)

    # --- which sources there are in which run ---

    def _kind(self, branch: Branch) -> Format | None:
        return choose_format(branch, "", self.vocabulary, [])

    def _of_runs(self) -> frozenset[str]:
        """The sources that are one for each run: those that a run lists, and all that derive from them."""
        found = {name for listed in self.listed.values() for name in listed}
        while more := {name for name in self.stated if name not in found and found & set(self._needed(name))}:
            found |= more
        return frozenset(found)

    def _needed(self, name: str) -> Iterator[str]:
        """The sources that a source, as stated for all runs, takes its contents or its times from."""
        branch = self.stated[name]
        if _is_absent(branch):
            return
        for word in (*self._words(branch), "clock"):
            node = branch.entries.get(word)
            if isinstance(node, Leaf) and not node.is_blank:
                yield node.text.partition("/")[0].strip()
        starts = branch.entries.get("starts")
        if isinstance(starts, Leaf) and not starts.is_blank:
            yield from _counted_from(starts.text)

    def _words(self, branch: Branch) -> tuple[str, ...]:
        """The keys of a source that name another one."""
        kind = self._kind(branch)
        return ref_fields(kind.source) if kind is not None else ()

    def _has_path(self, name: str) -> bool:
        kind = self._kind(self.stated[name])
        return kind is None or "path" in kind.source.model_fields

    def _lists(self, name: str) -> list[str]:
        """The runs that list a source as recorded."""
        return [run for run, listed in self.listed.items() if name in listed and not _is_absent(listed[name])]

    def _in_run(self, run: str) -> Iterator[str]:
        """The sources of a run, in their order: those that it lists, and those that derive from them and need no other path."""
        there = set(self.listed[run])
        free = {name for name in self.of_runs - there if not (self._has_path(name) and self._lists(name))}
        recorded = {name for name in there if not _is_absent(self.listed[run][name])}
        while more := {name for name in free if self._comes_with(name, recorded)}:
            recorded |= more
            free -= more
        return (name for name in self.stated if name in there | recorded)

    def _comes_with(self, name: str, recorded: set[str]) -> bool:
        needed = self.of_runs & set(self._needed(name))
        return bool(needed) and needed <= recorded

    def _check_own_paths(self) -> None:
        """Refuse a path that no run reads, and one for several runs."""
        for name in self.of_runs:
            path = self.stated[name].entries.get("path")
            if path is None:
                continue
            lists = self._lists(name)
            if lists and all("path" in self.listed[run][name].entries for run in lists):
                message = f"each run that has {name} states a path of its own, so that this one is never read"
                self._say(path, f"sources.{name}.path", "conflict", message, "leave it out here")
            runs = [run for run in self.listed if name in self._in_run(run)]
            if not lists and len(runs) > 1:
                behind = ", ".join(sorted(self.of_runs & set(self._needed(name))))
                message = f"one path, but {behind}, which {name} takes its times from, is there in each of {', '.join(runs)}"
                remedy = (
                    f"state it in `runs`, with a path for each run or in the only one that has it: `{runs[0]}: {{{name}: <path>}}`"
                )
                self._say(path, f"sources.{name}.path", "conflict", message, remedy)

    def _refuse_clash(self, run: str, name: str, entry: str) -> None:
        message = f"{name} of the run {run} is called `{entry}`, and another source has that name"
        node: Node = self.listed[run].get(name, self.stated[name])
        key = f"runs.{run}.{name}" if name in self.listed[run] else f"sources.{name}"
        self._say(node, key, "conflict", message, "give the run or one of the sources another name")

    # --- the entries ---

    def _entry(self, run: str, name: str) -> tuple[Branch, dict[str, str]]:
        """The keys of a source of one run, and where each was stated (by the key below the entry: ``.path``)."""
        source, over = self.stated[name], self.listed[run].get(name)
        key = f"sources.{name}" if over is None else f"runs.{run}.{name}"
        if over is not None and _is_absent(over):
            return over, {"": key, **{f".{word}": f"{key}.{word}" for word, _ in walk(over)}}
        branch = source
        if over is not None:
            branch, more = merge(_without_other_times(source, over), over, key)  # the run's word counts
            self.findings.extend(more)
        below = {"": key}
        own = {} if over is None else dict(walk(over))
        for word, _ in walk(branch):
            said = key if key in self.alone else f"{key}.{word}"
            below[f".{word}"] = said if word in own else f"sources.{name}.{word}"
        return Branch(dict(self._meant(run, branch)), source.place), below

    def _meant(self, run: str, branch: Branch) -> Iterator[tuple[str, Node]]:
        """The keys with their references to sources of runs made those of this run."""
        words = (*self._words(branch), "clock")
        for word, node in branch.entries.items():
            if isinstance(node, Leaf) and word in words:
                name, slash, part = node.text.partition("/")
                is_of_run = name.strip() in self.of_runs
                yield word, replace(node, text=f"{run}_{name.strip()}{slash}{part}") if is_of_run else node
            elif isinstance(node, Leaf) and word == "starts":
                yield word, replace(node, text=in_run(node.text, run, self.of_runs))
            else:
                yield word, node


def _is_absent(branch: Branch) -> bool:
    return "absent" in branch.entries


def _counted_from(text: str) -> Iterator[str]:
    """The source that a time counts from without saying in which run."""
    try:
        found = names(Moment(text))
    except ValueError:
        return
    yield from (one.name for one in found if "sources" in one.kinds and one.run is None)


def _without_other_times(source: Branch, over: Branch) -> Branch:
    """The source without its clock where a run states when it started, and the other way round: the run's word counts."""
    other = {"starts": "clock", "clock": "starts"}
    taken = {other[word] for word in other if word in over.entries and other[word] not in over.entries}
    return Branch({word: node for word, node in source.entries.items() if word not in taken}, source.place)
