"""The evidence of one iteration from a store's questions, and what training text it shares."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from analytics.comparing.gold_uses import one_family
from analytics.comparing.verdict_frames import Asked
from analytics.gate.blocks.diversity import HOLDOUT
from analytics.gate.records.evidence import FRAMES, Evidence, GateError
from analytics.gate.records.sealed import acts, sealed_sources
from analytics.gate.rules.policy import Policy, PolicyError, loosened, read_policy
from analytics.loops.decided import day
from analytics.loops.overlap import of_loop
from analytics.rates import normal_quantile

Query = Callable[..., pl.DataFrame]
KL_ERROR = "kl_se"
"""Logged key of the standard error of a mean KL."""
HOLDOUT_ERROR = f"{HOLDOUT}_se"
"""Logged key of the standard error of the loss on held-out human text."""
Z = normal_quantile(0.95)


def gather(
    query: Query, loop: str, iteration: int, *, alarm: Mapping[str, Any] | None = None,
    indicators: Sequence[Mapping[str, Any]] = (), release: int | None = None,
    submitter: str | None = None, today: datetime.date | None = None,
    opened: pl.DataFrame | None = None,
) -> Evidence:  # fmt: skip
    """All that the store holds of a loop up to an iteration.

    Args:
        query: asks the store a named question.
        alarm: the verdict on the loop's gold up to the iteration.
        indicators: rows of `collapse --json`.
        submitter: who asks for the release; None = as the loop's file says.
        opened: its sealed gold, where this look opened it (`sealed.opened`); None = it did not.

    Raises:
        GateError: the loop or the iteration is not there.
    """
    asked: Asked = {"loops": [loop], "until": iteration}
    logged = query("scalars", run=loop)
    frames = {
        "answers": query("gate_answers", **asked),
        "generations": query("generations", **asked, iterations=None),
        "metrics": with_kl_error(
            query("metrics", runs=[loop], until=iteration).rename({"step": "iteration"}),
            logged.filter(pl.col("key") == KL_ERROR),
            _facts(query, loop),
        ),
        "indicators": with_holdout_error(
            flat(indicators), logged.filter(pl.col("key") == HOLDOUT_ERROR)
        ),
        **{name: query(name, **asked) for name in ("corpus", "reviews", "outcomes", "decisions")},
    }
    rows = query("iterations", loops=[loop], until=None)
    _check_there(query, loop, iteration, frames, rows)
    frames["overlap"] = overlap(query, loop, iteration)
    sources = sealed_sources(query, loop)
    if opened is not None:
        frames["sealed"] = opened
    mine = rows.filter(pl.col("iteration") == iteration)
    named = mine["submitter"][0] if mine.height else None
    return Evidence(
        loop,
        iteration=iteration,
        frames=frames,
        release=release,
        submitter=submitter or named,
        today=today or datetime.date.today(),
        alarm=alarm,
        named=named,
        gold_uses=tuple(query("gold_uses", run=loop, until=iteration).to_dicts()),
        kin=_kin(_facts(query, loop), frames),
        seals=acts(query, loop) if sources else (),
        sealed=tuple(sources) if opened is None or opened.is_empty() else (),
    )


def _check_there(
    query: Query,
    loop: str,
    iteration: int,
    frames: Mapping[str, pl.DataFrame],
    iterations: pl.DataFrame,
) -> None:
    if query("runs", project=None, runs=[loop]).is_empty():
        raise GateError(f"there is no loop {loop!r}; see: python -m data list")
    there = set(iterations["iteration"]).union(
        *(frame["iteration"].drop_nulls() for name, frame in frames.items() if name != "decisions")
    )
    if iteration not in there:
        known = ", ".join(str(at) for at in sorted(there)) or "none"
        raise GateError(
            f"{loop} has no iteration {iteration} up to there; it has {known}. Import its tables: "
            "python -m data import loop.toml"
        )


def _facts(query: Query, loop: str) -> dict[str, Any]:
    runs = query("runs", project=None, runs=[loop])
    return json.loads(runs["facts"][0]) if runs.height else {}


def _kin(facts: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> str | None:
    """What is said of judge and reward model, as settings name them, else metrics and corpus."""
    named = [
        frames[table][column].drop_nulls().to_list() if column in frames[table].columns else []
        for table, column in (("metrics", "gold_version"), ("corpus", "reward_model"))
    ]
    judge, reward = (names[-1] if names else None for names in named)
    return one_family(facts.get("config") or {}, judge, reward)


def with_kl_error(
    metrics: pl.DataFrame, logged: pl.DataFrame, facts: Mapping[str, Any]
) -> pl.DataFrame:
    """The logged KL with its standard error; null where it is not from the initial policy in nats.

    Args:
        logged: phase, step, value: the logged standard errors.
        facts: the loop's; best-of-n's bound is computed from n, and has no sampling error.
    """
    reference = facts.get("kl_reference") in (None, "initial_policy")
    known = reference and facts.get("kl_conversion") != "unknown"
    bound = facts.get("kl_estimator") == "bon_bound"
    errors = logged.select("phase", iteration="step", kl_se="value").unique(
        ["phase", "iteration"], keep="last"
    )
    return metrics.join(errors, on=["phase", "iteration"], how="left").with_columns(
        kl=pl.col("kl") if known else pl.lit(None, pl.Float64),
        kl_se=pl.lit(0.0) if bound else pl.col("kl_se"),
    )


def with_holdout_error(indicators: pl.DataFrame, logged: pl.DataFrame) -> pl.DataFrame:
    """The loss on the hold-out with its interval (95 %), where its standard error was logged.

    Args:
        logged: step, value: the logged standard errors.
    """
    errors = logged.select(iteration="step", error="value").unique("iteration", keep="last")
    half = pl.when(pl.col("indicator") == HOLDOUT).then(Z * pl.col("error"))
    return indicators.join(errors, on="iteration", how="left").with_columns(
        low=pl.coalesce("low", pl.col("value") - half),
        high=pl.coalesce("high", pl.col("value") + half),
    ).drop("error")  # fmt: skip


OWN = ("iteration", "indicator", "value", "low", "high", "n")


def flat(indicators: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of `collapse --json` as the gate's table of indicators."""
    rows = []
    for row in indicators:
        made = {
            key: row.get(key)
            for key in ("iteration", "indicator", "value", "low", "high", "n", "reference")
        }
        for stem in ("first", "previous"):
            change = row.get(f"from_{stem}") or {}
            made |= {f"{stem}_{key}": change.get(key) for key in ("difference", "low", "high")}
        rows.append(made)
    return pl.DataFrame(rows, schema=FRAMES["indicators"])


