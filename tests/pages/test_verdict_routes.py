"""What other programs get from ``GET /api/verdicts``."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from data.columns import ReadOptions
from data.incoming.importing import spool_paths
from data.owner import Owner
from pages.shared.server import worker
from pages.shared.server.verdict_routes import verdict_routes


def log(path: Path, *runs: str, steps: int = 40) -> Path:
    rows = [
        {"run_id": run, "step": i, "kl": i / 4, "proxy_reward": i / 10, "gold_reward_se": 0.02,
         "gold_reward": i / 20 - (i > 20) * (i - 20) / 10}
        for run in runs for i in range(steps)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def client(home: Path, tmp_path: Path) -> Iterator[TestClient]:
    home.mkdir()
    owner = Owner(home)
    spool_paths(home, [log(tmp_path / "a.jsonl", "a1", "a2")], ReadOptions(project="first"))
    spool_paths(home, [log(tmp_path / "b.jsonl", "b")], ReadOptions(project="second"))
    owner.store.drain()
    worker.judge_all(owner.store, worker.threading.Event())
    client = TestClient(Starlette(routes=verdict_routes(lambda: owner)))
    client.owner = owner
    yield client
    owner.close()


def test_kept_verdicts_of_all_of_some_and_of_a_project(client: TestClient) -> None:
    def runs_of(query: str) -> list[str]:
        return sorted(row["run"] for row in client.get(f"/api/verdicts{query}").json())

    assert runs_of("") == ["a1", "a2", "b"]
    assert runs_of("?run=b") == ["b"] and runs_of("?run=b&run=a1") == ["a1", "b"]
    assert runs_of("?project=first") == ["a1", "a2"]
    (row,) = client.get("/api/verdicts?run=b").json()
    assert row["status"] == "overoptimized" and row["updating"] is False
    assert {"peak", "alarm", "reasons", "flags", "gold_lost"} <= set(row)
    assert row["recommendation"]["action"] == "none"


def test_a_run_that_has_grown_says_updating_and_a_new_one_has_no_row(
    client: TestClient, tmp_path: Path
) -> None:
    spool_paths(client.owner.home, [log(tmp_path / "b.jsonl", "b", steps=50)], ReadOptions())
    spool_paths(client.owner.home, [log(tmp_path / "c.jsonl", "c")], ReadOptions())
    client.owner.store.drain()
    assert client.get("/api/verdicts?run=b").json()[0]["updating"] is True
    assert client.get("/api/verdicts?run=c").json() == []


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("?run=nobody", 404, "run 'nobody' is not in this store"),
        ("?run=b&run=nobody", 404, "run 'nobody' is not in this store"),
        ("?project=third", 404, "project 'third' is not in this store"),
        ("?run=b&project=first", 404, "run 'b' is not in this store"),
        ("?runs=b", 400, "unknown parameter 'runs'; known: run, project"),
    ],
)
def test_what_is_not_there_is_said(
    client: TestClient, query: str, status: int, sentence: str
) -> None:
    answer = client.get(f"/api/verdicts{query}")
    assert answer.status_code == status and answer.json() == {"error": sentence}


def test_before_the_store_is_open(home: Path) -> None:
    answer = TestClient(Starlette(routes=verdict_routes(lambda: None))).get("/api/verdicts")
    assert (answer.status_code, answer.json()["error"]) == (503, "the store is not open yet")
