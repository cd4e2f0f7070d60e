import csv
import pickle
import sys

import numpy as np
import pytest

from bergmann.behavior import nwb
from bergmann.behavior.deeplabcut import DeepLabCutSource, find, read, tracked_video
from bergmann.behavior.stated import PoseStated, check_pose
from bergmann.behavior.video import VideoSource
from bergmann.behavior.video import read as read_video
from bergmann.errors import MissingExtraError, SourceError
from bergmann.records import Keypoint, Pose, Video
from bergmann.timing.times import ExplicitTimes, RegularTimes

SCORER = "DLC_resnet50_testJan1shuffle1_1000"
OPEN_FIELD = "deeplabcut/open_field_with_video/m3v1mp4DLC_resnet50_openfieldOct30shuffle1_1000.h5"
SLEEP_BOX = "deeplabcut/SL18_csv"


def write_csv(path, rows, *, parts=("snout", "tail"), individuals=None, scorer=SCORER):
    """Write a CSV as DeepLabCut does; `rows` hold x, y, likelihood of each part (of each animal)."""
    animals = individuals or ("",)
    columns = [(animal, part, coord) for animal in animals for part in parts for coord in ("x", "y", "likelihood")]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["scorer", *[scorer] * len(columns)])
        if individuals:
            table.writerow(["individuals", *[animal for animal, _, _ in columns]])
        table.writerow(["bodyparts", *[part for _, part, _ in columns]])
        table.writerow(["coords", *[coord for _, _, coord in columns]])
        table.writerows([[number, *row] for number, row in enumerate(rows)])
    return path


ROWS = [[1.5, 2.25, 0.9, 3, 4, 1e-05], [1.75, 2.5, 0.8, "", "", 0.1], [2, 3, 0.7, 5, 6, 0.99]]


def test_a_csv_gives_its_numbers_with_nan_kept(tmp_path):
    pose = read(DeepLabCutSource(path=write_csv(tmp_path / f"paw{SCORER}.csv", ROWS), rate="30 Hz"), {})
    snout, tail = pose.keypoints
    np.testing.assert_array_equal(snout.positions, [[1.5, 2.25], [1.75, 2.5], [2, 3]])
    np.testing.assert_array_equal(tail.positions, [[3, 4], [np.nan, np.nan], [5, 6]])
    np.testing.assert_array_equal(tail.confidence, [1e-05, 0.1, 0.99])
    assert (snout.name, tail.name) == ("snout", "tail")
    assert (pose.scorer, pose.software, pose.video) == (SCORER, "DeepLabCut", "paw")
    assert pose.times == RegularTimes(0.0, 30.0, 3)


def test_one_animal_of_several_is_chosen(tmp_path):
    rows = [[1, 2, 0.5, 7, 8, 0.6], [3, 4, 0.7, 9, 10, 0.8]]
    path = write_csv(tmp_path / f"cage{SCORER}.csv", rows, parts=("snout",), individuals=("mouse1", "mouse2"))
    pose = read(DeepLabCutSource(path=path, rate="10 Hz", individual="mouse2"), {})
    np.testing.assert_array_equal(pose.keypoints[0].positions, [[7, 8], [9, 10]])
    with pytest.raises(SourceError, match=r"2 animals are tracked; state `individual:` as one of: mouse1, mouse2"):
        read(DeepLabCutSource(path=path, rate="10 Hz"), {})
    with pytest.raises(SourceError, match=r"no individual 'mouse3'; the file has: mouse1, mouse2"):
        read(DeepLabCutSource(path=path, rate="10 Hz", individual="mouse3"), {})


def test_a_real_h5_file_agrees_with_pandas(real):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    path = real(OPEN_FIELD)
    pose = read(DeepLabCutSource(path=path, rate="30 Hz"), {})
    frame = pd.read_hdf(path)
    assert [keypoint.name for keypoint in pose.keypoints] == ["snout", "leftear", "rightear", "tailbase"]
    for keypoint in pose.keypoints:
        part = frame[pose.scorer][keypoint.name]
        np.testing.assert_array_equal(keypoint.positions, part[["x", "y"]].to_numpy())
        np.testing.assert_array_equal(keypoint.confidence, part["likelihood"].to_numpy())
    assert len(pose.times) == 2330


def test_a_real_csv_file_agrees_with_pandas(real):
    pd = pytest.importorskip("pandas")
    (path,) = real(SLEEP_BOX).glob("*.csv")
    pose = read(DeepLabCutSource(path=path, rate="15 Hz"), {})
    frame = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    for keypoint in pose.keypoints:
        part = frame[pose.scorer][keypoint.name]
        np.testing.assert_array_equal(keypoint.positions, part[["x", "y"]].to_numpy())
        np.testing.assert_array_equal(keypoint.confidence, part["likelihood"].to_numpy())
    assert [keypoint.name for keypoint in pose.keypoints] == ["redled", "shoulder", "haunch", "baseoftail"]


