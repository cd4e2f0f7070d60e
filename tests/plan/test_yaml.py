"""YAML without its traps: what is kept as text, and what is refused with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bergmann.errors import SessionError
from bergmann.plan.mistakes import plain
from bergmann.plan.yaml import Document, Leaf, parse_document, read_document

PATH = Path("session.yaml")


def said(text: str) -> list[str]:
    """What is said of a text, by place and in order."""
    try:
        findings = parse_document(text, PATH).findings
    except SessionError as refused:
        findings = refused.findings
    return [finding.text for finding in findings]


@pytest.mark.parametrize(
    "text",
    ["0042", "10:31", "No", "1e3", "2024-05-17", "0x10", "1_000", ".5", "2 min", "C:/data", "a#b", "paw_?.avi", "?x", "a ? b"],
)
def test_a_scalar_stays_the_text_that_was_written(text: str) -> None:
    assert plain(parse_document(f"key: {text}\nflow: [{text}]", PATH).root) == {"key": text, "flow": [text]}
    assert not said(f"key: {text}")


def test_places_are_the_lines_of_the_keys() -> None:
    root = parse_document("a: 1\nb:\n  c: >\n    long\n    text\n  d: [x,\n      y]\n", PATH).root
    below = root.entries["b"]
    assert below.place.text == "session.yaml:2"
    assert {name: node.place.line for name, node in below.entries.items()} == {"c": 3, "d": 6}  # type: ignore[union-attr]
    assert below.entries["d"].nodes[1] == Leaf("y", below.entries["d"].nodes[1].place)  # type: ignore[union-attr]
    assert below.entries["d"].nodes[1].place.line == 7  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["{key: ???}", "{key: ???, }", "key:", "key: ~", "key: null", "key: ???", 'key: "???"', 'key: ""'])
def test_a_blank_is_a_blank(text: str) -> None:
    (leaf,) = parse_document(text, PATH).root.entries.values()
    assert isinstance(leaf, Leaf)
    assert leaf.is_blank


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", "error: session.yaml:3: `a` stands here and in line 1 already"),
        ("x: {a: 1, a: 2}", "error: session.yaml:1: `a` stands here and in line 1 already"),
        ("a:\n\tb: 1", "error: session.yaml:2: a tab (indent with spaces"),
        ("a:\tb", "error: session.yaml:1: a tab (indent with spaces"),
        ("id: #518\nb: 2", 'error: session.yaml:1: YAML takes `#518` for a comment, so `id` is empty (write `id: "#518"`)'),
        ("s: {id: #518, b: 2}\nc: 3", 'error: session.yaml:1: YAML takes `#518` for a comment (put the value in quotes: "#518")'),
        ("id: BG042 #2", "warning: session.yaml:1: YAML takes `#2` for a comment, and the value is `BG042`"),
        ("path: *.tif", "error: session.yaml:1: `*` at the start of a value is YAML's alias (put the whole value in quotes)"),
        ("path: *tif", "error: session.yaml:1: `*tif` is an alias in YAML"),
        ("path: &tif x", "error: session.yaml:1: `&tif` is an anchor in YAML"),
        ("path: !tif x", "error: session.yaml:1: `!tif` is a tag in YAML"),
        ("path: @tif", "error: session.yaml:1: `@` at the start of a value is reserved"),
        ("path: %tif", "error: session.yaml:1: `%` at the start of a value is reserved"),
        ("path: `tif`", "error: session.yaml:1: a backtick at the start"),
        ("path: {subject_id}/movie.tif", "error: session.yaml:1: `subject_id` has no value (if it is text"),
        (
            "path: {a: b}/movie.tif",
            "error: session.yaml:1: `{` at the start of a value begins a map (put the whole value in quotes)",
        ),
        (
            "path: {subject_id}",
            'error: session.yaml:1: `subject_id` has no value (if it is text, write it in quotes: "{subject_id}"',
        ),
        ('path: "D:\\data"', 'error: session.yaml:1: a backslash inside "double quotes" is an escape in YAML'),
        ('path: "D:\\temp"', 'error: session.yaml:1: "D:\\temp": the backslash made a control character (U+0009)'),
        ("p: {location: CUL4, 5}", "warning: session.yaml:1: inside { } a comma ends a value, so YAML cuts `location: CUL4, 5`"),
        ("p: {sex: F, born}", "error: session.yaml:1: inside { } a comma ends a value, so YAML cuts `sex: F, born`"),
        ("a: b: c", "error: session.yaml:1: a second `: ` in one value"),
        ("a: {b: 1\nc: 2", "error: session.yaml:2: a map or list in brackets that is not closed"),
        ('a: "b\nc: 2', "error: session.yaml:2: a quote that is opened and never closed"),
        ("a: 1\n b: 2", "error: session.yaml:2: "),
        ("", "error: session.yaml:1: the file is empty"),
        ("# only a comment\n", "error: session.yaml:1: the file is empty"),
        ("- a\n- b", "error: session.yaml:1: this is not a map of keys"),
        ("just text", "error: session.yaml:1: this is not a map of keys"),
        ("a: 1\n---\nb: 2", "error: session.yaml:2: a second document"),
        ("? [a, b]\n: c", "error: session.yaml:1: a key that is not text"),
        ("a: b\x00c", "error: session.yaml:1: a character that is no text"),
        ("a: " + "[" * 40 + "]" * 40, "error: session.yaml:1: "),
    ],
)
def test_a_trap_is_named_with_its_line_and_what_to_write(text: str, expected: str) -> None:
    found = said(text)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_a_text_that_a_comma_cuts_is_kept_whole_beside_the_warning() -> None:
    document = parse_document("p: {location: CUL4, 5, and more, device: scope}", PATH)
    assert plain(document.root) == {"p": {"location": "CUL4, 5, and more", "device": "scope"}}
    assert len(document.findings) == 1


def test_all_traps_of_a_text_are_named_at_once() -> None:
    assert len(said("a: *x\nb: #1\na: 2\nc: {d: e, f}")) == 4


def test_quotes_keep_what_yaml_would_take() -> None:
    document = parse_document("a: '#518'\nb: \"*.tif\"\nc: 'D:\\data'\nd: \"10 \\u00b5m\"\ne: D:\\data\\new", PATH)
    assert plain(document.root) == {"a": "#518", "b": "*.tif", "c": "D:\\data", "d": "10 µm", "e": "D:\\data\\new"}
    assert not document.findings


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: 1".encode("utf-16"), "error: session.yaml:1: saved as UTF-16"),
        ("a: 1\nb: Müller".encode("latin-1"), "error: session.yaml:2: byte 0xfc is not UTF-8"),
        ("a: 1\r\nb: 김".encode("cp949"), "error: session.yaml:2: byte 0xb1 is not UTF-8"),
    ],
)
def test_a_file_in_another_encoding_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / PATH).write_bytes(content)
    with pytest.raises(SessionError) as refused:
        read_document(tmp_path / PATH)
    assert str(refused.value).startswith(expected)


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    (tmp_path / PATH).write_bytes(b"\xef\xbb\xbfa: 1\r\nb: M\xc3\xbcller\r\n")
    assert plain(read_document(tmp_path / PATH).root) == {"a": "1", "b": "Müller"}


def test_a_missing_file_lists_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text("a: 1", encoding="utf-8")
    with pytest.raises(SessionError, match=r"session.yaml: there is no such file \(its folder has: lab.yaml\)"):
        read_document(tmp_path / PATH)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"session.yaml: there is no such file \(there is no folder .*BG042 here\)"):
        read_document(tmp_path / "BG042" / PATH)


def test_a_folder_lists_the_session_files_in_it(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text("a: 1", encoding="utf-8")
    with pytest.raises(SessionError, match=r"this is a folder, not a file \(name a session file of it: lab.yaml\)"):
        read_document(tmp_path)


def test_a_quote_left_open_is_said_where_it_opens(tmp_path: Path) -> None:
    (tmp_path / PATH).write_text('a: {x: "2p/*.tif, y: 1}\nb: {x: 1}\nc: {x: 1, y: "d e"}\n', encoding="utf-8")
    with pytest.raises(SessionError) as refused:
        read_document(tmp_path / PATH)
    assert [finding.text for finding in refused.value.findings] == [
        "error: session.yaml:1: a quote that is opened and never closed (close it)"
    ]


@example("{")
@example("a: [")
@example("\u2028a: b")
@example("%YAML 3.0\n---\na: b")
@given(st.text(alphabet="ab:{}[],#*&!|>'\"%@`-?\\ \n\tä\x00", max_size=40))
def test_any_text_is_a_document_or_refused_with_findings(text: str) -> None:
    try:
        found = parse_document(text, PATH)
    except SessionError as refused:
        found = refused
    assert isinstance(found, Document) or found.findings
