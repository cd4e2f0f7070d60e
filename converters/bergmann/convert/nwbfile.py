"""The NWB file object of a session: who, when, where, and the instruments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from pynwb import NWBFile
from pynwb.file import Subject

from bergmann import __version__
from bergmann.errors import SessionError
from bergmann.plan.head import SessionHead
from bergmann.plan.head import Subject as StatedSubject
from bergmann.plan.resolve import Plan
from bergmann.registry import Placed
from bergmann.stand_ins import MIDNIGHT
from bergmann.stated import Device, Quantity


def make_nwbfile(plan: Plan, *, keywords: tuple[str, ...]) -> NWBFile:
    """Give the NWB file object of a complete plan, with its subject and nothing else yet.

    Parameters
    ----------
    plan : Plan
        Complete: with a start and without errors.
    keywords : tuple of str
        What the archive is to find the file by, beside the keywords that the person states.
    """
    head, start = plan.head, plan.start
    if start is None:
        raise SessionError(plan.findings)
    excluded = ("excluded",) if plan.loaded.excluded is not None else ()
    return NWBFile(
        session_description=head.session.description,
        identifier=str(uuid4()),
        session_start_time=start,
        session_id=head.session.id,
        experimenter=list(head.experimenter) or None,
        institution=head.institution,
        lab=head.lab,
        experiment_description=head.experiment_description,
        keywords=list(dict.fromkeys((*excluded, *head.keywords, *keywords))) or None,
        related_publications=list(head.related_publications) or None,
        protocol=head.protocol,
        notes=_notes(plan, head),
        slices=head.preparation.text if head.preparation is not None else None,
        subject=_subject(head.subject, start),
        was_generated_by=[["bergmann", __version__]],
    )


def _notes(plan: Plan, head: SessionHead) -> str | None:
    """What was stated and has no better place: that it is not to be used, the lab's notes, and what was not recorded and why."""
    absent = [f"Not recorded: {name} ({reason})." for name, reason in plan.loaded.absent.items()]
    midnight = (
        [] if plan.time_of_day_known else ["The time of day of the session is not known: its start is written as local midnight."]
    )
    excluded = [f"Not to be analysed or published ({plan.loaded.excluded})."] if plan.loaded.excluded is not None else []
    parts = [*excluded, *([head.notes] if head.notes else []), *midnight, *absent]
    return " ".join(parts) or None


def _subject(stated: StatedSubject, start: datetime) -> Subject:
    """The subject as stated; what is `unknown` or not stated is left out, but for the sex, which NWB knows as U.

    NWB wants the weight in kilograms and the birth as a date with a time: local midnight is written.
    """
    born = stated.born if isinstance(stated.born, date) else None
    return Subject(
        subject_id=stated.id,
        species=stated.species,
        sex=stated.sex,
        genotype=stated.genotype,
        strain=stated.strain,
        description=stated.description,
        weight=f"{stated.weight.to('kg'):.6g} kg" if isinstance(stated.weight, Quantity) else None,
        date_of_birth=datetime.combine(born, MIDNIGHT, tzinfo=start.tzinfo) if born else None,
        age=_age(stated, start),
    )


def _age(stated: StatedSubject, start: datetime) -> str | None:
    """The age at the session as an ISO 8601 duration: stated, else days since birth."""
    if stated.age is not None:
        return None if stated.age == "unknown" else stated.age
    if isinstance(stated.born, date):
        return f"P{(start.date() - stated.born).days}D"
    return None


def add_devices(nwbfile: NWBFile, devices: Mapping[str, Any], placed: Placed) -> None:
    """Write the instruments that no room has written already (lasers and fibres of light sites are written there)."""
    for name, stated in devices.items():
        if ("devices", name) in placed.objects:
            continue
        placed.put("devices", name, _add_device(nwbfile, name, stated))


def _add_device(nwbfile: NWBFile, name: str, stated: Device) -> object:
    """A `Device`, with a `DeviceModel` where maker and model are known (the model needs a maker)."""
    model = None
    maker = stated.manufacturer if stated.manufacturer != "unknown" else None
    if maker is not None and stated.model is not None:
        known = nwbfile.device_models
        model = known[stated.model] if stated.model in known else nwbfile.create_device_model(name=stated.model, manufacturer=maker)
    return nwbfile.create_device(
        name=name, description=describe_device(stated, has_model=model is not None), serial_number=stated.serial_number, model=model
    )


def describe_device(stated: Device, *, has_model: bool) -> str | None:
    """What is stated of a device and has no field of its own, as text."""
    facts = {
        "model": None if has_model else stated.model,
        "manufacturer": None if has_model else stated.manufacturer,
        "objective": stated.objective,
        "wavelength": stated.wavelength,
        "core diameter": stated.core,
        "numerical aperture": stated.NA,
    }
    known = [f"{name}: {value}" for name, value in facts.items() if value is not None]
    return "; ".join([*([stated.description] if stated.description else []), *known]) or None
