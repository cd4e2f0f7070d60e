"""Whatever a file is called, it stays one value or one comment."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bergmann.find.text import Entry, Value, comment, scalar, unusable
from bergmann.plan.yaml import Branch, Leaf, parse_document

NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)


@given(NAMES, NAMES, NAMES)
def test_a_value_is_read_back_as_it_was_and_nothing_else_is(key: str, value: str, remark: str) -> None:
    if unusable(key) or unusable(value) or not key.strip():
        return
    entry = Entry("movie", (Value("format", "tiff", remark), Value(key, value, remark)), (remark,))
    text = "\n".join(["sources:", *entry.lines(), "time_zone: UTC"]) + "\n"
    document = parse_document(text, Path("session.yaml"))
    assert list(document.root.entries) == ["sources", "time_zone"]
    sources = document.root.entries["sources"]
    assert isinstance(sources, Branch)
    movie = sources.entries["movie"]
    assert isinstance(movie, Branch)
    if key != "format":
        assert list(movie.entries) == ["format", key]
        leaf = movie.entries[key]
        assert isinstance(leaf, Leaf)
        assert leaf.text == value


@given(st.text(max_size=400))
def test_a_comment_is_one_line_without_control_characters(text: str) -> None:
    made = comment(text)
    assert made.startswith("#")
    assert len(made.splitlines()) == 1
    assert made.isprintable() or "\xa0" in made or any(sign.isspace() for sign in made)
    assert len(made) <= 302


@given(NAMES)
def test_text_in_braces_stays_one_value(name: str) -> None:
    if unusable(name):
        return
    document = parse_document(f"a: {{path: {scalar(name)}, rate: 30 Hz}}\n", Path("session.yaml"))
    node = document.root.entries["a"]
    assert isinstance(node, Branch)
    assert list(node.entries) == ["path", "rate"]
    leaf = node.entries["path"]
    assert isinstance(leaf, Leaf)
    assert leaf.text == name
