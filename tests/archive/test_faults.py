"""The matrix runner says rightly how a client ended, and what it cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

HERE = Path(__file__).resolve().parent
BARE = f"""
import os
import sys
from pathlib import Path

sys.path.insert(0, {str(HERE)!r})
from loopback.protocol import upload
from loopback.site import Site

api, dandiset, folder = sys.argv[1:]
site = Site(api, next(value for name, value in os.environ.items() if name.endswith("_API_KEY")))
for path in Path(folder).rglob("*.nwb"):
    made = dict(blob_id=upload(site, dandiset, path.read_bytes()), metadata=dict(path=path.name))
    site.call("POST", "/dandisets/" + dandiset + "/versions/draft/assets/", json=made).raise_for_status()
"""


def outcomes(tmp_path: Path, only: str, client: str, *options: str) -> list[dict[str, Any]]:
    """Run the cases of a name with a client of a few lines, which neither retries nor resumes."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.nwb").write_bytes(bytes(range(256)) * 1000)  # four parts; what is in it is nobody's business here
    script = tmp_path / "client.py"
    script.write_text(client)
    words = [
        sys.executable,
        str(HERE / "faults.py"),
        "--folder",
        str(folder),
        "--only",
        only,
        "--results",
        str(tmp_path / "results"),
    ]
    words += ["--logs", str(tmp_path / "logs"), *options, "--", sys.executable, str(script), "{api}", "{dandiset}", "{folder}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "| **all** |" in done.stdout
    return [json.loads(line) for line in (tmp_path / "results").read_text().splitlines()]


def test_a_client_that_takes_an_error_for_the_end_does_not_finish(tmp_path: Path) -> None:
    (once,) = outcomes(tmp_path, "lost validate once", BARE)
    assert (once["first"], once["then"], once["struck"]) == ("error", "error", 1)  # the next run gets 409, which it does not know
    assert (once["sent_first"], once["sent"], once["size"]) == (256_000, 256_000, 256_000)


def test_a_client_that_sends_all_again_is_counted_so(tmp_path: Path) -> None:
    (killed,) = outcomes(tmp_path, "killed after complete", BARE)
    assert (killed["first"], killed["then"], killed["sent_first"], killed["sent"]) == ("killed", "finished", 256_000, 512_000)
    assert killed["left"] == 1


def test_a_client_that_does_nothing_and_says_that_it_did_is_found(tmp_path: Path) -> None:
    (case,) = outcomes(tmp_path, "status 500 validate once", "pass")
    assert (case["first"], case["then"], case["struck"], case["sent"]) == ("false", "false", 0, 0)


def test_a_client_that_waits_for_ever_is_ended(tmp_path: Path) -> None:
    (case,) = outcomes(tmp_path, "status 500 validate once", "import time; time.sleep(600)", "--limit", "1")
    assert (case["first"], case["then"]) == ("hung", "hung")


def test_an_archive_can_be_served_by_itself() -> None:
    serving = subprocess.Popen([sys.executable, str(HERE / "serve.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    told = json.loads(serving.stdout.readline())  # type: ignore[union-attr]
    shown = requests.get(f"{told['api']}/dandisets/{told['dandiset']}/", timeout=60).json()
    assert shown["draft_version"]["asset_count"] == 0
    serving.communicate("", timeout=60)
    assert serving.returncode == 0
