"""What tells who made a text is found, and names, units and numbers are not."""

from __future__ import annotations

import pytest

from bergmann.privacy import find_private, hidden


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (r"saved in C:\Users\anna\data\x.tif, 3 planes", [("a path of a user", r"C:\Users\anna\data\x.tif")]),
        ("/home/anna/rig/x.h5", [("a path of a user", "/home/anna/rig/x.h5")]),
        ("/Users/anna", [("a path of a user", "/Users/anna")]),
        (r"D:\data\2p", [("an absolute path", r"D:\data\2p")]),
        (r"\\server\share\anna", [("a network path", r"\\server\share\anna")]),
        ("/mnt/lab/x", [("an absolute path", "/mnt/lab/x")]),
        ("ask anna.b@lab.ac.kr.", [("an e-mail address", "anna.b@lab.ac.kr")]),
        ("card 00:1a:2B:3c:4d:5e", [("an address of a network card", "00:1a:2B:3c:4d:5e")]),
        ("two: /home/a/b and c@d.org", [("a path of a user", "/home/a/b"), ("an e-mail address", "c@d.org")]),
    ],
)
def test_private_parts_are_found(text: str, parts: list[tuple[str, str]]) -> None:
    assert [(one.kind, text[one.start : one.stop]) for one in find_private(text)] == parts


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-17T10:30:57+09:00",
        "doi:10.1038/s41593-024-01807-z",
        "https://doi.org/10.1/data/x",
        "ratio F/F0, 10 mg/kg, and/or",
        "/acquisition/movie/data",
        "http://purl.obolibrary.org/obo/CL_0000644",
        "10:31:00:12:13",
        "A: B",
        "sub-1/sub-1_ses-2.nwb",
    ],
)
def test_what_is_not_private_is_not_found(text: str) -> None:
    assert list(find_private(text)) == []


def test_a_message_does_not_tell_it() -> None:
    text = "from /home/anna/x"
    (found,) = find_private(text)
    assert hidden(text, found) == "/ho... (12 characters)"
