"""When people last looked, how far the policy has gone since, and when they should look again."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.gate.blocks.people import last_review
from analytics.gate.records.bounds import Estimate, share
from analytics.gate.records.evidence import Evidence
from analytics.gate.records.past import stated
from analytics.gate.rules.policy import Policy
from analytics.loops.decided import day
from analytics.wording import count, number


@dataclass(frozen=True)
class Due:
    """last: iteration that was reviewed last, None = never; blind: nats of KL since.

    by_date: when too few of its reviews hold; at_iteration: where the KL since will pass the
    policy's limit, by the mean step so far, None = it does not rise. items: pairs for the policy's
    margin.
    """

    last: int | None
    reviewed_on: datetime.date | None
    blind: float | None
    by_date: datetime.date | None
    at_iteration: int | None
    now_due: bool
    items: int | None
    newest: int

    def sentences(self) -> list[str]:
        """All of it in words."""
        if self.last is None:
            lines = ["No iteration of this loop was reviewed by people: a human checkpoint is due."]
        else:
            on = f" on {self.reviewed_on}" if self.reviewed_on else ""
            gone = (
                "nothing is newer than that"
                if self.newest == self.last
                else "how far KL has gone since is not known"
                if self.blind is None
                else f"KL has gone {number(self.blind)} nats since, unseen by people"
            )
            lines = [f"People last reviewed iteration {self.last}{on}; {gone}."]
            when = [f"by {self.by_date}"] if self.by_date else []
            when += [f"at iteration {self.at_iteration}"] if self.at_iteration is not None else []
            lines.append(
                "The next human checkpoint is due now."
                if self.now_due
                else f"The next human checkpoint is due {' or '.join(when)}, whichever is first."
                if when
                else "When the next is due is not known: neither dates nor KL are known."
            )
        if self.items:
            lines.append(f"About {count(self.items, 'pair')} would decide on the policy's margin.")
        return lines


def kl_by_iteration(evidence: Evidence) -> dict[int, float]:
    """KL to the initial policy, nats per response: from the texts, else as logged."""
    logged = (
        evidence.frame("metrics").drop_nulls("kl").group_by("iteration").agg(pl.col("kl").last())
    )
    texts = evidence.frame("generations").with_columns(
        kl=pl.col("logprob_policy") - pl.col("logprob_base")
    ).drop_nulls("kl").group_by("iteration").agg(pl.col("kl").mean())  # fmt: skip
    return dict(logged.iter_rows()) | dict(texts.iter_rows())


def due(evidence: Evidence, policy: Policy) -> Due:
    """The state of human checkpoints at the evidence's iteration."""
    rows = evidence.frame("reviews")
    last = int(rows["iteration"].max()) if rows.height else None  # type: ignore[arg-type]
    kl, limit = kl_by_iteration(evidence), policy["human_checkpoint.kl_blind"]
    days = datetime.timedelta(days=policy["human_checkpoint.days"])
    on = last_review(evidence.at("reviews", last)) if last is not None else None
    holds = _complete_since(evidence.at("reviews", last), policy) if last is not None else None
    now, then = kl.get(evidence.iteration), kl.get(last if last is not None else -1)
    blind = now - then if now is not None and then is not None else None
    by_date = holds + days if holds else None
    late = last is None or bool(by_date and evidence.today > by_date)
    return Due(
        last,
        reviewed_on=on,
        blind=blind,
        by_date=by_date,
        at_iteration=_forecast(kl, evidence.iteration, then, limit),
        now_due=late or (blind is not None and blind >= limit),
        items=_items(policy),
        newest=evidence.iteration,
    )


def _complete_since(rows: pl.DataFrame, policy: Policy) -> datetime.date | None:
    """The day from which on as many pairs were reviewed as are asked for: when it is over for them,
    it is over for the checkpoint, however late a single one was reviewed. None without dates."""
    latest: dict[str, datetime.date] = {}
    for item, text in rows.select("item_id", "graded_at").iter_rows():
        if on := day(text):
            latest[item] = max(on, latest.get(item, on))
    days = sorted(latest.values(), reverse=True)
    return days[min(len(days), int(policy["human_checkpoint.items"])) - 1] if days else None


def _forecast(kl: dict[int, float], iteration: int, then: float | None, limit: float) -> int | None:
    """First iteration at which KL will have gone `limit` since the review, by the mean step."""
    known = sorted((at, value) for at, value in kl.items() if at <= iteration)
    if then is None or len(known) < 2:
        return None
    at, values = (np.array(column, dtype=float) for column in zip(*known, strict=True))
    step = float(np.polyfit(at, values, 1)[0])
    if step <= 0:
        return None
    left = then + limit - float(values[-1])
    return iteration if left <= 0 else int(iteration + np.ceil(left / step))


def _items(policy: Policy) -> int | None:
    """Pairs with which a model as good as the release would pass, with probability .8."""
    margin = 0.5 - policy["human_checkpoint.win_rate"]
    one: Estimate | None = stated(policy, share(1, 2), margin)
    return one.items(margin, policy.pass_level()) if one and margin > 0 else None
