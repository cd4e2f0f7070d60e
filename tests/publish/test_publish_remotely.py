"""`bergmann publish` and `bergmann status` as a person runs them: a process of their own against the archive on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dandischema.consts import ALLOWED_TARGET_SCHEMAS
from loopback.folders import nwb_path, write_nwb
from loopback.proxy import Fault
from loopback.site import Site, wait_for

HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
"""Ctrl-C is heard also where the tests run in the background, whose children ignore it."""
BERGMANN = (sys.executable, "-c", f"{HEED}from bergmann.cli import main; main()")
PART = 64 * 1024
SIZE = 900_000


def environment(site: Site, home: Path) -> dict[str, str]:
    return {**site.environment(home), "XDG_STATE_HOME": str(home / "state"), "XDG_CACHE_HOME": str(home / "cache")}


def words(site: Site, dandiset: str, folder: Path, *options: str, command: str = "publish") -> list[str]:
    return [*BERGMANN, command, str(folder), "--dandiset", dandiset, "--instance", site.api_url, *options]


def run(site: Site, dandiset: str, folder: Path, *options: str, **chosen: Any) -> subprocess.CompletedProcess[str]:
    command = words(site, dandiset, folder, *options, command=chosen.pop("command", "publish"))
    chosen = {"env": environment(site, folder.parent), **chosen}
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, **chosen)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file, whose bytes no archive has yet, a real one neither."""
    target = tmp_path / "lab" / nwb_path("1", "a")
    write_nwb(target, "1", "a", SIZE)
    os.utime(target, (1_700_000_000, 1_700_000_000))
    return tmp_path / "lab"


