"""One merge for everything that is laid over each other: study, arm, subject, spreadsheet row, session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
