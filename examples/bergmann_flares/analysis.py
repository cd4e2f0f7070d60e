"""Flares of Bergmann glia: the average after light, and the dose of light against the response, in both arms.

Opens the NWB files with pynwb alone; nothing of bergmann is imported.

    python analysis.py FOLDER [PICTURE]

FOLDER holds the converted sessions (the dandiset that ``bergmann demo`` makes).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pynwb import NWBHDF5IO, NWBFile

BEFORE, AFTER = 2.0, 13.0  # seconds around the onset of a train
STEP = 0.25  # seconds between samples of an average
SMOOTH = 1.0  # seconds over which a peak is taken
BLUES = ("#9ecae1", "#4292c6", "#08519c", "#08306b")
ARMS = {  # genetic status of the receptor: (label, colour); the two colours differ for every kind of colour vision (Okabe and Ito)
    "control": ("scrambled control", "#0072B2"),
    "knocked_down": ("Adra1a knocked down in Bergmann glia", "#D55E00"),
}


@dataclass(frozen=True)
class Flares:
    """What one session says of flares.

    Attributes
    ----------
    status : {"control", "knocked_down"}
        Genetic status of Adra1a in Bergmann glia.
    times : np.ndarray, shape (n_frames,), seconds
    dff : np.ndarray, shape (n_frames, n_rois)
    onsets, powers : np.ndarray, shape (n_trains,), seconds and watts
    shocks, capsaicin : np.ndarray, seconds
    """

    status: str
    times: np.ndarray
    dff: np.ndarray
    onsets: np.ndarray
    powers: np.ndarray
    shocks: np.ndarray
    capsaicin: np.ndarray

    def around(self, onset: float) -> np.ndarray:
        """dF/F of the average process around a train, less what is left of the flare before, shape (n_lags,).

        What is left is the mean of the second before the train, which goes on fading as every flare of this session does.
        """
        mean = self.dff.mean(axis=1)
        before = mean[(self.times >= onset - 1) & (self.times < onset)].mean()
        return np.interp(onset + lags(), self.times, mean) - before * np.exp(-(lags() + 0.5) / self.decay)

    @property
    def decay(self) -> float:
        """Time constant with which the flares of the strongest light fade from the 6th to the 12th second, in seconds."""
        mean = self.dff.mean(axis=1)
        late = np.arange(6, 12, STEP)
        strongest = self.onsets[self.powers == self.powers.max()]
        fading = np.mean([np.interp(onset + late, self.times, mean) for onset in strongest], axis=0)
        return -1 / np.polyfit(late, np.log(fading), 1)[0]

    def average(self, power: float) -> np.ndarray:
        """The flare after trains of one power, averaged, shape (n_lags,)."""
        return np.mean([self.around(onset) for onset in self.onsets[self.powers == power]], axis=0)

    def peaks(self, power: float) -> np.ndarray:
        """Highest dF/F after each train of one power, over the second round the peak of their average, shape (n_trains,)."""
        at = lags()[smoothed(self.average(power)).argmax()]
        near = np.abs(lags() - at) <= SMOOTH / 2
        return np.array([self.around(onset)[near].mean() for onset in self.onsets[self.powers == power]])

    @property
    def doses(self) -> np.ndarray:
        """The powers that were given, ascending, in watts."""
        return np.unique(self.powers)


@dataclass(frozen=True)
class Hill:
    """Dose-response curve: ``greatest * p**slope / (half_power**slope + p**slope)``, power in watts."""

    greatest: float
    half_power: float
    slope: float

    def __call__(self, power: np.ndarray) -> np.ndarray:
        return self.greatest * power**self.slope / (self.half_power**self.slope + power**self.slope)


def lags() -> np.ndarray:
    """Times around a train, shape (n_lags,), in seconds."""
    return np.arange(-BEFORE, AFTER + STEP / 2, STEP)


def smoothed(trace: np.ndarray) -> np.ndarray:
    """Running mean over a second; the ends, which have no whole second, are left as they are."""
    width = round(SMOOTH / STEP) + 1
    inner = np.convolve(trace, np.ones(width) / width, mode="valid")
    edge = (len(trace) - len(inner)) // 2
    return np.concatenate([trace[:edge], inner, trace[edge + len(inner) :]])


def read_flares(nwbfile: NWBFile) -> Flares:
    """Take the traces of the cells, the times of light, shocks and capsaicin, and the receptor's status from an open NWB file."""
    series = nwbfile.processing["ophys"]["Fluorescence"]["rois_raw"]
    is_cell = series.rois.table["is_cell"][:][series.rois.data[:]].astype(bool)
    onsets, powers = trains(nwbfile.stimulus["light"])
    times, raw = times_of(series), series.data[:][:, is_cell]
    receptors = nwbfile.lab_meta_data["glial_receptor_metadata"].receptors.to_dataframe()
    drugs = nwbfile.get_events_table("drug_administrations")
    return Flares(
        status=receptors.set_index("gene_symbol").loc["Adra1a", "genetic_status"],
        times=times,
        dff=raw / raw[times < onsets[0]].mean(axis=0) - 1,
        onsets=onsets,
        powers=powers,
        shocks=nwbfile.get_events_table("shocks")["timestamp"][:],
        capsaicin=drugs["timestamp"][:][np.asarray(drugs["compound"][:]) == "capsaicin"],
    )


