"""The two files that DeepLabCut writes of one tracked video: a CSV with three or four header lines, and a pandas table in HDF5.

Lightning Pose writes the same CSV.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import MissingExtraError, SourceError
from bergmann.tables import read_text

HEADERS = (("scorer", "bodyparts", "coords"), ("scorer", "individuals", "bodyparts", "coords"))
"""Names of the header lines of a single- and of a multi-animal project (DeepLabCut, `analyze_videos`)."""

COORDS = ("x", "y", "likelihood")

MAX_LINE = 1_000_000
"""No header line is longer, in letters; so a large file without line ends is not read whole to see what it is."""


@dataclass(frozen=True, eq=False)
class Tracked:
    """One file of tracked body parts.

    Attributes
    ----------
    path : Path
    scorer : str
        What the file calls the model.
    columns : tuple of (str, str, str)
        (individual, body part, coordinate) of each column; the individual is empty in a single-animal file.
    frames : np.ndarray, shape (n_frames,), int64
        Number of each row's frame, from 0.
    values : np.ndarray, shape (n_frames, n_columns), float64
    """

    path: Path
    scorer: str
    columns: tuple[tuple[str, str, str], ...]
    frames: NDArray[np.int64]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not np.array_equal(self.frames, np.arange(len(self.frames))):
            row = int(np.flatnonzero(self.frames != np.arange(len(self.frames)))[0])
            raise SourceError(
                f"{self.path.name}: row {row} is frame {self.frames[row]}; expected every frame from 0 on, in order, as "
                "`analyze_videos` writes it"
            )

    @property
    def individuals(self) -> tuple[str, ...]:
        """Names of the tracked animals; one empty name in a single-animal file."""
        return tuple(dict.fromkeys(individual for individual, _, _ in self.columns))

    def bodyparts(self, individual: str) -> tuple[str, ...]:
        """Names of the body parts of one animal, in the file's order."""
        return tuple(dict.fromkeys(part for one, part, _ in self.columns if one == individual))

    def coords(self, individual: str, bodypart: str) -> tuple[str, ...]:
        """What is said of one body part: x, y, likelihood, and whatever else, in the file's order."""
        return tuple(coord for one, part, coord in self.columns if (one, part) == (individual, bodypart))

    def column(self, individual: str, bodypart: str, coord: str) -> NDArray[np.float64]:
        """One coordinate of one body part, shape (n_frames,).

        Raises
        ------
        SourceError
            If the file does not have it.
        """
        try:
            return self.values[:, self.columns.index((individual, bodypart, coord))]
        except ValueError:
            raise SourceError(
                f"{self.path.name}: no {coord} of {bodypart}; expected x, y and likelihood of every body part. Is this a file of "
                "labelled frames, not of a tracked video?"
            ) from None


def is_tracked(path: Path) -> bool:
    """Whether the file is one that DeepLabCut writes of a tracked video; never raises."""
    try:
        if path.suffix.lower() == ".csv":
            return is_table(path, says_deeplabcut)
        if path.suffix.lower() in {".h5", ".hdf5"}:
            levels, columns = _h5_columns(path)
            return tuple(levels) in HEADERS and says_deeplabcut(columns[0][0])
    except (OSError, ValueError, KeyError, IndexError, SourceError, pickle.UnpicklingError):
        return False
    return False


