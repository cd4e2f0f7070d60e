"""What a process reads of files: ``python matrix_read.py JOB.json``, with what is installed there.

A job is ``{"files": [...], "imported": [modules], "hidden": bool, "validate": bool}``; with `hidden` no extension can be imported,
as where none is installed. It prints JSON: for each file the kind of every object by object_id, and the errors of pynwb's
validator, or why reading failed.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any


class Refuse:
    """Makes what is installed beside pynwb unimportable."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.startswith("ndx_") or name.partition(".")[0] in {"bergmann", "neuroconv", "dandi", "nwbinspector"}:
            raise ModuleNotFoundError(f"{name} is not installed where pynwb is alone")


def kind(child: Any) -> str:
    """As `bergmann.writing.objects` has it."""
    made = type(child)
    return str(made.__name__ if made.__module__.startswith("hdmf.common.") else child.neurodata_type)


def read(path: str, *, is_validated: bool) -> dict[str, Any]:
    """What is in a file, and what its validator says."""
    from pynwb import NWBHDF5IO, validate

    try:
        with NWBHDF5IO(path, "r") as io:
            objects = {child.object_id: kind(child) for child in io.read().all_children()}
        return {"objects": objects, "errors": [str(error) for error in validate(path=path)] if is_validated else []}
    except Exception as error:  # noqa: BLE001 - any failure of any extension is what is asked for
        return {"objects": {}, "errors": [f"{type(error).__name__}: {error}"]}


def main(job: dict[str, Any]) -> None:
    """Import what is to be imported, then read."""
    if job["hidden"]:
        sys.meta_path.insert(0, Refuse())  # type: ignore[arg-type]
    for module in job["imported"]:
        import_module(module)
    print(json.dumps({path: read(path, is_validated=job["validate"]) for path in job["files"]}))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of namespaces that are imported in another version
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
