"""A blinded session tells its arm nowhere, and gets it from the key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from pynwb import NWBHDF5IO

from ..conftest import Ran
from .conftest import Folder

Run = Callable[..., Ran]

SECRET = "zyxomab"

ARM = f"""\
# {SECRET}
arm: {SECRET}
arm_is_control: true
factors: {{knockdown: {SECRET}}}
vectors: {{treatment: {{construct: AAV-{SECRET}, description: {SECRET}}}, {SECRET}: {{construct: {SECRET}}}}}
receptors: {{adra1a: {{by: {SECRET} shRNA, status: knocked_down, vector: treatment}}}}
procedures: {{virus: {{description: {SECRET}}}}}
"""

SESSION = """\
format_version: 1
time_zone: Asia/Seoul
session: {id: s1, start: from daq, description: "Simulated, to be altered."}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
arm: blinded
populations:
  bg: {cell_type: Bergmann glial cell, location: "CUL4, 5"}
vectors:
  treatment: {construct: unknown}
receptors:
  adra1a: {receptor: Adra1a, population: bg, status: unknown}
procedures:
  virus: {kind: injection, date: 2024-04-19, vectors: [treatment]}
sources:
  daq: {format: wavesurfer, path: daq/bg042_0001.h5}
"""


@pytest.fixture
def blind(folder: Folder) -> Folder:
    """A blinded session; the key and the documents of the arms lie in its folder."""
    folder.session.write_text(SESSION, encoding="utf-8")
    (folder.path / "arms").mkdir()
    for name in (f"arm-{SECRET}.yaml", f"{SECRET}.yaml", f"arms/{SECRET}-1.yaml"):
        (folder.path / name).write_text(ARM, encoding="utf-8")
    key = f"subject,arm,document\nBG042,{SECRET},{SECRET}.yaml\nBG043,other,\n"
    (folder.path / "arms.csv").write_text(key, encoding="utf-8")
    return folder


def outputs(folder: Folder, bergmann: Run) -> dict[str, str]:
    """Everything that any command says of the session, and the page."""
    page = folder.path / "page.html"
    ran = {
        "check": bergmann("check", folder.session, "--page", page),
        "check --json": bergmann("check", folder.session, "--json"),
        "convert": bergmann("convert", folder.session, "--out", folder.out),
        "convert --json": bergmann("convert", folder.session, "--out", folder.out, "--json"),
        "init": bergmann("init", folder.path),
        "init --json": bergmann("init", folder.path, "--json"),
    }
    said = {name: one.stdout + one.stderr for name, one in ran.items()}
    return {**said, "page": page.read_text(encoding="utf-8")}


def told(texts: dict[str, str]) -> dict[str, list[str]]:
    """The lines that tell the arm."""
    found = {name: [line for line in text.splitlines() if SECRET in line.lower()] for name, text in texts.items()}
    return {name: lines for name, lines in found.items() if lines}


def texts_in(path: Path) -> dict[str, str]:
    """Every name, attribute and value in a file, and its bytes; values may lie compressed in the bytes."""
    texts = {"bytes": path.read_bytes().decode("latin-1")}

    def look(name: str, thing: h5py.Group | h5py.Dataset) -> None:
        texts[name] = f"{name} {dict(thing.attrs)}"
        if isinstance(thing, h5py.Dataset) and thing.dtype.kind not in "iuf":
            texts[name] += str(thing[()].tolist() if thing.shape else thing[()])

    with h5py.File(path, "r") as file:
        file.visititems(look)
    return texts


def names_below(folder: Path) -> str:
    return "\n".join(one.relative_to(folder).as_posix() for one in folder.rglob("*"))


# --- nothing tells the arm --------------------------------------------------------------------------------------------


def test_what_is_written_of_a_blinded_session_tells_its_arm_nowhere(blind: Folder, bergmann: Run) -> None:
    assert bergmann("check", blind.session).status == 0
    assert not told(outputs(blind, bergmann))
    (file,) = blind.out.rglob("*.nwb")
    texts = texts_in(file)
    assert "adra1a" in " ".join(texts.values()).lower(), "the test looks at the values"
    assert not told(texts)
    assert not told({"names": names_below(blind.out)})
    with NWBHDF5IO(file, "r") as io:
        metadata = io.read().lab_meta_data["glial_receptor_metadata"]
        assert (metadata.arm, metadata.arm_is_control, metadata.factors) == ("blinded", None, None)
        assert list(metadata.receptors["genetic_status"][:]) == ["unknown"]


@pytest.mark.parametrize("name", [f"arm-{SECRET}.yaml", f"{SECRET}.yaml", f"arms/{SECRET}-1.yaml", f"arms/{SECRET}-gone.yaml"])
@pytest.mark.parametrize("damage", ["", "notes: [\n", "\tarm: x\n"])
def test_a_blinded_session_that_uses_the_arms_document_is_refused_and_tells_nothing(
    blind: Folder, bergmann: Run, name: str, damage: str
) -> None:
    blind.state("format_version: 1\n", f"format_version: 1\nuse: {name}\n")
    if (blind.path / name).exists():
        (blind.path / name).write_text(ARM + damage, encoding="utf-8")
    said = outputs(blind, bergmann)
    assert not told(said)
    assert "tells the arm" in said["convert"]
    assert not blind.out.exists()
    assert SECRET in blind.session.read_text(encoding="utf-8"), "the page has masked what stands in the session file"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("path: daq/bg042_0001.h5", "path: gone.h5"),
        ("path: daq/bg042_0001.h5", "path: arms/gone.h5"),
        ("time_zone:", "use: gone.yaml\ntime_zone:"),
        ("arm: blinded", "arm: blinded\nuse: [\n"),
        ("arm: blinded", f"arm: blinded\nfactors: {{knockdown: {SECRET}}}"),
        ("arm: blinded", f"arm: blinded\narm_is_control: {SECRET}"),
        ("arm: blinded", f"arm: blinded\nuse: [{SECRET}.yaml, {SECRET}.yaml]"),
    ],
)
def test_no_message_about_a_mistake_names_the_arm(blind: Folder, bergmann: Run, old: str, new: str) -> None:
    blind.state(old, new)
    assert bergmann("check", blind.session).status != 0
    assert not told(outputs(blind, bergmann))


def test_the_statements_of_two_arms_have_the_same_digest_while_blinded(blind: Folder, bergmann: Run) -> None:
    digests = []
    for arm in (SECRET, "scrambled"):
        (blind.path / f"{SECRET}.yaml").write_text(ARM.replace(SECRET, arm), encoding="utf-8")
        assert bergmann("convert", blind.session, "--out", blind.out, "--overwrite").status == 0
        (file,) = blind.out.rglob("*.nwb")
        with h5py.File(file, "r") as content:
            digests.append(content["general/bergmann_conversion"].attrs["plan_digest"])
    assert digests[0] == digests[1]


# --- the key ----------------------------------------------------------------------------------------------------------


def test_the_key_gives_the_file_its_arm(blind: Folder, bergmann: Run) -> None:
    key = blind.path / "arms.csv"
    assert bergmann("check", blind.session, "--arms", key).status == 0
    assert bergmann("convert", blind.session, "--out", blind.out).status == 0
    ran = bergmann("convert", blind.session, "--out", blind.out, "--arms", key, "--overwrite")
    assert ran.status == 0, ran.stdout
    (file,) = blind.out.rglob("*.nwb")
    assert not told({"names": names_below(blind.out)})
    with NWBHDF5IO(file, "r") as io:
        nwbfile = io.read()
        metadata = nwbfile.lab_meta_data["glial_receptor_metadata"]
        assert (metadata.arm, bool(metadata.arm_is_control), list(metadata.factors)) == (SECRET, True, [f"knockdown={SECRET}"])
        assert list(metadata.receptors["genetic_status"][:]) == ["knocked_down"]
        said = nwbfile.lab_meta_data["bergmann_conversion"].statements.to_dataframe()
        places = dict(zip(said["key"], said["origin"], strict=True))
    assert (places["arm"], places["receptors.adra1a.status"]) == ("arms.csv:2", f"{SECRET}.yaml:6")
    assert places["receptors.adra1a.receptor"] == "session.yaml:11"


def test_a_key_that_lacks_the_animal_writes_nothing(blind: Folder, bergmann: Run) -> None:
    (blind.path / "arms.csv").write_text("subject,arm\n042,x\n", encoding="utf-8")
    ran = bergmann("convert", blind.session, "--out", blind.out, "--arms", blind.path / "arms.csv")
    assert ran.status == 1
    assert "subject `BG042` is not in the key" in ran.stdout
    assert not blind.out.exists()


@pytest.mark.parametrize("command", ["check", "convert"])
def test_a_key_that_cannot_be_used_ends_the_command(blind: Folder, bergmann: Run, command: str) -> None:
    (blind.path / "arms.csv").write_text("animal,arm\nBG042,x\n", encoding="utf-8")
    ran = bergmann(command, blind.session, "--arms", blind.path / "arms.csv")
    assert (ran.status, "there is no column `subject`" in ran.stdout) == (2, True)
    ran = bergmann(command, blind.session, "--arms", blind.path / "arms.csv", "--json")
    assert ran.status == 2
    assert json.loads(ran.stdout)["findings"][0]["location"] == "arms.csv:1"
