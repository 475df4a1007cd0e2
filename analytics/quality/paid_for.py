"""How good is what is said of length, of the judge, and without gold: planted truths, real runs.

Kinds of rows: "coverage" (a 95 % interval on simulated runs whose truth is planted), "diagnosis"
(what simulated runs of a kind are told), "signal" (false alarms and calls on genuine trainings),
"simulated signal" (false alarms on simulated runs), "rival" (entropy called collapsed in the middle
of healthy genuine trainings), "named" (falling genuine trainings whose shortcut the list's first
item names), "genuine diagnosis" (what genuine trainings are told).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from analytics.measured.paid_rows import (
    CoverageRow,
    DiagnosisRow,
    PaidForRow,
    RivalTriedRow,
    SignalTriedRow,
)
from analytics.paid_for import length
from analytics.paid_for.draws import draws
from analytics.paid_for.judge_ranks import ranks
from analytics.paid_for.parting import HACK, INSTABILITY, UNKNOWN, parting
from analytics.paid_for.rivals import SEEN, rivals
from analytics.paid_for.signals import of_metrics
from analytics.quality.real_logs import RealRuns, real_runs
from analytics.quality.signals_tried import (
    ends,
    of_named,
    of_parting,
    of_responses,
    of_simulated,
    signal_row,
)
from analytics.quality.simulated_draws import Setting, simulated
from analytics.wording import MISSING, rate_interval, whole

LENGTHS = {
    "40 prompts, 8 responses each": Setting(),
    "12 prompts, 8 responses each": Setting(prompts=12, per_step=6, steps=40),
    "2,000 prompts, 4 responses each": Setting(prompts=2_000, per_step=32, each=4, steps=50),
    "length pays nothing": Setting(pays=0.0),
    "length alone pays": Setting(drift=0.0),
}
KINDS = {
    "hack": Setting(pays=0.0, drift=2.0, gold_drift=-1.0, noise_end=3.0),
    "weak hack": Setting(pays=0.0, drift=1.0, gold_drift=-0.3, noise_end=1.5),
    "instability": Setting(pays=0.0, drift=-1.5, gold_drift=-1.5, noise_end=2.0),
    "healthy, less left to tell apart": Setting(pays=0.0, drift=1.5, gold_drift=1.0, narrows=0.5),
    "healthy": Setting(pays=0.0, drift=1.0, gold_drift=1.0),
    "nothing moves": Setting(pays=0.0, drift=0.0, gold_drift=0.0),
}
"""Settings of runs whose proxy and gold part, break down together, or do neither."""


def measure(
    runs: int, seed: int, lengths: Iterable[str] = tuple(LENGTHS),
    kinds: Iterable[str] = tuple(KINDS), bench: bool = True,
) -> list[PaidForRow]:  # fmt: skip
    """All rows. runs: simulated runs of each setting; the genuine trainings are what they are."""
    rows: list[PaidForRow] = [row for name in lengths for row in _lengths(name, runs, seed)]
    rows += [_ranks(runs, seed)] if bench else []
    rows += [_kind(name, runs, seed) for name in kinds]
    if not bench:
        return rows
    trainings = real_runs()
    truths = trainings.truths
    rows += [*signal_rows(trainings), *of_responses(truths), *of_simulated(runs, seed)]
    return [*rows, rival_row(trainings), *of_named(truths), *of_parting(truths)]


def _lengths(name: str, runs: int, seed: int) -> list[CoverageRow]:
    setting = LENGTHS[name]
    share, apart = [], []
    for at in range(runs):
        drawn = draws(simulated(setting, np.random.default_rng([seed, at])))
        share.append(_covers(length.explained(drawn, "proxy")["share"], setting.share))
        apart.append(_covers(length.matched(drawn, "proxy")["difference"], setting.apart))
    return [_coverage(what, name, covered) for what, covered in
            (("share of the gain that length explains", share),
             ("proxy at matched length", apart))]  # fmt: skip


def _ranks(runs: int, seed: int) -> CoverageRow:
    """The mean rank correlation of draws of 8 whose Pearson correlation is .6: known by drawing."""
    setting = Setting(pays=0.0, drift=0.0, noise=4 / 3, effect=0.0)
    sure = simulated(Setting(**vars(setting) | {"prompts": 4_000, "per_step": 500, "steps": 40}),
                     np.random.default_rng([seed, 1 << 30]))  # fmt: skip
    known = ranks(draws(sure))["spearman"]
    assert known is not None
    truth = known["value"]
    covered = [
        _covers(ranks(drawn)["spearman"], truth)
        for at in range(runs)
        for drawn in [draws(simulated(setting, np.random.default_rng([seed, at])))]
    ]  # fmt: skip
    return _coverage("rank correlation within prompts", "40 prompts, 8 responses each", covered)


def _covers(estimate: Mapping[str, Any] | None, truth: float) -> bool | None:
    return None if estimate is None else bool(estimate["low"] <= truth <= estimate["high"])


def _coverage(what: str, setting: str, covered: list[bool | None]) -> CoverageRow:
    known = [one for one in covered if one is not None]
    low, high = ends(sum(known), len(known))
    return {"kind": "coverage", "what": what, "setting": setting, "runs": len(covered),
            "told": len(known), "held": sum(known), "low": low, "high": high}  # fmt: skip


def _kind(name: str, runs: int, seed: int) -> DiagnosisRow:
    diagnoses = [
        parting(draws(simulated(KINDS[name], np.random.default_rng([seed, at]))))["diagnosis"]
        for at in range(runs)
    ]
    return {
        "kind": "diagnosis",
        "setting": name,
        "runs": runs,
        "parted": diagnoses.count(HACK),
        "both_broke_down": diagnoses.count(INSTABILITY),
        "cannot_tell": diagnoses.count(UNKNOWN),
    }


def signal_rows(trainings: RealRuns) -> list[SignalTriedRow]:
    """Each signal that the genuine trainings log: false alarms on healthy ones, falls called.

    A signal that they do not log has no row: its error is not known.
    """
    raised: dict[str, list[str]] = {}
    for (run,), log in trainings.log.group_by("run_id", maintain_order=True):
        found = of_metrics(*(
            log[name].cast(pl.Float64).to_numpy() for name in ("step", "response_length", "entropy")
        ))  # fmt: skip
        for one in found:
            raised.setdefault(one["signal"], [])
            if one["raised"]:
                raised[one["signal"]].append(str(run))
    return [
        signal_row(name, {run: run in runs for run in trainings.truths}, trainings.truths)
        for name, runs in raised.items()
    ]


def rival_row(trainings: RealRuns) -> RivalTriedRow:
    """How often entropy is called collapsed at an onset that is none: the third quarter."""
    seen = many = 0
    for (run,), log in trainings.log.group_by("run_id", maintain_order=True):
        if trainings.truths[str(run)].kind != "healthy":
            continue
        last = float(log["step"].max())  # type: ignore[arg-type]
        numbers = log.select(
            "step", key=pl.lit("entropy"), value=pl.col("entropy").cast(pl.Float64)
        ).drop_nulls()
        by_rival = {row["rival"]: row for row in rivals(numbers, [], (last / 2, 3 * last / 4))}
        many += 1
        seen += by_rival["entropy_collapse"]["result"] == SEEN
    low, high = ends(seen, many)
    return {"kind": "rival", "rival": "entropy_collapse", "healthy": many, "false": seen,
            "low": low, "high": high}  # fmt: skip


def sentence(row: Mapping[str, Any]) -> str:
    """A row as one line of text."""
    if row["kind"] == "coverage":
        return f"{row['what']}, {row['setting']}: held in {of_text(row, 'held', 'told')}"
    if "diagnosis" in row["kind"]:
        return (f"{row['setting']}: parted {whole(row['parted'])}, both broke down "
                f"{whole(row['both_broke_down'])}, cannot tell {whole(row['cannot_tell'])} of "
                f"{whole(row['runs'])}")  # fmt: skip
    if row["kind"] == "rival":
        return f"{row['rival']} beside no onset: {of_text(row, 'false', 'healthy')}"
    if row["kind"] == "named":
        return (f"{named_of(row)}: the first item names it in {of_text(row, 'named', 'falling')}, "
                f"any item in {whole(row['in_list'])}")  # fmt: skip
    if row["kind"] == "simulated signal":
        return f"{row['signal']}, simulated: {row['setting']}: {of_text(row, 'false', 'runs')}"
    return (f"{row['signal']}: {of_text(row, 'false', 'healthy')} healthy trainings, "
            f"{whole(row['called'])} of {whole(row['falling'])} falling ones")  # fmt: skip


def named_of(row: Mapping[str, Any]) -> str:
    """Which falling trainings a row of the kind "named" counts."""
    what = "a planted word that the policy learnt" if row["planted"] else "what else the proxy pays"
    return f"{what}, {'gold of each response' if row['with_gold'] else 'without gold'}"


def of_text(row: Mapping[str, Any], part: str, of: str) -> str:
    """A count of a row with Wilson's interval."""
    if not row[of]:
        return MISSING
    share = rate_interval(row[part] / row[of], row["low"], row["high"])
    return f"{whole(row[part])} of {whole(row[of])} ({share})"
