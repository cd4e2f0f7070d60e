"""How far an upload is, counted so that it is true after a resume and after parts that had to be sent again."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

_WINDOW = 20.0
"""Seconds over which the rate is taken."""


def unwatched(told: object) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Standing:
    """How far it is.

    Attributes
    ----------
    done : int
        Bytes that the archive has of what is published, whoever sent them and when.
    total : int
    rate : float
        Bytes a second that this run sent lately; 0 while it is not known.
    """

    done: int
    total: int
    rate: float

    @property
    def seconds_left(self) -> float | None:
        """None while the rate is not known."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


@dataclass
class Counter:
    """Counts bytes from many threads.

    Parameters
    ----------
    total : int
        Bytes of everything that is published.
    watch : callable
        Told of the standing whenever it changes.
    clock : callable
        Seconds.

    Attributes
    ----------
    on_the_way : int
        Bytes given to the network in this run, also those that had to be sent again.
    """

    total: int
    watch: Callable[[Standing], None] = field(default=unwatched, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    on_the_way: int = 0
    _done: int = 0
    _lately: deque[tuple[float, int]] = field(default_factory=deque, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def have(self, size: int) -> None:
        """Bytes that the archive has and this run need not send; a negative number takes back what it turned out not to have."""
        self._count(size, 0)

    def sent(self, size: int) -> None:
        """Bytes that this run gave to the network."""
        self._count(size, size)

    def lost(self, size: int) -> None:
        """Bytes that were sent in vain and will be sent again."""
        self._count(-size, 0)

    def _count(self, done: int, sent: int) -> None:
        now = self.clock()
        with self._lock:
            self._done += done
            self.on_the_way += sent
            if sent:
                self._lately.append((now, sent))
            while self._lately and now - self._lately[0][0] > _WINDOW:
                self._lately.popleft()
            seconds = now - self._lately[0][0] if self._lately else 0.0
            rate = sum(size for _, size in self._lately) / seconds if seconds >= 0.5 else 0.0
            standing = Standing(max(self._done, 0), self.total, rate)
        self.watch(standing)
