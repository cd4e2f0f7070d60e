"""Killed or interrupted at any moment, `convert` leaves the whole file under its name or nothing; its memory does not grow."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pynwb import validate

from .conftest import Folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and resource are POSIX")

NAME = "sub-BG042_ses-movie_ophys.nwb"
SESSION = """\
format_version: 1
time_zone: Asia/Seoul
session: {id: movie, start: 2024-05-17 10:30:57, description: "A long movie."}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
devices: {scope: {manufacturer: unknown}}
planes: {plane: {device: scope, location: "CUL4, 5", excitation: 920 nm, channels: {1: {label: GCaMP6f, emission: 525 nm}}}}
sources: {movie: {format: tiff, path: movie.tif, plane: plane, rate: 30 Hz, axes: TYX}}
"""


def make_movie(folder: Path, megabytes: int) -> Folder:
    """A movie of noise in an ordinary TIFF, and its session."""
    noise = np.random.default_rng(0).integers(0, 4096, (8, 512, 512)).astype(np.uint16)  # 512 KiB a frame
    with tifffile.TiffWriter(folder / "movie.tif") as file:
        for _ in range(megabytes // 4):
            for frame in noise:
                file.write(frame, contiguous=False, metadata=None)
    (folder / "session.yaml").write_text(SESSION, encoding="utf-8")
    return Folder(folder)


@pytest.fixture(scope="module")
def long_movie(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """160 MB: some seconds of writing."""
    return make_movie(tmp_path_factory.mktemp("long"), 160)


def start(session: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    # a process that is started in the background of a script ignores Ctrl-C, and so would its children
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\nfrom bergmann.cli import main; main()"
    command = [sys.executable, "-c", code, "convert", str(session), "--out", str(out), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def temporaries(out: Path) -> list[Path]:
    return list(out.glob(".*.part")) if out.is_dir() else []


def wait_until(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    while not reached():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def holds(out: Path, megabytes: float) -> bool:
    return any(path.stat().st_size >= megabytes * 1e6 for path in temporaries(out))


def left(out: Path) -> list[str]:
    return sorted(path.name for path in out.rglob("*")) if out.exists() else []


@pytest.mark.parametrize("megabytes", [0, 1, 60])
def test_killed_while_it_writes_there_is_nothing_under_the_name(long_movie: Folder, tmp_path: Path, megabytes: int) -> None:
    out = tmp_path / "out"
    with start(long_movie.session, out) as process:
        wait_until(process, lambda: holds(out, megabytes))
        process.kill()
    (name,) = left(out)
    assert name.startswith(".sub-BG042_ses-movie.")
    assert name.endswith(".nwb.part")


def test_killed_at_any_moment_the_next_run_works_and_clears_up(folder: Folder) -> None:
    for delay in (0.0, 0.1, 0.3, 0.6):
        with start(folder.session, folder.out, "--overwrite") as process:
            wait_until(process, lambda: bool(temporaries(folder.out)))
            time.sleep(delay)
            process.kill()
        for path in folder.out.rglob("*.nwb"):
            assert validate(path=path) == []
    with start(folder.session, folder.out, "--overwrite") as process:
        printed, complaints = process.communicate()
    assert (process.returncode, complaints) == (0, f"{folder.session}\n"), printed
    names = left(folder.out)
    assert [name for name in names if name.startswith(".")] == []
    assert sorted(Path(name).suffix for name in names if "." in name) == [".avi", ".avi", ".nwb", ".yaml"]


@pytest.mark.parametrize("megabytes", [0, 60])
def test_ctrl_c_leaves_nothing(long_movie: Folder, tmp_path: Path, megabytes: int) -> None:
    out = tmp_path / "out"
    with start(long_movie.session, out) as process:
        wait_until(process, lambda: holds(out, megabytes))
        process.send_signal(signal.SIGINT)
        printed, complaints = process.communicate()
    assert (process.returncode, printed, complaints) == (1, "", f"{long_movie.session}\n\nAborted!\n")
    assert not out.exists()


def test_memory_does_not_grow_with_the_movie(tmp_path: Path) -> None:
    def peak(megabytes: int) -> float:
        (tmp_path / str(megabytes)).mkdir()
        made = make_movie(tmp_path / str(megabytes), megabytes)
        body = (
            "import atexit, resource; from bergmann.cli import main; "
            "atexit.register(lambda: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)); main()"
        )
        command = [sys.executable, "-c", body, "convert", str(made.session), "--out", str(made.out), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        shutil.rmtree(made.path)
        return int(done.stdout.splitlines()[-1]) / (1e6 if sys.platform == "darwin" else 1e3)

    small, large = peak(40), peak(240)
    assert large - small < 30
