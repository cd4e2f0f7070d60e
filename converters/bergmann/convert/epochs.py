"""The runs of a session as epochs of its file."""

from __future__ import annotations

from pynwb import NWBFile
from pynwb.epoch import TimeIntervals

from bergmann.convert.align import Aligned
from bergmann.convert.anchors import SessionAnchors

DESCRIPTION = (
    "The runs of the session, each tagged with its name: from the first to the last time of all that was recorded in it. What "
    "belongs to a run is named after it. Between two runs nothing was recorded: that is a gap in time."
)


def add_epochs(nwbfile: NWBFile, aligned: Aligned) -> None:
    """Write each run of a session as an epoch, in the order of time; nothing where the session names none.

    Raises
    ------
    SourceError
        If nothing that was recorded in a run has times.
    """
    runs = aligned.plan.loaded.runs.sources
    if not runs:
        return
    anchors = SessionAnchors(aligned.plan, aligned.records)
    table = TimeIntervals(name="epochs", description=DESCRIPTION)
    table.add_column(name="sources", description="Names of the sources of the run; names of objects begin with them.")
    spans = {run: anchors.run_span(run) for run in runs}
    for run, (start, stop) in sorted(spans.items(), key=lambda one: one[1]):
        table.add_interval(start_time=start, stop_time=stop, tags=[run], sources=", ".join(runs[run].values()))
    nwbfile.epochs = table
