import json
from datetime import datetime

import numpy as np
import pytest

from bergmann.behavior import nwb
from bergmann.behavior.boris import BorisSource, find, read
from bergmann.behavior.stated import EventsStated
from bergmann.behavior.video import VideoSource
from bergmann.behavior.video import read as read_video
from bergmann.errors import SourceError
from bergmann.records import Events, Video
from bergmann.timing.times import ExplicitTimes

BEHAVIORS = {
    "0": {"type": "Point event", "code": "flinch", "description": "Quick withdrawal"},
    "1": {"type": "State event", "code": "lick", "description": "Licks the injected paw"},
    "2": {"type": "State event", "code": "groom", "description": ""},
}


def observation(events, *, media=None, lengths=None, offset=0.0, kind="MEDIA", delays=None, **more):
    return {
        "date": "2024-05-17T10:30:57",
        "file": media if media is not None else {"1": ["cam.avi"], "2": []},
        "type": kind,
        "time offset": offset,
        "independent_variables": {"animal": "BG042", "empty": ""},
        "events": events,
        "description": "",
        "media_info": {"length": lengths or {}, "offset": delays or {"1": 0.0, "2": 0.0}},
        **more,
    }


def project(path, observations, behaviors=None):
    path.write_text(
        json.dumps({"observations": observations, "behaviors_conf": behaviors or BEHAVIORS, "project_format_version": "7.0"}),
        encoding="utf-8",
    )
    return path


EVENTS = [
    [0.10, "m1", "lick", "left|hard", "starts"],
    [0.20, "", "flinch", "", "clear"],
    [0.30, "m1", "lick", "left|hard", "ends"],
    [0.40, "", "lick", "", ""],
    [0.50, "", "flinch", "", ""],
    [0.60, "", "lick", "", ""],
]


def test_states_are_paired_and_points_stay_points(tmp_path):
    events = read(BorisSource(path=project(tmp_path / "p.boris", {"a": observation(EVENTS)})), {})
    lick, flinch = events.series
    assert (lick.name, flinch.name) == ("lick", "flinch")
    np.testing.assert_allclose(lick.times.seconds, [0.1, 0.4])
    np.testing.assert_allclose(lick.durations, [0.2, 0.2])
    assert lick.columns == {
        "subject": ["m1", ""],
        "modifiers": ["left|hard", ""],
        "comment": ["starts", ""],
        "comment_stop": ["ends", ""],
    }
    np.testing.assert_allclose(flinch.times.seconds, [0.2, 0.5])
    assert flinch.durations is None
    assert flinch.columns == {"comment": ["clear", ""]}
    assert lick.description == "Licks the injected paw"
    assert events.start is None
    assert events.basis == (
        "scored in BORIS, observation 'a'; in the ethogram but not scored: groom; independent variables: animal = BG042"
    )


def test_the_observation_of_several_is_chosen(tmp_path):
    path = project(tmp_path / "p.boris", {"BG042 POD7": observation(EVENTS), "BG042 POD1": observation(EVENTS[1:2])})
    assert len(read(BorisSource(path=path, observation="BG042 POD1"), {}).series) == 1
    with pytest.raises(SourceError, match=r"2 observations; state `observation:` as one of: 'BG042 POD7', 'BG042 POD1'"):
        read(BorisSource(path=path), {})
    with pytest.raises(SourceError, match=r"no observation 'POD7'; there are: 'BG042 POD7', 'BG042 POD1'"):
        read(BorisSource(path=path, observation="POD7"), {})
    assert [source.observation for source in find(tmp_path)] == ["BG042 POD7", "BG042 POD1"]


def test_the_time_offset_that_boris_added_is_taken_away(tmp_path):
    late = [[time + 5400.0, *rest] for time, *rest in EVENTS]
    events = read(BorisSource(path=project(tmp_path / "p.boris", {"a": observation(late, offset=5400.0)})), {})
    np.testing.assert_allclose(events.series[0].times.seconds, [0.1, 0.4])


