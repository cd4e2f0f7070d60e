"""The `dandiset:` block: its keys, and how a mistake in it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from bergmann.plan.dandiset import LICENSES, RELATIONS, ROLES, Dandiset
from bergmann.plan.session import load_session
from bergmann.plan.sources import Vocabulary

WHOLE = """\
dandiset:
  name: Noradrenaline in Bergmann glia
  description: Two-photon imaging
  license: cc-by-4.0
  contributors:
    "Kim, Jane": {orcid: https://orcid.org/0000-0002-1825-0097, email: jane@lab.edu, roles: [author, contact person]}
    Some University: {kind: organization, ror: 01cwqze88, roles: sponsor}
  funding:
    National Institutes of Health: {awards: [R01NS000000, R01NS000001]}
  ethics:
    IACUC 2023-17: {}
  protocols: doi:10.17504/protocols.io.abcd
  related:
    paper: {doi: "doi:10.1038/s41593-024-01807-z", relation: is described by}
  keywords: [astrocyte, pain]
"""


def said(folder: Path, text: str) -> list[str]:
    path = folder / "lab.yaml"
    path.write_text(text, encoding="utf-8")
    findings = load_session(path, Vocabulary(formats=(), stated={}, collections={})).findings
    return [one.text for one in findings if one.check not in {"overlay", "gap"}]


def test_the_block_is_read_in_any_overlay(tmp_path: Path) -> None:
    assert said(tmp_path, WHOLE) == []


@pytest.mark.parametrize(
    ("written", "instead", "expected"),
    [
        (
            "0002-1825-0097",
            "0002-1825-0079",
            "lab.yaml:6 dandiset.contributors.Kim, Jane.orcid: `https://orcid.org/0000-0002-1825-0079`",
        ),
        ("email: jane@lab.edu, ", "", "lab.yaml:5 dandiset.contributors: `Kim, Jane` is contact person, and DANDI wants an e-mail"),
        ("jane@lab.edu", "jane at lab", "`jane at lab` is not an e-mail address; write it as name@place.edu"),
        ("contact person", "contact persn", "`contact persn` is not a role that DANDI knows; did you mean `ContactPerson`?"),
        ('"Kim, Jane"', "Jane Kim", '`Jane Kim`: DANDI wants a person as "Surname, Given"'),
        (
            "cc-by-4.0",
            "CC-BY-NC-4.0",
            "lab.yaml:4 dandiset.license: `CC-BY-NC-4.0` is not a licence that DANDI takes",
        ),
        ("Noradrenaline", "N" * 140, "lab.yaml:2 dandiset.name: it has 157 characters, and DANDI takes up to 150"),
        ("01cwqze88", "NIH", "`NIH` is not an identifier of ror.org; write it as https://ror.org/01cwqze88"),
        ("is described by", "is like", "`is like` is not a relation that DANDI knows"),
        ('doi: "doi:10.1038/s41593-024-01807-z", ', "", "lab.yaml:13 dandiset.related: `paper`: state its `doi` or its `url`"),
        ("doi:10.17504/protocols.io.abcd", "our notebook", "`our notebook` is not an address; write it as https://... or as a DOI"),
        ("keywords:", "keyword:", "dandiset.keyword: there is no key `keyword`"),
    ],
)
def test_a_mistake_is_said_with_its_line(tmp_path: Path, written: str, instead: str, expected: str) -> None:
    found = said(tmp_path, WHOLE.replace(written, instead))
    assert len(found) == 1
    assert expected in found[0]


def test_a_block_that_is_no_map_is_refused(tmp_path: Path) -> None:
    assert said(tmp_path, "dandiset: '000123'\n") == [
        "error: lab.yaml:1 dandiset: this is not a map of keys (write `{key: value, ...}`)"
    ]


def test_what_is_read_is_in_one_form() -> None:
    block = Dandiset.model_validate(
        {
            "license": "spdx:CC0-1.0",
            "related": {"code": {"doi": "https://doi.org/10.5281/zenodo.1", "relation": "dcite:IsSupplementTo"}},
        }
    )
    assert (block.license, block.related["code"].doi, block.related["code"].relation) == (
        "CC0-1.0",
        "10.5281/zenodo.1",
        "IsSupplementTo",
    )


def test_words_are_those_of_dandischema() -> None:
    from dandischema.models import LicenseType, RelationType, RoleType

    assert set(ROLES) == {role.name for role in RoleType}
    assert set(RELATIONS) == {relation.name for relation in RelationType}
    assert {f"spdx:{one}" for one in LICENSES} == {one.value for one in LicenseType}
