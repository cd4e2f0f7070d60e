"""Which line of the session file to mend, so that the next conversion says the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bergmann.errors import BergmannError
from bergmann.findings import Finding
from bergmann.patch.patching import Patch
from bergmann.patch.record import Change
from bergmann.plan.overlay import Merged, load_merged, origins, walk
from bergmann.plan.yaml import Branch, Leaf

CHECK = "session file"

MOST_SEEN = 200
"""YAML files near the NWB file among which its session file is looked for."""


def lines_to_mend(patch: Patch, session: Path | None = None) -> tuple[Finding, ...]:
    """A note for each change: the line that states the value now, or where it stood when the file was converted.

    Parameters
    ----------
    patch : Patch
    session : Path, optional
        The session file; looked for near the NWB file if left out.
    """
    merged = _load(session) if session is not None else _find(patch)
    return tuple(_say(patch, change, merged) for change in patch.changes)


def _say(patch: Patch, change: Change, merged: Merged | None) -> Finding:
    wanted = f"`{change.key.rpartition('.')[2]}: {change.new}`" if change.new else "nothing"
    if merged is None:
        origin = next((one.origin for one in patch.statements if one.key == change.key), None)
        where = f"it stood in {origin} when the file was converted" if origin else "it was stated nowhere"
        message, remedy = (
            f"{where}; the session file is not near this file",
            f"state {wanted} there, or the next conversion undoes this",
        )
        return _note(change.key, message, remedy)
    stated = {key: node.text for key, node in walk(merged.root) if isinstance(node, Leaf)}
    if stated.get(change.key, "") == change.new:
        return _note(change.key, "the session file says so already", "")
    known = origins(merged.root)
    above = change.key
    while above and above not in known:
        above = above.rpartition(".")[0]
    place = known.get(above)
    where = f"{place.document.name}:{place.line}" if place is not None else merged.root.place.document.name
    session = merged.root.place.document
    shared = "; every session that uses this document then says so" if place is not None and place.document != session else ""
    now = (
        f"this line says `{stated[change.key]}`"
        if change.key in stated
        else "it is stated nowhere yet; its place is below this line"
    )
    return _note(f"{where} {change.key}", now, f"state {wanted}, or the next conversion undoes this{shared}")


def _note(location: str, message: str, remedy: str) -> Finding:
    return Finding(severity="note", check=CHECK, location=location, message=message, remedy=remedy)


def _load(path: Path) -> Merged | None:
    try:
        merged = load_merged(path.absolute())
    except (BergmannError, OSError):
        return None
    return merged if merged.is_whole else None


def _find(patch: Patch) -> Merged | None:
    """The session file of this subject and session, if it is near."""
    said = {one.key: one.value for one in patch.statements}
    for path in islice(_near(patch.path), MOST_SEEN):
        merged = _load(path)
        if merged is not None and all(_text(merged.root, key) == said.get(key) for key in ("subject.id", "session.id")):
            return merged
    return None


def _near(path: Path) -> Iterator[Path]:
    """YAML files beside the file, in the folder of its dandiset, beside that, and in the folders there."""
    dandiset = path.parent.parent
    for folder, pattern in (
        (path.parent, "*"),
        (dandiset, "*"),
        (dandiset.parent, "*"),
        (dandiset.parent, "*/*"),
        (dandiset.parent, "*/*/*"),
    ):
        for ending in (".yaml", ".yml"):
            yield from sorted(one for one in folder.glob(f"{pattern}{ending}") if one.is_file() and one.name != "dandiset.yaml")


def _text(root: Branch, key: str) -> str | None:
    node: object = root
    for name in key.split("."):
        node = node.entries.get(name) if isinstance(node, Branch) else None
    return node.text if isinstance(node, Leaf) else None