def test_a_live_observation_says_when_it_began(tmp_path):
    events = read(BorisSource(path=project(tmp_path / "p.boris", {"a": observation(EVENTS, kind="LIVE", media=[])})), {})
    assert events.start == datetime(2024, 5, 17, 10, 30, 57)


@pytest.mark.parametrize("stored", ["cam.avi", "/home/user/video/cam.avi", "C:\\Users\\me\\Videos\\cam.avi", "D:/x/CAM.AVI"])
def test_media_are_matched_by_base_name_and_take_the_clock_of_the_video(tmp_path, write_video, stored):
    video = read_video(VideoSource(path=write_video(tmp_path / "cam.avi", frames=25)), {}).aligned(100.0)
    path = project(tmp_path / "p.boris", {"a": observation(EVENTS, media={"1": [stored]}, lengths={stored: 1.0})})
    events = read(BorisSource(path=path, of="cam"), {"of": video})
    np.testing.assert_allclose(events.series[0].times.seconds, [100.1, 100.4])
    np.testing.assert_allclose(events.series[0].durations, [0.2, 0.2])
    assert "Users" not in events.basis
    assert "/home" not in events.basis


def test_times_follow_the_frames_where_the_camera_was_irregular(tmp_path, write_video):
    recorded = read_video(VideoSource(path=write_video(tmp_path / "cam.avi", frames=25)), {})
    ticked = np.cumsum(np.r_[10.0, np.full(12, 0.05), np.full(12, 0.06)])  # what the TTL of the camera says
    video = Video(files=recorded.files, frame_counts=(25,), times=ExplicitTimes(ticked), size=(64, 48))
    events = read(BorisSource(path=project(tmp_path / "p.boris", {"a": observation(EVENTS)}), of="cam"), {"of": video})
    flinch = events.series[1]
    # at 25 frames a second, 0.2 s is frame 5 and 0.5 s is halfway between frames 12 and 13
    np.testing.assert_allclose(flinch.times.seconds, [ticked[5], (ticked[12] + ticked[13]) / 2])


def test_media_behind_each_other_go_on_with_the_time(tmp_path, write_video):
    for number, frames in ((1, 10), (2, 20)):
        write_video(tmp_path / f"cam_{number}.avi", frames=frames)
    video = read_video(VideoSource(path=tmp_path / "cam_*.avi"), {})
    gap = ExplicitTimes(np.r_[np.arange(10) / 25, 5 + np.arange(20) / 25])  # the second file began at 5 s
    video = Video(files=video.files, frame_counts=video.frame_counts, times=gap, size=video.size)
    scored = observation(EVENTS, media={"1": ["/x/cam_1.avi", "/x/cam_2.avi"]}, lengths={"/x/cam_1.avi": 0.4, "/x/cam_2.avi": 0.8})
    events = read(BorisSource(path=project(tmp_path / "p.boris", {"a": scored}), of="cam"), {"of": video})
    np.testing.assert_allclose(events.series[0].times.seconds, [0.1, 5.0])
    np.testing.assert_allclose(events.series[1].times.seconds, [0.2, 5.1])


