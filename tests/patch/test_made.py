"""A changed file: it is what the mended session would have become, nothing else is changed, and nothing is ever half changed."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bergmann.convert import convert_session
from bergmann.errors import SourceError, WriteError
from bergmann.findings import has_errors
from bergmann.patch import carry_out, patching, prepare
from bergmann.proof.verify import verify_file

from ..conftest import Ran
from .conftest import Lab

RECORD = "general/bergmann_conversion"

CHANGES = {
    "subject.age=P11W": ("  born: 2024-02-28\n", "  born: 2024-02-28\n  age: P11W\n"),
    "subject.sex=M": ("  sex: F\n", "  sex: M\n"),
    "subject.species=Rattus norvegicus": ("Mus musculus", "Rattus norvegicus"),
    "subject.strain=Wistar": ("  genotype: Dbh-Cre/wt\n", "  genotype: Dbh-Cre/wt\n  strain: Wistar\n"),
    "subject.weight=unknown": ("weight: 21.4 g", "weight: unknown"),
    "session.description=Mended.": ('"Made by a test, to be mended."', "Mended."),
    "receptors.adra1a.receptor=Adrb2": ("receptor: Adra1a", "receptor: Adrb2"),
    "receptors.adra1a.status=knocked out": ("knocked_down", "knocked out"),
    "procedures.virus.sites.0.volume=0.5 uL": ("volume: 0.3 uL", "volume: 0.5 uL"),
    "procedures.window.description=with a head plate": (
        "window: {kind: cranial window,",
        "window: {kind: cranial window, description: with a head plate,",
    ),
    "expression.qpcr.value=unknown": ("value: 0.31", "value: unknown"),
    "drugs.prazosin.compound=WB4101": ("prazosin: {action", "prazosin: {compound: WB4101, action"),
    "drugs.prazosin.dose=5 uM": ("dose: 10 uM", "dose: 5 uM"),
    "drugs.capsaicin.vehicle=saline": ("dose: 10 ug,", "dose: 10 ug, vehicle: saline,"),
    "drugs.later.route=oral": ("dose: 20 ug, route: intraplantar", "dose: 20 ug, route: oral"),
}
OF_LAB = {
    'experimenter=["A, B", "C, D"]': ('["Surname, Given"]', '["A, B", "C, D"]'),
    "keywords.2=pain": ("[pain, glia]", "[pain, glia, pain]"),
    "keywords.0=ache": ("[pain, glia, pain]", "[ache, glia, pain]"),
    "institution=KAIST": ("Example University", "KAIST"),
    "protocol=IACUC 12": ("lab: Example Lab\n", "lab: Example Lab\nprotocol: IACUC 12\n"),
    "populations.bg.cell_type=astrocyte": ("Bergmann glial cell", "astrocyte"),
    "populations.lc.description=all of it": ("location: LC}", "location: LC, description: all of it}"),
    "vectors.shrna.construct=AAV9-shRNA": ("AAV5-shRNA", "AAV9-shRNA"),
    "vectors.shrna.titre=7e12 vg/mL": ("6e12", "7e12"),
}


def mend(lab: Lab) -> None:
    """State all changes in the session file and in the lab's."""
    for path, changes in ((lab.session, CHANGES), (lab.session.with_name("lab.yaml"), OF_LAB)):
        text = path.read_text(encoding="utf-8")
        for old, new in changes.values():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


def contents(path: Path) -> dict[str, object]:
    """Everything that two conversions of one session have in common: values and attributes, identifiers of objects as paths."""
    with h5py.File(path) as file:
        paths = {str(file.attrs["object_id"]): "/"}
        file.visititems(lambda name, item: paths.update({str(item.attrs["object_id"]): name} if "object_id" in item.attrs else {}))

        def plain(value: Any) -> Any:
            if isinstance(value, h5py.Reference):
                return file[value].name
            if isinstance(value, bytes):
                return plain(value.decode())
            if isinstance(value, str):
                return paths.get(value, value)
            if isinstance(value, np.void | tuple):
                return tuple(plain(one) for one in (value.tolist() if isinstance(value, np.void) else value))
            if isinstance(value, np.ndarray):
                return [plain(one) for one in value] if value.ndim else plain(value.item())
            return repr(value.item() if isinstance(value, np.generic) else value)

        found: dict[str, object] = {}

        def note(name: str, item: Any) -> None:
            if name.startswith((f"{RECORD}", "specifications")) or name in ("identifier", "file_create_date"):
                return
            video = name.endswith("external_file")
            found[name] = (
                "group" if isinstance(item, h5py.Group) else "a video" if video else plain(item[()]),
                {key: plain(item.attrs[key]) for key in item.attrs if key != "object_id"},
            )

        file.visititems(note)
        return found


