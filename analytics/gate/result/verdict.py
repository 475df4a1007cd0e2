"""The gate: six blocks, and what they say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, cast

import polars as pl

from analytics.comparing import gold_uses
from analytics.gate.blocks.checks import WORST, Check, CheckRow, Result
from analytics.gate.blocks.diversity import diversity
from analytics.gate.blocks.outcomes import outcomes
from analytics.gate.blocks.people import people
from analytics.gate.blocks.provenance import provenance
from analytics.gate.blocks.rewards import rewards
from analytics.gate.blocks.truth import truthfulness
from analytics.gate.records import sealed
from analytics.gate.records.evidence import Evidence
from analytics.gate.rules.limits import BLOCKS, CHECKS
from analytics.gate.rules.policy import Policy, Waiver
from analytics.wording import count, number

JUDGES: dict[str, Callable[[Evidence, Policy], list[Check]]] = {
    "provenance": provenance,
    "reward_hacking": rewards,
    "diversity": diversity,
    "truthfulness": truthfulness,
    "human_checkpoint": people,
    "outcomes": outcomes,
}
EXITS = {"PASS": 0, "FAIL": 1, "NOT SHOWN": 2, "NOT MEASURED": 2}
"""Exit codes of the command; 3 where policy or data cannot be read."""

NEVER = (
    "the disagreement of an ensemble of reward models",
    "whether the reward model was refreshed with labels from the current policy",
    "whether the policy was restarted from the SFT model",
    "whether the last release can be brought back by one action",
    "personal data in the training text",
)
"""What no table of a loop says, so that no gate of this kind can look at it."""


class BlockRow(TypedDict):
    """One block of `gate --json`; waiver: the policy's, expires as a date."""

    name: str
    result: Result
    measured: Result
    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    items: int | None
    evidence: str | None
    reason: str
    waiver: Mapping[str, object] | None
    checks: list[CheckRow]


class PolicyRow(TypedDict):
    """The policy that a gate judged by."""

    name: str
    hash: str
    date: str
    proposals: list[str]


class GateDocument(TypedDict):
    """The document of `gate --json`."""

    loop: str
    iteration: int
    result: Result
    title: str
    summary: str
    release: int
    release_known: str
    policy: PolicyRow
    blocks: list[BlockRow]
    not_looked_at: list[str]
    looks: str
    gold_used: str
    loosened: list[str]
    snapshot: str


@dataclass(frozen=True)
class Block:
    """One block with its checks; `measured` is what it says without a waiver."""

    name: str
    result: Result
    measured: Result
    checks: tuple[Check, ...]
    waiver: Waiver | None = None

    @property
    def telling(self) -> Check | None:
        """The check that decides; of a block that passes, the one nearest to its limit."""
        mine = [check for check in self.checks if check.result == self.measured]
        return min(mine, key=_room) if mine else None

    @property
    def reason(self) -> str:
        """Why, in one sentence."""
        reasons = (
            self.telling.reason
            if self.telling
            else "The policy asks for no check of it: waive it by name, or ask."
        )
        if self.waiver is None:
            return reasons
        one = self.waiver
        return f"Waived by {one.name} until {one.expires}: {one.reason}. Measured: {reasons}"

    def to_dict(self) -> BlockRow:
        """The row of `gate --json`."""
        one = self.telling
        keys = ("value", "low", "high", "limit", "items", "evidence")
        waiver = self.waiver and {**self.waiver.__dict__, "expires": str(self.waiver.expires)}
        row = {
            "name": self.name, "result": self.result, "measured": self.measured,
            **{key: getattr(one, key) if one else None for key in keys},
            "reason": self.reason, "waiver": waiver,
            "checks": [check.to_dict() for check in self.checks],
        }  # fmt: skip
        return cast("BlockRow", row)


@dataclass(frozen=True)
class Gate:
    """What the gate says of one iteration, on which evidence, under which policy."""

    loop: str
    iteration: int
    release: int
    release_known: str
    policy: Policy
    blocks: tuple[Block, ...]
    not_looked_at: tuple[str, ...]
    looks: str
    loosened: tuple[str, ...] = ()
    snapshot: str = ""
    gold_used: str = (
        ""  # how often this gold chose, what that does to its gain, and whose kin judges
    )

    @property
    def result(self) -> Result:
        """PASS only where every block passes or is waived."""
        return worst([block.result for block in self.blocks])

    @property
    def exit_code(self) -> int:
        """For a script: 0 PASS, 1 FAIL, 2 NOT SHOWN or NOT MEASURED."""
        return EXITS[self.result]

    @property
    def title(self) -> str:
        """The result with the number of waivers."""
        waived = sum(block.result == "WAIVED" for block in self.blocks)
        return f"{self.result} ({waived} waived)" if waived else self.result

    @property
    def summary(self) -> str:
        """One sentence that claims no more than was looked at."""
        under = f"under policy {self.policy.title}"
        marked = (
            f" The policy was loosened after the data of this iteration arrived: "
            f"{'; '.join(self.loosened)}." if self.loosened else ""
        )  # fmt: skip
        if self.result == "PASS":
            return f"{self.title}: no blocking finding {under}.{marked}"
        parts = [
            f"{', '.join(names)} {result}" for result in WORST[:3]
            if (names := [block.name.replace("_", " ") for block in self.blocks
                          if block.result == result])
        ]  # fmt: skip
        return f"{self.title}: {'; '.join(parts)}, under policy {self.policy.title}.{marked}"

    def to_dict(self) -> GateDocument:
        """The document of `gate --json`."""
        return {
            "loop": self.loop, "iteration": self.iteration, "result": self.result,
            "title": self.title, "summary": self.summary,
            "release": self.release, "release_known": self.release_known,
            "policy": {
                "name": self.policy["name"], "hash": self.policy.hash,
                "date": str(self.policy["date"]), "proposals": list(self.policy.proposals),
            },
            "blocks": [block.to_dict() for block in self.blocks],
            "not_looked_at": list(self.not_looked_at), "looks": self.looks,
            "gold_used": self.gold_used, "loosened": list(self.loosened), "snapshot": self.snapshot,
        }  # fmt: skip


