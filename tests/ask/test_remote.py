"""A file on a server is asked in pieces; the server is of this machine."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import numpy as np
import pytest

from bergmann.ask import ask, remote
from bergmann.ask.remote import PIECE, RemoteFile, shown_url
from bergmann.errors import SourceError

from .conftest import Write, adra1a


@dataclass
class Server:
    """What a server gives, how it behaves, and what it was asked for.

    Attributes
    ----------
    content : bytes
    gives_parts : bool
    version : str
        Its ETag.
    stops_after : int
        Requests that are answered as they should be; later ones are answered 503.
    cuts : bool
        Whether it gives less than was asked for.
    asked : list of (int, int)
        First and last byte of each request.
    """

    content: bytes = b""
    gives_parts: bool = True
    version: str = '"one"'
    stops_after: int = 10**9
    cuts: bool = False
    asked: list[tuple[int, int]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/moved"):
                self.send_response(302)
                self.send_header("Location", f"{state.url}/one.nwb?signature=secret")
                self.end_headers()
                return
            if not self.path.startswith("/one.nwb"):
                self.send_error(404)
                return
            first, last = (int(one) for one in re.findall(r"\d+", self.headers["Range"]))
            state.asked.append((first, last))
            if len(state.asked) > state.stops_after:
                self.send_error(503)
                return
            part = state.content[first : last + 1] if state.gives_parts else state.content
            part = part[:-1] if state.cuts else part
            self.send_response(206 if state.gives_parts else 200)
            if state.gives_parts:
                self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(state.content)}")
            self.send_header("ETag", state.version)
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            """Nothing is said on the screen of the tests."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that goes away before it has everything is one of the cases."""

    made = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{made.server_port}"
    yield state
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def big(write: Write, server: Server) -> Path:
    """A file of 8 MB of which nearly all is a movie, on the server."""
    path = write(receptors=[adra1a(0, "knocked_down")])
    with h5py.File(path, "r+") as file:
        file["acquisition"].create_dataset("movie", data=np.arange(1_000_000, dtype=np.float64))
    server.content = path.read_bytes()
    return path


def test_a_file_on_a_server_is_asked_without_its_data(big: Path, server: Server) -> None:
    answers = ask([f"{server.url}/one.nwb"], gene="Adra1a", status="knocked_down")
    (answer,) = answers.answers
    assert (answer.session, answer.file, answers.unreadable) == ("one", f"{server.url}/one.nwb", ())
    assert sum(last - first + 1 for first, last in server.asked) < len(server.content) / 4
    assert len(server.asked) == len(set(server.asked))


@pytest.mark.usefixtures("big")
def test_an_address_that_leads_on_is_followed_and_its_signature_is_not_shown(server: Server) -> None:
    (answer,) = ask([f"{server.url}/moved?token=secret"]).answers
    assert answer.file == f"{server.url}/moved"


def test_local_and_remote_files_are_asked_together(big: Path, server: Server) -> None:
    assert ask([big, f"{server.url}/one.nwb"]).n_files == 2


def test_every_byte_is_the_file_s(big: Path, server: Server) -> None:
    with RemoteFile(f"{server.url}/one.nwb") as file:
        assert file.size == len(server.content)
        for place, length in (
            (0, 10),
            (PIECE - 3, 7),
            (PIECE * 2 - 1, PIECE + 2),
            (len(server.content) - 5, 50),
            (len(server.content), 4),
        ):
            file.seek(place)
            assert file.read(length) == server.content[place : place + length]
            assert file.tell() == min(place + length, len(server.content))
        assert file.seek(-4, 2) == len(server.content) - 4
        assert file.read() == server.content[-4:]


def test_no_more_pieces_are_kept_than_fit(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MOST_PIECES", 2)
    server.content = bytes(range(256)) * (PIECE * 4 // 256)
    with RemoteFile(f"{server.url}/one.nwb") as file:
        assert file.read() == server.content
        file.seek(0)
        assert file.read(1) == b"\x00"
    assert [first // PIECE for first, _ in server.asked] == [0, 1, 2, 3, 0]


@pytest.mark.usefixtures("big")
@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({"gives_parts": False}, "the server does not give parts of files; download the file"),
        ({"stops_after": 1}, "the server answers 503"),
        ({"cuts": True}, "the server gave other bytes than asked for"),
        ({"content": b"not HDF5" * 100}, "it is damaged or no HDF5 file"),
    ],
)
def test_a_server_that_does_not_give_the_file_is_a_finding(
    server: Server, monkeypatch: pytest.MonkeyPatch, behaviour: dict[str, object], said: str
) -> None:
    monkeypatch.setattr(remote, "PIECE", 4096)
    for name, value in behaviour.items():
        setattr(server, name, value)
    answers = ask([f"{server.url}/one.nwb?signature=secret"])
    (finding,) = answers.unreadable
    assert finding.location == f"{server.url}/one.nwb"
    assert said in finding.message
    assert "secret" not in finding.message
    assert answers.answers == ()


def test_a_file_that_changes_on_the_server_meanwhile_is_refused(server: Server) -> None:
    server.content = bytes(PIECE * 2)
    with RemoteFile(f"{server.url}/one.nwb") as file:
        server.version = '"two"'
        file.seek(PIECE)
        with pytest.raises(SourceError, match="the file was changed on the server while it was read; ask again"):
            file.read(1)


def test_an_address_without_file_or_server_is_a_finding(server: Server) -> None:
    wrong = ask([f"{server.url}/two.nwb", "http://127.0.0.1:9/one.nwb"]).unreadable
    assert "the server answers 404" in wrong[0].message
    assert "the server cannot be reached" in wrong[1].message


def test_what_may_be_secret_is_not_shown() -> None:
    assert shown_url("https://me:pw@example.org:8/a/b.nwb?X-Amz-Signature=1#x") == "https://example.org:8/a/b.nwb"
