"""What in a text tells who or which machine made it: paths of a user, addresses of mail and of network cards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["a path of a user", "an absolute path", "an e-mail address", "an address of a network card", "a network path"]

_NAME = r"[^\\/:*?\"<>|\r\n\s,;']+"
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "a path of a user",
        re.compile(rf"[A-Za-z]:[\\/]+(?:Users|Documents and Settings)[\\/]+{_NAME}(?:[\\/]+{_NAME})*[\\/]?", re.IGNORECASE),
    ),
    ("a path of a user", re.compile(rf"(?<![\w.:/])/(?:home|Users|root|export/home|mnt/home)/{_NAME}(?:/{_NAME})*/?")),
    ("an absolute path", re.compile(rf"(?<![\w])[A-Za-z]:[\\/]+{_NAME}(?:[\\/]+{_NAME})*[\\/]?")),
    ("a network path", re.compile(rf"(?<![\w\\])\\\\{_NAME}(?:\\+{_NAME})+")),
    (
        "an absolute path",
        re.compile(rf"(?<![\w.:/<])/(?:mnt|media|data|scratch|tmp|var|opt|srv|Volumes|nfs|gpfs|work)/{_NAME}(?:/{_NAME})*/?"),
    ),
    ("an e-mail address", re.compile(r"[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")),
    ("an address of a network card", re.compile(r"(?<![\w:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w:-])")),
)


@dataclass(frozen=True)
class Private:
    """One private part of a text.

    Attributes
    ----------
    kind : str
        What it is, for a message.
    start, stop : int
        Where it is in the text.
    """

    kind: Kind
    start: int
    stop: int


def find_private(text: str) -> Iterator[Private]:
    """The private parts of a text, in order, none inside another."""
    found = [Private(kind, match.start(), match.end()) for kind, pattern in _PATTERNS for match in pattern.finditer(text)]
    end = 0
    for one in sorted(found, key=lambda one: (one.start, -one.stop)):
        if one.start >= end:
            yield one
            end = one.stop


REMOVED = "[removed]"
"""What stands in a text where a private part was."""


def without_private(text: str, stays: Callable[[Private], bool] | None = None) -> str:
    """The text with `REMOVED` for each private part, but for those that are to stay."""
    parts, end = [], 0
    for one in find_private(text):
        if stays is None or not stays(one):
            parts += [text[end : one.start], REMOVED]
            end = one.stop
    return "".join([*parts, text[end:]])


def hidden(text: str, private: Private) -> str:
    """A private part as a message may show it: its beginning and its length, not what it tells."""
    part = text[private.start : private.stop]
    return f"{part[:3]}... ({len(part)} characters)"
