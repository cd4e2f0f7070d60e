"""Find a receptor, a cell type, a place or a compound by any of its names and identifiers."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Generic, Literal, TypeVar

from bergmann.errors import BergmannError
from bergmann.receptors.vocabulary.spelling import UNLISTED, is_curie, plain, split_id

Organism = Literal["human", "mouse", "rat"]
Role = Literal["native", "designer", "sensor", "other"]
TermT = TypeVar("TermT")

_ORGANISMS: dict[str, Organism] = {
    "homo sapiens": "human",
    "ncbitaxon:9606": "human",
    "ncbitaxon_9606": "human",
    "mus musculus": "mouse",
    "ncbitaxon:10090": "mouse",
    "ncbitaxon_10090": "mouse",
    "rattus norvegicus": "rat",
    "ncbitaxon:10116": "rat",
    "ncbitaxon_10116": "rat",
}
_GENE_PREFIXES = ("ncbigene", "hgnc", "mgi", "rgd", "zfin", "ensembl", "flybase", "wormbase")


class UnknownTermError(BergmannError):
    """A name that the vocabulary does not know.

    Attributes
    ----------
    suggestions : tuple of str
        The nearest names that it does know, best first.
    """

    def __init__(self, kind: str, text: str, suggestions: Iterable[str]) -> None:
        self.suggestions = tuple(suggestions)
        super().__init__(f"{text!r} is not a {kind} of the vocabulary{self.hint}")

    @property
    def hint(self) -> str:
        """The suggestions as the end of a sentence; empty if there is none."""
        return f"; did you mean {' or '.join(f'`{name}`' for name in self.suggestions)}?" if self.suggestions else ""


@dataclass(frozen=True, kw_only=True)
class Receptor:
    """A receptor, or what is treated like one.

    Attributes
    ----------
    name : str
        As in the Guide to PHARMACOLOGY, or as stated.
    gene_symbol, gene_id : str
        Of the gene in the subject's species, or in the species of the identifier that was given; of the human parent gene for
        a designer receptor or a sensor. Empty if there is none or it is not certain.
    receptor_id : str
        ``IUPHAR:`` target; empty for a synthetic protein or a family.
    role : {"native", "designer", "sensor", "other"}
    transduction, ligand : str
    organism : {"human", "mouse", "rat"} or None
        Whose gene it is.
    """

    name: str
    gene_symbol: str = ""
    gene_id: str = ""
    receptor_id: str = ""
    role: Role = "native"
    transduction: str = ""
    ligand: str = ""
    organism: Organism | None = None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell type: its name and the CURIE of its term (empty if there is none)."""

    name: str
    curie: str = ""
    obsolete: str = ""


@dataclass(frozen=True, kw_only=True)
class Structure:
    """A place: its name and the CURIE of its term (empty if there is none)."""

    name: str
    curie: str = ""


@dataclass(frozen=True, kw_only=True)
class Compound:
    """A compound: its name and the CURIE of its record (empty if there is none).

    Attributes
    ----------
    name, curie : str
    unverified : str
        Which of its identifiers is listed and not verified, and so not used; empty if that is none.
    """

    name: str
    curie: str = ""
    unverified: str = ""


