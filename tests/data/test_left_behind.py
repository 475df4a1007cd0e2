"""What a killed process leaves in a store's folder goes with the next one that opens it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from data.owner import Owner

LEFT = ("tmp/1764-abcd", "tmp/upload-x", "tmp/tmpq1w2e3r4", "tmpa1b2c3d4", "owner.json.4242")
KEPT = ("notes", "tmpfolder-of-mine", "inbox", "archive")
"""Not ours, or not unfinished."""


def put(place: Path, seconds_old: float) -> None:
    if "json" in place.name:
        place.write_text("{}")
    else:
        place.mkdir(parents=True)
        (place / "part.parquet").write_text("half")
    then = time.time() - seconds_old
    os.utime(place, (then, then))


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_is_cleared_once_nobody_can_be_at_it(home: Path, name: str) -> None:
    (home / "tmp").mkdir(parents=True)
    put(home / name, seconds_old=4_000)
    fresh = (home / name).with_name((home / name).name[:-1] + "z")
    put(fresh, seconds_old=5)
    for kept in KEPT:
        (home / kept).mkdir(exist_ok=True)
        os.utime(home / kept, (0, 0))
    Owner(home).close()
    assert not (home / name).exists()
    assert fresh.exists() and all((home / kept).exists() for kept in KEPT)
