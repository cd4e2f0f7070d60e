"""Which real archive the tests use, and with which token, as the environment says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from loopback.fixtures import real_site
from loopback.site import Site


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "API_URL", "API_KEY", "DJANGO_API_KEY", "API_TOKEN", "TOKEN"):
        monkeypatch.delenv(f"DANDI_TESTS_{name}", raising=False)
    monkeypatch.delenv("DANDI_API_KEY", raising=False)


def test_without_an_address_there_is_none() -> None:
    assert real_site() is None


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        ("https://api.sandbox.dandiarchive.org/api", "DANDI_TESTS_API_KEY"),
        ("https://api.sandbox.dandiarchive.org/api/", "DANDI_SANDBOX_API_KEY"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000_API_KEY"),
        ("http://127.0.0.1:8000/api", "DANDI_API_KEY"),
        ("http://localhost:8000/api", "DANDI_TESTS_DJANGO_API_KEY"),
    ],
)
def test_the_token_of_an_archive_is_found(monkeypatch: pytest.MonkeyPatch, url: str, variable: str) -> None:
    monkeypatch.setenv("DANDI_TESTS_API_URL", url)
    monkeypatch.setenv(variable, "of-this-archive")
    site = real_site()
    assert site is not None
    assert (site.real, site.token, site.api_url) == (True, "of-this-archive", f"{url.rstrip('/').removesuffix('/api')}/api")


def test_the_token_of_the_main_archive_goes_to_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANDI_TESTS_API_URL", "https://archive.example.org/api")
    monkeypatch.setenv("DANDI_API_KEY", "of-the-main-archive")
    with pytest.raises(pytest.UsageError, match="DANDI_TESTS_API_KEY"):
        real_site()


def test_clients_find_the_token_by_the_stated_address_and_by_the_archives_own(
    new_archive: Callable[..., Site], tmp_path: Path
) -> None:
    served = new_archive()
    port = urlsplit(served.api_url).port
    site = Site(f"http://localhost:{port}/api", served.token)
    given = site.environment(tmp_path)
    assert {name for name in given if name.endswith("_API_KEY")} == {f"LOCALHOST:{port}_API_KEY", f"127.0.0.1:{port}_API_KEY"}
    assert {value for name, value in given.items() if name.endswith("_API_KEY")} == {served.token}


def test_one_dandiset_that_stays_keeps_no_other(new_archive: Callable[..., Site]) -> None:
    site = new_archive()
    mine = site.new_dandiset()
    site.made.append("999999")
    with pytest.raises(AssertionError, match="dandisets/999999/: 404"):
        site.delete_dandisets()
    assert site.call("GET", f"/dandisets/{mine}/").status_code == 404
