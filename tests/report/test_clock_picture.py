"""`bergmann check --plot`: what the picture of the clocks says, also where nothing fits; and it is written whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from bergmann.errors import WriteError
from bergmann.plan.resolve import make_plan
from bergmann.records import Channel
from bergmann.report.channels import envelope
from bergmann.report.clock_picture import _ORANGE, _RED, draw, write_clock_picture
from bergmann.report.clocks import SeenClock, SeenClocks, look_at_clocks
from bergmann.timing.fit import fit_pulses
from bergmann.timing.ties import Outside, Ties
from bergmann.timing.times import RegularTimes

OWN = RegularTimes(0, 30, 1800)


def seen(pulses: np.ndarray, own: RegularTimes = OWN) -> SeenClock:
    fit = fit_pulses(own, pulses, resolution=1e-4, source="camera", line="daq/CamExposure")
    span = float(pulses[0]), float(pulses[-1])
    return SeenClock(name="camera", line="daq/CamExposure", fit=fit, own=own.seconds, pulses=pulses, span=span)


def lossy() -> SeenClock:
    """Two pulses are missing, one is no frame's, and 12 samples lie behind the last pulse."""
    whole = seen(3 + OWN.seconds)
    assert whole.fit is not None
    kept = np.delete(np.arange(1800), [10, 500])
    pulses = np.sort(np.append(whole.pulses[kept], 9.91))
    used = np.flatnonzero(pulses != 9.91)
    fit = replace(whole.fit, ties=Ties(whole.own, pulses, kept, used), outside=Outside(n_after=12, after=0.4))
    return replace(whole, fit=fit, pulses=pulses, span=(3.0, whole.span[1] + 0.4))


def share_of(color: str, path: Path) -> float:
    """How much of the left half of a picture, where the distances of the pulses are drawn, is nearly of a colour."""
    pixels = imread(path)[:, :700, :3]
    return float((np.abs(pixels - np.array(to_rgb(color))).max(axis=-1) < 0.06).mean())


def test_the_title_says_counts_drift_and_error_in_words() -> None:
    pulses = np.ceil((3 + OWN.seconds * (1 + 12e-6)) * 1e4) / 1e4
    assert seen(pulses).title == "camera: 1,800 frames on 1,800 pulses of daq/CamExposure, drift 12 ppm, off by at most 0.05 ms"
    assert seen(3 + OWN.seconds).title == "camera: 1,800 frames on 1,800 pulses of daq/CamExposure, no drift, off by at most 0 ms"


def test_the_title_says_what_is_missing_spurious_and_extrapolated() -> None:
    assert lossy().title == (
        "camera: 1,800 frames on 1,799 pulses of daq/CamExposure (2 missing, 1 spurious), no drift, off by at most 0 ms; "
        "extrapolated: 12 samples behind the last pulse"
    )


def test_the_title_of_a_camera_that_paused() -> None:
    pulses = 3 + OWN.seconds + np.where(np.arange(1800) >= 700, 0.4, 0.0)
    assert seen(pulses).title == (
        "camera: 1,800 frames on 1,800 pulses of daq/CamExposure, no steady clock: each of its frames is at its own pulse"
    )


def test_missing_and_spurious_pulses_and_extrapolated_times_are_drawn(tmp_path: Path) -> None:
    whole = seen(3 + OWN.seconds)
    draw(SeenClocks("a", (whole,), (), ()), tmp_path / "whole.png")
    draw(SeenClocks("a", (lossy(),), (), ()), tmp_path / "lossy.png")
    draw(SeenClocks("a", (replace(lossy(), fit=replace(lossy().fit, outside=Outside())),), (), ()), tmp_path / "inside.png")
    assert share_of(_ORANGE, tmp_path / "whole.png") == 0
    assert share_of(_ORANGE, tmp_path / "inside.png") > 0  # the spurious pulse
    assert share_of(_RED, tmp_path / "whole.png") == 0
    assert share_of(_RED, tmp_path / "lossy.png") > 0  # the missing ones
    shaded = imread(tmp_path / "lossy.png")[..., :3] - imread(tmp_path / "inside.png")[..., :3]
    assert (np.abs(shaded).max(axis=-1) > 0.05).sum() > 500


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_names_that_look_like_markup_or_are_in_other_letters_are_drawn(tmp_path: Path, suffix: str) -> None:
    odd = replace(seen(3 + OWN.seconds), name="paw $x^$ 카메라")
    target = tmp_path / f"clocks{suffix}"
    draw(SeenClocks("BG042 $", (odd,), ("daq: this clock is the session's",), ()), target)
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix.lower()]
    assert target.read_bytes().startswith(start)


