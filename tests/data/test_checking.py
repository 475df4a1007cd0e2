"""``python -m data check --json`` field by field, on a log of which all is known."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.remote import StoreAccess
from data.upkeep import checking


def row(step: int, **more: object) -> dict[str, object]:
    base = {"step": step, "drift": step / 10, "proxy_reward": step / 5, "response_length": 20.0}
    return base | ({"gold_reward": 0.5} if step in (2, 4, 6) else {}) | more


ROWS = [
    *(row(step) for step in range(1, 7)),
    row(5, proxy_reward=1.25), row(6, proxy_reward=1.5),  # resumed after step 4
    row(7, drift=float("nan")), row(8, proxy_reward=float("inf")), row(9, drift=None), row(10),
]  # fmt: skip


@pytest.fixture
def log(home: Path, tmp_path: Path) -> Path:
    home.mkdir()
    path = tmp_path / "logs" / "known.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (path.parent / "broken.csv").write_text("step,kl\n1")
    return path


def checked(home: Path, log: Path) -> dict[str, Any]:
    options = ReadOptions(project="known", kl="drift", kl_unit="nats/token", kl_estimator="k1")
    import_paths(home, [log.parent], options)
    with StoreAccess(home) as store:
        return json.loads(json.dumps(checking.check(store), allow_nan=False))


def test_every_field(home: Path, log: Path) -> None:
    before = datetime.now() - timedelta(seconds=2)
    found = checked(home, log)
    (run,) = found["runs"]
    assert before <= datetime.fromisoformat(run.pop("last_grown")) <= datetime.now()
    assert run.pop("gold_age_kl") == pytest.approx((1.0 - 0.6) * 20)
    note, warnings = run.pop("kl_note"), run.pop("warnings")
    assert "nats/token" in note or "per token" in note
    assert isinstance(warnings, list)
    assert run == {
        "run": "known", "project": "known", "format": "table", "path": str(log),
        "points": 10, "samples": 0,
        "without_kl": 2, "without_proxy": 1, "without_gold": 7,
        "gold_evaluations": 3, "gold_step_end": 6, "gold_age_steps": 4,
        "trainer": None, "kl_key": "drift", "kl_estimator": "k1", "kl_logged_unit": "nats/token",
        "kl_reference": None, "kl_conversion": "as_stated",
        "proxy_key": "proxy_reward", "gold_key": "gold_reward", "gold_kind": "score",
        "steps_replaced": 2, "nan_rows": 2, "checkpoints": [],
        "sources": [{"path": str(log), "format": "jsonl", "rows": 12}],
    }  # fmt: skip
    (skip,) = found["skipped"]
    assert skip["path"] == str(log.parent / "broken.csv") and "no rows" in skip["reason"]
    assert before <= datetime.fromisoformat(skip["seen_at"]) <= datetime.now()


def test_it_has_grown_only_when_rows_came(home: Path, log: Path, monkeypatch) -> None:
    (first,) = checked(home, log)["runs"]
    (again,) = checked(home, log)["runs"]
    assert again == first
    with log.open("a") as file:
        file.write(json.dumps(row(12, gold_reward=0.25)) + "\n")
    (grown,) = checked(home, log)["runs"]
    assert (grown["points"], grown["gold_age_steps"], grown["gold_age_kl"]) == (11, 0, 0.0)
    assert grown["last_grown"] >= first["last_grown"]


def test_what_was_skipped_and_is_whole_now_is_not_told(home: Path, log: Path) -> None:
    assert checked(home, log)["skipped"]
    (log.parent / "broken.csv").write_text("step,drift,proxy_reward,response_length\n1,0.5,1,9\n")
    found = checked(home, log)
    assert found["skipped"] == [] and [run["run"] for run in found["runs"]] == ["broken", "known"]


def test_a_run_without_gold_or_kl_has_no_age(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    path = tmp_path / "bare.csv"
    path.write_text("step,proxy_reward\n1,0.5\n2,0.75\n")
    import_paths(home, [path], ReadOptions())
    with StoreAccess(home) as store:
        (run,) = checking.check(store)["runs"]
    assert [run[key] for key in ("gold_age_steps", "gold_age_kl", "gold_key", "kl_key")] == [
        None
    ] * 4
    assert (run["kl_conversion"], run["without_kl"], run["without_gold"]) == ("missing", 2, 2)
