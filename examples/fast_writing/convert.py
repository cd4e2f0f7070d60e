"""A NeuroConv script, its last line exchanged: ``python convert.py`` writes session.nwb."""

from __future__ import annotations

from pathlib import Path

from neuroconv.datainterfaces import ScanImageImagingInterface

from bergmann.writing import write


def main(target: Path = Path("session.nwb")) -> None:
    """Convert."""
    files = sorted(Path("rig/2p").glob("*.tif"))
    interface = ScanImageImagingInterface(file_paths=files, channel_name="Channel 1")
    metadata = interface.get_metadata()
    metadata["NWBFile"].update(session_start_time="2024-05-17T10:30:57+09:00", session_description="Simulated.")

    # interface.run_conversion(nwbfile_path=target, metadata=metadata, overwrite=True)
    nwbfile = interface.create_nwbfile(metadata)
    write(nwbfile, target, overwrite=True)


if __name__ == "__main__":
    main()
