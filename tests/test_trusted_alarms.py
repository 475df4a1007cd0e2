"""The page on what a log must hold: its cell logs what it says, its table is what was measured."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from analytics.measured.published import published
from analytics.wording import percent_spread
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.remote import StoreAccess

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "trusted_alarms.md").read_text()
NOISES = {
    "gauss": "true errors, over prompts",
    "gauss, no plan": "the same, no plan (`max_steps`) stated",
    "sd, prompts logged": "spread and `n_prompts`, 25 prompts x 8 alike by .5",
    "8 prompts": "errors of 8 prompts",
    "sd, 25 x 8, icc 0.5": "spread and number of responses, no prompts",
    "rate, 50 x 8, n stated": "a rate and its 400 responses, no prompts",
    "rate, 50 x 8, no n": "a rate without its n",
    "errors / 2": "errors half as large as they are",
    "unstated": "no errors",
    "ar 0.6, 21": "errors, neighbours correlated by .6",
    "outlier -5": "one evaluation 5 standard errors too low",
    "moving mean 5": "the mean of the last five rows",
    "ema 0.3": "a running mean, weight .3",
    "ema 0.1": "a running mean, weight .1",
}
"""The conditions on the page, in its words."""


def table() -> str:
    """The page's table, from the kept figures."""
    rows = {row["condition"]: row for row in published("battery")["rows"]}
    lines = ["| what is logged | false alarms at the end | falls called |", "|---|---|---|"]
    for name, words in NOISES.items():
        row = rows[name]
        false = percent_spread(row["flat"], row["flat_se"])
        called = percent_spread(row["falling"], row["falling_se"])
        lines.append(f"| {words} | {false} | {called} |")
    return "\n".join(lines)


def test_the_table_is_what_was_measured() -> None:
    assert table() in PAGE, f"put there:\n{table()}"


def test_the_cell_logs_what_a_known_error_needs(tmp_path: Path, home: Path) -> None:
    (cell,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    subprocess.run([sys.executable, "-c", cell], cwd=tmp_path, check=True, env=os.environ)
    done = import_paths(home, [tmp_path / "metrics.jsonl"], ReadOptions())
    assert not done.skipped
    with StoreAccess(home) as store:
        row = store.query("gold", run=done.runs[0]["run"], until=None).row(0, named=True)
    assert (row["n_prompts"], row["n_responses"], row["kl"]) == (50, 400, 0.0)
    assert row["gold_reward_se"] == pytest.approx(1 / 400**0.5, rel=0.3)


def test_the_page_says_the_flag_and_the_columns_by_their_names() -> None:
    from data.columns import METRIC_COLUMNS

    named = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.M))
    assert {"gold_reward", "n_prompts", "kl"} <= named <= {*METRIC_COLUMNS, "max_steps"}
    assert "`clustered_unknown`" in PAGE
