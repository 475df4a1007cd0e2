"""What is judged once stays judged, and what cannot be judged says so without being tried again."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from analytics.kept_verdicts.judging import Budget
from data.columns import ReadOptions
from data.incoming.importing import spool_paths
from data.spool import write_forget
from data.store import Store
from pages.shared import frame, reads
from pages.shared.keeping import judging, ownership
from pages.shared.keeping.last_verdicts import last_verdicts
from pages.shared.server import worker
from pages.shared.server.verdict_routes import verdict_routes


def log(path: Path, run: str, steps: int = 40, shift: float = 0.0, at: int = -1) -> Path:
    rows = [
        {"run_id": run, "step": i, "kl": i / 4, "proxy_reward": i / 10, "gold_reward_se": 0.02,
         "gold_reward": i / 20 - (i > 20) * (i - 20) / 10 + shift * (i == at)}
        for i in range(steps)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


class Kept:
    """A store, and how often a run was judged for it."""

    def __init__(self, home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store: Store = ownership.owner().store
        self.folder, self.home = folder, home
        self.judged: list[tuple[Any, ...]] = []
        for judge in (judging.judges().for_pages, judging.judges().for_worker):
            monkeypatch.setattr(judge, "judge", self.counting(judge.judge))

    def counting(self, judge: Callable[..., Any]) -> Callable[..., Any]:
        def counted(query: Any, run: Any, *rest: Any) -> Any:
            self.judged.append((run["run_id"], *rest[:2]))
            return judge(query, run, *rest)

        return counted

    def bring(self, run: str, **how: Any) -> None:
        spool_paths(self.home, [log(self.folder / "log.jsonl", run, **how)], ReadOptions())
        self.store.drain()

    def verdict(self, run: str, until: int | None, source: str | None = None) -> dict[str, Any]:
        rows = self.store.query("runs", project=None, runs=[run])
        row = judging.verdict(self.store, rows.row(0, named=True), until, source)
        return dict(json.loads(row["verdict"]))


@pytest.fixture
def kept(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    made = Kept(home, tmp_path, monkeypatch)
    made.bring("a")
    yield made
    ownership.release()


def test_a_frozen_view_is_judged_once(kept: Kept) -> None:
    first = kept.verdict("a", 30)
    assert kept.judged == [("a", 30, None)] and first["step_end"] == 30
    assert kept.verdict("a", 30) == first  # waits for the worker to keep it
    judging.keep_found(kept.store)
    kept.bring("unrelated")
    assert kept.verdict("a", 30) == first
    kept.bring("a", steps=50)  # grows above the step
    assert kept.verdict("a", 30) == first
    judging.keep_found(kept.store)
    assert kept.verdict("a", 30) == first
    assert kept.judged == [("a", 30, None)]


def test_a_row_below_the_step_makes_a_frozen_view_anew(kept: Kept) -> None:
    first = kept.verdict("a", 30)
    judging.keep_found(kept.store)
    kept.bring("a", shift=0.5, at=29)
    again = kept.verdict("a", 30)
    assert len(kept.judged) == 2 and again != first


def test_other_steps_sources_and_runs_are_judged_for_themselves(kept: Kept) -> None:
    kept.bring("b")
    asked = [("a", 30, None), ("a", 29, None), ("a", None, "table"), ("b", 30, None)]
    for _ in range(2):
        for run, until, source in asked:
            kept.verdict(run, until, source)
        judging.keep_found(kept.store)
    assert kept.judged == asked


def test_a_kept_frozen_view_is_no_news_for_open_pages(kept: Kept) -> None:
    saved = kept.store.verdicts_saved
    kept.verdict("a", 30)
    judging.keep_found(kept.store)
    assert kept.store.verdicts_saved == saved
    assert worker.judge_all(kept.store, Event())
    assert kept.store.verdicts_saved == saved + 1


def test_of_readers_who_ask_together_the_first_has_it_judged(kept: Kept) -> None:
    with ThreadPoolExecutor(4) as readers:
        verdicts = list(readers.map(lambda _: kept.verdict("a", 30), range(4)))
    assert verdicts == [verdicts[0]] * 4 and kept.judged == [("a", 30, None)]


def test_another_method_judges_anew(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.verdict("a", 30)
    judging.keep_found(kept.store)
    monkeypatch.setattr(judging, "method", lambda: "another")
    kept.verdict("a", 30)
    assert len(kept.judged) == 2


def test_a_run_that_cannot_be_judged_is_not_tried_again_until_it_changes(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = judging.judges().for_worker.budget
    monkeypatch.setattr(judging.judges().for_worker, "budget", Budget(20, 60))
    for _ in range(2):
        assert worker.judge_all(kept.store, Event())
    assert kept.judged == [("a", None, None)]
    client = TestClient(Starlette(routes=verdict_routes(ownership.held_owner)))
    (row,) = client.get("/api/verdicts").json()
    assert (row["run"], row["status"], row["updating"]) == ("a", "not_judged", False)
    assert "took more than 20 MB of memory" in row["reasons"][0]
    monkeypatch.setattr(judging.judges().for_worker, "budget", usual)
    kept.bring("b")
    assert worker.judge_all(kept.store, Event())
    assert kept.judged == [("a", None, None), ("b", None, None)]
    kept.bring("a", steps=41)
    assert worker.judge_all(kept.store, Event())
    rows = {row["run"]: row["status"] for row in client.get("/api/verdicts").json()}
    assert rows == {"a": "overoptimized", "b": "overoptimized"}


@pytest.mark.parametrize(
    ("script", "sentence"),
    [("runs/overview.py", "could not be judged"),
     ("runs/overoptimization.py", "took more than 20 MB of memory"),
     ("runs/components.py", ""), ("runs/scaling_laws.py", ""), ("review/quality.py", "")],
)  # fmt: skip
def test_every_page_lives_with_a_run_that_could_not_be_judged(
    script: str, sentence: str, open_script: Callable[..., AppTest], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for judge in (judging.judges().for_pages, judging.judges().for_worker):
        monkeypatch.setattr(judge, "budget", Budget(20, 60))
    files = [log(tmp_path / f"{run}.jsonl", run) for run in ("a", "b")]
    test = open_script(script, *files, run=["a"])
    assert worker.judge_all(ownership.owner().store, Event())
    for run in (["a"], ["a", "b"]):
        test.query_params["run"] = run
        test.run()
        assert not test.exception
        parts = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error]
        words = "\n".join(str(part.value) for part in parts) + str(test.get("html"))
        assert sentence in words


def last(kept: Kept) -> dict[str, dict[str, Any]]:
    return last_verdicts(kept.store, {row["run_id"]: row["generation"]
                                      for row in kept.store.query("runs", project=None, runs=None)
                                      .iter_rows(named=True)})  # fmt: skip


def test_only_verdicts_that_were_kept_anew_are_read_again(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.bring("b")
    assert last(kept) == {}
    assert worker.judge_all(kept.store, Event())
    first = last(kept)
    assert {run: row["updating"] for run, row in first.items()} == {"a": False, "b": False}
    asked = []
    query = kept.store.query
    monkeypatch.setattr(
        kept.store,
        "query",
        lambda name, **p: asked.append((name, p.get("runs"))) or query(name, **p),
    )
    kept.bring("b", steps=50)
    grown = last(kept)
    assert [name for name, _ in asked] == ["runs"]  # no verdict was read
    assert (grown["a"], grown["b"]["updating"]) == (first["a"], True)
    assert worker.judge_all(kept.store, Event())
    asked.clear()
    assert last(kept)["b"]["step_end"] == 49
    assert ("verdicts", ["b"]) in asked and ("verdicts", ["a", "b"]) not in asked


def test_a_forgotten_run_takes_its_verdict_along(kept: Kept) -> None:
    assert worker.judge_all(kept.store, Event())
    assert list(last(kept)) == ["a"]
    write_forget(kept.store.home, ["a"])
    kept.store.drain()
    kept.bring("a", steps=20)  # of the same name, and nobody looked meanwhile
    assert last(kept) == {}


def test_a_page_hurries_for_the_runs_that_it_shows_alone(kept: Kept) -> None:
    kept.bring("b")
    assert worker.judge_all(kept.store, Event())
    state, there = reads.run_state("a", reads.run_generations()["a"]), {"a", "b"}
    changed = partial(frame._changed, {"a": state}, frozenset(there))
    assert not changed()
    kept.bring("b", steps=50)
    assert worker.judge_all(kept.store, Event())
    assert not changed()
    kept.bring("a", steps=50)
    grown = reads.run_state("a", reads.run_generations()["a"])
    assert changed() and not frame._changed({"a": grown}, frozenset(there))
    assert worker.judge_all(kept.store, Event())  # its verdict is news too
    assert frame._changed({"a": grown}, frozenset(there))
    assert frame._changed({"gone": grown}, frozenset(there))  # forgotten while the page was drawn
    kept.bring("c")
    now = reads.run_state("a", reads.run_generations()["a"])
    assert frame._changed({"a": now}, frozenset(there))  # another one to choose
