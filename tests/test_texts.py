"""Names that a person types and a program wrote: the same to the eye, the same here."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.records import Channel, Recording
from bergmann.registry import Entry
from bergmann.signals.stated import RecordingStated, check_recording
from bergmann.tables import read_table
from bergmann.texts import folded, named
from bergmann.timing.times import ExplicitTimes

MICRO, MU = "\u00b5", "\u03bc"


@given(st.text())
def test_how_letters_are_put_together_does_not_count(text: str) -> None:
    assert folded(unicodedata.normalize("NFD", text)) == folded(text)
    assert folded(text.replace(MICRO, MU)) == folded(text)


@pytest.mark.parametrize(
    ("name", "there", "expected"),
    [
        ("a", ["a", "b"], "a"),
        (f"{MICRO}V", [f"{MU}V", "mV"], f"{MU}V"),
        (f"{MU}V", [f"{MICRO}V", f"{MU}V"], f"{MU}V"),  # the same letters win
        ("caf\u00e9", ["cafe\u0301"], "cafe\u0301"),
        ("A", ["a"], None),
        (" a", ["a "], "a "),
        ("a ", ["a", " a"], None),  # which of the two?
        ("a", ["a", "a"], None),
    ],
)
def test_a_name_is_the_one_that_a_person_means(name: str, there: list[str], expected: str | None) -> None:
    assert named(name, there) == expected


def recording(name: str) -> Recording:
    channel = Channel(name=name, kind="analog", unit="V", samples=np.array([0.0, 5.0]))
    return Recording(
        files=(Path("daq.h5"),),
        rate=10.0,
        sweep_starts=ExplicitTimes(np.zeros(1)),
        sweep_lengths=np.array([2]),
        channels=(channel,),
    )


def test_a_channel_is_found_with_either_letter() -> None:
    record = recording(f"{MICRO}stim")
    assert record.channel(f"{MU}stim").name == f"{MICRO}stim"
    with pytest.raises(SourceError, match="no channel 'stim'; it has: "):
        record.channel("stim")


def test_a_channel_that_is_described_is_found_with_either_letter() -> None:
    def findings(name: str) -> list[Finding]:
        stated = RecordingStated.model_validate({"channels": {name: {"records": "pump"}}})
        entry = Entry[Recording, RecordingStated](name="daq", record=recording(f"{MICRO}stim"), stated=stated, source=None)  # type: ignore[arg-type]
        return list(check_recording(entry, {}))

    assert findings(f"{MU}stim") == []
    assert [one.check for one in findings("stim")] == ["channel"]


def test_columns_and_cells_of_a_table_are_found_with_either_letter(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"dose ({MICRO}g),site\n1,{MICRO}1\n2,{MICRO}2\n", encoding="utf-8")
    table = read_table(path)
    assert table.cells(f"dose ({MU}g)") == ["1", "2"]
    assert table.chosen({"site": f"{MU}2"}).cells(f"dose ({MICRO}g)") == ["2"]
    with pytest.raises(SourceError, match="no row with site = '3'"):
        table.chosen({"site": "3"})
