"""Run a process and say what it took: by the clock, by the processor, and of memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

_EVERY = 0.05  # seconds between looks at the memory of the tree


@dataclass(frozen=True)
class Taken:
    """What a process and its children took.

    Attributes
    ----------
    wall, cpu : float
        Seconds; user and system time of all.
    peak : int
        Most bytes of the largest process.
    tree : int
        Most bytes of all processes together, as seen every 50 ms; shared pages count in each.
    """

    wall: float
    cpu: float
    peak: int
    tree: int


def run(command: Sequence[str], allowed: Sequence[int] = (0,)) -> Taken:
    """Run a command to its end.

    Raises
    ------
    RuntimeError
        With what it said, if its exit status is not an allowed one.
    """
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8") as process:
        watch = _Watch(process.pid)
        said = "".join(process.stdout or ())  # to the end, so that no pipe fills up
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        tree = watch.stop()
    if process.returncode not in allowed:
        raise RuntimeError(f"{' '.join(command)}: exit status {process.returncode}\n{said[-3000:]}")
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Taken(wall, used.ru_utime + used.ru_stime, peak, max(tree, peak))


class _Watch:
    """Looks at the memory of a process and its children until it is stopped."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._over = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The most bytes that were seen."""
        self._over.set()
        self._thread.join()
        return self._most

    def _look(self) -> None:
        while not self._over.wait(_EVERY):
            try:
                first = psutil.Process(self._pid)
                self._most = max(self._most, sum(_bytes(one) for one in (first, *first.children(recursive=True))))
            except psutil.Error:  # it has just ended
                return


def _bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