class _Index(Generic[TermT]):
    """Terms by every spelling of every name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.terms: dict[str, TermT] = {}
        self.names: dict[str, str] = {}

    def add(self, term: TermT, names: Iterable[str]) -> None:
        for name in names:
            if name:
                self.terms.setdefault(plain(name), term)
                self.names.setdefault(plain(name), name)

    def find(self, text: str) -> TermT:
        """The term of that name.

        Raises
        ------
        UnknownTermError
            If no term has that name; with up to three of the nearest.
        """
        term = self.terms.get(plain(text))
        if term is None:
            nearest = get_close_matches(plain(text), self.names, n=3, cutoff=0.6)
            raise UnknownTermError(self.kind, text, dict.fromkeys(self.names[one] for one in nearest))
        return term


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((files(__package__) / name).read_text(encoding="utf-8").splitlines()))


def _synonyms(kind: str) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in _rows("synonyms.csv"):
        if row["kind"] == kind:
            found.setdefault(row["term"], []).append(row["synonym"])
    return found


def organism_of(species: str | None) -> Organism | None:
    """Which of the organisms with known genes a species is; None for any other, or if it is not stated."""
    return _ORGANISMS.get((species or "").strip().rsplit("/", 1)[-1].casefold())


# --- receptors --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Target:
    """One row of ``receptors.csv``."""

    row: Mapping[str, str]
    ligand: str

    def gene(self, organism: Organism | None) -> tuple[str, str]:
        """Symbol and CURIE of the gene; empty for an organism whose genes are not listed."""
        row = self.row
        if organism is None:
            return "", ""
        # Rat symbols are the mouse's: the nomenclature committees name orthologues alike.
        symbol = row["human_symbol"] if organism == "human" else row["mouse_symbol"]
        number = row[f"{organism}_ncbigene"]
        return symbol, f"NCBIGene:{number}" if number else ""

    def receptor(self, organism: Organism | None) -> Receptor:
        symbol, gene = self.gene(organism)
        return Receptor(
            name=self.row["name"],
            gene_symbol=symbol,
            gene_id=gene,
            receptor_id=f"IUPHAR:{self.row['gtopdb_target_id']}",
            transduction=self.row["transduction"],
            ligand=self.ligand,
            organism=organism,
        )

    def identifiers(self) -> Iterable[tuple[str, Organism | None]]:
        """Every identifier of the target, and whose gene or protein it names."""
        row = self.row
        yield f"IUPHAR:{row['gtopdb_target_id']}", None
        yield f"GTOPDB:{row['gtopdb_target_id']}", None
        yield row["hgnc"], "human"
        yield row["mgi"], "mouse"
        yield row["rat_rgd"], "rat"
        organisms: tuple[Organism, ...] = ("human", "mouse", "rat")
        for organism in organisms:
            yield f"NCBIGene:{row[f'{organism}_ncbigene']}", organism
        for organism in organisms[:2]:  # the proteins of the rat are not listed
            yield f"UniProtKB:{row[f'{organism}_uniprot']}", organism
            yield f"UniProt:{row[f'{organism}_uniprot']}", organism
            yield f"ENSEMBL:{row[f'{organism}_ensembl']}", organism


@cache
def _targets() -> tuple[_Target, ...]:
    ligands = {row["human_symbol"]: row["ligand"] for row in _rows("ligands.csv")}
    return tuple(_Target(row, ligands.get(row["human_symbol"], "")) for row in _rows("receptors.csv"))


@cache
def _identified() -> Mapping[str, tuple[_Target, Organism | None]]:
    return {curie.casefold(): (target, organism) for target in _targets() for curie, organism in target.identifiers()}


def _made(row: Mapping[str, str]) -> Receptor:
    """A designer receptor, a sensor or a family; its gene is the human parent's, its id only if that is listed."""
    parents = [target for target in _targets() if target.row["human_symbol"] == row["parent_gene"]]
    return Receptor(
        name=row["name"],
        gene_symbol=row["parent_gene"],
        gene_id=parents[0].gene("human")[1] if parents else "",
        role=row["role"],  # type: ignore[arg-type]
        transduction=row["transduction"],
        ligand=row["ligand"],
        organism="human" if row["parent_gene"] else None,
    )


@cache
def _receptors() -> _Index[_Target | Receptor]:
    index: _Index[_Target | Receptor] = _Index("receptor")
    synonyms = _synonyms("receptor")
    for target in _targets():
        row = target.row
        index.add(target, [row["mouse_symbol"], row["name"], row["human_symbol"], *synonyms.get(row["name"], [])])
    for row in _rows("more_receptors.csv"):
        index.add(_made(row), [row["name"], *row["synonyms"].split("|")])
    return index


def find_receptor(text: str, species: str | None = None) -> Receptor:
    """The receptor that a symbol, a name, a synonym or a CURIE names.

    Parameters
    ----------
    text : str
        ``Adra1a``, ``α1A-adrenoceptor``, ``IUPHAR:22``, ``NCBIGene:11549``, ``hM4Di``; or ``name [CURIE]`` or ``name [unlisted]``
        for one that is not in the vocabulary. Any other well-formed CURIE is taken as stated.
    species : str or None
        Binomial or NCBITaxon of the subject; decides whose gene is meant where the text does not.

    Raises
    ------
    UnknownTermError
        If nothing has that name.
    """
    text, organism = text.strip(), organism_of(species)
    stated = split_id(text)
    if stated is not None:
        return replace(_by_curie(stated[1], organism), name=stated[0]) if stated[1] else Receptor(name=stated[0])
    if is_curie(text):
        return _by_curie(text, organism)
    found = _receptors().find(text)
    return found if isinstance(found, Receptor) else found.receptor(organism)


def _by_curie(curie: str, organism: Organism | None) -> Receptor:
    known = _identified().get(curie.casefold())
    if known is not None:
        target, own = known
        return target.receptor(own or organism)
    is_gene = curie.split(":", 1)[0].casefold() in _GENE_PREFIXES
    return Receptor(name=curie, gene_id=curie if is_gene else "", receptor_id="" if is_gene else curie)


# --- cells, places, compounds -----------------------------------------------------------------------------------------


