"""Serve a test archive in a process of its own, to try clients by hand or to measure them against one server.

    python tests/archive/serve.py [--part-size BYTES]

prints one JSON line: the address of the API, a token, the environment variable from which the dandi client takes it, and an empty
dandiset. It ends when its standard input does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from loopback.server import OWNER, Archive
from loopback.settings import MIB, Settings
from loopback.site import Site


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part-size", type=int, default=64 * MIB)
    asked = parser.parse_args()
    with Archive(Settings(part_size=asked.part_size)) as archive:
        site = Site(archive.api_url, OWNER.token, archive)
        told = {"api": site.api_url, "token": site.token, "variable": site.token_variable, "dandiset": site.new_dandiset()}
        print(json.dumps(told), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
