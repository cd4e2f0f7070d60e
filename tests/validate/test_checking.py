"""Checks run on any file, each by itself, and in the NWB Inspector too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from bergmann.validate import checking
from bergmann.validate.checking import Check, Problem, check, load_checks, run_checks
from bergmann.validate.reading import Reading

from .nwb_files import add_light, add_movie, make_nwbfile, write


def test_each_check_has_its_own_name_and_says_why_and_what_to_do() -> None:
    checks = load_checks()
    assert len({one.name for one in checks}) == len(checks) > 0
    assert [one.name for one in checks if not one.why.endswith(".") or not one.remedy or one.version < 1] == []


def test_a_check_that_fails_is_said_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @check(severity="error", why="It cannot.", remedy="nothing")
    def fails(reading: Reading) -> Iterator[Problem]:
        yield Problem("", f"{reading.nwbfile.no_such_field}")

    @check(severity="note", why="It can.", remedy="nothing")
    def goes_on(reading: Reading) -> Iterator[Problem]:
        yield Problem(reading.nwbfile.subject, "here")

    def two() -> tuple[Check, ...]:
        return (fails, goes_on)

    monkeypatch.setattr("bergmann.validate.checking.load_checks", two)
    from pynwb import NWBHDF5IO

    path = write(make_nwbfile(), tmp_path)
    with NWBHDF5IO(path, "r") as io:
        found = list(run_checks(Reading(io.read(), path.name)))
    assert [(one.severity, one.check, one.location) for one in found] == [
        ("note", "goes_on", "file.nwb:/general/subject"),
        ("warning", "fails", "file.nwb"),
    ]
    assert "AttributeError" in found[1].message


def test_one_pass_over_a_movie_tells_what_checks_ask(tmp_path: Path) -> None:
    from pynwb import NWBHDF5IO

    frames = np.arange(5 * 4 * 3, dtype=np.int16).reshape(5, 4, 3)
    frames[2] = 59
    nwbfile = make_nwbfile()
    add_movie(nwbfile, frames)
    path = write(nwbfile, tmp_path)
    with NWBHDF5IO(path, "r") as io:
        reading = Reading(io.read(), path.name)
        (movie,) = reading.objects("ImageSeries")
        scan = reading.scan(movie)
        assert reading.scan(movie) is scan
        assert reading.place(movie) == "file.nwb:/acquisition/movie"
        assert reading.times(movie).tolist() == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert scan.lowest.tolist() == [0, 12, 59, 36, 48]
    assert scan.highest.tolist() == [11, 23, 59, 47, 59]
    assert scan.means.tolist() == [5.5, 17.5, 59, 41.5, 53.5]
    assert scan.at_top.tolist() == [0, 0, 12, 0, 1]
    np.testing.assert_allclose(scan.mean_image, frames.mean(axis=0))


def test_the_inspector_runs_them_as_a_plug_in(tmp_path: Path) -> None:
    nwbfile = make_nwbfile()
    add_light(nwbfile, watts=[0.0, 5000.0])
    path = write(nwbfile, tmp_path)
    code = (
        "import sys, bergmann.checks\n"
        "from nwbinspector import inspect_nwbfile\n"
        "for one in inspect_nwbfile(nwbfile_path=sys.argv[1], select=['light_power_plausible']):\n"
        "    print(one.importance.name, one.message)\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("CRITICAL stimulus/presentation/light: its power is 5000 W at sample 1; expected 0 to 1 W")


def test_a_dataset_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "values.h5"
    with h5py.File(path, "w") as file:
        file["x"] = [1.0, 2.0]
        reading = Reading(None, path.name)
        assert reading.values(file["x"]) is reading.values(file["x"])


def test_checks_that_fail_at_the_same_say_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Reading) -> Iterator[Problem]:
        raise RuntimeError("bad object header")

    def fail_otherwise(_: Reading) -> Iterator[Problem]:
        raise ValueError("no number")

    made = [
        Check(name=name, severity="note", why=f"{name} matters", remedy="", version=1, run=run)
        for name, run in (("one", fail), ("two", fail), ("three", fail_otherwise))
    ]
    monkeypatch.setattr(checking, "load_checks", lambda: made)
    first, second = run_checks(Reading(make_nwbfile(), "a.nwb"))
    assert (first.check, first.message) == ("one", "one, two could not be checked: RuntimeError: bad object header")
    assert (second.check, second.message) == ("three", "three could not be checked: ValueError: no number")