def sha256(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.nwb")}


def test_published_and_compared(archive: Site, folder: Path) -> None:
    dandiset = archive.new_dandiset()
    tried = run(archive, dandiset, folder, "--dry-run")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert "send" in tried.stdout
    assert archive.assets(dandiset) == {}
    assert not (folder / "sessions.tsv").exists()
    asked = run(archive, dandiset, folder, stdin=subprocess.DEVNULL)
    assert (asked.returncode, "--yes" in asked.stderr) == (2, True)
    done = run(archive, dandiset, folder, "--yes", "--json", "--report", str(folder.parent / "report.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["report"]["bytes_sent"] == sum(path.stat().st_size for path in folder.rglob("*.nwb"))
    assert document["verdict"]["valid"] == [nwb_path("1", "a")]
    assert json.loads((folder.parent / "report.json").read_text(encoding="utf-8"))["report"] == document["report"]
    assert archive.sha256(dandiset) == sha256(folder)
    assert (folder / "sessions.tsv").read_text(encoding="utf-8").splitlines()[1].startswith("a\t1\t")

    again = json.loads(run(archive, dandiset, folder, "--yes", "--json").stdout)
    assert (again["report"]["bytes_sent"], again["verdict"]["valid"]) == (0, [nwb_path("1", "a")])
    assert [one["location"] for one in again["findings"] if one["check"] == "validated before"] == [nwb_path("1", "a")]

    same = run(archive, dandiset, folder, command="status")
    assert same.returncode == 0, same.stdout + same.stderr
    write_nwb(folder / nwb_path("2", "b"), "2", "b", 10)
    other = json.loads(run(archive, dandiset, folder, "--json", command="status").stdout)
    assert [(line["asset_path"], line["standing"], line["validity"]) for line in other["assets"]] == [
        (nwb_path("1", "a"), "same", "valid"),
        (nwb_path("2", "b"), "only here", ""),
    ]


def test_killed_in_the_middle_the_next_run_sends_the_missing_parts_only(faulty_archive: Site, folder: Path) -> None:
    site, dandiset = faulty_archive, faulty_archive.new_dandiset()
    site.faults.add(Fault("killed before", "part", 9))
    client = subprocess.Popen(
        words(site, dandiset, folder, "--yes", "--jobs", "1"), env=environment(site, folder.parent), stdout=subprocess.DEVNULL
    )
    site.faults.kill = client.kill
    assert client.wait(120) != 0
    sent = site.faults.part_bytes
    (file,) = folder.rglob("*.nwb")
    assert sent == 9 * PART
    done = run(site, dandiset, folder, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "of it by an earlier run" in done.stdout
    assert site.faults.part_bytes == file.stat().st_size + PART  # the ninth was cut off, and is sent twice
    assert site.sha256(dandiset) == sha256(folder)
    assert list((folder.parent / "state" / "bergmann" / "uploads").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is of POSIX")
def test_ctrl_c_says_that_the_next_run_goes_on_and_it_does(faulty_archive: Site, folder: Path) -> None:
    site, dandiset = faulty_archive, faulty_archive.new_dandiset()
    site.faults.add(Fault("hang", "part", 5))
    command = words(site, dandiset, folder, "--yes", "--jobs", "1", "--timeout", "2")
    client = subprocess.Popen(
        command, env=environment(site, folder.parent), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: site.faults.struck or None)
    client.send_signal(signal.SIGINT)
    out, err = client.communicate(timeout=60)
    assert client.returncode == 130, out + err
    assert "run the same again, and it goes on from there" in err
    done = run(site, dandiset, folder, "--yes", "--json")
    assert json.loads(done.stdout)["report"]["bytes_resumed"] == 4 * PART
    assert site.sha256(dandiset) == sha256(folder)


def test_two_publishes_of_one_folder_are_kept_apart(faulty_archive: Site, folder: Path) -> None:
    site, dandiset = faulty_archive, faulty_archive.new_dandiset()
    site.faults.add(Fault("hang", "part", "first", times=None))
    first = subprocess.Popen(
        words(site, dandiset, folder, "--yes"), env=environment(site, folder.parent), stdout=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: site.faults.struck or None)
        second = run(site, dandiset, folder, "--yes")
        assert second.returncode == 2
        assert "another publish of this folder is under way" in second.stdout
    finally:
        first.kill()
        first.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is of POSIX")
def test_without_room_for_the_journal_it_goes_on_and_says_so(archive: Site, folder: Path) -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\n"
        "from bergmann.publish import journal\n"
        "from bergmann.cli import main; main()"
    )
    dandiset = archive.new_dandiset()
    arguments = words(archive, dandiset, folder, "--yes")[3:]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment(archive, folder.parent),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "what was sent cannot be noted" in done.stderr
    assert archive.sha256(dandiset) == sha256(folder)


def test_no_output_of_a_failing_run_holds_the_token_or_a_signature(faulty_archive: Site, folder: Path) -> None:
    site, dandiset = faulty_archive, faulty_archive.new_dandiset()
    answer = f"<Error><Code>SignatureDoesNotMatch</Code><Message>{site.token} /x?X-Amz-Signature=deadbeef</Message></Error>"
    site.faults.add(Fault("status", "part", "middle", times=None, status=403, body=answer))
    before = time.time()
    loud = "import logging; logging.basicConfig(level=logging.DEBUG)\nfrom bergmann.cli import main; main()"
    arguments = words(site, dandiset, folder, "--yes", "--json", "--patience", "1")[3:]
    done = subprocess.run(
        [sys.executable, "-c", loud, *arguments],
        env=environment(site, folder.parent),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the store refuses part" in done.stdout
    assert "urllib3" in done.stderr  # it did log
    assert site.faults.struck == 1  # a 403 that is no expiry is not tried again
    written = [path for path in folder.parent.rglob("*") if path.is_file() and path.stat().st_mtime >= before - 1]
    reports = [path for path in written if path.parent.name == "reports"]
    assert len(reports) == 1
    for text in (done.stdout, done.stderr, reports[0].read_text(encoding="utf-8")):
        assert site.token not in text
        assert "X-Amz-Signature" not in text
        assert "deadbeef" not in text
    journals = [path for path in written if path.parent.name == "uploads"]
    assert len(journals) == 1
    assert site.token not in journals[0].read_text(encoding="utf-8")
    if os.name == "posix":
        assert journals[0].stat().st_mode & 0o077 == 0
    assert not [path for path in written if path not in journals and b"X-Amz-Signature" in path.read_bytes()]


def test_an_older_archive_is_sent_metadata_that_it_reads(new_archive: Callable[..., Site], folder: Path) -> None:
    older = ALLOWED_TARGET_SCHEMAS[-2]
    site = new_archive(schema_version=older)
    dandiset = site.new_dandiset()
    done = run(site, dandiset, folder, "--yes", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"sent as {older}" in next(one["message"] for one in document["findings"] if one["check"] == "schema version")
    assert document["verdict"]["valid"] == [nwb_path("1", "a")]
    (asset,) = site.assets(dandiset).values()
    assert asset["metadata"]["schemaVersion"] == older
    again = run(site, dandiset, folder, "--yes", "--json")
    assert [row["standing"] for row in json.loads(again.stdout)["plan"]] == ["same"]


def test_an_archive_that_reads_no_version_of_ours_gets_nothing(new_archive: Callable[..., Site], folder: Path) -> None:
    site = new_archive(schema_version="0.6.0")
    dandiset = site.new_dandiset()
    done = run(site, dandiset, folder, "--yes")
    assert (done.returncode, "reads version 0.6.0 of DANDI's schema" in done.stdout) == (1, True), done.stdout + done.stderr
    assert site.assets(dandiset) == {}


def test_a_dry_run_leaves_the_report_that_was_asked_for(archive: Site, folder: Path) -> None:
    report = folder.parent / "report.json"
    tried = run(archive, archive.new_dandiset(), folder, "--dry-run", "--report", str(report))
    assert tried.returncode == 0, tried.stdout + tried.stderr
    document = json.loads(report.read_text(encoding="utf-8"))
    assert [(row["asset_path"], row["standing"]) for row in document["plan"]] == [(nwb_path("1", "a"), "new")]
    assert "report" not in document


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is of POSIX")
def test_ctrl_c_while_the_archive_validates_ends_the_waiting_and_leaves_the_report(
    new_archive: Callable[..., Site], folder: Path
) -> None:
    site = new_archive(sha256_delay=600)
    dandiset, report = site.new_dandiset(), folder.parent / "report.json"
    client = subprocess.Popen(
        words(site, dandiset, folder, "--yes", "--report", str(report)),
        env=environment(site, folder.parent),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    asked = f"/api/dandisets/{dandiset}/versions/draft/info/"
    served = site.archive
    assert served is not None
    wait_for(lambda: any(seen.path == asked for seen in served.requests) or None)
    client.send_signal(signal.SIGINT)
    out, err = client.communicate(timeout=60)
    assert client.returncode == 130, out + err
    assert "What was sent is in the archive" in err
    document = json.loads(report.read_text(encoding="utf-8"))
    assert [one["result"] for one in document["report"]["assets"]] == ["uploaded"]
    assert len(site.assets(dandiset)) == 1
