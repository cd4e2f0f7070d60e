"""Requests that end, are tried again where that helps, and carry the token nowhere else."""

from __future__ import annotations

import datetime
import ipaddress
import json
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bergmann.errors import ArchiveError
from bergmann.publish.client import lifetime_ends
from bergmann.publish.credentials import Token, find_token, without_signatures
from bergmann.publish.instances import Instance, find_instance
from bergmann.publish.wire import Patience, UnreachableError, Wire

SECRET = "0123456789abcdef0123456789abcdef01234567"
Reply = tuple[int, dict[str, str], bytes]


@contextmanager
def server(reply: Callable[[Any], Reply], context: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[Any]]]:
    """A server on loopback that answers by `reply`, and the requests that it saw."""
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            return None

        def answer(self) -> None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append(self)
            status, headers, body = reply(self)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = answer

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            return None

    running = Quiet(("127.0.0.1", 0), Handler)
    if context is not None:
        running.socket = context.wrap_socket(running.socket, server_side=True)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if context else ''}://127.0.0.1:{running.server_port}", seen
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def wire(url: str, seconds: float = 0.2, timeout: float = 2.0) -> Wire:
    return Wire(f"{url}/api", Token(SECRET, "a test"), Patience(seconds, timeout))


def good(request: Any) -> Reply:
    return 200, {}, b"{}"


def test_the_token_goes_to_the_api_and_not_to_the_store() -> None:
    with server(good) as (url, seen), server(good) as (store, sent):
        asked = wire(url)
        asked.call("GET", "/users/me/")
        asked.store("PUT", f"{store}/x?X-Amz-Signature=1", lambda: b"abc")
        assert seen[0].headers["Authorization"] == f"token {SECRET}"
        assert "Authorization" not in sent[0].headers
        assert sent[0].body == b"abc"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(status: int) -> None:
    with server(good) as (other, there), server(lambda _: (status, {"Location": f"{other}/api/users/me/"}, b"")) as (url, _):
        with pytest.raises(ArchiveError, match="the token is not sent"):
            wire(url).call("GET", "/users/me/")
        assert there == []


def test_a_redirect_within_the_archive_is_followed_and_a_circle_ends() -> None:
    def turn(request: Any) -> Reply:
        return (200, {}, b"1") if request.path.endswith("/") else (301, {"Location": f"{request.path}/"}, b"")

    with server(turn) as (url, _):
        assert wire(url).call("GET", "/auth/token").json() == 1
    with (
        server(lambda request: (302, {"Location": request.path}, b"")) as (url, _),
        pytest.raises(UnreachableError, match="circle"),
    ):
        wire(url).call("GET", "/auth/token/")


