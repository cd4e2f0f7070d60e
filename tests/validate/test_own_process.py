"""Validating in a process of its own gives the same findings, and the end of that process is said of the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from bergmann.errors import SessionError, SourceError
from bergmann.validate import validate_paths
from bergmann.validate.own_process import Validator
from bergmann.writing import Streams, naming, write_session

from .nwb_files import make_nwbfile


@pytest.fixture(scope="module")
def validator() -> Iterator[Validator]:
    one = Validator()
    yield one
    one.stop()


def test_it_finds_what_validating_here_finds(validator: Validator, tmp_path: Path) -> None:
    good, bad = (
        write_session(make_nwbfile(**known), tmp_path / str(known["sex"]), Streams()) for known in ({"sex": "F"}, {"sex": "X"})
    )
    assert validator.validate([good]) == validate_paths([good])
    findings = validator.validate([bad])
    assert findings == validate_paths([bad])
    assert "check_subject_sex" in {one.check for one in findings}


def test_the_waivers_are_those_of_the_person(validator: Validator, tmp_path: Path) -> None:
    bad = write_session(make_nwbfile(sex="X"), tmp_path, Streams())
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text(
        "waivers: {sex: {check: check_subject_sex, object: '*', reason: a test, who: Ann Example, date: 2026-01-02}}\n",
        encoding="utf-8",
    )
    assert [one.severity for one in validator.validate([bad], waivers) if one.check == "check_subject_sex"] == ["note"]
    waivers.write_text("waivers: {sex: {check: check_subject_sex}}\n", encoding="utf-8")
    with pytest.raises(SessionError) as here:
        validate_paths([bad], waivers)
    with pytest.raises(SessionError) as there:
        validator.validate([bad], waivers)
    assert there.value.findings == here.value.findings


def test_what_is_no_file_is_refused_with_the_same_words(validator: Validator, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"lost\.nwb: there is no such file"):
        validator.validate([tmp_path / "lost.nwb"])
    assert validator.validate([write_session(make_nwbfile(), tmp_path, Streams())]) is not None


def test_the_end_of_the_process_is_said_of_the_file_and_the_next_is_validated(tmp_path: Path) -> None:
    path = write_session(make_nwbfile(), tmp_path, Streams())
    validator = Validator()
    validator.prepare()
    assert validator._process is not None
    validator._process.kill()
    (ended,) = validator.validate([path])
    assert (ended.severity, ended.check, ended.location) == ("error", "unreadable", path.name)
    assert "the process that was to do it ended" in ended.message
    assert validator.validate([path]) == validate_paths([path])
    validator.stop()


def test_it_ends_with_the_process_that_started_it() -> None:
    """Its standard input then ends, however that process came to its end."""
    validator = Validator()
    validator.prepare()
    process = validator._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    validator.stop()


def test_files_and_videos_are_named_as_here(validator: Validator, tmp_path: Path) -> None:
    path = write_session(make_nwbfile(), tmp_path, Streams())
    here = naming.organized_path(path, "m1", "base")
    assert validator.organized_path(path, "m1", "base") == here == PurePosixPath("sub-m1/sub-m1_ses-base.nwb")
    videos = (Path("left.avi"), Path("right.mp4"))
    assert validator.organized_videos(here, "1234", videos) == naming.organized_videos(here, "1234", videos)


def test_a_file_gets_its_name_also_where_the_process_ended(tmp_path: Path) -> None:
    path = write_session(make_nwbfile(), tmp_path, Streams())
    validator = Validator()
    validator.prepare()
    assert validator._process is not None
    validator._process.kill()
    assert validator.organized_path(path, "m1", "base") == naming.organized_path(path, "m1", "base")
    validator.stop()
