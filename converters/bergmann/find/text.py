"""Text for a YAML file that a person goes on writing: whatever a file is called, it stays a value or a comment."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PureWindowsPath

from bergmann.plan.yaml import BLANKS

BLANK = "???"

_PLAIN = re.compile(r"[^\W_](?:[\w./()+-]|(?<! ) (?! ))*", re.UNICODE)
_UNUSABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
LONGEST = 300
"""Letters of a comment; what a file says of itself may be of any length."""


@dataclass(frozen=True)
class Value:
    """A key of a draft with its value and where that comes from.

    Attributes
    ----------
    key : str
    text : str or None
        None for a blank.
    comment : str
        Origin of the value, or what the blank means.
    """

    key: str
    text: str | None
    comment: str = ""


@dataclass(frozen=True)
class Entry:
    """One source of a draft.

    Attributes
    ----------
    name : str
    values : tuple of Value
        Empty if all of it is a blank: a question.
    above : tuple of str
        Comments that stand above it.
    """

    name: str
    values: tuple[Value, ...] = ()
    above: tuple[str, ...] = field(default=())

    @property
    def n_blanks(self) -> int:
        """Blanks in it."""
        return sum(value.text is None for value in self.values) if self.values else 1

    def lines(self, indent: str = "  ") -> Iterator[str]:
        """The entry as YAML, without line ends."""
        yield from (f"{indent}{comment(text)}" for text in self.above)
        if not self.values:
            yield f"{indent}{scalar(self.name)}: {BLANK}"
            return
        yield f"{indent}{scalar(self.name)}:"
        yield from value_lines(self.values, indent * 2)


def value_lines(values: tuple[Value, ...], indent: str) -> Iterator[str]:
    """Keys and values as YAML, their comments below each other."""
    pairs = [f"{indent}{scalar(value.key)}: {BLANK if value.text is None else scalar(value.text)}" for value in values]
    width = min(max((len(pair) for pair, value in zip(pairs, values, strict=True) if value.comment), default=0), 60)
    for pair, value in zip(pairs, values, strict=True):
        yield f"{pair.ljust(width)}  {comment(value.comment)}" if value.comment else pair


def comment(text: str) -> str:
    """A comment of one line, whatever is in the text."""
    return f"# {shown(text)}".rstrip()


def shown(text: str) -> str:
    """Text of a file for a person's eyes: nothing in it ends a line, hides letters, or speaks to the terminal."""
    safe = "".join(sign if unicodedata.category(sign)[0] != "C" and sign not in "\u2028\u2029" else _named(sign) for sign in text)
    return safe if len(safe) <= LONGEST else f"{safe[: LONGEST - 3]}..."


def _named(sign: str) -> str:
    return f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}"


def scalar(text: str) -> str:
    """Text as a YAML scalar: as it is where nothing in it means something to YAML, else in single quotes.

    Text that `unusable` refuses must not come here.
    """
    if _PLAIN.fullmatch(text) and text not in BLANKS and not text.endswith(" "):
        return text
    return f"'{text.replace(chr(39), 2 * chr(39))}'"


def unusable(path: str) -> str:
    """Why a path cannot stand in a session file; empty if it can."""
    if any(unicodedata.category(sign) in _UNUSABLE or sign == "\ufeff" for sign in path):
        return "its name holds a control character"
    if "\\" in path:
        return "its name holds a backslash, which parts folders in a session file"
    if PureWindowsPath(path).drive:
        return "its name begins like a drive of Windows"
    if re.search(r"<[^<>]*>", path):
        return "its name holds <...>, which is a placeholder in a session file"
    return ""


def n_of(count: int, what: str) -> str:
    """``1,220 frames``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
