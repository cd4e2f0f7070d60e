"""Whatever ends a process: nothing half-written under the target's name, and the next run works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from pynwb import validate

from bergmann.errors import WriteError

_SETUP = """
import sys, time, warnings
from pathlib import Path
import numpy as np
sys.path.insert(0, {here!r})
from conftest import make_session, add_video
from bergmann.errors import WriteError
from bergmann.writing import write_session

class Movie:
    def __init__(self, frames, slow=0.0):
        self.shape, self.dtype, self.slow = (frames, 256, 256), np.dtype("uint16"), slow
        self.noise = np.random.default_rng(0).integers(0, 999, (64, 256, 256)).astype("uint16")
    def __getitem__(self, block):
        time.sleep(self.slow)
        return self.noise[np.arange(block.start, block.stop) % 64]

out = Path({out!r})
"""


def start(out: Path, body: str) -> subprocess.Popen[str]:
    # a process that is started in the background of a script ignores Ctrl-C, and so would its children
    heed = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    setup = heed + _SETUP.format(here=str(Path(__file__).parent), out=str(out))
    return subprocess.Popen(
        [sys.executable, "-c", setup + textwrap.dedent(body)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


WRITE_SLOWLY = """
made = make_session(frames=Movie(40000, slow=0.05))
write_session(made.nwbfile, out, made.streams, on_progress=lambda done, total: print("block", flush=True))
"""
WRITE = """
made = make_session(frames=Movie(100))
add_video(made, out.parent)
print(write_session(made.nwbfile, out, made.streams, made.externals).name)
"""


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def wait_for_blocks(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for _ in range(3):
        assert process.stdout.readline() == "block\n", process.stderr and process.stderr.read()


def test_killed_in_the_middle_leaves_nothing_under_the_name_and_the_next_run_clears_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with start(out, WRITE_SLOWLY) as process:
        wait_for_blocks(process)
        process.kill()
    (left,) = files(out)
    assert left.startswith(".sub-BG042_ses-sni-pod7.")
    assert left.endswith(".nwb.part")
    with start(out, WRITE) as process:
        printed, complaints = process.communicate()
    assert (printed.strip(), complaints) == ("sub-BG042_ses-sni-pod7_image+ophys.nwb", "")
    assert not [name for name in files(out) if name.startswith(".")]


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2])
def test_killed_at_any_moment_there_is_the_whole_file_or_none(tmp_path: Path, delay: float) -> None:
    out = tmp_path / "out"
    body = WRITE.replace("print(write_session", "print('start', flush=True)\nprint(write_session")
    with start(out, body) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "start\n"
        time.sleep(delay)
        process.kill()
    if not (found := list(out.rglob("*.nwb"))):
        with start(out, WRITE) as process:
            assert process.communicate()[1] == ""
        found = list(out.rglob("*.nwb"))
    (path,) = found
    assert validate(path=path) == []
    assert len(list(path.with_suffix("").iterdir())) == 1


@pytest.mark.skipif(os.name == "nt", reason="a console of its own is needed to interrupt there")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    with start(tmp_path / "out", WRITE_SLOWLY) as process:
        wait_for_blocks(process)
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate()
    assert "KeyboardInterrupt" in complaints
    assert files(tmp_path) == []


def test_a_running_session_is_not_cleared_away(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with start(out, WRITE_SLOWLY) as process:
        wait_for_blocks(process)
        with start(out, WRITE) as other:
            assert other.communicate()[1] == ""
        assert len([name for name in files(out) if name.endswith(".part")]) == 1
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on file sizes stands for the full disk, in the words of Linux")
@pytest.mark.parametrize("limit", [20_000, 300_000, 3_000_000])
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    body = f"""
    import resource
    made = make_session(frames=Movie(200))
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
    try:
        write_session(made.nwbfile, out, made.streams)
    except WriteError as error:
        print(error)
    """
    with start(tmp_path / "out", body) as process:
        printed, complaints = process.communicate()
    assert printed == "out: cannot be written: File too large; make room there, or name a folder on another disk\n", complaints
    assert files(tmp_path) == []
    assert process.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="resource is a POSIX module")
def test_memory_does_not_grow_with_the_movie(tmp_path: Path) -> None:
    def peak(frames: int) -> int:
        body = f"""
        import resource
        made = make_session(frames=Movie({frames}))
        write_session(made.nwbfile, out, made.streams)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        """
        with start(tmp_path / str(frames), body) as process:
            printed, complaints = process.communicate()
        assert process.returncode == 0, complaints
        return int(printed) // (1024 if sys.platform == "darwin" else 1)

    small, large = peak(200), peak(1600)  # 26 and 210 MB
    assert large - small < 40_000


WRITE_ANYBODYS_SLOWLY = """
from bergmann.writing import ArrayIterator, write
made = make_session()
from pynwb import TimeSeries
made.nwbfile.add_acquisition(TimeSeries(name="a", data=ArrayIterator(Movie(40000, slow=0.05)), rate=1.0, unit="V"))
write(made.nwbfile, out / "a.nwb", overwrite=True, on_progress=lambda done, total: print("block", flush=True))
"""
WRITE_ANYBODYS = WRITE_ANYBODYS_SLOWLY.replace("40000, slow=0.05", "100").replace(
    'on_progress=lambda done, total: print("block", flush=True)', "threads=1"
)


def test_killed_in_the_middle_anybodys_older_file_is_whole_and_the_next_run_clears_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with start(out, WRITE_ANYBODYS) as process:
        assert process.communicate()[1] == ""
    before = (out / "a.nwb").read_bytes()
    with start(out, WRITE_ANYBODYS_SLOWLY) as process:
        wait_for_blocks(process)
        process.kill()
    left, named = files(out)
    assert (left[:3], left[-9:], named) == (".a.", ".nwb.part", "a.nwb")
    assert (out / "a.nwb").read_bytes() == before
    with start(out, WRITE_ANYBODYS) as process:
        assert process.communicate()[1] == ""
    assert files(out) == ["a.nwb"]


@pytest.mark.skipif(os.name == "nt", reason="a console of its own is needed to interrupt there")
def test_ctrl_c_leaves_nothing_of_anybodys_file(tmp_path: Path) -> None:
    with start(tmp_path / "out", WRITE_ANYBODYS_SLOWLY) as process:
        wait_for_blocks(process)
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate()
    assert "KeyboardInterrupt" in complaints
    assert files(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on file sizes stands for the full disk, in the words of Linux")
def test_a_full_disk_leaves_nothing_of_anybodys_file(tmp_path: Path) -> None:
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))\n" + WRITE_ANYBODYS
    with start(tmp_path / "out", limited) as process:
        _, complaints = process.communicate()
    assert "WriteError: out: cannot be written: File too large; make room there" in complaints
    assert files(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_disk_without_room_is_said_in_words(tmp_path: Path) -> None:
    from bergmann.writing.whole import writing_into

    with (
        pytest.raises(WriteError, match="out: cannot be written: No space left on device; make room there"),
        writing_into(tmp_path / "out"),
    ):
        (Path("/dev/full")).write_bytes(b"1")
    assert files(tmp_path) == []