def test_a_patched_file_is_what_the_mended_session_becomes(lab: Lab, tmp_path: Path) -> None:
    target, _ = carry_out(prepare(lab.file, [*CHANGES, *OF_LAB], "all at once"))
    mend(lab)
    done = convert_session(lab.session, tmp_path / "again")
    assert done.target is not None, [one.text for one in done.findings]
    patched, converted = contents(target), contents(done.target)
    assert patched.keys() == converted.keys()
    assert {name: one for name, one in patched.items() if one != converted[name]} == {}
    assert not has_errors(verify_file(target))


def columns(path: Path, table: str) -> dict[str, list[str]]:
    with h5py.File(path) as file:
        return {name: file[f"{RECORD}/{table}/{name}"].asstr()[:].tolist() for name in file[f"{RECORD}/{table}"].attrs["colnames"]}


def test_each_change_stands_in_the_record_with_its_reason(
    lab: Lab, read_clean: Callable[[Path], tuple[list[str], dict[str, str]]]
) -> None:
    carry_out(prepare(lab.file, ["subject.age=P11W"], "the cage card says so"))
    carry_out(prepare(lab.file, ["subject.age=P79D", "keywords=[one]"], "  read again  "))
    patches = columns(lab.file, "patches")
    assert patches["key"] == ["subject.age", "keywords.0", "subject.age", "keywords.1"]
    assert patches["old"] == ["", "pain", "P11W", "glia"]
    assert patches["new"] == ["P11W", "one", "P79D", ""]
    assert patches["because"] == ["the cage card says so", "read again", "read again", "read again"]
    said = columns(lab.file, "statements")
    stated = dict(zip(said["key"], zip(said["value"], said["origin"], said["kind"], strict=True), strict=True))
    assert stated["subject.age"] == ("P79D", "bergmann patch", "stated")
    assert stated["keywords.0"] == ("one", "bergmann patch", "stated")
    assert "keywords.1" not in stated
    assert stated["subject.born"][1].startswith("session.yaml:")
    with h5py.File(lab.file) as file:
        assert len(file["file_create_date"]) == 3
    assert not has_errors(verify_file(lab.file))
    errors, objects = read_clean(lab.file)
    assert errors == []
    assert "PatchesTable" in objects.values()


def test_a_new_name_takes_the_videos_along(lab: Lab) -> None:
    video = sha256(lab.video.read_bytes()).hexdigest()
    target, _ = carry_out(prepare(lab.file, ["subject.id=BG43", "session.id=s2"], "mistyped"))
    assert target == lab.path / "out" / "sub-BG43" / "sub-BG43_ses-s2_image.nwb"
    assert sorted(one.name for one in (lab.path / "out").iterdir()) == ["dandiset.yaml", "sub-BG43"]
    with h5py.File(target) as file:
        (name,) = file["acquisition/cam/external_file"].asstr()[:]
        assert file["general/subject/subject_id"].asstr()[()] == "BG43"
    assert name.startswith("sub-BG43_ses-s2_image/")
    assert sha256((target.parent / name).read_bytes()).hexdigest() == video
    assert [one.severity for one in verify_file(target)] == ["note"]


def test_a_file_without_digests_of_its_own_stays_so(lab: Lab) -> None:
    with h5py.File(lab.file, "r+") as file:
        del file[f"{RECORD}/digests"], file[f"{RECORD}/file_sha256"]
        specification = file["specifications/ndx-bergmann/0.1.0/ndx-bergmann.extensions"]
        spec = json.loads(specification[()])
        spec["groups"] = [one for one in spec["groups"] if one["neurodata_type_def"] not in ("PatchesTable", "DigestsTable")]
        record = next(one for one in spec["groups"] if one["neurodata_type_def"] == "ConversionRecord")
        record["groups"] = [one for one in record["groups"] if one["name"] not in ("patches", "digests")]
        specification[()] = json.dumps(spec)
    carry_out(prepare(lab.file, ["subject.age=P11W"], "a file of an older version"))
    assert columns(lab.file, "patches")["new"] == ["P11W"]
    with h5py.File(lab.file) as file:
        assert f"{RECORD}/digests" not in file


