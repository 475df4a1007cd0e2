"""Block 5: people have looked, blinded, lately, and somebody signs."""

from __future__ import annotations

import datetime
from typing import Any

import polars as pl

from analytics.gate.blocks.checks import Check, Levels, bounded, exact, not_measured
from analytics.gate.records.evidence import Evidence
from analytics.gate.records.past import stated
from analytics.gate.records.reviews import FEWEST_SHARED, Reviewed, reviewed, win_rate
from analytics.gate.rules.policy import Policy
from analytics.loops.decided import GOING, day, last_word
from analytics.wording import count, number, rate_text

NO_END = ("never", "none", "-", "n/a")
"""Words of a decision that has no end of its own; the policy's days end it all the same."""


def people(evidence: Evidence, policy: Policy) -> list[Check]:
    """The block's checks on reviews of the iteration against the last release."""
    release, _ = evidence.released()
    rows = evidence.at("reviews", evidence.iteration)
    every = reviewed(rows, evidence.iteration, release)
    seen = reviewed(rows.filter(_fresh(rows, evidence, policy)), evidence.iteration, release)
    levels = Levels(policy.pass_level(), policy.fail_level(1))
    link = evidence.link("checkpoints", iteration=evidence.iteration)
    made = {
        "reviews": lambda: _reviews(evidence, policy, seen, every, release, link),
        "agreement": lambda: _agreement(policy, seen, link),
        "win_rate": lambda: _win_rate(policy, seen, release, levels, link),
        "approval": lambda: approval(evidence, policy, link),
    }
    return [made[name]() for name in policy.checks("human_checkpoint")]


def _fresh(rows: pl.DataFrame, evidence: Evidence, policy: Policy) -> pl.Series:
    """Which reviews still hold: each has a date of its own, and none renews another."""
    days = policy["human_checkpoint.days"]
    holds = {
        text: (on := day(text)) is not None and (evidence.today - on).days <= days
        and not _to_come(evidence, on)
        for text in rows["graded_at"].unique()
    }  # fmt: skip
    return pl.Series([holds[text] for text in rows["graded_at"]], dtype=pl.Boolean)


def last_review(rows: pl.DataFrame) -> datetime.date | None:
    """When the last of some reviews was graded."""
    days = [found for text in rows["graded_at"].unique() if (found := day(text))]
    return max(days, default=None)


def _reviews(
    evidence: Evidence, policy: Policy, seen: Reviewed, every: Reviewed, release: int, link: str
) -> Check:  # fmt: skip
    """Args: seen: the reviews that still hold; every: all of them."""
    least, top = policy["human_checkpoint.items"], policy["human_checkpoint.top_proxy_items"]
    if every.items.is_empty():
        return not_measured(
            "reviews", f"Nobody has reviewed iteration {evidence.iteration} against the last "
            f"release (iteration {release}), blinded and in pairs (table `reviews`).", link,
        )  # fmt: skip
    if seen.items.is_empty():
        return not_measured("reviews", _none_holds(evidence, every, policy), link)
    n, slice_n = seen.items.height, seen.top.height
    hard, hard_n = policy["human_checkpoint.escalation_items"], seen.escalation.height
    old = every.items.height - n
    left = (
        f" {count(old, 'further pair')} {'does' if old == 1 else 'do'} not count: without a date, "
        f"still to come, or more than {count(policy['human_checkpoint.days'], 'day')} old."
        if old else ""
    )  # fmt: skip
    if n < least or slice_n < top or hard_n < hard:
        return not_measured(
            "reviews", f"{count(n, 'pair')} reviewed, {slice_n} of them of highest proxy and "
            f"{hard_n} escalation cases (column `slice`); asked: {least}, {top} and {hard}.{left}",
            link,
        )  # fmt: skip
    sentence = (
        f"{count(n, 'pair')} reviewed, {slice_n} of highest proxy, {hard_n} escalation cases, the "
        f"last on {last_review(seen.judged)}"
    )
    return exact(
        "reviews", True, f"{sentence}; asked: {least}, {top} and {hard}.{left}", n, least, link
    )


def _none_holds(evidence: Evidence, every: Reviewed, policy: Policy) -> str:
    when, days = last_review(every.judged), policy["human_checkpoint.days"]
    if when is None:
        return "No review says when it was graded (`graded_at`)."
    if _to_come(evidence, when):
        return f"The last review is dated {when} (`graded_at`): still to come."
    age = count((evidence.today - when).days, "day")
    return f"The last review is of {when}, {age} old; it holds {count(days, 'day')}."


