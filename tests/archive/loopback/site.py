"""An archive as its clients see it: the one of these tests, or a real one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import requests

if TYPE_CHECKING:
    from loopback.proxy import Faults
    from loopback.server import Archive

SMALL_PARTS = Path(__file__).resolve().parents[1] / "small_parts"
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Site:
    """Where an archive is and the token of one who may upload.

    Parameters
    ----------
    api_url : str
        Ends in ``/api``.
    token : str
        Of a user who is approved and owns what `new_dandiset` makes.
    archive : Archive | None
        The server itself, to look into; None where the archive is a real one.
    breaking : Faults | None
        The faults on the way, of an archive behind a proxy (`faulty_archive`).
    made : list[str]
        The dandisets that `new_dandiset` made.
    """

    api_url: str
    token: str
    archive: Archive | None = None
    breaking: Faults | None = None
    made: list[str] = field(default_factory=list)

    @property
    def faults(self) -> Faults:
        """The faults on the way; an error where nothing stands in the way."""
        if self.breaking is None:
            raise LookupError("this archive has no proxy before it: use the fixture faulty_archive")
        return self.breaking

    @property
    def real(self) -> bool:
        return self.archive is None

    @property
    def instance(self) -> str:
        """The name that the dandi client gives the instance at `api_url`: one it knows, or the host and port."""
        from dandi.consts import known_instances_rev

        return str(known_instances_rev.get(self.api_url, urlsplit(self.api_url).netloc))

    @property
    def token_variable(self) -> str:
        """The environment variable from which the dandi client takes the token for `instance`."""
        return _variable(self.instance)

    @property
    def token_variables(self) -> set[str]:
        """That variable, and for a real archive also that of the host and port by which it calls itself (``/info/``)."""
        if not self.real:
            return {self.token_variable}
        own = str(self.info()["services"]["api"]["url"])
        return {self.token_variable, _variable(urlsplit(own).netloc)}

    def environment(self, home: Path) -> dict[str, str]:
        """What a client's process needs: the token, a home of its own, and the size of parts of this archive."""
        kept = {key: value for key, value in os.environ.items() if not key.endswith("_API_KEY") and not key.startswith("XDG_")}
        theirs = {
            **kept,
            "HOME": str(home),
            "USERPROFILE": str(home),
            "DANDI_NO_ET": "1",
            "NO_ET": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            **dict.fromkeys(self.token_variables, self.token),
        }
        if self.archive is None:
            return theirs
        theirs["NO_PROXY"] = "127.0.0.1"
        path = os.pathsep.join([str(SMALL_PARTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**theirs, "PYTHONPATH": path, "LOOPBACK_PART_SIZE": str(self.archive.settings.part_size)}

    def call(self, method: str, path: str, *, token: str | None = "", **request: Any) -> requests.Response:
        """One request to the API (`path` starts with a slash), as the owner, as another `token`, or with None as nobody."""
        token = self.token if token == "" else token
        headers = {"Authorization": f"token {token}"} if token else {}
        return requests.request(method, f"{self.api_url}{path}", headers=headers, timeout=60, **request)

    def info(self) -> dict[str, Any]:
        """What the archive says of itself: its versions and addresses."""
        answered = self.call("GET", "/info/")
        answered.raise_for_status()
        return dict(answered.json())

    def new_dandiset(
        self, name: str = "a test of bergmann", *, embargo: bool = False, metadata: dict[str, Any] | None = None
    ) -> str:
        """Make a dandiset, and give its six digits."""
        made = self.call(
            "POST", "/dandisets/", params={"embargo": str(embargo).lower()}, json={"name": name, "metadata": metadata or {}}
        )
        made.raise_for_status()
        self.made.append(str(made.json()["identifier"]))
        return self.made[-1]

    def delete_dandisets(self) -> None:
        """Delete what `new_dandiset` made, also where one of them cannot be: a real archive is left as it was but for its blobs."""
        left = []
        while self.made:
            dandiset = self.made.pop()
            paths = (f"/dandisets/{dandiset}/uploads/", f"/dandisets/{dandiset}/")
            answers = [self.call("DELETE", path) for path in paths]
            left += [f"{answer.request.url}: {answer.status_code} {answer.text}" for answer in answers if not answer.ok]
        if left:
            raise AssertionError("what the test made stays in the archive: " + "; ".join(left))

    def assets(self, dandiset: str) -> dict[str, dict[str, Any]]:
        """The assets of a draft with their metadata, by path."""
        rows: list[dict[str, Any]] = []
        url = f"/dandisets/{dandiset}/versions/draft/assets/"
        while True:
            page = self.call("GET", url, params={"metadata": "true", "page_size": 1000, "page": 1 + len(rows) // 1000})
            page.raise_for_status()
            rows += page.json()["results"]
            if page.json()["next"] is None:
                break
        found = {row["path"]: row for row in rows}
        if len(found) != len(rows):
            raise AssertionError(f"paths of {dandiset} appear twice: {[row['path'] for row in rows]}")
        return found

    def sha256(self, dandiset: str, *, timeout: float = 600) -> dict[str, str]:
        """The SHA-256 that the archive computed of each asset, once it has all of them."""

        def all_known() -> dict[str, str] | None:
            digests = {path: row["metadata"]["digest"].get("dandi:sha2-256") for path, row in self.assets(dandiset).items()}
            return None if None in digests.values() else digests

        return wait_for(all_known, timeout=timeout)

    def draft(self, dandiset: str) -> dict[str, Any]:
        """The archive's account of a draft: status, errors, metadata."""
        answered = self.call("GET", f"/dandisets/{dandiset}/versions/draft/info/")
        answered.raise_for_status()
        return dict(answered.json())


def wait_for(look: Callable[[], _Found | None], *, timeout: float = 60) -> _Found:
    """Ask `look` until it gives something; TimeoutError after `timeout` seconds."""
    until, pause = time.monotonic() + timeout, 0.05
    while (found := look()) is None:
        if time.monotonic() > until:
            raise TimeoutError(f"waited {timeout} s in vain")
        time.sleep(pause)
        pause = min(1.1 * pause, 2.0)  # a real archive is not asked twenty times a second for minutes
    return found


def _variable(instance: str) -> str:
    return f"{instance.upper().replace('-', '_')}_API_KEY"
