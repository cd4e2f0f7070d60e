import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bergmann.behavior import nwb
from bergmann.behavior.sleap import SleapSource, find, read
from bergmann.behavior.stated import PoseStated, VideoStated, check_pose
from bergmann.behavior.video import VideoSource
from bergmann.behavior.video import read as read_video
from bergmann.errors import MissingExtraError, SourceError
from bergmann.records import Pose, Video
from bergmann.timing.times import RegularTimes

FLY = "sleap/neuroconv_fly/predictions_1.2.7_provenance_and_tracking.slp"


def test_without_its_reader_the_extra_is_named(small_lab, monkeypatch):
    monkeypatch.setitem(sys.modules, "sleap_io", None)
    with pytest.raises(MissingExtraError, match=r"face\.analysis\.h5: a file of SLEAP .*'bergmann\[sleap\]'"):
        read(SleapSource(path=small_lab.keys["sleap"]["path"], rate="30 Hz"), {})


def test_labels_are_found_and_not_the_analysis_file_made_of_them(real, tmp_path, small_lab):
    import h5py

    assert [source.path.name for source in find(real(FLY).parent)] == [Path(FLY).name]
    for name in ("face.slp", "train.pkg.slp"):
        with h5py.File(tmp_path / name, "w") as file:
            file.update({key: [0] for key in ("metadata", "frames", "instances", "pred_points")})
    (tmp_path / "face.analysis.h5").write_bytes(small_lab.keys["sleap"]["path"].read_bytes())
    assert [source.path.name for source in find(tmp_path)] == ["face.slp"]
    (tmp_path / "face.slp").unlink()
    assert [source.path.name for source in find(tmp_path)] == ["face.analysis.h5"]


def test_a_file_of_something_else_is_refused(tmp_path):
    for name in ("a.slp", "a.h5", "a.csv", "a.pkg.slp"):
        (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(90))
        with pytest.raises(SourceError, match=rf"{name}: not a file of SLEAP; expected labels \(`\.slp`\)"):
            read(SleapSource(path=tmp_path / name, rate="30 Hz"), {})


# --- with SLEAP's own reader ------------------------------------------------------------------------------------------


@pytest.fixture
def sio():
    return pytest.importorskip("sleap_io", reason="needs the extra `sleap`")


@pytest.fixture
def labels(sio, tmp_path):
    """Write labels: for each frame, who is in it as (track, is a label of a person, x); y is x + 1, the second node NaN."""

    def write(frames, *, videos=("C:/rig/cam.mp4",), name="cam.slp", **provenance):
        skeleton = sio.Skeleton(["nose", "tail", "ear"], edges=[("tail", "nose"), ("nose", "ear")])
        tracks = {track: sio.Track(track) for _, _, there in frames for track, _, _ in there if track}
        clips = [sio.Video(filename=video, open_backend=False) for video in videos]
        made = []
        for clip, index, there in frames:
            instances = []
            for track, labelled, x in there:
                points = np.array([[x, x + 1], [np.nan, np.nan], [x + 2, x + 3]])
                if labelled:
                    instances.append(sio.Instance.from_numpy(points, skeleton=skeleton, track=tracks.get(track)))
                else:
                    scores = {"point_scores": np.array([0.5, 0.25, 0.75]), "score": 0.5}
                    instances.append(sio.PredictedInstance.from_numpy(points, skeleton=skeleton, track=tracks.get(track), **scores))
            made.append(sio.LabeledFrame(video=clips[clip], frame_idx=index, instances=instances))
        whole = sio.Labels(made, videos=clips, skeletons=[skeleton], tracks=list(tracks.values()), provenance=provenance)
        whole.save(str(tmp_path / name), verbose=False)
        return tmp_path / name

    return write


def cam(tmp_path, n_frames, name="cam.mp4"):
    return Video(files=(tmp_path / name,), frame_counts=(n_frames,), times=RegularTimes(5.0, 10.0, n_frames), size=(9, 9))


def nose(pose):
    return pose.keypoints[0]


