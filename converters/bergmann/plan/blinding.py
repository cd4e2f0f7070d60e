"""What of a session may be known while its arm is blinded, and what the key lays over it.

A blinded session is judged, shown and converted without anything that tells the arm, so that no report has to take it out again: a
document that tells the arm is not laid at all. A session that uses one is refused and nothing else of it is judged, since a file
without what the arm states would look complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from bergmann.errors import SessionError
from bergmann.findings import Finding
from bergmann.plan.arms import BLINDED, ArmKey, KeyRow
from bergmann.plan.mistakes import error, plain
from bergmann.plan.overlay import Merged, Reading, lay, merge, read_documents, set_leaf, walk
from bergmann.plan.yaml import BLANKS, Branch, Document, Items, Leaf, Node, Place, read_document

TELLING = ("arm_is_control", "factors")
"""Keys that tell the arm as ``arm`` itself does."""

_OPEN = (BLINDED, "unknown", *BLANKS)
"""What gives way to the key."""

_KEY = re.compile(r"""(?:^|[{,])[ \t]*["']?(arm|arm_is_control|factors)["']?[ \t]*:[ \t]*["']?([^"',}#\n]*)""", re.MULTILINE)
_MOST_LOOKED_AT = 200


def load_with_arm(path: Path, key: ArmKey | None = None) -> Merged:
    """Read a session file and what it uses, with its arm as far as it may be known.

    Parameters
    ----------
    path : Path
        The session file.
    key : ArmKey, optional
        Which animal is in which arm. A session that says ``arm: blinded`` gets its arm; one that says its arm itself must agree.

    Returns
    -------
    Merged
        Of a blinded session without a key, nothing that tells the arm is in it; if a document of it does, it is not whole.
    """
    reading = read_documents(path)
    merged = lay(reading.documents, path, reading.findings, is_whole=reading.is_whole)
    is_blinded = _is_blinded(path, merged, reading)
    if key is None:
        return _blinded(path, reading) if is_blinded else merged
    if not merged.is_whole:
        return merged
    return _unblinded(path, merged, reading, key) if is_blinded else _agreeing(merged, key)


def _is_blinded(path: Path, merged: Merged, reading: Reading) -> bool:
    """Whether the session says so; of one that cannot be read whole, whether anything in it does."""
    if merged.is_whole:
        return _text(merged.root, "arm") == BLINDED
    return any(BLINDED in _arms_in(one) for one in (path, *(used.path for used in reading.used)))


def _text(root: Branch, key: str) -> str:
    """A value by its dotted key; empty where it is not stated."""
    node: Node | None = root
    for step in key.split("."):
        node = node.entries.get(step) if isinstance(node, Branch) else None
    return node.text if isinstance(node, Leaf) and not node.is_blank else ""


# --- without the key --------------------------------------------------------------------------------------------------


def _blinded(path: Path, reading: Reading) -> Merged:
    """What a blinded session says without its arm; not whole if a document of it tells the arm."""
    own = path.absolute()
    telling = {used.path for used in reading.used if used.path != own and tells_arm(used.path)}
    # what only a telling document uses belongs to it
    opened = {own, *(used.path for used in reading.used if not telling & {used.path, *used.users})}
    documents = [one for one in reading.documents if one.path in opened]
    refused = [
        *(_uses_one(used.place) for used in reading.used if used.path in telling and not telling & {*used.users}),
        *(finding for document in documents for finding in _told_by(document)),
    ]
    merged = lay(documents, path, reading.findings, is_whole=reading.is_whole and not refused)
    hidden = {used.path.name for used in reading.used if used.path not in opened} | _telling_beside(opened)
    findings = tuple(dict.fromkeys(refused)) if refused else merged.findings
    return replace(merged, findings=findings, is_blinded=True, hidden=tuple(sorted(hidden - {own.name})))


def _uses_one(place: Place) -> Finding:
    return Finding(
        severity="error",
        check="blinded",
        location=f"{place.text} use",
        message=f"`arm: {BLINDED}`, and a document that is used here tells the arm (it states one, is called `arm-...`, or lies in "
        "a folder `arms`); nothing of the session is looked at",
        remedy="take it out of `use` and name it in the key (`--arms arms.csv`, column `document`); what all arms have in common "
        "stays in a document for all, with `unknown` where they differ",
    )


def _told_by(document: Document) -> Iterator[Finding]:
    """Keys that tell the arm in a document that may be shown."""
    for name in TELLING:
        node = document.root.entries.get(name)
        if node is not None and _says_something(node):
            message = f"`arm: {BLINDED}`, and `{name}` tells the arm; nothing of the session is looked at"
            remedy = "take it out here; the key states it (`--arms arms.csv`, in a document or a column)"
            yield error(node, name, "blinded", message, remedy)


def _says_something(node: Node) -> bool:
    if isinstance(node, Leaf):
        return node.text not in _OPEN
    return any(_says_something(one) for one in (node.nodes if isinstance(node, Items) else node.entries.values()))


def tells_arm(path: Path) -> bool:
    """Whether a document states an arm, is called ``arm-...``, or lies in a folder ``arms``; one that is not there, by its name."""
    if path.parent.name.lower() in {"arm", "arms"} or re.match(r"arm[-_]", path.stem, re.IGNORECASE):
        return True
    return not _arms_in(path).issubset(_OPEN)


def _arms_in(path: Path) -> set[str]:
    """What a document says as its arm, and what else tells it where it does not say `blinded`; also of one that is no YAML."""
    try:
        root = read_document(path).root
    except SessionError:
        return _arms_in_text(path)
    arm = root.entries.get("arm")
    told = {arm.text} if isinstance(arm, Leaf) else {str(plain(arm))} if arm is not None else set()
    others = {name for name in TELLING if name in root.entries and _says_something(root.entries[name])}
    return told if told == {BLINDED} else told | others


def _arms_in_text(path: Path) -> set[str]:
    try:
        text = path.read_bytes()[:1_000_000].replace(b"\0", b"").decode("utf-8", errors="replace")
    except OSError:
        return set()
    return {found[2].strip() or ("" if found[1] == "arm" else found[1]) for found in _KEY.finditer(text)}


def _telling_beside(documents: set[Path]) -> set[str]:
    """Names of the files that tell an arm in the folders of the documents and in `arms` of these: listings would show them."""
    folders = {folder for one in documents for folder in (one.parent, one.parent / "arms", one.parent / "arm")}
    return {one.name for folder in folders for one in islice(folder.glob("*.y*ml"), _MOST_LOOKED_AT) if tells_arm(one)}


# --- with the key -----------------------------------------------------------------------------------------------------


def _row_of(merged: Merged, key: ArmKey) -> KeyRow | Finding | None:
    return key.find(_text(merged.root, "subject.id"), _text(merged.root, "session.id"))


def _agreeing(merged: Merged, key: ArmKey) -> Merged:
    """A session that is not blinded, with what speaks against it in the key."""
    row = _row_of(merged, key)
    if row is None:
        return merged
    if isinstance(row, Finding):
        return replace(merged, findings=(*merged.findings, row))
    node, own = merged.root.entries.get("arm"), _text(merged.root, "arm")
    if node is None or not own:
        message = f"the key has this session in line {row.place.line}, and the session says nothing of an arm: none is laid over it"
        found = replace(error(merged.root, "arm", "arm", message, f"write `arm: {BLINDED}`, or the arm"), severity="warning")
    elif own != row.arm:
        message = f"the session says the arm `{own}` itself, and {row.place.text} says `{row.arm}`"
        found = error(node, "arm", "conflict", message, f"which is right? Write `arm: {BLINDED}` to take it from the key")
    else:
        return merged
    return replace(merged, findings=(*merged.findings, found))


def _unblinded(path: Path, merged: Merged, reading: Reading, key: ArmKey) -> Merged:
    """A blinded session with what the key says laid over it; if the key does not say it, as without the key."""
    row = _row_of(merged, key)
    subject, session = _text(merged.root, "subject.id"), _text(merged.root, "session.id")
    if row is None and not (subject and session):
        row = error(merged.root, "subject.id", "arm", "the key cannot be looked up without the ids of subject and session")
    if row is None:
        row = key.missing(subject, session)
    if isinstance(row, Finding):
        blinded = _blinded(path, reading)
        return replace(blinded, findings=(*blinded.findings, row))
    return _Laying(merged, row).laid()


class _Laying:
    """Lays one row of a key over a session; one use each."""

    def __init__(self, merged: Merged, row: KeyRow) -> None:
        self.merged = merged
        self.row = row
        self.root = merged.root
        self.findings = list(merged.findings)
        self.is_whole = True

    def laid(self) -> Merged:
        documents: tuple[Path, ...] = self.merged.documents
        if self.row.document is not None:
            reading = read_documents(self.row.document)
            self.findings += reading.findings
            self.is_whole = reading.is_whole
            documents = (*(one.path for one in reading.documents), *documents)
            for document in reading.documents:
                self._lay(document)
        self._agree_with_used()
        self._look_at_names()
        for key, value in {"arm": self.row.arm, **self.row.settings}.items():
            self._set(key, value)
        return Merged(self.root, tuple(self.findings), documents, self.is_whole)

    def _lay(self, document: Document) -> None:
        """Lay a document of the arm: it adds, and replaces what is `unknown`; it contradicts nothing."""
        entries = dict(document.root.entries)
        arm = entries.pop("arm", None)
        if arm is not None and plain(arm) not in (self.row.arm, *BLANKS):
            message = f"{self.row.place.text} names this document for the arm `{self.row.arm}`, and it states another"
            self.findings.append(error(arm, "arm", "conflict", message, "name the document of that arm in the key"))
        for key in ("subject.id", "session.id"):
            node = document.root.entries.get(key.partition(".")[0])
            if isinstance(node, Branch) and "id" in node.entries:
                message = f"an arm's document that states `{key}` would be of one session only"
                self.findings.append(error(node.entries["id"], key, "arm", message, "take it out there"))
        kept = Branch(entries, document.root.place)
        there = dict(walk(self.root))
        for key, node in _values(kept):
            below = there.get(key)
            if isinstance(below, Leaf | Items) and plain(below) not in (plain(node), *_OPEN):
                self._contradict(node, key, below)
        laid, found = merge(self.root, kept)
        self.root = Branch(laid.entries, self.root.place)
        self.findings += [one for one in found if one.check != "gap"]

    def _contradict(self, node: Node, key: str, below: Node) -> None:
        message = f"the arm says `{_shown(node)}`, and {below.place.text} says `{_shown(below)}`"
        remedy = "leave it to one of the two, or write `unknown` where arms differ"
        self.findings.append(error(node, key, "conflict", message, remedy))

    def _agree_with_used(self) -> None:
        """A session may use the document of its arm as well; then it must be that of the arm in the key."""
        for path in self.merged.documents:
            for said in sorted(_arms_in(path).difference(_OPEN, TELLING)):
                if said != self.row.arm:
                    place = self.row.place
                    message = f"{place.text} says the arm `{self.row.arm}`, and {path.name}, which the session uses, says `{said}`"
                    self.findings.append(error(Leaf("", Place(path, 1)), "arm", "conflict", message, "which is right?"))

    def _look_at_names(self) -> None:
        """Only with the key can it be seen that the blinded file's name has told the arm."""
        for key in ("subject.id", "session.id"):
            name = _text(self.root, key)
            if re.search(rf"(?<![^\W_]){re.escape(self.row.arm)}(?![^\W_])", name, re.IGNORECASE):
                node = dict(walk(self.root))[key]
                message = f"`{name}` has the arm's name in it: it tells the arm to those who are blinded, as the file's name does"
                found = error(node, key, "blinded", message, "give it a name that does not")
                self.findings.append(replace(found, severity="warning"))

    def _set(self, key: str, value: str) -> None:
        leaf = Leaf(value, self.row.place)
        below = dict(walk(self.root)).get(key)
        if isinstance(below, Leaf) and below.text not in _OPEN and below.text != value:
            self._contradict(leaf, key, below)
        try:
            self.root = set_leaf(self.root, f"{key}={value}", self.row.place)
        except ValueError as refused:
            self.findings.append(error(leaf, key, "arm", str(refused), "mend the header of this column"))


def _values(branch: Branch, key: str = "") -> Iterator[tuple[str, Node]]:
    """Every value and list below a map, by dotted key."""
    for name, node in branch.entries.items():
        dotted = f"{key}.{name}" if key else name
        if isinstance(node, Branch):
            yield from _values(node, dotted)
        elif not (isinstance(node, Leaf) and node.is_blank):
            yield dotted, node


def _shown(node: Node) -> str:
    return str(node.text if isinstance(node, Leaf) else plain(node))
