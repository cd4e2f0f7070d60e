"""The archive, started."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from loopback.api import Addresses, Api
from loopback.background import Worker
from loopback.http import Application
from loopback.settings import Settings
from loopback.state import State, User
from loopback.storage import ObjectStore, Served

OWNER = User("rig", "Bergmann, Rig", "owner-0000000000000000000000000000000000")
STRANGER = User("stranger", "Golgi, Other", "stranger-00000000000000000000000000000000")
NEWCOMER = User("newcomer", "Cajal, New", "newcomer-00000000000000000000000000000000", approved=False)


class Archive:
    """A running archive and its object store; a context manager.

    Parameters
    ----------
    settings : Settings
    public_api, public_store : str | None
        Where clients reach the two, if not at their own addresses: a proxy's.

    Attributes
    ----------
    api_url : str
        Ends in ``/api``.
    state : State
        All that the archive knows; read it under ``state.lock``.
    """

    def __init__(self, settings: Settings, *, public_api: str | None = None, public_store: str | None = None) -> None:
        self.settings = settings
        self.state = State(users=[OWNER, STRANGER, NEWCOMER])
        self._stack = ExitStack()
        self.store = ObjectStore(public_store, finished_twice=settings.finished_twice)
        self._stack.callback(self.store.close)
        self._application = Application([])
        served = Served(lambda environ, start: self._application(environ, start))
        self._stack.callback(served.close)
        self.address = served.address
        self.api_url = f"{public_api or self.address}/api"
        addresses = Addresses(self.api_url, f"{public_api or self.address}/web")
        api = Api(self.state, self.store, settings, addresses)
        self._application = Application(api.rows())
        self.worker = Worker(self.state, self.store, settings, addresses, api)
        self._stack.callback(self.worker.close)

    @property
    def requests(self) -> list[object]:
        """What was asked of the archive so far, oldest first (`loopback.http.Seen`)."""
        return list(self._application.requests)

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
