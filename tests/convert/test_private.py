"""What sources tell of persons and machines is taken out and said; what a person states stays, and is doubted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import av
import h5py
import numpy as np
import pytest

from bergmann.convert import convert_session
from bergmann.convert.private import remove_private, say_removed
from bergmann.findings import Finding
from bergmann.proof.packets import is_without_telling
from bergmann.proof.verify import verify_file, verify_with_sources

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


VIDEO = """\
format_version: 1
time_zone: Asia/Seoul
session: {id: s1, start: 2024-05-17 10:30:57, description: "A video."}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
sources:
  cam: {format: video, path: NAME, starts: start of session}
"""


def draw(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 255, (48, 64, 3), dtype=np.uint8)


def write_video(path: Path, codec: str = "libx264", shapes: Callable[[int], np.ndarray] = draw, **metadata: str) -> Path:
    """Twelve frames, with frames that are sent before their time where the codec does that."""
    path.parent.mkdir(exist_ok=True)
    with av.open(path, "w", format={".mkv": "matroska"}.get(path.suffixes[0], path.suffixes[0][1:])) as container:
        container.metadata.update(metadata)
        stream = container.add_stream(codec, rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(12):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shapes(number), format="rgb24")))
        container.mux(stream.encode(None))
    return path


TELLING = {"artist": "Anna B.", "comment": "from /home/anna/videos", "title": "left paw"}


def session_of(video: Path) -> Path:
    session = video.with_name("session.yaml")
    session.write_text(VIDEO.replace("NAME", video.name), encoding="utf-8")
    return session


def pictures(path: Path) -> tuple[list[float | None], np.ndarray]:
    with av.open(path) as container:
        frames = list(container.decode(video=0))
    return [one.time for one in frames], np.stack([one.to_ndarray(format="rgb24") for one in frames])


def beside(target: Path) -> Path:
    (video,) = target.with_suffix("").iterdir()
    return video


@pytest.mark.parametrize(
    ("name", "codec"), [("paw.mp4", "libx264"), ("paw.avi", "mjpeg"), ("paw.mkv", "mpeg4"), ("paw.mov", "libx264")]
)
def test_metadata_of_a_video_that_tells_is_taken_out_of_the_copy(tmp_path: Path, name: str, codec: str) -> None:
    video = write_video(tmp_path / "rig" / name, codec, **TELLING)
    before = video.read_bytes()
    done = convert_session(session_of(video), tmp_path / "out")
    assert done.target is not None, [one.text for one in done.findings]
    with av.open(beside(done.target)) as container:
        assert {key.lower(): text for key, text in container.metadata.items() if key.lower() in TELLING} == {"title": "left paw"}
    assert b"anna" not in beside(done.target).read_bytes().lower()
    assert video.read_bytes() == before
    (times, frames), (source_times, source_frames) = pictures(beside(done.target)), pictures(video)
    assert times == source_times
    np.testing.assert_array_equal(frames, source_frames)

    said = [one for one in done.findings if one.check == "private text"]
    assert {one.severity for one in said} == {"note"}
    assert sorted(one.message.partition(" of its metadata")[0].lower() for one in said) == ["artist", "comment"]
    assert all("its packets and their times as they were" in one.message for one in said)
    assert errors_of(verify_file(done.target)) == errors_of(verify_with_sources(done.target, video.parent)) == []


def errors_of(findings: Iterable[Finding]) -> list[str]:
    return [one.text for one in findings if one.severity != "note"]


def test_metadata_of_a_video_is_kept_on_request(tmp_path: Path) -> None:
    video = write_video(tmp_path / "rig" / "paw.mp4", **TELLING)
    done = convert_session(session_of(video), tmp_path / "out", keep_private=True)
    assert done.target is not None
    assert beside(done.target).read_bytes() == video.read_bytes()
    assert sorted(one.message for one in done.findings if one.check == "private text" and one.location == "paw.mp4") == [
        "artist of its metadata tells of a person or a place: Ann... (7 characters)",
        "comment of its metadata tells of a path of a user: /ho... (17 characters)",
    ]


def test_a_container_that_cannot_be_written_as_it_is_stays_and_is_said(tmp_path: Path) -> None:
    """Its name is that of another one."""
    video = write_video(tmp_path / "rig" / "paw.mp4.avi", **TELLING)
    done = convert_session(session_of(video), tmp_path / "out")
    assert done.target is not None
    assert beside(done.target).read_bytes() == video.read_bytes()
    said = [one for one in done.findings if one.check == "private text" and one.location == video.name]
    assert {one.severity for one in said} == {"warning"}
    assert len(said) == 2


def test_a_video_that_tells_nothing_stays_the_same_file(tmp_path: Path) -> None:
    video = write_video(tmp_path / "rig" / "paw.mp4", title="left paw")
    done = convert_session(session_of(video), tmp_path / "out")
    assert done.target is not None
    assert beside(done.target).read_bytes() == video.read_bytes()
    assert not [one for one in done.findings if one.check == "private text"]


def test_another_video_without_metadata_is_not_taken_for_it(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", **TELLING)
    assert is_without_telling(source, write_video(tmp_path / "same.mp4", title="left paw"))
    assert not is_without_telling(source, write_video(tmp_path / "named.mp4", title="right paw"))
    assert not is_without_telling(
        source, write_video(tmp_path / "other.mp4", shapes=lambda number: draw(11 - number), title="left paw")
    )
    assert not is_without_telling(source, write_video(tmp_path / "telling.mp4", **TELLING))
    assert not is_without_telling(write_video(tmp_path / "nobody.mp4"), write_video(tmp_path / "nobody2.mp4"))


def test_a_video_that_another_one_took_the_place_of_is_found_by_the_sources(tmp_path: Path) -> None:
    video = write_video(tmp_path / "rig" / "paw.mp4", **TELLING)
    done = convert_session(session_of(video), tmp_path / "out")
    assert done.target is not None
    write_video(video, shapes=lambda number: draw(number + 1), **TELLING)
    assert any("holds other bytes than paw.mp4" in text for text in errors_of(verify_with_sources(done.target, video.parent)))
