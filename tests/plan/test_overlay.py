"""One merge for all that is laid over each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.plan.mistakes import plain
from bergmann.plan.overlay import load_merged, merge, origins, set_leaf
from bergmann.plan.yaml import Branch, Place, parse_document


def tree(text: str, name: str = "session.yaml") -> Branch:
    return parse_document(text, Path(name)).root


def write(folder: Path, **documents: str) -> Path:
    for name, text in documents.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "session.yaml"


def test_maps_are_merged_by_key_and_lists_replaced() -> None:
    merged, findings = merge(tree("a: {b: 1, c: [x, y]}\nd: 2"), tree("a: {c: [z], e: 3}"))
    assert plain(merged) == {"a": {"b": "1", "c": ["z"], "e": "3"}, "d": "2"}
    assert not findings


def test_the_origin_of_each_value_is_kept() -> None:
    merged, _ = merge(
        tree("devices:\n  scope:\n    model: A\n    objective: 20x", "lab.yaml"), tree("devices:\n  scope: {model: B}")
    )
    found = origins(merged)
    assert found["devices.scope.model"].text == "session.yaml:2 devices.scope.model"
    assert found["devices.scope.objective"].text == "lab.yaml:4 devices.scope.objective"
    assert plain(merged) == {"devices": {"scope": {"model": "B", "objective": "20x"}}}


@pytest.mark.parametrize("blank", ["a:", "a: ???", "a: ~"])
@pytest.mark.parametrize("below", ["a: 1", "a: {b: 1}", "a: [1]"])
def test_an_empty_value_is_a_gap_and_deletes_nothing(blank: str, below: str) -> None:
    merged, (finding,) = merge(tree(below, "lab.yaml"), tree(blank))
    assert plain(merged) == plain(tree(below))
    assert (finding.check, finding.location) == ("gap", "session.yaml:1 a")
    assert "what lab.yaml:1 says" in finding.remedy


def test_a_blank_is_filled_by_what_is_laid_over_it() -> None:
    merged, findings = merge(tree("a: ???", "lab.yaml"), tree("a: {b: 1}"))
    assert plain(merged) == {"a": {"b": "1"}}
    assert not findings


def test_a_map_is_not_laid_over_a_text() -> None:
    _, (finding,) = merge(tree("a: {b: 1}", "lab.yaml"), tree("a: text"))
    assert (
        finding.text
        == "error: session.yaml:1 a: a text here and a map in lab.yaml:1; one cannot be laid over the other (write both alike)"
    )


LEAVES = st.text(alphabet="xyz", min_size=1, max_size=3)
TREES = st.recursive(
    st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3),
    lambda below: st.dictionaries(st.sampled_from("def"), below, max_size=2),
    max_leaves=6,
)


def branch(content: object) -> Branch:
    import json

    return tree(json.dumps(content))


@given(TREES)
def test_laid_over_itself_or_over_nothing_a_tree_stays_as_it_is(content: dict[str, object]) -> None:
    assert plain(merge(branch(content), branch(content))[0]) == content
    assert plain(merge(branch({}), branch(content))[0]) == content
    assert plain(merge(branch(content), branch({}))[0]) == content


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.dictionaries(st.sampled_from("xyz"), LEAVES)), min_size=3, max_size=3))
def test_it_does_not_matter_which_of_three_are_merged_first(contents: list[dict[str, dict[str, str]]]) -> None:
    one, two, three = (branch(content) for content in contents)
    assert plain(merge(merge(one, two)[0], three)[0]) == plain(merge(one, merge(two, three)[0])[0])


# --- use ---


def test_documents_are_laid_in_order_the_file_itself_last(tmp_path: Path) -> None:
    session = write(
        tmp_path,
        lab="use: rigs\\rig1.yaml\na: lab\nb: lab\nc: lab\nd: lab",
        rigs__rig1="use: [shared/base.yaml]\na: rig\ne: rig",
        rigs__shared__base="e: base\nf: base",
        arm="b: arm\nc: arm",
        session="use: [lab.yaml, ./arm.yaml]\nc: session",
    )
    merged = load_merged(session)
    assert not merged.findings
    assert plain(merged.root) == {"a": "lab", "b": "arm", "c": "session", "d": "lab", "e": "rig", "f": "base"}
    assert [path.name for path in merged.documents] == ["base.yaml", "rig1.yaml", "lab.yaml", "arm.yaml", "session.yaml"]


def test_a_circle_of_documents_is_refused(tmp_path: Path) -> None:
    session = write(tmp_path, session="use: [lab.yaml]", lab="a: 1\nuse: [sub/../session.yaml]", sub__x="a: 1")
    merged = load_merged(session)
    assert not merged.is_whole
    assert [finding.text for finding in merged.findings] == [
        "error: lab.yaml:2 use: a circle: session.yaml uses lab.yaml uses session.yaml (leave one of them out)"
    ]


def test_a_document_that_is_not_there_is_named_beside_those_that_are(tmp_path: Path) -> None:
    session = write(tmp_path, session="a: 1\nuse: [arm/shrna.yaml]", lab="a: 1")
    (finding,) = load_merged(session).findings
    assert finding.text == "error: session.yaml:2 use: there is no file arm/shrna.yaml (YAML files beside session.yaml: lab.yaml)"


@pytest.mark.parametrize("use", ["use:", "use: {a: b}", "use: [[a]]", "use: [???]"])
def test_a_use_that_names_no_document_is_refused(tmp_path: Path, use: str) -> None:
    (finding,) = load_merged(write(tmp_path, session=use)).findings
    assert finding.location == "session.yaml:1 use"


def test_every_document_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    merged = load_merged(write(tmp_path, session="use: [lab.yaml, arm.yaml]\na: 1", lab="a: [", arm="\ta: 1"))
    assert [finding.location for finding in merged.findings] == ["lab.yaml:1", "arm.yaml:1"]


# --- one value ---


def test_one_value_is_set_by_its_dotted_key() -> None:
    root = tree("drugs: {capsaicin: {dose: 10 ug}}")
    place = Place(Path("sessions.csv"), 4)
    changed = set_leaf(root, "drugs.capsaicin.at = 10:41 +- 30 s", place)
    changed = set_leaf(changed, "subject.notes=a=b", place)
    assert plain(changed) == {"drugs": {"capsaicin": {"dose": "10 ug", "at": "10:41 +- 30 s"}}, "subject": {"notes": "a=b"}}
    assert origins(changed)["drugs.capsaicin.at"].text == "sessions.csv:4 drugs.capsaicin.at"
    assert plain(root) == {"drugs": {"capsaicin": {"dose": "10 ug"}}}


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("drugs.capsaicin", "is not a setting"),
        ("drugs..at=1", "is not a setting"),
        ("drugs.capsaicin=1", "is a map; set one of its keys: dose"),
        ("drugs.capsaicin.dose.unit=ug", "`dose` is no map"),
    ],
)
def test_a_setting_that_would_break_the_tree_is_refused(setting: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        set_leaf(tree("drugs: {capsaicin: {dose: 10 ug}}"), setting, Place(Path("row"), 1))
