import numpy as np
import pytest
from pydantic import ValidationError

from bergmann.behavior import nwb
from bergmann.behavior.channel_events import FORMAT, ChannelEventsSource, read
from bergmann.behavior.stated import EventsStated
from bergmann.errors import SourceError
from bergmann.records import Channel, Events, EventSeries, Recording
from bergmann.stated import Quantity
from bergmann.timing.times import ExplicitTimes

RATE = 1000.0
ONSETS = np.array([100, 400, 900, 1500])
WIDTHS = np.array([5, 5, 20, 1])


def recording(tmp_path):
    """Two seconds of a TTL line, of an analog line with the same pulses at 4 V, and of a line that stays at zero."""
    line = np.zeros(2000, dtype=np.int16)
    for onset, width in zip(ONSETS, WIDTHS, strict=True):
        line[onset : onset + width] = 1
    return Recording(
        files=(tmp_path / "daq.h5",),
        rate=RATE,
        sweep_starts=ExplicitTimes(np.array([0.0])),
        sweep_lengths=np.array([2000]),
        channels=(
            Channel(name="ShockTTL", kind="digital", unit="n.a.", samples=line),
            Channel(name="Puff", kind="analog", unit="V", samples=line * 4000, conversion=0.001),
            Channel(name="Silent", kind="digital", unit="n.a.", samples=np.zeros(2000, dtype=np.int16)),
        ),
    )


def test_each_pulse_of_a_digital_line_is_one_event(tmp_path):
    events = read(ChannelEventsSource(of="daq/ShockTTL", event="noxious shock"), {"of": recording(tmp_path)})
    (series,) = events.series
    assert series.name == "noxious shock"
    np.testing.assert_allclose(series.times.seconds, ONSETS / RATE)
    np.testing.assert_allclose(series.durations, WIDTHS / RATE)
    assert series.columns == {}
    assert events.basis == "pulses recorded on daq/ShockTTL, digital line"


@pytest.mark.parametrize("threshold", [None, "2 V", "2000 mV"])
def test_an_analog_line_keeps_the_level_of_each_pulse(tmp_path, threshold):
    source = ChannelEventsSource(of="daq/Puff", event="puff", threshold=threshold)
    (series,) = read(source, {"of": recording(tmp_path)}).series
    np.testing.assert_allclose(series.times.seconds, ONSETS / RATE)
    np.testing.assert_allclose(series.columns["level"], 4.0)
    assert "in V" in series.column_descriptions["level"]


def test_a_glitch_is_left_out_as_stated_and_noted_with_its_time(tmp_path):
    source = ChannelEventsSource(of="daq/ShockTTL", event="noxious shock", minimum_width="2 ms")
    events = read(source, {"of": recording(tmp_path)})
    np.testing.assert_allclose(events.series[0].times.seconds, ONSETS[:3] / RATE)
    assert events.basis == "pulses recorded on daq/ShockTTL, digital line; 1 pulses shorter than 2 ms left out, as stated"
    assert events.notes == {"glitches": "daq/ShockTTL: left out as glitches: 1 pulse shorter than 2 ms: 1 ms at 1.500000 s"}
    with pytest.raises(SourceError, match="none of 4 pulses on ShockTTL is left"):
        read(source.model_copy(update={"minimum_width": Quantity.parse("1 s")}), {"of": recording(tmp_path)})


def test_weaker_pulses_are_not_lost_without_a_word(tmp_path):
    made = recording(tmp_path)
    puffs = made.channel("Puff").samples
    puffs[1700:1720] = 1000
    with pytest.raises(SourceError, match=r"channel Puff: 1 stretches beside 4 pulses .*State `threshold:`"):
        read(ChannelEventsSource(of="daq/Puff", event="puff"), {"of": made})
    (series,) = read(ChannelEventsSource(of="daq/Puff", event="puff", threshold="500 mV"), {"of": made}).series
    assert len(series.times) == 5


def test_the_recording_has_already_the_session_clock(tmp_path):
    events = read(ChannelEventsSource(of="daq/ShockTTL", event="shock"), {"of": recording(tmp_path).aligned(12.5)})
    np.testing.assert_allclose(events.series[0].times.seconds, 12.5 + ONSETS / RATE)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"of": "daq"}, r"daq: which channel holds 'shock'\? Write one of: ShockTTL, Puff, Silent"),
        ({"of": "daq/Shock"}, r"no channel 'Shock'; it has: ShockTTL, Puff, Silent"),
        ({"of": "daq/Silent"}, r"no pulse on Silent"),
        ({"of": "daq/Puff", "threshold": "2 mA"}, r"`threshold: 2 mA` is not a level in V"),
        ({"of": "daq/Puff", "threshold": "9 V"}, r"no pulse on Puff \(threshold 9 V"),
    ],
)
def test_what_cannot_be_found_is_said(tmp_path, keys, message):
    with pytest.raises(SourceError, match=message):
        read(ChannelEventsSource(event="shock", **keys), {"of": recording(tmp_path)})


def test_the_format_is_chosen_by_its_event():
    assert (FORMAT.key, FORMAT.chosen_by, FORMAT.reads_values) == ("channel", "event", True)


