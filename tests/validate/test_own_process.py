"""Validating in a process of its own gives the same findings, and the end of that process is said of the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from bergmann.errors import SessionError, SourceError
from bergmann.proof.own_process import start_python
from bergmann.validate import own_process, validate_paths
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


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Validator]:
    """One whose process ends before it is asked for anything, and is not started again for that."""
    one = Validator()
    one.prepare()
    assert one._process is not None
    one._process.kill()
    with monkeypatch.context() as patch:
        patch.setattr(one, "prepare", lambda: None)
        yield one
    one.stop()


def test_the_end_of_the_process_is_said_of_the_file_and_the_next_is_validated(
    ended: Validator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_session(make_nwbfile(), tmp_path, Streams())
    (found,) = ended.validate([path])
    assert (found.severity, found.check, found.location) == ("error", "unreadable", path.name)
    assert "the process that was to do it ended" in found.message
    monkeypatch.undo()
    assert ended.validate([path]) == validate_paths([path])


def test_a_file_gets_its_name_also_where_the_process_ended(ended: Validator, tmp_path: Path) -> None:
    path = write_session(make_nwbfile(), tmp_path, Streams())
    assert ended.organized_path(path, "m1", "base") == naming.organized_path(path, "m1", "base")


def test_where_no_process_can_be_started_it_is_done_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no memory")

    monkeypatch.setattr(own_process, "start_python", refuse)
    path = write_session(make_nwbfile(), tmp_path, Streams())
    validator = Validator()
    assert validator.validate([path]) == validate_paths([path])
    assert validator.organized_path(path, "m1", "base") == naming.organized_path(path, "m1", "base")
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


def test_what_a_library_prints_is_no_answer_and_tokens_are_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANDI_API_KEY", "secret")
    (tmp_path / "noisy.py").write_text(
        "import os, sys\n"
        "sys.argv = ['validate']\n"
        "import bergmann.validate.tools as tools\n"
        "tools.prepare = lambda: (os.write(1, b'hello'), os.system('echo from another program'))\n"
        "import runpy\n"
        "assert 'DANDI_API_KEY' not in os.environ\n"
        "runpy.run_module('bergmann.validate', run_name='__main__')\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(own_process, "start_python", lambda _, **pipes: start_python("noisy", **pipes))
    path = write_session(make_nwbfile(), tmp_path / "out", Streams())
    noisy = Validator()
    assert noisy.validate([path]) == validate_paths([path])
    noisy.stop()


def test_a_process_that_does_not_come_to_an_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "silent.py").write_text("import time\ntime.sleep(600)\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(own_process, "start_python", lambda _, **pipes: start_python("silent", **pipes))
    monkeypatch.setattr(Validator, "start", 1.0)
    path = write_session(make_nwbfile(), tmp_path / "out", Streams())
    silent = Validator()
    (found,) = silent.validate([path])
    assert (found.severity, found.check) == ("error", "unreadable")
    silent.stop()
