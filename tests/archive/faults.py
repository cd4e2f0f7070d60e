"""Put a client through every fault at every step of an upload, and count what became of the file.

    python tests/archive/faults.py [--folder DIR] [--table FILE] [--jobs N] [--only TEXT] -- COMMAND...

COMMAND is the client with its arguments; ``{api}``, ``{dandiset}`` and ``{folder}`` stand for the archive's address, the six
digits and the folder to upload. If its first word is ``module:function``, that function is run in a fork of one process that has
imported it (not on Windows). The released client and ours:

    ... faults.py -- dandi.cli.command:main upload -i {api} --existing refresh --validation skip {folder}
    ... faults.py --folder DIR -- bergmann.cli:main publish {folder} --dandiset {dandiset} --instance {api} --yes

Every case is a fresh archive and a fresh copy of the folder. A case that is not finished by its first run is run again with
nothing in the way, as a person would.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from clients import Command, Nursery, Running  # noqa: E402 - beside this script, which is run by itself
from loopback.faulty import faulty_site  # noqa: E402
from loopback.folders import nwb_path, state_dandiset, write_nwb  # noqa: E402
from loopback.proxy import Fault, Kind, Position, Step  # noqa: E402
from loopback.settings import Settings  # noqa: E402
from loopback.site import Site  # noqa: E402

PART = 64 * 1024
DANDISET = "000001"  # of every fresh archive
PLACES: tuple[tuple[Step, Position | None], ...] = (
    ("initialize", None),
    ("part", "first"),
    ("part", "middle"),
    ("part", "last"),
    ("complete", None),
    ("finish", None),
    ("validate", None),
    ("asset", None),
)
EVERYWHERE: tuple[Kind, ...] = ("reset", "hang", "trickle", "truncated", "lost")
STATUSES = (500, 429)  # of archive and store
OF_THE_STORE = {
    400: "<Error><Code>RequestTimeout</Code></Error>",
    403: "<Error><Code>AccessDenied</Code></Error>",
}
FIRST = ("finished", "error", "error, all there", "hung", "killed", "false")  # how a first run can end: see `Outcome`
TIMES = {1: "once", 3: "three times", None: "always"}


def cases() -> Iterator[Fault]:
    """Every fault of the matrix, then the client killed at every step before and after the server acts."""
    store = [(step, part) for step, part in PLACES if step in {"part", "finish"}]
    for times in TIMES:
        for status in STATUSES:
            later = {"Retry-After": "1"} if status == 429 else {}
            yield from (Fault("status", step, part, times=times, status=status, headers=later) for step, part in PLACES)
        for status, body in OF_THE_STORE.items():
            yield from (Fault("status", step, part, times=times, status=status, body=body) for step, part in store)
        for kind in EVERYWHERE:
            yield from (Fault(kind, step, part, times=times) for step, part in PLACES)
        yield from (Fault("wrong etag", step, part, times=times) for step, part in store)
        yield from (Fault("corrupted", step, part, times=times) for step, part in store if step == "part")
    for kind in ("killed before", "killed after"):
        yield from (Fault(kind, step, part, times=1) for step, part in PLACES)


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Parameters
    ----------
    kind, place, times : str
        The fault.
    first : str
        How the first run ended: ``finished``, ``error`` (exit status not 0), ``error, all there`` (the archive has every file, and
        the client says that it failed), ``hung`` (ended by the time limit), ``killed``, or ``false`` (exit status 0, and the
        archive has not every file once).
    then : str
        The same of the run after it, without faults; empty where the first finished.
    struck : int
        Requests that the fault struck.
    sent_first, sent : int
        Bytes of parts that the client sent in the first run, and in both.
    size : int
        Bytes of the files.
    left : int
        Unfinished uploads that stay in the dandiset.
    """

    kind: str
    place: str
    times: str
    first: str
    then: str
    struck: int
    sent_first: int
    sent: int
    size: int
    left: int

    @property
    def finished(self) -> bool:
        return "finished" in {self.first, self.then}


Start = Callable[[Site, Path, Path, Path], Running]


