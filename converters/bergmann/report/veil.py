"""What a page of a blinded session does not show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bergmann.findings import Finding
from bergmann.plan.resolve import Plan

HIDDEN = "blinded"
_ARM = re.compile(r"""^arm\s*:\s*["']?([^"'#\n]*?)["']?\s*(?:#.*)?$""", re.MULTILINE)
_TELLING = re.compile(r"^(?:arm_is_control|factors)\s*:")


def lines_of(document: Path) -> list[str]:
    """The lines of a document; what is no text in it is shown as such, and none for one that cannot be read."""
    try:
        return document.read_text(encoding="utf-8", errors="backslashreplace").splitlines()
    except OSError:
        return []


@dataclass(frozen=True)
class Veil:
    """Hides the documents that tell the arm of a blinded session, their names, and what is stated in them.

    Attributes
    ----------
    plan : Plan
    documents : tuple of Path
        Those that are hidden; none where the session is not blinded.
    is_blinded : bool
    """

    plan: Plan
    documents: tuple[Path, ...]
    is_blinded: bool

    @classmethod
    def of(cls, plan: Plan) -> Veil:
        """The veil of a session: of a plan without a head, its documents say whether it is blinded."""
        arms = {document: _ARM.findall("\n".join(lines_of(document))) for document in plan.loaded.documents}
        head = plan.loaded.head
        is_blinded = head.arm == HIDDEN if head is not None else any(HIDDEN in found for found in arms.values())
        telling = tuple(document for document, found in arms.items() if set(found) - {HIDDEN, "", "???"})
        return cls(plan, telling if is_blinded else (), is_blinded)

    def text(self, said: str) -> str:
        """The text without the names of the hidden documents, and without the lines in them."""
        for document in self.documents:
            said = re.sub(re.escape(document.name) + r"(?::\d+(?: \S+)?)?", HIDDEN, said)
        return said

    def is_told(self, finding: Finding) -> bool:
        """Whether a finding is about a line of a hidden document."""
        return any(finding.location.startswith(f"{document.name}:") for document in self.documents)

    def findings(self) -> tuple[Finding, ...]:
        """The findings that may be shown.

        Those about a hidden document say that there is one and no more; notes about it, which another arm may not have, are left
        out.
        """
        return tuple(self._veiled(one) for one in self.plan.findings if not (self.is_told(one) and one.severity == "note"))

    def _veiled(self, finding: Finding) -> Finding:
        if self.is_told(finding):
            message = "something is to be mended in a document that tells the arm"
            return replace(
                finding, location=HIDDEN, message=message, remedy="whoever holds the key can check the session unblinded"
            )
        location, message, remedy = (self.text(one) for one in (finding.location, finding.message, finding.remedy))
        return replace(finding, location=location, message=message, remedy=remedy)

    def hides(self, key: str) -> bool:
        """Whether anything at or below a dotted key is stated in a hidden document."""
        origins = self.plan.loaded.origins
        return any(one.document in self.documents for at, one in origins.items() if at == key or at.startswith(f"{key}."))

    def lines(self, document: Path) -> Iterator[str]:
        """The lines of a document that may be shown, with what tells the arm taken out."""
        telling = False
        for line in lines_of(document):
            if line[:1].strip():
                telling = self.is_blinded and bool(_TELLING.match(line))
            yield f"{line.partition(':')[0] if line[:1].strip() else ''}: {HIDDEN}" if telling else self.text(line)
