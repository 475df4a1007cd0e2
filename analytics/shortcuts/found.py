"""What mining finds: shortcuts, each with its evidence, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import polars as pl

from analytics.shortcuts.rules import Rule, Texts


class ExampleKey(TypedDict):
    """What names a response that has a shortcut."""

    step: int
    phase: str
    prompt_id: str
    sample_id: int


class RuleRow(TypedDict):
    """Where a shortcut is: the fields of ``Rule``."""

    measure: str
    argument: str
    above: float | None
    below: float | None


class ShortcutRow(TypedDict):
    """A shortcut as JSON has it; see ``Shortcut``."""

    name: str
    kind: str
    shares: list[dict[str, float]]
    share_start: float
    share_now: float
    proxy: dict[str, float | None]
    gold: dict[str, float | None] | None
    earned: float
    onset: int | None
    e_value: float
    same_as: list[str]
    examples: list[ExampleKey]
    rule: RuleRow


class MinedRow(TypedDict):
    """What mining found, as JSON has it; see ``Mined``."""

    status: str
    reason: str
    shortcuts: list[ShortcutRow]
    read: int
    of: int
    prompts: int
    tested: int
    unused: list[str]
    with_gold: bool
    within: str
    gold_onset: int | None


@dataclass(frozen=True)
class Shortcut:
    """A feature that grows, and that the proxy pays for (beyond gold, where there is gold).

    name, kind: in words. shares: ``{"step", "share", "n"}`` over steps; share_start, share_now: of
    the start and of the last stretch of steps. proxy, gold: ``{"value", "low", "high"}``, the mean
    difference of the reward with the feature against without among responses to the same prompt,
    in reward units, 95 %; gold None where it is not known. earned: growth of the share times what
    the proxy (with gold: proxy beyond what gold confirms) pays, in standard deviations of the
    start; the order of the list. onset: first step of the rise. e_value: of growth and pay
    together. same_as: features that say the same. examples: keys of responses. rule: where it is.
    """

    name: str
    kind: str
    shares: tuple[Mapping[str, float], ...]
    share_start: float
    share_now: float
    proxy: Mapping[str, float | None]
    gold: Mapping[str, float | None] | None
    earned: float
    onset: int | None
    e_value: float
    same_as: tuple[str, ...]
    examples: tuple[ExampleKey, ...]
    rule: Rule

    def to_dict(self) -> ShortcutRow:
        """For JSON: the fields as they are."""
        rule = self.rule
        return {
            "name": self.name, "kind": self.kind, "shares": [dict(one) for one in self.shares],
            "share_start": self.share_start, "share_now": self.share_now,
            "proxy": dict(self.proxy), "gold": None if self.gold is None else dict(self.gold),
            "earned": self.earned, "onset": self.onset, "e_value": self.e_value,
            "same_as": list(self.same_as), "examples": [one.copy() for one in self.examples],
            "rule": {"measure": rule.measure, "argument": rule.argument, "above": rule.above,
                     "below": rule.below},
        }  # fmt: skip


@dataclass(frozen=True)
class Mined:
    """The shortcuts of a run, those that earned most first.

    status: ``found``, ``none`` (looked, and nothing holds) or ``cannot tell``; reason: why there
    are none, "" where there are. read, of: responses that were read, and all. prompts: prompts that
    the evidence rests on. tested: features. unused: what of the user's patterns and rubric is not
    tested, and why. with_gold: whether gold was asked as well; without it a
    shortcut is what the policy is paid for, which need not be wrong. within: what was compared.
    """

    status: str
    reason: str
    shortcuts: tuple[Shortcut, ...] = ()
    read: int = 0
    of: int = 0
    prompts: int = 0
    tested: int = 0
    unused: tuple[str, ...] = ()
    with_gold: bool = False
    within: str = ""
    gold_onset: int | None = None

    def to_dict(self) -> MinedRow:
        """For JSON."""
        return {
            "status": self.status, "reason": self.reason,
            "shortcuts": [one.to_dict() for one in self.shortcuts],
            "read": self.read, "of": self.of, "prompts": self.prompts, "tested": self.tested,
            "unused": list(self.unused), "with_gold": self.with_gold, "within": self.within,
            "gold_onset": self.gold_onset,
        }  # fmt: skip

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Mined:
        """What ``to_dict`` gave, as it was."""
        each = tuple(
            Shortcut(**{
                **one, "shares": tuple(one["shares"]), "same_as": tuple(one["same_as"]),
                "examples": tuple(one["examples"]), "rule": Rule(**one["rule"]),
            })
            for one in values["shortcuts"]
        )  # fmt: skip
        return Mined(**{**values, "shortcuts": each, "unused": tuple(values["unused"])})


Asked = tuple[tuple[str, str, str, float | None, float | None], ...]
"""Name and rule of each shortcut, in the order of the list."""


def asked_of(mined: Mined | None) -> Asked:
    """What ``which_have`` is asked, as a plain value; empty where nothing was found."""
    each = mined.shortcuts if mined else ()
    return tuple((one.name, *one.rule) for one in each)


def which_have(asked: Asked, responses: pl.DataFrame) -> dict[str, list[bool]]:
    """Whether other responses have each shortcut: for a reading list.

    responses: prompt, completion, and ``letters`` where completions are cut.
    """
    if "letters" not in responses.columns:
        responses = responses.with_columns(letters=pl.col("completion").str.len_chars())
    texts = Texts(responses.with_columns(
        pl.col("prompt", "completion").fill_null(""), pl.col("letters").fill_null(0)
    ))  # fmt: skip
    return {
        name: texts.has(Rule(measure, argument, above, below)).tolist()
        for name, measure, argument, above, below in asked
    }


def cannot_tell(reason: str, **values: Any) -> Mined:
    """No answer, and why."""
    return Mined("cannot tell", reason, **values)
