"""Where the runs of a session lie in time, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from bergmann.convert.align import align
from bergmann.errors import SessionError, SourceError
from bergmann.moments import Moment
from bergmann.plan.resolve import Plan, make_plan
from bergmann.records import Segmentation

from .conftest import BASE, PRAZ, WASH, write_rois

Session = Callable[..., Path]


def errors(plan: Plan) -> list[str]:
    return [finding.text for finding in plan.findings if finding.severity == "error"]


def test_each_run_starts_where_its_header_says(session: Session) -> None:
    plan = make_plan(session())
    assert errors(plan) == []
    assert (plan.reference, str(plan.start)) == ("base_patch", "2019-01-25 10:46:00.250000+09:00")
    aligned = align(plan)
    assert {name: fit.offset for name, fit in aligned.fits.items() if name.endswith("patch")} == {
        "base_patch": 0.0,
        "praz_patch": 600.5,
        "wash_patch": 1799.875,
    }
    assert aligned.fits["praz_patch"].method == (
        "offset: the difference of the start times that the files of praz_patch and of base_patch state, taken as of one clock and "
        "written to 1 ms; no common signal says how exact they are"
    )
    assert np.isnan(aligned.fits["praz_patch"].residual)
    assert aligned.fits["wash_movie"].reference == "wash_patch/IN 1"
    frames = 1799.875 + 1.5 + 0.1 * np.arange(30)
    np.testing.assert_allclose(aligned.records["wash_movie"].times.seconds, frames, rtol=0, atol=1e-9)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("start of base", [0.0]),
        ("end of base", [7.999]),
        ("10 min after praz", [1200.5]),
        ("1 s before praz ends", [607.499]),
        ("frame 11 of movie in praz", [603.0]),
        ("2 s after movie in wash", [1803.375]),
        ("2 s after wash_movie", [1803.375]),
        ("first event of puffs in wash", [1800.875]),
        ("each event of puffs in base", [2.0, 4.0]),
        ("each event of puffs", [2.0, 4.0, 603.5, 1800.875, 1804.875]),
        ("each pulse of patch/IN 2", [2.0, 4.0, 603.5, 1800.875, 1804.875]),
        ("first pulse of patch/IN 2 in praz", [603.5]),
        ('tag "+praz" of patch in praz', [603.0]),
        ('tag "+TTX" of patch', [1805.875]),  # only wash has it
        ("10 min after prazosin", [1203.0]),
        ("prazosin ends", [1803.125]),
        ("10:56:01", [600.75]),
    ],
)
def test_times_are_found_in_their_run(session: Session, text: str, seconds: list[float]) -> None:
    aligned = align(make_plan(session()))
    assert [one.seconds for one in aligned.when(Moment(text))] == pytest.approx(seconds, abs=1e-9)


def test_a_tag_that_two_runs_have_is_not_guessed(session: Session) -> None:
    aligned = align(make_plan(session(runs=(BASE, PRAZ, replace(WASH, tags={"-praz": 1.0, "+praz": 2.0})))))
    with pytest.raises(SourceError, match=r'2 tags of that text; patch has: "\+praz" at 603.00 s, "-praz" at 1800.88 s, .*its run'):
        aligned.when(Moment('tag "+praz" of patch'))
    (found,) = aligned.when(Moment('tag "+praz" of patch in wash'))
    assert found.seconds == pytest.approx(1801.875)


def test_a_run_without_a_start_in_its_header_needs_one_that_is_stated(session: Session) -> None:
    runs = (BASE, replace(PRAZ, start=None), WASH)
    (text,) = errors(make_plan(session(runs=runs)))
    assert text == (
        "error: session.yaml:7 runs.praz.patch: 19125001.abf does not say when it started, and nothing else says where the run "
        "praz lies (state it, as `praz: {patch: {path: ..., starts: 20 min after patch in base}}`)"
    )


def test_a_stated_start_of_a_run_counts(session: Session, tmp_path: Path) -> None:
    path = session(("patch: 19125001.abf", "patch: {path: 19125001.abf, starts: 10 min after patch in base}"))
    aligned = align(make_plan(path))
    assert aligned.fits["praz_patch"].offset == 600.0
    assert aligned.fits["praz_patch"].method == "stated: starts 10 min after patch in base"
    assert aligned.records["praz_movie"].span == pytest.approx((601.5, 603.4))


def test_starts_within_a_run_count_from_that_run(session: Session) -> None:
    aligned = align(make_plan(session(("clock: patch/IN 1", "starts: 250 ms after patch"))))
    starts = [aligned.records[f"{run}_movie"].span[0] for run in ("base", "praz", "wash")]  # type: ignore[index]
    assert starts == pytest.approx([0.25, 600.75, 1800.125])
    assert aligned.fits["wash_movie"].method == "stated: starts 250 ms after patch in wash"


@pytest.mark.parametrize("start", ["from patch", "from patch in base", "from base_patch", '"2019-01-25 10:46:00.250"'])
def test_the_zero_is_that_of_the_first_run(session: Session, start: str) -> None:
    plan = make_plan(session(("from base_abf", start)))
    assert errors(plan) == []
    assert plan.reference == "base_patch"
    assert align(plan).fits["praz_patch"].offset == 600.5


def test_without_a_stated_start_the_first_run_is_the_zero(session: Session) -> None:
    plan = make_plan(session((", start: from base_abf", "")))
    assert (errors(plan), plan.reference) == ([], "base_patch")


def test_runs_that_overlap_in_time_are_refused_with_files_and_times(session: Session) -> None:
    runs = (BASE, replace(PRAZ, start=datetime(2019, 1, 25, 10, 46, 7, 250_000)), WASH)
    (text,) = errors(make_plan(session(runs=runs)))
    assert text == (
        "error: session.yaml:7 runs.praz.patch: the runs base and praz overlap in time: 19125000.abf is from 10:46:00.250 "
        "(+0.000 s) to 10:46:08.249 (+7.999 s), 19125001.abf is from 10:46:07.250 (+7.000 s) to 10:46:15.249 (+14.999 s) "
        "(are these the right files? If a clock has written their times wrongly, or too coarsely, state `starts:` in the run)"
    )


def test_a_stated_start_that_makes_runs_overlap_is_refused_when_it_is_read(session: Session) -> None:
    plan = make_plan(session(("patch: 19125001.abf", "patch: {path: 19125001.abf, starts: 5 s after patch in base}")))
    assert errors(plan) == []
    with pytest.raises(SessionError) as refused:
        align(plan)
    assert [finding.location for finding in refused.value.findings] == ["session.yaml:7 runs.praz.patch"]
    assert "the runs base and praz overlap in time: 19125000.abf is from 10:46:00.250" in str(refused.value)


def test_a_run_before_the_session_is_refused_with_files_and_times(session: Session) -> None:
    runs = (BASE, replace(PRAZ, start=datetime(2019, 1, 25, 10, 36)), WASH)
    (text,) = errors(make_plan(session(runs=runs)))
    assert text.startswith(
        "error: session.yaml:7 runs.praz.patch: the run praz would begin before the session, which starts with 19125000.abf at "
        "10:46:00.250 (+0.000 s): 19125001.abf is from 10:36:00.000 (-600.250 s) to 10:36:07.999 (-592.251 s) (are these the right "
    )


def test_a_run_of_another_day_is_doubted(session: Session) -> None:
    plan = make_plan(
        session(runs=(BASE, replace(PRAZ, start=datetime(2019, 1, 26, 10, 56)), replace(WASH, start=datetime(2019, 1, 26, 12))))
    )
    assert [one.text for one in plan.findings if one.severity == "warning" and ".patch" in one.location] == [
        f"warning: session.yaml:{line} runs.{run}.patch: {file} started {hours} h after 19125000.abf, with which the session "
        "starts (is this the right file?)"
        for line, run, file, hours in ((7, "praz", "19125001.abf", 24.2), (8, "wash", "19125002.abf", 25.2))
    ]


def test_a_file_that_two_runs_name_is_refused(session: Session) -> None:
    assert errors(make_plan(session(("19125002.abf", "19125001.abf")))) == [
        "error: session.yaml:8 runs.wash.patch: 19125001.abf is patch of the run praz already, and cannot be that of wash, too "
        "(which of the two runs is it of? If it holds both, state the `frames` of each, such as `frames: 1-6000`)",
        'error: session.yaml:16 drugs.prazosin.to: `tag "-praz" of patch in wash`: no tag of that text; patch in wash has: '
        '"+praz" (correct the time)',
    ]


@pytest.mark.parametrize(("frames", "is_refused"), [("21-50", False), ("20-49", True)])
def test_one_segmentation_may_be_of_several_runs(session: Session, tmp_path: Path, frames: str, is_refused: bool) -> None:
    both = "rois: {path: both.hdf5, frames: %s}"
    path = session(
        ("19125000.abf}", f"19125000.abf, {both % '1-20'}}}"),
        ("19125002.abf}", f"19125002.abf, {both % frames}}}"),
        ("drugs:", "  rois: {format: caiman, of: movie}\ndrugs:"),
    )
    write_rois(tmp_path / "both.hdf5", replace(BASE, n_frames=50))
    plan = make_plan(path)
    if is_refused:
        assert [text.split(" (")[0] for text in errors(plan)] == [
            "error: session.yaml:8 runs.wash.rois: both.hdf5 is rois of the run base already, and cannot be that of wash, too"
        ]
        return
    assert errors(plan) == []
    rois = align(plan).records["wash_rois"]
    assert isinstance(rois, Segmentation)
    np.testing.assert_allclose(rois.times.seconds, 1801.375 + 0.1 * np.arange(30), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(rois.planes[0].traces["denoised"][slice(None)][:, 0], np.arange(20, 50) + 0.5)


def test_runs_of_a_session_with_other_mistakes_are_looked_at(session: Session) -> None:
    plan = make_plan(session(("sex: unknown", "sex: girl"), ("19125002.abf", "19125001.abf")))
    assert [text.split()[1:3] for text in errors(plan)] == [
        ["session.yaml:4", "subject.sex:"],
        ["session.yaml:8", "runs.wash.patch:"],
        ["session.yaml:16", "drugs.prazosin.to:"],
    ]


def test_runs_across_a_change_of_the_clocks_are_an_hour_off_by_the_wall(session: Session, tmp_path: Path) -> None:
    spring = (replace(BASE, start=datetime(2019, 3, 31, 1, 50)), replace(PRAZ, start=datetime(2019, 3, 31, 3, 5)))
    path = session(
        ("  wash: {movie: TSeries-1401, patch: 19125002.abf}\n", ""),
        ('"-praz" of patch in wash', '"+praz" of patch in praz'),
        runs=spring,
    )
    lab = tmp_path / "lab.yaml"
    lab.write_text(lab.read_text(encoding="utf-8").replace("Asia/Seoul", "Europe/Berlin"), encoding="utf-8")
    assert align(make_plan(path)).fits["praz_patch"].offset == 900.0


def test_a_recording_of_the_whole_session_is_not_of_a_run(session: Session, tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("what,from,to\nbath,1,2\n", encoding="utf-8")
    columns = "columns: {label: what, start: from, stop: to}, unit: s"
    notes = f"  notes: {{format: intervals, path: notes.csv, {columns}, starts: 3 s after patch in praz}}\n"
    plan = make_plan(session(("drugs:\n", f"{notes}drugs:\n")))
    assert errors(plan) == []
    assert align(plan).records["notes"].span == pytest.approx((604.5, 605.5))
