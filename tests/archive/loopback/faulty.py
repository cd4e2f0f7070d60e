"""The archive behind the proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from loopback.proxy import Faults, Proxy
from loopback.server import OWNER, Archive
from loopback.settings import Settings
from loopback.site import Site


@contextmanager
def faulty_site(settings: Settings) -> Iterator[Site]:
    """An archive whose every address, those in presigned URLs too, leads through a proxy."""
    with ExitStack() as stack:
        faults = Faults()
        to_api, to_store = Proxy(faults), Proxy(faults)
        archive = Archive(settings, public_api=to_api.address, public_store=to_store.address)
        to_api.target, to_store.target = archive.address, archive.store.address
        stack.callback(archive.close)
        stack.callback(to_api.close)
        stack.callback(to_store.close)
        yield Site(archive.api_url, OWNER.token, archive, faults)
