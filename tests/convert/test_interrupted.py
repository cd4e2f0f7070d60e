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


def bergmann(*arguments: object) -> subprocess.Popen[str]:
    # a process that is started in the background of a script ignores Ctrl-C, and so would its children
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\nfrom bergmann.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def start(session: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    return bergmann("convert", session, "--out", out, *more)


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
def test_ctrl_c_leaves_nothing_and_says_so(long_movie: Folder, tmp_path: Path, megabytes: int) -> None:
    out = tmp_path / "out"
    with start(long_movie.session, out) as process:
        wait_until(process, lambda: holds(out, megabytes))
        process.send_signal(signal.SIGINT)
        printed, complaints = process.communicate()
    assert (process.returncode, printed) == (130, "")
    assert complaints.splitlines() == [
        str(long_movie.session),
        "",
        f"Stopped by Ctrl-C. Nothing half-written is left of {long_movie.session}; "
        "a file of it that was there before is as it was.",
        "Run the same again: it begins anew.",
    ]
    assert not out.exists()


def test_ctrl_c_keeps_the_sessions_before_it_and_says_how_to_go_on(folder: Folder, long_movie: Folder) -> None:
    with bergmann("convert", folder.session, long_movie.session, "--out", folder.out) as process:
        wait_until(process, lambda: any("ses-movie" in path.name for path in temporaries(folder.out)))
        process.send_signal(signal.SIGINT)
        printed, complaints = process.communicate()
    assert process.returncode == 130
    assert "written" in printed
    assert "sub-BG042_ses-s1" in printed
    assert "1 session is written already: name only the others in the next run, or say --overwrite to make all anew." in complaints
    (there,) = folder.out.rglob("*.nwb")
    assert validate(path=there) == []


def test_ctrl_c_while_a_file_is_validated_says_that_it_is_whole(folder: Folder) -> None:
    with start(folder.session, folder.out) as process:
        wait_until(process, lambda: any(folder.out.rglob("sub-*.nwb")))
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate()
    assert process.returncode == 130, complaints
    (there,) = folder.out.rglob("*.nwb")
    assert f"{there.name} is written whole, and was not validated: bergmann validate {folder.out}\n" in complaints
    assert validate(path=there) == []


def stopped_in_the_midst(*arguments: object) -> tuple[int, str]:
    """Exit status and complaints of a command with much to do, after a Ctrl-C behind its first line."""
    with bergmann(*arguments) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate()
    return process.returncode, complaints


def test_ctrl_c_of_a_check_says_that_nothing_was_written(folder: Folder) -> None:
    status, said = stopped_in_the_midst("check", *[folder.session] * 100)
    assert (status, said) == (130, "\nStopped by Ctrl-C. Nothing was written; a page that was there is as it was.\n")


def test_ctrl_c_of_a_draft_leaves_whole_session_files(folder: Folder) -> None:
    with bergmann("init", folder.path) as process:
        process.communicate()
    before = folder.session.read_bytes()
    status, said = stopped_in_the_midst("init", *[folder.path] * 100)
    assert status == 130
    assert said.startswith("\nStopped by Ctrl-C. Nothing is half-written: each session file is as it was, or whole.")
    assert folder.session.read_bytes() == before
    assert not list(folder.path.rglob("*.partial"))


def test_ctrl_c_of_the_demo_says_what_is_there(tmp_path: Path) -> None:
    with bergmann("demo", tmp_path / "demo") as process:
        wait_until(process, lambda: (tmp_path / "demo").exists())
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate()
    assert process.returncode == 130
    assert f"Stopped by Ctrl-C. {tmp_path / 'demo'} keeps what was made until now" in complaints
    assert "Traceback" not in complaints


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
