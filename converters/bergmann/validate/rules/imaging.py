"""Movies, planes, masks and traces: what no microscope records, and what does not fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from bergmann.validate.checking import Problem, check
from bergmann.validate.reading import Reading
from bergmann.validate.rules._movies import (
    MOST_ROIS,
    MOVES,
    correlation,
    fit_when_moved,
    masks_of,
    movies,
    planar,
    still_stretches,
    traces_from,
)

LIGHT_NM = (300.0, 2000.0)
EMISSION_NM = (380.0, 800.0)
"""What photodetectors of fluorescence microscopes see; a little beyond visible light on both sides."""
PIXEL_M = (1e-8, 2e-4)
"""From a super-resolved pixel to one of a camera over the whole cortex."""
FRAMES_PER_S = (1 / 60, 5000.0)
LEAST_NUMBERED = 20
"""Times 0, 1, 2 of fewer frames may be an example's."""
LEAST_STILL = 20
"""Frames of a stretch that correlations are taken of."""
_TWO_PHOTON = (
    # Limits of ours for a warning, not measurements: where green and red dyes are commonly imaged, with room at both ends.
    (re.compile(r"gcamp|\be?gfp|ogb|fluo-?4|cal-?520|iglusnfr|dlight|grab", re.IGNORECASE), (780, 1080)),
    (re.compile(r"rcamp|rgeco|mcherry|tdtomato|dsred|mruby|rfp|x-?rhod", re.IGNORECASE), (720, 1250)),
)


@check(
    severity="error",
    why="A wavelength in another unit, or one that excites no indicator of the plane, is not what the laser was set to.",
    remedy="write the excitation in nm, as the laser was tuned (e.g. 920)",
)
def imaging_excitation_indicator(reading: Reading) -> Iterator[Problem]:
    """An excitation that is no light in nm, or is none of a plane's indicators."""
    for plane in reading.objects("ImagingPlane"):
        value = float(plane.excitation_lambda)
        if np.isnan(value):
            continue
        if not LIGHT_NM[0] <= value <= LIGHT_NM[1]:
            yield Problem(plane, f"its excitation_lambda is {value:g}; expected {LIGHT_NM[0]:g} to {LIGHT_NM[1]:g} nm")
        elif any(getattr(one, "imaging_plane", None) is plane for one in reading.objects("TwoPhotonSeries")) and value > 600:
            names = str(plane.indicator)
            known = [found for pattern, found in _TWO_PHOTON if pattern.search(names)]
            if known and not any(low <= value <= high for low, high in known):
                told = " or ".join(f"{low} to {high}" for low, high in known)
                yield Problem(plane, f"{names} with two photons of {value:g} nm; expected {told} nm", severity="warning")


@check(
    severity="error",
    why="Fluorescence of indicators is visible light; another number is in another unit, or is the laser's.",
    remedy="write the centre of the emission filter in nm (e.g. 525)",
)
def imaging_emission_indicator(reading: Reading) -> Iterator[Problem]:
    """An emission that is no visible light."""
    low, high = EMISSION_NM
    for channel in reading.objects("OpticalChannel"):
        value = float(channel.emission_lambda)
        if not np.isnan(value) and not low <= value <= high:
            yield Problem(channel, f"its emission_lambda is {value:g}; expected {low:g} to {high:g} nm")


