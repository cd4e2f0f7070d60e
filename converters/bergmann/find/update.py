"""A session file that a person has written on, with more sources behind theirs; every byte of theirs stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bergmann.errors import SessionError
from bergmann.find.text import Entry
from bergmann.plan.yaml import Branch, Items, Leaf, Node, parse_document


def append_sources(text: str, entries: Sequence[Entry], closing: Sequence[str], path: Path) -> str | None:
    """The text with entries behind its last source, and comments at its end.

    Parameters
    ----------
    text : str
    entries : sequence of Entry
        Under names that the text does not have.
    closing : sequence of str
        Lines for the end of the file.
    path : Path
        What errors name.

    Returns
    -------
    str or None
        None if `sources` is written in braces or in another way that has no place for a line; nothing is changed then.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    made = text
    if entries:
        place = _place(text)
        if place is None:
            return None
        made = _with_entries(text, entries, *place, end)
    if closing:
        made = _ended(made, end) + "".join(one + end for one in closing)
    return made if _keeps_all(text, made, {entry.name for entry in entries}, path) else None


def _with_entries(text: str, entries: Sequence[Entry], line: int, indent: str, end: str) -> str:
    new = [one + end for entry in entries for one in entry.lines(indent)]
    if not line:
        return _ended(text, end) + "".join([f"sources:{end}", *new])
    lines = text.splitlines(keepends=True)
    return _ended("".join(lines[:line]), end) + "".join([*new, *lines[line:]])


def _ended(text: str, end: str) -> str:
    """The text with an end to its last line."""
    return text if not text or text.endswith(("\n", "\r")) else text + end


def _place(text: str) -> tuple[int, str] | None:
    """The line (from 0) before which a source can be put, and its indent; line 0 where there is no `sources` yet."""
    import yaml

    from bergmann.plan._loader import Loader

    root = yaml.compose(text, Loader=Loader)
    if root is None:
        return 0, "  "
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return None
    found = next((value for key, value in root.value if getattr(key, "value", None) == "sources"), None)
    if found is None:
        return 0, "  "
    if not isinstance(found, yaml.MappingNode) or found.flow_style or not found.value:
        return None
    indent = found.value[0][0].start_mark.column
    return _line_behind(found.value[-1][1]), " " * indent


def _line_behind(node: Any) -> int:
    """The first line behind a node's last word."""
    import yaml

    if isinstance(node, yaml.MappingNode | yaml.SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _line_behind(last[1] if isinstance(last, tuple) else last)
    mark = node.end_mark
    return int(mark.line) if mark.column == 0 and mark.line > node.start_mark.line else int(mark.line) + 1


def _keeps_all(before: str, after: str, names: set[str], path: Path) -> bool:
    """Whether the new text says all that the old one says, and the new sources besides."""
    try:
        old, new = parse_document(before, path).root, parse_document(after, path).root
    except SessionError:
        return False
    there = new.entries.get("sources")
    if names and not (isinstance(there, Branch) and names <= set(there.entries)):
        return False
    if isinstance(there, Branch):
        kept = Branch({name: node for name, node in there.entries.items() if name not in names}, there.place)
        entries = {name: node for name, node in new.entries.items() if name != "sources" or "sources" in old.entries}
        new = Branch({name: kept if name == "sources" else node for name, node in entries.items()}, new.place)
    return bool(_plain(old) == _plain(new))


def _plain(node: Node) -> Any:
    """What a tree says, without where it says it."""
    if isinstance(node, Leaf):
        return node.text
    if isinstance(node, Items):
        return [_plain(one) for one in node.nodes]
    return [(name, _plain(one)) for name, one in node.entries.items()]
