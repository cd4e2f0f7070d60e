"""What the settings of a PrairieView recording say: size of a pixel, objective, lasers, detectors."""

from __future__ import annotations

from bergmann.imaging._prairie_xml import Scan


def metres_along(scan: Scan, axis: str) -> float | None:
    """The size of a pixel along ``XAxis`` or ``YAxis``, or the distance of planes (``ZAxis``), in metres.

    Returns
    -------
    float or None
        None if it is not said, or changes in the recording.
    """
    said = scan.setting("micronsPerPixel", axis)
    if len(said) != 1:
        return None
    try:
        size = float(said[0]) * 1e-6
    except ValueError:
        return None
    return size if 0 < size < 1 else None


def pixel_size_of(scan: Scan) -> tuple[float, float] | None:
    """(height, width) of a pixel, in metres; None if the XML does not say it, or it changes."""
    height, width = metres_along(scan, "YAxis"), metres_along(scan, "XAxis")
    return None if height is None or width is None else (height, width)


def notes_of(scan: Scan) -> dict[str, str]:
    """What else the settings state; not the free notes, nor the name of the system, which may name a person or a place.

    Values that change in the recording (the laser's power with the depth, say) are all given.
    """
    lens, aperture = " / ".join(scan.setting("objectiveLens")), " / ".join(scan.setting("objectiveLensNA"))
    notes = {
        "software": f"Prairie View {scan.version}".strip(),
        "scan mode": _listed(scan, "activeMode"),
        "objective": ", ".join(filter(None, [lens, f"NA {aperture}" if aperture else ""])),
        "optical zoom": _listed(scan, "opticalZoom"),
        "laser wavelength": _listed(scan, "laserWavelength"),
        "laser power as set": _listed(scan, "laserPower"),
        "PMT gain": _listed(scan, "pmtGain"),
        "dwell time (us)": _listed(scan, "dwellTime"),
        "bit depth": _listed(scan, "bitDepth"),
    }
    if scan.setting("rastersPerFrame") not in ([], ["1"]):
        notes["rasters averaged into a frame"] = _listed(scan, "rastersPerFrame")
    if scan.bad_frames:
        notes["frames that PrairieView marks as not good"] = str(scan.bad_frames)
    if any(len(scan.setting("micronsPerPixel", axis)) > 1 for axis in ("XAxis", "YAxis")):
        notes["pixel size"] = "changes in the recording"
    return {key: text for key, text in notes.items() if text}


def _listed(scan: Scan, key: str) -> str:
    settings = scan.settings.get(key, {})
    return ", ".join(f"{of}: {' / '.join(values)}" if of else " / ".join(values) for of, values in settings.items())
