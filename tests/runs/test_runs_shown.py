"""Runs as a person sees them: on the command line, on the page, and in a draft that is brought up to date."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from bergmann.cli import main
from bergmann.find.draft import draft_session
from bergmann.plan.resolve import make_plan
from bergmann.report.page import write_page

from .conftest import BASE, PRAZ, WASH

Session = Callable[..., Path]


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().out


def rows(page: str) -> dict[str, list[str]]:
    """The table of the time axis: the cells of each row behind its name."""
    (body,) = re.findall(r"<caption[^>]*>Everything on the time axis</caption>(.*?)</table>", page, re.DOTALL)
    found = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)]
    return {cells[0]: cells[1:] for cells in found}


def test_check_lists_the_sources_of_all_runs(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    path = session()
    status, text = printed(capsys, "check", path)
    assert status == 0
    assert f"{path}: 9 sources in 3 runs (base, praz, wash), 1 warning, 3 notes" in text
    _, text = printed(capsys, "check", path, "--json")
    (document,) = json.loads(text)
    assert document["runs"]["praz"] == ["praz_movie", "praz_patch", "praz_puffs"]
    assert {"name": "wash_patch", "format": "abf", "run": "wash", "read": True} in document["sources"]
    assert document["clock"] == "base_patch"


def test_instruments_are_compared_with_the_start_of_their_run(session: Session) -> None:
    found = {one.location: one.message for one in make_plan(session()).findings if one.severity == "note"}
    assert found == {
        "session.yaml:6 runs.base.movie": "its own clock says 2019-01-25 10:46:01, +2 s from the start of the session",
        "session.yaml:7 runs.praz.movie": "its own clock says 2019-01-25 10:56:02, +2 s from the start of the run praz",
        "session.yaml:8 runs.wash.movie": "its own clock says 2019-01-25 11:16:01, +2 s from the start of the run wash",
    }


def test_a_movie_of_another_run_is_seen_by_its_clock(session: Session) -> None:
    path = session(("TSeries-1398", "TSeries-1401x"), ("TSeries-1401,", "TSeries-1398,"), ("TSeries-1401x", "TSeries-1401"))
    warnings = [one.text for one in make_plan(path).findings if one.severity == "warning" and "runs." in one.location]
    assert len(warnings) == 2
    assert (
        "runs.praz.movie: its own clock says 2019-01-25 11:16:01, +1201 s from the start of the run praz (is this the"
        in warnings[0]
    )


def test_the_page_shows_the_runs_with_the_gaps_between_them(session: Session, tmp_path: Path) -> None:
    write_page(make_plan(session()), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    shown = rows(page)
    assert shown["runs"][0] == "3 runs: base, praz, wash"
    assert "between them nothing was recorded" in shown["runs"][3]
    (drawn,) = re.findall(r"<g><title>runs: 3 runs.*?</g>", page, re.DOTALL)
    bars = [tuple(float(one) for one in pair) for pair in re.findall(r'<rect x="([\d.]+)"[^>]*?width="([\d.]+)"', drawn)]
    assert len(bars) == 3
    assert all(left + width < following for (left, width), (following, _) in pairwise(bars))
    assert re.findall(r"<text[^>]*class=\"beside\"[^>]*>(.*?)</text>", drawn) == ["base", "praz", "wash"]
    (label,) = re.findall(r'<text x="([\d.]+)"[^>]*>agonist, 0:02', page)
    assert float(label) > 190  # not over its name
    assert shown["wash_patch"][1:3] == ["29:59.9 (1799.875 s)", "30:07.9 (1807.874 s)"]
    assert "praz_movie" in shown
    assert "praz_patch tags" in shown


def test_the_page_says_that_runs_overlap_once(session: Session, tmp_path: Path) -> None:
    runs = (BASE, replace(PRAZ, start=datetime(2019, 1, 25, 10, 46, 7, 250_000)), WASH)
    plan = make_plan(session(runs=runs))
    found = write_page(plan, tmp_path / "page.html")
    assert [one for one in found if one in plan.findings] == []
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("the runs base and praz overlap in time") == 2  # in the list, and at the line
    stated = make_plan(session_with_start(tmp_path, "5 s after patch in base"))
    assert [one.location for one in write_page(stated, tmp_path / "page.html")] == ["session.yaml:7 runs.praz.patch"]


def session_with_start(folder: Path, start: str) -> Path:
    path = folder / "session.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("patch: 19125001.abf", f"patch: {{path: 19125001.abf, starts: {start}}}"), encoding="utf-8")
    return path


def test_an_update_leaves_what_runs_claim_alone(session: Session, tmp_path: Path) -> None:
    more = "  rois: {format: caiman, of: movie}\n  laser: {format: channel, of: patch/IN 3, event: light}\ndrugs:"
    path = session(("19125000.abf}", "19125000.abf, rois: rois0.hdf5}"), ("drugs:", more))
    for number in (1, 2):
        (tmp_path / f"rois{number}.hdf5").unlink()
    before = path.read_bytes()
    drafted = draft_session(tmp_path)
    assert (drafted.added, drafted.unclaimed, drafted.to_paste) == ((), (), "")
    assert path.read_bytes() == before
    assert drafted.n_sources == 13


def test_a_recording_that_no_run_claims_is_offered(session: Session, tmp_path: Path) -> None:
    path = session()
    for number in (0, 1, 2):
        (tmp_path / f"rois{number}.hdf5").unlink()
    before = path.read_text(encoding="utf-8")
    shutil.copyfile(tmp_path / "19125001.abf", tmp_path / "19125003.abf")
    drafted = draft_session(tmp_path)
    (name,) = [one for one in drafted.added if "19125003" in one]
    after = path.read_text(encoding="utf-8")
    assert all(line in after.splitlines() for line in before.splitlines())
    assert f"  {name}:" in after.splitlines()
    assert "TSeries" not in "".join(drafted.added)
    assert draft_session(tmp_path).added == ()
