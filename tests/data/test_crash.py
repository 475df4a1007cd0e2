"""kill -9 of importers and owner at random moments: what was acknowledged is there, once."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data import spool
from data.home import home as made_home
from tests import ready

STEPS = 1_000
SEED = 20_260
TABLES = {
    "metrics": "run_id, phase, step",
    "scalars": "run_id, phase, step, key",
    "pooled_curve": "run_id, phase, bin",
    "run_summary": "run_id",
    "runs": "run_id",
}


def log(folder: Path, number: int) -> Path:
    """A log of known rows: two runs of its own, and a part of a run that eight logs share."""
    rows = [
        {"run_id": f"run-{number:02d}-{half}", "step": step, "kl": number + step / 8,
         "proxy_reward": step / 7, "gold_reward": step / 11 - half, "further": number * 1.5}
        for half in (0, 1) for step in range(STEPS)
    ]  # fmt: skip
    rows += [
        {"run_id": f"shared-{number % 8}", "step": number * 100 + step, "kl": 1.0 + step,
         "proxy_reward": number / 3, "gold_reward": step / 5, "further": None}
        for step in range(10)
    ]  # fmt: skip
    path = folder / f"log-{number:02d}.csv"
    pl.DataFrame(rows, infer_schema_length=None).write_csv(path)
    return path


def started(*words: str) -> ready.Started:
    return ready.Started("data", *words, env=os.environ | {"POLARS_MAX_THREADS": "1"})


def ended(importer: ready.Started) -> bool:
    """Whether an importer acknowledged its log. One that was not killed says what happened."""
    out, err = importer.communicate(timeout=400)
    if importer.returncode == 0:
        assert len(json.loads(out)["runs"]) == 3
        return True
    assert importer.returncode in (1, -signal.SIGKILL), err
    assert "Traceback" not in err, err
    return False


def wait_for_a_moment(home: Path, usual: float, chance: random.Random) -> None:
    """Any moment of an import, or one while a segment is written, imported or moved.

    Most of an import's time is Python starting: kills spread evenly would seldom hit a write.
    """
    if chance.random() < 0.3:
        time.sleep(usual * chance.uniform(0.3, 1.5))
        return
    sign = chance.choice(["tmp/*/*", "inbox/*", "inbox/*", "store.duckdb.wal"])
    end = time.monotonic() + usual * 2
    while not any(home.glob(sign)) and time.monotonic() < end:
        time.sleep(0.0005)
    time.sleep(chance.uniform(0, chance.choice((0.01, 0.1))))


def contents() -> dict[str, pl.DataFrame]:
    """Every row of the store that is not about when it was written (nobody owns it meanwhile)."""
    passing = ("imported_at", "generation", "ordinal")
    with duckdb.connect(str(made_home() / "store.duckdb"), read_only=True) as store:
        frames = {
            t: store.sql(f"select * from {t} order by {key}").pl() for t, key in TABLES.items()
        }
    return {table: frame.drop(passing, strict=False) for table, frame in frames.items()}


@pytest.mark.parametrize(
    ("deaths", "count"),
    [
        pytest.param(8, 16, marks=pytest.mark.slow, id="sample"),
        pytest.param(50, 64, marks=pytest.mark.long, id="whole"),
    ],
)
def test_no_acknowledged_row_is_lost_or_doubled(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int, count: int
) -> None:
    chance = random.Random(SEED)
    made_home()
    logs = [log(tmp_path, number) for number in range(count)]
    waiting, acknowledged = list(logs), []
    began = time.monotonic()
    assert ended(started("import", str(waiting[0]), "--json"))
    acknowledged.append(waiting.pop(0))
    usual = time.monotonic() - began  # how long an import takes on this machine, today

    owner: ready.Started | None = None
    kills = {"importer": 0, "owner": 0}
    while sum(kills.values()) < deaths:
        if owner is None and chance.random() < 0.7:  # else an importer takes the ownership
            owner = started("serve", "--port", str(20_000 + chance.randrange(20_000)))
        batch = [waiting.pop(0) if waiting else chance.choice(logs) for _ in range(2)]
        importers = [started("import", str(path), "--json") for path in batch]
        wait_for_a_moment(home, usual, chance)
        victim = "owner" if owner and chance.random() < 0.5 else "importer"
        if victim == "owner" and owner:
            owner.kill()
            owner.communicate()
            owner = None
            kills["owner"] += 1
        elif alive := [p for p in importers if p.poll() is None]:
            for importer in alive[: chance.choice((1, 2))]:
                importer.kill()
                kills["importer"] += 1
        if owner and owner.poll() is not None:
            errors = owner.communicate()[1]  # a port in use, or an importer was quicker
            assert "already open" in errors or "address already in use" in errors, errors
            owner = None
        for path, importer in zip(batch, importers, strict=True):
            if ended(importer):
                acknowledged.append(path)
            elif path not in acknowledged and path not in waiting:
                waiting.append(path)
    if owner:
        owner.kill()
        owner.communicate()
    assert min(kills.values()) >= deaths // 5, kills
    assert len(set(acknowledged)) >= count // 4

    # Before anything is imported again: the acknowledged is there, the rest is whole or absent.
    out, err = started("list", "--json").communicate()
    points = {row["run"]: row["points"] for row in json.loads(out)}
    assert not err, err
    assert not spool.waiting(home)
    for number, path in enumerate(logs):
        found = {points.get(f"run-{number:02d}-{half}", 0) for half in (0, 1)}
        assert found == {STEPS} or (path not in acknowledged and found == {0}), path
    for number, path in enumerate(logs):
        if path in acknowledged:
            assert points[f"shared-{number % 8}"] >= 10

    # What was not acknowledged is imported again, some of it for the second time.
    everything = started("import", *map(str, logs), "--json")
    assert len(json.loads(everything.communicate()[0])["runs"]) == count * 2 + 8
    survived = contents()
    assert survived["metrics"].height == count * (2 * STEPS + 10)
    monkeypatch.setenv("OVEROPT_HOME", str(tmp_path / "fresh"))
    made_home()
    everything = started("import", *map(str, logs), "--json")
    assert len(json.loads(everything.communicate()[0])["runs"]) == count * 2 + 8
    fresh = contents()
    for table in ("metrics", "scalars", "pooled_curve", "run_summary"):
        assert_frame_equal(survived[table], fresh[table], rel_tol=1e-12)
    assert survived["runs"]["run_id"].to_list() == fresh["runs"]["run_id"].to_list()

    # And the archive alone gives the same again.
    monkeypatch.setenv("OVEROPT_HOME", str(home))
    (home / "store.duckdb").unlink()
    started("list", "--json").communicate()
    rebuilt = contents()
    for table in ("metrics", "scalars", "pooled_curve", "run_summary"):
        assert_frame_equal(rebuilt[table], fresh[table], rel_tol=1e-12)
