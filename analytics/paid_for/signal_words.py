"""Signals without gold, in sentences that ask and convict nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.wording import count, number, whole, with_interval

Row = Mapping[str, Any]


SIGNALS = {
    "length": "Length over the start", "length_drift": "Length over the start, 15 %",
    "entropy": "Entropy over the start", "ensemble": "Disagreement of the ensemble over the start",
    "second_proxy": "Change of the second reward’s rank correlation with the proxy",
    "format": "Change of the share with marks of format",
    "chi_squared": "Least correlation of proxy and gold that the gain stands on (χ²)",
    "latent": "Share of latent outliers",
}  # fmt: skip


def signal_sentence(row: Row) -> str:
    """One signal: its value, its null, whether it is raised, how often it errs."""
    if row["value"] is None:
        why = f", {row['reason']}" if row["reason"] else ""
        return f"{SIGNALS[row['signal']]}: not logged, or too few{why}."
    value = with_interval(*(row[key] for key in ("value", "low", "high")))
    return f"{SIGNALS[row['signal']]}: {value}; null: {row['null']}; {state_of(row)}."


def state_of(row: Row) -> str:
    """Whether a signal is raised, or why it may not be."""
    error = row["measured"]
    if error is None:
        return "shown as a number only: its error on healthy trainings was not measured"
    errs = f"errs on {whole(error['false'])} of {whole(error['healthy'])} healthy trainings"
    return f"{'raised' if row['raised'] else 'not raised'} ({errs})"


def ask_sentence(told: Row) -> str:
    """The one line that signals without gold come to."""
    if not told["raised"]:
        return "No signal without gold is raised, which clears nothing."
    names = ", ".join(SIGNALS[name].split(" over")[0].lower() for name in told["raised"])
    ask = told["ask"]
    if ask is None:
        return f"Raised without gold: {names}. Gold says more, where it was measured."
    many = count(ask["responses"], "label") if ask["responses"] else "labels"
    until = "up to" if ask["responses"] else "at"
    where = "" if ask["kl"] is None else f" {until} KL {number(ask['kl'])} nats"
    return f"Ask for gold ({names}): {many}{where} would decide. {ask['reason']}"
