from fractions import Fraction

import av
import numpy as np
import pytest

from bergmann.behavior import nwb
from bergmann.behavior.stated import VideoStated
from bergmann.behavior.video import VideoSource, find, read
from bergmann.errors import SourceError
from bergmann.records import Video
from bergmann.timing.times import ExplicitTimes, RegularTimes, times_at


def decoded_times(path):
    """The time of each frame by decoding every picture: the slow, independent way."""
    with av.open(str(path)) as container:
        return np.array([float(frame.pts * frame.time_base) for frame in container.decode(video=0)])


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv", ".mov"])
def test_a_made_video_has_its_frames_size_and_rate(tmp_path, suffix, write_video):
    video = read(VideoSource(path=write_video(tmp_path / f"cam{suffix}", frames=20, rate=25, size=(64, 48))), {})
    assert video.frame_counts == (20,)
    assert video.size == (64, 48)
    assert isinstance(video.times, RegularTimes)
    assert (video.times.start, video.times.rate, video.times.count) == (0.0, 25.0, 20)


def test_an_uneven_rate_keeps_each_frame_on_its_grid_although_the_container_rounds_to_milliseconds(tmp_path, write_video):
    path = write_video(tmp_path / "cam.mkv", frames=50, rate=Fraction(30000, 1001))
    video = read(VideoSource(path=path), {})
    assert isinstance(video.times, RegularTimes)
    np.testing.assert_allclose(video.times.seconds, decoded_times(path) - decoded_times(path)[0], atol=0.0011)


def test_dropped_frames_make_the_times_explicit(tmp_path, write_video):
    ticks = [0, 40, 80, 200, 240, 280, 320, 400, 440, 480]
    path = write_video(tmp_path / "cam.mkv", frames=10, rate=25, ticks=ticks)
    video = read(VideoSource(path=path), {})
    assert isinstance(video.times, ExplicitTimes)
    np.testing.assert_allclose(video.times.seconds, np.array(ticks) / 1000, atol=1e-9)
    assert video.notes["container_times"] == "irregular, one time a frame"


def test_frames_that_a_camera_skipped_in_an_avi_are_no_frames_and_no_damage(tmp_path, write_video):
    ticks = [0, 1, 2, 6, 7, 8, 9, 12, 13, 14]
    path = write_video(tmp_path / "cam.avi", frames=10, rate=25, ticks=ticks, codec="mjpeg", base=25)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 15  # what the header counts
    video = read(VideoSource(path=path), {})
    assert video.frame_counts == (10,) == (len(decoded_times(path)),)
    np.testing.assert_allclose(video.times.seconds, np.array(ticks) / 25)


@pytest.mark.parametrize(("codec", "suffix"), [("mpeg4", ".avi"), ("mpeg4", ".mkv"), ("libx264", ".mp4"), ("libx264", ".avi")])
def test_reordered_frames_are_counted_and_put_in_order(tmp_path, write_video, codec, suffix):
    path = write_video(tmp_path / f"cam{suffix}", frames=20, rate=25, codec=codec)
    video = read(VideoSource(path=path), {})
    assert video.times == RegularTimes(0.0, 25.0, 20)
    assert len(decoded_times(path)) == 20


@pytest.mark.parametrize(
    ("name", "frames", "size"),
    [
        ("deeplabcut/open_field_with_video/m3v1mp4.mp4", 2330, (640, 480)),
        ("lightningpose/outputs/2023-11-09/10-14-37/video_preds/test_vid.mp4", 994, (396, 406)),
        ("miniscope_avi/C6-J588_Disc5/15_03_28/BehavCam_2/0.avi", 5, (1280, 720)),
    ],
)
def test_real_videos_agree_with_decoding_every_frame(real, name, frames, size):
    path = real(name)
    video = read(VideoSource(path=path), {})
    slow = decoded_times(path)
    assert video.frame_counts == (frames,) == (len(slow),)
    assert video.size == size
    np.testing.assert_allclose(video.times.seconds, slow - slow[0], atol=1e-6)


def test_several_files_follow_each_other_in_natural_order(tmp_path, write_video):
    for number, frames in ((1, 5), (2, 7), (10, 3)):
        write_video(tmp_path / f"paw_{number}.avi", frames=frames)
    video = read(VideoSource(path=tmp_path / "paw_*.avi"), {})
    assert [path.name for path in video.files] == ["paw_1.avi", "paw_2.avi", "paw_10.avi"]
    assert video.frame_counts == (5, 7, 3)
    assert video.times == RegularTimes(0.0, 25.0, 15)
    assert "3 files taken to follow each other without a gap" in video.notes["container_times"]


