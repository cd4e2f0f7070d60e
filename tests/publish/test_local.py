"""A dandiset on disk: what is in it, what a second run touches, and what is left of a run that is killed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import mkdtemp
from typing import Any

import pytest
import yaml

from bergmann.errors import SourceError, WriteError
from bergmann.publish.assets import Prepared
from bergmann.publish.local import Published, check_local, publish_local
from bergmann.publish.placing import digest, place
from bergmann.publish.preflight import prepare

from .small_dandisets import DANDISET, make_dandiset, make_session, write

BASE, POD7 = "sub-m1/sub-m1_ses-base.nwb", "sub-m1/sub-m1_ses-pod7_image.nwb"
VIDEO = "sub-m1/sub-m1_ses-pod7_image/camera.mp4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_dandiset(tmp_path / "dandiset")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "published"


def look(folder: Path, **more: Any) -> Prepared:
    return prepare(folder, validated=(), **more)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".bergmann" not in path.parts
    }


def is_whole(folder: Path, target: Path, published: Published | None = None) -> None:
    """Check that each asset is there once with the bytes of its source, that the sums are theirs, and nothing else is there."""
    for path in (BASE, POD7, VIDEO):
        assert (target / path).read_bytes() == (folder / path).read_bytes()
    sums = dict(line.split("  ")[::-1] for line in (target / "sha256sums.txt").read_text(encoding="utf-8").splitlines())
    assert sums == {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in (BASE, POD7, VIDEO)}
    listed = json.loads((target / "assets.jsonld").read_text(encoding="utf-8"))
    assert {one["path"]: one["digest"]["dandi:sha2-256"] for one in listed} == sums
    assert set(files_of(target)) == {BASE, POD7, VIDEO, "dandiset.yaml", "assets.jsonld", "sha256sums.txt", "sessions.tsv"}
    assert published is None or set(published.fates) == {BASE, POD7, VIDEO}


def test_a_dandiset_on_disk_is_as_the_archive_would_have_it(folder: Path, target: Path, tmp_path: Path) -> None:
    from dandi.files import dandi_file
    from dandischema.models import BareAsset

    (tmp_path / "lab.yaml").write_text(DANDISET, encoding="utf-8")
    published = publish_local(look(folder, sessions=[tmp_path / "lab.yaml"]), target)
    assert set(published.fates.values()) == {"placed"}
    is_whole(folder, target, published)
    described = yaml.safe_load((target / "dandiset.yaml").read_text(encoding="utf-8"))
    assert (described["name"], described["identifier"]) == ("Noradrenaline in Bergmann glia", "REQUIRED")
    listed = json.loads((target / "assets.jsonld").read_text(encoding="utf-8"))
    for asset in listed:
        BareAsset(**asset)
        own: Any = dandi_file(target / asset["path"], target)
        assert asset["digest"]["dandi:dandi-etag"] == own.get_digest().value
    metadata: Any = dandi_file(target / "dandiset.yaml", target)
    (doubt,) = metadata.get_validation_errors()
    assert "identifier" in doubt.message  # which the archive gives


def test_a_second_run_touches_nothing(folder: Path, target: Path) -> None:
    publish_local(look(folder), target)
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in target.rglob("*") if path.is_file()}
    again = publish_local(look(folder), target)
    assert set(again.fates.values()) == {"same"}
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in target.rglob("*") if path.is_file()} == before


def test_only_what_changed_is_replaced(folder: Path, target: Path) -> None:
    publish_local(look(folder), target)
    (folder / BASE).unlink()
    write(make_session(keywords=["pain"]), folder / BASE)
    again = publish_local(look(folder), target)
    assert again.fates == {BASE: "replaced", POD7: "same", VIDEO: "same"}
    is_whole(folder, target)
    assert any("pain" in asset.get("keywords", ()) for asset in json.loads((target / "assets.jsonld").read_text(encoding="utf-8")))


def test_a_file_that_was_damaged_there_is_put_right(folder: Path, target: Path) -> None:
    publish_local(look(folder), target)
    (target / VIDEO).unlink()
    (target / VIDEO).write_bytes(b"damaged")
    assert publish_local(look(folder), target).fates[VIDEO] == "replaced"
    is_whole(folder, target)


def test_nothing_is_removed_unless_that_is_asked_for(folder: Path, target: Path) -> None:
    publish_local(look(folder), target)
    (folder / BASE).unlink()
    (target / "sub-m1" / "mine.txt").write_text("of a person", encoding="utf-8")
    assert publish_local(look(folder), target).fates[BASE] == "left"
    assert (target / BASE).is_file()
    assert publish_local(look(folder), target, delete=True).fates[BASE] == "removed"
    assert not (target / BASE).exists()
    assert (target / "sub-m1" / "mine.txt").is_file()
    assert BASE not in (target / "sha256sums.txt").read_text(encoding="utf-8")


def test_what_a_person_edited_there_stays_and_is_said(folder: Path, target: Path, tmp_path: Path) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text(DANDISET, encoding="utf-8")
    publish_local(look(folder, sessions=[lab]), target)
    there = target / "dandiset.yaml"
    text = (
        there.read_text(encoding="utf-8").replace("identifier: REQUIRED", "identifier: DANDI:000123").replace("of Bergmann", "of")
    )
    there.write_text(text, encoding="utf-8")
    lab.write_text(DANDISET.replace("pain", "nerve injury"), encoding="utf-8")
    again = publish_local(look(folder, sessions=[lab]), target)
    described = yaml.safe_load(there.read_text(encoding="utf-8"))
    assert described["identifier"] == "DANDI:000123"
    assert described["description"] == "Two-photon imaging of glia."
    assert described["keywords"] == ["astrocyte", "nerve injury"]
    assert [(one.severity, one.location) for one in again.findings] == [
        ("warning", "dandiset description"),
        ("note", "dandiset keywords"),
    ]
    publish_local(look(folder, sessions=[lab]), target, overwrite_metadata=True)
    assert yaml.safe_load(there.read_text(encoding="utf-8"))["description"] == "Two-photon imaging of Bergmann glia."


def test_a_folder_that_cannot_take_it_is_refused(folder: Path, target: Path, tmp_path: Path) -> None:
    prepared = look(folder)

    def said(where: Path) -> str:
        return " ".join(one.message for one in check_local(prepared, where))

    assert "lies in the other" in said(folder)
    assert "lies in the other" in said(folder / "inside")
    assert "lies in the other" in said(tmp_path)
    (tmp_path / "file").write_text("text", encoding="utf-8")
    assert "it is a file" in said(tmp_path / "file")
    target.mkdir()
    (target / "thesis.tex").write_text("text", encoding="utf-8")
    assert "it is not empty, and has no dandiset.yaml" in said(target)
    (target / "dandiset.yaml").write_text("identifier: DANDI:000123\n", encoding="utf-8")
    (target / "sub-m1").mkdir()
    (target / BASE).write_bytes(b"another file")
    assert "has another file of that name" in said(target)
    with pytest.raises(WriteError, match="has another file of that name"):
        publish_local(prepared, target)
    assert (target / BASE).read_bytes() == b"another file"


def test_a_folder_with_errors_is_not_published(folder: Path, target: Path) -> None:
    (folder / VIDEO).unlink()
    with pytest.raises(WriteError, match="is not there"):
        publish_local(look(folder), target)
    assert not target.exists()


def test_a_file_that_changed_since_is_not_published(folder: Path, target: Path) -> None:
    prepared = look(folder)
    (folder / VIDEO).write_bytes(b"another video")
    with pytest.raises(SourceError, match="it changed since it was looked at"):
        publish_local(prepared, target)
    assert not (target / VIDEO).exists()
    publish_local(look(folder), target)
    is_whole(folder, target)


def test_a_copy_that_is_not_its_source_gets_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    source.write_bytes(b"video")

    def refuse(*_: object) -> None:
        raise OSError(95, "no links here")

    def cut(_: Path, to: Path) -> None:
        to.write_bytes(b"vid")

    monkeypatch.setattr(os, "link", refuse)
    expected = digest(source)
    assert place(source, target, expected) in {"copy", "clone"}
    assert target.read_bytes() == b"video"
    monkeypatch.setattr(shutil, "copyfile", cut)
    monkeypatch.setattr("bergmann.publish.placing._clone", lambda *_: False)
    target.unlink()
    with pytest.raises(WriteError, match="the copy is not what"):
        place(source, target, expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4"]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another disk: the memory of Linux."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second disk, as /dev/shm of Linux is")
    folder = Path(mkdtemp(dir=memory))
    yield folder / "published"
    rmtree(folder)


def test_files_are_copied_to_another_disk_if_there_is_room(folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = look(folder)
    assert check_local(prepared, elsewhere) == ()
    real = shutil.disk_usage(elsewhere.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: real._replace(free=prepared.size - 1))
    (full,) = check_local(prepared, elsewhere)
    assert full.message == f"{prepared.size:,} bytes are to be copied, and {prepared.size - 1:,} are free there"
    monkeypatch.undo()
    assert publish_local(prepared, elsewhere).n_bytes == prepared.size
    is_whole(folder, elsewhere)


_KILLED = """
import os, sys
from pathlib import Path
from bergmann.publish.local import publish_local
from bergmann.publish.preflight import prepare

