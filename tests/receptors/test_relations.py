"""What lies below a term of the vocabulary, and that every link joins terms that there are."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from bergmann.receptors.vocabulary import find_receptor, find_structure
from bergmann.receptors.vocabulary.relations import cells_below, family_members, named_cell, places_within


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((files("bergmann.receptors.vocabulary") / name).read_text(encoding="utf-8").splitlines()))


def test_subtypes_are_those_of_the_cell_ontology() -> None:
    assert {"CL:0000127", "CL:0000644", "CL:0000645", "CL:4042007"} <= cells_below("CL:0000127")
    assert cells_below("CL:0000644") == {"CL:0000644"}
    assert {"CL:0000644", "CL:0000129", "CL:0000692", "CL:4047047"} <= cells_below("cl:0000125")
    assert "CL:0000636" in cells_below("CL:0000681")
    assert "CL:0000636" not in cells_below("CL:0000127")
    assert {"CL:0000121", "CL:0008025"} < cells_below("CL:0000540")


def test_every_glial_cell_and_neuron_of_the_vocabulary_is_below_its_kind() -> None:
    kinds = cells_below("CL:0000125") | cells_below("CL:0000540")
    assert {row["curie"] for row in rows("cells.csv")} <= kinds


def test_links_name_cells_as_the_vocabulary_does() -> None:
    known = {row["curie"]: row["cell_type"] for row in rows("cells.csv")}
    # The Cell Ontology has since named it "astrocyte of the cerebral cortex".
    known["CL:0002605"] = "astrocyte of the cerebral cortex"
    for row in rows("cells_is_a.csv"):
        assert row["name"] == known.get(row["curie"], row["name"])
        assert row["parent_name"] == known.get(row["parent"], row["parent_name"])
        assert row["source"] in {"Cell Ontology fd61b954", "unverified: not in the Cell Ontology"}


def test_a_kind_that_only_the_links_name_has_its_identifier() -> None:
    assert named_cell("Neurons") == "CL:0000540"
    assert named_cell("unicorn cell") == ""


@pytest.mark.parametrize("row", rows("anatomy_part_of.csv"), ids=lambda row: row["structure"])
def test_places_and_what_they_are_part_of_are_of_the_vocabulary(row: dict[str, str]) -> None:
    assert find_structure(row["structure"]).name == row["structure"]
    assert find_structure(row["parent"]).name == row["parent"]
    assert row["structure"] in places_within(row["parent"])
    assert row["parent"] not in places_within(row["structure"])


def test_the_cerebellum_holds_the_layers_of_its_lobules() -> None:
    assert {"lobules IV-V", "lobules IV-V, Purkinje layer", "crus 1", "fastigial nucleus"} < places_within("cerebellum")
    assert "locus ceruleus" not in places_within("cerebellum")
    assert places_within("sciatic nerve") == {"sciatic nerve"}


@pytest.mark.parametrize("row", rows("families.csv"), ids=lambda row: row["family"])
def test_members_of_a_family_are_receptors_or_families_of_the_vocabulary(row: dict[str, str]) -> None:
    for member in row["members"].split("|"):
        assert family_members(member) or find_receptor(member).name == member
        assert member in family_members(row["family"])


def test_a_family_is_named_by_any_of_its_names() -> None:
    members = ("α1-adrenoceptor", "α1A-adrenoceptor", "α1B-adrenoceptor", "α1D-adrenoceptor")
    assert family_members("alpha-1") == family_members("α1-AR") == family_members("alpha-1 adrenergic receptor") == members
    assert "β2-adrenoceptor" in family_members("adrenergic receptor")
    assert family_members("Adra1a") == family_members("Foo") == ()
