"""A BORIS project: licking and flinches scored in the videos of a cohort."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from bergmann.rig.truth import Truth

LICKING, FLINCH = "licking", "flinch"
OTHERS = ("BG038", "BG039", "BG040", "BG041", "BG044", "BG045", "BG046", "BG047", "BG048", "BG049", "BG050", "BG051")
"""Animals of the cohort that only the cohort's tables know."""


def write_boris(path: Path, truths: Iterable[Truth], *, n_observations: int) -> Path:
    """Write one project with an observation ``"<animal> POD7"`` for each session, and others up to `n_observations`.

    Times are those of the face video: what the camera's own clock shows. The media paths are those of the scorer's computer.
    """
    observations = {f"{truth.rig.animal} POD7": _observation(truth) for truth in truths}
    for animal in OTHERS[: n_observations - len(observations)]:
        observations[f"{animal} POD7"] = _of_another(animal)
    project = {
        "time_format": "hh:mm:ss",
        "project_date": "2024-05-21T09:12:40",
        "project_name": "capsaicin licking",
        "project_description": "synthetic",
        "project_format_version": "7.0",
        "subjects_conf": {},
        "behaviors_conf": {
            "0": _behaviour("State event", "l", LICKING, "licks the injected paw"),
            "1": _behaviour("Point event", "f", FLINCH, "sudden withdrawal of the paw"),
        },
        "behavioral_categories": [],
        "coding_map": {},
        "converters": {},
        "independent_variables": {},
        "observations": dict(sorted(observations.items())),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(project, indent=1), encoding="utf-8", newline="\n")
    return path


def _behaviour(kind: str, key: str, code: str, description: str) -> dict[str, Any]:
    return {
        "type": kind,
        "key": key,
        "code": code,
        "description": description,
        "category": "",
        "modifiers": {},
        "excluded": "",
        "coding map": "",
    }


def _observation(truth: Truth) -> dict[str, Any]:
    camera, rig = truth.rig.camera, truth.rig
    starts = camera.shows(truth.lick_times)
    stops = camera.shows(truth.lick_times + truth.lick_durations)
    events = [(float(time), LICKING) for time in np.stack([starts, stops], axis=1).ravel()]
    events += [(float(time), FLINCH) for time in camera.shows(truth.flinch_times)]
    media = f"C:/Users/scorer/Videos/{rig.animal}/face.mp4"
    return _scored(media, rig.n_camera_frames / rig.camera_rate, rig.camera_rate, f"{rig.start:%Y-%m-%d}T20:04:11", events)


def _of_another(animal: str) -> dict[str, Any]:
    number = int(animal[2:])
    first = 60.0 + number
    events = [(first, LICKING), (first + 2.5, LICKING), (first + 4.0, FLINCH)]
    return _scored(f"C:/Users/scorer/Videos/{animal}/face.mp4", 240.0, 5.0, f"2024-05-{number % 10 + 10}T20:31:05", events)


def _scored(media: str, length: float, rate: float, date: str, events: list[tuple[float, str]]) -> dict[str, Any]:
    """One observation; BORIS keeps scored times to the millisecond."""
    return {
        "date": date,
        "type": "MEDIA",
        "description": "",
        "time offset": 0.0,
        "independent_variables": {},
        "close_behaviors_between_videos": False,
        "visualize_spectrogram": False,
        "file": {"1": [media], "2": []},
        "media_info": {
            "length": {media: length},
            "fps": {media: rate},
            "hasVideo": {media: True},
            "hasAudio": {media: False},
            "offset": {"1": 0.0},
        },
        "events": [[round(time, 3), "", code, "", ""] for time, code in sorted(events)],
    }
