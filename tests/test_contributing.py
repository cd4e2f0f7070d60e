"""The page that shows how to add a format holds: following it leads to a format that passes every test of a format."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUIDE = Path("examples", "with_neuroconv", "README.md")
COPIED = ("converters", "schemas", "tests", "examples")


def blocks(page: str) -> list[str]:
    """The Python on a page, without the margin of lists."""
    found = re.findall(r"^ *```python\n(.*?)^ *```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [dedent(block) for block in found]


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    roots = os.pathsep.join(str(checkout / name) for name in ("converters", "schemas"))
    environment = {**os.environ, "PYTHONPATH": roots, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{before!r} is {text.count(before)} times in {path.name}"
    path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which somebody did what the page says."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    for name in ("pyproject.toml", "CONTRIBUTING.md", "README.md"):
        shutil.copy(ROOT / name, checkout / name)
    module, test, smallest, interface = blocks("CONTRIBUTING.md")
    house, tests = checkout / "converters" / "bergmann", checkout / "tests"
    (house / "signals" / "logger.py").write_text(module, encoding="utf-8")
    (tests / "signals" / "test_logger.py").write_text(test, encoding="utf-8")
    last = "    return SmallLab(folder, keys)\n"
    edit(tests / "conftest.py", last, f"{indent(smallest, '    ')}{last}")
    edit(tests / "test_format_contract.py", "KNOWN_BY_THEIR_KEYS = {", 'KNOWN_BY_THEIR_KEYS = {"logger", ')
    page = house / "neuroconv_interfaces" / "__init__.py"
    edit(page, "from bergmann.signals import ", "from bergmann.signals import logger\nfrom bergmann.signals import ")
    edit(page, '    "LightningPoseInterface",\n', '    "LightningPoseInterface",\n    "LoggerInterface",\n')
    page.write_text(f"{page.read_text(encoding='utf-8')}\n\n{interface}", encoding="utf-8")
    above = next(line for line in (checkout / GUIDE).read_text(encoding="utf-8").splitlines() if line.startswith("| `OpenEphys"))
    edit(checkout / GUIDE, f"{above}\n", f"| `LoggerInterface` | Logger text | - | - |\n{above}\n")
    done = run(checkout, "bergmann.plan.schema")
    assert done.returncode == 0, done.stderr
    return checkout


def test_the_format_is_listed_and_its_code_is_as_the_house_wants_it(walked: Path) -> None:
    listed = run(walked, "bergmann", "formats")
    assert re.search(r"^logger +signals +Logger text +path, rate$", listed.stdout, re.MULTILINE), listed.stderr
    for tool in (("check",), ("format", "--check")):
        done = run(walked, "ruff", *tool, "--no-cache", "converters/bergmann/signals/logger.py", "tests/signals/test_logger.py")
        assert done.returncode == 0, done.stdout


def test_every_test_of_a_format_passes(walked: Path) -> None:
    of_all = "logger or confused or foreign_folders or every_format_has or not_stale or table_is_that or house or imports"
    files = (
        "signals/test_logger.py",
        "test_format_contract.py",
        "test_neuroconv_interfaces.py",
        "test_with_neuroconv.py",
        "plan/test_schema.py",
    )
    tests = [str(Path("tests", name)) for name in (*files, "test_architecture.py")]
    done = run(walked, "pytest", "-q", "-p", "no:cacheprovider", "-k", of_all, *tests)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 40, done.stdout


@pytest.mark.parametrize("name", ["log_empty.txt", "log_noise.txt", "log_nowhere.txt"])
def test_the_example_refuses_a_wrong_file_by_name(walked: Path, name: str, tmp_path: Path) -> None:
    (tmp_path / "log_empty.txt").touch()
    (tmp_path / "log_noise.txt").write_bytes(bytes(range(256)))
    keys = f"{{format: logger, path: {name}, rate: 10 Hz}}"
    (tmp_path / "session.yaml").write_text(f"format_version: 1\nsources:\n  log: {keys}\n", encoding="utf-8")
    done = run(walked, "bergmann", "check", str(tmp_path / "session.yaml"))
    assert done.returncode == 2
    assert f"{name}: " in done.stdout


def test_the_same_file_works_in_a_folder_of_the_lab(tmp_path: Path) -> None:
    module, *_ = blocks("CONTRIBUTING.md")
    (tmp_path / "logger.py").write_text(module, encoding="utf-8")
    done = run(ROOT, "bergmann", "formats", "--formats", str(tmp_path), "--yes")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^logger +logger.py +signals +Logger text +path, rate$", done.stdout, re.MULTILINE)
