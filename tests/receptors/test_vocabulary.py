"""Names resolve offline to one term with its identifiers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bergmann.receptors import vocabulary
from bergmann.receptors.vocabulary import UnknownTermError, find_cell, find_compound, find_receptor, find_structure
from bergmann.receptors.vocabulary.spelling import is_curie, plain

FOLDER = Path(vocabulary.__file__).parent
MOUSE, RAT, HUMAN = "Mus musculus", "Rattus norvegicus", "Homo sapiens"


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "text",
    [
        "Adra1a", "ADRA1A", "adra1a", "α1A-adrenoceptor", "alpha1A-adrenoceptor", "alpha-1A adrenergic receptor", "α1A-AR",
        "IUPHAR:22", "iuphar:22", "NCBIGene:11549", "MGI:104773", "UniProtKB:P97718",
    ],
)  # fmt: skip
def test_every_spelling_of_a_receptor_is_one_receptor(text: str) -> None:
    receptor = find_receptor(text, MOUSE)
    assert (receptor.name, receptor.gene_symbol) == ("α1A-adrenoceptor", "Adra1a")
    assert (receptor.gene_id, receptor.receptor_id) == ("NCBIGene:11549", "IUPHAR:22")


@pytest.mark.parametrize(
    ("species", "symbol", "gene"),
    [
        (MOUSE, "Adra1a", "NCBIGene:11549"),
        ("http://purl.obolibrary.org/obo/NCBITaxon_10090", "Adra1a", "NCBIGene:11549"),
        (RAT, "Adra1a", "NCBIGene:29412"),
        (HUMAN, "ADRA1A", "NCBIGene:148"),
        ("Danio rerio", "", ""),
        (None, "", ""),
    ],
)
def test_the_gene_is_that_of_the_subject(species: str | None, symbol: str, gene: str) -> None:
    receptor = find_receptor("IUPHAR:22", species)
    assert (receptor.gene_symbol, receptor.gene_id, receptor.receptor_id) == (symbol, gene, "IUPHAR:22")


def test_the_identifier_of_a_species_decides_whose_gene_is_meant() -> None:
    receptor = find_receptor("HGNC:277", MOUSE)
    assert (receptor.gene_symbol, receptor.gene_id, receptor.organism) == ("ADRA1A", "NCBIGene:148", "human")


@pytest.mark.parametrize("letter", ["\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}", "mu "])
def test_micro_sign_and_greek_mu_are_one(letter: str) -> None:
    assert find_receptor(f"{letter}-opioid receptor", MOUSE).gene_symbol == "Oprm1"


def test_every_listed_name_finds_its_own_row() -> None:
    """No name of one receptor leads to another."""
    for row in rows("receptors.csv"):
        for text in (row["name"], row["mouse_symbol"], row["human_symbol"], row["hgnc"], f"IUPHAR:{row['gtopdb_target_id']}"):
            assert find_receptor(text, MOUSE).receptor_id == f"IUPHAR:{row['gtopdb_target_id']}", text
    for row in rows("more_receptors.csv"):
        assert find_receptor(row["name"], MOUSE).name == row["name"]
    for row in rows("cells.csv"):
        assert find_cell(row["cell_type"]).curie == row["curie"]
    for row in rows("anatomy.csv"):
        expected = row["allen_curie"] or row["uberon_curie"]
        assert find_structure(row["structure"], MOUSE).curie == expected
        if row["allen_acronym"]:
            assert find_structure(row["allen_acronym"], MOUSE).curie == expected, row["allen_acronym"]


def test_every_synonym_has_a_term_and_only_one() -> None:
    finders = {"cell": find_cell, "structure": find_structure, "compound": find_compound, "receptor": find_receptor}
    for row in rows("synonyms.csv"):
        find = finders[row["kind"]]
        assert find(row["synonym"]).name == row["term"], row


def test_every_listed_identifier_is_well_formed() -> None:
    for name in ("cells.csv", "more_cells.csv", "anatomy.csv", "more_anatomy.csv"):
        for row in rows(name):
            for key in ("curie", "allen_curie", "uberon_curie"):
                assert not row.get(key) or is_curie(row[key]), row


@pytest.mark.parametrize(
    ("text", "nearest"), [("Adr1a", "Adra1a"), ("hM4Dii", "hM4Di"), ("alpha1A-adrenoreceptor", "α1A-adrenoceptor")]
)
def test_an_unknown_receptor_suggests_the_nearest(text: str, nearest: str) -> None:
    with pytest.raises(UnknownTermError, match="did you mean") as caught:
        find_receptor(text, MOUSE)
    assert nearest in caught.value.suggestions


def test_nothing_near_is_said_without_a_suggestion() -> None:
    with pytest.raises(UnknownTermError, match=r"^'qqqqqq' is not a receptor of the vocabulary$"):
        find_receptor("qqqqqq", MOUSE)


def test_any_curie_is_taken_as_stated() -> None:
    assert find_receptor("NCBIGene:999999", MOUSE).gene_id == "NCBIGene:999999"
    assert find_receptor("UniProtKB:Q00000", MOUSE).receptor_id == "UniProtKB:Q00000"
    assert find_cell("CL:9999999").curie == "CL:9999999"
    assert find_structure("MBA:9999").curie == "MBA:9999"
    assert find_compound("CHEBI:9999999").curie == "CHEBI:9999999"


def test_a_name_may_bring_its_identifier_or_say_that_it_has_none() -> None:
    lugaro = find_cell("Lugaro cell [CL:0011006]")
    assert (lugaro.name, lugaro.curie) == ("Lugaro cell", "CL:0011006")
    unlisted = find_cell("velate cell [unlisted]")
    assert (unlisted.name, unlisted.curie) == ("velate cell", "")


def test_a_synthetic_protein_names_its_parent_gene_and_has_no_target() -> None:
    receptor = find_receptor("hM3D(Gq)", MOUSE)
    assert (receptor.name, receptor.role, receptor.gene_symbol, receptor.receptor_id) == ("hM3Dq", "designer", "CHRM3", "")
    assert receptor.gene_id == "NCBIGene:1131"
    sensor = find_receptor("GRAB_NE1m", MOUSE)
    assert (sensor.role, sensor.ligand, sensor.receptor_id) == ("sensor", "noradrenaline", "")


def test_a_family_has_a_name_and_no_gene() -> None:
    family = find_receptor("alpha-1 adrenergic receptor", MOUSE)
    assert (family.name, family.gene_symbol, family.gene_id, family.receptor_id) == ("α1-adrenoceptor", "", "", "")


def test_an_obsolete_term_names_its_successor() -> None:
    assert find_cell("CL:0011107").obsolete == "CL:0000636 (Mueller cell)"
    assert find_cell("Müller glia").curie == "CL:0000636"


def test_the_allen_atlas_is_the_mouse_s() -> None:
    assert find_structure("LC", MOUSE).curie == "MBA:147"
    assert find_structure("LC", RAT).curie == "UBERON:0002148"
    assert find_structure("spinal cord", MOUSE).curie == "UBERON:0002240"


@pytest.mark.parametrize(
    ("text", "curie"),
    [
        ("prazosin", "CHEBI:8364"),
        ("yohimbine", "pubchem.compound:8969"),  # its ChEBI id is marked unverified
        ("CNO", "inchikey:OGUCZBIQSYYWEF-UHFFFAOYSA-N"),  # its PubChem id is marked unverified
        ("A-61603", "pubchem.compound:4038180"),
    ],
)
def test_an_unverified_identifier_is_not_used(text: str, curie: str) -> None:
    assert find_compound(text).curie == curie


def test_plain_keeps_what_tells_names_apart() -> None:
    assert plain("α1A-adrenoceptor") != plain("α2A-adrenoceptor")
    assert plain("A1 receptor") != plain("α1-adrenoceptor")
