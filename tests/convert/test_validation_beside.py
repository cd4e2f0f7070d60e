"""A large session is named and validated by another process, a small one by this."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from bergmann.convert import convert_session, session
from bergmann.validate.own_process import Validator

from .test_presets import SESSION


@pytest.fixture
def small(tmp_path: Path) -> Path:
    tifffile.imwrite(tmp_path / "movie.tif", np.zeros((20, 4, 6), np.uint16), photometric="minisblack")
    (tmp_path / "session.yaml").write_text(SESSION, encoding="utf-8")
    return tmp_path / "session.yaml"


def test_a_small_session_starts_no_process_for_it(small: Path, tmp_path: Path) -> None:
    validator = Validator()
    done = convert_session(small, tmp_path / "out", validator=validator)
    assert done.result == "written"
    assert validator._process is None


def test_a_large_one_has_the_same_name_and_findings(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = convert_session(small, tmp_path / "here")
    monkeypatch.setattr(session, "LARGE", 100)
    validator = Validator()
    there = convert_session(small, tmp_path / "there", validator=validator)
    assert validator._process is not None
    validator.stop()
    assert (here.result, here.findings) == (there.result, there.findings)
    assert here.target is not None
    assert there.target is not None
    assert here.target.relative_to(tmp_path / "here") == there.target.relative_to(tmp_path / "there")
