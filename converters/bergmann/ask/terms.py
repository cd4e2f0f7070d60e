"""Whether a name in a file means what a name in a question means, by the vocabulary, else by spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from bergmann.ask.facts import Administration, Population, ProcedureRow, ReceptorRow
from bergmann.receptors.vocabulary import UnknownTermError, find_cell, find_compound, find_receptor, find_structure
from bergmann.receptors.vocabulary.relations import cells_below, family_members, named_cell, places_within
from bergmann.receptors.vocabulary.spelling import plain


def is_any(text: str, asked: Iterable[str]) -> bool:
    """Whether a text is one of those that are asked for, however it is spelled."""
    return plain(text) in {plain(one) for one in asked}


def holds_any(text: str, asked: Iterable[str]) -> bool:
    """Whether a text has one of those that are asked for in it."""
    spelled = plain(text)
    return any(plain(one) in spelled for one in asked)


# --- receptors ----------------------------------------------------------------------------------------------------------


@cache
def _receptor(text: str) -> tuple[str, bool]:
    """What tells a receptor from others, and whether the vocabulary knows it."""
    try:
        found = find_receptor(text)
    except UnknownTermError:
        return plain(text), False
    # An identifier that is not listed is given back as the name.
    return plain(found.receptor_id or found.name), found.name not in (found.receptor_id, found.gene_id)


@cache
def _asked_receptors(asked: tuple[str, ...]) -> frozenset[str]:
    names = [one for text in asked for one in (text, *family_members(text))]
    return frozenset(_receptor(name)[0] for name in names)


def _receptor_names(row: ReceptorRow) -> Iterator[str]:
    """What a row is: by its identifier and its name; by its gene only where neither says what the vocabulary knows.

    A designer receptor has the gene of its parent, and is not that receptor.
    """
    stated = [_receptor(text) for text in (row.receptor_id, row.name) if text]
    yield from (name for name, _ in stated)
    if row.role == "native" and not any(known for _, known in stated):
        yield from _gene_names(row)


def is_receptor(row: ReceptorRow, asked: tuple[str, ...]) -> bool:
    """Whether a row is one of the receptors that are asked for, or a member of one of the families."""
    return not _asked_receptors(asked).isdisjoint(_receptor_names(row))


def _gene_names(row: ReceptorRow) -> Iterator[str]:
    yield from (_receptor(text)[0] for text in (row.gene_id, row.gene_symbol) if text)


def is_gene(row: ReceptorRow, asked: tuple[str, ...]) -> bool:
    """Whether the gene of a row is one of those that are asked for, in any species."""
    return not {_receptor(text)[0] for text in asked}.isdisjoint(_gene_names(row))


# --- cells and places -----------------------------------------------------------------------------------------------------


@cache
def _cell(text: str) -> tuple[str, str]:
    """CURIE and name of a cell type; the CURIE is empty if it has none."""
    try:
        found = find_cell(text)
    except UnknownTermError:
        return named_cell(text), plain(text)
    return found.curie.upper(), plain(found.name)


@cache
def _asked_cells(asked: tuple[str, ...]) -> frozenset[str]:
    terms = [_cell(text) for text in asked]
    return frozenset(name for _, name in terms) | {below for curie, _ in terms if curie for below in cells_below(curie)}


def is_cell_type(row: Population, asked: tuple[str, ...]) -> bool:
    """Whether a population is of one of the cell types that are asked for, or of a subtype."""
    names = [*_cell(row.cell_type), row.cell_type_id.upper()]
    return not _asked_cells(asked).isdisjoint(name for name in names if name)


@cache
def _place(text: str) -> frozenset[str]:
    """The places that a text names; of a free text such as ``V1, layer 2/3`` those of its parts that the vocabulary knows."""
    for parts in ([text], re.split(r"[,;()]", text)):
        found = {name for part in parts if (name := _listed_place(part.strip()))}
        if found:
            return frozenset(found)
    return frozenset()


def _listed_place(text: str) -> str:
    if not plain(text):
        return ""
    try:
        return find_structure(text).name
    except UnknownTermError:
        return ""


@cache
def _asked_places(asked: tuple[str, ...]) -> frozenset[str]:
    return frozenset(within for text in asked for name in _place(text) for within in places_within(name))


def is_located(location: str, location_id: str, asked: tuple[str, ...]) -> bool:
    """Whether a place is one of those that are asked for, or within one."""
    if location and is_any(location, asked):
        return True
    names = _place(location_id) | _place(location) if location_id else _place(location)
    return not _asked_places(asked).isdisjoint(names)


def are_apart(one: str, other: str) -> bool:
    """Whether two locations are known to be different places, neither within the other."""
    here, there = _place(one), _place(other)
    if not here or not there:
        return False
    return not (is_located(one, "", tuple(there)) or is_located(other, "", tuple(here)))


# --- drugs and procedures ---------------------------------------------------------------------------------------------------


@cache
def _compound(text: str) -> str:
    try:
        return plain(find_compound(text).name)
    except UnknownTermError:
        return plain(text)


def is_drug(row: Administration, asked: tuple[str, ...]) -> bool:
    """Whether a compound is one of those that are asked for."""
    names = {_compound(text) for text in (row.compound, row.compound_id) if text}
    return not names.isdisjoint(_compound(text) for text in asked)


def is_procedure(row: ProcedureRow, asked: tuple[str, ...]) -> bool:
    """Whether a procedure is one of those that are asked for; a sham is not the injury that it is the sham of."""
    return not {plain(text) for text in asked}.isdisjoint(_procedure_names(row))


def _procedure_names(row: ProcedureRow) -> Iterator[str]:
    yield plain(row.kind)
    models = [one for one in (plain(row.model), _initials(row.model)) if one]
    if row.kind == "sham":
        yield from (f"sham{of}{model}" for model in models for of in ("", "of"))
    else:
        yield from [*models, plain(row.label)]


def _initials(name: str) -> str:
    """The first letters of several words: ``sni`` of ``spared nerve injury``; empty for a single word."""
    words = re.findall(r"[^\W_]+", re.sub(r"['’]", "", name))
    return "".join(word[0] for word in words).casefold() if len(words) > 1 else ""
