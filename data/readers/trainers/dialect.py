"""What a dialect is: one declaration of how a trainer names things in its log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypedDict

import polars as pl

from data.readers.kl.kl_table import LoggedKL, NotPolicyKL, setting

Marks = Callable[[Collection[str]], bool]


@dataclass(frozen=True)
class Length:
    """A response length that is logged in parts: ``key`` less ``minus``, divided by ``over``."""

    key: str
    over: str = ""
    minus: str = ""

    def parts(self) -> tuple[str, ...]:
        """The keys that it needs."""
        return tuple(key for key in (self.key, self.over, self.minus) if key)


@dataclass
class InEvaluation:
    """Which keys of an evaluation are gold and proxy; candidates where none is chosen."""

    gold: str | None = None
    proxy: str | None = None  # the reward that is optimised, on the evaluation's prompts
    candidates: list[str] = field(default_factory=list)


class Observed(TypedDict, total=False):
    """Settings that training rows show where they were not logged; why: a sentence about them."""

    use_loss: bool
    kl_estimator: str
    kl_in_reward: bool
    beta: float
    why: str


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
    """Keys of the reward before any KL penalty, the best first; None = by its reward functions.
    Here and in ``gold``, ``columns`` and ``lengths`` a star stands for any text."""
    gold: tuple[str, ...] = ()
    """Keys of gold, the best first; ``eval:KEY`` = a key that evaluations alone log."""
    includes_kl: tuple[str, ...] = ()
    """Rewards from which a KL penalty is taken already: they are no proxy."""
    total_includes_kl: str = ""
    """The setting with which ``reward`` has a KL penalty taken off as well."""
    no_kl: str = ""
    """Why the trainer logs no KL from the initial policy; empty = it may."""
    evaluation: tuple[str, ...] = ()
    """How the keys of its evaluations begin, which it logs among those of training."""
    no_kl_with: tuple[str, object, str] | None = None
    """A setting and its value with which there is none, and why."""
    step: str = ""
    """The key of the optimiser step, where the log's own step counts something else."""
    lengths: tuple[Length, ...] = ()
    """Response lengths that are logged in parts, the best first; after ``columns``."""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys of ``mapping.RUN_COLUMNS`` that mean this in its logs alone, before the shared ones."""
    in_evaluation: Callable[[Sequence[str]], InEvaluation] | None = None
    """Gold and proxy of its evaluations, from all keys."""
    settings: tuple[str, ...] = ()
    """Its settings that are handed on; the others say nothing about overoptimisation."""
    observed: Callable[[Mapping[str, Any], pl.DataFrame], Observed] | None = None
    """What its training rows say about settings that were not logged."""
    responses: Callable[[Mapping[str, Any], int], int | None] | None = None
    """Responses behind a training row's means, from settings and the steps that a row averages."""
    responses_with: str | None = None
    """The key that only rows with new responses have; None = all have."""
    evaluates_first: bool = False
    """Step 0 evaluates the initial policy, whose KL is 0 by definition."""


def first(patterns: Sequence[str], keys: Sequence[str]) -> str | None:
    """The key of the first pattern that names one; None where none does, or one names several.

    >>> first(("a/*/mean", "b"), ["a/x/mean", "b"]), first(("a/*",), ["a/x", "a/y"])
    ('a/x/mean', None)
    """
    for pattern in patterns:
        found = matching(pattern, keys)
        if found:
            return found[0] if len(found) == 1 else None
    return None


def matching(pattern: str, keys: Sequence[str]) -> list[str]:
    """The keys of a pattern, in their order."""
    if "*" not in pattern:
        return [pattern] if pattern in keys else []
    return [key for key in keys if fnmatchcase(key, pattern)]


def has(*needed: str) -> Marks:
    """Marks: all of some keys."""
    return lambda keys: all(key in keys for key in needed)


def whole(settings: Mapping[str, Any], name: str) -> int | None:
    """A setting that is a whole number above 0; None where it is none or is not stated."""
    value = setting(settings, name)
    return value if isinstance(value, int) and 0 < value < 1 << 53 else None
