"""The kept figures as tables, and which of them a verdict should be read with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analytics.measured.rows import (
    BatteryRow,
    CandidateRow,
    DetectorRow,
    Document,
    ForecastRow,
    IntervalRow,
    NullRow,
)
from analytics.simulated import HARDER, HONEST, SCENARIOS
from analytics.wording import fixed, percent, percent_spread, rate_text

RESULTS = Path(__file__).parents[1] / "quality" / "results"
DENSE = "unstated noise"
SCENARIO_WORDS = {
    "clean_n20_s02": "20 evaluations, noise 2 % of the gain",
    "base_n20_s05": "20 evaluations, noise 5 % of the gain",
    "noisy_n20_s10": "20 evaluations, noise 10 % of the gain",
    "sparse_n10_s05": "10 evaluations, noise 5 %",
    "sparse_n7_s05": "7 evaluations, noise 5 %",
    "dense_n40_s10": "40 evaluations, noise 10 %",
    "klgrid_n20_s05": "20 evaluations evenly over KL, noise 5 %",
    "ar_n20_s05_r5": "20 evaluations, noise 5 %, neighbours correlated by .5",
    "unequal_n20_s05": "20 evaluations, late ones far apart, noise grows from 2.9 to 8.7 %",
    "pooled_n399_s20": "400 noisy rows pooled into 25 groups, noise 5 % a group, not stated",
}
ASKED = {
    "clean_n20_s02": (0.99, 2.0),
    "base_n20_s05": (0.95, 2.5),
    "sparse_n10_s05": (0.93, 2.75),
    "noisy_n20_s10": (0.78, 3.2),
    "dense_n40_s10": (0.83, 2.8),
}
"""What a good implementation of the scan should reach: (power, median delay). docs/methods.md."""
PROTOTYPE = {
    "clean_n20_s02": 1.89,
    "base_n20_s05": 2.36,
    "noisy_n20_s10": 3.04,
    "sparse_n10_s05": 2.62,
    "dense_n40_s10": 2.69,
}
"""Median delay of the slope scan viewed once, at a known plan: the figure to beat."""

SHAPE_WORDS = {"rl": "Gao, RL", "bon": "Gao, best-of-n", "mid": "Gao, between"}
"""Shapes of gold that are not named by a word of their own."""


def published(topic: str) -> Document[Any] | None:
    """The kept document of a topic, None where it has not been measured."""
    file = RESULTS / f"{topic}.json"
    document: Document[Any] | None = json.loads(file.read_text()) if file.exists() else None
    return document


def matching_scenario(row: Mapping[str, Any]) -> str | None:
    """The simulated scenario nearest to a verdict in looks and noise; None without a test.

    row: of `verdict --json`; its relative_noise is a look's error in units of gold's gain.

    >>> matching_scenario({"looks": 11, "relative_noise": 0.06, "rows_per_look": 1,
    ...                    "autocorrelation": 0.0})
    'sparse_n10_s05'
    """
    noise = row.get("relative_noise")
    if noise is None:
        return None
    if (row.get("rows_per_look") or 1) >= 4:
        return "pooled_n399_s20"
    if row.get("autocorrelation"):
        return "ar_n20_s05_r5"
    plain = {
        name: one
        for name, one in (SCENARIOS | HARDER).items()
        if one.autocorrelation == 0 and not one.equal_in_kl and one.growth == 1
        and one.evaluations < 100
    }  # fmt: skip

    def distance(name: str) -> float:
        looks = np.log(max(row["looks"], 2) / (plain[name].evaluations + 1))
        return float(looks**2 + np.log(max(noise, 1e-3) / plain[name].noise) ** 2)

    return min(plain, key=distance)


def in_words(detector: str) -> str:
    """A detector as a reader knows it; docs/methods.md has the names of the code.

    >>> in_words("RED, no plan stated"), in_words("AMBER"), in_words("patience 3")
    ('scan alarm, no plan', 'posterior warning', 'patience 3')
    """
    words = detector.replace("RED", "scan alarm").replace("AMBER", "posterior warning")
    return words.replace(", no plan stated", ", no plan")  # a phone has no room for more


def in_words_all(table: pl.DataFrame) -> pl.DataFrame:
    """The same table with its detectors in words."""
    names = {name: in_words(name) for name in table["detector"].unique().to_list()}
    return table.with_columns(pl.col("detector").replace_strict(names))


def detector_table(rows: Sequence[DetectorRow], scenario: str) -> pl.DataFrame:
    """One row a detector in one scenario: its worst never-falling kind, power, delay, early alarms.

    Columns detector, worst_kind, false_alarms, false_alarms_se, power, power_se, ratio (null =
    most big falls are never seen), ratio_se, premature, premature_se, runs.
    """
    found = []
    mine = [row for row in rows if row["scenario"] == scenario and "alarms" in row]
    for name in dict.fromkeys(row["detector"] for row in mine):
        by_kind = {row["kind"]: row for row in mine if row["detector"] == name}
        worst = max((by_kind[k] for k in HONEST if k in by_kind), key=lambda row: row["alarms"])
        gao = by_kind.get("gao", {})
        found.append({
            "detector": name, "worst_kind": worst["kind"],
            "false_alarms": worst["alarms"], "false_alarms_se": worst["alarms_se"],
            **{key: gao.get(key) for key in
               ("power", "power_se", "ratio", "ratio_se", "premature", "premature_se")},
            "runs": worst["runs"],
        })  # fmt: skip
    return pl.DataFrame(found, infer_schema_length=None)


def kind_table(rows: Sequence[DetectorRow], scenario: str, kinds: tuple[str, ...]) -> pl.DataFrame:
    """Detector and the share of runs of each kind that alarm; kinds: HONEST or overoptimising."""
    found: dict[str, dict[str, str | float]] = {}
    for row in rows:
        if row["scenario"] == scenario and row["kind"] in kinds and "alarms" in row:
            at = found.setdefault(row["detector"], {"detector": row["detector"]})
            at[row["kind"]] = row["alarms"] if row["kind"] in HONEST else row["power"]
    return pl.DataFrame(list(found.values()), infer_schema_length=None)


def red_over_scenarios(rows: Sequence[DetectorRow]) -> pl.DataFrame:
    """RED in every scenario beside the limit, the prototype and what is asked of it."""
    found = []
    for scenario in dict.fromkeys(row["scenario"] for row in rows if row["scenario"] != DENSE):
        table = detector_table(rows, scenario).filter(pl.col("detector") == "RED").to_dicts()[0]
        limits = {
            row["detector"]: row["ratio"] for row in rows
            if row["scenario"] == scenario and row["detector"].startswith("limit")
        }  # fmt: skip
        limit = limits.get("limit, c = 2.6")
        asked = ASKED.get(scenario, (None, None))
        found.append({
            "scenario": SCENARIO_WORDS[scenario], **table, "limit": limit,
            "over_limit": table["ratio"] / limit if table["ratio"] and limit else None,
            "power_asked": asked[0], "ratio_asked": asked[1],
            "prototype": PROTOTYPE.get(scenario),
        })  # fmt: skip
    return pl.DataFrame(found, infer_schema_length=None).drop("detector")


def false_alarms(row: BatteryRow) -> tuple[float, float]:
    """Onsets of the worse of flat gold and gold that rises and stays, with their error."""
    if row["plateau"] > row["flat"]:
        return row["plateau"], row["plateau_se"]
    return row["flat"], row["flat_se"]


def battery_table(rows: Sequence[BatteryRow]) -> pl.DataFrame:
    """The battery as a reader reads it, one row a condition, those that miss their claim first."""
    found = []
    for row in sorted(rows, key=lambda row: (row["holds"] and row["finds"], not row["asked"])):
        missed = [] if row["holds"] else ["more than claimed"]
        missed += [] if row["finds"] else ["misses falls"]
        found.append({
            "log": row["words"],
            "claimed": f"at most {percent(row['claimed'])}" if row["asked"] else "nothing",
            "false alarms": percent_spread(*false_alarms(row)),
            "ever": percent_spread(row["flat_ever"], row["flat_ever_se"]),
            "falls called": percent_spread(row["falling"], row["falling_se"]),
            "refused": rate_text(row["refused"]),
            "runs": row["runs"],
            "": ", ".join(missed) or "holds",
        })  # fmt: skip
    return pl.DataFrame(found, infer_schema_length=None)


def interval_table(
    rows: Sequence[IntervalRow], scenario: str, held_out: bool = False
) -> pl.DataFrame:
    """One row a shape and method of interval for the peak, in one scenario.

    Columns shape, method, coverage, coverage_se, width (upper over lower end, median of those
    that are bounded), width_se, open (share without an upper end), error (median of |KL found :
    true - 1|), floor (what no method beats), runs. held_out: shapes that no model contains.
    """
    found = [
        {"shape": SHAPE_WORDS.get(row["kind"], row["kind"].replace("_", " "))}
        | {key: row.get(key) for key in
           ("method", "coverage", "coverage_se", "width", "width_se", "open", "error", "floor",
            "runs")}
        for row in rows
        if row["scenario"] == scenario and "coverage" in row and row["held_out"] == held_out
    ]  # fmt: skip
    return pl.DataFrame(found, infer_schema_length=None)


def forecast_table(rows: Sequence[ForecastRow]) -> pl.DataFrame:
    """Forecasts of the peak, one row a truth, noise, prefix and method, as a reader reads them."""
    found = [
        {
            "shape": SHAPE_WORDS.get(row["kind"], row["kind"]),
            "method": row["method"],
            "noise": f"{percent(row['noise'])} of the gain",
            "seen so far": percent(row["prefix"]),
            "error": percent_spread(row["error"], row["error_se"]),
            "floor": rate_text(row["floor"]),
            "coverage of 90 %": percent_spread(row["coverage"], row["coverage_se"]),
            "not stated": rate_text(row["refused"]),
        }
        for row in rows
    ]
    return pl.DataFrame(found, infer_schema_length=None)


def candidate_table(rows: Sequence[CandidateRow]) -> pl.DataFrame:
    """Candidates on runs that fall, one row a scenario and time of judging."""
    return pl.DataFrame([
        {
            "runs": SCENARIO_WORDS[row["scenario"]],
            "judged at": "its alarm" if row["judged_at"] == "alarm" else "its end",
            "candidate told": rate_text(row["told"]),
            "right": percent_spread(row["right"], row["right_se"]),
            "gold within its interval": percent_spread(row["coverage"], row["coverage_se"]),
        }
        for row in rows if row["kind"] == "falling"
    ])  # fmt: skip


def null_table(rows: Sequence[NullRow]) -> pl.DataFrame:
    """By how much the best of checkpoints that differ by chance alone is too high."""
    texts = [(row, fixed(row["gain_bias"], 2), fixed(row["twice_bias"], 2)) for row in rows]
    return pl.DataFrame([
        {
            "what is reported": row["what"],
            "gold too high by": fixed(row["gold_bias"], 2),
            "gain too high by": f"{gain} \u00b1 {twice}",
            "runs": row["runs"],
        }
        for row, gain, twice in texts
    ])  # fmt: skip