def test_the_same_clocks_give_the_same_picture(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        draw(SeenClocks("a", (seen(3 + OWN.seconds),), (), ()), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize(
    "refused",
    [
        SeenClock(name="a", line="daq/X", reason="the files could not be read"),
        SeenClock(name="a", line="daq/X", reason="1800 frames, but 1 pulse", own=OWN.seconds, pulses=np.array([3.0])),
        SeenClock(name="a", line="daq/X", reason="0 frames", pulses=np.array([3.0, 3.1, 9.0, 9.0001])),
        SeenClock(name="a", line="daq/X", reason="1799", own=OWN.seconds, pulses=np.delete(OWN.seconds, [7])),
        SeenClock(name="a", line="daq/X", reason="many", own=OWN.seconds, pulses=np.arange(100_000) / 100),
    ],
)
def test_whatever_was_seen_is_drawn(refused: SeenClock, tmp_path: Path) -> None:
    draw(SeenClocks("a", (refused,), (), ()), tmp_path / "a.png")
    assert share_of(_RED, tmp_path / "a.png") > 0  # its title
    assert refused.title.startswith("a: NOT on the session's clock. ")


def test_a_line_without_pulses_is_drawn_as_it_was_recorded(tmp_path: Path) -> None:
    noise = Channel(name="X", kind="analog", unit="V", samples=np.random.default_rng(1).normal(size=10_000))
    flat = Channel(name="X", kind="digital", unit="n.a.", samples=np.zeros(10_000, dtype=np.uint8))
    sizes = []
    for channel in (noise, flat):
        one = SeenClock(name="a", line="daq/X", reason="no pulse", own=OWN.seconds, trace=envelope(channel), trace_span=(0.0, 10.0))
        draw(SeenClocks("a", (one,), (), ()), tmp_path / "a.png")
        sizes.append(share_of("#A9CCE3", tmp_path / "a.png"))
    assert sizes[0] > 0.1 > sizes[1]


# --- the command ------------------------------------------------------------------------------------------------------


def bergmann(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bergmann", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def test_check_draws_the_clocks_and_says_where(rig_folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "clocks.png"
    done = bergmann("check", rig_folder / "session.yaml", "--plot", picture)
    assert done.returncode == 0, done.stderr
    assert f"plot: {picture}" in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == [picture]
    assert imread(picture).shape[1] == 1320


def test_the_clocks_of_a_session_are_seen(rig_folder: Path) -> None:
    found = look_at_clocks(make_plan(rig_folder / "session.yaml"))
    (movie,) = (one for one in found.lines if one.name == "movie")
    assert movie.title.startswith("movie: 256 frames on 256 pulses of daq/FrameClock, ")
    assert "daq: this clock is the session's" in found.others
    assert found.findings == ()


def test_a_line_that_ticks_for_something_else_is_drawn_and_found(edited: Callable[..., Path], tmp_path: Path) -> None:
    path = edited(("clock: daq/FrameClock", "clock: daq/ShockTTL"))
    found = look_at_clocks(make_plan(path))
    (movie,) = (one for one in found.lines if one.name == "movie")
    assert "256 frames, but 1 pulse on daq/ShockTTL" in movie.title
    assert (len(movie.own), len(movie.pulses)) == (256, 1)
    done = bergmann("check", path, "--plot", tmp_path / "clocks.svg", "--json")
    (document,) = json.loads(done.stdout)
    assert done.returncode == 2  # a source that cannot be read as stated
    assert document["plot"].endswith("clocks.svg")
    assert any("but 1 pulse on daq/ShockTTL" in one["message"] for one in document["findings"])


@pytest.mark.parametrize("name", ["clocks.jpg", "clocks", "session.yaml"])
def test_a_name_that_is_none_of_a_picture_is_refused(rig_folder: Path, tmp_path: Path, name: str) -> None:
    done = bergmann("check", rig_folder / "session.yaml", "--plot", tmp_path / name)
    assert done.returncode == 2
    assert "a picture is a .png, .svg or .pdf file" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused_before_anything_is_read(rig_folder: Path, tmp_path: Path) -> None:
    plan = make_plan(rig_folder / "session.yaml")
    with pytest.raises(WriteError, match="is there a folder nowhere"):
        write_clock_picture(plan, tmp_path / "nowhere" / "clocks.png")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that its owner may not write to")
def test_a_folder_that_cannot_be_written_is_refused(rig_folder: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WriteError, match="cannot be written"):
            write_clock_picture(make_plan(rig_folder / "session.yaml"), tmp_path / "clocks.png")
    finally:
        tmp_path.chmod(0o700)


def test_what_cannot_be_replaced_stays_and_nothing_half_is_left(rig_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "clocks.png"
    target.mkdir()
    (target / "kept").write_text("kept", encoding="utf-8")
    with pytest.raises(WriteError, match=r"clocks\.png: cannot be written"):
        write_clock_picture(make_plan(rig_folder / "session.yaml"), target)
    assert list(tmp_path.iterdir()) == [target]
    assert (target / "kept").read_text(encoding="utf-8") == "kept"


def test_without_matplotlib_the_extra_is_named(rig_folder: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['matplotlib'] = None; from bergmann.cli import main; main(sys.argv[1:])"
    arguments = ["check", str(rig_folder / "session.yaml"), "--plot", str(tmp_path / "clocks.png")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "a picture of the clocks needs an extra reader; install it with: pip install 'bergmann[plot]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_of_one_session(rig_folder: Path, tmp_path: Path) -> None:
    session = rig_folder / "session.yaml"
    done = bergmann("check", session, session, "--plot", tmp_path / "clocks.png")
    assert done.returncode == 2
    assert "--plot is of one session, and 2 are named" in done.stderr