def test_a_second_medium_that_is_not_in_the_video_is_refused(tmp_path, write_video):
    video = read_video(VideoSource(path=write_video(tmp_path / "cam_1.avi", frames=10)), {})
    media, lengths = {"1": ["cam_1.avi", "cam_2.avi"]}, {"cam_1.avi": 0.4, "cam_2.avi": 0.8}
    path = project(tmp_path / "p.boris", {"a": observation(EVENTS, media=media, lengths=lengths)})
    with pytest.raises(
        SourceError, match=r"the event at 0\.4 s .* lies in cam_2\.avi, which is not a file of the video \(cam_1\.avi\)"
    ):
        read(BorisSource(path=path, of="cam"), {"of": video})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"media": {"1": ["other.avi"]}}, r"was scored on other\.avi, and `of` names cam\.avi"),
        ({"lengths": {"cam.avi": 179.96}}, r"a length of 179\.96 s, and the file of that name is 1 s long"),
        ({"media": {"1": ["main.avi"], "2": ["cam.avi"]}, "delays": {"1": 0.0, "2": 20.0}}, r"counts the time of its first player"),
        ({"kind": "LIVE", "media": []}, r"was scored live, on no medium; leave out `of`"),
        ({"kind": "IMAGES", "media": {}}, r"is of the kind 'IMAGES'; expected media or live"),
        ({"start_from_current_time": True}, r"counts by `start_from_current_time`, not from its own start"),
    ],
)
def test_an_observation_that_does_not_fit_the_video_is_refused(tmp_path, write_video, keys, message):
    video = read_video(VideoSource(path=write_video(tmp_path / "cam.avi", frames=25)), {})
    with pytest.raises(SourceError, match=message):
        read(BorisSource(path=project(tmp_path / "p.boris", {"a": observation(EVENTS, **keys)}), of="cam"), {"of": video})


def test_an_event_after_the_end_of_the_video_is_refused(tmp_path, write_video):
    video = read_video(VideoSource(path=write_video(tmp_path / "cam.avi", frames=25)), {})
    path = project(tmp_path / "p.boris", {"a": observation([[1.5, "", "flinch", "", ""]])})
    with pytest.raises(SourceError, match=r"an event at 1\.5 s of cam\.avi, which is 1 s long"):
        read(BorisSource(path=path, of="cam"), {"of": video})


def test_every_unpaired_state_is_named(tmp_path):
    scored = [[1.0, "m1", "lick", "", ""], [2.0, "", "groom", "", ""], [3.0, "", "sniff", "", ""]]
    with pytest.raises(SourceError) as refused:
        read(BorisSource(path=project(tmp_path / "p.boris", {"a": observation(scored)})), {})
    assert "'lick' of m1 begins at 1 s and never stops" in str(refused.value)
    assert "'groom' begins at 2 s and never stops" in str(refused.value)
    assert "'sniff' at 3 s is not in the ethogram" in str(refused.value)


def test_nothing_scored_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"nothing was scored in the observation 'a'; .*`absent:`"):
        read(BorisSource(path=project(tmp_path / "p.boris", {"a": observation([])})), {})


@pytest.mark.parametrize("content", ['{"observations": {', "[1, 2]", '{"a": 1}', "text"])
def test_what_is_no_project_is_refused(tmp_path, content):
    path = tmp_path / "p.boris"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=r"p\.boris: not a BORIS project"):
        read(BorisSource(path=path), {})
    assert list(find(tmp_path)) == []


# --- real files -------------------------------------------------------------------------------------------------------


def test_a_real_project_and_its_tabular_export_agree(real):
    from_project = read(BorisSource(path=real("boris/test2.boris"), observation="observation #1"), {})
    from_export = read(BorisSource(path=real("boris/test_export_events_tabular.csv")), {})
    assert from_project.basis.startswith("scored in BORIS, observation 'observation #1'")
    for one, other in zip(from_project.series, from_export.series, strict=True):
        assert one.name == other.name == "s"
        np.testing.assert_allclose(one.times.seconds, other.times.seconds)
        np.testing.assert_allclose(one.durations, other.durations)
        assert one.columns["subject"] == other.columns["subject"] == ["subject1"] * 3 + ["subject2"]
    np.testing.assert_allclose(from_project.series[0].times.seconds, [3.3, 9.9, 18.35, 38.425])
    np.testing.assert_allclose(from_project.series[0].durations, [4.45, 6.3, 6.125, 7.675])


