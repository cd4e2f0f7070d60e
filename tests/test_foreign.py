"""A lab's own formats: of an installed package, and of a folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bergmann.cli import main
from bergmann.errors import SourceError
from bergmann.foreign import installed_offers, list_format_files, offers_of_files
from bergmann.plan.schema import session_schema
from bergmann.plan.sources import Vocabulary

FORMAT = '''
from __future__ import annotations
from pathlib import Path
from typing import Literal
import numpy as np
from bergmann.errors import SourceError
from bergmann.records import Channel, Recording
from bergmann.registry import Format, Source, expand
from bergmann.stated import Frequency
from bergmann.timing.times import ExplicitTimes

class KEYSource(Source):
    """A text file of the logger."""
    format: Literal["KEY"] = "KEY"
    path: Path
    rate: Frequency

def find(folder):
    """Files that end with .KEY."""
    for path in folder.rglob("*.KEY"):
        yield KEYSource(path=path, rate="10 Hz")

def read(source, inputs):
    """The voltage."""
    (path,) = expand(source.path)
    volts = np.array([float(line) for line in path.read_text().split()])
    return Recording(files=(path,), rate=source.rate.to("Hz"), sweep_starts=ExplicitTimes(np.zeros(1)),
        sweep_lengths=np.array([len(volts)]), channels=(Channel(name="voltage", kind="analog", unit="V", samples=volts),))

FORMAT = Format(source=KEYSource, record=Recording, label="KEY text", find=find, read=read)
'''
SESSION = """\
format_version: 1
time_zone: UTC
session: {id: s1, description: A log., start: 2024-05-17 10:30:57}
subject: {id: m1, species: Mus musculus, sex: F, age: 11 weeks}
sources:
  log: {format: KEY, path: log.KEY, rate: 10 Hz}
"""
BEFORE_USE = "raise RuntimeError('it ran')"


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings folder for this test alone."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home))
    return home


Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Lay a package out as pip does: its module, and the metadata that names its formats."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def lay(key: str, text: str, *, package: str, entry: str = "", attribute: str = "") -> Path:
        (site / f"{package}.py").write_text(text, encoding="utf-8")
        info = site / f"{package}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n", encoding="utf-8")
        value = f"{package}{attribute}"
        (info / "entry_points.txt").write_text(f"[bergmann.formats]\n{entry or key} = {value}\n", encoding="utf-8")
        return site / f"{package}.py"

    yield lay
    for name in [name for name, module in sys.modules.items() if str(site) in str(getattr(module, "__file__", ""))]:
        del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of formats, with one of the key ``klog``."""
    made = tmp_path / "formats"
    made.mkdir()
    (made / "klog.py").write_text(FORMAT.replace("KEY", "klog"), encoding="utf-8")
    (made / "_notes.py").write_text(BEFORE_USE, encoding="utf-8")
    (made / "._klog.py").write_bytes(b"\x00\x05\x16\x07")
    return made


@pytest.fixture
def session(tmp_path: Path) -> Callable[[str], Path]:
    def write(key: str) -> Path:
        data = tmp_path / "data"
        data.mkdir()
        (data / f"log.{key}").write_text("0.5\n1.5\n-2.25\n", encoding="utf-8")
        (data / "session.yaml").write_text(SESSION.replace("KEY", key), encoding="utf-8")
        return data / "session.yaml"

    return write


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(one) for one in arguments])
    return int(stop.value.code or 0)


def reason(offer_key: str) -> str:
    with pytest.raises(SourceError) as refused:
        Vocabulary.here().called(offer_key)
    return str(refused.value)


