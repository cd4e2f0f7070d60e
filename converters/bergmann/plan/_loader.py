"""PyYAML's scanner with the question mark as YAML 1.2 has it; imported only when a document is read."""

from __future__ import annotations

from typing import Any

from yaml import SafeLoader

_SPACE = "\0 \t\r\n\x85\u2028\u2029"


class Loader(SafeLoader):
    """Takes ``{born: ???}`` and ``{path: paw_?.avi}`` as the texts that they are.

    PyYAML 6 follows YAML 1.1 in ending a text at any ``?`` inside braces; YAML 1.2 (section 7.3.3) lets a text hold it, and begin
    with it where no space follows.
    """

    _in_plain = False

    def check_key(self) -> bool:
        """Whether a ``?`` begins a key: only where a space follows."""
        return str(self.peek(1)) in _SPACE

    def check_plain(self) -> bool:
        """Whether an unquoted text begins here."""
        return bool(super().check_plain()) or (self.peek() == "?" and str(self.peek(1)) not in _SPACE)

    def scan_plain(self) -> Any:
        """An unquoted text, question marks included."""
        self._in_plain = True
        try:
            return super().scan_plain()
        finally:
            self._in_plain = False

    def peek(self, index: int = 0) -> Any:
        """The character ahead; inside an unquoted text a ``?`` is a letter like any other."""
        ahead = super().peek(index)
        return "x" if self._in_plain and ahead == "?" else ahead
