"""Write a small file of every type, and keep the specification that it was written with, as a release does:
``python tests/schemas/released/make_released.py``. What was released is never written again, and a new version gets files of its
own. (Until 0.1.0 is out, a change of its specification is made by deleting ``0.1.0.nwb.gz`` and running this once more.)
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pynwb import NWBHDF5IO, NWBFile

import ndx_glial_receptors
from ndx_glial_receptors.meanings import add_meanings
from ndx_glial_receptors.references import add_references
from ndx_glial_receptors.testing import mock

HERE = Path(__file__).parent


def make_file(path: Path) -> None:
    """Write a file of every type, linked to each other."""
    nwbfile = NWBFile("released", "released", datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC), session_id="released")
    metadata = mock.mock_GlialReceptorMetadata(nwbfile=nwbfile, arm="shrna", arm_is_control=False, factors=["injury=SNI"])
    metadata.receptor_expression = mock.mock_ReceptorExpressionTable(receptors=metadata.receptors)
    mock.mock_ReceptorStateIntervals(nwbfile=nwbfile)
    rois = mock.mock_PlaneSegmentation(nwbfile=nwbfile, n_rois=2, name="rois")
    mock.mock_CellAnnotationsTable(nwbfile=nwbfile, source=rois)
    mock.mock_GlialEventsTable(nwbfile=nwbfile, rois=rois)
    add_meanings(nwbfile)
    add_references(nwbfile)
    with NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)


def release() -> None:
    """Write the file, compressed as a whole, and copy the specification beside it."""
    version = ndx_glial_receptors.__version__
    target = HERE / f"{version}.nwb.gz"
    if target.exists():
        raise SystemExit(f"{target.name} is released; raise the version before the next release")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "released.nwb"
        make_file(path)
        target.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    shutil.copytree(Path(ndx_glial_receptors.__file__).parent / "spec", HERE / version, dirs_exist_ok=True)


if __name__ == "__main__":
    release()
