"""The draft of a session file: written once for a folder, and brought up to date as often as one likes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bergmann.errors import SessionError, SourceError, WriteError
from bergmann.find.fields import Choices
from bergmann.find.listing import Listing, list_folder
from bergmann.find.plane import plane_lines, plane_offer
from bergmann.find.survey import Item, Survey, survey
from bergmann.find.text import Value, comment, shown, value_lines
from bergmann.find.unclaimed import unclaimed_lines
from bergmann.find.update import append_sources
from bergmann.plan.blinding import load_with_arm, tells_arm
from bergmann.plan.expand import expand_runs
from bergmann.plan.head import SessionKeys, Subject
from bergmann.plan.mistakes import meaning
from bergmann.plan.overlay import Merged, joined, load_merged, merge, walk
from bergmann.plan.schema import render, session_schema
from bergmann.plan.sources import Vocabulary
from bergmann.plan.veil import Veil
from bergmann.plan.yaml import Branch, Leaf, Place
from bergmann.registry import expand

SESSION = "session.yaml"
BESIDE = ".bergmann"
SCHEMA = f"{BESIDE}/session.schema.json"
OFFERED = "offered.json"

_TOP = f"""\
# yaml-language-server: $schema={SCHEMA}
# A draft by `bergmann init`, from the files of this folder. `???` marks what only a person knows; `bergmann check {SESSION}` says
# what is still missing. Names of sources are yours to change. Run `init` again when files were added: what you wrote stays.
format_version: 1
"""


@dataclass(frozen=True)
class Drafted:
    """What became of the draft of one folder.

    Attributes
    ----------
    path : Path
        The session file.
    is_new : bool
    added : tuple of str
        Names of the sources and questions that were added now.
    n_sources, n_blanks : int
        In the session file as it is now, with what it uses.
    unclaimed : tuple of Path
        Files that no source is of.
    notes : tuple of str
        What else a person should know.
    to_paste : str
        Lines that could not be put into the file, for a person to do it.
    """

    path: Path
    is_new: bool
    added: tuple[str, ...]
    n_sources: int
    n_blanks: int
    unclaimed: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    to_paste: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object; paths are relative to the folder."""
        return {
            "session": str(self.path),
            "is_new": self.is_new,
            "added": list(self.added),
            "sources": self.n_sources,
            "blanks": self.n_blanks,
            "unclaimed": [path.relative_to(self.path.parent).as_posix() for path in self.unclaimed],
            "notes": list(self.notes),
            "to_paste": self.to_paste,
        }


def draft_session(folder: Path, use: Sequence[Path] = (), vocabulary: Vocabulary | None = None) -> Drafted:
    """Look through a rig folder and write, or bring up to date, the session file in it.

    Parameters
    ----------
    folder : Path
    use : sequence of Path
        Session files that the draft is laid over, such as ``lab.yaml``; they are read and not changed.
    vocabulary : Vocabulary, optional
        The formats to look for; those of the rooms and of installed packages if left out.

    Returns
    -------
    Drafted

    Raises
    ------
    SourceError
        If the folder is not there, or has more files than any session.
    SessionError
        If the session file in it, or one that is used, cannot be read; it is left as it is.
    WriteError
        If nothing can be written there.
    """
    listing = list_folder(folder)
    path = folder / SESSION
    merged = _stated(path, use)
    words = vocabulary or Vocabulary.here()
    choices = Choices(_with_runs(merged.root, words), not path.exists(), words)
    found = survey(listing, choices, _names_of_files(choices))
    offered = _offered(folder)
    fresh = [item for item in found.items if not item.is_stated and item.identity not in offered]
    gone = tuple(offered[item.identity] for item in found.items if not item.is_stated and item.identity in offered)
    gone = tuple(name for name in gone if name not in choices.names("sources"))
    unclaimed = _unclaimed(listing, found, merged)
    if path.exists():
        text = _text_of(path)
        closing = _closing(listing, [one for one in unclaimed if _mention(one, folder) not in text], found.refused, text)
        made = append_sources(text, [item.entry for item in fresh], closing, path)
    else:
        text, made = "", _new_draft(listing, found, fresh, choices, unclaimed, [_relative(one, folder) for one in use])
    _write(path.parent / SCHEMA, render(session_schema(words)))
    to_paste = "\n".join(line for item in fresh for line in item.entry.lines()) if made is None else ""
    is_new = not path.exists()
    if made is not None and made != text:
        _write(path, made)
    if made is not None:
        names = offered | {item.identity: item.entry.name for item in found.items if item.identity not in offered}
        _write(folder / BESIDE / OFFERED, json.dumps(names, indent=1))
    drafted = _report(path, is_new, fresh if made is not None else [], unclaimed, found, gone, to_paste, words)
    ignored = [_relative(one, folder) for one in use if not is_new and one.resolve() not in _resolved(merged.documents)]
    if ignored:
        note = f"`use:` stays as you wrote it; add {', '.join(ignored)} to it if the session is to be laid over that"
        return replace(drafted, notes=(*drafted.notes, note))
    return drafted


