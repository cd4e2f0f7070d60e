"""What a person states of the pulses of a clock line: as keys of a source, and as what the fit takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from bergmann.disk import refuse_unreachable
from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.plan.mistakes import error
from bergmann.plan.yaml import Node
from bergmann.registry import expand
from bergmann.stated import Stated
from bergmann.tables.table import read_table
from bergmann.timing.frame_pulses import BY_GAPS, NO_CHOICES, Ends, PulseChoices

_MOST_DROPPED = 1_000_000
"""Frames in a row that no camera drops."""

_ENDS = re.compile(r"(?:(?P<count>\d+)\s+)?(?P<end>before|after)(?:\s+(?:the\s+)?(?:movie|video|frames))?")


def _parse_burst(text: object) -> object:
    match = re.fullmatch(r"\s*(\d+)(?:\s*(?:-|–|to)\s*(\d+))?\s*", str(text))
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last:
        raise ValueError(f"`{text}` is no burst of a line; write its number, counted from 1, such as `2`, or `2-3` for several")
    return first, last


def _ends(text: str) -> Ends | None:
    """``before``, ``after``, ``3 before``, ``3 before, 5 after``; None for another text."""
    parts = [_ENDS.fullmatch(part.strip()) for part in text.split(",")]
    found = [part for part in parts if part is not None]
    ends = [part["end"] for part in found]
    if len(found) < len(parts) or len(set(ends)) < len(ends):
        return None
    if len(found) == 1 and found[0]["count"] is None:
        return Ends(rest="before" if ends[0] == "before" else "after")
    if any(part["count"] is None or int(part["count"]) == 0 for part in found):
        return None
    counts = {part["end"]: int(part["count"]) for part in found}
    return Ends(before=counts.get("before", 0), after=counts.get("after", 0))


def _parse_extra(text: object) -> object:
    ends = _ends(text.lower()) if isinstance(text, str) else None
    if ends is None:
        raise ValueError(
            f"`{text}` does not say which pulses are of no frame; write `before` or `after` (the movie), or how many: "
            "`3 before, 5 after`"
        )
    return ends


def _numbers(stated: object) -> tuple[int, ...] | None:
    """Numbers from 1 in a list or behind commas, ranges as ``1204-1207``; None for anything else."""
    parts = stated if isinstance(stated, list | tuple) else str(stated).strip("[] ").split(",")
    numbers: list[int] = []
    for part in parts:
        match = re.fullmatch(r"\s*(\d+)(?:\s*(?:-|–|to)\s*(\d+))?\s*", str(part))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last or last - first > 10_000_000:
            return None
        numbers += range(first, last + 1)
    return tuple(sorted(numbers)) if numbers and len(set(numbers)) == len(numbers) else None


def _parse_dropped(stated: object) -> object:
    if isinstance(stated, str) and stated.strip().lower() == BY_GAPS:
        return BY_GAPS
    numbers = _numbers(stated)
    if numbers is None:
        raise ValueError(
            f"`{_shown(stated)}` does not say which frames were dropped; write their numbers, counted from 1 among all that were "
            "taken, each once: `[1204, 1205]`, `[1204-1210]`; or `by gaps` where the frames' own times have gaps"
        )
    return numbers


def _parse_missing(stated: object) -> object:
    if isinstance(stated, str) and stated.strip().lower() == BY_GAPS:
        return BY_GAPS
    found = (_ends(stated.lower()) if isinstance(stated, str) else None) or _numbers(stated)
    if found is None:
        raise ValueError(
            f"`{_shown(stated)}` does not say which frames have no pulse; write `by gaps` where the line has gaps, `before` or "
            "`after` for the first or last frames, `3 before, 5 after`, or the frames' numbers, counted from 1, each once: "
            "`[1204, 1205]`"
        )
    return found


def _shown(stated: object) -> str:
    return ", ".join(map(str, stated)) if isinstance(stated, list | tuple) else str(stated)


_NUMBERS: dict[str, Any] = {"type": "array", "items": {"type": ["integer", "string"]}}

Burst = Annotated[tuple[int, int], BeforeValidator(_parse_burst), WithJsonSchema({"type": ["integer", "string"]})]
Extra = Annotated[Ends, BeforeValidator(_parse_extra), WithJsonSchema({"type": "string"})]
Dropped = Annotated[
    Literal["by gaps"] | tuple[int, ...],
    BeforeValidator(_parse_dropped),
    WithJsonSchema({"anyOf": [{"type": ["integer", "string"]}, _NUMBERS]}),
]
Missing = Annotated[
    Literal["by gaps"] | Ends | tuple[int, ...],
    BeforeValidator(_parse_missing),
    WithJsonSchema({"anyOf": [{"type": ["integer", "string"]}, _NUMBERS]}),
]


class PulseKeys(Stated):
    """What is said of the pulses of a clock line, where it has not simply one pulse a frame."""

    burst: Burst | None = Field(
        None,
        description="which burst of pulses is this source's, counted from 1, where the clock line ticked for several recordings: "
        "2, or 2-3",
    )
    pulses_per_frame: int | None = Field(
        None,
        ge=1,
        description="pulses of the clock line for each frame (of volumes: for each volume, with those of the focus's flight back)",
    )
    frames_per_pulse: int | None = Field(
        None, ge=2, description="frames for each pulse of the clock line, which is at the first of them"
    )
    extra_pulses: Extra | None = Field(
        None, description="where pulses are that are of no frame: before, after, or with numbers: 3 before, 5 after"
    )
    dropped_frames: Dropped | None = Field(
        None,
        description="frames that had a pulse and were not saved, counted from 1 among all that were taken: [1204, 1205]; or by "
        "gaps, where the frames' own times have gaps that prove it",
    )
    missing_pulses: Missing | None = Field(
        None,
        description="frames that are saved and have no pulse: by gaps, where the line has gaps that prove it, before, after, "
        "3 before, or their numbers, counted from 1: [1204, 1205]",
    )

    @property
    def choices(self) -> PulseChoices:
        """The same as the fit takes it."""
        return PulseChoices(**{name: getattr(self, name) for name in PulseKeys.model_fields})


KEYS = tuple(PulseKeys.model_fields)


class FrameIds(Stated):
    """A table in which the camera's own number of each saved frame stands; numbers that it leaps over are dropped frames.

    Attributes
    ----------
    path : Path
        CSV, TSV or XLSX, a row for each saved frame, with a header.
    column : str
        The column of the camera's numbers, such as frame_id.
    """

    path: Path
    column: str

    def dropped(self, n_frames: int, source: str) -> tuple[int, ...]:
        """The frames that were taken and not saved, counted from 1 among all from the first that was saved to the last.

        Parameters
        ----------
        n_frames : int
            Frames that are saved.
        source : str
            Name for the message.

        Raises
        ------
        SourceError
            If there is no such table, or it has no such column, not a row a frame, or numbers that are not whole or do not rise.
        """
        files = expand(self.path)
        refuse_unreachable(files)
        if len(files) > 1:
            raise SourceError(f"{self.path.name}: {len(files)} files match; name the one table of frame numbers of {source}")
        table = read_table(files[0])
        where = table.where(self.column)
        cells = [(cell.strip(), line) for cell, line in zip(table.cells(self.column), table.lines, strict=True)]
        if len(cells) != n_frames:
            raise SourceError(
                f"{where}: {len(cells)} rows for {n_frames} frames of {source}; expected the number of each saved frame"
            )
        for cell, line in cells:
            if not re.fullmatch(r"\d{1,15}", cell):
                raise SourceError(f"{where}, line {line}: {cell!r} is no whole number; expected the camera's number of the frame")
        numbers = [int(cell) for cell, _ in cells]
        for (before, after), (_, line) in zip(pairwise(numbers), cells[1:], strict=True):
            if after <= before:
                raise SourceError(
                    f"{where}, line {line}: {after} behind {before}; expected numbers that rise. Was the counter started again?"
                )
            if after - before > _MOST_DROPPED:
                raise SourceError(f"{where}, line {line}: {after} behind {before}; are these numbers of frames, or times?")
        saved = set(numbers)
        return tuple(number - numbers[0] + 1 for number in range(numbers[0], numbers[-1] + 1) if number not in saved)


def check_pulse_keys(own: Mapping[str, Node], stated: PulseKeys, key: str) -> Iterator[Finding]:
    """What of these keys cannot be together, or says something of a line that is not stated.

    Parameters
    ----------
    own : mapping of str to Node
        The keys that are stated, where they stand.
    stated : PulseKeys
        The same, parsed.
    key : str
        Dotted key of the source.
    """
    there = [word for word in (*KEYS, "frame_ids") if word in own]
    if there and "clock" not in own:
        message = f"`{there[0]}` says something of the pulses of a clock line, and no `clock` is stated"
        yield error(
            own[there[0]],
            f"{key}.{there[0]}",
            "conflict",
            message,
            f"state `clock: <recording>/<channel>`, or leave `{there[0]}` out",
        )
    if "frame_ids" in own and "dropped_frames" in own:
        message = "`frame_ids` and `dropped_frames` both say which frames were dropped"
        yield error(own["frame_ids"], f"{key}.frame_ids", "conflict", message, "leave one of them out")
    choices = stated.choices
    if choices == NO_CHOICES:
        return
    together = [*_not_together(choices)]
    if "frame_ids" in own and choices.frames_per_pulse is not None:
        together.append(("frame_ids", "frames_per_pulse"))
    for word, other in together:
        message = f"`{word}` and `{other}` cannot be stated together: the number of pulses would not say how many are of which"
        remedy = (
            "state numbers for one of them, such as `extra_pulses: 3 before`"
            if other == "extra_pulses"
            else "leave one of them out"
        )
        yield error(own[word], f"{key}.{word}", "conflict", message, remedy)


def _not_together(choices: PulseChoices) -> Iterator[tuple[str, str]]:
    extra, missing = choices.extra_pulses, choices.missing_pulses
    if extra is not None and extra.rest is not None and isinstance(missing, Ends) and missing.rest is not None:
        yield "missing_pulses", "extra_pulses"
    if choices.frames_per_pulse is not None:
        for word in ("pulses_per_frame", "dropped_frames", "missing_pulses"):
            if getattr(choices, word) is not None:
                yield word, "frames_per_pulse"
