"""The exceptions of bergmann, one small tree.

::

    BergmannError
    ├── SourceError          a file of the rig is missing, damaged, or not what was said
    │   └── MissingExtraError    the reader of a format is an extra that is not installed
    ├── SessionError         a session file cannot be used; carries all findings at once
    ├── WriteError           the output cannot be written, or would replace something
    └── ArchiveError         an archive refuses, contradicts, or cannot be reached

Each message says which file, what was found, what was expected, and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bergmann.findings import Finding


class BergmannError(Exception):
    """Whatever bergmann refuses to do, with a reason meant for a person."""


class SourceError(BergmannError):
    """A file of the rig is missing, damaged, or not what was said.

    Attributes
    ----------
    found : str
        What was found and what was expected.
    remedy : str
        What to do, where that is long enough to be shown apart, one choice a line; empty where the message says it.
    """

    def __init__(self, found: str = "", *, remedy: str = "") -> None:
        super().__init__(f"{found}. {remedy[:1].upper()}{remedy[1:]}" if remedy else found)
        self.found, self.remedy = found, remedy


class MissingExtraError(SourceError):
    """The reader of a format is an optional extra that is not installed."""

    def __init__(self, *, extra: str, needed_for: str) -> None:
        super().__init__(f"{needed_for} needs an extra reader; install it with: pip install 'bergmann[{extra}]'")
        self.extra = extra


class SessionError(BergmannError):
    """A session file cannot be used.

    Attributes
    ----------
    findings : tuple of Finding
        Everything that is wrong, at once.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(finding.text for finding in findings))
        self.findings = tuple(findings)


class WriteError(BergmannError):
    """The output cannot be written, or would replace something."""


class ArchiveError(BergmannError):
    """An archive refuses, contradicts, or cannot be reached; the message names neither a token nor a signed address."""


class StoppedError(KeyboardInterrupt):
    """Ctrl-C after a file was put in its place: it is there whole, and was not validated.

    Attributes
    ----------
    written : str
        Name of the file.
    """

    def __init__(self, written: str) -> None:
        super().__init__(written)
        self.written = written
