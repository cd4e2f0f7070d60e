"""The first frame of each video, with the pose that was tracked in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.plan.resolve import Plan
from bergmann.records import Pose, Video
from bergmann.report.guarded import guarded
from bergmann.report.html import Html, el, figure, join, table
from bergmann.report.pictures import shrink
from bergmann.report.png import data_uri

MOST_PIXELS = 640
"""Longest side of a picture of a video in a page."""

UNSURE = 0.6
"""Confidence below which DeepLabCut itself leaves a point out of its plots (`pcutoff`)."""

Point = tuple[str, float, float, float]


def video_grid(plan: Plan) -> Iterator[Html]:
    """The pictures of all videos; nothing where there is none."""
    if figures := list(_figures(plan)):
        yield el("div", *figures, class_="figures")


def _figures(plan: Plan) -> Iterator[Html]:
    for name, header in plan.headers.items():
        if isinstance(header, Video):
            poses = {of_it: pose for of_it, pose in plan.headers.items() if isinstance(pose, Pose) and _is_of(plan, of_it, name)}
            yield guarded(name, _video, name, header, poses)


def _is_of(plan: Plan, name: str, video: str) -> bool:
    of = getattr(plan.loaded.sources[name].source, "of", None)
    return of is not None and of.name == video


def first_frame(path: Path) -> NDArray[np.uint8]:
    """The first picture of a video, shape (height, width, 3), red, green and blue; nothing else is decoded.

    Raises
    ------
    SourceError
        If no picture can be decoded.
    """
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            return np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
    raise SourceError(f"{path.name}: no picture can be decoded")


def _video(name: str, video: Video, poses: dict[str, Pose]) -> Html:
    pixels = first_frame(video.files[0])
    height, width = pixels.shape[:2]
    small = np.round(shrink(pixels.astype(np.float64), MOST_PIXELS)).astype(np.uint8)
    points = {of_it: list(_points(pose)) for of_it, pose in poses.items()}
    scale = width / 100
    svg = el(
        "svg",
        el("title", f"First frame of {name}" + (f" with the points of {', '.join(poses)}" if poses else "")),
        el("image", href=data_uri(small), width=width, height=height, preserveAspectRatio="none"),
        *(_skeleton(pose, points[of_it]) for of_it, pose in poses.items()),
        *_marks([point for found in points.values() for point in found if np.isfinite(point[1:3]).all()], scale, width),
        viewBox=f"0 0 {width} {height}",
        role="img",
        class_="pixels",
        style=f"aspect-ratio:{width}/{height}",
    )
    of_files = f", the first of {len(video.files)} files" if len(video.files) > 1 else ""
    rings = f" A broken ring: confidence below {UNSURE:g}." if points else ""
    said = f". Frame 1 of {video.files[0].name}{of_files}; {width} x {height} pixels, colours as decoded.{rings}"
    caption = join(el("strong", name), said)
    return figure(svg, caption, *(_table(of_it, found) for of_it, found in points.items()))


def _points(pose: Pose) -> Iterator[Point]:
    """Name, column, row and confidence of each body part in the first frame."""
    for keypoint in pose.keypoints:
        if len(keypoint.positions):
            x, y = (float(one) for one in keypoint.positions[0])
            yield keypoint.name, x, y, float(keypoint.confidence[0])


def _skeleton(pose: Pose, points: list[Point]) -> Html | None:
    at = {name: (x, y) for name, x, y, _ in points if np.isfinite(x) and np.isfinite(y)}
    lines = [(at[a], at[b]) for a, b in pose.edges or () if a in at and b in at]
    path = "".join(f"M{a[0] + 0.5:.2f} {a[1] + 0.5:.2f}L{b[0] + 0.5:.2f} {b[1] + 0.5:.2f}" for a, b in lines)
    return el("path", d=path, class_="bone", vector_effect="non-scaling-stroke") if path else None


def _marks(points: list[Point], scale: float, width: int) -> Iterator[Html]:
    """The points from the top, each name below those beside it."""
    lines: list[tuple[float, float]] = []  # where a name begins, and its line
    for point in sorted(points, key=lambda one: one[2]):
        line = point[2] + 0.5 + 1.2 * scale
        for column, taken in lines:
            if abs(column - point[1]) < 25 * scale and line - taken < 4 * scale:
                line = taken + 4 * scale
        lines.append((point[1], line))
        yield _mark(point, scale, width, line)


def _mark(point: Point, scale: float, width: int, line: float) -> Html:
    """A ring around a point, broken where the tracker is not sure, and its name."""
    name, column, row, confidence = point
    x, y = column + 0.5, row + 0.5  # a whole number is the middle of a pixel, which begins half a pixel before it
    ends = x > 0.7 * width
    unsure = " unsure" if np.isfinite(confidence) and confidence < UNSURE else ""
    ring = el("circle", cx=x, cy=y, r=1.5 * scale, class_=f"point{unsure}", vector_effect="non-scaling-stroke")
    dot = el("circle", cx=x, cy=y, r=0.35 * scale, class_="dot")
    label = el(
        "text",
        name,
        x=x + (-2.4 if ends else 2.4) * scale,
        y=line,
        font_size=3.6 * scale,
        text_anchor="end" if ends else "start",
        class_="halo",
    )
    return join(ring, dot, label)


def _table(name: str, points: list[Point]) -> Html:
    rows: list[tuple[object, ...]] = [
        (part, f"{x:.1f}", f"{y:.1f}", f"{confidence:.3f}" if np.isfinite(confidence) else "not stated")
        if np.isfinite(x) and np.isfinite(y)
        else (part, "not found", "not found", "")
        for part, x, y, confidence in points
    ]
    header = ("body part", "column (x)", "row (y)", "confidence")
    return el(
        "details", el("summary", f"Points of {name} in this frame"), table(f"{name}, frame 1", header, rows, hide_caption=True)
    )
