"""What is stated of a dandiset, what the archive has, and what was pushed last: who changed what, and what to do.

A person may have edited the dandiset on the website. What they wrote there is never replaced without their being told: it is kept,
and named, unless replacing it is asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bergmann.findings import Finding
from bergmann.publish.dandiset_metadata import CHECK, FIELDS, Document
from bergmann.publish.places import write_whole

Kind = Literal["set", "edited there", "conflict", "no longer stated"]
Key = tuple[str, str]
"""Field, and which entry of its list; empty for the whole field."""

_IDENTITY = {
    "contributor": ("name", "awardNumber"),
    "relatedResource": ("identifier", "url"),
    "ethicsApproval": ("identifier",),
}
"""What tells the entries of a list apart."""


@dataclass(frozen=True)
class Change:
    """One thing that is not the same in what is stated and in the archive.

    Attributes
    ----------
    key : (str, str)
    kind : {"set", "edited there", "conflict", "no longer stated"}
        Set: only what is stated has changed, or it adds to what the archive has. Edited there: only the archive has. Conflict: both
        have, or nothing was pushed from this computer before and the archive has something else.
    stated, archive, pushed : object
        None where there is nothing.
    """

    key: Key
    kind: Kind
    stated: Any
    archive: Any
    pushed: Any

    @property
    def where(self) -> str:
        """``"name"``, ``"contributor Kim, Jane"``."""
        return " ".join(part for part in self.key if part)

    @property
    def lines(self) -> tuple[str, ...]:
        """The change as lines of a diff."""
        removed = () if self.archive is None else (f"- {self.where}: {_shown(self.archive)}",)
        added = () if self.stated is None else (f"+ {self.where}: {_shown(self.stated)}",)
        return (*removed, *added)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(one)}" for key, one in value.items() if key not in {"schemaKey", "name"})
    return ", ".join(map(_shown, value)) if isinstance(value, list) else str(value)


@dataclass(frozen=True)
class Comparison:
    """Three documents in dandischema's words, and what differs.

    Attributes
    ----------
    stated, archive : mapping
        Fields that the archive makes are passed over.
    pushed : mapping or None
        What this computer pushed last; None if it never did.
    changes : tuple of Change
        In the order of the fields. What the archive has and nobody here ever stated is no change: it stays.
    """

    stated: Mapping[str, Any]
    archive: Mapping[str, Any]
    pushed: Mapping[str, Any] | None
    changes: tuple[Change, ...]

    def taken(self, *, overwrite: bool = False) -> tuple[Change, ...]:
        """The changes that are carried out; with `overwrite` also over what was edited in the archive. Nothing is ever removed."""
        kinds = {"set", "edited there", "conflict"} if overwrite else {"set"}
        return tuple(change for change in self.changes if change.kind in kinds)

    def laid_over(self, *, overwrite: bool = False) -> Document:
        """The archive's document with the changes that are carried out; contributors in the order in which they are stated."""
        parts = _parts(self.archive)
        parts.update({change.key: change.stated for change in self.taken(overwrite=overwrite)})
        first = [key for key in _parts(self.stated) if key in parts]
        ordered = {key: parts[key] for key in dict.fromkeys((*first, *parts))}
        return {**{key: value for key, value in self.archive.items() if key not in FIELDS}, **_whole(ordered)}

    def remembered(self, *, overwrite: bool = False) -> Document:
        """What the archive has from here once the changes are carried out, to be remembered as pushed."""
        left = {change.key for change in self.changes} - {change.key for change in self.taken(overwrite=overwrite)}
        before = _parts(self.pushed or {})
        now = {key: value for key, value in _parts(self.stated).items() if key not in left}
        return _whole({**now, **{key: before[key] for key in left if key in before}})

    def findings(self, *, overwrite: bool = False) -> Iterator[Finding]:
        """What is done about each change: a note for what is set, a warning for what somebody edited in the archive."""
        for change in self.changes:
            yield _said(change, overwrite=overwrite)

    def beside_lines(self, *, overwrite: bool = False) -> Iterator[Finding]:
        """Of the findings those that the lines of a diff do not say already."""
        for change in self.changes:
            if change.kind != "set":
                yield _said(change, overwrite=overwrite)


def compare(stated: Mapping[str, Any], archive: Mapping[str, Any], pushed: Mapping[str, Any] | None) -> Comparison:
    """What differs between three documents, and who changed it."""
    mine, theirs, last = _parts(stated), _parts(archive), _parts(pushed or {})
    changes = []
    for key in sorted({*mine, *last}, key=_order):
        kind = _kind(mine.get(key), theirs.get(key), last.get(key))
        if kind is not None:
            changes.append(Change(key, kind, mine.get(key), theirs.get(key), last.get(key)))
    return Comparison(stated, archive, pushed, tuple(changes))


