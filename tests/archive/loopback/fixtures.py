"""The fixtures ``archive``, ``new_archive``, ``faulty_archive`` and ``new_faulty_archive``.

``tests/conftest.py`` names them, for the tests of all rooms.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from loopback.site import Site

SMALL = 64 * 1024
_TOKEN_VARIABLES = ("DANDI_TESTS_API_KEY", "DANDI_TESTS_DJANGO_API_KEY", "DANDI_TESTS_API_TOKEN", "DANDI_TESTS_TOKEN")
"""The second is that of the dandi client's own tests."""


def real_site() -> Site | None:
    """The real archive that the environment names (``DANDI_TESTS_API_URL`` and a token), if it names one.

    The token is in one of `_TOKEN_VARIABLES`, or where the dandi client looks for it. ``DANDI_API_KEY``, which is for the archive
    of that name, is taken for a server on this machine alone, so that it is sent to nobody else.
    """
    url = os.environ.get("DANDI_TESTS_API_URL", "").rstrip("/")
    if not url:
        return None
    site = Site(url if url.endswith("/api") else f"{url}/api", token="")
    local = ("DANDI_API_KEY",) if urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"} else ()
    names = (*_TOKEN_VARIABLES, site.token_variable, *local)
    token = next((os.environ[name] for name in names if os.environ.get(name)), None)
    if token is None:
        raise pytest.UsageError(f"DANDI_TESTS_API_URL is set, and none of {', '.join(names)} holds a token for it.")
    return replace(site, token=token)


def set_part_size(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Have dandischema, in this process, cut files into parts as this archive does."""
    from dandischema.digests.dandietag import PartGenerator

    monkeypatch.setattr(PartGenerator, "DEFAULT_PART_SIZE", size)
    monkeypatch.setattr(PartGenerator, "MIN_PART_SIZE", min(size, PartGenerator.MIN_PART_SIZE))


@pytest.fixture
def new_archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """Start an archive on loopback with chosen ``Settings`` (``new_archive(url_lifetime=1)``); never a real one."""
    from loopback.server import OWNER, Archive
    from loopback.settings import Settings

    with ExitStack() as stack:

        def start(**chosen: object) -> Site:
            settings = Settings(**{"part_size": SMALL, **chosen})  # type: ignore[arg-type]
            set_part_size(monkeypatch, settings.part_size)
            running = stack.enter_context(Archive(settings))
            return Site(running.api_url, OWNER.token, running)

        yield start


@pytest.fixture
def new_faulty_archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """Start an archive with chosen ``Settings`` behind the proxy that breaks things; what breaks is told to ``.faults``."""
    from loopback.faulty import faulty_site
    from loopback.settings import Settings

    with ExitStack() as stack:

        def start(**chosen: object) -> Site:
            settings = Settings(**{"part_size": SMALL, **chosen})  # type: ignore[arg-type]
            set_part_size(monkeypatch, settings.part_size)
            return stack.enter_context(faulty_site(settings))

        yield start


@pytest.fixture
def faulty_archive(new_faulty_archive: Callable[..., Site]) -> Site:
    """An archive on loopback behind the proxy: ``faulty_archive.faults.add(Fault("reset", "part", "middle", times=3))``."""
    return new_faulty_archive()


@pytest.fixture
def archive(request: pytest.FixtureRequest) -> Iterator[Site]:
    """An archive to upload to: parts of 64 KiB on loopback, or the real one that ``DANDI_TESTS_API_URL`` names."""
    site = real_site()
    if site is None:
        yield request.getfixturevalue("new_archive")()
        return
    yield site
    site.delete_dandisets()
