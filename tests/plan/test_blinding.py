"""What a blinded session may say, and what the key lays over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bergmann.plan.arms import load_key
from bergmann.plan.session import LoadedSession, Vocabulary, load_session
from bergmann.plan.veil import Veil

from .conftest import COMPLETE

Write = Callable[..., Path]
Unblind = Callable[..., LoadedSession]
BLINDED = COMPLETE + "arm: blinded\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files by name; gives the folder."""

    def written(**files: str) -> Path:
        for name, text in {"session_yaml": BLINDED, **files}.items():
            stem, _, suffix = name.rpartition("_")
            path = tmp_path / f"{stem.replace('__', '/')}.{suffix}"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return written


@pytest.fixture
def unblind(write: Write, vocabulary: Vocabulary) -> Unblind:
    """Load the session with the key `arms.csv`."""

    def loaded(**files: str) -> LoadedSession:
        folder = write(**files)
        return load_session(folder / "session.yaml", vocabulary, load_key(folder / "arms.csv"))

    return loaded


def said(loaded: LoadedSession) -> list[str]:
    return [f"{one.severity} {one.check} {one.location}: {one.message}" for one in loaded.findings]


# --- without the key --------------------------------------------------------------------------------------------------


def test_blinded_is_a_value(write: Write, vocabulary: Vocabulary) -> None:
    loaded = load_session(write() / "session.yaml", vocabulary)
    assert not loaded.findings
    assert loaded.head is not None
    assert (loaded.head.arm, loaded.is_blinded) == ("blinded", True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("secret_yaml", "arm: secret\ndevices: {secret: {model: secret}}\n"),
        ("secret_yaml", "{arm: secret, notes: secret}\n"),
        ("secret_yaml", "factors: {knockdown: secret}\n"),
        ("secret_yaml", "arm_is_control: true\n"),
        ("secret_yaml", "arm: secret\nnotes: [\n"),
        ("arms__secret_yaml", "notes: secret\n"),
        ("arm-secret_yaml", "notes: secret\n"),
        ("arm-secret_yaml", "notes: [\n"),
    ],
)
def test_a_document_that_tells_the_arm_is_not_looked_at_and_the_session_is_refused(
    write: Write, vocabulary: Vocabulary, name: str, text: str
) -> None:
    file = name.replace("__", "/").replace("_yaml", ".yaml")
    folder = write(**{name: text, "lab_yaml": "lab: here", "session_yaml": f"use: [lab.yaml, {file}]\n{BLINDED}"})
    loaded = load_session(folder / "session.yaml", vocabulary)
    (finding,) = loaded.findings
    assert finding.location == "session.yaml:1 use"
    assert finding.message.startswith("`arm: blinded`, and a document that is used here tells the arm")
    assert "secret" not in str(loaded)
    assert [one.name for one in loaded.documents] == ["lab.yaml", "session.yaml"]
    veil = Veil.of(loaded)
    assert veil.text(f"see {file}:3 devices.x") in ("see blinded", "see arms/blinded")


def test_what_only_the_arms_document_uses_belongs_to_it(write: Write, vocabulary: Vocabulary) -> None:
    folder = write(
        part_yaml="notes: secret\n",
        lab_yaml="use: [a.yaml]\nlab: here\n",
        a_yaml="use: part.yaml\narm: x\n",
        session_yaml=f"use: lab.yaml\n{BLINDED}",
    )
    loaded = load_session(folder / "session.yaml", vocabulary)
    assert [one.location for one in loaded.findings] == ["lab.yaml:1 use"]
    assert {"part.yaml", "a.yaml"} <= set(loaded.hidden)
    assert [one.name for one in loaded.documents] == ["lab.yaml", "session.yaml"]


def test_the_session_itself_must_not_tell_it_either(write: Write, vocabulary: Vocabulary) -> None:
    text = f"{BLINDED}factors:\n  knockdown: secret\narm_is_control: no\n"
    loaded = load_session(write(session_yaml=text) / "session.yaml", vocabulary)
    assert [(one.location, one.check) for one in loaded.findings] == [
        ("session.yaml:13 arm_is_control", "blinded"),
        ("session.yaml:11 factors", "blinded"),
    ]
    assert "secret" not in str(loaded)
    shown = list(Veil.of(loaded).lines(loaded.path))
    assert shown[-3:] == ["factors: blinded", ": blinded", "arm_is_control: blinded"]


