"""What follows of each stated value, and what is refused; nothing is written."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import h5py
import pytest

from bergmann.errors import SessionError, SourceError, WriteError
from bergmann.patch import Patch, prepare

from .conftest import Lab

GLIAL = "general/glial_receptor_metadata"
DRUGS = "events/drug_administrations"


def plan(lab: Lab, *settings: str) -> Patch:
    return prepare(lab.file, settings, "a test")


def new_values(patch: Patch) -> dict[str, object]:
    return {edit.place: edit.new for edit in patch.edits}


@pytest.mark.parametrize(
    ("setting", "place", "new"),
    [
        ("subject.age=11 weeks", "general/subject/age", "P11W"),
        ("subject.born=2024-03-01", "general/subject/age", "P77D"),
        ("subject.sex=male", "general/subject/sex", "M"),
        ("subject.genotype=Dbh-Cre", "general/subject/genotype", "Dbh-Cre"),
        ("subject.strain=C57BL/6J", "general/subject/strain", "C57BL/6J"),
        ("subject.weight=30 g", "general/subject/weight", "0.03 kg"),
        ("subject.weight=unknown", "general/subject/weight", None),
        ("subject.description=calm", "general/subject/description", "calm"),
        ("session.description=Other words.", "session_description", "Other words."),
        ("institution=KAIST", "general/institution", "KAIST"),
        ("lab=Another", "general/lab", "Another"),
        ("experiment_description=Pain.", "general/experiment_description", "Pain."),
        ("protocol=IACUC 12", "general/protocol", "IACUC 12"),
        ("notes=The animal slept.", "general/notes", "The animal slept."),
        ('experimenter=["A, B", "C, D"]', "general/experimenter", ["A, B", "C, D"]),
        ("experimenter=E, F", "general/experimenter", ["E, F"]),
        ("experimenter.1=G, H", "general/experimenter", ["Surname, Given", "G, H"]),
        ("related_publications=doi:10.1000/abc", "general/related_publications", ["doi:10.1000/abc"]),
        ("populations.bg.identified_by=morphology", f"{GLIAL}/cell_populations/identification", ["morphology", ""]),
        ("receptors.adra1a.status=control", f"{GLIAL}/receptors/genetic_status", ["control"]),
        ("receptors.adra1a.by=siRNA", f"{GLIAL}/receptors/genetic_method", ["siRNA"]),
        ("receptors.adra1a.construct=pX", f"{GLIAL}/receptors/construct", ["pX"]),
        ("procedures.window.date=2024-05-10", f"{GLIAL}/procedures/days_before_session", [28.0, 7.0, 7.0]),
        ("procedures.sni.side=right", f"{GLIAL}/procedures/side", ["", "right", ""]),
        ("procedures.virus.sites.0.volume=0.4 uL", f"{GLIAL}/injection_virus_shrna.volume_in_uL", 0.4),
        ("vectors.shrna.titre=7e12 vg/mL", f"{GLIAL}/vector_shrna.titer_in_vg_per_ml", 7e12),
        ("expression.qpcr.value=0.4", f"{GLIAL}/receptor_expression/value", [0.4]),
    ],
)
def test_a_value_becomes_what_convert_makes_of_it(converted: Lab, setting: str, place: str, new: object) -> None:
    assert new_values(plan(converted, setting))[place] == new


@pytest.mark.parametrize(
    ("setting", "column", "new"),
    [
        ("drugs.prazosin.dose=5 uM", "dose", 5.0),
        ("drugs.prazosin.dose=5 nM", "dose_unit", "nM"),
        ("drugs.prazosin.route=puff", "route", "puff"),
        ("drugs.prazosin.vehicle=DMSO", "vehicle", "DMSO"),
        ("drugs.prazosin.action=inverse agonist", "action", "inverse_agonist"),
        ("drugs.prazosin.compound=WB4101", "compound", "WB4101"),
    ],
)
def test_a_drug_changes_in_its_own_row_and_in_the_text(converted: Lab, setting: str, column: str, new: object) -> None:
    with h5py.File(converted.file) as file:
        row = [one.decode() for one in file[f"{DRUGS}/compound"][:]].index("prazosin")
    values = new_values(plan(converted, setting))
    assert values[f"{DRUGS}/{column}"][row] == new  # type: ignore[index]
    assert "general/pharmacology" in values
    assert f"{DRUGS}/timestamp" not in values
    assert f"{DRUGS}/duration" not in values


def test_keywords_and_external_references_follow_of_a_receptor(converted: Lab) -> None:
    patch = plan(converted, "receptors.adra1a.receptor=Adrb2")
    values = new_values(patch)
    assert values[f"{GLIAL}/receptors/receptor_id"] == ["IUPHAR:29"]
    assert values[f"{GLIAL}/receptors/transduction"] == ["Gs (2nd: Gi/Go)"]
    keywords = values["general/keywords"]
    assert isinstance(keywords, list)
    assert "Adrb2" in keywords
    assert "Adra1a" not in keywords
    assert keywords[:2] == ["pain", "glia"]
    assert patch.with_references


def test_stated_keywords_stand_before_those_that_follow(converted: Lab) -> None:
    keywords = new_values(plan(converted, "keywords=[one, two, three]"))["general/keywords"]
    assert isinstance(keywords, list)
    assert keywords[:4] == ["one", "two", "three", "Adra1a"]


def test_texts_of_the_core_follow_of_a_vector(converted: Lab) -> None:
    values = new_values(plan(converted, "vectors.shrna.construct=AAV9-shRNA"))
    assert "AAV9-shRNA" in str(values["general/virus"])
    assert values[f"{GLIAL}/receptors/construct"] == ["AAV9-shRNA"]
    assert values[f"{GLIAL}/vector_shrna.construct_name"] == "AAV9-shRNA"


def test_the_name_follows_of_the_ids(converted: Lab) -> None:
    patch = plan(converted, "subject.id=BG_43", "session.id=s2")
    assert str(patch.target) == "sub-BG-43/sub-BG-43_ses-s2_image.nwb"
    assert {edit.place for edit in patch.edits} == {"general/subject/subject_id", "general/session_id"}


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("subject.age=young", "is not an age"),
        ("subject.species=mouse", "is not a species"),
        ("subject.sex=x", "is not a sex"),
        ("subject.weight=21", "unit"),
        ("subject.born=2024-06-01", "after the session"),
        ("subject.agee=P1W", "did you mean `age`"),
        ("subjekt.age=P1W", "did you mean `subject`"),
        ("subject.age=", "states nothing"),
        ("subject.age=???", "states nothing"),
        ("subject.age", "sets nothing"),
        ("subject.id=a/b", "slash"),
        ("session.start=2024-05-18", "all times of the file count from it"),
        ("time_zone=Europe/Berlin", "all times of the file count from it"),
        ("sources.cam.path=x.avi", "how a source is read"),
        ("arm=shrna", "blinded"),
        ("keywords.7=x", "the list has 2 items"),
        ("keywords=[]", "is no list"),
        ("drugs.prazosin.dose=10", "unit"),
        ("drugs.prazosin.dose=10 M", "10 M"),
        ("drugs.prazosin.action=helps", "agonist"),
        ("drugs.prazosin.at=10:31", "times of the file were computed"),
        ("drugs.prazosin.receptors=adra1a", "which objects of the file belong together"),
        ("drugs.prazosyn.dose=1 uM", "it speaks of prazosin, capsaicin, later, early"),
        ("drugs.prazosin=1 uM", "drugs.prazosin.compound="),
        ("receptors.adra1a.receptor=Adra9z", "Adra9z"),
        ("receptors.adra1a.status=broken", "knocked_out"),
        ("populations.bg.cell_type=Bergman cell", "Bergman cell"),
        ("procedures.virus.date=19.4.2024", "19.4.2024"),
        ("procedures.sni.date=2024-05-11", "drugs.early.at"),
        ("procedures.virus.date=2024-01-01", "before the animal was born"),
        ("procedures.virus.sites.0.colour=red", "a site has no such key"),
        ("procedures.virus.sites.1.volume=1 uL", "a new entry"),
    ],
)
def test_what_a_session_file_would_not_take_or_a_file_cannot_is_refused(converted: Lab, setting: str, reason: str) -> None:
    with pytest.raises(SessionError) as refused:
        plan(converted, setting)
    assert reason in str(refused.value)


def test_everything_that_is_refused_is_said_at_once(converted: Lab) -> None:
    with pytest.raises(SessionError) as refused:
        plan(converted, "bla=1", "time_zone=Asia/Tokyo", "drugs.nothing.dose=1 uM")
    assert [one.location for one in refused.value.findings] == ["bla", "time_zone", "drugs.nothing.dose"]


@pytest.mark.parametrize(
    "setting", ["vectors.shrna.titre=unknown", "procedures.virus.sites.0.side=unknown", "procedures.window.date=2024-06-01"]
)
def test_what_would_add_or_remove_objects_is_refused(converted: Lab, setting: str) -> None:
    with pytest.raises(SourceError, match="adds or takes away objects or rows") as refused:
        plan(converted, setting)
    assert "convert --overwrite" in str(refused.value)


def test_what_is_said_already_is_no_change(converted: Lab) -> None:
    with pytest.raises(SourceError, match="says all of that already"):
        plan(converted, "subject.sex=F")


def test_a_change_needs_a_reason(converted: Lab) -> None:
    with pytest.raises(SourceError, match="say why"):
        prepare(converted.file, ["subject.sex=M"], "  ")


def test_planning_writes_nothing(lab: Lab) -> None:
    before = sha256(lab.file.read_bytes()).hexdigest()
    plan(lab, "subject.age=P11W")
    assert sha256(lab.file.read_bytes()).hexdigest() == before
    assert lab.hidden() == []


def test_a_link_is_refused(lab: Lab) -> None:
    link = lab.path / "link.nwb"
    try:
        link.symlink_to(lab.file)
    except OSError:
        pytest.skip("this system makes no links for us")
    with pytest.raises(SourceError, match="it is a link"):
        prepare(link, ["subject.age=P11W"], "a test")


def test_a_file_of_others_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        file.attrs["nwb_version"] = "2.11.0"
    with pytest.raises(SourceError, match="bergmann did not write it"):
        prepare(tmp_path / "a.nwb", ["subject.age=P11W"], "a test")
    (tmp_path / "b.nwb").write_bytes(b"no file of HDF5")
    with pytest.raises(SourceError, match="cannot be opened"):
        prepare(tmp_path / "b.nwb", ["subject.age=P11W"], "a test")
    with pytest.raises(SourceError, match="no such file"):
        prepare(tmp_path / "c.nwb", ["subject.age=P11W"], "a test")


def test_a_value_that_was_edited_by_other_means_is_refused(lab: Lab) -> None:
    with h5py.File(lab.file, "r+") as file:
        file["general/subject/genotype"][()] = "edited"
    with pytest.raises(SourceError, match="'edited', and by its own statements it would be 'Dbh-Cre/wt'"):
        plan(lab, "subject.genotype=wt")


@pytest.mark.parametrize("identifier", ["of another recording", None])
def test_a_name_that_is_taken_is_refused(lab: Lab, identifier: str | None) -> None:
    other = lab.file.with_name("sub-BG042_ses-s2_image.nwb")
    shutil.copy(lab.file, other)  # by a person, who may have a reason: it says that it is of s1
    with h5py.File(other, "r+") as file:
        file["identifier"][()] = identifier or file["identifier"][()]
    with pytest.raises(WriteError, match="a file of this subject and session already"):
        plan(lab, "session.id=s2")


def test_other_files_of_the_animal_are_named(lab: Lab) -> None:
    shutil.copy(lab.file, lab.file.with_name("sub-BG042_ses-s2_image.nwb"))
    (finding,) = plan(lab, "subject.sex=M").findings
    assert finding.severity == "warning"
    assert finding.message == "sub-BG042_ses-s2_image.nwb of the same animal says `F`"
    assert plan(lab, "subject.age=P11W").findings == ()


def test_an_address_is_warned_of(converted: Lab) -> None:
    (finding,) = plan(converted, "notes=ask someone@example.org").findings
    assert (finding.severity, finding.check) == ("warning", "private text")


def test_an_upload_costs_the_whole_file(converted: Lab) -> None:
    patch = plan(converted, "subject.age=P11W")
    assert patch.upload == converted.file.stat().st_size
    assert [patch.parts_of(size) for size in (1, 64 << 20, (64 << 20) + 1)] == [1, 1, 2]
