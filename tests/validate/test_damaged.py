"""Damaged files are said to be damaged: no traceback, no crash, no hang."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bergmann.cli import group
from bergmann.validate.files import check_survived

from .nwb_files import add_light_of_all_kinds, add_movie, cells_movie, make_nwbfile, write


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nwbfile = make_nwbfile()
    add_movie(nwbfile, cells_movie()[0])
    add_light_of_all_kinds(nwbfile)
    return write(nwbfile, tmp_path_factory.mktemp("good"))


@pytest.mark.parametrize("seed", range(12))
def test_a_file_with_other_bits_ends_with_findings(good: Path, tmp_path: Path, seed: int) -> None:
    made = np.random.default_rng(seed)
    content = bytearray(good.read_bytes())
    if seed % 3 == 0:
        del content[int(made.integers(1, len(content))) :]
    else:
        for place in made.integers(0, len(content), 200 if seed % 3 == 1 else 5).tolist():
            content[place] ^= 1 << int(made.integers(0, 8))
    path = tmp_path / "file.nwb"
    path.write_bytes(content)
    done = CliRunner().invoke(group, ["validate", str(path)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    assert done.exit_code in {0, 1, 2}
    assert "Traceback" not in done.output


def test_a_process_that_does_not_end_is_ended_and_said(good: Path) -> None:
    (found,) = check_survived(good, limit=0.0)
    assert (found.check, "it did not come to an end" in found.message) == ("unreadable", True)


def test_a_good_file_is_survived(good: Path) -> None:
    assert list(check_survived(good)) == []
