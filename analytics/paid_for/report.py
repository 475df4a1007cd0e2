"""What one run is paid for, put together from what a store answers: the document of the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict, cast

import numpy as np
import polars as pl

from analytics.comparing.components import ensembles_by_name
from analytics.measured.paid_rows import SignalError
from analytics.measured.published import published
from analytics.paid_for import judge_ranks, length, people, signals
from analytics.paid_for.budget import Budget, budget
from analytics.paid_for.clusters import LARGEST
from analytics.paid_for.draws import draws, unit_of
from analytics.paid_for.missing import NONE, of_ranks
from analytics.paid_for.parting import Parting, parting
from analytics.paid_for.rivals import RivalRow, onset_of, rivals
from analytics.words.steps import none_yet

Query = Callable[..., pl.DataFrame]

MOST = 200_000
"""Responses that are read; of a longer run whole draws, spread evenly."""
TOPIC = "paid_for"
OPEN = ("unmeasured", "too_little_gold", "warning")
"""Statuses of runs that gold has not decided."""
PHASES = ("train", "mixed", "eval")


class ResponsesRead(TypedDict):
    """How many responses were read, and what their lengths count."""

    logged: int
    read: int
    unit: str


class OfLength(TypedDict):
    """What length explains, and what gold did at the same length; proxy, then gold."""

    explained: list[length.LengthShare]
    matched: list[length.AtSameLength]


class LengthReport(OfLength):
    """The same, with length as a second budget."""

    budget: Budget


class JudgeReport(TypedDict):
    """The judge over training."""

    steps: list[judge_ranks.SegmentRanks]
    reason: str
    curse: list[judge_ranks.SegmentCurse]
    environments: list[judge_ranks.EnvironmentRanks]
    parting: Parting
    labels: list[people.LabelRanks]
    reviewers: list[people.ReviewedPairs]


class RivalsReport(TypedDict):
    """Rival explanations at the onset."""

    from_step: int
    to_step: int
    rivals: list[RivalRow]


class UsedSignal(signals.SignalRow):
    """A signal with its measured error; raised only where that is small enough."""

    beyond_null: bool | None
    measured: SignalError | None


class Ask(TypedDict):
    """What the signals ask to be measured: None where no number can be told."""

    kl: float | None
    evaluations: int | None
    responses: int | None
    reason: str | None


class SignalsReport(TypedDict):
    """Signals without gold, the names of those raised, and what they ask for."""

    signals: list[UsedSignal]
    raised: list[str]
    ask: Ask | None


class PaidFor(TypedDict):
    """The document of ``paid-for --json`` about one run."""

    run: str
    responses: ResponsesRead
    length: LengthReport
    judge: JudgeReport
    rivals: RivalsReport | None
    without_gold: SignalsReport


def read(query: Query, run: str, until: int | None, second: str | None = None) -> pl.DataFrame:
    """A run's responses as ``draws`` gives them: of training where they have proxies."""
    steps = query("response_steps", run=run, until=until)
    phase = next((one for one in PHASES if steps.filter(phase=one)["proxies"].sum()), PHASES[0])
    many = int(steps.filter(phase=phase)["n"].sum())
    return draws(query(
        "paid_responses", run=run, phase=phase, until=until, second=second,
        one_of=max(1, -(-many // MOST)),
    ))  # fmt: skip


def responses(query: Query, run: str, drawn: pl.DataFrame, until: int | None) -> ResponsesRead:
    """How many responses were read, of how many that were logged."""
    logged = query("response_steps", run=run, until=until)["n"]
    return {"logged": int(logged.sum()), "read": drawn.height, "unit": unit_of(drawn)}


def of_length(drawn: pl.DataFrame) -> OfLength:
    """explained and matched, each for proxy and gold; the change of length is theirs."""
    return {
        "explained": [length.explained(drawn, name) for name in ("proxy", "gold")],
        "matched": [length.matched(drawn, name) for name in ("proxy", "gold")],
    }


def of_budget(
    query: Query, run: str, until: int | None, looks: pl.DataFrame, verdict: Mapping[str, Any]
) -> Budget:
    """``budget.budget`` of a stored run."""
    metrics = query("metrics", runs=[run], until=until).filter(phase="train")
    return budget(metrics, looks, verdict)


def of_judge(query: Query, run: str, drawn: pl.DataFrame, until: int | None) -> JudgeReport:
    """The judge over training: steps, reason (why none is told), curse, environments,
    parting, labels, reviewers."""
    reviews = query("reviews", loops=[run], until=until)
    generations = (
        query("generations", loops=[run], iterations=None, until=until) if reviews.height
        else pl.DataFrame()
    )  # fmt: skip
    each = judge_ranks.over_steps(drawn)
    return {
        "steps": each,
        "reason": "" if any(row["spearman"] and row["auroc"] for row in each) else of_ranks(drawn),
        "curse": judge_ranks.curses(drawn),
        "environments": judge_ranks.by_environment(drawn),
        "parting": parting(drawn),
        "labels": people.against_labels(query("scored", run=run, until=until)),
        "reviewers": people.against_reviewers(reviews, generations),
    }


def of_rivals(
    query: Query, run: str, until: int | None, verdict: Mapping[str, Any]
) -> RivalsReport | None:
    """Rival explanations at the onset; None for a run whose gold raised no alarm."""
    onset = onset_of(verdict)
    if onset is None:
        return None
    metrics = query("metrics", runs=[run], until=until).filter(phase="train").sort("step")
    scalars = query("scalars", run=run).filter(phase="train")
    measured = metrics.select("step", "entropy", "clipped_share").unpivot(
        index="step", variable_name="key"
    )
    numbers = pl.concat([
        part.select("key", "step", "value") for part in (measured, scalars)
    ]).filter(pl.col("value").abs() < LARGEST, pl.col("step") <= onset[1])  # fmt: skip
    jumps = metrics.filter(pl.col("stretch") != pl.col("stretch").shift(1))["step"].to_list()
    return {
        "from_step": int(onset[0]), "to_step": int(onset[1]),
        "rivals": rivals(numbers, jumps, onset),
    }  # fmt: skip


def of_signals(
    query: Query, run: Mapping[str, Any], drawn: pl.DataFrame, until: int | None,
    verdict: Mapping[str, Any],
) -> SignalsReport:  # fmt: skip
    """Signals without gold, each with its measured error, and what they ask for.

    One whose error was measured and is too large is left out; one whose error is not known is told
    with ``beyond_null``, and not raised.
    """
    name = str(run["run_id"])
    metrics = query("metrics", runs=[name], until=until).filter(phase="train").sort("step")
    found = signals.of_metrics(*(
        metrics[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for column in ("step", "response_length", "entropy")
    ))  # fmt: skip
    for members in ensembles(query, name) if run.get("samples") else []:
        cells = query("disagreement", run=name, keys=list(members), until=until)
        found.append(signals.of_ensemble(cells))
    found.append(signals.of_second(drawn))
    found.append(signals.of_format(drawn))
    found.append(signals.of_chi_squared(drawn, verdict.get("kl_end")))
    embedded = query("embeddings", loops=[name], iterations=None)
    found.append(signals.of_embeddings(
        embedded if until is None else embedded.filter(pl.col("iteration") <= until)
    ))  # fmt: skip
    errors = signals.measured((published(TOPIC) or {"rows": []})["rows"])
    rows: list[UsedSignal] = []
    for one in found:
        error = errors.get(one["signal"])
        if not signals.failed(error):
            rows.append({
                **one, "raised": one["raised"] if signals.shipped(error) else None,
                "beyond_null": one["raised"], "measured": error,
            })  # fmt: skip
    raised = [one["signal"] for one in rows if one["raised"]]
    advice = verdict.get("recommendation") or {}
    asks = advice.get("action") != "candidate" and verdict.get("status") in OPEN
    return {
        "signals": rows, "raised": raised,
        "ask": {
            "kl": advice.get("kl"), "evaluations": advice.get("evaluations"),
            "responses": advice.get("responses"), "reason": advice.get("reason"),
        } if raised and asks else None,
    }  # fmt: skip


def ensembles(query: Query, run: str) -> list[tuple[str, ...]]:
    """Keys of the rewards of each ensemble that a run's responses carry."""
    return ensembles_by_name(query("member_keys", run=run)["key"].to_list())


def second_of(query: Query, run: str) -> str | None:
    """A second reward that the run's responses carry and that no ensemble holds; None without."""
    keys = query("member_keys", run=run)["key"].to_list()
    joined = {name for group in ensembles_by_name(keys) for name in group}
    return next(
        (key for key in keys if signals.SECOND.search(key.lower()) and key not in joined), None
    )


def paid_for(
    query: Query, run: Mapping[str, Any], until: int | None, verdict: Mapping[str, Any],
    looks: pl.DataFrame,
) -> PaidFor:  # fmt: skip
    """The document of ``paid-for --json`` about one run.

    Args:
        query: answers the questions of data/queries.
        run: a row of the question "runs".
        until: ignore later steps.
        verdict: its row of ``verdict --json``.
        looks: the pooled looks of that verdict.
    """
    name = str(run["run_id"])
    drawn = read(query, name, until, second_of(query, name))
    document: PaidFor = {
        "run": name,
        "responses": responses(query, name, drawn, until),
        "length": {
            **of_length(drawn),
            "budget": of_budget(query, name, until, looks, verdict),
        },
        "judge": of_judge(query, name, drawn, until),
        "rivals": of_rivals(query, name, until, verdict),
        "without_gold": of_signals(query, run, drawn, until, verdict),
    }
    later = none_yet(query, name, until) if drawn.is_empty() else ""
    return cast("PaidFor", _instead(document, later)) if later else document


def _instead(part: Any, why: str) -> Any:
    """The document with ``why`` where it says that nothing was logged."""
    if isinstance(part, dict):
        return {key: _instead(value, why) for key, value in part.items()}
    if isinstance(part, list):
        return [_instead(one, why) for one in part]
    return why if part == NONE else part
