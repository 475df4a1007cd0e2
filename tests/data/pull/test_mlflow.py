"""Runs from an MLflow tracking server: as an import of its own store would be."""

from __future__ import annotations

import copy
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data.pull.asking import Asking
from data.pull.outcome import PullError
from tests.data.pull.conftest import Done, contents
from tests.data.pull.mlflow_served import KeptRun, MlflowServed, kept_runs
from tests.data.pull.served import Answer, Refusal, Served, serving

ROOT = Path(__file__).resolve().parents[3]
STORE = ROOT / "tests" / "data" / "logs" / "mlflow"
NAME = "grpo flat: 1"

Command = Callable[..., Done]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowServed]:
    """The runs of the store that MLflow wrote, one of them deleted."""
    monkeypatch.setattr("data.pull.asking.FIRST_WAIT", 0.0)
    server = MlflowServed()
    server.runs = kept_runs(STORE)
    with serving(server):
        yield server


@pytest.fixture
def run(served: MlflowServed) -> KeptRun:
    """The run that is not deleted."""
    return next(run for run in served.runs.values() if run.name == NAME)


def test_a_pulled_run_is_stored_as_its_own_store_is(
    command: Command, home: Path, tmp_path: Path, served: MlflowServed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert command("pull", "mlflow", served.url, "lab").status == 0
    with monkeypatch.context() as patch:
        patch.setenv("OVEROPT_HOME", str(tmp_path / "own"))
        assert command("import", STORE).status == 0
    assert contents(home) == contents(tmp_path / "own")


def test_tables_of_responses_come_too(
    command: Command, home: Path, tmp_path: Path, served: MlflowServed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    served.runs = kept_runs(STORE.parent / "mlflow_table")
    assert command("pull", "mlflow", served.url, "lab").status == 0
    assert [row["samples"] for row in command("list", "--json").json] == [4]
    with monkeypatch.context() as patch:
        patch.setenv("OVEROPT_HOME", str(tmp_path / "own"))
        command("import", STORE.parent / "mlflow_table")
    assert contents(home) == contents(tmp_path / "own")


def test_a_table_that_the_server_keeps_back_is_told(command: Command, served: MlflowServed) -> None:
    served.runs = kept_runs(STORE.parent / "mlflow_table")
    for run in served.runs.values():
        run.artifacts.clear()
    done = command("pull", "mlflow", served.url, "lab")
    assert (done.status, "does not hand out its table" in done.words) == (0, True)


def test_a_name_from_the_server_leaves_no_folder(
    command: Command, home: Path, served: MlflowServed, run: KeptRun
) -> None:
    run.tags["mlflow.loggedArtifacts"] = '[{"path": "../../../../up.json"}, {"path": "/a.json"}]'
    run.id = "../up"
    served.runs = {run.id: run}
    command("pull", "mlflow", served.url, "lab")
    assert not any(name.startswith("get-artifact") for name in served.names())
    assert all("kept" in path.parts for path in home.rglob("*.db"))


def test_a_second_pull_fetches_only_what_is_new(
    command: Command, served: MlflowServed, run: KeptRun
) -> None:
    command("pull", "mlflow", served.url, "lab")
    served.forget_asked()
    idle = command("pull", "mlflow", served.url, "lab", "--json")
    assert idle.json["unchanged"] == [run.id]
    assert served.names() == ["experiments/get-by-name", "runs/search"]
    last = run.metrics["kl"][-1]
    run.metrics["kl"].append({"timestamp": last["timestamp"] + 9, "step": 5, "value": 0.7})
    served.forget_asked()
    grown = command("pull", "mlflow", served.url, "lab", "--json")
    asked = [given for name, given in served.asked if name.startswith("metrics/get-history")]
    assert grown.json["fetched"] == {run.id: 1}
    assert {given["metric_key"] for given in asked} == {"kl"}
    assert asked[0]["page_token"] == "4"  # the last page, and none before it


def test_points_that_changed_on_the_server_are_fetched_anew(
    command: Command, home: Path, served: MlflowServed, run: KeptRun
) -> None:
    command("pull", "mlflow", served.url, "lab")
    points = run.metrics["rewards/proxy_rm/mean"]
    points[-1] = {**points[-1], "value": 78.0}
    assert command("pull", "mlflow", served.url, "lab").status == 0
    out = home / "out.csv"
    command("export", "--run", NAME, "--out", out)
    assert ",78.0," in out.read_text()


def test_a_pull_that_was_killed_goes_on_where_it_stopped(
    command: Command, home: Path, tmp_path: Path, served: MlflowServed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from data.pull import mlflow_server

    real, asked = mlflow_server.history, []

    def killed(asking: Asking, run_id: str, key: str, token: str = "") -> Iterator[object]:
        for page in real(asking, run_id, key, token):
            asked.append(key)
            if len(asked) == 7:
                raise KeyboardInterrupt
            yield page

    with monkeypatch.context() as patch:
        patch.setattr(mlflow_server, "history", killed)
        with pytest.raises(KeyboardInterrupt):
            command("pull", "mlflow", served.url, "lab")
    assert command("list", "--json").json == []
    served.forget_asked()
    assert command("pull", "mlflow", served.url, "lab").status == 0
    assert f"metrics/get-history {asked[0]}" not in served.names()  # it came whole before
    with monkeypatch.context() as patch:
        patch.setenv("OVEROPT_HOME", str(tmp_path / "own"))
        command("import", STORE)
    assert contents(home) == contents(tmp_path / "own")


def test_a_busy_server_is_given_the_time_that_it_asks_for(served: MlflowServed) -> None:
    served.refusals = [
        Refusal("experiments", 429, 1, {"Retry-After": "7"}), Refusal("experiments", 503, 2),
    ]  # fmt: skip
    waited: list[float] = []
    asking = Asking(served.url, waited.append)
    found = asking.get("/api/2.0/mlflow/experiments/get", {"experiment_id": "1"})
    assert found["experiment"]["name"] == "lab"
    assert waited == [7.0, 0.0, 0.0]


def test_waits_grow_where_the_server_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.pull.asking.FIRST_WAIT", 1.0)
    server = MlflowServed()
    server.refusals = [Refusal("", 500, 99)]
    waited: list[float] = []
    with serving(server), pytest.raises(PullError, match="given up"):
        Asking(server.url, waited.append).get("/x")
    assert waited == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_server_that_asks_for_hours_is_given_up(served: MlflowServed) -> None:
    served.refusals = [Refusal("", 429, 1, {"Retry-After": "7200"})]
    with pytest.raises(PullError, match="asks to wait 7200 s"):
        Asking(served.url).get("/x")


def test_given_up_says_what_is_kept_and_the_others_go_on(
    command: Command, served: MlflowServed, run: KeptRun
) -> None:
    other = copy.deepcopy(run)
    other.id, other.name, other.start = "b" * 32, "other", run.start - 1
    other.metrics["zz_last"] = other.metrics["kl"]
    served.runs[other.id] = other
    served.refusals = [Refusal("metrics/get-history zz_last", 429, 99, {"Retry-After": "0"})]
    done = command("pull", "mlflow", served.url, "lab")
    assert done.status == 1
    assert "points of it are kept: pull again" in done.words
    assert [row["run"] for row in command("list", "--json").json] == [NAME]
    served.refusals.clear()
    assert command("pull", "mlflow", served.url, "lab").status == 0
    assert {row["run"] for row in command("list", "--json").json} == {NAME, "other"}


def test_runs_of_one_name_keep_their_numbers_whichever_is_named(
    command: Command, served: MlflowServed, run: KeptRun
) -> None:
    second = copy.deepcopy(run)
    second.id, second.start = "c" * 32, run.start + 60_000
    served.runs[second.id] = second
    done = command("pull", "mlflow", served.url, "lab", "--run", second.id, "--json").json
    assert sorted(row["run"] for row in done["runs"]) == [NAME, f"{NAME}-2"]


def test_what_is_not_there_is_one_sentence_each(
    command: Command, served: MlflowServed, run: KeptRun
) -> None:
    deleted = next(one for one in served.runs.values() if one.stage == "deleted")
    empty = KeptRun("e" * 32, "empty", 1, {})
    elsewhere = KeptRun("d" * 32, "elsewhere", 1, {}, experiment="2")
    served.runs |= {empty.id: empty, elsewhere.id: elsewhere}
    done = command("pull", "mlflow", served.url, "nope")
    assert (done.status, "has no experiment called nope" in done.words) == (1, True)
    wanted = ("gone", deleted.id, empty.id, elsewhere.id, run.id)
    named = [word for one in wanted for word in ("--run", one)]
    done = command("pull", "mlflow", served.url, "lab", *named)
    assert done.status == 1
    assert "the experiment lab has no run gone" in done.words
    assert "deleted was deleted on the server" in done.words
    assert "empty holds no metrics yet" in done.words
    assert "elsewhere is a run of another experiment" in done.words
    assert [row["run"] for row in command("list", "--json").json] == [NAME]


def test_a_running_run_is_told(command: Command, served: MlflowServed, run: KeptRun) -> None:
    run.status = "RUNNING"
    assert "is still running" in command("pull", "mlflow", served.url, "lab").words


def test_a_login_comes_from_the_environment_and_is_shown_nowhere(
    command: Command, home: Path, served: MlflowServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cret-token")
    served.refusals = [Refusal("metrics", 403, 1)]
    done = command("pull", "mlflow", served.url, "lab")
    assert {sent.get("Authorization") for sent in served.headers} == {"Bearer s3cret-token"}
    assert done.status == 1
    assert "does not take the login (403)" in done.words
    assert "s3cret" not in done.out + done.err
    kept = [path for path in home.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]
    assert kept == []


def test_a_login_in_the_address_is_sent_and_not_shown(served: MlflowServed) -> None:
    asking = Asking(served.url.replace("//", "//ann:hush@"))
    assert "hush" not in asking.address
    asking.get("/api/2.0/mlflow/experiments/get", {"experiment_id": "1"})
    assert served.headers[0]["Authorization"].startswith("Basic ")


class Leading(Served):
    """A server that sends one elsewhere."""

    def __init__(self, to: str) -> None:
        super().__init__()
        self.refusals = [Refusal("", 302, 99, {"Location": f"{to}/x"})]

    def answer(self, path: str, given: dict[str, object]) -> Answer:
        raise AssertionError


def test_a_login_is_not_sent_to_where_a_server_leads(
    served: MlflowServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cret-token")
    with serving(Leading(served.url)) as leading, pytest.raises(PullError, match="302"):
        Asking(leading.url).get("/api/2.0/mlflow/experiments/get", {"experiment_id": "1"})
    assert served.asked == []


@pytest.mark.parametrize(
    ("address", "sentence"),
    [("http://127.0.0.1:9", "does not answer"), ("ftp://host", "is no server's address")],
)
def test_a_wrong_address_is_one_sentence(
    command: Command, address: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.pull.asking.FIRST_WAIT", 0.0)
    done = command("pull", "mlflow", address, "lab")
    assert done.status == 1
    assert sentence in done.words


def test_two_pulls_at_once_do_not_meet(command: Command, home: Path, served: MlflowServed) -> None:
    (home / "pulled").mkdir(parents=True)
    with (home / "pulled" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = command("pull", "mlflow", served.url, "lab")
    assert (done.status, "another pull into this store is at work" in done.words) == (1, True)
    assert command("pull", "mlflow", served.url, "lab").status == 0


class Page(Served):
    """A server of web pages, no tracking server."""

    def answer(self, path: str, given: dict[str, object]) -> Answer:
        return Answer(b"<html>")


def test_another_kind_of_server_is_told(command: Command) -> None:
    with serving(Page()) as page:
        done = command("pull", "mlflow", page.url, "lab")
    assert "is it the address of an MLflow tracking server" in done.words
