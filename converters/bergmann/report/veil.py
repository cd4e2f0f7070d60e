"""What a page of a blinded session does not show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
        """The text without the names of the hidden documents."""
        names = [name for document in self.documents for name in (document.name, document.stem)]
        for name in sorted(names, key=len, reverse=True):
            said = said.replace(name, HIDDEN)
        return said

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