def test_files_of_different_rate_are_joined_with_explicit_times(tmp_path, write_video):
    write_video(tmp_path / "a_1.avi", frames=4, rate=20)
    write_video(tmp_path / "a_2.avi", frames=2, rate=10)
    video = read(VideoSource(path=tmp_path / "a_*.avi"), {})
    np.testing.assert_allclose(video.times.seconds, [0, 0.05, 0.1, 0.15, 0.2, 0.3])


def test_files_of_different_size_are_refused(tmp_path, write_video):
    write_video(tmp_path / "a_1.avi", size=(64, 48))
    write_video(tmp_path / "a_2.avi", size=(32, 48))
    with pytest.raises(SourceError, match=r"a_2\.avi: frames of 32 x 48 pixels, and 64 x 48 in a_1\.avi"):
        read(VideoSource(path=tmp_path / "a_*.avi"), {})


def test_a_text_file_is_no_video(tmp_path):
    path = tmp_path / "cam.avi"
    path.write_text("not a video at all, only text\n" * 50, encoding="utf-8")
    with pytest.raises(SourceError, match=r"cam\.avi: not a video"):
        read(VideoSource(path=path), {})


def test_a_picture_is_no_video(tmp_path):
    path = tmp_path / "cam.tif"
    np.zeros(1).tofile(path)
    import tifffile

    tifffile.imwrite(path, np.zeros((8, 8), dtype=np.uint8))
    with pytest.raises(SourceError, match=r"cam\.tif: not a video"):
        read(VideoSource(path=path), {})


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_a_cut_off_video_is_refused(tmp_path, suffix, keep, write_video):
    path = write_video(tmp_path / f"cam{suffix}", frames=200, size=(128, 96))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(SourceError, match=rf"cam\{suffix}: .*(cut off|damaged)"):
        read(VideoSource(path=path), {})


def test_a_bare_stream_has_no_frame_times(tmp_path, write_video):
    path = write_video(tmp_path / "cam.m4v", frames=20, container="m4v")
    with pytest.raises(SourceError, match=r"cam\.m4v: a bare m4v stream, which says no frame times"):
        read(VideoSource(path=path), {})


def test_a_missing_video_lists_what_is_there(tmp_path, write_video):
    write_video(tmp_path / "face.mp4")
    with pytest.raises(SourceError, match=r"no file matches .*face\.mp4"):
        read(VideoSource(path=tmp_path / "paw_*.avi"), {})


def test_find_goes_by_content(tmp_path, write_video):
    video = write_video(tmp_path / "face.mp4")
    (tmp_path / "fake.mp4").write_text("text", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("text", encoding="utf-8")
    assert [source.path for source in find(tmp_path)] == [video]


@pytest.mark.parametrize("times", [RegularTimes(10.0, 25.0, 5), ExplicitTimes(10.0 + np.arange(5) / 25)])
def test_times_between_frames_are_interpolated(times):
    np.testing.assert_allclose(times_at(times, np.array([0.0, 2.5, 5.0])), [10.0, 10.1, 10.2])


def test_the_image_series_keeps_count_size_and_times(tmp_path, nwbfile, write_video, entry, placed, written):
    from pynwb.device import Device

    camera = nwbfile.add_device(Device(name="camera"))
    for number in (1, 2):
        write_video(tmp_path / f"paw_{number}.avi", frames=6)
    video = read(VideoSource(path=tmp_path / "paw_*.avi"), {}).aligned(3.5)
    there = placed()
    there.put("devices", "camera", camera)
    nwb.ADD[Video](nwbfile, entry("paw_cam", video, VideoStated(description="left paw", device="camera")), there)
    ((series, files),) = there.externals
    assert files == (tmp_path / "paw_1.avi", tmp_path / "paw_2.avi")
    assert there.get("sources", "paw_cam") is series
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        back = reader.read().acquisition["paw_cam"]
        assert list(back.external_file) == ["paw_1.avi", "paw_2.avi"]
        assert list(back.starting_frame) == [0, 6]
        assert list(back.dimension) == [64, 48]
        assert (back.starting_time, back.rate, back.num_samples) == (3.5, 25.0, 12)
        assert back.device.name == "camera"
        assert back.description == "left paw"


def test_explicit_times_become_timestamps(tmp_path, nwbfile, write_video, entry, placed, written):
    path = write_video(tmp_path / "cam.mkv", frames=4, ticks=[0, 40, 200, 240])
    video = read(VideoSource(path=path), {}).aligned(1.0)
    nwb.ADD[Video](nwbfile, entry("cam", video, VideoStated()), placed())
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        np.testing.assert_allclose(reader.read().acquisition["cam"].timestamps[:], [1.0, 1.04, 1.2, 1.24])