def _listed(text: str) -> tuple[str, str] | None:
    """Name and CURIE of a text that carries its own identifier; None if it must be looked up."""
    if is_curie(text):
        return text, text
    return split_id(text)


@cache
def _cells() -> _Index[Cell]:
    index: _Index[Cell] = _Index("cell type")
    synonyms = _synonyms("cell")
    for row in (*_rows("cells.csv"), *_rows("more_cells.csv")):
        names = [row["cell_type"], *synonyms.get(row["cell_type"], [])]
        index.add(Cell(name=row["cell_type"], curie=row["curie"]), [*names, *(f"{name}s" for name in names)])
    return index


def find_cell(text: str) -> Cell:
    """The cell type that a name, a synonym or a CURIE names; `obsolete` says what to use in place of an obsolete term.

    Raises
    ------
    UnknownTermError
        If nothing has that name.
    """
    listed = _listed(text.strip())
    if listed is None:
        return _cells().find(text)
    name, curie = listed
    known = {cell.curie.casefold(): cell for cell in _cells().terms.values() if cell.curie}
    instead = {row["curie"]: f"{row['instead']} ({row['name']})" for row in _rows("obsolete.csv")}
    if name == curie and curie.casefold() in known:
        return known[curie.casefold()]
    return Cell(name=name, curie=curie, obsolete=instead.get(curie.upper(), ""))


@cache
def _structures() -> _Index[tuple[str, str, str]]:
    index: _Index[tuple[str, str, str]] = _Index("place")
    synonyms = _synonyms("structure")
    for row in (*_rows("anatomy.csv"), *_rows("more_anatomy.csv")):
        names = (row["structure"], row["allen_acronym"], *synonyms.get(row["structure"], []))
        index.add((row["structure"], row["allen_curie"], row["uberon_curie"]), names)
    return index


def find_structure(text: str, species: str | None = "Mus musculus") -> Structure:
    """The place that a name, an Allen acronym, a synonym or a CURIE names.

    Parameters
    ----------
    text : str
    species : str or None
        The Allen atlas is the mouse's: for any other species the CURIE is Uberon's.

    Raises
    ------
    UnknownTermError
        If nothing has that name.
    """
    listed = _listed(text.strip())
    if listed is None:
        name, allen, uberon = _structures().find(text)
        return Structure(name=name, curie=(allen or uberon) if organism_of(species) == "mouse" else uberon)
    name, curie = listed
    known = {one.casefold(): place[0] for place in _structures().terms.values() for one in place[1:] if one}
    return Structure(name=known.get(curie.casefold(), name) if name == curie else name, curie=curie)


_PREFIXES = {"chebi": "", "pubchem_cid": "pubchem.compound:", "inchikey": "inchikey:"}
"""Columns of identifiers of compounds, the best first, and what makes a CURIE of each."""


def _unverified(row: Mapping[str, str]) -> str:
    """The column whose identifier is not verified; empty if that is none."""
    return row["status"].removesuffix("unverified").strip() if row["status"].endswith("unverified") else ""


def _compound(row: Mapping[str, str]) -> Compound:
    """The compound with its best verified identifier: ChEBI, else PubChem, else the InChIKey, else none."""
    unverified = _unverified(row)
    verified = [f"{prefix}{row[column]}" for column, prefix in _PREFIXES.items() if row[column] and column != unverified]
    said = f"{_PREFIXES[unverified]}{row[unverified]}" if unverified else ""
    return Compound(name=row["compound"], curie=next(iter(verified), ""), unverified=said)


@cache
def _compounds() -> _Index[Compound]:
    index: _Index[Compound] = _Index("compound")
    synonyms = _synonyms("compound")
    for row in (*_rows("compounds.csv"), *_rows("more_compounds.csv")):
        index.add(_compound(row), [row["compound"], *synonyms.get(row["compound"], [])])
    return index


def find_compound(text: str) -> Compound:
    """The compound that a name, a synonym or a CURIE names.

    Raises
    ------
    UnknownTermError
        If nothing has that name.
    """
    listed = _listed(text.strip())
    if listed is None:
        return _compounds().find(text)
    name, curie = listed
    identified = {
        f"{prefix}{row[column]}".casefold(): row["compound"]
        for row in _rows("compounds.csv")
        for column, prefix in _PREFIXES.items()
        if row[column]
    }
    return Compound(name=identified.get(curie.casefold(), name) if name == curie else name, curie=curie)


__all__ = [
    "UNLISTED",
    "Cell",
    "Compound",
    "Receptor",
    "Structure",
    "UnknownTermError",
    "find_cell",
    "find_compound",
    "find_receptor",
    "find_structure",
    "organism_of",
]