@pytest.mark.parametrize("track", ["track_0", "track_1"])
def test_a_real_file_agrees_with_its_own_bytes(sio, real, track):
    import h5py

    pose = read(SleapSource(path=real(FLY), rate="32 Hz", individual=track), {})
    assert (len(pose.times), pose.software, pose.notes["software_version"]) == (101, "SLEAP", "1.2.7")
    assert (pose.scorer, pose.video) == ("courtship.centroid + courtship.topdown_confmaps", "20190128_113421.mp4")
    assert "heberto" not in repr(pose).replace(str(real(FLY)), "")
    with h5py.File(real(FLY)) as file:
        metadata = json.loads(file["metadata"].attrs["json"])
        names = [node["name"] for node in metadata["nodes"]]
        order = [node["id"] for node in metadata["skeletons"][0]["nodes"]]
        tracks = [json.loads(text)[1] for text in file["tracks_json"]]
        frames, instances, points = file["frames"][:], file["instances"][:], file["pred_points"][:]
        legacy = 0.5 if file["metadata"].attrs["format_id"] < 1.1 else 0.0  # older files count from a pixel's corner
    assert [keypoint.name for keypoint in pose.keypoints] == [names[number] for number in order]
    frame_idx = dict(zip(frames["frame_id"], frames["frame_idx"], strict=True))
    expected = np.full((101, 13, 3), np.nan)
    for one in instances[instances["track"] == tracks.index(track)]:
        own = points[one["point_id_start"] : one["point_id_end"]]
        seen = np.column_stack([own["x"] - legacy, own["y"] - legacy])
        expected[frame_idx[one["frame_id"]]] = np.column_stack([seen, own["score"]])
    for number, keypoint in enumerate(pose.keypoints):
        np.testing.assert_allclose(keypoint.positions, expected[:, number, :2], rtol=0, atol=1e-9)
        np.testing.assert_allclose(keypoint.confidence, expected[:, number, 2], rtol=0, atol=1e-9)
    assert ("head", "eyeL") in pose.edges
    assert len(pose.edges) == 12


def test_labels_and_the_analysis_file_made_of_them_agree(sio, real, tmp_path):
    path = tmp_path / "fly.analysis.h5"
    sio.save_analysis_h5(sio.load_slp(str(real(FLY)), open_videos=False), str(path))
    one, other = (read(SleapSource(path=file, rate="32 Hz", individual="track_1"), {}) for file in (real(FLY), path))
    for mine, theirs in zip(one.keypoints, other.keypoints, strict=True):
        assert mine.name == theirs.name
        np.testing.assert_array_equal(mine.positions, theirs.positions)
        np.testing.assert_array_equal(mine.confidence, theirs.confidence)
    assert (one.edges, one.scorer, one.basis) == (other.edges, other.scorer, other.basis)


def test_an_analysis_file_as_sleap_writes_it(sio, small_lab):
    path = small_lab.keys["sleap"]["path"]
    pose = read(SleapSource(path=path, rate="30 Hz", individual="mouse"), {})
    np.testing.assert_array_equal(pose.keypoints[1].positions[3], [101.5, 103.5])
    np.testing.assert_array_equal(nose(pose).confidence, np.full(len(pose.times), 0.75))
    assert (pose.scorer, pose.video, pose.edges) == ("mouse.single", "face.mp4", (("nose", "tail"),))
    assert read(SleapSource(path=path, rate="30 Hz", individual="other"), {}).times.count == 1
    with pytest.raises(SourceError, match=r"2 animals are tracked; state `individual:` as one of: mouse, other"):
        read(SleapSource(path=path, rate="30 Hz"), {})
    with pytest.raises(SourceError, match=r"no track 'rat'; the file has: mouse, other"):
        read(SleapSource(path=path, rate="30 Hz", individual="rat"), {})


