"""Runs from W&B's cloud, through wandb's own client: as an import of the offline run would be."""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import ready
from tests.data.pull.conftest import Done, contents
from tests.data.pull.served import Refusal, Served, serving
from tests.data.pull.wandb_served import KeptRun, WandbServed, kept_run

ROOT = Path(__file__).resolve().parents[3]
OFFLINE = ROOT / "tests" / "data" / "logs" / "r12_wandb"
PROJECT = "lab/field"

Command = Callable[..., Done]


@pytest.fixture
def run(wandb_served: WandbServed) -> KeptRun:
    """The run of the offline log, synced."""
    (log,) = OFFLINE.rglob("*.wandb")
    kept = kept_run(log)
    wandb_served.runs[kept.id] = kept
    return kept


def another(run: KeptRun, run_id: str, **changed: object) -> KeptRun:
    """A run like another one."""
    copied = copy.deepcopy(run)
    copied.id = run_id
    for name, value in changed.items():
        setattr(copied, name, value)
    return copied


def imported(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """What a store holds after an import of the offline run's folder."""
    with monkeypatch.context() as patch:
        patch.setenv("OVEROPT_HOME", str(tmp_path / "offline"))
        assert command("import", OFFLINE).status == 0
    return contents(tmp_path / "offline")


@pytest.mark.usefixtures("run")
def test_a_pulled_run_is_stored_as_its_offline_folder_is(
    command: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("pull", "wandb", PROJECT).status == 0
    assert contents(home) == imported(command, tmp_path, monkeypatch)


@pytest.mark.parametrize("exported", [40, 65])
def test_a_history_that_the_server_has_exported_is_the_same(
    exported: int, command: Command, home: Path, tmp_path: Path, run: KeptRun,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run.exported = exported
    assert command("pull", "wandb", PROJECT).status == 0
    assert contents(home) == imported(command, tmp_path, monkeypatch)


def test_an_export_that_grew_is_not_taken_from_the_clients_cache(
    command: Command, home: Path, tmp_path: Path, run: KeptRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run.history
    for exported in (40, len(whole)):
        run.history, run.exported = whole[:exported], exported
        assert command("pull", "wandb", PROJECT).status == 0
    assert contents(home) == imported(command, tmp_path, monkeypatch)


def test_a_second_pull_fetches_only_what_is_new(
    command: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    wandb_served: WandbServed, run: KeptRun,
) -> None:  # fmt: skip
    whole, run.history, run.state = run.history, run.history[:40], "running"
    first = command("pull", "wandb", PROJECT)
    assert first.status == 0
    assert "still running" in first.words
    run.history, run.state = whole, "finished"
    wandb_served.forget_asked()
    second = command("pull", "wandb", PROJECT, "--json")
    pages = [asked for name, asked in wandb_served.asked if name == "HistoryPage"]
    assert [asked["variables"]["minStep"] for asked in pages] == [39]
    assert wandb_served.names().count("file") == 1  # the first table is here already
    assert second.json["fetched"] == {run.id: len(whole) - 40}
    assert contents(home) == imported(command, tmp_path, monkeypatch)
    wandb_served.forget_asked()
    third = command("pull", "wandb", PROJECT, "--json")
    assert (third.status, third.json["unchanged"]) == (0, [run.id])
    assert not {"HistoryPage", "file"} & set(wandb_served.names())


def test_the_whole_history_comes_and_not_its_sample(
    command: Command, wandb_served: WandbServed, run: KeptRun
) -> None:
    rows = [{"_step": n, "train/global_step": n, "train/reward": n / 10} for n in range(2500)]
    long = another(run, "long", name="long", history=rows, files={})
    wandb_served.runs = {"long": long}
    assert command("pull", "wandb", PROJECT, "--json").json["runs"][0]["points"] == 2500


def test_a_pull_that_was_killed_goes_on_where_it_stopped(
    command: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    wandb_served: WandbServed, run: KeptRun,
) -> None:  # fmt: skip
    monkeypatch.setattr("data.pull.wandb_runs.BATCH", 7)
    written = {"times": 0}

    def killed(*_: object, **__: object) -> int:
        written["times"] += 1
        if written["times"] == 6:
            raise KeyboardInterrupt
        return real(*_, **__)

    from data.pull import offline_log

    real = offline_log.append
    with monkeypatch.context() as patch:
        patch.setattr(offline_log, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            command("pull", "wandb", PROJECT)
    (log,) = home.rglob("run-*.wandb")
    with log.open("ab") as file:
        file.write(b"half a record")  # what was being written when it was killed
    assert command("list").words.startswith("The store is empty")  # nothing half-imported
    wandb_served.forget_asked()
    assert command("pull", "wandb", PROJECT).status == 0
    (page,) = [asked for name, asked in wandb_served.asked if name == "HistoryPage"]
    assert page["variables"]["minStep"] > 0
    assert contents(home) == imported(command, tmp_path, monkeypatch)


@pytest.mark.usefixtures("run")
def test_a_busy_server_is_waited_for(command: Command, wandb_served: WandbServed) -> None:
    wandb_served.refusals = [
        Refusal("HistoryPage", 429, 2, {"Retry-After": "0"}), Refusal("Runs", 503, 1),
    ]  # fmt: skip
    assert command("pull", "wandb", PROJECT).status == 0
    assert wandb_served.names().count("HistoryPage") == 3


def test_given_up_says_what_is_kept_and_the_others_go_on(
    command: Command, wandb_served: WandbServed, run: KeptRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.pull.wandb_runs.BATCH", 1000)
    rows = [{"_step": n, "train/global_step": n, "train/reward": n / 10} for n in range(1500)]
    early = another(run, "early", name="early", history=rows, created=1.0, files={})
    wandb_served.runs = {"early": early, run.id: run}
    wandb_served.refuse_page(1000)
    done = command("pull", "wandb", PROJECT)
    assert done.status == 1
    assert "log calls up to 999 are kept" in done.words
    assert "pull again" in done.words
    assert [row["run"] for row in command("list", "--json").json] == ["r12_wandb"]
    wandb_served.refusals.clear()
    wandb_served.forget_asked()
    again = command("pull", "wandb", PROJECT, "--json").json
    assert again["fetched"] == {"early": 500}
    assert again["runs"][0]["points"] == 1500


def test_runs_of_one_name_keep_their_numbers_whichever_is_named(
    command: Command, wandb_served: WandbServed, run: KeptRun
) -> None:
    wandb_served.runs["second"] = another(run, "second", created=run.created + 60)
    done = command("pull", "wandb", PROJECT, "--run", "second", "--json").json
    assert sorted(row["run"] for row in done["runs"]) == ["r12_wandb", "r12_wandb-2"]
    assert any("numbered by start" in note for note in done["notes"])


@pytest.mark.usefixtures("run")
def test_forgotten_runs_come_back_only_by_name(command: Command) -> None:
    command("pull", "wandb", PROJECT)
    command("forget", "r12_wandb")
    command("pull", "wandb", PROJECT)
    assert command("list", "--json").json == []
    command("pull", "wandb", PROJECT, "--run", "r12_wandb")
    assert [row["points"] for row in command("list", "--json").json] == [14]


def test_a_run_that_was_wound_back_is_fetched_anew(
    command: Command, wandb_served: WandbServed, run: KeptRun
) -> None:
    command("pull", "wandb", PROJECT)
    run.history = [*run.history[:30], {"_step": 30, "train/global_step": 12, "train/reward": 9.0}]
    done = command("pull", "wandb", PROJECT)
    assert "wound back" in done.words
    assert command("export", "--run", "r12_wandb", "--out", "/dev/null").status == 0


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lab/nope"], "the project lab/nope is not in W&B"),
        (["lab/field", "--run", "gone"], "the run gone is not in W&B"),
        (["lab"], "write ENTITY/PROJECT"),
    ],
)
def test_what_is_not_there_is_one_sentence(
    command: Command, words: list[str], sentence: str
) -> None:
    done = command("pull", "wandb", *words)
    assert done.status == 1
    assert sentence in done.words
    assert command("list", "--json").json == []


def test_a_missing_run_leaves_the_others(
    command: Command, wandb_served: WandbServed, run: KeptRun
) -> None:
    wandb_served.runs["empty"] = another(run, "empty", name="empty", history=[])
    done = command("pull", "wandb", PROJECT, "--run", "gone", "--run", run.id, "--run", "empty")
    assert done.status == 1
    assert "empty holds no metrics yet" in done.words
    assert "the run gone is not in W&B" in done.words
    assert [row["run"] for row in command("list", "--json").json] == ["r12_wandb"]


def test_a_table_that_is_gone_is_told(
    command: Command, wandb_served: WandbServed, run: KeptRun
) -> None:
    run.files.pop(next(iter(run.files)))
    done = command("pull", "wandb", PROJECT)
    assert (done.status, "not in W&B" in done.words) == (0, True), done.words
    assert [row["samples"] for row in command("list", "--json").json] == [4]


def test_a_name_from_the_server_leaves_no_folder(
    command: Command, home: Path, wandb_served: WandbServed, run: KeptRun
) -> None:
    table = {"_type": "table-file", "path": "media/table/../../../../out.table.json"}
    row = {"_step": 99, "train/global_step": 99, "train/reward": 1.0, "t": table}
    wandb_served.runs = {"../up": another(run, "../up", name="up", history=[row])}
    command("pull", "wandb", PROJECT)
    assert "file" not in wandb_served.names()
    assert all("kept" in path.parts for path in home.rglob("*.wandb"))


def own_process(*words: str, **environment: str) -> Done:
    """A command in a process of its own, in which wandb looks at its environment afresh."""
    given = {key: value for key, value in {**os.environ, **environment}.items() if value}
    done = ready.run("data", *words, env=given)
    return Done(done.returncode, done.stdout, done.stderr)


class Stranger(Served):
    """Stands for every other machine."""


@pytest.mark.usefixtures("run")
def test_no_other_machine_is_asked() -> None:
    with serving(Stranger()) as elsewhere:
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), elsewhere.url)
        done = own_process("pull", "wandb", PROJECT, NO_PROXY="127.0.0.1", **proxies)
        assert done.status == 0, done.err
        assert elsewhere.asked == []


@pytest.mark.usefixtures("run")
def test_no_login_is_told_with_the_command_that_logs_in() -> None:
    done = own_process("pull", "wandb", PROJECT, WANDB_API_KEY="")
    assert done.status == 1
    assert "wandb login" in done.words


def test_a_refused_login_never_shows_the_key(wandb_served: WandbServed) -> None:
    wandb_served.refusals = [Refusal("Viewer", 401, 99)]
    done = own_process("pull", "wandb", PROJECT)
    assert done.status == 1
    assert "does not take the login" in done.words
    assert "k" * 40 not in done.out + done.err


@pytest.mark.usefixtures("wandb_served")
def test_a_network_that_is_down_is_told_at_once() -> None:
    done = own_process("pull", "wandb", PROJECT, WANDB_BASE_URL="http://127.0.0.1:9")
    assert done.status == 1
    assert "cannot be reached" in done.words


def test_without_wandb_the_command_that_installs_it_is_told(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    done = command("pull", "wandb", PROJECT)
    assert done.status == 1
    assert "-m pip install wandb" in done.words
