import csv
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from bergmann.behavior import nwb
from bergmann.behavior.assay import AssaySource, read
from bergmann.behavior.stated import ScoresStated, check_scores
from bergmann.errors import MissingExtraError, SourceError
from bergmann.records import Scores

INJURED = "pain_assay/PainAssaySVM/CCI/CCI injured paw.csv"
COLUMNS = {"stimulus": "Stimulus", "value": "Pain Score"}
COHORT = """Animal,Day,Filament,Threshold
"Cage1, Animal 1",Baseline,0.07 VFH,1.5
"Cage1, Animal 2",Baseline,0.07 VFH,2
 "Cage1, Animal 1" , Week 1 ,0.6 VFH,0.4
"Cage1, Animal 1",Week 1,1.4 VFH,0.16
"""


def cohort(tmp_path, text=COHORT, name="cohort.csv"):
    path = tmp_path / name
    path.write_text(text.replace(' "Cage1, Animal 1" ', '"Cage1, Animal 1 "'), encoding="utf-8")
    return path


def test_the_rows_of_one_animal_on_one_day_are_chosen_exactly_but_for_blanks(tmp_path):
    source = AssaySource(
        path=cohort(tmp_path),
        unit="g",
        rows={"Animal": "Cage1, Animal 1", "Day": "Week 1"},
        columns={"stimulus": "Filament", "value": "Threshold"},
    )
    scores = read(source, {})
    np.testing.assert_array_equal(scores.columns["value"], [0.4, 0.16])
    assert scores.columns["value_text"] == ["0.4", "0.16"]
    assert scores.columns["stimulus"] == ["0.6 VFH", "1.4 VFH"]
    np.testing.assert_array_equal(scores.columns["stimulus_number"], [0.6, 1.4])
    assert scores.units == {"value": "g"}
    assert scores.source_columns == {"stimulus": "Filament", "value": "Threshold"}


def test_real_cohort_agrees_with_the_csv(real):
    path = real(INJURED)
    chosen = {"Animal": "Cage1, Animal 1", "TIME": "Week 1"}
    scores = read(AssaySource(path=path, unit="score", rows=chosen, columns=COLUMNS), {})
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row[key].strip() == value for key, value in chosen.items())]
    assert len(rows) == len(scores.columns["value"]) > 0
    assert scores.columns["value_text"] == [row["Pain Score"].strip() for row in rows]
    np.testing.assert_array_equal(scores.columns["value"], [float(row["Pain Score"]) for row in rows])
    assert scores.columns["stimulus"] == [row["Stimulus"].strip() for row in rows]


