"""A conversion and its proof in this process, so that what is damaged is damaged for both."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bergmann.convert.align import align
from bergmann.convert.session import _write
from bergmann.plan.resolve import make_plan
from bergmann.proof import tasks
from bergmann.proof.proving import Comparison, Prover


class Here:
    """A worker that does its task in this process: a second reader has no other code than the damaged one."""

    def __init__(self, task: str) -> None:
        self._task, self._order = getattr(tasks, task), None

    def order(self, order: Any, files: Iterable[Path], limit: float | None = None) -> None:
        self._order = json.loads(json.dumps(order))

    def answer(self) -> Any:
        return json.loads(json.dumps(self._task(self._order)))

    def stop(self) -> None:
        self._order = None


def convert_here(session: Path, out: Path, *, overwrite: bool = False) -> tuple[Path, Comparison]:
    """Convert a session and prove it, with nothing in another process; raises what refuses it."""
    plan = make_plan(session)
    errors = [one.text for one in plan.findings if one.severity == "error"]
    assert not errors, errors
    with Prover(session, worker=Here) as prover:
        target, _, proved = _write(align(plan), out, overwrite, None, prover)
    return target, proved