def judge(
    evidence: Evidence, policy: Policy, loosened: Sequence[str] = (), snapshot: str = "",
    blocks: Sequence[str] = BLOCKS,
) -> Gate:  # fmt: skip
    """Judge one iteration of a loop.

    Args:
        loosened: what the policy lets pass since the iteration's data arrived (`loosened`).
        snapshot: the state of the store that this rests on.

    Raises:
        GateError: the evidence contradicts itself.
    """
    evidence.check()
    release, known = evidence.released()
    spent = _again(evidence, snapshot) > policy["extra_looks_per_year"]
    made = tuple(_block(name, evidence, policy, spent) for name in blocks)
    return Gate(
        evidence.loop,
        iteration=evidence.iteration,
        release=release,
        release_known=known,
        policy=policy,
        blocks=made,
        not_looked_at=_not_looked_at(policy, evidence),
        looks=_looks(evidence, policy, snapshot),
        loosened=tuple(loosened),
        snapshot=snapshot,
        gold_used=" ".join(one for one in (_gold_used(evidence, policy), evidence.kin) if one),
    )


def _gold_used(evidence: Evidence, policy: Policy) -> str:
    """How often the gold that this gate reads was used, and what that does."""
    opened = evidence.every("sealed")["source"].drop_nulls()
    source = str(opened[0]) if opened.len() else ""
    used = sealed.sentence(
        evidence.sealed, evidence.seals, source, evidence.iteration, policy.looks
    )
    return (
        used if source else " ".join(filter(None, (gold_uses.sentence(evidence.gold_uses), used)))
    )


def worst(results: Sequence[Result]) -> Result:
    """What the whole says: FAIL before NOT MEASURED before NOT SHOWN before PASS."""
    for result in WORST:
        if result in results:
            return "PASS" if result == "WAIVED" else result
    return "PASS"


def _block(name: str, evidence: Evidence, policy: Policy, spent: bool) -> Block:
    checks = tuple(JUDGES[name](evidence, policy))
    # What the policy asks nothing about was not looked at; only a waiver lets that pass.
    measured = worst([check.result for check in checks]) if checks else "NOT MEASURED"
    if spent and measured == "PASS" and any(check.n for check in checks):
        sentence = "The year's further looks are spent: no bound holds at its level any more."
        checks = (Check("looks", "NOT SHOWN", sentence), *checks)
        measured = "NOT SHOWN"
    waiver = next(
        (one for one in policy.waivers if one.block == name and evidence.today <= one.expires), None
    )
    result: Result = "WAIVED" if waiver and measured != "PASS" else measured
    return Block(name, result, measured, checks, waiver if result == "WAIVED" else None)


def _room(check: Check) -> float:
    """How far a value is from its limit, as a share of it; exact checks last."""
    if check.limit is None or check.value is None or check.n is None:
        return float("inf")
    near = check.high if check.high is not None and check.value <= check.limit else check.low
    return abs(check.limit - (check.value if near is None else near)) / (abs(check.limit) or 1.0)


def _not_looked_at(policy: Policy, evidence: Evidence) -> tuple[str, ...]:
    left = [
        f"{block.replace('_', ' ')}: {name.replace('_', ' ')} (left out of the policy)"
        for block, names in CHECKS.items() for name in names if name not in policy.checks(block)
    ]  # fmt: skip
    if evidence.kin is None:
        left.append("whether judge and reward model are of one family (no log names both)")
    if not policy["truthfulness.protected_topics"]:
        left.append("single topics (the policy protects none)")
    left += [f"{one.block.replace('_', ' ')} (waived by {one.name})" for one in policy.waivers
             if evidence.today <= one.expires]  # fmt: skip
    return (*left, *NEVER)


def _again(evidence: Evidence, snapshot: str) -> int:
    """Further looks at iterations that were decided on before, by another snapshot."""
    looks = evidence.frame("decisions").filter(pl.col("snapshot").is_not_null())
    seen = set(looks.select("iteration", "snapshot").iter_rows())
    if snapshot and any(at == evidence.iteration for at, _ in seen):
        seen.add((evidence.iteration, snapshot))
    return len(seen) - len({at for at, _ in seen})


def _looks(evidence: Evidence, policy: Policy, snapshot: str) -> str:
    again = _again(evidence, snapshot)
    return (
        f"Look {evidence.iteration} of this loop, {count(again, 'further look')} recorded. A year "
        f"has {policy.looks} looks ({policy['extra_looks_per_year']} of them further ones); each "
        f"spends an equal part of the year's errors: a bound for PASS has the one-sided level "
        f"{number(policy.pass_level())}, harm for FAIL is shown at {number(policy.fail_level(1))}, "
        "shared by the checks of a block. So each block passes a harm as large as its limit in at "
        f"most {number(100 * policy['false_pass_per_year'])} % of years, and calls a harm within "
        f"it FAIL in at most {number(100 * policy['false_fail_per_year'])} %."
    )
