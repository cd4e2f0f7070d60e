"""What the simulated rig is set to, and everything that is true of what it recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Arm = Literal["shrna", "scrambled"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Clock:
    """An instrument's own clock, as seen from the DAQ's, whose first sample is zero and which by definition does not drift.

    Attributes
    ----------
    start : float
        DAQ time at which this clock shows zero, in seconds.
    drift_ppm : float
        How much faster than the DAQ's it runs, in parts per million.
    """

    start: float
    drift_ppm: float

    @property
    def _speed(self) -> float:
        return 1 + self.drift_ppm * 1e-6

    def shows(self, times: Floats) -> Floats:
        """What this clock shows at DAQ `times`, in seconds."""
        return (times - self.start) * self._speed

    def reaches(self, shown: Floats) -> Floats:
        """DAQ times at which this clock shows `shown`, in seconds."""
        return self.start + shown / self._speed

    def greatest_error(self, duration: float, daq_rate: float) -> float:
        """How far a shift by the first recorded pulse may be off, in seconds: one DAQ sample, and the drift until `duration`."""
        return 1 / daq_rate + abs(self.drift_ppm) * 1e-6 * duration


@dataclass(frozen=True)
class DoseResponse:
    """Hill curve of light power against the peak of the flare it elicits, for a train on its own and a gain of 1.

    Attributes
    ----------
    greatest : float
        Peak dF/F at endless power.
    half_power : float
        Power of half that, in watts.
    slope : float
        Hill coefficient.
    """

    greatest: float = 1.6
    half_power: float = 3e-3
    slope: float = 1.6

    def peak(self, power: Floats) -> Floats:
        """Peak dF/F elicited by trains of `power` watts."""
        risen: Floats = np.asarray(power, dtype=float) ** self.slope
        peak: Floats = self.greatest * risen / (self.half_power**self.slope + risen)
        return peak


@dataclass(frozen=True)
class Calibration:
    """Power at the fibre tip for each voltage commanded, as measured on one day; straight lines between the points.

    Attributes
    ----------
    volts, milliwatts : tuple of float
    """

    volts: tuple[float, ...] = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0)
    milliwatts: tuple[float, ...] = (0.0, 0.12, 0.71, 1.86, 3.08, 4.41, 5.72, 7.14, 8.53, 9.87, 11.2)

    def volts_for(self, power: float) -> float:
        """The command that gives `power` watts, in volts."""
        return float(np.interp(power * 1e3, self.milliwatts, self.volts))

    def power_of(self, volts: Floats) -> Floats:
        """The power that a command gives, in watts."""
        watts: Floats = np.interp(volts, self.volts, self.milliwatts) * 1e-3
        return watts


@dataclass(frozen=True, kw_only=True)
class Rig:
    """One animal's session on the simulated rig.

    Attributes
    ----------
    animal : str
        Subject id; in lower case the stem of the file names.
    arm : {"shrna", "scrambled"}
        Whether the alpha-1A adrenoceptor of the Bergmann glia is knocked down.
    seed : int
        Of everything that is drawn.
    start : datetime
        Local wall-clock time of the DAQ's first sample.
    microscope, camera : Clock
    wall_error : float
        How far the microscope's PC is ahead of the DAQ's, in seconds.
    n_frames, n_files : int
        Frames of the movie, and the files that they are in.
    frame_rate, camera_rate, daq_rate : float
        Hz, each on its own clock.
    image_shape, video_shape : tuple of int
        (height, width) in pixels.
    pixel_size : float
        Of the movie, in metres.
    n_rois : int
        Processes of Bergmann glia; the segmentation finds one more, which is none.
    powers : tuple of float
        Of the light trains, in watts; each `repeats` times, in an order that is drawn.
    first_train, spacing : float
        When the first train begins, and from one train or shock to the next, in seconds.
    pulse_rate, pulse_length, train_length : float
        Of the light, in Hz, seconds and seconds.
    n_shocks, shock_length : int, float
        Noxious shocks, and their length in seconds.
    capsaicin : float
        When it is injected, in seconds.
    focus_lost : tuple of float, optional
        From when to when the movie is out of focus, in seconds.
    frames_before, frames_after : int
        Frames of other recordings that Suite2p was run on together with these.
    knockdown_gain : float
        What is left of a flare where the receptor is knocked down.
    dose_response : DoseResponse
    calibration : Calibration
    """

    animal: str = "BG042"
    arm: Arm = "shrna"
    seed: int = 42
    start: datetime = datetime(2024, 5, 17, 10, 30, 57)
    microscope: Clock = Clock(start=2.3717, drift_ppm=35.0)
    camera: Clock = Clock(start=1.1043, drift_ppm=-60.0)
    wall_error: float = 4.752
    n_frames: int = 1024
    n_files: int = 2
    frame_rate: float = 4.0
    camera_rate: float = 5.0
    daq_rate: float = 1000.0
    image_shape: tuple[int, int] = (12, 32)
    video_shape: tuple[int, int] = (48, 64)
    pixel_size: float = 4e-6
    n_rois: int = 6
    powers: tuple[float, ...] = (1e-3, 2e-3, 5e-3, 10e-3)
    repeats: int = 3
    first_train: float = 10.0
    spacing: float = 14.0
    pulse_rate: float = 20.0
    pulse_length: float = 0.010
    train_length: float = 1.0
    n_shocks: int = 3
    shock_length: float = 0.5
    capsaicin: float = 216.4
    focus_lost: tuple[float, float] | None = None
    frames_before: int = 0
    frames_after: int = 0
    knockdown_gain: float = 0.3
    dose_response: DoseResponse = field(default_factory=DoseResponse)
    calibration: Calibration = field(default_factory=Calibration)

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return self.animal.lower()

    @property
    def gain(self) -> float:
        """Size of a flare in this arm, as a fraction of the flare of an untouched animal."""
        return self.knockdown_gain if self.arm == "shrna" else 1.0

    @property
    def movie_length(self) -> float:
        """How long the microscope scans, in seconds."""
        return self.n_frames / self.frame_rate

    @property
    def n_camera_frames(self) -> int:
        """Frames of either camera, which stop a second after the microscope."""
        return int((self.movie_length + self.microscope.start - self.camera.start + 1) * self.camera_rate)

    @property
    def n_samples(self) -> int:
        """Samples of the DAQ, which stops two seconds after the microscope."""
        return int((self.movie_length + max(self.microscope.start, self.camera.start) + 2) * self.daq_rate)


@dataclass(frozen=True, eq=False, kw_only=True)
class Flare:
    """What elicited a flare, and how large it truly was.

    Attributes
    ----------
    cause : {"light", "shock", "capsaicin"}
    onset : float
        When the cause began, in seconds on the DAQ's clock.
    power : float
        Of the light, in watts; 0 for another cause.
    peak : float
        Highest dF/F of an average ROI that this cause alone would have reached, without noise.
    """

    cause: Literal["light", "shock", "capsaicin"]
    onset: float
    power: float
    peak: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Truth:
    """Everything that is true of one simulated session; all times on the DAQ's clock, in seconds.

    Attributes
    ----------
    rig : Rig
    frame_times : np.ndarray, shape (n_frames,)
        When each frame of the movie began.
    camera_times : np.ndarray, shape (n_camera_frames,)
        When each frame of both cameras was taken.
    pulse_times, pulse_powers : np.ndarray, shape (n_pulses,)
        Onset of each pulse of light, and its power in watts.
    shock_times : np.ndarray, shape (n_shocks,)
    lick_times, lick_durations : np.ndarray, shape (n_licks,)
    flinch_times : np.ndarray, shape (n_flinches,)
    flares : tuple of Flare
        By onset.
    dff : np.ndarray, shape (n_frames, n_rois)
        dF/F of each process in each frame, without noise.
    masks : tuple of np.ndarray, each of shape (n_pixels, 2)
        (row, column) of the pixels of each ROI; the last is the one that is no cell.
    resting : np.ndarray, shape (n_rois + 1,)
        Counts of each ROI at rest.
    motion : np.ndarray of int, shape (n_frames, 2)
        (rows, columns) by which each frame is displaced.
    paw : np.ndarray, shape (n_camera_frames, 3, 2)
        (x, y) of toe, heel and ankle in the paw's video, in pixels.
    von_frey : mapping of (day, side) to float
        50 % withdrawal threshold in grams.
    """

    rig: Rig
    frame_times: Floats
    camera_times: Floats
    pulse_times: Floats
    pulse_powers: Floats
    shock_times: Floats
    lick_times: Floats
    lick_durations: Floats
    flinch_times: Floats
    flares: tuple[Flare, ...]
    dff: Floats
    masks: tuple[NDArray[np.intp], ...]
    resting: Floats
    motion: NDArray[np.int64]
    paw: Floats
    von_frey: dict[tuple[str, str], float]

    @property
    def movie_error(self) -> float:
        """How far frame times may be off after a shift by the first pulse of the frame clock, in seconds."""
        return self.rig.microscope.greatest_error(self.rig.movie_length, self.rig.daq_rate)

    @property
    def camera_error(self) -> float:
        """How far camera times may be off after a shift by the first pulse of the camera's line, in seconds."""
        return self.rig.camera.greatest_error(self.rig.n_camera_frames / self.rig.camera_rate, self.rig.daq_rate)

    @property
    def fitted_error(self) -> float:
        """How far times may be off after a fit to all recorded pulses, in seconds: one sample of the DAQ."""
        return 1 / self.rig.daq_rate

    def expected_peak(self, power: float) -> float:
        """Peak dF/F that a lone train of `power` watts elicits in this animal."""
        return self.rig.gain * float(self.rig.dose_response.peak(np.array(power)))
