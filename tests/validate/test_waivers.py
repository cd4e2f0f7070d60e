"""What a person accepts is said with the reason, and is not counted; what is not needed is said too."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bergmann.cli import group
from bergmann.errors import SessionError
from bergmann.findings import Finding
from bergmann.validate import validate_paths
from bergmann.validate.needs import PROFILES
from bergmann.validate.waivers import apply_waivers, find_waivers, load_waivers

from .nwb_files import add_light, make_nwbfile, write

WAIVER = """\
waivers:
  strong light:
    check: light_power_plausible
    object: stimulus/presentation/*
    reason: A lamp of the workshop, measured.
    who: A. Person
    date: 2026-11-20
"""
LIGHT = Finding(severity="error", check="light_power_plausible", location="a.nwb:/stimulus/presentation/light", message="5000 W")
FILES = [Path("a.nwb")]


def load(folder: Path, text: str = WAIVER) -> Path:
    path = folder / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_waived_finding_is_a_note_with_the_reason(tmp_path: Path) -> None:
    (found,) = apply_waivers([LIGHT], load_waivers(load(tmp_path)), FILES)
    assert (found.severity, found.message) == ("note", "5000 W")
    assert found.remedy == "waived by A. Person on 2026-11-20: A lamp of the workshop, measured."


def test_a_waiver_of_another_object_waives_nothing_and_is_said_to_be_unused(tmp_path: Path) -> None:
    waivers = load_waivers(load(tmp_path, WAIVER.replace("presentation/*", "templates/*")))
    found = list(apply_waivers([LIGHT], waivers, FILES))
    assert found[0] == LIGHT
    assert (found[1].check, found[1].location) == ("unused waiver", "waivers.yaml:2 waivers.strong light")


def test_a_waiver_for_a_file_that_was_not_looked_at_is_not_judged(tmp_path: Path) -> None:
    waivers = load_waivers(load(tmp_path, WAIVER + '    file: "b*.nwb"\n'))
    assert list(apply_waivers([LIGHT], waivers, FILES)) == [LIGHT]


@pytest.mark.parametrize(("check", "judged"), [("archive_needs", False), ("archive_*", False), ("light_power_implausible", True)])
def test_a_waiver_of_a_check_that_was_not_run_is_not_judged(tmp_path: Path, check: str, judged: bool) -> None:
    waivers = load_waivers(load(tmp_path, WAIVER.replace("light_power_plausible", check)))
    found = list(apply_waivers([LIGHT], waivers, FILES, unasked=["archive_needs"]))
    assert [one.check for one in found] == [LIGHT.check, *["unused waiver"] * judged]
    assert [one.check for one in apply_waivers([LIGHT], waivers, FILES)] == [LIGHT.check, "unused waiver"]


def test_a_waiver_of_what_an_archive_needs_is_judged_by_that_profile_alone(tmp_path: Path) -> None:
    path = write(make_nwbfile(), tmp_path)
    waivers = load(tmp_path, WAIVER.replace("light_power_plausible", "archive_needs"))
    unused = {
        profile: [one for one in validate_paths([path], waivers, profile) if one.check == "unused waiver"] for profile in PROFILES
    }
    assert [len(unused["draft"]), len(unused["archive"])] == [0, 1]


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    text = "waivers:\n  one:\n    check: proof\n    resaon: because\n    who: A\n    date: yesterday\n"
    with pytest.raises(SessionError) as raised:
        load_waivers(load(tmp_path, text))
    assert [(one.location, one.message) for one in raised.value.findings] == [
        ("waivers.yaml:4 waivers.one.resaon", "there is no such key; did you mean reason?"),
        ("waivers.yaml:2 waivers.one.reason", "is missing: a waiver says what is accepted, why, by whom and when"),
        ("waivers.yaml:6 waivers.one.date", "found 'yesterday'; expected a date as 2026-11-20"),
        ("waivers.yaml:3 waivers.one.check", "proof cannot be waived: the file cannot be read, or is not what its sources say"),
    ]


def test_they_are_found_beside_the_dandiset(tmp_path: Path) -> None:
    folder = tmp_path / "study" / "dandiset" / "sub-1"
    folder.mkdir(parents=True)
    path = load(tmp_path / "study")
    assert find_waivers([folder / "file.nwb"]) == path
    assert find_waivers([folder.parent]) == path
    assert find_waivers([tmp_path]) is None


def test_validate_takes_them(tmp_path: Path) -> None:
    nwbfile = make_nwbfile()
    add_light(nwbfile, watts=[0.0, 5000.0])
    path = write(nwbfile, tmp_path)
    runner = CliRunner()
    without = runner.invoke(group, ["validate", str(path)])
    assert without.exit_code == 1
    assert "error  file.nwb:/stimulus/presentation/light\n    its power is 5000 W" in without.output
    load(tmp_path)
    waived = runner.invoke(group, ["validate", str(path)])
    assert "error" not in waived.output
    assert "waived by A. Person" in waived.output
    load(tmp_path, "waivers: none\n")
    wrong = runner.invoke(group, ["validate", str(path)])
    assert wrong.exit_code == 2
    assert "expected one map" in wrong.output
