"""What is stated, what the archive has, and what was pushed last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bergmann.publish.three_ways import compare, load_pushed, save_pushed

KIM = {"schemaKey": "Person", "name": "Kim, Jane", "roleName": ["dcite:Author", "dcite:ContactPerson"], "includeInCitation": True}
OWNER = {"schemaKey": "Person", "name": "Owner, Some", "email": "owner@dandiarchive.org"}


def kinds(stated: Any, archive: Any, pushed: Any = None) -> dict[str, str]:
    return {change.where: change.kind for change in compare(stated, archive, pushed).changes}


def test_what_is_the_same_is_no_change() -> None:
    theirs = {**KIM, "roleName": ["dcite:ContactPerson", "dcite:Author"], "affiliation": []}
    theirs.pop("includeInCitation")  # a person's is true
    assert kinds({"name": "A", "contributor": [KIM]}, {"name": "A", "contributor": [theirs], "version": "draft"}) == {}


def test_who_changed_it() -> None:
    assert kinds({"name": "B"}, {"name": "A"}, {"name": "A"}) == {"name": "set"}
    assert kinds({"name": "A"}, {}, None) == {"name": "set"}
    assert kinds({"name": "A"}, {"name": "B"}, {"name": "A"}) == {"name": "edited there"}
    assert kinds({"name": "A"}, {}, {"name": "A"}) == {"name": "edited there"}  # taken out on the website
    assert kinds({"name": "C"}, {"name": "B"}, {"name": "A"}) == {"name": "conflict"}
    assert kinds({"name": "A"}, {"name": "B"}, None) == {"name": "conflict"}
    assert kinds({}, {"name": "A"}, {"name": "A"}) == {"name": "no longer stated"}
    assert kinds({}, {"name": "A"}, None) == {}


def test_what_is_stated_may_add_to_what_the_archive_made_of_an_account_and_takes_nothing_away() -> None:
    made = {
        **{"schemaKey": "Person", "name": "Kim, Jane", "email": "jane@dandiarchive.org"},
        **{"roleName": ["dcite:ContactPerson"], "affiliation": [], "includeInCitation": True},
    }
    stated = {**KIM, "email": made["email"], "identifier": "0000-0002-1825-0097"}
    assert kinds({"contributor": [stated]}, {"contributor": [made]}) == {"contributor Kim, Jane": "set"}
    assert kinds({"keywords": ["a", "b"]}, {"keywords": ["b"]}) == {"keywords": "set"}
    for less in ({**stated, "email": "other@dandiarchive.org"}, {**stated, "roleName": ["dcite:Author"]}, KIM):
        assert kinds({"contributor": [less]}, {"contributor": [made]}) == {"contributor Kim, Jane": "conflict"}
    pushed = {**made, "roleName": ["dcite:Author", "dcite:ContactPerson"]}  # and one was taken out on the website
    assert kinds({"contributor": [stated]}, {"contributor": [made]}, {"contributor": [pushed]}) == {
        "contributor Kim, Jane": "conflict"
    }


def test_contributors_are_compared_one_by_one() -> None:
    changed = {**KIM, "roleName": ["dcite:Author"]}
    assert kinds({"contributor": [KIM]}, {"contributor": [OWNER, changed]}, {"contributor": [changed]}) == {
        "contributor Kim, Jane": "set"
    }


def test_what_was_edited_in_the_archive_stays_and_is_named() -> None:
    comparison = compare({"name": "A", "keywords": ["pain"]}, {"name": "B", "id": "DANDI:000001/draft"}, {"name": "A"})
    assert comparison.laid_over() == {"id": "DANDI:000001/draft", "name": "B", "keywords": ["pain"]}
    assert [one.text for one in comparison.findings()] == [
        "warning: dandiset name: the archive has `B` and `A` is stated; it was edited there; it stays (state what the archive has, "
        "or say --overwrite-metadata to replace it)",
        "note: dandiset keywords: will be `pain`",
    ]
    assert [one.severity for one in comparison.beside_lines()] == ["warning"]  # the rest is in the diff
    assert [line for change in comparison.taken() for line in change.lines] == ["+ keywords: pain"]
    assert comparison.laid_over(overwrite=True)["name"] == "A"
    assert "it will be replaced" in next(iter(comparison.findings(overwrite=True))).message


def test_those_whom_the_archive_added_stay_behind_those_who_are_stated() -> None:
    lee = {"schemaKey": "Person", "name": "Lee, Ada"}
    comparison = compare({"contributor": [lee, KIM]}, {"contributor": [OWNER, KIM]}, None)
    assert [one["name"] for one in comparison.laid_over()["contributor"]] == ["Lee, Ada", "Kim, Jane", "Owner, Some"]


def test_what_was_kept_is_said_again_next_time(tmp_path: Path) -> None:
    stated, archive = {"name": "A", "description": "new"}, {"name": "B", "description": "old"}
    comparison = compare(stated, archive, {"name": "A", "description": "old"})
    save_pushed(tmp_path, "dandi", "000001", comparison.remembered())
    pushed = load_pushed(tmp_path, "dandi", "000001")
    assert pushed == {"name": "A", "description": "new"}
    assert kinds(stated, comparison.laid_over(), pushed) == {"name": "edited there"}


def test_what_is_remembered_is_of_one_dandiset_of_one_archive(tmp_path: Path) -> None:
    save_pushed(tmp_path, "dandi", "000001", {"name": "A"})
    assert load_pushed(tmp_path, "dandi-sandbox", "000001") is None
    assert load_pushed(tmp_path, "dandi", "000002") is None
    (path,) = (tmp_path / "dandisets").iterdir()
    path.write_text("{", encoding="utf-8")
    assert load_pushed(tmp_path, "dandi", "000001") is None


FIELD = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))
DOCUMENT = st.fixed_dictionaries({"name": FIELD, "description": FIELD, "keywords": st.lists(st.sampled_from("xyz"), max_size=2)})


@given(stated=DOCUMENT, archive=DOCUMENT, pushed=st.one_of(st.none(), DOCUMENT))
def test_nothing_that_somebody_else_wrote_is_lost(stated: Any, archive: Any, pushed: Any) -> None:
    comparison = compare(stated, archive, pushed)
    after = comparison.laid_over()
    for field, theirs in archive.items():
        if theirs and theirs != (pushed or {}).get(field):
            is_list = isinstance(theirs, list)
            assert set(theirs) <= set(after[field]) if is_list else after[field] == theirs  # what is added takes nothing away
        elif theirs:  # it was pushed from here, and nobody has changed it since
            assert after[field] == (stated[field] or theirs)
    overwritten = comparison.laid_over(overwrite=True)
    assert all(overwritten[field] == mine for field, mine in stated.items() if mine)
    assert not compare(stated, overwritten, comparison.remembered(overwrite=True)).taken()
