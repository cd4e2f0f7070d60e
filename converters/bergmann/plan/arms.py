"""The key of a blinded study: which animal is in which arm, as a table that only some may see."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from bergmann.errors import SessionError
from bergmann.findings import Finding
from bergmann.plan.overlay import joined
from bergmann.plan.yaml import BLANKS, Place

BLINDED = "blinded"
"""What a session states as its arm while nobody who reads it may know."""

COLUMNS = ("subject", "session", "arm", "document")
"""Columns that are not keys of a session file."""

_NOT_SET = ("subject.id", "session.id", "use", "format_version")
_PATTERNS = ("{}.yaml", "arms/{}.yaml", "arm-{}.yaml")


@dataclass(frozen=True, kw_only=True)
class KeyRow:
    """What the key says of an animal, or of one session of it.

    Attributes
    ----------
    place : Place
        Its line.
    subject : str
    session : str
        Empty for all sessions of the animal.
    arm : str
    document : Path or None
        What the arm states besides, as a part of a session file.
    settings : mapping of str to str
        Single values by dotted key.
    """

    place: Place
    subject: str
    session: str
    arm: str
    document: Path | None
    settings: Mapping[str, str]

    @property
    def said(self) -> object:
        """What it says, wherever it stands."""
        return self.arm, self.document, dict(self.settings)


@dataclass(frozen=True)
class ArmKey:
    """The key of a study.

    Attributes
    ----------
    path : Path
    rows : tuple of KeyRow
    """

    path: Path
    rows: tuple[KeyRow, ...]

    def find(self, subject: str, session: str) -> KeyRow | Finding | None:
        """The row of a session; ids are compared as they are written, so that ``0042`` is not ``42``.

        Returns
        -------
        KeyRow, or Finding, or None
            A finding where several rows are of this session and say different things; None where no row is.
        """
        rows = [row for row in self.rows if row.subject == subject and row.session in ("", session)]
        for row in rows[1:]:
            if row.said != rows[0].said:
                return _error(
                    row.place,
                    f"subject `{subject}` is in lines {rows[0].place.line} and {row.place.line}, which do not say the same",
                    "leave one of the two lines out; a column `session` says which sessions a line is of",
                )
        return rows[0] if rows else None

    def missing(self, subject: str, session: str) -> Finding:
        """That no row is of a session, with what may be the reason."""
        rows = [row for row in self.rows if row.subject == subject]
        if rows:
            lines = ", ".join(str(row.place.line) for row in rows)
            message = f"subject `{subject}` is in line {lines}, but not its session `{session}`"
            return _error(Place(self.path, rows[0].place.line), message, "add a line for it; ids are compared as they are written")
        alike = [row for row in self.rows if _plain(row.subject) == _plain(subject)]
        hint = f"; line {alike[0].place.line} has `{alike[0].subject}`, which is another id" if alike else ""
        remedy = "add it; ids are compared as they are written, and spreadsheet programs drop leading zeros"
        return _error(Place(self.path, 1), f"subject `{subject}` is not in the key{hint}", remedy)


def _plain(text: str) -> str:
    return text.strip().lstrip("0").casefold()


def load_key(path: Path) -> ArmKey:
    """Read the key: a CSV in UTF-8 with the columns ``subject`` and ``arm``.

    Further columns are ``session``, where the arm of an animal is not the same in all its sessions; ``document``, a part of a
    session file that the arm states, relative to the key; and dotted keys such as ``factors.knockdown``, whose cells are values. An
    empty cell says nothing.

    Raises
    ------
    SessionError
        If it cannot be read or is not such a table; with all that is wrong.
    """
    path = path.absolute()
    lines = list(_lines(path, _text(path)))
    if not lines:
        raise SessionError([_error(Place(path, 1), "the key is empty", "expected the columns `subject` and `arm`")])
    (_, header), *rest = lines
    wrong = [*_wrong_header(path, header)]
    if wrong:
        raise SessionError(wrong)
    rows: list[KeyRow] = []
    for line, cells in rest:
        if not any(cells):
            continue
        made = _row(path, line, header, cells)
        if isinstance(made, Finding):
            wrong.append(made)
        else:
            rows.append(made)
    if not rows and not wrong:
        wrong.append(_error(Place(path, 1), "the key has a header and no line", "add a line for each animal"))
    if wrong:
        raise SessionError(wrong)
    return ArmKey(path, tuple(rows))


def _error(place: Place, message: str, remedy: str = "") -> Finding:
    return Finding(severity="error", check="arm", location=place.text, message=message, remedy=remedy)


def _refused(path: Path, message: str, remedy: str) -> SessionError:
    return SessionError([Finding(severity="error", check="unreadable", location=path.name, message=message, remedy=remedy)])


def _text(path: Path) -> str:
    if not path.is_file():
        raise _refused(path, "there is no such file", "name the key of the study, a CSV with the columns `subject` and `arm`")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}", "is it open in another program?") from error
    if content.startswith(b"PK"):
        raise _refused(path, "this is a workbook of a spreadsheet program", "save the sheet as `CSV UTF-8`")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise _refused(path, "this is not UTF-8 but UTF-16 (`Unicode text`), or no text", "save it as `CSV UTF-8`")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refused(path, f"line {line} is not UTF-8; the file is in an older encoding", "save it as `CSV UTF-8`") from error


def _lines(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line on which it begins, its cells without spaces around them."""
    first = next(iter(text.splitlines()), "")
    reader = csv.reader(StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True)
    line = 1
    try:
        for record in reader:
            yield line, [cell.strip() for cell in record]
            line = reader.line_num + 1
    except csv.Error as error:
        message = f"a cell cannot be read ({error})"
        raise SessionError([_error(Place(path, line), message, "is a quotation mark opened and not closed?")]) from error


