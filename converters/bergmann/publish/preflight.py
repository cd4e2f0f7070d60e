"""Before the first byte: everything that speaks against publishing a folder, at once, and what the archive will show of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from bergmann.ask.columns import texts_of
from bergmann.disk import is_litter, only_in_cloud, why_away
from bergmann.errors import SourceError
from bergmann.findings import Finding, Severity
from bergmann.publish.assets import Asset, Prepared
from bergmann.publish.dandiset_metadata import FILE, StatedDandiset, stated_in_folder, stated_in_sessions
from bergmann.publish.paths import check_externals, check_paths, merged, read_externals
from bergmann.publish.validated import Remembered
from bergmann.validate import Looking, validate_paths
from bergmann.validate.files import check_readable, find_nwb_files

RECORD = "general/bergmann_conversion"
TABLE = "sessions.tsv"
OURS = frozenset({FILE, TABLE, "waivers.yaml"})
"""Files of a dandiset's folder that are about it and no assets."""

_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)
"""What h5py raises for a file whose bytes are not what they should be."""

OnStep = Callable[[int, int], None]


def prepare(
    folder: Path,
    *,
    instance: str | None = None,
    sessions: Iterable[Path] = (),
    waivers: Path | None = None,
    validated: Iterable[Finding] | None = None,
    on_step: OnStep | None = None,
) -> Prepared:
    """Look through a folder before it is published. Nothing is written, and nothing is asked of the network.

    Parameters
    ----------
    folder : Path
        The local dandiset: NWB files, and the videos that they name.
    instance : str, optional
        The archive that it is for; None for a folder on disk.
    sessions : iterable of Path
        Session files, or folders of them, whose `dandiset:` blocks describe the dandiset; without them its ``dandiset.yaml`` does.
    waivers : Path, optional
        As for `bergmann.validate.validate_paths`.
    validated : iterable of Finding, optional
        What `validate_paths` has just found in these files, if it need not be asked again.
    on_step : callable (steps done, steps in all), optional
        Told twice of each file: once it is validated, and once its proof is checked.

    Returns
    -------
    Prepared
        With every reason against publishing among its findings.

    Raises
    ------
    SourceError
        If there is no such folder, or no NWB file or session file in it.
    SessionError
        If the waivers cannot be read.
    """
    from bergmann.validate.quiet import quietly

    if not folder.is_dir():
        raise SourceError(f"{folder}: there is no such folder; name the folder of a local dandiset")
    folder = folder.resolve()
    stating = tuple(sessions)
    described = stated_in_sessions(stating) if stating else stated_in_folder(folder)
    files = find_nwb_files([folder])
    before = {file: _stamp(file) for file in files}
    unreadable = {file: found for file in files if (found := tuple(check_readable(file)))}
    readable = [file for file in files if file not in unreadable]
    step = _counting(len(readable) * (2 if validated is None else 1), on_step)
    findings = [*archive_findings(folder, files, unreadable, waivers, validated, step), *described.findings]
    with quietly():
        looked = [_look_at(file, folder) for file in _stepping(readable, step)]
        findings += [one for file in looked for one in file.findings]
        media = merged(file.externals for file in looked)
        named = {file.relative_to(folder).as_posix(): file for file in readable} | media
        findings += [*check_paths([*named, *(file.relative_to(folder).as_posix() for file in unreadable)])]
        findings += [*_check_disk(named), *_check_left_out(folder, {*named.values(), *unreadable}), *_check_copies(looked)]
        before |= {path: _stamp(path) for path in media.values()}
        made = [_asset(named[path], path, before[named[path]]) for path in sorted(named)]
        assets = tuple(one for one in made if isinstance(one, Asset))
        said = {one.location for one in findings if one.check == "dandi.metadata" and one.severity == "error"}
        findings += [one for one in made if isinstance(one, Finding) and one.location.rpartition("/")[2] not in said]
        predictions, doubts = _predictions(assets)
    findings += [*doubts, *_check_unchanged(assets), *_check_described(described, instance)]
    return Prepared(folder, assets, described.document, predictions, tuple(dict.fromkeys(findings)))


Step = Callable[[], None]


