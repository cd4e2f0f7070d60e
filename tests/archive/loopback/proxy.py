"""The way to the archive and its store, broken on demand.

Two listeners, one before the archive and one before the store, pass every request on, except where a `Fault` says otherwise. A
fault is addressed by the step of the protocol, by which part of the file it is, and by how often it strikes.
"""

from __future__ import annotations

import http.client
import json
import re
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

Kind = Literal[
    "status", "reset", "hang", "trickle", "truncated", "lost", "wrong etag", "corrupted", "killed before", "killed after"
]
Step = Literal[
    "info", "token", "dandiset", "draft", "assets", "digest", "initialize", "part", "complete", "finish", "validate", "asset",
    "replace", "download", "uploads", "other",
]  # fmt: skip
Position = Literal["first", "middle", "last"]

KINDS: dict[Kind, str] = {
    "status": "answered with `status` by the proxy; the server never hears of it",
    "reset": "half of the request's body is read, then the connection is reset",
    "hang": "the request is read, and nothing is answered for as long as the client holds the connection",
    "trickle": "request and answer pass, each over `seconds`, a little at a time",
    "truncated": "the server acts; half of its answer's bytes arrive, then the connection ends",
    "lost": "the server acts; then the connection is reset without an answer",
    "wrong etag": "the server acts; the ETag in its answer is another",
    "corrupted": "one byte of the request's body is changed on the way",
    "killed before": "`Faults.kill` is called when the request has been read; it is not passed on",
    "killed after": "`Faults.kill` is called when the server has acted, before its answer is passed on",
}
# The protocol in its order: `complete` asks the archive for the URL that `finish` posts to the store.
STEPS: dict[Step, str] = {
    "initialize": r"POST /api/uploads/initialize/",
    "part": r"PUT /.*[?&]partNumber=",
    "complete": r"POST /api/uploads/[^/]+/complete/",
    "finish": r"POST /(?!api/).*[?&]uploadId=",
    "validate": r"POST /api/uploads/[^/]+/validate/",
    "asset": r"POST /api/dandisets/\d+/versions/draft/assets/$",
    "replace": r"PUT /api/dandisets/\d+/versions/draft/assets/[^/]+/$",
    "info": r"GET /api/info/",
    "token": r"GET /api/auth/token",
    "dandiset": r"GET /api/dandisets/\d+/$",
    "draft": r"(GET|PUT) /api/dandisets/\d+/versions/draft/(info/)?$",
    "assets": r"GET /api/dandisets/\d+/versions/draft/assets/(paths/)?(\?|$)",
    "digest": r"POST /api/blobs/digest/",
    "download": r"GET /(api/.*/download/|(?!api/).*)",
    "uploads": r"(GET|DELETE) /api/dandisets/\d+/uploads/",
}


# Closing a socket with this option resets the connection; the two fields are shorts on Windows.
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


@dataclass(frozen=True)
class Fault:
    """What goes wrong, where, and how often.

    Parameters
    ----------
    kind : Kind
    step : Step
    part : Position | int | None
        Of the step "part": which one (the first of a file of one part is also its middle and last); None is any.
    times : int | None
        How many requests it strikes; None is all.
    status, body, headers
        Of the kind "status": the answer. S3's time-out is ``status=400, body="<Error><Code>RequestTimeout</Code></Error>"``.
    seconds : float
        Of the kind "trickle".
    """

    kind: Kind
    step: Step
    part: Position | int | None = None
    times: int | None = 1
    status: int = 500
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 2.0


@dataclass
class Passed:
    """A request that reached the proxy: the bytes of its body that arrived so far, and the status that was sent back."""

    step: Step
    part: int | None
    method: str
    path: str
    fault: Fault | None
    received: int = 0
    status: int | None = None


