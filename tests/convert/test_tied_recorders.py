"""Two recorders on one clock, by pulses that both recorded: their intervals, their begin, or barcodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bergmann.convert.align import Aligned, align
from bergmann.errors import SessionError
from bergmann.plan.resolve import make_plan
from bergmann.pulses import recorded_pulses
from bergmann.records import Channel, Recording
from bergmann.timing.barcodes import LAYOUTS
from bergmann.timing.clock_map import ClockMap
from bergmann.timing.times import ExplicitTimes

from ..timing.random_rigs import send

RATE = 1000.0
OWN_RATE = 2000.0
LATER = 12.5
"""When the probe's recorder began on the DAQ's clock, in seconds."""

FAST = 80e-6
"""By which share the probe's clock runs fast."""

SESSION = """\
format_version: 1
time_zone: Asia/Seoul
session: {{id: s1, start: 2024-05-17 10:30:57, description: "Two recorders."}}
subject: {{id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}}
sources:
  daq:   {{format: signal_numpy, path: daq.npz, columns: {{Sync: v}}, units: {{Sync: V}}, rate: 1000 Hz}}
  probe: {{format: signal_numpy, path: probe.npz, columns: {{TTL: v}}, units: {{TTL: V}}, rate: 2000 Hz, clock: {clock}}}
"""


def volts(onsets: NDArray[np.float64], offsets: NDArray[np.float64], *, rate: float, seconds: float) -> NDArray[np.float64]:
    """A line of 5 V pulses as it is sampled."""
    line = np.zeros(int(seconds * rate))
    for on, off in zip(onsets, offsets, strict=True):
        line[max(int(np.ceil(on * rate)), 0) : max(int(np.ceil(off * rate)), 0)] = 5.0
    return line