def _counting(total: int, on_step: OnStep | None) -> Step:
    """A function that tells, each time it is called, that one step more is done."""
    numbers = count(1)

    def step() -> None:
        if on_step is not None:
            on_step(next(numbers), total)

    return step


def _stepping(files: Iterable[Path], step: Step) -> Iterator[Path]:
    for file in files:
        yield file
        step()


def _error(check: str, location: str, message: str, remedy: str = "") -> Finding:
    return _said("error", check, location, message, remedy)


def _said(severity: Severity, check: str, location: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity=severity, check=check, location=location, message=message, remedy=remedy)


# --- each file --------------------------------------------------------------------------------------------------------


def archive_findings(
    folder: Path,
    files: Iterable[Path],
    unreadable: Mapping[Path, tuple[Finding, ...]],
    waivers: Path | None,
    validated: Iterable[Finding] | None,
    step: Step,
) -> tuple[Finding, ...]:
    """What the validators say of the files, what is waived as notes: the one place that says by which profile they are judged.

    Files that have not changed since they were validated are not validated again; a note says so of each.
    """
    if validated is not None:
        return tuple(validated)
    if len(unreadable) == len(tuple(files)):
        return tuple(one for found in unreadable.values() for one in found)
    remembered = Remembered("archive")

    def remembering(file: Path, look: Looking) -> list[Finding]:
        found = remembered(file, look)
        step()
        return found

    return (*validate_paths([folder], waivers, "archive", remembering=remembering), *remembered.notes(folder))


def proof_findings(path: Path, location: str) -> Iterator[Finding]:
    """Whether a file carries what proves it: the one place that says what counts as proof.

    Yields
    ------
    Finding
        A warning for a file that bergmann did not write, of which nothing proves that it is equal to its sources; of one that it
        wrote, an error for each object that is not what was proved.
    """
    import h5py

    from bergmann.proof.verify import verify_file

    with h5py.File(path, "r") as file:
        is_ours = RECORD in file
    if is_ours:
        yield from verify_file(path)
    else:
        message = "it carries no proof: bergmann did not write it, so nothing says that it is equal to its sources"
        yield _said("warning", "proof", location, message, "look at it yourself; it is published as it is")


@dataclass(frozen=True)
class _Looked:
    """What was seen in one NWB file."""

    path: str
    identity: tuple[str, str, str]
    externals: Mapping[str, Path]
    findings: tuple[Finding, ...]


def _look_at(path: Path, folder: Path) -> _Looked:
    location = path.relative_to(folder).as_posix()
    try:
        return _read(path, folder, location)
    except _DAMAGE as damage:
        found = _error("unreadable", location, f"it is damaged: {damage}", "convert or download it again, it may be cut off")
        return _Looked(location, ("", "", ""), {}, (found,))


def _read(path: Path, folder: Path, location: str) -> _Looked:
    found, wrong = check_externals(path, folder, read_externals(path))
    identity, arm, keywords = _read_head(path)
    findings = (*proof_findings(path, location), *wrong, *_check_blinded(location, arm), *_check_excluded(location, keywords))
    return _Looked(location, identity, found, findings)


def _read_head(path: Path) -> tuple[tuple[str, str, str], str, tuple[str, ...]]:
    """Identifier, subject and session of a file, its arm, and its keywords; empty where it does not say."""
    import h5py

    with h5py.File(path, "r") as file:
        texts = [_text(file.get(key)) for key in ("identifier", "general/subject/subject_id", "general/session_id")]
        glial = file.get("general/glial_receptor_metadata")
        arm = "" if glial is None else str(glial.attrs.get("arm", ""))
        keywords = texts_of(file.get("general"), "keywords")
    return (texts[0], texts[1], texts[2]), arm, keywords


def _text(dataset: Any) -> str:
    if dataset is None or dataset.shape != ():
        return ""
    value = dataset[()]
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _check_blinded(location: str, arm: str) -> Iterator[Finding]:
    if arm == "blinded":
        message = "its arm is blinded, and the archive is for good"
        yield _error("blinded", location, message, "convert it again with the key: bergmann convert --arms arms.csv --overwrite")


