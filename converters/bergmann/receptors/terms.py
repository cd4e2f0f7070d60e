"""What stated names of receptors, cells, places and compounds stand for, and what the archive is to find a file by."""

from __future__ import annotations

from collections.abc import Iterator

from bergmann.receptors.vocabulary import (
    Compound,
    Structure,
    UnknownTermError,
    find_cell,
    find_compound,
    find_receptor,
    find_structure,
)
from bergmann.stated import Collections


def place_of(text: str, species: str | None) -> Structure:
    """The place with its CURIE, under the name that the person gives it; a place that is not listed has no CURIE.

    The name stays as stated: an atlas acronym says more than the vocabulary's name of it.
    """
    try:
        found = find_structure(text, species)
    except UnknownTermError:
        return Structure(name=text)
    return found if "[" in text or ":" in text else Structure(name=text, curie=found.curie)


def compound_of(text: str) -> Compound:
    """The compound with its CURIE; one that is not listed keeps its name and has no CURIE."""
    try:
        return find_compound(text)
    except UnknownTermError:
        return Compound(name=text)


def keywords(collections: Collections, species: str | None) -> tuple[str, ...]:
    """Gene symbols, receptor names, cell types and drugs: the archive indexes a file's keywords, and no field of an extension.

    The gene of a designer receptor or a sensor is that of its parent, which the animal was not studied for: it is left out.

    Parameters
    ----------
    collections : mapping
        What is stated; names that the vocabulary does not know are left out here, since `check_collections` reports them.
    species : str or None
        Of the subject.
    """
    return tuple(dict.fromkeys(word for word in _words(collections, species) if word))


def _words(collections: Collections, species: str | None) -> Iterator[str]:
    for stated in collections.get("receptors", {}).values():
        try:
            receptor = find_receptor(getattr(stated, "receptor", ""), species)
        except UnknownTermError:
            continue
        yield from (receptor.gene_symbol if receptor.role == "native" else "", receptor.name)
    for stated in collections.get("populations", {}).values():
        try:
            yield find_cell(getattr(stated, "cell_type", "")).name
        except UnknownTermError:
            continue
    for name, stated in collections.get("drugs", {}).items():
        yield compound_of(getattr(stated, "compound", None) or name).name