def test_a_real_project_and_its_aggregated_export_agree(real):
    from_project = read(BorisSource(path=real("boris/test2.boris"), observation="observation #2"), {})
    from_export = read(BorisSource(path=real("boris/test_export_aggregated_events_test_full_1.tsv")), {})
    assert [one.name for one in from_project.series] == ["s", "p"] == [one.name for one in from_export.series]
    for one, other in zip(from_project.series, from_export.series, strict=True):
        np.testing.assert_allclose(one.times.seconds, other.times.seconds)
        if one.durations is not None:
            np.testing.assert_allclose(one.durations, other.durations)
    assert [len(one.times) for one in from_project.series] == [10, 8]
    assert "the export does not say the time offset" in from_export.basis


def test_real_projects_with_several_observations_list_them(real):
    with pytest.raises(SourceError, match=r"12 observations; state `observation:` as one of: 'offset positif', .*'2 video avi'"):
        read(BorisSource(path=real("boris/test.boris")), {})
    with pytest.raises(SourceError, match=r"without an observation"):
        read(BorisSource(path=real("boris/otx_import_test.boris")), {})
    with pytest.raises(SourceError, match=r"'live not paired': 's' begins at 26\.862 s and never stops"):
        read(BorisSource(path=real("boris/test.boris"), observation="live not paired"), {})


def test_real_modifiers_are_kept(real):
    events = read(BorisSource(path=real("boris/test.boris"), observation="modifiers"), {})
    series = {one.name: one for one in events.series}
    assert series["q"].columns["modifiers"] == ["m1", "m2", "m3"]
    assert series["r"].columns["modifiers"] == ["m1", "None"]
    np.testing.assert_allclose(series["r"].durations, [8.775, 10.4])


def test_find_sees_every_observation_of_the_real_folder(real):
    found = list(find(real("boris")))
    assert len([source for source in found if source.path.name == "test.boris"]) == 12
    assert {source.path.name for source in found} == {
        "test.boris",
        "test2.boris",
        "test_export_aggregated_events_test_full_1.tsv",
        "test_export_events_tabular.csv",
    }