def _check_excluded(location: str, keywords: Iterable[str]) -> Iterator[Finding]:
    """Check that the file does not say of itself, as `convert --include-excluded` has it, that it is not to be used."""
    if "excluded" in keywords:
        message = "it says of itself that it is not to be analysed or published (`session.exclude`)"
        yield _said("warning", "excluded", location, message, "take it out of the folder, unless others are to see it as it is")


def _check_copies(files: Iterable[_Looked]) -> Iterator[Finding]:
    """Check that no session is there twice."""
    by_identifier: dict[str, list[str]] = defaultdict(list)
    by_session: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        identifier, subject, session = file.identity
        by_identifier[identifier].append(file.path)
        if subject and session:
            by_session[subject, session].append(file.path)
    for identifier, paths in by_identifier.items():
        if identifier and len(paths) > 1:
            message = f"{' and '.join(paths)} have one identifier ({identifier}), so they are the same file twice"
            yield _error("copy", paths[-1], message, "take one of them out of the folder")
    for (subject, session), paths in by_session.items():
        if len(paths) > 1:
            message = f"{' and '.join(paths)} both say that they are session {session} of {subject}"
            yield _said("warning", "copy", paths[-1], message, "is one of them an older file of it?")


# --- all files --------------------------------------------------------------------------------------------------------


def _check_disk(named: Mapping[str, Path]) -> Iterator[Finding]:
    away = set(only_in_cloud(named.values()))
    for name, path in sorted(named.items()):
        if path in away:
            yield _error("cloud", name, why_away(path, path.stat()))


def _check_left_out(folder: Path, taken: set[Path]) -> Iterator[Finding]:
    """Say what lies in the folder and is not published: videos that no file names, and all else."""
    from dandi.consts import IMAGE_FILE_EXTENSIONS, VIDEO_FILE_EXTENSIONS

    media: list[str] = []
    others: list[str] = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if any(part.startswith(".") for part in inside.parts) or not path.is_file() or path in taken or is_litter(path.name):
            continue
        if inside.as_posix() not in OURS:
            is_medium = path.suffix.lower() in (*VIDEO_FILE_EXTENSIONS, *IMAGE_FILE_EXTENSIONS)
            (media if is_medium else others).append(inside.as_posix())
    for name in media:
        yield _said("warning", "left out", name, "no NWB file names it, so it is not published", "remove it, if it is left over")
    for name in others:
        yield _said("note", "left out", name, "it is neither an NWB file nor named by one, so it is not published")


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _asset(path: Path, asset_path: str, stamp: tuple[int, int]) -> Asset | Finding:
    from bergmann.publish.prediction import asset_metadata

    size, modified = stamp
    try:
        metadata = asset_metadata(path, asset_path)
    except Exception as failure:  # noqa: BLE001 - whatever dandi or dandischema raise is the finding
        lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
        message = f"dandi cannot make its metadata of the file: {' '.join(lines[:3]) or type(failure).__name__}"
        return _error("dandi.metadata", asset_path, message, "mend what it says in the session file, and convert again")
    return Asset(path, asset_path, metadata, size, modified=modified)


def _predictions(assets: Iterable[Asset]) -> tuple[tuple[Any, ...], list[Finding]]:
    from bergmann.publish.prediction import check_prediction, predict

    predictions = tuple(predict(asset) for asset in assets if asset.path.suffix.lower() == ".nwb")
    return predictions, [one for prediction in predictions for one in check_prediction(prediction)]


def _check_unchanged(assets: Iterable[Asset]) -> Iterator[Finding]:
    for asset in assets:
        if asset.has_changed:
            message = "it changed while it was looked at"
            yield _error("changed", asset.asset_path, message, "wait until whatever writes it is done, then run this again")


def _check_described(described: StatedDandiset, instance: str | None) -> Iterator[Finding]:
    if described.document is None and not described.findings:
        stays = "what the archive has of it stays" if instance is not None else f"{FILE} is a draft"
        message = f"nothing is stated of the dandiset itself; {stays}"
        yield _said(
            "note", "dandiset metadata", FILE, message, "state `dandiset:` in a session file's overlay: --sessions FILE.yaml"
        )
