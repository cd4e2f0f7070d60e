"""Whether the level of a pulse stays the same while it is on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bergmann.pulses import RecordedPulses
from bergmann.records import Channel, Recording

_PARTS = 8  # equal parts of a pulse, whose medians are compared
_FEWEST = 4  # parts, of which the inner ones can be compared
_SAMPLES = 3  # that a part must have for its median
_SAME = 0.1  # share of the level by which the parts of one level may differ: droop, ripple
_NOISE = 6.0  # standard errors of a median by which they may differ, too
_LONGEST = 1 << 17  # samples of a part that are looked at


def find_varying(recording: Recording, pulses: RecordedPulses) -> NDArray[np.bool_]:
    """Which pulses of an analog channel change their level while they are on.

    The medians of eight equal parts of a pulse are compared (of fewer, where it is short), without the first and the last, where
    the edges are. A pulse of fewer than twelve samples says nothing of its shape, and is taken to have one level.

    Parameters
    ----------
    recording : Recording
    pulses : RecordedPulses
        Of one of its channels.

    Returns
    -------
    np.ndarray, shape (n_pulses,), bool
    """
    channel = recording.channel(pulses.channel)
    onsets = recording.samples_at(pulses.times.seconds)
    lengths = np.round(pulses.durations * recording.rate).astype(np.int64)
    pulses_in_samples = zip(onsets.tolist(), lengths.tolist(), strict=True)
    return np.array([_varies(_parts(channel, onset, length)) for onset, length in pulses_in_samples], dtype=np.bool_)


def _parts(channel: Channel, onset: int, length: int) -> NDArray[np.float64]:
    """The samples of the inner parts of a pulse, shape (n_parts, n_samples); empty for too short a one."""
    n_parts = min(_PARTS, length // _SAMPLES)
    if n_parts < _FEWEST:
        return np.empty((0, 0))
    n_samples = length // n_parts
    if n_samples <= _LONGEST:
        values = channel.values(onset, onset + n_parts * n_samples).reshape(n_parts, n_samples)
        return values[1:-1]
    starts = [onset + part * n_samples for part in range(1, n_parts - 1)]
    return np.array([channel.values(start, start + _LONGEST) for start in starts])


def _varies(parts: NDArray[np.float64]) -> bool:
    """Whether the medians of the parts differ by more than droop and noise make them."""
    if not parts.size:
        return False
    medians = np.median(parts, axis=1)
    noise = float(np.median(np.abs(np.diff(parts, axis=1)))) / 0.954  # the median of |a - b| of normal noise is 0.954 sigma
    error = 1.25 * noise / np.sqrt(parts.shape[1])
    return bool(np.ptp(medians) > _SAME * np.abs(medians).max() + _NOISE * error)