def _wrong_header(path: Path, header: list[str]) -> Iterator[Finding]:
    found = ", ".join(f"`{name}`" for name in header if name) or "nothing"
    for name in ("subject", "arm"):
        if name not in header:
            remedy = f"its first line has: {found}; expected columns parted by `,` or `;`"
            yield _error(Place(path, 1), f"there is no column `{name}`", remedy)
    for name in dict.fromkeys(header):
        if name and header.count(name) > 1:
            yield _error(Place(path, 1), f"two columns are called `{name}`", "leave one out")
        elif any(name == one or name.startswith(f"{one}.") for one in _NOT_SET):
            yield _error(Place(path, 1), f"a column `{name}`: the key does not say which session a file is of", "leave it out")
        elif not all(name.split(".")) and name:
            yield _error(Place(path, 1), f"a column `{name}`: this is no dotted key", "write it such as `factors.knockdown`")


def _row(path: Path, line: int, header: list[str], cells: list[str]) -> KeyRow | Finding:
    place = Place(path, line)
    if any(cells[len(header) :]):
        return _error(place, f"{len(cells)} cells under {len(header)} columns", "put cells that hold the separator in quotes")
    said = {name: cell for name, cell in zip(header, cells, strict=False) if name and cell}
    if stray := [cell for name, cell in zip(header, cells, strict=False) if cell and not name]:
        return _error(place, f"{len(stray)} filled cells without a header", "give the column a name, or leave it out")
    for name in ("subject", "arm"):
        if said.get(name, "") in BLANKS:
            return _error(place, f"`{name}` is empty", "state it, or leave the line out")
    if said["arm"] == BLINDED:
        return _error(place, f"the key says `{BLINDED}` as the arm", "state the arm, or leave the line out")
    if "document" not in header and (there := _lying_there(path.parent, said["arm"])):
        remedy = "add a column `document` that names it; an empty cell there says that the arm states nothing else"
        return _error(place, f"{there} lies beside the key, which does not say whether the arm's statements are in it", remedy)
    document = joined(path.parent, said["document"]) if "document" in said else None
    if document is not None and not document.is_file():
        return _error(place, f"there is no file {said['document']}", "name it relative to the key")
    return KeyRow(
        place=place,
        subject=said["subject"],
        session=said.get("session", ""),
        arm=said["arm"],
        document=document,
        settings={name: cell for name, cell in said.items() if name not in COLUMNS},
    )


def _lying_there(folder: Path, arm: str) -> str | None:
    """A file beside the key that is called after an arm: it is never taken without being named."""
    if set(arm) & set('/\\<>:"|?*'):
        return None
    return next((name for pattern in _PATTERNS if (folder / (name := pattern.format(arm))).is_file()), None)
