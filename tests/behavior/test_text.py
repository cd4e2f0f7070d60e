"""Tables in other encodings, with or without a header: read as stated, or refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bergmann.behavior.assay import AssaySource
from bergmann.behavior.assay import read as read_assay
from bergmann.behavior.boris import BorisSource
from bergmann.behavior.boris import read as read_boris
from bergmann.behavior.intervals import IntervalsSource, read
from bergmann.errors import SourceError
from bergmann.tables import first_cell, read_table, read_text

COLUMNS = {"label": "표시", "start": "시작", "stop": "끝"}
KOREAN = "표시,시작,끝\n드리프트,1,2\n안정,3,5\n"


def table(tmp_path, text, encoding):
    path = tmp_path / "기록.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-16-le", "euc-kr", "utf-8", "utf-8-sig", "UTF8"])
def test_a_table_is_read_in_the_encoding_that_is_stated(tmp_path, encoding):
    path = table(tmp_path, KOREAN.replace("\n", "\r\n"), encoding)
    intervals = read(IntervalsSource(path=path, columns=COLUMNS, unit="s", encoding=encoding), {})
    assert intervals.columns == {"label": ["드리프트", "안정"]}
    np.testing.assert_array_equal(intervals.starts.seconds, [1, 3])


@pytest.mark.parametrize(
    ("written", "stated", "message"),
    [
        ("cp949", None, r"기록\.csv: not utf-8 text \(byte 2\); save it again as `CSV UTF-8`, or state .*`encoding:` cp949 or"),
        ("utf-16", None, r"기록\.csv: not utf-8 text \(byte 0\); it begins as UTF-16 does; state `encoding: utf-16`"),
        ("utf-8", "ascii", r"기록\.csv: not ascii text"),
        ("utf-8", "utf-16", r"기록\.csv: it does not begin as UTF-16 does; state `utf-16-le`"),
    ],
)
def test_undecodable_text_is_refused_with_what_would_fit(tmp_path, written, stated, message):
    source = IntervalsSource(path=table(tmp_path, KOREAN, written), columns=COLUMNS, unit="s", encoding=stated)
    with pytest.raises(SourceError, match=message):
        read(source, {})


def test_two_bytes_a_letter_are_not_read_as_one(tmp_path):
    with pytest.raises(SourceError, match=r"signs of no text in it, read as utf-8"):
        read_text(table(tmp_path, "what,from,to\na,1,2\n", "utf-16-le"))


def test_an_encoding_that_does_not_exist_is_refused():
    with pytest.raises(ValidationError, match="no text encoding 'korean8'; it is one such as utf-8, cp949"):
        IntervalsSource(path="a.csv", columns=COLUMNS, unit="s", encoding="korean8")
    with pytest.raises(ValidationError, match="no text encoding 'base64'"):
        AssaySource(path="a.csv", columns={"value": "g"}, unit="g", encoding="base64")


@given(st.text(alphabet=st.characters(codec="cp949", exclude_characters="\0\ufeff")))
def test_what_one_encoding_writes_comes_back(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("text") / "a.txt"
    path.write_bytes(text.encode("cp949"))
    assert read_text(path, "cp949") == text


def test_assays_and_exports_of_boris_take_an_encoding(tmp_path):
    assay = table(tmp_path, "동물,g\n쥐,1.5\n", "cp949")
    scores = read_assay(AssaySource(path=assay, columns={"value": "g"}, unit="g", rows={"동물": "쥐"}, encoding="cp949"), {})
    np.testing.assert_array_equal(scores.columns["value"], [1.5])
    export = table(tmp_path, "Observation id,Behavior,Behavior type,Time\n관찰,핥기,POINT,2.5\n", "cp949")
    events = read_boris(BorisSource(path=export, encoding="cp949"), {})
    assert (events.series[0].name, events.series[0].times.first) == ("핥기", 2.5)
    with pytest.raises(SourceError, match=r"`encoding:` cp949"):
        read_boris(BorisSource(path=export), {})
    (tmp_path / "a.boris").write_text("{}", encoding="utf-8")
    with pytest.raises(SourceError, match=r"a\.boris: a project of BORIS is always UTF-8; leave out `encoding`"):
        read_boris(BorisSource(path=tmp_path / "a.boris", encoding="cp949"), {})


def test_a_workbook_has_no_encoding(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    with pytest.raises(SourceError, match=r"a workbook says its encoding itself; leave out `encoding`"):
        read_table(tmp_path / "a.xlsx", encoding="cp949")


def test_without_a_header_columns_are_numbered_from_one(tmp_path):
    path = table(tmp_path, "\ndrift,1,2\nstill,3,5\n", "utf-8")
    source = IntervalsSource(path=path, columns={"label": "1", "start": "2", "stop": "3"}, unit="s", header="none")
    intervals = read(source, {})
    assert intervals.columns == {"label": ["drift", "still"]}
    np.testing.assert_array_equal(intervals.stops, [2, 5])
    scores = read_assay(AssaySource(path=path, columns={"value": "3"}, unit="s", header="none"), {})
    np.testing.assert_array_equal(scores.columns["value"], [2, 5])


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("drift,1,2\n", {"label": "1", "start": "2", "stop": "4"}, r"no column '4'; the columns are: 1, 2, 3"),
        ("drift,1,2\nstill,3,4,5\n", {"label": "1", "start": "2", "stop": "3"}, r"line 2 has 4 cells under 3 columns"),
        ("drift,from,2\n", {"label": "1", "start": "2", "stop": "3"}, r"column '2', line 1: 'from' is not a number"),
        ("\n\n", {"label": "1", "start": "2", "stop": "3"}, r"no line with content"),
    ],
)
def test_wrong_tables_without_a_header_are_refused(tmp_path, text, columns, message):
    with pytest.raises(SourceError, match=message):
        read(IntervalsSource(path=table(tmp_path, text, "utf-8"), columns=columns, unit="s", header="none"), {})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", "\t", ";", " "])
def test_every_line_end_and_separator_is_read(tmp_path, end, separator):
    path = tmp_path / "a.txt"
    path.write_bytes(end.join(separator.join(row) for row in (("a", "b"), ("1", "2"), ("3", "4"), ("",))).encode())
    table = read_table(path, blanks=True)
    assert (table.columns, table.rows, table.lines) == (("a", "b"), (("1", "2"), ("3", "4")), (2, 3))


def test_lines_are_counted_as_editors_count_them(tmp_path):
    path = table(tmp_path, 'what,from,to\r\n"two\x85\x0blines",1,2\r\na,oops,3\r\n', "utf-8")
    source = IntervalsSource(path=path, columns={"label": "what", "start": "from", "stop": "to"}, unit="s")
    with pytest.raises(SourceError, match=r"line 3: 'oops'"):
        read(source, {})


@pytest.mark.parametrize(
    ("content", "cell"), [(b"\xef\xbb\xbfIndex,1,2\nb\n", "Index"), (b"", ""), (b'"a,b";2\n', "a,b"), (b'"\x00\xff\xfe' * 900, "")]
)
def test_the_first_cell_is_read_alone(content: bytes, cell: str, tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert first_cell(path) == cell
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    assert first_cell(path) == ""
