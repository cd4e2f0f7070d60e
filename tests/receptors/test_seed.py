"""The whole design of the seed paper is stated in one session file, and read back as tables: no free text carries structure."""

from __future__ import annotations

import runpy
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dandi.metadata.nwb import get_metadata
from pynwb import NWBHDF5IO

from bergmann.cli import main
from bergmann.convert import convert_session
from bergmann.plan.resolve import make_plan
from bergmann.report.page import Page

SEED = Path(__file__).resolve().parents[2] / "examples" / "one_session"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the example's script makes: the files of a simulated rig, a second small movie, and a table of cells."""
    make = runpy.run_path(str(SEED / "make_files.py"))["make"]
    return Path(make(tmp_path_factory.mktemp("seed") / "BG042")).parent


@pytest.fixture(scope="module")
def convert(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Convert the session with one of the arms laid under it, once."""
    made: dict[str, Path] = {}

    def converted(arm: str) -> Path:
        if arm not in made:
            shutil.copyfile(SEED / f"{arm}.yaml", folder / "arm.yaml")
            done = convert_session(folder / "session.yaml", tmp_path_factory.mktemp(arm))
            assert [one.text for one in done.findings if one.severity != "note"] == []
            assert done.target is not None
            made[arm] = done.target
        return made[arm]

    return converted


@pytest.mark.parametrize(
    ("arm", "status", "is_control", "n_evidence"), [("knockdown", "knocked_down", False, 1), ("control", "control", True, 0)]
)
def test_the_arm_is_a_row_and_not_a_sentence(
    convert: Callable[[str], Path], arm: str, status: str, is_control: bool, n_evidence: int
) -> None:
    with NWBHDF5IO(convert(arm), "r") as io:
        metadata = io.read().lab_meta_data["glial_receptor_metadata"]
        receptors = metadata.receptors.to_dataframe(index=True).set_index("label")
        assert receptors.loc["a1_bg", "genetic_status"] == status
        assert receptors.loc["a1_bg", "receptor_name"] == "α1-adrenoceptor"
        assert metadata.cell_populations["cell_type_id"][int(receptors.loc["a1_bg", "population"])] == "CL:0000644"
        assert bool(metadata.arm_is_control) is is_control
        assert (0 if metadata.receptor_expression is None else len(metadata.receptor_expression)) == n_evidence


def test_all_of_the_design_is_there(convert: Callable[[str], Path]) -> None:
    with NWBHDF5IO(convert("knockdown"), "r") as io:
        nwbfile = io.read()
        metadata = nwbfile.lab_meta_data["glial_receptor_metadata"]
        # imaging of Bergmann glia with GCaMP, and of noradrenaline with its sensor
        assert nwbfile.acquisition["movie_ch1"].imaging_plane.name == "bg_plane"
        assert nwbfile.acquisition["na_movie"].imaging_plane.name == "na_plane"
        assert sorted(one.label for one in metadata.indicators.values()) == ["GCaMP6f", "GRAB_NE2m"]
        roles = dict(zip(metadata.receptors["label"][:], metadata.receptors["role"][:], strict=True))
        assert roles == {"a1_bg": "native", "hm4di_lc": "designer", "grab_ne": "sensor"}
        # light on the terminals, and the designer receptor with what acts on it
        assert len(nwbfile.intervals["light_pulses"]) == 20
        assert [one.label for one in metadata.effectors.values()] == ["hM4Di"]
        drugs = nwbfile.events["drug_administrations"].to_dataframe(index=True).set_index("compound")
        assert drugs.loc["clozapine N-oxide", ["timestamp", "timestamp_uncertainty", "dose"]].tolist() == [-1800.0, 120.0, 5.0]
        (silenced,) = nwbfile.intervals["receptor_states"].to_dataframe(index=True).to_dict("records")
        table = metadata.receptors["label"]
        assert (silenced["state"], [table[one] for one in silenced["receptors"]]) == ("activated", ["hm4di_lc"])
        (cause,) = silenced["drug_administrations"]
        assert nwbfile.events["drug_administrations"]["compound"][cause] == "clozapine N-oxide"
        # what hurts, what was done before, and what the animal did
        assert drugs.loc["capsaicin", "action"] == "stimulus"
        assert len(nwbfile.events["shocks"]) == 1
        procedures = metadata.procedures.to_dataframe(index=True).set_index("label")
        assert (procedures.loc["sni", "kind"], procedures.loc["sni", "days_before_session"]) == ("nerve_injury", 7.0)
        assert any(name.startswith("licking") for name in nwbfile.events)
        assert len(nwbfile.processing["behavior"]["von_frey"]) == 5


def test_each_region_says_whose_cell_it_is(convert: Callable[[str], Path]) -> None:
    with NWBHDF5IO(convert("knockdown"), "r") as io:
        nwbfile = io.read()
        metadata = nwbfile.lab_meta_data["glial_receptor_metadata"]
        found = metadata.cell_annotations_tables["cell_annotations_rois"].to_dataframe(index=True)
        whose = [metadata.cell_populations["label"][one] for one in found["population"]]
        assert list(zip(whose, found["compartment"], found["cell_id"], strict=True))[:3] == [
            ("bg", "endfoot", 1), ("pc", "dendrite", 2), ("bg", "process", -1),
        ]  # fmt: skip
        assert len(found) == len(nwbfile.processing["ophys"]["ImageSegmentation"]["rois"])
        files = nwbfile.lab_meta_data["bergmann_conversion"].source_files.to_dataframe()
        assert "table of cells" in files.astype(str).to_numpy()


def test_the_archive_finds_it_by_receptors_cells_and_drugs(convert: Callable[[str], Path]) -> None:
    metadata = get_metadata(convert("knockdown"))
    words = {"α1-adrenoceptor", "hM4Di", "GRAB_NE2m", "Bergmann glial cell", "clozapine N-oxide", "capsaicin"}
    assert words <= set(metadata["keywords"])


def test_the_commands_of_the_guide_do_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (SEED / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith(("python ", "bergmann "))]
    assert [words[:2] for words in commands] == [
        ["python", "make_files.py"], ["bergmann", "check"], ["bergmann", "convert"], ["bergmann", "find"], ["bergmann", "find"],
    ]  # fmt: skip
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(SEED / "make_files.py"))["make"](Path(commands[0][2]))
    for words in commands[1:]:
        with pytest.raises(SystemExit) as ended:
            main(words[1:])
        printed = capsys.readouterr().out
        assert ended.value.code == 0, printed
        if words[1] == "find":
            assert printed.endswith("1 session of 1 file\n")


def test_the_page_shows_states_and_evidence(folder: Path) -> None:
    shutil.copyfile(SEED / "knockdown.yaml", folder / "arm.yaml")
    html: Any = str(Page.of(make_plan(folder / "session.yaml")).html)
    assert "RT-qPCR, same cohort: 0.31 fraction of control" in html
    assert "hM4Di: activated by CNO, from start of movie to end of movie." in html


@pytest.mark.parametrize(
    ("old", "new", "location", "message"),
    [
        ("from: start of movie", "from: 40 min before movie", "states.lc_silenced.from", "but CNO was given at -1800 s"),
        ("state: activated, by: CNO", "state: blocked", "states.lc_silenced.by", "blocked by what?"),
        ("status: exogenous, by: Cre-dependent AAV", "status: endogenous", "receptors.hm4di_lc.status", "cannot be endogenous"),
    ],
)
def test_what_cannot_be_is_refused_at_its_line(
    folder: Path, tmp_path: Path, old: str, new: str, location: str, message: str
) -> None:
    shutil.copyfile(SEED / "knockdown.yaml", folder / "arm.yaml")
    text = (SEED / "session.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    changed = folder / "changed.yaml"
    changed.write_text(text.replace(old, new), encoding="utf-8")
    done = convert_session(changed, tmp_path)
    assert (done.result, list(tmp_path.iterdir())) == ("refused", [])
    errors = [one for one in done.findings if one.severity == "error"]
    assert any(one.location.endswith(f" {location}") and message in one.message for one in errors), errors
