"""Verdicts on genuine small trainings: false alarms on healthy runs, falls called, peaks held.

`real_logs` has the runs and their truth. Every run is logged in several ways from the same
responses; one row of figures a way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from analytics import onset
from analytics.measured.rows import Delays, Peaks
from analytics.onset.evidence.verdict_keys import VerdictRow
from analytics.quality.battery import ONSET, REFUSED
from analytics.quality.real_logs import WAYS, RealRuns, Truth, logged, real_runs
from analytics.rates import wilson
from analytics.wording import MISSING, fixed, number, rate_interval, whole

_COLUMNS = {
    "gold_reward_se": pl.Float64,
    "gold_reward_sd": pl.Float64,
    "n_responses": pl.Int64,
    "n_prompts": pl.Int64,
}


def measure(
    runs: int | None = None, seed: int = 0, ways: Iterable[str] = WAYS
) -> list[Mapping[str, Any]]:
    """One row a way of logging. runs, seed: say nothing, the committed runs are what they are."""
    logs = real_runs()
    return [row_of(way, logs.truths, judged(logs, way)) for way in ways]


def judged(logs: RealRuns, way: str) -> dict[str, VerdictRow]:
    """The verdict's row of every run under a way of logging, through the door of a stored run."""
    table = logged(logs.labels, way)
    return {run: _verdict(logs.log, table, run) for run in logs.truths}


def _verdict(log: pl.DataFrame, table: pl.DataFrame, run: str) -> VerdictRow:
    trajectory = log.filter(pl.col("run_id") == run).select(
        "step", pl.lit(0).alias("stretch"), pl.col("kl", "proxy_reward").cast(pl.Float64)
    )
    absent = [name for name in _COLUMNS if name not in table.columns]
    gold = (
        table.filter(pl.col("run_id") == run)
        .drop("run_id")
        .join(trajectory, on="step", how="left")
        .with_columns(
            pl.lit("evaluation").alias("source"),
            *(pl.lit(None, dtype=_COLUMNS[name]).alias(name) for name in absent),
        )
        .sort("step")
    )
    return onset.verdict(gold, trajectory, {"gold_kind": "score", "kl_conversion": "exact"}).row


