"""What SLEAP keeps of tracked videos, read by its own library: labels (``.slp``) and analysis files (``.h5``)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any

from bergmann.errors import MissingExtraError, SourceError

if TYPE_CHECKING:
    from sleap_io import Labels

LABELS = frozenset({"metadata", "frames", "instances", "pred_points"})
"""What a labels file holds (SLEAP, `sleap.io.format.hdf5`)."""

ANALYSIS = frozenset({"tracks", "node_names", "track_occupancy", "point_scores"})
"""What an analysis file holds (SLEAP, `sleap.info.write_tracking_h5`)."""


def is_sleap(path: Path) -> bool:
    """Whether the file holds labels, or is an analysis file; never raises. A package for training is neither."""
    if path.name.lower().endswith(".pkg.slp"):
        return False
    kind = {".slp": LABELS, ".h5": ANALYSIS, ".hdf5": ANALYSIS}.get(path.suffix.lower())
    return kind is not None and _holds(path, kind)


def _holds(path: Path, names: frozenset[str]) -> bool:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return names <= set(file)
    except OSError:
        return False


def made_of(path: Path) -> str | None:
    """Base name of the labels file that an analysis file was made of; None if it does not say it."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            text = file["labels_path"][()] if "labels_path" in file else b""
    except (OSError, ValueError, TypeError):
        return None
    return base_name(text.decode("utf-8", "replace")) if isinstance(text, bytes) and text else None


def base_name(path: str) -> str:
    """Last part of a path of any system; SLEAP keeps those of the computer that it ran on."""
    return PureWindowsPath(path).name


def load_labels(path: Path) -> Labels:
    """Load a file of SLEAP; videos stay closed.

    Raises
    ------
    SourceError
        If it is none, or damaged.
    MissingExtraError
        If SLEAP's reader is not installed.
    """
    if not is_sleap(path):
        raise SourceError(f"{path.name}: not a file of SLEAP; expected labels (`.slp`) or an analysis file (`.h5`). Is it whole?")
    try:
        import sleap_io
    except ImportError as error:
        raise MissingExtraError(extra="sleap", needed_for=f"{path.name}: a file of SLEAP") from error
    load: Callable[..., Labels] = sleap_io.load_slp if path.suffix.lower() == ".slp" else sleap_io.load_analysis_h5
    try:
        return load(str(path), open_videos=False)
    except Exception as error:  # whatever the library meets in a damaged file
        raise SourceError(f"{path.name}: cannot be read as a file of SLEAP, or is cut off ({error})") from error


def models(provenance: dict[str, Any]) -> str | None:
    """Names of the models that tracked the video, as SLEAP's folders of models are called; None if the file does not say them."""
    paths = [PureWindowsPath(path) for path in provenance.get("model_paths") or [] if isinstance(path, str)]
    return " + ".join(path.parent.name if path.suffix else path.name for path in paths) or None
