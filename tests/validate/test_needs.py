"""What an archive needs: asked of the session file before anything is written, and of any NWB file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from bergmann.cli import group
from bergmann.plan.resolve import make_plan
from bergmann.validate.needs import CHECK, NEEDS, check_file, check_plan
from bergmann.validate.waivers import load_waivers

from .nwb_files import add_light_of_all_kinds, add_movie, cells_movie, make_nwbfile, write

SESSION = """\
format_version: 1
time_zone: Asia/Seoul
experimenter: "Doe, Jane"
institution: Example University
session: {id: s1, start: 2024-05-17 10:30:57, description: "von Frey test, 7 d after nerve injury."}
subject: {id: m1, species: Mus musculus, sex: F, born: 2024-02-28}
devices: {scope: {description: a microscope}, laser: {wavelength: 473 nm}}
planes:
  plane: {device: scope, location: V1, excitation: 920 nm, channels: {1: {label: GCaMP6f, emission: 525 nm}}}
light_sites: {lc: {location: LC, effector: ChR2, laser: laser}}
populations: {bg: {cell_type: Bergmann glial cell, location: "CUL4, 5"}}
receptors: {adra1a: {receptor: Adra1a, population: bg, status: endogenous}}
drugs: {capsaicin: {action: stimulus, dose: 10 ug, route: intraplantar, at: 10 min after session}}
sources:
  von_frey: {format: assay, path: t.csv, assay: von_frey, unit: g, columns: {value: g}}
"""
RECORDED = (
    "sources:\n",
    "sources:\n"
    "  movie: {format: tiff, path: m.tif, plane: plane, rate: 10 Hz}\n"
    "  light: {format: stated_train, pulses: 1, width: 10 ms, starts: 0.1 s after movie, site: lc, power: 5 mW}\n",
)
"""Sources of the plane and of the light site."""
WAIVERS = """\
waivers:
  the sex was not noted:
    check: archive_needs
    object: general/subject/sex
    reason: The sheet of the litter is lost.
    who: A. Person
    date: 2026-11-20
