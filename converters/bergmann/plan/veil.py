"""What no report of a blinded session shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bergmann.findings import Finding
from bergmann.plan.arms import BLINDED
from bergmann.plan.blinding import TELLING
from bergmann.plan.session import LoadedSession

_TELLING = re.compile(rf"""^["']?(?:{"|".join(TELLING)})["']?\s*:""")


def lines_of(document: Path) -> list[str]:
    """The lines of a document; what is no text in it is shown as such, and none for one that cannot be read."""
    try:
        return document.read_text(encoding="utf-8", errors="backslashreplace").splitlines()
    except OSError:
        return []


@dataclass(frozen=True)
class Veil:
    """Hides the names of the files that tell the arm of a blinded session; nothing that is stated in them is loaded at all.

    The one place through which text, JSON, page and conversion say anything of a session.

    Attributes
    ----------
    names : tuple of str
        Of the files that are hidden.
    is_blinded : bool
    """

    names: tuple[str, ...] = ()
    is_blinded: bool = False

    @classmethod
    def of(cls, loaded: LoadedSession) -> Veil:
        """The veil of a session; one that is not blinded has none."""
        return cls(tuple(sorted(loaded.hidden, key=len, reverse=True)), loaded.is_blinded)

    def text(self, said: str) -> str:
        """The text without the names of the hidden files, and without the lines in them."""
        for name in self.names:
            said = re.sub(rf"(?<!\w){re.escape(name)}(?::\d+(?: [\w.]+)?)?", BLINDED, said, flags=re.IGNORECASE)
        return said

    def findings(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings as they may be shown.

        Those about a hidden file say that there is one and no more; notes about it, which another arm may not have, are left out.
        """
        if not self.is_blinded:
            return tuple(findings)
        return tuple(self._veiled(one) for one in findings if not (self._is_told(one) and one.severity == "note"))

    def _is_told(self, finding: Finding) -> bool:
        return any(finding.location == name or finding.location.startswith(f"{name}:") for name in self.names)

    def _veiled(self, finding: Finding) -> Finding:
        if self._is_told(finding):
            message = "something is to be mended in a document that tells the arm"
            remedy = "whoever holds the key can check the session with it (`--arms`)"
            return replace(finding, location=BLINDED, message=message, remedy=remedy)
        location, message, remedy = (self.text(one) for one in (finding.location, finding.message, finding.remedy))
        return replace(finding, location=location, message=message, remedy=remedy)

    def lines(self, document: Path) -> Iterator[str]:
        """The lines of a document that may be shown, with what tells the arm taken out."""
        telling = False
        for line in lines_of(document):
            if line[:1].strip():
                telling = self.is_blinded and bool(_TELLING.match(line))
            yield f"{line.partition(':')[0] if line[:1].strip() else ''}: {BLINDED}" if telling else self.text(line)
