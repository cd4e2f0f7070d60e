"""Prove that files are valid and whole whatever is imported where they are written and read:
``python tests/writing/extension_matrix.py [FOLDER]``.

It makes environments of its own in FOLDER, else in a temporary folder (needs pip, and about ten minutes on one core). It writes
a file for each set of used extensions in processes that have imported each set of others, validates each with pynwb, the NWB
Inspector and dandi, and reads each where pynwb is alone and where the newest release of each extension is imported. It prints a
table, and exits with 1 if an object is missing anywhere or a validator finds an error. What is in FOLDER already is used as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from matrix_files import EXTENSIONS, subsets  # noqa: E402 - beside this script, which is also run by itself

LIKE: dict[str, tuple[list[str], dict[str, str]]] = {
    "ndx-miniscope": (["core"], {"Miniscope": "Device"}),
    "ndx-fiber-photometry": (
        ["core", "ndx-ophys-devices"],
        {"FiberPhotometry": "LabMetaData", "FiberPhotometryTable": "DynamicTable", "FiberPhotometryIndicators": "NWBContainer"},
    ),
    "ndx-events": (["core"], {"Events": "NWBDataInterface", "LabeledEvents": "Events", "AnnotatedEventsTable": "DynamicTable"}),
}
"""Of the others, as in the releases below: what their namespaces include, and some of their types with what these extend."""

OTHERS = {"ndx-miniscope": "0.5.1", "ndx-fiber-photometry": "0.2.4", "ndx-events": "0.2.2"}
WRITING = {
    "others": [f"{name}=={version}" for name, version in OTHERS.items()],
    "events-0.4": ["ndx-events==0.4.0"],
}
"""Environments to write in: this one, and what is named."""


Written = dict[str, dict[str, dict[str, str]]]
"""By what was imported, and by file, the kind of every object by object_id."""


@dataclass(frozen=True)
class Reader:
    """An environment to read in: what is installed there, and what is imported before a file is read."""

    packages: tuple[str, ...]
    imported: tuple[str, ...] = ()
    unreadable: str = ""
    """The extension whose files are known not to be readable there."""


READING = {
    "pynwb alone": Reader(("pynwb",)),
    "newest of each": Reader(
        ("ndx-optogenetics", "ndx-pose", "ndx-miniscope", "ndx-fiber-photometry", "ndx-events"),
        ("ndx_optogenetics", "ndx_ophys_devices", "ndx_pose", "ndx_miniscope", "ndx_fiber_photometry", "ndx_events"),
    ),
    # ndx-optogenetics 0.4.1 cannot be installed with ndx-ophys-devices 0.4, so that this one is apart
    "newest devices": Reader(
        ("ndx-ophys-devices>=0.4", "ndx-pose", "ndx-events"), ("ndx_ophys_devices", "ndx_pose", "ndx_events"), "ndx-optogenetics"
    ),
}


def expected_namespaces(used: Iterable[str]) -> set[str]:
    """What a file of the matrix carries."""
    carried = {"core", "hdmf-common", "ndx-bergmann", "bergmann-session", *used}
    if "ndx-optogenetics" in carried or "ndx-ophys-devices" in carried:
        carried.add("ndx-ophys-devices")
    return carried | {"ndx-glial-receptors"} if "ndx-ophys-devices" in used else carried


def make_environment(folder: Path, packages: Iterable[str], *, on_this: bool) -> Path:
    """Make an environment with packages, on top of the running one if `on_this`; its interpreter."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if python.exists():
        return python
    venv.EnvBuilder(with_pip=True).create(folder)
    if on_this:
        paths = (folder / "Lib" / "site-packages", *folder.glob("lib/python*/site-packages"))
        site = next(path for path in paths if path.is_dir())
        (site / "running.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
    return python


def run(python: Path, script: str, job: dict[str, Any], folder: Path, *, is_ours: bool) -> str:
    """Run a script of the matrix in an environment; only where files are written may it see this source."""
    path = folder / "job.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    where = {key: value for key, value in os.environ.items() if is_ours or key != "PYTHONPATH"}
    done = subprocess.run([str(python), str(HERE / script), str(path)], capture_output=True, text=True, env=where, check=False)
    if done.returncode:
        raise SystemExit(f"{script} failed in {python}:\n{done.stderr}")
    return done.stdout


def write_all(folder: Path) -> Written:
    """Write the files with each set of others imported; by that set and the file's path, the kind of every object."""
    written: Written = {}
    for name, packages in WRITING.items():
        python = make_environment(folder / name, packages, on_this=True)
        choices = subsets(tuple(OTHERS)) if name == "others" else [("ndx-events",)]
        for imported in choices:
            label = ", ".join(one.removeprefix("ndx-") for one in imported) or "none"
            label += " 0.4.0" if name == "events-0.4" else ""
            out = folder / "files" / label.replace(", ", "+").replace(" ", "-")
            modules = ["ndx_optogenetics", "ndx_pose", "ndx_glial_receptors", *(one.replace("-", "_") for one in imported)]
            job = {"folder": str(out), "imported": modules, "specifications": [], "used": list(subsets(EXTENSIONS))}
            if not (out / "expected.json").exists():
                run(python, "matrix_files.py", job, folder, is_ours=True)
            expected = json.loads((out / "expected.json").read_text(encoding="utf-8"))
            written[label] = {str(out / path): objects for path, objects in expected.items()}
    return written


def fingerprint(path: str) -> str:
    """What validators judge a file of the matrix by: its specifications, and the type and place of every object."""
    import h5py

    said = hashlib.sha256(Path(path).name.encode())

    def note(name: str, item: Any) -> None:
        if name.startswith("specifications") and isinstance(item, h5py.Dataset):
            said.update(f"{name} {item[()]!r}".encode())
        elif "neurodata_type" in item.attrs:
            said.update(f"{name} {item.attrs['namespace']} {item.attrs['neurodata_type']}".encode())

    with h5py.File(path) as file:
        file.visititems(note)
    return said.hexdigest()


def find_errors(paths: Iterable[str]) -> dict[str, list[str]]:
    """What pynwb, the NWB Inspector and dandi call an error, by file; each fingerprint is judged once."""
    from bergmann.validate import validate_paths

    judged: dict[str, list[str]] = {}
    errors = {}
    for path in paths:
        key = fingerprint(path)
        if key not in judged:
            judged[key] = [one.message for one in validate_paths([Path(path)]) if one.severity == "error"]
        errors[path] = judged[key]
    print(f"{len(errors)} files, {len(judged)} of them different but for their identifiers: these were validated", flush=True)
    return errors


def read_all(folder: Path, written: Written) -> tuple[list[str], dict[tuple[str, str], int]]:
    """Read all files everywhere; the failures in words, and for each environment and imported set how many files are whole."""
    failures, whole = [], {}
    paths = [path for files in written.values() for path in files]
    for where, reader in READING.items():
        python = make_environment(folder / where.replace(" ", "-"), reader.packages, on_this=False)
        job = {"files": paths, "imported": reader.imported, "hidden": False, "validate": False}
        found = json.loads(run(python, "matrix_read.py", job, folder, is_ours=False).splitlines()[-1])
        for label, files in written.items():
            good = [path for path in files if found[path]["objects"] == files[path] and not found[path]["errors"]]
            whole[where, label] = len(good)
            failures += [
                f"{where}: {label}: {Path(path).name}: {found[path]['errors'] or 'objects differ'}"
                for path in files
                if path not in good and not (reader.unreadable and reader.unreadable.removeprefix("ndx-") in path)
            ]
    return failures, whole


def main(folder: Path) -> int:
    """Make, write, validate, read, and print what came of it."""
    folder.mkdir(parents=True, exist_ok=True)
    written = write_all(folder)
    failures, whole = read_all(folder, written)
    errors = find_errors([path for files in written.values() for path in files])
    failures += [f"validation: {path}: {found}" for path, found in errors.items() if found]
    valid = {label: sum(not errors[path] for path in files) for label, files in written.items()}
    heads = ["imported while writing", "files", "valid", *READING]
    rows = [
        [label, str(len(files)), str(valid[label]), *(str(whole[where, label]) for where in READING)]
        for label, files in written.items()
    ]
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for row in [heads, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(
        f"\nFiles that are valid for all validators, and whole where they are read; used: every choice of {', '.join(EXTENSIONS)}"
    )
    for where, reader in READING.items():
        if reader.unreadable:
            print(f"{where}: known not to read files that use {reader.unreadable}: their optical fibre is of ndx-ophys-devices 0.3")
    print(f"{len(failures)} failures")
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        raise SystemExit(main(Path(sys.argv[1]).resolve()))
    with tempfile.TemporaryDirectory() as temporary:
        raise SystemExit(main(Path(temporary)))
