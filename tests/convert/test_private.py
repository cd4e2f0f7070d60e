"""What sources tell of persons and machines is taken out and said; what a person states stays, and is doubted."""

from __future__ import annotations

from pathlib import Path

import av
import h5py
import numpy as np

from bergmann.convert import convert_session
from bergmann.convert.private import check_videos, remove_private, say_removed

from ..validate.nwb_files import add_light, make_nwbfile
from .conftest import Folder


def test_private_parts_are_taken_out_of_all_texts() -> None:
    from hdmf.common import DynamicTable, VectorData

    nwbfile = make_nwbfile(description=r"seen in C:\Users\anna\x.tif, by anna@lab.org")
    nwbfile.keywords = ("glia", "/home/anna/rig")
    light = add_light(nwbfile, watts=[0.0, 0.01])
    table = DynamicTable(name="logs", description="logs")
    table.add_column(name="file", description="file", data=[])
    table.add_row(file="/home/anna/a.txt")
    table.add_row(file="b.txt")
    wide = VectorData(name="wide", description="wide", data=np.array(["a", "D:\\x"]))
    nwbfile.add_scratch(DynamicTable(name="wide", description="d", columns=[wide]))
    nwbfile.add_scratch(table)
    removals = remove_private(nwbfile, ())
    assert nwbfile.subject.description == "seen in [removed], by [removed]"
    assert nwbfile.keywords == ("glia", "[removed]")
    assert list(nwbfile.scratch["logs"]["file"].data) == ["[removed]", "b.txt"]
    assert list(nwbfile.scratch["wide"]["wide"].data) == ["a", "[removed]"]
    assert light.description == "light"
    assert sorted((one.where, one.kind) for one in removals) == [
        ("file.keywords", "a path of a user"),
        ("logs/file", "a path of a user"),
        ("subject.description", "a path of a user"),
        ("subject.description", "an e-mail address"),
        ("wide/wide", "an absolute path"),
    ]


def test_what_a_person_stated_stays_and_is_doubted() -> None:
    nwbfile = make_nwbfile(description="ask anna@lab.org")
    (finding,) = say_removed(remove_private(nwbfile, ["ask anna@lab.org"]))
    assert nwbfile.subject.description == "ask anna@lab.org"
    assert (finding.severity, finding.location) == ("warning", "subject.description")
    assert "anna@lab" not in finding.message


def name_the_rig(folder: Folder) -> None:
    """The header of the recording carries the folder of a user, as WaveSurfer's does."""
    folder.state("notes.csv, of: movie,", "notes.csv, of: movie, ")
    notes = folder.path / "notes.csv"
    notes.write_text(notes.read_text(encoding="utf-8").replace("grooming", r"see C:\Users\anna\notes.txt"), encoding="utf-8")


def texts_of(path: Path) -> str:
    found: list[str] = []

    def note(name: str, one: h5py.Group | h5py.Dataset) -> None:
        if name.startswith("specifications"):
            return
        found.extend(str(value) for value in one.attrs.values())
        if isinstance(one, h5py.Dataset) and h5py.check_string_dtype(one.dtype) is not None:
            found.append(str(one[()]))

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return "\n".join(found)


def test_a_converted_file_does_not_tell_what_its_sources_do(folder: Folder) -> None:
    name_the_rig(folder)
    done = convert_session(folder.session, folder.out)
    assert done.target is not None
    assert "anna" not in texts_of(done.target)
    assert {one.message for one in done.findings if one.check == "private text"} == {
        "a path of a user, which the source carries, was taken out: C:\\... (23 characters)"
    }


def test_it_is_kept_on_request(folder: Folder) -> None:
    name_the_rig(folder)
    done = convert_session(folder.session, folder.out, keep_private=True)
    assert done.target is not None
    assert "anna" in texts_of(done.target)
    warnings = [one for one in done.findings if one.severity == "warning"]
    assert {one.check for one in warnings} == {"structure_no_private_text"}
    assert len(warnings) == 2  # where it stands, and the row of the ledger that says where it comes from


def test_metadata_of_videos_that_tell_a_person_are_said(tmp_path: Path) -> None:
    path = tmp_path / "paw.mp4"
    with av.open(path, "w") as container:
        container.metadata["artist"] = "Anna B."
        container.metadata["comment"] = "from /home/anna/videos"
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(2):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), dtype=np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    found = sorted(one.message for one in check_videos([path]))
    assert found == [
        "artist of its metadata tells of a person or a place: Ann... (7 characters)",
        "comment of its metadata tells of a path of a user: /ho... (17 characters)",
    ]
