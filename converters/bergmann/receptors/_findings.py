"""What the checks of this room say, and how."""

from __future__ import annotations

from bergmann.findings import Finding, Severity
from bergmann.receptors.vocabulary import UnknownTermError

ESCAPE = "write it as `name [CURIE]`, or as `name [unlisted]` if it is meant as it stands"


def finding(severity: Severity, check: str, location: str, message: str, remedy: str = "") -> Finding:
    """A finding at a dotted key."""
    return Finding(severity=severity, check=check, location=location, message=message, remedy=remedy)


def unlisted(key: str, error: UnknownTermError) -> Finding:
    """A place or a compound may be one of thousands: it is written as stated; only a likely slip of the pen is a warning."""
    message = f"{error}; it is written as stated, without an identifier"
    return finding("warning" if error.suggestions else "note", "unlisted name", key, message, ESCAPE)