def to_probe(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times of the DAQ's clock on that of the probe."""
    return (times - LATER) * (1 + FAST)


Edges = tuple[NDArray[np.float64], NDArray[np.float64]]


def random_pulses(n: int = 80) -> Edges:
    """Pulses of 50 ms at random intervals."""
    onsets = 15.0 + np.cumsum(np.random.default_rng(3).uniform(0.4, 1.6, n))
    return onsets, onsets + 0.05


def recorded(folder: Path, on_daq: Edges, on_probe: Edges, *, clock: str, seconds: float = 120.0, rest: float = 0.0) -> Path:
    """The folder of a session in which both recorders saw pulses, whose times are on the DAQ's clock; gives its session file."""
    daq = volts(*on_daq, rate=RATE, seconds=seconds)
    probe = volts(to_probe(on_probe[0]), to_probe(on_probe[1]), rate=OWN_RATE, seconds=seconds - LATER)
    np.savez(folder / "daq.npz", v=np.abs(rest - daq))
    np.savez(folder / "probe.npz", v=probe)
    path = folder / "session.yaml"
    path.write_text(SESSION.format(clock=clock), encoding="utf-8")
    return path


def aligned(path: Path) -> Aligned:
    """The session on one clock."""
    plan = make_plan(path)
    assert [one.text for one in plan.findings if one.severity == "error"] == []
    return align(plan)


def refused(path: Path) -> str:
    """What is said of a session that cannot be put on one clock."""
    with pytest.raises(SessionError) as error:
        aligned(path)
    (finding,) = error.value.findings
    return finding.text


def is_on_daq(session: Aligned, within: float) -> bool:
    """Whether each sample of the probe is where it was on the DAQ's clock, to so many seconds."""
    record = session.records["probe"]
    samples = np.array([0, 1000, 100_000, int(record.sweep_lengths.sum()) - 1])  # type: ignore[attr-defined]
    true = samples / OWN_RATE / (1 + FAST) + LATER
    return bool((np.abs(record.sample_times(samples) - true) <= within).all())  # type: ignore[attr-defined]


def test_random_pulses_tie_a_recorder_that_began_later_and_missed_some(tmp_path: Path) -> None:
    onsets, offsets = random_pulses()
    kept = np.delete(np.arange(80), [4, 40, 41])
    session = aligned(recorded(tmp_path, (onsets, offsets), (onsets[kept], offsets[kept]), clock="{line: daq/Sync, own: TTL}"))
    assert is_on_daq(session, 1 / RATE)
    fit = session.fits["probe"]
    assert (fit.reference, fit.n_pulses, fit.n_events) == ("daq/Sync", 80, 77)
    assert "its clock runs 76.6 ppm fast" in fit.method
    assert "77 of 77 pulses on probe/TTL and of 80 on daq/Sync are the same, by their intervals" in fit.method
    assert fit.method.endswith("between the first and the last of these, 0 are missing and 3 are spurious")
    assert 0 < fit.residual_median < fit.residual < 1 / RATE
    assert session.findings() == ()


def test_the_samples_of_a_tied_recorder_have_their_own_rate_on_the_clock_of_the_session(tmp_path: Path) -> None:
    pulses = random_pulses()
    record = aligned(recorded(tmp_path, pulses, pulses, clock="{line: daq/Sync, own: TTL}")).records["probe"]
    assert record.rate == pytest.approx(OWN_RATE * (1 + FAST), rel=1e-5)  # type: ignore[attr-defined]
    assert record.is_continuous  # type: ignore[attr-defined]


def test_regular_pulses_need_a_begin(tmp_path: Path) -> None:
    onsets = 15.0 + np.arange(80)
    pulses = onsets, onsets + 0.05
    said = refused(recorded(tmp_path, pulses, pulses, clock="{line: daq/Sync, own: TTL}"))
    assert "80 pulses on probe/TTL and 80 on daq/Sync: the trains can be laid on each other in several ways" in said
    session = aligned(recorded(tmp_path, pulses, pulses, clock="{line: daq/Sync, own: TTL, begins: 12.6 s after daq +- 0.3 s}"))
    assert is_on_daq(session, 1 / RATE)
    assert "by their intervals, from the stated begin" in session.fits["probe"].method


@pytest.mark.parametrize("generator", list(LAYOUTS))
def test_barcodes_tie_two_recorders(tmp_path: Path, generator: str) -> None:
    words = [send(0xBEEF0 + word, LAYOUTS[generator]) + 3 + 5 * word for word in range(22)]
    edges = np.concatenate(words)
    pulses = edges[::2], edges[1::2]
    session = aligned(recorded(tmp_path, pulses, pulses, clock=f"{{line: daq/Sync, own: TTL, barcode: {generator}}}"))
    assert is_on_daq(session, 1 / RATE)
    assert f"by {len([one for one in words if one[0] > LATER])} and 22 barcodes of 32 bits" in session.fits["probe"].method


def test_lines_with_other_pulses_are_refused_with_both_counts(tmp_path: Path) -> None:
    onsets = 15.0 + np.cumsum(np.random.default_rng(8).uniform(0.4, 1.6, 48))
    said = refused(recorded(tmp_path, random_pulses(), (onsets, onsets + 0.05), clock="{line: daq/Sync, own: TTL}"))
    assert "48 pulses on probe/TTL and 80 on daq/Sync: " in said
    assert "are they the same events?" in said or "too regular to tell which" in said


def test_a_line_without_pulses_is_said_to_be_flat(tmp_path: Path) -> None:
    none = np.empty(0), np.empty(0)
    said = refused(recorded(tmp_path, random_pulses(), none, clock="{line: daq/Sync, own: TTL}"))
    assert (
        "probe.npz: channel TTL: no two levels: the samples lie between 0 and 0 (flat: is anything connected to this line?)" in said
    )


def test_an_inverted_line_is_found_and_said(tmp_path: Path) -> None:
    pulses = random_pulses()
    session = aligned(recorded(tmp_path, pulses, pulses, clock="{line: daq/Sync, own: TTL}", rest=5.0))
    assert is_on_daq(session, 1 / RATE)
    (finding,) = session.findings()
    assert (finding.check, finding.severity) == ("line as read", "warning")
    assert "daq/Sync rests high, so its 80 low stretches are the pulses" in finding.message
    stated = recorded(tmp_path, pulses, pulses, clock="{line: daq/Sync, own: TTL, polarity: low}", rest=5.0)
    assert aligned(stated).findings() == ()


def test_glitches_are_left_out_and_reported_with_their_times(tmp_path: Path) -> None:
    onsets, offsets = random_pulses()
    noisy = np.sort(np.append(onsets, onsets[10] + 0.2)), np.sort(np.append(offsets, onsets[10] + 0.203))
    session = aligned(recorded(tmp_path, noisy, (onsets, offsets), clock="{line: daq/Sync, own: TTL, minimum_width: 10 ms}"))
    assert is_on_daq(session, 1 / RATE)
    (finding,) = session.findings()
    at = np.ceil((onsets[10] + 0.2) * RATE) / RATE
    assert finding.message == f"daq/Sync: left out as glitches: 1 pulse shorter than 10 ms: 3 ms at {at:.6f} s"
    assert session.fits["probe"].n_pulses == 80


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        ("{line: daq/Sync, own: TTTL}", "probe has no channel 'TTTL' (did you mean `TTL`? known: TTL)"),
        ("{line: daq/Synk, own: TTL}", "daq has no channel 'Synk'"),
        ("{line: daq/Sync, barcode: one core}", "`barcode` is of pulses that two recordings have"),
        ("{line: daq/Sync, own: TTL, minimum: 2 ms}", "there is no key `minimum` (did you mean `minimum_width`?"),
        ("{line: daq/Sync, own: TTL, begins: 2 s after dag}", "there is no `dag`"),
    ],
)
def test_what_is_wrong_with_a_tie_is_said_before_it_is_read(tmp_path: Path, clock: str, said: str) -> None:
    pulses = random_pulses(5)
    plan = make_plan(recorded(tmp_path, pulses, pulses, clock=clock))
    assert said in "\n".join(one.text for one in plan.findings)


