"""YAML without its traps: text in, a tree of texts out, each with its place.

Every scalar stays text (plain YAML turns ``0042`` into 34, ``10:31`` into 631, ``No`` into false); what YAML would swallow or
rewrite is refused with what to write instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from bergmann.disk import why_closed
from bergmann.errors import SessionError
from bergmann.findings import Finding, Severity

BLANKS = frozenset({"", "???", "~", "null", "Null", "NULL"})
"""What stands where a value is still to be stated."""

DEEPEST = 20
"""Maps and lists inside each other; no session needs as many, and a recursion must end somewhere."""


@dataclass(frozen=True)
class Place:
    """A line of a document.

    Attributes
    ----------
    document : Path
    line : int
        Counted from 1.
    """

    document: Path
    line: int

    @property
    def text(self) -> str:
        """``lab.yaml:12``."""
        return f"{self.document.name}:{self.line}"


@dataclass(frozen=True)
class Leaf:
    """A value as text, at the line of its key."""

    text: str
    place: Place

    @property
    def is_blank(self) -> bool:
        """Whether it is still to be stated."""
        return self.text in BLANKS


@dataclass(frozen=True)
class Items:
    """A list, at the line of its key."""

    nodes: tuple[Node, ...]
    place: Place


@dataclass(frozen=True)
class Branch:
    """A map by name, at the line of its key."""

    entries: Mapping[str, Node]
    place: Place


Node = Leaf | Items | Branch


@dataclass(frozen=True)
class Document:
    """A document that could be read.

    Attributes
    ----------
    path : Path
    root : Branch
        What it says, where a trap has swallowed something as it was probably meant.
    findings : tuple of Finding
        The traps that it walks into; most are errors.
    """

    path: Path
    root: Branch
    findings: tuple[Finding, ...] = ()


def read_document(path: Path) -> Document:
    """Read a YAML file.

    Raises
    ------
    SessionError
        If it is missing, or is not UTF-8 text, or is not YAML at all.
    """
    return parse_document(_decode(path), path)


def parse_document(text: str, path: Path) -> Document:
    """Read YAML text.

    Parameters
    ----------
    text : str
    path : Path
        What the places of its values name.

    Raises
    ------
    SessionError
        As `read_document`.
    """
    import yaml

    from bergmann.plan._loader import Loader

    composer = _Composer(text, path)
    try:
        root = composer.compose(yaml.parse(text, Loader=Loader))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        composer.say(line, "yaml", "a character that is no text", "remove it; was it copied from a PDF or a word processor?")
    except yaml.MarkedYAMLError as error:
        composer.say_error(error)
    else:
        return Document(path, root, tuple(composer.findings))
    raise SessionError(composer.findings)


def _unreadable(path: Path, line: int, message: str, remedy: str) -> SessionError:
    location = f"{path.name}:{line}" if line else path.name
    return SessionError([Finding(severity="error", check="unreadable", location=location, message=message, remedy=remedy)])


def _listing(folder: Path, lead: str) -> str:
    """The YAML files of a folder, behind some words."""
    there = sorted(one.name for one in islice(folder.glob("*.y*ml"), 100))
    return f"{lead}: {', '.join(there[:8])}" if there else "no YAML file is in that folder"


def _decode(path: Path) -> str:
    """The text of a file, with or without a byte-order mark."""
    if path.is_dir():
        raise _unreadable(path, 0, "this is a folder, not a file", _listing(path, "name a session file of it"))
    if not path.is_file():
        folder = path.parent
        listing = _listing(folder, "its folder has") if folder.is_dir() else f"there is no folder {folder} here"
        raise _unreadable(path, 0, "there is no such file", listing)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, 0, why_closed(error), "") from error
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unreadable(path, 1, "saved as UTF-16 (`Unicode`)", "save it as UTF-8")
    if b"\0" in content:
        raise _unreadable(path, 0, "this is no text but binary data", "name the YAML file of the session")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; the file is in an older encoding of its computer"
        raise _unreadable(path, line, message, "save it as UTF-8") from error


# --- composing --------------------------------------------------------------------------------------------------------

_SIGNS = {
    "*": "`*` at the start of a value is YAML's alias",
    "&": "`&` at the start of a value is YAML's anchor",
    "!": "`!` at the start of a value is YAML's tag",
    "{": "`{` at the start of a value begins a map",
    "[": "`[` at the start of a value begins a list",
    "@": "`@` at the start of a value is reserved in YAML",
    "`": "a backtick at the start of a value is reserved in YAML",
    "%": "`%` at the start of a value is reserved in YAML",
    "|": "`|` at the start of a value begins a block of text",
    ">": "`>` at the start of a value begins a block of text",
    "]": "`]` without a `[`",
    "}": "`}` without a `{`",
}


_OPEN_QUOTE = "a quote that is opened and never closed"


class _Composer:
    """Makes the tree of one document from the parser's events, and collects what is wrong on the way."""

    def __init__(self, text: str, path: Path) -> None:
        self.text = text
        self.lines = text.splitlines() or [""]
        self.path = path
        self.findings: list[Finding] = []

    # --- findings ---

    def say(self, line: int, check: str, message: str, remedy: str, severity: Severity = "error") -> None:
        location = f"{self.path.name}:{line}"
        self.findings.append(Finding(severity=severity, check=check, location=location, message=message, remedy=remedy))

    def say_error(self, error: Any) -> None:
        """Say what the parser stumbled over, in our words where the cause is known."""
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1
        first = error.context_mark.line + 1 if error.context_mark else line
        problem = str(error.problem)
        if any(finding.location == f"{self.path.name}:{line}" for finding in self.findings):
            return  # its cause has been said
        for number in range(first, line + 1):
            if comment := self._swallowed(number):
                self.say(number, "yaml", f"YAML takes `{comment}` for a comment", f'put the value in quotes: "{comment}"')
                return
        if "',' or " in problem and (opened := next((one for one in range(first, line) if self._is_left_open(one)), 0)):
            self.say(opened, "yaml", _OPEN_QUOTE, "close it")
            return
        message, remedy = self._cause(problem, line, mark)
        self.say(line, "yaml", message, remedy)

    def _is_left_open(self, number: int) -> bool:
        """Whether a value of the line begins with a quote that the line does not close."""
        line = self.lines[number - 1]
        return any(line.count(quote) % 2 for quote in re.findall(r"""[:,\[{]\s*(["'])""", line))

    def _swallowed(self, number: int) -> str | None:
        """What looks like a value behind a key and is a comment to YAML: ``#518`` of ``id: #518``."""
        line = self.lines[number - 1] if number <= len(self.lines) else ""
        match = re.search(r":\s+(#[^\s,}\]]+)", line)
        return match[1] if match else None

    def _cause(self, problem: str, line: int, mark: Any) -> tuple[str, str]:
        content = self.lines[line - 1] if line <= len(self.lines) else ""
        if "\\t" in problem or "\t" in content[: mark.column + 1]:
            return "a tab", "indent with spaces, and put spaces behind a colon; YAML takes no tabs"
        if "unknown escape" in problem or "escape sequence" in problem:
            return (
                'a backslash inside "double quotes" is an escape in YAML',
                "write the path in 'single quotes', without quotes, or with /",
            )
        if match := re.search(r"(?:[:,\[]|-)\s+([*&!{\[@`%|>\]}])", content):
            sign = match[1]
            if sign not in "{[" or "expected" in problem:
                return _SIGNS[sign], "put the whole value in quotes"
        if "mapping values are not allowed" in problem:
            return "a second `: ` in one value", "put the value in quotes, or check the indent of this line"
        if "while scanning a quoted scalar" in problem or "unexpected end of stream" in problem:
            return _OPEN_QUOTE, "close it"
        if "',' or '}'" in problem or "',' or ']'" in problem or "<stream end>" in problem:
            return "a map or list in brackets that is not closed, or a comma that is missing in it", "check the brackets and commas"
        if "<block" in problem or "could not find expected ':'" in problem or "not allowed here" in problem:
            remedy = "check the indent of this line and the one before, and that each key has `: `"
            return f"this line does not fit those above it: `{content.strip()}`", remedy
        return f"this is not YAML: {problem}", "check this line and the one before"

    # --- the tree ---

    def compose(self, events: Iterator[Any]) -> Branch:
        """The root of the document; an empty map where there is none, which is said."""
        import yaml

        root: Node | None = None
        event: Any
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self.say(_line(event), "yaml", "a second document behind `---`", "keep one document a file")
                    break
                root = self._node(next(events), events, None, 0)
        if root is None or (isinstance(root, Leaf) and root.is_blank):
            self.say(1, "yaml", "the file is empty", "write at least one key, such as `session:`")
        elif not isinstance(root, Branch):
            self.say(root.place.line, "yaml", "this is not a map of keys", "write keys and values, such as `time_zone: Asia/Seoul`")
        return root if isinstance(root, Branch) else Branch({}, Place(self.path, 1))

    def _node(self, event: Any, events: Iterator[Any], key_line: int | None, depth: int) -> Node:
        import yaml

        line = _line(event)
        place = Place(self.path, key_line or line)
        self._refuse_shorthand(event, line)
        if depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem="too many levels", problem_mark=event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return Leaf(self._scalar(event, line), place)
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(tuple(self._items(events, depth)), place)
        if isinstance(event, yaml.MappingStartEvent):
            return Branch(self._entries(event, events, depth), place)
        return Leaf(f"*{event.anchor}", place)  # an alias, which has been refused

    def _refuse_shorthand(self, event: Any, line: int) -> None:
        import yaml

        if isinstance(event, yaml.AliasEvent):
            remedy = f'if it is text, write it in quotes: "*{event.anchor}"; if it is meant to repeat a value, write the value'
            self.say(line, "yaml", f"`*{event.anchor}` is an alias in YAML, which session files do not use", remedy)
        elif getattr(event, "anchor", None):
            remedy = f'if it is text, write it in quotes: "&{event.anchor}"; else leave it out'
            self.say(line, "yaml", f"`&{event.anchor}` is an anchor in YAML, which session files do not use", remedy)
        elif getattr(event, "tag", None):
            self.say(line, "yaml", f"`{event.tag}` is a tag in YAML, which session files do not use", "put the value in quotes")

    def _scalar(self, event: Any, line: int) -> str:
        value = str(event.value)
        if event.style == '"' and (odd := [sign for sign in value if unicodedata.category(sign) in {"Cc", "Zl", "Zp"}]):
            raw = self.text[event.start_mark.index : event.end_mark.index]
            if "\\" in raw:
                message = f'{raw}: the backslash made a control character (U+{ord(odd[0]):04X}) inside "double quotes"'
                self.say(line, "yaml", message, "write it in 'single quotes', without quotes, or with /")
        if event.style is None:
            self._warn_of_comment(event, line, value)
            return value.strip()
        return value

    def _warn_of_comment(self, event: Any, line: int, value: str) -> None:
        """``cell #2`` is ``cell`` to YAML."""
        rest = self.lines[line - 1] if line <= len(self.lines) else ""
        if event.end_mark.line != event.start_mark.line or not value:
            return
        if match := re.match(r"\s+(#\d\S*)", rest[event.end_mark.column :]):
            remedy = f'if it belongs to the value, write "{value} {match[1]}"; else put a space behind #'
            self.say(line, "yaml", f"YAML takes `{match[1]}` for a comment, and the value is `{value}`", remedy, "warning")

    def _items(self, events: Iterator[Any], depth: int) -> Iterator[Node]:
        import yaml

        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            yield self._node(event, events, None, depth + 1)

    def _entries(self, start: Any, events: Iterator[Any], depth: int) -> dict[str, Node]:
        import yaml

        entries: dict[str, Node] = {}
        cut: dict[str, list[str]] = {}
        before: str | None = None
        event: Any
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            line = _line(event)
            key = self._node(event, events, None, depth + 1)
            value_event = next(events)
            value = self._node(value_event, events, line, depth + 1)
            if not isinstance(key, Leaf) or not key.text:
                self.say(line, "yaml", "a key that is not text", "write a name before the colon")
                continue
            empty = isinstance(value_event, yaml.ScalarEvent) and value_event.style is None and not value_event.value
            if empty and start.flow_style and ":" not in self._between(event, value_event):
                if before is not None:
                    cut.setdefault(before, []).append(key.text)
                    entries[before] = _continued(entries[before], key.text)
                else:
                    self.say(line, "yaml", f"`{key.text}` has no value", f'if it is text, write it in quotes: "{{{key.text}}}"')
                continue
            if empty and (comment := self._swallowed_behind(event)):
                remedy = f'write `{key.text}: "{comment}"`'
                self.say(line, "yaml", f"YAML takes `{comment}` for a comment, so `{key.text}` is empty", remedy)
                value = Leaf(comment, value.place)
            if key.text in entries:
                message = f"`{key.text}` stands here and in line {entries[key.text].place.line} already"
                self.say(line, "duplicate key", message, "keep one of the two, or give them two names")
                continue
            entries[key.text] = value
            before = key.text if isinstance(value, Leaf) and not value.is_blank else None
        for name, pieces in cut.items():
            self._say_cut(name, entries[name], pieces)
        return entries

    def _say_cut(self, name: str, whole: Node, pieces: list[str]) -> None:
        """Say that ``{location: CUL4, 5}`` is ``CUL4`` and a key ``5`` to YAML.

        A piece such as ``5`` or ``both hind paws`` can be nothing but the rest of the value; one such as ``born`` may also be a key
        whose value has been forgotten, and is refused.
        """
        text = whole.text if isinstance(whole, Leaf) else ""
        severity: Severity = "error" if any(piece.isidentifier() for piece in pieces) else "warning"
        message = f"inside {{ }} a comma ends a value, so YAML cuts `{name}: {text}`"
        self.say(whole.place.line, "yaml", message, f'put it in quotes: {name}: "{text}"', severity)

    def _between(self, one: Any, other: Any) -> str:
        return self.text[one.end_mark.index : other.end_mark.index]

    def _swallowed_behind(self, key_event: Any) -> str | None:
        line = self.lines[key_event.end_mark.line]
        match = re.match(r"\s*:\s+(#[^\s,}\]]+)", line[key_event.end_mark.column :])
        return match[1] if match else None


def _continued(node: Node, rest: str) -> Node:
    return Leaf(f"{node.text}, {rest}", node.place) if isinstance(node, Leaf) else node


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
