"""Too little memory is said in a sentence, before the libraries are loaded that cannot say it.

Polars, Arrow and OpenBLAS end the process where they get no memory (``ulimit -v``), and the limit
of a container kills it without a word.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

CORES = os.cpu_count() or 1
STARTS = 1_600, 200
"""Megabytes of address space that loading the libraries takes, and those more for each core:
measured with ``ulimit -v`` on two cores, where ``list`` needs 2,000."""
WORKS = 3_000, 250
"""The same for an import of all bundled runs, which needs 3,500 on two cores."""
RESIDENT = 600
"""Megabytes that a process holds at most over the bundled runs."""
RAN_OUT = (
    "Memory ran out. Import fewer files at once, give the process more (ulimit -v), or lower "
    "OVEROPT_JUDGE_MEMORY_MB. Nothing is half imported."
)
CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def enough() -> None:
    """Go on, go on after a warning, or end with a sentence (exit 1).

    Raises:
        SystemExit: the libraries could not even be loaded.
    """
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    given = None if limit == resource.RLIM_INFINITY else limit / 2**20
    least, wanted = (fixed + each * CORES for fixed, each in (STARTS, WORKS))
    if given is not None and given < least:
        message = f"Too little memory: {_asked(given, wanted)}"
        if "--json" in sys.argv:
            print(json.dumps({"error": message}))
        raise SystemExit(message)
    if given is not None and given < wanted:
        print(f"Little memory, large logs may end this: {_asked(given, wanted)}", file=sys.stderr)
    has = contained()
    if has is not None and has < RESIDENT:
        print(
            f"Little memory: this container has {has:,.0f} MB, {RESIDENT} are asked for. Give it "
            "more (docker run --memory), or it may be killed without a word.", file=sys.stderr,
        )  # fmt: skip


def contained(files: tuple[Path, ...] = CGROUPS) -> float | None:
    """Megabytes that a container's limit allows; None where there is no limit."""
    for file in files:
        try:
            limit = int(file.read_text())
        except (OSError, ValueError):  # not there, or "max"
            continue
        return limit / 2**20 if limit < 2**60 else None
    return None


def _asked(given: float, wanted: float) -> str:
    return (
        f"the limit on address space is {given:,.0f} MB (ulimit -v), and {wanted:,.0f} MB are "
        f"asked for on a machine of {CORES} cores, most of which is never touched. Raise it "
        "(ulimit -v unlimited), or start from a shell without it."
    )
