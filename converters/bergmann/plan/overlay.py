"""One merge for everything that is laid over each other: study, arm, subject, spreadsheet row, session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bergmann.errors import SessionError
from bergmann.findings import Finding
from bergmann.plan.yaml import Branch, Document, Items, Leaf, Node, Place, read_document


@dataclass(frozen=True)
class Origin:
    """Where a value was stated.

    Attributes
    ----------
    document : Path
    line : int
        Counted from 1.
    key : str
        Dotted key, e.g. ``"devices.scope.model"``.
    """

    document: Path
    line: int
    key: str

    @property
    def text(self) -> str:
        """``lab.yaml:12 devices.scope.model``."""
        return f"{self.document.name}:{self.line} {self.key}".rstrip()


@dataclass(frozen=True)
class Merged:
    """Documents laid over each other.

    Attributes
    ----------
    root : Branch
        Without ``use``. A value that a later document leaves empty is kept here, and is a gap in `findings`.
    findings : tuple of Finding
    documents : tuple of Path
        In the order in which they were laid.
    is_whole : bool
        Whether every document could be read and may be.
    is_blinded : bool
        Whether the arm is not to be known (see `bergmann.plan.blinding`).
    hidden : tuple of str
        Names of files that tell the arm of a blinded session; nothing of them is in `root`, and no report shows them.
    """

    root: Branch
    findings: tuple[Finding, ...]
    documents: tuple[Path, ...]
    is_whole: bool = True
    is_blinded: bool = False
    hidden: tuple[str, ...] = field(default=(), repr=False)


def load_merged(path: Path) -> Merged:
    """Read a session file and the documents that it uses, and lay them over each other: the file itself last.

    Documents are named relative to the one that uses them, may use others, and may not use themselves.
    """
    reading = read_documents(path)
    return lay(reading.documents, path, reading.findings, is_whole=reading.is_whole)


@dataclass(frozen=True)
class Used:
    """A document that another one names in ``use``.

    Attributes
    ----------
    path : Path
    place : Place
        The line that names it.
    users : tuple of Path
        The documents through which it is used, the session file first.
    """

    path: Path
    place: Place
    users: tuple[Path, ...]


@dataclass(frozen=True)
class Reading:
    """A session file and what it uses, not yet laid over each other.

    Attributes
    ----------
    documents : tuple of Document
        Those that could be read, in the order in which they are laid, without their ``use``.
    used : tuple of Used
        All that are named, whether or not they are there and can be read.
    findings : tuple of Finding
    is_whole : bool
        Whether every document could be read.
    """

    documents: tuple[Document, ...]
    used: tuple[Used, ...]
    findings: tuple[Finding, ...]
    is_whole: bool


def read_documents(path: Path) -> Reading:
    """Read a session file and the documents that it uses."""
    reader = _Reader()
    documents = tuple(reader.read(path.absolute(), ()))
    return Reading(documents, tuple(reader.used), tuple(reader.findings), reader.is_whole)


def lay(documents: Iterable[Document], path: Path, findings: Iterable[Finding] = (), *, is_whole: bool = True) -> Merged:
    """Lay documents over each other in order; `path` is the session file that they belong to."""
    root = Branch({}, Place(path, 1))
    said, laid = list(findings), tuple(documents)
    for document in laid:
        root = _merge(root, document.root, "", said)
    return Merged(Branch(root.entries, Place(path, 1)), tuple(said), tuple(document.path for document in laid), is_whole)


def merge(base: Branch, over: Branch, key: str = "") -> tuple[Branch, tuple[Finding, ...]]:
    """Lay one tree over another: maps are merged by key, lists replaced, an empty value is a gap and deletes nothing.

    Parameters
    ----------
    base, over : Branch
    key : str
        Dotted key of what is laid over, for the findings.
    """
    findings: list[Finding] = []
    return _merge(base, over, key, findings), tuple(findings)


def set_leaf(root: Branch, setting: str, place: Place) -> Branch:
    """Set one value by its dotted key.

    Parameters
    ----------
    root : Branch
    setting : str
        ``drugs.capsaicin.at=10 min after movie``.
    place : Place
        Where this is said: a line of a spreadsheet, say.

    Returns
    -------
    Branch
        A new tree; `root` is as it was.

    Raises
    ------
    ValueError
        If it is not ``key=value``, or the key goes through a value that is no map.
    """
    key, equals, value = setting.partition("=")
    keys = [part.strip() for part in key.split(".")]
    if not equals or not all(keys):
        raise ValueError(f"`{setting}` is not a setting; write `dotted.key=value`, such as `drugs.capsaicin.at=10:41`")
    return _set(root, keys, Leaf(value.strip(), place), key.strip())


def _set(branch: Branch, keys: list[str], leaf: Leaf, dotted: str) -> Branch:
    name, *rest = keys
    if not rest:
        if isinstance(branch.entries.get(name), Branch):
            raise ValueError(f"`{dotted}` is a map; set one of its keys: {', '.join(branch.entries[name].entries)}")  # type: ignore[union-attr]
        return Branch({**branch.entries, name: leaf}, branch.place)
    below = branch.entries.get(name, Branch({}, leaf.place))
    if not isinstance(below, Branch):
        raise ValueError(f"`{dotted}`: `{name}` is no map, so nothing in it can be set")
    return Branch({**branch.entries, name: _set(below, rest, leaf, dotted)}, branch.place)


def origins(root: Branch) -> dict[str, Origin]:
    """Where each value, list and map was stated, by dotted key (list items by number from 0)."""
    return {key: Origin(node.place.document, node.place.line, key) for key, node in walk(root)}


def walk(node: Node, key: str = "") -> Iterator[tuple[str, Node]]:
    """Every node below a node with its dotted key, in order."""
    children: list[tuple[str, Node]] = []
    if isinstance(node, Branch):
        children = list(node.entries.items())
    elif isinstance(node, Items):
        children = [(str(index), one) for index, one in enumerate(node.nodes)]
    for name, child in children:
        dotted = f"{key}.{name}" if key else name
        yield dotted, child
        yield from walk(child, dotted)


# --- merging ----------------------------------------------------------------------------------------------------------


def _merge(base: Branch, over: Branch, key: str, findings: list[Finding]) -> Branch:
    entries = dict(base.entries)
    for name, node in over.entries.items():
        dotted = f"{key}.{name}" if key else name
        below = entries.get(name)
        entries[name] = node if below is None else _lay(below, node, dotted, findings)
    return Branch(entries, over.place)


def _lay(below: Node, node: Node, key: str, findings: list[Finding]) -> Node:
    if isinstance(node, Leaf) and node.is_blank:
        if isinstance(below, Leaf) and below.is_blank:
            return node
        remedy = f"state it, or leave the line out to keep what {below.place.text} says"
        findings.append(_error(node, key, "gap", "left empty, over a value that is stated; an empty value deletes nothing", remedy))
        return below
    if isinstance(below, Leaf) and below.is_blank:
        return node
    if isinstance(below, Branch) and isinstance(node, Branch):
        return _merge(below, node, key, findings)
    if isinstance(below, Branch) != isinstance(node, Branch):
        message = f"{_kind(node)} here and {_kind(below)} in {below.place.text}; one cannot be laid over the other"
        findings.append(_error(node, key, "conflict", message, "write both alike"))
    return node


def _kind(node: Node) -> str:
    return {"Leaf": "a text", "Items": "a list", "Branch": "a map"}[type(node).__name__]


def _error(node: Node, key: str, check: str, message: str, remedy: str) -> Finding:
    location = Origin(node.place.document, node.place.line, key).text
    return Finding(severity="error", check=check, location=location, message=message, remedy=remedy)


class _Reader:
    """Reads the documents that a document uses, and collects what is wrong with them."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.used: list[Used] = []
        self.is_whole = True

    def read(self, path: Path, users: tuple[Path, ...]) -> Iterator[Document]:
        try:
            document = read_document(path)
        except SessionError as error:
            self.findings.extend(error.findings)
            self.is_whole = False
            return
        self.findings.extend(document.findings)
        used = document.root.entries.get("use")
        for node in self._names(used):
            other = joined(path.parent, node.text)
            self.used.append(Used(other, node.place, (*users, path)))
            if other.resolve() in {one.resolve() for one in (*users, path)}:
                chain = " uses ".join(one.name for one in (*users, path, other))
                self._refuse(node, f"a circle: {chain}", "leave one of them out")
            elif not other.is_file():
                there = ", ".join(sorted(one.name for one in path.parent.glob("*.y*ml") if one != path)[:8]) or "none"
                self._refuse(node, f"there is no file {node.text}", f"YAML files beside {path.name}: {there}")
            else:
                yield from self.read(other, (*users, path))
        entries = {name: node for name, node in document.root.entries.items() if name != "use"}
        yield Document(path, Branch(entries, document.root.place))

    def _names(self, used: Node | None) -> tuple[Leaf, ...]:
        nodes = used.nodes if isinstance(used, Items) else () if used is None else (used,)
        leaves = tuple(node for node in nodes if isinstance(node, Leaf) and not node.is_blank)
        for node in nodes:
            if node not in leaves:
                self._refuse(node, "this names no document", "write `use: [lab.yaml]`, or leave `use` out")
        return leaves

    def _refuse(self, node: Node, message: str, remedy: str) -> None:
        self.findings.append(_error(node, "use", "unreadable", message, remedy))
        self.is_whole = False


def joined(folder: Path, text: str) -> Path:
    r"""A path with / or \\, relative to a folder."""
    return folder / text.replace("\\", "/")
