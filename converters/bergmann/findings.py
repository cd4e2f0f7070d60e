"""What a check has to say, as data; rendering is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

UNREADABLE = frozenset({"unreadable", "source"})
"""Checks that say that a file could not be read: the session file, or a source."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing a person should know or mend.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
        An error stops the conversion (or makes the file unacceptable); a warning is to be looked at; a note is said once.
    check : str
        Name of the check, e.g. ``"gap"``, ``"conflict"``, ``"dangling reference"``, ``"pynwb"``.
    location : str
        Where: ``"session.yaml:12 subject.age"``, or an object path in an NWB file.
    message : str
        What was found and what was expected.
    remedy : str
        What to do; empty if nothing needs doing.
    origin : str
        Who says so: ``"bergmann"``, ``"pynwb"``, ``"nwbinspector"``, ``"dandi"``.
    why : str
        Why it matters, where that is not plain from the message.
    version : str
        Version of the check, for those that have one.
    """

    severity: Severity
    check: str
    location: str
    message: str
    remedy: str = ""
    origin: str = "bergmann"
    why: str = ""
    version: str = ""

    @property
    def text(self) -> str:
        """The finding as one line."""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.severity}: {self.location}: {self.message}{remedy}"

    def as_dict(self) -> dict[str, Any]:
        """The finding as a JSON object."""
        return asdict(self)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings is an error."""
    return any(finding.severity == "error" for finding in findings)
