"""CPU seconds of a child process: what others do on this machine meanwhile hardly counts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    cpu: float  # seconds, user and system
    memory: float  # MB at most


def python(words: Sequence[object], home: Path) -> Cost:
    """Run the interpreter with ``words`` on the store in ``home``.

    Raises:
        RuntimeError: it failed; the message is what it said.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "said.txt").open("w+") as errors:
        child = subprocess.Popen(
            [sys.executable, *map(str, words)], cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=errors,
            env=environment(home),
        )  # fmt: skip
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(map(str, words))[:200]}: {errors.read()[-2000:]}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def environment(home: Path) -> dict[str, str]:
    """The environment of a command on the store in ``home``."""
    return os.environ | {"OVEROPT_HOME": str(home), "PYTHONPATH": str(ROOT)}


def kept(home: Path) -> int:
    """Bytes of a store and of the archive that it can be rebuilt from."""
    return sum(p.stat().st_size for p in home.rglob("*") if p.is_file() and p.name != "said.txt")