@pytest.mark.parametrize("layout", ["table", "fixed"])
def test_csv_and_h5_of_one_table_agree(tmp_path, layout):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    path = write_csv(tmp_path / f"paw{SCORER}.csv", ROWS)
    frame = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    frame.to_hdf(path.with_suffix(".h5"), key="df_with_missing", format=layout, mode="w")
    from_csv = read(DeepLabCutSource(path=path, rate="30 Hz"), {})
    from_h5 = read(DeepLabCutSource(path=path.with_suffix(".h5"), rate="30 Hz"), {})
    for one, other in zip(from_csv.keypoints, from_h5.keypoints, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.positions, other.positions)
        np.testing.assert_array_equal(one.confidence, other.confidence)
    if layout == "table":
        assert [source.path.suffix for source in find(tmp_path)] == [".h5"]


def test_a_layout_that_only_pandas_reads_names_the_extra(tmp_path, monkeypatch):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    path = tmp_path / f"paw{SCORER}.h5"
    pd.read_csv(write_csv(tmp_path / "a.csv", ROWS), header=[0, 1, 2], index_col=0).to_hdf(path, key="df", format="fixed", mode="w")
    monkeypatch.setitem(sys.modules, "tables", None)
    with pytest.raises(MissingExtraError, match=r"'bergmann\[dlc-h5\]'"):
        read(DeepLabCutSource(path=path, rate="30 Hz"), {})


def test_an_h5_attribute_that_would_run_code_is_not_unpickled(tmp_path):
    import h5py

    class Harmful:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    path = tmp_path / f"paw{SCORER}.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_("frame_table")
        group.attrs["non_index_axes"] = np.void(pickle.dumps(Harmful()))
    assert list(find(tmp_path)) == []
    with pytest.raises(SourceError, match=r"its header holds more than names and numbers"):
        read(DeepLabCutSource(path=path, rate="30 Hz"), {})
    assert not (tmp_path / "made").exists()


def test_frames_are_counted_against_the_video(tmp_path, write_video):
    video = read_video(VideoSource(path=write_video(tmp_path / "paw.avi", frames=5)), {})
    path = write_csv(tmp_path / f"paw{SCORER}.csv", ROWS)
    with pytest.raises(SourceError, match=r"positions for 3 frames, and 5 frames in paw\.avi"):
        read(DeepLabCutSource(path=path, of="paw_cam"), {"of": video})


def test_the_video_gives_the_times_and_a_foreign_name_is_a_warning(tmp_path, write_video, entry):
    video = read_video(VideoSource(path=write_video(tmp_path / "face.avi", frames=3)), {}).aligned(7.0)
    pose = read(DeepLabCutSource(path=write_csv(tmp_path / f"paw{SCORER}.csv", ROWS), of="face_cam"), {"of": video})
    assert pose.times is video.times
    (finding,) = check_pose(entry("paw", pose, PoseStated()), {})
    assert finding.severity == "warning"
    assert "named after the video 'paw', and `of` names face" in finding.message


def test_several_files_follow_the_files_of_the_video(tmp_path, write_video):
    for number in (1, 2):
        write_video(tmp_path / f"paw_{number}.avi", frames=3)
        write_csv(tmp_path / f"paw_{number}{SCORER}.csv", [[number, 0, 1, 0, 0, 1]] * 3)
    video = read_video(VideoSource(path=tmp_path / "paw_*.avi"), {})
    pose = read(DeepLabCutSource(path=tmp_path / "paw_*.csv", of="paw_cam"), {"of": video})
    np.testing.assert_array_equal(pose.keypoints[0].positions[:, 0], [1, 1, 1, 2, 2, 2])
    assert "video_mismatch" not in pose.notes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) - 12], r"line 6 has \d cells of 7; is the file cut off"),
        (lambda text: text.replace("1.75", "oops"), r"line 5: could not convert string to float: 'oops'"),
        (lambda text: text.replace("bodyparts", "parts"), r"expected scorer, \(individuals,\) bodyparts, coords"),
        (lambda text: text.replace("\n2,", "\n7,"), r"row 2 is frame 7; expected every frame from 0 on"),
        (lambda text: text.replace("likelihood", "z"), r"no likelihood of snout"),
        (lambda text: text.replace(SCORER, "heatmap_tracker"), r"'heatmap_tracker' is not one that DeepLabCut names.*software"),
    ],
)
def test_damaged_files_are_refused(tmp_path, change, message):
    path = write_csv(tmp_path / f"paw{SCORER}.csv", ROWS)
    path.write_text(change(path.read_text(encoding="utf-8").replace("\r\n", "\n")), encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        read(DeepLabCutSource(path=path, rate="30 Hz"), {})


def test_neither_video_nor_rate_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"no times; state the video .* or `rate: 30 Hz`"):
        read(DeepLabCutSource(path=write_csv(tmp_path / f"paw{SCORER}.csv", ROWS)), {})


def test_an_h5_file_that_is_text_is_refused(tmp_path):
    path = tmp_path / "pawDLC.h5"
    path.write_text("text", encoding="utf-8")
    with pytest.raises(SourceError, match=r"pawDLC\.h5: not an HDF5 file"):
        read(DeepLabCutSource(path=path, rate="30 Hz"), {})