@check(
    severity="error",
    why="Whoever aligns by a wrong rate puts every event at a wrong frame.",
    remedy="write the times of the frames in seconds, and the rate that they have",
)
def imaging_rate_against_times(reading: Reading) -> Iterator[Problem]:
    """Times of frames that are no seconds, or are at another rate than the plane's."""
    for movie in movies(reading):
        times = reading.times(movie)
        steps = np.diff(times)
        if len(steps) < 2 or not np.isfinite(np.median(steps)) or np.median(steps) <= 0:
            continue
        rate = float(1 / np.median(steps))
        if not FRAMES_PER_S[0] <= rate <= FRAMES_PER_S[1]:
            yield Problem(movie, f"it has {rate:g} frames a second by its times; are they in seconds?")
        elif movie.timestamps is not None and len(times) >= LEAST_NUMBERED and np.all(steps == 1) and times[0] in (0, 1):
            found = f"its timestamps are {times[0]:g}, {times[1]:g}, {times[2]:g}, ...: numbers of frames, not seconds"
            yield Problem(movie, found, severity="warning")
        stated = getattr(getattr(movie, "imaging_plane", None), "imaging_rate", None)
        if stated is not None and np.isfinite(stated) and abs(stated - rate) > 0.1 * rate:
            yield Problem(movie, f"its plane says {float(stated):g} Hz, and its frames are at {rate:.4g} Hz", severity="warning")


@check(
    severity="error",
    why="Lengths, speeds and the sizes of cells are computed from the pixel's.",
    remedy="write grid_spacing in metres (1 um is 1e-6)",
)
def imaging_pixel_size_plausible(reading: Reading) -> Iterator[Problem]:
    """Pixels that no microscope has."""
    for plane in reading.objects("ImagingPlane"):
        if plane.grid_spacing is None:
            continue
        spacing = np.atleast_1d(np.asarray(plane.grid_spacing, dtype=np.float64))
        metres = spacing * _metres(str(plane.grid_spacing_unit or "meters"))
        for index in np.flatnonzero(~((metres[:2] >= PIXEL_M[0]) & (metres[:2] <= PIXEL_M[1]))):
            found = f"grid_spacing is {spacing[index]:g} {plane.grid_spacing_unit} along axis {index}"
            yield Problem(plane, f"{found}; expected {PIXEL_M[0]:g} to {PIXEL_M[1]:g} m")
            break


def _metres(unit: str) -> float:
    text = unit.strip().lower().replace("µ", "u").replace("μ", "u")
    return {"um": 1e-6, "micrometers": 1e-6, "micrometer": 1e-6, "microns": 1e-6, "mm": 1e-3, "nm": 1e-9}.get(text, 1.0)


@check(
    severity="error",
    why="A frame at the top of its type is no image; means and traces that include it are wrong.",
    remedy="read the movie again; if the recording is so, say it in `invalid` intervals",
)
def imaging_saturated_frames(reading: Reading) -> Iterator[Problem]:
    """Frames, or much of a movie, at the largest value of their type."""
    for movie in movies(reading):
        scan, top = reading.scan(movie), _top(movie.data.dtype)
        full = np.flatnonzero(scan.is_constant & (scan.highest == top)) if top is not None else np.zeros(0)
        if len(full):
            yield Problem(movie, f"{_frames(full)} {top} throughout, the largest value of {movie.data.dtype}")
        elif top is not None and scan.highest.max() == top:
            share = scan.at_top.sum() / np.prod(movie.data.shape)
            if share > 0.02:
                yield Problem(movie, f"{100 * share:.1f} % of its pixels are {top}, the largest value there is", severity="warning")


def _top(dtype: Any) -> int | None:
    kind = np.dtype(dtype)
    return int(np.iinfo(kind).max) if kind.kind in "iu" and kind.itemsize > 1 else None


def _frames(indices: Any) -> str:
    """``"frame 7 is"``, ``"20 frames from 100 on are"``."""
    return f"frame {int(indices[0])} is" if len(indices) == 1 else f"{len(indices)} frames from {int(indices[0])} on are"


@check(
    severity="error",
    why="A frame of one value among frames that are not was never written, or never recorded.",
    remedy="read the movie again; if the recording is so, say it in `invalid` intervals",
)
def imaging_empty_frames(reading: Reading) -> Iterator[Problem]:
    """Frames of one value throughout, while most are not."""
    for movie in movies(reading):
        scan, top = reading.scan(movie), _top(movie.data.dtype)
        empty = np.flatnonzero(scan.is_constant & (scan.highest != top))
        pixels = int(np.prod(movie.data.shape[1:]))
        if pixels > 1 and 0 < len(empty) < len(scan.means) / 2:
            yield Problem(movie, f"{_frames(empty)} {scan.lowest[empty[0]]} throughout")


