"""A process of the proof that is interrupted is ended without a second complaint."""

from __future__ import annotations

from typing import Any

import pytest

from bergmann.proof.own_process import Worker


def test_an_interrupted_answer_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes before `communicate` has set up what a second call of it would use."""
    worker = Worker("digests")
    asked: list[int] = []

    def interrupt(*_: Any, **__: Any) -> None:
        asked.append(1)
        if len(asked) == 1:
            raise KeyboardInterrupt
        raise AttributeError("'Popen' object has no attribute '_fileobj2output'")

    monkeypatch.setattr(worker._process, "_communicate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        worker.answer()
    assert worker._process.poll() is not None
