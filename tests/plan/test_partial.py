"""A file that is a part of sessions is not judged as one, and says how it is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from bergmann.plan.resolve import make_plan

LAB = """\
time_zone: Asia/Seoul
devices: {scope: {model: Example 2P}}
planes:
  bg: {device: scope, population: glia, location: cortex, excitation: 920 nm, channels: {1: {label: GCaMP6f, emission: 525 nm}}}
"""
SESSION = "use: [../lab.yaml]\nsession: {id: s1, description: One., start: 2024-05-17}\nsources: {}\n"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab file; beside it the folder of an animal with a session file that uses it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab.yaml").write_text(LAB, encoding="utf-8")
    (tmp_path / "BG 42").mkdir()
    (tmp_path / "BG 42" / "session.yaml").write_text(SESSION, encoding="utf-8")
    (tmp_path / "BG 42" / "draft.yaml").write_text("use: [../nowhere.yaml]\nsources: {}\n", encoding="utf-8")
    return tmp_path / "lab.yaml"


def test_an_overlay_says_that_it_is_one_and_which_session_to_check(lab: Path) -> None:
    (found,) = make_plan(lab).findings
    assert (found.severity, found.check, found.location) == ("error", "overlay", "lab.yaml")
    assert "this looks like a part that session files are laid over (an overlay)" in found.message
    assert found.remedy == 'check a session file that uses it: bergmann check "BG 42/session.yaml"'


def test_an_overlay_that_no_session_uses_says_how_to_use_it(lab: Path) -> None:
    (lab.parent / "BG 42" / "session.yaml").unlink()
    (found,) = make_plan(lab).findings
    assert found.remedy == "name it in a session file, `use: [lab.yaml]`, and check that; none near it uses it yet"


def test_what_is_wrong_in_an_overlay_itself_is_said(lab: Path) -> None:
    lab.write_text(LAB.replace("920 nm", "920").replace("Example 2P", "???") + "lab: {a: b}\n", encoding="utf-8")
    found = {one.location.partition(" ")[2]: one.check for one in make_plan(lab).findings}
    assert found == {"devices.scope.model": "gap", "planes.bg.excitation": "value", "lab": "value", "": "overlay"}


def test_an_arm_that_needs_what_others_state_is_not_blamed(tmp_path: Path) -> None:
    arm = tmp_path / "shrna.yaml"
    arm.write_text(
        "arm: shrna\nreceptors: {a: {receptor: Adra1a, population: bg, status: knocked_down, by: shRNA, vector: v}}\n",
        encoding="utf-8",
    )
    assert [one.check for one in make_plan(arm).findings] == ["overlay"]


def test_a_file_of_another_kind_is_no_session_file(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("Task: openfield\nscorer: Anna\nbodyparts: [snout]\n", encoding="utf-8")
    (found,) = make_plan(config).findings
    assert (found.check, found.location) == ("unreadable", "config.yaml:1")
    assert found.message == (
        "this is another kind of file: a session file has keys such as `session`, `subject`, `time_zone` and `sources`"
    )


def test_a_misspelled_key_is_no_other_kind_of_file(tmp_path: Path) -> None:
    path = tmp_path / "session.yaml"
    path.write_text("sesion: {id: a}\n", encoding="utf-8")
    texts = [one.text for one in make_plan(path).findings]
    assert any("there is no key `sesion` (did you mean `session`?" in text for text in texts)
    assert any("`sources` is missing" in text for text in texts)
    assert not any("overlay" in text for text in texts)
