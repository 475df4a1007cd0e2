"""A gate's result as Markdown: for a pull request, a meeting's notes, an archive."""

from __future__ import annotations

from collections.abc import Sequence

from analytics.gate.result.after import steps
from analytics.gate.result.verdict import Block, Gate

MARKS = {"PASS": "✓", "FAIL": "✗", "NOT SHOWN": "?", "NOT MEASURED": "–", "WAIVED": "w"}


def markdown(gate: Gate, arms: Sequence[str] = (), server: str = "") -> str:
    """The whole result; names and texts of logs cannot become markup.

    Args:
        arms: sentences of what other arms show.
        server: where links lead, as http://monitor.example:8501.
    """
    lines = [
        f"# Gate: {plain(gate.loop)}, iteration {gate.iteration}: {gate.title}", "",
        plain(gate.summary), "",
        f"Compared with the last release, iteration {gate.release} ({gate.release_known}), and "
        "with iteration 0.", "",
        "| | block | result | why |", "|---|---|---|---|",
        *(_row(block, server) for block in gate.blocks), "",
        *_details(gate),
        "## Not looked at", "", *(f"- {plain(one)}" for one in gate.not_looked_at), "",
        "## Errors over a year", "", plain(gate.looks), "",
        *([plain(gate.gold_used), ""] if gate.gold_used else []),
    ]  # fmt: skip
    failed = [block.name for block in gate.blocks if block.result == "FAIL"]
    if failed:
        lines += ["## What the literature supports", ""]
        lines += [f"- {step.what} [{step.source}]({step.link})" for step in steps(failed)]
        lines += ["", "## What the other arms show", ""]
        lines += [f"- {plain(one)}" for one in arms] or ["No other arm was measured here."]
        lines.append("")
    if gate.snapshot:
        lines += [f"Snapshot: {plain(gate.snapshot)}", ""]
    return "\n".join(lines)


def _row(block: Block, server: str) -> str:
    name = block.name.replace("_", " ")
    link = block.telling.evidence if block.telling else ""
    shown = f"[{name}]({server}{link})" if link else name
    return f"| {MARKS[block.result]} | {shown} | {block.result} | {plain(block.reason)} |"


def _details(gate: Gate) -> list[str]:
    lines = []
    for block in gate.blocks:
        lines += [f"## {block.name.replace('_', ' ').capitalize()}: {block.result}", ""]
        lines += [
            f"- {check.result}, {check.name.replace('_', ' ')}: {plain(check.reason)}"
            for check in block.checks
        ]
        lines.append("")
    return lines


def plain(text: str) -> str:
    """Text with what Markdown or HTML would read as markup escaped, on one line.

    >>> plain("a|b <i> [x](y)")
    'a\\\\|b &lt;i&gt; \\\\[x\\\\](y)'
    """
    one = " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())
    for sign in "\\`*_[]|#":
        one = one.replace(sign, f"\\{sign}") if sign != "#" else one
    return one
