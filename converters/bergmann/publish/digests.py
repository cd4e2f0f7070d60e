"""The digests of a file, made in one pass and remembered while the file is what it was."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import TypeAdapter, ValidationError

from bergmann.ask.cache import SETTLED, Stamp, cache_folder
from bergmann.disk import why_closed
from bergmann.errors import SourceError
from bergmann.publish.progress import unwatched

_PIECE = 4 * 1024 * 1024


@dataclass(frozen=True)
class Digest:
    """What identifies the bytes of a file to an archive.

    Attributes
    ----------
    stamp : Stamp
        The file as it was.
    etag : str
        ``dandi-etag``: MD5 of the MD5s of the parts, and their number.
    sha256 : str
    parts : tuple of str
        MD5 of each part, 32 hexadecimal digits.
    part_sizes : tuple of int
        In bytes.
    """

    stamp: Stamp
    etag: str
    sha256: str
    parts: tuple[str, ...]
    part_sizes: tuple[int, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return self.stamp.size


class FileChangedError(SourceError):
    """A file was changed while it was read or sent."""


@dataclass(frozen=True)
class _Kept:
    path: str
    digest: Digest


_KEPT = TypeAdapter(_Kept)


def part_sizes(size: int) -> tuple[int, ...]:
    """The parts that archives cut a file of `size` bytes into (dandischema's rule: 64 MiB, at most 10,000 parts)."""
    from dandischema.digests.dandietag import PartGenerator

    return tuple(part.size for part in PartGenerator.for_file_size(size))


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file.

    Raises
    ------
    SourceError
        If it cannot be looked at.
    """
    try:
        return Stamp.of(path)
    except OSError as error:
        raise SourceError(f"{path.name}: {why_closed(error)}") from error


def digest_of(path: Path, *, place: Path | None = None, watch: Callable[[int], None] = unwatched) -> Digest:
    """The digests of a file, from the cache if it has not changed since they were made.

    Parameters
    ----------
    path : Path
    place : Path
        Where digests are remembered; by default in the user's cache folder.
    watch : callable
        Told of the number of bytes that were read, piece by piece.

    Raises
    ------
    SourceError
        If the file cannot be read, or is empty, which archives refuse.
    FileChangedError
        If it was changed while it was read.
    """
    stamp = stamp_of(path)
    if stamp.size == 0:
        raise SourceError(f"{path.name}: the file is empty; an archive takes none without bytes")
    sizes = part_sizes(stamp.size)
    kept = _remembered(path, place or cache_folder())
    if kept is not None and kept.stamp == stamp and kept.part_sizes == sizes:
        return kept
    try:
        parts, sha256 = _read(path, sizes, watch)
    except OSError as error:
        raise SourceError(f"{path.name}: {why_closed(error)}") from error
    if stamp_of(path) != stamp:
        raise FileChangedError(
            f"{path.name}: the file changed while it was read; let the program that writes it end, and run this again"
        )
    whole = hashlib.md5(b"".join(bytes.fromhex(part) for part in parts), usedforsecurity=False).hexdigest()
    digest = Digest(stamp, f"{whole}-{len(parts)}", sha256, parts, sizes)
    _remember(path, digest, place or cache_folder())
    return digest


def part_digest(path: Path, first: int, size: int) -> str:
    """MD5 of a piece of a file as it is now."""
    md5 = hashlib.md5(usedforsecurity=False)
    try:
        with path.open("rb") as file:
            file.seek(first)
            while size > 0 and (piece := file.read(min(size, _PIECE))):
                md5.update(piece)
                size -= len(piece)
    except OSError as error:
        raise SourceError(f"{path.name}: {why_closed(error)}") from error
    return md5.hexdigest()


def _read(path: Path, sizes: tuple[int, ...], watch: Callable[[int], None]) -> tuple[tuple[str, ...], str]:
    """MD5 of each part and SHA-256 of the whole, the two on two cores where the file is large."""
    sha256 = hashlib.sha256()
    parts: list[str] = []
    with path.open("rb") as file, ThreadPoolExecutor(1) as beside:
        later = beside.submit(sha256.update, b"")
        for size in sizes:
            md5, left = hashlib.md5(usedforsecurity=False), size
            while left > 0:
                piece = file.read(min(left, _PIECE))
                if not piece:
                    break
                left -= len(piece)
                later.result()
                later = beside.submit(sha256.update, piece)
                md5.update(piece)
                watch(len(piece))
            parts.append(md5.hexdigest())
        later.result()
    return tuple(parts), sha256.hexdigest()


def _entry(path: Path, place: Path) -> Path:
    return place / "publish" / f"{hashlib.sha256(os.fsencode(str(path.resolve()))).hexdigest()[:32]}.json"


def _remembered(path: Path, place: Path) -> Digest | None:
    try:
        kept = _KEPT.validate_json(_entry(path, place).read_bytes())
    except (OSError, ValidationError):
        return None
    return kept.digest if kept.path == str(path.resolve()) else None


def _remember(path: Path, digest: Digest, place: Path) -> None:
    """Keep the digests of a file that has lain still; a cache that cannot be written is no error."""
    if time.time_ns() - max(digest.stamp.modified, digest.stamp.changed) < SETTLED * 1e9:
        return
    entry = _entry(path, place)
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=entry.parent, prefix=".", suffix=".tmp", delete=False) as file:
            try:
                file.write(_KEPT.dump_json(_Kept(str(path.resolve()), digest)))
                file.close()
                Path(file.name).replace(entry)
            except OSError:
                Path(file.name).unlink(missing_ok=True)
    except OSError:
        return
