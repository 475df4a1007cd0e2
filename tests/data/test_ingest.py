"""Rows posted by trainers on other machines; the README's own code is what posts them."""

import io
import json
import os
import re
import sys
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError

import anyio
import polars as pl
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from data import api, spool
from data.incoming import ingest
from data.owner import Owner

ROOT = Path(__file__).resolve().parents[2]
ROW = {"step": 10, "kl": 1.2, "proxy_reward": 0.4, "gold_reward": 0.3}


@pytest.fixture
def client(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    home.mkdir()
    monkeypatch.setenv("OVEROPT_INGEST_TOKEN", "sesame")
    owner = Owner(home)
    app = Starlette(routes=[*api.routes(lambda: owner), *ingest.routes(lambda: owner)])
    client = TestClient(app, "http://localhost", headers={"Authorization": "Bearer sesame"})
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
    runs = client.owner.store.query("runs", project="p", runs=None)
    assert runs["path"].to_list() == ["posted to /api/ingest"]


def test_parquet_with_several_runs_is_taken(client: TestClient, tmp_path: Path) -> None:
    table = pl.DataFrame({"run_id": ["a", "a", "b"], "step": [1, 2, 1], "kl": [0.1, 0.2, 0.3]})
    table.write_parquet(tmp_path / "t.parquet")
    answer = client.post("/api/ingest", content=(tmp_path / "t.parquet").read_bytes())
    assert answer.status_code == 200
    assert rows(client, "a").height == 2 and rows(client, "b")["kl"].to_list() == [0.3]


def lines(*rows: dict | str) -> bytes:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


def parquet(**columns: list) -> bytes:
    out = io.BytesIO()
    pl.DataFrame(columns).write_parquet(out)
    return out.getvalue()


def refused(client: TestClient, answer, status: int, sentence: str) -> None:
    """Refused with one sentence of JSON, and nothing of it is kept anywhere."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert sentence in error and "\n" not in error and "--" not in error and len(error) < 400
    owner = client.owner
    assert client.get("/api/health").json()["runs"] == 0
    assert not spool.waiting(owner.home) and not spool.archived(owner.home)
    assert owner.store.query("skips").is_empty()
    assert not list(owner.home.glob("tmp*/*"))


WHOLE = parquet(step=[1, 2], kl=[0.1, 0.2], proxy_reward=[1.0, 2.0])
BEFORE = {"step": 1, "kl": 0.1, "proxy_reward": 0.5}
"""A row that is right, before one that is not."""


@pytest.mark.parametrize(
    ("query", "body", "status", "sentence"),
    [
        ("?run=x", b"", 400, "the body is empty"),
        ("?run=x", b" \n\r\n", 400, "the body is empty"),
        ("?run=x&colour=red", lines(ROW), 400, "unknown parameter 'colour'; known: project, run"),
        ("?run=x&run=y", lines(ROW), 400, "the parameter run is given twice"),
        ("?run=", lines(ROW), 400, "the parameter run is empty"),
        ("?run=x&kl_unit=furlong", lines(ROW), 422, "kl_unit furlong is unknown; known are nats"),
        ("?run=x&kl_estimator=k9", lines(ROW), 422, "kl_estimator k9 is unknown"),
        ("?run=x&gold_kind=grade", lines(ROW), 422, "gold_kind grade is unknown"),
        ("?run=x&gold=judge", lines(ROW), 422, "gold names judge, which is not among the keys"),
        ("?run=x", b"\x00garbage", 422, "line 1 is not whole JSON"),
        ("?run=x", b"step,kl\n1,0.5\n", 422, "line 1 is not whole JSON"),
        ("?run=x", b"[1, 2]", 422, "line 1 is not an object"),
        ("?run=x", lines(BEFORE, '{"step": 2, "kl"', ROW), 422,
         "line 2 is not whole JSON (Expecting ':' delimiter at column 17)"),
        ("?run=x", lines(BEFORE, ROW, '{"step": 2'), 422, "line 3 is not whole JSON"),
        ("?run=x", lines({"step": 1, "loss": 2}), 422,
         "has no column proxy_reward, gold_reward or kl; name them with proxy, gold, kl. "
         "It has: step, loss"),
        ("", lines(ROW), 422, "names no run: add a column run_id, or name it with run"),
        ("", lines({**BEFORE, "run_id": "a"}, ROW), 422, "line 2 has no run_id"),
        ("", lines({**BEFORE, "run_id": "a"}, {**ROW, "run_id": ""}), 422, "line 2, column run_id"),
        ("?run=x", lines({**BEFORE, "run_id": "a"}, {**ROW, "run_id": "b"}), 422, "names 2: a, b"),
        ("?run=x", lines({"kl": 0.1, "proxy_reward": 1.0}), 422, "has no column step"),
        ("?run=x", lines(BEFORE, {"kl": 0.1, "proxy_reward": 1.0}), 422, "line 2 has no step"),
        ("?run=x", lines(BEFORE, {**ROW, "step": "ten"}), 422,
         "line 2, column step: 'ten' is not a number"),
        ("?run=x", lines(BEFORE, {**ROW, "step": 2.5}), 422,
         "line 2, column step: '2.5' is not a step"),
        ("?run=x", lines(BEFORE, {**ROW, "step": -1}), 422, "column step: '-1' is not a step"),
        ("?run=x", lines(BEFORE, {**ROW, "kl": "high"}), 422,
         "line 2, column kl: 'high' is not a number"),
        ("?run=x", lines(BEFORE, {**ROW, "phase": "warm"}), 422,
         "line 2, column phase: 'warm' is neither train nor eval"),
        ("?run=x", b"PAR1 but not really", 422, "is not a whole Parquet file"),
        ("?run=x", WHOLE[:-9], 422, "is not a whole Parquet file"),
        ("?run=x", parquet(kl=[0.1]), 422, "has no column step"),
        ("", parquet(step=[1], kl=[0.1]), 422, "names no run"),
        ("?run=x", parquet(step=[1, None], kl=[0.1, 0.2]), 422, "row 2 has no step"),
    ],
)  # fmt: skip
def test_bad_requests_are_refused_with_a_reason_and_nothing_is_kept(
    client: TestClient, query: str, body: bytes, status: int, sentence: str
) -> None:
    refused(client, client.post(f"/api/ingest{query}", content=body), status, sentence)


@pytest.mark.parametrize(
    ("name", "value", "status", "sentence"),
    [
        ("Authorization", "", 401, "send the header Authorization: Bearer TOKEN"),
        ("Authorization", "Bearer wrong", 401, "is another one"),
        ("Authorization", "sesame", 401, "is another one"),
        ("Authorization", "Basic c2VzYW1lOg==", 401, "is another one"),
        ("Content-Type", "text/csv", 415, "a body of text/csv is not taken: send Parquet or JSON"),
        ("Content-Type", "multipart/form-data; boundary=x", 415, "multipart/form-data"),
        ("Content-Encoding", "gzip", 415, "a body packed by gzip is not taken: send it as it is"),
    ],
)
def test_bad_headers_are_refused(
    client: TestClient, name: str, value: str, status: int, sentence: str
) -> None:
    answer = client.post("/api/ingest?run=x", content=lines(ROW), headers={name: value})
    refused(client, answer, status, sentence)
    assert (answer.headers.get("www-authenticate") == "Bearer") == (status == 401)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/x-ndjson", "text/plain",
             "application/octet-stream", "application/x-www-form-urlencoded"]
)  # fmt: skip
def test_kinds_of_body_that_programs_send_without_being_asked(
    client: TestClient, kind: str
) -> None:
    answer = client.post("/api/ingest?run=x", content=lines(ROW), headers={"Content-Type": kind})
    assert answer.status_code == 200
    answer = client.post("/api/ingest?run=y", content=WHOLE, headers={"Content-Type": kind})
    assert answer.json()["runs"] == [{"run": "y", "points": 2, "replaced": 0}]


def test_a_large_body_is_refused(client: TestClient, monkeypatch) -> None:
    monkeypatch.setenv("OVEROPT_INGEST_MB", "0.001")
    answer = client.post("/api/ingest?run=x", content=lines(*[ROW] * 40))
    refused(client, answer, 413, "a body may have at most 0.001 MB; send it in parts")
    monkeypatch.setenv("OVEROPT_INGEST_MB", "lots")
    answer = client.post("/api/ingest?run=x", content=lines(ROW))
    refused(client, answer, 500, "OVEROPT_INGEST_MB=lots is no number of megabytes")


def test_ingestion_is_off_without_a_token(client: TestClient, monkeypatch) -> None:
    monkeypatch.delenv("OVEROPT_INGEST_TOKEN")
    answer = client.post("/api/ingest?run=x", content=lines(ROW))
    refused(client, answer, 403, "start the server with OVEROPT_INGEST_TOKEN set")
    monkeypatch.setenv("OVEROPT_INGEST_TOKEN", "")
    assert client.post("/api/ingest?run=x", content=lines(ROW)).status_code == 403


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_rows_are_posted_and_nothing_else(client: TestClient, method: str) -> None:
    answer = client.request(method, "/api/ingest?run=x")
    refused(client, answer, 405, "rows are taken by POST")
    assert answer.headers["allow"] == "POST"


def test_before_the_store_is_open_nothing_is_taken(home: Path) -> None:
    home.mkdir()
    nobody = TestClient(Starlette(routes=[*ingest.routes(lambda: None), *api.routes(lambda: None)]))
    answer = nobody.post("/api/ingest?run=x", content=lines(ROW))
    assert (answer.status_code, answer.json()["error"]) == (503, "the store is not open yet")
    health = nobody.get("/api/health")
    assert (health.status_code, health.json()) == (503, {"status": "starting"})


def test_rows_that_the_store_cannot_take_in_yet_are_not_called_taken(
    client: TestClient, monkeypatch
) -> None:
    monkeypatch.setattr(client.owner.store, "drain", lambda: None)
    answer = client.post("/api/ingest?run=x", content=lines(ROW))
    assert answer.status_code == 503 and "the rows are kept" in answer.json()["error"]
    monkeypatch.undo()
    client.owner.store.drain()
    assert rows(client, "x").height == 1


@pytest.mark.parametrize("run", ["../../etc/x", "a\0b", "x" * 1000, "<b>", "'; drop table runs;--"])
def test_a_run_may_have_any_name(client: TestClient, run: str) -> None:
    answer = client.post("/api/ingest", params={"run": run}, content=lines(ROW))
    assert answer.json()["runs"][0]["run"] == run
    assert rows(client, run).height == 1


def test_a_nan_is_a_row_without_that_number(client: TestClient) -> None:
    body = b'{"step": 1, "kl": NaN, "proxy_reward": 1.0}\n'
    assert client.post("/api/ingest?run=x", content=body).json()["runs"][0]["points"] == 1
    assert rows(client, "x").select("kl", "proxy_reward").row(0) == (None, 1.0)


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


def test_a_full_disk_is_told_and_nothing_is_kept(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pl.DataFrame, "write_parquet", full)
        answer = client.post("/api/ingest?run=live", content=json.dumps(ROW))
    assert answer.status_code == 503
    error = answer.json()["error"]
    assert "not kept" in error and "No space left" in error and "Free some room" in error
    assert not list(client.owner.home.glob("tmp/*")) and not spool.waiting(client.owner.home)
    assert client.post("/api/ingest?run=live", content=json.dumps(ROW)).status_code == 200


def test_an_upload_that_breaks_off_is_no_failure(client: TestClient) -> None:
    """As the server sees it: a request whose body ends with the connection."""
    heard: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        heard.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/api/ingest",
        "raw_path": b"/api/ingest", "root_path": "", "scheme": "http", "query_string": b"run=x",
        "headers": [(b"host", b"localhost"), (b"authorization", b"Bearer sesame")],
        "client": ("127.0.0.1", 1), "server": ("localhost", 80),
    }  # fmt: skip
    # In a thread of its own: a browser test before this one leaves an event loop running here.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(anyio.run, client.app, scope, receive, send).result()
    assert heard[0]["status"] == 499
    assert not spool.waiting(client.owner.home)


def test_what_a_kill_left_behind_is_cleared(home: Path) -> None:
    home.mkdir()
    left = [home / "tmp" / "tmpabcdefgh", home / "tmpabcdefgh", home / "tmp" / "1-2"]
    kept = [home / "tmp" / "young", home / "tmptables", home / "archive"]
    for folder in (*left, *kept):
        folder.mkdir(parents=True)
        (folder / "body.jsonl").write_text("{}")
    for folder in (*left, home / "archive", home / "tmptables"):
        os.utime(folder, (1, 1))
    Owner(home).close()
    assert not any(folder.exists() for folder in left) and all(f.exists() for f in kept)