def test_blank_factors_of_a_draft_tell_nothing(write: Write, vocabulary: Vocabulary) -> None:
    loaded = load_session(write(session_yaml=f"{BLINDED}factors: {{}}\n") / "session.yaml", vocabulary)
    assert not loaded.findings


def test_a_listing_of_files_does_not_name_the_arms(write: Write, vocabulary: Vocabulary) -> None:
    folder = write(other_yaml="arm: secret\n", secret_yaml="arm: secret\n", session_yaml=f"use: gone.yaml\n{BLINDED}")
    loaded = load_session(folder / "session.yaml", vocabulary)
    (finding,) = Veil.of(loaded).findings(loaded.findings)
    assert finding.message == "there is no file gone.yaml"
    assert finding.remedy == "YAML files beside session.yaml: blinded, blinded"


def test_a_session_that_is_not_blinded_hides_nothing(write: Write, vocabulary: Vocabulary) -> None:
    folder = write(arms__x_yaml="arm: x\nlab: here\n", session_yaml=f"use: arms/x.yaml\n{COMPLETE}")
    loaded = load_session(folder / "session.yaml", vocabulary)
    assert not loaded.findings
    assert loaded.head is not None
    assert (loaded.head.arm, loaded.head.lab, loaded.hidden) == ("x", "here", ())


# --- with the key -----------------------------------------------------------------------------------------------------


def test_the_key_gives_the_arm_and_says_so_as_the_origin(unblind: Unblind) -> None:
    loaded = unblind(arms_csv="subject,arm,arm_is_control,factors.knockdown\nBG041,x,yes,none\nBG042,shrna,no,Adra1a\n")
    assert not loaded.findings
    assert loaded.head is not None
    assert (loaded.head.arm, loaded.head.arm_is_control, dict(loaded.head.factors)) == ("shrna", False, {"knockdown": "Adra1a"})
    assert [loaded.place(key) for key in ("arm", "factors.knockdown")] == ["arms.csv:3 arm", "arms.csv:3 factors.knockdown"]
    assert (loaded.is_blinded, loaded.hidden) == (False, ())


def test_a_document_of_the_arm_adds_and_replaces_what_is_unknown(unblind: Unblind) -> None:
    loaded = unblind(
        arms_csv="subject;arm;document\nBG042;shrna;arms\\shrna.yaml\n",
        arms__shrna_yaml="arm: shrna\nplanes: {bg: {excitation: 900 nm}}\nindicators: {g: {name: GCaMP}}\n",
        session_yaml=BLINDED.replace("excitation: 920 nm", "excitation: unknown"),
    )
    assert not loaded.findings
    assert str(loaded.collections["planes"]["bg"].excitation) == "900 nm"  # type: ignore[attr-defined]
    assert loaded.place("planes.bg.excitation") == "shrna.yaml:2 planes.bg.excitation"
    assert loaded.place("planes.bg.device") == "session.yaml:6 planes.bg.device"
    assert loaded.collections["indicators"]["g"].name == "GCaMP"  # type: ignore[attr-defined]
    assert [one.name for one in loaded.documents] == ["shrna.yaml", "session.yaml"]


def test_an_arm_contradicts_nothing_that_is_stated(unblind: Unblind) -> None:
    loaded = unblind(
        arms_csv="subject,arm,document,lab\nBG042,shrna,a.yaml,there\n",
        a_yaml="planes: {bg: {excitation: 900 nm, device: scope}}\n",
        session_yaml=f"use: lab.yaml\n{BLINDED}",
        lab_yaml="lab: here\n",
    )
    assert said(loaded) == [
        "error conflict a.yaml:1 planes.bg.excitation: the arm says `900 nm`, and session.yaml:7 says `920 nm`",
        "error conflict arms.csv:2 lab: the arm says `there`, and lab.yaml:1 says `here`",
    ]