@check(
    severity="error",
    why="Detectors have noise, so that two equal frames are one frame twice, and another one may be lost.",
    remedy="read the movie again, and compare its frames with the source by another program",
)
def imaging_repeated_frames(reading: Reading) -> Iterator[Problem]:
    """Frames that are, bit by bit, another frame of a movie whose frames differ."""
    for movie in movies(reading):
        scan = reading.scan(movie)
        varied = np.flatnonzero(~scan.is_constant)
        digests, first, inverse = np.unique(scan.digests[varied], return_index=True, return_inverse=True)
        again = np.flatnonzero(first[inverse] != np.arange(len(varied)))
        if 0 < len(again) <= 0.6 * len(varied) and len(digests) > 2 and int(np.prod(movie.data.shape[1:])) >= 64:
            later, earlier = int(varied[again[0]]), int(varied[first[inverse[again[0]]]])
            more = f", and {len(again) - 1} more are another one" if len(again) > 1 else ""
            yield Problem(movie, f"frame {later} is the same as frame {earlier}{more}")


@check(
    severity="error",
    why="Two detectors never see the same: one channel was written twice, and the other one is lost.",
    remedy="read each channel from its own pages",
)
def imaging_planes(reading: Reading) -> Iterator[Problem]:
    """Two movies with the same frames."""
    seen: dict[bytes, str] = {}
    for movie in movies(reading):
        scan = reading.scan(movie)
        if scan.is_constant.all() or int(np.prod(movie.data.shape[1:])) < 4:
            continue
        other = seen.setdefault(scan.digests.tobytes(), movie.name)
        if other != movie.name:
            yield Problem(movie, f"its frames are those of {other}, bit by bit")


@check(
    severity="error",
    why="The stated size tells who reads the file which axis is which.",
    remedy="write dimension as (width, height), as the axes of the data are after time",
)
def imaging_dimension_matches(reading: Reading) -> Iterator[Problem]:
    """A stated size that is not that of the frames."""
    for movie in movies(reading):
        if movie.dimension is not None:
            stated, there = tuple(int(side) for side in movie.dimension), tuple(movie.data.shape[1:])
            if stated != there and stated != there[: len(stated)]:
                yield Problem(movie, f"dimension is {stated}, and its frames are {there}")


def _segmentations(reading: Reading) -> Iterator[tuple[Any, Any, list[Any]]]:
    """PlaneSegmentations, their masks, and the movies of their plane."""
    for table in reading.objects("PlaneSegmentation"):
        masks = masks_of(reading, table)
        if masks:
            yield table, masks, planar(reading, table.imaging_plane)


@check(
    severity="error",
    why="A mask outside of the frame is shifted or has its axes exchanged, and its trace is of other pixels.",
    remedy="write x along the width (the first axis of a frame) and y along the height, both from 0",
)
def imaging_rois_inside_frame(reading: Reading) -> Iterator[Problem]:
    """Masks with pixels outside of the frames of their plane."""
    for table, masks, near in _segmentations(reading):
        for width, height in {movie.data.shape[1:] for movie in near}:
            out = [
                row
                for row, (x, y, _) in enumerate(masks)
                if len(x) and (x.max() >= width or y.max() >= height or min(x.min(), y.min()) < 0)
            ]
            if out:
                x, y, _ = masks[out[0]]
                found = f"the mask of ROI {out[0]} reaches x = {x.max()}, y = {y.max()} ({len(out)} of {len(masks)} ROIs)"
                yield Problem(table, f"{found}; the frames are {width} x {height}")


ORIENTATIONS = ("as they are", "x and y exchanged", "mirrored in x", "mirrored in y")