earlier, folder, targets = sys.argv[1] and prepare(Path(sys.argv[1]), validated=()), Path(sys.argv[2]), Path(sys.argv[3])
prepared = prepare(folder, validated=())

def killed_after(steps):
    def count(frame, event, argument):
        nonlocal steps
        name = frame.f_code.co_filename
        if event == "line" and name.endswith(("local.py", "placing.py", "placed.py", "places.py")) and "publish" in name:
            steps -= 1
            if steps == 0:
                os._exit(137)
        return count
    return count

steps, status = 1, 137
while status == 137:
    target = targets / f"{steps:04d}"
    if earlier:
        publish_local(earlier, target)
    child = os.fork()
    if not child:
        sys.settrace(killed_after(steps))
        publish_local(prepared, target)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    steps += 4
print(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a run is killed at each of its steps in a fork, which is not here")
@pytest.mark.parametrize("is_later", [False, True])
def test_a_run_that_is_killed_anywhere_is_taken_up(folder: Path, tmp_path: Path, is_later: bool) -> None:
    """Killed at every fourth line of the code; the next run finishes, and nothing is there twice, half or under another name."""
    targets, changed = tmp_path / "killed", tmp_path / "changed"
    targets.mkdir()
    copytree(folder, changed)
    (changed / BASE).unlink()
    write(make_session(keywords=["pain"]), changed / BASE)
    (changed / VIDEO).write_bytes(b"another video")
    arguments = [str(folder) if is_later else "", str(changed), str(targets)]
    done = subprocess.run([sys.executable, "-c", _KILLED, *arguments], capture_output=True, text=True, check=False)
    assert done.stdout == "0\n", done.stderr
    prepared = look(changed)
    killed = sorted(targets.iterdir())[:-1]
    assert len(killed) > 80
    for target in killed:
        for path in (BASE, POD7, VIDEO):
            sources = [(one / path).read_bytes() for one in (folder, changed)]
            assert not (target / path).exists() or (target / path).read_bytes() in sources
        publish_local(prepared, target)
        is_whole(changed, target)


def test_the_identifier_that_the_archive_gave_is_kept(folder: Path, target: Path) -> None:
    (folder / "dandiset.yaml").write_text("identifier: DANDI:000123\nname: A name\n", encoding="utf-8")
    publish_local(look(folder), target)
    described = yaml.safe_load((target / "dandiset.yaml").read_text(encoding="utf-8"))
    assert (described["identifier"], described["name"]) == ("DANDI:000123", "A name")