class Faults:
    """The faults that wait, and all requests that came by.

    Attributes
    ----------
    seen : list[Passed]
    kill : Callable[[], None]
        Called by the two kinds of "killed".
    """

    def __init__(self) -> None:
        self.seen: list[Passed] = []
        self.kill: Callable[[], None] = lambda: None
        self._waiting: list[tuple[Fault, list[int]]] = []  # with a count of its strikes
        self._parts: dict[str, int] = {}  # number of parts by upload id
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._waiting += [(fault, [0]) for fault in faults]

    def clear(self) -> None:
        """Let everything pass from now on."""
        with self._lock:
            self._waiting = []

    @property
    def struck(self) -> int:
        """How many requests a fault struck so far."""
        return sum(passed.fault is not None for passed in self.seen)

    @property
    def part_bytes(self) -> int:
        """The bytes of parts that clients sent so far."""
        return sum(passed.received for passed in self.seen if passed.step == "part")

    def take(self, step: Step, number: int | None, upload: str) -> Fault | None:
        """The fault that strikes this request, counted as having struck."""
        with self._lock:
            for fault, struck in self._waiting:
                exhausted = fault.times is not None and struck[0] >= fault.times
                if fault.step == step and not exhausted and self._is_at(fault, number, upload):
                    struck[0] += 1
                    return fault
        return None

    def note_parts(self, answer: bytes) -> None:
        """Learn from an answer to initialize how many parts there are."""
        try:
            begun = json.loads(answer)
        except ValueError:
            return
        if isinstance(begun, dict) and "parts" in begun:
            with self._lock:
                self._parts[begun["upload_id"]] = len(begun["parts"])

    def _is_at(self, fault: Fault, number: int | None, upload: str) -> bool:
        if fault.part is None or number is None or isinstance(fault.part, int):
            return fault.part in {None, number}
        count = self._parts[upload]
        return number == {"first": 1, "middle": (count + 1) // 2, "last": count}[fault.part]


class Proxy:
    """A listener on loopback before one server, which is named later (`target`): the server must know the proxy's address first."""

    def __init__(self, faults: Faults) -> None:
        self.target = ""
        self.closing = threading.Event()
        proxy = self

        class Handler(_Relay):
            way = proxy
            account = faults

        self._server = _Listener(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away: here they are made to."""


class _Relay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    way: Proxy
    account: Faults

    def log_message(self, format: str, *args: Any) -> None:
        return None

    def _relay(self) -> None:
        step, number, upload = step_of(self.command, self.path)
        fault = self.account.take(step, number, upload)
        self._passed = Passed(step, number, self.command, self.path.partition("?")[0], fault)
        self.account.seen.append(self._passed)
        if fault is None:
            self._send(self._forward(self._body()))
        else:
            _STRIKES[fault.kind](self, fault)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _relay

    def _refuse(self, fault: Fault) -> None:
        self._body()
        self._send(_raw(fault.status, list(fault.headers.items()), fault.body.encode()))

    def _reset_halfway(self, fault: Fault) -> None:
        self._read(int(self.headers.get("Content-Length") or 0) // 2)
        self._reset()

    def _hang(self, fault: Fault) -> None:
        self._body()
        self.close_connection = True
        until = time.monotonic() + 3600
        while not self.way.closing.is_set() and time.monotonic() < until:
            if select.select([self.connection], [], [], 0.05)[0]:
                return  # the client left

    def _trickle(self, fault: Fault) -> None:
        self._send(self._forward(self._body(over=fault.seconds)), over=fault.seconds)

    def _truncate(self, fault: Fault) -> None:
        answer = self._forward(self._body())
        self._send(answer[: len(answer) // 2])
        self.close_connection = True

    def _lose(self, fault: Fault) -> None:
        self._forward(self._body())
        self._reset()

    def _mistake_etag(self, fault: Fault) -> None:
        self._send(_with_wrong_etag(self._forward(self._body())))

    def _corrupt(self, fault: Fault) -> None:
        body = self._body()
        self._send(self._forward(body[:-1] + bytes([body[-1] ^ 1])))

    def _kill_before(self, fault: Fault) -> None:
        self._body()
        self.account.kill()
        self._reset()

    def _kill_after(self, fault: Fault) -> None:
        self._forward(self._body())
        self.account.kill()
        self._reset()

    def _read(self, size: int) -> bytes:
        pieces = []
        while size > 0 and (piece := self.rfile.read(min(size, 2**16))):
            size -= len(piece)
            self._passed.received += len(piece)
            pieces.append(piece)
        if size > 0:
            raise ConnectionResetError("the client left while it sent")
        return b"".join(pieces)

    def _body(self, over: float = 0.0) -> bytes:
        size = int(self.headers.get("Content-Length") or 0)
        step = -(-size // 20) or 1
        pieces = []
        for start in range(0, size, step):
            pieces.append(self._read(min(step, size - start)))
            if over:
                self.way.closing.wait(over / 20)
        return b"".join(pieces)

    def _forward(self, body: bytes) -> bytes:
        """Pass the request on, and give the bytes of the answer."""
        connection = http.client.HTTPConnection(urlsplit(self.way.target).netloc, timeout=600)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"connection", "expect"}:
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if self.path.startswith("/api/uploads/initialize/"):
            self.account.note_parts(content)
        kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in {"connection", "transfer-encoding", "content-length"}]
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        return _raw(answer.status, kept, content, length)

    def _send(self, answer: bytes, over: float = 0.0) -> None:
        self._passed.status = int(answer.split(b" ", 2)[1])
        step = -(-len(answer) // 20) if over else len(answer)
        for start in range(0, len(answer), step):
            self.wfile.write(answer[start : start + step])
            self.wfile.flush()
            if over:
                self.way.closing.wait(over / 20)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.connection.close()


_STRIKES: dict[Kind, Callable[[_Relay, Fault], None]] = {
    "status": _Relay._refuse,
    "reset": _Relay._reset_halfway,
    "hang": _Relay._hang,
    "trickle": _Relay._trickle,
    "truncated": _Relay._truncate,
    "lost": _Relay._lose,
    "wrong etag": _Relay._mistake_etag,
    "corrupted": _Relay._corrupt,
    "killed before": _Relay._kill_before,
    "killed after": _Relay._kill_after,
}


def step_of(method: str, path: str) -> tuple[Step, int | None, str]:
    """The step of a request, the number of its part, and the id of its upload ("" where it has none)."""
    asked = f"{method} {path}"
    step: Step = next((name for name, pattern in STEPS.items() if re.match(pattern, asked)), "other")
    if step != "part":
        return step, None, ""
    place = urlsplit(path)
    return step, int(dict(parse_qsl(place.query))["partNumber"]), place.path.rpartition("/")[2]


def _raw(status: int, headers: list[tuple[str, str]], content: bytes, length: str | None = None) -> bytes:
    reason = http.client.responses.get(status, "Unknown")
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    if status != 204:
        lines.append(f"Content-Length: {length or len(content)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def _with_wrong_etag(answer: bytes) -> bytes:
    """The answer with the first digit of every ETag changed, in header or XML."""

    def other(match: re.Match[bytes]) -> bytes:
        return match[1] + (b"0" if match[2] != b"0" else b"1")

    return re.sub(rb'(?i)(etag(?:: ?|>)(?:"|&quot;|&#34;)?)([0-9a-f])', other, answer)