def run_case(fault: Fault, template: Path, start: Start, limit: float, logs: Path) -> Outcome:
    """Upload a copy of `template` through one fault; again, without, where that does not finish it."""
    kind, place, times = name_of(fault)
    log = logs / f"{kind}-{place}-{times}.log".replace(" ", "_")
    with ExitStack() as stack:
        site = stack.enter_context(faulty_site(Settings(part_size=PART)))
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shutil.copytree(template, work / "files" / DANDISET)
        (work / "home").mkdir()
        expected = contents(work / "files")
        if site.new_dandiset() != DANDISET:
            raise AssertionError("a fresh archive numbers its dandisets from one")

        def run() -> str:
            client = start(site, work / "files" / DANDISET, work / "home", log)
            site.faults.kill = client.kill
            status = client.wait(limit)
            if status is None:
                client.kill()
                client.wait(60)
            return ending(status, all_there(site, expected), killed=fault.kind.startswith("killed"))

        site.faults.add(fault)
        first = run()
        sent_first, struck = site.faults.part_bytes, site.faults.struck
        site.faults.clear()
        then = run() if first != "finished" else ""
        left = site.call("GET", f"/dandisets/{DANDISET}/uploads/").json()["count"]
        size = sum(file.stat().st_size for file in (work / "files").rglob("*.nwb"))
        return Outcome(kind, place, times, first, then, struck, sent_first, site.faults.part_bytes, size, left)


def name_of(fault: Fault) -> tuple[str, str, str]:
    """What goes wrong, where and how often, as it stands in the table."""
    kind = f"status {fault.status}" if fault.kind == "status" else fault.kind
    return kind, f"{fault.step} ({fault.part})" if fault.part else fault.step, TIMES[fault.times]


def ending(status: int | None, complete: bool, *, killed: bool) -> str:
    if status is None:
        return "hung"
    if status == 0:
        return "finished" if complete else "false"
    if killed and status < 0:
        return "killed"
    return "error, all there" if complete else "error"


def contents(folder: Path) -> Counter[str]:
    """The SHA-256 of the NWB files of a folder."""
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.nwb"))


def all_there(site: Site, expected: Counter[str]) -> bool:
    """Whether the archive has each NWB file exactly once, with the digest that it computed itself."""
    digests = site.sha256(DANDISET)
    return Counter(digest for path, digest in digests.items() if path.endswith(".nwb")) == expected


def starter(words: Sequence[str], stack: ExitStack) -> Start:
    """How a run of the client is started."""

    def filled(site: Site, folder: Path) -> list[str]:
        return [word.format(api=site.api_url, dandiset=DANDISET, folder=folder) for word in words]

    if ":" not in words[0]:
        return lambda site, folder, home, log: Command(filled(site, folder), site.environment(home), folder, log)
    home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    with faulty_site(Settings(part_size=PART)) as site:
        environment = {key: value for key, value in site.environment(home).items() if key != site.token_variable}
    nursery = Nursery(words[0], environment)
    stack.callback(nursery.close)
    return lambda site, folder, home, log: nursery.start(filled(site, folder)[1:], site.environment(home), folder, log)


def table(rows: Sequence[Outcome], words: Sequence[str], limit: float) -> str:
    """The outcomes as a page of Markdown: how many a kind of fault, then every case that did not finish at once."""
    size = rows[0].size
    lines = [
        f"# What faults do to {client_of(words)}",
        "",
        f"Made by `faults.py -- {' '.join(words)}`.",
        f"Every case uploads {size:,} bytes in parts of {PART:,} to a fresh archive. A run of {limit:g} s is ended: `hung`. Where",
        "the first run did not finish, the next has nothing in its way. `error, all there`: the client says that it failed,",
        "and the archive has the file. `false`: it says that it finished, and the archive has not every file exactly once.",
        "`status 400` is S3's RequestTimeout; `status 429` says `Retry-After: 1`.",
        "",
        f"| fault | cases | {' | '.join(FIRST)} | finished by the next run | not finished "
        "| bytes sent / bytes of the file: mean | worst | orphans left |",
        "|---" * 13 + "|",
    ]
    groups: dict[str, list[Outcome]] = {}
    for row in rows:
        groups.setdefault(f"{row.kind}, {row.times}", []).append(row)
    for name, group in [*groups.items(), ("**all**", rows)]:
        lines.append(_row(name, group))
    lines += [
        "",
        "Cases that the first run did not finish:",
        "",
        "| fault | at | first run | next run | bytes sent / bytes of the file |",
    ]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| {row.kind}, {row.times} | {row.place} | {row.first} | {row.then} | {row.sent / row.size:.2f} |"
        for row in rows
        if row.first != "finished"
    ]
    idle = [f"{row.kind}, {row.times} at {row.place}" for row in rows if row.struck == 0]
    if idle:
        lines += ["", f"Never struck, as the client did not ask: {'; '.join(idle)}."]
    return "\n".join(lines) + "\n"