def overlap(query: Query, loop: str, iteration: int) -> pl.DataFrame:
    """How many evaluation questions stand, whole or nearly, in text that the policy has seen.

    That is what it was trained on, and what the policies that it came from were. Empty where texts
    or questions are not there.
    """
    asked: Asked = {"loops": [loop], "until": iteration}
    found = of_loop(
        query("training_texts", loops=[loop]), query("asked_questions", loops=[loop]),
        query("iterations", **asked), query("corpus", **asked),
    )  # fmt: skip
    rows = [
        (iteration, len(one.exact) + len(one.near), one.questions)
        for one in found if one.iteration == iteration and one.questions
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=FRAMES["overlap"], orient="row")


def loosened_since(
    kept: Sequence[tuple[str, datetime.datetime]], policy: Policy, arrived: datetime.date | None
) -> list[str]:
    """What a policy lets pass that the one in force when the data arrived did not.

    Args:
        kept: text and first use of every policy that was ever judged by, oldest first.
        arrived: when the iteration's data arrived; None = not known, so nothing can be told.
    """
    if arrived is None:
        return []
    before = [text for text, seen in kept if seen.date() <= arrived]
    in_force = before[-1] if before else (kept[0][0] if kept else None)
    if in_force is None:
        return []
    try:
        return loosened(read_policy(in_force), policy)
    except PolicyError:
        return []  # a policy that an older version took; its limits cannot be compared


def arrived(query: Query, loop: str, iteration: int) -> datetime.date | None:
    """When an iteration's data arrived: as the loop's file says, else the loop's last change."""
    iterations = query("iterations", loops=[loop], until=iteration)
    iterations = iterations.filter(pl.col("iteration") == iteration)
    if iterations.height and (stated := day(iterations["data_at"][0])):
        return stated
    runs = query("runs", project=None, runs=[loop])
    return runs["imported_at"][0].date() if runs.height else None


def snapshot(generation: int, policy: Policy) -> str:
    """What a decision rests on: the store's state and the policy."""
    return json.dumps({"generation": generation, "policy": policy.hash})
