"""The page that shows how to add a format holds: its format is added, found, and its test passes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import bergmann

ROOT = Path(__file__).resolve().parents[1]


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_format_is_one_file_and_one_test(tmp_path: Path) -> None:
    module, test = blocks("CONTRIBUTING.md")
    house = tmp_path / "bergmann"
    shutil.copytree(Path(bergmann.__file__).parent, house, ignore=shutil.ignore_patterns("__pycache__"))
    (house / "signals" / "logger.py").write_text(module, encoding="utf-8")
    (tmp_path / "test_logger.py").write_text(f"from bergmann.signals import logger\n\n\n{test}", encoding="utf-8")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from bergmann.registry import load_formats\n"
        "assert 'logger' in {one.key for one in load_formats()}\n"
        "import pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_logger.py']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
