"""The judge over training, in sentences that a reviewer can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.paid_for.length_words import includes_zero, of
from analytics.paid_for.parting import HACK, INSTABILITY
from analytics.wording import alike, count, rate_interval, steps, whole
from analytics.words.names import cut

Row = Mapping[str, Any]


def judge_sentences(judge: Row) -> list[str]:
    """The key ``judge`` of the document."""
    known = [row for row in judge["steps"] if row["spearman"] and row["auroc"]]
    sentences = [] if known else [
        f"Whether the proxy ranks as gold does: cannot tell, {judge['reason']}."
    ]  # fmt: skip
    for row in known[:1] + known[1:][-1:]:
        where = steps(row["step_start"], row["step_end"])
        slope = f", slope of gold on proxy {of(row['slope'])}" if row["slope"] else ""
        pooled = " (a prompt’s responses of these steps taken together)" if row["pooled"] else ""
        sentences.append(
            f"At {where} the rank correlation of proxy and gold within prompts is "
            f"{of(row['spearman'])}, and of two responses the proxy prefers the better one in "
            f"{_percents(row['auroc'])}{slope}{pooled}."
        )
    sentences.append(parting_sentence(judge["parting"]))
    sentences += [curse_sentence(row) for row in judge["curse"] if row["difference"]][-1:]
    sentences += [_environment(row) for row in judge["environments"] if row["spearman"]]
    sentences += [_labels(row) for row in judge["labels"]]
    return sentences + [_reviewers(row) for row in judge["reviewers"]]


def _percents(estimate: Row) -> str:
    return rate_interval(*(estimate[key] for key in ("value", "low", "high")))


def parting_sentence(row: Row) -> str:
    """Whether proxy and gold part, or both break down."""
    if row["diagnosis"] == HACK:
        return (
            f"Proxy and gold part, as in a hack: the rank correlation changed by "
            f"{of(row['rank'])}, the proxy by {of(row['proxy'])} and gold by "
            f"{of(row['gold'])}{includes_zero(row['gold'])}."
        )
    if row["diagnosis"] == INSTABILITY:
        return (f"Both broke down, as in an unstable training: the proxy changed by "
                f"{of(row['proxy'])} and gold by {of(row['gold'])}.")  # fmt: skip
    return (
        f"Hack or instability: cannot tell, {row['reason']} (asked of the first and the last "
        "tenth of the steps: a fall between them that came back is not seen)."
    )


def curse_sentence(row: Row) -> str:
    """Gold of the responses that the proxy likes best, beside what the others promise."""
    short = "" if row["difference"]["high"] < 0 else ", which may be chance"
    if row["difference"]["low"] > 0:
        short = ""
    gold, promised = alike(row["gold"], row["promised"])
    return (
        f"Winner’s curse, {row.get('part', 'all steps')}: the top 1 % by proxy "
        f"({count(row['top'], 'response')}) has gold {gold}, the line through the others promises "
        f"{promised}: {of(row['difference'])} apart{short}."
    )


def _environment(row: Row) -> str:
    return (f"In {cut(row['environment'])} the rank correlation is {of(row['spearman'])} over all "
            f"steps ({count(row['responses'], 'response')}).")  # fmt: skip


def _labels(row: Row) -> str:
    who = f"The judge of gold against {cut(row['source'])}"
    if not row["auroc"]:
        return f"{who}: cannot tell from {count(row['responses'], 'labelled response')}."
    return (f"{who} ({count(row['responses'], 'labelled response')}): of two responses it prefers "
            f"the one that they prefer in {_percents(row['auroc'])}.")  # fmt: skip


def _reviewers(row: Row) -> str:
    agreed = rate_interval(row["agreement"], row["low"], row["high"])
    return (f"At iteration {whole(row['iteration'])} {row['measure']} agrees with reviewers on "
            f"{agreed} of {count(row['n'], 'pair')}.")  # fmt: skip
