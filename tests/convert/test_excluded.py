"""A session that is not to be used: left out, or written with the reason in it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from pynwb import NWBHDF5IO

from ..conftest import Ran
from .conftest import Folder

Run = Callable[..., Ran]


@pytest.fixture
def small(folder: Folder) -> Folder:
    """The session with its recording alone."""
    text = folder.session.read_text(encoding="utf-8")
    text = text[: text.index("devices:")] + "sources: {daq: {format: wavesurfer, path: daq/bg042_0001.h5}}\n"
    folder.session.write_text(text, encoding="utf-8")
    return folder


def exclude(folder: Folder) -> None:
    folder.state("{id: s1,", "{id: s1, exclude: focus lost,")


def test_check_says_that_a_session_is_not_to_be_used(small: Folder, bergmann: Run) -> None:
    exclude(small)
    ran = bergmann("check", small.session)
    assert ran.status == 0
    assert "session.yaml:3 session.exclude\n    this session is not to be analysed or published: focus lost" in ran.stdout
    assert "ready:" not in ran.stdout
    (document,) = json.loads(bergmann("check", small.session, "--json").stdout)
    assert document["excluded"] == "focus lost"
    assert [one["check"] for one in document["findings"]] == ["excluded"]


def test_convert_leaves_it_out_also_where_it_has_gaps(small: Folder, bergmann: Run) -> None:
    exclude(small)
    small.state("sex: F", "sex: ???")
    ran = bergmann("convert", small.session, "--out", small.out)
    assert ran.status == 0
    assert "focus lost" in ran.stdout
    row = ran.stdout.splitlines()[-1].split("  ")
    assert [one.strip() for one in row if one][1:4] == ["excluded", "-", "1 note"]
    assert not small.out.exists()
    (document,) = json.loads(bergmann("convert", small.session, "--out", small.out, "--json").stdout)
    assert (document["result"], document["file"]) == ("excluded", None)


def test_an_earlier_file_of_it_is_named_and_stays(small: Folder, bergmann: Run) -> None:
    assert bergmann("convert", small.session, "--out", small.out).status == 0
    (file,) = small.out.rglob("*.nwb")
    exclude(small)
    ran = bergmann("convert", small.session, "--out", small.out, "--overwrite")
    assert ran.status == 0
    assert f"sub-BG042/{file.name} of this session is in out from an earlier conversion" in ran.stdout
    assert file.exists()


def test_it_is_written_on_demand_and_says_so_inside(small: Folder, bergmann: Run) -> None:
    exclude(small)
    ran = bergmann("convert", small.session, "--out", small.out, "--include-excluded")
    assert ran.status == 0, ran.stdout
    (file,) = small.out.rglob("*.nwb")
    with NWBHDF5IO(file, "r") as io:
        nwbfile = io.read()
        assert nwbfile.notes == "Not to be analysed or published (focus lost)."
        assert "excluded" in list(nwbfile.keywords[:])
        (invalid,) = nwbfile.invalid_times.to_dataframe().itertuples()
        clock = nwbfile.acquisition["daq_FrameClock"]
        end = clock.starting_time + (len(clock.data) - 1) / clock.rate
        assert (invalid.start_time, invalid.stop_time) == (0.0, pytest.approx(end, abs=1e-9))
        assert list(invalid.tags) == ["excluded", "focus lost"]
