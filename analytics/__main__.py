"""Commands on results: ``python -m analytics verdict``, ``hallucination``, ``gate`` …"""

from __future__ import annotations

import data.address_space  # noqa: F401 - first: it says where there is too little memory

# isort: split
import argparse
import sys
from collections.abc import Sequence

from analytics.alerts.command import add_alerts
from analytics.commands.behaviours import add_behaviours
from analytics.commands.collapse import add_collapse
from analytics.commands.gate import add_gate
from analytics.commands.hallucination import add_hallucination
from analytics.commands.mcp import add_mcp
from analytics.commands.paid_for import add_paid_for
from analytics.commands.review import add_review
from analytics.commands.shortcuts import add_shortcuts
from analytics.commands.verdict import add_verdict
from data.serving.failing import ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 = done, 1 = a named run is not there or the store cannot be used."""
    options = _parser().parse_args(argv)
    return ended(lambda: int(options.do(options)), getattr(options, "json", False))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analytics", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_verdict(commands)
    add_hallucination(commands)
    add_behaviours(commands)
    add_paid_for(commands)
    add_gate(commands)
    add_collapse(commands)
    add_shortcuts(commands)
    add_review(commands)
    add_alerts(commands)
    add_mcp(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
