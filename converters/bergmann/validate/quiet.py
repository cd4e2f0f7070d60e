"""Tools that talk, made silent: no prints, no warnings, no log, no look into the network, no cache in the user's home."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

from bergmann.writing.naming import dandi_without_traces


@contextmanager
def quietly() -> Iterator[None]:
    """Run the validators without a word; what they find comes back as findings."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # not by logger: dandi sets the levels of its own when it is imported
    try:
        with dandi_without_traces(), warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
