"""Another account of light in several runs: of each run's light its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pynwb import read_nwb

from bergmann.convert import convert_session

MORE = (
    "  light: {format: channel, of: patch/IN 3, site: lc, power: 5 mW}\n"
    "  sheet: {format: stated_train, pulses: 3, rate: 2 Hz, width: 10 ms, confirms: light}\n"
    "drugs:"
)


def test_each_run_has_its_account(session: Callable[..., Path], tmp_path: Path) -> None:
    """Light is in two of the three runs; what is stated of it once is compared with the light of each."""
    path = session(("drugs:", MORE), ("19125001.abf}", "19125001.abf, light: {absent: laser off}}"))
    done = convert_session(path, tmp_path / "out")
    assert done.is_good, [one.text for one in done.findings]
    assert not [one for one in done.findings if one.check == "accounts differ"]
    file = read_nwb(done.target)
    assert {name for name in file.stimulus if "light" in name or "sheet" in name} == {"base_light", "wash_light"}
    for run in ("base", "wash"):
        assert file.intervals[f"{run}_light_pulses"][f"in_{run}_sheet"][:].tolist() == [True] * 3