def times_of(series) -> np.ndarray:
    """When each sample of a time series was taken, shape (n_samples,), in seconds."""
    if series.timestamps is not None:
        return series.timestamps[:]
    return series.starting_time + np.arange(len(series.data)) / series.rate


def trains(light) -> tuple[np.ndarray, np.ndarray]:
    """Onset and power of each train: pulses less than half a second apart belong together.

    The series holds four samples a pulse: (on, 0), (on, power), (off, power), (off, 0). The power of a train is rounded to 0.1 mW,
    as the command was recorded with noise.
    """
    pulses, power = np.asarray(light.timestamps[:])[0::4], np.asarray(light.data[:])[1::4]
    first = np.flatnonzero(np.diff(pulses, prepend=-np.inf) > 0.5)
    means = np.array([part.mean() for part in np.split(power, first[1:])])
    return pulses[first], np.round(means, 4)


def fit_hill(sessions: list[Flares]) -> dict[str, Hill]:
    """Fit one dose-response curve to all sessions, each with a size of its own.

    Least squares over a grid of half power and slope.
    """
    doses = [session.doses for session in sessions]
    peaks = [np.array([session.peaks(dose).mean() for dose in session.doses]) for session in sessions]
    best, found = np.inf, {}
    for half_power in np.linspace(0.5e-3, 10e-3, 191):
        for slope in np.linspace(0.5, 4, 71):
            shapes = [Hill(1, half_power, slope)(dose) for dose in doses]
            sizes = [shape @ peak / (shape @ shape) for shape, peak in zip(shapes, peaks, strict=True)]
            error = sum(((size * shape - peak) ** 2).sum() for size, shape, peak in zip(sizes, shapes, peaks, strict=True))
            if error < best:
                best = error
                found = {session.status: Hill(size, half_power, slope) for session, size in zip(sessions, sizes, strict=True)}
    return found