def test_netrc_and_proxies_are_not_used_for_what_they_would_spoil(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("default login me password netrc-secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with server(good) as (proxy, through), server(good) as (url, seen):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        wire(url).store("PUT", f"{url}/x", lambda: b"1")
        wire(url).call("GET", "/info/")
        assert through == []
        assert "Authorization" not in seen[0].headers


@pytest.mark.parametrize(
    "url", ["http://api.example.org/api", "http://192.0.2.1/api", "ftp://127.0.0.1/api", "https://me:pw@x.org/api"]
)
def test_where_the_token_would_be_read_on_the_way_nothing_is_sent(url: str) -> None:
    with pytest.raises(ArchiveError):
        Wire(url, Token(SECRET, "a test"))
    with pytest.raises(ArchiveError):
        find_instance(url)
    with pytest.raises(ArchiveError):
        wire("http://127.0.0.1:1").store("PUT", url, lambda: b"")


@pytest.mark.parametrize(
    ("status", "body", "times"),
    [
        *((again, b"", 2) for again in (408, 429, 500, 503)),
        (400, b"<Error><Code>RequestTimeout</Code></Error>", 2),
        *((never, b"", 1) for never in (400, 401, 403, 404, 409)),
    ],
)
def test_what_is_tried_again(status: int, body: bytes, times: int) -> None:
    with server(lambda request: (status, {}, body) if len(seen) == 1 else good(request)) as (url, seen):
        answer = wire(url).call("POST", "/x/", send={})
        assert (len(seen), answer.status) == (times, status if times == 1 else 200)


def test_retry_after_is_heeded_and_one_that_is_too_long_ends_it() -> None:
    import time

    with server(lambda request: (429, {"Retry-After": "1"}, b"") if len(seen) == 1 else good(request)) as (url, seen):
        began = time.monotonic()
        wire(url, seconds=5).call("GET", "/x/")
        assert time.monotonic() - began >= 1
    with server(lambda request: (429, {"Retry-After": "3600"}, b"")) as (url, seen):
        with pytest.raises(UnreachableError, match="429"):
            wire(url, seconds=5).call("GET", "/x/")
        assert len(seen) == 1


def test_silence_ends_and_an_answer_that_is_no_json_is_asked_for_again() -> None:
    waiting = threading.Event()

    def silent(request: Any) -> Reply:
        waiting.wait(20)
        return good(request)

    with server(silent) as (url, _):
        with pytest.raises(UnreachableError, match="fell silent"):
            wire(url, timeout=0.2).call("GET", "/x/")
        waiting.set()
    with server(lambda request: (200, {}, b"<html>") if len(seen) == 1 else (200, {}, b"[1]")) as (url, seen):
        assert wire(url).call("GET", "/x/").json() == [1]


def test_no_error_and_no_log_holds_the_token_or_a_signature(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    signed = "/x?X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-Signature=deadbeef"
    body = f"{SECRET} https://s3.example.org{signed}".encode()
    with server(lambda _: (500, {}, body)) as (url, _):
        with pytest.raises(UnreachableError) as failed:
            wire(url).store("PUT", f"{url}{signed}", lambda: b"1")
        chain: list[BaseException | None] = [failed.value, failed.value.__cause__, failed.value.__context__]
    with pytest.raises(UnreachableError) as unreachable:
        wire("http://127.0.0.1:1").store("PUT", f"http://127.0.0.1:1{signed}", lambda: b"1")
    chain += [unreachable.value, unreachable.value.__cause__, unreachable.value.__context__]
    said = "\n".join([caplog.text, *map(repr, chain), *map(str, chain), repr(Token(SECRET)), str(Token(SECRET)), repr(wire(url))])
    assert "127.0.0.1" in caplog.text
    assert "deadbeef" not in said
    assert SECRET not in said
    assert unreachable.value.__context__ is None


def test_signatures_are_taken_out_of_texts() -> None:
    said = without_signatures(
        "PUT https://b.s3.amazonaws.com/k?uploadId=1&X-Amz-Signature=ab12 failed; Authorization: token abcdef"
    )
    assert said == "PUT https://b.s3.amazonaws.com/k?<left out> failed; Authorization: token <left out>"
    assert without_signatures("GET /assets/?page=2 404") == "GET /assets/?page=2 404"


def test_a_certificate_that_is_not_the_archives_ends_it_at_once(tmp_path: Path) -> None:
    with server(good, self_signed(tmp_path)) as (url, seen):
        with pytest.raises(UnreachableError, match="certificate is not accepted"):
            wire(url, seconds=60).call("GET", "/info/")
        assert seen == []


def self_signed(folder: Path) -> ssl.SSLContext:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


@pytest.mark.parametrize("stated", ["dandi", "dandi-sandbox", "ember", "ember-sandbox", "linc"])
def test_the_variable_of_the_token_is_the_dandi_clients(stated: str) -> None:
    from dandi.consts import known_instances
    from dandi.dandiapi import DandiAPIClient

    instance = find_instance(stated)
    theirs = DandiAPIClient(dandi_instance=known_instances[instance.name])
    assert instance.token_variable == theirs.api_key_env_var
    assert instance.api == theirs.api_url.rstrip("/")
    assert find_instance(f"{instance.api}/") == find_instance(instance.web) == instance


def test_dandis_own_variable_is_not_used_for_another_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    environment = {"DANDI_API_KEY": SECRET}
    assert find_token(find_instance("dandi"), environment) == Token(SECRET, "the variable DANDI_API_KEY")
    for other in ("dandi-sandbox", "ember", "http://127.0.0.1:8000/api"):
        assert find_token(find_instance(other), environment) is None
    here = Instance("127.0.0.1:8000", "http://127.0.0.1:8000/api")
    assert here.token_variable == "127.0.0.1:8000_API_KEY"
    with pytest.raises(ArchiveError, match="holds no token") as failed:
        find_token(find_instance("dandi"), {"DANDI_API_KEY": f"{SECRET} {SECRET}"})
    assert SECRET not in str(failed.value)


def test_when_a_signed_address_ends() -> None:
    ends = datetime.datetime(2026, 1, 1, 0, 1, tzinfo=datetime.UTC).timestamp()
    assert lifetime_ends("https://x/y?X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-Signature=a") == ends
    assert lifetime_ends("https://x/y?X-Amz-Expires=60") is None


def test_a_body_is_sent_as_json() -> None:
    with server(good) as (url, seen):
        wire(url).call("POST", "/x/", send={"a": "\u00b5"}, query={"page": "1"})
        assert json.loads(seen[0].body) == {"a": "\u00b5"}
        assert seen[0].path == "/api/x/?page=1"
