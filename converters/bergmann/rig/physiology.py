"""What happens in the simulated animal: noradrenaline from LC terminals, calcium of Bergmann glia, licking, the paw.

Bergmann glia integrate: each light train, shock or injection adds noradrenaline, which calcium follows over seconds and which fades
over seconds; the sum saturates. The design is that of Kim et al. 2025 (doi 10.1038/s41593-024-01807-z); every number is made up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bergmann.rig.truth import Flare, Floats, Rig, Truth

RISE, DECAY = 1.2, 5.0
"""Time constants of calcium, in seconds."""

CEILING = 6.0
"""dF/F that calcium approaches when everything comes at once."""

SHOCK_PEAK, CAPSAICIN_PEAK = 0.9, 1.8
"""dF/F of an average process of an untouched animal."""

CAPSAICIN_DELAY, CAPSAICIN_LENGTH = 3.0, 20.0
"""From the injection to the pain, and how long it lasts, in seconds."""

JITTER = 1e-5
"""How irregular the frames of the microscope are, whose mirror does not turn quite evenly (standard deviation, in seconds)."""

KEYPOINTS = ("toe", "heel", "ankle")


def draw(rig: Rig) -> Truth:
    """Draw everything that is true of a session; the same for the same rig."""
    rng = np.random.default_rng([rig.seed, 0])
    jitter = np.random.default_rng([rig.seed, 7]).normal(0, JITTER, rig.n_frames)
    frame_times = rig.microscope.reaches(np.arange(rig.n_frames) / rig.frame_rate + jitter - jitter[0])
    camera_times = rig.camera.reaches(np.arange(rig.n_camera_frames) / rig.camera_rate)
    trains = _trains(rig, rng)
    flares = _flares(rig, trains)
    masks = _masks(rig)
    gains = rng.uniform(0.8, 1.2, rig.n_rois)
    licks = _licks(rig, rng)
    shocks = np.array([flare.onset for flare in flares if flare.cause == "shock"])
    pulse_starts = np.arange(round(rig.train_length * rig.pulse_rate)) / rig.pulse_rate
    return Truth(
        rig=rig,
        frame_times=frame_times,
        camera_times=camera_times,
        pulse_times=np.concatenate([onset + pulse_starts for onset, _ in trains]),
        pulse_powers=np.repeat([power for _, power in trains], len(pulse_starts)),
        shock_times=shocks,
        lick_times=licks[:, 0],
        lick_durations=licks[:, 1],
        flinch_times=shocks + rng.uniform(0.15, 0.35, len(shocks)),
        flares=flares,
        dff=calcium(rig, flares, frame_times)[:, None] * (gains / gains.mean()),
        masks=masks,
        resting=np.append(rng.uniform(260, 420, rig.n_rois), 180.0),
        motion=_motion(rng, frame_times, shocks, licks),
        paw=_paw(rig, rng, camera_times, shocks, licks),
        von_frey=_von_frey(rig),
    )


def integrated(times: Floats, length: float) -> Floats:
    """Calcium after noradrenaline input of `length` seconds from time 0 on, with a peak of 1.

    Parameters
    ----------
    times : np.ndarray
        Seconds after the input began.
    length : float
        Of the input, in seconds.

    Returns
    -------
    np.ndarray
        A rise and a decay (a difference of two exponentials), integrated over the input.
    """

    def until(seconds: Floats) -> Floats:
        after = np.maximum(seconds, 0)
        return DECAY * -np.expm1(-after / DECAY) - RISE * -np.expm1(-after / RISE)

    fine = np.arange(0, length + 4 * DECAY, 0.005)
    highest = float((until(fine) - until(fine - length)).max())
    return (until(times) - until(times - length)) / highest


def calcium(rig: Rig, flares: tuple[Flare, ...], times: Floats) -> Floats:
    """dF/F of an average process at `times`: the inputs sum, and the sum saturates.

    A flare on its own reaches exactly its stated peak.
    """
    total = np.zeros(len(times))
    for flare in flares:
        drive = flare.peak / (1 - flare.peak / CEILING)
        total += drive * integrated(times - flare.onset - _delay(flare), _length(rig, flare))
    return total / (1 + total / CEILING)


def _delay(flare: Flare) -> float:
    return CAPSAICIN_DELAY if flare.cause == "capsaicin" else 0.0


def _length(rig: Rig, flare: Flare) -> float:
    return {"light": rig.train_length, "shock": rig.shock_length, "capsaicin": CAPSAICIN_LENGTH}[flare.cause]


def _trains(rig: Rig, rng: np.random.Generator) -> list[tuple[float, float]]:
    """(onset, power) of each light train; every power once before any comes again. Onsets lie on DAQ samples."""
    powers = np.concatenate([rng.permutation(rig.powers) for _ in range(rig.repeats)])
    return [(rig.first_train + index * rig.spacing, float(power)) for index, power in enumerate(powers)]


def _flares(rig: Rig, trains: list[tuple[float, float]]) -> tuple[Flare, ...]:
    light = [
        Flare(cause="light", onset=onset, power=power, peak=rig.gain * float(rig.dose_response.peak(np.array(power))))
        for onset, power in trains
    ]
    first_shock = rig.first_train + len(trains) * rig.spacing
    shocks = [
        Flare(cause="shock", onset=first_shock + index * rig.spacing, power=0.0, peak=rig.gain * SHOCK_PEAK)
        for index in range(rig.n_shocks)
    ]
    capsaicin = Flare(cause="capsaicin", onset=rig.capsaicin, power=0.0, peak=rig.gain * CAPSAICIN_PEAK)
    return tuple(sorted([*light, *shocks, capsaicin], key=lambda flare: flare.onset))


def _masks(rig: Rig) -> tuple[NDArray[np.intp], ...]:
    """Upright stripes, as the processes of Bergmann glia stand in the molecular layer; the last, a patch, is no cell."""
    height, width = rig.image_shape
    pitch = width / (rig.n_rois + 1)
    stripe = max(2, round(pitch * 0.5))
    masks = []
    for index in range(rig.n_rois + 1):
        first = round(pitch * (index + 0.5) - stripe / 2)
        top, bottom = (2, height - 1) if index < rig.n_rois else (height // 2 - 1, height // 2 + 2)
        top += index % 2 if index < rig.n_rois else 0
        rows, columns = np.mgrid[top:bottom, first : first + stripe]
        masks.append(np.stack([rows.ravel(), columns.ravel()], axis=1))
    return tuple(masks)


def _licks(rig: Rig, rng: np.random.Generator) -> Floats:
    """(onset, duration) of each bout of licking after capsaicin, shape (n, 2); more bouts where glia signal more."""
    count = 3 if rig.arm == "shrna" else 7
    first, last = rig.capsaicin + CAPSAICIN_DELAY, rig.microscope.start + rig.movie_length - 3
    step = min(5.0, (last - first) / count)
    onsets = first + np.arange(count) * step + rng.uniform(0.1, 0.3, count) * step
    return np.stack([onsets, rng.uniform(0.3, 0.6, count) * step], axis=1)


def _motion(rng: np.random.Generator, times: Floats, shocks: Floats, licks: Floats) -> NDArray[np.int64]:
    """The brain moves by a pixel for a second after a shock and while the animal licks."""
    moving = np.zeros(len(times), dtype=bool)
    for onset, duration in [*((onset, 1.0) for onset in shocks), *licks]:
        moving |= (times >= onset) & (times < onset + duration)
    return rng.integers(-1, 2, (len(times), 2)) * moving[:, None]


def _paw(rig: Rig, rng: np.random.Generator, times: Floats, shocks: Floats, licks: Floats) -> Floats:
    """Toe, heel and ankle: at rest, lifted for a second after a shock, held to the mouth while licking."""
    height, width = rig.video_shape
    rest = np.array([[0.70 * width, 0.80 * height], [0.45 * width, 0.80 * height], [0.35 * width, 0.60 * height]])
    lift = np.zeros(len(times))
    for onset in shocks:
        after = times - onset
        lift += np.where((after >= 0) & (after < 1), 0.25 * height * np.sin(np.pi * np.clip(after, 0, 1)), 0)
    for onset, duration in licks:
        lift += np.where((times >= onset) & (times < onset + duration), 0.40 * height, 0)
    paw = rest + rng.normal(0, 0.3, (len(times), len(KEYPOINTS), 2))
    paw[:, :, 1] -= lift[:, None] * np.array([1.0, 0.8, 0.4])
    return paw


def _von_frey(rig: Rig) -> dict[tuple[str, str], float]:
    """Thresholds in grams: the injured (left) paw becomes sensitive after the nerve injury, less so with the knockdown."""
    injured = 0.6 if rig.arm == "shrna" else 0.07
    return {("baseline", "left"): 1.0, ("baseline", "right"): 1.0, ("POD7", "left"): injured, ("POD7", "right"): 1.0}
