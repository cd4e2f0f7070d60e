"""What is kept between runs (digests, journals), and what is counted."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from dandi.support.digests import Digester
from dandischema.digests.dandietag import DandiETag, PartGenerator
from hypothesis import given
from hypothesis import strategies as st

from bergmann.errors import SourceError
from bergmann.publish.client import Begun, Part
from bergmann.publish.digests import digest_of
from bergmann.publish.journal import open_journal, remove_old
from bergmann.publish.locking import folder_lock, held
from bergmann.publish.progress import Counter, Standing

PART = 1024
KEY = {"instance": "http://127.0.0.1/api", "dandiset": "000001", "etag": "a-3"}
BEGUN = Begun("u-1", tuple(Part(n, PART, f"http://127.0.0.1/{n}?X-Amz-Signature=secret{n}") for n in (1, 2, 3)))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PartGenerator, "DEFAULT_PART_SIZE", PART)
    monkeypatch.setattr(PartGenerator, "MIN_PART_SIZE", 1)


@pytest.mark.parametrize("size", [1, PART - 1, PART, PART + 1, 7 * PART, 7 * PART + 3])
@pytest.mark.usefixtures("small_parts")
def test_digests_are_those_of_dandi(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.nwb"
    path.write_bytes(os.urandom(size))
    digest = digest_of(path, place=tmp_path / "cache")
    assert digest.etag == DandiETag.from_file(path).as_str()
    assert digest.sha256 == Digester(["sha256"])(path)["sha256"]
    assert sum(digest.part_sizes) == digest.size == size


def test_a_file_that_lay_still_is_read_once_and_again_when_it_changed(tmp_path: Path) -> None:
    path, read = tmp_path / "a.nwb", []
    path.write_bytes(b"first")
    digest_of(path, place=tmp_path / "cache", watch=read.append)
    digest_of(path, place=tmp_path / "cache", watch=read.append)
    assert read == [5, 5]  # changed a moment ago: not kept, since a second change may fall on the same tick
    import time

    time.sleep(2.1)
    for _ in range(3):
        first = digest_of(path, place=tmp_path / "cache", watch=read.append)
    assert read == [5, 5, 5]
    path.write_bytes(b"other")
    os.utime(path, ns=(first.stamp.modified, first.stamp.modified))  # even with its old time
    if os.name == "posix":
        assert digest_of(path, place=tmp_path / "cache").sha256 == hashlib.sha256(b"other").hexdigest()


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nwb").touch()
    with pytest.raises(SourceError, match="empty"):
        digest_of(tmp_path / "a.nwb", place=tmp_path)


def test_a_journal_is_what_was_noted(tmp_path: Path) -> None:
    said: list[str] = []
    with open_journal(tmp_path, KEY, said.append) as journal:
        journal.ask()
        journal.begin(BEGUN)
        journal.note_part(2, "e2")
        journal.note_part(1, "e1")
    with open_journal(tmp_path, KEY, said.append) as again:
        assert (again.begun, again.sent, again.abandoned, again.is_doubtful) == (BEGUN, {1: "e1", 2: "e2"}, (), False)
        assert "secret" not in repr(again)
        again.keep_only(("e1", "other", "e3"))
        assert again.sent == {1: "e1"}
        again.abandon()
    with open_journal(tmp_path, KEY, said.append) as after:
        assert (after.begun, after.sent, after.abandoned) == (None, {}, ("u-1",))
        after.forget()
    with open_journal(tmp_path, KEY, said.append) as none:
        assert (none.begun, none.abandoned) == (None, ())
    assert said == []


def test_a_run_killed_while_it_asked_for_an_upload_leaves_a_doubt(tmp_path: Path) -> None:
    with open_journal(tmp_path, KEY, print) as journal:
        journal.ask()
    with open_journal(tmp_path, KEY, print) as again:
        assert again.is_doubtful


@given(st.integers(0, 700))
def test_a_journal_that_was_cut_anywhere_is_a_beginning_of_itself(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    place = tmp_path_factory.mktemp("cut")
    with open_journal(place, KEY, print) as journal:
        journal.begin(BEGUN)
        for number in (1, 2, 3):
            journal.note_part(number, f"e{number}")
        path = journal.path
    assert path is not None
    path.write_bytes(path.read_bytes()[:length])
    with open_journal(place, KEY, print) as cut:
        assert cut.begun in (None, BEGUN)
        assert list(cut.sent.items()) == [(1, "e1"), (2, "e2"), (3, "e3")][: len(cut.sent)]
        if cut.begun is not None:
            cut.note_part(3, "new")
    with open_journal(place, KEY, print) as after:
        assert after.begun is None or after.sent[3] == "new"


def test_a_journal_that_nobody_went_on_with_is_removed(tmp_path: Path) -> None:
    paths = []
    for dandiset in ("000001", "000002"):
        with open_journal(tmp_path, {**KEY, "dandiset": dandiset}, print) as journal:
            journal.begin(BEGUN)
            assert journal.path is not None
            paths.append(journal.path)
    long_ago = paths[0].stat().st_mtime - 31 * 86_400
    os.utime(paths[0], (long_ago, long_ago))
    remove_old(tmp_path)
    assert [path.exists() for path in paths] == [False, True]


def test_a_journal_of_something_else_is_not_used(tmp_path: Path) -> None:
    with open_journal(tmp_path, KEY, print) as journal:
        journal.begin(BEGUN)
        path = journal.path
    assert path is not None
    path.write_bytes(path.read_bytes().replace(b"000001", b"000002"))
    with open_journal(tmp_path, KEY, print) as other:
        assert other.begun is None


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from bergmann.publish.locking import held\n"
        "with held(Path(sys.argv[1])) as ours: print(ours)"
    )

    def asked() -> str:
        lock = str(tmp_path / "a.lock")
        return subprocess.run([sys.executable, "-c", code, lock], capture_output=True, text=True, check=True).stdout.strip()

    with held(tmp_path / "a.lock") as ours:
        assert ours
        assert asked() == "False"
    assert asked() == "True"
    with folder_lock(tmp_path, tmp_path / "state"):
        pass
    with folder_lock(tmp_path, tmp_path / "state"):
        pass


def test_progress_counts_what_is_there_and_rates_what_is_sent() -> None:
    now, seen = [0.0], list[Standing]()
    counter = Counter(1000, seen.append, lambda: now[0])
    counter.have(400)  # of an earlier run
    assert (seen[-1].done, seen[-1].rate, seen[-1].seconds_left) == (400, 0, None)
    for second in range(1, 5):
        now[0] = second
        counter.sent(100)
    assert seen[-1].done == 800
    assert seen[-1].rate == pytest.approx(400 / 3)
    counter.lost(100)
    assert (seen[-1].done, counter.on_the_way) == (700, 400)
    assert seen[-1].seconds_left == pytest.approx(300 / seen[-1].rate)