def test_a_recording_without_a_channel_of_its_own_is_told_of_the_key(tmp_path: Path) -> None:
    pulses = random_pulses(5)
    said = refused(recorded(tmp_path, pulses, pulses, clock="daq/Sync"))
    assert "State `own: <channel>`, a channel of probe that had the same pulses" in said


def test_glitches_among_events_are_a_finding(tmp_path: Path) -> None:
    onsets, offsets = random_pulses(40)
    noisy = np.sort(np.append(onsets, onsets[10] + 0.2)), np.sort(np.append(offsets, onsets[10] + 0.203))
    path = recorded(tmp_path, noisy, (onsets, offsets), clock="{line: daq/Sync, own: TTL, minimum_width: 10 ms, extrapolate: 70 s}")
    hits = "  hits:  {format: channel, of: daq/Sync, event: hit, minimum_width: 10 ms}\n"
    path.write_text(path.read_text(encoding="utf-8") + hits, encoding="utf-8")
    session = aligned(path)
    assert len(session.records["hits"].series[0].times) == 40  # type: ignore[attr-defined]
    (finding,) = [one for one in session.findings() if one.check == "glitches"]
    assert finding.message.startswith("daq/Sync: left out as glitches: 1 pulse shorter than 10 ms: 3 ms at ")
    assert finding.location.endswith("sources.hits.minimum_width")


def test_a_recorder_whose_rate_changed_has_each_sample_at_its_own_time() -> None:
    samples = np.tile(np.array([0, 0, 1, 1], dtype=np.uint8), 250)
    probe = Recording(
        files=(Path("probe.npz"),),
        rate=10.0,
        sweep_starts=ExplicitTimes(np.array([0.0, 50.0])),
        sweep_lengths=np.array([500, 500]),
        channels=(Channel(name="TTL", kind="digital", unit="n.a.", samples=samples),),
    )
    clock = ClockMap("piecewise linear", np.array([0.0, 40.0, 100.0]), np.array([5.0, 45.004, 105.002]))
    moved = probe.mapped(clock)
    numbers = np.arange(1000)
    assert moved.sample_times(numbers) == pytest.approx(clock.apply(numbers / 10), abs=1e-12)
    assert moved.times.seconds == pytest.approx(clock.apply(numbers / 10), abs=1e-12)
    assert moved.samples_at(moved.sample_times(numbers)).tolist() == numbers.tolist()
    assert moved.span == pytest.approx((5.0, float(clock.apply(np.array([99.9]))[0])))
    assert not moved.is_continuous
    assert np.abs(moved.sweep_gaps()).max() < 1e-9  # so that no pulse is cut where the sweeps join
    pulses = recorded_pulses(moved, "TTL")
    assert len(pulses) == 250
    assert pulses.times.seconds == pytest.approx(clock.apply(np.arange(2, 1000, 4) / 10), abs=1e-12)
