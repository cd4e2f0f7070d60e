"""The page that shows how to add a format holds: its format is added, found, and its test passes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import bergmann

ROOT = Path(__file__).resolve().parents[1]
INTERFACE = """

def test_the_interface_reads_it(tmp_path):
    from bergmann.neuroconv_interfaces import LoggerInterface

    (tmp_path / "log.txt").write_text("0.5\\n1.5\\n", encoding="utf-8")
    interface = LoggerInterface(path=tmp_path / "log.txt", rate="10 Hz")
    assert interface.record.channel("voltage").values(0, 2).tolist() == [0.5, 1.5]


def test_a_wrong_file_is_refused_by_name(tmp_path):
    import pytest
    from bergmann.errors import SourceError

    (tmp_path / "log_empty.txt").touch()
    (tmp_path / "log_noise.txt").write_bytes(bytes(range(256)))
    for name in ("log_empty.txt", "log_noise.txt", "log_nowhere.txt"):
        with pytest.raises(SourceError, match=name):
            logger.read(logger.Logger(path=tmp_path / name, rate="10 Hz"), {})
"""


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_format_is_one_file_and_one_test(tmp_path: Path) -> None:
    module, test, interface = blocks("CONTRIBUTING.md")
    house = tmp_path / "bergmann"
    shutil.copytree(Path(bergmann.__file__).parent, house, ignore=shutil.ignore_patterns("__pycache__"))
    (house / "signals" / "logger.py").write_text(module, encoding="utf-8")
    with (house / "neuroconv_interfaces" / "__init__.py").open("a", encoding="utf-8") as page:
        page.write(f"from bergmann.signals import logger\n\n\n{interface}")
    (tmp_path / "test_logger.py").write_text(f"from bergmann.signals import logger\n\n\n{test}{INTERFACE}", encoding="utf-8")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from bergmann.registry import load_formats\n"
        "assert 'logger' in {one.key for one in load_formats()}\n"
        "import pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_logger.py']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
