"""Requests that end: each has a timeout, is tried again where that can help, and tells no secret."""

from __future__ import annotations

import json
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from bergmann.errors import ArchiveError
from bergmann.publish.credentials import Token, without_signatures
from bergmann.publish.instances import is_loopback, refuse_unsafe

BLOCK = 128 * 1024
"""Bytes that are given to the socket at once: its timeout holds for one such piece."""

_TRIED_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 3
_LEAST_ATTEMPTS = 5
_LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry", "requests")


class StoppedByUser(Exception):  # noqa: N818 - no error: somebody pressed Ctrl-C, and every thread ends
    """The run is being stopped."""


class RefusedError(ArchiveError):
    """An answer that trying again would not change.

    Attributes
    ----------
    status : int
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class UnreachableError(ArchiveError):
    """No usable answer came within the patience that was stated."""


@dataclass(frozen=True)
class Patience:
    """How long a step is tried.

    Attributes
    ----------
    seconds : float
        After its first failure a request is tried again for so long, and at least four times.
    timeout : float
        Seconds of silence after which one attempt is given up.
    """

    seconds: float = 300.0
    timeout: float = 60.0

    def pauses(self) -> Iterator[float]:
        """Seconds between attempts, twice as long each time up to half a minute, each cut at random so that many clients do not
        come back in step.
        """
        longest = min(0.5, self.seconds / 10)
        while True:
            yield random.uniform(longest / 2, longest)
            longest = min(2 * longest, 30.0)


@dataclass(frozen=True)
class Answer:
    """What a server said.

    Attributes
    ----------
    status : int
    headers : mapping
        Names in any case.
    body : bytes
    attempts : int
        How often the request was sent until this came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    attempts: int = 1

    @property
    def good(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON.

        Raises
        ------
        ValueError
            If it is none.
        """
        return json.loads(self.body)

    @property
    def words(self) -> str:
        """The body as one short line for a message."""
        text = self.body.decode("utf-8", errors="replace")
        try:
            found = json.loads(text)
        except ValueError:
            pass
        else:
            text = found.get("detail", text) if isinstance(found, dict) and len(found) == 1 else text
        line = " ".join(str(text).split())
        return line if len(line) <= 300 else f"{line[:300]}..."


class Body(Protocol):
    """Bytes to send, read piece by piece."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...

    def read(self, size: int = -1, /) -> bytes: ...


class _TokenAuth(AuthBase):
    """Adds the token to requests to one origin, and to no other."""

    def __init__(self, token: Token, origin: tuple[str, str]) -> None:
        self._token, self._origin = token, origin

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if origin_of(request.url or "") == self._origin:
            request.headers["Authorization"] = f"token {self._token.value}"
        return request


class _NoAuth(AuthBase):
    """Adds nothing: without it requests would look into ``.netrc`` and spoil a signed address."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, blocksize=BLOCK, **kwargs)


class _Hiding(logging.Filter):
    """Takes signatures out of what the libraries below log."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = without_signatures(record.getMessage()), ()
        return True


def origin_of(url: str) -> tuple[str, str]:
    """Scheme and host with port: what must be the same for a token to be sent."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


@dataclass
class Wire:
    """Sends requests to an archive and its object store, from any thread.

    Parameters
    ----------
    api : str
        The address below which the token is sent.
    token : Token or None
        None asks as nobody.
    patience : Patience
    stopping : threading.Event
        Once set, pauses end and nothing more is sent.
    """

    api: str
    token: Token | None
    patience: Patience = field(default_factory=Patience)
    stopping: threading.Event = field(default_factory=threading.Event)
    _local: threading.local = field(default_factory=threading.local, repr=False)
    _ahead: float = 0.0

    def __post_init__(self) -> None:
        refuse_unsafe(self.api)
        for name in _LOGGERS:
            logger = logging.getLogger(name)
            if not any(isinstance(one, _Hiding) for one in logger.filters):
                logger.addFilter(_Hiding())

    def now(self) -> datetime:
        """The time by the archive's clock, as its last answer told it."""
        return datetime.fromtimestamp(time.time() + self._ahead, UTC)

    def hidden(self, text: str) -> str:
        """A text without token and signatures."""
        return self.token.hidden_in(text) if self.token else without_signatures(text)

    def call(self, method: str, path: str, *, send: Any = None, query: Mapping[str, str] | None = None) -> Answer:
        """Ask the archive's API.

        Parameters
        ----------
        method, path : str
            The path begins with a slash and is relative to the API's address.
        send : object
            What is sent as JSON.
        query : mapping

        Returns
        -------
        Answer
            Also one that refuses. The body of one that does not is JSON, but for 204 (no content).

        Raises
        ------
        UnreachableError
        """
        content = None if send is None else json.dumps(send).encode()
        request = requests.Request(method, f"{self.api}{path}", params=dict(query or {}))
        url = request.prepare().url or ""
        return self._persist(method, url, lambda: content, {"Content-Type": "application/json"} if content else {}, is_api=True)

    def store(
        self, method: str, url: str, body: Callable[[], Body | bytes], *, usable: Callable[[Answer], bool] | None = None
    ) -> Answer:
        """Ask the object store, at an address that the archive has signed; the token is not sent.

        Parameters
        ----------
        method, url : str
        body : callable
            Gives the bytes anew for each attempt.
        usable : callable
            False of an answer that does not count, such as one that says "good" and holds an error.

        Raises
        ------
        UnreachableError
        """
        refuse_unsafe(url)
        return self._persist(method, url, body, {}, is_api=False, usable=usable)

    def _persist(
        self,
        method: str,
        url: str,
        body: Callable[[], Body | bytes | None],
        headers: Mapping[str, str],
        *,
        is_api: bool,
        usable: Callable[[Answer], bool] | None = None,
    ) -> Answer:
        """Try until an answer counts, or patience ends."""
        first_failure: float | None = None
        for attempt, pause in enumerate(self.patience.pauses(), start=1):
            if self.stopping.is_set():
                raise StoppedByUser
            answer, problem = self._attempt(method, url, body, headers, is_api=is_api)
            if answer is not None:
                counts = not _is_passing(answer) and (_is_whole(answer) if is_api else usable is None or usable(answer))
                if counts:
                    return Answer(answer.status, answer.headers, answer.body, attempt)
                problem = f"it answers {answer.status} {self.hidden(answer.words)}".rstrip()
                pause = max(pause, _asked_pause(answer))
            now = time.monotonic()
            first_failure = now if first_failure is None else first_failure
            too_late = now + pause - first_failure > self.patience.seconds
            if too_late and (attempt >= _LEAST_ATTEMPTS or pause > max(self.patience.seconds, 1.0)):
                raise UnreachableError(
                    f"{_host(url)}: {problem} ({method} {_step(url)}, {attempt} attempts); check the network, run the same again"
                )
            self.stopping.wait(pause)
        raise AssertionError("pauses never end")

    def _attempt(
        self, method: str, url: str, body: Callable[[], Body | bytes | None], headers: Mapping[str, str], *, is_api: bool
    ) -> tuple[Answer | None, str]:
        """One attempt: an answer, or what went wrong in words."""
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                received = self._session(is_api=is_api).request(
                    method,
                    url,
                    data=body(),
                    headers=dict(headers),
                    timeout=(min(30.0, self.patience.timeout), self.patience.timeout),
                    allow_redirects=False,
                    proxies=_proxies(url),
                )
                answer = Answer(received.status_code, received.headers, received.content)
                if answer.status not in _REDIRECTS or not is_api:
                    break
                url = _followed(method, url, answer)
            else:
                return None, "it leads in a circle"
        except requests.exceptions.SSLError as error:
            fatal, problem = _is_certificate(error), self.hidden(_said(error))
        except (requests.RequestException, OSError) as error:
            fatal, problem = isinstance(error, ValueError), self.hidden(_said(error))
        else:
            self._look_at_clock(answer)
            return answer, ""
        # Out of the except blocks, so that no exception that holds the request, its token and its address travels along.
        if fatal:
            raise UnreachableError(f"{_host(url)}: {problem}; is the address right, and the certificate the archive's own?")
        return None, problem

    def _session(self, *, is_api: bool) -> requests.Session:
        name = "api" if is_api else "store"
        found: requests.Session | None = getattr(self._local, name, None)
        if found is None:
            found = requests.Session()
            found.auth = _TokenAuth(self.token, origin_of(self.api)) if is_api and self.token else _NoAuth()
            for scheme in ("https://", "http://"):
                found.mount(scheme, _Adapter(max_retries=0))
            setattr(self._local, name, found)
        return found

    def _look_at_clock(self, answer: Answer) -> None:
        stated = answer.headers.get("Date")
        if stated:
            try:
                self._ahead = parsedate_to_datetime(stated).timestamp() - time.time()
            except ValueError:
                return


def _is_passing(answer: Answer) -> bool:
    """Whether trying again may help: the server is busy, or the object store waited too long for bytes."""
    return answer.status in _TRIED_AGAIN or (answer.status == 400 and b"<Code>RequestTimeout</Code>" in answer.body)


def _is_whole(answer: Answer) -> bool:
    """Whether an answer of the API that says "good" can be read: one that was cut within its headers may look empty."""
    if not answer.good or answer.status == 204:
        return True
    try:
        answer.json()
    except ValueError:
        return False
    return True


def _asked_pause(answer: Answer) -> float:
    """Seconds that the server asks to wait (``Retry-After``, RFC 9110: a number or a date); 0 if it asks nothing."""
    stated = answer.headers.get("Retry-After", "").strip()
    if stated.isdecimal():
        return float(stated)
    try:
        return max(0.0, (parsedate_to_datetime(stated) - datetime.now(UTC)).total_seconds()) if stated else 0.0
    except (ValueError, TypeError):
        return 0.0


def _followed(method: str, url: str, answer: Answer) -> str:
    """Where a redirect leads, within the same origin."""
    target = urljoin(url, answer.headers.get("Location", ""))
    if origin_of(target) != origin_of(url):
        raise ArchiveError(
            f"{_host(url)}: it leads on to {_host(target)}, where the token is not sent; state that as the instance if it is right"
        )
    if method not in {"GET", "HEAD"} and answer.status not in {307, 308}:
        raise ArchiveError(
            f"{_host(url)}: it answers {method} with {answer.status} (moved); state the address of its API as the instance"
        )
    return target


def _proxies(url: str) -> dict[str, Any]:
    """No proxy to this computer itself; else those of the environment."""
    return {"http": None, "https": None} if is_loopback(urlsplit(url).hostname or "") else {}


def _is_certificate(error: BaseException) -> bool:
    """Whether the server's certificate was not accepted, as against a connection that broke."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in seen)


def _said(error: BaseException) -> str:
    """What went wrong, in short."""
    if isinstance(error, requests.exceptions.SSLError) and _is_certificate(error):
        return "its certificate is not accepted"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "it cannot be reached"
    if isinstance(error, requests.exceptions.Timeout):
        return "it fell silent"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "its answer broke off"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "the connection broke" if "Connection aborted" in str(error) or "reset" in str(error) else "it cannot be reached"
    return type(error).__name__


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] or "no address"


def _step(url: str) -> str:
    """The path of an address, without what signs it."""
    return urlsplit(url).path