# --- refused, and the file stays as it was ---------------------------------------------------------------------------


def refused(lab: Lab, settings: list[str], kind: type[Exception], match: str) -> None:
    before = sha256(lab.file.read_bytes()).hexdigest()
    patch = prepare(lab.file, settings, "a test")
    with pytest.raises(kind, match=match):
        carry_out(patch)
    assert sha256(lab.file.read_bytes()).hexdigest() == before
    assert lab.hidden() == []


def test_a_change_that_makes_the_file_invalid_is_refused(lab: Lab) -> None:
    refused(lab, ["subject.born=unknown"], WriteError, "no longer valid: .*age")


def test_a_damaged_file_is_refused(lab: Lab) -> None:
    with h5py.File(lab.file, "r+") as file:
        file["intervals/quiet/start_time"][0] = 99.0
    refused(lab, ["subject.age=P11W"], SourceError, "it is not what was written .*start_time")


def test_a_file_that_changed_since_it_was_looked_at_is_refused(lab: Lab) -> None:
    patch = prepare(lab.file, ["subject.age=P11W"], "a test")
    carry_out(prepare(lab.file, ["subject.age=P79D"], "another one was quicker"))
    with pytest.raises(SourceError, match="since it was looked at"):
        carry_out(patch)
    assert columns(lab.file, "patches")["new"] == ["P79D"]


def test_a_video_that_is_missing_keeps_the_name(lab: Lab) -> None:
    lab.video.unlink()
    refused(lab, ["session.id=s2"], WriteError, "is not there, and its name would change")


# --- interrupted -----------------------------------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name == "nt", reason="fork, signals and limits of files are POSIX")


