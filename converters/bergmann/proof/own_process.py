"""Running a task of the proof in a process of its own, which may crash or hang without taking this one with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

SLOWEST = 2e6
"""Bytes per second that any disk gives and any processor reads; what takes longer is taken for hanging."""

START = 60.0
"""Seconds that a process may take to start and to read what is small."""


class CrashedError(Exception):
    """The process ended without an answer; the message says how. Never leaves the proof."""


def start_python(*arguments: str, errors: Any = subprocess.PIPE) -> subprocess.Popen[str]:
    """Start this Python with a module of ours, its standard input and output in text; it is told no token of an archive."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**environment, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one), "PYTHONUTF8": "1"},
    )


class Worker:
    """A process that does one task; it is started before its order is known, so that it is ready when that comes."""

    def __init__(self, task: str) -> None:
        self._until = 0.0
        self._process = start_python("bergmann.proof", task)

    def order(self, order: Any, files: Iterable[Path], limit: float | None = None) -> None:
        """Have the task begin.

        Parameters
        ----------
        order : object
            What it is given, as JSON.
        files : iterable of Path
            What it reads, by whose size the time that it may take is measured.
        limit : float, optional
            The time itself, in seconds.
        """
        size = sum(file.stat().st_size for file in files if file.is_file())
        self._until = time.monotonic() + (START + size / SLOWEST if limit is None else limit)
        if self._process.stdin is not None:
            with suppress(OSError):  # it has ended already, and its answer says why
                self._process.stdin.write(json.dumps(order))
                self._process.stdin.close()
            self._process.stdin = None

    def answer(self) -> Any:
        """What the task gives, as JSON read.

        Raises
        ------
        CrashedError
            If it crashed, was ended, or took too long.
        """
        try:
            out, said = self._process.communicate(timeout=max(0.1, self._until - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise CrashedError("it did not come to an end") from None
        finally:
            self.stop()
        if self._process.returncode != 0:
            last = said.strip().splitlines()[-1:] or [""]
            how = f"ended by signal {-self._process.returncode}" if self._process.returncode < 0 else last[0]
            raise CrashedError(how or f"ended with status {self._process.returncode}")
        return json.loads(out.splitlines()[-1])

    def __del__(self) -> None:
        """Leave no process behind that an interruption has cut off from who would have stopped it."""
        if hasattr(self, "_process"):
            self.stop()

    def stop(self) -> None:
        """End it, if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
