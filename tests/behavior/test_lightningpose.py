import csv

import numpy as np
import pytest

from bergmann.behavior import deeplabcut, nwb
from bergmann.behavior.deeplabcut import DeepLabCutSource
from bergmann.behavior.lightningpose import LightningPoseSource, find, read
from bergmann.behavior.stated import PoseStated, VideoStated, check_pose
from bergmann.behavior.video import VideoSource
from bergmann.behavior.video import read as read_video
from bergmann.errors import SourceError
from bergmann.records import Pose, Video
from bergmann.timing.times import ExplicitTimes, RegularTimes

MIRROR = "lightningpose/outputs/2023-11-09/10-14-37/video_preds/test_vid"
EKS = ("x", "y", "likelihood", "x_ens_median", "x_ens_var", "zscore", "x_posterior_var", "drift")


def write(path, *rows, scorer="heatmap_tracker", parts=("nose",), coords=("x", "y", "likelihood")):
    columns = [(part, coord) for part in parts for coord in coords]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["scorer", *[scorer] * len(columns)])
        table.writerow(["bodyparts", *[part for part, _ in columns]])
        table.writerow(["coords", *[coord for _, coord in columns]])
        table.writerows([[number, *row] for number, row in enumerate(rows)])
    return path


def test_a_real_file_agrees_with_pandas_and_with_the_frames_of_its_video(real, tmp_path, nwbfile, entry, placed, written):
    pd = pytest.importorskip("pandas")
    video = read_video(VideoSource(path=real(f"{MIRROR}.mp4")), {}).aligned(3.0)
    pose = read(LightningPoseSource(path=real(f"{MIRROR}.csv"), of="cam"), {"of": video})
    assert (pose.software, pose.scorer, len(pose.keypoints), len(pose.times)) == ("Lightning Pose", "heatmap_tracker", 17, 994)
    assert pose.times is video.times
    assert "video_mismatch" not in pose.notes
    frame = pd.read_csv(real(f"{MIRROR}.csv"), header=[0, 1, 2], index_col=0)["heatmap_tracker"]
    nwb.ADD[Video](nwbfile, entry("cam", video, VideoStated()), there := placed())
    nwb.ADD[Pose](nwbfile, entry("mouse", pose, PoseStated(), of="cam"), there)
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        module = reader.read().processing["behavior"]
        assert module["mouse"].source_software == "Lightning Pose"
        assert sorted(module["mouse"].pose_estimation_series) == sorted(frame.columns.unique(0))
        for name in frame.columns.unique(0):
            np.testing.assert_array_equal(module["mouse"][name].data[:], frame[name][["x", "y"]].to_numpy())
            np.testing.assert_array_equal(module["mouse"][name].confidence[:], frame[name]["likelihood"].to_numpy())
        assert "mouse_statistics" not in module.data_interfaces


def test_predictions_are_found_and_no_files_of_others(real, tmp_path):
    (source,) = find(real(f"{MIRROR}.csv").parent)
    assert source.path.name == "test_vid.csv"
    assert list(deeplabcut.find(real(f"{MIRROR}.csv").parent)) == []
    assert list(find(real("deeplabcut"))) == []
    write(tmp_path / "CollectedData.csv", [1, 2, 1], scorer="anna")
    labelled = write(tmp_path / "predictions.csv", [1, 2, 1])
    labelled.write_text(labelled.read_text(encoding="utf-8").replace("\n0,", "\nimg0.png,"), encoding="utf-8")
    (tmp_path / "a_temporal_norm.csv").write_text(",nose\n0,1.5\n", encoding="utf-8")
    assert list(find(tmp_path)) == []


@pytest.mark.parametrize("times", [RegularTimes(1.0, 30.0, 2), ExplicitTimes(np.array([1.0, 1.5]))])
def test_what_the_smoother_says_of_each_frame_is_kept(tmp_path, nwbfile, entry, placed, written, times):
    rows = [[1, 2, 0.9, 1.5, 0.25, 3, 0.125, 8], [4, 5, 0.8, 4.5, "", 2, 0.5, 9]]
    path = write(tmp_path / "a.csv", *rows, scorer="ensemble-kalman_tracker", coords=EKS, parts=("paw/left",))
    video = Video(files=(tmp_path / "a.mp4",), frame_counts=(2,), times=times, size=(4, 4))
    pose = read(LightningPoseSource(path=path, of="cam"), {"of": video})
    np.testing.assert_array_equal(pose.keypoints[0].positions, [[1, 2], [4, 5]])
    assert list(pose.keypoints[0].columns) == list(EKS[3:])
    nwb.ADD[Pose](nwbfile, entry("mouse", pose, PoseStated()), placed())
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        statistics = reader.read().processing["behavior"]["mouse_statistics"]
        units = {name.removeprefix("paw_left_"): series.unit for name, series in statistics.time_series.items()}
        assert units == {
            "x_ens_median": "pixels",
            "x_ens_var": "pixels^2",
            "zscore": "n.a.",
            "x_posterior_var": "pixels^2",
            "drift": "unknown",
        }
        np.testing.assert_array_equal(statistics["paw_left_x_ens_var"].data[:], [0.25, np.nan])
        series = statistics["paw_left_drift"]
        found = series.timestamps[:] if series.timestamps is not None else series.starting_time + np.arange(2) / series.rate
        np.testing.assert_array_equal(found, times.seconds)


