"""Zeros of KL: those that nobody measured, and the one that is known without measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data.columns import RunFacts

NEVER = ("KL is missing: its coefficient is 0", "KL is missing: it is logged as exactly 0")
"""How the notes begin on a KL that was logged and never measured."""

MIN_ROWS = 5
"""Rows of exact zeros from which on a moving policy cannot have measured them."""

STILL = ("learning_rate", "actor/lr", "actor_lr", "grad_norm", "actor/grad_norm", "actor_grad_norm")
"""Keys that are 0 throughout while a policy does not move."""

MOVING = (
    "proxy_reward", "reward", "critic/score/mean", "response_length", "completions/mean_length",
    "response_length/mean", "entropy", "actor/entropy", "loss", "actor/pg_loss", "policy_loss",
)  # fmt: skip


def is_unmeasured(
    logged: Sequence[float | None],
    columns: Mapping[str, Sequence[float | None]],
    no_reference: bool,
) -> str:
    """Why a logged KL of nothing but zeros is missing; empty where it is a measurement.

    A policy equal to its reference has KL 0, and k1 and k3 of it are exactly 0. Only a policy
    that moves shows that the zeros were never measured.

    Args:
        logged: the KL by row.
        columns: other logged numbers by key, in the same order of rows.
        no_reference: the settings say that there is no reference model.
    """
    known = [value for value in logged if value is not None]
    if not known or any(value != 0 for value in known):
        return ""
    if no_reference:
        return f"{NEVER[0]}, so there is no reference model and 0 is logged"
    if len(known) < MIN_ROWS or not _moves(columns):
        return ""
    return f"{NEVER[1]} in all {len(known)} rows while the policy moves, so it was not measured"


def _moves(columns: Mapping[str, Sequence[float | None]]) -> bool:
    stated = [columns[key] for key in STILL if key in columns]
    values = [[v for v in column if v is not None] for column in stated]
    if any(values):
        return any(v != 0 for column in values for v in column)
    return any(
        len({v for v in columns[key] if v is not None}) > 1 for key in MOVING if key in columns
    )


def zero_at_start(
    kl: list[float | None], places: Sequence[tuple[str, int]], facts: RunFacts
) -> None:
    """Fill in the KL of verl's validation before its first update, which is 0 by definition.

    Args:
        kl: by row, changed in place.
        places: phase and step of each row.
        facts: say whether there is a KL to the initial policy; get a note.
    """
    if facts.kl_reference != "initial_policy" or facts.kl_conversion == "missing":
        return
    for row, place in enumerate(places):
        if place == ("eval", 0) and kl[row] is None:
            kl[row] = 0.0
            facts.kl_note += "; 0 at the validation before the first step, as it is by definition"
