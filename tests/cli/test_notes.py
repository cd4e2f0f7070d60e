"""The notes of a conversion: each once."""

from __future__ import annotations

import pytest

from bergmann.cli.output import print_notes
from bergmann.findings import Finding


def note(location: str, message: str, origin: str = "nwbinspector", remedy: str = "") -> Finding:
    return Finding(severity="note", check="x", location=location, message=message, origin=origin, remedy=remedy)


def test_what_is_the_same_of_many_objects_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    names = "abcda"
    findings = [note(f"sub-1_ses-2.nwb: Vector {name}", "Description is missing.") for name in names]
    findings.append(note("session.yaml:3 sources.movie", "its own clock says 10:31:04", "bergmann", "mend it"))
    findings.append(Finding(severity="warning", check="x", location="here", message="said before"))
    print_notes(findings)
    assert capsys.readouterr().out.splitlines() == [
        "notes  each once; --json lists each with its place",
        "    5 x [nwbinspector] Description is missing. (Vector a, Vector b, Vector c, and 1 more)",
        "    its own clock says 10:31:04 (session.yaml:3 sources.movie)",
        "      -> mend it",
    ]


def test_without_notes_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_notes([Finding(severity="error", check="x", location="here", message="said before")])
    assert capsys.readouterr().out == ""
