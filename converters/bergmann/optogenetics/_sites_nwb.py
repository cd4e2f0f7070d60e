"""Light sites to NWB: core sites, which archives index, and the ndx-optogenetics sites table, with lasers and fibres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hdmf.common import VectorData
from ndx_ophys_devices import Effector, FiberInsertion
from ndx_optogenetics import (
    ExcitationSource,
    OpticalFiber,
    OpticalFiberModel,
    OptogeneticEffectors,
    OptogeneticExperimentMetadata,
    OptogeneticSitesTable,
)
from pynwb import NWBFile
from pynwb.device import Device as NwbDevice
from pynwb.device import DeviceModel
from pynwb.ogen import OptogeneticStimulusSite

from bergmann.errors import SourceError
from bergmann.optogenetics.stated import Coordinates, LightSite, wavelength_of
from bergmann.registry import Placed
from bergmann.stand_ins import NOT_KNOWN, NOT_STATED
from bergmann.stated import Device, Quantity


def add_light_sites(nwbfile: NWBFile, sites: Mapping[str, LightSite], placed: Placed) -> None:
    """Write the places where light was given, with their lasers and fibres.

    Each is a core `OptogeneticStimulusSite` and a row of the `OptogeneticSitesTable`.

    Raises
    ------
    SourceError
        If neither a site nor its laser states a wavelength (or ``unknown``).
    """
    _refuse_two_places(sites)
    effectors: dict[str, Any] = {}
    rows = []
    for name, site in sites.items():
        laser = _place_laser(nwbfile, site, placed)
        fibre = _place_fibre(nwbfile, site, placed)
        effector = _effector(site, effectors, placed)
        nwbfile.add_ogen_site(_core_site(name, site, laser, placed))
        rows.append((name, site, laser, fibre, effector))
    table = _sites_table(rows)
    nwbfile.add_lab_meta_data(
        OptogeneticExperimentMetadata(
            stimulation_software=_software(sites),
            optogenetic_sites_table=table,
            optogenetic_effectors=OptogeneticEffectors(effectors=list(effectors.values())),
        )
    )
    for index, (name, *_) in enumerate(rows):
        placed.put("light_sites", name, (nwbfile.ogen_sites[name], table, index))


def _refuse_two_places(sites: Mapping[str, LightSite]) -> None:
    """Refuse a fibre that two sites place differently."""
    first: dict[str, str] = {}
    for name, site in sites.items():
        if site.fibre is None:
            continue
        other = first.setdefault(site.fibre, name)
        if sites[other].coordinates != site.coordinates:
            raise SourceError(
                f"light_sites.{name}: the fibre {site.fibre} has other coordinates in light_sites.{other}; give each fibre "
                "that was implanted a name of its own in `devices`"
            )


def _core_site(name: str, site: LightSite, laser: NwbDevice, placed: Placed) -> OptogeneticStimulusSite:
    wavelength = wavelength_of(site, placed.stated("devices", site.laser))
    if wavelength is None:
        raise SourceError(
            f"light_sites.{name}: no wavelength; state `wavelength: 473 nm` (or `unknown`) for it or for the laser {site.laser}"
        )
    return OptogeneticStimulusSite(
        name=name,
        device=laser,
        description=_describe_site(site, placed),
        # required by NWB; NaN is what a person stated as unknown, and the description says so
        excitation_lambda=wavelength.to("nm") if isinstance(wavelength, Quantity) else NOT_KNOWN,
        location=site.location,
    )


def _describe_site(site: LightSite, placed: Placed) -> str:
    """What is known of a site and has no field in the core type."""
    target = " of ".join(part for part in (site.compartment, site.population) if part)
    facts = [
        site.description,
        f"target: {target}" if target else None,
        f"effector: {site.effector}",
        f"vector: {site.vector}" if site.vector else None,
        f"laser: {site.laser}",
        _fibre_text(site, placed),
        "wavelength: unknown" if wavelength_of(site, placed.stated("devices", site.laser)) == "unknown" else None,
    ]
    return "; ".join(fact for fact in facts if fact)


def _fibre_text(site: LightSite, placed: Placed) -> str | None:
    if site.fibre is None:
        return None
    facts = _describe_device(placed.stated("devices", site.fibre), without=())
    return f"fibre: {site.fibre}{f' ({facts})' if facts else ''}, {_place_text(site.coordinates)}"


def _place_text(place: Coordinates | None) -> str:
    if place is None:
        return "stereotactic coordinates not stated"
    what = "inserted" if place.depth is not None else "tip"
    numbers = {
        "AP": place.ap,
        "ML": place.ml,
        "DV": place.dv,
        "depth": place.depth,
        "yaw": place.yaw,
        "pitch": place.pitch,
        "roll": place.roll,
        "side": place.side,
    }
    listing = ", ".join(f"{name} {number}" for name, number in numbers.items() if number is not None)
    return f"{what} at {listing} from {place.reference}"


def _sites_table(rows: Sequence[tuple[str, LightSite, NwbDevice, NwbDevice | None, Any]]) -> OptogeneticSitesTable:
    """One row a site. References cannot be empty: a column is there if every row has a value for it."""
    columns: dict[str, tuple[str, list[Any]]] = {
        "effector": ("The effector protein.", [row[4] for row in rows]),
        "site": ("Name of the OptogeneticStimulusSite in /general/optogenetics.", [row[0] for row in rows]),
        "location": ("Where the light was given.", [row[1].location for row in rows]),
        "description": ("What else is known of the site.", [row[1].description or "" for row in rows]),
    }
    if all(isinstance(row[2], ExcitationSource) for row in rows):
        columns["excitation_source"] = ("The source of the light.", [row[2] for row in rows])
    if all(isinstance(row[3], OpticalFiber) for row in rows):
        columns["optical_fiber"] = ("The fibre that the light was given through.", [row[3] for row in rows])
    if not any(columns["description"][1]):
        del columns["description"]
    return OptogeneticSitesTable(
        description="Sites of light stimulation, one row a site.",
        columns=[VectorData(name=name, description=text, data=values) for name, (text, values) in columns.items()],
        colnames=list(columns),
    )


def _software(sites: Mapping[str, LightSite]) -> str:
    """Name of the stimulation software; the field is required, so a file says that nobody stated it."""
    return ", ".join(dict.fromkeys(site.software for site in sites.values() if site.software)) or NOT_STATED


def _effector(site: LightSite, made: dict[str, Any], placed: Placed) -> Any:
    """The effector of a site, one object for each effector and vector."""
    key = f"{site.effector} ({site.vector})" if site.vector else site.effector
    if key not in made:
        injections = placed.objects.get(("injections", site.vector)) if site.vector else None
        several = injections if isinstance(injections, list | tuple) else [injections]
        made[key] = Effector(
            name=key.replace("/", "-").replace(":", "-"),
            label=site.effector,
            description=f"Expressed by the vector {site.vector}." if site.vector else None,
            # one link is possible: with several injections it would be a choice among them
            viral_vector_injection=several[0] if injections and len(several) == 1 else None,
        )
    return made[key]


# --- devices ----------------------------------------------------------------------------------------------------------


def _place_laser(nwbfile: NWBFile, site: LightSite, placed: Placed) -> NwbDevice:
    """The laser of a site: an `ExcitationSource`, made once.

    Its model is a core `DeviceModel`: an `ExcitationSourceModel` needs the type of source and the mode of excitation, which nobody
    states.
    """
    if ("devices", site.laser) not in placed.objects:
        stated: Device = placed.stated("devices", site.laser)
        model = _core_model(nwbfile, stated)
        device = ExcitationSource(
            name=site.laser,
            description=_describe_device(stated, without=("model", "manufacturer") if model else ()) or None,
            serial_number=stated.serial_number,
            model=model,
        )
        nwbfile.add_device(device)
        placed.put("devices", site.laser, device)
    laser: NwbDevice = placed.get("devices", site.laser)
    return laser


def _place_fibre(nwbfile: NWBFile, site: LightSite, placed: Placed) -> NwbDevice | None:
    """The fibre of a site: an `OpticalFiber` if it is stated where it entered, which that type needs; else a core `Device`."""
    if site.fibre is None:
        return None
    if ("devices", site.fibre) not in placed.objects:
        stated: Device = placed.stated("devices", site.fibre)
        place = site.coordinates
        if place is not None and place.depth is not None:
            device = _optical_fibre(nwbfile, site.fibre, stated, place)
        else:
            device = _core_device(nwbfile, site.fibre, stated)
        nwbfile.add_device(device)
        placed.put("devices", site.fibre, device)
    fibre: NwbDevice = placed.get("devices", site.fibre)
    return fibre


def _core_device(nwbfile: NWBFile, name: str, stated: Device) -> NwbDevice:
    model = _core_model(nwbfile, stated)
    text = _describe_device(stated, without=("model", "manufacturer") if model else ())
    return NwbDevice(name=name, description=text or None, serial_number=stated.serial_number, model=model)


def _optical_fibre(nwbfile: NWBFile, name: str, stated: Device, place: Coordinates) -> NwbDevice:
    model = _fibre_model(nwbfile, stated) or _core_model(nwbfile, stated)
    insertion = FiberInsertion(
        name="fiber_insertion",
        insertion_position_ap_in_mm=place.ap.to("mm"),
        insertion_position_ml_in_mm=place.ml_in_mm,
        insertion_position_dv_in_mm=_in(place.dv, "mm"),
        depth_in_mm=_in(place.depth, "mm"),
        position_reference=place.reference,
        hemisphere=place.side,
        insertion_angle_yaw_in_deg=_in(place.yaw, "degree"),
        insertion_angle_pitch_in_deg=_in(place.pitch, "degree"),
        insertion_angle_roll_in_deg=_in(place.roll, "degree"),
    )
    text = _describe_device(stated, without=("model", "manufacturer") if model else ())
    return OpticalFiber(
        name=name, description=text or None, serial_number=stated.serial_number, model=model, fiber_insertion=insertion
    )


def _in(quantity: Quantity | None, unit: str) -> float | None:
    return None if quantity is None else quantity.to(unit)


def _fibre_model(nwbfile: NWBFile, stated: Device) -> DeviceModel | None:
    """The model of a fibre if all that `OpticalFiberModel` needs is stated: model, manufacturer and numerical aperture."""
    if stated.model is None or stated.manufacturer in (None, "unknown") or not isinstance(stated.NA, float):
        return None
    made = OpticalFiberModel(
        name=stated.model,
        manufacturer=stated.manufacturer,
        numerical_aperture=stated.NA,
        core_diameter_in_um=_in(stated.core, "um") if isinstance(stated.core, Quantity) else None,
    )
    return _known_model(nwbfile, made)


def _core_model(nwbfile: NWBFile, stated: Device) -> DeviceModel | None:
    """The model of a device if model and manufacturer are stated."""
    if stated.model is None or stated.manufacturer in (None, "unknown"):
        return None
    return _known_model(nwbfile, DeviceModel(name=stated.model, manufacturer=stated.manufacturer))


def _known_model(nwbfile: NWBFile, made: DeviceModel) -> DeviceModel | None:
    """The model in the file; None if another manufacturer's of that name is there, so that text must say it."""
    known = nwbfile.device_models.get(made.name)
    if known is None:
        nwbfile.add_device_model(made)
        return made
    return known if known.manufacturer == made.manufacturer else None


def _describe_device(stated: Device, *, without: Sequence[str]) -> str:
    """What is stated of a device and has no field of its own, as text."""
    facts = {
        "model": stated.model,
        "manufacturer": stated.manufacturer,
        "wavelength": stated.wavelength,
        "core diameter": stated.core,
        "numerical aperture": stated.NA,
        "objective": stated.objective,
    }
    known = [f"{name}: {value}" for name, value in facts.items() if value is not None and name not in without]
    return "; ".join([*([stated.description] if stated.description else []), *known])
