"""What a model knows, from sampled answers: SliCK categories, semantic entropy, consistency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.computing.any_frame import array, polars_frame
from analytics.wording import count, fixed, percent, whole

CATEGORIES = ("HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown")
"""Gekhman et al. 2024, figure 2, from the best known down."""

FULL_SAMPLES = 170
"""Answers a question in the paper: 10 prompts, each once greedy and 16 times at T = .5."""

CONSISTENT = 0.8
"""Share of samples in one cluster that makes a wrong answer consistently wrong (8 of 10)."""


def slick(samples: Any) -> pl.DataFrame:
    """SliCK category of each question from answers sampled under different few-shot prompts.

    HighlyKnown: P(T=0) = 1. MaybeKnown: 0 < P(T=0) < 1. WeaklyKnown: P(T=0) = 0 and P(T>0) > 0.
    Unknown: P(T>=0) = 0. P is the share of answers graded correct (exact match).

    Args:
        samples: question_id, temperature (0 = greedy), correct (Boolean); one row an answer, in
            a frame of any library. Rows without a grade are left out.

    Returns:
        One row a question, by question_id: greedy_n, greedy_correct, sampled_n, sampled_correct,
        p_greedy, p_sampled, knowledge (null where the answers cannot tell), unknown_below (for
        Unknown: P of a right answer is below this with 95 %, rule of three, 3/n), reason.

    Source: Gekhman et al. 2024 (arXiv 2405.05904), section 3 and figure 2.

    >>> rows = pl.DataFrame({"question_id": ["a"] * 3, "temperature": [0.0, 0.5, 0.5],
    ...                      "correct": [False, False, True]})
    >>> slick(rows)["knowledge"].to_list()
    ['WeaklyKnown']
    """
    needed = ("question_id", "temperature", "correct")
    graded = polars_frame(samples, *needed).drop_nulls(needed)
    graded = graded.with_columns(pl.col("correct").cast(pl.Boolean))
    greedy = pl.col("temperature") == 0
    counted = (
        graded.group_by("question_id")
        .agg(
            greedy_n=greedy.sum(),
            greedy_correct=(greedy & pl.col("correct")).sum(),
            sampled_n=(~greedy).sum(),
            sampled_correct=(~greedy & pl.col("correct")).sum(),
        )
        .with_columns(pl.exclude("question_id").cast(pl.Int64))
        .sort("question_id")
    )
    return slick_from_counts(counted)


def slick_from_counts(counts: pl.DataFrame) -> pl.DataFrame:
    """As `slick`, from question_id, greedy_n, greedy_correct, sampled_n, sampled_correct."""
    n, right = pl.col("greedy_n"), pl.col("greedy_correct")
    more, more_right = pl.col("sampled_n"), pl.col("sampled_correct")
    bad = counts.filter((right > n) | (more_right > more) | (right < 0) | (more_right < 0))
    if not bad.is_empty():
        raise ValueError(f"question {bad['question_id'][0]}: more correct answers than answers")
    none_right = (right == 0) & (n > 0)
    category = (
        pl.when(n == 0).then(None)
        .when(right == n).then(pl.lit("HighlyKnown"))
        .when(right > 0).then(pl.lit("MaybeKnown"))
        .when(none_right & (more_right > 0)).then(pl.lit("WeaklyKnown"))
        .when(none_right & (more > 0)).then(pl.lit("Unknown"))
        .otherwise(None)
    )  # fmt: skip
    total = n + more
    known = pl.col("knowledge")
    reason = (
        pl.when(n == 0).then(pl.lit("no greedy answer: the category needs T = 0"))
        .when(known.is_null())
        .then(pl.lit("no answer sampled at T > 0: WeaklyKnown and Unknown cannot be told apart"))
        .when((known == "Unknown") & (total < FULL_SAMPLES))
        .then(
            pl.format(
                "0 of {} answers right still allows P up to {} % (rule of three)",
                total, (300 / total).clip(0, 100).round(1),
            )
        )
        .when(known.is_in(["HighlyKnown"]) & (n < 2))
        .then(pl.lit("one greedy answer: HighlyKnown and MaybeKnown cannot be told apart"))
        .otherwise(pl.lit(""))
    )  # fmt: skip
    return (
        counts.with_columns(
            p_greedy=pl.when(n > 0).then(right / n),
            p_sampled=pl.when(more > 0).then(more_right / more),
            knowledge=category,
        )
        .with_columns(
            unknown_below=pl.when(known == "Unknown").then((3 / total).clip(0, 1)),
            reason=reason,
        )
        .sort("question_id")
    )


def few_samples(counts: pl.DataFrame) -> str:
    """The rule-of-three warning for a whole frame of `slick`, empty where none is due.

    Source: Hanley and Lippman-Hand 1983; Gekhman et al. 2024 (arXiv 2405.05904), appendix B.
    """
    unknown = counts.filter(pl.col("knowledge") == "Unknown")
    if unknown.is_empty():
        return ""
    fewest = int((unknown["greedy_n"] + unknown["sampled_n"]).to_numpy().min())
    if fewest >= FULL_SAMPLES:
        return ""
    return _inflated(unknown.height, fewest)


def _inflated(questions: int, fewest: int) -> str:
    return (
        f"Questions that count as Unknown: {whole(questions)}, on as few as "
        f"{count(fewest, 'answer')} each: 0 of {fewest} right still allows P up to "
        f"{percent(min(1.0, 3 / fewest), 1)} (rule of three; {FULL_SAMPLES} answers give 1.8 %), "
        "so Unknown is inflated."
    )


def semantic_entropy(counts: npt.ArrayLike) -> float:
    """Entropy in nats over clusters of answers that mean the same.

    Args:
        counts: shape (clusters,): samples in each cluster, or probabilities; zeros are allowed.

    Low where a model says the same thing each time, **also when it is always wrong**: read it
    beside a grade. NaN without samples.

    Source: Kuhn et al. 2023 (arXiv 2302.09664), section 4; discrete form: Farquhar et al. 2024.

    >>> round(semantic_entropy([6, 3, 1]), 6)
    0.897946
    """
    mass = array(counts, "counts")
    if np.any(mass < 0):
        raise ValueError("cluster counts cannot be negative")
    if mass.sum() == 0:
        return float("nan")
    share = mass[mass > 0] / mass.sum()
    return float(np.abs(-(share * np.log(share)).sum()))


def consistency(samples: Any, share: float = CONSISTENT) -> pl.DataFrame:
    """Confidence by agreement, for each question whose samples were put into clusters.

    Args:
        samples: question_id, cluster (any label of equal meaning), grade (`correct`,
            `incorrect`, `not_attempted`: of the cluster's answer); one row a sample, in a frame
            of any library.
        share: of the samples in one cluster that counts as consistent.

    Returns:
        By question_id: samples, clusters, confidence_consistency (share of the largest cluster;
        of clusters equally large the first by label), semantic_entropy in nats, grade (of the
        largest cluster), consistently_wrong.
    """
    mass = (
        polars_frame(samples, "question_id", "cluster", "grade")
        .drop_nulls(["question_id", "cluster"])
        .group_by("question_id", "cluster")
        .agg(n=pl.len().cast(pl.Int64), grade=pl.col("grade").drop_nulls().sort().first())
        .sort("question_id", "n", "cluster", descending=[False, True, False])
    )
    return consistency_of_clusters(mass, ["question_id"], share)


def consistency_of_clusters(
    mass: pl.DataFrame, keys: list[str], share: float = CONSISTENT
) -> pl.DataFrame:
    """As `consistency`, from the keys of a question, cluster, n (samples) and grade."""
    mass = mass.sort(*keys, "n", "cluster", descending=[False] * len(keys) + [True, False])
    p = pl.col("n") / pl.col("n").sum()
    return (
        mass.group_by(keys, maintain_order=True)
        .agg(
            samples=pl.col("n").sum(),
            clusters=pl.len().cast(pl.Int64),
            confidence_consistency=pl.col("n").first() / pl.col("n").sum(),
            semantic_entropy=(-(p * p.log()).sum()).abs(),
            grade=pl.col("grade").first(),
        )
        .with_columns(
            consistently_wrong=(pl.col("grade") == "incorrect")
            & (pl.col("confidence_consistency").round(9) >= share)
        )
        .sort(keys)
    )


def sampled(counts: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """What sampled answers say by loop, iteration and origin.

    Args:
        counts: loop, iteration, origin, question_id, greedy_n, greedy_correct, sampled_n,
            sampled_correct.
        clusters: loop, iteration, origin, question_id, cluster, n, grade.

    Returns:
        sampled_questions, the number of questions in each of CATEGORIES and `cannot_tell`,
        fewest_unknown (answers behind the least sampled Unknown), clustered_questions,
        semantic_entropy (mean, nats), consistently_wrong (questions). Null where not sampled.
    """
    keys = ["loop", "iteration", "origin"]
    scores = slick_from_counts(counts)
    known, n = pl.col("knowledge"), pl.col("greedy_n") + pl.col("sampled_n")
    slicks = scores.group_by(keys).agg(
        pl.len().cast(pl.Int64).alias("sampled_questions"),
        *[(known == name).sum().cast(pl.Int64).alias(name) for name in CATEGORIES],
        known.is_null().sum().cast(pl.Int64).alias("cannot_tell"),
        n.filter(known == "Unknown").min().alias("fewest_unknown"),
    )
    agreed = consistency_of_clusters(clusters, [*keys, "question_id"]).group_by(keys).agg(
        pl.len().cast(pl.Int64).alias("clustered_questions"),
        pl.col("semantic_entropy").mean(),
        pl.col("consistently_wrong").sum().cast(pl.Int64),
    )  # fmt: skip
    return slicks.join(agreed, on=keys, how="full", coalesce=True).sort(keys)


def sampled_sentences(row: Mapping[str, Any]) -> list[str]:
    """What one row of `sampled` means, with the rule-of-three warning where samples are few."""
    sentences = []
    if row["sampled_questions"]:
        parts = ", ".join(f"{whole(row[name])} {name}" for name in CATEGORIES)
        sentences.append(f"SliCK of {count(row['sampled_questions'], 'question')}: {parts}.")
        if row["cannot_tell"]:
            sentences.append(
                f"Without greedy or sampled answers, so without a category: "
                f"{whole(row['cannot_tell'])}."
            )
        if row["Unknown"] and row["fewest_unknown"] < FULL_SAMPLES:
            sentences.append(_inflated(row["Unknown"], row["fewest_unknown"]))
    if row["clustered_questions"]:
        sentences.append(
            f"Mean semantic entropy {fixed(row['semantic_entropy'], 2)} nats over "
            f"{count(row['clustered_questions'], 'question')}, "
            f"{whole(row['consistently_wrong'])} of them consistently wrong (at least "
            f"{percent(CONSISTENT)} of the samples in one wrong cluster), which entropy does not "
            "show."
        )
    return sentences
