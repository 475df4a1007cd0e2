"""The indicators of one loop, row by row: value, interval, change since the first and the last.

Texts come iteration by iteration, and of each only what is counted is kept: a sample of BUDGET
tokens, and a signature a text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, cast

import numpy as np
import polars as pl

from analytics.collapse import counts, duplicates, embedded, likeness
from analytics.collapse.halves import Measured, Truths, Z, halves, mean, quantile
from analytics.collapse.indicators import INDICATORS, LOGGED, Change, IndicatorRow
from analytics.collapse.tokens import SEED, Tokens, code_of, tokens

BUDGET = 20_000
"""Tokens of each iteration that diversity is measured on: the same for all of a loop."""
FEWEST_TOKENS = 500
ALIKE = 300
"""Texts of each iteration that are compared each with each."""
COMPARED = 20_000
"""Texts of each iteration that are searched for near-duplicates."""
FORMS = (
    r"\n", r"(?m)^\s*(?:[-*•]|\d+[.)])\s", r"(?m)^#{1,6} ", r"```", r"\?", r"!", r"\d",
    r"^\s*\p{Lu}", r"[.!?]\s*$",
)  # fmt: skip
"""What the format of a text is told by: line breaks, lists, headings, code, marks, digits."""
USUAL = 0.9
"""Share of the first iteration's texts whose formats are the usual ones."""

Texts = Callable[[int], pl.DataFrame]
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass
class _Seen:
    """What is kept of one iteration's texts."""

    sample: Tokens
    texts: list[str]
    inside: Truths  # halves of the sample's texts
    signatures: duplicates.Signatures
    inside_compared: Truths
    known: dict[str, Measured] = field(default_factory=dict)
    forms: pl.Series | None = None
    inside_all: Truths | None = None
    rest: Tokens | None = None  # what is not in the sample, where that stands for the reference


