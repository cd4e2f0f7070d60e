"""A task of the proof in this process: ``python -m bergmann.proof TASK``, with its order as JSON on the standard input."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout, suppress

if __name__ == "__main__":
    from bergmann.proof import tasks

    with suppress(ImportError):
        import hdf5plugin  # noqa: F401  registers the filters that a file may have been written with

    with redirect_stdout(sys.stderr):
        tasks.prepare(sys.argv[1])
        order = sys.stdin.read()
        answer = getattr(tasks, sys.argv[1])(json.loads(order)) if order else None
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