def _resolved(paths: Sequence[Path]) -> set[Path]:
    return {path.resolve() for path in paths}


def _report(
    path: Path,
    is_new: bool,
    fresh: list[Item],
    unclaimed: tuple[Path, ...],
    found: Survey,
    gone: tuple[str, ...],
    to_paste: str,
    words: Vocabulary,
) -> Drafted:
    root = load_with_arm(path).root
    sources = expand_runs(root, words).root.entries.get("sources")
    notes = [*map(shown, found.notes), *(f"{shown(name)}: {shown(why)}" for name, why in found.refused.items())]
    notes += [f"taken out before, and left out: {', '.join(gone)}"] if gone else []
    return Drafted(
        path=path,
        is_new=is_new,
        added=tuple(item.entry.name for item in fresh),
        n_sources=len(sources.entries) if isinstance(sources, Branch) else 0,
        n_blanks=sum(isinstance(node, Leaf) and node.is_blank for _, node in walk(root)),
        unclaimed=unclaimed,
        notes=tuple(notes),
        to_paste=to_paste,
    )


# --- what is stated already -------------------------------------------------------------------------------------------


def _stated(path: Path, use: Sequence[Path]) -> Merged:
    """What the session file and what it uses say; of a new one, what it will use."""
    if path.exists() or path.is_symlink():
        return _whole(load_with_arm(path))
    root = Branch({}, Place(path, 1))
    documents: list[Path] = []
    for one in use:
        layer = _whole(load_merged(one))
        root, _ = merge(root, layer.root)
        documents += layer.documents
    return Merged(root, (), tuple(documents))


def _whole(merged: Merged) -> Merged:
    """A document that can be read, or an error that says what to do."""
    if not merged.is_whole:
        way_out = "mend that, or move the file away and run `bergmann init` again; nothing was changed"
        veil = Veil(merged.hidden, merged.is_blinded)
        errors = [one for one in veil.findings(merged.findings) if one.severity == "error"]
        raise SessionError([replace(one, remedy="; ".join(filter(None, (one.remedy, way_out)))) for one in errors])
    return merged


def _with_runs(root: Branch, words: Vocabulary) -> Branch:
    """What is stated, with the sources of all runs beside those that stand in the file: both are there already."""
    expanded = expand_runs(root, words).root
    of_runs, stated = expanded.entries.get("sources"), root.entries.get("sources")
    if not isinstance(of_runs, Branch) or not isinstance(stated, Branch):
        return root
    return Branch({**root.entries, "sources": Branch({**stated.entries, **of_runs.entries}, stated.place)}, root.place)


def _names_of_files(choices: Choices) -> Mapping[tuple[Path, str], str]:
    """Names of the stated sources, by file and observation."""
    sources = choices.root.entries.get("sources")
    names: dict[tuple[Path, str], str] = {}
    for name, node in sources.entries.items() if isinstance(sources, Branch) else ():
        path = node.entries.get("path") if isinstance(node, Branch) else None
        if not isinstance(node, Branch) or not isinstance(path, Leaf) or path.is_blank:
            continue
        observation = node.entries.get("observation")
        chosen = observation.text if isinstance(observation, Leaf) and not observation.is_blank else ""
        names |= {(file.resolve(), chosen): name for file in _files_at(path)}
    return names


def _files_at(leaf: Leaf) -> tuple[Path, ...]:
    """The files that a stated text names, if it names any."""
    try:
        return expand(joined(leaf.place.document.absolute().parent, leaf.text))
    except (SourceError, OSError, ValueError):
        return ()


