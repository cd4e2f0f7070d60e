"""`bergmann verify`: a file as it was written, changed, corrupted, and beside its sources."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from corruption import LIMIT, corrupt

from bergmann.cli import main
from bergmann.errors import SourceError
from bergmann.proof.verify import verify_file, verify_with_sources

from .conftest import Proved

Copy = Callable[[], Path]


def told(path: Path) -> list[tuple[str, str]]:
    return [(one.severity, one.message) for one in verify_file(path)]


def test_a_file_as_it_was_written_holds_what_it_says(proved: Proved) -> None:
    ((severity, message),) = told(proved.file)
    assert severity == "note"
    assert message.endswith("objects are what they were when the file was written")


def test_a_file_with_other_bytes_where_no_object_lies_is_doubted(copied: Copy) -> None:
    path = copied()
    with path.open("ab") as file:
        file.write(b"behind the last object")
    severities = [one.severity for one in verify_file(path)]
    assert severities.count("warning") == 1
    assert any("its bytes are not those" in one.message for one in verify_file(path))


def test_a_video_that_is_not_there_is_said(copied: Copy) -> None:
    path = copied()
    shutil.rmtree(path.with_suffix(""))
    findings = verify_file(path)
    assert [one.severity for one in findings] == ["warning", "warning", "note"]
    assert "not there" in findings[0].message


def test_a_file_without_digests_cannot_be_verified(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        file["x"] = 1
    assert told(tmp_path / "a.nwb") == [("error", "it holds no table of digests")]


@pytest.mark.parametrize("content", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n" + b"\0" * 1000])
def test_what_is_no_hdf5_file_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.nwb"
    path.write_bytes(content)
    ((severity, message),) = told(path)
    assert severity == "error"
    assert message.startswith("cannot be opened")
    with pytest.raises(SourceError, match="there is no such file"):
        verify_file(tmp_path / "b.nwb")


def test_a_process_that_hangs_is_ended_and_said(proved: Proved) -> None:
    (finding,) = verify_file(proved.file, limit=0.001)
    assert finding.message == "it cannot be read: the process that opened it did not come to an end"


@pytest.mark.parametrize("seed", range(50))
def test_random_corruption_is_found_and_never_raises(copied: Copy, seed: int) -> None:
    path = copied()
    corrupt(path, seed)
    findings = verify_file(path, limit=LIMIT)
    assert {one.severity for one in findings} & {"error", "warning"}
    assert not any("did not come to an end" in one.message for one in findings)


def test_the_sources_say_the_same_on_another_machine(proved: Proved, copied: Copy, tmp_path: Path) -> None:
    rig = Path(shutil.copytree(proved.session.parent, tmp_path / "elsewhere"))
    findings = verify_with_sources(copied(), rig)
    assert [one.severity for one in findings] == ["note", "note"]
    assert "movie by tifffile" in findings[1].message


def test_a_source_that_changed_is_said(proved: Proved, copied: Copy, tmp_path: Path) -> None:
    rig = Path(shutil.copytree(proved.session.parent, tmp_path / "elsewhere"))
    (traces,) = rig.glob("suite2p/plane0/F.npy")
    values = np.load(traces)
    values[2, 5] += 1
    np.save(traces, values)
    messages = [one.message for one in verify_with_sources(copied(), rig) if one.severity == "error"]
    assert any("element (5, 2) is" in message for message in messages)
    assert any("its SHA-256 is another" in message for message in messages)


def test_a_folder_without_the_session_is_refused(proved: Proved, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("sources: {}\n", encoding="utf-8")
    with pytest.raises(SourceError, match="no session file of the session 's1' of 'BG042'"):
        verify_with_sources(proved.file, tmp_path)


def test_the_command_ends_with_its_status(proved: Proved, copied: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as good:
        main(["verify", str(proved.file), "--json"])
    assert good.value.code == 0
    assert [one["severity"] for one in json.loads(capsys.readouterr().out)["findings"]] == ["note"]
    path = copied()
    with h5py.File(path, "r+") as file:
        file["general/subject/sex"][()] = "M"
    with pytest.raises(SystemExit) as changed:
        main(["verify", str(path)])
    assert changed.value.code == 1
    assert "general/subject/sex" in capsys.readouterr().out
    with pytest.raises(SystemExit) as absent:
        main(["verify", str(path.with_name("no.nwb"))])
    assert absent.value.code == 2
