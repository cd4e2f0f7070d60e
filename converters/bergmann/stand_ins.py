"""What is written where NWB requires a value and there is no true one: chosen field by field, here and nowhere else.

A stand-in is never a plausible value: a reader must not be able to take it for a measurement. Writers take these constants, and
`tests/convert/test_stand_ins.py` finds one that does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from math import nan

NOT_KNOWN = nan
"""A number that nobody knows."""
NO_TEXT = ""
"""A cell of a required column of texts, of which nobody stated anything."""
UNKNOWN = "unknown"
"""A text that nobody knows."""
NO_UNIT = "n.a."
"""The unit of values that have none."""
ARBITRARY_UNIT = "a.u."
"""The unit of fluorescence, whose scale is of the detector and the program."""
NOT_STATED = "not stated"
"""A required text of which nobody stated anything."""
NO_COMMENTS = "no comments"
"""The comments of a series about which there is nothing to say; pynwb's own."""
MIDNIGHT = time()
"""A time of day that nobody knows, local."""
UNKNOWN_SEX = "U"
"""The sex of an animal that nobody knows; NWB's own."""


@dataclass(frozen=True)
class StandIn:
    """One field that must be written, and what stands there when there is no true value.

    Attributes
    ----------
    field : str
        Neurodata type and field.
    value : str
        What is written, as shown.
    when : str
        When it is written.
    why : str
        Why this, and how a reader sees that it is none.
    """

    field: str
    value: str
    when: str
    why: str


STAND_INS = (
    StandIn(
        "ImagingPlane.excitation_lambda",
        "NaN",
        "the lab states `unknown`",
        "a number is required; NaN cannot be taken for a wavelength, and the description says that it is unknown",
    ),
    StandIn("OpticalChannel.emission_lambda", "NaN", "the lab states `unknown`", "as excitation_lambda"),
    StandIn("OptogeneticStimulusSite.excitation_lambda", "NaN", "the lab states `unknown`", "as excitation_lambda"),
    StandIn(
        "ImagingPlane.indicator",
        "unknown",
        "a channel is stated as `label: unknown`",
        "a text is required, and `unknown` is what NWB's tools look for",
    ),
    StandIn(
        "OptogeneticPulsesTable.power_in_mW",
        "NaN",
        "`power: unknown`",
        "zero would say that there was no light; such pulses are in no epoch, since its power must be a number",
    ),
    StandIn("OptogeneticSeries.data", "NaN", "`power: unknown`", "as power_in_mW; it is zero between the pulses"),
    StandIn("OptogeneticPulsesTable.wavelength_in_nm", "NaN", "the lab states `unknown`", "as excitation_lambda"),
    StandIn(
        "OptogeneticEpochsTable.intertrain_interval_in_ms",
        "NaN",
        "there is one train, and so no interval between trains",
        "zero would say that trains follow at once",
    ),
    StandIn(
        "OptogeneticExperimentMetadata.stimulation_software",
        "not stated",
        "no site states `software`",
        "a text is required, and the name of a program would be invented",
    ),
    StandIn(
        "NWBFile.session_start_time",
        "local midnight of the day",
        "only the date is stated",
        "a time is required; the notes of the file say that the time of day is not known",
    ),
    StandIn(
        "Subject.date_of_birth", "local midnight of the day", "always: a date is stated, and a time required", "the age is in days"
    ),
    StandIn("Subject.sex", "U", "the lab states `unknown`", "NWB's own word for it"),
    StandIn("TwoPhotonSeries.data unit", "n.a.", "always: counts of a detector have no unit", "a text is required"),
    StandIn("ImageSeries.data unit", "n.a.", "always: the pixels are in the external file", "a text is required"),
    StandIn("TimeSeries.data unit of a digital line", "n.a.", "always: 0 or 1", "a text is required"),
    StandIn("TimeSeries.data unit of a recorded channel", "unknown", "the source states no unit", "volts would be a guess"),
    StandIn("RoiResponseSeries.data unit", "a.u.", "always, but n.a. for a ratio (dff)", "fluorescence has no physical scale"),
    StandIn("TimeSeries.data unit of a statistic of a pose", "unknown", "its name does not tell", "pixels would be a guess"),
    StandIn("TimeSeries.comments", "no comments", "there is nothing to say", "pynwb's own word"),
    StandIn(
        "DrugAdministrationsTable.timestamp",
        "NaN",
        "the lab states that the time is unknown",
        "zero would be the start of the session; timestamp_basis says `unknown`",
    ),
    StandIn(
        "DrugAdministrationsTable.dose, volume_in_uL",
        "NaN",
        "not stated, or `unknown` (the annotation then says so)",
        "a column of numbers has one a row; without any the column is left out",
    ),
    StandIn("ProceduresTable.date", "unknown", "the lab states `unknown`", "days_before_session is NaN then"),
    StandIn("ReceptorExpressionTable.value", "NaN", "the lab states `unknown`", "the details say so"),
    StandIn(
        "texts of a column", "(empty)", "nobody stated it for this row", "nothing is claimed; without any the column is left out"
    ),
)
"""Each field that can hold a stand-in."""


def stand_ins_table() -> str:
    """The list as a table in Markdown."""
    rows = [f"| `{one.field}` | {one.value} | {one.when} | {one.why} |" for one in STAND_INS]
    return "\n".join(["| field | written | when | why |", "|---|---|---|---|", *rows])