def test_a_foreign_h5_file_is_refused_and_not_found(tmp_path):
    import h5py

    with h5py.File(tmp_path / "movie.h5", "w") as file:
        file["frames"] = np.zeros((3, 4))
    with pytest.raises(SourceError, match=r"movie\.h5: 0 pandas tables"):
        read(DeepLabCutSource(path=tmp_path / "movie.h5", rate="30 Hz"), {})
    assert list(find(tmp_path)) == []


def test_other_software_is_named_by_a_person(real):
    path = real("lightningpose/outputs/2023-11-09/10-14-37/video_preds/test_vid.csv")
    pose = read(DeepLabCutSource(path=path, rate="250 Hz", software="Lightning Pose"), {})
    assert (pose.software, len(pose.times)) == ("Lightning Pose", 994)


@pytest.mark.parametrize(
    ("name", "video"),
    [(f"m3v1mp4{SCORER}.h5", "m3v1mp4"), ("pawDLC.csv", "paw"), (f"a.1{SCORER}_filtered.csv", "a.1"), ("positions.csv", None)],
)
def test_the_file_name_says_which_video_was_tracked(tmp_path, name, video):
    assert tracked_video(tmp_path / name, SCORER) == video


def test_real_pose_and_video_reach_the_file_with_every_value(real, tmp_path, nwbfile, entry, placed, written):
    video = read_video(VideoSource(path=real("deeplabcut/open_field_with_video/m3v1mp4.mp4")), {}).aligned(2.0)
    pose = read(DeepLabCutSource(path=real(OPEN_FIELD), of="cam"), {"of": video})
    there = placed()
    from bergmann.behavior.stated import VideoStated

    nwb.ADD[Video](nwbfile, entry("cam", video, VideoStated()), there)
    stated = PoseStated(skeleton=[["snout", "leftear"], ["snout", "rightear"]])
    nwb.ADD[Pose](nwbfile, entry("mouse", pose, stated, of="cam"), there)
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        back = reader.read()
        estimation = back.processing["behavior"]["mouse"]
        assert estimation.source_video is back.acquisition["cam"]
        assert estimation.scorer == pose.scorer
        assert estimation.source_software == "DeepLabCut"
        assert list(estimation.skeleton.nodes[:]) == ["snout", "leftear", "rightear", "tailbase"]
        assert estimation.skeleton.edges[:].tolist() == [[0, 1], [0, 2]]
        assert list(estimation.pose_estimation_series) == ["leftear", "rightear", "snout", "tailbase"]
        for keypoint in pose.keypoints:
            series = estimation[keypoint.name]
            assert series.data.dtype == np.float64
            np.testing.assert_array_equal(series.data[:], keypoint.positions)
            np.testing.assert_array_equal(series.confidence[:], keypoint.confidence)
            assert (series.starting_time, series.rate) == (2.0, pose.times.rate)
            core = back.processing["behavior"]["mouse_position"][keypoint.name]
            assert core is series
    import h5py

    with h5py.File(tmp_path / "out.nwb", "r") as file:
        module = file["processing/behavior"]
        assert isinstance(module.get("mouse_position/snout", getlink=True), h5py.SoftLink)


def test_explicit_times_are_shared_and_edges_are_not_invented(tmp_path, nwbfile, entry, placed, written):
    positions = np.array([[1.0, 2.0], [np.nan, np.nan]])
    points = tuple(Keypoint(name=name, positions=positions, confidence=np.array([1.0, 0.0])) for name in ("snout", "tail"))
    times = ExplicitTimes(np.array([0.5, 0.7]))
    pose = Pose(files=(tmp_path / "a.csv",), keypoints=points, times=times, scorer=SCORER, software="DeepLabCut")
    nwb.ADD[Pose](nwbfile, entry("one", pose, PoseStated()), there := placed())
    nwb.ADD[Pose](nwbfile, entry("two", pose, PoseStated()), there)
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        module = reader.read().processing["behavior"]
        assert module["one"].skeleton.edges is None
        assert sorted(module["Skeletons"].skeletons) == ["one_skeleton", "two_skeleton"]
        np.testing.assert_array_equal(module["one"]["tail"].timestamps[:], [0.5, 0.7])
        np.testing.assert_array_equal(module["one"]["tail"].data[:], positions)
        np.testing.assert_array_equal(module["one_position"]["tail"].timestamps[:], [0.5, 0.7])


def test_a_skeleton_of_unknown_parts_is_a_finding(tmp_path, entry):
    pose = read(DeepLabCutSource(path=write_csv(tmp_path / f"paw{SCORER}.csv", ROWS), rate="30 Hz"), {})
    (finding,) = check_pose(entry("paw", pose, PoseStated(skeleton=[["snout", "ear"]])), {})
    assert (finding.severity, finding.location) == ("error", "skeleton")
    assert "no body part 'ear'" in finding.message
