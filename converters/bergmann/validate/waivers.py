"""What a person has looked at and accepts: ``waivers.yaml`` beside the study.

.. code-block:: yaml

   waivers:
     horn is in no atlas:
       check: check_imaging_plane_location_allen_ccf
       object: general/optophysiology/*
       reason: The Allen atlas has no spinal cord.
       who: A. Person
       date: 2026-11-20
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from bergmann.errors import SessionError
from bergmann.findings import UNREADABLE, Finding
from bergmann.plan.yaml import Branch, Leaf, Node, Place, read_document

NAME = "waivers.yaml"
NEEDED = ("check", "reason", "who", "date")
OPTIONAL = ("object", "file")
NEVER = UNREADABLE | {"proof", "verify", "io.read"}
"""Checks that nobody can waive: a file that cannot be read, or differs from its sources."""
_MOST_PARENTS = 2
"""Folders above a file's own that are looked into: that of the dandiset, and the one beside it."""


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One accepted finding.

    Attributes
    ----------
    name : str
    check : str
        Name of the check; ``*`` and ``?`` as in file names.
    object : str
        Pattern of the object's path in the file; ``"*"`` for every one.
    file : str
        Pattern of the file's name.
    reason, who : str
    date : datetime.date
    place : Place
        Where it stands.
    """

    name: str
    check: str
    object: str
    file: str
    reason: str
    who: str
    date: date
    place: Place

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is what is accepted here."""
        if finding.check in NEVER or not fnmatchcase(finding.check, self.check):
            return False
        file, _, inside = finding.location.partition(":")
        return fnmatchcase(file, self.file) and fnmatchcase(inside.strip(" /"), self.object.strip("/"))


def find_waivers(paths: Iterable[Path]) -> Path | None:
    """The ``waivers.yaml`` of what is validated: in its folder, in that of its dandiset, or beside that."""
    for path in paths:
        folder = path.resolve() if path.is_dir() else path.resolve().parent
        for one in (folder, *folder.parents[:_MOST_PARENTS]):
            if (one / NAME).is_file():
                return one / NAME
    return None


def load_waivers(path: Path) -> tuple[Waiver, ...]:
    """Read the waivers of a study.

    Raises
    ------
    SessionError
        With every mistake at once: a key that is missing or unknown, a date that is none, a check that cannot be waived.
    """
    document = read_document(path)
    mistakes = [one for one in document.findings if one.severity == "error"]
    named = document.root.entries.get("waivers")
    if set(document.root.entries) != {"waivers"} or not isinstance(named, Branch):
        found = ", ".join(document.root.entries) or "nothing"
        mistakes.append(_mistake(document.root.place, "", f"found {found}; expected one map `waivers:` of named waivers"))
        raise SessionError(mistakes)
    waivers = []
    for name, node in named.entries.items():
        wrong = list(_mistakes(name, node))
        mistakes += wrong
        if not wrong and isinstance(node, Branch):
            waivers.append(_waiver(name, node))
    if mistakes:
        raise SessionError(mistakes)
    return tuple(waivers)


def apply_waivers(
    findings: Iterable[Finding], waivers: Sequence[Waiver], files: Iterable[Path], *, unasked: Iterable[str] = ()
) -> Iterator[Finding]:
    """Findings with what is waived as notes that say by whom and why, and then the waivers that nothing needed.

    Parameters
    ----------
    findings : iterable of Finding
    waivers : sequence of Waiver
    files : iterable of Path
        What was validated: a waiver for a file that is not among them is not judged.
    unasked : iterable of str
        Checks that were not run: neither is a waiver of one of them.
    """
    used: set[str] = set()
    for finding in findings:
        waiver = next((one for one in waivers if one.covers(finding)), None) if finding.severity != "note" else None
        if waiver is None:
            yield finding
            continue
        used.add(waiver.name)
        yield waived(finding, waiver)
    names, left = [PurePosixPath(file.as_posix()).name for file in files], tuple(unasked)
    for waiver in waivers:
        if any(fnmatchcase(check, waiver.check) for check in left):
            continue
        if waiver.name not in used and any(fnmatchcase(name, waiver.file) for name in names):
            yield Finding(
                severity="warning",
                check="unused waiver",
                location=f"{waiver.place.text} waivers.{waiver.name}",
                message=f"nothing that was validated has a finding of {waiver.check} at {waiver.object}",
                remedy="remove it: the next thing it hides would be another than what was accepted",
            )


def waived(finding: Finding, waiver: Waiver) -> Finding:
    """The finding as a note that says by whom it was accepted, and why."""
    return replace(finding, severity="note", remedy=f"waived by {waiver.who} on {waiver.date}: {waiver.reason}")


def _waiver(name: str, node: Branch) -> Waiver:
    texts = {key: value.text for key, value in node.entries.items() if isinstance(value, Leaf)}
    return Waiver(
        name=name,
        check=texts["check"],
        object=texts.get("object", "*"),
        file=texts.get("file", "*"),
        reason=texts["reason"],
        who=texts["who"],
        date=date.fromisoformat(texts["date"]),
        place=node.place,
    )


def _mistakes(name: str, node: Node) -> Iterator[Finding]:
    if not isinstance(node, Branch):
        yield _mistake(node.place, name, f"expected a map with {', '.join(NEEDED)}")
        return
    for key, value in node.entries.items():
        if key not in NEEDED + OPTIONAL:
            near = get_close_matches(key, NEEDED + OPTIONAL, n=1)
            yield _mistake(value.place, f"{name}.{key}", "there is no such key" + (f"; did you mean {near[0]}?" if near else ""))
        elif not isinstance(value, Leaf):
            yield _mistake(value.place, f"{name}.{key}", "expected one text")
    stated = {key: value for key, value in node.entries.items() if isinstance(value, Leaf) and not value.is_blank}
    for key in NEEDED:
        if key not in stated:
            yield _mistake(node.place, f"{name}.{key}", "is missing: a waiver says what is accepted, why, by whom and when")
    if "date" in stated and not _is_date(stated["date"].text):
        yield _mistake(stated["date"].place, f"{name}.date", f"found {stated['date'].text!r}; expected a date as 2026-11-20")
    if "check" in stated and stated["check"].text in NEVER:
        message = f"{stated['check'].text} cannot be waived: the file cannot be read, or is not what its sources say"
        yield _mistake(stated["check"].place, f"{name}.check", message)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _mistake(place: Place, key: str, message: str) -> Finding:
    location = f"{place.text} waivers.{key}" if key else place.text
    return Finding(severity="error", check="waivers", location=location, message=message)
