"""``python -m analytics gate``: what it is asked, and how it answers. The store is handed in."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypedDict

from analytics.gate.records import sealed
from analytics.gate.records.evidence import GateError
from analytics.gate.result.after import other_arms
from analytics.gate.result.gathering import Query, arrived, gather, loosened_since, snapshot
from analytics.gate.result.markdown import markdown
from analytics.gate.result.power import chances
from analytics.gate.result.verdict import Gate, judge
from analytics.gate.rules.limits import proposal
from analytics.gate.rules.policy import Policy, PolicyError, read_policy
from analytics.loops.decided import GOING

UNREADABLE = 3
"""Exit code where policy or data cannot be read, and for wrong usage: no verdict at all."""
DECISIONS = (*GOING, "stop", "roll_back", "re_evaluate", "escalate")


class DecisionRow(TypedDict):
    """A row of the table decisions."""

    loop: str
    iteration: int
    decision: str
    by: str
    at: str
    expires: str | None
    snapshot: str
    note: str | None


@dataclass(frozen=True)
class Doors:
    """The store as the command needs it.

    verdict: the verdict on a loop's gold up to an iteration; indicators: rows of collapse.
    policies: text and first use of every policy so far; keep_policy, record: what is written; look:
    writes down that sealed gold was looked at.
    """

    query: Query
    generation: int
    verdict: Callable[[str, int], Mapping[str, Any] | None]
    indicators: Callable[[str], Sequence[Mapping[str, Any]]]
    policies: Callable[[], list[tuple[str, datetime.datetime]]]
    keep_policy: Callable[[str], None]
    record: Callable[[DecisionRow], None]
    look: Callable[[Mapping[str, Any]], None]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Wrong usage is no verdict: 2 would read as NOT MEASURED."""
        self.print_usage(sys.stderr)
        self.exit(UNREADABLE, f"{self.prog}: error: {message}\n")


def add_gate(commands: Any, do: Callable[[argparse.Namespace], int]) -> None:
    """The command's options, among the others."""
    commands._parser_class, kept = _Parser, commands._parser_class
    gate = commands.add_parser(
        "gate", help="whether an iteration of a loop may go on",
        description="Exit 0 PASS, 1 FAIL, 2 NOT SHOWN or NOT MEASURED, 3 where policy or data "
        "cannot be read.",
    )  # fmt: skip
    commands._parser_class = kept
    gate.add_argument("--loop", metavar="L")
    gate.add_argument("--iteration", type=int, metavar="N")
    gate.add_argument("--policy", type=Path, metavar="FILE", help="TOML; without it the proposals")
    gate.add_argument("--proposal", action="store_true", help="print the commented policy, and end")
    gate.add_argument("--submitter", metavar="NAME", help="who asks; never who approves")
    gate.add_argument("--release", type=int, metavar="N", help="last release, if not as decided")
    gate.add_argument("--on", type=datetime.date.fromisoformat, metavar="DATE", help="not today")
    gate.add_argument("--arm", nargs="+", action="extend", metavar="L", help="other arms to show")
    gate.add_argument("--record", choices=DECISIONS, help="write down a decision")
    gate.add_argument("--by", metavar="NAME", help="who decides")
    gate.add_argument("--expires", type=datetime.date.fromisoformat, metavar="DATE")
    gate.add_argument("--note", metavar="TEXT", help="why")
    gate.add_argument("--markdown", metavar="FILE", help="also as Markdown; - for standard output")
    gate.add_argument("--json", action="store_true", help="one JSON document on stdout")
    gate.set_defaults(do=do)


def needs(options: argparse.Namespace) -> str | None:
    """What is missing of the options, in a sentence."""
    if options.loop is None or options.iteration is None:
        return "the gate needs --loop L and --iteration N"
    if options.record and not (options.by or "").strip():
        return "--record needs --by NAME: who decides"
    return None