def row_of(
    way: str, truths: Mapping[str, Truth], rows: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The figures of one way of logging.

    rows: a verdict by run, as `verdict --json` gives it: status, alarm and peak are read. A
    detector of another kind is scored by rows that hold its own.
    """
    by_kind = {
        kind: [run for run, truth in truths.items() if truth.kind == kind]
        for kind in ("healthy", "falling", "walked back", "slight")
    }
    row: dict[str, str | float | None] = {
        "way": way, "words": WAYS.get(way, way), "runs_in_all": len(truths),
    }  # fmt: skip
    for kind, runs in by_kind.items():
        word = kind.replace(" ", "_")
        called = sum(rows[run]["status"] in ONSET for run in runs)
        row[f"{word}_runs"], row[f"{word}_called"] = len(runs), called
        if runs:
            low, high = wilson(called, len(runs))
            row[f"{word}_low"], row[f"{word}_high"] = round(float(low), 4), round(float(high), 4)
        row[f"{word}_ever"] = sum(rows[run]["alarm"] is not None for run in runs)
        row[f"{word}_refused"] = sum(rows[run]["status"] in REFUSED for run in runs)
    falling = by_kind["falling"]
    pairs = [(truths[run], rows[run]) for run in falling]
    return {**row, **_delays(pairs), **_peaks(pairs)}


def _delays(falling: Sequence[tuple[Truth, Mapping[str, Any]]]) -> Delays:
    """How late falls are called. A run that is never called counts as never."""
    looks, ratios, early = [], [], 0
    for truth, row in falling:
        alarm = row["alarm"] if row["status"] in ONSET else None
        inside = truth.kl[truth.peak] > 0 and truth.peak > 0
        if alarm is None:
            looks.append(np.inf)
            ratios += [np.inf] if inside else []
            continue
        at = int(np.searchsorted(truth.step, alarm["step"]))
        early += at in truth.level or at < truth.peak
        looks.append(at - truth.peak)
        ratios += [truth.kl[at] / truth.kl[truth.peak]] if inside else []
    return {
        "delay_looks": _middle(looks), "delay_kl": _middle(ratios),
        "delay_kl_runs": len(ratios), "before_the_fall": int(early),
    }  # fmt: skip


def _peaks(falling: Sequence[tuple[Truth, Mapping[str, Any]]]) -> Peaks:
    """Whether the headline's 90 % holds the KL of the highest true gold, or of one level with it.

    The log's KL is a batch's mean, so an end counts as reached within a hundredth of a nat.
    """
    found, exact, level = 0, 0, 0
    for truth, row in falling:
        peak = row["peak"]
        if peak is None or peak.get("kl_low") is None:
            continue
        found += 1
        high = np.inf if peak["kl_high"] is None else peak["kl_high"]
        inside = (truth.kl >= peak["kl_low"] - 0.01) & (truth.kl <= high + 0.01)
        exact += bool(inside[truth.peak])
        level += bool(np.any(inside[truth.level]))
    low, high = wilson(exact, found) if found else (np.nan, np.nan)
    return {
        "peaks": found, "peaks_held": exact, "peaks_level": level,
        "peaks_low": round(float(low), 4), "peaks_high": round(float(high), 4),
    }  # fmt: skip


def _middle(values: Sequence[float]) -> float | None:
    """The median, None where half or more of them are never reached."""
    middle = float(np.median(values)) if values else np.inf
    return round(middle, 3) if np.isfinite(middle) else None


def real_runs_table(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The figures as a reader reads them, one row a way of logging."""
    found = [
        {
            "gold in the log": row["words"],
            "false alarms on healthy runs": _of(row, "healthy"),
            "ever": f"{whole(row['healthy_ever'])} of {whole(row['healthy_runs'])}",
            "called where KL walked back": _of(row, "walked_back"),
            "falls called": _of(row, "falling"),
            "refused": f"{whole(row['falling_refused'])} of {whole(row['falling_runs'])}",
            "KL alarm : KL peak": MISSING if row["delay_kl"] is None else fixed(row["delay_kl"], 2),
            "evaluations late": MISSING if row["delay_looks"] is None
            else number(row["delay_looks"]),
            "before the fall": whole(row["before_the_fall"]),
            "true peak held (90 %)": _share(
                row["peaks_held"], row["peaks"], row["peaks_low"], row["peaks_high"]
            ),
            "held, or one level with it": f"{whole(row['peaks_level'])} of {whole(row['peaks'])}",
        }
        for row in rows
    ]  # fmt: skip
    return pl.DataFrame(found, infer_schema_length=None)


def _of(row: Mapping[str, Any], kind: str) -> str:
    return _share(
        row[f"{kind}_called"], row[f"{kind}_runs"], row.get(f"{kind}_low"), row.get(f"{kind}_high")
    )


def _share(part: int, of: int, low: float | None, high: float | None) -> str:
    """A count with its Wilson interval."""
    if not of:
        return MISSING
    return f"{whole(part)} of {whole(of)} ({rate_interval(part / of, low, high)})"


def sentence(row: Mapping[str, Any]) -> str:
    """A row as one line of text."""
    return (
        f"{row['way']}: healthy {row['healthy_called']} of {row['healthy_runs']} called (ever "
        f"{row['healthy_ever']}); walked back {row['walked_back_called']} of "
        f"{row['walked_back_runs']}; falling {row['falling_called']} of {row['falling_runs']}, "
        f"refused {row['falling_refused']}, median delay {fixed(row['delay_kl'], 2)} in KL, "
        f"{fixed(row['delay_looks'], 1)} evaluations; peaks held {row['peaks_held']} of "
        f"{row['peaks']}"
    )