def test_several_files_follow_the_files_of_the_video_and_another_name_is_a_warning(tmp_path, entry):
    for number in (1, 2):
        write(tmp_path / f"cam_{number}.csv", [number, 0, 1])
    files = (tmp_path / "cam_1.mp4", tmp_path / "cam_2.mp4")
    video = Video(files=files, frame_counts=(1, 1), times=RegularTimes(0, 1, 2), size=(4, 4))
    pose = read(LightningPoseSource(path=tmp_path / "cam_*.csv", of="cam"), {"of": video})
    np.testing.assert_array_equal(pose.keypoints[0].positions[:, 0], [1, 2])
    assert list(check_pose(entry("mouse", pose, PoseStated()), {})) == []
    other = read(LightningPoseSource(path=write(tmp_path / "b.csv", [1, 2, 1], [1, 2, 1]), of="cam"), {"of": video})
    (finding,) = check_pose(entry("mouse", other, PoseStated()), {})
    assert "named after the video 'b', and `of` names cam_1, cam_2" in finding.message


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("a.csv", {"scorer": "DLC_resnet50_x"}, r"'DLC_resnet50_x' is not one that Lightning Pose names.*`format: deeplabcut`"),
        ("a_temporal_norm.csv", {}, r"a_temporal_norm\.csv: a table of losses, which has no positions; name the predictions"),
        ("a.csv", {"coords": ("x", "y", "z")}, r"a\.csv: no likelihood of nose"),
        ("a.csv", {"rate": None}, r"a\.csv: the file has no times; state the video .* or `rate: 30 Hz`"),
    ],
)
def test_other_files_are_refused(tmp_path, name, keys, message):
    rate = keys.pop("rate", "30 Hz")
    with pytest.raises(SourceError, match=message):
        read(LightningPoseSource(path=write(tmp_path / name, [1, 2, 0.5], **keys), rate=rate), {})


def test_frames_are_counted_against_the_video(tmp_path):
    video = Video(files=(tmp_path / "a.mp4",), frame_counts=(3,), times=RegularTimes(0, 1, 3), size=(4, 4))
    with pytest.raises(SourceError, match=r"a\.csv: positions for 1 frames, and 3 frames in a\.mp4"):
        read(LightningPoseSource(path=write(tmp_path / "a.csv", [1, 2, 1]), of="cam"), {"of": video})


def test_a_file_that_excel_saved_again_is_read(tmp_path):
    path = write(tmp_path / "a.csv", [1, 2, 0.5])
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert read(LightningPoseSource(path=path, rate="30 Hz"), {}).scorer == "heatmap_tracker"
    assert [source.path for source in find(tmp_path)] == [path]
    write(path, [1, 2, 0.5], scorer="DLC_x").write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert deeplabcut.read(DeepLabCutSource(path=path, rate="30 Hz"), {}).software == "DeepLabCut"


def test_a_file_saved_again_in_another_encoding_needs_it_stated(tmp_path):
    path = write(tmp_path / "a.csv", [1, 2, 0.5], parts=("코",))
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp949"))
    pose = read(LightningPoseSource(path=path, rate="30 Hz", encoding="cp949"), {})
    assert [keypoint.name for keypoint in pose.keypoints] == ["코"]
    with pytest.raises(SourceError, match=r"a\.csv: not utf-8 text .*`encoding:` cp949"):
        read(LightningPoseSource(path=path, rate="30 Hz"), {})
    path.write_bytes(path.read_bytes().replace(b"heatmap_tracker", b"DLC_x"))
    assert deeplabcut.read(DeepLabCutSource(path=path, rate="30 Hz", encoding="cp949"), {}).keypoints[0].name == "코"
    with pytest.raises(SourceError, match=r"a\.h5: only a CSV has an encoding; leave out `encoding`"):
        deeplabcut.read(DeepLabCutSource(path=path.rename(tmp_path / "a.h5"), rate="30 Hz", encoding="cp949"), {})
