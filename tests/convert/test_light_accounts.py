"""A session whose light has several accounts: one light is written, and what they say otherwise is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pynwb import read_nwb

from bergmann.convert.session import convert_session
from bergmann.plan.resolve import make_plan

from ..conftest import Ran
from .conftest import Folder

SHEET = "  sheet: {{format: stated_train, pulses: {pulses}, rate: 20 Hz, width: 10 ms, confirms: light{more}}}\n"


def with_sheet(folder: Folder, pulses: int, more: str = "") -> None:
    folder.state("  paw_cam:", SHEET.format(pulses=pulses, more=more) + "  paw_cam:")


def warnings(done: Any) -> list[str]:
    return [one.message for one in done.findings if one.check == "accounts differ" and one.severity == "warning"]


def test_recorded_and_stated_light_are_one_light(folder: Folder) -> None:
    with_sheet(folder, 20)
    done = convert_session(folder.session, folder.out)
    assert done.is_good, done.findings
    assert warnings(done) == []
    file = read_nwb(done.target)
    assert {name for name in file.stimulus if "light" in name or "sheet" in name} == {"light"}
    assert "sheet_pulses" not in file.intervals
    pulses = file.intervals["light_pulses"]
    assert pulses["in_sheet"][:].tolist() == [True] * 20
    assert "sheet (stated by a person as 20 pulses of 10 ms at 20 Hz" in file.stimulus["light"].description
    clocks = file.lab_meta_data["bergmann_conversion"].clocks.to_dataframe().set_index("source")
    assert clocks.loc["sheet", "reference"] == "light"
    assert clocks.loc["sheet", "n_pulses"] == clocks.loc["sheet", "n_events"] == 20
    assert clocks.loc["sheet", "offset_in_seconds"] == pytest.approx(pulses["start_time"][0], abs=2e-3)


def test_pulses_epochs_and_series_of_what_was_recorded_are_the_same_to_the_sample(folder: Folder) -> None:
    with_sheet(folder, 20)
    file = read_nwb(convert_session(folder.session, folder.out).target)
    series, pulses, epochs = file.stimulus["light"], file.intervals["light_pulses"], file.intervals["optogenetic_epochs"]
    daq = next(one for one in file.acquisition.values() if "LaserCmd" in one.name)
    sample = 1 / (daq.rate or 1000.0)
    on = series.timestamps[:].reshape(-1, 4)
    assert on[:, 0] == pytest.approx(pulses["start_time"][:], abs=0)
    assert on[:, 2] == pytest.approx(pulses["stop_time"][:], abs=0)
    expanded = [
        (row["start_time"] + train * row["intertrain_interval_in_ms"] / 1000 if train else row["start_time"])
        + np.arange(row["number_pulses_per_pulse_train"]) * row["period_in_ms"] / 1000
        for _, row in epochs.to_dataframe().iterrows()
        for train in range(row["number_trains"])
    ]
    assert np.concatenate(expanded) == pytest.approx(pulses["start_time"][:], abs=sample)
    edges = np.flatnonzero(np.diff((daq.data[:] * daq.conversion > 0.5 * (daq.data[:] * daq.conversion).max()).astype(int)) > 0) + 1
    assert edges * sample + (daq.starting_time or 0.0) == pytest.approx(pulses["start_time"][:], abs=1e-9)


def test_a_lost_pulse_never_passes_silently(folder: Folder, bergmann: Callable[..., Ran]) -> None:
    first = first_pulse(folder)
    with_sheet(folder, 21, f", starts: {first:.4f} s after daq")
    done = convert_session(folder.session, folder.out)
    lost = f"{first + 1.0:.3f} s"
    assert warnings(done) == [f"sheet has 21 pulses, light 20; missing in light: {lost}"]
    assert done.is_good  # what was recorded is true, and written
    (finding,) = (one for one in done.findings if one.check == "accounts differ" and one.severity == "warning")
    assert "sources.sheet" in finding.location
    ran = bergmann("convert", folder.session, "--out", folder.out, "--overwrite")
    assert f"missing in light: {lost}" in ran.stdout


def first_pulse(folder: Folder) -> float:
    from bergmann.convert.align import align

    record: Any = align(make_plan(folder.session)).records["light"]
    return float(record.times.first)


def test_a_train_that_fits_at_several_shifts_is_refused_at_its_line(folder: Folder) -> None:
    with_sheet(folder, 21)
    done = convert_session(folder.session, folder.out)
    assert done.result == "unreadable"
    (finding,) = (one for one in done.findings if one.severity == "error")
    assert "sources.sheet" in finding.location
    assert "21 planned pulses fit the 20 recorded ones at several shifts" in finding.message
    assert not list(folder.out.rglob("*.nwb"))


def test_an_account_gives_the_power_that_the_light_need_not_state(folder: Folder) -> None:
    folder.state("site: lc_terminals, power: 5 mW}", "site: lc_terminals}")
    assert any("nothing says the power" in one.message for one in make_plan(folder.session).findings)
    with_sheet(folder, 20, ", power: 3 mW")
    done = convert_session(folder.session, folder.out)
    assert done.is_good, done.findings
    assert read_nwb(done.target).intervals["light_pulses"]["power_in_mW"][:] == pytest.approx(np.full(20, 3.0))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (", site: lc_terminals", "`site` and `confirms`: what is said of a source is said where it is written"),
        (", gives: power", "gives"),
    ],
)
def test_keys_that_an_account_has_not_are_refused(folder: Folder, more: str, message: str) -> None:
    with_sheet(folder, 20, more)
    assert any(one.severity == "error" and message in f"{one.location} {one.message}" for one in make_plan(folder.session).findings)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("confirms: light}", "confirms: lihgt}", "there is no `lihgt` in sources"),
        ("confirms: light}", "confirms: movie}", "a light pulses must be named here"),
        ("confirms: light}", "confirms: light/x}", "`light/x` names a part"),
        ("confirms: light}", "confirms: sheet}", "a circle: sources.sheet needs sources.sheet"),
        (
            "confirms: light}",
            "confirms: light}\n  other: {format: stated_train, pulses: 1, width: 1 ms, confirms: sheet}",
            "sheet is itself an account of light",
        ),
    ],
)
def test_what_an_account_confirms_must_be_written_light(folder: Folder, old: str, new: str, message: str) -> None:
    with_sheet(folder, 20)
    folder.state(old, new)
    messages = [one.message for one in make_plan(folder.session).findings if one.severity == "error"]
    assert any(message in one for one in messages), messages


def test_a_second_line_is_an_account_too(folder: Folder) -> None:
    folder.state("  paw_cam:", "  copy: {format: channel, of: daq/LaserCmd, confirms: light}\n  paw_cam:")
    done = convert_session(folder.session, folder.out)
    assert done.is_good, done.findings
    assert read_nwb(done.target).intervals["light_pulses"]["in_copy"][:].all()


def test_the_page_says_that_an_account_is_not_written_by_itself(folder: Folder, bergmann: Callable[..., Ran]) -> None:
    with_sheet(folder, 20)
    page = folder.path / "page.html"
    assert bergmann("check", folder.session, "--page", page).status == 0
    assert "another account of light" in page.read_text(encoding="utf-8")
