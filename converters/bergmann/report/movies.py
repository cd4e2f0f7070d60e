"""Mean pictures of movies, with the regions that lie in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bergmann.plan.resolve import Plan
from bergmann.records import Movie, MovieChannel, RoiPlane, Segmentation
from bergmann.report.guarded import guarded
from bergmann.report.html import Html, el, figure, join
from bergmann.report.pictures import Mean, mean_of, outline, shrink, stretch
from bergmann.report.png import data_uri

MOST_OUTLINES = 400_000
"""Letters of outlines that a page takes for one picture."""

MOST_PLANES = 12
"""Planes of a volume that are shown."""


def movie_figures(plan: Plan) -> Iterator[Html]:
    """For each movie a picture of each plane and channel."""
    for name, header in plan.headers.items():
        if isinstance(header, Movie):
            shape = header.channels[0].frames.shape
            pictures = [guarded(f"channel {one.number} of {name}", _channel, plan, name, header, one) for one in header.channels]
            yield el("div", *pictures, class_="figures many" if len(shape) == 4 and shape[1] > 2 else "figures")


def _channel(plan: Plan, name: str, movie: Movie, channel: MovieChannel) -> Html:
    mean = mean_of(channel.frames)
    regions = dict(_regions(plan, name, movie, channel))
    shown = range(min(len(mean.planes), MOST_PLANES))
    left_out = len(mean.planes) - len(shown)
    note = el("p", f"{left_out} more planes are not shown.", class_="aside") if left_out else None
    figures = [_plane(name, movie, channel, mean, index, regions.get(index, {})) for index in shown]
    return join(*figures, note)


def _regions(plan: Plan, name: str, movie: Movie, channel: MovieChannel) -> Iterator[tuple[int, dict[str, RoiPlane]]]:
    """By index of the plane: the regions of each segmentation of the channel; of the first one where none is named."""
    found: dict[int, dict[str, RoiPlane]] = {}
    for of_it, header in plan.headers.items():
        ref = getattr(plan.loaded.sources[of_it].source, "of", None)
        if not isinstance(header, Segmentation) or ref is None or ref.name != name:
            continue
        if (ref.part or str(movie.channels[0].number)) != str(channel.number):
            continue
        for plane in header.planes:
            number = re.search(r"\d+$", plane.name)
            is_volume = len(channel.frames.shape) == 4
            found.setdefault(int(number[0]) if is_volume and number else 0, {})[of_it] = plane
    yield from found.items()


def _plane(name: str, movie: Movie, channel: MovieChannel, mean: Mean, index: int, regions: dict[str, RoiPlane]) -> Html:
    height, width = mean.planes.shape[1:]
    picture = stretch(shrink(mean.planes[index]))
    title = f"{name}, channel {channel.number}" + (f", plane {index}" if len(mean.planes) > 1 else "")
    drawn = [_outlines(regions_of, plane, (height, width)) for regions_of, plane in regions.items()]
    image = el("image", href=data_uri(picture.pixels), width=width, height=height, preserveAspectRatio="none")
    said = "; ".join(words for _, words in drawn)
    outlined = join(*(paths for paths, _ in drawn))
    svg = el(
        "svg",
        el("title", f"Mean picture of {title}" + (f", with outlines: {said}" if said else "")),
        image,
        el("g", outlined, class_="rois") if outlined else None,
        viewBox=f"0 0 {width} {height}",
        role="img",
        class_="pixels",
        style=f"aspect-ratio:{width}/{height}",
    )
    what = "volume" if len(mean.planes) > 1 else "frame"
    caption = join(el("strong", title), ". ", _size(movie, width, height), f"; {mean.basis(what)}; {picture.basis}. ", said)
    return figure(_with_toggle(svg, title) if outlined else svg, caption)


def _with_toggle(svg: Html, title: str) -> Html:
    """The picture below a box that takes its outlines away."""
    box = el("input", type="checkbox", checked=True, class_="toggle", aria_label=f"show the outlines on {title}")
    return el("div", el("label", box, " outlines", class_="switch"), svg, class_="switched")


def _size(movie: Movie, width: int, height: int) -> str:
    size = f"{width} x {height} pixels (column to the right, row down)"
    if movie.pixel_size is None:
        return size
    tall, wide = movie.pixel_size
    return f"{size}, {width * wide * 1e6:.4g} x {height * tall * 1e6:.4g} um"


def _outlines(name: str, plane: RoiPlane, shape: tuple[int, int]) -> tuple[Html, str]:
    """The outlines of the regions of a plane, and what they are."""
    if plane.image_shape != shape:
        height, width = plane.image_shape
        return Html(""), f"{name} lies in an image of {width} x {height} pixels, so its outlines are not drawn"
    cells = plane.columns.get("is_cell")
    groups: dict[bool, list[str]] = {True: [], False: []}
    letters = 0
    for index, mask in enumerate(plane.masks):
        path = outline(mask)
        letters += len(path)
        if letters > MOST_OUTLINES:
            break
        groups[bool(cells[index]) if cells is not None else True].append(path)
    n_drawn = sum(map(len, groups.values()))
    paths = join(
        *(
            el("path", d="".join(one), class_="roi" if is_cell else "roi other", vector_effect="non-scaling-stroke")
            for is_cell, one in groups.items()
            if one
        )
    )
    said = f"{name}: {len(plane.masks)} ROIs"
    if cells is not None:
        said += f", {len(groups[True])} of them cells (whole line), {len(groups[False])} not (broken line)"
    if n_drawn < len(plane.masks):
        said += f"; the first {n_drawn} are drawn"
    if plane.registration is not None:
        said += "; the ROIs lie in the registered movie, the picture in the movie as recorded"
    return paths, said
