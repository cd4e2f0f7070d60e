"""Good sessions that the demo has not: a slice with bath drugs and states of receptors, and ROIs without their movie."""

from __future__ import annotations

from pathlib import Path

from labs import HEAD, make_lab

from bergmann.convert import convert_session

_OF_SLICE = """\
format_version: 1
time_zone: Asia/Seoul
session: {id: slice, start: 2024-05-04 10:30:57, description: "Simulated slice, to be damaged."}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
populations:
  bg: {cell_type: Bergmann glial cell, location: "CUL4, 5"}
vectors:
  dreadd: {construct: AAV5-gfaABC1D-hM3Dq-mCherry, titre: 8e12 vg/mL, manufacturer: unknown}
receptors:
  adra1a: {receptor: Adra1a, population: bg, status: endogenous}
  hm3dq: {receptor: hM3Dq, population: bg, status: exogenous, by: AAV5-gfaABC1D-hM3Dq-mCherry, vector: dreadd}
procedures:
  virus: {kind: injection, date: 2024-04-01, vectors: [dreadd], location: "CUL4, 5",
          sites: [{side: left, reference: bregma, ap: -6.0 mm, ml: 0.8 mm, dv: -0.3 mm, volume: 0.3 uL}]}
sources:
  daq: {format: wavesurfer, path: daq/bg042_0001.h5, starts: start of session}
drugs:
  prazosin: {action: antagonist, dose: 10 uM, route: bath, receptors: [adra1a], from: 12 s after session, to: 30 s after session}
  cno: {compound: clozapine N-oxide, action: agonist, dose: 5 uM, route: bath, receptors: [hm3dq],
        from: 36 s after session, to: 40 s after session}
states:
  baseline: {state: baseline, receptors: [adra1a], from: start of session, to: 10 s after session, basis: before the drug}
  blocked: {state: blocked, by: prazosin, receptors: [adra1a], from: 16 s after session, to: 30 s after session, basis: pilot}
"""

_ROIS = """\
  rois: {format: suite2p, path: suite2p, plane: bg_plane, starts: 1 s after session}
"""


def make_sessions(folder: Path) -> dict[str, Path]:
    """Convert each, and give its NWB file.

    Returns
    -------
    dict of str to Path
        ``"slice"`` and ``"rois"``.
    """
    rig = make_lab(folder / "rig").folder
    texts = {"slice": _OF_SLICE, "rois": HEAD + _ROIS}
    return {name: _converted(rig / f"{name}.yaml", text, folder / name) for name, text in texts.items()}


def _converted(session: Path, text: str, out: Path) -> Path:
    session.write_text(text, encoding="utf-8")
    done = convert_session(session, out)
    assert done.target is not None, [one.text for one in done.findings]
    return done.target