"""


def session_file(folder: Path, *changes: tuple[str, str]) -> Path:
    text = SESSION
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    tifffile.imwrite(folder / "m.tif", np.arange(6 * 64, dtype=np.uint16).reshape(6, 8, 8), photometric="minisblack", metadata=None)
    (folder / "t.csv").write_text("g\n0.4\n", encoding="utf-8")
    path = folder / "session.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def keys_of(path: Path) -> list[str]:
    """What is left open, each by its place in the session file."""
    plan = make_plan(path)
    assert plan.is_complete, [one.text for one in plan.findings]
    return [one.location.partition(" ")[2] for one in check_plan(plan)]


def test_a_complete_session_lacks_nothing(tmp_path: Path) -> None:
    assert keys_of(session_file(tmp_path, RECORDED)) == []


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("sex: F", "sex: unknown", "subject.sex"),
        ("born: 2024-02-28", "born: unknown", "subject.born"),
        ("2024-05-17 10:30:57", "2024-05-17", "session.start"),
        ('experimenter: "Doe, Jane"\n', "", "experimenter"),
        ("institution: Example University\n", "", "institution"),
        ("excitation: 920 nm", "excitation: unknown", "planes.plane.excitation"),
        ("label: GCaMP6f", "label: unknown", "planes.plane.channels.1.label"),
        ("location: V1", "location: unknown", "planes.plane.location"),
        ("laser: {wavelength: 473 nm}", "laser: {wavelength: unknown}", "devices.laser.wavelength"),
        ("effector: ChR2", "effector: unknown", "light_sites.lc.effector"),
        ("status: endogenous", "status: unknown", "receptors.adra1a.status"),
        ("dose: 10 ug", "dose: unknown", "drugs.capsaicin.dose"),
        ("at: 10 min after session", "at: unknown", "drugs.capsaicin.at"),
        ("time_zone: Asia/Seoul\n", "time_zone: Asia/Seoul\narm: blinded\n", "arm"),
        ("session: {id: s1", "session: {exclude: moved, id: s1", "session.exclude"),
    ],
)
def test_what_a_session_leaves_open_is_named_by_its_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    is_of_recording = key.partition(".")[0] in {"planes", "light_sites", "devices"}
    assert keys_of(session_file(tmp_path, (old, new), *([RECORDED] if is_of_recording else []))) == [key]


def test_what_the_session_does_not_use_need_not_be_known(tmp_path: Path) -> None:
    assert (
        keys_of(session_file(tmp_path, ("excitation: 920 nm", "excitation: unknown"), ("effector: ChR2", "effector: unknown")))
        == []
    )


def test_check_and_convert_refuse_before_anything_is_written(tmp_path: Path) -> None:
    path, out = session_file(tmp_path, ("sex: F", "sex: unknown")), tmp_path / "out"
    assert CliRunner().invoke(group, ["check", str(path)]).exit_code == 0
    checked = CliRunner().invoke(group, ["check", str(path), "--profile", "archive"])
    assert checked.exit_code == 1
    assert "error  session.yaml:6 subject.sex\n    sex is not known, which an archive needs (subject.sex)" in checked.output
    assert "stated as unknown: subject.sex" in checked.output
    done = CliRunner().invoke(group, ["convert", str(path), "--out", str(out), "--profile", "archive"])
    assert done.exit_code == 1
    assert "refused" in done.output
    assert not out.exists()


def test_a_waiver_lets_it_pass_and_is_said(tmp_path: Path) -> None:
    path, out = session_file(tmp_path, ("sex: F", "sex: unknown")), tmp_path / "out"
    (tmp_path / "waivers.yaml").write_text(WAIVERS, encoding="utf-8")
    (found,) = check_plan(make_plan(path), load_waivers(tmp_path / "waivers.yaml"))
    assert (found.severity, found.remedy) == ("note", "waived by A. Person on 2026-11-20: The sheet of the litter is lost.")
    done = CliRunner().invoke(group, ["convert", str(path), "--out", str(out), "--profile", "archive"])
    assert done.exit_code == 0, done.output
    (file,) = out.rglob("*.nwb")
    assert CliRunner().invoke(group, ["validate", str(file), "--profile", "archive"]).exit_code == 0
    (tmp_path / "waivers.yaml").unlink()
    assert CliRunner().invoke(group, ["validate", str(file)]).exit_code == 0
    refused = CliRunner().invoke(group, ["validate", str(file), "--profile", "archive"])
    assert refused.exit_code == 1
    assert "nwb:/general/subject/sex\n    sex is not known, which an archive needs: found 'U'" in refused.output


def found_in(nwbfile: Any, folder: Path) -> dict[str, str]:
    """Place and message of what a file leaves open."""
    found = list(check_file(write(nwbfile, folder)))
    assert {(one.check, one.severity) for one in found} <= {(CHECK, "error")}
    return {one.location.partition(":/")[2]: one.message for one in found}


def test_files_of_others_are_asked_for_the_same(tmp_path: Path) -> None:
    nwbfile = make_nwbfile(sex="U")
    nwbfile.experimenter, nwbfile.institution, nwbfile.lab = None, None, None
    add_movie(nwbfile, cells_movie()[0])
    nwbfile.imaging_planes["plane"].fields["excitation_lambda"] = float("nan")
    nwbfile.imaging_planes["plane"].fields["indicator"] = "GCaMP6f, unknown"
    add_light_of_all_kinds(nwbfile)
    found = found_in(nwbfile, tmp_path)
    assert {"general/subject/sex", "general/experimenter", "general/institution"} <= set(found)
    assert "it is not a number" in found["general/optophysiology/plane/excitation_lambda"]
    assert "general/optophysiology/plane/indicator" in found


def test_light_of_unknown_power_is_found_in_a_series_without_a_table(tmp_path: Path) -> None:
    from pynwb.ogen import OptogeneticSeries, OptogeneticStimulusSite

    nwbfile = make_nwbfile()
    device = nwbfile.create_device("laser")
    site = OptogeneticStimulusSite(name="s", device=device, description="d", excitation_lambda=473.0, location="LC")
    nwbfile.add_ogen_site(site)
    nwbfile.add_stimulus(OptogeneticSeries(name="light", site=site, data=np.array([0.0, np.nan]), rate=1.0))
    assert "not a number" in found_in(nwbfile, tmp_path)["stimulus/presentation/light"]


def test_each_need_says_why_and_what_to_do() -> None:
    assert len({one.name for one in NEEDS}) == len(NEEDS)
    assert all(one.why and one.remedy for one in NEEDS)