def _kind(stated: Any, archive: Any, pushed: Any) -> Kind | None:
    if _same(stated, archive):
        return None
    if stated is None:
        return "no longer stated" if archive is not None else None
    if _same(archive, pushed):
        return "set"
    if _same(stated, pushed):
        return "edited there"
    return "set" if archive is None or (pushed is None and _holds(_normal(stated), _normal(archive))) else "conflict"


def _order(key: Key) -> tuple[int, str]:
    return FIELDS.index(key[0]), key[1]


def _parts(document: Mapping[str, Any]) -> dict[Key, Any]:
    """A document by what can change by itself."""
    parts: dict[Key, Any] = {}
    for field in FIELDS:
        value = document.get(field)
        if value in (None, "", []):
            continue
        if field in _IDENTITY and isinstance(value, list):
            parts.update({(field, _identity(field, one)): one for one in value})
        else:
            parts[field, ""] = value
    return parts


def _identity(field: str, entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return str(entry)
    named = [str(entry[key]) for key in _IDENTITY[field] if entry.get(key)]
    return " ".join(named) if field == "contributor" else (named or [""])[0]


def _same(one: Any, other: Any) -> bool:
    return bool(_normal(one) == _normal(other))


def _holds(stated: Any, archive: Any) -> bool:
    """Whether all that the archive has is stated, too, so that nobody's words are lost: what it made of its creator's account."""
    if isinstance(stated, Mapping) and isinstance(archive, Mapping):
        return all(key in stated and _holds(stated[key], one) for key, one in archive.items())
    if isinstance(stated, list) and isinstance(archive, list):
        return all(one in stated for one in archive)
    return bool(stated == archive)


def _normal(value: Any) -> Any:
    """A value without what says nothing: empty fields, the order of roles, what dandischema fills in."""
    if isinstance(value, Mapping):
        filled = {"includeInCitation": value.get("schemaKey") == "Person"} if "schemaKey" in value and "name" in value else {}
        kept = {key: _normal(one) for key, one in {**filled, **value}.items() if one not in (None, "", [])}
        if isinstance(kept.get("roleName"), list):
            kept["roleName"] = sorted(kept["roleName"])
        return kept
    return [_normal(one) for one in value] if isinstance(value, list | tuple) else value


def _whole(parts: Mapping[Key, Any]) -> Document:
    document: Document = {}
    for field in FIELDS:
        entries = [value for (name, _), value in parts.items() if name == field]
        if entries:
            document[field] = entries if field in _IDENTITY else entries[0]
    return document


def _said(change: Change, *, overwrite: bool) -> Finding:
    there, here = _shown(change.archive) if change.archive is not None else "nothing", _shown(change.stated)
    if change.kind == "set":
        return _note(change, f"will be `{here}`" + (f" instead of `{there}`" if change.archive is not None else ""))
    if change.kind == "no longer stated":
        return _note(change, f"is not stated any more, and stays in the archive: `{there}`")
    whose = "both were changed" if change.pushed is not None else "it was never pushed from here, so somebody else wrote it"
    why = "it was edited there" if change.kind == "edited there" else whose
    return Finding(
        severity="warning",
        check=CHECK,
        location=f"dandiset {change.where}",
        message=f"the archive has `{there}` and `{here}` is stated; {why}; it {'will be replaced' if overwrite else 'stays'}",
        remedy="" if overwrite else "state what the archive has, or say --overwrite-metadata to replace it",
    )


def _note(change: Change, message: str) -> Finding:
    return Finding(severity="note", check=CHECK, location=f"dandiset {change.where}", message=message)


# --- remembered -------------------------------------------------------------------------------------------------------


def load_pushed(state: Path, instance: str, dandiset: str) -> Document | None:
    """What was pushed last from this computer; None if nothing was, or it cannot be read."""
    try:
        kept = json.loads(_path(state, instance, dandiset).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(kept, dict) or (kept.get("instance"), kept.get("dandiset")) != (instance, dandiset):
        return None
    metadata = kept.get("metadata")
    return metadata if isinstance(metadata, dict) else None


def save_pushed(state: Path, instance: str, dandiset: str, document: Mapping[str, Any]) -> None:
    """Remember what the archive has from here, once it has it (`Comparison.remembered`).

    Raises
    ------
    OSError
        If the state folder cannot be written; what was remembered before stays.
    """
    path = _path(state, instance, dandiset)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"instance": instance, "dandiset": dandiset, "metadata": document}, indent=1))


def _path(state: Path, instance: str, dandiset: str) -> Path:
    name = hashlib.sha256(f"{instance}\n{dandiset}".encode()).hexdigest()[:32]
    return state / "dandisets" / f"{name}.json"