def test_real_scoring_over_two_videos_lands_on_their_frames_by_every_way(real, tmp_path, write_video):
    """Observation #2 was scored over two videos; the project and its export agree, and a pause between the videos is kept."""
    for name, frames in (("video_test_25fps_180s.mp4", 4499), ("video_test_25fps_360s.mp4", 8999)):
        write_video(tmp_path / name, frames=frames, size=(16, 16))
    recorded = read_video(VideoSource(path=tmp_path / "video_test_*.mp4"), {})
    pause = 60.0
    seconds = np.r_[np.arange(4499) / 25, 179.96 + pause + np.arange(8999) / 25]
    video = Video(files=recorded.files, frame_counts=(4499, 8999), times=ExplicitTimes(seconds), size=(16, 16))
    project_way = read(BorisSource(path=real("boris/test2.boris"), observation="observation #2", of="cam"), {"of": video})
    export_way = read(BorisSource(path=real("boris/test_export_aggregated_events_test_full_1.tsv"), of="cam"), {"of": video})
    states, _ = project_way.series
    np.testing.assert_allclose(states.times.seconds[:3], [1.8, 10.25, 26.775], atol=1e-6)
    np.testing.assert_allclose(states.times.seconds[3:5], [227.765 + pause, 255.34 + pause], atol=1e-6)
    np.testing.assert_allclose(states.durations[:4], [6.325, 13.1, 4.7, 25.725], atol=1e-6)
    for one, other in zip(project_way.series, export_way.series, strict=True):
        np.testing.assert_allclose(one.times.seconds, other.times.seconds, atol=1e-6)
    # an export names only media with events: with the first one missing, all that follows would be 180 s early
    lines = real("boris/test_export_aggregated_events_test_full_1.tsv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "late.tsv").write_text("\n".join([lines[0], *lines[8:]]), encoding="utf-8")
    with pytest.raises(SourceError, match=r"scored on 539\.92 s of media, and video_test_25fps_360s\.mp4 is 359\.96 s long"):
        read(BorisSource(path=tmp_path / "late.tsv", of="cam"), {"of": video})


# --- exports of newer versions ----------------------------------------------------------------------------------------

TABULAR = """Observation id,Observation date,Source,Time offset (s),Subject,Behavior,Modifier #1,Behavior type,Time,Comment
a,2024-05-17 10:30:57,player #1:C:\\v\\cam.avi,10.0,m1,lick,left,START,10.100,one
a,2024-05-17 10:30:57,player #1:C:\\v\\cam.avi,10.0,,flinch,,POINT,10.200,
a,2024-05-17 10:30:57,player #1:C:\\v\\cam.avi,10.0,m1,lick,left,STOP,10.300,two
"""


def test_a_tabular_export_of_a_newer_version(tmp_path, write_video):
    path = tmp_path / "events.csv"
    path.write_text(TABULAR, encoding="utf-8")
    video = read_video(VideoSource(path=write_video(tmp_path / "cam.avi", frames=25)), {}).aligned(50.0)
    lick, flinch = read(BorisSource(path=path, of="cam"), {"of": video}).series
    np.testing.assert_allclose(lick.times.seconds, [50.1])
    np.testing.assert_allclose(lick.durations, [0.2])
    assert lick.columns == {"subject": ["m1"], "modifiers": ["left"], "comment": ["one"], "comment_stop": ["two"]}
    np.testing.assert_allclose(flinch.times.seconds, [50.2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("10.300", "oops"), r"events\.csv: time of the event, line 4: 'oops' is not a number"),
        (("STOP", "START"), r"'lick' of m1 begins at 10\.3 s although it had begun before"),
        (("Behavior,", "Behaviour,"), r"events\.csv: not an export of BORIS; expected a line with the columns `Behavior`"),
    ],
)
def test_a_damaged_export_is_refused(tmp_path, change, message):
    path = tmp_path / "events.csv"
    path.write_text(TABULAR.replace(*change), encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        read(BorisSource(path=path), {})


AGGREGATED = """Observation id\tSubject\tBehavior\tBehavior type\tStart (s)\tStop (s)\tComment start\tComment stop
a\tm1\tlick\tSTATE\t0.1\t0.3\tone\ttwo
a\tm1\tflinch\tPOINT\t0.2\t0.2\tsharp\tNA
b\tm1\tlick\tSTATE\t5\t4\t\t
"""


def test_an_aggregated_export_of_several_observations(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text(AGGREGATED, encoding="utf-8")
    lick, flinch = read(BorisSource(path=path, observation="a"), {}).series
    assert lick.columns == {"subject": ["m1"], "comment": ["one"], "comment_stop": ["two"]}
    assert flinch.columns == {"subject": ["m1"], "comment": ["sharp"]}
    np.testing.assert_allclose((lick.times.seconds[0], lick.durations[0]), (0.1, 0.2))
    with pytest.raises(SourceError, match=r"2 observations; state `observation:` as one of: 'a', 'b'"):
        read(BorisSource(path=path), {})
    with pytest.raises(SourceError, match=r"observation 'b': 'lick' of m1 begins at 5 s and stops before that"):
        read(BorisSource(path=path, observation="b"), {})


def test_real_observations_reach_the_file(real, tmp_path, nwbfile, entry, placed, written):
    events = read(BorisSource(path=real("boris/test2.boris"), observation="observation #2"), {})
    nwb.ADD[Events](nwbfile, entry("scored", events, EventsStated()), placed())
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        tables = reader.read().events
        assert sorted(tables) == ["scored_p", "scored_s"]
        for series in events.series:
            table = tables[f"scored_{series.name}"]
            np.testing.assert_array_equal(table["timestamp"][:], series.times.seconds)
            if series.durations is not None:
                np.testing.assert_array_equal(table["duration"][:], series.durations)
            assert list(table["subject"][:]) == series.columns["subject"]
        assert tables["scored_s"].description == "s: Test state event"