@check(
    severity="warning",
    why="Masks in another orientation than the movie put every cell elsewhere, for years unseen in published files.",
    remedy="compare masks and mean image in one picture; write x along the width, y along the height, as the movie has them",
)
def imaging_rois_not_transposed(reading: Reading) -> Iterator[Problem]:
    """Masks that lie on the mean image better if they are turned."""
    for table, masks, near in _segmentations(reading):
        scores = [_scores(reading.scan(movie).mean_image, masks) for movie in near if min(movie.data.shape[1:]) > 3]
        if not scores:
            continue
        best = max(scores, key=max)
        turned = int(np.argmax(best))
        if turned and best[turned] > 0.2 and best[turned] - best[0] > 0.15:
            told = ", ".join(f"{name} {score:.2f}" for name, score in zip(ORIENTATIONS, best, strict=True) if np.isfinite(score))
            found = f"its masks fit the mean image better {ORIENTATIONS[turned]} (correlation {told})"
            yield Problem(table, f"{found}: ahead by {best[turned] - best[0]:.2f}")


def _scores(image: Any, masks: list[Any]) -> list[float]:
    """Correlation of all masks with an image, in the four orientations; -inf where a mask does not fit into the image."""
    width, height = image.shape
    x, y = (np.concatenate([mask[axis] for mask in masks]) for axis in (0, 1))
    flat = np.log1p(image - image.min())  # a bright cell counts as many dim ones

    def score(one: Any, other: Any) -> float:
        if not len(one) or one.min() < 0 or other.min() < 0 or one.max() >= width or other.max() >= height:
            return -np.inf
        drawn = np.zeros_like(image)
        drawn[one, other] = 1
        return correlation(drawn.ravel(), flat.ravel())

    return [score(x, y), score(y, x), score(width - 1 - x, y), score(x, height - 1 - y)]


@check(
    severity="error",
    why="An image beside a movie shows where the cells are only if both have one orientation.",
    remedy="write images as (width, height), as the frames of the movie are",
)
def imaging_images_match_movie(reading: Reading) -> Iterator[Problem]:
    """Reference images that are transposed against the movie."""
    shown = list(movies(reading))
    shapes = {tuple(movie.data.shape[1:3]) for movie in shown}
    for image in reading.objects("GrayscaleImage"):
        shape = tuple(image.data.shape)
        if len(shape) != 2 or not shapes:
            continue
        if shape not in shapes and shape[::-1] in shapes:
            yield Problem(image, f"it is {shape[0]} x {shape[1]}, and the frames are {shape[1]} x {shape[0]}")
        elif shape in shapes and shape[0] == shape[1]:
            means = [reading.scan(movie).mean_image for movie in shown if movie.data.shape[1:] == shape]
            values = np.asarray(reading.values(image.data), dtype=np.float64)
            here = max(correlation(values.ravel(), mean.ravel()) for mean in means)
            turned = max(correlation(values.T.ravel(), mean.ravel()) for mean in means)
            if turned > 0.6 and turned - here > 0.3:
                yield Problem(
                    image, f"it fits the mean of the movie better transposed (correlation {turned:.2f}, as it is {here:.2f})"
                )


@check(
    severity="error",
    why="A value without a time, or a time without a value, is a frame that was lost on one side.",
    remedy="write one time a frame; compare with the source which one is missing",
)
def imaging_traces_as_long_as_times(reading: Reading) -> Iterator[Problem]:
    """Movies and traces that have another length than their times."""
    for series in reading.objects("ImageSeries", "RoiResponseSeries"):
        if series.timestamps is None or not getattr(series.data, "shape", ()) or getattr(series, "external_file", None) is not None:
            continue
        n_values, n_times = int(series.data.shape[0]), len(series.timestamps)
        if n_values != n_times:
            turned = len(series.data.shape) == 2 and series.data.shape[1] == n_times
            hint = ": its axes are exchanged, time is the first" if turned else ""
            yield Problem(series, f"it has {n_values} values in time and {n_times} timestamps{hint}")


