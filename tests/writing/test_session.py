"""One session's file: its name, its neighbours, and what it takes to be there at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynwb import NWBHDF5IO, validate

from bergmann.errors import SourceError, WriteError
from bergmann.writing import check_ids, existing_targets, videos, write_session
from bergmann.writing.naming import organized_id
from bergmann.writing.objects import identities

from .conftest import Made, add_light, add_record, add_video

Session = Callable[..., Made]


def write(made: Made, dandiset: Path, **options: Any) -> Path:
    return write_session(made.nwbfile, dandiset, made.streams, made.externals, **options)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def whole(session: Session, tmp_path: Path) -> Made:
    made = session(frames=np.random.default_rng(0).integers(0, 99, (130, 64, 64)).astype("uint16"))
    add_light(made)
    add_record(made)
    add_video(made, tmp_path)
    return made


def test_a_file_of_mixed_extensions_is_whole_in_a_clean_process(
    whole: Made, tmp_path: Path, read_clean: Callable[[Path], tuple[list[str], dict[str, str]]]
) -> None:
    import ndx_pose  # noqa: F401 - imported and unused, as in a process that wrote another session before

    path = write(whole, tmp_path / "out")
    assert validate(path=path) == []
    with h5py.File(path) as file:
        assert set(file["specifications"]) == {"core", "hdmf-common", "ndx-bergmann", "ndx-ophys-devices", "bergmann-session"}
    errors, objects = read_clean(path)
    assert errors == []
    assert objects == {object_id: found.kind for object_id, found in identities(whole.nwbfile).items()}
    assert {"HERD", "EntityTable", "ConversionRecord", "ClocksTable", "ExcitationSource"} <= set(objects.values())


def test_a_file_of_mixed_extensions_has_no_error_for_any_validator(whole: Made, tmp_path: Path) -> None:
    import ndx_pose  # noqa: F401

    from bergmann.findings import has_errors
    from bergmann.validate import validate_paths

    write(whole, tmp_path / "out")
    assert not has_errors(validate_paths([tmp_path / "out"]))


def test_a_file_of_core_types_keeps_core_as_its_top(session: Session, tmp_path: Path) -> None:
    path = write(session(), tmp_path / "out")
    with h5py.File(path) as file:
        assert set(file["specifications"]) == {"core", "hdmf-common"}


def test_one_namespace_twice_changes_nothing(whole: Made, tmp_path: Path) -> None:
    from bergmann.writing.namespaces import use_one_namespace

    path = write(whole, tmp_path / "out")
    before = path.read_bytes()
    use_one_namespace(path)
    assert path.read_bytes() == before


def test_an_object_that_no_specification_defines_is_refused(session: Session, tmp_path: Path) -> None:
    from bergmann.writing.namespaces import use_one_namespace

    path = write(session(), tmp_path / "out")
    with h5py.File(path, "r+") as file:
        odd = file["general"].create_group("odd")
        odd.attrs.update({"namespace": "ndx-odd", "neurodata_type": "Odd", "object_id": "1"})
    with pytest.raises(WriteError, match="general/odd: no specification in the file defines its type Odd of ndx-odd"):
        use_one_namespace(path)


def test_name_tells_subject_session_and_modalities(whole: Made, tmp_path: Path) -> None:
    path = write(whole, tmp_path / "out")
    assert path.relative_to(tmp_path / "out").as_posix() == "sub-BG042/sub-BG042_ses-sni-pod7_image+ogen+ophys.nwb"


def test_organize_renames_nothing_and_changes_no_external_file(whole: Made, session: Session, tmp_path: Path) -> None:
    from dandi.organize import CopyMode, FileOperationMode, organize

    out, other = tmp_path / "out", tmp_path / "organized"
    for made in (whole, session("#518", "base line.1")):
        write(made, out)
    organize(
        [str(out)],
        dandiset_path=str(other),
        files_mode=FileOperationMode.COPY,
        update_external_file_paths=True,
        media_files_mode=CopyMode.COPY,
        jobs=1,
    )
    assert names(other) == [name for name in names(out) if name != "dandiset.yaml"]
    ((series, _),) = whole.externals
    key = f"acquisition/{series.name}/external_file"
    name = next(name for name in names(out) if name.endswith("_image+ogen+ophys.nwb"))
    with h5py.File(out / name) as ours, h5py.File(other / name) as theirs:
        assert ours[key].asstr()[()].tolist() == theirs[key].asstr()[()].tolist()


def test_organize_keeps_the_name_of_a_lone_session_when_it_must_tell_it(session: Session, tmp_path: Path) -> None:
    from dandi.organize import FileOperationMode, organize

    path = write(session(), tmp_path / "out")
    organize(
        [str(tmp_path / "out")],
        str(tmp_path / "organized"),
        files_mode=FileOperationMode.COPY,
        required_fields=["session_id"],
        jobs=1,
    )
    assert names(tmp_path / "organized") == [path.relative_to(tmp_path / "out").as_posix()]


def test_videos_are_linked_under_the_names_of_dandi(whole: Made, tmp_path: Path) -> None:
    path = write(whole, tmp_path / "out")
    ((series, (video,)),) = whole.externals
    with NWBHDF5IO(path, "r") as io:
        (name,) = io.read().acquisition[series.name].external_file[:]
    assert name == f"{path.stem}/{series.object_id}_external_file_0.avi"
    assert (path.parent / name).samefile(video)


def test_an_image_series_may_have_the_same_video_twice(session: Session, tmp_path: Path) -> None:
    made = session()
    video = add_video(made, tmp_path)
    add_video(made, tmp_path, "face.avi")
    made.externals[1] = (made.externals[1][0], (video,))
    path = write(made, tmp_path / "out")
    assert len(list(path.with_suffix("").iterdir())) == 2


def test_a_video_that_is_gone_is_told_before_anything_is_written(session: Session, tmp_path: Path) -> None:
    made = session()
    add_video(made, tmp_path).unlink()
    with pytest.raises(SourceError, match=r"paw cam\.AVI: the video is not there any more"):
        write(made, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_kind_of_video_that_dandi_does_not_take_is_refused(session: Session, tmp_path: Path) -> None:
    made = session()
    add_video(made, tmp_path, "paw.seq")
    with pytest.raises(WriteError, match=r"paw\.seq: DANDI takes videos as \.mp4, \.avi"):
        write(made, tmp_path / "out")


def test_dandiset_yaml_is_made_once_and_kept(session: Session, tmp_path: Path) -> None:
    write(session(), tmp_path)
    assert "identifier: REQUIRED" in (tmp_path / "dandiset.yaml").read_text(encoding="utf-8")
    (tmp_path / "dandiset.yaml").write_text("identifier: '000123'\n", encoding="utf-8")
    write(session(session_id="other"), tmp_path)
    assert (tmp_path / "dandiset.yaml").read_text(encoding="utf-8") == "identifier: '000123'\n"


def test_a_session_that_is_there_is_not_replaced_unless_said(whole: Made, session: Session, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = write(whole, out)
    assert existing_targets(out, "BG042", "sni-pod7") == (first,)
    assert existing_targets(out, "BG042", "sni") == ()
    with pytest.raises(WriteError, match="this session is there already; say --overwrite"):
        write(session(), out)
    assert first.exists()
    second = write(session(), out, overwrite=True)
    assert names(out) == ["dandiset.yaml", "sub-BG042/sub-BG042_ses-sni-pod7.nwb"]
    assert second.name == "sub-BG042_ses-sni-pod7.nwb"


def test_replacing_leaves_only_the_new_videos(session: Session, tmp_path: Path) -> None:
    for _ in range(2):
        made = session()
        add_video(made, tmp_path)
        path = write(made, tmp_path / "out", overwrite=True)
    ((series, _),) = made.externals
    assert [file.name for file in path.with_suffix("").iterdir()] == [f"{series.object_id}_external_file_0.avi"]


def test_another_session_with_the_same_name_is_never_replaced(session: Session, tmp_path: Path) -> None:
    write(session(session_id="day_1"), tmp_path)
    with pytest.raises(WriteError, match=r"it holds session 'day_1' .* give one of them another id"):
        write(session(session_id="day-1"), tmp_path, overwrite=True)


def test_session_and_subject_must_have_ids(session: Session, tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="state both"):
        write(session(session_id=""), tmp_path)


def test_zarr_is_refused_with_the_reason(session: Session, tmp_path: Path) -> None:
    """Also where another writer has made the store."""
    from bergmann.writing.namespaces import use_one_namespace

    with pytest.raises(
        WriteError, match=r"out\.nwb\.zarr: .* only HDF5 files are written: .* cannot be read back .* without \.zarr"
    ):
        write(session(), tmp_path / "out.nwb.zarr")
    assert list(tmp_path.iterdir()) == []
    store = tmp_path / "theirs"
    store.mkdir()
    (store / ".zgroup").write_text('{"zarr_format": 2}', encoding="utf-8")
    with pytest.raises(WriteError, match="theirs: this is a Zarr store"):
        use_one_namespace(store)


def test_a_file_in_place_of_the_folder(session: Session, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x", encoding="utf-8")
    with pytest.raises(WriteError, match="out: it is a file; name a folder"):
        write(session(), tmp_path / "out")


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(session: Session, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    with pytest.raises(WriteError, match="out: cannot be written: Permission denied; name a folder that you may write to"):
        write(session(), out)
    assert list(out.iterdir()) == []


def test_a_file_in_place_of_the_subject_folder_leaves_nothing_new(session: Session, tmp_path: Path) -> None:
    (tmp_path / "sub-BG042").write_text("x", encoding="utf-8")
    with pytest.raises(WriteError, match="cannot be written"):
        write(session(), tmp_path)
    assert names(tmp_path) == ["dandiset.yaml", "sub-BG042"]


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_ids_are_rewritten_as_organize_rewrites_them(text: str) -> None:
    from dandi.organize import _sanitize_value

    assert organized_id(text) == _sanitize_value(text, "session_id")


@pytest.mark.parametrize(
    ("subject_id", "session_id", "expected"),
    [
        ("BG042", "sni-pod7-capsaicin", []),
        ("#518", "base", []),
        ("a_b", "base", [("note", "subject.id", "`a-b` in the file's name")]),
        ("m.1", "s 1", [("note", "subject.id", "`m-1`"), ("note", "session.id", "`s-1`")]),
        ("Ünal", "base", [("error", "subject.id", "takes no path with Ü")]),
        ("a/b", "", [("error", "subject.id", "has a slash"), ("error", "session.id", "it is empty")]),
    ],
)
def test_ids_in_file_names(subject_id: str, session_id: str, expected: list[tuple[str, str, str]]) -> None:
    found = list(check_ids(subject_id, session_id))
    assert [(finding.severity, finding.location) for finding in found] == [
        (severity, location) for severity, location, _ in expected
    ]
    assert all(message in finding.message for finding, (_, _, message) in zip(found, expected, strict=True))


def test_a_session_that_another_run_wrote_meanwhile_is_kept(whole: Made, session: Session, tmp_path: Path) -> None:
    other = session()

    def write_another(_: Path, __: Path) -> None:
        write(other, tmp_path / "out")

    with pytest.raises(WriteError, match="another run has written this session meanwhile"):
        write(whole, tmp_path / "out", prove=write_another)
    (path,) = (tmp_path / "out").rglob("*.nwb")
    with h5py.File(path) as file:
        assert set(file["acquisition"]) == set(other.nwbfile.acquisition)
    assert not [name for name in names(tmp_path / "out") if ".part" in name or name.endswith((".avi", ".mp4"))]


def test_a_video_whose_moving_is_interrupted_is_taken_back(whole: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = videos.replace_when_free

    def interrupt(source: Path, target: Path) -> None:
        replace(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(videos, "replace_when_free", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(whole, tmp_path / "out")
    assert names(tmp_path / "out") == ["dandiset.yaml"]
