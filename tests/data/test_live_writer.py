"""A writer process killed and resumed while ``watch`` follows: the end equals a fresh import.

The bytes are those of a genuine run (r6, TRL GRPO: killed by a signal and resumed), written as a
trainer writes them: a little at a time, records broken anywhere. ``bench/live.py`` does the same
with TRL itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.remote import StoreAccess

ROOT = Path(__file__).resolve().parents[2]
R6 = ROOT / "data" / "examples" / "r6_grpo_resume"
WRITER = """
import sys, time
source, target, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
with open(source, "rb") as log, open(target, "ab") as out:
    while part := log.read(3_001):  # no record ends there
        out.write(part)
        out.flush()
        time.sleep(pause)
"""


def contents(home: Path, run: str) -> list[object]:
    with StoreAccess(home) as store:
        if store.query("runs", project=None, runs=[run]).is_empty():
            return []
        return [
            store.query("metrics", runs=[run], until=None).to_dicts(),
            store.query("scalars", run=run).to_dicts(),
            store.query("curves", runs=[run]).to_dicts(),
        ]


def started(*words: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *map(str, words)], cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL
    )


@pytest.mark.slow
def test_a_killed_and_resumed_writer_is_followed_to_the_end(home: Path, tmp_path: Path) -> None:
    logs, home_of_fresh = tmp_path / "logs", tmp_path / "fresh"
    tb = logs / "r6_grpo_resume" / "tb"
    for folder in (tb, home, home_of_fresh):
        folder.mkdir(parents=True)
    first, second = sorted((R6 / "tb").rglob("events.out.tfevents.*"))
    watch = started("-m", "data", "watch", logs, "--interval", 0.3)
    try:
        writer = started("-c", WRITER, first, tb / first.name, 0.05)
        file = tb / first.name
        end = time.monotonic() + 240
        while not file.exists() or file.stat().st_size < first.stat().st_size // 2:
            assert time.monotonic() < end
            time.sleep(0.02)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        watch.send_signal(signal.SIGKILL)  # the watcher dies too, and is started again
        watch.wait()
        watch = started("-m", "data", "watch", logs, "--interval", 0.3)
        assert started("-c", WRITER, second, tb / second.name, 0.02).wait(240) == 0
        import_paths(home_of_fresh, [logs], ReadOptions())
        fresh = contents(home_of_fresh, "r6_grpo_resume")
        assert len(fresh[0]) > 20  # type: ignore[arg-type]
        end = time.monotonic() + 240
        while contents(home, "r6_grpo_resume") != fresh and time.monotonic() < end:
            time.sleep(0.5)
        assert contents(home, "r6_grpo_resume") == fresh
    finally:
        watch.kill()
        watch.wait()