@check(
    severity="error",
    why="With one column more or less than ROIs, traces belong to other cells than they are shown for.",
    remedy="write one column a ROI, in the order of the region of ROIs",
)
def imaging_roi_counts(reading: Reading) -> Iterator[Problem]:
    """Traces with another number of columns than ROIs, and marks of cells that are no marks."""
    for series in reading.objects("RoiResponseSeries"):
        shape: tuple[int, ...] = getattr(series.data, "shape", ())
        n_columns, n_rois = (shape[1] if len(shape) > 1 else 1), len(series.rois.data)
        if shape and n_columns != n_rois:
            yield Problem(series, f"it has {n_columns} columns, and its region names {n_rois} ROIs")
    for table in reading.objects("PlaneSegmentation"):
        for name in ("is_cell", "iscell", "Accepted", "accepted"):
            marks = reading.column(table, name)
            if marks is not None and marks.dtype.kind in "fiu" and not np.isin(marks, (0, 1)).all():
                value = marks[~np.isin(marks, (0, 1))][0]
                yield Problem(table, f"{name} holds {value:g}; expected true or false (a probability has a column of its own)")


@check(
    severity="error",
    why="A ROI without weight has no trace.",
    remedy="write the weight of each pixel, or 1 where the program gives none",
)
def imaging_masks_weighted(reading: Reading) -> Iterator[Problem]:
    """Masks whose weights are all zero, or not numbers."""
    for table, masks, _ in _segmentations(reading):
        none = [
            row for row, (x, _, weight) in enumerate(masks) if len(x) and not (np.isfinite(weight).all() and np.any(weight != 0))
        ]
        if none:
            weight = masks[none[0]][2].tolist()[0]
            yield Problem(table, f"the weights of ROI {none[0]} are {weight:g} throughout ({len(none)} of {len(masks)} ROIs)")


@check(
    severity="warning",
    why="Masks that lie a pixel beside their cells cut off one side of each, and whoever extracts again gets other traces.",
    remedy="count pixels from 0 (MATLAB and ImageJ's ROI manager count from 1), and look at masks and movie in one picture",
)
def imaging_rois_not_moved(reading: Reading) -> Iterator[Problem]:
    """Masks whose traces are those of the pixels beside them, throughout the movie."""
    for table, masks, near in _segmentations(reading):
        found = [fit for movie in near for one in _traces_of(reading, table, movie) if (fit := _moved(reading, movie, one, masks))]
        if found:
            right, down, there, here = max(found, key=lambda fit: fit[2])
            told = f"its traces are those of the pixels at {right:+d} in x and {down:+d} in y"
            left = [f"{100 * (1 - fit**2):.2g} %" for fit in (there, here)]
            yield Problem(table, f"{told}: these leave {left[0]} of the variance unexplained, its own pixels {left[1]}")


def _traces_of(reading: Reading, table: Any, movie: Any) -> list[Any]:
    """Series of traces of a table that have a value for each frame of a movie."""
    return [
        one
        for one in reading.objects("RoiResponseSeries")
        if one.rois.table is table and len(one.data.shape) == 2 and one.data.shape[0] == movie.data.shape[0]
    ]


