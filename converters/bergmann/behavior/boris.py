"""BORIS: behaviour that a person scored from videos or live, from a project or an export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.behavior._boris import Observation, is_boris, read_observations
from bergmann.behavior._bouts import Bout, pair
from bergmann.behavior._scored_media import media_to_session
from bergmann.errors import SourceError
from bergmann.records import Events, EventSeries, Video
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.stated import Ref
from bergmann.tables import Encoding
from bergmann.texts import named
from bergmann.timing.times import ExplicitTimes


class BorisSource(Source):
    """One observation scored in BORIS.

    Attributes
    ----------
    path : Path
        A project (``.boris``), or its tabular or aggregated events (``.csv``, ``.tsv``, ``.xlsx``).
    observation : str, optional
        Which observation, where there are several.
    of : Ref[Video], optional
        The video that was scored; found in the observation by its base name. Without it, times count from the observation's start.
    encoding : str, optional
        Of an export that was saved again as other than UTF-8, e.g. ``cp949``.
    """

    format: Literal["boris"] = "boris"
    path: Path
    observation: str | None = None
    of: Ref[Video] | None = None
    encoding: Encoding | None = None


def find(folder: Path) -> Iterator[BorisSource]:
    """Every observation of every project and export in the folder and below."""
    for path in sorted(folder.rglob("*")):
        if is_boris(path):
            names = list(read_observations(path))
            for name in names:
                yield BorisSource(path=path, observation=name if len(names) > 1 else None)


def read(source: BorisSource, inputs: Inputs) -> Events:
    """Read the events of one observation, one series for each behaviour that was scored.

    Raises
    ------
    SourceError
        If the file is not of BORIS, there are several observations and none is chosen, a state is not paired, the observation was
        not scored on the video, or nothing was scored.
    """
    (path,) = expand(source.path)
    observation = _observation(path, read_observations(path, source.encoding), source.observation)
    bouts = pair(path, observation)
    if not bouts:
        raise SourceError(
            f"{path.name}: nothing was scored in the observation {observation.name!r}; if the animal did nothing, state `absent:` "
            "with that reason"
        )
    video = inputs.get("of")
    to_session = _clock(path, observation, video if isinstance(video, Video) else None)
    codes = dict.fromkeys(bout.behavior for bout in bouts)
    return Events(
        files=(path,),
        start=_start(observation),
        series=tuple(_series(code, [bout for bout in bouts if bout.behavior == code], observation, to_session) for code in codes),
        basis=_basis(observation, set(codes)),
    )


def _observation(path: Path, there: dict[str, Observation], chosen: str | None) -> Observation:
    meant = named(chosen, there) if chosen is not None else None
    if chosen is not None and meant is None:
        raise SourceError(f"{path.name}: no observation {chosen!r}; there are: {_listed(there)}")
    if not there:
        raise SourceError(f"{path.name}: a project without an observation; was it saved before scoring?")
    if chosen is None and len(there) > 1:
        raise SourceError(f"{path.name}: {len(there)} observations; state `observation:` as one of: {_listed(there)}")
    observation = there[meant] if meant is not None else next(iter(there.values()))
    if observation.wall_clock:
        raise SourceError(
            f"{path.name}: observation {observation.name!r} counts by `{observation.wall_clock}`, not from its own start; switch "
            "that off in BORIS and save the project again"
        )
    if observation.kind not in {"MEDIA", "LIVE"}:
        raise SourceError(
            f"{path.name}: observation {observation.name!r} is of the kind {observation.kind!r}; expected media or live"
        )
    return observation


def _listed(there: dict[str, Observation]) -> str:
    return ", ".join(repr(name) for name in there)


def _clock(path: Path, observation: Observation, video: Video | None) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """How times of the observation become times of the session, or of the observation's own clock if there is no video."""
    offset = observation.offset or 0.0  # BORIS has added it to the times it keeps; zero is the start of the first medium
    if video is None:
        return lambda times: times - offset
    return lambda times: media_to_session(path, observation, video, times - offset)


def _start(observation: Observation) -> datetime | None:
    """When a live observation began; for scored media, BORIS keeps the day of scoring."""
    if observation.kind != "LIVE":
        return None
    try:
        return datetime.fromisoformat(observation.date)
    except ValueError:
        return None


def _series(
    code: str, bouts: list[Bout], observation: Observation, to_session: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> EventSeries:
    starts = to_session(np.array([bout.start for bout in bouts]))
    stops = [bout.stop for bout in bouts if bout.stop is not None]
    texts = {
        "subject": [bout.subject for bout in bouts],
        "modifiers": [bout.modifiers for bout in bouts],
        "comment": [bout.comment for bout in bouts],
        "comment_stop": [bout.comment_stop for bout in bouts],
    }
    return EventSeries(
        name=code,
        times=ExplicitTimes(starts),
        durations=to_session(np.array(stops)) - starts if stops else None,
        columns={name: column for name, column in texts.items() if any(column)},
        column_descriptions=_MEANINGS,
        description=observation.descriptions.get(code, ""),
    )


_MEANINGS = {
    "subject": "Who did it, as scored in BORIS; empty if no focal subject was set.",
    "modifiers": "Modifiers of the behaviour as scored in BORIS, separated by |.",
    "comment": "What the scorer wrote.",
    "comment_stop": "What the scorer wrote at the end.",
}


def _basis(observation: Observation, scored: set[str]) -> str:
    unseen = sorted((observation.states | observation.points) - scored)
    variables = ", ".join(f"{name} = {value}" for name, value in observation.variables.items())
    facts = [
        f"scored in BORIS, observation {observation.name!r}",
        f"in the ethogram but not scored: {', '.join(unseen)}" if unseen else "",
        f"independent variables: {variables}" if variables else "",
        "the export does not say the time offset of the observation; taken as none" if observation.offset is None else "",
    ]
    return "; ".join(fact for fact in facts if fact)


FORMAT = Format(source=BorisSource, record=Events, label="BORIS project or export", find=find, read=read)
