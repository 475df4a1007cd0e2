"""How many prompts stand behind a mean: a column where logged, and as far as a verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analytics.kept_verdicts.verdicts import judge
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.remote import StoreAccess

LOGGED = {
    "prompts": ("n_prompts", "25", [25, 25]),
    "samples a prompt": ("n_samples_per_prompt", "8", [25, 25]),
    "a part of a prompt": ("n_samples_per_prompt", "3", [66, 66]),
    "nobody knows": ("n_samples_per_prompt", "0", [None, None]),
    "both": ("n_prompts,n_samples_per_prompt", "20,8", [20, 20]),
}


def counts(home: Path, query: str) -> list[int | None]:
    asked = {"gold": {"run": "r"}, "metrics": {"runs": ["r"]}}[query]
    with StoreAccess(home) as store:
        return store.query(query, until=None, **asked)["n_prompts"].to_list()


@pytest.mark.parametrize("logged", LOGGED)
def test_a_table_says_its_prompts(home: Path, tmp_path: Path, logged: str) -> None:
    names, values, expected = LOGGED[logged]
    file = tmp_path / "t.csv"
    rows = "".join(f"r,{step},1,1,0.5,200,{values}\n" for step in (1, 2))
    file.write_text(f"run_id,step,kl,proxy_reward,gold_reward,n_responses,{names}\n{rows}")
    assert not import_paths(home, [file], ReadOptions()).skipped
    assert counts(home, "metrics") == counts(home, "gold") == expected


def test_a_trainers_log_says_its_prompts(home: Path, tmp_path: Path) -> None:
    history = [
        {"step": step, "kl": 0.1, "reward": 1.0, "rewards/rm/mean": 1.0, "rewards/gold/mean": 0.5,
         "completions/mean_length": 20.0, "n_responses": 64, "n_samples_per_prompt": 4}
        for step in (1, 2)
    ]  # fmt: skip
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    assert not import_paths(home, [folder], ReadOptions()).skipped
    assert counts(home, "gold") == [16, 16]


def test_gold_of_another_day_brings_its_own_prompts(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run_id,step,kl,proxy_reward,n_prompts\nr,1,1,1,7\nr,2,2,2,7\n")
    (tmp_path / "humans.csv").write_text("run_id,step,gold_reward,n_prompts\nr,1,0.5,40\n")
    import_paths(home, [tmp_path / "a.csv"], ReadOptions())
    import_paths(home, [tmp_path / "humans.csv"], ReadOptions())
    assert counts(home, "gold") == [40] and counts(home, "metrics") == [7, 7]


@pytest.mark.parametrize("with_prompts", [False, True])
def test_a_verdict_knows_errors_by_their_prompts(
    home: Path, tmp_path: Path, with_prompts: bool
) -> None:
    """A spread over the prompts is known; over the responses it is one witness of two."""
    name = ",n_samples_per_prompt" if with_prompts else ""
    rows = "".join(
        f"r,{i},{i},{i},{0.01 * (i % 3)},0.2,200{',8' if with_prompts else ''}\n" for i in range(12)
    )
    header = f"run_id,step,kl,proxy_reward,gold_reward,gold_reward_sd,n_responses{name}\n"
    (tmp_path / "t.csv").write_text(header + rows)
    import_paths(home, [tmp_path / "t.csv"], ReadOptions())
    with StoreAccess(home) as store:
        run = store.query("runs", project=None, runs=["r"]).row(0, named=True)
        row = judge(store.query, run).row
    assert ("clustered_unknown" in row["flags"]) != with_prompts
    assert ("number of prompts" in row["noise"] or "prompt" in row["noise"]) == with_prompts
