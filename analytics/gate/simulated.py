"""A complete loop made from a seed: it passes the proposed policy, or fails by one planted fault.

Known truth ships with the code: tests, the documentation and the measured error rates share it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.gate.blocks.diversity import COVERAGE, HOLDOUT, SPREAD
from analytics.gate.records.evidence import Evidence

TODAY = datetime.date(2026, 11, 28)
FAULTS = ("provenance", "reward_hacking", "diversity", "truthfulness", "human_checkpoint",
          "outcomes")  # fmt: skip
"""Block -> the fault that only it should find; by the block's name."""


@dataclass(frozen=True)
class Sizes:
    """Items behind each kind of evidence of one iteration."""

    questions: int = 12000
    prompts: int = 4000
    pairs: int = 3000
    cases: int = 60000


def complete_loop(
    fault: str | None = None, seed: int = 11, iterations: int = 2, sizes: Sizes | None = None,
    loop: str = "generated",
) -> Evidence:  # fmt: skip
    """A loop whose last iteration has everything a gate asks for.

    Args:
        fault: the block in which the last iteration does harm beyond its limit; None = no harm.
        iterations: from 0 to this one.

    Raises:
        ValueError: an unknown fault.
    """
    if fault is not None and fault not in FAULTS:
        raise ValueError(f"unknown fault {fault!r}; known: {', '.join(FAULTS)}")
    size, random = sizes or Sizes(), np.random.default_rng(seed)
    last = iterations
    frames: Mapping[str, pl.DataFrame] = {
        "answers": _answers(random, size.questions, last, fault == "truthfulness"),
        "generations": _generations(random, size.prompts, last, fault == "reward_hacking"),
        "corpus": _corpus(last, fault == "provenance"),
        "indicators": _indicators(random, last, fault == "diversity"),
        "overlap": pl.DataFrame({"iteration": [last], "hits": [0], "compared": [size.questions]}),
        "reviews": _reviews(random, size.pairs, last, fault == "human_checkpoint"),
        "outcomes": _outcomes(random, size.cases, last, fault == "outcomes"),
        "decisions": _decisions(last),
        "metrics": _metrics(last),
    }
    return Evidence(
        loop, last, {name: frame.with_columns(loop=pl.lit(loop)) for name, frame in frames.items()},
        submitter="S. Ubmitter", today=TODAY,
        alarm={"status": "no_onset", "reasons": [], "axis": "kl", "peak": None},
    )  # fmt: skip


def _answers(random: np.random.Generator, n: int, last: int, harmed: bool) -> pl.DataFrame:
    """Fixed questions, calibrated: a question is right with a probability of its own."""
    chance = random.beta(6, 2, n)
    right = random.random(n) < chance
    frames = []
    for iteration in range(last + 1):
        again = random.random(n) < 0.02
        now = np.where(again, random.random(n) < chance, right)
        confidence = chance.copy()
        if harmed and iteration == last:
            now &= random.random(n) >= 0.06
        frames.append(pl.DataFrame({
            "iteration": np.full(n, iteration), "question_id": [f"q{at}" for at in range(n)],
            "grade": np.where(now, "correct", "incorrect"), "confidence": confidence,
            "in_training": np.arange(n) % 4 == 0,
            "knowledge": np.where(random.random(n) < 0.01, "Unknown", "HighlyKnown"),
        }))  # fmt: skip
    return pl.concat(frames).with_columns(
        origin=pl.lit("benchmark"), sample_id=0, topic=pl.lit("policy"),
        question=pl.lit("What does the policy say on ") + pl.col("question_id"),
    )  # fmt: skip


def _generations(random: np.random.Generator, n: int, last: int, harmed: bool) -> pl.DataFrame:
    base = random.normal(0, 0.8, n)
    frames = []
    for iteration in range(last + 1):
        drop = 0.6 if harmed and iteration == last else 0.0
        gold = base + random.normal(0, 0.6, n)
        tokens = random.integers(30, 90, n)
        kl = 0.5 * iteration + random.normal(0, 0.5, n) * (iteration > 0)
        logprob = -2.0 * tokens
        frames.append(pl.DataFrame({
            "iteration": np.full(n, iteration), "text_id": [f"t{at}" for at in range(n)],
            "prompt": [f"prompt {at}" for at in range(n)],
            "text": _texts(random, n),
            "proxy_reward": gold + random.normal(0, 0.8, n) + 0.3 * iteration,
            "gold_reward": gold - drop, "kept": random.random(n) < 0.25,
            "logprob_policy": logprob + kl, "logprob_base": logprob, "n_tokens": tokens,
        }))  # fmt: skip
    return pl.concat(frames)