def _moved(reading: Reading, movie: Any, series: Any, masks: list[Any]) -> tuple[int, int, float, float] | None:
    """Where the traces fit better than at their masks, and the correlations there and here; None where they do not.

    It is not enough that they fit better there. In each stretch of the movie four of five ROIs must leave unexplained less than a
    quarter of what they leave at their own pixels: a drift of the tissue changes, noise favours no side, blur gains little.
    """
    rows = np.asarray(reading.values(series.rois.data), dtype=np.int64)
    stretches = [frames for frames in still_stretches(reading, movie) if len(frames) >= LEAST_STILL]
    if series.data.shape[1] != len(rows) or not len(rows) or rows.min() < 0 or rows.max() >= len(masks) or len(stretches) < 2:
        return None
    some = np.unique(np.linspace(0, len(rows) - 1, MOST_ROIS).astype(np.int64)).tolist()
    columns = [one for one in some if len(masks[rows[one]][0]) and np.sum(masks[rows[one]][2]) > 0]
    if not columns:
        return None
    fits = np.stack([fit_when_moved(movie, [masks[rows[one]] for one in columns], series.data, columns, one) for one in stretches])
    with np.errstate(invalid="ignore"):
        share = ((1 - fits < (1 - fits[:, :1]) / 4) & (fits > 0.9)).mean(axis=2).min(axis=0)
    best = int(np.argmax(share))
    if best == 0 or share[best] < 0.8:
        return None
    return (*MOVES[best], float(np.nanmedian(fits[:, best])), float(np.nanmedian(fits[:, 0])))


@check(
    severity="warning",
    why="A trace of another cell is the worst that can happen to an analysis, and no reader sees it.",
    remedy="write traces and masks in one order, and each kind of trace under its own name",
)
def imaging_traces_match_masks(reading: Reading) -> Iterator[Problem]:
    """Traces that are those of another ROI's pixels, or of another kind than their name says."""
    for table, masks, near in _segmentations(reading):
        series = [one for one in reading.objects("RoiResponseSeries") if one.rois.table is table and len(one.data.shape) == 2]
        fits = [fit for one in series if (fit := _fit(reading, one, masks, near)) is not None]
        for one, matrix in fits:
            own = np.diag(matrix)
            others = matrix - np.eye(len(matrix)) * 2
            wrong = np.flatnonzero((others.max(axis=1) > 0.8) & (others.max(axis=1) - own > 0.2))
            if len(wrong) >= 2:
                row = int(wrong[0])
                found = f"the trace of ROI {row} is that of the pixels of ROI {int(np.argmax(others[row]))}"
                yield Problem(one, f"{found} ({len(wrong)} of {len(matrix)} ROIs do not fit)")
        yield from _other_kind(fits)


def _fit(reading: Reading, series: Any, masks: list[Any], near: list[Any]) -> tuple[Any, Any] | None:
    """How the traces of a series correlate with the pixels of each ROI, rows: traces; of the movie that fits best."""
    rows = np.asarray(reading.values(series.rois.data), dtype=np.int64)
    if series.data.shape[1] != len(rows) or not len(rows) or rows.max(initial=0) >= len(masks) or rows.min(initial=0) < 0:
        return None
    found = []
    for movie in near:
        width, height = movie.data.shape[1:]
        if movie.data.shape[0] != series.data.shape[0]:
            continue
        if any(len(x) and (x.max() >= width or y.max() >= height) for x, y, _ in masks):
            continue
        made = traces_from(movie, [masks[row] for row in rows], int(series.data.shape[0]))
        stored = np.asarray(series.data[: len(made)], dtype=np.float64)
        if np.isfinite(stored).all() and len(made) > 20:
            found.append(
                np.array([[correlation(stored[:, one], made[:, other]) for other in range(len(rows))] for one in range(len(rows))])
            )
    return (series, max(found, key=lambda matrix: float(np.median(matrix.max(axis=1))))) if found else None


def _other_kind(fits: list[tuple[Any, Any]]) -> Iterator[Problem]:
    """A deconvolved trace that is the raw one, bit by bit alike the pixels."""
    for series, matrix in fits:
        is_derived = re.search(r"deconv|spike|events?\b", series.name, re.IGNORECASE) is not None
        worse = [one for one, other in fits if one is not series and np.median(np.diag(other)) < np.median(np.diag(matrix)) - 0.1]
        if is_derived and np.median(np.diag(matrix)) > 0.9 and any(re.search(r"raw|fluor|F\b", one.name) for one in worse):
            yield Problem(series, f"by its pixels it is the raw trace, and {worse[0].name} is not: are the two exchanged?")