def test_zero_matching_rows_list_the_values_there_are(real, tmp_path):
    source = AssaySource(path=real(INJURED), unit="g", rows={"Animal": "Cage1, Animal 1", "TIME": "Week 9"}, columns=COLUMNS)
    with pytest.raises(
        SourceError, match=r"no row with Animal = 'Cage1, Animal 1', TIME = 'Week 9'.*TIME is one of 'Baseline'.*'Week 1'"
    ):
        read(source, {})
    source = AssaySource(path=real(INJURED), unit="g", rows={"Animal": "BG042"}, columns=COLUMNS)
    with pytest.raises(SourceError, match=r"Animal is one of 'Cage1, Animal 1', 'Cage1, Animal 2', 'Cage1, Animal 4'"):
        read(source, {})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"rows": {"Mouse": "1"}}, r"cohort\.csv: no column 'Mouse'; the columns are: Animal, Day, Filament, Threshold"),
        ({"columns": {"value": "Score"}}, r"cohort\.csv: no column 'Score'"),
        ({"columns": {"value": "Filament"}}, r"column 'Filament', line 2: '0\.07 VFH' is not a number"),
        ({"sheet": "Sheet1"}, r"a text file has no sheets"),
    ],
)
def test_a_wrong_selection_is_refused(tmp_path, keys, message):
    keys = {"unit": "g", "columns": {"value": "Threshold"}, **keys}
    with pytest.raises(SourceError, match=message):
        read(AssaySource(path=cohort(tmp_path), **keys), {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("1.5", ""), r"column 'Threshold', line 2: an empty cell; expected a number"),
        (("1.5", '"1,5"'), r"line 2: '1,5' is not a number; write a decimal point"),
        (("1.5", "1.5,9"), r"line 2 has 5 cells under 4 columns"),
        (("Day", "Animal"), r"more than one column 'Animal'"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, change, message):
    source = AssaySource(path=cohort(tmp_path, COHORT.replace(*change)), unit="g", columns={"value": "Threshold", "who": "Animal"})
    with pytest.raises(SourceError, match=message):
        read(source, {})


def test_columns_without_a_value_are_refused():
    with pytest.raises(ValidationError, match="must say which column holds the value"):
        AssaySource(path="a.csv", unit="g", columns={"stimulus": "Stimulus"})


def test_other_numbers_have_their_own_units(real):
    columns = {"value": "Pain Score", "velocity": "Paw Velocity (mm/s)"}
    scores = read(AssaySource(path=real(INJURED), unit="score", units={"velocity": "mm/s"}, columns=columns), {})
    assert len(scores.columns["velocity"]) == 142
    assert scores.units == {"value": "score", "velocity": "mm/s"}


@pytest.mark.parametrize("sign", [";", "\t"])
def test_other_separators_are_read(tmp_path, sign):
    path = tmp_path / "plate.csv"
    path.write_text(sign.join(["Animal", "Latency, s"]) + "\n" + sign.join(["1", "8.25"]) + "\n", encoding="utf-8-sig")
    assert read(AssaySource(path=path, unit="s", columns={"value": "Latency, s"}), {}).columns["value"].tolist() == [8.25]


def test_a_workbook_agrees_with_the_csv(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "von Frey"
    for row in csv.reader(cohort(tmp_path).read_text(encoding="utf-8").splitlines()):
        book.active.append([float(cell) if cell.replace(".", "").isdigit() else cell for cell in row])
    book.create_sheet("notes")
    book.save(tmp_path / "cohort.xlsx")
    keys = {"unit": "g", "rows": {"Day": "Week 1"}, "columns": {"stimulus": "Filament", "value": "Threshold"}}
    from_book = read(AssaySource(path=tmp_path / "cohort.xlsx", sheet="von Frey", **keys), {})
    from_text = read(AssaySource(path=tmp_path / "cohort.csv", **keys), {})
    np.testing.assert_array_equal(from_book.columns["value"], from_text.columns["value"])
    assert from_book.columns["stimulus"] == from_text.columns["stimulus"]
    with pytest.raises(SourceError, match=r"2 sheets; state `sheet:` as one of: von Frey, notes"):
        read(AssaySource(path=tmp_path / "cohort.xlsx", **keys), {})


def test_a_workbook_without_its_reader_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "cohort.xlsx").write_bytes(b"PK")
    with pytest.raises(MissingExtraError, match=r"cohort\.xlsx: an Excel workbook .*'bergmann\[xlsx\]'"):
        read(AssaySource(path=tmp_path / "cohort.xlsx", unit="g", columns={"value": "Threshold"}), {})


def test_a_damaged_workbook_is_refused(tmp_path):
    pytest.importorskip("openpyxl")
    path = tmp_path / "cohort.xlsx"
    path.write_bytes(b"PK not a workbook")
    with pytest.raises(SourceError, match=r"cohort\.xlsx: not an Excel workbook"):
        read(AssaySource(path=path, unit="g", columns={"value": "Threshold"}), {})


def test_a_force_below_zero_is_a_warning(tmp_path, entry):
    path = cohort(tmp_path, COHORT.replace("0.16", "-0.16"))
    scores = read(AssaySource(path=path, unit="g", columns={"value": "Threshold"}), {})
    (finding,) = check_scores(entry("von_frey", scores, ScoresStated(assay="von_frey")), {})
    assert finding.severity == "warning"
    assert list(check_scores(entry("change", scores, ScoresStated(assay="change of threshold")), {})) == []


def test_the_table_says_assay_side_scorer_and_time_point(real, tmp_path, nwbfile, entry, placed, written):
    rows = {"Animal": "Cage1, Animal 1", "TIME": "Week 1"}
    scores = read(AssaySource(path=real(INJURED), unit="g", rows=rows, columns=COLUMNS), {})
    stated = ScoresStated(assay="von_frey", side="left", scorer="blinded", timepoint="7 d after sni")
    nwb.ADD[Scores](nwbfile, entry("von_frey", scores, stated), placed())
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        table = reader.read().processing["behavior"]["von_frey"]
        np.testing.assert_array_equal(table["value"][:], scores.columns["value"])
        assert list(table["stimulus"][:]) == scores.columns["stimulus"]
        assert table["value"].description == "In g; column 'Pain Score' of the source."
        assert table.description == (
            "assay: von_frey; side: left; scorer: blinded; time point: 7 d after sni; source: CCI injured paw.csv; "
            "rows: Animal = Cage1, Animal 1, TIME = Week 1"
        )
