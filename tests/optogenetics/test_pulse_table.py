"""Light pulses from tables."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bergmann.arrays import LazyArray
from bergmann.errors import SourceError
from bergmann.optogenetics.pulse_table import FORMAT, PulseTable, read
from bergmann.records import LightPulses, Movie, MovieChannel
from bergmann.timing.times import ExplicitTimes, RegularTimes

COLUMNS = {"onset": "on", "duration": "width", "power": "light"}
UNITS = {"onset": "s", "duration": "ms", "power": "mW"}


def table(path: Path, **says: Any) -> PulseTable:
    return PulseTable.model_validate({"path": path, "columns": COLUMNS, "units": UNITS, **says})


def text(folder: Path, content: str, name: str = "pulses.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text(content, encoding=encoding, newline="")
    return path


def movie(times: ExplicitTimes | RegularTimes) -> Movie:
    frames: LazyArray = np.zeros((len(times), 2, 2), dtype=np.uint16)
    return Movie(files=(Path("movie.tif"),), channels=(MovieChannel(number=1, name="Channel 1", frames=frames),), times=times)


def test_29_rows_are_29_pulses(tmp_path: Path) -> None:
    rows = "".join(f"{index / 100:.2f},2,5\n" for index in range(29))
    record = read(table(text(tmp_path, "on,width,light\n" + rows)), {})
    assert len(record.times) == 29
    assert record.times.seconds.tolist() == pytest.approx([index / 100 for index in range(29)])
    assert record.durations.tolist() == pytest.approx([0.002] * 29)
    assert record.power is not None
    assert record.power.tolist() == pytest.approx([0.005] * 29)
    assert record.basis == "table pulses.csv, 29 rows"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiter_bom_and_line_end_do_not_matter(delimiter: str, encoding: str, newline: str, tmp_path: Path) -> None:
    lines = [["on", "width", "light", "note"], ["1.5", "10", "3", ""], ["2.5", "20", "4", "x"], []]
    path = text(tmp_path, newline.join(delimiter.join(line) for line in lines), encoding=encoding)
    record = read(table(path), {})
    assert record.times.seconds.tolist() == [1.5, 2.5]
    assert record.durations.tolist() == pytest.approx([0.01, 0.02])


def test_a_delimiter_in_a_name_misleads_nobody(tmp_path: Path) -> None:
    """`on,s` holds a comma in a table divided by semicolons."""
    path = text(tmp_path, "on,s;width,ms;light,mW\n1;2;3\n")
    says = {"onset": "on,s", "duration": "width,ms", "power": "light,mW"}
    assert len(read(table(path, columns=says), {}).times) == 1


def test_a_workbook_gives_what_its_csv_gives(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    lines: list[list[Any]] = [["on", "width", "light"], [0.5, 10, 2], [1, 20, 2.5], [None, None, None], [7.25, 30, 3]]
    book = openpyxl.Workbook()
    book.active.title = "day 1"
    for line in lines:
        book.active.append(line)
    book.save(tmp_path / "pulses.xlsx")
    plain = "\n".join(",".join("" if cell is None else str(cell) for cell in line) for line in lines)
    ours, theirs = read(table(tmp_path / "pulses.xlsx"), {}), read(table(text(tmp_path, plain)), {})
    assert np.array_equal(ours.times.seconds, theirs.times.seconds)
    assert np.array_equal(ours.durations, theirs.durations)
    assert ours.power is not None
    assert theirs.power is not None
    assert np.array_equal(ours.power, theirs.power)


def test_a_workbook_of_several_sheets_needs_one_named(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "log"
    sheet = book.create_sheet("light")
    for line in (["on", "width", "light"], [1, 2, 3]):
        sheet.append(line)
    book.save(tmp_path / "pulses.xlsx")
    with pytest.raises(SourceError, match=r"pulses\.xlsx: 2 sheets; state `sheet:` as one of: log, light"):
        read(table(tmp_path / "pulses.xlsx"), {})
    with pytest.raises(SourceError, match="no sheet 'lihgt'; there are: log, light"):
        read(table(tmp_path / "pulses.xlsx", sheet="lihgt"), {})
    assert len(read(table(tmp_path / "pulses.xlsx", sheet="light"), {}).times) == 1


def test_what_is_named_xlsx_and_is_not(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    with pytest.raises(SourceError, match=r"pulses\.xlsx: not an Excel workbook, or damaged"):
        read(table(text(tmp_path, "on,width,light\n1,2,3\n", "pulses.xlsx")), {})


def test_offsets_minutes_and_one_width_for_all(tmp_path: Path) -> None:
    path = text(tmp_path, "on,off\n0.5,0.75\n1,1.25\n")
    ended = table(path, columns={"onset": "on", "offset": "off"}, units={"onset": "min", "offset": "min"})
    assert read(ended, {}).times.seconds.tolist() == [30, 60]
    assert read(ended, {}).durations.tolist() == [15, 15]
    fixed = table(path, columns={"onset": "on"}, units={"onset": "min"}, width="5 ms")
    assert read(fixed, {}).durations.tolist() == pytest.approx([0.005, 0.005])


def test_rows_are_chosen_by_text(tmp_path: Path) -> None:
    path = text(tmp_path, "on,width,light,animal\n1,2,3,m1\n1.5,2,3,m2\n2,2,3,m1\n")
    assert read(table(path, rows={"animal": "m1"}), {}).times.seconds.tolist() == [1, 2]
    with pytest.raises(SourceError, match=r"none of 3 rows has animal = 'm3'\. There is animal: m1, m2"):
        read(table(path, rows={"animal": "m3"}), {})


def test_frames_are_times_of_the_movie(tmp_path: Path) -> None:
    """Frames 1 and 3 begin at 0 s and 2.1 s; a pulse of 2 frames from the last but one ends with the movie."""
    frames = movie(ExplicitTimes(np.array([0.0, 1.0, 2.1, 3.1])))
    path = text(tmp_path, "on,width\n1,1\n3,2\n")
    says = {"columns": {"onset": "on", "duration": "width"}, "units": {"onset": "frames", "duration": "frames"}, "of": "movie"}
    record = read(table(path, **says), {"of": frames})
    assert record.times.seconds.tolist() == [0, 2.1]
    assert (record.times.seconds + record.durations).tolist() == pytest.approx([1.0, 4.1])
    assert read(table(path, **says, first_frame="0"), {"of": movie(RegularTimes(5, 10, 6))}).times.seconds.tolist() == [5.1, 5.3]
    with pytest.raises(SourceError, match="row 3: is outside the movie: the movie has frames 1 to 3"):
        read(table(path, **says), {"of": movie(RegularTimes(0, 1, 3))})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("onn,width,light\n1,2,3\n", r"no column 'on'; did you mean 'onn'\? It has: onn, width, light"),
        ("on,width,light\n1,2,3\n2,,3\n", r"row 3, column 'width': the cell is empty"),
        ("on,width,light\n1,2,3\n2,two,3\n", r"row 3, column 'width': 'two' is not a number"),
        ("on;width;light\n1,5;2;3\n", r"row 2, column 'on': '1,5' is not a number; a decimal comma\? Write 1\.5"),
        ("on,width,light\n1,5,2,3\n", r"row 2: 4 cells for 3 columns; is there a decimal comma"),
        ("on,width,light\n2,2,3\n1,2,3\n", r"row 3: begins before the row above it; sort the table by onset"),
        ("on,width,light\n1,2000,3\n2,2,3\n", r"row 3: begins before the pulse above it has ended"),
        ("on,width,light\n1,0,3\n", r"row 2: has no duration above 0"),
        ("on,width,light\n1,2,-3\n", r"row 2: has a power below 0"),
        ("on,width,light\n1,2,nan\n", r"row 2, column 'light': nan is not a finite number"),
        ("on,on,width,light\n1,1,2,3\n", r"more than one column is named 'on'"),
        ("on,width,light\n", r"a header and no rows"),
        ("\n\n", r"the table is empty"),
    ],
)
def test_wrong_tables_say_what_is_wrong(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^pulses\.csv.*" + message):
        read(table(text(tmp_path, content)), {})


def test_other_encodings_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not utf-8 text"):
        read(table(text(tmp_path, "on,width,light,ort\n1,2,3,Höhe\n", encoding="latin-1")), {})
    with pytest.raises(SourceError, match=r"there is no 'absent\.csv'"):
        read(table(tmp_path / "absent.csv"), {})


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ({"units": {"onset": "s", "duration": "ms"}}, r"`columns\.power` has no unit; state `units\.power`"),
        ({"units": {**UNITS, "wavelength": "nm"}}, r"`units\.wavelength` is of no column"),
        ({"units": {**UNITS, "onset": "V"}}, r"`1 V` is not a quantity in s"),
        ({"width": "2 ms"}, r"is one of .*; found duration and width"),
        ({"units": {**UNITS, "onset": "frames"}}, r"times in `frames` need `of:`"),
        ({"of": "movie"}, r"state `starts: start of movie`"),
    ],
)
def test_what_is_stated_wrongly_is_refused_before_reading(says: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        table(Path("pulses.csv"), **says)


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**4)), min_size=1, max_size=40))
def test_no_pulse_is_lost_or_moved(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int]]) -> None:
    """Gaps and durations in microseconds, power in microwatts: as many pulses, where they were."""
    onset, rows = 0, []
    for gap, width, power in steps:
        onset += gap
        rows.append((onset, width, power))
        onset += width
    content = "on,width,light\n" + "".join(f"{on},{width},{power}\n" for on, width, power in rows)
    source = table(text(tmp_path_factory.mktemp("t"), content), units={"onset": "us", "duration": "us", "power": "uW"})
    record: LightPulses = read(source, {})
    assert record.times.seconds == pytest.approx([on * 1e-6 for on, _, _ in rows], rel=1e-12)
    assert record.durations == pytest.approx([width * 1e-6 for _, width, _ in rows], rel=1e-12)
    assert record.power is not None
    assert math.isclose(record.power.sum(), sum(power for _, _, power in rows) * 1e-6, abs_tol=1e-12)


def test_the_format_says_what_it_is() -> None:
    assert (FORMAT.key, FORMAT.room, FORMAT.reads_values) == ("pulse_table", "optogenetics", False)
    assert list(FORMAT.find(Path())) == []


KOREAN = "시작,길이,세기\r\n1.5,10,3\r\n2.5,20,4\r\n"
KOREAN_COLUMNS = {"onset": "시작", "duration": "길이", "power": "세기"}


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-16-le", "utf-8"])
def test_a_table_is_read_in_the_encoding_that_is_stated(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "빛.csv"
    path.write_bytes(KOREAN.encode(encoding))
    record = read(table(path, columns=KOREAN_COLUMNS, encoding=encoding), {})
    assert record.times.seconds.tolist() == [1.5, 2.5]
    assert record.power is not None
    assert record.power.tolist() == [0.003, 0.004]


@pytest.mark.parametrize(
    ("written", "stated", "message"),
    [
        ("cp949", None, r"빛\.csv: not utf-8 text \(byte 0\); save it again as `CSV UTF-8`, or state .*`encoding:` cp949 or"),
        ("utf-16", None, r"빛\.csv: not utf-8 text \(byte 0\); it begins as UTF-16 does; state `encoding: utf-16`"),
        ("utf-8", "utf-16", r"빛\.csv: it does not begin as UTF-16 does; state `utf-16-le`"),
        ("utf-8", "ascii", r"빛\.csv: not ascii text"),
    ],
)
def test_undecodable_text_is_refused_and_never_replaced(tmp_path: Path, written: str, stated: str | None, message: str) -> None:
    path = tmp_path / "빛.csv"
    path.write_bytes(KOREAN.encode(written))
    with pytest.raises(SourceError, match=message):
        read(table(path, columns=KOREAN_COLUMNS, encoding=stated), {})


def test_an_encoding_that_does_not_exist_or_is_of_a_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no text encoding 'korean8'"):
        table(tmp_path / "pulses.csv", encoding="korean8")
    (tmp_path / "pulses.xlsx").write_bytes(b"PK")
    with pytest.raises(SourceError, match=r"pulses\.xlsx: a workbook says its encoding itself; leave out `encoding`"):
        read(table(tmp_path / "pulses.xlsx", encoding="utf-16"), {})


@pytest.mark.parametrize("sign", [",", "\t", ";"])
def test_without_a_header_columns_are_numbered(tmp_path: Path, sign: str) -> None:
    path = text(
        tmp_path, "".join(sign.join(row) + "\n" for row in [("1.5", "10", "left"), ("2.5", "20", "left"), ("9", "5", "right")])
    )
    says = {"columns": {"onset": "1", "duration": "2"}, "units": {"onset": "s", "duration": "ms"}, "header": "none"}
    record = read(table(path, rows={"3": "left"}, **says), {})
    assert record.times.seconds.tolist() == [1.5, 2.5]
    assert record.durations.tolist() == pytest.approx([0.01, 0.02])
    with pytest.raises(SourceError, match=r"no column '4' It has: 1, 2, 3"):
        read(table(path, **{**says, "columns": {"onset": "1", "duration": "4"}}), {})


@pytest.mark.parametrize(("theirs", "ours"), [("\u00b5", "\u03bc"), ("\u03bc", "\u00b5")])
def test_micro_sign_and_greek_mu_are_one(tmp_path: Path, theirs: str, ours: str) -> None:
    path = text(tmp_path, f"on ({theirs}s);width;{theirs}W;site\n1500000;10;3000;{theirs}1\n2500000;20;4000;{theirs}2\n")
    says = {"onset": f"on ({ours}s)", "duration": "width", "power": f"{ours}W"}
    units = {"onset": f"{ours}s", "duration": "ms", "power": f"{ours}W"}
    record = read(table(path, columns=says, units=units, rows={"site": f"{ours}2"}), {})
    assert record.times.seconds.tolist() == [2.5]
    assert record.power is not None
    assert record.power.tolist() == pytest.approx([0.004])
