"""How a page or a picture gets onto the disk: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bergmann.errors import WriteError


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A file beside the target, to be written; it becomes the target when all went well, and is removed otherwise.

    Parameters
    ----------
    target : Path
        A file that is there is replaced.

    Raises
    ------
    WriteError
        If there is no such folder, or it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=target.absolute().parent, prefix=f".{target.stem}-", suffix=target.suffix)
    except OSError as error:
        raise WriteError(
            f"{target}: cannot be written ({error.strerror}); is there a folder {target.absolute().parent.name}?"
        ) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        try:
            temporary.chmod(0o644)
            temporary.replace(target)
        except OSError as error:
            raise WriteError(f"{target}: cannot be written ({error.strerror}); is it open in another program?") from error
    finally:
        temporary.unlink(missing_ok=True)
