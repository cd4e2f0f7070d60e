"""Which terms of the vocabulary lie below another: subtypes of a cell type, parts of a place, members of a family of receptors."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.resources import files

from bergmann.receptors.vocabulary.spelling import plain
from bergmann.receptors.vocabulary.terms import UnknownTermError, find_receptor

Below = Mapping[str, frozenset[str]]


def cells_below(curie: str) -> frozenset[str]:
    """The term of a cell type and those of all its subtypes, as CURIEs in capitals.

    ``CL:0000127`` (astrocyte) has ``CL:0000644`` (Bergmann glial cell) below it. A term without links is alone.
    """
    return _cells().get(curie.upper(), frozenset()) | {curie.upper()}


def named_cell(text: str) -> str:
    """The CURIE of a cell type that only the links name, such as ``neuron``; empty if they do not."""
    return _linked_names().get(plain(text), "")


def places_within(name: str) -> frozenset[str]:
    """The name of a place and the names of everything of the vocabulary that is part of it.

    ``cerebellum`` has ``lobules IV-V`` within it.
    """
    return _places().get(name, frozenset()) | {name}


def family_members(text: str) -> tuple[str, ...]:
    """The name of a family of receptors, its members, and those of the families among them; empty if a text names none."""
    name = plain(text)
    with suppress(UnknownTermError):  # a family need not be a receptor of the vocabulary
        name = plain(find_receptor(text).name)
    family, *members = _families().get(name, ("",))
    return (
        tuple(dict.fromkeys([family, *(one for member in members for one in (member, *family_members(member)))])) if family else ()
    )


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((files(__package__) / name).read_text(encoding="utf-8").splitlines()))


@cache
def _families() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row in _rows("families.csv"):
        for name in (row["family"], *row["other_names"].split("|")):
            if name:
                found[plain(name)] = (row["family"], *row["members"].split("|"))
    return found


@cache
def _cells() -> Below:
    return _closed((row["parent"], row["curie"]) for row in _rows("cells_is_a.csv"))


@cache
def _linked_names() -> Mapping[str, str]:
    rows = _rows("cells_is_a.csv")
    named = [(row["name"], row["curie"]) for row in rows] + [(row["parent_name"], row["parent"]) for row in rows]
    return {spelling: curie for name, curie in named for spelling in (plain(name), plain(f"{name}s"))}


@cache
def _places() -> Below:
    return _closed((row["parent"], row["structure"]) for row in _rows("anatomy_part_of.csv"))


def _closed(links: Iterable[tuple[str, str]]) -> Below:
    """Everything that is directly or indirectly below each parent.

    Parameters
    ----------
    links : iterable of (str, str)
        Parent and child.
    """
    children: dict[str, set[str]] = {}
    for parent, child in links:
        children.setdefault(parent, set()).add(child)
    below: dict[str, frozenset[str]] = {}
    for parent in children:
        found: set[str] = set()
        waiting = [parent]
        while waiting:
            new = children.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        below[parent] = frozenset(found)
    return below
