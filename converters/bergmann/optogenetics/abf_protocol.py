"""Light pulses that the protocol of an Axon ABF recording commanded, from its epoch table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np

from bergmann.errors import SourceError
from bergmann.records import CommandPulses, LightPulses, Recording
from bergmann.registry import Format, Inputs, Source
from bergmann.stated import Ref


class AbfProtocol(Source):
    """Pulses that a protocol commanded; nothing recorded that they were given.

    Attributes
    ----------
    of : Ref[Recording]
        The recording; with a part (``patch/digital 4``) the output.
    output, epoch : str, optional
        Which of the commanded pulses are light, if there are several.
    """

    format: Literal["abf_protocol"] = "abf_protocol"
    of: Ref[Recording]
    output: str | None = None
    epoch: str | None = None


def find(folder: Path) -> Iterable[AbfProtocol]:  # noqa: ARG001
    """Nothing: which output drove light, only a person can say."""
    return ()


def read(source: AbfProtocol, inputs: Inputs) -> LightPulses:
    """Read the commanded pulses, on the recording's clock.

    Raises
    ------
    SourceError
        If the protocol commanded no pulses, none of the named output or epoch, or several and none is chosen.
    """
    recording = inputs["of"]
    if not isinstance(recording, Recording):
        raise SourceError(f"`of: {source.of}` is no recording with a protocol")
    chosen = _choose(source, recording)
    is_digital = chosen.unit == "n.a."
    return LightPulses(
        files=recording.files,
        start=recording.start,
        times=chosen.times,
        durations=chosen.durations,
        command=None if is_digital else chosen.levels,
        command_unit="" if is_digital else chosen.unit,
        basis=f"commanded by the protocol, not recorded: epoch {chosen.epoch} of output {chosen.output} of {source.of.name}",
        resolution=1 / recording.rate,
    )


def _choose(source: AbfProtocol, recording: Recording) -> CommandPulses:
    file = recording.files[0].name
    if not recording.commands:
        raise SourceError(
            f"{file}: its protocol commands no pulses; were the light pulses recorded on a channel? Then use `format: channel`"
        )
    if source.output is not None and source.of.part is not None:
        raise SourceError(f"`of: {source.of}` and `output: {source.output}` both name an output; leave out one of them")
    output = source.of.part or source.output
    fitting = [
        command for command in recording.commands if output in (None, command.output) and source.epoch in (None, command.epoch)
    ]
    known = "; ".join(_describe(command) for command in recording.commands)
    if not fitting:
        raise SourceError(
            f"{file}: no pulses of output {output or 'any'}, epoch {source.epoch or 'any'}; its protocol commands: {known}"
        )
    if len(fitting) > 1:
        several = "; ".join(_describe(command) for command in fitting)
        raise SourceError(
            f"{file}: its protocol commands several pulse trains; choose with `output:` and `epoch:` among: {several}"
        )
    return fitting[0]


def _describe(command: CommandPulses) -> str:
    width = float(np.median(command.durations)) * 1000 if len(command.durations) else float("nan")
    return f"output {command.output!r}, epoch {command.epoch!r} ({len(command.times)} pulses of {width:g} ms)"


FORMAT = Format(source=AbfProtocol, record=LightPulses, label="light commanded by an ABF protocol", find=find, read=read)
