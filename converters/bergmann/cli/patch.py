"""`bergmann patch`: stated values of a written file mended, without converting again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bergmann.cli.output import (
    FINDINGS,
    GOOD,
    UNUSABLE,
    count_of,
    json_option,
    print_findings,
    print_json,
    print_table,
    say,
    show,
)
from bergmann.errors import BergmannError, SessionError
from bergmann.findings import Finding

if TYPE_CHECKING:
    from bergmann.patch import Patch


@click.command(name="patch")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("settings", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option("--because", required=True, metavar="TEXT", help="Why; it stands in the file, beside what was there before.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--session",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The session file, to say which line to mend, if it is not near the NWB file.",
)
@json_option
def command(
    file: Path, settings: tuple[str, ...], because: str, dry_run: bool, yes: bool, session: Path | None, as_json: bool
) -> None:
    """Mend what is stated in a file that bergmann wrote: `subject.age=P11W`, `drugs.capsaicin.dose="5 ug"`.

    Keys and values are those of a session file. All that follows of them is mended, too: keywords, external references, texts for
    tools that know no extension, the file's name where an id is another. Everything else is proved to stay as it was.

    \b
    subject       id species sex born age genotype strain weight description
    session       id description
    (by itself)   experimenter institution lab experiment_description keywords
                  related_publications protocol notes
    drugs.NAME    compound action dose volume vehicle route site description
    receptors.NAME, populations.NAME, vectors.NAME, procedures.NAME, expression.NAME

    What times, sources, light or imaging depend on is refused, with what to do.
    """  # noqa: D301  \b is click's
    from bergmann.patch import carry_out, prepare

    try:
        patch = prepare(file, settings, because)
        lines = _lines(patch, session)
        if dry_run or not yes:
            _show(patch, lines, as_json=as_json, is_made=False)
        if not dry_run and not yes and not _agreed(as_json):
            sys.exit(UNUSABLE)
        if dry_run:
            sys.exit(GOOD)
        target, found = carry_out(patch, on_step=say)
    except SessionError as error:
        _fail(error.findings, as_json)
    except BergmannError as error:
        if as_json:
            print_json({"error": str(error), "findings": []})
        else:
            show(str(error))
        sys.exit(UNUSABLE)
    _done(patch, target, (*found, *lines), as_json=as_json, is_shown=not yes)


def _lines(patch: Patch, session: Path | None) -> tuple[Finding, ...]:
    from bergmann.patch.beside import lines_to_mend

    return lines_to_mend(patch, session)


def _fail(findings: tuple[Finding, ...], as_json: bool) -> None:
    if as_json:
        print_json({"findings": [one.as_dict() for one in findings]})
    else:
        print_findings(findings)
        show("Nothing was changed.")
    sys.exit(FINDINGS)


def _show(patch: Patch, lines: tuple[Finding, ...], *, as_json: bool, is_made: bool) -> None:
    if as_json:
        if not is_made:
            print_json(patch.as_dict() | {"made": False, "session_file": [one.as_dict() for one in lines]})
        return
    print_table(("stated", "was", "will be"), [(one.key, one.old or "-", one.new or "-") for one in patch.changes])
    show("\nWhat follows of it in the file:")
    for edit in patch.edits:
        show(f"  /{edit.place}")
        show(f"    - {_value(edit.old)}")
        show(f"    + {_value(edit.new)}")
    if patch.with_references:
        show("  /general/external_resources (what names stand for)")
    if patch.target is not None:
        show(f"  the file becomes {patch.target.as_posix()}, and the folder of its videos is renamed with it")
    show(f"\n{_upload(patch)}")
    print_findings((*patch.findings, *lines))


def _value(value: Any) -> str:
    if value is None:
        return "(nothing)"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _upload(patch: Patch, size: int | None = None) -> str:
    """What an upload of the changed file costs; an archive knows files by the digest of all their bytes.

    Parameters
    ----------
    patch : Patch
    size : int, optional
        Bytes of the changed file, once it is there.
    """
    renamed = (
        " Under its new name it is another asset: the old one stays in the archive until it is removed there."
        if patch.target
        else ""
    )
    cost = f"{patch.upload:,} bytes, and some hundred thousand that the change adds" if size is None else f"{size:,} bytes"
    return (
        f"If the file is published already: to upload it again sends all of its {cost}, in "
        f"{count_of(patch.parts_of(size or patch.upload), 'part')} of up to 64 MiB, however small the change is; its videos are "
        f"not sent again.{renamed}"
    )


def _agreed(as_json: bool) -> bool:
    """Whether a person agrees; where nobody can be asked, it is not agreed."""
    if as_json or not sys.stdin.isatty():
        say("Nothing was changed: nobody can be asked here. Say --yes, or --dry-run")
        return False
    if click.confirm("Change the file?", err=True):
        return True
    say("Nothing was changed.")
    return False


def _done(patch: Patch, target: Path, findings: tuple[Finding, ...], *, as_json: bool, is_shown: bool) -> None:
    if as_json:
        document = patch.as_dict() | {"made": True, "file": target.as_posix(), "upload_bytes": target.stat().st_size}
        print_json(document | {"findings": [one.as_dict() for one in (*patch.findings, *findings)]})
        sys.exit(GOOD)
    if not is_shown:
        print_table(("stated", "was", "is"), [(one.key, one.old or "-", one.new or "-") for one in patch.changes])
        print_findings((*patch.findings, *findings))
    else:
        print_findings(one for one in findings if one.check == "patch" and one.severity == "note")
    show(_upload(patch, target.stat().st_size))
    show(f"Changed: {target}")
    sys.exit(GOOD)
