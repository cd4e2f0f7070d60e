"""Which page of a TIFF is which frame, depth and channel, from what the file says and what a person states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError

_UNTOLD = frozenset("IQ")


@dataclass(frozen=True, kw_only=True)
class StatedAxes:
    """What a person states of the pages: `axes` such as ``TZC`` (slowest first), how many channels and planes."""

    axes: str | None = None
    channels: int | None = None
    planes: int | None = None


Axes = tuple[str, tuple[int, ...]]
"""One letter an axis, slowest first, and the length of each."""


def settle_axes(name: str, found: Axes, stated: StatedAxes) -> Axes:
    """What the pages of a file are.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    found : (axes, shape)
        As the file says; I or Q for an axis that it does not name.
    stated : StatedAxes

    Raises
    ------
    SourceError
        If neither file nor person says it, or the two contradict.
    """
    if stated.axes is None:
        if stated.channels is not None or stated.planes is not None:
            raise SourceError(f"{name}: `channels` or `planes` is stated without `axes`; state the order too, such as `axes: TCYX`")
        return _as_found(name, *found)
    axes, shape = found
    if len(set(stated.axes)) < len(stated.axes):
        raise SourceError(f"{name}: `axes: {stated.axes}YX` names an axis twice")
    if "T" in axes and axes != stated.axes:
        raise SourceError(
            f"{name}: `axes: {stated.axes}YX` is stated, but the file says {_said(axes, shape)}; remove the stated axes"
        )
    settled = (stated.axes, shape) if len(stated.axes) == len(axes) > 1 else _divided(name, int(np.prod(shape)), stated)
    for letter, key, number in (("C", "channels", stated.channels), ("Z", "planes", stated.planes)):
        if number is not None and dict(zip(*settled, strict=True)).get(letter) != number:
            raise SourceError(f"{name}: `{key}: {number}` is stated, but its pages are {_said(*settled)}")
    return settled


def _said(axes: str, shape: tuple[int, ...]) -> str:
    return f"{axes}YX ({' x '.join(str(length) for length in shape) or 1} pages)"


def _as_found(name: str, axes: str, shape: tuple[int, ...]) -> Axes:
    """The axes as the file says them; a plain stack is frames in time."""
    if len(axes) <= 1 and set(axes) <= _UNTOLD:
        return "T", shape or (1,)
    if set(axes) - set("TZC"):
        raise SourceError(f"{name}: its pages are {_said(axes, shape)}; state what these axes are, such as `axes: TZCYX`")
    if "T" not in axes:
        raise SourceError(
            f"{name}: its pages are {_said(axes, shape)}, none of them in time. State `axes: TYX` if they are frames, `axes: ZYX` "
            "if they are the depths of one volume"
        )
    return axes, shape


def _divided(name: str, n_pages: int, stated: StatedAxes) -> Axes:
    """Pages in one row, divided by the stated numbers of channels and planes; the axis without a number takes the rest."""
    axes = stated.axes or ""
    lengths = {letter: number for letter, number in (("C", stated.channels), ("Z", stated.planes)) if number is not None}
    free = "T" if "T" in axes else next((letter for letter in axes if letter not in lengths), axes[0])
    missing = [key for letter, key in (("C", "channels"), ("Z", "planes")) if letter in axes and letter not in {free, *lengths}]
    if missing:
        raise SourceError(f"{name}: `axes: {axes}YX` is stated, but not how many; state `{missing[0]}: <number>` too")
    others = int(np.prod([lengths[letter] for letter in axes if letter != free]))
    if n_pages % others:
        raise SourceError(f"{name}: {n_pages} pages, not a whole number of frames of {others} pages (`axes: {axes}YX`)")
    return axes, tuple(n_pages // others if letter == free else lengths[letter] for letter in axes)


def page_positions(axes: str, shape: tuple[int, ...], order: tuple[int, ...] | None) -> NDArray[np.int64]:
    """Which page holds each frame, plane and channel.

    Parameters
    ----------
    axes : str
        Letters of T, Z, C, slowest first.
    shape : tuple of int
    order : tuple of int or None
        Which page holds each position, if not simply the order of the file.

    Returns
    -------
    np.ndarray, shape (n_frames, n_planes, n_channels), int64
        An axis that is not there has length 1.
    """
    pages = np.arange(np.prod(shape, dtype=np.int64)) if order is None else np.array(order, dtype=np.int64)
    there = [letter for letter in "TZC" if letter in axes]
    arranged = pages.reshape(shape).transpose([axes.index(letter) for letter in there])
    return np.expand_dims(arranged, tuple(index for index, letter in enumerate("TZC") if letter not in axes))
