"""`bergmann check --page`, and text on a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bergmann.cli.output import print_findings, print_json, print_table, say, show
from bergmann.findings import Finding


def bergmann(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bergmann", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def test_check_writes_a_page_and_says_where(rig_folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = bergmann("check", rig_folder / "session.yaml", "--page", page)
    assert done.returncode == 0, done.stderr
    assert f"page: {page}" in done.stdout
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_check_says_the_page_in_its_json(rig_folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = bergmann("check", rig_folder / "session.yaml", "--page", page, "--json")
    assert json.loads(done.stdout)[0]["page"] == page.as_posix()


def test_a_page_that_cannot_be_written_is_said(rig_folder: Path, tmp_path: Path) -> None:
    done = bergmann("check", rig_folder / "session.yaml", "--page", tmp_path / "session.yaml")
    assert done.returncode == 2
    assert "a page is an .html file" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_of_one_session(rig_folder: Path, tmp_path: Path) -> None:
    session = rig_folder / "session.yaml"
    done = bergmann("check", session, session, "--page", tmp_path / "page.html")
    assert done.returncode == 2
    assert "--page is of one session, and 2 are named" in done.stderr


HOSTILE = "a\x1b[31m\x9b31m\x07\u202eb\rc"


def test_no_text_reaches_the_terminal_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    finding = Finding(severity="error", check="x", location=HOSTILE, message=HOSTILE, remedy=HOSTILE)
    show(HOSTILE)
    say(HOSTILE)
    print_table([HOSTILE], [[HOSTILE]])
    print_findings([finding])
    print_json({HOSTILE: HOSTILE})
    out, err = capsys.readouterr()
    for letter in "\x1b\x9b\x07\u202e\r":
        assert letter not in out + err
    assert "a␛[31m" in out
    assert json.loads(out[out.index("{\n") :]) == {HOSTILE: HOSTILE}