def policy_of(options: argparse.Namespace) -> tuple[str, Policy]:
    """The policy's text and what it says.

    Raises:
        PolicyError: it cannot be read.
    """
    if options.policy is None:
        return proposal(), read_policy(proposal(), "the proposed policy")
    try:
        text = options.policy.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{options.policy}: the policy cannot be read: {error}") from error
    return text, read_policy(text, str(options.policy))


def run(options: argparse.Namespace, doors: Doors) -> int:
    """Judge, record what was decided, and tell; the exit code.

    Raises:
        PolicyError, GateError: policy or data cannot be read.
    """
    text, policy = policy_of(options)
    gate = judged(options.loop, options, doors, policy)
    if options.record:  # only on an iteration that can be judged
        doors.record(decision(options, doors, policy))
        gate = judged(options.loop, options, doors, policy)
    doors.keep_policy(text)
    arms: list[str] = []
    if options.arm:
        found = {gate.loop: gate.to_dict()}
        for arm in options.arm:
            found[arm] = judged(arm, options, doors, policy).to_dict()
        arms = other_arms(found, gate.loop)
    document = markdown(gate, arms)
    if options.json:
        told_chances = [dict(row.__dict__) | {"year": row.year(row.passes_harm)}
                        for row in chances(policy)]  # fmt: skip
        print(json.dumps({**gate.to_dict(), "other_arms": arms, "chances": told_chances}, indent=1))
    elif options.markdown == "-":
        print(document)
    else:
        print("\n".join(lines(gate, policy)))
    if options.markdown and options.markdown != "-":
        Path(options.markdown).write_text(document, encoding="utf-8")
    return gate.exit_code


def judged(loop: str, options: argparse.Namespace, doors: Doors, policy: Policy) -> Gate:
    """The gate of one loop at the asked iteration."""
    opened = sealed.opened(doors.query, loop, options.iteration, policy, doors.look)
    evidence = gather(
        doors.query, loop, options.iteration, alarm=doors.verdict(loop, options.iteration),
        indicators=doors.indicators(loop), release=options.release, submitter=options.submitter,
        today=options.on, opened=opened,
    )  # fmt: skip
    since = arrived(doors.query, loop, options.iteration)
    return judge(
        evidence, policy, loosened_since(doors.policies(), policy, since),
        snapshot(doors.generation, policy),
    )  # fmt: skip


def decision(options: argparse.Namespace, doors: Doors, policy: Policy) -> DecisionRow:
    """The row of `decisions` that was asked to be written down."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
    return {
        "loop": options.loop, "iteration": options.iteration, "decision": options.record,
        "by": options.by.strip(), "at": now,
        "expires": None if options.expires is None else str(options.expires),
        "snapshot": snapshot(doors.generation, policy), "note": options.note,
    }  # fmt: skip


def lines(gate: Gate, policy: Policy) -> list[str]:
    """The result for a terminal."""
    lines = [f"{gate.loop}, iteration {gate.iteration}: {gate.summary}"]
    for block in gate.blocks:
        lines.append(f"  {block.result:<12}  {block.name.replace('_', ' ')}: {block.reason}")
        lines += [
            f"                  {check.result}, {check.name.replace('_', ' ')}: {check.reason}"
            for check in block.checks
            if check.result != "PASS" and check is not block.telling
        ]
    lines.append(
        f"Compared with the last release, iteration {gate.release} ({gate.release_known}), and "
        "with iteration 0."
    )
    lines.append("Not looked at: " + "; ".join(gate.not_looked_at) + ".")
    lines.append(gate.looks)
    lines += [gate.gold_used] if gate.gold_used else []
    lines.append("What these limits mean for the plan's numbers of items:")
    lines += [f"  {row.sentence()}" for row in chances(policy)]
    if policy.proposals:
        lines.append(
            f"Not in the policy, so proposals are taken: {', '.join(policy.proposals)}."
        )  # fmt: skip
    return lines


def failed(error: Exception, as_json: bool) -> int:
    """Say why there is no verdict; the exit code."""
    print(str(error), file=sys.stderr)
    if as_json:
        print(json.dumps({"error": str(error)}))
    return UNREADABLE


ERRORS = (PolicyError, GateError)