def client_of(words: Sequence[str]) -> str:
    """The client's name and, if it is a Python function, its version."""
    if ":" not in words[0]:
        return Path(words[0]).name
    package = words[0].partition(".")[0]
    return f"{package} {version(package)}"


def _row(name: str, group: Sequence[Outcome]) -> str:
    first = Counter(row.first for row in group)
    sent = [row.sent / row.size for row in group]
    again = sum(row.first != "finished" and row.then == "finished" for row in group)
    ended = [first[how] for how in FIRST]
    bytes_sent = [f"{sum(sent) / len(sent):.2f}", f"{max(sent):.2f}"]
    cells = [len(group), *ended, again, sum(not row.finished for row in group), *bytes_sent, sum(row.left for row in group)]
    return f"| {name} | {' | '.join(map(str, cells))} |"


def made_folder(folder: Path) -> Path:
    """One NWB file of five parts, and the name of its dandiset."""
    write_nwb(folder / nwb_path("1", "a"), "1", "a", 100_000)
    state_dandiset(folder, DANDISET)
    return folder


def main() -> None:
    """Run the matrix."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="what to upload; without it, one NWB file of five parts is made")
    parser.add_argument("--table", type=Path, help="where to write the table; without it, it is printed")
    parser.add_argument("--jobs", type=int, default=8, help="cases at a time (most of them wait)")
    parser.add_argument("--limit", type=float, default=120, help="seconds after which a run counts as hung")
    parser.add_argument("--only", default="", help="cases whose name has this text, such as 'lost' or 'finish'")
    parser.add_argument("--results", type=Path, help="a file of JSON lines that keeps the outcomes: what is in it is not run again")
    parser.add_argument("--logs", type=Path, default=Path(tempfile.gettempdir()) / "faults", help="where the client's output goes")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    chosen = [fault for fault in cases() if asked.only in " ".join(name_of(fault))]
    if not chosen:
        parser.error(f"no case has {asked.only!r} in its name, such as {' '.join(name_of(next(cases())))!r}")
    asked.logs.mkdir(parents=True, exist_ok=True)
    kept_before = asked.results.read_text().splitlines() if asked.results and asked.results.exists() else []
    known = [Outcome(**json.loads(line)) for line in kept_before]
    done = {(row.kind, row.place, row.times) for row in known}
    with ExitStack() as stack:
        template = asked.folder or made_folder(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        start = starter(asked.command, stack)

        def run(fault: Fault) -> Outcome:
            outcome = run_case(fault, template, start, asked.limit, asked.logs)
            if asked.results:
                with asked.results.open("a") as kept:
                    kept.write(json.dumps(asdict(outcome)) + "\n")
            print(outcome, file=sys.stderr, flush=True)
            return outcome

        waiting = [fault for fault in chosen if name_of(fault) not in done]
        with ThreadPoolExecutor(asked.jobs) as pool:
            outcomes = {(row.kind, row.place, row.times): row for row in [*known, *pool.map(run, waiting)]}
    in_order = [outcomes[name_of(fault)] for fault in cases() if name_of(fault) in outcomes]
    text = table(in_order, asked.command, asked.limit)
    asked.table.write_text(text) if asked.table else print(text)


if __name__ == "__main__":
    main()
