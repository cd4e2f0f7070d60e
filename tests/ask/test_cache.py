"""What was read is kept, and counts until its file changes."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import pytest

from bergmann.ask import ask, asking
from bergmann.ask import cache as kept
from bergmann.ask.cache import Cache, Stamp, cache_folder
from bergmann.ask.facts import Facts
from bergmann.errors import SourceError

from .conftest import Write, adra1a


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that were written a moment ago are kept, too."""
    monkeypatch.setattr(kept, "SETTLED", 0.0)
    monkeypatch.setattr(Cache.__init__, "__kwdefaults__", {"settled": 0.0})


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are opened."""
    opened: list[str] = []
    read = asking.read_file

    def watched(source: str | Path) -> Facts:
        opened.append(Path(source).name)
        return read(source)

    monkeypatch.setattr(asking, "read_file", watched)
    return opened


def sessions(folder: Path, **criteria: str) -> list[str]:
    return [answer.session for answer in ask([folder], **criteria).answers]


def rename(path: Path, session: str) -> None:
    """Another session id of as many letters, in place."""
    with h5py.File(path, "r+") as file:
        file["general/session_id"][()] = session


def test_a_file_is_read_once_and_answers_the_same(write: Write, reads: list[str], own_cache: Path) -> None:
    folder = write("one.nwb", receptors=[adra1a(0, "endogenous")]).parent
    write("two.nwb", receptors=[adra1a(0, "knocked_down")])
    first = ask([folder], gene="Adra1a")
    assert ask([folder], gene="Adra1a") == first
    assert sessions(folder, status="knocked_down") == ["two"]
    assert reads == ["one.nwb", "two.nwb"]
    assert len(list(own_cache.iterdir())) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["one.nwb", "two.nwb"]


def test_a_file_named_by_itself_is_read_once(write: Write, reads: list[str]) -> None:
    one, two = write("one.nwb"), write("two.nwb")
    for _ in range(2):
        ask([one])
        ask([two])
    assert reads == ["one.nwb", "two.nwb"]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_folder_has_one_cache_by_whichever_path_it_is_named(
    write: Write, reads: list[str], tmp_path: Path, own_cache: Path
) -> None:
    folder = write("sub/one.nwb").parent.parent
    (tmp_path / "link").symlink_to(folder)
    assert sessions(tmp_path / "link") == sessions(folder) == sessions(folder.parent / "." / folder.name) == ["one"]
    assert reads == ["one.nwb"]
    assert len(list(own_cache.iterdir())) == 1


def test_a_changed_file_is_read_again(write: Write, reads: list[str]) -> None:
    path = write("one.nwb")
    assert sessions(path.parent) == ["one"]
    size = path.stat().st_size
    rename(path, "two")
    assert path.stat().st_size == size
    assert sessions(path.parent) == ["two"]
    assert len(reads) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows does not say when an entry was changed")
def test_a_change_is_seen_even_where_the_time_is_turned_back(write: Write) -> None:
    path = write("one.nwb")
    sessions(path.parent)
    before = path.stat()
    rename(path, "two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert sessions(path.parent) == ["two"]


def test_another_file_put_in_its_place_with_its_time_is_read(write: Write, tmp_path: Path) -> None:
    path = write("one.nwb")
    sessions(path.parent)
    other = tmp_path / "other.nwb"
    shutil.copy2(path, other)
    rename(other, "two")
    before = path.stat()
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert sessions(path.parent) == ["two"]


def test_a_file_that_is_gone_is_no_answer_and_is_forgotten(write: Write, own_cache: Path) -> None:
    one, two = write("one.nwb"), write("two.nwb")
    sessions(one.parent)
    one.unlink()
    assert sessions(two.parent) == ["two"]
    write("three.nwb")
    sessions(two.parent)
    (path,) = own_cache.iterdir()
    assert set(json.loads(path.read_text(encoding="utf-8"))["entries"]) == {"two.nwb", "three.nwb"}


def test_a_file_that_was_changed_a_moment_ago_is_not_kept(write: Write, tmp_path: Path) -> None:
    path = write("one.nwb")
    cache = Cache(path.parent, tmp_path / "place", settled=1e6)
    cache.put(path, Stamp.of(path), asking.read_file(path))
    cache.save()
    assert not cache.path.exists()


def test_a_file_that_changes_while_it_is_read_is_not_kept(write: Write, tmp_path: Path) -> None:
    path = write("one.nwb")
    cache, stamp = Cache(path.parent, tmp_path / "place"), Stamp.of(path)
    facts = asking.read_file(path)
    rename(path, "two")
    cache.put(path, stamp, facts)
    cache.save()
    assert not cache.path.exists()


def test_a_damaged_file_is_said_each_time(write: Write) -> None:
    path = write("one.nwb")
    path.write_bytes(b"no")
    assert [len(ask([path]).unreadable) for _ in range(2)] == [1, 1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"session":"one"', '"session":["no"]'),
        lambda text: text.replace('"version":"', '"version":"9'),
        lambda text: text.replace('"folder":"', '"folder":"/elsewhere'),
    ],
)
def test_a_cache_that_is_damaged_or_of_another_version_is_ignored(
    write: Write, own_cache: Path, reads: list[str], damage: object
) -> None:
    folder = write("one.nwb").parent
    sessions(folder)
    (path,) = own_cache.iterdir()
    text = path.read_text(encoding="utf-8")
    damaged = damage(text)  # type: ignore[operator]
    assert damaged != text
    path.write_text(damaged, encoding="utf-8")
    assert sessions(folder) == ["one"]
    assert len(reads) == 2
    assert path.read_text(encoding="utf-8") == text


def test_what_was_read_in_another_way_is_read_anew(write: Write, reads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("one.nwb")
    ask([path])
    monkeypatch.setattr(kept, "READ_AS", kept.READ_AS + 1)
    ask([path])
    assert len(reads) == 2


def test_where_nothing_can_be_written_it_is_asked_all_the_same(write: Write, own_cache: Path, reads: list[str]) -> None:
    folder = write("one.nwb").parent
    own_cache.parent.parent.mkdir(parents=True)
    own_cache.parent.write_text("a file where the folder would be", encoding="utf-8")
    assert [sessions(folder), sessions(folder)] == [["one"], ["one"]]
    assert reads == ["one.nwb", "one.nwb"]


def test_nothing_is_kept_if_so_asked(write: Write, own_cache: Path) -> None:
    ask([write()], cache=False)
    assert not own_cache.exists()


def test_several_at_once_leave_a_whole_cache(write: Write, own_cache: Path, reads: list[str]) -> None:
    folder = write("one.nwb").parent
    for name in ("two", "three", "four"):
        shutil.copy(folder / "one.nwb", folder / f"{name}.nwb")
    facts = {path: (Stamp.of(path), asking.read_file(path)) for path in folder.iterdir()}

    def save(number: int) -> None:
        cache = Cache(folder, own_cache.parent)
        for path, (stamp, said) in list(facts.items())[: number % 4 + 1]:
            cache.put(path, stamp, said)
        cache.save()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(save, range(40)))
    reads.clear()
    assert len(sessions(folder)) == 4
    assert len(reads) < 4
    assert [path.suffix for path in own_cache.iterdir()] == [".json"]


def test_the_folder_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == Path(os.environ["XDG_CACHE_HOME"]) / "bergmann"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    for system, parts in {
        "win32": ("AppData", "Local", "bergmann", "Cache"),
        "darwin": ("Library", "Caches", "bergmann"),
        "linux": (".cache", "bergmann"),
    }.items():
        monkeypatch.setattr(kept.sys, "platform", system)
        assert cache_folder() == tmp_path.joinpath(*parts)


def test_a_file_that_vanishes_meanwhile_is_a_finding(write: Write, tmp_path: Path) -> None:
    gone = asking._File(tmp_path / "gone.nwb", "gone.nwb", Cache(tmp_path, tmp_path / "place"))
    with pytest.raises(SourceError, match="it cannot be opened"):
        gone.facts()
