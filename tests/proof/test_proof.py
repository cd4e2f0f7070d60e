"""The proof in a conversion: its processes, what it refuses, and what it leaves in the file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from damaged_converters import DAMAGES
from here import Here, convert_here
from labs import SOURCES, Lab

from bergmann.convert import convert_session
from bergmann.proof import digests
from bergmann.proof.proving import Comparison, Prover
from bergmann.proof.readers import READERS
from bergmann.registry import load_formats
from bergmann.validate import validate_paths

from .conftest import Proved


def test_the_file_holds_a_digest_of_each_object_and_its_source(proved: Proved) -> None:
    with h5py.File(proved.file) as file:
        table = file["general/bergmann_conversion/digests"]
        path, source, dtype, shape = (table[name].asstr()[:].tolist() for name in ("path", "source", "dtype", "shape"))
    rows = dict(zip(path, zip(source, dtype, shape, strict=True), strict=True))
    assert rows["acquisition/movie_ch1/data"] == ("movie", "<i2", "192 x 32 x 12")
    assert rows["processing/behavior/paw/toe/data"][0] == "paw"
    assert rows["general/subject/sex"] == ("", "text", "")
    videos = [name for name, (_, kind, _) in rows.items() if kind == "file"]
    assert len(videos) == 2


def test_the_table_is_valid_and_read_by_pynwb_alone(
    proved: Proved, read_clean: Callable[[Path], tuple[list[str], dict[str, str]]]
) -> None:
    errors, objects = read_clean(proved.file)
    assert errors == []
    assert "DigestsTable" in objects.values()


def test_a_damaged_converter_leaves_no_file_and_says_where(proved: Proved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    DAMAGES["c003"].patch(monkeypatch)
    done = convert_session(proved.session, tmp_path / "out")
    assert (done.result, done.target) == ("failed", None)
    said = [(one.check, one.location) for one in done.findings if one.severity == "error"]
    assert ("proof", "acquisition/movie_ch1/data") in said
    assert any("element (0, 0, 0) is" in one.message for one in done.findings)
    assert not list((tmp_path).rglob("*.nwb"))
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").rglob(".*"))


def test_what_was_proved_is_said(proved: Proved, tmp_path: Path) -> None:
    done = convert_session(proved.session, tmp_path / "out", proof="sample")
    (note,) = [one for one in done.findings if one.check == "proof"]
    assert note.severity == "note"
    assert "movie by tifffile" in note.message
    assert "rois by numpy" in note.message


def test_a_sample_compares_and_records_some_elements(proved: Proved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "SAMPLE_FROM", 100_000)
    with Prover(proved.session, "sample", worker=Here) as prover:
        comparison = prover.compare(proved.file)
    assert comparison.differences == ()
    assert len(comparison.sampled["acquisition/movie_ch1/data"]) == 16
    assert comparison.digests["acquisition/movie_ch1/data"].rows[-1][1] == 192
    with h5py.File(proved.file) as file:
        rows = comparison.digests["acquisition/movie_ch1/data"].rows
        values = np.concatenate([file["acquisition/movie_ch1/data"][start:stop] for start, stop in rows])
    assert comparison.digests["acquisition/movie_ch1/data"].sha256 == hashlib.sha256(values.tobytes()).hexdigest()


def test_a_source_that_changes_while_it_is_converted_is_refused(
    proved: Proved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bergmann.convert.session as session

    real = session.digests_of_sources
    monkeypatch.setattr(session, "digests_of_sources", lambda aligned: dict.fromkeys(real(aligned), "0" * 64))
    done = convert_session(proved.session, tmp_path / "out")
    assert done.target is None
    assert any("has changed while it was converted" in one.message for one in done.findings)


def test_the_proof_reads_what_was_taken_over(proved: Proved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of another session's array, taken for the same: the writer does not look into them."""
    import bergmann.writing.streams as streams

    monkeypatch.setattr(streams, "SMALL", 1000)
    file, _ = convert_here(proved.session, tmp_path)
    with h5py.File(file, "r+") as opened:
        values = opened["acquisition/movie_ch1/data"][()]
        values[50:60] += 1
        opened["acquisition/movie_ch1/data"][...] = values
    from bergmann.proof.proving import ProofError

    with pytest.raises(ProofError, match=r"element \(50, 0, 0\)"):
        convert_here(proved.session, tmp_path, overwrite=True)


def test_readers_are_declared_for_formats_that_exist() -> None:
    known = {(one.key, one.record.__name__) for one in load_formats()}
    assert set(READERS) <= known


@pytest.fixture(scope="module")
def everything(proved: Proved, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Comparison]:
    """A session of a file of every format, and its proof."""
    lab = Lab(proved.session.parent)
    return convert_here(lab.session(*(name for name in SOURCES if name != "table")), tmp_path_factory.mktemp("everything"))


def test_every_second_reader_reads_the_smallest_file_of_its_format(everything: tuple[Path, Comparison]) -> None:
    _, comparison = everything
    own: dict[str, Any] = {str(one["source"]): one["why_own"] for one in comparison.readings if "own reader" in str(one["by"])}
    assert own == {}
    assert all(one["paths"] for one in comparison.readings)


def test_pixels_of_events_are_compared(everything: tuple[Path, Comparison]) -> None:
    _, comparison = everything
    paths = {str(one["source"]): one["paths"] for one in comparison.readings}
    assert "events/flares/pixel_mask" in paths["flares"]
    assert "events/sparks/pixel_mask" in paths["sparks"]


def test_checks_find_in_a_session_of_every_format_what_is_true_of_it(everything: tuple[Path, Comparison]) -> None:
    """The smallest files of two trackers lie outside of the small video."""
    file, _ = everything
    found = {(one.check, one.location.rpartition("/")[2]) for one in validate_paths([file]) if one.severity != "note"}
    assert found == {("behavior_pose_inside_video", name) for name in ("nose", "tail")}
