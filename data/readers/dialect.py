"""What a dialect is: one declaration of how a trainer names things in its log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from data.readers.kl_table import LoggedKL, NotPolicyKL, setting

Marks = Callable[[Collection[str]], bool]


@dataclass
class InEvaluation:
    """Which keys of an evaluation are gold and proxy; candidates where none is chosen."""

    gold: str | None = None
    proxy: str | None = None  # the reward that is optimised, on the evaluation's prompts
    candidates: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Dialect:
    """One trainer's way of naming things; ``trainer`` is the name that is shown.

    ``marks`` tells it from its keys. A dialect's name is stored with its runs: it never changes.
    """

    name: str
    trainer: str | None
    marks: Marks
    kls: tuple[LoggedKL, ...] = ()
    """Its KLs from the initial policy, the best first."""
    refused: tuple[NotPolicyKL, ...] = ()
    """Its keys that look like a KL and are never offered as the axis."""
    proxy: tuple[str, ...] | None = None
    """Keys of the reward before any KL penalty, the best first; None = by its reward functions."""
    includes_kl: tuple[str, ...] = ()
    """Rewards from which a KL penalty is taken already: they are no proxy."""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys of ``mapping.RUN_COLUMNS`` that mean this in its logs alone, before the shared ones."""
    in_evaluation: Callable[[Sequence[str]], InEvaluation] | None = None
    """Gold and proxy of its evaluations, from all keys."""
    settings: tuple[str, ...] = ()
    """Its settings that are handed on; the others say nothing about overoptimisation."""
    observed: Callable[[Mapping[str, Any], pl.DataFrame], dict[str, Any]] | None = None
    """What its training rows say about settings that were not logged."""
    responses: Callable[[Mapping[str, Any], int], int | None] | None = None
    """Responses behind a training row's means, from settings and the steps that a row averages."""
    responses_with: str | None = None
    """The key that only rows with new responses have; None = all have."""
    evaluates_first: bool = False
    """Step 0 evaluates the initial policy, whose KL is 0 by definition."""


def has(*needed: str) -> Marks:
    """Marks: all of some keys."""
    return lambda keys: all(key in keys for key in needed)


def whole(settings: Mapping[str, Any], name: str) -> int | None:
    """A setting that is a whole number above 0; None where it is none or is not stated."""
    value = setting(settings, name)
    return value if isinstance(value, int) and value > 0 else None
