"""How far an approximate KL is off is said from the logged lengths; a table's plan is read."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.columns import ReadOptions, RunFacts
from data.readers import read as read_logs
from data.readers.kl.kl_error import RANGE, with_error
from data.readers.meaning.plans import planned_steps


def facts(conversion="approximate") -> RunFacts:
    return RunFacts(kl_conversion=conversion, kl_logged_unit="nats/token", kl_note="note")


def lengths(**columns) -> pl.DataFrame:
    return pl.DataFrame({"response_length": [100.0, 100.0, 200.0]} | columns)


def test_the_error_is_stated_from_the_logged_spread_of_lengths() -> None:
    stated = with_error(lengths(response_length_sd=[60.0, 60.0, 120.0]), facts())
    assert stated.startswith("note; lengths spread by about 0.6 of their mean (response_length_sd)")
    assert "−26 to +36 %" in stated
    low_high = lengths(
        **{"completions/min_length": [10.0] * 3, "completions/max_length": [190.0] * 3}
    )
    assert "at most about 0.6 of their mean (completions/min_length and " in with_error(
        low_high, facts()
    )
    other = lengths(**{"prompt_length/std": [60.0] * 3, "reward_std": [1.0] * 3})
    assert with_error(other, facts()).endswith("unknown: no spread of lengths is logged")
    for conversion in ("exact", "unknown", "missing", "unreliable", "as_stated"):
        assert with_error(other, facts(conversion)) == "note"


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 1.5, 2.0])
def test_the_stated_range_holds_the_error_of_made_lengths(power: float) -> None:
    random = np.random.default_rng(int(10 * power))
    length = random.lognormal(5, 0.5, 200_000)
    of_response = length**power * random.lognormal(0, 0.3, len(length))
    product = float(np.mean(of_response / length) * np.mean(length))
    off = product / float(np.mean(of_response)) - 1
    square = float(np.var(length) / np.mean(length) ** 2)
    assert 1 / (1 + square) - 1 - 0.02 <= off <= square + 0.02


def test_a_range_never_understates_the_spread_of_a_batch_of_sixteen_or_more() -> None:
    random = np.random.default_rng(0)
    for n in (16, 64, 512):
        drawn = random.lognormal(5, 0.5, (400, n))
        ratio = np.median((drawn.max(1) - drawn.min(1)) / RANGE / drawn.mean(1))
        assert ratio >= np.std(drawn) / np.mean(drawn)


def read(folder: Path, table: pl.DataFrame):
    file = folder / "metrics.csv"
    table.write_csv(file)
    return list(read_logs([file], ReadOptions()))


def rows(**columns) -> pl.DataFrame:
    step = np.arange(8) * 10
    return pl.DataFrame(
        {"run_id": ["a"] * 8, "step": step, "kl_per_token": 0.01 * step, "gold_reward": 0.1 * step,
         "proxy_reward": 0.2 * step, "response_length": 90.0 + step} | columns
    )  # fmt: skip


def test_a_table_of_a_run_says_both(tmp_path: Path) -> None:
    (run,) = read(tmp_path, rows(response_length_sd=[54.0] * 8, max_steps=[200] * 8))
    assert run.facts.max_steps == 200
    assert run.facts.kl_conversion == "approximate"
    assert "of their mean (response_length_sd)" in run.facts.kl_note
    (bare,) = read(tmp_path, rows())
    assert bare.facts.max_steps is None and not any("max_steps" in w for w in bare.warnings)


@pytest.mark.parametrize(
    ("plan", "why"),
    [([200] * 4 + [300] * 4, "says 200, 300"), ([50] * 8, "says 50, and the run has step 70"),
     ([200.5] * 8, "says 200.5: expected"), ([-1] * 8, "says -1: expected")],
)  # fmt: skip
def test_a_plan_that_cannot_be_one_is_named_and_not_taken(tmp_path: Path, plan, why) -> None:
    (run,) = read(tmp_path, rows(max_steps=plan))
    assert run.facts.max_steps is None
    assert [w for w in run.warnings if why in w and w.startswith("column max_steps")]


def test_a_column_of_nothing_is_no_plan() -> None:
    empty = pl.DataFrame({"step": [1, 2], "max_steps": [None, None]})
    assert planned_steps(empty) == (None, "")
