"""The page in a real browser: no complaint on its console, and something to see."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bergmann.plan.resolve import make_plan
from bergmann.report.page import write_page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)


@pytest.fixture
def browser() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"needs a browser on PATH: one of {', '.join(NAMES)}")
    return found


def shoot(browser: str, page: Path, folder: Path, *more: str) -> tuple[np.ndarray, str]:
    """A screenshot, shape (height, width, 3), and what the browser said."""
    import av

    picture = folder / "page.png"
    command = [
        browser,
        *QUIET,
        f"--user-data-dir={folder / 'profile'}",
        f"--screenshot={picture}",
        "--window-size=1200,3000",
        *more,
    ]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr
    with av.open(io.BytesIO(picture.read_bytes())) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24"), done.stderr


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_the_page_and_has_nothing_to_say(browser: str, rig_folder: Path, tmp_path: Path, scheme: str) -> None:
    page = tmp_path / "page.html"
    write_page(make_plan(rig_folder / "session.yaml"), page)
    dark = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    picture, said = shoot(browser, page, tmp_path, *dark)
    assert "CONSOLE" not in said
    assert "Refused to" not in said
    paper = np.median(picture.reshape(-1, 3), axis=0)
    assert (paper.mean() < 60) == (scheme == "dark")
    differs = np.abs(picture.astype(int) - paper).sum(axis=2) > 60
    assert differs.mean() > 0.02
    thirds = [part.mean() for part in np.array_split(differs, 3)]
    assert min(thirds) > 0.01  # something in each third of the page


def test_the_browser_would_say_what_a_page_may_not_do(browser: str, tmp_path: Path) -> None:
    """The test above can fail: a page that breaks its own policy is told so on the console."""
    from bergmann.report.page import POLICY

    page = tmp_path / "wrong.html"
    page.write_text(
        f'<!DOCTYPE html><meta http-equiv="Content-Security-Policy" content="{POLICY}"><script>document.title = "x"</script>',
        encoding="utf-8",
    )
    _, said = shoot(browser, page, tmp_path)
    assert "CONSOLE" in said