def draw(sessions: list[Flares], picture: Path) -> None:
    """Draw the course of both sessions, the flare-triggered averages, and the dose-response curves."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10, "axes.titleweight": "bold"}
    with plt.rc_context(style):
        figure = plt.figure(figsize=(10, 7.4), layout="constrained")
        top, bottom = figure.subfigures(2, 1, height_ratios=[1.15, 1], hspace=0.06)
        _draw_courses(top.subplots(2, 1, sharex=True, sharey=True), sessions)
        axes = bottom.subplots(1, 3, width_ratios=[1, 1, 1.25])
        _draw_averages(axes[:2], sessions)
        _draw_doses(axes[2], sessions)
        figure.savefig(picture, dpi=110, metadata={"Software": None})
        plt.close(figure)


def _draw_courses(axes, sessions: list[Flares]) -> None:
    highest = 100 * max(session.dff.mean(axis=1).max() for session in sessions)
    for axis, session in zip(axes, sessions, strict=True):
        label, colour = ARMS[session.status]
        axis.plot(session.times, 100 * session.dff.mean(axis=1), color=colour, lw=1.1)
        for onset, power in zip(session.onsets, session.powers, strict=True):
            shade = BLUES[int(np.searchsorted(session.doses, power))]
            height = 0.22 * highest * power / session.powers.max()
            axis.bar(onset, height, width=2.2, bottom=1.12 * highest, color=shade, align="edge")
        axis.plot(session.shocks, np.full(len(session.shocks), 1.18 * highest), "v", color="black", ms=5)
        axis.plot(session.capsaicin, np.full(len(session.capsaicin), 1.18 * highest), "D", color="#CC79A7", ms=5)
        axis.text(0.008, 0.72, label, color=colour, weight="bold", transform=axis.transAxes)
        axis.set(ylabel="dF/F (%)", ylim=(-0.08 * highest, 1.36 * highest), xlim=(0, session.times[-1] + 2))
    first, above = sessions[0], 1.42 * highest
    axes[0].text(first.onsets[0], above, "light on LC terminals (height: power)", color=BLUES[2])
    axes[0].text(first.shocks.mean(), above, "shocks", ha="center")
    axes[0].text(first.capsaicin.mean(), above, "capsaicin", color="#CC79A7", ha="left")
    axes[0].set_title("Bergmann glia integrate noradrenaline: one synthetic session of each arm", loc="left", pad=20)
    axes[1].set_xlabel("time (s)")


def _draw_averages(axes, sessions: list[Flares]) -> None:
    highest = 100 * max(session.average(dose).max() for session in sessions for dose in session.doses)
    for axis, session in zip(axes, sessions, strict=True):
        label, colour = ARMS[session.status]
        axis.axvspan(0, 1, color="#4292c6", alpha=0.15, lw=0)
        for dose, shade in zip(session.doses, BLUES, strict=False):
            axis.plot(lags(), 100 * session.average(dose), color=shade, lw=1.6, label=f"{1e3 * dose:g} mW")
        axis.set_title(label.replace(" in ", "\nin "), loc="left", color=colour)
        axis.set(xlabel="time from light (s)", ylim=(-0.08 * highest, 1.08 * highest), xlim=(-BEFORE, AFTER))
    axes[0].set_ylabel("change of dF/F (%)")
    axes[0].legend(frameon=False, title="power", alignment="right", loc="upper right")


def _draw_doses(axis, sessions: list[Flares]) -> None:
    curves = fit_hill(sessions)
    smooth = np.linspace(0, 11e-3, 200)
    for session in sessions:
        label, colour = ARMS[session.status]
        axis.plot(1e3 * smooth, 100 * curves[session.status](smooth), color=colour, lw=1.6)
        for dose in session.doses:
            peaks = 100 * session.peaks(dose)
            axis.plot(np.full(len(peaks), 1e3 * dose), peaks, "o", color=colour, ms=5, alpha=0.65, mec="white", mew=0.5)
        at = 9.0e-3
        height = 100 * curves[session.status](np.array(at))
        axis.text(1e3 * at, height + 5, label.split()[0].replace("Adra1a", "knockdown"), color=colour, ha="right", va="bottom")
    left = curves["knocked_down"].greatest / curves["control"].greatest
    axis.set_title(f"Dose and response:\nthe knockdown leaves {left:.0%}", loc="left")
    axis.set(xlabel="light power at the fibre tip (mW)", ylabel="peak change of dF/F (%)", xlim=(0, 11), ylim=(0, None))


def main(folder: Path, picture: Path) -> None:
    """Read both sessions, say what they hold, and draw them."""
    sessions = []
    for path in sorted(folder.rglob("*capsaicin*.nwb")):
        with NWBHDF5IO(path, "r", load_namespaces=True) as file:
            sessions.append(read_flares(file.read()))
    if not sessions:
        sys.exit(f"{folder}: no *capsaicin*.nwb is in there; name the folder that `bergmann demo` made")
    sessions.sort(key=lambda session: list(ARMS).index(session.status))
    for session in sessions:
        peaks = ", ".join(f"{1e3 * dose:g} mW: {100 * session.peaks(dose).mean():.0f} %" for dose in session.doses)
        print(f"{session.status}: peak dF/F after light of {peaks}")
    draw(sessions, picture)
    print(f"drawn: {picture}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python analysis.py FOLDER [PICTURE]; FOLDER is what `bergmann demo` made, such as bergmann-demo")
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "flares.png"))
