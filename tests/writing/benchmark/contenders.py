"""What is measured, each a process of its own: ``python contenders.py NAME SOURCE TARGET`` ends when the file is on the disk.

Each begins with the movie's TIFF and knows the same few words of metadata. What a contender imports is imported in its function:
that is part of what a person waits for.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

START = "2024-03-14T10:02:33.217+00:00"
RATE = 30.0


def _synced(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def copy(source: Path, target: Path) -> None:
    """No conversion at all: what the disk takes."""
    import shutil

    shutil.copyfile(source, target)
    _synced(target)


def neuroconv(source: Path, target: Path) -> None:
    """NeuroConv as its documentation has it."""
    interface, metadata = _interface(source)
    interface.run_conversion(nwbfile_path=target, metadata=metadata, overwrite=True)
    _synced(target)


def neuroconv_written_by_us(source: Path, target: Path) -> None:
    """The same script with its last line exchanged for two."""
    from bergmann.writing import write

    interface, metadata = _interface(source)
    write(interface.create_nwbfile(metadata), target)


def _interface(source: Path) -> Any:
    from neuroconv.datainterfaces import ScanImageImagingInterface

    interface = ScanImageImagingInterface(file_path=source)
    metadata = interface.get_metadata()
    metadata["NWBFile"].update(session_start_time=START, session_description="Frames.")
    return interface, metadata


def pynwb(source: Path, target: Path) -> None:
    """pynwb as its documentation has it for what does not fit into memory, with gzip."""
    import tifffile
    from hdmf.data_utils import DataChunkIterator
    from pynwb import NWBHDF5IO, H5DataIO

    with tifffile.TiffFile(source) as file:
        first = file.pages.first
        frames = (page.asarray().T for page in file.pages)
        shape = (len(file.pages), first.shape[1], first.shape[0])
        movie = H5DataIO(DataChunkIterator(frames, maxshape=shape, dtype=first.dtype, buffer_size=10), compression="gzip")
        with NWBHDF5IO(target, "w") as io:
            io.write(_nwbfile(movie))
    _synced(target)


def bergmann(source: Path, target: Path, threads: int | None = None, **presets: Any) -> None:
    """Our reader and our writer."""
    from bergmann.arrays import NwbOrder
    from bergmann.imaging import scanimage
    from bergmann.writing import ArrayIterator, write

    movie = scanimage.read(scanimage.ScanImage(path=source), {})
    write(_nwbfile(ArrayIterator(NwbOrder(movie.channels[0].frames))), target, threads=threads, **presets)


def _nwbfile(movie: Any) -> Any:
    from datetime import datetime

    from pynwb import NWBFile
    from pynwb.ophys import OpticalChannel, TwoPhotonSeries

    nwbfile = NWBFile(session_description="Frames.", identifier="benchmark", session_start_time=datetime.fromisoformat(START))
    channel = OpticalChannel(name="green", description="green", emission_lambda=520.0)
    plane = nwbfile.create_imaging_plane(
        name="plane",
        optical_channel=channel,
        description="plane",
        device=nwbfile.create_device(name="microscope"),
        excitation_lambda=920.0,
        indicator="GCaMP6f",
        location="cortex",
    )
    nwbfile.add_acquisition(TwoPhotonSeries(name="movie", data=movie, imaging_plane=plane, rate=RATE, unit="n.a."))
    return nwbfile


SESSION = """\
format_version: 1
session: {{id: s1, description: Frames., start: "2024-03-14 10:02:33"}}
subject: {{id: M1, species: Mus musculus, sex: F, born: 2024-01-01}}
time_zone: UTC
devices: {{scope: {{model: Example 2P}}}}
planes: {{bg: {{device: scope, location: cortex, excitation: 920 nm, channels: {{1: {{label: GCaMP6f, emission: 525 nm}}}}}}}}
sources: {{movie: {{format: scanimage, path: "{path}", plane: bg}}}}
"""


def bergmann_convert(source: Path, target: Path) -> None:
    """The command as a user runs it: with the digests of the sources, the record of the conversion, and validation."""
    from bergmann.cli import main

    folder = target.parent / f"{target.stem}-session"
    folder.mkdir()
    (folder / "session.yaml").write_text(SESSION.format(path=source.as_posix()), encoding="utf-8")
    try:
        main(["convert", str(folder / "session.yaml"), "--out", str(folder / "out")])
    except SystemExit as ended:
        (file,) = (folder / "out").rglob("*.nwb")
        file.replace(target)
        raise SystemExit(ended.code) from None


def bergmann_convert_parts(source: Path, target: Path, *parts: str) -> None:
    """The same conversion with some of what follows writing: ``hashes`` of the sources, ``proof``.

    Never with validation, nor with its process: the file is named here.
    """
    from bergmann.convert import convert_session, session
    from bergmann.proof.proving import Comparison, Prover
    from bergmann.validate.own_process import Validator
    from bergmann.writing import naming

    class NoProof(Prover):
        def __init__(self, *_: object) -> None:
            self._workers = []

        def compare(self, *_: object) -> Comparison:
            return Comparison({}, (), (), {}, {}, {})

    class NoValidation(Validator):
        organized_path = staticmethod(naming.organized_path)
        organized_videos = staticmethod(naming.organized_videos)

        def prepare(self) -> None: ...

        def validate(self, *_: object) -> tuple[()]:
            return ()

    if "hashes" not in parts:
        session.digests_of_sources = lambda aligned: {
            file: "0" * 64 for record in aligned.records.values() for file in record.files
        }
    if "proof" not in parts:
        session.Prover = NoProof
    folder = target.parent / f"{target.stem}-session"
    folder.mkdir()
    (folder / "session.yaml").write_text(SESSION.format(path=source.as_posix()), encoding="utf-8")
    done = convert_session(folder / "session.yaml", folder / "out", validator=NoValidation())
    if done.target is None:
        raise RuntimeError("\n".join(finding.text for finding in done.findings))
    done.target.replace(target)


def neuroconv_validated(source: Path, target: Path) -> None:
    """What a careful user of NeuroConv runs: the conversion, then NWB Inspector and dandi, each of them a command."""
    import subprocess

    interface, metadata = _interface(source)
    metadata["Subject"] = {"subject_id": "M1", "species": "Mus musculus", "sex": "F", "date_of_birth": "2024-01-01T00:00:00+00:00"}
    metadata["NWBFile"]["session_id"] = "s1"
    interface.run_conversion(nwbfile_path=target, metadata=metadata, overwrite=True)
    _synced(target)
    for command in (["nwbinspector", str(target), "--config", "dandi"], ["dandi", "validate", str(target)]):
        tool = Path(sys.executable).with_name(command[0])
        subprocess.run([tool, *command[1:]], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


CONTENDERS: dict[str, Any] = {
    "copy": copy,
    "neuroconv": neuroconv,
    "pynwb": pynwb,
    "neuroconv+write": neuroconv_written_by_us,
    "bergmann": bergmann,
    "bergmann 1 thread": lambda source, target: bergmann(source, target, threads=1),
    "bergmann 2 threads": lambda source, target: bergmann(source, target, threads=2),
    "bergmann 4 threads": lambda source, target: bergmann(source, target, threads=4),
    "bergmann frames": lambda source, target: bergmann(source, target, chunking="frames"),
    "bergmann traces": lambda source, target: bergmann(source, target, chunking="traces"),
    "bergmann streaming": lambda source, target: bergmann(source, target, chunking="streaming"),
    "bergmann zstd": lambda source, target: bergmann(source, target, compression="zstd"),
    "bergmann none": lambda source, target: bergmann(source, target, compression="none"),
    "written": bergmann_convert_parts,
    "+ hashes": lambda source, target: bergmann_convert_parts(source, target, "hashes"),
    "+ proof": lambda source, target: bergmann_convert_parts(source, target, "hashes", "proof"),
    "bergmann convert": bergmann_convert,
    "neuroconv, validated": neuroconv_validated,
}

if __name__ == "__main__":
    CONTENDERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