def test_a_label_of_a_person_counts_more_than_a_prediction(labels, tmp_path):
    path = labels([(0, 0, [("a", False, 1)]), (0, 2, [("a", False, 3), ("a", True, 30), ("", True, 9)]), (0, 3, [("b", False, 4)])])
    pose = read(SleapSource(path=path, of="cam", individual="a"), {"of": cam(tmp_path, 5)})
    np.testing.assert_array_equal(nose(pose).positions, [[1, 2], [np.nan] * 2, [30, 31], [np.nan] * 2, [np.nan] * 2])
    np.testing.assert_array_equal(nose(pose).confidence, [0.5, np.nan, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(pose.keypoints[1].positions, np.full((5, 2), np.nan))
    assert pose.times == RegularTimes(5.0, 10.0, 5)
    assert pose.basis == (
        "In 1 of 5 frames the positions are those that a person labelled, which count more than a prediction and have no "
        "confidence (NaN). 1 instances without a track are left out. 3 of 5 frames hold no such animal (NaN)."
    )
    assert pose.scorer is None
    assert "video_mismatch" not in pose.notes


def test_without_tracks_one_animal_a_frame_is_that_animal(labels):
    path = labels([(0, 0, [("", False, 1), ("", True, 10)]), (0, 1, [("", False, 2)])])
    pose = read(SleapSource(path=path, rate="10 Hz"), {})
    np.testing.assert_array_equal(nose(pose).positions[:, 0], [10, 2])
    assert pose.times == RegularTimes(0.0, 10.0, 2)


def test_one_video_of_several_is_chosen(labels):
    path = labels([(0, 0, [("", False, 1)]), (1, 0, [("", False, 2)])], videos=("/rig/a.mp4", "D:\\rig\\b.mp4"))
    assert nose(read(SleapSource(path=path, rate="1 Hz", video="b.mp4"), {})).positions[0, 0] == 2
    with pytest.raises(SourceError, match=r"2 videos; state `video:` as one of: a\.mp4, b\.mp4"):
        read(SleapSource(path=path, rate="1 Hz"), {})
    with pytest.raises(SourceError, match=r"no animal in a video 'c\.mp4'; the file has: a\.mp4, b\.mp4"):
        read(SleapSource(path=path, rate="1 Hz", video="c.mp4"), {})


def test_the_files_of_one_video_are_joined_in_its_order(labels, tmp_path):
    frames = [(0, 1, [("", False, 21)]), (1, 0, [("", False, 10)])]
    path = labels(frames, videos=("/rig/cam_2.mp4", "/rig/cam_1.mp4"))
    files = (tmp_path / "cam_1.avi", tmp_path / "cam_2.avi")
    video = Video(files=files, frame_counts=(3, 2), times=RegularTimes(0.0, 1.0, 5), size=(9, 9))
    pose = read(SleapSource(path=path, of="cam"), {"of": video})
    np.testing.assert_array_equal(nose(pose).positions[:, 0], [10, np.nan, np.nan, np.nan, 21])
    second = read(SleapSource(path=path, of="cam", video="cam_2.mp4"), {"of": video})
    np.testing.assert_array_equal(nose(second).positions[:, 0], [np.nan, np.nan, np.nan, np.nan, 21])
    foreign = labels([(0, 0, [("", False, 1)])], videos=("/rig/face.mp4",), name="face.slp")
    with pytest.raises(
        SourceError, match=r"face\.slp: tracked in face\.mp4, and the files of the video are cam_1\.avi, cam_2\.avi"
    ):
        read(SleapSource(path=foreign, of="cam"), {"of": video})
    late = labels([(0, 3, [("", False, 1)])], videos=("/rig/cam_1.mp4",), name="late.slp")
    with pytest.raises(SourceError, match=r"late\.slp: frame 3 of cam_1\.mp4 \(counted from 0\), which has 3 frames; was"):
        read(SleapSource(path=late, of="cam"), {"of": video})


def test_two_videos_of_one_name_are_not_mixed(labels):
    path = labels([(0, 0, [("", False, 1)]), (1, 0, [("", False, 2)])], videos=("/a/cam.mp4", "/b/cam.mp4"))
    with pytest.raises(SourceError, match=r"frame 0 of cam\.mp4 is there twice; are there two videos of that name"):
        read(SleapSource(path=path, rate="1 Hz"), {})


@pytest.mark.parametrize(
    ("frames", "keys", "message"),
    [
        ([(0, 4, [("", False, 1), ("", False, 2)])], {"rate": "1 Hz"}, r"frame 4: 2 animals and no tracks; proofread"),
        ([(0, 4, [("a", False, 1), ("a", False, 2)])], {"rate": "1 Hz"}, r"frame 4: the track 'a' is there 2 times"),
        ([(0, 4, [("", False, 1)])], {}, r"cam\.slp: the file has no times; state the video .* or `rate: 30 Hz`"),
        ([(0, 4, [("", False, 1)])], {"rate": "1 Hz", "individual": "a"}, r"no track 'a'; the file has: one animal, without"),
        ([(0, 4, [("", False, 1)])], {"of": "cam"}, r"frame 4 of cam\.mp4 \(counted from 0\), which has 4 frames; was"),
        ([(0, 4, [])], {"rate": "1 Hz"}, r"cam\.slp: no animal in any frame"),
    ],
)
def test_what_cannot_be_told_is_refused(labels, tmp_path, frames, keys, message):
    with pytest.raises(SourceError, match=message):
        read(SleapSource(path=labels(frames), **keys), {"of": cam(tmp_path, 4)} if "of" in keys else {})


def test_a_file_cut_off_inside_is_refused(labels):
    import h5py

    path = labels([(0, 0, [("", False, 1)])])
    with h5py.File(path, "a") as file:
        del file["metadata"].attrs["json"]
    with pytest.raises(SourceError, match=r"cam\.slp: cannot be read as a file of SLEAP, or is cut off"):
        read(SleapSource(path=path, rate="1 Hz"), {})


def test_what_contradicts_the_file_is_a_finding(labels, tmp_path, entry):
    path = labels([(0, 0, [("", False, 1)])], sleap_version="1.4.0")
    pose = read(SleapSource(path=path, of="face"), {"of": cam(tmp_path, 4, "face.mp4")})
    findings = {one.location: one.message for one in check_pose(entry("fly", pose, PoseStated(software_version="1.3")), {})}
    assert "named after the video 'cam', and `of` names face" in findings["of"]
    assert findings["software_version"] == "1.3 is stated, and cam.slp says 1.4.0"


def test_the_pose_reaches_the_file(labels, tmp_path, write_video, nwbfile, entry, placed, written):
    video = read_video(VideoSource(path=write_video(tmp_path / "cam.mp4", frames=4)), {}).aligned(2.0)
    path = labels(
        [(0, 1, [("", False, 1)]), (0, 3, [("", True, 3)])],
        sleap_version="1.4.0",
        model_paths=["/home/anna/models/mouse.single/training_config.json"],
    )
    pose = read(SleapSource(path=path, of="cam"), {"of": video})
    nwb.ADD[Video](nwbfile, entry("cam", video, VideoStated()), there := placed())
    nwb.ADD[Pose](nwbfile, entry("mouse", pose, PoseStated(), of="cam"), there)
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        estimation = reader.read().processing["behavior"]["mouse"]
        assert (estimation.source_software, estimation.source_software_version) == ("SLEAP", "1.4.0")
        assert estimation.scorer == "mouse.single"
        assert estimation.description == (
            "Positions of body parts tracked in cam.mp4 by SLEAP, scorer mouse.single. In 1 of 4 frames the positions are those "
            "that a person labelled, which count more than a prediction and have no confidence (NaN). 2 of 4 frames hold no such "
            "animal (NaN)."
        )
        assert estimation.skeleton.edges[:].tolist() == [[1, 0], [0, 2]]
        np.testing.assert_array_equal(estimation["nose"].data[:], [[np.nan] * 2, [1, 2], [np.nan] * 2, [3, 4]])
        np.testing.assert_array_equal(estimation["nose"].confidence[:], [np.nan, 0.5, np.nan, np.nan])
    assert b"anna" not in (tmp_path / "out.nwb").read_bytes()


def test_a_stated_skeleton_and_version_take_the_place_of_the_files(labels, nwbfile, entry, placed):
    pose = read(SleapSource(path=labels([(0, 0, [("", False, 1)])]), rate="1 Hz"), {})
    nwb.ADD[Pose](nwbfile, entry("mouse", pose, PoseStated(skeleton=[["ear", "tail"]], software_version="1.3")), placed())
    estimation = nwbfile.processing["behavior"]["mouse"]
    assert (estimation.skeleton.edges[:].tolist(), estimation.source_software_version) == ([[2, 1]], "1.3")
    assert estimation.scorer is None