def rows(
    loop: str,
    iterations: Sequence[int],
    texts: Texts,
    human: pl.Series | None = None,
    logged: pl.DataFrame | None = None,
    embeddings: pl.DataFrame | None = None,
    budget: int = BUDGET,
    progress: Progress | None = None,
) -> list[IndicatorRow]:
    """The indicators of a loop, as ``collapse --json`` gives them.

    Args:
        loop: its name.
        iterations: those with texts, ascending; the first is compared with.
        texts: of an iteration, its columns prompt, text, and where there n_tokens, logprob_base.
        human: texts of people that the tail is measured against; without any, half of those
            of the first iteration, which its sample then lacks, and the rows say so.
        logged: columns iteration, key, value: further numbers of the trainer.
        embeddings: of some texts, as the store's question of this name answers.
        budget: most tokens of each iteration that diversity is measured on.
        progress: told of each iteration.
    """
    tell = progress or (lambda *_: None)
    people = tokens(human) if human is not None and len(human) else None
    seen: dict[int, _Seen] = {}
    for place, iteration in enumerate(iterations):
        tell(f"{loop}, iteration {iteration}: reading", place, 2 * len(iterations))
        seen[iteration] = _read(texts(iteration), budget, place == 0 and people is None)
    found: dict[tuple[int, str], Measured] = {}
    if seen:
        _measure(loop, seen, people, found, tell)
    _as_logged(logged, found)
    kernel = "runs of 2, 3 and 4 characters"
    beside = {"vendi_1": {"kernel": kernel}, "vendi_2": {"kernel": kernel}}
    if embeddings is not None:
        given, of = embedded.measured(embeddings)
        found |= given
        beside |= {f"vendi_embedded_{q}": {"kernel": of} for q in embedded.ORDERS}
    against = "human texts" if people is not None else "the first iteration"
    beside |= {name: {"reference": against} for name in ("tail_mass", "tail_coverage")}
    return _rows(loop, found, beside)


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Texts so that any first part holds each prompt about equally often, in a fixed order."""
    frame = frame.filter(pl.col("text").is_not_null()).with_columns(
        pl.col("prompt").fill_null("").alias("prompt")
    )
    number = pl.int_range(pl.len()).over("prompt")
    return frame.sort(number, pl.col("prompt").hash(SEED), maintain_order=True)


def _read(frame: pl.DataFrame, budget: int, first_is_reference: bool) -> _Seen:
    frame = in_order(frame)
    texts = tokens(frame["text"])
    clusters = code_of(frame["prompt"])
    if frame["prompt"].n_unique() < 2:  # no prompts: each text is a document of its own
        clusters = code_of(pl.Series(range(frame.height)))
    inside = halves(clusters)
    many = int(np.searchsorted(np.cumsum(texts.lengths), budget)) + 1
    many = min(many, frame.height // 2 if first_is_reference else frame.height)
    compared = min(COMPARED, frame.height)
    made = _Seen(
        sample=texts.head(many), texts=frame["text"].head(many).to_list(), inside=inside[:many],
        signatures=duplicates.signatures(texts.head(compared)), inside_compared=inside[:compared],
        inside_all=inside, rest=texts.tail(many) if first_is_reference else None,
    )  # fmt: skip
    lengths = _lengths(frame, texts)
    made.known["length"] = mean(lengths, inside)
    for reward in ("proxy_reward", "gold_reward"):
        if reward in frame.columns and frame[reward].null_count() < frame.height:
            values = frame[reward].cast(pl.Float64).fill_null(math.nan).to_numpy()
            made.known[reward] = mean(values, inside)
    if "logprob_base" in frame.columns and frame["logprob_base"].null_count() < frame.height:
        log_perplexity = -frame["logprob_base"].cast(pl.Float64).fill_null(math.nan).to_numpy()
        log_perplexity = log_perplexity / np.where(lengths > 0, lengths, math.nan)
        for level in (0.05, 0.5, 0.95):
            name = f"log_perplexity_q{round(level * 100):02}"
            made.known[name] = quantile(log_perplexity, level, inside)
    made.forms = _forms(frame["text"])
    return made


def _lengths(frame: pl.DataFrame, texts: Tokens) -> Any:
    """Tokens of each text as logged, else as counted here."""
    own = pl.Series(texts.lengths, dtype=pl.Float64)
    if "n_tokens" not in frame.columns:
        return own.to_numpy()
    return (
        frame.select(pl.coalesce(pl.col("n_tokens").cast(pl.Float64), own)).to_series().to_numpy()
    )


def _forms(texts: pl.Series) -> pl.Series:
    """The format of each text as a number."""
    form = pl.Series("form", [0], pl.Int32).new_from_index(0, texts.len())
    for place, pattern in enumerate(FORMS):
        form = form + texts.str.contains(pattern).cast(pl.Int32) * 2**place
    return form


def _measure(
    loop: str, seen: Mapping[int, _Seen], people: Tokens | None,
    found: dict[tuple[int, str], Measured], tell: Progress,
) -> None:  # fmt: skip
    first = next(iter(seen.values()))
    budget = min(int(one.sample.lengths.sum()) for one in seen.values())
    compared = min(len(one.signatures) for one in seen.values())
    alike = min(ALIKE, *(len(one.sample.lengths) for one in seen.values()))
    every = people or first.rest
    enough = every is not None and len(every.codes) >= FEWEST_TOKENS
    tail = counts.reference(every) if every is not None and enough else None
    usual = _usual(first)
    before: _Seen | None = None
    for place, (iteration, one) in enumerate(seen.items()):
        tell(f"{loop}, iteration {iteration}: measuring", len(seen) + place, 2 * len(seen))
        made = dict(one.known)
        if one.forms is not None and one.inside_all is not None:
            made["usual_format"] = mean(
                one.forms.is_in(usual.implode()).cast(pl.Float64).to_numpy(), one.inside_all
            )
        if budget >= FEWEST_TOKENS:
            made |= _of_sample(one, budget, alike, tail)
        close = duplicates.alike(one.signatures[:compared]).astype(np.float64)
        made["near_duplicates"] = mean(close, one.inside_compared[:compared])
        if before is not None:
            last = before.signatures[:compared]
            close = duplicates.alike(one.signatures[:compared], last).astype(np.float64)
            made["near_duplicates_before"] = mean(close, one.inside_compared[:compared])
        found |= {(iteration, name): value for name, value in made.items()}
        before = one


def _usual(first: _Seen) -> pl.Series:
    """The formats that USUAL of the first iteration's texts have, the most frequent first."""
    if first.forms is None or not first.forms.len():
        return pl.Series([], dtype=pl.Int32)
    counted = first.forms.alias("form").value_counts(sort=True)
    before = counted["count"].cum_sum() - counted["count"]
    return counted.filter(before < USUAL * first.forms.len())["form"]