def is_table(path: Path, is_scorer: Callable[[str], bool]) -> bool:
    """Whether the file is a CSV with these header lines and such a scorer; never raises."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            head = [lines.readline(MAX_LINE).split(",") for _ in range(5)]
    except (OSError, ValueError):
        return False
    names = [line[0].strip() for line in head]
    levels = next((one for one in HEADERS if tuple(names[: len(one)]) == one), None)
    if levels is None or len(head[0]) < 2 or not is_scorer(head[0][1].strip()):
        return False
    return names[len(levels)].removesuffix(".0").isdecimal()  # the rows of labelled frames begin with the path of an image


def says_deeplabcut(scorer: str) -> bool:
    """Whether a scorer is one that DeepLabCut names: ``DLC_resnet50_...``, ``DeepCut_...`` before version 2."""
    return scorer.startswith(("DLC", "DeepCut"))


def read_tracked(path: Path, encoding: str | None = None) -> Tracked:
    """Read one file, CSV or HDF5.

    Raises
    ------
    SourceError
        If it is not such a file, is cut off, or has a cell that is no number.
    MissingExtraError
        If an HDF5 file has a layout that only pandas with PyTables reads, and PyTables is not installed.
    """
    if path.suffix.lower() == ".csv":
        return read_csv(path, written_by="DeepLabCut", encoding=encoding)
    if encoding is not None:
        raise SourceError(f"{path.name}: only a CSV has an encoding; leave out `encoding`")
    if path.suffix.lower() in {".h5", ".hdf5"}:
        return _read_h5(path)
    raise SourceError(f"{path.name}: expected a .csv or .h5 file of DeepLabCut")


# --- CSV --------------------------------------------------------------------------------------------------------------


def read_csv(path: Path, *, written_by: str, encoding: str | None = None) -> Tracked:
    """Read a CSV with these header lines.

    Raises
    ------
    SourceError
        If it is not such a file, is in another encoding, is cut off, or has a cell that is no number.
    """
    import csv
    import io

    text = read_text(path, encoding)
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise SourceError(f"{path.name}: not a table of cells ({error}); expected a CSV of {written_by}") from error
    names = tuple(row[0].strip() if row else "" for row in rows[:4])
    header = next((one for one in HEADERS if names[: len(one)] == one), None)
    if header is None:
        raise SourceError(
            f"{path.name}: the lines begin with {', '.join(map(repr, names[:3]))}; expected scorer, (individuals,) bodyparts, "
            f"coords, as {written_by} writes them of a tracked video"
        )
    levels = dict(zip(header, (row[1:] for row in rows[: len(header)]), strict=True))
    individuals = levels.get("individuals", [""] * len(levels["coords"]))
    body = rows[len(header) :]
    width = len(levels["coords"]) + 1
    for number, row in enumerate(body):
        if len(row) != width:
            raise SourceError(f"{path.name}: line {number + len(header) + 1} has {len(row)} cells of {width}; is the file cut off?")
    return Tracked(
        path=path,
        scorer=_one_scorer(path, levels["scorer"]),
        columns=tuple(zip(individuals, levels["bodyparts"], levels["coords"], strict=True)),
        frames=_frame_numbers(path, [row[0] for row in body]),
        values=_numbers(path, [row[1:] for row in body], first_line=len(header) + 1).reshape(len(body), width - 1),
    )


def _one_scorer(path: Path, scorers: list[str]) -> str:
    if len(set(scorers)) != 1:
        raise SourceError(f"{path.name}: scorers {', '.join(sorted(set(scorers))) or 'none'}; expected one")
    return scorers[0]


def _frame_numbers(path: Path, cells: list[str]) -> NDArray[np.int64]:
    try:
        return np.array([int(float(cell)) for cell in cells], dtype=np.int64)
    except ValueError as error:
        raise SourceError(
            f"{path.name}: the first column is not a frame number ({error}); is this a file of labelled frames?"
        ) from error


def _numbers(path: Path, rows: list[list[str]], *, first_line: int) -> NDArray[np.float64]:
    """Cells as numbers; an empty cell is what pandas writes for NaN."""
    values = []
    for number, row in enumerate(rows):
        try:
            values.append([float(cell) if cell.strip() else np.nan for cell in row])
        except ValueError as error:
            raise SourceError(f"{path.name}: line {first_line + number}: {error}") from error
    return np.array(values, dtype=np.float64)


# --- HDF5 -------------------------------------------------------------------------------------------------------------


class _PlainUnpickler(pickle.Unpickler):
    """Unpickles lists, tuples, texts and numbers, and refuses everything that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not plain data")


def _plain(attribute: bytes) -> Any:
    return _PlainUnpickler(io.BytesIO(bytes(attribute))).load()


def _frame_table(path: Path, file: Any) -> Any:
    """The group of the one pandas frame in the file."""
    tables = [group for group in file.values() if group.attrs.get("pandas_type") in {b"frame_table", b"frame"}]
    if len(tables) != 1:
        raise SourceError(f"{path.name}: {len(tables)} pandas tables; expected the one that DeepLabCut writes")
    return tables[0]


def _h5_columns(path: Path) -> tuple[list[str], list[tuple[str, ...]]]:
    """Names of the header levels, and the levels of each column."""
    import h5py

    with h5py.File(path, "r") as file:
        table = _frame_table(path, file)
        ((axis, columns),) = _plain(table.attrs["non_index_axes"])
        return _plain(table.attrs["info"])[axis]["names"], columns


def _read_h5(path: Path) -> Tracked:
    import h5py

    try:
        levels, columns = _h5_columns(path)
        with h5py.File(path, "r") as file:
            table = _frame_table(path, file)["table"]
            one_block = set(table.dtype.names) == {"index", "values_block_0"}
            if one_block and _plain(table.attrs["values_block_0_kind"]) == columns:
                return _tracked(path, levels, columns, table["index"], table["values_block_0"])
    except OSError as error:
        raise SourceError(f"{path.name}: not an HDF5 file that can be read, or cut off ({error})") from error
    except pickle.UnpicklingError as error:
        raise SourceError(f"{path.name}: its header holds more than names and numbers ({error}); it is not opened") from error
    except (KeyError, ValueError, TypeError, AttributeError):
        pass  # pandas wrote it in another layout: its own reader knows them all
    return _read_h5_by_pandas(path)


def _read_h5_by_pandas(path: Path) -> Tracked:
    try:
        import tables  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(extra="dlc-h5", needed_for=f"{path.name}: this layout of a pandas table") from error
    import pandas as pd

    try:
        frame: Any = pd.read_hdf(path)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise SourceError(f"{path.name}: no pandas table of DeepLabCut in it ({error})") from error
    return _tracked(path, list(frame.columns.names), list(frame.columns), frame.index.to_numpy(), frame.to_numpy())


def _tracked(path: Path, levels: list[str], columns: list[tuple[str, ...]], frames: Any, values: Any) -> Tracked:
    if tuple(levels) not in HEADERS:
        raise SourceError(f"{path.name}: columns with the levels {levels}; expected those of DeepLabCut: {', '.join(HEADERS[1])}")
    named = [dict(zip(levels, column, strict=True)) for column in columns]
    frames = np.asarray(frames)
    if frames.dtype.kind not in "iu":
        raise SourceError(f"{path.name}: rows are not numbered; is this a file of labelled frames, not of a tracked video?")
    return Tracked(
        path=path,
        scorer=_one_scorer(path, [column["scorer"] for column in named]),
        columns=tuple((column.get("individuals", ""), column["bodyparts"], column["coords"]) for column in named),
        frames=frames.astype(np.int64),
        values=np.asarray(values, dtype=np.float64),
    )