def _unclaimed(listing: Listing, found: Survey, merged: Merged) -> tuple[Path, ...]:
    """Files of no source, and that nothing else in what is stated names; a document of an arm is none, and is not to be named."""
    named = {one.resolve() for one in (*merged.documents, listing.folder / SESSION)}
    for _, node in walk(merged.root):
        if isinstance(node, Leaf) and {".", "/", "\\"} & set(node.text) and len(node.text) < 1000 and "\n" not in node.text:
            named |= {file.resolve() for file in _files_at(node)}
    unclaimed = (one for one in found.unclaimed if one.resolve() not in named)
    return tuple(one for one in unclaimed if not (one.suffix.lower() in {".yaml", ".yml"} and tells_arm(one)))


def _offered(folder: Path) -> dict[str, str]:
    """What earlier runs have put into the draft and its name there, so that what a person took out stays out."""
    path = folder / BESIDE / OFFERED
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    is_of_it = isinstance(content, dict) and (folder / SESSION).exists()
    return {str(identity): str(name) for identity, name in content.items()} if is_of_it else {}


def _text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


# --- a new draft ------------------------------------------------------------------------------------------------------


def _relative(path: Path, folder: Path) -> str:
    """A path from the folder, with /; absolute where it is on another drive."""
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:
        return path.absolute().as_posix()


def _new_draft(
    listing: Listing, found: Survey, fresh: list[Item], choices: Choices, unclaimed: tuple[Path, ...], use: list[str]
) -> str:
    lines = [_TOP.rstrip("\n")]
    if use:
        lines.append(f"use: [{', '.join(_quoted(one) for one in use)}]  # laid over each other in this order, this file last")
    lines += ["", *_section("session", _session_values(listing, found, choices))]
    lines += _section("subject", tuple(_subject_values(choices)))
    if not choices.has("time_zone"):
        lines += value_lines((Value("time_zone", None, "where the rig's clocks stood, as Asia/Seoul"),), "")
    lines += ["", "sources:" if fresh else "sources: {}  # nothing was found that a format reads"]
    lines += [line for item in fresh for line in item.entry.lines()]
    lines += plane_lines(found.channels) if found.channels else ()
    lines += plane_offer(found.planeless, choices.names("devices")) if found.planeless else ()
    lines += _closing(listing, list(unclaimed), found.refused, "")
    return "\n".join(lines) + "\n"


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"


def _section(name: str, values: tuple[Value, ...]) -> Iterator[str]:
    if values:
        yield f"{name}:"
        yield from value_lines(values, "  ")


def _session_values(listing: Listing, found: Survey, choices: Choices) -> tuple[Value, ...]:
    folder = listing.folder.absolute().name
    values = [Value("id", None, f"{meaning(SessionKeys, 'id')} (this folder is called {folder})")]
    values.append(Value("description", None, meaning(SessionKeys, "description")))
    return tuple(one for one in (*values, found.start) if not choices.has("session", one.key))


def _subject_values(choices: Choices) -> Iterator[Value]:
    for key in ("id", "species", "sex"):
        if not choices.has("subject", key):
            yield Value(key, None, meaning(Subject, key))
    if not choices.has("subject", "born") and not choices.has("subject", "age"):
        yield Value("born", None, f"{meaning(Subject, 'born')}; or `age:` in place of `born:`")


def _closing(listing: Listing, unclaimed: list[Path], refused: Mapping[str, str], text: str) -> list[str]:
    """Comments for the end: what is not converted."""
    lines: list[str] = []
    if new := [f"{name}: {why}" for name, why in refused.items() if comment(name)[2:] not in text]:
        lines += ["", "# Found, and not readable as they are:", *(comment(f"  {one}") for one in new)]
    if unclaimed:
        lines += ["", "# Files that no source is of, which are not converted:", *unclaimed_lines(listing.folder, unclaimed)]
    return lines


def _mention(path: Path, folder: Path) -> str:
    return shown(path.relative_to(folder).as_posix())


# --- disk -------------------------------------------------------------------------------------------------------------


def _write(path: Path, text: str) -> None:
    """Put a text file in place, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(exist_ok=True)
        with partial.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        reason = error.strerror or type(error).__name__
        raise WriteError(f"{path.name}: cannot be written ({reason}); is it open elsewhere, or the folder read-only?") from error
