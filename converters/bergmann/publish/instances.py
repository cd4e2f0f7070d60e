"""Archives by name or address, as the dandi client names them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from bergmann.errors import ArchiveError

_SHORT = {"ember": "ember-dandi", "ember-sandbox": "ember-dandi-sandbox", "sandbox": "dandi-sandbox"}


@dataclass(frozen=True)
class Instance:
    """An archive.

    Attributes
    ----------
    name : str
        As the dandi client names it: of a list, else host and port.
    api : str
        Address of its API, without a slash at the end.
    web : str
        Address of its pages; empty if it is not known.
    """

    name: str
    api: str
    web: str = ""

    @property
    def token_variable(self) -> str:
        """The environment variable of its token, by the dandi client's rule: the name in capitals, ``-`` as ``_``."""
        return f"{self.name.upper().replace('-', '_')}_API_KEY"

    def dandiset_page(self, dandiset_id: str) -> str:
        """Address of a dandiset's draft, for a person; empty if the archive's pages are not known."""
        return f"{self.web}/dandiset/{dandiset_id}/draft" if self.web else ""


def find_instance(stated: str) -> Instance:
    """An archive by its name (``dandi``, ``dandi-sandbox``, ``ember``) or the address of its API or pages.

    Raises
    ------
    ArchiveError
        If the name is not known, or the address is not one that a token may be sent to.
    """
    from dandi.consts import known_instances

    if "://" in stated:
        url = stated.rstrip("/")
        refuse_unsafe(url)
        for known in known_instances.values():
            if url in {address.rstrip("/") for address in known.urls()}:
                return Instance(known.name, known.api.rstrip("/"), (known.gui or "").rstrip("/"))
        api = url if urlsplit(url).path else f"{url}/api"
        return Instance(urlsplit(api).netloc, api)
    name = _SHORT.get(stated, stated)
    if name not in known_instances:
        names = ", ".join([*(one for one in known_instances if "docker" not in one), *_SHORT])
        raise ArchiveError(f"no archive is called {stated!r}; known are {names}, or state the address of its API (https://...)")
    found = known_instances[name]
    return Instance(name, found.api.rstrip("/"), (found.gui or "").rstrip("/"))


def refuse_unsafe(url: str) -> None:
    """Refuse an address to which neither a token nor a file may go.

    Raises
    ------
    ArchiveError
        If it is neither https nor, on this computer itself, http; or carries a user's name or password.
    """
    parts = urlsplit(url)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.username or parts.password:
        raise ArchiveError(f"{shown}: the address carries a user or password; state it without")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
        raise ArchiveError(
            f"{shown}: only https is used (http to this computer itself), since others could read the token on the way"
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this computer itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
