"""Text exports of LabChart, written as version 8 writes them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bergmann.errors import SourceError
from bergmann.records import Recording
from bergmann.signals import _rows
from bergmann.signals.labchart import LabChartSource, find, read

DAY = 45429  # 2024-05-17
EIGHT = 8 / 24


def header(days: float = DAY + EIGHT, **other: str | None) -> str:
    """A header of LabChart 8: pressure in a unit of its own, a trigger in volts."""
    lines: dict[str, str | None] = {
        "Interval": "0.01 s",
        "ExcelDateTime": f"{days:.16e}\t5/17/24 08:00:00.000000",
        "TimeFormat": "StartOfBlock",
        "DateFormat": "",
        "ChannelTitle": "Pressure\tTrigger",
        "Range": "10.000 V\t2.000 V",
        "UnitName": "mmHg\t*",
        "TopValue": "200.0\t*",
        "BottomValue": "-0.09\t*",
    }
    return "".join(f"{key}=\t{text}\r\n" for key, text in {**lines, **other}.items() if text is not None)


def rows(first: int, count: int, remarks: dict[int, str] | None = None) -> str:
    return "".join(f"{n / 100:g}\t{n + 0.5}\t{n % 2}{(remarks or {}).get(n, '')}\r\n" for n in range(first, first + count))


def export(path: Path, content: str, /, written: str = "utf-8", **keys: Any) -> Recording:
    path.write_bytes(content.encode(written))
    return read(LabChartSource.model_validate({"path": path, **keys}), {})


def test_one_block_has_its_names_units_and_start(tmp_path: Path) -> None:
    recording = export(tmp_path / "a.txt", header() + rows(0, 50))
    assert recording.parts == ("Pressure", "Trigger")
    assert [one.unit for one in recording.channels] == ["mmHg", "V"]
    assert recording.start == datetime(2024, 5, 17, 8)
    assert (recording.rate, recording.sweep_starts.seconds.tolist(), recording.sweep_lengths.tolist()) == (100, [0], [50])
    assert recording.channel("Pressure").samples[3:5].tolist() == [3.5, 4.5]
    assert recording.tags == ()


def test_a_part_that_was_exported_keeps_its_times(tmp_path: Path) -> None:
    recording = export(tmp_path / "a.txt", header() + rows(43200, 20))
    assert recording.sweep_starts.seconds.tolist() == [432.0]
    assert recording.start == datetime(2024, 5, 17, 8)


def test_blocks_are_sweeps_with_the_gap_between_them(tmp_path: Path) -> None:
    later = DAY + EIGHT + 90.25 / 86400
    recording = export(tmp_path / "a.txt", header() + rows(0, 50) + header(later) + rows(0, 30))
    assert recording.sweep_lengths.tolist() == [50, 30]
    assert recording.sweep_starts.seconds == pytest.approx([0, 90.25], abs=2e-6)
    assert recording.channel("Trigger").samples[49:53].tolist() == [1, 0, 1, 0]
    from_file = header(TimeFormat="StartOfFile")
    recording = export(tmp_path / "b.txt", from_file + rows(0, 50) + from_file + rows(9025, 30))
    assert recording.sweep_starts.seconds.tolist() == [0, 90.25]
    assert recording.start == datetime(2024, 5, 17, 8)


def test_a_file_whose_start_is_not_said_has_none(tmp_path: Path) -> None:
    recording = export(tmp_path / "a.txt", header(TimeFormat="StartOfFile") + rows(300, 50))
    assert recording.start is None
    assert "3 s after the start of a file" in recording.notes["start"]


def test_comments_are_tags_at_their_rows(tmp_path: Path) -> None:
    remarks = {10: "\t#* capsaicin = 10 uM, now", 20: '\t#2 artefact "big"', 30: "\t#* one\t#1 two"}
    later = header(DAY + EIGHT + 60 / 86400) + rows(0, 10, {4: "\t#* washout"})
    recording = export(tmp_path / "a.txt", header() + rows(0, 50, remarks) + later)
    assert recording.tags == ("capsaicin = 10 uM, now", 'artefact "big" (Trigger)', "one", "two (Pressure)", "washout")
    assert recording.tag_times.seconds == pytest.approx([0.1, 0.2, 0.3, 0.3, 60.04], abs=2e-6)
    assert recording.channel("Pressure").samples[9:12].tolist() == [9.5, 10.5, 11.5]


def test_missing_rows_are_a_gap(tmp_path: Path) -> None:
    recording = export(tmp_path / "a.txt", header() + rows(0, 5) + rows(8, 5))
    assert recording.sweep_lengths.tolist() == [5, 5]
    assert recording.sweep_starts.seconds == pytest.approx([0, 0.08])


def test_a_decimal_comma_is_known_from_the_header(tmp_path: Path) -> None:
    content = (header() + rows(0, 50, {3: "\t#* 1.5 mL"})).replace(".", ",").replace("1,5 mL", "1.5 mL")
    recording = export(tmp_path / "a.txt", content)
    assert (recording.rate, recording.start) == (100, datetime(2024, 5, 17, 8))
    assert recording.channel("Pressure").samples[3:5].tolist() == [3.5, 4.5]
    assert (recording.tags, recording.tag_times.seconds.tolist()) == (("1.5 mL",), [0.03])
    with pytest.raises(SourceError, match=r"a.txt: column 'Pressure', line 10: '0,5' has a comma in it; and its header has points"):
        export(tmp_path / "a.txt", header() + rows(0, 50).replace(".", ","))


def test_old_exports_without_units_take_those_of_the_range(tmp_path: Path) -> None:
    old = header(UnitName=None, TopValue=None, BottomValue=None, Interval="10 ms", ChannelTitle='"ECG"\t', Range="5 mV\t1 V")
    recording = export(tmp_path / "a.txt", old + "".join(f"{n / 100:g}\t{n}\t\r\n" for n in range(10)))
    assert [(one.name, one.unit) for one in recording.channels] == [("ECG", "mV")]
    assert recording.rate == 100


def test_a_long_export_is_read_a_block_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rows, "BYTES", 700)
    later = header(DAY + EIGHT + 60 / 86400)
    recording = export(tmp_path / "a.txt", header() + rows(0, 3000, {2000: "\t#* x"}) + later + rows(0, 500))
    pressure = [n + 0.5 for n in [*range(3000), *range(500)]]
    assert recording.channel("Pressure").samples[0:3500].tolist() == pressure
    assert recording.channel("Pressure").samples[2990:3010].tolist() == pressure[2990:3010]
    assert recording.tag_times.seconds.tolist() == [20.0]


def test_another_encoding_is_stated(tmp_path: Path) -> None:
    micro = header(UnitName="µV\t*")
    recording = export(tmp_path / "a.txt", micro + rows(0, 5), "cp1252", encoding="cp1252")
    assert recording.channels[0].unit == "µV"
    with pytest.raises(SourceError, match=r"a.txt: not utf-8 text .*cp1252"):
        export(tmp_path / "a.txt", micro + rows(0, 5), "cp1252")


def test_find_takes_exports_only(tmp_path: Path) -> None:
    export(tmp_path / "a.TXT", header() + rows(0, 5))
    (tmp_path / "notes.txt").write_text("Interval=\t5 min\nbetween injections\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text(header() + rows(0, 5), encoding="utf-8")
    assert [source.path.name for source in find(tmp_path)] == ["a.TXT"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "a.txt: the file is empty"),
        ("t,v\n0,1\n", "a.txt: line 1 comes before any `Interval=`; expected a text export of LabChart"),
        (header(), "a.txt: a header and no rows below it"),
        (header(ChannelTitle=None) + rows(0, 5), "the block at line 1 has no `ChannelTitle=`; export again"),
        (header(Interval="fast") + rows(0, 5), "`Interval=` fast"),
        (header(ExcelDateTime="soon") + rows(0, 5), "`ExcelDateTime=` soon is no number of days"),
        (header() + rows(0, 5) + header(Interval="0.02 s") + rows(0, 5), "at line 15 has Interval 0.02 s, the first 0.01 s"),
        (header() + rows(0, 5) + header(UnitName="kPa\t*") + rows(0, 5), "at line 15 has the units kPa, V, the first mmHg, V"),
        (header() + rows(0, 5) + header(ExcelDateTime=None) + rows(0, 5), "at line 15 has no `ExcelDateTime=`, so when it began"),
        (header() + rows(0, 500) + header() + rows(0, 5), "block 2 begins at 0.000000 s, before block 1 has ended"),
        (header(TimeFormat="TimeOfDay") + rows(0, 5), "`TimeFormat=` TimeOfDay; export again with times from the start"),
        (header() + "8:00:00.01\t1\t0\r\n", "the time is '8:00:00.01'; export again with times in seconds"),
        (header() + "1.5\t0\r\n2.5\t1\r\n", "line 10 has 2 numbers for 2 channels and a time; export again with the times"),
        (header() + rows(0, 5) + "0.05\t\t1\r\n", "column 'Pressure', line 15: an empty cell"),
        (header() + rows(0, 5) + "0.05\t6.5", "line 15 has 2 cells, and column 'Trigger' is number 3; is the file truncated"),
        (header(Interval="0.02 s") + rows(0, 50), "a rate of 50 Hz puts it at|the time of"),
    ],
)
def test_what_is_no_whole_export_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        export(tmp_path / "a.txt", content)
