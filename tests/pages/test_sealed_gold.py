"""Gold that the gate alone reads: nothing else gives its values, and whoever looks is counted."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from analytics.__main__ import main as analytics_main
from data import gold_df, runs_df, samples_df
from data.__main__ import main
from data.columns import LogError, ReadOptions
from data.incoming.importing import import_paths
from data.people import sealing
from data.remote import StoreAccess
from data.store import Store
from data.upkeep.past import as_it_was, changes_since
from pages.shared.keeping import ownership
from tests.data.test_store import PARAMETERS

PROMPTS, STEPS = 24, 6
OPENS = {"sealed_gold"}
"""The one question that gives sealed values; the gate asks it, and an export that says so."""


def secret(step: int, prompt: int, fall: float = 0.0) -> float:
    """A score that nothing else in these logs comes near, nor does a mean of such scores."""
    return 7316.0 + step / 50 + prompt / 1000 - fall * step


def tells(text: str) -> bool:
    """Whether a text holds such a number; ids and times may hold its digits."""
    return re.search(r"(?<![\w.-])7,?31\d(?![\w-])", text) is not None


def leaks(value: object) -> bool:
    return isinstance(value, float) and 7310 < abs(value) < 7320


def rows(source: str, fall: float = 0.0, steps: int = STEPS) -> list[dict[str, Any]]:
    return [
        {"run_id": "r", "step": step, "prompt_id": f"p{prompt}", "sample_id": 0,
         "prompt": f"question {prompt}", "completion": f"answer {prompt} at {step}",
         "proxy_reward": step + prompt / 30,
         "gold_reward": secret(step, prompt, fall) if source == "panel" else step % 3 + prompt / 40,
         "gold_source": source}
        for step in range(steps) for prompt in range(PROMPTS)
    ]  # fmt: skip


def written(folder: Path, *sources: str, name: str = "responses", **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.parquet"
    pl.DataFrame([row for source in sources for row in rows(source, **more)]).write_parquet(file)
    return file


def means(folder: Path) -> Path:
    """Gold of the panel alone, measured apart, as means."""
    lines = [f"r,{step},{secret(step, 0)},.1" for step in range(STEPS)]
    (folder / "panel.csv").write_text("\n".join(["run_id,step,gold_reward,gold_reward_se", *lines]))
    return folder / "panel.csv"


def filled(home: Path, folder: Path, first: bool, *paths: Path) -> None:
    home.mkdir(exist_ok=True)
    with StoreAccess(home) as store:
        if first:
            sealing.seal(store, "default", "panel", "Ada")
    import_paths(home, [*paths], ReadOptions())
    with StoreAccess(home) as store:
        if not first:
            sealing.seal(store, "default", "panel", "Ada")


def found(store: Store, but: set[str] = OPENS) -> list[str]:
    """The questions whose answers give sealed values, over every question of the store."""
    found_in = []
    for name, params in PARAMETERS.items():
        wide = {key: 10**6 if key == "until" and isinstance(value, int) else value
                for key, value in params.items()}  # fmt: skip
        frame = store.query(name, **wide)
        if name not in but and any(leaks(value) for row in frame.rows() for value in row):
            found_in.append(name)
    return found_in


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("sources", [("judge", "panel"), ("panel",), ("panel", "experts")])
def test_no_question_gives_sealed_values_but_the_gates(
    home: Path, tmp_path: Path, first: bool, sources: tuple[str, ...]
) -> None:
    if sources == ("panel",) and not first:
        pytest.xfail("the only source of a table is its main gold: who gave it is not kept")
    filled(home, tmp_path, first, written(tmp_path / "log", *sources), means(tmp_path / "log"))
    with StoreAccess(home) as store:
        assert found(store) == []
        sealed = store.query("sealed_gold", loops=["r"], until=None)
        assert sealed.height == PROMPTS * STEPS and set(sealed["source"]) == {"panel"}
        assert sealed["gold_reward"].min() == secret(0, 0)
        about_sources = store.query("sealed_sources", runs=["r"]).to_dicts()
        assert about_sources == [{"run_id": "r", "source": "panel", "scores": PROMPTS * STEPS,
                         "steps": STEPS}]  # fmt: skip
    frames = [ask(home) for ask in (runs_df, gold_df, samples_df)]
    assert not any(leaks(value) for frame in frames for row in frame.rows() for value in row)


def test_unsealed_it_is_gold_again_and_that_is_recorded(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = written(tmp_path / "log", "judge", "panel")
    filled(home, tmp_path, True, log)
    words = ["seal", "panel", "--unseal"]
    assert main(words) == 1 and "say who: --by NAME" in capsys.readouterr().err
    assert main([*words, "--by", "Bo"]) == 0 and "nothing" in capsys.readouterr().out
    with StoreAccess(home) as store:
        assert "scored" in found(store)
        acts = store.query("seals", project="default").to_dicts()
        assert [(act["act"], act["by"]) for act in acts] == [("seal", "Ada"), ("unseal", "Bo")]
    assert sealing.read(home) == {}
    assert main(["seal", "panel", "--by", "Ada", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sealed"] == ["panel"]
    with StoreAccess(home) as store:
        assert found(store) == []
    assert sealing.read(home) == {"default": ["panel"]}


def test_the_same_log_again_changes_nothing_and_a_rebuilt_store_keeps_the_seal(
    home: Path, tmp_path: Path
) -> None:
    log = written(tmp_path / "log", "judge", "panel")
    filled(home, tmp_path, True, log)
    done = import_paths(home, [log], ReadOptions())
    assert not done.runs[0]["points"] and not done.runs[0]["samples"]
    (home / "store.duckdb").unlink()
    with StoreAccess(home) as store:
        assert found(store) == []
        kinds, last = changes_since(store, "0")
        assert kinds["r"] == {"import"}
    past = tmp_path / "past"
    past.mkdir()
    was = as_it_was(home, last, past)
    assert found(was) == []
    was.close()


def test_a_run_of_another_project_than_its_import_named_is_sealed_on_the_way_in(
    home: Path, tmp_path: Path
) -> None:
    home.mkdir()
    first = written(tmp_path / "log", "judge", steps=2)
    import_paths(home, [first], ReadOptions(project="p"))
    with StoreAccess(home) as store:
        sealing.seal(store, "p", "panel", "Ada")
    import_paths(home, [written(tmp_path / "more", "judge", "panel")], ReadOptions())
    with StoreAccess(home) as store:
        assert store.query("runs", project="p", runs=None)["run_id"].to_list() == ["r"]
        assert found(store) == []


def test_what_cannot_be_sealed_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir()
    with StoreAccess(home) as store:
        for source in ("training", "", "sealed:x"):
            with pytest.raises(LogError, match="cannot be sealed"):
                sealing.seal(store, "default", source, "Ada")
    assert main(["seal", "panel", "--unseal", "--by", "Ada"]) == 1
    assert "is not sealed in project default" in capsys.readouterr().err


def test_a_source_that_nothing_carries_yet_is_said_and_a_mistyped_folder_is_not_made(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["seal", "panel", "--project", "P", "--by", "Ada", "--unseal"]) == 2
    assert "there is no store" in capsys.readouterr().err and not home.exists()
    assert main(["seal", "panel", "--project", "P", "--by", "Ada"]) == 0
    assert "No scores of panel are in project P yet" in capsys.readouterr().out


def test_no_export_or_verdict_gives_sealed_values_but_one_that_breaks_the_seal_by_name(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(home, tmp_path, True, written(tmp_path / "log", "judge", "panel"),
           means(tmp_path / "log"))  # fmt: skip
    for does, words in (
        (analytics_main, ["verdict", "--json"]), (main, ["list", "--json"]),
        (main, ["check", "--json"]), (main, ["seal", "--json"]),
        (analytics_main, ["review", "--json", "--since", "2020-01-01"]),
        (main, ["export", "--run", "r", "--out", str(tmp_path / "m.csv")]),
        (main, ["export", "--run", "r", "--table", "generations", "--out",
                str(tmp_path / "g.csv")]),
    ):  # fmt: skip
        does(words)
        printed = capsys.readouterr()
        assert not tells(printed.out + printed.err), words
    assert not any(tells(file.read_text()) for file in tmp_path.glob("*.csv"))
    out = tmp_path / "sealed.csv"
    broken = ["export", "--run", "r", "--break-seal", "--out", str(out)]
    assert main(broken) == 1 and not out.exists()
    assert main([*broken, "--by", "Eve"]) == 0 and "7316" in out.read_text()
    with StoreAccess(home) as store:
        last = store.query("seals", project=None).row(-1, named=True)
    assert (last["act"], last["by"], last["loop"]) == ("export", "Eve", "r")


PAGES = ("runs/overoptimization.py", "runs/responses.py", "runs/overview.py", "review/sources.py",
         "runs/best_of_n.py")  # fmt: skip


def texts(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(str(getattr(one, "proto", one)) for one in page).replace("\\", "")


@pytest.mark.parametrize("script", PAGES)
def test_no_page_shows_sealed_values_and_the_runs_own_says_what_is_sealed(
    home: Path, tmp_path: Path, open_script: Callable[..., AppTest], script: str
) -> None:
    log = means(written(tmp_path / "log", "judge", "panel").parent)
    filled(home, tmp_path, True, log)
    page = open_script(script, log.with_name("responses.parquet"), run="r")
    shown = texts(page)
    assert not tells(shown)
    frames = [one.value for one in page.dataframe]
    assert not any(leaks(value) for frame in frames for value in frame.to_numpy().ravel())
    if script == PAGES[0]:
        text = " ".join(one.value.replace("\\", "") for one in page.caption)
        assert "Gold of panel is sealed: the gate alone reads it" in text


def test_the_gates_page_is_a_look_and_one_that_is_not_sealed_shows_its_values(
    home: Path, tmp_path: Path, open_script: Callable[..., AppTest]
) -> None:
    log = written(tmp_path / "log", "judge", "panel", fall=0.5)
    lines = [f"r,{at},human,,9,900" for at in range(STEPS)]
    corpus = tmp_path / "log" / "corpus.csv"
    head = "loop,iteration,origin,generator_iteration,documents,tokens"
    corpus.write_text("\n".join([head, *lines]))
    filled(home, tmp_path, True, log, corpus)
    asked = {"loop": "r", "iteration": "3"}
    page = open_script("loop/gate.py", **asked)
    page.run()
    text = " ".join(one.value.replace("\\", "") for one in page.caption)
    assert not page.exception and "Gates have looked at it 1 time, at 1 iteration" in text
    store = ownership.owner().store
    assert store.query("seals", project=None)["act"].to_list() == ["seal", "gate"]
    sealing.unseal(store, "default", "panel", "Ada")
    assert tells(texts(open_script("runs/overoptimization.py", run="r", gold="panel")))


POLICY = '[reward_hacking]\nchecks = ["gold_from_release", "gold_from_first"]\n'


def gated(capsys: pytest.CaptureFixture[str], folder: Path, *words: str, more: str = "") -> Any:
    (folder / "policy.toml").write_text(POLICY + more)
    analytics_main(
        ["gate", "--loop", "r", "--policy", str(folder / "policy.toml"), "--json", *words]
    )
    return json.loads(capsys.readouterr().out)


def checks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (block,) = (one for one in document["blocks"] if one["name"] == "reward_hacking")
    return {check["name"]: check for check in block["checks"]}


def test_the_gate_reads_sealed_gold_and_says_how_often_it_was_read(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Gold that everybody reads is as it was, the sealed gold has fallen: the gate fails."""
    filled(home, tmp_path, True, written(tmp_path / "log", "judge", "panel", fall=0.5))
    document = gated(capsys, tmp_path, "--iteration", "3")
    fallen = checks(document)["gold_from_first"]
    assert fallen["result"] == "FAIL" and "sealed gold" in fallen["reason"]
    uses = document["gold_used"]
    assert "looked at it 1 time, at 1 iteration" in uses and "best" not in uses
    assert gated(capsys, tmp_path, "--iteration", "3")["gold_used"] == uses  # the same look
    uses = gated(capsys, tmp_path, "--iteration", "4")["gold_used"]
    assert "looked at it 2 times, at 2 iterations" in uses and "best" not in uses
    uses = gated(capsys, tmp_path, "--iteration", "4", more="gold_drop = 0.15\n")["gold_used"]
    assert "looked at it 3 times, at 2 iterations" in uses
    assert "Iteration 4 was looked at 2 times" in uses and "0.6 standard errors" in uses
    few = "looks_per_year = 2\nextra_looks_per_year = 0\n"
    (tmp_path / "policy.toml").write_text(few + POLICY)
    words = ["gate", "--loop", "r", "--iteration", "5", "--policy", str(tmp_path / "policy.toml")]
    analytics_main(words)
    assert "more than the 2 looks that the policy plans a year" in capsys.readouterr().out
    assert main(["export", "--run", "r", "--break-seal", "--by", "Eve", "--out",
                 str(tmp_path / "out.csv")]) == 0  # fmt: skip
    assert "exported 1 time" in gated(capsys, tmp_path, "--iteration", "3")["gold_used"]


def test_a_gate_that_asks_nothing_of_gold_or_finds_none_opens_nothing(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(home, tmp_path, True, written(tmp_path / "log", "judge"),
           written(tmp_path / "more", "judge", "panel", steps=2))  # fmt: skip
    document = gated(capsys, tmp_path, "--iteration", "3")  # the panel saw iterations 0 and 1 alone
    assert "sealed gold" not in checks(document)["gold_from_first"]["reason"]
    assert "panel is sealed and was not opened here" in document["gold_used"]
    (tmp_path / "policy.toml").write_text('[reward_hacking]\nchecks = ["kl"]\n')
    analytics_main(["gate", "--loop", "r", "--iteration", "1", "--policy",
                    str(tmp_path / "policy.toml")])  # fmt: skip
    with StoreAccess(home) as store:
        assert store.query("seals", project=None)["act"].to_list() == ["seal"]


def test_every_question_is_asked_by_the_test_above() -> None:
    files = {
        file.stem for file in (Path(inspect.getfile(sealing)).parents[1] / "queries").glob("*.sql")
    }
    assert files >= OPENS and files <= set(PARAMETERS) | {"same_rows", "parted_at", "kl_pairs"}