def _of_sample(
    one: _Seen, budget: int, alike: int, tail: counts.Reference | None
) -> dict[str, Measured]:
    """Indicators of the first ``budget`` tokens, and of the first ``alike`` texts."""
    ends = np.cumsum(one.sample.lengths)
    many = min(int(np.searchsorted(ends, budget)) + 1, len(ends))
    lengths = one.sample.lengths[:many].copy()
    lengths[-1] -= max(int(ends[many - 1]) - budget, 0)
    sampled = Tokens(one.sample.codes[: int(lengths.sum())], lengths)
    inside = one.inside[:many]
    made = {f"distinct_{n}": counts.distinct(sampled, n, inside) for n in (1, 2, 3)}
    made["unigram_entropy"] = counts.entropy(sampled, inside)
    made["compression_ratio"] = counts.compression(one.texts[:many], inside)
    if tail is not None:
        made["tail_mass"] = counts.tail_mass(sampled, tail, inside)
        made["tail_coverage"] = counts.tail_coverage(sampled, tail, inside)
    made["self_bleu"] = likeness.self_bleu(one.sample.head(alike), one.inside[:alike])
    kernel = likeness.character_kernel(one.texts[:alike])
    for q in (1, 2):
        made[f"vendi_{q}"] = likeness.vendi_of(kernel, float(q), one.inside[:alike])
    return made


def _as_logged(logged: pl.DataFrame | None, found: dict[tuple[int, str], Measured]) -> None:
    if logged is None:
        return
    known = {(row["iteration"], row["key"]): row["value"] for row in logged.iter_rows(named=True)}
    for name, keys in LOGGED.items():
        for (iteration, key), value in known.items():
            if key in keys and value is not None:
                found[iteration, name] = Measured(float(value), np.zeros(0), 0)


def _rows(
    loop: str, found: Mapping[tuple[int, str], Measured], beside: Mapping[str, dict[str, str]]
) -> list[IndicatorRow]:
    rows = []
    for indicator in INDICATORS:
        at = sorted(iteration for iteration, name in found if name == indicator.name)
        series = [(i, found[i, indicator.name]) for i in at]
        series = [(i, one) for i, one in series if math.isfinite(one.value)]
        for place, (iteration, one) in enumerate(series):
            rows.append(cast("IndicatorRow", {
                "loop": loop, "iteration": iteration, "indicator": indicator.name,
                "value": one.value, **_interval(one), "n": one.n,
                "from_first": _change(one, series[0][1]) if place else None,
                "from_previous": _change(one, series[place - 1][1]) if place else None,
                **beside.get(indicator.name, {}),
            }))  # fmt: skip
    return sorted(rows, key=lambda row: row["iteration"])


def _interval(one: Measured) -> dict[str, float | None]:
    error = one.error
    if error is None:
        return {"low": None, "high": None}
    return {"low": one.value - Z * error, "high": one.value + Z * error}


def _change(one: Measured, other: Measured) -> Change:
    change = one.less(other)
    error, p = change.error, None
    if error:
        p = 2 * NormalDist().cdf(-abs(change.value) / error)
    elif error == 0.0:
        p = 1.0 if change.value == 0 else 0.0
    ends = _interval(change)
    return {"difference": change.value, "low": ends["low"], "high": ends["high"], "p": p}
