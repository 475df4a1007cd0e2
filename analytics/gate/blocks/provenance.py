"""Block 1: where the training text of the iteration comes from (counts, without sampling error)."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from analytics.gate.blocks.checks import Check, exact, not_measured
from analytics.gate.records.evidence import Evidence
from analytics.gate.rules.policy import Policy
from analytics.loops.ancestry import HUMAN
from analytics.wording import count, percent, whole


def provenance(evidence: Evidence, policy: Policy) -> list[Check]:
    """The block's checks on the mix that the iteration was trained on."""
    mix = evidence.at("corpus", evidence.iteration)
    link = evidence.link("provenance")
    made = []
    for name in policy.checks("provenance"):
        if name == "contamination":
            made.append(_contamination(evidence, link))
        elif mix.is_empty():
            missing = f"No table `corpus` says what iteration {evidence.iteration} was trained on."
            made.append(not_measured(name, missing, link))
        else:
            made.append(_CHECKS[name](mix, evidence, policy, link))
    return made


def _synthetic() -> pl.Expr:
    return pl.col("origin").is_not_null() & ~pl.col("origin").is_in(HUMAN)


def _total(rows: pl.DataFrame, by: str = "documents") -> float:
    return float(rows[by].sum() or 0)


def _weight(mix: pl.DataFrame) -> str:
    return "documents" if mix["tokens"].null_count() else "tokens"


def _lineage(mix: pl.DataFrame, evidence: Evidence, policy: Policy, link: str) -> Check:
    lost = mix.filter(
        pl.col("origin").is_null() | (_synthetic() & pl.col("generator_iteration").is_null())
    )
    if mix["documents"].null_count():
        return not_measured("lineage", "The corpus does not count its documents.", link)
    share = 1 - _total(lost) / max(_total(mix), 1)
    sentence = f"{percent(share, 1)} of {count(int(_total(mix)), 'document')} say which "
    return exact("lineage", lost.is_empty(), sentence + "iteration wrote them; asked: all.",
                 share, 1.0, link)  # fmt: skip


def _synthetic_share(mix: pl.DataFrame, evidence: Evidence, policy: Policy, link: str) -> Check:
    limit, by = policy["provenance.synthetic_share"], _weight(mix)
    total = _total(mix, by)
    if not total:
        return not_measured("synthetic_share", f"The corpus does not count its {by}.", link)
    share = _total(mix.filter(_synthetic()), by) / total
    sentence = f"{percent(share, 1)} of the training mix's {by} is model-written, limit "
    return exact(
        "synthetic_share",
        share <= limit + 1e-12,
        f"{sentence}{percent(limit, 1)}.",
        share,
        limit,
        link,
    )


def _depth(mix: pl.DataFrame, evidence: Evidence, policy: Policy, link: str) -> Check:
    limit, written = policy["provenance.depth"], mix.filter(_synthetic())
    if written["depth"].null_count():
        return not_measured(
            "depth", "The corpus has no `depth` for model-written text (how many generations lie "
            "between it and a human's).", link,
        )  # fmt: skip
    deepest = int(written["depth"].max() or 0)  # type: ignore[arg-type]
    sentence = f"The deepest training text is {count(deepest, 'generation')} from a human's, limit "
    return exact("depth", deepest <= limit, f"{sentence}{limit}.", deepest, limit, link)


def _human_anchor(mix: pl.DataFrame, evidence: Evidence, policy: Policy, link: str) -> Check:
    kept = int(_total(mix.filter(pl.col("origin").is_in(HUMAN))))
    past = evidence.frame("corpus").filter(
        pl.col("iteration").is_between(1, evidence.iteration - 1), pl.col("origin").is_in(HUMAN)
    )
    asked = 1
    if past.height:
        first = past.filter(pl.col("iteration") == pl.col("iteration").min())
        asked = max(1, int(_total(first)))
    sentence = f"{count(kept, 'human document')} in the mix; asked: at least {whole(asked)}"
    tail = ", as at the loop's first iteration." if asked > 1 else "."
    return exact("human_anchor", kept >= asked, sentence + tail, kept, asked, link)


def _licence(mix: pl.DataFrame, evidence: Evidence, policy: Policy, link: str) -> Check:
    written = mix.filter(_synthetic())
    if mix["licence"].is_null().all() or (
        written.height and written["reward_model"].is_null().all()
    ):
        missing = "The corpus has no `licence`, or no `reward_model` for model-written text."
        return not_measured("licence", missing, link)
    lost = mix.filter(
        pl.col("licence").is_null() | (_synthetic() & pl.col("reward_model").is_null())
    )
    share = _total(lost) / max(_total(mix), 1)
    sentence = (
        f"{percent(share, 1)} of the documents name no licence or no reward model; asked: none."
    )
    return exact("licence", lost.is_empty(), sentence, share, 0.0, link)


def _contamination(evidence: Evidence, link: str) -> Check:
    found = evidence.at("overlap", evidence.iteration)
    if found.is_empty() or not _total(found, "compared"):
        return not_measured(
            "contamination", "Training texts were not compared with the evaluation questions: "
            "kept texts (`generations`) or benchmark questions (`answers`) are not there.",
            link,
        )  # fmt: skip
    hits, compared = int(_total(found, "hits")), int(_total(found, "compared"))
    asked = count(compared, "evaluation question")
    sentence = (
        f"{whole(hits)} of {asked} stand whole or nearly in the text that this policy, or one it "
        "came from, was trained on"
    )
    return exact("contamination", hits == 0, f"{sentence}; asked: none.", hits, 0, link)


_CHECKS: dict[str, Callable[[pl.DataFrame, Evidence, Policy, str], Check]] = {
    "lineage": _lineage,
    "synthetic_share": _synthetic_share,
    "depth": _depth,
    "human_anchor": _human_anchor,
    "licence": _licence,
}
