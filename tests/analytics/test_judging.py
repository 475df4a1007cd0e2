"""Judging in a process of its own: the same verdicts, and no run takes its caller along."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.kept_verdicts import judging
from analytics.kept_verdicts.judging import Budget, Judge, JudgeClosed
from analytics.kept_verdicts.verdicts import judge as judge_here

ROOT = Path(__file__).resolve().parents[2]
STEPS = np.arange(40)
PATH = pl.DataFrame(
    {"step": STEPS, "stretch": 0, "kl": STEPS / 4, "proxy_reward": STEPS / 10,
     "proxy_reward_sd": None, "response_length": None},
    schema_overrides={"proxy_reward_sd": pl.Float64, "response_length": pl.Float64},
)  # fmt: skip
GOLD = PATH.select(
    "step", "stretch", "kl", "proxy_reward", source=pl.lit("evaluation"),
    gold_reward=pl.Series(STEPS / 20 - np.maximum(STEPS - 20, 0) / 10), gold_reward_se=0.02,
    gold_reward_sd=pl.lit(None, pl.Float64), n_responses=pl.lit(None, pl.Int64),
    kind=pl.lit(None, pl.String),
)  # fmt: skip
RUN = {
    "run_id": "r", "project": "p", "facts": json.dumps({"kl_conversion": "exact"}), "samples": 0,
    "path": "", "generation": 1, "kl_end": 9.75, "step_end": 39, "gold_evaluations": 40,
}  # fmt: skip
NOTHING = {
    "prompts": {"step": pl.Int64, "prompt_id": pl.String, "n": pl.Int64, "gold_n": pl.Int64,
                "gold_reward": pl.Float64, "proxy_reward": pl.Float64},
    "evaluated": {"step": pl.Int64, "prompt_id": pl.String, "n": pl.Int64, "gold_n": pl.Int64,
                  "gold_reward": pl.Float64},
    "sample_kl": {"step": pl.Int64, "n": pl.Int64, "k1": pl.Float64, "k1_sd": pl.Float64},
    "further_kl": {"step": pl.Int64, "key": pl.String, "value": pl.Float64},
}  # fmt: skip


def query(name: str, **_: Any) -> pl.DataFrame:
    there = {"gold": GOLD, "trajectory": PATH}
    return there[name] if name in there else pl.DataFrame(schema=NOTHING[name])


@pytest.fixture(scope="module", autouse=True)
def own_process(judge_handed_on: dict[str, Callable[..., Any]]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, own in judge_handed_on.items():
            patch.setattr(f"analytics.kept_verdicts.judging.{name}", own)
        yield


@pytest.fixture
def judge() -> Iterator[Judge]:
    with Judge(Budget(2_000, 60)) as made:
        yield made


def until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not there():
        assert time.monotonic() < end
        time.sleep(0.01)


def gone(pid: int | None) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] == "Z"
    except OSError:
        return True


def test_the_verdict_is_the_one_that_is_made_here(judge: Judge) -> None:
    here = judge_here(query, RUN)
    for _ in range(2):
        there = judge.judge(query, RUN)
        assert there.row == here.row and there.looks.equals(here.looks)
    assert here.row["status"] == "overoptimized"


def refused(made: Any, why: str) -> None:
    assert made.row["status"] == "not_judged" and made.row["run"] == "r"
    assert made.row["step_end"] == 39 and made.row["peak"] is made.row["alarm"] is None
    (reason,) = made.row["reasons"]
    assert reason.startswith("This run could not be judged: ") and why in reason
    assert "python -m analytics verdict --run r --again" in reason
    assert set(made.row) == set(judge_here(query, RUN).row)
    assert made.looks.is_empty()


def test_a_run_that_takes_too_much_memory_says_so_and_the_next_is_judged(judge: Judge) -> None:
    usual, judge.budget = judge.budget, Budget(20, 60)
    refused(judge.judge(query, RUN), "it took more than 20 MB of memory (OVEROPT_JUDGE_MEMORY_MB)")
    judge.budget = usual
    assert judge.judge(query, RUN).row["status"] == "overoptimized"


def test_a_run_that_takes_too_long_says_so_and_the_next_is_judged(judge: Judge) -> None:
    usual, judge.budget = judge.budget, Budget(2_000, 0.05)
    refused(judge.judge(query, RUN), "it took more than 0.05 s (OVEROPT_JUDGE_SECONDS)")
    judge.budget = usual
    assert judge.judge(query, RUN).row["status"] == "overoptimized"


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGKILL])
def test_a_process_that_dies_is_replaced(judge: Judge, how: signal.Signals) -> None:
    def dying(name: str, **asked: Any) -> pl.DataFrame:
        assert judge.pid is not None
        os.kill(judge.pid, how)
        return query(name, **asked)

    refused(judge.judge(dying, RUN), f"its process was ended by {how.name}")
    assert judge.judge(query, RUN).row["status"] == "overoptimized"


def test_a_judgement_that_fails_says_how_and_the_process_goes_on(judge: Judge) -> None:
    def broken(name: str, **asked: Any) -> pl.DataFrame:
        return query(name, **asked).drop("gold_reward", strict=False)

    refused(judge.judge(broken, RUN), "the judgement failed (ColumnNotFoundError: ")
    process = judge.pid
    assert judge.judge(query, RUN).row["status"] == "overoptimized" and judge.pid == process


def test_a_store_that_fails_is_no_fault_of_the_run(judge: Judge) -> None:
    def failing(name: str, **asked: Any) -> pl.DataFrame:
        raise LookupError("the disk is gone")

    with pytest.raises(LookupError, match="the disk is gone"):
        judge.judge(failing, RUN)
    assert judge.judge(query, RUN).row["status"] == "overoptimized"


def test_closing_in_the_middle_says_nothing_of_the_run(judge: Judge) -> None:
    def closing(name: str, **asked: Any) -> pl.DataFrame:
        judge.close()
        return query(name, **asked)

    with pytest.raises(JudgeClosed):
        judge.judge(closing, RUN)
    with pytest.raises(JudgeClosed):
        judge.judge(query, RUN)


def test_an_idle_process_ends_and_is_started_again(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "IDLE", 0.01)
    judge.judge(query, RUN)
    until(lambda: judge.pid is None)
    assert judge.judge(query, RUN).row["status"] == "overoptimized"


CALLER = """
import sys, time
sys.path.insert(0, "tests/analytics")
import test_judging as t

def query(name, **asked):
    print(judge.pid, flush=True)
    if {busy}:
        return t.query(name, **asked)
    time.sleep(600)

judge = t.Judge()
while True:
    judge.judge(query, t.RUN)
"""


@pytest.mark.parametrize("busy", [False, True])
def test_the_process_ends_with_a_caller_that_is_killed(busy: bool) -> None:
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER.format(busy=busy)], cwd=ROOT, stdout=subprocess.PIPE
    )  # fmt: skip
    assert caller.stdout is not None
    process = int(caller.stdout.readline())
    assert not gone(process)
    caller.kill()
    caller.wait()
    until(lambda: gone(process))


@pytest.mark.parametrize("variable", [judging.MEMORY, judging.SECONDS])
def test_the_budget_is_what_the_environment_says(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Budget.named() == Budget()
    monkeypatch.setenv(variable, "300")
    assert 300 in vars(Budget.named()).values()
    for odd in ("none", "0", "-3", "inf"):
        monkeypatch.setenv(variable, odd)
        with pytest.raises(ValueError, match=f"{variable}='{odd}': a number above 0"):
            Budget.named()
