"""Bytes go to the disk while more are made, and what the disk says of them is not lost."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from bergmann.writing import watched


class AtOnce:
    """In place of a thread, so that no test depends on how fast the disk is."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def submit(self, act: Callable[[int], None], number: int) -> Future[None]:
        done: Future[None] = Future()
        try:
            done.set_result(act(number))
        except OSError as error:
            done.set_exception(error)
        return done

    def shutdown(self, **_: object) -> None: ...


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "_FLUSHED_AT_ONCE", 100_000)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "ThreadPoolExecutor", AtOnce)


def write(path: Path) -> None:
    with watched.open_watched(path, "w") as (file, one):
        for number in range(20):
            file[f"part {number}"] = np.full(50_000, number)
            one.check()


@pytest.mark.usefixtures("at_once")
def test_the_disk_has_most_of_it_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    fsync = os.fsync

    def count(number: int) -> None:
        fsync(number)
        flushed.append(os.fstat(number).st_size)

    monkeypatch.setattr(watched.os, "fsync", count)
    write(tmp_path / "file.h5")
    assert len(flushed) >= 15
    with h5py.File(tmp_path / "file.h5") as file:
        assert all((file[f"part {number}"][:] == number).all() for number in range(20))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("failing", [1, 2, -1])
def test_a_failure_of_the_disk_is_raised_although_every_write_was_taken(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(watched.os, "fsync", asked.append)
    write(tmp_path / "file.h5")
    n_flushes = len(asked)
    asked.clear()

    def fail(number: int) -> None:
        asked.append(number)
        if len(asked) == (failing if failing > 0 else n_flushes):  # the last is heard of when the file is closed
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(watched.os, "fsync", fail)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write(tmp_path / "file.h5")


def test_a_slow_disk_is_waited_for_and_its_failure_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first flush goes on until the file is closed, so that no second one is begun."""
    closing, asked = threading.Event(), []
    shutdown = watched.ThreadPoolExecutor.shutdown

    def fail_late(number: int) -> None:
        asked.append(number)
        assert closing.wait(60)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def note(pool: ThreadPoolExecutor, *how: bool, **said: bool) -> None:
        closing.set()
        shutdown(pool, *how, **said)

    monkeypatch.setattr(watched.os, "fsync", fail_late)
    monkeypatch.setattr(watched.ThreadPoolExecutor, "shutdown", note)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write(tmp_path / "file.h5")
    assert len(asked) == 1
