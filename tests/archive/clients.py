"""Clients as processes that can be killed: a command, or a Python function in a fork of a process that has imported it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol


class Running(Protocol):
    def kill(self) -> None:
        """Kill it at once, as ``kill -9`` does."""

    def wait(self, timeout: float) -> int | None:
        """Its exit status, or None if it runs longer than `timeout` seconds."""


class Command:
    """A client that is a program of its own."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], folder: Path, output: Path) -> None:
        with output.open("ab") as sink:
            self._process = subprocess.Popen(
                words, env=dict(environment), cwd=folder, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL
            )

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float) -> int | None:
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None


class Nursery:
    """A process that has imported a client and forks it for every run: hundreds of runs without hundreds of imports.

    Parameters
    ----------
    entry : str
        ``module:function``, called without arguments after ``sys.argv`` is set.
    environment : Mapping[str, str]
        Of the process that imports.
    """

    def __init__(self, entry: str, environment: Mapping[str, str]) -> None:
        words = [sys.executable, __file__, entry]
        self._process = subprocess.Popen(words, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lock = threading.Lock()
        self._runs: dict[int, _Forked] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, output: Path) -> _Forked:
        run = _Forked()
        with self._lock:
            number = len(self._runs)
            self._runs[number] = run
            asked = {"run": number, "argv": list(arguments), "env": dict(environment), "cwd": str(folder), "output": str(output)}
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
        run.started.wait()
        return run

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            run = self._runs[told["run"]]
            if "pid" in told:
                run.pid = told["pid"]
                run.started.set()
            else:
                run.status = told["status"]
                run.ended.set()


class _Forked:
    def __init__(self) -> None:
        self.started, self.ended = threading.Event(), threading.Event()
        self.pid, self.status = 0, 0

    def kill(self) -> None:
        if not self.ended.is_set():
            os.kill(self.pid, 9)

    def wait(self, timeout: float) -> int | None:
        return self.status if self.ended.wait(timeout) else None


def _nurse(entry: str) -> None:
    """Import the client, then fork it for every line of standard input, and say how each run ended."""
    import importlib
    import select

    module, _, function = entry.partition(":")
    client = getattr(importlib.import_module(module), function)
    # What the dandi client, or ours by it, imports only when it uploads: without this every run would.
    for heavy in ("pynwb", "dandi.upload", "dandi.metadata.nwb"):
        importlib.import_module(heavy)
    tell, running, ending = os.fdopen(os.dup(1), "w"), {}, False
    while running or not ending:
        if not ending and select.select([0], [], [], 0.02)[0]:
            line = sys.stdin.readline()
            if line:
                asked = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    _become(client, asked)
                running[pid] = asked["run"]
                print(json.dumps({"run": asked["run"], "pid": pid}), file=tell, flush=True)
            ending = not line
        while running and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            status = os.waitstatus_to_exitcode(ended[1])
            print(json.dumps({"run": running.pop(ended[0]), "status": status}), file=tell, flush=True)


def _become(client, asked) -> None:
    """Be the client, in the fork, to the end of the process."""
    sink = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(sink, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.argv = ["client", *asked["argv"]]
    status = 1
    try:
        client()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _nurse(sys.argv[1])