# --- an installed package ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attribute", ["", ":FORMAT"])
def test_a_format_of_an_installed_package_is_converted_and_the_file_says_what_read_it(
    attribute: str, install: Install, session: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = install("plog", FORMAT.replace("KEY", "plog"), package="labplog", attribute=attribute)
    assert run("convert", session("plog"), "--out", tmp_path / "out", "--json") == 0
    (done,) = json.loads(capsys.readouterr().out)
    with h5py.File(done["file"]) as written:
        assert written["acquisition/log_voltage/data"][:].tolist() == [0.5, 1.5, -2.25]
        record = written["general/bergmann_conversion"]
        (said,) = [name for name in record.attrs["libraries"] if "plog" in name]
        assert record["source_files/format"].asstr()[:].tolist() == ["plog"]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert said == f"labplog 1.2, labplog.py (format plog, sha256 {digest})"


def test_formats_says_where_each_comes_from(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("plog", FORMAT.replace("KEY", "plog"), package="labplog")
    assert run("formats", "--json") == 0
    listed = {one["format"]: one for one in json.loads(capsys.readouterr().out)}
    assert listed["abf"]["from"] == "bergmann"
    assert (listed["plog"]["from"], listed["plog"]["room"], listed["plog"]["keys"]) == ("labplog 1.2", "signals", ["path", "rate"])
    assert run("formats") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("plog ")]
    assert line.split("  ")[0] == "plog"
    assert "labplog 1.2" in line


def test_help_runs_no_module_of_a_package(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("plog", BEFORE_USE, package="labplog")
    assert run("--help") == 0
    assert run("formats", "--help") == 0
    assert "it ran" not in capsys.readouterr().out


def test_a_module_that_no_session_names_is_not_run(install: Install) -> None:
    install("plog", BEFORE_USE, package="labplog")
    assert [one.key for one in installed_offers()] == ["plog"]
    assert [one.key for one in Vocabulary.here().called("abf")] == ["abf"]


def test_the_draft_finds_the_files_of_a_package_and_its_schema_knows_the_format(install: Install, tmp_path: Path) -> None:
    install("plog", FORMAT.replace("KEY", "plog"), package="labplog")
    (tmp_path / "rig").mkdir()
    (tmp_path / "rig" / "a.plog").write_text("1\n2\n", encoding="utf-8")
    assert run("init", tmp_path / "rig") == 0
    draft = (tmp_path / "rig" / "session.yaml").read_text(encoding="utf-8")
    assert "format: plog" in draft
    assert "path: a.plog" in draft
    assert '"plog"' in (tmp_path / "rig" / ".bergmann" / "session.schema.json").read_text(encoding="utf-8")
    assert "plog" not in str(session_schema())


BROKEN = {
    "raises": ("raise OSError('no licence')", "cannot be used: OSError: no licence; tell who wrote it"),
    "exits": ("import sys; sys.exit(3)", "cannot be used: SystemExit: 3; tell who wrote it"),
    "imports": ("import nowhere_to_be_found", "cannot be used: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    "is no Python": ("def (", "cannot be used: SyntaxError"),
    "is empty": ("", "cannot be used: there is no FORMAT in it"),
    "is called otherwise": (FORMAT.replace("KEY", "blog"), "inside it is called `blog`; call both the same"),
    "has no key": (
        FORMAT.replace("KEY", "plog").replace("format: Literal", "layout: Literal"),
        "cannot be used: KeyError: 'format'",
    ),
    "gives what no room writes": (
        FORMAT.replace("KEY", "plog").replace("record=Recording", "record=dict"),
        "it gives a dict; expected one of Events, ",
    ),
}


@pytest.mark.parametrize("text", [text for text, _ in BROKEN.values()], ids=list(BROKEN))
def test_a_broken_package_breaks_nothing_else(text: str, install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("plog", text, package="labplog")
    assert run("formats") == 1
    captured = capsys.readouterr()
    assert "ScanImage" in captured.out
    assert captured.err.startswith("format `plog` of the package labplog 1.2 ")


@pytest.mark.parametrize(("text", "why"), BROKEN.values(), ids=list(BROKEN))
def test_using_a_broken_format_says_whose_it_is_and_why(
    text: str, why: str, install: Install, session: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    install("plog", text, package="labplog")
    assert run("check", session("plog"), "--json") == 1
    (document,) = json.loads(capsys.readouterr().out)
    (found,) = [one for one in document["findings"] if one["check"] == "unusable format"]
    assert found["severity"] == "error"
    assert found["location"].endswith("session.yaml:6 sources.log.format")
    assert found["message"].startswith("format `plog` of the package labplog 1.2")
    assert why in found["message"]


def test_a_format_with_the_name_of_one_of_ours_is_not_used_and_that_is_said(
    install: Install, session: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    install("wavesurfer", FORMAT.replace("KEY", "wavesurfer"), package="labwave")
    assert "labwave" not in str(Vocabulary.here().called("wavesurfer"))
    run("check", session("wavesurfer"), "--json")
    (document,) = json.loads(capsys.readouterr().out)
    (found,) = [one for one in document["findings"] if one["check"] == "unusable format"]
    assert found["severity"] == "warning"
    assert found["message"].startswith("the package labwave 1.2 has a format `wavesurfer`, too; the one of bergmann is used")


def test_two_packages_with_one_name_are_both_refused(install: Install) -> None:
    install("plog", FORMAT.replace("KEY", "plog"), package="labone")
    install("plog", FORMAT.replace("KEY", "plog"), package="labtwo")
    assert reason("plog") == (
        "format `plog` of the package labone 1.2: the package labtwo 1.2 offers one of that name, too; take one of them away"
    )


def test_a_format_that_fails_while_it_reads_or_finds_is_named(
    install: Install, session: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install("plog", FORMAT.replace("KEY", "plog"), package="labplog")
    path = session("plog")
    (path.parent / "log.plog").write_text("0.5\nvolts\n", encoding="utf-8")
    assert run("check", path) == 2
    said = capsys.readouterr().out
    assert (
        "log.plog: format `plog` of the package labplog 1.2 failed (ValueError: could not convert string to float: 'volts')" in said
    )
    assert run("init", path.parent) == 0  # it is stated, and still looked at


def test_a_model_that_raises_what_no_model_should_is_a_finding(
    install: Install, session: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    raising = "    @field_validator('path')\n    def look(cls, path): raise LookupError('no such rig')\n"
    text = FORMAT.replace("KEY", "plog").replace("    rate: Frequency\n", f"    rate: Frequency\n{raising}")
    install(
        "plog", text.replace("import numpy as np", "import numpy as np\nfrom pydantic import field_validator"), package="labplog"
    )
    assert run("check", session("plog")) == 1
    said = capsys.readouterr().out
    assert "format `plog` of labplog 1.2 failed on these keys (LookupError: no such rig)" in said


def test_a_format_that_cannot_look_through_a_folder_is_a_note_of_the_draft(
    install: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install("plog", FORMAT.replace("KEY", "plog").replace("folder.rglob", "folder.nowhere"), package="labplog")
    (tmp_path / "rig").mkdir()
    assert run("init", tmp_path / "rig", "--json") == 0
    (document,) = json.loads(capsys.readouterr().out)
    assert "format `plog` of the package labplog 1.2 cannot be used: AttributeError" in document["notes"][0]


# --- a folder ---------------------------------------------------------------------------------------------------------


def test_a_format_of_a_folder_runs_once_a_person_said_so(
    folder: Path, session: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = session("klog")
    assert run("check", path, "--formats", folder, "--yes") == 0
    assert run("convert", path, "--formats", folder, "--yes", "--out", tmp_path / "out") == 0
    (made,) = (tmp_path / "out").rglob("*.nwb")
    digest = hashlib.sha256((folder / "klog.py").read_bytes()).hexdigest()
    with h5py.File(made) as written:
        assert written["acquisition/log_voltage/data"][:].tolist() == [0.5, 1.5, -2.25]
        assert f"klog.py (format klog, sha256 {digest})" in written["general/bergmann_conversion"].attrs["libraries"]
    assert str(tmp_path).encode() not in made.read_bytes()


@pytest.mark.parametrize("kind", ["folder", "package"])
def test_values_are_read_again_when_the_format_was_changed(
    kind: str, folder: Path, install: Install, session: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a conversion keeps of the file that it replaces was read by the same code."""
    code, options = folder / "klog.py", ["--formats", folder, "--yes"]
    if kind == "package":
        code, options = install("klog", code.read_text(encoding="utf-8"), package="labklog"), []
    path = session("klog")
    volts = np.sin(np.arange(400_000) / 100).round(6)
    np.savetxt(path.parent / "log.klog", volts, fmt="%.6f")

    def convert() -> tuple[Any, list[str]]:
        assert run("convert", path, *options, "--out", tmp_path / "out", "--overwrite", "--json") == 0
        (done,) = json.loads(capsys.readouterr().out)
        with h5py.File(done["file"]) as file:
            return file["acquisition/log_voltage/data"][:], [one["check"] for one in done["findings"] if one["check"] == "kept"]

    first, _ = convert()
    np.testing.assert_array_equal(first, volts)
    assert convert()[1] == ["kept"]
    code.write_text(code.read_text(encoding="utf-8").replace("float(line)", "2 * float(line)"), encoding="utf-8")
    sys.modules.pop("labklog", None)
    invalidate_caches()
    second, kept = convert()
    assert kept == []
    np.testing.assert_array_equal(second, 2 * volts)


def test_a_session_file_alone_runs_nothing(
    session: Callable[[str], Path], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "klog.py").write_text(BEFORE_USE, encoding="utf-8")
    path = session("klog")
    (folder / "klog.py").replace(path.parent / "klog.py")
    assert run("check", path) == 1
    assert "there is no format `klog`" in capsys.readouterr().out


@pytest.mark.parametrize("command", [("check", "DATA"), ("convert", "DATA"), ("init", "RIG"), ("formats",)])
def test_nobody_to_ask_is_a_refusal_and_nothing_runs(
    command: tuple[str, ...], folder: Path, session: Callable[[str], Path], own_settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "klog.py").write_text(BEFORE_USE, encoding="utf-8")
    path = session("klog")
    words = [{"DATA": str(path), "RIG": str(path.parent)}.get(word, word) for word in command]
    before = sorted(path.parent.rglob("*"))
    assert run(*words, "--formats", folder) == 2
    said = capsys.readouterr().err
    assert f"klog.py  {len(BEFORE_USE)} bytes  SHA-256 {hashlib.sha256(BEFORE_USE.encode()).hexdigest()}" in said
    assert "nobody is here to be asked; run it once in a terminal, or say --yes" in said
    assert "_notes.py" not in said
    assert sorted(path.parent.rglob("*")) == before
    assert not list(own_settings.rglob("*.json"))


def test_what_yes_says_is_for_this_time_only(folder: Path, own_settings: Path) -> None:
    assert run("formats", "--formats", folder, "--yes") == 0
    assert not list(own_settings.rglob("*.json"))
    assert run("formats", "--formats", folder) == 2


@pytest.mark.skipif(os.name == "nt", reason="needs a terminal that a test can type into, which Windows has no call for")
def test_a_person_is_asked_once_and_again_when_a_file_changed(folder: Path, own_settings: Path) -> None:
    import pty

    def type_into(answer: bytes) -> tuple[int, str]:
        """What `bergmann formats --formats` says in a terminal, in which the answer is typed."""
        us, them = pty.openpty()
        command = [sys.executable, "-m", "bergmann", "formats", "--formats", str(folder)]
        done = subprocess.Popen(command, stdin=them, stderr=them, stdout=subprocess.PIPE)
        os.write(us, answer)
        out, _ = done.communicate(timeout=60)
        os.close(them)
        said = bytearray()
        while True:
            try:
                more = os.read(us, 4096)
            except OSError:
                break
            if not more:
                break
            said += more
        os.close(us)
        return done.returncode, said.decode() + out.decode()

    status, said = type_into(b"n\n")
    assert status == 2
    assert "not run, as you said" in said
    status, said = type_into(b"y\n")
    assert status == 0
    assert "klog text" in said
    status, said = type_into(b"")
    assert status == 0
    assert "May they run" not in said
    with (folder / "klog.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    status, said = type_into(b"\n")
    assert status == 2
    assert "May they run" in said


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"sha256": 3}', b'{"sha256": ["' + b"0" * 64 + b'"]}'])
def test_damaged_settings_allow_nothing(content: bytes, folder: Path) -> None:
    from bergmann.cli.consent import consent_path

    consent_path().parent.mkdir(parents=True, exist_ok=True)
    consent_path().write_bytes(content)
    assert run("formats", "--formats", folder) == 2


def test_consent_that_cannot_be_kept_is_no_crash(own_settings: Path) -> None:
    from bergmann.cli.consent import allowed_digests, consent_path, remember

    assert remember(["a" * 64])
    assert remember(["b" * 64])
    assert allowed_digests() == {"a" * 64, "b" * 64}
    consent_path().unlink()
    consent_path().parent.rmdir()
    consent_path().parent.write_text("a file where the folder should be", encoding="utf-8")
    assert not remember(["a" * 64])


def test_what_runs_is_what_was_shown(folder: Path) -> None:
    files = list_format_files(folder)
    (folder / "klog.py").write_text(BEFORE_USE, encoding="utf-8")
    (offer,) = offers_of_files(files)
    assert offer.load().label == "klog text"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "own: is not there; name the folder that has your formats"),
        (lambda path: path.write_text("x"), "own: is a file; name the folder"),
        (lambda path: path.mkdir(), "own: has no file of a format; expected files such as logger.py"),
    ],
)
def test_a_folder_without_formats_is_refused(
    make: Callable[[Path], object], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "own")
    assert run("formats", "--formats", tmp_path / "own", "--yes") == 2
    assert message in capsys.readouterr().err


def test_an_array_that_fails_while_it_is_written_is_no_fault_of_bergmann(
    folder: Path, session: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = FORMAT.replace("KEY", "klog").replace("samples=volts", "samples=Torn(volts)")
    torn = (
        "class Torn:\n"
        "    def __init__(self, v): self.shape, self.dtype = v.shape, v.dtype\n"
        "    def __getitem__(self, s): raise ZeroDivisionError('torn')\n"
    )
    (folder / "klog.py").write_text(text.replace("class klog", f"{torn}\nclass klog"), encoding="utf-8")
    assert run("convert", session("klog"), "--formats", folder, "--yes", "--out", tmp_path / "out") == 1
    assert "this is a fault of the file klog.py" in capsys.readouterr().out
    assert not list(tmp_path.rglob("*.nwb*"))
