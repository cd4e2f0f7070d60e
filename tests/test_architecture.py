"""The house stands: imports point down only, and importing what lists formats is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ROOT / "converters" / "bergmann"
ROOMS = {"signals", "imaging", "segmentation", "optogenetics", "behavior", "ephys", "receptors"}
LEVEL = {
    **dict.fromkeys(["ndx_glial_receptors", "ndx_bergmann"], 0),
    **dict.fromkeys(
        [
            "errors",
            "findings",
            "stated",
            "texts",
            "units",
            "moments",
            "privacy",
            "records",
            "registry",
            "foreign",
            "disk",
            "arrays",
            "matlab",
            "stimulators",
            "pulses",
            "stand_ins",
            "tables",
            "timing",
        ],
        1,
    ),
    "cells": 1,
    **dict.fromkeys(ROOMS, 2),
    **dict.fromkeys(
        ["plan", "convert", "validate", "checks", "proof", "publish", "patch", "find", "ask", "report", "writing", "rig"], 3
    ),
    **dict.fromkeys(["cli", "neuroconv_interfaces"], 4),
}
LIBRARIES_OF_EXTENSIONS = {
    "ndx_glial_receptors": {"numpy", "hdmf", "pynwb", "ndx_ophys_devices"},
    "ndx_bergmann": {"numpy", "hdmf", "pynwb"},
}
LIBRARIES_OF_LAYER_1 = {"numpy", "pydantic", "pydantic_core", "pint", "bergmann"}
LAZY_OF_LAYER_1 = {
    "tables/table.py": {"openpyxl"},
    "matlab/structures.py": {"h5py", "scipy"},
    "matlab/values.py": {"h5py", "scipy"},
}
"""What a module of layer 1 may import besides, inside a function: the readers of workbooks and of MATLAB's files, which several
rooms share."""


def imported(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Dotted names that a module imports, and whether at module level."""
    top = set(ast.iter_child_nodes(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node in top


def floor(dotted: str) -> str | None:
    """The part of the house that a dotted name is in, or None for a library."""
    first, _, rest = dotted.partition(".")
    if first in {"ndx_glial_receptors", "ndx_bergmann"}:
        return first
    return rest.split(".")[0] if first == "bergmann" and rest.split(".")[0] in LEVEL else None


def modules() -> Iterator[tuple[str, Path, ast.Module]]:
    for path in sorted(HOUSE.rglob("*.py")):
        name = path.relative_to(HOUSE).with_suffix("").parts[0]
        if name not in {"__init__", "__main__"}:
            yield name, path, ast.parse(path.read_text(encoding="utf-8"))


def test_every_module_has_a_floor() -> None:
    assert {name for name, _, _ in modules()} <= set(LEVEL)


def test_imports_point_down() -> None:
    """A module imports its own floor or a lower one; rooms never import each other."""
    wrong = []
    for mine, path, tree in modules():
        for dotted, _ in imported(tree):
            theirs = floor(dotted)
            if theirs is None or theirs == mine:
                continue
            if LEVEL[theirs] > LEVEL[mine] or (mine in ROOMS and theirs in ROOMS):
                wrong.append(f"{path.relative_to(HOUSE)} imports {dotted}")
    assert not wrong


def test_layer_1_needs_numpy_pydantic_and_the_standard_library_only() -> None:
    wrong = []
    for mine, path, tree in modules():
        if LEVEL[mine] == 1:
            lazy = LAZY_OF_LAYER_1.get(path.relative_to(HOUSE).as_posix(), set())
            for dotted, is_at_the_top in imported(tree):
                library = dotted.split(".")[0]
                if library in lazy and not is_at_the_top:
                    continue
                if library not in LIBRARIES_OF_LAYER_1 and library not in sys.stdlib_module_names:
                    wrong.append(f"{path.name} imports {dotted}")
    assert not wrong


def is_format(path: Path) -> bool:
    return "\nFORMAT = " in path.read_text(encoding="utf-8")


def test_formats_and_statements_never_import_pynwb_and_writers_import_no_format() -> None:
    wrong = []
    for mine, path, tree in modules():
        if mine not in ROOMS or path.name == "__init__.py":
            continue
        reads = is_format(path) or "stated" in path.stem
        for dotted, _ in imported(tree):
            if reads and dotted.split(".")[0] in {"pynwb", "hdmf", "neuroconv"}:
                wrong.append(f"{path.relative_to(HOUSE)} imports {dotted}")
            named = HOUSE / mine / f"{dotted.removeprefix(f'bergmann.{mine}.').split('.')[0]}.py"
            if path.stem.endswith("nwb") and dotted.startswith(f"bergmann.{mine}.") and named.exists() and is_format(named):
                wrong.append(f"{path.relative_to(HOUSE)} imports the format {named.stem}")
    assert not wrong


def test_the_extensions_need_pynwb_only() -> None:
    wrong = []
    for path in sorted((ROOT / "schemas").rglob("*.py")):
        package = path.relative_to(ROOT / "schemas").parts[0]
        for dotted, _ in imported(ast.parse(path.read_text(encoding="utf-8"))):
            library = dotted.split(".")[0]
            if library not in {package, *LIBRARIES_OF_EXTENSIONS[package]} and library not in sys.stdlib_module_names:
                wrong.append(f"{path} imports {dotted}")
    assert not wrong


@pytest.mark.parametrize("arguments", [["--help"], ["formats"], ["formats", "--json"]])
def test_help_and_formats_import_neither_pynwb_nor_neuroconv(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from bergmann.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as stop: assert not stop.code\n"
        "heavy = {'pynwb', 'hdmf', 'neuroconv', 'dandi', 'h5py', 'tifffile', 'pandas', 'av', 'pyabf', 'pint'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