def test_the_table_holds_every_event_and_what_is_stated(tmp_path, nwbfile, entry, placed, written):
    events = read(ChannelEventsSource(of="daq/Puff", event="puff"), {"of": recording(tmp_path)})
    stated = EventsStated(amplitude="1 mA", location="left hind paw")
    nwb.ADD[Events](nwbfile, entry("puffs", events, stated, of="daq/Puff"), there := placed())
    assert there.get("sources", "puffs") is nwbfile.events["puffs"]
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        table = reader.read().events["puffs"]
        assert list(table.colnames) == ["timestamp", "duration", "level", "amplitude", "location"]
        np.testing.assert_allclose(table["timestamp"][:], ONSETS / RATE)
        np.testing.assert_allclose(table["duration"][:], WIDTHS / RATE)
        np.testing.assert_allclose(table["level"][:], 4.0)
        np.testing.assert_allclose(table["amplitude"][:], 1.0)
        assert list(table["location"][:]) == ["left hind paw"] * 4
        assert table["amplitude"].description == "Amplitude of the stimulus, in mA; stated, not measured."
        assert table.source_description == events.basis
        assert table.description == "puff; amplitude 1 mA; location: left hind paw"


def test_what_was_set_stands_beside_what_was_measured(tmp_path, nwbfile, entry, placed, written):
    """A tone: several parameters with their units, its duration as set, and the widths that the line shows."""
    events = read(ChannelEventsSource(of="daq/Puff", event="tone"), {"of": recording(tmp_path)})
    stated = EventsStated.model_validate(
        {
            "amplitude": "75 dB",
            "duration": "100 ms",
            "parameters": {"frequency": "8 kHz", "rise_time": "5 ms", "pressure": "20 psi"},
        }
    )
    nwb.ADD[Events](nwbfile, entry("tones", events, stated, of="daq/Puff"), placed())
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        table = reader.read().events["tones"]
        expected = ["timestamp", "duration", "level", "amplitude", "stated_duration", "frequency", "rise_time", "pressure"]
        assert list(table.colnames) == expected
        np.testing.assert_allclose(table["duration"][:], WIDTHS / RATE)
        assert [table[name][0] for name in expected[3:]] == [75, 100, 8, 5, 20]
        assert table["frequency"].description == "Frequency of the stimulus, in kHz; stated, not measured."
        assert table["rise_time"].description == "Rise time of the stimulus, in ms; stated, not measured."
        assert table["stated_duration"].description == "Duration of the stimulus, in ms; stated, not measured."
        shortest, longest = 1000 * WIDTHS.min() / RATE, 1000 * WIDTHS.max() / RATE
        assert f"duration 100 ms as set, {shortest:.4g} to {longest:.4g} ms as measured" in table.description
        assert table.description.endswith("frequency 8 kHz; rise time 5 ms; pressure 20 psi")


@pytest.mark.parametrize(
    "parameters", [{"duration": "5 ms"}, {"level": "5 V"}, {"a b": "5 V"}, {"frequency": "8"}, {"frequency": "8 foo"}]
)
def test_parameters_have_units_and_names_of_their_own(parameters):
    with pytest.raises(ValidationError):
        EventsStated.model_validate({"parameters": parameters})


def made_events(tmp_path, *series):
    return Events(files=(tmp_path / "a.boris",), series=series, basis="scored")


def test_point_events_have_no_duration_and_own_columns_never_replace_the_tables(tmp_path, nwbfile, entry, placed, written):
    lick = EventSeries(
        name="lick", times=ExplicitTimes(np.array([1.0, 2.0])), columns={"subject": ["a", ""], "duration": ["x", "y"]}
    )
    groom = EventSeries(name="groom/left", times=ExplicitTimes(np.array([3.0])), durations=np.array([0.5]))
    nwb.ADD[Events](nwbfile, entry("scored", made_events(tmp_path, lick, groom), EventsStated()), placed())
    with written(nwbfile, tmp_path / "out.nwb") as reader:
        events = reader.read().events
        assert sorted(events) == ["scored_groom_left", "scored_lick"]
        assert list(events["scored_lick"].colnames) == ["timestamp", "subject", "source_duration"]
        assert list(events["scored_lick"]["source_duration"][:]) == ["x", "y"]
        assert list(events["scored_groom_left"]["duration"][:]) == [0.5]


def test_two_kinds_of_one_name_are_refused(tmp_path, nwbfile, entry, placed):
    kinds = [EventSeries(name=name, times=ExplicitTimes(np.array([1.0]))) for name in ("a/b", "a_b")]
    with pytest.raises(SourceError, match="two kinds of event would both be named 'scored_a_b'"):
        nwb.ADD[Events](nwbfile, entry("scored", made_events(tmp_path, *kinds), EventsStated()), placed())


def test_an_event_that_a_sweep_cuts_is_refused_unless_it_is_said_what_to_do(tmp_path):
    made = recording(tmp_path)
    made.channel("ShockTTL").samples[:7] = 1  # on when the recording began: neither its onset nor its length is known
    with pytest.raises(SourceError, match=r"daq\.h5: pulse 1 of channel ShockTTL .*State `cut: leave out` or `cut: keep`"):
        read(ChannelEventsSource(of="daq/ShockTTL", event="shock"), {"of": made})
    left = read(ChannelEventsSource(of="daq/ShockTTL", event="shock", cut="leave out"), {"of": made})
    np.testing.assert_allclose(left.series[0].times.seconds, ONSETS / RATE)
    assert left.basis.endswith("the 1 cut pulses are left out, as stated")
    kept = read(ChannelEventsSource(of="daq/ShockTTL", event="shock", cut="keep"), {"of": made})
    assert len(kept.series[0].times) == 5
