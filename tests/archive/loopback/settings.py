"""What a test may choose about its archive."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Settings:
    """The choices; the real archive's values are named beside each.

    Parameters
    ----------
    part_size : int
        Bytes of a part (64 MiB). A client finds the size in the answer to initialize, and must compute its ETag with the same.
    max_parts : int
        A file of so many parts or more gets larger parts (10,000).
    url_lifetime : int
        Seconds that a presigned URL lives (7 days).
    sha256_delay : float
        Seconds between validate and the archive's own SHA-256 of the blob (a queue; minutes under load).
    validation_delay : float
        Seconds between two rounds of background validation (60).
    finished_twice : bool
        Whether the store answers the completion of an upload that is complete already as it did the first time; else with 404
        (S3 servers differ).
    schema_version : str | None
        The archive's version of the DANDI schema; None takes that of the installed dandischema.
    """

    part_size: int = 64 * MIB
    max_parts: int = 10_000
    url_lifetime: int = 7 * 86_400
    sha256_delay: float = 0.1
    validation_delay: float = 0.1
    finished_twice: bool = True
    schema_version: str | None = None
