"""A file that is no session by itself: a part of sessions (a lab's, an arm's, an animal's), or something else altogether."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from bergmann.errors import SessionError
from bergmann.findings import Finding
from bergmann.plan.overlay import load_merged
from bergmann.plan.yaml import Branch, read_document

OF_A_SESSION = ("session", "sources")
"""Keys of which every session file has one at least."""

MOST_SEEN = 200
"""YAML files near an overlay among which those that use it are looked for."""


def is_partial(path: Path, root: Branch, known: Iterable[str]) -> bool:
    """Whether a file says something itself, and with what it uses nothing of a session: neither `session` nor `sources`."""
    own = {key for key, node in root.entries.items() if node.place.document == path.absolute()} - {"format_version"}
    return bool(own & set(known)) and not any(key in root.entries for key in OF_A_SESSION)


def is_foreign(root: Branch, known: Iterable[str]) -> bool:
    """Whether no key of a file is one of a session file, or spelled nearly like one."""
    names = list(known)
    return bool(root.entries) and not any(get_close_matches(key, names, n=1, cutoff=0.75) for key in root.entries)


def without_what_is_open(findings: Iterable[Finding], blanks: Iterable[str]) -> Iterator[Finding]:
    """The findings of an overlay without those of what other files may state; its own blanks are among those that stay."""
    own = set(blanks)
    for one in findings:
        if one.check not in {"gap", "dangling reference"} or one.location.partition(" ")[2] in own:
            yield one


def of_partial(path: Path, findings: Iterable[Finding], blanks: Iterable[str]) -> Iterator[Finding]:
    """What is wrong in an overlay, without what it leaves to the files that use it, and how it is checked.

    Parameters
    ----------
    path : Path
    findings : iterable of Finding
        Of the overlay, judged as if it were a session file.
    blanks : iterable of str
        Dotted keys of what stands in it as a blank.
    """
    yield from without_what_is_open(findings, blanks)
    users = list(islice(_users(path), 3))
    if users:
        remedy = f"check a session file that uses it: bergmann check {users[0]}"
    else:
        remedy = f"name it in a session file, `use: [{path.name}]`, and check that; none near it uses it yet"
    yield Finding(
        severity="error",
        check="overlay",
        location=path.name,
        message="this looks like a part that session files are laid over (an overlay), since it has neither `session` nor "
        "`sources`; it cannot be converted by itself, and what it leaves open was not judged",
        remedy=remedy,
    )


def _users(path: Path) -> Iterator[str]:
    """Session files near an overlay that use it, as they are typed."""
    for other in islice(_near(path.absolute()), MOST_SEEN):
        try:
            if not any(key in read_document(other).root.entries for key in OF_A_SESSION):
                continue
            used = {one.resolve() for one in load_merged(other).documents}
        except (SessionError, OSError):
            continue
        if path.resolve() in used:
            typed = _typed(other)
            yield f'"{typed}"' if " " in typed else typed


def _near(path: Path) -> Iterator[Path]:
    """YAML files beside a file, in the folders beside it, and in those beside its folder."""
    for folder in dict.fromkeys((path.parent, path.parent.parent)):
        for pattern in ("*.y*ml", "*/*.y*ml"):
            yield from sorted(one for one in folder.glob(pattern) if one != path and one.is_file())


def _typed(path: Path) -> str:
    try:
        return Path(os.path.relpath(path)).as_posix()
    except ValueError:  # on another drive
        return path.as_posix()
