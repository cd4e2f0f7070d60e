"""Two session files that would become one NWB file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from bergmann.cli import main

SESSION = """\
session: {id: s1, description: Frames., start: "2024-05-17 10:30:57"}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
time_zone: Europe/Berlin
devices: {scope: {model: Example 2P}}
planes: {bg: {device: scope, location: cortex, excitation: 920 nm, channels: {1: {label: GCaMP6f, emission: 525 nm}}}}
sources:
  movie: {format: tiff, path: movie.tif, rate: 10 Hz, plane: bg}
"""


def test_one_run_never_replaces_what_it_has_just_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tifffile.imwrite(tmp_path / "movie.tif", np.zeros((20, 4, 6), np.uint16), photometric="minisblack")
    paths = [tmp_path / "first.yaml", tmp_path / "second.yaml"]
    for path in paths:
        path.write_text(SESSION.replace("Frames.", f"Frames of the {path.stem}."), encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["convert", *map(str, paths), "--out", str(tmp_path / "out"), "--overwrite", "--json"])
    first, second = json.loads(capsys.readouterr().out)
    assert (first["result"], second["result"], second["file"]) == ("written", "failed", None)
    assert "another session file of this run has the same subject and session id" in second["findings"][-1]["message"]