def _agreement(policy: Policy, seen: Reviewed, link: str) -> Check:
    least, wanted = policy["human_checkpoint.kappa"], policy["human_checkpoint.raters"]
    if len(seen.raters) < wanted:
        who = f" ({', '.join(seen.raters)})" if seen.raters else ""
        return not_measured(
            "agreement", f"Reviews by {count(len(seen.raters), 'rater')}{who}; asked: {wanted}, "
            "for what one person sees cannot be told from taste.", link,
        )  # fmt: skip
    if wanted < 2 and seen.kappa is None:
        return Check("agreement", "PASS", "The policy asks for one rater.", evidence=link)
    if seen.kappa is None:
        return not_measured(
            "agreement",
            f"No two raters judged the same {FEWEST_SHARED} items, or all said the "
            "same of all, which shows no agreement beyond chance.",
            link,
        )
    sentence = (
        f"Cohen's κ between raters {number(seen.kappa)} on {count(seen.shared, 'shared item')}, "
        f"asked: {number(least)}"
    )
    if seen.kappa < least:
        return Check(
            "agreement", "NOT MEASURED", f"{sentence}: raters who do not agree measure nothing.",
            seen.kappa, limit=least, n=seen.shared, evidence=link,
        )  # fmt: skip
    return exact("agreement", True, f"{sentence}.", seen.kappa, least, link)


def _win_rate(
    policy: Policy, seen: Reviewed, release: int, levels: Levels, link: str
) -> Check:  # fmt: skip
    limit = policy["human_checkpoint.win_rate"]
    estimate = stated(policy, win_rate(seen.items), 0.5 - limit)
    return bounded(
        "win_rate",
        what=f"Win rate against the last release (iteration {release}):",
        estimate=estimate,
        limit=limit,
        neutral=0.5,
        levels=levels,
        shown=rate_text,
        evidence=link,
        missing="Nobody has compared the two.",
    )


def approval(evidence: Evidence, policy: Policy, link: str) -> Check:
    """Somebody other than the submitter has decided to continue, and that still holds."""
    if not evidence.submitter:
        return not_measured(
            "approval", "Nobody is named as the submitter (--submitter NAME), so it cannot be "
            "shown that somebody else approved.", link,
        )  # fmt: skip
    signed = evidence.at("decisions", evidence.iteration).filter(pl.col("decision").is_not_null())
    if signed.is_empty():
        return not_measured("approval", "Nobody has decided on this iteration.", link)
    if signed.height > 1 and None in map(day, signed["at"]):
        return not_measured(
            "approval", "A decision on this iteration has no date (`at`), so which is the last "
            "is not known.", link,
        )  # fmt: skip
    last = last_word(signed.iter_rows(named=True)) or {}
    who = (last["by"] or "").strip()
    if last["decision"] not in GOING:
        return exact("approval", False, f"{who or 'Somebody'} decided: {last['decision']}.",
                     evidence=link)  # fmt: skip
    if not who:
        return not_measured("approval", "The decision to continue names nobody (`by`).", link)
    if who.casefold() in _submitters(evidence):
        return not_measured(
            "approval", f"{who} approved and is the submitter: another person has to.", link
        )
    return _in_force(evidence, policy, last, who, link)


def _submitters(evidence: Evidence) -> set[str]:
    """Who asks, as given and as the loop's file says; several may stand between commas."""
    given = [name for name in (evidence.submitter, evidence.named) if name]
    parts = [part for name in given for part in (name, *name.split(","))]
    return {part.strip().casefold() for part in parts}


def _to_come(evidence: Evidence, when: datetime.date) -> bool:
    """Whether a date lies ahead of every clock: a day is left for time zones."""
    latest = max(evidence.today, datetime.date.today())
    return when > latest + datetime.timedelta(days=1)


def _in_force(
    evidence: Evidence, policy: Policy, last: dict[str, Any], who: str, link: str
) -> Check:  # fmt: skip
    at, ends = day(last["at"]), day(last["expires"])
    if at is None:
        return not_measured("approval", f"The approval by {who} has no date (`at`).", link)
    if _to_come(evidence, at):
        return not_measured(
            "approval", f"The approval by {who} is dated {at}: still to come.", link
        )
    expiry = (last["expires"] or "").strip()
    if expiry and ends is None and expiry.lower() not in NO_END:
        return not_measured(
            "approval", f"Until when the approval by {who} holds cannot be read (`expires`: "
            f"{expiry}); expected a date such as 2026-12-12.", link,
        )  # fmt: skip
    latest = at + datetime.timedelta(days=policy["human_checkpoint.days"])
    ends = min(ends or latest, latest)
    if evidence.today > ends:
        return not_measured(
            "approval", f"The approval by {who} of {at} expired on {ends}: it has to be given "
            "again.", link,
        )  # fmt: skip
    return exact("approval", True, f"Approved by {who} on {at}, until {ends}.", evidence=link)
