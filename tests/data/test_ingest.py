"""Rows posted by trainers on other machines; the README's own code is what posts them."""

import json
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import polars as pl
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from data import api, ingest
from data.owner import Owner

ROOT = Path(__file__).resolve().parents[2]
ROW = {"step": 10, "kl": 1.2, "proxy_reward": 0.4, "gold_reward": 0.3}


@pytest.fixture
def client(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    home.mkdir()
    monkeypatch.setenv("OVEROPT_INGEST_TOKEN", "sesame")
    owner = Owner(home)
    app = Starlette(routes=[*api.routes(lambda: owner), *ingest.routes(lambda: owner)])
    client = TestClient(app, headers={"Authorization": "Bearer sesame"})
    client.owner = owner
    yield client
    owner.close()


def rows(client: TestClient, run: str) -> pl.DataFrame:
    return client.owner.store.query("metrics", runs=[run], until=None)


def test_a_posted_row_is_in_the_store_when_the_answer_comes(client: TestClient) -> None:
    answer = client.post("/api/ingest?run=live&project=p", content=json.dumps(ROW))
    assert answer.json() == {"runs": [{"run": "live", "points": 1, "replaced": 0}]}
    assert rows(client, "live").row(0, named=True).items() >= ROW.items()
    assert client.post("/api/ingest?run=live", content=json.dumps(ROW)).json() == {
        "runs": [{"run": "live", "points": 0, "replaced": 0}]
    }
    told = client.owner.store.query("runs", project="p", runs=None)
    assert told["path"].to_list() == ["posted to /api/ingest"]


def test_parquet_with_several_runs_is_taken(client: TestClient, tmp_path: Path) -> None:
    table = pl.DataFrame({"run_id": ["a", "a", "b"], "step": [1, 2, 1], "kl": [0.1, 0.2, 0.3]})
    table.write_parquet(tmp_path / "t.parquet")
    answer = client.post("/api/ingest", content=(tmp_path / "t.parquet").read_bytes())
    assert answer.status_code == 200
    assert rows(client, "a").height == 2 and rows(client, "b")["kl"].to_list() == [0.3]


@pytest.mark.parametrize(
    ("query", "body", "header", "status", "said"),
    [
        ("?run=x", b"{}", "Bearer wrong", 401, "Authorization: Bearer"),
        ("?run=x", b"", "Bearer sesame", 400, "empty"),
        ("?run=x", b"\x00garbage", "Bearer sesame", 422, "x.jsonl"),
        ("?run=x&colour=red", b"{}", "Bearer sesame", 400, "colour"),
        ("?run=x", b"PAR1 but not really", "Bearer sesame", 422, "x.parquet"),
    ],
)
def test_bad_requests_are_refused_with_a_reason(
    client: TestClient, query: str, body: bytes, header: str, status: int, said: str
) -> None:
    answer = client.post(f"/api/ingest{query}", content=body, headers={"Authorization": header})
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert client.get("/api/health").json()["runs"] == 0


def test_a_large_body_is_refused(client: TestClient, monkeypatch) -> None:
    monkeypatch.setenv("OVEROPT_INGEST_MB", "0.001")
    answer = client.post("/api/ingest?run=x", content=b"x" * 2000)
    assert answer.status_code == 413


def test_ingestion_is_off_without_a_token(client: TestClient, monkeypatch) -> None:
    monkeypatch.delenv("OVEROPT_INGEST_TOKEN")
    assert client.post("/api/ingest?run=x", content=b"{}").status_code == 403


def test_the_snippet_of_the_readme_works(client: TestClient, monkeypatch) -> None:
    text = (ROOT / "README.md").read_text()
    code = next(c for c in re.findall(r"```python\n(.*?)```", text, re.S) if "def post" in c)
    assert len(code.split("def post")[1].strip().splitlines()) <= 5
    space: dict = {}
    exec(code, space)
    monkeypatch.setattr(space["urllib"].request, "urlopen", through(client))
    space["post"](ROW, "my-run")
    assert rows(client, "my-run").height == 1


def test_the_trl_callback_posts_nats_per_response(client: TestClient, monkeypatch) -> None:
    stub = types.ModuleType("transformers")
    stub.TrainerCallback = object
    monkeypatch.setitem(sys.modules, "transformers", stub)
    space: dict = {"__name__": "callback"}
    exec((ROOT / "docs" / "trl_callback.py").read_text(), space)
    monkeypatch.setattr(space["urllib"].request, "urlopen", through(client))
    callback = space["MonitorCallback"]("http://localhost:8501", "trl-run")
    state = types.SimpleNamespace(is_world_process_zero=True, global_step=2)
    logs = {"reward": 0.5, "kl": 0.02, "completions/mean_length": 50.0, "loss": float("nan")}
    callback.on_log(None, state, None, logs | {"rewards/gold_rm/mean": 0.1})
    assert rows(client, "trl-run").select("step", "kl", "gold_reward").row(0) == (2, 1.0, 0.1)


def through(client: TestClient):
    """urlopen, answered by the client."""

    def urlopen(request, timeout=None):
        answer = client.post(
            request.selector, content=request.data, headers=dict(request.header_items())
        )
        if answer.status_code >= 400:
            raise HTTPError(request.full_url, answer.status_code, answer.text, None, None)
        return answer

    return urlopen