def _texts(random: np.random.Generator, n: int, words: int = 12) -> list[str]:
    """Texts of a vocabulary in which a word's frequency falls with its rank."""
    rank = np.arange(1, 601)
    drawn = random.choice(rank, (n, words), p=(1 / rank) / (1 / rank).sum())
    vocabulary = np.array([f"word{at}" for at in rank], dtype=object)
    return [" ".join(row) for row in vocabulary[drawn - 1]]


def _corpus(last: int, harmed: bool) -> pl.DataFrame:
    rows = []
    for iteration in range(last + 1):
        rows.append({"iteration": iteration, "origin": "human", "generator_iteration": None,
                     "documents": 6000, "tokens": 400000, "depth": 0, "verified": None,
                     "licence": "CC-BY-4.0", "reward_model": None})  # fmt: skip
        if iteration:
            much = 4 if harmed and iteration == last else 1
            rows.append({"iteration": iteration, "origin": "self_generated",
                         "generator_iteration": iteration - 1, "documents": 2000 * much,
                         "tokens": 130000 * much, "depth": 1, "verified": True,
                         "licence": "own", "reward_model": "rm-7"})  # fmt: skip
    return pl.DataFrame(rows)


def _indicators(random: np.random.Generator, last: int, harmed: bool) -> pl.DataFrame:
    rows = []
    for iteration in range(last + 1):
        for name, better in {**SPREAD, COVERAGE: 1, HOLDOUT: -1}.items():
            loss = 0.15 if harmed and iteration == last and name in SPREAD else 0.0
            error = 0.0008
            value = 1 - better * loss + random.normal(0, error)
            half = 1.96 * error
            rows.append({"iteration": iteration, "indicator": name, "value": value,
                         "low": value - half, "high": value + half, "n": 4000})  # fmt: skip
    return pl.DataFrame(rows)


def _reviews(random: np.random.Generator, n: int, last: int, harmed: bool) -> pl.DataFrame:
    new_is_a = random.random(n) < 0.5
    wins = random.random(n) < (0.35 if harmed else 0.52)
    frames = []
    for rater in ("R. One", "R. Two"):
        agrees = random.random(n) < 0.95
        won = np.where(agrees, wins, random.random(n) < 0.5)
        frames.append(pl.DataFrame({
            "iteration": np.full(n, last), "item_id": [f"i{at}" for at in range(n)],
            "prompt": [f"prompt {at}" for at in range(n)],
            "origin_a": np.where(new_is_a, str(last), str(last - 1)),
            "origin_b": np.where(new_is_a, str(last - 1), str(last)),
            "proxy_a": random.normal(0, 1, n), "proxy_b": random.normal(0, 1, n),
            "rater": [rater] * n, "preferred": np.where(won == new_is_a, "a", "b"),
            "graded_at": ["2026-11-25T10:00:00"] * n,
            "slice": np.array(["random", "random", "top_proxy", "escalation"])[np.arange(n) % 4],
        }))  # fmt: skip
    return pl.concat(frames)


def _outcomes(random: np.random.Generator, n: int, last: int, harmed: bool) -> pl.DataFrame:
    rows = []
    for iteration in range(last + 1):
        fall = 0.06 if harmed and iteration == last else 0.0
        rows += [
            {"iteration": iteration, "metric": "resolved", "n": n, "higher_is_better": True,
             "value": random.binomial(n, 0.8 - fall) / n},
            {"iteration": iteration, "metric": "contacted again", "n": n,
             "higher_is_better": False, "value": random.binomial(n, 0.1) / n},
        ]  # fmt: skip
    return pl.DataFrame(rows)


def _metrics(last: int) -> pl.DataFrame:
    at = np.arange(last + 1)
    return pl.DataFrame({
        "iteration": at, "kl": 0.5 * at, "proxy_reward": 0.3 * at, "gold_reward": 0.0 * at,
        "heldout_nll": np.full(last + 1, 2.5), "heldout_nll_se": np.full(last + 1, 0.002),
    })  # fmt: skip


def _decisions(last: int) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"iteration": at, "decision": "continue", "by": "A. Prover",
             "at": str(TODAY - datetime.timedelta(days=14 * (last - at) + 1)), "expires": None,
             "snapshot": None, "note": None}
            for at in range(1, last + 1)
        ],
        schema_overrides=dict.fromkeys(("expires", "snapshot", "note"), pl.String),
    )  # fmt: skip
