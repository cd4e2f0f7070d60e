"""What dandi and the validators say, in a process of its own: their memory is not that of converting, and nobody waits for imports.

The process is started while a session is read and written, so that it is ready when the file is; it stays for the next file.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from bergmann.errors import SessionError, SourceError
from bergmann.findings import Finding
from bergmann.proof.own_process import SLOWEST, start_python
from bergmann.validate import validate_paths
from bergmann.writing import naming

if TYPE_CHECKING:
    from bergmann.validate.needs import Profile


class Validator:
    """Validates and names NWB files, one after the other, in one process; usable again after whatever became of that.

    Attributes
    ----------
    start : float
        Seconds that the process may take to start and to look at what is small.
    """

    start = 600.0

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._said: IO[bytes] | None = None

    def prepare(self) -> None:
        """Start the process, if it does not run, and let it import what it needs."""
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        with suppress(OSError):  # no room, no memory: what is asked is then done here
            self._said = tempfile.TemporaryFile()  # noqa: SIM115  closed by `stop`; a pipe that nobody reads would fill
            self._process = start_python("bergmann.validate", errors=self._said)

    def validate(self, paths: Sequence[Path], waivers: Path | None = None, profile: Profile = "draft") -> tuple[Finding, ...]:
        """Validate files as `bergmann.validate.validate_paths` does.

        Returns
        -------
        tuple of Finding
            Where the process does not survive a file, one error with the check ``"unreadable"``.

        Raises
        ------
        SourceError, SessionError
            As `validate_paths`.
        """
        told = None if waivers is None else str(waivers.absolute())
        answer = self._ask("validate", *paths, paths=[str(path.absolute()) for path in paths], waivers=told, profile=profile)
        if answer is None and self._process is None:
            return validate_paths(paths, waivers, profile)
        if answer is None:
            return (self._ended(paths),)
        findings = tuple(Finding(**one) for one in answer["findings"])
        if answer["refused"] == "session":
            raise SessionError(findings)
        if answer["refused"]:
            raise SourceError(answer["refused"])
        return findings

    def organized_path(self, path: Path, subject_id: str, session_id: str) -> PurePosixPath:
        """As `bergmann.writing.naming.organized_path`: dandi, which gives the name, is imported there anyway."""
        answer = self._ask("organized_path", path, path=str(path.absolute()), subject_id=subject_id, session_id=session_id)
        if answer is None:
            self.stop()
            return naming.organized_path(path, subject_id, session_id)
        return PurePosixPath(answer)

    def organized_videos(self, target: PurePosixPath, object_id: str, files: tuple[Path, ...]) -> tuple[str, ...]:
        """As `bergmann.writing.naming.organized_videos`."""
        answer = self._ask("organized_videos", target=str(target), object_id=object_id, files=[str(file) for file in files])
        if answer is None:
            self.stop()
            return naming.organized_videos(target, object_id, files)
        return tuple(answer)

    def _ask(self, what: str, *files: Path, **order: object) -> Any:
        """What the process answers, or None if it ended, does not come to an end by the size of the files, or cannot be started."""
        self.prepare()
        if self._said is not None:
            self._said.seek(0)
            self._said.truncate()  # what it said of other files explains nothing of this one
        try:
            limit = self.start + sum(file.stat().st_size for file in files if file.is_file()) / SLOWEST
            return self._answer(json.dumps({"do": what, **order}), limit)
        except BaseException:  # an answer that nobody waits for must not be taken for the next one
            self.stop()
            raise

    def _answer(self, order: str, limit: float) -> Any:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return None
        too_long = threading.Timer(limit, process.kill)
        too_long.daemon = True
        too_long.start()
        try:
            with suppress(OSError):  # it has ended already, and gives no answer
                process.stdin.write(order + "\n")
                process.stdin.flush()
            line = process.stdout.readline()
        finally:
            too_long.cancel()
        return json.loads(line) if line.endswith("\n") else None

    def _ended(self, paths: Sequence[Path]) -> Finding:
        """How the process ended without an answer."""
        status = 0 if self._process is None else self._process.wait()
        said = b""
        if self._said is not None:
            self._said.seek(0)
            said = (self._said.read().strip(b"\0 \r\n").splitlines() or [b""])[-1]
        self.stop()
        how = f"signal {-status}" if status < 0 else f"status {status}"
        last = said.decode("utf-8", errors="replace")
        return Finding(
            severity="error",
            check="unreadable",
            location=", ".join(path.name for path in paths),
            message=f"it is not validated: the process that was to do it ended ({how}{f': {last}' if last else ''})",
            remedy="run `bergmann validate` on it; if that ends so, too, please report this line",
        )

    def stop(self) -> None:
        """End the process, if it runs."""
        process, self._process = self._process, None
        said, self._said = self._said, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
        if said is not None:
            said.close()


@cache
def shared_validator() -> Validator:
    """The one of this process, which ends with it; where that is killed, its standard input ends, and so does it."""
    one = Validator()
    atexit.register(one.stop)
    return one
