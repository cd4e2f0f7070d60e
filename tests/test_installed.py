"""What is installed is whole: specifications, vocabulary and session files come with it, and it works away from the checkout."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("ndx_glial_receptors", "spec/ndx-glial-receptors.namespace.yaml"),
        ("ndx_glial_receptors", "spec/ndx-glial-receptors.extensions.yaml"),
        ("ndx_glial_receptors", "spec/ndx-glial-receptors.events.yaml"),
        ("ndx_glial_receptors", "README.md"),
        ("ndx_glial_receptors", "ndx-meta.yaml"),
        ("ndx_bergmann", "spec/ndx-bergmann.namespace.yaml"),
        ("bergmann.receptors.vocabulary", "receptors.csv"),
        ("bergmann.receptors.vocabulary", "README.md"),
        ("bergmann.report", "page.css"),
        ("bergmann.rig", "session_files/lab.yaml"),
        ("bergmann.rig", "session_files/BG042/session.yaml"),
        ("bergmann", "py.typed"),
    ],
)
def test_the_data_of_a_package_comes_with_it(package: str, name: str) -> None:
    assert files(package).joinpath(name).read_bytes() or name == "py.typed"


def test_it_works_in_a_folder_of_its_own(tmp_path: Path) -> None:
    code = (
        "from bergmann.receptors.vocabulary import find_receptor\n"
        "import ndx_glial_receptors, ndx_bergmann\n"
        "print(find_receptor('Adra1a', 'Mus musculus'))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "IUPHAR:22" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_command_is_installed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bergmann", "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "bergmann, version 0.1.0\n")
