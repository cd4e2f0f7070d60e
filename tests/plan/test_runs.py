"""Runs: sources stated once, recorded several times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bergmann.moments import Moment
from bergmann.plan.session import LoadedSession, dependencies
from bergmann.stated import Quantity, Ref

Load = Callable[..., LoadedSession]

SLICE = """\
session: {id: s2c1, description: Puffs before and during prazosin., start: from base_daq}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
time_zone: Asia/Seoul
devices: {scope: {model: Example 2P}}
planes: {bg: {device: scope, excitation: 920 nm}}
runs:
  base: {movie: TSeries-1395, patch: 19125000.h5}
  praz: {movie: TSeries-1398, patch: "<subject_id>/19125001.h5"}
sources:
  movie: {format: scope, plane: bg, clock: patch/IN 1}
  patch: {format: daq}
  puffs: {format: channel, of: patch/IN 2, event: puff}
  rois: {format: follower, of: movie, plane: bg}
  camera: {format: scope, path: cam.tif, plane: bg, starts: 2 s after patch in praz}
drugs:
  prazosin: {at: 10 min after movie in praz}
  phenylephrine: {at: each event of puffs}
"""


def said(loaded: LoadedSession) -> list[str]:
    return [finding.text for finding in loaded.findings]


def test_each_source_of_a_run_is_one_of_its_own(load: Load, tmp_path: Path) -> None:
    loaded = load(SLICE)
    assert said(loaded) == []
    of_runs = [f"{run}_{name}" for run in ("base", "praz") for name in ("movie", "patch", "puffs", "rois")]
    assert list(loaded.sources) == ["camera", *of_runs]
    assert loaded.runs.sources["praz"] == {name: f"praz_{name}" for name in ("movie", "patch", "puffs", "rois")}
    assert loaded.start_source == "base_patch"
    movie, puffs, rois = (loaded.sources[f"praz_{name}"] for name in ("movie", "puffs", "rois"))
    assert (movie.run, movie.clock, movie.source.path) == ("praz", Ref("praz_patch", "IN 1"), tmp_path / "TSeries-1398")  # type: ignore[attr-defined]
    assert puffs.source.of == Ref("praz_patch", "IN 2")  # type: ignore[attr-defined]
    assert rois.source.of == Ref("praz_movie")  # type: ignore[attr-defined]
    assert loaded.sources["praz_patch"].source.path == tmp_path / "BG042" / "19125001.h5"  # type: ignore[attr-defined]
    assert loaded.sources["camera"].run is None
    assert dependencies(loaded.sources["camera"], loaded.runs) == ("praz_patch",)
    assert loaded.order.index("praz_patch") < loaded.order.index("camera")
    assert set(loaded.order) == set(loaded.sources)


def test_a_clock_that_is_a_map_is_of_the_run_too(load: Load) -> None:
    loaded = load(SLICE.replace("clock: patch/IN 1", "clock: {line: patch/IN 1, extrapolate: 50 ms}"))
    assert said(loaded) == []
    movie = loaded.sources["praz_movie"]
    assert movie.line is not None
    assert (movie.clock, movie.line.extrapolate) == (Ref("praz_patch", "IN 1"), Quantity(50, "ms"))
    assert {"praz_movie", "praz_rois"} <= set(loaded.sources)


def test_what_a_source_of_a_run_says_is_where_it_was_written(load: Load) -> None:
    loaded = load(SLICE)
    assert loaded.place("sources.base_movie") == "session.yaml:7 runs.base.movie"
    assert loaded.place("sources.base_movie.path") == "session.yaml:7 runs.base.movie"
    assert loaded.place("sources.base_movie.plane") == "session.yaml:10 sources.movie.plane"
    assert loaded.place("sources.base_movie.starts") == "session.yaml:10 sources.movie.starts"
    assert loaded.place("sources.praz_puffs") == "session.yaml:12 sources.puffs"
    assert loaded.place("sources.camera.path") == "session.yaml:14 sources.camera.path"


def test_paths_of_runs_are_relative_to_the_document_that_states_them(load: Load, tmp_path: Path) -> None:
    (tmp_path / "days").mkdir()
    (tmp_path / "days" / "a.yaml").write_text("runs: {base: {patch: 'rec\\0.h5'}}\n", encoding="utf-8")
    loaded = load("use: days/a.yaml\n" + SLICE.replace(", patch: 19125000.h5", ""))
    assert said(loaded) == []
    assert loaded.sources["base_patch"].source.path == tmp_path / "days" / "rec" / "0.h5"  # type: ignore[attr-defined]
    assert loaded.place("sources.base_patch.path") == "a.yaml:1 runs.base.patch"


def test_a_run_may_state_keys_of_its_own(load: Load) -> None:
    praz = (
        "praz: {movie: {path: b.tif, unit: seconds, starts: 2.5 s after patch}, patch: {path: 1.h5, starts: 20 min after session}}"
    )
    loaded = load(SLICE.replace(SLICE.splitlines()[7].strip(), praz))
    assert said(loaded) == []
    base, praz_movie = loaded.sources["base_movie"], loaded.sources["praz_movie"]
    assert (base.source.unit, praz_movie.source.unit) == ("frames", "seconds")  # type: ignore[attr-defined]
    assert (base.clock, base.starts) == (Ref("base_patch", "IN 1"), None)
    assert (praz_movie.clock, praz_movie.starts) == (None, Moment("2.5 s after patch in praz"))  # the run's word counts
    assert loaded.place("sources.praz_movie.unit") == "session.yaml:8 runs.praz.movie.unit"
    assert loaded.place("sources.praz_movie.plane") == "session.yaml:10 sources.movie.plane"


def test_what_is_absent_in_one_run_takes_along_what_derives_from_it(load: Load) -> None:
    loaded = load(SLICE.replace("movie: TSeries-1398", "movie: {absent: shutter closed}").replace("movie in praz}", "movie}"))
    assert loaded.absent == {"praz_movie": "shutter closed"}
    assert [name for name in loaded.sources if name.startswith("praz")] == ["praz_patch", "praz_puffs"]
    (text,) = said(load(SLICE.replace("movie: TSeries-1398", "movie: {absent: shutter closed}")))
    assert text == (
        "error: session.yaml:16 drugs.prazosin.at: `10 min after movie in praz`: movie is absent in the run praz (shutter closed) "
        "(leave this out, or say that it is absent, too)"
    )


def test_an_event_source_may_be_absent_in_one_run_only(load: Load) -> None:
    loaded = load(SLICE.replace("base: {", "base: {puffs: {absent: no pressure}, "))
    assert said(loaded) == []
    assert loaded.absent == {"base_puffs": "no pressure"}
    assert "praz_puffs" in loaded.sources


def test_what_is_wrong_in_all_runs_is_said_once(load: Load) -> None:
    loaded = load(SLICE.replace("plane: bg, clock", "plane: bh, clock").replace("format: daq", "format: daq, rate: 3"))
    assert [finding.location for finding in loaded.findings] == [
        "session.yaml:11 sources.patch.rate",
        "session.yaml:10 sources.movie.plane",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "movie: TSeries-1398",
            "moive: TSeries-1398",
            "session.yaml:8 runs.praz.moive: there is no `moive` in sources (did you mean `movie`?",
        ),
        ("movie: TSeries-1398", "movie: ???", "session.yaml:8 runs.praz.movie: `???` stands here; it is still to be stated"),
        (
            "patch: 19125000.h5",
            "patch: ???",
            "session.yaml:7 runs.base.patch: `???` stands here; it is still to be stated: the file of",
        ),
        ("movie: TSeries-1398", "movie: [a, b]", "session.yaml:8 runs.praz.movie: this is a list (write one path"),
        (
            "movie: TSeries-1398",
            "movie: {pathh: a}",
            "session.yaml:8 runs.praz.movie.pathh: there is no key `pathh` for Scope file",
        ),
        (
            "movie: TSeries-1398",
            "movie: TSeries-1398, puffs: a.csv",
            "session.yaml:8 runs.praz.puffs: `a.csv`: EventChannel file has no path of its own",
        ),
        (
            "movie: TSeries-1398, ",
            "",
            "session.yaml:16 drugs.prazosin.at: `10 min after movie in praz`: the run praz has no movie (runs that have it: base)",
        ),
        (
            ', patch: "<subject_id>/19125001.h5"',
            "",
            "session.yaml:10 sources.movie.clock: `praz_patch/IN 1`: the run praz has no patch (runs that have it: base)",
        ),
        ("praz: {movie", "praz: x\n  pra: {movie", "session.yaml:8 runs.praz: this is not a map of sources"),
        ("  praz: {movie", "  none: {}\n  praz: {movie", "session.yaml:8 runs.none: the run none lists no source"),
        ("  praz: {movie", "  pra/z: {movie", "session.yaml:8 runs.pra/z: `pra/z` cannot be the name of an object"),
        (
            "  camera: {",
            "  base_movie: {",
            "session.yaml:7 runs.base.movie: movie of the run base is called `base_movie`, and another source has that name",
        ),
        (
            "patch in praz}",
            "patch}",
            "session.yaml:14 sources.camera.path: one path, but patch, which camera takes its times from, is there in each of "
            "base, praz (state it in `runs`, with a path for each run or in the only one that has it: `base: {camera: <path>}`)",
        ),
        (
            "format: daq}",
            "format: daq, path: a.h5}",
            "session.yaml:11 sources.patch.path: each run that has patch states a path of its own, so that this one is never read",
        ),
        (", path: cam.tif", "", "session.yaml:14 sources.camera.path: `path` is missing"),
        ("patch: {format: daq}", "patch: {absent: no rig}", "session.yaml:7 runs.base.patch: `sources` says that patch is absent"),
        (
            "patch in praz}",
            "patch in nosuchrun}",
            "session.yaml:14 sources.camera.starts: `2 s after patch in nosuchrun`: there is no run `nosuchrun` (runs: base, praz)",
        ),
        (
            "movie in praz}",
            "movie}",
            "session.yaml:16 drugs.prazosin.at: `10 min after movie`: movie is in the runs base, praz; which is meant? "
            "(write `movie in base`, say)",
        ),
        (
            "10 min after movie in praz",
            "first event of puffs",
            "session.yaml:16 drugs.prazosin.at: `first event of puffs`: puffs is in the runs base, praz; which is meant?",
        ),
        (
            "movie in praz}",
            "camera in praz}",
            "session.yaml:16 drugs.prazosin.at: `10 min after camera in praz`: `camera` is not among the sources of the run praz",
        ),
        ("from base_daq", "from base_scop", "session.yaml:1 session.start: `from base_scop`: there is no `base_scop` in sources"),
        ("from base_daq", "from camera in praz", "session.yaml:1 session.start: `from camera in praz`: `camera` is not among"),
        (
            "runs:\n  base: {movie: TSeries-1395, patch: 19125000.h5}\n  praz",
            "runs: [a]\nfactors:\n  praz",
            "session.yaml:6 runs: this is",
        ),
    ],
)
def test_a_mistake_with_runs_is_said_with_its_place_and_what_to_do(load: Load, old: str, new: str, expected: str) -> None:
    assert SLICE.count(old) == 1
    found = said(load(SLICE.replace(old, new)))
    assert any(text.startswith(f"error: {expected}") for text in found), found


@pytest.mark.parametrize("text", ["from patch", "from patch in base", "from base_patch", "from base_daq"])
def test_the_session_starts_with_a_source_of_its_first_run(load: Load, text: str) -> None:
    loaded = load(SLICE.replace("from base_daq", text))
    assert said(loaded) == []
    assert loaded.start_source == "base_patch"


def test_the_first_run_must_have_what_the_session_starts_with(load: Load) -> None:
    session = SLICE.replace(
        "  base: {movie: TSeries-1395, patch: ", "  none: {movie: {path: a, starts: '10:41'}}\n  base: {patch: "
    )
    (text,) = said(load(session.replace("from base_daq", "from patch")))
    assert text == (
        "error: session.yaml:1 session.start: `from patch`: the first run, none, has no patch (runs that have it: base, praz)"
    )


@pytest.mark.parametrize(
    "text",
    [
        "start of base", "10 min after praz ends", 'tag "+x" of patch', 'tag "+x" of patch in praz', "frame 200 of movie in praz",
        "first pulse of patch/IN 2 in base", "each event of puffs in praz", "5 min after camera", "last pulse of base_patch/IN 2",
    ],
)  # fmt: skip
def test_a_time_may_refer_to_a_run_and_to_its_sources(load: Load, text: str) -> None:
    assert said(load(SLICE.replace("10 min after movie in praz", f"'{text}'"))) == []


def test_what_is_invalid_is_so_in_all_runs_or_in_one(load: Load) -> None:
    invalid = "invalid: {z: {from: start of praz, to: end of praz, of: [movie, patch in praz, camera], why: focus lost}}\n"
    loaded = load(SLICE + invalid)
    assert said(loaded) == []
    assert [loaded.sources_named(one) for one in loaded.invalid["z"].of] == [
        ("base_movie", "praz_movie"),
        ("praz_patch",),
        ("camera",),
    ]
    (text,) = said(load(SLICE + invalid.replace("patch in praz", "patch in wash")))
    assert text == "error: session.yaml:18 invalid.z.of.1: `patch in wash`: there is no run `wash` (runs: base, praz)"


def test_a_name_with_in_in_it_stays_one_where_no_run_has_that_name(load: Load) -> None:
    plain = SLICE.replace("movie in praz", "PE in ACSF") + "  PE in ACSF: {at: '10:41'}\n"
    assert said(load(plain)) == []
    logger = SLICE.replace("  puffs:", "  logger: {format: daq, path: l.h5, starts: 1 s before session}\n  puffs:")
    assert said(load(logger.replace("10 min after movie in praz", "first pulse of logger/Air in left"))) == []


def test_a_source_that_derives_from_those_of_runs_and_has_no_path_is_said_once(load: Load) -> None:
    loaded = load(SLICE.replace("{format: follower, of: movie,", "{format: scope, starts: 1 s after movie,"))
    (text,) = said(loaded)
    assert text.startswith("error: session.yaml:13 sources.rois.path: `path` is missing")
    assert loaded.incomplete == ("base_rois", "praz_rois")


def test_a_source_that_no_run_has_all_for_is_not_forgotten(load: Load) -> None:
    apart = SLICE.replace("TSeries-1398, patch", "{absent: shutter}, patch").replace("movie in praz", "patch in praz")
    apart = apart.replace(
        "base: {movie: TSeries-1395, patch: 19125000.h5}", "base: {movie: {path: a, starts: '10:41'}, patch: {absent: x}}"
    )
    found = said(load(apart + "  y: {}\n"))
    assert any(text.startswith("error: session.yaml:1 session.start: `from base_daq`") for text in found), found
    apart = apart.replace("of: movie, plane", "of: movie, starts: 1 s after patch, plane")
    assert any(
        text.startswith("error: session.yaml:13 sources.rois: no run has all that rois needs: movie, patch")
        for text in said(load(apart))
    )


def test_a_circle_through_a_run_is_refused(load: Load) -> None:
    found = said(load(SLICE.replace("patch: 19125000.h5", "patch: {path: a.h5, starts: 1 s after base}")))
    assert any("a circle: " in text for text in found), found
