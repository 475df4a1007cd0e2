"""Mining in a process of its own: ``python -m analytics.shortcuts.process FILE``.

FILE is a Parquet table of responses. Each line on standard output is a JSON document: what is done
so far, and at last what was found. It ends when standard input closes, with whoever started it.
"""

from __future__ import annotations

import json
import os
import sys
import threading

import polars as pl

from analytics.shortcuts.mining import mine


def main(file: str) -> None:
    """Mine the responses of a file."""
    threading.Thread(target=_end_with_the_caller, daemon=True).start()

    def progress(what: str, done: int, of: int) -> None:
        print(json.dumps({"what": what, "done": done, "of": of}), flush=True)

    found = mine(pl.read_parquet(file), progress=progress)
    print(json.dumps({"mined": found.to_dict()}), flush=True)


def _end_with_the_caller() -> None:
    while os.read(0, 1 << 16):  # not through a buffer, whose lock would be held at the end
        pass
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
