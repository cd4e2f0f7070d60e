"""The dandiset's own metadata: from session files to dandischema's document."""

from __future__ import annotations

from pathlib import Path

import pytest

from bergmann.errors import SourceError
from bergmann.publish.dandiset_metadata import StatedDandiset, stated_in_folder, stated_in_sessions

from .small_dandisets import DANDISET

SESSION = "use: {use}\nsession: {{id: {id}, description: a session}}\n"


def texts(stated: StatedDandiset) -> list[str]:
    return [one.text for one in stated.findings]


def write(folder: Path, **documents: str) -> list[Path]:
    paths = [folder / f"{name}.yaml" for name in documents]
    for path, text in zip(paths, documents.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_the_block_of_an_overlay_becomes_a_document(tmp_path: Path) -> None:
    _, a, b = write(tmp_path, lab=DANDISET, a=SESSION.format(use="lab.yaml", id="a"), b=SESSION.format(use="lab.yaml", id="b"))
    stated = stated_in_sessions([a, b])
    assert texts(stated) == []
    assert stated.document == {
        "name": "Noradrenaline in Bergmann glia",
        "description": "Two-photon imaging of Bergmann glia.",
        "contributor": [
            {
                "schemaKey": "Person",
                "name": "Kim, Jane",
                "identifier": "0000-0002-1825-0097",
                "email": "jane.kim@dandiarchive.org",
                "roleName": ["dcite:Author", "dcite:ContactPerson"],
                "includeInCitation": True,
            },
            {"schemaKey": "Person", "name": "Park, Min", "roleName": ["dcite:DataCollector"], "includeInCitation": True},
            {
                "schemaKey": "Organization",
                "name": "National Institutes of Health",
                "roleName": ["dcite:Funder"],
                "includeInCitation": False,
                "awardNumber": "R01NS000000",
            },
        ],
        "license": ["spdx:CC-BY-4.0"],
        "keywords": ["astrocyte", "pain"],
    }


def test_the_rest_of_the_block_is_as_dandischema_wants_it(tmp_path: Path) -> None:
    more = (
        "  ethics: {IACUC 1: {email: iacuc@dandiarchive.org}}\n  protocols: [doi:10.17504/protocols.io.abcd]\n"
        "  related: {paper: {doi: 10.1038/x, title: A paper}, code: {url: https://github.com/a/b, relation: is supplemented by}}\n"
        "  study_target: [does it hurt]\n  acknowledgement: thanks\n"
    )
    stated = stated_in_sessions(write(tmp_path, lab=DANDISET + more))
    assert texts(stated) == []
    assert stated.document is not None
    assert {key: stated.document[key] for key in ("ethicsApproval", "protocol", "relatedResource", "studyTarget")} == {
        "ethicsApproval": [
            {
                "schemaKey": "EthicsApproval",
                "identifier": "IACUC 1",
                "contactPoint": {"schemaKey": "ContactPoint", "email": "iacuc@dandiarchive.org"},
            }
        ],
        "protocol": ["https://doi.org/10.17504/protocols.io.abcd"],
        "relatedResource": [
            {
                "schemaKey": "Resource",
                "identifier": "doi:10.1038/x",
                "url": "https://doi.org/10.1038/x",
                "name": "A paper",
                "relation": "dcite:IsDescribedBy",
            },
            {"schemaKey": "Resource", "url": "https://github.com/a/b", "relation": "dcite:IsSupplementedBy"},
        ],
        "studyTarget": ["does it hurt"],
    }


def test_sessions_that_contradict_each_other_are_named(tmp_path: Path) -> None:
    stated = stated_in_sessions(
        write(
            tmp_path,
            a="dandiset: {name: One, keywords: [a]}\nsession: {id: a}\n",
            b="dandiset:\n  name: Another\n  keywords: [a]\nsession: {id: b}\n",
        )
    )
    assert stated.document is None
    assert texts(stated) == [
        "error: b.yaml:2 dandiset.name: `Another` here and `One` in a.yaml:1; they are of one dandiset "
        "(state it once, in a part that all its sessions use)"
    ]


def test_what_one_session_adds_is_laid_together(tmp_path: Path) -> None:
    stated = stated_in_sessions(write(tmp_path, a=DANDISET, b='dandiset: {contributors: {"Lee, Ada": {}}}\nsession: {id: b}\n'))
    assert stated.document is not None
    assert [one["name"] for one in stated.document["contributor"]][:3] == ["Kim, Jane", "Park, Min", "Lee, Ada"]


def test_what_the_archive_needs_for_a_version_is_said(tmp_path: Path) -> None:
    stated = stated_in_sessions(write(tmp_path, lab="dandiset:\n  name: A name\n"))
    assert stated.document == {"name": "A name"}
    assert texts(stated) == [
        "warning: lab.yaml:1: the archive publishes no version without a description (`dandiset.description`); a licence "
        "(`dandiset.license`); a contributor who is contact person, with an e-mail address (state it in the block `dandiset:` of "
        "the session files)"
    ]


@pytest.mark.parametrize(
    ("written", "instead", "expected"),
    [
        ("Noradrenaline in Bergmann glia", "???", "error: lab.yaml:2 dandiset.name: it is still to be stated"),
        ("0000-0002-1825-0097", "0000-0002-1825-0079", "error: lab.yaml:6 dandiset.contributors.Kim, Jane.orcid: "),
        (
            "jane.kim@dandiarchive.org",
            "jane@lab.invalid",
            "error: lab.yaml:6 dandiset.contributors.Kim, Jane: dandischema",
        ),
    ],
)
def test_a_mistake_is_said_with_document_and_line(tmp_path: Path, written: str, instead: str, expected: str) -> None:
    (text,) = texts(stated_in_sessions(write(tmp_path, lab=DANDISET.replace(written, instead))))
    assert text.startswith(expected)


def test_a_session_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    stated = stated_in_sessions(write(tmp_path, a="use: nothing.yaml\nsession: {id: a}\n"))
    assert stated.document is None
    assert "there is no file nothing.yaml" in texts(stated)[0]


def test_a_folder_of_session_files_is_looked_through(tmp_path: Path) -> None:
    write(tmp_path, lab=DANDISET, a=SESSION.format(use="lab.yaml", id="a"), other="anything: else\n")
    assert stated_in_sessions([tmp_path]).document is not None
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no session file is in there"):
        stated_in_sessions([tmp_path / "empty"])
    with pytest.raises(SourceError, match="there is no such session file"):
        stated_in_sessions([tmp_path / "gone.yaml"])


def test_the_file_of_a_folder_is_read_in_dandischemas_words(tmp_path: Path) -> None:
    (tmp_path / "dandiset.yaml").write_text("identifier: REQUIRED\nname: REQUIRED\ndescription: REQUIRED\n", encoding="utf-8")
    assert stated_in_folder(tmp_path) == StatedDandiset(None)
    (tmp_path / "dandiset.yaml").write_text("name: A name\nlicense: [spdx:MIT]\nversion: draft\n", encoding="utf-8")
    stated = stated_in_folder(tmp_path)
    assert stated.document == {"name": "A name", "license": ["spdx:MIT"]}
    assert texts(stated)[0].startswith("error: dandiset.yaml license: dandischema does not take license.0: ")
    (tmp_path / "dandiset.yaml").write_text("a: [\n", encoding="utf-8")
    assert texts(stated_in_folder(tmp_path))[0].startswith("error: dandiset.yaml: it cannot be read: ")
