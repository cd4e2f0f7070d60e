"""Text from files and people as a screen may show it: nothing in it moves a cursor, colours a line or turns the reading order."""

from __future__ import annotations

import re

HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
"""Controls of C0 and C1 but tab and line end, marks of direction, separators and joiners without width, lone surrogates."""


def visible(text: object) -> str:
    r"""The text with every character that a screen would obey, and not show, as a sign that is shown: ``\x1b`` is ``␛``."""
    return HIDDEN.sub(_sign, str(text))


def one_line(text: object) -> str:
    """`visible` text on one line."""
    return " ".join(visible(text).split())


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else f"<U+{code:04X}>"
