"""`bergmann publish`: what it shows, what it refuses, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bergmann.cli import main

from .small_dandisets import DANDISET, make_dandiset

VIDEO = "sub-m1/sub-m1_ses-pod7_image/camera.mp4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lab.yaml").write_text(DANDISET, encoding="utf-8")
    return make_dandiset(tmp_path / "dandiset")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["publish", *map(str, arguments)])
    return int(stopped.value.code or 0)


def test_a_dry_run_shows_what_the_archive_would_and_writes_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert run(folder, "--dry-run", "--local", tmp_path / "out", "--sessions", tmp_path / "lab.yaml") == 0
    shown = capsys.readouterr().out
    for part in (
        VIDEO,
        "What the archive will show",
        "2024-05-17T10:30:58Z",
        "keywords: astrocyte",
        "Kim, Jane",
        "Nothing is written",
    ):
        assert part in shown
    assert sorted(tmp_path.rglob("*")) == before


def test_publishing_into_a_folder(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--local", tmp_path / "out", "--sessions", tmp_path / "lab.yaml", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document["published"]["assets"].values()) == {"placed"}
    assert document["dandiset"]["name"] == "Noradrenaline in Bergmann glia"
    assert (tmp_path / "out" / VIDEO).read_bytes() == (folder / VIDEO).read_bytes()
    assert (tmp_path / "out" / "sessions.tsv").is_file()


def test_with_an_error_nothing_is_published(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / VIDEO).unlink()
    assert run(folder, "--local", tmp_path / "out") == 1
    shown = capsys.readouterr().out
    assert "`sub-m1_ses-pod7_image/camera.mp4` is not there" in shown
    assert "Nothing is published" in shown
    assert not (tmp_path / "out").exists()


def test_wrong_usage_and_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 2
    assert run(tmp_path / "nothing", "--dry-run", "--json") == 2
    assert "there is no such folder" in json.loads(capsys.readouterr().out)["error"]
