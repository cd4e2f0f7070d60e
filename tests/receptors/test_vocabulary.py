"""Names resolve offline to one term with its identifiers."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
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


REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"


@pytest.mark.parametrize("name", ["receptors.csv", "cells.csv", "anatomy.csv", "compounds.csv"])
def test_every_row_of_the_reference_is_in(name: str) -> None:
    if not REFERENCE.is_dir():
        pytest.skip("needs ../shared/reference, which is absent here")
    with (REFERENCE / name).open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == rows(name)


@pytest.mark.parametrize(
    "name", ["hM4Di", "hM3Dq", "KORD", "PSAM4-GlyR", "GRAB_NE", "GRAB_DA", "GRAB_ATP", "iGluSnFR", "dLight", "CalEx"]
)
def test_synthetic_proteins_are_entries_without_an_invented_target(name: str) -> None:
    receptor = find_receptor(name, MOUSE)
    assert (receptor.name, receptor.receptor_id) == (name, "")
    assert receptor.role in ("designer", "sensor", "other")


@pytest.mark.parametrize("text", ["α1-adrenoceptor", "alpha-1 adrenergic receptor", "alpha1-AR"])
def test_the_alpha_1_family_is_an_entry(text: str) -> None:
    family = find_receptor(text, MOUSE)
    assert (family.name, family.role, family.transduction, family.receptor_id) == ("α1-adrenoceptor", "native", "Gq/G11", "")


@pytest.mark.parametrize(
    ("text", "curie"),
    [
        ("CUL4, 5", "MBA:1091"),
        ("cul4,5", "MBA:1091"),
        ("lamina I", "UBERON:0006118"),
        ("superficial dorsal horn", ""),
        ("substantia gelatinosa", "UBERON:0002181"),
        ("dorsal horn", "UBERON:0002256"),
        ("DRG", "UBERON:0000044"),
        ("TG", "UBERON:0001675"),
        ("Sp5C", "MBA:429"),
        ("spinal nucleus of trigeminal nerve", "UBERON:0001717"),
        ("PAG", "MBA:795"),
        ("RVM", ""),
        ("S1", "MBA:322"),
        ("ACC", "MBA:31"),
        ("insula", "UBERON:0002022"),
    ],
)
def test_places_of_the_cerebellum_and_of_pain_are_places_like_any_other(text: str, curie: str) -> None:
    assert find_structure(text, MOUSE).curie == curie


@pytest.mark.parametrize(
    ("text", "curie"),
    [("Bergmann glia", "CL:0000644"), ("satellite glial cell", "CL:0000516"), ("Müller cell", "CL:0000636"), ("OPC", "CL:0002453")],
)
def test_cells_with_misleading_synonyms_are_what_they_are(text: str, curie: str) -> None:
    assert find_cell(text).curie == curie


def test_an_unverified_identifier_is_named() -> None:
    assert find_compound("yohimbine").unverified == "CHEBI:10093"
    assert find_compound("CNO").unverified == "pubchem.compound:135445691"
    assert find_compound("prazosin").unverified == ""


def test_a_compound_without_any_identifier_has_none() -> None:
    assert (find_compound("CFA").name, find_compound("CFA").curie) == ("complete Freund's adjuvant", "")


def test_a_term_is_added_with_one_row(tmp_path: Path) -> None:
    """In a copy of the vocabulary, as the files stand there."""
    copy = tmp_path / "words"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    added = {
        "more_receptors.csv": "hM9Dx,designer,,Gz,,hM9D(Gx)\n",
        "more_cells.csv": "velate astrocyte,,\n",
        "more_anatomy.csv": "lobule X of my atlas,LX,,\n",
        "more_compounds.csv": "novel blocker,,,CHEBI:1,,\n",
    }
    for name, row in added.items():
        with (copy / name).open("a", encoding="utf-8") as file:
            file.write(row)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from words.terms import find_cell, find_compound, find_receptor, find_structure\n"
        "print(find_receptor('hM9D(Gx)').name, find_cell('velate astrocytes').name, find_structure('LX').name,"
        " find_compound('Novel blocker').curie, sep='|')\n"
    )
    for module in (copy / "terms.py", copy / "__init__.py"):
        text = module.read_text(encoding="utf-8").replace("bergmann.receptors.vocabulary", "words")
        module.write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "hM9Dx|velate astrocyte|lobule X of my atlas|CHEBI:1"
