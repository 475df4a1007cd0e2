"""Signals without gold, in sentences that ask and convict nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.measured.paid_rows import SignalError
from analytics.paid_for.signals import FEWEST_HEALTHY, failed, shipped
from analytics.wording import count, number, whole, with_interval

Row = Mapping[str, Any]


SIGNALS = {
    "length": "Length over the start", "length_drift": "Length over the start, 15 %",
    "entropy": "Entropy over the start", "ensemble": "Disagreement of the ensemble over the start",
    "second_proxy": "Change of the second reward’s rank correlation with the proxy",
    "format": "Change of the share with marks of format",
    "chi_squared": "Least correlation of proxy and gold that the gain stands on (χ²)",
    "latent": "Share of latent outliers",
    "shortcuts": "Features that grew and that the proxy pays for",
}  # fmt: skip


_UNMEASURED = {"format": "the trainings of the bench write words without marks of format"}
"""Why a signal's error on healthy genuine trainings was not measured."""


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
    if not shipped(error):
        return f"told as a number, {why_not(row['signal'], error)}"
    errs = f"errs on {whole(error['false'])} of {whole(error['healthy'])} healthy trainings"
    return f"{'raised' if row['raised'] else 'not raised'} ({errs})"


def why_not(signal: str, error: SignalError | None) -> str:
    """Why a signal is not in use: half a sentence.

    error: as it was measured; None = it was not.
    """
    if error is None:
        because = _UNMEASURED.get(signal, "it has not been measured")
        return f"not raised: its error on healthy runs is not known, because {because}"
    wrong = f"{whole(error['false'])} of {whole(error['healthy'])} healthy trainings"
    if failed(error):
        return f"tried and not used: it errs on {wrong}"
    return (f"not raised: its error on healthy runs is not known to be 5 % at most, because it was "
            f"measured on {whole(error['healthy'])} of them (wrong on "
            f"{whole(error['false'])}) and it takes {whole(FEWEST_HEALTHY)}")  # fmt: skip


def ask_sentence(signals: Row) -> str:
    """The one line that signals without gold come to."""
    if not signals["raised"]:
        return "No signal without gold is raised, which clears nothing."
    names = ", ".join(SIGNALS[name].split(" over")[0].lower() for name in signals["raised"])
    ask = signals["ask"]
    if ask is None:
        return f"Raised without gold: {names}. Gold says more, where it was measured."
    many = count(ask["responses"], "label") if ask["responses"] else "labels"
    until = "up to" if ask["responses"] else "at"
    where = "" if ask["kl"] is None else f" {until} KL {number(ask['kl'])} nats"
    return f"Ask for gold ({names}): {many}{where} would decide. {ask['reason']}"
