"""The key of a blinded study: which table it takes, and which animal it gives to which arm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bergmann.errors import SessionError
from bergmann.findings import Finding
from bergmann.plan.arms import KeyRow, load_key

Key = Callable[..., Path]


@pytest.fixture
def key(tmp_path: Path) -> Key:
    def written(content: str | bytes, name: str = "arms.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def refused(path: Path) -> list[str]:
    with pytest.raises(SessionError) as error:
        load_key(path)
    return [f"{one.location}: {one.message}" for one in error.value.findings]


@pytest.mark.parametrize(
    "content",
    [
        "subject,arm\nBG042,shrna\nBG043,scrambled\n",
        "subject;arm\r\nBG042;shrna\r\nBG043;scrambled\r\n",
        "\ufeffarm, cage ,subject\nshrna,,BG042\n\nscrambled,,BG043\n,,\n",
        'subject,arm\n"BG042","shrna"\n"BG043","scrambled"',
    ],
)
def test_comma_or_semicolon_with_or_without_a_mark_in_any_order(key: Key, content: str) -> None:
    rows = load_key(key(content)).rows
    assert [(row.subject, row.arm) for row in rows] == [("BG042", "shrna"), ("BG043", "scrambled")]


def test_a_row_knows_its_line_also_behind_a_cell_of_two_lines(key: Key) -> None:
    content = 'subject,arm,factors.note\nBG042,shrna,"two\nlines"\nBG043,scrambled,\n'
    first, second = load_key(key(content)).rows
    assert (first.place.line, second.place.line) == (2, 4)
    assert (dict(first.settings), dict(second.settings)) == ({"factors.note": "two\nlines"}, {})


def test_ids_are_compared_as_they_are_written(key: Key) -> None:
    loaded = load_key(key("subject,arm\n42,shrna\n"))
    assert loaded.find("0042", "s1") is None
    missing = loaded.missing("0042", "s1")
    assert missing.location == "arms.csv:1"
    assert missing.message == "subject `0042` is not in the key; line 2 has `42`, which is another id"
    assert loaded.missing("BG1", "s1").message == "subject `BG1` is not in the key"


def test_an_animal_may_be_in_another_arm_in_another_session(key: Key) -> None:
    loaded = load_key(key("subject,session,arm\nA,s1,saline\nA,s2,prazosin\nB,,saline\n"))
    found = [loaded.find(*one) for one in (("A", "s1"), ("A", "s2"), ("B", "s1"), ("A", "s3"))]
    assert [one.arm if isinstance(one, KeyRow) else one for one in found] == ["saline", "prazosin", "saline", None]
    assert loaded.missing("A", "s3").text.startswith("error: arms.csv:2: subject `A` is in line 2, 3, but not its session `s3`")


@pytest.mark.parametrize("rows", ["A,,saline\nA,,prazosin\n", "A,,saline\nA,s1,prazosin\n", "A,s1,saline\nB,,x\nA,s1,prazosin\n"])
def test_an_animal_in_two_arms_is_refused_with_both_lines(key: Key, rows: str) -> None:
    found = load_key(key(f"subject,session,arm\n{rows}")).find("A", "s1")
    assert isinstance(found, Finding)
    last = rows.count("\n") + 1
    assert found.location == f"arms.csv:{last}"
    assert f"subject `A` is in lines 2 and {last}, which do not say the same" in found.message


def test_an_animal_twice_in_the_same_arm_is_no_mistake(key: Key) -> None:
    found = load_key(key("subject,arm\nA,saline\nA,saline\n")).find("A", "s1")
    assert isinstance(found, KeyRow)
    assert found.arm == "saline"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "arms.csv:1: the key is empty"),
        ("subject,arm\n", "arms.csv:1: the key has a header and no line"),
        ("animal,arm\nA,x\n", "arms.csv:1: there is no column `subject`"),
        ("subject,group\nA,x\n", "arms.csv:1: there is no column `arm`"),
        ("subject,arm,arm\nA,x,y\n", "arms.csv:1: two columns are called `arm`"),
        ("subject,arm,subject.id\nA,x,y\n", "arms.csv:1: a column `subject.id`"),
        ("subject,arm,use\nA,x,y\n", "arms.csv:1: a column `use`"),
        ("subject,arm,factors.\nA,x,y\n", "arms.csv:1: a column `factors.`"),
        ("subject,arm\nA,\n", "arms.csv:2: `arm` is empty"),
        ("subject,arm\nA,x\n,y\n", "arms.csv:3: `subject` is empty"),
        ("subject,arm\nA,???\n", "arms.csv:2: `arm` is empty"),
        ("subject,arm\nA,blinded\n", "arms.csv:2: the key says `blinded`"),
        ("subject,arm\nA,x,y\n", "arms.csv:2: 3 cells under 2 columns"),
        ("subject,arm,\nA,x,y\n", "arms.csv:2: 1 filled cells without a header"),
        ("subject,arm,document\nA,x,nowhere.yaml\n", "arms.csv:2: there is no file nowhere.yaml"),
        ('subject,arm\nA,"x\n', "arms.csv:2: a cell cannot be read"),
        ("subject,arm\nA,µ\n".encode("cp1252"), "arms.csv: line 2 is not UTF-8"),
        ("subject,arm\nA,x\n".encode("utf-16"), "arms.csv: this is not UTF-8 but UTF-16"),
        (b"PK\x03\x04\x14\0", "arms.csv: this is a workbook"),
    ],
)
def test_what_is_no_key_is_refused_with_the_line(key: Key, content: str | bytes, said: str) -> None:
    found = refused(key(content))
    assert any(one.startswith(said) for one in found), found


def test_a_missing_key_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "arms.csv") == ["arms.csv: there is no such file"]


@pytest.mark.parametrize("name", ["shrna.yaml", "arms/shrna.yaml", "arm-shrna.yaml"])
def test_a_document_that_lies_beside_the_key_is_named_or_said_not_to_be(key: Key, tmp_path: Path, name: str) -> None:
    """It is never taken by its name alone, and never left out without a word."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("arm: shrna\n", encoding="utf-8")
    assert refused(key("subject,arm\nA,shrna\n")) == [
        f"arms.csv:2: {name} lies beside the key, which does not say whether the arm's statements are in it"
    ]
    (row,) = load_key(key("subject,arm,document\nA,shrna,\n")).rows
    assert row.document is None
    (row,) = load_key(key(f"subject,arm,document\nA,shrna,{name.replace('/', chr(92))}\n")).rows
    assert row.document is not None
    assert row.document.samefile(tmp_path / name)
