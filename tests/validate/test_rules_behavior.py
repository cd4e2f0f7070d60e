"""Positions, scores and events that no camera and no assay gives are found; a tracked paw and a threshold are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bergmann.findings import Finding

from .nwb_files import check_file, make_nwbfile

N = 100
POSITIONS = np.column_stack([np.linspace(5, 60, N), np.linspace(40, 5, N)])


def check_changed(tmp_path: Path, **changed: Any) -> list[Finding]:
    from hdmf.common import DynamicTable, VectorData
    from ndx_pose import PoseEstimation, PoseEstimationSeries, Skeleton, Skeletons
    from pynwb import TimeSeries
    from pynwb.behavior import BehavioralTimeSeries
    from pynwb.event import EventsTable
    from pynwb.image import ImageSeries

    nwbfile = make_nwbfile()
    (tmp_path / "paw.avi").write_bytes(changed.get("video_bytes", b"a video"))
    video = {"num_samples": N, "rate": 10.0, "starting_time": 0.0, "dimension": [64, 48], **changed.get("video", {})}
    camera = ImageSeries(name="camera", external_file=["paw.avi"], format="external", unit="n.a.", **video)
    nwbfile.add_acquisition(camera)
    module = nwbfile.create_processing_module(name="behavior", description="behavior")
    tracks = {"toe": changed.get("positions", POSITIONS), **changed.get("others", {})}
    skeleton = Skeleton(name="skeleton", nodes=changed.get("nodes", list(tracks)))
    module.add(Skeletons(name="Skeletons", skeletons=[skeleton]))
    parts = [
        PoseEstimationSeries(
            name=name,
            description=name,
            data=positions,
            unit="pixels",
            reference_frame="top left",
            confidence=changed.get("confidence", np.full(N, 0.9)),
            confidence_definition="softmax",
            rate=10.0,
            starting_time=0.0,
        )
        for name, positions in tracks.items()
    ]
    module.add(
        PoseEstimation(
            name="paw",
            description="paw",
            pose_estimation_series=parts,
            skeleton=skeleton,
            source_video=camera,
            source_software=changed.get("software", "x"),
        )
    )
    events = EventsTable(name="licks", description="licks")
    for time in changed.get("events", (1.0, 2.0)):
        events.add_row(timestamp=time)
    nwbfile.add_events_table(events)
    values = VectorData(name="value", description=changed.get("unit", "In g."), data=changed.get("thresholds", [0.6, 0.4, 1.0]))
    module.add(DynamicTable(name="left_paw", description="assay: von_frey; side: left", columns=[values]))
    if "wheel" in changed:
        series = TimeSeries(name="speed", data=np.zeros(len(changed["wheel"])), unit="m/s", timestamps=changed["wheel"])
        nwbfile.add_acquisition(BehavioralTimeSeries(name="wheel", time_series=series))
    return check_file(nwbfile, tmp_path)


def found_in(tmp_path: Path, **changed: Any) -> dict[str, str]:
    return {one.check: f"{one.location.removeprefix('file.nwb:/')}: {one.message}" for one in check_changed(tmp_path, **changed)}


def one_changed(value: float) -> Any:
    positions = POSITIONS.copy()
    positions[40, 0] = value
    return positions


def test_a_tracked_paw_and_a_threshold_are_not_found(tmp_path: Path) -> None:
    assert found_in(tmp_path) == {}


@pytest.mark.parametrize(
    ("changed", "check", "message"),
    [
        ({"confidence": np.full(N, 90.0)}, "behavior_confidence_in_range", "confidence 0 is 90 (100 of 100); expected 0 to 1"),
        ({"confidence": np.append(np.full(N - 1, 0.9), -1)}, "behavior_confidence_in_range", "confidence 99 is -1 (1 of 100)"),
        ({"positions": POSITIONS[:, ::-1]}, "behavior_pose_inside_video", "and the video is 64 x 48"),
        ({"positions": POSITIONS * 20}, "behavior_pose_inside_video", "it is at (100, 800) in frame 0"),
        ({"positions": one_changed(1e9)}, "behavior_pose_jumps", "a coordinate is 1e+09 in frame 40"),
        ({"positions": one_changed(np.inf)}, "behavior_pose_jumps", "a coordinate is inf in frame 40"),
        (
            {"events": (1.0, 7200.0)},
            "behavior_events_inside_observation",
            "row 1 is at 7200 s (1 of 2 rows); the last recording ended at 10 s",
        ),
        ({"thresholds": [0.6, 40.0]}, "behavior_von_frey_on_scale", "value is 40 in row 1 (1 of 2 rows); expected 0.008 to 7 g"),
        ({"thresholds": [-0.6, 0.4]}, "behavior_von_frey_on_scale", "value is -0.6 in row 0"),
        ({"nodes": ["toe", "heel"]}, "behavior_skeleton_nodes", "heel of its skeleton has no series"),
        ({"video": {"num_samples": 90}}, "behavior_video_frames", "it has 100 positions, and the video camera 90 frames"),
        ({"video": {"num_samples": 110}}, "behavior_video_frames", "it has 100 positions, and the video camera 110 frames"),
    ],
)
def test_a_strange_behaviour_is_found(tmp_path: Path, changed: dict[str, Any], check: str, message: str) -> None:
    assert message in found_in(tmp_path, **changed)[check]


@pytest.mark.parametrize("unit", ["In mN.", "In score; column 'Pain Score' of the source.", "Responses, in per cent."])
def test_thresholds_in_another_unit_that_is_said_are_not_found(tmp_path: Path, unit: str) -> None:
    assert found_in(tmp_path, thresholds=[0.0, 60.0], unit=unit) == {}


def test_a_threshold_in_grams_is_judged_whatever_was_counted_for_it(tmp_path: Path) -> None:
    unit = "Threshold in g, of the number of withdrawals in per cent."
    assert "value is 60 in row 1" in found_in(tmp_path, thresholds=[0.6, 60.0], unit=unit)["behavior_von_frey_on_scale"]


def lifted(scale: float, *, rest: tuple[float, float]) -> Any:
    """A body part that is lifted with its paw, ten times, in noise of a third of a pixel."""
    noise = np.random.default_rng(round(10 * scale))
    positions = np.array(rest) + noise.normal(0, 0.3, (N, 2))
    positions[:, 1] -= scale * 10 * np.maximum(0, np.sin(np.arange(N) * 2 * np.pi / 10))
    return positions


TOE, HEEL, ANKLE = lifted(1.0, rest=(35, 30)), lifted(0.8, rest=(25, 30)), lifted(0.5, rest=(20, 22))


def test_a_part_whose_axes_are_exchanged_within_the_frame_is_found(tmp_path: Path) -> None:
    assert found_in(tmp_path, positions=TOE, others={"heel": HEEL, "ankle": ANKLE}) == {}
    found = found_in(tmp_path, positions=TOE[:, ::-1], others={"heel": HEEL, "ankle": ANKLE})
    assert (
        "paw/toe: its movements go with those of 2 other parts of paw with x and y exchanged" in found["behavior_pose_axes_agree"]
    )
    assert set(found) == {"behavior_pose_axes_agree"}


@pytest.mark.parametrize(
    "others",
    [
        {"heel": HEEL},  # which of two is it?
        {"heel": HEEL[:, ::-1], "ankle": ANKLE[:, ::-1]},  # by two against one it is the toe that stands alone
        {"heel": np.full((N, 2), 20.0), "ankle": ANKLE},  # a thing that stands still says nothing
    ],
)
def test_axes_that_nothing_speaks_for_are_not_doubted(tmp_path: Path, others: Any) -> None:
    found = found_in(tmp_path, positions=TOE, others=others)
    assert [where for check, where in found.items() if check == "behavior_pose_axes_agree" and "paw/toe" not in where] == []


def test_peaks_of_sleaps_confidence_a_little_above_one_are_said_as_a_note(tmp_path: Path) -> None:
    peak = np.append(np.full(N - 1, 0.9), 1.17)
    (found,) = check_changed(tmp_path, confidence=peak, software="SLEAP")
    assert (found.check, found.severity) == ("behavior_confidence_in_range", "note")
    assert "confidence 99 is 1.17 (1 of 100)" in found.message
    (found,) = check_changed(tmp_path, confidence=peak, software="DeepLabCut")
    assert found.severity == "error"
    (found,) = check_changed(tmp_path, confidence=np.append(np.full(N - 1, 1.17), 90), software="SLEAP")
    assert (found.severity, found.message) == ("error", "confidence 99 is 90 (100 of 100); expected 0 to 1")


def test_events_while_a_series_in_a_container_was_recorded_are_not_found(tmp_path: Path) -> None:
    assert found_in(tmp_path, events=(1.0, 7200.0), wheel=np.linspace(0, 7300, 74)) == {}


def test_points_that_are_not_sure_may_lie_anywhere(tmp_path: Path) -> None:
    assert found_in(tmp_path, positions=POSITIONS * 20, confidence=np.full(N, 0.1)) == {}


def test_a_video_with_another_number_of_frames_than_its_header_says_is_found(tmp_path: Path) -> None:
    import av

    with av.open(tmp_path / "made.avi", "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), dtype=np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    found = found_in(tmp_path, video_bytes=(tmp_path / "made.avi").read_bytes())
    assert "num_samples is 100, and by its own header the video has 3 frames" in found["behavior_video_frames"]
