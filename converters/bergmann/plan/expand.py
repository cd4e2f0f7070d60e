"""Sources that are stated once and recorded in several runs become one source a run.

This is done on the tree, before anything is judged: ``movie`` of the run ``base`` is from then on a source ``base_movie`` like any
other, whose keys have the places where they were written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from bergmann.findings import Finding
from bergmann.moments import Moment, in_run, names
from bergmann.plan.mistakes import error, nearest
from bergmann.plan.overlay import merge, walk
from bergmann.plan.references import ref_fields
from bergmann.plan.runs import Runs
from bergmann.plan.sources import CONFIRMS, Vocabulary, choose_format
from bergmann.plan.yaml import Branch, Items, Leaf, Node
from bergmann.registry import Format

_OTHERS = ("clock", CONFIRMS)
"""Keys that name a source, whatever the format."""


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
        self._say_left_out()
        root = Branch({**self.root.entries, "sources": Branch(entries, self.place)}, self.root.place)
        return Expanded(root, Runs(sources, keys), tuple(self.findings))

    def _say_left_out(self) -> None:
        """No source is forgotten: of what it needs, some is in one run and some in another, or in none."""
        for name in sorted(self.of_runs - {name for run in self.listed for name in self._in_run(run)}):
            message = f"no run has all that {name} needs: {self._behind(name)}"
            self._say(self.stated[name], f"sources.{name}", "gap", message, "if it was not recorded, write `absent: <reason>`")

    def _behind(self, name: str) -> str:
        return ", ".join(sorted(self.of_runs & set(self._needed(name))))

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
        for word in (*self._words(branch), *_OTHERS):
            node = branch.entries.get(word)
            if word == "clock" and isinstance(node, Branch):
                node = node.entries.get("line")
            if isinstance(node, Leaf) and not node.is_blank:
                yield node.text.partition("/")[0].strip()
        clock = branch.entries.get("clock")
        for starts in (branch.entries.get("starts"), clock.entries.get("begins") if isinstance(clock, Branch) else None):
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
        for name in (one for one in self.stated if one in self.of_runs):
            path = self.stated[name].entries.get("path")
            if path is None:
                continue
            lists = self._lists(name)
            if lists and all("path" in self.listed[run][name].entries for run in lists):
                message = f"each run that has {name} states a path of its own, so that this one is never read"
                self._say(path, f"sources.{name}.path", "conflict", message, "leave it out here")
            runs = [run for run in self.listed if name in self._in_run(run)]
            if not lists and len(runs) > 1:
                message = (
                    f"one path, but {self._behind(name)}, which {name} takes its times from, is there in each of {', '.join(runs)}"
                )
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
        words = (*self._words(branch), *_OTHERS)
        for word, node in branch.entries.items():
            if isinstance(node, Branch) and word == "clock":
                inner = {key: self._meant_by(run, one, key, ("line",)) for key, one in node.entries.items()}
                yield word, Branch(inner, node.place)
            else:
                yield word, self._meant_by(run, node, word, words)

    def _meant_by(self, run: str, node: Node, word: str, words: tuple[str, ...]) -> Node:
        """A value with the source that it names made that of this run; some of the words name one, or a time."""
        if isinstance(node, Leaf) and word in words:
            name, slash, part = node.text.partition("/")
            is_of_run = name.strip() in self.of_runs
            return replace(node, text=f"{run}_{name.strip()}{slash}{part}") if is_of_run else node
        if isinstance(node, Leaf) and word in ("starts", "begins"):
            return replace(node, text=in_run(node.text, run, self.of_runs))
        return node


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