def test_paths_of_the_arms_document_are_relative_to_it(unblind: Unblind, tmp_path: Path) -> None:
    loaded = unblind(
        arms_csv="subject,arm,document,calibrations.k.file_path\nBG042,x,arms/x.yaml,k.csv\n",
        arms__x_yaml="calibrations: {c: {file_path: c.csv, date: 2024-05-02}, k: {date: 2024-05-02}}\n",
    )
    assert not loaded.findings
    found = {name: one.file_path for name, one in loaded.collections["calibrations"].items()}  # type: ignore[attr-defined]
    assert found == {"c": tmp_path / "arms" / "c.csv", "k": tmp_path / "k.csv"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"arms_csv": "subject,arm\nBG043,x\n"}, "error arm arms.csv:1: subject `BG042` is not in the key"),
        (
            {"arms_csv": "subject,arm\nBG042,x\nBG042,y\n"},
            "error arm arms.csv:3: subject `BG042` is in lines 2 and 3, which do not say the same",
        ),
        (
            {"arms_csv": "subject,arm,document\nBG042,x,a.yaml\n", "a_yaml": "arm: y\n"},
            "error conflict a.yaml:1 arm: arms.csv:2 names this document for the arm `x`, and it states another",
        ),
        (
            {"arms_csv": "subject,arm,document\nBG042,x,a.yaml\n", "a_yaml": "subject: {id: BG043}\n"},
            "error arm a.yaml:1 subject.id: an arm's document that states `subject.id` would be of one session only",
        ),
        (
            {"arms_csv": "subject,arm\nBG042,x\n", "session_yaml": COMPLETE + "arm: y\n"},
            "error conflict session.yaml:10 arm: the session says the arm `y` itself, and arms.csv:2 says `x`",
        ),
        (
            {"arms_csv": "subject,arm\nBG042,x\n", "session_yaml": f"use: a.yaml\n{BLINDED}", "a_yaml": "arm: y\n"},
            "error conflict a.yaml:1 arm: arms.csv:2 says the arm `x`, and a.yaml, which the session uses, says `y`",
        ),
        (
            {"arms_csv": "subject,arm\nBG042,x\n", "session_yaml": COMPLETE},
            "warning arm session.yaml:1 arm: the key has this session in line 2, and the session says nothing of an arm: none is "
            "laid over it",
        ),
        (
            {"arms_csv": "subject,arm,cage\nBG042,x,7\n"},
            "error unknown key arms.csv:2 cage: there is no key `cage`",
        ),
        (
            {"arms_csv": "subject,arm,planes\nBG042,x,7\n"},
            "error arm arms.csv:2 planes: `planes` is a map; set one of its keys: bg",
        ),
    ],
)
def test_what_could_mix_animals_up_is_refused_with_its_line(unblind: Unblind, files: dict[str, str], expected: str) -> None:
    assert expected in said(unblind(**files))


@pytest.mark.parametrize(("name", "tells"), [("pod7-shrna", True), ("shRNA_pod7", True), ("pod7", False), ("shrnap", False)])
def test_a_name_that_tells_the_arm_is_seen_with_the_key(unblind: Unblind, name: str, tells: bool) -> None:
    loaded = unblind(arms_csv="subject,arm\nBG042,shrna\n", session_yaml=BLINDED.replace("pod7", name))
    assert [(one.severity, one.location) for one in loaded.findings] == [("warning", "session.yaml:1 session.id")] * tells


def test_a_session_that_is_not_in_the_key_stays_blinded(unblind: Unblind) -> None:
    loaded = unblind(
        arms_csv="subject,arm\nBG043,x\n", session_yaml=f"use: arms/secret.yaml\n{BLINDED}", arms__secret_yaml="arm: secret\n"
    )
    assert loaded.is_blinded
    assert "secret" not in " ".join(one.text for one in loaded.findings)


@pytest.mark.parametrize("session", [COMPLETE + "arm: x\n", f"use: a.yaml\n{BLINDED}"])
def test_a_session_that_agrees_with_the_key_is_as_it_was(unblind: Unblind, session: str) -> None:
    loaded = unblind(arms_csv="subject,arm\nBG042,x\n", session_yaml=session, a_yaml="arm: x\nlab: here\n")
    assert not loaded.findings
    assert loaded.head is not None
    assert loaded.head.arm == "x"


def test_a_session_that_says_its_arm_itself_need_not_be_in_the_key(unblind: Unblind) -> None:
    assert not unblind(arms_csv="subject,arm\nBG043,x\n", session_yaml=COMPLETE + "arm: y\n").findings
