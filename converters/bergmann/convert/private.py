"""No file tells who or which machine made it: what sources carry of that is taken out before it is written, and said."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bergmann.findings import Finding, Severity
from bergmann.privacy import REMOVED, Private, hidden, without_private
from bergmann.proof.packets import Telling, tell_of_persons, without_telling
from bergmann.writing.videos import link_or_copy

_NAMES_OF_FILES = {"external_file"}
"""Fields with paths that are written relative to the file, later."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A private part of a text of the file.

    Attributes
    ----------
    where : str
        Path and field in the file.
    kind : str
        What it is, for a message.
    shown : str
        As a message may show it.
    is_stated : bool
        Whether a person stated it, so that it stays.
    """

    where: str
    kind: str
    shown: str
    is_stated: bool


def remove_private(nwbfile: Any, stated: Collection[str]) -> tuple[Removal, ...]:
    """Take paths of users, addresses of mail and of network cards out of all texts of a file that is about to be written.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        Changed in place.
    stated : collection of str
        What the person stated; a part that stands there is meant to be published, and stays.

    Returns
    -------
    tuple of Removal
        In the order of the objects.
    """
    found: list[Removal] = []
    for one in nwbfile.all_children():  # not `objects`, which does not see what was added since it was asked for first
        place = _place(one)
        for name, value in list(one.fields.items()):
            if name not in _NAMES_OF_FILES and _is_text(value):
                one.fields[name] = _clean(value, f"{place}.{name}", stated, found)
        if hasattr(one, "transform") and _is_text(getattr(one, "data", None)):
            one.transform(lambda values, place=place: _clean(values, place, stated, found))
    return tuple(found)


def _is_text(value: Any) -> bool:
    if isinstance(value, str):
        return True
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(one, str) for one in value)
    return isinstance(value, np.ndarray) and value.dtype.kind in "OU" and all(isinstance(one, str) for one in value.flat)


def _clean(value: Any, where: str, stated: Collection[str], found: list[Removal]) -> Any:
    """The text or texts without private parts; the same object where there are none."""
    if isinstance(value, str):
        return _clean_text(value, where, stated, found)
    cleaned = [_clean_text(str(one), where, stated, found) for one in np.asarray(value, dtype=object).ravel()]
    if cleaned == list(np.asarray(value, dtype=object).ravel()):
        return value
    if isinstance(value, np.ndarray):
        return np.array(cleaned, dtype=object).reshape(value.shape)
    return type(value)(cleaned)


def _clean_text(text: str, where: str, stated: Collection[str], found: list[Removal]) -> str:
    def stays(private: Private) -> bool:
        is_stated = _is_stated(text, private, stated)
        found.append(Removal(where=where, kind=private.kind, shown=hidden(text, private), is_stated=is_stated))
        return is_stated

    return without_private(text, stays)


def _is_stated(text: str, private: Private, stated: Collection[str]) -> bool:
    part = text[private.start : private.stop]
    return any(part in one for one in stated)


def _place(one: Any) -> str:
    names = [str(one.name), *(str(above.name) for above in one.get_ancestors())]
    return "/".join(name for name in reversed(names) if name != "root") or "file"


def say_removed(removals: Collection[Removal]) -> Iterator[Finding]:
    """What was taken out, once for each place and kind; and what stays, since a person stated it."""
    for (where, kind, is_stated), shown in {(one.where, one.kind, one.is_stated): one.shown for one in removals}.items():
        if is_stated:
            message = f"{kind}, as it is stated: {shown}"
            remedy = "everybody can read it once the file is published; state the text without it"
            yield Finding(severity="warning", check="private text", location=where, message=message, remedy=remedy)
        else:
            message = f"{kind}, which the source carries, was taken out: {shown}"
            remedy = f"{REMOVED} stands there; --keep-private keeps it"
            yield Finding(severity="note", check="private text", location=where, message=message, remedy=remedy)


class PlacedVideos:
    """How videos come beside the file: without what their metadata tells, where that can be taken out of the copy.

    Parameters
    ----------
    keep : bool
        Whether all of it is to be kept.

    Attributes
    ----------
    findings : list of Finding
        What was taken out, and what is published.
    """

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self.findings: list[Finding] = []

    def place(self, source: Path, target: Path) -> None:
        """Put a video at its place; the source is not touched."""
        telling = tell_of_persons(source)
        is_taken_out = bool(telling) and not self._keep and without_telling(source, target)
        if not is_taken_out:
            link_or_copy(source, target)
        self.findings += [_say_telling(source, one, is_taken_out=is_taken_out) for one in telling]


def _say_telling(source: Path, told: Telling, *, is_taken_out: bool) -> Finding:
    text, private = told.text, told.private
    shown = hidden(text, private) if private is not None else f"{text[:3]}... ({len(text)} characters)"
    message = f"{told.key} of its metadata tells of {private.kind if private else 'a person or a place'}: {shown}"
    if is_taken_out:
        message += "; the copy beside the file is without it, its packets and their times as they were"
        remedy = "--keep-private keeps it"
    else:
        remedy = "it is published as it is: write it again without metadata (ffmpeg -map_metadata -1 -c copy)"
    severity: Severity = "note" if is_taken_out else "warning"
    return Finding(severity=severity, check="private text", location=source.name, message=message, remedy=remedy)