def in_child(act: Callable[[], None]) -> int:
    """Run in a process of its own; its status as `os.waitpid` gives it."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    status = 1
    try:
        act()
        status = 0
    finally:
        os._exit(status)


STEPS = ("copy", "_edit", "_renew_digests", "set_external_files", "stage_videos", "_check_valid", "_name")


@posix
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_step_the_file_is_whole_and_the_next_run_clears_up(
    lab: Lab, step: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sha256(lab.file.read_bytes()).hexdigest()
    settings = ["subject.sex=M", "session.id=s2"]
    patch = prepare(lab.file, settings, "a test")
    original = getattr(patching, step)

    def stopped(*arguments: Any, **named: Any) -> Any:
        if when == "after":
            original(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        if step != "_check_valid":  # it takes most of the time, and changes nothing
            monkeypatch.setattr(patching, "_check_valid", lambda *_, **__: None)
        monkeypatch.setattr(patching, step, stopped)
        carry_out(patch)

    assert os.WTERMSIG(in_child(run)) == signal.SIGKILL
    new = lab.file.with_name("sub-BG042_ses-s2_image.nwb")
    if (step, when) == ("_name", "after"):
        assert not has_errors(verify_file(new))
        assert not lab.file.exists()
        return
    assert sha256(lab.file.read_bytes()).hexdigest() == before
    assert not new.exists()
    assert [one.severity for one in verify_file(lab.file)] == ["note"]
    monkeypatch.setattr(patching, "_check_valid", lambda *_, **__: None)
    target, _ = carry_out(prepare(lab.file, settings, "a test"))
    assert target == new
    assert [one.severity for one in verify_file(new)] == ["note"]
    assert lab.hidden() == []
    assert not lab.file.exists()


@posix
@pytest.mark.parametrize("step", ["move_videos", "replace_when_free", "remove_older"])
def test_killed_between_two_names_the_next_run_ends_it(lab: Lab, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ["session.id=s2"]
    patch = prepare(lab.file, settings, "a test")
    monkeypatch.setattr(patching, "_check_valid", lambda *_, **__: None)
    original = getattr(patching, step)

    def stopped(*arguments: Any) -> None:
        if step != "remove_older":
            original(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        monkeypatch.setattr(patching, step, stopped)
        carry_out(patch)

    assert os.WTERMSIG(in_child(run)) == signal.SIGKILL
    assert [one.severity for one in verify_file(lab.file)] == ["note"]
    target, _ = carry_out(prepare(lab.file, settings, "a test"))
    assert [one.severity for one in verify_file(target)] == ["note"]
    assert sorted(one.name for one in target.parent.iterdir()) == [target.stem, target.name]


@posix
@pytest.mark.parametrize("more", [-1000, 100, 3000])
def test_a_full_disk_leaves_the_file_as_it_was(lab: Lab, more: int) -> None:
    import resource

    before = sha256(lab.file.read_bytes()).hexdigest()
    patch = prepare(lab.file, ["subject.sex=M"], "a test")
    limit = lab.file.stat().st_size + more

    def run() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # the kernel says EFBIG where a full disk says ENOSPC
        with pytest.raises(WriteError, match="The file is as it was"):
            carry_out(patch)

    assert in_child(run) == 0
    assert sha256(lab.file.read_bytes()).hexdigest() == before
    assert lab.hidden() == []


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_difference_the_cost_and_the_line_to_mend(lab: Lab, bergmann: Callable[..., Ran]) -> None:
    before = sha256(lab.file.read_bytes()).hexdigest()
    ran = bergmann("patch", lab.file, "drugs.prazosin.dose=5 uM", "institution=KAIST", "--because", "typo", "--dry-run")
    assert ran.status == 0, ran.stdout
    assert "/events/drug_administrations/dose" in ran.stdout
    assert "+ KAIST" in ran.stdout
    assert f"sends all of its {lab.file.stat().st_size:,} bytes" in ran.stdout
    assert "session.yaml:24 drugs.prazosin.dose" in ran.stdout
    assert "this line says `10 uM`" in ran.stdout
    assert "lab.yaml:3 institution" in ran.stdout
    assert "every session that uses this document" in ran.stdout
    assert sha256(lab.file.read_bytes()).hexdigest() == before


def test_without_a_person_who_agrees_nothing_is_changed(lab: Lab, bergmann: Callable[..., Ran]) -> None:
    before = sha256(lab.file.read_bytes()).hexdigest()
    ran = bergmann("patch", lab.file, "subject.age=P11W", "--because", "typo")
    assert ran.status == 2
    assert "Nothing was changed" in ran.stderr
    assert sha256(lab.file.read_bytes()).hexdigest() == before


def test_the_answer_is_one_json_document(lab: Lab, bergmann: Callable[..., Ran]) -> None:
    shutil.rmtree(lab.session.parent)  # then the record alone says where it stood
    ran = bergmann("patch", lab.file, "subject.sex=M", "--because", "typo", "--yes", "--json")
    assert ran.status == 0, ran.stdout
    answer = json.loads(ran.stdout)
    assert answer["made"] is True
    assert answer["changes"] == [{"key": "subject.sex", "old": "F", "new": "M"}]
    assert [one["new"] for one in answer["edits"]] == ["M"]
    assert answer["upload_bytes"] == lab.file.stat().st_size
    (line,) = [one for one in answer["findings"] if one["check"] == "session file"]
    assert line["message"].startswith("it stood in session.yaml:7 when the file was converted")
    assert columns(lab.file, "patches")["because"] == ["typo"]


def test_what_is_refused_is_said_with_its_key(lab: Lab, bergmann: Callable[..., Ran]) -> None:
    ran = bergmann("patch", lab.file, "time_zone=Europe/Berlin", "--because", "typo", "--yes")
    assert ran.status == 1
    assert "time_zone" in ran.stdout
    assert "convert --overwrite" in ran.stdout


# --- the demo --------------------------------------------------------------------------------------------------------


def test_the_demo_is_mended_and_its_movies_stay_as_they_were(converted_demo: Path, tmp_path: Path) -> None:
    name = "sub-BG042/sub-BG042_ses-sni-pod7-capsaicin_behavior+image+ogen+ophys.nwb"
    folder = tmp_path / "dandiset"
    shutil.copytree(converted_demo / "dandiset" / "sub-BG042", folder / "sub-BG042")
    shutil.copy(converted_demo / "dandiset" / "dandiset.yaml", folder)
    with h5py.File(folder / name) as file:
        movie = sha256(file["acquisition/movie_ch1/data"][()].tobytes()).hexdigest()
    settings = ["subject.age=P11W", "drugs.capsaicin.dose=5 ug", "receptors.adra1a_bg.status=control", "session.id=pod7"]
    target, _ = carry_out(prepare(folder / name, settings, "the notebook says so"))
    assert target.name == "sub-BG042_ses-pod7_behavior+image+ogen+ophys.nwb"
    with h5py.File(target) as file:
        assert sha256(file["acquisition/movie_ch1/data"][()].tobytes()).hexdigest() == movie
        assert "5 ug" in file["general/pharmacology"].asstr()[()]
        assert file["events/drug_administrations/dose"][:].tolist() == [5.0]
    assert not has_errors(verify_file(target))
